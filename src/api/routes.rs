//! Which call gets which answer.

use super::commands;
use super::connections;
use super::door::Access;
use super::events;
use super::exposition::{self, Format};
use super::log;
use super::past;
use super::process;
use super::query;
use super::reply::{Payload, Refusal, Reply, json, set};
use super::server::{Guest, MAX_HEADER, PATIENCE};
use crate::engine::{Answer, EngineHandle, Outcome, Summary, clean};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{ACCEPT, CONNECTION, ETAG, HOST, HeaderMap, HeaderName, IF_NONE_MATCH};
use hyper::{Method, Request, Response, StatusCode, Version};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;
use tokio::time::timeout;

/// Largest body of a request.
const MAX_BODY: usize = 64 * 1024;
/// Most characters of a path or a method that are told back.
const ECHOED: usize = 200;
/// In which header a client says where its user came from: an IP address, and only a claim.
pub(super) const ORIGIN: &str = "lvsdeck-origin";
/// What there is.
const CALLS: &str = "GET /v1/status, /v1/summary, /v1/rows, /v1/real-servers, /v1/virtual-routers, /v1/diff, /v1/connections, \
     /v1/sysctls, /v1/undo, /v1/events, /v1/journal, /v1/history, /v1/host, /v1/log, /metrics, and POST /v1/commands";

/// Answers one request.
pub(super) async fn answer(request: Request<Incoming>, guest: &Arc<Guest>) -> Reply {
    route(request, guest).await.unwrap_or_else(|refusal| {
        let mut reply = refusal.reply();
        let unread = [
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::SERVICE_UNAVAILABLE,
        ];
        if unread.contains(&refusal.status) {
            guest.leaves_unread.store(true, Ordering::Relaxed);
            set(&mut reply, CONNECTION, "close");
        }
        reply
    })
}

async fn route(request: Request<Incoming>, guest: &Arc<Guest>) -> Result<Reply, Refusal> {
    if let Access::Full(why) = &guest.access {
        return Err(Refusal::busy(why));
    }
    // hyper reads past its limit by what came in one piece.
    if header_size(request.headers()) > MAX_HEADER {
        return Err(Refusal::large_header(MAX_HEADER));
    }
    if request.version() == Version::HTTP_11 && request.headers().get_all(HOST).iter().count() != 1 {
        let message = "a request of HTTP/1.1 has one Host field (RFC 9112, 3.2)";
        return Err(Refusal::bad("bad-request", message, "send `Host: l`: any name will do"));
    }
    let path = request.uri().path().to_owned();
    if guest.access == Access::Metrics && path != "/metrics" {
        let next = "everything else is on the control socket alone";
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "this address has /metrics and nothing else",
            next,
        ));
    }
    let allow = match path.as_str() {
        "/v1/status"
        | "/v1/summary"
        | "/v1/rows"
        | "/v1/real-servers"
        | "/v1/virtual-routers"
        | "/v1/diff"
        | "/v1/undo"
        | "/v1/connections"
        | "/v1/sysctls"
        | "/v1/events"
        | "/v1/journal"
        | "/v1/history"
        | "/v1/host"
        | "/v1/log"
        | "/metrics" => "GET",
        "/v1/commands" => "POST",
        _ => {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "not-found",
                format!("there is no {}", clean(&path, ECHOED)),
                format!("the calls are {CALLS}"),
            ));
        }
    };
    // What a GET has besides its body: hyper leaves that out.
    let is_head = allow == "GET" && request.method() == Method::HEAD;
    if request.method().as_str() != allow && !is_head {
        let message = format!("{path} does not take {}", clean(request.method().as_str(), ECHOED));
        let refusal =
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", message, format!("use {allow}"));
        return Err(Refusal { allow: Some(allow), ..refusal });
    }
    match path.as_str() {
        "/v1/events" => happened(&request, guest).await,
        "/v1/commands" => command(request, guest).await,
        _ => computed(&request, guest).await,
    }
}

/// Bytes of all fields, with `: ` and the end of the line.
fn header_size(fields: &HeaderMap) -> usize {
    fields.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

/// Answers that are computed from the engine's snapshot, in turn.
async fn computed(request: &Request<Incoming>, guest: &Arc<Guest>) -> Result<Reply, Refusal> {
    let path = request.uri().path();
    let is_of_a_moment =
        matches!(path, "/v1/status" | "/v1/summary" | "/v1/rows" | "/v1/real-servers" | "/v1/virtual-routers");
    let (at, rest) = if is_of_a_moment { past::at(request.uri().query())? } else { (None, None) };
    if let Some(at) = at {
        return of_a_moment(at, path, rest.as_deref(), guest).await;
    }
    let query = request.uri().query();
    match path {
        "/v1/summary" => {
            query::none(query)?;
            let (server, writable) = (Arc::clone(&guest.server), guest.access == Access::Commands);
            let question = if writable { "summary for one who may write" } else { "summary" };
            let summarise = move |engine: &dyn EngineHandle| {
                let summary = engine.summary()?;
                Ok(Summary { writable: summary.writable && writable, ..summary })
            };
            if let Some(answer) = server.written_before(question) {
                return Ok(json(answer));
            }
            Ok(json(guest.ask(move |_| server.written(question, summarise)).await?))
        }
        "/v1/rows" => {
            let (server, wanted) = (Arc::clone(&guest.server), query::rows(query)?);
            let question = format!("rows {}", query.unwrap_or_default());
            if let Some(answer) = server.written_before(&question) {
                return Ok(json(answer));
            }
            Ok(json(guest.ask(move |_| server.written(&question, |engine| engine.rows(&wanted))).await?))
        }
        "/v1/real-servers" => real_server(query, guest).await,
        "/v1/connections" => connections::answer(query, guest).await,
        "/v1/journal" => past::journal(query, guest).await,
        "/v1/history" => past::history(query, guest).await,
        "/v1/virtual-routers" => {
            query::none(query)?;
            body(guest.ask(|engine| engine.virtual_routers().map(|routers| written(&routers))).await?)
        }
        "/v1/host" => {
            query::none(query)?;
            body(guest.ask(|engine| engine.host().map(|load| written(&load))).await?)
        }
        "/v1/log" => {
            let wanted = log::read(query)?;
            body(guest.ask(move |engine| engine.log(&wanted).map(|page| written(&page))).await?)
        }
        "/v1/diff" => {
            query::none(query)?;
            body(guest.ask(|engine| engine.diff().map(|found| written(&found))).await?)
        }
        "/v1/sysctls" => {
            query::none(query)?;
            body(guest.ask(|engine| engine.sysctls().map(|words| written(&words))).await?)
        }
        "/v1/undo" => {
            query::none(query)?;
            body(guest.ask(|engine| engine.undoable().map(|list| written(&list))).await?)
        }
        "/metrics" => {
            query::none(query)?;
            let format = Format::accepted(header(request, ACCEPT));
            let started_at = guest.server.started_at;
            let facts = move |engine: &dyn EngineHandle| Ok(process::facts(started_at, engine.events_of_run()?));
            let page =
                guest.ask(move |engine| Ok(exposition::page(&*engine.status()?, &facts(engine)?, format))).await?;
            Ok(exposition::reply(page, format))
        }
        _ => status(request, guest).await,
    }
}

/// Answers about a moment of the past.
async fn of_a_moment(at: SystemTime, path: &str, query: Option<&str>, guest: &Arc<Guest>) -> Result<Reply, Refusal> {
    match path {
        "/v1/rows" => {
            let wanted = query::rows(query)?;
            body(guest.ask(move |engine| engine.at(at)?.rows(&wanted).map(|page| written(&page))).await?)
        }
        "/v1/real-servers" => {
            let (service, server) = query::server(query)?;
            let name = format!("{server} in {service}");
            let found = guest.ask(move |engine| engine.at(at)?.real_server(&service, &server)).await?;
            Ok(json(written(&found.ok_or_else(|| no_server(&name))?)?))
        }
        "/v1/status" => {
            query::none(query)?;
            body(guest.ask(move |engine| engine.at(at)?.status().map(|status| written(&*status))).await?)
        }
        "/v1/virtual-routers" => {
            query::none(query)?;
            body(guest.ask(move |engine| engine.at(at)?.virtual_routers().map(|routers| written(&routers))).await?)
        }
        _ => {
            query::none(query)?;
            body(guest.ask(move |engine| engine.at(at)?.summary().map(|summary| written(&summary))).await?)
        }
    }
}

fn no_server(name: &str) -> Refusal {
    let next = "GET /v1/rows has the keys of all services and servers";
    Refusal::new(StatusCode::NOT_FOUND, "no-server", format!("there is no real server {name}"), next)
}

/// One real server by the keys of its row, or 404.
async fn real_server(query: Option<&str>, guest: &Arc<Guest>) -> Result<Reply, Refusal> {
    let (service, server) = query::server(query)?;
    let name = format!("{server} in {service}");
    let found = guest.ask(move |engine| engine.real_server(&service, &server)).await?;
    Ok(json(written(&found.ok_or_else(|| no_server(&name))?)?))
}

fn written(value: &impl Serialize) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(value).map_err(|error| {
        let message = format!("the answer can't be written: {error}");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message, "look at the engine's log")
    })
}

fn body(written: Result<Vec<u8>, Refusal>) -> Result<Reply, Refusal> {
    written.map(json)
}

fn header(request: &Request<Incoming>, name: HeaderName) -> &str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The whole status, or 304 to one who has it.
async fn status(request: &Request<Incoming>, guest: &Arc<Guest>) -> Result<Reply, Refusal> {
    query::none(request.uri().query())?;
    let server = Arc::clone(&guest.server);
    let (body, etag) = guest.ask(move |_| server.written_status()).await?;
    let known = header(request, IF_NONE_MATCH).split(',').map(str::trim).any(|tag| tag == etag || tag == "*");
    let mut reply = if known { Response::new(Payload::Whole(None)) } else { json(body) };
    if known {
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
    }
    set(&mut reply, ETAG, &etag);
    Ok(reply)
}

/// Events as a list or, to one who accepts it, as a stream.
async fn happened(request: &Request<Incoming>, guest: &Arc<Guest>) -> Result<Reply, Refusal> {
    let mut query = query::events(request.uri().query())?;
    if !header(request, ACCEPT).contains("text/event-stream") {
        return events::list(guest, query).await;
    }
    let last = header(request, HeaderName::from_static("last-event-id"));
    if !last.is_empty() {
        query.after = last.trim().parse().map_err(|_| {
            let message = format!("Last-Event-ID \"{last}\" is not a number");
            Refusal::bad("bad-query", message, "send the id of the last event that was received")
        })?;
    }
    events::stream(guest, query.after).await
}

/// Gives a command and answers with its end; 409 where its token is stale.
async fn command(request: Request<Incoming>, guest: &Arc<Guest>) -> Result<Reply, Refusal> {
    let forbidden = |code, message: &str, next: &str| Refusal::new(StatusCode::FORBIDDEN, code, message, next);
    let refusal = match &guest.access {
        Access::Commands => None,
        Access::Visitor(why) => {
            let code = "not-permitted";
            Some(forbidden(code, why, "have root add you to it (usermod -aG lvsdeck USER) and log in again"))
        }
        Access::Questions | Access::Metrics | Access::Full(_) => {
            let next = "use the socket without -ro in its name; members of its group may";
            Some(forbidden("read-only", "this socket takes no commands", next))
        }
    };
    if let Some(refusal) = refusal {
        let command = read_body(request).await.and_then(|body| commands::read(&body)).ok();
        guest.note_refused(command, &refusal.body.message);
        return Err(refusal);
    }
    let origin = header(&request, HeaderName::from_static(ORIGIN)).trim().parse().ok();
    query::none(request.uri().query())?;
    let command = commands::read(&read_body(request).await?)?;
    let asking = Arc::clone(guest);
    let answer = guest.order(move |engine| engine.command(&command, &asking.who(origin))).await?;
    match answer {
        Answer { outcome: Outcome::Stale, message, .. } => {
            let next = "make a dry run again, look at it, and send its token";
            Err(Refusal::new(StatusCode::CONFLICT, "stale", message, next))
        }
        answer => Ok(json(written(&answer)?)),
    }
}

async fn read_body(request: Request<Incoming>) -> Result<Bytes, Refusal> {
    let too_large = || {
        let message = format!("the body is larger than {MAX_BODY} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message, "a command is one small JSON object")
    };
    let body = request.into_body();
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(too_large());
    }
    match timeout(PATIENCE, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => Err(Refusal::bad("bad-json", format!("the body ends early: {error}"), "send all of it")),
        Err(_) => Err(Refusal::slow("body", PATIENCE)),
    }
}

//! Server and client over real sockets in a directory of their own.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may fail

mod api_fixture;

use api_fixture::served::{Reply, Running, exchange, post_to, read_all};
use api_fixture::{FakeEngine, small};
use lvsdeck::api::{BindError, Client, bind, read_only_path, serve};
use lvsdeck::engine::{
    Command, CommandRequest, EngineHandle, HandleError, Outcome, RowsQuery, Sort, VirtualRouterState, Who,
};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

fn drain() -> CommandRequest {
    let command = Command::Drain {
        server: "10.0.0.71".parse().unwrap(),
        service: None,
        hold_seconds: None,
        deadline_seconds: None,
    };
    CommandRequest { command, reason: Some("update".into()), dry_run: false, token: None, force: false }
}

#[test]
fn every_question_has_its_answer() {
    let running = Running::new(small());
    running.engine.happen("tcp/10.0.0.1:80 10.0.0.72:80", 41);
    assert_eq!(running.get("/v1/status").json()["virtual_servers"][1]["name"], "web");
    assert_eq!(running.get("/v1/summary").json()["writable"], true);
    let rows =
        running.get("/v1/rows?sort=file&filter=rs:10.0.0.71&limit=1&anchor=tcp/10.0.0.1:80%2010.0.0.71:80").json();
    assert_eq!((&rows["total"], &rows["offset"]), (&2.into(), &1.into()));
    assert_eq!(rows["rows"][0]["key"], "tcp/10.0.0.1:80 10.0.0.71:80");
    assert_eq!(running.get("/v1/virtual-routers").json()[0]["name"], "VI_1");
    let events = running.get("/v1/events").json();
    assert_eq!((&events["events"][0]["seq"], &events["events"][0]["kind"]), (&1.into(), &"server-health".into()));
    let server = running.get("/v1/real-servers?service=tcp/10.0.0.1:80&server=10.0.0.71%3A80").json();
    assert_eq!(server, running.get("/v1/status").json()["virtual_servers"][1]["real_servers"][0]);
    for path in ["/v1/status", "/v1/summary", "/v1/rows", "/v1/virtual-routers", "/v1/events"] {
        assert_eq!(running.get(path).header("content-type"), Some("application/json"), "{path}");
    }
}

#[test]
fn one_who_has_the_status_is_told_that_nothing_changed() {
    let running = Running::new(small());
    let etag = running.get("/v1/status").header("etag").unwrap().to_owned();
    let again = |tag: &str| {
        let head = "GET /v1/status HTTP/1.1\r\nHost: l\r\nConnection: close\r\nIf-None-Match:";
        exchange(&running.socket, &format!("{head} {tag}\r\n\r\n"))
    };
    assert_eq!((again(&etag).status, again(&etag).body.as_str()), (304, ""));
    assert_eq!(again("\"other\"").status, 200);
    running.engine.publish(small());
    assert_eq!(again(&etag).status, 304, "the same content has the same tag");
    let mut changed = small();
    changed.virtual_routers[0].state = VirtualRouterState::Backup;
    running.engine.publish(changed);
    let reply = again(&etag);
    assert_eq!((reply.status, &reply.json()["virtual_routers"][0]["state"]), (200, &"BACKUP".into()));
}

#[test]
fn a_command_is_done_in_the_name_of_who_asked() {
    let running = Running::new(small());
    let reply = running.post(r#"{"verb":"drain","server":"10.0.0.71","reason":"update"}"#);
    assert_eq!((reply.status, &reply.json()["outcome"]), (200, &"done".into()));
    let (request, who) = running.engine.asked.lock().unwrap()[0].clone();
    assert_eq!(request, drain());
    assert_eq!(who.pid, Some(std::process::id()));
    let user = std::process::Command::new("id").arg("-un").output().unwrap();
    assert_eq!(who.user, String::from_utf8(user.stdout).unwrap().trim());
}

#[test]
fn how_a_command_ends_decides_the_status() {
    let running = Running::new(small());
    let preview = running.post(r#"{"verb":"stop","dry_run":true}"#).json();
    assert_eq!((&preview["outcome"], preview["token"].is_string()), (&"preview".into(), true));
    for (outcome, word) in [(Outcome::Refused, "refused"), (Outcome::Failed, "failed")] {
        running.engine.let_commands_end(outcome);
        let reply = running.post(r#"{"verb":"stop"}"#);
        assert_eq!((reply.status, &reply.json()["outcome"]), (200, &word.into()));
    }
    running.engine.let_commands_end(Outcome::Stale);
    assert_eq!(running.post(r#"{"verb":"stop","token":"old"}"#).refusal(), (409, "stale".into()));
}

#[test]
fn a_wrong_request_is_refused_with_a_code_and_reaches_no_engine() {
    let running = Running::new(small());
    for (path, status, code) in [
        ("/", 404, "not-found"),
        ("/v2/status", 404, "not-found"),
        ("/v1/rows?filer=x", 400, "bad-query"),
        ("/v1/rows?limit=-1", 400, "bad-query"),
        ("/v1/status?x=1", 400, "bad-query"),
        ("/v1/real-servers?service=tcp/10.0.0.1:80", 400, "bad-query"),
        ("/v1/real-servers?service=tcp/10.0.0.1:80&server=10.9.9.9:80", 404, "no-server"),
        ("/v1/real-servers?service=web&server=10.0.0.71:80", 404, "no-server"),
        ("/v1/events?after=x", 400, "bad-query"),
    ] {
        assert_eq!(running.get(path).refusal(), (status, code.into()), "{path}");
    }
    for (body, code) in [
        ("", "bad-json"),
        ("{\"verb\":", "bad-json"),
        ("\u{fffd}", "bad-json"),
        ("{\"verb\":\"explode\"}", "unknown-verb"),
        ("{\"verb\":\"stop\",\"now\":1}", "unknown-field"),
        ("{\"verb\":\"weight\",\"service\":\"web\",\"server\":\"10.0.0.71:80\",\"weight\":\"5\"}", "bad-field"),
    ] {
        assert_eq!(running.post(body).refusal(), (400, code.into()), "{body}");
    }
    let nested = "[".repeat(60_000);
    assert_eq!(running.post(&nested).refusal(), (400, "bad-json".into()), "deep nesting");
    assert!(running.engine.asked.lock().unwrap().is_empty());
}

#[test]
fn another_method_is_told_which_one_is_right() {
    let running = Running::new(small());
    for (request, allow) in [
        ("DELETE /v1/status", "GET"),
        ("POST /v1/rows", "GET"),
        ("GET /v1/commands", "POST"),
        ("PUT /v1/commands", "POST"),
    ] {
        let reply = exchange(&running.socket, &format!("{request} HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n"));
        assert_eq!(reply.refusal(), (405, "method-not-allowed".into()), "{request}");
        assert_eq!(reply.header("allow").map(str::to_uppercase).as_deref(), Some(allow));
    }
}

#[test]
fn a_head_is_a_get_without_its_body() {
    let running = Running::new(small());
    for path in ["/v1/summary", "/v1/status", "/metrics"] {
        let ask = |method| {
            exchange(&running.socket, &format!("{method} {path} HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n"))
        };
        let (head, get) = (ask("HEAD"), ask("GET"));
        assert_eq!((head.status, head.header("content-type")), (200, get.header("content-type")), "{path}");
        assert!(head.body.is_empty() && !get.body.is_empty(), "{path}");
    }
}

#[test]
fn a_header_that_is_too_large_is_refused_though_it_came_in_one_piece() {
    let running = Running::new(small());
    let ask = |size: usize| {
        let fields = format!("X: {}\r\nY: {}", "x".repeat(size / 2), "y".repeat(size / 2));
        exchange(
            &running.socket,
            &format!("GET /v1/summary HTTP/1.1\r\nHost: l\r\nConnection: close\r\n{fields}\r\n\r\n"),
        )
    };
    assert_eq!(ask(60_000).status, 200);
    assert_eq!(ask(66_000).refusal(), (431, "header-too-large".into()));
}

#[test]
fn a_body_that_is_too_large_is_refused_whether_it_says_so_or_not() {
    let running = Running::new(small());
    let body = format!("{{\"verb\":\"stop\",\"reason\":\"{}\"}}", "x".repeat(70_000));
    assert_eq!(running.post(&body).refusal(), (413, "too-large".into()));
    let head = "POST /v1/commands HTTP/1.1\r\nHost: l\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunked = format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    assert_eq!(exchange(&running.socket, &chunked).refusal(), (413, "too-large".into()));
    let claim = "POST /v1/commands HTTP/1.1\r\nHost: l\r\nContent-Length: 99999999999\r\n\r\n";
    assert_eq!(exchange(&running.socket, claim).refusal(), (413, "too-large".into()));
    let long =
        format!("POST /v1/commands HTTP/1.1\r\nHost: l\r\nContent-Length: 1000000\r\n\r\n{}", "x".repeat(1_000_000));
    let mut stream = UnixStream::connect(&running.socket).unwrap();
    stream.write_all(long.as_bytes()).unwrap(); // nobody hangs up on one who writes
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(Reply::parse(&read_all(stream)).refusal(), (413, "too-large".into()));
    assert!(running.engine.asked.lock().unwrap().is_empty());
}

#[test]
fn what_is_not_http_is_refused_and_the_server_goes_on() {
    let running = Running::new(small());
    for (garbage, said) in [
        ("\0\0\0\0\0\0\0\0\r\n\r\n", "method"),
        ("hello\r\n\r\n", ""),
        ("GET / HTTP/9.9\r\n\r\n", "no request of HTTP/1.1"),
        ("GET /\0 HTTP/1.1\r\n\r\n", ""),
        ("GET / HTTP/1.1\r\nHo st: l\r\n\r\n", "header"),
        ("POST / HTTP/1.1\r\nHost: l\r\nContent-Length: x\r\n\r\n", "content-length"),
        ("POST / HTTP/1.1\r\nHost: l\r\nTransfer-Encoding: x\r\n\r\n", "transfer-encoding"),
    ] {
        let reply = exchange(&running.socket, garbage);
        let told = reply.body.clone();
        assert_eq!(reply.refusal(), (400, "bad-request".into()), "{garbage:?}");
        assert!(told.contains(said), "{garbage:?}: {told}");
    }
    let second = exchange(&running.socket, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert_eq!(second.refusal(), (400, "bad-request".into()));
    let path = format!("/v1/{}", "x".repeat(60_000));
    let nowhere = exchange(&running.socket, &format!("GET {path} HTTP/1.1\r\nHost: l\r\n\r\n"));
    assert_eq!(nowhere.refusal(), (404, "not-found".into()));
    assert!(nowhere.body.len() < 1_000, "{} bytes", nowhere.body.len());
    let huge = format!("GET /v1/status HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(200_000));
    assert_eq!(exchange(&running.socket, &huge).refusal(), (431, "header-too-large".into()));
    let long = format!("GET /{} HTTP/1.1\r\nHost: l\r\n\r\n", "x".repeat(200_000));
    assert_eq!(exchange(&running.socket, &long).refusal(), (414, "path-too-long".into()));
    for (head, status) in [
        ("HTTP/1.1\r\n", 400),
        ("HTTP/1.1\r\nHost: l\r\nHost: m\r\n", 400),
        ("HTTP/1.1\r\nHost:\r\n", 200),
        ("HTTP/1.0\r\n", 200),
    ] {
        let request = format!("GET /v1/summary {head}Connection: close\r\n\r\n");
        assert_eq!(exchange(&running.socket, &request).status, status, "{head:?}");
    }
    drop(UnixStream::connect(&running.socket).unwrap());
    assert_eq!(running.get("/v1/summary").status, 200);
}

#[test]
fn one_who_closed_his_half_gets_his_answer() {
    let running = Running::new(small());
    let mut stream = UnixStream::connect(&running.socket).unwrap();
    stream.write_all(b"GET /v1/summary HTTP/1.1\r\nHost: l\r\n\r\n").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(Reply::parse(&read_all(stream)).status, 200);
    for half in ["GET /v1/sum", "GET /v1/summary HTTP/1.1\r\nHost: l\r\n"] {
        let mut stream = UnixStream::connect(&running.socket).unwrap();
        stream.write_all(half.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(Reply::parse(&read_all(stream)).refusal(), (400, "bad-request".into()), "{half:?}");
    }
    let mut stream = UnixStream::connect(&running.socket).unwrap();
    stream.write_all(b"POST /v1/commands HTTP/1.1\r\nHost: l\r\nContent-Length: 50\r\n\r\n{\"verb\"").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let reply = Reply::parse(&read_all(stream));
    assert!([0, 400].contains(&reply.status), "half a body is no command: {reply:?}");
    assert!(running.engine.asked.lock().unwrap().is_empty());
}

/// Runs client and server on one paused clock, which jumps to the next deadline when nobody has anything to do.
async fn slow(request: &[u8]) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("lvsdeck.sock");
    let bound = bind(&socket).unwrap();
    let client = async {
        let mut stream = tokio::net::UnixStream::connect(&socket).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    };
    tokio::select! {
        text = client => text,
        _ = serve(&bound, FakeEngine::new(small()), std::future::pending()) => unreachable!(),
    }
}

#[tokio::test(start_paused = true)]
async fn one_who_never_finishes_a_request_is_shown_out() {
    let started = tokio::time::Instant::now();
    let header = slow(b"GET /v1/status HTTP/1.1\r\nHost:").await;
    assert_eq!(Reply::parse(&header).refusal(), (408, "slow-request".into()));
    let body = slow(b"POST /v1/commands HTTP/1.1\r\nHost: l\r\nContent-Length: 20\r\n\r\n{").await;
    assert_eq!(Reply::parse(&body).refusal(), (408, "slow-request".into()));
    let took = started.elapsed();
    assert!((Duration::from_secs(20)..Duration::from_secs(22)).contains(&took), "{took:?}");
}

#[test]
fn the_read_only_socket_answers_questions_and_takes_no_command() {
    let running = Running::new(small());
    let reply = post_to(&running.read_only(), r#"{"verb":"stop","dry_run":true}"#);
    assert_eq!(reply.refusal(), (403, "read-only".into()));
    let summary = Client::connect(&running.read_only()).unwrap().summary().unwrap();
    assert!(!summary.writable);
    assert!(Client::connect(&running.socket).unwrap().summary().unwrap().writable);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&running.read_only()), 0o666);
    assert!([0o660, 0o600].contains(&mode(&running.socket)));
}

#[test]
fn a_second_engine_is_told_who_has_the_socket() {
    let mut running = Running::new(small());
    let error = bind(&running.socket).unwrap_err();
    assert!(matches!(error, BindError::InUse { .. }), "{error}");
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains(running.socket.to_str().unwrap()));
    assert_eq!(running.get("/v1/summary").status, 200, "the first one goes on");
    running.stop();
    let left: Vec<_> = fs::read_dir(running.socket.parent().unwrap()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    bind(&running.socket).unwrap();
}

#[test]
fn a_socket_that_somebody_else_answers_on_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("lvsdeck.sock");
    let _other = UnixListener::bind(&socket).unwrap();
    assert!(matches!(bind(&socket), Err(BindError::InUse { .. })));
    assert!(UnixStream::connect(&socket).is_ok());
}

#[test]
fn a_socket_that_a_crash_left_behind_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("lvsdeck.sock");
    drop(UnixListener::bind(&socket).unwrap());
    drop(UnixListener::bind(read_only_path(&socket)).unwrap());
    fs::write(dir.path().join("lvsdeck.lock"), "").unwrap();
    let bound = bind(&socket).unwrap();
    assert!(UnixStream::connect(&socket).is_ok());
    drop(bound);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_file_that_is_no_socket_is_never_removed() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("lvsdeck.sock");
    fs::write(&socket, "precious").unwrap();
    let error = bind(&socket).unwrap_err();
    assert!(matches!(error, BindError::NotASocket { .. }), "{error}");
    assert_eq!(fs::read_to_string(&socket).unwrap(), "precious");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was made beside it");
    let error = bind(&socket.join("below/lvsdeck.sock")).unwrap_err();
    assert_eq!((error.exit_code(), error.to_string().contains("can't create")), (1, true), "{error}");
}

#[test]
fn of_many_engines_started_at_once_one_gets_the_socket() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("lvsdeck.sock");
    drop(UnixListener::bind(&socket).unwrap());
    let barrier = std::sync::Barrier::new(8);
    let bound: Vec<_> = std::thread::scope(|scope| {
        let starters: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    bind(&socket)
                })
            })
            .collect();
        starters.into_iter().map(|starter| starter.join().unwrap()).collect()
    });
    assert_eq!(bound.iter().filter(|bound| bound.is_ok()).count(), 1);
    assert!(bound.iter().all(|b| matches!(b, Ok(_) | Err(BindError::InUse { .. }))), "{bound:?}");
    assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
}

/// The statuses that so many clients get who ask at the same time and stay.
fn crowd(socket: &Path, clients: usize) -> (Vec<UnixStream>, Vec<u16>) {
    let mut clients: Vec<_> = (0..clients)
        .map(|_| {
            let mut stream = UnixStream::connect(socket).unwrap();
            stream.write_all(b"GET /v1/summary HTTP/1.1\r\nHost: l\r\n\r\n").unwrap();
            stream
        })
        .collect();
    let statuses = clients.iter_mut().map(status_of).collect();
    (clients, statuses)
}

fn status_of(stream: &mut UnixStream) -> u16 {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    Reply::parse(&line).status
}

#[test]
fn each_socket_has_its_seats_and_who_gets_none_is_told_why() {
    let running = Running::new(small());
    for (socket, seats) in [(running.socket.clone(), 256), (running.read_only(), 128)] {
        let (clients, statuses) = crowd(&socket, seats + 40);
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), seats);
        assert_eq!(statuses.iter().filter(|status| **status == 503).count(), 40);
        let told = exchange(&socket, "GET /v1/summary HTTP/1.1\r\nHost: l\r\n\r\n");
        assert_eq!(told.refusal(), (503, "busy".into()));
        let other = if seats == 128 { running.socket.clone() } else { running.read_only() };
        let reply = exchange(&other, "GET /v1/summary HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n");
        assert_eq!(reply.status, 200, "the other socket has seats of its own");
        drop(clients);
        let again = "GET /v1/summary HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n";
        while exchange(&socket, again).status != 200 {}
    }
}

#[test]
fn who_comes_when_even_the_standing_places_are_taken_is_told_so_too() {
    let running = Running::new(small());
    let silent: Vec<_> = (0..256 + 64).map(|_| UnixStream::connect(&running.socket).unwrap()).collect();
    let mut late: Vec<_> = (0..100).map(|_| UnixStream::connect(&running.socket).unwrap()).collect();
    for stream in &mut late {
        assert_eq!(status_of(stream), 503, "before it asked");
    }
    let client = Client::connect(&running.socket).unwrap();
    match client.summary() {
        Err(HandleError::Rejected { status: 503, code, .. }) => assert_eq!(code, "busy"),
        other => panic!("{other:?}"),
    }
    drop((silent, late));
    while client.summary().is_err() {}
}

#[test]
fn a_stream_holds_one_of_32_places_until_its_connection_ends() {
    let running = Running::new(small());
    let socket = running.read_only();
    let mut streams: Vec<_> = (0..32).map(|_| listen(&socket, "")).collect();
    assert!(streams.iter_mut().all(|stream| status_of(stream) == 200));
    let further = || {
        let mut stream = listen(&socket, "");
        (status_of(&mut stream), stream)
    };
    assert_eq!(further().0, 503);
    assert_eq!(status_of(&mut listen(&running.socket, "")), 200, "the other socket has places of its own");
    streams.pop();
    while further().0 != 200 {
        running.engine.happen("VI_1", 0); // a reader that went is noticed when there is something to write
    }
}

#[test]
fn those_who_ask_for_events_and_go_take_their_turns_all_the_same() {
    let running = Running::new(small());
    running.engine.happen("VI_1", 0);
    running.engine.let_meet(3);
    for _ in 0..4 {
        drop(listen(&running.read_only(), "Last-Event-ID: 1\r\n"));
        let mut stream = UnixStream::connect(running.read_only()).unwrap();
        stream.write_all(b"GET /v1/events HTTP/1.1\r\nHost: l\r\n\r\n").unwrap();
    }
    let last = "GET /v1/events HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n";
    assert_eq!(exchange(&running.read_only(), last).status, 200);
    assert!(running.engine.most_met() <= 2, "{}", running.engine.most_met());
}

#[test]
fn a_stream_of_a_full_journal_is_written_a_page_at_a_time() {
    let running = Running::new(small());
    (0..1000).for_each(|n| running.engine.happen("VI_1", n));
    let stream = listen(&running.socket, "");
    let (mut pages, mut seen) = (vec![0], 0);
    for line in BufReader::new(stream).split(b'\n').map(|line| String::from_utf8(line.unwrap()).unwrap()) {
        if line.ends_with('\r') {
            pages.push(0); // a part ends or begins; lines of events end otherwise
        } else if let Some(id) = line.strip_prefix("id: ") {
            seen += 1;
            assert_eq!(id.parse(), Ok(seen));
            *pages.last_mut().unwrap() += 1;
        }
        if seen == 1000 {
            break;
        }
    }
    pages.retain(|page| *page > 0);
    assert_eq!(pages, [256, 256, 256, 232]);
}

#[test]
fn streams_that_nobody_reads_keep_no_turn_from_those_who_ask() {
    let running = Running::new(small());
    let long = "VI".repeat(200);
    (0..2000).for_each(|n| running.engine.happen(&long, n));
    let _deaf: Vec<_> = (0..12).map(|_| listen(&running.read_only(), "")).collect();
    for _ in 0..20 {
        let mut stream = UnixStream::connect(running.read_only()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(b"GET /v1/events?limit=1 HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n").unwrap();
        assert_eq!(status_of(&mut stream), 200);
    }
}

/// Reads server-sent events until so many ids came.
fn ids(stream: UnixStream, count: usize) -> Vec<u64> {
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    lines.filter_map(|line| line.strip_prefix("id: ").and_then(|id| id.parse().ok())).take(count).collect()
}

fn listen(socket: &Path, header: &str) -> UnixStream {
    let mut stream = UnixStream::connect(socket).unwrap();
    let request = format!("GET /v1/events HTTP/1.1\r\nHost: l\r\nAccept: text/event-stream\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

#[test]
fn a_stream_tells_what_was_and_what_comes_and_resumes_where_it_broke() {
    let running = Running::new(small());
    (0..3).for_each(|n| running.engine.happen("tcp/10.0.0.1:80 10.0.0.72:80", n));
    let from_start = listen(&running.socket, "");
    assert_eq!(ids(from_start.try_clone().unwrap(), 3), [1, 2, 3]);
    running.engine.happen("tcp/10.0.0.1:80 10.0.0.72:80", 0);
    assert_eq!(ids(from_start, 1), [4]);
    let resumed = listen(&running.read_only(), "Last-Event-ID: 2\r\n");
    assert_eq!(ids(resumed, 2), [3, 4]);
    let of_another_run = listen(&running.socket, "Last-Event-ID: 900\r\n");
    assert_eq!(ids(of_another_run, 4), [1, 2, 3, 4]);
    let bad = exchange(
        &running.socket,
        "GET /v1/events HTTP/1.1\r\nHost: l\r\nConnection: close\r\nAccept: text/event-stream\r\nLast-Event-ID: x\r\n\r\n",
    );
    assert_eq!(bad.refusal(), (400, "bad-query".into()));
}

#[test]
fn a_stream_has_ids_kinds_and_json() {
    let running = Running::new(small());
    running.engine.happen("tcp/10.0.0.1:80 10.0.0.72:80", 0);
    let lines = BufReader::new(listen(&running.socket, "")).lines().map(Result::unwrap);
    let lines: Vec<_> = lines.skip_while(|line| !line.starts_with("id:")).take(3).collect();
    assert_eq!(lines[..2], ["id: 1", "event: server-health"]);
    let event: Value = serde_json::from_str(lines[2].strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!((&event["from"], &event["to"], &event["reason"]), (&"up".into(), &"down".into(), &"timeout".into()));
}

#[test]
fn a_question_that_waits_for_an_event_gets_it_and_holds_up_no_other() {
    let running = Running::new(small());
    let client = Arc::new(Client::connect(&running.socket).unwrap());
    let waiting = std::thread::spawn({
        let client = Arc::clone(&client);
        move || client.events(0, 10, Duration::from_secs(20)).unwrap()
    });
    assert_eq!(client.summary().unwrap().node, "d1");
    assert!(client.events(0, 10, Duration::ZERO).unwrap().is_empty());
    running.engine.happen("VI_1", 0);
    assert_eq!(waiting.join().unwrap()[0].subject, "VI_1");
}

#[test]
fn the_client_is_a_handle_like_any_other() {
    let running = Running::new(small());
    let client = Client::connect(&running.socket).unwrap();
    assert_eq!(client.summary().unwrap(), running.engine.summary().unwrap());
    assert_eq!(client.status().unwrap(), running.engine.status().unwrap());
    assert_eq!(client.virtual_routers().unwrap(), running.engine.virtual_routers().unwrap());
    let query = RowsQuery { sort: Sort::Key, filter: Some("!state:down é%".into()), ..RowsQuery::default() };
    assert_eq!(client.rows(&query).unwrap(), running.engine.rows(&query).unwrap());
    let found = client.real_server("tcp/10.0.0.1:80", "10.0.0.71:80").unwrap();
    assert_eq!(found.as_ref(), running.engine.status().unwrap().virtual_servers[1].real_servers.first());
    assert_eq!(client.real_server("tcp/10.0.0.1:80", "10.9.9.9:80").unwrap(), None);
    let answer = client.command(&drain(), &Who::default()).unwrap();
    assert_eq!((answer.outcome, answer.preview.undo), (Outcome::Done, Some(Command::Rejoin { instance: None })));
    running.engine.let_commands_end(Outcome::Stale);
    let stale = client.command(&drain(), &Who::default()).unwrap();
    assert_eq!((stale.outcome, stale.message.as_str()), (Outcome::Stale, "drain of the fake"));
    let failover = Command::Failover { instance: None, hold_seconds: Some(300), blind: false };
    let request = CommandRequest { command: failover, reason: None, dry_run: false, token: None, force: false };
    assert!(client.command(&request, &Who::default()).is_ok());
}

#[test]
fn a_client_outlives_a_restart_of_its_engine() {
    let mut running = Running::new(small());
    let socket = running.socket.clone();
    let client = Client::connect(&socket).unwrap();
    client.summary().unwrap();
    running.stop();
    assert!(matches!(client.summary(), Err(HandleError::NoEngine { .. })));
    let bound = bind(&socket).unwrap();
    let again = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (done, stop) = oneshot::channel::<()>();
        let asked = std::thread::spawn(move || {
            let node = client.summary().unwrap().node;
            drop(done);
            node
        });
        runtime.block_on(serve(&bound, FakeEngine::new(small()), async { drop(stop.await) })).unwrap();
        asked.join().unwrap()
    });
    assert_eq!(again.join().unwrap(), "d1");
}

#[test]
fn where_no_engine_answers_the_client_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("lvsdeck.sock");
    let error = Client::connect(&socket).unwrap_err();
    assert!(matches!(error, HandleError::NoEngine { .. }), "{error}");
    assert!(error.to_string().contains(socket.to_str().unwrap()));
    drop(UnixListener::bind(&socket).unwrap());
    assert!(matches!(Client::connect(&socket), Err(HandleError::NoEngine { .. })));
}

#[test]
fn an_answer_that_is_no_answer_of_ours_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("other.sock");
    let other = UnixListener::bind(&socket).unwrap();
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").unwrap();
    });
    let error = Client::connect(&socket).unwrap().summary().unwrap_err();
    assert!(matches!(error, HandleError::Unreadable(_)), "{error}");
    serving.join().unwrap();
}

#[test]
fn a_server_that_stops_finishes_streams_and_removes_its_files() {
    let mut running = Running::new(small());
    let stream = listen(&running.socket, "");
    let idle = UnixStream::connect(&running.socket).unwrap();
    let client = Client::connect(&running.socket).unwrap();
    let waiting = std::thread::spawn(move || client.events(0, 10, Duration::from_secs(20)));
    assert_eq!(running.get("/v1/summary").status, 200);
    running.stop();
    assert!(read_all(stream).starts_with("HTTP/1.1 200"));
    let waited = waiting.join().unwrap();
    assert!(matches!(&waited, Ok(events) if events.is_empty()) || matches!(waited, Err(HandleError::NoEngine { .. })));
    drop(idle);
    assert!(!running.socket.exists() && !running.read_only().exists());
}

/// The keys of an object, in the order in which they are written.
fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn the_status_has_the_keys_that_are_promised_and_no_others() {
    let json = Running::new(small()).get("/v1/status").json();
    let sorted = |text: &str| {
        let mut words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    let (router, service) = (&json["virtual_routers"][0], &json["virtual_servers"][0]);
    let server = &service["real_servers"][0];
    for (value, promised) in [
        (
            &json,
            "version node pid mode dataplane config role last_event changed_at virtual_routers virtual_servers drift \
             foreign warnings",
        ),
        (&json["config"], "file loaded_at generation"),
        (
            router,
            "name interface family vrid version state priority effective_priority advert_interval_ms preempt since \
             reason addresses addresses_here next peers counters history detail",
        ),
        (&router["next"], "waiting in_ms"),
        (&router["peers"][0], "address source last_heard_at last_priority state reachable rejected detail"),
        (&router["history"][0], "at state reason"),
        (
            service,
            "key name scheduler forward persistence quorum sorry_server_active in_kernel counters rates real_servers",
        ),
        (&service["quorum"], "need have up"),
        (&service["counters"], "connections in_packets out_packets in_bytes out_bytes"),
        (&service["rates"], "connections_per_s in_packets_per_s out_packets_per_s in_bytes_per_s out_bytes_per_s"),
        (
            server,
            "key forward weight configured_weight health health_since admin added kernel active inactive persistent \
             checks counters rates",
        ),
        (&server["kernel"], "weight forward"),
        (&server["checks"][0], "type target ok failures latency_ms at error next_in_ms"),
    ] {
        assert_eq!(keys(value), sorted(promised));
    }
    assert_eq!((&json["version"], &json["role"], &router["state"]), (&1.into(), &"MASTER".into(), &"MASTER".into()));
    assert_eq!(
        (&server["health"], &server["admin"], &server["forward"]),
        (&"up".into(), &"enabled".into(), &"dr".into())
    );
    assert_eq!(router["since"], "2027-01-15T07:58:20.000Z");
}

/// Does something as another user: only this thread changes, as the system knows it.
fn as_user<T: Send + 'static>(user: u32, groups: &[u32], act: impl FnOnce() -> T + Send + 'static) -> T {
    use rustix::process::{Gid, Uid};
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
    assert!(rustix::process::geteuid().is_root(), "this test needs root: it asks as other users");
    let groups: Vec<_> = groups.iter().map(|group| Gid::from_raw(*group)).collect();
    let acting = std::thread::spawn(move || {
        set_thread_groups(&groups).unwrap();
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(user));
        set_thread_res_gid(group, group, group).unwrap();
        set_thread_res_uid(user, user, user).unwrap();
        act()
    });
    acting.join().unwrap()
}

/// A server whose writable socket lets everybody in, by a slip of the hand.
fn open_to_all() -> Running {
    let running = Running::new(small());
    fs::set_permissions(&running.socket, fs::Permissions::from_mode(0o666)).unwrap();
    running
}

#[test]
fn who_is_neither_root_nor_a_member_is_answered_and_may_not_command_whatever_the_file_says() {
    let running = open_to_all();
    let socket = running.socket.clone();
    let (refused, summary) = as_user(65_534, &[1234], move || {
        let summary = "GET /v1/summary HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n";
        (post_to(&socket, r#"{"verb":"stop"}"#), exchange(&socket, summary))
    });
    assert_eq!(refused.refusal(), (403, "not-permitted".into()));
    assert!(refused.json()["message"].as_str().unwrap().contains("nobody"), "{refused:?}");
    assert_eq!((summary.status, &summary.json()["writable"]), (200, &false.into()));
    assert_eq!(running.get("/v1/summary").json()["writable"], true, "and the next one is told of itself");
    assert!(running.engine.asked.lock().unwrap().is_empty());
    let told = running.engine.refused.lock().unwrap().clone();
    let [(verb, who, why)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((verb.as_deref(), who.user.as_str(), who.pid), (Some("stop"), "nobody", Some(std::process::id())));
    assert!(why.contains("may not give commands"), "{why}");
}

#[test]
fn whoever_asks_again_and_again_for_what_he_may_not_is_told_of_once_and_then_in_sum() {
    let running = Running::new(small());
    let read_only = running.socket.with_file_name("lvsdeck-ro.sock");
    let told = || running.engine.refused.lock().unwrap().clone();
    assert_eq!(post_to(&read_only, r#"{"verb":"stop","dry_run":true}"#).status, 403);
    assert_eq!(told(), [], "it would have done nothing");
    for body in [r#"{"verb":"stop"}"#, "nonsense", r#"{"verb":"reload"}"#, r#"{"verb":"rejoin"}"#] {
        assert_eq!(post_to(&read_only, body).refusal(), (403, "read-only".into()));
    }
    assert_eq!(told().len(), 1);
    let begun = Instant::now();
    while told().len() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the sum never came");
        std::thread::yield_now();
    }
    let (verb, _, why) = told().pop().unwrap();
    assert_eq!(
        (verb.as_deref(), why.as_str()),
        (Some("rejoin"), "this socket takes no commands (the last of 3 in 1 s)")
    );
}

#[test]
fn where_a_command_comes_from_is_a_claim_and_nothing_but_an_address() {
    let running = Running::new(small());
    let order = |origin: &str| {
        let body = r#"{"verb":"reload"}"#;
        let head =
            "POST /v1/commands HTTP/1.1\r\nHost: l\r\nConnection: close\r\nContent-Length: 17\r\nLvsdeck-Origin:";
        assert_eq!(exchange(&running.socket, &format!("{head} {origin}\r\n\r\n{body}")).status, 200);
        running.engine.asked.lock().unwrap().last().unwrap().1.clone()
    };
    let who = order("10.0.0.5");
    assert!(who.to_string().ends_with(&format!("pid {}, from 10.0.0.5 (claimed)", std::process::id())), "{who}");
    for nonsense in ["root", "10.0.0.5 anna", "[2J", "10.0.0.5,10.0.0.6"] {
        assert_eq!(order(nonsense).origin, None, "{nonsense:?}");
    }
}

#[test]
fn one_user_gets_half_of_the_seats_and_streams_and_the_others_are_let_in() {
    let running = Running::new(small());
    let socket = running.read_only();
    let (mine, statuses, told) = as_user(65_534, &[], {
        let socket = socket.clone();
        move || {
            let (mine, statuses) = crowd(&socket, 100);
            let told = exchange(&socket, "GET /v1/summary HTTP/1.1\r\nHost: l\r\n\r\n");
            (mine, statuses, told)
        }
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 64);
    assert_eq!(told.refusal(), (503, "busy".into()));
    assert!(told.json()["message"].as_str().unwrap().contains("nobody has 64"), "{told:?}");
    let another = as_user(1234, &[], {
        let socket = socket.clone();
        move || exchange(&socket, "GET /v1/summary HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n")
    });
    assert_eq!(another.status, 200);
    drop(mine);
    let streams = as_user(1234, &[], move || {
        let mut streams: Vec<_> = (0..20).map(|_| listen(&socket, "")).collect();
        streams.iter_mut().map(status_of).filter(|status| *status == 200).count()
    });
    assert_eq!(streams, 16);
}

#[test]
fn requests_that_come_all_at_once_are_answered_in_their_order() {
    let running = Running::new(small());
    let mut stream = UnixStream::connect(&running.socket).unwrap();
    let mut all = String::new();
    for _ in 0..50 {
        all += "GET /v1/summary HTTP/1.1\r\nHost: l\r\n\r\nGET /nothing HTTP/1.1\r\nHost: l\r\n\r\n";
    }
    all +=
        "POST /v1/commands HTTP/1.1\r\nHost: l\r\nConnection: close\r\nContent-Length: 17\r\n\r\n{\"verb\":\"reload\"}";
    stream.write_all(all.as_bytes()).unwrap();
    let text = read_all(stream);
    let statuses: Vec<_> = text.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses.len(), 101);
    assert!(statuses[..100].chunks(2).all(|pair| pair == ["200", "404"]), "{statuses:?}");
    assert_eq!(statuses[100], "200");
}

#[test]
fn a_body_that_lies_about_its_length_is_no_command() {
    let running = Running::new(small());
    let head = "POST /v1/commands HTTP/1.1\r\nHost: l\r\n";
    for lie in [
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n{\"verb\":\"stop\"}\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{\"verb\":\"stop\"}\r\n",
        "Transfer-Encoding: chunked\r\n\r\n-1\r\n{\"verb\":\"stop\"}\r\n0\r\n\r\n",
        "Content-Length: 15\r\nContent-Length: 3\r\n\r\n{\"verb\":\"stop\"}",
        "Content-Length: -15\r\n\r\n{\"verb\":\"stop\"}",
        "Content-Length: 0x0f\r\n\r\n{\"verb\":\"stop\"}",
        "Content-Length: 5\r\n\r\n{\"verb\":\"stop\"}",
    ] {
        let mut stream = UnixStream::connect(&running.socket).unwrap();
        stream.write_all(format!("{head}{lie}").as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let reply = Reply::parse(&read_all(stream));
        assert_eq!(reply.status, 400, "{lie:?}: {reply:?}");
    }
    // An inner length of 15 in a chunk of 15, but chunked twice: the first answer decides, nothing is smuggled in behind it.
    let smuggled = format!(
        "{head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nPOST /v1/commands HTTP/1.1\r\nHost: l\r\n\
         Content-Length: 15\r\n\r\n{{\"verb\":\"stop\"}}"
    );
    let mut stream = UnixStream::connect(&running.socket).unwrap();
    stream.write_all(smuggled.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let _ = read_all(stream);
    let asked: Vec<_> =
        running.engine.asked.lock().unwrap().iter().map(|(request, _)| request.command.verb()).collect();
    assert!(asked.len() <= 1, "{asked:?}");
    assert_eq!(running.get("/v1/summary").status, 200);
}

#[test]
fn many_or_long_headers_are_refused() {
    let running = Running::new(small());
    let many = "X: y\r\n".repeat(2000);
    let reply = exchange(&running.socket, &format!("GET /v1/summary HTTP/1.1\r\nHost: l\r\n{many}\r\n"));
    assert_eq!(reply.refusal(), (431, "header-too-large".into()));
    assert!(reply.body.contains("the header has more than 100 fields, or is larger than 64 KiB"), "{reply:?}");
    for length in [65_600, 100_000] {
        let path = format!("/v1/rows?filter={}", "x".repeat(length));
        let long = exchange(&running.socket, &format!("GET {path} HTTP/1.1\r\nHost: l\r\n\r\n"));
        assert_eq!(long.refusal(), (414, "path-too-long".into()), "{length}");
    }
}

#[test]
fn what_was_received_last_may_be_any_text() {
    let running = Running::new(small());
    running.engine.happen("VI_1", 0);
    let last = |id: &str| {
        let head =
            "GET /v1/events HTTP/1.1\r\nHost: l\r\nConnection: close\r\nAccept: text/event-stream\r\nLast-Event-ID:";
        exchange(&running.socket, &format!("{head} {id}\r\n\r\n"))
    };
    for garbage in ["-1", "1.5", "99999999999999999999999", "0x10", "1; drop", &"9".repeat(5000)] {
        assert_eq!(last(garbage).refusal(), (400, "bad-query".into()), "{garbage}");
    }
}

#[test]
fn ten_thousand_who_connect_and_go_or_stay_cost_no_descriptor_and_no_answer() {
    let running = Running::new(small());
    let (socket, open) = (running.read_only(), || fs::read_dir("/proc/self/fd").unwrap().count());
    assert_eq!(running.get("/v1/summary").status, 200); // it has opened what it needs
    let before = open();
    let mut kept = std::collections::VecDeque::new();
    for n in 0..10_000 {
        let Ok(mut stream) = UnixStream::connect(&socket) else { continue };
        match n % 3 {
            0 => {} // says nothing
            1 => _ = stream.write_all(b"GET /v1/status HTT"),
            _ => _ = stream.write_all(b"GET /v1/status HTTP/1.1\r\nHost: l\r\n\r\n"), // and reads no answer
        }
        kept.push_back(stream);
        if kept.len() > 200 {
            kept.pop_front();
        }
        if n % 1000 == 0 {
            assert_eq!(running.get("/v1/summary").status, 200, "operators are not kept out");
        }
    }
    // At both ends: 200 of ours, and no more than seats, standing places and the doorstep of the server's.
    assert!(open() <= before + 200 + 128 + 64 + 64 + 20, "{} descriptors, {before} before", open());
    drop(kept);
    // Those who broke off in the middle of a request go at once, or when their time is over.
    let end = std::time::Instant::now() + Duration::from_secs(25);
    while open() > before + 5 {
        assert_eq!(running.get("/v1/summary").status, 200);
        assert!(std::time::Instant::now() < end, "{} descriptors, {before} before", open());
    }
}

/// MiB that this process has in memory.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn a_hundred_who_never_read_the_status_of_ten_thousand_servers_share_one_copy() {
    let services = (0..100).map(|n| {
        let servers = (0..100).map(|m| api_fixture::server(&format!("10.{n}.0.{m}:80"))).collect();
        api_fixture::service(&format!("tcp/10.200.0.{n}:80"), servers)
    });
    let running = Running::new(api_fixture::status(services.collect()));
    let size = running.get("/v1/status").body.len() as u64 / 1024 / 1024;
    assert!(size >= 4, "{size} MiB");
    let before = resident();
    let _deaf: Vec<_> = (0..100)
        .map(|_| {
            let mut stream = UnixStream::connect(&running.socket).unwrap();
            stream.write_all(b"GET /v1/status HTTP/1.1\r\nHost: l\r\n\r\n").unwrap();
            stream
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(running.get("/v1/summary").status, 200);
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 20 + 3 * size, "{grown} MiB for 100 clients of {size} MiB each");
}

/// One who asks for more than the socket's buffer takes, and reads nothing.
#[tokio::test(start_paused = true)]
async fn one_who_never_reads_is_shown_out_after_half_a_minute() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("lvsdeck.sock");
    let bound = bind(&socket).unwrap();
    let servers = (0..2000).map(|n| api_fixture::server(&format!("10.0.{}.{}:80", n / 250, n % 250))).collect();
    let engine = FakeEngine::new(api_fixture::status(vec![api_fixture::service("tcp/10.0.0.1:80", servers)]));
    let client = async {
        let mut stream = tokio::net::UnixStream::connect(&socket).await.unwrap();
        stream.write_all(b"GET /v1/status HTTP/1.1\r\nHost: l\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_mins(2)).await; // of the paused clock: jumps when the server has nothing to do
        let mut text = Vec::new();
        let ended = stream.read_to_end(&mut text).await;
        (text, ended)
    };
    let (text, _) = tokio::select! {
        text = client => text,
        _ = serve(&bound, engine, std::future::pending()) => unreachable!(),
    };
    let head = String::from_utf8_lossy(&text[..200]).to_lowercase();
    let length: usize = head.split("content-length: ").nth(1).unwrap().split('\r').next().unwrap().parse().unwrap();
    assert!(text.len() < length, "{} of {length} bytes and no end", text.len());
}

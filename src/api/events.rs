//! Events as JSON or as a stream: one thread listens to the engine for all who wait.
//!
//! [`News`] asks the engine for its newest event only while somebody waits, and wakes everybody; each then reads what it
//! has not seen. So 256 consoles that wait cost one blocked thread, and a slow reader delays nobody.

use super::query::EventsQuery;
use super::reply::{Payload, Refusal, Reply, json, set};
use super::server::{Engine, Server, ask};
use crate::engine::{Event, EventKind};
use hyper::Response;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How long the engine is asked to wait at a time: a stop waits for it.
const LISTEN: Duration = Duration::from_millis(500);
/// Time between comments that keep a silent stream alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Tells those who wait that there is something new.
#[derive(Debug, Default)]
pub(super) struct News {
    newest: watch::Sender<u64>,
    wanted: Notify,
}

impl News {
    /// From now on every event changes the value.
    fn subscribe(&self) -> watch::Receiver<u64> {
        let receiver = self.newest.subscribe();
        self.wanted.notify_one();
        receiver
    }

    /// Listens to the engine whenever somebody has subscribed; never ends.
    pub(super) async fn listen(&self, engine: &Engine) {
        loop {
            if self.newest.receiver_count() == 0 {
                self.wanted.notified().await;
                continue;
            }
            let seen = *self.newest.borrow();
            match ask(engine, move |engine| engine.events(seen, 1, LISTEN)).await {
                Ok(events) => {
                    if let Some(event) = events.last() {
                        self.newest.send_replace(event.seq);
                    }
                }
                Err(_) => sleep(LISTEN).await,
            }
        }
    }
}

/// Where to go on after event `after`: at the start when the engine's journal has not come so far, since then the number
/// is of another run.
async fn resume(engine: &Engine, after: u64) -> Result<u64, Refusal> {
    let Some(before) = after.checked_sub(1) else { return Ok(0) };
    let known = ask(engine, move |engine| engine.events(before, 1, Duration::ZERO)).await?;
    Ok(if known.is_empty() { 0 } else { after })
}

/// `{"events": […]}`, after a wait for the first where the query wants one.
pub(super) async fn list(server: &Server, query: EventsQuery) -> Result<Reply, Refusal> {
    let deadline = Instant::now() + query.wait;
    let (mut changes, mut stopping) = (server.news.subscribe(), server.stopping.clone());
    let after = resume(&server.engine, query.after).await?;
    loop {
        let events = ask(&server.engine, move |engine| engine.events(after, query.limit, Duration::ZERO)).await?;
        let goes_on = events.is_empty()
            && tokio::select! {
                came = timeout_at(deadline, changes.changed()) => came.is_ok(),
                _ = stopping.wait_for(|stopping| *stopping) => false,
            };
        if !goes_on {
            return Ok(json(serde_json::json!({ "events": events }).to_string()));
        }
    }
}

/// Server-sent events: what is kept above `after`, then each as it happens, until the reader or the server goes.
pub(super) async fn stream(server: &Arc<Server>, after: u64) -> Result<Reply, Refusal> {
    let after = resume(&server.engine, after).await?;
    let (sender, receiver) = mpsc::channel(1);
    let (server, mut stopping) = (Arc::clone(server), server.stopping.clone());
    tokio::spawn(async move {
        tokio::select! {
            () = feed(&server, after, &sender) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
            () = sender.closed() => {}
        }
    });
    let mut reply = Response::new(Payload::Stream(receiver));
    set(&mut reply, CONTENT_TYPE, "text/event-stream");
    set(&mut reply, CACHE_CONTROL, "no-store");
    Ok(reply)
}

async fn feed(server: &Server, mut after: u64, sender: &mpsc::Sender<Bytes>) {
    let mut changes = server.news.subscribe();
    if sender.send(Bytes::from_static(b"retry: 1000\n\n")).await.is_err() {
        return;
    }
    loop {
        let Ok(events) = ask(&server.engine, move |engine| engine.events(after, usize::MAX, Duration::ZERO)).await
        else {
            return;
        };
        after = events.last().map_or(after, |event| event.seq);
        let text = match (events.is_empty(), frames(&events)) {
            (false, text) => text,
            (true, _) => match timeout(KEEP_ALIVE, changes.changed()).await {
                Ok(Ok(())) => continue,
                Ok(Err(_)) => return,
                Err(_) => ": keep-alive\n\n".to_owned(),
            },
        };
        if sender.send(text.into()).await.is_err() {
            return;
        }
    }
}

fn frames(events: &[Event]) -> String {
    let mut text = String::new();
    for event in events {
        let data = serde_json::to_string(event).unwrap_or_default();
        // writing to a String can't fail
        let _ = write!(text, "id: {}\nevent: {}\ndata: {data}\n\n", event.seq, kind_name(event.kind));
    }
    text
}

fn kind_name(kind: EventKind) -> String {
    serde_json::to_value(kind).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

//! Events as JSON or as a stream: one thread listens to the engine for all who wait.
//!
//! [`News`] asks the engine for its newest event only while somebody waits, and wakes everybody; each then takes its turn to
//! read what it has not seen. So 256 consoles that wait cost one blocked thread, and a slow reader delays nobody: a stream
//! is made a page at a time, as part of its connection, and the next page not before the last one was taken.

use super::query::EventsQuery;
use super::reply::{Payload, Refusal, Reply, json, set};
use super::server::{Engine, Guest, ask};
use super::source::Source;
use crate::engine::{EngineHandle, Event, HandleError};
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
/// Most events that a stream writes at a time.
const PAGE: usize = 256;

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
fn resume(engine: &dyn EngineHandle, after: u64) -> Result<u64, HandleError> {
    let Some(before) = after.checked_sub(1) else { return Ok(0) };
    Ok(if engine.page(before, 1)?.is_empty() { 0 } else { after })
}

/// `{"events": […]}`, after a wait for the first where the query wants one.
pub(super) async fn list(guest: &Guest, query: EventsQuery) -> Result<Reply, Refusal> {
    let deadline = Instant::now() + query.wait;
    let (mut changes, mut stopping) = (guest.server.news.subscribe(), guest.server.stopping.clone());
    let after = guest.ask(move |engine| resume(engine, query.after)).await?;
    loop {
        let (none, body) = guest.ask(move |engine| page(engine, after, query.limit)).await?;
        let goes_on = none
            && tokio::select! {
                came = timeout_at(deadline, changes.changed()) => came.is_ok(),
                _ = stopping.wait_for(|stopping| *stopping) => false,
            };
        if !goes_on {
            return Ok(json(body));
        }
    }
}

/// Whether there are no events, and the answer that says so or has them.
fn page(engine: &dyn EngineHandle, after: u64, limit: usize) -> Result<(bool, Vec<u8>), HandleError> {
    #[derive(serde::Serialize)]
    struct List {
        events: Vec<Event>,
    }
    let list = List { events: engine.events(after, limit, Duration::ZERO)? };
    let body = serde_json::to_vec(&list).map_err(|error| HandleError::Unreadable(error.to_string()))?;
    Ok((list.events.is_empty(), body))
}

/// Server-sent events: what is kept above `after`, then each as it happens, until the reader or the server goes.
pub(super) async fn stream(guest: &Arc<Guest>, after: u64) -> Result<Reply, Refusal> {
    let seat = guest.stream()?;
    let after = guest.ask(move |engine| resume(engine, after)).await?;
    let (sender, made) = mpsc::channel(1);
    let (guest, mut stopping) = (Arc::clone(guest), guest.server.stopping.clone());
    let source = Source::new(made, async move {
        let _seat = seat;
        tokio::select! {
            () = feed(&guest, after, &sender) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    });
    let mut reply = Response::new(Payload::Stream(source));
    set(&mut reply, CONTENT_TYPE, "text/event-stream");
    set(&mut reply, CACHE_CONTROL, "no-store");
    Ok(reply)
}

async fn feed(guest: &Guest, mut after: u64, sender: &mpsc::Sender<Bytes>) {
    let mut changes = guest.server.news.subscribe();
    let mut text = "retry: 1000\n\n".to_owned();
    while sender.send(text.into()).await.is_ok() {
        text = loop {
            let Ok((last, text)) = guest.ask(move |engine| engine.page(after, PAGE).map(|page| frames(&page))).await
            else {
                return;
            };
            if let Some(last) = last {
                after = last;
                break text;
            }
            match timeout(KEEP_ALIVE, changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return,
                Err(_) => break ": keep-alive\n\n".to_owned(),
            }
        };
    }
}

/// The number of the last event, and all as the stream has them.
fn frames(events: &[Arc<Event>]) -> (Option<u64>, String) {
    let mut text = String::new();
    for event in events {
        let data = serde_json::to_string(event).unwrap_or_default();
        // writing to a String can't fail
        let _ = write!(text, "id: {}\nevent: {}\ndata: {data}\n\n", event.seq, event.kind.name());
    }
    (events.last().map(|event| event.seq), text)
}

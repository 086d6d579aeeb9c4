//! Serves the control socket: who may come in, how many, and how long they may take.
//!
//! A slow or silent client costs a seat for [`PATIENCE`], one that does not read for [`STALL`](super::patience::STALL), and
//! nothing else. Each [`Door`] has its own seats, streams and [`DESKS`], so that nobody on the read-only one keeps the operators
//! out or makes them wait, and no crowd takes all processors from the engine; no user takes all seats of a door. The engine is asked on threads of their own: no answer, however large, delays another.
//! Of those at most [`THREADS`] are in use: a question that its asker no longer waits for keeps its desk until it ends.

use super::door::{Access, Came, DESKS, Door, Kind, Peer};
use super::events::News;
use super::patience::Patient;
use super::reply::Refusal;
use super::routes;
use super::seats::{NoSeat, Seat, Seats};
use super::socket::Bound;
use super::trespass::{self, Refused, Trespasses};
use super::written::Written;
use crate::engine::{CommandRequest, EngineHandle, HandleError, Who};
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Connections at a time on the operators' socket.
const OPERATORS: usize = 256;
/// Connections at a time on the read-only socket, which every user of the host may open.
const READERS: usize = 128;
/// Connections at a time on the address for metrics.
const SCRAPERS: usize = 16;
/// Commands at a time: each holds a thread until it ended, a failover until somebody took over.
pub(super) const COMMANDS: usize = 16;
/// Most threads that the server asks the engine on: those at the desks, those that give a command, and one that listens.
pub const THREADS: usize = 3 * DESKS + COMMANDS + 1;
/// How long a client may take for the header of a request, and again for its body.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How long answers that are being written may take when the server stops.
const FAREWELL: Duration = Duration::from_secs(1);
/// Largest header of a request.
pub(super) const MAX_HEADER: usize = 64 * 1024;

/// The engine as the server holds it.
pub(super) type Engine = Arc<dyn EngineHandle>;

/// Asks the engine on a thread that may block. The question goes on when nobody waits for its answer any more: what limits
/// the number of questions belongs into it.
pub(super) async fn ask<T: Send + 'static>(
    engine: &Engine,
    question: impl FnOnce(&dyn EngineHandle) -> Result<T, HandleError> + Send + 'static,
) -> Result<T, Refusal> {
    let engine = Arc::clone(engine);
    match tokio::task::spawn_blocking(move || question(engine.as_ref())).await {
        Ok(answer) => answer.map_err(Refusal::from),
        Err(_) => Err(failed()),
    }
}

fn failed() -> Refusal {
    Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "the engine failed while it answered",
        "look at the engine's log; the engine itself goes on",
    )
}

/// What all connections share.
pub(super) struct Server {
    pub engine: Engine,
    pub news: Arc<News>,
    pub stopping: watch::Receiver<bool>,
    pub started_at: SystemTime,
    commands: Arc<Semaphore>,
    written: Written,
    /// Commands of those who may give none.
    trespasses: Arc<Trespasses>,
}

/// How long an answer with ages and the engine's clock in it may be given again.
const LASTS: Duration = Duration::from_millis(250);

impl Server {
    /// The engine's status as JSON with its `ETag`, written once for all who get the same snapshot. Blocks.
    pub(super) fn written_status(&self) -> Result<(Bytes, String), HandleError> {
        let status = self.engine.status()?;
        let (body, tag) =
            self.written.answer(&status, "status", (Instant::now(), Duration::MAX), || to_json(&*status))?;
        Ok((body, format!("\"{tag:016x}\"")))
    }

    /// What [`written`](Self::written) gives, where it was asked a moment ago. Never blocks: most answers cost no other thread
    /// its sleep.
    pub(super) fn written_before(&self, question: &str) -> Option<Bytes> {
        let status = self.engine.status_at_once()?;
        Some(self.written.known(&status, question, (Instant::now(), LASTS))?.0)
    }

    /// An answer that follows from the engine's status, written once for all who ask the same of the same snapshot. Blocks.
    pub(super) fn written<T: Serialize>(
        &self,
        question: &str,
        answer: impl FnOnce(&dyn EngineHandle) -> Result<T, HandleError>,
    ) -> Result<Bytes, HandleError> {
        let status = self.engine.status()?;
        let written = self
            .written
            .answer(&status, question, (Instant::now(), LASTS), || to_json(&answer(self.engine.as_ref())?))?;
        Ok(written.0)
    }
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>, HandleError> {
    serde_json::to_vec(value).map_err(|error| HandleError::Unreadable(error.to_string()))
}

/// One connection: what it may do, and who is at its other end.
pub(super) struct Guest {
    pub server: Arc<Server>,
    pub access: Access,
    /// Places for those who read a stream.
    streams: Arc<Seats>,
    desks: Arc<Semaphore>,
    who: Who,
    peer: Peer,
    user: (u32, bool),
    /// It was answered before all that it writes was read.
    pub leaves_unread: AtomicBool,
}

impl Guest {
    /// Waits for a turn, and asks the engine on a thread that may block. The wait is a task of its own, and ends with who asked:
    /// a turn that came while a connection has no room to write, and so is not looked at, would be kept from all others.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn EngineHandle) -> Result<T, HandleError> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (desks, engine) = (Arc::clone(&self.desks), Arc::clone(&self.server.engine));
        let mut asked = JoinSet::new();
        asked.spawn(async move {
            let turn = desks.acquire_owned().await;
            ask(&engine, move |engine| {
                let _turn = turn; // until the answer is there, whether or not somebody still waits for it
                question(engine)
            })
            .await
        });
        asked.join_next().await.and_then(Result::ok).unwrap_or_else(|| Err(failed()))
    }

    /// Gives a command on a thread that may block, or refuses where too many are under way.
    pub(super) async fn order<T: Send + 'static>(
        &self,
        order: impl FnOnce(&dyn EngineHandle) -> Result<T, HandleError> + Send + 'static,
    ) -> Result<T, Refusal> {
        let Ok(place) = Arc::clone(&self.server.commands).try_acquire_owned() else {
            return Err(Refusal::busy(format!("{COMMANDS} commands are under way already")));
        };
        ask(&self.server.engine, move |engine| {
            let _place = place;
            order(engine)
        })
        .await
    }

    /// A place to read a stream, or why there is none.
    pub(super) fn stream(&self) -> Result<Seat, Refusal> {
        let (user, trusted) = self.user;
        self.streams.take(user, trusted).map_err(|none| match none {
            NoSeat::Full(places) => Refusal::busy(format!("{places} streams are read from this socket already")),
            NoSeat::Share(theirs) => Refusal::busy(format!("you read {theirs} of this socket's streams already")),
        })
    }

    /// Tells the journal of a command that was refused since this guest may give none. Dry runs would have done nothing.
    pub(super) fn note_refused(&self, request: Option<CommandRequest>, why: &str) {
        if request.as_ref().is_some_and(|request| request.dry_run) {
            return;
        }
        let (command, why) = (request.map(|request| request.command), why.to_owned());
        let refused = Refused { command, who: self.peer.who(), why };
        trespass::tell(&self.server.trespasses, &self.server.engine, self.user.0, &refused);
    }

    /// Who asks, for the journal; `origin` is what the client says of itself.
    pub(super) fn who(&self, origin: Option<IpAddr>) -> Who {
        Who { origin, ..self.who.clone() }
    }
}

/// Serves the sockets until `stop` ends, then finishes the answers that are being written (one second at most).
///
/// Runs on any tokio runtime with I/O and time enabled. A question that waits in the engine may hold its thread for half a
/// second longer. Errors when the sockets can't be registered with the runtime.
pub async fn serve(bound: &Bound, engine: Arc<dyn EngineHandle>, stop: impl Future<Output = ()>) -> io::Result<()> {
    let operators = Door::unix(&bound.writable, Kind::Operators(bound.group), OPERATORS)?;
    let readers = Door::unix(&bound.read_only, Kind::Readers, READERS)?;
    let scrapers = bound.metrics.as_ref().map(|listener| Door::tcp(listener, SCRAPERS)).transpose()?;
    let (halt, stopping) = watch::channel(false);
    let news = Arc::new(News::default());
    let server = Arc::new(Server {
        engine: Arc::clone(&engine),
        news: Arc::clone(&news),
        stopping: stopping.clone(),
        started_at: SystemTime::now(),
        commands: Arc::new(Semaphore::new(COMMANDS)),
        written: Written::default(),
        trespasses: Arc::default(),
    });
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    let mut listening = pin!(news.listen(&engine));
    loop {
        let (came, door) = tokio::select! {
            () = &mut stop => break,
            () = &mut listening => break,
            Some(_) = connections.join_next() => continue,
            came = operators.next() => (came, &operators),
            came = readers.next() => (came, &readers),
            Some((came, door)) = next(scrapers.as_ref()) => (came, door),
        };
        let Came { wire, access, who, peer, user, seat } = came;
        let (streams, desks) = (Arc::clone(&door.streams), Arc::clone(&door.desks));
        let leaves_unread = AtomicBool::new(false);
        let guest = Guest { server: Arc::clone(&server), access, streams, desks, who, peer, user, leaves_unread };
        let connection = converse(Patient::new(wire, MAX_HEADER), guest, stopping.clone());
        connections.spawn(async move {
            connection.await;
            drop(seat);
        });
    }
    drop((operators, readers, scrapers));
    let _ = halt.send(true); // nobody listening is as good
    let _ = timeout(FAREWELL, async { while connections.join_next().await.is_some() {} }).await;
    Ok(())
}

/// The next one at a door that may not be there: then nobody comes.
async fn next(door: Option<&Door>) -> Option<(Came, &Door)> {
    let door = door?;
    Some((door.next().await, door))
}

/// Reads what a client still writes: one that is cut off while it does would lose the answer.
async fn hear_out(line: &mut Patient) -> io::Result<()> {
    line.ends();
    line.shutdown().await?;
    let mut rest = [0; 4096];
    while line.read(&mut rest).await? > 0 {}
    Ok(())
}

/// Answers the requests of one connection until it ends or the server stops.
async fn converse(wire: Patient, guest: Guest, mut stopping: watch::Receiver<bool>) {
    let (guest, mut line) = (Arc::new(guest), wire.clone());
    let asked = Arc::clone(&guest);
    let service = service_fn(move |request| {
        let guest = Arc::clone(&asked);
        async move { Ok::<_, Infallible>(routes::answer(request, &guest).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(MAX_HEADER)
        .half_close(true)
        .serve_connection(TokioIo::new(wire), service);
    let mut connection = pin!(connection);
    // How a connection ends is the client's business: a broken one has nobody left to tell, but for one that was too slow.
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = stopping.wait_for(|stopping| *stopping) => None,
    };
    if let Some(ended) = ended {
        let refusal = match &ended {
            Err(_) if line.is_too_long() => Some(Refusal::long_path(MAX_HEADER)),
            Err(error) if error.is_timeout() => Some(Refusal::slow("header", PATIENCE)),
            Err(error) if error.is_incomplete_message() => Some(Refusal::cut_short()),
            Err(error) if error.is_parse() => Some(Refusal::no_http(error, MAX_HEADER)),
            _ => None,
        };
        let is_refused = refusal.is_some() || ended.is_err_and(|error| error.is_parse());
        if let Some(refusal) = refusal.filter(|_| line.is_asked()) {
            _ = timeout(FAREWELL, line.write_all(&refusal.bytes())).await;
        }
        if is_refused || guest.leaves_unread.load(Ordering::Relaxed) {
            _ = timeout(FAREWELL, hear_out(&mut line)).await;
        }
        return;
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

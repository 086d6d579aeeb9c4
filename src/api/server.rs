//! Serves the control socket: who may come in, how many, and how long they may take.
//!
//! A slow or silent client costs a seat for [`PATIENCE`] and nothing else; each of the two sockets has its own seats,
//! [`STREAMS`] and [`DESKS`], so that nobody on the read-only one keeps the operators out or makes them wait, and no crowd takes
//! all processors from the engine. The engine is asked on threads of their own: no answer, however large, delays another.
//! Of those at most [`THREADS`] are in use: a question that its asker no longer waits for keeps its desk until it ends.

use super::accounts::user_name;
use super::events::News;
use super::reply::Refusal;
use super::routes;
use super::socket::Bound;
use crate::engine::{EngineHandle, HandleError, Status, Who};
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::net::unix::UCred;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Connections at a time on the operators' socket.
const OPERATORS: usize = 256;
/// Connections at a time on the read-only socket, which every user of the host may open.
const READERS: usize = 64;
/// Connections beyond those that are told so; any more are closed without a word.
const STANDING: usize = 64;
/// Questions at a time that are computed for one socket's clients: the others wait for their turn.
const DESKS: usize = 2;
/// Streams of events at a time on one socket.
pub(super) const STREAMS: usize = 32;
/// Commands at a time: each holds a thread until it ended, a failover until somebody took over.
pub(super) const COMMANDS: usize = 16;
/// Most threads that the server asks the engine on: those at the desks, those that give a command, and one that listens.
pub const THREADS: usize = 2 * DESKS + COMMANDS + 1;
/// How long a client may take for the header of a request, and again for its body.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How long answers that are being written may take when the server stops.
const FAREWELL: Duration = Duration::from_secs(1);
/// Largest header of a request.
const MAX_HEADER: usize = 64 * 1024;

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
        Err(_) => Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the engine failed while it answered",
            "look at the engine's log; the engine itself goes on",
        )),
    }
}

/// What all connections share.
pub(super) struct Server {
    pub engine: Engine,
    pub news: Arc<News>,
    pub stopping: watch::Receiver<bool>,
    commands: Arc<Semaphore>,
    written: Mutex<Option<Written>>,
}

/// The status as it was last written; does not keep the engine's snapshot itself alive.
struct Written {
    status: Weak<Status>,
    body: Bytes,
    etag: String,
}

impl Server {
    /// The engine's status as JSON with its `ETag`, written once for all who get the same snapshot. Blocks.
    pub(super) fn written_status(&self) -> Result<(Bytes, String), HandleError> {
        let status = self.engine.status()?;
        let mut kept = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(written) = kept.as_ref().filter(|written| written.status.as_ptr() == Arc::as_ptr(&status)) {
            return Ok((written.body.clone(), written.etag.clone()));
        }
        let body: Bytes =
            serde_json::to_vec(&*status).map_err(|error| HandleError::Unreadable(error.to_string()))?.into();
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let etag = format!("\"{:016x}\"", hasher.finish());
        *kept = Some(Written { status: Arc::downgrade(&status), body: body.clone(), etag: etag.clone() });
        Ok((body, etag))
    }
}

/// One connection: what it may do, and who is at its other end.
pub(super) struct Guest {
    pub server: Arc<Server>,
    pub access: Access,
    /// Places for those who read a stream.
    pub streams: Arc<Semaphore>,
    desks: Arc<Semaphore>,
    credentials: Option<UCred>,
}

impl Guest {
    /// Waits for a turn, and asks the engine on a thread that may block.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn EngineHandle) -> Result<T, HandleError> + Send + 'static,
    ) -> Result<T, Refusal> {
        let turn = Arc::clone(&self.desks).acquire_owned().await;
        ask(&self.server.engine, move |engine| {
            let _turn = turn; // until the answer is there, whether or not somebody still waits for it
            question(engine)
        })
        .await
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

    /// Who asks, for the journal. Reads `/etc/passwd`: blocks.
    pub(super) fn who(&self) -> Who {
        match self.credentials {
            Some(peer) => Who { user: user_name(peer.uid()), pid: peer.pid().and_then(|pid| u32::try_from(pid).ok()) },
            None => Who { user: "unknown".to_owned(), pid: None },
        }
    }
}

/// What may be done on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Everything.
    Commands,
    /// Questions only.
    Questions,
    /// Nothing: all seats are taken, so many.
    Full(usize),
}

/// One of the two sockets with its seats.
struct Door {
    listener: UnixListener,
    access: Access,
    places: usize,
    seats: Arc<Semaphore>,
    standing: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    desks: Arc<Semaphore>,
}

impl Door {
    fn new(listener: &std::os::unix::net::UnixListener, access: Access, places: usize) -> io::Result<Self> {
        let listener = UnixListener::from_std(listener.try_clone()?)?;
        let [seats, standing, streams, desks] =
            [places, STANDING, STREAMS, DESKS].map(|places| Arc::new(Semaphore::new(places)));
        Ok(Self { listener, access, places, seats, standing, streams, desks })
    }

    /// The next connection that there is a seat, or a place to be told that there is none, for.
    async fn next(&self) -> (UnixStream, Access, OwnedSemaphorePermit) {
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                sleep(Duration::from_millis(100)).await; // out of file descriptors: until some are given back
                continue;
            };
            if let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() {
                return (stream, self.access, seat);
            }
            if let Ok(place) = Arc::clone(&self.standing).try_acquire_owned() {
                return (stream, Access::Full(self.places), place);
            }
        }
    }
}

/// Serves both sockets until `stop` ends, then finishes the answers that are being written (one second at most).
///
/// Runs on any tokio runtime with I/O and time enabled. A question that waits in the engine may hold its thread for half a
/// second longer. Errors when the sockets can't be registered with the runtime.
pub async fn serve(bound: &Bound, engine: Arc<dyn EngineHandle>, stop: impl Future<Output = ()>) -> io::Result<()> {
    let operators = Door::new(&bound.writable, Access::Commands, OPERATORS)?;
    let readers = Door::new(&bound.read_only, Access::Questions, READERS)?;
    let (halt, stopping) = watch::channel(false);
    let news = Arc::new(News::default());
    let server = Arc::new(Server {
        engine: Arc::clone(&engine),
        news: Arc::clone(&news),
        stopping: stopping.clone(),
        commands: Arc::new(Semaphore::new(COMMANDS)),
        written: Mutex::new(None),
    });
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    let mut listening = pin!(news.listen(&engine));
    loop {
        let ((stream, access, seat), door) = tokio::select! {
            () = &mut stop => break,
            () = &mut listening => break,
            Some(_) = connections.join_next() => continue,
            came = operators.next() => (came, &operators),
            came = readers.next() => (came, &readers),
        };
        let guest = Guest {
            server: Arc::clone(&server),
            access,
            streams: Arc::clone(&door.streams),
            desks: Arc::clone(&door.desks),
            credentials: stream.peer_cred().ok(),
        };
        let connection = converse(stream, guest, stopping.clone());
        connections.spawn(async move {
            connection.await;
            drop(seat);
        });
    }
    drop((operators, readers));
    let _ = halt.send(true); // nobody listening is as good
    let _ = timeout(FAREWELL, async { while connections.join_next().await.is_some() {} }).await;
    Ok(())
}

/// Answers the requests of one connection until it ends or the server stops.
async fn converse(stream: UnixStream, guest: Guest, mut stopping: watch::Receiver<bool>) {
    let guest = Arc::new(guest);
    let service = service_fn(move |request| {
        let guest = Arc::clone(&guest);
        async move { Ok::<_, Infallible>(routes::answer(request, &guest).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(MAX_HEADER)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // How a connection ends is the client's business: a broken one has nobody left to tell.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

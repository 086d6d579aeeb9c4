//! Serves the control socket: who may come in, how many, and how long they may take.
//!
//! A slow or silent client costs a seat for [`PATIENCE`] and nothing else; each of the two sockets has its own
//! [`SEATS`] and [`DESKS`], so that nobody on the read-only one keeps the operators out or makes them wait, and no crowd takes
//! all processors from the engine. The engine is asked on threads of their own: no answer, however large, delays another.

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
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Connections at a time on one socket.
const SEATS: usize = 256;
/// Connections beyond those that are told so; any more are closed without a word.
const STANDING: usize = 64;
/// Questions at a time that are computed for one socket's clients: the others wait for their turn.
const DESKS: usize = 2;
/// How long a client may take for the header of a request, and again for its body.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How long answers that are being written may take when the server stops.
const FAREWELL: Duration = Duration::from_secs(1);
/// Largest header of a request.
const MAX_HEADER: usize = 64 * 1024;

/// The engine as the server holds it.
pub(super) type Engine = Arc<dyn EngineHandle>;

/// Asks the engine on a thread that may block.
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
    written: Mutex<Option<Written>>,
}

/// The status as it was last written; does not keep the engine's snapshot itself alive.
struct Written {
    status: Weak<Status>,
    body: Bytes,
    etag: String,
}

impl Server {
    /// The engine's status as JSON with its `ETag`, written once a snapshot. Blocks.
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
    desks: Arc<Semaphore>,
    credentials: Option<UCred>,
}

impl Guest {
    /// Waits for a turn to have something computed; it ends with the value.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.desks.acquire().await.ok() // never closed
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
    /// Nothing: all seats are taken.
    Full,
}

/// One of the two sockets with its seats.
struct Door {
    listener: UnixListener,
    access: Access,
    seats: Arc<Semaphore>,
    standing: Arc<Semaphore>,
    desks: Arc<Semaphore>,
}

impl Door {
    fn new(listener: &std::os::unix::net::UnixListener, access: Access) -> io::Result<Self> {
        let listener = UnixListener::from_std(listener.try_clone()?)?;
        let [seats, standing, desks] = [SEATS, STANDING, DESKS].map(|places| Arc::new(Semaphore::new(places)));
        Ok(Self { listener, access, seats, standing, desks })
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
                return (stream, Access::Full, place);
            }
        }
    }
}

/// Serves both sockets until `stop` ends, then finishes the answers that are being written (one second at most).
///
/// Runs on any tokio runtime with I/O and time enabled. A question that waits in the engine may hold its thread for half a
/// second longer. Errors when the sockets can't be registered with the runtime.
pub async fn serve(bound: &Bound, engine: Arc<dyn EngineHandle>, stop: impl Future<Output = ()>) -> io::Result<()> {
    let operators = Door::new(&bound.writable, Access::Commands)?;
    let readers = Door::new(&bound.read_only, Access::Questions)?;
    let (halt, stopping) = watch::channel(false);
    let news = Arc::new(News::default());
    let server = Arc::new(Server {
        engine: Arc::clone(&engine),
        news: Arc::clone(&news),
        stopping: stopping.clone(),
        written: Mutex::new(None),
    });
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    let mut listening = pin!(news.listen(&engine));
    loop {
        let ((stream, access, seat), desks) = tokio::select! {
            () = &mut stop => break,
            () = &mut listening => break,
            Some(_) = connections.join_next() => continue,
            came = operators.next() => (came, &operators.desks),
            came = readers.next() => (came, &readers.desks),
        };
        let (server, desks) = (Arc::clone(&server), Arc::clone(desks));
        let guest = Guest { server, access, desks, credentials: stream.peer_cred().ok() };
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

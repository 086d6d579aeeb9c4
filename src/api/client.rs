//! The engine behind a control socket as an [`EngineHandle`]: blocking calls over HTTP.
//!
//! Questions share one connection that is kept and reopened when the engine was restarted; events and commands have their
//! own, so that one that waits holds up nothing. A command is sent once and never again by itself.

use super::accounts::who_may;
use super::connections;
use super::log;
use super::past::{encode_at, encode_history, encode_journal};
use super::query::{encode_rows, encode_server};
use super::reply::ErrorBody;
use super::routes::ORIGIN;
use super::socket::{commanding_path, read_only_path};
use crate::engine::{
    Answer, Command, CommandRequest, ConnectionsPage, ConnectionsQuery, Difference, EngineHandle, Event, HandleError,
    HistoryError, HistoryPage, HistoryQuery, HostLoad, JournalFrom, JournalPage, LogPage, LogQuery, Outcome, Preview,
    Process, RealServerStatus, RowsPage, RowsQuery, Status, Summary, Sysctl, Undoable, VirtualRouterStatus, Who,
};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};

/// How long a question may take.
const QUESTION: Duration = Duration::from_secs(5);
/// How long reading the connection table may take: the engine gives up after ten seconds.
const CONNECTIONS: Duration = Duration::from_secs(20);
/// How long a command may take, beside what the engine itself waits for.
const COMMAND: Duration = Duration::from_secs(30);

/// How large an answer may be.
const LARGEST: usize = 64 << 20;
/// The same of one that is about everything: of a million real servers.
const LARGEST_OF_ALL: usize = 1 << 30;

/// How often an engine that went is looked for.
const RETRY: Duration = Duration::from_millis(250);

/// An engine behind a socket. Call it from threads that run no tokio runtime.
#[derive(Debug)]
pub struct Client {
    socket: PathBuf,
    /// Only questions: the writable socket may not be opened by this user.
    read_only: bool,
    connected_at: Instant,
    questions: Mutex<Lane>,
    events: Mutex<Lane>,
    /// The moment that its questions are about; now without one.
    at: Option<SystemTime>,
}

impl Client {
    /// Connects, to the read-only socket beside `socket` where this user may open only that.
    ///
    /// Errors when nobody answers there or neither may be opened.
    pub fn connect(socket: &Path) -> Result<Self, HandleError> {
        let (lane, read_only) = match Lane::open(socket) {
            Err(refused @ HandleError::NotPermitted { .. }) => match Lane::open(&read_only_path(socket)) {
                Ok(lane) => (lane, true),
                Err(_) => return Err(refused),
            },
            opened => (opened?, false),
        };
        Self::over(socket, lane, read_only)
    }

    /// Connects to the read-only socket beside `socket`: whatever this client is told to do, the engine takes no command from
    /// it. Errors as [`connect`](Self::connect).
    pub fn connect_read_only(socket: &Path) -> Result<Self, HandleError> {
        Self::over(socket, Lane::open(&read_only_path(socket))?, true)
    }

    fn over(socket: &Path, lane: Lane, read_only: bool) -> Result<Self, HandleError> {
        let events = Mutex::new(Lane::new(&lane.path)?);
        let (socket, connected_at) = (socket.to_owned(), Instant::now());
        Ok(Self { socket, read_only, connected_at, questions: Mutex::new(lane), events, at: None })
    }

    /// Why this client gives no commands: who may open the other socket, or that it was told to ask on the one that only answers. None
    /// where it may.
    pub fn refusal(&self) -> Option<String> {
        let other = commanding_path(&self.socket).filter(|_| !self.read_only);
        let other = other.map(|other| {
            format!("{} only answers, whoever asks; --socket {} takes commands", self.socket.display(), other.display())
        });
        other.or_else(|| self.read_only.then(|| who_may(&self.socket)))
    }

    /// How long ago it connected.
    pub fn age(&self) -> Duration {
        self.connected_at.elapsed()
    }

    /// The process at the other end, held; none where it can't be seen from here.
    pub fn process(&self) -> Option<Process> {
        let runtime = Builder::new_current_thread().enable_all().build().ok()?;
        let stream = runtime.block_on(UnixStream::connect(self.socket_of_questions())).ok()?;
        let pid = runtime.block_on(async { stream.peer_cred().ok()?.pid() })?;
        Process::hold(u32::try_from(pid).ok().filter(|pid| *pid > 0)?).ok()
    }

    /// Asks nothing for so long.
    #[allow(clippy::unused_self)] // a client's pause, for those who may not sleep by themselves
    pub fn pause(&self, time: Duration) {
        sleep(time);
    }

    /// The socket that questions go to.
    fn socket_of_questions(&self) -> PathBuf {
        if self.read_only { read_only_path(&self.socket) } else { self.socket.clone() }
    }

    fn question<T: DeserializeOwned>(&self, path: &str) -> Result<T, HandleError> {
        let asked = self.at.map(|at| encode_at(path, at));
        read(&locked(&self.questions).get(asked.as_deref().unwrap_or(path), QUESTION)?)
    }

    /// How long a command may take: one that waits for another router to take over waits as long as that may need, which
    /// is three advertisement intervals and a skew below one (RFC 9568 §6.1).
    fn patience(&self, request: &CommandRequest) -> Result<Duration, HandleError> {
        let takeover = match &request.command {
            Command::Failover { blind: false, .. } if !request.dry_run => {
                self.virtual_routers()?.iter().map(|router| router.advert_interval_ms).max().unwrap_or(0) * 4
            }
            _ => 0,
        };
        Ok(COMMAND + Duration::from_millis(takeover))
    }
}

fn locked(lane: &Mutex<Lane>) -> std::sync::MutexGuard<'_, Lane> {
    lane.lock().unwrap_or_else(PoisonError::into_inner)
}

impl EngineHandle for Client {
    fn summary(&self) -> Result<Summary, HandleError> {
        self.question("/v1/summary")
    }
    fn virtual_routers(&self) -> Result<Vec<VirtualRouterStatus>, HandleError> {
        self.question("/v1/virtual-routers")
    }
    fn rows(&self, query: &RowsQuery) -> Result<RowsPage, HandleError> {
        self.question(&format!("/v1/rows?{}", encode_rows(query)))
    }
    fn real_server(&self, service: &str, server: &str) -> Result<Option<RealServerStatus>, HandleError> {
        match self.question(&format!("/v1/real-servers?{}", encode_server(service, server))) {
            Err(HandleError::Rejected { status: 404, code, .. }) if code == "no-server" => Ok(None),
            answer => answer.map(Some),
        }
    }
    fn status(&self) -> Result<Arc<Status>, HandleError> {
        self.question("/v1/status").map(Arc::new)
    }
    fn events(&self, after: u64, limit: usize, wait: Duration) -> Result<Vec<Event>, HandleError> {
        #[derive(Deserialize)]
        struct Page {
            events: Vec<Event>,
        }
        let path = format!("/v1/events?after={after}&limit={limit}&wait_ms={}", wait.as_millis());
        let patience = QUESTION + wait;
        let body = match self.events.try_lock() {
            Ok(mut lane) => lane.get(&path, patience)?,
            Err(_) => Lane::new(&self.socket_of_questions())?.get(&path, patience)?, // another thread waits on it
        };
        read::<Page>(&body).map(|page| page.events)
    }
    fn journal(&self, from: JournalFrom, limit: usize) -> Result<JournalPage, HandleError> {
        self.question(&format!("/v1/journal?{}", encode_journal(from, limit)))
    }
    fn history(&self, query: &HistoryQuery) -> Result<Result<HistoryPage, HistoryError>, HandleError> {
        match self.question(&format!("/v1/history?{}", encode_history(query))) {
            Err(HandleError::Rejected { status: 404, code, .. }) if code == "no-history" => {
                Ok(Err(HistoryError::NotKept { subject: query.subject.clone() }))
            }
            answer => answer.map(Ok),
        }
    }
    fn at(&self, at: SystemTime) -> Result<Arc<dyn EngineHandle>, HandleError> {
        let lane = || Lane::new(&self.socket_of_questions()).map(Mutex::new);
        let (questions, events) = (lane()?, lane()?);
        // A moment takes no command.
        let (socket, read_only, connected_at) = (self.socket.clone(), true, self.connected_at);
        Ok(Arc::new(Self { socket, read_only, connected_at, questions, events, at: Some(at) }))
    }
    fn returns(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        while Lane::open(&self.socket_of_questions()).is_err() {
            if Instant::now() >= until {
                return false;
            }
            sleep(RETRY);
        }
        true
    }
    fn diff(&self) -> Result<Vec<Difference>, HandleError> {
        self.question("/v1/diff")
    }
    fn undoable(&self) -> Result<Vec<Undoable>, HandleError> {
        self.question("/v1/undo")
    }
    fn connections(&self, query: &ConnectionsQuery) -> Result<ConnectionsPage, HandleError> {
        let path = format!("/v1/connections?{}", connections::written(query));
        read(&Lane::new(&self.socket_of_questions())?.get(&path, CONNECTIONS)?) // other questions need not wait for it
    }
    fn sysctls(&self) -> Result<Vec<Sysctl>, HandleError> {
        self.question("/v1/sysctls")
    }
    fn host(&self) -> Result<HostLoad, HandleError> {
        self.question("/v1/host")
    }
    fn log(&self, query: &LogQuery) -> Result<LogPage, HandleError> {
        self.question(&format!("/v1/log?{}", log::written(query)))
    }
    fn command(&self, request: &CommandRequest, _who: &Who) -> Result<Answer, HandleError> {
        if self.read_only {
            return Err(not_permitted(&self.socket));
        }
        let body = serde_json::to_vec(request).map_err(|error| HandleError::Unreadable(error.to_string()))?;
        let patience = self.patience(request)?;
        match Lane::new(&self.socket)?.post("/v1/commands", body, patience) {
            Ok(body) => read(&body),
            Err(HandleError::Rejected { status: 409, message, .. }) => {
                Ok(Answer { id: 0, outcome: Outcome::Stale, message, preview: Preview::default(), token: None })
            }
            Err(error) => Err(error),
        }
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, HandleError> {
    serde_json::from_slice(body).map_err(|error| HandleError::Unreadable(error.to_string()))
}

/// One connection with the runtime that drives it.
#[derive(Debug)]
struct Lane {
    path: PathBuf,
    runtime: Runtime,
    connection: Option<SendRequest<Full<Bytes>>>,
}

/// Why there is no answer.
enum Broken {
    /// The connection ended before the answer.
    Lost(String),
    /// Anything else.
    Final(HandleError),
}

impl Lane {
    /// A lane that is not connected yet.
    fn new(path: &Path) -> Result<Self, HandleError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| no_engine(path, &error))?;
        Ok(Self { path: path.to_owned(), runtime, connection: None })
    }

    /// A lane that is connected.
    fn open(path: &Path) -> Result<Self, HandleError> {
        let mut lane = Self::new(path)?;
        lane.connection = Some(lane.runtime.block_on(connect(path))?);
        Ok(lane)
    }

    /// Asks; once more on a new connection where the kept one was lost.
    fn get(&mut self, path: &str, patience: Duration) -> Result<Bytes, HandleError> {
        let kept = self.connection.is_some();
        let ask = || request(Method::GET, path, Bytes::new());
        match self.exchange(ask()?, patience) {
            Err(Broken::Lost(_)) if kept => self.exchange(ask()?, patience),
            answer => answer,
        }
        .map_err(|broken| match broken {
            Broken::Lost(cause) => turned_away(&self.path).unwrap_or_else(|| lost(&self.path, &cause)),
            Broken::Final(error) => error,
        })
    }

    /// Sends once: what is lost may have been done.
    fn post(&mut self, path: &str, body: Vec<u8>, patience: Duration) -> Result<Bytes, HandleError> {
        let request = request(Method::POST, path, body.into())?;
        self.exchange(request, patience).map_err(|broken| match broken {
            Broken::Lost(cause) => lost(&self.path, &cause),
            Broken::Final(error) => error,
        })
    }

    fn exchange(&mut self, request: Request<Full<Bytes>>, patience: Duration) -> Result<Bytes, Broken> {
        let kept = self.connection.take();
        let path = &self.path;
        let talk = async {
            let mut connection = match kept {
                Some(connection) => connection,
                None => connect(path).await.map_err(Broken::Final)?,
            };
            let (status, body) = converse(&mut connection, request).await?;
            Ok((connection, status, body))
        };
        let (connection, status, body) = self
            .runtime
            .block_on(async { tokio::time::timeout(patience, talk).await })
            .map_err(|_| Broken::Final(HandleError::TimedOut(patience)))??;
        self.connection = Some(connection);
        if status.is_success() { Ok(body) } else { Err(Broken::Final(rejected(status, &body))) }
    }
}

fn lost(path: &Path, cause: &str) -> HandleError {
    no_engine(path, &format!("the connection was lost before the answer: {cause}"))
}

/// What an engine says that has no place even for a request: it closes the connection with it. None where it has one now.
fn turned_away(path: &Path) -> Option<HandleError> {
    let mut stream = std::os::unix::net::UnixStream::connect(path).ok()?;
    stream.set_read_timeout(Some(RETRY)).ok()?;
    let mut said = Vec::new();
    // What was read before the time was over counts as well.
    _ = io::Read::read_to_end(&mut stream, &mut said);
    let body = said.strip_prefix(b"HTTP/1.1 503 ".as_slice())?;
    let at = body.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(rejected(StatusCode::SERVICE_UNAVAILABLE, body.get(at + 4..)?))
}

/// More wait to be let in than the system has room for.
fn crowded(path: &Path) -> HandleError {
    HandleError::Rejected {
        status: StatusCode::SERVICE_UNAVAILABLE.as_u16(),
        code: "busy".to_owned(),
        message: format!("more clients than {} has room for wait to be let in", path.display()),
        next: "close some, and ask again".to_owned(),
    }
}

fn no_engine(path: &Path, cause: &impl ToString) -> HandleError {
    HandleError::NoEngine { socket: path.display().to_string(), cause: cause.to_string() }
}

fn not_permitted(path: &Path) -> HandleError {
    HandleError::NotPermitted { socket: path.display().to_string(), who: who_may(path) }
}

async fn connect(path: &Path) -> Result<SendRequest<Full<Bytes>>, HandleError> {
    let stream = UnixStream::connect(path).await.map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => not_permitted(path),
        ErrorKind::WouldBlock => crowded(path),
        _ => no_engine(path, &error),
    })?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| no_engine(path, &error))?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn converse(
    connection: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), Broken> {
    let lost = |error: hyper::Error| Broken::Lost(error.to_string());
    let largest = largest(request.uri().path());
    connection.ready().await.map_err(lost)?;
    let response = connection.send_request(request).await.map_err(lost)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), largest).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Broken::Final(HandleError::Unreadable(format!("it is larger than {} MiB", largest >> 20)))
        } else {
            Broken::Lost(error.to_string())
        }
    })?;
    Ok((status, body.to_bytes()))
}

/// How large the answer to a question may be.
fn largest(path: &str) -> usize {
    if matches!(path, "/v1/status" | "/v1/diff") { LARGEST_OF_ALL } else { LARGEST }
}

fn request(method: Method, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>, HandleError> {
    let mut request = Request::builder().method(method).uri(path).header("host", "lvsdeck");
    if let Some(origin) = std::env::var("SSH_CONNECTION").ok().as_deref().and_then(origin) {
        request = request.header(ORIGIN, origin.to_string());
    }
    request.body(Full::new(body)).map_err(|error| HandleError::Unreadable(error.to_string()))
}

/// Where the user of this process came from: the first word of `SSH_CONNECTION` (`ssh(1)`), without an interface.
fn origin(connection: &str) -> Option<IpAddr> {
    connection.split([' ', '%']).next()?.parse().ok()
}

fn rejected(status: StatusCode, body: &[u8]) -> HandleError {
    match read::<ErrorBody>(body) {
        Ok(ErrorBody { code, message, next }) => HandleError::Rejected { status: status.as_u16(), code, message, next },
        Err(_) => HandleError::Unreadable(format!("HTTP {status} without a reason")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_on_the_socket_that_only_answers_is_told_the_other_one() {
        let place = tempfile::tempdir().unwrap();
        let [reads, writes] = ["a-ro.sock", "a.sock"].map(|name| place.path().join(name));
        let _listeners = [&reads, &writes].map(|path| std::os::unix::net::UnixListener::bind(path).unwrap());
        let told = Client::connect(&reads).unwrap().refusal().unwrap();
        let wanted =
            format!("{} only answers, whoever asks; --socket {} takes commands", reads.display(), writes.display());
        assert_eq!(told, wanted);
        assert_eq!(Client::connect(&writes).unwrap().refusal(), None);
    }

    #[test]
    fn an_answer_that_does_not_end_is_given_up_with_what_is_wrong_with_it() {
        use std::io::{Read, Write};
        let directory = std::env::temp_dir().join(format!("lvsdeck-endless-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let socket = directory.join("s.sock");
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let read = stream.read(&mut [0; 4096]).unwrap();
            let mut sent = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 100000000000\r\n\r\n").map(|()| read);
            let mut bytes = 0;
            while sent.is_ok() {
                sent = stream.write(&[b' '; 1 << 14]);
                bytes += sent.as_ref().map_or(0, |sent| *sent);
            }
            bytes
        });
        let client = Client::connect(&socket).unwrap();
        let answer = client.summary();
        let Err(HandleError::Unreadable(why)) = &answer else { panic!("{answer:?}") };
        assert_eq!(why, "it is larger than 64 MiB");
        drop(client);
        let sent = server.join().unwrap();
        std::fs::remove_dir_all(&directory).unwrap();
        assert!(sent < 2 * LARGEST, "{sent}");
        assert_eq!((largest("/v1/status"), largest("/v1/rows")), (LARGEST_OF_ALL, LARGEST));
    }

    #[test]
    fn the_origin_is_the_address_that_ssh_names_or_nothing() {
        assert_eq!(origin("10.0.0.5 51234 10.0.0.11 22"), "10.0.0.5".parse().ok());
        assert_eq!(origin("fe80::1%eth0 51234 fe80::2%eth0 22"), "fe80::1".parse().ok());
        assert_eq!((origin(""), origin("anna\r\nx: y")), (None, None));
    }
}

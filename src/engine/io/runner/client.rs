//! The engine's side of the runner: start it early, then hand it jobs from any thread. It never waits for the runner: a
//! request that a stuck one has no room for is a run that failed.

use super::SUBCOMMAND;
use super::door::knock;
use super::protocol::{AGAIN, Ended, How, Job, LONGEST, LOST, Request};
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Least time between the starts of two runners: one that dies at once is not started without end.
const PAUSE: Duration = Duration::from_secs(1);

/// Why there is no runner.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// Its process could not be started.
    #[error("can't start the process that runs scripts: {0}")]
    Process(#[source] io::Error),
    /// Its reader could not be started.
    #[error("can't start the thread that hears of scripts: {0}")]
    Thread(#[source] io::Error),
    /// An embedded director has no use for one.
    #[error("no script is run by an embedded director")]
    Unwanted,
}

/// A runner that was started and that nobody listens to yet: the engine has no thread so far.
#[derive(Debug)]
pub struct Runner {
    /// What starts runners, and the way to it.
    child: Child,
    door: UnixStream,
    requests: PipeWriter,
    answers: PipeReader,
}

impl Runner {
    /// Starts the process. Call it before the first thread, and before privileges are dropped.
    pub fn start() -> Result<Self, RunnerError> {
        Self::of(Path::new("/proc/self/exe"))
    }

    /// The same with another file of this program.
    pub fn of(program: &Path) -> Result<Self, RunnerError> {
        let (door, inside) = UnixStream::pair().map_err(RunnerError::Process)?;
        let child = Command::new(program)
            .arg0("lvsdeck")
            .arg(SUBCOMMAND)
            .stdin(OwnedFd::from(inside))
            .process_group(0)
            .current_dir("/")
            .spawn()
            .map_err(RunnerError::Process)?;
        let (requests, answers) = open(&door).map_err(RunnerError::Process)?;
        Ok(Self { child, door, requests, answers })
    }

    /// The process that starts runners.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Begins to listen, on a thread of its own. `lost`: called there once no runner is left and none can be started any more,
    /// unless the link was closed.
    pub fn listen(self, lost: impl FnOnce() + Send + 'static) -> Result<RunnerLink, RunnerError> {
        let Self { mut child, door, requests, mut answers } = self;
        let desk = Desk { requests: Some(requests), renews: true, ..Desk::default() };
        let link = RunnerLink(Arc::new(Mutex::new(desk)));
        let heard = link.clone();
        let body = move || {
            loop {
                let begun = Instant::now();
                heard.hear(answers);
                match heard.renew(&door, begun) {
                    Renewed::Runs(next) => answers = next,
                    Renewed::Lost => break lost(),
                    Renewed::Closed => break,
                }
            }
            drop(door);
            _ = child.wait();
        };
        thread::Builder::new().name("scripts-heard".to_owned()).spawn(body).map_err(RunnerError::Thread)?;
        Ok(link)
    }
}

/// A new runner, to be written to without waiting.
fn open(door: &UnixStream) -> io::Result<(PipeWriter, PipeReader)> {
    let (requests, answers) = knock(door)?;
    rustix::io::ioctl_fionbio(&requests, true)?;
    Ok((requests, answers))
}

/// What is done with an end, on the reader's thread: must not block.
type Told = Box<dyn FnOnce(Ended) + Send>;

#[derive(Default)]
struct Desk {
    /// None while there is no runner.
    requests: Option<PipeWriter>,
    /// Whether another one comes then.
    renews: bool,
    /// The rest of a request that the pipe had no room for.
    unsent: Vec<u8>,
    waiting: HashMap<u64, Told>,
    last_id: u64,
}

/// The way to a running runner; may be shared by threads.
#[derive(Clone)]
pub struct RunnerLink(Arc<Mutex<Desk>>);

impl RunnerLink {
    /// A link to no runner: every job fails.
    pub fn broken() -> Self {
        Self(Arc::default())
    }

    /// Runs a job; `told` is called once, with its end. Gives the number to [`cancel`](Self::cancel) it by.
    pub fn run(&self, job: Job, told: impl FnOnce(Ended) + Send + 'static) -> u64 {
        let mut desk = self.desk();
        desk.last_id += 1;
        let id = desk.last_id;
        let why = match desk.send(&Request::Run { id, job }) {
            Sent::Yes => {
                desk.waiting.insert(id, Box::new(told));
                return id;
            }
            Sent::NoRoom => FULL,
            Sent::Gone => desk.gone(),
        };
        drop(desk);
        told(not_run(id, why));
        id
    }

    /// Ends a job early, if it still runs. A runner that is stuck does not hear of it: the job ends at its limit then.
    pub fn cancel(&self, id: u64) {
        self.desk().send(&Request::Cancel { id });
    }

    /// Whether jobs can be run, now or in a moment.
    pub fn is_alive(&self) -> bool {
        let desk = self.desk();
        desk.requests.is_some() || desk.renews
    }

    /// Ends the runner, and what it runs.
    pub fn close(&self) {
        let mut desk = self.desk();
        (desk.requests, desk.renews) = (None, false);
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, answers: PipeReader) {
        let mut answers = BufReader::new(answers);
        let mut line = Vec::new();
        loop {
            line.clear();
            let most = u64::try_from(LONGEST).unwrap_or(u64::MAX);
            match answers.by_ref().take(most).read_until(b'\n', &mut line) {
                Ok(length) if length > 0 => {}
                _ => return,
            }
            let Ok(ended) = serde_json::from_slice::<Ended>(&line) else { return };
            let told = self.desk().waiting.remove(&ended.id);
            if let Some(told) = told {
                told(ended);
            }
        }
    }

    /// The runner that was started then has ended: nothing that waits will come.
    fn renew(&self, door: &UnixStream, begun: Instant) -> Renewed {
        let mut desk = self.desk();
        desk.requests = None;
        desk.unsent.clear();
        let waiting = std::mem::take(&mut desk.waiting);
        let is_wanted = desk.renews;
        drop(desk);
        if is_wanted {
            thread::sleep(PAUSE.saturating_sub(begun.elapsed()));
        }
        let next = is_wanted.then(|| open(door)).and_then(Result::ok);
        let mut desk = self.desk();
        let renewed = match next {
            // It was closed, perhaps meanwhile.
            _ if !desk.renews => Renewed::Closed,
            Some((requests, answers)) => {
                desk.requests = Some(requests);
                Renewed::Runs(answers)
            }
            None => {
                desk.renews = false;
                Renewed::Lost
            }
        };
        let why = desk.gone();
        drop(desk);
        if matches!(renewed, Renewed::Runs(_)) {
            tracing::warn!("{AGAIN}; what it ran has ended with it");
        }
        for (id, told) in waiting {
            told(not_run(id, why));
        }
        renewed
    }
}

/// What comes after a runner that has ended.
enum Renewed {
    /// Another one; its answers.
    Runs(PipeReader),
    /// None: what starts them has ended as well.
    Lost,
    /// None is wanted any more.
    Closed,
}

/// What became of a request.
enum Sent {
    Yes,
    /// The runner is stuck.
    NoRoom,
    /// There is no runner any more.
    Gone,
}

impl Desk {
    /// Why what had no runner was not run.
    const fn gone(&self) -> &'static str {
        if self.renews { AGAIN } else { LOST }
    }

    /// Never waits: the reader of the answers needs the desk as well.
    fn send(&mut self, request: &Request) -> Sent {
        let Ok(mut line) = serde_json::to_vec(request) else { return Sent::Gone };
        line.push(b'\n');
        let whole = line.len();
        let sent = self.flush().and_then(|()| {
            self.unsent = line;
            self.flush().or_else(|error| match error.kind() {
                // It has begun; the rest goes before the next one.
                io::ErrorKind::WouldBlock if self.unsent.len() < whole => Ok(()),
                _ => {
                    self.unsent.clear();
                    Err(error)
                }
            })
        });
        match sent {
            Ok(()) => Sent::Yes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Sent::NoRoom,
            Err(_) => {
                self.requests = None;
                Sent::Gone
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let pipe = self.requests.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        while !self.unsent.is_empty() {
            match pipe.write(&self.unsent) {
                Ok(length) => drop(self.unsent.drain(..length)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

const FULL: &str = "the process that runs scripts takes no more requests: look whether lvsdeck script-runner is stopped, or waits \
                    for a file system that does not answer";

fn not_run(id: u64, why: &str) -> Ended {
    Ended { id, how: How::NotRun(why.to_owned()), output: String::new(), took: Duration::ZERO, exposed: None }
}

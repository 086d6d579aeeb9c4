//! The engine's side of the runner: start it early, then hand it jobs from any thread. It never waits for the runner: a
//! request that a stuck one has no room for is a run that failed.

use super::SUBCOMMAND;
use super::protocol::{Ended, How, Job, LONGEST, LOST, Request};
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Why there is no runner.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// Its process could not be started.
    #[error("can't start the process that runs scripts: {0}; no script is run")]
    Process(#[source] io::Error),
    /// Its reader could not be started.
    #[error("can't start the thread that hears of scripts: {0}; no script is run")]
    Thread(#[source] io::Error),
    /// An embedded director has no use for one.
    #[error("no script is run by an embedded director")]
    Unwanted,
}

/// A runner that was started and that nobody listens to yet: the engine has no thread so far.
#[derive(Debug)]
pub struct Runner {
    child: Child,
    requests: ChildStdin,
    answers: ChildStdout,
}

impl Runner {
    /// Starts the process. Call it before the first thread, and before privileges are dropped.
    pub fn start() -> Result<Self, RunnerError> {
        Self::of(Path::new("/proc/self/exe"))
    }

    /// The same with another file of this program.
    pub fn of(program: &Path) -> Result<Self, RunnerError> {
        let mut child = Command::new(program)
            .arg0("lvsdeck")
            .arg(SUBCOMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .current_dir("/")
            .spawn()
            .map_err(RunnerError::Process)?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(RunnerError::Process(io::Error::other("it has no pipes")));
        };
        Ok(Self { child, requests, answers })
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Begins to listen, on a thread of its own.
    pub fn listen(self) -> Result<RunnerLink, RunnerError> {
        let Self { mut child, requests, answers } = self;
        rustix::io::ioctl_fionbio(&requests, true).map_err(|error| RunnerError::Process(error.into()))?;
        let desk = Desk { requests: Some(requests), ..Desk::default() };
        let link = RunnerLink(Arc::new(Mutex::new(desk)));
        let heard = link.clone();
        let body = move || {
            heard.hear(answers);
            heard.lose();
            _ = child.wait();
        };
        thread::Builder::new().name("scripts-heard".to_owned()).spawn(body).map_err(RunnerError::Thread)?;
        Ok(link)
    }
}

/// What is done with an end, on the reader's thread: must not block.
type Told = Box<dyn FnOnce(Ended) + Send>;

#[derive(Default)]
struct Desk {
    /// None once the runner has ended.
    requests: Option<ChildStdin>,
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
            Sent::Gone => LOST,
        };
        drop(desk);
        told(not_run(id, why));
        id
    }

    /// Ends a job early, if it still runs. A runner that is stuck does not hear of it: the job ends at its limit then.
    pub fn cancel(&self, id: u64) {
        self.desk().send(&Request::Cancel { id });
    }

    /// Whether jobs can be run.
    pub fn is_alive(&self) -> bool {
        self.desk().requests.is_some()
    }

    /// Ends the runner, and what it runs.
    pub fn close(&self) {
        self.desk().requests = None;
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, answers: ChildStdout) {
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

    /// The runner has ended: nothing that waits will come.
    fn lose(&self) {
        let waiting = {
            let mut desk = self.desk();
            desk.requests = None;
            std::mem::take(&mut desk.waiting)
        };
        for (id, told) in waiting {
            told(not_run(id, LOST));
        }
    }
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

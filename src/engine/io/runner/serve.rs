//! The runner's own loop. It waits in `poll` for a request, the end of a script, output, or a deadline; each round:
//!
//! 1. take requests; when the engine has gone, end everything that runs;
//! 2. read output, signal what took too long, answer for what has ended;
//! 3. start what waits, as far as there is room.

use super::output::Output;
use super::protocol::{Ended, How, Job, LONGEST, Request};
use super::task::Task;
use crate::engine::io::wait::{self, Alarm};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Scripts that run at once.
const RUNNING: usize = 64;
/// Scripts that wait for room.
const WAITING: usize = 1_024;
/// Pipes that are read although their script has ended: a process that it left behind may print there.
const LEFT: usize = 64;

/// Runs scripts for the engine on standard input and output until it goes.
pub fn serve() -> io::Result<()> {
    settle()?;
    let requests = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    rustix::io::ioctl_fionbio(&requests, true)?;
    let answers = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let mut runner = Runner::new(answers);
    let mut incoming = Incoming { pipe: requests, partial: Vec::new(), closed: false };
    let mut alarm = Alarm::new()?;
    loop {
        let now = Instant::now();
        incoming.closed |= runner.deaf;
        incoming.take(|request| runner.take(request, now));
        if incoming.closed {
            runner.end_all(now);
        }
        runner.poll(now);
        if incoming.closed && runner.tasks.is_empty() {
            return Ok(());
        }
        let mut descriptors = vec![alarm.as_raw_fd()];
        descriptors.extend((!incoming.closed).then(|| incoming.pipe.as_raw_fd()));
        descriptors.extend(runner.tasks.iter().flat_map(Task::descriptors));
        descriptors.extend(runner.left.iter().map(Output::as_raw_fd));
        let next = runner.tasks.iter().map(Task::deadline).min();
        alarm.set(next)?;
        wait::readable(&descriptors)?;
    }
}

/// Makes this process a runner: descriptors of whoever started the engine are closed, capabilities are not handed to
/// scripts of other users, and the signals that end an engine do not end it: its end is that of what it reads, the other end of
/// which the engine alone has.
#[allow(unsafe_code)]
pub(super) fn settle() -> io::Result<()> {
    // SAFETY: nothing in this process has opened a descriptor above 2 yet, so none is closed under its owner.
    unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
    _ = rustix::thread::set_name(c"lvsdeck-scripts");
    // A kernel without ambient capabilities has none to clear.
    _ = rustix::thread::clear_ambient_capability_set();
    let ignored = Arc::new(AtomicBool::new(false));
    for signal in [
        libc::SIGTERM,
        libc::SIGINT,
        libc::SIGHUP,
        libc::SIGQUIT,
        libc::SIGPIPE,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGALRM,
    ] {
        // With a handler rather than ignored: scripts would inherit that.
        signal_hook::flag::register(signal, Arc::clone(&ignored))?;
    }
    Ok(())
}

/// The engine's requests, a line each.
struct Incoming {
    pipe: File,
    partial: Vec<u8>,
    closed: bool,
}

impl Incoming {
    /// Reads what is there. What is no request ends the reading: the engine that this runner belongs to writes none such.
    fn take(&mut self, mut request: impl FnMut(Request)) {
        let mut buffer = [0; 16 << 10];
        while !self.closed {
            match self.pipe.read(&mut buffer) {
                Ok(0) => self.closed = true,
                Ok(length) => self.partial.extend_from_slice(buffer.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.closed = true,
            }
            while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.partial.drain(..=end).collect();
                match serde_json::from_slice(&line) {
                    Ok(read) => request(read),
                    Err(_) => self.closed = true,
                }
            }
            self.closed |= self.partial.len() > LONGEST;
        }
    }
}

struct Runner {
    answers: File,
    /// Nobody reads the answers.
    deaf: bool,
    tasks: Vec<Task>,
    waiting: VecDeque<(u64, Job)>,
    left: VecDeque<Output>,
}

impl Runner {
    const fn new(answers: File) -> Self {
        Self { answers, deaf: false, tasks: Vec::new(), waiting: VecDeque::new(), left: VecDeque::new() }
    }

    fn take(&mut self, request: Request, now: Instant) {
        match request {
            Request::Run { id, .. } if self.waiting.len() >= WAITING => {
                let why = format!("too many scripts wait to be run ({WAITING}): give them longer intervals");
                self.answer(&not_run(id, How::NotRun(why)));
            }
            Request::Run { id, job } => self.waiting.push_back((id, job)),
            Request::Cancel { id } => {
                if let Some(task) = self.tasks.iter_mut().find(|task| task.id == id) {
                    task.end(How::Cancelled, now);
                } else if let Some(at) = self.waiting.iter().position(|(waiting, _)| *waiting == id) {
                    self.waiting.remove(at);
                    self.answer(&not_run(id, How::Cancelled));
                }
            }
        }
    }

    fn end_all(&mut self, now: Instant) {
        self.waiting.clear();
        self.tasks.iter_mut().for_each(|task| task.end(How::Cancelled, now));
    }

    fn poll(&mut self, now: Instant) {
        self.left.iter_mut().for_each(Output::drain);
        self.left.retain(|output| !output.is_closed());
        let mut at = 0;
        while let Some(task) = self.tasks.get_mut(at) {
            let Some(how) = task.poll(now) else {
                at += 1;
                continue;
            };
            let (ended, output) = self.tasks.swap_remove(at).into_answer(how, now);
            self.answer(&ended);
            self.left.extend(output);
        }
        while self.left.len() > LEFT {
            self.left.pop_front();
        }
        while self.tasks.len() < RUNNING {
            let Some((id, job)) = self.waiting.pop_front() else { return };
            match Task::start(id, &job, now) {
                Ok(task) => self.tasks.push(task),
                Err(how) => self.answer(&not_run(id, how)),
            }
        }
    }

    fn answer(&mut self, ended: &Ended) {
        let line = serde_json::to_vec(ended).map(|mut line| {
            line.push(b'\n');
            line
        });
        self.deaf |= !line.is_ok_and(|line| self.answers.write_all(&line).is_ok());
    }
}

fn not_run(id: u64, how: How) -> Ended {
    Ended { id, how, output: String::new(), took: Duration::ZERO, exposed: None }
}

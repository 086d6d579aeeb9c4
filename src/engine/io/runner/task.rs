//! One script that runs: started in a process group of its own, ended by TERM and then KILL.
//!
//! Its process is reaped only after its group was dealt with: until then no other group can have its number.

use super::PATH;
use super::identity::Identity;
use super::output::Output;
use super::place::{PlaceError, locate, others_can_change};
use super::protocol::{Ended, How, Job};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitIdOptions, kill_process_group, pidfd_open, set_parent_process_death_signal, waitid,
};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a script has between TERM and KILL.
const GRACE: Duration = Duration::from_millis(500);

/// A script that runs.
#[derive(Debug)]
pub struct Task {
    pub id: u64,
    child: Child,
    group: Pid,
    ended: OwnedFd,
    output: Output,
    started_at: Instant,
    /// When it is sent the next signal.
    signal_at: Instant,
    /// Why it is being ended, once it is.
    ending: Option<How>,
    exposed: Option<PathBuf>,
}

impl Task {
    /// Looks at a job's script and starts it. Errors: why it can't run.
    pub fn start(id: u64, job: &Job, now: Instant) -> Result<Self, How> {
        let empty = || How::Unfit("the command is empty".to_owned());
        let (word, arguments) = job.command.split_first().ok_or_else(empty)?;
        let unfit = |error: PlaceError| How::Unfit(error.to_string());
        let program = locate(word, &job.identity).map_err(unfit)?;
        let exposed = job.identity.is_root().then(|| others_can_change(&program)).flatten();
        if let Some(part) = exposed.clone().filter(|_| job.secure) {
            return Err(unfit(PlaceError::Unsafe { script: program, part }));
        }
        Self::spawn(id, job, &program, arguments, now).map(|task| Self { exposed, ..task }).map_err(How::NotRun)
    }

    /// Errors: why it did not start, for operators.
    fn spawn(id: u64, job: &Job, program: &Path, arguments: &[String], now: Instant) -> Result<Self, String> {
        let failed = |error: io::Error| {
            let help = match error.raw_os_error() {
                Some(libc::EPERM) => "; the runner may not switch users: run lvsdeck as root, or name this user",
                Some(libc::ENOENT) => "; is the interpreter that its first line names there?",
                _ => "",
            };
            format!("can't run {}: {error}{help}", program.display())
        };
        let (output, writer) = Output::new().map_err(failed)?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(writer.try_clone().map_err(failed)?).stderr(writer);
        clean(&mut command, &job.identity);
        let mut child = command.spawn().map_err(failed)?;
        let watched = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| "no process".to_owned());
        let watched = watched
            .and_then(|group| Ok((group, pidfd_open(group, PidfdFlags::empty()).map_err(|e| failed(e.into()))?)));
        let (group, ended) = match watched {
            Ok(watched) => watched,
            Err(why) => {
                // Not to be watched, so not to be left alone.
                _ = child.kill();
                _ = child.wait();
                return Err(why);
            }
        };
        let signal_at = now.checked_add(job.limit).unwrap_or(now);
        Ok(Self { id, child, group, ended, output, started_at: now, signal_at, ending: None, exposed: None })
    }

    /// What to wait for: its end and its output.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        let output = (!self.output.is_closed()).then(|| self.output.as_raw_fd());
        std::iter::once(self.ended.as_raw_fd()).chain(output)
    }

    /// When [`poll`](Self::poll) has something to do even if nothing comes.
    pub const fn deadline(&self) -> Instant {
        self.signal_at
    }

    /// Begins to end it.
    pub fn end(&mut self, why: How, now: Instant) {
        if self.ending.is_none() {
            self.signal(Signal::TERM);
            self.ending = Some(why);
            self.signal_at = now + GRACE;
        }
    }

    /// Reads its output, signals what is due, and gives its end once it has come.
    pub fn poll(&mut self, now: Instant) -> Option<How> {
        self.output.drain();
        if self.has_ended() {
            if self.ending.is_some() {
                self.signal(Signal::KILL); // whoever else is left of the group
            }
            let status = self.child.wait();
            self.output.drain();
            return Some(self.ending.take().unwrap_or_else(|| match status {
                Ok(status) => status.code().map_or_else(|| How::Killed(status.signal().unwrap_or(0)), How::Exited),
                Err(error) => How::NotRun(format!("its end is not known: {error}")),
            }));
        }
        if self.signal_at <= now {
            if self.ending.is_none() {
                self.end(How::TimedOut, now);
            } else {
                self.signal(Signal::KILL);
                self.signal_at = now + GRACE;
            }
        }
        None
    }

    /// The answer, and its output where somebody may still print there.
    pub fn into_answer(mut self, how: How, now: Instant) -> (Ended, Option<Output>) {
        let took = now.saturating_duration_since(self.started_at);
        let ended = Ended { id: self.id, how, output: self.output.take_text(), took, exposed: self.exposed };
        (ended, (!self.output.is_closed()).then_some(self.output))
    }

    fn has_ended(&self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        // An error means that there is nothing to wait for.
        !matches!(waitid(rustix::process::WaitId::Pid(self.group), look), Ok(None))
    }

    /// To the whole group; that it has gone already is no error.
    fn signal(&self, signal: Signal) {
        _ = kill_process_group(self.group, signal);
    }
}

/// A process group, an environment and a user of its own, and an end with the runner.
#[allow(unsafe_code)]
fn clean(command: &mut Command, identity: &Identity) {
    command.process_group(0).current_dir("/").env_clear();
    command.env("PATH", PATH).env("LANG", "C.UTF-8").env("SHELL", "/bin/sh");
    command.env("HOME", &identity.home).env("USER", &identity.name).env("LOGNAME", &identity.name);
    let Identity { user, group, groups, .. } = identity.clone();
    // SAFETY: between fork and exec of a process with one thread; the calls take numbers and a list that was made before,
    // and allocate nothing.
    unsafe {
        command.pre_exec(move || {
            let switch = libc::geteuid() != user || libc::getegid() != group || libc::geteuid() == 0;
            let switched = !switch
                || (libc::setgroups(groups.len(), groups.as_ptr()) == 0
                    && libc::setresgid(group, group, group) == 0
                    && libc::setresuid(user, user, user) == 0);
            if !switched {
                return Err(io::Error::last_os_error());
            }
            // After the switch, which takes it away.
            set_parent_process_death_signal(Some(Signal::KILL)).map_err(Into::into)
        });
    }
}

//! Runs the scripts that instances track, each at its interval, and tells the failover loop what follows. On a thread of
//! its own, which sleeps between runs:
//!
//! 1. hand every script that is due to the runner; one that still runs is not due;
//! 2. wait for an end, a change of the configuration, or the next deadline;
//! 3. what changed how a script counts goes to the failover loop, with what the script said.
//!
//! Only scripts that some instance tracks are run. One that can't be run the first time (no such file, no such user,
//! refused by script security: the runner looks) is left out until the next start or reload: nothing follows from it, as with
//! keepalived. One that can't be run later on fails.

use crate::engine::io::host;
use crate::engine::io::runner::{Ended, How, Identity, Job, RunnerLink};
use crate::engine::io::wait::{self, Alarm, Bell, Ear};
use crate::engine::model::{Configuration, Global, ScriptUser, Track, TrackKind, VrrpScript};
use crate::engine::snapshot::Warning;
use crate::engine::vrrp::{Tracked, Tracker};
use std::io;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// The user that runs scripts when nobody is named, where the host has it.
const DEFAULT_USER: &str = "keepalived_script";
/// How much longer than its limit a run may take to be answered for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A tracked script, and how to run it or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    script: VrrpScript,
    job: Result<Job, String>,
}

impl Prepared {
    /// Whether an answer of this one is one of the other.
    fn asks_the_same(&self, other: &Self) -> bool {
        let (Ok(job), Ok(other_job)) = (&self.job, &other.job) else { return false };
        let of = |job: &Job| (job.command.clone(), job.identity.clone());
        self.script.name == other.script.name && of(job) == of(other_job)
    }
}

/// The scripts that some instance tracks. Touches none of them: their file system may not answer, and the runner may reach
/// more of it than the engine.
pub fn prepare(configuration: &Configuration) -> Vec<Prepared> {
    let tracks = |name: &str| {
        let tracks = |s: &Track| s.kind == TrackKind::Script && s.name == name;
        configuration.virtual_routers.iter().any(|r| r.tracks.iter().any(tracks))
    };
    let scripts = configuration.scripts.iter().filter(|script| tracks(&script.name));
    scripts
        .map(|script| {
            let job = job(&script.command, script.user.as_ref(), script.time_limit(), &configuration.global);
            Prepared { script: script.clone(), job }
        })
        .collect()
}

/// How a command is run under the words of `global_defs`, or why it can't be.
pub(super) fn job(
    command: &[String],
    user: Option<&ScriptUser>,
    limit: Duration,
    global: &Global,
) -> Result<Job, String> {
    let secure = global.script_security;
    let identity = match user.or(global.script_user.as_ref()) {
        Some(user) => Identity::of(user).map_err(|e| format!("{e}: make it, or correct user or script_user"))?,
        None if !host::is_root() => Identity::own(),
        None => default_identity(secure)?,
    };
    if !host::is_root() && identity.user != host::user() {
        return Err(format!(
            "lvsdeck does not run as root and can't switch to user {}: leave the user out",
            identity.name
        ));
    }
    Ok(Job { command: command.to_vec(), identity, secure, limit })
}

/// As keepalived: its own user, or else root, unless security is asked for.
pub(super) fn default_identity(secure: bool) -> Result<Identity, String> {
    let named = |name: &str| Identity::of(&ScriptUser { user: name.to_owned(), group: None });
    match named(DEFAULT_USER) {
        Ok(identity) => Ok(identity),
        Err(_) if secure => Err(format!(
            "enable_script_security is on, and there is neither script_user nor a user {DEFAULT_USER}: write script_user \
             root if root is to run scripts, or make that user"
        )),
        Err(_) => named("root").map_err(|error| error.to_string()),
    }
}

enum Request {
    Reload(Vec<Prepared>),
    Ended(Ended),
    End,
}

/// The way into a running loop.
#[derive(Clone)]
pub struct ScriptsSender {
    requests: Sender<Request>,
    bell: Arc<Bell>,
}

impl ScriptsSender {
    /// From now on runs the scripts of another configuration; what it does not change goes on untouched.
    pub fn reload(&self, prepared: Vec<Prepared>) {
        self.send(Request::Reload(prepared));
    }

    /// Ends the loop and what it runs.
    pub fn end(&self) {
        self.send(Request::End);
    }

    fn send(&self, request: Request) {
        // A loop that has ended needs no request.
        _ = self.requests.send(request);
        self.bell.ring();
    }
}

/// The loop before it runs.
pub struct ScriptLoop<T, W> {
    runner: RunnerLink,
    sender: ScriptsSender,
    requests: Receiver<Request>,
    ear: Ear,
    alarm: Alarm,
    scripts: Vec<Script>,
    tell: T,
    warn: W,
}

struct Script {
    prepared: Prepared,
    tracker: Tracker,
    run: Option<Run>,
    /// The runner has run it.
    answered: bool,
    /// It is not run: it could not be, the first time.
    left_out: bool,
    /// What others than root can change of what root runs.
    exposed: Option<PathBuf>,
}

struct Run {
    id: u64,
    /// The runner does not answer for it any more after this.
    lost_at: Instant,
}

impl<T: Fn(String, Tracked, String), W: Fn(Vec<Warning>)> ScriptLoop<T, W> {
    /// A loop over `prepared`. `tell` gets a script's name, how it counts from now on, and what it said; `warn` all
    /// warnings about what root runs.
    pub fn new(runner: RunnerLink, tell: T, warn: W) -> io::Result<(Self, ScriptsSender)> {
        let (bell, ear) = wait::bell()?;
        let (requests, received) = channel();
        let sender = ScriptsSender { requests, bell: Arc::new(bell) };
        let (own, alarm) = (sender.clone(), Alarm::new()?);
        let this = Self { runner, sender: own, requests: received, ear, alarm, scripts: Vec::new(), tell, warn };
        Ok((this, sender))
    }

    /// Runs until it is told to end. Errors: its descriptors can't be waited for.
    pub fn run(mut self, prepared: Vec<Prepared>) -> io::Result<()> {
        self.adopt(prepared);
        loop {
            let now = Instant::now();
            self.begin_due(now);
            self.give_up_lost(now);
            let next = self.scripts.iter().filter_map(Script::deadline).min();
            self.alarm.set(next)?;
            wait::readable(&[self.ear.as_raw_fd(), self.alarm.as_raw_fd()])?;
            self.ear.clear();
            while let Ok(request) = self.requests.try_recv() {
                match request {
                    Request::Ended(ended) => self.ended(&ended),
                    Request::Reload(prepared) => self.adopt(prepared),
                    Request::End => {
                        self.scripts.iter().filter_map(|s| s.run.as_ref()).for_each(|run| self.runner.cancel(run.id));
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Takes scripts over; those that are as they were go on, and those that run the same program as the same user still
    /// know what it said: other words alone say nothing about what they watch.
    fn adopt(&mut self, prepared: Vec<Prepared>) {
        let mut before = std::mem::take(&mut self.scripts);
        for prepared in prepared {
            let kept = |script: &Script| script.prepared == prepared && !script.left_out;
            if let Some(at) = before.iter().position(kept) {
                self.scripts.push(before.swap_remove(at));
                continue;
            }
            let VrrpScript { name, interval, rise, fall, init_fail, .. } = &prepared.script;
            let same = |script: &Script| script.prepared.asks_the_same(&prepared) && !script.left_out;
            if let Some(at) = before.iter().position(same) {
                let mut script = before.swap_remove(at);
                script.tracker.retune(*interval, *rise, *fall, Instant::now());
                self.scripts.push(Script { prepared, ..script });
                continue;
            }
            // Looked at again, it stays left out until it answers.
            let again = before.iter().any(|script| script.left_out && script.prepared == prepared);
            let init_fail = *init_fail && !again;
            let tracker = Tracker::new(*interval, *rise, *fall, init_fail, Instant::now());
            match &prepared.job {
                Err(why) => (self.tell)(name.clone(), Tracked::LeftOut, why.clone()),
                Ok(_) if init_fail => {
                    (self.tell)(name.clone(), Tracked::Presumed, "it has not run yet (init_fail)".to_owned());
                }
                Ok(_) => {}
            }
            let left_out = prepared.job.is_err();
            self.scripts.push(Script { prepared, tracker, run: None, answered: false, left_out, exposed: None });
        }
        (self.warn)(self.scripts.iter().filter_map(Script::warning).collect());
        before.iter().filter_map(|script| script.run.as_ref()).for_each(|run| self.runner.cancel(run.id));
    }

    fn begin_due(&mut self, now: Instant) {
        for script in &mut self.scripts {
            let Ok(job) = &script.prepared.job else { continue };
            if script.tracker.due_at().is_none_or(|at| at > now) {
                continue;
            }
            script.tracker.begin(now);
            let sender = self.sender.clone();
            let id = self.runner.run(job.clone(), move |ended| sender.send(Request::Ended(ended)));
            script.run = Some(Run { id, lost_at: now + job.limit + PATIENCE });
        }
    }

    fn ended(&mut self, ended: &Ended) {
        let runs = |script: &&mut Script| script.run.as_ref().is_some_and(|run| run.id == ended.id);
        // Another one was removed meanwhile, or given up.
        let Some(script) = self.scripts.iter_mut().find(runs) else { return };
        script.run = None;
        let name = script.prepared.script.name.clone();
        let exposed = match &ended.how {
            How::Unfit(why) if !script.answered => {
                // Its tracker waits for an end that does not come: it is not due any more.
                script.left_out = true;
                return (self.tell)(name, Tracked::LeftOut, why.clone());
            }
            How::Exited(_) | How::Killed(_) | How::TimedOut => {
                script.answered = true;
                ended.exposed.clone()
            }
            How::Cancelled | How::NotRun(_) | How::Unfit(_) => script.exposed.clone(),
        };
        let news = std::mem::replace(&mut script.exposed, exposed) != script.exposed;
        if let Some(state) = script.tracker.end(Instant::now(), ended.succeeded()) {
            (self.tell)(name, state, ended.to_string());
        }
        if news {
            (self.warn)(self.scripts.iter().filter_map(Script::warning).collect());
        }
    }

    fn give_up_lost(&mut self, now: Instant) {
        for script in &mut self.scripts {
            let Some(run) = script.run.take_if(|run| run.lost_at <= now) else { continue };
            self.runner.cancel(run.id);
            if let Some(state) = script.tracker.end(now, false) {
                let said = "the process that runs scripts does not answer for it".to_owned();
                (self.tell)(script.prepared.script.name.clone(), state, said);
            }
        }
    }
}

impl Script {
    fn warning(&self) -> Option<Warning> {
        let part = self.exposed.as_ref()?.display();
        let VrrpScript { name, command, .. } = &self.prepared.script;
        let program = command.first().map_or("", String::as_str);
        Some(Warning {
            code: "script-insecure".to_owned(),
            subject: name.clone(),
            message: format!(
                "root runs {program}, and others than root can change {part}: whoever can is root on this host"
            ),
            next: format!(
                "chown root and chmod go-w {part}, or let another user run it (script_user); then write \
                 enable_script_security"
            ),
        })
    }

    fn deadline(&self) -> Option<Instant> {
        let due = self.tracker.due_at().filter(|_| self.prepared.job.is_ok());
        due.or_else(|| self.run.as_ref().map(|run| run.lost_at))
    }
}

//! Tells scripts, FIFOs and people what changed, on a thread of its own: nothing that a script or a reader does holds up an
//! advertisement.
//!
//! 0. a notice's mail joins those that wait for the mail server ([`mailer`](super::mailer));
//! 1. its line goes to every FIFO at once, whole or not at all;
//! 2. its commands join the end of its chain; a chain runs one command after the other, each only when the one before has
//!    ended, so that what is told last is what is so;
//! 3. what comes faster than it is taken is lost from its old end, counted and told;
//! 4. chains do not wait for each other: a script that hangs holds up its own instance or group alone, until its limit.

mod queue;

use super::mailer::Mailer;
use super::scripts::job;
use crate::engine::balance;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::failover;
use crate::engine::io::fifo::Fifo;
use crate::engine::io::host;
use crate::engine::io::runner::{Ended, How, RunnerLink};
use crate::engine::mail::Mail;
use crate::engine::model::{FifoWords, Global, NotifyCommand, ScriptUser};
use queue::Queue;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a script may take that is told of a change.
pub const LIMIT: Duration = Duration::from_mins(2);
/// As good as for ever: a script that reads a FIFO.
const FOREVER: Duration = Duration::from_hours(876_000);
/// Commands that wait in one chain; the oldest is left out when there are more.
const MOST: usize = 1000;
/// How long the end waits for what is still to be told.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How often the end looks whether FIFOs are read.
const LOOK: Duration = Duration::from_millis(10);

/// Which FIFO hears something, beside the one of `notify_fifo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Instances and sync groups: `vrrp_notify_fifo`.
    Vrrp,
    /// Services and real servers: `lvs_notify_fifo`.
    Lvs,
}

impl Half {
    /// The word of the FIFO that hears this half alone.
    const fn fifo(self) -> &'static str {
        match self {
            Self::Vrrp => "vrrp_notify_fifo",
            Self::Lvs => "lvs_notify_fifo",
        }
    }
}

/// Something that is told.
#[derive(Debug, Clone)]
pub struct Telling {
    /// What it is of.
    pub half: Half,
    /// What is told one after the other.
    pub chain: String,
    /// What it is about, for events.
    pub subject: String,
    /// For FIFOs, without its end.
    pub line: Option<String>,
    /// What is run, in this order, with all arguments.
    pub commands: Vec<NotifyCommand>,
    /// What is mailed.
    pub mail: Option<Mail>,
}

impl From<failover::Notice> for Telling {
    fn from(notice: failover::Notice) -> Self {
        let line = Some(notice.line());
        let failover::Notice { chain, name, commands, mail, .. } = notice;
        Self { half: Half::Vrrp, chain, subject: name, line, commands, mail }
    }
}

impl From<balance::Notice> for Telling {
    fn from(notice: balance::Notice) -> Self {
        let balance::Notice { service, subject, line, command, mail } = notice;
        let chain = format!("service {service}");
        Self { half: Half::Lvs, chain, subject, line, commands: command.into_iter().collect(), mail }
    }
}

enum Request {
    Tell(Telling),
    Follow(Box<Global>),
    Ended(String, Ended),
    End,
}

/// The way into a running notifier. Never waits.
#[derive(Clone)]
pub struct NotifierSender(Queue);

impl NotifierSender {
    /// Tells something.
    pub fn tell(&self, telling: impl Into<Telling>) {
        self.0.tell(telling.into());
    }
    /// From now on by the words of another configuration.
    pub fn follow(&self, global: Global) {
        self.0.push(Request::Follow(Box::new(global)));
    }
    /// Ends it as soon as everything is told, after some seconds at the latest.
    pub fn end(&self) {
        self.0.push(Request::End);
    }
}

/// The way into a notifier, and what is to be run as its thread. `limit`: how long a script may take.
pub fn new(
    (runner, mailer): (RunnerLink, Mailer),
    global: Global,
    limit: Duration,
    report: impl Fn(Fact) + Send + 'static,
) -> (NotifierSender, impl FnOnce() + Send + 'static) {
    let requests = Queue::default();
    let sender = NotifierSender(requests.clone());
    let body = move || {
        let (chains, fifos) = (BTreeMap::new(), BTreeMap::new());
        let mut notifier =
            Notifier { runner, mailer, requests, global: Global::default(), limit, report, chains, fifos };
        notifier.follow(global);
        notifier.run();
    };
    (sender, body)
}

struct Notifier<R> {
    runner: RunnerLink,
    mailer: Mailer,
    requests: Queue,
    global: Global,
    limit: Duration,
    report: R,
    chains: BTreeMap<String, Chain>,
    /// By their keyword.
    fifos: BTreeMap<&'static str, Open>,
}

#[derive(Default)]
struct Chain {
    waiting: VecDeque<Waiting>,
    /// What runs, and the runner's number of it.
    running: Option<(u64, Waiting)>,
    /// More came than it holds.
    overflows: bool,
}

struct Waiting {
    subject: String,
    command: NotifyCommand,
    limit: Duration,
}

/// A FIFO that lines go to.
struct Open {
    words: FifoWords,
    fifo: Fifo,
    /// The last line found no room.
    full: bool,
}

impl<R: Fn(Fact)> Notifier<R> {
    fn run(&mut self) {
        while let Some((request, lost)) = self.requests.take(None) {
            self.tell_lost(lost);
            match request {
                Request::End => break,
                other => self.take(other),
            }
        }
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until && self.is_busy() {
            if let Some((request, lost)) = self.requests.take(Some(Instant::now() + LOOK)) {
                self.tell_lost(lost);
                self.take(request);
            }
        }
        for (name, chain) in &self.chains {
            if let Some((id, _)) = &chain.running {
                self.runner.cancel(*id);
            }
            if !self.fifos.values().any(|open| *name == open.chain()) {
                self.leave_untold(chain);
            }
        }
    }

    /// What is left of a chain at the end: whoever is told by it believes the state before.
    fn leave_untold(&self, chain: &Chain) {
        let words = |waiting: &Waiting| waiting.command.command.join(" ");
        let Some((_, running)) = &chain.running else { return };
        let waits = match (chain.waiting.len(), chain.waiting.back()) {
            (0, _) | (_, None) => String::new(),
            (1, Some(last)) => format!(", and {} was not run", words(last)),
            (more, Some(last)) => format!(", and {more} more were not run, the last {}", words(last)),
        };
        let why = format!("{} did not end within {} s of the stop{waits}", words(running), PATIENCE.as_secs());
        self.warn(
            Severity::Error,
            &running.subject,
            why,
            "run by hand what has to be told, and mend the script that takes so long",
        );
    }

    fn tell_lost(&self, lost: u64) {
        if lost > 0 {
            let why = format!("{lost} notices came faster than they could be told: the oldest are lost");
            let next = "`lvsdeck ctl events` has what happened; see whether the host has enough processor time";
            self.warn(Severity::Error, "notify", why, next);
        }
    }

    /// Whether something is still to be told: a script runs or waits, or a line is unread that a script of ours reads.
    fn is_busy(&self) -> bool {
        let tells = |(name, chain): (&String, &Chain)| match self.fifos.values().find(|open| *name == open.chain()) {
            Some(open) => chain.running.is_some() && !open.fifo.is_read(),
            None => chain.running.is_some(),
        };
        self.chains.iter().any(tells)
    }

    fn take(&mut self, request: Request) {
        match request {
            Request::Tell(telling) => self.tell(telling),
            Request::Follow(global) => self.follow(*global),
            Request::Ended(chain, ended) => self.ended(&chain, &ended),
            Request::End => {}
        }
    }

    fn warn(&self, severity: Severity, subject: &str, why: String, next: &str) {
        (self.report)(Fact::new(EventKind::Warning, severity, subject).reason(why).detail(next));
    }

    fn tell(&mut self, telling: Telling) {
        let Telling { half, chain, subject, line, commands, mail } = telling;
        if let Some(mail) = mail {
            self.mailer.post(mail);
        }
        if let Some(line) = line {
            self.write(half, &line);
        }
        let limit = self.limit;
        let waiting = commands.into_iter().map(|command| Waiting { subject: subject.clone(), command, limit });
        self.append(&chain, waiting.collect());
    }

    fn write(&mut self, half: Half, line: &str) {
        let mut lost = Vec::new();
        for (_, open) in self.fifos.iter_mut().filter(|(word, _)| ["notify_fifo", half.fifo()].contains(*word)) {
            let failed = open.fifo.write_line(line).err();
            if let (Some(error), false) = (&failed, open.full) {
                lost.push((open.path().to_owned(), error.to_string()));
            }
            open.full = failed.is_some();
        }
        for (path, error) in lost {
            let why = format!("{line} was not written, nor is what follows while it is full: {error}");
            self.warn(Severity::Warning, &path, why, "let something read it: a line waits there until it is read");
        }
    }

    fn append(&mut self, name: &str, commands: Vec<Waiting>) {
        if commands.is_empty() {
            return;
        }
        let chain = self.chains.entry(name.to_owned()).or_default();
        chain.waiting.extend(commands);
        let excess = chain.waiting.len().saturating_sub(MOST);
        chain.waiting.drain(..excess);
        if excess > 0 && !std::mem::replace(&mut chain.overflows, true) {
            let why = format!("more than {MOST} notify scripts wait: the oldest are left out");
            self.warn(Severity::Error, name, why, "mend the script that takes so long");
        }
        self.go_on(name);
    }

    /// Runs the next command of a chain that runs none.
    fn go_on(&mut self, name: &str) {
        loop {
            let Some(chain) = self.chains.get_mut(name).filter(|chain| chain.running.is_none()) else { return };
            let Some(next) = chain.waiting.pop_front() else {
                self.chains.remove(name);
                return;
            };
            let Waiting { command: NotifyCommand { command, user }, limit, .. } = &next;
            match job(command, user.as_ref(), *limit, &self.global) {
                Ok(job) => {
                    let (requests, of) = (self.requests.clone(), name.to_owned());
                    let id = self.runner.run(job, move |ended| requests.push(Request::Ended(of, ended)));
                    chain.running = Some((id, next));
                    return;
                }
                Err(why) => {
                    let why = format!("{} is not run: {why}", command.join(" "));
                    self.warn(Severity::Warning, &next.subject, why, "correct the notify script or its user");
                }
            }
        }
    }

    fn ended(&mut self, name: &str, ended: &Ended) {
        let Some(chain) = self.chains.get_mut(name) else { return };
        let Some((_, ran)) = chain.running.take_if(|(id, _)| *id == ended.id) else { return };
        let reads = ran.limit == FOREVER;
        if ended.how != How::Cancelled && (reads || !ended.succeeded()) {
            let why = format!("{}: {ended}", ran.command.command.join(" "));
            let next = if ended.is_without_runner() {
                "no notify script is run until lvsdeck is restarted; FIFOs, mails and the webhook go on"
            } else if reads {
                "nobody reads the FIFO for lvsdeck any more; mend the script and restart lvsdeck"
            } else {
                "mend the notify script; what is told goes on"
            };
            self.warn(Severity::Warning, &ran.subject, why, next);
        }
        self.go_on(name);
    }

    /// Opens the FIFOs of a configuration, closes those that it has no more, and leaves alone what did not change.
    fn follow(&mut self, global: Global) {
        let who = |global: &Global| (global.script_user.clone(), global.script_security);
        let same_user = who(&global) == who(&self.global);
        self.global = global;
        let wanted = [
            ("notify_fifo", self.global.fifos.all.clone()),
            (Half::Vrrp.fifo(), self.global.fifos.vrrp.clone()),
            (Half::Lvs.fifo(), self.global.fifos.lvs.clone()),
        ];
        for (keyword, words) in wanted {
            if same_user && self.fifos.get(keyword).is_some_and(|open| open.words == words) {
                continue;
            }
            if let Some(old) = self.fifos.remove(keyword)
                && let Some(Chain { running: Some((id, _)), .. }) = self.chains.remove(&old.chain())
            {
                self.runner.cancel(id);
            }
            self.open(keyword, words);
        }
    }

    fn open(&mut self, keyword: &'static str, words: FifoWords) {
        let Some(path) = words.fifo.as_ref().map(|fifo| fifo.path.clone()) else { return };
        let fifo = match Fifo::open(Path::new(&path)) {
            Ok(fifo) => fifo,
            Err(error) => {
                let next = "correct the path, or remove what is there; then restart lvsdeck";
                return self.warn(Severity::Error, keyword, format!("{path} can't be opened: {error}"), next);
            }
        };
        let mut commands = Vec::new();
        let waiting = |command, limit| Waiting { subject: path.clone(), command, limit };
        if fifo.is_made()
            && let Some(owner) = self.owner(&words)
        {
            let command = ["chown".to_owned(), "-h".to_owned(), "--".to_owned(), owner, path.clone()].into();
            let user = Some(ScriptUser { user: "root".to_owned(), group: None });
            commands.push(waiting(NotifyCommand { command, user }, self.limit));
        }
        if let Some(mut script) = words.script.clone() {
            script.command.push(path.clone());
            commands.push(waiting(script, FOREVER));
        }
        let open = Open { words, fifo, full: false };
        let chain = open.chain();
        self.fifos.insert(keyword, open);
        self.append(&chain, commands);
    }

    /// To whom a FIFO is given that was made here, as `chown` has it; none where it stays root's.
    fn owner(&self, words: &FifoWords) -> Option<String> {
        let named = words.fifo.as_ref().and_then(|fifo| fifo.owner.as_ref());
        let user = named.or_else(|| words.script.as_ref().and_then(|script| script.user.as_ref()));
        let identity = job(&[], user, LIMIT, &self.global).ok()?.identity;
        (host::is_root() && !identity.is_root()).then(|| format!("{}:{}", identity.user, identity.group))
    }
}

impl Open {
    fn path(&self) -> &str {
        self.words.fifo.as_ref().map_or("", |fifo| fifo.path.as_str())
    }

    /// The chain of its script.
    fn chain(&self) -> String {
        format!("fifo {}", self.path())
    }
}

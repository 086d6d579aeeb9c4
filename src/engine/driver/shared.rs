//! What the loops publish and every reader sees: two views, the journal, and what never changes after the start.
//!
//! Writers replace, readers clone an `Arc`: a slow reader costs a loop nothing. Of the journal a reader takes at most
//! [`PAGE`] such clones at a time, so that an event is never kept waiting to be written. What is older than the memory comes
//! from the journal's files, read by whoever asks for it.

use super::balance::BalanceView;
use super::failover::{FailoverView, Listener};
use crate::engine::event::{Event, Fact};
use crate::engine::history::History;
use crate::engine::io::journal_file::JournalFiles;
use crate::engine::io::userspace::Userspace;
use crate::engine::journal::{Journal, LogRing, PAGE};
use crate::engine::model;
use crate::engine::snapshot::{
    ConfigStatus, Moment, PeerState, RealServerStatus, Role, Status, VirtualRouterState, Warning,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

/// For how long a status is good while nothing but its timers changes.
const STATUS_AGE: Duration = Duration::from_millis(200);

/// How long a reader waits for the journal's numbers; they are there some milliseconds after the start, or nobody knows them.
const NUMBERS: Duration = Duration::from_secs(6);

/// A loop that has not published for so long hangs.
const SILENCE: Duration = Duration::from_secs(4);

/// Whether both loops live, as far as their views tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vitals {
    /// A loop has not published yet.
    Starting,
    /// Both have published of late.
    Alive,
    /// One has not, although it does so once a second whatever happens.
    Silent {
        /// `failover` or `balance`.
        of: &'static str,
        /// For how long.
        since: Duration,
    },
}

/// What changes only with the configuration.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `router_id`, or the host name.
    pub node: String,
    /// `run`, `watch`, `demo` or `replay`.
    pub mode: &'static str,
    /// `kernel` or `userspace`.
    pub dataplane: String,
    /// Which configuration runs.
    pub config: ConfigStatus,
    /// Warnings of the configuration.
    pub warnings: Vec<Warning>,
}

/// The meeting place of the loops and their readers.
#[derive(Debug)]
pub struct Shared {
    identity: RwLock<Arc<Identity>>,
    pub(super) started_at: Instant,
    pub(super) failover: RwLock<Arc<FailoverView>>,
    pub(super) balance: RwLock<Arc<BalanceView>>,
    advice: RwLock<Arc<Vec<Warning>>>,
    journal: Mutex<Kept>,
    appended: Condvar,
    composed: Mutex<Option<Composed>>,
    /// What the thread that writes the journal warns of.
    keeping: Mutex<Vec<Warning>>,
    /// What root runs and others can change.
    insecure: Mutex<Vec<Warning>>,
    /// What stands until whoever told it takes it back: people can't be told by `mail` or `webhook`, the last `reload` was refused.
    standing: Mutex<BTreeMap<&'static str, Warning>>,
    history: Mutex<History>,
    /// Where this process forwards packets itself.
    pub(super) dataplane: OnceLock<Userspace>,
    /// The newest lines of the log.
    pub(super) log: Arc<LogRing>,
}

/// A status, and what it was made of.
#[derive(Debug)]
struct Composed {
    at: Instant,
    parts: Parts,
    status: Arc<Status>,
}

/// What a status is made of.
#[derive(Debug)]
struct Parts {
    identity: Arc<Identity>,
    failover: Arc<FailoverView>,
    balance: Arc<BalanceView>,
    last_event: u64,
    changed_at: Option<Moment>,
}

impl Composed {
    /// Whether it is what these would make now.
    fn is_of(&self, parts: &Parts, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < STATUS_AGE
            && Arc::ptr_eq(&self.parts.identity, &parts.identity)
            && Arc::ptr_eq(&self.parts.failover, &parts.failover)
            && Arc::ptr_eq(&self.parts.balance, &parts.balance)
            && self.parts.last_event == parts.last_event
    }
}

/// The journal with its reach.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) journal: Journal,
    pub(super) files: Option<Arc<JournalFiles>>,
    changed_at: Option<Moment>,
    closed: bool,
}

impl Shared {
    /// Empty views, and a journal whose numbers are not known before [`begin`](Self::begin).
    pub fn new(identity: Identity) -> Self {
        let kept = Kept { journal: Journal::waiting(), files: None, changed_at: None, closed: false };
        Self {
            identity: RwLock::new(Arc::new(identity)),
            started_at: Instant::now(),
            failover: RwLock::default(),
            balance: RwLock::default(),
            advice: RwLock::default(),
            journal: Mutex::new(kept),
            appended: Condvar::new(),
            composed: Mutex::default(),
            keeping: Mutex::default(),
            insecure: Mutex::default(),
            standing: Mutex::default(),
            history: Mutex::default(),
            dataplane: OnceLock::new(),
            log: Arc::default(),
        }
    }

    /// With the log of the process, into which the rest of the program writes too; nodes of an embedded cluster have one each.
    #[must_use]
    pub fn with_log_of_process(self) -> Self {
        Self { log: Arc::clone(LogRing::of_process()), ..self }
    }

    /// Another configuration runs.
    pub fn identify(&self, identity: Identity) {
        replace(&self.identity, identity);
    }

    /// Replaces the balance loop's view.
    pub fn publish_balance(&self, view: BalanceView) {
        replace(&self.balance, view);
    }

    /// Replaces the warnings about this host. Readers see them with the next event, or a fifth of a second later.
    pub fn publish_advice(&self, warnings: Vec<Warning>) {
        replace(&self.advice, warnings);
    }

    /// Appends to the journal. Writes nothing itself: whoever reports never waits for a slow log.
    pub fn append(&self, fact: Fact) {
        self.append_all(vec![fact]);
    }

    /// The same with what happened at once, in this order: readers wake once for all of it.
    pub fn append_all(&self, facts: Vec<Fact>) {
        let moment @ Moment { wall, .. } = Moment { now: Instant::now(), wall: SystemTime::now() };
        let monotonic = self.monotonic_ms();
        let mut kept = self.kept();
        for fact in facts {
            if fact.kind.is_change() {
                kept.changed_at = Some(moment);
            }
            kept.journal.append(fact, wall, monotonic);
        }
        drop(kept);
        self.appended.notify_all();
    }

    /// Milliseconds since the engine started.
    pub(super) fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.started_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The journal's numbers go on after `after`, and `older` is what its files remember. Gives false when they have begun
    /// without.
    pub fn begin(&self, after: u64, older: Vec<Arc<Event>>) -> bool {
        let begun = self.kept().journal.begin(after, older);
        self.appended.notify_all();
        begun
    }

    /// From now on these files have what the memory has no more.
    pub fn reach_back(&self, files: Arc<JournalFiles>) {
        self.kept().files = Some(files);
    }

    /// See [`EngineHandle::events`](crate::engine::EngineHandle::events).
    pub fn events(&self, after: u64, limit: usize, wait: Duration) -> Vec<Arc<Event>> {
        drop(self.numbered());
        let (kept, _) = self
            .appended
            .wait_timeout_while(self.kept(), wait, |kept| kept.journal.last_seq() <= after)
            .unwrap_or_else(PoisonError::into_inner);
        let mut after = kept.journal.before_newest(after, limit);
        drop(kept);
        let mut found = Vec::new();
        while found.len() < limit {
            let page = self.in_memory(after, limit - found.len());
            let Some(last) = page.last() else { break };
            after = last.seq;
            found.extend(page);
        }
        found
    }

    pub(super) fn in_memory(&self, after: u64, limit: usize) -> Vec<Arc<Event>> {
        self.kept().journal.page(after, limit.min(PAGE))
    }

    /// See [`EngineHandle::page`](crate::engine::EngineHandle::page); at most [`PAGE`] events. After 0 it begins with the
    /// oldest in memory, after any other number it reaches back into the files.
    pub fn page(&self, after: u64, limit: usize) -> Vec<Arc<Event>> {
        if after == 0 { self.numbered().journal.page(0, limit.min(PAGE)) } else { self.kept_page(after, limit) }
    }

    /// The number of the oldest event in memory.
    pub fn oldest(&self) -> u64 {
        self.kept().journal.oldest()
    }

    /// The number of the newest event.
    pub fn newest(&self) -> u64 {
        self.kept().journal.last_seq()
    }

    /// How many events happened in this run.
    pub fn events_of_run(&self) -> u64 {
        self.kept().journal.appended()
    }

    /// The last number of the runs before this one.
    pub fn before_run(&self) -> u64 {
        self.numbered().journal.before_run()
    }

    /// The next events above `after` as soon as there are some; none once the journal is closed and everything was read.
    pub fn follow(&self, after: u64) -> Option<Vec<Arc<Event>>> {
        let nothing_new = |kept: &mut Kept| kept.journal.last_seq() <= after && !kept.closed;
        let kept = self.appended.wait_while(self.kept(), nothing_new).unwrap_or_else(PoisonError::into_inner);
        Some(kept.journal.page(after, PAGE)).filter(|events| !events.is_empty())
    }

    /// The same, but after `patience` at the latest, with whether the journal is closed.
    pub fn follow_for(&self, after: u64, patience: Duration) -> (Vec<Arc<Event>>, bool) {
        let nothing_new = |kept: &mut Kept| kept.journal.last_seq() <= after && !kept.closed;
        let waited = self.appended.wait_timeout_while(self.kept(), patience, nothing_new);
        let (kept, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (kept.journal.page(after, PAGE), kept.closed)
    }

    /// The journal once its numbers are known, or after the patience for them.
    pub(super) fn numbered(&self) -> MutexGuard<'_, Kept> {
        let waited = self.appended.wait_timeout_while(self.kept(), NUMBERS, |kept| !kept.journal.has_begun());
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// What the thread that writes the journal warns of from now on.
    pub fn warn_of_keeping(&self, warnings: Vec<Warning>) {
        *self.keeping.lock().unwrap_or_else(PoisonError::into_inner) = warnings;
    }

    /// What is to be said of `what` from now on, if anything. Gives whether that is something else than before.
    pub fn warn_of(&self, what: &'static str, warning: Option<Warning>) -> bool {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = standing.get(what) != warning.as_ref();
        match warning {
            Some(warning) => _ = standing.insert(what, warning),
            None => _ = standing.remove(what),
        }
        is_news
    }

    /// Replaces the warnings about scripts that root runs.
    pub fn warn_of_scripts(&self, warnings: Vec<Warning>) {
        *self.insecure.lock().unwrap_or_else(PoisonError::into_inner) = warnings;
    }

    pub(super) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing more will be appended.
    pub fn close(&self) {
        let mut kept = self.kept();
        kept.closed = true;
        drop(kept);
        self.appended.notify_all();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// See [`EngineHandle::real_server`](crate::engine::EngineHandle::real_server).
    pub fn real_server(&self, service: &str, server: &str) -> Option<RealServerStatus> {
        let balance = self.balance.read().unwrap_or_else(PoisonError::into_inner).clone();
        let service = balance.servers.iter().find(|s| s.key.to_string() == service)?;
        service.real_servers.iter().find(|r| r.key.to_string() == server).cloned()
    }

    /// Who took out what the file has, and who added services.
    pub fn said_by(&self) -> Vec<(String, String)> {
        self.balance.read().unwrap_or_else(PoisonError::into_inner).said_by.clone()
    }

    /// Whether the kernel is being given many services.
    pub fn fills_the_kernel(&self) -> bool {
        self.balance.read().unwrap_or_else(PoisonError::into_inner).fills_the_kernel
    }

    /// Whether both loops live.
    pub fn vitals(&self) -> Vitals {
        self.vitals_at(Instant::now())
    }

    fn vitals_at(&self, now: Instant) -> Vitals {
        let failover = self.failover.read().unwrap_or_else(PoisonError::into_inner).at;
        let balance = self.balance.read().unwrap_or_else(PoisonError::into_inner).at;
        let (Some(failover), Some(balance)) = (failover, balance) else { return Vitals::Starting };
        let ages =
            [("failover", failover), ("balance", balance)].map(|(of, at)| (of, now.saturating_duration_since(at)));
        let silent = ages.into_iter().find(|(_, since)| *since > SILENCE);
        silent.map_or(Vitals::Alive, |(of, since)| Vitals::Silent { of, since })
    }

    /// Everything: one status for all who ask until something happens or is published, and at most for a fifth of a
    /// second, by which its timers may be late. Readers wait for each other here; no writer comes this way.
    pub fn status(&self) -> Arc<Status> {
        self.status_at(Instant::now())
    }

    /// The same where it is there already: neither composes nor waits for who does.
    pub fn composed(&self) -> Option<Arc<Status>> {
        let composed = self.composed.try_lock().ok()?;
        let last = composed.as_ref()?;
        last.is_of(&self.parts(), Instant::now()).then(|| Arc::clone(&last.status))
    }

    fn status_at(&self, now: Instant) -> Arc<Status> {
        let mut composed = self.composed.lock().unwrap_or_else(PoisonError::into_inner);
        let parts = self.parts();
        if let Some(last) = composed.as_ref().filter(|last| last.is_of(&parts, now)) {
            return Arc::clone(&last.status);
        }
        let status = Arc::new(self.compose(now, &parts));
        *composed = Some(Composed { at: now, parts, status: Arc::clone(&status) });
        status
    }

    fn parts(&self) -> Parts {
        let identity = self.identity.read().unwrap_or_else(PoisonError::into_inner).clone();
        let failover = self.failover.read().unwrap_or_else(PoisonError::into_inner).clone();
        let balance = self.balance.read().unwrap_or_else(PoisonError::into_inner).clone();
        let kept = self.kept();
        Parts { identity, failover, balance, last_event: kept.journal.last_seq(), changed_at: kept.changed_at }
    }

    fn compose(&self, now: Instant, parts: &Parts) -> Status {
        let Parts { identity, failover, balance, last_event, changed_at } = parts;
        let mut routers = failover.routers.clone();
        let age = failover.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let silent = (age > SILENCE).then(|| failover_is_silent(age));
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        for next in routers.iter_mut().filter_map(|router| router.next.as_mut()) {
            next.in_ms = next.in_ms.saturating_sub(age);
        }
        let split = routers.iter().any(|router| {
            let is_beside = router.peers.iter().any(|p| p.state == PeerState::Master);
            router.state == VirtualRouterState::Master && (is_beside || router.detail.split_brain.is_some())
        });
        let mut warnings: Vec<Warning> = silent.into_iter().chain(identity.warnings.iter().cloned()).collect();
        warnings.extend_from_slice(&self.keeping.lock().unwrap_or_else(PoisonError::into_inner));
        warnings.extend(self.standing.lock().unwrap_or_else(PoisonError::into_inner).values().cloned());
        warnings.extend_from_slice(&self.insecure.lock().unwrap_or_else(PoisonError::into_inner));
        warnings.extend_from_slice(&failover.warnings);
        warnings.extend_from_slice(&self.advice.read().unwrap_or_else(PoisonError::into_inner));
        warnings.extend_from_slice(&balance.warnings);
        warnings.extend(self.dataplane.get().into_iter().flat_map(Userspace::warnings));
        Status {
            version: 1,
            node: identity.node.clone(),
            pid: std::process::id(),
            mode: identity.mode.to_owned(),
            dataplane: identity.dataplane.clone(),
            config: identity.config.clone(),
            role: Role::of(&routers, split),
            last_event: *last_event,
            changed_at: changed_at.map(|then| Moment { now, wall: SystemTime::now() }.wall_of_moment(&then)),
            virtual_routers: routers,
            foreign_routers: failover.foreign.clone(),
            virtual_servers: balance.servers.clone(),
            drift: balance.drift.clone(),
            foreign: balance.foreign.clone(),
            ipvs: balance.totals,
            warnings,
        }
    }
}

/// The loop publishes once a second whatever happens, so silence means that it hangs.
fn failover_is_silent(age: Duration) -> Warning {
    Warning {
        code: "failover-silent".to_owned(),
        subject: "failover loop".to_owned(),
        message: format!("nothing heard of it for {}: states, timers and addresses shown may be old", model::age(age)),
        next: "restart lvsdeck if it does not come back; the log may say what it waits for".to_owned(),
    }
}

/// Puts a view in the place of another, which is freed when nobody waits for the lock.
fn replace<T>(place: &RwLock<Arc<T>>, view: T) {
    let view = Arc::new(view);
    let old = std::mem::replace(&mut *place.write().unwrap_or_else(PoisonError::into_inner), view);
    drop(old);
}

impl Listener for Arc<Shared> {
    fn publish(&self, view: FailoverView) {
        replace(&self.failover, view);
    }
    fn report(&self, fact: Fact) {
        self.append(fact);
    }
}

#[cfg(test)]
mod tests;

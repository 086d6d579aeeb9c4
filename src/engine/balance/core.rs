//! [`Balance`]: inputs in, actions out.

use super::ask::Pending;
use super::checks::Checks;
use super::counting::Counting;
use super::lasting::{Overridden, overridden};
use super::reconcile::{Reconciler, Target, subject, target};
use super::reload::fresh;
use super::reloaded::Reloading;
use super::service::{ServiceState, Touched};
use super::{Action, Input, Limit, OwnedService, ServiceOverrides, Waiting};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::ipvs::{IpvsOp, IpvsTable, Refusal};
use crate::engine::model::{Configuration, RealServerKey, ServiceKey, VirtualServer};
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How many actions there is room for when none waits.
const ROOM: usize = 256;

/// So many operations of one plan take the kernel long enough to be noticed.
const MANY: usize = 4_096;

/// How everything begins waits so long for the files of `FILE_CHECK`: a disk that hangs holds up nobody for ever.
const FILES: Duration = Duration::from_secs(1);

/// Where the whole is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// Before [`Input::Start`].
    New,
    /// Probing and reconciling.
    Running,
    /// Taking out of the kernel what was made.
    Stopping,
    /// Nothing will come any more.
    Stopped,
}

/// All virtual servers: health, wishes, and the way to the kernel's table.
#[derive(Debug, Clone)]
pub struct Balance {
    /// By their places.
    pub(super) services: Vec<ServiceState>,
    /// Services that an operator took out, as they were, for the way back.
    pub(super) removed: Vec<ServiceState>,
    pub(super) by_key: HashMap<ServiceKey, usize>,
    pub(super) checks: Checks,
    pub(super) kernel: Reconciler,
    pub(super) counting: Counting,
    pub(super) pending: Vec<Pending>,
    pub(super) reloading: Option<Reloading>,
    /// When drains and maintenances end; entries may be out of date.
    pub(super) deadlines: BTreeSet<(Instant, ServiceKey, RealServerKey)>,
    /// When those that start slowly have their next step; entries may be out of date.
    pub(super) steps: BTreeSet<(Instant, ServiceKey, RealServerKey)>,
    /// `servers.slow_start`.
    pub(super) slow_start: Duration,
    /// What operators want beside the file, as it was given out last.
    pub(super) overrides: Vec<ServiceOverrides>,
    /// They may be others now.
    pub(super) overrides_touched: bool,
    pub(super) actions: VecDeque<Action>,
    pub(super) life: Life,
    /// The end leaves the table as it is.
    keeps: bool,
    /// The kernel was seen once.
    resumed: bool,
    /// What the dataplane can't do.
    pub(super) limit: Option<Limit>,
    /// While the first numbers of `FILE_CHECK` are awaited, which count from the start: until when.
    files_until: Option<Instant>,
    /// How everything begins was told, or will not be.
    pub(super) tells: bool,
    /// Whether a service has `ha_suspend`, or had it since the last reload.
    pub(super) suspends: bool,
    /// The addresses of this host, where somebody told.
    pub(super) addresses: Option<HashSet<IpAddr>>,
    /// `servers.depool_threshold`, in percent.
    pub(super) depool_threshold: u8,
    /// `rs_init_notifies`.
    pub(super) tells_first_servers: bool,
    /// Not so with `no_checker_emails`.
    pub(super) mails_checks: bool,
}

impl Balance {
    /// All `servers`, unjudged; `owned` is what an earlier run left in the kernel, `overrides` what operators wanted of it
    /// beside the file. First checks are spread from `now` on. Nothing happens before [`Input::Start`].
    pub fn new(
        servers: &[VirtualServer],
        owned: Vec<OwnedService>,
        overrides: Vec<ServiceOverrides>,
        now: Instant,
    ) -> Self {
        let file = (0..).zip(servers).map(|(order, config)| fresh(config, order, now)).collect();
        let Overridden { mut services, removed, ended } = overridden(file, &overrides, now);
        let (mut checks, mut deadlines) = (Checks::default(), BTreeSet::new());
        for service in &mut services {
            let name = service.config.key;
            for server in &mut service.servers {
                let key = server.config.key;
                server.checks = checks.arm((name, key), server.specs(), now);
                deadlines.extend(server.deadlines().map(|at| (at, name, key)));
            }
        }
        let wanted = services.iter().map(|s| (s.config.key, s.table_entry(), s.keys().collect()));
        Self {
            kernel: Reconciler::new(wanted, owned),
            by_key: services.iter().enumerate().map(|(at, service)| (service.config.key, at)).collect(),
            suspends: services.iter().any(|service| service.config.ha_suspend),
            services,
            removed,
            checks,
            counting: Counting::default(),
            pending: Vec::new(),
            reloading: None,
            deadlines,
            steps: BTreeSet::new(),
            slow_start: Duration::ZERO,
            overrides,
            overrides_touched: true,
            actions: ended.into_iter().map(Action::Report).collect(),
            life: Life::New,
            keeps: false,
            resumed: false,
            limit: None,
            files_until: None,
            tells: false,
            addresses: None,
            depool_threshold: 0,
            tells_first_servers: false,
            mails_checks: true,
        }
    }

    /// The same under the settings and global words of a configuration; [`Input::Reload`] brings its own.
    #[must_use]
    pub fn following(mut self, configuration: &Configuration) -> Self {
        self.kernel.follow(&configuration.settings);
        self.depool_threshold = configuration.settings.depool_threshold;
        self.slow_start = configuration.settings.slow_start;
        self.services.iter_mut().for_each(|service| service.slow_start = configuration.settings.slow_start);
        self.tells_first_servers = configuration.global.tells_first_servers;
        self.mails_checks = !configuration.global.mail.servers_only;
        self
    }

    /// The same on a dataplane that can't do everything: commands for what it can't are refused beforehand.
    #[must_use]
    pub const fn limited_by(mut self, limit: Option<Limit>) -> Self {
        self.limit = limit;
        self
    }

    /// Something came in at `now`. What follows from it waits in [`Balance::poll_action`].
    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Start => {
                if self.life == Life::New {
                    self.life = Life::Running;
                    self.kernel.look_at(now);
                    self.files_until = self.checks.start_files(now, &mut self.actions).then(|| now + FILES);
                }
            }
            Input::Verdict { check, verdict } => self.verdict(now, check, verdict),
            Input::Waits { check } => self.checks.waits(now, check),
            Input::HostAddresses(addresses) => self.see_addresses(now, addresses),
            Input::Counted(totals) => self.counting.count(now, totals),
            Input::Observed(result) => self.observed(now, result),
            Input::Applied { op, result } => self.applied(now, *op, result),
            Input::NotApplied => self.kernel.not_applied(&mut self.actions),
            Input::Command(asked) => self.ask(now, *asked),
            Input::Timeout => {}
            Input::Reload(configuration) => self.reload(now, &configuration),
            Input::Shutdown { keep } => self.shutdown(now, keep),
        }
        self.go_on(now);
    }

    /// The next thing to do; none when all is said.
    pub fn poll_action(&mut self) -> Option<Action> {
        let action = self.actions.pop_front();
        if action.is_none() {
            // A start with many servers needs room that nothing needs later on.
            self.actions.shrink_to(ROOM);
        }
        action
    }

    /// When [`Input::Timeout`] is wanted, and for what.
    pub fn poll_timeout(&self) -> Option<(Instant, Waiting)> {
        let look = self.kernel.observe_at().map(|at| (at, Waiting::Look));
        let check = self.checks.next().filter(|_| self.knows_the_kernel() && self.files_until.is_none());
        let check = check.map(|(at, retry)| (at, if retry { Waiting::Retry } else { Waiting::Check }));
        let lost = self.checks.lost_at().map(|at| (at, Waiting::Lost));
        let end = self.deadlines.first().filter(|_| self.knows_the_kernel());
        let end = end.map(|(at, ..)| (*at, Waiting::DrainEnd));
        let step = self.steps.first().map(|(at, ..)| (*at, Waiting::SlowStart));
        let files = self.files_until.map(|at| (at, Waiting::Check));
        let own = end.into_iter().chain(step).chain(files);
        match self.life {
            Life::New | Life::Stopped => None,
            Life::Running => own.chain(look).chain(check).chain(lost).min_by_key(|(at, _)| *at),
            Life::Stopping => look.filter(|_| !self.keeps),
        }
    }

    /// Whether everything is taken out of the kernel, as far as it allowed.
    pub fn is_stopped(&self) -> bool {
        self.life == Life::Stopped
    }

    /// Whether many operations of one plan are on their way, as at the start of many services.
    pub const fn fills_the_kernel(&self) -> bool {
        self.kernel.outstanding() >= MANY
    }

    /// Whether something of ours is, or may be, in the kernel although nothing is wanted there any more.
    pub fn leaves_behind(&self) -> bool {
        !self.keeps && self.kernel.observed().is_some() && self.kernel.has_leftovers()
    }

    /// Whether the kernel was seen, or is out of sight: before that, nobody knows what is left of a drain, and how everything
    /// begins is not told.
    fn knows_the_kernel(&self) -> bool {
        self.kernel.observed().is_some() || self.kernel.unreadable().is_some()
    }

    /// What is due, what is to be reconciled, who waits for an answer.
    fn go_on(&mut self, now: Instant) {
        match self.life {
            Life::New | Life::Stopped => {}
            Life::Running => {
                self.kernel.look(now, &mut self.actions);
                self.begin_with_files(now);
                if self.knows_the_kernel() && self.files_until.is_none() {
                    self.begin_telling();
                    self.end_by_time(now);
                }
                self.step_up(now);
                self.give_overrides_out();
                if self.files_until.is_none() {
                    self.kernel.reconcile(now, &mut self.actions);
                }
                self.give_up_lost_checks(now);
                // A verdict before the first look would change what nobody has been told yet.
                if self.knows_the_kernel() && self.files_until.is_none() {
                    self.checks.start_due(now, &mut self.actions);
                }
                if self.answer_pending(now) {
                    self.give_overrides_out();
                    self.kernel.reconcile(now, &mut self.actions);
                }
                self.answer_reload();
            }
            Life::Stopping if self.keeps => {
                if self.kernel.is_idle() {
                    self.life = Life::Stopped;
                }
            }
            Life::Stopping => {
                self.kernel.look(now, &mut self.actions);
                self.kernel.reconcile(now, &mut self.actions);
                let out_of_reach = self.kernel.observed().is_none() && self.kernel.unreadable().is_some();
                if self.kernel.is_calm() || out_of_reach {
                    self.life = Life::Stopped;
                }
            }
        }
    }

    /// The files of `FILE_CHECK` have said their numbers, or took too long: that is how everything begins.
    fn begin_with_files(&mut self, now: Instant) {
        let Some(until) = self.files_until else { return };
        if now < until && self.checks.awaits_files() {
            return;
        }
        self.files_until = None;
        for at in 0..self.services.len() {
            if let Some(service) = self.services.get_mut(at) {
                service.begin();
            }
            self.want_all(at);
        }
    }

    /// A server changed: works out what follows for the quorum and the wanted table.
    pub(super) fn settle(&mut self, now: Instant, at: usize, key: RealServerKey) {
        let Some(service) = self.services.get_mut(at) else { return };
        let touched = service.settle(&key, now);
        self.tell_server(at, key);
        self.want(at, touched);
    }

    /// Brings what was touched into the wanted table, and tells an edge of the quorum.
    pub(super) fn want(&mut self, at: usize, touched: Touched) {
        let Some(service) = self.services.get(at) else { return };
        let name = service.config.key;
        match touched {
            Touched::One(key) => {
                self.kernel.want(name, key, service.wanted(&key));
                self.await_step(at, &key);
            }
            Touched::QuorumEdge => {
                self.want_all(at);
                if self.files_until.is_none() {
                    self.tell_quorum(at);
                }
            }
        }
    }
    pub(super) fn want_all(&mut self, at: usize) {
        let Some(service) = self.services.get(at) else { return };
        let keys: Vec<RealServerKey> = service.keys().collect();
        for key in &keys {
            self.kernel.want(service.config.key, *key, service.wanted(key));
        }
        for key in &keys {
            self.await_step(at, key);
        }
    }
    pub(super) fn tell_quorum(&mut self, at: usize) {
        if let Some(fact) = self.services.get(at).map(quorum_fact) {
            self.report(fact);
        }
        self.tell_service(at);
    }

    fn observed(&mut self, now: Instant, result: Result<Box<IpvsTable>, Refusal>) {
        if let Ok(table) = &result {
            if !std::mem::replace(&mut self.resumed, true) {
                self.resume(now, table);
            }
            self.take_rates(now, table);
            self.follow_drains(now, table);
        }
        self.kernel.observed_now(now, result, &mut self.actions);
    }

    fn applied(&mut self, now: Instant, op: IpvsOp, result: Result<(), Refusal>) {
        let about = target(&op);
        if let Some(fact) = self.kernel.applied(now, op, result, &mut self.actions) {
            let reason = if fact.reason.is_some() { None } else { self.reason(&about) };
            self.report(match reason {
                Some(reason) => fact.reason(reason),
                None => fact,
            });
        }
    }

    /// Why a server is where it is.
    fn reason(&self, (service, server): &Target) -> Option<String> {
        let service = self.services.get(*self.by_key.get(service)?)?;
        let server = (*server)?;
        let sorry = service.config.sorry_server.as_ref().is_some_and(|sorry| sorry.key == server);
        match service.server(&server) {
            Some(server) if service.is_displaced(server) => Some(service.sorry_words()),
            Some(server) if !server.reason.is_empty() => Some(server.reason.to_string()),
            None if sorry => Some("sorry server".to_owned()),
            Some(_) | None => None,
        }
    }

    fn shutdown(&mut self, now: Instant, keep: bool) {
        match self.life {
            Life::Stopping | Life::Stopped => return,
            Life::New => self.life = Life::Stopped,
            Life::Running => self.life = Life::Stopping,
        }
        self.keeps = keep;
        if !keep {
            self.tell_end();
        }
        self.checks.disarm_all(&mut self.actions);
        self.deadlines.clear();
        self.steps.clear();
        self.refuse_pending("the engine stops");
        self.refuse_reload("the engine stops");
        if keep {
            return;
        }
        self.kernel.give_up_all();
        if self.kernel.unreadable().is_some() && self.kernel.observe_at().is_some() {
            self.kernel.look_at(now);
        }
    }

    pub(super) fn subject(&self, at: usize, server: RealServerKey) -> String {
        self.services.get(at).map_or_else(String::new, |service| subject(&(service.config.key, Some(server))))
    }

    pub(super) fn report(&mut self, fact: Fact) {
        self.actions.push_back(Action::Report(fact));
    }
}

fn quorum_fact(service: &ServiceState) -> Fact {
    let key = service.config.key.to_string();
    let reason = format!("weight {} is up, {} is needed", service.have(), service.quorum().need_words());
    let fact = if service.quorum().is_up() {
        Fact::new(EventKind::Quorum, Severity::Notice, key).change("down", "up")
    } else {
        Fact::new(EventKind::Quorum, Severity::Error, key).change("up", "down")
    };
    match &service.config.sorry_server {
        Some(sorry) if service.sorry_is_active() => {
            fact.reason(reason).detail(format!("sorry server {} serves", sorry.key))
        }
        Some(_) | None => fact.reason(reason),
    }
}

//! What is wanted of the kernel's table and what is known of it; the way from one to the other.
//!
//! Promises: one plan is out at a time, what changes meanwhile goes into the next; what will be owned is remembered before it
//! is made; a refused operation is reported once, held back for [`CALM`] or until something else is wanted, and never stops
//! the others. A plan covers only what changed; the whole is compared after each look at the kernel.

mod policy;
mod refusals;
mod services;
mod words;

pub(super) use words::{adoption_fact, subject};

use super::{Action, OwnedService};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::ipvs::{Destination, IpvsOp, IpvsTable, Ownership, Refusal, RefusalKind, Service, drift, plan};
use crate::engine::model::{DriftPolicy, RealServerKey, ServiceKey, Settings};
use crate::engine::snapshot::{Drift, Foreign};
use policy::is_over;
use refusals::Refused;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};
use words::{drift_fact, foreign, report};

/// The same while it can't be read.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How long a refused operation is left alone.
pub(super) const CALM: Duration = Duration::from_secs(30);

/// What an operation is about: a service, or a server in it.
pub(super) type Target = (ServiceKey, Option<RealServerKey>);
/// When the kernel's entry of a server last changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Changed {
    pub at: Instant,
    /// By us; otherwise by another program, and this is when it was seen.
    pub by_us: bool,
    /// It is not as wanted since then.
    differs: bool,
}
/// Servers by service.
pub(super) type Keys = BTreeMap<ServiceKey, BTreeSet<RealServerKey>>;

/// The kernel's table, wanted and seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Reconciler {
    desired: IpvsTable,
    observed: Option<IpvsTable>,
    unreadable: Option<Refusal>,
    owned: Ownership,
    /// Ours, and no longer wanted.
    leftover: BTreeSet<Target>,
    /// Named by the file and not ours by the state directory: adopted when the kernel has them.
    unclaimed: BTreeSet<ServiceKey>,
    ownership_changed: bool,
    dirty: Keys,
    /// Services that are wanted otherwise themselves, of those.
    restated: BTreeSet<ServiceKey>,
    /// Operations that are out.
    outstanding: usize,
    /// Services that the running plan makes: their servers need no word each.
    fresh: BTreeSet<ServiceKey>,
    /// What the running plan brings back since somebody else changed it.
    repaired: BTreeSet<Target>,
    begun: u64,
    finished: u64,
    refused: BTreeMap<Target, Refused>,
    /// Entries of servers that changed since the first plan: most never do.
    changed: BTreeMap<Target, Changed>,
    /// The whole is to be compared.
    inspect: bool,
    synced: bool,
    observe_at: Option<Instant>,
    /// When the look that is out was asked for; none where operations were before it.
    asked_at: Option<Instant>,
    drift: Vec<Drift>,
    foreign: Vec<Foreign>,
    /// What becomes of others' changes.
    policy: DriftPolicy,
    /// Others' changes that are left alone, as of the last comparison.
    left_alone: BTreeSet<Target>,
    /// Between two looks.
    look_interval: Duration,
}

impl Reconciler {
    /// Wants `services`, each with every key that it may have; `owned` is what an earlier run left behind.
    pub fn new(
        services: impl Iterator<Item = (ServiceKey, Service, Vec<RealServerKey>)>,
        owned: Vec<OwnedService>,
    ) -> Self {
        let mut own = Self { inspect: true, ownership_changed: true, ..Self::default() };
        own.follow(&Settings::default());
        let mut named: Keys = Keys::new();
        let wanted = services.map(|(key, service, servers)| {
            named.insert(key, servers.into_iter().collect());
            (key, service)
        });
        own.desired.services = wanted.collect();
        own.unclaimed.extend(own.desired.services.keys());
        for OwnedService { key, servers } in owned {
            own.unclaimed.remove(&key);
            match named.get(&key) {
                None => drop(own.leftover.insert((key, None))),
                Some(now) => {
                    own.leftover.extend(servers.iter().filter(|s| !now.contains(s)).map(|server| (key, Some(*server))));
                }
            }
            named.entry(key).or_default().extend(servers);
        }
        own.owned = named.into_iter().collect();
        own
    }

    /// The table as last seen, with what was done since.
    pub const fn observed(&self) -> Option<&IpvsTable> {
        self.observed.as_ref()
    }
    /// Why the kernel can't be read.
    pub const fn unreadable(&self) -> Option<&Refusal> {
        self.unreadable.as_ref()
    }
    /// Why this was refused, if it was.
    pub fn refusal(&self, target: &Target) -> Option<&Refusal> {
        self.refused.get(target).map(|refused| &refused.refusal)
    }
    /// When this entry changed last; none where it is as the start made or found it.
    pub fn changed(&self, target: &Target) -> Option<Changed> {
        self.changed.get(target).copied()
    }
    /// The number of the plan that will hold what is wanted from now on.
    pub const fn next_turn(&self) -> u64 {
        self.begun + 1
    }
    /// The number of the last plan whose operations all ended.
    pub const fn finished(&self) -> u64 {
        self.finished
    }
    /// Differences between wish and kernel, as of the last look.
    pub fn drift(&self) -> &[Drift] {
        &self.drift
    }
    /// Services that are not ours, as of the last look.
    pub fn foreign(&self) -> &[Foreign] {
        &self.foreign
    }
    /// When the kernel is looked at next; none while a look is out.
    pub const fn observe_at(&self) -> Option<Instant> {
        self.observe_at
    }
    /// Looks at the kernel at this moment.
    pub const fn look_at(&mut self, at: Instant) {
        self.observe_at = Some(at);
    }
    /// Looks, when it is time.
    pub fn look(&mut self, now: Instant, actions: &mut VecDeque<Action>) {
        if self.observe_at.is_some_and(|at| at <= now) {
            self.observe_at = None;
            self.asked_at = self.is_idle().then_some(now);
            actions.push_back(Action::Observe);
        }
    }

    /// Wants this of a server from now on; none: not in the table.
    pub fn want(&mut self, key: ServiceKey, server: RealServerKey, wanted: Option<Destination>) {
        let Some(service) = self.desired.services.get_mut(&key) else { return };
        if service.destinations.get(&server) == wanted.as_ref() {
            return;
        }
        match wanted {
            Some(destination) => drop(service.destinations.insert(server, destination)),
            None => drop(service.destinations.remove(&server)),
        }
        self.dirty.entry(key).or_default().insert(server);
        self.left_alone.remove(&(key, Some(server)));
    }
    /// The server is ours from now on.
    pub fn claim(&mut self, key: ServiceKey, server: RealServerKey) {
        self.leftover.remove(&(key, Some(server)));
        self.owned.claim_server(key, server);
        self.dirty.entry(key).or_default().insert(server);
        self.ownership_changed = true;
    }
    /// The server stops being ours as soon as it is out of the table.
    pub fn give_up(&mut self, key: ServiceKey, server: RealServerKey) {
        self.leftover.insert((key, Some(server)));
        self.dirty.entry(key).or_default().insert(server);
    }
    /// Wants nothing any more.
    pub fn give_up_all(&mut self) {
        self.desired = IpvsTable::default();
        self.leftover = self.owned.iter().map(|(key, _)| (key, None)).collect();
        self.refused.retain(|_, refused| refused.refusal.kind == RefusalKind::TimedOut);
        self.forget_wishes();
        self.left_alone.clear();
        (self.inspect, self.synced) = (true, false);
    }

    /// The operations that these keys of `desired` take, as a preview.
    pub fn foresee(&self, desired: &IpvsTable, keys: &Keys) -> Vec<IpvsOp> {
        let observed = self.observed.as_ref().unwrap_or(&self.desired);
        plan(&restricted(desired, keys), &restricted(observed, keys), &self.owned_of(keys))
    }
    /// Whether something is ours that is not wanted any more.
    pub fn has_leftovers(&self) -> bool {
        !self.leftover.is_empty()
    }
    /// How many operations are out.
    pub const fn outstanding(&self) -> usize {
        self.outstanding
    }
    /// Whether nothing is out.
    pub const fn is_idle(&self) -> bool {
        self.outstanding == 0
    }
    /// Whether nothing is out and nothing is left to do.
    pub fn is_calm(&self) -> bool {
        self.outstanding == 0 && self.dirty.is_empty() && !self.inspect
    }

    /// The kernel was read, or not.
    pub fn observed_now(
        &mut self,
        now: Instant,
        result: Result<Box<IpvsTable>, Refusal>,
        actions: &mut VecDeque<Action>,
    ) {
        match result {
            Ok(table) => {
                self.observe_at = Some(now + self.pause(now));
                self.inspect = true;
                if self.unreadable.take().is_some() {
                    actions.push_back(report(
                        EventKind::Warning,
                        Severity::Notice,
                        "ipvs",
                        "the kernel's table can be read again",
                    ));
                }
                self.observed = Some(*table);
            }
            Err(refusal) => {
                self.observe_at = Some(now + LOOK_AGAIN);
                self.lost(refusal, actions);
            }
        }
    }

    /// Ours that somebody else removed is ours no more, lest we remove a stranger's of the same name later. What the kernel
    /// did not answer for may be there all the same: it stays ours.
    fn forget_vanished(&mut self) {
        let Some(table) = &self.observed else { return };
        let gone = |(key, server): &Target| match (table.services.get(key), server) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(service), Some(server)) => !service.destinations.contains_key(server),
        };
        let gone: Vec<Target> =
            self.leftover.iter().filter(|target| gone(target) && !self.is_unsure(target)).copied().collect();
        for target in gone {
            self.release(&target);
        }
    }
    fn is_unsure(&self, target: &Target) -> bool {
        self.refused.get(target).is_some_and(|refused| refused.refusal.kind == RefusalKind::TimedOut)
    }
    fn release(&mut self, target: &Target) {
        if self.leftover.remove(target) {
            match target {
                (key, None) => {
                    self.owned.release(key);
                    self.changed.retain(|(of, _), _| of != key);
                }
                (key, Some(server)) => self.owned.release_server(key, server),
            }
            self.changed.remove(target);
            self.ownership_changed = true;
        }
    }

    /// An operation ended. Gives what happened to the table, for the journal.
    pub fn applied(
        &mut self,
        now: Instant,
        op: IpvsOp,
        result: Result<(), Refusal>,
        actions: &mut VecDeque<Action>,
    ) -> Option<Fact> {
        let target = target(&op);
        let vanished = |refusal: &Refusal| refusal.kind == RefusalKind::Missing && is_removal(&op);
        let fact = match result {
            Ok(()) => self.told(&op),
            Err(ref refusal) if vanished(refusal) => None,
            Err(refusal) => {
                self.refused(now, op, refusal, actions);
                self.ended(actions);
                return None;
            }
        };
        if let Some(observed) = &mut self.observed {
            // A refusal here means that the picture is old; the next look brings the new one.
            let _ = observed.apply(&op);
        }
        self.refused.remove(&target);
        if self.finished > 0 && target.1.is_some() && !self.fresh.contains(&target.0) {
            self.changed.insert(target, Changed { at: now, by_us: true, differs: false });
        }
        if is_removal(&op) {
            self.release(&target);
        }
        self.ended(actions);
        fact
    }

    /// An operation was given up: nothing is known to have changed.
    pub fn not_applied(&mut self, actions: &mut VecDeque<Action>) {
        self.ended(actions);
    }

    fn ended(&mut self, actions: &mut VecDeque<Action>) {
        self.outstanding = self.outstanding.saturating_sub(1);
        if self.outstanding == 0 {
            self.finished = self.begun;
            self.remember(actions);
        }
    }

    /// Begins the next plan, when none is out and there is something to do.
    pub fn reconcile(&mut self, now: Instant, actions: &mut VecDeque<Action>) {
        if self.outstanding > 0 || self.observed.is_none() {
            return;
        }
        if self.inspect {
            self.inspect(now, actions);
        } else if !self.dirty.is_empty() {
            let keys = self.forget_wishes();
            let mut ops = self.foresee(&self.desired, &keys);
            self.permitted(&mut ops);
            self.forget_refusals(&ops, |(key, server)| {
                keys.get(key).is_some_and(|servers| server.is_none_or(|server| servers.contains(&server)))
            });
            self.begin(now, ops, actions);
        }
    }

    /// Compares the whole: drift for people, a plan for the kernel.
    fn inspect(&mut self, now: Instant, actions: &mut VecDeque<Action>) {
        self.forget_vanished();
        let Some(observed) = &self.observed else { return };
        self.inspect = false;
        let synced = std::mem::replace(&mut self.synced, true);
        let mut found = drift(&self.desired, observed, &self.owned);
        let is_right = found.iter().all(|difference| !difference.repairable);
        self.leave_alone(&found, synced);
        // What was wished a moment ago differs because of that.
        found.retain(|difference| !self.is_dirty(&(difference.service, difference.server)));
        self.forget_wishes();
        let expelled = self.expel(&found);
        let repaired = found.iter().filter(|difference| synced || !difference.repairable);
        let repaired = repaired.map(|difference| (difference.service, difference.server)).collect();
        let differing: BTreeSet<Target> = found.iter().map(|found| (found.service, found.server)).collect();
        let before = std::mem::take(&mut self.drift);
        let known: BTreeSet<(&str, &str)> = before.iter().map(|d| (d.subject.as_str(), d.found.as_str())).collect();
        for difference in found.into_iter().filter(|difference| synced || !difference.repairable) {
            let target = (difference.service, difference.server);
            let shown = self.shown(difference);
            if !known.contains(&(shown.subject.as_str(), shown.found.as_str())) && !shown.action.starts_with("refused")
            {
                actions.push_back(Action::Report(drift_fact(&shown)));
                if target.1.is_some() && self.desired.services.contains_key(&target.0) {
                    self.changed.insert(target, Changed { at: now, by_us: false, differs: true });
                }
            }
            self.drift.push(shown);
        }
        for changed in
            self.changed.iter_mut().filter(|(target, _)| !differing.contains(target)).map(|(_, changed)| changed)
        {
            if std::mem::take(&mut changed.differs) {
                changed.at = now;
            }
        }
        actions.extend(is_over(&before, &self.drift).into_iter().map(Action::Report));
        let Some(observed) = &self.observed else { return };
        self.foreign = foreign(observed, &self.desired, &self.owned);
        let adopted = std::mem::take(&mut self.unclaimed).into_iter().filter(|key| observed.services.contains_key(key));
        actions.extend(adopted.map(|key| Action::Report(adoption_fact(key))));
        let mut ops = if is_right { Vec::new() } else { plan(&self.desired, observed, &self.owned) };
        self.permitted(&mut ops);
        ops.extend(expelled);
        self.forget_refusals(&ops, |_| true);
        self.begin(now, ops, actions);
        self.repaired = repaired;
    }

    fn begin(&mut self, now: Instant, mut ops: Vec<IpvsOp>, actions: &mut VecDeque<Action>) {
        ops.retain(|op| !self.is_held_back(now, op));
        self.begun += 1;
        self.outstanding = ops.len();
        self.repaired.clear();
        self.fresh = ops.iter().filter(|op| matches!(op, IpvsOp::NewService(..))).map(IpvsOp::service).collect();
        self.remember(actions);
        if ops.is_empty() {
            self.finished = self.begun;
        } else {
            actions.push_back(Action::Apply(ops));
        }
    }

    fn remember(&mut self, actions: &mut VecDeque<Action>) {
        if std::mem::take(&mut self.ownership_changed) {
            let owned = self
                .owned
                .iter()
                .map(|(key, servers)| OwnedService { key, servers: servers.iter().copied().collect() });
            actions.push_back(Action::Remember(owned.collect()));
        }
    }

    fn owned_of(&self, keys: &Keys) -> Ownership {
        let ours = keys.iter().filter(|(key, _)| self.owned.owns(key));
        ours.map(|(key, servers)| (*key, servers.iter().copied().filter(|s| self.owned.owns_server(key, s)))).collect()
    }
}

/// What an operation is about.
pub(super) const fn target(op: &IpvsOp) -> Target {
    let server = match op {
        IpvsOp::NewService(..) | IpvsOp::SetService(..) | IpvsOp::DelService(_) => None,
        IpvsOp::NewDestination(_, server, _)
        | IpvsOp::SetDestination(_, server, _)
        | IpvsOp::DelDestination(_, server) => Some(*server),
    };
    (op.service(), server)
}

const fn is_removal(op: &IpvsOp) -> bool {
    matches!(op, IpvsOp::DelService(_) | IpvsOp::DelDestination(..))
}

/// The part of a table that these keys name.
fn restricted(table: &IpvsTable, keys: &Keys) -> IpvsTable {
    let part = |(key, servers): (&ServiceKey, &BTreeSet<RealServerKey>)| {
        let service = table.services.get(key)?;
        let destinations =
            servers.iter().filter_map(|server| Some((*server, service.destinations.get(server)?.clone()))).collect();
        Some((*key, Service { destinations, ..service.settings() }))
    };
    IpvsTable { services: keys.iter().filter_map(part).collect() }
}

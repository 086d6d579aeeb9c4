//! [`Failover`]: inputs in, ordered actions out. Each input is worked in three steps:
//!
//! 1. what it says is noted (host, peers, timers), and the instance it concerns moves;
//! 2. sync groups are settled: every router is a member of one, alone if need be;
//! 3. commands that wait for their end are looked at.

use super::commands::Pending;
use super::host::{Host, Place, Seen};
use super::joins::Deaf;
use super::ownership::Ours;
use super::peers::Peers;
use super::router::{Footing, Router, state_name};
use super::strangers::Strangers;
use super::track::Scripts;
use super::{Action, Input, Link, OwnedAddress, Waiting};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::{AdvertisedPriority, Configuration, Family};
use crate::engine::snapshot::VirtualRouterState;
use crate::engine::vrrp::{self, Standing, State, Step, TransitionReason, step};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long the kernel may take to confirm that the addresses are gone.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

/// All virtual routers of this host.
#[derive(Debug)]
pub struct Failover {
    pub(super) routers: Vec<Router>,
    pub(super) units: Vec<Unit>,
    pub(super) host: Host,
    pub(super) ours: Vec<Ours>,
    pub(super) inherited: Vec<OwnedAddress>,
    pub(super) foreign: BTreeSet<Place>,
    pub(super) strangers: Strangers,
    pub(super) scripts: Scripts,
    pub(super) pending: Vec<Pending>,
    /// When a refusal to send on an interface was reported last.
    pub(super) send_refused_at: BTreeMap<u32, Instant>,
    /// By kernel index.
    pub(super) deaf: BTreeMap<u32, Deaf>,
    actions: VecDeque<Action>,
    pub(super) phase: Phase,
}

/// Routers that move together.
#[derive(Debug)]
pub(super) struct Unit {
    /// The sync group's name; none for a router of its own.
    pub name: Option<String>,
    pub members: Vec<usize>,
    /// After it resigned as a group: no take-over before.
    pub leads_from: Option<Instant>,
}

/// Where the core is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The host is being listed.
    Loading,
    Running,
    /// Everybody resigned; the kernel is given until then to confirm that the addresses are gone.
    Stopping(Instant),
}

impl Failover {
    /// A core that waits for [`Input::Start`]. `owned` is what an earlier run wrote down with [`Action::Remember`].
    pub fn new(configuration: &Configuration, owned: Vec<OwnedAddress>, now: Instant) -> Self {
        let mut routers: Vec<Router> = configuration.virtual_routers.iter().map(|c| Router::new(c, now)).collect();
        let units = units(configuration);
        for unit in units.iter().filter(|unit| unit.name.is_some()) {
            for member in &unit.members {
                if let Some(router) = routers.get_mut(*member) {
                    router.instance.set_asks(true);
                }
            }
        }
        Self {
            routers,
            units,
            host: Host::default(),
            ours: Vec::new(),
            inherited: owned,
            foreign: BTreeSet::new(),
            strangers: Strangers::default(),
            scripts: Scripts::new(),
            pending: Vec::new(),
            send_refused_at: BTreeMap::new(),
            deaf: BTreeMap::new(),
            actions: VecDeque::new(),
            phase: Phase::Loading,
        }
    }

    /// Takes an input. `now` never goes back.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        let stops = matches!(self.phase, Phase::Stopping(_));
        match input {
            Input::Command(asked) if stops => self.refuse(&asked, "the engine stops".to_owned()),
            Input::Shutdown { .. } | Input::Reload(_) if stops => {}
            Input::Link(link) => self.link(now, link),
            Input::LinkGone { index } => self.link_gone(index),
            Input::Address { index, address, prefix, present } => {
                // Echoes of our own changes move no primary address.
                if self.observe_address(now, (index, address, prefix), present) != Seen::Echo {
                    self.survey();
                }
            }
            Input::Resync => self.resync(now),
            Input::Start => self.start(),
            Input::Packet { index, packet } => self.packet(now, index, packet),
            Input::Refused { action, error } => self.refused(now, &action, &error),
            Input::Tracked { script, state, said } => self.tracked(script, state, said),
            Input::Command(asked) => self.command(now, *asked),
            Input::Timeout => self.timeout(now),
            Input::Reload(configuration) => self.reload(now, &configuration),
            Input::Shutdown { keep: _ } => self.shutdown(now),
        }
        self.settle(now);
    }

    /// The next thing to do. Ask until there is none.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Input::Timeout`] is due next, and what for.
    pub fn poll_timeout(&self) -> Option<(Instant, Waiting)> {
        let routers = self.routers.iter().flat_map(|router| {
            let machine = router.instance.next().map(|(at, deadline)| (at, Waiting::from(deadline)));
            let hold = router.hold.as_ref().and_then(|hold| hold.until).map(|at| (at, Waiting::HoldEnds));
            let restore = router.restore_at.map(|at| (at, Waiting::Restore));
            let rival = router.peers.next().map(|at| (at, Waiting::SplitBrainEnds));
            let silent = router.peers.next_silence().map(|at| (at, Waiting::PeerSilent));
            let odd = router.peers.next_forgotten().map(|at| (at, Waiting::WarningEnds));
            let duplicate = router.duplicate_until.map(|at| (at, Waiting::WarningEnds));
            [machine, hold, restore, rival, silent, odd, duplicate].into_iter().flatten()
        });
        let groups = self.units.iter().filter_map(|unit| Some((unit.leads_from?, Waiting::MasterDown)));
        let strangers = self.strangers.next().map(|at| (at, Waiting::WarningEnds));
        let joins = self.deaf.values().map(|deaf| (deaf.next, Waiting::Join));
        if let Phase::Stopping(until) = self.phase {
            return self.host.awaits_any().then_some((until, Waiting::AddressesGone));
        }
        if self.phase == Phase::Running { routers.chain(groups).chain(strangers).chain(joins).min() } else { None }
    }

    /// Whether [`Input::Shutdown`] was worked off, every action taken, and every removal answered (or waited for in vain).
    pub fn is_stopped(&self) -> bool {
        matches!(self.phase, Phase::Stopping(_)) && self.actions.is_empty() && !self.host.awaits_any()
    }

    /// Changes of addresses that nobody polled yet.
    pub(super) fn unasked(&self) -> Vec<(Place, bool)> {
        let change = |action: &Action| match action {
            Action::AddAddress { index, address } => Some(((*index, address.address, address.prefix), true)),
            Action::RemoveAddress { index, address } => Some(((*index, address.address, address.prefix), false)),
            Action::Join { .. }
            | Action::Leave { .. }
            | Action::Advertise { .. }
            | Action::Announce { .. }
            | Action::Remember(_)
            | Action::Report(_)
            | Action::Answer { .. } => None,
        };
        self.actions.iter().filter_map(change).collect()
    }

    pub(super) fn push(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    pub(super) fn report(&mut self, fact: Fact) {
        self.push(Action::Report(fact));
    }

    /// Gives an input to one instance and turns what it wants into actions.
    pub(super) fn drive(&mut self, now: Instant, i: usize, input: vrrp::Input) {
        let wanted = self.routers.get_mut(i).map(|router| router.instance.handle(now, input)).unwrap_or_default();
        for action in wanted {
            match action {
                vrrp::Action::Advertise(priority) => self.advertise(i, priority),
                vrrp::Action::Acquire => {
                    self.acquire(i);
                }
                vrrp::Action::Release => self.release(i),
                vrrp::Action::Announce(count) => self.announce(i, count),
                vrrp::Action::Entered { from, reason } => self.entered(now, i, &from, &reason),
            }
        }
    }

    fn advertise(&mut self, i: usize, priority: AdvertisedPriority) {
        let Some(router) = self.routers.get_mut(i) else { return };
        let Some(Footing { index, source }) = router.footing.filter(|f| self.host.link(f.index).is_some()) else {
            return;
        };
        router.counters.adverts_tx += 1;
        router.counters.priority_zero_tx += u64::from(priority.is_resignation());
        let message = router.message(priority, source);
        router.last_sent.clone_from(&message);
        router.unsent = None;
        self.push(Action::Advertise { index, source, message });
    }

    /// Records and reports a change of state. A hold was for a living master: when we are master again, it is over.
    fn entered(&mut self, now: Instant, i: usize, from: &State, reason: &TransitionReason) {
        let Some(router) = self.routers.get_mut(i) else { return };
        let (from, to) = (state_name(from), router.state());
        router.entered(now, reason.to_string());
        router.counters.became_master += u64::from(to == VirtualRouterState::Master);
        router.counters.released_master += u64::from(from == VirtualRouterState::Master);
        let severity = match (to, reason) {
            (VirtualRouterState::Fault, _) => Severity::Error,
            (_, TransitionReason::NobodyTookOver { .. }) => Severity::Warning,
            (VirtualRouterState::Init | VirtualRouterState::Backup | VirtualRouterState::Master, _) => Severity::Notice,
        };
        let mut fact = Fact::new(EventKind::InstanceState, severity, &router.config.name)
            .change(from.name(), to.name())
            .reason(reason.to_string());
        if to == VirtualRouterState::Master && router.hold.is_some() {
            fact = fact.detail("the hold made by `failover` is over: nobody else is master");
        }
        self.report(fact);
        match to {
            VirtualRouterState::Master => {
                self.lift_hold(i);
                if let Some(router) = self.routers.get_mut(i) {
                    router.adopted = false;
                }
            }
            VirtualRouterState::Fault => self.release_adopted(i),
            VirtualRouterState::Init | VirtualRouterState::Backup => {}
        }
    }

    fn start(&mut self) {
        if self.phase == Phase::Loading {
            self.phase = Phase::Running;
            self.settle_inherited();
            self.survey();
        }
    }

    fn shutdown(&mut self, now: Instant) {
        for i in 0..self.routers.len() {
            self.drive(now, i, vrrp::Input::Shutdown);
            self.release_adopted(i);
        }
        self.abandon_pending(now, "the engine stops");
        let joined: BTreeSet<u32> = self.routers.iter().filter_map(|r| r.footing).map(|f| f.index).collect();
        for index in joined {
            self.push(Action::Leave { index });
        }
        self.forget_gone(None);
        self.phase = Phase::Stopping(now + STOP_PATIENCE);
    }

    fn timeout(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Stopping(until) if until <= now) {
            self.host.forget_echoes();
        }
        if self.phase != Phase::Running {
            return;
        }
        self.forget_gone(None);
        for unit in &mut self.units {
            unit.leads_from = unit.leads_from.filter(|at| *at > now);
        }
        self.strangers.expire(now);
        self.join_again(now);
        for i in 0..self.routers.len() {
            if self.routers.get(i).is_some_and(|r| due(r.hold.as_ref().and_then(|h| h.until), now)) {
                self.end_hold(now, i);
            }
            self.drive(now, i, vrrp::Input::Timeout);
            if self.routers.get(i).is_some_and(|r| due(r.restore_at, now)) {
                self.restore(now, i);
            }
            self.expire_peers(now, i);
        }
    }

    fn link(&mut self, now: Instant, link: Link) {
        let (index, name, up) = (link.index, link.name.clone(), link.up);
        let before = self.host.set_link(link).map(|old| old.up);
        if self.phase == Phase::Running && before != Some(up) && self.uses(&name) {
            let word = |up| if up { "up" } else { "down" };
            let severity = if up { Severity::Notice } else { Severity::Warning };
            let was = before.map_or("absent", word);
            self.report(Fact::new(EventKind::Link, severity, name).change(was, word(up)));
        }
        self.survey();
        if before.is_none() {
            self.return_to(now, index);
        }
    }

    fn link_gone(&mut self, index: u32) {
        let Some(link) = self.host.remove_link(index) else { return };
        if self.phase == Phase::Running && self.uses(&link.name) {
            self.report(Fact::new(EventKind::Link, Severity::Warning, &link.name).to("absent"));
        }
        self.forget_interface(index, &link.name);
        self.strangers.forget_interface(index);
        self.deaf.remove(&index);
        for router in self.routers.iter_mut().filter(|r| r.config.interface == link.name) {
            (router.peers, router.duplicate_until) = (Peers::default(), None);
        }
        self.survey();
    }

    fn uses(&self, name: &str) -> bool {
        self.routers.iter().any(|r| {
            r.config.interface == name || r.config.addresses.iter().any(|a| a.interface.as_deref() == Some(name))
        })
    }

    /// Looks at what every router stands on. Does not move any.
    pub(super) fn survey(&mut self) {
        if self.phase != Phase::Running {
            return;
        }
        self.review_foreign();
        for i in 0..self.routers.len() {
            let footing = self.footing(i);
            let failing = self.weigh(i);
            let Some(router) = self.routers.get_mut(i) else { continue };
            match footing {
                Ok(footing) => {
                    router.instance.set_source(IpAddr::V4(footing.source));
                    router.footing = Some(footing);
                    router.fault = failing;
                }
                Err(fault) => router.fault = Some(fault),
            }
        }
    }

    /// The interface and primary address of a router, or why it can't work and what to do.
    fn footing(&self, i: usize) -> Result<Footing, String> {
        let Some(router) = self.routers.get(i) else { return Err(String::new()) };
        let (interface, instance) = (&router.config.interface, &router.config.name);
        if router.config.family == Family::Inet6 {
            return Err(format!("{instance} is an IPv6 instance: this version runs IPv4 ones only; take it out"));
        }
        let link = self.host.by_name(interface).ok_or_else(|| {
            format!("interface {interface} does not exist: create it, or correct `interface` of {instance}")
        })?;
        if !link.up {
            return Err(format!(
                "interface {interface} is down or has no carrier: check the cable, or `ip link set {interface} up`"
            ));
        }
        if let Some(Deaf { error, .. }) = self.deaf.get(&link.index) {
            return Err(format!(
                "interface {interface} can't join 224.0.0.18: {error}: look at `sysctl net.ipv4.igmp_max_memberships`; it \
                 is tried again every second"
            ));
        }
        let source = self.primary_address(link.index, router.config.priority.is_owner()).ok_or_else(|| {
            format!("interface {interface} has no IPv4 address of its own: add one with `ip address add`")
        })?;
        Ok(Footing { index: link.index, source })
    }

    /// Moves sync groups until all stand well, then looks at commands that wait.
    fn settle(&mut self, now: Instant) {
        if self.phase != Phase::Running {
            return;
        }
        for unit in 0..self.units.len() {
            // Fail or step down, start, take over: no unit moves more often for one input.
            for _ in 0..4 {
                let wanted = step(&self.standings(unit));
                if !wanted.is_some_and(|step| self.take(now, unit, step)) {
                    break;
                }
            }
        }
        self.settle_pending(now);
    }

    pub(super) fn members(&self, unit: usize) -> Vec<usize> {
        self.units.get(unit).map(|unit| unit.members.clone()).unwrap_or_default()
    }

    fn standings(&self, unit: usize) -> Vec<Standing> {
        self.members(unit).iter().filter_map(|i| self.routers.get(*i)).map(Router::standing).collect()
    }

    /// Takes a step with a whole unit; false when nothing was left to do.
    fn take(&mut self, now: Instant, unit: usize, step: Step) -> bool {
        let members = self.members(unit);
        let waits = self.units.get(unit).is_some_and(|u| u.leads_from.is_some_and(|at| now < at));
        let held = members.iter().any(|i| self.router(*i, |r| r.hold.as_ref().is_some_and(|hold| hold.blind)));
        let mut moved = false;
        for i in members {
            let Some(standing) = self.routers.get(i).map(Router::standing) else { continue };
            let input = match (step, standing) {
                (Step::Fail, _) => {
                    let reason = self.fault_reason(unit, i);
                    if let Some(router) = self.routers.get_mut(i).filter(|r| *r.instance.state() == State::Fault) {
                        router.reason = reason;
                        continue;
                    }
                    vrrp::Input::Fail(TransitionReason::Fault(reason))
                }
                (Step::Start, Standing::Idle) => {
                    let footing = self.routers.get(i).and_then(|r| r.footing);
                    if let Some(Footing { index, .. }) = footing {
                        self.push(Action::Join { index });
                    }
                    vrrp::Input::Startup
                }
                (Step::StepDown, Standing::Leading) => {
                    let reason = TransitionReason::SyncGroup(self.group_reason(unit, Standing::Listening));
                    self.let_others_lead(now, unit, i);
                    vrrp::Input::StepDown { wait: None, reason }
                }
                (Step::TakeOver, Standing::Willing) if !waits && !held => vrrp::Input::TakeOver,
                (Step::Start | Step::StepDown | Step::TakeOver, _) => continue,
            };
            self.drive(now, i, input);
            moved = true;
        }
        moved
    }

    /// A group that resigned because of one member waits for the master down interval and up to an interval more, by its
    /// address (neighbours far apart): two equal groups that each win on one side resign at the same moment, and would
    /// meet again and again.
    fn let_others_lead(&mut self, now: Instant, unit: usize, i: usize) {
        let Some(router) = self.routers.get(i) else { return };
        let interval = router.instance.parameters().interval;
        let last_byte = router.footing.map_or(0, |footing| footing.source.octets()[3]);
        let apart = interval.duration() * u32::from(last_byte.wrapping_mul(167)) / 256;
        let leads_from = now + router.instance.master_down_interval(interval) + apart;
        if let Some(unit) = self.units.get_mut(unit) {
            unit.leads_from = Some(leads_from);
        }
    }

    fn router(&self, i: usize, question: impl Fn(&Router) -> bool) -> bool {
        self.routers.get(i).is_some_and(question)
    }

    /// The reason of a member's FAULT: its own, or that of the member which drew it along.
    fn fault_reason(&self, unit: usize, i: usize) -> String {
        match self.routers.get(i).and_then(|r| r.fault.clone()) {
            Some(own) => own,
            None => self.group_reason(unit, Standing::Unfit),
        }
    }

    /// `sync group G: VI_2 …`, about the first member that stands so.
    fn group_reason(&self, unit: usize, standing: Standing) -> String {
        let group = self.units.get(unit).and_then(|u| u.name.clone()).unwrap_or_default();
        let members = self.members(unit);
        let found = members.iter().filter_map(|i| self.routers.get(*i)).find(|r| r.standing() == standing);
        let (name, why) = found.map_or(("", ""), |r| (r.config.name.as_str(), r.fault.as_ref().unwrap_or(&r.reason)));
        format!("sync group {group}, {name}: {why}")
    }
}

/// Sync groups in file order, then every router without one.
fn units(configuration: &Configuration) -> Vec<Unit> {
    let index_of = |name: &String| configuration.virtual_routers.iter().position(|r| r.name == *name);
    let mut taken = BTreeSet::new();
    let mut units = Vec::new();
    for group in &configuration.sync_groups {
        let members: Vec<usize> = group.members.iter().filter_map(index_of).filter(|i| taken.insert(*i)).collect();
        if !members.is_empty() {
            units.push(Unit { name: Some(group.name.clone()), members, leads_from: None });
        }
    }
    let alone = (0..configuration.virtual_routers.len()).filter(|i| !taken.contains(i));
    units.extend(alone.map(|i| Unit { name: None, members: vec![i], leads_from: None }));
    units
}

fn due(deadline: Option<Instant>, now: Instant) -> bool {
    deadline.is_some_and(|at| at <= now)
}

//! [`Failover`]: inputs in, ordered actions out. Each input is worked in three steps:
//!
//! 1. what it says is noted (host, peers, timers), and the instance it concerns moves;
//! 2. sync groups are settled: every router is a member of one, alone if need be;
//! 3. commands that wait for their end are looked at.

use super::addresses::Restored;
use super::heralds::Heralds;
use super::host::{Host, Place, Seen};
use super::joins::{Deaf, deaf};
use super::links::OurLinks;
use super::ownership::Ours;
use super::past::Past;
use super::peers::Peers;
use super::pending::{Awaits, Pending};
use super::reach::Reach;
use super::router::{Footing, Outgoing, Router};
use super::routers::Routers;
use super::routing::OurRouting;
use super::statics::OurStatics;
use super::strangers::Strangers;
use super::track::Tracks;
use super::units::{Unit, units};
use super::{Action, Channel, Input, Link, OwnedAddress, Waiting};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::{AdvertInterval, AdvertisedPriority, AnnouncementPace, Configuration, Family};
use crate::engine::vrrp::{self, Standing};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// All virtual routers of this host.
#[derive(Debug)]
pub struct Failover {
    pub(super) routers: Routers,
    pub(super) units: Vec<Unit>,
    /// The unit of each router.
    pub(super) unit_of: Vec<usize>,
    /// Room for units that are settled and how their members stand.
    pub(super) settling: (Vec<usize>, Vec<Standing>),
    /// Every virtual address.
    pub(super) virtuals: BTreeSet<IpAddr>,
    pub(super) host: Host,
    /// By place, of which there are many: a reload of hundreds of instances asks for each.
    pub(super) ours: BTreeMap<Place, Ours>,
    pub(super) inherited: Vec<OwnedAddress>,
    /// Where sequence numbers of authentication headers begin.
    pub(super) sequence: u32,
    pub(super) foreign: BTreeSet<Place>,
    /// When addresses that somebody removed were put back last, of the last moments.
    pub(super) restored: BTreeMap<Place, Restored>,
    /// Whether the hosts of peers are there.
    pub(super) reach: Reach,
    pub(super) links: OurLinks,
    pub(super) statics: OurStatics,
    pub(super) routing: OurRouting,
    pub(super) strangers: Strangers,
    pub(super) tracks: Tracks,
    pub(super) pending: Vec<Pending>,
    /// When a refusal to send on an interface was reported last.
    pub(super) send_refused_at: BTreeMap<u32, Instant>,
    pub(super) deaf: BTreeMap<Channel, Deaf>,
    pub(super) pace: AnnouncementPace,
    pub(super) heralds: Heralds,
    /// `vrrp_startup_delay`, and from the start on until when it lasts.
    pub(super) startup_delay: Duration,
    pub(super) starts_at: Option<Instant>,
    pub(super) actions: VecDeque<Action>,
    /// Holds or leads by `takeover` may be others than those given out.
    pub(super) holds_touched: bool,
    /// Another router was heard that never was before, or an instance is gone that had met some.
    pub(super) met_touched: bool,
    /// A state or a priority changed, or the list of routers: whoever is to be told of it is looked for.
    pub(super) to_tell: bool,
    pub(super) phase: Phase,
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
    /// A core that waits for [`Input::Start`], with what an earlier run left behind.
    pub fn new(configuration: &Configuration, past: Past, now: Instant) -> Self {
        let Past { owned, links, masterships, holds, met, sequence } = past;
        let new = |config| Router { sequence, ..Router::new(config, now) };
        let routers = configuration.virtual_routers.iter().map(new).collect();
        let mut this = Self {
            routers: Routers::new(routers),
            units: units(configuration),
            unit_of: Vec::new(),
            settling: (Vec::new(), Vec::new()),
            virtuals: BTreeSet::new(),
            host: Host::default(),
            ours: BTreeMap::new(),
            inherited: owned,
            sequence,
            foreign: BTreeSet::new(),
            restored: BTreeMap::new(),
            reach: Reach::default(),
            links: OurLinks::of(&links),
            statics: OurStatics::new(&configuration.statics),
            routing: OurRouting::default(),
            strangers: Strangers::default(),
            tracks: Tracks::new(),
            pending: Vec::new(),
            send_refused_at: BTreeMap::new(),
            deaf: BTreeMap::new(),
            pace: configuration.global.pace.clone(),
            heralds: Heralds::default(),
            startup_delay: configuration.global.startup_delay,
            starts_at: None,
            actions: VecDeque::new(),
            holds_touched: false,
            met_touched: false,
            to_tell: true,
            phase: Phase::Loading,
        };
        this.note_masterships(masterships, now);
        this.take_holds_over(holds, now);
        this.take_met_over(met);
        this.regroup();
        this
    }

    /// What follows from the list of routers and groups.
    pub(super) fn regroup(&mut self) {
        self.virtuals = self.routers.iter().flat_map(|r| r.config.addresses.iter().map(|a| a.address)).collect();
        self.unit_of = vec![0; self.routers.len()];
        for (number, unit) in self.units.iter().enumerate() {
            for member in &unit.members {
                if let Some(its) = self.unit_of.get_mut(*member) {
                    *its = number;
                }
                if let Some(router) = self.routers.get_mut(*member) {
                    let blind = router.hold.as_ref().is_some_and(|hold| hold.blind);
                    router.instance.set_asks(unit.name.is_some() || blind);
                }
            }
        }
    }

    /// Takes an input. `now` never goes back.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        let stops = matches!(self.phase, Phase::Stopping(_));
        let is_timeout = matches!(input, Input::Timeout);
        match input {
            Input::Command(asked) if stops => self.refuse(&asked, "the engine stops".to_owned()),
            Input::Shutdown { .. } | Input::Reload(_) if stops => {}
            Input::Link(link) => self.link(now, link),
            Input::LinkGone { index } => self.link_gone(index),
            Input::Address { index, address, prefix, present, by } => {
                // Echoes of our own changes move no primary address.
                let place = (index, address, prefix);
                let is_ours = self.is_ours(place);
                if self.observe_address(now, place, present, by.as_deref()) != Seen::Echo {
                    if !is_ours {
                        self.review_routing(present);
                    }
                    self.survey();
                }
            }
            Input::RoutingGone { entry, by } => self.routing_gone(now, &entry, by.as_deref()),
            Input::Resync => self.resync(now),
            Input::Start => self.start(now),
            Input::Packet { index, packet } => self.packet(now, index, packet),
            Input::Arp { frame } => self.arp_heard(now, frame),
            Input::Refused { action, error } => self.refused(now, &action, &error),
            Input::Tracked { kind, name, state, said } => self.tracked(kind, name, state, said),
            Input::Command(asked) => self.command(now, *asked),
            Input::Timeout => self.timeout(now),
            Input::Reload(configuration) => self.reload(now, &configuration),
            Input::Shutdown { keep } => self.shutdown(now, keep),
        }
        self.settle(now);
        if is_timeout {
            self.judge_pending(now);
        }
        if self.phase != Phase::Loading && std::mem::take(&mut self.to_tell) {
            self.tell_changes();
        }
        self.give_holds_out();
        self.give_met_out();
        self.routers.look();
    }

    /// The next thing to do. Ask until there is none.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Input::Timeout`] is due next, and what for.
    pub fn poll_timeout(&self) -> Option<(Instant, Waiting)> {
        // Routers of their own come behind the groups, and lead when they like.
        let groups = self.units.iter().take_while(|unit| unit.name.is_some());
        let groups = groups.filter_map(|unit| Some((unit.leads_from?, Waiting::MasterDown)));
        let strangers = self.strangers.next().map(|at| (at, Waiting::WarningEnds));
        let pending = self.pending.iter().filter_map(|one| {
            let what = if one.awaits == Awaits::Successor { Waiting::TakeOver } else { Waiting::Yield };
            Some((one.ends_at()?, what))
        });
        let joins = self.deaf.values().map(|deaf| (deaf.next, Waiting::Join));
        if let Phase::Stopping(until) = self.phase {
            let waits = self.host.awaits_any() || self.awaits_links();
            return waits.then_some((until, Waiting::AddressesGone));
        }
        let heralds = self.heralds.next().map(|at| (at, Waiting::Announce));
        let startup = self.starts_at.map(|at| (at, Waiting::StartupDelay));
        if self.phase == Phase::Running {
            let statics = [self.statics.restore_at, self.routing.restore_at];
            let statics = statics.into_iter().flatten().map(|at| (at, Waiting::Restore));
            let routers = self.routers.next().into_iter().chain(heralds).chain(startup).chain(statics);
            routers.chain(groups).chain(strangers).chain(pending).chain(joins).min()
        } else {
            None
        }
    }

    /// Whether [`Input::Shutdown`] was worked off, every action taken, and every removal answered (or waited for in vain).
    pub fn is_stopped(&self) -> bool {
        let done = self.actions.is_empty() && !self.host.awaits_any() && !self.awaits_links();
        matches!(self.phase, Phase::Stopping(_)) && done
    }

    /// What it was made of: configurations and parameters in their order, and the units.
    #[cfg(test)]
    pub(super) fn shape(&self) -> impl std::fmt::Debug + PartialEq + use<> {
        let router = |r: &Router| (r.config.clone(), r.instance.parameters().clone());
        let unit = |unit: &Unit| (unit.name.clone(), unit.members.clone());
        let routers: Vec<_> = self.routers.iter().map(router).collect();
        (routers, self.units.iter().map(unit).collect::<Vec<_>>(), self.virtuals.clone())
    }

    pub(super) fn push(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    pub(super) fn report(&mut self, fact: Fact) {
        self.push(Action::Report(fact));
    }

    /// Gives an input to one instance and turns what it wants into actions.
    pub(super) fn drive(&mut self, now: Instant, i: usize, input: vrrp::Input) {
        if matches!(input, vrrp::Input::StepDown { .. } | vrrp::Input::Shutdown) {
            self.take_measure(i);
        }
        let wanted = self.routers.get_mut(i).map(|router| router.instance.handle(now, input)).unwrap_or_default();
        if self.routers.get(i).is_some_and(|router| router.instance.is_master()) {
            self.level_links(i);
        }
        for action in wanted {
            match action {
                vrrp::Action::Advertise(priority) => self.advertise(now, i, priority, None),
                vrrp::Action::Hasten(interval) => self.hasten(now, i, interval),
                vrrp::Action::Acquire => {
                    self.acquire(i);
                    self.set_routing(i);
                }
                vrrp::Action::Release => {
                    self.unset_routing(i);
                    self.release(i);
                }
                vrrp::Action::Announce(count) => self.announce(now, i, count),
                vrrp::Action::Entered { from, reason } => self.entered(now, i, &from, &reason),
            }
        }
    }

    fn hasten(&mut self, now: Instant, i: usize, interval: AdvertInterval) {
        let Some(router) = self.routers.get(i) else { return };
        let priority = router.instance.parameters().priority.advertised();
        self.advertise(now, i, priority, Some(interval));
    }

    /// Sends an advertisement, with another interval than usual if need be.
    pub(super) fn advertise(
        &mut self,
        now: Instant,
        i: usize,
        priority: AdvertisedPriority,
        interval: Option<AdvertInterval>,
    ) {
        let Some(router) = self.routers.get_mut(i) else { return };
        let Some(Footing { index, source }) = router.footing.filter(|f| self.host.link(f.index).is_some()) else {
            return;
        };
        let messages = router.messages(priority, interval.unwrap_or(router.instance.parameters().interval), source);
        let (ttl, number) = (router.config.transport.ttl(), messages.len() as u64);
        router.counters.adverts_tx += number;
        router.counters.priority_zero_tx += if priority.is_resignation() { number } else { 0 };
        router.last_sent = messages.first().map(|first| first.message.clone()).unwrap_or_default();
        router.sequence = router.sequence.saturating_add(1);
        router.unsent = None;
        router.advertised_before = router.advertised_at.replace(now);
        let (index, mac) = self.routers.get(i).map_or((index, None), |router| self.way_out(router, index));
        for Outgoing { destination, message, header } in messages {
            self.push(Action::Advertise { index, source, destination, ttl, message, header, mac });
        }
    }

    fn timeout(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Stopping(until) if until <= now) {
            self.host.forget_echoes();
            self.links.forget_leaving();
        }
        if self.phase != Phase::Running {
            return;
        }
        self.forget_gone(None);
        self.send_heralds(now);
        if due(self.starts_at, now) {
            self.starts_at = None;
            for router in &mut self.routers {
                router.delayed = false;
            }
        }
        let mut leading = Vec::new();
        for unit in self.units.iter_mut().take_while(|unit| unit.name.is_some()) {
            if due(unit.leads_from, now) {
                unit.leads_from = None;
                leading.extend(unit.members.first());
            }
        }
        for i in leading {
            _ = self.routers.get_mut(i); // its group may lead now: it is to be settled
        }
        self.strangers.expire(now);
        self.join_again(now);
        if due(self.statics.restore_at, now) {
            self.restore_statics(now);
        }
        if due(self.routing.restore_at, now) {
            self.restore_routing(now);
        }
        for i in self.routers.due(now) {
            if self.routers.get(i).is_some_and(|r| due(r.hold.as_ref().and_then(|h| h.until), now)) {
                self.end_hold(now, i);
            }
            self.resume_in_time(now, i);
            self.drive(now, i, vrrp::Input::Timeout);
            if self.routers.get(i).is_some_and(|r| due(r.restore_at, now)) {
                self.restore(now, i);
            }
            self.expire_peers(now, i);
            self.probe_in_time(now, i);
        }
    }

    fn link(&mut self, now: Instant, link: Link) {
        let (index, name, up) = (link.index, link.name.clone(), link.up);
        let before = self.host.set_link(link).map(|old| old.up);
        self.listen_early(index, &name);
        self.link_told(&name, false);
        if self.links.has(&name) {
            if before.is_none() && self.phase == Phase::Running {
                self.report_virtual_link(&name, true);
            }
        } else if self.phase == Phase::Running && before != Some(up) && self.uses(&name) {
            let word = |up| if up { "up" } else { "down" };
            let severity = if up { Severity::Notice } else { Severity::Warning };
            let was = before.map_or("absent", word);
            self.report(Fact::new(EventKind::Link, severity, &name).change(was, word(up)));
        }
        if self.phase == Phase::Running && (before.is_none() || up && before == Some(false)) {
            self.set_statics();
            self.review_routing(true);
        }
        if !up {
            self.forget_routes(&name);
        }
        self.survey();
        if before.is_none() {
            self.return_to(now, index);
        }
    }

    fn link_gone(&mut self, index: u32) {
        let Some(link) = self.host.remove_link(index) else { return };
        if self.links.is_leaving(&link.name) {
            self.report_virtual_link(&link.name, false);
        } else if self.phase == Phase::Running && self.uses(&link.name) {
            self.report(Fact::new(EventKind::Link, Severity::Warning, &link.name).to("absent"));
        }
        self.forget_interface(index, &link.name);
        self.forget_routes(&link.name);
        self.link_told(&link.name, true);
        self.strangers.forget_interface(index);
        self.deaf.retain(|channel, _| channel.index != index);
        for router in self.routers.iter_mut().filter(|r| r.config.interface == link.name) {
            (router.peers, router.duplicate_until) = (Peers::default(), None);
        }
        self.survey();
    }

    fn uses(&self, name: &str) -> bool {
        let tracks = self.tracks_interface(name);
        tracks
            || self.routers.iter().any(|r| {
                r.config.interface == name || r.config.addresses.iter().any(|a| a.interface.as_deref() == Some(name))
            })
    }

    /// Looks at what every router stands on. Moves none; but each listens from then on, whatever its state: who waits for a
    /// script or is in FAULT has to know as well who is master.
    pub(super) fn survey(&mut self) {
        if self.phase != Phase::Running {
            return;
        }
        self.review_foreign();
        self.review_links();
        let turned = self.look_at_interfaces();
        for i in 0..self.routers.len() {
            let footing = self.footing(i);
            let failing = self.weigh(i);
            let linkless = self.routers.get(i).is_some_and(|router| self.lacks_links(router));
            let Some(router) = self.routers.get_mut(i) else { continue };
            router.linkless = linkless;
            match footing {
                Ok(footing) => {
                    router.instance.set_source(footing.source);
                    router.footing = Some(footing);
                    router.fault = failing;
                    self.listen(i, footing.index);
                }
                Err(fault) => (router.fault, router.listens_on) = (Some(fault), None),
            }
        }
        self.level_all_links();
        self.report_interfaces(turned);
    }

    /// The interface and primary address of a router, or why it can't work and what to do.
    fn footing(&self, i: usize) -> Result<Footing, String> {
        let Some(router) = self.routers.get(i) else { return Err(String::new()) };
        let (interface, instance) = (&router.config.interface, &router.config.name);
        let link = self.host.by_name(interface).ok_or_else(|| {
            format!("interface {interface} does not exist: create it, or correct `interface` of {instance}")
        })?;
        if !link.up && router.config.tracks_interface {
            return Err(format!(
                "interface {interface} is down or has no carrier: check the cable, or `ip link set {interface} up`"
            ));
        }
        if let Some(Deaf { error, .. }) = self.deaf.get(&router.channel(link.index)) {
            return Err(deaf(interface, router, error));
        }
        if let Some(fault) = self.link_fault(router) {
            return Err(fault);
        }
        if let Some(fault) = self.static_fault(router) {
            return Err(fault);
        }
        let source = match router.config.source {
            Some(source) if self.host.has_anywhere(source) || router.config.transport.may_borrow(source) => source,
            Some(source) => {
                return Err(format!(
                    "{source}, from which {instance} is to advertise, is on no interface: add it with `ip address add`, or \
                     correct `unicast_src_ip` or `mcast_src_ip`"
                ));
            }
            None => self.primary_address(link.index, &router.config).ok_or_else(|| match router.config.family {
                Family::Inet => {
                    format!("interface {interface} has no IPv4 address of its own: add one with `ip address add`")
                }
                Family::Inet6 => format!(
                    "interface {interface} has no IPv6 address of its own that fits: look at `ip -6 address show dev \
                     {interface}` and `sysctl net.ipv6.conf.{interface}.disable_ipv6`"
                ),
            })?,
        };
        Ok(Footing { index: link.index, source })
    }
}

fn due(deadline: Option<Instant>, now: Instant) -> bool {
    deadline.is_some_and(|at| at <= now)
}

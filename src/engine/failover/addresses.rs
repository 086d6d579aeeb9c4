//! Virtual addresses on the host: put on, taken off, put back; and the line between ours and others'. An address that
//! was there before we added it is never removed by us, but for one that another program left exactly where ours belongs before the
//! start: it is taken over as if an earlier run of ours had left it ([`super::ownership`]).

use super::core::{Failover, Phase};
use super::host::{Place, Seen};
use super::ownership::Ours;
use super::router::Router;
use super::{Action, OwnedAddress};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::{Family, Transport, VirtualAddress, VirtualRouter};
use crate::engine::snapshot::Warning;
use crate::engine::vrrp::{self, TransitionReason, announcement};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// An address that somebody removes again and again is put back at once, [`MOST_RESTORED`] times within this; then it waits until this
/// is over.
pub(super) const RESTORE_PAUSE: Duration = Duration::from_secs(1);
const MOST_RESTORED: u8 = 5;

/// How often an address was put back lately.
#[derive(Debug, Clone, Copy)]
pub(super) struct Restored {
    since: Instant,
    times: u8,
}

impl Failover {
    /// The virtual addresses of a router with the places where they belong; none where the interface is missing.
    pub(super) fn places(&self, i: usize) -> Vec<(VirtualAddress, Option<Place>)> {
        let Some(router) = self.routers.get(i) else { return Vec::new() };
        let place = |address: &VirtualAddress| {
            let link = self.host.by_name(address.interface.as_ref().unwrap_or(&router.config.interface))?;
            Some((link.index, address.address, address.prefix))
        };
        router.config.addresses.iter().map(|address| (address.clone(), place(address))).collect()
    }

    /// Whether the address is (or will be) there without us.
    fn is_foreign(&self, (index, address, _): Place) -> bool {
        self.host.prefixes(index, address).any(|prefix| !self.is_ours((index, address, prefix)))
    }

    /// Puts on what is missing; written down before it is made.
    pub(super) fn acquire(&mut self, i: usize) {
        self.acquire_these(i, &self.places(i));
    }

    /// The same for some of its places; gives those that were missing.
    fn acquire_these(&mut self, i: usize, places: &[(VirtualAddress, Option<Place>)]) -> Vec<Place> {
        let owned_before = self.ours.len();
        self.drop_packets(i);
        self.keep(i);
        let missing = self.take_in(i, places);
        if self.ours.len() > owned_before {
            self.remember();
        }
        let found = missing.iter().map(|(place, _)| *place).collect();
        self.put_on(missing);
        found
    }

    /// Makes these addresses ours and gives those that are not on.
    pub(super) fn take_in(
        &mut self,
        i: usize,
        wanted: &[(VirtualAddress, Option<Place>)],
    ) -> Vec<(Place, VirtualAddress)> {
        let mut missing = Vec::new();
        for (address, place) in wanted.iter().cloned() {
            let Some(place) = place else {
                let awaited = |router: &Router| {
                    router.config.links.iter().any(|link| Some(&link.name) == address.interface.as_ref())
                };
                if !self.routers.get(i).is_some_and(awaited) {
                    self.report_missing_interface(i, &address);
                }
                continue;
            };
            if let Some(left) = self.ours.get_mut(&place).filter(|ours| ours.router.is_none()) {
                (left.router, left.leaving) = (Some(i), false);
            }
            if self.is_foreign(place) || self.host.will_have(place) {
                continue;
            }
            let interface = self.host.link(place.0).map(|link| link.name.clone()).unwrap_or_default();
            if !self.is_ours(place) {
                let owned = OwnedAddress { interface, address: place.1, prefix: place.2 };
                self.own(Ours { router: Some(i), place, address: address.clone(), owned, leaving: false, left: None });
            }
            missing.push((place, address));
        }
        missing
    }

    pub(super) fn put_on(&mut self, missing: Vec<(Place, VirtualAddress)>) {
        for (place, address) in missing {
            self.host.expect(place, true);
            self.push(Action::AddAddress { index: place.0, address });
        }
    }

    /// Gratuitous ARP or unsolicited neighbour advertisement for every address, interleaved, `count` times.
    pub(super) fn announce(&mut self, now: Instant, i: usize, count: u32) {
        self.announce_these(now, i, count, &self.places(i));
    }

    pub(super) fn announce_these(
        &mut self,
        now: Instant,
        i: usize,
        count: u32,
        places: &[(VirtualAddress, Option<Place>)],
    ) {
        let mut round = Vec::new();
        for (address, place) in places {
            if let Some((index, ..)) = *place
                && let Some(mac) = self.host.link(index).and_then(|link| link.mac)
            {
                round.push((index, address.address, announcement(mac, address.address)));
            }
        }
        for _ in 0..count {
            for (index, address, frame) in &round {
                self.herald(now, *index, *address, frame.clone());
            }
        }
        if let Some(router) = self.routers.get_mut(i) {
            router.note_announcements(now, round.len() as u64, u64::from(count));
        }
    }

    /// The host is about to be listed anew. Only changes that were not even asked for yet will be answered.
    pub(super) fn resync(&mut self, now: Instant) {
        self.host.forget_echoes();
        for (place, present) in self.unasked() {
            self.host.expect(place, present);
        }
        for router in self.routers.iter_mut().filter(|router| router.instance.is_master()) {
            router.restore_at = Some(now);
        }
        self.review_routing(false);
    }

    /// Changes of addresses that nobody polled yet.
    pub(super) fn unasked(&self) -> Vec<(Place, bool)> {
        let change = |action: &Action| match action {
            Action::AddAddress { index, address } => Some(((*index, address.address, address.prefix), true)),
            Action::RemoveAddress { index, address } => Some(((*index, address.address, address.prefix), false)),
            Action::Join(_)
            | Action::Leave { .. }
            | Action::Advertise { .. }
            | Action::Announce { .. }
            | Action::Probe { .. }
            | Action::MakeLink { .. }
            | Action::LeaveLink { .. }
            | Action::SetLink { .. }
            | Action::RemoveLink { .. }
            | Action::Remember(_)
            | Action::RememberLinks(_)
            | Action::Keep(_)
            | Action::Holds(_)
            | Action::Met(_)
            | Action::Route { .. }
            | Action::Drop { .. }
            | Action::DropNothing
            | Action::Report(_)
            | Action::Notify(_)
            | Action::Answer { .. } => None,
        };
        self.actions.iter().filter_map(change).collect()
    }

    /// The first address of the interface that is none of ours; of IPv6 one of the link, unless unicast peers are further
    /// away. An owner's may be the virtual address itself.
    pub(super) fn primary_address(&self, index: u32, router: &VirtualRouter) -> Option<IpAddr> {
        let fits = |address: &IpAddr| may_send_from(router, *address);
        let here = |address: &IpAddr| self.host.prefixes(index, *address).next().is_some();
        let found = || self.host.addresses(index).filter(fits);
        let own = found().filter(here).find(|address| !self.virtuals.contains(address));
        let foreign = |address: &IpAddr| self.is_foreign((index, *address, 0));
        own.or_else(|| found().filter(|_| router.priority.is_owner()).find(foreign))
    }

    /// The kernel says an address came or went.
    pub(super) fn observe_address(&mut self, now: Instant, place: Place, present: bool, by: Option<&str>) -> Seen {
        let seen = self.host.observe(place, present);
        if self.phase == Phase::Loading {
            return seen;
        }
        let was_ours = self.is_ours(place);
        let left = self.ours.get(&place).filter(|ours| ours.router.is_none());
        let left = left.map(|ours| (ours.address.to_string(), ours.left.clone()));
        self.review_ownership(place, present);
        // Another router may want it now: it is told of the one that had it.
        if let (Some((address, Some(name))), Seen::Echo, false) = (&left, seen, present) {
            let fact = Fact::new(EventKind::Address, Severity::Info, address.clone()).to("absent");
            self.report(fact.reason("the configuration has it no more").detail(name.clone()));
            return seen;
        }
        let Some((i, address)) = self.router_of(place) else {
            if let Some(address) = self.static_at(place).filter(|_| seen != Seen::Known) {
                self.static_told(now, &address, (seen == Seen::Echo, present), by);
                return seen;
            }
            if let (Some((address, None)), Seen::Echo, false) = (left, seen, present) {
                let fact = Fact::new(EventKind::Address, Severity::Info, address).to("absent");
                self.report(fact.reason("the configuration has it no more"));
            }
            return seen;
        };
        let lost = was_ours || self.host.prefixes(place.0, place.1).next().is_none();
        match (seen, present) {
            (Seen::Echo, present) => self.report_address(i, &address, present),
            (Seen::Foreign, false) if lost && address.options.watched => self.drifted(now, i, &address, by),
            (Seen::Foreign | Seen::Known, _) => {}
        }
        seen
    }

    /// The router whose virtual address this is, with any prefix length.
    pub(super) fn router_of(&self, (index, address, _): Place) -> Option<(usize, VirtualAddress)> {
        (0..self.routers.len()).find_map(|i| {
            let here = |place: Option<Place>| place.is_some_and(|p| p.0 == index && p.1 == address);
            let found = self.places(i).into_iter().find(|(_, place)| here(*place));
            found.map(|(address, _)| (i, address))
        })
    }

    /// An interface is back: masters put on it what belongs there.
    pub(super) fn return_to(&mut self, now: Instant, index: u32) {
        for i in 0..self.routers.len() {
            if self.places(i).iter().any(|(_, place)| place.is_some_and(|p| p.0 == index)) {
                self.restore(now, i);
            }
        }
    }

    pub(super) fn name(&self, i: usize) -> String {
        self.routers.get(i).map(|r| r.config.name.clone()).unwrap_or_default()
    }

    fn report_address(&mut self, i: usize, address: &VirtualAddress, present: bool) {
        let fact = Fact::new(EventKind::Address, Severity::Info, address.to_string());
        let fact = fact.to(if present { "present" } else { "absent" }).detail(self.name(i));
        self.report(fact);
    }

    fn report_missing_interface(&mut self, i: usize, address: &VirtualAddress) {
        let interface = address.interface.clone().unwrap_or_default();
        let reason = format!("interface {interface} does not exist: create it, or correct `dev` of {address}");
        let fact = Fact::new(EventKind::OperationRefused, Severity::Error, address.to_string());
        self.report(fact.reason(reason).detail(self.name(i)));
    }

    /// Somebody removed an address of ours.
    fn drifted(&mut self, now: Instant, i: usize, address: &VirtualAddress, by: Option<&str>) {
        let Some(router) = self.routers.get(i).filter(|r| r.instance.is_master()) else { return };
        let yields = router.config.variations.steps_down_without_address;
        let fact = Fact::new(EventKind::Drift, Severity::Warning, address.to_string()).change("present", "absent");
        let too_often = |place: &Option<Place>| place.is_some_and(|place| self.restorable_at(now, place).is_some());
        let waits = self.places(i).iter().any(|(its, place)| its == address && too_often(place));
        let so = match (yields, waits) {
            (true, _) => "mastership is given up",
            (false, false) => "it is put back",
            (false, true) => "it is put back in a moment: this was one time too many within a second",
        };
        let fact = removed(fact, by, so).detail(&router.config.name);
        self.report(fact);
        if yields {
            let reason = TransitionReason::AddressRemoved(address.to_string());
            return self.drive(now, i, vrrp::Input::StepDown { wait: None, reason });
        }
        self.restore(now, i);
    }

    /// When what is missing there may be put back again; none: now.
    pub(super) fn restorable_at(&self, now: Instant, place: Place) -> Option<Instant> {
        let at = self.restored.get(&place).filter(|lately| lately.times >= MOST_RESTORED)?.since + RESTORE_PAUSE;
        (at > now && !self.host.will_have(place)).then_some(at)
    }

    /// These were put back.
    pub(super) fn note_restored(&mut self, now: Instant, places: impl IntoIterator<Item = Place>) {
        self.restored.retain(|_, lately| lately.since + RESTORE_PAUSE > now);
        for place in places {
            self.restored.entry(place).or_insert(Restored { since: now, times: 0 }).times += 1;
        }
    }

    /// Puts back what is missing and tells the link: each address at once, and no more often than [`RESTORE_PAUSE`] allows.
    pub(super) fn restore(&mut self, now: Instant, i: usize) {
        let mut places = self.places(i);
        let later = places.iter().filter_map(|(_, place)| self.restorable_at(now, (*place)?)).min();
        places.retain(|(_, place)| place.is_none_or(|place| self.restorable_at(now, place).is_none()));
        let Some(router) = self.routers.get_mut(i) else { return };
        router.restore_at = None;
        if !router.instance.is_master() {
            return;
        }
        router.restore_at = later;
        let repeat = router.config.garp.repeat;
        let back = self.acquire_these(i, &places);
        if back.is_empty() {
            return;
        }
        // The kernel removes routes with the address that they send from.
        self.set_routing(i);
        places.retain(|(_, place)| place.is_some_and(|place| back.contains(&place)));
        self.announce_these(now, i, repeat, &places);
        self.note_restored(now, back);
    }

    /// Virtual addresses that sit on the host without us; an owner's belong there.
    pub(super) fn foreign_addresses(&self) -> Vec<(usize, VirtualAddress, Place)> {
        let strangers =
            (0..self.routers.len()).filter(|i| !self.routers.get(*i).is_some_and(|r| r.config.priority.is_owner()));
        strangers
            .flat_map(|i| self.places(i).into_iter().filter_map(move |(address, place)| Some((i, address, place?))))
            .filter(|(_, _, place)| self.is_foreign(*place))
            .collect()
    }

    /// Those of them that the configuration puts in this very place, and that no router needs to send from.
    pub(super) fn left_addresses(&self) -> Vec<(usize, VirtualAddress, Place)> {
        let can_spare = |i: usize| {
            let router = self.routers.get(i)?;
            self.primary_address(self.host.by_name(&router.config.interface)?.index, &router.config)
        };
        let its_own = |i: usize, place: Place| {
            self.routers.get(i).and_then(|r| r.config.source) == Some(place.1) || self.static_at(place).is_some()
        };
        let mut found = self.foreign_addresses();
        found.retain(|(i, _, place)| self.host.holds(*place) && can_spare(*i).is_some() && !its_own(*i, *place));
        found
    }

    /// Reports each of them once while it is there.
    pub(super) fn review_foreign(&mut self) {
        let found = self.foreign_addresses();
        self.foreign.retain(|place| found.iter().any(|(_, _, at)| at == place));
        for (i, address, place) in found {
            if self.foreign.insert(place) {
                let warning = self.foreign_warning(i, &address, place);
                let fact = Fact::new(EventKind::Warning, Severity::Warning, warning.subject);
                self.report(fact.reason(warning.message).detail(warning.next));
            }
        }
    }

    fn foreign_warning(&self, i: usize, address: &VirtualAddress, (index, its, _): Place) -> Warning {
        // As it is there, which may be with another prefix than the configuration's.
        let there = self.host.prefixes(index, its).find(|prefix| !self.is_ours((index, its, *prefix)));
        let address = &VirtualAddress { prefix: there.unwrap_or(address.prefix), ..address.clone() };
        let name = self.name(i);
        let home = self.routers.get(i).map(|r| r.config.interface.clone()).unwrap_or_default();
        let interface = address.interface.clone().unwrap_or(home);
        Warning {
            code: "address-present".to_owned(),
            subject: name,
            message: format!("{address} is on {interface}, and lvsdeck has not put it there: it stays in every state"),
            next: format!(
                "does another VRRP program run on this host? stop it, and it takes its addresses along; else, if nobody \
                 needs {address}, remove it with `ip address del {address} dev {interface}`"
            ),
        }
    }

    pub(super) fn foreign_warnings(&self) -> impl Iterator<Item = Warning> {
        self.foreign_addresses().into_iter().map(|(i, address, place)| self.foreign_warning(i, &address, place))
    }
}

/// Who removed something, as far as netlink tells, and what follows.
pub(super) fn removed(fact: Fact, by: Option<&str>, so: &str) -> Fact {
    match by {
        Some(by) => fact.reason(format!("removed by {by}; {so}")),
        None => fact.reason(format!("somebody removed it; {so}")),
    }
}

/// Whether advertisements of the router may come from this address (RFC 9568 §5.1.2.1).
fn may_send_from(router: &VirtualRouter, address: IpAddr) -> bool {
    let of_link = |address| matches!(address, IpAddr::V6(address) if Ipv6Addr::is_unicast_link_local(&address));
    let wants_link = match &router.transport {
        Transport::Multicast { .. } => true,
        Transport::Unicast(unicast) => unicast.peers.iter().any(|peer| of_link(peer.address)),
    };
    Family::of(address) == router.family && (address.is_ipv4() || of_link(address) == wants_link)
}

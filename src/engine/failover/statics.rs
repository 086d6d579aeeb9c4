//! Static addresses, routes and rules: on the host while the engine runs, whoever is master. Ours like virtual addresses:
//! written down before they are put on, put back where somebody removes them, and taken off at the end.

use super::OwnedAddress;
use super::addresses::removed;
use super::core::Failover;
use super::host::Place;
use super::ownership::Ours;
use super::router::Router;
use super::warnings::warning;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::{Routing, Statics, VirtualAddress, VirtualRoute};
use crate::engine::snapshot::Warning;
use std::collections::BTreeSet;
use std::time::Instant;

/// So many interfaces that are not there are told.
const MOST_TOLD: usize = 8;

/// What is to be there, and when it was put back.
#[derive(Debug, Default)]
pub(super) struct OurStatics {
    pub wanted: Statics,
    pub restore_at: Option<Instant>,
}

impl OurStatics {
    pub fn new(wanted: &Statics) -> Self {
        Self { wanted: wanted.clone(), ..Self::default() }
    }
}

impl Failover {
    /// Static addresses with their places, where their interfaces are there.
    fn static_places(&self) -> Vec<(VirtualAddress, Place)> {
        let addresses = self.statics.wanted.addresses.iter().map(|found| &found.address);
        addresses.filter_map(|address| Some((address.clone(), self.place_of(address)?))).collect()
    }

    /// Where a static address belongs; none while its interface is not there.
    fn place_of(&self, address: &VirtualAddress) -> Option<Place> {
        let link = self.host.by_name(address.interface.as_ref()?)?;
        Some((link.index, address.address, address.prefix))
    }

    /// The static address that belongs exactly there.
    pub(super) fn static_at(&self, place: Place) -> Option<VirtualAddress> {
        self.static_places().into_iter().find(|(_, at)| *at == place).map(|(address, _)| address)
    }

    /// Interfaces of static addresses and routes that are not there.
    pub(super) fn static_warnings(&self) -> Vec<Warning> {
        let wanted = &self.statics.wanted;
        let of_addresses = wanted.addresses.iter().filter_map(|found| found.address.interface.as_deref());
        let of_routes = wanted.routing.iter().filter_map(|entry| match entry {
            Routing::Route(VirtualRoute { interface, .. }) => interface.as_deref(),
            Routing::Rule(_) => None,
        });
        let all: BTreeSet<&str> = of_addresses.chain(of_routes).collect();
        let missing = all.into_iter().filter(|name| self.host.by_name(name).is_none());
        let told = |name: &str| {
            let message =
                format!("there is no interface {name}: its static addresses and routes are set when it comes");
            let next = "see `ip link`, and correct the name in static_ipaddress or static_routes".to_owned();
            warning("no-interface", name, message, next)
        };
        missing.take(MOST_TOLD).map(told).collect()
    }

    /// Puts on what is missing.
    pub(super) fn set_statics(&mut self) {
        self.put_statics(self.static_places());
        let entries = self.statics.wanted.routing.iter().filter(|entry| !self.is_cut_off(entry));
        self.route(entries.cloned().collect::<Vec<_>>(), true);
    }

    /// Puts on what is missing of these; gives their places.
    fn put_statics(&mut self, places: Vec<(VirtualAddress, Place)>) -> Vec<Place> {
        let mut missing = Vec::new();
        let owned_before = self.ours.len();
        for (address, place) in places {
            if let Some(left) = self.ours.get_mut(&place).filter(|ours| ours.router.is_none()) {
                left.leaving = false;
            }
            if self.host.will_have(place) {
                continue;
            }
            if !self.is_ours(place) {
                self.own_static(&address, place);
            }
            missing.push((place, address));
        }
        if self.ours.len() > owned_before {
            self.remember();
        }
        let found = missing.iter().map(|(place, _)| *place).collect();
        self.put_on(missing);
        found
    }

    /// It is ours from now on.
    pub(super) fn own_static(&mut self, address: &VirtualAddress, place: Place) {
        let interface = address.interface.clone().unwrap_or_default();
        let owned = OwnedAddress { interface, address: place.1, prefix: place.2 };
        self.own(Ours { router: None, place, address: address.clone(), owned, leaving: false, left: None });
    }

    /// Routes first, then addresses.
    pub(super) fn unset_statics(&mut self) {
        let mut entries = std::mem::take(&mut self.statics).wanted.routing;
        entries.reverse();
        self.route(entries, false);
        for (place, address) in self.give_up_statics() {
            self.take_off(place, address);
        }
    }

    /// Addresses that are no longer wanted: nobody's, and to be taken off unless somebody wants them.
    pub(super) fn give_up_statics(&mut self) -> Vec<(Place, VirtualAddress)> {
        let kept: Vec<Place> = self.static_places().into_iter().map(|(_, place)| place).collect();
        let mut leaving = Vec::new();
        let unwanted = |ours: &&mut Ours| ours.router.is_none() && !ours.leaving && !kept.contains(&ours.place);
        for ours in self.ours.values_mut().filter(unwanted) {
            ours.leaving = true;
            leaving.push((ours.place, ours.address.clone()));
        }
        leaving
    }

    /// Other statics than before; gives the addresses that go.
    pub(super) fn change_statics(&mut self, wanted: &Statics) -> Vec<(Place, VirtualAddress)> {
        let before = std::mem::replace(&mut self.statics.wanted, wanted.clone());
        let gone = before.routing.into_iter().rev().filter(|entry| !wanted.routing.contains(entry));
        self.route(gone.collect::<Vec<_>>(), false);
        self.give_up_statics()
    }

    /// The kernel told of a static address: what somebody removed is put back.
    pub(super) fn static_told(
        &mut self,
        now: Instant,
        address: &VirtualAddress,
        (echo, present): (bool, bool),
        by: Option<&str>,
    ) {
        if echo {
            let fact = Fact::new(EventKind::Address, Severity::Info, address.to_string());
            return self.report(fact.to(if present { "present" } else { "absent" }).detail("static_ipaddress"));
        }
        if present {
            return;
        }
        let fact = Fact::new(EventKind::Drift, Severity::Warning, address.to_string()).change("present", "absent");
        self.report(removed(fact, by, "it is put back").detail("static_ipaddress"));
        self.restore_statics(now);
    }

    /// Puts back what is missing: each address at once, and no more often than once a second.
    pub(super) fn restore_statics(&mut self, now: Instant) {
        let mut places = self.static_places();
        self.statics.restore_at = places.iter().filter_map(|(_, place)| self.restorable_at(now, *place)).min();
        places.retain(|(_, place)| self.restorable_at(now, *place).is_none());
        let back = self.put_statics(places);
        if !back.is_empty() {
            // The kernel removes routes with the address that they send from.
            self.route(self.statics.wanted.routing.clone(), true);
        }
        self.note_restored(now, back);
    }

    /// The static address without which a router can't work (`track_group`).
    pub(super) fn static_fault(&self, router: &Router) -> Option<String> {
        let mut needs = self.statics.wanted.addresses.iter();
        let address = needs.find(|found| {
            found.needed_by.contains(&router.config.name)
                && self.place_of(&found.address).is_none_or(|place| !self.host.will_have(place))
        });
        let address = &address?.address;
        let interface = address.interface.as_deref().unwrap_or_default();
        Some(format!("static address {address} of its track_group is not on {interface}: look at `ip address`"))
    }
}

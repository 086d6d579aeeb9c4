//! Which addresses are ours to take off: written down before they are put on, and until the kernel said that they are gone,
//! so that a crash at any moment leaves nothing behind that the next start does not know.

use super::core::Failover;
use super::host::Place;
use super::{Action, OwnedAddress};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::VirtualAddress;
use std::collections::BTreeSet;

/// An address that we put on an interface.
#[derive(Debug, Clone)]
pub(super) struct Ours {
    /// For which router; none when that left the configuration, or gave the address up.
    pub router: Option<usize>,
    pub place: Place,
    pub address: VirtualAddress,
    /// As it is written down.
    pub owned: OwnedAddress,
    /// It is to be off; the kernel has not confirmed it yet.
    pub leaving: bool,
    /// Whose it was before the configuration took it away, to tell when it is off.
    pub left: Option<String>,
}

impl Failover {
    pub(super) fn is_ours(&self, place: Place) -> bool {
        self.ours.contains_key(&place)
    }

    /// One more is ours; an earlier run may have left it behind.
    pub(super) fn own(&mut self, ours: Ours) {
        self.inherited.retain(|owned| *owned != ours.owned);
        self.ours.insert(ours.place, ours);
    }

    /// What was to leave is wanted again.
    pub(super) fn keep(&mut self, i: usize) {
        for ours in self.ours.values_mut().filter(|ours| ours.router == Some(i)) {
            ours.leaving = false;
        }
    }

    /// Takes off what we put on for this router.
    pub(super) fn release(&mut self, i: usize) {
        let places: Vec<Place> = self.places(i).into_iter().filter_map(|(_, place)| place).collect();
        self.drop_announcements(|index, address| places.iter().any(|place| (place.0, place.1) == (index, address)));
        for ours in self.ours.values_mut().filter(|ours| ours.router == Some(i)) {
            ours.leaving = true;
        }
        for ours in self.ours.clone().into_values().filter(|ours| ours.router == Some(i)) {
            self.take_off(ours.place, ours.address);
        }
        self.accept_packets(i, &BTreeSet::new());
        self.level_links(i);
    }

    /// False when it is off already, or will be.
    pub(super) fn take_off(&mut self, place: Place, address: VirtualAddress) -> bool {
        if !self.host.will_have(place) {
            return false;
        }
        self.host.expect(place, false);
        self.push(Action::RemoveAddress { index: place.0, address });
        true
    }

    pub(super) fn remember(&mut self) {
        let owned = self.ours.values().map(|ours| &ours.owned).chain(&self.inherited).cloned().collect();
        self.push(Action::Remember(owned));
    }

    /// Forgets what was to leave and is gone: at this place, or at any.
    pub(super) fn forget_gone(&mut self, at: Option<Place>) {
        let host = &self.host;
        let gone = |place| at.is_none_or(|at| at == place) && !host.holds(place) && !host.awaits(place);
        let before = self.ours.len() + self.inherited.len();
        self.ours.retain(|place, ours| !(ours.leaving && gone(*place)));
        self.inherited.retain(|owned| !host.place_of(owned).is_some_and(gone));
        if self.ours.len() + self.inherited.len() < before {
            self.remember();
        }
    }

    /// The kernel said what is at this place: what is to be off and is not is taken off again.
    pub(super) fn review_ownership(&mut self, place: Place, present: bool) {
        if !present {
            return self.forget_gone(Some(place));
        }
        if let Some(ours) = self.ours.get(&place) {
            if ours.leaving {
                self.take_off(place, ours.address.clone());
            }
        } else if let Some(owned) = self.inherited.iter().find(|owned| self.host.place_of(owned) == Some(place)) {
            self.take_off_inherited(place, owned.clone());
        }
    }

    /// What an earlier run left behind: a configured address is adopted, any other is taken off. What cannot be seen now
    /// stays written down. A configured address that another program left is adopted too: keepalived takes it off at its start
    /// (measured with 2.2.7), since two hosts would have it while this one is backup.
    pub(super) fn settle_inherited(&mut self) {
        self.forget_gone(None);
        for owned in self.inherited.clone() {
            let Some(place) = self.host.place_of(&owned) else { continue };
            match self.router_of(place) {
                Some((i, address)) if address.prefix == place.2 && self.host.holds(place) => {
                    self.adopt(i, place, address, owned, "from an earlier run");
                }
                _ => match self.static_at(place) {
                    Some(address) => self.own_static(&address, place),
                    None => self.take_off_inherited(place, owned),
                },
            }
        }
        let left = self.left_addresses();
        let is_news = !left.is_empty();
        for (i, address, place) in left {
            let interface = self.host.link(place.0).map(|link| link.name.clone()).unwrap_or_default();
            let owned = OwnedAddress { interface, address: place.1, prefix: place.2 };
            self.adopt(i, place, address, owned, "from another program that left it");
        }
        if is_news {
            self.remember();
        }
    }

    /// Keeps an address on until another master is heard: an engine that is restarted at once interrupts nothing, and one
    /// that comes back late gives way within an interval.
    fn adopt(&mut self, router: usize, place: Place, address: VirtualAddress, owned: OwnedAddress, from: &str) {
        let fact = Fact::new(EventKind::Address, Severity::Notice, address.to_string()).to("present");
        let reason = format!("adopted {from}, until another master is heard");
        self.report(fact.reason(reason).detail(self.name(router)));
        self.own(Ours { router: Some(router), place, address, owned, leaving: false, left: None });
        self.drop_packets(router);
        if let Some(router) = self.routers.get_mut(router) {
            router.adopted = true;
        }
    }

    /// The router is not going to be master now: what it adopted leaves.
    pub(super) fn release_adopted(&mut self, i: usize) {
        if self.routers.get_mut(i).is_some_and(|router| std::mem::take(&mut router.adopted)) {
            self.release(i);
        }
    }

    fn take_off_inherited(&mut self, place: Place, owned: OwnedAddress) {
        let OwnedAddress { interface, address, prefix } = owned;
        let address = VirtualAddress { interface: Some(interface.clone()), ..VirtualAddress::new(address, prefix) };
        let fact = Fact::new(EventKind::Address, Severity::Notice, address.to_string());
        if self.take_off(place, address) {
            self.report(fact.to("absent").reason("left behind by an earlier run").detail(interface));
        }
    }

    /// The interface is gone, and what was on it.
    pub(super) fn forget_interface(&mut self, index: u32, name: &str) {
        self.heralds.forget(|of, _| of == index);
        let before = self.ours.len() + self.inherited.len();
        self.ours.retain(|place, _| place.0 != index);
        self.inherited.retain(|owned| owned.interface != name);
        if self.ours.len() + self.inherited.len() < before {
            self.remember();
        }
    }
}

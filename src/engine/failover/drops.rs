//! `no_accept`: what is sent to the addresses of a master that does not own them is dropped, and what comes from them. Before
//! an address is put on, and until it is off.

use super::core::Failover;
use super::{Action, Dropped};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

impl Failover {
    /// Drops what is not dropped yet of those that the router has now.
    pub(super) fn drop_packets(&mut self, i: usize) {
        let wanted = self.wants_dropped(i);
        let Some(router) = self.routers.get_mut(i) else { return };
        let new: Vec<Dropped> = wanted.difference(&router.dropped).copied().collect();
        if !new.is_empty() {
            router.dropped.extend(&new);
            self.push(Action::Drop { addresses: new, present: true });
        }
    }

    /// Drops for the router no more than `wanted`; what another one has dropped stays so.
    pub(super) fn accept_packets(&mut self, i: usize, wanted: &BTreeSet<Dropped>) {
        let Some(router) = self.routers.get_mut(i).filter(|router| !router.dropped.is_subset(wanted)) else { return };
        let mut gone: Vec<Dropped> = router.dropped.difference(wanted).copied().collect();
        router.dropped.retain(|dropped| wanted.contains(dropped));
        gone.retain(|dropped| !self.routers.iter().any(|router| router.dropped.contains(dropped)));
        if !gone.is_empty() {
            self.push(Action::Drop { addresses: gone, present: false });
        }
    }

    /// After a reload, before addresses are put on.
    pub(super) fn drop_packets_of_holders(&mut self) {
        self.holders().into_iter().for_each(|i| self.drop_packets(i));
    }

    /// After a reload, when addresses are off.
    pub(super) fn accept_packets_of_holders(&mut self) {
        for i in self.holders() {
            let wanted = self.wants_dropped(i);
            self.accept_packets(i, &wanted);
        }
    }

    /// At the start: what an earlier run has dropped counts no more.
    pub(super) fn forget_drops(&mut self) {
        if !self.inherited.is_empty() {
            self.push(Action::DropNothing);
        }
    }

    /// The system refused to.
    pub(super) fn undropped(&mut self, addresses: &[Dropped]) {
        for router in self.routers.iter_mut().filter(|router| !router.dropped.is_empty()) {
            router.dropped.retain(|dropped| !addresses.contains(dropped));
        }
    }

    fn holders(&self) -> Vec<usize> {
        let holds = |i: &usize| self.routers.get(*i).is_some_and(|r| r.instance.is_master() || r.adopted);
        (0..self.routers.len()).filter(holds).collect()
    }

    /// Of the router's addresses, wherever their interface exists.
    fn wants_dropped(&self, i: usize) -> BTreeSet<Dropped> {
        let refuses = self
            .routers
            .get(i)
            .is_some_and(|router| !router.config.variations.accepts && !router.config.priority.is_owner());
        if !refuses {
            return BTreeSet::new();
        }
        let of_link = |address| matches!(address, IpAddr::V6(address) if Ipv6Addr::is_unicast_link_local(&address));
        let places = self.places(i).into_iter().filter_map(|(_, place)| place);
        places.map(|(index, address, _)| Dropped { address, index: of_link(address).then_some(index) }).collect()
    }
}

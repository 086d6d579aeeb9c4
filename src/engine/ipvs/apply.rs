//! One operation on a table in memory, as the kernel does it.

use super::refusal::fault;
use super::{Destination, IpvsOp, IpvsTable, Refusal, RefusalKind, Service, Traffic};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

impl IpvsTable {
    /// Does one operation with the kernel's semantics: new things must not exist, changed and removed ones must
    /// (`Exists`, `Missing`), nonsense is `Invalid`. Changing keeps destinations and counts. A table in memory has every
    /// scheduler. A refused operation changes nothing.
    pub fn apply(&mut self, op: &IpvsOp) -> Result<(), Refusal> {
        let refused = |kind| Refusal::of(kind, op);
        let missing = || refused(RefusalKind::Missing);
        if fault(op).is_some() {
            return Err(refused(RefusalKind::Invalid));
        }
        match op {
            IpvsOp::NewService(key, new) => match self.services.entry(*key) {
                Entry::Occupied(_) => return Err(refused(RefusalKind::Exists)),
                Entry::Vacant(slot) => drop(slot.insert(new.settings())),
            },
            IpvsOp::SetService(key, new) => self.services.get_mut(key).ok_or_else(missing)?.set(new),
            IpvsOp::DelService(key) => drop(self.services.remove(key).ok_or_else(missing)?),
            IpvsOp::NewDestination(key, server, new) => {
                match self.services.get_mut(key).ok_or_else(missing)?.destinations.entry(*server) {
                    Entry::Occupied(_) => return Err(refused(RefusalKind::Exists)),
                    Entry::Vacant(slot) => {
                        slot.insert(new.settings());
                    }
                }
            }
            IpvsOp::SetDestination(key, server, new) => {
                let service = self.services.get_mut(key).ok_or_else(missing)?;
                service.destinations.get_mut(server).ok_or_else(missing)?.set(new);
            }
            IpvsOp::DelDestination(key, server) => {
                let service = self.services.get_mut(key).ok_or_else(missing)?;
                service.destinations.remove(server).ok_or_else(missing)?;
            }
        }
        Ok(())
    }
}

impl Service {
    /// Whether two services are configured alike; destinations and traffic are not looked at.
    pub fn same_settings(&self, other: &Self) -> bool {
        self.scheduler == other.scheduler
            && self.persistence == other.persistence
            && self.odd_mask == other.odd_mask
            && self.one_packet == other.one_packet
            && self.scheduler_flags == other.scheduler_flags
            && self.engine == other.engine
    }

    /// The service with neither destinations nor traffic.
    #[must_use]
    pub fn settings(&self) -> Self {
        Self {
            scheduler: self.scheduler.clone(),
            engine: self.engine.clone(),
            destinations: BTreeMap::new(),
            traffic: Traffic::default(),
            ..*self
        }
    }

    /// Takes over the settings of `new`, keeping destinations and traffic.
    fn set(&mut self, new: &Self) {
        let destinations = std::mem::take(&mut self.destinations);
        *self = Self { destinations, traffic: self.traffic, ..new.settings() };
    }
}

impl Destination {
    /// Whether two destinations are configured alike; connections and traffic are not looked at.
    pub fn same_settings(&self, other: &Self) -> bool {
        self.settings() == other.settings()
    }

    /// The destination without connections and traffic.
    #[must_use]
    pub fn settings(&self) -> Self {
        Self { active: 0, inactive: 0, persistent: 0, traffic: Traffic::default().into(), ..*self }
    }

    /// Takes over the settings of `new`, keeping what is counted.
    fn set(&mut self, new: &Self) {
        let Self { active, inactive, persistent, .. } = *self;
        let traffic = std::mem::take(&mut self.traffic);
        *self = Self { active, inactive, persistent, traffic, ..*new };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ipvs::fixture::{destination, key, server, service};
    use crate::engine::model::Forwarding;

    fn kind(result: Result<(), Refusal>) -> RefusalKind {
        result.unwrap_err().kind
    }

    #[test]
    fn new_things_must_not_exist_and_old_ones_must() {
        let (web, rs) = (key("tcp/10.0.0.1:80"), server("10.0.0.71:80"));
        let new_service = IpvsOp::NewService(web, Box::new(service("rr")));
        let new_server = IpvsOp::NewDestination(web, rs, destination(1));
        let mut table = IpvsTable::default();
        assert_eq!(kind(table.apply(&new_server)), RefusalKind::Missing);
        assert_eq!(kind(table.apply(&IpvsOp::DelService(web))), RefusalKind::Missing);
        table.apply(&new_service).unwrap();
        assert_eq!(kind(table.apply(&new_service)), RefusalKind::Exists);
        assert_eq!(kind(table.apply(&IpvsOp::DelDestination(web, rs))), RefusalKind::Missing);
        assert_eq!(kind(table.apply(&IpvsOp::SetDestination(web, rs, destination(2)))), RefusalKind::Missing);
        table.apply(&new_server).unwrap();
        assert_eq!(kind(table.apply(&new_server)), RefusalKind::Exists);
        table.apply(&IpvsOp::DelService(web)).unwrap();
        assert_eq!(table, IpvsTable::default());
    }

    #[test]
    fn a_change_keeps_servers_connections_and_counts() {
        let (web, rs) = (key("tcp/10.0.0.1:80"), server("10.0.0.71:80"));
        let counted = Destination {
            active: 5,
            traffic: Traffic { connections: 9, ..Traffic::default() }.into(),
            ..destination(1)
        };
        let old = Service { destinations: [(rs, counted)].into(), ..service("rr") };
        let mut table = IpvsTable { services: [(web, old)].into() };
        table.apply(&IpvsOp::SetService(web, Box::new(service("wlc")))).unwrap();
        table.apply(&IpvsOp::SetDestination(web, rs, destination(3))).unwrap();
        let found = table.services.get(&web).unwrap();
        assert_eq!(found.scheduler, "wlc");
        assert!(found.destinations[&rs].same_settings(&destination(3)));
        assert_eq!((found.destinations[&rs].active, found.destinations[&rs].traffic.connections), (5, 9));
    }

    #[test]
    fn thresholds_the_wrong_way_round_and_mixed_families_without_a_tunnel_are_invalid() {
        let web = key("tcp/10.0.0.1:80");
        let mut table = IpvsTable { services: [(web, service("rr"))].into() };
        let thresholds = Destination { upper_threshold: 1, lower_threshold: 2, ..destination(1) };
        let op = IpvsOp::NewDestination(web, server("10.0.0.71:80"), thresholds);
        assert_eq!(kind(table.apply(&op)), RefusalKind::Invalid);
        let mixed = |forwarding| Destination { forwarding, ..destination(1) };
        let v6 = server("[fd00::71]:80");
        assert_eq!(kind(table.apply(&IpvsOp::NewDestination(web, v6, mixed(Forwarding::Dr)))), RefusalKind::Invalid);
        table.apply(&IpvsOp::NewDestination(web, v6, mixed(Forwarding::Tun))).unwrap();
    }
}

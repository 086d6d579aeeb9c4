//! Whom persistence binds to which server (the kernel's connection templates).

use crate::engine::model::RealServerKey;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;

/// The bindings, by group of clients and by the time at which they end.
#[derive(Debug, Clone, Default)]
pub(super) struct Templates {
    bound: BTreeMap<IpAddr, (RealServerKey, Instant)>,
    ends: BTreeSet<(Instant, IpAddr)>,
}

impl Templates {
    /// The group that a client belongs to: its address under the mask.
    pub fn group(client: IpAddr, prefix: u8, odd_mask: Option<Ipv4Addr>) -> IpAddr {
        let shift = |bits: u32| bits.saturating_sub(u32::from(prefix));
        match client {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(shift(32)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & odd_mask.map_or(mask, Ipv4Addr::to_bits)))
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(shift(128)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
            }
        }
    }

    /// Whom a group is bound to.
    pub fn bound(&self, group: IpAddr) -> Option<RealServerKey> {
        self.bound.get(&group).map(|(server, _)| *server)
    }

    /// Binds a group until then.
    pub fn bind(&mut self, group: IpAddr, server: RealServerKey, until: Instant) {
        if let Some((_, before)) = self.bound.insert(group, (server, until)) {
            self.ends.remove(&(before, group));
        }
        self.ends.insert((until, group));
    }

    /// Nobody is bound to this server any more.
    pub fn forget(&mut self, server: RealServerKey) {
        self.bound.retain(|_, (bound, _)| *bound != server);
        let bound = &self.bound;
        self.ends.retain(|(_, group)| bound.contains_key(group));
    }

    /// Drops what has ended; gives whose each was.
    pub fn expire(&mut self, now: Instant) -> Vec<RealServerKey> {
        let mut ended = Vec::new();
        while let Some((until, group)) = self.ends.first().copied().filter(|(until, _)| *until <= now) {
            self.ends.remove(&(until, group));
            ended.extend(self.bound.remove(&group).map(|(server, _)| server));
        }
        ended
    }
}

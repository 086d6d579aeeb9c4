//! The kernel's counters: of services and servers as of its estimator's last tick, of everything live.

use super::core::Balance;
use super::rates::{Meter, SILENCE, counters};
use crate::engine::ipvs::{Destination, IpvsTable, LiveTotals};
use crate::engine::model::{Protocol, ServiceKey};
use crate::engine::snapshot::{Admin, IpvsTotals};
use std::time::Instant;

/// What is known of the kernel's counting.
#[derive(Debug, Clone, Default)]
pub(super) struct Counting {
    totals: Option<LiveTotals>,
    meter: Meter,
    /// Until then the counters of services stand still, or take a jump over all that they missed: no rate is taken from them.
    stale_until: Option<Instant>,
}

impl Counting {
    /// The live totals came.
    pub fn count(&mut self, now: Instant, totals: LiveTotals) {
        self.totals = Some(totals);
        self.meter.look(now, Some(totals.traffic));
        if !totals.is_estimating {
            self.stale_until = Some(now + SILENCE);
        } else if self.stale_until.is_some_and(|until| until <= now) {
            self.stale_until = None;
        }
    }

    /// Whether persistent clients come to a server of weight 0; so it is where nobody says.
    pub fn is_bound(&self) -> bool {
        self.totals.is_none_or(|totals| totals.is_bound)
    }

    /// What is counted in all; none where that is not known.
    pub fn shown(&self) -> Option<IpvsTotals> {
        let LiveTotals { traffic, .. } = self.totals?;
        let stale = self.stale_until.is_some();
        Some(IpvsTotals { counters: counters(traffic), rates: self.meter.rates(), stale })
    }
}

impl Balance {
    /// What the kernel counts in all.
    pub fn totals(&self) -> Option<IpvsTotals> {
        self.counting.shown()
    }

    /// Follows the connections of servers that an operator took out.
    pub(super) fn follow_drains(&mut self, now: Instant, table: &IpvsTable) {
        for service in &mut self.services {
            let (key, seen) = (service.config.key, table.services.get(&service.config.key));
            for server in service.servers.iter_mut().filter(|server| server.admin.0 != Admin::Enabled) {
                match seen.and_then(|seen| seen.destinations.get(&server.config.key)) {
                    Some(seen) => server.pace.get_or_insert_default().look(now, left(&key, seen)),
                    None => server.pace = None,
                }
            }
        }
    }

    /// Takes rates from the counters of services and servers, while these are to be believed.
    pub(super) fn take_rates(&mut self, now: Instant, table: &IpvsTable) {
        let is_stale = self.counting.stale_until.is_some();
        for service in &mut self.services {
            let seen = table.services.get(&service.config.key).filter(|_| !is_stale);
            service.meter.look(now, seen.map(|seen| seen.traffic));
            for server in &mut service.servers {
                let seen = seen.and_then(|seen| seen.destinations.get(&server.config.key));
                server.meter.look(now, seen.map(|seen| *seen.traffic));
            }
        }
    }
}

/// The connections that a server is empty without. The kernel calls connections active while they are established, which those of UDP
/// never are; of a firewall mark nobody knows the protocol.
pub(super) fn left(service: &ServiceKey, seen: &Destination) -> u32 {
    match service {
        ServiceKey::Address { protocol: Protocol::Tcp | Protocol::Sctp, .. } => seen.active,
        ServiceKey::Address { protocol: Protocol::Udp, .. } | ServiceKey::FwMark { .. } => {
            seen.active.saturating_add(seen.inactive)
        }
    }
}

/// The same in words; which of them are active, the kernel does not say of every protocol.
pub(super) fn left_words(service: &ServiceKey, seen: Option<&Destination>) -> String {
    let count = seen.map_or(0, |seen| left(service, seen));
    match service {
        ServiceKey::Address { protocol: Protocol::Tcp | Protocol::Sctp, .. } => format!("{count} active connections"),
        ServiceKey::Address { protocol: Protocol::Udp, .. } | ServiceKey::FwMark { .. } => {
            format!("{count} connections")
        }
    }
}

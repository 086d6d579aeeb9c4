//! The start on a table that is there already: after a crash, after an end that left it in place, after another program.
//!
//! The one rule: **a server begins where the kernel has it.** In the table it stays until its checks say otherwise, `alpha` or
//! not, and one failure is not enough; a server with checks that its service has not in the table (or has with weight 0, where
//! `inhibit_on_failure` puts the dead) was down, and stays out until its checks pass. A service that the kernel does not have
//! begins as the file says. A server that has the part of its weight that a slow start gives goes on from there.

use super::core::Balance;
use super::reload::take_up;
use super::wish::Former;
use crate::engine::ipvs::{IpvsTable, Service};
use crate::engine::model::{RealServer, Weight};
use std::time::Instant;

/// Where a server was, by what the kernel has of its service.
pub(super) fn former(seen: Option<&Service>, server: &RealServer) -> Former {
    let Some(service) = seen else { return Former::Unseen };
    match service.destinations.get(&server.key) {
        Some(found) if found.weight == Weight::ZERO && server.inhibit_on_failure => Former::Absent,
        Some(_) => Former::Serving,
        None if server.checks.is_empty() => Former::Unseen,
        None => Former::Absent,
    }
}

impl Balance {
    /// The first look at the kernel: whoever has no verdict yet begins where the kernel has it.
    pub(super) fn resume(&mut self, now: Instant, table: &IpvsTable) {
        for at in 0..self.services.len() {
            let Some(service) = self.services.get_mut(at) else { continue };
            let seen = table.services.get(&service.config.key);
            if seen.is_none() {
                continue;
            }
            take_up(service, seen);
            service.servers.iter().for_each(|server| self.checks.trust(server));
            service.rise_on(now, seen);
            self.want_all(at);
        }
    }
}

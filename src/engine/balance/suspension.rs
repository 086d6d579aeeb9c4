//! `ha_suspend`: a service is checked only while its address is on this host. Until then its servers stay as they are.

use super::core::Balance;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::{RealServerKey, Seldom, ServiceKey, VirtualServer};
use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Instant;

impl Balance {
    /// Whether some service is checked only while its address is on this host. It is asked at each turn of the loop.
    pub const fn needs_addresses(&self) -> bool {
        self.suspends
    }

    pub(super) fn see_addresses(&mut self, now: Instant, addresses: HashSet<IpAddr>) {
        if self.addresses.as_ref() == Some(&addresses) {
            return;
        }
        self.addresses = Some(addresses);
        for at in 0..self.services.len() {
            self.suspend_or_resume(now, at);
        }
    }

    /// Starts or stops the checks of a service as its address came or went.
    pub(super) fn suspend_or_resume(&mut self, now: Instant, at: usize) {
        let Some(service) = self.services.get(at) else { return };
        let suspended = self.is_elsewhere(&service.config);
        let changed = service.servers.iter().filter(|server| server.suspended != suspended);
        let changed: Vec<RealServerKey> = changed.map(|server| server.config.key).collect();
        let name = service.config.key;
        if changed.is_empty() {
            return;
        }
        for key in changed {
            self.suspend(now, at, key, suspended);
        }
        let said = if suspended {
            "its address is not on this host: its checks are suspended (ha_suspend), and its servers stay as they are"
        } else {
            "its address is on this host: its checks run"
        };
        self.report(Fact::new(EventKind::CheckResult, Severity::Notice, name.to_string()).reason(said));
    }

    fn is_elsewhere(&self, config: &VirtualServer) -> bool {
        match (&self.addresses, config.key) {
            (Some(here), ServiceKey::Address { address, .. }) => config.ha_suspend && !here.contains(&address.ip()),
            (None, _) | (Some(_), ServiceKey::FwMark { .. }) => false,
        }
    }

    /// The checks of a server stop, or begin as if they had said what it is.
    fn suspend(&mut self, now: Instant, at: usize, key: RealServerKey, suspended: bool) {
        let Some(service) = self.services.get_mut(at) else { return };
        let name = service.config.key;
        let Some(server) = service.server_mut(&key) else { return };
        server.suspended = suspended;
        let old = std::mem::take(&mut server.checks);
        let before = if suspended { self.checks.copies(&old) } else { server.asleep.to_vec() };
        let (specs, standing) = (server.specs(), (server.standing.0, now));
        server.checks = self.checks.rearm((name, key), &old, specs, standing, &mut self.actions);
        self.checks.recall(&server.checks, &before);
        server.asleep = if suspended { before.into() } else { Seldom::default() };
        self.listen_to_checks(now, at, key);
        self.settle(now, at, key);
    }
}

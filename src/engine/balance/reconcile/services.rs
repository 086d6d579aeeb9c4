//! Services that come, go and change while everything runs.

use super::{Keys, Reconciler, Target};
use crate::engine::ipvs::{RefusalKind, Service};
use crate::engine::model::{RealServerKey, ServiceKey};
use std::collections::BTreeSet;
use std::time::Instant;

impl Reconciler {
    /// Wants this service, with every key that it may have; it is ours from now on. Says whether the kernel had it from
    /// somebody else.
    pub fn add_service(
        &mut self,
        key: ServiceKey,
        service: Service,
        servers: impl Iterator<Item = RealServerKey>,
    ) -> bool {
        let is_strange = self.is_foreign(&key);
        let servers: BTreeSet<RealServerKey> = servers.collect();
        let stale: Vec<RealServerKey> = self.owned.servers(&key).filter(|server| !servers.contains(server)).collect();
        if self.observed.is_none() && !self.owned.owns(&key) {
            self.unclaimed.insert(key);
        }
        self.leftover.remove(&(key, None));
        self.leftover.extend(stale.iter().map(|server| (key, Some(*server))));
        self.owned.claim(key);
        for server in &servers {
            self.leftover.remove(&(key, Some(*server)));
            self.owned.claim_server(key, *server);
        }
        self.desired.services.insert(key, service);
        let dirty = self.dirty.entry(key).or_default();
        dirty.extend(servers);
        dirty.extend(stale);
        self.restate(key);
        self.ownership_changed = true;
        is_strange
    }
    /// Wants other settings of a service; its destinations stay.
    pub fn set_settings(&mut self, key: ServiceKey, settings: &Service) {
        let Some(service) = self.desired.services.get_mut(&key).filter(|known| !known.same_settings(settings)) else {
            return;
        };
        let destinations = std::mem::take(&mut service.destinations);
        *service = Service { destinations, ..settings.settings() };
        self.dirty.entry(key).or_default();
        self.restate(key);
    }
    /// Wants a service no longer; it stops being ours as soon as it is out of the table.
    pub fn drop_service(&mut self, key: ServiceKey) {
        self.desired.services.remove(&key);
        self.unclaimed.remove(&key);
        let mine: Vec<RealServerKey> = self.owned.servers(&key).collect();
        for server in mine {
            self.leftover.remove(&(key, Some(server)));
        }
        self.leftover.insert((key, None));
        self.refused.retain(|(service, server), refused| {
            *service != key || (server.is_none() && refused.refusal.kind == RefusalKind::TimedOut)
        });
        self.dirty.insert(key, BTreeSet::new());
        self.restate(key);
    }
    /// The service itself is wanted otherwise than a moment ago.
    fn restate(&mut self, key: ServiceKey) {
        self.restated.insert(key);
        self.left_alone.retain(|(service, _)| *service != key);
    }
    /// What waits for the next plan; nothing does any more.
    pub(super) fn forget_wishes(&mut self) -> Keys {
        self.restated.clear();
        std::mem::take(&mut self.dirty)
    }

    /// Whether the kernel has the service from somebody else.
    pub fn is_foreign(&self, key: &ServiceKey) -> bool {
        !self.owned.owns(key) && self.observed.as_ref().is_some_and(|table| table.services.contains_key(key))
    }
    /// Whether the kernel has the server in this service from somebody else.
    pub fn is_strange(&self, (key, server): (&ServiceKey, &RealServerKey)) -> bool {
        let has = |service: &Service| service.destinations.contains_key(server);
        !self.owned.owns_server(key, server)
            && self.observed.as_ref().and_then(|table| table.services.get(key)).is_some_and(has)
    }

    /// What was refused is tried again now.
    pub fn try_again(&mut self, now: Instant) {
        for refused in self.refused.values_mut() {
            refused.retry_at = now;
        }
        self.inspect |= !self.refused.is_empty();
    }
    /// Whether an operation met a table that somebody else was changing, and is tried again at once.
    pub fn is_racing(&self) -> bool {
        self.refused.values().any(|refused| refused.excused)
    }
    /// Whether this was refused for good, not since somebody else changed the table meanwhile.
    pub fn is_settled(&self, target: &Target) -> bool {
        self.refused.get(target).is_some_and(|refused| !refused.excused)
    }
    /// Whether anything is refused.
    pub fn has_refusals(&self) -> bool {
        !self.refused.is_empty()
    }
    /// What the kernel refused and is still wanted, in its words.
    pub fn refusals(&self) -> impl Iterator<Item = (&Target, &str)> {
        let told = self.refused.iter().filter(|(_, refused)| !refused.excused);
        told.map(|(target, refused)| (target, refused.refusal.message.as_str()))
    }
    /// Whether a target waits for the next plan.
    pub(super) fn is_dirty(&self, (key, server): &Target) -> bool {
        match server {
            None => self.restated.contains(key),
            Some(server) => self.dirty.get(key).is_some_and(|servers| servers.contains(server)),
        }
    }
}

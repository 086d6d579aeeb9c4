//! From one configuration to the next while everything runs: services by key, servers by key within a service.
//!
//! What the new file does not change is not touched: no check, no kernel operation, no counter. A check whose words changed
//! starts anew, and until it has spoken its server keeps the health it had.

use super::Action;
use super::core::{Balance, Life};
use super::merge::{Merged, words};
use super::overtaken::Overtaken;
use super::reconcile::{adoption_fact, subject};
use super::resume::former;
use super::server::{ServerState, unjudged};
use super::service::ServiceState;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::health::{Standing, combine};
use crate::engine::ipvs::Service;
use crate::engine::model::{Configuration, RealServer, RealServerKey, ServiceKey, VirtualServer, Weight};
use std::collections::{HashMap, HashSet};
use std::time::Instant;

impl Balance {
    /// Runs `configuration` from now on.
    pub(super) fn reload(&mut self, now: Instant, configuration: &Configuration) {
        match self.life {
            Life::New | Life::Running => {}
            Life::Stopping | Life::Stopped => {
                return self.actions.push_back(Action::Reloaded(Err("the engine stops".to_owned())));
            }
        }
        let wanted = &configuration.virtual_servers;
        let refused = self.refused_so_far();
        self.start_slowly(now, configuration.settings.slow_start);
        let mut old: Vec<Option<ServiceState>> = std::mem::take(&mut self.services).into_iter().map(Some).collect();
        let known = std::mem::take(&mut self.by_key);
        self.reload_removed(wanted, now);
        let removed: HashSet<ServiceKey> = self.removed.iter().map(|service| service.config.key).collect();
        for (order, file) in (0..).zip(wanted) {
            let found = known.get(&file.key).and_then(|at| old.get_mut(*at)).and_then(Option::take);
            match found {
                Some(mut service) => {
                    service.order = order;
                    let merged = service.merge(file, now);
                    self.put(service);
                    if let Some(merged) = merged {
                        self.merged(now, file.key, merged);
                    }
                }
                None if removed.contains(&file.key) || self.by_key.contains_key(&file.key) => {}
                None => self.join(now, file, order),
            }
        }
        for service in old.into_iter().flatten() {
            if service.added { self.put(service) } else { self.leave(&service) }
        }
        self.suspends = self.services.iter().any(|service| service.config.ha_suspend);
        self.overrides_touched = true;
        self.kernel.follow(&configuration.settings);
        self.depool_threshold = configuration.settings.depool_threshold;
        self.tells_first_servers = configuration.global.tells_first_servers;
        self.mails_checks = !configuration.global.mail.servers_only;
        self.kernel.bring_back();
        self.kernel.try_again(now);
        self.await_reload(refused);
    }

    /// The next service in the order.
    fn put(&mut self, service: ServiceState) {
        self.by_key.insert(service.config.key, self.services.len());
        self.services.push(service);
    }

    /// A service that is new in the file.
    fn join(&mut self, now: Instant, file: &VirtualServer, order: u64) {
        let mut service = fresh(file, order, now);
        service.slow_start = self.slow_start;
        let seen = self.kernel.observed().and_then(|table| table.services.get(&file.key));
        take_up(&mut service, seen);
        self.install(now, &mut service);
        self.put(service);
        self.suspend_or_resume(now, self.services.len() - 1);
        self.tell_first(self.services.len() - 1);
    }

    /// Arms the checks of a new service and wants it in the kernel.
    pub(super) fn install(&mut self, now: Instant, service: &mut ServiceState) {
        let key = service.config.key;
        for server in &mut service.servers {
            server.checks = self.checks.arm((key, server.config.key), server.specs(), now);
            self.checks.trust(server);
            self.hear(now, server);
        }
        service.begin();
        let entry = service.table_entry();
        if self.kernel.add_service(key, entry, service.keys()) {
            self.report(adoption_fact(key));
        }
    }

    /// A service that the file has no longer.
    fn leave(&mut self, service: &ServiceState) {
        let key = service.config.key;
        self.uninstall(service);
        for (server, what) in service.overrides() {
            self.report(ended(key, Some(server), &what));
        }
    }

    /// Stops the checks of a service and wants it out of the kernel.
    pub(super) fn uninstall(&mut self, service: &ServiceState) {
        for server in &service.servers {
            let owner = (service.config.key, server.config.key);
            server.checks.iter().for_each(|id| self.checks.disarm(*id, owner, &mut self.actions));
        }
        self.kernel.drop_service(service.config.key);
    }

    /// Does what follows from a merge.
    fn merged(&mut self, now: Instant, key: ServiceKey, merged: Merged) {
        let Some(at) = self.by_key.get(&key).copied() else { return };
        let Merged { settings, joined, rechecked, left, old_sorry, new_sorry, ended: overrides, overtaken } = merged;
        if settings && let Some(service) = self.services.get(at) {
            self.kernel.set_settings(key, &service.settings());
        }
        let gone: Vec<RealServerKey> = left.iter().map(|server| server.config.key).chain(old_sorry).collect();
        for server in &left {
            self.tell_leaving(at, server);
            server.checks.iter().for_each(|id| self.checks.disarm(*id, (key, server.config.key), &mut self.actions));
        }
        for server in joined.iter().copied() {
            self.recheck(now, at, server);
        }
        joined.into_iter().chain(new_sorry).for_each(|server| self.kernel.claim(key, server));
        for server in rechecked {
            self.recheck(now, at, server);
        }
        self.reweigh(at);
        let Some(service) = self.services.get_mut(at) else { return };
        let edge = service.settle_all(now);
        let servers: Vec<RealServerKey> = service.servers.iter().map(|server| server.config.key).collect();
        let stays: HashSet<RealServerKey> = service.keys().collect();
        for server in gone.into_iter().filter(|server| !stays.contains(server)) {
            self.kernel.want(key, server, None);
            self.kernel.give_up(key, server);
        }
        self.suspend_or_resume(now, at);
        for server in servers {
            self.tell_server(at, server);
        }
        self.want_all(at);
        if edge {
            self.tell_quorum(at);
        }
        for (server, what) in overrides {
            self.report(ended(key, Some(server), &what));
        }
        for overtaken in overtaken {
            self.report(overtaken.fact(key));
        }
    }

    /// What checks say of a weight is said of the file's, and counts as long as the file has them.
    fn reweigh(&mut self, at: usize) {
        let said = |server: &ServerState| (!server.suspended).then(|| self.added_weight(server));
        let said: Vec<_> = self.services.get(at).into_iter().flat_map(|service| &service.servers).map(said).collect();
        let servers = self.services.get_mut(at).into_iter().flat_map(|service| &mut service.servers);
        for (server, said) in servers.zip(said) {
            server.added_weight = said.unwrap_or(server.added_weight);
        }
    }

    /// Brings the checks of a server to what its words say now: equal ones go on, the others begin with the health it had.
    fn recheck(&mut self, now: Instant, at: usize, key: RealServerKey) {
        let Some(service) = self.services.get_mut(at) else { return };
        let name = service.config.key;
        let Some(server) = service.server_mut(&key) else { return };
        let before = server.standing.0;
        let had_checks = !server.checks.is_empty();
        let old = std::mem::take(&mut server.checks);
        let said = self.checks.copies(&old);
        let specs = server.specs();
        server.checks = self.checks.rearm((name, key), &old, specs, (before, now), &mut self.actions);
        self.checks.recall(&server.checks, &said);
        let standing = if server.suspended {
            before
        } else if server.checks.is_empty() {
            unjudged(&server.config)
        } else {
            combine(server.checks.iter().filter_map(|id| self.checks.get(*id)).map(|check| check.checker.standing()))
        };
        if standing == before {
            return;
        }
        let (from, to) = (super::status::word(server.health()), standing);
        server.judge(standing, now);
        let reason = if had_checks { "the check that said so is not in the file any more" } else { "no check" };
        server.reason = match to {
            Standing::Failing => format!("down: {reason}").into(),
            Standing::Passing | Standing::Unknown => "up".into(),
        };
        let to = super::status::word(server.health());
        let fact = Fact::new(EventKind::ServerHealth, Severity::Notice, subject(&(name, Some(key))));
        self.report(fact.change(from, to).reason(reason));
    }

    /// What operators took out stays out as long as the file has it.
    fn reload_removed(&mut self, wanted: &[VirtualServer], now: Instant) {
        if self.removed.is_empty() {
            return;
        }
        let by_key: HashMap<ServiceKey, (u64, &VirtualServer)> =
            (0..).zip(wanted).map(|(order, file)| (file.key, (order, file))).collect();
        for mut service in std::mem::take(&mut self.removed) {
            let key = service.config.key;
            match (by_key.get(&key), service.added) {
                (Some((order, file)), false) => {
                    service.order = *order;
                    let merged = service.merge(file, now);
                    if merged.is_some() {
                        self.report(Overtaken::removed(None).fact(key));
                    }
                    let Merged { ended: overrides, overtaken, .. } = merged.unwrap_or_default();
                    for (server, what) in overrides {
                        self.report(ended(key, Some(server), &what));
                    }
                    for overtaken in overtaken {
                        self.report(overtaken.fact(key));
                    }
                    service.begin();
                    self.removed.push(service);
                }
                (None, true) => self.removed.push(service),
                (Some(_), true) => {}
                (None, false) => {
                    self.report(ended(key, None, "removed"));
                    for (server, what) in service.overrides() {
                        self.report(ended(key, Some(server), &what));
                    }
                }
            }
        }
    }
}

/// A service of the file that nobody has judged yet, its checks not armed.
pub(super) fn fresh(file: &VirtualServer, order: u64, now: Instant) -> ServiceState {
    let server = |(order, config): (u64, &RealServer)| ServerState::new(config.clone(), false, order, now);
    ServiceState::new(words(file), false, order, (0..).zip(&file.real_servers).map(server).collect())
}

/// Lets the servers of a service that nobody has judged begin where the kernel has them.
pub(super) fn take_up(service: &mut ServiceState, seen: Option<&Service>) {
    let Some(table) = seen else { return };
    let sorry = service.config.sorry_server.as_ref().and_then(|sorry| table.destinations.get(&sorry.key));
    service.was_up = sorry.is_none_or(|sorry| sorry.weight == Weight::ZERO);
    for server in service.servers.iter_mut().filter(|server| server.standing.0 == Standing::Unknown) {
        server.former = former(seen, &server.config);
    }
    service.begin();
}

/// An override of an object that the file does not have any more.
pub(super) fn ended(service: ServiceKey, server: Option<RealServerKey>, what: &str) -> Fact {
    let reason = "its object left the file, and the operator's override ends with it";
    Fact::new(EventKind::ServerAdmin, Severity::Notice, subject(&(service, server)))
        .change(what, "ended")
        .reason(reason)
}

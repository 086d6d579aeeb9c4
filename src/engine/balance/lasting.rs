//! Overrides that outlast the engine: given out whenever they changed, and brought into the file's services at the start.
//!
//! They are there before the first look at the kernel: a start on a table that is as they want it changes nothing. One whose
//! object is not in the file any more ends with an event, as by a reload.

use super::core::Balance;
use super::overrides::{AddedServer, AddedService, AdminWish, Presence, ServerOverride, ServiceOverrides};
use super::overtaken::Overtaken;
use super::reload::ended;
use super::server::ServerState;
use super::service::{ADDED, ServiceState};
use super::wish::Ends;
use super::{Action, By};
use crate::engine::event::Fact;
use crate::engine::model::{RealServer, RealServerKey, ServiceKey, VirtualServer};
use crate::engine::snapshot::Admin;
use std::collections::HashMap;
use std::time::Instant;

/// Services as file and operators want them.
#[derive(Debug, Default)]
pub(super) struct Overridden {
    /// Those that are to be in the table.
    pub services: Vec<ServiceState>,
    /// Those of the file that were taken out.
    pub removed: Vec<ServiceState>,
    /// What is told of overrides that ended.
    pub ended: Vec<Fact>,
}

/// Brings `overrides` into the services of the file, whose checks are not armed yet.
pub(super) fn overridden(file: Vec<ServiceState>, overrides: &[ServiceOverrides], now: Instant) -> Overridden {
    let mut by_key: HashMap<ServiceKey, &ServiceOverrides> =
        overrides.iter().map(|wish| (wish.service, wish)).collect();
    let mut all = Overridden { services: Vec::with_capacity(file.len()), ..Overridden::default() };
    for mut service in file {
        let key = service.config.key;
        let Some(wish) = by_key.remove(&key) else {
            all.services.push(service);
            continue;
        };
        let (lost, overtaken) = service.override_servers(&wish.servers, now);
        all.ended.extend(lost.into_iter().map(|(server, what)| ended(key, Some(server), &what)));
        all.ended.extend(overtaken.into_iter().map(|overtaken| overtaken.fact(key)));
        match wish.presence {
            Presence::InFile | Presence::Added(_) => all.services.push(service),
            Presence::Removed => {
                service.by = wish.by.clone().map(Box::new);
                all.removed.push(service);
            }
        }
    }
    for wish in overrides.iter().filter_map(|wish| by_key.remove(&wish.service)) {
        let key = wish.service;
        match &wish.presence {
            Presence::Added(added) => {
                let order = all.services.last().map_or(ADDED, |last| last.order.max(ADDED)) + 1;
                let mut service = ServiceState::new(added.config(key), true, order, Vec::new());
                service.by = wish.by.clone().map(Box::new);
                let (lost, _) = service.override_servers(&wish.servers, now);
                all.ended.extend(lost.into_iter().map(|(server, what)| ended(key, Some(server), &what)));
                all.services.push(service);
            }
            Presence::InFile | Presence::Removed => {
                if wish.presence == Presence::Removed {
                    all.ended.push(ended(key, None, "removed"));
                }
                all.ended.extend(wish.servers.iter().map(|wish| ended(key, Some(wish.server), &wish.words())));
            }
        }
    }
    all
}

impl Balance {
    /// Gives the list out, if it is another than before.
    pub(super) fn give_overrides_out(&mut self) {
        if !std::mem::take(&mut self.overrides_touched) {
            return;
        }
        let there = self.services.iter().map(|service| (service, false));
        let removed = self.removed.iter().filter(|service| !service.added).map(|service| (service, true));
        let overrides: Vec<ServiceOverrides> =
            there.chain(removed).filter_map(|(service, removed)| service.wanted_beside_the_file(removed)).collect();
        if overrides != self.overrides {
            self.overrides.clone_from(&overrides);
            self.actions.push_back(Action::Overrides(overrides));
        }
    }
}

impl ServiceState {
    fn wanted_beside_the_file(&self, removed: bool) -> Option<ServiceOverrides> {
        let config = &self.config;
        let presence = match (removed, self.added) {
            (true, _) => Presence::Removed,
            (false, false) => Presence::InFile,
            (false, true) => Presence::Added(AddedService {
                scheduler: config.scheduler,
                forwarding: config.forwarding,
                persistence: config.persistence,
            }),
        };
        let servers: Vec<ServerOverride> = self.server_overrides().collect();
        let is_wish = presence != Presence::InFile || !servers.is_empty();
        let by = self.by.as_deref().cloned().filter(|_| presence != Presence::InFile);
        is_wish.then_some(ServiceOverrides { service: config.key, presence, by, servers })
    }

    /// Brings what was wanted of its servers in; gives what was wanted of servers that are not there, and what the file meets.
    fn override_servers(
        &mut self,
        wishes: &[ServerOverride],
        now: Instant,
    ) -> (Vec<(RealServerKey, String)>, Vec<Overtaken>) {
        let (mut lost, mut overtaken) = (Vec::new(), Vec::new());
        for wish in wishes {
            match (self.position(&wish.server), &wish.presence) {
                (Some(at), Presence::InFile | Presence::Added(_)) => {
                    if let Some(server) = self.servers.get_mut(at) {
                        server.take_over(wish);
                        overtaken.extend(Overtaken::before(wish, server));
                    }
                }
                (Some(at), Presence::Removed) => {
                    let mut server = self.servers.remove(at);
                    server.take_over(wish);
                    self.removed.push(server);
                }
                (None, Presence::Added(added)) => {
                    let tunnel = self.config.tunnel_of(added.forwarding);
                    let checks = self.checks_of_siblings(&wish.server);
                    let config = RealServer { tunnel, checks, ..added.config(wish.server) };
                    let mut server = ServerState::new(config, true, self.next_order(), now);
                    server.take_over(wish);
                    self.servers.push(server);
                }
                (None, Presence::InFile | Presence::Removed) => lost.push((wish.server, wish.words())),
            }
            self.reindex();
        }
        self.begin();
        (lost, overtaken)
    }
}

impl ServerState {
    /// From now on as it was wanted before.
    fn take_over(&mut self, wish: &ServerOverride) {
        self.set_weight(wish.weight, wish.weight_until);
        // A file of before knows the last word alone.
        let by = || wish.admin_by.clone().or_else(|| wish.by.clone());
        match wish.admin {
            AdminWish::Enabled => {}
            AdminWish::Draining { since, end, return_at } => {
                self.admin = (Admin::Draining, since);
                self.ends = Ends { drain: end, return_at, weight_at: wish.weight_until, by: by() }.into();
            }
            AdminWish::Maintenance { since, end, return_at } => {
                self.admin = (Admin::Maintenance, since);
                self.ends = Ends { drain: end, return_at, weight_at: wish.weight_until, by: by() }.into();
            }
        }
        let who = wish.by.as_ref().map_or_else(String::new, |By { who, .. }| format!(" by {who}"));
        self.reason = format!("{}{who}, before the restart", wish.words()).into();
        self.by = wish.by.clone().map(Box::new);
    }
}

impl AddedService {
    fn config(&self, key: ServiceKey) -> VirtualServer {
        VirtualServer {
            scheduler: self.scheduler,
            forwarding: self.forwarding,
            persistence: self.persistence,
            ..VirtualServer::new(key)
        }
    }
}

impl AddedServer {
    fn config(&self, key: RealServerKey) -> RealServer {
        RealServer { weight: self.weight, forwarding: self.forwarding, ..RealServer::new(key) }
    }
}

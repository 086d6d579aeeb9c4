//! The file's new words for a service, brought into the service as it is: pure, by key.
//!
//! What is unchanged is not touched. What an operator wanted (weight, drain, added and removed servers) stays as long as its
//! server is in the file, or was made by the operator.

use super::overrides::overrides;
use super::overtaken::Overtaken;
use super::server::ServerState;
use super::service::ServiceState;
use super::siblings;
use super::wish::Former;
use crate::engine::health::Standing;
use crate::engine::model::{RealServer, RealServerKey, VirtualServer};
use std::collections::HashMap;
use std::time::Instant;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// Scheduler, persistence or one-packet scheduling changed.
    pub settings: bool,
    /// Servers that are new, without their checks.
    pub joined: Vec<RealServerKey>,
    /// Servers whose checks are not the same any more.
    pub rechecked: Vec<RealServerKey>,
    /// Servers that are gone, as they were.
    pub left: Vec<ServerState>,
    /// The sorry server before, when it is another now.
    pub old_sorry: Option<RealServerKey>,
    /// Whether the sorry server is new.
    pub new_sorry: Option<RealServerKey>,
    /// Overrides that ended with their server.
    pub ended: Vec<(RealServerKey, String)>,
    /// Overrides of what stays that the file meets.
    pub overtaken: Vec<Overtaken>,
}

/// The words of a service without its servers.
pub(super) fn words(file: &VirtualServer) -> VirtualServer {
    VirtualServer {
        key: file.key,
        name: file.name.clone(),
        group: file.group,
        scheduler: file.scheduler,
        scheduler_flags: file.scheduler_flags,
        forwarding: file.forwarding,
        tunnel: file.tunnel,
        persistence: file.persistence,
        odd_mask: file.odd_mask,
        one_packet: file.one_packet,
        quorum: file.quorum,
        sorry_server: file.sorry_server.clone(),
        omega: file.omega,
        ha_suspend: file.ha_suspend,
        notify: file.notify.clone(),
        mails: file.mails,
        real_servers: Vec::new(),
    }
}

impl ServiceState {
    /// Takes the file's words over. None when they say nothing new. [`ServiceState::settle_all`] must follow otherwise.
    pub fn merge(&mut self, file: &VirtualServer, now: Instant) -> Option<Merged> {
        if self.is_as(file) {
            return None;
        }
        // Whoever waits for a first verdict waits where it is, whatever `alpha` says from now on.
        let waits =
            |server: &&mut ServerState| server.standing.0 == Standing::Unknown && server.former != Former::Resting;
        for server in self.servers.iter_mut().filter(waits) {
            server.former = if server.waits_outside() { Former::Absent } else { Former::Serving };
        }
        let before = std::mem::replace(&mut self.config, words(file));
        let new = &self.config;
        let settings = |config: &VirtualServer| {
            let (scheduler, persistence) = (config.scheduler, (config.persistence, config.odd_mask));
            (scheduler, config.scheduler_flags, persistence, config.one_packet)
        };
        let sorry = |config: &VirtualServer| config.sorry_server.as_ref().map(|sorry| sorry.key);
        let mut merged = Merged {
            settings: settings(&before) != settings(new),
            old_sorry: sorry(&before).filter(|old| sorry(new) != Some(*old)),
            new_sorry: sorry(new).filter(|new| sorry(&before) != Some(*new)),
            ..Merged::default()
        };
        if std::mem::take(&mut self.added) {
            merged.overtaken.push(Overtaken::service(&before, &self.config));
        }
        self.merge_servers(&file.real_servers, &mut merged, now);
        Some(merged)
    }

    fn is_as(&self, file: &VirtualServer) -> bool {
        let there = self.servers.iter().chain(&self.removed).filter(|server| !server.added);
        let mut of_file: Vec<&ServerState> = there.collect();
        of_file.sort_by_key(|server| server.order);
        !self.added && of_file.iter().map(|server| &server.config).eq(&file.real_servers) && self.config == words(file)
    }

    fn merge_servers(&mut self, file: &[RealServer], merged: &mut Merged, now: Instant) {
        let places: HashMap<RealServerKey, usize> =
            self.servers.iter().enumerate().map(|(at, server)| (server.config.key, at)).collect();
        let mut old: Vec<Option<ServerState>> = std::mem::take(&mut self.servers).into_iter().map(Some).collect();
        let mut removed = std::mem::take(&mut self.removed);
        let mut still_removed = Vec::new();
        for (order, config) in (0..).zip(file) {
            let out = removed.iter().position(|server| server.config.key == config.key).map(|at| removed.remove(at));
            let known = places.get(&config.key).and_then(|at| old.get_mut(*at)).and_then(Option::take);
            match (known, out) {
                (Some(server), _) => {
                    if server.config.checks != config.checks || server.config.unchecked != config.unchecked {
                        merged.rechecked.push(config.key);
                    }
                    let wish = Overtaken::wish(&server);
                    let server = renewed(server, config, order);
                    merged.overtaken.extend(wish.and_then(|was| Overtaken::server(was, &server)));
                    self.servers.push(server);
                }
                (None, Some(out)) if !out.added => {
                    merged.overtaken.extend((out.config != *config).then(|| Overtaken::removed(Some(config.key))));
                    still_removed.push(renewed(out, config, order));
                }
                (None, Some(_) | None) => {
                    merged.joined.push(config.key);
                    self.servers.push(ServerState::new(config.clone(), false, order, now));
                }
            }
        }
        let (added, left): (Vec<ServerState>, Vec<ServerState>) = old.into_iter().flatten().partition(|s| s.added);
        for mut server in added {
            let checks = siblings::checks(file.iter(), &server.config.key);
            if server.config.checks != checks {
                server.config.checks = checks;
                merged.rechecked.push(server.config.key);
            }
            server.config.tunnel = self.config.tunnel_of(server.config.forwarding);
            self.servers.push(server);
        }
        let (memories, gone): (Vec<ServerState>, Vec<ServerState>) = removed.into_iter().partition(|s| s.added);
        still_removed.extend(memories);
        self.removed = still_removed;
        merged.ended.extend(gone.iter().map(|server| (server.config.key, "removed".to_owned())));
        merged.ended.extend(left.iter().filter_map(|server| Some((server.config.key, overrides(server)?))));
        merged.left = left;
        self.reindex();
    }
}

/// The server with the file's new words and the operator's old wishes.
fn renewed(server: ServerState, config: &RealServer, order: u64) -> ServerState {
    let (before, own, until) = (server.weight, server.own_weight(), server.weight_ends_at());
    let mut server = ServerState { order, added: false, config: config.clone(), ..server };
    server.set_weight(own, until);
    if server.weight != before {
        // What the file changes is not the last command's doing.
        server.reason = "reload".into();
    }
    server
}

//! Who a command means, or why nothing can be done; and what is said once it is.

use super::ask::{Change, Step};
use super::core::Balance;
use super::preview::seconds;
use super::service::ServerState;
use crate::engine::command::{Command, RealServerSelector, ServiceSelector};
use crate::engine::model::{Family, Forwarding, RealServer, RealServerKey, ServiceKey, Weight};
use crate::engine::snapshot::{Admin, Health};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

impl Balance {
    /// Who is meant, or why nothing can be done.
    pub(super) fn resolve(&self, now: Instant, command: &Command) -> Result<Vec<Change>, String> {
        let one = |service, server, step| Ok(vec![Change { service, server, step }]);
        match command {
            Command::Drain { server, service, .. } => {
                let drain = |found: &ServerState| (found.admin.0 != Admin::Draining).then_some(Step::Drain);
                self.selected(server, service.as_ref(), now, drain)
            }
            Command::Restore { server, service } => self.selected(server, service.as_ref(), now, restoration),
            Command::Weight { service, server, weight } => {
                let at = self.service(service)?;
                let found = self.server(at, server)?;
                if found.weight == *weight {
                    return Err(format!("{server} has weight {weight} already"));
                }
                one(at, *server, Step::Weigh(*weight))
            }
            Command::AddServer { service, server, weight, forward } => {
                let at = self.service(service)?;
                let step = self.addition(at, *server, *weight, *forward)?;
                one(at, *server, step)
            }
            Command::RemoveServer { service, server } => {
                let at = self.service(service)?;
                self.server(at, server)?;
                one(at, *server, Step::Remove)
            }
            Command::AddService { .. } | Command::RemoveService { .. } => Err("not built yet".to_owned()),
            Command::Failover { .. }
            | Command::Rejoin { .. }
            | Command::Takeover { .. }
            | Command::Reload
            | Command::Undo { .. }
            | Command::Stop { .. } => Err(format!("{} is no command for real servers", command.verb())),
        }
    }

    fn service(&self, selector: &ServiceSelector) -> Result<usize, String> {
        let by_key = selector.0.parse::<ServiceKey>().ok().and_then(|key| self.by_key.get(&key)).copied();
        let by_name = || self.services.iter().position(|s| selector.matches(&s.config.key, s.config.name.as_deref()));
        by_key.or_else(by_name).ok_or_else(|| {
            let there = nearest(&selector.0, self.services.iter().map(|service| service.config.key.to_string()));
            format!("no service {selector} in the configuration; {there}")
        })
    }

    fn server(&self, at: usize, key: &RealServerKey) -> Result<&ServerState, String> {
        let unknown = || "no such service".to_owned();
        let service = self.services.get(at).ok_or_else(unknown)?;
        service.server(key).ok_or_else(|| {
            let name = service.config.key;
            let strange = self.kernel.observed().and_then(|t| t.services.get(&name)?.destinations.get(key));
            if strange.is_some() {
                return format!("{key} in {name} was put there by somebody else; add-server makes it lvsdeck's");
            }
            let there = nearest(&key.to_string(), service.servers.iter().map(|server| server.config.key.to_string()));
            format!("no real server {key} in {name}; {there}")
        })
    }

    /// What `step` makes of each server that a selector means; none for those that are there already.
    fn selected(
        &self,
        selector: &RealServerSelector,
        service: Option<&ServiceSelector>,
        now: Instant,
        step: impl Fn(&ServerState) -> Option<Step>,
    ) -> Result<Vec<Change>, String> {
        let only = service.map(|service| self.service(service)).transpose()?;
        if let (Some(at), RealServerSelector::Key(key)) = (only, selector) {
            self.server(at, key)?;
        }
        let services = self.services.iter().enumerate().filter(|(at, _)| only.is_none_or(|only| only == *at));
        let matches: Vec<(usize, &ServerState)> = services
            .flat_map(|(at, service)| {
                let found: Vec<&ServerState> = match selector {
                    RealServerSelector::Key(key) => service.server(key).into_iter().collect(),
                    RealServerSelector::Host(_) => {
                        service.servers.iter().filter(|s| selector.matches(&s.config.key)).collect()
                    }
                };
                found.into_iter().map(move |server| (at, server))
            })
            .collect();
        let Some((_, first)) = matches.first() else {
            let all =
                self.services.iter().flat_map(|service| &service.servers).map(|server| server.config.key.to_string());
            return Err(format!("no real server {selector} in any service; {}", nearest(&selector.to_string(), all)));
        };
        let (state, since) = first.admin;
        let changes: Vec<Change> = matches
            .iter()
            .filter_map(|(at, server)| {
                step(server).map(|step| Change { service: *at, server: server.config.key, step })
            })
            .collect();
        match (changes.is_empty(), state) {
            (false, _) => Ok(changes),
            (true, Admin::Draining) => Err(format!(
                "{selector} drains already, since {} ago; restore brings it back",
                seconds(now.saturating_duration_since(since))
            )),
            (true, Admin::Enabled | Admin::Maintenance) => {
                Err(format!("{selector} is not draining and has its configured weight; nothing to restore"))
            }
        }
    }

    fn addition(
        &self,
        at: usize,
        key: RealServerKey,
        weight: Option<Weight>,
        forward: Option<Forwarding>,
    ) -> Result<Step, String> {
        let Some(service) = self.services.get(at) else { return Err("no such service".to_owned()) };
        let name = service.config.key;
        if let Some(server) = service.server(&key) {
            return Err(format!("{key} is in {name} already, with weight {}; weight changes it", server.weight));
        }
        let address = key.0.ip();
        if address.is_unspecified() || address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST) {
            return Err(format!("{address} is no host's address: name the real server's own"));
        }
        let known = service.removed.iter().find(|server| server.key == key);
        let forwarding = forward.or(known.map(|known| known.forwarding)).unwrap_or(service.config.forwarding);
        let port = name.port().filter(|port| *port != 0 && *port != key.0.port());
        if let Some(port) = port.filter(|_| forwarding.keeps_port()) {
            return Err(format!(
                "{forwarding} can't change the port: a server of {name} listens on {port}, or use nat"
            ));
        }
        if Family::of(key.0.ip()) != name.family() && forwarding != Forwarding::Tun {
            return Err(format!("{key} is of another address family than {name}: only tun reaches it"));
        }
        let config = known.cloned().unwrap_or(RealServer {
            key,
            weight: Weight::DEFAULT,
            forwarding,
            inhibit_on_failure: false,
            upper_threshold: 0,
            lower_threshold: 0,
            checks: Vec::new(),
            unchecked: false,
        });
        let weight = weight.unwrap_or(config.weight);
        let server = Box::new(RealServer { weight, forwarding, ..config });
        Ok(Step::Add { server, in_file: known.is_some() })
    }

    /// What was done, once it is.
    pub(super) fn sentence(&self, changes: &[Change]) -> String {
        let [only] = changes else {
            let verb = if matches!(changes.first().map(|c| &c.step), Some(Step::Restore | Step::Weigh(_))) {
                "restored"
            } else {
                "draining"
            };
            return format!("{} servers {verb}", changes.len());
        };
        let Some(service) = self.services.get(only.service) else { return String::new() };
        let (name, key) = (service.config.key, only.server);
        let down = service.server(&key).is_some_and(|server| server.health() == Health::Down);
        let down = if down { "; it is down and joins the table when its checks pass" } else { "" };
        let active = self.seen(&name, &key).map_or(0, |seen| seen.active);
        match &only.step {
            Step::Drain => format!("{key} drains in {name}, {active} active connections go on"),
            Step::Restore => format!("{key} is restored in {name}{down}"),
            Step::Weigh(weight) if service.server(&key).is_some_and(|s| s.admin.0 == Admin::Draining) => {
                format!("{key} drains in {name} and gets weight {weight} when it is restored")
            }
            Step::Weigh(weight) => format!("{key} has weight {weight} in {name}{down}"),
            Step::Add { server, .. } if server.checks.is_empty() => {
                format!("{key} is added to {name} with weight {}; no check watches it", server.weight)
            }
            Step::Add { server, .. } => format!("{key} is back in {name} with weight {} and its checks", server.weight),
            Step::Remove => {
                format!("{key} is removed from {name}, {active} active connections linger until they expire")
            }
        }
    }
}

/// What there is instead: the three names that begin most alike.
fn nearest(wanted: &str, names: impl Iterator<Item = String>) -> String {
    let common = |name: &str| name.chars().zip(wanted.chars()).take_while(|(a, b)| a == b).count();
    let mut names: Vec<(usize, String)> = names.map(|name| (common(&name), name)).collect();
    names.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    names.dedup();
    let more = names.len().saturating_sub(3);
    let shown: Vec<String> = names.into_iter().take(3).map(|(_, name)| name).collect();
    match (shown.is_empty(), more) {
        (true, _) => "there is none".to_owned(),
        (false, 0) => format!("there is {}", shown.join(", ")),
        (false, more) => format!("there is {} and {more} more", shown.join(", ")),
    }
}

/// Out of the drain with the weight it had; where it does not drain, back to the weight of the file.
fn restoration(server: &ServerState) -> Option<Step> {
    match server.admin.0 {
        Admin::Draining | Admin::Maintenance => Some(Step::Restore),
        Admin::Enabled if server.weight != server.config.weight => Some(Step::Weigh(server.config.weight)),
        Admin::Enabled => None,
    }
}

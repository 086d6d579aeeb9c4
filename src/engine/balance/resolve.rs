//! Who a command means, or why nothing can be done; and what is said once it is.

use super::ask::{Change, Step};
use super::core::Balance;
use super::server::ServerState;
use super::wish::DrainEnd;
use crate::engine::command::{Command, RealServerSelector, ServiceSelector};
use crate::engine::model::{Family, Forwarding, RealServer, RealServerKey, ServiceKey, Weight, age};
use crate::engine::snapshot::Admin;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// The longest time until a drain may end: a year.
const LONGEST: u64 = 365 * 86_400;

impl Balance {
    /// Who is meant, or why nothing can be done.
    pub(super) fn resolve(&self, now: Instant, command: &Command) -> Result<Vec<Change>, String> {
        let changes = self.changes(now, command)?;
        match command {
            Command::Maintenance { server, .. } if changes.is_empty() => {
                let since = self.since(now, server);
                Err(format!("{server} is in maintenance already, since {since} ago; restore brings it back"))
            }
            Command::Restore { server, service } if changes.is_empty() => {
                let only = service.as_ref().map(|service| self.service(service)).transpose()?;
                Err(self.taken_out(server, only).unwrap_or_else(|| {
                    format!("{server} is not draining and has its configured weight; nothing to restore")
                }))
            }
            _ => Ok(changes),
        }
    }

    /// The same; none where all of it is so already.
    fn changes(&self, now: Instant, command: &Command) -> Result<Vec<Change>, String> {
        let one = |service, server, step| Ok(vec![Change { service, server, step }]);
        match command {
            Command::Drain { server, service, hold_seconds, deadline_seconds } => {
                let end = after(now, *deadline_seconds)?.map_or(DrainEnd::Never, DrainEnd::At);
                let return_at = after(now, *hold_seconds)?;
                let says_nothing = end == DrainEnd::Never && return_at.is_none();
                let drain = |found: &ServerState| match (found.admin.0, found.ends.drain) {
                    (Admin::Enabled | Admin::Maintenance, _) => Some(Step::Drain(end, return_at)),
                    (Admin::Draining, DrainEnd::Never | DrainEnd::At(_)) => {
                        (!says_nothing).then_some(Step::Drain(end, return_at))
                    }
                    (Admin::Draining, DrainEnd::Passed) if end != DrainEnd::Never => Some(Step::Drain(end, return_at)),
                    (Admin::Draining, over @ DrainEnd::Passed) => return_at.map(|at| Step::Drain(over, Some(at))),
                };
                self.selected(server, service.as_ref(), drain)
            }
            Command::Maintenance { server, service, hold_seconds, deadline_seconds } => {
                let (end, return_at) = (after(now, *deadline_seconds)?, after(now, *hold_seconds)?);
                let says_nothing = end.is_none() && return_at.is_none();
                let maintain = |found: &ServerState| {
                    let end = match (found.ends.drain, end) {
                        (over @ DrainEnd::Passed, _) if found.admin.0 != Admin::Maintenance => over,
                        (known, None) => known,
                        (_, Some(end)) => DrainEnd::At(end),
                    };
                    let is_so = found.admin.0 == Admin::Maintenance && says_nothing;
                    (!is_so).then_some(Step::Maintain(end, return_at))
                };
                self.selected(server, service.as_ref(), maintain)
            }
            Command::Several { commands } => self.all_of(now, commands),
            Command::Restore { server, service } => self.selected(server, service.as_ref(), restoration),
            Command::Weight { service, server, weight, hold_seconds } => {
                let at = self.service(service)?;
                let found = self.server(at, server)?;
                let until = after(now, *hold_seconds)?;
                let is_of_file = *weight == found.config.weight && !found.is_weighed();
                if until.is_some() && is_of_file {
                    let whose = if found.added { "that it was added with" } else { "of the file" };
                    return Err(format!(
                        "{weight} is the weight {whose}: nothing could end after a time; leave it out"
                    ));
                }
                let own = (!is_of_file).then_some(*weight);
                let is_so = found.own_weight() == own && until.is_none() && found.weight_ends_at().is_none();
                if is_so && !found.ramp.is_rising() {
                    return Err(format!("{server} has weight {weight} already"));
                }
                one(at, *server, Step::Weigh(own, until))
            }
            Command::AddServer { service, server, weight, forward } => {
                let at = self.service(service)?;
                let step = self.addition((now, at), *server, *weight, *forward)?;
                one(at, *server, step)
            }
            Command::RemoveServer { service, server } => {
                let at = self.service(service)?;
                self.server(at, server)?;
                one(at, *server, Step::Remove)
            }
            Command::AddService { .. }
            | Command::RemoveService { .. }
            | Command::Failover { .. }
            | Command::Rejoin { .. }
            | Command::Takeover { .. }
            | Command::Priority { .. }
            | Command::Reload
            | Command::Undo { .. }
            | Command::Stop { .. } => Err(format!("{} is no command for real servers", command.verb())),
        }
    }

    /// The changes of several commands; one that can't be done is enough to do none, and one that is so already is left out.
    fn all_of(&self, now: Instant, commands: &[Command]) -> Result<Vec<Change>, String> {
        let mut all: Vec<Change> = Vec::new();
        let mut named = HashSet::new();
        for command in commands {
            if matches!(command, Command::Several { .. }) {
                return Err("several commands in one can't contain several again".to_owned());
            }
            let changes = self.changes(now, command).map_err(|why| format!("{command}: {why}; nothing is done"))?;
            if let Some(twice) = changes.iter().find(|change| !named.insert((change.service, change.server))) {
                return Err(format!("{command}: {} is named twice; nothing is done", twice.server));
            }
            all.extend(changes);
        }
        if commands.is_empty() { Err("no command was given: there is nothing to do".to_owned()) } else { Ok(all) }
    }

    pub(super) fn service(&self, selector: &ServiceSelector) -> Result<usize, String> {
        let key = selector.0.parse::<ServiceKey>().ok();
        let by_key = key.and_then(|key| self.by_key.get(&key)).copied();
        if let Some(removed) = self.removed.iter().find(|service| !service.added && key == Some(service.config.key)) {
            return Err(format!("an operator took {0} out; add-service {0} brings it back", removed.config.key));
        }
        let named = |s: &&super::service::ServiceState| selector.matches(&s.config.key, s.config.name.as_deref());
        let mut all = self.services.iter().filter(named);
        if by_key.is_none()
            && let (Some(first), Some(second)) = (all.next(), all.next())
        {
            let (first, second) = (first.config.key, second.config.key);
            return Err(format!("{selector} is a group of services: name one of them, {first}, {second} …"));
        }
        let by_name = || self.services.iter().position(|s| named(&s));
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
            if let Some(why) = self.taken_out(&RealServerSelector::Key(*key), Some(at)) {
                return why;
            }
            let there = nearest(&key.to_string(), service.servers.iter().map(|server| server.config.key.to_string()));
            format!("no real server {key} in {name}; {there}")
        })
    }

    /// What is said of a server that an operator took out, of this service or of any.
    fn taken_out(&self, selector: &RealServerSelector, only: Option<usize>) -> Option<String> {
        let services = self.services.iter().enumerate().filter(|(at, _)| only.is_none_or(|only| only == *at));
        let mut out = services.flat_map(|(_, service)| service.removed.iter().map(move |server| (service, server)));
        let (service, server) = out.find(|(_, server)| selector.matches(&server.config.key))?;
        let (name, key) = (service.config.key, server.config.key);
        Some(format!("an operator took {key} out of {name}; add-server {name} {key} brings it back"))
    }

    /// What `step` makes of each server that a selector means; none for those that are there already.
    fn selected(
        &self,
        selector: &RealServerSelector,
        service: Option<&ServiceSelector>,
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
        if matches.is_empty() {
            let all =
                self.services.iter().flat_map(|service| &service.servers).map(|server| server.config.key.to_string());
            let unknown =
                || format!("no real server {selector} in any service; {}", nearest(&selector.to_string(), all));
            return Err(self.taken_out(selector, only).unwrap_or_else(unknown));
        }
        let change = |(at, server): &(usize, &ServerState)| {
            step(server).map(|step| Change { service: *at, server: server.config.key, step })
        };
        Ok(matches.iter().filter_map(change).collect())
    }

    /// What is said of a command that changes nothing.
    pub(super) fn already(&self, now: Instant, command: &Command) -> String {
        let Command::Drain { server: selector, .. } = command else { return "all of it is so already".to_owned() };
        format!("{selector} is drained already, since {} ago; restore brings it back", self.since(now, selector))
    }

    /// For how long what an operator wants of these servers is as it is.
    fn since(&self, now: Instant, selector: &RealServerSelector) -> String {
        let servers = self.services.iter().flat_map(|service| &service.servers);
        let since = servers.filter(|server| selector.matches(&server.config.key)).map(|server| server.admin.1).max();
        age(since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since)))
    }

    fn addition(
        &self,
        (now, at): (Instant, usize),
        key: RealServerKey,
        weight: Option<Weight>,
        forward: Option<Forwarding>,
    ) -> Result<Step, String> {
        let Some(service) = self.services.get(at) else { return Err("no such service".to_owned()) };
        let name = service.config.key;
        if let Some(server) = service.server(&key) {
            return Err(format!(
                "{key} is in {name} already, with weight {}; weight changes it",
                server.serving_weight()
            ));
        }
        let address = key.0.ip();
        if address.is_unspecified() || address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST) {
            return Err(format!("{address} is no host's address: name the real server's own"));
        }
        let known = service.removed.iter().find(|server| server.config.key == key);
        let in_file = known.filter(|known| !known.added).map(|known| known.config.forwarding);
        if let (Some(asked), Some(file)) = (forward, in_file)
            && asked != file
        {
            return Err(format!("the file has {key} with {file}; leave --forward out, or change the file and reload"));
        }
        if forward == Some(Forwarding::Local) {
            return Err("local is found in tables and never given: use nat, dr or tun".to_owned());
        }
        let forwarding = forward.or(known.map(|known| known.config.forwarding)).unwrap_or(service.config.forwarding);
        let port = name.port().filter(|port| *port != 0 && *port != key.0.port());
        if let Some(port) = port.filter(|_| forwarding.keeps_port()) {
            return Err(format!(
                "{forwarding} can't change the port: a server of {name} listens on {port}, or use nat"
            ));
        }
        if Family::of(key.0.ip()) != name.family() && forwarding != Forwarding::Tun {
            return Err(format!("{key} is of another address family than {name}: only tun reaches it"));
        }
        let mut server = match known {
            // Without any word it comes back as it was.
            Some(known) if weight.is_none() && forward.is_none() => {
                let mut back = known.revived(now);
                if back.added {
                    back.config.checks = service.checks_of_siblings(&key);
                }
                back
            }
            Some(known) if !known.added => ServerState::new(known.config.clone(), false, known.order, now),
            Some(_) | None => {
                let weight = weight.unwrap_or(Weight::DEFAULT);
                let checks = service.checks_of_siblings(&key);
                let tunnel = service.config.tunnel_of(forwarding);
                let config = RealServer { weight, forwarding, tunnel, checks, ..RealServer::new(key) };
                ServerState::new(config, true, service.next_order(), now)
            }
        };
        if weight.is_some() {
            server.set_weight(weight, None);
        }
        // What its checks say already, where others ask for them too.
        server.checks = self.checks.known(server.specs());
        self.hear(now, &mut server);
        server.checks = Box::default();
        Ok(Step::Add(Box::new(server)))
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

/// The moment so many seconds from now.
fn after(now: Instant, span: Option<u64>) -> Result<Option<Instant>, String> {
    match span {
        None => Ok(None),
        Some(span @ ..=LONGEST) => Ok(Some(now + Duration::from_secs(span))),
        Some(span) => Err(format!("{span} s are too long: the end is at most {LONGEST} s away")),
    }
}

/// Out of the drain with the weight it had; where it does not drain, back to the weight of the file.
fn restoration(server: &ServerState) -> Option<Step> {
    match server.admin.0 {
        Admin::Draining | Admin::Maintenance => Some(Step::Restore),
        Admin::Enabled if server.has_own_weight() => Some(Step::Weigh(None, None)),
        Admin::Enabled => None,
    }
}

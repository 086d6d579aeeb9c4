//! Services as the kernel has them, beside what the file says of them.
//!
//! A server of the file that is not in the table is down: whoever runs the checks took it out. One with weight 0 where the
//! file says more is drained, or was set to 0 by its checks; from outside both look alike.

use crate::engine::balance::{Meter, counters};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::ipvs::{Destination, IpvsTable, Service};
use crate::engine::model::{Forwarding, RealServer, RealServerKey, Scheduler, ServiceKey, VirtualServer};
use crate::engine::snapshot::{
    Admin, CheckStatus, Health, KernelServer, Moment, QuorumStatus, RealServerStatus, SorryServerStatus,
    VirtualServerStatus,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

/// The kernel's table as it was last seen, and what follows from two looks.
#[derive(Debug, Default)]
pub struct TableWatch {
    file: Vec<VirtualServer>,
    /// Since when a server is in the table, or is not, with its weight then.
    seen: HashMap<(ServiceKey, RealServerKey), Seen>,
    services: BTreeMap<ServiceKey, Meter>,
    /// Whether a first look was taken: what is found in it is no news.
    begun: bool,
}

#[derive(Debug, Default)]
struct Seen {
    since: Option<SystemTime>,
    weight: Option<u32>,
    meter: Meter,
}

impl TableWatch {
    /// Nothing seen yet; `file` are the services of the file.
    pub fn new(file: Vec<VirtualServer>) -> Self {
        Self { file, ..Self::default() }
    }

    /// Every service, the file's first, and what changed since the last look.
    pub fn look(&mut self, now: Moment, table: &IpvsTable) -> (Vec<Arc<VirtualServerStatus>>, Vec<Fact>) {
        let mut facts = Vec::new();
        self.services_changed(table, &mut facts);
        let file = std::mem::take(&mut self.file);
        let strange = table.services.iter().filter(|(key, _)| !file.iter().any(|service| service.key == **key));
        let strange: Vec<_> = strange.collect();
        let mut all = Vec::with_capacity(file.len() + strange.len());
        for wanted in &file {
            all.push(self.service(now, wanted.key, Some(wanted), table.services.get(&wanted.key), &mut facts));
        }
        for (key, found) in strange {
            all.push(self.service(now, *key, None, Some(found), &mut facts));
        }
        self.file = file;
        self.forget(table);
        self.begun = true;
        (all, facts)
    }

    fn services_changed(&mut self, table: &IpvsTable, facts: &mut Vec<Fact>) {
        let changed =
            |severity, key: &ServiceKey, to| Fact::new(EventKind::ServiceTable, severity, key.to_string()).to(to);
        for key in table.services.keys() {
            if !self.services.contains_key(key) && self.begun {
                facts.push(changed(Severity::Notice, key, "present"));
            }
            self.services.entry(*key).or_default();
        }
        for key in self.services.keys().filter(|key| !table.services.contains_key(key)) {
            facts.push(changed(Severity::Warning, key, "absent"));
        }
        self.services.retain(|key, _| table.services.contains_key(key));
    }

    /// What is neither in the table nor in the file is no more.
    fn forget(&mut self, table: &IpvsTable) {
        let file = &self.file;
        self.seen.retain(|(service, server), _| {
            table.services.get(service).is_some_and(|s| s.destinations.contains_key(server))
                || file.iter().any(|s| s.key == *service && s.real_servers.iter().any(|r| r.key == *server))
        });
    }

    fn service(
        &mut self,
        now: Moment,
        key: ServiceKey,
        wanted: Option<&VirtualServer>,
        found: Option<&Service>,
        facts: &mut Vec<Fact>,
    ) -> Arc<VirtualServerStatus> {
        let sorry = wanted.and_then(|wanted| wanted.sorry_server.as_ref()).map(|sorry| sorry.key);
        let of_file = wanted.map_or(&[][..], |wanted| &wanted.real_servers);
        let is_new = |server: &RealServerKey| !of_file.iter().any(|s| s.key == *server);
        let destinations = found.map(|found| &found.destinations);
        let mut real_servers = Vec::new();
        for server in of_file {
            let destination = destinations.and_then(|all| all.get(&server.key));
            real_servers.push(self.server(now, (key, server.key), Some(server), destination, facts));
        }
        for (server, destination) in destinations.into_iter().flatten().filter(|(server, _)| is_new(server)) {
            let mut status = self.server(now, (key, *server), None, Some(destination), facts);
            status.added = wanted.is_some() && sorry != Some(*server);
            real_servers.push(status);
        }
        // What left a service that nobody configured.
        let gone: Vec<_> = self
            .seen
            .iter_mut()
            .filter(|((service, server), seen)| {
                *service == key
                    && seen.weight.is_some()
                    && is_new(server)
                    && !destinations.is_some_and(|all| all.contains_key(server))
            })
            .map(|((_, server), seen)| {
                seen.weight = None;
                *server
            })
            .collect();
        facts.extend(gone.into_iter().map(|server| table_fact((key, server), Severity::Warning, "absent")));
        let have =
            real_servers.iter().filter_map(|server| server.kernel).fold(0, |sum: u32, k| sum.saturating_add(k.weight));
        let need = wanted.map_or(1, |wanted| wanted.quorum.need);
        let forward = wanted.map(|wanted| wanted.forwarding);
        let forward = forward.or_else(|| real_servers.first().map(|server| server.forward)).unwrap_or(Forwarding::Nat);
        let meter = self.services.get_mut(&key);
        let rates = meter.map(|meter| {
            meter.look(now.now, found.map(|found| found.traffic));
            meter.rates()
        });
        let serving = sorry.and_then(|key| {
            let Destination { active, inactive, .. } = destinations?.get(&key)?;
            Some(SorryServerStatus { key, active: *active, inactive: *inactive })
        });
        let scheduler = found.and_then(|found| Scheduler::from_name(&found.scheduler));
        let scheduler = scheduler.or_else(|| wanted.map(|wanted| wanted.scheduler)).unwrap_or(Scheduler::Wlc);
        let persistence = match found {
            Some(found) => found.persistence,
            None => wanted.and_then(|wanted| wanted.persistence),
        };
        Arc::new(VirtualServerStatus {
            key,
            name: wanted.and_then(|wanted| wanted.name.clone()),
            scheduler,
            forward,
            persistence: persistence.map(|persistence| persistence.timeout),
            quorum: QuorumStatus { need, have, up: have >= need },
            sorry_server_active: serving.is_some(),
            sorry_server: serving,
            in_kernel: found.is_some(),
            counters: found.map_or_else(Default::default, |found| counters(found.traffic)),
            rates: rates.unwrap_or_default(),
            real_servers,
        })
    }

    fn server(
        &mut self,
        now: Moment,
        key: (ServiceKey, RealServerKey),
        wanted: Option<&RealServer>,
        found: Option<&Destination>,
        facts: &mut Vec<Fact>,
    ) -> RealServerStatus {
        let weight = found.map(|found| found.weight.get());
        let seen = self.seen.entry(key).or_default();
        match (seen.since, seen.weight, weight) {
            (None, _, now_weight) => {
                seen.since = Some(now.wall);
                if let (true, Some(_)) = (self.begun, now_weight) {
                    facts.push(table_fact(key, Severity::Notice, "present"));
                }
            }
            (Some(_), None, Some(_)) => {
                seen.since = Some(now.wall);
                facts.push(table_fact(key, Severity::Notice, "present"));
            }
            (Some(_), Some(_), None) => {
                seen.since = Some(now.wall);
                facts.push(table_fact(key, Severity::Warning, "absent"));
            }
            (Some(_), Some(before), Some(after)) if before != after => {
                let severity = if after == 0 { Severity::Warning } else { Severity::Notice };
                let fact = Fact::new(EventKind::ServerWeight, severity, format!("{} {}", key.0, key.1));
                facts.push(fact.change(before.to_string(), after.to_string()));
            }
            (Some(_), ..) => {}
        }
        seen.weight = weight;
        seen.meter.look(now.now, found.map(|found| *found.traffic));
        let configured = wanted.map(|wanted| wanted.weight.get());
        let forward = found.map(|found| found.forwarding).or_else(|| wanted.map(|wanted| wanted.forwarding));
        let drained = weight == Some(0) && configured != Some(0);
        RealServerStatus {
            key: key.1,
            forward: forward.unwrap_or(Forwarding::Nat),
            weight: weight.unwrap_or(0),
            configured_weight: configured.or(weight).unwrap_or(0),
            health: if found.is_some() { Health::Up } else { Health::Down },
            health_since: seen.since.unwrap_or(now.wall),
            admin: if drained { Admin::Draining } else { Admin::Enabled },
            added: false,
            overridden: None,
            drain: None,
            slow_start: None,
            kernel: found.map(|found| KernelServer { weight: found.weight.get(), forward: found.forwarding }),
            kernel_changed: None,
            active: found.map_or(0, |found| found.active),
            inactive: found.map_or(0, |found| found.inactive),
            persistent: found.map_or(0, |found| found.persistent),
            suspended: false,
            checks: if found.is_some() { Vec::new() } else { vec![missing()] },
            counters: found.map_or_else(Default::default, |found| counters(*found.traffic).into()),
            rates: seen.meter.rates().into(),
        }
    }
}

fn table_fact((service, server): (ServiceKey, RealServerKey), severity: Severity, to: &str) -> Fact {
    Fact::new(EventKind::ServerTable, severity, format!("{service} {server}")).to(to)
}

/// What stands for the checks of others, which can't be seen.
fn missing() -> CheckStatus {
    CheckStatus {
        kind: "TABLE".to_owned(),
        target: "the kernel's table".to_owned(),
        ok: Some(false),
        failures: (0, 0),
        latency_ms: None,
        at: None,
        error: Some("in the file, not in the kernel's table".to_owned()),
        next_in_ms: None,
    }
}

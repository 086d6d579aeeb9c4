//! The service that `add-service` asks for: the one that was taken out, or a new one.

use super::core::Balance;
use super::service::{ADDED, ServiceState};
use crate::engine::model::{Family, Forwarding, Persistence, Scheduler, ServiceKey, VirtualServer};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

/// The longest persistence that the configuration takes, in seconds.
const LONGEST: u32 = 2_678_400;

impl Balance {
    /// The service that `add-service` asks for, or why it can't be.
    pub(super) fn new_service(
        &self,
        now: Instant,
        key: ServiceKey,
        scheduler: Option<Scheduler>,
        forward: Option<Forwarding>,
        persistence: Option<u32>,
    ) -> Result<ServiceState, String> {
        if let Some(there) = self.by_key.get(&key).and_then(|at| self.services.get(*at)) {
            return Err(format!(
                "{key} is there already, with {} real servers; add-server adds more",
                there.servers.len()
            ));
        }
        let widest = if key.family() == Family::Inet { 32 } else { 128 };
        let known = self.removed.iter().find(|service| service.config.key == key);
        let is_plain = scheduler.is_none() && forward.is_none() && persistence.is_none();
        let timeout = |service: &ServiceState| service.config.persistence.map(|persistence| persistence.timeout);
        match known {
            Some(known) if is_plain => return Ok(revived(known, now)),
            Some(known) if !known.added => {
                let differs = scheduler.is_some_and(|wanted| wanted != known.config.scheduler)
                    || forward.is_some_and(|wanted| wanted != known.config.forwarding)
                    || persistence.is_some_and(|wanted| Some(wanted) != timeout(known));
                if !differs {
                    return Ok(revived(known, now));
                }
                return Err(format!(
                    "the file has {key} with other words; add-service {key} alone brings it back as it was"
                ));
            }
            Some(_) | None => {}
        }
        if let Some(found) =
            self.kernel.observed().and_then(|t| t.services.get(&key)).filter(|_| self.kernel.is_foreign(&key))
        {
            return Err(format!(
                "the kernel has {key} already ({found}, {} real servers), put there by somebody else; write it into the \
                 file and reload to take it over, or remove it first: ipvsadm -D {}",
                found.destinations.len(),
                key.ipvsadm_option()
            ));
        }
        valid(&key, forward, persistence)?;
        let config = VirtualServer {
            scheduler: scheduler.unwrap_or(Scheduler::Wlc),
            forwarding: forward.unwrap_or(Forwarding::Nat),
            persistence: persistence.map(|timeout| Persistence { timeout, prefix: widest }),
            ..VirtualServer::new(key)
        };
        let places = self.services.iter().chain(&self.removed).map(|service| service.order);
        let order = places.max().map_or(ADDED, |last| last.max(ADDED) + 1);
        Ok(ServiceState::new(config, true, order, Vec::new()))
    }
}

/// The service as it was, its servers judged anew.
fn revived(service: &ServiceState, now: Instant) -> ServiceState {
    let servers = service.servers.iter().map(|server| server.revived(now)).collect();
    let mut back = ServiceState::new(service.config.clone(), service.added, service.order, servers);
    back.removed.clone_from(&service.removed);
    back
}

/// The rules of the configuration, for a service that is given in a command.
fn valid(key: &ServiceKey, forward: Option<Forwarding>, persistence: Option<u32>) -> Result<(), String> {
    if let ServiceKey::Address { address, .. } = key {
        let ip = address.ip();
        if ip.is_unspecified() || ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST) {
            return Err(format!("{ip} is no virtual address: name the one that clients use"));
        }
    }
    if forward == Some(Forwarding::Local) {
        return Err("local is found in tables and never given: use nat, dr or tun".to_owned());
    }
    match persistence {
        None if key.port() == Some(0) => {
            Err(format!("{key} is a service on all ports and has to be persistent: give --persistent, as 360s"))
        }
        None | Some(1..=LONGEST) => Ok(()),
        Some(_) => Err(format!("a client stays on its server for 1 to {LONGEST} seconds")),
    }
}

//! `--keep`: an edit that leaves alone what it does not name, from the record that the kernel has now.

use super::fault::Fault;
use super::options::Group;
use super::request::{Change, Kept};
use crate::engine::{Destination, IpvsAdmin, IpvsOp, RealServerKey, Service, ServiceKey};

/// The operation that `change` comes to: with `--keep` what was not named is taken from the kernel.
pub fn complete(kernel: &mut dyn IpvsAdmin, change: &Change) -> Result<IpvsOp, Fault> {
    let Some(kept) = &change.keep else { return Ok(change.op.clone()) };
    let key = change.op.service();
    let missing = || Fault::unreadable(format!("can't change {key}: the kernel has no such service; add it with -A"));
    let found = kernel.list_one(key)?.ok_or_else(missing)?;
    match &change.op {
        IpvsOp::SetService(key, wanted) => {
            Ok(IpvsOp::SetService(*key, Box::new(service(wanted, &found.service, kept))))
        }
        IpvsOp::SetDestination(_, wanted_key, wanted) => {
            let keys = if kept.named.contains(&Group::Forwarding) {
                [Some(*wanted_key), None]
            } else {
                [kept.server, Some(*wanted_key)]
            };
            let is = |key: &RealServerKey| found.servers.iter().find(|server| server.key == *key);
            let server = keys.iter().flatten().find_map(is).ok_or_else(|| not_there(key, *wanted_key))?;
            Ok(IpvsOp::SetDestination(key, server.key, destination(wanted, &server.destination, kept)))
        }
        IpvsOp::NewService(..) | IpvsOp::DelService(_) | IpvsOp::NewDestination(..) | IpvsOp::DelDestination(..) => {
            Ok(change.op.clone())
        }
    }
}

fn not_there(service: ServiceKey, server: RealServerKey) -> Fault {
    Fault::unreadable(format!("can't change real server {server} of {service}: it is not there; add it with -a"))
}

fn service(wanted: &Service, found: &Service, kept: &Kept) -> Service {
    let named = |group| kept.named.contains(&group);
    let mut result = found.settings();
    if named(Group::Scheduler) {
        result.scheduler.clone_from(&wanted.scheduler);
    }
    // Flags belong to a scheduler: another one starts without.
    if named(Group::SchedulerFlags) || (named(Group::Scheduler) && wanted.scheduler != found.scheduler) {
        result.scheduler_flags = wanted.scheduler_flags;
    }
    if named(Group::Persistent) {
        let prefix = found.persistence.filter(|_| !named(Group::Netmask)).map(|persistence| persistence.prefix);
        result.persistence = wanted.persistence;
        if let (Some(persistence), Some(prefix)) = (&mut result.persistence, prefix) {
            persistence.prefix = prefix;
        }
        if named(Group::Netmask) {
            result.odd_mask = wanted.odd_mask;
        }
    }
    if named(Group::Engine) {
        result.engine.clone_from(&wanted.engine);
    }
    result.one_packet |= named(Group::OnePacket);
    result
}

fn destination(wanted: &Destination, found: &Destination, kept: &Kept) -> Destination {
    let named = |group| kept.named.contains(&group);
    let mut result = found.settings();
    if named(Group::Forwarding) {
        (result.forwarding, result.tunnel) = (wanted.forwarding, wanted.tunnel);
    }
    if named(Group::TunType) {
        result.tunnel = wanted.tunnel;
    }
    if named(Group::Weight) {
        result.weight = wanted.weight;
    }
    if named(Group::Upper) {
        result.upper_threshold = wanted.upper_threshold;
    }
    if named(Group::Lower) {
        result.lower_threshold = wanted.lower_threshold;
    }
    result
}

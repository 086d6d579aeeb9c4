//! What the userspace dataplane can't do, in words: for a refusal, and for the operator beforehand.

use crate::engine::ipvs::schedule::SCHEDULED;
use crate::engine::ipvs::{IpvsOp, RefusalKind, Service};
use crate::engine::model::{Configuration, Forwarding, Protocol, Scheduler, ServiceKey, VirtualServer};
use crate::engine::snapshot::Warning;

const KERNEL: &str = "; the kernel's ip_vs can (`--dataplane kernel`)";

/// Why an operation can't be done here.
pub(super) fn unfit(op: &IpvsOp) -> Option<(RefusalKind, String)> {
    match op {
        IpvsOp::NewService(key, service) | IpvsOp::SetService(key, service) => unfit_service(*key, service),
        IpvsOp::NewDestination(_, _, settings) | IpvsOp::SetDestination(_, _, settings) => {
            unfit_forwarding(settings.forwarding).map(|why| (RefusalKind::Invalid, why))
        }
        IpvsOp::DelService(_) | IpvsOp::DelDestination(..) => None,
    }
}

fn unfit_service(key: ServiceKey, service: &Service) -> Option<(RefusalKind, String)> {
    if let Some(why) = unfit_key(key) {
        return Some((RefusalKind::Invalid, why));
    }
    if let Some(engine) = &service.engine {
        return Some((RefusalKind::NoScheduler, format!("userspace has no persistence engine \"{engine}\"{KERNEL}")));
    }
    let known = Scheduler::from_name(&service.scheduler).is_some_and(|scheduler| SCHEDULED.contains(&scheduler));
    (!known).then(|| (RefusalKind::NoScheduler, unfit_scheduler(&service.scheduler)))
}

fn unfit_key(key: ServiceKey) -> Option<String> {
    match key {
        ServiceKey::Address { protocol: Protocol::Tcp, address } if address.port() == 0 => {
            Some(format!("userspace can't listen on all ports at once{KERNEL}"))
        }
        ServiceKey::Address { protocol: Protocol::Tcp, .. } => None,
        ServiceKey::Address { protocol: Protocol::Udp | Protocol::Sctp, .. } => {
            Some(format!("userspace forwards TCP only{KERNEL}"))
        }
        ServiceKey::FwMark { .. } => Some(format!("userspace sees no firewall marks{KERNEL}")),
    }
}

fn unfit_scheduler(name: &str) -> String {
    let names: Vec<&str> = SCHEDULED.iter().map(|scheduler| scheduler.name()).collect();
    format!("userspace has no scheduler \"{name}\", it has {}{KERNEL}", names.join(", "))
}

fn unfit_forwarding(forwarding: Forwarding) -> Option<String> {
    match forwarding {
        Forwarding::Nat | Forwarding::Local => None,
        Forwarding::Dr | Forwarding::Tun => Some(format!(
            "userspace ends each connection and opens another one, so {} can't be had; set lb_kind NAT{KERNEL}",
            forwarding.ipvsadm_name()
        )),
    }
}

/// What of a configuration is not as with the kernel, for the operator: one line for all, and one a service that is not
/// served at all.
pub fn limits(configuration: &Configuration) -> Vec<Warning> {
    let warning = |subject: String, message: String, next: &str| Warning {
        code: "userspace".to_owned(),
        subject,
        message,
        next: next.to_owned(),
    };
    let general = warning(
        "dataplane".to_owned(),
        "services are served by this process: TCP alone, real servers see this host's address instead of the client's, no DR, \
         TUN, UDP, SCTP or firewall marks, and connections end with the engine"
            .to_owned(),
        "load ip_vs and run with --dataplane kernel where that matters",
    );
    let each = configuration.virtual_servers.iter().filter_map(|server| {
        let why = unfit_server(server)?;
        Some(warning(
            server.key.to_string(),
            format!("not served: {why}"),
            "change the service, or use the kernel's ip_vs",
        ))
    });
    std::iter::once(general).chain(each).collect()
}

fn unfit_server(server: &VirtualServer) -> Option<String> {
    let scheduler = || (!SCHEDULED.contains(&server.scheduler)).then(|| unfit_scheduler(server.scheduler.name()));
    let forwarding = || server.real_servers.iter().find_map(|real| unfit_forwarding(real.forwarding));
    unfit_key(server.key).or_else(scheduler).or_else(forwarding)
}

//! What the userspace dataplane can't do, in words: for a refusal, and for the operator beforehand.

use crate::engine::ipvs::schedule::SCHEDULED;
use crate::engine::ipvs::{IpvsOp, Refusal, RefusalKind, Service};
use crate::engine::model::{Configuration, Forwarding, Protocol, Scheduler, ServiceKey, VirtualServer};
use crate::engine::snapshot::Warning;

/// The code of the warning of a service that is left out.
pub const UNSERVED: &str = "userspace-unserved";

const KERNEL: &str = "; the kernel's ip_vs can (`--dataplane kernel`)";

/// Why an operation can't be done here, for whoever asks before it is tried.
pub fn unserved(op: &IpvsOp) -> Option<String> {
    unfit(op).map(|(kind, why)| Refusal::because(kind, op, &why).message)
}

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

/// Takes the services out of a configuration that can't be served here. Gives what is not as with the kernel: one warning for
/// all services, and one for each that is out.
pub fn cut(configuration: &mut Configuration) -> Vec<Warning> {
    let general = Warning {
        code: "userspace".to_owned(),
        subject: "dataplane".to_owned(),
        message:
            "services are served by this process: TCP alone, real servers see this host's address instead of the client's, \
             no DR, TUN, UDP, SCTP or firewall marks, and connections end with the engine"
                .to_owned(),
        next: "load ip_vs and run with --dataplane kernel where that matters".to_owned(),
    };
    let mut warnings = vec![general];
    configuration.virtual_servers.retain(|server| {
        let unfit = unfit_server(server);
        warnings.extend(unfit.as_ref().map(|why| Warning {
            code: UNSERVED.to_owned(),
            subject: server.key.to_string(),
            message: format!("not served: {why}"),
            next: "change the service, or use the kernel's ip_vs".to_owned(),
        }));
        unfit.is_none()
    });
    warnings
}

fn unfit_server(server: &VirtualServer) -> Option<String> {
    let scheduler = || (!SCHEDULED.contains(&server.scheduler)).then(|| unfit_scheduler(server.scheduler.name()));
    let forwarding = || server.real_servers.iter().find_map(|real| unfit_forwarding(real.forwarding));
    unfit_key(server.key).or_else(scheduler).or_else(forwarding)
}

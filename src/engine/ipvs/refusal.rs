//! What is said when an operation is refused: the key, the cause, the next step.

use super::{IpvsOp, Refusal, RefusalKind};
use crate::engine::model::{Family, Forwarding, Scheduler};
use std::fmt;

impl fmt::Display for IpvsOp {
    /// `add service tcp/10.0.0.1:80`, `remove real server 10.0.0.71:80 of tcp/10.0.0.1:80`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewService(key, _) => write!(f, "add service {key}"),
            Self::SetService(key, _) => write!(f, "change service {key}"),
            Self::DelService(key) => write!(f, "remove service {key}"),
            Self::NewDestination(key, server, _) => write!(f, "add real server {server} to {key}"),
            Self::SetDestination(key, server, _) => write!(f, "change real server {server} of {key}"),
            Self::DelDestination(key, server) => write!(f, "remove real server {server} of {key}"),
        }
    }
}

impl Refusal {
    /// The refusal of an operation, in words.
    pub fn of(kind: RefusalKind, op: &IpvsOp) -> Self {
        Self::because(kind, op, &cause(kind, op))
    }

    /// The refusal of an operation for a cause that the kind alone does not tell.
    pub fn because(kind: RefusalKind, op: &IpvsOp, cause: &str) -> Self {
        Self { kind, message: format!("can't {op}: {cause}") }
    }

    /// The kernel's IPVS can't be spoken to at all (`NoIpvs`, `NotPermitted`, `TimedOut`); `act` is what was tried
    /// (`read the kernel's IPVS table`).
    pub fn general(kind: RefusalKind, act: &str) -> Self {
        let message =
            general_cause(kind).map_or_else(|| format!("can't {act}"), |cause| format!("can't {act}: {cause}"));
        Self { kind, message }
    }
}

const fn general_cause(kind: RefusalKind) -> Option<&'static str> {
    match kind {
        RefusalKind::NoIpvs => {
            Some("this kernel has no IPVS; load it with `modprobe ip_vs`, or run with `--dataplane userspace`")
        }
        RefusalKind::NotPermitted => Some(
            "it needs CAP_NET_ADMIN in the initial user namespace; run as root or give the process that capability",
        ),
        RefusalKind::TimedOut => Some("the kernel did not answer in time; the connection was opened anew, try again"),
        RefusalKind::Exists
        | RefusalKind::Missing
        | RefusalKind::NoScheduler
        | RefusalKind::Invalid
        | RefusalKind::Other => None,
    }
}

fn cause(kind: RefusalKind, op: &IpvsOp) -> String {
    if let Some(cause) = general_cause(kind) {
        return cause.to_owned();
    }
    match (kind, op) {
        (RefusalKind::NoScheduler, IpvsOp::NewService(_, service) | IpvsOp::SetService(_, service)) => {
            let missing = |what, name, module| format!("the kernel has no {what} \"{name}\": modprobe {module}{name}");
            match &service.engine {
                None => missing("scheduler", &service.scheduler, "ip_vs_"),
                Some(engine) if Scheduler::from_name(&service.scheduler).is_some() => {
                    missing("persistence engine", engine, "ip_vs_pe_")
                }
                Some(engine) => format!(
                    "the kernel has no scheduler \"{}\" or no persistence engine \"{engine}\": modprobe ip_vs_{} ip_vs_pe_{engine}",
                    service.scheduler, service.scheduler
                ),
            }
        }
        (RefusalKind::Exists, _) => "it is there already; change it instead, or remove it first".to_owned(),
        (RefusalKind::Missing, IpvsOp::SetDestination(..) | IpvsOp::DelDestination(..)) => {
            "the kernel has no such real server there; add it, or look who removed it".to_owned()
        }
        (RefusalKind::Missing, _) => "the kernel has no such service; add it, or look who removed it".to_owned(),
        (RefusalKind::Invalid, _) => {
            let unknown = "the kernel does not allow this combination; with servers of another address family, look for a \
                           sync daemon, which excludes them";
            fault(op).unwrap_or(unknown).to_owned()
        }
        _ => "the kernel gave no reason; look into its log with `dmesg`".to_owned(),
    }
}

/// What makes an operation one that every kernel refuses as invalid, as far as the operation alone tells.
pub(super) fn fault(op: &IpvsOp) -> Option<&'static str> {
    match op {
        IpvsOp::NewService(key, service) | IpvsOp::SetService(key, service) => {
            let prefix = service.persistence.map(|p| p.prefix);
            let highest = if key.family() == Family::Inet { 32 } else { 128 };
            match prefix {
                Some(0) if key.family() == Family::Inet6 => Some("the persistence prefix must be 1 to 128"),
                Some(prefix) if prefix > highest => {
                    Some("the persistence prefix is longer than an address of the family")
                }
                _ if service.scheduler.len() > 15 => Some("the scheduler's name is longer than 15 bytes"),
                _ => None,
            }
        }
        IpvsOp::NewDestination(key, server, settings) | IpvsOp::SetDestination(key, server, settings) => {
            if settings.lower_threshold > settings.upper_threshold {
                Some("the lower connection threshold is above the upper one; raise the upper or lower the lower")
            } else if Family::of(server.0.ip()) != key.family() && settings.forwarding != Forwarding::Tun {
                Some("a real server of the other address family is reached by tunnel only; use tun")
            } else {
                None
            }
        }
        IpvsOp::DelService(_) | IpvsOp::DelDestination(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ipvs::fixture;

    #[test]
    fn an_unknown_scheduler_names_the_module_to_load() {
        let op = IpvsOp::NewService(fixture::key("tcp/10.0.0.1:80"), Box::new(fixture::service("foo")));
        assert_eq!(
            Refusal::of(RefusalKind::NoScheduler, &op).message,
            "can't add service tcp/10.0.0.1:80: the kernel has no scheduler \"foo\": modprobe ip_vs_foo"
        );
    }

    #[test]
    fn an_unknown_persistence_engine_is_not_blamed_on_the_scheduler() {
        let mut service = fixture::service("rr");
        service.engine = Some("sip".to_owned());
        let op = IpvsOp::SetService(fixture::key("udp/10.0.0.1:5060"), Box::new(service));
        assert!(Refusal::of(RefusalKind::NoScheduler, &op).message.ends_with("engine \"sip\": modprobe ip_vs_pe_sip"));
    }

    #[test]
    fn a_kernel_without_ipvs_names_both_ways_out() {
        let message = Refusal::general(RefusalKind::NoIpvs, "read the kernel's IPVS table").message;
        assert!(message.contains("modprobe ip_vs") && message.contains("--dataplane userspace"), "{message}");
        let message = Refusal::general(RefusalKind::NotPermitted, "read the kernel's IPVS table").message;
        assert!(message.contains("CAP_NET_ADMIN"), "{message}");
    }
}

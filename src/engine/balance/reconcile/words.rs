//! The kernel's side in words: facts for the journal, drift and warnings for people.

use super::super::Action;
use super::{Reconciler, Target, target};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::ipvs::{IpvsOp, IpvsTable, Ownership, Refusal, RefusalKind};
use crate::engine::model::ServiceKey;
use crate::engine::snapshot::{Drift, Foreign, Warning};

impl Reconciler {
    /// What an operation did to the table, in words; the picture is still the one before. The reason is there where it is
    /// the table's, and not that of a check or a command.
    pub(super) fn told(&self, op: &IpvsOp) -> Option<Fact> {
        let fact = self.done(op)?;
        Some(if self.repaired.contains(&target(op)) {
            fact.reason("repaired: somebody else had changed it")
        } else {
            fact
        })
    }

    fn done(&self, op: &IpvsOp) -> Option<Fact> {
        let (key, server) = target(op);
        let before = || self.observed.as_ref()?.services.get(&key)?.destinations.get(&server?).map(|d| d.weight);
        let subject = subject(&(key, server));
        let table = |kind, severity, from: &str, to: &str| Some(Fact::new(kind, severity, &subject).change(from, to));
        match op {
            IpvsOp::NewService(..) => {
                let servers = self.desired.services.get(&key).map_or(0, |service| service.destinations.len());
                let fact = table(EventKind::ServiceTable, Severity::Notice, "absent", "present");
                fact.map(|fact| fact.detail(format!("with {servers} real servers")))
            }
            IpvsOp::DelService(_) => {
                let fact = table(EventKind::ServiceTable, Severity::Notice, "present", "absent");
                fact.map(|fact| fact.reason("lvsdeck made it and wants it no longer"))
            }
            IpvsOp::NewDestination(..) if self.fresh.contains(&key) => None,
            IpvsOp::NewDestination(_, _, new) => {
                let fact = table(EventKind::ServerTable, Severity::Notice, "absent", "present");
                fact.map(|fact| fact.detail(format!("weight {}", new.weight)))
            }
            IpvsOp::DelDestination(..) => table(EventKind::ServerTable, Severity::Notice, "present", "absent"),
            IpvsOp::SetDestination(_, _, new) => {
                let old = before().filter(|old| *old != new.weight)?;
                table(EventKind::ServerWeight, Severity::Notice, &old.to_string(), &new.weight.to_string())
            }
            IpvsOp::SetService(..) => None,
        }
    }

    /// What the operator should know of the kernel.
    pub fn warnings(&self) -> Vec<Warning> {
        let warning = |code: &str, subject: String, refusal: &Refusal, next: &str| Warning {
            code: code.to_owned(),
            subject,
            message: refusal.message.clone(),
            next: next.to_owned(),
        };
        let unreadable = self.unreadable.iter().map(|refusal| {
            let (code, next) = match refusal.kind {
                RefusalKind::NoIpvs => ("no-ip-vs", "modprobe ip_vs; lvsdeck looks again every 5 s"),
                RefusalKind::NotPermitted => ("not-permitted", "run lvsdeck as root or with CAP_NET_ADMIN"),
                _ => ("ipvs-unreadable", "look into the kernel's log; lvsdeck looks again every 5 s"),
            };
            warning(code, "ipvs".to_owned(), refusal, next)
        });
        let refused = self.refused.iter().filter(|(_, refused)| !refused.excused).map(|(target, refused)| {
            let next = "remove the cause that the message names; it is tried again every 30 s";
            warning("operation-refused", subject(target), &refused.refusal, next)
        });
        unreadable.chain(refused).collect()
    }
}

/// `tcp/10.0.0.1:80`, or `tcp/10.0.0.1:80 10.0.0.71:80`.
pub(in super::super) fn subject((service, server): &Target) -> String {
    server.map_or_else(|| service.to_string(), |server| format!("{service} {server}"))
}

pub(super) fn foreign(observed: &IpvsTable, desired: &IpvsTable, owned: &Ownership) -> Vec<Foreign> {
    let strangers = observed.services.iter().filter(|(key, _)| !desired.services.contains_key(key) && !owned.owns(key));
    strangers
        .map(|(key, service)| Foreign {
            key: *key,
            scheduler: service.scheduler.clone(),
            real_servers: service.destinations.len(),
        })
        .collect()
}

pub(super) fn report(kind: EventKind, severity: Severity, subject: &str, reason: &str) -> Action {
    Action::Report(Fact::new(kind, severity, subject).reason(reason))
}

pub(super) fn drift_fact(drift: &Drift) -> Fact {
    Fact::new(EventKind::Drift, Severity::Warning, &drift.subject)
        .change(&drift.wanted, &drift.found)
        .reason(&drift.action)
}

pub(in super::super) fn adoption_fact(key: ServiceKey) -> Fact {
    Fact::new(EventKind::ServiceTable, Severity::Notice, key.to_string())
        .to("present")
        .reason("adopted: the kernel had it already and the configuration names it")
}

//! Advice on the kernel's balancer: `net.ipv4.vs.*` where a configured service suffers from it, and missing schedulers.

use super::{Found, Look, list};
use crate::engine::model::{Protocol, ServiceKey, VirtualServer};
use crate::engine::snapshot::Admin;
use std::collections::BTreeMap;

fn is(look: &Look<'_>, word: &str, value: i64) -> bool {
    look.facts.vs.get(word) == Some(&value)
}

fn set(word: &str, value: i64) -> String {
    format!("sysctl -w net.ipv4.vs.{word}={value}, and the same line in /etc/sysctl.d/lvs.conf")
}

fn services<'a>(look: &'a Look<'_>, which: impl Fn(&VirtualServer) -> bool + 'a) -> Vec<String> {
    look.configuration.virtual_servers.iter().filter(|s| which(s)).map(|s| s.key.to_string()).collect()
}

fn about(word: &str, names: Vec<String>, value: i64, wanted: i64, harm: &str) -> Vec<Found> {
    if names.is_empty() {
        return Vec::new();
    }
    let names = list(names.into_iter());
    vec![Found {
        subject: format!("net.ipv4.vs.{word}"),
        message: format!("it is {value}: {harm}, for {names}"),
        next: set(word, wanted),
    }]
}

/// `expire-nodest-conn`: a UDP client that keeps its port goes on to a server that was taken out, and its packets are
/// dropped as long as it sends. A TCP client notices and connects anew.
pub(super) fn nodest(look: &Look<'_>) -> Vec<Found> {
    let suffers = |s: &VirtualServer| {
        let udp = matches!(s.key, ServiceKey::Address { protocol: Protocol::Udp, .. });
        udp && !s.one_packet && s.real_servers.iter().any(|r| !r.checks.is_empty() && !r.inhibit_on_failure)
    };
    if !is(look, "expire_nodest_conn", 0) {
        return Vec::new();
    }
    let harm = "packets of a known client to a server that failed are dropped, not sent to another";
    about("expire_nodest_conn", services(look, suffers), 0, 1, harm)
}

/// `expire-quiescent-template`: at weight 0 a persistent client still gets its old server.
pub(super) fn quiescent(look: &Look<'_>) -> Vec<Found> {
    if !is(look, "expire_quiescent_template", 0) {
        return Vec::new();
    }
    let draining = |s: &VirtualServer| {
        let status = look.status.virtual_servers.iter().find(|status| status.key == s.key);
        status.is_some_and(|status| status.real_servers.iter().any(|r| r.admin == Admin::Draining))
    };
    let suffers = |s: &VirtualServer| {
        let inhibits = s.real_servers.iter().any(|r| r.inhibit_on_failure && !r.checks.is_empty());
        s.persistence.is_some() && (inhibits || draining(s))
    };
    let harm = "persistent clients still get a server at weight 0, be it failed or draining";
    about("expire_quiescent_template", services(look, suffers), 0, 1, harm)
}

/// `conn-reuse-mode`: with 0 a client that takes a port again is sent to the server of the old connection.
pub(super) fn reuse(look: &Look<'_>) -> Vec<Found> {
    if !is(look, "conn_reuse_mode", 0) {
        return Vec::new();
    }
    let harm = "a client that takes a port again gets its old server, at weight 0 too; before Linux 5.16 it also turns \
                expire_nodest_conn off";
    about("conn_reuse_mode", services(look, |_| true), 0, 1, harm)
}

/// `run-estimation`: without it the kernel does not add its counts up.
pub(super) fn estimation(look: &Look<'_>) -> Vec<Found> {
    if !is(look, "run_estimation", 0) {
        return Vec::new();
    }
    about("run_estimation", services(look, |_| true), 0, 1, "counters and rates stand still")
}

/// `scheduler-missing`: the service can't be made.
pub(super) fn scheduler(look: &Look<'_>) -> Vec<Found> {
    let Some(known) = &look.facts.schedulers else { return Vec::new() };
    let mut missing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for service in &look.configuration.virtual_servers {
        let name = service.scheduler.name();
        let runs = look.status.virtual_servers.iter().any(|status| status.key == service.key && status.in_kernel);
        if !runs && !known.contains(&format!("ip_vs_{name}")) {
            missing.entry(name).or_default().push(service.key.to_string());
        }
    }
    missing
        .into_iter()
        .map(|(name, services)| Found {
            subject: format!("ip_vs_{name}"),
            message: format!("this kernel has no module for the scheduler {name} of {}", list(services.into_iter())),
            next: format!("modprobe ip_vs_{name}; where there is none: another lb_algo, wlc for example"),
        })
        .collect()
}

//! What this host has that hurts what is configured (layer 3): facts + configuration + status → warnings.
//!
//! One table, [`RULES`]: a code, when it is given, and the function that judges. A rule names the value found and a command
//! to type. It speaks only of what was seen, and only where a configured instance or service suffers from it: a warning that
//! stands on every healthy host teaches people to look away. Pure: nothing here reads the host.

mod clock;
mod facts;
mod firewall;
mod forwarding;
mod ipvs;
#[cfg(test)]
mod tests;

pub use facts::{Clock, Facts, HostAddress, InterfaceWords, Jump};
pub use firewall::{Chain, Match, Rule as FirewallRule, Verdict};

use super::model::{Configuration, VirtualAddress, VirtualRouter};
use super::snapshot::{Status, Warning};

/// How many names a message carries before it counts the rest.
const NAMED: usize = 3;

/// One rule.
pub struct Rule {
    /// The warning's code; a promise.
    pub code: &'static str,
    /// When it is given, as `docs/warnings.md` says it.
    pub when: &'static str,
    judge: fn(&Look<'_>) -> Vec<Found>,
}

/// What a rule found.
struct Found {
    subject: String,
    message: String,
    next: String,
}

/// What a rule looks at.
struct Look<'a> {
    facts: &'a Facts,
    configuration: &'a Configuration,
    status: &'a Status,
}

impl<'a> Look<'a> {
    fn addresses(&self) -> impl Iterator<Item = &'a HostAddress> + use<'a> {
        self.facts.addresses.iter().flatten()
    }
    fn virtual_addresses(&self) -> impl Iterator<Item = (&'a VirtualRouter, &'a VirtualAddress)> + use<'a> {
        self.configuration.virtual_routers.iter().flat_map(|router| router.addresses.iter().map(move |a| (router, a)))
    }
}

/// Every rule, in the order in which its warnings are shown.
pub const RULES: &[Rule] = &[
    Rule {
        code: "firewall-drops-vrrp",
        when: "the packet filter drops IP protocol 112 on the interface of an instance, as far as its chains can be followed",
        judge: firewall::drops_vrrp,
    },
    Rule {
        code: "ip-forward-off",
        when: "a service reaches a server by NAT, and no interface forwards IPv4",
        judge: forwarding::ip_forward,
    },
    Rule {
        code: "ip6-forward-off",
        when: "a service reaches an IPv6 server by NAT, and `net.ipv6.conf.all.forwarding` is 0",
        judge: forwarding::ip6_forward,
    },
    Rule {
        code: "rp-filter-strict",
        when: "a service's address is on an interface with a strict `rp_filter`, and the default route leaves by another",
        judge: forwarding::rp_filter,
    },
    Rule {
        code: "tunnel-rp-filter",
        when: "this host is itself a tunnelled real server, and `rp_filter` is strict on `tunl0`",
        judge: forwarding::tunnel_rp_filter,
    },
    Rule {
        code: "arp-flux",
        when: "a second interface is in the subnet of a virtual address and has `arp_ignore` and `arp_filter` 0",
        judge: forwarding::arp_flux,
    },
    Rule {
        code: "arp-answers-for-lo",
        when: "a virtual address is kept on `lo`, and `arp_ignore` is below 1 or `arp_announce` below 2",
        judge: forwarding::arp_on_lo,
    },
    Rule {
        code: "vip-subnet",
        when: "a virtual address has a prefix shorter than a host's, and its interface has no other address in that subnet",
        judge: forwarding::vip_subnet,
    },
    Rule {
        code: "scheduler-missing",
        when: "a service is not in the kernel, and the kernel has no module for its scheduler",
        judge: ipvs::scheduler,
    },
    Rule {
        code: "expire-nodest-conn",
        when: "`net.ipv4.vs.expire_nodest_conn` is 0, and a UDP service has servers that are taken out when they fail",
        judge: ipvs::nodest,
    },
    Rule {
        code: "expire-quiescent-template",
        when: "`net.ipv4.vs.expire_quiescent_template` is 0, and a persistent service has a draining server or \
               `inhibit_on_failure`",
        judge: ipvs::quiescent,
    },
    Rule {
        code: "conn-reuse-mode",
        when: "`net.ipv4.vs.conn_reuse_mode` is 0, and there is a service",
        judge: ipvs::reuse,
    },
    Rule {
        code: "run-estimation-off",
        when: "`net.ipv4.vs.run_estimation` is 0, and there is a service",
        judge: ipvs::estimation,
    },
    Rule {
        code: "clock-wrong",
        when: "the wall clock says a time before 2026, when this program did not exist",
        judge: clock::wrong,
    },
    Rule {
        code: "clock-jumped",
        when: "the wall clock moved by more than a minute against the time since boot; it stays for ten minutes",
        judge: clock::jumped,
    },
    Rule {
        code: "clock-unsynchronised",
        when: "the kernel counts the wall clock as not synchronised (`adjtimex`)",
        judge: clock::unsynchronised,
    },
];

/// All warnings that the rules give now.
pub fn advise(facts: &Facts, configuration: &Configuration, status: &Status) -> Vec<Warning> {
    let look = Look { facts, configuration, status };
    let warning =
        |code: &str, Found { subject, message, next }| Warning { code: code.to_owned(), subject, message, next };
    RULES.iter().flat_map(|rule| (rule.judge)(&look).into_iter().map(|found| warning(rule.code, found))).collect()
}

/// `a, b, c and 4 more`.
fn list(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    let (first, more) = names.split_at(names.len().min(NAMED));
    let text = first.join(", ");
    if more.is_empty() { text } else { format!("{text} and {} more", more.len()) }
}

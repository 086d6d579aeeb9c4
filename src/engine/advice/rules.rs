//! The table of rules: code, when, and who judges. `docs/warnings.md` has a section for each, in this order.

use super::{Found, Look, alarms, arp, clock, firewall, forwarding, ipvs, rival};

/// One rule.
pub struct Rule {
    /// The warning's code; a promise.
    pub code: &'static str,
    /// When it is given, as `docs/warnings.md` says it.
    pub when: &'static str,
    pub(super) judge: fn(&Look<'_>) -> Vec<Found>,
}

/// Every rule, in the order in which its warnings are shown.
pub const RULES: &[Rule] = &[
    Rule {
        code: "no-destination",
        when: "a service is in the kernel, and none of its real servers is",
        judge: alarms::no_destination,
    },
    Rule {
        code: "no-weight",
        when: "all real servers that a service has in the kernel have weight 0",
        judge: alarms::no_weight,
    },
    Rule {
        code: "connection-table-small",
        when: "there are four times as many connections as the kernel's table has places, or 80 % of `net.ipv4.vs.conn_max`",
        judge: alarms::table,
    },
    Rule {
        code: "sync-daemon",
        when: "`lvs_sync_daemon` is written, and no sync daemon runs as it asks",
        judge: alarms::daemon,
    },
    Rule {
        code: "sync-daemon-lag",
        when: "64 KiB wait for the sync daemon that receives, or it lost messages since the last look",
        judge: alarms::lag,
    },
    Rule {
        code: "firewall-drops-vrrp",
        when: "the packet filter drops IP protocol 112 on the interface of an instance, in or out, as far as its chains can be followed",
        judge: firewall::drops_vrrp,
    },
    Rule {
        code: "vrrp-beside",
        when: "another process has a raw socket of IP protocol 112 in this network namespace, and there is an instance",
        judge: rival::vrrp,
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
        judge: arp::arp_flux,
    },
    Rule {
        code: "arp-answers-for-lo",
        when: "a virtual address is kept on `lo`, and `arp_ignore` is below 1 or `arp_announce` below 2",
        judge: arp::arp_on_lo,
    },
    Rule {
        code: "vip-subnet",
        when: "a virtual address has a prefix shorter than a host's, and its interface has no other address in that subnet",
        judge: arp::vip_subnet,
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
        code: "drop-defence",
        when: "`net.ipv4.vs.drop_entry`, `drop_packet` or `secure_tcp` is 2 or 3, and there is a service",
        judge: alarms::defence,
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

//! A route or a rule as the payload of a route netlink message (`uapi/linux/rtnetlink.h`, `uapi/linux/fib_rules.h`).

use crate::engine::ipvs::attribute::Builder;
use crate::engine::model::{Family, RouteKind, Routing, RuleAction, RuleLimits, VirtualRoute, VirtualRule};
use neli::consts::nl::NlmF;
use std::io;
use std::net::IpAddr;

/// `FRA_*`.
const FRA_DST: u16 = 1;
const FRA_SRC: u16 = 2;
const FRA_IIFNAME: u16 = 3;
const FRA_GOTO: u16 = 4;
const FRA_PRIORITY: u16 = 6;
const FRA_FWMARK: u16 = 10;
const FRA_SUPPRESS_IFGROUP: u16 = 13;
const FRA_SUPPRESS_PREFIXLEN: u16 = 14;
const FRA_TABLE: u16 = 15;
const FRA_FWMASK: u16 = 16;
const FRA_OIFNAME: u16 = 17;
const FRA_UID_RANGE: u16 = 20;
const FRA_PROTOCOL: u16 = 21;
const FRA_IP_PROTO: u16 = 22;
const FRA_SPORT_RANGE: u16 = 23;
const FRA_DPORT_RANGE: u16 = 24;
/// `RTPROT_KEEPALIVED`.
const PROTOCOL: u8 = 18;
/// `FIB_RULE_INVERT`.
const INVERT: u32 = 2;
/// `RTNH_F_ONLINK`.
const ONLINK: u32 = 4;

/// A message: its kind, its flags, its payload.
pub(super) type RoutingMessage = (u16, NlmF, Vec<u8>);

/// The message that adds an entry, or removes it. Errors: an interface in it does not exist.
pub(super) fn message(entry: &Routing, add: bool, index: impl Fn(&str) -> Option<u32>) -> io::Result<RoutingMessage> {
    let flags = if add { NlmF::CREATE | NlmF::EXCL } else { NlmF::empty() };
    match entry {
        Routing::Route(route) => {
            let kind = if add { libc::RTM_NEWROUTE } else { libc::RTM_DELROUTE };
            Ok((kind, flags, self::route(route, index)?))
        }
        Routing::Rule(rule) => {
            let kind = if add { libc::RTM_NEWRULE } else { libc::RTM_DELRULE };
            Ok((kind, flags, self::rule(rule)))
        }
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

const fn family(family: Family) -> u8 {
    match family {
        Family::Inet => 2,
        Family::Inet6 => 10,
    }
}

/// The table as the header has it; one beyond 255 is in its attribute alone.
fn short(table: u32) -> u8 {
    u8::try_from(table).unwrap_or(0)
}

/// `struct rtmsg` and its attributes.
fn route(route: &VirtualRoute, index: impl Fn(&str) -> Option<u32>) -> io::Result<Vec<u8>> {
    let link = |name: &Option<String>| match name {
        None => Ok(None),
        Some(name) => match index(name) {
            Some(index) => Ok(Some(index)),
            None => Err(io::Error::other(format!("interface {name} does not exist"))),
        },
    };
    let kind: u8 = match route.kind {
        RouteKind::Unicast => 1,
        RouteKind::Local => 2,
        RouteKind::Broadcast => 3,
        RouteKind::Anycast => 4,
        RouteKind::Multicast => 5,
        RouteKind::Blackhole => 6,
        RouteKind::Unreachable => 7,
        RouteKind::Prohibit => 8,
        RouteKind::Throw => 9,
    };
    // As keepalived, where ip route says link of what has no gateway; the kernel takes what is local with scope host alone, and what is
    // for this host as one of the link with scope link.
    let scope = route.scope.unwrap_or(match route.kind {
        RouteKind::Local => 254,
        RouteKind::Broadcast | RouteKind::Anycast => 253,
        RouteKind::Unicast
        | RouteKind::Multicast
        | RouteKind::Blackhole
        | RouteKind::Unreachable
        | RouteKind::Prohibit
        | RouteKind::Throw => 0,
    });
    let length = route.destination.map_or(0, |(_, length)| length);
    let header = [family(route.family), length, 0, route.tos, short(route.table), route.protocol, scope, kind];
    let flags = if route.onlink { ONLINK } else { 0 };
    let mut attributes = Builder::default().u32(libc::RTA_TABLE, route.table);
    for (attribute, address) in [
        (libc::RTA_DST, route.destination.map(|(address, _)| address)),
        (libc::RTA_GATEWAY, route.gateway),
        (libc::RTA_PREFSRC, route.source),
    ] {
        if let Some(address) = address {
            attributes = attributes.put(attribute, &octets(address));
        }
    }
    if let Some(index) = link(&route.interface)? {
        attributes = attributes.u32(libc::RTA_OIF, index);
    }
    if let Some(metric) = route.metric {
        attributes = attributes.u32(libc::RTA_PRIORITY, metric);
    }
    if !route.metrics.is_empty() {
        let each = route.metrics.iter().fold(Builder::default(), |all, (kind, value)| all.u32(*kind, *value));
        attributes = attributes.put(libc::RTA_METRICS, &each.finish());
    }
    if !route.next_hops.is_empty() {
        let mut hops = Vec::new();
        for hop in &route.next_hops {
            let gateway = hop
                .gateway
                .map_or_else(Builder::default, |gateway| Builder::default().put(libc::RTA_GATEWAY, &octets(gateway)));
            let gateway = gateway.finish();
            // struct rtnexthop: length, flags, weight less one, interface.
            let length = u16::try_from(8 + gateway.len()).unwrap_or(u16::MAX);
            hops.extend(length.to_ne_bytes());
            hops.push(if hop.onlink { 4 } else { 0 });
            hops.push(u8::try_from(hop.weight.saturating_sub(1)).unwrap_or(u8::MAX));
            hops.extend(link(&hop.interface)?.unwrap_or(0).to_ne_bytes());
            hops.extend(gateway);
        }
        attributes = attributes.put(libc::RTA_MULTIPATH, &hops);
    }
    Ok([header.as_slice(), &flags.to_ne_bytes(), &attributes.finish()].concat())
}

/// `struct fib_rule_uid_range`, `struct fib_rule_port_range` and what else a rule is limited by.
fn limited(mut attributes: Builder, limits: &RuleLimits) -> Builder {
    if let Some((first, last)) = limits.users {
        attributes = attributes.put(FRA_UID_RANGE, &[first.to_ne_bytes(), last.to_ne_bytes()].concat());
    }
    if let Some(protocol) = limits.protocol {
        attributes = attributes.put(FRA_IP_PROTO, &[protocol]);
    }
    for (attribute, ports) in [(FRA_SPORT_RANGE, limits.source_ports), (FRA_DPORT_RANGE, limits.destination_ports)] {
        if let Some((first, last)) = ports {
            attributes = attributes.put(attribute, &[first.to_ne_bytes(), last.to_ne_bytes()].concat());
        }
    }
    let suppressed =
        [(FRA_SUPPRESS_PREFIXLEN, limits.suppressed_prefix), (FRA_SUPPRESS_IFGROUP, limits.suppressed_group)];
    for (attribute, number) in suppressed {
        if let Some(number) = number {
            attributes = attributes.u32(attribute, number);
        }
    }
    attributes
}

/// `struct fib_rule_hdr` and its attributes.
fn rule(rule: &VirtualRule) -> Vec<u8> {
    let (action, table): (u8, u32) = match rule.action {
        RuleAction::Table(table) => (1, table),
        RuleAction::Goto(_) => (2, 0),
        RuleAction::Nothing => (3, 0),
        RuleAction::Blackhole => (6, 0),
        RuleAction::Unreachable => (7, 0),
        RuleAction::Prohibit => (8, 0),
    };
    let length = |prefix: Option<(IpAddr, u8)>| prefix.map_or(0, |(_, length)| length);
    let header = [family(rule.family), length(rule.to), length(rule.from), rule.tos, short(table), 0, 0, action];
    let flags = if rule.inverted { INVERT } else { 0 };
    let mut attributes = Builder::default().put(FRA_PROTOCOL, &[PROTOCOL]);
    for (attribute, prefix) in [(FRA_DST, rule.to), (FRA_SRC, rule.from)] {
        if let Some((address, _)) = prefix {
            attributes = attributes.put(attribute, &octets(address));
        }
    }
    for (attribute, name) in [(FRA_IIFNAME, &rule.input), (FRA_OIFNAME, &rule.output)] {
        if let Some(name) = name {
            attributes = attributes.text(attribute, name);
        }
    }
    if table > 0 {
        attributes = attributes.u32(FRA_TABLE, table);
    }
    if let RuleAction::Goto(preference) = rule.action {
        attributes = attributes.u32(FRA_GOTO, preference);
    }
    attributes = attributes.u32(FRA_PRIORITY, rule.preference);
    if let Some((mark, mask)) = rule.mark {
        attributes = attributes.u32(FRA_FWMARK, mark).u32(FRA_FWMASK, mask.unwrap_or(u32::MAX));
    }
    attributes = limited(attributes, &rule.limits);
    [header.as_slice(), &flags.to_ne_bytes(), &attributes.finish()].concat()
}

//! Values of the model as a file writes them: what `ctl diff` and the preview of a reload print of checks, routes, rules and times.
//!
//! Every part is named, as in `fields`: what differs in the model differs in its words.

use super::fields::{list, who};
use crate::engine::model::{
    BodyPattern, CheckKind, CheckSpec, CheckTiming, Family, Forwarding, HttpCheck, HttpVersion, MiscCheck, NextHop,
    Origin, ParameterMatch, RecordType, RouteKind, Routing, RuleAction, RuleLimits, StartState, Tls, Tunnel, UdpCheck,
    UrlCheck, VirtualRoute, VirtualRule,
};
use std::fmt::Display;
use std::net::IpAddr;
use std::time::Duration;

/// `3s`, `0.25s`.
pub(super) fn span(time: Duration) -> String {
    format!("{}s", time.as_secs_f64())
}

pub(super) const fn family(family: Family) -> &'static str {
    match family {
        Family::Inet => "inet",
        Family::Inet6 => "inet6",
    }
}

pub(super) const fn state(state: StartState) -> &'static str {
    match state {
        StartState::Master => "MASTER",
        StartState::Backup => "BACKUP",
    }
}

/// The option of `param_match`; `exact` is the word without one.
pub(super) const fn parameter_match(how: ParameterMatch) -> &'static str {
    match how {
        ParameterMatch::Exact => "exact",
        ParameterMatch::Partial => "partial",
        ParameterMatch::Initial => "initial",
    }
}

/// ` WORD VALUE`, or nothing.
pub(super) fn word<T: Display>(word: &str, value: Option<T>) -> String {
    value.map_or_else(String::new, |value| format!(" {word} {value}"))
}

/// ` WORD`, or nothing.
fn flag(is_on: bool, word: &str) -> String {
    if is_on { format!(" {word}") } else { String::new() }
}

pub(super) fn check(spec: &CheckSpec) -> String {
    let CheckSpec { kind, target: _, origin, timing, alpha, log_all_failures } = spec;
    let CheckTiming { interval, timeout, retry, retry_delay, warmup } = timing;
    [
        format!("{} {}", spec.name(), spec.goal()),
        asked(kind),
        from(origin),
        format!(" delay_loop {} connect_timeout {} retry {retry}", span(*interval), span(*timeout)),
        format!(" delay_before_retry {} warmup {}", span(*retry_delay), span(*warmup)),
        flag(*alpha, "alpha"),
        flag(*log_all_failures, "log_all_failures"),
    ]
    .concat()
}

fn from(Origin { bind, interface, mark }: &Origin) -> String {
    [
        word("bindto", bind.map(|(address, _)| address)),
        word("bind_port", bind.map(|(_, port)| port).filter(|port| *port > 0)),
        word("bind_if", interface.as_ref()),
        word("fwmark", Some(mark).filter(|mark| **mark > 0)),
    ]
    .concat()
}

fn asked(kind: &CheckKind) -> String {
    match kind {
        CheckKind::Tcp | CheckKind::Ping => String::new(),
        CheckKind::Http(HttpCheck { tls, version, urls }) => {
            let version = match version {
                HttpVersion::V10 => None,
                HttpVersion::V10Close => Some("1.0C"),
                HttpVersion::V11 => Some("1.1"),
            };
            let urls: String = urls.iter().map(url).collect();
            format!("{}{}{urls}", word("http_protocol", version), tls.as_ref().map_or_else(String::new, encrypted))
        }
        CheckKind::Smtp { helo } => word("helo_name", Some(helo)),
        CheckKind::Dns { record, name } => {
            let kind = RecordType::ALL.iter().find(|(_, kind)| kind == record).map(|(name, _)| name);
            format!("{} name {name}", word("type", kind))
        }
        CheckKind::Udp(UdpCheck { payload, reply, length: (least, most) }) => {
            let pattern = |pattern: &Vec<(u8, u8)>| {
                pattern.iter().map(|(value, mask)| format!("{value:02x}/{mask:02x}")).collect::<Vec<_>>().join(" ")
            };
            [
                word("payload", (!payload.is_empty()).then(|| hexadecimal(payload))),
                reply.as_ref().map_or_else(String::new, |reply| format!(" require_reply {}", pattern(reply))),
                word("min_reply_length", Some(least).filter(|_| reply.is_some())),
                word("max_reply_length", Some(most).filter(|_| reply.is_some())),
            ]
            .concat()
        }
        CheckKind::Misc(MiscCheck { command: _, user, dynamic }) => {
            flag(*dynamic, "misc_dynamic") + &word("user", user.as_ref().map(who))
        }
        CheckKind::File(file) => format!(" weight {}", file.weight),
    }
}

fn encrypted(Tls { sni, sni_name, verify }: &Tls) -> String {
    let verify = verify.as_ref().map(|file| file.display());
    flag(*sni, "enable_sni") + &word("sni_name", sni_name.as_ref()) + &word("tls_verify", verify)
}

fn url(UrlCheck { path, host, digest, status, pattern }: &UrlCheck) -> String {
    let range = |(first, last): &(u16, u16)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    let codes = status.iter().map(range).collect::<Vec<_>>().join(" ");
    [
        format!(" url {{ path {path}"),
        word("virtualhost", host.as_ref()),
        word("digest", digest.map(|digest| hexadecimal(&digest))),
        word("status_code", Some(codes).filter(|codes| !codes.is_empty())),
        pattern.as_ref().map_or_else(String::new, body),
        " }".to_owned(),
    ]
    .concat()
}

fn body(BodyPattern { regex, absent, from, until }: &BodyPattern) -> String {
    [
        format!(" regex \"{regex}\""),
        flag(*absent, "regex_no_match"),
        word("regex_min_offset", Some(from).filter(|from| **from > 0)),
        word("regex_max_offset", *until),
    ]
    .concat()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// Those of one kind: routes and rules stand in blocks of their own.
pub(super) fn routes(routing: &[Routing]) -> String {
    list(routing.iter().filter_map(|entry| match entry {
        Routing::Route(entry) => Some(route(entry)),
        Routing::Rule(_) => None,
    }))
}

pub(super) fn rules(routing: &[Routing]) -> String {
    list(routing.iter().filter_map(|entry| match entry {
        Routing::Route(_) => None,
        Routing::Rule(entry) => Some(rule(entry)),
    }))
}

fn prefix((address, length): (IpAddr, u8)) -> String {
    format!("{address}/{length}")
}

fn route(route: &VirtualRoute) -> String {
    let VirtualRoute {
        family,
        kind,
        destination,
        gateway,
        source,
        interface,
        table,
        scope,
        metric,
        tos,
        protocol,
        onlink,
        metrics,
        next_hops,
    } = route;
    let kind = match kind {
        RouteKind::Unicast => "",
        RouteKind::Local => "local ",
        RouteKind::Broadcast => "broadcast ",
        RouteKind::Anycast => "anycast ",
        RouteKind::Multicast => "multicast ",
        RouteKind::Blackhole => "blackhole ",
        RouteKind::Unreachable => "unreachable ",
        RouteKind::Prohibit => "prohibit ",
        RouteKind::Throw => "throw ",
    };
    let everywhere = if *family == Family::Inet6 { "inet6 default" } else { "default" };
    [
        format!("{kind}{}", destination.map_or_else(|| everywhere.to_owned(), prefix)),
        word("via", *gateway),
        word("dev", interface.as_ref()),
        word("src", *source),
        word("table", Some(table).filter(|table| **table != 254)),
        word("scope", *scope),
        word("metric", *metric),
        word("tos", Some(tos).filter(|tos| **tos > 0)),
        // That of routes which such a director sets.
        word("protocol", Some(protocol).filter(|protocol| **protocol != 18)),
        flag(*onlink, "onlink"),
        metrics.iter().map(|(number, value)| word(measure(*number), Some(value))).collect(),
        next_hops.iter().map(next_hop).collect(),
    ]
    .concat()
}

/// `RTAX_*` (`uapi/linux/rtnetlink.h`) as `ip route` calls it; those that a file can name.
const fn measure(number: u16) -> &'static str {
    match number {
        2 => "mtu",
        3 => "window",
        8 => "advmss",
        10 => "hoplimit",
        11 => "initcwnd",
        14 => "initrwnd",
        _ => "metrics",
    }
}

fn next_hop(NextHop { gateway, interface, weight, onlink }: &NextHop) -> String {
    [
        " nexthop".to_owned(),
        word("via", *gateway),
        word("dev", interface.as_ref()),
        word("weight", Some(weight).filter(|weight| **weight != 1)),
        flag(*onlink, "onlink"),
    ]
    .concat()
}

fn rule(rule: &VirtualRule) -> String {
    let VirtualRule { family, action, from, to, input, output, mark, tos, preference, inverted, limits } = rule;
    let RuleLimits { users, protocol, source_ports, destination_ports, suppressed_prefix, suppressed_group } = limits;
    let range = |range: &Option<(u32, u32)>| range.map(|(first, last)| format!("{first}-{last}"));
    let ports = |range: &Option<(u16, u16)>| range.map(|(first, last)| format!("{first}-{last}"));
    let mark = mark.map(|(mark, mask)| match mask {
        Some(mask) => format!("{mark:#x}/{mask:#x}"),
        None => mark.to_string(),
    });
    let action = match action {
        RuleAction::Table(table) => format!(" table {table}"),
        RuleAction::Goto(preference) => format!(" goto {preference}"),
        RuleAction::Nothing => " nop".to_owned(),
        RuleAction::Blackhole => " blackhole".to_owned(),
        RuleAction::Unreachable => " unreachable".to_owned(),
        RuleAction::Prohibit => " prohibit".to_owned(),
    };
    let inet6 = *family == Family::Inet6 && from.or(*to).is_none();
    let line = [
        flag(inet6, "inet6"),
        flag(*inverted, "not"),
        word("from", from.map(prefix)),
        word("to", to.map(prefix)),
        word("iif", input.as_ref()),
        word("oif", output.as_ref()),
        word("fwmark", mark),
        word("tos", Some(tos).filter(|tos| **tos > 0)),
        word("uidrange", range(users)),
        word("ipproto", *protocol),
        word("sport", ports(source_ports)),
        word("dport", ports(destination_ports)),
        action,
        word("suppress_prefixlength", *suppressed_prefix),
        word("suppress_ifgroup", *suppressed_group),
        word("preference", Some(preference)),
    ];
    line.concat().trim_start().to_owned()
}

/// `dr`, or `tun (gre, checksum off)`.
pub(super) fn method(forwarding: Forwarding, tunnel: Tunnel) -> String {
    if tunnel == Tunnel::Ipip { forwarding.to_string() } else { format!("{forwarding} ({tunnel})") }
}

/// The seconds that an address is preferred for.
pub(super) fn preferred(seconds: u32) -> String {
    if seconds == u32::MAX { " preferred_lft forever".to_owned() } else { format!(" preferred_lft {seconds}") }
}

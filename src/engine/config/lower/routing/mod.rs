//! `virtual_routes` and `virtual_rules`: the words of `ip route add` and `ip rule add`, one entry a line.

mod line;
mod prefix;
mod rule;

use super::super::diagnostic::{Problem, quoted};
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use super::super::source::Span;
use super::super::suggest::nearest_or_longer;
use super::address::{scope, whole};
use crate::engine::model::{Family, NextHop, RouteKind, Routing, VirtualRoute};
use line::{Follows, LEFT_OUT, LOCKABLE, Line};
use prefix::{EVERYWHERE, begins_there};
use std::net::{IpAddr, Ipv4Addr};

/// What becomes of a next hop of which a value can't be read, and of those behind it.
const HOP_LEFT_OUT: &str = "; this next hop and what stands behind it are left out, as keepalived does";

/// `RTPROT_KEEPALIVED`.
const OWN: u8 = 18;

/// Words of a route that lvsdeck does not act on, and what follows.
const OTHER_ROUTE: &[(&str, Follows)] = &[
    ("or", Follows::Value),
    ("rtt", Follows::Number),
    ("rttvar", Follows::Number),
    ("reordering", Follows::Number),
    ("cwnd", Follows::Number),
    ("ssthresh", Follows::Number),
    ("realms", Follows::Number),
    ("rto_min", Follows::Number),
    ("quickack", Follows::Number),
    ("features", Follows::Value),
    ("vrf", Follows::Value),
    ("pref", Follows::Maybe),
    ("as", Follows::Value),
    ("ttl-propagate", Follows::Value),
    ("fastopen_no_cookie", Follows::Value),
    ("track_group", Follows::Maybe),
    ("append", Follows::Nothing),
    ("prepend", Follows::Nothing),
    ("from", Follows::Value),
    ("congctl", Follows::Value),
    ("expires", Follows::Maybe),
    ("encap", Follows::Maybe),
];

/// Those that only a route of IPv6 can have.
const OF_IPV6: &[&str] = &["expires", "pref"];

#[cfg(test)]
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    let others = OTHER_ROUTE.iter().map(|(word, _)| *word).chain(PROTOCOLS.iter().map(|(word, _)| *word));
    ROUTE.iter().map(|(word, _)| *word).chain(others).chain(["all", "any", "lock"]).chain(rule::words())
}

/// What a table says of a word.
fn known<W: Copy>(table: &[(&str, W)], word: &str) -> Option<W> {
    table.iter().find(|(known, _)| *known == word).map(|(_, says)| *says)
}

/// Words without which an entry would be for more than it says.
const NARROWING: &[&str] = &["from", "encap", "vrf", "tunnel-id", "l3mdev"];

/// A word that is in neither table is unknown; one of `others` is read over. None: the entry is to be left out.
fn other<W>(
    cx: &mut Context,
    line: &mut Line,
    block: Block,
    (word, at): (&str, Span),
    others: &'static [(&str, Follows)],
    known: &[(&str, W)],
) -> Option<()> {
    if let Some((word, follows)) = others.iter().find(|(other, _)| *other == word) {
        line.skip_values(cx, word, at, *follows)?;
        let narrows = NARROWING.contains(word);
        cx.only_read(block, word, at, if narrows { "the entry is left out" } else { "the entry is set without it" });
        return (!narrows).then_some(());
    }
    let words = known.iter().map(|(known, _)| *known).chain(others.iter().map(|(other, _)| *other));
    let words: Vec<&str> = words.filter(|_| !cx.report.is_full()).collect();
    let help = nearest_or_longer(word, &words).map(|meant| format!("did you mean {meant}?"));
    let message = format!("unknown word {} in {}: the line is left out, as in keepalived", quoted(word), line.of);
    cx.report.add(Problem::warning(at, "unknown-word", message).help_if(help));
    None
}

/// Appends the entries of a block.
pub(super) fn lower<'t>(cx: &mut Context<'_, 't>, entry: &Entry<'t>, routing: &mut Vec<Routing>) -> bool {
    let block = match entry.keyword.word {
        "virtual_routes" | "static_routes" => Block::Routes,
        "virtual_rules" | "static_rules" => Block::Rules,
        _ => return false,
    };
    for statement in cx.lines(block, entry.inner()) {
        let words = cx.words(statement);
        let spans: Vec<Span> = statement.words.iter().map(|token| token.span).collect();
        let Some(at) = spans.first().copied() else { continue };
        let mut line = Line { of: entry.keyword.word, words: &words, spans: &spans, next: 0, then: LEFT_OUT };
        let found = if block == Block::Routes {
            route(cx, &mut line, at).map(Routing::Route)
        } else {
            rule::rule(cx, &mut line, at).map(Routing::Rule)
        };
        routing.extend(found);
    }
    true
}

/// What a word of a route says.
#[derive(Clone, Copy)]
enum RouteWord {
    Kind(RouteKind),
    /// A kind that no kernel has any more.
    Lost,
    Destination,
    Gateway,
    Source,
    Interface,
    Scope,
    Table,
    Metric,
    Tos,
    Protocol,
    OnLink,
    /// `RTAX_*`.
    Number(u16),
    NextHop,
    Inet6,
    /// Nothing but that its protocol may be another one: a route that somebody removes is set again at the next take-over.
    Untracked,
    /// Nothing that is not so anyway.
    Nothing,
}

/// Whether a word stands for what a route leads to.
fn is_place(word: &str) -> bool {
    EVERYWHERE.contains(&word) || word.contains(['.', ':'])
}

/// A number that no word stands before is a kind of route (`RTN_*`), and its destination stands behind it: keepalived does not run
/// where nothing does.
fn numbered(cx: &mut Context, line: &Line, (word, at): (&str, Span), number: u64) -> Option<RouteKind> {
    let kind = match number {
        1 => Some(RouteKind::Unicast),
        2 => Some(RouteKind::Local),
        3 => Some(RouteKind::Broadcast),
        4 => Some(RouteKind::Anycast),
        5 => Some(RouteKind::Multicast),
        6 => Some(RouteKind::Blackhole),
        7 => Some(RouteKind::Unreachable),
        8 => Some(RouteKind::Prohibit),
        9 => Some(RouteKind::Throw),
        _ => None,
    };
    let help = format!("write metric {word}, say: a number that no word stands before is a kind of route");
    let problem = match (kind, line.words.get(line.next)) {
        (_, None) => {
            let message = format!("{} is taken for a kind of route, and nothing stands behind it", quoted(word));
            Problem::error(at, "missing-parameter", message)
        }
        (Some(kind), Some(next)) if is_place(next) => return Some(kind),
        _ => {
            let message = format!("{} is no kind of route here{LEFT_OUT}", quoted(word));
            Problem::warning(at, "unknown-word", message)
        }
    };
    cx.report.add(problem.help(help));
    None
}

const ROUTE: &[(&str, RouteWord)] = &[
    ("to", RouteWord::Destination),
    ("via", RouteWord::Gateway),
    ("gw", RouteWord::Gateway),
    ("dev", RouteWord::Interface),
    ("oif", RouteWord::Interface),
    ("src", RouteWord::Source),
    ("scope", RouteWord::Scope),
    ("table", RouteWord::Table),
    ("metric", RouteWord::Metric),
    ("priority", RouteWord::Metric),
    ("preference", RouteWord::Metric),
    ("tos", RouteWord::Tos),
    ("dsfield", RouteWord::Tos),
    ("protocol", RouteWord::Protocol),
    ("onlink", RouteWord::OnLink),
    ("mtu", RouteWord::Number(2)),
    ("window", RouteWord::Number(3)),
    ("advmss", RouteWord::Number(8)),
    ("hoplimit", RouteWord::Number(10)),
    ("initcwnd", RouteWord::Number(11)),
    ("initrwnd", RouteWord::Number(14)),
    ("nexthop", RouteWord::NextHop),
    ("inet6", RouteWord::Inet6),
    ("add", RouteWord::Nothing),
    ("inet", RouteWord::Nothing),
    ("no_track", RouteWord::Untracked),
    ("unicast", RouteWord::Kind(RouteKind::Unicast)),
    ("local", RouteWord::Kind(RouteKind::Local)),
    ("blackhole", RouteWord::Kind(RouteKind::Blackhole)),
    ("unreachable", RouteWord::Kind(RouteKind::Unreachable)),
    ("prohibit", RouteWord::Kind(RouteKind::Prohibit)),
    ("throw", RouteWord::Kind(RouteKind::Throw)),
    ("broadcast", RouteWord::Kind(RouteKind::Broadcast)),
    ("anycast", RouteWord::Kind(RouteKind::Anycast)),
    ("multicast", RouteWord::Kind(RouteKind::Multicast)),
    ("nat", RouteWord::Lost),
    ("xresolve", RouteWord::Lost),
];

/// A `default` behind a word of IPv6 is one of IPv4 for keepalived, which leaves the line out then.
fn is_not_behind_six(cx: &mut Context, line: &Line, at: Span, six: bool) -> Option<()> {
    let word = line.words.get(line.next).filter(|word| six && EVERYWHERE.contains(&word.as_str()));
    let Some(word) = word else { return Some(()) };
    let message = format!("{word} stands behind a word of IPv6, where it is that of IPv4{LEFT_OUT}");
    cx.report.add(Problem::warning(at, "bad-route", message).help(format!("write ::/0, or {word} in front")));
    None
}

fn route(cx: &mut Context, line: &mut Line, at: Span) -> Option<VirtualRoute> {
    let mut route = VirtualRoute {
        family: Family::Inet,
        kind: RouteKind::Unicast,
        destination: None,
        gateway: None,
        source: None,
        interface: None,
        table: 254,
        scope: None,
        metric: None,
        tos: 0,
        protocol: OWN,
        onlink: false,
        metrics: Vec::new(),
        next_hops: Vec::new(),
    };
    let (mut named, mut four, mut six, mut inet6, mut tracked) = (false, false, false, false, true);
    while let Some((word, span)) = line.word() {
        if !route.next_hops.is_empty() && word != "nexthop" {
            let message =
                format!("{} and what follows it behind the next hops is ignored, as in keepalived", quoted(&word));
            let help = "write it before the first nexthop";
            cx.report.add(Problem::warning(span, "unknown-word", message).help(help));
            break;
        }
        let Some(known) = known(ROUTE, &word) else {
            if let Some(number) = whole(&word).filter(|number| *number <= 255) {
                route.kind = numbered(cx, line, (&word, span), number)?;
            } else if is_place(&word) {
                if named {
                    let message = "this line has a destination before; this later one counts";
                    cx.report.add(Problem::warning(span, "given-twice", message).help("write a line for each"));
                }
                line.next -= 1;
                is_not_behind_six(cx, line, span, six)?;
                (four, six) = (four || word.contains('.'), six || word.contains(':'));
                (route.destination, named) = (line.prefix(cx, "to", span, route.gateway.or(route.source))?, true);
            } else {
                if OF_IPV6.contains(&&*word) {
                    let known = [route.destination.map(|(address, _)| address), route.gateway, route.source];
                    if four || known.iter().flatten().any(IpAddr::is_ipv4) {
                        let message = format!("{word} is of IPv6 routes only{LEFT_OUT}");
                        cx.report.add(Problem::warning(span, "bad-route", message).help("remove it"));
                        return None;
                    }
                    six = true;
                }
                other(cx, line, Block::Routes, (&word, span), OTHER_ROUTE, ROUTE)?;
            }
            continue;
        };
        match known {
            RouteWord::Kind(kind) => {
                line.needs_more(cx, &word, span)?;
                route.kind = kind;
            }
            RouteWord::Lost => {
                let message = format!("no kernel has {word} routes any more{LEFT_OUT}");
                cx.report.add(Problem::warning(span, "bad-route", message).help("remove the line; nftables does NAT"));
                return None;
            }
            RouteWord::Destination => {
                is_not_behind_six(cx, line, span, six)?;
                (four, six) = (four || line.is_of('.'), six || line.is_of(':'));
                (route.destination, named) = (line.prefix(cx, "to", span, route.gateway.or(route.source))?, true);
            }
            RouteWord::Gateway => route.gateway = Some(line.address(cx, &word, span)?),
            RouteWord::Source => route.source = Some(line.address(cx, &word, span)?),
            RouteWord::Interface => route.interface = Some(line.interface(cx, &word, span)?),
            RouteWord::Scope => {
                let (value, at) = line.value(cx, &word, span)?;
                route.scope = scope(&value);
                if route.scope.is_none() {
                    let message = format!("scope {} is unknown{LEFT_OUT}", quoted(&value));
                    cx.report.add(Problem::warning(at, "unknown-value", message).help("write global, link or host"));
                    return None;
                }
            }
            RouteWord::Table => route.table = line.table(cx, span)?,
            RouteWord::Metric => route.metric = Some(line.number(cx, &word, span, u32::MAX.into())?),
            RouteWord::Tos => route.tos = u8::try_from(line.number(cx, &word, span, 255)?).unwrap_or(0),
            RouteWord::Protocol => route.protocol = protocol(cx, line, span)?,
            RouteWord::OnLink => route.onlink = true,
            RouteWord::Number(metric) => {
                if LOCKABLE.contains(&&*word) && line.words.get(line.next).is_some_and(|next| next == "lock") {
                    line.next += 1;
                    cx.only_read(Block::Routes, "lock", span, "the value may be changed by the kernel");
                }
                let most = if word == "hoplimit" { 255 } else { u32::MAX.into() };
                route.metrics.push((metric, line.number(cx, &word, span, most)?));
            }
            RouteWord::NextHop => {
                let Some(hop) = next_hop(cx, line) else {
                    route.next_hops.first()?; // without one before it there is no way to go
                    break;
                };
                route.next_hops.push(hop);
                line.then = HOP_LEFT_OUT;
            }
            RouteWord::Inet6 => inet6 = true,
            RouteWord::Untracked => tracked = false,
            RouteWord::Nothing => {}
        }
    }
    let addresses = [route.destination.map(|(address, _)| address), route.gateway, route.source];
    six |= inet6 || addresses.iter().flatten().any(IpAddr::is_ipv6);
    six |= route.next_hops.iter().filter_map(|hop| hop.gateway).any(|gateway| gateway.is_ipv6());
    route.family = if six { Family::Inet6 } else { Family::Inet };
    if !named {
        let help = "write what it leads to first: 10.1.0.0/16 via 10.0.0.254, or default";
        let message = format!("the route has no destination{LEFT_OUT}");
        cx.report.add(Problem::warning(at, "bad-route", message).help(help));
        return None;
    }
    let everywhere = four.then_some(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    same_family(cx, at, route.family, addresses.iter().flatten().chain(&everywhere))?;
    begins_there(cx, at, route.destination)?;
    if tracked && route.protocol != OWN {
        let message = "protocol goes with no_track only: the route has that of keepalived, 18, as there";
        cx.report.add(Problem::warning(at, "route-protocol", message).help("write no_track behind it, or no protocol"));
        route.protocol = OWN;
    }
    Some(route)
}

/// From 1 up: the kernel's field holds one less.
fn weight(cx: &mut Context, line: &mut Line, at: Span) -> Option<u16> {
    let weight = u16::try_from(line.number(cx, "weight", at, 256)?).ok()?;
    if weight == 0 {
        let message = format!("weight 0 is no share of a route{}", line.then);
        cx.report.add(Problem::warning(at, "out-of-range", message).help("write a weight from 1 to 256"));
        return None;
    }
    Some(weight)
}

fn same_family<'a>(
    cx: &mut Context,
    at: Span,
    family: Family,
    addresses: impl Iterator<Item = &'a IpAddr>,
) -> Option<()> {
    let mut addresses = addresses;
    if addresses.all(|address| Family::of(*address) == family) {
        return Some(());
    }
    let message = "IPv4 and IPv6 addresses in one entry; it is left out, as keepalived does";
    let help = "write an entry for each family: an IPv4 prefix goes via an IPv4 router";
    cx.report.add(Problem::warning(at, "mixed-families", message).help(help));
    None
}

/// `RTPROT_*`.
const PROTOCOLS: &[(&str, u8)] = &[("kernel", 2), ("boot", 3), ("static", 4), ("bird", 12), ("keepalived", OWN)];

fn protocol(cx: &mut Context, line: &mut Line, at: Span) -> Option<u8> {
    if let Some(number) = line.words.get(line.next).and_then(|word| known(PROTOCOLS, word)) {
        line.next += 1;
        return Some(number);
    }
    line.number(cx, "protocol", at, 255).and_then(|number| u8::try_from(number).ok())
}

/// What belongs to one `nexthop`.
fn next_hop(cx: &mut Context, line: &mut Line) -> Option<NextHop> {
    let mut hop = NextHop { gateway: None, interface: None, weight: 1, onlink: false };
    while let Some(word) = line.words.get(line.next).cloned() {
        let at = *line.spans.get(line.next)?;
        if !matches!(word.as_str(), "via" | "gw" | "dev" | "weight" | "onlink") {
            break;
        }
        line.next += 1;
        match word.as_str() {
            "via" | "gw" => hop.gateway = Some(line.address(cx, &word, at)?),
            "dev" => hop.interface = Some(line.interface(cx, &word, at)?),
            "weight" => hop.weight = weight(cx, line, at)?,
            _ => hop.onlink = true,
        }
    }
    Some(hop)
}

//! How an instance's advertisements travel: `unicast_peer`, its words, and the groups.

use super::super::Wanted;
use super::super::argument::{Argument, number};
use super::super::diagnostic::{Problem, quoted};
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use super::super::source::Span;
use super::super::unfit::meant_address;
use super::vrrp::byte;
use crate::engine::model::{Family, Transport, Unicast, UnicastPeer};
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What `global_defs` says of all instances.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Groups {
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
}

/// The words of an instance about it.
#[derive(Debug, Default)]
pub(super) struct Words {
    peers: Vec<(UnicastPeer, Span)>,
    /// Where `unicast_peer` stands.
    block: Option<Span>,
    ttl: Option<(u8, Span)>,
    check_source: bool,
    /// `check_unicast_src` and `unicast_src_ip`, where they stand.
    of_unicast: Option<(&'static str, Span)>,
    fault_without: bool,
    /// Of the same family the last one counts.
    sources: Vec<(IpAddr, Span)>,
}

impl Groups {
    /// `vrrp_mcast_group4` and `vrrp_mcast_group6`.
    pub fn lower(&mut self, cx: &mut Context, word: &str, address: IpAddr, at: Span) {
        match (word, address) {
            ("vrrp_mcast_group4", IpAddr::V4(group)) if group.is_multicast() => self.v4 = Some(group),
            ("vrrp_mcast_group6", IpAddr::V6(group)) if group.is_multicast() => self.v6 = Some(group),
            _ => {
                let family = if word.ends_with('4') { "IPv4" } else { "IPv6" };
                let message =
                    format!("{word} {address} is no multicast address of {family}; it is ignored, as keepalived does");
                let help = "write the same group on all nodes, or leave the word out: 224.0.0.18 and ff02::12 are used";
                cx.report.add(Problem::warning(at, "bad-address", message).help(help));
            }
        }
    }

    fn of(self, family: Family) -> IpAddr {
        let own = match family {
            Family::Inet => self.v4.map(IpAddr::V4),
            Family::Inet6 => self.v6.map(IpAddr::V6),
        };
        own.unwrap_or(Transport::default_group(family))
    }
}

impl Words {
    /// Before the first word.
    pub fn new(check_source: bool) -> Self {
        Self { check_source, ..Self::default() }
    }

    /// Takes a word; false when it is none of these.
    pub fn lower<'t>(&mut self, cx: &mut Context<'_, 't>, entry: &Entry<'t>) -> bool {
        match (entry.keyword.word, &entry.argument) {
            ("unicast_peer", _) => {
                self.block = Some(entry.at);
                self.peers.extend(peers(cx, entry));
            }
            ("unicast_src_ip" | "mcast_src_ip", Argument::Address(source)) => {
                let at = entry.value_at(1);
                no_prefix(cx, cx.sources.word(at), *source, at);
                let is_same = |(before, _): &(IpAddr, Span)| Family::of(*before) == Family::of(*source);
                if let Some((_, before)) = self.sources.iter().find(|before| is_same(before)) {
                    let before = cx.line_of(*before);
                    let message = format!("a source address stands in {before} before; this later one counts");
                    cx.report.add(Problem::warning(entry.at, "given-twice", message));
                    self.sources.retain(|before| !is_same(before));
                }
                self.sources.push((*source, at));
                if entry.keyword.word == "unicast_src_ip" {
                    self.of_unicast = Some((entry.keyword.word, entry.at));
                }
            }
            ("unicast_ttl", Argument::Number(ttl)) => self.ttl = Some((byte(*ttl), entry.at)),
            ("check_unicast_src", Argument::Switch(on)) => {
                (self.check_source, self.of_unicast) = (*on, Some((entry.keyword.word, entry.at)));
            }
            ("unicast_fault_no_peer", Argument::Switch(on)) => self.fault_without = *on,
            _ => return false,
        }
        true
    }

    /// What they come to for an instance of this family, and the address that it advertises from.
    pub fn complete(self, cx: &mut Context, family: Family, groups: Groups) -> (Transport, Option<IpAddr>) {
        let (fitting, others): (Vec<_>, Vec<_>) =
            self.sources.into_iter().partition(|(source, _)| Family::of(*source) == family);
        let source = fitting.first().copied();
        for (source, at) in others {
            let message = format!("{source} is not of the family of the instance's addresses; it is not used");
            cx.report.add(Problem::warning(at, "other-family", message));
        }
        let mut peers = Vec::new();
        for (peer, at) in self.peers {
            if Family::of(peer.address) == family {
                peers.push(peer);
            } else {
                let message =
                    format!("{} is not of the family of the instance's addresses; it is left out", peer.address);
                let help = "give IPv4 and IPv6 an instance each";
                cx.report.add(Problem::warning(at, "other-family", message).help(help));
            }
        }
        let multicast = Transport::Multicast { group: groups.of(family) };
        let transport = match self.block {
            Some(at) if peers.is_empty() => {
                let message = "unicast_peer has no peer: advertisements go out by multicast, as with keepalived";
                let help = "write the address of each other router, one a line; or remove unicast_peer on all nodes";
                let problem = if self.fault_without { Problem::error } else { Problem::warning };
                cx.report.add(problem(at, "no-peer", message.to_owned()).help(help));
                multicast
            }
            Some(_) => Transport::Unicast(Unicast {
                peers,
                ttl: self.ttl.map_or(255, |(ttl, _)| ttl),
                check_source: self.check_source,
            }),
            None => multicast,
        };
        if let (Some((word, at)), Transport::Multicast { .. }, None) = (self.of_unicast, &transport, self.block) {
            let message =
                format!("{word} without unicast_peer: advertisements go out by multicast, as with keepalived");
            cx.report.add(Problem::warning(at, "no-peer", message).help("write unicast_peer { … }, or remove it"));
        }
        if let (Some((_, at)), Transport::Multicast { .. }) = (self.ttl, &transport) {
            let message = "unicast_ttl without unicast_peer changes nothing; it is ignored, as in keepalived";
            cx.report.add(Problem::warning(at, "no-peer", message).help("remove it, or write unicast_peer { … }"));
        }
        if let Some((source, at)) = source {
            cx.wanted.push((at, Wanted::Source(source, transport.group().is_some())));
        }
        (transport, source.map(|(source, _)| source))
    }
}

/// `ADDRESS [min_ttl N] [max_ttl N]`, one a line.
fn peers<'t>(cx: &mut Context<'_, 't>, block: &Entry<'t>) -> Vec<(UnicastPeer, Span)> {
    let mut peers: Vec<(UnicastPeer, Span)> = Vec::new();
    let mut seen = HashSet::new();
    for line in cx.lines(Block::UnicastPeers, block.inner()) {
        let words = cx.words(line);
        let (Some(word), Some(at)) = (words.first(), line.words.first().map(|token| token.span)) else { continue };
        let text = word.split_once('/').map_or(word.as_str(), |(text, _)| text);
        let Ok(address) = text.parse::<IpAddr>() else {
            let message = format!("{} is not an address; the peer is left out, as keepalived does", quoted(word));
            let help = match meant_address(text) {
                Some(meant) => format!("write {}", meant.split(' ').next().unwrap_or("")),
                None => "write the address of another router, for example 10.0.0.12".to_owned(),
            };
            cx.report.add(Problem::warning(at, "bad-address", message).help(help));
            continue;
        };
        no_prefix(cx, word, address, at);
        if !seen.insert(address) {
            let message = format!("{address} stands in unicast_peer before; this line is left out");
            cx.report.add(Problem::warning(at, "given-twice", message));
            continue;
        }
        peers.push((UnicastPeer { address, ttl: range(cx, &words, at) }, at));
    }
    peers
}

/// keepalived cuts a prefix length off, and operators do write one.
fn no_prefix(cx: &mut Context, word: &str, address: IpAddr, at: Span) {
    if word.contains('/') {
        let message = format!("the prefix length of {} is not used, as in keepalived", quoted(word));
        cx.report.add(Problem::warning(at, "prefix-unused", message).help(format!("write {address}")));
    }
}

/// `min_ttl` and `max_ttl` behind an address.
fn range(cx: &mut Context, words: &[String], at: Span) -> Option<(u8, u8)> {
    let (mut low, mut high) = (None, None);
    let mut rest = words.iter().skip(1);
    while let Some(word) = rest.next() {
        let place = match word.as_str() {
            "min_ttl" => &mut low,
            "max_ttl" => &mut high,
            _ => {
                let message = format!("unknown word {} behind a peer; it is ignored", quoted(word));
                let help = "a peer takes min_ttl NUMBER and max_ttl NUMBER";
                cx.report.add(Problem::warning(at, "unknown-word", message).help(help));
                continue;
            }
        };
        let value = rest.next().map_or("", String::as_str);
        match number(value, 0, 255) {
            Ok(ttl) => *place = Some(byte(ttl)),
            Err(unfit) => {
                let message = format!("{word} {} {}; it is ignored, as keepalived does", quoted(value), unfit.what);
                cx.report.add(Problem::warning(at, unfit.code, message).help("a TTL is a number from 0 to 255"));
            }
        }
    }
    if low.is_none() && high.is_none() {
        return None;
    }
    let (low, high) = (low.unwrap_or(0), high.unwrap_or(255));
    if low > high {
        let message = format!(
            "min_ttl {low} is more than max_ttl {high}: nothing is accepted from this peer, as with keepalived"
        );
        cx.report.add(Problem::warning(at, "out-of-range", message).help("give a min_ttl not above max_ttl"));
    }
    Some((low, high))
}

//! Whether the packet filter lets the peers' advertisements in and our own out, as far as can be seen.
//!
//! The chains of both ways are walked with a VRRP packet of an instance in mind. A match that can't be judged may hold
//! or not: an `accept` behind it counts as passing, a `drop` behind it does not count. So a warning is given only where
//! the way is closed for certain, and a filter that is too clever to follow is left alone.

use super::{Found, Look};
use crate::engine::model::{Family, Transport, VirtualRouter};
use std::net::IpAddr;

/// IP protocol number of VRRP.
const VRRP: u8 = 112;
/// Chains that jump into each other deeper than this are not followed; the kernel allows 16.
const DEPTH: u8 = 16;

/// Which way a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the network to this host.
    In,
    /// From this host to the network.
    Out,
}

/// One chain of the packet filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// `inet filter`: family and table. A jump stays within it.
    pub table: String,
    /// Which packets come here; none: IPv4 and IPv6.
    pub family: Option<Family>,
    /// Its name.
    pub name: String,
    /// For a base chain on a way: which one, and whether its policy is to drop. None for one that is only jumped to.
    pub base: Option<(Way, bool)>,
    /// Its rules in order.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// All of these must hold.
    pub matches: Vec<Match>,
    /// What happens then.
    pub verdict: Verdict,
}

/// One condition of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// The IP protocol is, or is not, this one.
    Protocol {
        /// Is, or is not.
        is: bool,
        /// The number.
        number: u8,
    },
    /// The packet's family is, or is not, this one.
    Family {
        /// Is, or is not.
        is: bool,
        /// Which.
        family: Family,
    },
    /// The interface it came in on, or goes out on, has, or has not, this name; `*` at the end stands for any rest. A packet has
    /// an interface of its own way only, and no name for the other.
    Interface {
        /// Of which way.
        way: Way,
        /// Has, or has not.
        is: bool,
        /// The name.
        name: String,
    },
    /// The first bytes of the address it goes to are, or are not, these where the mask has ones.
    Destination {
        /// Are, or are not.
        is: bool,
        /// The first bytes of an address of the packet's family.
        bytes: Vec<u8>,
        /// Which bits of them count; no shorter than they are.
        mask: Vec<u8>,
    },
    /// It belongs to a connection that is known: never so for what the peer begins.
    KnownConnection,
    /// Something that is not judged here.
    Other,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The packet passes this chain's hook.
    Accept,
    /// It is dropped or refused.
    Drop,
    /// Another chain goes on, and comes back here when it has no say.
    Jump(String),
    /// Back to the chain before.
    Return,
    /// Nothing; the next rule follows.
    Continue,
}

/// Whether a condition holds for a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holds {
    No,
    Maybe,
    Yes,
}

impl Holds {
    const fn when(truth: bool) -> Self {
        if truth { Self::Yes } else { Self::No }
    }
}

/// A VRRP packet, as far as a filter can tell it from others.
#[derive(Clone, Copy)]
struct Packet<'a> {
    way: Way,
    family: Family,
    interface: &'a str,
    /// Where it goes to, where that is known.
    destination: Option<IpAddr>,
}

impl Match {
    fn holds(&self, packet: Packet<'_>) -> Holds {
        match self {
            Self::Protocol { is, number } => Holds::when((*number == VRRP) == *is),
            Self::Family { is, family } => Holds::when((*family == packet.family) == *is),
            Self::Interface { way, is, name } => {
                let own = if *way == packet.way { packet.interface } else { "" };
                Holds::when(name_fits(name, own) == *is)
            }
            Self::Destination { is, bytes, mask } => {
                let octets = match packet.destination {
                    Some(IpAddr::V4(address)) => address.octets().to_vec(),
                    Some(IpAddr::V6(address)) => address.octets().to_vec(),
                    None => return Holds::Maybe,
                };
                Holds::when(octets.iter().zip(bytes).zip(mask).all(|((a, b), mask)| a & mask == b & mask) == *is)
            }
            Self::KnownConnection => Holds::No,
            Self::Other => Holds::Maybe,
        }
    }
}

fn name_fits(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

/// What became of the packet in one chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It passes, or may pass.
    Passes,
    /// It is dropped for certain.
    Dropped,
    /// The chain has no say.
    Falls,
}

fn walk(chains: &[Chain], chain: &Chain, packet: Packet<'_>, depth: u8) -> Fate {
    for rule in &chain.rules {
        let holds = rule.matches.iter().map(|m| m.holds(packet)).min().unwrap_or(Holds::Yes);
        if holds == Holds::No {
            continue;
        }
        let fate = match &rule.verdict {
            Verdict::Accept => Fate::Passes,
            Verdict::Drop => Fate::Dropped,
            Verdict::Return if holds == Holds::Yes => return Fate::Falls,
            Verdict::Return | Verdict::Continue => Fate::Falls,
            Verdict::Jump(name) => match chains.iter().find(|c| c.table == chain.table && c.name == *name) {
                Some(next) if depth > 0 => walk(chains, next, packet, depth - 1),
                Some(_) | None => Fate::Passes,
            },
        };
        match (fate, holds) {
            (Fate::Passes, _) => return Fate::Passes,
            (Fate::Dropped, Holds::Yes) => return Fate::Dropped,
            (Fate::Dropped, Holds::Maybe | Holds::No) | (Fate::Falls, _) => {}
        }
    }
    Fate::Falls
}

/// The base chain that drops this packet.
fn dropping<'a>(chains: &'a [Chain], packet: Packet<'_>) -> Option<&'a Chain> {
    let sees = |chain: &&Chain| chain.family.is_none_or(|family| family == packet.family);
    chains.iter().filter(sees).find(|chain| match chain.base.filter(|(way, _)| *way == packet.way) {
        None => false,
        Some((_, policy_drops)) => match walk(chains, chain, packet, DEPTH) {
            Fate::Passes => false,
            Fate::Dropped => true,
            Fate::Falls => policy_drops,
        },
    })
}

/// The advertisements of an instance: what comes in, and what goes out to each destination. The address that unicast comes in for
/// is the host's to choose.
fn packets(router: &VirtualRouter) -> Vec<Packet<'_>> {
    let packet =
        |way, destination| Packet { way, family: router.family, interface: router.interface.as_str(), destination };
    let (to_us, to_others) = match &router.transport {
        Transport::Multicast { group } => (Some(*group), vec![*group]),
        Transport::Unicast(unicast) => (router.source, unicast.peers.iter().map(|peer| peer.address).collect()),
    };
    let out = to_others.into_iter().map(|address| packet(Way::Out, Some(address)));
    std::iter::once(packet(Way::In, to_us)).chain(out).collect()
}

/// `firewall-drops-vrrp`.
pub(super) fn drops_vrrp(look: &Look<'_>) -> Vec<Found> {
    let chains = look.facts.firewall.as_deref().unwrap_or_default();
    let mut found: Vec<Found> = Vec::new();
    for router in &look.configuration.virtual_routers {
        let blocked = packets(router).into_iter().filter_map(|packet| Some((packet, dropping(chains, packet)?)));
        // One finding for each way is enough.
        let mut ways: Vec<Way> = Vec::new();
        for (packet, chain) in blocked {
            if !ways.contains(&packet.way) {
                ways.push(packet.way);
                found.push(told(router, packet, chain));
            }
        }
    }
    found
}

fn told(router: &VirtualRouter, packet: Packet<'_>, chain: &Chain) -> Found {
    let (interface, Chain { name, table, .. }) = (&router.interface, chain);
    let seen = "as far as seen, the firewall drops IP protocol 112 that";
    let (message, word) = match packet.way {
        Way::In => (
            format!(
                "{seen} comes in on {interface}: chain {name} of table {table} accepts none; this node would not hear \
                 another master and become master beside it"
            ),
            "iifname",
        ),
        Way::Out => (
            format!(
                "{seen} goes out on {interface}{}: chain {name} of table {table} accepts none; the other nodes would not \
                 hear this one and become master beside it",
                packet.destination.map_or_else(String::new, |address| format!(" to {address}"))
            ),
            "oifname",
        ),
    };
    let next = format!(
        "nft insert rule {table} {name} {word} {interface} meta l4proto 112 accept, and the same in the firewall's own file"
    );
    Found { subject: router.name.clone(), message, next }
}

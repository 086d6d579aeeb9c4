//! Whether the packet filter lets the peers' advertisements in, as far as can be seen.
//!
//! The chains of the input path are walked with a VRRP packet of an instance in mind. A match that can't be judged may hold
//! or not: an `accept` behind it counts as passing, a `drop` behind it does not count. So a warning is given only where
//! every way in is closed for certain, and a filter that is too clever to follow is left alone.

use super::{Found, Look};
use crate::engine::model::{Family, VirtualRouter};

/// IP protocol number of VRRP.
const VRRP: u8 = 112;
/// Chains that jump into each other deeper than this are not followed; the kernel allows 16.
const DEPTH: u8 = 16;

/// One chain of the packet filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// `inet filter`: family and table. A jump stays within it.
    pub table: String,
    /// Which packets come here; none: IPv4 and IPv6.
    pub family: Option<Family>,
    /// Its name.
    pub name: String,
    /// For a base chain on the way in: whether its policy is to drop. None for one that is only jumped to.
    pub base: Option<bool>,
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
    /// The interface it came in on has, or has not, this name; `*` at the end stands for any rest.
    Interface {
        /// Has, or has not.
        is: bool,
        /// The name.
        name: String,
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

impl Match {
    fn holds(&self, family: Family, interface: &str) -> Holds {
        match self {
            Self::Protocol { is, number } => Holds::when((*number == VRRP) == *is),
            Self::Family { is, family: wanted } => Holds::when((*wanted == family) == *is),
            Self::Interface { is, name } => Holds::when(name_fits(name, interface) == *is),
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

fn walk(chains: &[Chain], chain: &Chain, packet: (Family, &str), depth: u8) -> Fate {
    for rule in &chain.rules {
        let holds = rule.matches.iter().map(|m| m.holds(packet.0, packet.1)).min().unwrap_or(Holds::Yes);
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

/// The base chain that drops the peers' advertisements to this instance.
fn dropping<'a>(chains: &'a [Chain], router: &VirtualRouter) -> Option<&'a Chain> {
    let packet = (router.family, router.interface.as_str());
    let sees = |chain: &&Chain| chain.family.is_none_or(|family| family == router.family);
    chains.iter().filter(sees).find(|chain| match (chain.base, walk(chains, chain, packet, DEPTH)) {
        (None, _) | (Some(_), Fate::Passes) => false,
        (Some(_), Fate::Dropped) => true,
        (Some(policy_drops), Fate::Falls) => policy_drops,
    })
}

/// `firewall-drops-vrrp`.
pub(super) fn drops_vrrp(look: &Look<'_>) -> Vec<Found> {
    let chains = look.facts.firewall.as_deref().unwrap_or_default();
    let blocked =
        look.configuration.virtual_routers.iter().filter_map(|router| Some((router, dropping(chains, router)?)));
    blocked
        .map(|(router, chain)| Found {
            subject: router.name.clone(),
            message: format!(
                "as far as seen, the firewall drops IP protocol 112 that comes in on {}: chain {} of table {} accepts \
                 none; this node would not hear another master and become master beside it",
                router.interface, chain.name, chain.table
            ),
            next: allow(router, chain),
        })
        .collect()
}

fn allow(router: &VirtualRouter, chain: &Chain) -> String {
    let interface = &router.interface;
    match (chain.table.strip_suffix(" (iptables)"), router.family) {
        (Some(_), _) => format!("iptables -I {} -i {interface} -p 112 -j ACCEPT", chain.name),
        (None, _) => format!(
            "nft insert rule {} {} iifname {interface} meta l4proto 112 accept, and the same in the firewall's own file",
            chain.table, chain.name
        ),
    }
}

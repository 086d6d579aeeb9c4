//! Routes and rules that move with a virtual router (`virtual_routes`, `virtual_rules`), in the words of `ip route` and `ip rule`.

use super::Family;
use serde::Serialize;
use std::fmt;
use std::net::IpAddr;

/// An address with a prefix length.
pub type Prefix = (IpAddr, u8);

/// What becomes of a packet that a route fits (`RTN_*`, `uapi/linux/rtnetlink.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RouteKind {
    /// It is sent on.
    Unicast,
    /// It is for this host.
    Local,
    /// It is for this host, and went out to the whole link.
    Broadcast,
    /// It is for this host, as one of several.
    Anycast,
    /// It is for a group.
    Multicast,
    /// It is dropped without a word.
    Blackhole,
    /// It is dropped, and its sender is told.
    Unreachable,
    /// Likewise, as forbidden.
    Prohibit,
    /// The next table is asked.
    Throw,
}

/// One way of a route with several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextHop {
    /// `via`.
    pub gateway: Option<IpAddr>,
    /// `dev`.
    pub interface: Option<String>,
    /// `weight`, 1 to 256.
    pub weight: u16,
    /// `onlink`.
    pub onlink: bool,
}

/// A line of `virtual_routes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VirtualRoute {
    /// Of the addresses in it.
    pub family: Family,
    /// What it does.
    pub kind: RouteKind,
    /// To where; none: everywhere.
    pub destination: Option<Prefix>,
    /// `via`.
    pub gateway: Option<IpAddr>,
    /// `src`: the address that this host sends from.
    pub source: Option<IpAddr>,
    /// `dev`.
    pub interface: Option<String>,
    /// `table`, 254 (main) by default.
    pub table: u32,
    /// `scope`; by the rest of the route when absent.
    pub scope: Option<u8>,
    /// `metric`.
    pub metric: Option<u32>,
    /// `tos`.
    pub tos: u8,
    /// `protocol`, 18 (keepalived) by default.
    pub protocol: u8,
    /// `onlink`.
    pub onlink: bool,
    /// `mtu`, `advmss` and their like: `RTAX_*` and the value.
    pub metrics: Vec<(u16, u32)>,
    /// `nexthop`.
    pub next_hops: Vec<NextHop>,
}

/// What a rule does with a packet (`FR_ACT_*`, `uapi/linux/fib_rules.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleAction {
    /// Asks a table.
    Table(u32),
    /// Goes on at the rule of that preference.
    Goto(u32),
    /// Goes on at the next rule.
    #[serde(rename = "nop")]
    Nothing,
    /// Drops it.
    Blackhole,
    /// Drops it and tells the sender.
    Unreachable,
    /// Likewise, as forbidden.
    Prohibit,
}

/// A line of `virtual_rules`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VirtualRule {
    /// Of the addresses in it.
    pub family: Family,
    /// What it does.
    pub action: RuleAction,
    /// `from`.
    pub from: Option<Prefix>,
    /// `to`.
    pub to: Option<Prefix>,
    /// `iif`.
    pub input: Option<String>,
    /// `oif`.
    pub output: Option<String>,
    /// `fwmark`, and its mask.
    pub mark: Option<(u32, Option<u32>)>,
    /// `tos`.
    pub tos: u8,
    /// `preference`, or where none is written the next from 16384 down.
    pub preference: u32,
    /// `not`.
    pub inverted: bool,
    /// What else a packet has to be, and what of the table does not count.
    #[serde(skip_serializing_if = "RuleLimits::are_none")]
    pub limits: RuleLimits,
}

/// Seldom used conditions of a rule; ranges include both ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RuleLimits {
    /// `uidrange`: the user whose packet it is.
    pub users: Option<(u32, u32)>,
    /// `ipproto`.
    pub protocol: Option<u8>,
    /// `sport`.
    pub source_ports: Option<(u16, u16)>,
    /// `dport`.
    pub destination_ports: Option<(u16, u16)>,
    /// `suppress_prefixlength`: what the table says with a prefix of this length or a shorter one does not count.
    pub suppressed_prefix: Option<u32>,
    /// `suppress_ifgroup`: nor what leads out by an interface of this group.
    pub suppressed_group: Option<u32>,
}

impl RuleLimits {
    /// Whether there is none of them.
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A route or a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Routing {
    /// A route.
    Route(VirtualRoute),
    /// A rule.
    Rule(VirtualRule),
}

impl fmt::Display for Routing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Route(route) => {
                match route.destination {
                    Some((address, prefix)) => write!(f, "route {address}/{prefix}")?,
                    None => f.write_str("route default")?,
                }
                if let Some(gateway) = route.gateway {
                    write!(f, " via {gateway}")?;
                }
                if let Some(interface) = &route.interface {
                    write!(f, " dev {interface}")?;
                }
                if route.table == 254 { Ok(()) } else { write!(f, " table {}", route.table) }
            }
            Self::Rule(rule) => {
                f.write_str("rule")?;
                for (word, prefix) in [("from", rule.from), ("to", rule.to)] {
                    if let Some((address, length)) = prefix {
                        write!(f, " {word} {address}/{length}")?;
                    }
                }
                if let Some((mark, _)) = rule.mark {
                    write!(f, " fwmark {mark}")?;
                }
                match rule.action {
                    RuleAction::Table(table) => write!(f, " table {table}"),
                    RuleAction::Goto(preference) => write!(f, " goto {preference}"),
                    RuleAction::Nothing => f.write_str(" nop"),
                    RuleAction::Blackhole => f.write_str(" blackhole"),
                    RuleAction::Unreachable => f.write_str(" unreachable"),
                    RuleAction::Prohibit => f.write_str(" prohibit"),
                }
            }
        }
    }
}

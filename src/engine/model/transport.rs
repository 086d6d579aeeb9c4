//! How advertisements travel: to a group on the link, or to routers one by one.

use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Family;

/// Where advertisements of an instance go to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// To a group of the link, with TTL 255 (RFC 9568 §5.1.1.2, §5.1.2.2).
    Multicast {
        /// `vrrp_mcast_group4` or `vrrp_mcast_group6`.
        group: IpAddr,
    },
    /// To each of these (`unicast_peer`; no RFC has it).
    Unicast(Unicast),
}

/// `unicast_peer` and its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unicast {
    /// The other routers, in file order; at least one.
    pub peers: Vec<UnicastPeer>,
    /// `unicast_ttl`: TTL or hop limit of what is sent, 255 by default.
    pub ttl: u8,
    /// `check_unicast_src`: only these are listened to. So it is, too, where a peer has a range of TTLs.
    pub check_source: bool,
}

/// One line of `unicast_peer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct UnicastPeer {
    /// Its address.
    pub address: IpAddr,
    /// `min_ttl` and `max_ttl`: what the TTL or hop limit of its packets must be within, both included.
    pub ttl: Option<(u8, u8)>,
}

impl Transport {
    /// The group of RFC 9568: 224.0.0.18 or `ff02::12`.
    pub const fn default_group(family: Family) -> IpAddr {
        match family {
            Family::Inet => IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18)),
            Family::Inet6 => IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12)),
        }
    }
    /// Multicast to that group.
    pub const fn multicast(family: Family) -> Self {
        Self::Multicast { group: Self::default_group(family) }
    }
    /// The group, where there is one.
    pub const fn group(&self) -> Option<IpAddr> {
        match self {
            Self::Multicast { group } => Some(*group),
            Self::Unicast(_) => None,
        }
    }
    /// Whether advertisements leave the host from this address where it is on no interface too, as with keepalived.
    pub const fn may_borrow(&self, source: IpAddr) -> bool {
        source.is_ipv4() && matches!(self, Self::Multicast { .. })
    }
    /// Every destination of an advertisement, in file order.
    pub fn destinations(&self) -> Vec<IpAddr> {
        match self {
            Self::Multicast { group } => vec![*group],
            Self::Unicast(unicast) => unicast.peers.iter().map(|peer| peer.address).collect(),
        }
    }
    /// TTL or hop limit of what is sent.
    pub const fn ttl(&self) -> u8 {
        match self {
            Self::Multicast { .. } => 255,
            Self::Unicast(unicast) => unicast.ttl,
        }
    }
}

impl Unicast {
    /// The peer of this address.
    pub fn peer(&self, address: IpAddr) -> Option<&UnicastPeer> {
        self.peers.iter().find(|peer| peer.address == address)
    }
    /// Whether nobody else is listened to.
    pub fn checks_source(&self) -> bool {
        self.check_source || self.peers.iter().any(|peer| peer.ttl.is_some())
    }
}

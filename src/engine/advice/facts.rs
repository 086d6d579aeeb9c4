//! What was found on this host, as plain values. `engine/io` reads them; a fact that could not be read is absent, and no
//! rule speaks of it.

use super::firewall::Chain;
use crate::engine::ipvs::SyncDaemon;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

/// Everything that was found at one look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// `net.ipv4.conf.*` by interface; `all` is one of them.
    pub interfaces: BTreeMap<String, InterfaceWords>,
    /// `net.ipv6.conf.all.forwarding`.
    pub ipv6_forwarding: Option<bool>,
    /// Addresses of both families; none when they could not be listed.
    pub addresses: Option<Vec<HostAddress>>,
    /// Interfaces of the IPv4 default routes in the main table.
    pub default_routes: BTreeSet<String>,
    /// `net.ipv4.vs.*`; empty while `ip_vs` is not loaded.
    pub vs: BTreeMap<String, i64>,
    /// What IPVS says of itself; none while `ip_vs` is not loaded, or when it can't be asked.
    pub ipvs: Option<IpvsFacts>,
    /// Modules that the kernel has, loads by itself or has built in, of those called `ip_vs_*`; none when unknown.
    pub schedulers: Option<BTreeSet<String>>,
    /// The packet filter's chains that see what comes in and goes out; none when they could not be read.
    pub firewall: Option<Vec<Chain>>,
    /// Another process has a raw socket of protocol 112 in this network namespace.
    pub vrrp_beside: bool,
    /// The clock.
    pub clock: Clock,
}

/// The kernel's IPVS beside its services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IpvsFacts {
    /// Places of the connection table.
    pub table_size: u32,
    /// The sync daemons that run.
    pub daemons: Vec<SyncDaemon>,
    /// Bytes that the receiving one has not read.
    pub waiting: u64,
    /// Messages that it lost since the look before.
    pub dropped: u64,
}

/// Words of `net.ipv4.conf.INTERFACE`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InterfaceWords {
    /// `forwarding`.
    pub forwarding: bool,
    /// `rp_filter`: 0 off, 1 strict, 2 loose.
    pub rp_filter: i64,
    /// `arp_ignore`.
    pub arp_ignore: i64,
    /// `arp_announce`.
    pub arp_announce: i64,
    /// `arp_filter`.
    pub arp_filter: i64,
}

/// An address on an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostAddress {
    /// The interface's name.
    pub interface: String,
    /// The address.
    pub address: IpAddr,
    /// Its prefix length.
    pub prefix: u8,
}

/// What the clock says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clock {
    /// The wall clock at this look.
    pub wall: Option<SystemTime>,
    /// Whether the kernel counts it as synchronised (`adjtimex(2)`, `STA_UNSYNC`).
    pub synchronised: Option<bool>,
    /// The last jump of the wall clock, while it is recent.
    pub jump: Option<Jump>,
}

/// The wall clock moved against the time since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jump {
    /// By how much.
    pub by: Duration,
    /// Forward, or back.
    pub forward: bool,
}

impl Jump {
    /// A clock that moved by less than this between two looks was merely corrected.
    const TOLERATED: Duration = Duration::from_mins(1);

    /// Compares two looks: the wall clock and the time since boot at each.
    pub fn between(before: (SystemTime, Duration), now: (SystemTime, Duration)) -> Option<Self> {
        let expected = before.0.checked_add(now.1.checked_sub(before.1)?)?;
        let (by, forward) = match now.0.duration_since(expected) {
            Ok(by) => (by, true),
            Err(error) => (error.duration(), false),
        };
        (by > Self::TOLERATED).then_some(Self { by, forward })
    }
}

/// The larger of `all` and the interface's own: what counts for `rp_filter`, `arp_ignore` and `arp_announce`.
pub(super) fn effective(facts: &Facts, interface: &str, word: fn(&InterfaceWords) -> i64) -> Option<i64> {
    let own = word(facts.interfaces.get(interface)?);
    Some(facts.interfaces.get("all").map_or(own, |all| own.max(word(all))))
}

impl HostAddress {
    /// Whether `other` lies in this address's subnet.
    pub fn reaches(&self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let shift = 32_u32.saturating_sub(self.prefix.into());
                (a.to_bits() ^ b.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let shift = 128_u32.saturating_sub(self.prefix.into());
                (a.to_bits() ^ b.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

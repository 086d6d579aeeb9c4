//! What a configuration says about virtual routers.

use super::script::TrackScript;
use super::{AdvertInterval, Family, Priority, Vrid};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// Protocol version of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VrrpVersion {
    /// RFC 3768; the default for IPv4, as in keepalived.
    V2,
    /// RFC 5798 and 9568.
    V3,
}

impl VrrpVersion {
    /// 2 or 3.
    pub const fn number(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

/// The state that the file wishes an instance to start in. Every instance starts as backup; a wish for master shows in
/// the default priority and in warnings only (keepalived does the same, but for priority 255).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartState {
    /// `state MASTER`.
    Master,
    /// `state BACKUP`, or no word.
    #[default]
    Backup,
}

/// An authentication password: up to 8 bytes, zero-padded (RFC 2338 §5.3.10). Never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Password([u8; 8]);

impl Password {
    /// The first 8 bytes of `text`, zero-padded, as keepalived cuts it.
    pub fn new(text: &str) -> Self {
        let mut bytes = [0; 8];
        for (slot, byte) in bytes.iter_mut().zip(text.bytes()) {
            *slot = byte;
        }
        Self(bytes)
    }
    /// As on the wire.
    pub const fn bytes(&self) -> [u8; 8] {
        self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

/// `authentication` of an instance; version 2 only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Authentication {
    /// None (type 0).
    #[default]
    None,
    /// Simple text password (type 1).
    Pass(Password),
}

/// One line of `virtual_ipaddress`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VirtualAddress {
    /// The address.
    pub address: IpAddr,
    /// Prefix length; 32 or 128 when the line has none.
    pub prefix: u8,
    /// `dev`: the interface it goes on; the instance's when absent.
    pub interface: Option<String>,
    /// `label`: an interface label for `ip addr`.
    pub label: Option<String>,
}

impl fmt::Display for VirtualAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// When gratuitous ARP is sent (`garp_*` words; keepalived's defaults).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GratuitousArp {
    /// How many at once for each address on becoming master (`garp_master_repeat`, 5).
    pub repeat: u32,
    /// How long after the transition the second round goes out (`garp_master_delay`, 5 s; zero: no second round).
    pub delay: Duration,
    /// Time between rounds while master (`garp_master_refresh`, zero: never).
    pub refresh: Duration,
    /// How many in a refresh round (`garp_master_refresh_repeat`, 1).
    pub refresh_repeat: u32,
}

impl Default for GratuitousArp {
    fn default() -> Self {
        Self { repeat: 5, delay: Duration::from_secs(5), refresh: Duration::ZERO, refresh_repeat: 1 }
    }
}

/// A `vrrp_instance`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualRouter {
    /// Its name in the file; unique.
    pub name: String,
    /// `interface`.
    pub interface: String,
    /// `virtual_router_id`.
    pub vrid: Vrid,
    /// Family of the advertisements: that of the first virtual address, IPv4 when there is none.
    pub family: Family,
    /// `version`, or the global one.
    pub version: VrrpVersion,
    /// `state`.
    pub start_state: StartState,
    /// `priority`; 100 by default, 255 with `state MASTER` and no `priority`.
    pub priority: Priority,
    /// `advert_int`.
    pub advert_interval: AdvertInterval,
    /// False with `nopreempt`.
    pub preempt: bool,
    /// `preempt_delay`, zero by default.
    pub preempt_delay: Duration,
    /// `authentication`.
    pub authentication: Authentication,
    /// `virtual_ipaddress`: advertised and put on the interface while master.
    pub addresses: Vec<VirtualAddress>,
    /// `garp_*`.
    pub garp: GratuitousArp,
    /// `track_script`, by name and weight.
    pub track_scripts: Vec<TrackScript>,
}

impl VirtualRouter {
    /// Whether this and another configuration are one and the same router to the others on the link.
    pub fn is_same_to_others(&self, other: &Self) -> bool {
        let key = |router: &Self| (router.vrid, router.family, router.version);
        key(self) == key(other) && self.interface == other.interface
    }
}

/// A `vrrp_sync_group`: members move together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncGroup {
    /// Its name.
    pub name: String,
    /// Names of its instances, in file order.
    pub members: Vec<String>,
}

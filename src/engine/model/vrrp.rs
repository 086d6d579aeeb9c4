//! What a configuration says about virtual routers.

use super::notify::Notifications;
use super::routing::Routing;
use super::track::Track;
use super::transport::Transport;
use super::virtual_link::VirtualLink;
use super::{AddressRemovedPolicy, AdvertInterval, Family, Priority, Settings, SplitBrainPolicy, Vrid};
use serde::Serialize;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
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

impl Authentication {
    /// Its password, whatever it is for.
    pub const fn password(self) -> Option<Password> {
        match self {
            Self::None => None,
            Self::Pass(password) | Self::Ah(password) => Some(password),
        }
    }
}

/// `authentication` of an instance; version 2 only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Authentication {
    /// None (type 0).
    #[default]
    None,
    /// Simple text password (type 1).
    Pass(Password),
    /// An IP Authentication Header with this key (type 2).
    Ah(Password),
}

/// One line of `virtual_ipaddress`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct VirtualAddress {
    /// The address.
    pub address: IpAddr,
    /// Prefix length; 32 or 128 when the line has none.
    pub prefix: u8,
    /// `dev`, or the virtual interface of `use_vmac`: the interface it goes on; the instance's when absent.
    pub interface: Option<String>,
    /// `label`: an interface label for `ip addr`.
    pub label: Option<String>,
    /// False in `virtual_ipaddress_excluded`: it moves with the others, and no advertisement names it.
    pub advertised: bool,
    /// How often an advertisement names it: once for each line that does, 1 as a rule. keepalived refuses another number of
    /// addresses than its own.
    pub times: u8,
    /// The other words behind it.
    pub options: AddressOptions,
}

impl VirtualAddress {
    /// An advertised address without a word behind it.
    pub fn new(address: IpAddr, prefix: u8) -> Self {
        Self {
            address,
            prefix,
            interface: None,
            label: None,
            advertised: true,
            times: 1,
            options: AddressOptions::default(),
        }
    }
}

/// How an address is put on an interface (`uapi/linux/if_addr.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[allow(clippy::struct_excessive_bools)] // each is a word of its own
pub struct AddressOptions {
    /// `scope`: 0 global, 200 site, 253 link, 254 host.
    pub scope: u8,
    /// `brd`.
    pub broadcast: Option<Ipv4Addr>,
    /// `peer`: the other end of a point-to-point link; the prefix length is of it.
    pub peer: Option<IpAddr>,
    /// `home`.
    pub home: bool,
    /// False with `-nodad`: an IPv6 address serves at once, unless its neighbours are to be asked first.
    pub skips_detection: bool,
    /// `mngtmpaddr`.
    pub manages_temporary: bool,
    /// `noprefixroute`.
    pub no_prefix_route: bool,
    /// `autojoin`.
    pub joins_group: bool,
    /// `preferred_lft`: nothing is sent from it after so many seconds unless it is asked for; [`u32::MAX`]: for ever. None: 0 of an
    /// IPv6 address with a prefix of 128, and for ever of others, as keepalived does.
    pub preferred: Option<u32>,
    /// False with `no_track`: nothing follows where somebody removes it.
    pub watched: bool,
    /// `use_vmac` behind it: on another interface or of another family, it goes on a virtual interface too.
    pub on_virtual_link: bool,
}

impl Default for AddressOptions {
    fn default() -> Self {
        Self {
            scope: 0,
            broadcast: None,
            peer: None,
            home: false,
            skips_detection: true,
            manages_temporary: false,
            no_prefix_route: false,
            joins_group: false,
            preferred: None,
            watched: true,
            on_virtual_link: false,
        }
    }
}

impl fmt::Display for VirtualAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// When gratuitous ARP is sent (`garp_*` words; keepalived's defaults).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct GratuitousArp {
    /// How many at once for each address on becoming master (`garp_master_repeat`, 5).
    pub repeat: u32,
    /// How long after the transition the second round goes out (`garp_master_delay`, 5 s; zero: no second round).
    #[serde(serialize_with = "super::dump::seconds")]
    pub delay: Duration,
    /// Time between rounds while master (`garp_master_refresh`, zero: never).
    #[serde(serialize_with = "super::dump::seconds")]
    pub refresh: Duration,
    /// How many in a refresh round (`garp_master_refresh_repeat`, 1).
    pub refresh_repeat: u32,
    /// How many when a losing advertisement was heard (`garp_lower_prio_repeat`; that of a new master).
    pub lower_priority_repeat: Option<u32>,
    /// How long after that a second round goes out (`garp_lower_prio_delay`; that of a new master; zero: none).
    #[serde(serialize_with = "super::dump::maybe_seconds")]
    pub lower_priority_delay: Option<Duration>,
}

/// How far apart announcements on an interface are (`vrrp_garp_interval`, `vrrp_gna_interval`, `garp_group`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct AnnouncementPace {
    /// Between two gratuitous ARPs; zero: none.
    #[serde(serialize_with = "super::dump::seconds")]
    pub garp: Duration,
    /// Between two unsolicited neighbour advertisements.
    #[serde(serialize_with = "super::dump::seconds")]
    pub gna: Duration,
    /// Interfaces with a pace of their own.
    pub groups: Vec<PaceGroup>,
}

/// A `garp_group`: its interfaces share one pace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PaceGroup {
    /// `garp_interval`; the global one when absent.
    #[serde(serialize_with = "super::dump::maybe_seconds")]
    pub garp: Option<Duration>,
    /// `gna_interval`; the global one when absent.
    #[serde(serialize_with = "super::dump::maybe_seconds")]
    pub gna: Option<Duration>,
    /// `interface`, `interfaces`.
    pub interfaces: Vec<String>,
}

impl Default for GratuitousArp {
    fn default() -> Self {
        Self {
            repeat: 5,
            delay: Duration::from_secs(5),
            refresh: Duration::ZERO,
            refresh_repeat: 1,
            lower_priority_repeat: None,
            lower_priority_delay: None,
        }
    }
}

/// Where words make an instance behave otherwise than RFC 9568 has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[allow(clippy::struct_excessive_bools)] // each is a word of its own
pub struct Variations {
    /// `down_timer_adverts`: for how many intervals a master may be silent, 3.
    pub down_timer_adverts: u8,
    /// `higher_prio_send_advert`: a master that yields advertises once more.
    pub higher_prio_send_advert: bool,
    /// `lower_prio_no_advert`: a losing advertisement is not answered (RFC 5798).
    pub lower_prio_no_advert: bool,
    /// `skip_check_adv_addr`: the addresses of a master are compared when it is heard first, not each time.
    pub skip_check_adv_addr: bool,
    /// `v3_checksum_as_v2`: version 3 over IPv4 without a pseudo-header, as RFC 9568 has it.
    pub checksum_as_v2: bool,
    /// False with `no_accept`, and in strict mode without `accept`: what is sent to the addresses of a master that does not own
    /// them is dropped.
    pub accepts: bool,
    /// A planned hand-over in version 3 is announced with a short interval first (`vrrp.swift_handover` of lvsdeck.toml).
    pub swift_handover: bool,
    /// How many routers there are, this one included; 0: as many as are known (`vrrp.routers`).
    pub routers: u8,
    /// `vrrp.split_brain = "step-down-lower"`: who ranks lower yields to a master whose advertisements are refused.
    pub yields_to_refused: bool,
    /// `vrrp.address_removed = "step-down"`: a master whose address somebody removed gives mastership up.
    pub steps_down_without_address: bool,
}

impl Variations {
    /// Goes by `[vrrp]` of lvsdeck.toml.
    pub(super) fn follow(&mut self, settings: &Settings) {
        self.swift_handover = settings.swift_handover;
        self.routers = settings.routers;
        self.yields_to_refused = settings.split_brain == SplitBrainPolicy::StepDownLower;
        self.steps_down_without_address = settings.address_removed == AddressRemovedPolicy::StepDown;
    }
}

impl Default for Variations {
    fn default() -> Self {
        Self {
            down_timer_adverts: 3,
            higher_prio_send_advert: false,
            lower_prio_no_advert: false,
            skip_check_adv_addr: false,
            checksum_as_v2: false,
            accepts: true,
            swift_handover: true,
            routers: 0,
            yields_to_refused: false,
            steps_down_without_address: false,
        }
    }
}

/// A `vrrp_instance`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VirtualRouter {
    /// Its name in the file; unique.
    pub name: String,
    /// `interface`.
    pub interface: String,
    /// `virtual_router_id`.
    pub vrid: Vrid,
    /// Family of the advertisements: that of the first virtual address; without one IPv4, or IPv6 by `native_ipv6`.
    pub family: Family,
    /// `unicast_peer`, or multicast.
    pub transport: Transport,
    /// `unicast_src_ip` or `mcast_src_ip`: the address that advertisements come from; the interface's first otherwise.
    pub source: Option<IpAddr>,
    /// `version`, or the global one.
    pub version: VrrpVersion,
    /// `state`.
    pub start_state: StartState,
    /// `priority`; 100 by default, 255 with `state MASTER` and no `priority`.
    pub priority: Priority,
    /// `advert_int`.
    #[serde(serialize_with = "super::dump::interval")]
    pub advert_interval: AdvertInterval,
    /// False with `nopreempt`.
    pub preempt: bool,
    /// `preempt_delay`, zero by default.
    #[serde(serialize_with = "super::dump::seconds")]
    pub preempt_delay: Duration,
    /// `authentication`.
    pub authentication: Authentication,
    /// `virtual_ipaddress` and, not advertised, `virtual_ipaddress_excluded`: on the interface while master.
    pub addresses: Vec<VirtualAddress>,
    /// `use_vmac`, `use_vmac_addr`: the virtual interfaces that addresses of it are on.
    pub links: Vec<VirtualLink>,
    /// The one of them that advertisements come from; none: the interface itself.
    pub advertises_from: Option<String>,
    /// `virtual_routes`, then `virtual_rules`: there while master.
    pub routing: Vec<Routing>,
    /// `garp_*`.
    pub garp: GratuitousArp,
    /// `track_script`, `track_process`, `track_file`, `track_interface`, its own and those of its sync group.
    pub tracks: Vec<Track>,
    /// False with `dont_track_primary`: the state of its own interface does not count.
    pub tracks_interface: bool,
    /// Words that vary the protocol.
    pub variations: Variations,
    /// `notify*`.
    pub notifications: Notifications,
}

impl VirtualRouter {
    /// Whether this and another configuration are one and the same router to the others on the link.
    pub fn is_same_to_others(&self, other: &Self) -> bool {
        let key = |router: &Self| (router.vrid, router.family, router.version, router.transport.group());
        key(self) == key(other) && self.interface == other.interface
    }
}

/// A `vrrp_sync_group`: members move together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncGroup {
    /// Its name.
    pub name: String,
    /// Names of its instances, in file order.
    pub members: Vec<String>,
    /// `notify*`.
    pub notifications: Notifications,
}

//! What a configuration says about virtual and real servers.

use super::{CheckSpec, EdgeCommands, RealServerKey, Scheduler, ServiceKey, Tunnel, Weight};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// How packets reach a real server (`lb_kind`; `IP_VS_CONN_F_*` of `uapi/linux/ip_vs.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Forwarding {
    /// Network address translation; ipvsadm's `Masq`, `-m`.
    Nat,
    /// Direct routing; ipvsadm's `Route`, `-g`.
    Dr,
    /// A tunnel, of the kind that a [`Tunnel`] beside it says; ipvsadm's `Tunnel`, `-i`.
    Tun,
    /// A local process; ipvsadm's `Local`. Found in tables, never configured.
    Local,
}

impl Forwarding {
    /// The word of ipvsadm's table.
    pub const fn ipvsadm_name(self) -> &'static str {
        match self {
            Self::Nat => "Masq",
            Self::Dr => "Route",
            Self::Tun => "Tunnel",
            Self::Local => "Local",
        }
    }
    /// The option of ipvsadm.
    pub const fn ipvsadm_option(self) -> &'static str {
        match self {
            Self::Nat => "-m",
            Self::Dr | Self::Local => "-g",
            Self::Tun => "-i",
        }
    }
    /// Whether the real server sees the service's port whatever its own says (`DR` and `TUN` can't rewrite it).
    pub const fn keeps_port(self) -> bool {
        matches!(self, Self::Dr | Self::Tun)
    }
}

impl fmt::Display for Forwarding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Nat => "nat",
            Self::Dr => "dr",
            Self::Tun => "tun",
            Self::Local => "local",
        })
    }
}

/// `persistence_timeout` and `persistence_granularity`: a client stays on its real server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Persistence {
    /// Seconds; keepalived's default is 360 when the word has no number.
    pub timeout: u32,
    /// Prefix length of the client group: 32 or 128 is one client each.
    pub prefix: u8,
}

/// `quorum` and `hysteresis`, in weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Quorum {
    /// Weight needed, 1 by default.
    pub need: u32,
    /// Added on the way up, subtracted on the way down, 0 by default.
    pub hysteresis: u32,
}

impl Default for Quorum {
    fn default() -> Self {
        Self { need: 1, hysteresis: 0 }
    }
}

/// `sorry_server`: serves when the quorum is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SorryServer {
    /// Address and port.
    pub key: RealServerKey,
    /// `sorry_server_lvs_method`; the service's when absent.
    pub forwarding: Option<Forwarding>,
    /// What is around its packets where that method is a tunnel.
    #[serde(skip_serializing_if = "Tunnel::is_usual")]
    pub tunnel: Tunnel,
    /// `sorry_server_inhibit`: while it does not serve it has weight 0 instead of being outside.
    pub inhibit: bool,
}

/// What a service is in its `virtual_server_group`, whose services have the same servers and checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupRole {
    /// Scripts and FIFOs are told of the group when they are to be told of this service.
    Speaker,
    /// One of the others.
    Member,
}

/// A `virtual_server`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VirtualServer {
    /// What the kernel knows it by.
    pub key: ServiceKey,
    /// A name, when the file has one (`virtual_server_group` or a later word); the key otherwise.
    pub name: Option<String>,
    /// What it is in the group of that name; none outside of one.
    pub group: Option<GroupRole>,
    /// `lb_algo`, wlc by default.
    pub scheduler: Scheduler,
    /// `sh-port` and its like: bits of [`SCHEDULER_FLAGS`](super::SCHEDULER_FLAGS).
    pub scheduler_flags: u32,
    /// `lb_kind`, NAT by default: the forwarding of servers that say nothing.
    pub forwarding: Forwarding,
    /// What is around the packets to them where that is a tunnel.
    #[serde(skip_serializing_if = "Tunnel::is_usual")]
    pub tunnel: Tunnel,
    /// `persistence_timeout`.
    pub persistence: Option<Persistence>,
    /// The mask of IPv4 in the prefix's place where it has its ones not in front, 0.0.0.24 or 255.0.255.0.
    pub odd_mask: Option<Ipv4Addr>,
    /// `ops`: one-packet scheduling, of UDP and of marks only.
    pub one_packet: bool,
    /// `quorum`, `hysteresis`.
    pub quorum: Quorum,
    /// `sorry_server`.
    pub sorry_server: Option<SorryServer>,
    /// `omega`: the end of the engine is told as the end of its servers and its quorum.
    pub omega: bool,
    /// `ha_suspend`: nothing is checked while its address is not on this host.
    pub ha_suspend: bool,
    /// `quorum_up` and `quorum_down`; none where the file has neither.
    pub notify: Option<Box<EdgeCommands>>,
    /// `smtp_alert`: a quorum that is gained or lost is mailed.
    pub mails: bool,
    /// Its real servers, in file order; keys are unique.
    pub real_servers: Vec<RealServer>,
}

/// A `real_server`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RealServer {
    /// Address and port; the service's port when the file has none.
    pub key: RealServerKey,
    /// `weight`, 1 by default.
    pub weight: Weight,
    /// `lvs_method`, or the service's `lb_kind`.
    pub forwarding: Forwarding,
    /// What is around its packets where that is a tunnel.
    #[serde(skip_serializing_if = "Tunnel::is_usual")]
    pub tunnel: Tunnel,
    /// `inhibit_on_failure`: weight 0 instead of removal.
    pub inhibit_on_failure: bool,
    /// `uthreshold`, `lthreshold`; 0 is none.
    pub upper_threshold: u32,
    /// See `upper_threshold`.
    pub lower_threshold: u32,
    /// Its checks, in file order. All must pass.
    pub checks: Vec<Arc<CheckSpec>>,
    /// The file has checks for it, and none of them can be run yet: its health is unknown, and it stays in the table.
    pub unchecked: bool,
    /// `notify_up` and `notify_down`; none where the file has neither.
    pub notify: Option<Box<EdgeCommands>>,
    /// `smtp_alert`: that it goes down or comes up is mailed.
    pub mails: bool,
}

impl VirtualServer {
    /// A service with all words as they are by default, and no server.
    pub fn new(key: ServiceKey) -> Self {
        Self {
            key,
            name: None,
            group: None,
            scheduler: Scheduler::Wlc,
            scheduler_flags: 0,
            forwarding: Forwarding::Nat,
            tunnel: Tunnel::Ipip,
            persistence: None,
            odd_mask: None,
            one_packet: false,
            quorum: Quorum::default(),
            sorry_server: None,
            omega: false,
            ha_suspend: false,
            notify: None,
            mails: false,
            real_servers: Vec::new(),
        }
    }

    /// What is around the packets to a server that is added with this method: what its own servers have, where it is theirs.
    pub fn tunnel_of(&self, forwarding: Forwarding) -> Tunnel {
        if forwarding == self.forwarding { self.tunnel } else { Tunnel::default() }
    }
}

impl SorryServer {
    /// One that is reached as the others are.
    pub const fn new(key: RealServerKey) -> Self {
        Self { key, forwarding: None, tunnel: Tunnel::Ipip, inhibit: false }
    }
}

impl RealServer {
    /// A server with all words as they are by default, and no check.
    pub const fn new(key: RealServerKey) -> Self {
        Self {
            key,
            weight: Weight::DEFAULT,
            forwarding: Forwarding::Nat,
            tunnel: Tunnel::Ipip,
            inhibit_on_failure: false,
            upper_threshold: 0,
            lower_threshold: 0,
            checks: Vec::new(),
            unchecked: false,
            notify: None,
            mails: true,
        }
    }
}

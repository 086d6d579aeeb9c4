//! A table of services and destinations: the same type for what is wanted and for what the kernel has.

use crate::engine::model::{Blank, Forwarding, Persistence, RealServerKey, Seldom, ServiceKey, Tunnel, Weight};
use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

/// All services of one network namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IpvsTable {
    /// By key, in key order.
    pub services: BTreeMap<ServiceKey, Service>,
}

/// One service with its destinations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Kernel name of the scheduler; a name rather than [`Scheduler`](crate::engine::model::Scheduler), since the kernel
    /// may have one that we do not know.
    pub scheduler: String,
    /// Persistence, when the service has it.
    pub persistence: Option<Persistence>,
    /// The persistence mask of an IPv4 service when it is no prefix (255.0.255.0); it then counts in the prefix's place.
    pub odd_mask: Option<Ipv4Addr>,
    /// One-packet scheduling.
    pub one_packet: bool,
    /// The three scheduler flags as the kernel numbers them (bits 3–5 of `IP_VS_SVC_F_*`), 0 when none.
    pub scheduler_flags: u32,
    /// Persistence engine (`sip`).
    pub engine: Option<String>,
    /// By key.
    pub destinations: BTreeMap<RealServerKey, Destination>,
    /// What went through it; zero in a wanted table and never compared.
    pub traffic: Traffic,
}

/// One destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// How packets reach it.
    pub forwarding: Forwarding,
    /// What kind of tunnel; `Ipip` where the forwarding is none.
    pub tunnel: Tunnel,
    /// Its weight.
    pub weight: Weight,
    /// Upper connection threshold, 0 for none.
    pub upper_threshold: u32,
    /// Lower connection threshold, 0 for none.
    pub lower_threshold: u32,
    /// Active connections; 0 in a wanted table and never compared, like the next three.
    pub active: u32,
    /// Inactive connections.
    pub inactive: u32,
    /// Persistence templates.
    pub persistent: u32,
    /// What went through it.
    pub traffic: Seldom<Traffic>,
}

/// Totals from the kernel's 64-bit statistics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Connections scheduled.
    pub connections: u64,
    /// Packets in.
    pub in_packets: u64,
    /// Packets out.
    pub out_packets: u64,
    /// Bytes in.
    pub in_bytes: u64,
    /// Bytes out.
    pub out_bytes: u64,
}

impl Blank for Traffic {
    const BLANK: &'static Self = &Self { connections: 0, in_packets: 0, out_packets: 0, in_bytes: 0, out_bytes: 0 };
}

/// One change of the kernel's table. `New` and `Set` write the whole record, as the kernel demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IpvsOp {
    /// Add a service; its `destinations` are ignored (each has an operation of its own).
    NewService(ServiceKey, Box<Service>),
    /// Change scheduler, flags or persistence; connections stay.
    SetService(ServiceKey, Box<Service>),
    /// Remove a service with its destinations.
    DelService(ServiceKey),
    /// Add a destination.
    NewDestination(ServiceKey, RealServerKey, Destination),
    /// Change a destination.
    SetDestination(ServiceKey, RealServerKey, Destination),
    /// Remove a destination; its connections linger until they expire.
    DelDestination(ServiceKey, RealServerKey),
}

impl IpvsOp {
    /// The service it is about.
    pub const fn service(&self) -> ServiceKey {
        match self {
            Self::NewService(key, _)
            | Self::SetService(key, _)
            | Self::DelService(key)
            | Self::NewDestination(key, ..)
            | Self::SetDestination(key, ..)
            | Self::DelDestination(key, _) => *key,
        }
    }
}

/// Why the kernel did not do an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind, for decisions.
    pub kind: RefusalKind,
    /// A sentence with the key, the cause and the next step.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}

/// Kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The kernel has no `ip_vs` (ENOENT on the family).
    NoIpvs,
    /// `CAP_NET_ADMIN` is missing (EPERM).
    NotPermitted,
    /// It is there already (EEXIST).
    Exists,
    /// It is not there (ESRCH, ENOENT).
    Missing,
    /// The kernel has no such scheduler or persistence engine (ENOENT on a service).
    NoScheduler,
    /// The combination is not allowed (EINVAL).
    Invalid,
    /// No answer in time; the socket was opened anew.
    TimedOut,
    /// Anything else.
    Other,
}

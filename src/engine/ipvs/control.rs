//! What the kernel's IPVS has beside services: sync daemons and timeouts.

use std::net::IpAddr;

/// Which half of connection synchronisation a daemon does. Both may run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DaemonRole {
    /// Tells the others of its connections.
    Master,
    /// Takes over what it hears.
    Backup,
}

impl DaemonRole {
    /// ipvsadm's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Backup => "backup",
        }
    }
}

/// A connection synchronisation daemon. What is 0 or none is left to the kernel when one is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncDaemon {
    /// Which half.
    pub role: DaemonRole,
    /// The interface that it multicasts on.
    pub interface: String,
    /// Directors of the same number share connections, 0–255.
    pub sync_id: u32,
    /// Bytes of a message at most; by default what fits the interface.
    pub max_length: u16,
    /// The multicast group, 224.0.0.81 by default (kernel 4.3).
    pub group: Option<IpAddr>,
    /// UDP port, 8848 by default (kernel 4.3).
    pub port: u16,
    /// Hops, 1 by default (kernel 4.3).
    pub ttl: u8,
}

/// How long connections live without a packet, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP, established. 0 keeps what is, when set.
    pub tcp: u32,
    /// TCP, after a FIN.
    pub tcp_fin: u32,
    /// UDP.
    pub udp: u32,
}

//! The words `lvs_*` of `global_defs`: what is set in the kernel's IPVS beside services.

use serde::Serialize;
use std::net::IpAddr;

/// What is set in the kernel's IPVS beside services.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LvsWords {
    /// `lvs_sync_daemon`: connections are shared with the other director.
    pub sync_daemon: Option<SyncDaemonWords>,
    /// `lvs_timeouts`.
    pub timeouts: LvsTimeouts,
    /// `lvs_flush`: services that the file does not name are removed at the start.
    pub flush: bool,
    /// `lvs_flush_on_stop`: all services are removed at the end, whoever made them.
    pub flush_on_stop: bool,
}

/// `lvs_timeouts`: seconds without a packet; 0 leaves the kernel's value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LvsTimeouts {
    /// `tcp`.
    pub tcp: u32,
    /// `tcpfin`.
    pub tcp_fin: u32,
    /// `udp`.
    pub udp: u32,
}

/// `lvs_sync_daemon`. What is 0 or none is left to the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncDaemonWords {
    /// The interface that it multicasts on.
    pub interface: String,
    /// The instance that it follows: it sends while that is master, and receives otherwise. Without one it does both.
    pub instance: Option<String>,
    /// `id`: directors of the same number share connections; the instance's VRID without it.
    pub id: Option<u8>,
    /// `maxlen`, bytes.
    pub max_length: u16,
    /// `port`.
    pub port: u16,
    /// `ttl`.
    pub ttl: u8,
    /// `group`.
    pub group: Option<IpAddr>,
}

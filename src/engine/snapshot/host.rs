//! How busy the director's host is: processors, memory, and what its interfaces counted.

use super::rfc3339;
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// The load of a host: `GET /v1/host`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostLoad {
    /// When it was read.
    #[serde(with = "rfc3339")]
    pub at: SystemTime,
    /// Milliseconds since it was read before: what `cpu_percent` and the rates are of. None (`null`) the first time, and when
    /// nobody has asked for a minute.
    pub over_ms: Option<u64>,
    /// Processors.
    pub cpus: u64,
    /// How busy they were, all together, percent.
    pub cpu_percent: Option<f64>,
    /// Load averages of 1, 5 and 15 minutes (`proc(5)`, `/proc/loadavg`).
    pub load: [f64; 3],
    /// Memory, bytes.
    pub memory_bytes: u64,
    /// What programs can still have of it, bytes.
    pub memory_available_bytes: u64,
    /// Swap, bytes.
    pub swap_bytes: u64,
    /// Swap in use, bytes.
    pub swap_used_bytes: u64,
    /// Seconds since the host started.
    pub uptime_s: u64,
    /// Interfaces in the kernel's order.
    pub interfaces: Vec<InterfaceLoad>,
}

/// What an interface counted since it came (`proc(5)`, `/proc/net/dev`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InterfaceLoad {
    /// Its name.
    pub name: String,
    /// Received.
    pub rx: InterfaceCounters,
    /// Sent.
    pub tx: InterfaceCounters,
    /// How fast; none (`null`) where `over_ms` is, and of an interface that came since.
    pub rates: Option<InterfaceRates>,
}

/// One direction of an interface.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceCounters {
    /// Bytes.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Errors of all kinds.
    pub errors: u64,
    /// Packets that had no room.
    pub dropped: u64,
}

/// How fast an interface counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct InterfaceRates {
    /// Bytes received a second.
    pub rx_bytes_per_s: f64,
    /// Packets received a second.
    pub rx_packets_per_s: f64,
    /// Bytes sent a second.
    pub tx_bytes_per_s: f64,
    /// Packets sent a second.
    pub tx_packets_per_s: f64,
}

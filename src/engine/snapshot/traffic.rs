//! How much went through a service or a real server, and how fast.

use crate::engine::model::Blank;
use serde::{Deserialize, Serialize};

/// Monotonic counters of a service or a real server, from the kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Connections scheduled.
    pub connections: u64,
    /// Packets from clients.
    pub in_packets: u64,
    /// Packets to clients (0 with DR and TUN: they take another way).
    pub out_packets: u64,
    /// Bytes from clients.
    pub in_bytes: u64,
    /// Bytes to clients.
    pub out_bytes: u64,
}

/// Rates a second, from two samples of the counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rates {
    /// Connections.
    pub connections_per_s: f64,
    /// Packets from clients.
    pub in_packets_per_s: f64,
    /// Packets to clients.
    pub out_packets_per_s: f64,
    /// Bytes from clients.
    pub in_bytes_per_s: f64,
    /// Bytes to clients.
    pub out_bytes_per_s: f64,
}

impl Blank for Counters {
    const BLANK: &'static Self = &Self { connections: 0, in_packets: 0, out_packets: 0, in_bytes: 0, out_bytes: 0 };
}

impl Blank for Rates {
    const BLANK: &'static Self = &Self {
        connections_per_s: 0.0,
        in_packets_per_s: 0.0,
        out_packets_per_s: 0.0,
        in_bytes_per_s: 0.0,
        out_bytes_per_s: 0.0,
    };
}

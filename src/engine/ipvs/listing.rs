//! A table as the kernel lists it: in its own order, with its own rates, which the reconciler has no use for.

use super::{Destination, Service, Traffic};
use crate::engine::model::{RealServerKey, ServiceKey};

/// Rates a second as the kernel's estimator has them: a moving average in steps of two seconds, bytes as bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KernelRates {
    /// Connections.
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

/// A service in a listing; its destinations stand beside it, in the kernel's order, not within.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceEntry {
    /// What it is known by.
    pub key: ServiceKey,
    /// Its settings and totals.
    pub service: Service,
    /// Its rates.
    pub rates: KernelRates,
    /// Its destinations.
    pub servers: Vec<ServerEntry>,
}

/// A destination in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerEntry {
    /// What it is known by.
    pub key: RealServerKey,
    /// Its settings, connections and totals.
    pub destination: Destination,
    /// Its rates.
    pub rates: KernelRates,
}

/// What the kernel counts in all, now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveTotals {
    /// Of all services since `ip_vs` was loaded.
    pub traffic: Traffic,
    /// Whether the kernel adds the counters of services and servers up.
    pub is_estimating: bool,
    /// Whether clients that persistence binds to a server come to it at weight 0 too (`net.ipv4.vs.expire_quiescent_template` is 0).
    pub is_bound: bool,
}

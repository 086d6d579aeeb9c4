//! What is on the host as long as lvsdeck runs, whoever is master (`static_ipaddress`, `static_routes`, `static_rules`).

use super::routing::Routing;
use super::vrrp::VirtualAddress;
use serde::Serialize;

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Statics {
    /// `static_ipaddress`.
    pub addresses: Vec<StaticAddress>,
    /// `static_routes`, then `static_rules`.
    pub routing: Vec<Routing>,
}

/// A line of `static_ipaddress`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StaticAddress {
    /// The address, with its interface.
    pub address: VirtualAddress,
    /// Instances that are in FAULT while it is missing: those of its `track_group`.
    pub needed_by: Vec<String>,
}

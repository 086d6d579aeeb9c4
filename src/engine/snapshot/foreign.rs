//! Virtual routers of others on our interfaces, as every front shows them.

use super::{VirtualRouterStatus, rfc3339};
use crate::engine::model::Family;
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// A virtual router that is not configured here, heard on an interface where others are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignRouter {
    /// The interface.
    pub interface: String,
    /// Of which family its packets are.
    pub family: Family,
    /// Its VRID.
    pub vrid: u8,
    /// Who sent the last one.
    pub address: String,
    /// When.
    #[serde(with = "rfc3339")]
    pub last_heard_at: SystemTime,
    /// The priority of the last one that is wrong in nothing but its VRID (0: it resigned); none when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_priority: Option<u8>,
    /// How many, by what keeps them from counting.
    pub counters: ForeignCounters,
}

impl ForeignRouter {
    /// Whether it is heard where this instance is.
    pub fn is_beside(&self, router: &VirtualRouterStatus) -> bool {
        (&self.interface, self.family) == (&router.interface, router.family)
    }
}

/// Packets for a VRID that is not configured here, since it was heard first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignCounters {
    /// Advertisements that are wrong in nothing but their VRID, as far as was looked.
    pub rejected_vrid: u64,
    /// TTL or hop limit not 255.
    pub rejected_ttl: u64,
    /// Neither version 2 nor 3.
    pub rejected_version: u64,
    /// Not an advertisement.
    pub rejected_type: u64,
}

impl ForeignCounters {
    /// Each with its cause, in a fixed order.
    pub fn by_cause(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let Self { rejected_vrid, rejected_ttl, rejected_version, rejected_type } = *self;
        [("vrid", rejected_vrid), ("ttl", rejected_ttl), ("version", rejected_version), ("type", rejected_type)]
            .into_iter()
    }
}

//! What the kernel's IPVS counts in all.

use super::{Counters, Rates};
use serde::{Deserialize, Serialize};

/// Everything that is balanced in the engine's network namespace, whoever made the services.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct IpvsTotals {
    /// Live: the kernel's own counts, which no estimator delays and no zeroing resets.
    pub counters: Counters,
    /// From these.
    pub rates: Rates,
    /// The counters and rates of services and servers stand still (`net.ipv4.vs.run_estimation` is 0, or was a moment ago).
    pub stale: bool,
}

//! The kernel's schedulers by name. One table: parsing, help and the console's chooser read it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A connection scheduler of the kernel (`net/netfilter/ipvs`, module `ip_vs_<name>`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheduler {
    /// Round robin.
    Rr,
    /// Weighted round robin.
    Wrr,
    /// Least connections.
    Lc,
    /// Weighted least connections, the default.
    Wlc,
    /// Locality-based least connections.
    Lblc,
    /// Locality-based least connections with replication.
    Lblcr,
    /// Destination hashing.
    Dh,
    /// Source hashing.
    Sh,
    /// Maglev hashing (kernel 4.18).
    Mh,
    /// Shortest expected delay.
    Sed,
    /// Never queue.
    Nq,
    /// Weighted failover.
    Fo,
    /// Weighted overflow.
    Ovf,
    /// Power of two choices (kernel 5.13).
    Twos,
}

/// Every scheduler with its kernel name and what it does in a line.
pub const SCHEDULERS: &[(Scheduler, &str, &str)] = &[
    (Scheduler::Rr, "rr", "round robin"),
    (Scheduler::Wrr, "wrr", "weighted round robin"),
    (Scheduler::Lc, "lc", "least connections"),
    (Scheduler::Wlc, "wlc", "weighted least connections"),
    (Scheduler::Lblc, "lblc", "locality-based least connections"),
    (Scheduler::Lblcr, "lblcr", "locality-based least connections with replication"),
    (Scheduler::Dh, "dh", "destination hashing"),
    (Scheduler::Sh, "sh", "source hashing"),
    (Scheduler::Mh, "mh", "maglev hashing"),
    (Scheduler::Sed, "sed", "shortest expected delay"),
    (Scheduler::Nq, "nq", "never queue"),
    (Scheduler::Fo, "fo", "weighted failover"),
    (Scheduler::Ovf, "ovf", "weighted overflow"),
    (Scheduler::Twos, "twos", "power of two choices"),
];

impl Scheduler {
    /// The scheduler that the kernel calls `name`; none when the kernel has no such one.
    pub fn from_name(name: &str) -> Option<Self> {
        SCHEDULERS.iter().find(|(_, n, _)| *n == name).map(|(s, _, _)| *s)
    }
    /// The kernel's name.
    pub fn name(self) -> &'static str {
        SCHEDULERS.iter().find(|(s, _, _)| *s == self).map_or("wlc", |(_, n, _)| n)
    }
}

impl fmt::Display for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

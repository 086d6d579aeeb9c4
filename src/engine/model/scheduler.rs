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

/// The flags of schedulers by the words of keepalived and ipvsadm, the scheduler that gives them a meaning (none: whichever
/// it is), and the kernel's bit (`IP_VS_SVC_F_SCHED1` to `3`, `uapi/linux/ip_vs.h`).
pub const SCHEDULER_FLAGS: [(&str, Option<Scheduler>, u32); 7] = [
    ("sh-fallback", Some(Scheduler::Sh), 0x08),
    ("sh-port", Some(Scheduler::Sh), 0x10),
    ("mh-fallback", Some(Scheduler::Mh), 0x08),
    ("mh-port", Some(Scheduler::Mh), 0x10),
    ("flag-1", None, 0x08),
    ("flag-2", None, 0x10),
    ("flag-3", None, 0x20),
];

/// The flags that are set, by the names that the scheduler of this name gives them.
pub fn scheduler_flag_names(bits: u32, scheduler: &str) -> String {
    let of = Scheduler::from_name(scheduler);
    let named: Vec<_> = SCHEDULER_FLAGS.iter().filter(|(_, flag_of, _)| flag_of.is_some() && *flag_of == of).collect();
    let rows =
        if named.is_empty() { SCHEDULER_FLAGS.iter().filter(|(_, of, _)| of.is_none()).collect() } else { named };
    let set: Vec<_> = rows.iter().filter(|(.., bit)| bits & bit != 0).map(|(name, ..)| *name).collect();
    set.join(",")
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_the_names_that_their_scheduler_gives_them() {
        assert_eq!(scheduler_flag_names(0x18, "sh"), "sh-fallback,sh-port");
        assert_eq!(scheduler_flag_names(0x10, "mh"), "mh-port");
        assert_eq!((scheduler_flag_names(0x20, "mh").as_str(), scheduler_flag_names(0, "sh").as_str()), ("", ""));
        assert_eq!(scheduler_flag_names(0x38, "rr"), "flag-1,flag-2,flag-3");
    }
}

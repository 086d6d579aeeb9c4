//! What a loop's thread asks of the kernel's scheduler and memory.

use serde::Serialize;
use std::time::Duration;

/// The words `vrrp_*` (failover loop) or `checker_*` (balance loop) of `global_defs`. Nothing is asked for by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RealTime {
    /// `*_priority`: nice value, -20 to 19.
    pub nice: Option<i8>,
    /// `*_rt_priority`: `SCHED_FIFO` at this priority, 1 to 99.
    pub priority: Option<u8>,
    /// `*_cpu_affinity`: the processors that it may run on; all when empty.
    pub processors: Vec<u16>,
    /// `*_rlimit_rttime`: processor time without a pause.
    #[serde(serialize_with = "super::dump::maybe_seconds")]
    pub time_limit: Option<Duration>,
    /// `*_no_swap`: memory is locked.
    pub no_swap: bool,
}

//! Health probes, one file a check type. A probe says how long it took, or why it failed in a few words; what follows from
//! that is decided elsewhere.

pub mod tcp;

use crate::engine::model::CheckSpec;
use std::time::Duration;

/// Runs a check once.
///
/// # Errors
/// A few words for people: `connection refused`, `timeout`.
pub async fn run(spec: &CheckSpec) -> Result<Duration, String> {
    match spec {
        CheckSpec::Tcp(check) => tcp::connect(check).await,
    }
}

/// How many probes may be out at once: what this process may open, less what the rest of it needs. Raises the soft limit of
/// open files to the hard one first, since a probe that finds no descriptor would say of a healthy server that it is down.
#[allow(unsafe_code)]
pub fn capacity() -> usize {
    const REST: u64 = 200;
    const MOST: u64 = 20_000;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls get a valid pointer to a `rlimit` that outlives them.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) != 0 {
            return 256;
        }
        let raised = libc::rlimit { rlim_cur: limit.rlim_max.min(MOST + REST).max(limit.rlim_cur), ..limit };
        if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) == 0 {
            limit = raised;
        }
    }
    usize::try_from(limit.rlim_cur.saturating_sub(REST).clamp(16, MOST)).unwrap_or(256)
}

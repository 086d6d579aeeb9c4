//! Real-time words: what the kernel is asked for before privileges are dropped, and what a thread sets for itself after.
//!
//! Limits are raised first ([`raise_limits`]): `RLIMIT_RTPRIO` and `RLIMIT_NICE` let a thread without privileges set its own
//! policy, `RLIMIT_MEMLOCK` lets locked memory grow. A refusal is told with its remedy, and the engine runs without.

use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::RealTime;
use crate::engine::snapshot::Warning;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, Rlimit, getrlimit, setpriority_process, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::io;
use std::time::Duration;

/// A thread that takes this much longer than its limit is taken for one that will never pause, and the engine is ended.
const LAST: Duration = Duration::from_secs(1);

/// A word that could not be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfollowed {
    /// The word.
    pub word: String,
    /// What the system said.
    pub cause: String,
    /// What to do.
    pub next: String,
}

impl Unfollowed {
    fn new(half: &str, word: &str, cause: &io::Error, next: &str) -> Self {
        Self { word: format!("{half}_{word}"), cause: cause.to_string(), next: next.to_owned() }
    }

    fn message(&self) -> String {
        format!("it could not be followed: {}; the engine runs without it", self.cause)
    }

    /// For the status.
    pub fn into_warning(self) -> Warning {
        Warning { code: "real-time".to_owned(), message: self.message(), subject: self.word, next: self.next }
    }

    /// For the journal.
    pub fn into_fact(self) -> Fact {
        Fact::new(EventKind::Warning, Severity::Warning, &self.word).reason(self.message()).detail(self.next)
    }
}

/// Raises the limits of the process for both loops (`vrrp` and `checker`), and locks its memory where asked to. Call it
/// before the first thread, and catch `SIGXCPU` before: a thread that exceeds its `rlimit_rttime` raises it.
pub fn raise_limits(failover: &RealTime, balance: &RealTime) -> Vec<Unfollowed> {
    let mut unfollowed = Vec::new();
    for (half, thread) in [("vrrp", failover), ("checker", balance)] {
        if let Some(priority) = thread.priority {
            let refused = at_least(Resource::Rtprio, u64::from(priority)).err();
            let next = "run lvsdeck with CAP_SYS_RESOURCE or LimitRTPRIO=99 of its unit; a container may not allow it";
            unfollowed.extend(refused.map(|e| Unfollowed::new(half, "rt_priority", &e, next)));
        }
        if let Some(nice) = thread.nice.filter(|nice| *nice < 0) {
            let refused = at_least(Resource::Nice, u64::from((20 - i16::from(nice)).unsigned_abs())).err();
            let next = "run lvsdeck with CAP_SYS_RESOURCE or LimitNICE=-20 of its unit";
            unfollowed.extend(refused.map(|e| Unfollowed::new(half, "priority", &e, next)));
        }
    }
    if let Some((half, limit)) = one_time_limit(failover, balance) {
        let next = "it has to be below the limit that lvsdeck was started with (LimitRTTIME=)";
        unfollowed.extend(limit_time(limit).err().map(|e| Unfollowed::new(half, "rlimit_rttime", &e, next)));
    }
    let half = if failover.no_swap { "vrrp" } else { "checker" };
    if failover.no_swap || balance.no_swap {
        let next = "run lvsdeck with CAP_SYS_RESOURCE and CAP_IPC_LOCK, or LimitMEMLOCK=infinity of its unit";
        unfollowed.extend(lock_memory().err().map(|e| Unfollowed::new(half, "no_swap", &e, next)));
    }
    unfollowed
}

/// A process has one limit of this kind, for each of its threads: the larger of the two.
fn one_time_limit(failover: &RealTime, balance: &RealTime) -> Option<(&'static str, Duration)> {
    let both = [("vrrp", failover.time_limit), ("checker", balance.time_limit)];
    both.into_iter().filter_map(|(half, limit)| Some((half, limit?))).max_by_key(|(_, limit)| *limit)
}

/// Does for the calling thread what its words ask for.
pub fn enter(half: &str, thread: &RealTime) -> Vec<Unfollowed> {
    let mut unfollowed = Vec::new();
    let mut tell = |word, refused: io::Result<()>, next: &str| {
        unfollowed.extend(refused.err().map(|e| Unfollowed::new(half, word, &e, next)));
    };
    if !thread.processors.is_empty() {
        let mut set = CpuSet::new();
        thread.processors.iter().for_each(|number| set.set(usize::from(*number)));
        let next = "name processors that this host has and lvsdeck may use: see /proc/self/status, Cpus_allowed_list";
        tell("cpu_affinity", sched_setaffinity(None, &set).map_err(Into::into), next);
    }
    if let Some(nice) = thread.nice {
        // Of this thread alone: Linux keeps the value for each.
        let set = setpriority_process(None, i32::from(nice)).map_err(Into::into);
        tell("priority", set, "run lvsdeck with CAP_SYS_RESOURCE or LimitNICE=-20 of its unit");
    }
    if let Some(priority) = thread.priority {
        let next = "run lvsdeck with CAP_SYS_RESOURCE or LimitRTPRIO=99 of its unit; a container may not allow it";
        tell("rt_priority", first_in_first_out(priority), next);
    }
    unfollowed
}

/// `SCHED_FIFO` for the calling thread; threads that it makes start without.
#[allow(unsafe_code)]
fn first_in_first_out(priority: u8) -> io::Result<()> {
    let wanted = libc::sched_param { sched_priority: i32::from(priority) };
    // SAFETY: 0 is the calling thread, and `wanted` outlives the call.
    let done = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &raw const wanted) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Raises a limit to at least `wanted`.
fn at_least(resource: Resource, wanted: u64) -> io::Result<()> {
    let now = getrlimit(resource);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= wanted);
    if enough(now.current) {
        return Ok(());
    }
    let maximum = if enough(now.maximum) { now.maximum } else { Some(wanted) };
    Ok(setrlimit(resource, Rlimit { current: Some(wanted), maximum })?)
}

/// The kernel tells (`SIGXCPU`) when a real-time thread computes for longer than `limit` without a pause, and ends the process
/// a second later: its peer takes over then, which a loop that never comes to an end would keep from happening.
fn limit_time(limit: Duration) -> io::Result<()> {
    let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    let before = getrlimit(Resource::Rttime).maximum.unwrap_or(u64::MAX);
    let maximum = micros(limit + LAST).min(before);
    Ok(setrlimit(Resource::Rttime, Rlimit { current: Some(micros(limit).min(maximum)), maximum: Some(maximum) })?)
}

/// Pages are locked as they are touched (`MCL_ONFAULT`), so that what is only reserved costs nothing. Without an unlimited
/// `RLIMIT_MEMLOCK` it is not begun: once privileges are gone, an allocation that exceeds the limit would fail.
fn lock_memory() -> io::Result<()> {
    let unlimited = Rlimit { current: None, maximum: None };
    if getrlimit(Resource::Memlock) != unlimited {
        setrlimit(Resource::Memlock, unlimited)?;
    }
    Ok(mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_of_two_time_limits_counts_for_the_process() {
        let limited = |millis| RealTime { time_limit: Some(Duration::from_millis(millis)), ..RealTime::default() };
        let none = RealTime::default();
        assert_eq!(one_time_limit(&limited(50), &limited(10)), Some(("vrrp", Duration::from_millis(50))));
        assert_eq!(one_time_limit(&limited(10), &limited(50)), Some(("checker", Duration::from_millis(50))));
        assert_eq!(one_time_limit(&none, &limited(10)), Some(("checker", Duration::from_millis(10))));
        assert_eq!(one_time_limit(&none, &none), None);
    }
}

//! What the clocks say.

use crate::engine::advice::Clock;
use std::time::{Duration, SystemTime};

/// The wall clock and whether the kernel trusts it. Whether it jumped is for whoever looks twice.
#[allow(unsafe_code)]
pub(super) fn read() -> Clock {
    // SAFETY: all of `timex` is integers, for which zeros are a value; `modes` 0 asks and sets nothing (`adjtimex(2)`).
    let mut state: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: `state` is a `timex` that lives through the call.
    let result = unsafe { libc::adjtimex(&raw mut state) };
    let synchronised = (result >= 0).then_some(state.status & libc::STA_UNSYNC == 0);
    Clock { wall: Some(SystemTime::now()), synchronised, jump: None }
}

/// The wall clock, and the time since boot with sleep counted in, which nobody can set.
#[allow(unsafe_code)]
pub fn clocks() -> (SystemTime, Duration) {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a `timespec` that lives through the call; CLOCK_BOOTTIME exists since Linux 2.6.39.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    (SystemTime::now(), Duration::new(seconds, nanoseconds))
}

//! Waiting for descriptors and a deadline at once, with the kernel's full resolution, and waking up a waiter from another
//! thread.

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create,
    timerfd_settime,
};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// What may be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// Anything: each is to be looked at.
    All,
    /// These alone.
    Only(Vec<RawFd>),
}

impl Ready {
    /// Whether this one may be read.
    pub fn has(&self, descriptor: RawFd) -> bool {
        match self {
            Self::All => true,
            Self::Only(ready) => ready.contains(&descriptor),
        }
    }
}

/// Waits until one of `descriptors` can be read, for ever if need be, and says which can. A signal ends it early.
#[allow(unsafe_code)]
pub fn readable(descriptors: &[RawFd]) -> io::Result<Ready> {
    let mut polled: Vec<libc::pollfd> =
        descriptors.iter().map(|fd| libc::pollfd { fd: *fd, events: libc::POLLIN, revents: 0 }).collect();
    let count = libc::nfds_t::try_from(polled.len()).unwrap_or(0);
    // SAFETY: `polled` holds `count` initialised entries and outlives the call; null timeout and mask are allowed.
    let found = unsafe { libc::ppoll(polled.as_mut_ptr(), count, std::ptr::null(), std::ptr::null()) };
    let error = io::Error::last_os_error();
    if found >= 0 {
        return Ok(Ready::Only(polled.iter().filter(|polled| polled.revents != 0).map(|polled| polled.fd).collect()));
    }
    if error.kind() == io::ErrorKind::Interrupted { Ok(Ready::All) } else { Err(error) }
}

/// Whether one of `descriptors` can be read now.
#[allow(unsafe_code)]
pub fn is_any_readable(descriptors: &[RawFd]) -> bool {
    let mut polled: Vec<libc::pollfd> =
        descriptors.iter().map(|fd| libc::pollfd { fd: *fd, events: libc::POLLIN, revents: 0 }).collect();
    let count = libc::nfds_t::try_from(polled.len()).unwrap_or(0);
    // SAFETY: `polled` holds `count` initialised entries and outlives the call; a timeout of zero returns at once.
    unsafe { libc::poll(polled.as_mut_ptr(), count, 0) > 0 }
}

/// An alarm clock to wait for (`timerfd_create(2)`). A timeout of `ppoll` itself may be late by a thousandth of its length,
/// 3.6 ms when a master with an interval of one second falls silent; this one is not.
#[derive(Debug)]
pub struct Alarm {
    timer: OwnedFd,
    /// The same moment twice: as the kernel's clock has it, and as an `Instant`, which is of that clock.
    epoch: (Duration, Instant),
    /// What it is set to; none while it is off.
    at: Option<Instant>,
}

impl Alarm {
    /// A clock that is not set.
    pub fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        Ok(Self { timer, epoch: epoch(), at: None })
    }

    /// Makes it readable at that moment (none: never), and no more before.
    pub fn set(&mut self, at: Option<Instant>) -> io::Result<()> {
        if self.at == at {
            return Ok(());
        }
        let (clock, instant) = self.epoch;
        // All zero switches the clock off.
        let at_clock = at.map_or(Duration::ZERO, |at| match at.checked_duration_since(instant) {
            Some(later) => clock + later,
            None => clock.saturating_sub(instant.duration_since(at)).max(Duration::from_nanos(1)),
        });
        let once = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: Timespec {
                tv_sec: i64::try_from(at_clock.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: at_clock.subsec_nanos().into(),
            },
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once)?;
        self.at = at;
        Ok(())
    }
}

/// Both clocks at one moment, as near as some tries get: between two readings this thread may lose the processor.
fn epoch() -> (Duration, Instant) {
    let mut best = (Duration::MAX, Duration::ZERO, Instant::now());
    for _ in 0..8 {
        let before = Instant::now();
        let clock = clock_gettime(ClockId::Monotonic);
        let clock = Duration::new(clock.tv_sec.unsigned_abs(), u32::try_from(clock.tv_nsec).unwrap_or(0));
        best = best.min((before.elapsed(), clock, before));
    }
    (best.1, best.2)
}

impl AsRawFd for Alarm {
    fn as_raw_fd(&self) -> RawFd {
        self.timer.as_raw_fd()
    }
}

/// The two ends of a bell: one thread waits on the descriptor, others ring.
pub fn bell() -> io::Result<(Bell, Ear)> {
    let (ring, hear) = UnixStream::pair()?;
    ring.set_nonblocking(true)?;
    hear.set_nonblocking(true)?;
    Ok((Bell(ring), Ear(hear)))
}

/// Rings; may be shared by threads.
#[derive(Debug)]
pub struct Bell(UnixStream);

impl Bell {
    /// Wakes the waiter. A full pipe means that it is awake already.
    pub fn ring(&self) {
        let _ = (&self.0).write(&[1]);
    }
}

/// Hears.
#[derive(Debug)]
pub struct Ear(UnixStream);

impl Ear {
    /// Forgets all rings so far.
    pub fn clear(&self) {
        let mut sink = [0; 64];
        while matches!((&self.0).read(&mut sink), Ok(n) if n > 0) {}
    }
}

impl AsRawFd for Ear {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the descriptor can be read now: beside it waits an alarm that has rung.
    fn is_readable(descriptor: RawFd) -> bool {
        let mut polled = [libc::pollfd { fd: descriptor, events: libc::POLLIN, revents: 0 }];
        // SAFETY: one initialised entry that outlives the call; a timeout of zero returns at once.
        #[allow(unsafe_code)]
        let found = unsafe { libc::poll(polled.as_mut_ptr(), 1, 0) };
        found == 1
    }

    #[test]
    fn a_ring_from_another_thread_ends_the_wait_and_is_heard_once() {
        let (bell, ear) = bell().unwrap();
        std::thread::scope(|threads| _ = threads.spawn(|| bell.ring()));
        readable(&[ear.as_raw_fd()]).unwrap();
        ear.clear();
        assert!(!is_readable(ear.as_raw_fd()));
    }

    #[test]
    fn an_alarm_rings_once_its_time_is_over_and_can_be_set_anew_or_off() {
        let mut alarm = Alarm::new().unwrap();
        let begun = Instant::now();
        for at in
            [begun, begun.checked_sub(Duration::from_hours(1)).unwrap_or(begun), begun + Duration::from_millis(20)]
        {
            alarm.set(Some(at)).unwrap();
            assert_eq!(readable(&[alarm.as_raw_fd()]).unwrap(), Ready::Only(vec![alarm.as_raw_fd()]));
            assert!(Instant::now() >= at, "no sooner");
            alarm.set(Some(at)).unwrap();
            assert!(is_readable(alarm.as_raw_fd()), "its time is still over");
            alarm.set(Some(begun + Duration::from_hours(1))).unwrap();
            assert!(!is_readable(alarm.as_raw_fd()));
        }
        alarm.set(Some(begun)).unwrap();
        alarm.set(None).unwrap();
        assert!(!is_readable(alarm.as_raw_fd()));
    }

    #[test]
    fn what_can_be_read_is_named_and_nothing_else() {
        let ((bell, ear), (_silent, other)) = (bell().unwrap(), self::bell().unwrap());
        bell.ring();
        let ready = readable(&[other.as_raw_fd(), ear.as_raw_fd()]).unwrap();
        assert_eq!((ready.has(ear.as_raw_fd()), ready.has(other.as_raw_fd())), (true, false));
        assert!(Ready::All.has(other.as_raw_fd()));
    }
}

//! Waiting for descriptors and a deadline at once, with the kernel's full resolution, and waking up a waiter from another
//! thread.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Waits until one of `descriptors` can be read, for ever if need be. A signal ends it early.
#[allow(unsafe_code)]
pub fn readable(descriptors: &[RawFd]) -> io::Result<()> {
    let mut polled: Vec<libc::pollfd> =
        descriptors.iter().map(|fd| libc::pollfd { fd: *fd, events: libc::POLLIN, revents: 0 }).collect();
    let count = libc::nfds_t::try_from(polled.len()).unwrap_or(0);
    // SAFETY: `polled` holds `count` initialised entries and outlives the call; null timeout and mask are allowed.
    let found = unsafe { libc::ppoll(polled.as_mut_ptr(), count, std::ptr::null(), std::ptr::null()) };
    let error = io::Error::last_os_error();
    if found < 0 && error.kind() != io::ErrorKind::Interrupted { Err(error) } else { Ok(()) }
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
pub struct Alarm(OwnedFd);

impl Alarm {
    /// A clock that is not set.
    #[allow(unsafe_code)]
    pub fn new() -> io::Result<Self> {
        // SAFETY: timerfd_create takes two integers and touches no memory of ours.
        let descriptor = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and belongs to nobody else.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    /// Makes it readable after `left` (none: never), and no more before that.
    #[allow(unsafe_code)]
    pub fn set(&self, left: Option<Duration>) -> io::Result<()> {
        // All zero switches the clock off, so a deadline that has passed becomes one nanosecond.
        let left = left.map_or(Duration::ZERO, |left| left.max(Duration::from_nanos(1)));
        let once = libc::itimerspec {
            it_interval: libc::timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: libc::timespec {
                tv_sec: libc::time_t::try_from(left.as_secs()).unwrap_or(libc::time_t::MAX),
                tv_nsec: left.subsec_nanos().into(),
            },
        };
        // SAFETY: the descriptor is a timer of ours, `once` outlives the call, and the old value may be null.
        match unsafe { libc::timerfd_settime(self.0.as_raw_fd(), 0, &raw const once, std::ptr::null_mut()) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl AsRawFd for Alarm {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
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
        let alarm = Alarm::new().unwrap();
        alarm.set(Some(Duration::ZERO)).unwrap();
        readable(&[alarm.as_raw_fd()]).unwrap();
        alarm.set(Some(Duration::from_hours(1))).unwrap();
        assert!(!is_readable(alarm.as_raw_fd()));
        alarm.set(None).unwrap();
        assert!(!is_readable(alarm.as_raw_fd()));
    }
}

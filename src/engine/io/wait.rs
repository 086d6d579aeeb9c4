//! Waiting for descriptors and a deadline at once, with the kernel's full resolution (`ppoll(2)`), and waking up a waiter
//! from another thread.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Waits until one of `descriptors` can be read or `timeout` is over (none: for ever). Gives which can be read. A signal
/// ends it early, with none.
#[allow(unsafe_code)]
pub fn readable(descriptors: &[RawFd], timeout: Option<Duration>) -> io::Result<Vec<bool>> {
    let mut polled: Vec<libc::pollfd> =
        descriptors.iter().map(|fd| libc::pollfd { fd: *fd, events: libc::POLLIN, revents: 0 }).collect();
    let limit = timeout.map(|t| libc::timespec {
        tv_sec: libc::time_t::try_from(t.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: t.subsec_nanos().into(),
    });
    let limit_pointer = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let count = libc::nfds_t::try_from(polled.len()).unwrap_or(0);
    // SAFETY: `polled` holds `count` initialised entries and outlives the call; the timespec does too; a null mask is allowed.
    let found = unsafe { libc::ppoll(polled.as_mut_ptr(), count, limit_pointer, std::ptr::null()) };
    if found < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
        return Ok(vec![false; descriptors.len()]);
    }
    Ok(polled.iter().map(|p| p.revents != 0).collect())
}

/// Asks the kernel to fire this thread's timers within a microsecond instead of its default 50 (`prctl(2)`).
#[allow(unsafe_code)]
pub fn sharpen_timers() {
    // SAFETY: PR_SET_TIMERSLACK takes one integer and touches no memory of ours; failure leaves the default, which is safe.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_000) };
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

    #[test]
    fn a_ring_from_another_thread_ends_the_wait_and_is_heard_once() {
        let (bell, ear) = bell().unwrap();
        std::thread::scope(|threads| _ = threads.spawn(|| bell.ring()));
        assert_eq!(readable(&[ear.as_raw_fd()], None).unwrap(), [true]);
        ear.clear();
        assert_eq!(readable(&[ear.as_raw_fd()], Some(Duration::ZERO)).unwrap(), [false]);
    }
}

//! Options of sockets that no library of ours sets.

use std::io;
use std::os::fd::AsRawFd;

/// Sets an option whose value is a number (`setsockopt(2)`).
#[allow(unsafe_code)]
pub(super) fn set(
    socket: &impl AsRawFd,
    (level, option): (libc::c_int, libc::c_int),
    value: libc::c_int,
) -> io::Result<()> {
    let size = libc::socklen_t::try_from(size_of_val(&value)).unwrap_or_default();
    // SAFETY: `value` is `size` bytes that live through the call, and the descriptor is open while `socket` lives.
    let set = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const value).cast(), size) };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

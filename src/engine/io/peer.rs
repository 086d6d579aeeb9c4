//! What the kernel says of the process at the other end of a Unix socket, beyond its user and process.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Most supplementary groups that are asked for: more than any account has in practice.
const MOST: usize = 1024;
/// The login uid of a process that belongs to nobody's login.
const UNSET: u32 = u32::MAX;

/// The supplementary groups that the peer of a connected Unix socket had when it connected (`SO_PEERGROUPS`, `unix(7)`).
///
/// Errors on a kernel before 4.13, and for a peer in more than 1,024 groups.
#[allow(unsafe_code)]
pub fn peer_groups(socket: BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    let mut groups = vec![0_u32; MOST];
    let mut length = libc::socklen_t::try_from(size_of_val(groups.as_slice())).map_err(io::Error::other)?;
    // SAFETY: the kernel writes at most `length` bytes to `groups`, which has so many and outlives the call, and the length
    // written to `length`; the descriptor is open as long as `socket` is borrowed.
    let failed = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERGROUPS,
            groups.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if failed != 0 {
        return Err(io::Error::last_os_error());
    }
    groups.truncate(usize::try_from(length).map_err(io::Error::other)? / size_of::<u32>());
    Ok(groups)
}

/// Who logged in to start this process, whatever it became since by `sudo` or `su` (`/proc/PID/loginuid`). None for what no
/// login started, for a process that is gone, and on a kernel without auditing.
pub fn login_user(pid: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/loginuid")).ok()?;
    text.trim().parse().ok().filter(|user| *user != UNSET)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn the_groups_of_a_peer_are_those_of_its_process() {
        let (one, _other) = UnixStream::pair().unwrap();
        let mut found = peer_groups(one.as_fd()).unwrap();
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap();
        let mut mine: Vec<u32> = line.split_whitespace().map(|group| group.parse().unwrap()).collect();
        found.sort_unstable();
        mine.sort_unstable();
        assert_eq!(found, mine);
    }
}

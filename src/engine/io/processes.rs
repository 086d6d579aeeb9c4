//! Other programs' processes: finding, freezing and ending them. A process is held by a descriptor (`pidfd_open(2)`), so that
//! a number that was given to somebody else meanwhile is never hit.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// One process of another program.
#[derive(Debug)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    descriptor: OwnedFd,
}

impl Process {
    /// Takes hold of a process. Errors: it has gone.
    #[allow(unsafe_code)]
    pub fn hold(pid: u32) -> io::Result<Self> {
        let number = i32::try_from(pid).map_err(io::Error::other)?;
        // SAFETY: pidfd_open takes two integers and touches no memory of ours.
        let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, number, 0) };
        let descriptor = i32::try_from(descriptor).unwrap_or(-1);
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just given us this descriptor, and nobody else has it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        let parent = parent.and_then(|number| number.trim().parse().ok()).unwrap_or(0);
        Ok(Self { pid, parent, descriptor })
    }

    /// It runs no further (`SIGSTOP`) until [`thaw`](Self::thaw).
    pub fn freeze(&self) -> io::Result<()> {
        self.signal(libc::SIGSTOP)
    }

    /// It goes on.
    pub fn thaw(&self) -> io::Result<()> {
        self.signal(libc::SIGCONT)
    }

    /// It ends without another instruction of its own (`SIGKILL`).
    pub fn kill(&self) -> io::Result<()> {
        self.signal(libc::SIGKILL)
    }

    #[allow(unsafe_code)]
    fn signal(&self, signal: i32) -> io::Result<()> {
        let none = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: the descriptor is open, and a null siginfo asks the kernel to fill in its own.
        let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, self.descriptor.as_raw_fd(), signal, none, 0) };
        if sent == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Waits until it has ended; false when it has not in time.
    pub fn wait_gone(&self, limit: Duration) -> bool {
        let mut waited = [libc::pollfd { fd: self.descriptor.as_raw_fd(), events: libc::POLLIN, revents: 0 }];
        let limit = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
        #[allow(unsafe_code)]
        // SAFETY: the array lives through the call and has the length that is given.
        let ready = unsafe { libc::poll(waited.as_mut_ptr(), 1, limit) };
        ready > 0
    }
}

/// Processes with this name in this process's network namespace, of whatever user.
pub fn here(name: &str) -> Vec<u32> {
    let Some(here) = network(Path::new("/proc/self")) else { return Vec::new() };
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .filter(|(_, process)| is_called(process, name))
        .filter(|(_, process)| network(process) == Some(here))
        .map(|(pid, _)| pid)
        .collect()
}

/// What stands for a process's network namespace: the inode of a file that each has of its own (`fs/proc/generic.c`,
/// `proc_alloc_inum`). Unlike the link `ns/net`, which a process without `CAP_SYS_PTRACE` can't read of one that has more
/// capabilities, it may be read by everybody.
fn network(process: &Path) -> Option<u64> {
    fs::metadata(process.join("net/dev")).ok().map(|found| found.ino())
}

/// The keepalived processes here that are directors: one that only tests a file, or says its version, is none.
pub fn keepalived() -> Vec<u32> {
    let is_director = |pid: &u32| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        !words.split(|byte| *byte == 0).skip(1).any(ends_at_once)
    };
    here("keepalived").into_iter().filter(is_director).collect()
}

/// Whether keepalived does only this and ends, by a word of its command line (keepalived(8)).
fn ends_at_once(word: &[u8]) -> bool {
    let whole: [&[u8]; 4] = [b"-v", b"--version", b"-h", b"--help"];
    whole.contains(&word) || word.starts_with(b"-t") || word.starts_with(b"--config-test")
}

fn is_called(process: &Path, name: &str) -> bool {
    fs::read_to_string(process.join("comm")).is_ok_and(|comm| comm.trim_end() == name)
}

/// The systemd unit that a process belongs to, if it is a service's.
pub fn unit(pid: u32) -> Option<String> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let name = groups.lines().filter_map(|line| line.rsplit('/').next()).find(|name| name.ends_with(".service"))?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command, Stdio};

    fn cat() -> Child {
        Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
    }

    fn state(pid: u32) -> char {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("State:")).unwrap();
        line.trim().chars().next().unwrap()
    }

    #[test]
    fn a_frozen_process_stands_still_goes_on_when_thawed_and_ends_when_killed() {
        use std::io::{Read, Write};
        let mut child = cat();
        let process = Process::hold(child.id()).unwrap();
        assert_eq!(process.parent, std::process::id());
        process.freeze().unwrap();
        while state(child.id()) != 'T' {
            std::thread::yield_now();
        }
        process.thaw().unwrap();
        child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        assert!(!process.wait_gone(Duration::ZERO));
        process.freeze().unwrap();
        process.kill().unwrap();
        assert!(process.wait_gone(Duration::from_secs(10)));
        child.wait().unwrap();
        assert!(process.kill().is_err(), "it has gone");
    }

    #[test]
    fn processes_are_found_by_name_in_this_network() {
        let mut child = cat();
        // Between fork and exec it still has our name.
        while !here("cat").contains(&child.id()) {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(here("no-such-program").is_empty());
    }

    #[test]
    fn a_keepalived_that_tests_a_file_is_no_director() {
        let words = ["-t", "--config-test", "--config-test=/tmp/log", "-v", "-n", "--vrrp", "-f", "/etc/-t"];
        let found = words.map(|word| ends_at_once(word.as_bytes()));
        assert_eq!(found, [true, true, true, true, false, false, false, false]);
    }
}

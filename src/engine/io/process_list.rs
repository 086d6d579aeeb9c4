//! The processes of this host, as `/proc` has them, and a descriptor of one that tells its end at once.

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;

/// A process that runs. A zombie is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Its number.
    pub pid: u32,
    /// Its own name, 15 bytes at most.
    pub name: String,
}

/// All that run.
pub fn list() -> io::Result<Vec<Running>> {
    let numbers = fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter_map(|pid| look(pid).transpose()).collect()
}

/// None: it ended meanwhile. Any other obstacle, as want of descriptors, says nothing about the process.
fn look(pid: u32) -> io::Result<Option<Running>> {
    let stat = match fs::read(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat,
        Err(error) if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let runs = parse(&stat).filter(|(_, state)| !matches!(state, b'Z' | b'X'));
    Ok(runs.map(|(name, _)| Running { pid, name }))
}

/// The name of a process, also of one that has just ended; none where nothing is left of it.
pub fn name(pid: u32) -> Option<String> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim_end().to_owned())
}

/// Name and state: `812 (a name (so)) S …`, proc(5).
fn parse(stat: &[u8]) -> Option<(String, u8)> {
    let open = stat.iter().position(|byte| *byte == b'(')?;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let name = String::from_utf8_lossy(stat.get(open + 1..close)?).into_owned();
    Some((name, *stat.get(close + 2)?))
}

/// The command line, the command first; empty for a thread of the kernel, or one that ended.
pub fn command_line(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let text = text.strip_suffix('\0').unwrap_or(&text);
    if text.is_empty() { Vec::new() } else { text.split('\0').map(str::to_owned).collect() }
}

/// Readable as soon as the process ends. None where it has, or the kernel gives none.
pub fn end_of(pid: u32) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_name_with_parentheses_and_spaces_is_read_whole() {
        assert_eq!(parse(b"12 (a (b) c) S 1 12"), Some(("a (b) c".to_owned(), b'S')));
        assert_eq!([parse(b"12 (a"), parse(b""), parse(b"12 (a)")], [None, None, None]);
    }

    #[test]
    fn a_child_is_listed_with_its_command_line_until_it_ends_and_not_as_a_zombie() {
        let mut child = Command::new("sh").args(["-c", "read x", "two words"]).stdin(Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        let wanted = ["sh", "-c", "read x", "two words"];
        // Between fork and exec it is still ours.
        while command_line(pid) != wanted {
            std::thread::yield_now();
        }
        assert!(list().unwrap().iter().any(|running| running.pid == pid && running.name == "sh"));
        let end = end_of(pid).unwrap();
        drop(child.stdin.take());
        crate::engine::io::wait::readable(&[std::os::fd::AsRawFd::as_raw_fd(&end)]).unwrap();
        assert!(!list().unwrap().iter().any(|running| running.pid == pid), "a zombie does not run");
        child.wait().unwrap();
    }
}

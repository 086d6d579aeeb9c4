//! What this process uses of its host, from `/proc/self`.

use crate::engine::ProcessFacts;
use std::fs;
use std::time::SystemTime;

/// Ticks a second in `/proc/PID/stat` (`USER_HZ`): 100 on every architecture that distributions still build for.
const TICKS: f64 = 100.0;

/// The facts as they are now; what can't be read is left out. Reads `/proc`.
pub(super) fn facts(started_at: SystemTime, events: u64) -> ProcessFacts {
    let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    let open = fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64);
    ProcessFacts {
        started_at: Some(started_at),
        events,
        open_files: open.zip(most_files(&read("limits"))),
        resident_bytes: resident_bytes(&read("status")),
        cpu_seconds: cpu_seconds(&read("stat")),
    }
}

/// `Max open files            1024                 524288               files`
fn most_files(limits: &str) -> Option<u64> {
    limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?.parse().ok()
}

/// `VmRSS:     6420 kB`
fn resident_bytes(status: &str) -> Option<u64> {
    let text = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    text.split_whitespace().next()?.parse().ok().map(|kib: u64| kib * 1024)
}

/// Fields 14 and 15 of `proc_pid_stat(5)`; the second one may have spaces, but no parenthesis after it has.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        assert_eq!(most_files("Limit  x\nMax open files            1024  524288  files\n"), Some(1024));
        assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t    6420 kB\n"), Some(6420 * 1024));
        assert_eq!(cpu_seconds("812 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0"), Some(2.0));
        assert_eq!((most_files(""), resident_bytes(""), cpu_seconds("")), (None, None, None));
        let facts = facts(SystemTime::UNIX_EPOCH, 0);
        assert!(facts.resident_bytes > Some(100_000) && facts.open_files.is_some_and(|(open, most)| open <= most));
    }
}

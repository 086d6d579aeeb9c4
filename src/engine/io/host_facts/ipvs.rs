//! The kernel's IPVS beside its services: size of the connection table, sync daemons, and how far the receiving one is behind.

use crate::engine::advice::IpvsFacts;
use crate::engine::io::ipvs_admin;
use crate::engine::ipvs::{DaemonRole, SyncDaemon};
use std::fs;
use std::path::Path;

/// Reads it; none where it can't be asked. Call it only where `ip_vs` is loaded: asking would load it.
pub(super) fn read(root: &Path) -> Option<IpvsFacts> {
    let mut kernel = ipvs_admin::open().ok()?;
    let (table_size, daemons) = (kernel.version().ok()?.table_size, kernel.daemons().ok()?);
    let (waiting, dropped) = backlog(root, &daemons);
    Some(IpvsFacts { table_size, daemons, waiting, dropped })
}

/// Bytes that wait, and messages that were dropped since the start, at the socket of the daemon that receives.
fn backlog(root: &Path, daemons: &[SyncDaemon]) -> (u64, u64) {
    let port = daemons.iter().find(|daemon| daemon.role == DaemonRole::Backup).map(|daemon| daemon.port);
    let Some(port) = port.filter(|port| *port > 0) else { return (0, 0) };
    let read = |name: &str| fs::read_to_string(root.join("proc/thread-self/net").join(name)).unwrap_or_default();
    let text = read("udp") + &read("udp6");
    text.lines().filter_map(|line| socket(line, port)).fold((0, 0), |(a, b), (c, d)| (a + c, b + d))
}

/// `71: 51000070:2290 00000000:0000 07 00000000:00000A00 …  0 2 0000 12`: number, own end, other end, state, queues out:in, …, drops.
fn socket(line: &str, port: u16) -> Option<(u64, u64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let own = words.get(1)?.rsplit_once(':')?.1;
    if u16::from_str_radix(own, 16).ok()? != port {
        return None;
    }
    let waiting = u64::from_str_radix(words.get(4)?.split_once(':')?.1, 16).ok()?;
    Some((waiting, words.last()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    // As Linux writes `/proc/net/udp`.
    const LINE: &str = "  71: 510000E0:2290 00000000:0000 07 00000000:00012C00 00:00000000 00000000     0        0 0 2 0000000000000000 12";

    #[test]
    fn what_waits_and_what_was_dropped_is_read_of_the_daemons_port_alone() {
        assert_eq!(socket(LINE, 8_848), Some((76_800, 12)));
        assert_eq!(socket(LINE, 53), None);
        let head = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops";
        assert_eq!((socket(head, 8_848), socket("", 8_848)), (None, None));
    }

    #[test]
    fn without_a_daemon_that_receives_nothing_is_behind() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("proc/thread-self/net");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("udp"), LINE).unwrap();
        let daemon = |role| SyncDaemon {
            role,
            interface: "eth0".into(),
            sync_id: 1,
            max_length: 0,
            group: None,
            port: 8_848,
            ttl: 1,
        };
        assert_eq!(backlog(place.path(), &[daemon(DaemonRole::Master)]), (0, 0));
        assert_eq!(backlog(place.path(), &[daemon(DaemonRole::Master), daemon(DaemonRole::Backup)]), (76_800, 12));
    }
}

//! The kernel's live totals: `/proc/net/ip_vs_stats_percpu`, and the words that say how the counters of services are to be read.
//!
//! What netlink says of a service is as of the estimator's last tick, 2 s apart, or of long ago where
//! `net.ipv4.vs.run_estimation` is 0. The numbered lines here are what the packet path itself counts.

use crate::engine::ipvs::{LiveTotals, Traffic};
use std::fs;
use std::path::Path;

/// Reads them for the calling thread's network namespace; none where there is no ip_vs. `root` is `/`.
pub fn read(root: &Path) -> Option<LiveTotals> {
    let table = fs::read_to_string(root.join("proc/thread-self/net/ip_vs_stats_percpu")).ok()?;
    let says = |name: &str, value| {
        let word = fs::read_to_string(root.join("proc/sys/net/ipv4/vs").join(name));
        word.is_ok_and(|word| word.trim() == value)
    };
    // `run_estimation` came with Linux 5.16; before, the estimator always ran.
    let (is_estimating, is_bound) = (!says("run_estimation", "0"), !says("expire_quiescent_template", "1"));
    Some(LiveTotals { traffic: sum(&table), is_estimating, is_bound })
}

/// The sum of the processors' lines, which come before the line `~` (all numbers are hexadecimal).
fn sum(table: &str) -> Traffic {
    let mut total = Traffic::default();
    for line in table.lines().take_while(|line| !line.trim_start().starts_with('~')) {
        let mut words = line.split_whitespace().map(|word| u64::from_str_radix(word, 16).ok());
        let (Some(Some(_)), Some(Some(connections)), Some(Some(in_packets)), Some(Some(out_packets))) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        let (Some(Some(in_bytes)), Some(Some(out_bytes)), None) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        total.connections = total.connections.wrapping_add(connections);
        total.in_packets = total.in_packets.wrapping_add(in_packets);
        total.out_packets = total.out_packets.wrapping_add(out_packets);
        total.in_bytes = total.in_bytes.wrapping_add(in_bytes);
        total.out_bytes = total.out_bytes.wrapping_add(out_bytes);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // As Linux 6.1 writes it, with two processors.
    const TABLE: &str = "       Total Incoming Outgoing         Incoming         Outgoing
CPU    Conns  Packets  Packets            Bytes            Bytes
  0       1F       A0        0             1000                0
  1        1        2        3               10               20
  ~        5        6        7                8                9

     Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s
           1        2        3                4                5
";

    #[test]
    fn the_processors_lines_are_added_up_and_the_estimate_is_not() {
        let expected =
            Traffic { connections: 0x20, in_packets: 0xa2, out_packets: 3, in_bytes: 0x1010, out_bytes: 0x20 };
        assert_eq!(sum(TABLE), expected);
    }

    #[test]
    fn a_kernel_that_does_not_estimate_says_so_and_one_without_ip_vs_says_nothing() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(read(place.path()), None);
        let (net, vs) = (place.path().join("proc/thread-self/net"), place.path().join("proc/sys/net/ipv4/vs"));
        fs::create_dir_all(&net).unwrap();
        fs::create_dir_all(&vs).unwrap();
        fs::write(net.join("ip_vs_stats_percpu"), TABLE).unwrap();
        let is_estimating = || read(place.path()).unwrap().is_estimating;
        let is_bound = || read(place.path()).unwrap().is_bound;
        assert!(is_bound());
        fs::write(vs.join("expire_quiescent_template"), "1\n").unwrap();
        assert!(!is_bound());
        assert!(is_estimating(), "before Linux 5.16");
        fs::write(vs.join("run_estimation"), "0\n").unwrap();
        assert!(!is_estimating());
        fs::write(vs.join("run_estimation"), "1\n").unwrap();
        assert!(is_estimating());
    }

    proptest! {
        #[test]
        fn reading_anything_does_not_panic(text: String) {
            let _ = sum(&text);
        }
    }
}

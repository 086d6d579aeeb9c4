//! Raw sockets of this network namespace: who else has one for VRRP. The kernel lists them to everybody, while whose they are,
//! or which namespace a process is in, it tells only those with more rights than an engine keeps.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The protocol of VRRP as the lists have it, in the place of a port.
const VRRP: &str = ":0070";

/// Whether a socket of protocol 112 is there that is not this process's. Looked at twice: one that is just being closed is
/// nobody's for a moment.
pub(super) fn vrrp_beside(root: &Path) -> bool {
    let others = || -> BTreeSet<u64> {
        let all = raw(root);
        let own = own(root);
        all.into_iter().filter(|inode| !own.contains(inode)).collect()
    };
    let first = others();
    !first.is_empty() && !first.is_disjoint(&others())
}

/// Inodes of raw sockets of protocol 112, of both families (`proc_pid_net(5)`).
fn raw(root: &Path) -> BTreeSet<u64> {
    let read = |name| fs::read_to_string(root.join("proc/thread-self/net").join(name)).unwrap_or_default();
    let inode = |line: &str| {
        let mut fields = line.split_whitespace();
        fields.nth(1).filter(|local| local.ends_with(VRRP))?;
        fields.nth(7)?.parse().ok()
    };
    ["raw", "raw6"].iter().flat_map(|name| read(name).lines().filter_map(inode).collect::<Vec<_>>()).collect()
}

/// Inodes of this process's sockets.
fn own(root: &Path) -> BTreeSet<u64> {
    let Ok(entries) = fs::read_dir(root.join("proc/self/fd")) else { return BTreeSet::new() };
    let inode = |path: &Path| {
        let target = fs::read_link(path).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    entries.flatten().filter_map(|entry| inode(&entry.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_socket_of_protocol_112_that_is_not_ours_is_somebody_elses() {
        let place = tempfile::tempdir().unwrap();
        let net = place.path().join("proc/thread-self/net");
        let fd = place.path().join("proc/self/fd");
        fs::create_dir_all(&net).unwrap();
        fs::create_dir_all(&fd).unwrap();
        let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n";
        let line = |protocol: &str, inode| {
            format!(
                "  112: 00000000:{protocol} 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 {inode} 2 0 0\n"
            )
        };
        let with = |lines: &str| fs::write(net.join("raw"), format!("{head}{lines}")).unwrap();
        assert!(!vrrp_beside(place.path()), "no list");
        with(&[line("0070", 41), line("0001", 99)].concat());
        assert!(vrrp_beside(place.path()));
        symlink("socket:[41]", fd.join("7")).unwrap();
        symlink("/dev/null", fd.join("0")).unwrap();
        assert!(!vrrp_beside(place.path()), "it is ours, and the other one is for ping");
        fs::write(net.join("raw6"), format!("{head}{}", line("0070", 42))).unwrap();
        assert!(vrrp_beside(place.path()));
    }
}

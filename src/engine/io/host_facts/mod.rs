//! Reads what [`crate::engine::advice`] judges: sysctls, addresses, routes, modules, the packet filter, raw sockets, the clock.
//!
//! Everything is that of the calling thread's network namespace. What is read from files is read below a root, so that
//! tests can hand in a tree of their own. A fact that can't be read is absent; nothing here fails, changes anything, or
//! makes the kernel load a module.

mod clock;
mod ipvs;
pub(super) mod modules;
mod nftables;
mod routes;
mod sockets;

pub use clock::clocks;

use super::route_netlink::{RouteMessage, RouteSocket};
use crate::engine::advice::{Facts, HostAddress, InterfaceWords};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

/// How long one question to the kernel may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Reads everything. `root` is `/`; what comes over netlink is this host's whatever the root.
pub fn read(root: &Path) -> Facts {
    let interfaces = interfaces(root);
    let routes = if routes::has_policy_rules() { BTreeSet::new() } else { routes::default_routes(root) };
    let vs = words(&root.join("proc/sys/net/ipv4/vs"));
    Facts {
        ipvs: if vs.is_empty() { None } else { ipvs::read(root) },
        vs,
        ipv6_forwarding: number(&root.join("proc/sys/net/ipv6/conf/all/forwarding")).map(|value| value != 0),
        addresses: addresses(root),
        default_routes: routes,
        schedulers: modules::schedulers(root),
        firewall: (!modules::would_load(root, "nf_tables")).then(nftables::chains).flatten(),
        vrrp_beside: sockets::vrrp_beside(root),
        clock: clock::read(),
        interfaces,
    }
}

/// Names of the scheduler modules (`ip_vs_rr`) that the kernel has or can load; none where nobody can say.
pub fn schedulers(root: &Path) -> Option<BTreeSet<String>> {
    modules::schedulers(root)
}

fn number(path: &Path) -> Option<i64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// The words of `net.ipv4.vs` as they are; empty while `ip_vs` is not loaded. `root` is `/`.
pub fn sysctls(root: &Path) -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir(root.join("proc/sys/net/ipv4/vs")) else { return BTreeMap::new() };
    let text = |path: &Path| Some(fs::read_to_string(path).ok()?.trim().to_owned());
    entries.flatten().filter_map(|e| Some((e.file_name().into_string().ok()?, text(&e.path())?))).collect()
}

/// The files of a directory that hold one number, by name.
fn words(directory: &Path) -> BTreeMap<String, i64> {
    let Ok(entries) = fs::read_dir(directory) else { return BTreeMap::new() };
    entries.flatten().filter_map(|e| Some((e.file_name().into_string().ok()?, number(&e.path())?))).collect()
}

fn interfaces(root: &Path) -> BTreeMap<String, InterfaceWords> {
    let Ok(entries) = fs::read_dir(root.join("proc/sys/net/ipv4/conf")) else { return BTreeMap::new() };
    let read = |directory: &Path| {
        let word = |name: &str| number(&directory.join(name));
        Some(InterfaceWords {
            forwarding: word("forwarding")? != 0,
            rp_filter: word("rp_filter")?,
            arp_ignore: word("arp_ignore")?,
            arp_announce: word("arp_announce")?,
            arp_filter: word("arp_filter")?,
        })
    };
    let named = entries.flatten().filter_map(|e| Some((e.file_name().into_string().ok()?, read(&e.path())?)));
    named.filter(|(name, _)| name != "default").collect()
}

/// IPv4 over netlink, IPv6 from `/proc/net/if_inet6`, which is missing where IPv6 is off.
fn addresses(root: &Path) -> Option<Vec<HostAddress>> {
    let (mut names, mut found) = (BTreeMap::new(), Vec::new());
    let each = |message| match message {
        RouteMessage::Link { index, name, .. } => drop(names.insert(index, name)),
        RouteMessage::Address { index, address, prefix, present: true, .. } => found.push((index, address, prefix)),
        RouteMessage::Address { present: false, .. }
        | RouteMessage::LinkGone { .. }
        | RouteMessage::Ack { .. }
        | RouteMessage::Resync => {}
    };
    RouteSocket::open().ok()?.dump(each).ok()?;
    let inet = found.into_iter().filter_map(|(index, address, prefix)| {
        Some(HostAddress { interface: names.get(&index)?.clone(), address, prefix })
    });
    let inet6 = fs::read_to_string(root.join("proc/thread-self/net/if_inet6")).unwrap_or_default();
    Some(inet.chain(inet6.lines().filter_map(inet6_line)).collect())
}

/// `fe800000000000000000000000000001 02 40 20 80     eth0`: address, index, prefix length, scope, flags, name.
fn inet6_line(line: &str) -> Option<HostAddress> {
    let mut fields = line.split_whitespace();
    let address = Ipv6Addr::from_bits(u128::from_str_radix(fields.next()?, 16).ok()?);
    let prefix = u8::from_str_radix(fields.nth(1)?, 16).ok()?;
    Some(HostAddress { interface: fields.nth(2)?.to_owned(), address: IpAddr::V6(address), prefix })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A root with these files.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = place.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        place
    }

    #[test]
    fn words_of_interfaces_are_read_and_the_template_is_not_one() {
        let words = ["forwarding", "rp_filter", "arp_ignore", "arp_announce", "arp_filter"];
        let files: Vec<(String, String)> = ["eth0", "all", "default"]
            .iter()
            .flat_map(|i| {
                words.iter().zip(1..).map(move |(w, n)| (format!("proc/sys/net/ipv4/conf/{i}/{w}"), format!("{n}\n")))
            })
            .collect();
        let place = tree(&files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect::<Vec<_>>());
        let found = interfaces(place.path());
        let expected = InterfaceWords { forwarding: true, rp_filter: 2, arp_ignore: 3, arp_announce: 4, arp_filter: 5 };
        assert_eq!(found, [("all".to_owned(), expected), ("eth0".to_owned(), expected)].into());
        assert_eq!(interfaces(Path::new("/nonexistent")), BTreeMap::new());
    }

    #[test]
    fn a_word_that_is_two_numbers_is_left_out() {
        let place = tree(&[("vs/conn_reuse_mode", "1\n"), ("vs/sync_threshold", "3\t50\n")]);
        assert_eq!(super::words(&place.path().join("vs")), [("conn_reuse_mode".to_owned(), 1)].into());
    }

    #[test]
    fn the_default_route_is_the_one_without_a_mask_that_is_up() {
        let head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
        let lines = "eth1\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                     eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
                     eth2\t00000000\t0100000A\t0002\t0\t0\t0\t00000000\t0\t0\t0\n";
        let place = tree(&[("proc/thread-self/net/route", &format!("{head}{lines}"))]);
        assert_eq!(routes::default_routes(place.path()), ["eth1".to_owned()].into());
    }

    #[test]
    fn an_ipv6_address_is_read_with_its_prefix_and_interface() {
        let line = "fd000000000000000000000000000001 02 40 00 80     eth0";
        let expected = HostAddress { interface: "eth0".into(), address: "fd00::1".parse().unwrap(), prefix: 64 };
        assert_eq!(inet6_line(line), Some(expected));
        assert_eq!(inet6_line("short"), None);
    }

    #[test]
    fn schedulers_are_loaded_built_in_or_at_hand_and_unknown_without_the_lists() {
        let dep =
            "kernel/net/netfilter/ipvs/ip_vs_rr.ko.xz: kernel/net/netfilter/ipvs/ip_vs.ko.xz\nkernel/fs/ext4.ko:\n";
        let files = [
            ("proc/sys/kernel/osrelease", "6.1\n"),
            ("lib/modules/6.1/modules.dep", dep),
            ("lib/modules/6.1/modules.builtin", "kernel/net/netfilter/ipvs/ip_vs_sh.ko\n"),
            ("sys/module/ip_vs_wlc/refcnt", "1\n"),
        ];
        let place = tree(&files);
        let known = ["ip_vs_rr", "ip_vs_sh", "ip_vs_wlc"].map(str::to_owned).into();
        assert_eq!(modules::schedulers(place.path()), Some(known));
        assert_eq!(modules::schedulers(tree(&files[..2]).path()), None);
    }

    #[test]
    fn this_host_can_be_looked_at_without_privileges() {
        let found = read(Path::new("/"));
        assert!(found.interfaces.contains_key("lo"), "{found:?}");
        assert!(found.addresses.is_some() && found.clock.wall.is_some());
        assert_eq!(read(Path::new("/nonexistent")).interfaces, BTreeMap::new());
    }
}

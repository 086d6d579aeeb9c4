//! The packets that `no_accept` drops, against the kernel, in a network namespace of its own. Needs root, `ip` and `nft`.
// The lints spare test functions, not what they call.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use lvsdeck::engine::failover::Dropped;
use lvsdeck::engine::io::packet_filter::{PacketFilter, remove_tables};
use std::net::UdpSocket;
use std::process::Command;

fn new_namespace() {
    // SAFETY: unshare takes no pointer; it changes the namespace of the calling thread only.
    #[allow(unsafe_code)]
    let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(result, 0, "no network namespace of its own: run as root ({})", std::io::Error::last_os_error());
    run("ip link set lo up");
}

fn run(line: &str) -> String {
    let mut words = line.split_whitespace();
    let output = Command::new(words.next().unwrap()).args(words).output().expect("iproute2 and nftables are installed");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A datagram from one address of this host to another: whether it came.
fn passes(from: &str, to: &str) -> bool {
    let (sender, receiver) = (UdpSocket::bind(from).unwrap(), UdpSocket::bind(to).unwrap());
    receiver.set_nonblocking(true).unwrap();
    // What the way out drops is refused here.
    let sent = sender.send_to(b"?", receiver.local_addr().unwrap()).is_ok();
    // The loopback has handed it over before `send_to` returned.
    sent && receiver.recv(&mut [0; 1]).is_ok()
}

fn global(text: &str) -> Dropped {
    Dropped { address: text.parse().unwrap(), index: None }
}

#[test]
fn packets_to_and_from_an_address_are_dropped_until_they_are_accepted() {
    new_namespace();
    run("ip address add 10.9.0.1/24 dev lo");
    run("ip address add 10.9.0.100/24 dev lo");
    run("ip address add fd00::1/64 dev lo nodad");
    run("ip address add fd00::100/64 dev lo nodad");
    let mut filter = PacketFilter::default();
    let both = |way: fn(&str, &str) -> bool| {
        [("10.9.0.1:0", "10.9.0.100:0"), ("[fd00::1]:0", "[fd00::100]:0")]
            .map(|(own, vip)| [way(own, vip), way(vip, own)])
    };
    assert_eq!(both(passes), [[true; 2]; 2]);
    filter.drop(&[global("10.9.0.100")]).unwrap();
    assert_eq!(both(passes), [[false; 2], [true; 2]]);
    filter.drop(&[global("fd00::100")]).unwrap();
    assert_eq!(both(passes), [[false; 2]; 2]);
    assert!(passes("10.9.0.1:0", "10.9.0.1:0"), "other addresses are not concerned");
    filter.accept(&[global("10.9.0.100")]).unwrap();
    assert_eq!(both(passes), [[true; 2], [false; 2]]);
    filter.accept(&[global("fd00::100")]).unwrap();
    assert_eq!(both(passes), [[true; 2]; 2]);
    assert_eq!(run("nft list tables"), "", "nothing stays behind");
}

#[test]
fn a_link_local_address_is_dropped_on_its_interface_alone_and_neighbours_find_it() {
    new_namespace();
    run("ip link add va type veth peer name vb");
    for name in ["va", "vb"] {
        run(&format!("ip link set {name} addrgenmode none"));
        run(&format!("ip link set {name} up"));
    }
    let index: u32 = run("ip -o link show va").split(':').next().unwrap().parse().unwrap();
    run("ip address add fe80::1/64 dev va nodad");
    run("ip address add fe80::2/64 dev vb nodad");
    let mut filter = PacketFilter::default();
    filter.drop(&[Dropped { address: "fe80::1".parse().unwrap(), index: Some(index + 100) }]).unwrap();
    let listed = run("nft list ruleset");
    assert!(listed.contains("fe80::1 . "), "{listed}");
    assert!(passes(&format!("[fe80::1%{index}]:0"), &format!("[fe80::1%{index}]:0")), "on another interface: {listed}");
    filter.drop(&[Dropped { address: "fe80::1".parse().unwrap(), index: Some(index) }]).unwrap();
    let listed = run("nft list table inet lvsdeck");
    assert!(listed.contains("fe80::1 . \"va\""), "{listed}");
    for kind in ["nd-neighbor-solicit", "nd-neighbor-advert"] {
        assert_eq!(listed.matches(&format!("icmpv6 type {kind} accept")).count(), 2, "{listed}");
    }
}

#[test]
fn what_another_run_left_is_replaced_and_what_somebody_flushed_is_made_anew() {
    new_namespace();
    let mut before = PacketFilter::default();
    before.drop(&[global("10.9.0.99")]).unwrap();
    let mut filter = PacketFilter::default();
    filter.drop(&[global("10.9.0.100")]).unwrap();
    let listed = run("nft list set inet lvsdeck vips");
    assert!(listed.contains("{ 10.9.0.100 }"), "{listed}");
    run("nft flush ruleset");
    filter.drop(&[global("10.9.0.101")]).unwrap();
    let listed = run("nft list set inet lvsdeck vips");
    assert!(listed.contains("{ 10.9.0.100, 10.9.0.101 }"), "{listed}");
    filter.accept(&[global("10.9.0.7")]).unwrap();
    let mut after = PacketFilter::default();
    after.accept_all().unwrap();
    after.accept_all().unwrap();
    assert_eq!(run("nft list tables"), "");
}

#[test]
fn tables_are_removed_by_name_and_those_that_were_there_are_named() {
    new_namespace();
    for table in ["ip keepalived", "ip6 keepalived", "ip other"] {
        run(&format!("nft add table {table}"));
    }
    assert_eq!(remove_tables(&["keepalived"]).unwrap(), ["ip keepalived", "ip6 keepalived"]);
    assert_eq!(remove_tables(&["keepalived"]).unwrap(), [""; 0]);
    assert_eq!(run("nft list tables"), "table ip other\n");
}

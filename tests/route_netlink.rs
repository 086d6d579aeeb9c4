//! Route netlink against the kernel, each test in a network namespace of its own. Needs root and `ip` (iproute2).
// The lints spare test functions, not what they call.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use lvsdeck::engine::failover::Macvlan;
use lvsdeck::engine::io::route_netlink::{RouteMessage, RouteSocket};
use lvsdeck::engine::io::routing_watch::{RoutingMessage, RoutingWatch};
use lvsdeck::engine::model::{AddressOptions, Family, Mac, Routing, VirtualAddress, VirtualLink};
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::process::Command;

/// Puts the test's thread, and what it starts, into a new network namespace.
fn new_namespace() {
    // SAFETY: unshare takes no pointer; it changes the namespace of the calling thread only.
    #[allow(unsafe_code)]
    let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(result, 0, "no network namespace of its own: run as root ({})", std::io::Error::last_os_error());
}

fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().expect("iproute2 is installed");
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn address(text: &str, label: Option<&str>) -> VirtualAddress {
    let (address, prefix) = text.split_once('/').unwrap();
    let plain = VirtualAddress::new(address.parse().unwrap(), prefix.parse().unwrap());
    VirtualAddress { label: label.map(str::to_owned), ..plain }
}

/// What waits on the socket. The kernel has told all of it before the call that caused it returned.
fn told_of(socket: &mut RouteSocket) -> Vec<RouteMessage> {
    let mut list = Vec::new();
    socket.receive(|message| list.push(message)).unwrap();
    list
}

/// The same without who did it.
fn received(socket: &mut RouteSocket) -> Vec<RouteMessage> {
    let unnamed = |message| match message {
        RouteMessage::Address { index, address, prefix, present, .. } => {
            RouteMessage::Address { index, address, prefix, present, by: None }
        }
        other => other,
    };
    told_of(socket).into_iter().map(unnamed).collect()
}

fn dumped(socket: &mut RouteSocket) -> Vec<RouteMessage> {
    let mut list = Vec::new();
    socket.dump(|message| list.push(message)).unwrap();
    list
}

/// A veth pair, `va` up, and its index.
fn veth() -> u32 {
    ip("link add name va type veth peer name vb");
    ip("link set va up");
    ip("-o link show va").split(':').next().unwrap().parse().unwrap()
}

fn came(index: u32, text: &str, present: bool) -> RouteMessage {
    let VirtualAddress { address, prefix, .. } = address(text, None);
    RouteMessage::Address { index, address, prefix, present, by: None }
}

/// Receives until the message came: the carrier of a link is told by a kernel thread, in its own time.
fn until(socket: &mut RouteSocket, expected: &RouteMessage) {
    loop {
        let mut poll = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one pollfd is given and lives through the call.
        #[allow(unsafe_code)]
        let ready = unsafe { libc::poll(&raw mut poll, 1, 10_000) };
        assert_eq!(ready, 1, "never told: {expected:?}");
        if received(socket).contains(expected) {
            return;
        }
    }
}

#[test]
fn a_link_is_up_only_while_its_peer_is_and_its_end_is_told() {
    new_namespace();
    let index = veth();
    let mut socket = RouteSocket::open().unwrap();
    let before = dumped(&mut socket);
    let link = before.iter().find(|message| matches!(message, RouteMessage::Link { index: i, .. } if *i == index));
    let Some(RouteMessage::Link { name, up: false, mac: mac @ Some(_), .. }) = link else {
        panic!("its peer is down: {before:?}")
    };
    let told = |up| RouteMessage::Link { index, name: name.clone(), up, mac: *mac, macvlan: None };
    assert_eq!(name, "va");
    ip("link set vb up");
    until(&mut socket, &told(true));
    ip("link set vb down");
    until(&mut socket, &told(false));
    ip("link del va");
    until(&mut socket, &RouteMessage::LinkGone { index });
}

#[test]
fn leaving_a_bridge_is_not_the_end_of_a_link() {
    new_namespace();
    let index = veth();
    ip("link add name br0 type bridge");
    ip("link set va master br0");
    let mut socket = RouteSocket::open().unwrap();
    ip("link set va nomaster");
    let told = received(&mut socket);
    assert!(told.iter().any(|message| matches!(message, RouteMessage::Link { index: i, .. } if *i == index)));
    assert!(!told.contains(&RouteMessage::LinkGone { index }), "{told:?}");
}

#[test]
fn an_address_comes_and_goes_with_event_and_answer() {
    new_namespace();
    let index = veth();
    let mut socket = RouteSocket::open().unwrap();
    dumped(&mut socket);
    for text in ["10.0.0.1/24", "10.9.9.9/32"] {
        let seq = socket.add_address(index, &address(text, None)).unwrap();
        assert_eq!(received(&mut socket), [came(index, text, true), RouteMessage::Ack { seq, error: None }]);
        let seq = socket.add_address(index, &address(text, None)).unwrap();
        assert_eq!(received(&mut socket), [RouteMessage::Ack { seq, error: Some(libc::EEXIST) }]);
    }
    let shown = ip("-4 -o address show dev va");
    assert!(shown.contains("inet 10.9.9.9/32 scope global va"), "global, permanent, no broadcast: {shown}");
    assert!(!shown.contains("brd"), "{shown}");
    let seq = socket.remove_address(index, &address("10.0.0.1/24", None)).unwrap();
    assert_eq!(received(&mut socket), [came(index, "10.0.0.1/24", false), RouteMessage::Ack { seq, error: None }]);
    let seq = socket.remove_address(index, &address("10.0.0.1/24", None)).unwrap();
    assert_eq!(received(&mut socket), [RouteMessage::Ack { seq, error: Some(libc::EADDRNOTAVAIL) }]);
    let seq = socket.add_address(9999, &address("10.0.0.2/24", None)).unwrap();
    assert_eq!(received(&mut socket), [RouteMessage::Ack { seq, error: Some(libc::ENODEV) }]);
}

#[test]
fn a_label_is_set_and_not_needed_for_removal() {
    new_namespace();
    let index = veth();
    let mut socket = RouteSocket::open().unwrap();
    socket.add_address(index, &address("10.0.0.1/24", Some("va:vip"))).unwrap();
    assert!(ip("-4 -o address show dev va").contains("va:vip"));
    received(&mut socket);
    let seq = socket.remove_address(index, &address("10.0.0.1/24", None)).unwrap();
    assert_eq!(received(&mut socket).last(), Some(&RouteMessage::Ack { seq, error: None }));
}

#[test]
fn an_ipv6_address_serves_at_once() {
    new_namespace();
    let index = veth();
    let mut socket = RouteSocket::open().unwrap();
    let seq = socket.add_address(index, &address("fd00::1/64", Some("ignored"))).unwrap();
    // The news of the address may be there already.
    assert_eq!(received(&mut socket).first(), Some(&RouteMessage::Ack { seq, error: None }));
    let shown = ip("-6 -o address show dev va");
    assert!(shown.contains("fd00::1/64 scope global nodad"), "{shown}");
    assert!(!shown.split("fd00::1").nth(1).unwrap().lines().next().unwrap().contains("tentative"), "{shown}");
}

#[test]
fn the_first_list_has_what_was_there_before() {
    new_namespace();
    let index = veth();
    ip("address add 10.0.0.5/24 dev va");
    let list = dumped(&mut RouteSocket::open().unwrap());
    assert!(list.contains(&came(index, "10.0.0.5/24", true)), "{list:?}");
    assert!(list.iter().any(|message| matches!(message, RouteMessage::Link { name, .. } if name == "lo")));
}

#[test]
fn lost_messages_are_noticed_and_the_next_list_tells_what_they_said() {
    new_namespace();
    let index = veth();
    ip("address add 10.0.0.5/24 dev va");
    let mut socket = RouteSocket::open().unwrap();
    dumped(&mut socket);
    let small: libc::c_int = 1;
    // SAFETY: the option's value is a c_int that lives through the call.
    #[allow(unsafe_code)]
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_RCVBUF, (&raw const small).cast(), 4)
    };
    assert_eq!(result, 0);
    let mut stranger = RouteSocket::open().unwrap();
    stranger.remove_address(index, &address("10.0.0.5/24", None)).unwrap();
    for host in 1..=200 {
        stranger.add_address(index, &address(&format!("10.1.0.{host}/32"), None)).unwrap();
    }
    let kept = received(&mut socket);
    assert_eq!(kept.last(), Some(&RouteMessage::Resync), "{}", kept.len());
    stranger.remove_address(index, &address("10.1.0.1/32", None)).unwrap();
    let list = dumped(&mut socket);
    let present = |host: u8| {
        list.iter().chain(&kept).any(|m| {
            matches!(m, RouteMessage::Address { address, present: true, .. } if *address == IpAddr::from([10, 1, 0, host]))
        })
    };
    assert!((2..=200).all(present));
    assert!(kept.iter().chain(&list).any(|message| *message == came(index, "10.0.0.5/24", false)));
    ip("link del va");
    let mut late = RouteSocket::open().unwrap();
    assert!(!dumped(&mut late).iter().any(|m| matches!(m, RouteMessage::Link { index: i, .. } if *i == index)));
    assert!(dumped(&mut socket).contains(&RouteMessage::LinkGone { index }));
}

#[test]
fn the_words_behind_an_address_are_what_ip_shows_of_it() {
    new_namespace();
    let index = veth();
    let mut socket = RouteSocket::open().unwrap();
    let options = AddressOptions { scope: 253, broadcast: Some([10, 0, 0, 255].into()), ..AddressOptions::default() };
    let four = VirtualAddress { options, ..address("10.0.0.100/24", Some("va:1")) };
    let options = AddressOptions { home: true, no_prefix_route: true, ..AddressOptions::default() };
    let six = VirtualAddress { options, ..address("fd00::100/64", None) };
    let single = address("fd00::101/128", None);
    let preferred = VirtualAddress {
        options: AddressOptions { preferred: Some(u32::MAX), ..AddressOptions::default() },
        ..address("fd00::102/128", None)
    };
    let for_a_day = VirtualAddress {
        options: AddressOptions { preferred: Some(86_400), ..AddressOptions::default() },
        ..address("fd00::103/64", None)
    };
    for wanted in [&four, &six, &single, &preferred, &for_a_day] {
        socket.add_address(index, wanted).unwrap();
    }
    let refused = |message: &RouteMessage| matches!(message, RouteMessage::Ack { error: Some(_), .. });
    assert!(!received(&mut socket).iter().any(refused));
    let shown = ip("-o address show dev va");
    let line = |text: &str| shown.lines().find(|line| line.contains(text)).unwrap_or_else(|| panic!("{text}: {shown}"));
    assert!(line("10.0.0.100/24").contains("brd 10.0.0.255 scope link va:1"), "{shown}");
    assert!(line("fd00::100/64").contains("home") && line("fd00::100/64").contains("noprefixroute"), "{shown}");
    assert!(line("fd00::101/128").contains("deprecated"), "as keepalived does with a single IPv6 address: {shown}");
    assert!(!line("fd00::102/128").contains("deprecated"), "{shown}");
    let lifetimes = line("fd00::103/64");
    assert!(lifetimes.contains("valid_lft forever preferred_lft 86") && !lifetimes.contains("deprecated"), "{shown}");
    socket.remove_address(index, &six).unwrap();
    assert!(!ip("-o address show dev va").contains("fd00::100"));
}

/// The routes and rules of these lines of a configuration.
fn routing(lines: &str) -> Vec<Routing> {
    let text = format!(
        "vrrp_instance VI_1 {{\ninterface va\nvirtual_router_id 1\nvirtual_ipaddress {{\n10.0.0.9\n}}\n{lines}\n}}\n"
    );
    let loaded = lvsdeck::engine::parse_configuration("test", &text);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    loaded.configuration.unwrap().virtual_routers[0].routing.clone()
}

#[test]
fn routes_and_rules_are_what_ip_shows_of_them_and_go_again() {
    new_namespace();
    let index = veth();
    ip("link set lo up");
    ip("address add 10.0.0.11/24 dev va");
    ip("address add fd00::11/64 dev va nodad");
    let mut socket = RouteSocket::open().unwrap();
    let entries = routing(
        "virtual_routes {\n10.1.0.0/16 via 10.0.0.254 dev va src 10.0.0.11 metric 50 mtu 1400\nblackhole 10.2.0.0/16
         default via 10.0.0.253 table 100\n10.3.0.0/16 dev va scope link tos 4\nfd00:1::/64 via fd00::fe dev va
         10.4.0.0/16 nexthop via 10.0.0.1 dev va weight 2 nexthop via 10.0.0.2 dev va\n}
         virtual_rules {\nfrom 10.9.0.0/16 table 100 preference 900\nto 10.8.0.0/16 fwmark 0x10/0xff lookup main priority 901
         iif va prohibit preference 902\nfrom fd00:2::/64 table 101 preference 903\nnot from 10.7.0.0/16 goto 902 preference 800
         uidrange 100-200 table 102 preference 904\niif va suppress_prefixlength 0 suppress_ifgroup 3 table 101 preference 905
         ipproto tcp sport 100-200 dport 80-80 table 103 preference 906\nto 10.6.0.0/16 nop preference 907\n}",
    );
    assert_eq!(entries.len(), 15);
    let of = |name: &str| (name == "va").then_some(index);
    for present in [true, false, true] {
        let ordered: Vec<_> = if present { entries.iter().collect() } else { entries.iter().rev().collect() };
        for entry in ordered {
            let seq = socket.set_routing(entry, present, of).unwrap();
            let told = received(&mut socket);
            let done = RouteMessage::Ack { seq, error: None };
            assert!(told.contains(&done), "{entry} {present}: {told:?}");
        }
        let shown =
            [ip("-4 route show table all"), ip("-6 route show table all"), ip("-4 rule show"), ip("-6 rule show")]
                .concat();
        let wanted: &[&[&str]] = &[
            &["10.1.0.0/16 via 10.0.0.254 dev va", "src 10.0.0.11 metric 50", "mtu 1400"],
            &["blackhole 10.2.0.0/16"],
            &["default via 10.0.0.253 dev va table 100"],
            &["10.3.0.0/16 tos", "dev va", "scope link"],
            &["fd00:1::/64 via fd00::fe dev va"],
            &["nexthop via 10.0.0.1 dev va weight 2"],
            &["900:\tfrom 10.9.0.0/16 lookup 100"],
            &["901:\tfrom all to 10.8.0.0/16 fwmark 0x10/0xff lookup main"],
            &["902:\tfrom all iif va prohibit"],
            &["903:\tfrom fd00:2::/64 lookup 101"],
            &["904:\tfrom all uidrange 100-200 lookup 102"],
            &["905:\tfrom all iif va lookup 101", "suppress_prefixlength 0", "suppress_ifgroup"],
            &["906:\tfrom all ipproto tcp sport 100-200 dport 80 lookup 103"],
            &["907:\tfrom all to 10.6.0.0/16 nop"],
            &["800:\tnot from 10.7.0.0/16 goto 902"],
        ];
        for parts in wanted {
            let found = shown.lines().any(|line| parts.iter().all(|part| line.contains(part)));
            assert_eq!(found, present, "{parts:?}: {shown}");
        }
    }
    let missing = socket.set_routing(&entries[0], true, |_| None).unwrap_err();
    assert_eq!(missing.to_string(), "interface va does not exist");
}

/// Runs `ip` and gives its process number beside.
fn ip_as(arguments: &str) -> u32 {
    let mut child = Command::new("ip").args(arguments.split_whitespace()).spawn().unwrap();
    let pid = child.id();
    assert!(child.wait().unwrap().success(), "ip {arguments}");
    pid
}

#[test]
fn who_removes_an_address_is_told_by_its_number() {
    new_namespace();
    let index = veth();
    let mut socket = RouteSocket::open().unwrap();
    ip("address add 10.0.0.9/24 dev va");
    let pid = ip_as("address del 10.0.0.9/24 dev va");
    let by = |message: &RouteMessage| match message {
        RouteMessage::Address { present: false, by, .. } => Some(*by),
        _ => None,
    };
    assert_eq!(told_of(&mut socket).iter().filter_map(by).collect::<Vec<_>>(), [Some(pid)]);
    let own = address("10.0.0.9/24", None);
    socket.add_address(index, &own).unwrap();
    socket.remove_address(index, &own).unwrap();
    let port = socket.port().unwrap();
    assert_eq!(told_of(&mut socket).iter().filter_map(by).collect::<Vec<_>>(), [Some(port)]);
}

#[test]
fn the_removal_of_each_route_and_rule_by_another_program_is_told_and_our_own_is_not() {
    new_namespace();
    let index = veth();
    ip("link set lo up");
    ip("address add 10.0.0.11/24 dev va");
    ip("address add fd00::11/64 dev va nodad");
    let of = |name: &str| (name == "va").then_some(index);
    let mut socket = RouteSocket::open().unwrap();
    let mut watch = RoutingWatch::open(socket.port().unwrap()).unwrap();
    let entries = routing(
        "virtual_routes {\n10.1.0.0/16 via 10.0.0.254 dev va src 10.0.0.11 metric 50 mtu 1400\nblackhole 10.2.0.0/16
         default via 10.0.0.253 table 1000\nfd00:1::/64 via fd00::fe dev va
         10.4.0.0/16 nexthop via 10.0.0.1 dev va weight 2 nexthop via 10.0.0.2 dev va\n}
         virtual_rules {\nfrom 10.9.0.0/16 table 1000 preference 900\nto 10.8.0.0/16 fwmark 0x10/0xff lookup main priority 901
         iif va prohibit preference 902\nfrom fd00:2::/64 table 101 preference 903\nnot from 10.7.0.0/16 goto 902 preference 800\n}",
    );
    let by_hand = [
        "-4 route del 10.1.0.0/16",
        "-4 route del blackhole 10.2.0.0/16",
        "-4 route del default table 1000",
        "-6 route del fd00:1::/64",
        "-4 route del 10.4.0.0/16",
        "-4 rule del preference 900",
        "-4 rule del preference 901",
        "-4 rule del preference 902",
        "-6 rule del preference 903",
        "-4 rule del preference 800",
    ];
    assert_eq!(entries.len(), by_hand.len());
    let told = |watch: &mut RoutingWatch| {
        let mut list = Vec::new();
        watch.receive(|message| list.push(message));
        list
    };
    for entry in &entries {
        watch.note(entry, true, of);
        let seq = socket.set_routing(entry, true, of).unwrap();
        assert!(told_of(&mut socket).contains(&RouteMessage::Ack { seq, error: None }), "{entry}");
    }
    // Others of the same kind are nobody's concern.
    ip("route add 10.1.0.0/16 via 10.0.0.254 dev va metric 60");
    ip("route del 10.1.0.0/16 metric 60");
    ip("rule add from 10.9.0.0/16 table 1001 preference 899");
    ip("rule del preference 899");
    assert_eq!(told(&mut watch), []);
    for (entry, command) in entries.iter().zip(by_hand).rev() {
        let by = Some(ip_as(command));
        assert_eq!(told(&mut watch), [RoutingMessage::Gone { entry: entry.clone(), by }], "{command}");
    }
    for present in [true, false] {
        for entry in &entries {
            watch.note(entry, present, of);
            socket.set_routing(entry, present, of).unwrap();
        }
    }
    assert_eq!(told(&mut watch), []);
}

#[test]
fn a_virtual_interface_is_what_ip_shows_of_it_and_goes_again() {
    new_namespace();
    let base = veth();
    ip("link set vb up");
    let mut socket = RouteSocket::open().unwrap();
    dumped(&mut socket);
    let mac = Mac([0, 0, 0x5e, 0, 1, 51]);
    let link = VirtualLink { name: "vrrp.51".to_owned(), base: "va".to_owned(), mac, family: Family::Inet };
    // Another program's, which is made right; then a new one.
    ip("link add vrrp.51 link va type macvlan mode private");
    for _ in 0..2 {
        let seq = socket.make_link(&link, base).unwrap();
        let told = received(&mut socket);
        assert!(told.contains(&RouteMessage::Ack { seq, error: None }), "{told:?}");
        let shown = ip("-d link show vrrp.51");
        for part in ["vrrp.51@va:", "00:00:5e:00:01:33", "macvlan mode vepa", "addrgenmode none"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let set = |interface: &str, word: &str| {
            std::fs::read_to_string(format!("/proc/sys/net/ipv4/conf/{interface}/{word}")).unwrap()
        };
        let own = ["arp_ignore", "accept_local", "rp_filter", "promote_secondaries"].map(|word| set("vrrp.51", word));
        assert_eq!(own, ["1\n", "1\n", "0\n", "1\n"]);
        assert_eq!(["arp_ignore", "arp_filter"].map(|word| set("va", word)), ["1\n", "1\n"]);
        let index = ip("-o link show vrrp.51").split(':').next().unwrap().parse().unwrap();
        for up in [true, false] {
            let seq = socket.set_link(index, up).unwrap();
            let told = received(&mut socket);
            assert!(told.contains(&RouteMessage::Ack { seq, error: None }), "{told:?}");
            let found = |message: &RouteMessage| {
                matches!(message, RouteMessage::Link { index: i, mac: Some(found), macvlan: Some(Macvlan { base: b, enabled }), .. }
                if *i == index && *found == mac.0 && *b == base && *enabled == up)
            };
            assert!(told.iter().any(found), "{told:?}");
        }
        socket.remove_link(index).unwrap();
        assert!(received(&mut socket).contains(&RouteMessage::LinkGone { index }));
    }
    let six = VirtualLink { name: "vrrp6.51".to_owned(), family: Family::Inet6, ..link.clone() };
    let seq = socket.make_link(&six, base).unwrap();
    assert!(received(&mut socket).contains(&RouteMessage::Ack { seq, error: None }));
    let ignore = std::fs::read_to_string("/proc/sys/net/ipv4/conf/vrrp6.51/arp_ignore").unwrap();
    assert_eq!(ignore, "1\n", "the host's IPv4 addresses are not found there");
    let seq = socket.make_link(&link, 9999).unwrap();
    assert!(received(&mut socket).contains(&RouteMessage::Ack { seq, error: Some(libc::ENODEV) }));
    ip("link add vrrp.51 type veth peer name vc");
    let seq = socket.make_link(&link, base).unwrap();
    assert!(
        received(&mut socket).contains(&RouteMessage::Ack { seq, error: Some(libc::EOPNOTSUPP) }),
        "a stranger stays"
    );
}

//! `UDP_CHECK` and `DNS_CHECK`.

use crate::{LONG, SHORT, check, words};
use lvsdeck::engine::io::probe;
use lvsdeck::engine::model::{CheckKind, RecordType, UdpCheck};
use std::process::Command;
use std::time::Duration;
use tokio::net::UdpSocket;

/// Checks once against a server that answers a datagram with these.
async fn datagrams(kind: CheckKind, timeout: Duration, answers: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let check = check(socket.local_addr().unwrap(), kind, timeout);
    let serve = async {
        let mut asked = [0; 1_500];
        let (length, from) = socket.recv_from(&mut asked).await.unwrap();
        for answer in answers(&asked[..length]) {
            socket.send_to(&answer, from).await.unwrap();
        }
    };
    let (verdict, ()) = tokio::join!(probe::run(&check), serve);
    words(verdict)
}

#[tokio::test]
async fn udp_against_servers_of_every_kind() {
    let plain = || CheckKind::Udp(UdpCheck { payload: vec![1, 2], reply: None, length: (0, 255) });
    let strict =
        || CheckKind::Udp(UdpCheck { payload: vec![1, 2], reply: Some(vec![(1, 0xff), (0x20, 0xf0)]), length: (2, 4) });
    let echo = |asked: &[u8]| vec![asked.to_vec()];
    assert_eq!(datagrams(plain(), LONG, echo).await, "passed");
    assert_eq!(datagrams(plain(), SHORT, |_| vec![]).await, "passed", "silence is good");
    assert_eq!(datagrams(strict(), LONG, |_| vec![vec![1, 0x2f, 9]]).await, "passed");
    assert_eq!(datagrams(strict(), LONG, echo).await, "byte 1 of the answer is another than wanted");
    assert_eq!(datagrams(strict(), LONG, |_| vec![vec![1]]).await, "an answer of 1 bytes (2 to 4 are wanted)");
    assert_eq!(datagrams(strict(), SHORT, |_| vec![]).await, "no answer");
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(words(probe::run(&check(closed, plain(), LONG)).await), "connection refused");
}

/// The calling thread gets a network namespace of its own, where nobody answers for anybody, and `lines` are done to it. Needs root
/// and `ip`.
fn alone(lines: &[&str]) {
    // SAFETY: unshare takes no pointer; it changes the namespace of the calling thread only, where this test's sockets are made.
    #[allow(unsafe_code)]
    let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(result, 0, "no network namespace of its own: run as root ({})", std::io::Error::last_os_error());
    let own = [
        // The kernel tells itself over it.
        "link set lo up",
        "link add eth0 type veth peer name eth1",
        "link set eth0 up",
        "link set eth1 up",
        "addr add 192.0.2.10/24 dev eth0",
        "addr add 2001:db8::10/64 dev eth0 nodad",
    ];
    for line in own.iter().chain(lines) {
        let run = Command::new("ip").args(line.split(' ')).output().expect("ip");
        assert!(run.status.success(), "ip {line}: {}", String::from_utf8_lossy(&run.stderr));
    }
}

#[tokio::test]
async fn a_target_that_is_gone_is_not_silent() {
    alone(&[]);
    for family in ["ipv4", "ipv6"] {
        std::fs::write(format!("/proc/sys/net/{family}/neigh/eth0/retrans_time_ms"), "50").unwrap();
    }
    let plain = || CheckKind::Udp(UdpCheck { payload: vec![1], reply: None, length: (0, 255) });
    let ask = || CheckKind::Dns { record: RecordType::A, name: "www.good.test".to_owned() };
    for target in ["192.0.2.81:53", "[2001:db8::81]:53"] {
        for kind in [plain(), ask()] {
            assert_eq!(
                words(probe::run(&check(target.parse().unwrap(), kind, LONG)).await),
                "no route to host",
                "{target}"
            );
        }
    }
}

#[tokio::test]
async fn a_neighbour_that_nobody_has_found_by_the_end_is_not_silent_either() {
    alone(&[
        // What is left of another way, which nobody takes any more.
        "neigh add 192.0.2.83 dev eth0 nud failed",
        "neigh add 2001:db8::83 dev eth0 nud failed",
        "neigh add 192.0.2.82 lladdr 02:00:00:00:00:82 dev eth0 nud permanent",
        "neigh add 2001:db8::82 lladdr 02:00:00:00:00:82 dev eth0 nud permanent",
        "route add 192.0.2.83/32 via 192.0.2.82",
        "route add 2001:db8::83/128 via 2001:db8::82",
        "route add 192.0.2.84/32 via 192.0.2.82",
        "route add 2001:db8::84/128 via 2001:db8::82",
    ]);
    let all = [
        ("192.0.2.81:53", "no answer to ARP"),
        ("[2001:db8::81]:53", "no answer to neighbour discovery"),
        ("192.0.2.82:53", "passed"),
        ("[2001:db8::82]:53", "passed"),
        ("192.0.2.83:53", "passed"),
        ("[2001:db8::83]:53", "passed"),
        ("192.0.2.84:53", "passed"),
        ("[2001:db8::84]:53", "passed"),
    ];
    for _ in 0..2 {
        let mut asked = tokio::task::JoinSet::new();
        for (target, said) in all {
            let plain = CheckKind::Udp(UdpCheck { payload: vec![1], reply: None, length: (0, 255) });
            let check = check(target.parse().unwrap(), plain, SHORT);
            asked.spawn(async move { (target, words(probe::run(&check).await), said) });
        }
        for (target, found, said) in asked.join_all().await {
            assert_eq!(found, said, "{target}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn silence_passes_however_late_it_was_sent() {
    let plain = CheckKind::Udp(UdpCheck { payload: vec![1], reply: None, length: (0, 255) });
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let check = check(socket.local_addr().unwrap(), plain, SHORT);
    // Between the probe's first step and its second the others have their turn for a while.
    let busy = async { tokio::time::advance(SHORT / 2).await };
    let (verdict, ()) = tokio::join!(probe::run(&check), busy);
    assert_eq!(words(verdict), "passed");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_stood_still_knows_nothing_of_its_targets() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ask = || CheckKind::Smtp { helo: "d1".to_owned() };
    let check = check(listener.local_addr().unwrap(), ask(), SHORT);
    let still = async {
        tokio::time::advance(SHORT / 2).await;
        tokio::time::advance(SHORT + Duration::from_secs(2)).await;
    };
    let (verdict, ()) = tokio::join!(probe::run(&check), still);
    assert!(words(verdict).contains("this host stood still for 2."));
}

#[tokio::test(start_paused = true)]
async fn nor_does_it_know_anything_of_a_url_or_of_an_answer_that_has_to_come() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut url = crate::get(listener.local_addr().unwrap(), None, "/", |_| {});
    url.timing.timeout = SHORT;
    let wants = CheckKind::Udp(UdpCheck { payload: vec![1], reply: Some(Vec::new()), length: (0, 255) });
    for check in [url, check(socket.local_addr().unwrap(), wants, SHORT)] {
        let still = async {
            tokio::time::advance(SHORT / 2).await;
            tokio::time::advance(SHORT + Duration::from_secs(2)).await;
        };
        let (verdict, ()) = tokio::join!(probe::run(&check), still);
        let said = words(verdict);
        assert!(said.contains("this host stood still for "), "{} {said}", check.name());
    }
}

/// The question with these flags, and this behind it.
fn reply(asked: &[u8], flags: u8, rcode: u8, answers: u8, rest: &[u8]) -> Vec<u8> {
    let mut reply = asked.to_vec();
    (reply[2], reply[3], reply[7]) = (flags, rcode, answers);
    reply.extend_from_slice(rest);
    reply
}

#[tokio::test]
async fn dns_against_servers_of_every_kind() {
    let ask = || CheckKind::Dns { record: RecordType::A, name: "www.good.test".to_owned() };
    let address = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 1];
    let good = |asked: &[u8]| vec![reply(asked, 0x84, 0, 1, &address)];
    assert_eq!(datagrams(ask(), LONG, good).await, "passed");
    assert_eq!(datagrams(ask(), LONG, |asked| vec![reply(asked, 0x84, 3, 0, &[])]).await, "DNS NXDOMAIN");
    assert_eq!(datagrams(ask(), LONG, |asked| vec![reply(asked, 0x84, 2, 0, &[])]).await, "DNS SERVFAIL");
    let forged = |asked: &[u8]| {
        let mut other = reply(asked, 0x84, 3, 0, &[]);
        other[0] ^= 1;
        vec![other, reply(asked, 0x84, 0, 1, &address)]
    };
    assert_eq!(datagrams(ask(), LONG, forged).await, "passed", "an answer to another question is passed over");
    let looped = |asked: &[u8]| {
        let at = u8::try_from(asked.len()).unwrap();
        vec![reply(asked, 0x84, 0, 1, &[0xc0, at, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 1])]
    };
    assert_eq!(datagrams(ask(), LONG, looped).await, "a damaged DNS answer");
    assert_eq!(datagrams(ask(), SHORT, |_| vec![b"rubbish".to_vec()]).await, "timeout");
    let late = |asked: &[u8]| vec![b"rubbish".to_vec(), reply(asked, 0x84, 0, 1, &address)];
    assert_eq!(datagrams(ask(), LONG, late).await, "passed", "what is no DNS is passed over");
    assert_eq!(datagrams(ask(), SHORT, |_| vec![]).await, "timeout");
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(words(probe::run(&check(closed, ask(), LONG)).await), "connection refused");
}

/// A server that answers again and again, each time to another question, cannot hold a slot; nor is it confused with the good answer
/// behind a flood of forged ones.
#[tokio::test]
async fn datagrams_without_end_run_into_the_time_limit() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let ask = CheckKind::Dns { record: RecordType::A, name: "www.good.test".to_owned() };
    let check = check(socket.local_addr().unwrap(), ask, SHORT);
    let flood = tokio::spawn(async move {
        let mut asked = [0; 1_500];
        let (length, from) = socket.recv_from(&mut asked).await.unwrap();
        let mut other = reply(&asked[..length], 0x84, 0, 0, &[]);
        other[0] ^= 1;
        socket.connect(from).await.unwrap();
        // An error is the answer of the closed port: the check is over.
        while socket.send(&other).await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(words(probe::run(&check).await), "timeout");
    tokio::time::timeout(LONG, flood).await.expect("its socket is closed").unwrap();
}

#[tokio::test]
async fn datagrams_that_are_too_long_or_no_answer_are_named() {
    let strict = || CheckKind::Udp(UdpCheck { payload: vec![1], reply: Some(vec![(1, 0xff)]), length: (0, 255) });
    let long = |_: &[u8]| vec![vec![1; 60_000]];
    assert_eq!(datagrams(strict(), LONG, long).await, "an answer of 60000 bytes (0 to 255 are wanted)");
    assert_eq!(datagrams(strict(), LONG, |_| vec![vec![]]).await, "passed", "as in keepalived: 0 bytes may do");
    let dns = || CheckKind::Dns { record: RecordType::Txt, name: "x.test".to_owned() };
    assert_eq!(datagrams(dns(), SHORT, |_| vec![vec![0xff; 60_000]]).await, "timeout");
    assert_eq!(datagrams(dns(), SHORT, |_| vec![vec![]]).await, "timeout");
    // It says that there are 65,535 answers, and has none.
    let promised = |asked: &[u8]| {
        let mut promised = reply(asked, 0x84, 0, 0xff, &[]);
        promised[6] = 0xff;
        vec![promised]
    };
    assert_eq!(datagrams(dns(), LONG, promised).await, "a damaged DNS answer");
    // Two names that point at each other (RFC 1035 §4.1.4).
    let mutual = |asked: &[u8]| {
        let at = u8::try_from(asked.len()).unwrap();
        vec![reply(asked, 0x84, 0, 1, &[0xc0, at + 2, 0xc0, at, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 1])]
    };
    assert_eq!(datagrams(dns(), LONG, mutual).await, "a damaged DNS answer");
}

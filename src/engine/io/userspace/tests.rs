//! The dataplane on loopback, with real connections.

use super::*;
use crate::engine::ipvs::{Destination, Service, Traffic, Tunnel};
use crate::engine::model::{Forwarding, Persistence, Weight};
use std::io::{Read, Write};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

fn service(scheduler: &str) -> Service {
    Service {
        scheduler: scheduler.to_owned(),
        persistence: None,
        odd_mask: None,
        one_packet: false,
        scheduler_flags: 0,
        engine: None,
        destinations: BTreeMap::new(),
        traffic: Traffic::default(),
    }
}

fn destination(forwarding: Forwarding, weight: u32) -> Destination {
    Destination {
        forwarding,
        tunnel: Tunnel::Ipip,
        weight: Weight::new(weight).unwrap(),
        upper_threshold: 0,
        lower_threshold: 0,
        active: 0,
        inactive: 0,
        persistent: 0,
        traffic: Traffic::default().into(),
    }
}

/// A server that says its name to whoever connects, then gives back what it reads.
fn echo(name: &'static str) -> RealServerKey {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let key = RealServerKey::from(listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                stream.write_all(name.as_bytes()).unwrap();
                std::io::copy(&mut stream.try_clone().unwrap(), &mut stream)
            });
        }
    });
    key
}

/// A service on a free port with two servers, `a` added first.
struct Rig {
    dataplane: Userspace,
    key: ServiceKey,
    a: RealServerKey,
    b: RealServerKey,
}

static RIGS: AtomicU8 = AtomicU8::new(0);

impl Rig {
    fn new(service: &Service) -> Self {
        Self::with_room(service, 10_000)
    }

    fn with_room(service: &Service, most: usize) -> Self {
        // On an address of its own, where neither servers nor clients of other tests take the port.
        let [.., a, b] = std::process::id().to_be_bytes();
        let own = IpAddr::from([127, RIGS.fetch_add(1, Ordering::Relaxed) | 128, a, b]);
        let free = TcpListener::bind((own, 0)).unwrap().local_addr().unwrap();
        let key = ServiceKey::Address { protocol: crate::engine::model::Protocol::Tcp, address: free };
        let mut rig = Self {
            dataplane: Userspace::start(Ways::Real, "dataplane", most).unwrap(),
            key,
            a: echo("a"),
            b: echo("b"),
        };
        rig.apply(&IpvsOp::NewService(key, Box::new(service.clone())));
        rig.apply(&IpvsOp::NewDestination(key, rig.a, destination(Forwarding::Nat, 1)));
        rig.apply(&IpvsOp::NewDestination(key, rig.b, destination(Forwarding::Nat, 1)));
        rig
    }

    fn apply(&mut self, op: &IpvsOp) {
        self.dataplane.apply(op).unwrap_or_else(|refusal| panic!("{refusal}"));
    }

    /// A connection, and the name of the server that has it.
    fn connect(&self) -> (TcpStream, String) {
        let ServiceKey::Address { address, .. } = self.key else { unreachable!() };
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut name = [0];
        stream.read_exact(&mut name).unwrap();
        (stream, char::from(name[0]).to_string())
    }

    /// What is listed: service, client, real server, and whether a side has closed.
    fn connections(&self) -> Vec<(ServiceKey, SocketAddr, RealServerKey, bool)> {
        let mut listed = Vec::new();
        let each = |service, client, server, closing| {
            listed.push((service, client, server, closing));
            Ok::<(), ()>(())
        };
        self.dataplane.connections(each).unwrap();
        listed
    }

    fn view(&mut self) -> Service {
        self.dataplane.read_table().unwrap().services.remove(&self.key).unwrap()
    }

    fn until(&mut self, what: &str, holds: impl Fn(&Service) -> bool) {
        let begun = Instant::now();
        while !holds(&self.view()) {
            assert!(begun.elapsed() < Duration::from_secs(10), "{what}: {:?}", self.view());
            std::thread::yield_now();
        }
    }
}

#[test]
fn connections_go_round_and_are_counted_both_ways_until_they_end() {
    let mut rig = Rig::new(&service("rr"));
    let (mut first, name) = rig.connect();
    assert_eq!(name, "b");
    assert_eq!(rig.connect().1, "a");
    let sent = vec![7; 100_000];
    first.write_all(&sent).unwrap();
    let mut back = vec![0; 100_000];
    first.read_exact(&mut back).unwrap();
    assert_eq!(back, sent);
    let b = rig.b;
    let carried = |s: &Service| (s.destinations[&b].traffic.in_bytes, s.destinations[&b].traffic.out_bytes);
    rig.until("bytes", |s| carried(s) == (100_000, 100_001));
    let view = rig.view();
    assert_eq!((view.destinations[&b].active, view.destinations[&b].traffic.connections), (1, 1));
    assert_eq!(view.traffic.connections, 2);
    drop(first);
    rig.until("all ended and remembered", |s| s.destinations.values().all(|d| (d.active, d.inactive) == (0, 1)));
}

#[test]
fn short_connections_are_shared_out_as_well() {
    let mut rig = Rig::new(&service("wlc"));
    let mut names: Vec<_> = (0..8)
        .map(|_| {
            let (stream, name) = rig.connect();
            drop(stream);
            rig.until("it ended", |s| s.destinations.values().all(|d| d.active == 0));
            name
        })
        .collect();
    names.sort();
    assert_eq!(names.concat(), "aaaabbbb");
}

#[test]
fn a_server_that_comes_back_has_all_its_counts_or_none() {
    let mut rig = Rig::new(&service("rr"));
    let counts = |rig: &mut Rig| rig.view().destinations[&rig.b].traffic.clone();
    let (stream, _) = rig.connect();
    let b = rig.b;
    rig.until("it is counted", |s| s.destinations[&b].traffic.out_bytes > 0);
    let before = counts(&mut rig);
    let again = |rig: &mut Rig| {
        rig.apply(&IpvsOp::DelDestination(rig.key, rig.b));
        rig.apply(&IpvsOp::NewDestination(rig.key, rig.b, destination(Forwarding::Nat, 1)));
    };
    again(&mut rig);
    assert_eq!(counts(&mut rig), before, "it has a connection");
    drop(stream);
    let mut rig = Rig::new(&service("rr"));
    again(&mut rig);
    assert_eq!(counts(&mut rig), Traffic::default().into());
}

#[test]
fn a_drained_server_keeps_its_connections_and_gets_no_more() {
    let mut rig = Rig::new(&service("rr"));
    let (mut held, name) = rig.connect();
    assert_eq!(name, "b");
    rig.apply(&IpvsOp::SetDestination(rig.key, rig.b, destination(Forwarding::Nat, 0)));
    assert_eq!((rig.connect().1, rig.connect().1), ("a".to_owned(), "a".to_owned()));
    held.write_all(b"still").unwrap();
    let mut back = [0; 5];
    held.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"still");
}

#[test]
fn who_leaves_drained_takes_the_connections_along_and_who_leaves_otherwise_does_not() {
    for (weight, goes_on) in [(1, true), (0, false)] {
        let mut rig = Rig::new(&service("rr"));
        let (mut held, _) = rig.connect();
        rig.apply(&IpvsOp::SetDestination(rig.key, rig.b, destination(Forwarding::Nat, weight)));
        rig.apply(&IpvsOp::DelDestination(rig.key, rig.b));
        // What is written after the end may still be taken by this host.
        _ = held.write_all(b"still");
        let mut back = [0; 5];
        assert_eq!(held.read_exact(&mut back).is_ok(), goes_on);
    }
}

#[test]
fn a_persistent_client_stays_and_a_full_server_is_passed_over() {
    let persistent = Service { persistence: Some(Persistence { timeout: 60, prefix: 32 }), ..service("rr") };
    let mut rig = Rig::new(&persistent);
    assert_eq!(rig.connect().1, rig.connect().1);
    let b = rig.b;
    assert_eq!(rig.view().destinations[&b].persistent, 1);
    let mut rig = Rig::new(&service("rr"));
    let full = Destination { upper_threshold: 1, ..destination(Forwarding::Nat, 1) };
    rig.apply(&IpvsOp::SetDestination(rig.key, rig.b, full));
    let held = rig.connect();
    assert_eq!(held.1, "b");
    assert_eq!((rig.connect().1, rig.connect().1), ("a".to_owned(), "a".to_owned()));
}

#[test]
fn half_closed_is_inactive_and_the_rest_still_comes() {
    let mut rig = Rig::new(&service("wlc"));
    let (mut stream, _) = rig.connect();
    stream.write_all(b"last words").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "last words");
    rig.until("ended", |s| s.destinations.values().map(|d| (d.active, d.inactive)).max() == Some((0, 1)));
}

#[test]
fn a_service_that_is_removed_ends_its_connections_and_its_port_is_free() {
    let mut rig = Rig::new(&service("rr"));
    let (mut stream, _) = rig.connect();
    rig.apply(&IpvsOp::DelService(rig.key));
    assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    let ServiceKey::Address { address, .. } = rig.key else { unreachable!() };
    let begun = Instant::now();
    while TcpListener::bind(address).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the port is still taken");
        std::thread::yield_now();
    }
}

#[test]
fn nobody_to_take_it_and_a_server_that_refuses_are_a_reset() {
    let mut rig = Rig::new(&service("rr"));
    let ServiceKey::Address { address, .. } = rig.key else { unreachable!() };
    rig.apply(&IpvsOp::DelDestination(rig.key, rig.a));
    rig.apply(&IpvsOp::DelDestination(rig.key, rig.b));
    let mut nobody = TcpStream::connect(address).unwrap();
    assert!(nobody.read(&mut [0]).is_err(), "a reset");
    let dead = RealServerKey::from(TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    rig.apply(&IpvsOp::NewDestination(rig.key, dead, destination(Forwarding::Nat, 1)));
    let mut refused = TcpStream::connect(address).unwrap();
    assert!(refused.read(&mut [0]).is_err(), "a reset");
}

#[test]
fn what_it_cannot_do_is_refused_in_words() {
    let mut dataplane = Userspace::start(Ways::Real, "dataplane", 10_000).unwrap();
    let mut says = |op: IpvsOp, kind: RefusalKind, words: &str| {
        let refusal = dataplane.apply(&op).unwrap_err();
        assert_eq!(refusal.kind, kind, "{refusal}");
        assert!(refusal.message.contains(words), "{refusal}");
    };
    let new = |key: &str, scheduler| IpvsOp::NewService(key.parse().unwrap(), Box::new(service(scheduler)));
    says(new("udp/127.0.0.1:53", "rr"), RefusalKind::Invalid, "TCP only");
    says(new("fwmark/7", "rr"), RefusalKind::Invalid, "firewall marks");
    says(new("tcp/127.0.0.1:0", "rr"), RefusalKind::Invalid, "all ports");
    says(new("tcp/127.0.0.1:1", "mh"), RefusalKind::NoScheduler, "rr, wrr, lc, wlc, sh");
    let key = "tcp/127.0.0.1:1".parse().unwrap();
    let dr = IpvsOp::NewDestination(key, "127.0.0.1:1".parse().unwrap(), destination(Forwarding::Dr, 1));
    says(dr, RefusalKind::Invalid, "lb_kind NAT");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let op = new(&format!("tcp/{}", taken.local_addr().unwrap()), "rr");
    says(op.clone(), RefusalKind::Other, "ss -ltnp");
    drop(taken);
    dataplane.apply(&op).unwrap();
    assert_eq!(dataplane.apply(&op).unwrap_err().kind, RefusalKind::Exists);
}

#[test]
fn who_has_no_room_is_refused_and_told_until_there_is_some() {
    let rig = Rig::with_room(&service("rr"), 2);
    let (told, tell) = std::sync::mpsc::channel();
    rig.dataplane.report_to(move |fact| told.send(fact.reason.unwrap_or_default()).unwrap());
    let (first, _second) = (rig.connect(), rig.connect());
    let ServiceKey::Address { address, .. } = rig.key else { unreachable!() };
    for _ in 0..3 {
        let mut third = TcpStream::connect(address).unwrap();
        third.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        assert!(third.read(&mut [0]).is_err(), "a reset, and no hanging");
    }
    assert!(tell.recv().unwrap().starts_with("1 clients were refused"));
    let warnings = rig.dataplane.warnings();
    assert_eq!((warnings.len(), warnings[0].code.as_str()), (1, "userspace-full"));
    assert!(warnings[0].message.starts_with("3 clients were refused"), "{warnings:?}");
    assert!(tell.try_recv().is_err(), "told once");
    drop(first);
    // Counted as inactive it may still have its place: only what is no longer listed has none.
    let begun = Instant::now();
    while rig.connections().len() > 1 {
        assert!(begun.elapsed() < Duration::from_secs(10), "a place: {:?}", rig.connections());
        std::thread::yield_now();
    }
    rig.connect();
}

#[test]
fn its_connections_are_listed_with_whom_they_go_to() {
    let rig = Rig::new(&service("rr"));
    assert_eq!(rig.connections(), []);
    let (one, _) = rig.connect();
    assert_eq!(rig.connections(), [(rig.key, one.local_addr().unwrap(), rig.b, false)]);
    one.shutdown(std::net::Shutdown::Write).unwrap();
    let begun = Instant::now();
    while !rig.connections().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", rig.connections());
        std::thread::yield_now();
    }
}

#[test]
fn what_cannot_be_served_is_taken_out_and_told_once_each() {
    let text = "virtual_server 192.0.2.1 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n real_server 192.0.2.2 80 {\n weight 1\n }\n}\n\
                virtual_server 192.0.2.1 81 {\n lb_algo dh\n lb_kind DR\n protocol TCP\n real_server 192.0.2.2 81 {\n weight 1\n }\n}\n\
                virtual_server 192.0.2.1 53 {\n lb_algo rr\n lb_kind NAT\n protocol UDP\n real_server 192.0.2.2 53 {\n weight 1\n }\n}\n";
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("u.conf");
    std::fs::write(&file, text).unwrap();
    let mut configuration = crate::engine::config::load_as(&file, None).unwrap().configuration.unwrap();
    let told = cut(&mut configuration);
    assert_eq!(configuration.virtual_servers.len(), 1);
    let told: Vec<_> = told.iter().map(|w| (w.code.as_str(), w.subject.as_str())).collect();
    let unserved = "userspace-unserved";
    assert_eq!(told, [("userspace", "dataplane"), (unserved, "tcp/192.0.2.1:81"), (unserved, "udp/192.0.2.1:53")]);
}

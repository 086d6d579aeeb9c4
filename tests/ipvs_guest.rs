//! The kernel's own IPVS: what is written is what ipvsadm shows, and what is read is what was written.
//!
//! Where this machine's kernel has no `ip_vs`, each test runs itself again in a User Mode Linux guest that has. Needs root
//! and the Debian packages ipvsadm and user-mode-linux; nothing is skipped.
// The lints spare test functions, not what they call.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "ipvs_guest/run.rs"]
mod run;

use RefusalKind::{Exists, Invalid, Missing, NoScheduler};
use lvsdeck::engine::balance::{Action, Balance, Input, OwnedService};
use lvsdeck::engine::io::ipvs_netlink::{IpvsKernel, Netlink};
use lvsdeck::engine::ipvs::{Destination, IpvsOp, IpvsTable, Ownership, RefusalKind, Service, Traffic, Tunnel, plan};
use lvsdeck::engine::model::{
    CheckSpec, CheckTiming, Configuration, Forwarding, Persistence, RealServer, RealServerKey, SCHEDULERS, Scheduler,
    ServiceKey, VirtualServer, Weight,
};
use run::{ipvsadm, with_ipvs};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

fn key(text: &str) -> ServiceKey {
    text.parse().unwrap()
}

fn server(text: &str) -> RealServerKey {
    text.parse().unwrap()
}

fn service(scheduler: &str, persistence: Option<(u32, u8)>) -> Service {
    Service {
        scheduler: scheduler.to_owned(),
        persistence: persistence.map(|(timeout, prefix)| Persistence { timeout, prefix }),
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

/// Makes `desired` out of what the kernel has; the plan must come to its end.
fn reconcile(kernel: &mut Netlink, desired: &IpvsTable, owned: &Ownership) {
    let observed = kernel.read_table().unwrap();
    for op in plan(desired, &observed, owned) {
        kernel.apply(&op).unwrap_or_else(|refusal| panic!("{refusal}"));
    }
    assert_eq!(plan(desired, &kernel.read_table().unwrap(), owned), []);
}

/// `ipvsadm -Sn` of a table, line by line, as a set: the order is of no concern.
fn saved(table: &IpvsTable) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for (key, service) in &table.services {
        let vs = key.ipvsadm_option();
        let mut line = format!("-A {vs} -s {}", service.scheduler);
        if let Some(Persistence { timeout, prefix }) = service.persistence {
            line += " -p ";
            line += &timeout.to_string();
            line += match (prefix, vs.contains('[') || vs.contains("-6")) {
                (24, false) => " -M 255.255.255.0",
                (64, true) => " -M 64",
                _ => "",
            };
        }
        line += if service.one_packet { " -o" } else { "" };
        line += &service.engine.as_ref().map(|engine| format!(" --pe {engine}")).unwrap_or_default();
        line += match (service.scheduler.as_str(), service.scheduler_flags) {
            ("sh", 0x18) => " -b sh-fallback,sh-port",
            ("mh", 0x10) => " -b mh-port",
            _ => "",
        };
        lines.insert(line);
        for (server, settings) in &service.destinations {
            let tunnel = if settings.forwarding == Forwarding::Tun { " --tun-type ipip" } else { "" };
            let option = settings.forwarding.ipvsadm_option();
            lines.insert(format!("-a {vs} -r {server} {option} -w {}{tunnel}", settings.weight));
        }
    }
    lines
}

/// Servers for each forwarding method and weight; DR and TUN keep the service's port, as ipvsadm would have it.
fn servers(key: ServiceKey) -> BTreeMap<RealServerKey, Destination> {
    let prefix = if key.family() == lvsdeck::engine::model::Family::Inet { "10.0.1." } else { "fd00::1:" };
    let mut list = BTreeMap::new();
    for (method, forwarding) in [Forwarding::Nat, Forwarding::Dr, Forwarding::Tun].into_iter().enumerate() {
        for (which, weight) in [0, 1, 100, 2_147_483_647].into_iter().enumerate() {
            let port = if forwarding == Forwarding::Nat { 8080 } else { key.port().unwrap_or(90) };
            let address = format!("{prefix}{}", 10 * method + which + 1).parse().unwrap();
            list.insert(std::net::SocketAddr::new(address, port).into(), destination(forwarding, weight));
        }
    }
    list
}

/// A service of each kind and persistence with this scheduler; `n` keeps them apart.
fn every_kind(scheduler: &str, n: usize) -> IpvsTable {
    let mut table = IpvsTable::default();
    for (p, persistence) in [None, Some((60, 32)), Some((7200, 24))].into_iter().enumerate() {
        let n = 10 * n + p;
        let v6 = persistence.map(|(timeout, prefix)| (timeout, if prefix == 24 { 64 } else { 128 }));
        for (text, persistence) in [
            (format!("tcp/10.0.0.1:{}", 1000 + n), persistence),
            (format!("udp/10.0.0.1:{}", 1000 + n), persistence),
            (format!("sctp/10.0.0.1:{}", 1000 + n), persistence),
            (format!("fwmark/{}", 1000 + n), persistence),
            (format!("tcp/[fd00::1]:{}", 1000 + n), v6),
            (format!("fwmark6/{}", 1000 + n), v6),
        ] {
            let destinations = servers(key(&text));
            table.services.insert(key(&text), Service { destinations, ..service(scheduler, persistence) });
        }
    }
    table
}

#[test]
fn every_scheduler_kind_and_method_is_shown_by_ipvsadm_as_written_and_read_back() {
    with_ipvs("every_scheduler_kind_and_method_is_shown_by_ipvsadm_as_written_and_read_back", || {
        let mut kernel = Netlink::open().unwrap();
        let mut missing = Vec::new();
        for (n, (_, name, _)) in SCHEDULERS.iter().enumerate() {
            let trial = IpvsOp::NewService(key("fwmark/1"), Box::new(service(name, None)));
            if let Err(refusal) = kernel.apply(&trial) {
                assert!(refusal.message.ends_with(&format!("modprobe ip_vs_{name}")), "{refusal}");
                missing.push(*name);
                continue;
            }
            kernel.apply(&IpvsOp::DelService(key("fwmark/1"))).unwrap();
            let desired = every_kind(name, n);
            let owned = desired.services.iter().map(|(key, s)| (*key, s.destinations.keys().copied())).collect();
            reconcile(&mut kernel, &desired, &owned);
            assert_eq!(kernel.read_table().unwrap(), desired);
            assert_eq!(ipvsadm("-Sn").lines().map(str::to_owned).collect::<BTreeSet<_>>(), saved(&desired));
            reconcile(&mut kernel, &IpvsTable::default(), &owned);
            assert_eq!(ipvsadm("-Sn"), "");
        }
        assert!(missing.iter().all(|name| *name == "twos"), "schedulers the kernel has not: {missing:?}");
    });
}

#[test]
fn flags_thresholds_engines_marks_and_mixed_families_survive_the_kernel() {
    with_ipvs("flags_thresholds_engines_marks_and_mixed_families_survive_the_kernel", || {
        let mut kernel = Netlink::open().unwrap();
        let flags = |scheduler, scheduler_flags| Service { scheduler_flags, ..service(scheduler, None) };
        let limited = Destination { upper_threshold: 100, lower_threshold: 80, ..destination(Forwarding::Dr, 1) };
        let mut table = IpvsTable::default();
        let mut add = |text: &str, service: Service, servers: &[(&str, Destination)]| {
            let destinations = servers.iter().map(|(text, settings)| (server(text), settings.clone())).collect();
            table.services.insert(key(text), Service { destinations, ..service });
        };
        add("tcp/10.0.0.1:81", flags("sh", 0x18), &[("10.0.0.71:81", limited)]);
        add("tcp/10.0.0.1:82", flags("mh", 0x10), &[]);
        add("udp/10.0.0.1:53", Service { one_packet: true, ..service("rr", None) }, &[]);
        add("udp/10.0.0.1:5060", Service { engine: Some("sip".to_owned()), ..service("rr", Some((60, 32))) }, &[]);
        add(
            "fwmark/7",
            service("rr", None),
            &[
                ("10.0.0.71:0", destination(Forwarding::Dr, 1)),
                ("10.0.0.72:8080", destination(Forwarding::Dr, 2)),
                ("10.0.0.73:0", destination(Forwarding::Nat, 3)),
                ("10.0.0.74:8080", destination(Forwarding::Nat, 4)),
                ("[fd00::75]:90", destination(Forwarding::Tun, 5)),
            ],
        );
        let owned = Ownership::default();
        reconcile(&mut kernel, &table, &owned);
        assert_eq!(kernel.read_table().unwrap(), table);
        assert_eq!(ipvsadm("-Sn").lines().map(str::to_owned).collect::<BTreeSet<_>>(), saved(&table));
        let thresholds = ipvsadm("-Ln --thresholds");
        let columns = thresholds.lines().find(|line| line.contains("10.0.0.71:81")).unwrap().split_whitespace();
        assert_eq!(columns.collect::<Vec<_>>(), ["->", "10.0.0.71:81", "100", "80", "0", "0"]);

        let plain = service("wlc", None);
        for service in table.services.values_mut() {
            let destinations = std::mem::take(&mut service.destinations);
            *service = Service { destinations, ..plain.clone() };
        }
        reconcile(&mut kernel, &table, &owned);
        assert_eq!(kernel.read_table().unwrap(), table, "what is no longer wanted goes");
    });
}

#[test]
fn a_refusal_names_the_key_the_cause_and_the_next_step() {
    with_ipvs("a_refusal_names_the_key_the_cause_and_the_next_step", || {
        let mut kernel = Netlink::open().unwrap();
        let (web, rs) = (key("tcp/10.0.0.1:80"), server("10.0.0.71:80"));
        let dr = destination(Forwarding::Dr, 1);
        let add = |service: Service| IpvsOp::NewService(web, Box::new(service));
        let mut refused = |op: &IpvsOp| {
            let refusal = kernel.apply(op).expect_err("refused");
            let mut simulated = IpvsTable::default();
            if !matches!(op, IpvsOp::DelService(_)) {
                simulated.services.insert(web, service("rr", None));
            }
            (refusal.kind, refusal.message, simulated.apply(op).err().map(|refusal| refusal.kind))
        };
        let (kind, message, _) = refused(&add(service("foo", None)));
        assert_eq!(
            (kind, message.as_str()),
            (NoScheduler, "can't add service tcp/10.0.0.1:80: the kernel has no scheduler \"foo\": modprobe ip_vs_foo")
        );
        let (kind, message, _) = refused(&add(Service { engine: Some("foo".to_owned()), ..service("rr", None) }));
        assert_eq!(
            (kind, message.ends_with("no persistence engine \"foo\": modprobe ip_vs_pe_foo")),
            (NoScheduler, true)
        );
        assert_eq!(refused(&IpvsOp::DelService(web)).0, Missing);
        assert_eq!(refused(&IpvsOp::SetService(web, Box::new(service("rr", None)))).0, Missing);
        assert_eq!(refused(&IpvsOp::NewDestination(web, rs, dr.clone())).0, Missing);
        ipvsadm("-A -t 10.0.0.1:80 -s rr");
        // From here on a table in memory must say the same.
        let same = |(kind, message, simulated): (RefusalKind, String, Option<RefusalKind>)| {
            assert_eq!(simulated, Some(kind), "{message}");
            kind
        };
        assert_eq!(same(refused(&add(service("wlc", None)))), Exists);
        assert_eq!(same(refused(&IpvsOp::SetDestination(web, rs, dr.clone()))), Missing);
        assert_eq!(same(refused(&IpvsOp::DelDestination(web, rs))), Missing);
        let reversed = Destination { upper_threshold: 1, lower_threshold: 2, ..dr.clone() };
        assert_eq!(same(refused(&IpvsOp::NewDestination(web, rs, reversed))), Invalid);
        assert_eq!(same(refused(&IpvsOp::NewDestination(web, server("[fd00::71]:80"), dr.clone()))), Invalid);
        let long = service("a-name-of-16-byt", None);
        assert_eq!(same(refused(&IpvsOp::SetService(web, Box::new(long)))), Invalid);
        let (kind, message, _) = refused(&IpvsOp::NewDestination(web, server("224.0.0.1:80"), dr.clone()));
        assert_eq!((kind, message.contains("multicast")), (Invalid, true));
        ipvsadm("-a -t 10.0.0.1:80 -r 10.0.0.71:80 -g");
        assert_eq!(refused(&IpvsOp::NewDestination(web, rs, dr)).0, Exists);
        let v6 = IpvsOp::NewService(key("tcp/[fd00::1]:80"), Box::new(service("rr", Some((60, 0)))));
        assert_eq!(same(refused(&v6)), Invalid);
    });
}

#[test]
fn without_the_capability_the_refusal_names_it() {
    with_ipvs("without_the_capability_the_refusal_names_it", || {
        // SAFETY: no pointers; the raw call changes the user of the calling thread only, which ends with the test.
        #[allow(unsafe_code)]
        let result = unsafe { libc::syscall(libc::SYS_setresuid, 65534, 65534, 65534) };
        assert_eq!(result, 0);
        let mut kernel = Netlink::open().unwrap();
        for refusal in [
            kernel.read_table().unwrap_err(),
            kernel.apply(&IpvsOp::DelService(key("fwmark/7"))).unwrap_err(),
            kernel.version().unwrap_err(),
        ] {
            assert_eq!(refusal.kind, RefusalKind::NotPermitted);
            assert!(refusal.message.contains("CAP_NET_ADMIN"), "{refusal}");
        }
    });
}

#[test]
fn what_strangers_change_is_repaired_and_what_they_add_stays() {
    with_ipvs("what_strangers_change_is_repaired_and_what_they_add_stays", || {
        let mut kernel = Netlink::open().unwrap();
        let web = key("tcp/10.0.0.1:80");
        let of = |servers: &[&str]| {
            let destinations = servers.iter().map(|s| (server(s), destination(Forwarding::Nat, 1))).collect();
            IpvsTable { services: [(web, Service { destinations, ..service("rr", Some((300, 32))) })].into() }
        };
        let desired = of(&["10.0.0.71:80", "10.0.0.72:80", "10.0.0.73:80"]);
        let owned = [(web, desired.services[&web].destinations.keys().copied())].into_iter().collect();
        ipvsadm("-A -f 9 -s rr");
        reconcile(&mut kernel, &desired, &owned);
        let before = ipvsadm("-Sn");
        ipvsadm("-E -t 10.0.0.1:80 -s lc");
        ipvsadm("-e -t 10.0.0.1:80 -r 10.0.0.71:80 -g -w 7");
        ipvsadm("-d -t 10.0.0.1:80 -r 10.0.0.72:80");
        reconcile(&mut kernel, &desired, &owned);
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
        assert_eq!(lines(&ipvsadm("-Sn")), lines(&before));
        ipvsadm("-C");
        ipvsadm("-A -t 10.0.0.1:80 -s wrr");
        ipvsadm("-a -t 10.0.0.1:80 -r 10.0.0.99:80 -m");
        ipvsadm("-a -t 10.0.0.1:80 -r 10.0.0.73:80 -m");
        reconcile(&mut kernel, &of(&["10.0.0.71:80"]), &owned);
        let now = kernel.read_table().unwrap();
        let left: Vec<_> = now.services[&web].destinations.keys().map(ToString::to_string).collect();
        assert_eq!(left, ["10.0.0.71:80", "10.0.0.99:80"]);
    });
}

#[test]
fn connections_packets_and_bytes_are_read_as_ipvsadm_shows_them() {
    with_ipvs("connections_packets_and_bytes_are_read_as_ipvsadm_shows_them", || {
        for address in ["10.0.0.1/32", "10.0.0.71/32"] {
            assert!(Command::new("ip").args(["address", "add", address, "dev", "lo"]).status().unwrap().success());
        }
        ipvsadm("-A -t 10.0.0.1:80 -s rr");
        ipvsadm("-a -t 10.0.0.1:80 -r 10.0.0.71:8080 -m");
        let listener = TcpListener::bind("10.0.0.71:8080").unwrap();
        let mut client = TcpStream::connect("10.0.0.1:80").unwrap();
        let (mut server_side, _) = listener.accept().unwrap();
        server_side.write_all(&[b'x'; 5000]).unwrap();
        client.read_exact(&mut [0; 5000]).unwrap();
        client.write_all(b"thanks").unwrap();
        server_side.read_exact(&mut [0; 6]).unwrap();

        let mut kernel = Netlink::open().unwrap();
        let started = Instant::now();
        // The kernel refreshes what it tells every 2 s.
        let (found, shown) = loop {
            let table = kernel.read_table().unwrap();
            let shown = ipvsadm("-Ln --stats --exact");
            let again = kernel.read_table().unwrap();
            let found = table.services[&key("tcp/10.0.0.1:80")].clone();
            if found.traffic.out_bytes > 5000 && table == again {
                break (found, shown);
            }
            assert!(started.elapsed() < Duration::from_secs(30), "{found:?}");
        };
        let numbers = |traffic: Traffic| {
            let Traffic { connections, in_packets, out_packets, in_bytes, out_bytes } = traffic;
            [connections, in_packets, out_packets, in_bytes, out_bytes].map(|number| number.to_string())
        };
        let columns = |line: &str| {
            let line = shown.lines().find(|l| l.contains(line)).unwrap_or_else(|| panic!("{line}: {shown}"));
            line.split_whitespace().skip(2).map(str::to_owned).collect::<Vec<_>>()
        };
        let destination = &found.destinations[&server("10.0.0.71:8080")];
        assert_eq!(numbers(found.traffic).as_slice(), columns("10.0.0.1:80"));
        assert_eq!(numbers(*destination.traffic).as_slice(), columns("10.0.0.71:8080"));
        assert_eq!((destination.traffic.connections, destination.active, destination.inactive), (1, 1, 0));
    });
}

#[test]
fn three_thousand_servers_are_read_whole() {
    with_ipvs("three_thousand_servers_are_read_whole", || {
        let mut kernel = Netlink::open().unwrap();
        let web = key("tcp/10.0.0.1:80");
        let destinations = (0..3000_u16)
            .map(|n| {
                let [high, low] = n.to_be_bytes();
                (server(&format!("10.1.{high}.{low}:80")), destination(Forwarding::Dr, u32::from(n)))
            })
            .collect();
        let desired = IpvsTable { services: [(web, Service { destinations, ..service("wlc", None) })].into() };
        reconcile(&mut kernel, &desired, &Ownership::default());
        assert_eq!(kernel.read_table().unwrap(), desired);
    });
}

/// The core on the kernel, one action after the other; every check passes. Gives how many operations the kernel did.
fn drive(balance: &mut Balance, kernel: &mut Netlink, owned: &mut Vec<OwnedService>, input: Input) -> usize {
    let (mut inputs, mut operations) = (std::collections::VecDeque::from([input]), 0);
    while let Some(input) = inputs.pop_front() {
        balance.handle(Instant::now(), input);
        while let Some(action) = balance.poll_action() {
            match action {
                Action::Observe => inputs.push_back(Input::Observed(kernel.read_table().map(Box::new))),
                Action::Apply(ops) => {
                    operations += ops.len();
                    for op in ops {
                        let result = kernel.apply(&op);
                        assert!(result.is_ok(), "{op}: {result:?}");
                        inputs.push_back(Input::Applied { op: Box::new(op), result });
                    }
                }
                Action::Remember(list) => *owned = list,
                Action::Reloaded(result) => assert_eq!(result, Ok(String::new())),
                Action::Probe { .. }
                | Action::CancelProbe { .. }
                | Action::Overrides(_)
                | Action::Report(_)
                | Action::Notify(_)
                | Action::Answer { .. } => {}
            }
        }
    }
    operations
}

#[test]
fn a_thousand_services_are_reloaded_and_taken_up_without_a_write_and_end_in_half_a_second() {
    with_ipvs("a_thousand_services_are_reloaded_and_taken_up_without_a_write_and_end_in_half_a_second", || {
        let server = |text: String| RealServer {
            forwarding: Forwarding::Dr,
            checks: vec![CheckSpec::tcp(text.parse().unwrap(), CheckTiming::default()).into()],
            ..RealServer::new(text.parse().unwrap())
        };
        let service = |n: usize| VirtualServer {
            scheduler: Scheduler::Rr,
            forwarding: Forwarding::Dr,
            real_servers: (1..=10).map(|s| server(format!("10.{}.{}.{s}:80", n / 250 + 1, n % 250))).collect(),
            ..VirtualServer::new(key(&format!("tcp/10.0.{}.{}:80", n / 250, n % 250 + 1)))
        };
        let servers: Vec<VirtualServer> = (0..1_000).map(service).collect();
        let mut kernel = Netlink::open().unwrap();
        let mut owned = Vec::new();
        let mut timed = |what: &str, balance: &mut Balance, input: Input, operations: usize| {
            let begun = Instant::now();
            assert_eq!(drive(balance, &mut kernel, &mut owned, input), operations, "{what}");
            println!("1,000 x 10: {what} {:?}", begun.elapsed());
            begun.elapsed()
        };
        let reload = || {
            let virtual_servers = servers.clone();
            Input::Reload(std::sync::Arc::new(Configuration { virtual_servers, ..Configuration::default() }))
        };
        let mut balance = Balance::new(&servers, Vec::new(), Vec::new(), Instant::now());
        timed("start", &mut balance, Input::Start, 11_000);
        let reloaded = timed("reload without a change", &mut balance, reload(), 0);
        timed("end that keeps", &mut balance, Input::Shutdown { keep: true }, 0);
        let known = servers
            .iter()
            .map(|s| OwnedService { key: s.key, servers: s.real_servers.iter().map(|server| server.key).collect() });
        let mut next = Balance::new(&servers, known.collect(), Vec::new(), Instant::now());
        timed("start on what is there", &mut next, Input::Start, 0);
        let ended = timed("end", &mut next, Input::Shutdown { keep: false }, 1_000);
        assert_eq!((owned, ipvsadm("-ln").lines().count()), (Vec::new(), 3));
        assert!(reloaded < Duration::from_millis(300), "{reloaded:?}");
        assert!(ended < Duration::from_millis(500), "{ended:?}");
    });
}

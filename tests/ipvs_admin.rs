//! What the ipvsadm dialect asks of the kernel's own IPVS, and the hazards of its netlink interface.
//!
//! Runs as `ipvs_guest` does: here, or in a guest.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "ipvs_guest/run.rs"]
mod run;

use lvsdeck::engine::io::ipvs_admin::{IpvsAdmin, open};
use lvsdeck::engine::io::ipvs_proc::Table;
use lvsdeck::engine::ipvs::{
    Checksum, DaemonRole, Destination, IpvsOp, RefusalKind, Service, SyncDaemon, Timeouts, Traffic, Tunnel,
};
use lvsdeck::engine::model::{Forwarding, Persistence, RealServerKey, ServiceKey, Weight};
use run::{ipvsadm, with_ipvs};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

fn key(text: &str) -> ServiceKey {
    text.parse().unwrap()
}

fn server(text: &str) -> RealServerKey {
    text.parse().unwrap()
}

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

fn destination(forwarding: Forwarding, tunnel: Tunnel) -> Destination {
    Destination {
        forwarding,
        tunnel,
        weight: Weight::DEFAULT,
        upper_threshold: 0,
        lower_threshold: 0,
        active: 0,
        inactive: 0,
        persistent: 0,
        traffic: Traffic::default().into(),
    }
}

fn add(kernel: &mut dyn IpvsAdmin, op: &IpvsOp) {
    kernel.apply(op).unwrap_or_else(|refusal| panic!("{refusal}"));
}

fn new_server(service: &str, at: &str, settings: Destination) -> IpvsOp {
    IpvsOp::NewDestination(key(service), server(at), settings)
}

#[test]
fn tunnels_and_masks_are_shown_by_ipvsadm_as_written_and_read_back() {
    with_ipvs("tunnels_and_masks_are_shown_by_ipvsadm_as_written_and_read_back", || {
        let mut kernel = open().unwrap();
        let odd = Service {
            persistence: Some(Persistence { timeout: 60, prefix: 8 }),
            odd_mask: Some([255, 0, 255, 0].into()),
            ..service("rr")
        };
        add(kernel.as_mut(), &IpvsOp::NewService(key("tcp/10.0.0.1:80"), Box::new(odd.clone())));
        let gue = |checksum| Tunnel::Gue { port: 6080, checksum };
        let gre = |checksum| Tunnel::Gre { checksum };
        let tunnels = [
            (Tunnel::Ipip, "ipip"),
            (gue(Checksum::Off), "gue --tun-port 6080 --tun-nocsum"),
            (gue(Checksum::On), "gue --tun-port 6080 --tun-csum"),
            (gue(Checksum::Remote), "gue --tun-port 6080 --tun-remcsum"),
            (gre(Checksum::Off), "gre --tun-nocsum"),
            (gre(Checksum::On), "gre --tun-csum"),
        ];
        let mut expected = BTreeSet::from(["-A -t 10.0.0.1:80 -s rr -p 60 -M 255.0.255.0".to_owned()]);
        for (n, (tunnel, words)) in tunnels.into_iter().enumerate() {
            let at = format!("10.0.0.{}:80", 71 + n);
            add(kernel.as_mut(), &new_server("tcp/10.0.0.1:80", &at, destination(Forwarding::Tun, tunnel)));
            expected.insert(format!("-a -t 10.0.0.1:80 -r {at} -i -w 1 --tun-type {words}"));
        }
        assert_eq!(ipvsadm("-Sn").lines().map(str::to_owned).collect::<BTreeSet<_>>(), expected);
        let found = kernel.list_one(key("tcp/10.0.0.1:80")).unwrap().unwrap();
        assert!(found.service.same_settings(&odd));
        let read: Vec<_> = found.servers.iter().rev().map(|entry| entry.destination.tunnel).collect();
        assert_eq!(read, tunnels.map(|(tunnel, _)| tunnel), "the kernel lists the last one first");
    });
}

#[test]
fn daemons_timeouts_zero_and_flush_do_what_ipvsadm_shows() {
    with_ipvs("daemons_timeouts_zero_and_flush_do_what_ipvsadm_shows", || {
        for line in ["link add d0 type dummy", "link set d0 up", "addr add 10.9.9.1/24 dev d0"] {
            assert!(Command::new("ip").args(line.split(' ')).status().unwrap().success());
        }
        let mut kernel = open().unwrap();
        let timeouts = Timeouts { tcp: 800, tcp_fin: 110, udp: 290 };
        kernel.set_timeouts(timeouts).unwrap();
        kernel.set_timeouts(Timeouts { udp: 280, ..Timeouts::default() }).unwrap();
        assert_eq!(kernel.timeouts().unwrap(), Timeouts { udp: 280, ..timeouts });
        assert_eq!(ipvsadm("-L --timeout"), "Timeout (tcp tcpfin udp): 800 110 280\n");

        let daemon = SyncDaemon {
            role: DaemonRole::Backup,
            interface: "d0".to_owned(),
            sync_id: 7,
            max_length: 1200, // a backup has 1024 at least, whatever it is told
            group: Some([239, 1, 1, 1].into()),
            port: 9000,
            ttl: 3,
        };
        kernel.start_daemon(&daemon).unwrap();
        assert_eq!(kernel.daemons().unwrap(), std::slice::from_ref(&daemon));
        assert_eq!(
            ipvsadm("-L --daemon"),
            "backup sync daemon (mcast=d0, syncid=7, maxlen=1200, group=239.1.1.1, port=9000, ttl=3)\n"
        );
        assert_eq!(kernel.start_daemon(&daemon).unwrap_err().kind, RefusalKind::Exists);
        kernel.stop_daemon(DaemonRole::Backup).unwrap();
        let none = kernel.stop_daemon(DaemonRole::Backup).unwrap_err();
        assert_eq!(
            (none.kind, none.message.as_str()),
            (RefusalKind::Missing, "can't stop the backup sync daemon: none runs")
        );
        let nowhere = SyncDaemon { interface: "nope".to_owned(), ..daemon };
        assert!(kernel.start_daemon(&nowhere).unwrap_err().message.contains("no such interface"));

        add(kernel.as_mut(), &IpvsOp::NewService(key("fwmark/7"), Box::new(service("rr"))));
        kernel.zero(Some(key("fwmark/7"))).unwrap();
        kernel.zero(None).unwrap();
        assert_eq!(kernel.zero(Some(key("fwmark/8"))).unwrap_err().kind, RefusalKind::Missing);
        kernel.flush().unwrap();
        assert_eq!((ipvsadm("-Sn"), kernel.list().unwrap().len()), (String::new(), 0));
    });
}

#[test]
fn a_batch_does_all_it_can_and_tells_every_refusal() {
    with_ipvs("a_batch_does_all_it_can_and_tells_every_refusal", || {
        let mut kernel = open().unwrap();
        add(kernel.as_mut(), &IpvsOp::NewService(key("tcp/10.0.0.1:80"), Box::new(service("rr"))));
        let at = |n: usize| format!("10.1.{}.{}:80", n / 250, n % 250 + 1);
        let nat = || destination(Forwarding::Nat, Tunnel::Ipip);
        // Every third one twice: the second is refused.
        let ops: Vec<_> = (0..3000).map(|n| new_server("tcp/10.0.0.1:80", &at(n - n % 3 / 2), nat())).collect();
        let ends = kernel.apply_all(&ops);
        let refused: Vec<_> = ends.iter().enumerate().filter(|(_, end)| end.is_err()).map(|(n, _)| n).collect();
        assert_eq!(refused, (2..3000).step_by(3).collect::<Vec<_>>());
        assert!(ends[2].as_ref().unwrap_err().message.contains(&at(1)));
        assert_eq!(kernel.list().unwrap()[0].servers.len(), 2000);
        // Nothing but refusals, which all come back: the receive buffer must hold those of a batch.
        let gone: Vec<_> = (0..2000).map(|n| IpvsOp::DelDestination(key("tcp/10.0.0.9:80"), server(&at(n)))).collect();
        assert!(kernel.apply_all(&gone).iter().all(|end| end.as_ref().is_err_and(|r| r.kind == RefusalKind::Missing)));
        let (brief, full) = (Table::read().unwrap(), kernel.list().unwrap());
        assert!(brief.has(full.iter().map(|entry| &entry.key)));
        let brief: Vec<_> = brief.servers(0).collect();
        assert_eq!(brief, full[0].servers, "/proc and netlink tell the same of servers that have no more to tell");
    });
}

#[test]
fn a_list_that_is_read_while_services_come_and_go_is_never_wrong() {
    with_ipvs("a_list_that_is_read_while_services_come_and_go_is_never_wrong", || {
        let mut kernel = open().unwrap();
        for n in 0..20 {
            let stays = format!("tcp/10.0.0.1:{}", 1000 + n);
            add(kernel.as_mut(), &IpvsOp::NewService(key(&stays), Box::new(service("rr"))));
            add(kernel.as_mut(), &new_server(&stays, "10.0.0.71:80", destination(Forwarding::Nat, Tunnel::Ipip)));
        }
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut stranger = open().unwrap();
                while !done.load(Ordering::Relaxed) {
                    let _ = stranger.apply(&IpvsOp::NewService(key("fwmark/9"), Box::new(service("rr"))));
                    let _ = stranger.apply(&new_server(
                        "fwmark/9",
                        "10.0.0.72:0",
                        destination(Forwarding::Dr, Tunnel::Ipip),
                    ));
                    let _ = stranger.apply(&IpvsOp::DelService(key("fwmark/9")));
                }
            });
            for _ in 0..50 {
                let list = kernel.list().unwrap();
                let stayed = list.iter().filter(|entry| entry.key != key("fwmark/9"));
                assert_eq!(stayed.clone().count(), 20, "nothing lost, nothing doubled");
                assert!(stayed.clone().all(|entry| entry.servers.len() == 1));
            }
            done.store(true, Ordering::Relaxed);
        });
    });
}

//! The userspace schedulers choose as the kernel's do: the same servers, weights, changes and arrivals, compared step by step.
//!
//! rr, wrr and sh by exact sequence; lc and wlc by the connections of each server after each arrival. Real connections through
//! the kernel's own IPVS (NAT to servers on loopback), in a guest where this kernel has none. Nothing is skipped.
// The lints spare test functions, not what they call.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "ipvs_guest/run.rs"]
mod run;

use lvsdeck::engine::io::ipvs_netlink::{IpvsKernel, Netlink};
use lvsdeck::engine::ipvs::schedule::{End, Phase, Pool};
use lvsdeck::engine::ipvs::{Destination, IpvsOp, Service, Traffic, Tunnel};
use lvsdeck::engine::model::{Forwarding, RealServerKey, ServiceKey, Weight};
use run::{ipvsadm, with_ipvs};
use std::collections::{BTreeMap, VecDeque};
use std::io::Read;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

const VIP: &str = "10.99.0.1";
/// Real servers, in the order in which they are added.
const SERVERS: [&str; 4] = ["10.99.0.11:8000", "10.99.0.12:8000", "10.99.0.13:8000", "10.99.0.14:8000"];

fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

fn destination(weight: u32, thresholds: (u32, u32)) -> Destination {
    Destination {
        // A real server that is this host is forwarded to locally, whatever the method.
        forwarding: Forwarding::Nat,
        tunnel: Tunnel::Ipip,
        weight: Weight::new(weight).unwrap(),
        upper_threshold: thresholds.0,
        lower_threshold: thresholds.1,
        active: 0,
        inactive: 0,
        persistent: 0,
        traffic: Traffic::default().into(),
    }
}

/// A change or an arrival.
enum Step {
    /// So many connections come.
    Arrive(usize),
    /// A server's weight.
    Weigh(usize, u32),
    Remove(usize),
    Add(usize, u32),
    /// Its thresholds, at weight 1.
    Limit(usize, (u32, u32)),
    /// So many connections end, the oldest first.
    End(usize),
}
use Step::{Add, Arrive, Limit, Remove, Weigh};

/// Both sides of one comparison.
struct Both {
    kernel: Netlink,
    pool: Pool,
    key: ServiceKey,
    held: VecDeque<(RealServerKey, TcpStream)>,
    arrived: usize,
}

impl Both {
    fn new(scheduler: &str, flags: u32, port: u16) -> Self {
        let service = Service {
            scheduler: scheduler.to_owned(),
            persistence: None,
            odd_mask: None,
            one_packet: false,
            scheduler_flags: flags,
            engine: None,
            destinations: BTreeMap::new(),
            traffic: Traffic::default(),
        };
        let key: ServiceKey = format!("tcp/{VIP}:{port}").parse().unwrap();
        let mut kernel = Netlink::open().unwrap();
        kernel.apply(&IpvsOp::NewService(key, Box::new(service.clone()))).unwrap_or_else(|refusal| panic!("{refusal}"));
        Self { kernel, pool: Pool::new(&service).unwrap(), key, held: VecDeque::new(), arrived: 0 }
    }

    fn server(n: usize) -> RealServerKey {
        SERVERS[n].parse().unwrap()
    }

    fn act(&mut self, step: &Step) {
        let key = self.key;
        let op = match *step {
            Arrive(count) => return (0..count).for_each(|_| self.arrive()),
            Step::End(count) => return (0..count).for_each(|_| self.end()),
            Weigh(n, weight) => {
                self.pool.change(Self::server(n), &destination(weight, (0, 0)));
                IpvsOp::SetDestination(key, Self::server(n), destination(weight, (0, 0)))
            }
            Limit(n, thresholds) => {
                self.pool.change(Self::server(n), &destination(1, thresholds));
                IpvsOp::SetDestination(key, Self::server(n), destination(1, thresholds))
            }
            Add(n, weight) => {
                self.pool.add(Self::server(n), &destination(weight, (0, 0)));
                IpvsOp::NewDestination(key, Self::server(n), destination(weight, (0, 0)))
            }
            Remove(n) => {
                self.pool.remove(Self::server(n));
                IpvsOp::DelDestination(key, Self::server(n))
            }
        };
        self.kernel.apply(&op).unwrap_or_else(|refusal| panic!("{refusal}"));
    }

    /// One connection, held open; who answers is who was chosen.
    fn arrive(&mut self) {
        self.arrived += 1;
        // Each from another address of this host, so that sh has something to hash.
        let client = IpAddr::from([10, 99, 1, u8::try_from(self.arrived % 40 + 1).unwrap()]);
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(client, 0).into()).unwrap();
        let address: SocketAddr = format!("{VIP}:{}", self.key.port().unwrap()).parse().unwrap();
        let expected =
            self.pool.arrive(Instant::now(), client, socket.local_addr().unwrap().as_socket().unwrap().port());
        let connected = socket.connect_timeout(&address.into(), Duration::from_secs(5));
        let chosen = connected.ok().map(|()| {
            let mut stream = TcpStream::from(socket);
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let mut name = [0];
            stream.read_exact(&mut name).unwrap();
            let server = Self::server(usize::from(name[0] - b'0'));
            self.held.push_back((server, stream));
            server
        });
        let (scheduler, arrived) = (self.pool.service().scheduler, self.arrived);
        assert_eq!(expected, chosen, "{scheduler}, arrival {arrived}: this pool (left) and the kernel (right)");
        self.same_counts();
    }

    /// The oldest connection ends on both sides.
    fn end(&mut self) {
        let Some((server, stream)) = self.held.pop_front() else { return };
        drop(stream);
        self.pool.end(Instant::now(), server, Phase::Active, End::Closed);
        self.same_counts();
    }

    /// Active and inactive connections of each server; the kernel counts one as active once its handshake is over.
    fn same_counts(&mut self) {
        let wanted: BTreeMap<_, _> =
            self.pool.service().destinations.iter().map(|(key, d)| (*key, (d.active, d.inactive))).collect();
        let begun = Instant::now();
        loop {
            let table = self.kernel.read_table().unwrap();
            let found: BTreeMap<_, _> =
                table.services[&self.key].destinations.iter().map(|(key, d)| (*key, (d.active, d.inactive))).collect();
            if found == wanted {
                return;
            }
            let (scheduler, arrived) = (self.pool.service().scheduler, self.arrived);
            let late = begun.elapsed() > Duration::from_secs(5);
            assert!(!late, "{scheduler}, arrival {arrived}: {wanted:?} here, {found:?} in the kernel");
        }
    }
}

/// Servers that say their number and hold what is connected until the client closes.
fn serve() {
    for (n, server) in SERVERS.iter().enumerate() {
        let listener = TcpListener::bind(server).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                std::io::Write::write_all(&mut stream, &[b'0' + u8::try_from(n).unwrap()]).unwrap();
                std::thread::spawn(move || stream.read(&mut [0]));
            }
        });
    }
}

#[test]
fn the_pool_chooses_as_the_kernel_does() {
    with_ipvs("the_pool_chooses_as_the_kernel_does", || {
        for n in [1, 11, 12, 13, 14] {
            ip(&format!("address add 10.99.0.{n}/32 dev lo"));
        }
        for n in 1..=40 {
            ip(&format!("address add 10.99.1.{n}/32 dev lo"));
        }
        serve();
        let story = [
            Add(0, 1),
            Add(1, 2),
            Add(2, 4),
            Arrive(16),
            Weigh(1, 6),
            Arrive(11),
            Weigh(2, 0),
            Arrive(8),
            Add(3, 3),
            Arrive(12),
            Remove(0),
            Arrive(7),
            Weigh(2, 2),
            Arrive(9),
            Remove(3),
            Arrive(6),
            Weigh(1, 0),
            Weigh(2, 0),
            Arrive(2),
            Add(0, 10),
            Arrive(3),
            Weigh(1, 20),
            Weigh(2, 40),
            Arrive(15),
            Step::End(20),
            Arrive(12),
            Limit(0, (3, 2)),
            Arrive(8),
        ];
        let mut port = 8080;
        for (scheduler, flags) in [("rr", 0), ("wrr", 0), ("lc", 0), ("wlc", 0), ("sh", 0), ("sh", 0x8), ("sh", 0x10)] {
            port += 1;
            let mut both = Both::new(scheduler, flags, port);
            for step in &story {
                both.act(step);
            }
            assert!(both.held.len() > 60, "{scheduler}: most connections were served, not {}", both.held.len());
            let listed = ipvsadm("-Ln");
            assert!(listed.contains(&format!("{VIP}:{port} {scheduler}")), "the kernel itself has it: {listed}");
        }
    });
}

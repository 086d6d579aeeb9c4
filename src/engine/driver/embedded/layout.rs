//! Who is in the embedded cluster and where: addresses from the blocks for documentation (RFC 5737), and what stands for
//! them on loopback.

use crate::engine::io::simulated_lan::LINK_NAME;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The virtual address.
pub const VIP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
/// Directors.
pub const DIRECTORS: [Director; 2] = [
    Director { name: "d1", address: Ipv4Addr::new(192, 0, 2, 11), priority: 150 },
    Director { name: "d2", address: Ipv4Addr::new(192, 0, 2, 12), priority: 100 },
];
/// What the cluster serves.
pub const SERVICES: [Service; 3] = [
    Service { port: 80, scheduler: "wlc", weights: [3, 2, 1], more: "", server: "", check: HTTP },
    Service {
        port: 443,
        scheduler: "rr",
        weights: [1, 1, 1],
        more: "    persistence_timeout 60\n",
        server: "",
        check: TCP,
    },
    Service {
        port: 25,
        scheduler: "sh",
        weights: [1, 1, 1],
        more: "",
        server: "        uthreshold 40\n        lthreshold 30\n",
        check: TCP,
    },
];
/// A server is well when it takes a connection.
const TCP: (&str, &str) = ("TCP_CHECK", "");
/// A server is well when its page comes.
const HTTP: (&str, &str) =
    ("HTTP_GET", "            url {\n                path /\n                status_code 200\n            }\n");
/// Real servers of a cluster of the usual size.
pub const SERVERS: usize = 3;

/// One director.
pub struct Director {
    /// Its `router_id`.
    pub name: &'static str,
    /// Its own address.
    pub address: Ipv4Addr,
    /// Its VRRP priority.
    pub priority: u8,
}

/// One virtual service.
pub struct Service {
    /// Its port at the virtual address.
    pub port: u16,
    /// `lb_algo`.
    pub scheduler: &'static str,
    /// Of the first three servers; others have 1.
    pub weights: [u32; SERVERS],
    /// More words of the `virtual_server`.
    more: &'static str,
    /// More words of each `real_server`.
    server: &'static str,
    /// The word of its check, and what it asks for.
    check: (&'static str, &'static str),
}

/// Where everything is, once the loopback ports are known.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Real servers' names, `web1` first.
    pub names: Vec<String>,
    /// What stands on loopback for each server's port.
    pub real: BTreeMap<SocketAddr, SocketAddr>,
    /// The loopback port of each service, in the order of [`SERVICES`].
    pub entrances: Vec<SocketAddr>,
}

/// The address of a real server, from 0: 192.0.2.21, .22, .23; of a large cluster 10.1.0.1 and on.
pub fn server(number: usize, servers: usize) -> Ipv4Addr {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    if servers <= SERVERS {
        Ipv4Addr::from_bits(Ipv4Addr::new(192, 0, 2, 21).to_bits() + number)
    } else {
        Ipv4Addr::from_bits(Ipv4Addr::new(10, 1, 0, 1).to_bits() + number)
    }
}

/// A client, by a number that is drawn: 198.51.100.1 to .250.
pub fn client(drawn: u64) -> IpAddr {
    IpAddr::from([198, 51, 100, u8::try_from(drawn % 250 + 1).unwrap_or(1)])
}

/// Which real servers a service has: the first has all, the others three.
pub fn members(service: usize, servers: usize) -> usize {
    if service == 0 { servers } else { servers.min(SERVERS) }
}

impl Layout {
    /// A director's configuration, in keepalived's language.
    pub fn configuration(&self, director: &Director) -> String {
        let Director { name, priority, .. } = director;
        let servers = self.names.len();
        // A large cluster is checked no more often than some hundred times a second.
        let interval = (servers / 100).clamp(2, 30);
        // Three servers are checked at once; more than that not all at the same time.
        let warmup = i32::from(servers > SERVERS);
        let mut text = format!(
            "global_defs {{\n    router_id {name}\n    vrrp_higher_prio_send_advert\n}}\nvrrp_instance VI_1 {{\n    interface {LINK_NAME}\n    \
             virtual_router_id 51\n    version 3\n    priority {priority}\n    advert_int 1\n    virtual_ipaddress {{\n        \
             {VIP}/24\n    }}\n}}\n"
        );
        for (number, service) in SERVICES.iter().enumerate() {
            let Service { port, scheduler, weights, more, server: words, check: (check, asks) } = service;
            // Writing into a string can't fail.
            _ = write!(
                text,
                "virtual_server {VIP} {port} {{\n    delay_loop {interval}\n    warmup {warmup}\n    lb_algo {scheduler}\n    lb_kind NAT\n    \
                 protocol TCP\n{more}"
            );
            for member in 0..members(number, servers) {
                let key = SocketAddr::from((server(member, servers), *port));
                let weight = weights.get(member).copied().unwrap_or(1);
                let Some(real) = self.real.get(&key) else { continue };
                _ = write!(
                    text,
                    "    real_server {} {port} {{\n        weight {weight}\n{words}        {check} {{\n{asks}            \
                     connect_ip {}\n            connect_port {}\n            connect_timeout 2\n            \
                     delay_before_retry 1\n        }}\n    }}\n",
                    key.ip(),
                    real.ip(),
                    real.port()
                );
            }
            text.push_str("}\n");
        }
        text
    }
}

//! Endpoints as text, with names where names are wanted: each name is looked up once.

use crate::engine::{Protocol, RealServerKey, ServiceKey, names};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Writes endpoints, and remembers the names that it looked up.
#[derive(Default)]
pub struct Naming {
    numeric: bool,
    hosts: HashMap<Ipv4Addr, Option<String>>,
    ports: HashMap<(u16, Protocol), Option<String>>,
}

impl Naming {
    /// Names, or numbers.
    pub fn new(numeric: bool) -> Self {
        Self { numeric, ..Self::default() }
    }

    /// `10.0.0.1:80`, `[fd00::1]:80`, `localhost:http`. Ports without a protocol have no names; IPv6 hosts neither.
    pub fn endpoint(&mut self, endpoint: SocketAddr, protocol: Option<Protocol>) -> String {
        let port = self.port(endpoint.port(), protocol);
        match endpoint.ip() {
            IpAddr::V6(address) => format!("[{}]:{port}", v6(address)),
            IpAddr::V4(address) => match self.host(address) {
                Some(name) => format!("{name}:{port}"),
                None => format!("{address}:{port}"),
            },
        }
    }

    /// A real server of a service: marks have no protocol, so the ports of their servers have no names.
    pub fn server(&mut self, server: RealServerKey, service: &ServiceKey) -> String {
        let protocol = match service {
            ServiceKey::Address { protocol, .. } => Some(*protocol),
            ServiceKey::FwMark { .. } => None,
        };
        self.endpoint(server.0.into(), protocol)
    }

    fn host(&mut self, address: Ipv4Addr) -> Option<&str> {
        if self.numeric {
            return None;
        }
        self.hosts.entry(address).or_insert_with(|| names::name_of_host(address)).as_deref()
    }

    fn port(&mut self, port: u16, protocol: Option<Protocol>) -> String {
        let name = protocol.filter(|_| !self.numeric && port != 0).and_then(|protocol| {
            let look = || names::name_of_port(port, protocol.name());
            self.ports.entry((port, protocol)).or_insert_with(look).clone()
        });
        name.unwrap_or_else(|| port.to_string())
    }
}

/// An IPv6 address as the C library writes it: what looks like an IPv4 address in disguise ends in one.
fn v6(address: Ipv6Addr) -> String {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => {
            let [.., a, b, c, d] = address.octets();
            format!("::{}", Ipv4Addr::new(a, b, c, d))
        }
        _ => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_have_brackets_where_they_need_them() {
        let mut numbers = Naming::new(true);
        for text in ["10.0.0.1:80", "[fd00::1]:80", "[::1]:0", "[::ffff:10.0.0.1]:80", "[::10.0.0.1]:80"] {
            assert_eq!(numbers.endpoint(text.parse().unwrap(), Some(Protocol::Tcp)), text);
        }
    }

    #[test]
    fn ports_have_names_by_protocol_and_none_behind_a_mark() {
        let mut naming = Naming::new(false);
        assert_eq!(naming.endpoint("[fd00::1]:80".parse().unwrap(), Some(Protocol::Tcp)), "[fd00::1]:http");
        let server = "[fd00::1]:80".parse().unwrap();
        assert_eq!(naming.server(server, &"fwmark/7".parse().unwrap()), "[fd00::1]:80");
    }
}

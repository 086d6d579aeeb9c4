//! The tables that `/proc/net` shows to everybody: connections, and destinations at a fraction of netlink's cost.
//!
//! Read as a stream, a line at a time, whatever their length. A line that can't be read is left out.

use crate::engine::ipvs::{Connection, Destination, IpvsTable, KernelRates, ServerEntry, Service, Traffic, Tunnel};
use crate::engine::model::{Family, Forwarding, Protocol, RealServerKey, ServiceKey, Weight};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;

/// Gives every connection to `each`, until it errs.
pub fn connections<E: From<io::Error>>(mut each: impl FnMut(Connection<'_>) -> Result<(), E>) -> Result<(), E> {
    let mut reader = BufReader::with_capacity(64 * 1024, File::open("/proc/thread-self/net/ip_vs_conn")?);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        if let Some(connection) = connection(&line) {
            each(connection)?;
        }
        line.clear();
    }
    Ok(())
}

fn connection(line: &str) -> Option<Connection<'_>> {
    let mut words = line.split_whitespace();
    let protocol = words.next()?;
    let mut endpoint = || Some(SocketAddr::new(address(words.next()?)?, port(words.next()?)?));
    let (client, service, server) = (endpoint()?, endpoint()?, endpoint()?);
    let (state, expires) = (words.next()?, words.next()?.parse().ok()?);
    let engine = words.next().map(|name| (name, words.next().unwrap_or_default()));
    Some(Connection { protocol, client, service, server, state, expires, engine })
}

/// `0A000001`, or IPv6 with all its digits.
fn address(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        return text.trim_matches(['[', ']']).parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    u32::from_str_radix(text, 16).ok().map(|bits| Ipv4Addr::from(bits).into())
}

fn port(text: &str) -> Option<u16> {
    u16::from_str_radix(text, 16).ok()
}

/// A service as `/proc/net/ip_vs` names it, which does not tell the family of a firewall mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// By address.
    Address(Protocol, SocketAddr),
    /// By mark.
    Mark(u32),
}

impl Shown {
    /// Whether this may be that service.
    pub fn is(&self, key: &ServiceKey) -> bool {
        match (self, key) {
            (Self::Address(mine, shown), ServiceKey::Address { protocol, address }) => {
                mine == protocol && shown == address
            }
            (Self::Mark(shown), ServiceKey::FwMark { mark, .. }) => shown == mark,
            (Self::Address(..), ServiceKey::FwMark { .. }) | (Self::Mark(_), ServiceKey::Address { .. }) => false,
        }
    }
}

/// `/proc/net/ip_vs`: services in the kernel's order with their destinations, without thresholds, tunnels and counters.
///
/// It is kept as the kernel wrote it, since 100,000 destinations are smaller as text, and read when they are asked for.
pub struct Table {
    text: String,
    /// Each service, and where the lines of its destinations begin and end.
    services: Vec<(Shown, Range<usize>)>,
}

impl Table {
    /// Reads it.
    pub fn read() -> io::Result<Self> {
        std::fs::read_to_string("/proc/thread-self/net/ip_vs").map(Self::of)
    }

    fn of(text: String) -> Self {
        let (mut services, mut at) = (Vec::<(Shown, Range<usize>)>::new(), 0);
        for line in text.split_inclusive('\n') {
            at += line.len();
            if line.starts_with(SERVER) {
                if let Some((_, lines)) = services.last_mut() {
                    lines.end = at;
                }
            } else if let Some(service) = service(line) {
                services.push((service, at..at));
            }
        }
        Self { text, services }
    }

    /// All of it as a table, for who may not ask the kernel: without totals, thresholds and persistence, whose time is
    /// written in ticks of a length that is not told. A firewall mark counts as one of IPv4, unless its destinations tell
    /// otherwise.
    pub fn whole(&self) -> IpvsTable {
        let mut table = IpvsTable::default();
        for (at, (shown, lines)) in self.services.iter().enumerate() {
            let line = self.text.get(..lines.start).and_then(|text| text.lines().next_back()).unwrap_or_default();
            let mut destinations = BTreeMap::new();
            destinations.extend(self.servers(at).map(|entry| (entry.key, entry.destination)));
            let family = destinations.keys().next().map_or(Family::Inet, |server| Family::of(server.0.ip()));
            let key = match *shown {
                Shown::Address(protocol, address) => ServiceKey::Address { protocol, address },
                Shown::Mark(mark) => ServiceKey::FwMark { mark, family },
            };
            table.services.insert(key, service_of(line, destinations));
        }
        table
    }

    /// Whether it has just these services in this order. Where not, the table changed in between.
    pub fn has<'a>(&self, keys: impl ExactSizeIterator<Item = &'a ServiceKey>) -> bool {
        keys.len() == self.services.len() && self.services.iter().zip(keys).all(|((shown, _), key)| shown.is(key))
    }

    /// The destinations of the service at this place.
    pub fn servers(&self, at: usize) -> impl Iterator<Item = ServerEntry> {
        let lines = self.services.get(at).and_then(|(_, lines)| self.text.get(lines.clone())).unwrap_or_default();
        lines.lines().filter_map(|line| server(line.strip_prefix(SERVER)?))
    }
}

/// How the line of a destination starts.
const SERVER: &str = "  -> ";

fn service(line: &str) -> Option<Shown> {
    let (protocol, rest) = line.split_once(char::is_whitespace)?;
    let key = rest.split_whitespace().next()?;
    let protocol = match protocol {
        "TCP" => Protocol::Tcp,
        "UDP" => Protocol::Udp,
        "SCTP" => Protocol::Sctp,
        "FWM" => return u32::from_str_radix(key, 16).ok().map(Shown::Mark),
        _ => return None,
    };
    endpoint(key).map(|address| Shown::Address(protocol, address))
}

/// What the words of a service's line say beside its key: `rr ops persistent 36000 FFFFFFFF`.
fn service_of(line: &str, destinations: BTreeMap<RealServerKey, Destination>) -> Service {
    let words: Vec<&str> = line.split_whitespace().collect();
    Service {
        scheduler: words.get(2).map(|word| (*word).to_owned()).unwrap_or_default(),
        persistence: None,
        odd_mask: None,
        one_packet: words.contains(&"ops"),
        scheduler_flags: 0,
        engine: None,
        destinations,
        traffic: Traffic::default(),
    }
}

fn endpoint(text: &str) -> Option<SocketAddr> {
    let (host, service) = text.rsplit_once(':')?;
    Some(SocketAddr::new(address(host)?, port(service)?))
}

fn server(line: &str) -> Option<ServerEntry> {
    let mut words = line.split_whitespace();
    let key = RealServerKey::from(endpoint(words.next()?)?);
    let forwarding = match words.next()? {
        "Masq" => Forwarding::Nat,
        "Route" => Forwarding::Dr,
        "Tunnel" => Forwarding::Tun,
        "Local" => Forwarding::Local,
        _ => return None,
    };
    let destination = Destination {
        forwarding,
        tunnel: Tunnel::Ipip,
        weight: Weight::new(words.next()?.parse().ok()?).ok()?,
        upper_threshold: 0,
        lower_threshold: 0,
        active: words.next()?.parse().ok()?,
        inactive: words.next()?.parse().ok()?,
        persistent: 0,
        traffic: Traffic::default().into(),
    };
    Some(ServerEntry { key, destination, rates: KernelRates::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // Both samples are what Linux 6.1.176 wrote.
    #[test]
    fn a_connection_reads_as_the_kernel_writes_it() {
        let line = "UDP 0A0000C8 0000 0A0000C8 13C4 7F000001 13C4 NONE             54 sip abcdef0123456789@host\n";
        let read = connection(line).unwrap();
        assert_eq!(
            (read.client.to_string(), read.server.to_string()),
            ("10.0.0.200:0".into(), "127.0.0.1:5060".into())
        );
        assert_eq!((read.state, read.expires, read.engine), ("NONE", 54, Some(("sip", "abcdef0123456789@host"))));
        let v6 = "UDP fd00:0000:0000:0000:0000:0000:0000:0200 B021 fd00:0000:0000:0000:0000:0000:0000:0200 138C \
                  fd00:0000:0000:0000:0000:0000:0000:0077 138D UDP             294\n";
        assert_eq!(connection(v6).unwrap().server.to_string(), "[fd00::77]:5005");
        assert_eq!(
            connection("Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"),
            None
        );
    }

    #[test]
    fn services_and_destinations_read_as_the_kernel_writes_them() {
        let v6 = service("TCP  [fd00:0000:0000:0000:0000:0000:0000:0001]:0050 rr \n").unwrap();
        assert!(v6.is(&"tcp/[fd00::1]:80".parse().unwrap()) && !v6.is(&"udp/[fd00::1]:80".parse().unwrap()));
        assert!(service("FWM  80000001 wlc \n").unwrap().is(&"fwmark6/2147483649".parse().unwrap()));
        assert_eq!(service("Prot LocalAddress:Port Scheduler Flags\n"), None);
        let ServerEntry { key, destination: read, .. } =
            server("0A000004:1F90      Masq    7      5          6         \n").unwrap();
        assert_eq!((key.to_string(), read.weight.get(), read.active, read.inactive), ("10.0.0.4:8080".into(), 7, 5, 6));
        assert_eq!(server("RemoteAddress:Port Forward Weight ActiveConn InActConn\n"), None);
    }

    #[test]
    fn each_service_has_its_own_destinations() {
        let text = "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n\
            \u{20} -> RemoteAddress:Port Forward Weight ActiveConn InActConn\nTCP  0A000001:0050 rr  \n\
            \u{20} -> 0A000047:0050      Route   1      0          0         \n\
            \u{20} -> 0A000048:0050      Route   1      0          0         \nFWM  00000005 rr \n";
        let table = Table::of(text.to_owned());
        let keys: [ServiceKey; 2] = ["tcp/10.0.0.1:80", "fwmark6/5"].map(|key| key.parse().unwrap());
        assert!(table.has(keys.iter()) && !table.has(keys[..1].iter()) && !table.has(keys.iter().rev()));
        let servers = |at| table.servers(at).map(|entry| entry.key.to_string()).collect::<Vec<_>>();
        assert_eq!((servers(0), servers(1)), (vec!["10.0.0.71:80".to_owned(), "10.0.0.72:80".to_owned()], vec![]));
    }

    #[test]
    fn the_whole_table_has_schedulers_and_weights_and_no_time_in_ticks() {
        let text = "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n\
            \u{20} -> RemoteAddress:Port Forward Weight ActiveConn InActConn\nTCP  0A000001:0050 wrr persistent 60 FFFFFFFF\n\
            \u{20} -> 0A000047:0050      Route   3      0          0         \nFWM  00000005 rr \n\
            \u{20} -> [fd00:0000:0000:0000:0000:0000:0000:0077]:0050      Masq    1      0          0         \n";
        let table = Table::of(text.to_owned()).whole();
        let keys: Vec<String> = table.services.keys().map(ToString::to_string).collect();
        assert_eq!(keys, ["tcp/10.0.0.1:80", "fwmark6/5"]);
        let first = &table.services[&"tcp/10.0.0.1:80".parse().unwrap()];
        assert_eq!((first.scheduler.as_str(), first.persistence), ("wrr", None));
        assert_eq!(first.destinations[&"10.0.0.71:80".parse().unwrap()].weight.get(), 3);
    }

    proptest! {
        #[test]
        fn reading_anything_does_not_panic(line: String) {
            let _ = (connection(&line), service(&line), server(&line));
            let table = Table::of(line);
            let _ = (table.servers(0).count(), table.whole());
        }
    }
}

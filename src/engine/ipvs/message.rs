//! Services and destinations ⇄ the kernel's netlink attributes: with its folder the only place of the kernel's numbers
//! (`uapi/linux/ip_vs.h`, generic netlink family `IPVS`, version 1).
//!
//! Pure bytes; `engine/io/ipvs_netlink` carries them. Every attribute is optional on reading, since kernels differ, and
//! reading never panics. What the kernel keeps for itself (`IP_VS_SVC_F_HASHED`) never gets out of here.

use super::attribute::{Attributes, Builder, Indexed};
use super::{Checksum, Destination, IpvsOp, KernelRates, RefusalKind, Service, Traffic, Tunnel};
use crate::engine::model::{Family, Forwarding, Persistence, Protocol, RealServerKey, ServiceKey, Weight};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Name of the generic netlink family.
pub const FAMILY: &str = "IPVS";
/// Version in the generic netlink header.
pub const VERSION: u8 = 1;

/// `IPVS_CMD_*`.
pub mod command {
    /// Add a service.
    pub const NEW_SERVICE: u8 = 1;
    /// Change a service.
    pub const SET_SERVICE: u8 = 2;
    /// Remove a service.
    pub const DEL_SERVICE: u8 = 3;
    /// One service, or all as a dump.
    pub const GET_SERVICE: u8 = 4;
    /// Add a destination.
    pub const NEW_DEST: u8 = 5;
    /// Change a destination.
    pub const SET_DEST: u8 = 6;
    /// Remove a destination.
    pub const DEL_DEST: u8 = 7;
    /// All destinations of a service; a dump.
    pub const GET_DEST: u8 = 8;
    /// Start a sync daemon.
    pub const NEW_DAEMON: u8 = 9;
    /// Stop a sync daemon.
    pub const DEL_DAEMON: u8 = 10;
    /// The sync daemons that run; a dump.
    pub const GET_DAEMON: u8 = 11;
    /// Set the timeouts.
    pub const SET_CONFIG: u8 = 12;
    /// Ask for the timeouts.
    pub const GET_CONFIG: u8 = 13;
    /// Version and size of the connection table.
    pub const GET_INFO: u8 = 15;
    /// Zero the counters of one service, or all.
    pub const ZERO: u8 = 16;
    /// Remove all services.
    pub const FLUSH: u8 = 17;
}

/// `IPVS_CMD_ATTR_*`.
mod top {
    pub const SERVICE: u16 = 1;
    pub const DEST: u16 = 2;
}

/// `IPVS_SVC_ATTR_*`.
mod svc {
    pub const FAMILY: u16 = 1;
    pub const PROTOCOL: u16 = 2;
    pub const ADDRESS: u16 = 3;
    pub const PORT: u16 = 4;
    pub const FWMARK: u16 = 5;
    pub const SCHEDULER: u16 = 6;
    pub const FLAGS: u16 = 7;
    pub const TIMEOUT: u16 = 8;
    pub const NETMASK: u16 = 9;
    pub const ENGINE: u16 = 11;
}

/// `IPVS_DEST_ATTR_*`.
mod dest {
    pub const ADDRESS: u16 = 1;
    pub const PORT: u16 = 2;
    pub const FORWARDING: u16 = 3;
    pub const WEIGHT: u16 = 4;
    pub const UPPER: u16 = 5;
    pub const LOWER: u16 = 6;
    pub const ACTIVE: u16 = 7;
    pub const INACTIVE: u16 = 8;
    pub const PERSISTENT: u16 = 9;
    pub const FAMILY: u16 = 11;
    pub const TUNNEL_TYPE: u16 = 13;
    pub const TUNNEL_PORT: u16 = 14;
    pub const TUNNEL_FLAGS: u16 = 15;
}

/// The same in services and destinations.
const STATS: u16 = 10;
/// Since Linux 4.1.
const STATS64: u16 = 12;

/// `IP_VS_SVC_F_*`.
const PERSISTENT: u32 = 0x01;
const ONE_PACKET: u32 = 0x04;
const SCHEDULER_FLAGS: u32 = 0x38;

/// `IP_VS_CONN_F_TUNNEL_TYPE_*`.
mod tunnel_type {
    pub const IPIP: u8 = 0;
    pub const GUE: u8 = 1;
    pub const GRE: u8 = 2;
}

/// `IP_VS_TUNNEL_ENCAP_FLAG_*`.
const CHECKSUM: u16 = 1;
const REMOTE_CHECKSUM: u16 = 2;

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

const fn family_number(family: Family) -> u16 {
    match family {
        Family::Inet => AF_INET,
        Family::Inet6 => AF_INET6,
    }
}

const fn protocol_number(protocol: Protocol) -> u16 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Sctp => 132,
    }
}

/// `IP_VS_CONN_F_*`, the low three bits.
const fn forwarding_number(forwarding: Forwarding) -> u32 {
    match forwarding {
        Forwarding::Nat => 0,
        Forwarding::Local => 1,
        Forwarding::Tun => 2,
        Forwarding::Dr => 3,
    }
}

const fn forwarding(number: u32) -> Forwarding {
    match number & 7 {
        0 => Forwarding::Nat,
        2 => Forwarding::Tun,
        3 => Forwarding::Dr,
        _ => Forwarding::Local,
    }
}

/// An address as the kernel's union: 16 bytes, IPv4 in the first four.
fn address_bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V6(address) => address.octets(),
        IpAddr::V4(address) => {
            let mut bytes = [0; 16];
            for (slot, octet) in bytes.iter_mut().zip(address.octets()) {
                *slot = octet;
            }
            bytes
        }
    }
}

fn address(family: u16, bytes: &[u8]) -> Option<IpAddr> {
    match family {
        AF_INET => bytes.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets).into()),
        AF_INET6 => bytes.first_chunk::<16>().map(|octets| Ipv6Addr::from(*octets).into()),
        _ => None,
    }
}

mod control;
pub use control::{daemon, set_timeouts, start_daemon, stop_daemon, timeouts};

/// A request's body after the generic netlink header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `IPVS_CMD_*`.
    pub command: u8,
    /// The attributes.
    pub body: Vec<u8>,
}

/// An operation as the kernel wants it.
pub fn encode(op: &IpvsOp) -> Request {
    let (command, service, destination) = match op {
        IpvsOp::NewService(key, service) => (command::NEW_SERVICE, full_service(*key, service), None),
        IpvsOp::SetService(key, service) => (command::SET_SERVICE, full_service(*key, service), None),
        IpvsOp::DelService(key) => (command::DEL_SERVICE, service_key(*key), None),
        IpvsOp::NewDestination(key, server, settings) => {
            (command::NEW_DEST, service_key(*key), Some(full_destination(*server, settings)))
        }
        IpvsOp::SetDestination(key, server, settings) => {
            (command::SET_DEST, service_key(*key), Some(full_destination(*server, settings)))
        }
        IpvsOp::DelDestination(key, server) => (command::DEL_DEST, service_key(*key), Some(destination_key(*server))),
    };
    let body = Builder::default().nest(top::SERVICE, &service);
    let body = destination.iter().fold(body, |body, destination| body.nest(top::DEST, destination));
    Request { command, body: body.finish() }
}

/// The body that names one service: of `GET_SERVICE` for one, and of the `GET_DEST` dump.
pub fn about(key: ServiceKey) -> Vec<u8> {
    Builder::default().nest(top::SERVICE, &service_key(key)).finish()
}

fn service_key(key: ServiceKey) -> Builder {
    let builder = Builder::default().u16(svc::FAMILY, family_number(key.family()));
    match key {
        ServiceKey::FwMark { mark, .. } => builder.u32(svc::FWMARK, mark),
        ServiceKey::Address { protocol, address } => builder
            .u16(svc::PROTOCOL, protocol_number(protocol))
            .put(svc::ADDRESS, &address_bytes(address.ip()))
            .put(svc::PORT, &address.port().to_be_bytes()),
    }
}

fn full_service(key: ServiceKey, service: &Service) -> Builder {
    let flags = if service.persistence.is_some() { PERSISTENT } else { 0 }
        | if service.one_packet { ONE_PACKET } else { 0 }
        | (service.scheduler_flags & SCHEDULER_FLAGS);
    let [a, b, c, d] = flags.to_ne_bytes();
    let builder = service_key(key)
        .text(svc::SCHEDULER, &service.scheduler)
        .put(svc::FLAGS, &[a, b, c, d, 0xff, 0xff, 0xff, 0xff]) // {flags, mask}: all of them
        .u32(svc::TIMEOUT, service.persistence.map_or(0, |p| p.timeout))
        .put(
            svc::NETMASK,
            &service.odd_mask.map_or_else(|| netmask(key.family(), service.persistence), |m| m.octets()),
        );
    match &service.engine {
        Some(engine) => builder.text(svc::ENGINE, engine),
        None => builder,
    }
}

/// IPv4: a mask in network order; IPv6: a prefix length in the host's. Without persistence: one client.
fn netmask(family: Family, persistence: Option<Persistence>) -> [u8; 4] {
    match family {
        Family::Inet => {
            let prefix = persistence.map_or(32, |p| u32::from(p.prefix.min(32)));
            u32::MAX.checked_shl(32 - prefix).unwrap_or(0).to_be_bytes()
        }
        Family::Inet6 => persistence.map_or(128, |p| u32::from(p.prefix)).to_ne_bytes(),
    }
}

fn destination_key(server: RealServerKey) -> Builder {
    Builder::default()
        .put(dest::ADDRESS, &address_bytes(server.0.ip()))
        .put(dest::PORT, &server.0.port().to_be_bytes())
        .u16(dest::FAMILY, family_number(Family::of(server.0.ip())))
}

fn full_destination(server: RealServerKey, settings: &Destination) -> Builder {
    let builder = destination_key(server)
        .u32(dest::FORWARDING, forwarding_number(settings.forwarding))
        .u32(dest::WEIGHT, settings.weight.get())
        .u32(dest::UPPER, settings.upper_threshold)
        .u32(dest::LOWER, settings.lower_threshold);
    // An IP-in-IP tunnel is what a kernel makes that is told nothing, so old kernels are told nothing.
    match settings.tunnel {
        Tunnel::Ipip => builder,
        Tunnel::Gue { port, checksum } => builder
            .put(dest::TUNNEL_TYPE, &[tunnel_type::GUE])
            .put(dest::TUNNEL_PORT, &port.to_be_bytes())
            .u16(dest::TUNNEL_FLAGS, checksum_flags(checksum)),
        Tunnel::Gre { checksum } => {
            builder.put(dest::TUNNEL_TYPE, &[tunnel_type::GRE]).u16(dest::TUNNEL_FLAGS, checksum_flags(checksum))
        }
    }
}

const fn checksum_flags(checksum: Checksum) -> u16 {
    match checksum {
        Checksum::Off => 0,
        Checksum::On => CHECKSUM,
        Checksum::Remote => REMOTE_CHECKSUM,
    }
}

/// The tunnel of a destination; a type that we do not know reads as IP-in-IP.
fn tunnel(attributes: &Indexed<'_, 16>) -> Tunnel {
    let flags = attributes.u16(dest::TUNNEL_FLAGS).unwrap_or(0);
    let checksum = if flags & REMOTE_CHECKSUM != 0 {
        Checksum::Remote
    } else if flags & CHECKSUM != 0 {
        Checksum::On
    } else {
        Checksum::Off
    };
    match attributes.array(dest::TUNNEL_TYPE).map_or(tunnel_type::IPIP, |[kind]| kind) {
        tunnel_type::GUE => {
            Tunnel::Gue { port: attributes.array(dest::TUNNEL_PORT).map_or(0, u16::from_be_bytes), checksum }
        }
        tunnel_type::GRE => Tunnel::Gre { checksum },
        _ => Tunnel::Ipip,
    }
}

/// The service in an answer's body, without destinations; none where it has no key that we can name (another protocol).
pub fn service(body: &[u8]) -> Option<(ServiceKey, Service)> {
    let attributes: Indexed<13> = Attributes::new(Attributes::new(body).first(top::SERVICE)?).index();
    let family = attributes.u16(svc::FAMILY)?;
    let key = match attributes.u32(svc::FWMARK) {
        Some(mark) if mark > 0 => {
            ServiceKey::FwMark { mark, family: if family == AF_INET6 { Family::Inet6 } else { Family::Inet } }
        }
        _ => ServiceKey::Address {
            protocol: match attributes.u16(svc::PROTOCOL)? {
                6 => Protocol::Tcp,
                17 => Protocol::Udp,
                132 => Protocol::Sctp,
                _ => return None,
            },
            address: SocketAddr::new(
                address(family, attributes.get(svc::ADDRESS)?)?,
                u16::from_be_bytes(attributes.array(svc::PORT)?),
            ),
        },
    };
    let flags = attributes.u32(svc::FLAGS).unwrap_or(0);
    let persistence = (flags & PERSISTENT != 0).then(|| Persistence {
        timeout: attributes.u32(svc::TIMEOUT).unwrap_or(0),
        prefix: prefix(key.family(), attributes.array(svc::NETMASK)),
    });
    let service = Service {
        scheduler: attributes.text(svc::SCHEDULER).unwrap_or_default().to_owned(),
        persistence,
        odd_mask: persistence.and(odd_mask(key.family(), attributes.array(svc::NETMASK))),
        one_packet: flags & ONE_PACKET != 0,
        scheduler_flags: flags & SCHEDULER_FLAGS,
        engine: attributes.text(svc::ENGINE).filter(|name| !name.is_empty()).map(str::to_owned),
        destinations: BTreeMap::new(),
        traffic: traffic(&attributes),
    };
    Some((key, service))
}

fn odd_mask(family: Family, netmask: Option<[u8; 4]>) -> Option<Ipv4Addr> {
    let mask = netmask.filter(|_| family == Family::Inet).map(u32::from_be_bytes)?;
    (mask.leading_ones() + mask.trailing_zeros() != 32 && mask != 0 && mask != u32::MAX).then(|| Ipv4Addr::from(mask))
}

fn prefix(family: Family, netmask: Option<[u8; 4]>) -> u8 {
    match family {
        Family::Inet => u8::try_from(netmask.map_or(u32::MAX, u32::from_be_bytes).leading_ones()).unwrap_or(32),
        Family::Inet6 => u8::try_from(netmask.map_or(128, u32::from_ne_bytes)).unwrap_or(128),
    }
}

/// The destination in an answer's body; `family` is the service's, for kernels before 3.18, which do not say.
pub fn destination(body: &[u8], family: Family) -> Option<(RealServerKey, Destination)> {
    let attributes: Indexed<16> = Attributes::new(Attributes::new(body).first(top::DEST)?).index();
    let family = attributes.u16(dest::FAMILY).unwrap_or_else(|| family_number(family));
    let address = address(family, attributes.get(dest::ADDRESS)?)?;
    let key = RealServerKey::from(SocketAddr::new(address, u16::from_be_bytes(attributes.array(dest::PORT)?)));
    let number = |kind| attributes.u32(kind).unwrap_or(0);
    let forwarding = forwarding(number(dest::FORWARDING));
    let destination = Destination {
        forwarding,
        tunnel: if forwarding == Forwarding::Tun { tunnel(&attributes) } else { Tunnel::Ipip },
        weight: Weight::new(number(dest::WEIGHT)).unwrap_or(Weight::ZERO),
        upper_threshold: number(dest::UPPER),
        lower_threshold: number(dest::LOWER),
        active: number(dest::ACTIVE),
        inactive: number(dest::INACTIVE),
        persistent: number(dest::PERSISTENT),
        traffic: traffic(&attributes).into(),
    };
    Some((key, destination))
}

/// `IPVS_STATS_ATTR_*` 1–5, from the 64-bit nest where the kernel has it (4.1), else from the older one, whose connections
/// and packets are 32 bits wide.
fn traffic<const N: usize>(attributes: &Indexed<'_, N>) -> Traffic {
    let [connections, in_packets, out_packets, in_bytes, out_bytes, ..] = statistics(attributes);
    Traffic { connections, in_packets, out_packets, in_bytes, out_bytes }
}

/// The ten numbers of the statistics: five totals, then their rates a second; 0 where absent.
fn statistics<const N: usize>(attributes: &Indexed<'_, N>) -> [u64; 10] {
    let Some(nest) = attributes.get(STATS64).or_else(|| attributes.get(STATS)) else { return [0; 10] };
    let stats: Indexed<11> = Attributes::new(nest).index();
    let number =
        |kind| stats.array(kind).map(u64::from_ne_bytes).or_else(|| stats.u32(kind).map(u64::from)).unwrap_or(0);
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(number)
}

/// The kernel's rates of the service in an answer's body.
pub fn service_rates(body: &[u8]) -> KernelRates {
    rates(body, top::SERVICE)
}

/// The kernel's rates of the destination in an answer's body.
pub fn destination_rates(body: &[u8]) -> KernelRates {
    rates(body, top::DEST)
}

fn rates(body: &[u8], nest: u16) -> KernelRates {
    let attributes: Indexed<13> = Attributes::new(Attributes::new(body).first(nest).unwrap_or_default()).index();
    let [.., connections, in_packets, out_packets, in_bytes, out_bytes] = statistics(&attributes);
    KernelRates { connections, in_packets, out_packets, in_bytes, out_bytes }
}

/// What the kernel says of its IPVS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// Major, minor, patch: 1.2.1 for many years.
    pub number: (u8, u8, u8),
    /// Buckets of the connection table.
    pub table_size: u32,
}

/// The answer to `GET_INFO`.
pub fn version(body: &[u8]) -> Option<Version> {
    let attributes: Indexed<3> = Attributes::new(body).index();
    let [_, major, minor, patch] = attributes.u32(1)?.to_be_bytes();
    Some(Version { number: (major, minor, patch), table_size: attributes.u32(2).unwrap_or(0) })
}

/// What an error number means for an operation.
pub const fn refusal_kind(op: &IpvsOp, errno: i32) -> RefusalKind {
    const EPERM: i32 = 1;
    const ENOENT: i32 = 2;
    const ESRCH: i32 = 3;
    const EEXIST: i32 = 17;
    const EINVAL: i32 = 22;
    const ERANGE: i32 = 34;
    const EPROTONOSUPPORT: i32 = 93;
    const EAFNOSUPPORT: i32 = 97;
    match (errno, op) {
        (EPERM, _) => RefusalKind::NotPermitted,
        (ENOENT, IpvsOp::NewService(..) | IpvsOp::SetService(..)) => RefusalKind::NoScheduler,
        (ENOENT | ESRCH, _) => RefusalKind::Missing,
        (EEXIST, _) => RefusalKind::Exists,
        (EINVAL | ERANGE | EPROTONOSUPPORT | EAFNOSUPPORT, _) => RefusalKind::Invalid,
        _ => RefusalKind::Other,
    }
}

#[cfg(test)]
mod tests;

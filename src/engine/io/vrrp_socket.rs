//! Raw sockets for VRRP: one an interface and family, bound to it, member of the group where there is one.
//!
//! Sends whole IP packets, so that the source address is exactly the one that the checksum covers and the tie-break
//! compares. Receives whole IP packets: the header of IPv6, which the kernel keeps to itself, is made of what it tells
//! beside the payload. Never blocks.

use super::ancillary;
use crate::engine::model::Family;
use crate::engine::vrrp::{AH_PROTOCOL, AuthenticationHeader};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockAddr, Socket, Type};
use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, RawFd};

/// IP protocol number of VRRP (RFC 9568 §5.1.1.4).
const PROTOCOL: u8 = 112;
/// Where advertisements over IPv4 go (RFC 9568 §5.1.1.2).
pub(super) const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// Bytes of an IPv4 header without options, and of an IPv6 header.
const HEADER: usize = 20;
const HEADER6: usize = 40;
/// Room for bursts: a descheduled loop must not lose the advertisement that would have stopped a take-over.
const RECEIVE_BUFFER: usize = 1 << 20;

/// A socket on one interface.
#[derive(Debug)]
pub struct VrrpSocket {
    socket: Socket,
    /// What comes behind authentication headers, where an instance wants it.
    sealed: Option<Socket>,
    index: u32,
    family: Family,
    groups: BTreeSet<IpAddr>,
}

impl VrrpSocket {
    /// Opens the socket and binds it to the interface. Needs `CAP_NET_RAW`.
    pub fn open(index: u32, interface: &str, family: Family) -> io::Result<Self> {
        let socket = open(interface, family, PROTOCOL)?;
        match family {
            Family::Inet => {
                socket.set_header_included_v4(true)?;
                socket.set_multicast_loop_v4(false)?;
            }
            Family::Inet6 => {
                socket.set_header_included_v6(true)?;
                socket.set_multicast_loop_v6(false)?;
                ancillary::tell_destination_and_hops(&socket)?;
            }
        }
        Ok(Self { socket, sealed: None, index, family, groups: BTreeSet::new() })
    }

    /// Takes what comes behind authentication headers from now on too; once is enough. IPv4 alone has it.
    pub fn take_sealed(&mut self, interface: &str) -> io::Result<()> {
        if self.sealed.is_none() && self.family == Family::Inet {
            let socket = open(interface, Family::Inet, AH_PROTOCOL)?;
            for group in &self.groups {
                join(&socket, self.index, *group)?;
            }
            self.sealed = Some(socket);
        }
        Ok(())
    }

    /// Joins a group; once is enough.
    pub fn join(&mut self, group: IpAddr) -> io::Result<()> {
        if self.groups.contains(&group) {
            return Ok(());
        }
        join(&self.socket, self.index, group)?;
        if let Some(sealed) = &self.sealed {
            join(sealed, self.index, group)?;
        }
        self.groups.insert(group);
        Ok(())
    }

    /// Whether it is member of no group.
    pub fn is_alone(&self) -> bool {
        self.groups.is_empty()
    }

    /// The interface's kernel index.
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// Sends a [packet] from the first address to the second, of the socket's family.
    pub fn send(&self, (source, destination): (IpAddr, IpAddr), packet: &[u8]) -> io::Result<()> {
        let to = match destination {
            IpAddr::V4(destination) => SockAddr::from(SocketAddrV4::new(destination, 0)),
            IpAddr::V6(destination) => SockAddr::from(SocketAddrV6::new(destination, 0, 0, self.index)),
        };
        if let IpAddr::V6(source) = source {
            match ancillary::send(&self.socket, self.index, source, &to, packet) {
                // No address of this host, or not yet: it goes out as it is.
                Err(error) if error.kind() == ErrorKind::InvalidInput => {}
                done => return done,
            }
        }
        self.socket.send_to(packet, &to).map(|_| ())
    }

    /// Reads one packet, IP header included, into `buffer`; none when there is no more.
    pub fn receive<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        let mut sealed = self.sealed.as_ref();
        loop {
            let read = match (sealed, self.family) {
                (Some(mut socket), _) => socket.read(buffer),
                (None, Family::Inet) => (&self.socket).read(buffer),
                (None, Family::Inet6) => self.receive_v6(buffer),
            };
            return match read {
                Ok(length) => Ok(buffer.get(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock && sealed.take().is_some() => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
        }
    }

    /// Readable when [`receive`](Self::receive) has something.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        std::iter::once(&self.socket).chain(&self.sealed).map(AsRawFd::as_raw_fd)
    }

    fn receive_v6(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some((header, payload)) = buffer.split_at_mut_checked(HEADER6) else { return Ok(0) };
        let told = ancillary::receive(&self.socket, payload)?;
        let length = told.length;
        header.copy_from_slice(&ipv6_header(told.source, told.destination, told.hops, length));
        Ok(HEADER6 + length)
    }
}

/// A raw socket of one protocol, on one interface.
fn open(interface: &str, family: Family, protocol: u8) -> io::Result<Socket> {
    let domain = match family {
        Family::Inet => Domain::IPV4,
        Family::Inet6 => Domain::IPV6,
    };
    let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(i32::from(protocol))))?;
    socket.set_nonblocking(true)?;
    socket.bind_device(Some(interface.as_bytes()))?;
    // Best effort: the system's limit (rmem_max) may be lower.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    Ok(socket)
}

fn join(socket: &Socket, index: u32, group: IpAddr) -> io::Result<()> {
    match group {
        IpAddr::V4(group) => socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(index)),
        IpAddr::V6(group) => socket.join_multicast_v6(&group, index),
    }
}

/// An IP packet around a VRRP message from the first address to the second. Errors: they differ in family.
pub fn packet(
    (source, destination): (IpAddr, IpAddr),
    ttl: u8,
    message: &[u8],
    header: Option<&AuthenticationHeader>,
) -> io::Result<Vec<u8>> {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let Some(AuthenticationHeader { bytes, identification }) = header else {
                return Ok(ipv4_packet(source, destination, ttl, message));
            };
            let mut packet = ipv4_packet(source, destination, ttl, &[bytes, message].concat());
            // What the header covers, as it covers it.
            let [high, low] = identification.to_be_bytes();
            for (at, byte) in [(4, high), (5, low), (9, AH_PROTOCOL)] {
                packet.iter_mut().skip(at).take(1).for_each(|slot| *slot = byte);
            }
            Ok(packet)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => Ok(ipv6_packet(source, destination, ttl, message)),
        (IpAddr::V4(_) | IpAddr::V6(_), _) => Err(io::Error::other("source and destination differ in family")),
    }
}

/// An IPv4 packet with TOS 0xC0 (internetwork control); the kernel fills in identification and checksum.
///
/// ```text
///  0 ver ihl | 1 tos | 2 total length | 4 id | 6 flags, offset | 8 ttl | 9 protocol | 10 checksum | 12 source | 16 dest
/// ```
pub(super) fn ipv4_packet(source: Ipv4Addr, destination: Ipv4Addr, ttl: u8, message: &[u8]) -> Vec<u8> {
    let total = u16::try_from(HEADER + message.len()).unwrap_or(u16::MAX);
    let mut packet = Vec::with_capacity(HEADER + message.len());
    packet.extend_from_slice(&[0x45, 0xC0]);
    packet.extend_from_slice(&total.to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0, 0, ttl, PROTOCOL, 0, 0]);
    packet.extend_from_slice(&source.octets());
    packet.extend_from_slice(&destination.octets());
    packet.extend_from_slice(message);
    packet
}

fn ipv6_packet(source: Ipv6Addr, destination: Ipv6Addr, hops: u8, message: &[u8]) -> Vec<u8> {
    [&ipv6_header(source, destination, hops, message.len())[..], message].concat()
}

/// An IPv6 header with traffic class 0xC0 (RFC 8200 §3).
///
/// ```text
///  0 version, class, flow | 4 payload length | 6 next header | 7 hop limit | 8 source | 24 destination
/// ```
fn ipv6_header(source: Ipv6Addr, destination: Ipv6Addr, hops: u8, length: usize) -> [u8; HEADER6] {
    let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let mut header = [0; HEADER6];
    let fields = [0x6C, 0, 0, 0, high, low, PROTOCOL, hops];
    let bytes = fields.into_iter().chain(source.octets()).chain(destination.octets());
    header.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_ttl_and_internetwork_control() {
        let packet = ipv4_packet(Ipv4Addr::new(10, 0, 0, 11), Ipv4Addr::new(224, 0, 0, 18), 255, &[0x21, 41]);
        assert_eq!(packet[..12], [0x45, 0xC0, 0, 22, 0, 0, 0, 0, 255, 112, 0, 0]);
        assert_eq!(packet[12..], [10, 0, 0, 11, 224, 0, 0, 18, 0x21, 41]);
    }

    #[test]
    fn an_ipv6_header_says_length_hops_and_internetwork_control() {
        let (source, group) = ("fe80::1".parse().unwrap(), "ff02::12".parse().unwrap());
        let packet = ipv6_packet(source, group, 255, &[0x31, 41]);
        assert_eq!(packet[..8], [0x6C, 0, 0, 0, 0, 2, 112, 255]);
        assert_eq!((&packet[8..24], &packet[24..40]), (&source.octets()[..], &group.octets()[..]));
        assert_eq!(packet[40..], [0x31, 41]);
    }
}

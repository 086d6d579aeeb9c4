//! Raw sockets for VRRP over IPv4: one an interface, bound to it, member of 224.0.0.18.
//!
//! Sends whole IP packets (`IP_HDRINCL`), so that the source address is exactly the one that the checksum covers and the
//! tie-break compares. Receives whole IP packets. Never blocks.

use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockAddr, Socket, Type};
use std::io::{self, ErrorKind, Read};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, RawFd};

/// IP protocol number of VRRP (RFC 9568 §5.1.1.4).
const PROTOCOL: u8 = 112;
/// Where advertisements go (RFC 9568 §5.1.1.2).
pub(super) const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// Bytes of an IPv4 header without options.
const HEADER: usize = 20;
/// Room for bursts: a descheduled loop must not lose the advertisement that would have stopped a take-over.
const RECEIVE_BUFFER: usize = 1 << 20;

/// A socket on one interface.
#[derive(Debug)]
pub struct VrrpSocket {
    socket: Socket,
    index: u32,
}

impl VrrpSocket {
    /// Opens, binds to the interface and joins the group. Needs `CAP_NET_RAW`.
    pub fn open(index: u32, interface: &str) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(i32::from(PROTOCOL))))?;
        socket.set_nonblocking(true)?;
        socket.bind_device(Some(interface.as_bytes()))?;
        socket.set_header_included_v4(true)?;
        socket.set_multicast_loop_v4(false)?;
        // Best effort: the system's limit (rmem_max) may be lower.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        socket.join_multicast_v4_n(&GROUP, &InterfaceIndexOrAddress::Index(index))?;
        Ok(Self { socket, index })
    }

    /// The interface's kernel index.
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// Sends one VRRP message from `source` to the group.
    pub fn send(&self, source: Ipv4Addr, message: &[u8]) -> io::Result<()> {
        let packet = ip_packet(source, GROUP, message);
        let to = SockAddr::from(SocketAddrV4::new(GROUP, 0));
        self.socket.send_to(&packet, &to).map(|_| ())
    }

    /// Reads one packet, IP header included, into `buffer`; none when there is no more.
    pub fn receive<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        loop {
            return match (&self.socket).read(buffer) {
                Ok(length) => Ok(buffer.get(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
        }
    }
}

impl AsRawFd for VrrpSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// An IPv4 packet with TTL 255 and TOS 0xC0 (internetwork control); the kernel fills in identification and checksum.
///
/// ```text
///  0 ver ihl | 1 tos | 2 total length | 4 id | 6 flags, offset | 8 ttl | 9 protocol | 10 checksum | 12 source | 16 dest
/// ```
pub(super) fn ip_packet(source: Ipv4Addr, destination: Ipv4Addr, message: &[u8]) -> Vec<u8> {
    let total = u16::try_from(HEADER + message.len()).unwrap_or(u16::MAX);
    let mut packet = Vec::with_capacity(HEADER + message.len());
    packet.extend_from_slice(&[0x45, 0xC0]);
    packet.extend_from_slice(&total.to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0, 0, 255, PROTOCOL, 0, 0]);
    packet.extend_from_slice(&source.octets());
    packet.extend_from_slice(&destination.octets());
    packet.extend_from_slice(message);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_ttl_255_and_internetwork_control() {
        let packet = ip_packet(Ipv4Addr::new(10, 0, 0, 11), GROUP, &[0x21, 41]);
        assert_eq!(packet[..12], [0x45, 0xC0, 0, 22, 0, 0, 0, 0, 255, 112, 0, 0]);
        assert_eq!(packet[12..], [10, 0, 0, 11, 224, 0, 0, 18, 0x21, 41]);
    }
}

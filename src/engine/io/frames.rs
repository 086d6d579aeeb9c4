//! Whole Ethernet frames out of an interface: gratuitous ARP, and advertisements from a virtual MAC address. Sends only.

use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, Socket, Type};
use std::io;
use std::net::IpAddr;

/// A packet socket that sends what it is given and receives nothing.
#[derive(Debug)]
pub struct FrameSocket {
    socket: Socket,
}

impl FrameSocket {
    /// Opens the socket. Needs `CAP_NET_RAW`.
    pub fn open() -> io::Result<Self> {
        // Protocol 0: the kernel delivers nothing to this socket.
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(0)))?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket })
    }

    /// Sends `frame`, destination address first, out of the interface with this kernel index.
    pub fn send(&self, index: u32, frame: &[u8]) -> io::Result<()> {
        self.socket.send_to(frame, &link_address(index)).map(|_| ())
    }

    /// Sends an IP packet to a multicast group as a frame from `mac`.
    pub fn advertise(&self, index: u32, mac: [u8; 6], group: IpAddr, mut packet: Vec<u8>) -> io::Result<()> {
        let Some((to, kind)) = group_address(group) else {
            return Err(io::Error::other(format!("{group} is no multicast group")));
        };
        if group.is_ipv4() {
            sum_header(&mut packet);
        }
        self.send(index, &[&to[..], &mac, &kind, &packet].concat())
    }
}

/// Fills in the checksum of an IPv4 header without options, which the kernel does in sockets of its own (RFC 791 §3.1).
fn sum_header(packet: &mut [u8]) {
    let words = packet.iter().take(20).enumerate();
    let sum: u32 = words.map(|(at, byte)| u32::from(*byte) << if at % 2 == 0 { 8 } else { 0 }).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    let [_, _, high, low] = (!((sum & 0xffff) + (sum >> 16))).to_be_bytes();
    if let Some(field) = packet.get_mut(10..12) {
        field.copy_from_slice(&[high, low]);
    }
}

/// The MAC address and the Ethernet type of a multicast group (RFC 1112 §6.4, RFC 2464 §7).
fn group_address(group: IpAddr) -> Option<([u8; 6], [u8; 2])> {
    if !group.is_multicast() {
        return None;
    }
    Some(match group {
        IpAddr::V4(group) => {
            let [_, b, c, d] = group.octets();
            ([0x01, 0, 0x5e, b & 0x7f, c, d], [0x08, 0x00])
        }
        IpAddr::V6(group) => {
            let [.., a, b, c, d] = group.octets();
            ([0x33, 0x33, a, b, c, d], [0x86, 0xdd])
        }
    })
}

/// `struct sockaddr_ll` of an interface (`packet(7)`).
#[allow(unsafe_code)]
#[allow(clippy::cast_possible_truncation)] // AF_PACKET is 17, the struct has 20 bytes
fn link_address(index: u32) -> SockAddr {
    const FAMILY: libc::sa_family_t = libc::AF_PACKET as libc::sa_family_t;
    const LENGTH: libc::socklen_t = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: `sockaddr_ll` is a sockaddr type whose fields are valid for every bit pattern, and the storage is larger.
    let address = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    address.sll_family = FAMILY;
    address.sll_ifindex = i32::try_from(index).unwrap_or(0);
    // SAFETY: the storage holds a whole `sockaddr_ll`, and the length is its size.
    unsafe { SockAddr::new(storage, LENGTH) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_a_frame_is_summed() {
        let mut packet = vec![0x45, 0xc0, 0, 40, 0, 0, 0, 0, 255, 112, 0, 0, 10, 0, 0, 1, 224, 0, 0, 18, 0x21, 51];
        let before = packet.clone();
        sum_header(&mut packet);
        let word = |at: usize| u32::from(packet[at]) << 8 | u32::from(packet[at + 1]);
        let sum: u32 = (0..20).step_by(2).map(word).sum();
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff, "the sum of a whole header is minus zero");
        assert_eq!((&packet[..10], &packet[12..]), (&before[..10], &before[12..]));
    }

    #[test]
    fn a_group_has_a_mac_address_of_its_own() {
        let of = |group: &str| group_address(group.parse().unwrap());
        assert_eq!(of("224.0.0.18"), Some(([1, 0, 0x5e, 0, 0, 18], [8, 0])));
        assert_eq!(of("239.129.2.3"), Some(([1, 0, 0x5e, 1, 2, 3], [8, 0])));
        assert_eq!(of("ff02::12"), Some(([0x33, 0x33, 0, 0, 0, 0x12], [0x86, 0xdd])));
        assert_eq!(of("10.0.0.1"), None);
    }
}

//! What the kernel tells of an IPv6 packet beside its payload, and is told: source, destination, hop limit (RFC 3542 §6).
//!
//! Decides nothing.

use super::socket_option;
use socket2::{SockAddr, Socket};
use std::io;
use std::net::Ipv6Addr;
use std::os::fd::AsRawFd;

/// Room for the two control messages that are asked for; what else comes is cut off.
const CONTROL: usize = 128;
/// Bytes of `struct cmsghdr`: a length of a word, level and type of 32 bits. Messages begin at multiples of a word.
const WORD: usize = size_of::<usize>();
const MESSAGE_HEADER: usize = WORD + 8;

/// A packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    /// Bytes of the payload.
    pub length: usize,
    pub source: Ipv6Addr,
    pub destination: Ipv6Addr,
    pub hops: u8,
}

/// Room for control messages, aligned as they are.
#[repr(C, align(8))]
struct Room([u8; CONTROL]);

/// Asks the kernel to tell destination and hop limit with each packet.
pub(super) fn tell_destination_and_hops(socket: &Socket) -> io::Result<()> {
    [libc::IPV6_RECVPKTINFO, libc::IPV6_RECVHOPLIMIT]
        .into_iter()
        .try_for_each(|option| socket_option::set(socket, (libc::IPPROTO_IPV6, option), 1))
}

/// Reads one packet's payload into `buffer`.
#[allow(unsafe_code)]
pub(super) fn receive(socket: &Socket, buffer: &mut [u8]) -> io::Result<Told> {
    let mut room = Room([0; CONTROL]);
    // SAFETY: both are plain integers and pointers, for which all bits zero is a value.
    let (mut from, mut header) =
        unsafe { (std::mem::zeroed::<libc::sockaddr_in6>(), std::mem::zeroed::<libc::msghdr>()) };
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    header.msg_name = (&raw mut from).cast();
    header.msg_namelen = libc::socklen_t::try_from(size_of_val(&from)).unwrap_or_default();
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = room.0.as_mut_ptr().cast();
    header.msg_controllen = CONTROL;
    // SAFETY: every pointer in `header` leads to a buffer of the length beside it, all of which outlive the call.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, 0) };
    let Ok(length) = usize::try_from(length) else { return Err(io::Error::last_os_error()) };
    let control = room.0.get(..header.msg_controllen).unwrap_or_default();
    let (destination, hops) = read(control);
    let source = Ipv6Addr::from(from.sin6_addr.s6_addr);
    Ok(Told { length, source, destination: destination.unwrap_or(Ipv6Addr::UNSPECIFIED), hops: hops.unwrap_or(0) })
}

/// Sends a whole packet by the interface and from the address that it says: a kernel that is not told looks for the best of
/// all addresses of the interface, each time, and a router may have hundreds.
#[allow(unsafe_code)]
pub(super) fn send(socket: &Socket, index: u32, source: Ipv6Addr, to: &SockAddr, packet: &[u8]) -> io::Result<()> {
    let mut room = Room([0; CONTROL]);
    let length = MESSAGE_HEADER + 20;
    let head = [libc::IPPROTO_IPV6.to_ne_bytes(), libc::IPV6_PKTINFO.to_ne_bytes()].concat();
    let fields = [&length.to_ne_bytes(), head.as_slice(), &source.octets(), &index.to_ne_bytes()].concat();
    room.0.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
    // SAFETY: it is plain integers and pointers, for which all bits zero is a value.
    let mut header = unsafe { std::mem::zeroed::<libc::msghdr>() };
    let mut part = libc::iovec { iov_base: packet.as_ptr().cast_mut().cast(), iov_len: packet.len() };
    header.msg_name = to.as_ptr().cast_mut().cast();
    header.msg_namelen = to.len();
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = room.0.as_mut_ptr().cast();
    header.msg_controllen = length.next_multiple_of(WORD);
    // SAFETY: every pointer in `header` leads to a buffer of the length beside it, all of which outlive the call; the kernel
    // writes to none of them.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, 0) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Destination and hop limit out of control messages.
fn read(mut control: &[u8]) -> (Option<Ipv6Addr>, Option<u8>) {
    let (mut destination, mut hops) = (None, None);
    while let Some((length, rest)) = control.split_first_chunk::<WORD>() {
        let length = usize::from_ne_bytes(*length);
        let Some((level, rest)) = rest.split_first_chunk::<4>() else { break };
        let Some((kind, rest)) = rest.split_first_chunk::<4>() else { break };
        let content = length.checked_sub(MESSAGE_HEADER).and_then(|size| rest.get(..size));
        let Some(content) = content else { break };
        match (i32::from_ne_bytes(*level), i32::from_ne_bytes(*kind)) {
            // struct in6_pktinfo begins with the address.
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                destination = content.first_chunk::<16>().map(|octets| Ipv6Addr::from(*octets));
            }
            (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                hops = content.first_chunk().and_then(|hops| u8::try_from(i32::from_ne_bytes(*hops)).ok());
            }
            _ => {}
        }
        control = control.get(length.next_multiple_of(WORD)..).unwrap_or_default();
    }
    (destination, hops)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(kind: i32, content: &[u8]) -> Vec<u8> {
        let mut bytes = (MESSAGE_HEADER + content.len()).to_ne_bytes().to_vec();
        bytes.extend(libc::IPPROTO_IPV6.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(WORD), 0);
        bytes
    }

    #[test]
    fn destination_and_hop_limit_are_found_in_any_order() {
        let group: Ipv6Addr = "ff02::12".parse().unwrap();
        let where_to = [&group.octets()[..], &2_u32.to_ne_bytes()].concat();
        let (a, b) = (message(libc::IPV6_PKTINFO, &where_to), message(libc::IPV6_HOPLIMIT, &255_i32.to_ne_bytes()));
        assert_eq!(read(&[a.clone(), b.clone()].concat()), (Some(group), Some(255)));
        assert_eq!(read(&[b, message(99, &[1; 5]), a].concat()), (Some(group), Some(255)));
        assert_eq!(read(&[]), (None, None));
    }

    proptest! {
        #[test]
        fn reading_anything_ends(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}

//! Frames that tell the link where an address is now. Sends nothing.
//!
//! ```text
//! ff:ff:ff:ff:ff:ff | mac | 0806                     Ethernet, 14 bytes
//! 0001 0800 06 04 0001                               Ethernet, IPv4, request
//! mac | address | ff:ff:ff:ff:ff:ff | address        sender, target: 42 bytes in all
//!
//! 33:33:00:00:00:01 | mac | 86dd                     Ethernet, 14 bytes
//! 6000 0000 0020 3a ff | address | ff02::1           IPv6, 40 bytes
//! 88 00 sum | a000 0000 | address | 02 01 mac        neighbour advertisement: 86 bytes in all
//! ```

use super::checksum::checksum_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const BROADCAST: [u8; 6] = [0xff; 6];

const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ICMPV6: u8 = 58;
/// Where the address stands in either frame.
const ARP_TARGET: usize = 38;
/// The sender's protocol address, with the target's hardware address behind it.
const ARP_SENDER: usize = 28;
/// ARP for IPv4 over Ethernet, a reply.
const ARP_REPLY: [u8; 10] = [0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 2];
/// The same, a request.
const ARP_REQUEST: [u8; 10] = [0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1];
const NA_TARGET: usize = 62;

/// The frame that tells everybody on the link that `address` is at `mac`.
pub fn announcement(mac: [u8; 6], address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => gratuitous_arp(mac, address),
        IpAddr::V6(address) => unsolicited_advertisement(mac, address),
    }
}

/// The address that such a frame tells of.
pub fn announced(frame: &[u8]) -> Option<IpAddr> {
    match frame.get(12..14)? {
        [0x08, 0x06] => frame.get(ARP_TARGET..)?.first_chunk::<4>().map(|octets| IpAddr::from(*octets)),
        [0x86, 0xdd] => frame.get(NA_TARGET..)?.first_chunk::<16>().map(|octets| IpAddr::from(*octets)),
        _ => None,
    }
}

/// An ARP probe: who has `address`? Without a sender's address, so that nobody's cache is touched (RFC 5227 §2.1.1).
pub fn probe(mac: [u8; 6], address: Ipv4Addr) -> Vec<u8> {
    let mut frame = gratuitous_arp(mac, address);
    if let Some(fields) = frame.get_mut(ARP_SENDER..ARP_TARGET) {
        fields.fill(0);
    }
    frame
}

/// Who says to have an address, by ARP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The address.
    pub address: Ipv4Addr,
    /// The MAC address of who has it.
    pub mac: [u8; 6],
    /// It answers a [`probe`]; it is a gratuitous ARP otherwise.
    pub is_answer: bool,
}

/// Reads an answer to a probe, or a gratuitous ARP (RFC 5227 §2.1.1, §3): request or reply, with the sender's address as target.
pub fn claim(frame: &[u8]) -> Option<Claim> {
    let arp = frame.get(12..ARP_TARGET + 4)?;
    let (kind, fields) = arp.split_first_chunk::<10>()?;
    let (mac, fields) = fields.split_first_chunk::<6>()?;
    let (address, rest) = fields.split_first_chunk::<4>()?;
    let is_answer = *kind == ARP_REPLY && rest.ends_with(&[0; 4]);
    let is_gratuitous = (*kind == ARP_REPLY || *kind == ARP_REQUEST) && rest.ends_with(address) && *address != [0; 4];
    (is_answer || is_gratuitous).then(|| Claim { address: Ipv4Addr::from(*address), mac: *mac, is_answer })
}

/// An unsolicited neighbour advertisement: flags router and override, hop limit 255, to all nodes (RFC 9568 §6.4.1, RFC
/// 4861 §4.4).
fn unsolicited_advertisement(mac: [u8; 6], address: Ipv6Addr) -> Vec<u8> {
    let mut message = vec![136, 0, 0, 0, 0xa0, 0, 0, 0];
    message.extend(address.octets());
    message.extend([2, 1]);
    message.extend(mac);
    let sum = checksum_of(ICMPV6, address, ALL_NODES, &message).to_be_bytes();
    if let Some(field) = message.get_mut(2..4) {
        field.copy_from_slice(&sum);
    }
    let mut frame = Vec::with_capacity(86);
    frame.extend(ALL_NODES_MAC);
    frame.extend(mac);
    frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, ICMPV6, 255]);
    frame.extend(address.octets());
    frame.extend(ALL_NODES.octets());
    frame.extend(message);
    frame
}

/// A gratuitous ARP request for `address` at `mac`: a whole Ethernet frame (RFC 9568 §6.4.1; keepalived sends the same).
fn gratuitous_arp(mac: [u8; 6], address: Ipv4Addr) -> Vec<u8> {
    let mut frame = Vec::with_capacity(42);
    frame.extend(BROADCAST);
    frame.extend(mac);
    frame.extend([0x08, 0x06]);
    frame.extend([0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01]);
    frame.extend(mac);
    frame.extend(address.octets());
    frame.extend(BROADCAST);
    frame.extend(address.octets());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsolicited_advertisement_goes_to_all_nodes_with_router_and_override() {
        let address: Ipv6Addr = "fe80::5:33".parse().unwrap();
        let frame = announcement([2, 0, 0, 0, 0, 9], IpAddr::V6(address));
        assert_eq!(frame.len(), 86);
        assert_eq!(frame[..14], [0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x86, 0xdd]);
        assert_eq!(frame[14..22], [0x60, 0, 0, 0, 0, 32, 58, 255]);
        assert_eq!((&frame[22..38], &frame[38..54]), (&address.octets()[..], &ALL_NODES.octets()[..]));
        assert_eq!((&frame[54..56], &frame[58..62]), (&[136, 0][..], &[0xa0, 0, 0, 0][..]));
        assert_eq!((&frame[62..78], &frame[78..]), (&address.octets()[..], &[2, 1, 2, 0, 0, 0, 0, 9][..]));
        // By hand: fe80 + 5 + 33 twice (source, target), ff02 + 1, 58, 32, then the message.
        let words = [0xfe80, 0x5, 0x33, 0xff02, 0x1, 58, 32, 0x8800, 0xa000, 0xfe80, 0x5, 0x33, 0x0201, 0x0200, 0, 9];
        let sum = words.iter().sum::<u32>();
        let sum = (sum & 0xffff) + (sum >> 16);
        let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
        assert_eq!(frame[56..58], sum.to_be_bytes());
        assert_eq!(announced(&frame), Some(IpAddr::V6(address)));
    }

    #[test]
    fn a_gratuitous_arp_is_a_broadcast_request_with_the_address_on_both_sides() {
        let frame = announcement([2, 0, 0, 0, 0, 9], IpAddr::from([192, 0, 2, 254]));
        assert_eq!(announced(&frame), Some(IpAddr::from([192, 0, 2, 254])));
        assert_eq!(frame.len(), 42);
        assert_eq!(frame[..14], [255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 9, 8, 6]);
        assert_eq!(frame[14..28], [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9]);
        assert_eq!(frame[28..], [192, 0, 2, 254, 255, 255, 255, 255, 255, 255, 192, 0, 2, 254]);
    }
}

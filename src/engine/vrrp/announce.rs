//! Frames that tell the link where an address is now. Sends nothing.
//!
//! ```text
//! ff:ff:ff:ff:ff:ff | mac | 0806                     Ethernet, 14 bytes
//! 0001 0800 06 04 0001                               Ethernet, IPv4, request
//! mac | address | ff:ff:ff:ff:ff:ff | address        sender, target: 42 bytes in all
//! ```

use std::net::Ipv4Addr;

const BROADCAST: [u8; 6] = [0xff; 6];

/// A gratuitous ARP request for `address` at `mac`: a whole Ethernet frame (RFC 9568 §6.4.1; keepalived sends the same).
pub fn gratuitous_arp(mac: [u8; 6], address: Ipv4Addr) -> Vec<u8> {
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
    fn a_gratuitous_arp_is_a_broadcast_request_with_the_address_on_both_sides() {
        let frame = gratuitous_arp([2, 0, 0, 0, 0, 9], Ipv4Addr::new(192, 0, 2, 254));
        assert_eq!(frame.len(), 42);
        assert_eq!(frame[..14], [255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 9, 8, 6]);
        assert_eq!(frame[14..28], [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9]);
        assert_eq!(frame[28..], [192, 0, 2, 254, 255, 255, 255, 255, 255, 255, 192, 0, 2, 254]);
    }
}

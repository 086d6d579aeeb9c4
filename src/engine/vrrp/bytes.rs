//! A packet as people look at it: two hexadecimal digits a byte. What may be a password is never shown.

use super::packet::IpPacket;
use std::fmt::Write;

/// How much of a packet is shown.
pub const SHOWN: usize = 160;
/// Bytes of an IPv4 header and of the fixed part of a message: what is shown of a packet that can't be read.
const FIXED: usize = 28;
/// Bytes of Authentication Data at the end of version 2 (RFC 3768 §5.3.10).
const SECRET: usize = 8;

/// The packet from the IP header on, at most [`SHOWN`] bytes, with `**` for what may be a password: all that follows the
/// addresses, and the last eight bytes of whatever does not say that it is version 3.
pub fn shown(packet: &[u8]) -> String {
    let secret_from = first_secret(packet);
    let mut text = String::with_capacity(3 * packet.len().min(SHOWN));
    for (at, byte) in packet.iter().enumerate().take(SHOWN) {
        let gap = if at == 0 { "" } else { " " };
        let _ = if at < secret_from { write!(text, "{gap}{byte:02x}") } else { write!(text, "{gap}**") };
    }
    text
}

/// From where on nothing is shown.
fn first_secret(packet: &[u8]) -> usize {
    let Some(ip) = IpPacket::parse(packet) else { return FIXED };
    let header = match ip.seal {
        Some(seal) => seal.ip.len() + seal.header.len(),
        None if ip.source.is_ipv4() => 20,
        None => 40,
    };
    // No router sends options: a header that says so may lie, and its end be the password's.
    let has_options = ip.source.is_ipv4() && packet.first().is_some_and(|first| first & 0x0f != 5);
    let Some(&[first, _, _, count, ..]) = ip.payload.first_chunk::<4>().filter(|_| !has_options) else { return FIXED };
    let size = if ip.source.is_ipv4() { 4 } else { 16 };
    let addresses_end = header + 8 + size * usize::from(count);
    match first >> 4 {
        3 => addresses_end,
        _ => addresses_end.min(header + ip.payload.len().saturating_sub(SECRET)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::model::{
        AdvertInterval, AdvertisedPriority, Authentication, Family, Password, Transport, Vrid, VrrpVersion,
    };
    use crate::engine::vrrp::{Advertisement, ChecksumForm};
    use proptest::prelude::*;
    use std::net::IpAddr;

    const SECRET_HEX: &str = "68 75 6e 74 65 72";

    /// A packet with the password `hunter2!`.
    fn packet() -> Vec<u8> {
        let message = Advertisement {
            version: VrrpVersion::V2,
            vrid: Vrid::new(51).unwrap(),
            priority: AdvertisedPriority(100),
            interval: AdvertInterval::DEFAULT,
            authentication: Authentication::Pass(Password::new("hunter2!")),
            addresses: vec![IpAddr::from([192, 0, 2, 254])],
        };
        let group = Transport::default_group(Family::Inet);
        let message = message.encode(IpAddr::from([192, 0, 2, 1]), group, ChecksumForm::MessageOnly);
        let mut packet = vec![0x45, 0xc0, 0, 40, 0, 1, 0, 0, 255, 112, 0, 0, 192, 0, 2, 1, 224, 0, 0, 18];
        packet.extend(message);
        packet
    }

    #[test]
    fn the_password_is_masked_and_all_else_is_shown() {
        let text = shown(&packet());
        assert!(text.starts_with("45 c0 00 28") && text.ends_with("c0 00 02 fe ** ** ** ** ** ** ** **"), "{text}");
        assert_eq!(text.split(' ').count(), 40);
    }

    #[test]
    fn a_header_that_lies_about_its_length_shows_no_password() {
        for first in [0x46, 0x48, 0x49, 0x4a, 0x60] {
            let mut packet = packet();
            packet[0] = first;
            assert!(shown(&packet).ends_with(&" **".repeat(8)), "{first:x}: {}", shown(&packet));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_broken_no_password_is_shown(at in 0usize..32, byte: u8, length in 0usize..=40) {
            let mut packet = packet();
            packet[at] = byte;
            packet.truncate(length);
            let text = shown(&packet);
            // A count or length that lies may move the mask, but only over more than the password.
            prop_assume!(at != 20 && at != 23 || text.len() < 3 * 32);
            prop_assert!(!text.contains(SECRET_HEX), "{}", text);
        }
    }
}

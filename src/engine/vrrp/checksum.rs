//! The Internet checksum (RFC 1071) in the forms that VRRP gives it. Never changes a message.
//!
//! Version 2 sums the message with its 8 authentication bytes (RFC 3768 §5.3.8). Version 3 over IPv4 has two readings:
//! with a pseudo-header (RFC 5798 §5.2.8; what keepalived and FRR send) and without (RFC 9568 §5.2.8). We send the first
//! unless told otherwise, and accept both. Over IPv6 there is always one (RFC 8200 §8.1).

use super::PROTOCOL;
use crate::engine::model::{Family, VrrpVersion};
use std::net::{IpAddr, Ipv6Addr};

/// What a checksum covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChecksumForm {
    /// The message alone: version 2, and version 3 by RFC 9568.
    MessageOnly,
    /// Source, destination, protocol and length before it: version 3 by RFC 5798.
    PseudoHeader,
}

impl ChecksumForm {
    /// The form we send. `as_version_2`: over IPv4 without a pseudo-header (`v3_checksum_as_v2`).
    pub const fn sent(version: VrrpVersion, family: Family, as_version_2: bool) -> Self {
        match (version, family) {
            (VrrpVersion::V2, _) => Self::MessageOnly,
            (VrrpVersion::V3, Family::Inet) if as_version_2 => Self::MessageOnly,
            (VrrpVersion::V3, Family::Inet | Family::Inet6) => Self::PseudoHeader,
        }
    }
}

/// The checksum of a message whose checksum field is 0; of one whose field is filled, 0 when it is right.
pub(super) fn checksum(form: ChecksumForm, source: IpAddr, destination: IpAddr, message: &[u8]) -> u16 {
    let pseudo_header = match form {
        ChecksumForm::MessageOnly => 0,
        // The fields of either family's header sum to the same: addresses, protocol, length.
        ChecksumForm::PseudoHeader => sum_of(source) + sum_of(destination) + u64::from(PROTOCOL) + message.len() as u64,
    };
    !fold(pseudo_header + sum(message))
}

/// The form in which the filled checksum of a message is right, if any.
pub(super) fn verified(
    version: VrrpVersion,
    source: IpAddr,
    destination: IpAddr,
    message: &[u8],
) -> Option<ChecksumForm> {
    let forms: &[ChecksumForm] = match (version, source) {
        (VrrpVersion::V2, _) => &[ChecksumForm::MessageOnly],
        (VrrpVersion::V3, IpAddr::V4(_)) => &[ChecksumForm::PseudoHeader, ChecksumForm::MessageOnly],
        (VrrpVersion::V3, IpAddr::V6(_)) => &[ChecksumForm::PseudoHeader],
    };
    forms.iter().copied().find(|form| checksum(*form, source, destination, message) == 0)
}

/// The checksum of a message of another protocol over IPv6, whose checksum field is 0 (RFC 8200 §8.1).
pub(super) fn checksum_of(protocol: u8, source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> u16 {
    let header = sum(&source.octets()) + sum(&destination.octets()) + u64::from(protocol) + message.len() as u64;
    !fold(header + sum(message))
}

fn sum_of(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(address) => sum(&address.octets()),
        IpAddr::V6(address) => sum(&address.octets()),
    }
}

/// Sum of big-endian 16-bit words; an odd byte is padded with zero.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<2>();
    let odd = rest.first().map_or(0, |byte| u64::from(*byte) << 8);
    words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum::<u64>() + odd
}

/// Adds the carries back in until 16 bits are left.
fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071_sums_to_ddf2() {
        assert_eq!(fold(sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7])), 0xddf2);
    }

    #[test]
    fn an_odd_byte_counts_as_the_high_half_of_a_word() {
        assert_eq!(sum(&[0x12]), 0x1200);
    }
}

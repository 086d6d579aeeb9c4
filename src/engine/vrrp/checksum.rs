//! The Internet checksum (RFC 1071) in the forms that VRRP gives it. Never changes a message.
//!
//! Version 2 sums the message with its 8 authentication bytes (RFC 3768 §5.3.8). Version 3 over IPv4 has two readings:
//! with a pseudo-header (RFC 5798 §5.2.8; what keepalived and FRR send) and without (RFC 9568 §5.2.8). We send the first
//! and accept both.

use super::PROTOCOL;
use crate::engine::model::VrrpVersion;
use std::net::Ipv4Addr;

/// What a checksum covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChecksumForm {
    /// The message alone: version 2, and version 3 by RFC 9568.
    MessageOnly,
    /// Source, destination, protocol and length before it: version 3 by RFC 5798.
    PseudoHeader,
}

impl ChecksumForm {
    /// The form we send.
    pub const fn sent(version: VrrpVersion) -> Self {
        match version {
            VrrpVersion::V2 => Self::MessageOnly,
            VrrpVersion::V3 => Self::PseudoHeader,
        }
    }
}

/// The checksum of a message whose checksum field is 0; of one whose field is filled, 0 when it is right.
pub(super) fn checksum(form: ChecksumForm, source: Ipv4Addr, destination: Ipv4Addr, message: &[u8]) -> u16 {
    let pseudo_header = match form {
        ChecksumForm::MessageOnly => 0,
        ChecksumForm::PseudoHeader => {
            sum(&source.octets()) + sum(&destination.octets()) + u64::from(PROTOCOL) + message.len() as u64
        }
    };
    !fold(pseudo_header + sum(message))
}

/// The form in which the filled checksum of a message is right, if any.
pub(super) fn verified(
    version: VrrpVersion,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    message: &[u8],
) -> Option<ChecksumForm> {
    let forms: &[ChecksumForm] = match version {
        VrrpVersion::V2 => &[ChecksumForm::MessageOnly],
        VrrpVersion::V3 => &[ChecksumForm::PseudoHeader, ChecksumForm::MessageOnly],
    };
    forms.iter().copied().find(|form| checksum(*form, source, destination, message) == 0)
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

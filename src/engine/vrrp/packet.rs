//! The advertisement as a value and as bytes, and the IPv4 header around it. Encoding can't fail; decoding is the receive
//! ladder's (`validate`).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-------+-------+---------------+---------------+---------------+
//! |Version|Type=1 | Virtual Rtr ID|   Priority    | Count of addr |
//! +-------+-------+---------------+---------------+---------------+
//! |   Auth Type   |  interval [s] |           Checksum            |  version 2 (RFC 3768 §5.1)
//! +-------+-------+---------------+---------------+---------------+
//! |rsvd=0 |     interval [cs]     |           Checksum            |  version 3 (RFC 9568 §5.1)
//! +-------+-----------------------+-------------------------------+
//! |                     IPv4 addresses, 4 bytes each              |
//! +---------------------------------------------------------------+
//! |                     Authentication Data, 8 bytes              |  version 2, always
//! +---------------------------------------------------------------+
//! ```

use super::checksum::{ChecksumForm, checksum};
use crate::engine::model::{AdvertInterval, AdvertisedPriority, Authentication, Vrid, VrrpVersion};
use std::net::Ipv4Addr;

/// IP protocol number (RFC 9568 §5.1.1.4).
pub const PROTOCOL: u8 = 112;
/// The group that every IPv4 router of the protocol listens to (RFC 9568 §5.1.1.2).
pub const MULTICAST_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

/// An advertisement over IPv4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertisement {
    /// Protocol version.
    pub version: VrrpVersion,
    /// Virtual router.
    pub vrid: Vrid,
    /// The sender's priority; 0 resigns.
    pub priority: AdvertisedPriority,
    /// The sender's own interval: whole seconds go out in version 2, at most 40.95 s in version 3.
    pub interval: AdvertInterval,
    /// Version 2 only; version 3 sends none.
    pub authentication: Authentication,
    /// Virtual addresses; at most 255 go out.
    pub addresses: Vec<Ipv4Addr>,
}

impl Advertisement {
    /// The message from the version byte on, with its checksum.
    pub fn encode(&self, source: Ipv4Addr, destination: Ipv4Addr, form: ChecksumForm) -> Vec<u8> {
        let count = u8::try_from(self.addresses.len()).unwrap_or(u8::MAX);
        let [third_word_high, third_word_low] = self.interval_bytes();
        let mut message = Vec::with_capacity(16 + 4 * usize::from(count));
        message.extend([self.version.number() << 4 | 1, self.vrid.get(), self.priority.0, count]);
        message.extend([third_word_high, third_word_low, 0, 0]);
        for address in self.addresses.iter().take(usize::from(count)) {
            message.extend(address.octets());
        }
        if self.version == VrrpVersion::V2 {
            message.extend(match self.authentication {
                Authentication::None => [0; 8],
                Authentication::Pass(password) => password.bytes(),
            });
        }
        let sum = checksum(form, source, destination, &message);
        if let Some(field) = message.get_mut(6..8) {
            field.copy_from_slice(&sum.to_be_bytes());
        }
        message
    }

    /// Bytes 4 and 5.
    fn interval_bytes(&self) -> [u8; 2] {
        match self.version {
            VrrpVersion::V2 => {
                let auth_type = authentication_type(self.authentication);
                [auth_type, u8::try_from(self.interval.whole_seconds().max(1)).unwrap_or(u8::MAX)]
            }
            VrrpVersion::V3 => self.interval.min(AdvertInterval::V3_MAX).centiseconds().to_be_bytes(),
        }
    }
}

/// The Auth Type of version 2 (RFC 2338 §5.3.6).
pub(super) const fn authentication_type(authentication: Authentication) -> u8 {
    match authentication {
        Authentication::None => 0,
        Authentication::Pass(_) => 1,
    }
}

/// An IPv4 packet as a raw socket delivers it, header included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv4Packet<'a> {
    /// Time to live.
    pub ttl: u8,
    /// Protocol.
    pub protocol: u8,
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// After the header and its options, up to the header's total length: link-layer padding is cut off.
    pub payload: &'a [u8],
}

impl<'a> Ipv4Packet<'a> {
    /// Reads the header (RFC 791 §3.1); none when the bytes are no whole IPv4 packet. The kernel has checked the header's
    /// own checksum and put fragments together.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let [first, _, l0, l1, _, _, _, _, ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3, ..] = *bytes else {
            return None;
        };
        let header_length = usize::from(first & 0x0f) * 4;
        let total_length = usize::from(u16::from_be_bytes([l0, l1]));
        if first >> 4 != 4 || header_length < 20 {
            return None;
        }
        Some(Self {
            ttl,
            protocol,
            source: Ipv4Addr::new(s0, s1, s2, s3),
            destination: Ipv4Addr::new(d0, d1, d2, d3),
            payload: bytes.get(header_length..total_length)?,
        })
    }
}

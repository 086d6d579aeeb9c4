//! The advertisement as a value and as bytes, and the IP header around it. Encoding can't fail; decoding is the receive
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
//! |         IPv4 addresses, 4 bytes each; IPv6, 16 bytes each     |
//! +---------------------------------------------------------------+
//! |                     Authentication Data, 8 bytes              |  version 2, always
//! +---------------------------------------------------------------+
//! ```

use super::ah::{self, AH_PROTOCOL};
use super::checksum::{ChecksumForm, checksum};
use crate::engine::model::{AdvertInterval, AdvertisedPriority, Authentication, Vrid, VrrpVersion};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IP protocol number (RFC 9568 §5.1.1.4).
pub const PROTOCOL: u8 = 112;
/// An advertisement.
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
    /// Virtual addresses of one family; at most 255 go out.
    pub addresses: Vec<IpAddr>,
}

impl Advertisement {
    /// The message from the version byte on, with its checksum.
    pub fn encode(&self, source: IpAddr, destination: IpAddr, form: ChecksumForm) -> Vec<u8> {
        let count = u8::try_from(self.addresses.len()).unwrap_or(u8::MAX);
        let [third_word_high, third_word_low] = self.interval_bytes();
        let mut message = Vec::with_capacity(16 + 16 * usize::from(count));
        message.extend([self.version.number() << 4 | 1, self.vrid.get(), self.priority.0, count]);
        message.extend([third_word_high, third_word_low, 0, 0]);
        for address in self.addresses.iter().take(usize::from(count)) {
            match address {
                IpAddr::V4(address) => message.extend(address.octets()),
                IpAddr::V6(address) => message.extend(address.octets()),
            }
        }
        if self.version == VrrpVersion::V2 {
            message.extend(match self.authentication {
                Authentication::None | Authentication::Ah(_) => [0; 8],
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
        Authentication::Ah(_) => 2,
    }
}

/// An IP packet, header included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpPacket<'a> {
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// Protocol, or next header.
    pub protocol: u8,
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// After the header and its options, up to the length that the header tells: link-layer padding is cut off. Behind the
    /// authentication header, where there is one for VRRP.
    pub payload: &'a [u8],
    /// That header, and the IP header in front of it. The protocol is then the one behind it.
    pub seal: Option<Seal<'a>>,
}

/// What an authentication header covers beside the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal<'a> {
    /// The IP header.
    pub ip: &'a [u8],
    /// The authentication header.
    pub header: &'a [u8; ah::LENGTH],
}

impl<'a> IpPacket<'a> {
    /// Reads the header (RFC 791 §3.1, RFC 8200 §3); none when the bytes are no whole packet. The kernel has checked the
    /// header and put fragments together.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        match bytes.first()? >> 4 {
            4 => Self::parse_v4(bytes),
            6 => Self::parse_v6(bytes),
            _ => None,
        }
    }

    fn parse_v4(bytes: &'a [u8]) -> Option<Self> {
        let [first, _, l0, l1, _, _, _, _, ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3, ..] = *bytes else {
            return None;
        };
        let header_length = usize::from(first & 0x0f) * 4;
        let total_length = usize::from(u16::from_be_bytes([l0, l1]));
        if header_length < 20 {
            return None;
        }
        let (ip, payload) = bytes.get(..total_length)?.split_at_checked(header_length)?;
        let sealed = if protocol == AH_PROTOCOL { ah::split(payload).ok()? } else { None };
        let (protocol, payload, seal) = match sealed {
            Some((header, message)) => (PROTOCOL, message, Some(Seal { ip, header })),
            None => (protocol, payload, None),
        };
        Some(Self {
            ttl,
            protocol,
            source: IpAddr::V4(Ipv4Addr::new(s0, s1, s2, s3)),
            destination: IpAddr::V4(Ipv4Addr::new(d0, d1, d2, d3)),
            payload,
            seal,
        })
    }

    fn parse_v6(bytes: &'a [u8]) -> Option<Self> {
        let (&[_, _, _, _, l0, l1, protocol, ttl], rest) = bytes.split_first_chunk()?;
        let (source, rest) = rest.split_first_chunk::<16>()?;
        let (destination, rest) = rest.split_first_chunk::<16>()?;
        Some(Self {
            ttl,
            protocol,
            source: IpAddr::V6(Ipv6Addr::from(*source)),
            destination: IpAddr::V6(Ipv6Addr::from(*destination)),
            payload: rest.get(..usize::from(u16::from_be_bytes([l0, l1])))?,
            seal: None,
        })
    }
}

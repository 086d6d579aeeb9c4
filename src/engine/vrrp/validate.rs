//! The receive ladder: which advertisements count. Every check has a name and a clause; the first that fails decides, in
//! this order:
//!
//! 1. a whole IP packet of protocol 112 (RFC 9568 §5.1.1.4), to the group where the instance uses multicast (§5.1.1.2),
//!    to this host where it uses unicast
//! 2. from an address that a router can have (§5.1.1.1); multicast: TTL or hop limit 255 (§5.1.1.3): nobody beyond the
//!    link has sent it; unicast: one of the peers, with a TTL as `unicast_peer` says, where it says so
//! 3. the fixed 8 bytes are there (§7.1)
//! 4. version as configured, type 1 (§5.2.1, §5.2.2)
//! 5. the VRID asked for (§7.1)
//! 6. at least one address (§5.2.5, erratum 8299)
//! 7. exactly the length that version and count give (§7.1)
//! 8. checksum, in any form that is in use (§5.2.8)
//! 9. version 2: authentication type, then password, or the authentication header: its digest, then its SPI, then its
//!    sequence number (RFC 2338 §5.3.6, §5.3.10)
//! 10. version 2: the configured interval (RFC 3768 §7.1); version 3: an interval above 0 (erratum 8301)
//! 11. the caller's: an address in common with ours, where we have some; a stranger that uses our VRID by mistake would
//!     take a pair down
//!
//! The local owner's advertisements are not refused (erratum 8298), nor is a list of addresses that differs (§7.1): both
//! are the caller's to report. Never panics, whatever the bytes.

use super::ah::{self, AH_PROTOCOL};
use super::checksum::{ChecksumForm, verified};
use super::packet::{Advertisement, IpPacket, PROTOCOL, authentication_type};
use crate::engine::model::{
    AdvertInterval, AdvertisedPriority, Authentication, Password, Transport, Vrid, VrrpVersion,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an instance wants of the advertisements it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected<'a> {
    /// How they come.
    pub transport: &'a Transport,
    /// Its version.
    pub version: VrrpVersion,
    /// Its VRID.
    pub vrid: Vrid,
    /// Its interval; compared in version 2 only.
    pub interval: AdvertInterval,
    /// Its authentication; compared in version 2 only.
    pub authentication: Authentication,
    /// Authentication headers count whose sequence number is above this.
    pub sequence: u32,
}

/// An advertisement that passed every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// IP source: the sender's primary address.
    pub source: IpAddr,
    /// What it says.
    pub advertisement: Advertisement,
    /// How its checksum was made.
    pub checksum: ChecksumForm,
    /// The sequence number of its authentication header.
    pub sequence: Option<u32>,
}

/// Who sent a packet and for whom, as far as it says so: read before any check, to find the instance it concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// IP source; none when the packet has no whole header.
    pub source: Option<IpAddr>,
    /// VRID; none when the message is shorter than 2 bytes.
    pub vrid: Option<u8>,
    /// Priority; none when the message is shorter than 3 bytes.
    pub priority: Option<AdvertisedPriority>,
    /// Why it can be no advertisement of this link, whosever: not TTL 255, version 2 or 3, type 1.
    pub noise: Option<Check>,
    /// Whether it is no VRRP at all: an authentication header with something else behind it.
    pub foreign: bool,
}

/// Reads the sender of a packet.
pub fn sender(packet: &[u8]) -> Sender {
    let parsed = IpPacket::parse(packet);
    let payload = parsed.map_or(&[][..], |p| p.payload);
    let noise = match (parsed.map(|p| p.ttl), payload.first().map(|first| (first >> 4, first & 0x0f))) {
        (None, _) | (_, None) => Some(Check::Length),
        (Some(255), Some((2 | 3, 1))) => None,
        (Some(255), Some((2 | 3, _))) => Some(Check::Type),
        (Some(255), Some(_)) => Some(Check::Version),
        (Some(_), Some(_)) => Some(Check::Ttl),
    };
    Sender {
        source: parsed.map(|p| p.source),
        vrid: payload.get(1).copied(),
        priority: payload.get(2).copied().map(AdvertisedPriority),
        foreign: parsed.is_some_and(|p| p.protocol == AH_PROTOCOL),
        noise,
    }
}

/// Why an advertisement does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Step 1, or step 3: not even the fixed part.
    #[error("truncated: {0} bytes are no whole VRRP packet")]
    Truncated(usize),
    /// Step 1.
    #[error("IP protocol {0}, not 112 (RFC 9568 5.1.1.4)")]
    Protocol(u8),
    /// Step 1.
    #[error(
        "sent to {0}, not to the group that this instance listens to: the other router has `unicast_peer`, or another \
         `vrrp_mcast_group` (RFC 9568 5.1.1.2)"
    )]
    Destination(IpAddr),
    /// Step 1.
    #[error("sent to the group {0}: this instance has `unicast_peer`, the other router has not")]
    Group(IpAddr),
    /// Step 2.
    #[error("sent from {0}, which is no address that a router can have (RFC 9568 5.1.1.1)")]
    NoSender(IpAddr),
    /// Step 2.
    #[error("TTL {0}, not 255: it may come from beyond this link (RFC 9568 5.1.1.3)")]
    Ttl(u8),
    /// Step 2, unicast.
    #[error("TTL {found}, which `unicast_peer` allows from {} to {} for this peer", .allowed.0, .allowed.1)]
    PeerTtl {
        /// In the packet.
        found: u8,
        /// `min_ttl` and `max_ttl`.
        allowed: (u8, u8),
    },
    /// Step 2, unicast.
    #[error("its sender is no `unicast_peer` of this instance")]
    Source,
    /// Step 4.
    #[error("version {found}, configured is {wanted}: set `version` alike on all routers (RFC 9568 5.2.1)")]
    Version {
        /// In the packet.
        found: u8,
        /// Configured.
        wanted: u8,
    },
    /// Step 4.
    #[error("type {0}, not 1 (RFC 9568 5.2.2)")]
    Type(u8),
    /// Step 5.
    #[error("virtual_router_id {found}, not {wanted} (RFC 9568 7.1)")]
    Vrid {
        /// In the packet.
        found: u8,
        /// Asked for.
        wanted: u8,
    },
    /// Step 6.
    #[error("no address in it (RFC 9568 5.2.5)")]
    NoAddress,
    /// Step 7.
    #[error("{found} bytes, where version and address count give {wanted} (RFC 3768 7.1, RFC 9568 7.1)")]
    Length {
        /// In the packet.
        found: usize,
        /// By version and count.
        wanted: usize,
    },
    /// Step 8.
    #[error("checksum {0:#06x} is wrong (RFC 9568 5.2.8)")]
    Checksum(u16),
    /// Step 9.
    #[error(
        "authentication type {found}, configured is {wanted}: set `auth_type` alike on all routers (RFC 2338 5.3.6)"
    )]
    AuthenticationType {
        /// In the packet.
        found: u8,
        /// Configured.
        wanted: u8,
    },
    /// Step 9.
    #[error("another password: set `auth_pass` alike on all routers (RFC 2338 5.3.10)")]
    Password,
    /// Step 9.
    #[error("no authentication header: set `auth_type AH` on all routers (RFC 2338 5.3.6.3)")]
    Unsealed,
    /// Step 9.
    #[error(
        "the digest of its authentication header is wrong: set `auth_pass` alike on all routers (RFC 2338 5.3.6.3)"
    )]
    Digest,
    /// Step 9.
    #[error("the SPI of its authentication header is not the address that it comes from")]
    Spi,
    /// Step 9.
    #[error(
        "the sequence number {found} of its authentication header is not above {last}, the last one: sent again by somebody?"
    )]
    Replayed {
        /// In the packet.
        found: u32,
        /// The last one that counted.
        last: u32,
    },
    /// Step 10.
    #[error("interval {found} s, configured are {wanted} s: set `advert_int` alike on all routers (RFC 3768 7.1)")]
    Interval {
        /// In the packet, seconds.
        found: u8,
        /// Configured, seconds.
        wanted: u8,
    },
    /// Step 10.
    #[error("interval 0 (RFC 9568 erratum 8301)")]
    IntervalZero,
    /// Step 11.
    #[error(
        "none of its virtual addresses is one of ours: another service's router with the same VRID? give one of them another \
         `virtual_router_id`"
    )]
    Stranger,
}

/// The checks as counters know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// Truncated, of another protocol, or of a wrong length.
    Length,
    /// Not to the group, or to it where unicast is wanted.
    Destination,
    /// Not from a peer.
    Source,
    /// TTL.
    Ttl,
    /// Version.
    Version,
    /// Type.
    Type,
    /// VRID.
    Vrid,
    /// Address count 0.
    Count,
    /// Checksum.
    Checksum,
    /// Authentication type.
    AuthenticationType,
    /// Password, or what the authentication header says.
    Password,
    /// Interval.
    Interval,
    /// No address in common.
    Addresses,
}

impl DecodeError {
    /// The check that failed.
    pub const fn check(&self) -> Check {
        match self {
            Self::Truncated(_) | Self::Protocol(_) | Self::Length { .. } => Check::Length,
            Self::Destination(_) | Self::Group(_) => Check::Destination,
            Self::Source | Self::NoSender(_) => Check::Source,
            Self::Ttl(_) | Self::PeerTtl { .. } => Check::Ttl,
            Self::Version { .. } => Check::Version,
            Self::Type(_) => Check::Type,
            Self::Vrid { .. } => Check::Vrid,
            Self::NoAddress => Check::Count,
            Self::Checksum(_) => Check::Checksum,
            Self::AuthenticationType { .. } => Check::AuthenticationType,
            Self::Password | Self::Unsealed | Self::Digest | Self::Spi | Self::Replayed { .. } => Check::Password,
            Self::Interval { .. } | Self::IntervalZero => Check::Interval,
            Self::Stranger => Check::Addresses,
        }
    }
    /// Whether the sender is a router of this link that is configured otherwise, rather than noise or a stranger.
    pub const fn is_disagreement(&self) -> bool {
        match self.check() {
            Check::Destination
            | Check::Version
            | Check::AuthenticationType
            | Check::Password
            | Check::Interval
            | Check::Addresses => true,
            Check::Length | Check::Source | Check::Ttl | Check::Type | Check::Vrid | Check::Count | Check::Checksum => {
                false
            }
        }
    }
}

/// Runs the ladder over an IP packet, header included.
pub fn receive(packet: &[u8], expected: &Expected<'_>) -> Result<Received, DecodeError> {
    let ip = IpPacket::parse(packet).ok_or(DecodeError::Truncated(packet.len()))?;
    if ip.protocol != PROTOCOL {
        return Err(DecodeError::Protocol(ip.protocol));
    }
    if ip.seal.is_some() && expected.version == VrrpVersion::V3 {
        return Err(DecodeError::Protocol(AH_PROTOCOL));
    }
    way(&ip, expected.transport)?;
    let message = ip.payload;
    let Some((&[first, vrid, priority, count, fourth, fifth, c0, c1], body)) = message.split_first_chunk() else {
        return Err(DecodeError::Truncated(packet.len()));
    };
    header(first, vrid, count, expected)?;
    let size = if ip.source.is_ipv4() { 4 } else { 16 };
    let wanted = match expected.version {
        VrrpVersion::V2 => 16 + size * usize::from(count),
        VrrpVersion::V3 => 8 + size * usize::from(count),
    };
    if message.len() != wanted {
        return Err(DecodeError::Length { found: message.len(), wanted });
    }
    let checksum = verified(expected.version, ip.source, ip.destination, message)
        .ok_or(DecodeError::Checksum(u16::from_be_bytes([c0, c1])))?;
    let (interval, authentication, sequence) = match expected.version {
        VrrpVersion::V2 => {
            authenticate(fourth, body, expected.authentication)?;
            let sequence = match expected.authentication {
                Authentication::Ah(password) => Some(unseal(&ip, password, expected.sequence)?),
                Authentication::None | Authentication::Pass(_) => None,
            };
            (same_interval(fifth, expected.interval)?, expected.authentication, sequence)
        }
        VrrpVersion::V3 => (any_interval(fourth, fifth)?, Authentication::None, None),
    };
    let advertisement = Advertisement {
        version: expected.version,
        vrid: expected.vrid,
        priority: AdvertisedPriority(priority),
        interval,
        authentication,
        addresses: addresses(ip.source, body, usize::from(count)),
    };
    Ok(Received { source: ip.source, advertisement, checksum, sequence })
}

/// Where it came from and went to: steps 1 and 2.
fn way(ip: &IpPacket<'_>, transport: &Transport) -> Result<(), DecodeError> {
    let is_broadcast = ip.source == IpAddr::V4(Ipv4Addr::BROADCAST);
    match transport {
        Transport::Multicast { group } if ip.destination != *group => Err(DecodeError::Destination(ip.destination)),
        Transport::Multicast { .. } | Transport::Unicast(_)
            if ip.source.is_unspecified() || ip.source.is_multicast() || is_broadcast =>
        {
            Err(DecodeError::NoSender(ip.source))
        }
        Transport::Multicast { .. } if ip.ttl != 255 => Err(DecodeError::Ttl(ip.ttl)),
        Transport::Multicast { .. } => Ok(()),
        Transport::Unicast(_) if ip.destination.is_multicast() => Err(DecodeError::Group(ip.destination)),
        Transport::Unicast(unicast) => match unicast.peer(ip.source).map(|peer| peer.ttl) {
            None if unicast.checks_source() => Err(DecodeError::Source),
            Some(Some(allowed)) if !(allowed.0..=allowed.1).contains(&ip.ttl) => {
                Err(DecodeError::PeerTtl { found: ip.ttl, allowed })
            }
            None | Some(_) => Ok(()),
        },
    }
}

/// The addresses, of the family that carries them.
fn addresses(source: IpAddr, body: &[u8], count: usize) -> Vec<IpAddr> {
    match source {
        IpAddr::V4(_) => body.as_chunks::<4>().0.iter().take(count).map(|a| Ipv4Addr::from(*a).into()).collect(),
        IpAddr::V6(_) => body.as_chunks::<16>().0.iter().take(count).map(|a| Ipv6Addr::from(*a).into()).collect(),
    }
}

/// Steps 4 to 6.
fn header(first: u8, vrid: u8, count: u8, expected: &Expected<'_>) -> Result<(), DecodeError> {
    let (version, kind) = (first >> 4, first & 0x0f);
    if version != expected.version.number() {
        return Err(DecodeError::Version { found: version, wanted: expected.version.number() });
    }
    if kind != 1 {
        return Err(DecodeError::Type(kind));
    }
    if vrid != expected.vrid.get() {
        return Err(DecodeError::Vrid { found: vrid, wanted: expected.vrid.get() });
    }
    if count == 0 { Err(DecodeError::NoAddress) } else { Ok(()) }
}

/// Step 9. All 8 bytes are compared whatever they are, so that the time taken says nothing about the password.
fn authenticate(found: u8, body: &[u8], configured: Authentication) -> Result<(), DecodeError> {
    let wanted = authentication_type(configured);
    if found != wanted {
        return Err(DecodeError::AuthenticationType { found, wanted });
    }
    let Authentication::Pass(password) = configured else { return Ok(()) };
    let sent = body.last_chunk::<8>().copied().unwrap_or_default();
    let difference = sent.iter().zip(password.bytes()).fold(0, |seen, (a, b)| std::hint::black_box(seen | (a ^ b)));
    if difference == 0 { Ok(()) } else { Err(DecodeError::Password) }
}

/// Step 9, the authentication header: its sequence number.
fn unseal(ip: &IpPacket<'_>, password: Password, last: u32) -> Result<u32, DecodeError> {
    let Some(seal) = ip.seal else { return Err(DecodeError::Unsealed) };
    if !ah::is_genuine(password, seal.ip, seal.header, ip.payload) {
        return Err(DecodeError::Digest);
    }
    let (spi, found) = ah::numbers(seal.header);
    if IpAddr::V4(Ipv4Addr::from(spi)) != ip.source {
        return Err(DecodeError::Spi);
    }
    if found > last { Ok(found) } else { Err(DecodeError::Replayed { found, last }) }
}

/// Step 10, version 2.
fn same_interval(found: u8, configured: AdvertInterval) -> Result<AdvertInterval, DecodeError> {
    let wanted = u8::try_from(configured.whole_seconds().max(1)).unwrap_or(u8::MAX);
    match AdvertInterval::from_centiseconds(u32::from(found) * 100) {
        Ok(interval) if found == wanted => Ok(interval),
        Ok(_) | Err(_) => Err(DecodeError::Interval { found, wanted }),
    }
}

/// Step 10, version 3. The upper four bits are reserved and ignored (RFC 9568 §5.2.6).
fn any_interval(high: u8, low: u8) -> Result<AdvertInterval, DecodeError> {
    let centiseconds = u16::from_be_bytes([high & 0x0f, low]);
    AdvertInterval::from_centiseconds(u32::from(centiseconds)).map_err(|_| DecodeError::IntervalZero)
}

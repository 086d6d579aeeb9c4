//! Reading advertisements that are meant for others, for who only watches: any version, VRID and password, IPv4 and IPv6.
//!
//! Nothing is refused that names a virtual router: what would make a router of the protocol refuse it is a
//! [`DecodeError`] beside it. The password is not read. Never panics, whatever the bytes.

use super::packet::{IpPacket, PROTOCOL};
use super::validate::DecodeError;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// What an advertisement says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overheard {
    /// Who sent it.
    pub source: IpAddr,
    /// Protocol version, 2 or 3.
    pub version: u8,
    /// Virtual router, 1–255.
    pub vrid: u8,
    /// Priority; 0 resigns.
    pub priority: u8,
    /// Time between advertisements; never zero (a second where the packet says zero).
    pub interval: Duration,
    /// Virtual addresses, as far as they are whole.
    pub addresses: Vec<IpAddr>,
    /// Why a router would not count it.
    pub fault: Option<DecodeError>,
}

impl Overheard {
    /// How long after it its sender counts as silent (RFC 3768 §6.1, RFC 9568 §6.1: three intervals and the skew).
    pub fn silent_after(&self) -> Duration {
        let unit = if self.version == 2 { Duration::from_secs(1) } else { self.interval };
        self.interval * 3 + unit * (256 - u32::from(self.priority)) / 256
    }
}

/// A packet from the network header on; none when it names no virtual router.
pub fn overhear(packet: &[u8]) -> Option<Overheard> {
    let ip = IpPacket::parse(packet).filter(|ip| ip.protocol == PROTOCOL)?;
    advertisement(ip.source, ip.destination, ip.ttl, ip.payload)
}

fn advertisement(source: IpAddr, destination: IpAddr, ttl: u8, message: &[u8]) -> Option<Overheard> {
    let (&[first, vrid, priority, count, fourth, fifth, c0, c1], body) = message.split_first_chunk()?;
    let version = first >> 4;
    if !matches!(first, 0x21 | 0x31) || vrid == 0 {
        return None;
    }
    let interval = match version {
        2 => Duration::from_secs(u64::from(fifth)),
        _ => Duration::from_millis(10 * u64::from(u16::from_be_bytes([fourth & 0x0f, fifth]))),
    };
    let size = if source.is_ipv4() { 4 } else { 16 };
    let wanted = size * usize::from(count);
    let trailer = if version == 2 { 8 } else { 0 };
    let fault = if ttl != 255 {
        Some(DecodeError::Ttl(ttl))
    } else if count == 0 {
        Some(DecodeError::NoAddress)
    } else if body.len() != wanted + trailer {
        Some(DecodeError::Length { found: message.len(), wanted: 8 + wanted + trailer })
    } else if !is_intact(version, source, destination, message) {
        Some(DecodeError::Checksum(u16::from_be_bytes([c0, c1])))
    } else {
        interval.is_zero().then_some(DecodeError::IntervalZero)
    };
    let addresses = body.get(..wanted.min(body.len())).unwrap_or_default().chunks_exact(size).filter_map(address);
    let interval = if interval.is_zero() { Duration::from_secs(1) } else { interval };
    Some(Overheard { source, version, vrid, priority, interval, addresses: addresses.collect(), fault })
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes)));
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)))).ok()
}

/// Whether the checksum is right in any form that is in use: with the pseudo-header (version 3) or without (IPv4 only).
fn is_intact(version: u8, source: IpAddr, destination: IpAddr, message: &[u8]) -> bool {
    let plain = sum(message);
    let pseudo = || {
        let ends = match (source, destination) {
            (IpAddr::V4(s), IpAddr::V4(d)) => sum(&s.octets()) + sum(&d.octets()),
            (IpAddr::V6(s), IpAddr::V6(d)) => sum(&s.octets()) + sum(&d.octets()),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => 0,
        };
        plain + ends + u64::from(PROTOCOL) + message.len() as u64
    };
    (version == 3 && fold(pseudo()) == 0xffff) || (source.is_ipv4() && fold(plain) == 0xffff)
}

fn sum(bytes: &[u8]) -> u64 {
    bytes
        .chunks(2)
        .map(|pair| match *pair {
            [high, low] => u64::from(u16::from_be_bytes([high, low])),
            [high] => u64::from(high) << 8,
            _ => 0,
        })
        .sum()
}

const fn fold(mut sum: u64) -> u64 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::super::checksum::ChecksumForm;
    use super::super::packet::Advertisement;
    use super::*;
    use crate::engine::model::{
        AdvertInterval, AdvertisedPriority, Authentication, Family, Password, Vrid, VrrpVersion,
    };
    use proptest::prelude::*;

    const FROM: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 11);
    const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

    fn ipv4(ttl: u8, message: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x45, 0xC0, 0, 0, 0, 0, 0, 0, ttl, 112, 0, 0];
        packet.extend(FROM.octets());
        packet.extend(GROUP.octets());
        packet.extend(message);
        let length = u16::try_from(packet.len()).unwrap();
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        packet
    }

    fn message(version: VrrpVersion, priority: u8) -> Vec<u8> {
        let advertisement = Advertisement {
            version,
            vrid: Vrid::new(51).unwrap(),
            priority: AdvertisedPriority(priority),
            interval: AdvertInterval::from_centiseconds(200).unwrap(),
            authentication: Authentication::Pass(Password::new("secret")),
            addresses: vec![IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])],
        };
        advertisement.encode(FROM.into(), GROUP.into(), ChecksumForm::sent(version, Family::Inet, false))
    }

    #[test]
    fn both_versions_say_who_what_and_how_often() {
        for (version, number) in [(VrrpVersion::V2, 2), (VrrpVersion::V3, 3)] {
            let heard = overhear(&ipv4(255, &message(version, 150))).unwrap();
            assert_eq!((heard.version, heard.vrid, heard.priority, heard.fault), (number, 51, 150, None));
            assert_eq!((heard.source, heard.interval), (FROM.into(), Duration::from_secs(2)));
            assert_eq!(heard.addresses.len(), 2);
            assert!(!format!("{heard:?}").contains("secret"));
        }
    }

    #[test]
    fn what_a_router_would_refuse_is_told_and_still_heard() {
        let fault = |packet: &[u8]| overhear(packet).unwrap().fault.unwrap().to_string();
        let good = message(VrrpVersion::V3, 150);
        assert!(fault(&ipv4(64, &good)).contains("TTL 64"));
        let mut broken = good.clone();
        broken[2] ^= 1;
        assert!(fault(&ipv4(255, &broken)).contains("checksum"));
        assert!(fault(&ipv4(255, &good[..good.len() - 4])).contains("bytes"));
    }

    #[test]
    fn ipv6_reads_with_its_own_checksum() {
        let (from, to): (Ipv6Addr, Ipv6Addr) = ("fe80::11".parse().unwrap(), "ff02::12".parse().unwrap());
        let mut message = vec![0x31, 7, 100, 1, 0, 100, 0, 0];
        message.extend("fd00::1".parse::<Ipv6Addr>().unwrap().octets());
        let total = sum(&message) + sum(&from.octets()) + sum(&to.octets()) + 112 + message.len() as u64;
        message[6..8].copy_from_slice(&u16::try_from(0xffff ^ fold(total)).unwrap().to_be_bytes());
        let mut packet = vec![0x60, 0, 0, 0, 0, u8::try_from(message.len()).unwrap(), 112, 255];
        packet.extend(from.octets());
        packet.extend(to.octets());
        packet.extend(&message);
        let heard = overhear(&packet).unwrap();
        assert_eq!((heard.source, heard.vrid, heard.fault), (from.into(), 7, None));
        assert_eq!(heard.addresses, ["fd00::1".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn silence_begins_after_three_intervals_and_the_skew() {
        let silent = |version, priority| overhear(&ipv4(255, &message(version, priority))).unwrap().silent_after();
        assert_eq!(silent(VrrpVersion::V2, 0), Duration::from_secs(7));
        assert_eq!(silent(VrrpVersion::V3, 128), Duration::from_secs(7));
    }

    proptest! {
        #[test]
        fn reading_anything_does_not_panic(packet: Vec<u8>) {
            let _ = overhear(&packet);
            let _ = overhear(&ipv4(255, &packet));
        }
    }
}

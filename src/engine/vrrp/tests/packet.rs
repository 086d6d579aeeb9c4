//! Packets: vectors computed apart from this code, the receive ladder step by step, and what holds for all bytes.

use crate::engine::model::{
    AdvertInterval, AdvertisedPriority, Authentication, Family, Password, Transport, Unicast, UnicastPeer, Vrid,
    VrrpVersion,
};
use crate::engine::vrrp::{Advertisement, ChecksumForm, DecodeError, Expected, receive, sender};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const GROUP: IpAddr = Transport::default_group(Family::Inet);
static MULTICAST: Transport = Transport::multicast(Family::Inet);

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn advertisement(version: VrrpVersion) -> Advertisement {
    Advertisement {
        version,
        vrid: Vrid::new(51).unwrap(),
        priority: AdvertisedPriority(100),
        interval: AdvertInterval::DEFAULT,
        authentication: Authentication::None,
        addresses: vec![IpAddr::from([192, 0, 2, 254])],
    }
}

fn expected(a: &Advertisement) -> Expected<'static> {
    Expected {
        transport: &MULTICAST,
        version: a.version,
        vrid: a.vrid,
        interval: a.interval,
        authentication: a.authentication,
        sequence: 0,
    }
}

/// An IPv4 packet around a message, as a raw socket gives it.
fn packet(ttl: u8, protocol: u8, message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + message.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x45, 0xc0, length[0], length[1], 0, 1, 0, 0, ttl, protocol, 0, 0];
    packet.extend([192, 0, 2, 1]);
    packet.extend([224, 0, 0, 18]);
    packet.extend(message);
    packet
}

fn received(message: &[u8], expected: &Expected<'_>) -> Result<(Advertisement, ChecksumForm), DecodeError> {
    receive(&packet(255, 112, message), expected).map(|r| (r.advertisement, r.checksum))
}

fn form_of(version: VrrpVersion) -> ChecksumForm {
    ChecksumForm::sent(version, Family::Inet, false)
}

fn with_secret() -> Advertisement {
    Advertisement { authentication: Authentication::Pass(Password::new("secret")), ..advertisement(VrrpVersion::V2) }
}

#[test]
fn messages_are_those_of_the_vectors_and_are_read_back() {
    let (v2, v3) = (advertisement(VrrpVersion::V2), advertisement(VrrpVersion::V3));
    let resigning = Advertisement { priority: AdvertisedPriority::RESIGN, ..v3.clone() };
    let vectors = [
        (&v2, ChecksumForm::MessageOnly, "213364010001b7cb c00002fe 0000000000000000"),
        (&with_secret(), ChecksumForm::MessageOnly, "2133640101017a7f c00002fe 7365637265740000"),
        (&v3, ChecksumForm::MessageOnly, "313364010064a768 c00002fe"),
        (&v3, ChecksumForm::PseudoHeader, "31336401006404d8 c00002fe"),
        (&resigning, ChecksumForm::MessageOnly, "3133000100640b69 c00002fe"),
        (&resigning, ChecksumForm::PseudoHeader, "31330001006468d8 c00002fe"),
    ];
    for (advertisement, form, hex) in vectors {
        let message = advertisement.encode(SOURCE, GROUP, form);
        assert_eq!(message, bytes(hex));
        assert_eq!(received(&message, &expected(advertisement)), Ok((advertisement.clone(), form)));
    }
}

#[test]
fn we_send_the_form_that_keepalived_accepts() {
    let sent = ChecksumForm::sent;
    assert_eq!(sent(VrrpVersion::V2, Family::Inet, false), ChecksumForm::MessageOnly);
    assert_eq!(sent(VrrpVersion::V3, Family::Inet, false), ChecksumForm::PseudoHeader);
    assert_eq!(sent(VrrpVersion::V3, Family::Inet, true), ChecksumForm::MessageOnly);
    assert_eq!(sent(VrrpVersion::V3, Family::Inet6, true), ChecksumForm::PseudoHeader);
}

const SOURCE6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1));
const GROUP6: IpAddr = Transport::default_group(Family::Inet6);
static MULTICAST6: Transport = Transport::multicast(Family::Inet6);

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn packet6(hops: u8, message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    [&[0x6c, 0, 0, 0, length[0], length[1], 112, hops], &octets(SOURCE6)[..], &octets(GROUP6), message].concat()
}

#[test]
fn an_ipv6_message_is_that_of_the_vector_and_only_right_with_the_pseudo_header_and_hop_limit_255() {
    let addresses = vec!["fe80::5:33".parse().unwrap(), "2001:db8::254".parse().unwrap()];
    let advertisement = Advertisement { addresses, ..advertisement(VrrpVersion::V3) };
    let expected = Expected { transport: &MULTICAST6, ..expected(&advertisement) };
    let message = advertisement.encode(SOURCE6, GROUP6, ChecksumForm::PseudoHeader);
    let vector = "3133640200643d71 fe800000000000000000000000050033 20010db8000000000000000000000254";
    assert_eq!(message, bytes(vector));
    let received = receive(&packet6(255, &message), &expected).unwrap();
    assert_eq!((received.source, received.advertisement), (SOURCE6, advertisement.clone()));
    assert_eq!(receive(&packet6(254, &message), &expected), Err(DecodeError::Ttl(254)));
    let plain = advertisement.encode(SOURCE6, GROUP6, ChecksumForm::MessageOnly);
    assert!(matches!(receive(&packet6(255, &plain), &expected), Err(DecodeError::Checksum(_))));
    for length in 0..packet6(255, &message).len() {
        let cut = &packet6(255, &message)[..length];
        assert_eq!(receive(cut, &expected), Err(DecodeError::Truncated(length)));
    }
    for length in 0..message.len() {
        let error = receive(&packet6(255, &message[..length]), &expected).unwrap_err();
        assert!(matches!(error, DecodeError::Truncated(_) | DecodeError::Length { .. }), "{length}: {error}");
    }
}

fn unicast(peers: &[(IpAddr, Option<(u8, u8)>)], check_source: bool) -> Transport {
    let peers = peers.iter().map(|(address, ttl)| UnicastPeer { address: *address, ttl: *ttl }).collect();
    Transport::Unicast(Unicast { peers, ttl: 255, check_source })
}

#[test]
fn unicast_is_listened_to_by_its_peers_and_ttls_where_the_file_says_so() {
    let own = IpAddr::from([192, 0, 2, 2]);
    let other = IpAddr::from([192, 0, 2, 3]);
    let advertisement = advertisement(VrrpVersion::V2);
    let message = advertisement.encode(SOURCE, own, ChecksumForm::MessageOnly);
    let sent_to = |destination: IpAddr, ttl: u8| {
        let mut packet = packet(ttl, 112, &message);
        packet[16..20].copy_from_slice(&octets(destination));
        packet
    };
    let hear = |transport: &Transport, packet: &[u8]| {
        receive(packet, &Expected { transport, ..expected(&advertisement) }).map(|received| received.source)
    };
    let anybody = unicast(&[(other, None)], false);
    assert_eq!(hear(&anybody, &sent_to(own, 3)), Ok(SOURCE));
    assert_eq!(hear(&anybody, &sent_to(GROUP, 255)), Err(DecodeError::Group(GROUP)));
    assert_eq!(hear(&unicast(&[(other, None)], true), &sent_to(own, 255)), Err(DecodeError::Source));
    assert_eq!(hear(&unicast(&[(SOURCE, None)], true), &sent_to(own, 1)), Ok(SOURCE));
    // A range anywhere turns the check of the source on.
    assert_eq!(hear(&unicast(&[(other, Some((250, 255)))], false), &sent_to(own, 255)), Err(DecodeError::Source));
    let range = unicast(&[(SOURCE, Some((250, 254)))], false);
    assert_eq!(hear(&range, &sent_to(own, 250)), Ok(SOURCE));
    assert_eq!(hear(&range, &sent_to(own, 254)), Ok(SOURCE));
    for found in [249, 255] {
        let refused = DecodeError::PeerTtl { found, allowed: (250, 254) };
        assert_eq!(hear(&range, &sent_to(own, found)), Err(refused));
    }
}

#[test]
fn a_packet_cut_at_any_length_is_refused_as_truncated() {
    for advertisement in [advertisement(VrrpVersion::V2), advertisement(VrrpVersion::V3)] {
        let message = advertisement.encode(SOURCE, GROUP, form_of(advertisement.version));
        let whole = packet(255, 112, &message);
        for length in 0..whole.len() {
            // The header still promises the whole: the kernel never does this, a fault might.
            assert_eq!(receive(&whole[..length], &expected(&advertisement)), Err(DecodeError::Truncated(length)));
        }
        for length in 0..message.len() {
            let error = received(&message[..length], &expected(&advertisement)).unwrap_err();
            assert!(matches!(error, DecodeError::Truncated(_) | DecodeError::Length { .. }), "{length}: {error}");
        }
        let mut long = message.clone();
        long.push(0);
        let error = received(&long, &expected(&advertisement)).unwrap_err();
        assert_eq!(error, DecodeError::Length { found: message.len() + 1, wanted: message.len() });
    }
}

#[test]
fn link_layer_padding_after_the_packet_is_no_part_of_it() {
    let advertisement = advertisement(VrrpVersion::V3);
    let mut padded = packet(255, 112, &advertisement.encode(SOURCE, GROUP, ChecksumForm::PseudoHeader));
    padded.extend([0; 14]);
    assert!(receive(&padded, &expected(&advertisement)).is_ok());
}

#[test]
fn each_step_of_the_ladder_refuses_what_it_is_for_and_comes_before_the_later_ones() {
    let good = with_secret();
    let wanted = expected(&good);
    let message = good.encode(SOURCE, GROUP, ChecksumForm::MessageOnly);
    let mut broken = message.clone();
    // From the last step to the first: each added fault is told instead of those before it.
    let other_interval = Advertisement { interval: AdvertInterval::from_centiseconds(300).unwrap(), ..good.clone() };
    broken.clone_from(&other_interval.encode(SOURCE, GROUP, ChecksumForm::MessageOnly));
    assert_eq!(received(&broken, &wanted), Err(DecodeError::Interval { found: 3, wanted: 1 }));
    let other_password =
        Advertisement { authentication: Authentication::Pass(Password::new("secres")), ..other_interval.clone() };
    broken.clone_from(&other_password.encode(SOURCE, GROUP, ChecksumForm::MessageOnly));
    assert_eq!(received(&broken, &wanted), Err(DecodeError::Password));
    let none = Advertisement { authentication: Authentication::None, ..other_interval };
    broken.clone_from(&none.encode(SOURCE, GROUP, ChecksumForm::MessageOnly));
    assert_eq!(received(&broken, &wanted), Err(DecodeError::AuthenticationType { found: 0, wanted: 1 }));
    broken[7] ^= 1;
    assert!(matches!(received(&broken, &wanted), Err(DecodeError::Checksum(_))));
    broken.push(0);
    assert_eq!(received(&broken, &wanted), Err(DecodeError::Length { found: 21, wanted: 20 }));
    broken[3] = 0;
    assert_eq!(received(&broken, &wanted), Err(DecodeError::NoAddress));
    broken[1] = 52;
    assert_eq!(received(&broken, &wanted), Err(DecodeError::Vrid { found: 52, wanted: 51 }));
    broken[0] = 0x22;
    assert_eq!(received(&broken, &wanted), Err(DecodeError::Type(2)));
    broken[0] = 0x32;
    assert_eq!(received(&broken, &wanted), Err(DecodeError::Version { found: 3, wanted: 2 }));
    assert!(matches!(received(&broken[..7], &wanted), Err(DecodeError::Truncated(_))));
    assert_eq!(receive(&packet(254, 112, &broken), &wanted), Err(DecodeError::Ttl(254)));
    for nobody in [[0, 0, 0, 0], [224, 0, 0, 18], [255; 4]] {
        let mut packet = packet(254, 112, &broken);
        packet[12..16].copy_from_slice(&nobody);
        assert_eq!(receive(&packet, &wanted), Err(DecodeError::NoSender(IpAddr::from(nobody))));
    }
    let mut unicast = packet(254, 112, &broken);
    unicast[16..20].copy_from_slice(&[192, 0, 2, 1]);
    assert_eq!(receive(&unicast, &wanted), Err(DecodeError::Destination(SOURCE)));
    assert_eq!(receive(&packet(254, 51, &broken), &wanted), Err(DecodeError::Protocol(51)));
}

#[test]
fn version_3_refuses_interval_0_and_ignores_reserved_bits() {
    let good = advertisement(VrrpVersion::V3);
    let message = good.encode(SOURCE, GROUP, ChecksumForm::MessageOnly);
    let refill = |change: fn(&mut Vec<u8>)| {
        let mut message = message.clone();
        change(&mut message);
        // RFC 1071 by hand: one's complement of the one's complement sum.
        (message[6], message[7]) = (0, 0);
        let sum: u32 = message.chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(w[1])).sum();
        let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
        message[6..8].copy_from_slice(&sum.to_be_bytes());
        message
    };
    assert_eq!(received(&refill(|m| m[5] = 0), &expected(&good)), Err(DecodeError::IntervalZero));
    assert_eq!(received(&refill(|m| m[4] |= 0xf0), &expected(&good)).map(|r| r.0), Ok(good));
}

#[test]
fn the_sender_is_known_before_any_check() {
    let message = advertisement(VrrpVersion::V2).encode(SOURCE, GROUP, ChecksumForm::MessageOnly);
    let seen = sender(&packet(1, 6, &message));
    assert_eq!((seen.source, seen.vrid), (Some(SOURCE), Some(51)));
    assert_eq!(seen.priority, Some(AdvertisedPriority(100)));
    assert_eq!(sender(&[]).vrid, None);
}

#[test]
fn a_password_is_never_printed() {
    assert!(!format!("{:?} {}", with_secret(), DecodeError::Password).contains("secret"));
}

prop_compose! {
    fn any_advertisement()(
        v3 in any::<bool>(),
        vrid in 1..=255u8,
        priority in any::<u8>(),
        centiseconds in 1..=4095u32,
        seconds in 1..=255u32,
        password in proptest::option::of("[ -~]{0,8}"),
        addresses in prop::collection::vec(any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from(bits))), 1..=255),
    ) -> Advertisement {
        let (version, interval) = if v3 { (VrrpVersion::V3, centiseconds) } else { (VrrpVersion::V2, seconds * 100) };
        let authentication = match password {
            Some(text) if !v3 => Authentication::Pass(Password::new(&text)),
            _ => Authentication::None,
        };
        Advertisement {
            version,
            vrid: Vrid::new(vrid).unwrap(),
            priority: AdvertisedPriority(priority),
            interval: AdvertInterval::from_centiseconds(interval).unwrap(),
            authentication,
            addresses,
        }
    }
}

proptest! {
    #[test]
    fn decoding_an_encoded_message_gives_it_back(a in any_advertisement(), message_only in any::<bool>()) {
        let form = if message_only { ChecksumForm::MessageOnly } else { form_of(a.version) };
        let message = a.encode(SOURCE, GROUP, form);
        let got = received(&message, &expected(&a));
        // Sums of all zeros but one word fit both forms only if the pseudo-header sums to nothing: it never does here.
        prop_assert_eq!(got, Ok((a, form)));
    }

    #[test]
    fn decoding_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), a in any_advertisement()) {
        let _ = receive(&bytes, &expected(&a));
        let _ = sender(&bytes);
        let _ = received(&bytes, &expected(&a));
    }

    #[test]
    fn one_flipped_bit_is_never_taken_for_the_same_message(a in any_advertisement(), at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut message = a.encode(SOURCE, GROUP, form_of(a.version));
        let at = at.index(message.len());
        message[at] ^= 1 << bit;
        prop_assert!(received(&message, &expected(&a)).is_err());
    }
}

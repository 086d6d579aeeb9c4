//! The authentication header (`auth_type AH`).

use super::super::*;
use crate::engine::model::{
    AdvertInterval, AdvertisedPriority, Authentication, Family, Password, Transport, Unicast, Vrid, VrrpVersion,
};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};

static MULTICAST: Transport = Transport::multicast(Family::Inet);
const SOURCE: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 11);
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

fn advertisement(key: &str) -> Advertisement {
    Advertisement {
        version: VrrpVersion::V2,
        vrid: Vrid::new(51).unwrap(),
        priority: AdvertisedPriority(150),
        interval: AdvertInterval::DEFAULT,
        authentication: Authentication::Ah(Password::new(key)),
        addresses: vec![IpAddr::from([10, 9, 0, 100])],
    }
}

fn expected(a: &Advertisement, sequence: u32) -> Expected<'static> {
    let Advertisement { version, vrid, interval, authentication, .. } = *a;
    Expected { transport: &MULTICAST, version, vrid, interval, authentication, sequence }
}

/// The packet as it is on the wire, with what a kernel and routers on the way fill in.
fn packet(a: &Advertisement, destination: Ipv4Addr, ttl: u8, sequence: u32) -> Vec<u8> {
    let message = a.encode(SOURCE.into(), destination.into(), ChecksumForm::MessageOnly);
    let key = a.authentication.password().unwrap();
    let AuthenticationHeader { bytes, identification } = seal(key, (SOURCE, destination), ttl, sequence, &message);
    let total = u16::try_from(20 + bytes.len() + message.len()).unwrap().to_be_bytes();
    let id = identification.to_be_bytes();
    let mut packet = vec![0x45, 0xc0, total[0], total[1], id[0], id[1], 0x40, 0, ttl, 51, 0xab, 0xcd];
    packet.extend(SOURCE.octets());
    packet.extend(destination.octets());
    packet.extend(bytes);
    packet.extend(message);
    packet
}

fn to_peers() -> Transport {
    Transport::Unicast(Unicast { peers: Vec::new(), ttl: 255, check_source: false })
}

fn with(mut packet: Vec<u8>, at: usize, byte: u8) -> Vec<u8> {
    packet[at] = byte;
    packet
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Packets of keepalived 2.2.7 with `auth_pass secret`, recorded: multicast, and VRID 52 to the unicast peer 10.9.0.2.
const RECORDED: [&str; 2] = [
    "45c0004000020000ff33d0ac0a090001e0000012700400000a090001000000023d490ab9830f0e32549c55602133960102013c5d\
     0a0900640000000000000000",
    "45c0004000010000ff33a6b50a0900010a090002700400000a0900010000000131457b2330703efcc274b48d2134960102013c5b\
     0a0900650000000000000000",
];

#[test]
fn what_keepalived_sends_is_genuine_and_made_alike() {
    let unicast = to_peers();
    for (hex, transport, vrid, last) in [(RECORDED[0], &MULTICAST, 51, 100), (RECORDED[1], &unicast, 52, 101)] {
        let recorded = bytes(hex);
        let ours = Advertisement {
            vrid: Vrid::new(vrid).unwrap(),
            addresses: vec![IpAddr::from([10, 9, 0, last])],
            ..advertisement("secret")
        };
        let got = receive(&recorded, &Expected { transport, ..expected(&ours, 0) }).unwrap();
        let sequence = got.sequence.unwrap();
        assert_eq!((&got.advertisement, got.source), (&ours, IpAddr::from([10, 9, 0, 1])));
        // The sender's address is another than that of the other tests: made anew for this one.
        let (source, destination) =
            (Ipv4Addr::new(10, 9, 0, 1), Ipv4Addr::new(recorded[16], recorded[17], recorded[18], recorded[19]));
        let message = ours.encode(source.into(), destination.into(), ChecksumForm::MessageOnly);
        let made = seal(Password::new("secret"), (source, destination), 255, sequence, &message);
        assert_eq!([made.bytes.as_slice(), &message].concat(), recorded[20..]);
        assert_eq!(made.identification.to_be_bytes(), recorded[4..6]);
    }
}

#[test]
fn an_authentication_header_is_twenty_four_bytes_with_spi_sequence_and_digest() {
    let packet = packet(&advertisement("secret"), GROUP, 255, 0x0102_0304);
    assert_eq!(packet[20..32], [112, 4, 0, 0, 10, 9, 0, 11, 1, 2, 3, 4]);
    let message = &packet[44..];
    assert_eq!((message[0], message[4], &message[12..]), (0x21, 2, [0; 8].as_slice()), "type 2, no password behind it");
    let ip = IpPacket::parse(&packet).unwrap();
    assert_eq!((ip.protocol, ip.payload), (PROTOCOL, message));
}

#[test]
fn the_digest_covers_all_but_what_changes_on_the_way() {
    let advertisement = advertisement("secret");
    let good = packet(&advertisement, GROUP, 255, 9);
    let got = |packet: &[u8]| receive(packet, &expected(&advertisement, 8)).map(|received| received.sequence);
    assert_eq!(got(&good), Ok(Some(9)));
    for (at, what) in [(1, "TOS"), (6, "flags"), (7, "offset"), (10, "checksum"), (11, "checksum")] {
        assert_eq!(got(&with(good.clone(), at, 0x11)), Ok(Some(9)), "{what}");
    }
    for (at, what) in
        [(4, "identification"), (13, "source"), (22, "reserved"), (25, "SPI"), (29, "sequence"), (33, "digest")]
    {
        assert_eq!(got(&with(good.clone(), at, good[at] ^ 1)), Err(DecodeError::Digest), "{what}");
    }
    // To a peer the TTL changes on the way; within the group it may not.
    let unicast = to_peers();
    let peer = packet(&advertisement, Ipv4Addr::new(10, 9, 0, 12), 255, 9);
    let wanted = Expected { transport: &unicast, ..expected(&advertisement, 8) };
    assert!(receive(&with(peer, 8, 64), &wanted).is_ok());
    assert_eq!(got(&with(good, 8, 64)), Err(DecodeError::Ttl(64)));
}

#[test]
fn who_has_no_header_another_key_another_spi_or_an_old_number_is_refused() {
    let advertisement = advertisement("secret");
    let wanted = |last| expected(&advertisement, last);
    let good = packet(&advertisement, GROUP, 255, 9);
    let check = |error: DecodeError, as_what: Check| {
        assert_eq!(error.check(), as_what);
        assert!(error.is_disagreement());
        error
    };
    assert_eq!(receive(&good, &wanted(9)), Err(check(DecodeError::Replayed { found: 9, last: 9 }, Check::Password)));
    let other = Advertisement { authentication: Authentication::Ah(Password::new("guess")), ..advertisement.clone() };
    assert_eq!(receive(&packet(&other, GROUP, 255, 9), &wanted(0)), Err(check(DecodeError::Digest, Check::Password)));
    // Type 2 in the message, and nothing in front of it.
    let mut bare = [&good[..20], &good[44..]].concat();
    (bare[3], bare[9]) = (good[3] - 24, 112);
    assert_eq!(receive(&bare, &wanted(0)), Err(check(DecodeError::Unsealed, Check::Password)));
    // A right digest by who has the key, of another sender's SPI.
    let message = advertisement.encode(SOURCE.into(), GROUP.into(), ChecksumForm::MessageOnly);
    let stolen = seal(Password::new("secret"), (Ipv4Addr::new(10, 9, 0, 12), GROUP), 255, 9, &message);
    let moved = [&good[..20], &stolen.bytes, &message].concat();
    assert_eq!(receive(&moved, &wanted(0)), Err(DecodeError::Digest), "the source is covered too");
    let plain =
        Advertisement { authentication: Authentication::Pass(Password::new("secret")), ..advertisement.clone() };
    assert_eq!(
        receive(&good, &expected(&plain, 0)),
        Err(check(DecodeError::AuthenticationType { found: 2, wanted: 1 }, Check::AuthenticationType))
    );
    let three = Expected { version: VrrpVersion::V3, ..wanted(0) };
    assert_eq!(receive(&good, &three), Err(DecodeError::Protocol(51)), "version 3 has no authentication");
}

#[test]
fn what_else_comes_behind_authentication_headers_is_nobodys() {
    let good = packet(&advertisement("secret"), GROUP, 255, 9);
    let tunnelled = with(good.clone(), 20, 4);
    assert!(sender(&tunnelled).foreign && !sender(&good).foreign);
    assert_eq!(receive(&tunnelled, &expected(&advertisement("secret"), 0)), Err(DecodeError::Protocol(51)));
    let long = with(good, 21, 5);
    assert_eq!(sender(&long).source, None, "another length is no whole packet");
}

#[test]
fn who_only_watches_reads_what_is_behind_the_header() {
    let heard = overhear(&packet(&advertisement("secret"), GROUP, 255, 9)).unwrap();
    assert_eq!((heard.vrid, heard.priority, heard.version, heard.fault), (51, 150, 2, None));
    assert_eq!(heard.addresses, [IpAddr::from([10, 9, 0, 100])]);
    assert_eq!(overhear(&with(packet(&advertisement("secret"), GROUP, 255, 9), 20, 4)), None);
}

#[test]
fn no_digest_and_no_key_is_shown_of_a_refused_packet() {
    let packet = packet(&advertisement("secret"), GROUP, 255, 9);
    let text = shown(&packet);
    assert!(text.ends_with("0a 09 00 64 ** ** ** ** ** ** ** **"), "{text}");
    assert!(!format!("{:?}", advertisement("secret")).contains("secret"));
}

proptest! {
    #[test]
    fn opening_what_was_sealed_gives_it_back(
        key in "[ -~]{1,8}", priority: u8, sequence in 1..u32::MAX, addresses in prop::collection::vec(any::<[u8; 4]>(), 1..=255),
    ) {
        let addresses = addresses.into_iter().map(IpAddr::from).collect();
        let sent = Advertisement { priority: AdvertisedPriority(priority), addresses, ..advertisement(&key) };
        let got = receive(&packet(&sent, GROUP, 255, sequence), &expected(&sent, sequence - 1)).unwrap();
        prop_assert_eq!((got.advertisement, got.sequence), (sent, Some(sequence)));
    }

    #[test]
    fn no_length_and_no_byte_makes_it_panic(length in 0..65usize, at in 0..64usize, byte: u8) {
        let sent = advertisement("secret");
        let mut packet = with(packet(&sent, GROUP, 255, 9), at, byte);
        packet.truncate(length);
        let got = receive(&packet, &expected(&sent, 0));
        let _ = (sender(&packet), shown(&packet));
        prop_assert!(length == 64 || got.is_err());
    }

    #[test]
    fn one_flipped_bit_of_what_is_covered_is_refused(at in 12..64usize, bit in 0..8u8) {
        let sent = advertisement("secret");
        let mut packet = packet(&sent, GROUP, 255, 9);
        packet[at] ^= 1 << bit;
        prop_assert!(receive(&packet, &expected(&sent, 0)).is_err());
    }
}

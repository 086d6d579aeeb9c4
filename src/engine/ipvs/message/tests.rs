use super::*;
use crate::engine::ipvs::fixture::{self, any_destination, any_key, any_service, destination, key, server};
use proptest::prelude::*;

/// A request's body is shaped like an answer's, but for what the kernel counts.
fn read_service(op: &IpvsOp) -> Option<(ServiceKey, Service)> {
    service(&encode(op).body)
}

/// Statistics as the kernel nests them: five numbers, each of `width` bytes at least for packets and connections.
fn stats(traffic: Traffic, wide: bool) -> Builder {
    let number = |builder: Builder, kind, value: u64, wide: bool| match u32::try_from(value) {
        Ok(value) if !wide => builder.u32(kind, value),
        _ => builder.put(kind, &value.to_ne_bytes()).put(11, &[]),
    };
    let builder = number(Builder::default(), 1, traffic.connections, wide);
    let builder = number(builder, 2, traffic.in_packets, wide);
    let builder = number(builder, 3, traffic.out_packets, wide);
    let builder = number(builder, 4, traffic.in_bytes, true);
    number(builder, 5, traffic.out_bytes, true)
}

const TRAFFIC: Traffic = Traffic { connections: 1, in_packets: 2, out_packets: 3, in_bytes: 1 << 40, out_bytes: 5 };

/// A destination as a kernel with or without 64-bit statistics tells it, in an IPv4 service.
fn answer(statistics: &[(u16, Builder)]) -> Vec<u8> {
    let nest = full_destination(server("10.0.0.71:80"), &destination(3)).u32(dest::ACTIVE, 7).u32(dest::INACTIVE, 8);
    let nest = statistics.iter().fold(nest, |nest, (kind, statistics)| nest.nest(*kind, statistics));
    Builder::default().nest(top::DEST, &nest).finish()
}

#[test]
fn wide_statistics_come_first_and_narrow_ones_will_do() {
    let other = Traffic { connections: 9, ..TRAFFIC };
    let both = answer(&[(STATS, stats(other, false)), (STATS64, stats(TRAFFIC, true))]);
    assert_eq!(super::destination(&both, Family::Inet).unwrap().1.traffic, TRAFFIC.into());
    let old = answer(&[(STATS, stats(TRAFFIC, false))]);
    let (found_key, found) = super::destination(&old, Family::Inet).unwrap();
    assert_eq!((found_key, *found.traffic, found.active, found.inactive), (server("10.0.0.71:80"), TRAFFIC, 7, 8));
}

#[test]
fn a_destination_without_a_family_has_its_services() {
    let v4 = Builder::default().put(dest::ADDRESS, &[10, 0, 0, 71, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let body = Builder::default().nest(top::DEST, &v4.put(dest::PORT, &[0, 80])).finish();
    assert_eq!(super::destination(&body, Family::Inet).unwrap().0, server("10.0.0.71:80"));
}

#[test]
fn the_kernels_own_flag_is_masked() {
    let flags = (PERSISTENT | 0x02 | ONE_PACKET | 0x08).to_ne_bytes();
    let nest = service_key(key("fwmark/7")).put(svc::FLAGS, &[flags, [0xff; 4]].concat());
    let (_, found) = service(&Builder::default().nest(top::SERVICE, &nest).finish()).unwrap();
    assert_eq!((found.scheduler_flags, found.one_packet, found.persistence.is_some()), (0x08, true, true));
}

#[test]
fn a_service_is_written_as_the_kernels_header_says() {
    // Layout: `uapi/linux/ip_vs.h`, the comments beside IPVS_SVC_ATTR_*.
    let settings = Service { persistence: Some(Persistence { timeout: 60, prefix: 24 }), ..fixture::service("wrr") };
    let op = IpvsOp::NewService(key("tcp/10.0.0.1:80"), Box::new(settings));
    let request = encode(&op);
    let nest: Indexed<13> = Attributes::new(Attributes::new(&request.body).first(top::SERVICE).unwrap()).index();
    assert_eq!(request.command, command::NEW_SERVICE);
    assert_eq!(nest.u16(svc::FAMILY), Some(2));
    assert_eq!(nest.u16(svc::PROTOCOL), Some(6));
    assert_eq!(nest.get(svc::ADDRESS), Some([10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].as_slice()));
    assert_eq!(nest.get(svc::PORT), Some([0, 80].as_slice()));
    assert_eq!(nest.get(svc::SCHEDULER), Some(b"wrr\0".as_slice()));
    assert_eq!(nest.u32(svc::FLAGS), Some(1));
    assert_eq!(nest.u32(svc::TIMEOUT), Some(60));
    assert_eq!(nest.get(svc::NETMASK), Some([255, 255, 255, 0].as_slice()));
}

#[test]
fn the_version_reads_as_ipvsadm_prints_it() {
    let body = Builder::default().u32(1, 0x0001_0201).u32(2, 4096).finish();
    assert_eq!(version(&body), Some(Version { number: (1, 2, 1), table_size: 4096 }));
}

proptest! {
    #[test]
    fn a_service_reads_back_as_it_was_written(
        (key, settings) in any_key().prop_flat_map(|key| (Just(key), any_service(key.family())))
    ) {
        let op = IpvsOp::NewService(key, Box::new(settings.clone()));
        prop_assert_eq!(read_service(&op), Some((key, settings)));
    }

    #[test]
    fn a_destination_reads_back_as_it_was_written(key in any_key(), settings in any_destination(), port: u16) {
        for address in ["10.0.0.71", "fd00::71"] {
            let server = RealServerKey::from(SocketAddr::new(address.parse().unwrap(), port));
            let body = encode(&IpvsOp::NewDestination(key, server, settings.clone())).body;
            prop_assert_eq!(super::destination(&body, key.family()), Some((server, settings.clone())));
            prop_assert_eq!(service(&body).map(|(key, _)| key), Some(key));
        }
    }

    // The same as the fuzz target `ipvs_answer`: what the kernel says, with one byte otherwise.
    #[test]
    fn what_was_read_of_a_damaged_answer_can_be_written_and_reads_back_the_same(
        (key, settings) in any_key().prop_flat_map(|key| (Just(key), any_service(key.family()))),
        found in any_destination(),
        at: prop::sample::Index,
        byte: u8,
    ) {
        let damaged = |op: &IpvsOp| {
            let mut body = encode(op).body;
            *at.get_mut(&mut body) = byte;
            body
        };
        if let Some((key, read)) = service(&damaged(&IpvsOp::NewService(key, Box::new(settings)))) {
            let again = service(&encode(&IpvsOp::NewService(key, Box::new(read.clone()))).body);
            prop_assert_eq!(again, Some((key, read.settings())));
        }
        for family in [Family::Inet, Family::Inet6] {
            let body = damaged(&IpvsOp::NewDestination(key, server("[fd00::71]:80"), found.clone()));
            if let Some((server, read)) = super::destination(&body, family) {
                let again = encode(&IpvsOp::NewDestination(key, server, read.clone())).body;
                prop_assert_eq!(super::destination(&again, family), Some((server, read.settings())));
            }
        }
    }

    #[test]
    fn reading_anything_does_not_panic(bytes: Vec<u8>) {
        let nested = |kind| Builder::default().put(kind, &bytes).finish();
        let _ = (service(&bytes), super::destination(&bytes, Family::Inet6), version(&bytes));
        let _ = (service(&nested(top::SERVICE)), super::destination(&nested(top::DEST), Family::Inet));
    }

    #[test]
    fn reading_a_cut_or_damaged_answer_does_not_panic(cut in 0..200_usize, at in 0..200_usize, byte: u8) {
        let mut body = answer(&[(STATS64, stats(TRAFFIC, true))]);
        if let Some(slot) = body.get_mut(at) {
            *slot = byte;
        }
        let _ = super::destination(body.get(..cut).unwrap_or(&body), Family::Inet);
    }
}

//! Values for tests: short constructors, and strategies over few keys, so that tables meet.

use super::{Checksum, Destination, IpvsTable, Ownership, Service, Traffic, Tunnel};
use crate::engine::model::{Family, Forwarding, Persistence, RealServerKey, ServiceKey, Weight};
use proptest::prelude::*;
use std::collections::BTreeMap;

pub fn key(text: &str) -> ServiceKey {
    text.parse().unwrap()
}

pub fn server(text: &str) -> RealServerKey {
    text.parse().unwrap()
}

pub fn service(scheduler: &str) -> Service {
    Service {
        scheduler: scheduler.to_owned(),
        persistence: None,
        odd_mask: None,
        one_packet: false,
        scheduler_flags: 0,
        engine: None,
        destinations: BTreeMap::new(),
        traffic: Traffic::default(),
    }
}

pub fn destination(weight: u32) -> Destination {
    Destination {
        forwarding: Forwarding::Dr,
        tunnel: Tunnel::Ipip,
        weight: Weight::new(weight).unwrap(),
        upper_threshold: 0,
        lower_threshold: 0,
        active: 0,
        inactive: 0,
        persistent: 0,
        traffic: Traffic::default().into(),
    }
}

const SERVICES: [&str; 6] =
    ["tcp/10.0.0.1:80", "udp/10.0.0.1:53", "sctp/10.0.0.1:9899", "tcp/[fd00::1]:443", "fwmark/7", "fwmark6/7"];
const SERVERS: [&str; 4] = ["10.0.0.71:80", "10.0.0.72:0", "[fd00::71]:80", "[fd00::72]:8080"];

pub fn any_key() -> impl Strategy<Value = ServiceKey> {
    prop::sample::select(&SERVICES).prop_map(key)
}

/// Settings of a service of this family.
pub fn any_service(family: Family) -> impl Strategy<Value = Service> {
    let prefix = if family == Family::Inet { 0..=32_u8 } else { 1..=128 };
    let persistence = prop::option::of((any::<u32>(), prefix));
    let engine = prop::option::of(Just("sip".to_owned()));
    (prop::sample::select(vec!["rr", "wlc", "sh"]), persistence, any::<bool>(), 0..8_u32, engine).prop_map(
        |(scheduler, persistence, one_packet, flags, engine)| Service {
            persistence: persistence.map(|(timeout, prefix)| Persistence { timeout, prefix }),
            one_packet,
            scheduler_flags: flags << 3,
            engine,
            ..service(scheduler)
        },
    )
}

/// Settings of a destination that can stand in every service.
pub fn any_destination() -> impl Strategy<Value = Destination> {
    let tunnel = prop_oneof![
        Just(Tunnel::Ipip),
        (1..=u16::MAX, checksum()).prop_map(|(port, checksum)| Tunnel::Gue { port, checksum }),
        prop_oneof![Just(Checksum::Off), Just(Checksum::On)].prop_map(|checksum| Tunnel::Gre { checksum }),
    ];
    (0..4_u32, 0..3_u32, 0..3_u32, tunnel).prop_map(|(weight, lower_threshold, more, tunnel)| Destination {
        forwarding: Forwarding::Tun,
        tunnel,
        lower_threshold,
        upper_threshold: lower_threshold + more,
        ..destination(weight)
    })
}

fn checksum() -> impl Strategy<Value = Checksum> {
    prop_oneof![Just(Checksum::Off), Just(Checksum::On), Just(Checksum::Remote)]
}

pub fn table() -> impl Strategy<Value = IpvsTable> {
    let filled = any_key().prop_flat_map(|key| {
        let destinations =
            prop::collection::btree_map(prop::sample::select(&SERVERS).prop_map(server), any_destination(), 0..4);
        (Just(key), any_service(key.family()), destinations)
    });
    prop::collection::vec(filled, 0..6).prop_map(|list| IpvsTable {
        services: list
            .into_iter()
            .map(|(key, service, destinations)| (key, Service { destinations, ..service }))
            .collect(),
    })
}

pub fn ownership() -> impl Strategy<Value = Ownership> {
    let servers = prop::collection::btree_set(prop::sample::select(&SERVERS).prop_map(server), 0..4);
    prop::collection::btree_map(any_key(), servers, 0..6).prop_map(|list| list.into_iter().collect())
}

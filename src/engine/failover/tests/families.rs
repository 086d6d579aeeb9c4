//! IPv6, unicast and swift hand-overs on the simulated LAN.

use super::lan::*;
use crate::engine::event::EventKind;
use crate::engine::failover::{Action, Input};
use crate::engine::model::{
    AdvertInterval, Configuration, Family, Transport, Unicast, UnicastPeer, VirtualAddress, VirtualRouter, VrrpVersion,
};
use crate::engine::snapshot::VirtualRouterState::{Backup, Fault, Master};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

const LINK_LOCAL: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 5, 0x33));
const GLOBAL: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x254));

/// `VI_6` with VRID 51 on `eth0`; the link-local address stands second in the file.
fn router6(priority: u8) -> VirtualRouter {
    let address = |address| VirtualAddress { address, prefix: 64, ..vip(0) };
    VirtualRouter {
        family: Family::Inet6,
        transport: Transport::multicast(Family::Inet6),
        version: VrrpVersion::V3,
        addresses: vec![address(GLOBAL), address(LINK_LOCAL)],
        ..virtual_router("VI_6", "eth0", priority)
    }
}

fn six(priority: u8) -> Configuration {
    Configuration { virtual_routers: vec![router6(priority)], ..Configuration::default() }
}

/// Both families with one VRID.
fn both(priority: u8) -> Configuration {
    let mut configuration = one(priority);
    configuration.virtual_routers.push(router6(priority));
    configuration
}

fn unicast(priority: u8, peers: &[u8], ttl: u8) -> Configuration {
    let mut configuration = one(priority);
    let peer = |last: &u8| UnicastPeer { address: IpAddr::from([192, 0, 2, *last]), ttl: None };
    let peers = peers.iter().map(peer).collect();
    configuration.virtual_routers[0].transport = Transport::Unicast(Unicast { peers, ttl, check_source: false });
    configuration
}

/// What a node sent: destination, TTL, message.
fn sent(lan: &Lan, n: usize) -> Vec<(IpAddr, u8, Vec<u8>)> {
    let advertisement = |(_, action): &(_, Action)| match action {
        Action::Advertise { destination, ttl, message, .. } => Some((*destination, *ttl, message.clone())),
        _ => None,
    };
    lan.nodes[n].actions.iter().filter_map(advertisement).collect()
}

#[test]
fn an_ipv6_pair_elects_the_higher_one_which_sends_from_its_link_local_address_and_announces_each_address() {
    let mut lan = Lan::started(vec![six(150), six(100)]);
    lan.run_for(seconds(5));
    assert_eq!((lan.state(0), lan.state(1)), (Master, Backup));
    assert_eq!((lan.holders(GLOBAL), lan.holders(LINK_LOCAL)), (vec![0], vec![0]));
    let (destination, hops, message) = sent(&lan, 0)[0].clone();
    assert_eq!((destination, hops), (IpAddr::from([0xff02, 0, 0, 0, 0, 0, 0, 0x12]), 255));
    let IpAddr::V6(first) = LINK_LOCAL else { unreachable!() };
    assert_eq!((message.len(), &message[8..24]), (8 + 32, &first.octets()[..]), "link-local first");
    let words = lan.nodes[0].words(0);
    assert_eq!(words[..2], ["join", "advertise 150"]);
    assert_eq!(words.iter().filter(|word| word.starts_with("announce")).count(), 10, "{words:?}");
    lan.crash(0);
    lan.run_for(seconds(4));
    assert_eq!((lan.state(1), lan.status(1)[0].peers[0].address.as_str()), (Master, "fe80::11"));
    lan.boot(0);
    lan.run_for(seconds(5));
    assert_eq!((lan.state(0), lan.state(1)), (Master, Backup));
    assert_eq!(lan.holders(GLOBAL), [0], "what the dead engine left was adopted, and the other gave its own up");
    assert!(lan.nodes.iter().all(|node| node.warnings().is_empty()));
}

/// keepalived refuses another number of addresses than its own, and counts each line.
#[test]
fn an_address_that_stands_twice_is_advertised_twice_and_set_once() {
    let twice = |priority| {
        let mut configuration = one(priority);
        configuration.virtual_routers[0].addresses[0].times = 2;
        configuration
    };
    let mut lan = Lan::started(vec![twice(150), twice(100)]);
    lan.run_for(seconds(5));
    let (_, _, message) = sent(&lan, 0)[0].clone();
    assert_eq!((message[3], &message[8..12]), (2, &message[12..16]));
    assert_eq!((lan.holders(vip(254).address), lan.nodes[1].warnings()), (vec![0], vec![]));
}

#[test]
fn among_equal_priorities_the_higher_link_local_address_stays_master() {
    let mut lan = Lan::started(vec![six(100), six(100)]);
    lan.faults.sides = vec![0, 1];
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [0, 1]);
    lan.faults.sides.clear();
    lan.run_for(seconds(2));
    assert_eq!(lan.masters(), [1], "fe80::12 is above fe80::11");
}

#[test]
fn one_vrid_of_both_families_is_two_routers_that_do_not_disturb_each_other() {
    let mut configurations = vec![both(150), both(100)];
    configurations[1].virtual_routers[1].priority = crate::engine::model::Priority::new(200).unwrap();
    let mut lan = Lan::started(configurations);
    lan.run_for(seconds(5));
    let states = |n| lan.status(n).iter().map(|s| s.state).collect::<Vec<_>>();
    assert_eq!((states(0), states(1)), (vec![Master, Backup], vec![Backup, Master]));
    assert_eq!((lan.holders(vip(254).address), lan.holders(GLOBAL)), (vec![0], vec![1]));
    for n in 0..2 {
        assert_eq!(lan.nodes[n].warnings(), [""; 0]);
        assert!(lan.status(n).iter().all(|s| s.peers.len() <= 1 && s.counters.own_rx == 0));
    }
}

#[test]
fn without_a_link_local_address_an_ipv6_instance_is_in_fault_until_there_is_one() {
    let mut lan = Lan::new(vec![six(100)]);
    let own = lan.nodes[0].addresses.pop().unwrap();
    lan.boot(0);
    assert_eq!(lan.state(0), Fault);
    assert!(lan.status(0)[0].reason.contains("no IPv6 address of its own"), "{}", lan.status(0)[0].reason);
    lan.meddle(0, own.0, own.1, own.2, true);
    lan.run_for(seconds(5));
    assert_eq!(lan.state(0), Master);
}

#[test]
fn unicast_goes_to_each_peer_with_its_ttl_and_elects_as_multicast_does() {
    let mut lan =
        Lan::started(vec![unicast(150, &[12, 13], 64), unicast(100, &[11, 13], 64), unicast(50, &[11, 12], 64)]);
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [0]);
    let peers: Vec<(IpAddr, u8)> = sent(&lan, 0).iter().take(2).map(|(to, ttl, _)| (*to, *ttl)).collect();
    assert_eq!(peers, [(IpAddr::from([192, 0, 2, 12]), 64), (IpAddr::from([192, 0, 2, 13]), 64)]);
    lan.crash(0);
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [1]);
    lan.input(1, Input::Shutdown { keep: false });
    lan.crash(1);
    lan.run_for(seconds(1));
    assert_eq!(lan.masters(), [2], "resignations go to each peer as well");
}

#[test]
fn a_source_that_is_configured_is_used_and_its_absence_is_a_fault_to_unicast() {
    let wanted = IpAddr::from([192, 0, 2, 77]);
    let mut configuration = unicast(100, &[12], 255);
    configuration.virtual_routers[0].source = Some(wanted);
    let mut lan = Lan::started(vec![configuration]);
    assert_eq!(lan.state(0), Fault);
    assert!(lan.status(0)[0].reason.starts_with("192.0.2.77, from which VI_1 is to advertise, is on no interface"));
    lan.meddle(0, ETH0, wanted, 24, true);
    lan.run_for(seconds(5));
    assert_eq!(lan.state(0), Master);
    let from = |(_, action): &(_, Action)| match action {
        Action::Advertise { source, .. } => Some(*source),
        _ => None,
    };
    assert!(lan.nodes[0].actions.iter().filter_map(from).all(|source| source == wanted));
}

/// Measured: keepalived 2.2.7 sends multicast over IPv4 from an address that is on no interface, and over IPv6 nothing.
#[test]
fn multicast_over_ipv4_goes_out_from_an_address_that_is_nowhere_and_that_is_a_warning() {
    let wanted = IpAddr::from([192, 0, 2, 77]);
    let borrowing = |priority| {
        let mut configuration = one(priority);
        configuration.virtual_routers[0].source = Some(wanted);
        configuration
    };
    let mut lan = Lan::started(vec![borrowing(100), borrowing(200)]);
    lan.run_for(seconds(10));
    assert_eq!(lan.masters(), [1], "what the other one sends from the same address is no echo");
    assert_eq!(lan.nodes[1].warnings(), ["borrowed-source"]);
    lan.crash(1);
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [0]);
    lan.meddle(0, ETH0, wanted, 24, true);
    lan.run_for(seconds(1));
    assert_eq!(lan.nodes[0].warnings(), [""; 0]);

    let mut configuration = six(100);
    configuration.virtual_routers[0].source = Some("fe80::77".parse().unwrap());
    assert_eq!(Lan::started(vec![configuration]).state(0), Fault, "the kernel sends nothing from it");
}

#[test]
fn a_reload_from_multicast_to_unicast_resigns_and_starts_anew() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(seconds(5));
    let before = lan.nodes[0].actions.len();
    lan.reload(0, unicast(100, &[12], 255));
    let words = lan.nodes[0].words(before);
    assert_eq!(words[0], "advertise 0");
    assert_eq!(lan.state(0), Backup);
}

fn swift(priority: u8, centiseconds: u32) -> Configuration {
    let mut configuration = one(priority);
    configuration.virtual_routers[0].version = VrrpVersion::V3;
    configuration.virtual_routers[0].advert_interval = AdvertInterval::from_centiseconds(centiseconds).unwrap();
    configuration
}

/// When each node became master since it was asked.
fn became_master(lan: &Lan, n: usize) -> usize {
    lan.nodes[n].facts(EventKind::InstanceState).iter().filter(|f| f.to.as_deref() == Some("MASTER")).count()
}

#[test]
fn a_planned_hand_over_of_version_3_takes_7_ms_where_one_other_router_is_known() {
    let mut lan = Lan::started(vec![swift(150, 100), swift(100, 100)]);
    lan.run_for(seconds(5));
    let before = lan.nodes[0].actions.len();
    lan.faults.delay_up_to = Duration::ZERO;
    lan.input(0, Input::Shutdown { keep: false });
    assert_eq!(lan.nodes[0].words(before)[..3], ["advertise 150", "advertise 150", "advertise 0"]);
    let intervals: Vec<u8> = sent(&lan, 0).iter().rev().take(3).map(|(.., message)| message[5]).collect();
    assert_eq!(intervals, [100, 1, 1], "newest first");
    lan.run_for(Duration::from_millis(7));
    assert_eq!(lan.state(1), Master);
    lan.run_for(seconds(3));
    assert_eq!(lan.nodes[1].warnings(), [""; 0], "no interval is odd");
}

#[test]
fn a_hand_over_whose_packets_overtake_each_other_or_get_lost_takes_37_ms_at_most_while_one_arrives() {
    for seed in 0..200 {
        let mut lan = Lan::started(vec![swift(150, 100), swift(100, 100)]);
        lan.run_for(seconds(5));
        lan.random = Random(seed);
        let mut messages: Vec<Vec<u8>> = {
            lan.faults.sides = vec![0, 1];
            lan.input(0, Input::Shutdown { keep: false });
            sent(&lan, 0).into_iter().rev().take(3).map(|(.., message)| message).collect()
        };
        for _ in 0..3 {
            let (a, b) = (usize::try_from(lan.random.below(3)).unwrap(), usize::try_from(lan.random.below(3)).unwrap());
            messages.swap(a, b);
        }
        let lost = usize::try_from(lan.random.below(4)).unwrap();
        let arriving = messages.iter().enumerate().filter(|(at, _)| *at != lost);
        for (_, message) in arriving {
            lan.inject(1, ETH0, &packet([192, 0, 2, 11].into(), 255, message));
        }
        lan.run_for(Duration::from_millis(37));
        assert_eq!(lan.state(1), Master, "seed {seed}");
    }
}

#[test]
fn with_the_word_off_or_in_version_2_a_hand_over_takes_the_skew_time() {
    let mut slow = vec![swift(150, 100), swift(100, 100)];
    slow[0].virtual_routers[0].variations.swift_handover = false;
    for configurations in [slow, vec![one(150), one(100)]] {
        let mut lan = Lan::started(configurations);
        lan.run_for(seconds(5));
        lan.input(0, Input::Shutdown { keep: false });
        lan.run_for(Duration::from_millis(608));
        assert_eq!(lan.state(1), Backup);
        lan.run_for(Duration::from_millis(3));
        assert_eq!(lan.state(1), Master);
    }
}

#[test]
fn three_nodes_with_a_millisecond_between_them_never_have_two_masters_at_a_planned_hand_over() {
    for (second, third) in [(100, 99), (100, 98), (150, 50), (100, 100), (254, 1)] {
        let mut lan = Lan::started(vec![swift(200, 100), swift(second, 100), swift(third, 100)]);
        lan.faults.delay_up_to = Duration::from_micros(1);
        // The first hears of both others what their priorities are.
        lan.set_link(0, ETH0, false);
        lan.run_for(seconds(5));
        lan.set_link(1, ETH0, false);
        lan.run_for(seconds(5));
        lan.set_link(0, ETH0, true);
        lan.run_for(seconds(5));
        lan.set_link(0, ETH0, false);
        lan.set_link(2, ETH0, false);
        lan.set_link(1, ETH0, true);
        lan.run_for(seconds(5));
        lan.set_link(0, ETH0, true);
        lan.set_link(2, ETH0, true);
        lan.run_for(seconds(8));
        assert_eq!(lan.masters().len(), 1, "{second} {third}");
        let first = lan.masters()[0];
        let all = |lan: &Lan| (0..3).map(|n| became_master(lan, n)).sum::<usize>();
        let before = all(&lan);
        lan.faults.delay_up_to = Duration::ZERO;
        lan.faults.least_delay = Duration::from_millis(1);
        lan.input(first, Input::Shutdown { keep: false });
        lan.run_for(seconds(3));
        if second != third {
            assert_eq!(all(&lan) - before, 1, "{second} {third}: no second master, however short");
        }
        assert_eq!(lan.masters().len(), 1);
    }
}

#[test]
fn routers_that_were_heard_once_are_remembered_over_restarts_unless_the_settings_say_that_there_are_two() {
    // How a hand-over begins, of a node that has just started.
    let first_words = |lan: &mut Lan| {
        lan.boot(0);
        lan.run_for(seconds(8));
        assert_eq!(lan.masters(), [0]);
        let before = lan.nodes[0].actions.len();
        lan.input(0, Input::Shutdown { keep: false });
        let words = lan.nodes[0].words(before)[0].clone();
        lan.crash(0);
        words
    };
    let mut lan = Lan::new(vec![swift(200, 100), swift(100, 100), swift(99, 100)]);
    lan.boot(1);
    assert_eq!(first_words(&mut lan), "advertise 200", "a pair, as far as is known");
    lan.run_for(seconds(5));
    assert_eq!(first_words(&mut lan), "advertise 200", "one was heard");
    assert_eq!(lan.nodes[0].met[0].routers.len(), 1);
    lan.crash(1);
    lan.boot(2);
    lan.run_for(seconds(5));
    assert_eq!(
        first_words(&mut lan),
        "advertise 0",
        "two were heard, the first before a restart: its priority is not known now"
    );
    assert_eq!(lan.nodes[0].met[0].routers.len(), 2);
    lan.nodes[0].configuration.virtual_routers[0].variations.routers = 2;
    assert_eq!(first_words(&mut lan), "advertise 200", "an operator says that one of them is gone");
    lan.nodes[0].configuration.virtual_routers[0].variations.routers = 4;
    assert_eq!(first_words(&mut lan), "advertise 0", "and a third one was never heard");
    lan.nodes[0].configuration.virtual_routers[0].name = "VI_9".to_owned();
    lan.boot(0);
    lan.run_for(seconds(8));
    assert_eq!(lan.nodes[0].met.iter().map(|met| met.instance.as_str()).collect::<Vec<_>>(), ["VI_9"], "by name");
}

//! Received packets: what counts, what is refused, what is told.

use super::lan::*;
use crate::engine::event::EventKind;
use crate::engine::failover::{Action, Input, Waiting};
use crate::engine::model::{
    AdvertInterval, AdvertisedPriority, Authentication, Configuration, Family, Password, Vrid, VrrpVersion,
};
use crate::engine::snapshot::VirtualRouterState::{Backup, Fault, Master};
use crate::engine::snapshot::{ForeignCounters, ForeignRouter, PeerState};
use crate::engine::vrrp::{Advertisement, ChecksumForm, seal};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

pub const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 20);

pub fn advertisement(version: VrrpVersion, priority: u8) -> Advertisement {
    Advertisement {
        version,
        vrid: Vrid::new(51).unwrap(),
        priority: AdvertisedPriority(priority),
        interval: AdvertInterval::DEFAULT,
        authentication: Authentication::None,
        addresses: vec![std::net::IpAddr::from([192, 0, 2, 254])],
    }
}

pub fn wire(advertisement: &Advertisement) -> Vec<u8> {
    let form = ChecksumForm::sent(advertisement.version, Family::Inet, false);
    packet(PEER, 255, &advertisement.encode(PEER.into(), GROUP, form))
}

fn with_header(priority: u8) -> Configuration {
    let mut configuration = one(priority);
    configuration.virtual_routers[0].authentication = Authentication::Ah(Password::new("secret"));
    configuration
}

/// As a node of this priority sends it, with a number of its authentication header.
fn sealed(key: &str, priority: u8, sequence: u32) -> Vec<u8> {
    let authentication = Authentication::Ah(Password::new(key));
    let message = Advertisement { authentication, ..advertisement(VrrpVersion::V2, priority) }.encode(
        PEER.into(),
        GROUP,
        ChecksumForm::MessageOnly,
    );
    let IpAddr::V4(group) = GROUP else { panic!("a group of IPv4") };
    let header = seal(Password::new(key), (PEER, group), 255, sequence, &message);
    let mut packet = packet(PEER, 255, &[&header.bytes, message.as_slice()].concat());
    packet[4..6].copy_from_slice(&header.identification.to_be_bytes());
    packet[9] = 51;
    packet
}

#[test]
fn what_authentication_headers_refuse_is_counted_and_touches_nothing() {
    let mut lan = Lan::started(vec![with_header(100)]);
    assert_eq!(lan.nodes[0].actions.iter().filter(|(_, a)| matches!(a, Action::Join(c) if c.sealed)).count(), 1);
    lan.inject(0, ETH0, &sealed("secret", 200, 7));
    let next = |lan: &Lan| lan.status(0)[0].next.clone();
    let before = next(&lan);
    lan.run_for(Duration::from_millis(100));
    let plain = Advertisement {
        authentication: Authentication::Pass(Password::new("secret")),
        ..advertisement(VrrpVersion::V2, 200)
    };
    for packet in
        [sealed("secret", 200, 7), sealed("guess", 200, 9), wire(&plain), sealed("secret", 200, 9)[..50].to_vec()]
    {
        lan.inject(0, ETH0, &packet);
    }
    let c = lan.status(0)[0].counters;
    assert_eq!((c.adverts_rx, c.rejected_auth, c.rejected_auth_type, c.rejected_length), (1, 2, 1, 1));
    let (before, after) = (before.unwrap(), next(&lan).unwrap());
    assert_eq!(before.waiting, after.waiting);
    assert!(after.in_ms < before.in_ms, "the timer runs on");
    let esp = [&sealed("secret", 200, 9)[..20], &[50; 44]].concat();
    lan.inject(0, ETH0, &esp);
    assert_eq!(lan.status(0)[0].counters.rejected_length, 1, "what else has such a header is nobody's");
}

#[test]
fn a_number_is_above_all_that_were_sent_or_heard_also_after_a_restart() {
    let mut lan = Lan::started(vec![with_header(200), with_header(100)]);
    lan.run_for(Duration::from_mins(1));
    assert_eq!((lan.masters(), lan.status(1)[0].counters.rejected_auth), (vec![0], 0));
    // The backup takes over where the other one left off, and that one hears it when it is back with a number of nothing.
    lan.crash(0);
    lan.run_for(Duration::from_secs(5));
    assert_eq!(lan.masters(), [1]);
    lan.boot(0);
    lan.run_for(Duration::from_secs(10));
    assert_eq!((lan.masters(), lan.status(0)[0].counters.rejected_auth), (vec![0], 0));
    assert_eq!(lan.status(1)[0].counters.rejected_auth, 0);
    // One that is resumed has heard nobody meanwhile: it starts above what it sent before.
    lan.nodes[0].sequence = 1000;
    lan.keep(0);
    lan.boot(0);
    lan.run_for(Duration::from_secs(10));
    assert_eq!((lan.masters(), lan.status(1)[0].counters.rejected_auth), (vec![0], 0));
    assert_eq!(lan.status(1)[0].counters.became_master, 1, "the restart was felt by nobody");
}

#[test]
fn a_node_that_starts_takes_the_numbers_of_others_as_they_come_and_each_but_once() {
    let mut lan = Lan::new(vec![with_header(100)]);
    lan.nodes[0].sequence = 1_000_000;
    lan.boot(0);
    for number in [7, 8, 8, 7] {
        lan.inject(0, ETH0, &sealed("secret", 200, number));
    }
    let counters = lan.status(0)[0].counters;
    assert_eq!((counters.adverts_rx, counters.rejected_auth), (2, 2));
}

fn version_3(priority: u8) -> Configuration {
    let mut configuration = one(priority);
    configuration.virtual_routers[0].version = VrrpVersion::V3;
    configuration
}

fn with_password() -> Configuration {
    let mut configuration = one(100);
    configuration.virtual_routers[0].authentication = Authentication::Pass(Password::new("secret"));
    configuration
}

#[test]
fn refused_advertisements_are_counted_by_reason_and_never_touch_a_state_or_timer() {
    let mut lan = Lan::started(vec![with_password()]);
    let good = Advertisement {
        authentication: Authentication::Pass(Password::new("secret")),
        ..advertisement(VrrpVersion::V2, 200)
    };
    let mut ttl = wire(&good);
    ttl[8] = 64;
    let mut checksum = wire(&good);
    checksum[22] ^= 1;
    let mut kind = wire(&good);
    kind[20] = 0x22;
    let mut count = wire(&good);
    count[23] = 0;
    let slow = Advertisement { interval: AdvertInterval::from_centiseconds(500).unwrap(), ..good.clone() };
    let other = Advertisement { authentication: Authentication::Pass(Password::new("guess")), ..good.clone() };
    let packets = [
        vec![1, 2, 3],
        wire(&good)[..30].to_vec(),
        ttl,
        checksum,
        kind,
        count,
        wire(&advertisement(VrrpVersion::V3, 200)),
        wire(&advertisement(VrrpVersion::V2, 200)),
        wire(&other),
        wire(&slow),
    ];
    for state in [Backup, Master] {
        assert_eq!(lan.state(0), state);
        let before = (lan.nodes[0].core.as_ref().unwrap().poll_timeout(), lan.nodes[0].words(0));
        for packet in &packets {
            lan.inject(0, ETH0, packet);
            assert_eq!(before, (lan.nodes[0].core.as_ref().unwrap().poll_timeout(), lan.nodes[0].words(0)));
        }
        lan.run_for(seconds(4));
    }
    let c = lan.status(0)[0].counters;
    assert_eq!((c.rejected_length, c.rejected_ttl, c.rejected_checksum, c.rejected_type), (4, 2, 2, 2));
    assert_eq!((c.rejected_count, c.rejected_version, c.rejected_auth_type), (2, 2, 2));
    assert_eq!((c.rejected_auth, c.rejected_interval, c.adverts_rx), (2, 2, 0));
    let told = lan.nodes[0].facts(EventKind::AdvertisementRejected);
    assert_eq!(told.len(), 9, "one for each sender and check: {told:#?}");
    let peer = &lan.status(0)[0].peers[0];
    assert!(peer.rejected.as_ref().unwrap().contains("advert_int"), "{peer:?}");
    assert!(!format!("{told:?}").contains("secret"));
}

#[test]
fn a_flood_of_refused_advertisements_is_told_once_a_minute_with_its_number() {
    let mut lan = Lan::started(vec![one(100)]);
    let mut packet = wire(&advertisement(VrrpVersion::V2, 200));
    packet[8] = 1;
    for _ in 0..610 {
        lan.inject(0, ETH0, &packet);
        lan.run_for(Duration::from_millis(100));
    }
    let told = lan.nodes[0].facts(EventKind::AdvertisementRejected);
    assert_eq!(told.len(), 2);
    assert_eq!(told[1].detail.as_deref(), Some("from 192.0.2.20, 600 since the last report"));
}

#[test]
fn own_packets_that_come_back_are_counted_and_ignored() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(seconds(10));
    let own = Ipv4Addr::new(192, 0, 2, 11);
    let message = advertisement(VrrpVersion::V2, 100).encode(own.into(), GROUP, ChecksumForm::MessageOnly);
    let before = lan.nodes[0].words(0);
    lan.inject(0, ETH0, &packet(own, 255, &message));
    assert_eq!(lan.nodes[0].words(0), before);
    assert_eq!((lan.status(0)[0].counters.own_rx, lan.status(0)[0].peers.len()), (1, 0));
    assert_eq!(lan.nodes[0].warnings(), [""; 0]);
}

/// An advertisement from our own address.
fn from_ourselves(priority: u8) -> Vec<u8> {
    let own = Ipv4Addr::new(192, 0, 2, 11);
    packet(own, 255, &advertisement(VrrpVersion::V2, priority).encode(own.into(), GROUP, ChecksumForm::MessageOnly))
}

#[test]
fn a_clone_with_our_own_address_is_a_warning_that_names_it_and_moves_nothing() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(seconds(10));
    let next = lan.nodes[0].core.as_ref().unwrap().poll_timeout();
    for _ in 0..3 {
        lan.inject(0, ETH0, &from_ourselves(150));
    }
    assert_eq!((lan.state(0), lan.nodes[0].core.as_ref().unwrap().poll_timeout()), (Master, next));
    assert_eq!(lan.nodes[0].warnings(), ["duplicate-address"]);
    let told = lan.nodes[0].facts(EventKind::Warning);
    assert_eq!(told.len(), 1, "told once");
    let reason = told[0].reason.as_ref().unwrap();
    assert!(reason.contains("eth0") && reason.contains("192.0.2.11"), "{reason}");
    lan.run_for(seconds(11));
    assert_eq!(lan.nodes[0].warnings(), [""; 0], "it ends with its cause");
}

#[test]
fn our_own_address_is_a_clones_when_we_are_not_master_but_not_while_an_echo_may_be_on_its_way() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(seconds(10));
    lan.inject(0, ETH0, &wire(&advertisement(VrrpVersion::V2, 200)));
    lan.inject(0, ETH0, &from_ourselves(100));
    assert_eq!((lan.state(0), lan.nodes[0].warnings()), (Backup, vec![]), "sent while we were master");
    lan.run_for(seconds(1));
    lan.inject(0, ETH0, &from_ourselves(100));
    assert_eq!((lan.state(0), lan.nodes[0].warnings()), (Backup, vec!["duplicate-address".to_owned()]));
}

#[test]
fn another_list_of_addresses_is_accepted_counted_and_told_once() {
    let mut lan = Lan::started(vec![one(100)]);
    let mut other = advertisement(VrrpVersion::V2, 200);
    other.addresses.push(Ipv4Addr::new(192, 0, 2, 253).into());
    for _ in 0..10 {
        lan.inject(0, ETH0, &wire(&other));
        lan.run_for(seconds(1));
    }
    assert_eq!((lan.state(0), lan.status(0)[0].counters.address_mismatch), (Backup, 10));
    assert_eq!(lan.nodes[0].facts(EventKind::Warning).len(), 1);
    assert_eq!(lan.nodes[0].warnings(), ["address-list-mismatch"]);
    let said = &lan.nodes[0].core.as_ref().unwrap().warnings()[0].message;
    let lists = "(192.0.2.254, 192.0.2.253) than are configured here (192.0.2.254)";
    assert_eq!(*said, format!("192.0.2.20 advertises other virtual addresses {lists}"));
    lan.inject(0, ETH0, &wire(&advertisement(VrrpVersion::V2, 200)));
    assert_eq!(lan.nodes[0].warnings(), [""; 0], "it ends with the mismatch");
}

#[test]
fn another_list_of_addresses_is_none_any_more_once_a_reload_has_it() {
    let mut lan = Lan::started(vec![one(100)]);
    let mut other = advertisement(VrrpVersion::V2, 200);
    other.addresses.push(Ipv4Addr::new(192, 0, 2, 253).into());
    lan.inject(0, ETH0, &wire(&other));
    assert_eq!(lan.nodes[0].warnings(), ["address-list-mismatch"]);
    let mut third = one(100);
    third.virtual_routers[0].addresses = vec![vip(252)];
    lan.reload(0, third);
    assert_eq!(lan.nodes[0].warnings(), ["address-list-mismatch"], "another one still");
    let mut both = one(100);
    both.virtual_routers[0].addresses = vec![vip(253), vip(254)];
    lan.reload(0, both);
    assert_eq!(lan.nodes[0].warnings(), [""; 0]);
}

#[test]
fn a_stranger_that_uses_our_vrid_for_other_addresses_makes_nobody_backup_and_is_told() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(seconds(10));
    let mut stranger = advertisement(VrrpVersion::V2, 200);
    stranger.addresses = vec![Ipv4Addr::new(192, 0, 2, 77).into()];
    for _ in 0..10 {
        lan.inject(0, ETH0, &wire(&stranger));
        lan.run_for(seconds(1));
    }
    let status = lan.status(0).remove(0);
    assert_eq!((lan.state(0), status.counters.rejected_addresses, status.counters.adverts_rx), (Master, 10, 0));
    assert_eq!(status.detail.split_brain.unwrap().cause, "address-list");
    stranger.addresses.push(Ipv4Addr::new(192, 0, 2, 254).into());
    lan.inject(0, ETH0, &wire(&stranger));
    assert_eq!(lan.state(0), Backup, "one in common is a router of ours in the middle of a change");
}

#[test]
fn version_3_takes_both_checksums_and_says_which_one_differs_from_ours() {
    let mut lan = Lan::started(vec![version_3(100)]);
    let advertisement = advertisement(VrrpVersion::V3, 200);
    lan.inject(0, ETH0, &wire(&advertisement));
    assert_eq!(lan.nodes[0].warnings(), [""; 0]);
    let message = advertisement.encode(PEER.into(), GROUP, ChecksumForm::MessageOnly);
    lan.inject(0, ETH0, &packet(PEER, 255, &message));
    assert_eq!(lan.nodes[0].warnings(), ["checksum-form"]);
    assert_eq!(lan.status(0)[0].counters.adverts_rx, 2);
}

#[test]
fn version_3_learns_the_masters_interval_and_warns() {
    let mut lan = Lan::started(vec![version_3(100)]);
    let slow = AdvertInterval::from_centiseconds(500).unwrap();
    lan.inject(0, ETH0, &wire(&Advertisement { interval: slow, ..advertisement(VrrpVersion::V3, 200) }));
    assert_eq!(lan.status(0)[0].advert_interval_ms, 5000);
    assert_eq!(lan.status(0)[0].next.as_ref().unwrap().in_ms, 18_046);
    assert_eq!(lan.nodes[0].warnings(), ["interval-mismatch"]);
}

#[test]
fn a_strange_vrid_is_a_warning_once_and_no_event() {
    let mut lan = Lan::started(vec![one(100)]);
    let stranger = Advertisement { vrid: Vrid::new(77).unwrap(), ..advertisement(VrrpVersion::V2, 200) };
    for _ in 0..100 {
        lan.inject(0, ETH0, &wire(&stranger));
        lan.inject(0, ETH1, &wire(&stranger));
    }
    assert_eq!(lan.nodes[0].warnings(), ["foreign-vrid"], "eth1 has no instance and is not listened to");
    assert_eq!(lan.nodes[0].facts(EventKind::AdvertisementRejected), []);
    assert_eq!(lan.status(0)[0].counters.adverts_rx, 0);
}

#[test]
fn packets_for_strange_vrids_are_counted_by_what_is_wrong_and_change_nothing() {
    let mut lan = Lan::started(vec![one(100)]);
    let before = lan.status(0);
    let packet = |vrid, ttl, first| {
        let vrid = Vrid::new(vrid).unwrap();
        let mut packet = wire(&Advertisement { vrid, ..advertisement(VrrpVersion::V2, 255) });
        (packet[8], packet[20]) = (ttl, first);
        packet
    };
    for (vrid, ttl, first) in [(77, 255, 0x21), (77, 255, 0x31), (77, 64, 0x21), (77, 255, 0x41), (9, 255, 0x22)] {
        lan.inject(0, ETH0, &packet(vrid, ttl, first));
        lan.inject(0, ETH1, &packet(vrid, ttl, first));
    }
    let moment = lan.moment();
    let heard = lan.nodes[0].core.as_ref().unwrap().foreign_routers(moment);
    let counted = |vrid: u8, counters| ForeignRouter {
        interface: "eth0".to_owned(),
        family: Family::Inet,
        vrid,
        address: PEER.to_string(),
        last_heard_at: moment.wall,
        last_priority: (vrid == 77).then_some(255),
        counters,
    };
    let nothing = ForeignCounters::default();
    let of_77 = ForeignCounters { rejected_vrid: 2, rejected_ttl: 1, rejected_version: 1, ..nothing };
    assert_eq!(heard, [counted(9, ForeignCounters { rejected_type: 1, ..nothing }), counted(77, of_77)]);
    assert_eq!(lan.status(0), before, "deadlines, peers and counters of instances are as they were");
    assert_eq!(lan.nodes[0].warnings(), ["foreign-vrid"], "what is no advertisement is nobody's virtual router");
    let all: Vec<u8> = (1..=255).filter(|vrid| *vrid != 51).collect();
    for vrid in &all {
        lan.inject(0, ETH0, &packet(*vrid, 255, 0x21));
    }
    assert_eq!(lan.nodes[0].core.as_ref().unwrap().foreign_routers(moment).len(), all.len());
    let warnings = lan.nodes[0].core.as_ref().unwrap().warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].message.starts_with("254 virtual routers are advertised on eth0"), "{warnings:?}");
}

#[test]
fn a_strange_vrid_is_forgotten_after_five_minutes_of_silence_or_with_its_interface() {
    let stranger = wire(&Advertisement { vrid: Vrid::new(77).unwrap(), ..advertisement(VrrpVersion::V2, 200) });
    let mut lan = Lan::started(vec![one(100)]);
    lan.inject(0, ETH0, &stranger);
    lan.run_for(seconds(200));
    lan.inject(0, ETH0, &stranger);
    lan.run_for(seconds(299));
    assert_eq!(lan.nodes[0].warnings(), ["foreign-vrid"]);
    lan.run_for(seconds(2));
    assert_eq!(lan.nodes[0].warnings(), [""; 0]);
    lan.inject(0, ETH0, &stranger);
    lan.input(0, Input::LinkGone { index: ETH0 });
    assert_eq!(lan.nodes[0].warnings(), [""; 0]);
}

/// An advertisement that differs in everything in which one that counts may differ.
fn odd() -> Vec<u8> {
    let mut odd = advertisement(VrrpVersion::V3, 200);
    odd.interval = AdvertInterval::from_centiseconds(500).unwrap();
    odd.addresses.push(Ipv4Addr::new(192, 0, 2, 253).into());
    packet(PEER, 255, &odd.encode(PEER.into(), GROUP, ChecksumForm::MessageOnly))
}

#[test]
fn what_is_odd_about_a_peer_is_forgotten_after_three_times_the_time_in_which_a_master_counts_as_down() {
    let mut lan = Lan::started(vec![version_3(100)]);
    lan.inject(0, ETH0, &odd());
    assert_eq!(lan.nodes[0].warnings(), ["address-list-mismatch", "interval-mismatch", "checksum-form"]);
    // 3 × (3 × 5 s + 156/256 × 5 s)
    lan.run_for(Duration::from_millis(54_139));
    assert_eq!(lan.nodes[0].warnings().len(), 3);
    lan.run_for(Duration::from_millis(3));
    assert_eq!(lan.nodes[0].warnings(), [""; 0]);
}

#[test]
fn what_is_odd_about_a_peer_is_forgotten_with_the_interface_and_in_fault_by_a_timer_of_its_own() {
    let mut lan = Lan::started(vec![version_3(100)]);
    lan.inject(0, ETH0, &odd());
    lan.set_link(0, ETH0, false);
    lan.run_for(seconds(54));
    assert_eq!(lan.nodes[0].core.as_ref().unwrap().poll_timeout().unwrap().1, Waiting::WarningEnds);
    lan.run_for(seconds(1));
    assert_eq!(lan.nodes[0].warnings(), [""; 0]);
    lan.set_link(0, ETH0, true);
    lan.inject(0, ETH0, &odd());
    assert_eq!(lan.nodes[0].warnings().len(), 3);
    lan.input(0, Input::LinkGone { index: ETH0 });
    assert_eq!(lan.nodes[0].warnings(), [""; 0]);
}

#[test]
fn a_second_master_that_does_not_yield_is_a_split_brain_until_it_is_silent() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(seconds(4));
    let rival = wire(&advertisement(VrrpVersion::V2, 50));
    lan.inject(0, ETH0, &rival);
    lan.inject(0, ETH0, &rival);
    assert_eq!(lan.nodes[0].warnings(), [""; 0], "one that crossed ours, doubled on the way, is none");
    assert_eq!(lan.status(0)[0].peers[0].state, PeerState::Silent);
    lan.run_for(seconds(1));
    lan.inject(0, ETH0, &rival);
    assert_eq!(lan.nodes[0].warnings(), ["split-brain"]);
    assert_eq!(lan.status(0)[0].peers[0].state, PeerState::Master);
    assert_eq!(lan.nodes[0].facts(EventKind::SplitBrain).len(), 1);
    lan.run_for(Duration::from_millis(3499));
    assert_eq!(lan.nodes[0].warnings(), ["split-brain"], "silent, and perhaps it answers ARP");
    lan.run_for(Duration::from_millis(2));
    assert_eq!(lan.nodes[0].warnings(), [""; 0]);
    assert_eq!(lan.nodes[0].facts(EventKind::SplitBrain)[1].to.as_deref(), Some("over"));
}

#[test]
fn one_advertisement_of_another_master_is_a_split_brain_where_it_should_have_heard_us_for_long() {
    let mut lan = Lan::started(vec![one(100)]);
    // Master after 3.609 s, and settled after as long again.
    lan.run_for(Duration::from_millis(7_200));
    let rival = wire(&advertisement(VrrpVersion::V2, 50));
    lan.inject(0, ETH0, &rival);
    assert_eq!(lan.nodes[0].warnings(), [""; 0], "a moment too early");
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(Duration::from_millis(7_220));
    lan.inject(0, ETH0, &rival);
    lan.inject(0, ETH0, &rival);
    assert_eq!(lan.nodes[0].warnings(), ["split-brain"], "it yields to our answer, and is seen all the same");
    assert_eq!(lan.status(0)[0].peers[0].state, PeerState::Master);
    lan.run_for(Duration::from_millis(3_499));
    assert_eq!(lan.nodes[0].warnings(), ["split-brain"], "long enough to be read");
    lan.run_for(Duration::from_millis(2));
    assert_eq!(lan.nodes[0].warnings(), [""; 0]);
    let told = lan.nodes[0].facts(EventKind::SplitBrain);
    assert_eq!(told.iter().map(|fact| fact.to.as_deref()).collect::<Vec<_>>(), [Some("begun"), Some("over")]);
}

#[test]
fn a_second_master_with_another_password_is_a_split_brain_that_names_the_password() {
    let mut lan = Lan::started(vec![with_password()]);
    lan.run_for(seconds(10));
    for _ in 0..3 {
        lan.inject(0, ETH0, &wire(&advertisement(VrrpVersion::V2, 200)));
        lan.run_for(seconds(1));
    }
    assert_eq!((lan.state(0), lan.nodes[0].warnings()), (Master, vec!["split-brain".to_owned()]));
    let told = &lan.nodes[0].facts(EventKind::SplitBrain)[0];
    assert!(told.detail.as_ref().unwrap().contains("auth_type"), "{told:?}");
}

#[test]
fn a_master_that_falls_silent_is_no_master_on_screen_even_where_no_other_timer_runs() {
    let mut lan = Lan::started(vec![pair(100)]);
    lan.set_link(0, ETH1, false);
    assert_eq!(lan.state(0), Fault);
    assert_eq!(lan.nodes[0].core.as_ref().unwrap().poll_timeout(), None);
    lan.inject(0, ETH0, &wire(&advertisement(VrrpVersion::V2, 200)));
    assert_eq!(lan.status(0)[0].peers[0].state, PeerState::Master);
    let (at, waiting) = lan.nodes[0].core.as_ref().unwrap().poll_timeout().expect("the loop wakes up for it");
    assert_eq!((at - lan.now, waiting), (Duration::from_micros(3_609_375), Waiting::PeerSilent));
    lan.run_for(seconds(4));
    assert_eq!(lan.status(0)[0].peers[0].state, PeerState::Silent);
    assert_eq!(lan.nodes[0].core.as_ref().unwrap().poll_timeout(), None);
}

#[test]
fn a_losing_advertisement_is_answered_once_for_each_packet_and_moves_no_deadline() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(seconds(10));
    let next = lan.nodes[0].core.as_ref().unwrap().poll_timeout();
    let before = lan.nodes[0].actions.len();
    lan.inject(0, ETH0, &wire(&advertisement(VrrpVersion::V2, 50)));
    let words = lan.nodes[0].words(before);
    assert_eq!(words[0], "advertise 100");
    assert_eq!(words[1..], ["announce .254"; 5]);
    assert_eq!(lan.nodes[0].core.as_ref().unwrap().poll_timeout(), next);
}

#[test]
fn peers_of_forged_addresses_are_bounded() {
    let mut lan = Lan::started(vec![one(100)]);
    for n in 0..1000u32 {
        let source = Ipv4Addr::from(0xc633_6400 + n);
        let message = advertisement(VrrpVersion::V2, 200).encode(source.into(), GROUP, ChecksumForm::MessageOnly);
        lan.inject(0, ETH0, &packet(source, 255, &message));
    }
    assert_eq!(lan.status(0)[0].peers.len(), 64);
}

//! ARP probes: whether another host has an address of ours.

use super::lan::*;
use super::receive::{PEER, advertisement, wire};
use crate::engine::command::Command;
use crate::engine::event::EventKind;
use crate::engine::failover::{Action, Input};
use crate::engine::model::{Authentication, Configuration, Password, VirtualLink, Vrid, VrrpVersion};
use crate::engine::vrrp::Advertisement;
use std::time::{Duration, Instant};

pub const OTHER: [u8; 6] = [0x52, 0x54, 0, 0, 0, 9];

/// What a host with this MAC address answers.
pub fn answer(mac: [u8; 6], address: [u8; 4]) -> Vec<u8> {
    let mut frame = vec![2; 6];
    frame.extend(mac);
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
    frame.extend(mac);
    frame.extend(address);
    frame.extend([2; 6]);
    frame.extend([0; 4]);
    frame
}

fn probes(lan: &Lan) -> Vec<Instant> {
    let probe = |(at, action): &(Instant, Action)| matches!(action, Action::Probe { .. }).then_some(*at);
    lan.nodes[0].actions.iter().filter_map(probe).collect()
}

/// Answers each probe until the time is over.
fn answering(lan: &mut Lan, span: Duration, mac: [u8; 6]) {
    let end = lan.now + span;
    while lan.now < end {
        let before = probes(lan).len();
        lan.run_for(Duration::from_millis(100));
        if probes(lan).len() > before {
            lan.input(0, Input::Arp { frame: &answer(mac, [192, 0, 2, 254]) });
        }
    }
}

#[test]
fn a_master_asks_a_moment_after_it_became_one_and_every_half_minute_and_a_backup_never_does() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(Duration::from_secs(3));
    assert_eq!(probes(&lan).len(), 0, "a backup");
    lan.run_for(Duration::from_secs(40));
    let asked = probes(&lan);
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!((asked[1] - asked[0]).as_secs(), 30);
    let frame = lan.nodes[0].actions.iter().find_map(|(_, action)| match action {
        Action::Probe { frame, .. } => Some(frame.clone()),
        _ => None,
    });
    let frame = frame.unwrap();
    // RFC 5227 §2.1.1: no sender address, so that nobody's cache is touched.
    assert_eq!(
        (frame.len(), &frame[20..22], &frame[28..32], &frame[38..42]),
        (42, &[0, 1][..], &[0; 4][..], &[192, 0, 2, 254][..])
    );
}

#[test]
fn another_mac_address_that_answers_is_a_split_brain_with_its_evidence_until_it_is_silent() {
    let mut lan = Lan::started(vec![one(100)]);
    answering(&mut lan, Duration::from_secs(20), OTHER);
    let split = lan.status(0)[0].detail.split_brain.clone().unwrap();
    assert_eq!(
        (split.cause.as_str(), split.with.as_slice()),
        ("address-answered", &["52:54:00:00:00:09".to_owned()][..])
    );
    assert!(split.evidence.contains("answers ARP for 192.0.2.254"), "{}", split.evidence);
    assert!(lan.nodes[0].warnings().contains(&"split-brain".to_owned()));
    let told = lan.nodes[0].facts(EventKind::SplitBrain);
    assert_eq!((told.len(), told[0].to.as_deref()), (1, Some("begun")), "told once");
    let before = lan.nodes[0].actions.len();
    lan.run_for(Duration::from_secs(20));
    assert_eq!(lan.status(0)[0].detail.split_brain, None);
    assert_eq!(lan.nodes[0].facts(EventKind::SplitBrain)[1].to.as_deref(), Some("over"));
    assert!(lan.nodes[0].words(before).iter().any(|word| word == "announce .254"), "the link is told again");
}

/// What a router with another VRID advertises, with the address of ours.
fn mistyped() -> Vec<u8> {
    let vrid = Vrid::new(77).unwrap();
    wire(&Advertisement { vrid, ..advertisement(VrrpVersion::V2, 100) })
}

#[test]
fn who_has_our_address_under_another_vrid_is_the_cause_of_two_masters_whatever_is_heard_first() {
    for advertises_first in [true, false] {
        let mut lan = Lan::started(vec![one(100)]);
        lan.run_for(Duration::from_secs(20));
        if advertises_first {
            let before = probes(&lan).len();
            lan.inject(0, ETH0, &mistyped());
            lan.run_for(Duration::from_millis(1_100));
            assert_eq!(probes(&lan).len(), before + 1, "somebody is asked at once");
            assert_eq!(lan.status(0)[0].detail.split_brain, None, "the address is not seen at two hosts");
        }
        lan.input(0, Input::Arp { frame: &answer(OTHER, [192, 0, 2, 254]) });
        lan.inject(0, ETH0, &mistyped());
        let split = lan.status(0)[0].detail.split_brain.clone().unwrap();
        assert_eq!((split.cause.as_str(), split.with.as_slice()), ("virtual-router-id", &[PEER.to_string()][..]));
        assert!(split.evidence.contains("under virtual_router_id 77"), "{}", split.evidence);
        let warnings = lan.nodes[0].core.as_ref().unwrap().warnings();
        let foreign = warnings.iter().find(|warning| warning.code == "foreign-vrid").unwrap();
        assert!(foreign.message.ends_with("with 192.0.2.254, an address of VI_1"), "{}", foreign.message);
        lan.run_for(Duration::from_secs(20));
        assert_eq!(lan.status(0)[0].detail.split_brain, None, "it is silent");
    }
}

#[test]
fn our_own_answer_and_those_for_other_addresses_say_nothing() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(Duration::from_secs(6));
    let own = lan.nodes[0].links[0].mac.unwrap();
    let mut request = answer(OTHER, [192, 0, 2, 254]);
    request[21] = 1;
    for frame in [answer(own, [192, 0, 2, 254]), answer(OTHER, [192, 0, 2, 99]), request, vec![1, 2, 3]] {
        lan.input(0, Input::Arp { frame: &frame });
        assert_eq!(lan.status(0)[0].detail.split_brain, None);
    }
}

/// How another host tells the link that it has an address.
fn gratuitous(mac: [u8; 6], address: [u8; 4]) -> Vec<u8> {
    crate::engine::vrrp::announcement(mac, std::net::Ipv4Addr::from(address).into())
}

#[test]
fn who_announces_our_address_as_its_own_makes_a_master_ask_with_its_next_advertisement() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(Duration::from_secs(10));
    let before = probes(&lan).len();
    let own = lan.nodes[0].links[0].mac.unwrap();
    for (mac, address, asked) in [(own, [192, 0, 2, 254], 0), (OTHER, [192, 0, 2, 99], 0), (OTHER, [192, 0, 2, 254], 1)]
    {
        lan.input(0, Input::Arp { frame: &gratuitous(mac, address) });
        lan.run_for(Duration::from_millis(1_100));
        assert_eq!(probes(&lan).len() - before, asked, "{address:?}");
        assert_eq!(lan.status(0)[0].detail.split_brain, None, "it is no evidence by itself");
    }
}

#[test]
fn the_host_of_a_peer_is_asked_and_there_as_long_as_it_answers() {
    let mut lan = Lan::started(vec![one(200), one(100)]);
    // It was master once: nobody knows of a backup that never was.
    lan.run_for(Duration::from_secs(10));
    lan.command(0, Command::Failover { instance: None, hold_seconds: None, blind: false });
    lan.run_for(Duration::from_mins(1));
    let peer = |lan: &Lan| lan.status(1)[0].peers[0].clone();
    assert_eq!(
        (peer(&lan).address.as_str(), peer(&lan).reachable, peer(&lan).detail.answered_at),
        ("192.0.2.11", Some(false), None)
    );
    lan.input(1, Input::Arp { frame: &answer(OTHER, [192, 0, 2, 11]) });
    assert_eq!(peer(&lan).reachable, Some(true));
    lan.run_for(Duration::from_secs(25));
    assert_eq!(peer(&lan).reachable, Some(true), "one answer may be lost");
    lan.run_for(Duration::from_secs(35));
    assert_eq!((peer(&lan).reachable, peer(&lan).detail.answered_at.is_some()), (Some(false), true));
    lan.input(1, Input::Arp { frame: &answer(OTHER, [192, 0, 2, 99]) });
    assert_eq!(peer(&lan).reachable, Some(false), "that was somebody else");
}

#[test]
fn with_a_master_that_is_heard_it_is_evidence_beside_what_is_heard() {
    let mut lan = Lan::started(vec![one(200), one(100)]);
    lan.faults.deaf = vec![1];
    answering(&mut lan, Duration::from_secs(12), OTHER);
    let split = lan.status(0)[0].detail.split_brain.clone().unwrap();
    assert_eq!((split.cause.as_str(), split.with.as_slice()), ("not-heard-by-peer", &["192.0.2.12".to_owned()][..]));
    assert!(split.evidence.contains("52:54:00:00:00:09 answers ARP"), "{}", split.evidence);
}

#[test]
fn two_masters_are_over_with_the_last_of_their_causes_and_not_before() {
    let mut lan = Lan::started(vec![one(200), one(100)]);
    lan.faults.deaf = vec![1];
    answering(&mut lan, Duration::from_secs(12), OTHER);
    let ends = |lan: &Lan| {
        lan.nodes[0].facts(EventKind::SplitBrain).iter().filter(|f| f.to.as_deref() == Some("over")).count()
    };
    // Its engine dies, and its host still answers.
    lan.crash(1);
    answering(&mut lan, Duration::from_secs(10), OTHER);
    assert_eq!((ends(&lan), lan.status(0)[0].detail.split_brain.is_some()), (0, true));
    lan.run_for(Duration::from_secs(20));
    assert_eq!((ends(&lan), lan.status(0)[0].detail.split_brain.is_some()), (1, false));
}

#[test]
fn two_masters_are_over_when_this_one_is_none_any_more() {
    let mut lan = Lan::started(vec![one(100)]);
    answering(&mut lan, Duration::from_secs(12), OTHER);
    lan.command(0, crate::engine::command::Command::Failover { instance: None, hold_seconds: None, blind: true });
    let told = lan.nodes[0].facts(EventKind::SplitBrain).pop().unwrap();
    assert_eq!((told.to.as_deref(), told.reason.as_deref()), (Some("over"), Some("this node is BACKUP")));
}

#[test]
fn with_one_mac_address_on_both_nobody_asks() {
    let mut configuration = one(100);
    configuration.virtual_routers[0].links = vec![VirtualLink {
        name: "vrrp.51".to_owned(),
        base: "eth0".to_owned(),
        family: crate::engine::model::Family::Inet,
        mac: crate::engine::model::Mac([0, 0, 0x5e, 0, 1, 51]),
    }];
    let mut lan = Lan::started(vec![configuration]);
    lan.run_for(Duration::from_secs(40));
    assert_eq!(probes(&lan).len(), 0);
}

#[test]
fn a_rival_that_is_silent_for_a_while_and_answers_arp_is_one_split_brain_with_one_end() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(Duration::from_secs(10));
    // keepalived refuses our list, and restarts its timer with each of our advertisements.
    for _ in 0..6 {
        lan.inject(0, ETH0, &super::detail::another_list());
        answering(&mut lan, Duration::from_secs(9), OTHER);
        let split = lan.status(0)[0].detail.split_brain.clone().unwrap();
        assert_eq!((split.cause.as_str(), split.with.as_slice()), ("address-list", &["192.0.2.20".to_owned()][..]));
        assert!(split.evidence.contains("virtual_ipaddress"), "{}", split.evidence);
        assert!(split.evidence.contains("52:54:00:00:00:09 answers ARP"), "{}", split.evidence);
    }
    let told = |lan: &Lan| {
        let facts = lan.nodes[0].facts(EventKind::SplitBrain);
        facts.into_iter().filter_map(|fact| fact.to).collect::<Vec<_>>()
    };
    assert_eq!(told(&lan), ["begun"]);
    lan.run_for(Duration::from_secs(4));
    assert_eq!(told(&lan), ["begun", "over"]);
    assert_eq!((lan.status(0)[0].detail.split_brain.clone(), lan.nodes[0].warnings().len()), (None, 0));
}

#[test]
fn who_was_heard_with_another_list_is_the_cause_also_where_an_answer_is_the_first_sign() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(Duration::from_millis(3_700));
    // One advertisement may have crossed ours: no split brain yet.
    lan.inject(0, ETH0, &super::detail::another_list());
    answering(&mut lan, Duration::from_secs(2), OTHER);
    let told = lan.nodes[0].facts(EventKind::SplitBrain);
    assert!(told.len() == 1 && told[0].detail.as_ref().unwrap().contains("virtual_ipaddress"), "{told:?}");
    assert_eq!(lan.status(0)[0].detail.split_brain.as_ref().unwrap().cause, "address-list");
}

#[test]
fn a_rival_that_is_silent_at_a_tenth_of_a_second_is_no_end_where_it_answers_arp() {
    let mut configuration = one(100);
    configuration.virtual_routers[0].version = crate::engine::model::VrrpVersion::V3;
    configuration.virtual_routers[0].advert_interval =
        crate::engine::model::AdvertInterval::from_centiseconds(10).unwrap();
    let mut other = configuration.clone();
    other.virtual_routers[0].priority = crate::engine::model::Priority::new(50).unwrap();
    let lower = super::detail::heard_from(&other);
    let mut lan = Lan::started(vec![configuration]);
    lan.run_for(Duration::from_secs(10));
    for _ in 0..20 {
        lan.inject(0, ETH0, &lower);
        answering(&mut lan, Duration::from_millis(700), OTHER);
    }
    let facts = lan.nodes[0].facts(EventKind::SplitBrain);
    assert_eq!(facts.iter().filter_map(|fact| fact.to.as_deref()).collect::<Vec<_>>(), ["begun"]);
}

#[test]
fn a_refused_master_that_is_seldom_heard_and_answers_arp_is_left_the_addresses_by_a_failover() {
    let secret = |mut configuration: Configuration, password: &str| {
        configuration.virtual_routers[0].authentication = Authentication::Pass(Password::new(password));
        configuration
    };
    let mut lan = Lan::started(vec![secret(one(150), "one"), secret(one(100), "two")]);
    lan.run_for(Duration::from_secs(10));
    assert_eq!(lan.masters(), [0, 1]);
    lan.faults.deaf = vec![0];
    answering(&mut lan, Duration::from_secs(10), OTHER);
    assert_eq!(lan.status(0)[0].detail.split_brain.as_ref().unwrap().cause, "authentication");
    lan.command(0, Command::Failover { instance: None, hold_seconds: None, blind: false });
    lan.run_for(Duration::from_millis(1));
    assert_eq!(lan.nodes[0].answer().message, "VI_1: 192.0.2.12 is master already");
    lan.faults.deaf = vec![];
    lan.run_for(Duration::from_mins(1));
    assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![1], vec![1]), "its advertisements keep us back");
}

//! What is told of an instance beside its state: refused packets, jitter, announcements, split brain, forecasts; and what
//! the policies do.

use super::lan::*;
use super::probes::{OTHER, answer};
use crate::engine::command::Command;
use crate::engine::event::EventKind;
use crate::engine::failover::Input;
use crate::engine::model::{
    AdvertInterval, AdvertisedPriority, Authentication, Configuration, Family, Password, Track, TrackKind, Vrid,
    VrrpVersion,
};
use crate::engine::snapshot::VirtualRouterState::{Backup, Master};
use crate::engine::snapshot::WhatIf;
use crate::engine::vrrp::{Advertisement, ChecksumForm, Tracked};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 20);

fn wire(version: VrrpVersion, priority: u8, password: Option<&str>) -> Vec<u8> {
    let advertisement = Advertisement {
        version,
        vrid: Vrid::new(51).unwrap(),
        priority: AdvertisedPriority(priority),
        interval: AdvertInterval::DEFAULT,
        authentication: password.map_or(Authentication::None, |text| Authentication::Pass(Password::new(text))),
        addresses: vec![IpAddr::from([192, 0, 2, 254])],
    };
    let form = ChecksumForm::sent(version, Family::Inet, false);
    packet(PEER, 255, &advertisement.encode(PEER.into(), GROUP, form))
}

/// A loser with one address more.
pub fn another_list() -> Vec<u8> {
    let mut listed = one(50);
    listed.virtual_routers[0].addresses.push(vip(253));
    heard_from(&listed)
}

/// As a node with this configuration sends it.
pub fn heard_from(configuration: &Configuration) -> Vec<u8> {
    let router = &configuration.virtual_routers[0];
    let advertisement = Advertisement {
        version: router.version,
        vrid: router.vrid,
        priority: router.priority.advertised(),
        interval: router.advert_interval,
        authentication: Authentication::None,
        addresses: router.addresses.iter().map(|address| address.address).collect(),
    };
    let form = ChecksumForm::sent(router.version, Family::Inet, false);
    packet(PEER, 255, &advertisement.encode(PEER.into(), GROUP, form))
}

fn with_password() -> Configuration {
    let mut configuration = one(100);
    configuration.virtual_routers[0].authentication = Authentication::Pass(Password::new("secret"));
    configuration
}

#[test]
fn the_last_refused_packet_of_a_peer_is_shown_with_its_reason_and_without_its_password() {
    let mut lan = Lan::started(vec![with_password()]);
    lan.inject(0, ETH0, &wire(VrrpVersion::V2, 200, Some("hunter2")));
    lan.inject(0, ETH0, &wire(VrrpVersion::V2, 200, Some("secret")));
    let peer = lan.status(0)[0].peers[0].clone();
    assert_eq!(peer.rejected, None, "the newest was accepted");
    let refused = peer.detail.refused.unwrap();
    assert!(refused.reason.contains("auth_pass"), "{}", refused.reason);
    assert!(refused.bytes.ends_with("c0 00 02 fe ** ** ** ** ** ** ** **"), "{}", refused.bytes);
    assert_eq!(refused.length, 40);
    let mut ttl = wire(VrrpVersion::V2, 200, Some("secret"));
    ttl[8] = 64;
    lan.inject(0, ETH0, &ttl);
    assert!(lan.status(0)[0].peers[0].detail.refused.as_ref().unwrap().reason.contains("TTL 64"));
}

#[test]
fn the_regularity_of_a_peer_is_measured_over_its_last_gaps() {
    let mut lan = Lan::started(vec![one(100)]);
    for gap in [1000, 1010, 990, 97, 1000] {
        lan.inject(0, ETH0, &wire(VrrpVersion::V2, 200, None));
        lan.run_for(Duration::from_millis(gap));
    }
    let detail = lan.status(0)[0].peers[0].detail.clone();
    let jitter = detail.jitter.unwrap();
    assert_eq!((jitter.gaps, jitter.min_us, jitter.mean_us, jitter.max_us), (3, 990_000, 1_000_000, 1_010_000));
    assert_eq!((detail.interval_ms, detail.checksum.as_deref()), (Some(1000), Some("message-only")));
}

#[test]
fn rounds_of_announcements_are_logged() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(seconds(10));
    let rounds = lan.status(0)[0].detail.announcements.clone();
    assert_eq!(rounds.iter().map(|r| (r.addresses, r.repeat)).collect::<Vec<_>>(), [(1, 5), (1, 5)]);
    assert_eq!(rounds[1].at.duration_since(rounds[0].at).unwrap(), seconds(5));
}

/// A master hears another one three times.
fn beside(lan: &mut Lan, packet: &[u8]) {
    for _ in 0..3 {
        lan.inject(0, ETH0, packet);
        lan.run_for(seconds(1));
    }
}

#[test]
fn a_split_brain_names_its_likely_cause_and_when_it_is_over_addresses_are_announced_again() {
    let mut foreign = wire(VrrpVersion::V2, 50, None);
    foreign[19] = 99;
    let causes = [
        ("address-list", another_list()),
        ("not-heard-by-peer", wire(VrrpVersion::V2, 50, None)),
        ("authentication", wire(VrrpVersion::V2, 200, Some("hunter2"))),
        ("version", wire(VrrpVersion::V3, 200, None)),
        ("destination", foreign),
    ];
    for (cause, packet) in causes {
        let mut lan = Lan::started(vec![one(100)]);
        lan.run_for(seconds(10));
        beside(&mut lan, &packet);
        let split = lan.status(0)[0].detail.split_brain.clone().unwrap();
        assert_eq!((split.cause.as_str(), split.with.as_slice()), (cause, &["192.0.2.20".to_owned()][..]));
        assert!(lan.nodes[0].warnings().contains(&"split-brain".to_owned()));
        // What losing advertisements of its were answered with is over by then.
        lan.run_for(Duration::from_millis(1900));
        let before = lan.nodes[0].actions.len();
        lan.run_for(Duration::from_millis(800));
        assert_eq!(lan.status(0)[0].detail.split_brain, None);
        let words = lan.nodes[0].words(before);
        // Losing advertisements have a second round of their own after five seconds.
        assert!(words.iter().filter(|w| w.starts_with("announce")).count() >= 5, "{cause}: {words:?}");
        assert_eq!(lan.nodes[0].facts(EventKind::SplitBrain).len(), 2);
    }
}

#[test]
fn who_took_over_while_this_engine_stood_still_is_not_said_to_be_deaf_until_it_goes_on() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(seconds(10));
    // The process is stopped; what came meanwhile is read first.
    lan.now += seconds(8);
    let lower = wire(VrrpVersion::V2, 50, None);
    (0..4).for_each(|_| lan.inject(0, ETH0, &lower));
    lan.input(0, Input::Timeout);
    let split = lan.status(0)[0].detail.split_brain.clone().unwrap();
    assert_eq!(split.cause, "stood-still");
    assert!(split.evidence.starts_with("this engine stood still for 7."), "{}", split.evidence);
    let begun = lan.nodes[0].facts(EventKind::SplitBrain);
    assert_eq!((begun.len(), begun[0].detail.as_ref()), (1, Some(&split.evidence)));
    // It would have yielded to what it was answered with.
    beside(&mut lan, &lower);
    assert_eq!(lan.status(0)[0].detail.split_brain.clone().unwrap().cause, "not-heard-by-peer");
}

#[test]
fn who_is_refused_is_no_candidate_and_a_split_brain_is_said_before_a_failover() {
    let mut lan = Lan::started(vec![with_password()]);
    lan.run_for(seconds(10));
    let shown = |lan: &mut Lan| {
        lan.ask(0, Command::Failover { instance: None, hold_seconds: None, blind: false }, true, None);
        lan.nodes[0].answer().preview.blast_radius.clone()
    };
    beside(&mut lan, &wire(VrrpVersion::V2, 200, Some("hunter2")));
    let said = shown(&mut lan);
    assert!(said.contains("VI_1: SPLIT-BRAIN now: 192.0.2.20 is master beside this node (authentication)"), "{said}");
    assert!(said.ends_with("VI_1: 192.0.2.20 is master already, so nobody is waited for"), "{said}");
    lan.run_for(seconds(10));
    let forecast = lan.status(0)[0].detail.what_if[0].clone();
    assert_eq!((forecast.new_master, forecast.in_ms), (None, None));
    assert!(
        forecast.note.contains("no other router was ever heard but 192.0.2.20, which is refused here ("),
        "{}",
        forecast.note
    );
    let said = shown(&mut lan);
    assert!(said.contains("192.0.2.20, which is refused here") && said.contains("so nobody may take over"), "{said}");
    // A candidate is told by what was accepted of it, whatever is refused of it later.
    lan.inject(0, ETH0, &wire(VrrpVersion::V2, 50, Some("secret")));
    lan.run_for(seconds(600));
    beside(&mut lan, &wire(VrrpVersion::V2, 200, Some("hunter2")));
    lan.run_for(seconds(60));
    // Its host is there.
    lan.input(0, Input::Arp { frame: &answer(OTHER, PEER.octets()) });
    let forecast = lan.status(0)[0].detail.what_if[0].clone();
    assert_eq!(forecast.new_master.as_deref(), Some("192.0.2.20"));
    assert!(forecast.assumes[0].contains("was heard 11m03s ago; refused here since: "), "{:?}", forecast.assumes);
    assert_eq!(forecast.assumes[1], "its priority is 50, as it was then");
    let said = shown(&mut lan);
    assert!(
        said.contains("(priority 50; last heard 11m03s ago, for a backup is silent; refused here since: "),
        "{said}"
    );
    assert!(!said.contains("SPLIT-BRAIN"), "{said}");
    assert_eq!(lan.status(0)[0].peers[0].detail.accepted.unwrap().priority, 50);
}

#[test]
fn with_step_down_lower_a_master_yields_to_a_higher_one_that_it_refuses_and_to_no_lower_one() {
    let mut configuration = one(100);
    configuration.virtual_routers[0].variations.yields_to_refused = true;
    let mut lan = Lan::started(vec![configuration]);
    lan.run_for(seconds(10));
    beside(&mut lan, &wire(VrrpVersion::V3, 99, None));
    assert_eq!(lan.state(0), Master);
    lan.run_for(seconds(10));
    for _ in 0..20 {
        lan.inject(0, ETH0, &wire(VrrpVersion::V3, 200, None));
        assert_eq!(lan.state(0), Backup);
        lan.run_for(seconds(1));
    }
    assert_eq!(lan.holders(vip(254).address), [0; 0]);
    lan.run_for(seconds(4));
    assert_eq!(lan.state(0), Master, "when the other is silent the rules of silence hold");
}

#[test]
fn a_master_whose_address_is_removed_restores_it_at_once_or_gives_mastership_up() {
    let mut lan = Lan::started(vec![one(150), one(100)]);
    lan.run_for(seconds(10));
    lan.meddle(0, ETH0, vip(254).address, 24, false);
    lan.run_for(Duration::from_millis(50));
    assert_eq!(lan.holders(vip(254).address), [0]);
    let mut yields = one(150);
    yields.virtual_routers[0].variations.steps_down_without_address = true;
    let mut lan = Lan::started(vec![yields, one(100)]);
    lan.run_for(seconds(10));
    lan.meddle(0, ETH0, vip(254).address, 24, false);
    lan.run_for(seconds(1));
    assert_eq!(lan.masters(), [1]);
    assert!(lan.status(0)[0].history.last().unwrap().reason.contains("removed 192.0.2.254/24"));
}

fn what_if<'a>(answers: &'a [WhatIf], event: &str) -> &'a WhatIf {
    answers.iter().find(|one| one.event.starts_with(event)).unwrap_or_else(|| panic!("{event}: {answers:#?}"))
}

#[test]
fn a_forecast_names_the_next_master_its_time_and_what_it_takes_for_granted() {
    let mut configuration = one(150);
    configuration.virtual_routers[0].tracks = [("web", -20), ("both", -60), ("hard", 0)]
        .map(|(name, weight)| Track { kind: TrackKind::Script, name: name.to_owned(), weight, reverse: false })
        .to_vec();
    let mut lan = Lan::started(vec![configuration, one(100)]);
    for script in ["web", "both", "hard"] {
        lan.input(
            0,
            Input::Tracked {
                kind: TrackKind::Script,
                name: script.to_owned(),
                state: Tracked::Up,
                said: String::new(),
            },
        );
    }
    lan.run_for(seconds(10));
    let nobody = lan.status(0)[0].detail.what_if.clone();
    assert_eq!(what_if(&nobody, "this node stops").new_master, None, "the other never spoke");
    assert!(what_if(&nobody, "this node stops").note.contains("ever heard"));
    // It speaks when it has to.
    lan.set_link(0, ETH0, false);
    lan.run_for(seconds(5));
    lan.set_link(0, ETH0, true);
    lan.run_for(seconds(10));
    assert_eq!(lan.masters(), [0]);
    let answers = lan.status(0)[0].detail.what_if.clone();
    let other = Some("192.0.2.12".to_owned());
    let stops = what_if(&answers, "this node stops");
    assert_eq!((&stops.new_master, stops.in_ms), (&other, Some(609)));
    assert!(stops.assumes.iter().any(|line| line.contains("192.0.2.12 is alive")), "{stops:?}");
    assert_eq!(what_if(&answers, "this node dies").in_ms, Some(3609));
    let web = what_if(&answers, "script web fails");
    assert_eq!((&web.new_master, web.in_ms), (&None, None));
    assert!(
        web.note.contains("nothing moves: priority 130 is not below 100") && web.note.contains("a weight of -51"),
        "{}",
        web.note
    );
    assert_eq!(what_if(&answers, "script both fails").new_master, other);
    assert_eq!(what_if(&answers, "script hard fails").in_ms, Some(609));
    assert_eq!(what_if(&answers, "scripts web, both, hard all fail").new_master, other);
    let backup = lan.status(1)[0].detail.what_if.clone();
    let dies = what_if(&backup, "192.0.2.11 dies");
    assert_eq!((dies.new_master.as_deref(), dies.in_ms), (Some("this node"), Some(3609)));
}

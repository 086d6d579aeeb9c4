//! Interfaces, processes and files that are tracked: what they do to priorities and states. Scripts have a file of their own.

use super::lan::*;
use crate::engine::event::EventKind;
use crate::engine::failover::Input;
use crate::engine::model::{Configuration, Track, TrackKind};
use crate::engine::snapshot::VirtualRouterState::{Backup, Fault, Init, Master};
use crate::engine::vrrp::Tracked::{self, Down, Up, Value};

fn tracking(kind: TrackKind, name: &str, weight: i32, reverse: bool) -> Configuration {
    let mut configuration = one(100);
    configuration.virtual_routers[0].tracks = vec![Track { kind, name: name.into(), weight, reverse }];
    configuration
}

fn say(lan: &mut Lan, kind: TrackKind, name: &str, state: Tracked, said: &str) {
    lan.input(0, Input::Tracked { kind, name: name.into(), state, said: said.into() });
}

/// State, effective priority.
fn stands(lan: &Lan) -> (crate::engine::snapshot::VirtualRouterState, u8) {
    (lan.state(0), lan.status(0)[0].effective_priority)
}

/// As keepalived 2.2.7 was seen to reckon with interfaces: weight, reverse; then priority and fault while up and while down.
#[test]
fn an_interface_moves_the_priority_or_makes_a_fault() {
    let cases = [
        ((0, false), (Backup, 100), (Fault, 100)),
        ((10, false), (Backup, 110), (Backup, 100)),
        ((-10, false), (Backup, 100), (Backup, 90)),
        ((10, true), (Backup, 90), (Backup, 100)),
        ((0, true), (Fault, 100), (Backup, 100)),
    ];
    for ((weight, reverse), up, down) in cases {
        let mut lan = Lan::started(vec![tracking(TrackKind::Interface, "eth1", weight, reverse)]);
        assert_eq!(stands(&lan), up, "{weight} {reverse}: up");
        lan.set_link(0, ETH1, false);
        assert_eq!(stands(&lan), down, "{weight} {reverse}: down");
        lan.set_link(0, ETH1, true);
        assert_eq!(stands(&lan), up, "{weight} {reverse}: up again");
    }
}

#[test]
fn the_other_interface_of_a_master_takes_mastership_along() {
    let mut lan = Lan::started(vec![tracking(TrackKind::Interface, "eth1", 0, false), one(50)]);
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [0]);
    lan.set_link(0, ETH1, false);
    assert_eq!(lan.status(0)[0].reason, "interface eth1 is down: it is down or has no carrier");
    assert!(lan.nodes[0].warnings().contains(&"interface-down".to_owned()));
    lan.run_for(seconds(2));
    assert_eq!(lan.masters(), [1]);
    lan.set_link(0, ETH1, true);
    lan.run_for(seconds(5));
    assert_eq!((lan.masters(), lan.nodes[0].warnings()), (vec![0], Vec::new()));
    let facts = lan.nodes[0].facts(EventKind::Tracked);
    let told: Vec<_> = facts.iter().map(|fact| (fact.subject.as_str(), fact.to.as_deref().unwrap())).collect();
    assert_eq!(told, [("interface eth1", "down"), ("interface eth1", "up")], "the first look is no news");
}

#[test]
fn an_interface_that_does_not_exist_counts_as_down_until_it_comes() {
    let mut lan = Lan::started(vec![tracking(TrackKind::Interface, "wan0", 0, false)]);
    assert_eq!((lan.state(0), lan.status(0)[0].reason.as_str()), (Fault, "interface wan0 is down: it does not exist"));
    lan.input(0, Input::Link(link(9, "wan0")));
    assert_eq!(lan.state(0), Backup);
    lan.input(0, Input::LinkGone { index: 9 });
    assert_eq!(lan.state(0), Fault);
}

#[test]
fn without_dont_track_primary_its_own_interface_counts_and_with_it_not() {
    for (tracks, state) in [(true, Fault), (false, Master)] {
        let mut configuration = one(100);
        configuration.virtual_routers[0].tracks_interface = tracks;
        let mut lan = Lan::started(vec![configuration]);
        lan.run_for(seconds(5));
        lan.set_link(0, ETH0, false);
        assert_eq!(lan.state(0), state, "{tracks}");
    }
}

#[test]
fn a_process_is_waited_for_and_too_few_are_a_fault() {
    let mut lan = Lan::started(vec![tracking(TrackKind::Process, "nginx", 0, false)]);
    lan.run_for(seconds(5));
    assert_eq!((lan.state(0), lan.status(0)[0].reason.as_str()), (Init, "waits for the first answer of process nginx"));
    say(&mut lan, TrackKind::Process, "nginx", Up, "1 runs, 1 needed");
    lan.run_for(seconds(5));
    assert_eq!(lan.state(0), Master);
    say(&mut lan, TrackKind::Process, "nginx", Down, "0 run, 1 needed");
    assert_eq!(lan.status(0)[0].reason, "process nginx does not run as wanted: 0 run, 1 needed");
    assert!(lan.nodes[0].warnings().contains(&"process-missing".to_owned()));
    say(&mut lan, TrackKind::Script, "nginx", Up, "another thing of that name");
    assert_eq!(lan.state(0), Fault);
}

#[test]
fn the_number_of_a_file_moves_the_priority_and_far_below_it_is_a_fault() {
    let mut lan = Lan::started(vec![tracking(TrackKind::File, "load", -2, false)]);
    assert_eq!(stands(&lan), (Backup, 100), "nothing is known yet");
    for (value, stand) in [(10, (Backup, 80)), (0, (Backup, 100)), (127, (Fault, 1)), (-5, (Backup, 110))] {
        say(&mut lan, TrackKind::File, "load", Value(value), "it says so");
        assert_eq!(stands(&lan), stand, "{value}");
    }
    let fact = lan.nodes[0].facts(EventKind::Tracked).pop().unwrap();
    assert_eq!((fact.subject.as_str(), fact.to.as_deref()), ("file load", Some("-5")));
    assert_eq!(fact.detail.as_deref(), Some("VI_1: priority 1 to 110"));
}

#[test]
fn a_forecast_knows_everything_that_is_tracked() {
    let mut configuration = one(150);
    let track = |kind, name: &str, weight| Track { kind, name: name.into(), weight, reverse: false };
    configuration.virtual_routers[0].tracks = vec![
        track(TrackKind::Interface, "eth1", -60),
        track(TrackKind::Process, "nginx", 0),
        track(TrackKind::File, "load", -1),
    ];
    let mut lan = Lan::started(vec![configuration, one(100)]);
    say(&mut lan, TrackKind::Process, "nginx", Up, "");
    say(&mut lan, TrackKind::File, "load", Value(10), "");
    lan.set_link(0, ETH0, false);
    lan.run_for(seconds(5));
    lan.set_link(0, ETH0, true);
    lan.run_for(seconds(10));
    let answers = lan.status(0)[0].detail.what_if.clone();
    let find = |event: &str| answers.iter().find(|one| one.event == event).unwrap_or_else(|| panic!("{answers:#?}"));
    let other = Some("192.0.2.12".to_owned());
    let down = find("interface eth1 goes down");
    assert_eq!((&down.new_master, down.note.as_str()), (&other, "priority falls to 80"), "the file's number counts on");
    assert_eq!(find("process nginx does not run as wanted").in_ms, Some(609));
    assert_eq!(find("interface eth1, process nginx all fail").new_master, other);
}

#[test]
fn the_status_tells_what_is_tracked_and_how_it_counts() {
    let mut lan = Lan::started(vec![tracking(TrackKind::File, "load", -2, true)]);
    let shown = |lan: &Lan| {
        let tracked = &lan.status(0)[0].detail.tracked;
        assert_eq!(tracked.len(), 1);
        let one = &tracked[0];
        assert_eq!((one.kind.as_str(), one.name.as_str(), one.weight, one.reverse), ("file", "load", -2, true));
        (one.state.clone(), one.said.clone())
    };
    assert_eq!(shown(&lan), ("unanswered".to_owned(), String::new()));
    say(&mut lan, TrackKind::File, "load", Value(7), "it says 7");
    assert_eq!(shown(&lan), ("7".to_owned(), "it says 7".to_owned()));
}

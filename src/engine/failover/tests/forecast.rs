//! What would happen if: what a forecast says and what then comes.

use super::lan::*;
use super::probes::{OTHER, answer};
use crate::engine::command::{Command, Outcome};
use crate::engine::event::EventKind;
use crate::engine::failover::Input;
use crate::engine::model::{Authentication, Configuration, Password, Track, TrackKind, VrrpVersion};
use crate::engine::snapshot::VirtualRouterState::{Backup, Fault, Master};
use crate::engine::snapshot::WhatIf;
use crate::engine::vrrp::Tracked::{self, Down, Up};
use std::time::Duration;

fn scripts(priority: u8, scripts: &[(&str, i32)]) -> Configuration {
    let mut configuration = one(priority);
    let track = |(name, weight): &(&str, i32)| Track {
        kind: TrackKind::Script,
        name: (*name).to_owned(),
        weight: *weight,
        reverse: false,
    };
    configuration.virtual_routers[0].tracks = scripts.iter().map(track).collect();
    configuration
}

fn say(lan: &mut Lan, name: &str, state: Tracked) {
    lan.input(0, Input::Tracked { kind: TrackKind::Script, name: name.to_owned(), state, said: String::new() });
}

/// The first node leads, and has heard every other one as master before.
fn led_by_the_first(configurations: Vec<Configuration>, good: &[&str]) -> Lan {
    let mut lan = Lan::new(configurations);
    lan.boot(0);
    for name in good {
        say(&mut lan, name, Up);
    }
    lan.run_for(seconds(8));
    lan.command(0, Command::Failover { instance: None, hold_seconds: None, blind: true });
    for n in (1..lan.nodes.len()).rev() {
        lan.boot(n);
        lan.run_for(seconds(8));
    }
    lan.command(0, Command::Rejoin { instance: None });
    lan.run_for(seconds(8));
    assert_eq!(lan.masters(), [0]);
    lan
}

fn answers(lan: &Lan, n: usize, router: usize) -> Vec<WhatIf> {
    lan.status(n)[router].detail.what_if.clone()
}

fn found(lan: &Lan, n: usize, event: &str) -> WhatIf {
    let all = answers(lan, n, 0);
    all.iter().find(|one| one.event.starts_with(event)).unwrap_or_else(|| panic!("{event}: {all:#?}")).clone()
}

fn v3(mut configuration: Configuration) -> Configuration {
    configuration.virtual_routers[0].version = VrrpVersion::V3;
    configuration
}

#[test]
fn a_script_that_fails_is_reckoned_beside_what_fails_already() {
    let other = Some("192.0.2.12".to_owned());
    let mut lan = led_by_the_first(vec![scripts(150, &[("A", -30), ("B", -30)]), one(100)], &["A", "B"]);
    assert!(found(&lan, 0, "script A fails").note.starts_with("nothing moves: priority 120 is not below 100"));
    say(&mut lan, "B", Down);
    let fails = found(&lan, 0, "script A fails");
    assert_eq!((&fails.new_master, fails.note.as_str()), (&other, "priority falls to 90"));
    let events: Vec<String> = answers(&lan, 0, 0).into_iter().map(|one| one.event).collect();
    assert_eq!(events.iter().filter(|event| event.contains("script")).count(), 1, "what failed already: {events:?}");
    say(&mut lan, "A", Down);
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [1], "as it said");

    let tracked = v3(scripts(100, &[("ok", 60), ("two", 10)]));
    let mut lan = led_by_the_first(vec![tracked, v3(one(105))], &["ok"]);
    say(&mut lan, "two", Down);
    assert_eq!(lan.status(0)[0].effective_priority, 160);
    assert_eq!(found(&lan, 0, "script ok fails").note, "priority falls to 100");
    say(&mut lan, "ok", Down);
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [1]);
}

#[test]
fn the_weight_that_would_move_it_counts_all_that_counts_now_and_a_leader_by_takeover_stays() {
    for (weight, masters) in [(-20, [0]), (-70, [0]), (-71, [1])] {
        let mut lan = led_by_the_first(vec![scripts(150, &[("ok", 60), ("two", weight)]), one(140)], &["ok", "two"]);
        if weight > -71 {
            let note = found(&lan, 0, "script two fails").note;
            let priority = 210 + weight;
            assert_eq!(
                note,
                format!(
                    "nothing moves: priority {priority} is not below 140, the priority of 192.0.2.12; a weight of -71 would move it"
                )
            );
            assert!(found(&lan, 0, "script ok fails").note.ends_with("the priority of 192.0.2.12"), "no advice");
        }
        say(&mut lan, "two", Down);
        lan.run_for(seconds(5));
        assert_eq!(lan.masters(), masters, "{weight}");
    }
    let mut lan = led_by_the_first(vec![scripts(150, &[("web", -100)]), one(140)], &["web"]);
    lan.command(0, Command::Failover { instance: None, hold_seconds: None, blind: false });
    lan.run_for(seconds(5));
    lan.command(0, Command::Takeover { instance: "VI_1".to_owned() });
    lan.run_for(seconds(5));
    let stays = found(&lan, 0, "script web fails");
    assert!(stays.note.starts_with("nothing moves: priority 254 is not below 140"), "{}", stays.note);
    assert!(!stays.note.contains("weight"), "{}", stays.note);
}

#[test]
fn a_node_in_fault_does_not_foretell_itself() {
    let mut lan = Lan::started(vec![scripts(100, &[("hard", 0)]), one(150)]);
    say(&mut lan, "hard", Up);
    lan.run_for(seconds(8));
    assert_eq!(found(&lan, 0, "192.0.2.12 dies").new_master.as_deref(), Some("this node"));
    say(&mut lan, "hard", Down);
    lan.run_for(seconds(1));
    assert_eq!(lan.state(0), Fault);
    for event in ["192.0.2.12 resigns", "192.0.2.12 dies"] {
        let answer = found(&lan, 0, event);
        assert_eq!((answer.new_master, answer.in_ms), (None, None));
        assert!(
            answer.note.starts_with("this node can't: it is in FAULT: script hard fails")
                && answer.note.ends_with("no other candidate is known: nobody may take over"),
            "{}",
            answer.note
        );
    }
    lan.crash(1);
    lan.run_for(seconds(10));
    assert_eq!(lan.masters(), [0; 0]);
}

#[test]
fn a_backup_foretells_who_was_heard_with_a_higher_priority() {
    let mut lan = Lan::new(vec![one(100), one(150), one(120)]);
    for n in [0, 2, 1] {
        lan.boot(n);
        lan.run_for(seconds(8));
    }
    assert_eq!(lan.masters(), [1]);
    let dies = found(&lan, 0, "192.0.2.12 dies");
    // 120: 136/256 s after three.
    assert_eq!((dies.new_master.as_deref(), dies.in_ms), (Some("192.0.2.13"), Some(3531)));
    assert_eq!(dies.note, "this node after 3609 ms if that one is gone");
    assert!(dies.assumes[0].starts_with("192.0.2.13 is alive: it was heard "), "{:?}", dies.assumes);
    assert_eq!(found(&lan, 2, "192.0.2.12 dies").new_master.as_deref(), Some("this node"), "100 < 120");
    lan.crash(1);
    lan.run_for(seconds(6));
    assert_eq!(lan.masters(), [2], "as it said");

    // Who outranks the master and leaves it alone is no candidate.
    let mut lan = led_by_the_first(vec![one(200), one(150), one(100)], &[]);
    lan.crash(0);
    lan.run_for(seconds(8));
    let dies = found(&lan, 2, "192.0.2.12 dies");
    assert_eq!(dies.new_master.as_deref(), Some("this node"));
    assert_eq!(
        dies.assumes[1], "192.0.2.11 stays away: its priority was 200, and it leaves 192.0.2.12 master",
        "{:?}",
        dies.assumes
    );
    lan.crash(1);
    lan.run_for(seconds(8));
    assert_eq!(lan.masters(), [2]);
}

#[test]
fn who_is_held_foretells_everybody_else_before_itself() {
    let mut lan = led_by_the_first(vec![one(200), one(150), one(100)], &[]);
    lan.command(0, Command::Failover { instance: None, hold_seconds: None, blind: false });
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [1]);
    let dies = found(&lan, 0, "192.0.2.12 dies");
    assert_eq!((dies.new_master.as_deref(), dies.in_ms), (Some("192.0.2.13"), Some(3609)));
    lan.crash(1);
    lan.run_for(seconds(10));
    assert_eq!(lan.masters(), [2], "as it said");
}

#[test]
fn who_is_silent_and_does_not_answer_arp_is_no_candidate() {
    let mut lan = led_by_the_first(vec![v3(one(200)), v3(one(150)), v3(one(100))], &[]);
    let shown = |lan: &mut Lan| {
        lan.ask(0, Command::Failover { instance: None, hold_seconds: None, blind: false }, true, None);
        lan.nodes[0].answer().preview.blast_radius.clone()
    };
    assert_eq!(found(&lan, 0, "this node stops").new_master.as_deref(), Some("192.0.2.12"));
    let answering = |lan: &mut Lan, last: u8| {
        for _ in 0..6 {
            lan.run_for(seconds(10));
            lan.input(0, Input::Arp { frame: &answer(OTHER, [192, 0, 2, last]) });
        }
    };
    answering(&mut lan, 13);
    let stops = found(&lan, 0, "this node stops");
    assert_eq!(stops.new_master.as_deref(), Some("192.0.2.13"));
    assert_eq!(stops.assumes.last().unwrap(), "192.0.2.12 is gone: it does not answer ARP");
    assert!(shown(&mut lan).contains("192.0.2.13 should take over after "));
    lan.run_for(seconds(60));
    let stops = found(&lan, 0, "this node stops");
    assert_eq!((stops.new_master, stops.in_ms), (None, None));
    assert!(
        stops.note.starts_with("no answer to ARP from 192.0.2.12 (last heard ")
            && stops.note.ends_with("and no other candidate is known: nobody may take over"),
        "{}",
        stops.note
    );
    let said = shown(&mut lan);
    assert!(said.contains("no answer to ARP from ") && !said.contains("should take over"), "{said}");
}

#[test]
fn a_failover_in_a_split_brain_leaves_it_to_the_other_master_and_is_done_at_once() {
    let secret = |mut configuration: Configuration, password: &str| {
        configuration.virtual_routers[0].authentication = Authentication::Pass(Password::new(password));
        configuration
    };
    let deaf = vec![v3(one(150)), v3(one(100))];
    let refused = vec![secret(one(150), "one"), secret(one(100), "two")];
    for (configurations, deaf) in [(deaf, vec![1]), (refused, vec![])] {
        let mut lan = Lan::started(configurations);
        lan.faults.deaf = deaf;
        lan.run_for(seconds(10));
        assert_eq!(lan.masters(), [0, 1]);
        let stops = found(&lan, 0, "this node stops");
        assert_eq!((stops.new_master.as_deref(), stops.in_ms), (Some("192.0.2.12"), Some(0)));
        assert_eq!(found(&lan, 0, "this node dies").note, "it is master already, beside this node");
        let command = Command::Failover { instance: None, hold_seconds: None, blind: false };
        lan.ask(0, command.clone(), true, None);
        let shown = lan.nodes[0].answer().preview.blast_radius.clone();
        assert!(shown.ends_with("VI_1: 192.0.2.12 is master already, so nobody is waited for"), "{shown}");
        let before = lan.now;
        lan.command(0, command);
        lan.run_for(Duration::from_millis(1));
        let (at, answer) = lan.nodes[0].answers.last().unwrap().clone();
        assert_eq!(
            (at, answer.outcome, answer.message.as_str()),
            (before, Outcome::Done, "VI_1: 192.0.2.12 is master already")
        );
        lan.run_for(seconds(60));
        assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![1], vec![1]), "and it stays");
        assert_eq!(lan.nodes[0].facts(EventKind::SplitBrain).len(), 2, "begun and over");
        // The last resort as ever.
        lan.crash(1);
        lan.run_for(seconds(10));
        assert_eq!((lan.state(0), &lan.status(0)[0].held), (Master, &None));
    }
}

#[test]
fn a_sync_group_is_not_done_before_each_member_has_another_master() {
    let mut lan = Lan::started(vec![pair(150), one(100)]);
    lan.faults.deaf = vec![1];
    lan.run_for(seconds(10));
    assert_eq!(lan.masters(), [0, 1]);
    lan.command(0, Command::Failover { instance: None, hold_seconds: None, blind: false });
    assert_eq!(lan.state(0), Backup);
    lan.run_for(seconds(5));
    let answer = lan.nodes[0].answer();
    assert_eq!(answer.outcome, Outcome::Failed);
    assert!(
        answer.message.starts_with("VI_1: 192.0.2.12 is master already; VI_2: nobody took over within"),
        "{}",
        answer.message
    );
    assert!(lan.status(0).iter().all(|status| status.state == Master));
}

#[test]
fn a_fault_of_one_member_is_foretold_of_its_whole_sync_group() {
    let mut tracked = pair(150);
    tracked.virtual_routers[0].tracks = scripts(150, &[("hard", 0), ("soft", -10)]).virtual_routers[0].tracks.clone();
    let mut lan = led_by_the_first(vec![tracked, pair(100)], &["hard", "soft"]);
    let own = found(&lan, 0, "script hard fails");
    assert_eq!((own.new_master.as_deref(), own.in_ms), (Some("192.0.2.12"), Some(609)));
    assert_eq!(own.note, "this node goes to FAULT and resigns");
    let all = answers(&lan, 0, 1);
    let along: Vec<&WhatIf> = all.iter().filter(|one| one.event.contains("script")).collect();
    assert_eq!((along.len(), along[0].event.as_str()), (1, "script hard fails"), "{all:#?}");
    assert_eq!((along[0].new_master.as_deref(), along[0].in_ms), (Some("198.51.100.12"), Some(609)));
    assert_eq!(along[0].note, "VI_1 goes to FAULT, and its sync group resigns with it");
    say(&mut lan, "hard", Down);
    assert!(lan.status(0).iter().all(|status| status.state == Fault), "as it said");
}

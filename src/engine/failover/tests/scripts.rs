//! Tracked scripts: what their results do to priorities and states.

use super::lan::*;
use crate::engine::command::{Command, Outcome};
use crate::engine::event::{EventKind, Severity};
use crate::engine::failover::{Action, Input};
use crate::engine::model::{Configuration, Priority, Track, TrackKind};
use crate::engine::snapshot::VirtualRouterState::{Backup, Fault, Init, Master};
use crate::engine::vrrp::Tracked::{self, Down, LeftOut, Presumed, Up};

const NOT_YET: &str = "it has not run yet (init_fail)";

fn tracking(priority: u8, scripts: &[(&str, i32)]) -> Configuration {
    let mut configuration = one(priority);
    configuration.virtual_routers[0].tracks = tracked(scripts);
    configuration
}

fn tracked(scripts: &[(&str, i32)]) -> Vec<Track> {
    let script = |(name, weight): &(&str, i32)| Track {
        kind: TrackKind::Script,
        name: (*name).into(),
        weight: *weight,
        reverse: false,
    };
    scripts.iter().map(script).collect()
}

impl Lan {
    fn say(&mut self, node: usize, script: &str, state: Tracked, said: &str) {
        self.input(node, Input::Tracked { kind: TrackKind::Script, name: script.into(), state, said: said.into() });
    }

    fn effective(&self, node: usize) -> u8 {
        self.status(node)[0].effective_priority
    }
}

#[test]
fn a_script_without_a_weight_is_waited_for_and_its_failure_is_a_fault_until_it_recovers() {
    let mut lan = Lan::started(vec![tracking(100, &[("web", 0)])]);
    lan.run_for(seconds(10));
    assert_eq!((lan.state(0), lan.status(0)[0].reason.as_str()), (Init, "waits for the first answer of script web"));
    lan.say(0, "web", Up, "exit code 0");
    assert_eq!(lan.state(0), Backup);
    lan.run_for(seconds(5));
    assert_eq!(lan.state(0), Master);
    let before = lan.nodes[0].actions.len();
    lan.say(0, "web", Down, "exit code 1 after 3 ms: \"refused\"");
    assert_eq!((lan.state(0), lan.effective(0)), (Fault, 100));
    assert_eq!(lan.status(0)[0].reason, "script web fails: exit code 1 after 3 ms: \"refused\"");
    assert_eq!(
        lan.nodes[0].words(before)[..2],
        ["advertise 0", "remove 192.0.2.254/24"],
        "the peer takes over at once"
    );
    let warnings = lan.nodes[0].core.as_ref().unwrap().warnings();
    assert_eq!((warnings[0].code.as_str(), warnings[0].subject.as_str()), ("script-failing", "web"));
    lan.say(0, "web", Up, "exit code 0");
    assert_eq!((lan.state(0), lan.status(0)[0].reason.as_str()), (Backup, "the fault is over"));
    assert_eq!(lan.nodes[0].core.as_ref().unwrap().warnings(), []);
}

#[test]
fn a_script_that_fails_from_the_start_keeps_the_instance_in_fault() {
    let mut lan = Lan::started(vec![tracking(100, &[("web", 0)])]);
    lan.say(0, "web", Presumed, NOT_YET);
    assert_eq!(
        (lan.state(0), lan.status(0)[0].reason.as_str()),
        (Fault, "script web fails: it has not run yet (init_fail)")
    );
    lan.say(0, "web", Down, "exit code 1");
    assert_eq!((lan.state(0), lan.status(0)[0].reason.as_str()), (Fault, "script web fails: exit code 1"));
    lan.say(0, "web", Up, "exit code 0");
    assert_eq!(lan.state(0), Backup);
}

#[test]
fn a_weight_is_not_waited_for_and_moves_the_priority() {
    let mut lan = Lan::started(vec![tracking(100, &[("less", -30), ("more", 20)])]);
    assert_eq!((lan.state(0), lan.effective(0)), (Backup, 120), "as if both were good");
    lan.say(0, "less", Down, "exit code 1");
    assert_eq!(lan.effective(0), 90);
    lan.say(0, "more", Down, "exit code 1");
    assert_eq!(lan.effective(0), 70);
    lan.say(0, "less", Up, "exit code 0");
    assert_eq!(lan.effective(0), 100);
    lan.run_for(seconds(5));
    assert_eq!(lan.status(0)[0].priority, 100, "the configured one");
    let advertised = |word: &String| word == "advertise 100";
    assert!(lan.nodes[0].words(0).iter().any(advertised));
}

#[test]
fn a_master_whose_weight_falls_below_the_other_s_priority_is_replaced_and_comes_back() {
    let mut lan = Lan::started(vec![tracking(150, &[("web", -60)]), one(100)]);
    lan.run_for(seconds(10));
    assert_eq!((lan.state(0), lan.state(1)), (Master, Backup));
    lan.say(0, "web", Down, "exit code 1");
    assert_eq!(lan.state(0), Master, "it goes on until another one leads");
    lan.run_for(seconds(6));
    assert_eq!((lan.state(0), lan.state(1)), (Backup, Master));
    lan.say(0, "web", Up, "exit code 0");
    lan.run_for(seconds(6));
    assert_eq!((lan.state(0), lan.state(1)), (Master, Backup));
}

#[test]
fn what_a_change_did_is_one_event_and_a_repetition_is_none() {
    let mut lan = Lan::started(vec![tracking(100, &[("web", -30)])]);
    for _ in 0..3 {
        lan.say(0, "web", Down, "exit code 1 after 3 ms");
        lan.say(0, "stranger", Down, "nobody tracks it");
    }
    let told: Vec<_> = lan.nodes[0]
        .actions
        .iter()
        .filter_map(|(_, action)| match action {
            Action::Report(fact) if fact.kind == EventKind::Script => Some(fact.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (told[0].subject.as_str(), told[0].to.as_deref(), told[0].severity),
        ("web", Some("down"), Severity::Warning)
    );
    assert_eq!(told[0].reason.as_deref(), Some("exit code 1 after 3 ms"));
    assert_eq!(told[0].detail.as_deref(), Some("VI_1: priority 100 to 70"));
}

#[test]
fn a_script_that_cannot_be_run_is_left_out_with_a_warning() {
    let mut lan = Lan::started(vec![tracking(100, &[("gone", 0), ("more", 20)])]);
    assert_eq!(lan.state(0), Init);
    lan.say(0, "gone", LeftOut, "can't find /no/such");
    lan.say(0, "more", LeftOut, "can't find /no/such");
    assert_eq!((lan.state(0), lan.effective(0)), (Backup, 100), "as if they were not tracked");
    let codes: Vec<String> = lan.nodes[0].core.as_ref().unwrap().warnings().into_iter().map(|w| w.code).collect();
    assert_eq!(codes, ["script-left-out", "script-left-out"]);
}

#[test]
fn one_member_s_script_faults_its_whole_group_and_none_starts_before_it_answered() {
    let mut configuration = pair(100);
    configuration.virtual_routers[1].tracks = tracked(&[("web", 0)]);
    let mut lan = Lan::started(vec![configuration]);
    lan.run_for(seconds(5));
    let states = |lan: &Lan| lan.status(0).iter().map(|router| router.state).collect::<Vec<_>>();
    assert_eq!(states(&lan), [Init, Init]);
    lan.say(0, "web", Up, "exit code 0");
    lan.run_for(seconds(10));
    assert_eq!(states(&lan), [Master, Master]);
    lan.say(0, "web", Down, "exit code 1");
    assert_eq!(states(&lan), [Fault, Fault]);
    assert_eq!(lan.status(0)[0].reason, "sync group G, VI_2: script web fails: exit code 1");
}

#[test]
fn the_owner_s_priority_stays_whatever_its_scripts_say() {
    let mut configuration = tracking(255, &[("web", -60)]);
    configuration.virtual_routers[0].priority = Priority::OWNER;
    let mut lan = Lan::started(vec![configuration]);
    lan.say(0, "web", Down, "exit code 1");
    assert_eq!((lan.state(0), lan.effective(0)), (Master, 255));
}

#[test]
fn a_script_that_fails_while_the_cable_is_out_keeps_the_fault_when_it_is_back() {
    let mut lan = Lan::started(vec![tracking(100, &[("web", 0)])]);
    lan.say(0, "web", Up, "exit code 0");
    let mut link = lan.nodes[0].links[0].clone();
    link.up = false;
    lan.input(0, Input::Link(link.clone()));
    lan.say(0, "web", Down, "exit code 1");
    assert!(lan.status(0)[0].reason.contains("is down or has no carrier"), "{}", lan.status(0)[0].reason);
    link.up = true;
    lan.input(0, Input::Link(link));
    assert_eq!((lan.state(0), lan.status(0)[0].reason.as_str()), (Fault, "script web fails: exit code 1"));
}

#[test]
fn who_waits_for_a_script_hears_the_other_master_and_gives_adopted_addresses_away() {
    let mut lan = Lan::started(vec![tracking(200, &[("web", 0)]), one(100)]);
    lan.say(0, "web", Up, "ok");
    lan.run_for(seconds(10));
    assert_eq!(lan.masters(), [0]);
    lan.crash(0);
    lan.run_for(seconds(1));
    lan.boot(0);
    lan.run_for(seconds(1));
    assert_eq!((lan.state(0), lan.holders(vip(254).address)), (Init, vec![0]), "nobody else is master yet");
    lan.run_for(seconds(5));
    assert_eq!((lan.state(0), lan.masters(), lan.holders(vip(254).address)), (Init, vec![1], vec![1]));
    lan.say(0, "web", Up, "ok");
    lan.run_for(seconds(10));
    assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![0], vec![0]));
}

#[test]
fn a_takeover_is_refused_while_a_script_has_not_answered_and_is_heard_afterwards() {
    let takeover = || Command::Takeover { instance: "VI_1".into() };
    let mut lan = Lan::started(vec![tracking(100, &[("web", 0)]), one(200)]);
    lan.run_for(seconds(10));
    lan.command(0, takeover());
    let answer = lan.nodes[0].answer().clone();
    assert_eq!((answer.outcome, lan.state(0)), (Outcome::Refused, Init));
    assert_eq!(
        answer.message,
        "can't take over: VI_1 has not started: it waits for the first answer of script web; try again once it has \
         answered"
    );
    lan.say(0, "web", Up, "ok");
    lan.command(0, takeover());
    lan.run_for(seconds(10));
    assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![0], vec![0]));
}

/// Node 0 is master and tracks `web` with this weight, node 1 its backup of priority 190.
fn master_with(weight: i32) -> Lan {
    let mut lan = Lan::started(vec![tracking(200, &[("web", weight)]), one(190)]);
    lan.say(0, "web", Presumed, NOT_YET);
    lan.say(0, "web", Up, "ok");
    lan.run_for(seconds(10));
    assert_eq!(lan.masters(), [0]);
    lan
}

#[test]
fn init_fail_does_not_stop_a_master_that_was_resumed_and_a_real_failure_does() {
    for (weight, master) in [(0, 1), (-20, 1), (20, 0)] {
        let mut lan = master_with(weight);
        let changes = |lan: &Lan| lan.nodes[1].facts(EventKind::InstanceState).len();
        let before = changes(&lan);
        lan.keep(0);
        lan.run_for(seconds(1) / 5);
        lan.boot_listening(0);
        assert_eq!(lan.state(0), Master);
        lan.say(0, "web", Presumed, NOT_YET);
        lan.run_for(seconds(10));
        assert_eq!((lan.masters(), changes(&lan)), (vec![0], before), "weight {weight}");
        lan.say(0, "web", Down, "exit code 1");
        lan.run_for(seconds(10));
        assert_eq!(lan.masters(), [master], "weight {weight}");
    }
}

#[test]
fn init_fail_that_comes_before_the_start_does_not_stop_a_resumption() {
    let mut lan = master_with(0);
    lan.keep(0);
    lan.run_for(seconds(1) / 5);
    lan.boot_with(0, |lan| lan.say(0, "web", Presumed, NOT_YET));
    lan.run_for(seconds(2));
    assert_eq!(lan.state(0), Master);
}

#[test]
fn init_fail_leaves_adopted_addresses_on_until_another_master_is_heard() {
    let mut lan = master_with(0);
    lan.crash(0);
    lan.boot(0);
    lan.say(0, "web", Presumed, NOT_YET);
    lan.run_for(seconds(1));
    assert_eq!((lan.state(0), lan.holders(vip(254).address)), (Init, vec![0]));
    lan.run_for(seconds(10));
    assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![1], vec![1]));
}

#[test]
fn init_fail_of_a_script_that_a_reload_brings_does_not_stop_what_runs() {
    let mut lan = Lan::started(vec![one(200), one(190)]);
    lan.run_for(seconds(10));
    for n in [0, 1] {
        let states = [lan.state(0), lan.state(1)];
        lan.reload(n, tracking(if n == 0 { 200 } else { 190 }, &[("web", 0)]));
        lan.say(n, "web", Presumed, NOT_YET);
        lan.run_for(seconds(10));
        assert_eq!([lan.state(0), lan.state(1)], states);
    }
}

#[test]
fn a_weight_counts_as_bad_by_init_fail_as_long_as_the_router_is_not_master() {
    let mut lan = Lan::started(vec![tracking(200, &[("web", -50)]), one(190)]);
    lan.say(0, "web", Presumed, NOT_YET);
    assert_eq!(lan.effective(0), 150);
    lan.run_for(seconds(10));
    assert_eq!(lan.masters(), [1]);
    lan.say(0, "web", Up, "ok");
    lan.run_for(seconds(10));
    assert_eq!(lan.masters(), [0]);
}

#[test]
fn what_a_script_said_is_forgotten_when_nobody_tracks_it_any_more() {
    let mut lan = Lan::started(vec![tracking(200, &[("web", 0)]), one(100)]);
    lan.say(0, "web", Up, "ok");
    lan.run_for(seconds(10));
    lan.say(0, "web", Down, "exit code 1");
    lan.reload(0, one(200));
    lan.say(0, "web", Down, "exit code 1");
    lan.run_for(seconds(10));
    assert_eq!(lan.masters(), [0]);
    let changes = lan.nodes[0].facts(EventKind::InstanceState).len();
    lan.reload(0, tracking(200, &[("web", 0)]));
    assert_eq!((lan.state(0), lan.nodes[0].facts(EventKind::InstanceState).len()), (Master, changes));
    lan.say(0, "web", Down, "exit code 1");
    assert_eq!(lan.state(0), Fault);
}

#[test]
fn a_master_whose_weighted_script_fails_is_resumed_too() {
    let mut lan = Lan::started(vec![tracking(200, &[("web", -5)]), one(190)]);
    lan.say(0, "web", Down, "exit code 1");
    lan.run_for(seconds(10));
    assert_eq!((lan.masters(), lan.effective(0)), (vec![0], 195));
    lan.keep(0);
    lan.run_for(seconds(1) / 5);
    lan.boot_listening(0);
    assert_eq!((lan.state(0), lan.status(0)[0].reason.as_str()), (Master, "resumed after a restart"));
}

//! What operators hold outlasts the engine.

use super::lan::*;
use crate::engine::command::Command;
use crate::engine::event::EventKind;
use crate::engine::failover::{Held, HoldWish};
use crate::engine::snapshot::VirtualRouterState::{Backup, Master};
use std::time::Duration;

fn failover(hold_seconds: Option<u64>, blind: bool) -> Command {
    Command::Failover { instance: None, hold_seconds, blind }
}

fn takeover(instance: &str) -> Command {
    Command::Takeover { instance: instance.to_owned() }
}

fn rejoin() -> Command {
    Command::Rejoin { instance: None }
}

/// Node 0 of two is master and was told this.
fn told(command: Command) -> Lan {
    let mut lan = Lan::started(vec![one(200), one(100)]);
    lan.run_for(seconds(10));
    lan.command(0, command);
    lan.run_for(seconds(2));
    lan
}

fn restart(lan: &mut Lan, n: usize, pause: Duration) {
    lan.crash(n);
    lan.run_for(pause);
    lan.boot(n);
}

fn why_holds_ended(lan: &Lan, n: usize) -> Vec<String> {
    let ended = lan.nodes[n].facts(EventKind::Hold).into_iter().filter(|fact| fact.to.as_deref() == Some("ended"));
    ended.filter_map(|fact| fact.reason).collect()
}

#[test]
fn a_hold_keeps_the_higher_priority_back_after_a_kill_and_a_start_until_rejoin() {
    let mut lan = told(failover(None, false));
    assert_eq!(lan.masters(), [1]);
    restart(&mut lan, 0, seconds(1));
    lan.run_for(seconds(60));
    assert_eq!(lan.masters(), [1]);
    assert_eq!(lan.status(0)[0].held.as_deref(), Some("failover by root, pid 4: kernel update; ends with rejoin"));
    lan.command(0, rejoin());
    lan.run_for(seconds(5));
    assert_eq!((lan.masters(), lan.nodes[0].holds.len()), (vec![0], 0));
    restart(&mut lan, 0, seconds(1));
    lan.run_for(seconds(10));
    assert_eq!((lan.masters(), lan.status(0)[0].held.clone()), (vec![0], None));
}

#[test]
fn an_owner_that_is_held_does_not_lead_at_once() {
    let mut lan = Lan::started(vec![one(255)]);
    lan.run_for(seconds(10));
    lan.command(0, failover(None, true));
    restart(&mut lan, 0, seconds(1));
    lan.run_for(seconds(30));
    assert_eq!((lan.state(0), lan.nodes[0].holds.len()), (Backup, 1));
}

#[test]
fn a_hold_with_a_time_ends_when_it_is_over_whether_the_engine_ran_or_not() {
    let mut lan = told(failover(Some(60), false));
    restart(&mut lan, 0, seconds(10));
    lan.run_for(seconds(40));
    assert_eq!(lan.masters(), [1]);
    lan.run_for(seconds(20));
    assert_eq!((lan.masters(), lan.nodes[0].holds.len()), (vec![0], 0));

    let mut lan = told(failover(Some(60), false));
    restart(&mut lan, 0, seconds(100));
    lan.run_for(seconds(10));
    assert_eq!((lan.masters(), lan.nodes[0].holds.len()), (vec![0], 0));
    assert_eq!(why_holds_ended(&lan, 0), ["its time was over before the engine started"]);
}

#[test]
fn a_hold_ends_when_nobody_else_is_master_after_the_start_and_a_blind_one_does_not() {
    for (blind, state, holds) in [(false, Master, 0), (true, Backup, 1)] {
        let mut lan = told(failover(None, blind));
        lan.crash(1);
        restart(&mut lan, 0, seconds(1));
        lan.run_for(seconds(30));
        assert_eq!((lan.state(0), lan.nodes[0].holds.len()), (state, holds), "blind: {blind}");
    }
}

#[test]
fn a_hold_of_an_instance_that_left_the_configuration_ends_with_an_event() {
    let mut lan = told(failover(None, false));
    lan.nodes[0].configuration.virtual_routers[0].name = "other".to_owned();
    restart(&mut lan, 0, seconds(1));
    assert_eq!(why_holds_ended(&lan, 0), ["the instance left the configuration"]);
    lan.run_for(seconds(10));
    assert_eq!((lan.masters(), lan.nodes[0].holds.len()), (vec![0], 0));
}

#[test]
fn a_sync_group_is_held_as_a_whole_after_a_start() {
    let mut lan = Lan::started(vec![pair(200), pair(100)]);
    lan.run_for(seconds(10));
    lan.command(0, Command::Failover { instance: Some("VI_2".to_owned()), hold_seconds: None, blind: false });
    lan.run_for(seconds(2));
    assert_eq!(lan.nodes[0].holds.len(), 2);
    restart(&mut lan, 0, seconds(1));
    lan.run_for(seconds(30));
    assert_eq!(lan.status(0).iter().map(|router| router.state).collect::<Vec<_>>(), [Backup, Backup]);
}

#[test]
fn a_takeover_leads_again_after_a_reboot_until_rejoin() {
    let mut lan = Lan::started(vec![one(200), one(100)]);
    lan.run_for(seconds(10));
    lan.command(1, takeover("VI_1"));
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [1]);
    restart(&mut lan, 1, seconds(20));
    lan.run_for(seconds(10));
    assert_eq!((lan.masters(), lan.status(1)[0].effective_priority), (vec![1], 254));
    lan.command(1, rejoin());
    lan.run_for(seconds(10));
    assert_eq!((lan.masters(), lan.nodes[1].holds.len()), (vec![0], 0));
}

#[test]
fn a_note_of_mastership_is_right_where_an_older_hold_contradicts_it() {
    let mut lan = Lan::started(vec![one(200), one(100)]);
    lan.run_for(seconds(10));
    lan.keep(0);
    let wish = HoldWish::Failover { until: None, blind: true };
    lan.nodes[0].holds =
        vec![Held { instance: "VI_1".to_owned(), by: "failover".to_owned(), why: None, since: lan.start, wish }];
    lan.run_for(seconds(1));
    lan.boot_listening(0);
    assert_eq!((lan.state(0), lan.status(0)[0].held.clone()), (Master, None));
    assert_eq!(why_holds_ended(&lan, 0), ["it was master again when its engine ended"]);

    let mut lan = Lan::started(vec![one(200), one(100)]);
    lan.run_for(seconds(10));
    lan.keep(0);
    let wish = HoldWish::Takeover;
    lan.nodes[0].holds =
        vec![Held { instance: "VI_1".to_owned(), by: "takeover".to_owned(), why: None, since: lan.start, wish }];
    lan.boot_listening(0);
    assert_eq!((lan.state(0), lan.status(0)[0].effective_priority), (Master, 200));
    assert_eq!(lan.nodes[0].holds, [], "what is over is not written down any more");
}

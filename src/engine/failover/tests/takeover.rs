//! `takeover` and its end.

use super::lan::*;
use crate::engine::command::{Command, Outcome};
use crate::engine::event::EventKind;
use crate::engine::failover::Input;
use crate::engine::model::{Authentication, Password};
use crate::engine::snapshot::VirtualRouterState::{Backup, Master};
use std::time::Duration;

fn takeover() -> Command {
    Command::Takeover { instance: "VI_1".to_owned() }
}

fn rejoin() -> Command {
    Command::Rejoin { instance: Some("VI_1".to_owned()) }
}

/// Node 0 is master, node 1 its backup.
fn cluster() -> Lan {
    let mut lan = Lan::started(vec![one(200), one(100)]);
    lan.run_for(seconds(10));
    assert_eq!(lan.masters(), [0]);
    lan
}

#[test]
fn a_takeover_makes_the_lower_router_master_at_once_until_rejoin() {
    let mut lan = cluster();
    lan.command(1, takeover());
    assert_eq!(lan.state(1), Master);
    assert!(lan.nodes[1].answers.is_empty(), "the other one has not yielded yet");
    lan.run_for(Duration::from_millis(5));
    assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![1], vec![1]));
    assert_eq!(lan.status(0)[0].reason, "outranked by 192.0.2.12: priority 254 > 200");
    lan.run_for(seconds(60));
    let answer = lan.nodes[1].answer();
    assert_eq!(
        (answer.outcome, answer.message.as_str()),
        (Outcome::Done, "VI_1: master; nobody else advertised for 1050 ms")
    );
    let status = &lan.status(1)[0];
    assert_eq!((lan.masters(), status.priority, status.effective_priority), (vec![1], 100, 254));
    assert_eq!(status.held.as_deref(), Some("takeover by root, pid 4: kernel update; ends with rejoin"));
    assert_eq!(status.reason, "takeover by root, pid 4: kernel update");
    lan.command(1, rejoin());
    assert_eq!((lan.status(1)[0].effective_priority, &lan.status(1)[0].held), (100, &None));
    lan.run_for(seconds(4));
    assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![0], vec![0]), "the higher one preempts");
    let told: Vec<_> = lan.nodes[1].facts(EventKind::Hold).into_iter().filter_map(|fact| fact.to).collect();
    assert_eq!(told, ["begun", "ended"]);
}

#[test]
fn a_takeover_without_another_master_is_done_at_once() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.command(0, takeover());
    assert_eq!((lan.state(0), lan.nodes[0].answer().outcome), (Master, Outcome::Done));
}

#[test]
fn a_takeover_from_a_master_that_does_not_preempt_is_still_followed_and_lasts_beyond_rejoin() {
    let mut stubborn = one(200);
    stubborn.virtual_routers[0].preempt = false;
    let mut lan = Lan::started(vec![stubborn, one(100)]);
    lan.run_for(seconds(10));
    lan.command(1, takeover());
    lan.run_for(seconds(2));
    assert_eq!((lan.masters(), lan.nodes[1].answer().outcome), (vec![1], Outcome::Done));
    lan.command(1, rejoin());
    lan.run_for(seconds(20));
    assert_eq!(lan.masters(), [1], "nobody preempts");
}

#[test]
fn a_takeover_moves_a_whole_sync_group() {
    let mut lan = Lan::started(vec![pair(200), pair(100)]);
    lan.run_for(seconds(10));
    lan.command(1, Command::Takeover { instance: "VI_2".to_owned() });
    lan.run_for(seconds(2));
    assert!(lan.status(1).iter().all(|s| s.state == Master) && lan.status(0).iter().all(|s| s.state == Backup));
    let message = &lan.nodes[1].answer().message;
    assert!(message.contains("VI_1: master") && message.contains("VI_2: master"), "{message}");
    lan.command(1, Command::Rejoin { instance: Some("VI_1".to_owned()) });
    lan.run_for(seconds(10));
    assert!(lan.status(0).iter().all(|s| s.state == Master) && lan.status(1).iter().all(|s| s.state == Backup));
}

#[test]
fn a_master_that_does_not_hear_us_is_left_master_again() {
    let mut lan = cluster();
    // The way to node 0 is broken, the way back works.
    lan.faults.deaf = vec![0];
    lan.command(1, takeover());
    lan.run_for(seconds(2));
    let answer = lan.nodes[1].answer().clone();
    assert_eq!(answer.outcome, Outcome::Failed);
    assert!(answer.message.starts_with("VI_1: 192.0.2.11 goes on as master and does not yield"), "{}", answer.message);
    assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![0], vec![0]));
    assert_eq!((lan.status(1)[0].effective_priority, &lan.status(1)[0].held), (100, &None));
}

#[test]
fn a_takeover_that_the_rules_would_not_grant_is_refused_with_the_way_out() {
    let mut secret = one(200);
    secret.virtual_routers[0].authentication = Authentication::Pass(Password::new("secret"));
    let cases = [
        (
            vec![one(255), one(100)],
            1,
            "owns the addresses (priority 255) and never yields: run `lvsdeck ctl failover VI_1`",
        ),
        (vec![one(100), one(254)], 0, "has priority 254 and the higher address"),
        (vec![secret, one(100)], 1, "its advertisements are refused here"),
    ];
    for (configurations, n, cause) in cases {
        let mut lan = Lan::new(configurations);
        lan.boot(1 - n);
        lan.run_for(seconds(6));
        lan.boot(n);
        lan.run_for(seconds(2));
        let before = lan.state(n);
        lan.command(n, takeover());
        let answer = lan.nodes[n].answer();
        assert_eq!((answer.outcome, lan.state(n)), (Outcome::Refused, before));
        assert!(answer.message.contains(cause), "{}", answer.message);
    }
    let mut lan = cluster();
    lan.command(0, takeover());
    assert!(lan.nodes[0].answer().message.contains("MASTER here already"), "{}", lan.nodes[0].answer().message);
    lan.set_link(1, ETH0, false);
    lan.command(1, takeover());
    assert!(lan.nodes[1].answer().message.contains("VI_1 is in FAULT: interface eth0 is down"));
}

#[test]
fn a_router_of_priority_254_and_the_lower_address_yields() {
    let mut lan = Lan::started(vec![one(254), one(100)]);
    lan.run_for(seconds(10));
    lan.command(1, takeover());
    lan.run_for(seconds(2));
    assert_eq!((lan.masters(), lan.nodes[1].answer().outcome), (vec![1], Outcome::Done));
}

#[test]
fn a_preview_of_a_takeover_says_who_is_master_and_changes_nothing() {
    let mut lan = cluster();
    lan.ask(1, takeover(), true, None);
    let answer = lan.nodes[1].answer().clone();
    let preview = answer.preview;
    assert_eq!(preview.before, ["VI_1: BACKUP, priority 100, 192.0.2.254/24; 192.0.2.11 is master with priority 200"]);
    assert_eq!(preview.after, ["VI_1: MASTER, effective priority 254 until rejoin"]);
    assert_eq!(
        preview.ops,
        ["advertise priority 254 for virtual_router_id 51 on eth0", "add 192.0.2.254/24 to eth0 and announce it"]
    );
    assert_eq!((preview.undo, preview.confirm.as_deref()), (Some(rejoin()), Some("takeover")));
    assert!(preview.blast_radius.starts_with("1 virtual address comes to this node"), "{}", preview.blast_radius);
    assert_eq!((lan.masters(), answer.outcome), (vec![0], Outcome::Preview));
    lan.run_for(seconds(5));
    lan.ask(1, takeover(), false, answer.token);
    assert_eq!(lan.state(1), Master, "five seconds later the preview still holds");
}

#[test]
fn a_takeover_ends_a_hold_and_a_failover_ends_a_takeover() {
    let mut lan = cluster();
    lan.command(0, Command::Failover { instance: None, hold_seconds: None, blind: false });
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [1]);
    lan.command(0, takeover());
    lan.run_for(seconds(2));
    assert_eq!(lan.masters(), [0]);
    let ended = |lan: &Lan| {
        let holds = lan.nodes[0].facts(EventKind::Hold).into_iter().rev();
        holds.filter(|hold| hold.to.as_deref() == Some("ended")).find_map(|hold| hold.reason)
    };
    assert_eq!(ended(&lan).as_deref(), Some("takeover"));
    lan.command(0, Command::Failover { instance: None, hold_seconds: None, blind: false });
    lan.run_for(seconds(20));
    assert_eq!((lan.masters(), lan.status(0)[0].effective_priority), (vec![1], 200));
    assert_eq!(ended(&lan).as_deref(), Some("failover"));
    assert!(lan.status(0)[0].held.as_ref().unwrap().starts_with("failover"));
    assert!(lan.nodes[0].answer().message.starts_with("VI_1: its takeover is over; VI_1: 192.0.2.12 took over after "));
    // Also where nobody follows.
    lan.command(0, takeover());
    lan.crash(1);
    lan.run_for(seconds(5));
    lan.command(0, Command::Failover { instance: None, hold_seconds: None, blind: false });
    lan.run_for(seconds(5));
    let answer = lan.nodes[0].answer();
    assert_eq!(answer.outcome, Outcome::Failed);
    assert!(
        answer.message.starts_with("VI_1: its takeover is over; VI_1: nobody took over within"),
        "{}",
        answer.message
    );
}

#[test]
fn an_owner_that_rejoins_did_not_start() {
    let mut lan = Lan::started(vec![one(255), one(100)]);
    lan.run_for(Duration::from_millis(2500));
    lan.command(0, Command::Failover { instance: None, hold_seconds: None, blind: false });
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [1]);
    lan.command(0, rejoin());
    assert_eq!(lan.status(0)[0].reason, "leads as owner of the addresses (priority 255)");
}

#[test]
fn a_takeover_that_waits_is_answered_whatever_comes() {
    let endings: [fn(&mut Lan); 5] = [
        |lan| lan.input(1, Input::Shutdown { keep: false }),
        |lan| lan.input(1, Input::Shutdown { keep: true }),
        |lan| lan.set_link(1, ETH0, false),
        |lan| lan.command(1, rejoin()),
        |lan| lan.reload(1, crate::engine::model::Configuration::default()),
    ];
    for end in endings {
        let mut lan = cluster();
        lan.command(1, takeover());
        end(&mut lan);
        assert_eq!(lan.nodes[1].answers.first().map(|(_, answer)| answer.outcome), Some(Outcome::Failed));
    }
}

#[test]
fn two_nodes_that_both_take_over_come_to_one_master() {
    let mut lan = cluster();
    lan.command(1, takeover());
    lan.run_for(seconds(2));
    lan.command(0, takeover());
    assert_eq!(lan.nodes[0].answer().outcome, Outcome::Refused, "192.0.2.12 has 254 too and the higher address");
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [1]);
    lan.command(1, rejoin());
    lan.run_for(seconds(2));
    lan.command(0, takeover());
    lan.run_for(seconds(2));
    assert_eq!(lan.masters(), [0]);
    lan.command(1, takeover());
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [1], "the higher address wins among equals");
    lan.command(1, rejoin());
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [0]);
}

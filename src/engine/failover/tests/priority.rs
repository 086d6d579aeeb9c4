//! `priority`: a soft failover by the rules, and what outlasts it.

use super::lan::*;
use crate::engine::command::{Command, Outcome};
use crate::engine::event::EventKind;
use crate::engine::model::Priority;
use crate::engine::snapshot::VirtualRouterState::{Backup, Master};

fn priority(number: Option<u8>) -> Command {
    let priority = number.map(|number| Priority::new(number).unwrap());
    Command::Priority { instance: "VI_1".to_owned(), priority }
}

fn cluster() -> Lan {
    let mut lan = Lan::started(vec![one(200), one(100)]);
    lan.run_for(seconds(10));
    assert_eq!(lan.masters(), [0]);
    lan
}

#[test]
fn a_master_that_is_given_a_lower_priority_is_followed_by_the_other_one_until_it_is_taken_back() {
    let mut lan = cluster();
    // What is known of the other one, a backup is silent about.
    lan.command(0, priority(Some(50)));
    let answer = lan.nodes[0].answer();
    assert_eq!((answer.outcome, answer.message.as_str()), (Outcome::Done, "VI_1: priority 50"));
    assert_eq!(answer.preview.undo, Some(priority(None)));
    lan.run_for(seconds(10));
    assert_eq!((lan.masters(), lan.state(0)), (vec![1], Backup));
    let status = &lan.status(0)[0];
    assert_eq!((status.priority, status.priority_set, status.effective_priority), (200, Some(50), 50));
    let held = "priority 50 by root, pid 4: kernel update; ends with priority VI_1 --from-file";
    assert_eq!(status.held.as_deref(), Some(held));
    assert!(status.is_held_by_priority());
    lan.command(0, Command::Rejoin { instance: Some("VI_1".to_owned()) });
    let refused = lan.nodes[0].answer().message.clone();
    assert!(refused.ends_with("its priority was set, and `priority VI_1 --from-file` ends that"), "{refused}");
    lan.command(0, priority(None));
    assert_eq!(lan.nodes[0].answer().preview.undo, Some(priority(Some(50))));
    lan.run_for(seconds(10));
    assert_eq!((lan.masters(), lan.state(0)), (vec![0], Master));
    assert_eq!((lan.status(0)[0].priority_set, lan.status(0)[0].held.clone()), (None, None));
    let told: Vec<_> = lan.nodes[0].facts(EventKind::Hold).into_iter().filter_map(|fact| fact.to).collect();
    assert_eq!(told, ["priority 50", "priority 200 of the file"]);
}

#[test]
fn a_priority_outlasts_a_kill_and_a_start() {
    let mut lan = cluster();
    lan.command(0, priority(Some(50)));
    lan.run_for(seconds(10));
    lan.crash(0);
    lan.run_for(seconds(1));
    lan.boot(0);
    lan.run_for(seconds(20));
    assert_eq!((lan.masters(), lan.status(0)[0].priority_set), (vec![1], Some(50)));
}

#[test]
fn a_preview_says_who_leads_then_and_what_can_not_be_given_is_refused() {
    let mut lan = cluster();
    let dry = |lan: &mut Lan, n: usize, command| {
        lan.ask(n, command, true, None);
        lan.nodes[n].answer().clone()
    };
    let raised = dry(&mut lan, 1, priority(Some(250)));
    assert_eq!(raised.preview.blast_radius, "VI_1: this node takes 1 virtual address over from 192.0.2.11");
    let kept = dry(&mut lan, 1, priority(Some(150)));
    assert_eq!(kept.preview.blast_radius, "VI_1: 192.0.2.11 stays master");
    let alone = dry(&mut lan, 0, priority(Some(50)));
    assert!(alone.preview.blast_radius.contains("one of higher priority takes 1 virtual address over"));
    assert_eq!(alone.preview.before, ["VI_1: MASTER, priority 200, 192.0.2.254/24"]);
    assert_eq!(alone.preview.after, ["VI_1: priority 50, until priority --from-file"]);
    lan.command(1, priority(Some(250)));
    lan.run_for(seconds(10));
    let heard = dry(&mut lan, 1, priority(Some(150)));
    assert!(
        heard.preview.blast_radius.contains("192.0.2.11 (priority 200, as last heard) takes 1 virtual address over"),
        "{}",
        heard.preview.blast_radius
    );
    for (number, why) in [(Some(255), "addresses are this router's own"), (Some(250), "by an operator already")] {
        let refused = dry(&mut lan, 1, priority(number));
        assert_eq!(refused.outcome, Outcome::Refused);
        assert!(refused.message.contains(why), "{}", refused.message);
    }
    assert!(dry(&mut lan, 0, priority(None)).message.contains("has the priority of the file already"));
    lan.command(1, priority(Some(150)));
    lan.run_for(seconds(10));
    assert_eq!(lan.masters(), [0]);
    lan.command(0, Command::Failover { instance: None, hold_seconds: Some(3600), blind: false });
    lan.run_for(seconds(10));
    let held = dry(&mut lan, 0, priority(Some(254))).preview;
    assert!(
        held.blast_radius.contains("takes nothing over whatever its priority, until rejoin"),
        "{}",
        held.blast_radius
    );
    assert_eq!(held.confirm, None);
}

#[test]
fn an_operator_s_priority_says_whose_it_is_and_ends_with_its_instance() {
    let mut lan = cluster();
    lan.command(0, priority(Some(150)));
    let by = lan.status(0)[0].priority_by.clone().unwrap();
    assert!(by.starts_with("priority 150 by "), "{by}");
    let mut other = one(180);
    lan.reload(0, other.clone());
    let told = lan.nodes[0].facts(EventKind::Priority).pop().unwrap().reason.unwrap();
    assert!(told.ends_with("; 150, which an operator set, counts until `priority VI_1 --from-file`"), "{told}");
    other.virtual_routers.clear();
    lan.reload(0, other);
    let ended = lan.nodes[0].facts(EventKind::Hold).pop().unwrap();
    assert_eq!((ended.from.as_deref(), ended.to.as_deref()), (Some("priority 150"), Some("priority 150 ended")));
    assert_eq!(ended.detail, Some(by));
}

//! A network that heals: both were master, and both tell it.

use super::lan::*;
use crate::engine::command::Command;
use crate::engine::event::EventKind;
use crate::engine::failover::{Action, Input};
use crate::engine::snapshot::VirtualRouterState::{Backup, Master};
use std::time::Duration;

fn told(lan: &Lan, n: usize) -> Vec<String> {
    lan.nodes[n].facts(EventKind::SplitBrain).into_iter().filter_map(|fact| fact.to).collect()
}

/// Two masters behind a cut; the network heals a moment before the next advertisement of `first`.
fn heal_before(first: usize, change: fn(&mut crate::engine::model::VirtualRouter)) -> Lan {
    let mut configurations = vec![one(150), one(100)];
    for configuration in &mut configurations {
        change(&mut configuration.virtual_routers[0]);
    }
    let mut lan = Lan::started(configurations);
    lan.run_for(seconds(10));
    lan.faults.sides = vec![0, 1];
    lan.run_for(seconds(20));
    assert_eq!(lan.masters(), [0, 1]);
    let sent = |lan: &Lan, n: usize| lan.status(n)[0].counters.adverts_tx;
    let before = sent(&lan, 1 - first);
    while sent(&lan, 1 - first) == before {
        lan.run_for(Duration::from_millis(1));
    }
    lan.faults.sides.clear();
    lan
}

#[test]
fn after_a_cut_the_winner_announces_again_and_both_tell_it_whoever_is_heard_first() {
    for first in [0, 1] {
        let mut lan = heal_before(first, |_| {});
        let (winner, loser) = (lan.nodes[0].actions.len(), lan.nodes[1].actions.len());
        lan.run_for(seconds(1));
        assert_eq!((lan.state(0), lan.state(1)), (Master, Backup));
        let words = lan.nodes[0].words(winner);
        assert!(words.iter().filter(|word| *word == "announce .254").count() >= 5, "{first}: {words:?}");
        let words = lan.nodes[1].words(loser);
        let spoke = words.iter().position(|word| word == "advertise 100").unwrap();
        assert!(spoke < words.iter().position(|word| word.starts_with("remove")).unwrap(), "{words:?}");
        let reason = lan.status(1)[0].reason.clone();
        assert!(reason.starts_with("outranked by 192.0.2.11: priority 150 > 100; "), "{reason}");
        assert!(reason.ends_with("may have been master too"), "{reason}");
        assert_eq!(told(&lan, 0), ["begun"]);
        lan.run_for(seconds(5));
        assert_eq!(told(&lan, 0), ["begun", "over"], "{first}");
        assert_eq!(lan.status(0)[0].detail.split_brain, None);
        assert_eq!(told(&lan, 1).len() % 2, 0, "{:?}", told(&lan, 1));
    }
}

#[test]
fn garp_lower_prio_repeat_says_how_often_the_winner_announces_then() {
    let mut lan = heal_before(0, |router| router.garp.lower_priority_repeat = Some(0));
    let from = lan.nodes[0].actions.len();
    lan.run_for(seconds(1));
    assert!(!lan.nodes[0].words(from).iter().any(|word| word.starts_with("announce")));
}

#[test]
fn a_master_that_resigned_and_comes_back_hears_no_last_words() {
    let mut lan = Lan::started(vec![one(150), one(100)]);
    lan.run_for(seconds(10));
    lan.command(0, Command::Failover { instance: None, hold_seconds: None, blind: false });
    lan.run_for(seconds(10));
    assert_eq!(lan.masters(), [1]);
    lan.command(0, Command::Rejoin { instance: None });
    while lan.state(0) != Master {
        lan.run_for(Duration::from_millis(1));
    }
    let from = lan.nodes[1].actions.len();
    lan.run_for(seconds(5));
    let spoke = |(_, action): &(_, Action)| matches!(action, Action::Advertise { .. });
    assert_eq!((lan.masters(), lan.nodes[1].actions[from..].iter().any(spoke)), (vec![0], false));
    assert_eq!((told(&lan, 0), told(&lan, 1)), (vec![], vec![]));
    assert!(!lan.status(1)[0].reason.contains("may"), "{}", lan.status(1)[0].reason);
}

#[test]
fn who_resigns_beside_a_master_was_one_too_and_the_link_is_told_again() {
    let mut lan = Lan::started(vec![one(150), one(100)]);
    lan.run_for(seconds(10));
    lan.faults.sides = vec![0, 1];
    lan.run_for(seconds(20));
    // The network heals with the last word of the other.
    lan.faults.sides.clear();
    let from = lan.nodes[0].actions.len();
    lan.input(1, Input::Shutdown { keep: false });
    lan.run_for(Duration::from_millis(5));
    assert_eq!(lan.nodes[0].words(from).iter().filter(|word| *word == "announce .254").count(), 5);
    assert_eq!(told(&lan, 0), ["past"]);
}

//! What the system refuses: joining, sending, announcing.

use super::lan::*;
use crate::engine::event::EventKind;
use crate::engine::failover::{Action, Input, Waiting};
use crate::engine::snapshot::VirtualRouterState::{Backup, Fault, Master};
use std::time::Duration;

fn master() -> Lan {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(seconds(10));
    assert_eq!(lan.state(0), Master);
    lan
}

/// The last action of this kind is refused.
fn refuse(lan: &mut Lan, wanted: fn(&Action) -> bool) {
    let action = lan.nodes[0].actions.iter().map(|a| a.1.clone()).rfind(wanted).unwrap();
    lan.input(0, Input::Refused { action: Box::new(action), error: "No buffer space available (os error 105)".into() });
}

fn advertisement(action: &Action) -> bool {
    matches!(action, Action::Advertise { .. })
}

#[test]
fn a_router_that_cannot_join_is_in_fault_which_names_interface_cause_and_next_step() {
    let mut lan = Lan::new(vec![one(100)]);
    lan.nodes[0].refuses_joins = true;
    lan.boot(0);
    assert_eq!(lan.state(0), Fault);
    let reason = lan.status(0)[0].reason.clone();
    assert!(reason.contains("eth0") && reason.contains("os error 105") && reason.contains("igmp_max"), "{reason}");
    let next = lan.nodes[0].core.as_ref().unwrap().poll_timeout();
    assert_eq!(next, Some((lan.now + seconds(1), Waiting::Join)));
    assert_eq!(lan.status(0)[0].next.as_ref().unwrap().waiting, "join the group");
    lan.run_for(seconds(60));
    let words = lan.nodes[0].words(0);
    assert!(words.iter().all(|word| word == "join") && words.len() > 50, "nothing but tries: {words:?}");
    assert_eq!(lan.nodes[0].facts(EventKind::OperationRefused).len(), 1);
    assert_eq!(lan.status(0)[0].history.len(), 2, "no flapping between tries");
}

#[test]
fn a_join_that_works_at_last_ends_the_fault() {
    let mut lan = Lan::new(vec![one(100)]);
    lan.nodes[0].refuses_joins = true;
    lan.boot(0);
    lan.run_for(seconds(5));
    lan.nodes[0].refuses_joins = false;
    lan.run_for(Duration::from_millis(1200));
    assert_eq!((lan.state(0), lan.status(0)[0].reason.as_str()), (Backup, "the fault is over"));
    lan.run_for(seconds(5));
    assert_eq!((lan.state(0), lan.status(0)[0].counters.adverts_tx > 0), (Master, true));
}

#[test]
fn an_owner_that_cannot_join_has_no_address_and_sends_nothing() {
    let mut lan = Lan::new(vec![one(255)]);
    lan.nodes[0].refuses_joins = true;
    lan.boot(0);
    lan.run_for(seconds(10));
    let counters = lan.status(0)[0].counters;
    assert_eq!((lan.state(0), lan.holders(vip(254).address)), (Fault, vec![]));
    assert_eq!((counters.adverts_tx, counters.priority_zero_tx), (0, 0), "what was refused is not counted");
    assert_eq!(lan.nodes[0].warnings(), [""; 0]);
}

#[test]
fn a_refused_advertisement_is_not_counted_and_is_a_warning_until_one_goes_out() {
    let mut lan = master();
    let sent = lan.status(0)[0].counters.adverts_tx;
    refuse(&mut lan, advertisement);
    assert_eq!(lan.status(0)[0].counters.adverts_tx, sent - 1);
    assert_eq!(lan.nodes[0].warnings(), ["advertise-refused"]);
    lan.run_for(seconds(1));
    assert_eq!(lan.nodes[0].warnings(), [""; 0]);
}

#[test]
fn a_refused_gratuitous_arp_is_not_counted() {
    let mut lan = master();
    let sent = lan.status(0)[0].counters.garp_tx;
    refuse(&mut lan, |action| matches!(action, Action::Announce { .. }));
    assert_eq!(lan.status(0)[0].counters.garp_tx, sent - 1);
}

#[test]
fn a_socket_that_refuses_to_send_makes_one_report_a_minute() {
    let mut lan = master();
    for _ in 0..100 {
        refuse(&mut lan, advertisement);
        lan.run_for(seconds(1));
    }
    assert_eq!(lan.nodes[0].facts(EventKind::OperationRefused).len(), 2);
}

#[test]
fn an_address_that_is_gone_already_is_no_failure_to_remove_it() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(Duration::from_secs(5));
    for (number, told) in [(99, 0), (1, 1)] {
        let action = Box::new(Action::RemoveAddress { index: ETH0, address: vip(254) });
        lan.input(0, Input::Refused { action, error: format!("what the system says (os error {number})") });
        assert_eq!(lan.nodes[0].facts(EventKind::OperationRefused).len(), told, "{number}");
    }
}

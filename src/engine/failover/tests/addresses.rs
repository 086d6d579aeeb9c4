//! Addresses: ours, others', and those that somebody meddles with.

use super::lan::*;
use crate::engine::command::{Command, Outcome};
use crate::engine::event::EventKind;
use crate::engine::failover::Input;
use crate::engine::model::VirtualAddress;
use crate::engine::snapshot::VirtualRouterState::{Fault, Master};
use std::net::IpAddr;
use std::time::Duration;

fn master() -> Lan {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(seconds(10));
    assert_eq!(lan.state(0), Master);
    lan
}

#[test]
fn an_address_that_was_there_before_is_used_reported_once_and_never_removed() {
    let mut lan = Lan::new(vec![one(100)]);
    lan.nodes[0].addresses.push((ETH0, vip(254).address, 32));
    lan.boot(0);
    lan.run_for(seconds(10));
    assert_eq!(lan.nodes[0].warnings(), ["address-present"]);
    lan.ask(0, Command::Failover { instance: None, hold_seconds: None, blind: false }, true, None);
    let ops = lan.nodes[0].answer().preview.ops.join("; ");
    assert!(ops.contains("192.0.2.254/24 stays on eth0") && !ops.contains("remove"), "{ops}");
    assert_eq!(lan.nodes[0].facts(EventKind::Warning).len(), 1);
    assert_eq!(lan.status(0)[0].addresses_here, ["192.0.2.254/24"]);
    lan.input(0, Input::Shutdown { keep: false });
    let words = lan.nodes[0].words(0);
    assert!(!words.iter().any(|w| w.starts_with("add") && w.contains('/') || w.starts_with("remove")), "{words:?}");
    assert!(words.iter().any(|w| w == "announce .254"));
}

#[test]
fn an_address_that_another_program_left_goes_when_another_master_is_heard() {
    let mut lan = Lan::new(vec![one(50), one(100)]);
    lan.boot(1);
    lan.run_for(seconds(10));
    lan.nodes[0].addresses.push((ETH0, vip(254).address, 24));
    lan.boot(0);
    assert_eq!(lan.holders(vip(254).address), [0, 1]);
    assert_eq!(lan.nodes[0].remembered.len(), 1, "a crash now leaves nothing behind that the next start does not know");
    lan.run_for(seconds(2));
    assert_eq!((lan.holders(vip(254).address), lan.nodes[0].warnings()), (vec![1], vec![]));
    let told: Vec<_> = lan.nodes[0].facts(EventKind::Address).into_iter().filter_map(|fact| fact.reason).collect();
    assert_eq!(told, ["adopted from another program that left it, until another master is heard"]);
}

#[test]
fn an_address_that_another_program_left_is_a_masters_without_a_gap_and_goes_with_it() {
    let mut lan = Lan::new(vec![one(100)]);
    lan.nodes[0].addresses.push((ETH0, vip(254).address, 24));
    lan.boot(0);
    lan.run_for(seconds(10));
    let moved = |lan: &Lan| -> Vec<String> {
        lan.nodes[0].words(0).into_iter().filter(|w| w.starts_with("add ") || w.starts_with("remove ")).collect()
    };
    assert_eq!((lan.state(0), moved(&lan)), (Master, vec![]));
    lan.input(0, Input::Shutdown { keep: false });
    assert_eq!(moved(&lan), ["remove 192.0.2.254/24"]);
}

#[test]
fn an_address_without_which_the_host_can_not_send_is_left_alone() {
    let mut lan = Lan::new(vec![one(100)]);
    lan.nodes[0].addresses = vec![(ETH0, vip(254).address, 24)];
    lan.boot(0);
    lan.run_for(seconds(10));
    assert_eq!((lan.state(0), lan.holders(vip(254).address)), (Fault, vec![0]));
}

#[test]
fn a_failover_that_leaves_a_strange_address_behind_is_no_success() {
    let mut lan = Lan::new(vec![one(200), one(100)]);
    lan.nodes[0].addresses.push((ETH0, vip(254).address, 32));
    (0..2).for_each(|n| lan.boot(n));
    lan.run_for(seconds(10));
    lan.command(0, Command::Failover { instance: None, hold_seconds: None, blind: false });
    lan.run_for(seconds(5));
    let answer = lan.nodes[0].answer();
    assert_eq!((answer.outcome, lan.masters()), (Outcome::Failed, vec![1]));
    assert!(answer.message.contains("192.0.2.254/24 stays on this host too"), "{}", answer.message);
}

#[test]
fn the_advice_for_a_strange_address_is_to_stop_its_program_first_and_to_remove_it_by_hand_last() {
    let mut lan = Lan::new(vec![one(100)]);
    lan.nodes[0].addresses.push((ETH0, vip(254).address, 32));
    lan.boot(0);
    let warning = lan.nodes[0].core.as_ref().unwrap().warnings().remove(0);
    let program = warning.next.find("another VRRP program").unwrap();
    let by_hand = warning.next.find("`ip address del 192.0.2.254/32 dev eth0`").unwrap();
    assert!(program < by_hand, "{}", warning.next);
}

#[test]
fn when_the_stranger_takes_its_address_away_the_master_puts_on_its_own() {
    let mut lan = Lan::new(vec![one(100)]);
    lan.nodes[0].addresses.push((ETH0, vip(254).address, 32));
    lan.boot(0);
    lan.run_for(seconds(10));
    lan.meddle(0, ETH0, vip(254).address, 32, false);
    lan.run_for(seconds(1));
    assert!(lan.nodes[0].addresses.contains(&(ETH0, vip(254).address, 24)));
    assert_eq!(lan.nodes[0].warnings(), [""; 0]);
}

#[test]
fn an_address_that_somebody_removes_is_put_back_at_once_and_announced() {
    let mut lan = master();
    let before = lan.nodes[0].actions.len();
    lan.meddle(0, ETH0, vip(254).address, 24, false);
    lan.run_for(Duration::from_millis(3));
    let mut expected = vec!["add 192.0.2.254/24".to_owned()];
    expected.extend(vec!["announce .254".to_owned(); 5]);
    assert_eq!(lan.nodes[0].words(before), expected);
    let drift = lan.nodes[0].facts(EventKind::Drift);
    assert_eq!((drift.len(), drift[0].to.as_deref()), (1, Some("absent")));
}

#[test]
fn an_address_that_is_removed_again_and_again_is_put_back_at_once_five_times_a_second_and_then_waits() {
    let mut lan = master();
    let before = lan.nodes[0].actions.len();
    for _ in 0..50 {
        lan.meddle(0, ETH0, vip(254).address, 24, false);
        lan.run_for(Duration::from_millis(100));
    }
    let added = lan.nodes[0].words(before).into_iter().filter(|w| w.starts_with("add")).count();
    assert_eq!(added, 25, "times in five seconds");
    let drift = lan.nodes[0].facts(EventKind::Drift);
    let waits =
        drift.iter().filter(|fact| fact.reason.as_deref().unwrap().ends_with("too many within a second")).count();
    assert_eq!((drift.len(), waits), (26, 5), "no event tells of what was not there to be removed");
}

#[test]
fn our_own_removal_is_no_drift() {
    let mut lan = master();
    lan.set_link(0, ETH0, false);
    lan.set_link(0, ETH0, true);
    lan.run_for(seconds(10));
    assert_eq!(lan.state(0), Master);
    assert_eq!(lan.nodes[0].facts(EventKind::Drift), []);
    assert_eq!(lan.holders(vip(254).address), [0]);
}

#[test]
fn an_owner_whose_link_flaps_has_its_address_again_before_the_kernel_told_that_it_went() {
    let mut lan = Lan::started(vec![one(255)]);
    lan.run_for(seconds(1));
    for _ in 0..3 {
        lan.set_link(0, ETH0, false);
        lan.set_link(0, ETH0, true);
    }
    lan.run_for(seconds(1));
    assert_eq!((lan.state(0), lan.holders(vip(254).address)), (Master, vec![0]));
    assert_eq!((lan.nodes[0].facts(EventKind::Drift), lan.nodes[0].remembered.len()), (vec![], 1));
}

#[test]
fn a_refused_address_is_reported_and_the_rest_goes_on() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.nodes[0].refuses_addresses = true;
    lan.run_for(seconds(10));
    assert_eq!(lan.state(0), Master);
    let refused = lan.nodes[0].facts(EventKind::OperationRefused);
    assert_eq!(refused[0].reason.as_deref(), Some("File exists (os error 17)"));
    assert_eq!(lan.nodes[0].remembered, [], "what was never made is not remembered");
    assert!(lan.status(0)[0].counters.adverts_tx > 5);
}

#[test]
fn an_address_for_a_missing_interface_is_reported_and_put_on_when_the_interface_appears() {
    let mut configuration = one(100);
    let elsewhere = VirtualAddress { interface: Some("eth1".to_owned()), ..vip(253) };
    configuration.virtual_routers[0].addresses.push(elsewhere.clone());
    let mut lan = Lan::new(vec![configuration]);
    let link = lan.nodes[0].links.remove(1);
    lan.boot(0);
    lan.run_for(seconds(10));
    assert_eq!(lan.state(0), Master);
    assert_eq!(lan.nodes[0].facts(EventKind::OperationRefused).len(), 1);
    lan.input(0, Input::Link(link));
    assert!(lan.nodes[0].addresses.contains(&(ETH1, elsewhere.address, 24)));
}

#[test]
fn an_address_whose_refusal_was_lost_is_put_on_after_everything_was_listed_anew() {
    let mut lan = Lan::started(vec![one(100)]);
    (lan.nodes[0].refuses_addresses, lan.nodes[0].loses_answers) = (true, true);
    lan.run_for(seconds(10));
    assert_eq!((lan.state(0), lan.holders(vip(254).address)), (Master, vec![]));
    (lan.nodes[0].refuses_addresses, lan.nodes[0].loses_answers) = (false, false);
    let before = lan.nodes[0].actions.len();
    lan.resync(0);
    lan.run_for(Duration::from_millis(1));
    assert_eq!(lan.holders(vip(254).address), [0]);
    assert!(lan.nodes[0].words(before).iter().any(|word| word == "announce .254"));
}

#[test]
fn a_list_that_shows_what_should_be_there_changes_nothing() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.nodes[0].loses_answers = true;
    lan.run_for(Duration::from_millis(9200));
    assert_eq!((lan.state(0), lan.status(0)[0].addresses_here.len()), (Master, 0), "the kernel's word was lost");
    lan.nodes[0].loses_answers = false;
    let before = lan.nodes[0].actions.len();
    lan.resync(0);
    lan.run_for(Duration::from_millis(1));
    assert_eq!(lan.nodes[0].words(before), [""; 0]);
    assert_eq!((lan.status(0)[0].addresses_here.len(), lan.nodes[0].warnings()), (1, vec![]));
    assert_eq!(lan.nodes[0].facts(EventKind::Drift), []);
}

#[test]
fn an_address_whose_removal_is_refused_stays_ours_until_it_is_gone() {
    let mut lan = master();
    lan.nodes[0].refuses_removals = true;
    lan.set_link(0, ETH0, false);
    lan.run_for(seconds(1));
    assert_eq!((lan.holders(vip(254).address), lan.nodes[0].remembered.len()), (vec![0], 1));
    assert_eq!(lan.nodes[0].warnings(), [""; 0], "it is no stranger's");
    lan.nodes[0].refuses_removals = false;
    lan.crash(0);
    lan.boot(0);
    lan.run_for(Duration::from_millis(5));
    assert_eq!((lan.holders(vip(254).address), lan.nodes[0].remembered.len()), (vec![], 0));
}

#[test]
fn a_crash_between_a_removal_and_its_confirmation_leaves_nothing_behind() {
    let mut lan = master();
    lan.nodes[0].loses_actions = true;
    lan.set_link(0, ETH0, false);
    lan.crash(0);
    lan.nodes[0].loses_actions = false;
    assert_eq!(lan.holders(vip(254).address), [0]);
    lan.boot(0);
    lan.run_for(Duration::from_millis(5));
    assert_eq!(lan.holders(vip(254).address), [0; 0]);
}

#[test]
fn an_address_that_was_to_leave_and_is_wanted_again_is_not_forgotten() {
    let mut lan = master();
    lan.nodes[0].refuses_removals = true;
    lan.set_link(0, ETH0, false);
    lan.set_link(0, ETH0, true);
    lan.run_for(seconds(10));
    lan.nodes[0].refuses_removals = false;
    assert_eq!((lan.state(0), lan.nodes[0].remembered.len()), (Master, 1));
    lan.set_link(0, ETH0, false);
    lan.run_for(Duration::from_millis(5));
    assert_eq!((lan.holders(vip(254).address), lan.nodes[0].remembered.len()), (vec![], 0));
}

#[test]
fn excluded_addresses_move_with_the_others_and_no_advertisement_names_them() {
    let six: IpAddr = "fd00::9".parse().unwrap();
    let configuration = || {
        let mut configuration = one(100);
        let excluded = [vip(200), VirtualAddress::new(six, 64)];
        let excluded = excluded.map(|address| VirtualAddress { advertised: false, ..address });
        configuration.virtual_routers[0].addresses.extend(excluded);
        configuration
    };
    let mut lan = Lan::started(vec![configuration(), one(50)]);
    lan.run_for(seconds(5));
    assert_eq!((lan.holders(vip(200).address), lan.holders(six)), (vec![0], vec![0]));
    assert_eq!(lan.nodes[1].warnings(), [""; 0], "its list is that of the other, which has none of them");
    lan.input(0, Input::Shutdown { keep: false });
    assert_eq!((lan.holders(vip(200).address), lan.holders(six)), (vec![], vec![]));
}

#[test]
fn an_address_that_is_not_tracked_stays_away_when_somebody_removes_it() {
    let mut configuration = one(100);
    configuration.virtual_routers[0].addresses[0].options.watched = false;
    let mut lan = Lan::started(vec![configuration]);
    lan.run_for(seconds(5));
    let VirtualAddress { address, prefix, .. } = vip(254);
    lan.meddle(0, ETH0, address, prefix, false);
    lan.run_for(seconds(5));
    assert_eq!((lan.state(0), lan.holders(address)), (Master, vec![]));
}

#[test]
fn several_that_are_removed_at_once_are_all_back_at_once_and_a_fight_for_one_stays_bounded() {
    let mut configuration = one(100);
    configuration.virtual_routers[0].addresses = vec![vip(252), vip(253), vip(254)];
    let mut lan = Lan::started(vec![configuration]);
    lan.run_for(seconds(10));
    // The kernel removes the others of a subnet along with its first address.
    for last in [253, 254, 252] {
        lan.meddle(0, ETH0, vip(last).address, 24, false);
    }
    lan.run_for(Duration::from_millis(50));
    let held: Vec<_> = [252, 253, 254].map(|last| lan.holders(vip(last).address)).concat();
    assert_eq!(held, [0, 0, 0]);
    let from = lan.nodes[0].actions.len();
    for _ in 0..50 {
        for last in [252, 253, 254] {
            lan.meddle(0, ETH0, vip(last).address, 24, false);
        }
        lan.run_for(Duration::from_millis(100));
    }
    let added = lan.nodes[0].words(from).into_iter().filter(|word| word == "add 192.0.2.253/24").count();
    assert!((20..=30).contains(&added), "{added} times in five seconds, five in each");
}

#[test]
fn who_removed_an_address_is_told_as_far_as_the_kernel_tells() {
    let mut lan = master();
    lan.meddle(0, ETH0, vip(254).address, 24, false);
    lan.run_for(Duration::from_millis(5));
    let drift = lan.nodes[0].facts(EventKind::Drift).remove(0);
    assert_eq!(drift.reason.as_deref(), Some("removed by pid 9 (ip); it is put back"));
}

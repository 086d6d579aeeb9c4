//! Starting, taking over, resigning, stopping: what is done, in which order.

use super::lan::*;
use crate::engine::event::{EventKind, Fact};
use crate::engine::failover::{Action, Failover, Input, OwnedAddress, Past, Waiting};
use crate::engine::model::PaceGroup;
use crate::engine::snapshot::VirtualRouterState::{Backup, Fault, Init, Master};
use std::net::IpAddr;
use std::time::Duration;

#[test]
fn a_node_alone_takes_over_after_the_master_down_interval() {
    let mut lan = Lan::started(vec![one(100)]);
    assert_eq!(lan.state(0), Backup);
    let next = lan.nodes[0].core.as_ref().unwrap().poll_timeout().unwrap();
    assert_eq!((next.0.duration_since(lan.start), next.1), (Duration::from_micros(3_609_375), Waiting::MasterDown));
    assert_eq!(lan.status(0)[0].next.as_ref().unwrap().waiting, "master down");
    lan.run_for(Duration::from_micros(3_609_375));
    assert_eq!(lan.state(0), Master);
    assert_eq!(lan.status(0)[0].reason, "no master heard for 3.609 s");
    assert_eq!(lan.status(0)[0].addresses_here, [""; 0], "not before the kernel says so");
    lan.run_for(Duration::from_millis(2));
    assert_eq!(lan.status(0)[0].addresses_here, ["192.0.2.254/24"]);
}

#[test]
fn a_new_master_speaks_first_then_writes_down_then_adds_then_announces() {
    let mut configuration = one(100);
    configuration.virtual_routers[0].addresses.push(vip(253));
    let mut lan = Lan::started(vec![configuration]);
    lan.run_for(seconds(4));
    let announced = ["announce .254", "announce .253"].repeat(5);
    let words = lan.nodes[0].words(0);
    assert_eq!(words[..5], ["join", "advertise 100", "remember 2", "add 192.0.2.254/24", "add 192.0.2.253/24"]);
    assert_eq!(words[5..15], announced);
    let before = lan.nodes[0].actions.len();
    lan.run_for(seconds(5));
    let second: Vec<String> = lan.nodes[0].words(before).into_iter().filter(|w| w.starts_with("ann")).collect();
    assert_eq!(second, announced, "the second round, five seconds later");
}

#[test]
fn a_node_that_stops_resigns_before_its_addresses_go_and_is_then_stopped() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(seconds(10));
    let before = lan.nodes[0].actions.len();
    lan.input(0, Input::Shutdown { keep: false });
    assert_eq!(lan.nodes[0].words(before), ["advertise 0", "remove 192.0.2.254/24", "leave"]);
    assert!(!lan.nodes[0].core.as_ref().unwrap().is_stopped(), "the kernel has not confirmed yet");
    lan.run_for(Duration::from_millis(3));
    assert_eq!(lan.nodes[0].words(before)[3..], ["remember 0"]);
    assert!(lan.nodes[0].core.as_ref().unwrap().is_stopped());
    assert_eq!(lan.state(0), Init);
    assert_eq!(lan.nodes[0].core.as_ref().unwrap().poll_timeout(), None);
}

#[test]
fn a_node_that_stops_waits_a_second_for_the_kernel_and_forgets_nothing_that_it_did_not_confirm() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(seconds(10));
    lan.nodes[0].loses_answers = true;
    lan.input(0, Input::Shutdown { keep: false });
    let next = lan.nodes[0].core.as_ref().unwrap().poll_timeout();
    assert_eq!(next, Some((lan.now + seconds(1), Waiting::AddressesGone)));
    lan.run_for(seconds(1));
    assert!(lan.nodes[0].core.as_ref().unwrap().is_stopped());
    assert_eq!(lan.nodes[0].remembered.len(), 1);
}

#[test]
fn an_owner_is_master_at_once_and_its_own_address_is_its_source() {
    let mut configuration = one(255);
    configuration.virtual_routers[0].addresses = vec![vip(11)];
    let mut lan = Lan::started(vec![configuration]);
    assert_eq!(lan.state(0), Master);
    assert_eq!(lan.nodes[0].words(0)[..2], ["join", "advertise 255"]);
    lan.input(0, Input::Shutdown { keep: false });
    assert_eq!(lan.holders(IpAddr::from([192, 0, 2, 11])), [0], "what was there before stays");
}

#[test]
fn what_a_crashed_run_left_behind_and_is_no_longer_configured_is_removed_first() {
    let mut lan = Lan::new(vec![one(100)]);
    let owned = |last| OwnedAddress { interface: "eth0".to_owned(), address: vip(last).address, prefix: 24 };
    lan.nodes[0].remembered = vec![owned(254), owned(99), owned(98)];
    lan.nodes[0].addresses.extend([(ETH0, vip(254).address, 24), (ETH0, vip(99).address, 24)]);
    lan.boot(0);
    lan.run_for(Duration::from_millis(3));
    let words = lan.nodes[0].words(0);
    assert_eq!(words[..4], ["drop nothing", "remember 2", "remove 192.0.2.99/24", "join"]);
    assert_eq!(words[4..], ["remember 1"], "as the kernel confirms it; the configured one is adopted");
    let facts = lan.nodes[0].facts(EventKind::Address);
    let left = |fact: &&Fact| fact.reason.as_deref() == Some("left behind by an earlier run");
    assert_eq!(facts.iter().filter(left).count(), 1);
    assert_eq!(lan.nodes[0].warnings(), [""; 0]);
}

#[test]
fn an_engine_that_is_restarted_where_nobody_else_is_master_never_lets_its_addresses_go() {
    let mut lan = Lan::started(vec![one(200)]);
    lan.run_for(seconds(10));
    lan.crash(0);
    lan.run_for(Duration::from_millis(100));
    let so_far = lan.nodes[0].words(0).len();
    lan.boot(0);
    lan.run_for(seconds(10));
    assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![0], vec![0]));
    assert!(!lan.nodes[0].words(so_far).iter().any(|word| word.starts_with("remove") || word.starts_with("add")));
    lan.input(0, Input::Shutdown { keep: false });
    lan.run_for(seconds(1));
    assert_eq!(lan.holders(vip(254).address), [0; 0]);
}

#[test]
fn an_engine_that_stops_before_it_was_master_again_takes_off_what_it_adopted() {
    let mut lan = Lan::started(vec![one(200)]);
    lan.run_for(seconds(10));
    lan.crash(0);
    lan.boot(0);
    lan.run_for(Duration::from_millis(100));
    lan.input(0, Input::Shutdown { keep: false });
    lan.run_for(seconds(1));
    assert_eq!((lan.holders(vip(254).address), lan.nodes[0].remembered.len()), (vec![], 0));
}

#[test]
fn what_was_left_behind_on_an_interface_that_is_absent_stays_written_down_until_it_is_seen() {
    let mut lan = Lan::new(vec![one(100)]);
    let left = OwnedAddress { interface: "eth1".to_owned(), address: vip(99).address, prefix: 24 };
    lan.nodes[0].remembered = vec![left.clone()];
    let link = lan.nodes[0].links.remove(1);
    lan.boot(0);
    lan.run_for(seconds(10));
    assert_eq!(lan.nodes[0].remembered.len(), 2, "beside the address of the master");
    assert!(lan.nodes[0].remembered.contains(&left));
    lan.nodes[0].links.push(link.clone());
    lan.input(0, Input::Link(link));
    lan.meddle(0, ETH1, vip(99).address, 24, true);
    lan.run_for(Duration::from_millis(5));
    assert_eq!((lan.holders(vip(99).address), lan.nodes[0].remembered.len()), (vec![], 1));
}

#[test]
fn a_crashed_master_that_comes_back_gives_way_to_the_one_it_hears_and_becomes_master_again_cleanly() {
    let mut lan = Lan::started(vec![one(200), one(100)]);
    lan.run_for(seconds(10));
    lan.crash(0);
    lan.run_for(seconds(10));
    assert_eq!(lan.holders(vip(254).address), [0, 1], "a dead engine removes nothing");
    lan.boot(0);
    lan.run_for(Duration::from_millis(1010));
    assert_eq!(lan.holders(vip(254).address), [1], "within an interval");
    lan.run_for(seconds(10));
    assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![0], vec![0]));
    assert_eq!(lan.nodes[0].warnings(), [""; 0]);
}

#[test]
fn a_missing_interface_is_a_fault_that_names_it_and_ends_when_it_appears() {
    let mut lan = Lan::new(vec![one(100)]);
    let link = lan.nodes[0].links.remove(0);
    lan.boot(0);
    assert_eq!(lan.state(0), Fault);
    assert!(lan.status(0)[0].reason.contains("interface eth0 does not exist"), "{}", lan.status(0)[0].reason);
    lan.input(0, Input::Link(link));
    let (index, address, prefix) = lan.nodes[0].addresses[0];
    lan.input(0, Input::Address { index, address, prefix, present: true, by: None });
    assert_eq!((lan.state(0), lan.status(0)[0].reason.as_str()), (Backup, "the fault is over"));
}

#[test]
fn a_link_without_carrier_or_address_is_a_fault_that_says_so() {
    let mut lan = Lan::new(vec![one(100)]);
    lan.nodes[0].links[0].up = false;
    lan.nodes[0].addresses.remove(0);
    lan.boot(0);
    assert!(lan.status(0)[0].reason.contains("no carrier"));
    lan.set_link(0, ETH0, true);
    assert_eq!(lan.state(0), Fault);
    assert!(lan.status(0)[0].reason.contains("no IPv4 address"));
    lan.meddle(0, ETH0, IpAddr::from([192, 0, 2, 11]), 24, true);
    lan.run_for(seconds(1));
    assert_eq!(lan.state(0), Backup);
}

#[test]
fn a_master_that_loses_its_link_tries_to_resign_and_drops_its_addresses() {
    let mut lan = Lan::started(vec![one(200), one(100)]);
    lan.run_for(seconds(10));
    let before = lan.nodes[0].actions.len();
    lan.set_link(0, ETH0, false);
    assert_eq!(lan.nodes[0].words(before), ["advertise 0", "remove 192.0.2.254/24"]);
    assert_eq!(lan.state(0), Fault);
    lan.run_for(seconds(5));
    assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![1], vec![1]));
    lan.set_link(0, ETH0, true);
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [0], "the higher priority preempts");
}

#[test]
fn a_master_whose_interface_vanishes_forgets_what_was_on_it() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(seconds(10));
    let before = lan.nodes[0].actions.len();
    lan.nodes[0].addresses.clear();
    lan.input(0, Input::LinkGone { index: ETH0 });
    assert_eq!(lan.nodes[0].words(before), ["remember 0"]);
    assert_eq!(lan.state(0), Fault);
}

#[test]
fn two_nodes_have_one_master_and_the_higher_priority_preempts() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(seconds(10));
    let mut lan = Lan::started(vec![one(100), one(150)]);
    lan.run_for(seconds(10));
    assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![1], vec![1]));
    let peers = &lan.status(0)[0].peers;
    assert_eq!((peers[0].address.as_str(), peers[0].last_priority), ("192.0.2.12", Some(150)));
    assert_eq!(peers[0].state, crate::engine::snapshot::PeerState::Master);
}

#[test]
fn nopreempt_lets_a_lower_master_be() {
    let mut strong = one(200);
    strong.virtual_routers[0].preempt = false;
    let mut lan = Lan::new(vec![strong, one(100)]);
    lan.boot(1);
    lan.run_for(seconds(10));
    lan.boot(0);
    lan.run_for(seconds(60));
    assert_eq!(lan.masters(), [1]);
    lan.crash(1);
    lan.run_for(seconds(10));
    assert_eq!(lan.masters(), [0]);
}

#[test]
fn among_equal_priorities_the_higher_address_wins_once_and_stays() {
    let mut lan = Lan::started(vec![one(100), one(100)]);
    lan.run_for(seconds(60));
    assert_eq!(lan.masters().len(), 1);
    let changes = lan.status(0)[0].history.len() + lan.status(1)[0].history.len();
    assert!(changes <= 5, "{changes}");
}

#[test]
fn before_start_nothing_is_done() {
    let mut core = Failover::new(&one(255), Past::default(), std::time::Instant::now());
    core.handle(std::time::Instant::now(), Input::Timeout);
    assert_eq!((core.poll_action(), core.poll_timeout()), (None, None));
}

#[test]
fn a_startup_delay_holds_every_instance_back_though_nobody_else_is_master() {
    let mut configuration = one(100);
    configuration.global.startup_delay = seconds(10);
    let mut lan = Lan::started(vec![configuration]);
    lan.run_for(seconds(9));
    assert_eq!((lan.state(0), lan.status(0)[0].reason.as_str()), (Init, "waits for vrrp_startup_delay"));
    lan.run_for(seconds(2));
    assert_eq!(lan.state(0), Backup);
    lan.run_for(seconds(4));
    assert_eq!(lan.state(0), Master);
}

/// When announcements went out, in milliseconds after the first.
fn announced(lan: &Lan) -> Vec<u128> {
    let times = lan.nodes[0].actions.iter().filter(|(_, action)| matches!(action, Action::Announce { .. }));
    let times: Vec<_> = times.map(|(at, _)| *at).collect();
    times.iter().map(|at| at.duration_since(times[0]).as_millis()).collect()
}

#[test]
fn announcements_on_one_interface_keep_the_distance_that_is_asked_for() {
    let mut configuration = one(100);
    configuration.global.pace.garp = Duration::from_millis(100);
    configuration.virtual_routers[0].addresses.push(vip(253));
    configuration.virtual_routers[0].garp.delay = Duration::ZERO;
    let mut lan = Lan::started(vec![configuration]);
    lan.run_for(seconds(6));
    assert_eq!(announced(&lan), (0..10).map(|n| n * 100).collect::<Vec<_>>());
}

#[test]
fn a_group_of_interfaces_shares_a_distance_and_who_resigns_announces_nothing_more() {
    let mut configuration = pair(100);
    configuration.global.pace.groups = vec![PaceGroup {
        garp: Some(Duration::from_millis(500)),
        gna: None,
        interfaces: vec!["eth0".into(), "eth1".into()],
    }];
    let mut lan = Lan::started(vec![configuration]);
    lan.run_for(Duration::from_millis(4650));
    assert_eq!(lan.masters(), [0]);
    let before = announced(&lan).len();
    assert!((2..=4).contains(&before), "{before}");
    lan.input(0, Input::Shutdown { keep: false });
    lan.run_for(seconds(3));
    assert_eq!(announced(&lan).len(), before);
}

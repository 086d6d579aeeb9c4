//! Static addresses and routes: there while the engine runs, whoever is master.

use super::lan::*;
use crate::engine::event::EventKind;
use crate::engine::failover::Input;
use crate::engine::model::{Configuration, StaticAddress, Statics, VirtualAddress};
use crate::engine::snapshot::VirtualRouterState;
use std::net::IpAddr;
use std::sync::Arc;

fn address(last: u8) -> IpAddr {
    IpAddr::from([10, 5, 0, last])
}

/// One instance, and `addresses` on eth1; `needed`: the instance can't work without them.
fn with_statics(addresses: &[u8], needed: bool) -> Configuration {
    let on_eth1 = |last: &u8| StaticAddress {
        address: VirtualAddress { interface: Some("eth1".to_owned()), ..VirtualAddress::new(address(*last), 24) },
        needed_by: if needed { vec!["VI_1".to_owned()] } else { Vec::new() },
    };
    Configuration {
        statics: Statics { addresses: addresses.iter().map(on_eth1).collect(), routing: Vec::new() },
        ..one(100)
    }
}

fn has(lan: &Lan, last: u8) -> bool {
    lan.nodes[0].addresses.contains(&(ETH1, address(last), 24))
}

#[test]
fn they_come_at_the_start_are_written_down_before_and_go_at_the_end() {
    let mut lan = Lan::started(vec![with_statics(&[1, 2], false)]);
    assert_eq!(lan.nodes[0].words(0)[..3], ["remember 2", "add 10.5.0.1/24", "add 10.5.0.2/24"]);
    lan.run_for(seconds(5));
    assert!(has(&lan, 1) && has(&lan, 2) && lan.masters() == [0]);
    lan.input(0, Input::Shutdown { keep: false });
    lan.run_for(seconds(1));
    assert!(!has(&lan, 1) && !has(&lan, 2) && lan.nodes[0].remembered.is_empty());
    assert!(lan.nodes[0].core.as_ref().unwrap().is_stopped());
}

#[test]
fn what_somebody_removes_is_put_back_at_once_five_times_a_second_and_then_waits() {
    let mut lan = Lan::started(vec![with_statics(&[1], false)]);
    lan.run_for(seconds(5));
    for time in 0..6 {
        lan.meddle(0, ETH1, address(1), 24, false);
        lan.run_for(seconds(1) / 10);
        assert_eq!(has(&lan, 1), time < 5, "the sixth time it waits");
    }
    lan.run_for(seconds(1));
    assert!(has(&lan, 1));
    assert_eq!(lan.nodes[0].facts(EventKind::Drift).len(), 6);
}

#[test]
fn after_a_crash_they_are_ours_and_one_that_the_file_has_no_more_goes() {
    let mut lan = Lan::started(vec![with_statics(&[1, 2], false)]);
    lan.run_for(seconds(5));
    lan.crash(0);
    lan.nodes[0].configuration = with_statics(&[1], false);
    lan.boot(0);
    lan.run_for(seconds(1));
    assert!(has(&lan, 1) && !has(&lan, 2));
    let owned: Vec<IpAddr> = lan.nodes[0].remembered.iter().map(|owned| owned.address).collect();
    assert!(owned.contains(&address(1)) && !owned.contains(&address(2)), "{owned:?}");
}

#[test]
fn a_reload_adds_and_removes_them_and_touches_no_instance() {
    let mut lan = Lan::started(vec![with_statics(&[1], false)]);
    lan.run_for(seconds(5));
    let from = lan.nodes[0].actions.len();
    lan.input(0, Input::Reload(Arc::new(with_statics(&[2], false))));
    lan.run_for(seconds(1) / 2);
    assert!(!has(&lan, 1) && has(&lan, 2));
    let words: Vec<String> =
        lan.nodes[0].words(from).into_iter().filter(|word| !word.starts_with("advertise")).collect();
    assert_eq!(words, ["remember 3", "add 10.5.0.2/24", "remove 10.5.0.1/24", "remember 2"]);
    // From static to virtual it never leaves.
    let mut moved = one(100);
    let on_eth1 = with_statics(&[2], false).statics.addresses[0].address.clone();
    moved.virtual_routers[0].addresses.push(on_eth1);
    let from = lan.nodes[0].actions.len();
    lan.input(0, Input::Reload(Arc::new(moved)));
    lan.run_for(seconds(1));
    assert!(has(&lan, 2));
    assert!(!lan.nodes[0].words(from).iter().any(|word| word.starts_with("remove 10") || word.starts_with("add")));
}

#[test]
fn one_that_an_instance_needs_and_that_can_not_be_had_is_its_fault() {
    let mut lan = Lan::new(vec![with_statics(&[1], true)]);
    lan.nodes[0].refuses_addresses = true;
    lan.boot(0);
    lan.run_for(seconds(5));
    assert_eq!(lan.state(0), VirtualRouterState::Fault);
    let reason = lan.status(0)[0].reason.clone();
    assert!(reason.contains("static address 10.5.0.1/24 of its track_group is not on eth1"), "{reason}");
    lan.nodes[0].refuses_addresses = false;
    lan.set_link(0, ETH1, false);
    lan.set_link(0, ETH1, true);
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [0]);
    lan.meddle(0, ETH1, address(1), 24, false);
    lan.run_for(seconds(1));
    assert!(has(&lan, 1) && lan.masters() == [0], "put back at once, it is no fault");
}

#[test]
fn an_interface_that_is_not_there_is_told_until_it_comes() {
    let mut lan = Lan::started(vec![with_statics(&[1], false)]);
    assert_eq!(lan.nodes[0].warnings(), [""; 0]);
    let mut elsewhere = with_statics(&[1], false);
    elsewhere.statics.addresses[0].address.interface = Some("no-such".to_owned());
    lan = Lan::started(vec![elsewhere]);
    lan.run_for(seconds(5));
    assert_eq!(lan.nodes[0].warnings(), ["no-interface"]);
}

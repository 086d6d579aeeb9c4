//! `no_accept`: whose packets are dropped, and when.

use super::lan::*;
use crate::engine::event::EventKind;
use crate::engine::failover::{Action, Dropped, Input};
use crate::engine::model::{Configuration, Family, Priority, VirtualAddress, VrrpVersion};
use std::net::IpAddr;
use std::time::Duration;

fn refusing(priority: u8) -> Configuration {
    let mut configuration = one(priority);
    configuration.virtual_routers[0].variations.accepts = false;
    configuration
}

fn dropped(lan: &Lan) -> Vec<IpAddr> {
    lan.nodes[0].dropped.iter().map(|dropped| dropped.address).collect()
}

#[test]
fn a_master_drops_packets_before_its_addresses_are_on_and_until_they_are_off() {
    let mut lan = Lan::started(vec![refusing(100)]);
    assert_eq!(dropped(&lan).len(), 0, "no backup drops anything");
    lan.run_for(Duration::from_secs(5));
    let words = lan.nodes[0].words(0);
    let at = |word: &str| words.iter().position(|found| found == word).unwrap();
    assert!(at("drop 192.0.2.254") < at("add 192.0.2.254/24"), "{words:?}");
    assert_eq!(dropped(&lan), [vip(254).address]);
    lan.input(0, Input::Shutdown { keep: false });
    let words = lan.nodes[0].words(0);
    let at = |word: &str| words.iter().position(|found| found == word).unwrap();
    assert!(at("remove 192.0.2.254/24") < at("accept 192.0.2.254"), "{words:?}");
    assert_eq!(dropped(&lan).len(), 0);
}

#[test]
fn an_owner_accepts_and_so_does_who_has_no_such_word() {
    let mut owner = refusing(255);
    owner.virtual_routers[0].priority = Priority::OWNER;
    for configuration in [owner, one(100)] {
        let mut lan = Lan::started(vec![configuration]);
        lan.run_for(Duration::from_secs(5));
        assert_eq!(lan.masters(), [0]);
        assert_eq!(dropped(&lan).len(), 0);
    }
}

#[test]
fn a_link_local_address_counts_on_its_interface_alone() {
    let mut configuration = refusing(100);
    let router = &mut configuration.virtual_routers[0];
    (router.family, router.version) = (Family::Inet6, VrrpVersion::V3);
    router.transport = crate::engine::model::Transport::multicast(Family::Inet6);
    let address = |text: &str| VirtualAddress::new(text.parse().unwrap(), 64);
    let other = VirtualAddress { interface: Some("eth1".to_owned()), advertised: false, ..address("2001:db8::7") };
    router.addresses = vec![address("fe80::5:33"), other];
    let mut lan = Lan::started(vec![configuration]);
    lan.run_for(Duration::from_secs(5));
    let (link, global) = ("fe80::5:33".parse().unwrap(), "2001:db8::7".parse().unwrap());
    let found: Vec<Dropped> = lan.nodes[0].dropped.clone();
    assert_eq!(
        found,
        [Dropped { address: global, index: None }, Dropped { address: link, index: Some(ETH0) }],
        "an excluded address too"
    );
}

#[test]
fn a_reload_follows_the_word_and_the_addresses() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(Duration::from_secs(5));
    lan.reload(0, refusing(100));
    assert_eq!(dropped(&lan), [vip(254).address]);
    let mut more = refusing(100);
    more.virtual_routers[0].addresses = vec![vip(253)];
    let from = lan.nodes[0].actions.len();
    lan.reload(0, more);
    let words = lan.nodes[0].words(from);
    let order: Vec<&String> = words.iter().filter(|word| !word.starts_with("re") && !word.starts_with("ann")).collect();
    assert_eq!(order, ["drop 192.0.2.253", "add 192.0.2.253/24", "accept 192.0.2.254"], "{words:?}");
    assert_eq!(dropped(&lan), [vip(253).address]);
    lan.run_for(Duration::from_secs(1));
    lan.reload(0, one(100));
    assert_eq!(dropped(&lan).len(), 0);
    lan.reload(0, refusing(100));
    lan.reload(0, Configuration::default());
    assert_eq!(dropped(&lan).len(), 0, "an instance that left drops nothing");
}

#[test]
fn what_a_crashed_run_dropped_goes_or_is_dropped_again() {
    let mut lan = Lan::started(vec![refusing(100)]);
    lan.run_for(Duration::from_secs(5));
    lan.crash(0);
    lan.boot(0);
    assert_eq!(dropped(&lan), [vip(254).address], "its address is still on");
    lan.crash(0);
    lan.nodes[0].configuration = one(100);
    lan.boot(0);
    assert_eq!(dropped(&lan).len(), 0);
}

#[test]
fn a_refusal_is_told_and_tried_again_with_the_next_address() {
    let mut lan = Lan::started(vec![refusing(100)]);
    lan.run_for(Duration::from_secs(5));
    let addresses = vec![Dropped { address: vip(254).address, index: None }];
    lan.nodes[0].dropped.clear();
    let action = Box::new(Action::Drop { addresses, present: true });
    lan.input(0, Input::Refused { action, error: "Operation not permitted (os error 1)".to_owned() });
    let told = lan.nodes[0].facts(EventKind::OperationRefused);
    assert!(told[0].detail.as_ref().unwrap().contains("no_accept"), "{told:?}");
    lan.meddle(0, ETH0, vip(254).address, 24, false);
    lan.run_for(Duration::from_secs(1));
    assert_eq!(dropped(&lan), [vip(254).address]);
}

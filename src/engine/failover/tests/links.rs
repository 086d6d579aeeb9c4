//! Virtual interfaces (`use_vmac`): made, up while master, adopted, removed.

use super::lan::*;
use crate::engine::event::EventKind;
use crate::engine::failover::{Action, Input, Link, Macvlan};
use crate::engine::model::{Configuration, Family, Mac, VirtualLink, Vrid};
use crate::engine::snapshot::VirtualRouterState;
use std::net::IpAddr;
use std::sync::Arc;

const VIP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 254));
const MAC: [u8; 6] = [0, 0, 0x5e, 0, 1, 51];

fn virtual_link() -> VirtualLink {
    let mac = Mac::of_router(Vrid::new(51).unwrap(), Family::Inet);
    VirtualLink { name: "vrrp.51".to_owned(), base: "eth0".to_owned(), mac, family: Family::Inet }
}

/// One instance with `use_vmac`.
fn with_link(priority: u8) -> Configuration {
    let mut configuration = one(priority);
    let router = &mut configuration.virtual_routers[0];
    router.links = vec![virtual_link()];
    router.advertises_from = Some("vrrp.51".to_owned());
    router.addresses[0].interface = Some("vrrp.51".to_owned());
    configuration
}

fn found(lan: &Lan, n: usize) -> Option<Link> {
    lan.nodes[n].links.iter().find(|link| link.name == "vrrp.51").cloned()
}

fn is_up(lan: &Lan, n: usize) -> bool {
    found(lan, n).is_some_and(|link| link.up)
}

/// MAC addresses that advertisements of a node came from.
fn sent_from(lan: &Lan, n: usize) -> Vec<Option<[u8; 6]>> {
    let mac = |action: &Action| match action {
        Action::Advertise { mac, .. } => Some(*mac),
        _ => None,
    };
    lan.nodes[n].actions.iter().filter_map(|(_, action)| mac(action)).collect()
}

#[test]
fn it_is_made_before_the_instance_starts_and_up_before_the_first_advertisement() {
    let mut lan = Lan::started(vec![with_link(100)]);
    assert_eq!(lan.nodes[0].words(0), ["remember 1 links", "make vrrp.51", "join"]);
    assert_eq!(lan.state(0), VirtualRouterState::Init, "not before the interface is there");
    lan.run_for(seconds(1));
    assert_eq!((lan.state(0), is_up(&lan, 0)), (VirtualRouterState::Backup, false));
    let from = lan.nodes[0].actions.len();
    lan.run_for(seconds(3));
    let words = lan.nodes[0].words(from);
    assert_eq!(words[..4], ["link up", "advertise 100", "remember 1", "add 192.0.2.254/24"], "{words:?}");
    assert_eq!(words[4], "announce .254");
    assert!(sent_from(&lan, 0).iter().all(|mac| *mac == Some(MAC)));
    let frame = lan.nodes[0].actions.iter().find_map(|(_, action)| match action {
        Action::Announce { frame, .. } => Some(frame.clone()),
        _ => None,
    });
    assert_eq!(frame.unwrap()[6..12], MAC, "the link is told of the virtual MAC address");
    let index = found(&lan, 0).unwrap().index;
    assert!(lan.nodes[0].addresses.contains(&(index, VIP, 24)));
}

#[test]
fn it_is_down_again_when_another_router_leads_and_hears_it_all_the_same() {
    let mut lan = Lan::started(vec![with_link(100), with_link(200)]);
    lan.run_for(seconds(5));
    assert_eq!((lan.masters(), is_up(&lan, 0), is_up(&lan, 1)), (vec![1], false, true));
    lan.crash(1);
    lan.run_for(seconds(5));
    assert_eq!((lan.masters(), is_up(&lan, 0)), (vec![0], true));
    let from = lan.nodes[0].actions.len();
    lan.boot(1);
    lan.run_for(seconds(5));
    assert_eq!((lan.masters(), is_up(&lan, 0), is_up(&lan, 1)), (vec![1], false, true));
    let words = lan.nodes[0].words(from);
    let end: Vec<&str> =
        words.iter().map(String::as_str).filter(|w| w.contains("remove ") || w.contains("link")).collect();
    assert_eq!(end, ["remove 192.0.2.254/24", "link down"]);
}

#[test]
fn it_goes_with_the_engine_after_its_addresses_and_the_engine_waits_for_it() {
    let mut lan = Lan::started(vec![with_link(100)]);
    lan.run_for(seconds(5));
    let from = lan.nodes[0].actions.len();
    lan.input(0, Input::Shutdown { keep: false });
    let words = lan.nodes[0].words(from);
    assert_eq!(words[..4], ["advertise 0", "remove 192.0.2.254/24", "link down", "remove link"], "{words:?}");
    assert!(!lan.nodes[0].core.as_ref().unwrap().is_stopped());
    lan.run_for(seconds(1));
    assert!(lan.nodes[0].core.as_ref().unwrap().is_stopped());
    assert_eq!((found(&lan, 0), lan.nodes[0].remembered_links.len()), (None, 0));
}

#[test]
fn after_a_crash_it_is_adopted_with_its_address_or_removed_where_the_file_has_it_no_more() {
    for wanted in [true, false] {
        let mut lan = Lan::started(vec![with_link(100)]);
        lan.run_for(seconds(5));
        lan.crash(0);
        assert!(is_up(&lan, 0) && lan.nodes[0].remembered_links == [virtual_link()]);
        let from = lan.nodes[0].actions.len();
        if !wanted {
            lan.nodes[0].configuration = one(100);
        }
        lan.boot(0);
        lan.run_for(seconds(1));
        let words = lan.nodes[0].words(from);
        if wanted {
            assert!(is_up(&lan, 0) && lan.holders(VIP) == [0], "served on: {words:?}");
            assert!(!words.iter().any(|word| word.starts_with("link") || word.starts_with("remove 1")), "{words:?}");
        } else {
            assert_eq!((found(&lan, 0), lan.nodes[0].remembered_links.len()), (None, 0), "{words:?}");
        }
        lan.run_for(seconds(5));
        assert_eq!((lan.masters(), lan.holders(VIP)), (vec![0], vec![0]));
    }
}

#[test]
fn a_restart_that_keeps_resumes_on_it() {
    let mut lan = Lan::started(vec![with_link(100)]);
    lan.run_for(seconds(5));
    let from = lan.nodes[0].actions.len();
    lan.keep(0);
    let left = format!("leave {}", virtual_link().name);
    assert!(lan.nodes[0].words(from).contains(&left), "keepalived would take it up: {:?}", lan.nodes[0].words(from));
    let from = lan.nodes[0].actions.len();
    lan.boot_listening(0);
    assert_eq!(lan.state(0), VirtualRouterState::Master);
    assert!(is_up(&lan, 0) && sent_from(&lan, 0).last() == Some(&Some(MAC)), "{:?}", lan.nodes[0].words(from));
}

#[test]
fn who_deletes_it_or_sets_it_down_under_a_master_gets_it_back() {
    let mut lan = Lan::started(vec![with_link(100)]);
    lan.run_for(seconds(5));
    let index = found(&lan, 0).unwrap().index;
    lan.change_link(0, index, Some(false));
    lan.run_for(seconds(1));
    assert!(is_up(&lan, 0));
    let from = lan.nodes[0].actions.len();
    lan.change_link(0, index, None);
    lan.run_for(seconds(1));
    assert_eq!((is_up(&lan, 0), lan.holders(VIP), lan.masters()), (true, vec![0], vec![0]));
    let words = lan.nodes[0].words(from);
    let made: Vec<&String> = words.iter().filter(|word| !word.starts_with("advertise")).take(4).collect();
    assert_eq!(made[1..], ["make vrrp.51", "link up", "remember 1"], "{words:?}");
    assert!(words.contains(&"announce .254".to_owned()));
}

#[test]
fn the_interface_below_takes_it_along_and_brings_it_back() {
    let mut lan = Lan::started(vec![with_link(100)]);
    lan.run_for(seconds(5));
    lan.set_link(0, ETH0, false);
    assert_eq!(lan.state(0), VirtualRouterState::Fault);
    lan.run_for(seconds(1));
    assert!(!is_up(&lan, 0));
    let below = lan.nodes[0].links[0].clone();
    let from = lan.nodes[0].actions.len();
    lan.change_link(0, ETH0, None);
    lan.run_for(seconds(1));
    assert_eq!(found(&lan, 0), None);
    assert!(lan.status(0)[0].reason.contains("eth0 does not exist"), "{}", lan.status(0)[0].reason);
    lan.nodes[0].links.push(Link { up: true, ..below.clone() });
    lan.input(0, Input::Link(Link { up: true, ..below }));
    let address = IpAddr::from([192, 0, 2, 11]);
    lan.nodes[0].addresses.push((ETH0, address, 24));
    lan.input(0, Input::Address { index: ETH0, address, prefix: 24, present: true, by: None });
    lan.run_for(seconds(5));
    assert_eq!((lan.masters(), is_up(&lan, 0), lan.holders(VIP)), (vec![0], true, vec![0]));
    let made = lan.nodes[0].words(from).iter().filter(|word| *word == "make vrrp.51").count();
    assert_eq!(made, 2, "once in vain: it goes before the one below");
    assert_eq!(lan.nodes[0].facts(EventKind::OperationRefused), []);
}

#[test]
fn a_stranger_of_its_name_is_a_fault_until_it_is_gone() {
    let mut lan = Lan::new(vec![with_link(100)]);
    lan.nodes[0].links.push(link(9, "vrrp.51"));
    lan.boot(0);
    lan.run_for(seconds(5));
    assert_eq!(lan.state(0), VirtualRouterState::Fault);
    let reason = lan.status(0)[0].reason.clone();
    assert!(reason.contains("interface vrrp.51 can't be made on eth0: there is an interface of this name"), "{reason}");
    assert_eq!(lan.nodes[0].remembered_links, []);
    lan.change_link(0, 9, None);
    lan.run_for(seconds(5));
    assert_eq!((lan.masters(), is_up(&lan, 0)), (vec![0], true));
}

#[test]
fn what_the_system_refuses_to_make_is_a_fault_that_says_why_and_is_not_tried_without_end() {
    let mut lan = Lan::new(vec![with_link(100)]);
    lan.nodes[0].refuses_links = true;
    lan.boot(0);
    lan.run_for(seconds(5));
    assert_eq!(lan.state(0), VirtualRouterState::Fault);
    assert!(lan.status(0)[0].reason.contains("Operation not supported"));
    assert_eq!(lan.nodes[0].facts(EventKind::OperationRefused).len(), 1);
    lan.nodes[0].refuses_links = false;
    lan.set_link(0, ETH0, true);
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [0]);
}

#[test]
fn a_left_one_of_another_program_is_taken_over_and_one_on_another_interface_is_not_touched() {
    for (base, state) in [(ETH0, VirtualRouterState::Master), (ETH1, VirtualRouterState::Fault)] {
        let mut lan = Lan::new(vec![with_link(100)]);
        let macvlan = Some(Macvlan { base, enabled: true });
        lan.nodes[0].links.push(Link { macvlan, mac: Some(MAC), ..link(9, "vrrp.51") });
        lan.boot(0);
        lan.run_for(seconds(5));
        assert_eq!(lan.state(0), state);
        assert!(found(&lan, 0).is_some_and(|link| link.index == 9));
        assert_eq!(lan.nodes[0].remembered_links.len(), usize::from(base == ETH0));
    }
}

#[test]
fn a_reload_that_adds_or_removes_it_moves_the_address_and_keeps_the_master() {
    let mut lan = Lan::started(vec![one(100)]);
    lan.run_for(seconds(5));
    let from = lan.nodes[0].actions.len();
    lan.input(0, Input::Reload(Arc::new(with_link(100))));
    lan.run_for(seconds(1));
    let index = found(&lan, 0).unwrap().index;
    assert_eq!(lan.nodes[0].addresses.iter().filter(|a| a.1 == VIP).collect::<Vec<_>>(), [&(index, VIP, 24)]);
    assert!(is_up(&lan, 0) && lan.masters() == [0], "{:?}", lan.nodes[0].words(from));
    assert_eq!(sent_from(&lan, 0).last(), Some(&Some(MAC)));
    let from = lan.nodes[0].actions.len();
    lan.input(0, Input::Reload(Arc::new(one(100))));
    lan.run_for(seconds(2));
    assert_eq!(lan.nodes[0].addresses.iter().filter(|a| a.1 == VIP).collect::<Vec<_>>(), [&(ETH0, VIP, 24)]);
    assert_eq!((found(&lan, 0), lan.masters()), (None, vec![0]), "{:?}", lan.nodes[0].words(from));
    assert_eq!((sent_from(&lan, 0).last(), lan.nodes[0].remembered_links.len()), (Some(&None), 0));
    assert!(!lan.nodes[0].words(0).contains(&"advertise 0".to_owned()));
    assert_eq!(lan.nodes[0].facts(EventKind::OperationRefused), []);
}

//! Routes and rules that move with an instance.

use super::lan::*;
use crate::engine::event::EventKind;
use crate::engine::failover::{Action, Input};
use crate::engine::model::{
    Configuration, Family, RouteKind, Routing, RuleAction, RuleLimits, VirtualRoute, VirtualRule,
};
use std::sync::Arc;

fn route(third: u8) -> Routing {
    Routing::Route(VirtualRoute {
        family: Family::Inet,
        kind: RouteKind::Unicast,
        destination: Some(([10, 0, third, 0].into(), 24)),
        gateway: Some([192, 0, 2, 1].into()),
        source: None,
        interface: None,
        table: 254,
        scope: None,
        metric: None,
        tos: 0,
        protocol: 18,
        onlink: false,
        metrics: Vec::new(),
        next_hops: Vec::new(),
    })
}

fn rule() -> Routing {
    Routing::Rule(VirtualRule {
        family: Family::Inet,
        action: RuleAction::Table(100),
        from: Some(([10, 0, 1, 0].into(), 24)),
        to: None,
        input: None,
        output: None,
        mark: None,
        tos: 0,
        preference: 1000,
        inverted: false,
        limits: RuleLimits::default(),
    })
}

fn routed(entries: &[Routing]) -> Configuration {
    let mut configuration = one(100);
    configuration.virtual_routers[0].routing = entries.to_vec();
    configuration
}

fn moved(lan: &Lan, from: usize) -> Vec<String> {
    let of = |word: &String| word.contains("set ") || word.starts_with("add") || word.starts_with("remove");
    lan.nodes[0].words(from).into_iter().filter(of).collect()
}

#[test]
fn routes_come_behind_the_addresses_and_go_before_them() {
    let mut lan = Lan::started(vec![routed(&[route(1), rule()])]);
    assert_eq!(
        moved(&lan, 0),
        ["unset rule from 10.0.1.0/24 table 100", "unset route 10.0.1.0/24 via 192.0.2.1"],
        "what a crash has left"
    );
    let from = lan.nodes[0].actions.len();
    lan.run_for(seconds(5));
    let come = ["add 192.0.2.254/24", "set route 10.0.1.0/24 via 192.0.2.1", "set rule from 10.0.1.0/24 table 100"];
    assert_eq!(moved(&lan, from), come);
    let from = lan.nodes[0].actions.len();
    lan.input(0, Input::Shutdown { keep: false });
    let go =
        ["unset rule from 10.0.1.0/24 table 100", "unset route 10.0.1.0/24 via 192.0.2.1", "remove 192.0.2.254/24"];
    assert_eq!(moved(&lan, from), go);
}

#[test]
fn a_reload_sets_what_is_new_and_removes_what_is_not_there_any_more() {
    let mut lan = Lan::started(vec![routed(&[route(1), route(2)])]);
    lan.run_for(seconds(5));
    let from = lan.nodes[0].actions.len();
    lan.input(0, Input::Reload(Arc::new(routed(&[route(2), route(3)]))));
    assert_eq!(moved(&lan, from), ["unset route 10.0.1.0/24 via 192.0.2.1", "set route 10.0.3.0/24 via 192.0.2.1"]);
}

#[test]
fn an_address_that_is_put_back_brings_its_routes_along() {
    let mut lan = Lan::started(vec![routed(&[route(1)])]);
    lan.run_for(seconds(5));
    let from = lan.nodes[0].actions.len();
    let address = vip(254);
    lan.meddle(0, ETH0, address.address, address.prefix, false);
    lan.run_for(seconds(1));
    assert_eq!(moved(&lan, from), ["add 192.0.2.254/24", "set route 10.0.1.0/24 via 192.0.2.1"]);
}

#[test]
fn what_is_as_wanted_already_is_no_refusal_and_all_else_is() {
    let mut lan = Lan::started(vec![routed(&[route(1)])]);
    let mut refuse = |present, error: &str| {
        let action = Box::new(Action::Route { entry: Box::new(route(1)), present });
        lan.input(0, Input::Refused { action, error: error.to_owned() });
        lan.nodes[0].facts(EventKind::OperationRefused).len()
    };
    assert_eq!(refuse(true, "File exists (os error 17)"), 0);
    assert_eq!(refuse(false, "No such process (os error 3)"), 0);
    assert_eq!(refuse(true, "Network is unreachable (os error 101)"), 1);
    assert_eq!(refuse(true, "interface eth7 does not exist"), 1, "told before");
    assert_eq!(refuse(false, "Operation not permitted (os error 1)"), 2);
}

fn gone(lan: &mut Lan, entry: Routing) {
    lan.input(0, Input::RoutingGone { entry: Box::new(entry), by: Some("pid 9 (ip)".to_owned()) });
}

#[test]
fn what_somebody_removes_is_told_and_put_back_and_no_more_often_than_once_a_second() {
    let mut lan = Lan::started(vec![routed(&[route(1), rule()])]);
    lan.run_for(seconds(5));
    let from = lan.nodes[0].actions.len();
    for entry in [route(1), rule()] {
        gone(&mut lan, entry);
    }
    let back = ["set route 10.0.1.0/24 via 192.0.2.1", "set rule from 10.0.1.0/24 table 100"];
    assert_eq!(moved(&lan, from), back);
    let drift = lan.nodes[0].facts(EventKind::Drift);
    assert_eq!(drift[0].reason.as_deref(), Some("removed by pid 9 (ip); it is put back"));
    gone(&mut lan, rule());
    assert_eq!(lan.status(0)[0].detail.routing_here, ["route 10.0.1.0/24 via 192.0.2.1"], "a fight");
    assert_eq!(moved(&lan, from).len(), 2);
    lan.run_for(seconds(1));
    assert_eq!((moved(&lan, from).len(), lan.status(0)[0].detail.routing_here.len()), (3, 2));
}

#[test]
fn with_step_down_a_removed_route_gives_mastership_up_and_a_backup_has_none() {
    let mut configuration = routed(&[route(1)]);
    configuration.virtual_routers[0].variations.steps_down_without_address = true;
    let mut lan = Lan::started(vec![configuration]);
    lan.run_for(seconds(5));
    gone(&mut lan, route(1));
    assert_eq!(lan.state(0), crate::engine::snapshot::VirtualRouterState::Backup);
    assert!(lan.status(0)[0].detail.routing_here.is_empty() && lan.status(0)[0].detail.routing.len() == 1);
    let from = lan.nodes[0].actions.len();
    gone(&mut lan, route(1));
    assert_eq!(moved(&lan, from), [""; 0]);
}

#[test]
fn a_route_that_can_t_be_set_is_told_once_and_tried_again_when_an_address_or_the_link_is_back() {
    let mut lan = Lan::started(vec![routed(&[route(1)])]);
    lan.run_for(seconds(5));
    let refuse = |lan: &mut Lan| {
        let action = Box::new(Action::Route { entry: Box::new(route(1)), present: true });
        lan.input(0, Input::Refused { action, error: "Network is unreachable (os error 101)".to_owned() });
    };
    refuse(&mut lan);
    assert!(lan.status(0)[0].detail.routing_here.is_empty());
    for present in [false, true] {
        let from = lan.nodes[0].actions.len();
        lan.meddle(0, ETH1, [198, 51, 100, 9].into(), 24, true);
        lan.meddle(0, ETH1, [198, 51, 100, 9].into(), 24, false);
        lan.run_for(seconds(1));
        assert!(!moved(&lan, from).is_empty(), "{present}");
        refuse(&mut lan);
    }
    assert_eq!(lan.nodes[0].facts(EventKind::OperationRefused).len(), 1);
}

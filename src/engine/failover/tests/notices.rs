//! Who is told of what, and in which order. The lines and the arguments are those that keepalived 2.2.7 was seen to write.

use super::lan::*;
use crate::engine::command::Command;
use crate::engine::failover::Input;
use crate::engine::model::{Configuration, Notifications, NotifyCommand, Track, TrackKind};
use crate::engine::snapshot::VirtualRouterState;
use crate::engine::vrrp::Tracked::{Down, Up};
use std::sync::Arc;

fn script(name: &str) -> NotifyCommand {
    NotifyCommand { command: vec![name.to_owned()], user: None }
}

fn all(mark: &str) -> Notifications {
    Notifications {
        any: Some(script(&format!("{mark}any"))),
        master: Some(script(&format!("{mark}master"))),
        backup: Some(script(&format!("{mark}backup"))),
        fault: Some(script(&format!("{mark}fault"))),
        stop: Some(script(&format!("{mark}stop"))),
        master_rx_lower_pri: Some(script(&format!("{mark}lower"))),
        ..Notifications::default()
    }
}

fn telling(priority: u8) -> Configuration {
    let mut configuration = one(priority);
    configuration.virtual_routers[0].notifications = all("");
    configuration
}

#[test]
fn an_instance_is_told_of_each_state_first_by_the_script_of_the_state() {
    let mut lan = Lan::started(vec![telling(100)]);
    lan.run_for(seconds(4));
    let mut down = link(ETH0, "eth0");
    down.up = false;
    lan.input(0, Input::Link(down));
    lan.input(0, Input::Link(link(ETH0, "eth0")));
    lan.input(0, Input::Shutdown { keep: false });
    assert_eq!(
        lan.nodes[0].notices(0),
        [
            "INSTANCE \"VI_1\" BACKUP 100 > backup > any INSTANCE VI_1 BACKUP 100",
            "INSTANCE \"VI_1\" MASTER 100 > master > any INSTANCE VI_1 MASTER 100",
            "INSTANCE \"VI_1\" FAULT 100 > fault > any INSTANCE VI_1 FAULT 100",
            "INSTANCE \"VI_1\" BACKUP 100 > backup > any INSTANCE VI_1 BACKUP 100",
            "INSTANCE \"VI_1\" STOP 100 > stop > any INSTANCE VI_1 STOP 100",
        ]
    );
}

#[test]
fn scripts_are_told_of_mastership_when_the_addresses_are_asked_for() {
    let mut lan = Lan::started(vec![telling(100)]);
    lan.run_for(seconds(4));
    let order: Vec<&str> = lan.nodes[0]
        .actions
        .iter()
        .filter_map(|(_, action)| match action {
            crate::engine::failover::Action::AddAddress { .. } => Some("address"),
            crate::engine::failover::Action::Notify(notice) => Some(notice.told.name()),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["BACKUP", "address", "MASTER"]);
}

#[test]
fn a_group_is_told_after_its_members_once_with_priority_0() {
    let mut configuration = pair(100);
    configuration.sync_groups[0].notifications = all("g");
    let mut lan = Lan::started(vec![configuration]);
    lan.run_for(seconds(4));
    let mut down = link(ETH1, "eth1");
    down.up = false;
    lan.input(0, Input::Link(down));
    lan.input(0, Input::Link(link(ETH1, "eth1")));
    lan.input(0, Input::Shutdown { keep: false });
    let told = |state: &str| {
        let script = state.to_lowercase();
        [
            format!("INSTANCE \"VI_1\" {state} 100"),
            format!("INSTANCE \"VI_2\" {state} 100"),
            format!("GROUP \"G\" {state} 0 > g{script} > gany GROUP G {state} 0"),
        ]
    };
    assert_eq!(lan.nodes[0].notices(0), ["BACKUP", "MASTER", "FAULT", "BACKUP", "STOP"].map(told).concat());
}

#[test]
fn a_master_tells_of_advertisements_that_lose_and_no_more_than_twice_an_interval() {
    let mut lan = Lan::started(vec![telling(100), one(50)]);
    lan.run_for(seconds(4));
    let from = lan.nodes[0].actions.len();
    lan.faults.deaf = vec![1];
    lan.run_for(seconds(10));
    let notices = lan.nodes[0].notices(from);
    assert!((5..=8).contains(&notices.len()), "one for each advertisement: {notices:?}");
    assert!(notices.iter().all(|notice| notice == "INSTANCE \"VI_1\" MASTER_RX_LOWER_PRI 100 > lower"), "{notices:?}");
    let last = lan.nodes[1].actions.iter().rev().find_map(|(_, action)| match action {
        crate::engine::failover::Action::Advertise { message, .. } => Some(message.clone()),
        _ => None,
    });
    let from = lan.nodes[0].actions.len();
    let packet = packet([192, 0, 2, 12].into(), 255, &last.unwrap());
    for _ in 0..1000 {
        lan.input(0, Input::Packet { index: ETH0, packet: &packet });
    }
    assert!(lan.nodes[0].notices(from).len() <= 1, "a storm");
}

#[test]
fn fifos_are_told_of_priorities_where_that_is_asked_for() {
    let mut configuration = telling(100);
    let router = &mut configuration.virtual_routers[0];
    router.tracks = vec![Track { kind: TrackKind::Script, name: "web".into(), weight: 10, reverse: false }];
    router.notifications.priority_changes = true;
    let mut lan = Lan::started(vec![configuration]);
    let say = |lan: &mut Lan, state| {
        lan.input(0, Input::Tracked { kind: TrackKind::Script, name: "web".into(), state, said: "it says so".into() });
    };
    say(&mut lan, Down);
    lan.run_for(seconds(4));
    say(&mut lan, Up);
    let lines = ["BACKUP_PRIORITY 100", "MASTER_PRIORITY 110"].map(|line| format!("INSTANCE \"VI_1\" {line}"));
    let told: Vec<_> = lan.nodes[0].notices(0).into_iter().filter(|notice| notice.contains("PRIORITY")).collect();
    assert_eq!(told, lines, "no script runs");
}

#[test]
fn fifos_are_told_of_the_priority_of_a_takeover_and_of_its_end() {
    let mut configuration = telling(100);
    configuration.virtual_routers[0].notifications.priority_changes = true;
    let mut lan = Lan::started(vec![configuration]);
    lan.command(0, Command::Takeover { instance: "VI_1".to_owned() });
    let from = lan.nodes[0].actions.len();
    lan.command(0, Command::Rejoin { instance: Some("VI_1".to_owned()) });
    assert_eq!(lan.state(0), VirtualRouterState::Master);
    assert_eq!(lan.nodes[0].notices(from), ["INSTANCE \"VI_1\" MASTER_PRIORITY 100"], "it stays master");
}

#[test]
fn what_a_reload_takes_away_ends_as_fault_or_as_deleted_and_what_it_leaves_is_told_nothing() {
    for (tells_deleted, line) in [(false, "FAULT 100 > fault"), (true, "DELETED 100")] {
        let mut two = telling(100);
        let mut second = virtual_router("VI_2", "eth1", 100);
        second.notifications = Notifications { tells_deleted, any: None, ..all("") };
        two.virtual_routers.push(second);
        let mut lan = Lan::started(vec![two]);
        lan.run_for(seconds(4));
        let from = lan.nodes[0].actions.len();
        lan.input(0, Input::Reload(Arc::new(telling(100))));
        assert_eq!(lan.nodes[0].notices(from), [format!("INSTANCE \"VI_2\" {line}")]);
    }
}

#[test]
fn a_reload_writes_all_states_to_fifos_where_that_is_asked_for() {
    let mut configuration = pair(100);
    configuration.global.fifos.states_on_reload = true;
    let mut lan = Lan::started(vec![configuration.clone()]);
    lan.run_for(seconds(4));
    let from = lan.nodes[0].actions.len();
    lan.input(0, Input::Reload(Arc::new(configuration)));
    let lines = ["INSTANCE \"VI_1\" MASTER 100", "INSTANCE \"VI_2\" MASTER 100", "GROUP \"G\" MASTER 0"];
    assert_eq!(lan.nodes[0].notices(from), lines);
}

//! How a drain goes: what is left, and about when nothing is.

use crate::rig::{A, B, Rig, S, WEB, key, rs, service};
use lvsdeck::engine::balance::Input;
use lvsdeck::engine::command::Command;
use lvsdeck::engine::ipvs::{LiveTotals, Traffic};
use lvsdeck::engine::model::{RealServer, VirtualServer};
use lvsdeck::engine::snapshot::DrainStatus;

fn drain(deadline_seconds: Option<u64>) -> Command {
    Command::Drain { server: A.parse().unwrap(), service: None, hold_seconds: None, deadline_seconds }
}
fn maintain(hold_seconds: Option<u64>) -> Command {
    Command::Maintenance { server: A.parse().unwrap(), service: None, hold_seconds, deadline_seconds: None }
}
fn restore() -> Command {
    Command::Restore { server: A.parse().unwrap(), service: None }
}
/// So many connections from now on, for a second.
fn busy(rig: &mut Rig, service: &str, active: u32, inactive: u32) {
    rig.edit(|table| {
        let server = table.services.get_mut(&key(service)).unwrap().destinations.get_mut(&rs(A)).unwrap();
        (server.active, server.inactive) = (active, inactive);
    });
    rig.pass(S);
}
fn progress(rig: &Rig) -> DrainStatus {
    *rig.server(0, A).drain.unwrap()
}

#[test]
fn a_server_in_service_has_none_and_one_that_drains_says_who_when_and_why() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    assert_eq!(rig.server(0, A).drain, None);
    rig.ask(drain(Some(600)));
    rig.pass(10 * S);
    let drain = progress(&rig);
    assert_eq!((drain.who.as_deref(), drain.reason.as_deref()), (Some("anna"), Some("kernel update")));
    assert_eq!(drain.deadline_at.unwrap().duration_since(drain.since).unwrap(), 600 * S);
    assert_eq!((drain.left, drain.empty_in_s, drain.is_over, drain.return_at), (0, Some(0), false, None));
    assert_eq!(rig.server(0, B).drain, None);
    rig.ask(restore());
    assert_eq!(rig.server(0, A).drain, None);
}

#[test]
fn the_time_until_it_is_empty_is_unknown_until_there_is_a_pace() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    busy(&mut rig, WEB, 100, 7);
    rig.ask(drain(None));
    assert_eq!((progress(&rig).left, progress(&rig).empty_in_s), (100, None), "nothing was seen yet");
    busy(&mut rig, WEB, 100, 7);
    busy(&mut rig, WEB, 100, 7);
    busy(&mut rig, WEB, 100, 7);
    assert_eq!(progress(&rig).empty_in_s, None, "they do not get fewer");
    for left in (40..100).rev() {
        busy(&mut rig, WEB, left, 7);
    }
    let empty = progress(&rig).empty_in_s.unwrap();
    assert!((38..=42).contains(&empty), "40 left, one a second: {empty}");
    busy(&mut rig, WEB, 0, 7);
    rig.pass(S);
    assert_eq!((progress(&rig).left, progress(&rig).empty_in_s), (0, Some(0)));
    busy(&mut rig, WEB, 50, 0);
    rig.pass(40 * S);
    assert_eq!((progress(&rig).left, progress(&rig).empty_in_s), (50, None), "persistent clients came back, and stay");
}

#[test]
fn a_server_that_persistent_clients_come_to_is_not_empty_unless_the_kernel_lets_go_of_them() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(drain(None));
    rig.edit(|table| {
        table.services.get_mut(&key(WEB)).unwrap().destinations.get_mut(&rs(A)).unwrap().persistent = 2;
    });
    rig.pass(S);
    let seen = |rig: &Rig| (progress(rig).left, progress(rig).bound, progress(rig).empty_in_s);
    assert_eq!(seen(&rig), (0, 2, None), "nobody says what the kernel does with them");
    let counted = |is_bound| Input::Counted(LiveTotals { traffic: Traffic::default(), is_estimating: true, is_bound });
    rig.give(counted(true));
    assert_eq!(seen(&rig), (0, 2, None));
    rig.give(counted(false));
    assert_eq!(seen(&rig), (0, 0, Some(0)));
}

#[test]
fn a_second_drain_does_not_know_the_pace_of_the_first() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(drain(None));
    for left in (10..40).rev() {
        busy(&mut rig, WEB, left, 0);
    }
    assert!(progress(&rig).empty_in_s.is_some());
    rig.ask(restore());
    rig.ask(drain(None));
    assert_eq!(progress(&rig).empty_in_s, None);
}

#[test]
fn of_udp_and_firewall_marks_the_inactive_connections_count_too() {
    for name in ["udp/10.0.0.1:80", "fwmark/9"] {
        let plain = RealServer::new(rs(A));
        let file = [VirtualServer { real_servers: vec![plain], ..service(name, &[]) }];
        let mut rig = Rig::started(&file);
        busy(&mut rig, name, 0, 30);
        rig.ask(drain(None));
        for left in (10..30).rev() {
            busy(&mut rig, name, 0, left);
        }
        let drain = progress(&rig);
        assert_eq!(drain.left, 10, "{name}");
        assert!(drain.empty_in_s.is_some_and(|left| (9..=11).contains(&left)), "{name}: {drain:?}");
    }
}

#[test]
fn after_the_deadline_it_is_over_and_stays_so_over_a_restart() {
    let file = [service(WEB, &[A, B])];
    let mut rig = Rig::started(&file);
    rig.ask(drain(Some(10)));
    rig.pass(11 * S);
    let rig = rig.restarted(S, &file);
    let drain = progress(&rig);
    assert_eq!(
        (drain.is_over, drain.deadline_at, drain.empty_in_s),
        (true, None, Some(0)),
        "nothing is in the table any more"
    );
    assert_eq!(drain.who.as_deref(), Some("anna"));
}

#[test]
fn a_maintenance_says_when_it_ends() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(maintain(Some(300)));
    rig.pass(5 * S);
    let drain = progress(&rig);
    assert_eq!(drain.return_at.unwrap().duration_since(drain.since).unwrap(), 300 * S);
    assert_eq!(drain.empty_in_s, Some(0));
}

#[test]
fn what_is_left_of_udp_is_not_called_active() {
    const DNS: &str = "udp/10.0.0.1:53";
    let mut rig = Rig::started(&[service(DNS, &[A, B])]);
    busy(&mut rig, DNS, 0, 2);
    let said = rig.ask(drain(None)).message;
    assert_eq!(said, "10.0.0.71:80 drains in udp/10.0.0.1:53, 2 connections go on");
}

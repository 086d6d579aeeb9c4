//! `ha_suspend`, and what becomes of servers and the sorry server under `inhibit`.

use crate::rig::{A, B, Rig, S, WEB, rs, service, weight};
use lvsdeck::engine::balance::Input;
use lvsdeck::engine::command::Command;
use lvsdeck::engine::event::EventKind;
use lvsdeck::engine::model::{Quorum, SorryServer, VirtualServer};
use std::collections::HashSet;
use std::net::IpAddr;

const SORRY: &str = "10.0.0.99:80";

fn here(addresses: &[&str]) -> Input {
    Input::HostAddresses(addresses.iter().map(|text| text.parse().unwrap()).collect::<HashSet<IpAddr>>())
}

fn started(web: &VirtualServer, addresses: &[&str]) -> Rig {
    let mut rig = Rig::new(std::slice::from_ref(web));
    rig.give(here(addresses));
    rig.give(Input::Start);
    rig
}

#[test]
fn nothing_is_checked_while_the_address_is_elsewhere_and_everything_stays_as_it_was() {
    let web = VirtualServer { ha_suspend: true, ..service(WEB, &[A, B]) };
    let mut rig = started(&web, &["10.0.0.11"]);
    rig.kill(A);
    rig.pass(60 * S);
    assert_eq!((rig.table(WEB).as_str(), rig.probes), ("10.0.0.71:80 w1, 10.0.0.72:80 w1", 0));
    rig.give(here(&["10.0.0.11", "10.0.0.1"]));
    rig.pass(12 * S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1", "the address came: A is found dead");
    rig.give(here(&["10.0.0.11"]));
    rig.revive(A);
    rig.kill(B);
    let probes = rig.probes;
    rig.pass(60 * S);
    assert_eq!((rig.table(WEB).as_str(), rig.probes), ("10.0.0.72:80 w1", probes), "the address went: as it was");
    rig.reload(&[VirtualServer { quorum: Quorum { need: 2, hysteresis: 0 }, ..web }]).unwrap();
    rig.pass(60 * S);
    assert_eq!((rig.table(WEB).as_str(), rig.probes), ("10.0.0.72:80 w1", probes), "nor does a reload wake them");
    rig.give(here(&["10.0.0.1"]));
    rig.pass(12 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1");
    let told = rig.facts(EventKind::CheckResult);
    assert_eq!(told.iter().filter(|line| line.contains("ha_suspend")).count(), 2, "{told:?}");
}

#[test]
fn while_it_is_suspended_a_server_says_so_and_why_it_is_down() {
    let web = VirtualServer { ha_suspend: true, ..service(WEB, &[A, B]) };
    let mut rig = started(&web, &["10.0.0.1"]);
    rig.kill(A);
    rig.pass(12 * S);
    assert!(!rig.server(0, A).suspended);
    rig.give(here(&["10.0.0.11"]));
    for (key, ok, error) in [(A, false, Some("connection refused")), (B, true, None)] {
        let mut server = rig.server(0, key);
        let check = server.checks.remove(0);
        assert_eq!((server.suspended, check.ok, check.error.as_deref()), (true, Some(ok), error), "{key}");
        assert_eq!(check.next_in_ms, None, "{key}");
    }
    rig.give(here(&["10.0.0.1"]));
    rig.pass(12 * S);
    let server = rig.server(0, A);
    assert_eq!((server.suspended, server.checks.len()), (false, 1));
    assert!(server.checks[0].next_in_ms.is_some());
}

#[test]
fn without_the_word_or_without_anybody_who_tells_addresses_everything_is_checked() {
    for (ha_suspend, told) in [(false, true), (true, false)] {
        let mut rig = Rig::new(&[VirtualServer { ha_suspend, ..service(WEB, &[A]) }]);
        if told {
            rig.give(here(&[]));
        }
        rig.give(Input::Start);
        assert_eq!(rig.probes, 1, "ha_suspend {ha_suspend}");
    }
}

#[test]
fn a_reload_that_brings_the_word_suspends_and_one_that_takes_it_away_resumes() {
    let plain = service(WEB, &[A]);
    let mut rig = started(&plain, &["10.0.0.11"]);
    rig.reload(&[VirtualServer { ha_suspend: true, ..plain.clone() }]).unwrap();
    let probes = rig.probes;
    rig.pass(60 * S);
    assert_eq!(rig.probes, probes);
    rig.reload(&[plain]).unwrap();
    rig.pass(60 * S);
    assert!(rig.probes > probes);
}

/// Every row by measurement of keepalived 2.2.7: both up, A down, both down, A back, both back.
#[test]
fn with_inhibit_servers_and_sorry_server_stay_with_weight_zero() {
    let up = "10.0.0.71:80 w1, 10.0.0.72:80 w1, 10.0.0.99:80 w0";
    let sorry = "10.0.0.71:80 w0, 10.0.0.99:80 w1";
    let mut web = service(WEB, &[A, B]);
    web.quorum.need = 2;
    web.sorry_server = Some(SorryServer { inhibit: true, ..SorryServer::new(rs(SORRY)) });
    web.real_servers[0].inhibit_on_failure = true;
    let mut rig = Rig::started(&[web]);
    assert_eq!(rig.table(WEB), up);
    for (dead, alive, table) in [(A, "", sorry), (B, "", sorry), ("", A, sorry), ("", B, up)] {
        if !dead.is_empty() {
            rig.kill(dead);
        }
        if !alive.is_empty() {
            rig.revive(alive);
        }
        rig.pass(12 * S);
        assert_eq!(rig.table(WEB), table, "{dead} dies, {alive} returns");
    }
}

/// By measurement of keepalived 2.2.7 the file's weight 0 leaves with the others; a drain is our own, and keeps its connections.
#[test]
fn while_the_sorry_server_serves_the_files_weight_0_is_out_and_a_drained_server_stays() {
    let mut web = service(WEB, &[A, B, "10.0.0.73:80"]);
    web.sorry_server = Some(SorryServer::new(rs(SORRY)));
    web.real_servers[0].weight = weight(0);
    let mut rig = Rig::started(&[web]);
    rig.force(Command::Drain { server: B.parse().unwrap(), service: None, hold_seconds: None, deadline_seconds: None });
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w0, 10.0.0.73:80 w1");
    rig.kill("10.0.0.73:80");
    rig.pass(12 * S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w0, 10.0.0.99:80 w1");
    rig.revive("10.0.0.73:80");
    rig.pass(12 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w0, 10.0.0.73:80 w1");
}

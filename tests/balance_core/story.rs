//! Health → table: who is in, with which weight, and what is said of it.

use crate::rig::{A, B, Rig, S, WEB, key, rs, service, with_alpha};
use lvsdeck::engine::balance::{Action, Input, Waiting};
use lvsdeck::engine::event::EventKind;
use lvsdeck::engine::health::Verdict;
use lvsdeck::engine::ipvs::Traffic;
use lvsdeck::engine::model::{Quorum, SorryServer};
use lvsdeck::engine::snapshot::{Health, Moment};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

#[test]
fn a_server_that_dies_leaves_the_table_and_returns_when_it_lives_again() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    rig.facts.clear();
    rig.kill(A);
    rig.pass(10 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1", "one failure decides nothing");
    assert_eq!(rig.facts(EventKind::CheckResult), ["tcp/10.0.0.1:80 10.0.0.71:80: > (1/2 fails: connection refused)"]);
    assert_eq!(rig.balance.poll_timeout().map(|(_, why)| why), Some(Waiting::Look));
    rig.pass(S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
    assert_eq!(rig.facts(EventKind::ServerHealth), ["tcp/10.0.0.1:80 10.0.0.71:80: up>down (connection refused)"]);
    assert_eq!(
        rig.facts(EventKind::ServerTable),
        ["tcp/10.0.0.1:80 10.0.0.71:80: present>absent (down: connection refused)"]
    );
    let status = rig.server(0, A);
    assert_eq!((status.health, status.weight, status.kernel), (Health::Down, 0, None));
    assert_eq!((status.checks[0].failures, status.checks[0].error.as_deref()), ((2, 2), Some("connection refused")));
    rig.revive(A);
    rig.pass(10 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    assert_eq!(rig.facts(EventKind::ServerHealth), ["tcp/10.0.0.1:80 10.0.0.71:80: down>up (passes)"]);
    assert_eq!(rig.facts(EventKind::ServerTable), ["tcp/10.0.0.1:80 10.0.0.71:80: absent>present (up)"]);
}

#[test]
fn the_first_run_decides_but_of_a_server_that_serves_already() {
    let servers = [service(WEB, &[A, B])];
    let mut rig = Rig::new(&servers);
    rig.kill(A);
    rig.give(Input::Start);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
    assert_eq!(rig.server(0, A).checks[0].failures, (1, 1));
    rig.revive(A);
    rig.pass(10 * S);
    rig.kill(A);
    let mut rig = rig.restarted(S, &servers);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    assert_eq!(rig.server(0, A).checks[0].failures, (1, 2));
    rig.pass(S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
}

#[test]
fn trouble_of_this_host_takes_nobody_out_and_is_said_while_it_lasts() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.facts.clear();
    rig.hinder(A);
    rig.hinder(B);
    rig.pass(60 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    assert!(rig.status()[0].quorum.up);
    let a = rig.server(0, A);
    assert_eq!((a.health, a.checks[0].ok, a.checks[0].failures), (Health::Up, None, (0, 2)));
    assert_eq!(a.checks[0].error.as_deref(), Some("no free file descriptor on this host"));
    assert_eq!(a.checks[0].next_in_ms, Some(1_000), "it is tried again after its retry delay");
    let said = |server| {
        format!(
            "tcp/10.0.0.1:80 {server}: > (not run: no free file descriptor on this host; the health stays as it was)"
        )
    };
    assert_eq!(rig.facts(EventKind::CheckResult), [said(A), said(B)], "once each");
    assert_eq!(rig.facts, [], "and nothing else");
    let warnings = rig.balance.warnings();
    let first = (warnings.len(), warnings[0].code.as_str(), warnings[0].subject.as_str(), warnings[0].next.as_str());
    assert_eq!(first, (2, "check-not-run", "tcp/10.0.0.1:80 10.0.0.71:80", "raise the limit"));
    rig.revive(A);
    rig.kill(B);
    rig.pass(3 * S);
    assert_eq!(rig.balance.warnings(), []);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1", "a verdict counts as ever");
}

#[test]
fn a_host_that_can_run_no_check_at_all_does_not_fill_the_screen_with_warnings() {
    let names: Vec<String> = (1..=40).map(|n| format!("10.0.1.{n}:80")).collect();
    let mut rig = Rig::new(&[service(WEB, &names.iter().map(String::as_str).collect::<Vec<_>>())]);
    for name in &names {
        rig.hinder(name);
    }
    rig.give(Input::Start);
    let warnings = rig.balance.warnings();
    assert_eq!(warnings.len(), 17);
    assert!(warnings[16].message.starts_with("24 further checks are not run"), "{:?}", warnings[16]);
}

#[test]
fn the_decision_and_its_operation_come_from_the_same_call() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.kill(A);
    rig.pass(10 * S);
    rig.now += S;
    rig.balance.handle(rig.now, Input::Timeout);
    let mut actions: Vec<Action> = std::iter::from_fn(|| rig.balance.poll_action()).collect();
    actions.retain(|action| matches!(action, Action::Probe { .. }));
    let [Action::Probe { check, .. }] = actions[..] else { panic!("{actions:?}") };
    rig.balance.handle(rig.now, Input::Verdict { check, verdict: Verdict::Failed("timeout".to_owned()) });
    let actions: Vec<Action> = std::iter::from_fn(|| rig.balance.poll_action()).collect();
    assert!(matches!(actions[..], [Action::Report(_), Action::Notify(_), Action::Apply(_)]), "{actions:?}");
}

#[test]
fn a_server_is_in_the_table_before_its_first_check_unless_alpha() {
    let mut slow = service(WEB, &[A]);
    let tcp = Arc::make_mut(&mut slow.real_servers[0].checks[0]);
    tcp.timing.warmup = 60 * S;
    let mut cautious = with_alpha(slow.clone());
    cautious.key = key("tcp/10.0.0.2:80");
    let mut rig = Rig::started(&[slow, cautious]);
    assert_eq!((rig.table(WEB).as_str(), rig.table("tcp/10.0.0.2:80").as_str()), ("10.0.0.71:80 w1", ""));
    assert_eq!(rig.server(0, A).health, Health::Unknown);
    rig.pass(60 * S);
    assert_eq!(rig.table("tcp/10.0.0.2:80"), "10.0.0.71:80 w1");
    assert_eq!(rig.facts(EventKind::ServerHealth).len(), 2);
}

#[test]
fn a_server_whose_checks_are_not_run_yet_has_unknown_health_and_stays_in_the_table() {
    let mut web = service(WEB, &[A, B]);
    for server in &mut web.real_servers {
        server.checks.clear();
    }
    web.real_servers[0].unchecked = true;
    let mut rig = Rig::started(&[web]);
    rig.pass(60 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    assert_eq!((rig.server(0, A).health, rig.server(0, B).health), (Health::Unknown, Health::Up));
    assert!(rig.status()[0].quorum.up);
}

#[test]
fn with_inhibit_on_failure_a_dead_server_stays_with_weight_zero() {
    let mut inhibited = service(WEB, &[A, B]);
    inhibited.real_servers[0].inhibit_on_failure = true;
    let mut rig = Rig::started(&[inhibited]);
    rig.kill(A);
    rig.pass(11 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1");
    assert_eq!(rig.facts(EventKind::ServerWeight), ["tcp/10.0.0.1:80 10.0.0.71:80: 1>0 (down: connection refused)"]);
}

#[test]
fn the_sorry_server_replaces_all_when_the_quorum_is_lost_and_leaves_when_it_is_gained() {
    let mut web = service(WEB, &[A, B]);
    web.quorum = Quorum { need: 2, hysteresis: 0 };
    web.sorry_server = Some(SorryServer::new(rs("10.0.0.99:80")));
    let mut rig = Rig::started(&[web]);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    rig.kill(A);
    rig.pass(11 * S);
    assert_eq!(rig.table(WEB), "10.0.0.99:80 w1");
    assert!(rig.status()[0].sorry_server_active && !rig.status()[0].quorum.up);
    assert!(rig.status()[0].sorry_server.is_some());
    assert_eq!(rig.facts(EventKind::Quorum), ["tcp/10.0.0.1:80: up>down (weight 1 is up, 2 is needed)"]);
    rig.revive(A);
    rig.pass(10 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    assert_eq!(rig.facts(EventKind::Quorum), ["tcp/10.0.0.1:80: down>up (weight 2 is up, 2 is needed)"]);
}

#[test]
fn without_a_sorry_server_a_lost_quorum_takes_nobody_out() {
    let mut web = service(WEB, &[A, B]);
    web.quorum = Quorum { need: 2, hysteresis: 0 };
    let mut rig = Rig::started(&[web]);
    rig.kill(A);
    rig.pass(11 * S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
    assert!(!rig.status()[0].quorum.up);
}

#[test]
fn live_numbers_and_rates_come_from_the_kernel() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    for second in 1..=6_u64 {
        rig.edit(|table| {
            let service = table.services.get_mut(&key(WEB)).unwrap();
            service.traffic = Traffic { connections: second / 2 * 20, ..Traffic::default() };
            service.destinations.get_mut(&rs(A)).unwrap().active = 5;
        });
        rig.pass(S);
    }
    let status = &rig.status()[0];
    assert_eq!((status.counters.connections, status.real_servers[0].active), (60, 5));
    assert!((status.rates.connections_per_s - 10.0).abs() < 0.01, "{:?}", status.rates);
    assert_eq!(rig.looks, 7, "one at the start and one a second");
}

#[test]
fn a_service_that_is_as_it_was_is_told_by_the_same_status() {
    let dns = "udp/10.0.0.1:53";
    let mut rig = Rig::started(&[service(WEB, &[A, B]), service(dns, &[A])]);
    let before = rig.status();
    rig.edit(|table| table.services.get_mut(&key(dns)).unwrap().traffic.connections = 9);
    rig.give(Input::Observed(Ok(Box::new(rig.edit(|table| table.clone())))));
    let moment = Moment { now: rig.now, wall: SystemTime::UNIX_EPOCH + 1_000_000 * S };
    let after = rig.balance.status_after(&before, moment);
    let is_shared: Vec<bool> = before.iter().zip(&after).map(|(before, after)| Arc::ptr_eq(before, after)).collect();
    assert_eq!((is_shared, after[1].counters.connections), (vec![true, false], 9));
    assert_eq!(after, rig.status());
}

#[test]
fn checks_go_on_every_interval_and_the_status_tells_when() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    rig.pass(35 * S);
    assert_eq!(rig.probes, 4);
    assert_eq!(rig.server(0, A).checks[0].next_in_ms, Some(5_000));
    assert_eq!(rig.server(0, A).checks[0].latency_ms, Some(1.0));
}

#[test]
fn ten_thousand_servers_of_one_service_die_and_return_in_reasonable_time() {
    let names: Vec<String> =
        (0..10_000).map(|n| format!("10.{}.{}.{}:80", n / 62_500, n / 250 % 250, n % 250 + 1)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let begun = Instant::now();
    let mut rig = Rig::started(&[service(WEB, &names)]);
    assert_eq!(rig.status()[0].quorum.have, 10_000);
    for name in &names[1..] {
        rig.kill(name);
    }
    rig.pass(11 * S);
    assert_eq!(rig.table(WEB), format!("{} w1", names[0]));
    for name in &names {
        rig.revive(name);
    }
    rig.pass(10 * S);
    assert_eq!(rig.status()[0].quorum.have, 10_000);
    assert_eq!(rig.edit(|table| table.services[&key(WEB)].destinations.len()), 10_000);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

//! `ipvs.drift` of lvsdeck.toml: what becomes of others' changes in our services.

use crate::rig::{A, B, Rig, S, WEB, key, rs, service, weight};
use lvsdeck::engine::balance::Input;
use lvsdeck::engine::command::{Command, ServiceSelector};
use lvsdeck::engine::event::EventKind;
use lvsdeck::engine::model::{Configuration, DriftPolicy, Settings, VirtualServer};
use std::sync::Arc;
use std::time::Duration;

fn under(settings: Settings) -> Configuration {
    Configuration { settings, ..Configuration::default() }
}

/// A rig under this policy, with everything in the kernel.
fn started(drift: DriftPolicy, servers: &[VirtualServer]) -> Rig {
    let mut rig = Rig::new(servers);
    rig.balance = rig.balance.following(&under(Settings { drift, ..Settings::default() }));
    rig.give(Input::Start);
    rig.pass(2 * S);
    rig.kernel.take_history();
    rig
}

fn reload(servers: &[VirtualServer], drift: DriftPolicy) -> Input {
    let configuration = Configuration {
        virtual_servers: servers.to_vec(),
        settings: Settings { drift, ..Settings::default() },
        ..Configuration::default()
    };
    Input::Reload(Arc::new(configuration))
}

fn set_weight(rig: &Rig, server: &str, number: u32) {
    rig.edit(|table| {
        let service = table.services.get_mut(&key(WEB)).unwrap();
        service.destinations.get_mut(&rs(server)).unwrap().weight = weight(number);
    });
}

fn add_stranger(rig: &Rig) {
    rig.edit(|table| {
        let service = table.services.get_mut(&key(WEB)).unwrap();
        let entry = service.destinations[&rs(A)].clone();
        service.destinations.insert(rs("10.0.0.99:80"), entry);
    });
}

#[test]
fn who_changed_the_kernels_entry_last_and_when_is_known() {
    let mut rig = started(DriftPolicy::Report, &[service(WEB, &[A, B])]);
    // By a wall clock that stands still: what stays as it is gets older by what passes.
    let changed = |rig: &Rig| rig.server(0, A).kernel_changed.map(|changed| (changed.who, changed.since));
    assert_eq!(changed(&rig), None, "as the start made it");
    rig.ask(Command::Weight {
        service: ServiceSelector(WEB.to_owned()),
        server: rs(A),
        weight: weight(7),
        hold_seconds: None,
    });
    let (who, ours) = changed(&rig).unwrap();
    assert_eq!(who, "lvsdeck");
    rig.pass(10 * S);
    set_weight(&rig, A, 9);
    rig.pass(10 * S);
    let (who, theirs) = changed(&rig).unwrap();
    assert_eq!((who.as_str(), theirs > ours - 10 * S), ("another program", true));
    set_weight(&rig, A, 7);
    rig.pass(10 * S);
    let (who, back) = changed(&rig).unwrap();
    assert_eq!(
        (who.as_str(), back > theirs - 10 * S),
        ("another program", true),
        "who put it back is not known either"
    );
    assert_eq!(rig.server(0, B).kernel_changed, None);
}

#[test]
fn reported_drift_is_left_alone_told_once_and_told_when_it_is_over() {
    let mut rig = started(DriftPolicy::Report, &[service(WEB, &[A, B])]);
    set_weight(&rig, A, 9);
    rig.edit(|table| table.services.get_mut(&key(WEB)).unwrap().destinations.remove(&rs(B)));
    rig.pass(60 * S);
    assert_eq!(rig.ops(), [""; 0], "nothing is touched");
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w9");
    assert_eq!(
        rig.facts(EventKind::Drift),
        [
            "tcp/10.0.0.1:80 10.0.0.71:80: dr weight 1>dr weight 9 (reported)",
            "tcp/10.0.0.1:80 10.0.0.72:80: dr weight 1>absent (reported)",
        ]
    );
    let shown: Vec<_> = rig.balance.drift().into_iter().map(|d| (d.wanted, d.found, d.action)).collect();
    let line = |found: &str| ("dr weight 1".to_owned(), found.to_owned(), "reported".to_owned());
    assert_eq!(shown, [line("dr weight 9"), line("absent")]);
    set_weight(&rig, A, 1);
    rig.pass(S);
    assert_eq!(rig.facts(EventKind::Drift), ["tcp/10.0.0.1:80 10.0.0.71:80: dr weight 9>as wanted (over)"]);
    assert_eq!(rig.balance.drift().len(), 1);
}

#[test]
fn under_report_our_own_changes_are_made_all_the_same() {
    let mut rig = started(DriftPolicy::Report, &[service(WEB, &[A, B])]);
    set_weight(&rig, A, 9);
    rig.pass(S);
    rig.kill(B);
    rig.pass(15 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w9", "a dead server goes, the other's weight stays as somebody set it");
    rig.kill(A);
    rig.revive(B);
    rig.pass(15 * S);
    rig.revive(A);
    rig.pass(15 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1", "it comes back as the file says");
    rig.pass(S);
    assert_eq!(rig.balance.drift(), []);
}

#[test]
fn under_report_a_service_that_somebody_removed_does_not_come_back_by_halves() {
    let mut rig = started(DriftPolicy::Report, &[service(WEB, &[A, B])]);
    rig.edit(|table| table.services.clear());
    rig.pass(S);
    rig.kill(B);
    rig.pass(15 * S);
    rig.revive(B);
    rig.pass(15 * S);
    assert_eq!((rig.table(WEB), rig.ops()), ("none".to_owned(), vec![]));
    assert_eq!(rig.facts(EventKind::Drift), ["tcp/10.0.0.1:80: rr>absent (reported)"]);
    rig.give(reload(&[service(WEB, &[A, B])], DriftPolicy::Report));
    rig.pass(S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1", "a reload brings it back once");
    assert_eq!(rig.reloads, [Ok(())]);
    set_weight(&rig, A, 9);
    rig.pass(5 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w9, 10.0.0.72:80 w1", "and what comes after that is reported again");
}

#[test]
fn under_report_a_scheduler_that_somebody_set_stays_while_servers_come_and_go() {
    let mut rig = started(DriftPolicy::Report, &[service(WEB, &[A, B])]);
    rig.edit(|table| table.services.get_mut(&key(WEB)).unwrap().scheduler = "wlc".to_owned());
    rig.ask(Command::Drain { server: A.parse().unwrap(), service: None, hold_seconds: None, deadline_seconds: None });
    rig.pass(2 * S);
    let scheduler = rig.edit(|table| table.services[&key(WEB)].scheduler.clone());
    assert_eq!((scheduler.as_str(), rig.table(WEB).as_str()), ("wlc", "10.0.0.71:80 w0, 10.0.0.72:80 w1"));
    assert_eq!(rig.facts(EventKind::Drift), ["tcp/10.0.0.1:80: rr>wlc (reported)"]);
}

#[test]
fn enforced_services_have_no_strangers_and_reported_or_repaired_ones_keep_them() {
    for (policy, expected, told) in [
        (DriftPolicy::Enforce, "10.0.0.71:80 w1", "absent>dr weight 1 (removed)"),
        (DriftPolicy::Repair, "10.0.0.71:80 w1, 10.0.0.99:80 w1", "absent>dr weight 1 (reported)"),
        (DriftPolicy::Report, "10.0.0.71:80 w1, 10.0.0.99:80 w1", "absent>dr weight 1 (reported)"),
    ] {
        let mut rig = started(policy, &[service(WEB, &[A])]);
        add_stranger(&rig);
        rig.pass(3 * S);
        assert_eq!(rig.table(WEB), expected, "{policy}");
        assert_eq!(rig.facts(EventKind::Drift), [format!("tcp/10.0.0.1:80 10.0.0.99:80: {told}")], "{policy}");
    }
}

#[test]
fn a_reload_with_another_policy_holds_at_once() {
    let web = [service(WEB, &[A])];
    let mut rig = started(DriftPolicy::Report, &web);
    set_weight(&rig, A, 9);
    add_stranger(&rig);
    rig.pass(S);
    rig.give(reload(&web, DriftPolicy::Enforce));
    rig.pass(S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1");
}

#[test]
fn under_report_all_of_ours_still_goes_at_the_end() {
    let mut rig = started(DriftPolicy::Report, &[service(WEB, &[A])]);
    set_weight(&rig, A, 9);
    rig.pass(S);
    rig.give(Input::Shutdown { keep: false });
    assert_eq!((rig.table(WEB), rig.balance.is_stopped()), ("none".to_owned(), true));
}

#[test]
fn the_kernel_is_looked_at_as_often_as_the_settings_say() {
    let settings = Settings { look_interval: Duration::from_secs(5), ..Settings::default() };
    let mut rig = Rig::new(&[service(WEB, &[A])]);
    rig.balance = rig.balance.following(&under(settings));
    rig.give(Input::Start);
    let before = rig.looks;
    rig.pass(20 * S);
    assert_eq!(rig.looks - before, 4);
}

#[test]
fn a_table_that_takes_long_to_read_is_left_alone_four_times_as_long_and_ten_seconds_at_most() {
    let mut web = service(WEB, &[A]);
    web.real_servers[0].checks.clear(); // so that it is only looked
    for (took, rest) in [(S / 10, S), (S, 4 * S), (2 * S, 8 * S), (60 * S, 10 * S)] {
        let mut rig = Rig::started(std::slice::from_ref(&web));
        rig.now = rig.balance.poll_timeout().unwrap().0;
        rig.balance.handle(rig.now, Input::Timeout);
        while rig.balance.poll_action().is_some() {}
        rig.now += took;
        let table = rig.edit(|table| table.clone());
        rig.give(Input::Observed(Ok(Box::new(table))));
        assert_eq!(rig.balance.poll_timeout().unwrap().0, rig.now + rest, "after {took:?}");
    }
}

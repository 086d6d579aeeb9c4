//! Checks that several servers share, that say a weight, and of which nothing is heard.

use crate::rig::{A, B, Rig, S, WEB, rs, server, service, weight};
use lvsdeck::engine::balance::{Action, CheckId, Input};
use lvsdeck::engine::command::{Command, Outcome, ServiceSelector};
use lvsdeck::engine::event::EventKind;
use lvsdeck::engine::health::{SaidWeight, Verdict};
use lvsdeck::engine::model::{CheckKind, MiscCheck, VirtualServer};
use lvsdeck::engine::snapshot::Health;
use std::time::Duration;

const OTHER: &str = "tcp/10.0.0.2:80";

#[test]
fn servers_of_several_services_that_ask_the_same_share_one_check() {
    let mut rig = Rig::started(&[service(WEB, &[A, B]), service(OTHER, &[A])]);
    assert_eq!(rig.probes, 2, "two addresses");
    rig.kill(A);
    rig.facts.clear();
    rig.pass(12 * S);
    assert_eq!((rig.table(WEB), rig.table(OTHER)), ("10.0.0.72:80 w1".to_owned(), String::new()));
    let told = rig.facts(EventKind::ServerHealth);
    assert_eq!(told.len(), 2, "each service is told: {told:?}");
    rig.revive(A);
    rig.pass(10 * S);
    assert_eq!(
        (rig.table(WEB).as_str(), rig.table(OTHER).as_str()),
        ("10.0.0.71:80 w1, 10.0.0.72:80 w1", "10.0.0.71:80 w1")
    );
    // One service leaves: the other's check goes on; it comes back and hears at once what is known.
    rig.kill(A);
    rig.pass(12 * S);
    rig.reload(&[service(WEB, &[A, B])]).unwrap();
    let before = rig.probes;
    rig.reload(&[service(WEB, &[A, B]), service(OTHER, &[A])]).unwrap();
    assert_eq!(rig.probes, before, "no check of its own");
    assert_eq!(rig.status()[1].real_servers[0].health, Health::Down);
    assert_eq!(rig.table(OTHER), "");
    rig.reload(&[service(OTHER, &[A])]).unwrap();
    rig.revive(A);
    rig.pass(10 * S);
    assert_eq!(rig.table(OTHER), "10.0.0.71:80 w1");
}

#[test]
fn a_check_says_the_weight_until_an_operator_does() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    let says = |rig: &mut Rig, number| {
        rig.dead.insert(A.parse().unwrap(), Verdict::Weighed(Duration::ZERO, SaidWeight::Is(number)));
        rig.pass(10 * S);
        rig.table(WEB)
    };
    assert_eq!(says(&mut rig, 7), "10.0.0.71:80 w7, 10.0.0.72:80 w1");
    assert_eq!(says(&mut rig, 0), "10.0.0.71:80 w0, 10.0.0.72:80 w1");
    assert_eq!(says(&mut rig, 3), "10.0.0.71:80 w3, 10.0.0.72:80 w1");
    rig.revive(A);
    rig.pass(10 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w3, 10.0.0.72:80 w1", "exit code 0 leaves the weight");
    let command = Command::Weight {
        service: ServiceSelector(WEB.to_owned()),
        server: rs(A),
        weight: weight(9),
        hold_seconds: None,
    };
    assert_eq!(rig.ask(command).outcome, Outcome::Done);
    assert_eq!(says(&mut rig, 5), "10.0.0.71:80 w9, 10.0.0.72:80 w1", "the operator's word counts");
    let command = Command::Restore { server: A.parse().unwrap(), service: None };
    let done = rig.ask(command);
    assert_eq!(
        (done.outcome, done.message.as_str()),
        (Outcome::Done, "10.0.0.71:80 has weight 5 in tcp/10.0.0.1:80, as its check says")
    );
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w5, 10.0.0.72:80 w1");
    let drain =
        Command::Drain { server: A.parse().unwrap(), service: None, hold_seconds: None, deadline_seconds: None };
    assert!(rig.dry(drain).preview.after[0].ends_with("draining, weight 5 when restored"));
}

#[test]
fn a_reload_that_asks_otherwise_does_not_forget_why_a_server_is_down() {
    let web = service(WEB, &[A, B]);
    let mut rig = Rig::started(std::slice::from_ref(&web));
    rig.kill(A);
    rig.pass(12 * S);
    let before = rig.server(0, A).checks.remove(0);
    assert_eq!((before.ok, before.error.as_deref()), (Some(false), Some("connection refused")));
    let mut rarer = web.clone();
    for check in rarer.real_servers.iter_mut().flat_map(|server| &mut server.checks) {
        let check = std::sync::Arc::make_mut(check);
        (check.timing.interval, check.timing.warmup) = (60 * S, 60 * S);
    }
    rig.reload(std::slice::from_ref(&rarer)).unwrap();
    let (down, up) = (rig.server(0, A).checks.remove(0), rig.server(0, B).checks.remove(0));
    assert_eq!((down.ok, down.error, down.at), (before.ok, before.error, before.at));
    assert_eq!((up.ok, up.error), (Some(true), None));
    // Another question: it has not failed, and what did says so.
    let mut other = rarer.clone();
    std::sync::Arc::make_mut(&mut other.real_servers[0].checks[0]).kind = lvsdeck::engine::model::CheckKind::Ping;
    rig.reload(&[other]).unwrap();
    let error = rig.server(0, A).checks.remove(0).error;
    assert_eq!(error.as_deref(), Some("TCP_CHECK said: connection refused"));
    rig.revive(A);
    rig.pass(60 * S);
    let up = rig.server(0, A).checks.remove(0);
    assert_eq!((up.ok, up.error), (Some(true), None), "its own run counts");
}

#[test]
fn what_checks_add_to_a_weight_is_a_sum_within_what_the_kernel_takes() {
    let mut both = server(A);
    both.weight = weight(10);
    both.checks.extend(server(B).checks);
    let mut rig = Rig::started(&[VirtualServer { real_servers: vec![both], ..service(WEB, &[]) }]);
    let mut says = |target: &str, said| {
        rig.dead.insert(target.parse().unwrap(), Verdict::Weighed(Duration::ZERO, said));
        rig.pass(10 * S);
        rig.table(WEB)
    };
    assert_eq!(says(A, SaidWeight::More(5)), "10.0.0.71:80 w15");
    assert_eq!(says(B, SaidWeight::Is(3)), "10.0.0.71:80 w8", "10 + 5 - 7");
    assert_eq!(says(A, SaidWeight::More(-3)), "10.0.0.71:80 w0");
    assert_eq!(says(A, SaidWeight::More(-300)), "10.0.0.71:80 w0", "it stays in the table, as in keepalived");
    assert_eq!(says(A, SaidWeight::More(i64::MAX)), "10.0.0.71:80 w2147483647");
    assert_eq!(says(B, SaidWeight::More(i64::MAX)), "10.0.0.71:80 w2147483647");
    assert_eq!(says(B, SaidWeight::More(i64::MIN)), "10.0.0.71:80 w9");
}

#[test]
fn what_checks_say_of_a_weight_is_of_the_files_also_after_a_reload_and_goes_with_its_check() {
    let mut both = server(A);
    both.weight = weight(3);
    both.checks.extend(server(B).checks);
    let file = |weights: u32, checks: usize| {
        let mut server = both.clone();
        server.weight = weight(weights);
        server.checks.truncate(checks);
        [VirtualServer { real_servers: vec![server], ..service(WEB, &[]) }]
    };
    let mut rig = Rig::started(&file(3, 2));
    rig.dead.insert(B.parse().unwrap(), Verdict::Weighed(Duration::ZERO, SaidWeight::Is(7)));
    rig.pass(10 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w7");
    rig.reload(&file(60, 2)).unwrap();
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w7", "it says 7 still");
    rig.reload(&file(60, 1)).unwrap();
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w60", "nobody says so any more");
    rig.pass(20 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w60");
}

/// The next probe is swallowed.
fn swallow(rig: &mut Rig) -> CheckId {
    rig.now += 10 * S;
    rig.balance.handle(rig.now, Input::Timeout);
    let mut swallowed = None;
    while let Some(action) = rig.balance.poll_action() {
        if let Action::Probe { check, .. } = action {
            swallowed = Some(check);
        }
    }
    rig.facts.clear();
    swallowed.expect("a check is due")
}

fn is_given_up(rig: &mut Rig) -> bool {
    rig.facts(EventKind::CheckResult).iter().any(|fact| fact.contains("its probe gave no answer"))
}

#[test]
fn a_run_that_waits_for_its_turn_has_longer() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    let check = swallow(&mut rig);
    rig.balance.handle(rig.now, Input::Waits { check });
    rig.pass(30 * S + S / 2);
    assert!(!is_given_up(&mut rig));
    rig.pass(S);
    assert!(is_given_up(&mut rig));
}

#[test]
fn a_run_of_which_nothing_is_heard_is_an_alarm_and_the_check_goes_on() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    let swallowed = swallow(&mut rig);
    rig.pass(10 * S + S / 2);
    assert!(!is_given_up(&mut rig), "its limit and an interval are its time");
    rig.pass(S);
    assert!(is_given_up(&mut rig));
    assert_eq!(rig.server(0, A).health, Health::Up, "the target is not blamed");
    let before = rig.probes;
    rig.pass(20 * S);
    assert!(rig.probes > before, "the check goes on");
    rig.give(Input::Verdict { check: swallowed, verdict: Verdict::Failed("late".to_owned()) });
    assert_eq!(rig.server(0, A).health, Health::Up);
}

fn weigh(number: u32, hold_seconds: Option<u64>) -> Command {
    Command::Weight { service: ServiceSelector(WEB.to_owned()), server: rs(A), weight: weight(number), hold_seconds }
}

#[test]
fn an_operator_can_give_the_weight_of_the_file_where_a_check_says_another() {
    let file = [service(WEB, &[A, B])];
    let mut rig = Rig::started(&file);
    rig.dead.insert(A.parse().unwrap(), Verdict::Weighed(Duration::ZERO, SaidWeight::Is(7)));
    rig.pass(10 * S);
    let preview = rig.dry(weigh(1, Some(60))).preview;
    let again = "the weight that its check says, 7 by now, again";
    assert_eq!(preview.after, [format!("10.0.0.71:80 Route weight 1 active 0 inactive 0, {again} after 60 s")]);
    assert_eq!(preview.ops[1], format!("after 60 s: give real server 10.0.0.71:80 of tcp/10.0.0.1:80 {again}"));
    let done = rig.ask(weigh(1, Some(60)));
    assert_eq!(
        (done.outcome, done.message),
        (Outcome::Done, format!("10.0.0.71:80 has weight 1 in tcp/10.0.0.1:80; it has {again} after 60 s"))
    );
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    assert_eq!(rig.server(0, A).overridden.unwrap().weight, 1);
    rig.pass(60 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w7, 10.0.0.72:80 w1", "its time is over");
    // For good: over reload and restart, until it is restored; and undone.
    let undo = rig.ask(weigh(1, None)).preview.undo.unwrap();
    assert_eq!(rig.ask(weigh(1, None)).message, "10.0.0.71:80 has weight 1 already");
    let mut other = file.clone();
    other[0].real_servers[0].upper_threshold = 9;
    rig.reload(&other).unwrap();
    rig.pass(20 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    rig.ask(undo);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w7, 10.0.0.72:80 w1");
}

#[test]
fn a_weight_of_the_file_given_for_a_check_that_may_say_another_lasts() {
    let mut file = [service(WEB, &[A, B])];
    let script = MiscCheck { command: vec!["/bin/load".to_owned()], user: None, dynamic: true };
    std::sync::Arc::make_mut(&mut file[0].real_servers[0].checks[0]).kind = CheckKind::Misc(script);
    let mut rig = Rig::started(&file);
    assert_eq!(rig.ask(weigh(1, None)).outcome, Outcome::Done, "nobody had said so");
    let mut next = rig.restarted(S, &file);
    next.dead.insert(A.parse().unwrap(), Verdict::Weighed(Duration::ZERO, SaidWeight::Is(7)));
    next.pass(20 * S);
    assert_eq!(next.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    next.ask(Command::Restore { server: A.parse().unwrap(), service: None });
    assert_eq!(next.table(WEB), "10.0.0.71:80 w7, 10.0.0.72:80 w1");
    let mut twice = file[0].clone();
    twice.key = OTHER.parse().unwrap();
    next.reload(&[file[0].clone(), twice]).unwrap();
    let (service, server) = (ServiceSelector(WEB.to_owned()), rs(A));
    next.ask(Command::RemoveServer { service: service.clone(), server });
    let back = Command::AddServer { service, server, weight: None, forward: None };
    assert!(next.dry(back).preview.after[0].contains("weight 7"), "another service's check says so already");
}

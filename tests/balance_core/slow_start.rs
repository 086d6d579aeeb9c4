//! `servers.slow_start`: who comes back gets its weight in steps.

use crate::rig::{A, B, Rig, S, WEB, rs, server, service, weight, with_alpha};
use lvsdeck::engine::balance::{Input, Waiting};
use lvsdeck::engine::command::{Command, Outcome, ServiceSelector};
use lvsdeck::engine::event::EventKind;
use lvsdeck::engine::io::simulated::SimulatedIpvs;
use lvsdeck::engine::model::{Configuration, Quorum, RealServer, Settings, SorryServer, VirtualServer};
use std::sync::Arc;
use std::time::Duration;

const C: &str = "10.0.0.73:80";

fn configuration(seconds: u32, servers: &[VirtualServer]) -> Configuration {
    let settings = Settings { slow_start: S * seconds, ..Settings::default() };
    Configuration { virtual_servers: servers.to_vec(), settings, ..Configuration::default() }
}
/// Two servers of weight 100.
fn file() -> VirtualServer {
    heavy(&[A, B])
}
fn heavy(servers: &[&str]) -> VirtualServer {
    let servers = servers.iter().map(|text| RealServer { weight: weight(100), ..server(text) });
    VirtualServer { real_servers: servers.collect(), ..service(WEB, &[]) }
}
/// The service with ramps of 90 s: a tenth more each 10 s.
fn started(file: &VirtualServer) -> Rig {
    let servers = std::slice::from_ref(file);
    let mut rig = Rig::new(servers);
    rig.balance = rig.balance.following(&configuration(90, servers));
    rig.give(Input::Start);
    rig.pass(2 * S);
    rig
}
fn reload(rig: &mut Rig, seconds: u32, file: &VirtualServer) {
    rig.give(Input::Reload(Arc::new(configuration(seconds, std::slice::from_ref(file)))));
}
/// A fails its checks for a minute.
fn fall(rig: &mut Rig) {
    rig.kill(A);
    rig.pass(60 * S);
    assert_eq!(rig.server(0, A).kernel, None);
}
/// Its checks pass again, and it is in the table since this moment.
fn come_back(rig: &mut Rig) {
    rig.revive(A);
    for _ in 0..2_000 {
        if rig.server(0, A).kernel.is_some() {
            return;
        }
        rig.pass(S / 100);
    }
    panic!("it does not come back");
}
fn back() -> Rig {
    let mut rig = started(&file());
    fall(&mut rig);
    come_back(&mut rig);
    rig.kernel.take_history();
    rig.facts.clear();
    rig
}
fn has(rig: &Rig) -> u32 {
    rig.server(0, A).kernel.map_or(0, |kernel| kernel.weight)
}
fn drain(server: &str) -> Command {
    Command::Drain { server: server.parse().unwrap(), service: None, hold_seconds: None, deadline_seconds: None }
}
fn maintain() -> Command {
    let server = A.parse().unwrap();
    Command::Maintenance { server, service: None, hold_seconds: None, deadline_seconds: None }
}
fn restore() -> Command {
    Command::Restore { server: A.parse().unwrap(), service: None }
}
fn weigh(number: u32) -> Command {
    Command::Weight {
        service: ServiceSelector(WEB.to_owned()),
        server: rs(A),
        weight: weight(number),
        hold_seconds: None,
    }
}
fn done(rig: &mut Rig, command: Command) {
    let answer = rig.ask(command);
    assert_eq!(answer.outcome, Outcome::Done, "{}", answer.message);
}

#[test]
fn nobody_starts_slowly_at_the_start_or_when_a_table_is_taken_up() {
    let mut rig = started(&file());
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w100, 10.0.0.72:80 w100");
    rig.pass(100 * S);
    let (kernel, owned) = (SimulatedIpvs::default(), rig.remembered.clone());
    rig.edit(|table| kernel.edit(|mine| mine.clone_from(table)));
    let mut next = Rig::on(kernel, &[file()], owned);
    next.balance = next.balance.following(&configuration(90, &[file()]));
    next.give(Input::Start);
    next.pass(30 * S);
    assert_eq!((next.ops(), next.server(0, A).slow_start), (Vec::new(), None));
    // Down before the start, and up at its first check.
    let rig = started(&with_alpha(file()));
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w100, 10.0.0.72:80 w100");
}

#[test]
fn who_comes_back_gets_a_tenth_and_the_rest_in_nine_steps_each_told_with_its_reason() {
    let mut rig = started(&file());
    fall(&mut rig);
    rig.facts.clear();
    come_back(&mut rig);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w10, 10.0.0.72:80 w100");
    assert_eq!(
        rig.facts(EventKind::ServerTable),
        ["tcp/10.0.0.1:80 10.0.0.71:80: absent>present (up; slow start over 90 s)"]
    );
    for step in 2..=10 {
        rig.pass(Duration::from_millis(9_900));
        assert_eq!(has(&rig), 10 * (step - 1));
        rig.pass(S / 10);
        assert_eq!(has(&rig), 10 * step);
    }
    let told = rig.facts(EventKind::ServerWeight);
    assert_eq!(told.len(), 9);
    assert_eq!(told[0], "tcp/10.0.0.1:80 10.0.0.71:80: 10>20 (slow start)");
    assert_eq!(told[8], "tcp/10.0.0.1:80 10.0.0.71:80: 90>100 (slow start is over)");
    rig.kernel.take_history();
    rig.pass(300 * S);
    assert_eq!((rig.ops(), rig.facts(EventKind::Drift)), (Vec::new(), Vec::new()));
}

#[test]
fn the_core_waits_for_the_next_step_and_the_status_says_why_the_kernel_has_less() {
    let mut rig = back();
    let (mut at, mut waiting) = rig.balance.poll_timeout().unwrap();
    while waiting != Waiting::SlowStart {
        rig.pass(at - rig.now);
        (at, waiting) = rig.balance.poll_timeout().unwrap();
    }
    rig.pass(at - rig.now);
    let shown = rig.server(0, A);
    let slow = shown.slow_start.unwrap();
    assert_eq!((shown.weight, shown.configured_weight, slow.weight), (20, 100, 100));
    assert_eq!(slow.full_at.duration_since(slow.since).unwrap(), 90 * S);
    assert_eq!(rig.status()[0].quorum.have, 200, "the quorum counts the whole weight");
    assert_eq!(rig.server(0, B).slow_start, None);
    rig.pass(90 * S);
    assert_eq!(rig.server(0, A).slow_start, None);
}

#[test]
fn without_the_setting_it_has_its_weight_at_once() {
    let mut rig = Rig::started(&[file()]);
    rig.pass(2 * S);
    fall(&mut rig);
    come_back(&mut rig);
    assert_eq!((has(&rig), rig.server(0, A).slow_start), (100, None));
}

#[test]
fn who_falls_while_it_rises_begins_anew() {
    let mut rig = back();
    rig.pass(45 * S);
    assert_eq!(has(&rig), 50);
    fall(&mut rig);
    come_back(&mut rig);
    assert_eq!(has(&rig), 10);
    rig.pass(90 * S);
    assert_eq!(has(&rig), 100);
}

#[test]
fn a_soft_failure_is_no_fall() {
    let mut rig = back();
    rig.pass(90 * S);
    rig.kill(A);
    // One of two failures.
    while rig.server(0, A).checks[0].failures.0 == 0 {
        rig.pass(S / 2);
    }
    rig.revive(A);
    rig.pass(20 * S);
    assert_eq!((has(&rig), rig.server(0, A).slow_start), (100, None));
}

#[test]
fn a_drain_stands_above_it_and_the_time_goes_on() {
    let mut rig = back();
    done(&mut rig, drain(A));
    assert_eq!((has(&rig), rig.server(0, A).slow_start), (0, None));
    rig.pass(45 * S);
    assert_eq!(has(&rig), 0, "no step brings it back");
    let shown = rig.dry(restore());
    assert_eq!(shown.preview.after, ["10.0.0.71:80 Route weight 50 active 0 inactive 0, slow start"]);
    done(&mut rig, restore());
    assert_eq!(has(&rig), 50);
    rig.pass(45 * S);
    assert_eq!(has(&rig), 100);
}

#[test]
fn the_end_of_a_drain_alone_is_no_slow_start() {
    let mut rig = started(&file());
    done(&mut rig, drain(A));
    rig.pass(60 * S);
    done(&mut rig, restore());
    assert_eq!(has(&rig), 100);
}

#[test]
fn who_came_back_during_a_drain_rises_after_it() {
    let mut rig = started(&file());
    done(&mut rig, drain(A));
    fall(&mut rig);
    come_back(&mut rig);
    rig.pass(200 * S);
    assert_eq!(has(&rig), 0);
    done(&mut rig, restore());
    assert_eq!(has(&rig), 10);
}

#[test]
fn after_maintenance_it_rises_when_its_checks_pass_and_without_checks_at_once() {
    let mut rig = started(&file());
    done(&mut rig, maintain());
    rig.pass(60 * S);
    assert_eq!(has(&rig), 0);
    done(&mut rig, restore());
    rig.pass(S);
    assert_eq!(has(&rig), 10);
    rig.pass(90 * S);
    assert_eq!(has(&rig), 100);

    let unchecked = |text| RealServer { weight: weight(100), ..RealServer::new(rs(text)) };
    let plain = VirtualServer { real_servers: vec![unchecked(A), unchecked(B)], ..service(WEB, &[]) };
    let mut rig = started(&plain);
    done(&mut rig, maintain());
    let shown = rig.dry(restore());
    assert_eq!(shown.preview.after, ["10.0.0.71:80 Masq weight 10 active 0 inactive 0, slow start"]);
    done(&mut rig, restore());
    assert_eq!(has(&rig), 10, "as the preview said");
}

#[test]
fn a_maintenance_that_ends_by_itself_and_one_over_a_restart_are_maintenance_too() {
    let mut rig = started(&file());
    let server = A.parse().unwrap();
    done(&mut rig, Command::Maintenance { server, service: None, hold_seconds: Some(30), deadline_seconds: None });
    rig.pass(31 * S);
    assert_eq!(has(&rig), 10);

    let mut rig = started(&file());
    done(&mut rig, maintain());
    let mut next = rig.restarted(S, &[file()]);
    reload(&mut next, 90, &file());
    next.pass(5 * S);
    done(&mut next, restore());
    next.pass(S);
    assert_eq!(has(&next), 10);
}

#[test]
fn a_restart_while_it_rises_gives_it_its_weight() {
    let mut rig = back();
    rig.pass(20 * S);
    let next = rig.restarted(S, &[file()]);
    assert_eq!((has(&next), next.server(0, A).slow_start), (100, None));
}

#[test]
fn a_weight_from_an_operator_counts_whole_at_once() {
    let mut rig = back();
    let shown = rig.dry(weigh(60));
    assert_eq!(shown.preview.ops, ["change real server 10.0.0.71:80 of tcp/10.0.0.1:80: weight 10 to 60"]);
    done(&mut rig, weigh(60));
    assert_eq!((has(&rig), rig.server(0, A).slow_start), (60, None));
    rig.pass(90 * S);
    assert_eq!(has(&rig), 60);

    let mut rig = back();
    let answer = rig.ask(weigh(100));
    assert_eq!((answer.outcome, answer.preview.undo), (Outcome::Done, None), "the weight that it is to have ends it");
    assert_eq!(has(&rig), 100);
    assert!(rig.ask(weigh(100)).message.contains("already"));
}

#[test]
fn a_weight_that_was_given_before_is_what_it_rises_to() {
    let mut rig = started(&file());
    done(&mut rig, weigh(40));
    fall(&mut rig);
    done(&mut rig, weigh(50));
    come_back(&mut rig);
    assert_eq!(has(&rig), 5);
    rig.pass(90 * S);
    assert_eq!(has(&rig), 50);
}

#[test]
fn a_reload_leaves_it_alone_and_another_weight_is_shared_out_likewise() {
    let mut rig = back();
    rig.pass(20 * S);
    rig.kernel.take_history();
    reload(&mut rig, 90, &file());
    assert_eq!((rig.ops(), has(&rig)), (Vec::new(), 30));
    let mut double = file();
    double.real_servers[0].weight = weight(200);
    reload(&mut rig, 90, &double);
    assert_eq!(has(&rig), 60);
    rig.pass(70 * S);
    assert_eq!(has(&rig), 200);
}

#[test]
fn a_reload_with_another_time_counts_what_has_passed() {
    let mut rig = back();
    rig.pass(10 * S);
    reload(&mut rig, 18, &file());
    assert_eq!(has(&rig), 60, "10 of 18 s");
    rig.pass(8 * S);
    assert_eq!(has(&rig), 100);

    let mut rig = back();
    reload(&mut rig, 0, &file());
    assert_eq!((has(&rig), rig.server(0, A).slow_start), (100, None), "switched off");

    let mut rig = started(&file());
    reload(&mut rig, 0, &file());
    fall(&mut rig);
    reload(&mut rig, 90, &file());
    come_back(&mut rig);
    assert_eq!(has(&rig), 10, "switched on");
}

#[test]
fn a_server_that_leaves_while_it_rises_and_one_that_is_new_have_no_steps() {
    let mut rig = back();
    reload(&mut rig, 90, &heavy(&[B]));
    rig.pass(30 * S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w100");
    reload(&mut rig, 90, &heavy(&[A, B, C]));
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w100, 10.0.0.72:80 w100, 10.0.0.73:80 w100");
    let add = |server| Command::AddServer {
        service: ServiceSelector(WEB.to_owned()),
        server: rs(server),
        weight: Some(weight(50)),
        forward: None,
    };
    done(&mut rig, add("10.0.0.74:80"));
    rig.pass(S);
    assert_eq!(rig.server(0, "10.0.0.74:80").weight, 50);
}

#[test]
fn the_quorum_is_there_at_once_and_the_time_begins_when_the_sorry_server_leaves() {
    let sorry = SorryServer::new(rs("10.0.0.99:80"));
    let quorum = Quorum { need: 200, hysteresis: 0 };
    let mut rig = started(&VirtualServer { sorry_server: Some(sorry), quorum, ..file() });
    rig.kill(A);
    rig.kill(B);
    rig.pass(60 * S);
    assert_eq!(rig.table(WEB), "10.0.0.99:80 w1");
    rig.revive(A);
    rig.pass(200 * S);
    assert_eq!(rig.table(WEB), "10.0.0.99:80 w1", "A alone is no quorum");
    rig.revive(B);
    while rig.table(WEB) == "10.0.0.99:80 w1" {
        rig.pass(S / 100);
    }
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w10, 10.0.0.72:80 w10");
    rig.pass(90 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w100, 10.0.0.72:80 w100");
}

#[test]
fn with_inhibit_on_failure_it_rises_from_weight_0() {
    let mut inhibited = file();
    inhibited.real_servers.iter_mut().for_each(|server| server.inhibit_on_failure = true);
    let mut rig = started(&inhibited);
    rig.kill(A);
    rig.pass(60 * S);
    assert_eq!(has(&rig), 0);
    rig.revive(A);
    while has(&rig) == 0 {
        rig.pass(S / 100);
    }
    assert_eq!(has(&rig), 10);
}

#[test]
fn a_weight_of_1_comes_back_at_once() {
    let mut rig = started(&service(WEB, &[A, B]));
    fall(&mut rig);
    come_back(&mut rig);
    rig.kernel.take_history();
    assert_eq!(has(&rig), 1);
    rig.pass(100 * S);
    assert_eq!(rig.ops(), Vec::<String>::new());
}

#[test]
fn when_the_engine_stops_nothing_rises_any_more() {
    let mut rig = back();
    rig.give(Input::Shutdown { keep: true });
    rig.kernel.take_history();
    rig.pass(200 * S);
    assert_eq!((rig.ops(), rig.balance.is_stopped()), (Vec::new(), true));
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w10, 10.0.0.72:80 w100");
}

#[test]
fn a_slow_start_goes_on_after_a_restart_from_the_weight_in_the_kernel() {
    let mut rig = started(&file());
    fall(&mut rig);
    come_back(&mut rig);
    rig.pass(35 * S);
    assert_eq!(has(&rig), 40);
    let (kernel, owned) = (SimulatedIpvs::default(), rig.remembered.clone());
    rig.edit(|table| kernel.edit(|mine| mine.clone_from(table)));
    let mut next = Rig::on(kernel, &[file()], owned);
    next.balance = next.balance.following(&configuration(90, &[file()]));
    next.give(Input::Start);
    assert_eq!((next.ops(), has(&next)), (Vec::new(), 40));
    next.pass(11 * S);
    assert_eq!(has(&next), 50);
    next.pass(50 * S);
    assert_eq!((has(&next), next.server(0, A).slow_start), (100, None));
}

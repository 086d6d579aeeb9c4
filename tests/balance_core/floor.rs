//! `servers.depool_threshold`: what would leave too few servers in service has to be said twice.

use crate::rig::{A, B, Rig, S, WEB, reload, rs, service, weight};
use lvsdeck::engine::balance::Input;
use lvsdeck::engine::command::{Command, Outcome, RealServerSelector, ServiceSelector};
use lvsdeck::engine::event::EventKind;
use lvsdeck::engine::model::{Configuration, Settings, SorryServer, VirtualServer};
use std::sync::Arc;

const C: &str = "10.0.0.73:80";
const D: &str = "10.0.0.74:80";
const OTHER: &str = "tcp/10.0.0.2:80";

fn configuration(depool_threshold: u8, servers: &[VirtualServer]) -> Configuration {
    let settings = Settings { depool_threshold, ..Settings::default() };
    Configuration { virtual_servers: servers.to_vec(), settings, ..Configuration::default() }
}

/// Four servers that serve, half of which have to stay.
fn started(servers: &[VirtualServer]) -> Rig {
    let mut rig = Rig::new(servers);
    rig.balance = rig.balance.following(&configuration(50, servers));
    rig.give(Input::Start);
    rig.pass(2 * S);
    rig
}
fn four() -> Rig {
    started(&[service(WEB, &[A, B, C, D])])
}
fn drain(server: &str) -> Command {
    Command::Drain { server: server.parse().unwrap(), service: None, hold_seconds: None, deadline_seconds: None }
}
fn maintain(server: &str) -> Command {
    let server = server.parse().unwrap();
    Command::Maintenance { server, service: None, hold_seconds: None, deadline_seconds: None }
}
fn restore(server: &str) -> Command {
    Command::Restore { server: server.parse().unwrap(), service: None }
}
fn weigh(server: &str, number: u32) -> Command {
    Command::Weight {
        service: ServiceSelector(WEB.to_owned()),
        server: rs(server),
        weight: weight(number),
        hold_seconds: None,
    }
}
fn remove(server: &str) -> Command {
    Command::RemoveServer { service: ServiceSelector(WEB.to_owned()), server: rs(server) }
}
/// Two of four are out.
fn half() -> Rig {
    let mut rig = four();
    for server in [A, B] {
        assert_eq!(rig.ask(drain(server)).outcome, Outcome::Done);
    }
    rig.kernel.take_history();
    rig.facts.clear();
    rig
}
const SAID: &str = "tcp/10.0.0.1:80 would keep 1 of 4 servers in service, and depool_threshold asks for 2 (50 %)";

#[test]
fn each_way_below_the_floor_is_refused_with_the_way_on_and_nothing_is_done() {
    for command in [drain(C), maintain(C), weigh(C, 0), remove(C)] {
        let mut rig = half();
        let answer = rig.ask(command.clone());
        let message = format!("{SAID}; look at the preview (--dry-run) and commit its token, or say --force");
        assert_eq!((answer.outcome, answer.message), (Outcome::Refused, message), "{command}");
        assert_eq!((rig.ops(), rig.overrides[0].servers.len()), (Vec::new(), 2), "{command}");
        assert_eq!(rig.facts(EventKind::ServerAdmin), [""; 0]);
    }
}

#[test]
fn a_whole_service_that_serves_is_not_removed_by_the_way() {
    let remove = || Command::RemoveService { service: ServiceSelector(WEB.to_owned()) };
    let mut rig = four();
    let answer = rig.ask(remove());
    let said = "tcp/10.0.0.1:80 would keep 0 of 4 servers in service, and depool_threshold asks for 2 (50 %)";
    assert_eq!(answer.outcome, Outcome::Refused);
    assert!(answer.message.starts_with(said), "{}", answer.message);
    let shown = rig.dry(remove());
    assert!(shown.preview.blast_radius.ends_with(&format!("; BELOW THE FLOOR: {said}")), "{:?}", shown.preview);
    assert_eq!(rig.ask_with(remove(), false, shown.token).outcome, Outcome::Done);
}

#[test]
fn the_preview_tells_of_it_asks_for_the_word_and_its_token_commits_it() {
    let mut rig = half();
    let shown = rig.dry(drain(C));
    assert_eq!(shown.outcome, Outcome::Preview);
    assert!(shown.preview.blast_radius.ends_with(&format!("; BELOW THE FLOOR: {SAID}")), "{:?}", shown.preview);
    assert_eq!(shown.preview.confirm.as_deref(), Some("drain"));
    assert_eq!(rig.ask_with(drain(C), false, shown.token).outcome, Outcome::Done);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w0, 10.0.0.73:80 w0, 10.0.0.74:80 w1");
}

#[test]
fn a_token_from_before_others_left_commits_nothing() {
    for command in [drain(A), weigh(A, 0), remove(A)] {
        let mut rig = started(&[service(WEB, &[A, B])]);
        let shown = rig.dry(command.clone());
        assert_eq!(shown.preview.confirm, None, "{:?}", shown.preview);
        assert_eq!(rig.ask(drain(B)).outcome, Outcome::Done);
        let now = rig.dry(command.clone());
        assert!(now.preview.blast_radius.contains("BELOW THE FLOOR"), "{:?}", now.preview);
        assert_ne!(shown.token, now.token);
        assert_eq!(rig.ask_with(command, false, shown.token).outcome, Outcome::Stale);
    }
}

#[test]
fn force_does_it_at_once() {
    let mut rig = half();
    assert_eq!(rig.force(drain(C)).outcome, Outcome::Done);
    assert_eq!(rig.force(weigh(D, 0)).outcome, Outcome::Done);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w0, 10.0.0.73:80 w0, 10.0.0.74:80 w0");
}

#[test]
fn what_takes_nobody_out_is_no_matter_of_the_floor() {
    let mut rig = half();
    assert_eq!(rig.force(drain(C)).outcome, Outcome::Done);
    // Below the floor already.
    for command in [maintain(C), weigh(C, 5), weigh(D, 7), restore(B), remove(A)] {
        let answer = rig.ask(command.clone());
        assert_eq!(answer.outcome, Outcome::Done, "{command}: {}", answer.message);
    }
}

#[test]
fn who_is_down_serves_nobody_and_may_be_drained() {
    let mut rig = four();
    for server in [A, B] {
        rig.kill(server);
    }
    rig.pass(30 * S);
    assert_eq!(rig.ask(drain(A)).outcome, Outcome::Done);
    assert_eq!(rig.ask(drain(C)).outcome, Outcome::Refused, "two of four are down");
}

#[test]
fn several_in_one_act_are_judged_together_and_each_service_for_itself() {
    let mut rig = started(&[service(WEB, &[A, B, C, D]), service(OTHER, &[A])]);
    let several = |servers: &[&str]| {
        let one = |server: &&str| match drain(server) {
            Command::Drain { server, .. } => Command::Drain {
                server,
                service: Some(ServiceSelector(WEB.to_owned())),
                hold_seconds: None,
                deadline_seconds: None,
            },
            _ => unreachable!(),
        };
        Command::Several { commands: servers.iter().map(one).collect() }
    };
    assert!(rig.ask(several(&[A, B, C])).message.starts_with(SAID));
    assert_eq!(rig.ask(several(&[A, B])).outcome, Outcome::Done);
    assert_eq!(rig.ask(restore("10.0.0.71")).outcome, Outcome::Done);
    let host = rig.ask(Command::Drain {
        server: RealServerSelector::Host("10.0.0.71".parse().unwrap()),
        service: None,
        hold_seconds: None,
        deadline_seconds: None,
    });
    let one = "tcp/10.0.0.2:80 would keep 0 of 1 servers in service, and depool_threshold asks for 1 (50 %)";
    assert!(host.message.starts_with(one), "{}", host.message);
}

#[test]
fn a_sorry_server_is_no_server_of_the_service() {
    let sorry = SorryServer::new(rs("10.0.0.99:80"));
    let mut rig = started(&[VirtualServer { sorry_server: Some(sorry), ..service(WEB, &[A]) }]);
    assert_eq!(rig.ask(drain(A)).outcome, Outcome::Refused);
}

#[test]
fn a_reload_brings_another_floor_and_is_not_held_up_itself() {
    let mut rig = half();
    rig.give(Input::Reload(Arc::new(configuration(25, &[service(WEB, &[A, B, C, D])]))));
    assert_eq!(rig.ask(drain(C)).outcome, Outcome::Done);
    assert_eq!(rig.ask(drain(D)).outcome, Outcome::Refused);
    rig.give(reload(&[service(WEB, &[A, B])]));
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w0", "the file may");
    assert_eq!(rig.ask(restore(A)).outcome, Outcome::Done);
    assert_eq!(rig.ask(drain(A)).outcome, Outcome::Done, "without the setting there is no floor");
}

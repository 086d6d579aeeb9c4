//! What operators wanted outlasts the engine: killed without a word, started again on what the kernel has.

use crate::rig::{A, B, Rig, S, WEB, key, rs, server, service, weight, with_alpha};
use lvsdeck::engine::balance::{AdminWish, Input, Presence};
use lvsdeck::engine::command::{Asked, Command, Outcome, ServiceSelector, Who};
use lvsdeck::engine::event::EventKind;
use lvsdeck::engine::io::simulated::SimulatedIpvs;
use lvsdeck::engine::model::{Forwarding, Scheduler, VirtualServer};
use lvsdeck::engine::snapshot::Admin;

const C: &str = "10.0.0.73:80";
const NEW: &str = "tcp/10.0.0.2:80";

fn drain(server: &str, deadline_seconds: Option<u64>) -> Command {
    Command::Drain { server: server.parse().unwrap(), service: None, hold_seconds: None, deadline_seconds }
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
fn add_server(service: &str, server: &str, number: Option<u32>) -> Command {
    let service = ServiceSelector(service.to_owned());
    Command::AddServer { service, server: rs(server), weight: number.map(weight), forward: None }
}
fn remove_server(server: &str) -> Command {
    Command::RemoveServer { service: ServiceSelector(WEB.to_owned()), server: rs(server) }
}
fn add_service(service: &str) -> Command {
    let (scheduler, forward) = (Some(Scheduler::Rr), Some(Forwarding::Dr));
    Command::AddService { service: key(service), scheduler, forward, persistence: Some(300) }
}
fn bring_back(service: &str) -> Command {
    Command::AddService { service: key(service), scheduler: None, forward: None, persistence: None }
}
fn remove_service(service: &str) -> Command {
    Command::RemoveService { service: ServiceSelector(service.to_owned()) }
}

fn started(servers: &[VirtualServer], commands: &[Command]) -> Rig {
    let mut rig = Rig::started(servers);
    rig.pass(2 * S);
    for command in commands {
        let answer = rig.ask(command.clone());
        assert_eq!(answer.outcome, Outcome::Done, "{command:?}: {}", answer.message);
    }
    rig
}

#[test]
fn every_override_is_there_again_and_the_kernel_is_not_touched() {
    let file = [service(WEB, &[A, B])];
    let inhibiting = {
        let mut file = file.clone();
        file[0].real_servers.iter_mut().for_each(|server| server.inhibit_on_failure = true);
        file
    };
    let cautious = [with_alpha(file[0].clone())];
    for file in [file.as_slice(), &inhibiting, &cautious] {
        let cases: [(&[Command], &str); 6] = [
            (&[drain(A, None)], "10.0.0.71:80 w0, 10.0.0.72:80 w1"),
            (&[weigh(A, 7)], "10.0.0.71:80 w7, 10.0.0.72:80 w1"),
            (&[weigh(A, 7), drain(A, None)], "10.0.0.71:80 w0, 10.0.0.72:80 w1"),
            (&[remove_server(A)], "10.0.0.72:80 w1"),
            (&[add_server(WEB, C, Some(3))], "10.0.0.71:80 w1, 10.0.0.72:80 w1, 10.0.0.73:80 w3"),
            (&[add_server(WEB, C, Some(3)), weigh(C, 5)], "10.0.0.71:80 w1, 10.0.0.72:80 w1, 10.0.0.73:80 w5"),
        ];
        for (commands, table) in cases {
            let rig = started(file, commands);
            assert_eq!(rig.table(WEB), table, "{commands:?}");
            let (overrides, status) = (rig.overrides.clone(), rig.status());
            let mut next = rig.restarted(5 * S, file);
            next.pass(20 * S);
            assert_eq!((next.ops(), next.table(WEB).as_str()), (Vec::new(), table), "{commands:?}");
            assert_eq!(next.overrides, overrides);
            let shown = |rig: &[std::sync::Arc<lvsdeck::engine::snapshot::VirtualServerStatus>]| -> Vec<_> {
                rig[0].real_servers.iter().map(|s| (s.key, s.admin, s.weight, s.added)).collect()
            };
            assert_eq!(shown(&next.status()), shown(&status), "{commands:?}");
        }
    }
}

#[test]
fn a_reboot_makes_the_table_as_operators_wanted_it() {
    let file = [service(WEB, &[A, B])];
    let rig = started(&file, &[drain(A, None), remove_server(B), add_server(WEB, C, Some(3)), add_service(NEW)]);
    let fresh = Rig { kernel: SimulatedIpvs::default(), remembered: Vec::new(), ..rig };
    let mut next = fresh.restarted(60 * S, &file);
    assert_eq!((next.table(WEB), next.table(NEW)), ("10.0.0.71:80 w0, 10.0.0.73:80 w3".to_owned(), String::new()));
    assert_eq!(next.server(0, C).checks[0].target, C, "checked as the others");
    next.pass(20 * S);
    assert_eq!(next.ask(restore(A)).outcome, Outcome::Done);
    assert_eq!(next.ask(add_server(WEB, B, None)).outcome, Outcome::Done);
    assert_eq!(next.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1, 10.0.0.73:80 w3");
    let left: Vec<_> = next.overrides.iter().map(|wish| (wish.service, wish.servers.len())).collect();
    assert_eq!(left, [(key(WEB), 1), (key(NEW), 0)], "what was taken back is not written down any more");
}

#[test]
fn services_that_were_added_and_removed_are_so_again_until_they_are_taken_back() {
    let file = [service(WEB, &[A, B])];
    let commands = [add_service(NEW), add_server(NEW, C, Some(2)), drain(C, None), drain(A, None), remove_service(WEB)];
    let rig = started(&file, &commands);
    let mut next = rig.restarted(S, &file);
    next.pass(20 * S);
    assert_eq!(
        (next.ops(), next.table(WEB).as_str(), next.table(NEW).as_str()),
        (Vec::new(), "none", "10.0.0.73:80 w0")
    );
    assert_eq!(next.ask(bring_back(WEB)).outcome, Outcome::Done);
    assert_eq!(next.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1", "as it was, the drain too");
    let mut third = next.restarted(S, &file);
    assert_eq!((third.ops(), third.table(WEB).as_str()), (Vec::new(), "10.0.0.71:80 w0, 10.0.0.72:80 w1"));
    assert_eq!(third.ask(remove_service(NEW)).outcome, Outcome::Done);
    let fourth = third.restarted(S, &file);
    assert_eq!((fourth.ops(), fourth.table(NEW).as_str()), (Vec::new(), "none"));
}

#[test]
fn who_when_and_why_are_written_down() {
    let file = [service(WEB, &[A, B])];
    let mut rig = started(&file, &[drain(A, Some(600))]);
    let asked_at = rig.now;
    rig.pass(5 * S);
    let wish = &rig.overrides[0];
    assert_eq!((wish.service, &wish.presence, wish.servers.len()), (key(WEB), &Presence::InFile, 1));
    let by = wish.servers[0].admin_by.clone().unwrap();
    assert_eq!((by.who.as_str(), by.why.as_deref(), by.at), ("anna", Some("kernel update"), asked_at));
    assert_eq!(rig.ask(restore(A)).outcome, Outcome::Done);
    assert_eq!(rig.overrides, []);
}

#[test]
fn the_reason_of_a_drain_outlasts_another_weight_and_both_outlast_a_restart() {
    let file = [service(WEB, &[A, B])];
    let mut rig = started(&file, &[drain(A, None)]);
    rig.pass(5 * S);
    let (command, who) = (weigh(A, 6), Who { user: "bert".into(), ..Who::default() });
    let asked = Asked { id: 8, command, dry_run: false, token: None, force: false, who, reason: None, undoes: None };
    rig.give(Input::Command(Box::new(asked)));
    let said = |rig: &Rig| {
        let server = rig.server(0, A);
        let (drain, last) = (server.drain.unwrap(), server.overridden.unwrap());
        (drain.who, drain.reason, last.who, last.reason)
    };
    let (anna, why) = ("anna".to_owned(), Some("kernel update".to_owned()));
    let wanted = (Some(anna.clone()), why.clone(), anna, why);
    assert_eq!(said(&rig), wanted, "while it drains that is what keeps it from serving");
    assert_eq!(said(&rig.restarted(S, &file)), wanted);
}

#[test]
fn a_deadline_goes_on_over_the_restart_and_one_that_passed_meanwhile_acts_at_once() {
    let file = [service(WEB, &[A, B])];
    let rig = started(&file, &[drain(A, Some(600))]);
    let mut next = rig.restarted(100 * S, &file);
    next.pass(499 * S);
    assert_eq!(next.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1");
    next.pass(2 * S);
    assert_eq!(next.table(WEB), "10.0.0.72:80 w1");
    let third = next.restarted(S, &file);
    assert_eq!(
        (third.table(WEB).as_str(), third.server(0, A).admin),
        ("10.0.0.72:80 w1", Admin::Draining),
        "stays out"
    );

    let mut rig = started(&file, &[drain(A, Some(600))]);
    rig.edit(|table| table.services.get_mut(&key(WEB)).unwrap().destinations.get_mut(&rs(A)).unwrap().active = 3);
    let mut next = rig.restarted(1_000 * S, &file);
    assert_eq!(next.table(WEB), "10.0.0.72:80 w1");
    let told = next.facts(EventKind::ServerAdmin);
    assert_eq!(told, ["tcp/10.0.0.1:80 10.0.0.71:80: >draining (deadline passed, 3 connections were left)"]);
    rig = next;
    let AdminWish::Draining { .. } = rig.overrides[0].servers[0].admin else { panic!("{:?}", rig.overrides) };
}

#[test]
fn an_override_whose_object_left_the_file_meanwhile_ends_with_an_event() {
    let file = [service(WEB, &[A, B]), service("tcp/10.0.0.3:80", &[A])];
    let commands = [drain(A, None), remove_server(B), add_server("tcp/10.0.0.3:80", C, None)];
    let rig = started(&file, &commands);
    let mut next = rig.restarted(S, &[service(WEB, &[C])]);
    let reason = "(its object left the file, and the operator's override ends with it)";
    assert_eq!(
        next.facts(EventKind::ServerAdmin),
        [
            format!("tcp/10.0.0.1:80 10.0.0.71:80: draining>ended {reason}"),
            format!("tcp/10.0.0.1:80 10.0.0.72:80: removed>ended {reason}"),
            format!("tcp/10.0.0.3:80 10.0.0.71:80: draining>ended {reason}"),
            format!("tcp/10.0.0.3:80 10.0.0.73:80: added>ended {reason}"),
        ]
    );
    assert_eq!((next.overrides.len(), next.table(WEB).as_str()), (0, "10.0.0.73:80 w1"));
}

#[test]
fn what_was_added_and_is_in_the_file_now_is_the_files() {
    let rig =
        started(&[service(WEB, &[A])], &[add_server(WEB, B, Some(5)), add_service(NEW), add_server(NEW, C, None)]);
    let mut heavy = service(WEB, &[A, B]);
    heavy.real_servers[1] = lvsdeck::engine::model::RealServer { weight: weight(2), ..server(B) };
    let mut next = rig.restarted(S, &[heavy, service(NEW, &[B])]);
    next.pass(2 * S);
    assert_eq!(next.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w2");
    assert!(!next.server(0, B).added);
    assert_eq!(next.table(NEW), "10.0.0.72:80 w1, 10.0.0.73:80 w1");
    assert!(next.server(1, C).added, "a server that the file does not have stays the operator's");
}

#[test]
fn the_list_is_given_out_when_it_changed_and_not_otherwise() {
    let file = [service(WEB, &[A, B])];
    let mut rig = started(&file, &[]);
    rig.overrides = vec![];
    rig.kill(A);
    rig.pass(30 * S);
    assert_eq!(rig.ask(drain(B, None)).outcome, Outcome::Done);
    let given = std::mem::take(&mut rig.overrides);
    assert_eq!(given.len(), 1);
    rig.revive(A);
    rig.pass(60 * S);
    assert_eq!(rig.reload(&file), Ok(()));
    assert_eq!(rig.overrides, [], "nothing changed since");
}

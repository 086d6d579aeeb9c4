//! Undo: the inverse of every verb brings back exactly what was before.

use crate::rig::{A, B, Rig, S, WEB, key, rs, service, weight};
use lvsdeck::engine::command::{Command, Outcome, ServiceSelector};
use lvsdeck::engine::model::{Forwarding, Scheduler, Weight};
use std::fmt::Write;

const C: &str = "10.0.0.73:80";
const TLS: &str = "tcp/10.0.0.1:443";
const HOST: &str = "10.0.0.71";

fn web() -> ServiceSelector {
    ServiceSelector(WEB.to_owned())
}
fn drain(server: &str, deadline_seconds: Option<u64>) -> Command {
    Command::Drain { server: server.parse().unwrap(), service: None, hold_seconds: None, deadline_seconds }
}
#[test]
fn the_reason_of_what_a_command_ends_is_kept_for_the_way_back() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(drain(A, Some(60)));
    let answer = rig.ask(restore(A));
    assert_eq!(answer.preview.undo_reason, Some("kernel update".to_owned()));
    assert_eq!(rig.ask(restore(B)).preview.undo_reason, None);
    assert_eq!(rig.ask(set_weight(B, 5)).preview.undo_reason, None, "nothing was wanted");
    assert_eq!(rig.ask(set_weight(B, 7)).preview.undo_reason, Some("kernel update".to_owned()));
    assert_eq!(rig.ask(restore(B)).preview.undo_reason, Some("kernel update".to_owned()), "of the weight");
}

fn restore(server: &str) -> Command {
    Command::Restore { server: server.parse().unwrap(), service: None }
}
fn set_weight(server: &str, number: u32) -> Command {
    Command::Weight { service: web(), server: rs(server), weight: weight(number), hold_seconds: None }
}
fn add(server: &str, weight: Option<Weight>, forward: Option<Forwarding>) -> Command {
    Command::AddServer { service: web(), server: rs(server), weight, forward }
}
fn remove(server: &str) -> Command {
    Command::RemoveServer { service: web(), server: rs(server) }
}
fn add_service() -> Command {
    Command::AddService {
        service: key("udp/10.0.0.1:53"),
        scheduler: Some(Scheduler::Sh),
        forward: None,
        persistence: Some(60),
    }
}
fn remove_service(service: &str) -> Command {
    Command::RemoveService { service: ServiceSelector(service.to_owned()) }
}

/// Everything that is wanted: what the fronts show, warnings, and the kernel's table.
fn state(rig: &mut Rig) -> String {
    let mut text = format!("{:?}", rig.edit(|table| table.clone()));
    for service in rig.status() {
        let _ = write!(text, "\n{} {:?} {:?}", service.key, service.scheduler, service.quorum);
        for r in &service.real_servers {
            let _ = write!(
                text,
                "\n  {} {:?} {} {} {:?} {:?} {}",
                r.key, r.forward, r.weight, r.configured_weight, r.health, r.admin, r.added
            );
        }
    }
    for service in [WEB, TLS] {
        // What a drain hides: the weight that waits behind it.
        for server in [A, B, C, "10.0.0.71:443"] {
            let service = Some(ServiceSelector(service.to_owned()));
            let back = rig.dry(Command::Restore { server: server.parse().unwrap(), service });
            let _ = write!(text, "\n{:?}", back.preview.after);
        }
    }
    text + &format!("\n{:?}", rig.balance.warnings())
}

/// After `before`, does `command` and takes it back.
fn there_and_back(before: &[Command], command: &Command) {
    let mut rig = Rig::started(&[service(WEB, &[A, B]), service(TLS, &["10.0.0.71:443"])]);
    for command in before {
        assert_eq!(rig.ask(command.clone()).outcome, Outcome::Done, "{command:?}");
    }
    rig.pass(12 * S);
    let was = state(&mut rig);
    let answer = rig.ask(command.clone());
    assert_eq!(answer.outcome, Outcome::Done, "{command:?}: {}", answer.message);
    assert_ne!(state(&mut rig), was, "{command:?} changed nothing");
    let undo = answer.preview.undo.unwrap_or_else(|| panic!("no inverse of {command:?} after {before:?}"));
    let back = rig.ask(undo.clone());
    assert_eq!(back.outcome, Outcome::Done, "{undo:?}: {}", back.message);
    rig.pass(12 * S);
    assert_eq!(state(&mut rig), was, "{command:?} after {before:?}, taken back by {undo:?}");
}

#[test]
fn every_verb_is_taken_back_to_exactly_what_was_before() {
    let nothing: &[Command] = &[];
    for (before, command) in [
        (nothing, set_weight(A, 5)),
        (&[set_weight(A, 7)], set_weight(A, 5)),
        (&[drain(A, None)], set_weight(A, 5)),
        (nothing, drain(A, None)),
        (nothing, drain(A, Some(60))),
        (&[set_weight(A, 7)], drain(A, None)),
        (nothing, drain(HOST, None)),
        (nothing, drain(HOST, Some(5))),
        (&[drain(A, None)], restore(A)),
        (&[set_weight(A, 7), drain(A, None)], restore(A)),
        (&[drain(A, Some(5))], restore(A)),
        (&[set_weight(A, 7)], restore(A)),
        (&[drain(HOST, None)], restore(HOST)),
        (nothing, add(C, None, None)),
        (nothing, add(C, Some(Weight::ZERO), Some(Forwarding::Tun))),
        (nothing, remove(A)),
        (&[set_weight(A, 7), drain(A, None)], remove(A)),
        (&[drain(A, Some(5))], remove(A)),
        (&[add(C, Some(Weight::ZERO), Some(Forwarding::Tun))], remove(C)),
        (&[add(C, None, None), drain(C, None)], remove(C)),
        (&[add(C, None, None), add("10.0.0.74:80", None, None)], remove(C)),
        (&[remove(A)], add(A, None, None)),
        (&[remove(A)], add(A, Some(Weight::ZERO), None)),
        (nothing, add_service()),
        (nothing, remove_service(WEB)),
        (&[set_weight(A, 7), drain(B, None), add(C, None, None)], remove_service(WEB)),
        (&[remove(B), drain(A, Some(5))], remove_service(WEB)),
        (&[add_service()], remove_service("udp/10.0.0.1:53")),
        (
            &[remove_service(WEB)],
            Command::AddService { service: key(WEB), scheduler: None, forward: None, persistence: None },
        ),
    ] as [(&[Command], Command); _]
    {
        there_and_back(before, &command);
    }
}

#[test]
fn a_deadline_that_was_there_before_is_there_again_with_the_time_that_was_left() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(drain(A, Some(60)));
    rig.pass(20 * S);
    for command in [restore(A), drain(A, Some(600))] {
        let undo = rig.ask(command).preview.undo.unwrap();
        assert_eq!(
            undo,
            Command::Drain {
                server: A.parse().unwrap(),
                service: Some(web()),
                hold_seconds: None,
                deadline_seconds: Some(40)
            }
        );
        assert_eq!(rig.ask(undo).outcome, Outcome::Done);
    }
    rig.pass(40 * S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
}

#[test]
fn the_undo_of_a_change_to_a_drain_goes_on_with_it_as_it_was() {
    let maintenance = |server: &str, hold_seconds| Command::Maintenance {
        server: server.parse().unwrap(),
        service: None,
        hold_seconds,
        deadline_seconds: None,
    };
    for command in [maintenance(A, None), maintenance(A, Some(60)), restore(A), drain(A, Some(500)), remove(A)] {
        let mut rig = Rig::started(&[service(WEB, &[A, B])]);
        rig.ask(drain(A, Some(100)));
        rig.pass(S * 205 / 10);
        let was = rig.server(0, A).overridden.unwrap();
        let done = rig.ask(command.clone());
        assert_eq!(rig.take_back(&done, S * 205 / 10).outcome, Outcome::Done, "{command}");
        let is = rig.server(0, A).overridden.unwrap();
        if !matches!(command, Command::RemoveServer { .. }) {
            assert_eq!((&is.who, &is.reason, is.since + S * 205 / 10), (&was.who, &was.reason, was.since), "{command}");
        }
        rig.pass(S * 58);
        assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1", "{command}: 1 s before the end");
        rig.pass(S * 2);
        assert_eq!(rig.table(WEB), "10.0.0.72:80 w1", "{command}: no second more than it had");
    }
}

#[test]
fn the_undo_of_what_ended_several_drains_gives_each_back_its_own() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(drain(A, Some(100)));
    rig.pass(S * 10);
    rig.ask(drain(B, Some(100)));
    rig.pass(S * 10);
    let was = [A, B].map(|server| rig.server(0, server).overridden.unwrap().since);
    let done = rig.ask(Command::Several { commands: vec![restore(A), restore(B)] });
    assert_eq!(done.preview.changed.len(), 2);
    assert_eq!(rig.take_back(&done, S * 10).outcome, Outcome::Done);
    assert_eq!([A, B].map(|server| rig.server(0, server).overridden.unwrap().since + S * 10), was);
}

#[test]
fn a_drained_server_that_was_taken_out_comes_back_drained_and_that_is_said() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(set_weight(A, 7));
    let server = A.parse().unwrap();
    rig.ask(Command::Drain { server, service: None, hold_seconds: Some(300), deadline_seconds: Some(60) });
    rig.pass(20 * S);
    let undo = rig.ask(remove(A)).preview.undo.unwrap();
    rig.pass(10 * S);
    let shown = rig.dry(undo.clone());
    assert_eq!(
        shown.preview.after,
        ["10.0.0.71:80 Route weight 0, draining, weight 7 when restored, out after 30 s, back after 270 s"]
    );
    rig.pass(5 * S);
    let back = rig.ask_with(undo, false, shown.token);
    assert_eq!(
        (back.outcome, back.message.as_str()),
        (
            Outcome::Done,
            "10.0.0.71:80 is back in tcp/10.0.0.1:80, drained as it was; weight 7 when it is restored; it is taken out after \
             25 s; it has its weight back after 265 s"
        )
    );
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1");
    rig.pass(25 * S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
    rig.pass(240 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w7, 10.0.0.72:80 w1");
}

#[test]
fn a_deadline_given_to_who_drains_without_one_is_nothing_that_one_command_takes_back() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(drain(A, None));
    assert_eq!(rig.dry(drain(A, Some(60))).preview.undo, None);
}

#[test]
fn where_one_command_can_not_bring_it_back_none_is_promised() {
    let mut rig = Rig::started(&[service(WEB, &[A, B]), service(TLS, &["10.0.0.71:443"])]);
    rig.ask(drain(A, None));
    rig.ask(drain("10.0.0.71:443", Some(60)));
    rig.ask(set_weight(B, 3));
    assert_eq!(rig.dry(restore(HOST)).preview.undo, None, "one of them had a deadline");
    assert_eq!(rig.dry(drain(HOST, Some(30))).preview.undo, None, "they drained before, each in its way");
    rig.ask(restore(A));
    let undo = rig.dry(drain(HOST, None)).preview.undo.unwrap();
    assert_eq!(undo.to_string(), "restore 10.0.0.71:80 --service tcp/10.0.0.1:80", "the other one stays as it is");
    let strange = rig.edit(|table| table.services[&key(WEB)].destinations[&rs(A)].clone());
    rig.edit(|table| table.services.get_mut(&key(WEB)).unwrap().destinations.insert(rs(C), strange));
    rig.pass(S);
    assert_eq!(rig.dry(add(C, None, None)).preview.undo, None, "what somebody else put there can't be given back");
}

#[test]
fn the_row_of_a_drain_says_when_the_drain_ends_and_that_of_a_weight_when_the_weight_does() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    let weigh = Command::Weight { service: web(), server: rs(A), weight: weight(5), hold_seconds: Some(3_600) };
    rig.ask(weigh);
    let until = |rig: &Rig| {
        let by = rig.server(0, A).overridden.unwrap();
        by.until.unwrap().duration_since(by.since).unwrap().as_secs()
    };
    assert_eq!(until(&rig), 3_600);
    let hold_seconds = Some(60);
    rig.ask(Command::Drain { server: A.parse().unwrap(), service: None, hold_seconds, deadline_seconds: None });
    assert_eq!(until(&rig), 60);
    rig.ask(set_weight(A, 6));
    assert_eq!(until(&rig), 60, "the weight waits behind the drain");
    rig.ask(restore(A));
    rig.ask(drain(A, None));
    assert_eq!(rig.server(0, A).overridden.unwrap().until, None);
}

#[test]
fn a_token_is_of_one_end_of_what_it_was_given_for() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    let drain_for = |hold_seconds| Command::Drain {
        server: A.parse().unwrap(),
        service: None,
        hold_seconds: Some(hold_seconds),
        deadline_seconds: None,
    };
    rig.ask(drain_for(600));
    let token = rig.dry(restore(A)).token;
    rig.pass(2 * S);
    assert_eq!(rig.dry(restore(A)).token, token, "time alone changes nothing");
    rig.ask(drain_for(900));
    assert_ne!(rig.dry(restore(A)).token, token);
}

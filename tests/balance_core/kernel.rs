//! The kernel's table: ownership, drift, refusals, and a kernel that can't be spoken to.

use crate::rig::{A, B, Rig, S, WEB, key, rs, service, weight};
use lvsdeck::engine::balance::{Action, Input, OwnedService};
use lvsdeck::engine::command::{Asked, Command, Outcome, ServiceSelector, Who};
use lvsdeck::engine::event::EventKind;
use lvsdeck::engine::io::simulated::SimulatedIpvs;
use lvsdeck::engine::ipvs::{IpvsOp, IpvsTable, Refusal, RefusalKind};

const STRANGE: &str = "udp/10.0.0.9:53";

/// A kernel in which an engine left `services` behind.
fn left_behind(services: &[lvsdeck::engine::model::VirtualServer]) -> (SimulatedIpvs, Vec<OwnedService>) {
    let mut rig = Rig::started(services);
    (rig.kernel.clone(), std::mem::take(&mut rig.remembered))
}

fn busy() -> Refusal {
    Refusal { kind: RefusalKind::Other, message: "can't do it: busy; try again".to_owned() }
}

#[test]
fn what_is_owned_is_remembered_before_it_is_made() {
    let mut rig = Rig::new(&[service(WEB, &[A, B])]);
    rig.balance.handle(rig.now, Input::Start);
    while rig.balance.poll_action().is_some() {}
    rig.balance.handle(rig.now, Input::Observed(Ok(Box::new(IpvsTable::default()))));
    let actions = std::iter::from_fn(|| rig.balance.poll_action());
    let actions: Vec<String> =
        actions.filter(|a| !matches!(a, Action::Notify(_) | Action::Probe { .. })).map(|a| format!("{a:?}")).collect();
    assert!(actions[0].starts_with("Remember([OwnedService"), "{actions:?}");
    assert!(actions[1].starts_with("Apply([NewService"), "{actions:?}");
    assert_eq!(actions.len(), 2);
}

#[test]
fn a_service_of_somebody_else_is_shown_and_never_touched() {
    let (kernel, _) = left_behind(&[service(STRANGE, &["10.0.0.73:53"])]);
    kernel.take_history();
    let mut rig = Rig::on(kernel, &[service(WEB, &[A])], Vec::new());
    rig.give(Input::Start);
    let foreign = rig.balance.foreign();
    assert_eq!((foreign.len(), foreign[0].key, foreign[0].real_servers), (1, key(STRANGE), 1));
    rig.give(Input::Shutdown { keep: false });
    assert!(rig.balance.is_stopped());
    assert_eq!((rig.table(STRANGE).as_str(), rig.table(WEB).as_str()), ("10.0.0.73:53 w1", "none"));
}

#[test]
fn what_a_crashed_run_left_and_the_file_no_longer_names_is_removed() {
    let (kernel, owned) = left_behind(&[service(WEB, &[A, B]), service(STRANGE, &["10.0.0.73:53"])]);
    kernel.take_history();
    let mut rig = Rig::on(kernel, &[service(WEB, &[A])], owned);
    rig.give(Input::Start);
    assert_eq!(rig.ops(), ["remove real server 10.0.0.72:80 of tcp/10.0.0.1:80", "remove service udp/10.0.0.9:53"]);
    assert_eq!(rig.remembered, [OwnedService { key: key(WEB), servers: vec![rs(A)] }]);
    assert_eq!(rig.balance.foreign(), []);
}

#[test]
fn a_configured_service_that_is_there_already_is_adopted_with_its_known_servers_only() {
    let (kernel, _) = left_behind(&[service(WEB, &[A, "10.0.0.99:80"])]);
    kernel.take_history();
    let mut rig = Rig::on(kernel, &[service(WEB, &[A, B])], Vec::new());
    rig.give(Input::Start);
    assert_eq!(rig.ops(), ["add real server 10.0.0.72:80 to tcp/10.0.0.1:80"], "connections of the rest are kept");
    assert_eq!(
        rig.facts(EventKind::ServiceTable),
        ["tcp/10.0.0.1:80: >present (adopted: the kernel had it already and the configuration names it)"]
    );
    let drift = rig.balance.drift();
    assert_eq!(
        (drift.len(), drift[0].subject.as_str(), drift[0].action.as_str()),
        (1, "tcp/10.0.0.1:80 10.0.0.99:80", "reported")
    );
    assert_eq!(rig.remembered, [OwnedService { key: key(WEB), servers: vec![rs(A), rs(B)] }]);
}

#[test]
fn what_somebody_else_changed_is_told_and_repaired() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(Command::Drain { server: A.parse().unwrap(), service: None, hold_seconds: None, deadline_seconds: None });
    rig.ask(Command::Restore { server: A.parse().unwrap(), service: None });
    let _ = (rig.facts(EventKind::ServerWeight), rig.facts(EventKind::ServerTable));
    rig.edit(|table| {
        let service = table.services.get_mut(&key(WEB)).unwrap();
        service.destinations.get_mut(&rs(A)).unwrap().weight = weight(9);
        service.destinations.remove(&rs(B));
    });
    rig.pass(S);
    let told = [rig.facts(EventKind::ServerWeight), rig.facts(EventKind::ServerTable)].concat();
    assert_eq!(
        told,
        [
            "tcp/10.0.0.1:80 10.0.0.71:80: 9>1 (repaired: somebody else had changed it)",
            "tcp/10.0.0.1:80 10.0.0.72:80: absent>present (repaired: somebody else had changed it)",
        ],
        "not the operator's reason of before"
    );
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    assert_eq!(
        rig.facts(EventKind::Drift),
        [
            "tcp/10.0.0.1:80 10.0.0.71:80: dr weight 1>dr weight 9 (repaired)",
            "tcp/10.0.0.1:80 10.0.0.72:80: dr weight 1>absent (repaired)",
        ]
    );
    assert_eq!(rig.balance.drift().len(), 2);
    rig.pass(S);
    assert_eq!((rig.balance.drift().len(), rig.facts(EventKind::Drift).len()), (0, 0));
}

#[test]
fn a_removed_service_is_one_drift_and_comes_back_whole() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.edit(|table| table.services.clear());
    rig.pass(S);
    assert_eq!(rig.facts(EventKind::Drift), ["tcp/10.0.0.1:80: rr>absent (repaired)"]);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
}

#[test]
fn a_strangers_server_in_our_service_is_reported_once_and_left_alone() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    let strange = rig.edit(|table| table.services[&key(WEB)].destinations[&rs(A)].clone());
    rig.edit(|table| table.services.get_mut(&key(WEB)).unwrap().destinations.insert(rs("10.0.0.99:80"), strange));
    rig.pass(5 * S);
    assert_eq!(rig.facts(EventKind::Drift), ["tcp/10.0.0.1:80 10.0.0.99:80: absent>dr weight 1 (reported)"]);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.99:80 w1");
}

#[test]
fn a_dead_server_that_somebody_puts_back_is_taken_out_again() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    let entry = rig.edit(|table| table.services[&key(WEB)].destinations[&rs(A)].clone());
    rig.kill(A);
    rig.pass(11 * S);
    rig.edit(|table| table.services.get_mut(&key(WEB)).unwrap().destinations.insert(rs(A), entry));
    rig.pass(S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
}

#[test]
fn a_refused_operation_is_said_once_tried_every_thirty_seconds_and_stops_nothing_else() {
    let mut rig = Rig::new(&[service(WEB, &[A, B])]);
    let wanted = {
        let twin = Rig::started(&[service(WEB, &[A])]);
        twin.edit(|table| table.services[&key(WEB)].destinations[&rs(A)].clone())
    };
    rig.kernel.refuse(IpvsOp::NewDestination(key(WEB), rs(A), wanted), busy());
    rig.give(Input::Start);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
    rig.ops();
    rig.pass(29 * S);
    assert_eq!(rig.ops(), Vec::<String>::new());
    rig.pass(2 * S);
    assert_eq!(rig.ops(), ["add real server 10.0.0.71:80 to tcp/10.0.0.1:80"]);
    assert_eq!(
        rig.facts(EventKind::OperationRefused),
        ["tcp/10.0.0.1:80 10.0.0.71:80: > (can't do it: busy; try again)"]
    );
    let warnings = rig.balance.warnings();
    assert_eq!((warnings.len(), warnings[0].code.as_str()), (1, "operation-refused"));
    assert!(rig.balance.drift()[0].action.starts_with("refused: "));
    rig.kernel.relent();
    rig.pass(31 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    assert_eq!((rig.balance.warnings().len(), rig.balance.drift().len()), (0, 0));
}

#[test]
fn a_refused_service_is_one_refusal_and_its_servers_wait_for_it() {
    let mut rig = Rig::new(&[service(WEB, &[A, B]), service(STRANGE, &["10.0.0.73:53"])]);
    let settings = {
        let twin = Rig::started(&[service(WEB, &[])]);
        twin.edit(|table| table.services[&key(WEB)].clone())
    };
    rig.kernel.refuse(IpvsOp::NewService(key(WEB), Box::new(settings)), busy());
    rig.give(Input::Start);
    rig.pass(20 * S);
    assert_eq!((rig.table(WEB).as_str(), rig.table(STRANGE).as_str()), ("none", "10.0.0.73:53 w1"));
    assert!(rig.ops().len() <= 5, "no hot loop");
    rig.pass(50 * S);
    assert_eq!(rig.facts(EventKind::OperationRefused), ["tcp/10.0.0.1:80: > (can't do it: busy; try again)"]);
    assert_eq!(rig.balance.warnings().len(), 1);
    rig.kernel.relent();
    rig.pass(30 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
}

#[test]
fn an_operation_that_met_an_old_picture_is_looked_at_anew_without_a_word() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.edit(|table| table.services.get_mut(&key(WEB)).unwrap().destinations.remove(&rs(A)));
    let command = Command::Weight {
        service: ServiceSelector(WEB.to_owned()),
        server: rs(A),
        weight: weight(3),
        hold_seconds: None,
    };
    assert_eq!(rig.ask(command).outcome, Outcome::Failed);
    rig.pass(S);
    assert_eq!(rig.facts(EventKind::OperationRefused), Vec::<String>::new());
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w3, 10.0.0.72:80 w1");
}

#[test]
fn what_was_ours_and_is_gone_belongs_to_whoever_makes_it_next() {
    let gone = OwnedService { key: key(STRANGE), servers: vec![rs("10.0.0.73:53")] };
    let mut rig = Rig::on(SimulatedIpvs::default(), &[service(WEB, &[A])], vec![gone]);
    rig.give(Input::Start);
    assert_eq!(rig.remembered.len(), 1);
    let (kernel, _) = left_behind(&[service(STRANGE, &["10.0.0.73:53"])]);
    let strange = kernel.edit(|table| table.services[&key(STRANGE)].clone());
    rig.edit(|table| table.services.insert(key(STRANGE), strange));
    rig.pass(S);
    assert_eq!((rig.table(STRANGE).as_str(), rig.balance.foreign().len()), ("10.0.0.73:53 w1", 1));
}

#[test]
fn without_ip_vs_checks_go_on_and_the_table_is_made_once_it_is_there() {
    let mut rig = Rig::new(&[service(WEB, &[A, B])]);
    rig.kernel.refuse_everything(Refusal::general(RefusalKind::NoIpvs, "read the kernel's IPVS table"));
    rig.give(Input::Start);
    rig.kill(A);
    rig.pass(21 * S);
    assert_eq!(rig.looks, 5, "every 5 s");
    assert_eq!(rig.facts(EventKind::OperationRefused).len(), 1);
    let warnings = rig.balance.warnings();
    assert!(warnings[0].code == "no-ip-vs" && warnings[0].next.contains("modprobe ip_vs"), "{warnings:?}");
    assert_eq!(rig.server(0, A).health, lvsdeck::engine::snapshot::Health::Down);
    assert!(!rig.status()[0].in_kernel);
    rig.kernel.relent();
    rig.pass(5 * S);
    assert_eq!((rig.table(WEB).as_str(), rig.balance.warnings().len()), ("10.0.0.72:80 w1", 0));
}

#[test]
fn ip_vs_that_vanishes_while_operations_are_out_is_one_warning() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.facts.clear();
    rig.kill(A);
    rig.pass(10 * S);
    rig.kernel.refuse_everything(Refusal::general(RefusalKind::NotPermitted, "change the kernel's IPVS table"));
    rig.pass(11 * S);
    assert_eq!(rig.facts(EventKind::OperationRefused).len(), 1);
    rig.kernel.relent();
    rig.pass(5 * S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
}

#[test]
fn shutdown_cancels_probes_removes_what_is_ours_and_forgets_it() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.facts.clear();
    rig.give(Input::Shutdown { keep: false });
    assert!(rig.balance.is_stopped());
    assert_eq!((rig.table(WEB).as_str(), rig.remembered.len()), ("none", 0));
    assert_eq!(
        rig.facts(EventKind::ServiceTable),
        ["tcp/10.0.0.1:80: present>absent (lvsdeck made it and wants it no longer)"]
    );
    let probes = rig.probes;
    rig.pass(60 * S);
    assert_eq!(rig.probes, probes);
}

#[test]
fn a_shutdown_that_the_kernel_refuses_ends_and_remembers_what_stays_behind() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    rig.kernel.refuse(IpvsOp::DelService(key(WEB)), busy());
    rig.give(Input::Shutdown { keep: false });
    assert!(rig.balance.is_stopped());
    assert_eq!(rig.remembered.len(), 1);
    assert_eq!(rig.facts(EventKind::OperationRefused).len(), 1);
}

#[test]
fn a_shutdown_without_a_kernel_ends_at_once() {
    let mut rig = Rig::new(&[service(WEB, &[A])]);
    rig.kernel.refuse_everything(Refusal::general(RefusalKind::NoIpvs, "read the kernel's IPVS table"));
    rig.give(Input::Start);
    rig.give(Input::Shutdown { keep: false });
    assert!(rig.balance.is_stopped());
}

#[test]
fn a_shutdown_during_a_plan_takes_back_what_that_plan_made() {
    let mut rig = Rig::new(&[service(WEB, &[A])]);
    rig.balance.handle(rig.now, Input::Start);
    while rig.balance.poll_action().is_some() {}
    rig.balance.handle(rig.now, Input::Observed(Ok(Box::new(IpvsTable::default()))));
    rig.balance.handle(rig.now, Input::Shutdown { keep: false });
    assert!(!rig.balance.is_stopped());
    rig.give(Input::Timeout);
    assert!(rig.balance.is_stopped());
    assert_eq!((rig.table(WEB).as_str(), rig.remembered.len()), ("none", 0));
}

#[test]
fn what_the_kernel_did_not_answer_for_stays_remembered_after_the_end() {
    for shutdown_comes_first in [false, true] {
        let mut rig = Rig::new(&[service(WEB, &[A])]);
        rig.balance.handle(rig.now, Input::Start);
        rig.balance.handle(rig.now, Input::Observed(Ok(Box::default())));
        let mut ops = Vec::new();
        while let Some(action) = rig.balance.poll_action() {
            match action {
                Action::Apply(plan) => ops.extend(plan),
                Action::Remember(owned) => rig.remembered = owned,
                _ => {}
            }
        }
        let [add_service, _add_server] = <[_; 2]>::try_from(ops).unwrap();
        let refusal = Refusal::of(RefusalKind::TimedOut, &add_service);
        let unanswered = Input::Applied { op: Box::new(add_service), result: Err(refusal) };
        let two = if shutdown_comes_first {
            [Input::Shutdown { keep: false }, unanswered]
        } else {
            [unanswered, Input::Shutdown { keep: false }]
        };
        for input in two.into_iter().chain([Input::NotApplied]) {
            rig.balance.handle(rig.now, input);
        }
        while let Some(action) = rig.balance.poll_action() {
            if let Action::Remember(owned) = action {
                rig.remembered = owned;
            }
        }
        assert!(rig.balance.is_stopped() && rig.balance.leaves_behind());
        assert_eq!(rig.remembered, [OwnedService { key: key(WEB), servers: vec![rs(A)] }]);
    }
}

#[test]
fn probes_that_are_out_are_cancelled_with_their_server_and_at_the_end() {
    let mut rig = Rig::new(&[service(WEB, &[A, B])]);
    rig.balance.handle(rig.now, Input::Start);
    rig.balance.handle(rig.now, Input::Observed(Ok(Box::default())));
    let mut out = Vec::new();
    while let Some(action) = rig.balance.poll_action() {
        match action {
            Action::Probe { check, .. } => out.push(check),
            Action::Apply(ops) => {
                for op in ops {
                    rig.balance.handle(rig.now, Input::Applied { op: Box::new(op), result: Ok(()) });
                }
            }
            _ => {}
        }
    }
    let command = Command::RemoveServer { service: ServiceSelector(WEB.to_owned()), server: rs(A) };
    let asked = Asked {
        id: 1,
        command,
        dry_run: false,
        token: None,
        force: false,
        who: Who::default(),
        reason: None,
        undoes: None,
    };
    let mut cancelled = Vec::new();
    for input in [Input::Command(Box::new(asked)), Input::Shutdown { keep: false }] {
        rig.balance.handle(rig.now, input);
        while let Some(action) = rig.balance.poll_action() {
            if let Action::CancelProbe { check } = action {
                cancelled.push(check);
            }
        }
    }
    assert_eq!((out.len(), &cancelled), (2, &out));
}

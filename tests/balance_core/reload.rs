//! Another configuration while everything runs: what it does not change is not touched.

use crate::rig::{A, B, Rig, S, WEB, key, reload, rs, server, service, weight, with_alpha};
use lvsdeck::engine::balance::{Action, CheckId, Input, objection};
use lvsdeck::engine::command::{Command, Outcome, ServiceSelector};
use lvsdeck::engine::event::EventKind;
use lvsdeck::engine::health::Verdict;
use lvsdeck::engine::ipvs::{Destination, IpvsOp, Refusal, RefusalKind, Traffic};
use lvsdeck::engine::model::{Configuration, Forwarding, Persistence, Quorum, Scheduler, SorryServer, VirtualServer};
use lvsdeck::engine::snapshot::{Admin, Health};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const C: &str = "10.0.0.73:80";
const TLS: &str = "tcp/10.0.0.1:443";

fn web() -> ServiceSelector {
    ServiceSelector(WEB.to_owned())
}
fn drain(server: &str) -> Command {
    Command::Drain { server: server.parse().unwrap(), service: None, hold_seconds: None, deadline_seconds: None }
}
fn set_weight(server: &str, number: u32) -> Command {
    Command::Weight { service: web(), server: rs(server), weight: weight(number), hold_seconds: None }
}
fn add(server: &str) -> Command {
    Command::AddServer { service: web(), server: rs(server), weight: None, forward: None }
}
fn remove(server: &str) -> Command {
    Command::RemoveServer { service: web(), server: rs(server) }
}
/// The same service, a server's checks asked every `seconds`.
fn every(mut service: VirtualServer, at: usize, seconds: u32) -> VirtualServer {
    let tcp = Arc::make_mut(&mut service.real_servers[at].checks[0]);
    tcp.timing.interval = seconds * S;
    service
}
/// Gives an input and performs nothing: the actions.
fn actions(rig: &mut Rig, input: Input) -> Vec<Action> {
    rig.balance.handle(rig.now, input);
    std::iter::from_fn(|| rig.balance.poll_action()).collect()
}
fn order(rig: &Rig) -> Vec<String> {
    let status = rig.status();
    let servers = status.iter().map(|s| {
        let servers: Vec<String> = s.real_servers.iter().map(|r| r.key.to_string()).collect();
        format!("{}: {}", s.key, servers.join(" "))
    });
    servers.collect()
}

#[test]
fn the_same_configuration_again_does_nothing_but_answer() {
    let servers = [service(WEB, &[A, B]), service(TLS, &["10.0.0.71:443"])];
    let mut rig = Rig::started(&servers);
    rig.kill(A);
    rig.pass(14 * S);
    let before = rig.status();
    for _ in 0..2 {
        assert_eq!(actions(&mut rig, reload(&servers)), [Action::Reloaded(Ok(String::new()))]);
    }
    assert_eq!(rig.status(), before);
}

#[test]
fn a_weight_that_the_file_changes_is_not_the_last_commands_doing() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(set_weight(A, 6));
    rig.ask(Command::Restore { server: A.parse().unwrap(), service: None });
    rig.facts(EventKind::ServerWeight);
    let mut changed = service(WEB, &[A, B]);
    changed.real_servers[0].weight = weight(4);
    assert_eq!(rig.reload(&[changed]), Ok(()));
    let told = rig.facts(EventKind::ServerWeight);
    assert!(told.iter().all(|fact| fact.ends_with(">4 (reload)")) && told.len() == 1, "{told:?}");
}

#[test]
fn what_a_reload_would_do_to_the_table_is_foreseen_and_not_done() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.pass(S);
    rig.ops();
    let mut changed = service(WEB, &[A, C]);
    changed.real_servers[0].weight = weight(4);
    let Input::Reload(configuration) = reload(&[changed]) else { unreachable!() };
    let foresight = rig.balance.foresee(rig.now, configuration.clone());
    assert_eq!((foresight.ended.len(), foresight.is_felt), (0, false), "half of it goes, and nobody is connected");
    let foreseen = foresight.ipvsadm;
    let web = "-t 10.0.0.1:80 -r";
    let wanted = [
        format!("ipvsadm -a {web} {C} -g -w 1"),
        format!("ipvsadm -e {web} {A} -g -w 4"),
        format!("ipvsadm -d {web} {B}"),
    ];
    assert_eq!((foreseen.len(), foreseen.iter().collect::<BTreeSet<_>>()), (3, wanted.iter().collect()));
    assert_eq!((rig.ops(), rig.table(WEB).as_str()), (Vec::new(), "10.0.0.71:80 w1, 10.0.0.72:80 w1"));
}

#[test]
fn a_reload_foretells_what_goes_with_its_connections_and_what_operators_wanted_of_it() {
    let mut rig = Rig::started(&[service(WEB, &[A, B]), service(TLS, &["10.0.0.71:443"])]);
    rig.pass(S);
    rig.ask(add(C));
    rig.ask(drain(B));
    rig.ask(set_weight(A, 6));
    rig.edit(|table| {
        let service = table.services.get_mut(&key(WEB)).unwrap();
        service.destinations.get_mut(&rs(A)).unwrap().active = 5;
        service.destinations.get_mut(&rs(C)).unwrap().active = 2;
    });
    rig.pass(10 * S);
    let foresee = |rig: &Rig, servers: &[VirtualServer]| {
        let Input::Reload(configuration) = reload(servers) else { unreachable!() };
        rig.balance.foresee(rig.now, configuration)
    };
    let gone = foresee(&rig, &[service(TLS, &["10.0.0.71:443"])]);
    let told: Vec<_> = gone.leaving.iter().map(|one| (one.what.as_str(), one.active)).collect();
    assert_eq!((told, gone.is_felt), (vec![("tcp/10.0.0.1:80 with 3 real servers", 7)], true));
    let ended = [format!("{WEB} {A} (weight 6)"), format!("{WEB} {B} (draining)"), format!("{WEB} {C} (added)")];
    assert_eq!(gone.ended.iter().collect::<BTreeSet<_>>(), ended.iter().collect());
    let one = foresee(&rig, &[service(WEB, &[B]), service(TLS, &["10.0.0.71:443"])]);
    let told: Vec<_> = one.leaving.iter().map(|one| (one.what.as_str(), one.active)).collect();
    assert_eq!((told, one.is_felt), (vec![("10.0.0.71:80 of tcp/10.0.0.1:80", 5)], true));
    let same = foresee(&rig, &[service(WEB, &[A, B]), service(TLS, &["10.0.0.71:443"])]);
    assert_eq!((same.leaving.len(), same.ended.len(), same.is_felt), (0, 0, false));
}

/// What a reload would do to what operators set, then what it told when it did.
fn meets(rig: &mut Rig, servers: &[VirtualServer]) -> (Vec<String>, usize, Vec<String>) {
    let Input::Reload(configuration) = reload(servers) else { unreachable!() };
    let foresight = rig.balance.foresee(rig.now, configuration);
    let line = |what: &str, was: &str, is: &str| format!("{what}: {was} -> {is}");
    let foreseen: Vec<String> = foresight.overtaken.iter().map(|one| line(&one.what, &one.was, &one.is)).collect();
    rig.facts(EventKind::Override);
    assert_eq!(rig.reload(servers), Ok(()));
    (foreseen, foresight.there, rig.facts(EventKind::Override))
}

#[test]
fn what_operators_set_and_the_file_meets_is_foretold_and_told() {
    let added =
        |number| Command::AddServer { service: web(), server: rs(C), weight: Some(weight(number)), forward: None };
    let with = |a: u32, c: Option<u32>| {
        let mut file = service(WEB, &[A, B, C]);
        file.real_servers[0].weight = weight(a);
        match c {
            Some(number) => file.real_servers[2].weight = weight(number),
            None => file.real_servers.truncate(2),
        }
        [file]
    };
    let mut rig = Rig::started(&with(1, None));
    rig.ask(added(5));
    rig.pass(S);
    let (foreseen, there, told) = meets(&mut rig, &with(1, Some(1)));
    assert_eq!(foreseen, [format!("{WEB} {C}: added, dr weight 5 -> dr weight 1, as the file says")]);
    assert_eq!((there, told.len()), (1, 1), "{told:?}");
    assert!(rig.table(WEB).contains("10.0.0.73:80 w1"));
    assert!(meets(&mut rig, &with(1, Some(1))).0.is_empty(), "once");

    rig.ask(set_weight(A, 7));
    let (foreseen, there, told) = meets(&mut rig, &with(3, Some(1)));
    let stays =
        format!("{WEB} {A}: dr weight 7 by an operator in place of 1 -> dr weight 7 by an operator in place of 3");
    assert_eq!((foreseen, there, told.len()), (vec![stays], 0, 1));
    let (foreseen, ..) = meets(&mut rig, &with(7, Some(1)));
    let ends = format!("{WEB} {A}: dr weight 7 by an operator in place of 3 -> dr weight 7, as the file says");
    assert_eq!(foreseen, [ends]);

    rig.ask(drain(B));
    rig.ask(remove(C));
    let (foreseen, ..) = meets(&mut rig, &with(7, Some(9)));
    assert_eq!(foreseen, [format!("{WEB} {C}: removed -> removed until add-server, whatever the file says")]);
}

#[test]
fn an_added_service_that_the_file_has_by_now_is_the_files() {
    let mut rig = Rig::started(&[service(TLS, &["10.0.0.71:443"])]);
    let (scheduler, persistence) = (Some(Scheduler::Wlc), None);
    rig.ask(Command::AddService { service: key(WEB), scheduler, forward: None, persistence });
    rig.ask(add(A));
    rig.pass(S);
    let mut file = service(WEB, &[A]);
    file.scheduler = Scheduler::Sh;
    let (foreseen, there, told) = meets(&mut rig, &[service(TLS, &["10.0.0.71:443"]), file]);
    assert_eq!(foreseen[0], format!("{WEB}: added, wlc -> sh, as the file says"));
    assert!(foreseen[1].starts_with(&format!("{WEB} {A}: added, ")), "{foreseen:?}");
    assert_eq!((there, told.len()), (2, 2));
}

#[test]
fn what_goes_on_unchanged_keeps_its_checks_its_probe_and_its_counts() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    for second in 1..=9_u64 {
        rig.edit(|table| {
            let service = table.services.get_mut(&key(WEB)).unwrap();
            let a = service.destinations.get_mut(&rs(A)).unwrap();
            a.traffic = Traffic { connections: second * 20, ..Traffic::default() }.into();
            a.active = 5;
        });
        rig.pass(S);
    }
    rig.now += S;
    let out = actions(&mut rig, Input::Timeout);
    let probes: Vec<CheckId> =
        out.iter().filter_map(|a| if let Action::Probe { check, .. } = a { Some(*check) } else { None }).collect();
    assert_eq!(probes.len(), 2, "both are out");
    let before = rig.server(0, A);
    let mut changed = service(WEB, &[A, B, C]);
    changed.scheduler = Scheduler::Wlc;
    let after = actions(&mut rig, reload(&[changed]));
    assert!(!after.iter().any(|action| matches!(action, Action::CancelProbe { .. })), "{after:?}");
    assert_eq!(rig.server(0, A), before);
    assert!(before.rates.connections_per_s > 0.0 && before.counters.connections == 180);
    let failed = Input::Verdict { check: probes[0], verdict: Verdict::Failed("connection refused".to_owned()) };
    actions(&mut rig, failed);
    assert_eq!(rig.server(0, A).checks[0].failures, (1, 2), "the probe that was out counts");
}

#[test]
fn changed_words_are_edited_in_place_and_nothing_is_removed() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.edit(|table| {
        table.services.get_mut(&key(WEB)).unwrap().destinations.get_mut(&rs(A)).unwrap().active = 7;
    });
    rig.ops();
    let mut changed = service(WEB, &[A, B]);
    changed.scheduler = Scheduler::Wrr;
    changed.persistence = Some(Persistence { timeout: 300, prefix: 24 });
    changed.real_servers[0].weight = weight(5);
    changed.real_servers[0].upper_threshold = 100;
    changed.real_servers[1].forwarding = Forwarding::Nat;
    assert_eq!(rig.reload(&[changed]), Ok(()));
    assert_eq!(
        rig.ops(),
        [
            "change service tcp/10.0.0.1:80",
            "change real server 10.0.0.71:80 of tcp/10.0.0.1:80",
            "change real server 10.0.0.72:80 of tcp/10.0.0.1:80",
        ]
    );
    let found = rig.edit(|table| table.services[&key(WEB)].clone());
    assert_eq!((found.scheduler.as_str(), found.persistence.unwrap().prefix), ("wrr", 24));
    let a: &Destination = &found.destinations[&rs(A)];
    assert_eq!((a.weight, a.upper_threshold, a.active), (weight(5), 100, 7));
    assert_eq!(found.destinations[&rs(B)].forwarding, Forwarding::Nat);
    rig.pass(3 * S);
    assert_eq!((rig.facts(EventKind::Drift).len(), rig.balance.drift().len()), (0, 0), "a reload is no drift");
}

#[test]
fn a_check_whose_words_changed_starts_anew_and_the_server_stays_where_it_was() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.kill(A);
    rig.pass(14 * S);
    rig.ops();
    rig.facts.clear();
    let since = rig.server(0, A).health_since;
    let changed = every(every(service(WEB, &[A, B]), 0, 20), 1, 20);
    let out = actions(&mut rig, reload(&[changed]));
    let probes: Vec<&Action> = out.iter().filter(|action| matches!(action, Action::Probe { .. })).collect();
    assert_eq!((probes.len(), out.len()), (2, 3), "both run anew, and nothing else: {out:?}");
    assert_eq!((rig.server(0, A).health, rig.server(0, B).health), (Health::Down, Health::Up));
    assert_eq!((rig.server(0, A).health_since, rig.server(0, A).checks[0].ok), (since, Some(false)));
    assert_eq!(rig.ops(), Vec::<String>::new());
    // The new check says itself what it finds: one failure keeps A out, one success brings it back; B has its retries.
    let ids: Vec<CheckId> =
        out.iter().filter_map(|a| if let Action::Probe { check, .. } = a { Some(*check) } else { None }).collect();
    rig.give(Input::Verdict { check: ids[0], verdict: Verdict::Passed(Duration::from_millis(1)) });
    rig.give(Input::Verdict { check: ids[1], verdict: Verdict::Failed("timeout".to_owned()) });
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    rig.pass(S);
    assert_eq!(rig.server(0, B).health, Health::Up, "its retry passes");
}

#[test]
fn a_check_that_is_gone_takes_its_verdict_and_its_probe_along() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.kill(A);
    rig.pass(11 * S);
    rig.now += 9 * S;
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
    let out = actions(&mut rig, Input::Timeout);
    assert!(out.iter().any(|action| matches!(action, Action::Probe { .. })), "{out:?}");
    let mut unchecked = service(WEB, &[A, B]);
    unchecked.real_servers.iter_mut().for_each(|server| server.checks.clear());
    let out = actions(&mut rig, reload(&[unchecked]));
    assert_eq!(out.iter().filter(|action| matches!(action, Action::CancelProbe { .. })).count(), 1, "{out:?}");
    assert_eq!(rig.server(0, A).health, Health::Up, "nothing says that it is down any more");
}

#[test]
fn servers_and_services_come_and_go_and_the_order_is_the_files() {
    let mut rig = Rig::started(&[service(WEB, &[A, B]), service(TLS, &["10.0.0.71:443"])]);
    rig.ops();
    let dns = "udp/10.0.0.1:53";
    assert_eq!(rig.reload(&[service(dns, &["10.0.0.71:53"]), service(WEB, &[C, A])]), Ok(()));
    assert_eq!(
        rig.ops(),
        [
            "add real server 10.0.0.73:80 to tcp/10.0.0.1:80",
            "add service udp/10.0.0.1:53",
            "add real server 10.0.0.71:53 to udp/10.0.0.1:53",
            "remove real server 10.0.0.72:80 of tcp/10.0.0.1:80",
            "remove service tcp/10.0.0.1:443",
        ]
    );
    assert_eq!(order(&rig), ["udp/10.0.0.1:53: 10.0.0.71:53", "tcp/10.0.0.1:80: 10.0.0.73:80 10.0.0.71:80"]);
    let remembered: Vec<(String, usize)> =
        rig.remembered.iter().map(|owned| (owned.key.to_string(), owned.servers.len())).collect();
    assert_eq!(remembered, [(WEB.to_owned(), 2), (dns.to_owned(), 1)]);
    let probes = rig.probes;
    rig.pass(10 * S);
    assert_eq!(rig.probes, probes + 3, "exactly the servers of the file are checked");
    assert_eq!(rig.reload(&[]), Ok(()));
    assert!(rig.edit(|table| table.services.is_empty()));
    assert_eq!(rig.remembered, []);
    rig.pass(60 * S);
    assert_eq!(rig.probes, probes + 3);
}

#[test]
fn a_new_server_starts_as_at_the_start_alpha_included() {
    let mut cautious = service(WEB, &[A]);
    let mut rig = Rig::started(&[with_alpha(cautious.clone())]);
    let mut slow = server(B);
    let tcp = Arc::make_mut(&mut slow.checks[0]);
    tcp.timing.warmup = 60 * S;
    cautious.real_servers.push(slow.clone());
    let mut plain = service(TLS, &[]);
    plain.real_servers.push(slow);
    assert_eq!(rig.reload(&[with_alpha(cautious), plain]), Ok(()));
    assert_eq!((rig.table(WEB).as_str(), rig.table(TLS).as_str()), ("10.0.0.71:80 w1", "10.0.0.72:80 w1"));
    rig.pass(60 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
}

#[test]
fn alpha_that_comes_or_goes_moves_nobody_who_waits_for_a_verdict() {
    for comes in [false, true] {
        let mut web = service(WEB, &[A]);
        let tcp = Arc::make_mut(&mut web.real_servers[0].checks[0]);
        tcp.timing.warmup = 60 * S;
        let (old, new) = if comes { (web.clone(), with_alpha(web)) } else { (with_alpha(web.clone()), web) };
        let mut rig = Rig::started(&[old]);
        let before = rig.table(WEB);
        assert_eq!(rig.reload(&[new]), Ok(()));
        assert_eq!(rig.table(WEB), before);
    }
}

#[test]
fn another_quorum_or_sorry_server_counts_at_once() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    let mut changed = service(WEB, &[A, B]);
    changed.quorum = Quorum { need: 3, hysteresis: 0 };
    changed.sorry_server = Some(SorryServer::new(rs("10.0.0.99:80")));
    assert_eq!(rig.reload(&[changed.clone()]), Ok(()));
    assert_eq!(rig.table(WEB), "10.0.0.99:80 w1");
    assert_eq!(rig.facts(EventKind::Quorum), ["tcp/10.0.0.1:80: up>down (weight 2 is up, 3 is needed)"]);
    let displaced = [A, B]
        .map(|server| format!("{WEB} {server}: present>absent (no quorum: the sorry server 10.0.0.99:80 serves)"));
    assert!(rig.facts(EventKind::ServerTable).ends_with(&displaced), "why they left");
    changed.sorry_server = Some(SorryServer::new(rs("10.0.0.98:80")));
    assert_eq!(rig.reload(&[changed.clone()]), Ok(()));
    assert_eq!(rig.table(WEB), "10.0.0.98:80 w1");
    changed.quorum.need = 1;
    assert_eq!(rig.reload(&[changed]), Ok(()));
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    rig.give(Input::Shutdown { keep: false });
    assert_eq!((rig.table(WEB).as_str(), rig.remembered.len()), ("none", 0));
}

#[test]
fn overrides_survive_while_their_object_is_in_the_file() {
    let files = [service(WEB, &[A, B]), service(TLS, &["10.0.0.71:443"])];
    let mut rig = Rig::started(&files);
    for command in [
        set_weight(A, 5),
        drain(A),
        remove(B),
        add(C),
        Command::RemoveService { service: ServiceSelector(TLS.to_owned()) },
        Command::AddService { service: key("udp/10.0.0.1:53"), scheduler: None, forward: None, persistence: None },
    ] {
        assert_eq!(rig.ask(command.clone()).outcome, Outcome::Done, "{command:?}");
    }
    let wanted = "10.0.0.71:80 w0, 10.0.0.73:80 w1";
    assert_eq!(rig.table(WEB), wanted);
    rig.facts.clear();
    assert_eq!(actions(&mut rig, reload(&files)), [Action::Reloaded(Ok(String::new()))]);
    let mut changed = files.clone();
    changed[0].scheduler = Scheduler::Wlc;
    changed[0].real_servers[0].weight = weight(9);
    changed[0].real_servers[1].weight = weight(9);
    changed[1].scheduler = Scheduler::Wlc;
    assert_eq!(rig.reload(&changed), Ok(()));
    assert_eq!(
        (rig.table(WEB).as_str(), rig.table(TLS).as_str(), rig.table("udp/10.0.0.1:53").as_str()),
        (wanted, "none", "")
    );
    assert_eq!((rig.server(0, A).weight, rig.server(0, A).configured_weight), (0, 9));
    assert_eq!(rig.server(0, A).admin, Admin::Draining);
    let why = "the file has other words for what an operator set";
    let (draining, by) = ("draining, dr weight 5", "by an operator in place of");
    assert_eq!(rig.facts(EventKind::ServerAdmin), [""; 0], "each goes on to be wanted as it was");
    assert_eq!(
        rig.facts(EventKind::Override),
        [
            format!("{TLS}: removed>removed until add-service, whatever the file says ({why})"),
            format!("{WEB} {A}: {draining} {by} 1>{draining} {by} 9 ({why})"),
            format!("{WEB} {B}: removed>removed until add-server, whatever the file says ({why})"),
        ]
    );
    for command in [Command::Restore { server: A.parse().unwrap(), service: None }, add(B)] {
        assert_eq!(rig.ask(command).outcome, Outcome::Done);
    }
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w5, 10.0.0.72:80 w9, 10.0.0.73:80 w1", "the file's new words count");
}

#[test]
fn a_file_that_says_nothing_new_of_what_is_out_meets_nothing() {
    let mut files = [service(WEB, &[A, B]), service(TLS, &["10.0.0.71:443"])];
    let without = || Command::RemoveService { service: ServiceSelector(WEB.to_owned()) };
    for commands in [vec![remove(A)], vec![without()], vec![remove(A), without()], vec![add(C), remove(B), without()]] {
        let mut rig = Rig::started(&files);
        for command in &commands {
            assert_eq!(rig.ask(command.clone()).outcome, Outcome::Done, "{command:?}");
        }
        let nothing = (Vec::new(), 0, Vec::new());
        assert_eq!(meets(&mut rig, &files), nothing, "{commands:?}");
        let mut rig = rig.restarted(S, &files);
        assert_eq!(meets(&mut rig, &files), nothing, "{commands:?} and a restart");
        files[0].quorum.need += 1;
        files[0].real_servers[0].weight = weight(files[0].quorum.need);
        assert_ne!(meets(&mut rig, &files), nothing, "{commands:?} and other words");
        assert_eq!(meets(&mut rig, &files), nothing, "{commands:?} and the same once more");
    }
}

#[test]
fn an_override_ends_with_its_object_and_that_is_told() {
    let mut rig = Rig::started(&[service(WEB, &[A, B]), service(TLS, &["10.0.0.71:443"])]);
    for command in
        [drain(A), set_weight(A, 5), remove(B), Command::RemoveService { service: ServiceSelector(TLS.to_owned()) }]
    {
        assert_eq!(rig.ask(command.clone()).outcome, Outcome::Done, "{command:?}");
    }
    rig.facts.clear();
    assert_eq!(rig.reload(&[service(WEB, &[C])]), Ok(()));
    let why = "its object left the file, and the operator's override ends with it";
    assert_eq!(
        rig.facts(EventKind::ServerAdmin),
        [
            format!("tcp/10.0.0.1:443: removed>ended ({why})"),
            format!("tcp/10.0.0.1:80 10.0.0.72:80: removed>ended ({why})"),
            format!("tcp/10.0.0.1:80 10.0.0.71:80: draining, weight 5>ended ({why})"),
        ]
    );
    assert_eq!(rig.balance.warnings(), []);
    assert_eq!(rig.reload(&[service(WEB, &[A, B, C])]), Ok(()));
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1, 10.0.0.73:80 w1", "and does not come back");
    rig.ask(add("10.0.0.74:80"));
    rig.facts.clear();
    assert_eq!(rig.reload(&[]), Ok(()));
    assert_eq!(
        rig.facts(EventKind::ServerAdmin),
        [format!("tcp/10.0.0.1:80 10.0.0.74:80: added>ended ({why})")],
        "an added server goes with its service"
    );
}

#[test]
fn what_an_operator_added_becomes_the_files_when_it_is_written_there() {
    let dns = "udp/10.0.0.1:53";
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    rig.ask(add(B));
    rig.ask(Command::AddService {
        service: key(dns),
        scheduler: Some(Scheduler::Rr),
        forward: Some(Forwarding::Dr),
        persistence: None,
    });
    assert_eq!(rig.balance.warnings()[0].code, "service-not-in-file");
    rig.ops();
    assert_eq!(rig.reload(&[service(dns, &["10.0.0.71:53"]), service(WEB, &[A, B])]), Ok(()));
    assert_eq!(rig.ops(), ["add real server 10.0.0.71:53 to udp/10.0.0.1:53"]);
    assert_eq!((rig.server(1, B).added, rig.server(1, B).checks.len()), (false, 1));
    assert_eq!(rig.balance.warnings(), []);
    assert_eq!(rig.reload(&[service(WEB, &[A])]), Ok(()));
    assert_eq!((rig.table(WEB).as_str(), rig.table(dns).as_str()), ("10.0.0.71:80 w1", "none"));
}

#[test]
fn a_reload_before_the_kernel_was_seen_is_answered_when_it_was() {
    let mut rig = Rig::new(&[service(WEB, &[A])]);
    assert_eq!(actions(&mut rig, reload(&[service(WEB, &[B])])), []);
    assert_eq!(actions(&mut rig, Input::Start)[0], Action::Observe);
    let early = actions(&mut rig, reload(&[service(WEB, &[C])]));
    assert!(!early.iter().any(|action| matches!(action, Action::Reloaded(_))), "{early:?}");
    rig.give(Input::Observed(Ok(Box::default())));
    assert_eq!(rig.reloads, [Ok(()), Ok(())], "each is told");
    assert_eq!(rig.table(WEB), "10.0.0.73:80 w1");
}

#[test]
fn a_reload_while_a_plan_is_out_and_commands_wait_goes_into_the_next() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    let asked = lvsdeck::engine::command::Asked {
        id: 9,
        command: drain(A),
        dry_run: false,
        token: None,
        force: false,
        who: lvsdeck::engine::command::Who::default(),
        reason: None,
        undoes: None,
    };
    let out = actions(&mut rig, Input::Command(Box::new(asked)));
    let Some(Action::Apply(ops)) = out.into_iter().rfind(|action| matches!(action, Action::Apply(_))) else { panic!() };
    let [op] = <[_; 1]>::try_from(ops).unwrap();
    assert_eq!(
        actions(&mut rig, reload(&[service(WEB, &[B, C])])).len(),
        4,
        "A is told to be gone, an override ended and is given out, C is probed"
    );
    assert_eq!(
        actions(&mut rig, reload(&[service(WEB, &[A, C])])).iter().filter(|a| matches!(a, Action::Apply(_))).count(),
        0
    );
    let result = lvsdeck::engine::io::ipvs_netlink::IpvsKernel::apply(&mut rig.kernel.clone(), &op);
    rig.give(Input::Applied { op: Box::new(op), result });
    assert_eq!((rig.answers.len(), rig.answers[0].outcome), (1, Outcome::Done));
    assert_eq!(rig.reloads, [Ok(()), Ok(())]);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.73:80 w1", "A is a new server, without the drain");
    rig.pass(2 * S);
    assert_eq!((rig.balance.drift().len(), rig.facts(EventKind::Drift).len()), (0, 0));
}

#[test]
fn what_the_kernel_refuses_is_told_and_tried_again_by_the_next_reload() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    let quiet = rig.edit(|table| table.services[&key(WEB)].destinations[&rs(A)].clone());
    let op = IpvsOp::NewDestination(key(WEB), rs(B), quiet);
    rig.kernel.refuse(op, Refusal { kind: RefusalKind::Other, message: "can't do it: busy".to_owned() });
    let wanted = [service(WEB, &[A, B])];
    let told = Err("the kernel refused, tried again every 30 s: can't do it: busy".to_owned());
    assert_eq!(rig.reload(&wanted), told);
    assert_eq!(rig.reload(&wanted), Ok(()), "it was refused before, in the same words");
    assert_eq!(rig.status()[0].quorum.have, 1, "who is not in the table does not count");
    let mut other = wanted.clone();
    other[0].real_servers[0].weight = weight(3);
    assert_eq!(rig.reload(&other), Ok(()), "what stays as it was stands in no reload's way");
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w3");
    rig.kernel.relent();
    assert_eq!(rig.reload(&wanted), Ok(()));
    assert_eq!((rig.table(WEB).as_str(), rig.status()[0].quorum.have), ("10.0.0.71:80 w1, 10.0.0.72:80 w1", 2));
}

#[test]
fn a_reload_that_meets_a_stranger_is_answered_after_the_second_try() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    let strange = rig.edit(|table| table.services[&key(WEB)].destinations[&rs(A)].clone());
    rig.edit(|table| table.services.get_mut(&key(WEB)).unwrap().destinations.insert(rs(B), strange));
    assert_eq!(rig.reload(&[service(WEB, &[A, B])]), Ok(()), "the kernel had it a moment ago");
    assert_eq!(rig.facts(EventKind::OperationRefused), Vec::<String>::new());
}

#[test]
fn a_reload_without_a_kernel_is_noted_and_fails_for_now() {
    let mut rig = Rig::new(&[service(WEB, &[A])]);
    rig.kernel.refuse_everything(Refusal::general(RefusalKind::NoIpvs, "read the kernel's IPVS table"));
    rig.give(Input::Start);
    let told = rig.reload(&[service(WEB, &[B])]).unwrap_err();
    assert!(told.starts_with("noted, but not done yet") && told.contains("modprobe ip_vs"), "{told}");
    rig.kernel.relent();
    rig.pass(5 * S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
}

#[test]
fn a_reload_at_the_end_is_answered_too() {
    let mut rig = Rig::new(&[service(WEB, &[A])]);
    assert_eq!(actions(&mut rig, reload(&[service(WEB, &[B])])), []);
    rig.give(Input::Shutdown { keep: false });
    assert!(rig.reloads[0].as_ref().is_err_and(|why| why.contains("the engine stops")), "{:?}", rig.reloads);
    assert_eq!(rig.reload(&[]), Err("the engine stops".to_owned()));
}

#[test]
fn a_service_that_somebody_else_made_is_taken_over_when_the_file_names_it() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    let mut strange = rig.edit(|table| table.services[&key(WEB)].clone());
    let entry = strange.destinations.remove(&rs(A)).unwrap();
    strange.destinations.insert(rs(B), entry);
    rig.edit(|table| table.services.insert(key(TLS), strange));
    rig.pass(S);
    rig.kill(C);
    rig.ops();
    assert_eq!(rig.reload(&[service(WEB, &[A]), service(TLS, &[B, C])]), Ok(()));
    assert_eq!(rig.ops(), Vec::<String>::new(), "C was not there, and stays out until its check passes");
    assert_eq!(
        rig.facts(EventKind::ServiceTable)[1..],
        ["tcp/10.0.0.1:443: >present (adopted: the kernel had it already and the configuration names it)"]
    );
}

#[test]
fn what_can_t_be_run_is_objected_to() {
    let of =
        |servers: &[VirtualServer]| Configuration { virtual_servers: servers.to_vec(), ..Configuration::default() };
    assert_eq!(objection(&of(&[service(WEB, &[A])])), None);
    assert!(objection(&of(&[service(WEB, &[A]), service(WEB, &[B])])).unwrap().contains("twice"));
    assert!(objection(&of(&[service(WEB, &[A, A])])).unwrap().contains("twice"));
}

#[test]
fn such_a_take_over_is_told_as_well_when_the_kernel_was_not_seen_yet() {
    let kernel = Rig::started(&[service(TLS, &[B])]).kernel;
    kernel.take_history();
    let mut rig = Rig::on(kernel, &[], Vec::new());
    assert_eq!(actions(&mut rig, reload(&[service(TLS, &[B])])), []);
    rig.give(Input::Start);
    assert_eq!((rig.ops().len(), rig.facts(EventKind::ServiceTable).len()), (0, 1));
    assert_eq!(rig.reloads, [Ok(())]);
}

/// A thousand services with ten servers each.
pub fn large() -> Vec<VirtualServer> {
    let one = |n: usize| {
        let servers: Vec<String> = (1..=10).map(|s| format!("10.{}.{}.{s}:80", n / 250 + 1, n % 250)).collect();
        let mut one = service(&format!("tcp/10.0.{}.{}:80", n / 250, n % 250), &[]);
        one.real_servers = servers.iter().map(|text| server(text)).collect();
        one
    };
    (0..1_000).map(one).collect()
}

#[test]
fn ten_thousand_probes_that_are_out_are_forgotten() {
    let mut rig = Rig::new(&large());
    let table = Ok(Box::default());
    let mut count = |inputs: Vec<Input>, wanted: fn(&Action) -> bool| {
        for input in inputs {
            rig.balance.handle(rig.now, input);
        }
        std::iter::from_fn(|| rig.balance.poll_action()).filter(wanted).count()
    };
    let probed = count(vec![Input::Start, Input::Observed(table)], |action| matches!(action, Action::Probe { .. }));
    let cancelled = count(vec![reload(&[])], |action| matches!(action, Action::CancelProbe { .. }));
    assert_eq!((probed, cancelled), (10_000, 10_000));
}

#[test]
fn of_a_large_configuration_only_what_changed_is_asked_of_the_kernel() {
    let mut servers = large();
    let mut rig = Rig::started(&servers);
    rig.ops();
    let same = reload(&servers);
    assert_eq!(actions(&mut rig, same), [Action::Reloaded(Ok(String::new()))]);
    assert_eq!(rig.ops(), [""; 0]);
    for service in servers.iter_mut().take(100) {
        service.real_servers[0].weight = weight(7);
    }
    rig.reload(&servers).unwrap();
    assert_eq!(rig.ops().len(), 100);
}

#[test]
fn flags_of_a_scheduler_are_set_kept_and_changed_in_place() {
    let hashed = |flags| VirtualServer { scheduler: Scheduler::Mh, scheduler_flags: flags, ..service(WEB, &[A, B]) };
    let mut rig = Rig::started(&[hashed(0x18)]);
    let flags = |rig: &Rig| rig.edit(|table| table.services[&key(WEB)].scheduler_flags);
    rig.pass(2 * S);
    assert_eq!(flags(&rig), 0x18);
    rig.kernel.take_history();
    rig.pass(60 * S);
    assert_eq!((rig.ops(), rig.balance.drift().len()), (vec![], 0), "what the kernel says of them is no drift");
    rig.reload(&[hashed(0x18)]).unwrap();
    assert_eq!(rig.ops(), [""; 0]);
    rig.reload(&[hashed(0x10)]).unwrap();
    assert_eq!(flags(&rig), 0x10);
    assert_eq!(rig.ops().len(), 1, "one operation, on the service alone");
    rig.edit(|table| table.services.get_mut(&key(WEB)).unwrap().scheduler_flags = 0);
    rig.pass(5 * S);
    assert_eq!(flags(&rig), 0x10, "somebody else's change is brought back");
}

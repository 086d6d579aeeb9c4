//! The start on a table that is there already, and the end that leaves one.

use crate::rig::{A, B, Rig, S, WEB, key, rs, service, with_alpha};
use lvsdeck::engine::balance::{Action, Input, OwnedService};
use lvsdeck::engine::event::EventKind;
use lvsdeck::engine::io::simulated::SimulatedIpvs;
use lvsdeck::engine::ipvs::{Refusal, RefusalKind};
use lvsdeck::engine::model::{Quorum, SorryServer, VirtualServer};
use lvsdeck::engine::snapshot::Health;
use std::sync::Arc;

/// The same services, first checked after up to a minute.
fn patient(servers: &[VirtualServer]) -> Vec<VirtualServer> {
    let mut servers = servers.to_vec();
    for check in servers.iter_mut().flat_map(|s| &mut s.real_servers).flat_map(|r| &mut r.checks) {
        let tcp = Arc::make_mut(check);
        tcp.timing.warmup = 60 * S;
    }
    servers
}

/// An engine that found `dead` dead and was killed: its kernel and what it remembered.
fn killed(servers: &[VirtualServer], dead: &[&str]) -> (SimulatedIpvs, Vec<OwnedService>) {
    let mut rig = Rig::started(servers);
    for server in dead {
        rig.kill(server);
    }
    rig.pass(12 * S);
    rig.kernel.take_history();
    (rig.kernel.clone(), std::mem::take(&mut rig.remembered))
}

fn start(kernel: SimulatedIpvs, servers: &[VirtualServer], owned: Vec<OwnedService>) -> Rig {
    let mut rig = Rig::on(kernel, servers, owned);
    rig.give(Input::Start);
    rig
}

#[test]
fn a_start_on_what_is_right_changes_nothing() {
    let servers = patient(&[service(WEB, &[A, B]), with_alpha(service("tcp/10.0.0.2:80", &[A, B]))]);
    let (kernel, owned) = {
        let mut rig = Rig::started(&servers);
        rig.pass(61 * S);
        rig.kernel.take_history();
        (rig.kernel.clone(), std::mem::take(&mut rig.remembered))
    };
    let mut rig = start(kernel, &servers, owned);
    rig.pass(61 * S);
    assert_eq!(rig.ops(), Vec::<String>::new());
    assert_eq!((rig.facts(EventKind::Drift).len(), rig.facts(EventKind::Quorum).len()), (0, 0));
    assert_eq!(rig.server(1, A).health, Health::Up);
}

#[test]
fn who_was_out_stays_out_until_its_check_passes() {
    let servers = patient(&[service(WEB, &[A, B])]);
    let (kernel, owned) = killed(&[service(WEB, &[A, B])], &[A]);
    let mut rig = start(kernel.clone(), &servers, owned.clone());
    assert_eq!((rig.table(WEB).as_str(), rig.server(0, A).health), ("10.0.0.72:80 w1", Health::Unknown));
    rig.pass(61 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    kernel.edit(|table| table.services.get_mut(&key(WEB)).unwrap().destinations.remove(&rs(A)));
    let mut rig = start(kernel, &servers, owned);
    rig.kill(A);
    rig.ops();
    rig.pass(80 * S);
    assert_eq!((rig.table(WEB).as_str(), rig.server(0, A).health), ("10.0.0.72:80 w1", Health::Down));
    assert_eq!(rig.ops(), Vec::<String>::new(), "a dead server never sees a packet");
}

#[test]
fn who_is_in_the_table_stays_until_its_check_says_otherwise() {
    let web = with_alpha(service(WEB, &[A, B]));
    let (kernel, owned) = killed(std::slice::from_ref(&web), &[]);
    let mut rig = Rig::on(kernel, &patient(&[web]), owned);
    rig.kill(A);
    rig.give(Input::Start);
    assert_eq!(
        (rig.table(WEB).as_str(), rig.server(0, A).health),
        ("10.0.0.71:80 w1, 10.0.0.72:80 w1", Health::Unknown)
    );
    rig.pass(62 * S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
}

#[test]
fn weight_zero_by_inhibit_was_down() {
    let mut web = service(WEB, &[A, B]);
    web.real_servers[0].inhibit_on_failure = true;
    let (kernel, owned) = killed(std::slice::from_ref(&web), &[A]);
    let mut rig = start(kernel, &patient(&[web]), owned);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1");
    rig.pass(61 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
}

#[test]
fn a_sorry_server_goes_on_until_the_quorum_is_back() {
    let mut web = service(WEB, &[A, B]);
    web.quorum = Quorum { need: 2, hysteresis: 0 };
    web.sorry_server = Some(SorryServer::new(rs("10.0.0.99:80")));
    let (kernel, owned) = killed(std::slice::from_ref(&web), &[A]);
    let mut rig = start(kernel, &patient(&[web]), owned);
    assert_eq!((rig.table(WEB).as_str(), rig.ops().len()), ("10.0.0.99:80 w1", 0));
    assert!(rig.status()[0].sorry_server_active);
    rig.pass(61 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
}

#[test]
fn a_service_that_the_kernel_lost_begins_as_the_file_says() {
    let (kernel, owned) = killed(&[service(WEB, &[A, B])], &[A]);
    kernel.edit(|table| table.services.clear());
    let rig = start(kernel, &patient(&[service(WEB, &[A, B])]), owned);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
}

#[test]
fn a_server_that_nobody_checks_is_put_in_at_once() {
    let (kernel, owned) = killed(&[service(WEB, &[A, B])], &[A]);
    let mut web = service(WEB, &[A, B]);
    web.real_servers[0].checks.clear();
    let rig = start(kernel, &[web], owned);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
}

#[test]
fn what_another_program_left_is_gone_on_with_and_its_dead_stay_dead() {
    // As after keepalived was ended with its table left in place: what the kernel has is handed in as owned.
    let (kernel, _) = killed(&[service(WEB, &[A, B]), service("tcp/10.0.0.9:80", &[A])], &[A]);
    kernel.edit(|table| table.services.get_mut(&key(WEB)).unwrap().destinations.get_mut(&rs(B)).unwrap().active = 9);
    let owned = kernel.edit(|table| {
        let own = |(key, service): (&_, &lvsdeck::engine::ipvs::Service)| OwnedService {
            key: *key,
            servers: service.destinations.keys().copied().collect(),
        };
        table.services.iter().map(own).collect::<Vec<_>>()
    });
    let rig = start(kernel, &patient(&[service(WEB, &[A, B])]), owned);
    assert_eq!(rig.ops(), ["remove service tcp/10.0.0.9:80"], "what the file does not have goes");
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
    assert_eq!(rig.server(0, B).active, 9);
}

#[test]
fn a_verdict_before_the_first_look_counts() {
    let (kernel, owned) = killed(&[service(WEB, &[A, B])], &[A]);
    let mut rig = Rig::on(kernel.clone(), &[service(WEB, &[A, B])], owned);
    kernel.refuse_everything(Refusal::general(RefusalKind::TimedOut, "read the kernel's IPVS table"));
    rig.give(Input::Start);
    assert_eq!(rig.server(0, A).health, Health::Up);
    kernel.relent();
    rig.pass(5 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
}

#[test]
fn an_end_that_keeps_leaves_the_table_and_the_memory_as_they_are() {
    let servers = [service(WEB, &[A, B])];
    let mut rig = Rig::started(&servers);
    rig.kill(A);
    rig.pass(12 * S);
    let (table, remembered) = (rig.edit(|table| table.clone()), rig.remembered.clone());
    rig.ops();
    rig.facts.clear();
    rig.give(Input::Shutdown { keep: true });
    assert!(rig.balance.is_stopped() && !rig.balance.leaves_behind());
    assert_eq!((rig.ops().len(), rig.edit(|t| t.clone()) == table, &rig.remembered), (0, true, &remembered));
    assert_eq!(rig.facts, []);
    let mut next = start(rig.kernel.clone(), &patient(&servers), rig.remembered.clone());
    assert_eq!((next.ops(), next.table(WEB).as_str()), (vec![], "10.0.0.72:80 w1"));
    next.pass(61 * S);
    assert_eq!(next.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
}

#[test]
fn an_end_that_keeps_waits_for_the_plan_that_is_out_and_answers_everybody() {
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
    rig.give(Input::Shutdown { keep: true });
    assert!(!rig.balance.is_stopped());
    for op in ops {
        rig.give(Input::Applied { op: Box::new(op), result: Ok(()) });
    }
    assert!(rig.balance.is_stopped());
    assert_eq!(rig.remembered, [OwnedService { key: key(WEB), servers: vec![rs(A)] }]);
}

#[test]
fn the_end_of_many_services_is_one_operation_for_each() {
    let servers = crate::reload::large();
    let mut rig = Rig::started(&servers);
    rig.ops();
    let begun = std::time::Instant::now();
    rig.give(Input::Shutdown { keep: false });
    println!("the end of 1,000 × 10 in memory: {:?}", begun.elapsed());
    assert_eq!((rig.ops().len(), rig.remembered.len(), rig.balance.is_stopped()), (1_000, 0, true));
}

#[test]
fn a_start_on_many_services_that_are_right_writes_nothing() {
    let servers = crate::reload::large();
    let (kernel, owned) = killed(&servers, &[]);
    let rig = start(kernel, &servers, owned);
    assert_eq!(rig.ops(), Vec::<String>::new());
}

//! A made-up hour: what the status says of its moments is what happened then.
#![allow(clippy::duration_suboptimal_units)] // moments, not spans

use super::*;
use crate::engine::event::{Fact, Severity};
use crate::engine::snapshot::{ConfigStatus, KernelServer, StateChange};
use std::time::Duration;

const VS: &str = "tcp/10.0.0.1:80";
const RS: &str = "tcp/10.0.0.1:80 10.0.0.71:80";

/// So many seconds after the start.
fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + second)
}

fn server(weight: u32, active: u32) -> RealServerStatus {
    let forward = crate::engine::model::Forwarding::Dr;
    RealServerStatus {
        key: "10.0.0.71:80".parse().unwrap(),
        forward,
        weight,
        configured_weight: 5,
        health: Health::Up,
        health_since: at(300),
        admin: Admin::Enabled,
        added: false,
        overridden: None,
        drain: None,
        slow_start: None,
        suspended: false,
        kernel: Some(KernelServer { weight, forward }),
        kernel_changed: None,
        active,
        inactive: 0,
        persistent: 3,
        checks: Vec::new(),
        counters: Counters { connections: 99, ..Counters::default() }.into(),
        rates: Rates { connections_per_s: f64::from(active) / 2.0, ..Rates::default() }.into(),
    }
}

fn service(server: RealServerStatus) -> Arc<VirtualServerStatus> {
    Arc::new(VirtualServerStatus {
        key: VS.parse().unwrap(),
        name: None,
        scheduler: crate::engine::model::Scheduler::from_name("rr").unwrap(),
        forward: server.forward,
        persistence: None,
        quorum: QuorumStatus { need: 1, have: server.weight, up: true },
        sorry_server_active: false,
        sorry_server: None,
        in_kernel: true,
        counters: *server.counters,
        rates: *server.rates,
        real_servers: vec![server],
    })
}

fn router() -> VirtualRouterStatus {
    let change = |second, state| StateChange { at: at(second), state, reason: format!("since {second}") };
    VirtualRouterStatus {
        name: "VI_1".to_owned(),
        interface: "eth0".to_owned(),
        family: crate::engine::model::Family::Inet,
        vrid: 1,
        version: 2,
        state: VirtualRouterState::Master,
        priority: 100,
        effective_priority: 100,
        priority_set: None,
        priority_by: None,
        advert_interval_ms: 1000,
        preempt: true,
        since: at(250),
        reason: "since 250".to_owned(),
        held: None,
        addresses: vec!["10.0.0.1/24".to_owned()],
        addresses_here: vec!["10.0.0.1/24".to_owned()],
        next: None,
        peers: Vec::new(),
        counters: VrrpCounters { adverts_tx: 9, ..VrrpCounters::default() },
        history: vec![
            change(5, VirtualRouterState::Backup),
            change(8, VirtualRouterState::Master),
            change(200, VirtualRouterState::Backup),
            change(250, VirtualRouterState::Master),
        ],
        detail: crate::engine::snapshot::RouterDetail::default(),
    }
}

fn status() -> Status {
    Status {
        version: 1,
        node: "d1".to_owned(),
        pid: 1,
        mode: "run".to_owned(),
        dataplane: "kernel".to_owned(),
        config: ConfigStatus { file: String::new(), loaded_at: at(0), generation: 1 },
        role: Role::Master,
        last_event: 9,
        changed_at: Some(at(300)),
        virtual_routers: vec![router()],
        virtual_servers: vec![service(server(7, 40))],
        drift: Vec::new(),
        foreign_routers: Vec::new(),
        foreign: Vec::new(),
        ipvs: None,
        warnings: Vec::new(),
    }
}

/// Down from second 100 to 300, mastership lost from 200 to 250, a weight by hand at 350.
fn events() -> Vec<Arc<Event>> {
    let fact = |kind, subject: &str, from: &str, to: &str| Fact::new(kind, Severity::Notice, subject).change(from, to);
    let all = [
        (8, Fact::new(EventKind::Address, Severity::Info, "10.0.0.1/24").to("present")),
        (100, fact(EventKind::ServerHealth, RS, "up", "down").reason("timeout")),
        (100, fact(EventKind::ServerTable, RS, "present", "absent")),
        (100, fact(EventKind::Quorum, VS, "up", "down")),
        (200, Fact::new(EventKind::Address, Severity::Info, "10.0.0.1/24").to("absent")),
        (250, Fact::new(EventKind::Address, Severity::Info, "10.0.0.1/24").to("present")),
        (300, fact(EventKind::ServerHealth, RS, "down", "up")),
        (300, fact(EventKind::ServerTable, RS, "absent", "present")),
        (300, fact(EventKind::Quorum, VS, "down", "up")),
        (350, fact(EventKind::ServerWeight, RS, "5", "7")),
    ];
    let stamp = |(n, (second, fact)): (usize, (u64, Fact))| Event::stamp(fact, n as u64 + 1, at(second), second * 1000);
    all.into_iter().enumerate().map(stamp).map(Arc::new).collect()
}

fn history() -> History {
    let mut history = History::default();
    for second in 10..400 {
        let active = if (100..300).contains(&second) { 0 } else { u32::try_from(second).unwrap_or(0) };
        let services = vec![service(server(5, active))];
        history.sample(second, &[router()], &services);
    }
    history
}

fn then(second: u64) -> Status {
    history().rewind(&status(), &events(), at(second), second)
}

#[test]
fn states_numbers_and_reasons_are_those_of_the_moment() {
    let before = then(50);
    let real = &before.virtual_servers[0].real_servers[0];
    assert_eq!((real.health, real.weight, real.active, real.rates.connections_per_s), (Health::Up, 5, 50, 25.0));
    assert_eq!((before.role, before.virtual_servers[0].quorum.up), (Role::Master, true));

    let down = then(150);
    let real = &down.virtual_servers[0].real_servers[0];
    assert_eq!((real.health, real.health_since, real.kernel, real.active), (Health::Down, at(100), None, 0));
    assert_eq!((down.virtual_servers[0].quorum.up, down.virtual_servers[0].quorum.have), (false, 0));
    assert_eq!((down.changed_at, down.last_event), (Some(at(100)), 4));

    let fresh = then(6);
    assert_eq!(
        (fresh.role, fresh.virtual_routers[0].addresses_here.len()),
        (Role::Backup, 0),
        "not there before it came"
    );

    let lost = then(220);
    assert_eq!((lost.role, lost.virtual_routers[0].state), (Role::Backup, VirtualRouterState::Backup));
    assert_eq!((lost.virtual_routers[0].since, lost.virtual_routers[0].addresses_here.len()), (at(200), 0));
    assert_eq!(lost.virtual_routers[0].reason, "since 200");

    let again = then(320);
    assert_eq!((again.role, again.virtual_routers[0].addresses_here.len()), (Role::Master, 1));
    assert_eq!((again.virtual_servers[0].real_servers[0].weight, again.changed_at), (5, Some(at(300))));
    assert_eq!(then(360).virtual_servers[0].real_servers[0].weight, 7);
}

#[test]
fn what_is_not_remembered_is_not_shown_as_if_it_had_been_so() {
    let moment = then(50);
    assert_eq!(moment.virtual_servers[0].real_servers[0].counters, Counters::default().into());
    assert_eq!(moment.virtual_servers[0].real_servers[0].persistent, 0);
    assert_eq!(
        (moment.virtual_routers[0].counters, moment.virtual_routers[0].next.clone()),
        (VrrpCounters::default(), None)
    );
}

#[test]
fn what_came_later_is_not_there_yet() {
    let mut history = history();
    let late = RealServerStatus { key: "10.0.0.72:80".parse().unwrap(), ..server(5, 1) };
    let mut with_late = VirtualServerStatus::clone(&service(server(7, 40)));
    with_late.real_servers.push(late);
    let with_late = Arc::new(with_late);
    history.sample(400, &[router()], std::slice::from_ref(&with_late));
    let now = Status { virtual_servers: vec![with_late], ..status() };
    let servers = |second| history.rewind(&now, &events(), at(second), second).virtual_servers[0].real_servers.len();
    assert_eq!((servers(50), servers(400)), (1, 2));
}

/// What an event of the instance says, `second` seconds after the start.
fn told(second: u64, kind: EventKind, from: Option<&str>, to: &str, reason: &str, detail: &str) -> Arc<Event> {
    let fact = Fact::new(kind, Severity::Notice, "VI_1").to(to).reason(reason).detail(detail);
    let fact = Fact { from: from.map(str::to_owned), ..fact };
    Arc::new(Event::stamp(fact, 100 + second, at(second), second * 1000))
}

#[test]
fn two_masters_are_those_that_were_told_of_in_the_words_of_the_event_until_they_were_over() {
    let split = |second, to| told(second, EventKind::SplitBrain, None, to, "aa:bb answers ARP", "find aa:bb");
    let events = [split(30, "begun"), split(40, "over"), split(180, "begun")];
    let then = |second| history().rewind(&status(), &events, at(second), second);
    let problems = |second| crate::engine::snapshot::Summary::of(&then(second), at(second), false).problems;
    assert_eq!((then(29).role, then(40).role, then(181).role), (Role::Master, Role::Master, Role::SplitBrain));
    assert_eq!(then(35).role, Role::SplitBrain);
    let problem = problems(35).remove(0);
    assert_eq!(
        (problem.key.as_str(), problem.text.as_str()),
        ("VI_1", "SPLIT-BRAIN VI_1: aa:bb answers ARP: find aa:bb")
    );
    // It was backup from 200 on, and master again at 250: what was told before says nothing of that.
    assert_eq!((then(220).role, then(260).role), (Role::Backup, Role::Master));
    let mut now = status();
    now.virtual_routers[0].detail.split_brain =
        Some(SplitBrainStatus { with: Vec::new(), cause: String::new(), evidence: "now".to_owned() });
    assert_eq!(history().rewind(&now, &[], at(260), 260).virtual_routers[0].detail.split_brain, None, "that is now");
}

#[test]
fn a_hold_of_then_is_shown_and_one_of_now_is_not_shown_before_it_began() {
    let told_hold = |second, from, to| told(second, EventKind::Hold, from, to, "failover by anna", "");
    let events = [
        told_hold(20, None, "ended"),
        told_hold(60, None, "begun"),
        told_hold(70, None, "ended"),
        told_hold(80, Some("priority 100 of the file"), "priority 50"),
        told_hold(90, Some("priority 50"), "priority 100 of the file"),
    ];
    let held = |now: &Status, events: &[Arc<Event>], second| {
        let mut then = history().rewind(now, events, at(second), second).virtual_routers.remove(0);
        (then.held.take(), then.effective_priority)
    };
    let said = |second| held(&status(), &events, second);
    assert_eq!(said(15).0.as_deref(), Some("by an operator"));
    assert_eq!((said(30), said(75)), ((None, 100), (None, 100)));
    assert_eq!((said(65).0.as_deref(), said(85)), (Some("failover by anna"), (Some("priority 50".to_owned()), 50)));
    let mut now = status();
    now.virtual_routers[0].held = Some("failover by anna; ends with rejoin".to_owned());
    assert_eq!(held(&now, &[], 300).0, now.virtual_routers[0].held, "nothing happened since");
    assert_eq!(held(&now, &[told_hold(350, None, "begun")], 300).0, None);
}

/// What the past says of the server at that second: what is wanted, and the weight that an operator gave, with by whom.
fn wanted(now: &Status, events: &[(u64, Fact)], second: u64) -> (Admin, Option<(u32, String)>) {
    let stamp = |(n, (second, fact)): (usize, &(u64, Fact))| {
        Arc::new(Event::stamp(fact.clone(), n as u64 + 1, at(*second), second * 1000))
    };
    let events: Vec<_> = events.iter().enumerate().map(stamp).collect();
    let mut then = history().rewind(now, &events, at(second), second);
    let server = Arc::make_mut(&mut then.virtual_servers[0]).real_servers.remove(0);
    (server.admin, server.overridden.map(|by| (by.weight, by.who)))
}

#[test]
fn only_an_event_that_says_whether_a_server_serves_changes_that_in_the_past() {
    let mut now = status();
    Arc::make_mut(&mut now.virtual_servers[0]).real_servers[0].admin = Admin::Draining;
    let fact = |kind, from: &str, to: &str| Fact::new(kind, Severity::Notice, RS).change(from, to);
    let events = [
        (50, fact(EventKind::ServerAdmin, "enabled", "draining").who("anna")),
        (60, fact(EventKind::Override, "draining, nat weight 5", "draining, nat weight 6")),
        // As journals of before have them.
        (70, fact(EventKind::ServerAdmin, "draining, nat weight 6", "draining, nat weight 7")),
        (80, fact(EventKind::ServerAdmin, "weight 5", "ended")),
        (320, fact(EventKind::ServerAdmin, "draining, weight 5", "ended")),
        (330, fact(EventKind::ServerAdmin, "enabled", "draining")),
    ];
    let admin = |second| wanted(&now, &events, second).0;
    assert_eq!([40, 55, 65, 75, 85, 325, 335].map(admin), {
        let (enabled, draining) = (Admin::Enabled, Admin::Draining);
        [enabled, draining, draining, draining, draining, enabled, draining]
    });
    assert_eq!(wanted(&now, &events, 75).1, Some((5, "anna".to_owned())), "and is an override of the file");
    let only = |event: usize| wanted(&now, std::slice::from_ref(&events[event]), 40).0;
    assert_eq!([1, 2, 3, 4].map(only), [Admin::Draining; 4], "what no event says is as it is now");
}

#[test]
fn a_weight_of_an_operators_is_one_in_the_past_too_and_only_for_as_long() {
    let fact = |from: &str, to: &str| Fact::new(EventKind::Override, Severity::Info, RS).change(from, to);
    let given = "dr weight 55 by an operator in place of 5";
    let events = [(50, fact("dr weight 5", given).who("anna")), (90, fact(given, "dr weight 5"))];
    let by = |events: &[(u64, Fact)], second| wanted(&status(), events, second).1;
    let anna = Some((55, "anna".to_owned()));
    assert_eq!([40, 60, 95].map(|second| by(&events, second)), [None, anna, None]);
    assert_eq!(by(&events[1..], 60), Some((55, "an operator".to_owned())), "before the first event that is known");

    let mut now = status();
    let since = OverrideStatus { since: at(50), who: "bob".to_owned(), reason: None, weight: 7, until: None };
    Arc::make_mut(&mut now.virtual_servers[0]).real_servers[0].overridden = Some(Box::new(since));
    let bob = Some((7, "bob".to_owned()));
    assert_eq!([40, 60].map(|second| wanted(&now, &[], second).1), [None, bob], "as it is now, since then");
}

//! What scripts and FIFOs are told. The order and the lines are those of keepalived 2.2.7, by measurement.

use crate::rig::{A, B, Rig, S, WEB, rs, server, service, with_alpha};
use lvsdeck::engine::balance::{Action, Input};
use lvsdeck::engine::command::{Command, Outcome, ServiceSelector};
use lvsdeck::engine::event::EventKind;
use lvsdeck::engine::health::{SaidWeight, Verdict};
use lvsdeck::engine::io::simulated::SimulatedIpvs;
use lvsdeck::engine::ipvs::{Refusal, RefusalKind};
use lvsdeck::engine::model::{
    CheckKind, CheckSpec, Configuration, EdgeCommands, FileCheck, Global, GroupRole, HttpCheck, HttpVersion,
    NotifyCommand, Quorum, RealServer, ServiceKey, SorryServer, VirtualServer,
};
use std::sync::Arc;

const A_DOWN: &str = "RS [10.0.0.71]:tcp:80 [10.0.0.1]:tcp:80 DOWN";
const A_UP: &str = "RS [10.0.0.71]:tcp:80 [10.0.0.1]:tcp:80 UP";
const B_DOWN: &str = "RS [10.0.0.72]:tcp:80 [10.0.0.1]:tcp:80 DOWN";
const B_UP: &str = "RS [10.0.0.72]:tcp:80 [10.0.0.1]:tcp:80 UP";
const UP: &str = "VS [10.0.0.1]:tcp:80 UP";
const DOWN: &str = "VS [10.0.0.1]:tcp:80 DOWN";

/// The lines since the last time.
fn told(rig: &mut Rig) -> Vec<String> {
    std::mem::take(&mut rig.notices).into_iter().filter_map(|notice| notice.line).collect()
}

fn edges(name: &str) -> Box<EdgeCommands> {
    let command = |word: &str| Some(NotifyCommand { command: vec![name.to_owned(), word.to_owned()], user: None });
    Box::new(EdgeCommands { up: command("up"), down: command("down") })
}

/// Two servers of weight 1; `need` of them are enough.
fn web(need: u32) -> VirtualServer {
    let server = |text: &str| RealServer { notify: Some(edges(text)), ..server(text) };
    VirtualServer {
        quorum: Quorum { need, hysteresis: 0 },
        notify: Some(edges("quorum")),
        real_servers: [A, B].map(server).into(),
        ..service(WEB, &[])
    }
}

/// The same with a sorry server.
fn replaced(web: VirtualServer) -> VirtualServer {
    let sorry_server = Some(SorryServer::new(rs("10.0.0.9:80")));
    VirtualServer { sorry_server, ..web }
}

fn running(web: VirtualServer) -> Rig {
    let mut rig = Rig::started(&[web]);
    rig.pass(2 * S);
    told(&mut rig);
    rig
}

#[test]
fn the_start_tells_the_quorum_there_or_not_and_of_servers_only_what_changes() {
    let mut rig = Rig::started(&[web(2)]);
    assert_eq!(told(&mut rig), [UP]);
    let mut rig = Rig::started(&[with_alpha(web(2))]);
    assert_eq!(told(&mut rig), [A_UP, B_UP, UP], "alpha");
    let mut rig = Rig::started(&[with_alpha(replaced(web(2)))]);
    assert_eq!(told(&mut rig), [DOWN, A_UP, B_UP, UP], "alpha, and a sorry server");
    let mut web_but_a = with_alpha(replaced(web(2)));
    Arc::make_mut(&mut web_but_a.real_servers[0].checks[0]).alpha = false;
    let mut rig = Rig::started(&[web_but_a]);
    assert_eq!(told(&mut rig), [DOWN, B_UP, UP], "alpha off in a server: it begins up");
    let global = Global { tells_first_servers: true, ..Global::default() };
    let configuration = Configuration { global, ..Configuration::default() };
    let mut rig = Rig::new(&[web(2)]);
    rig.balance = rig.balance.following(&configuration);
    rig.give(Input::Start);
    assert_eq!(told(&mut rig), [A_UP, B_UP, UP], "rs_init_notifies");
}

/// What the first checks say is told after how everything began, however late the kernel's table comes.
#[test]
fn nothing_is_checked_before_the_kernel_was_seen_or_is_out_of_sight() {
    let cautious = with_alpha(replaced(web(2)));
    for look in [Ok(Box::default()), Err(Refusal { kind: RefusalKind::NotPermitted, message: "no".to_owned() })] {
        let mut rig = Rig::new(std::slice::from_ref(&cautious));
        rig.balance.handle(rig.now, Input::Start);
        let actions: Vec<Action> = std::iter::from_fn(|| rig.balance.poll_action()).collect();
        assert!(actions.contains(&Action::Observe) && !actions.iter().any(|a| matches!(a, Action::Probe { .. })));
        assert_eq!(rig.balance.poll_timeout(), None, "it waits for nothing else");
        rig.now += 3 * S;
        rig.give(Input::Observed(look));
        assert_eq!((told(&mut rig), rig.probes), (vec![DOWN.into(), A_UP.into(), B_UP.into(), UP.into()], 2));
    }
}

/// keepalived 2.2.7: each server that `alpha` keeps out is told DOWN as its check fails the first time; the quorum that never was is
/// not, without a sorry server.
#[test]
fn with_alpha_a_first_failure_is_told() {
    for (web, first) in [(web(1), &[][..]), (replaced(web(1)), &[DOWN])] {
        let mut rig = Rig::new(&[with_alpha(web)]);
        rig.kill(A);
        rig.kill(B);
        rig.give(Input::Start);
        assert_eq!(told(&mut rig), [first, &[A_DOWN, B_DOWN]].concat());
        rig.pass(30 * S);
        assert_eq!(told(&mut rig), [""; 0]);
        rig.revive(A);
        rig.pass(12 * S);
        assert_eq!(told(&mut rig), [A_UP, UP]);
    }
}

#[test]
fn nothing_is_told_twice_when_a_start_takes_up_what_the_kernel_has() {
    let mut rig = running(web(2));
    rig.kill(A);
    rig.pass(30 * S);
    told(&mut rig);
    let mut rig = rig.restarted(S, &[web(2)]);
    rig.pass(30 * S);
    assert_eq!(told(&mut rig), [DOWN]);
}

#[test]
fn a_server_is_told_before_the_quorum_that_follows_and_each_with_its_script() {
    let mut rig = running(web(2));
    rig.kill(A);
    rig.pass(12 * S);
    let notices = std::mem::take(&mut rig.notices);
    let scripts: Vec<String> = notices.iter().filter_map(|n| Some(n.command.as_ref()?.command.join(" "))).collect();
    assert_eq!(scripts, [format!("{A} down"), "quorum down".to_owned()]);
    assert_eq!(notices.iter().filter_map(|notice| notice.line.as_deref()).collect::<Vec<_>>(), [A_DOWN, DOWN]);
    rig.kill(B);
    rig.pass(12 * S);
    assert_eq!(told(&mut rig), [B_DOWN]);
    rig.revive(A);
    rig.revive(B);
    rig.pass(12 * S);
    assert_eq!(told(&mut rig), [A_UP, B_UP, UP]);
    rig.pass(60 * S);
    assert_eq!(told(&mut rig), [""; 0], "nothing changes");
}

#[test]
fn what_an_operator_drains_is_not_down_but_counts_no_more_for_the_quorum() {
    let mut rig = running(web(2));
    let selector = A.parse().unwrap();
    rig.ask(Command::Drain { server: selector, service: None, hold_seconds: None, deadline_seconds: None });
    assert_eq!(told(&mut rig), [DOWN]);
    rig.ask(Command::Maintenance { server: selector, service: None, deadline_seconds: None, hold_seconds: None });
    rig.ask(Command::Restore { server: selector, service: None });
    rig.pass(12 * S);
    assert_eq!(told(&mut rig), [UP]);
    rig.ask(Command::RemoveServer { service: WEB.parse::<ServiceKey>().unwrap().into(), server: rs(A) });
    assert_eq!(told(&mut rig), [A_DOWN, DOWN]);
}

#[test]
fn a_reload_tells_what_leaves_and_what_a_new_service_begins_as() {
    let mut rig = running(web(1));
    rig.reload(&[web(1)]).unwrap();
    assert_eq!(told(&mut rig), [""; 0]);
    let mut less = web(1);
    less.real_servers.pop();
    rig.reload(&[less.clone(), service("fwmark/9", &[A])]).unwrap();
    assert_eq!(told(&mut rig), [B_DOWN, "VS FWM 9 UP"]);
    rig.kill(A);
    rig.pass(12 * S);
    let fwmark = ["RS [10.0.0.71]:none:80 FWM 9 DOWN", "VS FWM 9 DOWN"];
    assert_eq!(told(&mut rig), [A_DOWN, DOWN, fwmark[0], fwmark[1]]);
}

#[test]
fn the_end_tells_nothing_but_with_omega() {
    for (omega, keep, lines) in [(false, false, &[][..]), (true, false, &[A_DOWN, B_DOWN, DOWN]), (true, true, &[])] {
        let mut rig = running(VirtualServer { omega, ..web(2) });
        rig.give(Input::Shutdown { keep });
        assert_eq!(told(&mut rig), lines, "omega {omega} keep {keep}");
    }
}

#[test]
fn a_group_is_told_of_as_one_and_named_by_one_of_its_services_only() {
    let one = |key: &str, group| VirtualServer { name: Some("G".into()), group: Some(group), ..service(key, &[A]) };
    let group = [one("fwmark/7", GroupRole::Member), one(WEB, GroupRole::Speaker)];
    let mut rig = Rig::started(&group);
    assert_eq!(told(&mut rig), ["VS [G]:0 UP"]);
    rig.kill(A);
    rig.pass(12 * S);
    assert_eq!(told(&mut rig), ["RS [10.0.0.71]:tcp:80 [G]:0 DOWN", "VS [G]:0 DOWN"]);
    assert_eq!(rig.probes, 3, "one check for both");
    let drain = |service: &str| {
        let service = Some(ServiceSelector(service.to_owned()));
        Command::Drain { server: A.parse().unwrap(), service, hold_seconds: None, deadline_seconds: None }
    };
    let answer = rig.ask(drain("G"));
    assert_eq!(answer.message, "G is a group of services: name one of them, fwmark/7, tcp/10.0.0.1:80 …");
    assert_eq!(rig.ask(drain("fwmark/7")).outcome, Outcome::Done);
}

#[test]
fn a_kernel_out_of_sight_keeps_nobody_from_being_told() {
    let kernel = SimulatedIpvs::default();
    kernel.refuse_everything(Refusal::general(RefusalKind::NoIpvs, "read the kernel's IPVS table"));
    let mut rig = Rig::on(kernel, &[web(2)], Vec::new());
    rig.give(Input::Start);
    assert_eq!(told(&mut rig), [UP]);
}

/// A check of the number in a file, which says `verdict` from now on.
fn file_check(rig: &mut Rig, target: &str, verdict: Verdict) {
    rig.dead.insert(target.parse().unwrap(), verdict);
}
fn of_file(server: &RealServer, weight: i64, reverse: bool) -> Arc<CheckSpec> {
    let mut check = CheckSpec::clone(&server.checks[0]);
    check.kind = CheckKind::File(FileCheck { name: "load".into(), path: "/run/load".into(), weight, reverse });
    (check.target, check.timing.retry) = ("127.0.0.9:9".parse().unwrap(), 0);
    check.into()
}
fn says(more: i64) -> Verdict {
    Verdict::Weighed(S, SaidWeight::More(more))
}

/// By measurement of keepalived 2.2.7: the quorum has to be gained at the start too, and the numbers of files count by then.
#[test]
fn at_the_start_the_quorum_is_gained_with_its_hysteresis_and_with_the_numbers_of_files() {
    for (need, hysteresis, file, lines) in [
        (2, 0, None, &[UP][..]),
        (2, 1, None, &[]),
        (1, 1, None, &[UP]),
        (3, 1, Some(2), &[UP]),
        (3, 2, Some(2), &[]),
        (2, 0, Some(-1), &[]),
    ] {
        let mut web = web(need);
        web.quorum.hysteresis = hysteresis;
        let check = of_file(&web.real_servers[0], 1, false);
        web.real_servers[0].checks.extend(file.map(|_| check));
        let mut rig = Rig::new(&[web]);
        if let Some(number) = file {
            file_check(&mut rig, "127.0.0.9:9", says(number));
        }
        rig.give(Input::Start);
        assert_eq!(told(&mut rig), lines, "{need} {hysteresis} {file:?}");
        assert_eq!(rig.facts(EventKind::Quorum).len(), 0, "it begins so");
    }
}

#[test]
fn a_file_that_hangs_holds_the_start_up_for_a_second() {
    let mut web = web(1);
    web.real_servers[0].checks = vec![of_file(&web.real_servers[0], 1, false)];
    let mut rig = Rig::new(&[web]);
    rig.balance.handle(rig.now, Input::Start);
    let actions: Vec<Action> = std::iter::from_fn(|| rig.balance.poll_action()).collect();
    assert_eq!(actions.iter().filter(|action| matches!(action, Action::Probe { .. })).count(), 1);
    rig.give(Input::Observed(Ok(Box::default())));
    assert_eq!((told(&mut rig), rig.table(WEB)), (vec![], "none".to_owned()));
    rig.pass(S);
    assert_eq!((told(&mut rig), rig.table(WEB)), (vec![UP.to_owned()], "10.0.0.71:80 w1, 10.0.0.72:80 w1".to_owned()));
}

/// By measurement of keepalived 2.2.7.
#[test]
fn with_alpha_a_file_is_known_at_the_start_and_a_first_failure_of_http_is_not_told() {
    let mut web = with_alpha(web(1));
    web.real_servers[0].checks = vec![of_file(&web.real_servers[0], 1, false)];
    let http = HttpCheck { tls: None, version: HttpVersion::default(), urls: Vec::new() };
    Arc::make_mut(&mut web.real_servers[1].checks[0]).kind = CheckKind::Http(http);
    let mut rig = Rig::new(&[web]);
    file_check(&mut rig, "127.0.0.9:9", says(2));
    rig.kill(B);
    rig.give(Input::Start);
    assert_eq!((told(&mut rig), rig.table(WEB)), (vec![UP.to_owned()], "10.0.0.71:80 w3".to_owned()));
}

/// By measurement of keepalived 2.2.7: whoever has passed the checks with `alpha` serves, whatever the others wait for.
#[test]
fn alpha_of_one_check_waits_for_no_other() {
    let mut web = web(1);
    let mut late = CheckSpec::clone(&web.real_servers[0].checks[0]);
    (late.kind, late.timing.warmup) = (CheckKind::Ping, 60 * S);
    Arc::make_mut(&mut web.real_servers[0].checks[0]).alpha = true;
    web.real_servers[0].checks.push(late.into());
    let mut rig = Rig::started(&[web]);
    assert_eq!(told(&mut rig), [UP, A_UP]);
}

/// By measurement of keepalived 2.2.7: not one that never was there.
#[test]
fn a_file_that_was_there_and_is_gone_counts_as_0_in_reverse() {
    let mut web = web(1);
    web.real_servers[0].checks = vec![of_file(&web.real_servers[0], 0, true)];
    let (there, both, one) = (says(0), "10.0.0.71:80 w1, 10.0.0.72:80 w1", "10.0.0.72:80 w1");
    let gone = Verdict::Passed(S);
    let mut rig = Rig::new(&[web]);
    file_check(&mut rig, "127.0.0.9:9", gone.clone());
    rig.give(Input::Start);
    for (verdict, table) in [(&gone, both), (&there, both), (&gone, one), (&gone, one), (&there, both), (&gone, one)] {
        file_check(&mut rig, "127.0.0.9:9", verdict.clone());
        rig.pass(10 * S);
        assert_eq!(rig.table(WEB), table, "{verdict:?}");
    }
}

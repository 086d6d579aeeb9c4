//! Commands: the preview tells what the commit does, and the answer comes when the kernel did it.

use crate::rig::{A, B, Rig, S, WEB, key, rs, service, weight};
use lvsdeck::engine::balance::{Action, Balance, Input};
use lvsdeck::engine::command::{Asked, Command, Outcome, RealServerSelector, ServiceSelector, Who};
use lvsdeck::engine::event::EventKind;
use lvsdeck::engine::ipvs::{IpvsOp, Refusal, RefusalKind};
use lvsdeck::engine::model::{Checksum, Forwarding, Persistence, SorryServer, Tunnel, VirtualServer};
use lvsdeck::engine::snapshot::{Admin, Health};
use std::sync::Arc;

const NEW: &str = "10.0.0.73:80";

fn web() -> ServiceSelector {
    ServiceSelector(WEB.to_owned())
}
fn selector(text: &str) -> RealServerSelector {
    text.parse().unwrap()
}
fn drain(server: &str) -> Command {
    Command::Drain { server: selector(server), service: None, hold_seconds: None, deadline_seconds: None }
}
fn restore(server: &str) -> Command {
    Command::Restore { server: selector(server), service: None }
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
fn busy(rig: &mut Rig, server: &str, active: u32) {
    rig.edit(|table| {
        let destination = table.services.get_mut(&key(WEB)).unwrap().destinations.get_mut(&rs(server)).unwrap();
        (destination.active, destination.inactive, destination.persistent) = (active, 12, 4);
    });
    rig.pass(S);
}

#[test]
fn a_dry_drain_shows_everything_and_does_nothing() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    busy(&mut rig, A, 3);
    rig.ops();
    let answer = rig.dry(drain(A));
    assert_eq!((answer.outcome, answer.id), (Outcome::Preview, 0));
    assert_eq!(answer.preview.before, ["10.0.0.71:80 Route weight 1 active 3 inactive 12"]);
    assert_eq!(
        answer.preview.after,
        ["10.0.0.71:80 Route weight 0 active 3 inactive 12, draining, weight 1 when restored"]
    );
    assert_eq!(answer.preview.ops, ["change real server 10.0.0.71:80 of tcp/10.0.0.1:80: weight 1 to 0"]);
    assert_eq!(answer.preview.ipvsadm, ["ipvsadm -e -t 10.0.0.1:80 -r 10.0.0.71:80 -g -w 0"]);
    assert_eq!(
        answer.preview.blast_radius,
        "1 of 2 servers, 50 % of the weight, 3 active connections; what a server resets is not seen here (dr) and \
         counts until its timeout"
    );
    assert_eq!(answer.preview.undo, Some(Command::Restore { server: selector(A), service: Some(web()) }));
    assert_eq!(answer.preview.confirm, None);
    assert!(answer.token.is_some());
    assert_eq!(rig.ops(), Vec::<String>::new());
    assert_eq!(rig.facts(EventKind::Command), Vec::<String>::new());
}

#[test]
fn a_server_that_gets_more_is_said_with_the_weights_and_not_as_a_loss() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(set_weight(A, 0));
    busy(&mut rig, A, 3);
    assert_eq!(
        rig.dry(set_weight(A, 5)).preview.blast_radius,
        "1 server gets more, the weight of all grows from 1 to 6, 3 active connections"
    );
    rig.ask(set_weight(B, 2));
    let both = Command::Several { commands: vec![set_weight(A, 5), set_weight(B, 1)] };
    assert_eq!(
        rig.dry(both).preview.blast_radius,
        "1 server gets more, 1 less, the weight of all grows from 2 to 6, 3 active connections"
    );
}

#[test]
fn drain_sets_weight_zero_and_restore_brings_the_weight_back() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    assert_eq!(rig.ask(set_weight(A, 5)).outcome, Outcome::Done);
    let answer = rig.ask(drain(A));
    assert_eq!((answer.outcome, answer.id), (Outcome::Done, 7));
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1");
    assert_eq!(rig.server(0, A).admin, Admin::Draining);
    assert_eq!(rig.facts(EventKind::ServerAdmin), ["tcp/10.0.0.1:80 10.0.0.71:80: enabled>draining (kernel update)"]);
    assert_eq!(
        rig.facts(EventKind::ServerWeight),
        ["tcp/10.0.0.1:80 10.0.0.71:80: 1>5 (weight by anna)", "tcp/10.0.0.1:80 10.0.0.71:80: 5>0 (drain by anna)"]
    );
    assert_eq!(rig.facts(EventKind::Command), ["weight: >done (kernel update)", "drain: >done (kernel update)"]);
    let answer = rig.ask(restore(A));
    assert_eq!(answer.outcome, Outcome::Done);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w5, 10.0.0.72:80 w1");
}

#[test]
fn a_second_drain_is_done_already_and_says_since_when() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(drain(A));
    rig.pass(31 * S);
    rig.ops();
    let answer = rig.ask(drain(A));
    assert_eq!(answer.outcome, Outcome::Done);
    assert_eq!(answer.message, "10.0.0.71:80 is drained already, since 31s ago; restore brings it back");
    assert_eq!((rig.ops(), answer.preview.undo), (Vec::<String>::new(), None));
    let refusal = "10.0.0.72:80 is not draining and has its configured weight; nothing to restore";
    assert_eq!(rig.ask(restore(B)).message, refusal);
}

#[test]
fn whoever_means_a_server_that_an_operator_took_out_is_told_what_brings_it_back() {
    let other = "tcp/10.0.0.2:80";
    let mut rig = Rig::started(&[service(WEB, &[A, B]), service(other, &[A])]);
    rig.ask(remove(A));
    let told = format!("an operator took {A} out of {WEB}; add-server {WEB} {A} brings it back");
    let of =
        |service: &str| Command::Restore { server: selector(A), service: Some(ServiceSelector(service.to_owned())) };
    let host = Command::Restore { server: selector("10.0.0.71"), service: Some(web()) };
    for command in [restore(A), of(WEB), host, set_weight(A, 5), remove(A)] {
        let answer = rig.ask(command.clone());
        assert_eq!((answer.outcome, answer.message.as_str()), (Outcome::Refused, told.as_str()), "{command:?}");
    }
    assert!(rig.ask(of(other)).message.contains("nothing to restore"));
    rig.ask(drain(A));
    assert_eq!(rig.ask(restore(A)).outcome, Outcome::Done, "where it is there");
    assert_eq!(rig.ask(add(A)).outcome, Outcome::Done);
    assert!(rig.ask(restore(A)).message.contains("nothing to restore"));
}

#[test]
fn restore_brings_a_weight_override_back_to_the_file_and_a_drain_back_to_the_override() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(set_weight(B, 5));
    rig.ask(drain(B));
    assert_eq!(rig.ask(restore(B)).outcome, Outcome::Done);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w5");
    assert_eq!(rig.ask(restore(B)).outcome, Outcome::Done);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
}

#[test]
fn a_host_is_drained_in_all_its_services_at_once() {
    let tls = "tcp/10.0.0.1:443";
    let mut rig = Rig::started(&[service(WEB, &[A, B]), service(tls, &["10.0.0.71:443", "10.0.0.72:443"])]);
    let answer = rig.ask(drain("10.0.0.71"));
    assert_eq!(answer.outcome, Outcome::Done);
    assert_eq!(answer.preview.before.len(), 2);
    assert_eq!(answer.preview.undo, Some(restore("10.0.0.71")));
    assert_eq!(
        (rig.table(WEB).as_str(), rig.table(tls).as_str()),
        ("10.0.0.71:80 w0, 10.0.0.72:80 w1", "10.0.0.71:443 w0, 10.0.0.72:443 w1")
    );
    assert_eq!(rig.ask(restore("10.0.0.71")).outcome, Outcome::Done);
    assert_eq!(rig.table(tls), "10.0.0.71:443 w1, 10.0.0.72:443 w1");
}

#[test]
fn taking_the_last_server_out_asks_for_a_word_and_tells_who_serves_then() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    let preview = rig.dry(drain(A)).preview;
    assert_eq!(preview.confirm.as_deref(), Some("drain"));
    assert!(preview.blast_radius.ends_with("; no server is left"), "{}", preview.blast_radius);
    assert_eq!(rig.dry(remove(A)).preview.confirm.as_deref(), Some("remove"));
    let mut with_sorry = service(WEB, &[A]);
    with_sorry.sorry_server =
        Some(SorryServer { forwarding: Some(Forwarding::Nat), ..SorryServer::new(rs("10.0.0.99:80")) });
    let mut rig = Rig::started(&[with_sorry]);
    let preview = rig.dry(drain(A)).preview;
    assert!(preview.blast_radius.ends_with("the sorry server takes over"), "{}", preview.blast_radius);
    assert_eq!(
        preview.ipvsadm,
        ["ipvsadm -a -t 10.0.0.1:80 -r 10.0.0.99:80 -m -w 1", "ipvsadm -e -t 10.0.0.1:80 -r 10.0.0.71:80 -g -w 0",]
    );
    assert_eq!(rig.ask(drain(A)).outcome, Outcome::Done);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.99:80 w1", "who drains keeps its connections");
}

#[test]
fn a_drain_under_persistence_warns_of_the_clients_that_keep_coming() {
    let mut web = service(WEB, &[A, B]);
    web.persistence = Some(Persistence { timeout: 7200, prefix: 32 });
    let mut rig = Rig::started(&[web]);
    busy(&mut rig, A, 3);
    let told = rig.dry(drain(A)).preview.blast_radius;
    assert!(told.contains("4 clients that are persistent keep coming") && told.contains("7200 s"), "{told}");
}

#[test]
fn a_token_of_what_can_not_be_done_any_more_is_stale() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    let remove = || Command::RemoveServer { service: ServiceSelector(WEB.to_owned()), server: rs(A) };
    let token = rig.dry(remove()).token;
    assert_eq!(rig.ask(remove()).outcome, Outcome::Done);
    assert_eq!(rig.ask_with(remove(), false, token).outcome, Outcome::Stale, "somebody was quicker");
    assert_eq!(rig.ask(remove()).outcome, Outcome::Refused);
}

#[test]
fn the_connections_of_a_server_that_is_removed_hang_and_that_is_told_before_and_after() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    let remove = || Command::RemoveServer { service: ServiceSelector(WEB.to_owned()), server: rs(A) };
    let idle = rig.dry(remove()).preview.blast_radius;
    assert!(!idle.contains("hang"), "{idle}");
    busy(&mut rig, A, 3);
    let shown = rig.dry(remove()).preview.blast_radius;
    assert!(shown.contains("3 active connections; they hang until they time out"), "{shown}");
    let done = rig.ask(remove()).message;
    assert!(done.contains("removed from tcp/10.0.0.1:80; 3 active connections hang until they time out"), "{done}");
}

#[test]
fn a_token_is_stale_when_the_same_act_takes_another_share_of_the_service() {
    let mut rig = Rig::started(&[service(WEB, &[A, B, "10.0.0.73:80", "10.0.0.74:80"])]);
    let shown = rig.dry(drain(A));
    rig.ask(drain(B));
    let answer = rig.ask_with(drain(A), false, shown.token);
    assert_eq!(answer.outcome, Outcome::Stale);
    assert_eq!((&answer.preview.before, &answer.preview.after), (&shown.preview.before, &shown.preview.after));
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w0, 10.0.0.73:80 w1, 10.0.0.74:80 w1");
    assert_eq!(rig.ask_with(drain(A), false, answer.token).outcome, Outcome::Done);
}

#[test]
fn a_token_commits_what_was_shown_and_is_stale_when_that_changed() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    let token = rig.dry(drain(A)).token;
    busy(&mut rig, A, 40);
    assert_eq!(rig.dry(drain(A)).token, token, "connections come and go");
    rig.ask(set_weight(A, 3));
    let answer = rig.ask_with(drain(A), false, token);
    assert_eq!((answer.outcome, rig.table(WEB).as_str()), (Outcome::Stale, "10.0.0.71:80 w3, 10.0.0.72:80 w1"));
    assert_eq!(answer.preview.before, ["10.0.0.71:80 Route weight 3 active 40 inactive 12"]);
    assert_eq!(rig.ask_with(drain(A), false, answer.token).outcome, Outcome::Done);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1");
}

#[test]
fn a_server_that_can_be_no_host_is_refused() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    for nobody in ["0.0.0.0:80", "224.0.0.1:80", "255.255.255.255:80"] {
        let answer = rig.ask(add(nobody));
        assert_eq!(answer.outcome, Outcome::Refused, "{nobody}: {}", answer.message);
    }
}

#[test]
fn an_unknown_name_is_refused_with_what_there_is() {
    let mut rig = Rig::started(&[service(WEB, &[A, B]), service("udp/10.0.0.1:53", &["10.0.0.71:53"])]);
    let answer = rig.ask(drain("10.0.0.79:80"));
    assert_eq!(answer.outcome, Outcome::Refused);
    assert_eq!(
        answer.message,
        "no real server 10.0.0.79:80 in any service; there is 10.0.0.71:53, 10.0.0.71:80, 10.0.0.72:80"
    );
    let command = Command::Weight {
        service: ServiceSelector("tcp/10.0.0.1:8080".into()),
        server: rs(A),
        weight: weight(1),
        hold_seconds: None,
    };
    assert_eq!(
        rig.ask(command).message,
        "no service tcp/10.0.0.1:8080 in the configuration; there is tcp/10.0.0.1:80, udp/10.0.0.1:53"
    );
    assert_eq!(
        rig.ask(remove(NEW)).message,
        "no real server 10.0.0.73:80 in tcp/10.0.0.1:80; there is 10.0.0.71:80, 10.0.0.72:80"
    );
}

#[test]
fn an_added_server_serves_is_marked_and_goes_by_undo() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    rig.ops();
    let preview = rig.dry(add(NEW)).preview;
    assert_eq!(
        (preview.before, preview.after),
        (vec!["10.0.0.73:80 not there".to_owned()], vec!["10.0.0.73:80 Route weight 1".to_owned()])
    );
    assert_eq!(preview.ipvsadm, ["ipvsadm -a -t 10.0.0.1:80 -r 10.0.0.73:80 -g -w 1"]);
    assert_eq!(rig.ask(add(NEW)).outcome, Outcome::Done);
    assert_eq!(rig.ops(), ["add real server 10.0.0.73:80 to tcp/10.0.0.1:80"]);
    assert!(rig.server(0, NEW).added);
    assert!(rig.remembered[0].servers.contains(&rs(NEW)));
    let again = rig.ask(add(NEW));
    assert_eq!((again.outcome, again.message.contains("already")), (Outcome::Refused, true));
    assert_eq!(rig.ask(preview.undo.unwrap()).outcome, Outcome::Done);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1");
    assert!(!rig.remembered[0].servers.contains(&rs(NEW)));
}

#[test]
fn an_added_server_is_checked_as_the_others_at_once_and_goes_as_they_do() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.kill(NEW);
    let answer = rig.ask(add(NEW));
    let said = "10.0.0.73:80 is added to tcp/10.0.0.1:80 with weight 1 and the checks of the other servers (TCP_CHECK)";
    assert_eq!((answer.outcome, answer.message.as_str()), (Outcome::Done, said));
    let server = rig.server(0, NEW);
    assert_eq!((server.health, server.checks[0].target.as_str()), (Health::Down, NEW), "its first run decides");
    let by = server.overridden.clone().unwrap();
    assert_eq!((by.weight, by.reason.as_deref()), (1, Some("kernel update")));
    rig.pass(30 * S);
    assert_eq!(
        (rig.server(0, NEW).health, rig.table(WEB).as_str()),
        (Health::Down, "10.0.0.71:80 w1, 10.0.0.72:80 w1")
    );
    // The others are asked another thing from now on, and so is this one.
    let mut changed = service(WEB, &[A, B]);
    for server in &mut changed.real_servers {
        server.checks.iter_mut().for_each(|check| Arc::make_mut(check).target.set_port(8080));
    }
    rig.reload(&[changed]).unwrap();
    assert_eq!(rig.server(0, NEW).checks[0].target, "10.0.0.73:8080");
}

#[test]
fn a_drain_tells_what_udp_keeps() {
    let mut rig = Rig::started(&[service("udp/10.0.0.1:80", &[A, B])]);
    let told = rig.dry(drain(A)).preview.blast_radius;
    assert!(told.ends_with("until it is silent for the UDP timeout (ipvsadm -l --timeout)"), "{told}");
}

#[test]
fn an_addition_that_cannot_work_is_refused_with_the_way_out() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    assert!(rig.ask(add("10.0.0.73:8080")).message.contains("dr can't change the port"));
    let with = |server: &str, forward| Command::AddServer {
        service: web(),
        server: rs(server),
        weight: None,
        forward: Some(forward),
    };
    assert!(rig.ask(with("[fd00::73]:80", Forwarding::Nat)).message.contains("only tun"));
    assert_eq!(rig.ask(with("10.0.0.73:8080", Forwarding::Nat)).outcome, Outcome::Done);
}

#[test]
fn an_added_server_is_tunnelled_as_those_of_its_service_are_and_a_sorry_server_as_it_says() {
    let gre = |checksum| Tunnel::Gre { checksum };
    let file = |tunnel| VirtualServer { forwarding: Forwarding::Tun, tunnel, ..service(WEB, &[A]) };
    let mut rig = Rig::started(&[file(gre(Checksum::On))]);
    assert_eq!(rig.ask(add(NEW)).outcome, Outcome::Done);
    let tunnel = |rig: &Rig, server: &str| rig.edit(|table| table.services[&key(WEB)].destinations[&rs(server)].tunnel);
    assert_eq!((tunnel(&rig, A), tunnel(&rig, NEW)), (Tunnel::Ipip, gre(Checksum::On)));
    // A server of the file has what its own words say; one that was added what the file says of its service from now on.
    let sorry =
        |forwarding| SorryServer { forwarding, tunnel: gre(Checksum::Off), ..SorryServer::new(rs("10.0.0.9:80")) };
    let web = VirtualServer {
        sorry_server: Some(sorry(Some(Forwarding::Tun))),
        ..file(Tunnel::Gue { port: 7, checksum: Checksum::Off })
    };
    rig.reload(std::slice::from_ref(&web)).unwrap();
    rig.pass(S);
    assert_eq!(tunnel(&rig, NEW), web.tunnel);
    assert_eq!(rig.ask(remove(NEW)).outcome, Outcome::Done);
    rig.kill("10.0.0.71:80");
    rig.pass(30 * S);
    assert_eq!(tunnel(&rig, "10.0.0.9:80"), gre(Checksum::Off));
    rig.reload(&[VirtualServer { sorry_server: Some(sorry(None)), ..web.clone() }]).unwrap();
    rig.pass(S);
    assert_eq!(tunnel(&rig, "10.0.0.9:80"), web.tunnel);
}

#[test]
fn a_removed_server_of_the_file_is_warned_of_and_comes_back_with_its_checks() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(set_weight(B, 4));
    let answer = rig.ask(remove(B));
    assert_eq!(answer.outcome, Outcome::Done);
    assert_eq!((rig.table(WEB).as_str(), rig.status()[0].real_servers.len()), ("10.0.0.71:80 w1", 1));
    assert_eq!(rig.balance.warnings()[0].code, "removed-from-file-server");
    let probes = rig.probes;
    rig.pass(10 * S);
    assert_eq!(rig.probes, probes + 1, "only the other one is checked");
    assert_eq!(rig.ask(answer.preview.undo.unwrap()).outcome, Outcome::Done);
    let back = rig.server(0, B);
    assert_eq!((back.weight, back.added, back.checks.len()), (4, false, 1));
    assert_eq!((rig.balance.warnings().len(), rig.table(WEB).as_str()), (0, "10.0.0.71:80 w1, 10.0.0.72:80 w4"));
}

#[test]
fn a_weight_for_a_draining_server_waits_for_restore() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(drain(A));
    let shown = rig.dry(set_weight(A, 5));
    assert_eq!(
        shown.preview.after,
        ["10.0.0.71:80 Route weight 0 active 0 inactive 0, draining, weight 5 when restored"]
    );
    let keep =
        |weight| format!("keep weight {weight} for real server 10.0.0.71:80 of tcp/10.0.0.1:80 until it is restored");
    assert_eq!(shown.preview.ops, [keep(5)]);
    let answer = rig.ask(set_weight(A, 6));
    assert_eq!((answer.outcome, answer.preview.ops), (Outcome::Done, vec![keep(6)]));
    let stale = rig.ask_with(set_weight(A, 5), false, shown.token);
    assert_eq!(stale.outcome, Outcome::Stale, "somebody gave it another weight since the preview");
    assert!(answer.message.contains("when it is restored"), "{}", answer.message);
    rig.ask(restore(A));
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w6, 10.0.0.72:80 w1");
}

#[test]
fn a_preview_of_what_is_so_already_is_empty_and_says_why() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(drain(A));
    let answer = rig.dry(drain(A));
    assert!(answer.preview.is_empty());
    assert!(answer.message.contains("is drained already"), "{}", answer.message);
}

#[test]
fn the_answer_waits_for_the_kernel() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    let asked = Asked {
        id: 9,
        command: drain(A),
        dry_run: false,
        token: None,
        force: false,
        who: Who::default(),
        reason: None,
        undoes: None,
    };
    rig.balance.handle(rig.now, Input::Command(Box::new(asked)));
    let actions: Vec<Action> = std::iter::from_fn(|| rig.balance.poll_action()).collect();
    let ops = actions.iter().find_map(|action| if let Action::Apply(ops) = action { Some(ops) } else { None });
    let [op] = ops.unwrap().as_slice() else { panic!("{ops:?}") };
    assert!(!actions.iter().any(|action| matches!(action, Action::Answer { .. })), "{actions:?}");
    rig.give(Input::Applied { op: Box::new(op.clone()), result: Ok(()) });
    assert_eq!((rig.answers.len(), rig.answers[0].outcome), (1, Outcome::Done));
}

#[test]
fn a_command_that_the_kernel_refuses_fails_with_its_words() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    let quiet = rig.edit(|table| table.services[&key(WEB)].destinations[&rs(A)].clone());
    let op = IpvsOp::SetDestination(key(WEB), rs(A), lvsdeck::engine::ipvs::Destination { weight: weight(0), ..quiet });
    rig.kernel.refuse(op, Refusal { kind: RefusalKind::Other, message: "can't do it: busy; try again".to_owned() });
    let answer = rig.ask(drain(A));
    assert_eq!(answer.outcome, Outcome::Failed);
    assert!(answer.message.contains("busy"), "{}", answer.message);
}

#[test]
fn a_server_that_the_kernel_refuses_is_not_added_and_leaves_no_wish_behind() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    let like = rig.edit(|table| table.services[&key(WEB)].destinations[&rs(A)].clone());
    let op = IpvsOp::NewDestination(key(WEB), rs(NEW), like);
    rig.kernel.refuse(op, Refusal { kind: RefusalKind::Other, message: "can't do it: busy".to_owned() });
    let answer = rig.ask(add(NEW));
    assert_eq!(answer.outcome, Outcome::Failed);
    assert_eq!(answer.message, "can't do it: busy; add-server was taken back, nothing of it is left");
    assert_eq!((rig.overrides.len(), rig.balance.warnings()), (0, vec![]));
    rig.kernel.relent();
    rig.pass(40 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1");
    assert_eq!(rig.ask(add(NEW)).outcome, Outcome::Done);
}

#[test]
fn what_the_dataplane_can_not_do_is_refused_in_the_preview() {
    let mut rig = Rig::new(&[service(WEB, &[A])]);
    let no_news = |op: &IpvsOp| {
        matches!(op, IpvsOp::NewDestination(_, server, _) if *server == rs(NEW)).then(|| "never".to_owned())
    };
    rig.balance = Balance::new(&[service(WEB, &[A])], Vec::new(), Vec::new(), rig.now).limited_by(Some(no_news));
    rig.give(Input::Start);
    let answer = rig.dry(add(NEW));
    assert_eq!((answer.outcome, answer.message.as_str()), (Outcome::Refused, "never"));
    assert_eq!((rig.ask(add(NEW)).outcome, rig.overrides.len()), (Outcome::Refused, 0));
}

#[test]
fn a_command_without_a_kernel_is_noted_and_fails_for_now() {
    let mut rig = Rig::new(&[service(WEB, &[A, B])]);
    rig.kernel.refuse_everything(Refusal::general(RefusalKind::NoIpvs, "read the kernel's IPVS table"));
    rig.give(Input::Start);
    let answer = rig.ask(drain(A));
    assert_eq!(answer.outcome, Outcome::Failed);
    assert!(answer.message.contains("modprobe ip_vs"), "{}", answer.message);
    rig.kernel.relent();
    rig.pass(5 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1");
}

#[test]
fn a_command_while_a_plan_is_out_goes_into_the_next() {
    let mut rig = Rig::new(&[service(WEB, &[A, B])]);
    rig.balance.handle(rig.now, Input::Start);
    while rig.balance.poll_action().is_some() {}
    rig.balance.handle(rig.now, Input::Observed(Ok(Box::default())));
    assert_eq!(rig.ask(drain(A)).outcome, Outcome::Done);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1");
}

#[test]
fn a_drained_server_stays_drained_when_it_dies_and_returns() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(drain(A));
    rig.kill(A);
    rig.pass(11 * S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
    rig.revive(A);
    rig.pass(10 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1");
}

#[test]
fn a_strangers_server_is_named_as_such_and_can_be_taken_over() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    let strange = rig.edit(|table| table.services[&key(WEB)].destinations[&rs(A)].clone());
    rig.edit(|table| table.services.get_mut(&key(WEB)).unwrap().destinations.insert(rs(NEW), strange));
    rig.pass(S);
    assert!(rig.ask(remove(NEW)).message.contains("put there by somebody else"));
    assert_eq!(rig.ask(add(NEW)).outcome, Outcome::Done);
    rig.pass(S);
    assert_eq!(rig.balance.drift(), []);
    assert_eq!(rig.ask(remove(NEW)).outcome, Outcome::Done);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1");
}

#[test]
fn a_refusal_that_is_not_wanted_any_more_fails_no_later_command() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    let quiet = rig.edit(|table| table.services[&key(WEB)].destinations[&rs(A)].clone());
    let op = IpvsOp::SetDestination(key(WEB), rs(A), lvsdeck::engine::ipvs::Destination { weight: weight(0), ..quiet });
    rig.kernel.refuse(op, Refusal { kind: RefusalKind::Other, message: "busy".to_owned() });
    assert_eq!(rig.ask(drain(A)).outcome, Outcome::Failed);
    assert_eq!(rig.ask(restore(A)).outcome, Outcome::Done, "the kernel never left the old weight");
    assert_eq!(rig.balance.warnings(), []);
}

#[test]
fn a_removal_that_loses_the_quorum_removes_all_the_same() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(drain(A));
    assert_eq!(rig.ask(remove(B)).outcome, Outcome::Done);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0");
    rig.pass(2 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0");
}

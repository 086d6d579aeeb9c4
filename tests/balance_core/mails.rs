//! Who is mailed of what. Subjects and conditions are those of keepalived 2.2.7, by measurement.

use crate::rig::{A, B, Rig, S, WEB, rs, server, service, with_alpha};
use lvsdeck::engine::balance::Input;
use lvsdeck::engine::command::Command;
use lvsdeck::engine::model::{Configuration, GroupRole, MailWords, Quorum, RealServer, ServiceKey, VirtualServer};

/// The subjects since the last time.
fn mailed(rig: &mut Rig) -> Vec<String> {
    std::mem::take(&mut rig.notices).into_iter().filter_map(|notice| notice.mail).map(|mail| mail.subject).collect()
}

fn of_server(address: &str, state: &str) -> String {
    format!("Realserver [{address}]:tcp:80 of virtual server [10.0.0.1]:tcp:80 - {state}")
}

fn of_service(state: &str) -> String {
    format!("Virtualserver [10.0.0.1]:tcp:80 - {state}")
}

fn web(need: u32) -> VirtualServer {
    VirtualServer { quorum: Quorum { need, hysteresis: 0 }, mails: true, ..service(WEB, &[A, B]) }
}

fn running(web: VirtualServer) -> Rig {
    let mut rig = Rig::started(&[web]);
    rig.pass(2 * S);
    mailed(&mut rig);
    rig
}

#[test]
fn the_start_mails_the_quorum_and_each_edge_is_mailed_with_the_server_that_made_it() {
    let mut rig = Rig::started(&[web(2)]);
    rig.pass(2 * S);
    assert_eq!(mailed(&mut rig), [of_service("UP")], "a server that begins up is none");
    rig.kill(A);
    rig.pass(12 * S);
    assert_eq!(mailed(&mut rig), [of_server("10.0.0.71", "DOWN"), of_service("DOWN")]);
    rig.revive(A);
    rig.pass(12 * S);
    assert_eq!(mailed(&mut rig), [of_server("10.0.0.71", "UP"), of_service("UP")]);
    rig.pass(60 * S);
    assert_eq!(mailed(&mut rig), [""; 0], "nothing changes");
}

#[test]
fn a_mail_says_why() {
    let mut rig = running(web(2));
    rig.kill(A);
    rig.pass(12 * S);
    let texts: Vec<String> = rig.notices.iter().filter_map(|n| Some(n.mail.as_ref()?.text.clone())).collect();
    assert_eq!(
        texts,
        [
            "Real server 10.0.0.71:80 of tcp/10.0.0.1:80 is DOWN.\nWhy: connection refused",
            "Service tcp/10.0.0.1:80 is DOWN.\nWhy: weight 1 is up, 2 is needed"
        ]
    );
}

#[test]
fn a_first_failure_and_with_alpha_a_first_pass_are_mailed() {
    let mut rig = Rig::new(&[VirtualServer { mails: false, ..web(1) }]);
    rig.kill(A);
    rig.give(Input::Start);
    rig.pass(5 * S);
    assert_eq!(mailed(&mut rig), [of_server("10.0.0.71", "DOWN")]);
    let mut rig = Rig::started(&[with_alpha(VirtualServer { mails: false, ..web(2) })]);
    rig.pass(S);
    assert_eq!(mailed(&mut rig), [of_server("10.0.0.71", "UP"), of_server("10.0.0.72", "UP")]);
    let mut rig = Rig::new(&[with_alpha(VirtualServer { mails: false, ..web(1) })]);
    rig.kill(A);
    rig.give(Input::Start);
    rig.pass(5 * S);
    assert_eq!(mailed(&mut rig), [of_server("10.0.0.71", "DOWN"), of_server("10.0.0.72", "UP")]);
}

#[test]
fn who_says_off_is_not_mailed_of() {
    let quiet = |text: &str| RealServer { mails: false, ..server(text) };
    let mut rig = Rig::started(&[VirtualServer { mails: false, real_servers: [quiet(A)].into(), ..web(1) }]);
    rig.kill(A);
    rig.pass(12 * S);
    assert_eq!(mailed(&mut rig), [""; 0]);
    assert_eq!(rig.facts.iter().filter(|fact| fact.to.as_deref() == Some("down")).count(), 2, "it happened");
}

#[test]
fn a_check_of_several_that_turns_is_mailed_with_how_the_server_stands_unless_the_file_says_no() {
    let mut both = server(A);
    both.checks.extend(server(B).checks);
    let service = VirtualServer { mails: false, real_servers: [both].into(), ..web(1) };
    for servers_only in [false, true] {
        let mut configuration = Configuration { virtual_servers: vec![service.clone()], ..Configuration::default() };
        configuration.global.mail = MailWords { servers_only, ..MailWords::default() };
        let mut rig = Rig::new(&configuration.virtual_servers);
        rig.balance = rig.balance.following(&configuration);
        rig.give(Input::Start);
        rig.pass(5 * S);
        assert_eq!(mailed(&mut rig), [""; 0], "the first passes are none");
        let mut after = |what: fn(&mut Rig, &str), target| {
            what(&mut rig, target);
            rig.pass(12 * S);
            mailed(&mut rig)
        };
        let (down, up) = (of_server("10.0.0.71", "DOWN"), of_server("10.0.0.71", "UP"));
        let check = if servers_only { vec![] } else { vec![down.clone()] };
        assert_eq!(after(Rig::kill, A), std::slice::from_ref(&down));
        assert_eq!(after(Rig::kill, B), check, "the other fails too");
        assert_eq!(after(Rig::revive, A), check, "and one passes again");
        assert_eq!(after(Rig::revive, B), [up]);
    }
}

#[test]
fn what_is_taken_out_is_mailed_as_down_and_the_end_is_not_mailed() {
    let mut rig = running(VirtualServer { omega: true, ..web(1) });
    rig.ask(Command::RemoveServer { service: WEB.parse::<ServiceKey>().unwrap().into(), server: rs(A) });
    assert_eq!(mailed(&mut rig), [of_server("10.0.0.71", "DOWN")]);
    rig.give(Input::Shutdown { keep: false });
    assert_eq!((rig.notices.len(), mailed(&mut rig).len()), (2, 0), "scripts are told");
}

#[test]
fn a_group_is_mailed_of_as_one() {
    let one = |key: &str, group| VirtualServer {
        name: Some("G".into()),
        group: Some(group),
        mails: true,
        ..service(key, &[A])
    };
    let mut rig = Rig::started(&[one("fwmark/7", GroupRole::Member), one(WEB, GroupRole::Speaker)]);
    rig.kill(A);
    rig.pass(12 * S);
    let subjects = ["Virtualserver [G]:0 - UP", "Realserver [10.0.0.71]:tcp:80 of virtual server [G]:0 - DOWN"];
    assert_eq!(mailed(&mut rig), [subjects[0], subjects[1], "Virtualserver [G]:0 - DOWN"]);
}

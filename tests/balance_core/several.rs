//! Several servers in one act.

use crate::rig::{A, B, Rig, WEB, rs, service, weight};
use lvsdeck::engine::command::{Command, Outcome, ServiceSelector};
use lvsdeck::engine::event::EventKind;
use lvsdeck::engine::snapshot::Admin;

const C: &str = "10.0.0.73:80";
const TLS: &str = "tcp/10.0.0.1:443";

fn drain(service: &str, server: &str) -> Command {
    let service = Some(ServiceSelector(service.to_owned()));
    Command::Drain { server: server.parse().unwrap(), service, hold_seconds: None, deadline_seconds: None }
}
fn several(commands: Vec<Command>) -> Command {
    Command::Several { commands }
}

#[test]
fn whoever_is_so_already_is_left_out_of_several() {
    let mut rig = Rig::started(&[service(WEB, &[A, B, C])]);
    rig.ask(drain(WEB, A));
    let restore =
        |server: &str| Command::Restore { server: server.parse().unwrap(), service: Some(ServiceSelector(WEB.into())) };
    let all = several([A, B, C].map(restore).to_vec());
    let done = rig.ask(all.clone());
    assert_eq!((done.outcome, done.message.as_str()), (Outcome::Done, "10.0.0.71:80 is restored in tcp/10.0.0.1:80"));
    assert_eq!(done.preview.after.len(), 1);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1, 10.0.0.73:80 w1");
    assert_eq!(rig.ask(all).message, "all of it is so already");
}

#[test]
fn several_servers_are_one_preview_one_token_one_commit_and_one_undo() {
    let mut rig = Rig::started(&[service(WEB, &[A, B, C]), service(TLS, &["10.0.0.71:443", "10.0.0.72:443"])]);
    rig.ops();
    let both = several(vec![drain(WEB, A), drain(WEB, B), drain(TLS, "10.0.0.71:443")]);
    let shown = rig.dry(both.clone());
    assert_eq!(shown.outcome, Outcome::Preview);
    assert_eq!((shown.preview.before.len(), shown.preview.after.len(), shown.preview.ipvsadm.len()), (3, 3, 3));
    assert_eq!(
        shown.preview.blast_radius,
        "tcp/10.0.0.1:80: 2 of 3 servers, 66 % of the weight, 0 active connections; \
         tcp/10.0.0.1:443: 1 of 2 servers, 50 % of the weight, 0 active connections"
    );
    assert_eq!(shown.preview.confirm.as_deref(), Some("drain"), "two thirds of a service go");
    assert_eq!(rig.ops(), [""; 0]);
    let done = rig.ask_with(both, false, shown.token);
    assert_eq!((done.outcome, done.message.as_str()), (Outcome::Done, "3 servers draining"));
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w0, 10.0.0.73:80 w1");
    assert_eq!(rig.table(TLS), "10.0.0.71:443 w0, 10.0.0.72:443 w1");
    let told = rig.facts(EventKind::ServerWeight);
    assert!(told.iter().all(|fact| fact.contains("(drain by ")) && told.len() == 3, "{told:?}");
    let undone = rig.ask(shown.preview.undo.unwrap());
    assert_eq!((undone.outcome, undone.message.as_str()), (Outcome::Done, "3 servers restored"));
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1, 10.0.0.73:80 w1");
}

#[test]
fn a_host_that_is_drained_for_a_time_says_when_it_is_out_and_when_it_is_back() {
    let mut rig = Rig::started(&[service(WEB, &[A, B]), service(TLS, &["10.0.0.71:443", "10.0.0.72:443"])]);
    let host = Command::Drain {
        server: "10.0.0.71".parse().unwrap(),
        service: None,
        hold_seconds: Some(20),
        deadline_seconds: Some(60),
    };
    assert_eq!(rig.ask(host).message, "2 servers draining; out after 60 s; back after 20 s");
}

#[test]
fn more_than_half_of_a_service_asks_for_a_word_and_half_does_not() {
    const D: &str = "10.0.0.74:80";
    let mut rig = Rig::started(&[service(WEB, &[A, B, C, D])]);
    let word = |rig: &mut Rig, command| rig.dry(command).preview.confirm;
    let maintain = |server: &str| Command::Maintenance {
        server: server.parse().unwrap(),
        service: Some(ServiceSelector(WEB.to_owned())),
        hold_seconds: None,
        deadline_seconds: None,
    };
    assert_eq!(word(&mut rig, several(vec![maintain(A), maintain(B)])), None);
    let three = vec![maintain(A), maintain(B), maintain(C)];
    assert_eq!(word(&mut rig, several(three)).as_deref(), Some("maintenance"));
    // It is the weight that counts, and only of who serves no longer.
    let weigh = |server: &str, n| Command::Weight {
        service: ServiceSelector(WEB.to_owned()),
        server: rs(server),
        weight: weight(n),
        hold_seconds: None,
    };
    rig.ask(weigh(A, 10));
    assert_eq!(word(&mut rig, drain(WEB, A)).as_deref(), Some("drain"));
    assert_eq!(word(&mut rig, weigh(A, 0)).as_deref(), Some("weight"));
    assert_eq!(word(&mut rig, weigh(A, 1)), None);
}

#[test]
fn the_last_servers_of_a_service_together_ask_for_a_word_although_each_alone_would_not() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    assert_eq!(rig.dry(drain(WEB, A)).preview.confirm, None);
    let all = rig.dry(several(vec![drain(WEB, A), drain(WEB, B)]));
    assert_eq!(all.preview.confirm.as_deref(), Some("drain"));
    assert!(all.preview.blast_radius.ends_with("no server is left"), "{}", all.preview.blast_radius);
    // A console tells the worst apart from the rest: of two services it says of which.
    let mut rig = Rig::started(&[service(WEB, &[A, B]), service(TLS, &["10.0.0.71:443"])]);
    let host = Command::Drain {
        server: "10.0.0.71".parse().unwrap(),
        service: None,
        hold_seconds: None,
        deadline_seconds: None,
    };
    let feel = rig.dry(host).preview.blast_radius;
    assert!(feel.ends_with("; no server is left in tcp/10.0.0.1:443"), "{feel}");
}

#[test]
fn one_that_can_not_be_done_is_enough_to_do_none() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(drain(WEB, B));
    rig.ops();
    for (commands, why) in [
        (vec![drain(WEB, A), drain(WEB, "10.0.0.99:80")], "no real server 10.0.0.99:80"),
        (
            vec![
                drain(WEB, A),
                Command::Weight {
                    service: ServiceSelector(WEB.into()),
                    server: rs(A),
                    weight: weight(5),
                    hold_seconds: None,
                },
            ],
            "named twice",
        ),
        (vec![drain(WEB, A), Command::Reload], "no command for real servers"),
        (vec![several(vec![drain(WEB, A)])], "can't contain several"),
        (vec![], "nothing to do"),
    ] {
        let answer = rig.ask(several(commands));
        assert_eq!(answer.outcome, Outcome::Refused);
        assert!(answer.message.contains(why), "{}", answer.message);
        assert_eq!(rig.ops(), [""; 0]);
    }
}

#[test]
fn another_state_since_the_preview_makes_its_token_stale() {
    let mut rig = Rig::started(&[service(WEB, &[A, B, C])]);
    let both = several(vec![drain(WEB, A), drain(WEB, B)]);
    let token = rig.dry(both.clone()).token;
    rig.ask(Command::Weight {
        service: ServiceSelector(WEB.into()),
        server: rs(A),
        weight: weight(5),
        hold_seconds: None,
    });
    assert_eq!(rig.ask_with(both, false, token).outcome, Outcome::Stale);
    assert_eq!(rig.server(0, A).admin, Admin::Enabled);
}

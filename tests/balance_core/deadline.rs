//! A drain with a deadline: when it passes, the server leaves the table, whatever is left. A weight for a time: then it is the
//! file's again.

use crate::rig::{A, B, Rig, S, WEB, key, rs, server, service, weight};
use lvsdeck::engine::balance::Waiting;
use lvsdeck::engine::command::{Command, Outcome, ServiceSelector};
use lvsdeck::engine::event::EventKind;
use lvsdeck::engine::snapshot::Admin;

fn drain(seconds: Option<u64>) -> Command {
    Command::Drain { server: A.parse().unwrap(), service: None, hold_seconds: None, deadline_seconds: seconds }
}
fn maintain(seconds: Option<u64>) -> Command {
    Command::Maintenance { server: A.parse().unwrap(), service: None, hold_seconds: None, deadline_seconds: seconds }
}
fn restore() -> Command {
    Command::Restore { server: A.parse().unwrap(), service: None }
}
fn busy(rig: &mut Rig, active: u32) {
    rig.edit(|table| {
        table.services.get_mut(&key(WEB)).unwrap().destinations.get_mut(&rs(A)).unwrap().active = active;
    });
    rig.pass(S);
}

#[test]
fn the_preview_shows_the_deadline_and_what_it_does() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    busy(&mut rig, 3);
    let answer = rig.dry(drain(Some(60)));
    assert_eq!(
        answer.preview.after,
        ["10.0.0.71:80 Route weight 0 active 3 inactive 0, draining, weight 1 when restored, out after 60 s"]
    );
    assert_eq!(
        answer.preview.ops,
        [
            "change real server 10.0.0.71:80 of tcp/10.0.0.1:80: weight 1 to 0",
            "after 60 s, whatever is left: remove real server 10.0.0.71:80 of tcp/10.0.0.1:80",
        ]
    );
    assert!(answer.preview.blast_radius.contains("; the connections that the deadline finds hang until they time out"));
    rig.pass(30 * S);
    assert_eq!(rig.dry(drain(Some(60))).token, answer.token, "time passes");
    assert_ne!(rig.dry(drain(Some(61))).token, answer.token);
    assert_ne!(rig.dry(drain(None)).token, answer.token);
}

#[test]
fn at_the_deadline_the_server_leaves_with_its_connections_and_restore_brings_it_back() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    busy(&mut rig, 31);
    let answer = rig.ask(drain(Some(60)));
    assert_eq!(answer.message, "10.0.0.71:80 drains in tcp/10.0.0.1:80, 31 active connections go on for 60 s at most");
    rig.pass(59 * S + S / 2);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1");
    assert_eq!(rig.balance.poll_timeout(), Some((rig.now + S / 2, Waiting::DrainEnd)));
    rig.facts.clear();
    rig.pass(S / 2);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
    let reason = "deadline passed, 31 connections were left";
    assert_eq!(rig.facts(EventKind::ServerAdmin), [format!("tcp/10.0.0.1:80 10.0.0.71:80: >draining ({reason})")]);
    assert_eq!(rig.facts(EventKind::ServerTable), [format!("tcp/10.0.0.1:80 10.0.0.71:80: present>absent ({reason})")]);
    assert_eq!(rig.server(0, A).admin, Admin::Draining);
    let again = rig.ask(drain(None));
    assert_eq!((again.outcome, again.message.contains("is drained already")), (Outcome::Done, true));
    rig.pass(100 * S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
    for more in [drain(Some(5)), restore(), maintain(Some(5)), maintain(Some(5))] {
        assert_eq!(rig.ask(more.clone()).outcome, Outcome::Done, "{more}");
        let back =
            if more == restore() { "10.0.0.71:80 w1, 10.0.0.72:80 w1" } else { "10.0.0.71:80 w0, 10.0.0.72:80 w1" };
        assert_eq!(rig.table(WEB), back, "another deadline gives its connections more time: {more}");
        rig.pass(6 * S);
        assert_eq!(rig.table(WEB) == "10.0.0.72:80 w1", more != restore());
    }
    assert_eq!(rig.ask(restore()).outcome, Outcome::Done);
    assert_eq!((rig.table(WEB).as_str(), rig.server(0, A).admin), ("10.0.0.71:80 w1, 10.0.0.72:80 w1", Admin::Enabled));
}

#[test]
fn a_restore_before_the_deadline_ends_it() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(drain(Some(60)));
    rig.pass(30 * S);
    rig.ask(restore());
    rig.pass(60 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    rig.ask(drain(None));
    rig.pass(60 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1", "the old deadline is nobody's");
}

#[test]
fn a_drain_gets_another_deadline_and_keeps_it_where_nothing_is_said() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(drain(None));
    assert_eq!(rig.ask(drain(None)).outcome, Outcome::Done, "it is drained already");
    assert_eq!(rig.ask(drain(Some(10))).outcome, Outcome::Done);
    assert_eq!(rig.ask(drain(Some(100))).outcome, Outcome::Done);
    rig.pass(50 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w0, 10.0.0.72:80 w1");
    let before = rig.server(0, A).drain;
    let again = rig.ask(drain(None));
    assert_eq!((again.outcome, again.message.contains("is drained already")), (Outcome::Done, true));
    assert_eq!((again.preview.is_empty(), rig.server(0, A).drain), (true, before));
    assert_eq!(rig.facts(EventKind::ServerAdmin).len(), 1, "it drained all the time");
    rig.pass(100 * S);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
}

#[test]
fn a_deadline_of_no_time_takes_it_out_at_once_and_one_of_ages_is_refused() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    assert!(rig.ask(drain(Some(u64::MAX))).message.contains("too long"));
    assert_eq!(rig.ask(drain(Some(0))).outcome, Outcome::Done);
    assert_eq!(rig.table(WEB), "10.0.0.72:80 w1");
}

#[test]
fn a_deadline_of_a_server_that_is_gone_meanwhile_does_nothing() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(drain(Some(10)));
    assert_eq!(rig.reload(&[service(WEB, &[B])]), Ok(()));
    rig.pass(5 * S);
    assert_eq!(rig.reload(&[service(WEB, &[A, B])]), Ok(()));
    rig.pass(20 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
}

fn weigh(number: u32, hold_seconds: Option<u64>) -> Command {
    Command::Weight { service: ServiceSelector(WEB.to_owned()), server: rs(A), weight: weight(number), hold_seconds }
}

#[test]
fn a_weight_for_a_time_says_when_it_ends_and_ends_then() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    let preview = rig.dry(weigh(5, Some(60))).preview;
    assert_eq!(preview.after, ["10.0.0.71:80 Route weight 5 active 0 inactive 0, weight 1 again after 60 s"]);
    assert_eq!(
        preview.ops,
        [
            "change real server 10.0.0.71:80 of tcp/10.0.0.1:80: weight 1 to 5",
            "after 60 s: give real server 10.0.0.71:80 of tcp/10.0.0.1:80 weight 1 again",
        ]
    );
    let answer = rig.ask(weigh(5, Some(60)));
    assert_eq!(answer.message, "10.0.0.71:80 has weight 5 in tcp/10.0.0.1:80; it has weight 1 again after 60 s");
    rig.pass(59 * S);
    let by = rig.server(0, A).overridden.unwrap();
    assert_eq!(by.until.unwrap().duration_since(by.since).unwrap(), 60 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w5, 10.0.0.72:80 w1");
    rig.facts.clear();
    rig.pass(S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1");
    let told = "dr weight 5 by an operator in place of 1>dr weight 1 (its time is over)";
    assert_eq!(rig.facts(EventKind::Override), [format!("{WEB} {A}: {told}")]);
    assert_eq!((rig.server(0, A).overridden, rig.overrides.len()), (None, 0));
}

#[test]
fn a_weight_without_a_time_stays_and_takes_the_time_of_the_one_before_away() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(weigh(5, Some(60)));
    assert_eq!(rig.ask(weigh(5, None)).outcome, Outcome::Done);
    rig.pass(100 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w5, 10.0.0.72:80 w1");
    assert_eq!(rig.ask(weigh(5, None)).outcome, Outcome::Refused, "it is so already");
    let refused = rig.ask(weigh(1, Some(60)));
    assert_eq!(
        (refused.outcome, refused.message.as_str()),
        (Outcome::Refused, "1 is the weight of the file: nothing could end after a time; leave it out")
    );
}

#[test]
fn the_undo_of_a_weight_brings_the_time_of_the_one_before_back() {
    let mut rig = Rig::started(&[service(WEB, &[A, B])]);
    rig.ask(weigh(5, Some(60)));
    rig.pass(20 * S);
    for other in [weigh(7, None), weigh(5, None), weigh(5, Some(600)), restore()] {
        let undo = rig.ask(other.clone()).preview.undo.unwrap();
        assert_eq!(undo, weigh(5, Some(40)), "{other}");
        assert_eq!(rig.ask(undo).outcome, Outcome::Done);
    }
    let drained = rig.ask(drain(None)).preview.undo.unwrap();
    rig.ask(drained);
    rig.pass(40 * S);
    assert_eq!(rig.table(WEB), "10.0.0.71:80 w1, 10.0.0.72:80 w1", "a drain between takes nothing of it away");
}

#[test]
fn a_weight_for_a_time_lasts_over_a_restart_and_a_reload_and_ends_with_the_weight_of_the_file() {
    let file = [service(WEB, &[A, B])];
    let mut rig = Rig::started(&file);
    rig.ask(weigh(5, Some(600)));
    rig.ask(drain(None));
    rig.pass(S);
    let mut next = rig.restarted(100 * S, &file);
    next.ask(restore());
    assert_eq!(next.table(WEB), "10.0.0.71:80 w5, 10.0.0.72:80 w1");
    let mut heavier = service(WEB, &[A, B]);
    heavier.real_servers[0] = lvsdeck::engine::model::RealServer { weight: weight(3), ..server(A) };
    next.reload(&[heavier.clone()]).unwrap();
    assert_eq!(next.table(WEB), "10.0.0.71:80 w5, 10.0.0.72:80 w1");
    next.pass(500 * S);
    assert_eq!(next.table(WEB), "10.0.0.71:80 w3, 10.0.0.72:80 w1");
    next.ask(weigh(5, Some(60)));
    let late = next.restarted(1_000 * S, &[heavier]);
    assert_eq!(late.table(WEB), "10.0.0.71:80 w3, 10.0.0.72:80 w1", "its time passed meanwhile");
}

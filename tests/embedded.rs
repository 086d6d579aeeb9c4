//! The embedded cluster as `lvsdeck demo` has it: settled when it starts, its faults, its drill. Real threads, real
//! connections on loopback; every wait is for a condition.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing)] // a test: a panic is its verdict

use lvsdeck::engine::driver::embedded::{Cluster, Options};
use lvsdeck::engine::{
    Answer, Command, CommandRequest, EngineHandle, EventKind, Guide, Outcome, RealServerSelector, Role, Who,
};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a condition may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

fn wait(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "waited in vain: {what}");
        sleep(Duration::from_millis(20));
    }
}

fn guide(cluster: &Arc<Cluster>) -> Guide {
    cluster.stage().unwrap().guide()
}

fn order(cluster: &Arc<Cluster>, words: &str) -> Result<String, String> {
    cluster.stage().unwrap().order(words)
}

#[test]
fn it_starts_settled_and_its_clients_are_served_from_the_first_on() {
    let (cluster, ending) = Cluster::start(&Options { servers: 3, seed: 1 }).unwrap();
    wait("a master with good servers", || {
        let summary = cluster.summary().unwrap();
        summary.role == Role::Master && summary.totals.up == 9
    });
    let told = cluster.page(0, 256).unwrap();
    let reason =
        |e: &&Arc<lvsdeck::engine::Event>| e.kind == EventKind::InstanceState && e.to.as_deref() == Some("MASTER");
    assert_eq!(told.iter().filter(reason).count(), 1, "it leads once, and without contest: {told:#?}");
    wait("clients", || guide(&cluster).notes[1].split('/').next().is_some_and(|rate| rate != "0"));
    assert!(guide(&cluster).notes[1].ends_with(" 0 failed"), "{:?}", guide(&cluster).notes);
    let servers: Vec<String> = guide(&cluster).servers.iter().map(|(name, ip)| format!("{name} {ip}")).collect();
    assert_eq!(servers, ["web1 192.0.2.21", "web2 192.0.2.22", "web3 192.0.2.23"]);
    ending.end();
}

#[test]
fn skip_is_one_step_whatever_is_done_already() {
    let (cluster, ending) = Cluster::start(&Options { servers: 3, seed: 1 }).unwrap();
    wait("a master with good servers", || cluster.summary().unwrap().totals.up == 9);
    for step in 1..=8 {
        order(&cluster, "skip").unwrap();
        assert_eq!(guide(&cluster).current, step, "after so many skips");
        assert_eq!(guide(&cluster).current, step, "and it stays there");
    }
    order(&cluster, "again").unwrap();
    assert_eq!(guide(&cluster).current, 0);
    ending.end();
}

#[test]
fn a_split_brain_that_heals_is_seen_by_the_first_director_for_long_enough_to_be_read() {
    let (cluster, ending) = Cluster::start(&Options { servers: 3, seed: 1 }).unwrap();
    let role = |director: &str| {
        order(&cluster, &format!("director {director}")).unwrap();
        cluster.summary().unwrap().role
    };
    wait("a master", || role("1") == Role::Master);
    for _ in 0..6 {
        order(&cluster, "skip").unwrap();
    }
    order(&cluster, "cut").unwrap();
    wait("two masters", || role("2") == Role::Master);
    assert_eq!(role("1"), Role::Master, "nobody can know what nobody hears");
    wait("the step is done", || guide(&cluster).current == 7);
    order(&cluster, "heal").unwrap();
    wait("the first director tells it", || role("1") == Role::SplitBrain);
    let seen = Instant::now();
    wait("it is over", || role("1") == Role::Master);
    assert!(seen.elapsed() > Duration::from_secs(2), "{:?} is too short to be read", seen.elapsed());
    let told = cluster.page(0, 256).unwrap();
    let split: Vec<_> =
        told.iter().filter(|e| e.kind == EventKind::SplitBrain).filter_map(|e| e.to.as_deref()).collect();
    assert_eq!(split, ["begun", "over"]);
    wait("the drill is done", || guide(&cluster).current == 8);
    assert_eq!(role("2"), Role::Backup);
    ending.end();
}

#[test]
fn each_fault_is_told_in_the_panel_with_the_way_back() {
    let (cluster, ending) = Cluster::start(&Options { servers: 3, seed: 1 }).unwrap();
    let notes = || guide(&cluster).notes.join(" | ");
    for (words, note) in [
        ("cut", "wire cut (:heal)"),
        ("loss 20%", "cut, 20 % lost (:heal)"),
        ("heal", ""),
        ("loss 20%", "20 % lost (:heal)"),
        ("heal", ""),
        ("kill web2", "web2 dead (:revive)"),
        ("kill web3", "2 dead (:revive)"),
    ] {
        order(&cluster, words).unwrap();
        assert!(notes().contains(note), "{words}: {}", notes());
        assert!(!note.is_empty() || !notes().contains(":heal"), "{words}: {}", notes());
    }
    assert!(order(&cluster, "kill web9").unwrap_err().contains("web1 to web3"));
    ending.end();
}

#[test]
fn what_was_taken_back_by_hand_is_not_offered_for_undo() {
    let (cluster, ending) = Cluster::start(&Options { servers: 3, seed: 1 }).unwrap();
    wait("a master with good servers", || cluster.summary().unwrap().totals.up == 9);
    let give = |command: Command| -> Answer {
        let request = CommandRequest { command, reason: None, dry_run: false, token: None, force: false };
        cluster.command(&request, &Who::default()).unwrap()
    };
    let offered = || cluster.undoable().unwrap().into_iter().map(|one| one.command).collect::<Vec<_>>();
    let undo = || give(Command::Undo { id: None });
    let server: RealServerSelector = "192.0.2.21".parse().unwrap();
    let drain = Command::Drain { server, service: None, hold_seconds: None, deadline_seconds: None };

    assert_eq!(undo().outcome, Outcome::Refused, "nothing was done");
    assert_eq!(give(drain).outcome, Outcome::Done);
    assert_eq!(offered(), ["drain 192.0.2.21"]);
    assert_eq!(give(Command::Restore { server, service: None }).outcome, Outcome::Done);
    assert_eq!(offered(), ["restore 192.0.2.21"], "the drain is over");
    assert_eq!(undo().outcome, Outcome::Done);
    assert_eq!(offered(), ["drain 192.0.2.21"], "it is drained again");
    assert_eq!(undo().outcome, Outcome::Done);
    assert_eq!((offered().len(), undo().outcome), (0, Outcome::Refused));

    let drain = Command::Drain { server, service: None, hold_seconds: None, deadline_seconds: None };
    assert_eq!(give(drain.clone()).outcome, Outcome::Done);
    assert_eq!(give(drain).outcome, Outcome::Done, "as scripts do");
    assert_eq!(offered(), ["drain 192.0.2.21"], "what changes nothing stands on nothing");
    let other: RealServerSelector = "192.0.2.22".parse().unwrap();
    let short = Command::Drain { server: other, service: None, hold_seconds: Some(1), deadline_seconds: None };
    assert_eq!(give(short).outcome, Outcome::Done);
    wait("its time is over", || offered() == ["drain 192.0.2.21"]);
    let refused = undo();
    assert!(
        refused.outcome == Outcome::Refused && refused.message.contains("its time is over, and with it what it did"),
        "{}",
        refused.message
    );
    ending.end();
}

#[test]
fn the_moment_of_an_event_is_right_after_it() {
    let (cluster, ending) = Cluster::start(&Options { servers: 3, seed: 1 }).unwrap();
    wait("a master with good servers", || cluster.summary().unwrap().totals.up == 9);
    let server: RealServerSelector = "192.0.2.21".parse().unwrap();
    let command = Command::Drain { server, service: None, hold_seconds: None, deadline_seconds: None };
    let request = CommandRequest { command, reason: None, dry_run: false, token: None, force: false };
    cluster.command(&request, &Who::default()).unwrap();
    let weights = || {
        let events = cluster.events(0, 256, Duration::ZERO).unwrap();
        events.into_iter().filter(|event| event.kind == EventKind::ServerWeight).collect::<Vec<_>>()
    };
    wait("a weight in each service", || weights().len() == 3);
    for event in weights() {
        let written = serde_json::to_string(&event).unwrap();
        let event: lvsdeck::engine::Event = serde_json::from_str(&written).unwrap();
        let then = cluster.at(event.at).unwrap().status().unwrap();
        let servers = then.virtual_servers.iter().flat_map(|s| s.real_servers.iter().map(move |r| (s.key, r)));
        let mut named = servers.filter(|(service, server)| format!("{service} {}", server.key) == event.subject);
        assert_eq!(named.next().map(|(_, server)| server.weight), Some(0), "{event:?}");
    }
    ending.end();
}

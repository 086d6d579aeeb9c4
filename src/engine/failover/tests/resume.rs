//! Stopping without resigning, and going on where that was done.

use super::lan::*;
use crate::engine::command::{Command, Outcome};
use crate::engine::event::EventKind;
use crate::engine::failover::{Action, Failover, Input, OwnedAddress, Past};
use crate::engine::model::{AdvertInterval, Configuration, Priority, VrrpVersion};
use crate::engine::snapshot::Moment;
use crate::engine::snapshot::VirtualRouterState::{Backup, Master};
use std::time::{Duration, SystemTime};

/// Node 0 is master with an interval of 1 s, node 1 its backup.
fn cluster() -> Lan {
    let mut lan = Lan::started(vec![one(200), one(100)]);
    lan.run_for(seconds(10));
    assert_eq!(lan.masters(), [0]);
    lan
}

fn changes(lan: &Lan, n: usize) -> usize {
    lan.nodes[n].facts(EventKind::InstanceState).len()
}

type Change = fn(&mut Node);

/// Why the first instance of node 0 was not resumed.
fn refusal(lan: &Lan) -> String {
    let facts = lan.nodes[0].facts(EventKind::Warning);
    facts.into_iter().filter_map(|fact| fact.reason).find(|r| r.starts_with("not resumed")).unwrap_or_default()
}

#[test]
fn an_engine_that_keeps_sends_no_resignation_and_takes_nothing_off() {
    let mut lan = cluster();
    let before = lan.nodes[0].actions.len();
    lan.keep(0);
    assert_eq!(lan.nodes[0].words(before), ["keep 1", "leave"]);
    let kept = &lan.nodes[0].kept[0];
    assert_eq!((kept.instance.as_str(), kept.priority.get(), kept.addresses.len()), ("VI_1", 200, 1));
    assert!(lan.now.duration_since(kept.advertised_at) <= seconds(1));
}

#[test]
fn a_restart_of_a_master_is_not_noticed_by_its_backup_and_no_address_leaves() {
    for pause in [1, 100, 500, 1000, 1800] {
        let mut lan = cluster();
        let transitions = changes(&lan, 1);
        let before = lan.nodes[0].actions.len();
        lan.keep(0);
        lan.run_for(Duration::from_millis(pause));
        lan.boot_listening(0);
        assert_eq!((lan.state(0), lan.status(0)[0].reason.as_str()), (Master, "resumed after a restart"));
        let words = lan.nodes[0].words(before);
        assert!(words.contains(&"advertise 200".to_owned()), "at once: {words:?}");
        lan.run_for(seconds(30));
        assert_eq!((lan.masters(), lan.holders(vip(254).address), changes(&lan, 1)), (vec![0], vec![0], transitions));
        let words = lan.nodes[0].words(before);
        assert!(
            !words.iter().any(|w| w.starts_with("remove") || w.starts_with("add") || w == "advertise 0"),
            "{words:?}"
        );
        assert_eq!(lan.nodes[0].facts(EventKind::SplitBrain), []);
    }
}

#[test]
fn a_note_is_good_for_one_start_only() {
    let mut lan = cluster();
    lan.keep(0);
    lan.boot_listening(0);
    lan.crash(0);
    lan.boot(0);
    assert_eq!((lan.state(0), refusal(&lan).as_str()), (Backup, ""));
}

#[test]
fn who_comes_back_too_late_is_backup_and_gives_the_addresses_away_within_an_interval() {
    let mut lan = cluster();
    lan.keep(0);
    lan.run_for(seconds(5));
    assert_eq!(lan.holders(vip(254).address), [0, 1]);
    lan.boot(0);
    assert_eq!(lan.state(0), Backup);
    assert!(refusal(&lan).contains("its last advertisement was 5"), "{}", refusal(&lan));
    lan.run_for(Duration::from_millis(1005));
    assert_eq!(lan.holders(vip(254).address), [1]);
}

#[test]
fn the_note_is_too_old_a_tenth_of_an_interval_before_a_backup_gives_up() {
    for (age, state) in [(2899, Master), (2900, Backup)] {
        let mut lan = Lan::started(vec![one(200)]);
        lan.run_for(seconds(10));
        lan.keep(0);
        let advertised_at = lan.nodes[0].kept[0].advertised_at;
        let pause = (advertised_at + Duration::from_millis(age)).duration_since(lan.now);
        lan.run_for(pause);
        lan.boot(0);
        assert_eq!(lan.state(0), state, "{age} ms");
    }
}

#[test]
fn two_masters_never_last_longer_than_one_interval() {
    // Node 1 has the higher priority and becomes master while node 0 is away.
    let mut lan = Lan::new(vec![one(100), one(200)]);
    lan.boot(0);
    lan.run_for(seconds(10));
    lan.boot(1);
    lan.run_for(Duration::from_millis(2500));
    lan.keep(0);
    lan.run_for(Duration::from_millis(1500));
    assert_eq!(lan.masters(), [1]);
    lan.boot(0);
    lan.run_for(Duration::from_millis(1005));
    assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![1], vec![1]));
}

#[test]
fn a_master_that_is_heard_before_the_start_is_left_in_peace() {
    let mut lan = cluster();
    let advertisement = {
        let mut other = Lan::started(vec![one(100)]);
        other.run_for(seconds(4));
        let sent = other.nodes[0].actions.iter().find_map(|(_, action)| match action {
            Action::Advertise { message, .. } => Some(message.clone()),
            _ => None,
        });
        // Version 2 sums the message alone, so that another source may say the same.
        packet([192, 0, 2, 99].into(), 255, &sent.unwrap())
    };
    lan.keep(0);
    lan.boot_hearing(0, &[(ETH0, advertisement)]);
    assert_eq!(
        (lan.state(0), refusal(&lan).as_str()),
        (Backup, "not resumed as master: 192.0.2.99 is heard as master")
    );
}

#[test]
fn a_host_that_is_not_as_it_was_left_starts_as_always() {
    let cases: [(Change, &str); 4] = [
        (|node| node.addresses.retain(|known| known.1 != vip(254).address), "192.0.2.254 is not on eth0 any more"),
        (|node| node.links[0].up = false, "interface eth0 is down"),
        (
            |node| node.configuration.virtual_routers[0].priority = Priority::new(150).unwrap(),
            "its priority was 200 and is 150 now",
        ),
        (|node| node.configuration.virtual_routers[0].vrid = crate::engine::model::Vrid::new(9).unwrap(), ""),
    ];
    for (change, cause) in cases {
        let mut lan = cluster();
        lan.keep(0);
        change(&mut lan.nodes[0]);
        lan.boot(0);
        assert_ne!(lan.state(0), Master, "{cause}");
        assert!(refusal(&lan).contains(cause), "{}", refusal(&lan));
    }
}

#[test]
fn an_address_that_the_new_file_adds_comes_with_the_resumed_master_and_one_that_it_drops_goes() {
    let mut lan = cluster();
    lan.keep(0);
    lan.nodes[0].configuration.virtual_routers[0].addresses = vec![vip(254), vip(253)];
    lan.boot_listening(0);
    lan.run_for(Duration::from_millis(5));
    assert_eq!((lan.state(0), lan.holders(vip(253).address)), (Master, vec![0]));
    lan.keep(0);
    lan.nodes[0].configuration.virtual_routers[0].addresses = vec![vip(253)];
    lan.boot_listening(0);
    lan.run_for(Duration::from_millis(5));
    assert_eq!((lan.state(0), lan.holders(vip(254).address), lan.holders(vip(253).address)), (Master, vec![], vec![0]));
    assert_eq!(lan.nodes[0].remembered.len(), 1);
}

#[test]
fn a_sync_group_resumes_as_a_whole_or_not_at_all() {
    let mut lan = Lan::started(vec![pair(200), pair(100)]);
    lan.run_for(seconds(10));
    lan.keep(0);
    lan.run_for(Duration::from_millis(200));
    lan.boot_listening(0);
    assert!(lan.status(0).iter().all(|s| s.state == Master));
    lan.keep(0);
    lan.nodes[0].addresses.retain(|known| known.1 != std::net::IpAddr::from([198, 51, 100, 254]));
    lan.boot(0);
    assert!(lan.status(0).iter().all(|s| s.state == Backup));
    assert!(refusal(&lan).contains("another member of its sync group can't"), "{}", refusal(&lan));
}

#[test]
fn every_interval_from_a_hundredth_of_a_second_on_can_be_resumed_in_time() {
    for centiseconds in [1, 10, 100, 4095] {
        let mut configurations = vec![one(200), one(100)];
        for configuration in &mut configurations {
            let router = &mut configuration.virtual_routers[0];
            router.version = VrrpVersion::V3;
            router.advert_interval = AdvertInterval::from_centiseconds(centiseconds).unwrap();
        }
        let interval = configurations[0].virtual_routers[0].advert_interval.duration();
        let mut lan = Lan::started(configurations);
        lan.run_for(interval * 10 + seconds(4));
        let transitions = changes(&lan, 1);
        lan.keep(0);
        lan.run_for(interval * 18 / 10);
        lan.boot(0);
        lan.run_for(interval * 20);
        assert_eq!((lan.masters(), changes(&lan, 1)), (vec![0], transitions), "{centiseconds} cs");
    }
}

#[test]
fn a_takeover_survives_a_restart() {
    let mut lan = cluster();
    lan.command(1, Command::Takeover { instance: "VI_1".to_owned() });
    lan.run_for(seconds(5));
    assert_eq!(lan.nodes[1].answer().outcome, Outcome::Done);
    lan.keep(1);
    lan.boot(1);
    lan.run_for(seconds(10));
    assert_eq!((lan.masters(), lan.status(1)[0].effective_priority), (vec![1], 254));
    lan.command(1, Command::Rejoin { instance: None });
    lan.run_for(seconds(5));
    assert_eq!(lan.masters(), [0]);
}

#[test]
fn a_command_that_waits_is_answered_by_an_engine_that_keeps() {
    let mut lan = cluster();
    lan.command(0, Command::Failover { instance: None, hold_seconds: None, blind: false });
    lan.input(0, Input::Shutdown { keep: true });
    assert_eq!(lan.nodes[0].answer().outcome, Outcome::Failed);
    assert_eq!(lan.nodes[0].kept, [], "it was master no more");
}

#[test]
fn what_keepalived_was_master_of_goes_on_from_the_moment_it_was_stopped() {
    let configuration = |priority| Configuration { ..one(priority) };
    for (pause, state) in [(300, Master), (2500, Backup)] {
        let mut lan = Lan::new(vec![configuration(200), configuration(100)]);
        lan.nodes[0].addresses.push((ETH0, vip(254).address, 24));
        let present = OwnedAddress { interface: "eth0".to_owned(), address: vip(254).address, prefix: 24 };
        let past = Past::of_keepalived(&lan.nodes[0].configuration, std::slice::from_ref(&present), lan.now);
        assert_eq!((past.owned.as_slice(), past.masterships.len()), ([present].as_slice(), 1));
        lan.nodes[0].remembered = past.owned;
        lan.nodes[0].kept = past.masterships;
        lan.run_for(Duration::from_millis(pause));
        lan.boot(0);
        assert_eq!(lan.state(0), state);
        if state == Master {
            assert_eq!(lan.status(0)[0].reason, "taken over from keepalived");
        }
        lan.run_for(seconds(10));
        assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![0], vec![0]));
        lan.input(0, Input::Shutdown { keep: false });
        lan.run_for(seconds(1));
        assert_eq!(lan.holders(vip(254).address), [0; 0], "it is ours to take off");
    }
}

#[test]
fn an_instance_of_which_keepalived_had_only_some_addresses_is_not_resumed() {
    let mut configuration = one(100);
    configuration.virtual_routers[0].addresses.push(vip(253));
    let present = OwnedAddress { interface: "eth0".to_owned(), address: vip(254).address, prefix: 24 };
    let past = Past::of_keepalived(&configuration, &[present], std::time::Instant::now());
    assert_eq!((past.owned.len(), past.masterships.len()), (1, 0));
}

#[test]
fn a_core_whose_loop_died_still_has_its_resignations() {
    let lan = cluster();
    let words = |n: usize| lan.nodes[n].core.as_ref().unwrap().last_words();
    assert_eq!((words(0).len(), words(1).len()), (1, 0));
}

/// Node 0 stopped and kept, and is about to start; what node 1 would send it as master now.
fn kept_beside_a_master() -> (Lan, Vec<u8>) {
    let mut lan = cluster();
    lan.keep(0);
    lan.command(1, Command::Takeover { instance: "VI_1".to_owned() });
    let sent = lan.nodes[1].actions.iter().rev().find_map(|(_, action)| match action {
        Action::Advertise { message, .. } => Some(packet([192, 0, 2, 12].into(), 255, message)),
        _ => None,
    });
    (lan, sent.expect("it is master"))
}

#[test]
fn what_was_master_listens_for_an_interval_and_leaves_another_master_in_peace() {
    let (mut lan, _) = kept_beside_a_master();
    let before = lan.nodes[0].actions.len();
    lan.boot(0);
    assert!(lan.listens(0));
    assert_eq!(lan.status(0)[0].reason, "listens for another master before it is resumed");
    lan.run_for(seconds(5));
    assert_eq!((lan.masters(), lan.holders(vip(254).address)), (vec![1], vec![1]));
    assert_eq!(refusal(&lan), "not resumed as master: 192.0.2.12 is heard as master");
    assert!(
        !lan.nodes[0].words(before).iter().any(|word| word.starts_with("advertise") || word.starts_with("announce"))
    );
}

#[test]
fn whoever_listens_has_time_left_before_a_backup_gives_up() {
    for (age, listens) in [(1000, 1100), (1800, 700), (2499, 1), (2600, 0)] {
        let mut lan = Lan::started(vec![one(200)]);
        lan.run_for(seconds(10));
        lan.keep(0);
        let started_at = lan.nodes[0].kept[0].advertised_at + Duration::from_millis(age);
        lan.run_for(started_at.duration_since(lan.now));
        lan.boot_listening(0);
        let listened = lan.now.duration_since(started_at);
        assert_eq!((lan.state(0), listened), (Master, Duration::from_millis(listens)), "{age} ms");
    }
}

#[test]
fn an_engine_that_keeps_while_it_listens_hands_the_note_on() {
    let mut lan = cluster();
    let transitions = changes(&lan, 1);
    lan.keep(0);
    lan.boot(0);
    lan.run_for(Duration::from_millis(300));
    assert!(lan.listens(0));
    lan.keep(0);
    lan.boot_listening(0);
    lan.run_for(seconds(10));
    assert_eq!((lan.state(0), changes(&lan, 1)), (Master, transitions));
}

#[test]
fn nobody_is_told_of_an_address_that_was_given_up_a_moment_ago() {
    let (lan, advertisement) = kept_beside_a_master();
    let node = &lan.nodes[0];
    let (mut kept, now) = (node.kept.clone(), lan.now);
    kept[0].advertised_at = now.checked_sub(Duration::from_millis(2600)).unwrap();
    let past = Past { owned: node.remembered.clone(), masterships: kept, ..Past::default() };
    let mut core = Failover::new(&node.configuration, past, now);
    core.handle(now, Input::Link(node.links[0].clone()));
    for (index, address, prefix) in node.addresses.clone() {
        core.handle(now, Input::Address { index, address, prefix, present: true, by: None });
    }
    core.handle(now, Input::Start);
    // Before anything of the start was done.
    core.handle(now, Input::Packet { index: ETH0, packet: &advertisement });
    let mut actions = std::iter::from_fn(|| core.poll_action());
    assert!(!actions.any(|action| matches!(action, Action::Announce { .. })));
    assert_eq!(core.status(Moment { now, wall: SystemTime::UNIX_EPOCH })[0].state, Backup);
}

#[test]
fn an_address_that_somebody_else_put_on_has_to_be_there_too() {
    let mut lan = Lan::new(vec![one(200)]);
    lan.nodes[0].addresses.push((ETH0, vip(254).address, 32));
    lan.boot(0);
    lan.run_for(seconds(10));
    lan.keep(0);
    let kept = lan.nodes[0].kept[0].addresses.clone();
    assert_eq!(kept.iter().map(|owned| (owned.address, owned.prefix)).collect::<Vec<_>>(), [(vip(254).address, 32)]);
    lan.nodes[0].addresses.retain(|known| known.1 != vip(254).address);
    lan.boot_listening(0);
    assert_eq!((lan.state(0), refusal(&lan).contains("192.0.2.254 is not on eth0 any more")), (Backup, true));
}

//! Sync groups: members move together.

use super::lan::*;
use crate::engine::failover::Input;
use crate::engine::model::{Configuration, Priority, Track, TrackKind, Vrid, VrrpVersion};
use crate::engine::snapshot::VirtualRouterState::{self, Backup, Fault, Init, Master};
use crate::engine::vrrp::Tracked;
use std::time::Duration;

fn states(lan: &Lan, n: usize) -> Vec<VirtualRouterState> {
    lan.status(n).iter().map(|s| s.state).collect()
}

fn cluster() -> Lan {
    let mut lan = Lan::started(vec![pair(200), pair(100)]);
    lan.run_for(seconds(10));
    assert_eq!((states(&lan, 0), states(&lan, 1)), (vec![Master, Master], vec![Backup, Backup]));
    lan
}

#[test]
fn one_fault_faults_all_and_the_other_node_takes_both() {
    let mut lan = cluster();
    lan.set_link(0, ETH1, false);
    assert_eq!(states(&lan, 0), [Fault, Fault]);
    let reason = lan.status(0)[0].reason.clone();
    assert!(reason.starts_with("sync group G, VI_2: interface eth1 is down"), "{reason}");
    // The resignation does not get through on the dead link: the silence there decides.
    lan.run_for(seconds(4));
    assert_eq!(states(&lan, 1), [Master, Master]);
    lan.set_link(0, ETH1, true);
    lan.run_for(seconds(10));
    assert_eq!((states(&lan, 0), states(&lan, 1)), (vec![Master, Master], vec![Backup, Backup]));
}

#[test]
fn silence_on_one_side_alone_moves_nobody() {
    let mut lan = cluster();
    // The switch of eth1 is dead, the ports are up: node 1 hears node 0 on eth0 only.
    lan.nodes[0].links[1].up = false;
    lan.run_for(seconds(30));
    assert_eq!(states(&lan, 1), [Backup, Backup]);
    assert!(lan.status(1)[1].next.is_none(), "willing, and waiting for the group");
}

#[test]
fn a_member_that_is_outranked_takes_the_others_along() {
    let mut lan = cluster();
    let before = lan.nodes[0].actions.len();
    let source = std::net::Ipv4Addr::new(192, 0, 2, 99);
    let mut boss = one(250);
    boss.virtual_routers[0].priority = crate::engine::model::Priority::new(250).unwrap();
    let message = {
        use crate::engine::vrrp::{Advertisement, ChecksumForm};
        let router = &boss.virtual_routers[0];
        let addresses = vec![std::net::IpAddr::from([192, 0, 2, 254])];
        let advertisement = Advertisement {
            version: router.version,
            vrid: router.vrid,
            priority: router.priority.advertised(),
            interval: router.advert_interval,
            authentication: router.authentication,
            addresses,
        };
        advertisement.encode(source.into(), GROUP, ChecksumForm::MessageOnly)
    };
    lan.inject(0, ETH0, &packet(source, 255, &message));
    assert_eq!(states(&lan, 0), [Backup, Backup]);
    lan.run_for(Duration::from_millis(3));
    let words = lan.nodes[0].words(before);
    assert_eq!(words[..3], ["remove 192.0.2.254/24", "advertise 0", "remove 198.51.100.254/24"]);
    assert_eq!(words[3..], ["remember 1", "remember 0"], "as the kernel confirms them");
    assert!(lan.status(0)[1].reason.starts_with("sync group G, VI_1: outranked by 192.0.2.99"));
}

#[test]
fn a_group_that_stops_resigns_on_both_sides() {
    let mut lan = cluster();
    lan.input(0, Input::Shutdown { keep: false });
    lan.run_for(seconds(1));
    assert_eq!(states(&lan, 1), [Master, Master]);
    assert_eq!(lan.holders(vip(254).address), [1]);
}

/// How long nobody advertises after node 0 has gone, which had preempted node 1 `before`.
fn dark_after_preemption(version: VrrpVersion, before: Duration, grouped: bool, goes: fn(&mut Lan)) -> Duration {
    let node = |priority| {
        let mut configuration = pair(priority);
        if !grouped {
            configuration.sync_groups.clear();
        }
        configuration.virtual_routers.iter_mut().for_each(|router| router.version = version);
        configuration
    };
    let mut lan = Lan::new(vec![node(150), node(100)]);
    lan.faults.delay_up_to = Duration::ZERO; // nothing is overtaken
    lan.boot(1);
    lan.run_for(seconds(10));
    lan.boot(0);
    while states(&lan, 0) != [Master, Master] || states(&lan, 1) != [Backup, Backup] {
        lan.run_for(Duration::from_millis(1));
    }
    lan.run_for(before);
    goes(&mut lan);
    let gone = lan.now;
    while states(&lan, 1) != [Master, Master] {
        lan.run_for(Duration::from_millis(1));
        assert!(lan.now < gone + seconds(30));
    }
    lan.now - gone
}

#[test]
fn a_group_that_was_outranked_takes_over_as_quickly_as_instances_without_a_group() {
    let resigns = |lan: &mut Lan| lan.input(0, Input::Shutdown { keep: false });
    let dies = |lan: &mut Lan| lan.crash(0);
    for (version, milliseconds) in [(VrrpVersion::V2, 610), (VrrpVersion::V3, 7)] {
        for before in [0, 10, 600, 2600] {
            let before = Duration::from_millis(before);
            let dark = dark_after_preemption(version, before, true, resigns);
            assert!(dark.as_millis() <= milliseconds, "{version:?}: {before:?} {dark:?}");
            let [grouped, alone] = [true, false].map(|with| dark_after_preemption(version, before, with, dies));
            assert!(grouped.abs_diff(alone) <= Duration::from_millis(2), "{version:?}: {grouped:?} {alone:?}");
        }
    }
}

#[test]
fn a_group_of_owners_is_master_as_soon_as_the_loop_turns() {
    let mut lan = Lan::started(vec![pair(255)]);
    lan.run_for(Duration::from_millis(1));
    assert_eq!(states(&lan, 0), [Master, Master]);
    assert!(lan.status(0)[0].reason.contains("owner"));
}

#[test]
fn equal_groups_that_win_on_one_side_each_come_to_one_master() {
    for seed in 0..50 {
        let mut lan = Lan::new(vec![pair(100), pair(100)]);
        lan.random = Random(seed);
        lan.nodes[0].addresses[1].1 = std::net::IpAddr::from([198, 51, 100, 99]);
        lan.boot(0);
        lan.boot(1);
        lan.run_for(seconds(60));
        let (first, second) = (states(&lan, 0), states(&lan, 1));
        assert_ne!(first, second, "seed {seed}");
        assert!([&first, &second].into_iter().all(|s| s[0] == s[1]), "seed {seed}: {first:?} {second:?}");
        let changes = lan.status(0)[0].history.len();
        assert!(changes <= 4, "seed {seed}: {changes}");
    }
}

/// `pair`, and in its group a third instance on `eth0`, which is the node's own thing where it stands `alone`.
fn three(priority: u8, third: u8, alone: bool) -> Configuration {
    let mut configuration = pair(priority);
    let mut router = virtual_router("VI_3", "eth0", third);
    (router.vrid, router.addresses) = (Vrid::new(53).unwrap(), vec![vip(253)]);
    configuration.virtual_routers.push(router);
    if !alone {
        configuration.sync_groups[0].members.push("VI_3".to_owned());
    }
    configuration
}

/// What the reload of node 0, which puts `VI_3` into its group, does to it within `span`: the changes of the two that were
/// masters, and how all stand then on both nodes.
fn joins(lan: &mut Lan, joined: Configuration, span: Duration) -> (Vec<usize>, [Vec<VirtualRouterState>; 2]) {
    let before: Vec<usize> = lan.status(0)[..2].iter().map(|router| router.history.len()).collect();
    lan.reload(0, joined);
    lan.run_for(span);
    let after = lan.status(0);
    let changes = after[..2].iter().zip(before).map(|(router, before)| router.history.len() - before).collect();
    (changes, [states(lan, 0), states(lan, 1)])
}

#[test]
fn an_instance_that_a_reload_adds_to_a_group_that_leads_joins_it_and_nobody_resigns() {
    for backup_first in [true, false] {
        let mut lan = cluster();
        if backup_first {
            lan.reload(1, three(100, 100, false));
            lan.run_for(seconds(5));
            assert_eq!(states(&lan, 1), [Backup; 3]);
        }
        let before = lan.nodes[0].actions.len();
        let (changes, states_then) = joins(&mut lan, three(200, 200, false), seconds(3));
        assert_eq!((changes, &states_then[0]), (vec![0, 0], &vec![Master, Master, Backup]), "it listens first");
        lan.run_for(seconds(1));
        assert_eq!((states(&lan, 0), lan.holders(vip(253).address)), (vec![Master; 3], vec![0]));
        let removed = |word: &String| word.starts_with("remove") || word == "advertise 0";
        assert!(!lan.nodes[0].words(before).iter().any(removed));
        lan.reload(1, three(100, 100, false));
        lan.run_for(seconds(10));
        assert_eq!((states(&lan, 0), states(&lan, 1)), (vec![Master; 3], vec![Backup; 3]));
        lan.set_link(0, ETH1, false);
        lan.run_for(seconds(5));
        assert_eq!((states(&lan, 0), states(&lan, 1)), (vec![Fault; 3], vec![Master; 3]), "one for all from now on");
    }
}

#[test]
fn one_that_joins_takes_over_from_a_weaker_master() {
    let mut lan = cluster();
    lan.reload(1, three(100, 150, true));
    lan.run_for(seconds(5));
    assert_eq!(states(&lan, 1), [Backup, Backup, Master]);
    let told = joins(&mut lan, three(200, 200, false), seconds(5));
    assert_eq!(told, (vec![0, 0], [vec![Master; 3], vec![Backup; 3]]));
}

#[test]
fn one_that_joins_and_has_to_follow_another_master_takes_its_group_there() {
    let follows: [fn(&mut Configuration); 3] = [
        |c| c.virtual_routers[2].priority = Priority::new(150).unwrap(),
        |c| c.virtual_routers[2].preempt = false,
        |c| c.virtual_routers[2].preempt_delay = seconds(60),
    ];
    for follow in follows {
        let mut lan = cluster();
        lan.reload(1, three(100, 180, true));
        lan.run_for(seconds(5));
        let mut joined = three(200, 200, false);
        follow(&mut joined);
        let (changes, then) = joins(&mut lan, joined, seconds(10));
        assert_eq!((changes, then), (vec![1, 1], [vec![Backup; 3], vec![Master; 3]]), "all on one node");
        let reason = lan.status(0)[0].reason.clone();
        assert!(reason.starts_with("sync group G, VI_3: "), "{reason}");
    }
}

#[test]
fn one_that_joins_and_waits_for_its_script_holds_nobody_and_one_that_can_t_work_faults_all() {
    let said = |state| Input::Tracked { kind: TrackKind::Script, name: "s".into(), state, said: String::new() };
    let mut lan = cluster();
    let mut joined = three(200, 200, false);
    joined.virtual_routers[2].tracks =
        vec![Track { kind: TrackKind::Script, name: "s".to_owned(), weight: 0, reverse: false }];
    let (changes, [states_then, _]) = joins(&mut lan, joined, seconds(5));
    assert_eq!((changes, states_then), (vec![0, 0], vec![Master, Master, Init]));
    lan.input(0, said(Tracked::Up));
    lan.run_for(seconds(5));
    assert_eq!(states(&lan, 0), [Master; 3]);
    lan.input(0, said(Tracked::Down));
    assert_eq!(states(&lan, 0), [Fault; 3]);
}

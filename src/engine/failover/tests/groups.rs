//! Sync groups: members move together.

use super::lan::*;
use crate::engine::failover::Input;
use crate::engine::model::VrrpVersion;
use crate::engine::snapshot::VirtualRouterState::{self, Backup, Fault, Master};
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

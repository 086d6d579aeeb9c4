//! Clusters under seeded faults: whatever happened, once the network is whole again there is exactly one master, it has
//! the addresses, nobody else has, and nothing moves without a cause.

use super::lan::*;
use crate::engine::command::Command;
use crate::engine::event::EventKind;
use crate::engine::failover::Input;
use crate::engine::model::{AdvertInterval, Configuration, Priority, VrrpVersion};
use crate::engine::snapshot::VirtualRouterState::Master;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

/// How many seeds the usual test run takes; `tests/simulation` takes 10,000 and more.
const SEEDS: u64 = 1200;

/// A number out of the environment.
fn wished(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Runs a test for one of two halves of all seeds; a failing one prints itself and how to run it again.
fn for_half(half: u64, test: fn(u64)) {
    let all = wished("LVSDECK_SEEDS").unwrap_or(SEEDS);
    let seeds = match wished("LVSDECK_SEED") {
        Some(one) => one..one + 1,
        None => all / 2 * half..all / 2 * (half + 1),
    };
    for seed in seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| test(seed))) {
            eprintln!("failing seed: {seed}; again: tests/simulation --seed {seed}");
            resume_unwind(panic);
        }
    }
}

/// A cluster of two to four nodes that share version, interval and addresses.
fn cluster(random: &mut Random) -> Vec<Configuration> {
    let version = random.pick(&[VrrpVersion::V2, VrrpVersion::V3]);
    let interval = match version {
        VrrpVersion::V2 => random.pick(&[100, 200]),
        VrrpVersion::V3 => random.pick(&[1, 10, 100, 500]),
    };
    let addresses = (0..=random.below(2)).map(|n| vip(254 - u8::try_from(n).unwrap())).collect::<Vec<_>>();
    let grouped = random.chance(30);
    let node = |random: &mut Random| {
        let priority = random.pick(&[1, 50, 100, 100, 150, 200, 254]);
        let preempt = random.chance(75);
        let delay = if random.chance(20) { Duration::from_millis(interval.into()) * 20 } else { Duration::ZERO };
        let mut configuration = if grouped { pair(priority) } else { one(priority) };
        for router in &mut configuration.virtual_routers {
            (router.version, router.preempt, router.preempt_delay) = (version, preempt, delay);
            router.advert_interval = AdvertInterval::from_centiseconds(interval).unwrap();
            router.garp.repeat = 1;
        }
        configuration.virtual_routers[0].addresses.clone_from(&addresses);
        configuration
    };
    // A fifth of the clusters has five nodes at most, the others two to four.
    let nodes = if random.chance(20) { 5 } else { 2 + random.below(3) };
    (0..nodes).map(|_| node(random)).collect()
}

/// One thing that goes wrong, or right again.
fn mishap(lan: &mut Lan, interval: Duration) {
    let n = usize::try_from(lan.random.below(lan.nodes.len() as u64)).unwrap();
    match lan.random.below(10) {
        0 => lan.crash(n),
        1 if lan.nodes[n].core.is_none() => lan.boot(n),
        1 => {
            lan.input(n, Input::Shutdown { keep: false });
            lan.crash(n);
        }
        2 => {
            let up = lan.random.chance(50);
            let index = lan.random.pick(&[ETH0, ETH1]);
            lan.set_link(n, index, up);
        }
        3 => lan.faults.sides = (0..4).map(|_| u8::from(lan.random.chance(40))).collect(),
        4 => lan.faults.sides.clear(),
        5 => lan.faults.loss_percent = lan.random.pick(&[0, 5, 30, 80]),
        6 => lan.faults.duplicate_percent = lan.random.below(30),
        7 => {
            let blind = lan.random.chance(20);
            lan.command(n, Command::Failover { instance: None, hold_seconds: None, blind });
        }
        8 => lan.faults.delay_up_to = interval * u32::try_from(lan.random.below(12)).unwrap() / 10,
        _ => {
            if lan.nodes[n].core.is_some() {
                lan.meddle(n, ETH0, vip(254).address, 24, false);
            }
            let noise: Vec<u8> =
                (0..lan.random.below(40)).map(|_| u8::try_from(lan.random.below(256)).unwrap()).collect();
            lan.inject(n, ETH0, &packet(Ipv4Addr::new(192, 0, 2, 99), 255, &noise));
        }
    }
}

fn heal(lan: &mut Lan) {
    lan.faults = Faults { delay_up_to: Duration::from_micros(300), ..Faults::default() };
    for n in 0..lan.nodes.len() {
        if lan.nodes[n].core.is_none() {
            lan.boot(n);
        }
        lan.set_link(n, ETH0, true);
        lan.set_link(n, ETH1, true);
        lan.command(n, Command::Rejoin { instance: None });
    }
}

fn one_master_after_healing(seed: u64) {
    let mut random = Random(seed);
    let configurations = cluster(&mut random);
    let interval = configurations[0].virtual_routers[0].advert_interval.duration();
    let mut lan = Lan::new(configurations);
    lan.random = random;
    if lan.random.chance(50) {
        // The order of addresses decides among equals; on the second interface it is the other way round.
        for (n, node) in (0u8..).zip(&mut lan.nodes) {
            node.addresses[1].1 = IpAddr::from([198, 51, 100, 30 - n]);
        }
    }
    for _ in 0..25 {
        mishap(&mut lan, interval);
        let pause = interval * u32::try_from(lan.random.below(60)).unwrap() / 10;
        lan.run_for(pause);
    }
    heal(&mut lan);
    // Twice: master down with the largest skew, and the longest preempt_delay.
    lan.run_for(interval * 60 + seconds(4));
    check(&lan);
    let before: Vec<usize> = changes(&lan);
    lan.run_for(interval * 30);
    check(&lan);
    assert_eq!(changes(&lan), before, "nothing moves without a cause");
    for (n, node) in lan.nodes.iter().enumerate() {
        // Noise may look like somebody else's virtual router.
        let warnings: Vec<String> = node.warnings().into_iter().filter(|code| code != "foreign-vrid").collect();
        assert_eq!(warnings, [""; 0], "node {n}");
    }
}

/// State changes of every node so far.
fn changes(lan: &Lan) -> Vec<usize> {
    lan.nodes.iter().map(|node| node.facts(EventKind::InstanceState).len()).collect()
}

fn check(lan: &Lan) {
    let masters = lan.masters();
    assert_eq!(masters.len(), 1, "masters: {masters:?}");
    let master = masters[0];
    assert!(lan.status(master).iter().all(|s| s.state == Master), "a group is master as a whole");
    let configuration = &lan.nodes[master].configuration;
    for address in configuration.virtual_routers.iter().flat_map(|r| &r.addresses) {
        assert_eq!(lan.holders(address.address), [master], "{address}");
    }
    let priority = |n: usize| lan.nodes[n].configuration.virtual_routers[0].priority;
    for (n, node) in lan.nodes.iter().enumerate() {
        let stronger: Priority = priority(n);
        assert!(
            !node.configuration.virtual_routers[0].preempt || stronger <= priority(master),
            "node {n} with priority {stronger} should preempt node {master}"
        );
    }
}

#[test]
fn after_any_history_of_faults_there_is_one_master_with_all_addresses() {
    for_half(0, one_master_after_healing);
}

#[test]
fn after_any_other_history_of_faults_there_is_one_master_with_all_addresses() {
    for_half(1, one_master_after_healing);
}

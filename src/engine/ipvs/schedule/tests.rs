//! Sequences worked out by hand from the kernel's rules; `tests/ipvs_schedule.rs` compares them with the kernel itself.

use super::{End, Phase, Pool, SCHEDULED};
use crate::engine::ipvs::fixture::{destination, server, service};
use crate::engine::ipvs::{Destination, Service};
use crate::engine::model::{Persistence, RealServerKey, SCHEDULERS};
use proptest::prelude::*;
use std::net::IpAddr;
use std::time::{Duration, Instant};

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

/// Servers a, b, c… with these weights, added in this order.
fn pool(service: &Service, weights: &[u32]) -> Pool {
    let mut pool = Pool::new(service).unwrap();
    for (n, weight) in weights.iter().enumerate() {
        pool.add(key(n), &destination(*weight));
    }
    pool
}

fn key(n: usize) -> crate::engine::model::RealServerKey {
    server(&format!("10.0.0.{}:80", n + 1))
}

/// Whom this many connections go to, as letters.
fn arrivals(pool: &mut Pool, count: usize) -> String {
    (0..count).map(|_| letter(pool, CLIENT)).collect()
}

fn letter(pool: &mut Pool, client: IpAddr) -> char {
    let IpAddr::V4(v4) = pool.arrive(Instant::now(), client, 4000).map_or(CLIENT, |key| key.0.ip()) else {
        return '?';
    };
    if IpAddr::V4(v4) == CLIENT { '-' } else { char::from(b'a' + v4.octets()[3] - 1) }
}

#[test]
fn rr_goes_round_from_the_newest_and_passes_over_weight_zero() {
    let mut rr = pool(&service("rr"), &[1, 1, 1]);
    assert_eq!(arrivals(&mut rr, 7), "cbacbac");
    rr.change(key(0), &destination(0));
    assert_eq!(arrivals(&mut rr, 4), "bcbc");
    rr.remove(key(2));
    assert_eq!(arrivals(&mut rr, 2), "bb", "the list's head is before the first");
    rr.change(key(1), &destination(0));
    assert_eq!(arrivals(&mut rr, 2), "--");
}

#[test]
fn wrr_gives_rounds_to_the_heavy_and_divides_by_what_all_share() {
    let mut wrr = pool(&service("wrr"), &[1, 2, 4]);
    assert_eq!(arrivals(&mut wrr, 14), "cbacccbcbacccb", "added one by one, it begins in the last round");
    let mut wrr = pool(&service("wrr"), &[10, 20, 40]);
    assert_eq!(arrivals(&mut wrr, 7), "cbacccb");
    let mut none = pool(&service("wrr"), &[0, 0]);
    assert_eq!(arrivals(&mut none, 2), "--");
}

/// A connection to this server ended so long ago that nothing is left of it.
fn end(pool: &mut Pool, key: RealServerKey) {
    let now = Instant::now();
    pool.end(now, key, Phase::Active, End::Closed);
    pool.expire(now + End::Closed.lasts());
}

#[test]
fn an_ended_connection_counts_as_inactive_for_two_minutes_and_a_reset_one_for_ten_seconds() {
    let mut wlc = pool(&service("wlc"), &[1, 3]);
    let start = Instant::now();
    let short = |pool: &mut Pool, end| {
        let key = pool.arrive(start, CLIENT, 1).unwrap();
        pool.end(start, key, Phase::Active, end);
        if key == self::key(0) { 'a' } else { 'b' }
    };
    let names: String = (0..8).map(|_| short(&mut wlc, End::Closed)).collect();
    assert_eq!(names.matches('b').count(), 6, "three of four go to weight 3: {names}");
    short(&mut wlc, End::Reset);
    let left = |pool: &mut Pool, after| {
        pool.expire(start + Duration::from_secs(after));
        pool.service().destinations.values().map(|d| d.inactive).sum::<u32>()
    };
    assert_eq!([9, 10, 119, 120].map(|after| left(&mut wlc, after)), [9, 8, 8, 0]);
}

#[test]
fn lc_takes_the_first_with_the_fewest_and_wlc_by_weight() {
    let mut lc = pool(&service("lc"), &[1, 9, 1]);
    assert_eq!(arrivals(&mut lc, 6), "cbacba");
    end(&mut lc, key(1));
    assert_eq!(arrivals(&mut lc, 1), "b");
    let mut wlc = pool(&service("wlc"), &[1, 3, 1]);
    assert_eq!(arrivals(&mut wlc, 5), "cbabb");
    // 256 inactive connections weigh as much as one active.
    let mut lc = pool(&service("lc"), &[1, 1]);
    assert_eq!(arrivals(&mut lc, 2), "ba");
    lc.turn(key(0), Phase::Active, Phase::Inactive);
    assert_eq!(arrivals(&mut lc, 1), "a");
}

#[test]
fn sh_keeps_a_client_where_it_is_and_refuses_when_that_one_is_full() {
    let clients: Vec<IpAddr> = (0..64_u8).map(|n| IpAddr::from([198, 51, 100, n])).collect();
    let mut sh = pool(&service("sh"), &[1, 2, 1]);
    let first: String = clients.iter().map(|client| letter(&mut sh, *client)).collect();
    let second: String = clients.iter().map(|client| letter(&mut sh, *client)).collect();
    assert_eq!(first, second);
    for each in ["a", "b", "c"] {
        assert!(first.contains(each), "{first}");
    }
    sh.change(key(1), &destination(0));
    let now: String = clients.iter().map(|client| letter(&mut sh, *client)).collect();
    assert!(now.contains('-') && !now.contains('b'), "without fallback its buckets answer nobody: {now}");
    let mut flags = pool(&Service { scheduler_flags: 0x8, ..service("sh") }, &[1, 2, 1]);
    flags.change(key(1), &destination(0));
    let now: String = clients.iter().map(|client| letter(&mut flags, *client)).collect();
    assert!(!now.contains('-') && !now.contains('b'), "{now}");
}

#[test]
fn persistence_binds_a_client_even_to_weight_zero_until_it_ends() {
    let persistent = Service { persistence: Some(Persistence { timeout: 60, prefix: 24 }), ..service("rr") };
    let mut pool = pool(&persistent, &[1, 1]);
    let start = Instant::now();
    let neighbour = IpAddr::from([192, 0, 2, 99]);
    let at = |pool: &mut Pool, seconds, client| pool.arrive(start + Duration::from_secs(seconds), client, 1);
    assert_eq!(at(&mut pool, 0, CLIENT), Some(key(1)));
    assert_eq!(at(&mut pool, 30, neighbour), Some(key(1)), "one group of clients");
    pool.change(key(1), &destination(0));
    assert_eq!(at(&mut pool, 80, CLIENT), Some(key(1)), "drained, and still bound");
    assert_eq!(pool.service().destinations[&key(1)].persistent, 1);
    assert_eq!(at(&mut pool, 141, CLIENT), Some(key(0)), "60 s without a connection");
    assert_eq!(pool.service().destinations[&key(1)].persistent, 0);
    pool.remove(key(0));
    pool.change(key(1), &destination(1));
    assert_eq!(at(&mut pool, 142, CLIENT), Some(key(1)), "its server is gone");
}

#[test]
fn a_full_server_is_passed_over_until_it_is_below_its_lower_threshold() {
    let full = |lower| Destination { upper_threshold: 4, lower_threshold: lower, ..destination(1) };
    for (lower, free_at) in [(2, 1), (0, 2)] {
        let mut pool = pool(&service("rr"), &[]);
        pool.add(key(0), &full(lower));
        assert_eq!(arrivals(&mut pool, 5), "aaaa-");
        for left in (0..4).rev() {
            end(&mut pool, key(0));
            let free = pool.clone().arrive(Instant::now(), CLIENT, 1).is_some();
            assert_eq!(free, left <= free_at, "lower {lower}, {left} left");
        }
    }
}

#[test]
fn a_server_that_comes_back_finds_the_connections_that_it_still_has() {
    let mut pool = pool(&service("lc"), &[1, 1]);
    assert_eq!(arrivals(&mut pool, 2), "ba");
    pool.remove(key(1));
    assert_eq!(arrivals(&mut pool, 1), "a");
    pool.add(key(1), &destination(1));
    assert_eq!(pool.service().destinations[&key(1)].active, 1);
    end(&mut pool, key(1));
    pool.remove(key(1));
    pool.add(key(1), &destination(1));
    assert_eq!(pool.service().destinations[&key(1)].active, 0);
}

#[test]
fn a_scheduler_that_is_not_here_is_refused_and_changes_nothing() {
    for (scheduler, name, _) in SCHEDULERS {
        assert_eq!(Pool::new(&service(name)).is_some(), SCHEDULED.contains(scheduler), "{name}");
    }
    let mut pool = pool(&service("rr"), &[1, 1]);
    assert!(!pool.set(&service("mh")));
    assert_eq!(pool.service().scheduler, "rr");
    assert!(pool.set(&service("wlc")));
    assert_eq!(pool.service().destinations.len(), 2);
}

proptest! {
    /// Whatever the weights and whoever leaves: nobody at weight 0 is chosen, and somebody is whenever anybody can be.
    #[test]
    fn somebody_takes_it_if_anybody_can(
        scheduler in prop::sample::select(vec!["rr", "wrr", "lc", "wlc"]),
        weights in prop::collection::vec(0..6_u32, 0..6),
        leavers in prop::collection::vec(0..6_usize, 0..4),
    ) {
        let mut pool = pool(&service(scheduler), &weights);
        for leaver in leavers {
            pool.arrive(Instant::now(), CLIENT, 1);
            pool.remove(key(leaver));
        }
        for _ in 0..20 {
            let able = pool.service().destinations.values().any(|d| d.weight.get() > 0);
            let chosen = pool.arrive(Instant::now(), CLIENT, 1);
            prop_assert_eq!(chosen.is_some(), able);
            prop_assert!(chosen.is_none_or(|key| pool.service().destinations[&key].weight.get() > 0));
        }
    }

    /// Over whole rounds wrr gives each as many as its weight says.
    #[test]
    fn wrr_is_fair(weights in prop::collection::vec(1..9_u32, 1..6)) {
        let mut pool = pool(&service("wrr"), &weights);
        for _ in 0..weights.iter().sum::<u32>() {
            pool.arrive(Instant::now(), CLIENT, 1);
        }
        for (n, weight) in weights.iter().enumerate() {
            prop_assert_eq!(pool.service().destinations[&key(n)].active, *weight);
        }
    }
}

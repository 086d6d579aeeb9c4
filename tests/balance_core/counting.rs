//! Counters that tell the truth: live totals, and an estimator that stands still.

use crate::rig::{A, Rig, S, WEB, key, rs, service};
use lvsdeck::engine::balance::Input;
use lvsdeck::engine::ipvs::{LiveTotals, Traffic};

fn totals(connections: u64, is_estimating: bool) -> Input {
    Input::Counted(LiveTotals { traffic: Traffic { connections, ..Traffic::default() }, is_estimating, is_bound: true })
}

/// What the kernel says of the server's connections from now on.
fn count(rig: &Rig, connections: u64) {
    rig.edit(|table| {
        let service = table.services.get_mut(&key(WEB)).unwrap();
        service.destinations.get_mut(&rs(A)).unwrap().traffic.connections = connections;
    });
}

fn rate(rig: &Rig) -> f64 {
    rig.server(0, A).rates.connections_per_s
}

#[test]
fn totals_are_live_while_the_services_counters_stand_still() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    assert_eq!(rig.balance.totals(), None, "a table that counts nothing in all");
    for second in 0..10 {
        rig.give(totals(second * 5, false));
        rig.pass(S);
    }
    let shown = rig.balance.totals().unwrap();
    assert_eq!((shown.counters.connections, shown.rates.connections_per_s, shown.stale), (45, 5.0, true));
    assert!(rate(&rig).abs() < f64::EPSILON);
}

#[test]
fn an_estimator_that_is_switched_on_again_makes_no_rate_of_all_that_it_missed() {
    let mut rig = Rig::started(&[service(WEB, &[A])]);
    rig.give(totals(0, true));
    count(&rig, 100);
    rig.pass(2 * S);
    for _ in 0..5 {
        rig.give(totals(0, false));
        rig.pass(S);
    }
    let mut fastest = 0.0_f64;
    for second in 0..8 {
        rig.give(totals(0, true));
        // The first tick adds up what came in an hour; after that ten connections a tick.
        count(&rig, if second < 2 { 100 } else { 1_000_000 + second / 2 * 10 });
        rig.pass(S);
        fastest = fastest.max(rate(&rig));
    }
    assert!(fastest <= 10.0, "{fastest}");
    assert!(rate(&rig) > 0.0, "and then rates are taken again");
    assert!(!rig.balance.totals().unwrap().stale);
    assert_eq!(rig.server(0, A).counters.connections, 1_000_030, "the total itself is the kernel's");
}

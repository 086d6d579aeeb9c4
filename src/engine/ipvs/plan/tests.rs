use super::*;
use crate::engine::ipvs::fixture::{destination, key, ownership, server, service, table};
use crate::engine::model::Weight;
use proptest::prelude::*;

fn of(servers: &[(&str, u32)]) -> Service {
    let destinations = servers.iter().map(|(text, weight)| (server(text), destination(*weight))).collect();
    Service { destinations, ..service("wrr") }
}

fn tables<const N: usize>(services: [(&str, Service); N]) -> IpvsTable {
    IpvsTable { services: services.into_iter().map(|(text, service)| (key(text), service)).collect() }
}

fn words(ops: &[IpvsOp]) -> Vec<String> {
    ops.iter().map(ToString::to_string).collect()
}

#[test]
fn capacity_comes_before_it_goes() {
    let desired = tables([
        ("tcp/10.0.0.1:80", of(&[("10.0.0.71:80", 0), ("10.0.0.72:80", 5), ("10.0.0.73:80", 1)])),
        ("tcp/10.0.0.1:443", of(&[("10.0.0.71:443", 1)])),
    ]);
    let observed = tables([
        ("tcp/10.0.0.1:80", of(&[("10.0.0.71:80", 5), ("10.0.0.72:80", 0), ("10.0.0.70:80", 1)])),
        ("tcp/10.0.0.1:22", of(&[("10.0.0.71:22", 1)])),
    ]);
    let owned = [
        (key("tcp/10.0.0.1:80"), vec![server("10.0.0.70:80")]),
        (key("tcp/10.0.0.1:22"), vec![server("10.0.0.71:22")]),
    ];
    let ops = plan(&desired, &observed, &owned.into_iter().collect());
    assert_eq!(
        words(&ops),
        [
            "change real server 10.0.0.72:80 of tcp/10.0.0.1:80",
            "add real server 10.0.0.73:80 to tcp/10.0.0.1:80",
            "change real server 10.0.0.71:80 of tcp/10.0.0.1:80",
            "add service tcp/10.0.0.1:443",
            "add real server 10.0.0.71:443 to tcp/10.0.0.1:443",
            "remove real server 10.0.0.70:80 of tcp/10.0.0.1:80",
            "remove service tcp/10.0.0.1:22",
        ]
    );
}

#[test]
fn a_strangers_server_and_service_stay_and_the_server_is_told() {
    let web = "tcp/10.0.0.1:80";
    let desired = tables([(web, of(&[("10.0.0.71:80", 1)]))]);
    let observed =
        tables([(web, of(&[("10.0.0.71:80", 1), ("10.0.0.99:80", 7)])), ("fwmark/7", of(&[("10.0.0.71:80", 1)]))]);
    let owned = [(key(web), vec![server("10.0.0.71:80")])].into_iter().collect();
    assert_eq!(plan(&desired, &observed, &owned), []);
    let told = drift(&desired, &observed, &owned);
    assert_eq!(told.len(), 1);
    assert!(!told[0].repairable);
    assert_eq!(told[0].to_string(), "tcp/10.0.0.1:80 10.0.0.99:80: wanted absent, found dr weight 7");
}

#[test]
fn what_is_counted_is_no_difference() {
    let desired = tables([("fwmark/7", of(&[("10.0.0.71:0", 1)]))]);
    let mut observed = desired.clone();
    let service = observed.services.get_mut(&key("fwmark/7")).unwrap();
    service.traffic.in_bytes = 1;
    service.destinations.get_mut(&server("10.0.0.71:0")).unwrap().active = 3;
    assert_eq!(drift(&desired, &observed, &Ownership::default()), []);
}

#[test]
fn drift_tells_settings_in_words() {
    let desired = tables([("tcp/10.0.0.1:80", of(&[("10.0.0.71:80", 3)]))]);
    let mut observed = desired.clone();
    let service = observed.services.get_mut(&key("tcp/10.0.0.1:80")).unwrap();
    service.scheduler = "rr".to_owned();
    service.destinations.get_mut(&server("10.0.0.71:80")).unwrap().weight = Weight::ZERO;
    let told: Vec<_> = drift(&desired, &observed, &Ownership::default()).iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "tcp/10.0.0.1:80: wanted wrr, found rr",
            "tcp/10.0.0.1:80 10.0.0.71:80: wanted dr weight 3, found dr weight 0",
        ]
    );
}

fn applied(ops: &[IpvsOp], to: &IpvsTable) -> IpvsTable {
    let mut table = to.clone();
    for op in ops {
        table.apply(op).unwrap();
    }
    table
}

proptest! {
    #[test]
    fn a_plan_makes_the_wanted_table_and_leaves_strangers_alone(
        desired in table(), observed in table(), owned in ownership()
    ) {
        let result = applied(&plan(&desired, &observed, &owned), &observed);
        for (key, wanted) in &desired.services {
            let found = result.services.get(key).unwrap();
            prop_assert!(found.same_settings(wanted));
            for (server, wanted) in &wanted.destinations {
                prop_assert!(found.destinations.get(server).unwrap().same_settings(wanted));
            }
        }
        for (key, found) in &result.services {
            let wanted = desired.services.get(key);
            prop_assert!(wanted.is_some() || !owned.owns(key), "left behind: {key}");
            for server in found.destinations.keys() {
                let wanted = wanted.is_some_and(|wanted| wanted.destinations.contains_key(server));
                prop_assert!(wanted || !owned.owns_server(key, server), "left behind: {key} {server}");
            }
        }
        for (key, before) in &observed.services {
            if !desired.services.contains_key(key) && !owned.owns(key) {
                prop_assert_eq!(result.services.get(key), Some(before));
            }
            for (server, stranger) in &before.destinations {
                let wanted = desired.services.get(key).is_some_and(|s| s.destinations.contains_key(server));
                if !wanted && !owned.owns_server(key, server) && (desired.services.contains_key(key) || !owned.owns(key)) {
                    prop_assert_eq!(result.services[key].destinations.get(server), Some(stranger));
                }
            }
        }
    }

    #[test]
    fn after_a_plan_there_is_nothing_to_do(desired in table(), observed in table(), owned in ownership()) {
        let result = applied(&plan(&desired, &observed, &owned), &observed);
        prop_assert_eq!(plan(&desired, &result, &owned), []);
        prop_assert!(drift(&desired, &result, &owned).iter().all(|difference| !difference.repairable));
        prop_assert_eq!(plan(&desired, &desired, &owned), []);
    }

    #[test]
    fn a_service_never_loses_all_its_weight_on_the_way(desired in table(), observed in table(), owned in ownership()) {
        let weight = |service: &Service| service.destinations.values().map(|d| u64::from(d.weight.get())).sum::<u64>();
        let mut now = observed.clone();
        for op in plan(&desired, &observed, &owned) {
            now.apply(&op).unwrap();
            let key = op.service();
            let served = |table: &IpvsTable| table.services.get(&key).is_some_and(|service| weight(service) > 0);
            if served(&observed) && served(&desired) {
                prop_assert!(served(&now), "nobody serves after: {}", op);
            }
        }
    }
}

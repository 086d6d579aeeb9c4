//! Whatever the two configurations are: a reload and time lead where a fresh start leads.

use crate::rig::{Rig, S, key, reload, rs, server, weight, with_alpha};
use lvsdeck::engine::balance::{Action, Input};
use lvsdeck::engine::model::{Forwarding, Persistence, Quorum, Scheduler, SorryServer, VirtualServer};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::sync::Arc;

const SERVICES: [&str; 3] = ["tcp/10.0.0.1:80", "udp/10.0.0.1:80", "fwmark/7"];
const SERVERS: [&str; 4] = ["10.0.0.71:80", "10.0.0.72:80", "10.0.0.73:80", "10.0.0.74:80"];

prop_compose! {
    fn a_server(address: &'static str)(
        number in 0..3_u32,
        nat in any::<bool>(),
        inhibit in any::<bool>(),
        checks in 0..3_u8,
        upper in 0..2_u32,
    ) -> lvsdeck::engine::model::RealServer {
        let mut one = server(address);
        one.weight = weight(number);
        one.forwarding = if nat { Forwarding::Nat } else { Forwarding::Dr };
        (one.inhibit_on_failure, one.upper_threshold) = (inhibit, upper);
        let tcp = Arc::make_mut(&mut one.checks[0]);
        tcp.timing.interval = (5 + u32::from(checks)) * S;
        if checks == 0 {
            one.checks.clear();
        }
        one
    }
}

fn a_service(text: &'static str) -> impl Strategy<Value = VirtualServer> {
    let servers = subsequence(&SERVERS[..], 0..=SERVERS.len()).prop_shuffle();
    let servers = servers.prop_flat_map(|names| names.into_iter().map(a_server).collect::<Vec<_>>());
    let words = (
        select(vec![Scheduler::Rr, Scheduler::Wrr, Scheduler::Wlc]),
        any::<bool>(),
        any::<bool>(),
        1..4_u32,
        select(vec![None, Some("10.0.0.74:80"), Some("10.0.0.99:80")]),
    );
    (servers, words).prop_map(move |(real_servers, (scheduler, persistent, cautious, need, sorry))| {
        let web = VirtualServer {
            scheduler,
            forwarding: Forwarding::Dr,
            persistence: persistent.then_some(Persistence { timeout: 300, prefix: 32 }),
            quorum: Quorum { need, hysteresis: 0 },
            sorry_server: sorry.map(|text| SorryServer::new(rs(text))),
            real_servers,
            ..VirtualServer::new(key(text))
        };
        if cautious { with_alpha(web) } else { web }
    })
}

fn a_configuration() -> impl Strategy<Value = Vec<VirtualServer>> {
    subsequence(&SERVICES[..], 0..=SERVICES.len())
        .prop_shuffle()
        .prop_flat_map(|names| names.into_iter().map(a_service).collect::<Vec<_>>())
}

fn settled(rig: &mut Rig, dead: &[&str]) {
    for server in dead {
        rig.kill(server);
    }
    rig.pass(30 * S);
}

fn keys(rig: &Rig) -> Vec<String> {
    let status = rig.status();
    status
        .iter()
        .map(|s| format!("{} {:?}", s.key, s.real_servers.iter().map(|r| r.key.to_string()).collect::<Vec<_>>()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_reload_leads_where_a_fresh_start_leads(
        configurations in vec(a_configuration(), 2..4),
        dead in subsequence(&SERVERS[..], 0..=SERVERS.len()),
    ) {
        let last = configurations.last().unwrap();
        let mut fresh = Rig::started(last);
        settled(&mut fresh, &dead);
        let mut rig = Rig::started(&configurations[0]);
        settled(&mut rig, &dead);
        for next in &configurations[1..] {
            prop_assert_eq!(rig.reload(next), Ok(()));
        }
        settled(&mut rig, &dead);
        prop_assert_eq!(rig.edit(|table| table.clone()), fresh.edit(|table| table.clone()));
        prop_assert_eq!(keys(&rig), keys(&fresh));
        prop_assert_eq!(&rig.remembered, &fresh.remembered);
        rig.kernel.take_history();
        rig.balance.handle(rig.now, reload(last));
        let actions: Vec<Action> = std::iter::from_fn(|| rig.balance.poll_action()).collect();
        prop_assert_eq!(actions, vec![Action::Reloaded(Ok(String::new()))], "twice is once");
        rig.give(Input::Shutdown { keep: false });
        prop_assert!(rig.edit(|table| table.services.is_empty()) && rig.remembered.is_empty());
    }
}

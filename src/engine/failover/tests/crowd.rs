//! What many instances cost: how many of them are looked at for one packet.

use super::lan::*;
use crate::engine::failover::Input;
use crate::engine::model::{Configuration, VirtualAddress, Vrid};
use crate::engine::snapshot::VirtualRouterState;

/// 250 instances on each of two interfaces.
fn crowd() -> Configuration {
    let router = |number: u8, interface: &str| {
        let mut router = virtual_router(&format!("{interface}-{number}"), interface, 100);
        router.vrid = Vrid::new(number).unwrap();
        let third = u8::from(interface != "eth0");
        router.addresses = vec![VirtualAddress::new([10, 0, third, number].into(), 32)];
        router
    };
    let routers = ["eth0", "eth1"].iter().flat_map(|interface| (1..=250).map(|number| router(number, interface)));
    Configuration { virtual_routers: routers.collect(), ..Configuration::default() }
}

#[test]
fn a_packet_and_a_deadline_look_at_their_own_instances_however_many_there_are() {
    let mut lan = Lan::started(vec![crowd(), crowd()]);
    lan.run_for(seconds(8));
    let (first, second) = (lan.masters(), lan.status(0).len());
    assert_eq!((first, second), (vec![1], 500), "the higher address leads");
    let sent = lan.nodes[1].core.as_ref().unwrap().routers.iter().next().unwrap().last_sent.clone();
    let packet = packet_to([192, 0, 2, 12].into(), [224, 0, 0, 18].into(), 255, &sent);
    let now = lan.now;
    let core = lan.nodes[0].core.as_mut().unwrap();
    core.routers.visits.set(0);
    core.handle(now, Input::Packet { index: ETH0, packet: &packet });
    let by_packet = core.routers.visits.take();
    core.handle(now, Input::Timeout);
    assert!(core.poll_timeout().is_some());
    let by_timeout = core.routers.visits.take();
    assert!(by_packet <= 30 && by_timeout <= 30, "{by_packet} and {by_timeout} visits");
    let heard = &core.routers.get(0).unwrap();
    assert!(heard.counters.adverts_rx > 1 && heard.state() == VirtualRouterState::Backup);
}

//! Whether the hosts of other routers are there. A backup says nothing on the wire, so a master asks their addresses by ARP, when
//! it advertises anyhow; what nobody answered is told as just that. IPv6 and what is beyond the link are not asked.

use super::Action;
use super::core::Failover;
use crate::engine::model::Transport;
use crate::engine::vrrp;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// Between two questions.
const PAUSE: Duration = Duration::from_secs(15);
/// So many questions in a row without an answer, the last one still out.
const LOST: u8 = 3;

/// What the hosts of one router's peers answered.
#[derive(Debug, Default)]
pub(super) struct Reach {
    asked_at: Option<Instant>,
    hosts: BTreeMap<Ipv4Addr, Host>,
}

#[derive(Debug, Default)]
struct Host {
    unanswered: u8,
    answered_at: Option<Instant>,
}

impl Reach {
    /// When this host answered last, and whether it is there as far as that tells.
    pub fn of(&self, address: IpAddr) -> (Option<Instant>, Option<bool>) {
        let IpAddr::V4(address) = address else { return (None, None) };
        let Some(host) = self.hosts.get(&address) else { return (None, None) };
        let is_there = if host.unanswered >= LOST { Some(false) } else { host.answered_at.map(|_| true) };
        (host.answered_at, is_there)
    }
    /// These are asked now; others are forgotten.
    fn ask(&mut self, now: Instant, peers: &[Ipv4Addr]) {
        self.asked_at = Some(now);
        self.hosts.retain(|address, _| peers.contains(address));
        for peer in peers {
            let host = self.hosts.entry(*peer).or_default();
            host.unanswered = host.unanswered.saturating_add(1);
        }
    }
    fn answered(&mut self, now: Instant, address: Ipv4Addr) {
        if let Some(host) = self.hosts.get_mut(&address) {
            *host = Host { unanswered: 0, answered_at: Some(now) };
        }
    }
}

impl Failover {
    /// Asks the hosts of the peers, when it is time to.
    pub(super) fn ask_peers(&mut self, now: Instant, i: usize) {
        let Some(router) = self.routers.get(i) else { return };
        if !router.instance.is_master() || router.reach.asked_at.is_some_and(|at| now < at + PAUSE) {
            return;
        }
        let Some((index, Some(mac))) = self.host.by_name(&router.config.interface).map(|link| (link.index, link.mac))
        else {
            return;
        };
        let configured = match &router.config.transport {
            Transport::Unicast(unicast) => unicast.peers.as_slice(),
            Transport::Multicast { .. } => &[],
        };
        let known = router.peers.iter().map(|(address, _)| address).chain(configured.iter().map(|peer| peer.address));
        let mut peers: Vec<Ipv4Addr> = known.filter_map(|address| self.on_link(index, address)).collect();
        peers.sort_unstable();
        peers.dedup();
        for peer in &peers {
            self.push(Action::Probe { index, frame: vrrp::probe(mac, *peer) });
        }
        if let Some(router) = self.routers.get_mut(i) {
            router.reach.ask(now, &peers);
        }
    }

    /// Somebody answered for this address.
    pub(super) fn peer_answered(&mut self, now: Instant, address: Ipv4Addr) {
        for router in &mut self.routers {
            router.reach.answered(now, address);
        }
    }

    /// The address, where an address of the interface has it in its network.
    fn on_link(&self, index: u32, peer: IpAddr) -> Option<Ipv4Addr> {
        let IpAddr::V4(peer) = peer else { return None };
        let near = |own: IpAddr| {
            let IpAddr::V4(own) = own else { return false };
            let differs = (own.to_bits() ^ peer.to_bits()).leading_zeros();
            self.host.prefixes(index, own.into()).any(|prefix| differs >= u32::from(prefix))
        };
        self.host.addresses(index).any(near).then_some(peer)
    }
}

//! Whether the hosts of other routers are there. A backup says nothing on the wire, so a master asks their addresses by ARP, when
//! it advertises anyhow; what nobody answered is told as just that. A host is asked once for all instances of an interface. IPv6 and
//! what is beyond the link are not asked.

use super::Action;
use super::core::Failover;
use super::router::Router;
use crate::engine::model::Transport;
use crate::engine::vrrp;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// Between two questions.
const PAUSE: Duration = Duration::from_secs(15);
/// So many questions in a row without an answer, the last one still out.
const LOST: u8 = 3;
/// Who was not asked for so long is not known any more: nobody here is master.
const FORGOTTEN: Duration = Duration::from_secs(40);

/// What hosts answered, by interface.
#[derive(Debug, Default)]
pub(super) struct Reach(BTreeMap<(u32, Ipv4Addr), Host>);

#[derive(Debug)]
struct Host {
    asked_at: Instant,
    unanswered: u8,
    answered_at: Option<Instant>,
}

impl Reach {
    /// When this host answered last, and whether it is there as far as that tells.
    pub fn of(&self, now: Instant, index: u32, address: IpAddr) -> (Option<Instant>, Option<bool>) {
        let IpAddr::V4(address) = address else { return (None, None) };
        let Some(host) = self.0.get(&(index, address)).filter(|host| now < host.asked_at + FORGOTTEN) else {
            return (None, None);
        };
        let is_there = if host.unanswered >= LOST { Some(false) } else { host.answered_at.map(|_| true) };
        (host.answered_at, is_there)
    }

    /// Whether this one is to be asked now: when it is time, and it `is_near`.
    fn asks(&mut self, now: Instant, key: (u32, Ipv4Addr), is_near: impl FnOnce() -> bool) -> bool {
        if self.0.get(&key).is_some_and(|host| now < host.asked_at + PAUSE) {
            return false;
        }
        self.0.retain(|_, host| now < host.asked_at + FORGOTTEN);
        let host = self.0.entry(key).or_insert(Host { asked_at: now, unanswered: 0, answered_at: None });
        let asks = is_near();
        (host.asked_at, host.unanswered) = (now, if asks { host.unanswered.saturating_add(1) } else { 0 });
        asks
    }

    /// Somebody answered for this address.
    pub fn answered(&mut self, now: Instant, address: Ipv4Addr) {
        for (_, host) in self.0.iter_mut().filter(|((_, known), _)| *known == address) {
            (host.unanswered, host.answered_at) = (0, Some(now));
        }
    }
}

impl Failover {
    /// Asks the hosts of a master's peers, those for which it is time.
    pub(super) fn ask_peers(&mut self, now: Instant, i: usize) {
        let Some(router) = self.routers.get(i).filter(|router| router.instance.is_master()) else { return };
        let Some((index, Some(mac))) = self.host.by_name(&router.config.interface).map(|link| (link.index, link.mac))
        else {
            return;
        };
        for peer in known(router) {
            if self.reach.asks(now, (index, peer), || self.host.is_on_link(index, peer)) {
                self.actions.push_back(Action::Probe { index, frame: vrrp::probe(mac, peer) });
            }
        }
    }
}

/// The IPv4 addresses of a router's peers, heard or configured.
fn known(router: &Router) -> impl Iterator<Item = Ipv4Addr> {
    let configured = match &router.config.transport {
        Transport::Unicast(unicast) => unicast.peers.as_slice(),
        Transport::Multicast { .. } => &[],
    };
    let all = router.peers.iter().map(|(address, _)| address).chain(configured.iter().map(|peer| peer.address));
    all.filter_map(|address| if let IpAddr::V4(address) = address { Some(address) } else { None })
}

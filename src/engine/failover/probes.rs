//! Whether another host has an address of ours: asked by ARP, where no advertisement may pass. What is concluded is only
//! what was answered.
//!
//! A master asks a moment after it became one and every half minute; at once where another host announces the address as its
//! own, and more often while another master is heard, or an answer came. It asks when it advertises anyhow: no deadline of its own.

use super::Action;
use super::core::Failover;
use super::router::Router;
use super::warnings::split_brain;
use crate::engine::snapshot::Warning;
use crate::engine::vrrp::{self, Claim, claim};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// After becoming master: who yields has done so by then.
const FIRST: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_secs(30);
/// While there is something to be seen.
const SHORT_PAUSE: Duration = Duration::from_secs(1);
/// How long an answer takes at most.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// An answer that was not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answered {
    pub address: Ipv4Addr,
    pub mac: [u8; 6],
    /// It counts until then: two probes later there is none.
    pub until: Instant,
}

impl Answered {
    /// Its MAC address as people write it.
    pub fn mac(&self) -> String {
        self.mac.map(|byte| format!("{byte:02x}")).join(":")
    }

    /// What was seen.
    pub fn evidence(&self) -> String {
        format!("{} answers ARP for {} too", self.mac(), self.address)
    }
}

impl Failover {
    /// The state of a router changed: a master asks, and nobody else.
    pub(super) fn plan_probe(&mut self, now: Instant, i: usize) {
        let Some(router) = self.routers.get_mut(i) else { return };
        router.probe_at = router.instance.is_master().then(|| now + FIRST);
        router.answered = None;
    }

    /// Asks, when it is time to.
    pub(super) fn probe_in_time(&mut self, now: Instant, i: usize) {
        self.ask_peers(now, i);
        let Some(router) = self.routers.get(i) else { return };
        if router.probe_at.is_none_or(|at| at > now) {
            return;
        }
        let is_curious = router.split.is_some();
        let frame = self.probe(i);
        if let Some(router) = self.routers.get_mut(i) {
            router.probe_at = Some(now + if is_curious { SHORT_PAUSE } else { PAUSE });
        }
        if let Some((index, frame)) = frame {
            self.push(Action::Probe { index, frame });
        }
    }

    /// Whether anybody can be asked.
    pub(super) fn can_ask(&self, i: usize) -> bool {
        self.probe(i).is_some()
    }

    /// The question for the first IPv4 address that is on. None with `use_vmac`: both masters have one MAC address then.
    fn probe(&self, i: usize) -> Option<(u32, Vec<u8>)> {
        if !self.routers.get(i)?.config.links.is_empty() {
            return None;
        }
        let places = self.places(i).into_iter().filter_map(|(_, place)| place);
        places.filter(|place| self.host.holds(*place)).find_map(|(index, address, _)| match address {
            IpAddr::V4(address) => Some((index, vrrp::probe(self.host.link(index)?.mac?, address))),
            IpAddr::V6(_) => None,
        })
    }

    /// Somebody answered a probe, or tells the link that it has an address: then who has it is asked with the next advertisement.
    pub(super) fn arp_heard(&mut self, now: Instant, frame: &[u8]) {
        let Some(Claim { address, mac, is_answer }) = claim(frame) else { return };
        if self.host.has_mac(mac) {
            return;
        }
        if is_answer {
            self.reach.answered(now, address);
        }
        let its = |router: &Router| {
            router.instance.is_master() && router.config.addresses.iter().any(|its| its.address == address)
        };
        let Some(i) = self.routers.iter().position(its) else { return };
        let Some(router) = self.routers.get_mut(i) else { return };
        if !is_answer {
            router.probe_at = router.probe_at.map(|at| at.min(now));
            return;
        }
        let pause = SHORT_PAUSE.max(router.instance.parameters().interval.duration());
        let answer = Answered { address, mac, until: now + pause * 2 + PATIENCE };
        let is_news = router.answered.replace(answer).is_none();
        router.probe_at = router.probe_at.map(|at| at.min(now + SHORT_PAUSE));
        if is_news {
            let name = router.config.name.clone();
            let (mut warning, suspect) = (warning(&name, &answer), self.suspect(now, i));
            if let Some((source, why)) = suspect {
                warning.next = split_brain(&name, source, why).next;
            }
            self.tell_contest(i, warning);
            if let Some(split) = self.routers.get_mut(i).and_then(|router| router.split.as_mut()) {
                split.suspect(suspect);
            }
        }
    }
}

/// What the operator should know of it.
pub(super) fn warning(name: &str, answer: &Answered) -> Warning {
    Warning {
        code: "split-brain".to_owned(),
        subject: name.to_owned(),
        message: format!("{}: another host has an address of this master", answer.evidence()),
        next: format!(
            "find {}: a master whose advertisements do not get here (IP protocol 112, a firewall), or a real server that should \
             not answer for it (net.ipv4.conf.all.arp_ignore 1)",
            answer.mac()
        ),
    }
}

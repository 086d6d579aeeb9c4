//! Packets: to which instance they belong, whether they count, and what they tell about other routers. A refused packet
//! is counted and reported; it never reaches a state or a timer.

use super::core::{Failover, Phase};
use super::peers::{HASTY, Oddity, alike};
use super::router::Router;
use super::warnings::{addresses_differ, duplicate_address, interval_differs, told};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::{Family, VrrpVersion};
use crate::engine::vrrp::{self, DecodeError, Heard, Received};
use std::net::IpAddr;
use std::time::Instant;

impl Failover {
    pub(super) fn packet(&mut self, now: Instant, index: u32, packet: &[u8]) {
        let Some(interface) = self.host.link(index).map(|link| link.name.as_str()) else { return };
        match self.phase {
            Phase::Loading => {
                let interface = interface.to_owned();
                return self.overhear(index, &interface, packet);
            }
            Phase::Running => {}
            Phase::Stopping(_) => return,
        }
        let sender = vrrp::sender(packet);
        if sender.foreign {
            return;
        }
        let (Some(source), Some(vrid)) = (sender.source, sender.vrid) else {
            let interface = interface.to_owned();
            return self.unreadable(now, &interface, packet, sender.source.map(Family::of));
        };
        let family = Family::of(source);
        let seat = self.routers.seat(interface, family, vrid);
        let is_strange = seat.is_none() && self.routers.is_used(interface, family);
        match seat {
            Some(i) if self.is_own(now, i, packet, (source, sender.noise.is_none())) => {}
            Some(i) => self.receive(now, i, packet),
            None if is_strange => self.stranger(now, (index, family, vrid), (source, &sender), packet),
            None => {}
        }
    }

    /// Nobody knows whom it was for: every instance of the interface counts it.
    fn unreadable(&mut self, now: Instant, interface: &str, packet: &[u8], family: Option<Family>) {
        let its = |r: &Router| r.config.interface == interface && family.is_none_or(|family| r.config.family == family);
        let here: Vec<usize> =
            self.routers.iter().enumerate().filter(|(_, router)| its(router)).map(|(i, _)| i).collect();
        for i in here {
            self.reject(now, i, packet, DecodeError::Truncated(packet.len()));
        }
    }

    /// Own packets that come back are counted; whatever else is wrong with them says nothing about others. An address that is on no
    /// interface here may be another router's: what can't be an echo is its.
    fn is_own(&mut self, now: Instant, i: usize, packet: &[u8], (source, plausible): (IpAddr, bool)) -> bool {
        let own = |router: &Router| router.footing.is_some_and(|footing| footing.source == source);
        if !self.routers.get(i).is_some_and(own) {
            return false;
        }
        let is_here = self.host.has_anywhere(source);
        let Some(router) = self.routers.get_mut(i) else { return false };
        let is_others = router.cannot_be_an_echo(now, packet);
        if is_others && !is_here {
            return false;
        }
        router.counters.own_rx += 1;
        if plausible && is_others {
            self.note_duplicate(now, i, source);
        }
        true
    }

    /// Another router uses our own address. No state hears of it: whoever it is, it is not to be told from ourselves.
    fn note_duplicate(&mut self, now: Instant, i: usize, source: IpAddr) {
        let Some(router) = self.routers.get_mut(i) else { return };
        let interval = router.instance.parameters().interval;
        let until = now + router.instance.master_down_interval(interval) * 3;
        if router.duplicate_until.replace(until).is_none() {
            let fact = told(duplicate_address(&router.config.name, &router.config.interface, source));
            self.report(fact);
        }
    }

    fn receive(&mut self, now: Instant, i: usize, packet: &[u8]) {
        let Some(router) = self.routers.get(i) else { return };
        match vrrp::receive(packet, &router.expected(vrrp::sender(packet).source)) {
            Ok(received) if router.is_strange(&received) => self.reject(now, i, packet, DecodeError::Stranger),
            Ok(received) => self.accept(now, i, &received),
            Err(error) => self.reject(now, i, packet, error),
        }
    }

    fn reject(&mut self, now: Instant, i: usize, packet: &[u8], error: DecodeError) {
        let sender = vrrp::sender(packet);
        let Some(router) = self.routers.get_mut(i) else { return };
        router.count_rejection(error.check());
        let source = sender.source;
        if let Some(number) = router.rejections.count(now, source, error.check()) {
            let from = source.map_or_else(|| "an unreadable sender".to_owned(), |source| source.to_string());
            let detail = match number {
                1 => format!("from {from}"),
                number => format!("from {from}, {number} since the last report"),
            };
            let fact = Fact::new(EventKind::AdvertisementRejected, Severity::Warning, &router.config.name);
            self.report(fact.reason(error.to_string()).detail(detail));
        }
        if let (Some(source), Some(priority), true) = (source, sender.priority, error.is_disagreement()) {
            self.note_dissenter(now, i, (source, priority), error);
        }
        let peer = source.and_then(|source| self.routers.get_mut(i)?.peers.known(source));
        if let Some(peer) = peer {
            peer.refuse(now, error, packet);
        }
    }

    fn accept(&mut self, now: Instant, i: usize, received: &Received) {
        let advertisement = &received.advertisement;
        let resigns = advertisement.priority.is_resignation();
        let Some(router) = self.routers.get_mut(i) else { return };
        // The next one of ours is above what was heard, of whomever.
        router.sequence = router.sequence.max(received.sequence.unwrap_or(0));
        self.take_leave(now, i, (received.source, advertisement.priority));
        self.note_peer(now, i, received);
        let Some(router) = self.routers.get_mut(i) else { return };
        router.counters.adverts_rx += 1;
        router.counters.priority_zero_rx += u64::from(resigns);
        let was_master = router.instance.is_master();
        let source = received.source;
        if !resigns {
            self.met_touched |= router.meets(source);
            self.hear_rival(now, i, source);
        }
        let heard = Heard { source, priority: advertisement.priority, interval: advertisement.interval };
        self.drive(now, i, vrrp::Input::Heard(heard));
        if resigns {
            return self.resigned_beside(now, i, source);
        }
        match self.routers.get(i).is_some_and(|r| r.instance.is_master()) {
            true if was_master => self.contest(now, i, source),
            true => {}
            false => {
                self.release_adopted(i);
                self.took_over(now, i, source);
            }
        }
    }

    /// Notes what an accepted advertisement says about its sender; what is odd about it is reported once.
    fn note_peer(&mut self, now: Instant, i: usize, received: &Received) {
        let Some(router) = self.routers.get_mut(i) else { return };
        let advertisement = &received.advertisement;
        let (theirs, ours) = (&advertisement.addresses, router.advertised_addresses());
        let other_addresses = !alike(theirs, &ours);
        let own = router.instance.parameters().interval;
        let other_interval = router.config.version == VrrpVersion::V3 && advertisement.interval != own;
        let window = router.instance.master_down_interval(advertisement.interval);
        let source = received.source;
        let other_checksum = received.checksum != router.checksum_form();
        let skips = router.config.variations.skip_check_adv_addr;
        let peer = router.peers.heard(source, now);
        // Before a planned hand-over two of them have a short interval.
        peer.odd_intervals = if other_interval { peer.odd_intervals.saturating_add(1) } else { 0 };
        let other_interval = peer.odd_intervals > HASTY;
        let other_addresses = if skips && peer.priority.is_some() { peer.oddity.addresses } else { other_addresses };
        if other_addresses && peer.addresses != *theirs {
            peer.addresses.clone_from(theirs);
        }
        let news = (other_addresses && !peer.oddity.addresses, other_interval && !peer.oddity.interval);
        peer.rejected = None;
        peer.sequence = received.sequence.unwrap_or(0);
        peer.beat(now, advertisement.interval, received.checksum);
        peer.advertised(advertisement.priority, window);
        peer.ranks(now, advertisement.priority);
        peer.oddity = Oddity { addresses: other_addresses, interval: other_interval, checksum: other_checksum };
        peer.odd_until = now + window * 3;
        router.counters.address_mismatch += u64::from(other_addresses);
        let name = &router.config.name;
        let addresses = news.0.then(|| told(addresses_differ(name, source, theirs, &ours)));
        let interval = news.1.then(|| told(interval_differs(name, source)));
        addresses.into_iter().chain(interval).for_each(|fact| self.report(fact));
    }
}

//! The start, and resuming what was master moments ago.
//!
//! An instance resumes only when nobody can have taken over by silence yet, nothing was heard of another master, and the
//! host is as it was left. Else it starts as always, and its addresses stay on until another master is heard.

use super::core::{Failover, Phase};
use super::past::Mastership;
use super::router::Router;
use super::{Action, Channel, OwnedAddress};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::vrrp;
use std::collections::BTreeSet;
use std::time::Instant;

impl Failover {
    pub(super) fn start(&mut self, now: Instant) {
        if self.phase != Phase::Loading {
            return;
        }
        self.phase = Phase::Running;
        self.settle_inherited();
        self.set_statics();
        self.survey();
        self.unset_left_routing();
        self.drop_links();
        for unit in 0..self.units.len() {
            self.resume(now, unit);
        }
        for i in 0..self.routers.len() {
            let note = self.routers.get_mut(i).and_then(|router| router.mastership.take());
            let Some(note) = note else { continue };
            let why = self.routers.get(i).and_then(|router| self.obstacle(router, &note, now));
            let why = why.unwrap_or_else(|| "another member of its sync group can't".to_owned());
            let fact = Fact::new(EventKind::Warning, Severity::Notice, note.instance);
            self.report(fact.reason(format!("not resumed as master: {why}")).detail("it starts by the normal rules"));
        }
        self.delay_start(now);
    }

    /// `vrrp_startup_delay`: what was not resumed waits. What holds addresses that an earlier run left on does not: they would
    /// be on two hosts.
    fn delay_start(&mut self, now: Instant) {
        if self.startup_delay.is_zero() {
            return;
        }
        for router in self.routers.iter_mut().filter(|router| router.is_fresh() && !router.adopted) {
            router.delayed = true;
            "waits for vrrp_startup_delay".clone_into(&mut router.reason);
            self.starts_at = Some(now + self.startup_delay);
        }
    }

    /// Resumes a whole unit, or nothing of it.
    fn resume(&mut self, now: Instant, unit: usize) {
        let members = self.members(unit);
        let may = |i: &usize| {
            self.routers.get(*i).is_some_and(|router| {
                router.mastership.as_ref().is_some_and(|note| self.obstacle(router, note, now).is_none())
            })
        };
        if !members.iter().all(may) {
            return;
        }
        for i in members {
            let Some(router) = self.routers.get_mut(i) else { continue };
            let Some(note) = router.mastership.take() else { continue };
            self.drive(now, i, vrrp::Input::Claim(note.origin.reason()));
        }
    }

    /// Why the router can't go on as master.
    fn obstacle(&self, router: &Router, note: &Mastership, now: Instant) -> Option<String> {
        let gone = note.addresses.iter().find(|owned| !self.host.place_of(owned).is_some_and(|p| self.host.holds(p)));
        let own = router.config.priority;
        match () {
            () if note.is_stale(now) => Some(format!(
                "its last advertisement was {} ms ago, and others wait for three intervals only",
                note.age(now).as_millis()
            )),
            () if router.rival.is_some() => router.rival.map(|rival| format!("{rival} is heard as master")),
            () if note.priority != own => Some(format!("its priority was {} and is {own} now", note.priority)),
            () if router.fault.is_some() => router.fault.clone(),
            () => {
                gone.map(|OwnedAddress { interface, address, .. }| format!("{address} is not on {interface} any more"))
            }
        }
    }

    /// Before the start, what was master listens already.
    pub(super) fn listen_early(&mut self, index: u32, interface: &str) {
        let noted = |router: &Router| router.config.interface == interface && router.mastership.is_some();
        if self.phase == Phase::Loading && self.routers.iter().any(noted) {
            let wanted = self.routers.iter().filter(|router| noted(router));
            let channels: BTreeSet<Channel> = wanted.map(|router| router.channel(index)).collect();
            for channel in channels {
                self.push(Action::Join(channel));
            }
        }
    }

    /// A packet before the start: another master there means that nothing is resumed.
    pub(super) fn overhear(&mut self, index: u32, interface: &str, packet: &[u8]) {
        let Some(source) = vrrp::sender(packet).source else { return };
        if self.host.has(index, source) {
            return;
        }
        for router in self.routers.iter_mut().filter(|router| router.config.interface == interface) {
            let heard = vrrp::receive(packet, &router.expected());
            if heard.is_ok_and(|received| !received.advertisement.priority.is_resignation()) {
                router.rival = Some(source);
            }
        }
    }
}

//! The start, and resuming what was master moments ago.
//!
//! An instance resumes only when nobody can have taken over by silence yet, nothing was heard of another master, and the
//! host is as it was left. Before it does, it listens for a little more than an interval, in which any other master speaks, or
//! for as long as there is time. Else it starts as always, and its addresses stay on until another master is heard.

use super::core::{Failover, Phase};
use super::past::Mastership;
use super::router::Router;
use super::{Action, Channel, OwnedAddress};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::vrrp;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Instant;

impl Failover {
    pub(super) fn start(&mut self, now: Instant) {
        if self.phase != Phase::Loading {
            return;
        }
        self.phase = Phase::Running;
        self.forget_drops();
        self.settle_inherited();
        self.set_statics();
        self.survey();
        self.unset_left_routing();
        self.drop_links();
        for unit in 0..self.units.len() {
            if self.may_resume(now, unit) {
                self.listen_first(now, unit);
            }
            self.resume(now, unit);
        }
        self.delay_start(now);
    }

    /// `vrrp_startup_delay`: what was not resumed waits. What holds addresses that an earlier run left on does not: they would
    /// be on two hosts.
    fn delay_start(&mut self, now: Instant) {
        if self.startup_delay.is_zero() {
            return;
        }
        for router in
            self.routers.iter_mut().filter(|router| router.is_fresh() && !router.adopted && router.resumes_at.is_none())
        {
            router.delayed = true;
            "waits for vrrp_startup_delay".clone_into(&mut router.reason);
            self.starts_at = Some(now + self.startup_delay);
        }
    }

    /// Whether every member can go on as master.
    fn may_resume(&self, now: Instant, unit: usize) -> bool {
        self.members(unit).iter().all(|i| {
            self.routers.get(*i).is_some_and(|router| {
                router.mastership.as_ref().is_some_and(|note| self.obstacle(router, note, now).is_none())
            })
        })
    }

    /// Another master that nobody told of advertises within an interval, or a moment later: the unit listens for so long, if
    /// there is time.
    fn listen_first(&mut self, now: Instant, unit: usize) {
        let members = self.members(unit);
        let notes = || members.iter().filter_map(|i| self.routers.get(*i)?.mastership.as_ref());
        let heard_at = notes().map(|note| now + note.interval.duration() * 11 / 10).max();
        let latest = notes().map(Mastership::listens_until).min();
        let until = heard_at.min(latest).filter(|until| *until > now);
        for i in members {
            if let (Some(until), Some(router)) = (until, self.routers.get_mut(i)) {
                router.resumes_at = Some(until);
                "listens for another master before it is resumed".clone_into(&mut router.reason);
            }
        }
    }

    /// Resumes a whole unit, or nothing of it; later, while it listens.
    fn resume(&mut self, now: Instant, unit: usize) {
        let members = self.members(unit);
        if members.iter().any(|i| self.routers.get(*i).is_some_and(|router| router.resumes_at.is_some())) {
            return;
        }
        if !self.may_resume(now, unit) {
            return self.give_resumption_up(now, &members);
        }
        for i in members {
            let Some(router) = self.routers.get_mut(i) else { continue };
            let Some(note) = router.mastership.take() else { continue };
            self.drive(now, i, vrrp::Input::Claim(note.origin.reason()));
        }
    }

    fn give_resumption_up(&mut self, now: Instant, members: &[usize]) {
        let why = |router: &Router| self.obstacle(router, router.mastership.as_ref()?, now);
        let whys: Vec<_> = members.iter().map(|i| self.routers.get(*i).and_then(why)).collect();
        for (i, why) in members.iter().zip(whys) {
            let Some(note) = self.routers.get_mut(*i).and_then(|router| router.mastership.take()) else { continue };
            let why = why.unwrap_or_else(|| "another member of its sync group can't".to_owned());
            let fact = Fact::new(EventKind::Warning, Severity::Notice, note.instance);
            self.report(fact.reason(format!("not resumed as master: {why}")).detail("it starts by the normal rules"));
        }
    }

    pub(super) fn resume_in_time(&mut self, now: Instant, i: usize) {
        if self.routers.get(i).and_then(|router| router.resumes_at).is_some_and(|at| at <= now) {
            self.end_listening(now, i);
        }
    }

    /// A member of a unit listened for long enough, or heard somebody.
    fn end_listening(&mut self, now: Instant, i: usize) {
        let Some(unit) = self.unit_of.get(i).copied() else { return };
        for i in self.members(unit) {
            if let Some(router) = self.routers.get_mut(i) {
                router.resumes_at = None;
            }
        }
        self.resume(now, unit);
    }

    /// While it listens, another master spoke.
    pub(super) fn hear_rival(&mut self, now: Instant, i: usize, source: IpAddr) {
        if let Some(router) = self.routers.get_mut(i).filter(|router| router.resumes_at.is_some()) {
            router.rival = Some(source);
            self.end_listening(now, i);
            self.settle(now);
        }
    }

    /// Why the router can't go on as master.
    fn obstacle(&self, router: &Router, note: &Mastership, now: Instant) -> Option<String> {
        let is_gone = |owned: &&OwnedAddress| !self.host.place_of(owned).is_some_and(|place| self.host.holds(place));
        let gone = note.addresses.iter().filter(|owned| router.wants(owned)).find(is_gone);
        let own = router.config.priority;
        match () {
            () if note.is_stale(now) => Some(format!(
                "its last advertisement was {} ms ago, and others wait for three intervals only",
                note.age(now).as_millis()
            )),
            () if router.rival.is_some() => router.rival.map(|rival| format!("{rival} is heard as master")),
            () if note.priority != own => Some(format!("its priority was {} and is {own} now", note.priority)),
            () if router.fault.is_some() => router.fault.clone(),
            () if !router.is_fresh() => Some(format!("it was {} meanwhile", router.state().name())),
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
            let heard = vrrp::receive(packet, &router.expected(None));
            if heard.is_ok_and(|received| !received.advertisement.priority.is_resignation()) {
                router.rival = Some(source);
            }
        }
    }
}

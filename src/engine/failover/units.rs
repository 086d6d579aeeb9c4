//! Sync groups at work: every router is a member of one, alone if need be, and [`step`] says what a group does next.

use super::core::{Failover, Phase};
use super::notices::Told;
use super::router::Router;
use crate::engine::model::{Configuration, Notifications};
use crate::engine::vrrp::{self, Standing, State, Step, TransitionReason, step};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Instant;

/// Routers that move together.
#[derive(Debug)]
pub(super) struct Unit {
    /// The sync group's name; none for a router of its own.
    pub name: Option<String>,
    pub members: Vec<usize>,
    /// After it resigned as a group: no take-over before.
    pub leads_from: Option<Instant>,
    /// `notify*` of the group.
    pub notifications: Notifications,
    /// What it was told as last.
    pub told: Option<Told>,
}

impl Failover {
    /// Moves sync groups until all stand well, then looks at commands that wait.
    pub(super) fn settle(&mut self, now: Instant) {
        if self.phase != Phase::Running {
            return;
        }
        // This runs after each packet: the room stays.
        let (mut changed, mut standings) = std::mem::take(&mut self.settling);
        self.unsettled_units(&mut changed);
        for unit in changed.drain(..) {
            // Fail or step down, start, take over: no unit moves more often for one input.
            for _ in 0..4 {
                standings.clear();
                standings.extend(self.standings(unit));
                if !step(&standings).is_some_and(|step| self.take(now, unit, step)) {
                    break;
                }
            }
        }
        self.settling = (changed, standings);
        self.settle_pending(now);
    }

    /// The units of routers that changed, in their order: no other can have anything to do.
    fn unsettled_units(&mut self, changed: &mut Vec<usize>) {
        self.routers.unsettled(changed);
        changed.retain_mut(|i| self.unit_of.get(*i).map(|unit| *i = *unit).is_some());
        changed.sort_unstable();
        changed.dedup();
    }

    pub(super) fn members(&self, unit: usize) -> Vec<usize> {
        self.units.get(unit).map(|unit| unit.members.clone()).unwrap_or_default()
    }

    fn standings(&self, unit: usize) -> impl Iterator<Item = Standing> {
        let members = self.units.get(unit).into_iter().flat_map(|unit| &unit.members);
        members.filter_map(|i| self.routers.get(*i)).map(Router::standing)
    }

    /// Takes a step with a whole unit; false when nothing was left to do.
    fn take(&mut self, now: Instant, unit: usize, step: Step) -> bool {
        let members = self.members(unit);
        let waits = self.units.get(unit).is_some_and(|u| u.leads_from.is_some_and(|at| now < at))
            && !members.iter().all(|i| self.router(*i, Router::follows_a_stronger_one));
        let held = members.iter().any(|i| self.router(*i, |r| r.hold.as_ref().is_some_and(|hold| hold.blind)));
        let mut moved = false;
        for i in members {
            let Some(standing) = self.routers.get(i).map(Router::standing) else { continue };
            let input = match (step, standing) {
                (Step::Fail, _) => {
                    let reason = self.fault_reason(unit, i);
                    let known = self.routers.get(i).filter(|r| *r.instance.state() == State::Fault).map(|r| &r.reason);
                    if known == Some(&reason) {
                        continue;
                    }
                    if known.is_some() {
                        if let Some(router) = self.routers.get_mut(i) {
                            router.reason = reason;
                        }
                        continue;
                    }
                    vrrp::Input::Fail(TransitionReason::Fault(reason))
                }
                (Step::Start, Standing::Idle) => vrrp::Input::Startup,
                (Step::StepDown, Standing::Leading) => {
                    let reason = TransitionReason::SyncGroup(self.group_reason(unit, Standing::Listening));
                    self.let_others_lead(now, unit, i);
                    vrrp::Input::StepDown { wait: None, reason }
                }
                (Step::TakeOver, Standing::Willing | Standing::Joining { willing: true }) if !waits && !held => {
                    vrrp::Input::TakeOver
                }
                (Step::Start | Step::StepDown | Step::TakeOver, _) => continue,
            };
            self.drive(now, i, input);
            moved = true;
        }
        moved
    }

    /// A group that resigned because one member was outranked waits for the master down interval and up to an interval more,
    /// by its address (neighbours far apart): two equal groups that each win on one side resign at the same moment, and
    /// would meet again and again. It does not wait where each member then hears who outranks it: that one wins on all sides.
    fn let_others_lead(&mut self, now: Instant, unit: usize, i: usize) {
        if !self.members(unit).iter().any(|i| self.router(*i, |r| r.instance.heard_master().is_some())) {
            return;
        }
        let Some(router) = self.routers.get(i) else { return };
        let interval = router.instance.parameters().interval;
        let last_byte = router.footing.map_or(0, |footing| last_byte(footing.source));
        let apart = interval.duration() * u32::from(last_byte.wrapping_mul(167)) / 256;
        let leads_from = now + router.instance.master_down_interval(interval) + apart;
        if let Some(unit) = self.units.get_mut(unit) {
            unit.leads_from = Some(leads_from);
        }
    }

    fn router(&self, i: usize, question: impl Fn(&Router) -> bool) -> bool {
        self.routers.get(i).is_some_and(question)
    }

    /// The reason of a member's FAULT: its own, or that of the member which drew it along.
    fn fault_reason(&self, unit: usize, i: usize) -> String {
        match self.routers.get(i).and_then(|r| r.fault.clone()) {
            Some(own) => own,
            None => self.group_reason(unit, Standing::Unfit),
        }
    }

    /// `sync group G: VI_2 …`, about the first member that stands so.
    fn group_reason(&self, unit: usize, standing: Standing) -> String {
        let group = self.units.get(unit).and_then(|u| u.name.clone()).unwrap_or_default();
        let members = self.members(unit);
        let found = members.iter().filter_map(|i| self.routers.get(*i)).find(|r| r.standing() == standing);
        let (name, why) = found.map_or(("", ""), |r| (r.config.name.as_str(), r.fault.as_ref().unwrap_or(&r.reason)));
        format!("sync group {group}, {name}: {why}")
    }
}

const fn last_byte(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(address) => address.octets()[3],
        IpAddr::V6(address) => address.octets()[15],
    }
}

/// Sync groups in file order, then every router without one.
pub(super) fn units(configuration: &Configuration) -> Vec<Unit> {
    let places: BTreeMap<&str, usize> =
        configuration.virtual_routers.iter().enumerate().map(|(i, router)| (router.name.as_str(), i)).collect();
    let index_of = |name: &String| places.get(name.as_str()).copied();
    let mut taken = BTreeSet::new();
    let mut units = Vec::new();
    for group in &configuration.sync_groups {
        let members: Vec<usize> = group.members.iter().filter_map(index_of).filter(|i| taken.insert(*i)).collect();
        if !members.is_empty() {
            units.push(Unit {
                name: Some(group.name.clone()),
                members,
                leads_from: None,
                notifications: group.notifications.clone(),
                told: None,
            });
        }
    }
    let alone = (0..configuration.virtual_routers.len()).filter(|i| !taken.contains(i));
    units.extend(alone.map(|i| Unit {
        name: None,
        members: vec![i],
        leads_from: None,
        notifications: Notifications::default(),
        told: None,
    }));
    units
}

//! Routes and rules that move with a virtual router: set behind its addresses, in the order of the file, and removed before
//! them, in the other one. What is there already, or gone already, is as wanted.
//!
//! What somebody removes is told and put back, no more often than once a second each; what could not be set, as a route whose
//! gateway is out of reach, is tried again with each change of addresses and links.

use super::Action;
use super::addresses::{RESTORE_PAUSE, removed};
use super::core::Failover;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::{Routing, VirtualRoute};
use crate::engine::vrrp::{self, TransitionReason};
use std::collections::BTreeMap;
use std::time::Instant;

/// What was set, of instances and static.
#[derive(Debug, Default)]
pub(super) struct OurRouting {
    /// Set, as far as is known.
    here: Vec<Routing>,
    /// Refused, and told.
    refused: Vec<Routing>,
    /// What was put back in the last second.
    restored: Vec<(Routing, Instant)>,
    /// When the rest is put back.
    pub restore_at: Option<Instant>,
}

impl OurRouting {
    /// Whether it is there.
    pub fn has(&self, entry: &Routing) -> bool {
        self.here.contains(entry)
    }
    /// It could not be set. False where that was told before.
    pub fn refuse(&mut self, entry: &Routing) -> bool {
        self.here.retain(|known| known != entry);
        let is_news = !self.refused.contains(entry);
        if is_news {
            self.refused.push(entry.clone());
        }
        is_news
    }
    fn note(&mut self, entry: &Routing, present: bool) {
        self.here.retain(|known| known != entry);
        if present {
            self.here.push(entry.clone());
        } else {
            self.refused.retain(|known| known != entry);
        }
    }
}

impl Failover {
    pub(super) fn set_routing(&mut self, i: usize) {
        let entries = self.routers.get(i).map(|router| router.config.routing.clone()).unwrap_or_default();
        self.route(entries, true);
    }

    pub(super) fn unset_routing(&mut self, i: usize) {
        let mut entries = self.routers.get(i).map(|router| router.config.routing.clone()).unwrap_or_default();
        entries.reverse();
        self.route(entries, false);
    }

    pub(super) fn route(&mut self, entries: impl IntoIterator<Item = Routing>, present: bool) {
        for entry in entries {
            self.routing.note(&entry, present);
            self.push(Action::Route { entry: Box::new(entry), present });
        }
    }

    /// At the start: what a run that crashed has left, of instances that are not resumed.
    pub(super) fn unset_left_routing(&mut self) {
        for i in 0..self.routers.len() {
            if self.routers.get(i).is_some_and(|router| router.mastership.is_none() && !router.adopted) {
                self.unset_routing(i);
            }
        }
    }

    /// What is set now, by instance.
    pub(super) fn routing_of_masters(&self) -> BTreeMap<String, Vec<Routing>> {
        let masters = self.routers.iter().filter(|router| router.instance.is_master());
        masters.map(|router| (router.config.name.clone(), router.config.routing.clone())).collect()
    }

    /// After a reload: what masters have no more goes, and what is new to them comes.
    pub(super) fn reroute(&mut self, before: &BTreeMap<String, Vec<Routing>>) {
        let masters = self.routers.iter().filter(|router| router.instance.is_master());
        let (mut gone, mut new) = (Vec::new(), Vec::new());
        for router in masters {
            let Some(before) = before.get(&router.config.name) else { continue };
            let now = &router.config.routing;
            gone.extend(before.iter().rev().filter(|entry| !now.contains(entry)).cloned());
            new.extend(now.iter().filter(|entry| !before.contains(entry)).cloned());
        }
        self.route(gone, false);
        self.route(new, true);
    }

    /// What is to be there now, of masters and static.
    fn wanted_routing(&self) -> Vec<Routing> {
        let masters = self.routers.iter().filter(|router| router.instance.is_master());
        let theirs = masters.flat_map(|router| &router.config.routing);
        let all = theirs.chain(&self.statics.wanted.routing);
        all.filter(|entry| !self.is_cut_off(entry)).cloned().collect()
    }

    /// One through an interface that is down can't be set now; it is when that comes up.
    pub(super) fn is_cut_off(&self, entry: &Routing) -> bool {
        match entry {
            Routing::Route(VirtualRoute { interface: Some(name), .. }) => self.host.by_name(name).is_none_or(|l| !l.up),
            Routing::Route(_) | Routing::Rule(_) => false,
        }
    }

    /// Somebody removed one of ours.
    pub(super) fn routing_gone(&mut self, now: Instant, entry: &Routing, by: Option<&str>) {
        if !self.routing.has(entry) {
            return;
        }
        self.routing.note(entry, false);
        let its = |i: &usize| {
            self.routers.get(*i).is_some_and(|r| r.instance.is_master() && r.config.routing.contains(entry))
        };
        let owner = (0..self.routers.len()).find(its);
        let router = owner.and_then(|i| self.routers.get(i));
        if router.is_none() && !self.statics.wanted.routing.contains(entry) {
            return;
        }
        let yields = router.is_some_and(|router| router.config.variations.steps_down_without_address);
        let whose = router.map_or_else(|| "static".to_owned(), |router| router.config.name.clone());
        let so = if yields { "mastership is given up" } else { "it is put back" };
        let fact = Fact::new(EventKind::Drift, Severity::Warning, entry.to_string()).change("present", "absent");
        self.report(removed(fact, by, so).detail(whose));
        match owner.filter(|_| yields) {
            Some(i) => {
                let reason = TransitionReason::AddressRemoved(entry.to_string());
                self.drive(now, i, vrrp::Input::StepDown { wait: None, reason });
            }
            None => self.restore_routing(now),
        }
    }

    /// Puts back what is missing: each entry at once, and no more often than once a second.
    pub(super) fn restore_routing(&mut self, now: Instant) {
        let mut missing = self.wanted_routing();
        missing.retain(|entry| !self.routing.has(entry));
        let state = &mut self.routing;
        state.restored.retain(|(_, at)| *at + RESTORE_PAUSE > now);
        let lately = |entry: &Routing| state.restored.iter().find(|(known, _)| known == entry).map(|(_, at)| *at);
        state.restore_at = missing.iter().filter_map(lately).map(|at| at + RESTORE_PAUSE).min();
        missing.retain(|entry| lately(entry).is_none());
        state.restored.extend(missing.iter().map(|entry| (entry.clone(), now)));
        self.route(missing, true);
    }

    /// An address or a link came (`present`) or went. What could not be set may fit now; routes through what went may have
    /// gone without a word of the kernel: setting what is there changes nothing.
    pub(super) fn review_routing(&mut self, present: bool) {
        let mut entries = self.wanted_routing();
        entries.retain(|entry| if present { !self.routing.has(entry) } else { matches!(entry, Routing::Route(_)) });
        self.route(entries, true);
    }

    /// An interface is down or gone, and the routes through it with it.
    pub(super) fn forget_routes(&mut self, name: &str) {
        let through = |entry: &Routing| match entry {
            Routing::Route(VirtualRoute { interface, next_hops, .. }) => {
                interface.as_deref() == Some(name) || next_hops.iter().any(|hop| hop.interface.as_deref() == Some(name))
            }
            Routing::Rule(_) => false,
        };
        self.routing.here.retain(|entry| !through(entry));
    }
}

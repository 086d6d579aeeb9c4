//! Routes and rules that move with a virtual router: set behind its addresses, in the order of the file, and removed before
//! them, in the other one. What is there already, or gone already, is as wanted.

use super::Action;
use super::core::Failover;
use crate::engine::model::Routing;
use std::collections::BTreeMap;

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

    fn route(&mut self, entries: impl IntoIterator<Item = Routing>, present: bool) {
        for entry in entries {
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
}

//! The virtual routers by place, with what saves looking at each of them for every packet: whose deadline is next, who was
//! touched since, and who listens where.
//!
//! A router can be changed by [`Routers::get_mut`] and its like alone; whoever is lent counts as changed, so that no change
//! can be missed.

use super::router::Router;
use super::waiting::Waiting;
use crate::engine::model::Family;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Routers {
    all: Vec<Router>,
    /// The next deadline of each, as it was when it was looked at last.
    next: Vec<Option<(Instant, Waiting)>>,
    due: BTreeSet<(Instant, Waiting, usize)>,
    /// Changed since then.
    stale: Places,
    /// Room for those that are looked at: packets come by the hundred.
    looked: Vec<usize>,
    /// Changed since sync groups were settled.
    unsettled: Places,
    /// By interface, family and VRID.
    seats: BTreeMap<String, BTreeMap<(Family, u8), usize>>,
    /// How many routers were looked at.
    #[cfg(test)]
    pub visits: std::cell::Cell<usize>,
}

/// Places in the list, each once, in no order.
#[derive(Debug, Default)]
struct Places {
    list: Vec<usize>,
    has: Vec<bool>,
}

impl Places {
    fn insert(&mut self, place: usize) {
        if self.has.len() <= place {
            self.has.resize(place + 1, false);
        }
        if let Some(has) = self.has.get_mut(place).filter(|has| !**has) {
            *has = true;
            self.list.push(place);
        }
    }

    /// Moves them to the end of a list.
    fn drain_to(&mut self, list: &mut Vec<usize>) {
        for place in &self.list {
            if let Some(has) = self.has.get_mut(*place) {
                *has = false;
            }
        }
        list.append(&mut self.list);
    }
}

impl Routers {
    pub fn new(all: Vec<Router>) -> Self {
        let mut this = Self::default();
        for router in all {
            this.push(router);
        }
        this
    }

    /// Counts, for a test.
    #[cfg_attr(not(test), allow(unused_variables, clippy::unused_self))]
    fn visit(&self, number: usize) {
        #[cfg(test)]
        self.visits.set(self.visits.get() + number);
    }

    fn touch(&mut self, i: usize) {
        self.stale.insert(i);
        self.unsettled.insert(i);
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn get(&self, i: usize) -> Option<&Router> {
        self.visit(1);
        self.all.get(i)
    }

    pub fn get_mut(&mut self, i: usize) -> Option<&mut Router> {
        self.visit(1);
        if i < self.all.len() {
            self.touch(i);
        }
        self.all.get_mut(i)
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Router> {
        self.visit(self.all.len());
        self.all.iter()
    }

    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Router> {
        self.visit(self.all.len());
        for i in 0..self.all.len() {
            self.touch(i);
        }
        self.all.iter_mut()
    }

    pub fn push(&mut self, router: Router) {
        let (i, config) = (self.all.len(), &router.config);
        let seats = self.seats.entry(config.interface.clone()).or_default();
        seats.entry((config.family, config.vrid.get())).or_insert(i);
        self.all.push(router);
        self.touch(i);
    }

    /// All of them, out of here.
    pub fn take(&mut self) -> Vec<Router> {
        std::mem::take(self).all
    }

    /// Where a VRID is looked for on an interface.
    pub fn seat(&self, interface: &str, family: Family, vrid: u8) -> Option<usize> {
        self.seats.get(interface)?.get(&(family, vrid)).copied()
    }

    /// Whether any router is on this interface, of this family.
    pub fn is_used(&self, interface: &str, family: Family) -> bool {
        let of_family = (family, u8::MIN)..=(family, u8::MAX);
        self.seats.get(interface).is_some_and(|seats| seats.range(of_family).next().is_some())
    }

    /// Adds those that changed since they were asked for last.
    pub fn unsettled(&mut self, places: &mut Vec<usize>) {
        self.unsettled.drain_to(places);
    }

    /// Looks at the deadlines of those that changed.
    pub fn look(&mut self) {
        let mut looked = std::mem::take(&mut self.looked);
        self.stale.drain_to(&mut looked);
        for i in looked.drain(..) {
            self.visit(1);
            let Some(router) = self.all.get(i) else { continue };
            let next = router.next();
            if self.next.len() <= i {
                self.next.resize(i + 1, None);
            }
            let Some(known) = self.next.get_mut(i) else { continue };
            let before = std::mem::replace(known, next);
            if before == next {
                continue;
            }
            if let Some((at, waiting)) = before {
                self.due.remove(&(at, waiting, i));
            }
            if let Some((at, waiting)) = next {
                self.due.insert((at, waiting, i));
            }
        }
        self.looked = looked;
    }

    /// The next deadline of all, as of the last [look](Self::look).
    pub fn next(&self) -> Option<(Instant, Waiting)> {
        self.due.first().map(|(at, waiting, _)| (*at, *waiting))
    }

    /// Those whose deadline has come, in their order.
    pub fn due(&mut self, now: Instant) -> Vec<usize> {
        self.look();
        let mut due: Vec<usize> = self.due.iter().take_while(|(at, ..)| *at <= now).map(|(.., i)| *i).collect();
        due.sort_unstable();
        due
    }
}

impl<'a> IntoIterator for &'a Routers {
    type Item = &'a Router;
    type IntoIter = std::slice::Iter<'a, Router>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut Routers {
    type Item = &'a mut Router;
    type IntoIter = std::slice::IterMut<'a, Router>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

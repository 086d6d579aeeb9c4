//! From one configuration to the next while everything runs: compared by key, and only what differs moves.
//!
//! The key of a router is its name with what it is to others: interface, VRID, family, version. A router whose key is not
//! in the new configuration ends: it resigns and takes its addresses off. One whose key is new starts as at a start. All
//! others go on: state, timers, counters, peers and history stay, no advertisement is late or extra, and what changed takes
//! effect in place. By name alone survive holds, take-overs and commands that wait.

use super::Action;
use super::core::{Failover, Phase};
use super::entrance::LEFT;
use super::holds::ended;
use super::host::Place;
use super::notices::Told;
use super::ownership::Ours;
use super::pending::Pending;
use super::router::Router;
use super::track::{Tracks, weighed};
use super::units::{Unit, units};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::{AddressOptions, Configuration, Family, VirtualAddress, VirtualRouter};
use crate::engine::vrrp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// A router that goes on with another list of addresses: where it is now, and what it had.
type Readdressed = (usize, Vec<VirtualAddress>);

/// An interface where routers of one family are: its kernel index, and which.
type Seat = (u32, Family);

impl Failover {
    /// Runs `configuration` from now on.
    ///
    /// 1. routers that are no longer there resign, with the old configuration;
    /// 2. the others are put in the new order, and what names them by place follows;
    /// 3. what changed takes effect;
    /// 4. addresses are put on before any is taken off, so that one that only moved never leaves.
    ///
    /// Another label, or another word behind an address, alone changes nothing on the host: a kernel renames no address, and taking it off and on again would
    /// interrupt. It is used when this host puts the address on the next time; an event says so.
    pub(super) fn reload(&mut self, now: Instant, configuration: &Configuration) {
        self.pace.clone_from(&configuration.global.pace);
        if self.runs(configuration) {
            return self.tell_all(configuration);
        }
        self.to_tell = true;
        let by_name: BTreeMap<&str, usize> =
            configuration.virtual_routers.iter().enumerate().map(|(i, r)| (r.name.as_str(), i)).collect();
        let named = |router: &Router| by_name.get(router.config.name.as_str()).copied();
        let goes_on = |router: &Router| {
            named(router)
                .filter(|i| configuration.virtual_routers.get(*i).is_some_and(|new| same_key(new, &router.config)))
        };
        let survivors: Vec<Option<usize>> = self.routers.iter().map(goes_on).collect();
        let successors: Vec<Option<usize>> = self.routers.iter().map(named).collect();
        self.forget_untracked(configuration);
        let (left, mut leaving) = self.end_routers(now, &survivors, &successors);

        let stand_alike = self.stand_alike(configuration);
        let routing_before = self.routing_of_masters();
        let readdressed = self.rearrange(now, configuration, &survivors, &successors);
        self.leave_unused(left);
        leaving.extend(self.give_up(&readdressed));
        leaving.extend(self.change_statics(&configuration.statics));
        if !stand_alike {
            self.survey();
        }
        self.drop_packets_of_holders();
        self.put_on_added(now, &readdressed);
        self.set_statics();
        self.reroute(&routing_before);
        for (place, address) in leaving {
            if self.ours.get(&place).is_some_and(|ours| ours.leaving) {
                self.take_off(place, address);
            }
        }
        self.accept_packets_of_holders();
        self.drop_links();
        self.tell_all(configuration);
    }

    /// Whether this is the configuration that runs.
    fn runs(&self, configuration: &Configuration) -> bool {
        let routers = self.routers.iter().map(|router| &router.config);
        let parts = |unit: &Unit, other: &Unit| {
            unit.name == other.name && unit.members == other.members && unit.notifications == other.notifications
        };
        let same_units = |units: &[Unit]| {
            units.len() == self.units.len() && units.iter().zip(&self.units).all(|(unit, other)| parts(unit, other))
        };
        let same_statics = self.statics.wanted == configuration.statics;
        routers.eq(&configuration.virtual_routers) && same_statics && same_units(&units(configuration))
    }

    /// Whether every router is there as before, with the same addresses and the same right to own them: then each stands
    /// where it stood.
    fn stand_alike(&self, configuration: &Configuration) -> bool {
        let alike = |(old, new): (&Router, &VirtualRouter)| {
            let old = &old.config;
            let owner = |router: &VirtualRouter| router.priority.is_owner();
            let tracks = old.tracks == new.tracks;
            old.name == new.name
                && same_key(new, old)
                && old.addresses == new.addresses
                && old.links == new.links
                && old.source == new.source
                && old.authentication == new.authentication
                && owner(old) == owner(new)
                && tracks
                && old.tracks_interface == new.tracks_interface
        };
        let new = &configuration.virtual_routers;
        let same_statics = self.statics.wanted == configuration.statics;
        same_statics && self.routers.len() == new.len() && self.routers.iter().zip(new).all(alike)
    }

    /// Ends every router without a successor: it resigns. Gives the interfaces on which they were, and the addresses that
    /// are nobody's now and to be taken off unless somebody wants them.
    fn end_routers(
        &mut self,
        now: Instant,
        survivors: &[Option<usize>],
        successors: &[Option<usize>],
    ) -> (BTreeSet<Seat>, Vec<(Place, VirtualAddress)>) {
        let without = |list: &[Option<usize>]| -> Vec<usize> {
            list.iter().enumerate().filter(|(_, new)| new.is_none()).map(|(i, _)| i).collect()
        };
        let gone = without(successors);
        self.abandon_pending_of(now, &gone, LEFT);
        for i in gone {
            let Some(router) = self.routers.get_mut(i) else { continue };
            let deleted = router.config.notifications.tells_deleted;
            router.ends_as = Some(if deleted { Told::Deleted } else { Told::Fault });
            self.met_touched |= !router.met.is_empty();
            let wish = router.wish.take();
            let is_held = router.hold.take().is_some() | router.claim.take().is_some();
            self.holds_touched |= is_held || wish.is_some();
            if is_held {
                self.report_hold_ended(i, LEFT);
            }
            if let Some(wish) = wish {
                self.report(ended(self.name(i), wish.priority, LEFT).detail(wish.by));
            }
        }
        let ended = without(survivors);
        let leaving = self.disown(|ours| ours.router.is_some_and(|i| ended.contains(&i)));
        let mut left = BTreeSet::new();
        for i in ended {
            self.drive(now, i, vrrp::Input::Shutdown);
            self.accept_packets(i, &BTreeSet::new());
            let place = |router: &Router| Some((router.footing?.index, router.config.family));
            left.extend(self.routers.get(i).and_then(place));
        }
        (left, leaving)
    }

    /// Puts the routers in the order of the configuration, and all that names them by place; gives those with other
    /// addresses than before.
    fn rearrange(
        &mut self,
        now: Instant,
        configuration: &Configuration,
        survivors: &[Option<usize>],
        successors: &[Option<usize>],
    ) -> Vec<Readdressed> {
        let mut old: Vec<Option<(bool, Router)>> = Vec::new();
        old.resize_with(configuration.virtual_routers.len(), || None);
        for ((router, survivor), name) in self.routers.take().into_iter().zip(survivors).zip(successors) {
            if let Some(place) = name.and_then(|new| old.get_mut(new)) {
                *place = Some((survivor.is_some(), router));
            }
        }
        let mut readdressed = Vec::new();
        for ((i, config), before) in configuration.virtual_routers.iter().enumerate().zip(old) {
            let router = match before {
                Some((true, mut router)) => {
                    self.tell_priority(&router, config);
                    readdressed.extend(reconfigure(&mut router, config, &self.tracks, now).map(|before| (i, before)));
                    router
                }
                Some((false, before)) => {
                    self.tell_priority(&before, config);
                    begun_anew(config, before, &self.tracks, now)
                }
                None => Router { sequence: self.sequence, ..Router::new(config, now) },
            };
            self.routers.push(router);
        }
        let moved = |i: usize, map: &[Option<usize>]| map.get(i).copied().flatten();
        for ours in self.ours.values_mut() {
            ours.router = ours.router.and_then(|i| moved(i, survivors));
        }
        for Pending { waiting, .. } in &mut self.pending {
            *waiting = waiting.iter().filter_map(|(i, part)| Some((moved(*i, successors)?, *part))).collect();
        }
        self.regroup_units(configuration);
        readdressed
    }

    /// The file has another priority for an instance: what follows from it comes later, and by others.
    fn tell_priority(&mut self, router: &Router, config: &VirtualRouter) {
        let before = router.config.priority;
        if self.phase == Phase::Running && before != config.priority {
            let fact = Fact::new(EventKind::Priority, Severity::Notice, &config.name);
            let fact = fact.change(before.to_string(), config.priority.to_string());
            let counts = router.wish.as_ref().map_or_else(String::new, |wish| {
                format!(
                    "; {}, which an operator set, counts until `priority {} --from-file`",
                    wish.priority, config.name
                )
            });
            self.report(fact.reason(format!("the file has another priority{counts}")));
        }
    }

    /// A group that is still there goes on waiting as it did.
    fn regroup_units(&mut self, configuration: &Configuration) {
        let before = std::mem::replace(&mut self.units, units(configuration));
        for old in before.into_iter().filter(|old| old.name.is_some()) {
            if let Some(unit) = self.units.iter_mut().find(|unit| unit.name == old.name) {
                (unit.leads_from, unit.told) = (old.leads_from, old.told);
            }
        }
        self.regroup();
    }

    /// Stops listening where no router is any more; forgets as strangers who are none now.
    fn leave_unused(&mut self, left: BTreeSet<Seat>) {
        for (index, family) in left {
            let Some(name) = self.host.link(index).map(|link| link.name.clone()) else { continue };
            let uses = |router: &Router| router.config.interface == name && router.config.family == family;
            if !self.routers.iter().any(uses) {
                self.push(Action::Leave { index, family });
                self.deaf.retain(|channel, _| (channel.index, channel.family) != (index, family));
                self.strangers.forget_channel(index, family);
            }
        }
        for router in &self.routers {
            if let Some(link) = self.host.by_name(&router.config.interface) {
                self.strangers.forget((link.index, router.config.family, router.config.vrid.get()));
            }
        }
    }

    /// Addresses that their router no longer has: nobody's, and to be taken off unless somebody wants them.
    fn give_up(&mut self, readdressed: &[Readdressed]) -> Vec<(Place, VirtualAddress)> {
        let places = |(i, _): &Readdressed| self.places(*i).into_iter().filter_map(|(_, place)| place).collect();
        let kept: BTreeMap<usize, BTreeSet<Place>> = readdressed.iter().map(|one| (one.0, places(one))).collect();
        self.disown(|ours| ours.router.and_then(|i| kept.get(&i)).is_some_and(|kept| !kept.contains(&ours.place)))
    }

    fn disown(&mut self, which: impl Fn(&Ours) -> bool) -> Vec<(Place, VirtualAddress)> {
        let mut leaving = Vec::new();
        for ours in self.ours.values_mut().filter(|ours| which(ours)) {
            let router = ours.router.take().and_then(|i| self.routers.get(i));
            ours.left = router.map(|router| router.config.name.clone());
            ours.leaving = true;
            leaving.push((ours.place, ours.address.clone()));
        }
        leaving
    }

    /// Masters put on what is new to them and tell the link: written down once, before the first is made.
    fn put_on_added(&mut self, now: Instant, readdressed: &[Readdressed]) {
        let (mut missing, mut heralds) = (Vec::new(), Vec::new());
        let owned_before = self.ours.len();
        for (i, before) in readdressed {
            let Some(router) = self.routers.get(*i).filter(|router| router.instance.is_master()) else { continue };
            let repeat = router.config.garp.repeat;
            let mut added = self.places(*i);
            self.report_relabelled(*i, before);
            added.retain(|(address, _)| !before.contains(address));
            let here = self.take_in(*i, &added);
            added.retain(|(_, place)| here.iter().any(|(missing, _)| *place == Some(*missing)));
            missing.extend(here);
            heralds.push((*i, repeat, added));
        }
        if self.ours.len() > owned_before {
            self.remember();
        }
        self.put_on(missing);
        for (i, repeat, added) in heralds {
            self.announce_these(now, i, repeat, &added);
        }
    }

    /// Addresses that are on and now have another label, or other words behind them.
    fn report_relabelled(&mut self, i: usize, before: &[VirtualAddress]) {
        let unlabelled = |address: &VirtualAddress| VirtualAddress {
            label: None,
            options: AddressOptions::default(),
            advertised: true,
            times: 1,
            ..address.clone()
        };
        for (address, place) in self.places(i) {
            let was = before.iter().find(|old| {
                let differs = (&old.label, old.options) != (&address.label, address.options);
                unlabelled(old) == unlabelled(&address) && differs
            });
            if was.is_some() && place.is_some_and(|place| self.is_ours(place)) {
                let fact = Fact::new(EventKind::Address, Severity::Notice, address.to_string()).to("present");
                let reason =
                    "its new words are used when this host becomes master the next time: nothing is interrupted";
                self.report(fact.reason(reason).detail(self.name(i)));
            }
        }
    }
}

/// Whether a router of the new configuration is one of the old, as others on the link see it.
fn same_key(new: &VirtualRouter, old: &VirtualRouter) -> bool {
    new.is_same_to_others(old)
}

/// New words for a router that goes on; gives the addresses that it had, where it has others now.
fn reconfigure(
    router: &mut Router,
    config: &VirtualRouter,
    tracks: &Tracks,
    now: Instant,
) -> Option<Vec<VirtualAddress>> {
    if router.config == *config {
        return None;
    }
    let before = std::mem::replace(&mut router.config, config.clone());
    router.weighed = weighed(router, tracks);
    let parameters = router.parameters();
    router.instance.reconfigure(now, parameters);
    router.peers.readdress(&router.advertised_addresses());
    (before.addresses != config.addresses).then_some(before.addresses)
}

/// A router of the same name that is another one to the link.
fn begun_anew(config: &VirtualRouter, before: Router, tracks: &Tracks, now: Instant) -> Router {
    let mut router = Router { sequence: before.sequence, ..Router::new(config, now) };
    (router.hold, router.claim, router.wish) = (before.hold, before.claim, before.wish);
    router.met = before.met;
    router.weighed = weighed(&router, tracks);
    router.instance.set_yields(router.hold.is_some());
    let parameters = router.parameters();
    router.instance.reconfigure(now, parameters);
    router
}

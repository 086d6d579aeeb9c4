//! The end: in order, or without a word and handed over to the next start.

use super::core::{Failover, Phase};
use super::notices::Told;
use super::past::{Mastership, Origin};
use super::router::{Claim, Footing, Outgoing, Router};
use super::{Action, OwnedAddress};
use crate::engine::model::{AdvertisedPriority, Family};
use crate::engine::vrrp;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// How long the kernel may take to confirm that the addresses are gone.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

impl Failover {
    pub(super) fn shutdown(&mut self, now: Instant, keep: bool) {
        if keep && self.phase == Phase::Running {
            self.hand_over(now);
        } else {
            for i in 0..self.routers.len() {
                if let Some(router) = self.routers.get_mut(i) {
                    router.ends_as = Some(Told::Stop);
                }
                self.drive(now, i, vrrp::Input::Shutdown);
                self.release_adopted(i);
            }
            self.abandon_pending(now, "the engine stops");
            self.unset_statics();
            self.remove_links();
        }
        let place = |router: &Router| router.footing.map(|footing| (footing.index, router.config.family));
        let joined: BTreeSet<(u32, Family)> = self.routers.iter().filter_map(place).collect();
        for (index, family) in joined {
            self.push(Action::Leave { index, family });
        }
        self.forget_gone(None);
        self.to_tell = true;
        self.phase = Phase::Stopping(now + STOP_PATIENCE);
    }

    /// Leaves everything as it is, for the next start. What the kernel still has to say, it says to that one.
    fn hand_over(&mut self, now: Instant) {
        self.abandon_pending(now, "the engine stops");
        let masterships = (0..self.routers.len()).filter_map(|i| self.mastership(i)).collect();
        self.push(Action::Keep(masterships));
        self.leave_links();
        self.host.forget_echoes();
    }

    fn mastership(&self, i: usize) -> Option<Mastership> {
        let router = self.routers.get(i)?;
        if router.resumes_at.is_some() {
            return router.mastership.clone();
        }
        if !router.instance.is_master() {
            return None;
        }
        let config = &router.config;
        Some(Mastership {
            instance: config.name.clone(),
            interface: config.interface.clone(),
            vrid: config.vrid,
            family: config.family,
            version: config.version,
            priority: config.priority,
            interval: router.instance.parameters().interval,
            advertised_at: router.advertised_at?,
            addresses: self.addresses_of(i),
            takeover: router.claim.as_ref().map(|claim| claim.by.clone()),
            origin: Origin::Lvsdeck,
        })
    }

    /// All addresses of a router, whoever put them on, as they are on the host.
    fn addresses_of(&self, i: usize) -> Vec<OwnedAddress> {
        let places = self.places(i).into_iter().filter_map(|(_, place)| place);
        let on_host = |(index, address, prefix)| {
            let prefix = if self.host.holds((index, address, prefix)) {
                prefix
            } else {
                self.host.prefixes(index, address).next().unwrap_or(prefix)
            };
            Some(OwnedAddress { interface: self.host.link(index)?.name.clone(), address, prefix })
        };
        places.filter_map(on_host).collect()
    }

    /// The resignations of a core that can't be asked any more, because its loop panicked.
    pub fn last_words(&self) -> Vec<Action> {
        let resignations = |router: &Router| {
            let footing = router.footing.filter(|_| router.instance.is_master());
            let (interval, ttl) = (router.instance.parameters().interval, router.config.transport.ttl());
            let messages = footing.map(|Footing { index, source }| {
                let (index, mac) = self.way_out(router, index);
                let messages = router.messages(AdvertisedPriority::RESIGN, interval, source).into_iter();
                messages.map(move |Outgoing { destination, message, header }| Action::Advertise {
                    index,
                    source,
                    destination,
                    ttl,
                    message,
                    header,
                    mac,
                })
            });
            messages.into_iter().flatten().collect::<Vec<_>>()
        };
        self.routers.iter().flat_map(resignations).collect()
    }

    /// Takes note of who was master, by name.
    pub(super) fn note_masterships(&mut self, masterships: Vec<Mastership>, now: Instant) {
        for note in masterships {
            let its = |router: &&mut Router| {
                let config = &router.config;
                config.name == note.instance
                    && (&config.interface, config.vrid, config.family, config.version)
                        == (&note.interface, note.vrid, note.family, note.version)
            };
            let Some(router) = self.routers.iter_mut().find(its) else { continue };
            router.claim = note.takeover.clone().map(|by| Claim { by, why: None, since: now });
            self.holds_touched |= router.claim.is_some();
            router.instance = vrrp::Instance::new(router.parameters(), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            router.mastership = Some(note);
        }
    }
}

//! What an earlier run left behind, and what it hands over to the next one.

use super::{Held, Met, OwnedAddress};
use crate::engine::model::{
    AdvertInterval, Configuration, Family, Priority, VirtualLink, VirtualRouter, Vrid, VrrpVersion,
};
use crate::engine::vrrp::{TransitionReason, usable_interval};
use std::time::{Duration, Instant};

/// What a core starts with beside its configuration.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// Addresses that are ours: what an earlier run wrote down with [`Action::Remember`](super::Action::Remember).
    pub owned: Vec<OwnedAddress>,
    /// Interfaces that are ours: [`Action::RememberLinks`](super::Action::RememberLinks).
    pub links: Vec<VirtualLink>,
    /// Of whom this host was master until moments ago: what it gave with [`Action::Keep`](super::Action::Keep).
    pub masterships: Vec<Mastership>,
    /// What operators held: what it gave with [`Action::Holds`](super::Action::Holds).
    pub holds: Vec<Held>,
    /// Which other routers were heard: what it gave with [`Action::Met`](super::Action::Met).
    pub met: Vec<Met>,
    /// Above this are the sequence numbers of authentication headers: more than an earlier run can have sent, so that others
    /// do not take ours for a replay.
    pub sequence: u32,
}

/// That this host was master of a virtual router when its engine ended without resigning. Good for one start, and only
/// while nobody else can have taken over by silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mastership {
    /// Name of the instance.
    pub instance: String,
    /// Its interface.
    pub interface: String,
    /// Its VRID.
    pub vrid: Vrid,
    /// Its family.
    pub family: Family,
    /// Its version.
    pub version: VrrpVersion,
    /// Its priority by the configuration: what its scripts make of it is not known at a start.
    pub priority: Priority,
    /// The interval that it advertised.
    pub interval: AdvertInterval,
    /// When its last advertisement went out.
    pub advertised_at: Instant,
    /// The virtual addresses that were on then.
    pub addresses: Vec<OwnedAddress>,
    /// It was master by `takeover`: who asked for it and why.
    pub takeover: Option<String>,
    /// Who was master here.
    pub origin: Origin,
}

/// Which program was master before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// This engine, before a restart.
    Lvsdeck,
    /// keepalived, which lvsdeck replaces.
    Keepalived,
}

impl Past {
    /// Whether nothing of it is on the host.
    pub fn leaves_nothing(&self) -> bool {
        self.owned.is_empty() && self.links.is_empty()
    }

    /// The past of an engine that takes the place of a keepalived that was stopped (`SIGSTOP`) at `stopped_at` and then
    /// killed. `present` is what is on the host now: an instance all of whose virtual addresses are there was master.
    ///
    /// When keepalived advertised last is not known: an interval before it was stopped, at worst.
    pub fn of_keepalived(configuration: &Configuration, present: &[OwnedAddress], stopped_at: Instant) -> Self {
        let mut past = Self::default();
        for router in &configuration.virtual_routers {
            let addresses = owned_by(router);
            let interval = usable_interval(router.version, router.advert_interval);
            let Some(advertised_at) = stopped_at.checked_sub(interval.duration()) else { continue };
            past.owned.extend(addresses.iter().filter(|address| present.contains(address)).cloned());
            if addresses.is_empty() || !addresses.iter().all(|address| present.contains(address)) {
                continue;
            }
            past.masterships.push(Mastership {
                instance: router.name.clone(),
                interface: router.interface.clone(),
                vrid: router.vrid,
                family: router.family,
                version: router.version,
                priority: router.priority,
                interval,
                advertised_at,
                addresses,
                takeover: None,
                origin: Origin::Keepalived,
            });
        }
        past
    }
}

fn owned_by(router: &VirtualRouter) -> Vec<OwnedAddress> {
    let owned = |address: &crate::engine::model::VirtualAddress| OwnedAddress {
        interface: address.interface.clone().unwrap_or_else(|| router.interface.clone()),
        address: address.address,
        prefix: address.prefix,
    };
    router.addresses.iter().map(owned).collect()
}

impl Mastership {
    /// Whether a backup may have given up waiting: it waits for three intervals and its skew, of which the skew and a tenth
    /// of an interval are left for what there is to do.
    pub(super) fn is_stale(&self, now: Instant) -> bool {
        let interval = self.interval.duration();
        self.age(now) + interval / 10 >= interval * 3
    }

    /// Until when it is early enough to listen for another master: what is left is for an engine that is not scheduled. A
    /// keepalived that was frozen a moment ago listened itself.
    pub(super) fn listens_until(&self) -> Instant {
        match self.origin {
            Origin::Lvsdeck => self.advertised_at + self.interval.duration() * 5 / 2,
            Origin::Keepalived => self.advertised_at,
        }
    }

    /// How long ago that was.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.advertised_at)
    }
}

impl Origin {
    /// Why an instance is master at once.
    pub(super) const fn reason(self) -> TransitionReason {
        match self {
            Self::Lvsdeck => TransitionReason::Resumed,
            Self::Keepalived => TransitionReason::Adopted,
        }
    }
}

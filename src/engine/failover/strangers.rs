//! Virtual routers of others on our interfaces: heard, not configured here, counted and never acted on. Bounded by their
//! keys: 256 VRIDs a family and interface.

use super::core::Failover;
use crate::engine::model::Family;
use crate::engine::snapshot::{ForeignCounters, ForeignRouter, Moment};
use crate::engine::vrrp::{Check, Sender};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long a silent one is worth a warning.
const MEMORY: Duration = Duration::from_mins(5);

/// Kernel index of an interface, and a `virtual_router_id` there.
type Key = (u32, Family, u8);

/// A virtual router of somebody else on our interface.
#[derive(Debug, Clone)]
pub(super) struct Stranger {
    /// Who sent the last one.
    pub source: IpAddr,
    heard_at: Instant,
    /// When it was heard as others of its cluster hear it: for so long it is worth a warning.
    advertised_at: Option<Instant>,
    /// With which priority it was heard so last.
    priority: Option<u8>,
    counters: ForeignCounters,
}

#[derive(Debug, Default)]
pub(super) struct Strangers {
    all: BTreeMap<Key, Stranger>,
    /// No warning ends sooner.
    looks_at: Option<Instant>,
}

impl Strangers {
    /// Those that are worth a warning: kernel index, VRID, who.
    pub fn warned(&self) -> impl Iterator<Item = (u32, u8, &Stranger)> {
        let is_heard = |(_, stranger): &(&Key, &Stranger)| stranger.advertised_at.is_some();
        self.all.iter().filter(is_heard).map(|((index, _, vrid), stranger)| (*index, *vrid, stranger))
    }
    /// One more packet, of `source`.
    pub fn heard(&mut self, now: Instant, key: Key, source: IpAddr, sender: &Sender) {
        let (advertised_at, priority, counters) = (None, None, ForeignCounters::default());
        let new = || Stranger { source, heard_at: now, advertised_at, priority, counters };
        let stranger = self.all.entry(key).or_insert_with(new);
        (stranger.source, stranger.heard_at) = (source, now);
        let counters = &mut stranger.counters;
        match sender.noise {
            Some(Check::Ttl) => counters.rejected_ttl += 1,
            Some(Check::Version) => counters.rejected_version += 1,
            Some(Check::Type) => counters.rejected_type += 1,
            Some(_) | None => counters.rejected_vrid += 1,
        }
        if sender.noise.is_none() {
            stranger.priority = sender.priority.map(|priority| priority.0);
            stranger.advertised_at = Some(now);
            self.looks_at.get_or_insert(now + MEMORY);
        }
    }
    /// Warns no more of who was silent for too long.
    pub fn expire(&mut self, now: Instant) {
        if self.looks_at.is_none_or(|at| now < at) {
            return;
        }
        for stranger in self.all.values_mut() {
            stranger.advertised_at = stranger.advertised_at.filter(|at| now < *at + MEMORY);
        }
        self.looks_at = self.all.values().filter_map(|stranger| stranger.advertised_at).min().map(|at| at + MEMORY);
    }
    /// When the next one may have been silent for long enough.
    pub const fn next(&self) -> Option<Instant> {
        self.looks_at
    }
    /// It is none any more.
    pub fn forget(&mut self, key: Key) {
        self.all.remove(&key);
    }
    /// The interface is gone.
    pub fn forget_interface(&mut self, index: u32) {
        self.all.retain(|(at, ..), _| *at != index);
    }
    /// Nobody listens there any more.
    pub fn forget_channel(&mut self, index: u32, family: Family) {
        self.all.retain(|(at, of, _), _| (*at, *of) != (index, family));
    }
}

impl Failover {
    /// Virtual routers that are not configured here, on interfaces where others are.
    pub fn foreign_routers(&self, moment: Moment) -> Vec<ForeignRouter> {
        let status = |((index, family, vrid), stranger): (&Key, &Stranger)| {
            Some(ForeignRouter {
                interface: self.host.link(*index)?.name.clone(),
                family: *family,
                vrid: *vrid,
                address: stranger.source.to_string(),
                last_heard_at: moment.wall_of(stranger.heard_at),
                last_priority: stranger.priority,
                counters: stranger.counters,
            })
        };
        self.strangers.all.iter().filter_map(status).collect()
    }
}

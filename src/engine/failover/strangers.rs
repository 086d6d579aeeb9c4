//! Virtual routers of others on our interfaces: heard, not configured here, counted and never acted on. Bounded by their
//! keys: 256 VRIDs a family and interface.

use super::contest::Why;
use super::core::Failover;
use super::router::Router;
use super::warnings::split_brain;
use crate::engine::model::Family;
use crate::engine::snapshot::{ForeignCounters, ForeignRouter, Moment};
use crate::engine::vrrp::{Check, Sender, overhear};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long a silent one is worth a warning.
const MEMORY: Duration = Duration::from_mins(5);
/// How often the addresses of one are read.
const PAUSE: Duration = Duration::from_secs(1);
/// So much longer than its own interval says it is believed to be there.
const PATIENCE: u32 = 3;

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
    /// When its addresses were read last, and for how long they count.
    read_at: Option<(Instant, Duration)>,
    /// What it said then to be master of.
    pub addresses: Vec<IpAddr>,
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
    /// One more packet, of `source`; whether its addresses were read.
    pub fn heard(&mut self, now: Instant, key: Key, (source, sender): (IpAddr, &Sender), packet: &[u8]) -> bool {
        let stranger = self.all.entry(key).or_insert_with(|| Stranger {
            source,
            heard_at: now,
            advertised_at: None,
            priority: None,
            read_at: None,
            addresses: Vec::new(),
            counters: ForeignCounters::default(),
        });
        (stranger.source, stranger.heard_at) = (source, now);
        let counters = &mut stranger.counters;
        match sender.noise {
            Some(Check::Ttl) => counters.rejected_ttl += 1,
            Some(Check::Version) => counters.rejected_version += 1,
            Some(Check::Type) => counters.rejected_type += 1,
            Some(_) | None => counters.rejected_vrid += 1,
        }
        if sender.noise.is_some() {
            return false;
        }
        stranger.priority = sender.priority.map(|priority| priority.0);
        stranger.advertised_at = Some(now);
        self.looks_at.get_or_insert(now + MEMORY);
        let resigns = stranger.priority == Some(0);
        if !resigns && stranger.read_at.is_some_and(|(at, _)| now.saturating_duration_since(at) < PAUSE) {
            return false;
        }
        let said = overhear(packet).filter(|said| said.fault.is_none() && !resigns);
        stranger.read_at = said.as_ref().map(|said| (now, said.silent_after().max(PAUSE) * PATIENCE));
        stranger.addresses = said.map_or_else(Vec::new, |said| said.addresses);
        true
    }
    /// Who says on this interface, under another VRID, to be master of one of these addresses: who, the VRID and the address.
    pub fn namesake(
        &self,
        now: Instant,
        (index, family): (u32, Family),
        ours: &[IpAddr],
    ) -> Option<(IpAddr, u8, IpAddr)> {
        let here = self.all.range((index, family, u8::MIN)..=(index, family, u8::MAX));
        here.filter(|(_, stranger)| stranger.read_at.is_some_and(|(at, span)| now < at + span)).find_map(
            |((.., vrid), stranger)| {
                let address = stranger.addresses.iter().find(|address| ours.contains(address))?;
                Some((stranger.source, *vrid, *address))
            },
        )
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
    /// A virtual router that is not configured here was heard. Where a master here has an address of its, somebody meant one of the
    /// two to have the other's VRID: ARP is asked whether there are two indeed, and a split brain that was told without a cause gets one.
    pub(super) fn stranger(&mut self, now: Instant, key: Key, (source, sender): (IpAddr, &Sender), packet: &[u8]) {
        if !self.strangers.heard(now, key, (source, sender), packet) {
            return;
        }
        let (index, family, _) = key;
        let Some(interface) = self.host.link(index).map(|link| link.name.clone()) else { return };
        let its = |router: &Router| {
            router.instance.is_master() && router.config.family == family && router.config.interface == interface
        };
        let here: Vec<usize> =
            self.routers.iter().enumerate().filter(|(_, router)| its(router)).map(|(i, _)| i).collect();
        for i in here {
            let Some((source, why)) = self.namesake(now, i) else { continue };
            let Some(router) = self.routers.get_mut(i) else { continue };
            router.probe_at = router.probe_at.map(|at| at.min(now));
            let name = router.config.name.clone();
            if router.split.as_mut().is_some_and(|split| split.suspect(Some((source, why)))) {
                self.tell_contest(i, split_brain(&name, source, why));
            }
        }
    }

    /// Who has an address of a router under another VRID.
    pub(super) fn namesake(&self, now: Instant, i: usize) -> Option<(IpAddr, Why)> {
        let router = self.routers.get(i)?;
        let index = self.host.by_name(&router.config.interface)?.index;
        let ours = router.advertised_addresses();
        let (source, vrid, _) = self.strangers.namesake(now, (index, router.config.family), &ours)?;
        Some((source, Why::Vrid(vrid)))
    }

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

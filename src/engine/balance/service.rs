//! One virtual server as it is now: its real servers, the weight that is up, its quorum, and what follows for the table.
//!
//! A change of one server costs the same whatever the size of the service; only an edge of the quorum touches all of them.

use super::overrides::By;
use super::rates::Meter;
use super::server::{ServerState, destination};
use super::wish::Former;
use crate::engine::health::{EffectiveWeight, QuorumState, Ramp};
use crate::engine::ipvs::{Destination, Service, Traffic};
use crate::engine::model::{RealServerKey, SorryServer, VirtualServer, Weight};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Places from here on are those of what an operator added.
pub(super) const ADDED: u64 = 1 << 32;
/// How many that an operator added and took out again are remembered for the way back, of each kind.
pub(super) const KEPT: usize = 16;

/// What a change touched in the wanted table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touched {
    /// One server.
    One(RealServerKey),
    /// All of them and the sorry server: the quorum was gained or lost.
    QuorumEdge,
}

/// One service.
#[derive(Debug, Clone)]
pub(super) struct ServiceState {
    /// What the file says, without its servers, or what it was added with.
    pub config: VirtualServer,
    /// Not in the file.
    pub added: bool,
    /// Who added it or took it out.
    pub by: Option<Box<By>>,
    /// Its place among the others: the file's, added ones behind.
    pub order: u64,
    /// By their places.
    pub servers: Vec<ServerState>,
    /// Servers that an operator took out, as they were, for the way back.
    pub removed: Vec<ServerState>,
    /// How long a server that comes back takes until it has its weight.
    pub slow_start: Duration,
    /// How fast its totals grow.
    pub meter: Meter,
    /// Whether the quorum is there, as scripts and FIFOs know it; none before they were told how it begins.
    pub told: Option<bool>,
    /// Whether the quorum was there in an earlier run, as far as the kernel's table says.
    pub was_up: bool,
    quorum: QuorumState,
    have: u64,
    /// Where the servers stand, in the order of their keys.
    index: Vec<u32>,
}

impl ServiceState {
    /// A service with its servers; its quorum is there where their weight gains it.
    pub fn new(config: VirtualServer, added: bool, order: u64, servers: Vec<ServerState>) -> Self {
        let mut service = Self {
            was_up: false,
            quorum: QuorumState::new(config.quorum, false, 0),
            config,
            added,
            by: None,
            order,
            servers,
            removed: Vec::new(),
            slow_start: Duration::ZERO,
            meter: Meter::default(),
            told: None,
            have: 0,
            index: Vec::new(),
        };
        service.begin();
        service
    }

    /// The server with this key.
    pub fn server(&self, key: &RealServerKey) -> Option<&ServerState> {
        self.servers.get(self.position(key)?)
    }
    /// The same, to change it; [`ServiceState::settle`] must follow.
    pub fn server_mut(&mut self, key: &RealServerKey) -> Option<&mut ServerState> {
        let at = self.position(key)?;
        self.servers.get_mut(at)
    }
    /// Where a server stands.
    pub fn position(&self, key: &RealServerKey) -> Option<usize> {
        let found = self.index.binary_search_by(|at| self.key_at(*at).cmp(&Some(*key))).ok()?;
        self.index.get(found).map(|at| *at as usize)
    }
    /// The place of the next server that an operator adds.
    pub fn next_order(&self) -> u64 {
        let places = self.servers.iter().chain(&self.removed).map(|server| server.order);
        places.max().map_or(ADDED, |last| last.max(ADDED) + 1)
    }
    /// Adds a server at its place, then works out what follows.
    pub fn add(&mut self, mut server: ServerState, now: Instant) -> Touched {
        let key = server.config.key;
        server.effective = None;
        self.removed.retain(|removed| removed.config.key != key);
        let at = self.servers.partition_point(|other| other.order <= server.order);
        self.servers.insert(at, server);
        if at + 1 == self.servers.len() {
            let place = self.index.partition_point(|known| self.key_at(*known) < Some(key));
            self.index.insert(place, narrow(at));
        } else {
            self.reindex();
        }
        self.settle(&key, now)
    }
    /// Takes a server out and remembers it, then works out what follows.
    pub fn remove(&mut self, key: &RealServerKey) -> Touched {
        let Some(at) = self.position(key) else { return Touched::One(*key) };
        let server = self.servers.remove(at);
        self.removed.push(ServerState { checks: Box::default(), ..server });
        if self.removed.iter().filter(|server| server.added).count() > KEPT
            && let Some(oldest) = self.removed.iter().position(|server| server.added)
        {
            self.removed.remove(oldest);
        }
        self.count();
        if self.quorum.weigh(self.have) { Touched::QuorumEdge } else { Touched::One(*key) }
    }

    /// A server changed in health, wish or weight: what follows for the weight that is up and the quorum.
    pub fn settle(&mut self, key: &RealServerKey, now: Instant) -> Touched {
        let Some(server) = self.server_mut(key) else { return Touched::One(*key) };
        let before = server.weight_up();
        server.place();
        let after = server.weight_up();
        self.have = self.have - before + after;
        if self.quorum.weigh(self.have) {
            self.begin_slowly(now);
            return Touched::QuorumEdge;
        }
        let over = self.slow_start;
        if !self.sorry_is_active()
            && let Some(server) = self.server_mut(key)
        {
            server.begin_slowly(now, over);
        }
        Touched::One(*key)
    }
    /// Everything may have changed: counts anew, under the quorum that the file wants now. Says whether that was gained or lost.
    pub fn settle_all(&mut self, now: Instant) -> bool {
        self.count();
        self.quorum.retune(self.config.quorum);
        let edge = self.quorum.weigh(self.have);
        self.begin_slowly(now);
        edge
    }
    fn begin_slowly(&mut self, now: Instant) {
        if !self.sorry_is_active() {
            self.servers.iter_mut().for_each(|server| server.begin_slowly(now, self.slow_start));
        }
    }
    /// Slow starts of an earlier run go on from the weights that it left in the kernel.
    pub fn rise_on(&mut self, now: Instant, seen: Option<&Service>) {
        let Some(seen) = seen.filter(|_| !self.sorry_is_active()) else { return };
        let over = self.slow_start;
        for server in
            self.servers.iter_mut().filter(|server| server.former == Former::Serving && !server.has_own_weight())
        {
            let found = seen.destinations.get(&server.config.key);
            if let (Some(found), Some(full)) = (found, server.effective.filter(|full| full.serves())) {
                server.ramp = Ramp::resumed(now, over, found.weight, full.0).into();
            }
        }
    }
    /// Counts as at the start.
    pub fn begin(&mut self) {
        self.count();
        self.quorum = QuorumState::new(self.config.quorum, self.was_up, self.have);
    }

    /// Weight that is up.
    pub const fn have(&self) -> u64 {
        self.have
    }
    /// The quorum.
    pub const fn quorum(&self) -> &QuorumState {
        &self.quorum
    }
    /// Whether the sorry server serves.
    pub const fn sorry_is_active(&self) -> bool {
        self.config.sorry_server.is_some() && !self.quorum.is_up()
    }

    /// Where a server belongs now. While the sorry server serves, the others leave, or get weight 0 with
    /// `inhibit_on_failure`; those to which an operator gave weight 0 stay for the connections that they have. Who came back has a part
    /// of its weight.
    pub fn place(&self, server: &ServerState) -> Option<EffectiveWeight> {
        let weight = server.effective?;
        if self.sorry_is_active() && (weight.serves() || server.is_weightless()) {
            return server.config.inhibit_on_failure.then_some(EffectiveWeight::QUIESCENT);
        }
        Some(EffectiveWeight(server.ramp.weight(weight.0)))
    }
    /// Whether it would serve, and does not, since the sorry server does.
    pub fn is_displaced(&self, server: &ServerState) -> bool {
        self.sorry_is_active() && server.effective.is_some_and(EffectiveWeight::serves)
    }
    /// `no quorum: the sorry server 10.0.0.74:80 serves`.
    pub fn sorry_words(&self) -> String {
        let sorry = self.config.sorry_server.as_ref().map_or_else(String::new, |sorry| format!(" {}", sorry.key));
        format!("no quorum: the sorry server{sorry} serves")
    }
    /// What the table is to have under this key.
    pub fn wanted(&self, key: &RealServerKey) -> Option<Destination> {
        let sorry = self.config.sorry_server.as_ref().filter(|sorry| sorry.key == *key);
        let sorry_with = |sorry: &SorryServer, weight| {
            let own = sorry.forwarding.map(|own| (own, sorry.tunnel));
            destination(own.unwrap_or((self.config.forwarding, self.config.tunnel)), weight)
        };
        if let Some(sorry) = sorry.filter(|_| self.sorry_is_active()) {
            return Some(sorry_with(sorry, Weight::DEFAULT));
        }
        let placed = self.server(key).and_then(|s| self.place(s).map(|weight| s.destination(weight)));
        placed.or_else(|| Some(sorry_with(sorry.filter(|sorry| sorry.inhibit)?, Weight::ZERO)))
    }
    /// Every key that it may have in the table, the sorry server's first.
    pub fn keys(&self) -> impl Iterator<Item = RealServerKey> {
        let sorry = self.config.sorry_server.iter().map(|sorry| sorry.key);
        sorry.chain(self.servers.iter().map(|server| server.config.key))
    }
    /// The service as the table is to have it, without destinations.
    pub fn settings(&self) -> Service {
        Service {
            scheduler: self.config.scheduler.name().to_owned(),
            persistence: self.config.persistence,
            odd_mask: self.config.odd_mask,
            one_packet: self.config.one_packet,
            scheduler_flags: self.config.scheduler_flags,
            engine: None,
            destinations: BTreeMap::new(),
            traffic: Traffic::default(),
        }
    }
    /// The service as the table is to have it.
    pub fn table_entry(&self) -> Service {
        let destinations = self.keys().filter_map(|key| Some((key, self.wanted(&key)?))).collect();
        Service { destinations, ..self.settings() }
    }

    fn count(&mut self) {
        for server in &mut self.servers {
            server.place();
        }
        self.have = self.servers.iter().map(ServerState::weight_up).sum();
        self.reindex();
    }
    /// Servers may stand elsewhere: finds them again.
    pub fn reindex(&mut self) {
        let mut index: Vec<u32> = (0..narrow(self.servers.len())).collect();
        index.sort_unstable_by_key(|at| self.key_at(*at));
        self.index = index;
    }
    fn key_at(&self, at: u32) -> Option<RealServerKey> {
        self.servers.get(at as usize).map(|server| server.config.key)
    }
}

/// A place among servers: no configuration has four billion of them.
fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

//! One virtual server as it is now: its real servers, the weight that is up, its quorum, and what follows for the table.
//!
//! A change of one server costs the same whatever the size of the service; only an edge of the quorum touches all of them.

use super::CheckId;
use super::rates::Meter;
use crate::engine::health::{EffectiveWeight, QuorumState, Standing, Wish, weigh};
use crate::engine::ipvs::{Destination, Service, Traffic};
use crate::engine::model::{Forwarding, RealServer, RealServerKey, VirtualServer, Weight};
use crate::engine::snapshot::{Admin, Health};
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

/// One real server in one service.
#[derive(Debug, Clone)]
pub(super) struct ServerState {
    /// What the file says of it, or what it was added with.
    pub config: RealServer,
    /// Not in the file.
    pub added: bool,
    /// The weight while it serves: the file's, or the last one that an operator set.
    pub weight: Weight,
    /// The operator's wish, and since when.
    pub admin: (Admin, Instant),
    /// What its checks say together, and since when.
    pub standing: (Standing, Instant),
    /// Why it last changed, for the journal.
    pub reason: String,
    /// Its checks, in file order.
    pub checks: Vec<CheckId>,
    /// How fast its totals grow.
    pub meter: Meter,
    /// Where it belongs by health and wish; see [`ServiceState::place`] for what the quorum makes of it.
    effective: Option<EffectiveWeight>,
}

impl ServerState {
    /// A server that nobody has judged yet.
    pub fn new(config: RealServer, added: bool, checks: Vec<CheckId>, now: Instant) -> Self {
        let is_plain = config.checks.is_empty() && !config.unchecked;
        let standing = if is_plain { Standing::Passing } else { Standing::Unknown };
        Self {
            added,
            weight: config.weight,
            admin: (Admin::Enabled, now),
            standing: (standing, now),
            reason: String::new(),
            checks,
            meter: Meter::default(),
            effective: None,
            config,
        }
    }
    /// Health as the API says it.
    pub const fn health(&self) -> Health {
        match self.standing.0 {
            Standing::Unknown => Health::Unknown,
            Standing::Passing => Health::Up,
            Standing::Failing => Health::Down,
        }
    }
    fn destination(&self, weight: EffectiveWeight) -> Destination {
        Destination {
            upper_threshold: self.config.upper_threshold,
            lower_threshold: self.config.lower_threshold,
            ..destination(self.config.forwarding, weight.0)
        }
    }
}

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
    /// What the file says, without its servers.
    pub config: VirtualServer,
    /// In file order, added ones last.
    pub servers: Vec<ServerState>,
    /// Servers of the file that an operator took out, for the way back.
    pub removed: Vec<RealServer>,
    /// How fast its totals grow.
    pub meter: Meter,
    quorum: QuorumState,
    have: u64,
    index: HashMap<RealServerKey, usize>,
}

impl ServiceState {
    /// A service with its servers; its quorum is there unless their weight is too little.
    pub fn new(config: &VirtualServer, servers: Vec<ServerState>) -> Self {
        let mut service = Self {
            config: VirtualServer { real_servers: Vec::new(), ..config.clone() },
            servers,
            removed: Vec::new(),
            meter: Meter::default(),
            quorum: QuorumState::new(config.quorum, 0),
            have: 0,
            index: HashMap::new(),
        };
        service.count();
        service.quorum = QuorumState::new(config.quorum, service.have);
        service
    }

    /// The server with this key.
    pub fn server(&self, key: &RealServerKey) -> Option<&ServerState> {
        self.servers.get(*self.index.get(key)?)
    }
    /// The same, to change it; [`ServiceState::settle`] must follow.
    pub fn server_mut(&mut self, key: &RealServerKey) -> Option<&mut ServerState> {
        self.servers.get_mut(*self.index.get(key)?)
    }
    /// Adds a server, then works out what follows.
    pub fn add(&mut self, server: ServerState) -> Touched {
        let key = server.config.key;
        self.index.insert(key, self.servers.len());
        self.servers.push(server);
        self.settle(&key)
    }
    /// Takes a server out, then works out what follows.
    pub fn remove(&mut self, key: &RealServerKey) -> Option<(ServerState, Touched)> {
        let at = *self.index.get(key)?;
        let server = self.servers.remove(at);
        self.count();
        let edge = self.quorum.weigh(self.have);
        Some((server, if edge { Touched::QuorumEdge } else { Touched::One(*key) }))
    }

    /// A server changed in health, wish or weight: what follows for the weight that is up and the quorum.
    pub fn settle(&mut self, key: &RealServerKey) -> Touched {
        let alpha = self.config.alpha;
        let Some(server) = self.server_mut(key) else { return Touched::One(*key) };
        let before = number(server.effective);
        server.effective = effective(server, alpha);
        self.have = self.have - before + self.server(key).map_or(0, |s| number(s.effective));
        if self.quorum.weigh(self.have) { Touched::QuorumEdge } else { Touched::One(*key) }
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

    /// Where a server belongs now. While the sorry server serves, the others leave; those with weight 0 stay for the
    /// connections that they have.
    pub fn place(&self, server: &ServerState) -> Option<EffectiveWeight> {
        server.effective.filter(|weight| !(self.sorry_is_active() && weight.serves()))
    }
    /// What the table is to have under this key.
    pub fn wanted(&self, key: &RealServerKey) -> Option<Destination> {
        match &self.config.sorry_server {
            Some(sorry) if sorry.key == *key && self.sorry_is_active() => {
                Some(destination(sorry.forwarding.unwrap_or(self.config.forwarding), Weight::DEFAULT))
            }
            _ => self.server(key).and_then(|s| self.place(s).map(|weight| s.destination(weight))),
        }
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
            odd_mask: None,
            one_packet: self.config.one_packet,
            scheduler_flags: 0,
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

    /// Counts everything anew.
    fn count(&mut self) {
        let alpha = self.config.alpha;
        for server in &mut self.servers {
            server.effective = effective(server, alpha);
        }
        self.have = self.servers.iter().map(|server| number(server.effective)).sum();
        self.index = self.servers.iter().enumerate().map(|(at, server)| (server.config.key, at)).collect();
    }
}

fn effective(server: &ServerState, alpha: bool) -> Option<EffectiveWeight> {
    let wish = match server.admin.0 {
        Admin::Enabled => Wish::Serve,
        Admin::Draining => Wish::Drain,
        Admin::Maintenance => Wish::Maintain,
    };
    // No check will ever end the wait that `alpha` asks for.
    let alpha = alpha && !server.config.unchecked;
    weigh(server.standing.0, wish, server.weight, alpha, server.config.inhibit_on_failure)
}

fn number(weight: Option<EffectiveWeight>) -> u64 {
    weight.map_or(0, |weight| u64::from(weight.0.get()))
}

fn destination(forwarding: Forwarding, weight: Weight) -> Destination {
    Destination {
        forwarding,
        tunnel: crate::engine::ipvs::Tunnel::Ipip,
        weight,
        upper_threshold: 0,
        lower_threshold: 0,
        active: 0,
        inactive: 0,
        persistent: 0,
        traffic: Traffic::default(),
    }
}

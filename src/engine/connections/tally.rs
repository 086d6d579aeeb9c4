//! Counting the table's lines as they come.

use super::talkers::Talkers;
use super::{
    ClientCount, ConnectionRow, ConnectionSort, ConnectionsPage, ConnectionsQuery, GROUPS, OFFSET, ROWS, ServerCount,
    ServiceCount, StateCount,
};
use crate::engine::command::RealServerSelector;
use crate::engine::ipvs::Connection;
use crate::engine::model::{Family, Protocol, ServiceKey};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

/// What has been counted so far.
pub struct Tally {
    query: ConnectionsQuery,
    /// The keys that the query's service stands for.
    services: Option<Vec<ServiceKey>>,
    total: u64,
    sum: Group,
    /// A few dozen at most.
    states: Vec<StateCount>,
    servers: HashMap<(Target, SocketAddr), Group>,
    talkers: Talkers,
    /// Rows wanted and those before them; in an order of their own more than that, until they are cut.
    rows: Vec<ConnectionRow>,
    /// Whether rows behind the last one were cut.
    is_cut: bool,
}

/// What a line says it goes to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Target {
    Service(ServiceKey),
    /// A protocol that no service has.
    Other(String, SocketAddr),
}

/// Entries that have something in common.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    connections: u64,
    templates: u64,
    empty_in: u32,
}

impl Group {
    fn count(&mut self, connection: &Connection<'_>) {
        *(if is_template(connection) { &mut self.templates } else { &mut self.connections }) += 1;
        self.empty_in = self.empty_in.max(connection.expires);
    }
    fn add(&mut self, other: Self) {
        self.connections += other.connections;
        self.templates += other.templates;
        self.empty_in = self.empty_in.max(other.empty_in);
    }
    const fn entries(&self) -> u64 {
        self.connections + self.templates
    }
}

/// A client without a port is bound to a server, and no connection.
const fn is_template(connection: &Connection<'_>) -> bool {
    connection.client.port() == 0
}

impl Target {
    fn of(connection: &Connection<'_>) -> Self {
        let address = connection.service;
        let protocol = match connection.protocol {
            "TCP" => Protocol::Tcp,
            "UDP" => Protocol::Udp,
            "SCTP" => Protocol::Sctp,
            "IP" => return Self::Service(marked(address.ip())),
            other => return Self::Other(other.to_ascii_lowercase(), address),
        };
        Self::Service(ServiceKey::Address { protocol, address })
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Service(key) => write!(f, "{key}"),
            Self::Other(protocol, address) => write!(f, "{protocol}/{address}"),
        }
    }
}

/// The mark stands in the first four bytes of the address (`net/netfilter/ipvs/ip_vs_core.c`, `ip_vs_sched_persist`).
fn marked(address: IpAddr) -> ServiceKey {
    match address {
        IpAddr::V4(address) => ServiceKey::FwMark { mark: address.to_bits(), family: Family::Inet },
        IpAddr::V6(address) => {
            let mark = u32::try_from(address.to_bits() >> 96).unwrap_or(0);
            ServiceKey::FwMark { mark, family: Family::Inet6 }
        }
    }
}

impl Tally {
    /// Counts what the query asks for; `services` are the keys that its service stands for.
    pub fn new(query: &ConnectionsQuery, services: Option<Vec<ServiceKey>>) -> Self {
        let query = ConnectionsQuery {
            limit: query.limit.min(ROWS),
            offset: query.offset.min(OFFSET),
            top: query.top.min(GROUPS),
            ..query.clone()
        };
        Self {
            query,
            services,
            total: 0,
            sum: Group::default(),
            states: Vec::new(),
            servers: HashMap::new(),
            talkers: Talkers::default(),
            rows: Vec::new(),
            is_cut: false,
        }
    }

    /// One line of the table.
    pub fn count(&mut self, connection: &Connection<'_>) {
        self.total += 1;
        let target = Target::of(connection);
        if !self.matches(connection, &target) {
            return;
        }
        self.sum.count(connection);
        if !is_template(connection) {
            self.count_state(connection);
            self.talkers.count(connection.client.ip());
        }
        self.keep(connection, &target);
        self.servers.entry((target, connection.server)).or_default().count(connection);
    }

    fn count_state(&mut self, connection: &Connection<'_>) {
        let same = |known: &&mut StateCount| {
            known.state == connection.state && known.protocol.eq_ignore_ascii_case(connection.protocol)
        };
        if let Some(known) = self.states.iter_mut().find(same) {
            known.connections += 1;
        } else {
            let (protocol, state) = (connection.protocol.to_ascii_lowercase(), connection.state.to_owned());
            self.states.push(StateCount { protocol, state, connections: 1 });
        }
    }

    fn matches(&self, connection: &Connection<'_>, target: &Target) -> bool {
        let service = self.services.as_ref().is_none_or(|wanted| match target {
            Target::Service(key) => wanted.contains(key),
            Target::Other(..) => false,
        });
        let server = match &self.query.server {
            None => true,
            Some(RealServerSelector::Key(key)) => *key == connection.server.into(),
            Some(RealServerSelector::Host(host)) => *host == connection.server.ip(),
        };
        let client = self.query.client.is_none_or(|wanted| wanted.contains(connection.client.ip()));
        let state = self.query.state.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(connection.state));
        service && server && client && state
    }

    fn keep(&mut self, connection: &Connection<'_>, target: &Target) {
        let wanted = self.query.offset + self.query.limit;
        let last = self.rows.get(wanted.saturating_sub(1)).filter(|_| self.is_cut);
        let is_wanted = match self.query.sort {
            ConnectionSort::Table => self.rows.len() < wanted,
            ConnectionSort::Expires => last.is_none_or(|last| connection.expires >= last.expires_s),
            ConnectionSort::Client => last.is_none_or(|last| connection.client <= last.client),
        };
        if !is_wanted {
            return;
        }
        self.rows.push(ConnectionRow {
            protocol: connection.protocol.to_ascii_lowercase(),
            client: connection.client,
            service: target.to_string(),
            server: connection.server,
            state: connection.state.to_owned(),
            expires_s: connection.expires,
            template: is_template(connection),
            engine_key: connection.engine.map(|(name, key)| format!("{name} {key}")),
        });
        if self.rows.len() >= 2 * wanted.max(ROWS) {
            self.cut(wanted);
        }
    }

    /// Puts the rows in order and forgets those behind the wanted ones.
    fn cut(&mut self, wanted: usize) {
        match self.query.sort {
            ConnectionSort::Table => {}
            ConnectionSort::Expires => self.rows.sort_by_key(|row| (Reverse(row.expires_s), row.client, row.server)),
            ConnectionSort::Client => self.rows.sort_by_key(|row| (row.client, row.server)),
        }
        self.is_cut |= self.rows.len() > wanted;
        self.rows.truncate(wanted);
    }

    /// The answer; `at` and `took` are when and how long it was read, and whether to the end.
    pub fn page(mut self, at: SystemTime, took: Duration, complete: bool) -> ConnectionsPage {
        let (top, offset) = (self.query.top, self.query.offset);
        self.cut(offset + self.query.limit);
        self.states.sort_by_key(|state| Reverse(state.connections));
        let mut services = BTreeMap::<String, Group>::new();
        let mut servers = Vec::with_capacity(self.servers.len());
        for ((target, server), group) in self.servers {
            services.entry(target.to_string()).or_default().add(group);
            servers.push((target, server, group));
        }
        servers.sort_by_cached_key(|(target, server, group)| (Reverse(group.entries()), target.to_string(), *server));
        servers.truncate(top);
        let mut services: Vec<_> = services.into_iter().collect();
        services.sort_by_key(|(_, group)| Reverse(group.entries()));
        services.truncate(top);
        let clients = self.talkers.top(top).into_iter();
        ConnectionsPage {
            at,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            complete,
            total: self.total,
            matching: self.sum.connections,
            templates: self.sum.templates,
            empty_in_s: (self.sum.entries() > 0).then_some(self.sum.empty_in),
            states: self.states,
            services: services.into_iter().map(|(service, group)| service_count(service, group)).collect(),
            real_servers: servers
                .into_iter()
                .map(|(target, server, group)| server_count(&target, server, group))
                .collect(),
            clients: clients.map(|(client, connections)| ClientCount { client, connections }).collect(),
            clients_short_by: self.talkers.short_by(),
            rows: self.rows.into_iter().skip(offset).collect(),
        }
    }
}

fn service_count(service: String, group: Group) -> ServiceCount {
    let Group { connections, templates, empty_in: empty_in_s } = group;
    ServiceCount { service, connections, templates, empty_in_s }
}

fn server_count(target: &Target, server: SocketAddr, group: Group) -> ServerCount {
    let Group { connections, templates, empty_in: empty_in_s } = group;
    ServerCount { service: target.to_string(), server: server.to_string(), connections, templates, empty_in_s }
}

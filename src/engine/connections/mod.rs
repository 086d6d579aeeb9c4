//! The connection table in numbers (layer 2, pure): who talks to whom, in which state, and for how long still.
//!
//! A table may have millions of lines: they are counted one by one as they are read, and never kept. What is kept is a
//! window of rows and the largest groups. It is read when somebody asks and not otherwise.

mod prefix;
mod talkers;
mod tally;
#[cfg(test)]
mod tests;

pub use prefix::Prefix;
pub use tally::Tally;

use super::command::{RealServerSelector, ServiceSelector};
use super::snapshot::rfc3339;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

/// Most rows of one answer.
pub const ROWS: usize = 2_000;
/// Most rows that `offset` skips.
pub const OFFSET: usize = 100_000;
/// Most groups of one kind in an answer.
pub const GROUPS: usize = 200;

/// What `GET /v1/connections` asks: what is given must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionsQuery {
    /// To this service alone, by key or by its configured name.
    pub service: Option<ServiceSelector>,
    /// To this real server alone.
    pub server: Option<RealServerSelector>,
    /// From these clients alone.
    pub client: Option<Prefix>,
    /// In this state alone, whatever the case.
    pub state: Option<String>,
    /// The order of the rows.
    pub sort: ConnectionSort,
    /// How many rows.
    pub limit: usize,
    /// How many rows are skipped.
    pub offset: usize,
    /// How many groups of each kind.
    pub top: usize,
}

impl Default for ConnectionsQuery {
    fn default() -> Self {
        let (service, server, client, state) = (None, None, None, None);
        Self { service, server, client, state, sort: ConnectionSort::Table, limit: 200, offset: 0, top: 10 }
    }
}

/// The order of the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionSort {
    /// As the kernel has them.
    #[default]
    Table,
    /// Those first that stay longest.
    Expires,
    /// By the client's address.
    Client,
}

/// The table as it was while it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionsPage {
    /// When reading began.
    #[serde(with = "rfc3339")]
    pub at: SystemTime,
    /// Milliseconds that it took.
    pub took_ms: u64,
    /// Whether all of the table was read; a very long one is given up after some seconds.
    pub complete: bool,
    /// Entries that were read, persistence templates with them.
    pub total: u64,
    /// Connections that match.
    pub matching: u64,
    /// Persistence templates that match.
    pub templates: u64,
    /// Seconds until the last that matches is forgotten, if no packet comes any more; none where nothing matches.
    pub empty_in_s: Option<u32>,
    /// Connections by protocol and state, the most first.
    pub states: Vec<StateCount>,
    /// Connections by service, the most first.
    pub services: Vec<ServiceCount>,
    /// Connections by real server in its service, the most first.
    pub real_servers: Vec<ServerCount>,
    /// Connections by client, the most first.
    pub clients: Vec<ClientCount>,
    /// By how much a client's number may be too small: 0 unless there are very many clients.
    pub clients_short_by: u64,
    /// The window of rows.
    pub rows: Vec<ConnectionRow>,
}

/// How many are in a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateCount {
    /// `tcp`, `udp`, `sctp`, or what the kernel writes.
    pub protocol: String,
    /// The kernel's word.
    pub state: String,
    /// How many.
    pub connections: u64,
}

/// How many go to a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCount {
    /// Its key; where packets were marked, the address that they went to.
    pub service: String,
    /// Connections.
    pub connections: u64,
    /// Persistence templates.
    pub templates: u64,
    /// Seconds until the last is forgotten, if no packet comes any more.
    pub empty_in_s: u32,
}

/// How many a real server has of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerCount {
    /// The service's key.
    pub service: String,
    /// The real server's key.
    pub server: String,
    /// Connections.
    pub connections: u64,
    /// Persistence templates.
    pub templates: u64,
    /// Seconds until the last is forgotten, if no packet comes any more: so long a drained server may take to be empty.
    pub empty_in_s: u32,
}

/// How many a client has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCount {
    /// Its address.
    pub client: IpAddr,
    /// Connections.
    pub connections: u64,
}

/// One connection or persistence template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionRow {
    /// `tcp`, `udp`, `sctp`, or what the kernel writes.
    pub protocol: String,
    /// Who asked; port 0 in a template.
    pub client: SocketAddr,
    /// The service's key; where packets were marked, the address that they went to.
    pub service: String,
    /// Who answers.
    pub server: SocketAddr,
    /// The kernel's word.
    pub state: String,
    /// Seconds until it is forgotten, if no packet comes any more.
    pub expires_s: u32,
    /// Whether it only binds a client to a server.
    pub template: bool,
    /// What the persistence engine knows the client by.
    pub engine_key: Option<String>,
}

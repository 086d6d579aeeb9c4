//! The service tree as flat rows, sorted and filtered: `GET /v1/rows`.

use super::{Admin, Counters, DrainStatus, Health, Rates, SlowStartStatus, rfc3339};
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// What a client wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RowsQuery {
    /// Keys of services that are unfolded, comma-separated; `all`, `none`, or `-KEY,…` for all but those. Default `all`.
    pub expand: Option<String>,
    /// Order of services and of servers within them.
    pub sort: Sort,
    /// Shows what matches all words: a word occurs in key, name or state; `state:down`, `vip:10.0.0.1` and
    /// `rs:10.0.0.71` look at one of them; `!` before a word turns it round. A word with one of `^$*+?(){}|\` is a regular expression, and
    /// so is what follows `re:`. A server that matches shows its service too.
    pub filter: Option<String>,
    /// Key of the first row wanted; `offset`, or else the top, when absent or gone.
    pub anchor: Option<String>,
    /// How many rows; 200 when absent, at most 2,000.
    pub limit: Option<usize>,
    /// Index of the first row wanted when there is no anchor.
    pub offset: Option<usize>,
}

/// Order of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// Services and servers with problems first, file order among equals.
    #[default]
    Problems,
    /// As in the file.
    File,
    /// By key.
    Key,
    /// Most active connections first.
    Active,
    /// Highest connection rate first.
    Rate,
}

/// What a row shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowKind {
    /// A service.
    Service,
    /// A real server under the service above it.
    Server,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Stable name: `tcp/10.0.0.1:80`, and `tcp/10.0.0.1:80 10.0.0.71:80` for a server.
    pub key: String,
    /// Service or server.
    pub kind: RowKind,
    /// The service's key.
    pub service: String,
    /// The server's key; none for a service.
    pub server: Option<String>,
    /// The service's configured name.
    pub name: Option<String>,
    /// Scheduler's name; services only.
    pub scheduler: Option<String>,
    /// Persistence timeout, seconds; services only.
    pub persistence: Option<u32>,
    /// ipvsadm's word: `Route`, `Masq`, `Tunnel`.
    pub forward: String,
    /// Weight wanted in the kernel now; for a service the sum.
    pub weight: u32,
    /// Weight in the file; for a service the sum.
    pub configured_weight: u32,
    /// What the operator wants it to have while it serves, where that is not the weight in the file; for a service the sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted_weight: Option<u32>,
    /// When that ends by itself, and the weight in the file is back; none for a service.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub weight_until: Option<SystemTime>,
    /// Weight in the kernel; none where it is not in the table.
    pub kernel_weight: Option<u32>,
    /// Active connections; for a service the sum.
    pub active: u32,
    /// Inactive connections; for a service the sum.
    pub inactive: u32,
    /// Health; for a service Up with quorum, Down without.
    pub health: Health,
    /// The operator's wish; services: enabled.
    pub admin: Admin,
    /// `ok 1.9ms`, `DOWN timeout` (its age is in `health_age_s`), `DRAIN 31 conn`, `OUT at deadline`, `1/3 fails: timeout`, `no check`; a
    /// service: `12/12 ok`, `10/12 DEGRADED`, `0/12 NO QUORUM`.
    pub note: String,
    /// Seconds since the health last changed; servers only.
    pub health_age_s: Option<u64>,
    /// Whether this row needs a person.
    pub problem: bool,
    /// Whether the service is unfolded.
    pub expanded: bool,
    /// Not in the file.
    pub added: bool,
    /// As in the status; none for a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<DrainStatus>,
    /// As in the status; none for a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_start: Option<SlowStartStatus>,
    /// Totals.
    pub counters: Counters,
    /// A second.
    pub rates: Rates,
}

impl Row {
    /// The weight that it has while it is enabled and up, and no check gives another.
    pub fn wanted(&self) -> u32 {
        self.wanted_weight.unwrap_or(self.configured_weight)
    }

    /// The weight in a cell: `100`; `5(100)` where an operator gave another than the file's; `100>0`, `5(100)>0` when checks took
    /// it away, `100>30` while it starts slowly; `0(100)` where an operator took it out, with the weight in the file. Empty for a service.
    pub fn weights(&self) -> String {
        let (now, wanted, file) = (self.weight, self.wanted(), self.configured_weight);
        if self.kind == RowKind::Service {
            return String::new();
        }
        if self.admin != Admin::Enabled && now != wanted {
            return if now == file { now.to_string() } else { format!("{now}({file})") };
        }
        let given = if wanted == file { wanted.to_string() } else { format!("{wanted}({file})") };
        if now == wanted { given } else { format!("{given}>{now}") }
    }
}

/// A window of the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowsPage {
    /// How many rows match in all.
    pub total: usize,
    /// Index of the first row below among them.
    pub offset: usize,
    /// Services that match, and all services.
    pub services: (usize, usize),
    /// The window.
    pub rows: Vec<Row>,
    /// Whether the query's anchor was found.
    pub anchor_found: bool,
}

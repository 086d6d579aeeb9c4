//! Lines 1 and 2 of the console from a status: `GET /v1/summary`, small whatever the size.

use super::{Role, rfc3339};
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// What an operator wants to know in two seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// This node.
    pub node: String,
    /// The engine's process.
    pub pid: u32,
    /// `run`, `watch`, `demo` or `replay`.
    pub mode: String,
    /// All instances in a word.
    pub role: Role,
    /// Instances of which this node is master, and all of them.
    pub masters: (usize, usize),
    /// Virtual addresses on this host, and all of them.
    pub addresses_here: (usize, usize),
    /// Services without their quorum, and all of them.
    pub services_degraded: (usize, usize),
    /// Real servers by state.
    pub totals: Totals,
    /// What is wrong, worst first, at most 16.
    pub problems: Vec<Problem>,
    /// How many there are in all.
    pub problem_count: usize,
    /// When a state last changed.
    #[serde(with = "rfc3339::option")]
    pub changed_at: Option<SystemTime>,
    /// Number of the newest event.
    pub last_event: u64,
    /// This moment on the engine's clock, for ages.
    #[serde(with = "rfc3339")]
    pub now: SystemTime,
    /// Whether the asker may give commands.
    pub writable: bool,
}

/// Real servers by state; each is counted once a service, in the first of: down, draining, unknown, up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// All.
    pub real_servers: usize,
    /// Serving.
    pub up: usize,
    /// Failed their checks.
    pub down: usize,
    /// Taken out by the operator.
    pub draining: usize,
    /// Not checked yet.
    pub unknown: usize,
}

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Key of the row it is about (see [`super::Row::key`]), or the instance's name.
    pub key: String,
    /// `DOWN 10.0.3.21:80 tcp/10.0.0.1:80 connection refused`.
    pub text: String,
    /// Since when.
    #[serde(with = "rfc3339::option")]
    pub since: Option<SystemTime>,
}

//! What is known of a server beside its checks: until when it keeps its connections, where it was before.

use super::overrides::By;
use crate::engine::model::Blank;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// When a drain ends although connections are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DrainEnd<T = Instant> {
    /// Never.
    Never,
    /// At this moment.
    At(T),
    /// It did: the server is out of the table until `restore`.
    Passed,
}

/// What of an operator's wishes ends by itself, and whose wish it is that the server is not to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ends {
    /// Until when the server keeps its connections.
    pub drain: DrainEnd,
    /// When its drain or maintenance ends.
    pub return_at: Option<Instant>,
    /// When it has the file's weight again; see [`super::server::ServerState::weight_ends_at`].
    pub weight_at: Option<Instant>,
    /// Who drained it or put it into maintenance.
    pub by: Option<By>,
}

impl Blank for Ends {
    const BLANK: &'static Self = &Self { drain: DrainEnd::Never, return_at: None, weight_at: None, by: None };
}

/// Where a server was before anybody judged it; decides where it waits for its first verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Former {
    /// Nothing is known: in the table, or outside with `alpha`.
    Unseen,
    /// It served: it goes on until its checks say otherwise.
    Serving,
    /// It comes from maintenance: it keeps its connections, and gets new ones when its checks pass.
    Resting,
    /// It did not serve: it stays out until its checks pass.
    Absent,
}

impl Former {
    /// Whether it is known to be in the table.
    pub const fn is_in_table(self) -> bool {
        matches!(self, Self::Serving | Self::Resting)
    }
}

//! The columns of a history.

use super::{COLUMNS, Subject};
use serde::{Deserialize, Serialize};

/// A column. Names are promises: they are listed in `docs/api.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Series {
    /// New connections a second.
    ConnectionsPerS,
    /// Packets from clients a second.
    InPacketsPerS,
    /// Packets to clients a second.
    OutPacketsPerS,
    /// Bytes from clients a second.
    InBytesPerS,
    /// Bytes to clients a second.
    OutBytesPerS,
    /// Active connections.
    Active,
    /// Inactive connections.
    Inactive,
    /// Real servers that are up.
    Up,
    /// State of an instance: 0 INIT, 1 BACKUP, 2 MASTER, 3 FAULT.
    State,
}

impl Series {
    /// All but the state, in the order of a row.
    const TRAFFIC: [Self; COLUMNS] = [
        Self::ConnectionsPerS,
        Self::InPacketsPerS,
        Self::OutPacketsPerS,
        Self::InBytesPerS,
        Self::OutBytesPerS,
        Self::Active,
        Self::Inactive,
        Self::Up,
    ];

    /// Where it stands in a row.
    pub(super) const fn column(self) -> usize {
        match self {
            Self::ConnectionsPerS => 0,
            Self::InPacketsPerS => 1,
            Self::OutPacketsPerS => 2,
            Self::InBytesPerS => 3,
            Self::OutBytesPerS => 4,
            Self::Active => 5,
            Self::Inactive => 6,
            Self::Up | Self::State => 7,
        }
    }

    /// Those that a subject has.
    pub(super) const fn of(subject: &Subject) -> &'static [Self] {
        match subject {
            Subject::Instance(_) => &[Self::State],
            Subject::Total | Subject::Service(_) | Subject::Server(..) => &Self::TRAFFIC,
        }
    }
}

//! The lines of a recording.

use super::VERSION;
use crate::engine::event::Event;
use crate::engine::history::HistoryPage;
use crate::engine::snapshot::rfc3339;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::SystemTime;

/// What the first line says of itself.
pub(super) const FORMAT: &str = "lvsdeck-recording";

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// `lvsdeck-recording`.
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// The program that made it.
    pub lvsdeck: String,
    /// The engine's node.
    pub node: String,
    /// When it was begun.
    #[serde(with = "rfc3339")]
    pub made_at: SystemTime,
    /// Time between two statuses.
    pub interval_ms: u64,
}

impl Header {
    /// That of a recording which begins now.
    pub fn new(node: &str, made_at: SystemTime, interval_ms: u64) -> Self {
        let (format, lvsdeck) = (FORMAT.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        Self { format, version: VERSION, lvsdeck, node: node.to_owned(), made_at, interval_ms }
    }
}

/// Every other line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Entry {
    /// What the engine remembered of one subject.
    History {
        /// How it went.
        history: HistoryPage,
    },
    /// Something happened.
    Event {
        /// What.
        event: Event,
    },
    /// The status.
    Full {
        /// Milliseconds since the beginning.
        ms: u64,
        /// Wall clock.
        #[serde(with = "rfc3339")]
        at: SystemTime,
        /// All of it.
        status: Value,
    },
    /// What is different.
    Change {
        /// Milliseconds since the beginning.
        ms: u64,
        /// Wall clock.
        #[serde(with = "rfc3339")]
        at: SystemTime,
        /// Against the line before.
        change: Value,
    },
    /// The last line.
    End {
        /// Milliseconds since the beginning.
        ms: u64,
        /// Wall clock.
        #[serde(with = "rfc3339")]
        at: SystemTime,
        /// `time`, `asked`, `size` or `engine`.
        end: String,
    },
}

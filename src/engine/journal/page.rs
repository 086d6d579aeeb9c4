//! Pages of the journal, and where they begin.

use crate::engine::event::Event;
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

/// Where a page of the journal begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalFrom {
    /// After this number; after 0: with the oldest event that is kept anywhere.
    After(u64),
    /// With the first event that is no older than this. Age counts on the monotonic clock within this run of the engine,
    /// and on the wall clock before it.
    Age(Duration),
}

/// A page of the journal, on disk and in memory: `GET /v1/journal`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalPage {
    /// The oldest first; none when there is nothing more.
    pub events: Vec<Event>,
    /// Number of the oldest event that is kept anywhere.
    pub oldest: u64,
    /// Number of the newest event.
    pub newest: u64,
}

/// Which events are no older than an age.
#[derive(Debug, Clone, Copy)]
pub struct Younger {
    /// The last number of the runs before.
    pub before_run: u64,
    /// Wall clock of the oldest wanted: decides of events of the runs before.
    pub at: SystemTime,
    /// Monotonic time of the oldest wanted: decides of events of this run, so that a clock that was set loses none.
    pub monotonic_ms: u64,
}

impl Younger {
    /// Whether this event is.
    pub fn has(&self, event: &Event) -> bool {
        if event.seq > self.before_run { event.monotonic_ms >= self.monotonic_ms } else { event.at >= self.at }
    }
}

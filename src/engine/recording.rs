//! Recordings (layer 2): a stretch of an engine's life in a file, for `lvsdeck replay`.
//!
//! JSON lines. The first says what it is; then what the engine remembered; then a status in full and, tick after tick, what
//! changed in it. A full status comes again every [`FULL_EVERY`] ticks, so that a damaged line costs minutes and not the rest.
//!
//! ```text
//! {"format":"lvsdeck-recording","version":1,"lvsdeck":"0.1.0","node":"d1","made_at":"…","interval_ms":1000}
//! {"history":{…}}                            as GET /v1/history has it
//! {"event":{…}}                              as GET /v1/events has it
//! {"ms":0,"at":"…","status":{…}}             as GET /v1/status has it, so many milliseconds after the beginning
//! {"ms":1000,"at":"…","change":{…}}          what is different since the line before
//! {"ms":600000,"at":"…","end":"time"}        the last line of a recording that was not cut off
//! ```
//!
//! Timers (`in_ms`, `next_in_ms`) run down by themselves: they are written only where they differ by more than
//! [`TIMER_SLACK_MS`] from that. Everything else comes back exactly. Statuses have no secrets, so a recording has none.

mod difference;
mod encoder;
mod error;
mod line;

pub use encoder::Encoder;
pub use error::RecordingError;
pub use line::{Entry, Header};

use super::event::Event;
use super::history::HistoryPage;
use super::snapshot::Status;
use serde::Deserialize;
use serde_json::Value;
use std::io::BufRead;
use std::time::SystemTime;

/// Version of the format that is written and read.
pub const VERSION: u32 = 1;
/// Ticks between two full statuses.
pub const FULL_EVERY: u32 = 300;
/// How much a timer may differ from one that runs down by itself.
pub const TIMER_SLACK_MS: u64 = 300;
/// Longest line that is read: a status of some 100,000 real servers.
const MAX_LINE: u64 = 256 << 20;

/// One moment.
#[derive(Debug, Clone)]
struct Tick {
    ms: u64,
    at: SystemTime,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Full(Value),
    Change(Value),
}

/// A recording that was read.
#[derive(Debug, Clone)]
pub struct Recording {
    /// What it is.
    pub header: Header,
    /// What the engine remembered at the beginning.
    pub history: Vec<HistoryPage>,
    /// Everything that happened, in order: before and during it.
    pub events: Vec<Event>,
    /// Why it ended; none when it was cut off.
    pub end: Option<String>,
    /// Lines that could not be read.
    pub damaged: usize,
    ticks: Vec<Tick>,
}

impl Recording {
    /// Reads one; of one that was cut off or damaged what is whole.
    pub fn read(mut from: impl BufRead) -> Result<Self, RecordingError> {
        let line = read_line(&mut from)?.unwrap_or_default();
        let header: Header = serde_json::from_slice(&line).map_err(|_| RecordingError::NotARecording)?;
        if header.format != line::FORMAT {
            return Err(RecordingError::NotARecording);
        }
        if header.version != VERSION {
            return Err(RecordingError::Version(header.version));
        }
        let (history, events, ticks) = (Vec::new(), Vec::new(), Vec::new());
        let mut recording = Self { header, history, events, end: None, damaged: 0, ticks };
        // After a damaged line changes mean nothing before the next full status.
        let mut adrift = true;
        while let Some(line) = read_line(&mut from)? {
            match serde_json::from_slice(&line) {
                Ok(Entry::History { history }) => recording.history.push(history),
                Ok(Entry::Event { event }) => recording.events.push(event),
                Ok(Entry::Full { ms, at, status }) => {
                    adrift = false;
                    recording.ticks.push(Tick { ms, at, what: What::Full(status) });
                }
                Ok(Entry::Change { ms, at, change }) if !adrift => {
                    recording.ticks.push(Tick { ms, at, what: What::Change(change) });
                }
                Ok(Entry::Change { .. }) => {}
                Ok(Entry::End { end, .. }) => recording.end = Some(end),
                Err(_) => {
                    recording.damaged += 1;
                    adrift = true;
                }
            }
        }
        Ok(recording)
    }

    /// The moments that have a status, in milliseconds since the beginning, with their wall clock.
    pub fn moments(&self) -> impl Iterator<Item = (u64, SystemTime)> {
        self.ticks.iter().map(|tick| (tick.ms, tick.at))
    }

    /// The status as of `ms` after the beginning; none before the first. Takes the changes since the last full one.
    pub fn status_at(&self, ms: u64) -> Result<Option<Status>, RecordingError> {
        let upto = self.ticks.partition_point(|tick| tick.ms <= ms);
        let before = self.ticks.get(..upto).unwrap_or_default();
        let full = before.iter().rposition(|tick| matches!(tick.what, What::Full(_))).unwrap_or(0);
        let mut shown: Option<(u64, Value)> = None;
        for tick in before.get(full..).unwrap_or_default() {
            shown = follow(shown, tick);
        }
        Ok(shown.map(|(_, value)| serde_json::from_value(value)).transpose()?)
    }

    /// Every status with its moment, in order, for one who plays it.
    pub fn statuses(&self) -> impl Iterator<Item = Result<(u64, Status), RecordingError>> {
        let mut shown = None;
        self.ticks.iter().filter_map(move |tick| {
            shown = follow(shown.take(), tick);
            let (ms, value) = shown.as_ref()?;
            Some(Status::deserialize(value).map(|status| (*ms, status)).map_err(RecordingError::from))
        })
    }
}

fn follow(shown: Option<(u64, Value)>, tick: &Tick) -> Option<(u64, Value)> {
    match (&tick.what, shown) {
        (What::Full(status), _) => Some((tick.ms, status.clone())),
        (What::Change(change), Some((before, mut value))) => {
            difference::age(&mut value, tick.ms.saturating_sub(before));
            difference::apply(&mut value, change);
            Some((tick.ms, value))
        }
        (What::Change(_), None) => None,
    }
}

/// The next line without its end, where it has one or not; none at the end.
fn read_line(from: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    std::io::Read::take(&mut *from, MAX_LINE).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests;

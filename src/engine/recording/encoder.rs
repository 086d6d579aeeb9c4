//! From statuses to lines: the first in full, then what changed.

use super::{Entry, FULL_EVERY, RecordingError, difference};
use crate::engine::snapshot::Status;
use serde_json::Value;
use std::time::SystemTime;

/// Makes the lines of statuses.
#[derive(Debug, Default)]
pub struct Encoder {
    /// What a reader has before him.
    shown: Option<(u64, Value)>,
    ticks: u32,
}

impl Encoder {
    /// The line of this status, `ms` after the beginning.
    pub fn status(&mut self, ms: u64, at: SystemTime, status: &Status) -> Result<Entry, RecordingError> {
        let new = serde_json::to_value(status)?;
        let full = self.ticks.is_multiple_of(FULL_EVERY);
        self.ticks += 1;
        let entry = match self.shown.take() {
            Some((before, mut shown)) if !full => {
                difference::age(&mut shown, ms.saturating_sub(before));
                let change = difference::between(&shown, &new).unwrap_or(Value::Null);
                difference::apply(&mut shown, &change);
                self.shown = Some((ms, shown));
                Entry::Change { ms, at, change }
            }
            Some(_) | None => {
                self.shown = Some((ms, new.clone()));
                Entry::Full { ms, at, status: new }
            }
        };
        Ok(entry)
    }
}

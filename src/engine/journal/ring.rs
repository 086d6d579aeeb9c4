//! The newest lines of the engine's log, for those who are not where it is written. Bounded: a line too many takes the place of
//! the oldest.

use crate::engine::event::Severity;
use crate::engine::snapshot::rfc3339;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

/// Lines that are kept.
pub const LINES: usize = 2_000;
/// Most characters of a line that are kept.
const LENGTH: usize = 1_024;
/// Lines of one answer without `limit`.
const PAGE: usize = 500;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Counts from 1 in each run of the engine, without gaps.
    pub seq: u64,
    /// When.
    #[serde(with = "rfc3339")]
    pub at: SystemTime,
    /// How much it matters.
    pub level: Severity,
    /// The line.
    pub text: String,
}

/// What `GET /v1/log` asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogQuery {
    /// Only lines above this number.
    pub after: u64,
    /// Only lines that matter at least as much.
    pub level: Severity,
    /// At most so many, the newest.
    pub limit: usize,
}

impl Default for LogQuery {
    fn default() -> Self {
        Self { after: 0, level: Severity::Info, limit: PAGE }
    }
}

/// Lines of the log: `GET /v1/log`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// The oldest first.
    pub lines: Vec<LogLine>,
    /// Number of the oldest line that is kept; 0 while there is none.
    pub oldest: u64,
    /// Number of the newest line, whatever was asked for; 0 while there is none.
    pub newest: u64,
}

/// The newest lines. Writers and readers may be on any thread; none waits longer than a copy takes.
#[derive(Debug, Default)]
pub struct LogRing(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<LogLine>,
    newest: u64,
}

impl LogRing {
    /// The ring of this process: an engine's own process writes everything into it.
    pub fn of_process() -> &'static Arc<Self> {
        static RING: OnceLock<Arc<LogRing>> = OnceLock::new();
        RING.get_or_init(Arc::default)
    }

    /// Takes a line.
    pub fn push(&self, at: SystemTime, level: Severity, text: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.newest += 1;
        let line = LogLine { seq: kept.newest, at, level, text: text.chars().take(LENGTH).collect() };
        if kept.lines.len() >= LINES {
            kept.lines.pop_front();
        }
        kept.lines.push_back(line);
    }

    /// The newest lines that a question is about.
    pub fn page(&self, query: &LogQuery) -> LogPage {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newest_first = kept.lines.iter().rev().take_while(|line| line.seq > query.after);
        let wanted = newest_first.filter(|line| line.level >= query.level).take(query.limit.min(LINES));
        let mut lines: Vec<LogLine> = wanted.cloned().collect();
        lines.reverse();
        LogPage { lines, oldest: kept.lines.front().map_or(0, |line| line.seq), newest: kept.newest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_are_kept_and_numbered_without_gaps() {
        let ring = LogRing::default();
        assert_eq!(ring.page(&LogQuery::default()), LogPage::default());
        for n in 1..=LINES + 5 {
            let level = if n.is_multiple_of(2) { Severity::Warning } else { Severity::Info };
            ring.push(SystemTime::UNIX_EPOCH, level, &n.to_string());
        }
        let newest = u64::try_from(LINES).unwrap() + 5;
        let seqs = |query: LogQuery| ring.page(&query).lines.iter().map(|line| line.seq).collect::<Vec<_>>();
        let page = ring.page(&LogQuery { limit: usize::MAX, ..LogQuery::default() });
        assert_eq!((page.lines.len(), page.oldest, page.newest), (LINES, 6, newest));
        assert_eq!(seqs(LogQuery { limit: 2, ..LogQuery::default() }), [newest - 1, newest]);
        assert_eq!(seqs(LogQuery { after: newest - 3, level: Severity::Warning, ..LogQuery::default() }), [newest - 1]);
        assert_eq!(seqs(LogQuery { after: newest, ..LogQuery::default() }), Vec::<u64>::new());
    }

    #[test]
    fn a_line_is_cut_by_characters() {
        let ring = LogRing::default();
        ring.push(SystemTime::UNIX_EPOCH, Severity::Info, &"日".repeat(LENGTH + 1));
        assert_eq!(ring.page(&LogQuery::default()).lines.first().map(|line| line.text.chars().count()), Some(LENGTH));
    }
}

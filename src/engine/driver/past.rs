//! What was, for those who ask: pages of the journal beyond the memory, and the history. Read on the asker's thread.

use super::shared::Shared;
use crate::engine::event::Event;
use crate::engine::handle::{HandleError, no_past};
use crate::engine::history::{COARSE, HistoryError, HistoryPage, HistoryQuery};
use crate::engine::journal::{JournalFrom, JournalPage, PAGE, Younger};
use crate::engine::model;
use crate::engine::snapshot::Status;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

/// By so much the clock of the wall and that of the engine may differ over a look back.
const MARGIN: Duration = Duration::from_secs(1);
/// Most events that are taken back to show a moment.
const MOST_EVENTS: usize = 50_000;

impl Shared {
    /// The oldest events above `after` that are kept anywhere.
    pub(super) fn kept_page(&self, after: u64, limit: usize) -> Vec<Arc<Event>> {
        let limit = limit.min(PAGE);
        let kept = self.numbered();
        let oldest = kept.journal.oldest();
        let files = kept.files.clone().filter(|_| after.saturating_add(1) < oldest);
        drop(kept);
        let mut older = files.map_or_else(Vec::new, |files| files.page(after, limit));
        // What is in memory may be missing in a file that could not be written.
        older.retain(|event| event.seq < oldest);
        if older.is_empty() { self.in_memory(after, limit) } else { older }
    }

    /// See [`EngineHandle::journal`](crate::engine::EngineHandle::journal); at most [`PAGE`] events.
    pub fn journal(&self, from: JournalFrom, limit: usize) -> JournalPage {
        let events = match from {
            JournalFrom::After(after) => self.kept_page(after, limit),
            JournalFrom::Age(age) => {
                self.first_younger(age).map_or_else(Vec::new, |first| self.kept_page(first.saturating_sub(1), limit))
            }
        };
        let kept = self.numbered();
        let (oldest, newest, files) = (kept.journal.oldest(), kept.journal.last_seq(), kept.files.clone());
        drop(kept);
        let oldest = files.and_then(|files| files.oldest()).map_or(oldest, |seq| seq.min(oldest));
        JournalPage { events: events.into_iter().map(Arc::unwrap_or_clone).collect(), oldest, newest }
    }

    /// The number of the first event that is no older than `age`: in memory, or, where all of that is younger, in the files.
    fn first_younger(&self, age: Duration) -> Option<u64> {
        let at = SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH);
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let kept = self.numbered();
        let monotonic_ms = self.monotonic_ms().saturating_sub(age);
        let younger = Younger { before_run: kept.journal.before_run(), at, monotonic_ms };
        let first = kept.journal.first(|event| younger.has(event));
        let files = kept.files.clone().filter(|_| first.is_none_or(|first| first == kept.journal.oldest()));
        drop(kept);
        let older = files.and_then(|files| files.first(|event| younger.has(event)));
        older.into_iter().chain(first).min()
    }

    /// Everything as it was at `at`. Errors: nothing is remembered of then.
    pub fn rewound(&self, at: SystemTime) -> Result<Status, HandleError> {
        let (now, elapsed) = (SystemTime::now(), self.started_at.elapsed());
        let age = now.duration_since(at).map_err(|_| no_past("that moment is still to come"))?;
        let Some(then) = elapsed.checked_sub(age) else {
            return Err(no_past(format!(
                "this engine was started {} ago and remembers nothing before",
                model::age(elapsed)
            )));
        };
        if age.as_secs() >= COARSE {
            return Err(no_past("what is remembered begins a day ago"));
        }
        // From a moment before on: what happened at the moment itself is to be known as well.
        let first = self.first_younger(age + MARGIN).map_or(u64::MAX, |first| first.saturating_sub(1));
        let mut after = first.min(self.oldest().saturating_sub(1)).max(self.before_run());
        let mut events: Vec<Arc<Event>> = Vec::new();
        loop {
            let page = self.kept_page(after, PAGE);
            let Some(last) = page.last() else { break };
            after = last.seq;
            events.extend(page);
            if events.len() > MOST_EVENTS {
                return Err(no_past("too much has happened since to be taken back"));
            }
        }
        let status = self.status();
        Ok(self.history().rewind(&status, &events, at, then.as_secs()))
    }

    /// Takes a sample of what is published. Called once a second by a thread of its own.
    pub fn sample(&self) {
        let second = self.started_at.elapsed().as_secs();
        let failover = self.failover.read().unwrap_or_else(PoisonError::into_inner).clone();
        let balance = self.balance.read().unwrap_or_else(PoisonError::into_inner).clone();
        self.history().sample(second, &failover.routers, &balance.servers);
    }

    /// See [`EngineHandle::history`](crate::engine::EngineHandle::history).
    pub fn history_page(&self, query: &HistoryQuery) -> Result<HistoryPage, HistoryError> {
        let (now, second) = (SystemTime::now(), self.started_at.elapsed().as_secs());
        self.history().page(query, now, second)
    }
}

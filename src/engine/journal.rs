//! The events of this run in a bounded ring (layer 2): numbered, in order, oldest dropped first.

use super::event::{Event, Fact};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

/// How many events are kept.
pub const CAPACITY: usize = 4096;
/// Most events that one look at a shared journal takes: whoever appends waits for no more than that.
pub const PAGE: usize = 256;

/// A bounded list of events. A value: the driver owns the lock around it and the clock that stamps it.
#[derive(Debug, Default)]
pub struct Journal {
    events: VecDeque<Arc<Event>>,
    last_seq: u64,
}

impl Journal {
    /// Stamps and appends a fact.
    pub fn append(&mut self, fact: Fact, at: SystemTime, monotonic_ms: u64) {
        self.last_seq += 1;
        if self.events.len() == CAPACITY {
            self.events.pop_front();
        }
        self.events.push_back(Arc::new(Event::stamp(fact, self.last_seq, at, monotonic_ms)));
    }

    /// The number of the newest event; 0 before the first.
    pub const fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The oldest `limit` events with a number above `after`, in order. Takes time for what it gives, not for what is kept.
    pub fn page(&self, after: u64, limit: usize) -> Vec<Arc<Event>> {
        let newer = usize::try_from(self.last_seq.saturating_sub(after)).unwrap_or(usize::MAX);
        let passed = self.events.len().saturating_sub(newer);
        self.events.range(passed..).take(limit).cloned().collect()
    }

    /// After which number the newest `limit` of the events above `after` begin.
    pub fn before_newest(&self, after: u64, limit: usize) -> u64 {
        after.max(self.last_seq.saturating_sub(limit.min(CAPACITY) as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::{EventKind, Severity};

    #[test]
    fn the_ring_keeps_the_newest_and_the_numbers_go_on() {
        let mut journal = Journal::default();
        for n in 0..CAPACITY + 10 {
            journal.append(Fact::new(EventKind::Link, Severity::Info, n.to_string()), SystemTime::UNIX_EPOCH, 0);
        }
        let all = journal.page(0, usize::MAX);
        assert_eq!(all.len(), CAPACITY);
        assert_eq!(all.first().map(|e| e.seq), Some(11));
        let seqs = |after, limit| journal.page(after, limit).iter().map(|e| e.seq).collect::<Vec<_>>();
        let last = journal.last_seq();
        assert_eq!(seqs(last - 2, 10), [last - 1, last]);
        assert_eq!(seqs(5, 3), [11, 12, 13], "the oldest first, from where the ring begins");
        assert_eq!(seqs(last, 3), [0; 0]);
        assert_eq!(seqs(last + 9, 3), [0; 0]);
        assert_eq!(seqs(journal.before_newest(0, 3), 3), [last - 2, last - 1, last]);
        assert_eq!(journal.before_newest(last - 1, 3), last - 1);
    }
}

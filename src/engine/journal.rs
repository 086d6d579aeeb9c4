//! The events of this run in a bounded ring (layer 2): numbered, in order, oldest dropped first.

use super::event::{Event, Fact};
use std::collections::VecDeque;
use std::time::SystemTime;

/// How many events are kept.
pub const CAPACITY: usize = 4096;

/// A bounded list of events. A value: the driver owns the lock around it and the clock that stamps it.
#[derive(Debug, Default)]
pub struct Journal {
    events: VecDeque<Event>,
    last_seq: u64,
}

impl Journal {
    /// Stamps and appends a fact; gives the event.
    pub fn append(&mut self, fact: Fact, at: SystemTime, monotonic_ms: u64) -> &Event {
        self.last_seq += 1;
        if self.events.len() == CAPACITY {
            self.events.pop_front();
        }
        let event = Event::stamp(fact, self.last_seq, at, monotonic_ms);
        self.events.push_back(event);
        #[allow(clippy::indexing_slicing)] // an element was pushed in the line above
        &self.events[self.events.len() - 1]
    }

    /// The number of the newest event; 0 before the first.
    pub const fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Events with a number above `after`, oldest first, at most the newest `limit` of them.
    pub fn after(&self, after: u64, limit: usize) -> Vec<Event> {
        let mut found: Vec<Event> =
            self.events.iter().rev().take_while(|e| e.seq > after).take(limit).cloned().collect();
        found.reverse();
        found
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
        let all = journal.after(0, usize::MAX);
        assert_eq!(all.len(), CAPACITY);
        assert_eq!(all.first().map(|e| e.seq), Some(11));
        assert_eq!(journal.after(journal.last_seq() - 2, 10).len(), 2);
        assert_eq!(journal.after(0, 3).last().map(|e| e.seq), Some(journal.last_seq()));
    }
}

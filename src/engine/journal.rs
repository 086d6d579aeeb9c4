//! The events of the engine in a bounded ring (layer 2): numbered without gaps, in order, oldest dropped first.
//!
//! Numbers go on across restarts: until it is known after which number they do, facts wait here with their times, so that
//! nobody who reports waits for a disk.

pub mod lines;
mod page;
mod ring;

pub use page::{JournalFrom, JournalPage, Younger};
pub use ring::{LogLine, LogPage, LogQuery, LogRing};

use super::event::{Event, Fact};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

/// How many events are kept in memory.
pub const CAPACITY: usize = 4096;
/// Most events that one look at a shared journal takes: whoever appends waits for no more than that.
pub const PAGE: usize = 256;

/// A bounded list of events. A value: the driver owns the lock around it and the clock that stamps it.
#[derive(Debug, Default)]
pub struct Journal {
    events: VecDeque<Arc<Event>>,
    last_seq: u64,
    /// The last number of the run before.
    before_run: u64,
    /// What was appended in this run, whatever became of it.
    appended: u64,
    waiting: Option<Waiting>,
}

/// Facts that have no number yet.
#[derive(Debug, Default)]
struct Waiting {
    facts: VecDeque<(Fact, SystemTime, u64)>,
    dropped: u64,
}

impl Journal {
    /// A journal that does not know its numbers before [`begin`](Self::begin).
    pub fn waiting() -> Self {
        Self { waiting: Some(Waiting::default()), ..Self::default() }
    }

    /// Numbers go on after `after`, and `older` (in order, up to that number) is what is remembered of the runs before. Gives
    /// false, and does nothing, when the numbers have begun already.
    pub fn begin(&mut self, after: u64, older: Vec<Arc<Event>>) -> bool {
        let Some(waiting) = self.waiting.take() else { return false };
        self.events = older.into();
        self.before_run = after;
        self.last_seq = after + waiting.dropped;
        waiting.facts.into_iter().for_each(|(fact, at, monotonic_ms)| self.number(fact, at, monotonic_ms));
        true
    }

    /// Whether the numbers have begun.
    pub const fn has_begun(&self) -> bool {
        self.waiting.is_none()
    }

    /// Stamps and appends a fact.
    pub fn append(&mut self, fact: Fact, at: SystemTime, monotonic_ms: u64) {
        self.appended += 1;
        self.number(fact, at, monotonic_ms);
    }

    fn number(&mut self, fact: Fact, at: SystemTime, monotonic_ms: u64) {
        if let Some(waiting) = &mut self.waiting {
            if waiting.facts.len() == CAPACITY {
                waiting.facts.pop_front();
                waiting.dropped += 1;
            }
            waiting.facts.push_back((fact, at, monotonic_ms));
            return;
        }
        self.last_seq += 1;
        while self.events.len() >= CAPACITY {
            self.events.pop_front();
        }
        self.events.push_back(Arc::new(Event::stamp(fact, self.last_seq, at, monotonic_ms)));
    }

    /// The number of the newest event; 0 before the first.
    pub const fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// How many events happened in this run of the engine. Numbers may skip, this does not.
    pub const fn appended(&self) -> u64 {
        self.appended
    }

    /// Events above this number are of this run of the engine.
    pub const fn before_run(&self) -> u64 {
        self.before_run
    }

    /// The number of the oldest event in memory; that of the next one while there is none.
    pub fn oldest(&self) -> u64 {
        self.events.front().map_or(self.last_seq + 1, |event| event.seq)
    }

    /// The oldest `limit` events with a number above `after`, in order. Takes time for what it gives, not for what is kept.
    pub fn page(&self, after: u64, limit: usize) -> Vec<Arc<Event>> {
        let passed = self.events.partition_point(|event| event.seq <= after);
        self.events.range(passed..).take(limit).cloned().collect()
    }

    /// The number of the first event in memory that fulfils the condition.
    pub fn first(&self, condition: impl Fn(&Event) -> bool) -> Option<u64> {
        self.events.iter().find(|event| condition(event)).map(|event| event.seq)
    }

    /// After which number the newest `limit` of the events above `after` begin.
    pub fn before_newest(&self, after: u64, limit: usize) -> u64 {
        // By place: numbers may have gaps.
        let oldest = self.events.len().saturating_sub(limit);
        after.max(self.events.get(oldest).map_or(self.last_seq, |event| event.seq - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::{EventKind, Severity};
    use std::time::Duration;

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

    fn fact(subject: &str) -> Fact {
        Fact::new(EventKind::Link, Severity::Info, subject)
    }

    #[test]
    fn facts_wait_for_their_numbers_and_go_on_after_those_of_the_run_before() {
        let mut before = Journal::default();
        (0..7).for_each(|_| before.append(fact("old"), SystemTime::UNIX_EPOCH, 0));
        let mut journal = Journal::waiting();
        journal.append(fact("first"), SystemTime::UNIX_EPOCH, 1);
        assert_eq!((journal.has_begun(), journal.last_seq(), journal.page(0, 9).len()), (false, 0, 0));
        assert!(journal.begin(7, before.page(4, 9)));
        journal.append(fact("second"), SystemTime::UNIX_EPOCH, 2);
        let seen: Vec<_> = journal.page(0, 9).iter().map(|e| (e.seq, e.subject.clone())).collect();
        assert_eq!(
            seen,
            [(5, "old"), (6, "old"), (7, "old"), (8, "first"), (9, "second")].map(|(n, s)| (n, s.to_owned()))
        );
        assert_eq!((journal.before_run(), journal.oldest()), (7, 5));
        assert!(!journal.begin(0, Vec::new()), "numbers begin once");
        assert_eq!((journal.last_seq(), journal.appended()), (9, 2));
    }

    #[test]
    fn a_storm_before_the_numbers_begin_is_bounded_and_leaves_a_gap() {
        let mut journal = Journal::waiting();
        (0..CAPACITY + 5).for_each(|n| journal.append(fact(&n.to_string()), SystemTime::UNIX_EPOCH, 0));
        journal.begin(100, Vec::new());
        assert_eq!(journal.oldest(), 106);
        assert_eq!(journal.page(0, 1).first().map(|e| e.subject.clone()).as_deref(), Some("5"));
    }

    #[test]
    fn a_clock_that_jumps_by_a_day_makes_no_event_of_this_run_older_or_younger() {
        const DAY: u64 = 86_400;
        let wall = |s: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(10 * DAY + s);
        for jumped in [9 * DAY, 11 * DAY] {
            let mut journal = Journal::default();
            for (second, seconds_of_day) in [(0, 0), (600, 600)] {
                journal.append(fact("before"), wall(seconds_of_day), second * 1000);
            }
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(jumped + 700);
            journal.append(fact("after"), now, 700_000);
            let at = now - Duration::from_mins(5);
            let younger = Younger { before_run: 0, at, monotonic_ms: 400_000 };
            assert_eq!(journal.first(|event| younger.has(event)), Some(2), "{jumped}");
            let earlier = Younger { before_run: 3, ..younger };
            assert_eq!(earlier.has(&journal.page(1, 1)[0]), jumped < 10 * DAY, "the wall clock decides of runs before");
        }
    }
}

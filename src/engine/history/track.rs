//! One subject's samples at one resolution: packed, in chunks, the oldest dropped first.
//!
//! A row is one code ([`number`](super::number)) a column. In a chunk's bytes stand, each as a variable-length number:
//!
//! ```text
//! count << 2 | 0        the row before, so many times again
//! count << 2 | 2        nothing is known of so many ticks
//! columns << 1 | 1      a row: a bit for each column that differs from the row before, then the differences (zigzag)
//! ```
//!
//! The first row of a chunk differs from zeros, so that each chunk is read by itself. What does not change costs nothing.

use super::varint::{take, unzigzag, write, zigzag};
use super::{COLUMNS, Row};
use std::collections::VecDeque;

/// A number of samples: seconds, or tens of seconds, since the engine started.
pub type Tick = u64;

/// What the allocator and a chunk's bookkeeping take, beside its bytes.
const CHUNK_COST: usize = size_of::<Chunk>() + 16;

/// Samples of consecutive ticks.
#[derive(Debug, Clone, Default)]
struct Chunk {
    start: Tick,
    ticks: u32,
    bytes: Box<[u8]>,
}

/// The chunk that is being written.
#[derive(Debug, Clone, Default)]
struct Open {
    start: Tick,
    ticks: u32,
    bytes: Vec<u8>,
    /// The row before, of codes.
    last: [u16; COLUMNS],
    /// How many repetitions, or ticks of which nothing is known, are not written yet.
    run: u32,
    run_is_gap: bool,
}

/// The samples of one subject at one resolution.
#[derive(Debug, Clone, Default)]
pub struct Track {
    closed: VecDeque<Chunk>,
    open: Open,
}

impl Track {
    /// Adds the row of `tick`; ticks since the last one become a gap. A tick that was there already is left out. Chunks have
    /// `chunk` ticks.
    pub fn push(&mut self, tick: Tick, row: &Row, chunk: u32) {
        let end = self.open.start + u64::from(self.open.ticks);
        if self.open.ticks > 0 && tick < end {
            return;
        }
        let missed = tick - end;
        if self.open.ticks > 0 && missed < u64::from(chunk) {
            self.open.add_gap(u32::try_from(missed).unwrap_or(0));
        } else if self.open.ticks > 0 {
            self.close();
        }
        if self.open.ticks >= chunk {
            self.close();
        }
        if self.open.ticks == 0 {
            self.open.start = tick;
        }
        self.open.add(row);
    }

    /// Adds the same row for each tick from the first of these to the last, which is excluded.
    pub fn push_run(&mut self, (first, end): (Tick, Tick), row: &Row, chunk: u32) {
        let mut tick = first;
        while tick < end {
            self.push(tick, row, chunk);
            let room = u64::from(chunk.saturating_sub(self.open.ticks)).min(end - tick - 1);
            self.open.repeat(u32::try_from(room).unwrap_or(0));
            tick += 1 + room;
        }
    }

    fn close(&mut self) {
        let Open { start, ticks, mut bytes, last, run, run_is_gap } = std::mem::take(&mut self.open);
        Open { last, run, run_is_gap, ..Open::default() }.flush(&mut bytes);
        self.closed.push_back(Chunk { start, ticks, bytes: bytes.into_boxed_slice() });
    }

    /// Drops the chunks that end before this tick.
    pub fn expire(&mut self, before: Tick) {
        while self.closed.front().is_some_and(|chunk| chunk.start + u64::from(chunk.ticks) <= before) {
            self.closed.pop_front();
        }
        if self.open.ticks > 0 && self.open.start + u64::from(self.open.ticks) <= before {
            self.open = Open::default();
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.closed.is_empty() && self.open.ticks == 0
    }

    /// What it takes beside itself.
    pub fn bytes(&self) -> usize {
        let closed: usize = self.closed.iter().map(|chunk| chunk.bytes.len()).sum();
        // a VecDeque keeps room for twice as many at most
        closed + self.closed.capacity() * CHUNK_COST + self.open.bytes.capacity() + 16
    }

    /// Gives every row between two ticks (the second one excluded) with its tick, in order.
    pub fn each(&self, from: Tick, to: Tick, mut give: impl FnMut(Tick, Row)) {
        let mut rows = |start: Tick, ticks: u32, bytes: &[u8]| {
            if start < to && start + u64::from(ticks) > from {
                read(bytes, start, |tick, row| {
                    if (from..to).contains(&tick) {
                        give(tick, row);
                    }
                });
            }
        };
        for chunk in &self.closed {
            rows(chunk.start, chunk.ticks, &chunk.bytes);
        }
        let mut bytes = self.open.bytes.clone();
        let Open { run, run_is_gap, last, .. } = self.open;
        Open { last, run, run_is_gap, ..Open::default() }.flush(&mut bytes);
        rows(self.open.start, self.open.ticks, &bytes);
    }
}

impl Open {
    fn add_gap(&mut self, ticks: u32) {
        if ticks == 0 {
            return;
        }
        self.run_of(true);
        self.run += ticks;
        self.ticks += ticks;
    }

    fn add(&mut self, row: &Row) {
        let codes = row.codes();
        if self.ticks > 0 && codes == self.last {
            return self.repeat(1);
        }
        self.run_of(false);
        let mut columns = 0;
        let mut differences = Vec::with_capacity(COLUMNS);
        for (column, (&new, &old)) in codes.iter().zip(&self.last).enumerate() {
            if new != old {
                columns |= 1_u64 << column;
                differences.push(zigzag(i64::from(new) - i64::from(old)));
            }
        }
        let mut bytes = std::mem::take(&mut self.bytes);
        self.flush(&mut bytes);
        write(&mut bytes, columns << 1 | 1);
        for difference in differences {
            write(&mut bytes, difference);
        }
        self.bytes = bytes;
        self.last = codes;
        self.ticks += 1;
    }

    /// The row before once more, so many times.
    fn repeat(&mut self, ticks: u32) {
        if ticks > 0 {
            self.run_of(false);
            self.run += ticks;
            self.ticks += ticks;
        }
    }

    /// The run that is open is one of this kind.
    fn run_of(&mut self, gap: bool) {
        if self.run > 0 && self.run_is_gap != gap {
            let mut bytes = std::mem::take(&mut self.bytes);
            self.flush(&mut bytes);
            self.bytes = bytes;
        }
        self.run_is_gap = gap;
    }

    fn flush(&mut self, bytes: &mut Vec<u8>) {
        if self.run > 0 {
            write(bytes, u64::from(self.run) << 2 | if self.run_is_gap { 2 } else { 0 });
            self.run = 0;
        }
    }
}

fn read(bytes: &[u8], start: Tick, mut give: impl FnMut(Tick, Row)) {
    let (mut rest, mut tick, mut last) = (bytes, start, [0_u16; COLUMNS]);
    while let Some(head) = take(&mut rest) {
        if head & 1 == 1 {
            for (column, code) in last.iter_mut().enumerate() {
                if head >> 1 & 1 << column != 0 {
                    let Some(difference) = take(&mut rest) else { return };
                    *code = u16::try_from(i64::from(*code) + unzigzag(difference)).unwrap_or(0);
                }
            }
            give(tick, Row::from_codes(last));
            tick += 1;
        } else {
            let count = head >> 2;
            if head & 2 == 0 {
                (tick..tick + count).for_each(|tick| give(tick, Row::from_codes(last)));
            }
            tick += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(track: &Track) -> Vec<(Tick, [u16; COLUMNS])> {
        let mut rows = Vec::new();
        track.each(0, Tick::MAX, |tick, row| rows.push((tick, row.codes())));
        rows
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out_and_what_was_missed_is_missing(
            steps in proptest::collection::vec((1u64..30, 0u64..4, any::<u64>(), 0u32..64), 1..200),
            chunk in 1u32..40,
        ) {
            let (mut track, mut tick, mut expected) = (Track::default(), 0, Vec::new());
            for (step, kind, value, shift) in steps {
                tick += if kind == 0 { step } else { 1 };
                let row = Row([if kind == 1 { 7 } else { value >> shift }; COLUMNS]);
                track.push(tick, &row, chunk);
                track.push(tick, &Row([1; COLUMNS]), chunk);
                expected.push((tick, row.codes()));
            }
            prop_assert_eq!(all(&track), expected);
        }
    }

    #[test]
    fn what_does_not_change_costs_nothing() {
        let mut track = Track::default();
        (0..3600).for_each(|tick| track.push(tick, &Row([12_345; COLUMNS]), 300));
        assert_eq!(all(&track).len(), 3600);
        assert!(track.bytes() < 1200, "{}", track.bytes());
    }

    #[test]
    fn old_chunks_go_and_a_subject_that_left_ends_empty() {
        let mut track = Track::default();
        (0..1000).for_each(|tick| track.push(tick, &Row([tick; COLUMNS]), 100));
        track.expire(450);
        assert_eq!(all(&track).first().map(|row| row.0), Some(400));
        track.expire(1000);
        assert!(track.is_empty());
    }
}

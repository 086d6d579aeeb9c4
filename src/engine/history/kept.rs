//! What is kept of one subject.

use super::track::{Tick, Track};
use super::{COARSE_CHUNK, FINE_CHUNK, LEVELS, Row, STEP, Subject};

/// The two tracks of a subject, and the ten seconds that are not over.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    pub(super) fine: Track,
    pub(super) coarse: Track,
    pub(super) sums: Row,
    pub(super) count: u64,
    /// The coarse tick that is summed.
    pub(super) summing: Tick,
    /// What it costs, as of its last push.
    pub(super) cost: usize,
    pub(super) admitted: u64,
}

impl Kept {
    pub(super) fn bytes(&self) -> usize {
        // itself, its key and its places in the two maps
        size_of::<Self>() + 3 * size_of::<Subject>() + 64 + self.fine.bytes() + self.coarse.bytes()
    }

    pub(super) fn push(&mut self, second: Tick, row: &Row) {
        self.fine.push(second, row, FINE_CHUNK);
        let summing = second / STEP;
        if summing != self.summing {
            self.finish();
            self.summing = summing;
        }
        let mut sums = self.sums;
        sums.add(row);
        for (sum, value) in sums.0.iter_mut().zip(row.0).skip(LEVELS) {
            *sum = value;
        }
        self.sums = sums;
        self.count += 1;
    }

    /// The ten seconds are over: the mean of the rates that were seen, the last of the levels.
    pub(super) fn finish(&mut self) {
        if self.count > 0 {
            let mut row = self.sums;
            row.0.iter_mut().take(LEVELS).for_each(|sum| *sum = (*sum + self.count / 2) / self.count);
            self.coarse.push(self.summing, &row, COARSE_CHUNK);
        }
        (self.sums, self.count) = (Row::default(), 0);
    }
}

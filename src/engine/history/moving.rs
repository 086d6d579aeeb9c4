//! What is kept of a subject that changes.

use super::track::{Tick, Track};
use super::{COARSE, COARSE_CHUNK, FINE, FINE_CHUNK, LEVELS, Row, STEP};

/// The two tracks of a subject, and the ten seconds that are not over.
#[derive(Debug, Clone, Default)]
pub(super) struct Moving {
    fine: Track,
    coarse: Track,
    sums: Row,
    count: u64,
    /// The coarse tick that is summed.
    summing: Tick,
    /// What it costs, as of its last change.
    pub(super) cost: usize,
}

impl Moving {
    /// What goes on after these, with so many samples of `row` in the ten seconds that are not over.
    pub(super) fn going_on(fine: Track, coarse: Track, (summing, count): (Tick, u64), row: &Row) -> Self {
        let mut sums = *row;
        sums.0.iter_mut().take(LEVELS).for_each(|rate| *rate *= count);
        Self { fine, coarse, sums, count, summing, cost: 0 }
    }

    /// What it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + 16 + self.fine.bytes() + self.coarse.bytes()
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
    fn finish(&mut self) {
        if let Some(row) = self.sum() {
            self.coarse.push(self.summing, &row, COARSE_CHUNK);
        }
        (self.sums, self.count) = (Row::default(), 0);
    }

    /// The row of the ten seconds that are not over.
    fn sum(&self) -> Option<Row> {
        let mut row = self.sums;
        row.0.iter_mut().take(LEVELS).try_for_each(|sum| {
            *sum = (*sum + self.count / 2).checked_div(self.count)?;
            Some(())
        })?;
        Some(row)
    }

    /// Forgets what is too old; says whether there is something left.
    pub(super) fn expire(&mut self, second: Tick) -> bool {
        self.fine.expire(second.saturating_sub(FINE));
        self.coarse.expire(second.saturating_sub(COARSE) / STEP);
        !(self.fine.is_empty() && self.coarse.is_empty())
    }

    /// Gives every row between two seconds (the second one excluded) with its time, in order; one for ten seconds where the `unit` is
    /// ten.
    pub(super) fn each(&self, from: Tick, to: Tick, unit: u64, mut give: impl FnMut(Tick, Row)) {
        if unit == 1 {
            return self.fine.each(from, to, give);
        }
        self.coarse.each(from / STEP, to.div_ceil(STEP), |tick, row| give(tick * STEP, row));
        // The ten seconds that are not over have no coarse sample yet.
        if let Some(row) = self.sum().filter(|_| (from..to).contains(&(self.summing * STEP))) {
            give(self.summing * STEP, Row::from_codes(row.codes()));
        }
    }
}

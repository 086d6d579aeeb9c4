//! A subject that has been the same ever since it was first seen: its row once, and when it was sampled.
//!
//! Most of ten thousand real servers are like that, and two tracks for each of them would be most of what the engine takes.

use super::moving::Moving;
use super::track::{Tick, Track};
use super::{COARSE, COARSE_CHUNK, COLUMNS, FINE, FINE_CHUNK, Row, STEP};

/// Times that were sampled one after the other; with more of them it is not worth the while to be told apart.
const MOST_RUNS: usize = 16;

/// Samples of consecutive seconds, all of the same row.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    first: u32,
    ticks: u32,
}

impl Run {
    fn end(self) -> Tick {
        Tick::from(self.first) + Tick::from(self.ticks)
    }
    /// The part of it from a second on.
    fn since(self, oldest: Tick) -> Option<Self> {
        let first = u32::try_from(oldest).unwrap_or(u32::MAX).max(self.first);
        let ticks = (self.first + self.ticks).checked_sub(first).filter(|ticks| *ticks > 0)?;
        Some(Self { first, ticks })
    }
    /// The tens of seconds that it has a part of, from the first to the one after the last.
    fn tens(self) -> (Tick, Tick) {
        (Tick::from(self.first) / STEP, self.end().div_ceil(STEP))
    }
}

/// What was always the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Still {
    codes: [u16; COLUMNS],
    /// The newest run; without ticks only before the first sample.
    run: Run,
    /// Those before it, the oldest first: the sampler missed seconds.
    before: Option<Box<[Run]>>,
}

impl Still {
    /// Takes a sample; says whether it could. One of a second that was sampled already is left out.
    pub(super) fn push(&mut self, second: Tick, row: &Row) -> bool {
        let Ok(first) = u32::try_from(second) else { return false };
        let codes = row.codes();
        if self.run.ticks == 0 {
            (self.codes, self.run) = (codes, Run { first, ticks: 1 });
            return true;
        }
        if second < self.run.end() {
            return true;
        }
        if codes != self.codes {
            return false;
        }
        if second == self.run.end() {
            self.run.ticks += 1;
            return true;
        }
        let before = self.before.as_deref().unwrap_or_default();
        if before.len() >= MOST_RUNS {
            return false;
        }
        self.before = Some(before.iter().copied().chain([self.run]).collect());
        self.run = Run { first, ticks: 1 };
        true
    }

    fn runs(&self) -> impl Iterator<Item = Run> {
        self.before.iter().flat_map(|before| before.iter().copied()).chain([self.run])
    }

    /// What it takes beside itself.
    pub(super) fn bytes(&self) -> usize {
        self.before.as_ref().map_or(0, |before| size_of_val(&**before) + 16)
    }

    /// Forgets what is a day old; says whether there is something left.
    pub(super) fn expire(&mut self, second: Tick) -> bool {
        let oldest = second.saturating_sub(COARSE);
        if let Some(before) = self.before.take() {
            let kept: Box<[Run]> = before.iter().filter_map(|run| run.since(oldest)).collect();
            self.before = Some(kept).filter(|kept| !kept.is_empty());
        }
        match self.run.since(oldest) {
            Some(run) => self.run = run,
            None => return false,
        }
        true
    }

    /// Gives every row between two seconds (the second one excluded) with its time, in order; one for ten seconds where the `unit` is
    /// ten.
    pub(super) fn each(&self, from: Tick, to: Tick, unit: u64, mut give: impl FnMut(Tick, Row)) {
        let row = Row::from_codes(self.codes);
        let mut next = from / unit;
        for run in self.runs() {
            let (first, end) = if unit == 1 { (Tick::from(run.first), run.end()) } else { run.tens() };
            for tick in first.max(next)..end.min(to.div_ceil(unit)) {
                give(tick * unit, row);
                next = tick + 1;
            }
        }
    }

    /// The same as tracks, which go on with other rows.
    pub(super) fn moving(&self) -> Moving {
        let row = Row::from_codes(self.codes);
        let (mut fine, mut coarse) = (Track::default(), Track::default());
        let end = self.run.end();
        for run in self.runs().filter_map(|run| run.since(end.saturating_sub(FINE))) {
            fine.push_run((Tick::from(run.first), run.end()), &row, FINE_CHUNK);
        }
        // The last ten seconds may not be over.
        let summing = end.saturating_sub(1) / STEP;
        for (first, end) in self.runs().map(Run::tens) {
            coarse.push_run((first, end.min(summing)), &row, COARSE_CHUNK);
        }
        let in_sum = |run: Run| run.since(summing * STEP).map_or(0, |run| Tick::from(run.ticks));
        Moving::going_on(fine, coarse, (summing, self.runs().map(in_sum).sum()), &row)
    }
}

//! A subject that has been the same ever since it was first seen: its row once, and when it was sampled.
//!
//! Most of ten thousand real servers are like that, and two tracks for each of them would be most of what the engine takes.

use super::moving::Moving;
use super::track::{Tick, Track};
use super::{COARSE, COARSE_CHUNK, COLUMNS, FINE, FINE_CHUNK, Row, STEP};
use std::sync::Arc;

/// Times that were sampled one after the other; with more of them it is not worth the while to be told apart.
const MOST_RUNS: usize = 16;

/// Samples of consecutive seconds, all of the same row.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
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
#[derive(Debug, Clone)]
pub(super) struct Still {
    codes: Arc<[u16; COLUMNS]>,
    /// The newest run; without ticks only before the first sample.
    run: Run,
    /// Those before it, the oldest first: the sampler missed seconds.
    before: Option<Arc<Vec<Run>>>,
}

/// What was shared last: subjects that missed the same seconds have one list of them, and those that are the same have one row.
#[derive(Debug, Default)]
pub(super) struct Shared {
    runs: Arc<Vec<Run>>,
    codes: Arc<[u16; COLUMNS]>,
}

impl Shared {
    fn runs(&mut self, runs: Vec<Run>) -> Arc<Vec<Run>> {
        if *self.runs != runs {
            self.runs = runs.into();
        }
        Arc::clone(&self.runs)
    }
    fn codes(&mut self, codes: [u16; COLUMNS]) -> Arc<[u16; COLUMNS]> {
        if *self.codes != codes {
            self.codes = codes.into();
        }
        Arc::clone(&self.codes)
    }
}

impl Still {
    /// Nothing yet.
    pub(super) fn new(shared: &Shared) -> Self {
        Self { codes: Arc::clone(&shared.codes), run: Run::default(), before: None }
    }

    /// Takes a sample; says whether it could. One of a second that was sampled already is left out.
    pub(super) fn push(&mut self, second: Tick, row: &Row, shared: &mut Shared) -> bool {
        let Ok(first) = u32::try_from(second) else { return false };
        let codes = row.codes();
        if self.run.ticks == 0 {
            (self.codes, self.run) = (shared.codes(codes), Run { first, ticks: 1 });
            return true;
        }
        if second < self.run.end() {
            return true;
        }
        if codes != *self.codes {
            return false;
        }
        if second == self.run.end() {
            self.run.ticks += 1;
            return true;
        }
        let runs: Vec<Run> = self.runs().collect();
        if runs.len() > MOST_RUNS {
            return false;
        }
        self.before = Some(shared.runs(runs));
        self.run = Run { first, ticks: 1 };
        true
    }

    fn runs(&self) -> impl Iterator<Item = Run> {
        self.before.iter().flat_map(|before| before.iter().copied()).chain([self.run])
    }

    /// What it takes beside itself, were nothing shared.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.codes) + 16 + self.before.as_ref().map_or(0, |before| size_of_val(before.as_slice()) + 16)
    }

    /// Forgets what is a day old; says whether there is something left.
    pub(super) fn expire(&mut self, second: Tick, shared: &mut Shared) -> bool {
        let oldest = second.saturating_sub(COARSE);
        if let Some(before) = self.before.take() {
            let kept: Vec<Run> = before.iter().filter_map(|run| run.since(oldest)).collect();
            self.before = (!kept.is_empty()).then(|| shared.runs(kept));
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
        let row = Row::from_codes(*self.codes);
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
        let row = Row::from_codes(*self.codes);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_that_missed_the_same_seconds_have_one_list_of_them() {
        let (mut shared, mut stills) = (Shared::default(), [(); 2].map(|()| Still::new(&Shared::default())));
        for second in [1, 2, 5, 6, 9] {
            assert!(stills.iter_mut().all(|still| still.push(second, &Row::default(), &mut shared)));
        }
        for (oldest, seconds) in [(0, vec![1, 2, 5, 6, 9]), (6, vec![6, 9])] {
            assert!(stills.iter_mut().all(|still| still.expire(COARSE + oldest, &mut shared)));
            let [one, other] = stills.each_ref().map(|still| still.before.as_ref().unwrap());
            assert!(Arc::ptr_eq(one, other));
            let mut given = Vec::new();
            stills[0].each(0, 10, 1, |second, _| given.push(second));
            assert_eq!(given, seconds);
        }
    }
}

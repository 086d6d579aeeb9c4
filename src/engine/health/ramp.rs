//! Slow start: a server that comes back gets its weight in steps, so that its cold caches do not meet all of its share at once.
//!
//! Only what the table has is smaller: quorum and health count the whole weight. What the server has is a function of the time since
//! it serves again, whatever happens to it meanwhile; being out once more begins anew.
//!
//! ```text
//! out ─► Awaited ─ serves ─► Rising: 1/10, 2/10 … 9/10 ─ time is over ─► Full
//! ```

use crate::engine::model::Weight;
use std::time::{Duration, Instant};

/// Shares of the weight: the first at once, the last when the time is over.
const STEPS: u32 = 10;

/// How much of its weight a server has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ramp {
    /// All of it.
    #[default]
    Full,
    /// It is out, and rises when it serves again.
    Awaited,
    /// So many tenths.
    Rising {
        /// Since it serves again.
        since: Instant,
        /// Until it has all of it.
        over: Duration,
        /// From 1 to 9.
        step: u32,
    },
}

impl Ramp {
    /// How it goes on where the table of an earlier run has `have` of `full`, over so long in all: from the first step that is just that
    /// much, and whole where none is.
    pub fn resumed(now: Instant, over: Duration, have: Weight, full: Weight) -> Self {
        let from = |step: u32| {
            let passed = (over.as_nanos() * u128::from(step - 1)).div_ceil(u128::from(STEPS - 1));
            let since = now.checked_sub(Duration::from_nanos(u64::try_from(passed).ok()?))?;
            Some(Self::Rising { since, over, step })
        };
        if over.is_zero() || have == full {
            return Self::Full;
        }
        (1..STEPS).filter_map(from).find(|ramp| ramp.weight(full) == have).unwrap_or_default()
    }
    /// The server serves from now on. Says whether it rises.
    pub fn begin(&mut self, now: Instant, over: Duration) -> bool {
        match self {
            Self::Awaited if over.is_zero() => *self = Self::Full,
            Self::Awaited => *self = Self::Rising { since: now, over, step: 1 },
            Self::Full | Self::Rising { .. } => return false,
        }
        *self != Self::Full
    }
    /// All of the weight from now on, where it has a part of it.
    pub fn end(&mut self) {
        if self.is_rising() {
            *self = Self::Full;
        }
    }
    /// Time passed.
    pub fn rise(&mut self, now: Instant) {
        let Self::Rising { since, over, step } = self else { return };
        let passed = now.saturating_duration_since(*since).as_nanos() * u128::from(STEPS - 1);
        let steps = passed.checked_div(over.as_nanos()).unwrap_or(u128::MAX);
        *step = u32::try_from(steps).unwrap_or(STEPS).saturating_add(1);
        if *step >= STEPS {
            *self = Self::Full;
        }
    }
    /// It takes so long from now on; what has passed counts.
    pub fn retune(&mut self, now: Instant, new: Duration) {
        if let Self::Rising { over, .. } = self {
            *over = new;
            self.rise(now);
        }
    }

    /// Whether it has a part of its weight.
    pub const fn is_rising(&self) -> bool {
        matches!(self, Self::Rising { .. })
    }
    /// When the next step is.
    pub fn next(&self) -> Option<Instant> {
        let Self::Rising { since, over, step } = self else { return None };
        // Rounded up: the step has come when this moment has.
        let after = (over.as_nanos() * u128::from(*step)).div_ceil(u128::from(STEPS - 1));
        Some(*since + Duration::from_nanos(u64::try_from(after).unwrap_or(u64::MAX)))
    }
    /// Since when it serves again, and when it has all of its weight.
    pub fn span(&self) -> Option<(Instant, Instant)> {
        let Self::Rising { since, over, .. } = self else { return None };
        Some((*since, *since + *over))
    }
    /// What it has of `full`, rounded up: who serves has at least 1.
    pub fn weight(&self, full: Weight) -> Weight {
        let Self::Rising { step, .. } = self else { return full };
        let part = (u64::from(full.get()) * u64::from(*step)).div_ceil(u64::from(STEPS));
        u32::try_from(part).ok().and_then(|part| Weight::new(part).ok()).unwrap_or(full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: Duration = Duration::from_secs(1);

    fn weight(number: u32) -> Weight {
        Weight::new(number).unwrap()
    }
    fn rising(since: Instant, over: Duration) -> Ramp {
        let mut ramp = Ramp::Awaited;
        assert!(ramp.begin(since, over));
        ramp
    }

    #[test]
    fn the_weight_rises_by_tenths_and_is_whole_when_the_time_is_over() {
        let start = Instant::now();
        let mut ramp = rising(start, 9 * S);
        for second in 0..9 {
            ramp.rise(start + S * second);
            assert_eq!(ramp.weight(weight(100)), weight(10 + 10 * second), "{second}");
            assert_eq!(ramp.next(), Some(start + S * (second + 1)));
            assert_eq!(ramp.span(), Some((start, start + 9 * S)));
        }
        ramp.rise(start + 9 * S);
        assert_eq!((ramp, ramp.weight(weight(100)), ramp.next()), (Ramp::Full, weight(100), None));
    }

    #[test]
    fn a_ramp_goes_on_from_what_an_earlier_run_left() {
        let now = Instant::now();
        for (have, full, step) in [(10, 100, 1), (50, 100, 5), (90, 100, 9), (2, 11, 1), (1, 2, 1)] {
            let mut ramp = Ramp::resumed(now, 7 * S, weight(have), weight(full));
            assert!(matches!(ramp, Ramp::Rising { step: at, .. } if at == step), "{have} of {full}: {ramp:?}");
            let before = ramp;
            ramp.rise(now);
            assert_eq!(ramp, before, "it is just there");
            assert!(ramp.next().is_some_and(|at| at > now && at <= now + S));
        }
        for (have, full, over) in
            [(100, 100, S), (0, 100, S), (55, 100, S), (200, 100, S), (1, 1, S), (10, 100, Duration::ZERO)]
        {
            assert_eq!(Ramp::resumed(now, over, weight(have), weight(full)), Ramp::Full, "{have} of {full}");
        }
    }

    #[test]
    fn every_state_meets_every_input() {
        let now = Instant::now();
        let climbing = rising(now, 9 * S);
        // state; begin over 9 s, begin over 0 s, end, rise after 20 s, retune to 3 s after 1 s
        for (state, begins, at_once, ended, later, retuned) in [
            (Ramp::Full, Ramp::Full, Ramp::Full, Ramp::Full, Ramp::Full, Ramp::Full),
            (Ramp::Awaited, climbing, Ramp::Full, Ramp::Awaited, Ramp::Awaited, Ramp::Awaited),
            (climbing, climbing, climbing, Ramp::Full, Ramp::Full, Ramp::Rising { since: now, over: 3 * S, step: 4 }),
        ] {
            let after = |act: fn(&mut Ramp, Instant)| {
                let mut ramp = state;
                act(&mut ramp, now);
                ramp
            };
            assert_eq!(
                after(|ramp, now| {
                    ramp.begin(now, 9 * S);
                }),
                begins,
                "{state:?}"
            );
            assert_eq!(
                after(|ramp, now| {
                    ramp.begin(now, Duration::ZERO);
                }),
                at_once,
                "{state:?}"
            );
            assert_eq!(after(|ramp, _| ramp.end()), ended, "{state:?}");
            assert_eq!(after(|ramp, now| ramp.rise(now + 20 * S)), later, "{state:?}");
            assert_eq!(after(|ramp, now| ramp.retune(now + S, 3 * S)), retuned, "{state:?}");
        }
        let mut off = climbing;
        off.retune(now, Duration::ZERO);
        assert_eq!(off, Ramp::Full, "switched off");
    }

    #[test]
    fn who_serves_has_at_least_1_and_never_more_than_its_weight() {
        let ramp = rising(Instant::now(), 9 * S);
        for (full, part) in [(0, 0), (1, 1), (5, 1), (11, 2), (65_535, 6_554), (2_147_483_647, 214_748_365)] {
            assert_eq!(ramp.weight(weight(full)), weight(part), "{full}");
        }
    }

    proptest! {
        #[test]
        fn each_moment_that_is_waited_for_is_a_step(nanos in 1_u64..3_600_000_000_000, full in 0_u32..=2_147_483_647) {
            let start = Instant::now();
            let mut ramp = rising(start, Duration::from_nanos(nanos));
            let (mut before, mut steps) = (ramp.weight(weight(full)), 1);
            while let Some(at) = ramp.next() {
                prop_assert!(at <= start + Duration::from_nanos(nanos));
                let old = ramp;
                ramp.rise(at);
                prop_assert_ne!(ramp, old);
                prop_assert!(ramp.weight(weight(full)) >= before);
                (before, steps) = (ramp.weight(weight(full)), steps + 1);
                prop_assert!(steps <= STEPS);
            }
            prop_assert_eq!(before, weight(full));
        }
    }
}

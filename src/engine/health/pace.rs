//! How fast the connections of a server that drains get fewer, from looks at their number.
//!
//! A straight line through the first and the last look of the last half minute: as rough as the number of connections is, and
//! nobody has to trust a curve. Looks are thinned out, so that a server costs a few of them however often the kernel is looked at.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How far back the pace is taken from.
const WINDOW: Duration = Duration::from_secs(30);
/// Kept looks are so far apart, but for the newest.
const STEP: Duration = Duration::from_secs(5);
/// A pace is taken over no less.
const LEAST: Duration = Duration::from_secs(2);

/// The looks, oldest first: when, and how many connections there were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pace(VecDeque<(Instant, u32)>);

impl Pace {
    /// So many connections are left at this moment.
    pub fn look(&mut self, now: Instant, left: u32) {
        let before = self.0.len().checked_sub(2).and_then(|at| self.0.get(at));
        if before.is_some_and(|(at, _)| now.saturating_duration_since(*at) < STEP) {
            self.0.pop_back();
        }
        self.0.push_back((now, left));
        // One that is older than the window stays: it is where the window begins.
        while self.0.get(1).is_some_and(|(at, _)| now.saturating_duration_since(*at) >= WINDOW) {
            self.0.pop_front();
        }
    }

    /// From now on nothing is known.
    pub fn forget(&mut self) {
        self.0 = VecDeque::new();
    }

    /// About how long from the last look until no connection is left. None: not known yet, or they do not get fewer.
    pub fn empty_in(&self) -> Option<Duration> {
        let ((from, before), (to, left)) = (self.0.front()?, self.0.back()?);
        if *left == 0 {
            return Some(Duration::ZERO);
        }
        let (gone, span) = (before.checked_sub(*left)?, to.saturating_duration_since(*from));
        (gone > 0 && span >= LEAST).then(|| span.mul_f64(f64::from(*left) / f64::from(gone)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn paced(looks: &[(u32, u32)]) -> Pace {
        let (start, mut pace) = (Instant::now(), Pace::default());
        for (second, left) in looks {
            pace.look(start + S * *second, *left);
        }
        pace
    }

    #[test]
    fn the_time_until_it_is_empty_follows_the_pace() {
        for (looks, empty_in) in [
            (&[][..], None),
            (&[(0, 40)], None),
            (&[(0, 0)], Some(0)),
            (&[(0, 40), (1, 20)], None),
            (&[(0, 40), (2, 36)], Some(18)),
            (&[(0, 40), (2, 36), (6, 20)], Some(6)),
            (&[(0, 40), (10, 40)], None),
            (&[(0, 40), (10, 41)], None),
            (&[(0, 40), (10, 41), (20, 0)], Some(0)),
            // Looked at once a minute only.
            (&[(0, 60), (60, 30), (120, 20)], Some(120)),
        ] {
            assert_eq!(paced(looks).empty_in(), empty_in.map(|seconds| S * seconds), "{looks:?}");
        }
    }

    #[test]
    fn what_was_before_the_window_counts_no_more() {
        let mut looks: Vec<(u32, u32)> = (0..60).map(|second| (second, 1_000 - 10 * second)).collect();
        looks.extend((60..100).map(|second| (second, 400 - (second - 60))));
        let pace = paced(&looks);
        let left = pace.empty_in().unwrap();
        assert!((S * 355..=S * 370).contains(&left), "361 are left, one a second goes: {left:?}");
    }

    #[test]
    fn a_server_costs_a_few_looks_whatever_the_rate() {
        let (start, mut pace) = (Instant::now(), Pace::default());
        for tenth in 0..6_000 {
            pace.look(start + S * tenth / 10, 6_000 - tenth);
            assert!(pace.0.len() <= 9, "{}", pace.0.len());
        }
        assert!(pace.0.len() >= 6);
        pace.forget();
        assert_eq!(pace.empty_in(), None);
    }
}

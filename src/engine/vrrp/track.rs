//! What is tracked: what it does to a priority; and of a script that is run again and again, when it is due and whether it counts
//! as good or bad. Pure values; facts are those of keepalived 2.2.7, by measurement.
//!
//! - The first answer counts at once, and is told even where `init_fail` foretold it. After that it takes `fall` failures in a row to turn bad and `rise` successes in
//!   a row to turn good.
//! - Runs keep the rhythm of their interval. One that is due while the one before still runs is left out: runs never pile
//!   up.

use crate::engine::model::{Priority, Track, TrackKind};
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// How a script counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tracked {
    /// It has not answered yet.
    Unanswered,
    /// It has not answered yet, and `init_fail` says that it counts as bad until then, for what has not started.
    Presumed,
    /// Good.
    Up,
    /// Bad.
    Down,
    /// It can't be run at all: nothing follows from it.
    LeftOut,
    /// The number that a file has.
    Value(i32),
}

/// As events and the status have it: a word, or the number.
impl fmt::Display for Tracked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unanswered | Self::Presumed => f.write_str("unanswered"),
            Self::Up => f.write_str("up"),
            Self::Down => f.write_str("down"),
            Self::LeftOut => f.write_str("left-out"),
            Self::Value(value) => value.fmt(f),
        }
    }
}

/// From what `Display` makes of it; errors: it is neither a word of these nor a number.
impl FromStr for Tracked {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "unanswered" => Self::Unanswered,
            "up" => Self::Up,
            "down" => Self::Down,
            "left-out" => Self::LeftOut,
            number => Self::Value(number.parse()?),
        })
    }
}

/// When a script runs, and how it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracker {
    interval: Duration,
    rise: u32,
    fall: u32,
    state: Tracked,
    /// Results in a row that speak against the state.
    against: u32,
    /// Whether a result has come.
    answered: bool,
    due_at: Instant,
    running: bool,
}

impl Tracker {
    /// Due at once. `init_fail`: it counts as bad until it has answered.
    pub const fn new(interval: Duration, rise: u32, fall: u32, init_fail: bool, now: Instant) -> Self {
        let state = if init_fail { Tracked::Presumed } else { Tracked::Unanswered };
        Self { interval, rise, fall, state, against: 0, answered: false, due_at: now, running: false }
    }

    /// How it counts now.
    pub const fn state(&self) -> Tracked {
        self.state
    }

    /// When it is to be run next; none while it runs.
    pub const fn due_at(&self) -> Option<Instant> {
        if self.running { None } else { Some(self.due_at) }
    }

    /// Goes on by another rhythm and other limits; how it counts stays.
    pub fn retune(&mut self, interval: Duration, rise: u32, fall: u32, now: Instant) {
        (self.interval, self.rise, self.fall) = (interval, rise, fall);
        self.due_at = now.checked_add(interval).map_or(self.due_at, |at| at.min(self.due_at));
    }

    /// It is being run.
    pub fn begin(&mut self, now: Instant) {
        self.running = true;
        self.due_at = self.after(now);
    }

    /// The run has ended. Gives how it counts where that is new.
    pub fn end(&mut self, now: Instant, success: bool) -> Option<Tracked> {
        self.running = false;
        if self.due_at < now {
            self.due_at = self.after(now);
        }
        self.judge(success)
    }

    /// The next moment of its rhythm that is not over.
    fn after(&self, now: Instant) -> Instant {
        let interval = self.interval.max(Duration::from_millis(1));
        let late = now.saturating_duration_since(self.due_at).as_nanos();
        let missed = u32::try_from(late / interval.as_nanos()).unwrap_or(u32::MAX);
        let next = interval.checked_mul(missed.saturating_add(1)).and_then(|after| self.due_at.checked_add(after));
        next.filter(|next| *next > now).unwrap_or(now + interval)
    }

    fn judge(&mut self, success: bool) -> Option<Tracked> {
        let said = if success { Tracked::Up } else { Tracked::Down };
        let first = !std::mem::replace(&mut self.answered, true);
        if said == self.state {
            self.against = 0;
            return None;
        }
        self.against += 1;
        let wanted = if success { self.rise } else { self.fall };
        if !first && self.against < wanted {
            return None;
        }
        (self.state, self.against) = (said, 0);
        Some(said)
    }
}

/// The priority that counts: the configured one, and for each thing that is tracked what its weight adds or takes away.
/// The owner's (255) stays, and no other leaves 1 to 254.
///
/// A positive weight is added while it is good, a negative one while it is bad; `reverse` turns the sign round. One that
/// has not answered counts as good. The number of a file is multiplied by the weight.
pub fn effective_priority<'s>(base: Priority, tracks: impl Iterator<Item = (&'s Track, Tracked)>) -> Priority {
    if base.is_owner() {
        return base;
    }
    let sum = weighed_sum(base, tracks).clamp(1, 254);
    u8::try_from(sum).ok().and_then(|sum| Priority::new(sum).ok()).unwrap_or(base)
}

/// The same before it is brought into 1 to 254.
pub fn weighed_sum<'s>(base: Priority, tracks: impl Iterator<Item = (&'s Track, Tracked)>) -> i64 {
    tracks.fold(base.get().into(), |sum: i64, (track, state)| sum.saturating_add(change(track, state)))
}

fn change(track: &Track, state: Tracked) -> i64 {
    let weight = i64::from(track.weight);
    let change = match state {
        Tracked::Value(value) => weight * i64::from(value),
        Tracked::Unanswered if track.kind == TrackKind::File => 0,
        Tracked::Up | Tracked::Unanswered => weight.max(0),
        Tracked::Down | Tracked::Presumed => weight.min(0),
        Tracked::LeftOut => 0,
    };
    if track.reverse { -change } else { change }
}

/// Whether it keeps the instance in FAULT: it has no weight, and is bad (with `reverse`: good); or a file takes more than
/// 253 away.
pub fn is_fault(track: &Track, state: Tracked) -> bool {
    match state {
        Tracked::Value(value) if track.weight == 0 => (value != 0) != track.reverse,
        Tracked::Value(_) => change(track, state) < -253,
        Tracked::Up => track.weight == 0 && track.reverse,
        Tracked::Down | Tracked::Presumed => track.weight == 0 && !track.reverse,
        Tracked::Unanswered | Tracked::LeftOut => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Tracked::*;
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn states(rise: u32, fall: u32, init_fail: bool, results: &str) -> Vec<Tracked> {
        let now = Instant::now();
        let mut tracker = Tracker::new(S, rise, fall, init_fail, now);
        let mut run = |result| {
            tracker.begin(now);
            tracker.end(now, result == '+');
            tracker.state()
        };
        results.chars().map(&mut run).collect()
    }

    #[test]
    fn a_state_is_read_as_it_is_written() {
        for state in [Unanswered, Up, Down, LeftOut, Value(-7)] {
            assert_eq!(state.to_string().parse(), Ok(state));
        }
        assert!("sideways".parse::<Tracked>().is_err());
    }

    #[test]
    fn the_first_answer_counts_at_once_whatever_rise_and_fall_say() {
        assert_eq!(states(3, 3, false, "+"), [Up]);
        assert_eq!(states(3, 3, false, "-"), [Down]);
        assert_eq!(states(3, 3, true, "+"), [Up]);
        assert_eq!(states(3, 3, true, "-"), [Down]);
    }

    #[test]
    fn after_the_first_it_takes_as_many_in_a_row_as_rise_and_fall_say() {
        assert_eq!(states(2, 3, false, "+--+---"), [Up, Up, Up, Up, Up, Up, Down]);
        assert_eq!(states(2, 3, false, "-+-++"), [Down, Down, Down, Down, Up]);
        assert_eq!(states(1, 1, false, "+-+"), [Up, Down, Up]);
    }

    #[test]
    fn a_change_is_told_once() {
        let now = Instant::now();
        let mut tracker = Tracker::new(S, 1, 1, false, now);
        let told: Vec<_> = [true, true, false, false].map(|success| tracker.end(now, success)).into();
        assert_eq!(told, [Some(Up), None, Some(Down), None]);
        let mut failing = Tracker::new(S, 1, 1, true, now);
        assert_eq!((failing.state(), failing.end(now, false)), (Presumed, Some(Down)), "an answer at last");
        assert_eq!(failing.end(now, false), None);
    }

    #[test]
    fn who_goes_on_by_other_limits_still_knows_what_was_answered() {
        let start = Instant::now();
        let mut tracker = Tracker::new(S * 60, 1, 5, true, start);
        tracker.begin(start);
        assert_eq!(tracker.end(start, true), Some(Up));
        tracker.retune(S, 2, 2, start + S);
        assert_eq!(
            (tracker.state(), tracker.due_at()),
            (Up, Some(start + S * 2)),
            "not at the end of the old interval"
        );
        assert_eq!([false, false].map(|success| tracker.end(start + S, success)), [None, Some(Down)]);
        tracker.retune(S * 60, 1, 1, start + S);
        assert_eq!((tracker.state(), tracker.due_at()), (Down, Some(start + S * 2)));
    }

    #[test]
    fn runs_keep_their_rhythm_and_never_pile_up() {
        let start = Instant::now();
        let mut tracker = Tracker::new(S, 1, 1, false, start);
        assert_eq!(tracker.due_at(), Some(start));
        tracker.begin(start + S / 100);
        assert_eq!(tracker.due_at(), None, "it runs");
        tracker.end(start + S / 2, true);
        assert_eq!(tracker.due_at(), Some(start + S));
        tracker.begin(start + S);
        tracker.end(start + S * 6 + S / 10, true);
        assert_eq!(tracker.due_at(), Some(start + S * 7), "five runs are left out");
    }

    #[test]
    fn a_clock_that_jumps_far_ahead_makes_one_run_due_and_no_more() {
        let start = Instant::now();
        let mut tracker = Tracker::new(S, 1, 1, false, start);
        let later = start + S * 1_000_000 + S / 2;
        tracker.begin(later);
        tracker.end(later, true);
        assert_eq!(tracker.due_at(), Some(later + S / 2));
    }

    fn script(weight: i32, reverse: bool) -> Track {
        Track { kind: TrackKind::Script, name: "s".into(), weight, reverse }
    }

    #[test]
    fn a_weight_is_added_while_good_or_taken_away_while_bad() {
        // weight, reverse; the change while up, down, unanswered and left out
        let cases = [
            ((20, false), [20, 0, 20, 0]),
            ((-20, false), [0, -20, 0, 0]),
            ((20, true), [-20, 0, -20, 0]),
            ((-20, true), [0, 20, 0, 0]),
            ((0, false), [0, 0, 0, 0]),
        ];
        for ((weight, reverse), changes) in cases {
            let found = [Up, Down, Unanswered, LeftOut].map(|state| change(&script(weight, reverse), state));
            assert_eq!(found, changes, "{weight} {reverse}");
        }
    }

    #[test]
    fn only_a_script_without_a_weight_makes_a_fault() {
        let faults =
            |weight, reverse| [Up, Down, Unanswered, LeftOut].map(|state| is_fault(&script(weight, reverse), state));
        assert_eq!(faults(0, false), [false, true, false, false]);
        assert_eq!(faults(0, true), [true, false, false, false]);
        assert_eq!(faults(-5, false), [false; 4]);
    }

    #[test]
    fn the_sum_stays_between_1_and_254_and_the_owner_keeps_255() {
        let sum = |base, scripts: &[(i32, Tracked)]| {
            let scripts: Vec<_> = scripts.iter().map(|(weight, state)| (script(*weight, false), *state)).collect();
            effective_priority(Priority::new(base).unwrap(), scripts.iter().map(|(s, state)| (s, *state))).get()
        };
        assert_eq!(sum(100, &[(20, Up), (-30, Down), (5, Down)]), 90);
        assert_eq!(sum(100, &[(-253, Down)]), 1);
        assert_eq!(sum(100, &[(253, Up)]), 254);
        assert_eq!(sum(10, &[(-20, Down), (50, Up)]), 40, "only the sum is bounded");
        assert_eq!(sum(255, &[(-20, Down)]), 255);
    }

    /// As keepalived 2.2.7 was seen to reckon with files.
    #[test]
    fn the_number_of_a_file_is_multiplied_by_its_weight_and_is_a_fault_without_one_or_far_below() {
        let file = |weight, reverse| Track { kind: TrackKind::File, name: "f".into(), weight, reverse };
        let sum = |weight, reverse, value| {
            let (track, state) = (file(weight, reverse), Value(value));
            let priority = effective_priority(Priority::new(100).unwrap(), [(&track, state)].into_iter()).get();
            (priority, is_fault(&track, state))
        };
        assert_eq!(sum(1, false, 5), (105, false));
        assert_eq!(sum(2, false, 5), (110, false));
        assert_eq!(sum(2, true, 5), (90, false));
        assert_eq!(sum(1, false, 300), (254, false));
        assert_eq!(sum(1, false, -253), (1, false));
        assert!(sum(1, false, -254).1 && sum(1, true, 254).1);
        assert_eq!(sum(i32::MAX, false, i32::MIN), (1, true), "no overflow");
        assert_eq!([sum(0, false, 0).1, sum(0, false, 5).1], [false, true]);
        assert_eq!([sum(0, true, 0).1, sum(0, true, 5).1], [true, false]);
        let unread = effective_priority(Priority::new(100).unwrap(), [(&file(9, false), Unanswered)].into_iter());
        assert_eq!(unread.get(), 100);
    }
}

//! One check's life as a value.
//!
//! Promises: a first failure is followed by up to `retry` further tries, `retry_delay` apart; only `retry + 1` failures in
//! a row make it failing, but of a target of which nothing is known the first one does, as in keepalived; while it is failing
//! it runs every `interval`, and one success ends that. The rhythm is counted from when a run was due, so it does not drift
//! by the time that a probe takes. A run that this host could not make says nothing of the target and changes nothing; it
//! is tried again after `retry_delay`. Never starts a probe itself.

use crate::engine::model::CheckTiming;
use std::time::{Duration, Instant};

/// No check runs more often than this, whatever the file says: a refused connection takes microseconds.
const SHORTEST: Duration = Duration::from_millis(10);
/// A run that this host could not make is not tried again sooner: it costs the host's trouble nothing to last.
const HINDERED: Duration = Duration::from_secs(1);
/// Trouble that comes and goes is said this often at most.
const QUIET: Duration = Duration::from_mins(1);

/// How one run of a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It passed; how long it took.
    Passed(Duration),
    /// It passed, after so long, and says this of the target's weight.
    Weighed(Duration, SaidWeight),
    /// The target failed it; why, in a few words (`connection refused`, `timeout`).
    Failed(String),
    /// This host could not run it: no verdict on the target.
    Unable(Hindrance),
}

/// What a check says of a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaidWeight {
    /// It is to be this.
    Is(u32),
    /// It is to be the configured one and so much more, or less.
    More(i64),
}

impl SaidWeight {
    /// How much it adds to a configured weight.
    pub fn added_to(self, configured: u32) -> i64 {
        match self {
            Self::Is(weight) => i64::from(weight) - i64::from(configured),
            Self::More(more) => more,
        }
    }
}

/// Why this host can't run a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hindrance {
    /// In a few words: `no free file descriptor on this host`.
    pub reason: String,
    /// What the operator can do.
    pub next: &'static str,
}

/// What a check says of its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has neither passed yet nor failed often enough.
    Unknown,
    /// It passes.
    Passing,
    /// It failed as often in a row as decides.
    Failing,
}

/// What a verdict changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    Steady,
    /// A failure that does not decide yet.
    Softly {
        /// Failures in a row.
        failures: u32,
        /// How many of them decide.
        of: u32,
    },
    /// It passes again before its failures decided anything.
    Recovered,
    /// Its [`Standing`] changed.
    Turned,
    /// It passes as before, and gives the target another weight.
    Weighed,
    /// It can't be run any more; nothing is known of the target. Said once while it lasts, and once a minute at most.
    Hindered,
}

/// When it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Next at `next_due`.
    Pending { next_due: Instant },
    /// A probe is out; the run was due at `due`.
    Running { due: Instant },
}

/// How the last run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRun {
    /// When it ended.
    pub at: Instant,
    /// How.
    pub verdict: Verdict,
}

/// One check.
#[derive(Debug, Clone, PartialEq)]
pub struct Checker {
    timing: CheckTiming,
    phase: Phase,
    standing: Standing,
    failures: u32,
    /// How many of them decide: one until something is known of the target.
    deciding: u32,
    last: Option<LastRun>,
    /// The weight that it said last.
    weight: Option<SaidWeight>,
    /// When it was last said that it can't be run.
    hindered_at: Option<Instant>,
}

impl Checker {
    /// A check that runs first at `first_due`.
    pub const fn new(timing: CheckTiming, first_due: Instant) -> Self {
        Self {
            timing,
            phase: Phase::Pending { next_due: first_due },
            standing: Standing::Unknown,
            failures: 0,
            deciding: 1,
            last: None,
            weight: None,
            hindered_at: None,
        }
    }

    /// The same check, which says `standing` until its own runs decide otherwise.
    #[must_use]
    pub const fn assuming(mut self, standing: Standing) -> Self {
        self.standing = standing;
        match standing {
            Standing::Unknown => {}
            Standing::Passing => self.trust(),
            Standing::Failing => {
                self.trust();
                self.failures = self.deciding;
            }
        }
        self
    }

    /// Until its own runs say something, it shows this one of before, where that is what it assumes.
    pub fn recall(&mut self, before: LastRun) {
        let agrees = match &before.verdict {
            Verdict::Failed(_) => self.standing == Standing::Failing,
            Verdict::Passed(_) | Verdict::Weighed(..) => self.standing == Standing::Passing,
            Verdict::Unable(_) => false,
        };
        if self.last.is_none() && agrees {
            self.last = Some(before);
        }
    }
    /// Something is known of its target: the next failure is followed by further tries.
    pub const fn trust(&mut self) {
        self.deciding = self.timing.retry.saturating_add(1);
    }

    /// When the next run starts; none while one is out.
    pub const fn next_due(&self) -> Option<Instant> {
        match self.phase {
            Phase::Pending { next_due } => Some(next_due),
            Phase::Running { .. } => None,
        }
    }
    /// Whether the next run is a further try: after a failure that did not decide, or a run that could not be made.
    pub fn is_retrying(&self) -> bool {
        self.hindrance().is_some() || (self.failures > 0 && self.standing != Standing::Failing)
    }
    /// Why the last run could not be made.
    pub const fn hindrance(&self) -> Option<&Hindrance> {
        match &self.last {
            Some(LastRun { verdict: Verdict::Unable(hindrance), .. }) => Some(hindrance),
            Some(_) | None => None,
        }
    }
    /// What it says.
    pub const fn standing(&self) -> Standing {
        self.standing
    }
    /// Failures in a row of how many that decide.
    pub const fn failures(&self) -> (u32, u32) {
        (self.failures, self.deciding)
    }
    /// How the last run ended; none before the first.
    pub const fn last(&self) -> Option<&LastRun> {
        self.last.as_ref()
    }

    /// The weight that it gives its target.
    pub const fn weight(&self) -> Option<SaidWeight> {
        self.weight
    }

    /// Starts a run when one is due. Says whether it did.
    pub fn start(&mut self, now: Instant) -> bool {
        match self.phase {
            Phase::Pending { next_due } if next_due <= now => {
                self.phase = Phase::Running { due: next_due };
                true
            }
            Phase::Pending { .. } | Phase::Running { .. } => false,
        }
    }

    /// A run ended. A verdict without a run (it was cancelled) changes nothing.
    pub fn verdict(&mut self, now: Instant, verdict: Verdict) -> Turn {
        let Phase::Running { due } = self.phase else { return Turn::Steady };
        let before = (self.standing, self.failures);
        let weighed = match &verdict {
            Verdict::Weighed(_, weight) => self.weight.replace(*weight) != Some(*weight),
            Verdict::Passed(_) | Verdict::Failed(_) | Verdict::Unable(_) => false,
        };
        match &verdict {
            Verdict::Passed(_) | Verdict::Weighed(..) => {
                (self.standing, self.failures) = (Standing::Passing, 0);
                self.trust();
            }
            Verdict::Failed(_) => {
                self.failures = self.failures.saturating_add(1).min(self.deciding);
                if self.failures == self.deciding {
                    self.standing = Standing::Failing;
                }
            }
            Verdict::Unable(hindrance) => {
                let is_known =
                    self.hindrance() == Some(hindrance) || self.hindered_at.is_some_and(|at| now < at + QUIET);
                let turn = if is_known { Turn::Steady } else { Turn::Hindered };
                if turn == Turn::Hindered {
                    self.hindered_at = Some(now);
                }
                self.last = Some(LastRun { at: now, verdict });
                self.phase = Phase::Pending { next_due: now + self.timing.retry_delay.max(HINDERED) };
                return turn;
            }
        }
        self.last = Some(LastRun { at: now, verdict });
        let next_due = if self.is_retrying() {
            now + self.timing.retry_delay.max(SHORTEST)
        } else {
            (due + self.timing.interval).max(now + SHORTEST)
        };
        self.phase = Phase::Pending { next_due };
        match before {
            (standing, _) if standing != self.standing => Turn::Turned,
            _ if weighed => Turn::Weighed,
            (_, 0) if self.failures == 0 => Turn::Steady,
            _ if self.failures == 0 => Turn::Recovered,
            _ if self.is_retrying() => Turn::Softly { failures: self.failures, of: self.deciding },
            _ => Turn::Steady,
        }
    }
}

/// When a check runs first: spread evenly over `warmup` by its number, so that 10,000 checks do not start at once; at once
/// when `warmup` is zero. The same number always gets the same place.
pub fn first_due(start: Instant, check: u64, warmup: Duration) -> Instant {
    let place = u128::from(scatter(check));
    let nanos = (warmup.as_nanos().min(u128::from(u64::MAX)) * place) >> 64;
    start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Steele, Lea and Flood's finaliser (splitmix64): neighbouring numbers land far apart.
const fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::Standing::{Failing, Passing, Unknown};
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);
    const RETRY: Duration = Duration::from_secs(2);

    fn checker(retry: u32, start: Instant) -> Checker {
        let timing = CheckTiming { interval: INTERVAL, retry, retry_delay: RETRY, ..CheckTiming::default() };
        Checker::new(timing, start)
    }

    fn failed() -> Verdict {
        Verdict::Failed("timeout".into())
    }

    fn run(checker: &mut Checker, ok: bool) -> (Turn, Duration) {
        let due = checker.next_due().unwrap();
        assert!(checker.start(due), "a run starts when it is due");
        let turn = checker.verdict(due, if ok { Verdict::Passed(RETRY) } else { failed() });
        (turn, checker.next_due().unwrap() - due)
    }

    /// Every standing × number of failures × verdict: turn, standing after, wait until the next run.
    #[test]
    fn the_whole_life_of_a_check_with_two_retries() {
        let soft = |failures| Turn::Softly { failures, of: 3 };
        for (history, ok, turn, standing, wait) in [
            ("", true, Turn::Turned, Passing, INTERVAL),
            ("", false, Turn::Turned, Failing, INTERVAL),
            ("f", true, Turn::Turned, Passing, INTERVAL),
            ("f", false, Turn::Steady, Failing, INTERVAL),
            ("ffffp", false, soft(1), Passing, RETRY),
            ("p", true, Turn::Steady, Passing, INTERVAL),
            ("p", false, soft(1), Passing, RETRY),
            ("pf", true, Turn::Recovered, Passing, INTERVAL),
            ("pf", false, soft(2), Passing, RETRY),
            ("pff", true, Turn::Recovered, Passing, INTERVAL),
            ("pff", false, Turn::Turned, Failing, INTERVAL),
            ("pfpff", false, Turn::Turned, Failing, INTERVAL),
            ("pfff", false, Turn::Steady, Failing, INTERVAL),
            ("pfff", true, Turn::Turned, Passing, INTERVAL),
            ("pffffff", true, Turn::Turned, Passing, INTERVAL),
            ("pfffp", false, soft(1), Passing, RETRY),
        ] {
            let mut checker = checker(2, Instant::now());
            for step in history.chars() {
                run(&mut checker, step == 'p');
            }
            assert_eq!(run(&mut checker, ok), (turn, wait), "after {history:?}, {ok}");
            assert_eq!(checker.standing(), standing, "after {history:?}, {ok}");
        }
    }

    #[test]
    fn a_target_that_is_trusted_has_its_retries_from_the_first_run_on() {
        let mut checker = checker(2, Instant::now());
        checker.trust();
        for failures in [1, 2] {
            assert_eq!(run(&mut checker, false), (Turn::Softly { failures, of: 3 }, RETRY));
            assert_eq!((checker.standing(), checker.failures()), (Unknown, (failures, 3)));
        }
        assert_eq!(run(&mut checker, false), (Turn::Turned, INTERVAL));
        assert_eq!(checker.standing(), Failing);
    }

    #[test]
    fn a_run_that_this_host_could_not_make_changes_nothing_but_when_the_next_one_comes() {
        let unable = || {
            let reason = "no free file descriptor on this host".to_owned();
            Verdict::Unable(Hindrance { reason, next: "raise the limit" })
        };
        for history in ["", "f", "p", "pf", "pff"] {
            let mut checker = checker(1, Instant::now());
            for step in history.chars() {
                run(&mut checker, step == 'p');
            }
            let before = (checker.standing(), checker.failures());
            for turn in [Turn::Hindered, Turn::Steady, Turn::Steady] {
                let due = checker.next_due().unwrap();
                assert!(checker.start(due));
                assert_eq!(checker.verdict(due, unable()), turn, "after {history:?}");
                assert_eq!((checker.standing(), checker.failures()), before, "after {history:?}");
                assert_eq!(checker.next_due(), Some(due + RETRY));
                assert!(checker.is_retrying() && checker.hindrance().is_some());
            }
            run(&mut checker, true);
            assert_eq!((checker.standing(), checker.hindrance()), (Passing, None));
        }
    }

    #[test]
    fn trouble_of_this_host_that_comes_and_goes_is_said_once_a_minute() {
        let start = Instant::now();
        let mut checker = checker(1, start);
        let mut said = Vec::new();
        while checker.next_due().unwrap() < start + Duration::from_secs(100) {
            let due = checker.next_due().unwrap();
            checker.start(due);
            let hindrance = Hindrance { reason: "no memory".to_owned(), next: "look at free" };
            if checker.verdict(due, Verdict::Unable(hindrance)) == Turn::Hindered {
                said.push((due - start).as_secs());
            }
            run(&mut checker, true);
        }
        assert_eq!(said, [0, 60]);
    }

    #[test]
    fn a_check_that_assumes_something_decides_as_one_that_said_it_itself() {
        for (standing, ok, turn, after, wait) in [
            (Passing, true, Turn::Steady, Passing, INTERVAL),
            (Passing, false, Turn::Softly { failures: 1, of: 2 }, Passing, RETRY),
            (Failing, true, Turn::Turned, Passing, INTERVAL),
            (Failing, false, Turn::Steady, Failing, INTERVAL),
            (Unknown, true, Turn::Turned, Passing, INTERVAL),
        ] {
            let mut checker = checker(1, Instant::now()).assuming(standing);
            assert_eq!((checker.standing(), checker.last()), (standing, None));
            assert_eq!(run(&mut checker, ok), (turn, wait), "{standing:?} {ok}");
            assert_eq!(checker.standing(), after, "{standing:?} {ok}");
        }
    }

    #[test]
    fn without_retries_the_first_failure_decides() {
        let mut checker = checker(0, Instant::now());
        assert_eq!(run(&mut checker, false), (Turn::Turned, INTERVAL));
        assert_eq!(checker.failures(), (1, 1));
    }

    #[test]
    fn the_rhythm_does_not_drift_by_the_time_that_a_probe_takes() {
        let start = Instant::now();
        let mut checker = checker(1, start);
        for turn in 1..=5 {
            assert!(checker.start(checker.next_due().unwrap() + Duration::from_millis(3)));
            checker.verdict(
                start + INTERVAL * (turn - 1) + Duration::from_secs(4),
                Verdict::Passed(Duration::from_secs(4)),
            );
            assert_eq!(checker.next_due(), Some(start + INTERVAL * turn));
        }
    }

    #[test]
    fn a_run_that_took_longer_than_the_interval_is_followed_soon_and_not_twice() {
        let start = Instant::now();
        let mut checker = checker(0, start);
        checker.start(start);
        let late = start + INTERVAL * 3;
        checker.verdict(late, failed());
        assert_eq!(checker.next_due(), Some(late + SHORTEST));
        assert!(!checker.start(late));
    }

    #[test]
    fn a_verdict_without_a_run_changes_nothing() {
        let mut checker = checker(0, Instant::now());
        assert_eq!(checker.verdict(Instant::now(), failed()), Turn::Steady);
        assert_eq!((checker.standing(), checker.last()), (Standing::Unknown, None));
    }

    #[test]
    fn first_runs_spread_evenly_over_the_warmup_and_at_once_without_one() {
        let start = Instant::now();
        let warmup = Duration::from_mins(1);
        let mut quarters = [0_u32; 4];
        for check in 0..10_000 {
            let wait = first_due(start, check, warmup) - start;
            assert!(wait < warmup);
            assert_eq!(first_due(start, check, warmup), start + wait);
            quarters[usize::try_from(wait.as_secs() / 15).unwrap()] += 1;
        }
        assert!(quarters.iter().all(|n| (2_300..2_700).contains(n)), "{quarters:?}");
        assert_eq!(first_due(start, 7, Duration::ZERO), start);
    }
}

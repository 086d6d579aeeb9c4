//! Whether the thread that talks to the kernel gets on. It can hang where nothing answers for it: in a system call that does not
//! return, on a disk that takes no write. The loop lives then and checks go on, but what they find reaches no table.
//!
//! The watchdog is fed all the same: a process in such a call can't be killed either, and its end would take the addresses
//! with it, which a director that serves with yesterday's table may still be right to hold. That is for people to decide.

use super::PULSE;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::snapshot::Warning;
use std::time::{Duration, Instant};

/// Code of the warning.
const CODE: &str = "ipvs-silent";
/// What it is about.
const SUBJECT: &str = "ipvs";
/// Told from here on. The kernel's socket gives up after 5 s, and that it did not answer is an answer here.
const LONG: Duration = Duration::from_secs(10);

/// The loop itself is looked after once a [`PULSE`]; from here on its absence is told.
const ABSENCE: Duration = Duration::from_secs(3);

/// What is told of a loop that was away for so long: no check ran meanwhile, and nothing that was due was done (keepalived#2523).
fn absence(away: Duration) -> Option<Fact> {
    (away >= ABSENCE).then(|| {
        let reason = format!(
            "this engine stood still for {:.1} s (stopped, or without a processor): no server was checked meanwhile",
            away.as_secs_f64()
        );
        Fact::new(EventKind::Warning, Severity::Warning, "checks")
            .reason(reason)
            .detail("look at the load of this host, at its hypervisor for pauses, and for who stopped the process")
    })
}

/// How long nothing has been heard of the thread while it had something to do.
#[derive(Debug)]
pub(super) struct Silence {
    /// Acts that it had ended at the last look, and when that was.
    seen: (u64, Instant),
    lasts: Duration,
    is_told: bool,
}

impl Silence {
    pub const fn from(now: Instant) -> Self {
        Self { seen: (0, now), lasts: Duration::ZERO, is_told: false }
    }

    /// Looks at how many acts it has ended, and whether one is left. Call it once a [`PULSE`] at least: what lies between
    /// two looks further apart is the loop's own absence, which is told and does not count. Gives what the journal is to be told.
    pub fn look(&mut self, now: Instant, ended: u64, is_idle: bool) -> impl Iterator<Item = Fact> + use<> {
        let away = now.saturating_duration_since(self.seen.1);
        absence(away).into_iter().chain(self.listen(now, away.min(PULSE * 2), (ended, is_idle)))
    }

    fn listen(&mut self, now: Instant, between: Duration, (ended, is_idle): (u64, bool)) -> Option<Fact> {
        let gets_on = is_idle || ended != self.seen.0;
        self.lasts = if gets_on { Duration::ZERO } else { self.lasts + between };
        self.seen = (ended, now);
        let warning = self.warning();
        if warning.is_some() == self.is_told {
            return None;
        }
        self.is_told = warning.is_some();
        Some(match warning {
            Some(Warning { message, next, .. }) => {
                Fact::new(EventKind::Warning, Severity::Error, SUBJECT).to(CODE).reason(message).detail(next)
            }
            None => {
                Fact::new(EventKind::Warning, Severity::Notice, SUBJECT).change(CODE, "gone").reason("it gets on again")
            }
        })
    }

    /// What stands in the status meanwhile.
    pub fn warning(&self) -> Option<Warning> {
        (self.lasts >= LONG).then(|| Warning {
            code: CODE.to_owned(),
            subject: SUBJECT.to_owned(),
            message: format!(
                "the kernel's table has not answered for {} s: what fails or is drained meanwhile keeps its place in it",
                self.lasts.as_secs()
            ),
            next: format!(
                "`cat /proc/{}/task/*/stack` and `dmesg` show what holds it; where it stays so, `lvsdeck ctl failover --all` and \
                 reboot",
                std::process::id()
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_thread_that_has_something_to_do_and_ends_nothing_is_silent_and_only_while_the_loop_looks() {
        let start = Instant::now();
        let mut silence = Silence::from(start);
        let mut told = |second, ended, is_idle| {
            let now = start + Duration::from_secs(second);
            let facts: Vec<Fact> = silence.look(now, ended, is_idle).collect();
            let is_away = facts.iter().any(|fact| fact.subject == "checks");
            assert_eq!(is_away, second == 900, "{facts:?}");
            (facts.into_iter().find_map(|fact| fact.to), silence.warning().is_some())
        };
        for second in 0..60 {
            assert_eq!(told(second, 3, true), (None, false), "idle");
        }
        for second in 60..120 {
            assert_eq!(told(second, second, false), (None, false), "busy");
        }
        assert_eq!(told(900, 119, false), (None, false), "the loop was away");
        for second in 901..908 {
            assert_eq!(told(second, 119, false), (None, false), "{second}");
        }
        assert_eq!(told(908, 119, false), (Some(CODE.to_owned()), true));
        assert_eq!(told(909, 119, false), (None, true), "told once");
        assert_eq!(told(910, 120, false), (Some("gone".to_owned()), false));
    }
}

//! The service manager's watchdog, pure: when a sign of life is due, and when it is held back.

use crate::engine::driver::shared::Vitals;
use std::time::{Duration, Instant};

/// When the service manager gets a sign of life: due at half of its limit, held back while a loop is silent.
#[derive(Debug)]
pub struct Watchdog {
    pause: Option<Duration>,
    sent_at: Instant,
    silent: bool,
}

/// What a look at the engine leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Sign {
    /// Nothing is due.
    None,
    /// A sign of life is due.
    Alive,
    /// A loop fell silent: told once.
    Withheld(String),
}

impl Watchdog {
    /// For this limit, none for no watchdog; a sign was given `now`.
    pub fn new(limit: Option<Duration>, now: Instant) -> Self {
        Self { pause: limit.map(|limit| limit / 2), sent_at: now, silent: false }
    }

    /// What is due now.
    pub fn look(&mut self, now: Instant, vitals: &Vitals) -> Sign {
        let Some(pause) = self.pause else { return Sign::None };
        match vitals {
            Vitals::Alive => {
                self.silent = false;
                if now.saturating_duration_since(self.sent_at) < pause {
                    return Sign::None;
                }
                self.sent_at = now;
                Sign::Alive
            }
            Vitals::Silent { of, since } if !self.silent => {
                self.silent = true;
                Sign::Withheld(format!("nothing is heard of the {of} loop for {} s", since.as_secs()))
            }
            Vitals::Silent { .. } | Vitals::Starting => Sign::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a watchdog of 20 s gives, looked at each second, in this life.
    fn signs(life: impl Fn(u64) -> Vitals) -> Vec<(u64, Sign)> {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(Some(Duration::from_secs(20)), start);
        let look = |second| (second, watchdog.look(start + Duration::from_secs(second), &life(second)));
        (1..=60).map(look).filter(|(_, sign)| *sign != Sign::None).collect()
    }

    fn silent(since: u64) -> Vitals {
        Vitals::Silent { of: "failover", since: Duration::from_secs(since) }
    }

    #[test]
    fn the_watchdog_is_fed_at_half_of_its_limit_while_both_loops_live() {
        let fed: Vec<u64> = signs(|_| Vitals::Alive).into_iter().map(|(second, _)| second).collect();
        assert_eq!(fed, [10, 20, 30, 40, 50, 60]);
    }

    #[test]
    fn it_falls_silent_with_a_loop_says_so_once_and_comes_back_with_it() {
        let life = |second| if (15..45).contains(&second) { silent(second - 11) } else { Vitals::Alive };
        let withheld = Sign::Withheld("nothing is heard of the failover loop for 4 s".to_owned());
        assert_eq!(signs(life), [(10, Sign::Alive), (15, withheld), (45, Sign::Alive), (55, Sign::Alive)]);
    }

    #[test]
    fn nobody_who_wants_no_watchdog_gets_one() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(None, start);
        assert_eq!(watchdog.look(start + Duration::from_hours(1), &Vitals::Alive), Sign::None);
    }
}

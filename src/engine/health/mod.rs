//! Verdicts → health → effective weights, pure (layer 1).
//!
//! * [`checker`]: one check's life: when it runs next, how many failures in a row, what it says.
//! * [`weigh`](mod@weigh): health and the operator's wish → presence and weight in the table.
//! * [`quorum`]: whether the weight that is up suffices, with hysteresis.
//! * [`ramp`]: how the weight of a server that comes back rises.
//! * [`pace`]: how fast the connections of a server that drains get fewer.
//!
//! Nothing here knows of a table, a probe or a clock: time is an argument, a deadline is a field.

pub mod checker;
pub mod pace;
pub mod quorum;
pub mod ramp;
pub mod weigh;

pub use checker::{Checker, Hindrance, SaidWeight, Standing, Turn, Verdict, first_due};
pub use pace::Pace;
pub use quorum::QuorumState;
pub use ramp::Ramp;
pub use weigh::{EffectiveWeight, Wish, weigh};

/// What all checks of a server together say: down when one is failing, up when all pass (or there are none).
pub fn combine(standings: impl Iterator<Item = Standing>) -> Standing {
    standings.fold(Standing::Passing, |all, one| match (all, one) {
        (Standing::Failing, _) | (_, Standing::Failing) => Standing::Failing,
        (Standing::Unknown, _) | (_, Standing::Unknown) => Standing::Unknown,
        (Standing::Passing, Standing::Passing) => Standing::Passing,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_up_when_all_checks_pass_and_down_when_one_fails() {
        use Standing::{Failing, Passing, Unknown};
        for (checks, together) in [
            (vec![], Passing),
            (vec![Passing, Passing], Passing),
            (vec![Passing, Unknown], Unknown),
            (vec![Unknown, Failing], Failing),
            (vec![Failing, Passing], Failing),
        ] {
            assert_eq!(combine(checks.clone().into_iter()), together, "{checks:?}");
        }
    }
}

//! Health and the operator's wish → whether a server is in the table, and with which weight.

use super::Standing;
use crate::engine::model::Weight;

/// The weight that a server has in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EffectiveWeight(pub Weight);

impl EffectiveWeight {
    /// In the table for the connections that it has; no new ones.
    pub const QUIESCENT: Self = Self(Weight::ZERO);
    /// Whether it gets new connections.
    pub fn serves(self) -> bool {
        self.0 > Weight::ZERO
    }
}

/// What the operator wants of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Serve with its weight.
    Serve,
    /// No new connections; the ones it has go on.
    Drain,
    /// Not in the table at all.
    Maintain,
}

/// Where a server belongs: none is outside of the table.
///
/// `alpha`: not checked yet counts as down. `inhibit`: weight 0 instead of outside while it is down.
pub fn weigh(standing: Standing, wish: Wish, weight: Weight, alpha: bool, inhibit: bool) -> Option<EffectiveWeight> {
    let up = match standing {
        Standing::Passing => true,
        Standing::Unknown => !alpha,
        Standing::Failing => false,
    };
    match (wish, up) {
        (Wish::Maintain, _) => None,
        (Wish::Serve, true) => Some(EffectiveWeight(weight)),
        (Wish::Drain, true) => Some(EffectiveWeight::QUIESCENT),
        (Wish::Serve | Wish::Drain, false) => inhibit.then_some(EffectiveWeight::QUIESCENT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Standing::{Failing, Passing, Unknown};
    use Wish::{Drain, Maintain, Serve};

    #[test]
    fn every_standing_and_wish_has_its_place_in_the_table() {
        // standing, wish: usually, with alpha, with inhibit_on_failure; `-1` is outside
        for (standing, wish, plain, alpha, inhibit) in [
            (Passing, Serve, 5, 5, 5),
            (Passing, Drain, 0, 0, 0),
            (Passing, Maintain, -1, -1, -1),
            (Unknown, Serve, 5, -1, 5),
            (Unknown, Drain, 0, -1, 0),
            (Unknown, Maintain, -1, -1, -1),
            (Failing, Serve, -1, -1, 0),
            (Failing, Drain, -1, -1, 0),
            (Failing, Maintain, -1, -1, -1),
        ] {
            let number =
                |a, i| weigh(standing, wish, Weight::new(5).unwrap(), a, i).map_or(-1, |w| i64::from(w.0.get()));
            let found = (number(false, false), number(true, false), number(false, true));
            assert_eq!(found, (plain, alpha, inhibit), "{standing:?} {wish:?}");
        }
    }
}

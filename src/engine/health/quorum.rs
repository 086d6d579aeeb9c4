//! Whether the weight that is up suffices.
//!
//! Gained at `need + hysteresis`, lost at 0 or below `need − hysteresis` (keepalived's `quorum`, `hysteresis`).

use crate::engine::model::Quorum;

/// A service's quorum: what it needs, and whether it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuorumState {
    quorum: Quorum,
    up: bool,
}

impl QuorumState {
    /// At start the quorum has to be gained, as in keepalived; one that was there is there unless `have` is so little that it is lost.
    pub fn new(quorum: Quorum, was_up: bool, have: u64) -> Self {
        let mut state = Self { quorum, up: was_up };
        state.weigh(have);
        state
    }
    /// Another quorum is needed from now on; whether it is there stays as it was until the next [`QuorumState::weigh`].
    pub const fn retune(&mut self, quorum: Quorum) {
        self.quorum = quorum;
    }
    /// Whether it is there.
    pub const fn is_up(&self) -> bool {
        self.up
    }
    /// Weight needed: without the hysteresis while it is there, and with it to gain it again.
    pub const fn need(&self) -> u32 {
        if self.up { self.quorum.need } else { self.quorum.need.saturating_add(self.quorum.hysteresis) }
    }
    /// The same as people read it: `29 (quorum 20 and hysteresis 9)`.
    pub fn need_words(&self) -> String {
        match (self.up, self.quorum) {
            (false, Quorum { need, hysteresis: hysteresis @ 1.. }) => {
                format!("{} (quorum {need} and hysteresis {hysteresis})", self.need())
            }
            _ => self.need().to_string(),
        }
    }
    /// The weight that is up is now `have`. Says whether the quorum was gained or lost by that.
    pub fn weigh(&mut self, have: u64) -> bool {
        let (need, hysteresis) = (u64::from(self.quorum.need), u64::from(self.quorum.hysteresis));
        let was = self.up;
        self.up = if was {
            have > 0 && have >= need.saturating_sub(hysteresis)
        } else {
            have > 0 && have >= need + hysteresis
        };
        was != self.up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quorum_is_gained_above_and_lost_below_the_hysteresis() {
        let quorum = Quorum { need: 10, hysteresis: 2 };
        for (was_up, have, up) in [(false, 11, false), (false, 12, true), (true, 8, true), (true, 7, false)] {
            assert_eq!(QuorumState::new(quorum, was_up, have).is_up(), up, "{was_up} {have}");
        }
        let mut state = QuorumState::new(quorum, true, 10);
        for (have, edge, up) in
            [(8, false, true), (7, true, false), (11, false, false), (12, true, true), (0, true, false)]
        {
            assert_eq!((state.weigh(have), state.is_up()), (edge, up), "{have}");
        }
        assert_eq!((state.need(), state.need_words().as_str()), (12, "12 (quorum 10 and hysteresis 2)"));
        state.weigh(12);
        assert_eq!((state.need(), state.need_words().as_str()), (10, "10"));
    }

    #[test]
    fn another_quorum_counts_from_the_next_weighing_on() {
        let mut state = QuorumState::new(Quorum { need: 1, hysteresis: 0 }, false, 2);
        state.retune(Quorum { need: 3, hysteresis: 0 });
        assert!(state.is_up());
        assert!(state.weigh(2) && !state.is_up());
    }

    #[test]
    fn no_weight_at_all_is_never_a_quorum() {
        let mut state = QuorumState::new(Quorum { need: 1, hysteresis: 5 }, true, 1);
        assert!(state.weigh(0) && !state.is_up());
        assert!(!QuorumState::new(Quorum { need: 0, hysteresis: 0 }, true, 0).is_up());
    }
}

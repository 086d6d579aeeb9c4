//! Who listens where: every router on its interface, in every state, as soon as it has a footing there and anew when it
//! got it back. Where 224.0.0.18 could not be joined a router is deaf and must not lead: it is in FAULT, and joining is
//! tried again until it works.

use super::Action;
use super::core::Failover;
use std::time::{Duration, Instant};

/// How long after a refusal joining is tried again.
const JOIN_PAUSE: Duration = Duration::from_secs(1);

/// A refusal comes at once: who joins and hears none for so long has joined.
const JOIN_PATIENCE: Duration = Duration::from_millis(100);

/// An interface on which 224.0.0.18 could not be joined.
#[derive(Debug, Clone)]
pub(super) struct Deaf {
    /// What the system said.
    pub error: String,
    /// When joining is tried again; while it is being tried: when it counts as done.
    pub next: Instant,
    trying: bool,
}

impl Failover {
    /// The router has a footing on this interface.
    pub(super) fn listen(&mut self, i: usize, index: u32) {
        let Some(router) = self.routers.get_mut(i) else { return };
        if router.listens_on.replace(index) != Some(index) {
            self.push(Action::Join { index });
        }
    }

    /// Nothing is heard on this interface. False when that was known.
    pub(super) fn not_joined(&mut self, now: Instant, index: u32, error: &str) -> bool {
        let deaf = Deaf { error: error.to_owned(), next: now + JOIN_PAUSE, trying: false };
        let news = self.deaf.insert(index, deaf).is_none();
        self.survey();
        news
    }

    /// Tries again to join where it is time to, and lets routers go on where nobody objected.
    pub(super) fn join_again(&mut self, now: Instant) {
        let mut tries = Vec::new();
        let before = self.deaf.len();
        self.deaf.retain(|index, deaf| {
            if deaf.next > now {
                return true;
            }
            if !deaf.trying {
                (deaf.trying, deaf.next) = (true, now + JOIN_PATIENCE);
                tries.push(*index);
                return true;
            }
            false
        });
        for index in tries {
            self.push(Action::Join { index });
        }
        if self.deaf.len() < before {
            self.survey();
        }
    }
}

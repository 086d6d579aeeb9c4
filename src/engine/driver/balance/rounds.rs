//! How probes begin: some at a time, and the next ones once everything that could go on meanwhile has done so.
//!
//! A loop that has more to do than its processor allows is late with each step. Were all probes that are due begun at once, each
//! step of each would wait for all the others: one of several steps would never end within its time, and nothing would be decided.
//! So it is the beginning that waits; what has begun gets on.

use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::{JoinHandle, yield_now};

/// How many begin in a round.
const TOGETHER: usize = 64;

/// The places of the round that is.
pub(super) struct Rounds {
    places: Arc<Semaphore>,
    next: Option<JoinHandle<()>>,
}

impl Default for Rounds {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(TOGETHER)), next: None }
    }
}

impl Rounds {
    /// A place in this round; gives what to wait for where there is none left. Call it on the runtime of the probes.
    pub fn place(&mut self) -> Option<impl Future<Output = ()> + Send + use<>> {
        let is_there = self.places.try_acquire().map(SemaphorePermit::forget).is_ok();
        if self.places.available_permits() == 0 && self.next.as_ref().is_none_or(JoinHandle::is_finished) {
            self.next = Some(tokio::spawn(go_round(Arc::clone(&self.places))));
        }
        let places = Arc::clone(&self.places);
        (!is_there).then_some(async move {
            if let Ok(place) = places.acquire().await {
                place.forget();
            }
        })
    }
}

/// Opens a round as often as what was ready before has had its turn, until one is not asked for.
async fn go_round(places: Arc<Semaphore>) {
    loop {
        yield_now().await;
        match places.available_permits() {
            TOGETHER => return,
            left => places.add_permits(TOGETHER - left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::task::JoinSet;

    /// How many of a thousand have begun and not ended, at most, where each takes so many steps.
    async fn most_at_once(steps: usize) -> usize {
        let (mut rounds, mut probes) = (Rounds::default(), JoinSet::new());
        let (out, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        for _ in 0..1_000 {
            let (place, out, most) = (rounds.place(), Arc::clone(&out), Arc::clone(&most));
            probes.spawn(async move {
                if let Some(place) = place {
                    place.await;
                }
                most.fetch_max(out.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                for _ in 0..steps {
                    yield_now().await;
                }
                out.fetch_sub(1, Ordering::Relaxed);
            });
        }
        assert_eq!(probes.join_all().await.len(), 1_000, "each has its turn");
        most.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn those_that_have_begun_get_on_before_the_next_begin() {
        for steps in [1, 3, 5] {
            let most = most_at_once(steps).await;
            assert!(most <= TOGETHER * (steps + 2), "{most} with {steps} steps");
        }
    }

    #[tokio::test]
    async fn a_loop_that_keeps_up_lets_nobody_wait() {
        let mut rounds = Rounds::default();
        for _ in 0..10 {
            for _ in 0..TOGETHER {
                assert!(rounds.place().is_none());
            }
            assert!(rounds.place().is_some(), "all at once would be more than a round");
            while !rounds.next.as_ref().is_some_and(JoinHandle::is_finished) {
                yield_now().await;
            }
        }
    }
}

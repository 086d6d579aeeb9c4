//! What is to be told, on its way to the notifier: bounded, and nobody who tells waits. Where more comes than is taken, the
//! oldest tellings are lost, and counted; words of a configuration, ends of scripts and the end itself never are.

use super::{Request, Telling};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Tellings that wait at most: a reload of 1,000 services with 10 servers each tells no more at once.
pub(super) const MOST: usize = 16_384;

/// Both ends of the way.
#[derive(Clone, Default)]
pub(super) struct Queue(Arc<(Mutex<Waiting>, Condvar)>);

#[derive(Default)]
struct Waiting {
    requests: VecDeque<Request>,
    tellings: usize,
    /// Lost since it was asked last.
    lost: u64,
}

impl Queue {
    pub fn tell(&self, telling: Telling) {
        let mut waiting = self.waiting();
        if waiting.tellings >= MOST
            && let Some(oldest) = waiting.requests.iter().position(|request| matches!(request, Request::Tell(_)))
        {
            waiting.requests.remove(oldest);
            waiting.tellings -= 1;
            waiting.lost += 1;
        }
        waiting.tellings += 1;
        self.add(waiting, Request::Tell(telling));
    }

    pub fn push(&self, request: Request) {
        self.add(self.waiting(), request);
    }

    /// Whoever takes is woken by the first only: it waits for nothing while something is there.
    fn add(&self, mut waiting: MutexGuard<'_, Waiting>, request: Request) {
        waiting.requests.push_back(request);
        if waiting.requests.len() == 1 {
            drop(waiting);
            self.0.1.notify_one();
        }
    }

    /// The next request, and how many tellings before it were lost; none when `until` has come first.
    pub fn take(&self, until: Option<Instant>) -> Option<(Request, u64)> {
        let mut waiting = self.waiting();
        loop {
            if let Some(request) = waiting.requests.pop_front() {
                waiting.tellings -= usize::from(matches!(request, Request::Tell(_)));
                return Some((request, std::mem::take(&mut waiting.lost)));
            }
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return None;
            }
            waiting = match until {
                None => self.0.1.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(_) => self.0.1.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Half;
    use super::*;

    fn telling(line: usize) -> Telling {
        let (chain, subject) = (String::new(), String::new());
        Telling { half: Half::Vrrp, chain, subject, line: Some(line.to_string()), commands: Vec::new(), mail: None }
    }

    #[test]
    fn the_oldest_tellings_are_lost_and_counted_and_nothing_else_is() {
        let queue = Queue::default();
        queue.push(Request::End);
        (0..MOST + 3).for_each(|line| queue.tell(telling(line)));
        queue.push(Request::End);
        assert!(matches!(queue.take(None), Some((Request::End, 3))), "what is no telling stays in its place");
        let next = queue.take(None);
        assert!(matches!(&next, Some((Request::Tell(telling), 0)) if telling.line.as_deref() == Some("3")));
        (1..MOST).for_each(|_| assert!(matches!(queue.take(None), Some((Request::Tell(_), 0)))));
        assert!(matches!(queue.take(None), Some((Request::End, 0))));
        assert!(queue.take(Some(Instant::now())).is_none());
        queue.tell(telling(7));
        assert!(queue.take(None).is_some(), "there is room again");
    }
}

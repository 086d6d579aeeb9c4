//! The packet filter on a thread of its own.
//!
//! The failover loop asks before an address is put on, and waits for the kernel for [`PATIENCE`] at most: whoever changes a
//! large ruleset at that moment holds everybody else's change up for as long, and must not hold a take-over or an
//! advertisement up. What is refused later is told later.

use crate::engine::failover::Action;
use crate::engine::io::packet_filter::PacketFilter;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a take-over waits for the kernel; a change takes well below a millisecond where nobody else makes one.
const PATIENCE: Duration = Duration::from_millis(20);

/// What became of an action.
type Done = (Action, Result<(), String>);

/// The loop's side. The thread is there from the first action on, and ends with this value, everything done.
#[derive(Default)]
pub struct FilterThread(Option<Thread>);

struct Thread {
    /// None once it is to end.
    asked: Option<Sender<Action>>,
    done: Receiver<Done>,
    /// How many actions it has not answered.
    late: usize,
    handle: Option<JoinHandle<()>>,
}

impl FilterThread {
    /// Does an action, in its turn: `Drop` or `DropNothing`. Errors: what the system said within [`PATIENCE`].
    pub fn perform(&mut self, action: &Action) -> io::Result<()> {
        let thread = match &mut self.0 {
            Some(thread) => thread,
            none => none.insert(Thread::start(act(PacketFilter::default()))?),
        };
        thread.perform(action)
    }

    /// What was refused too late to be an answer.
    pub fn refused(&mut self) -> Vec<(Action, String)> {
        let Some(thread) = &mut self.0 else { return Vec::new() };
        let done: Vec<Done> = thread.done.try_iter().collect();
        thread.late -= done.len();
        done.into_iter().filter_map(|(action, result)| Some((action, result.err()?))).collect()
    }
}

/// What the thread does with one.
fn act(mut filter: PacketFilter) -> impl FnMut(&Action) -> io::Result<()> + Send + 'static {
    move |action| match action {
        Action::Drop { addresses, present: true } => filter.drop(addresses),
        Action::Drop { addresses, present: false } => filter.accept(addresses),
        Action::DropNothing => filter.accept_all(),
        _ => Ok(()),
    }
}

impl Thread {
    fn start(mut act: impl FnMut(&Action) -> io::Result<()> + Send + 'static) -> io::Result<Self> {
        let (asked, actions) = channel::<Action>();
        let (answer, done) = channel();
        let body = move || {
            for action in actions {
                let result = act(&action).map_err(|error| error.to_string());
                _ = answer.send((action, result)); // nobody listens any more at the end
            }
        };
        let handle = thread::Builder::new().name("packet-filter".to_owned()).spawn(body)?;
        Ok(Self { asked: Some(asked), done, late: 0, handle: Some(handle) })
    }

    fn perform(&mut self, action: &Action) -> io::Result<()> {
        let gone = || io::Error::other("the thread that changes the packet filter has ended");
        self.asked.as_ref().ok_or_else(gone)?.send(action.clone()).map_err(|_| gone())?;
        self.late += 1;
        // One that is late already is not waited for again.
        if self.late > 1 {
            return Ok(());
        }
        match self.done.recv_timeout(PATIENCE) {
            Ok((_, result)) => {
                self.late -= 1;
                result.map_err(io::Error::other)
            }
            Err(_) => Ok(()),
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.asked = None;
        if let Some(handle) = self.handle.take() {
            _ = handle.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    /// Waits for the first that is told late.
    fn first(filter: &mut FilterThread) -> (Action, String) {
        loop {
            if let Some(refused) = filter.refused().into_iter().next() {
                return refused;
            }
            thread::yield_now();
        }
    }

    #[test]
    fn a_kernel_that_is_slow_holds_nobody_up_and_its_refusal_is_told_later() {
        let (go, gate) = channel::<()>();
        let seen = Arc::<Mutex<usize>>::default();
        let count = Arc::clone(&seen);
        let act = move |_: &Action| {
            let refusal = gate.recv().map_err(|_| io::Error::other("no more"));
            *count.lock().unwrap() += 1;
            refusal.and(Err(io::Error::other("busy")))
        };
        let mut filter = FilterThread(Some(Thread::start(act).unwrap()));
        let begun = Instant::now();
        for _ in 0..100 {
            filter.perform(&Action::DropNothing).unwrap();
        }
        assert!(begun.elapsed() < 50 * PATIENCE, "waited for the first alone");
        assert_eq!(filter.refused(), []);
        go.send(()).unwrap();
        assert_eq!(first(&mut filter), (Action::DropNothing, "busy".to_owned()));
        drop(go);
        drop(filter);
        assert_eq!(*seen.lock().unwrap(), 100, "everything was done before the end");
    }

    #[test]
    fn a_refusal_in_time_is_the_answer() {
        let act = |_: &Action| Err(io::Error::other("not permitted"));
        let mut filter = FilterThread(Some(Thread::start(act).unwrap()));
        let said = match filter.perform(&Action::DropNothing) {
            Err(error) => error.to_string(),
            // The machine stood still meanwhile.
            Ok(()) => first(&mut filter).1,
        };
        assert_eq!(said, "not permitted");
    }
}

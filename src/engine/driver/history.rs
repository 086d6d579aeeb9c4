//! The sampler: once a second it reads what the loops have published, on a thread of its own.

use super::shared::Shared;
use crate::engine::io::host;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Time between two samples.
const INTERVAL: Duration = Duration::from_secs(1);
/// Samples after which the journal's numbers begin without its files: a disk that hangs must not keep the log waiting.
const PATIENCE: u32 = 5;
/// Samples after which the kernel has long had what it was given.
const CALM: u32 = 5;

/// Starts the thread; it ends when what is given back is dropped.
pub fn start(shared: Arc<Shared>) -> io::Result<Sender<()>> {
    let (running, ended) = channel::<()>();
    let body = move || {
        let (mut due, mut samples, mut calm) = (Instant::now() + INTERVAL, 0_u32, Calm(0));
        while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(due.saturating_duration_since(Instant::now())) {
            shared.sample();
            samples = samples.saturating_add(1);
            if samples == PATIENCE {
                shared.begin(0, Vec::new());
            }
            // The file is read and its services are in the kernel: what that took is most of the memory that was taken.
            if calm.comes(shared.fills_the_kernel()) {
                host::shed_the_start();
            }
            // A process that was stopped does not make up for what it missed.
            due = (due + INTERVAL).max(Instant::now());
        }
    };
    thread::Builder::new().name("history".to_owned()).spawn(body)?;
    Ok(running)
}

/// For how many samples the kernel has been given nothing large.
struct Calm(u32);

impl Calm {
    /// One sample more; says whether calm has come with it, which it does anew after each time that there was none.
    fn comes(&mut self, is_busy: bool) -> bool {
        self.0 = if is_busy { 0 } else { self.0.saturating_add(1) };
        self.0 == CALM
    }
}

#[cfg(test)]
mod tests {
    use super::{CALM, Calm};

    #[test]
    fn a_start_that_takes_longer_is_shed_when_it_is_over_and_each_start_once() {
        let (mut calm, busy, idle) = (Calm(0), vec![true; 12], vec![false; 2 * CALM as usize]);
        let samples = [busy.clone(), idle.clone(), busy, idle].concat();
        let shed = (0..).zip(samples).filter_map(|(second, is_busy)| calm.comes(is_busy).then_some(second));
        assert_eq!(shed.collect::<Vec<u32>>(), [12 + CALM - 1, 34 + CALM - 1]);
    }
}

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

/// Starts the thread; it ends when what is given back is dropped.
pub fn start(shared: Arc<Shared>) -> io::Result<Sender<()>> {
    let (running, ended) = channel::<()>();
    let body = move || {
        let (mut due, mut samples) = (Instant::now() + INTERVAL, 0_u32);
        while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(due.saturating_duration_since(Instant::now())) {
            shared.sample();
            samples = samples.saturating_add(1);
            if samples == PATIENCE {
                shared.begin(0, Vec::new());
                // By now the file is read and its services are in the kernel: what that took is most of the memory that was taken.
                host::shed_the_start();
            }
            // A process that was stopped does not make up for what it missed.
            due = (due + INTERVAL).max(Instant::now());
        }
    };
    thread::Builder::new().name("history".to_owned()).spawn(body)?;
    Ok(running)
}

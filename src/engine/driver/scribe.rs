//! Writes down which addresses are ours, on a thread of its own.
//!
//! The failover loop asks before it makes an address and waits for the pen for [`PATIENCE`] at most: a disk that hangs must
//! not hold a take-over up. What could not be written in time is told as a warning until it is.

use crate::engine::failover::OwnedAddress;
use crate::engine::io::state::StateDir;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a take-over waits for the state directory; on a healthy one a write takes some 50 µs.
const PATIENCE: Duration = Duration::from_millis(20);

/// A request with its number, and the answer to it.
type Page = (u64, Vec<OwnedAddress>);
type Written = (u64, Option<String>);

/// The loop's side.
pub struct Scribe {
    pages: Sender<Page>,
    written: Receiver<Written>,
    last: u64,
    trouble: Option<String>,
}

impl Scribe {
    /// Starts the thread; it ends with this value.
    pub fn start(state: StateDir) -> io::Result<Self> {
        let (pages, asked) = channel::<Page>();
        let (done, written) = channel();
        let body = move || {
            while let Ok(page) = asked.recv() {
                // Only the newest counts when several wait.
                let (number, owned) = asked.try_iter().last().unwrap_or(page);
                let trouble = state.save_addresses(owned).err().map(|error| error.to_string());
                if done.send((number, trouble)).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("scribe".to_owned()).spawn(body)?;
        Ok(Self { pages, written, last: 0, trouble: None })
    }

    /// Writes this list in place of the one before. Waits for [`PATIENCE`] at most.
    pub fn write(&mut self, owned: Vec<OwnedAddress>) {
        self.last += 1;
        let deadline = Instant::now() + PATIENCE;
        if self.pages.send((self.last, owned)).is_err() {
            self.trouble = Some("the thread that writes the state has ended".to_owned());
            return;
        }
        self.trouble = loop {
            match self.written.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((number, trouble)) if number == self.last => break trouble,
                Ok(_) => {}
                Err(_) => break Some("the state directory does not take a write in time".to_owned()),
            }
        };
    }

    /// Why the newest list is not written, when it is not.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

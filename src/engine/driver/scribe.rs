//! Writes down which addresses are ours, and of whom this host stays master, on a thread of its own.
//!
//! The failover loop asks before it makes an address and waits for the pen for [`PATIENCE`] at most: a disk that hangs must
//! not hold a take-over up. What could not be written in time is told as a warning until it is.

use crate::engine::failover::{Mastership, OwnedAddress};
use crate::engine::io::state::StateDir;
use crate::engine::model::VirtualLink;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a take-over waits for the state directory; on a healthy one a write takes some 50 µs.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long the end of the engine waits for what the next one is to read.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// What is written.
enum Page {
    Addresses(Vec<OwnedAddress>),
    Links(Vec<VirtualLink>),
    Masterships(Vec<Mastership>),
}

/// The answer to a request with this number.
type Written = (u64, Option<String>);

/// The loop's side.
pub struct Scribe {
    pages: Sender<(u64, Page)>,
    written: Receiver<Written>,
    last: u64,
    trouble: Option<String>,
}

impl Scribe {
    /// Starts the thread; it ends with this value.
    pub fn start(state: StateDir) -> io::Result<Self> {
        let (pages, asked) = channel::<(u64, Page)>();
        let (done, written) = channel();
        let body = move || {
            while let Ok(first) = asked.recv() {
                let mut waiting: Vec<(u64, Page)> = std::iter::once(first).chain(asked.try_iter()).collect();
                // Only the newest list of addresses counts when several wait.
                let newest =
                    waiting.iter().filter(|(_, page)| matches!(page, Page::Addresses(_))).map(|(n, _)| *n).max();
                waiting.retain(|(n, page)| !matches!(page, Page::Addresses(_)) || Some(*n) == newest);
                for (number, page) in waiting {
                    let saved = match page {
                        Page::Addresses(owned) => state.save_addresses(owned),
                        Page::Links(links) => state.save_links(links),
                        Page::Masterships(masterships) => state.save_masterships(&masterships),
                    };
                    if done.send((number, saved.err().map(|error| error.to_string()))).is_err() {
                        return;
                    }
                }
            }
        };
        thread::Builder::new().name("scribe".to_owned()).spawn(body)?;
        Ok(Self { pages, written, last: 0, trouble: None })
    }

    /// Writes this list in place of the one before. Waits for [`PATIENCE`] at most.
    pub fn write(&mut self, owned: Vec<OwnedAddress>) {
        self.trouble = self.ask(Page::Addresses(owned), PATIENCE);
    }

    /// Writes this list of interfaces in place of the one before. Waits for [`PATIENCE`] at most.
    pub fn write_links(&mut self, links: Vec<VirtualLink>) {
        if let Some(trouble) = self.ask(Page::Links(links), PATIENCE) {
            self.trouble = Some(trouble);
        }
    }

    /// Writes the masterships, for the next start. Errors: why they may not be on disk.
    pub fn keep(&mut self, masterships: Vec<Mastership>) -> io::Result<()> {
        match self.ask(Page::Masterships(masterships), LAST_PATIENCE) {
            None => Ok(()),
            Some(trouble) => Err(io::Error::other(trouble)),
        }
    }

    /// Asks for a page and waits; gives why it is not written.
    fn ask(&mut self, page: Page, patience: Duration) -> Option<String> {
        self.last += 1;
        let deadline = Instant::now() + patience;
        if self.pages.send((self.last, page)).is_err() {
            return Some("the thread that writes the state has ended".to_owned());
        }
        loop {
            match self.written.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((number, trouble)) if number == self.last => return trouble,
                Ok(_) => {}
                Err(_) => return Some("the state directory does not take a write in time".to_owned()),
            }
        }
    }

    /// Takes over what was written late.
    pub fn listen(&mut self) {
        if let Some((_, trouble)) = self.written.try_iter().find(|(number, _)| *number == self.last) {
            self.trouble = trouble;
        }
    }

    /// Why the newest list is not written, when it is not.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

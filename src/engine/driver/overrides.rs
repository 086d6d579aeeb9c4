//! Writes down what operators want beside the file, on a thread of its own: no loop waits for the disk.
//!
//! Each loop gives its whole part whenever it changed; the newest counts. When the disk refuses, a warning stands until it
//! is written, and it is tried again every second.

use super::shared::Shared;
use crate::engine::balance::ServiceOverrides;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::failover::Held;
use crate::engine::io::overrides::{Overrides, OverridesFile};
use crate::engine::snapshot::Warning;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How soon it is tried again after the disk refused.
const PAUSE: Duration = Duration::from_secs(1);

/// One loop's part.
enum Part {
    Services(Vec<ServiceOverrides>),
    Instances(Vec<Held>),
}

/// The loops' side.
#[derive(Clone)]
pub struct OverridesSender {
    parts: Sender<Part>,
    trouble: Arc<Mutex<Option<String>>>,
}

impl OverridesSender {
    /// What is wanted of services from now on. Never waits.
    pub fn services(&self, all: Vec<ServiceOverrides>) {
        // The thread ends with the last sender.
        _ = self.parts.send(Part::Services(all));
    }

    /// What is wanted of instances from now on. Never waits.
    pub fn instances(&self, all: Vec<Held>) {
        _ = self.parts.send(Part::Instances(all));
    }

    /// That the newest is not on disk, while it is not.
    pub fn warning(&self) -> Option<Warning> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        trouble.map(|message| Warning {
            code: "overrides-not-written".to_owned(),
            subject: "overrides".to_owned(),
            message,
            next:
                "a restart would forget the newest drains, weights and holds; free space or mount it writable: it is \
                   tried again every second"
                    .to_owned(),
        })
    }
}

/// Starts the thread over what is on disk; it tells when everything is written, once every sender is dropped.
pub fn start(
    file: OverridesFile,
    overrides: Overrides,
    shared: Arc<Shared>,
) -> io::Result<(OverridesSender, Receiver<()>)> {
    let (parts, changed) = channel();
    let (done, written) = sync_channel(1);
    let trouble = Arc::<Mutex<Option<String>>>::default();
    let told = Arc::clone(&trouble);
    let body = move || {
        Keeper { file, overrides, shared, trouble: told }.run(&changed);
        _ = done.send(());
    };
    thread::Builder::new().name("overrides".to_owned()).spawn(body)?;
    Ok((OverridesSender { parts, trouble }, written))
}

struct Keeper {
    file: OverridesFile,
    overrides: Overrides,
    shared: Arc<Shared>,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Keeper {
    fn run(&mut self, changed: &Receiver<Part>) {
        let mut dirty = false;
        loop {
            let part = if dirty { changed.recv_timeout(PAUSE) } else { changed.recv().map_err(RecvTimeoutError::from) };
            match part {
                Ok(part) => std::iter::once(part).chain(changed.try_iter()).for_each(|part| self.take(part)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    if dirty {
                        self.write();
                    }
                    return;
                }
            }
            dirty = !self.write();
        }
    }

    fn take(&mut self, part: Part) {
        match part {
            Part::Services(all) => self.overrides.services = all,
            Part::Instances(all) => self.overrides.instances = all,
        }
    }

    /// Whether it is on disk now. The first refusal is told, and its end.
    fn write(&mut self) -> bool {
        let trouble = self.file.save(&self.overrides).err().map(|error| error.to_string());
        let written = trouble.is_none();
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *known, trouble.clone());
        drop(known);
        match (before, trouble) {
            (None, Some(trouble)) => self.tell(Severity::Warning, format!("{trouble}; it is tried again every second")),
            (Some(_), None) => self.tell(Severity::Notice, "what operators want is written down again".to_owned()),
            (None, None) | (Some(_), Some(_)) => {}
        }
        written
    }

    fn tell(&self, severity: Severity, message: String) {
        self.shared.append(Fact::new(EventKind::Warning, severity, "overrides").reason(message));
    }
}

#[cfg(test)]
mod tests;

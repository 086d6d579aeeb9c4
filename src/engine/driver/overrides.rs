//! Writes down what operators want beside the file, on a thread of its own: no loop waits for the disk.
//!
//! Each loop gives its whole part whenever it changed; the newest counts. When the disk refuses, a warning stands until it
//! is written, and it is tried again every second; who asked for something is told with the answer ([`Written`]).

use super::shared::Shared;
use crate::engine::balance::ServiceOverrides;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::failover::{Held, Met};
use crate::engine::io::overrides::{Overrides, OverridesFile};
use crate::engine::snapshot::Warning;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How soon it is tried again after the disk refused.
const PAUSE: Duration = Duration::from_secs(1);
/// How long an answer waits to be told of the disk.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long the loops may take to say what changed, before it is looked again.
const LOOK: Duration = Duration::from_millis(10);

/// One loop's part.
enum Part {
    Services(Vec<ServiceOverrides>),
    Instances(Vec<Held>),
    Met(Vec<Met>),
}

/// The loops' side.
#[derive(Clone)]
pub struct OverridesSender {
    parts: Sender<Part>,
    written: Written,
}

/// What became of what the loops gave. It keeps the thread not alive.
#[derive(Clone, Default)]
pub struct Written(Arc<Progress>);

#[derive(Default)]
struct Progress {
    given: AtomicU64,
    tried: Mutex<Tried>,
    changed: Condvar,
}

#[derive(Default)]
struct Tried {
    /// How many of the given parts are in the last writing.
    parts: u64,
    /// Why it failed.
    trouble: Option<String>,
}

impl Written {
    /// How many parts were given so far.
    pub fn given(&self) -> u64 {
        self.0.given.load(Ordering::Acquire)
    }

    /// Waits a little until what was given beyond the first `before` parts was tried: why it is not on disk; none when it is.
    pub fn trouble_since(&self, before: u64) -> Option<String> {
        let until = Instant::now() + PATIENCE;
        let mut tried = self.tried();
        loop {
            let given = self.given();
            if given > before && tried.parts >= given {
                return tried.trouble.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let slow = (given > tried.parts).then(|| "the disk takes long".to_owned());
                return tried.trouble.clone().or(slow);
            }
            tried = self.0.changed.wait_timeout(tried, left.min(LOOK)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn tried(&self) -> MutexGuard<'_, Tried> {
        self.0.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OverridesSender {
    /// What is wanted of services from now on. Never waits.
    pub fn services(&self, all: Vec<ServiceOverrides>) {
        self.send(Part::Services(all));
    }

    /// What is wanted of instances from now on. Never waits.
    pub fn instances(&self, all: Vec<Held>) {
        self.send(Part::Instances(all));
    }

    /// Which other routers were heard so far. Nobody asked for it: it is not awaited.
    pub fn met(&self, all: Vec<Met>) {
        // The thread ends with the last sender.
        _ = self.parts.send(Part::Met(all));
    }

    fn send(&self, part: Part) {
        self.written.0.given.fetch_add(1, Ordering::AcqRel);
        // The thread ends with the last sender.
        _ = self.parts.send(part);
    }

    /// What becomes of what is given.
    pub fn written(&self) -> Written {
        self.written.clone()
    }

    /// That the newest is not on disk, while it is not.
    pub fn warning(&self) -> Option<Warning> {
        let trouble = self.written.tried().trouble.clone();
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
    let written_down = Written::default();
    let told = written_down.clone();
    let body = move || {
        Keeper { file, overrides, shared, taken: 0, written: told }.run(&changed);
        _ = done.send(());
    };
    thread::Builder::new().name("overrides".to_owned()).spawn(body)?;
    Ok((OverridesSender { parts, written: written_down }, written))
}

struct Keeper {
    file: OverridesFile,
    overrides: Overrides,
    shared: Arc<Shared>,
    taken: u64,
    written: Written,
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
        self.taken += u64::from(!matches!(part, Part::Met(_)));
        match part {
            Part::Services(all) => self.overrides.services = all,
            Part::Instances(all) => self.overrides.instances = all,
            Part::Met(all) => self.overrides.met = all,
        }
    }

    /// Whether it is on disk now. The first refusal is told, and its end.
    fn write(&mut self) -> bool {
        let trouble = self.file.save(&self.overrides).err().map(|error| error.to_string());
        let written = trouble.is_none();
        let now = Tried { parts: self.taken, trouble: trouble.clone() };
        let before = std::mem::replace(&mut *self.written.tried(), now).trouble;
        self.written.0.changed.notify_all();
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

//! How many connections have room within this process's limit of open files, and what becomes of those that have none.
//!
//! Each connection has a descriptor at its client's end and one at its server's. What the engine itself needs (its loops, the
//! control socket with some clients, checks) is kept free: an engine that nobody can ask any more is worse than a client that
//! is refused and comes again.

use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::snapshot::Warning;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Descriptors that are kept for the engine itself, beside one a service and one a check.
pub const RESERVED: u64 = 48;
/// Fewer connections than this are worth a word at the start.
const FEW: usize = 1_000;
/// How long a refusal is a warning; after as long without one the next is an event again.
const FRESH: Duration = Duration::from_mins(1);

/// How many connections fit into `limit` open files beside so many services and checks.
pub fn capacity(limit: u64, services: usize, checks: usize) -> usize {
    let kept = u64::try_from(services.saturating_add(checks)).unwrap_or(u64::MAX).saturating_add(RESERVED);
    usize::try_from(limit.saturating_sub(kept) / 2).unwrap_or(usize::MAX)
}

/// The warning at the start that there is room for few.
pub fn few(capacity: usize, limit: u64) -> Option<Warning> {
    (capacity < FEW).then(|| Warning {
        code: "userspace-room".to_owned(),
        subject: "dataplane".to_owned(),
        message: format!(
            "there is room for {capacity} connections at a time: each takes two of the {limit} files that this process may have open"
        ),
        next: format!("raise the hard limit: LimitNOFILE= in the unit, or ulimit -Hn; {FEW} connections need {}", needed()),
    })
}

const fn needed() -> u64 {
    2 * FEW as u64 + RESERVED + 16
}

/// What is told when something happens.
type Report = Box<dyn Fn(Fact) + Send + Sync>;

/// The room for connections.
pub(super) struct Room {
    most: usize,
    open: AtomicUsize,
    refused: AtomicU64,
    last: Mutex<Option<Shortage>>,
    report: OnceLock<Report>,
}

/// The newest shortage.
struct Shortage {
    at: Instant,
    message: String,
}

/// A connection's place; given back when it is dropped.
pub(super) struct Seat(Arc<Room>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("most", &self.most).field("open", &self.open).finish_non_exhaustive()
    }
}

impl Room {
    pub fn new(most: usize) -> Self {
        let (open, refused) = (AtomicUsize::new(0), AtomicU64::new(0));
        Self { most, open, refused, last: Mutex::default(), report: OnceLock::new() }
    }

    pub fn report_to(&self, report: Report) {
        // Whoever came first is told.
        _ = self.report.set(report);
    }

    /// A place for one more; none, which is counted and told, where there is none.
    pub fn enter(self: &Arc<Self>) -> Option<Seat> {
        let open = self.open.fetch_add(1, Ordering::Relaxed);
        if open < self.most {
            return Some(Seat(Arc::clone(self)));
        }
        self.open.fetch_sub(1, Ordering::Relaxed);
        let refused = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
        self.short(format!(
            "{refused} clients were refused since the start: {} connections are open, and no more have room within this \
             process's limit of open files",
            self.most
        ));
        None
    }

    /// An operation on a connection failed; told where that is for want of descriptors or memory.
    pub fn short_of(&self, error: &io::Error) {
        if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM)) {
            self.short(format!("clients wait or are refused: {error}"));
        }
    }

    fn short(&self, message: String) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let is_news = last.as_ref().is_none_or(|last| now.saturating_duration_since(last.at) > FRESH);
        *last = Some(Shortage { at: now, message });
        let warning = last.as_ref().map(warning);
        drop(last);
        if let (true, Some(report), Some(warning)) = (is_news, self.report.get(), warning) {
            let fact = Fact::new(EventKind::Warning, Severity::Warning, warning.subject);
            report(fact.reason(warning.message).detail(warning.next));
        }
    }

    /// What the operator should know: a shortage of the last minute.
    pub fn warning(&self, now: Instant) -> Option<Warning> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|last| now.saturating_duration_since(last.at) <= FRESH).map(warning)
    }
}

fn warning(shortage: &Shortage) -> Warning {
    Warning {
        code: "userspace-full".to_owned(),
        subject: "dataplane".to_owned(),
        message: shortage.message.clone(),
        next: "raise the limit of open files (LimitNOFILE= in the unit, or ulimit -Hn) and start again".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_needs_is_kept_free() {
        assert_eq!(capacity(64, 1, 1), 7);
        assert_eq!(capacity(256, 2, 6), 100);
        assert_eq!(capacity(20, 1, 1), 0);
        assert_eq!(capacity(1 << 20, 1, 1), 524_263);
        assert!(few(7, 64).unwrap().message.contains("room for 7 connections"), "{:?}", few(7, 64));
        assert_eq!(few(FEW, 4096), None);
    }

    #[test]
    fn who_has_no_room_is_counted_and_told_once_a_minute() {
        let room = Arc::new(Room::new(2));
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = Arc::clone(&told);
        room.report_to(Box::new(move |fact| tell.lock().unwrap().push(fact.reason.unwrap_or_default())));
        let (first, second) = (room.enter(), room.enter());
        assert!(first.is_some() && second.is_some() && room.warning(Instant::now()).is_none());
        assert!(room.enter().is_none() && room.enter().is_none());
        let now = room.warning(Instant::now()).unwrap();
        assert!(now.message.starts_with("2 clients were refused"), "{now:?}");
        assert_eq!(told.lock().unwrap().len(), 1);
        drop(first);
        assert!(room.enter().is_some(), "a place that was given back");
        assert_eq!(room.warning(Instant::now() + FRESH * 2), None);
    }
}

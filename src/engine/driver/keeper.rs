//! Writes the journal to its files, on a thread of its own that reads it like everybody else: who reports never waits.
//!
//! 1. Read what an earlier run left; the numbers go on after it, and after a crash behind all that it may have given. What can't be
//!    read is told, and then they begin at 1.
//! 2. Write each event as soon as it is there: what was written survives the death of the engine.
//! 3. Once a second, wait for the disk: what was written before survives a power failure.
//! 4. When the disk refuses, warn once, go on reading nothing but the clock, and try again: after a second, then less and less
//!    often, at last once a minute. When it took everything for a while, say so. What fell out of the memory meanwhile is named in the file by a line of its own, and in the journal by one event.

use super::shared::Shared;
use crate::engine::event::{Event, EventKind, Fact, Severity};
use crate::engine::io::journal_file::{JournalError, JournalFiles, JournalWriter, Reserve, STEP};
use crate::engine::journal::CAPACITY;
use crate::engine::snapshot::Warning;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// How often the disk is waited for; how soon it is tried again after it refused.
const INTERVAL: Duration = Duration::from_secs(1);
/// How seldom it is tried again at last: a full disk takes a line now and then, and each try is two events.
const SELDOM: Duration = Duration::from_mins(1);

/// How long everything has to be written before the trouble is over.
const STEADY: Duration = Duration::from_secs(5);

/// Starts the thread; it tells when everything is written, once the journal is closed.
pub fn start(shared: Arc<Shared>, directory: &Path, node: &str) -> io::Result<Receiver<()>> {
    let (done, written) = sync_channel(1);
    let files = Arc::new(JournalFiles::new(directory));
    let writer = JournalWriter::new(Arc::clone(&files), node);
    let body = move || {
        let pause = INTERVAL;
        let reserve = Reserve::new(files.directory());
        let mut keeper = Keeper {
            shared,
            files,
            writer,
            reserve,
            written: 0,
            trouble: Trouble::default(),
            ours: false,
            pause,
            failed_at: None,
        };
        keeper.run();
        _ = done.send(());
    };
    thread::Builder::new().name("journal".to_owned()).spawn(body)?;
    Ok(written)
}

struct Keeper {
    shared: Arc<Shared>,
    files: Arc<JournalFiles>,
    writer: JournalWriter,
    /// The last number that is in the files.
    written: u64,
    /// What may be numbered so far, on the disk.
    reserve: Reserve,
    /// Whether the disk refuses.
    trouble: Trouble,
    /// Whether the numbers in the files are those of this run.
    ours: bool,
    /// How long the next trouble is waited out.
    pause: Duration,
    /// When the disk refused last.
    failed_at: Option<Instant>,
}

/// A disk that refuses now and then, as a full one does: over when nothing was refused for [`STEADY`].
#[derive(Debug, Default)]
struct Trouble {
    is_there: bool,
    good_since: Option<Instant>,
    /// Events that fell out of the memory unwritten: the first, the last, and how many.
    lost: Option<(u64, u64, u64)>,
    /// The last number that the run before wrote, when it ended without a word: it may have given more.
    crashed_at: Option<u64>,
}

impl Trouble {
    /// The disk refused. Says whether that is news.
    const fn bad(&mut self) -> bool {
        self.good_since = None;
        !std::mem::replace(&mut self.is_there, true)
    }
    /// Everything is written at this moment. Says whether the trouble is over with that.
    fn good(&mut self, now: Instant) -> bool {
        let since = *self.good_since.get_or_insert(now);
        self.is_there && now.saturating_duration_since(since) >= STEADY
    }
    /// These were not written and never will be.
    fn lose(&mut self, from: u64, to: u64) {
        let (first, _, count) = self.lost.unwrap_or((from, to, 0));
        self.lost = Some((first, to, count + (to - from + 1)));
    }
    /// It is over: what is said of it.
    fn end(&mut self) -> String {
        let Self { lost, crashed_at, .. } = std::mem::take(self);
        let before = crashed_at.map_or_else(String::new, |last| {
            format!("; what the run before had not written when it died is lost as well, and how many nobody knows: event {last} is its last")
        });
        let own = match lost {
            None if crashed_at.is_some() => "written again; nothing of this run was lost".to_owned(),
            None => "written again; nothing was lost".to_owned(),
            Some((from, to, count)) if count == to - from + 1 => {
                format!("written again; the events {from} to {to} could not be kept and are lost")
            }
            Some((from, to, count)) => {
                format!("written again; {count} of the events {from} to {to} could not be kept and are lost")
            }
        };
        format!("{own}{before}")
    }
}

impl Keeper {
    fn run(&mut self) {
        self.begin();
        let (mut due, mut dirty) = (Instant::now() + INTERVAL, false);
        loop {
            let patience = due.saturating_duration_since(Instant::now());
            // While nothing can be written only time is waited for: an event more changes nothing.
            let after = if self.writer.is_open() { self.written } else { u64::MAX };
            let (events, closed) = self.shared.follow_for(after, patience);
            let wrote = !events.is_empty();
            if wrote {
                let done = self.writer.write(self.written, &events);
                match self.note(done) {
                    Some(()) => self.wrote(&events),
                    None => due = Instant::now() + INTERVAL,
                }
                dirty = true;
            }
            let ended = closed && !(wrote && self.writer.is_open());
            if ended || Instant::now() >= due {
                self.settle(std::mem::take(&mut dirty));
                due = Instant::now() + INTERVAL;
            }
            if ended {
                return self.end();
            }
        }
    }

    fn wrote(&mut self, events: &[Arc<Event>]) {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
        // Numbers that were skipped behind a crash were nobody's.
        let before = self.written.max(self.shared.before_run());
        if self.trouble.is_there && first.seq > before + 1 {
            self.trouble.lose(before + 1, first.seq - 1);
        }
        self.written = last.seq;
        self.reserve(last.seq);
    }

    /// Numbers up to `last` are given. A disk that refuses is told by the journal itself.
    fn reserve(&mut self, last: u64) {
        _ = self.reserve.ahead_of(last);
    }

    /// An orderly end: the next run goes on right after this one, unless something is not written.
    fn end(&mut self) {
        if self.writer.is_open() && self.ours && self.written == self.shared.newest() {
            _ = self.reserve.settle(self.written);
        }
    }

    /// The numbers begin after those that an earlier run left.
    fn begin(&mut self) {
        let (reserved, damage) = self.reserve.read().map_or_else(|why| (0, Some(why)), |reserved| (reserved, None));
        match self.writer.open(CAPACITY) {
            Ok(found) => {
                // Nobody knows how many were given: as many as may have been are left out.
                let unknown = if damage.is_some() { STEP } else { 0 };
                let after = (found.after + unknown).max(reserved);
                if !self.shared.begin(after, found.events) {
                    // The disk was too slow: numbers began at 1, and what is there is of another count.
                    return self.begin_anew();
                }
                (self.written, self.ours) = (found.after, true);
                self.trouble.crashed_at = (after > found.after).then_some(found.after);
                self.reserve(after);
                self.shared.reach_back(Arc::clone(&self.files));
                for message in damage.into_iter().chain(found.told) {
                    self.tell(Severity::Warning, message);
                }
            }
            Err(error) => {
                self.shared.begin(reserved, Vec::new());
                self.fail(&error);
            }
        }
    }

    /// Once a second: the disk has what was written, or is tried again.
    fn settle(&mut self, dirty: bool) {
        if self.writer.is_open() {
            let done = if dirty { self.writer.sync() } else { self.writer.look() };
            if self.note(done).is_some() {
                self.reserve(self.shared.newest());
                return self.calm();
            }
        }
        if self.failed_at.is_some_and(|at| at.elapsed() < self.pause / 2) {
            return;
        }
        if !self.ours {
            return self.begin_anew();
        }
        match self.writer.open(0) {
            // A file that has more than was written is somebody else's.
            Ok(found) if found.after > self.written => self.begin_anew(),
            Ok(found) => self.written = found.after,
            Err(error) => self.fail(&error),
        }
    }

    fn begin_anew(&mut self) {
        let before = self.shared.oldest().saturating_sub(1);
        let done = self.writer.begin_anew(before);
        if self.note(done).is_some() {
            (self.written, self.ours) = (before, true);
            self.shared.reach_back(Arc::clone(&self.files));
            self.tell(
                Severity::Warning,
                format!(
                    "the numbers of events began at {}: those of the runs before could not be read in time; the files that \
                     were there are kept beside the new ones with .aside in their names",
                    before + 1
                ),
            );
            self.reserve(self.shared.newest());
        }
    }

    /// Keeps an error as a warning; none then.
    fn note(&mut self, done: Result<(), JournalError>) -> Option<()> {
        done.map_err(|error| self.fail(&error)).ok()
    }

    /// Warns as long as it lasts, and says so once.
    fn fail(&mut self, error: &JournalError) {
        let message = format!("{error}; events are kept in memory only, the newest {CAPACITY}");
        let next = format!("{}; writing goes on by itself then", error.remedy());
        let lasting = self.failed_at.replace(Instant::now()).is_some_and(|at| at.elapsed() < 2 * SELDOM);
        self.pause = if lasting { (self.pause * 2).min(SELDOM) } else { INTERVAL };
        // The file may have gone with its directory.
        self.reserve = Reserve::new(self.files.directory());
        if self.trouble.bad() {
            self.tell(Severity::Warning, format!("{message}: {next}"));
        }
        let (code, subject) = ("journal-not-written".to_owned(), "journal".to_owned());
        self.shared.warn_of_keeping(vec![Warning { code, subject, message, next }]);
    }

    /// Everything is written: after a while of that the trouble is over, and what is lost is named.
    fn calm(&mut self) {
        if self.trouble.good(Instant::now()) {
            self.shared.warn_of_keeping(Vec::new());
            let message = self.trouble.end();
            self.tell(Severity::Notice, message);
        }
    }

    fn tell(&self, severity: Severity, message: String) {
        self.shared.append(Fact::new(EventKind::Warning, severity, "journal").reason(message));
    }
}

#[cfg(test)]
mod tests;

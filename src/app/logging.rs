//! Where the log goes and in which form.
//!
//! | where | form |
//! |---|---|
//! | standard error is the journal's stream, format text | entries with fields, by the journal's own protocol |
//! | the same, but the journal's socket can't be reached | text with its priority in front and no second time stamp |
//! | anywhere else, format text | text with time and level |
//! | format json | an object a line, always on standard error |
//!
//! A record that can't be written is nobody's reason to stop: it is dropped, and the journal is told how many were.

mod record;

use crate::engine::LogRing;
use crate::engine::io::journald::{self, JournalSocket};
use record::{Priority, Record, entry};
use std::env;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;

/// Who reads what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A person at a terminal, or a file.
    Person,
    /// A program, or the journal.
    Program,
}

/// Starts the log of this process.
pub fn start(json: bool, color: bool) -> Reader {
    let form = Form::choose(json, color, env::var_os("JOURNAL_STREAM").as_deref(), Path::new(journald::SOCKET));
    let reader = if matches!(form, Form::Text { .. }) { Reader::Person } else { Reader::Program };
    // It fails only where a log was started before, which then goes on.
    _ = subscriber(Log { form, lost: AtomicU64::new(0), out: io::stderr }).try_init();
    reader
}

impl Reader {
    /// Why the process ends, a line a cause: in the log's form for a program, in a command's words for a person.
    pub fn last_word(self, why: &str) {
        for line in why.lines() {
            match self {
                Self::Program => tracing::error!("{line}"),
                // Whoever read standard error may be gone; the exit code remains.
                Self::Person => {
                    let name = if line.starts_with(' ') { "" } else { "lvsdeck: " };
                    _ = writeln!(io::stderr(), "{name}{line}");
                }
            }
        }
    }
}

fn subscriber<O: Output>(log: Log<O>) -> impl Subscriber + Send + Sync {
    Registry::default().with(log.with_filter(LevelFilter::INFO))
}

/// The form of the log.
enum Form {
    Json,
    Text {
        color: bool,
    },
    /// Text into a stream of the service manager's, which has a clock of its own.
    Prefixed,
    Journal(JournalSocket),
}

impl Form {
    fn choose(json: bool, color: bool, stream: Option<&OsStr>, journal: &Path) -> Self {
        match (json, journald::stderr_is_journal(stream)) {
            (true, _) => Self::Json,
            (false, false) => Self::Text { color },
            (false, true) => JournalSocket::open(journal).map_or(Self::Prefixed, Self::Journal),
        }
    }
}

/// Where lines go.
trait Output: Send + Sync + 'static {
    fn write(&self, text: &str) -> io::Result<()>;
}

impl<W: Write, F: Fn() -> W + Send + Sync + 'static> Output for F {
    fn write(&self, text: &str) -> io::Result<()> {
        // One call a record, so that records of two threads do not mix.
        self().write_all(text.as_bytes())
    }
}

struct Log<O> {
    form: Form,
    lost: AtomicU64,
    out: O,
}

impl<S: Subscriber, O: Output> Layer<S> for Log<O> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut record = Record::new(*event.metadata().level());
        event.record(&mut record);
        // An event of the engine's is in the ring already: its thread put it there.
        if !record.is_event() {
            record.keep(LogRing::of_process(), SystemTime::now());
        }
        match &self.form {
            Form::Json => self.put(&record.json(SystemTime::now())),
            Form::Text { color } => self.put(&record.text(SystemTime::now(), *color)),
            Form::Prefixed => self.put(&record.prefixed()),
            Form::Journal(socket) => self.tell(socket, &record),
        }
    }
}

impl<O: Output> Log<O> {
    fn put(&self, text: &str) {
        _ = self.out.write(text);
    }

    /// Sends a record's lines as entries, and before them how many the journal did not take.
    fn tell(&self, socket: &JournalSocket, record: &Record) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let message = format!("{lost} entries of the log were lost: the journal did not take them");
            if socket.send(&entry(Priority::Warning, &message)).is_err() {
                self.lost.fetch_add(lost, Ordering::Relaxed);
            }
        }
        let beside = record.also.iter().map(|line| entry(record.priority, line));
        let entries = beside.chain([record.fields()]);
        let failed = entries.map(|fields| socket.send(&fields)).filter(Result::is_err).count();
        self.lost.fetch_add(u64::try_from(failed).unwrap_or(0), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;

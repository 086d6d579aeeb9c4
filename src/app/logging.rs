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

use crate::engine::io::journald::{self, JournalSocket};
use serde_json::{Map, Value};
use std::env;
use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;

/// What the journal calls this program.
const IDENTIFIER: &str = "lvsdeck";
/// `daemon` (`syslog(3)`).
const FACILITY: &str = "3";

/// Starts the log of this process.
pub fn start(json: bool, color: bool) {
    let form = Form::choose(json, color, env::var_os("JOURNAL_STREAM").as_deref(), Path::new(journald::SOCKET));
    // It fails only where a log was started before, which then goes on.
    _ = subscriber(Log { form, lost: AtomicU64::new(0), out: io::stderr }).try_init();
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

type Fields = Vec<(String, String)>;

fn entry(priority: Priority, message: &str) -> Fields {
    [
        ("MESSAGE", message),
        ("PRIORITY", priority.number()),
        ("SYSLOG_IDENTIFIER", IDENTIFIER),
        ("SYSLOG_FACILITY", FACILITY),
        ("SYSLOG_PID", &std::process::id().to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Priorities of `syslog(3)` that lvsdeck uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Priority {
    Error,
    Warning,
    Notice,
    Info,
}

impl Priority {
    const fn number(self) -> &'static str {
        match self {
            Self::Error => "3",
            Self::Warning => "4",
            Self::Notice => "5",
            Self::Info => "6",
        }
    }
}

/// One thing to be logged.
struct Record {
    level: Level,
    priority: Priority,
    message: String,
    /// Lines beside the message.
    also: Vec<String>,
    /// The engine's event with all its fields, when it is one.
    event: Map<String, Value>,
}

impl Record {
    fn new(level: Level) -> Self {
        let priority = match level {
            Level::ERROR => Priority::Error,
            Level::WARN => Priority::Warning,
            _ => Priority::Info,
        };
        Self { level, priority, message: String::new(), also: Vec::new(), event: Map::new() }
    }

    fn set(&mut self, name: &str, value: &str) {
        match name {
            "message" => value.clone_into(&mut self.message),
            "also" => self.also = value.lines().map(str::to_owned).collect(),
            "event" => {
                self.event = serde_json::from_str(value).unwrap_or_default();
                if self.event.get("severity").is_some_and(|severity| severity == "notice") {
                    self.priority = Priority::Notice;
                }
            }
            _ => _ = write!(self.message, " {name}={value}"),
        }
    }

    fn lines(&self) -> impl Iterator<Item = &String> {
        self.also.iter().chain([&self.message])
    }

    /// A line of text each, as `2026-11-21T14:02:11.000123Z  INFO (VI_1) Entering MASTER STATE: …`.
    fn text(&self, now: SystemTime, color: bool) -> String {
        let (time, level) = (humantime::format_rfc3339_micros(now), self.level.as_str());
        let (dim, hue, off) = match (color, self.priority) {
            (false, _) => ("", "", ""),
            (true, Priority::Error) => ("\x1b[2m", "\x1b[31m", "\x1b[0m"),
            (true, Priority::Warning) => ("\x1b[2m", "\x1b[33m", "\x1b[0m"),
            (true, Priority::Notice | Priority::Info) => ("\x1b[2m", "\x1b[32m", "\x1b[0m"),
        };
        let one = |line: &String| format!("{dim}{time}{off} {hue}{level:>5}{off} {}\n", printable(line));
        self.lines().map(one).collect()
    }

    /// A line each with its priority as the service manager reads it (`sd-daemon(3)`).
    fn prefixed(&self) -> String {
        self.lines().map(|line| format!("<{}>{}\n", self.priority.number(), printable(line))).collect()
    }

    /// One object; every field of the event, `null` where it has none.
    fn json(&self, now: SystemTime) -> String {
        let mut object = Map::new();
        object.insert("timestamp".to_owned(), humantime::format_rfc3339_micros(now).to_string().into());
        object.insert("level".to_owned(), self.level.as_str().into());
        object.insert("message".to_owned(), self.message.as_str().into());
        if !self.also.is_empty() {
            object.insert("also".to_owned(), self.also.clone().into());
        }
        object.extend(self.event.clone());
        Value::Object(object).to_string() + "\n"
    }

    /// The entry of the message: the event's fields as `LVSDECK_KIND` and so on, but those it does not have.
    fn fields(&self) -> Fields {
        let mut fields = entry(self.priority, &self.message);
        for (name, value) in &self.event {
            let value = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            fields.push((format!("LVSDECK_{}", name.to_uppercase()), value));
        }
        fields
    }
}

impl Visit for Record {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value);
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field.name(), &format!("{value:?}"));
    }
}

/// A line as it may stand in a terminal: what a name or a peer put in must not move the cursor or begin another line.
fn printable(line: &str) -> String {
    let safe = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    line.chars().map(safe).collect()
}

#[cfg(test)]
mod tests;

//! One thing to be logged, in each form. Pure but for the number of this process.

use crate::engine::{LogRing, Severity};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::fmt::{self, Write as _};
use std::time::SystemTime;
use tracing::Level;
use tracing::field::{Field, Visit};

/// What the journal calls this program.
const IDENTIFIER: &str = "lvsdeck";
/// `daemon` (`syslog(3)`).
const FACILITY: &str = "3";

/// Fields of an entry, name and value.
type Fields = Vec<(String, String)>;

/// An entry of the journal with the fields that each has.
pub fn entry(priority: Priority, message: &str) -> Fields {
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
pub enum Priority {
    /// Service is or may be lost.
    Error,
    /// Something is worse than before.
    Warning,
    /// A state that was asked for or expected.
    Notice,
    /// Progress.
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
pub struct Record {
    level: Level,
    /// Its priority.
    pub priority: Priority,
    message: String,
    /// Lines beside the message.
    pub also: Vec<String>,
    /// The engine's event with all its fields as JSON, when it is one.
    event: String,
}

/// What of an event gives its priority.
#[derive(Deserialize)]
struct Weight {
    severity: Severity,
}

impl Record {
    /// Empty; the level gives the priority until an event gives a better one.
    pub fn new(level: Level) -> Self {
        let priority = match level {
            Level::ERROR => Priority::Error,
            Level::WARN => Priority::Warning,
            _ => Priority::Info,
        };
        Self { level, priority, message: String::new(), also: Vec::new(), event: String::new() }
    }

    fn set(&mut self, name: &str, value: &str) {
        match name {
            "message" => value.clone_into(&mut self.message),
            "also" => self.also = value.lines().map(str::to_owned).collect(),
            "event" => {
                value.clone_into(&mut self.event);
                if matches!(serde_json::from_str(value), Ok(Weight { severity: Severity::Notice })) {
                    self.priority = Priority::Notice;
                }
            }
            _ => _ = write!(self.message, " {name}={value}"),
        }
    }

    /// Whether it is an event of the engine's.
    pub fn is_event(&self) -> bool {
        !self.event.is_empty()
    }

    /// The event's fields by name: most forms of the log have no use for them.
    fn event(&self) -> Map<String, Value> {
        serde_json::from_str(&self.event).unwrap_or_default()
    }

    /// Its lines into the ring that the API gives lines from.
    pub fn keep(&self, ring: &LogRing, now: SystemTime) {
        let level = match self.priority {
            Priority::Error => Severity::Error,
            Priority::Warning => Severity::Warning,
            Priority::Notice => Severity::Notice,
            Priority::Info => Severity::Info,
        };
        self.lines().for_each(|line| ring.push(now, level, line));
    }

    fn lines(&self) -> impl Iterator<Item = &String> {
        self.also.iter().chain([&self.message])
    }

    /// A line of text each, as `2026-11-21T14:02:11.000123Z  INFO (VI_1) Entering MASTER STATE: …`.
    pub fn text(&self, now: SystemTime, color: bool) -> String {
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
    pub fn prefixed(&self) -> String {
        let one = |line: &String| format!("<{}>{}\n", self.priority.number(), printable(line));
        self.lines().map(one).collect()
    }

    /// One object; every field of the event, `null` where it has none.
    pub fn json(&self, now: SystemTime) -> String {
        let mut object = Map::new();
        object.insert("timestamp".to_owned(), humantime::format_rfc3339_micros(now).to_string().into());
        object.insert("level".to_owned(), self.level.as_str().into());
        object.insert("message".to_owned(), self.message.as_str().into());
        if !self.also.is_empty() {
            object.insert("also".to_owned(), self.also.clone().into());
        }
        object.extend(self.event());
        Value::Object(object).to_string() + "\n"
    }

    /// The entry of the message: the event's fields as `LVSDECK_KIND` and so on, but those it does not have.
    pub fn fields(&self) -> Fields {
        let mut fields = entry(self.priority, &self.message);
        for (name, value) in self.event() {
            let value = match value {
                Value::Null => continue,
                Value::String(text) => text,
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
    if line.contains(char::is_control) { line.chars().map(safe).collect() } else { line.to_owned() }
}

//! The status as metric families (layer 2): what is measured, under which names and labels. How that is written down, and when,
//! is the API's business.
//!
//! Names, labels and meanings are promises (`docs/api.md`). Labels are keys of the configuration and of the kernel, never a name
//! that an operator may change for the same thing, and nothing that a client or a peer can choose. Real servers get series of
//! their own up to a limit, whole services at a time; how many got none is a metric too.

mod engine;
mod routers;
mod services;

use super::model::Family as AddressFamily;
use super::snapshot::{Status, Summary};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::SystemTime;

/// Most real servers that get series of their own.
pub const MOST_SERVERS: usize = 10_000;

/// What a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Goes up and down.
    Gauge,
    /// Only goes up; its sample's name ends in `_total`.
    Counter,
    /// Always 1, and its labels say something; its sample's name ends in `_info`.
    Info,
    /// One sample a state, 1 for the one it is in; the label has the family's name.
    StateSet,
}

/// A value; whole numbers are written exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MetricValue {
    /// A number without a fraction.
    Whole(u64),
    /// Seconds and the like.
    Real(f64),
}

/// Samples of one meaning.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricFamily {
    /// Name without ending; ends in the unit where there is one.
    pub name: &'static str,
    /// What it is.
    pub kind: MetricKind,
    /// Base unit, as `seconds`; empty for a number of things.
    pub unit: &'static str,
    /// A sentence without a full stop.
    pub help: &'static str,
    /// Labels as `a="b",c="d"`, escaped, and the value.
    pub samples: Vec<(Arc<str>, MetricValue)>,
}

/// What the process says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ProcessFacts {
    /// When it began to serve.
    pub started_at: Option<SystemTime>,
    /// Events that happened since the engine started.
    pub events: u64,
    /// Descriptors that are open, and how many may be.
    pub open_files: Option<(u64, u64)>,
    /// Bytes of memory in use.
    pub resident_bytes: Option<u64>,
    /// CPU time used.
    pub cpu_seconds: Option<f64>,
}

/// Everything that is measured, in a fixed order; at most `most_servers` real servers have series of their own.
pub fn metric_families(
    status: &Status,
    process: &ProcessFacts,
    most_servers: usize,
    now: SystemTime,
) -> Vec<MetricFamily> {
    let summary = Summary::of(status, now, false);
    let mut families = engine::families(status, &summary, process);
    families.extend(routers::families(&status.virtual_routers));
    families.push(routers::foreign(&status.foreign_routers));
    families.extend(services::families(status, &summary, most_servers));
    families
}

/// A family that samples are put into.
fn family(kind: MetricKind, name: &'static str, unit: &'static str, help: &'static str) -> MetricFamily {
    MetricFamily { name, kind, unit, help, samples: Vec::new() }
}

impl MetricFamily {
    fn put(&mut self, labels: &Arc<str>, value: impl Into<MetricValue>) {
        self.samples.push((Arc::clone(labels), value.into()));
    }
    /// A sample for each state, under the family's name.
    fn put_state(&mut self, labels: &Arc<str>, states: &[&str], current: &str) {
        for state in states {
            self.put(&with(labels, self.name, state), *state == current);
        }
    }
}

impl From<u64> for MetricValue {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<u32> for MetricValue {
    fn from(value: u32) -> Self {
        Self::Whole(value.into())
    }
}

impl From<usize> for MetricValue {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl From<bool> for MetricValue {
    fn from(value: bool) -> Self {
        Self::Whole(value.into())
    }
}

impl From<f64> for MetricValue {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

/// A moment in seconds since 1970.
impl From<SystemTime> for MetricValue {
    fn from(at: SystemTime) -> Self {
        Self::Real(at.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64()))
    }
}

/// Labels from names and values; empty values are left out, which means the same.
fn labels(pairs: &[(&str, &str)]) -> Arc<str> {
    let mut text = String::new();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        push(&mut text, name, value);
    }
    text.into()
}

/// The same labels and one more.
fn with(labels: &Arc<str>, name: &str, value: &str) -> Arc<str> {
    let mut text = labels.to_string();
    push(&mut text, name, value);
    text.into()
}

/// `name="value"`, escaped as the format wants: backslash, quote and line feed.
fn push(text: &mut String, name: &str, value: &str) {
    let comma = if text.is_empty() { "" } else { "," };
    _ = write!(text, "{comma}{name}=\""); // a String takes everything
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
    text.push('"');
}

/// `ipv4` or `ipv6` in the words of the configuration.
const fn family_name(family: AddressFamily) -> &'static str {
    match family {
        AddressFamily::Inet => "inet",
        AddressFamily::Inet6 => "inet6",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_labels_are_escaped_and_empty_ones_left_out() {
        let found = labels(&[("a", "x\\y\"z\n"), ("b", ""), ("c", "é")]);
        assert_eq!(&*found, r#"a="x\\y\"z\n",c="é""#);
        assert_eq!(&*with(&labels(&[]), "s", "UP"), r#"s="UP""#);
    }
}

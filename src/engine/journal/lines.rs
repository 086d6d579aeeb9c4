//! The lines of a journal's file: one JSON object each, every line whole.
//!
//! ```text
//! {"format":"lvsdeck-journal","version":1,"node":"d1","after":4711}    the first line: the numbers of this file go on after 4711
//! {"seq":4712,"at":"…","monotonic_ms":…,"kind":…}                      an event, as `GET /v1/events` has it
//! {"gap":[4713,4800]}                                                  these could not be written
//! ```

use crate::engine::event::Event;
use serde::{Deserialize, Serialize};

/// Version of the format that is written and read.
pub const VERSION: u32 = 1;
/// Longest line that is written or read.
pub const MAX_LINE: usize = 64 * 1024;
/// What the first line says of itself.
const FORMAT: &str = "lvsdeck-journal";

/// A line that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The first of a file: its numbers go on after this one.
    Header {
        /// Version of the format.
        version: u32,
        /// The number before the first of this file.
        after: u64,
    },
    /// An event.
    Event(Box<Event>),
    /// Events from the first to the second number are missing.
    Gap(u64, u64),
    /// Anything else.
    Damaged,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    #[serde(default)]
    node: String,
    #[serde(default)]
    after: u64,
}

#[derive(Serialize, Deserialize)]
struct Gap {
    gap: (u64, u64),
}

/// Reads a line without its end.
pub fn read(line: &[u8]) -> Line {
    if line.starts_with(b"{\"seq\"") {
        return serde_json::from_slice(line).map_or(Line::Damaged, |event| Line::Event(Box::new(event)));
    }
    if let Ok(Header { format, version, after, .. }) = serde_json::from_slice(line)
        && format == FORMAT
    {
        return Line::Header { version, after };
    }
    serde_json::from_slice(line).map_or(Line::Damaged, |Gap { gap: (from, to) }| Line::Gap(from, to))
}

/// The first line of a file.
pub fn header(node: &str, after: u64) -> Vec<u8> {
    written(&Header { format: FORMAT.to_owned(), version: VERSION, node: node.to_owned(), after })
}

/// A line that names what is missing.
pub fn gap(from: u64, to: u64) -> Vec<u8> {
    written(&Gap { gap: (from, to) })
}

/// An event's line. One that would be longer than [`MAX_LINE`] loses its texts but the subject's beginning.
pub fn event(event: &Event) -> Vec<u8> {
    let line = written(event);
    if line.len() <= MAX_LINE {
        return line;
    }
    let subject = event.subject.chars().take(256).collect();
    let detail = Some("its texts were too long for the journal".to_owned());
    let short = Event { subject, from: None, to: None, reason: None, who: None, detail, ..event.clone() };
    written(&short)
}

fn written(value: &impl Serialize) -> Vec<u8> {
    // plain structures of text and numbers can always be written
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::{EventKind, Fact, Severity};
    use proptest::prelude::*;
    use std::time::{Duration, SystemTime};

    fn stamped(subject: &str, seq: u64, at: u64) -> Event {
        let fact = Fact::new(EventKind::Link, Severity::Warning, subject).change("up", "down").detail(subject);
        Event::stamp(fact, seq, SystemTime::UNIX_EPOCH + Duration::from_millis(at), at)
    }

    fn body(line: &[u8]) -> &[u8] {
        line.strip_suffix(b"\n").unwrap()
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(subject in ".{0,40}", seq in 1u64.., at in 0u64..4_000_000_000_000) {
            let original = stamped(&subject, seq, at);
            let line = event(&original);
            prop_assert!(!body(&line).contains(&b'\n'));
            prop_assert_eq!(read(body(&line)), Line::Event(Box::new(original)));
            prop_assert_eq!(read(body(&header(&subject, seq))), Line::Header { version: VERSION, after: seq });
            prop_assert_eq!(read(body(&gap(seq, at))), Line::Gap(seq, at));
        }

        #[test]
        fn garbage_is_damage_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(read(&bytes), Line::Damaged);
        }
    }

    #[test]
    fn a_line_is_never_longer_than_a_reader_takes() {
        let line = event(&stamped(&"\u{1}".repeat(MAX_LINE), 7, 0));
        assert!(line.len() < MAX_LINE);
        assert!(matches!(read(body(&line)), Line::Event(event) if event.seq == 7));
    }
}

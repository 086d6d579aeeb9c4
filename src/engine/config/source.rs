//! The texts that a configuration is read from, and places in them.
//!
//! A [`Span`] is a place in one text; every later stage carries spans instead of strings. The text of an expanded
//! definition is a source of its own whose [`origin`](Source::origin) is the place of use, so that a message always
//! points at a line that the operator wrote.

use std::rc::Rc;

/// A place: bytes `start..start + length` of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub source: u32,
    pub start: u32,
    pub length: u32,
}

/// One text.
#[derive(Debug)]
pub(super) struct Source {
    pub name: String,
    pub text: Rc<String>,
    /// Where the text is used, when it is an expanded definition and no file.
    pub origin: Option<Span>,
    line_starts: Vec<u32>,
}

/// All texts of one configuration, in the order in which they were opened; the first is the main file.
#[derive(Debug, Default)]
pub(super) struct Sources(Vec<Source>);

/// Line and column (both from 1, the column in characters) with the line itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub file: &'a str,
    pub line: usize,
    pub column: usize,
    pub length: usize,
    pub text: &'a str,
}

/// This much of a line is looked at.
const SEEN_BYTES: usize = 64 * 1024;
/// Characters are counted up to this many bytes into a line; beyond it a column is a number of bytes.
const COUNTED_BYTES: usize = 4096;

impl Sources {
    /// Takes a text in and answers with its number.
    pub fn add(&mut self, name: &str, text: impl Into<String>, origin: Option<Span>) -> u32 {
        let text = text.into();
        let line_starts = if origin.is_some() {
            Vec::new()
        } else {
            let after = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| narrow(at + 1));
            std::iter::once(0).chain(after).collect()
        };
        self.0.push(Source { name: name.to_owned(), text: Rc::new(text), origin, line_starts });
        narrow(self.0.len() - 1)
    }

    /// The source with this number.
    pub fn get(&self, source: u32) -> Option<&Source> {
        self.0.get(source as usize)
    }

    /// Every file, with its number.
    pub fn files(&self) -> impl Iterator<Item = (u32, &Source)> {
        (0..).zip(&self.0).filter(|(_, source)| source.origin.is_none())
    }

    /// The bytes of a span as they stand in the file.
    pub fn raw(&self, span: Span) -> &str {
        let start = span.start as usize;
        self.get(span.source).and_then(|s| s.text.get(start..start + span.length as usize)).unwrap_or("")
    }

    /// A word's meaning: its text without the quotes around it.
    pub fn word(&self, span: Span) -> &str {
        let raw = self.raw(span);
        raw.strip_prefix('"').map_or(raw, |inner| inner.strip_suffix('"').unwrap_or(inner))
    }

    /// The place in a file that a span came from: its own, or where its definition was used.
    pub fn written_at(&self, mut span: Span) -> Span {
        while let Some(origin) = self.get(span.source).and_then(|s| s.origin) {
            span = origin;
        }
        span
    }

    /// The line that a span stands on in its own text, as far as it is looked at, and where the span begins on it.
    pub fn around(&self, span: Span) -> (&str, usize) {
        let text = self.get(span.source).map_or("", |source| source.text.as_str());
        let start = (span.start as usize).min(text.len());
        let first = text.ceil_char_boundary(start.saturating_sub(COUNTED_BYTES));
        let before = text.get(first..start).unwrap_or("");
        let first = before.rfind('\n').map_or(first, |end| first + end + 1);
        let last = text.floor_char_boundary((start + COUNTED_BYTES).min(text.len()));
        let line = text.get(first..last).unwrap_or("");
        let at = start - first;
        let end = line.get(at..).and_then(|rest| rest.find('\n')).map_or(line.len(), |length| at + length);
        (line.get(..end).unwrap_or(line), at)
    }

    /// Line and column of a span.
    pub fn place(&self, span: Span) -> Place<'_> {
        let span = self.written_at(span);
        let Some(source) = self.get(span.source) else {
            return Place { file: "", line: 0, column: 0, length: 0, text: "" };
        };
        let line = source.line_starts.partition_point(|start| *start <= span.start).max(1);
        let line_start = source.line_starts.get(line - 1).copied().unwrap_or(0) as usize;
        let rest = source.text.get(line_start..).unwrap_or("");
        let rest = rest.get(..rest.floor_char_boundary(SEEN_BYTES)).unwrap_or(rest);
        let text = rest.find('\n').map_or(rest, |end| rest.get(..end).unwrap_or(rest));
        let text = text.strip_suffix('\r').unwrap_or(text);
        let (text, bom) = match text.strip_prefix('\u{feff}') {
            Some(text) if line == 1 => (text, '\u{feff}'.len_utf8()),
            _ => (text, 0),
        };
        let before = (span.start as usize).saturating_sub(line_start + bom);
        let column = match text.get(..before) {
            Some(text) if before <= COUNTED_BYTES => text.chars().count(),
            _ => before,
        };
        let shown: String = self.raw(span).chars().take(COUNTED_BYTES).collect();
        Place { file: &source.name, line, column: column + 1, length: shown.chars().count().max(1), text }
    }
}

/// Lengths of texts fit `u32`: the reader refuses larger files.
pub(super) fn narrow(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(source: u32, start: u32, length: u32) -> Span {
        Span { source, start, length }
    }

    #[test]
    fn a_place_counts_lines_from_one_and_columns_in_characters() {
        let mut sources = Sources::default();
        let id = sources.add("a.conf", "\u{feff}one\r\nüü two\n", None);
        assert_eq!(
            sources.place(span(id, 13, 3)),
            Place { file: "a.conf", line: 2, column: 4, length: 3, text: "üü two" }
        );
        assert_eq!(sources.place(span(id, 3, 3)).column, 1, "the byte order mark is not a column");
    }

    #[test]
    fn a_place_in_an_expanded_definition_is_where_it_is_used() {
        let mut sources = Sources::default();
        let file = sources.add("a.conf", "x\n$PRIO\n", None);
        let expanded = sources.add("a.conf", "priority 300", Some(span(file, 2, 5)));
        let place = sources.place(span(expanded, 9, 3));
        assert_eq!((place.line, place.column, place.length), (2, 1, 5));
    }

    #[test]
    fn the_line_around_a_place_is_that_of_its_own_text() {
        let mut sources = Sources::default();
        let file = sources.add("a.conf", "x\n$PASS y\n", None);
        let expanded = sources.add("", "auth_pass 1\nz 2\n", Some(span(file, 2, 5)));
        assert_eq!(sources.around(span(file, 8, 1)), ("$PASS y", 6));
        assert_eq!(sources.around(span(expanded, 14, 1)), ("z 2", 2));
        let long = sources.add("b.conf", "ü".repeat(10_000), None);
        let (line, at) = sources.around(span(long, 10_000, 2));
        assert!(line.len() <= 2 * COUNTED_BYTES && line.get(at..).is_some());
    }

    #[test]
    fn a_word_is_without_the_quotes_around_it() {
        for (raw, meaning) in
            [("\"a b\"", "a b"), ("\"\"", ""), ("'a'", "'a'"), (r#""a\b""#, r"a\b"), ("\"open", "open"), ("a", "a")]
        {
            let mut sources = Sources::default();
            let id = sources.add("a.conf", raw, None);
            assert_eq!(sources.word(span(id, 0, narrow(raw.len()))), meaning);
        }
    }
}

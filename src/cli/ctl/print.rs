//! Lines on a terminal or in a file: colour by meaning, and nothing that came from outside can steer the terminal.

use super::CtlError;
use serde::Serialize;
use std::borrow::Cow;
use std::io::Write;
use std::time::{Duration, SystemTime};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What a line means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Nothing in particular.
    Plain,
    /// The headline.
    Strong,
    /// Somebody is needed.
    Problem,
    /// Taken out by the operator, or otherwise to be looked at.
    Notice,
}

/// Where lines go.
pub(super) struct Page<'a> {
    out: &'a mut dyn Write,
    color: bool,
}

impl<'a> Page<'a> {
    pub(super) fn new(out: &'a mut dyn Write, color: bool) -> Self {
        Self { out, color }
    }

    /// Writes a line; control characters in it (a check's error is what the real server said) become `?`.
    pub(super) fn line(&mut self, style: Style, text: &str) -> Result<(), CtlError> {
        let clean: String = text.trim_end().chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        let code = match style {
            Style::Plain => "",
            Style::Strong => "1",
            Style::Problem => "1;31",
            Style::Notice => "33",
        };
        if self.color && !code.is_empty() {
            writeln!(self.out, "\x1b[{code}m{clean}\x1b[0m")?;
        } else {
            writeln!(self.out, "{clean}")?;
        }
        Ok(())
    }

    /// Writes a value as JSON: over several lines, or in one.
    pub(super) fn json(&mut self, value: &impl Serialize, pretty: bool) -> Result<(), CtlError> {
        let written = if pretty { serde_json::to_writer_pretty } else { compact };
        written(&mut *self.out, value).map_err(std::io::Error::from)?;
        writeln!(self.out)?;
        Ok(())
    }

    /// What was written is seen.
    pub(super) fn flush(&mut self) -> Result<(), CtlError> {
        Ok(self.out.flush()?)
    }
}

fn compact<T: Serialize>(out: &mut dyn Write, value: &T) -> serde_json::Result<()> {
    serde_json::to_writer(out, value)
}

/// A text in a column of so many cells: wide characters take two, combining ones none. Too long a text is whole.
pub(super) fn left(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(cells(text))))
}

/// A name in at most so many cells: of a long one the middle is left out, for what tells names apart stands at either end.
pub(super) fn short(name: &str, most: usize) -> Cow<'_, str> {
    if cells(name) <= most {
        return Cow::Borrowed(name);
    }
    let taken = |letters: &mut dyn Iterator<Item = char>, room: usize| -> Vec<char> {
        let mut used = 0;
        let fits = |c: &char| {
            used += c.width().unwrap_or(0);
            used <= room
        };
        letters.take_while(fits).collect()
    };
    let end = taken(&mut name.chars().rev(), most.saturating_sub(1) / 2);
    let end: String = end.into_iter().rev().collect();
    let begin = taken(&mut name.chars(), most.saturating_sub(1 + cells(&end)));
    Cow::Owned(begin.into_iter().chain(['…']).chain(end.chars()).collect())
}

/// The cells that a text takes on a terminal.
pub(super) fn cells(text: &str) -> usize {
    text.width()
}

/// An age in two units at most: `12s`, `4m07s`, `3h12m`, `3d04h`.
pub(super) fn age(now: SystemTime, since: SystemTime) -> String {
    span(now.duration_since(since).unwrap_or(Duration::ZERO).as_secs())
}

/// The same from seconds.
pub(super) fn span(s: u64) -> String {
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m{:02}s", s / 60, s % 60),
        3600..86400 => format!("{}h{:02}m", s / 3600, s / 60 % 60),
        _ => format!("{}d{:02}h", s / 86400, s / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_both_ends_in_the_cells_that_it_may_have() {
        for (name, most, shown) in
            [("VI_1", 4, "VI_1"), ("VI_frontend_1", 8, "VI_f…d_1"), ("東京大阪名古屋", 8, "東京…屋")]
        {
            assert_eq!(short(name, most), shown);
        }
        for most in 1..14 {
            assert!(cells(&short("a東b京c大d阪", most)) <= most);
        }
    }

    #[test]
    fn columns_are_counted_in_cells() {
        for (text, shown) in [
            ("VI_1", "VI_1  |"),
            ("東京", "東京  |"),
            ("e\u{301}", "e\u{301}     |"),
            ("longer than it", "longer than it|"),
        ] {
            assert_eq!(format!("{}|", left(text, 6)), shown);
        }
    }
}

//! `include` and its variants: where their words stand on a line, and which shortcomings are errors.

use super::source::{Span, narrow};

/// The words of `include_check`.
pub(super) const CHECK_WORDS: [&str; 4] = ["readable", "match", "wildcard_match", "brace_match"];

/// Where an `include`, its name, and what is written behind it stand on a line that begins with one. The name may hold
/// braces, so this comes before the lexer.
pub(super) struct Inclusion {
    pub word: Span,
    pub target: Option<Span>,
    pub more: Option<Span>,
}

impl Inclusion {
    pub fn of(line: &str, source: u32, at: usize) -> Option<Self> {
        let plain = line.split(['#', '!']).next().unwrap_or("");
        let mut words = plain.split_ascii_whitespace().map(|word| {
            let start = at + (word.as_ptr() as usize - line.as_ptr() as usize);
            (word, Span { source, start: narrow(start), length: narrow(word.len()) })
        });
        let (_, word) = words.next().filter(|(word, _)| Check::of(word, Check::default()).is_some())?;
        let mut next = || words.next().map(|(_, span)| span);
        Some(Self { word, target: next(), more: next() })
    }
}

/// Which shortcomings of an `include` are errors; the others are warnings, as in keepalived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Check {
    /// A file that is there can't be read.
    pub readable: bool,
    /// A plain name has no file.
    pub exists: bool,
    /// A pattern matches nothing.
    pub wild: bool,
    /// A name out of braces has no file.
    pub braces: bool,
}

impl Check {
    pub const WORDS: [&str; 4] = CHECK_WORDS;
    const ALL: Self = Self { readable: true, exists: true, wild: true, braces: true };

    /// What an include word asks for beyond what is asked for anyway; none when the word is no include.
    pub fn of(word: &str, base: Self) -> Option<Self> {
        let added = match word {
            "include" => "",
            "includer" => "readable",
            "includem" => "match",
            "includew" => "wildcard_match",
            "includeb" => "brace_match",
            "includea" => return Some(Self::ALL),
            _ => return None,
        };
        Some(base.with(added, true))
    }

    /// After `include_check WORD…`; no word asks for everything, and the first word without `+` or `-` begins anew.
    pub fn changed<'w>(self, words: impl Iterator<Item = &'w str> + Clone) -> Self {
        if words.clone().next().is_none() {
            return Self::ALL;
        }
        let begins_anew = words.clone().next().is_some_and(|word| !word.starts_with(['+', '-']));
        words.fold(if begins_anew { Self::default() } else { self }, |check, word| match word.strip_prefix('-') {
            Some(word) => check.with(word, false),
            None => check.with(word.trim_start_matches('+'), true),
        })
    }

    fn with(mut self, word: &str, on: bool) -> Self {
        match word {
            "readable" => self.readable = on,
            "match" => self.exists = on,
            "wildcard_match" => self.wild = on,
            "brace_match" => self.braces = on,
            _ => {}
        }
        self.readable |= on && word != "readable" && !word.is_empty();
        self
    }
}

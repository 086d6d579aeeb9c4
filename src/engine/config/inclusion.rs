//! `include` and its variants: where their words stand on a line, and which shortcomings are errors.

use super::files::Named;
use super::source::{Span, narrow};

/// The words of `include_check`.
pub(super) const CHECK_WORDS: [&str; 4] = ["readable", "match", "wildcard_match", "brace_match"];

/// Where an `include` and its name stand on a line that begins with one. The name is all that stands behind, as keepalived has it,
/// and may hold spaces and braces, so this comes before the lexer.
pub(super) struct Inclusion {
    pub word: Span,
    pub target: Option<Span>,
}

impl Inclusion {
    pub fn of(line: &str, source: u32, at: usize) -> Option<Self> {
        if !line.trim_ascii_start().starts_with("include") {
            return None; // nearly every line
        }
        let plain = line.split(['#', '!']).next().unwrap_or("");
        let place = |part: &str| {
            let start = at + (part.as_ptr() as usize - line.as_ptr() as usize);
            Span { source, start: narrow(start), length: narrow(part.len()) }
        };
        let plain = plain.trim_ascii();
        let (word, name) = plain.split_at(plain.find(|c: char| c.is_ascii_whitespace()).unwrap_or(plain.len()));
        Check::of(word, Check::default())?;
        let target = Some(name.trim_ascii_start()).filter(|name| !name.is_empty()).map(place);
        Some(Self { word: place(word), target })
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

    /// Whether it is an error that nothing is there.
    pub const fn asks_for(self, named: &Named) -> bool {
        match (named.wild, named.from_braces) {
            (true, _) => self.wild,
            (false, true) => self.braces,
            (false, false) => self.exists,
        }
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

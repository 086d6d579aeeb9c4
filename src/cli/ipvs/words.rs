//! Command lines as ipvsadm takes them apart: letters in bundles, `--word=value`, values that may be missing, options and
//! plain words in any order, `--` before plain words.

use super::fault::Fault;
use super::options::{COMMANDS, CommandRow, OPTIONS, OptionRow, Takes};

/// One option as it came.
pub enum Taken {
    /// A command, with its value where it takes one.
    Command(&'static CommandRow, Option<String>),
    /// An option, with its value.
    Option(&'static OptionRow, Option<String>),
}

/// A command line being read.
pub struct Words<'a> {
    left: std::slice::Iter<'a, String>,
    /// Letters left of a bundle.
    bundle: Option<&'a str>,
    /// The word that the last option stood in.
    pub word: &'a str,
    /// Words that are neither options nor their values.
    pub plain: Vec<&'a str>,
}

impl<'a> Words<'a> {
    /// Reads `words`, which are without the program's name.
    pub fn new(words: &'a [String]) -> Self {
        Self { left: words.iter(), bundle: None, word: "", plain: Vec::new() }
    }

    /// The next option; none when all are read.
    pub fn next(&mut self) -> Option<Result<Taken, Fault>> {
        loop {
            if let Some(letters) = self.bundle.take() {
                return Some(self.letter(letters));
            }
            let word = self.left.next()?.as_str();
            match word.strip_prefix('-') {
                None | Some("") => self.plain.push(word),
                Some("-") => {
                    self.plain.extend(self.left.by_ref().map(String::as_str));
                    return None;
                }
                Some(rest) => {
                    self.word = word;
                    match rest.strip_prefix('-') {
                        Some(long) => return Some(self.long(long)),
                        None => self.bundle = Some(rest),
                    }
                }
            }
        }
    }

    fn letter(&mut self, letters: &'a str) -> Result<Taken, Fault> {
        let mut rest = letters.chars();
        let Some(letter) = rest.next() else { return Err(Fault::unreadable("a dash without a letter")) };
        let found = Found::letter(letter).ok_or_else(|| unknown(&format!("-{letter}")))?;
        let rest = Some(rest.as_str()).filter(|rest| !rest.is_empty());
        if found.takes() == Takes::Nothing {
            self.bundle = rest;
            return Ok(found.with(None));
        }
        let attached = rest.map(|rest| rest.strip_prefix('=').unwrap_or(rest));
        self.value(found, attached, &format!("-{letter}"))
    }

    fn long(&mut self, word: &'a str) -> Result<Taken, Fault> {
        let (name, attached) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let found = Found::word(name).ok_or_else(|| unknown(&format!("--{name}")))?;
        if found.takes() == Takes::Nothing {
            return match attached {
                None => Ok(found.with(None)),
                Some(_) => Err(Fault::unreadable(format!("--{name} takes no value"))),
            };
        }
        self.value(found, attached, &format!("--{name}"))
    }

    fn value(&mut self, found: Found, attached: Option<&str>, name: &str) -> Result<Taken, Fault> {
        if let Some(value) = attached {
            return Ok(found.with(Some(value.to_owned())));
        }
        let next = self.left.as_slice().first();
        let follows = next.filter(|next| found.takes() == Takes::Value || !next.starts_with('-'));
        match follows {
            Some(value) => {
                self.left.next();
                Ok(found.with(Some(value.clone())))
            }
            None if found.takes() == Takes::Maybe => Ok(found.with(None)),
            None => Err(Fault::unreadable(format!("{name} needs a value"))),
        }
    }
}

fn unknown(name: &str) -> Fault {
    Fault::unreadable(format!("unknown option {name}; see --help"))
}

#[derive(Clone, Copy)]
enum Found {
    Command(&'static CommandRow),
    Option(&'static OptionRow),
}

impl Found {
    fn letter(letter: char) -> Option<Self> {
        let command = COMMANDS.iter().find(|row| row.short.contains(&letter)).map(Self::Command);
        command.or_else(|| OPTIONS.iter().find(|row| row.short == Some(letter)).map(Self::Option))
    }
    fn word(word: &str) -> Option<Self> {
        let command = COMMANDS.iter().find(|row| row.long == word).map(Self::Command);
        command.or_else(|| OPTIONS.iter().find(|row| row.long == word).map(Self::Option))
    }
    const fn takes(self) -> Takes {
        match self {
            Self::Command(row) => row.takes,
            Self::Option(row) => row.takes,
        }
    }
    const fn with(self, value: Option<String>) -> Taken {
        match self {
            Self::Command(row) => Taken::Command(row, value),
            Self::Option(row) => Taken::Option(row, value),
        }
    }
}

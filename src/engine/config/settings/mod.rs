//! lvsdeck.toml → [`Settings`]: what keepalived.conf has no words for.
//!
//! ```toml
//! [ipvs]
//! drift = "report"
//! ```
//!
//! Everything is optional, the file too. Every mistake is an error with its line: a misspelt word that counted as absent would
//! leave a default in place that somebody wanted to change. It reads the file system in [`load`] only.

mod page;
mod table;

pub use page::{explain, page, schema};

use super::diagnostic::{Diagnostic, Severity};
use super::{Asked, ConfigError, Wanted, files, suggest};
use crate::engine::model::Settings;
use std::path::{Path, PathBuf};
use table::{Kind, SECTIONS, SETTINGS, Setting};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where the settings are when none are named.
pub const STANDARD_FILE: &str = "/etc/lvsdeck/lvsdeck.toml";

/// Where settings come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// [`STANDARD_FILE`], where there is one.
    Standard,
    /// This file.
    Named(PathBuf),
    /// The defaults, whatever files there are.
    Nowhere,
}

impl From<Option<PathBuf>> for Place {
    fn from(named: Option<PathBuf>) -> Self {
        named.map_or(Self::Standard, Self::Named)
    }
}

/// The settings of a place. With a mistake: all mistakes, in file order.
pub fn load(place: &Place) -> Result<Settings, Vec<Diagnostic>> {
    let path = match place {
        Place::Standard => Path::new(STANDARD_FILE),
        Place::Named(path) => path,
        Place::Nowhere => return Ok(Settings::default()),
    };
    match files::read(path) {
        Ok(text) => parse(&path.to_string_lossy(), &text),
        Err(ConfigError::NotFound(_)) if *place == Place::Standard => Ok(Settings::default()),
        Err(ConfigError::NotFound(_)) => {
            let message = format!("{}: no such file; name the settings with --settings FILE", path.display());
            Err(vec![whole(path, "no-such-file", message)])
        }
        Err(ConfigError::Directory(_)) => {
            let message = format!("{}: is a directory; name a file with --settings FILE", path.display());
            Err(vec![whole(path, "is-a-directory", message)])
        }
        Err(error) => Err(vec![whole(path, error.code(), error.to_string())]),
    }
}

/// The files that the settings of a place name, which the host has to have; none where there is a mistake.
pub fn files_named(place: &Place) -> Vec<Asked> {
    let path = match place {
        Place::Standard => Path::new(STANDARD_FILE),
        Place::Named(path) => path,
        Place::Nowhere => return Vec::new(),
    };
    let Ok(text) = files::read(path) else { return Vec::new() };
    let name = path.to_string_lossy();
    let reader = read(&name, &text);
    if reader.found.is_empty() { reader.asked } else { Vec::new() }
}

/// The settings of a text, which is called `name` in messages.
pub fn parse(name: &str, text: &str) -> Result<Settings, Vec<Diagnostic>> {
    let reader = read(name, text);
    if reader.found.is_empty() { Ok(reader.settings) } else { Err(reader.found) }
}

fn read<'a>(name: &'a str, text: &'a str) -> Reader<'a> {
    let mut reader = Reader { name, text, settings: Settings::default(), found: Vec::new(), asked: Vec::new() };
    let (root, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        reader.root(root.get_ref());
        reader.together(root.get_ref());
    }
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().lines().next().unwrap_or("this is no TOML").to_owned();
        let help = match message.split(',').next().unwrap_or("") {
            "string values must be quoted" => "write the word in quotes: `name = \"word\"`",
            "invalid boolean" => "write true or false",
            "duplicate key" => "it stands above already; remove one of the two lines",
            _ => "TOML is written as `name = \"value\"` below a `[section]`",
        };
        reader.say(&span, "bad-toml", message, help);
    }
    reader.found.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    // One mistake of a line makes others of what follows on it.
    reader
        .found
        .dedup_by(|later, first| (later.code, later.line) == ("bad-toml", first.line) && first.code == "bad-toml");
    reader
}

fn whole(path: &Path, code: &'static str, message: String) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code,
        file: path.to_string_lossy().into_owned(),
        line: 0,
        column: 0,
        length: 0,
        source_line: String::new(),
        message,
        help: None,
    }
}

struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    settings: Settings,
    found: Vec<Diagnostic>,
    asked: Vec<Asked>,
}

impl Reader<'_> {
    fn root(&mut self, root: &DeTable<'_>) {
        for (section, value) in root {
            let name: &str = section.get_ref();
            if !SECTIONS.iter().any(|(known, _)| *known == name) {
                let belongs = SETTINGS.iter().find(|setting| setting.name == name);
                let help = match (belongs, suggest::nearest(name, SECTIONS.iter().map(|(known, _)| *known))) {
                    (Some(setting), _) => format!("it belongs below [{}]", setting.section),
                    (None, Some(meant)) => format!("did you mean [{meant}]?"),
                    (None, None) => format!("the sections are {}", list(SECTIONS.iter().map(|(known, _)| *known))),
                };
                self.say(&section.span(), "unknown-section", format!("there is no section \"{name}\""), help);
                continue;
            }
            match value.get_ref() {
                DeValue::Table(table) => self.section(name, table),
                _ => self.say(
                    &section.span(),
                    "bad-value",
                    format!("{name} is a section, not a value"),
                    format!("write [{name}] on a line of its own, and its settings below"),
                ),
            }
        }
    }

    /// What only settings together show.
    fn together(&mut self, root: &DeTable<'_>) {
        let mail = &self.settings.mail;
        let (has, lacks) = match (&mail.user, &mail.password_file) {
            (Some(_), None) => ("user", "password_file"),
            (None, Some(_)) => ("password_file", "user"),
            (Some(_), Some(_)) | (None, None) => return,
        };
        // What is written and can't be read was told.
        let tells = |told: &Diagnostic| {
            told.message.contains(lacks) || told.help.as_ref().is_some_and(|help| help.contains(lacks))
        };
        if self.found.iter().any(tells) {
            return;
        }
        let words = root.get("mail").and_then(|section| section.get_ref().as_table());
        let at = words.and_then(|words| words.get_key_value(has)).map_or(0..0, |(word, _)| word.span());
        let message = format!("[mail] has {has} and no {lacks}: nobody can log in");
        self.say(&at, "missing-word", message, format!("write {lacks} too, or leave both out"));
    }

    fn section(&mut self, section: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let own = || SETTINGS.iter().filter(|setting| setting.section == section);
            let word: &str = name.get_ref();
            if let Some(setting) = own().find(|setting| setting.name == word) {
                self.value(setting, value);
                continue;
            }
            let help = suggest::nearest(word, own().map(|setting| setting.name)).map_or_else(
                || format!("the settings of [{section}] are {}", list(own().map(|setting| setting.name))),
                |meant| format!("did you mean {meant}?"),
            );
            let message = format!("there is no setting \"{word}\" in [{section}]");
            self.say(&name.span(), "unknown-word", message, help);
        }
    }

    fn value(&mut self, setting: &Setting, value: &Spanned<DeValue<'_>>) {
        let name = setting.name;
        match (&setting.kind, value.get_ref()) {
            (Kind::Word(words, _), DeValue::String(text)) => {
                if let Some(word) = words.iter().find(|word| word.0 == text.as_ref()) {
                    return (word.2)(&mut self.settings);
                }
                let known = || words.iter().map(|word| word.0);
                let help = suggest::nearest(text, known()).map_or_else(
                    || format!("{name} is one of {}", list(known())),
                    |meant| format!("did you mean {meant}?"),
                );
                self.say(&value.span(), "bad-value", format!("\"{text}\" is no value of {name}"), help);
            }
            (Kind::Number { least, most, unit, set, .. }, DeValue::Integer(number)) => {
                let number = i64::from_str_radix(number.as_str(), number.radix()).ok();
                if let Some(number) = number.filter(|number| (*least..=*most).contains(number)) {
                    return set(&mut self.settings, number);
                }
                let help = format!("{name} is from {least} to {most} {unit}");
                self.say(&value.span(), "out-of-range", format!("{name} is out of its range"), help);
            }
            (Kind::Switch { set, .. }, DeValue::Boolean(on)) => set(&mut self.settings, *on),
            (Kind::Text { form, set, .. }, DeValue::String(text)) => {
                if !set(&mut self.settings, text) {
                    let shown = if is_secret(name, text) { "***" } else { text.as_ref() };
                    let message = format!("\"{shown}\" is no value of {name}");
                    self.say(&value.span(), "bad-value", message, format!("{name} is {form}"));
                } else if text.starts_with('/') {
                    let at = self.at(&value.span(), "on-this-host", String::new(), String::new());
                    let at = Diagnostic { severity: Severity::Warning, ..at };
                    self.asked.push(Asked { at, what: Wanted::File(text.to_string()), more: 0 });
                }
            }
            (kind, other) => {
                let wanted = match kind {
                    Kind::Word(words, _) => {
                        format!("write one of {}", list(words.iter().map(|word| format!("\"{}\"", word.0))))
                    }
                    Kind::Number { least, most, unit, .. } => {
                        format!("write a whole number from {least} to {most} ({unit})")
                    }
                    Kind::Text { form, .. } => format!("write {form}"),
                    Kind::Switch { .. } => "write true or false".to_owned(),
                };
                self.say(&value.span(), "bad-value", format!("{name} can't be {}", of_kind(other)), wanted);
            }
        }
    }

    /// An error at a place of the text.
    fn say(&mut self, span: &std::ops::Range<usize>, code: &'static str, message: String, help: impl Into<String>) {
        let said = self.at(span, code, message, help.into());
        self.found.push(said);
    }

    fn at(&self, span: &std::ops::Range<usize>, code: &'static str, message: String, help: String) -> Diagnostic {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let source_line = self.text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
        let marked = self.text.get(span.clone()).unwrap_or_default().lines().next().unwrap_or_default();
        let (key, value) = source_line.split_once('=').unwrap_or((source_line, ""));
        let hidden =
            if is_secret(key, value.trim().trim_matches(['"', '\''])) { format!("{key}= ***") } else { String::new() };
        let source_line = if hidden.is_empty() { source_line } else { &hidden };
        let source_line = source_line.chars().map(|c| if c.is_control() && c != '\t' { ' ' } else { c }).take(240);
        Diagnostic {
            severity: Severity::Error,
            code,
            file: self.name.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(start..).unwrap_or_default().chars().count() + 1,
            length: marked.chars().count(),
            source_line: source_line.collect(),
            message,
            help: Some(help),
        }
    }
}

/// Whether the value of a setting, or of what somebody took for one, may be a password, or a URL, which may hold one: only a path to
/// one is shown.
fn is_secret(key: &str, value: &str) -> bool {
    let is_password = ["pass", "secret", "token"].iter().any(|word| key.to_ascii_lowercase().contains(word));
    is_password && !value.starts_with('/') || key.trim() == "url" || value.contains("://")
}

/// What kind of value it is in TOML, with its article.
fn of_kind(value: &DeValue<'_>) -> String {
    let kind = value.type_str();
    format!("{} {kind}", if kind.starts_with(['a', 'i']) { "an" } else { "a" })
}

/// `a`, `a or b`, `a, b or c`.
fn list(words: impl Iterator<Item = impl Into<String>>) -> String {
    let words: Vec<String> = words.map(Into::into).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;

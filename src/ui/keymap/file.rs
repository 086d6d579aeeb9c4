//! The operator's own settings: a file that names actions and their keys, over the defaults, and when the bell rings.
//!
//! ```toml
//! bell = "critical"
//!
//! [keys]
//! drain = "x"
//! remove = ["Del", "Ctrl-X"]
//! stop = []            # no key: the palette has it
//!
//! [columns]            # of the tables, in their order
//! services = ["Weight", "ActiveConn", "CPS", "Since"]
//! ```
//!
//! A file with a mistake is not used at all: half of somebody's keys would be worse than the known ones. All mistakes are told at
//! once. Nothing is written.

use super::{BINDINGS, Chord, Keymap};
use crate::engine::nearest;
use crate::ui::bell::Bell;
use crate::ui::intent::Intent;
use crate::ui::mistakes::{Mistakes, line_of, not_toml};
use crate::ui::rows::columns::{ALL, Chosen, Set, named};
use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Largest file that is read.
const MAX: u64 = 256 * 1024;
/// For everybody on this host.
const SYSTEM: &str = "/etc/lvsdeck/console.toml";
/// Without a key for them nobody would find the others, or the way out.
pub(super) const NEEDED: [Intent; 2] = [Intent::Palette, Intent::Detach];

/// The tables that have columns to choose.
const TABLES: [Set; 2] = [Set::Services, Set::Counters];
/// The names that stand outside of all tables, and the tables.
const TOP: [&str; 3] = ["bell", "keys", "columns"];

/// What a file sets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// The keys that count.
    pub keys: Keymap,
    /// When the bell rings.
    pub bell: Bell,
    /// Which columns the tables have.
    pub columns: Chosen,
}

/// The settings of `file`, or of the user's or the system's file where there is one; the defaults where there is none. With
/// mistakes in it: all of them.
pub fn choose(file: Option<&Path>) -> Result<Settings, Mistakes> {
    if let Some(file) = file {
        return load(file);
    }
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let user = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
    let user = user.map(|config| config.join("lvsdeck/console.toml"));
    let found = user.into_iter().chain([PathBuf::from(SYSTEM)]).find(|path| path.exists());
    found.map_or_else(|| Ok(Settings::default()), |path| load(&path))
}

fn load(path: &Path) -> Result<Settings, Mistakes> {
    let name = path.display().to_string();
    let whole = |why: String| Mistakes::whole(&name, why);
    let found = fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => whole("there is no such file; `lvsdeck keys --print` writes one".to_owned()),
        _ => whole(error.to_string()),
    })?;
    if !found.is_file() || found.len() > MAX {
        return Err(whole(format!("it is no file of at most {} KiB", MAX / 1024)));
    }
    parse(&fs::read_to_string(path).map_err(|error| whole(error.to_string()))?, &name)
}

/// What a file's text makes of the defaults.
pub fn parse(text: &str, path: &str) -> Result<Settings, Mistakes> {
    let mut reader = Reader { text, settings: Settings::default(), given: HashMap::new(), found: Vec::new() };
    match DeTable::parse_recoverable(text) {
        (root, errors) if errors.is_empty() => reader.root(root.get_ref()),
        (_, errors) => reader.found = not_toml(&errors),
    }
    if reader.found.is_empty() { Ok(reader.settings) } else { Err(Mistakes::found(path, text, reader.found)) }
}

type Value<'t> = Spanned<DeValue<'t>>;

struct Reader<'t> {
    text: &'t str,
    settings: Settings,
    /// The actions that the file names, with the place of their keys.
    given: HashMap<Intent, usize>,
    found: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn say(&mut self, at: usize, why: impl Into<String>) {
        self.found.push((at, why.into()));
    }

    fn root(&mut self, root: &DeTable) {
        for (name, value) in root {
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("bell", bell) => self.bell(bell, value.span().start),
                ("keys", DeValue::Table(keys)) => self.keys(keys),
                ("columns", DeValue::Table(columns)) => self.columns(columns),
                (word @ ("keys" | "columns"), _) => {
                    self.say(name.span().start, format!("{word} is a table: [{word}] on a line of its own"));
                }
                (word, _) => {
                    self.say(name.span().start, format!("there is no \"{word}\"; {}", meant(word, &TOP)));
                }
            }
        }
    }

    fn bell(&mut self, value: &DeValue, at: usize) {
        let word = value.as_str().unwrap_or_default();
        if let Ok(bell) = word.parse() {
            self.settings.bell = bell;
        } else {
            let words = Bell::ALL.map(|(_, word)| word);
            self.say(at, format!("\"{word}\" is no word of bell; {}", meant(word, &words)));
        }
    }

    fn keys(&mut self, keys: &DeTable) {
        let mut own: HashMap<Intent, Vec<Chord>> = HashMap::new();
        for (name, value) in keys {
            let (word, at) = (name.get_ref().as_ref(), value.span().start);
            let Some(binding) = BINDINGS.iter().find(|b| b.intent.name() == word) else {
                self.say(at, format!("there is no action \"{word}\"; `lvsdeck keys` lists them{}", alike(word)));
                continue;
            };
            let before = self.found.len();
            let chords = self.chords(word, value);
            if chords.is_empty() && self.found.len() == before && NEEDED.contains(&binding.intent) {
                self.say(at, format!("{word} needs a key: without it there is no way to the rest"));
            }
            self.given.insert(binding.intent, at);
            own.insert(binding.intent, chords);
        }
        for (binding, chords) in BINDINGS.iter().zip(&mut self.settings.keys.chords) {
            if let Some(own) = own.remove(&binding.intent) {
                *chords = own;
            }
        }
        self.conflicts();
    }

    /// One key or a list of them, as far as they can be read.
    fn chords(&mut self, action: &str, value: &Value) -> Vec<Chord> {
        let all = match value.get_ref() {
            DeValue::Array(list) => list.iter().collect(),
            _ => vec![value],
        };
        let mut chords = Vec::new();
        for value in all {
            let read = match value.get_ref() {
                DeValue::String(text) => text.parse(),
                _ => Err("keys are written as \"d\" or [\"d\", \"Ctrl-X\"]".to_owned()),
            };
            match read {
                Ok(chord) => chords.push(chord),
                Err(why) => self.say(value.span().start, format!("{action}: {why}")),
            }
        }
        chords
    }

    /// A key that two actions have is told at the later line of the two.
    fn conflicts(&mut self) {
        let keys = self.settings.keys.clone();
        let mut seen: HashMap<Chord, Intent> = HashMap::new();
        for (binding, chords) in keys.lines() {
            for chord in chords {
                let Some(other) = seen.insert(*chord, binding.intent).filter(|other| *other != binding.intent) else {
                    continue;
                };
                let place = |intent: Intent| self.given.get(&intent).copied();
                let named = |intent: Intent| match place(intent) {
                    Some(at) => format!("{} (line {})", intent.name(), line_of(self.text, at)),
                    None => format!("{} (by default)", intent.name()),
                };
                let why = format!(
                    "{chord} would mean both {} and {}: give one of them another key, or [] for none",
                    named(other),
                    named(binding.intent)
                );
                let at = place(other).max(place(binding.intent)).unwrap_or(0);
                self.say(at, why);
            }
        }
    }

    fn columns(&mut self, tables: &DeTable) {
        for (name, value) in tables {
            let word = name.get_ref().as_ref();
            let Some(set) = TABLES.into_iter().find(|set| set.name() == word) else {
                let why = format!("there is no table \"{word}\"; {}", meant(word, &TABLES.map(Set::name)));
                self.say(value.span().start, why);
                continue;
            };
            let words = self.words(word, value);
            self.settings.columns.set(set, Some(words));
        }
    }

    /// Columns by their names, each once.
    fn words(&mut self, table: &str, value: &Value) -> Vec<&'static str> {
        let DeValue::Array(list) = value.get_ref() else {
            self.say(value.span().start, format!("{table}: columns are written as [\"Weight\", \"CPS\"]"));
            return Vec::new();
        };
        let known: Vec<&str> = ALL.iter().map(|column| column.word).collect();
        let mut words: Vec<&'static str> = Vec::new();
        for value in list {
            let name = value.get_ref().as_str();
            let why = match (name, name.and_then(named)) {
                (None, _) => "a column is named by a text".to_owned(),
                (Some(name), None) => format!("there is no column \"{name}\"; {}", meant(name, &known)),
                (Some(_), Some(column)) if words.contains(&column.word) => {
                    format!("{} stands in it twice", column.word)
                }
                (Some(_), Some(column)) => {
                    words.push(column.word);
                    continue;
                }
            };
            self.say(value.span().start, format!("{table}: {why}"));
        }
        words
    }
}

/// What to write instead of a word that there is not.
fn meant(word: &str, known: &[&str]) -> String {
    nearest(word, known.iter().copied())
        .map_or_else(|| format!("there are {}", known.join(", ")), |meant| format!("did you mean {meant}?"))
}

/// The action that was probably meant.
fn alike(name: &str) -> String {
    nearest(name, BINDINGS.iter().map(|binding| binding.intent.name()))
        .map_or_else(String::new, |meant| format!("; did you mean {meant}?"))
}

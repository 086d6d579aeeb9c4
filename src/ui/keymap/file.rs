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
//! A file with a mistake is not used at all: half of somebody's keys would be worse than the known ones. Nothing is written.

use super::{BINDINGS, Chord, Keymap};
use crate::engine::nearest;
use crate::ui::bell::Bell;
use crate::ui::intent::Intent;
use crate::ui::rows::columns::{ALL, Chosen, Set, named};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use toml::{Spanned, Value};

/// Largest file that is read.
const MAX: u64 = 256 * 1024;
/// For everybody on this host.
const SYSTEM: &str = "/etc/lvsdeck/console.toml";
/// Without a key for them nobody would find the others, or the way out.
pub(super) const NEEDED: [Intent; 2] = [Intent::Palette, Intent::Detach];

/// A key file that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}{}: {why}", line.map_or_else(String::new, |line| format!(":{line}")))]
pub struct KeyFileError {
    /// The file.
    pub path: String,
    /// The line, from 1; none where it is the whole file.
    pub line: Option<usize>,
    /// What is wrong.
    pub why: String,
}

/// The tables that have columns to choose.
const TABLES: [Set; 2] = [Set::Services, Set::Counters];
/// The names that stand outside of all tables, and the tables.
const TOP: [&str; 3] = ["bell", "keys", "columns"];

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    bell: Bell,
    #[serde(default)]
    keys: BTreeMap<String, Spanned<Value>>,
    #[serde(default)]
    columns: BTreeMap<String, Spanned<Value>>,
}

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

/// The settings of `file`, or of the user's or the system's file where there is one; the defaults where there is none. With a
/// mistake in it: the error.
pub fn choose(file: Option<&Path>) -> Result<Settings, KeyFileError> {
    if let Some(file) = file {
        return load(file);
    }
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let user = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
    let user = user.map(|config| config.join("lvsdeck/console.toml"));
    let found = user.into_iter().chain([PathBuf::from(SYSTEM)]).find(|path| path.exists());
    found.map_or_else(|| Ok(Settings::default()), |path| load(&path))
}

fn load(path: &Path) -> Result<Settings, KeyFileError> {
    let name = path.display().to_string();
    let whole = |why: String| KeyFileError { path: name.clone(), line: None, why };
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
pub fn parse(text: &str, path: &str) -> Result<Settings, KeyFileError> {
    let line_of = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count() + 1;
    let wrong = |at: Option<usize>, why: String| KeyFileError { path: path.to_owned(), line: at.map(line_of), why };
    if let Some((at, why)) = unknown(text) {
        return Err(wrong(Some(at), why));
    }
    let file: File =
        toml::from_str(text).map_err(|error| wrong(error.span().map(|span| span.start), error.message().to_owned()))?;
    let mut given: HashMap<Intent, (usize, Vec<Chord>)> = HashMap::new();
    for (name, value) in &file.keys {
        let at = value.span().start;
        let Some(binding) = BINDINGS.iter().find(|b| b.intent.name() == name) else {
            return Err(wrong(
                Some(at),
                format!("there is no action \"{name}\"; `lvsdeck keys` lists them{}", alike(name)),
            ));
        };
        let chords = chords(value.get_ref()).map_err(|why| wrong(Some(at), format!("{name}: {why}")))?;
        given.insert(binding.intent, (at, chords));
    }
    for intent in NEEDED {
        if let Some((at, _)) = given.get(&intent).filter(|(_, chords)| chords.is_empty()) {
            return Err(wrong(
                Some(*at),
                format!("{} needs a key: without it there is no way to the rest", intent.name()),
            ));
        }
    }
    let mut keymap = Keymap::default();
    for (binding, chords) in BINDINGS.iter().zip(&mut keymap.chords) {
        if let Some((_, own)) = given.get(&binding.intent) {
            chords.clone_from(own);
        }
    }
    no_conflict(&keymap, &given, &wrong, &line_of)?;
    let mut chosen = Chosen::default();
    for (name, value) in &file.columns {
        let refused = |why| wrong(Some(value.span().start), why);
        let set = TABLES.into_iter().find(|set| set.name() == name);
        let set = set
            .ok_or_else(|| refused(format!("there is no table \"{name}\"; {}", meant(name, &TABLES.map(Set::name)))))?;
        chosen.set(set, Some(columns(value.get_ref()).map_err(|why| refused(format!("{name}: {why}")))?));
    }
    Ok(Settings { keys: keymap, bell: file.bell, columns: chosen })
}

/// The first name or word of the top that there is not, where it stands, and what was meant.
fn unknown(text: &str) -> Option<(usize, String)> {
    let top: BTreeMap<Spanned<String>, Spanned<Value>> = toml::from_str(text).ok()?;
    let one = |(name, value): (&Spanned<String>, &Spanned<Value>)| {
        let word: &str = name.get_ref();
        if !TOP.contains(&word) {
            return Some((name.span().start, format!("there is no \"{word}\"; {}", meant(word, &TOP))));
        }
        let bells = Bell::ALL.map(|(_, word)| word);
        let bell = value.get_ref().as_str().unwrap_or_default();
        let is_wrong = word == "bell" && !bells.contains(&bell);
        is_wrong.then(|| (value.span().start, format!("\"{bell}\" is no word of bell; {}", meant(bell, &bells))))
    };
    top.iter().filter_map(one).min_by_key(|(at, _)| *at)
}

/// What to write instead of a word that there is not.
fn meant(word: &str, known: &[&str]) -> String {
    nearest(word, known.iter().copied())
        .map_or_else(|| format!("there are {}", known.join(", ")), |meant| format!("did you mean {meant}?"))
}

/// Columns by their names, each once.
fn columns(value: &Value) -> Result<Vec<&'static str>, String> {
    let known = || ALL.iter().map(|column| column.word).collect::<Vec<_>>();
    let Value::Array(list) = value else {
        return Err("columns are written as [\"Weight\", \"CPS\"]".to_owned());
    };
    let mut words: Vec<&'static str> = Vec::new();
    for value in list {
        let name = value.as_str().ok_or_else(|| "a column is named by a text".to_owned())?;
        let column = named(name).ok_or_else(|| format!("there is no column \"{name}\"; {}", meant(name, &known())))?;
        if words.contains(&column.word) {
            return Err(format!("{} stands in it twice", column.word));
        }
        words.push(column.word);
    }
    Ok(words)
}

/// A key that two actions have is told at the later line of the two.
fn no_conflict(
    keymap: &Keymap,
    given: &HashMap<Intent, (usize, Vec<Chord>)>,
    wrong: &impl Fn(Option<usize>, String) -> KeyFileError,
    line_of: &impl Fn(usize) -> usize,
) -> Result<(), KeyFileError> {
    let mut seen: HashMap<Chord, Intent> = HashMap::new();
    for (binding, chords) in keymap.lines() {
        for chord in chords {
            let Some(other) = seen.insert(*chord, binding.intent).filter(|other| *other != binding.intent) else {
                continue;
            };
            let place = |intent: &Intent| given.get(intent).map(|(at, _)| *at);
            let named = |intent: Intent| match place(&intent) {
                Some(at) => format!("{} (line {})", intent.name(), line_of(at)),
                None => format!("{} (by default)", intent.name()),
            };
            let why = format!(
                "{chord} would mean both {} and {}: give one of them another key, or [] for none",
                named(other),
                named(binding.intent)
            );
            return Err(wrong(place(&other).max(place(&binding.intent)), why));
        }
    }
    Ok(())
}

/// One key or a list of them.
fn chords(value: &Value) -> Result<Vec<Chord>, String> {
    let one = |value: &Value| match value {
        Value::String(text) => text.parse(),
        _ => Err("keys are written as \"d\" or [\"d\", \"Ctrl-X\"]".to_owned()),
    };
    match value {
        Value::Array(list) => list.iter().map(one).collect(),
        single => one(single).map(|chord| vec![chord]),
    }
}

/// The action that was probably meant.
fn alike(name: &str) -> String {
    nearest(name, BINDINGS.iter().map(|binding| binding.intent.name()))
        .map_or_else(String::new, |meant| format!("; did you mean {meant}?"))
}

//! The corpus: each file under `corpus/` with the configuration that it means (`.json`: what it says beyond the defaults, which
//! stand in `corpus/DEFAULTS`) and what is said about it (`.told`) beside it.

use super::{folder, short};
use lvsdeck::engine::{
    DiagnosticSeverity, difference_of_unreadable, differences_known, load_against_keepalived, load_configuration_as,
    parse_configuration,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The name by which `@id` lines know the node that reads the corpus.
const NODE: &str = "lb1";

/// Every file below a folder, in order; what stands in a folder `parts` is included by others.
fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() && entry.file_name().is_some_and(|name| name != "parts") {
            files.extend(files_below(&entry, extension));
        } else if entry.extension().is_some_and(|found| found == extension) {
            files.push(entry);
        }
    }
    files.sort();
    files
}

/// A configuration that says of everything as little as can be, with values that no file of the corpus has.
const LEAST: &str = "
vrrp_script least { script least }
vrrp_track_process least { process least }
track_file least { file /least }
vrrp_instance least { interface least
virtual_router_id 213
virtual_ipaddress { 203.0.113.213/31 } }
virtual_server 203.0.113.213 213 { protocol SCTP
real_server 203.0.113.214 213 { PING_CHECK { } } }
";

/// What `value` says beyond `least`, the same with nothing but defaults; of a list, each member beyond the first of `least`.
fn beyond(value: Value, least: Option<&Value>) -> Option<Value> {
    match value {
        same if Some(&same) == least => None,
        Value::Null | Value::Bool(false) if least.is_none() => None,
        Value::Object(all) => Some(Value::Object(
            all.into_iter()
                .filter_map(|(key, value)| {
                    let value = beyond(value, least.and_then(|least| least.get(&key)))?;
                    Some((key, value))
                })
                .collect(),
        )),
        Value::Array(all) if least.is_some_and(Value::is_array) => {
            let first = least.and_then(|least| least.get(0));
            Some(Value::Array(all.into_iter().map(|one| beyond(one, first).unwrap_or(Value::Null)).collect()))
        }
        other => Some(other),
    }
}

fn least() -> Value {
    let loaded = parse_configuration("least", LEAST);
    serde_json::to_value(loaded.configuration.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))).unwrap()
}

/// The defaults, which the other files do not show.
#[test]
fn what_counts_where_nothing_is_said_stands_in_a_file_of_its_own() {
    let found = serde_json::to_string_pretty(&least()).unwrap() + "\n";
    let file = folder("corpus").join("DEFAULTS");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&file, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(&file).unwrap_or_default());
}

/// The model as JSON, nothing where the file would not run; and the messages.
fn reading(file: &Path) -> (String, String) {
    let loaded = load_configuration_as(file, Some(NODE)).unwrap_or_else(|error| panic!("{error}"));
    let plain = |text: String| text.replace(&*folder("corpus").to_string_lossy(), "CORPUS");
    let model = loaded.configuration.map_or(String::new(), |configuration| {
        let said = beyond(serde_json::to_value(configuration).unwrap(), Some(&least()));
        serde_json::to_string_pretty(&said).unwrap() + "\n"
    });
    let told = loaded.diagnostics.iter().map(|diagnostic| {
        let place = if Path::new(&diagnostic.file) == file { "" } else { &format!("{}:", diagnostic.file) };
        let help = diagnostic.help.as_ref().map_or(String::new(), |help| format!("    {help}\n"));
        format!("{place}{}\n{help}", short(diagnostic))
    });
    (plain(model), plain(told.collect()))
}

#[test]
fn each_file_means_and_tells_what_stands_beside_it() {
    let mut wrong = Vec::new();
    for file in files_below(&folder("corpus"), "conf") {
        let (model, told) = reading(&file);
        assert!(!model.contains("hunter") && !told.contains("hunter"), "{} shows a password", file.display());
        for (extension, found) in [("json", model), ("told", told)] {
            let beside = file.with_extension(extension);
            if std::env::var_os("UPDATE_EXPECTED").is_some() {
                if !found.is_empty() {
                    std::fs::write(&beside, &found).unwrap();
                } else if beside.exists() {
                    std::fs::remove_file(&beside).unwrap();
                }
            }
            let expected = std::fs::read_to_string(&beside).unwrap_or_default();
            if found != expected {
                wrong.push(format!("{}:\n{found}instead of\n{expected}", beside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `docs/config-differences.md` speaks of every message that a file of the corpus gets.
#[test]
fn what_keepalived_does_is_known_of_every_message() {
    for file in files_below(&folder("corpus"), "conf") {
        for told in load_configuration_as(&file, Some(NODE)).unwrap().diagnostics {
            let is_error = told.severity == DiagnosticSeverity::Error;
            assert!(differences_known(told.code, is_error), "{} {is_error}: {}", told.code, file.display());
        }
    }
}

/// The codes of the messages that a source file gives, and whether they are errors.
fn codes(source: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for (name, is_error) in [("Problem::error(", true), ("Problem::warning(", false)] {
        for (at, _) in source.match_indices(name) {
            let arguments = &source[at + name.len()..];
            // The place comes first, which may hold commas in parentheses.
            let mut depth = 0;
            let first = arguments.find(|c| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                c == ',' && depth == 0
            });
            let code = arguments[first.unwrap_or(0)..].trim_start_matches(',').trim_start().strip_prefix('"');
            let code = code.and_then(|code| code.split('"').next());
            found.extend(code.map(|code| (code.to_owned(), is_error)));
        }
    }
    found
}

/// The messages that no file of the corpus gets are known too.
#[test]
fn what_keepalived_does_is_known_of_every_message_of_the_sources() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine/config");
    let mut all = 0;
    for file in files_below(&folder, "rs").into_iter().filter(|file| !file.to_string_lossy().contains("settings")) {
        let text = std::fs::read_to_string(&file).unwrap();
        for (code, is_error) in codes(text.split("#[cfg(test)]").next().unwrap()) {
            all += 1;
            let known = differences_known(&code, is_error) || code == "on-this-host";
            assert!(known, "{code} {is_error}: {}", file.display());
        }
    }
    assert!(all > 100, "{all} messages");
}

/// Whether `check --against keepalived` says something of a file.
fn tells_a_difference(file: &Path) -> bool {
    load_against_keepalived(file, Some(NODE)).map_or_else(
        |error| difference_of_unreadable(&error).is_some(),
        |loaded| loaded.diagnostics.iter().any(|told| told.severity == DiagnosticSeverity::Difference),
    )
}

/// What `tests/config/oracle` found to differ, `check --against keepalived` tells.
#[test]
fn every_file_that_keepalived_takes_otherwise_is_told_to_be_so() {
    let list = std::fs::read_to_string(folder("oracle.differences")).unwrap();
    let names = list.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "));
    let files =
        names.map(|(name, _)| folder("").join(name)).filter(|file| !file.to_string_lossy().contains("/samples/"));
    let silent: Vec<_> = files.filter(|file| !tells_a_difference(file)).collect();
    assert!(silent.is_empty(), "{silent:?}");
}

/// Each error of each file has what keepalived does beside it, or it does the same.
#[test]
fn what_cannot_be_read_is_told_otherwise_too() {
    let place = tempfile::tempdir().unwrap();
    for (name, text) in [("latin", &b"global_defs {\n router_id h\xe9\n}\n"[..]), ("zero", b"a\0b\n")] {
        let file = place.path().join(name);
        std::fs::write(&file, text).unwrap();
        assert!(tells_a_difference(&file), "{name}");
    }
    for file in [place.path(), Path::new("/dev/null"), Path::new("/no/such/file")] {
        assert!(tells_a_difference(file), "{}", file.display());
    }
}

#[test]
fn the_corpus_is_whole() {
    let files = files_below(&folder("corpus"), "conf");
    assert!(files.len() >= 150, "{} files", files.len());
    for extension in ["json", "told"] {
        for beside in files_below(&folder("corpus"), extension) {
            assert!(beside.with_extension("conf").exists(), "{} belongs to no file", beside.display());
        }
    }
    for file in &files {
        let said = |extension| file.with_extension(extension).exists();
        assert!(said("json") || said("told"), "{} has nothing beside it: UPDATE_EXPECTED=1", file.display());
    }
}

/// Block and word of each statement, as `words.txt` writes them. The files of the corpus that show words are plain: a
/// brace stands alone or behind its words, and no quote holds one.
fn pairs(text: &str) -> BTreeSet<(String, String)> {
    let (mut open, mut found) = (Vec::<String>::new(), BTreeSet::new());
    for line in text.lines().map(|line| line.split(['#', '!']).next().unwrap_or("").trim()) {
        let words = line.trim_end_matches('{').split_whitespace().collect::<Vec<_>>();
        if line == "}" {
            open.pop();
        } else if let Some(word) = words.first() {
            let path = if open.is_empty() { "TOP".to_owned() } else { open.join("/") };
            found.insert((path, (*word).to_owned()));
            if line.ends_with('{') {
                open.push((*word).to_owned());
            }
        }
    }
    found
}

#[test]
fn every_word_of_keepalived_stands_in_the_corpus() {
    let mut found = BTreeSet::new();
    for file in files_below(&folder("corpus/words"), "conf") {
        found.extend(pairs(&std::fs::read_to_string(&file).unwrap()));
    }
    let list = std::fs::read_to_string(folder("words.txt")).unwrap();
    let wanted = list.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
    let missing: Vec<_> =
        wanted.filter(|(path, word)| !found.contains(&((*path).to_owned(), (*word).to_owned()))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

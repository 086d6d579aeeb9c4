//! The law as data, and the functions that hold a source against it. Each gives breaches as sentences; none means lawful.

use crate::paths::named;
use crate::source::{Source, Token, tokens};

/// The engine's modules with their layers (`docs/architecture.md` §2). Those of one layer know each other only where the
/// last column says so: they are one folder in spirit.
const LAYERS: &[(&str, u8, bool)] = &[
    ("model", 0, false),
    ("config", 1, false),
    ("vrrp", 1, false),
    ("health", 1, false),
    ("ipvs", 1, false),
    ("command", 2, true),
    ("connections", 2, true),
    ("difference", 2, true),
    ("event", 2, true),
    ("guide", 2, true),
    ("journal", 2, true),
    ("mail", 2, true),
    ("metrics", 2, true),
    ("snapshot", 2, true),
    ("history", 2, true),
    ("recording", 2, true),
    ("failover", 3, false),
    ("balance", 3, false),
    ("advice", 3, false),
    ("reload", 4, false),
    ("io", 4, false),
    ("watching", 4, false),
    ("driver", 5, true),
    ("handle", 5, true),
    ("still", 5, true),
    ("replayed", 5, true),
];

/// Who may name which part of the crate's top level, beside itself.
const TOP: [(&str, &[&str]); 6] = [
    ("engine", &[]),
    ("api", &["engine"]),
    ("ui", &["engine"]),
    ("cli", &["engine", "api"]), // `ctl` is a client of the control socket
    ("app", &["engine", "api", "ui", "cli"]),
    ("main", &["app", "cli"]),
];

/// Words and the only places where they may stand. A place is a path's beginning.
pub const HOMES: [(&[&str], &[&str]); 9] = [
    (&["Instant::now", "SystemTime::now"], &["engine/driver", "engine/io", "api", "ui/runtime", "app"]),
    (&["sleep(", "spawn("], &["engine/driver", "engine/io", "api", "ui/runtime", "app"]),
    (&["println!", "eprintln!", "print!", "eprint!"], &["cli", "app", "main.rs"]),
    (&["ratatui", "crossterm"], &["ui"]),
    (&["socket2", "neli", "sysinfo", "libc"], &["engine/io"]),
    (&["tokio"], &["engine/driver", "engine/io", "api", "app"]),
    (&["hyper", "hyper_util", "http_body_util"], &["api", "engine/io/probe", "engine/io/webhook"]),
    (&["unsafe"], &["engine/io"]),
    (&["todo!", "unimplemented!", "dbg!", "#[ignore"], &[]),
];

/// Names that say nothing (`docs/architecture.md` §4).
const EMPTY_NAMES: [&str; 8] = ["manager", "helper", "helpers", "util", "utils", "common", "data", "info"];

pub const HARD_LIMIT: usize = 500;
pub const MEDIAN_LIMIT: usize = 120;
/// A file with this line is a table of data and may be longer.
pub const TABLE_MARK: &str = "// size: a table of data";

/// Imports against the layers.
pub fn import_breaches(source: &Source) -> Vec<String> {
    let module = source.module();
    let from: Vec<&str> = module.iter().map(String::as_str).collect();
    let wrong = |n: &crate::paths::Named| {
        let to: Vec<&str> = n.path.iter().map(String::as_str).collect();
        unlawful(&source.path, &from, &to)
            .map(|why| format!("{}:{}: names `{}`: {why}", source.path, n.line, to.join("::")))
    };
    named(source).iter().filter_map(wrong).collect()
}

fn unlawful(file: &str, from: &[&str], to: &[&str]) -> Option<String> {
    let own = from.first().copied().unwrap_or(if file == "main.rs" { "main" } else { "lib" });
    let &target = to.first()?;
    if own == "lib" || (own == target && own != "engine") {
        return None;
    }
    let allowed = TOP.iter().find(|(name, _)| *name == own).map_or(&[][..], |(_, allowed)| *allowed);
    if own != target && !allowed.contains(&target) {
        return Some(format!("`{own}` may not name `{target}`"));
    }
    let part = to.get(1).copied().filter(|name| layer(name).is_some());
    match (own, part) {
        ("engine", part) => within_engine(from.get(1).copied(), part, to),
        ("api" | "ui" | "cli", Some(part)) => Some(format!("`{own}` names the façade alone, not `engine::{part}`")),
        _ => None,
    }
}

fn within_engine(from: Option<&str>, part: Option<&str>, to: &[&str]) -> Option<String> {
    let from = from?; // engine/mod.rs is the façade and re-exports
    let Some(part) = part else {
        let named = to.get(1).copied().unwrap_or("engine");
        return (named != from).then(|| "the engine names its parts themselves, not the façade".to_owned());
    };
    let ((mine, friends), (theirs, _)) = (layer(from)?, layer(part)?);
    let lawful = part == from || theirs < mine || (theirs == mine && friends);
    (!lawful).then(|| format!("`{from}` is of layer {mine}, `{part}` of layer {theirs}"))
}

fn layer(name: &str) -> Option<(u8, bool)> {
    LAYERS.iter().find(|(known, ..)| *known == name).map(|&(_, layer, friends)| (layer, friends))
}

/// An engine module that the table of layers does not know.
pub fn unknown_module(source: &Source) -> Option<String> {
    let module = source.module();
    let name = module.get(1).filter(|_| module.first().is_some_and(|top| top == "engine"))?;
    layer(name)
        .is_none()
        .then(|| format!("{}: `engine::{name}` has no layer: add it to LAYERS and the page", source.path))
}

/// Words outside their homes.
pub fn token_breaches(source: &Source) -> Vec<String> {
    let mut breaches = Vec::new();
    let code = tokens(&source.code);
    for (words, homes) in HOMES {
        if homes.iter().any(|home| at_home(&source.path, home)) {
            continue;
        }
        for word in words {
            let lines = lines_with(&code, word).into_iter();
            breaches.extend(lines.map(|line| format!("{}:{line}: `{word}` belongs to {homes:?} alone", source.path)));
        }
    }
    breaches
}

fn at_home(path: &str, home: &str) -> bool {
    path.strip_prefix(home).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest == ".rs")
}

/// The lines where `word` stands as whole words: `sleep(` is not in `fall_asleep(`.
fn lines_with(code: &[Token], word: &str) -> Vec<usize> {
    let wanted = tokens(word);
    let same = |window: &&[Token]| window.iter().zip(&wanted).all(|(found, wanted)| found.text == wanted.text);
    code.windows(wanted.len()).filter(same).map(|window| window[0].line).collect()
}

/// What each file owes: a module doc first, a bounded length, a name that says something, nothing unfinished.
pub fn file_breaches(source: &Source) -> Vec<String> {
    let mut breaches = Vec::new();
    let path = &source.path;
    if !source.text.starts_with("//!") {
        breaches.push(format!("{path}: does not start with a `//!` doc"));
    }
    let lines = source.production_lines();
    if lines > HARD_LIMIT && !source.is_test() && !source.text.contains(TABLE_MARK) {
        breaches.push(format!("{path}: {lines} production lines, at most {HARD_LIMIT}"));
    }
    for mark in ["FIXME", "XXX", "TODO"] {
        if tokens(&source.text).iter().any(|token| token.text == mark) {
            breaches.push(format!("{path}: has a {mark}"));
        }
    }
    if path.trim_end_matches(".rs").split('/').any(|part| EMPTY_NAMES.contains(&part)) {
        breaches.push(format!("{path}: a name that says nothing"));
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(path: &str, code: &str) -> usize {
        import_breaches(&Source::new(path, code)).len()
    }

    fn words(path: &str, code: &str) -> usize {
        token_breaches(&Source::new(path, code)).len()
    }

    #[test]
    fn a_layer_uses_lower_ones_only() {
        assert_eq!(imports("engine/ipvs/plan.rs", "use crate::engine::model::Weight; use super::table::Table;"), 0);
        assert_eq!(imports("engine/ipvs/plan.rs", "use crate::engine::{model::Weight, balance::Input};"), 1);
        assert_eq!(imports("engine/ipvs/plan.rs", "use crate::engine::health::Verdict;"), 1);
        assert_eq!(imports("engine/model/keys.rs", "use super::super::ipvs::Table;"), 1);
        assert_eq!(imports("engine/journal.rs", "use super::event::Event;"), 0);
        assert_eq!(imports("engine/balance/mod.rs", "fn f() { crate::engine::io::probe() }"), 1);
    }

    #[test]
    fn the_fronts_name_the_facade_alone() {
        assert_eq!(imports("ui/view.rs", "use crate::engine::{Status, EngineHandle};"), 0);
        assert_eq!(imports("ui/view.rs", "use crate::engine::snapshot::Status;"), 1);
        assert_eq!(imports("ui/view.rs", "use crate::api::Client;"), 1);
        assert_eq!(imports("cli/ctl.rs", "use crate::api::Client;"), 0);
        assert_eq!(imports("api/mod.rs", "use crate::ui::theme;"), 1);
        assert_eq!(imports("app.rs", "use crate::engine::driver::run; use crate::{ui, api, cli};"), 0);
    }

    #[test]
    fn the_engine_names_neither_fronts_nor_its_own_facade() {
        assert_eq!(imports("engine/driver/mod.rs", "use crate::api::Server;"), 1);
        assert_eq!(imports("engine/driver/mod.rs", "use crate::engine::Status;"), 1);
        assert_eq!(imports("engine/mod.rs", "pub use self::snapshot::Status;"), 0);
    }

    #[test]
    fn words_stay_in_their_homes() {
        assert_eq!(words("engine/vrrp/instance.rs", "let a = Instant::now();"), 1);
        assert_eq!(words("engine/driver/failover.rs", "let a = Instant::now();"), 0);
        assert_eq!(words("engine/health/checker.rs", "thread::sleep(x); fall_asleep(); Command::spawn (y)"), 2);
        assert_eq!(words("ui/view.rs", "println!(); use tokio::time;"), 2);
        assert_eq!(words("application.rs", "println!()"), 1);
        assert_eq!(words("engine/model/keys.rs", "unsafe { libc::getpid() }"), 2);
        assert_eq!(words("engine/model/keys.rs", "#[cfg(test)]\nmod tests { fn f() { Instant::now(); } }"), 0);
        assert_eq!(words("app.rs", "todo!()"), 1);
    }

    #[test]
    fn a_file_has_a_doc_a_bounded_length_and_a_name() {
        let long = format!("//! x\n{}", "fn f() {}\n".repeat(HARD_LIMIT));
        let breaches = |path: &str, text: &str| file_breaches(&Source::new(path, text)).len();
        assert_eq!(breaches("engine/io/x.rs", "//! x\n"), 0);
        assert_eq!(breaches("engine/io/x.rs", "fn f() {}\n"), 1);
        assert_eq!(breaches("engine/io/x.rs", &long), 1);
        assert_eq!(breaches("engine/io/tests.rs", &long), 0);
        assert_eq!(breaches("engine/io/x.rs", &format!("{long}{TABLE_MARK}, one keyword a line\n")), 0);
        assert_eq!(breaches("engine/io/x.rs", "//! x\n// FIXME later\n"), 1);
        assert_eq!(breaches("engine/util.rs", "//! x\n"), 1);
    }

    #[test]
    fn an_engine_module_has_a_layer() {
        assert!(unknown_module(&Source::new("engine/magic/mod.rs", "")).is_some());
        assert!(unknown_module(&Source::new("engine/io/x.rs", "")).is_none());
        assert!(unknown_module(&Source::new("ui/x.rs", "")).is_none());
    }
}

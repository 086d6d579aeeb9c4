//! keepalived.conf → model (layer 1).
//!
//! ```text
//! files ─ reader ─► tokens ─ tree ─► statements and blocks ─ schema + keywords ─► entries ─ lower ─► Configuration
//!                                        every stage reports problems at spans ─► Diagnostics
//! ```
//!
//! It promises that a file without errors yields a configuration that keepalived would run too, that each message
//! names its place, and that time and memory are linear in the size of the text. It never changes a file, and it
//! reads the file system in [`load`] only.

mod against;
mod argument;
mod braces;
mod causes;
mod definitions;
mod diagnostic;
mod expansion;
mod files;
mod includes;
mod inclusion;
pub mod keywords;
mod lexer;
mod lower;
mod misuse;
mod pattern;
mod reader;
mod schema;
mod secrets;
pub mod settings;
mod source;
mod suggest;
mod tables;
mod tolerance;
mod tree;
mod twice;
mod unfit;

pub use diagnostic::{Diagnostic, Severity};
pub use files::ConfigError;
pub use includes::{Include, files_of, lost};
pub use suggest::nearest;

pub use against::{known as differences_known, of_unreadable as difference_of_unreadable, page as differences_page};

use crate::engine::model::{Configuration, ScriptUser};
use diagnostic::{Problem, Reporter};
use files::Text;
use lexer::Token;
use reader::Reader;
use source::{Sources, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use tables::Tables;
use tree::Tree;

/// The words that lines of lists may have, for the test that they are explained.
#[cfg(test)]
fn words_of_lists() -> impl Iterator<Item = &'static str> {
    lower::words_of_lists().chain(inclusion::CHECK_WORDS)
}

/// What reading a configuration came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The configuration; none when there are errors.
    pub configuration: Option<Configuration>,
    /// What is to be said about it, in file order.
    pub diagnostics: Vec<Diagnostic>,
    /// What it asks of the host that it is for, each once, in the order of the file.
    pub asked: Vec<Asked>,
    /// What its include lines came to.
    pub includes: Vec<Include>,
}

/// Something that only the host that a configuration is for has, or has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// A warning at the place that asks, which says nothing yet.
    pub at: Diagnostic,
    /// What is asked for.
    pub what: Wanted,
    /// How often more.
    pub more: usize,
}

/// What a configuration wants to be there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// A user, and perhaps a group.
    User(ScriptUser),
    /// A program that this user runs, or whoever runs scripts where nobody is named; and whether script security is asked for.
    Program(String, Option<ScriptUser>, bool),
    /// A file that a setting of lvsdeck.toml names.
    File(String),
    /// A network interface.
    Interface(String),
    /// An address that an instance advertises from; and whether that is by multicast.
    Source(IpAddr, bool),
}

impl Loaded {
    /// Whether it can't run.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }
    /// Whether it runs otherwise than its author meant.
    pub fn has_warnings(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Warning)
    }
}

/// Reads a configuration file and what it includes; `@id` lines are compared with the host's name up to its first dot.
/// Errors when the file itself can't be read; everything else is a diagnostic.
pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
    load_as(path, None)
}

/// The same for a node that calls itself `id` instead (keepalived's `-i`).
pub fn load_as(path: &Path, id: Option<&str>) -> Result<Loaded, ConfigError> {
    load_with(path, id, false)
}

/// The same, with what keepalived 2.2.7 would do otherwise as further diagnostics.
pub fn load_against_keepalived(path: &Path, id: Option<&str>) -> Result<Loaded, ConfigError> {
    load_with(path, id, true)
}

fn load_with(path: &Path, id: Option<&str>, against: bool) -> Result<Loaded, ConfigError> {
    let text = files::read_configuration(path)?;
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let node = id.unwrap_or_else(|| host.trim().split('.').next().unwrap_or(""));
    Ok(compile(&path.to_string_lossy(), text, Some(path), node, against))
}

/// Reads a configuration from a text, which is called `name` in messages. Includes are not followed, and no `@id`
/// line is for this node.
pub fn parse(name: &str, text: &str) -> Loaded {
    compile(name, text.into(), None, "", false)
}

fn compile(name: &str, text: Text, main: Option<&Path>, node: &str, against: bool) -> Loaded {
    let (mut sources, mut report) = (Sources::default(), Reporter::default());
    let (tokens, includes) = Reader::new(&mut sources, &mut report, main, node).read(name, text);
    // What has no file of its own is read without those of the host.
    let tables = main.map(|_| tables::of_host()).unwrap_or_default();
    let mut tried = report.clone();
    let mut tree = tree::build(&tokens, &sources, &mut tried);
    let (mut configuration, mut wanted) = lower::lower(&tree, &sources, &tables, &mut tried);
    // With blocks left open what was told may come of a missing brace alone.
    let is_open = !tree.unclosed.is_empty() && tried.has_errors();
    let closed = is_open.then(|| braces::closed(&tokens, &sources, &mut report)).flatten();
    if let Some(tokens) = &closed {
        tree = tree::build(tokens, &sources, &mut report);
        (configuration, wanted) = lower::lower(&tree, &sources, &tables, &mut report);
    } else {
        report = closed_early(&tokens, &tree, &sources, &tables, (&report, tried));
    }
    if !report.has("missing-brace") && !report.has("too-deep") {
        tree.unclosed.iter().for_each(|block| unclosed(*block, &sources, &mut report));
    }
    report.gather(&sources);
    if against {
        against::report(&tree, &sources, &mut report);
    }
    let asked = asked(wanted, &configuration, &sources, &report);
    let configuration = (!report.has_errors()).then_some(configuration);
    Loaded { configuration, diagnostics: report.finish(&sources), asked, includes }
}

/// What is to be told where blocks are closed too early, so that the lines below belong to nothing, as keepalived has it: that, in the
/// place of what comes of it. `read` is what reading told, and `tried` what building and lowering told then.
fn closed_early(
    tokens: &[Token],
    tree: &Tree,
    sources: &Sources,
    tables: &Tables,
    (read, tried): (&Reporter, Reporter),
) -> Reporter {
    let reopened = (tree.extra > 0 && tree.unclosed.is_empty()).then(|| braces::reopened(tokens, tree.extra, sources));
    let Some((tokens, early)) = reopened.flatten() else { return tried };
    let mut told = read.clone();
    let whole = tree::build(&tokens, sources, &mut told);
    let _ = lower::lower(&whole, sources, tables, &mut told);
    let is_error = tried.has_errors() && !told.has_errors();
    for braces::Early { at, block } in early {
        let message = format!(
            "this }} closes {} of line {}, and lines below are words of it: they are ignored, up to the }} that closes nothing, as \
             keepalived does",
            sources.word(block),
            sources.place(block).line
        );
        let help = "remove this }, or another one above that is one too many";
        told.add(Problem::new(is_error, at, "extra-brace", message).help(help));
    }
    told
}

/// Each thing that is wanted at its first place, with what `global_defs` says for all; not the interfaces and the addresses that lvsdeck
/// makes.
fn asked(
    wanted: Vec<(Span, Wanted)>,
    configuration: &Configuration,
    sources: &Sources,
    report: &Reporter,
) -> Vec<Asked> {
    // What a name stands for that nobody defined is on no host: that was told.
    let told: BTreeSet<_> =
        report.undefined().map(|at| sources.written_at(at)).map(|at| (at.source, at.start)).collect();
    let is_told = |at: Span| {
        let at = sources.written_at(at);
        let (first, last) = ((at.source, at.start), (at.source, at.start.saturating_add(at.length)));
        told.range(first..=last).next().is_some()
    };
    let global = &configuration.global;
    let own: BTreeSet<_> =
        configuration.virtual_routers.iter().flat_map(|router| &router.links).map(|link| link.name.as_str()).collect();
    let whole = |(at, what)| match what {
        Wanted::Program(program, user, _) => {
            (at, Wanted::Program(program, user.or_else(|| global.script_user.clone()), global.script_security))
        }
        other @ (Wanted::User(_) | Wanted::File(_) | Wanted::Interface(_) | Wanted::Source(..)) => (at, other),
    };
    let statics: BTreeSet<_> = configuration.statics.addresses.iter().map(|own| own.address.address).collect();
    let is_own = |what: &Wanted| match what {
        Wanted::Interface(name) => own.contains(name.as_str()),
        Wanted::Source(address, _) => statics.contains(address),
        Wanted::User(_) | Wanted::Program(..) | Wanted::File(_) => false,
    };
    let mut all: Vec<_> = wanted.into_iter().filter(|(at, what)| !is_own(what) && !is_told(*at)).map(whole).collect();
    all.sort_by_key(|(at, _)| sources.written_at(*at));
    let mut times = BTreeMap::new();
    all.retain(|(_, what)| {
        let times: &mut usize = times.entry(what.clone()).or_default();
        *times += 1;
        *times == 1
    });
    let said = |(at, what)| {
        let more = times.get(&what).map_or(0, |times| times - 1);
        Asked { at: Problem::warning(at, "on-this-host", "").rendered(sources), what, more }
    };
    all.into_iter().map(said).collect()
}

/// A missing `}` at the very end is harmless, as in keepalived; in an included file it swallows what follows.
fn unclosed(block: Span, sources: &Sources, report: &mut Reporter) {
    let what = format!("{} is not closed by the end of the file", sources.word(block));
    report.add(if sources.written_at(block).source == 0 {
        Problem::warning(block, "missing-brace", what).help("add a } at the end; the file is read as if it stood there")
    } else {
        Problem::error(block, "missing-brace", what).help("close each block in the file that opens it")
    });
}

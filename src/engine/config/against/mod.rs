//! What keepalived 2.2.7 would do otherwise with a configuration: `lvsdeck check --against keepalived` and
//! `docs/config-differences.md`.
//!
//! It is known from tables: what keepalived does where lvsdeck says something, words that it does not know, and what it
//! reads otherwise. Nothing is run.

mod table;

use super::diagnostic::{Problem, Reporter};
use super::files::ConfigError;
use super::keywords::Block;
use super::source::{Sources, Span, narrow};
use super::tree::{Statement, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use table::{KINDS, NEWER, READ_OTHERWISE};

/// The longest piece of a line that keepalived reads at once, in bytes.
const LINE: usize = 1023;

/// Adds what keepalived would do otherwise to what was reported.
pub(super) fn report(tree: &Tree, sources: &Sources, report: &mut Reporter) {
    let mut found = Vec::new();
    for problem in report.problems() {
        let (code, is_error, at) = problem.subject();
        let kind = KINDS.iter().find(|kind| kind.code == code && kind.is_error == is_error);
        let is_newer = code == "not-acted-on" && NEWER.iter().any(|(_, word)| *word == sources.word(at));
        if let Some(kind) = kind.filter(|kind| !kind.keepalived.is_empty() && !is_newer) {
            found.push((at, format!("keepalived {}", kind.keepalived)));
        }
    }
    words(Block::Top, &tree.statements, sources, &mut found);
    above(&tree.statements, sources, &mut found);
    for (number, source) in sources.files() {
        lines(number, &source.text, &mut found);
    }
    let mut told = BTreeSet::new();
    for (at, message) in found {
        if told.insert((sources.written_at(at), message.clone())) {
            report.add(Problem::difference(at, message));
        }
    }
}

/// Words that keepalived 2.2.7 does not know.
fn words(block: Block, statements: &[Statement], sources: &Sources, found: &mut Vec<(Span, String)>) {
    for statement in statements {
        let Some(first) = statement.words.first() else { continue };
        let word = sources.word(first.span);
        if NEWER.contains(&(block.name(), word)) {
            found.push((first.span, format!("keepalived 2.2.7 ignores {word}: only newer ones know it")));
        }
        if matches!(word, "static_routes" | "static_rules" | "virtual_routes" | "virtual_rules") {
            families(statement, sources, found);
        }
        let value = statement.words.get(1).map(|token| (sources.word(token.span), token.span));
        if let (Block::DnsCheck, "name", Some((value, at))) = (block, word, value)
            && value.split_once('.').is_some_and(|(label, rest)| label.len() == 1 && !rest.is_empty())
        {
            let message =
                "keepalived 2.2.7 finds an empty label in a name whose first one has one letter, and asks for .";
            found.push((at, message.to_owned()));
        }
        let inner = block.find(word).and_then(|keyword| keyword.value.block());
        if let (Some(inner), Some(braces)) = (inner, &statement.block) {
            words(inner, &braces.statements, sources, found);
        }
    }
}

/// `inet` and `inet6`, mark 0 and local routes in a block of routes or rules.
fn families(block: &Statement, sources: &Sources, found: &mut Vec<(Span, String)>) {
    for line in block.block.iter().flat_map(|block| &block.statements) {
        let mut before = "";
        for token in line.words {
            let word = sources.word(token.span);
            if before == "fwmark" && matches!(word, "0" | "0x0") {
                let message = "keepalived sets this rule for all packets: it takes mark 0 for none";
                found.push((token.span, message.to_owned()));
            }
            let words = || line.words.iter().map(|token| sources.word(token.span));
            let is_local = word == "local"
                || matches!(word, "broadcast" | "anycast")
                    && !words().any(|word| word == "scope" || word.contains(':'));
            if is_local && before.is_empty() {
                let message = "keepalived asks for scope global, with which the kernel refuses this route";
                found.push((token.span, message.to_owned()));
            }
            if matches!(word, "inet" | "inet6") && !matches!(before, "via" | "gw") {
                let message = "keepalived 2.2.7 takes the word behind this for its value, and may leave the line out";
                found.push((token.span, message.to_owned()));
            }
            before = word;
        }
    }
}

/// What refers to a definition, and what it refers to. Those of a real server name it behind the word.
const NAMED: &[(&str, &[&str])] = &[
    ("track_script", &["vrrp_script"]),
    ("track_process", &["vrrp_track_process"]),
    ("track_file", &["track_file", "vrrp_track_file"]),
];

/// Scripts, processes and files that are tracked above their definition.
fn above(statements: &[Statement], sources: &Sources, found: &mut Vec<(Span, String)>) {
    let name = |statement: &Statement, at: usize| statement.words.get(at).map(|token| sources.word(token.span));
    let mut defined: BTreeMap<_, usize> = BTreeMap::new();
    for (statement, at) in statements.iter().zip(0..) {
        let Some(word) = name(statement, 0) else { continue };
        if let Some((kind, _)) = NAMED.iter().find(|(_, words)| words.contains(&&*word)) {
            defined.entry((*kind, name(statement, 1))).or_insert(at);
        }
    }
    let mut tell = |kind: &'static str, at: usize, name: Option<Span>| {
        let Some(name) = name else { return };
        if defined.get(&(kind, Some(sources.word(name)))).is_some_and(|definition| *definition > at) {
            let message = "keepalived does not find what this names, which is defined below, and tracks nothing";
            found.push((name, message.to_owned()));
        }
    };
    for (statement, at) in statements.iter().zip(0..) {
        let is_server = match name(statement, 0) {
            Some("virtual_server") => true,
            Some("vrrp_instance" | "vrrp_sync_group") => false,
            _ => continue,
        };
        let mut open: Vec<&Statement> = statement.block.iter().flat_map(|block| &block.statements).collect();
        while let Some(inner) = open.pop() {
            let lines = inner.block.iter().flat_map(|block| &block.statements);
            let word = name(inner, 0);
            match NAMED.iter().find(|(kind, _)| word == Some(kind)) {
                Some((kind, _)) if is_server => tell(kind, at, inner.words.get(1).map(|token| token.span)),
                Some((kind, _)) => lines.for_each(|line| tell(kind, at, line.words.first().map(|token| token.span))),
                None => open.extend(lines),
            }
        }
    }
}

/// What a line's text alone tells.
fn lines(source: u32, text: &str, found: &mut Vec<(Span, String)>) {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let mut tell = |message: &str| {
            let span = Span { source, start: narrow(start), length: 1 };
            found.push((span, message.to_owned()));
        };
        if line.starts_with('\u{feff}') && start == 0 {
            tell("keepalived takes the byte order mark for a part of the first word, which it then does not know");
        }
        if line.trim_end().len() > LINE {
            tell("keepalived reads what stands beyond 1,023 bytes as a line of its own");
        }
        if line.trim_start().starts_with("include")
            && line.split_ascii_whitespace().nth(1).is_some_and(|name| name.starts_with("/proc/"))
        {
            tell("keepalived reads files of /proc too, and does not end with one that never does");
        }
        if line.contains("${_ENV ") && !line.trim_start().starts_with(['#', '!']) {
            tell("keepalived 2.2.7 does not know ${_ENV NAME}, and leaves it as it stands");
        }
        start += line.len();
    }
}

/// Whether the tables say what keepalived does where lvsdeck gives this message, an error or a warning.
pub fn known(code: &str, is_error: bool) -> bool {
    KINDS.iter().any(|kind| kind.code == code && kind.is_error == is_error)
}

/// What keepalived does where a file can't be read; none where it does the same.
pub fn of_unreadable(error: &ConfigError) -> Option<String> {
    let kind = KINDS.iter().find(|kind| kind.code == error.code() && kind.is_error)?;
    Some(format!("keepalived {}", kind.keepalived)).filter(|_| !kind.keepalived.is_empty())
}

/// The page of all differences, in Markdown.
pub fn page() -> String {
    let mut page = String::from(INTRODUCTION);
    let table = |page: &mut String, is_error: bool| {
        for kind in KINDS.iter().filter(|kind| kind.is_error == is_error && !kind.keepalived.is_empty()) {
            let _ = writeln!(page, "| `{}` | {} | {} |", kind.code, kind.keepalived, kind.reason);
        }
    };
    page += "\n## lvsdeck does not run it\n\n| message | keepalived | why lvsdeck refuses |\n|---|---|---|\n";
    table(&mut page, true);
    page += "\n## Both run it, and do something else or say something else\n\n| message | keepalived | why |\n|---|---|---|\n";
    table(&mut page, false);
    page += "\n## Read otherwise\n\n| written | keepalived |\n|---|---|\n";
    for (written, keepalived) in READ_OTHERWISE {
        let _ = writeln!(page, "| {written} | {keepalived} |");
    }
    page += "\n## Words that keepalived 2.2.7 does not know\n\n| word | block | since |\n|---|---|---|\n";
    for (block, word) in NEWER {
        let _ = writeln!(page, "| `{word}` | {block} | keepalived 2.3 or 2.4 |");
    }
    page += REST;
    page
}

const INTRODUCTION: &str = "\
# What keepalived does otherwise

Whether a file would run is the same for lvsdeck and keepalived 2.2.7 (Debian 12), except for what stands here.
`lvsdeck check --against keepalived` says for a file which of it concerns its lines. This page is made from the tables that the
command uses, and `tests/config/oracle` compares both programs on every file of the corpus and on keepalived's own samples; `tests/config/oracle_kernel`
runs both on each of them that has an instance or a service, in the guest kernel where IPVS or a virtual MAC is needed and else in network
namespaces of the machine, and compares IPVS tables and addresses. What differs there, and why, stands in `tests/config/oracle_kernel.differences`.
";

const REST: &str = "
Words that lvsdeck reads and does not act on are in [config.md](config.md), with what it does instead.
";

#[cfg(test)]
mod tests {
    use super::super::compile;
    use super::*;
    use crate::engine::config::Severity;

    fn told(text: &str) -> Vec<(usize, String)> {
        let all = compile("x.conf", text.into(), None, "", true).diagnostics;
        all.into_iter().filter(|d| d.severity == Severity::Difference).map(|d| (d.line, d.message)).collect()
    }

    #[test]
    fn words_that_keepalived_does_not_know_are_told_where_they_stand() {
        let text = "global_defs {\njson_version 2\nv3_checksum_as_v2\n}\n";
        let lines: Vec<_> = told(text).into_iter().map(|(line, message)| format!("{line} {message}")).collect();
        assert_eq!(
            lines,
            [
                "2 keepalived 2.2.7 ignores json_version: only newer ones know it",
                "3 keepalived 2.2.7 ignores v3_checksum_as_v2: only newer ones know it",
            ]
        );
    }

    #[test]
    fn a_script_below_its_use_and_a_byte_order_mark_are_read_otherwise() {
        let text = "\u{feff}vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\ntrack_script {\nweb\n}\n\
                    virtual_ipaddress {\n10.0.0.1\n}\n}\nvrrp_script web {\nscript /bin/true\n}\n";
        let all = told(text);
        assert_eq!(all.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 5], "{all:?}");
        let swapped = "vrrp_script web {\nscript /bin/true\n}\nvrrp_instance A {\ninterface eth0\nvirtual_router_id 1\n\
                       track_script {\nweb\n}\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n";
        assert_eq!(told(swapped), []);
        let service = "virtual_server 10.0.0.1 80 {\nprotocol TCP\nreal_server 10.0.0.2 80 {\nFILE_CHECK {\n\
                       track_file f\n}\n}\n}\n";
        let file = "track_file f {\nfile /f\n}\n";
        assert_eq!(told(&format!("{service}{file}")).iter().map(|(line, _)| *line).collect::<Vec<_>>(), [5]);
        assert_eq!(told(&format!("{file}{service}")), []);
    }

    #[test]
    fn braces_of_a_name_that_nobody_defined_are_read_otherwise() {
        let text = "$A=eth0\nvrrp_instance \"${NO}\" {\ninterface ${A}\nvirtual_router_id 1\npriority ${NO}\nvirtual_ipaddress {\n\
                    10.0.0.1\n}\n}\n";
        assert_eq!(told(text).iter().map(|(line, _)| *line).collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn a_family_in_a_rule_is_read_otherwise() {
        let text = "static_rules {\ninet6 table 100 priority 5\n}\nstatic_routes {\n10.0.0.0/8 via inet 10.1.0.1\n}\n";
        assert_eq!(told(text).iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn every_word_that_only_lvsdeck_knows_is_one_of_its_tables() {
        for word in NEWER.iter().map(|(_, word)| word) {
            assert!(Block::ALL.into_iter().any(|block| block.knows(word)), "{word}");
        }
    }
}

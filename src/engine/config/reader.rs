//! Files → one stream of tokens: follows `include`, applies `$NAME=` definitions and `@id` conditions.
//!
//! What it reads is bounded: files, depth of inclusion, words and the size of expanded definitions have limits, and
//! reaching one is an error that says which.

use super::definitions::Definitions;
use super::diagnostic::{Problem, Reporter, quoted};
use super::files::{self, ConfigError};
use super::lexer::{Kind, Token, lex_line};
use super::source::{Sources, Span, narrow};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// `include` nests this deep at most.
const DEEPEST: usize = 16;
/// Files of one configuration.
const MOST_FILES: usize = 1024;
/// Words and braces of one configuration: about 300,000 real servers.
const MOST_TOKENS: usize = 4_000_000;

/// Reads files into tokens.
pub(super) struct Reader<'a> {
    pub sources: &'a mut Sources,
    pub report: &'a mut Reporter,
    tokens: Vec<Token>,
    definitions: Definitions,
    /// The name that `@id` lines are compared with: this host's, up to the first dot.
    node: String,
    /// The files that are being read, outermost first; empty when `include` is not followed.
    open: Vec<PathBuf>,
    files: usize,
    full: bool,
}

impl<'a> Reader<'a> {
    /// A reader; `main` is the file whose directory relative inclusions start from.
    pub fn new(sources: &'a mut Sources, report: &'a mut Reporter, main: Option<&Path>, node: &str) -> Self {
        let open = main.map(Path::to_owned).into_iter().collect();
        let (tokens, definitions, node) = (Vec::new(), Definitions::default(), node.to_owned());
        Self { sources, report, tokens, definitions, node, open, files: 0, full: false }
    }

    /// Reads the main text and all that it includes.
    pub fn read(mut self, name: &str, text: &str) -> Vec<Token> {
        let source = self.sources.add(name, text, None);
        self.text(source);
        self.tokens
    }

    fn text(&mut self, source: u32) {
        let Some(text) = self.sources.get(source).map(|s| Rc::clone(&s.text)) else { return };
        let mut start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let mut lines = text.get(start..).unwrap_or("").split_inclusive('\n');
        while let Some(line) = lines.next() {
            let at = start;
            start += line.len();
            if Definitions::continues(line) {
                let mut whole = line.to_owned();
                while Definitions::continues(&whole) {
                    let Some(next) = lines.next() else { break };
                    start += next.len();
                    whole.push_str(next);
                }
                self.definitions.define(&whole);
            } else if !self.definitions.define(line) {
                self.line(line, source, at);
            }
            if self.full {
                return;
            }
        }
    }

    /// A line that defines nothing.
    fn line(&mut self, line: &str, source: u32, at: usize) {
        let Some((line, at)) = self.condition(line, at) else { return };
        let text = line.trim();
        let span =
            Span { source, start: narrow(at + (line.len() - line.trim_start().len())), length: narrow(text.len()) };
        match self.definitions.expand(text) {
            Ok(None) => self.lex(line, source, at),
            Ok(Some(expanded)) => {
                let source = self.sources.add("", &expanded, Some(span));
                let mut start = 0;
                for line in expanded.split_inclusive('\n') {
                    self.lex(line, source, start);
                    start += line.len();
                }
            }
            Err(error) => self.report.add(Problem::error(span, "definition", error.to_string())),
        }
    }

    /// What is left of a line behind `@id` or `@^id`; none when the line is not for this node.
    fn condition<'t>(&self, line: &'t str, at: usize) -> Option<(&'t str, usize)> {
        let Some(rest) = line.trim_start().strip_prefix('@') else { return Some((line, at)) };
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (id, rest) = rest.split_at(end);
        let holds = match id.strip_prefix('^') {
            Some(id) => id != self.node,
            None => id == self.node,
        };
        holds.then(|| (rest, at + line.len() - rest.len()))
    }

    fn lex(&mut self, line: &str, source: u32, at: usize) {
        let before = self.tokens.len();
        lex_line(line, source, at, &mut self.tokens, self.report);
        let new = self.tokens.get(before..).unwrap_or(&[]);
        let Some(first) = new.first().filter(|t| t.kind == Kind::Word).copied() else { return };
        if new.len() > MOST_TOKENS - before.min(MOST_TOKENS) {
            self.report.add(
                Problem::error(
                    first.span,
                    "too-large",
                    format!("more than {MOST_TOKENS} words; the rest was not read"),
                )
                .help("is this a configuration file?"),
            );
            self.full = true;
        }
        if matches!(
            &*self.sources.word(first.span),
            "include" | "includer" | "includem" | "includew" | "includeb" | "includea"
        ) {
            let target = new.get(1).map(|t| t.span);
            self.tokens.truncate(before);
            self.include(first.span, target);
        }
    }

    fn include(&mut self, at: Span, target: Option<Span>) {
        let Some(target) = target else {
            self.report
                .add(Problem::error(at, "missing-parameter", "include needs a file name").help("write: include FILE"));
            return;
        };
        let Some(including) = self.open.last() else {
            self.report.add(Problem::error(target, "include", "include is not followed here: the text is no file"));
            return;
        };
        let named = PathBuf::from(&*self.sources.word(target));
        let path = including.parent().map_or_else(|| named.clone(), |directory| directory.join(&named));
        match files::matching(&path) {
            Ok(found) if found.is_empty() => self.report.add(
                Problem::warning(target, "include", format!("no file matches {}", quoted(&path.to_string_lossy())))
                    .help("nothing was included; relative names start in the directory of this file"),
            ),
            Ok(found) => found.iter().for_each(|path| self.included(target, path)),
            Err(error) => self.not_included(target, &format!("{}: {error}", path.display())),
        }
    }

    fn included(&mut self, at: Span, path: &Path) {
        let canonical = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if self.open.iter().any(|open| open.canonicalize().is_ok_and(|open| open == canonical)) {
            return self.not_included(at, &format!("{} includes itself", path.display()));
        }
        if self.open.len() >= DEEPEST || self.files >= MOST_FILES {
            let limit = format!("more than {DEEPEST} levels or {MOST_FILES} files of include");
            return self.not_included(at, &limit);
        }
        self.files += 1;
        match files::read(path) {
            Ok(text) => {
                let source = self.sources.add(&path.to_string_lossy(), &text, None);
                self.open.push(path.to_owned());
                self.text(source);
                self.open.pop();
            }
            Err(ConfigError::NotFound(_)) => self.not_included(at, &format!("{}: no such file", path.display())),
            Err(error) => self.not_included(at, &error.to_string()),
        }
    }

    fn not_included(&mut self, at: Span, why: &str) {
        let help = "correct the name; relative names start in the directory of this file";
        self.report.add(Problem::error(at, "include", format!("cannot include: {why}")).help(help));
    }
}

#[cfg(test)]
mod tests {
    use super::super::diagnostic::Severity;
    use super::*;

    /// Words of `a.conf` in a directory with these files, and the messages.
    fn read(files: &[(&str, &str)]) -> (String, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let main = dir.path().join("a.conf");
        let text = files::read(&main).unwrap();
        let (mut sources, mut report) = (Sources::default(), Reporter::default());
        let tokens = Reader::new(&mut sources, &mut report, Some(&main), "lb1").read("a.conf", &text);
        let words: Vec<_> = tokens.iter().map(|t| sources.word(t.span).into_owned()).collect();
        let told = report.finish(&sources).into_iter().map(|d| {
            let level = if d.severity == Severity::Error { "error" } else { "warning" };
            format!("{level} {}: {}", d.line, d.message.replace(&*dir.path().to_string_lossy(), "DIR"))
        });
        (words.join(" "), told.collect())
    }

    #[test]
    fn includes_are_read_in_their_place_and_in_order_of_name() {
        let files =
            [("a.conf", "x\ninclude vs_*.conf\ny\n"), ("vs_2.conf", "two"), ("vs_1.conf", "one"), ("other.conf", "no")];
        assert_eq!(read(&files), ("x one two y".to_owned(), vec![]));
    }

    #[test]
    fn an_include_that_cannot_be_followed_says_why() {
        assert_eq!(read(&[("a.conf", "\ninclude b.conf")]).1, ["error 2: cannot include: DIR/b.conf: no such file"]);
        assert_eq!(read(&[("a.conf", "include b*")]).1, ["warning 1: no file matches \"DIR/b*\""]);
        assert_eq!(read(&[("a.conf", "include")]).1, ["error 1: include needs a file name"]);
        let recursion = read(&[("a.conf", "include b.conf"), ("b.conf", "include a.conf")]);
        assert_eq!(recursion.1, ["error 1: cannot include: DIR/a.conf includes itself"]);
    }

    #[test]
    fn a_line_for_another_node_is_left_out() {
        let text = "@lb1 priority 200\n@lb2 priority 100\n@^lb2 state MASTER\n @^lb1 nopreempt\n";
        assert_eq!(read(&[("a.conf", text)]).0, "priority 200 state MASTER");
    }

    #[test]
    fn a_definition_is_used_where_its_name_stands() {
        let text = "$VIP=10.0.0.1/24 dev eth0\n$BOTH=a \\\n  b\nx $VIP ${VIP}\n$BOTH\n";
        assert_eq!(read(&[("a.conf", text)]).0, "x 10.0.0.1/24 dev eth0 10.0.0.1/24 dev eth0 a b");
    }
}

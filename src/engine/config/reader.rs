//! Files → one stream of tokens: follows `include`, applies `$NAME=` definitions and `@id` conditions.
//!
//! What it reads is bounded: files, depth of inclusion, words and the size of expanded definitions have limits, and
//! reaching one is an error that says which.

use super::definitions::{DefinitionError, Definitions, almost_definition, unbraced};
use super::diagnostic::{Problem, Reporter, quoted};
use super::expansion::{condition, expand, may_expand};
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
    /// What a shortcoming of `include` means: `include_check`.
    check: Check,
    /// The files that are being read, outermost first; empty when `include` is not followed.
    open: Vec<PathBuf>,
    files: usize,
    full: bool,
}

impl<'a> Reader<'a> {
    /// A reader; `main` is the file whose directory relative inclusions start from.
    pub fn new(sources: &'a mut Sources, report: &'a mut Reporter, main: Option<&Path>, node: &str) -> Self {
        let open = main.map(Path::to_owned).into_iter().collect();
        let definitions = Definitions::new(node, u64::from(std::process::id()).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self { sources, report, tokens: Vec::new(), definitions, check: Check::default(), open, files: 0, full: false }
    }

    /// Reads the main text and all that it includes.
    pub fn read(mut self, name: &str, text: &str) -> Vec<Token> {
        let source = self.sources.add(name, text, None);
        self.text(source);
        self.tokens
    }

    fn text(&mut self, source: u32) {
        let Some(text) = self.sources.get(source).map(|s| Rc::clone(&s.text)) else { return };
        let directory = self.directory();
        let outer = std::mem::replace(&mut self.definitions.directory, directory);
        let mut start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let mut lines = text.get(start..).unwrap_or("").split_inclusive('\n');
        while let Some(line) = lines.next() {
            let at = start;
            start += line.len();
            let Some(mine) = condition(line, &self.definitions.node) else {
                // What continues a definition for another node belongs to it.
                let mut last = line;
                while last.trim_end().ends_with('\\') && line.contains('=') {
                    let Some(next) = lines.next() else { break };
                    start += next.len();
                    last = next;
                }
                continue;
            };
            let at = at + (line.len() - mine.len());
            if Definitions::continues(mine) {
                let mut whole = mine.to_owned();
                while Definitions::continues(&whole) {
                    let Some(next) = lines.next() else { break };
                    start += next.len();
                    whole.push_str(next);
                }
                self.definitions.define(&whole);
            } else {
                self.line(mine, source, at);
            }
            if self.full {
                break;
            }
        }
        self.definitions.directory = outer;
    }

    /// `${_PWD}`: where the file that is being read stands.
    fn directory(&self) -> String {
        let parent = self.open.last().and_then(|file| file.parent()).unwrap_or(Path::new(""));
        let absolute = std::path::absolute(if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
        absolute.unwrap_or_else(|_| parent.to_owned()).to_string_lossy().into_owned()
    }

    /// A line that is for this node.
    fn line(&mut self, line: &str, source: u32, at: usize) {
        let text = line.trim();
        if !may_expand(text) {
            return self.lex(line, source, at);
        }
        let span =
            Span { source, start: narrow(at + (line.len() - line.trim_start().len())), length: narrow(text.len()) };
        if almost_definition(text) {
            let message = "this is no definition: a space stands before the =";
            self.report.add(Problem::warning(span, "definition", message).help("write $NAME=value without spaces"));
            return;
        }
        if let Some(name) = unbraced(text, &self.definitions) {
            let message = format!("${name} is left as it stands, since something is written right behind it");
            let help = format!("write ${{{name}}} to have it replaced");
            self.report.add(Problem::warning(span, "definition", message).help(help));
        }
        match expand(&mut self.definitions, text) {
            Ok(None) => self.lex(line, source, at),
            Ok(Some(expanded)) => {
                let source = self.sources.add("", &expanded, Some(span));
                let mut start = 0;
                for line in expanded.split_inclusive('\n') {
                    self.lex(line, source, start);
                    start += line.len();
                }
            }
            Err(error) => {
                self.full |= matches!(error, DefinitionError::TooMuch { .. });
                self.report.add(Problem::error(span, "definition", error.to_string()));
            }
        }
    }

    fn lex(&mut self, line: &str, source: u32, at: usize) {
        if let Some((word, target)) = include_words(line, source, at) {
            let check = Check::of(&self.sources.word(word), self.check).unwrap_or_default();
            return self.include(word, target, check);
        }
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
        let word = self.sources.word(first.span).into_owned();
        if word == "include_check" {
            let words: Vec<_> = new.iter().skip(1).map(|t| self.sources.word(t.span).into_owned()).collect();
            self.check = self.check.changed(words.iter().map(String::as_str));
        }
    }

    fn include(&mut self, at: Span, target: Option<Span>, check: Check) {
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
        let all = match files::named(&path) {
            Ok(all) => all,
            Err(error) => return self.not_included(target, true, &error),
        };
        let mut found = 0;
        for named in &all {
            for file in &named.files {
                if named.wild && !file.is_file() {
                    continue;
                }
                if file.exists() {
                    found += 1;
                    self.included(target, file, check);
                } else if named.from_braces {
                    self.not_included(target, check.braces, &format!("{}: no such file", file.display()));
                } else {
                    self.not_included(target, check.exists, &format!("{}: no such file", file.display()));
                }
            }
        }
        if found == 0 && all.iter().any(|named| named.wild) {
            let problem = Problem::new(
                check.wild,
                target,
                "include",
                format!("no file matches {}", quoted(&named.to_string_lossy())),
            );
            self.report.add(problem.help("nothing was included; relative names start in the directory of this file"));
        }
    }

    fn included(&mut self, at: Span, path: &Path, check: Check) {
        let canonical = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if self.open.iter().any(|open| open.canonicalize().is_ok_and(|open| open == canonical)) {
            return self.not_included(at, true, &format!("{} includes itself", path.display()));
        }
        if self.open.len() >= DEEPEST || self.files >= MOST_FILES {
            let limit = format!("more than {DEEPEST} levels or {MOST_FILES} files of include");
            return self.not_included(at, true, &limit);
        }
        self.files += 1;
        match files::read(path) {
            Ok(text) => {
                let source = self.sources.add(&path.to_string_lossy(), &text, None);
                self.open.push(path.to_owned());
                let outer = self.check;
                self.text(source);
                self.check = outer;
                self.open.pop();
            }
            Err(error @ (ConfigError::Directory(_) | ConfigError::NotAFile(_) | ConfigError::Unreadable { .. })) => {
                self.not_included(at, check.readable, &error.to_string());
            }
            Err(error) => self.not_included(at, true, &error.to_string()),
        }
    }

    /// A file is left out; an error where keepalived would not run either.
    fn not_included(&mut self, at: Span, is_error: bool, why: &str) {
        let help = if is_error {
            "correct the name; relative names start in the directory of this file"
        } else {
            "it is left out, as keepalived does; includea makes this an error"
        };
        self.report.add(Problem::new(is_error, at, "include", format!("cannot include: {why}")).help(help));
    }
}

/// Where an `include` and its name stand in a line that begins with one. The name may hold braces, so this comes before
/// the lexer.
fn include_words(line: &str, source: u32, at: usize) -> Option<(Span, Option<Span>)> {
    let mut words = line.split_ascii_whitespace();
    let word = words.next().filter(|word| Check::of(word, Check::default()).is_some())?;
    let name = words.next().map(|name| name.split(['#', '!']).next().unwrap_or("")).filter(|name| !name.is_empty());
    let behind = line.find(word)? + word.len();
    let span = |start: usize, length: usize| Span { source, start: narrow(at + start), length: narrow(length) };
    let name = name.and_then(|name| Some(span(behind + line.get(behind..)?.find(name)?, name.len())));
    Some((span(behind - word.len(), word.len()), name))
}

/// Which shortcomings of an `include` are errors; the others are warnings, as in keepalived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Check {
    /// A file that is there can't be read.
    readable: bool,
    /// A plain name has no file.
    exists: bool,
    /// A pattern matches nothing.
    wild: bool,
    /// A name out of braces has no file.
    braces: bool,
}

impl Check {
    const ALL: Self = Self { readable: true, exists: true, wild: true, braces: true };

    /// What an include word asks for beyond what is asked for anyway; none when the word is no include.
    fn of(word: &str, base: Self) -> Option<Self> {
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

    /// After `include_check WORD…`; no word asks for everything, and the first word without `+` or `-` begins anew.
    fn changed<'w>(self, words: impl Iterator<Item = &'w str> + Clone) -> Self {
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
        let missing = "cannot include: DIR/b.conf: no such file";
        let none = "no file matches \"b*\"";
        for (line, told) in [
            ("include b.conf", format!("warning 1: {missing}")),
            ("includer b.conf", format!("warning 1: {missing}")),
            ("includem b.conf", format!("error 1: {missing}")),
            ("includea b.conf", format!("error 1: {missing}")),
            ("include_check match\ninclude b.conf", format!("error 2: {missing}")),
            ("include_check\ninclude_check -match\ninclude b.conf", format!("warning 3: {missing}")),
            ("include b*", format!("warning 1: {none}")),
            ("includem b*", format!("warning 1: {none}")),
            ("includew b*", format!("error 1: {none}")),
            ("includeb {b,a}.conf", format!("error 1: {missing}\nerror 1: cannot include: DIR/a.conf includes itself")),
        ] {
            assert_eq!(read(&[("a.conf", line)]).1.join("\n"), told, "{line}");
        }
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

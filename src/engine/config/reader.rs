//! Files → one stream of tokens: follows `include`, applies `$NAME=` definitions and `@id` conditions.
//!
//! What it reads is bounded: files, depth of inclusion, words and the size of expanded definitions have limits, and
//! reaching one is an error that says which.

use super::causes::Cause;
use super::definitions::{DefinitionError, Definitions, almost_definition, cut_off, unbraced, undefined, unended};
use super::diagnostic::{Problem, Reporter, quoted};
use super::expansion::{condition, expand, may_expand, variables};
use super::files::{self, ConfigError};
use super::includes::Include;
use super::inclusion::{Check, Inclusion};
use super::lexer::{Kind, Token, lex_line};
use super::source::{Sources, Span, narrow};
use super::suggest::nearest;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// `include` nests this deep at most.
const DEEPEST: usize = 16;
/// Files of one configuration.
const MOST_FILES: usize = 1024;
/// Words and braces of one configuration: about 300,000 real servers.
const MOST_TOKENS: usize = 4_000_000;
/// So many undefined names are told.
const MOST_LOOKED_FOR: usize = 1_000;

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
    /// What each include line came to.
    includes: Vec<Include>,
    /// Undefined names that were looked at.
    looked_for: usize,
    blocks: Blocks,
    full: bool,
}

/// Which block a line stands in.
#[derive(Debug, Default)]
struct Blocks {
    depth: usize,
    /// Whether the outermost statement is of `global_defs`.
    is_global: bool,
}

impl Blocks {
    /// Whether the lines of `global_defs` are read, and no block in it.
    const fn is_global(&self) -> bool {
        self.is_global && self.depth == 1
    }

    fn pass(&mut self, tokens: &[Token], sources: &Sources) {
        for token in tokens {
            match token.kind {
                Kind::Word if self.depth == 0 && token.first_on_line => {
                    self.is_global = sources.word(token.span) == "global_defs";
                }
                Kind::Word => {}
                Kind::Open => self.depth += 1,
                Kind::Close => self.depth = self.depth.saturating_sub(1),
            }
        }
    }
}

impl<'a> Reader<'a> {
    /// A reader; `main` is the file whose directory relative inclusions start from.
    pub fn new(sources: &'a mut Sources, report: &'a mut Reporter, main: Option<&Path>, node: &str) -> Self {
        let open = main.map(Path::to_owned).into_iter().collect();
        let definitions = Definitions::new(node, u64::from(std::process::id()).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let check = Check::default();
        let (tokens, includes, blocks) = (Vec::new(), Vec::new(), Blocks::default());
        Self {
            sources,
            report,
            tokens,
            definitions,
            check,
            open,
            files: 0,
            includes,
            looked_for: 0,
            blocks,
            full: false,
        }
    }

    /// Reads the main text and all that it includes.
    pub fn read(mut self, name: &str, text: files::Text) -> (Vec<Token>, Vec<Include>) {
        let source = self.add(name, text);
        self.text(source);
        (self.tokens, self.includes)
    }

    /// The number of a file's text. Bytes of its comments that are no UTF-8 are told.
    fn add(&mut self, name: &str, text: files::Text) -> u32 {
        let source = self.sources.add(name, text.text, None);
        if let Some(first) = text.foreign.first() {
            let at = Span { source, start: narrow(*first), length: narrow('\u{fffd}'.len_utf8()) };
            let more = text.foreign.len() - 1;
            let more = match more {
                0 => String::new(),
                1 => " (also on 1 more line)".to_owned(),
                _ => format!(" (also on {more} more lines)"),
            };
            let message = format!("this comment is not in UTF-8{more}");
            let help = format!("convert the file: iconv -f LATIN1 -t UTF-8 {name}");
            self.report.add(Problem::warning(at, "not-utf-8", message).help(help));
        }
        source
    }

    fn text(&mut self, source: u32) {
        let Some(text) = self.sources.get(source).map(|s| Rc::clone(&s.text)) else { return };
        if let Some(at) = lone_return(&text) {
            let at = Span { source, start: narrow(at), length: 1 };
            let message =
                "the lines of this file end with CR alone: all of it would be read as one line, as keepalived does";
            let help = "give it the line ends of Unix: tr '\\r' '\\n' < FILE > NEW";
            return self.report.add(Problem::error(at, "line-ends", message).help(help));
        }
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
                    let Some(next) = lines.next() else {
                        self.report.add(unended(mine, source, at));
                        break;
                    };
                    start += next.len();
                    // An empty line ends it, as in keepalived: a \ too many at the end of a definition is common.
                    if next.trim().is_empty() {
                        break;
                    }
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
        if is_bare_sequence(text) {
            let message = "nothing stands behind this sequence: the lines below are read once, with its last value, as in keepalived";
            let help = "write the lines into a definition, $X=… with \\ at the end of each, and ~SEQ(…) $X below it";
            self.report.add(Problem::warning(span, "definition", message).help(help));
        }
        if let Some(name) = almost_definition(text) {
            let what = format!("${name} is not defined");
            let why = "this is no definition: a space stands before the =";
            let help = format!("write ${name}=VALUE without spaces around the =");
            self.report.cause(Cause::new("definition", what, why, help), span);
            return;
        }
        let told = unbraced(text, &self.definitions); // a sequence defines its variable
        if let Some(name) = &told {
            let own = text.find(&format!("${name}")).map_or(span, |at| Span {
                start: span.start + narrow(at),
                length: narrow(name.len() + 1),
                ..span
            });
            self.glued(name, own);
        }
        if let Some(at) = cut_off(text) {
            let at = Span { start: span.start + narrow(at), length: narrow("${_HASH}".len()), ..span };
            let message = "this begins a comment, as in keepalived: it stands outside of double quotes";
            let help = "write the whole value in double quotes: \"…${_HASH}…\"";
            self.report.add(Problem::warning(at, "definition", message).help(help));
        }
        match expand(&mut self.definitions, text) {
            Ok(None) => {
                self.undefined(text, span, Place::Own);
                self.lex(line, source, at);
            }
            Ok(Some(expanded)) => {
                let glued = expanded.lines().find_map(|line| unbraced(line, &self.definitions));
                if let Some(name) = glued.filter(|_| told.is_none()) {
                    self.glued(name, span);
                }
                let is_one = expanded.lines().filter(|line| !line.trim().is_empty()).count() == 1;
                expanded
                    .lines()
                    .any(|line| self.undefined(line, span, if is_one { Place::Line } else { Place::Definition }));
                let source = self.sources.add("", expanded.as_str(), Some(span));
                let mut start = 0;
                for line in expanded.split_inclusive('\n') {
                    self.lex(line, source, start);
                    start += line.len();
                }
            }
            Err(DefinitionError::Sequence(what)) => self.without_sequence(text, what, span),
            Err(error) => {
                self.full |= matches!(error, DefinitionError::TooMuch { .. });
                self.report.add(Problem::error(span, "definition", error.to_string()));
            }
        }
    }

    /// A line with a sequence that can't be read. Its braces stay, so that those of other lines belong to what they did.
    fn without_sequence(&mut self, text: &str, what: String, span: Span) {
        for name in variables(text) {
            self.definitions.lose(name);
        }
        let help = "write ~SEQ(NAME, START, STEP, END) or ~LST(NAME, VALUE, VALUE)".to_owned();
        let cause = Cause::whole("definition", what, "the line is left out, as keepalived does", help);
        self.report.cause(cause, span);
        let (mut tokens, mut unheard) = (Vec::new(), Reporter::default());
        lex_line(text, span.source, 0, &mut tokens, &mut unheard);
        let count = |kind| tokens.iter().filter(|token| token.kind == kind).count();
        let (opened, closed) = (count(Kind::Open), count(Kind::Close));
        let braces = if opened > closed { "~SEQ { ".repeat(opened - closed) } else { "}".repeat(closed - opened) };
        let instead = if braces.is_empty() { "~SEQ".to_owned() } else { braces };
        let source = self.sources.add("", instead.as_str(), Some(span));
        lex_line(&instead, source, 0, &mut self.tokens, self.report);
    }

    /// Tells a name that is not replaced, since something stands right behind it.
    fn glued(&mut self, name: &str, at: Span) {
        let what = format!("${name} is left as it stands");
        let why = "something is written right behind it, as keepalived has it";
        let help = format!("write ${{{name}}} to have it replaced");
        self.report.cause(Cause::new("definition", what, why, help), at);
    }

    /// Tells the first name on a line that nobody defined, at its own place or at that of the line that stands for it.
    fn undefined(&mut self, line: &str, span: Span, place: Place) -> bool {
        for found in undefined(line, &self.definitions) {
            if self.looked_for >= MOST_LOOKED_FOR {
                return true;
            }
            self.looked_for += 1;
            let (name, meant) = (found.name, self.definitions.nearest(found.name));
            if found.is_text && meant.is_none() && !found.breaks {
                continue;
            }
            let own = Span { start: span.start + narrow(found.at), length: narrow(found.length), ..span };
            let help = match meant {
                Some(meant) => format!("did you mean ${meant}?"),
                None if found.is_glued => {
                    format!("write ${{{name}}}, and ${name}=VALUE above unless a sequence defines it")
                }
                None if name_is_plain(name) => format!("write ${name}=VALUE above the line that uses it"),
                None => {
                    "only a shell knows such a name: write $NAME=VALUE in a line above, and ${NAME} here".to_owned()
                }
            };
            let what = match (found.breaks, found.is_text) {
                (true, true) => "the ${…} of this line is not defined".to_owned(),
                (true, false) => format!("${{{name}}} is not defined"),
                (false, _) => format!("${name} is not defined"),
            };
            let left = if found.breaks {
                "keepalived takes its braces for those of a block, and ignores the rest of the block that it stands in"
            } else {
                "it is left as it stands, as keepalived does"
            };
            if place == Place::Definition {
                // A whole definition stands there, in which other things may be wrong.
                let problem = Problem::new(found.breaks, span, "definition", format!("{what}: {left}"));
                self.report.add(problem.help(help));
                return true;
            }
            let cause = if found.breaks {
                Cause::error("definition", &what, left, &help)
            } else {
                Cause::new("definition", what, left, help)
            };
            self.report.cause(cause, if place == Place::Own { own } else { span });
        }
        false
    }

    fn lex(&mut self, line: &str, source: u32, at: usize) {
        if let Some(Inclusion { word, target }) = Inclusion::of(line, source, at) {
            let check = Check::of(self.sources.word(word), self.check).unwrap_or_default();
            return self.include(word, target, check);
        }
        let before = self.tokens.len();
        lex_line(line, source, at, &mut self.tokens, self.report);
        let new = self.tokens.get(before..).unwrap_or(&[]);
        self.blocks.pass(new, self.sources);
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
        if self.sources.word(first.span) == "include_check" && self.blocks.is_global() {
            let words: Vec<_> = new.iter().skip(1).map(|t| (self.sources.word(t.span).to_owned(), t.span)).collect();
            for (word, at) in &words {
                let plain = word.trim_start_matches(['+', '-']);
                if !Check::WORDS.contains(&plain) {
                    let help = nearest(plain, Check::WORDS).map_or_else(
                        || format!("the words are {}, each with + or - before it or without", Check::WORDS.join(", ")),
                        |meant| format!("did you mean {meant}?"),
                    );
                    let message = format!("{} is no word of include_check; it is ignored", quoted(word));
                    self.report.add(Problem::warning(*at, "unknown-value", message).help(help));
                }
            }
            self.check = self.check.changed(words.iter().map(|(word, _)| word.as_str()));
        }
    }

    fn include(&mut self, at: Span, target: Option<Span>, check: Check) {
        let Some(target) = target else {
            let message = "include names no file; it is ignored, as keepalived does";
            self.report.add(Problem::warning(at, "missing-parameter", message).help("write include FILE"));
            return;
        };
        let Some(including) = self.open.last() else {
            self.report.add(Problem::error(target, "include", "include is not followed here: the text is no file"));
            return;
        };
        let named = PathBuf::from(self.sources.raw(target));
        let path = including.parent().map_or_else(|| named.clone(), |directory| directory.join(&named));
        let all = match files::named(&path) {
            Ok(all) => all,
            Err(error) => return self.not_included(target, true, &error),
        };
        let is_several = self.sources.raw(target).contains(char::is_whitespace);
        if is_several && !all.iter().flat_map(|named| &named.files).any(|file| file.exists()) {
            let is_error = all.iter().any(|named| check.asks_for(named));
            let what =
                format!("cannot include: {}: no such file: the whole line is taken for one name", path.display());
            let help = "write a line with include for each file";
            return self.report.add(Problem::new(is_error, target, "include", what).help(help));
        }
        let mut found = 0;
        let place = self.sources.place(target);
        let place = format!("{}:{}:{}", place.file, place.line, place.column);
        for named in &all {
            let this = self.includes.len();
            self.includes.push(Include::new(&place, named));
            for file in &named.files {
                if named.wild && !file.is_file() {
                    continue;
                }
                if file.exists() {
                    found += 1;
                    if self.included(target, file, check)
                        && let Some(include) = self.includes.get_mut(this)
                    {
                        include.files.push(file.clone());
                    }
                } else if named.from_braces {
                    self.not_included(target, check.braces, &format!("{}: no such file", file.display()));
                } else {
                    let why = match self.sources.raw(target) {
                        raw if raw.starts_with(['"', '\'']) => ": the quotes are taken for a part of its name",
                        _ => "",
                    };
                    self.not_included(target, check.exists, &format!("{}: no such file{why}", file.display()));
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

    /// Reads an included file; false when it is left out.
    fn included(&mut self, at: Span, path: &Path, check: Check) -> bool {
        let (is_error, limits) = self.may_include(path);
        if let Err((message, help)) = limits {
            self.report.add(Problem::new(is_error, at, "include", format!("cannot include: {message}")).help(help));
            return false;
        }
        self.files += 1;
        match files::read_configuration(path) {
            Ok(text) => {
                let source = self.add(&path.to_string_lossy(), text);
                self.open.push(path.to_owned());
                let outer = self.check;
                self.text(source);
                self.check = outer;
                self.open.pop();
                return true;
            }
            Err(error @ (ConfigError::Directory(_) | ConfigError::NotAFile(_) | ConfigError::Unreadable { .. })) => {
                self.not_included(at, check.readable, &error.to_string());
            }
            Err(error) => self.not_included(at, true, &error.to_string()),
        }
        false
    }

    /// Errors: what stands against one more file, and what to do; and whether the configuration can't run then.
    fn may_include(&self, path: &Path) -> (bool, Result<(), (String, &'static str)>) {
        let canonical = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if self.open.iter().any(|open| open.canonicalize().is_ok_and(|open| open == canonical)) {
            let help = "remove this include, or name the files that a pattern is to match more closely";
            return (false, Err((format!("{} includes itself: it is left out here", path.display()), help)));
        }
        if self.open.len() >= DEEPEST || self.files >= MOST_FILES {
            let help = "write what is included into fewer files: lvsdeck has this limit, keepalived has none";
            return (true, Err((format!("more than {DEEPEST} levels or {MOST_FILES} files of include"), help)));
        }
        (false, Ok(()))
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

/// The first CR of a text whose lines end with one alone.
fn lone_return(text: &str) -> Option<usize> {
    let first = text.find('\r')?;
    let text = text.trim_end_matches(['\r', '\n', ' ', '\t']);
    (!text.contains('\n') && first < text.len()).then_some(first)
}

/// Whether a definition may have this name.
fn name_is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Where an undefined name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the file.
    Own,
    /// In what a line of the file stands for, which is one line too.
    Line,
    /// In what it stands for, which is many.
    Definition,
}

/// Whether a `~SEQ(…)` or `~LST(…)` is all that stands on a line.
fn is_bare_sequence(line: &str) -> bool {
    let plain = line.split(['#', '!']).next().unwrap_or("").trim_end();
    (plain.starts_with("~SEQ") || plain.starts_with("~LST")) && plain.find(')') == plain.len().checked_sub(1)
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
        let text = files::read_configuration(&main).unwrap();
        let (mut sources, mut report) = (Sources::default(), Reporter::default());
        let (tokens, _) = Reader::new(&mut sources, &mut report, Some(&main), "lb1").read("a.conf", text);
        let words: Vec<_> = tokens.iter().map(|t| sources.word(t.span).to_owned()).collect();
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
            ("global_defs {\ninclude_check match\ninclude b.conf", format!("error 3: {missing}")),
            ("global_defs {\ninclude_check\ninclude_check -match\n}\ninclude b.conf", format!("warning 5: {missing}")),
            ("include_check match\ninclude b.conf", format!("warning 2: {missing}")),
            ("include b*", format!("warning 1: {none}")),
            ("includem b*", format!("warning 1: {none}")),
            ("includew b*", format!("error 1: {none}")),
            (
                "includeb {b,a}.conf",
                format!(
                    "error 1: {missing}\nwarning 1: cannot include: DIR/a.conf includes itself: it is left out here"
                ),
            ),
        ] {
            assert_eq!(read(&[("a.conf", line)]).1.join("\n"), told, "{line}");
        }
        let told = "warning 1: include names no file; it is ignored, as keepalived does";
        assert_eq!(read(&[("a.conf", "include")]).1, [told]);
        let recursion = read(&[("a.conf", "include b.conf"), ("b.conf", "include a.conf")]);
        assert_eq!(recursion.1, ["warning 1: cannot include: DIR/a.conf includes itself: it is left out here"]);
    }

    #[test]
    fn what_include_and_its_check_do_not_know_is_told() {
        let told = |line: &str| read(&[("a.conf", line), ("b.conf", "b"), ("c.conf", "c")]);
        for (names, level) in [("b.conf c.conf", "warning"), ("b* c*", "warning"), ("{b,c}.conf {b,c}.conf", "warning")]
        {
            let more =
                format!("{level} 1: cannot include: DIR/{names}: no such file: the whole line is taken for one name");
            assert_eq!(told(&format!("include {names}")), (String::new(), vec![more.clone()]));
            assert_eq!(told(&format!("includea {names}")).1, [more.replace(level, "error")]);
        }
        assert_eq!(read(&[("a.conf", "include my b.conf"), ("my b.conf", "b")]).0, "b");
        assert_eq!(told("include {b,c}.conf # both"), ("b c".to_owned(), vec![]));
        let check = told("global_defs {\ninclude_check readible +brace_match -match x");
        let wrong = |word| format!("warning 2: \"{word}\" is no word of include_check; it is ignored");
        assert_eq!(check.1, [wrong("readible"), wrong("x")]);
    }

    #[test]
    fn lines_that_end_with_cr_alone_are_told_once_and_not_read() {
        let told = "error 1: the lines of this file end with CR alone: all of it would be read as one line, as keepalived does";
        for text in ["# x\ra {\rb\r}\r", "a\rb\r\n", "\ra"] {
            assert_eq!(read(&[("a.conf", text)]), (String::new(), vec![told.to_owned()]), "{text:?}");
        }
        for text in ["a b\r\n", "a\rb\nc", "a b\r", "\r\n"] {
            assert_eq!(read(&[("a.conf", text)]).1, Vec::<String>::new(), "{text:?}");
        }
        assert_eq!(
            read(&[("a.conf", "x\ninclude b.conf\n"), ("b.conf", "a\rb")]),
            ("x".to_owned(), vec![told.to_owned()])
        );
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

    #[test]
    fn a_definition_that_never_ends_is_told() {
        let told = |text: &str| read(&[("a.conf", text)]).1;
        let never = |line| {
            vec![format!(
                "warning {line}: this definition never ends: all lines to the end of the file are taken for a part of it, as in \
                 keepalived, since each ends with \\"
            )]
        };
        assert_eq!(told("$X= \\\n"), never(1));
        assert_eq!(told("x\n$X=a \\\nb \\"), never(2));
        for ended in ["$X= \\\nb\n", "$X= \\\n\n", "$X=a \\\nb"] {
            assert_eq!(told(ended), Vec::<String>::new(), "{ended:?}");
        }
    }
}

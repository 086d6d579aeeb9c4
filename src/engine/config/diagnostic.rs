//! Messages about a configuration: what is wrong, where, and what to write instead.
//!
//! Stages report a [`Problem`] at a span; [`Reporter::finish`] turns it into a [`Diagnostic`] with file, line and the
//! line's text, in file order. No secret and no control character of the file gets into a diagnostic, and a file
//! full of rubbish yields [`SHOWN`] messages at most.

use super::causes::{self, Cause};
use super::secrets;
use super::source::{Sources, Span};
use super::suggest::foreign_letter;
use super::unfit::placeholder;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;

/// Whether a configuration runs all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is wrong: another program does something else with the same line.
    Difference,
    /// It runs; something is not as the file's author meant it.
    Warning,
    /// It does not run.
    Error,
}

/// One message about a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Whether it stops the configuration from running.
    pub severity: Severity,
    /// A stable name of the kind of problem (`unknown-word`, `out-of-range`).
    pub code: &'static str,
    /// The file as it was named.
    pub file: String,
    /// Line from 1; 0 when the message is about the file as a whole.
    pub line: usize,
    /// Column from 1, in characters.
    pub column: usize,
    /// Length of the marked text, in characters.
    pub length: usize,
    /// The line's text: secrets masked, control characters replaced, long lines cut.
    pub source_line: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// How many messages are kept for one configuration.
pub(super) const SHOWN: usize = 1000;
/// How many characters of a line are quoted.
const QUOTED_LINE: usize = 240;
/// How many characters of a word are quoted in a message.
const QUOTED_WORD: usize = 48;

/// A message that a stage wants to give.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    severity: Severity,
    code: &'static str,
    span: Span,
    message: String,
    help: Option<String>,
    secret: bool,
}

impl Problem {
    /// An error or a warning.
    pub fn new(is_error: bool, span: Span, code: &'static str, message: impl Into<String>) -> Self {
        if is_error { Self::error(span, code, message) } else { Self::warning(span, code, message) }
    }
    pub fn error(span: Span, code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, span, message: message.into(), help: None, secret: false }
    }
    pub fn warning(span: Span, code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(span, code, message) }
    }
    /// What another program does with the same line.
    pub fn difference(span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Difference, ..Self::error(span, "difference", message) }
    }
    /// The kind of problem, whether it stops the configuration from running, and where it is.
    pub fn subject(&self) -> (&'static str, bool, Span) {
        (self.code, self.severity == Severity::Error, self.span)
    }
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
    pub fn help_if(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }
    pub fn message(&self) -> &str {
        &self.message
    }
    pub const fn is_secret(&self) -> bool {
        self.secret
    }
    pub fn advice(&self) -> Option<&str> {
        self.help.as_deref()
    }
    pub const fn has_help(&self) -> bool {
        self.help.is_some()
    }
    /// Says more behind its message.
    pub fn add(&mut self, more: &str) {
        self.message += more;
    }
    /// As a message on its own.
    pub fn rendered(&self, sources: &Sources) -> Diagnostic {
        render(self, sources)
    }
    /// The line is not to be quoted: it may hold a password.
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

/// Collects problems.
#[derive(Debug, Default, Clone)]
pub(super) struct Reporter {
    problems: Vec<Problem>,
    /// What makes other things wrong; told by [`Reporter::gather`].
    causes: Vec<Cause>,
    /// Where names stand that nobody defined.
    undefined: Vec<Span>,
    errors: usize,
    dropped: usize,
}

impl Reporter {
    pub fn add(&mut self, problem: Problem) {
        self.errors += usize::from(problem.severity == Severity::Error);
        if self.is_full() {
            self.dropped += 1;
        } else {
            self.problems.push(problem);
        }
    }
    /// A place that something makes wrong.
    pub fn cause(&mut self, cause: Cause, at: Span) {
        if let Some(problem) = causes::note(&mut self.causes, cause, at) {
            self.add(problem);
        }
    }
    /// Says more of the first problem behind a place of a text.
    pub fn amend(&mut self, at: Span, more: &str) {
        let is_behind = |problem: &&mut Problem| problem.span.source == at.source && problem.span.start >= at.start;
        if let Some(problem) = self.problems.iter_mut().filter(is_behind).min_by_key(|problem| problem.span.start) {
            problem.add(more);
        }
    }
    /// Tells the causes, and what comes of them no longer.
    pub fn gather(&mut self, sources: &Sources) {
        self.undefined = self.causes.iter().flat_map(Cause::undefined).collect();
        let dropped = self.errors - self.problems.iter().filter(|p| p.severity == Severity::Error).count();
        causes::gathered(std::mem::take(&mut self.causes), &mut self.problems, sources);
        self.errors = dropped + self.problems.iter().filter(|p| p.severity == Severity::Error).count();
    }
    /// Where names stand that nobody defined, once the causes are told.
    pub fn undefined(&self) -> impl Iterator<Item = Span> {
        self.undefined.iter().copied()
    }
    /// Further problems are counted, not kept: a reason to save the work of wording them.
    pub fn is_full(&self) -> bool {
        self.problems.len() >= SHOWN
    }
    /// What was reported and kept so far.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }
    /// Whether a problem of this kind was reported.
    pub fn has(&self, code: &str) -> bool {
        self.problems.iter().any(|problem| problem.code == code)
    }
    /// The messages in file order.
    pub fn finish(mut self, sources: &Sources) -> Vec<Diagnostic> {
        self.problems.sort_by_key(|problem| sources.written_at(problem.span));
        let mut diagnostics = folded(&self.problems, sources);
        let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
        if let (Some(last), 1..) = (diagnostics.last().cloned(), self.dropped) {
            diagnostics.push(Diagnostic {
                severity: if self.errors > errors { Severity::Error } else { Severity::Warning },
                code: "too-many-messages",
                message: format!("{} further messages are not shown", self.dropped),
                help: Some("correct the first ones and check again; is this a keepalived.conf at all?".to_owned()),
                ..last
            });
        }
        diagnostics
    }
}

/// The messages; a line that stands for many says once what is said of each of them.
fn folded(problems: &[Problem], sources: &Sources) -> Vec<Diagnostic> {
    let mut folded: Vec<(Diagnostic, usize)> = Vec::new();
    // What was said of the same place of each line that one stands for.
    let mut of_place: HashMap<(Severity, &'static str, String), usize> = HashMap::new();
    let mut last: Option<Diagnostic> = None;
    for problem in problems {
        let is_of_many = sources.get(problem.span.source).is_some_and(|source| source.origin.is_some());
        let one = render(problem, sources);
        if last.as_ref() == Some(&one) {
            continue;
        }
        if last.as_ref().is_some_and(|last| !same_place(last, &one)) {
            of_place.clear();
        }
        last = Some(one.clone());
        let key = (one.severity, one.code, without_values(&one.message));
        let before = of_place.get(&key).filter(|_| is_of_many).and_then(|place| folded.get_mut(*place));
        if let Some((before, more)) = before {
            *more += usize::from(*before != one);
            continue;
        }
        if is_of_many {
            of_place.insert(key, folded.len());
        }
        folded.push((one, 0));
    }
    let told = |(mut one, more): (Diagnostic, usize)| {
        if more > 0 {
            let _ = write!(one.message, " (and {more} more like this of the same line)");
        }
        one
    };
    folded.into_iter().map(told).collect()
}

fn same_place(a: &Diagnostic, b: &Diagnostic) -> bool {
    (a.line, a.column, a.length) == (b.line, b.column, b.length) && a.file == b.file
}

/// What messages that say the same of other values have in common: they differ in words with digits alone.
fn without_values(message: &str) -> String {
    let is_value = |word: &str| word.bytes().any(|byte| byte.is_ascii_digit());
    message.split(' ').map(|word| if is_value(word) { "0" } else { word }).collect::<Vec<_>>().join(" ")
}

fn render(problem: &Problem, sources: &Sources) -> Diagnostic {
    let place = sources.place(problem.span);
    let line: String = place.text.chars().take(QUOTED_LINE).map(printable).collect();
    let source_line = if problem.secret { secrets::hidden(&line) } else { secrets::masked(&line) };
    let lines = [sources.around(problem.span), sources.around(sources.written_at(problem.span))];
    let shown = source_line.chars().count() + 1;
    let parts = lines.map(|(line, _)| secrets::parts(line));
    let clear = |text: &str| -> String {
        let secrets = lines.iter().zip(&parts);
        let text = secrets.fold(text.to_owned(), |text, ((line, at), parts)| secrets::cleared(&text, line, parts, *at));
        text.chars().map(|c| if c == '\n' { c } else { printable(c) }).collect()
    };
    Diagnostic {
        severity: problem.severity,
        code: problem.code,
        file: place.file.to_owned(),
        line: place.line,
        column: place.column,
        // That of a password stays hidden too.
        length: if source_line == line {
            place.length
        } else {
            place.length.min(shown.saturating_sub(place.column)).max(1)
        },
        source_line,
        message: clear(&problem.message),
        help: advice(problem, sources, lines, &parts).as_deref().map(clear),
    }
}

/// The help of a problem, with the letter that only looks like one of a known word.
fn advice(
    problem: &Problem,
    sources: &Sources,
    lines: [(&str, usize); 2],
    parts: &[Vec<Range<usize>>; 2],
) -> Option<String> {
    let is_of_word = ["bad-", "unknown-", "unfit-", "missing-", "not-a-number", "too-many-values"]
        .iter()
        .any(|kind| problem.code.starts_with(kind));
    let is_secret =
        problem.secret || lines.iter().zip(parts).any(|((_, at), parts)| parts.iter().any(|part| part.contains(at)));
    let help = problem.help.as_deref().unwrap_or("");
    if !is_of_word || is_secret || help.contains("(U+") {
        return problem.help.clone();
    }
    let marked = sources.raw(problem.span);
    if let Some(told) = placeholder(marked).filter(|_| !help.contains('"')) {
        return Some(told.to_owned());
    }
    let [(line, at), _] = lines;
    let behind = line.get(at + marked.len()..).unwrap_or("").split_whitespace().next().unwrap_or("");
    let meant = help.strip_prefix("did you mean ").unwrap_or("");
    let letter = foreign_letter(marked, "it")
        .or_else(|| foreign_letter(behind.split(['#', '!']).next().unwrap_or(""), "what follows"))
        .or_else(|| foreign_letter(meant, "the name that is meant"));
    match (&problem.help, letter) {
        (Some(help), Some(letter)) => Some(format!("{help}{} {letter}", if help.ends_with('?') { "" } else { ";" })),
        (help, letter) => letter.or_else(|| help.clone()),
    }
}

/// A terminal must not act on what a file contains.
fn printable(c: char) -> char {
    let turns_text = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() && c != '\t' || turns_text { '\u{fffd}' } else { c }
}

/// A word as messages quote it.
pub(super) fn quoted(word: &str) -> String {
    let shown: String = word.chars().take(QUOTED_WORD).map(|c| if c == '\t' { ' ' } else { printable(c) }).collect();
    let more = if word.chars().nth(QUOTED_WORD).is_some() { "…" } else { "" };
    format!("\"{shown}{more}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str, problem: impl Fn(Span) -> Problem) -> Diagnostic {
        let mut sources = Sources::default();
        let source = sources.add("x.conf", text, None);
        let mut reporter = Reporter::default();
        reporter.add(problem(Span { source, start: 0, length: 1 }));
        reporter.finish(&sources).remove(0)
    }

    #[test]
    fn control_characters_of_the_file_never_reach_the_terminal() {
        let d = one("a\u{1b}[31m", |at| Problem::error(at, "x", quoted("b\u{1b}\u{7}")));
        assert_eq!((d.source_line.as_str(), d.message.as_str()), ("a\u{fffd}[31m", "\"b\u{fffd}\u{fffd}\""));
        let d = one("a", |at| Problem::error(at, "x", "b\u{202e}").help("c\u{202e}\nd"));
        assert_eq!((d.message.as_str(), d.help.as_deref()), ("b\u{fffd}", Some("c\u{fffd}\nd")));
    }

    #[test]
    fn what_is_said_of_each_line_that_one_stands_for_is_said_once() {
        let mut sources = Sources::default();
        let file = sources.add("x.conf", "~SEQ(n, 1, 9) a$n\n", None);
        let expanded = sources.add("", "a1\na2\na3\n", Some(Span { source: file, start: 0, length: 17 }));
        let mut reporter = Reporter::default();
        let told = [
            (0, "\"a1\" is x"),
            (3, "\"a2\" is x"),
            (3, "\"a2\" is x"),
            (3, "\"a2\" is y"),
            (6, "\"a3\" is x"),
            (6, "b"),
        ];
        for (start, message) in told {
            reporter.add(Problem::warning(Span { source: expanded, start, length: 2 }, "x", message));
        }
        for (start, message) in [(0, "c 1"), (0, "c 2"), (0, "c 2")] {
            reporter.add(Problem::warning(Span { source: file, start, length: 1 }, "x", message));
        }
        let mut messages: Vec<_> = reporter.finish(&sources).into_iter().map(|d| d.message).collect();
        messages.sort();
        let more = "\"a1\" is x (and 2 more like this of the same line)";
        assert_eq!(messages, [more, "\"a2\" is y", "b", "c 1", "c 2"]);
    }

    #[test]
    fn a_secret_line_is_not_quoted() {
        assert_eq!(one("  1066", |at| Problem::warning(at, "x", "").secret()).source_line, "  ***");
        assert_eq!(one("auth_pass 1066", |at| Problem::warning(at, "x", "")).source_line, "auth_pass ***");
    }

    #[test]
    fn a_letter_that_only_looks_like_another_is_told_in_values_names_and_what_was_meant() {
        let told = |text: &str, code, help: &str| {
            let length = super::super::source::narrow(text.find(' ').unwrap_or(text.len()));
            one(text, |at| Problem::error(Span { length, ..at }, code, "").help(help)).help.unwrap()
        };
        let letter = "'\u{430}' (U+0430) in";
        assert_eq!(
            told("a\u{430} b", "bad-address", "write"),
            format!("write; {letter} it is no plain letter or space: retype the word")
        );
        assert!(told("a b\u{430} c", "unknown-value", "x").contains(&format!("{letter} what follows is")));
        assert!(
            told("a b", "unknown-name", "did you mean v\u{430}?")
                .contains(&format!("{letter} the name that is meant is"))
        );
        assert_eq!(told("a b # \u{430}", "unknown-name", "x"), "x", "a comment may say anything");
        assert_eq!(told("\u{430}", "given-twice", "x"), "x", "a value that fits may be in any alphabet");
        assert_eq!(
            one("auth_pass p\u{430}ss", |at| Problem::error(Span { start: 10, length: 5, ..at }, "bad-x", "")).help,
            None
        );
    }

    #[test]
    fn rubbish_yields_a_bounded_number_of_messages_and_keeps_the_severity() {
        let mut sources = Sources::default();
        let source = sources.add("x.conf", "a", None);
        let span = Span { source, start: 0, length: 1 };
        let mut reporter = Reporter::default();
        for n in 0..SHOWN {
            reporter.add(Problem::warning(span, "x", format!("w{n}")));
        }
        reporter.add(Problem::error(span, "x", "e"));
        let all = reporter.finish(&sources);
        assert_eq!(all.len(), SHOWN + 1);
        assert_eq!(all.last().map(|d| (d.code, d.severity)), Some(("too-many-messages", Severity::Error)));
    }
}

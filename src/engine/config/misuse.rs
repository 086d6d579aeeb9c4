//! What is said of lines with more on them than their word takes: further names and values, comments in a value, single quotes.

use super::argument;
use super::causes::Cause;
use super::diagnostic::{Problem, quoted};
use super::keywords::{Block, Keyword, Value};
use super::lexer::Token;
use super::schema::Context;
use super::source::Span;
use super::tree::Statement;

/// Blocks of which keepalived makes nothing where a second name stands behind the first, and whether it does not run then.
const TWO_NAMES: &[(&str, bool)] =
    &[("vrrp_instance", false), ("vrrp_sync_group", false), ("virtual_server_group", true)];

/// What is told of a \ that was meant to continue a line.
pub(super) fn continuation() -> Cause {
    let what = "a \\ continues no statement".to_owned();
    let otherwise = "only the lines of a definition go on with it, as in keepalived";
    Cause::whole("continuation", what, otherwise, "write the whole statement on one line".to_owned())
}

/// Whether a block has one name, or is none.
pub(super) fn one_name(word: &str) -> bool {
    TWO_NAMES.iter().any(|(known, _)| *known == word)
}

impl Context<'_, '_> {
    /// A second name behind a block's word, where keepalived makes nothing of the block.
    pub(super) fn two_names(&mut self, keyword: &'static Keyword, statement: &Statement) {
        let is_error = TWO_NAMES.iter().any(|(word, is_error)| *word == keyword.word && *is_error);
        let names: Vec<_> = statement.words.iter().skip(1).map(|token| token.span).collect();
        let (Some(first), Some(second)) = (names.first(), names.get(1)) else { return };
        let (name, more) = (self.sources.word(*first), self.sources.word(*second));
        let then = if is_error { "keepalived does not run with it" } else { "it is left out, as keepalived does" };
        let message = format!("{} has more than one name behind it, {name} and {more}: {then}", keyword.word);
        let one = names.iter().map(|at| self.sources.word(*at)).collect::<Vec<_>>().join("_");
        let help = format!("write one name without a space: {} {one} {{", keyword.word);
        self.left_out.insert(
            (keyword.word, name.to_owned()),
            format!("its block has two names at line {}", self.sources.place(*first).line),
        );
        self.report.add(Problem::new(is_error, *second, "two-names", message).help(help));
    }

    pub(super) fn too_many(
        &mut self,
        block: Block,
        keyword: &Keyword,
        statement: &Statement,
        most: usize,
        at: Span,
        secret: bool,
    ) {
        let first = statement.words.get(1).map_or("", |token| self.sources.word(token.span));
        if matches!(first, "=" | ":") {
            return; // that no sign belongs there is said of the value
        }
        let span = if secret { at } else { statement.words.get(most + 1).map_or(at, |t| t.span) };
        let given = statement.words.len() - 1;
        let what = if secret { "what follows the password".to_owned() } else { quoted(self.sources.word(span)) };
        let mut message = format!("{what} is not used: {} takes {}", keyword.word, keyword.value.wanted());
        let extra = self.sources.word(span);
        let mut help = match block.find(extra).filter(|_| !secret) {
            Some(keyword) => format!("write {} on a line of its own", keyword.word),
            None => "one statement a line; # begins a comment".to_owned(),
        };
        if keyword.value == Value::Flag {
            match argument::said(self.sources.word(span)) {
                Some(true) if given == 1 => return,
                Some(false) => {
                    message += ": it holds";
                    help = format!("remove the line if {} is not to hold", keyword.word);
                }
                _ => {}
            }
        }
        self.report.add(Problem::warning(span, "too-many-values", message).help(help));
    }

    /// Tells of a = or a : between a word and its value, which keepalived takes for the value, and of a \ at the end of a line. What
    /// comes of it is told with it.
    pub(super) fn stray_sign(&mut self, keyword: &Keyword, statement: &Statement) {
        if let Some(last) = statement.words.last().filter(|last| self.sources.word(last.span) == "\\") {
            self.report.cause(continuation(), last.span);
        }
        let Some(first) = statement.words.get(1) else { return };
        let sign = self.sources.word(first.span);
        if !matches!(sign, "=" | ":") {
            return;
        }
        let takes_none = keyword.value == Value::Flag || keyword.value.arity().1 == 0;
        let otherwise = if takes_none {
            "it is ignored, as keepalived does"
        } else {
            "it is taken for the value, as keepalived does"
        };
        let rest = statement.words.iter().skip(2).map(|token| self.sources.raw(token.span));
        let rest: Vec<_> = rest.filter(|word| !matches!(*word, "," | ";")).collect();
        let help = match keyword.value.block() {
            Some(_) => format!("write {} {{", [&[keyword.word], &rest[..]].concat().join(" ")),
            None if keyword.word.contains("pass") => format!("write {} and the password alone", keyword.word),
            None if takes_none => format!("write {} alone", keyword.word),
            None => format!("write {} {}", keyword.word, rest.join(" ")),
        };
        let what = format!("no {sign} belongs behind {}", keyword.word);
        self.report.cause(Cause::whole("stray-sign", what, otherwise, help), first.span);
    }

    /// Tells of a # or a ! right behind a text, which was hardly meant to begin a comment.
    pub(super) fn cut_off(&mut self, keyword: &Keyword, statement: &Statement) {
        let is_text = matches!(keyword.value, Value::Text | Value::Words | Value::Command | Value::Expression);
        let Some(last) = statement.words.last().filter(|_| is_text && statement.words.len() > 1) else { return };
        let is_quoted = self.sources.raw(last.span).starts_with('"');
        let (line, at) = self.sources.around(last.span);
        let behind = line.get(at + last.span.length as usize..).unwrap_or("");
        let Some(sign) = behind.chars().next().filter(|sign| matches!(sign, '#' | '!') && !is_quoted) else { return };
        let goes_on = behind.chars().nth(1).is_some_and(|next| !next.is_whitespace());
        if goes_on || keyword.word == "auth_pass" {
            let message = format!(
                "the value of {} ends before this {sign}, which begins a comment, as in keepalived",
                keyword.word
            );
            let at = Span { start: last.span.start + last.span.length, length: 1, ..last.span };
            let help = "put the whole value in double quotes on all nodes if the rest belongs to it, or a space before the comment";
            self.report.add(Problem::warning(at, "value-cut", message).help(help));
        }
    }

    /// Tells of values in single quotes, which keepalived takes for letters of the value.
    pub(super) fn single_quotes(&mut self, words: &[Token]) {
        let ends = |token: &Token| self.sources.word(token.span).ends_with('\'');
        let begins = |token: &Token| self.sources.raw(token.span).starts_with('\'');
        let Some(first) = words.iter().position(begins) else { return };
        let is_quoted = |token: &Token| ends(token) && (!begins(token) || token.span.length > 1);
        let Some(first) = words.get(first..).filter(|words| words.iter().any(is_quoted)).and_then(<[_]>::first) else {
            return;
        };
        let message = "the single quotes are a part of this value, as in keepalived: they keep no spaces together";
        let help = "remove them, or write double quotes, on all nodes";
        self.report.add(Problem::warning(first.span, "single-quotes", message).help(help));
    }
}

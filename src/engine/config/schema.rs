//! A block of the tree, word by word against the keyword table: what fits comes back as [`Entry`]s with typed
//! arguments, what does not is reported with a suggestion.

use super::Wanted;
use super::argument::{self, Argument};
use super::causes::Cause;
use super::diagnostic::{Problem, Reporter, quoted};
use super::keywords::{Block, FIRST as SINCE, Keyword, Status, Value, ignored};
use super::misuse::{continuation, one_name};
use super::source::{Sources, Span};
use super::suggest::nearest;
use super::tables::Tables;
use super::tolerance::{Tolerated, ignored_without_value, needs_value, tolerated};
use super::tree::Statement;
use super::twice::{Seen, counts};
use super::unfit::{misfit, misspelt, placeholder, shown, stray, unknown, unknown_code};
use crate::engine::model::ScriptUser;
use std::collections::BTreeMap;

/// A statement that fits its keyword.
#[derive(Debug)]
pub(super) struct Entry<'t> {
    pub keyword: &'static Keyword,
    pub argument: Argument,
    pub statement: &'t Statement<'t>,
    /// Where the keyword stands.
    pub at: Span,
}

impl<'t> Entry<'t> {
    /// The statements of its block.
    pub fn inner(&self) -> &'t [Statement<'t>] {
        self.statement.block.as_ref().map_or(&[], |block| &block.statements)
    }

    /// Where its `index`th value stands, counted from 1; the keyword when there is none.
    pub fn value_at(&self, index: usize) -> Span {
        self.statement.words.get(index).map_or(self.at, |token| token.span)
    }
}

/// A message that is given once, however often its reason stands in the file.
struct Once {
    at: Span,
    code: &'static str,
    message: String,
    more: usize,
}

/// What walks through a configuration share.
pub(super) struct Context<'c, 't> {
    pub sources: &'c Sources,
    /// The routing tables that have names.
    pub tables: &'c Tables,
    pub report: &'c mut Reporter,
    /// Blocks of the top level that were found inside of others: a `}` is missing before them.
    pub misplaced: Vec<&'t Statement<'t>>,
    /// What the host has to have, with the place that asks for it.
    pub wanted: Vec<(Span, Wanted)>,
    /// How many rules of IPv4 and of IPv6 have no preference of their own, so far.
    pub without_preference: (u32, u32),
    /// Blocks that were not taken: the word that is meant, the block's name, and why.
    pub(super) left_out: BTreeMap<(&'static str, String), String>,
    once: BTreeMap<(Block, &'static str), Once>,
    /// The words of all blocks of `global_defs`.
    global: Seen,
    /// The block whose braces were missing right above.
    without_braces: Option<Block>,
    /// Inside of a block that is only read, its words are checked but not reported as "only read" again.
    quiet: usize,
    /// So many names are still compared with one that nobody knows.
    comparisons: usize,
}

impl<'c, 't> Context<'c, 't> {
    pub fn new(sources: &'c Sources, tables: &'c Tables, report: &'c mut Reporter) -> Self {
        let (misplaced, wanted, once) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self {
            sources,
            tables,
            report,
            misplaced,
            wanted,
            without_preference: (0, 0),
            left_out: BTreeMap::new(),
            once,
            global: Seen::new(),
            without_braces: None,
            quiet: 0,
            comparisons: MOST_COMPARED,
        }
    }

    /// The words of a statement.
    pub fn words(&self, statement: &Statement) -> Vec<String> {
        statement.words.iter().map(|token| self.sources.word(token.span).to_owned()).collect()
    }

    /// The statements of `block` that fit the table.
    pub fn entries(&mut self, block: Block, statements: &'t [Statement<'t>]) -> Vec<Entry<'t>> {
        // What stands in two blocks of global_defs stands twice as well.
        let mut seen = if block == Block::Global { std::mem::take(&mut self.global) } else { BTreeMap::new() };
        let mut entries = Vec::with_capacity(statements.len());
        for statement in statements {
            let Some(first) = statement.words.first() else { continue };
            let word = self.sources.word(first.span);
            let Some(keyword) = block.find(word) else {
                // Of a block whose braces are missing each line would be out of place: that was told.
                let is_told = self.without_braces.is_some_and(|open| open.knows(word) && statement.block.is_none());
                if !is_told {
                    self.without_keyword(block, word, statement, first.span);
                }
                continue;
            };
            self.without_braces = None;
            let argument = self.argument(block, keyword, statement, first.span);
            if let Some(argument) = &argument
                && !counts(self, &mut seen, (block, keyword), statement, argument)
            {
                continue;
            }
            if argument.is_none() && keyword.status == Status::Acts {
                // What else is wrong in a block that is refused is told at once too.
                self.quiet += 1;
                self.look_into(keyword, statement);
                self.quiet -= 1;
            }
            let is_missing = argument.is_none() && keyword.value == Value::Anything;
            if let Some(argument) = argument {
                self.cut_off(keyword, statement);
                if !matches!(keyword.value, Value::Command | Value::Expression | Value::Anything) {
                    self.single_quotes(statement.words.get(1..).unwrap_or(&[]));
                }
                entries.push(Entry { keyword, argument, statement, at: first.span });
            }
            if !is_missing {
                self.take_note(block, keyword, statement, first.span);
            }
        }
        if block == Block::Global {
            self.global = seen;
        }
        entries
    }

    /// The line of a place, for a message at another one.
    pub fn line_of(&self, at: Span) -> String {
        let place = self.sources.place(at);
        if self.sources.written_at(at).source == 0 {
            format!("line {}", place.line)
        } else {
            format!("line {} of {}", place.line, place.file)
        }
    }

    /// Does something again that notes words which are only read: they were noted the first time.
    pub fn hushed<T>(&mut self, again: impl FnOnce(&mut Self) -> T) -> T {
        self.quiet += 1;
        let done = again(self);
        self.quiet -= 1;
        done
    }

    /// The lines of a block that has no keywords, each as its words; blocks among them are reported.
    pub fn lines(&mut self, block: Block, statements: &'t [Statement<'t>]) -> Vec<&'t Statement<'t>> {
        let mut lines = Vec::with_capacity(statements.len());
        for statement in statements {
            match (&statement.block, statement.words.first()) {
                (None, _) => {
                    if matches!(block, Block::Recipients | Block::Interfaces | Block::TrackInterfaces) {
                        self.single_quotes(statement.words);
                    }
                    lines.push(statement);
                }
                (Some(_), Some(first)) => {
                    let word = self.sources.word(first.span);
                    self.without_keyword(block, word, statement, first.span);
                }
                (Some(_), None) => {}
            }
        }
        lines
    }

    /// Reports what is reported once.
    pub fn finish(&mut self) {
        for Once { at, code, message, more } in std::mem::take(&mut self.once).into_values() {
            let more = match more {
                0 => String::new(),
                1 => " (also on 1 more line)".to_owned(),
                _ => format!(" (also on {more} more lines)"),
            };
            self.report.add(Problem::warning(at, code, message + &more));
        }
    }

    /// The name of the file that is meant by one that nobody knows. Nothing where that is not told any more, or where so many were
    /// compared that it would take too long.
    pub fn nearest<'n>(&mut self, name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
        let room = if self.report.is_full() { 0 } else { self.comparisons };
        let known = known.into_iter().take(room).inspect(|_| self.comparisons = self.comparisons.saturating_sub(1));
        nearest(name, known)
    }

    /// Marks a word as one that lvsdeck only reads, and says what happens instead.
    pub fn only_read(&mut self, block: Block, word: &'static str, at: Span, instead: &str) {
        let since = block.find(word).map_or(SINCE, |keyword| keyword.since);
        self.once(block, word, at, "not-acted-on", || format!("{word} is not acted on: {instead} (since {since})"));
    }

    /// The host has to have a program, the first word of a command that this user runs.
    pub fn wants_program(&mut self, command: &[String], user: Option<&ScriptUser>, at: Span) {
        // What is wrong with a command that begins so is told where it stands.
        let is_told = |program: &&String| {
            !program.starts_with(['=', ':', '\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}'])
        };
        if let Some(program) = command.first().filter(is_told) {
            self.wanted.push((at, Wanted::Program(program.clone(), user.cloned(), false)));
        }
    }

    /// A warning for the first of all places in `block` that share `key`.
    pub fn once(
        &mut self,
        block: Block,
        key: &'static str,
        at: Span,
        code: &'static str,
        message: impl FnOnce() -> String,
    ) {
        let known = self.once.entry((block, key)).and_modify(|once| once.more += 1);
        known.or_insert_with(|| Once { at, code, message: message(), more: 0 });
    }

    fn take_note(&mut self, block: Block, keyword: &'static Keyword, statement: &'t Statement<'t>, at: Span) {
        let Status::Read(instead) = keyword.status else {
            if keyword.status == Status::Part {
                self.look_into(keyword, statement);
            }
            return;
        };
        if self.quiet == 0 {
            self.only_read(block, keyword.word, at, instead);
        }
        self.quiet += 1;
        self.look_into(keyword, statement);
        self.quiet -= 1;
    }

    /// Checks the words of a block that is not lowered.
    pub fn inspect(&mut self, entry: &Entry<'t>) {
        self.quiet += 1;
        self.look_into(entry.keyword, entry.statement);
        self.quiet -= 1;
    }

    fn look_into(&mut self, keyword: &'static Keyword, statement: &'t Statement<'t>) {
        let Some(inner) = &statement.block else { return };
        let Some(block) = keyword.value.block().filter(|block| block.has_words()) else {
            return self.search(&inner.statements);
        };
        for entry in self.entries(block, &inner.statements) {
            if entry.keyword.status == Status::Acts {
                self.look_into(entry.keyword, entry.statement);
            }
        }
    }

    /// Whether `word` begins one of the statements, fitting or not.
    pub fn mentions(&self, statements: &[Statement], word: &str) -> bool {
        statements.iter().filter_map(|s| s.words.first()).any(|first| self.sources.word(first.span) == word)
    }

    /// Whether `word` stands anywhere in the statements, perhaps behind another one on its line.
    pub fn holds(&self, statements: &[Statement], word: &str) -> bool {
        statements.iter().flat_map(|s| s.words).any(|token| self.sources.word(token.span) == word)
    }

    /// Where `word` stands first in the statements.
    pub fn place_of(&self, statements: &[Statement], word: &str) -> Option<Span> {
        let mut all = statements.iter().flat_map(|s| s.words);
        all.find(|token| self.sources.word(token.span) == word).map(|token| token.span)
    }

    /// Whether an unknown word that begins one of the statements is a misspelling of `word`: that was told.
    pub fn misspells(&self, block: Block, statements: &[Statement], word: &str) -> bool {
        statements.iter().filter_map(|statement| statement.words.first()).any(|first| {
            let written = self.sources.word(first.span);
            !block.knows(written) && nearest(written, block.words()) == Some(word)
        })
    }

    fn argument(
        &mut self,
        block: Block,
        keyword: &'static Keyword,
        statement: &Statement,
        at: Span,
    ) -> Option<Argument> {
        let (least, most) = keyword.value.arity();
        let least = least.max(usize::from(needs_value(block, keyword.word)));
        let given = statement.words.len() - 1;
        let wanted = || keyword.value.wanted();
        if given < least {
            let plain = keyword.value.block().is_none() && !keyword.meaning.is_empty();
            let meaning = if plain { format!(": {}", keyword.meaning) } else { String::new() };
            let is_error = !ignored_without_value(block, keyword.word);
            let then = if is_error { "" } else { "; it is ignored, as keepalived does" };
            let help = match keyword.value {
                Value::Anything => format!("write {} VALUE, or remove the word", keyword.word),
                _ => format!("it takes {}{meaning}", wanted()),
            };
            let message = format!("{} has no value{then}", keyword.word);
            self.report.add(Problem::new(is_error, at, "missing-parameter", message).help(help));
            return None;
        }
        if keyword.value.block().is_some() && statement.block.is_none() {
            let words: Vec<_> = self.words(statement).into_iter().skip(1).collect();
            let brace = words.last().and_then(|word| word.chars().find(|c| LIKE_BRACES.contains(c)));
            let help = if let Some(brace) = brace {
                format!("the {brace} (U+{:04X}) behind it is no brace but a letter: retype it as {{", u32::from(brace))
            } else if words.iter().any(|word| word.contains('(')) {
                "write { and } instead of ( and )".to_owned()
            } else if matches!(keyword.value, Value::Block(_)) && !words.is_empty() {
                format!("write {} {{, each of the values on a line of its own, and }} on a line below", keyword.word)
            } else {
                "write { behind it, and } after the last line that belongs to it".to_owned()
            };
            self.report.add(
                Problem::error(at, "missing-block", format!("{} has no block in braces", keyword.word)).help(help),
            );
            self.without_braces = keyword.value.block();
            return None;
        }
        let secret = keyword.word == "auth_pass";
        if statement.block.is_some() && keyword.value.block().is_none() && keyword.value != Value::Anything {
            self.report.add(
                Problem::error(at, "unexpected-block", format!("{} takes no block in braces", keyword.word)).help(
                    match statement.words.iter().skip(2).find(|token| block.knows(self.sources.word(token.span))) {
                        Some(token) => format!(
                            "write {}, and each further word, on a line of its own",
                            self.sources.word(token.span)
                        ),
                        None => format!("it takes {}; is a }} missing above, or a word misspelt?", wanted()),
                    },
                ),
            );
            return None;
        }
        if given > most && one_name(keyword.word) {
            self.two_names(keyword, statement);
            return None;
        }
        if given > most {
            self.too_many(block, keyword, statement, most, at, secret);
        }
        let words: Vec<String> = self.words(statement).into_iter().skip(1).collect();
        let value = statement.words.get(1).map_or(at, |token| token.span);
        match argument::parse(keyword.value, &words) {
            Ok(argument) => {
                self.stray_sign(keyword, statement);
                if let (Value::Address, Some(word)) = (keyword.value, words.first())
                    && word.contains(['/', '-'])
                {
                    let message = format!("of {} only the address is used, as in keepalived", quoted(word));
                    self.report.add(Problem::warning(value, "prefix-unused", message).help("write the address alone"));
                }
                let Some(wanted) = ignored(block, keyword.word, &argument) else { return Some(argument) };
                let word = words.first().map_or("", String::as_str);
                let message = format!("{} {} is ignored, as keepalived does", keyword.word, shown(word));
                let help = match (keyword.word, word) {
                    ("persistence_timeout", "0") => "remove the line: without it nothing is persistent".to_owned(),
                    _ => format!("it takes {wanted}"),
                };
                self.report.add(Problem::warning(value, "out-of-range", message).help(help));
                None
            }
            Err(unfit) => {
                if let Some(Tolerated { argument, problem }) = tolerated(block, keyword, &words, &unfit, value) {
                    self.report.add(problem);
                    return argument;
                }
                self.report.add(misfit(keyword, words.first().map_or("", String::as_str), &unfit, value));
                None
            }
        }
    }

    /// A word that `block` has no value for: known to keepalived there, out of place, misspelt or unknown.
    fn without_keyword(&mut self, block: Block, word: &str, statement: &'t Statement<'t>, at: Span) {
        if statement.block.is_some() && self.out_of_place(block, word, statement, at) {
            return;
        }
        let problem = if self.report.is_full() {
            Problem::warning(at, unknown_code(statement.block.is_some()), "")
        } else {
            unknown(block, word, statement.block.is_some(), &self.words(statement), at)
        };
        if let Some(told) = placeholder(word) {
            let what = told.split(": ").next().unwrap_or(told).to_owned();
            let cause = Cause::new("unknown-word", what, "keepalived knows no such word", told.to_owned());
            self.report.cause(cause, at);
        } else if word == "\\" {
            self.report.cause(continuation(), at);
        } else if let Some(sign) = stray(word) {
            let alone = word.chars().count() == 1 || problem.is_secret();
            let of = if alone { String::new() } else { format!(" behind {}", word.trim_end_matches(sign)) };
            let (what, otherwise) = (format!("no {sign} belongs{of}"), "keepalived knows no such word");
            let help =
                problem.advice().unwrap_or("write a word and its value, and nothing between or behind them").to_owned();
            self.report.cause(Cause::new("unknown-word", what, otherwise, help), at);
        }
        self.report.add(problem);
        let meant = (!self.report.is_full()).then(|| misspelt(block, word, statement)).flatten();
        match meant {
            Some(keyword) => {
                if let Some(name) = statement.words.get(1) {
                    let why = format!("the word of its block is misspelt at line {}", self.sources.place(at).line);
                    self.left_out.insert((keyword.word, self.sources.word(name.span).to_owned()), why);
                }
                self.quiet += 1;
                self.look_into(keyword, statement);
                self.quiet -= 1;
            }
            None => self.search_in(statement),
        }
    }

    /// Why the block that would define this is not taken, though it is there.
    pub fn is_left_out(&self, block: &'static str, name: &str) -> Option<String> {
        self.left_out.get(&(block, name.to_owned())).cloned()
    }

    /// Whether a block stands in another one where only an enclosing block has a place for it: a `}` is missing.
    fn out_of_place(&mut self, block: Block, word: &str, statement: &'t Statement<'t>, at: Span) -> bool {
        let mut outer = block.parent();
        while let Some(enclosing) = outer {
            let fits = enclosing.knows(word) && enclosing.find(word).is_none_or(|k| k.value.block().is_some());
            if fits {
                self.report.add(
                    Problem::error(
                        at,
                        "missing-brace",
                        format!("{word} inside of {}: a }} is missing above", block.name()),
                    )
                    .help(format!("close {} before this line", block.name())),
                );
                if enclosing == Block::Top {
                    self.misplaced.push(statement);
                }
                return true;
            }
            outer = enclosing.parent();
        }
        false
    }

    fn search_in(&mut self, statement: &'t Statement<'t>) {
        if let Some(inner) = &statement.block {
            self.search(&inner.statements);
        }
    }

    /// Looks for blocks of the top level among statements that are skipped: they show that a `}` is missing.
    fn search(&mut self, statements: &'t [Statement<'t>]) {
        for statement in statements.iter().filter(|s| s.block.is_some()) {
            let Some(first) = statement.words.first() else { continue };
            let word = self.sources.word(first.span);
            let top = Block::Top.find(word).is_some_and(|k| k.value.block().is_some());
            if !(top && self.out_of_place(Block::Opaque, word, statement, first.span)) {
                self.search_in(statement);
            }
        }
    }
}

/// So many names of a file are compared with those that nobody knows.
const MOST_COMPARED: usize = 500_000;

/// What looks like a `{`.
const LIKE_BRACES: [char; 5] = ['\u{ff5b}', '\u{fe5b}', '\u{2774}', '\u{fe37}', '\u{2983}'];

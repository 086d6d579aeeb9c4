//! A block of the tree, word by word against the keyword table: what fits comes back as [`Entry`]s with typed
//! arguments, what does not is reported with a suggestion.

use super::Wanted;
use super::argument::{self, Argument, Unfit};
use super::diagnostic::{Problem, Reporter, quoted};
use super::keywords::{Block, FIRST, Keyword, MEANT, Status, Value, ignored};
use super::lexer::Token;
use super::secrets;
use super::source::{Sources, Span};
use super::suggest::{foreign_letter, nearest};
use super::tree::Statement;
use crate::engine::model::ScriptUser;
use std::collections::{BTreeMap, BTreeSet};

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
    pub report: &'c mut Reporter,
    /// Blocks of the top level that were found inside of others: a `}` is missing before them.
    pub misplaced: Vec<&'t Statement<'t>>,
    /// What the host has to have, with the place that asks for it.
    pub wanted: Vec<(Span, Wanted)>,
    /// How many rules of IPv4 and of IPv6 have no preference of their own, so far.
    pub without_preference: (u32, u32),
    /// Blocks whose word is misspelt: the word that is meant, the block's name, and where it stands.
    misspelt: BTreeMap<(&'static str, String), Span>,
    once: BTreeMap<(Block, &'static str), Once>,
    /// Inside of a block that is only read, its words are checked but not reported as "only read" again.
    quiet: usize,
}

impl<'c, 't> Context<'c, 't> {
    pub fn new(sources: &'c Sources, report: &'c mut Reporter) -> Self {
        let (misplaced, wanted, once) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self {
            sources,
            report,
            misplaced,
            wanted,
            without_preference: (0, 0),
            misspelt: BTreeMap::new(),
            once,
            quiet: 0,
        }
    }

    /// The words of a statement.
    pub fn words(&self, statement: &Statement) -> Vec<String> {
        statement.words.iter().map(|token| self.sources.word(token.span).to_owned()).collect()
    }

    /// The statements of `block` that fit the table.
    pub fn entries(&mut self, block: Block, statements: &'t [Statement<'t>]) -> Vec<Entry<'t>> {
        let mut seen = BTreeSet::new();
        let mut entries = Vec::with_capacity(statements.len());
        for statement in statements {
            let Some(first) = statement.words.first() else { continue };
            let word = self.sources.word(first.span);
            let Some(keyword) = block.find(word) else {
                self.without_keyword(block, word, statement, first.span);
                continue;
            };
            if keyword.value.is_single() && !seen.insert(keyword.word) {
                self.report.add(Problem::warning(
                    first.span,
                    "given-twice",
                    format!("{} stands in this {} before; this later one counts", keyword.word, block.name()),
                ));
            }
            if let Some(argument) = self.argument(block, keyword, statement, first.span) {
                if !matches!(keyword.value, Value::Command | Value::Expression | Value::Anything) {
                    self.single_quotes(statement.words.get(1..).unwrap_or(&[]));
                }
                entries.push(Entry { keyword, argument, statement, at: first.span });
            }
            self.take_note(block, keyword, statement, first.span);
        }
        entries
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

    /// Marks a word as one that lvsdeck only reads, and says what happens instead.
    pub fn only_read(&mut self, block: Block, word: &'static str, at: Span, instead: &str) {
        let since = block.find(word).map_or(FIRST, |keyword| keyword.since);
        self.once(block, word, at, "not-acted-on", || format!("{word} is not acted on: {instead} (since {since})"));
    }

    /// The host has to have a program, the first word of a command that this user runs.
    pub fn wants_program(&mut self, command: &[String], user: Option<&ScriptUser>, at: Span) {
        if let Some(program) = command.first() {
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

    /// Whether an unknown word that begins one of the statements is a misspelling of `word`: that was told.
    pub fn misspells(&self, block: Block, statements: &[Statement], word: &str) -> bool {
        statements.iter().filter_map(|statement| statement.words.first()).any(|first| {
            let written = self.sources.word(first.span);
            !block.knows(written) && nearest(written, block.words()) == Some(word)
        })
    }

    /// Tells of values in single quotes, which keepalived takes for letters of the value.
    fn single_quotes(&mut self, words: &[Token]) {
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

    fn argument(
        &mut self,
        block: Block,
        keyword: &'static Keyword,
        statement: &Statement,
        at: Span,
    ) -> Option<Argument> {
        let (least, most) = keyword.value.arity();
        let given = statement.words.len() - 1;
        let wanted = || keyword.value.wanted();
        if given < least {
            let plain = keyword.value.block().is_none() && !keyword.meaning.is_empty();
            let meaning = if plain { format!(": {}", keyword.meaning) } else { String::new() };
            self.report.add(
                Problem::error(at, "missing-parameter", format!("{} has no value", keyword.word))
                    .help(format!("it takes {}{meaning}", wanted())),
            );
            return None;
        }
        if keyword.value.block().is_some() && statement.block.is_none() {
            self.report.add(
                Problem::error(at, "missing-block", format!("{} has no block in braces", keyword.word))
                    .help("write { behind it, and } after the last line that belongs to it"),
            );
            return None;
        }
        let secret = keyword.word == "auth_pass";
        if statement.block.is_some() && keyword.value.block().is_none() && keyword.value != Value::Anything {
            self.report.add(
                Problem::error(at, "unexpected-block", format!("{} takes no block in braces", keyword.word))
                    .help(format!("it takes {}; is a }} missing above, or a word misspelt?", wanted())),
            );
            return None;
        }
        if given > most {
            self.too_many(keyword, statement, most, at, secret);
        }
        let words: Vec<String> = self.words(statement).into_iter().skip(1).collect();
        let value = statement.words.get(1).map_or(at, |token| token.span);
        match argument::parse(keyword.value, &words) {
            Ok(argument) => {
                let Some(wanted) = ignored(block, keyword.word, &argument) else { return Some(argument) };
                let word = words.first().map_or("", String::as_str);
                let message = format!("{} {} is ignored, as keepalived does", keyword.word, shown(word));
                self.report.add(Problem::warning(value, "out-of-range", message).help(format!("it takes {wanted}")));
                None
            }
            Err(unfit) => {
                self.report.add(misfit(keyword, words.first().map_or("", String::as_str), &unfit, value));
                None
            }
        }
    }

    fn too_many(&mut self, keyword: &Keyword, statement: &Statement, most: usize, at: Span, secret: bool) {
        let span = if secret { at } else { statement.words.get(most + 1).map_or(at, |t| t.span) };
        let given = statement.words.len() - 1;
        let what = if secret { "what follows the password".to_owned() } else { quoted(self.sources.word(span)) };
        let mut message = format!("{what} is not used: {} takes {}", keyword.word, keyword.value.wanted());
        let mut help = "one statement a line; # begins a comment".to_owned();
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
        self.report.add(problem);
        let meant = (!self.report.is_full()).then(|| misspelt(block, word, statement)).flatten();
        match meant {
            Some(keyword) => {
                if let Some(name) = statement.words.get(1) {
                    self.misspelt.insert((keyword.word, self.sources.word(name.span).to_owned()), at);
                }
                self.quiet += 1;
                self.look_into(keyword, statement);
                self.quiet -= 1;
            }
            None => self.search_in(statement),
        }
    }

    /// Whether the block that would define this is there under a misspelt word; told where.
    pub fn is_misspelt(&self, block: &'static str, name: &str) -> Option<String> {
        let at = self.misspelt.get(&(block, name.to_owned()))?;
        Some(format!("the word of its block is misspelt at line {}", self.sources.place(*at).line))
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

/// What is said about a value that does not fit its keyword.
fn misfit(keyword: &Keyword, word: &str, unfit: &Unfit, at: Span) -> Problem {
    let wanted = keyword.value.wanted();
    let help = match keyword.value {
        Value::Choice(choices) | Value::Exactly(choices) => suggestion(word, choices.iter().copied()),
        Value::Scheduler => Some(format!("the schedulers are {}", wanted.trim_start_matches("one of "))),
        _ if unfit.code == "out-of-range" => {
            Some(keyword.meaning).filter(|meaning| !meaning.is_empty()).map(|m| format!("{}: {m}", keyword.word))
        }
        _ => Some(format!("it takes {wanted}")),
    };
    if keyword.word == "auth_type" {
        let problem = |what: String, help: &str| {
            let message = format!("{what}; no password is sent, as keepalived does");
            Problem::warning(at, unfit.code, message).help(help)
        };
        let written = word.trim_end_matches([';', ',']);
        return match secrets::is_kind(word) {
            true if written != word => problem(
                format!("auth_type {} is not PASS or AH", shown(word)),
                &format!("write auth_type {} without the {}", written.to_uppercase(), word.trim_start_matches(written)),
            ),
            true => problem(
                format!("auth_type {} is not PASS or AH: capital letters count", shown(word)),
                "write auth_type PASS on all nodes",
            ),
            false => problem("auth_type is not PASS or AH".to_owned(), "write auth_type PASS").secret(),
        };
    }
    let message = format!("{} {} {}", keyword.word, shown(word), unfit.what);
    Problem::error(at, unfit.code, message).help_if(help)
}

/// A word with quotes, unless it is a plain number.
fn shown(word: &str) -> String {
    let plain =
        !word.is_empty() && word.len() <= 20 && word.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    if plain { word.to_owned() } else { quoted(word) }
}

fn suggestion<'w>(word: &str, words: impl IntoIterator<Item = &'w str> + Clone) -> Option<String> {
    nearest(word, words).map(|meant| format!("did you mean {meant}?"))
}

/// A shorter word is too near to too many others to have been one of another block.
const SHORT: usize = 8;

/// Of an unknown word, or of one with a block behind it, which keepalived takes otherwise.
const fn unknown_code(has_block: bool) -> &'static str {
    if has_block { "unknown-block" } else { "unknown-word" }
}

/// The block that is meant by an unknown word with a block behind it, where there is no doubt.
fn misspelt(block: Block, word: &str, statement: &Statement) -> Option<&'static Keyword> {
    statement.block.as_ref()?;
    let usual = MEANT.iter().find(|(b, wrong, _)| *b == block && *wrong == word).map(|(_, _, right)| *right);
    let meant = usual.or_else(|| nearest(word, block.words()))?;
    block.find(meant).filter(|keyword| keyword.value.block().is_some())
}

/// Blocks whose words have secrets behind them.
const SECRETIVE: [Block; 3] = [Block::Authentication, Block::AuthHmac, Block::Ssl];

fn unknown(block: Block, word: &str, has_block: bool, words: &[String], at: Span) -> Problem {
    let code = unknown_code(has_block);
    let ignored = if has_block { "it and its block are ignored" } else { "it is ignored" };
    let meant = nearest(word, block.words());
    if SECRETIVE.contains(&block) && meant.is_none() {
        let words: Vec<_> = block.words().collect();
        let help = match block {
            Block::Authentication => {
                "authentication takes auth_type PASS and auth_pass PASSWORD, each on its own line".to_owned()
            }
            _ => format!("{} takes {}, each on its own line", block.name(), words.join(", ")),
        };
        return Problem::warning(at, code, format!("unknown word in {}; {ignored}", block.name())).help(help).secret();
    }
    let problem = Problem::warning(at, code, format!("unknown word {} in {}; {ignored}", quoted(word), block.name()));
    let misled = |wrong: &str| wrong == word || (meant.is_none() && nearest(word, [wrong]).is_some());
    if let Some((_, _, right)) = MEANT.iter().find(|(b, wrong, _)| *b == block && misled(wrong)) {
        let is_block = block.find(right).is_some_and(|keyword| keyword.value.block().is_some());
        let value = match words.get(1) {
            Some(value) if is_block => format!(" {{ {value} }}"),
            Some(value) => format!(" {value}"),
            None => String::new(),
        };
        return problem.help(match *right {
            "" => "keepalived removed this word long ago; remove the line".to_owned(),
            right => format!("keepalived ignores it here too; to make it count, write {right}{value}"),
        });
    }
    let foreign = foreign_letter(word, "it");
    let place_of = |word: &str| Block::ALL.into_iter().find(|b| b.knows(word)).map(Block::name);
    let elsewhere = || match place_of(word) {
        Some(place) => Some(format!("{word} belongs in {place}")),
        None if word.len() < SHORT => None,
        None => {
            let meant = nearest(word, Block::ALL.into_iter().flat_map(Block::words))?;
            Some(format!("did you mean {meant}? It belongs in {}", place_of(meant)?))
        }
    };
    let meant = meant.map(|meant| format!("did you mean {meant}?")).or_else(elsewhere);
    let help: Vec<_> = meant.into_iter().chain(foreign).collect();
    let problem = problem.help_if((!help.is_empty()).then(|| help.join(" ")));
    if SECRETIVE.contains(&block) { problem.secret() } else { problem }
}

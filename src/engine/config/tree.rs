//! Tokens → a tree of statements and blocks.
//!
//! A statement is the words of one line, or of the part of it between braces. A `{` behind it, on the same line or a
//! later one, gives it a block.

use super::diagnostic::{Problem, Reporter};
use super::keywords::may_have_block;
use super::lexer::{Kind, Token};
use super::source::{Sources, Span};

/// Blocks nest this deep at most; real files need five levels.
const DEEPEST: usize = 32;

/// Words, and the block that follows them.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    pub words: &'a [Token],
    pub block: Option<Block<'a>>,
}

/// What stands between `{` and `}`.
#[derive(Debug)]
pub(super) struct Block<'a> {
    pub statements: Vec<Statement<'a>>,
}

/// A file's tree.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub statements: Vec<Statement<'a>>,
    /// Blocks that the end of the file closed: the words before their `{`, outermost first.
    pub unclosed: Vec<Span>,
    /// How many `}` close nothing.
    pub extra: usize,
}

/// A block whose `}` has not come yet.
struct Frame<'a> {
    words: &'a [Token],
    open: Span,
    /// How many statements stood before its first one.
    begin: usize,
}

/// Builds the tree; reports braces that are wrong where they stand.
pub(super) fn build<'a>(tokens: &'a [Token], sources: &Sources, report: &mut Reporter) -> Tree<'a> {
    // Those of a block leave it for a list of their own, with no room to spare, when it is closed.
    let mut statements: Vec<Statement<'a>> = Vec::new();
    let mut frames: Vec<Frame<'a>> = Vec::new();
    let (mut at, mut extra) = (0, 0);
    while let Some(token) = tokens.get(at) {
        match token.kind {
            Kind::Word => {
                let rest = tokens.get(at + 1..).unwrap_or(&[]);
                let more = rest.iter().take_while(|t| t.kind == Kind::Word && !t.first_on_line).count();
                let words = tokens.get(at..=at + more).unwrap_or(&[]);
                at += more + 1;
                match tokens.get(at) {
                    Some(open) if open.kind == Kind::Open && belongs_to_value(words, *open, sources) => {
                        in_value(open.span, words, sources, report);
                        statements.push(Statement { words, block: None });
                        at += tokens.get(at..).unwrap_or(&[]).iter().take_while(|t| !t.first_on_line).count();
                    }
                    Some(open) if open.kind == Kind::Open => {
                        frames.push(Frame { words, open: open.span, begin: statements.len() });
                        at += 1;
                    }
                    _ => statements.push(Statement { words, block: None }),
                }
            }
            Kind::Open => {
                let message = "this { has no word before it: it and its } are ignored, as keepalived does";
                let help = "name the block before the brace, or remove the brace and its }";
                report.add(Problem::warning(token.span, "stray-brace", message).help(help));
                frames.push(Frame { words: &[], open: token.span, begin: statements.len() });
                at += 1;
            }
            Kind::Close => {
                extra += usize::from(frames.is_empty());
                close(token.span, &mut frames, &mut statements, sources, report);
                at += 1;
            }
        }
        if frames.len() > DEEPEST {
            report.add(
                Problem::error(token.span, "too-deep", format!("blocks are nested more than {DEEPEST} deep here"))
                    .help("look for missing } above; the rest of the file was not read"),
            );
            break;
        }
    }
    let unclosed = frames.iter().map(|f| f.words.first().map_or(f.open, |word| word.span)).collect();
    while let Some(frame) = frames.pop() {
        finish(&frame, &mut statements);
    }
    Tree { statements, unclosed, extra }
}

/// Whether a `{` was meant as a letter of a value: it touches the value of a word that has no block, or stands behind a `'` that is
/// not closed.
fn belongs_to_value(words: &[Token], open: Token, sources: &Sources) -> bool {
    let ([first, second, ..], false, open) = (words, open.first_on_line, open.span) else { return false };
    let last = words.last().unwrap_or(second).span;
    let touches = last.source == open.source && last.start + last.length == open.start;
    let quotes = || {
        let line = sources.raw(Span { length: open.start.saturating_sub(second.span.start), ..second.span });
        line.bytes().filter(|byte| *byte == b'\'').count()
    };
    (touches || (last.source == open.source && quotes() % 2 == 1)) && !may_have_block(sources.word(first.span))
}

/// Tells of a `{` in a value. What stands behind it on its line is left out.
fn in_value(at: Span, words: &[Token], sources: &Sources, report: &mut Reporter) {
    let word = words.first().map_or("", |first| sources.word(first.span));
    let message = format!("this {{ is no part of the value of {word}: it begins a block");
    report.add(Problem::error(at, "unexpected-block", message).help("put the whole value in double quotes"));
}

fn close<'a>(
    at: Span,
    frames: &mut Vec<Frame<'a>>,
    statements: &mut Vec<Statement<'a>>,
    sources: &Sources,
    report: &mut Reporter,
) {
    let Some(frame) = frames.pop() else {
        report.add(
            Problem::warning(
                at,
                "extra-brace",
                "this } closes nothing: every block above is already closed; it is ignored, as keepalived does",
            )
            .help("remove it, or find the block above that was closed too early"),
        );
        return;
    };
    let opened = sources.written_at(frame.open);
    if opened.source != sources.written_at(at).source {
        let place = sources.place(frame.open);
        report.add(
            Problem::warning(
                at,
                "brace-in-other-file",
                format!("this }} closes a block that was opened in another file, at {}:{}", place.file, place.line),
            )
            .help("open and close each block in the same file"),
        );
    }
    finish(&frame, statements);
}

/// The statements of a `{` without a word stay where they are.
fn finish<'a>(frame: &Frame<'a>, statements: &mut Vec<Statement<'a>>) {
    if frame.words.is_empty() {
        return;
    }
    let inner = statements.split_off(frame.begin);
    statements.push(Statement { words: frame.words, block: Some(Block { statements: inner }) });
}

#[cfg(test)]
mod tests {
    use super::super::lexer::lexed;
    use super::*;

    /// The tree as text: words joined by spaces, blocks in brackets.
    fn shape(text: &str) -> (String, usize, bool) {
        let (tokens, sources, mut report) = lexed(text);
        let tree = build(&tokens, &sources, &mut report);
        (draw(&tree.statements, &sources), tree.unclosed.len(), report.has_errors())
    }

    fn draw(statements: &[Statement], sources: &Sources) -> String {
        let one = |s: &Statement| {
            let words: Vec<_> = s.words.iter().map(|w| sources.word(w.span)).collect();
            let block = s.block.as_ref().map(|b| format!("[{}]", draw(&b.statements, sources))).unwrap_or_default();
            words.join(" ") + &block
        };
        statements.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn braces_may_stand_anywhere_on_a_line() {
        for text in ["a b {\n c 1\n d 2\n}\ne", "a b\n{\n c 1\n d 2 }\ne", "a b { c 1\n d 2\n} e", "a b{c 1\nd 2}e"] {
            assert_eq!(shape(text), ("a b[c 1; d 2]; e".to_owned(), 0, false), "{text}");
        }
    }

    #[test]
    fn the_end_of_the_file_closes_what_is_open() {
        assert_eq!(shape("a {\n b {\n c\n"), ("a[b[c]]".to_owned(), 2, false));
    }

    #[test]
    fn a_brace_too_many_is_ignored() {
        assert_eq!(shape("a { b } }\nc"), ("a[b]; c".to_owned(), 0, false));
        assert_eq!(shape("{ b }\nc"), ("b; c".to_owned(), 0, false));
    }

    #[test]
    fn endless_nesting_ends() {
        assert!(shape(&"a {\n".repeat(100_000)).2);
        assert!(shape(&"{".repeat(100_000)).2);
    }
}

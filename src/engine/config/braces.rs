//! Where a `}` is missing, by the indentation of the lines: the block that is not closed is told, and not what comes of it.
//!
//! ```text
//! virtual_ipaddress {        its lines are indented more than it is
//!     10.0.0.1
//! track_script {             as far to the left as the block: a } is missing above
//! ```

use super::diagnostic::{Problem, Reporter};
use super::keywords::Block;
use super::lexer::{Kind, Token};
use super::source::{Sources, Span};

/// Columns from one tabulator stop to the next.
const TABULATOR: usize = 8;

/// A block that is open.
struct Frame {
    /// The word before its `{`.
    word: Span,
    /// How far the line of that word is indented; none where it does not begin its line, or stands in no file.
    indentation: Option<usize>,
    /// Whether its first line is indented more than that.
    is_indented: Option<bool>,
}

/// The tokens with a `}` wherever the indentation shows that one is missing, each told at the block that it closes. None
/// where it shows nothing, or too much.
pub(super) fn closed(tokens: &[Token], sources: &Sources, report: &mut Reporter) -> Option<Vec<Token>> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut statement: Option<Token> = None;
    let (mut all, mut missing) = (Vec::with_capacity(tokens.len() + 1), Vec::new());
    for token in tokens {
        while frames.last_mut().is_some_and(|frame| ends(frame, *token, sources)) {
            missing.extend(frames.pop().map(|frame| (frame.word, token.span)));
            all.push(Token { kind: Kind::Close, first_on_line: true, span: Span { length: 0, ..token.span } });
            statement = None;
        }
        match token.kind {
            Kind::Word if token.first_on_line || statement.is_none() => statement = Some(*token),
            Kind::Word => {}
            Kind::Open => {
                let word = statement.take().unwrap_or(*token);
                frames.push(Frame {
                    word: word.span,
                    indentation: Some(word)
                        .filter(|word| word.first_on_line)
                        .and_then(|word| indentation(word.span, sources)),
                    is_indented: None,
                });
            }
            Kind::Close => {
                frames.pop()?;
                statement = None;
            }
        }
        all.push(*token);
    }
    if missing.is_empty() {
        return None;
    }
    for (block, before) in missing {
        let (word, line) = (sources.word(block), sources.place(before).line);
        let message = format!("{word} is not closed: a }} is missing before line {line}");
        report.add(Problem::error(block, "missing-brace", message).help(format!("write }} above line {line}")));
    }
    Some(all)
}

/// A `}` that closes its block too early, so that words of it stand behind, and another `}` at the end closes nothing.
pub(super) struct Early {
    /// Where it stands.
    pub at: Span,
    /// The word of the block that it closes.
    pub block: Span,
}

/// The tokens without each `}` behind which words of the block that it closes stand, where only such a block knows them. None where
/// these are not as many as the `extra` ones that close nothing.
pub(super) fn reopened(tokens: &[Token], extra: usize, sources: &Sources) -> Option<(Vec<Token>, Vec<Early>)> {
    // Of each open block: its word, and what it is.
    let mut frames: Vec<(Span, Option<Block>)> = Vec::new();
    let (mut all, mut early) = (Vec::<Token>::with_capacity(tokens.len()), Vec::new());
    let (mut statement, mut closed): (Option<Token>, Option<(Span, Option<Block>)>) = (None, None);
    for token in tokens {
        let outer = frames.last().map_or(Some(Block::Top), |(_, block)| *block);
        match token.kind {
            Kind::Word if token.first_on_line || statement.is_none() => {
                let word = sources.word(token.span);
                let is_of = |block: Option<Block>| block.is_some_and(|block| block.knows(word));
                if let (Some((name, block)), Some(last)) = (closed.take(), all.last().copied())
                    && is_of(block)
                    && outer.is_some_and(|outer| !outer.knows(word))
                {
                    all.pop();
                    early.push(Early { at: last.span, block: name });
                    frames.push((name, block));
                }
                statement = Some(*token);
            }
            Kind::Word => {}
            Kind::Open => {
                let word = statement.take().unwrap_or(*token);
                let inner = outer.and_then(|outer| outer.inside(sources.word(word.span)));
                frames.push((word.span, inner));
                closed = None;
            }
            Kind::Close => {
                closed = frames.pop();
                statement = None;
            }
        }
        all.push(*token);
    }
    (!early.is_empty() && early.len() == extra).then_some((all, early))
}

/// Whether a token is too far to the left to stand in the block that is open. Its first line shows whether that can be told.
fn ends(frame: &mut Frame, token: Token, sources: &Sources) -> bool {
    let of_one_text = frame.word.source == token.span.source && token.first_on_line && token.kind != Kind::Open;
    let (Some(outer), Some(own)) = (frame.indentation, indentation(token.span, sources).filter(|_| of_one_text)) else {
        return false;
    };
    match (frame.is_indented, token.kind) {
        (None, _) => {
            frame.is_indented = Some(own > outer);
            false
        }
        (Some(true), Kind::Close) => own < outer,
        (Some(true), _) => own <= outer,
        (Some(false), _) => false,
    }
}

/// How far the line is indented that a token of a file begins, in columns.
fn indentation(at: Span, sources: &Sources) -> Option<usize> {
    if sources.written_at(at) != at {
        return None;
    }
    let (line, column) = sources.around(at);
    line.get(..column)?.chars().try_fold(0, |columns, letter| match letter {
        '\t' => Some((columns / TABULATOR + 1) * TABULATOR),
        ' ' | '\u{feff}' => Some(columns + 1),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::lexer::lexed;
    use super::*;

    /// The lines before which a `}` is missing, as they are told.
    fn missing(text: &str) -> Vec<String> {
        let (tokens, sources, mut report) = lexed(text);
        closed(&tokens, &sources, &mut report);
        report.finish(&sources).into_iter().map(|d| format!("{}: {}", d.line, d.message)).collect()
    }

    #[test]
    fn the_block_that_is_not_closed_is_named() {
        assert_eq!(
            missing("a {\n  b {\n    1\n  c {\n    2\n  }\n}\n"),
            ["2: b is not closed: a } is missing before line 4"]
        );
        assert_eq!(
            missing("a {\n\tb {\n\t\t1\n}\nc {\n\t2\n}\n"),
            ["2: b is not closed: a } is missing before line 4"]
        );
        assert_eq!(
            missing("a\n{\n  b {\n    1\nc {\n  2\n}\n"),
            ["1: a is not closed: a } is missing before line 5", "3: b is not closed: a } is missing before line 5"]
        );
    }

    /// Which block is closed too early, and where.
    fn early(text: &str, extra: usize) -> Vec<String> {
        let (tokens, sources, _) = lexed(text);
        let found = reopened(&tokens, extra, &sources).map_or(Vec::new(), |(_, early)| early);
        found.iter().map(|e| format!("{} {}", sources.word(e.block), sources.place(e.at).line)).collect()
    }

    #[test]
    fn the_brace_that_closes_too_early_has_words_of_its_block_behind_it() {
        let instance = "vrrp_instance A {\ninterface eth0\n}\npriority 5\n}\n";
        assert_eq!(early(instance, 1), ["vrrp_instance 3"]);
        let server = "virtual_server 10.0.0.1 80 {\nreal_server 10.0.0.2 80 {\nTCP_CHECK {\n}\n}\n}\nquorum 1\n}\n";
        assert_eq!(early(server, 1), ["virtual_server 6"]);
        assert_eq!(early(instance, 2), [""; 0], "it explains one of two");
        assert_eq!(early("vrrp_instance A {\ninterface eth0\n}\n}\n", 1), [""; 0], "nothing stands behind it");
    }

    #[test]
    fn lines_that_are_not_indented_show_nothing() {
        for text in
            ["a {\nb {\n1\nc {\n2\n}\n}\n", "a {\n  b {\n  1\n  c {\n    2\n  }\n}\n", "a {\n  1\n", "a { b {\n 1 }\n"]
        {
            assert_eq!(missing(text), [""; 0], "{text}");
        }
    }
}

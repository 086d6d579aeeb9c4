//! Where a `}` is missing, by the indentation of the lines: the block that is not closed is told, and not what comes of it.
//!
//! ```text
//! virtual_ipaddress {        its lines are indented more than it is
//!     10.0.0.1
//! track_script {             as far to the left as the block: a } is missing above
//! ```

use super::diagnostic::{Problem, Reporter};
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

    #[test]
    fn lines_that_are_not_indented_show_nothing() {
        for text in
            ["a {\nb {\n1\nc {\n2\n}\n}\n", "a {\n  b {\n  1\n  c {\n    2\n  }\n}\n", "a {\n  1\n", "a { b {\n 1 }\n"]
        {
            assert_eq!(missing(text), [""; 0], "{text}");
        }
    }
}

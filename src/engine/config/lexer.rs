//! One line of a configuration → tokens.
//!
//! ```text
//! line    := (word | "{" | "}")* comment?
//! word    := quoted | (plain | "${" .. "}")+     a quote ends the word before it and begins one
//! quoted  := '"' .. '"'                          ended on its line; keeps spaces, braces and comment signs
//! comment := ("#" | "!") ..                      anywhere outside quotes, also in the middle of a word
//! ```
//!
//! As in keepalived 2.2.7, `'` and `\` are letters like any other, inside of quotes and outside; only command lines and regular
//! expressions are read once more, with other rules, from the text of their line.

use super::causes::Cause;
use super::diagnostic::{Problem, Reporter};
use super::source::{Span, narrow};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Open,
    Close,
}

/// A word or a brace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: Kind,
    pub first_on_line: bool,
    pub span: Span,
}

/// Words and braces of one line: a whole file may stand on it, and what is no configuration is not kept.
const MOST_ON_A_LINE: usize = 100_000;

/// Appends the tokens of `line`, which begins at byte `start` of `source`. A line with more than [`MOST_ON_A_LINE`] is an error,
/// and its rest is left out.
pub(super) fn lex_line(line: &str, source: u32, start: usize, tokens: &mut Vec<Token>, report: &mut Reporter) {
    let bytes = line.as_bytes();
    let before = tokens.len();
    let mut at = 0;
    let mut first_on_line = true;
    while let Some(&byte) = bytes.get(at) {
        let (kind, length) = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c => {
                at += 1;
                continue;
            }
            b'#' | b'!' => return,
            b'{' if matches!(bytes.get(at + 1), Some(b'{' | b'%' | b'#')) && template(rest_of(bytes, at)).is_some() => {
                let (length, is_word) = template(rest_of(bytes, at)).unwrap_or((2, true));
                let span = Span { source, start: narrow(start + at), length: narrow(length) };
                report.cause(unfilled(), span);
                if !is_word {
                    return;
                }
                (Kind::Word, length)
            }
            b'{' => (Kind::Open, 1),
            b'}' => (Kind::Close, 1),
            _ => (Kind::Word, word_length(rest_of(bytes, at))),
        };
        let (length, open_quote) = match length {
            length if length > bytes.len() - at => (bytes.len() - at, true),
            length => (length, false),
        };
        let span = Span { source, start: narrow(start + at), length: narrow(length) };
        if open_quote {
            report.add(
                Problem::error(span, "open-quote", "this quote is not closed on its line")
                    .help("add the closing quote; the rest of the line was taken as one word"),
            );
        }
        if tokens.len() - before >= MOST_ON_A_LINE {
            let message = format!("more than {MOST_ON_A_LINE} words on one line; the rest of it was not read");
            report.add(
                Problem::error(span, "too-large", message).help("one statement a line; is this a configuration file?"),
            );
            return;
        }
        tokens.push(Token { kind, first_on_line, span });
        first_on_line = false;
        at += length;
    }
}

fn rest_of(bytes: &[u8], at: usize) -> &[u8] {
    bytes.get(at..).unwrap_or(&[])
}

/// The end of a part of a template is looked for so far.
const LONGEST_TEMPLATE: usize = 256;

/// How long the part of a template is that `bytes` begin with, with what touches it, and whether a value comes of it.
fn template(bytes: &[u8]) -> Option<(usize, bool)> {
    let (end, is_word): (&[u8], _) = match bytes.get(..2)? {
        b"{{" => (b"}}", true),
        b"{%" => (b"%}", false),
        b"{#" => (b"#}", false),
        _ => return None,
    };
    let closed = bytes.windows(2).take(LONGEST_TEMPLATE).position(|two| two == end)? + 2;
    Some((closed + word_length(rest_of(bytes, closed)).min(bytes.len() - closed), is_word))
}

/// What is told of a template once.
fn unfilled() -> Cause {
    Cause::error(
        "template",
        "this is a template that nobody filled in",
        "keepalived reads its braces as those of blocks",
        "let the tool that it was written for (Ansible, Salt, Helm) write the file, and check that; a brace that is meant stands \
         in double quotes",
    )
}

/// Where the comment of a line begins, or where the line ends. The line may be of any encoding.
pub(super) fn comment(line: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&byte) = line.get(at) {
        match byte {
            b'#' | b'!' => return at,
            b'"' => at += quoted_length(line.get(at..).unwrap_or(&[])),
            _ => at += 1,
        }
    }
    line.len()
}

/// Length of the word that `bytes` begin with; one more than there is when a quote stays open.
fn word_length(bytes: &[u8]) -> usize {
    if bytes.first() == Some(&b'"') {
        return quoted_length(bytes);
    }
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c | b'#' | b'!' | b'{' | b'}' | b'"' => return at,
            b'$' if bytes.get(at + 1) == Some(&b'{') => {
                let name = bytes.get(at + 2..).unwrap_or(&[]);
                let length = name.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
                let is_shell = matches!(name.get(length), Some(b':' | b'-' | b'='));
                let end = name.iter().position(|byte| matches!(byte, b'}' | b' ' | b'\t' | b'"' | b'{'));
                at += match end.filter(|end| name.get(*end) == Some(&b'}') && (*end == length || is_shell)) {
                    Some(end) => end + 3,
                    None => 1,
                };
            }
            _ => at += 1,
        }
    }
    at
}

/// Length of what begins with a quote, with both of its quotes; one more than there is when it stays open.
fn quoted_length(bytes: &[u8]) -> usize {
    let inner = bytes.get(1..).unwrap_or(&[]);
    inner.iter().position(|byte| *byte == b'"').map_or(bytes.len() + 1, |length| length + 2)
}

/// The tokens of a text of several lines, for tests.
#[cfg(test)]
pub(super) fn lexed(text: &str) -> (Vec<Token>, super::source::Sources, Reporter) {
    let (mut tokens, mut report, mut sources) = (Vec::new(), Reporter::default(), super::source::Sources::default());
    let source = sources.add("x", text, None);
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        lex_line(line, source, start, &mut tokens, &mut report);
        start += line.len();
    }
    (tokens, sources, report)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> (Vec<String>, bool) {
        let (tokens, sources, report) = lexed(line);
        (tokens.iter().map(|t| sources.word(t.span).to_owned()).collect(), report.has_errors())
    }

    #[test]
    fn comments_end_a_line_anywhere_outside_quotes() {
        for line in ["a b # c", "a b!c", "a b#c {", "a\tb\r"] {
            assert_eq!(words(line).0, ["a", "b"], "{line}");
        }
        assert_eq!(words("a \"b # c\" \"!\"").0, ["a", "b # c", "!"]);
        assert!(words("  # only").0.is_empty());
    }

    #[test]
    fn braces_need_no_space_and_are_text_inside_quotes() {
        assert_eq!(words("a{b}").0, ["a", "{", "b", "}"]);
        assert_eq!(words("script \"{ x }\"").0, ["script", "{ x }"]);
        assert_eq!(words("a${NAME}b{").0, ["a${NAME}b", "{"]);
    }

    #[test]
    fn a_line_of_too_many_words_is_cut_off_and_told() {
        let (words, wrong) = words(&"a ".repeat(MOST_ON_A_LINE + 2));
        assert_eq!((words.len(), wrong), (MOST_ON_A_LINE, true));
    }

    #[test]
    fn an_open_quote_takes_the_rest_of_its_line_and_is_an_error() {
        assert_eq!(words("notify \"/bin/x y"), (vec!["notify".to_owned(), "/bin/x y".to_owned()], true));
        assert!(words("a b\"").1 && words("\"").1);
    }

    /// As Debian's keepalived 2.2.7 shows them.
    #[test]
    fn a_quote_begins_a_word_and_an_apostrophe_is_a_letter() {
        for (line, found) in [
            ("a 'b c'", vec!["a", "'b", "c'"]),
            ("a it's # it's", vec!["a", "it's"]),
            ("a ab\"cd\"ef", vec!["a", "ab", "cd", "ef"]),
            ("a \"it's\" ''", vec!["a", "it's", "''"]),
            (r#"a "b\"c\d"#, vec!["a", r"b\", r"c\d"]),
            ("a 'b#c'", vec!["a", "'b"]),
        ] {
            assert_eq!(words(line), (found.into_iter().map(str::to_owned).collect(), false), "{line}");
        }
    }

    #[test]
    fn a_comment_begins_outside_of_quotes() {
        for (line, at) in [("a # b", 2), ("a \"#\" ! b", 6), ("it's # b", 5), ("a \"# b", 6), ("a", 1)] {
            assert_eq!(comment(line.as_bytes()), at, "{line}");
        }
        assert_eq!(comment(b"a \"b"), 4);
    }
}

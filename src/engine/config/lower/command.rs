//! A command line behind a word: `script`, `misc_path`, `notify_…`.
//!
//! keepalived reads it twice by the same rules: the line's words first, of which the first one is the command, then that
//! one's words, which are the program and its arguments. Each time quotes of either kind keep spaces, and `\` is resolved
//! inside of them and outside. No shell reads it.

use super::super::diagnostic::{Problem, quoted};
use super::super::schema::{Context, Entry};
use super::super::source::{Span, narrow};

/// Quotes of word processors.
const CURLY: &[char] = &['\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}'];

/// Why a text is no command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unreadable {
    OpenQuote,
    /// An escape yields a byte that is zero or of no UTF-8 text.
    Byte,
}

/// The command and its arguments in the first value of a word; empty, and reported, where there is none. And the words behind
/// it, with their places.
pub(super) fn first(cx: &mut Context, entry: &Entry) -> (Vec<String>, Vec<(String, Span)>) {
    let mut outer = outer(cx, entry).unwrap_or_default().into_iter();
    let Some((line, _)) = outer.next() else { return (Vec::new(), Vec::new()) };
    let parted = match words(line.as_bytes()).and_then(texts) {
        Ok(parted) => parted,
        Err(why) => {
            unreadable(cx, entry, why);
            return (Vec::new(), Vec::new());
        }
    };
    if parted.iter().any(|(word, _)| word.contains(CURLY)) {
        let message =
            "these are curly quotes, which keep nothing together: they are letters of the command, as with keepalived";
        let help = format!("write {} \"/path/to/command arguments\" with plain quotes", entry.keyword.word);
        cx.report.add(Problem::warning(entry.value_at(1), "curly-quotes", message).help(help));
        return (parted.into_iter().map(|(word, _)| word).collect(), Vec::new());
    }
    if parted.is_empty() {
        let help = format!("write {} \"/path/to/command arguments\"", entry.keyword.word);
        cx.report
            .add(Problem::warning(entry.at, "no-script", "the command is empty: the script is left out").help(help));
    }
    let parted: Vec<String> = parted.into_iter().map(|(word, _)| word).collect();
    if let Some(sign) = parted.iter().find(|word| matches!(word.as_str(), "|" | "||" | "&" | "&&" | ";" | ">" | "<")) {
        let message = format!("no shell reads the command: {} is handed to it as an argument", quoted(sign));
        let help = format!("write {} \"/bin/sh -c '…'\" for a line of shell", entry.keyword.word);
        cx.report.add(Problem::warning(entry.value_at(1), "no-shell", message).help(help));
    }
    (parted, outer.collect())
}

/// A path as an absolute one: keepalived takes one that is relative below the directory that it was started in, which under systemd
/// is /.
pub(super) fn absolute(cx: &mut Context, path: &str, entry: &Entry) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let word = entry.keyword.word;
    let message =
        format!("{word} {} is no absolute path: it counts as /{path}, as with keepalived below systemd", quoted(path));
    let help = format!("write the whole path: {word} /path/to/{path}");
    cx.report.add(Problem::warning(entry.value_at(1), "relative-path", message).help(help));
    format!("/{path}")
}

/// The same where nothing else may follow.
pub(super) fn only(cx: &mut Context, entry: &Entry) -> Vec<String> {
    let (parted, behind) = first(cx, entry);
    // What is wrong with a sign for a command was said.
    let is_sign = matches!(parted.first().map(String::as_str), Some("=" | ":"));
    if let Some((extra, at)) = behind.first().filter(|_| !is_sign) {
        let word = entry.keyword.word;
        let message = format!(
            "{} is not used: {word} takes one word, and a command with arguments stands in quotes",
            quoted(extra)
        );
        let help = format!("write {word} \"/path/to/command arguments\"");
        cx.report.add(Problem::warning(*at, "too-many-values", message).help(help));
    }
    parted
}

/// What stands behind the word, as it is written. The words of a statement stand on one line.
fn written<'s>(cx: &'s Context, entry: &Entry) -> &'s [u8] {
    let [_, first, ..] = entry.statement.words else { return &[] };
    let last = entry.statement.words.last().unwrap_or(first).span;
    let length = (last.start + last.length).saturating_sub(first.span.start);
    cx.sources.raw(Span { length, ..first.span }).as_bytes()
}

/// The words behind a keyword that keepalived reads with quotes of either kind and escapes, with their places; none, and
/// reported, where they can't be read.
pub(super) fn outer(cx: &mut Context, entry: &Entry) -> Option<Vec<(String, Span)>> {
    let first = entry.value_at(1);
    let place = |(word, at): (String, usize)| {
        let length = narrow(word.len().max(1));
        (word, Span { start: first.start + narrow(at), length, ..first })
    };
    match words(written(cx, entry)).and_then(texts) {
        Ok(words) => Some(words.into_iter().map(place).collect()),
        Err(why) => {
            unreadable(cx, entry, why);
            None
        }
    }
}

/// The first letter or sign behind a single `\` that means something else without it in a regular expression, and what it is
/// read as.
pub(super) fn lost_escape(cx: &Context, entry: &Entry) -> Option<(char, String)> {
    let line = String::from_utf8_lossy(written(cx, entry));
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            continue;
        }
        match letters.next()? {
            'b' => return Some(('b', "a backspace".to_owned())),
            '\\' | '"' | '\'' | ' ' | 'a' | 'f' | 'n' | 'r' | 't' | 'v' | 'x' | 'c' | '0'..='7' => {}
            sign => return Some((sign, sign.to_string())),
        }
    }
    None
}

/// Tells why it is no text, unless the lexer told that a quote of the line is open.
fn unreadable(cx: &mut Context, entry: &Entry, why: Unreadable) {
    let (code, message, help) = match why {
        Unreadable::OpenQuote => (
            "open-quote",
            "a quote in this line is not closed",
            "close it; # and ! begin a comment, and { and } a block, where they stand outside of double quotes",
        ),
        Unreadable::Byte => (
            "bad-escape",
            "an escape in this line stands for a byte that no text has",
            "write \\\\ for a \\ that is to stay, and in a command line, which is read twice, \\\\\\\\",
        ),
    };
    let is_told = |known: &Problem| match known.subject() {
        ("unexpected-block", true, at) => code == "open-quote" && is_behind(cx, entry, at),
        (told, is_error, at) => told == code && is_error && is_here(entry, at),
    };
    if !cx.report.problems().iter().any(is_told) {
        cx.report.add(Problem::error(entry.value_at(1), code, message).help(help));
    }
}

/// Whether a brace cut the line off: it is the next thing behind the words.
fn is_behind(cx: &Context, entry: &Entry, at: Span) -> bool {
    let last = entry.statement.words.last().map_or(entry.at, |token| token.span);
    let end = last.start + last.length;
    let gap = Span { start: end, length: at.start.saturating_sub(end), ..last };
    at.source == last.source && at.start >= end && cx.sources.raw(gap).trim().is_empty()
}

fn is_here(entry: &Entry, at: Span) -> bool {
    entry.statement.words.iter().any(|token| token.span == at)
}

/// A word and where it begins on its line, in bytes.
type Placed<T> = (T, usize);

/// The bytes of the word that `at` belongs to.
fn begun(word: &mut Option<Placed<Vec<u8>>>, at: usize) -> &mut Vec<u8> {
    &mut word.get_or_insert((Vec::new(), at)).0
}

/// Words parted at white space outside of quotes, with quotes and escapes resolved.
fn words(line: &[u8]) -> Result<Vec<Placed<Vec<u8>>>, Unreadable> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<Placed<Vec<u8>>>, None);
    let mut rest = line;
    while let Some((&byte, behind)) = rest.split_first() {
        let at = line.len() - rest.len();
        rest = behind;
        match (byte, quote) {
            (b'\\', _) => begun(&mut word, at).extend(escaped(&mut rest)),
            (b'\'' | b'"', None) => {
                quote = Some(byte);
                begun(&mut word, at);
            }
            (_, Some(open)) if byte == open => quote = None,
            (_, None) if byte.is_ascii_whitespace() || byte == 0x0b => words.extend(word.take()),
            _ => begun(&mut word, at).push(byte),
        }
    }
    words.extend(word);
    if quote.is_none() { Ok(words) } else { Err(Unreadable::OpenQuote) }
}

/// What the bytes behind a `\` stand for: a control character by its letter or as `cX`, a byte by up to three octal digits
/// or by `x` and hexadecimal ones, else the next character itself. They are taken from `rest`.
fn escaped(rest: &mut &[u8]) -> Option<u8> {
    let (&byte, behind) = rest.split_first()?;
    *rest = behind;
    let mut digits = |most: usize, radix: u32, value: u32| {
        let digit = |byte: &u8| char::from(*byte).to_digit(radix);
        let found: Vec<u32> = rest.iter().map_while(digit).take(most).collect();
        *rest = rest.get(found.len()..).unwrap_or(&[]);
        let value = found.iter().fold(value, |value, digit| value.wrapping_mul(radix).wrapping_add(*digit));
        let [low, ..] = value.to_le_bytes();
        low
    };
    Some(match byte {
        b'a' => 0x07,
        b'b' => 0x08,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 0x0b,
        b'f' => 0x0c,
        b'r' => b'\r',
        b'0'..=b'7' => digits(2, 8, u32::from(byte - b'0')),
        b'x' if behind.first().is_some_and(u8::is_ascii_hexdigit) => digits(usize::MAX, 16, 0),
        b'c' if behind.first().is_some_and(u8::is_ascii_alphabetic) => {
            let letter = behind.first().map_or(0, |letter| letter & 0x1f);
            *rest = behind.get(1..).unwrap_or(&[]);
            letter
        }
        other => other,
    })
}

fn texts(words: Vec<Placed<Vec<u8>>>) -> Result<Vec<Placed<String>>, Unreadable> {
    let text = |word: Vec<u8>| String::from_utf8(word).ok().filter(|text| !text.contains('\0')).ok_or(Unreadable::Byte);
    words.into_iter().map(|(word, at)| Ok((text(word)?, at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<String, Unreadable> {
        let outer = words(line.as_bytes())?;
        let inner = texts(words(outer.first().map_or(&[], |(word, _)| word))?)?;
        Ok(inner.into_iter().map(|(word, _)| word).collect::<Vec<_>>().join("|"))
    }

    #[test]
    fn a_command_is_parted_at_spaces_outside_of_quotes() {
        for (line, found) in [
            (r#""/bin/sh -c 'exit 1'""#, "/bin/sh|-c|exit 1"),
            (r#"'  a  "b c" de "" '"#, "a|b c|de|"),
            (r#""/bin/echo \"q r\" x""#, "/bin/echo|q r|x"),
            (r#""/bin/echo a"b c"#, "/bin/echo|ab"),
            (r#"'/bin/echo "a"b "c d"e'"#, "/bin/echo|ab|c de"),
            (r"/bin/echo a b", "/bin/echo"),
            ("", ""),
        ] {
            assert_eq!(read(line).as_deref(), Ok(found), "{line}");
        }
        assert_eq!(read("\"a 'b\""), Err(Unreadable::OpenQuote));
    }

    /// As Debian's keepalived 2.2.7 shows its commands.
    #[test]
    fn escapes_are_resolved_twice_inside_of_quotes_and_outside() {
        for (line, found) in [
            (r#""/bin/echo a\tb \x41 \101 c\\d e""#, "/bin/echo|a|b|A|A|cd|e"),
            (r#""/bin/echo 'a\tb' 'c\\d'""#, "/bin/echo|a\tb|cd"),
            (r#""/bin/echo a\\tb \\x41 \\\\z""#, "/bin/echo|a\tb|A|\\z"),
            (r#""/bin/echo a\ b c\\ d""#, "/bin/echo|a|b|c d"),
            (r"/bin/ec\x68o\tb", "/bin/echo|b"),
            (r"/bin/echo\ a b", "/bin/echo|a"),
            (r"'/bin/echo \x23 \x7b x'", "/bin/echo|#|{|x"),
            (
                r#""/e \e \a \q \8 \x4 \x414 \xg \1011 \18 \401 \cA""#,
                "/e|e|\u{7}|q|8|\u{4}|\u{14}|xg|A1|\u{1}8|\u{1}|\u{1}",
            ),
            (r#""/e \xc3\xa9""#, "/e|é"),
        ] {
            assert_eq!(read(line).as_deref(), Ok(found), "{line}");
        }
        for line in [r#""/e \0""#, r#""/e \xe9""#] {
            assert_eq!(read(line), Err(Unreadable::Byte), "{line}");
        }
    }
}

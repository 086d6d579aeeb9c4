//! A command line behind a word: `script`, `misc_path`, `notify_…`.
//!
//! keepalived reads it twice by the same rules: the line's words first, of which the first one is the command, then that
//! one's words, which are the program and its arguments. Each time quotes of either kind keep spaces, and `\` is resolved
//! inside of them and outside. No shell reads it.

use super::super::diagnostic::{Problem, quoted};
use super::super::schema::{Context, Entry};

/// Why a text is no command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unreadable {
    OpenQuote,
    /// An escape yields a byte that is zero or of no UTF-8 text.
    Byte,
}

/// The command and its arguments in the first value of a word; empty, and reported, where there is none.
pub(super) fn first(cx: &mut Context, entry: &Entry) -> Vec<String> {
    let parted = words(&written(cx, entry)).and_then(|outer| outer.first().map_or(Ok(Vec::new()), |line| words(line)));
    let parted = match parted.and_then(texts) {
        Ok(parted) => parted,
        Err(why) => {
            let (code, message, help) = match why {
                Unreadable::OpenQuote => ("open-quote", "a quote in the command is not closed", "close it"),
                Unreadable::Byte => (
                    "bad-escape",
                    "an escape in the command stands for a byte that no text has",
                    "write \\\\\\\\ for a \\ that the program is to get: the line is read twice",
                ),
            };
            // A quote that the line leaves open was told by the lexer.
            if !cx.report.problems().iter().any(|known| known.subject() == (code, true, entry.value_at(1))) {
                cx.report.add(Problem::error(entry.value_at(1), code, message).help(help));
            }
            return Vec::new();
        }
    };
    if parted.is_empty() {
        let help = format!("write {} \"/path/to/command arguments\"", entry.keyword.word);
        cx.report
            .add(Problem::warning(entry.at, "no-script", "the command is empty: the script is left out").help(help));
    }
    if let Some(sign) = parted.iter().find(|word| matches!(word.as_str(), "|" | "||" | "&" | "&&" | ";" | ">" | "<")) {
        let message = format!("no shell reads the command: {} is handed to it as an argument", quoted(sign));
        let help = format!("write {} \"/bin/sh -c '…'\" for a line of shell", entry.keyword.word);
        cx.report.add(Problem::warning(entry.value_at(1), "no-shell", message).help(help));
    }
    parted
}

/// The same where nothing else may follow.
pub(super) fn only(cx: &mut Context, entry: &Entry) -> Vec<String> {
    let parted = first(cx, entry);
    if let Some(token) = entry.statement.words.get(2) {
        let word = entry.keyword.word;
        let message = format!(
            "{} is not used: {word} takes one word, and a command with arguments stands in quotes",
            quoted(&cx.sources.word(token.span))
        );
        let help = format!("write {word} \"/path/to/command arguments\"");
        cx.report.add(Problem::warning(token.span, "too-many-values", message).help(help));
    }
    parted
}

/// What stands behind the word, as it is written.
fn written(cx: &Context, entry: &Entry) -> Vec<u8> {
    let mut line = String::new();
    let mut before = None;
    for span in entry.statement.words.iter().skip(1).map(|token| token.span) {
        // A space behind a `\` belongs to the word; the lexer parts there.
        let gap =
            before.filter(|(source, _)| *source == span.source).map_or(1, |(_, end)| span.start.saturating_sub(end));
        line.extend(before.map(|_| " ".repeat(usize::try_from(gap).unwrap_or(1).clamp(1, 2))));
        line.push_str(cx.sources.raw(span));
        before = Some((span.source, span.start + span.length));
    }
    line.into_bytes()
}

/// Words parted at white space outside of quotes, with quotes and escapes resolved.
fn words(line: &[u8]) -> Result<Vec<Vec<u8>>, Unreadable> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<Vec<u8>>, None);
    let mut rest = line;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match (byte, quote) {
            (b'\\', _) => word.get_or_insert_default().extend(escaped(&mut rest)),
            (b'\'' | b'"', None) => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (_, Some(open)) if byte == open => quote = None,
            (_, None) if byte.is_ascii_whitespace() || byte == 0x0b => words.extend(word.take()),
            _ => word.get_or_insert_default().push(byte),
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

fn texts(words: Vec<Vec<u8>>) -> Result<Vec<String>, Unreadable> {
    let text = |word: Vec<u8>| String::from_utf8(word).ok().filter(|text| !text.contains('\0')).ok_or(Unreadable::Byte);
    words.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<String, Unreadable> {
        let outer = words(line.as_bytes())?;
        Ok(texts(words(outer.first().map_or(&[], Vec::as_slice))?)?.join("|"))
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

//! The patterns of `include` as glob(3) reads them, written for the glob crate: `\` makes a letter of what follows, `[^…]` is `[!…]`,
//! `[:alpha:]` and its like stand for ASCII letters, a `[` that nothing closes is a letter, and several `*` are one.

use std::iter::Peekable;
use std::str::Chars;

/// Letters from the first to the last one.
type Range = (char, char);

/// The names of glob(3) in brackets.
const CLASSES: &[(&str, &[Range])] = &[
    ("alpha", &[('A', 'Z'), ('a', 'z')]),
    ("digit", &[('0', '9')]),
    ("alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("upper", &[('A', 'Z')]),
    ("lower", &[('a', 'z')]),
    ("xdigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
    ("punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("graph", &[('!', '~')]),
    ("print", &[(' ', '~')]),
    ("space", &[(' ', ' '), ('\t', '\r')]),
    ("blank", &[(' ', ' '), ('\t', '\t')]),
    ("cntrl", &[('\0', '\u{1f}'), ('\u{7f}', '\u{7f}')]),
];

/// A pattern for the glob crate; none where it matches nothing.
pub(super) fn as_read(pattern: &str) -> Option<String> {
    let parts: Option<Vec<_>> = pattern.split('/').map(component).collect();
    Some(parts?.join("/"))
}

fn component(text: &str) -> Option<String> {
    let mut read = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    // What no bracket closes from here on no bracket closes further on either.
    let mut is_closed = text.contains(']');
    while let Some(c) = rest.next() {
        match c {
            '\\' => escape(&mut read, rest.next()?),
            '*' if read.ends_with('*') => {}
            '[' if is_closed => {
                let mut behind = rest.clone();
                if let Some((inverted, ranges)) = bracket(&mut behind) {
                    read.push_str(&written(inverted, &ranges)?);
                    rest = behind;
                } else {
                    is_closed = false;
                    escape(&mut read, c);
                }
            }
            '[' => escape(&mut read, c),
            _ => read.push(c),
        }
    }
    Some(read)
}

fn escape(read: &mut String, letter: char) {
    if matches!(letter, '*' | '?' | '[') {
        read.extend(['[', letter, ']']);
    } else {
        read.push(letter);
    }
}

/// What stands in brackets, up to the `]` behind them; none where there is none.
fn bracket(rest: &mut Peekable<Chars>) -> Option<(bool, Vec<Range>)> {
    let inverted = rest.next_if(|c| matches!(c, '^' | '!')).is_some();
    let mut ranges = Vec::new();
    loop {
        let c = rest.next()?;
        // A ] right behind the [ is one of its letters.
        if c == ']' && !ranges.is_empty() {
            return Some((inverted, ranges));
        }
        let first = match (c, rest.peek()) {
            ('[', Some(':')) => {
                let name = named(rest, ':')?;
                ranges.extend(
                    CLASSES.iter().find(|(class, _)| **class == name).map_or(&[('b', 'a')][..], |(_, all)| all),
                );
                continue;
            }
            ('[', Some(sign @ ('.' | '='))) => {
                let sign = *sign;
                named(rest, sign)?.chars().next()?
            }
            ('\\', _) => rest.next()?,
            _ => c,
        };
        let mut ahead = rest.clone();
        let last = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(last)) if last != ']' => {
                *rest = ahead;
                if last == '\\' { rest.next()? } else { last }
            }
            _ => first,
        };
        ranges.push((first, last));
    }
}

/// The name between `[:` and `:]`.
fn named(rest: &mut Peekable<Chars>, sign: char) -> Option<String> {
    rest.next();
    let mut name = String::new();
    loop {
        match rest.next()? {
            c if c == sign && rest.next_if_eq(&']').is_some() => return Some(name),
            c => name.push(c),
        }
    }
}

/// Brackets for the glob crate, in which `]`, `!` and `-` have their places; none where they match nothing.
fn written(inverted: bool, ranges: &[Range]) -> Option<String> {
    let has = |sign: char| ranges.iter().any(|(first, last)| (*first..=*last).contains(&sign));
    let mut plain = String::new();
    for (first, last) in ranges {
        let mut from = *first;
        for sign in ['!', '-', ']'].into_iter().filter(|sign| (*first..=*last).contains(sign)) {
            push(&mut plain, from, before(sign));
            from = after(sign);
        }
        push(&mut plain, from, *last);
    }
    let (close, dash, bang) = (has(']'), has('-'), has('!'));
    let mut read = String::from(if inverted { "[!" } else { "[" });
    read.extend(close.then_some(']'));
    read += &plain;
    match (bang, dash, read.as_str()) {
        (true, false, "[") => return Some("!".to_owned()),
        (true, true, "[") => read += "-!",
        _ => read.extend(bang.then_some('!').into_iter().chain(dash.then_some('-'))),
    }
    read.push(']');
    match read.as_str() {
        "[]" => None,
        "[!]" => Some("?".to_owned()),
        _ => Some(read),
    }
}

fn push(plain: &mut String, first: char, last: char) {
    if first == last {
        plain.push(first);
    } else if first < last {
        plain.extend([first, '-', last]);
    }
}

fn before(sign: char) -> char {
    char::from_u32(u32::from(sign) - 1).unwrap_or(sign)
}

fn after(sign: char) -> char {
    char::from_u32(u32::from(sign) + 1).unwrap_or(sign)
}

#[cfg(test)]
mod tests {
    use super::as_read;

    /// What matches was compared with keepalived 2.2.7, which leaves patterns to glob(3).
    #[test]
    fn a_pattern_matches_as_with_glob_3() {
        let names = ["a", "b", "c", "1", "*", "[", "]", "^", "-", "A", "\\", "?", "{"];
        for (pattern, matches) in [
            ("x[^a]", "b c 1 * [ ] ^ - A \\ ? {"),
            ("x[[:alpha:]]", "a b c A"),
            ("x[^[:alpha:]]", "1 * [ ] ^ - \\ ? {"),
            ("x[[:alpha:]1]", "a b c 1 A"),
            ("x[[:punct:]]", "* [ ] ^ - \\ ? {"),
            ("x[[:foo:]]", ""),
            ("x[[=a=]]", "a"),
            ("x[[.a.]]", "a"),
            ("x\\*", "*"),
            ("x\\[", "["),
            ("x\\]", "]"),
            ("x\\a", "a"),
            ("x\\?", "?"),
            ("x\\\\", "\\"),
            ("x[\\]]", "]"),
            ("x[\\]a]", "a ]"),
            ("x[a\\-c]", "a c -"),
            ("x[^]a]", "b c 1 * [ ^ - A \\ ? {"),
            ("x[]]", "]"),
            ("x[]a]", "a ]"),
            ("x[a-c]", "a b c"),
            ("x[c-a]", ""),
            ("x[--a]", "a 1 [ ] ^ - A \\ ?"),
            ("x[a^]", "a ^"),
            ("x[\\a-c]", "a b c"),
            ("x[a-\\c]", "a b c"),
            ("x[", "["),
            ("x**", "a b c 1 * [ ] ^ - A \\ ? {"),
        ] {
            let found = as_read(pattern).map(|read| glob::Pattern::new(&read).unwrap());
            let found = names.into_iter().filter(|name| found.as_ref().is_some_and(|p| p.matches(&format!("x{name}"))));
            assert_eq!(found.collect::<Vec<_>>().join(" "), matches, "{pattern}");
        }
        assert_eq!(as_read("a[b/c]").as_deref(), Some("a[[]b/c]"), "a bracket ends with its directory");
        assert_eq!(as_read("a\\"), None);
    }

    #[test]
    fn every_pattern_is_read_in_linear_time_as_one_that_the_crate_takes() {
        let signs = ['[', ']', '!', '^', '-', '\\', '*', 'a', ':', '.'];
        for seed in 0_u64..20_000 {
            let mut rest = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let pattern: String = std::iter::repeat_with(|| {
                rest = rest.rotate_left(7).wrapping_mul(0x2545_f491_4f6c_dd1d);
                signs[usize::try_from(rest >> 33).unwrap() % signs.len()]
            })
            .take(8)
            .collect();
            if let Some(read) = as_read(&pattern) {
                assert!(glob::Pattern::new(&read).is_ok(), "{pattern} {read}");
            }
        }
        assert!(as_read(&"[a".repeat(200_000)).is_some());
    }
}

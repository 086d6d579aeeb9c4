//! What is said of words that fit nowhere: unknown ones, with what was probably meant, and values that their word does not
//! take.

use super::argument::Unfit;
use super::diagnostic::{Problem, quoted};
use super::keywords::{Block, Keyword, MEANT, Value};
use super::secrets;
use super::source::Span;
use super::suggest::{foreign_letter, nearest};
use super::tree::Statement;
use crate::engine::model::SCHEDULERS;
use std::net::IpAddr;

/// What is said about a value that does not fit its keyword.
pub(super) fn misfit(keyword: &Keyword, word: &str, unfit: &Unfit, at: Span) -> Problem {
    let wanted = keyword.value.wanted();
    let help = match keyword.value {
        Value::Choice(choices) | Value::Exactly(choices) => suggestion(word, choices.iter().copied()),
        Value::Scheduler => {
            let names = SCHEDULERS.iter().map(|(_, name, _)| *name);
            let listed = || Some(format!("the schedulers are {}", wanted.trim_start_matches("one of ")));
            suggestion(word, names).or_else(listed)
        }
        Value::Address | Value::OwnAddress if let Some(meant) = meant_address(word) => {
            Some(format!("write {} {}", keyword.word, meant.split(' ').next().unwrap_or("")))
        }
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
    if !is_ignored(keyword.value) {
        return Problem::error(at, unfit.code, message).help_if(help);
    }
    let code = if unfit.code == "bad-address" { "unfit-address" } else { unfit.code };
    Problem::warning(at, code, format!("{message}; it is ignored, as keepalived does")).help_if(help)
}

/// Whether keepalived goes on without a line whose value is none of its kind.
const fn is_ignored(value: Value) -> bool {
    match value {
        Value::Choice(_)
        | Value::Exactly(_)
        | Value::Scheduler
        | Value::Switch
        | Value::Address
        | Value::OwnAddress => true,
        Value::Flag
        | Value::Netmask
        | Value::Number(..)
        | Value::NumberOr(..)
        | Value::Signed(..)
        | Value::Weight(..)
        | Value::Seconds(..)
        | Value::Text
        | Value::Words
        | Value::Command
        | Value::Expression
        | Value::Server
        | Value::MailServer
        | Value::Block(_)
        | Value::Named(_)
        | Value::Service(_)
        | Value::RealServer(_)
        | Value::Anything => false,
    }
}

/// A word with quotes, unless it is a plain number.
pub(super) fn shown(word: &str) -> String {
    let plain =
        !word.is_empty() && word.len() <= 20 && word.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    if plain { word.to_owned() } else { quoted(word) }
}

fn suggestion<'w>(word: &str, words: impl IntoIterator<Item = &'w str> + Clone) -> Option<String> {
    nearest(word, words).map(|meant| format!("did you mean {meant}?"))
}

/// The address that is meant by one in brackets, with a sign or with a port behind it.
pub(super) fn meant_address(word: &str) -> Option<String> {
    let is_address = |text: &str| text.parse::<IpAddr>().is_ok();
    let is_port = |text: &str| text.parse::<u16>().is_ok();
    let plain = word.trim_end_matches([';', ',']);
    if let Some((address, port)) = plain.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        return match port.strip_prefix(':') {
            _ if !is_address(address) => None,
            Some(port) if is_port(port) => Some(format!("{address} {port}")),
            _ => Some(address.to_owned()),
        };
    }
    match plain.split_once(':') {
        _ if is_address(plain) => Some(plain.to_owned()).filter(|meant| meant != word),
        Some((address, port)) if is_address(address) && is_port(port) => Some(format!("{address} {port}")),
        _ => None,
    }
}

/// The line that is meant by a word of the block with a sign and perhaps its value behind it: `priority=100`, `nopreempt;`.
fn without_sign(block: Block, word: &str, words: &[String]) -> Option<String> {
    let (stem, behind) = word.split_at(word.find(['=', ':', ';', ','])?);
    let keyword = block.find(stem)?;
    let sign = behind.get(..1)?;
    let inner = Some(behind.trim_matches(['=', ':', ';', ','])).filter(|inner| !inner.is_empty());
    let value = inner.or_else(|| words.get(1).map(String::as_str)).filter(|_| keyword.value.arity().1 > 0);
    let value = value.map_or(String::new(), |value| format!(" {value}"));
    Some(format!("{stem}{value}, without the {sign}"))
}

/// The sign of another language at the end of an unknown word, or that is the word.
pub(super) fn stray(word: &str) -> Option<char> {
    word.chars().last().filter(|sign| matches!(sign, ':' | ';' | ','))
}

/// What is said of a word that stands for a value which somebody has to fill in, or that another program fills in.
pub(super) fn placeholder(word: &str) -> Option<&'static str> {
    let within = |left: &str, right: &str| {
        word.len() > left.len() + right.len() && word.starts_with(left) && word.ends_with(right)
    };
    let octets = word.split('/').next().unwrap_or("").split('.').collect::<Vec<_>>();
    let is_octet = |octet: &&str| octet.bytes().all(|byte| byte.is_ascii_digit()) || is_crosses(octet);
    let is_address = octets.len() == 4 && octets.iter().all(is_octet) && octets.iter().any(|octet| is_crosses(octet));
    if is_address || within("<", ">") || within("%", "%") || within("__", "__") {
        return Some("this is a placeholder: write the value of this host");
    }
    let pasted = PASTED.iter().find(|(begin, whole, _)| if *whole { word == *begin } else { word.starts_with(begin) });
    if let Some((.., told)) = pasted {
        return Some(told);
    }
    if word.starts_with("$(") || word.starts_with('`') {
        return Some("no shell reads this file: write what the command prints");
    }
    (word.starts_with("${") && word.ends_with('}') && word.contains([':', '-', '=']))
        .then_some("only a shell knows such a default: write $NAME=VALUE in a line above, and ${NAME} here")
}

/// What words begin with, or are, that came with a paste from elsewhere.
const PASTED: &[(&str, bool, &str)] = &[
    ("//", false, "a comment begins with # or !"),
    ("/*", false, "a comment begins with # or !, on each of its lines"),
    ("--", true, "a comment begins with # or !"),
    ("<<<<<<<", false, "this is of a merge that was not finished: keep one of the two versions"),
    ("=======", false, "this is of a merge that was not finished: keep one of the two versions"),
    (">>>>>>>", false, "this is of a merge that was not finished: keep one of the two versions"),
    ("&quot;", false, "this is HTML: write the sign that it stands for, \""),
    ("&lt;", false, "this is HTML: write the sign that it stands for"),
    ("&gt;", false, "this is HTML: write the sign that it stands for"),
    ("&amp;", false, "this is HTML: write the sign that it stands for, &"),
    ("+", true, "this looks like what diff prints: remove the signs in front, and the lines with a -"),
    ("-", true, "this is of a list in YAML, or of what diff prints: write each value alone on its line"),
    ("(", true, "blocks stand in { and }"),
    (")", true, "blocks stand in { and }"),
    ("EOF", true, "this ends a document of the shell: remove the line"),
    ("[root@", false, "this is the prompt of a shell: remove the line"),
    ("```", false, "this is of a text with marks: remove the line"),
];

fn is_crosses(octet: &str) -> bool {
    !octet.is_empty() && octet.bytes().all(|byte| matches!(byte, b'x' | b'X'))
}

/// A shorter word is too near to too many others to have been one of another block.
const SHORT: usize = 8;

/// Of an unknown word, or of one with a block behind it, which keepalived takes otherwise.
pub(super) const fn unknown_code(has_block: bool) -> &'static str {
    if has_block { "unknown-block" } else { "unknown-word" }
}

/// The block that is meant by an unknown word with a block behind it, where there is no doubt.
pub(super) fn misspelt(block: Block, word: &str, statement: &Statement) -> Option<&'static Keyword> {
    statement.block.as_ref()?;
    let usual = MEANT.iter().find(|(b, wrong, _)| *b == block && *wrong == word).map(|(_, _, right)| *right);
    let meant = usual.or_else(|| nearest(word, block.words()))?;
    block.find(meant).filter(|keyword| keyword.value.block().is_some())
}

/// Blocks whose words have secrets behind them.
const SECRETIVE: [Block; 3] = [Block::Authentication, Block::AuthHmac, Block::Ssl];

pub(super) fn unknown(block: Block, word: &str, has_block: bool, words: &[String], at: Span) -> Problem {
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
    if let Some(meant) = without_sign(block, word, words) {
        return problem.help(format!("write {meant}"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_with_a_sign_is_recognised_in_its_block() {
        let meant = |line: &str| {
            let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
            without_sign(Block::Instance, &words[0], &words)
        };
        for (line, told) in [
            ("priority=100", Some("priority 100, without the =")),
            ("priority: 100", Some("priority 100, without the :")),
            ("nopreempt;", Some("nopreempt, without the ;")),
            ("priority =100", None),
            ("eth0:1", None),
        ] {
            assert_eq!(meant(line).as_deref(), told, "{line}");
        }
    }

    #[test]
    fn a_word_that_somebody_has_to_fill_in_is_recognised() {
        for word in [
            "//",
            "//x",
            "<<<<<<<",
            "+",
            "[root@lb1",
            "&quot;x&quot;",
            "<VIP>",
            "%VIP%",
            "__VIP__",
            "10.0.0.x",
            "X.X.X.X/24",
            "$(hostname",
            "${A:-1}",
        ] {
            assert!(placeholder(word).is_some(), "{word}");
        }
        for word in ["<", "10.0.0.1", "+5", "/x", "EOFX", "xxx", "${A}", "web.x.y.z", "%", "eth0"] {
            assert_eq!(placeholder(word), None, "{word}");
        }
    }

    #[test]
    fn an_address_with_something_around_it_is_recognised() {
        for (written, meant) in [
            ("[::1]", Some("::1")),
            ("[fd00::1]:80", Some("fd00::1 80")),
            ("10.0.0.1:80", Some("10.0.0.1 80")),
            ("10.0.0.1,", Some("10.0.0.1")),
            ("fd00::1;", Some("fd00::1")),
            ("10.0.0.1", None),
            ("web1:80", None),
            ("[x]", None),
        ] {
            assert_eq!(meant_address(written).as_deref(), meant, "{written}");
        }
    }
}

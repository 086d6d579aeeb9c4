//! The words behind a keyword → a value of the kind that the table asks for.

use super::keywords::{Value, decimal};
use crate::engine::model::Scheduler;
use std::net::IpAddr;
use std::time::Duration;

/// A value that fits its keyword.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Argument {
    /// The keyword's words are left to the one who lowers it.
    Free,
    Switch(bool),
    Number(u64),
    Signed(i64),
    Time(Duration),
    Text(String),
    Scheduler(Scheduler),
    Address(IpAddr),
}

/// Why a word is no value of its keyword.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unfit {
    pub code: &'static str,
    /// What is wrong with it: "is not a number".
    pub what: String,
}

fn unfit(code: &'static str, what: impl Into<String>) -> Unfit {
    Unfit { code, what: what.into() }
}

/// Reads `words` as `value`; their number was checked before.
pub(super) fn parse(value: Value, words: &[String]) -> Result<Argument, Unfit> {
    let word = words.first().map_or("", String::as_str);
    match value {
        Value::Flag => Ok(Argument::Switch(true)),
        Value::Switch => switch(word),
        Value::NumberOr(_, _, default) if words.is_empty() => Ok(Argument::Number(default)),
        Value::Number(low, high) | Value::NumberOr(low, high, _) => number(word, low, high).map(Argument::Number),
        Value::Signed(low, high) | Value::Weight(low, high) => signed(word, low, high),
        Value::Seconds(low, high) => seconds(word, low, high),
        Value::Text | Value::Netmask if word.is_empty() => Err(unfit("empty", "is empty")),
        Value::Text | Value::Netmask => Ok(Argument::Text(word.to_owned())),
        Value::Words | Value::Command | Value::Expression => Ok(Argument::Text(words.join(" "))),
        Value::Choice(choices) => choices
            .iter()
            .find(|choice| choice.eq_ignore_ascii_case(word))
            .map(|choice| Argument::Text((*choice).to_owned()))
            .ok_or_else(|| unfit("unknown-value", format!("is not {}", value.wanted()))),
        Value::Exactly(choices) => choices
            .iter()
            .find(|choice| **choice == word)
            .map(|choice| Argument::Text((*choice).to_owned()))
            .ok_or_else(|| unfit("unknown-value", format!("is not {}", value.wanted()))),
        Value::Scheduler => Scheduler::from_name(word)
            .map(Argument::Scheduler)
            .ok_or_else(|| unfit("unknown-scheduler", "is no scheduler of the kernel")),
        Value::Address | Value::OwnAddress => {
            alone(value, word).parse().map(Argument::Address).map_err(|_| unfit("bad-address", "is not an address"))
        }
        Value::Server
        | Value::MailServer
        | Value::Block(_)
        | Value::Named(_)
        | Value::Service(_)
        | Value::RealServer(_)
        | Value::Anything => Ok(Argument::Free),
    }
}

fn switch(word: &str) -> Result<Argument, Unfit> {
    let on = if word.is_empty() { Some(true) } else { said(word) };
    on.map(Argument::Switch).ok_or_else(|| unfit("unknown-value", "is neither on nor off"))
}

/// What a word says that turns something on or off.
pub(super) fn said(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" => Some(true),
        "false" | "off" | "no" => Some(false),
        _ => None,
    }
}
/// The word without a prefix length or the end of a range, where keepalived reads no further.
fn alone(value: Value, word: &str) -> &str {
    let ends: &[char] = if value == Value::OwnAddress { &['/'] } else { &['/', '-'] };
    word.split(ends).next().unwrap_or("")
}

/// A whole number of `low..=high`. As in keepalived, blanks in front, within quotes, and a + are no part of it.
pub(super) fn number(word: &str, low: u64, high: u64) -> Result<u64, Unfit> {
    let word = word.trim_ascii_start();
    let out_of_range = || unfit("out-of-range", format!("is out of range: {low} to {high} is allowed"));
    if is_digits(word.strip_prefix(['-', '+']).unwrap_or(word)) {
        return word.parse().ok().filter(|n| (low..=high).contains(n)).ok_or_else(out_of_range);
    }
    Err(unfit("not-a-number", "is not a whole number"))
}

fn is_digits(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

pub(super) fn signed(word: &str, low: i64, high: i64) -> Result<Argument, Unfit> {
    let word = word.trim_ascii_start();
    if !is_digits(word.strip_prefix(['-', '+']).unwrap_or(word)) {
        return Err(unfit("not-a-number", "is not a whole number"));
    }
    word.parse()
        .ok()
        .filter(|n| (low..=high).contains(n))
        .map(Argument::Signed)
        .ok_or_else(|| unfit("out-of-range", format!("is out of range: {low} to {high} is allowed")))
}

/// Decimal seconds; digits behind the sixth are rounded away.
fn seconds(word: &str, low: u64, high: u64) -> Result<Argument, Unfit> {
    let word = word.trim_ascii_start();
    let word = word.strip_prefix('+').unwrap_or(word);
    let (whole, fraction) = word.split_once('.').unwrap_or((word, ""));
    let negative = whole.strip_prefix('-').is_some_and(is_digits);
    let plain = (is_digits(whole) || whole.is_empty()) && (is_digits(fraction) || fraction.is_empty());
    if !negative && (!plain || (whole.is_empty() && fraction.is_empty())) {
        return Err(unfit("not-a-number", "is not a number of seconds"));
    }
    micros(word)
        .filter(|n| !negative && (low..=high).contains(n))
        .map(|n| Argument::Time(Duration::from_micros(n)))
        .ok_or_else(|| {
            unfit("out-of-range", format!("is out of range: {} to {} seconds are allowed", decimal(low), decimal(high)))
        })
}

/// Plain decimal seconds in microseconds.
pub(super) fn micros(word: &str) -> Option<u64> {
    let (whole, fraction) = word.split_once('.').unwrap_or((word, ""));
    let seconds: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let digits: String = fraction.chars().chain("0000000".chars()).take(7).collect();
    let rounded = (digits.parse::<u64>().ok()? + 5) / 10;
    seconds.checked_mul(1_000_000)?.checked_add(rounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Value, word: &str) -> Result<Argument, &'static str> {
        parse(value, &[word.to_owned()]).map_err(|unfit| unfit.code)
    }

    #[test]
    fn seconds_are_read_exactly() {
        let seconds = Value::Seconds(10_000, 255_000_000);
        for (word, micros) in
            [("1", 1_000_000), ("+5", 5_000_000), (" +.25", 250_000), ("0.01", 10_000), ("1.0000004", 1_000_000)]
        {
            assert_eq!(read(seconds, word), Ok(Argument::Time(Duration::from_micros(micros))), "{word}");
        }
        for (word, code) in [
            ("0", "out-of-range"),
            ("256", "out-of-range"),
            ("-1", "out-of-range"),
            ("99999999999999999999", "out-of-range"),
            ("1s", "not-a-number"),
            ("++1", "not-a-number"),
            ("", "not-a-number"),
            (".", "not-a-number"),
            ("1.2.3", "not-a-number"),
            ("1e3", "not-a-number"),
        ] {
            assert_eq!(read(seconds, word), Err(code), "{word}");
        }
    }

    #[test]
    fn numbers_keep_to_their_bounds() {
        assert_eq!(read(Value::Number(1, 255), "255"), Ok(Argument::Number(255)));
        for (word, code) in [
            ("0", "out-of-range"),
            ("256", "out-of-range"),
            ("-1", "out-of-range"),
            ("1.5", "not-a-number"),
            ("+", "not-a-number"),
            ("++1", "not-a-number"),
            ("+256", "out-of-range"),
        ] {
            assert_eq!(read(Value::Number(1, 255), word), Err(code), "{word}");
        }
        assert_eq!(read(Value::Number(1, 255), "+1"), Ok(Argument::Number(1)));
        assert_eq!(read(Value::Number(1, 255), " +1"), Ok(Argument::Number(1)));
        assert_eq!(read(Value::Signed(-253, 253), "-20"), Ok(Argument::Signed(-20)));
        assert_eq!(read(Value::Signed(-253, 253), " +20"), Ok(Argument::Signed(20)));
        assert_eq!(read(Value::Signed(-253, 253), "254"), Err("out-of-range"));
        assert_eq!(parse(Value::NumberOr(1, 9, 3), &[]), Ok(Argument::Number(3)));
    }

    #[test]
    fn choices_ignore_case_where_keepalived_does() {
        assert_eq!(read(Value::Choice(&["TCP"]), "tcp"), Ok(Argument::Text("TCP".to_owned())));
        assert_eq!(read(Value::Choice(&["TCP"]), "ICMP"), Err("unknown-value"));
        assert_eq!(read(Value::Scheduler, "rrr"), Err("unknown-scheduler"));
    }
}

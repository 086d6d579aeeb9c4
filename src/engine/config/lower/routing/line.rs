//! The words of a line of routes or rules, one after the other, and the values behind them as keepalived reads them.

use super::super::super::Wanted;
use super::super::super::argument;
use super::super::super::diagnostic::{Problem, quoted};
use super::super::super::schema::Context;
use super::super::super::source::Span;
use super::super::super::suggest::nearest_or_longer;
use super::super::address::whole;
use super::prefix::{EVERYWHERE, prefix};
use std::net::IpAddr;

/// What follows a word that lvsdeck does not act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follows {
    Nothing,
    /// A value, without which keepalived does not run.
    Value,
    /// The same, which is a number of the word: keepalived leaves other lines out.
    Number,
    /// A value, or nothing.
    Maybe,
}

/// What becomes of a line of which a value can't be read.
pub(super) const LEFT_OUT: &str = "; the line is left out, as keepalived does";

/// Words whose numbers may be hexadecimal or, behind a 0, octal.
const RADIX: &[&str] =
    &["table", "tos", "dsfield", "protocol", "preference", "priority", "order", "suppress_ifgroup", "fwmark"];

/// Words behind which `lock` may stand, so that the kernel leaves the value alone.
pub(super) const LOCKABLE: &[&str] =
    &["mtu", "advmss", "rtt", "rttvar", "rto_min", "reordering", "cwnd", "ssthresh", "congctl"];

/// Whether keepalived reads a number that does not fit, and takes what is left of it.
fn is_wrapped(word: &str, text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = match digits.strip_prefix("0x") {
        Some(hex) => !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None if digits.starts_with('0') => digits.bytes().all(|byte| matches!(byte, b'0'..=b'7')),
        None => !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()),
    };
    match word {
        "table" => is_number,
        "suppress_ifgroup" => is_number && whole(text).is_some(),
        _ => false,
    }
}

/// Whether a word that lvsdeck does not act on has a number that keepalived takes.
fn fits(word: &str, text: &str) -> bool {
    let plain = |text: &str| argument::number(text, 0, u32::MAX.into()).is_ok();
    match word {
        "rtt" | "rttvar" | "rto_min" => match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            (None, Some(seconds)) => seconds.parse::<f64>().is_ok_and(|seconds| (0.0..=4_294_967.0).contains(&seconds)),
            (milliseconds, _) => plain(milliseconds.unwrap_or(text)),
        },
        "realms" => text.split('/').all(|realm| whole(realm).is_some_and(|realm| realm <= 0xffff)),
        "quickack" => matches!(text, "0" | "1"),
        _ => plain(text),
    }
}

/// The words of a line, one after the other.
pub(super) struct Line<'l> {
    /// The block that it stands in, for messages.
    pub of: &'static str,
    pub words: &'l [String],
    pub spans: &'l [Span],
    pub next: usize,
    /// What becomes of it where a value can't be read.
    pub then: &'static str,
}

impl Line<'_> {
    pub fn word(&mut self) -> Option<(String, Span)> {
        let found = self.words.get(self.next).cloned().zip(self.spans.get(self.next).copied());
        self.next += 1;
        found
    }

    /// Goes on behind the values of a word that is read over.
    pub fn skip_values(&mut self, cx: &mut Context, word: &str, at: Span, follows: Follows) -> Option<()> {
        let next = self.words.get(self.next).map_or("", String::as_str);
        self.next += usize::from(word == "as" && next == "to" || LOCKABLE.contains(&word) && next == "lock");
        match follows {
            Follows::Nothing => {}
            Follows::Maybe => self.next += 1,
            Follows::Value => _ = self.value(cx, word, at)?,
            Follows::Number => {
                let (text, span) = self.value(cx, word, at)?;
                if !fits(word, text.strip_prefix('+').unwrap_or(&text)) {
                    let message = format!("{word} {} is no number{LEFT_OUT}", quoted(&text));
                    cx.report.add(Problem::warning(span, "not-a-number", message).help(format!("write {word} NUMBER")));
                    return None;
                }
            }
        }
        Some(())
    }

    /// Whether the next word is of IPv4 (`.`) or of IPv6 (`:`): of `::/0` nothing else remains, since it restricts nothing.
    pub fn is_of(&self, sign: char) -> bool {
        self.words.get(self.next).is_some_and(|word| word.contains(sign))
    }

    /// The value behind a word; without it keepalived does not run.
    pub fn value(&mut self, cx: &mut Context, word: &str, at: Span) -> Option<(String, Span)> {
        let found = self.word();
        if found.is_none() {
            let problem = Problem::error(at, "missing-parameter", format!("{word} has no value"));
            cx.report.add(problem.help(format!("write {word} VALUE, or remove the word")));
        }
        found
    }

    /// The name of an interface, which the host has to have.
    pub fn interface(&mut self, cx: &mut Context, word: &str, at: Span) -> Option<String> {
        let (name, span) = self.value(cx, word, at)?;
        cx.wanted.push((span, Wanted::Interface(name.clone())));
        Some(name)
    }

    /// A value has to follow a word; it is read as a word of its own.
    pub fn needs_more(&mut self, cx: &mut Context, word: &str, at: Span) -> Option<()> {
        let next = self.next;
        self.value(cx, word, at)?;
        self.next = next;
        Some(())
    }

    pub fn number(&mut self, cx: &mut Context, word: &str, at: Span, most: u64) -> Option<u32> {
        let (text, span) = self.value(cx, word, at)?;
        let plain = text.trim_ascii_start();
        let plain = plain.strip_prefix('+').unwrap_or(plain);
        let is_metric = self.of.ends_with("routes") && matches!(word, "preference" | "priority");
        let number =
            if RADIX.contains(&word) && !is_metric { whole(plain) } else { argument::number(plain, 0, most).ok() };
        let number = number.filter(|number| *number <= most);
        if number.is_none() {
            let (code, then) = if is_wrapped(word, &text) {
                ("wrapped", "; the line is left out")
            } else {
                ("out-of-range", self.then)
            };
            let message = format!("{word} {} is no whole number up to {most}{then}", quoted(&text));
            cx.report.add(Problem::warning(span, code, message).help(format!("for example: {word} 100")));
        }
        number.and_then(|number| u32::try_from(number).ok())
    }

    pub fn address(&mut self, cx: &mut Context, word: &str, at: Span) -> Option<IpAddr> {
        let (mut text, mut span) = self.value(cx, word, at)?;
        if text == "inet6" || text == "inet" {
            (text, span) = self.value(cx, word, at)?;
        }
        let address = text.parse().ok();
        if address.is_none() {
            let message = format!("{word} {} is no address{}", quoted(&text), self.then);
            cx.report.add(Problem::warning(span, "bad-address", message).help("for example: via 10.0.0.254"));
        }
        address
    }

    /// A prefix, or `default`, which keepalived takes for one of another family behind an address of the line.
    #[allow(clippy::option_option)] // "everywhere" is a prefix too
    pub fn prefix(
        &mut self,
        cx: &mut Context,
        word: &str,
        at: Span,
        before: Option<IpAddr>,
    ) -> Option<Option<(IpAddr, u8)>> {
        let (text, span) = self.value(cx, word, at)?;
        if let (Some(before), true) = (before, EVERYWHERE.contains(&text.as_str())) {
            let message = format!("{text} stands behind {before}{LEFT_OUT}");
            let help = format!("write {text} before it, or {}", if before.is_ipv4() { "0.0.0.0/0" } else { "::/0" });
            cx.report.add(Problem::warning(span, "bad-route", message).help(help));
            return None;
        }
        prefix(cx, self.of, &text, span)
    }

    pub fn table(&mut self, cx: &mut Context, at: Span) -> Option<u32> {
        let name = self.words.get(self.next).map(String::as_str);
        let known = match name {
            Some("main") => Some(254),
            Some("local") => Some(255),
            Some("default") => Some(253),
            Some(name) => cx.tables.get(name).copied(),
            None => None,
        };
        if known.is_some() {
            self.next += 1;
            return known;
        }
        let is_number =
            |name: &str| name.strip_prefix(['+', '-']).unwrap_or(name).starts_with(|c: char| c.is_ascii_digit());
        if let Some(name) = name.filter(|name| !is_number(name)) {
            let message = format!("there is no routing table {} on this host{LEFT_OUT}", quoted(name));
            let help = match nearest_or_longer(name, &cx.tables.keys().map(String::as_str).collect::<Vec<_>>()) {
                Some(meant) => format!("did you mean {meant}?"),
                None => format!(
                    "write its number, or \"100 {name}\" into /etc/iproute2/rt_tables.d/{name}.conf, 100 being the number"
                ),
            };
            let at = self.spans.get(self.next).copied().unwrap_or(at);
            cx.report.add(Problem::warning(at, "unknown-name", message).help(help));
            return None;
        }
        self.number(cx, "table", at, u32::MAX.into())
    }
}

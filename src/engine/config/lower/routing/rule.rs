//! One line of `virtual_rules`.

use super::super::super::argument;
use super::super::super::diagnostic::{Problem, quoted};
use super::super::super::keywords::Block;
use super::super::super::schema::Context;
use super::super::super::source::Span;
use super::{Follows, LEFT_OUT, Line, known, other, same_family};
use crate::engine::model::{Family, RuleAction, RuleLimits, VirtualRule};
use std::net::{IpAddr, Ipv4Addr};

/// Rules without a preference are given one from here down.
const FIRST_PREFERENCE: u32 = 16_384;

/// Words of a rule that lvsdeck does not act on, and what follows.
const OTHER_RULE: &[(&str, Follows)] = &[
    ("realms", Follows::Number),
    ("protocol", Follows::Value),
    ("track_group", Follows::Maybe),
    ("tunnel-id", Follows::Number),
    ("l3mdev", Follows::Nothing),
];

#[cfg(test)]
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    let protocols = PROTOCOLS.iter().map(|(word, _)| *word);
    RULE.iter().map(|(word, _)| *word).chain(OTHER_RULE.iter().map(|(word, _)| *word)).chain(protocols)
}

/// What a word of a rule says.
#[derive(Clone, Copy)]
enum RuleWord {
    From,
    To,
    Input,
    Output,
    Mark,
    Tos,
    Table,
    Goto,
    Action(RuleAction),
    Preference,
    Users,
    Protocol,
    SourcePorts,
    DestinationPorts,
    SuppressedPrefix,
    SuppressedGroup,
    Not,
    Inet6,
    /// The kind of the rule follows.
    Type,
    Nothing,
}

const RULE: &[(&str, RuleWord)] = &[
    ("from", RuleWord::From),
    ("to", RuleWord::To),
    ("iif", RuleWord::Input),
    ("dev", RuleWord::Input),
    ("oif", RuleWord::Output),
    ("fwmark", RuleWord::Mark),
    ("tos", RuleWord::Tos),
    ("dsfield", RuleWord::Tos),
    ("table", RuleWord::Table),
    ("lookup", RuleWord::Table),
    ("preference", RuleWord::Preference),
    ("priority", RuleWord::Preference),
    ("order", RuleWord::Preference),
    ("uidrange", RuleWord::Users),
    ("ipproto", RuleWord::Protocol),
    ("sport", RuleWord::SourcePorts),
    ("dport", RuleWord::DestinationPorts),
    ("suppress_prefixlength", RuleWord::SuppressedPrefix),
    ("suppress_ifgroup", RuleWord::SuppressedGroup),
    ("goto", RuleWord::Goto),
    ("blackhole", RuleWord::Action(RuleAction::Blackhole)),
    ("unreachable", RuleWord::Action(RuleAction::Unreachable)),
    ("prohibit", RuleWord::Action(RuleAction::Prohibit)),
    ("nop", RuleWord::Action(RuleAction::Nothing)),
    ("not", RuleWord::Not),
    ("inet6", RuleWord::Inet6),
    ("type", RuleWord::Type),
    ("inet", RuleWord::Nothing),
    ("no_track", RuleWord::Nothing),
];

pub(super) fn rule(cx: &mut Context, line: &mut Line, at: Span) -> Option<VirtualRule> {
    let mut rule = VirtualRule {
        family: Family::Inet,
        action: RuleAction::Table(254),
        from: None,
        to: None,
        input: None,
        output: None,
        mark: None,
        tos: 0,
        preference: 0,
        inverted: false,
        limits: RuleLimits::default(),
    };
    let (mut preference, mut four, mut six, mut actions) = (None, false, false, 0);
    while let Some((word, span)) = line.word() {
        let Some(known) = known(RULE, &word) else {
            other(cx, line, Block::Rules, (&word, span), OTHER_RULE, RULE)?;
            continue;
        };
        actions += usize::from(matches!(known, RuleWord::Table | RuleWord::Goto | RuleWord::Action(_)));
        match known {
            RuleWord::From | RuleWord::To => {
                (four, six) = (four || line.is_of('.'), six || line.is_of(':'));
                let prefix = line.prefix(cx, &word, span, rule.from.or(rule.to).map(|(address, _)| address))?;
                *(if word == "to" { &mut rule.to } else { &mut rule.from }) = prefix;
            }
            RuleWord::Input => rule.input = Some(line.interface(cx, &word, span)?),
            RuleWord::Output => rule.output = Some(line.interface(cx, &word, span)?),
            RuleWord::Mark => rule.mark = Some(mark(cx, line, span)?),
            RuleWord::Tos => rule.tos = u8::try_from(line.number(cx, &word, span, 255)?).unwrap_or(0),
            RuleWord::Table => rule.action = RuleAction::Table(table(cx, line, span)?),
            RuleWord::Goto => rule.action = RuleAction::Goto(line.number(cx, &word, span, u32::MAX.into())?),
            RuleWord::Action(action) => rule.action = action,
            RuleWord::Preference => preference = Some(line.number(cx, &word, span, u32::MAX.into())?),
            RuleWord::Users => rule.limits.users = Some(range(cx, line, &word, span, u32::MAX)?),
            RuleWord::Protocol => rule.limits.protocol = Some(protocol(cx, line, span)?),
            RuleWord::SourcePorts => rule.limits.source_ports = Some(ports(cx, line, &word, span)?),
            RuleWord::DestinationPorts => rule.limits.destination_ports = Some(ports(cx, line, &word, span)?),
            RuleWord::SuppressedPrefix => {
                rule.limits.suppressed_prefix = Some(line.number(cx, &word, span, i32::MAX.unsigned_abs().into())?);
            }
            RuleWord::SuppressedGroup => {
                rule.limits.suppressed_group = Some(line.number(cx, &word, span, u32::MAX.into())?);
            }
            RuleWord::Not => rule.inverted = true,
            RuleWord::Inet6 => six = true,
            RuleWord::Type => line.needs_more(cx, &word, span)?,
            RuleWord::Nothing => {}
        }
    }
    let addresses = [rule.from.map(|(address, _)| address), rule.to.map(|(address, _)| address)];
    six |= addresses.iter().flatten().any(IpAddr::is_ipv6);
    rule.family = if six { Family::Inet6 } else { Family::Inet };
    let everywhere = four.then_some(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    same_family(cx, at, rule.family, addresses.iter().flatten().chain(&everywhere))?;
    if actions != 1 {
        let message = match actions {
            0 => format!("a line of {} says nothing of what it leads to; it is left out, as in keepalived", line.of),
            _ => format!("a line of {} leads to several things; it is left out, as in keepalived", line.of),
        };
        cx.report.add(Problem::warning(at, "bad-rule", message).help("write one of table N, goto N, blackhole, …"));
        return None;
    }
    rule.preference = preference.unwrap_or_else(|| without_preference(cx, rule.family, at));
    if let RuleAction::Goto(target) = rule.action
        && target <= rule.preference
    {
        let message = format!("goto {target} leads back from {}{LEFT_OUT}", rule.preference);
        cx.report
            .add(Problem::warning(at, "bad-rule", message).help("write the preference of a rule that comes later"));
        return None;
    }
    Some(rule)
}

/// The next preference of a family, counted down over all rules of the file.
fn without_preference(cx: &mut Context, family: Family, at: Span) -> u32 {
    let before = match family {
        Family::Inet => &mut cx.without_preference.0,
        Family::Inet6 => &mut cx.without_preference.1,
    };
    let preference = FIRST_PREFERENCE.saturating_sub(*before);
    *before += 1;
    cx.once(Block::Rules, "preference", at, "no-preference", || {
        format!(
            "the rule has no preference; {preference} is used, and one less for each that follows, as in keepalived"
        )
    });
    preference
}

/// The number of a protocol above IP, or its name.
fn protocol(cx: &mut Context, line: &mut Line, at: Span) -> Option<u8> {
    let (text, span) = line.value(cx, "ipproto", at)?;
    let known = PROTOCOLS.iter().find(|(name, _)| text == *name || text == name.to_ascii_uppercase());
    let number = known.map(|(_, number)| *number);
    let number = number.or_else(|| argument::number(&text, 0, 255).ok().and_then(|number| u8::try_from(number).ok()));
    if number.is_none() {
        let message = format!("ipproto {} is no protocol; the line is left out", quoted(&text));
        let help = "write tcp, udp, sctp, icmp or another name, or a number up to 255";
        cx.report.add(Problem::warning(span, "too-wide", message).help(help));
    }
    number
}

/// The table of a rule; there is none with the number 0.
fn table(cx: &mut Context, line: &mut Line, at: Span) -> Option<u32> {
    let found = line.table(cx, at)?;
    if found == 0 {
        let message = format!("there is no table 0{LEFT_OUT}");
        cx.report.add(Problem::warning(at, "bad-rule", message).help("write a number from 1 up, or main"));
    }
    (found > 0).then_some(found)
}

/// `FIRST-LAST`, the first one not above the last one.
fn range(cx: &mut Context, line: &mut Line, word: &str, at: Span, most: u32) -> Option<(u32, u32)> {
    let (text, span) = line.value(cx, word, at)?;
    let plain = |text: &str| text.strip_prefix('+').unwrap_or(text).to_owned();
    let number = |text: &str| argument::number(&plain(text), 0, most.into()).ok().and_then(|n| u32::try_from(n).ok());
    let range = text.split_once('-').and_then(|(first, last)| number(first).zip(number(last)));
    let (is_ports, lowest) = if word == "uidrange" { (false, 0) } else { (true, 1) };
    let (code, what, help) = match (range, number(&text)) {
        (Some((first, last)), _) if (lowest..=last).contains(&first) => return range,
        (Some((first, last)), _) if last < first => {
            ("not-a-number", format!("ends before it begins{LEFT_OUT}"), format!("write {word} {last}-{first}"))
        }
        (Some(_), _) => ("not-a-number", format!("begins with 0{LEFT_OUT}"), format!("write {word} {lowest}-LAST")),
        (None, one) => {
            let help = one.map_or_else(|| "FIRST-LAST".to_owned(), |one| format!("{one}-{one}"));
            let what = format!("is no range of numbers up to {most}");
            let help = format!("write the first and the last one: {word} {help}");
            // keepalived sets the rule without ports that it can't read.
            if is_ports {
                ("too-wide", what + "; the line is left out", help)
            } else if begins_with_numbers(&text) {
                ("wrapped", what + "; the line is left out", help)
            } else {
                ("not-a-number", what + LEFT_OUT, help)
            }
        }
    };
    cx.report.add(Problem::warning(span, code, format!("{word} {} {what}", quoted(&text))).help(help));
    None
}

/// Whether keepalived finds two numbers in a range, whatever their size and what stands behind them.
fn begins_with_numbers(text: &str) -> bool {
    let first = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number =
        |text: &str| text.strip_prefix(['+', '-']).unwrap_or(text).starts_with(|c: char| c.is_ascii_digit());
    first.split_once('-').is_some_and(|(first, last)| {
        !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit()) && is_number(last)
    })
}

/// `IPPROTO_*`.
const PROTOCOLS: &[(&str, u8)] = &[
    ("icmp", 1),
    ("igmp", 2),
    ("tcp", 6),
    ("udp", 17),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", 58),
    ("ospf", 89),
    ("vrrp", 112),
    ("sctp", 132),
];

fn ports(cx: &mut Context, line: &mut Line, word: &str, at: Span) -> Option<(u16, u16)> {
    let (first, last) = range(cx, line, word, at, u16::MAX.into())?;
    Some((u16::try_from(first).ok()?, u16::try_from(last).ok()?))
}

/// `MARK[/MASK]`.
fn mark(cx: &mut Context, line: &mut Line, at: Span) -> Option<(u32, Option<u32>)> {
    let (text, span) = line.value(cx, "fwmark", at)?;
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    };
    let found = match text.split_once('/') {
        Some((value, bits)) => number(value).zip(number(bits)).map(|(value, bits)| (value, Some(bits))),
        None => number(&text).map(|mark| (mark, None)),
    };
    if found.is_none() {
        // keepalived takes an empty mask for one of no bits.
        let (code, then) =
            if text.ends_with('/') { ("too-wide", "; the line is left out") } else { ("not-a-number", LEFT_OUT) };
        let message = format!("fwmark {} is no number{then}", quoted(&text));
        cx.report.add(Problem::warning(span, code, message).help("for example: fwmark 0x10/0xff"));
    }
    found
}

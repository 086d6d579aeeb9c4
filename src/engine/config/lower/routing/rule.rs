//! One line of `virtual_rules`.

use super::super::super::diagnostic::{Problem, quoted};
use super::super::super::keywords::Block;
use super::super::super::schema::Context;
use super::super::super::source::Span;
use super::{Line, known, other, same_family};
use crate::engine::model::{Family, RuleAction, VirtualRule};
use std::net::IpAddr;

/// Rules without a preference are given one from here on.
const FIRST_PREFERENCE: u32 = 16_384;

/// Words of a rule that lvsdeck does not act on, and whether a value follows.
const OTHER_RULE: &[(&str, bool)] = &[
    ("realms", true),
    ("uidrange", true),
    ("ip_proto", true),
    ("ipproto", true),
    ("sport", true),
    ("dport", true),
    ("tun_id", true),
    ("protocol", true),
    ("suppress_prefixlength", true),
    ("suppress_prefixlen", true),
    ("suppress_ifgroup", true),
    ("track_group", true),
    ("tunnel-id", true),
    ("l3mdev", false),
    ("nop", false),
];

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
    Not,
    Inet6,
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
    ("pref", RuleWord::Preference),
    ("goto", RuleWord::Goto),
    ("blackhole", RuleWord::Action(RuleAction::Blackhole)),
    ("unreachable", RuleWord::Action(RuleAction::Unreachable)),
    ("prohibit", RuleWord::Action(RuleAction::Prohibit)),
    ("not", RuleWord::Not),
    ("inet6", RuleWord::Inet6),
    // The kind of the rule follows.
    ("type", RuleWord::Nothing),
    ("inet", RuleWord::Nothing),
    ("no_track", RuleWord::Nothing),
];

pub(super) fn rule(cx: &mut Context, line: &mut Line, at: Span, before: usize) -> Option<VirtualRule> {
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
    };
    let (mut preference, mut six) = (None, false);
    while let Some((word, span)) = line.word() {
        let Some(known) = known(RULE, &word) else {
            other(cx, line, Block::Rules, (&word, span), OTHER_RULE, RULE);
            continue;
        };
        match known {
            RuleWord::From | RuleWord::To => {
                six |= line.is_six();
                let prefix = line.prefix(cx, &word, span)?;
                *(if word == "to" { &mut rule.to } else { &mut rule.from }) = prefix;
            }
            RuleWord::Input => rule.input = Some(line.value(cx, &word, span)?.0),
            RuleWord::Output => rule.output = Some(line.value(cx, &word, span)?.0),
            RuleWord::Mark => rule.mark = Some(mark(cx, line, span)?),
            RuleWord::Tos => rule.tos = u8::try_from(line.number(cx, &word, span, 255)?).unwrap_or(0),
            RuleWord::Table => rule.action = RuleAction::Table(line.table(cx, span)?),
            RuleWord::Goto => rule.action = RuleAction::Goto(line.number(cx, &word, span, u32::MAX.into())?),
            RuleWord::Action(action) => rule.action = action,
            RuleWord::Preference => preference = Some(line.number(cx, &word, span, u32::MAX.into())?),
            RuleWord::Not => rule.inverted = true,
            RuleWord::Inet6 => six = true,
            RuleWord::Nothing => {}
        }
    }
    let addresses = [rule.from.map(|(address, _)| address), rule.to.map(|(address, _)| address)];
    six |= addresses.iter().flatten().any(IpAddr::is_ipv6);
    rule.family = if six { Family::Inet6 } else { Family::Inet };
    same_family(cx, at, rule.family, addresses.iter().flatten())?;
    rule.preference = preference.unwrap_or_else(|| {
        let preference = FIRST_PREFERENCE + u32::try_from(before).unwrap_or(0);
        cx.once(Block::Rules, "preference", at, "no-preference", || {
            format!("the rule has no preference; {preference} is used, and one more for each that follows")
        });
        preference
    });
    Some(rule)
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
        let message = format!("fwmark {} is no number", quoted(&text));
        cx.report.add(Problem::error(span, "not-a-number", message).help("for example: fwmark 0x10/0xff"));
    }
    found
}

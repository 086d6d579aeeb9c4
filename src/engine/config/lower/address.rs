//! `virtual_ipaddress` and `virtual_ipaddress_excluded`: `ADDRESS[/PREFIX] [dev IF] [label NAME] …`, one a line.

use super::super::Wanted;
use super::super::argument::number;
use super::super::diagnostic::{Problem, quoted};
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use super::super::source::Span;
use super::super::tolerance::leading;
use super::super::unfit::meant_address;
use super::interface::LONGEST;
use crate::engine::model::{Family, VirtualAddress};
use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::net::{IpAddr, Ipv4Addr};

/// Words behind an address: whether a value follows.
const OPTIONS: &[(&str, bool)] = &[
    ("dev", true),
    ("label", true),
    ("brd", true),
    ("broadcast", true),
    ("scope", true),
    ("peer", true),
    ("track_group", true),
    ("preferred_lft", true),
    ("home", false),
    ("nodad", false),
    ("-nodad", false),
    ("mngtmpaddr", false),
    ("noprefixroute", false),
    ("autojoin", false),
    ("no_track", false),
    ("use_vmac", false),
];

#[cfg(test)]
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().map(|(word, _)| *word)
}

/// Addresses that an advertisement can carry: its field for their number has one byte.
const MOST_ADVERTISED: usize = 255;

/// An address, and the `track_group` behind it.
pub(super) type Grouped = ((IpAddr, u8), String, Span);

/// What the lines of a block have beside their addresses.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub groups: Vec<Grouped>,
    /// Where each address stands.
    pub places: Vec<(IpAddr, Span)>,
}

/// Which of the addresses each one is.
pub(super) type Known = HashMap<(IpAddr, Option<String>), usize>;

/// Appends the addresses of one block of `name`, each once. Those that are advertised are all of one family: the one that is asked
/// for, or that of the first.
pub(super) fn lower<'t>(
    cx: &mut Context<'_, 't>,
    block: &Entry<'t>,
    (addresses, known): (&mut Vec<VirtualAddress>, &mut Known),
    (name, asked): (&str, Option<Family>),
) -> Lines {
    let Lines { mut groups, mut places } = Lines::default();
    let advertised = block.keyword.word == "virtual_ipaddress";
    let first = |a: &VirtualAddress| a.advertised.then(|| Family::of(a.address));
    let mut before = if advertised { addresses.iter().find_map(first) } else { None };
    for line in cx.lines(Block::Addresses, block.inner()) {
        let (words, Some(first)) = (cx.words(line), line.words.first()) else { continue };
        let spans: Vec<Span> = line.words.iter().map(|token| token.span).collect();
        let Some(mut address) =
            words.first().and_then(|word| parse(cx, (word, words.get(1).map(String::as_str)), first.span))
        else {
            continue;
        };
        address.advertised = advertised;
        let Ok(group) = options(cx, &words, &spans, &mut address) else { continue };
        if block.keyword.word == "static_ipaddress" {
            without_instance(cx, &words, &spans, &mut address);
        }
        if let Some(label) = address.label.as_ref().filter(|label| label.len() > LONGEST) {
            let message = format!(
                "label {} has more than {LONGEST} characters; the address is left out, as keepalived does",
                quoted(label)
            );
            let help = "shorten the label, or remove it";
            let at = words.iter().zip(&spans).find(|(word, _)| *word == label).map_or(first.span, |(_, at)| *at);
            cx.report.add(Problem::warning(at, "bad-label", message).help(help));
            continue;
        }
        groups.extend(group.map(|(group, at)| ((address.address, address.prefix), group, at)));
        let family = before.or(asked).filter(|_| advertised);
        if family.is_some_and(|family| family != Family::of(address.address)) {
            let of = if before.is_some() { "the addresses before it" } else { "native_ipv6" };
            let message = format!("{} is not of the family of {of}; it is left out, as in keepalived", address.address);
            let help = "move it to virtual_ipaddress_excluded, or give it an instance of its own in a vrrp_sync_group";
            cx.report.add(Problem::warning(first.span, "mixed-families", message).help(help));
        } else {
            before = before.or(advertised.then_some(Family::of(address.address)));
            match known.entry((address.address, address.interface.clone())) {
                Place::Occupied(place) => {
                    let message = again(addresses.get_mut(*place.get()), &address, name);
                    cx.report.add(Problem::warning(first.span, "given-twice", message).help("remove it on all nodes"));
                }
                Place::Vacant(place) => {
                    place.insert(addresses.len());
                    places.push((address.address, first.span));
                    addresses.push(address);
                }
            }
        }
    }
    let sum = || addresses.iter().filter(|a| a.advertised).map(|a| usize::from(a.times)).sum::<usize>();
    if advertised && sum() > MOST_ADVERTISED {
        let message = format!(
            "vrrp_instance {name} has more than 255 addresses, which no advertisement can carry: the last {} are set without \
             being advertised, as with keepalived",
            exclude_last(addresses)
        );
        cx.report.add(
            Problem::warning(block.at, "too-many-addresses", message)
                .help("spread them over several instances, or move some to virtual_ipaddress_excluded"),
        );
    }
    Lines { groups, places }
}

/// Takes the last addresses out of the advertisements, so that 255 stay; their number.
fn exclude_last(addresses: &mut [VirtualAddress]) -> usize {
    let (mut sum, mut excluded) = (0, 0);
    for address in addresses.iter_mut().filter(|address| address.advertised) {
        sum += usize::from(address.times);
        if sum > MOST_ADVERTISED {
            address.advertised = false;
            excluded += 1;
        }
    }
    excluded
}

/// Counts a further line with the same address.
pub(super) fn again(known: Option<&mut VirtualAddress>, further: &VirtualAddress, name: &str) -> String {
    let address = further.address;
    let Some(known) = known.filter(|_| further.advertised) else {
        return format!("{address} stands in {name} before; this line is left out");
    };
    known.times = if known.advertised { known.times.saturating_add(1) } else { 1 };
    known.advertised = true;
    format!(
        "{address} stands in {name} before; advertisements name it once more, as with keepalived, and it is set once"
    )
}

/// Words that only an address of an instance can have.
fn without_instance(cx: &mut Context, words: &[String], spans: &[Span], address: &mut VirtualAddress) {
    for (word, at) in words.iter().zip(spans).filter(|(word, _)| matches!(word.as_str(), "nodad" | "use_vmac")) {
        if word == "use_vmac" || address.address.is_ipv6() {
            let message = format!("{word} behind a static address is ignored, as keepalived does");
            cx.report.add(Problem::warning(*at, "unknown-word", message).help("remove it"));
        }
    }
    address.options.on_virtual_link = false;
}

fn parse(cx: &mut Context, (word, behind): (&str, Option<&str>), at: Span) -> Option<VirtualAddress> {
    let (text, prefix) = word.split_once('/').map_or((word, None), |(text, prefix)| (text, Some(prefix)));
    let Ok(address) = text.parse::<IpAddr>() else {
        let help = match meant_address(word) {
            Some(meant) => format!("write {}", meant.split(' ').next().unwrap_or("")),
            None => "write ADDRESS or ADDRESS/PREFIX, for example 10.0.0.100/24".to_owned(),
        };
        let message = format!("{} is not an address; it is left out, as keepalived does", quoted(word));
        cx.report.add(Problem::warning(at, "bad-address", message).help(help));
        return None;
    };
    let widest = if address.is_ipv4() { 32 } else { 128 };
    let (found, is_exact) = prefix.map_or((Some(widest), true), |prefix| prefix_length(prefix, widest));
    let length = found.unwrap_or(widest);
    if let Some(written) = prefix.filter(|_| !is_exact) {
        let behind = behind.and_then(|word| meant_prefix(word, widest)).filter(|_| written.is_empty());
        let help = match behind.or_else(|| meant_prefix(written, widest)) {
            Some(meant) => format!("write {address}/{meant}"),
            None => format!("write {address}/{widest} for this address alone"),
        };
        let what = number(written, 0, widest).map_or_else(|unfit| unfit.what, |_| "is no whole number".into());
        let (code, then) = match found {
            Some(_) if what.contains("out of range") => ("out-of-range", ", as keepalived does"),
            Some(_) => ("not-a-number", ", as keepalived does"),
            None => ("no-prefix-length", ""),
        };
        let message = format!("the prefix length of {} {what}; /{length} is used{then}", quoted(word));
        cx.report.add(Problem::warning(at, code, message).help(help));
    }
    Some(VirtualAddress::new(address, u8::try_from(length).unwrap_or(u8::MAX)))
}

/// The length behind a `/` as keepalived reads it, none where it begins with no number; and whether it is nothing but that. Digits
/// count up to the first sign behind them, and all of the address where they are out of range.
pub(super) fn prefix_length(written: &str, widest: u64) -> (Option<u64>, bool) {
    let digits = leading(written);
    if digits.is_empty() {
        return (None, false);
    }
    let plain = digits.strip_prefix('+').unwrap_or(digits);
    match number(plain, 0, widest) {
        // What begins with a 0 and is none, such as 0x18, says nothing either.
        Ok(0) if digits != written => (None, false),
        Ok(length) => (Some(length), digits == written),
        Err(_) => (Some(widest), false),
    }
}

/// What is meant by an address behind an address: its netmask, or one more.
fn meant_behind(word: &str, address: &VirtualAddress) -> Option<String> {
    if word.contains('.')
        && let Some(prefix) = meant_prefix(word, 32)
    {
        return Some(format!("write {}/{prefix}", address.address));
    }
    let plain = word.split_once('/').map_or(word, |(plain, _)| plain);
    plain.parse::<IpAddr>().ok().map(|_| "write each address on its own line".to_owned())
}

/// The prefix length that is meant by one with a sign before or behind it, or by a netmask.
pub(super) fn meant_prefix(written: &str, widest: u64) -> Option<u64> {
    let plain = written.trim_start_matches('/').split('/').next().unwrap_or("");
    let plain = plain.trim_end_matches([';', ',', '.', '\u{a0}']);
    let mask = plain.parse::<Ipv4Addr>().ok().map(u32::from);
    let mask = mask.filter(|mask| mask.count_ones() == mask.leading_ones()).map(|mask| mask.leading_ones().into());
    mask.or_else(|| number(plain, 0, widest).ok()).or_else(|| {
        let digits = leading(plain);
        number(digits, 1, widest).ok().filter(|_| !plain.contains('.') && !plain.starts_with('0'))
    })
}

/// The line is to be left out.
struct LeftOut;

/// Gives the `track_group` among them.
fn options(
    cx: &mut Context,
    words: &[String],
    spans: &[Span],
    address: &mut VirtualAddress,
) -> Result<Option<(String, Span)>, LeftOut> {
    let mut group = None;
    let mut rest = words.iter().zip(spans).skip(1);
    while let Some((word, at)) = rest.next() {
        let Some((option, has_value)) = OPTIONS.iter().find(|(option, _)| option == word) else {
            let help = cx
                .nearest(word, OPTIONS.iter().map(|(option, _)| *option))
                .map(|meant| format!("did you mean {meant}?"));
            let help = help.or_else(|| meant_behind(word, address));
            let message = format!("unknown word {} behind an address; it is ignored", quoted(word));
            cx.report.add(Problem::warning(*at, "unknown-word", message).help_if(help));
            continue;
        };
        let (value, value_at) = match has_value.then(|| rest.next()).flatten() {
            Some((value, at)) => (Some(value.clone()), *at),
            None => (None, *at),
        };
        match (*option, value) {
            (_, None) if *has_value => {
                let message = format!("{option} has no value; the address is left out, as keepalived does");
                let help = format!("write {option} VALUE");
                cx.report.add(Problem::warning(*at, "missing-parameter", message).help(help));
                return Err(LeftOut);
            }
            ("dev", Some(_)) if address.interface.is_some() => {
                let message = "dev stands twice behind this address; it is left out, as in keepalived";
                cx.report.add(Problem::warning(*at, "bad-address", message).help("write one line for each interface"));
                return Err(LeftOut);
            }
            ("dev", Some(value)) => {
                super::interface::check(cx, &value, value_at);
                cx.wanted.push((value_at, Wanted::Interface(value.clone())));
                address.interface = Some(value);
            }
            ("label", value) => address.label = value,
            ("brd" | "broadcast", Some(value)) => broadcast(cx, &value, value_at, address),
            ("peer", Some(value)) => peer(cx, &value, value_at, address),
            ("scope", Some(value)) => {
                if let Some(scope) = scope(&value) {
                    address.options.scope = scope;
                } else {
                    let message = format!("scope {} is unknown; global is used", quoted(&value));
                    let help = "write global, site, link, host, or a number up to 255";
                    cx.report.add(Problem::warning(value_at, "unknown-value", message).help(help));
                }
            }
            ("preferred_lft", Some(value)) => address.options.preferred = preferred(cx, &value, value_at),
            ("home", _) => address.options.home = true,
            ("nodad", _) if address.address.is_ipv4() => {
                let message = "nodad says nothing of an IPv4 address; it is ignored, as keepalived does";
                cx.report.add(Problem::warning(*at, "unknown-word", message).help("remove it"));
            }
            ("nodad", _) => address.options.skips_detection = true,
            ("-nodad", _) => address.options.skips_detection = false,
            ("mngtmpaddr", _) => address.options.manages_temporary = true,
            ("noprefixroute", _) => address.options.no_prefix_route = true,
            ("autojoin", _) => address.options.joins_group = true,
            ("no_track", _) => address.options.watched = false,
            ("track_group", Some(name)) => group = Some((name, *at)),
            ("use_vmac", _) => address.options.on_virtual_link = true,
            (option, _) => cx.only_read(Block::Addresses, option, *at, "the address is set without it"),
        }
    }
    Ok(group)
}

/// The seconds until an address is deprecated, by the digits that keepalived finds; none: it is ignored.
fn preferred(cx: &mut Context, value: &str, at: Span) -> Option<u32> {
    if value == "forever" {
        return Some(u32::MAX);
    }
    let plain = value.strip_prefix('+').unwrap_or(value);
    let digits = plain.find(|c: char| !c.is_ascii_digit()).map_or(plain, |end| plain.get(..end).unwrap_or(""));
    let seconds: Option<u32> = if digits.is_empty() { Some(0) } else { digits.parse().ok() };
    let seconds = seconds.filter(|_| !plain.starts_with('-'));
    let told = match seconds {
        None => Some(("out-of-range", format!("preferred_lft {value} is ignored, as keepalived does"))),
        Some(seconds) if digits != plain => {
            Some(("not-a-number", format!("preferred_lft {} counts as {seconds}, as with keepalived", quoted(value))))
        }
        Some(_) => None,
    };
    if let Some((code, message)) = told {
        cx.report.add(Problem::warning(at, code, message).help("write seconds, 0 or forever"));
    }
    seconds
}

/// An address, `+` (all host bits set) or `-` (none).
fn broadcast(cx: &mut Context, value: &str, at: Span, address: &mut VirtualAddress) {
    let IpAddr::V4(own) = address.address else {
        let message = "an IPv6 address has no broadcast address; brd is ignored";
        return cx.report.add(Problem::warning(at, "unknown-word", message));
    };
    if matches!(value, "+" | "-") && address.prefix > 30 {
        let message =
            format!("brd {value} is ignored, as keepalived does: a /{} has no broadcast address", address.prefix);
        let help = format!("remove brd, or write the prefix length of the subnet: {own}/24 brd {value}");
        return cx.report.add(Problem::warning(at, "no-broadcast", message).help(help));
    }
    let host = u32::MAX.checked_shr(address.prefix.into()).unwrap_or(0);
    let found = match value {
        "+" => Some(Ipv4Addr::from(u32::from(own) | host)),
        "-" => Some(Ipv4Addr::from(u32::from(own) & !host)),
        written => written.parse().ok(),
    };
    if found.is_none() {
        let message = format!("brd {} is no IPv4 address; it is ignored", quoted(value));
        cx.report.add(Problem::warning(at, "bad-address", message).help("write an address, + or -"));
    }
    address.options.broadcast = found;
}

/// The other end of a point-to-point link. Neither has a prefix length: keepalived refuses that of the peer, and does without
/// that of the address.
fn peer(cx: &mut Context, value: &str, at: Span, address: &mut VirtualAddress) {
    let widest = if address.address.is_ipv4() { 32 } else { 128 };
    let mut tell = |message: String, help: String| {
        cx.report.add(Problem::warning(at, "bad-peer", message + ", as in keepalived").help(help));
    };
    let found = value.parse::<IpAddr>().ok().filter(|peer| peer.is_ipv4() == address.address.is_ipv4());
    let Some(peer) = found else {
        let plain = value.split_once('/').map_or(value, |(text, _)| text);
        let why = if plain == value { "no address of the same family" } else { "no address: it has a prefix length" };
        let fits = plain.parse::<IpAddr>().is_ok_and(|meant| meant.is_ipv4() == address.address.is_ipv4());
        let meant = if fits { plain } else { "ADDRESS" };
        return tell(
            format!("peer {} is {why}; the address is set without a peer", quoted(value)),
            format!("write {} peer {meant}", address.address),
        );
    };
    if address.prefix != widest {
        tell(
            format!("the prefix length /{} does not go with a peer; /{widest} is used", address.prefix),
            format!("write {} peer {peer}", address.address),
        );
    }
    (address.options.peer, address.prefix) = (Some(peer), widest);
}

/// `RT_SCOPE_*` (`uapi/linux/rtnetlink.h`).
pub(super) fn scope(word: &str) -> Option<u8> {
    match word {
        "global" => Some(0),
        "site" => Some(200),
        "link" => Some(253),
        "host" => Some(254),
        "nowhere" => Some(255),
        number => whole(number).and_then(|number| u8::try_from(number).ok()),
    }
}

/// A whole number as the tools of iproute2 read it: hexadecimal behind 0x, octal behind 0.
pub(super) fn whole(text: &str) -> Option<u64> {
    let plain = text.strip_prefix('+').unwrap_or(text);
    match plain.strip_prefix('0').filter(|rest| !rest.is_empty()) {
        Some(rest) => match rest.strip_prefix(['x', 'X']) {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => u64::from_str_radix(rest, 8).ok(),
        },
        None => number(plain, 0, u64::MAX).ok(),
    }
}

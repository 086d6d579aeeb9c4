//! `persistence_timeout` and `persistence_granularity`.

use super::super::argument::number;
use super::super::diagnostic::Problem;
use super::super::schema::{Context, Entry};
use super::super::source::Span;
use super::super::unfit::shown;
use super::balance::Words;
use crate::engine::model::{Family, Persistence, ServiceKey};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Seconds that count where none are written.
const DEFAULT: u32 = 360;

/// A `persistence_granularity` that counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Granularity {
    /// Of whose addresses it is a mask.
    pub family: Family,
    prefix: u8,
    /// A mask whose ones are not in front.
    odd_mask: Option<Ipv4Addr>,
    at: Span,
}

/// What keepalived makes of the word, which settles the family of a service that is open so far: a mask of IPv4 is read as the C
/// library reads addresses, 24 as 0.0.0.24; of IPv6 a prefix length. None where it leaves the line out.
pub(super) fn granularity(cx: &mut Context, word: &str, entry: &Entry, settled: Option<Family>) -> Option<Granularity> {
    let at = entry.value_at(1);
    let family = settled.unwrap_or(if word.contains('.') { Family::Inet } else { Family::Inet6 });
    let name = "persistence_granularity";
    let ignored = |code, help: String| {
        let message = format!("{name} {} is no {}; it is ignored, as keepalived does", shown(word), wanted(family));
        Problem::warning(at, code, message).help(help)
    };
    let example = if family == Family::Inet { "255.255.255.0" } else { "64" };
    let help = |meant: Option<String>| {
        let wanted = wanted(family);
        meant.map_or_else(|| format!("write a {wanted}, such as {example}"), |meant| format!("write {name} {meant}"))
    };
    if family == Family::Inet6 {
        let Ok(Ok(prefix)) = number(word, 1, 128).map(u8::try_from) else {
            let meant = meant_prefix(word).map(|prefix| prefix.to_string());
            cx.report.add(ignored("bad-netmask", help(meant)));
            return None;
        };
        return Some(Granularity { family, prefix, odd_mask: None, at });
    }
    let meant = meant_mask(word).map(|mask| mask.to_string());
    let Some(mask) = as_address(word) else {
        cx.report.add(ignored("bad-netmask", help(meant)));
        return None;
    };
    let ones = mask.to_bits().leading_ones();
    let is_odd = ones + mask.to_bits().trailing_zeros() < 32;
    let is_plain = word.parse::<Ipv4Addr>().is_ok();
    if is_odd {
        let counts = if is_plain { "counts as it is written".to_owned() } else { format!("counts as {mask}") };
        let message = format!(
            "{name} {word} {counts}, as with keepalived: its ones are not in front, so that clients share a server \
             that have nothing in common"
        );
        cx.report.add(Problem::warning(at, "odd-netmask", message).help(help(meant)));
    } else if ones == 0 {
        let message = format!("{name} {word} counts as {mask}, as with keepalived: all clients share one server");
        cx.report.add(Problem::warning(at, "odd-netmask", message).help(help(None)));
    } else if !is_plain {
        let message = format!("{name} {} counts as {mask}, as with keepalived", shown(word));
        cx.report.add(Problem::warning(at, "odd-netmask", message).help(help(Some(mask.to_string()))));
    }
    let prefix = u8::try_from(ones).unwrap_or(32);
    Some(Granularity { family, prefix, odd_mask: is_odd.then_some(mask), at })
}

/// Tells of a granularity that settles the family of a service against that of a server.
pub(super) fn settles(cx: &mut Context, by: &Granularity, mut servers: impl Iterator<Item = IpAddr>) {
    if servers.all(|server| Family::of(server) == by.family) {
        return;
    }
    let word = cx.sources.word(by.at).to_owned();
    let (family, other, name) = match by.family {
        Family::Inet => ("IPv4", "a prefix length", "inet6"),
        Family::Inet6 => ("IPv6", "a netmask such as 255.255.255.0", "inet"),
    };
    let message =
        format!("persistence_granularity {} says that this service is of {family}, as with keepalived", shown(&word));
    let help = format!("write {other}, or ip_family {name} above it");
    cx.report.add(Problem::warning(by.at, "ip-family", message).help(help));
}

/// The services of a group are persistent without a mask.
pub(super) fn in_group(cx: &mut Context, words: &mut Words) {
    let Some(granularity) = words.granularity.take() else { return };
    words.persistence.get_or_insert(DEFAULT);
    let message =
        "persistence_granularity is not used in the services of a group, as with keepalived: each client counts alone";
    let help = "write a virtual_server for each address, or remove the line";
    cx.report.add(Problem::warning(granularity.at, "group-granularity", message).help(help));
}

const fn wanted(family: Family) -> &'static str {
    match family {
        Family::Inet => "netmask",
        Family::Inet6 => "prefix length from 1 to 128",
    }
}

/// A word as the C library reads addresses of IPv4: one to four numbers, the last of which fills what is left, each of them decimal,
/// octal behind 0 or hexadecimal behind 0x.
fn as_address(word: &str) -> Option<Ipv4Addr> {
    let part = |part: &str| {
        let (digits, radix) = match part.as_bytes() {
            [b'0', b'x' | b'X', ..] => (part.get(2..)?, 16),
            [b'0', _, ..] => (part.get(1..)?, 8),
            _ => (part, 10),
        };
        digits.bytes().next().filter(u8::is_ascii_hexdigit)?; // no sign
        u32::from_str_radix(digits, radix).ok()
    };
    let parts: Vec<u32> = word.split('.').map(part).collect::<Option<_>>()?;
    let (last, front) = parts.split_last()?;
    let shift = 8 * u32::try_from(front.len()).ok().filter(|front| *front < 4)?;
    let front = front.iter().try_fold(0, |sum: u32, part| (*part <= 255).then_some(sum << 8 | part))?;
    let is_within = u32::MAX.checked_shr(shift).is_some_and(|most| *last <= most);
    is_within.then(|| Ipv4Addr::from(front.checked_shl(32 - shift).unwrap_or(0) | last))
}

fn mask_of(prefix: u8) -> Ipv4Addr {
    Ipv4Addr::from(u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0))
}

/// The prefix length that is surely meant: `64` by `/64`, `ffff:ffff::`, `"64 "`.
fn meant_prefix(word: &str) -> Option<u8> {
    let word = word.trim_matches(|c: char| c == '/' || c == ';' || c == ',' || c == '+' || c.is_whitespace());
    if let Ok(mask) = word.parse::<Ipv6Addr>() {
        let (ones, zeros) = (mask.to_bits().leading_ones(), mask.to_bits().trailing_zeros());
        return u8::try_from(ones).ok().filter(|_| ones > 0 && ones + zeros >= 128);
    }
    word.parse().ok().filter(|prefix| (1..=128).contains(prefix))
}

/// The netmask that is surely meant: 255.255.255.0 by `24`, `/24`, `0.0.0.255`.
fn meant_mask(word: &str) -> Option<Ipv4Addr> {
    let word = word.trim_matches(|c: char| c == '/' || c == ';' || c == ',' || c == '+' || c.is_whitespace());
    if let Some(mask) = word.parse::<Ipv4Addr>().ok().map(Ipv4Addr::to_bits) {
        let is_mask = |mask: u32| mask.leading_ones() + mask.trailing_zeros() >= 32 && mask != 0;
        return [mask, !mask].into_iter().find(|mask| is_mask(*mask)).map(Ipv4Addr::from);
    }
    word.parse().ok().filter(|prefix| (1..=32).contains(prefix)).map(mask_of)
}

/// keepalived's rules: a granularity alone and a service on all ports mean persistence with the default time. With the mask whose
/// ones are not in front.
pub(super) fn lower(
    cx: &mut Context,
    block: &Entry,
    key: &ServiceKey,
    words: &Words,
) -> Option<(Persistence, Option<Ipv4Addr>)> {
    let widest = if key.family() == Family::Inet { 32 } else { 128 };
    let mut timeout = words.persistence;
    if timeout.is_none() && words.all_ports {
        let of = if words.in_group {
            "all services of a group with one on all ports have"
        } else {
            "a service on all ports has"
        };
        let message = format!("{of} to be persistent; {DEFAULT} s are used, as keepalived does");
        cx.report.add(
            Problem::warning(block.at, "all-ports", message)
                .help("write the port behind the address, or persistence_timeout"),
        );
        timeout = Some(DEFAULT);
    }
    let Some(granularity) = words.granularity else {
        return timeout.map(|timeout| (Persistence { timeout, prefix: widest }, None));
    };
    let Granularity { prefix, odd_mask, at, .. } = granularity;
    if timeout.is_none() {
        let message = format!("persistence_granularity without persistence_timeout; {DEFAULT} s are used");
        cx.report.add(Problem::warning(at, "no-timeout", message).help("write persistence_timeout SECONDS"));
    }
    Some((Persistence { timeout: timeout.unwrap_or(DEFAULT), prefix }, odd_mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_read_as_the_c_library_reads_addresses() {
        let read = |word: &str| as_address(word).map(|mask| mask.to_string());
        for (word, mask) in [
            ("255.255.255.0", "255.255.255.0"),
            ("24", "0.0.0.24"),
            ("300", "0.0.1.44"),
            ("0x10", "0.0.0.16"),
            ("010", "0.0.0.8"),
            ("24.0", "24.0.0.0"),
            ("24.1.2", "24.1.0.2"),
            ("255.255.0", "255.255.0.0"),
            ("0377.0", "255.0.0.0"),
            ("0xffffff00", "255.255.255.0"),
            ("4294967295", "255.255.255.255"),
            ("0", "0.0.0.0"),
        ] {
            assert_eq!(read(word).as_deref(), Some(mask), "{word}");
        }
        for word in [
            "",
            "+24",
            "/24",
            "-1",
            "x",
            "4294967296",
            "08",
            "0x",
            "0x+1",
            "24 ",
            "255.255.255.",
            "255.255.255.256",
            "1.2.3.4.5",
            "256.0",
            "1.16777216",
            "255.255.255.0;",
            "fd00::",
        ] {
            assert_eq!(read(word), None, "{word}");
        }
    }

    #[test]
    fn what_is_surely_meant_by_a_mask_is_known() {
        for (word, mask) in [
            ("24", Some("255.255.255.0")),
            ("/24", Some("255.255.255.0")),
            ("0.0.0.255", Some("255.255.255.0")),
            ("255.255.0.0;", Some("255.255.0.0")),
            ("300", None),
            ("255.0.255.0", None),
        ] {
            assert_eq!(meant_mask(word).map(|mask| mask.to_string()).as_deref(), mask, "{word}");
        }
        for (word, prefix) in
            [("/64", Some(64)), ("ffff:ffff::", Some(32)), ("129", None), ("0", None), ("255.255.255.0", None)]
        {
            assert_eq!(meant_prefix(word), prefix, "{word}");
        }
    }
}

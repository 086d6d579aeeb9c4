//! `virtual_server_group`: the addresses, ranges and firewall marks that share real servers.

use super::super::argument;
use super::super::diagnostic::{Problem, quoted};
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use super::super::source::Span;
use super::super::tolerance::leading;
use super::super::tree::Statement;
use super::super::unfit::meant_address;
use super::balance::Named;
use super::{Draft, server, small};
use crate::engine::model::Family;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Most services that a group may stand for.
const MOST: usize = 65_536;
/// Most services of all groups together.
const MOST_IN_ALL: usize = 1_000_000;

pub(super) fn lower<'t>(cx: &mut Context<'_, 't>, draft: &mut Draft, block: &Entry<'t>) {
    let Some(name) = cx.words(block.statement).into_iter().nth(1) else { return };
    let (mut services, mut seen) = (Vec::new(), HashSet::new());
    let mut is_full = false;
    for line in cx.lines(Block::ServiceGroup, block.inner()) {
        let Some(first) = line.words.first() else { continue };
        let words = cx.words(line);
        let most = if words.first().is_some_and(|word| word == "fwmark") { 3 } else { 2 };
        if let (Some(more), Some(word)) = (line.words.get(most), words.get(most)) {
            let message = format!(
                "{} is not used: a line is one address or range with its port, or one fwmark with its family",
                quoted(word)
            );
            let help = "one statement a line; # begins a comment";
            cx.report.add(Problem::warning(more.span, "too-many-values", message).help(help));
        }
        let of_line = match of_line(cx, line, first.span) {
            Ok(found) => found,
            Err(problem) => {
                cx.report.add(problem);
                continue;
            }
        };
        let (mut again, mut more) = (None, 0);
        for one in of_line {
            if seen.contains(&one) {
                again.get_or_insert(one);
                more += 1;
            } else if services.len() < MOST {
                seen.insert(one);
                services.push(one);
            } else if !std::mem::replace(&mut is_full, true) {
                let message = format!(
                    "{name} has more than the {MOST} services that a group may stand for: those from {one} on are left out"
                );
                let help = "spread them over several groups, or mark their packets and write fwmark N";
                cx.report.add(Problem::warning(first.span, "too-many-services", message).help(help));
                break;
            }
        }
        if let Some(again) = again {
            let others = if more > 1 { format!(", and {} more of this line,", more - 1) } else { String::new() };
            let message = format!("{again}{others} stands in {name} before; once is enough");
            cx.report.add(Problem::warning(first.span, "given-twice", message).help("remove it here or there"));
        }
    }
    if draft.groups.contains_key(&name) {
        let message = format!("virtual_server_group {name} is defined above; this one is left out");
        cx.report.add(Problem::warning(block.at, "defined-twice", message));
        return;
    }
    if services.is_empty() {
        let message = format!("virtual_server_group {name} has no address: its services are none");
        cx.report.add(Problem::warning(block.at, "no-address", message).help("write 10.0.0.1 80, one a line"));
    }
    draft.grouped.services += services.len();
    if draft.grouped.services > MOST_IN_ALL {
        let message = format!(
            "the groups up to {name} stand for {} services, and {MOST_IN_ALL} are the most that all of a file may stand for",
            draft.grouped.services
        );
        let help = "mark the packets to many addresses with the packet filter, and write fwmark N";
        cx.report.add(Problem::error(block.at, "too-many-services", message).help(help));
        services.clear();
    }
    draft.groups.insert(name, services.into());
}

/// `ADDRESS [PORT]`, `FIRST-LAST [PORT]`, `ADDRESS/PREFIX [PORT]` or `fwmark N [inet|inet6]`.
fn of_line(cx: &mut Context, line: &Statement, at: Span) -> Result<Box<dyn Iterator<Item = Named>>, Problem> {
    let words = cx.words(line);
    let (first, second) = (words.first().map_or("", String::as_str), words.get(1).map_or("", String::as_str));
    if first == "fwmark" {
        let mark = argument::number(leading(second), 1, u64::from(u32::MAX));
        let mark = mark.map_err(|unfit| {
            let message = format!("fwmark {} {}; this line makes no service", quoted(second), unfit.what);
            let at = line.words.get(1).map_or(at, |token| token.span);
            Problem::warning(at, "bad-mark", message).help("write a number from 1 up, in decimal digits")
        })?;
        server::digits(cx, "fwmark", second, line.words.get(1).map_or(at, |token| token.span));
        let family = match words.get(2).map(String::as_str) {
            None => None,
            Some("inet") => Some(Family::Inet),
            Some("inet6") => Some(Family::Inet6),
            Some(word) => {
                let message = format!("{} is no family; this line makes no service, as with keepalived", quoted(word));
                return Err(Problem::warning(at, "bad-family", message).help("write inet or inet6"));
            }
        };
        return Ok(Box::new(std::iter::once(Named::Mark(small(mark), family))));
    }
    let range = match first.split_once('/') {
        Some((address, prefix)) => network(address, prefix).map_err(|why| {
            let message = format!("{} {why}; this line makes no service", quoted(first));
            Problem::warning(at, "bad-prefix", message).help("for example: 10.0.0.16/28 80")
        })?,
        None => range(first).ok_or_else(|| {
            let message = format!(
                "{} is neither an address, a range of them nor fwmark; this line makes no service, as with keepalived",
                quoted(first)
            );
            let help = match meant_address(first) {
                Some(meant) => format!("write {meant}"),
                None => "for example: 10.0.0.1 80, 10.0.0.3-5 80, or fwmark 7".to_owned(),
            };
            Problem::warning(at, "bad-service", message).help(help)
        })?,
    };
    let port = if words.len() > 1 { server::read_port(second) } else { Ok(0) };
    let port = port.map_err(|unfit| {
        let message = format!("port {} {}; this line makes no service, as with keepalived", quoted(second), unfit.what);
        Problem::warning(at, unfit.code, message).help("write a number from 0 to 65535")
    })?;
    server::digits(cx, "port", second, line.words.get(1).map_or(at, |token| token.span));
    let port = server::port(port);
    Ok(Box::new(range.map(move |address| Named::Address(SocketAddr::new(address, port)))))
}

/// Addresses, one after the other.
type Addresses = Box<dyn Iterator<Item = IpAddr>>;

/// All addresses of a network, its first and its last too, or what is wrong with it.
fn network(address: &str, prefix: &str) -> Result<Addresses, String> {
    let address: IpAddr = address.parse().map_err(|_| "is no address with a prefix".to_owned())?;
    let (widest, bits) = match address {
        IpAddr::V4(address) => (32, u128::from(u32::from(address))),
        IpAddr::V6(address) => (128, u128::from(address)),
    };
    let prefix = prefix.parse::<u32>().ok().filter(|prefix| (1..=widest).contains(prefix));
    let prefix = prefix.ok_or_else(|| format!("has no prefix from 1 to {widest}"))?;
    let more = u128::MAX.checked_shr(128 - (widest - prefix)).unwrap_or(0);
    if bits & more != 0 {
        return Err(format!("does not begin where its /{prefix} does"));
    }
    let last = bits | more;
    if more >= MOST as u128 {
        return Err(format!("has more addresses than the {MOST} services that a group may stand for"));
    }
    Ok(match address {
        IpAddr::V4(_) => {
            let all = (bits..=last).filter_map(|n| u32::try_from(n).ok());
            Box::new(all.map(|n| IpAddr::V4(Ipv4Addr::from(n))))
        }
        IpAddr::V6(_) => Box::new((bits..=last).map(|n| IpAddr::V6(Ipv6Addr::from(n)))),
    })
}

/// The addresses of `10.0.0.3`, `10.0.0.3-5` or `fd00::3-1f`: the end is the last byte, or the last two of an IPv6 address
/// in hexadecimal digits; or the whole last address.
fn range(text: &str) -> Option<Addresses> {
    let (first, end) = text.split_once('-').unwrap_or((text, text));
    match first.parse().ok()? {
        IpAddr::V4(first) => {
            let (first, byte) = (u32::from(first), end.parse::<u8>().ok());
            let last = byte.map(|byte| first & !0xff | u32::from(byte));
            let last = last.or_else(|| Some(u32::from(end.parse::<Ipv4Addr>().ok()?)))?;
            (first <= last).then(|| Box::new((first..=last).map(|n| IpAddr::V4(Ipv4Addr::from(n)))) as Box<_>)
        }
        IpAddr::V6(first) => {
            let (first, bytes) = (u128::from(first), u16::from_str_radix(end, 16).ok());
            let last = bytes.map(|bytes| first & !0xffff | u128::from(bytes));
            let last = last.or_else(|| Some(u128::from(end.parse::<Ipv6Addr>().ok()?)))?;
            (first <= last).then(|| Box::new((first..=last).map(|n| IpAddr::V6(Ipv6Addr::from(n)))) as Box<_>)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_all_of_its_addresses_or_a_named_mistake() {
        let all = |address, prefix| {
            let told = |all: Addresses| all.take(9).map(|ip| ip.to_string()).collect::<Vec<_>>().join(" ");
            network(address, prefix).map(told)
        };
        assert_eq!(all("10.0.0.8", "30").as_deref(), Ok("10.0.0.8 10.0.0.9 10.0.0.10 10.0.0.11"));
        assert_eq!(all("10.0.0.8", "32").as_deref(), Ok("10.0.0.8"));
        assert_eq!(all("255.255.255.254", "31").as_deref(), Ok("255.255.255.254 255.255.255.255"));
        assert_eq!(all("fd00::4", "127").as_deref(), Ok("fd00::4 fd00::5"));
        assert_eq!(all("fd00::4", "128").as_deref(), Ok("fd00::4"));
        assert_eq!(network("10.1.0.0", "16").unwrap().count(), 65_536);
        for (address, prefix, why) in [
            ("10.0.0.9", "30", "does not begin where its /30 does"),
            ("10.0.0.1", "0", "has no prefix from 1 to 32"),
            ("10.0.0.1", "33", "has no prefix from 1 to 32"),
            ("10.0.0.1", "", "has no prefix from 1 to 32"),
            ("fd00::", "129", "has no prefix from 1 to 128"),
            ("fd00::", "64", "has more addresses than the 65536 services that a group may stand for"),
            ("10.0.0.0", "8", "has more addresses than the 65536 services that a group may stand for"),
            ("128.0.0.0", "1", "has more addresses than the 65536 services that a group may stand for"),
            ("10.0.0.1-3", "29", "is no address with a prefix"),
            ("x", "29", "is no address with a prefix"),
        ] {
            assert_eq!(all(address, prefix).unwrap_err(), why, "{address}/{prefix}");
        }
    }

    #[test]
    fn a_range_ends_with_its_last_byte_or_a_whole_address() {
        let all = |text| range(text).map(|all| all.take(9).map(|ip| ip.to_string()).collect::<Vec<_>>().join(" "));
        assert_eq!(all("10.0.0.3").as_deref(), Some("10.0.0.3"));
        assert_eq!(all("10.0.0.3-5").as_deref(), Some("10.0.0.3 10.0.0.4 10.0.0.5"));
        assert_eq!(all("10.0.0.255-10.0.1.0").as_deref(), Some("10.0.0.255 10.0.1.0"));
        assert_eq!(all("fd00::f-11").as_deref(), Some("fd00::f fd00::10 fd00::11"));
        assert_eq!(all("fd00::3").as_deref(), Some("fd00::3"));
        for wrong in ["10.0.0.5-3", "10.0.0.3-256", "10.0.0.3-fd00::1", "x", "10.0.0.3-", "-5"] {
            assert_eq!(all(wrong), None, "{wrong}");
        }
    }
}

//! `virtual_server_group`: the addresses, ranges and firewall marks that share real servers.

use super::super::argument;
use super::super::diagnostic::{Problem, quoted};
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use super::super::source::Span;
use super::super::tree::Statement;
use super::balance::Named;
use super::{Draft, server, small};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Most services that a group may stand for.
const MOST: usize = 65_536;

/// A group of services.
#[derive(Debug)]
pub(super) struct Group {
    pub name: String,
    /// What each service is known by, in file order.
    pub services: Vec<Named>,
}

pub(super) fn lower<'t>(cx: &mut Context<'_, 't>, draft: &mut Draft, block: &Entry<'t>) {
    let Some(name) = cx.words(block.statement).into_iter().nth(1) else { return };
    let mut services = Vec::new();
    for line in cx.lines(Block::ServiceGroup, block.inner()) {
        let Some(first) = line.words.first() else { continue };
        if let (Some(more), Some(word)) = (line.words.get(2), cx.words(line).get(2)) {
            let message =
                format!("{} is not used: a line is one address or range with its port, or one fwmark", quoted(word));
            let help = "one statement a line; # begins a comment";
            cx.report.add(Problem::warning(more.span, "too-many-values", message).help(help));
        }
        if let Err(problem) = add(cx, line, first.span, &mut services) {
            cx.report.add(problem);
        }
    }
    if draft.groups.iter().any(|group| group.name == name) {
        let message = format!("virtual_server_group {name} is defined above; this one is left out");
        cx.report.add(Problem::warning(block.at, "defined-twice", message));
        return;
    }
    if services.is_empty() {
        let message = format!("virtual_server_group {name} has no address: its services are none");
        cx.report.add(Problem::warning(block.at, "no-address", message).help("write 10.0.0.1 80, one a line"));
    }
    draft.groups.push(Group { name, services });
}

/// `ADDRESS [PORT]`, `FIRST-LAST [PORT]` or `fwmark N`.
fn add(cx: &Context, line: &Statement, at: Span, services: &mut Vec<Named>) -> Result<(), Problem> {
    let words = cx.words(line);
    let (first, second) = (words.first().map_or("", String::as_str), words.get(1).map_or("", String::as_str));
    if first == "fwmark" {
        let mark = argument::number(second, 1, u64::from(u32::MAX));
        let mark =
            mark.map_err(|unfit| Problem::error(at, unfit.code, format!("fwmark {} {}", quoted(second), unfit.what)))?;
        services.push(Named::Mark(small(mark)));
        return Ok(());
    }
    if first.contains('/') {
        let message = format!("{} is not acted on: this line makes no service", quoted(first));
        return Err(Problem::warning(at, "not-acted-on", message).help("write a range, as 10.0.0.16-31"));
    }
    let range = range(first).ok_or_else(|| {
        let message = format!("{} is neither an address, a range of them nor fwmark", quoted(first));
        Problem::error(at, "bad-address", message).help("for example: 10.0.0.1 80, 10.0.0.3-5 80, or fwmark 7")
    })?;
    let port = if words.len() > 1 { argument::number(second, 0, 65_535) } else { Ok(0) };
    let port =
        port.map_err(|unfit| Problem::error(at, unfit.code, format!("port {} {}", quoted(second), unfit.what)))?;
    let room = MOST.saturating_sub(services.len());
    services.extend(range.take(room).map(|address| Named::Address(SocketAddr::new(address, server::port(port)))));
    Ok(())
}

/// The addresses of `10.0.0.3`, `10.0.0.3-5` or `fd00::3-1f`: the end is the last byte, or the last two of an IPv6 address
/// in hexadecimal digits; or the whole last address.
fn range(text: &str) -> Option<Box<dyn Iterator<Item = IpAddr>>> {
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

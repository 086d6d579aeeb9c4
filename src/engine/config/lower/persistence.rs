//! `persistence_timeout` and `persistence_granularity`.

use super::super::diagnostic::Problem;
use super::super::schema::{Context, Entry};
use super::super::unfit::shown;
use super::balance::Words;
use crate::engine::model::{Family, Persistence, ServiceKey};
use std::net::Ipv4Addr;

/// Seconds that count where none are written.
const DEFAULT: u32 = 360;

/// keepalived's rules: a granularity alone and a service on all ports mean persistence with the default time.
pub(super) fn lower(cx: &mut Context, block: &Entry, key: &ServiceKey, words: &Words) -> Option<Persistence> {
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
    let Some((prefix, at)) = words.granularity else {
        return timeout.map(|timeout| Persistence { timeout, prefix: widest });
    };
    let written = cx.sources.word(at).to_owned();
    if prefix > widest {
        let message = format!("persistence_granularity {prefix} is out of range: an address has {widest} bits");
        cx.report.add(
            Problem::error(at, "out-of-range", message)
                .help("write a netmask or prefix length of the service's family"),
        );
    } else if widest == 32 && written.parse::<Ipv4Addr>().is_err() {
        let mask = Ipv4Addr::from(u32::MAX.checked_shl(u32::from(widest - prefix)).unwrap_or(0));
        let bits = written.parse::<u32>().ok().filter(|_| written.starts_with(|c: char| c.is_ascii_digit()));
        let does =
            bits.map_or("leaves the line out".to_owned(), |bits| format!("takes it for {}", Ipv4Addr::from(bits)));
        let message = format!("persistence_granularity {} counts as {mask}; keepalived {does}", shown(&written));
        let help = format!("write persistence_granularity {mask}");
        cx.report.add(Problem::warning(at, "number-as-netmask", message).help(help));
    }
    if timeout.is_none() {
        let message = format!("persistence_granularity without persistence_timeout; {DEFAULT} s are used");
        cx.report.add(Problem::warning(at, "no-timeout", message).help("write persistence_timeout SECONDS"));
    }
    Some(Persistence { timeout: timeout.unwrap_or(DEFAULT), prefix })
}

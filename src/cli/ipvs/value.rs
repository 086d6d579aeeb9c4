//! Values on the command line: numbers, addresses, ports and flags, read as generously and as strictly as ipvsadm does.

use super::fault::Fault;
use crate::engine::{Protocol, SCHEDULER_FLAGS, names};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A whole number within `low..=high` as C reads it: leading blanks and a plus are allowed, nothing may follow.
pub fn number(text: &str, low: u64, high: u64) -> Option<u64> {
    let text = text.trim_start();
    let digits = text.strip_prefix('+').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|value| plain && (low..=high).contains(value))
}

/// The same with a message that names the option and the range.
pub fn ranged(option: &str, text: &str, low: u64, high: u64) -> Result<u64, Fault> {
    let wrong = || Fault::wrong(format!("{option}: \"{text}\" is not a whole number of {low} to {high}"));
    number(text, low, high).ok_or_else(wrong)
}

/// The digits that a text starts with, as C's `atoi`: 0 where there are none.
pub fn leading_number(text: &str) -> u64 {
    let text = text.trim_start();
    let digits = text.strip_prefix('+').unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end).and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// An IPv4 address in any of its old forms: `10.0.0.1`, `10.1`, `0x0a000001`, octal parts.
pub fn old_ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut parts = Vec::new();
    for part in text.split('.') {
        let hex = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
        let (digits, radix) = match (hex, part.strip_prefix('0')) {
            (Some(hex), _) => (hex, 16),
            (None, Some(octal)) if !octal.is_empty() => (octal, 8),
            (None, _) => (part, 10),
        };
        if digits.starts_with('+') {
            return None;
        }
        parts.push(u32::from_str_radix(digits, radix).ok()?);
    }
    let (last, bytes) = parts.split_last()?;
    let room = 32_u32.checked_sub(8 * u32::try_from(bytes.len()).ok()?).filter(|room| *room > 0)?;
    let mut value = u64::from(*last);
    if value >> room != 0 || bytes.iter().any(|byte| *byte > 255) {
        return None;
    }
    for (at, byte) in bytes.iter().enumerate() {
        value |= u64::from(*byte) << (24 - 8 * at);
    }
    u32::try_from(value).ok().map(Ipv4Addr::from)
}

/// A host: an address, or a name that resolves to one.
fn host(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Some(address.into());
    }
    old_ipv4(text).map(IpAddr::V4).or_else(|| names::address_of(text).filter(|_| !text.is_empty()))
}

/// `HOST[:PORT]` and `[HOST]:PORT`; the port is a number or the name of a service of the protocol.
pub fn endpoint(text: &str, protocol: Option<Protocol>) -> Option<(IpAddr, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (inside, after) = rest.split_once(']')?;
        let port = port(after.strip_prefix(':')?, protocol)?;
        return Some((inside.parse::<Ipv6Addr>().ok()?.into(), Some(port)));
    }
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Some((address.into(), None));
    }
    match text.rsplit_once(':') {
        None => Some((host(text)?, None)),
        Some((name, after)) => Some((host(name)?, Some(port(after, protocol)?))),
    }
}

fn port(text: &str, protocol: Option<Protocol>) -> Option<u16> {
    let number = number(text, 0, u64::from(u16::MAX)).and_then(|port| u16::try_from(port).ok());
    number.or_else(|| names::port_of(text, protocol?.name()))
}

/// Flags in a list with commas, for this scheduler.
pub fn flags(text: &str, scheduler: &str) -> Result<u32, Fault> {
    let mut bits = 0;
    for word in text.split(',').filter(|word| !word.is_empty()) {
        let found = SCHEDULER_FLAGS.iter().find(|(name, ..)| *name == word);
        let Some((_, of, bit)) = found else {
            return Err(Fault::wrong(format!("\"{word}\" is not a scheduler flag; see --help")));
        };
        if let Some(of) = of.filter(|of| of.name() != scheduler) {
            return Err(Fault::wrong(format!(
                "the flag {word} belongs to the scheduler {of}, and the scheduler is {scheduler}"
            )));
        }
        bits |= bit;
    }
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_c_reads_it() {
        assert_eq!((number(" 81", 0, 99), number("+82", 0, 99), number("080", 0, 99)), (Some(81), Some(82), Some(80)));
        for wrong in ["", "-1", "0x10", "5x", "100", "+-5", " "] {
            assert_eq!(number(wrong, 0, 99), None, "{wrong:?}");
        }
        assert_eq!((leading_number("64x"), leading_number("x")), (64, 0));
    }

    #[test]
    fn an_address_may_have_any_of_its_old_forms() {
        for (text, address) in
            [("10.1", "10.0.0.1"), ("010.0.0.1", "8.0.0.1"), ("0x0a000001", "10.0.0.1"), ("24", "0.0.0.24")]
        {
            assert_eq!(old_ipv4(text), Some(address.parse().unwrap()), "{text}");
        }
        for wrong in ["", "1.2.3.4.5", "256.1.1.1", "1..2", "4294967296", "1.2.3.256", "foo"] {
            assert_eq!(old_ipv4(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_endpoint_has_a_host_and_perhaps_a_port() {
        let tcp = Some(Protocol::Tcp);
        let v6 = || "fd00::1".parse().unwrap();
        assert_eq!(endpoint("10.0.0.1:http", tcp), Some(([10, 0, 0, 1].into(), Some(80))));
        assert_eq!(endpoint("10.0.0.1", tcp), Some(([10, 0, 0, 1].into(), None)));
        assert_eq!(
            (endpoint("fd00::1", tcp), endpoint("[fd00::1]:80", tcp)),
            (Some((v6(), None)), Some((v6(), Some(80))))
        );
        for wrong in ["", ":80", "10.0.0.1:", "10.0.0.1:99999", "[fd00::1]", "[fd00::1", "10.0.0.1:80:90"] {
            assert_eq!(endpoint(wrong, tcp), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_flag_belongs_to_its_scheduler() {
        assert_eq!((flags("sh-port,,sh-fallback", "sh"), flags("flag-3", "rr")), (Ok(0x18), Ok(0x20)));
        assert!(flags("sh-port", "wlc").unwrap_err().message.contains("sh"));
    }
}

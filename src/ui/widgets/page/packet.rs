//! A refused packet as bytes, and what they say: every field is read as it stands, whether it makes sense or not.
//!
//! ```text
//! 0000  45 c0 00 28 …      IPv4 header (RFC 791 §3.1)
//! 0014  21 33 96 01 …      VRRP message (RFC 3768 §5.1, RFC 9568 §5.1)
//! ```

use super::Line;
use crate::engine::RefusedPacket;
use crate::ui::theme::Paint;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Bytes of a line: 16 of them have room in 80 columns beside label and offset.
const ACROSS: usize = 16;

/// The bytes, sixteen a line, each line with its offset; what was not kept is said.
pub fn lines(packet: &RefusedPacket) -> Vec<Line> {
    let bytes: Vec<&str> = packet.bytes.split_whitespace().collect();
    let header = header(&bytes);
    let mut lines: Vec<Line> = Vec::new();
    for (n, row) in bytes.chunks(ACROSS).enumerate() {
        let mut spans = vec![(Paint::Dim, format!("{:04x} ", n * ACROSS))];
        for (at, byte) in row.iter().enumerate() {
            let at = n * ACROSS + at;
            let paint = match header {
                _ if *byte == "**" => Paint::Warning,
                Some(length) if at < length => Paint::Dim,
                _ => Paint::Text,
            };
            spans.push((paint, format!(" {byte}")));
        }
        lines.push(("", spans));
    }
    let kept = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if let Some(more) = packet.length.checked_sub(kept).filter(|more| *more > 0) {
        lines.push(("", vec![(Paint::Dim, format!("and {more} more bytes that were not kept"))]));
    }
    let numbers: Vec<Option<u8>> = bytes.iter().map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    lines.extend(said(&numbers, header).into_iter().map(|text| ("", vec![(Paint::Text, text)])));
    lines
}

/// Bytes of the IP header; none where it is neither IPv4 nor IPv6.
fn header(bytes: &[&str]) -> Option<usize> {
    let first = u8::from_str_radix(bytes.first()?, 16).ok()?;
    match first >> 4 {
        4 => Some(usize::from(first & 0x0f) * 4),
        6 => Some(40),
        _ => None,
    }
}

/// What the bytes say, header and message in a line each.
fn said(bytes: &[Option<u8>], header: Option<usize>) -> Vec<String> {
    let at = |at: usize| bytes.get(at).copied().flatten();
    let number = |at: Option<u8>| at.map_or_else(|| "?".to_owned(), |byte| byte.to_string());
    let message = header.unwrap_or(0);
    let mut lines = Vec::new();
    match at(0).map(|first| first >> 4) {
        Some(6) => lines.push(format!(
            "IPv6 {} > {}  hop limit {}",
            address::<16, Ipv6Addr>(bytes, 8),
            address::<16, Ipv6Addr>(bytes, 24),
            number(at(7))
        )),
        Some(4) => lines.push(format!(
            "IPv4 {} > {}  TTL {}  protocol {}",
            address::<4, Ipv4Addr>(bytes, 12),
            address::<4, Ipv4Addr>(bytes, 16),
            number(at(8)),
            number(at(9))
        )),
        _ => {}
    }
    let Some(first) = at(message) else { return lines };
    let version = first >> 4;
    let [vrid, priority, count] = [1, 2, 3].map(|offset| number(at(message + offset)));
    let rest = match (at(message + 4), at(message + 5)) {
        (Some(kind), Some(interval)) if version == 2 => format!("authentication type {kind}  interval {interval} s"),
        (Some(high), Some(low)) => {
            let hundredths = u16::from_be_bytes([high & 0x0f, low]);
            format!("interval {}.{:02} s", hundredths / 100, hundredths % 100)
        }
        _ => "it ends before its interval".to_owned(),
    };
    let checksum = match (at(message + 6), at(message + 7)) {
        (Some(high), Some(low)) => format!("  checksum {high:02x}{low:02x}"),
        _ => String::new(),
    };
    lines.push(format!("VRRP version {version} type {}  VRID {vrid}  priority {priority}", first & 0x0f));
    lines.push(format!("{count} addresses  {rest}{checksum}"));
    lines
}

fn address<const OCTETS: usize, A: From<[u8; OCTETS]> + ToString>(bytes: &[Option<u8>], at: usize) -> String {
    let octets: Option<Vec<u8>> = bytes.get(at..at + OCTETS).and_then(|bytes| bytes.iter().copied().collect());
    let octets = octets.and_then(|octets| <[u8; OCTETS]>::try_from(octets).ok());
    octets.map_or_else(|| "?".to_owned(), |octets| A::from(octets).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn words(bytes: &str, length: u64) -> Vec<String> {
        let packet =
            RefusedPacket { at: SystemTime::UNIX_EPOCH, reason: String::new(), bytes: bytes.to_owned(), length };
        let whole = |spans: Vec<(Paint, String)>| spans.into_iter().map(|(_, text)| text).collect();
        lines(&packet).into_iter().map(|(_, spans)| whole(spans)).collect()
    }

    #[test]
    fn a_version_2_packet_is_read_field_by_field_and_its_password_is_not() {
        // The example of a VRRPv2 advertisement: RFC 3768 §5.1 gives the fields, RFC 791 §3.1 the header.
        let header = "45 c0 00 28 00 01 00 00 ff 70 19 32 0a 00 00 0c e0 00 00 12";
        let message = "21 33 64 01 01 01 ba 52 c0 00 02 0a ** ** ** ** ** ** ** **";
        let said = words(&format!("{header} {message}"), 40);
        assert_eq!(said[0], "0000  45 c0 00 28 00 01 00 00 ff 70 19 32 0a 00 00 0c");
        assert_eq!(said[2], "0020  ** ** ** ** ** ** ** **");
        assert_eq!(
            said[3..],
            [
                "IPv4 10.0.0.12 > 224.0.0.18  TTL 255  protocol 112",
                "VRRP version 2 type 1  VRID 51  priority 100",
                "1 addresses  authentication type 1  interval 1 s  checksum ba52"
            ]
        );
    }

    #[test]
    fn version_3_counts_hundredths_and_what_is_missing_is_said() {
        let said = words(&format!("60 00 00 00 00 08 70 ff {} 31 07 c8 02 00 96", ["00"; 32].join(" ")), 60);
        assert_eq!(said.get(3).map(String::as_str), Some("and 14 more bytes that were not kept"));
        assert_eq!(
            said[4..],
            [
                "IPv6 :: > ::  hop limit 255",
                "VRRP version 3 type 1  VRID 7  priority 200",
                "2 addresses  interval 1.50 s"
            ]
        );
    }

    #[test]
    fn no_bytes_whatever_make_it_panic() {
        for bytes in ["", "4", "zz", "45", "4f 00", "60", "** ** **", "45 00 00", "21 33"] {
            words(bytes, 3);
        }
    }
}

//! `TCP_CHECK`, `PING_CHECK`, `SMTP_CHECK`, `DNS_CHECK` and `UDP_CHECK`.

use super::super::super::argument::Argument;
use super::super::super::diagnostic::{Problem, quoted};
use super::super::super::keywords::Block;
use super::super::super::schema::{Context, Entry};
use super::{Common, Defaults, Outer, PLAIN};
use crate::engine::model::{CheckKind, CheckSpec, RecordType, UdpCheck};

/// What keepalived says in its `HELO`.
const HELO: &str = "smtpchecker.keepalived.org";
/// The longest answer of a `UDP_CHECK` that says nothing of it.
const LONGEST: u16 = 255;

pub(super) fn tcp<'t>(cx: &mut Context<'_, 't>, block: &Entry<'t>, outer: &Outer) -> CheckSpec {
    let mut common = Common::new(outer);
    cx.entries(Block::TcpCheck, block.inner()).iter().for_each(|entry| common.take(entry));
    common.complete(cx, block, outer, CheckKind::Tcp, &PLAIN)
}

pub(super) fn ping<'t>(cx: &mut Context<'_, 't>, block: &Entry<'t>, outer: &Outer) -> CheckSpec {
    let mut common = Common::new(outer);
    cx.entries(Block::PingCheck, block.inner()).iter().for_each(|entry| common.take(entry));
    // An echo has no port.
    common.target.set_port(0);
    common.bind_port = None;
    common.complete(cx, block, outer, CheckKind::Ping, &PLAIN)
}

/// The words on the connection, which are those of a `host` alone, or of the server's own check.
const ON_CONNECTION: &[&str] =
    &["connect_ip", "connect_port", "connect_timeout", "bindto", "bind_port", "bind_if", "fwmark"];

/// A check for each `host`, and one of the server where there is none or a word on its connection, as keepalived makes them.
pub(super) fn smtp<'t>(cx: &mut Context<'_, 't>, block: &Entry<'t>, outer: &Outer) -> Vec<CheckSpec> {
    let (mut common, mut helo, mut hosts) = (Common::new(outer), HELO.to_owned(), Vec::new());
    let mut on_connection = Vec::new();
    for entry in cx.entries(Block::SmtpCheck, block.inner()) {
        match (entry.keyword.word, &entry.argument) {
            ("helo_name", Argument::Text(name)) => helo.clone_from(name),
            ("host", _) => hosts.push(entry),
            (word, _) if ON_CONNECTION.contains(&word) => on_connection.push(entry),
            _ => common.take(&entry),
        }
    }
    let mut all = Vec::new();
    if hosts.is_empty() || !on_connection.is_empty() {
        let mut own = common.clone();
        for entry in &on_connection {
            own.take(entry);
        }
        all.push(own);
    }
    if let Some(host) = hosts.first() {
        let place = if all.is_empty() { "in the place of" } else { "beside" };
        let message = format!("a host block makes a check of its own, {place} that of the server, as in keepalived");
        let instead = "write its words in SMTP_CHECK itself to have one check, or an SMTP_CHECK for each";
        cx.report.add(Problem::warning(host.at, "deprecated", message).help(instead));
    }
    for host in hosts {
        let mut own = common.clone();
        cx.entries(Block::SmtpHost, host.inner()).iter().for_each(|inner| own.take(inner));
        if own.timing.timeout.is_none() {
            let message =
                "this host has no connect_timeout: that of the service is used, where keepalived waits for no answer";
            cx.report.add(
                Problem::warning(host.at, "host-timeout", message).help("write connect_timeout SECONDS inside of it"),
            );
        }
        all.push(own);
    }
    let defaults = Defaults { port: Some(25), ..PLAIN };
    all.into_iter()
        .map(|common| common.complete(cx, block, outer, CheckKind::Smtp { helo: helo.clone() }, &defaults))
        .collect()
}

pub(super) fn dns<'t>(cx: &mut Context<'_, 't>, block: &Entry<'t>, outer: &Outer) -> CheckSpec {
    let (mut common, mut record, mut name) = (Common::new(outer), RecordType::default(), ".".to_owned());
    for entry in cx.entries(Block::DnsCheck, block.inner()) {
        match (entry.keyword.word, &entry.argument) {
            ("type", Argument::Text(wanted)) => {
                let known = RecordType::ALL.iter().find(|(name, _)| name == wanted);
                record = known.map_or(record, |(_, record)| *record);
            }
            ("name", Argument::Text(wanted)) => {
                name.clone_from(wanted);
                let labels = || wanted.trim_end_matches('.').split('.');
                let is_name =
                    wanted == "." || (wanted.len() < 254 && labels().all(|label| (1..64).contains(&label.len())));
                if !is_name {
                    let message = format!("{} is no name of the DNS", quoted(wanted));
                    let help = "write it like www.example.org: parts of 1 to 63 characters, 253 altogether";
                    cx.report.add(Problem::error(entry.value_at(1), "bad-name", message).help(help));
                }
            }
            _ => common.take(&entry),
        }
    }
    let own = Defaults { retry: 3, retry_delay: None, port: Some(53) };
    common.complete(cx, block, outer, CheckKind::Dns { record, name }, &own)
}

pub(super) fn udp<'t>(cx: &mut Context<'_, 't>, block: &Entry<'t>, outer: &Outer) -> CheckSpec {
    let (mut common, mut udp) = (Common::new(outer), UdpCheck { length: (0, LONGEST), ..UdpCheck::default() });
    let mut length_at = None;
    for entry in cx.entries(Block::UdpCheck, block.inner()) {
        let words = || cx.words(entry.statement).split_off(1);
        match (entry.keyword.word, &entry.argument) {
            ("payload", _) => match digits(&words(), false) {
                Some(bytes) => udp.payload = bytes.into_iter().map(|(value, _)| value).collect(),
                None => bad_digits(cx, &entry, "the text is sent that a check without payload sends", "0-9 and a-f"),
            },
            ("require_reply", _) => {
                let bytes = digits(&words(), true);
                if bytes.is_none() {
                    bad_digits(cx, &entry, "any answer will do", "0-9, a-f and x for what may be anything");
                }
                // An answer has to come all the same.
                udp.reply = Some(bytes.unwrap_or_default());
            }
            ("min_reply_length", Argument::Number(least)) => {
                udp.length.0 = u16::try_from(*least).unwrap_or(u16::MAX);
                length_at = Some(entry.at);
            }
            ("max_reply_length", Argument::Number(most)) => {
                udp.length.1 = u16::try_from(*most).unwrap_or(u16::MAX);
                length_at = Some(entry.at);
            }
            _ => common.take(&entry),
        }
    }
    let (least, most) = udp.length;
    if least > most {
        let message = format!(
            "min_reply_length {least} is above max_reply_length {most}: no answer is ever right, and the check never passes"
        );
        cx.report
            .add(Problem::warning(block.at, "out-of-range", message).help("write the smaller number as the minimum"));
    }
    if let (Some([]), Some(at)) = (udp.reply.as_deref(), length_at) {
        let message = "the length of the answer counts only where bytes stand behind require_reply, as with keepalived";
        let help = "write what the answer begins with, or xx for any byte: require_reply xx";
        cx.report.add(Problem::warning(at, "no-effect", message.to_owned()).help(help));
    }
    common.complete(cx, block, outer, CheckKind::Udp(udp), &PLAIN)
}

fn bad_digits(cx: &mut Context, entry: &Entry, instead: &str, digits: &str) {
    let word = entry.keyword.word;
    let message = format!("{word} takes bytes in hexadecimal digits; {instead}, as with keepalived");
    let help = format!("write {digits}, with or without spaces: {word} 00ff 7f");
    cx.report.add(Problem::warning(entry.value_at(1), "bad-bytes", message).help(help));
}

/// Bytes in hexadecimal, as keepalived reads them: pairs of digits within each word, a last one alone is a byte too. `x` is
/// half a byte that does not count, where that is allowed. None for anything else.
fn digits(words: &[String], may_be_any: bool) -> Option<Vec<(u8, u8)>> {
    let digit = |c: char| match (c, c.to_digit(16)) {
        ('x' | 'X', _) if may_be_any => Some((0, 0)),
        (_, digit) => Some((u8::try_from(digit?).ok()?, 15)),
    };
    let mut bytes = Vec::new();
    // A word in quotes may be several.
    for word in words.iter().flat_map(|word| word.split_whitespace()) {
        let digits: Vec<(u8, u8)> = word.chars().map(digit).collect::<Option<_>>()?;
        bytes.extend(digits.chunks(2).map(|pair| match pair {
            [high, low] => (high.0 << 4 | low.0, high.1 << 4 | low.1),
            [low] => (low.0, 0xf0 | low.1),
            _ => (0, 0),
        }));
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_as_the_manual_has_it() {
        let read = |text: &str, any| digits(&text.split(' ').map(str::to_owned).collect::<Vec<_>>(), any);
        let values =
            |text| read(text, false).map(|bytes| bytes.into_iter().map(|(value, _)| value).collect::<Vec<_>>());
        let manual = vec![0xab, 0x12, 0x0f, 0x03, 0x45, 0x06, 0x54, 0x64, 0x43, 0x12, 0x03];
        assert_eq!(values("Ab12f 3 456 546443123"), Some(manual));
        assert_eq!(digits(&["4f 4b".to_owned()], false), Some(vec![(0x4f, 0xff), (0x4b, 0xff)]), "in quotes");
        assert_eq!(read("a", true), Some(vec![(0x0a, 0xff)]));
        assert_eq!(read("1xX2", true), Some(vec![(0x10, 0xf0), (0x02, 0x0f)]));
        assert_eq!((values("1x"), values("0g")), (None, None));
    }
}

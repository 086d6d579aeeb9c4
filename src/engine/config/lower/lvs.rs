//! The words `lvs_*` of `global_defs`.

use super::super::Wanted;
use super::super::argument::{Argument, number};
use super::super::diagnostic::{Problem, quoted};
use super::super::schema::{Context, Entry};
use super::super::source::Span;
use super::Draft;
use crate::engine::model::{LvsTimeouts, LvsWords, SyncDaemonWords};

/// Seconds that a timeout may have in keepalived: 31 days; a kernel may refuse that. 0 leaves it as it is.
const TIMEOUT: u64 = 2_678_400;

/// What may stand behind the interface of `lvs_sync_daemon`.
pub(super) const DAEMON_WORDS: [&str; 6] = ["inst", "id", "maxlen", "port", "ttl", "group"];

/// Takes a word of this kind; false where it is none.
pub(super) fn lower(cx: &mut Context, words: &mut LvsWords, word: &str, argument: &Argument, entry: &Entry) -> bool {
    match (word, argument) {
        ("lvs_sync_daemon", _) => words.sync_daemon = sync_daemon(cx, entry),
        ("lvs_timeouts", _) => timeouts(cx, entry, &mut words.timeouts),
        ("lvs_flush", Argument::Switch(on)) => words.flush = *on,
        ("lvs_flush_on_stop" | "lvs_flush_onstop", _) => words.flush_on_stop = flush_on_stop(cx, entry),
        _ => return false,
    }
    true
}

/// `lvs_flush_on_stop`, or with `VS`: only what is ours, which is removed anyway.
fn flush_on_stop(cx: &mut Context, entry: &Entry) -> bool {
    match cx.words(entry.statement).get(1).map(|word| word.to_ascii_lowercase()).as_deref() {
        None | Some("on" | "yes" | "true") => true,
        Some("vs" | "off" | "no" | "false") => false,
        Some(other) => {
            let message = format!("{} is neither VS, on nor off; all services are removed at the end", quoted(other));
            cx.report.add(Problem::warning(entry.value_at(1), "unknown-value", message));
            true
        }
    }
}

/// A number behind a word of a line; nothing, and told, where it is none.
fn given(cx: &mut Context, entry: &Entry, words: &[String], at: usize, low: u64, high: u64) -> Option<u64> {
    let (name, value) = (words.get(at)?, words.get(at + 1).map_or("", String::as_str));
    match number(value, low, high) {
        Ok(number) => Some(number),
        Err(unfit) => {
            let message = format!("{name} {} {}; it is ignored, as keepalived does", quoted(value), unfit.what);
            let help = format!("write {name} and a whole number from {low} to {high}");
            cx.report.add(Problem::warning(entry.value_at(at), unfit.code, message).help(help));
            None
        }
    }
}

fn unknown(cx: &mut Context, entry: &Entry, at: usize, word: &str, known: &str) {
    let message =
        format!("unknown word {} behind {}; it is ignored, as keepalived does", quoted(word), entry.keyword.word);
    cx.report.add(Problem::warning(entry.value_at(at), "unknown-word", message).help(format!("the words are {known}")));
}

/// `tcp N tcpfin N udp N`, each of them or some.
fn timeouts(cx: &mut Context, entry: &Entry, timeouts: &mut LvsTimeouts) {
    let words = cx.words(entry.statement);
    let mut at = 1;
    while let Some(word) = words.get(at) {
        let place = match word.as_str() {
            "tcp" => &mut timeouts.tcp,
            "tcpfin" => &mut timeouts.tcp_fin,
            "udp" => &mut timeouts.udp,
            _ => {
                unknown(cx, entry, at, word, "tcp, tcpfin and udp, each with seconds behind it");
                at += 1;
                while words.get(at).is_some_and(|word| !matches!(word.as_str(), "tcp" | "tcpfin" | "udp")) {
                    at += 1; // it was the unknown word's
                }
                continue;
            }
        };
        if let Some(seconds) = given(cx, entry, &words, at, 0, TIMEOUT) {
            let before = std::mem::replace(place, super::small(seconds));
            if before != 0 && before != *place {
                let message = format!("lvs_timeouts {word} is given before; this later one counts");
                cx.report
                    .add(Problem::warning(entry.value_at(at), "given-twice", message).help("remove one of the two"));
            }
        }
        at += 2;
    }
}

/// `INTERFACE [[inst] INSTANCE] [id N] [maxlen N] [port N] [ttl N] [group ADDRESS]`
fn sync_daemon(cx: &mut Context, entry: &Entry) -> Option<SyncDaemonWords> {
    let words = cx.words(entry.statement);
    let interface = words.get(1)?.clone();
    cx.wanted.push((entry.value_at(1), Wanted::Interface(interface.clone())));
    let (instance, id, group) = (None, None, None);
    let mut daemon = SyncDaemonWords { interface, instance, id, max_length: 0, port: 0, ttl: 0, group };
    let mut at = 2;
    while let Some(word) = words.get(at) {
        let value = words.get(at + 1);
        match word.as_str() {
            "inst" => daemon.instance = value.cloned(),
            "id" => daemon.id = given(cx, entry, &words, at, 0, 255).and_then(|id| u8::try_from(id).ok()),
            "maxlen" => daemon.max_length = short(given(cx, entry, &words, at, 1, 65_507)),
            "port" => daemon.port = short(given(cx, entry, &words, at, 1, 65_535)),
            "ttl" => daemon.ttl = u8::try_from(given(cx, entry, &words, at, 1, 255).unwrap_or(0)).unwrap_or(0),
            "group" => {
                daemon.group = value.and_then(|value| value.parse().ok());
                if daemon.group.is_none_or(|group: std::net::IpAddr| !group.is_multicast()) {
                    let group = quoted(value.map_or("", String::as_str));
                    let message = format!("group {group} is no multicast address; it is ignored, as keepalived does");
                    let help = "the usual one is 224.0.0.81";
                    cx.report.add(Problem::warning(entry.value_at(at), "bad-address", message).help(help));
                    daemon.group = None;
                }
            }
            name if daemon.instance.is_none() => {
                daemon.instance = Some(name.to_owned());
                at += 1;
                continue;
            }
            other => {
                unknown(cx, entry, at, other, "inst, id, maxlen, port, ttl and group, each with its value behind it");
                at += 1;
                while words.get(at).is_some_and(|word| !DAEMON_WORDS.contains(&word.as_str())) {
                    at += 1; // it was the unknown word's
                }
                continue;
            }
        }
        at += 2;
    }
    Some(daemon)
}

/// `lvs_sync_daemon_interface` of an instance: `lvs_sync_daemon` in old words, which counts before it.
pub(super) fn synchronise(cx: &mut Context, draft: &mut Draft, interface: String, instance: &str, at: Span) {
    cx.wanted.push((at, Wanted::Interface(interface.clone())));
    let message = "lvs_sync_daemon_interface is an old spelling";
    let help = format!("write lvs_sync_daemon {interface} {instance} in global_defs");
    cx.report.add(Problem::warning(at, "deprecated", message).help(help));
    let (instance, id, group) = (Some(instance.to_owned()), None, None);
    let words = SyncDaemonWords { interface, instance, id, max_length: 0, port: 0, ttl: 0, group };
    draft.configuration.global.lvs.sync_daemon.get_or_insert(words);
}

fn short(number: Option<u64>) -> u16 {
    number.and_then(|number| u16::try_from(number).ok()).unwrap_or(0)
}

/// A sync daemon that follows an instance which is not there follows nobody.
pub(super) fn check(cx: &mut Context, draft: &mut Draft) {
    let Some(SyncDaemonWords { instance: Some(name), .. }) = &draft.configuration.global.lvs.sync_daemon else {
        return;
    };
    if let Some(at) = draft.sync_daemon_at
        && !draft.named.contains(name)
    {
        let help =
            cx.nearest(name, draft.routers.keys().map(String::as_str)).map(|meant| format!("did you mean {meant}?"));
        let message = format!(
            "lvs_sync_daemon follows vrrp_instance {}, which is not there: no sync daemon runs, as with keepalived",
            quoted(name)
        );
        cx.report.add(Problem::warning(at, "unknown-name", message).help_if(help));
        draft.configuration.global.lvs.sync_daemon = None;
    }
}

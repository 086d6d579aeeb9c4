//! One instance in full: how it sends, how regular its peers are, what was refused with its bytes, what was announced, what
//! would happen if.

use super::{Line, heading, packet, parts, text};
use crate::engine::{AnnouncementStatus, Family, PeerStatus, VirtualRouterStatus, WhatIf};
use crate::ui::format;
use crate::ui::state::UiState;
use crate::ui::theme::Paint;
use crate::ui::widgets::instance;
use crate::ui::widgets::pen::Spans;
use crate::ui::widgets::routers::peer_text;
use std::time::{Duration, SystemTime};

/// What stands in the title.
pub fn title(state: &UiState) -> String {
    let Some(router) = state.selected_router() else { return "no instance is selected".to_owned() };
    let family = match router.family {
        Family::Inet => "IPv4",
        Family::Inet6 => "IPv6",
    };
    format!("{}  {family} VRID {} on {}", router.name, router.vrid, router.interface)
}

/// All that is known of the selected instance.
pub fn lines(state: &UiState) -> Vec<Line> {
    let (Some(router), Some(now)) = (state.selected_router(), state.routers_now()) else {
        return vec![("", vec![(Paint::Dim, "choose an instance with the arrows".to_owned())])];
    };
    if state.is_rewound() {
        return instance::remembered(state, router, now);
    }
    let mut lines = instance::state_lines(state, router, now);
    if instance::only_watches(state) {
        let said = format!("advertises every {}, version {}", interval(router.advert_interval_ms), router.version);
        lines.push(("heard", text(said)));
    } else {
        lines.push(("sends", text(sends(router))));
        lines.push(heading("What would happen if"));
        if router.detail.what_if.is_empty() {
            lines.push(("", vec![(Paint::Dim, "nothing can be told: no other router was heard".to_owned())]));
        }
        lines.extend(router.detail.what_if.iter().flat_map(forecast));
    }
    lines.push(heading("Other routers, as far as they were heard"));
    if router.peers.is_empty() {
        lines.push(("", vec![(Paint::Dim, "none was heard and none is configured".to_owned())]));
    }
    for peer in &router.peers {
        lines.extend(of_peer(router, peer, now));
    }
    if !instance::only_watches(state) {
        lines.push(heading("Rounds of gratuitous ARP or neighbour advertisements, newest first"));
        lines.extend(announced(&router.detail.announcements, now));
    }
    lines.push(heading(&format!("Counted since {}", instance::beginning(state))));
    let counted = instance::counted(state, router).into_iter();
    lines.extend(
        counted.map(|(label, spans)| (label, spans.iter().flat_map(|(paint, said)| parts(*paint, said)).collect())),
    );
    lines.push(("refused", every_cause(router)));
    lines.extend(instance::foreign(state, router, now));
    lines.push(heading("Changes, newest first"));
    lines.extend(instance::changes(router, now));
    lines
}

fn sends(router: &VirtualRouterStatus) -> String {
    let detail = &router.detail;
    let from = detail.source.as_ref().map_or_else(|| "no address: nothing can be sent".to_owned(), Clone::clone);
    let to = if detail.destinations.is_empty() { "nobody".to_owned() } else { detail.destinations.join(", ") };
    let interval = interval(router.advert_interval_ms);
    let preempt = if router.preempt { "preempts" } else { "does not preempt" };
    format!("{} from {from} to {to}, every {interval}, version {}, {preempt}", detail.transport, router.version)
}

fn interval(ms: u64) -> String {
    format!("{}.{:02} s", ms / 1000, ms % 1000 / 10)
}

/// The question in a line, the answer and what it takes for granted below it.
fn forecast(what_if: &WhatIf) -> Vec<Line> {
    let after = what_if.in_ms.map_or_else(String::new, |ms| format!(" after {ms} ms"));
    let answer: Spans = match &what_if.new_master {
        Some(who) => vec![(Paint::Up, format!("> {who} becomes master{after}"))],
        None if what_if.note.is_empty() => vec![(Paint::Warning, "> nobody that is known becomes master".to_owned())],
        None => vec![(Paint::Text, "> ".to_owned())],
    };
    let mut answer = answer;
    if !what_if.note.is_empty() {
        let between = if what_if.new_master.is_some() { "; " } else { "" };
        answer.extend(words(Paint::Text, &format!("{between}{}", what_if.note)));
    }
    let mut lines = vec![("if", words(Paint::Text, &what_if.event)), ("", answer)];
    if !what_if.assumes.is_empty() {
        lines.push(("", words(Paint::Dim, &format!("provided that {}", what_if.assumes.join("; ")))));
    }
    lines
}

/// A long text in words, so that it can be broken.
fn words(paint: Paint, text: &str) -> Spans {
    text.split_inclusive(' ').map(|word| (paint, word.to_owned())).collect()
}

fn of_peer(router: &VirtualRouterStatus, peer: &PeerStatus, now: SystemTime) -> Vec<Line> {
    let (said, paint) = peer_text(router, peer, now, false);
    let mut lines = vec![("peer", vec![(paint, format!("{said} ({})", peer.source))])];
    let detail = &peer.detail;
    let sends = [
        detail.interval_ms.map(|ms| format!("every {}", interval(ms))),
        detail.checksum.as_ref().map(|form| format!("checksum over {form}")),
    ];
    let sends: Vec<String> = sends.into_iter().flatten().collect();
    if !sends.is_empty() {
        lines.push(("", text(sends.join(", "))));
    }
    if let Some(jitter) = detail.jitter {
        let of = |us: u64| format!("{}.{:03}", us / 1000, us % 1000);
        let spread = jitter.max_us.saturating_sub(jitter.min_us);
        // Three missed intervals make a backup take over: half an interval of spread is worth a look.
        let is_wide = detail.interval_ms.is_some_and(|ms| spread > ms * 500);
        let paint = if is_wide { Paint::Warning } else { Paint::Text };
        let said = format!(
            "{} to {} ms apart, mean {} ms, of the last {}; jitter {} ms",
            of(jitter.min_us),
            of(jitter.max_us),
            of(jitter.mean_us),
            jitter.gaps,
            of(spread)
        );
        lines.push(("jitter", words(paint, &said)));
    }
    if let Some(refused) = &detail.refused {
        let ago = format::age(format::since(now, refused.at));
        let said = format!("{} -{ago}  {} bytes: {}", format::clock_ms(refused.at), refused.length, refused.reason);
        lines.push(("refused", words(Paint::Warning, &said)));
        lines.extend(packet::lines(refused));
    }
    lines
}

fn announced(rounds: &[AnnouncementStatus], now: SystemTime) -> Vec<Line> {
    if rounds.is_empty() {
        return vec![("", vec![(Paint::Dim, "none since the engine started".to_owned())])];
    }
    let line = |(n, round): (usize, &AnnouncementStatus)| {
        let ago = format::age(format::since(now, round.at));
        let before = n.checked_sub(1).and_then(|before| rounds.get(before));
        let gap =
            before.map_or_else(String::new, |before| format!(", after {}", exact(format::since(round.at, before.at))));
        let many =
            |number: u64, word: &str, ending: &str| format!("{number} {word}{}", if number == 1 { "" } else { ending });
        let (addresses, frames) = (many(round.addresses, "address", "es"), many(round.repeat, "frame", "s"));
        let when = format::clock_ms(round.at);
        let label = if n + 1 == rounds.len() { "garp" } else { "" };
        (label, text(format!("{when} -{ago:<7}{addresses}, {frames} each{gap}")))
    };
    rounds.iter().enumerate().rev().map(line).collect()
}

/// A span of up to a minute with its milliseconds; the age of a longer one.
fn exact(span: Duration) -> String {
    if span < Duration::from_mins(1) { format!("{:.3} s", span.as_secs_f64()) } else { format::age(span) }
}

/// All causes, those that never happened too: a zero is an answer.
fn every_cause(router: &VirtualRouterStatus) -> Spans {
    instance::refused(&router.counters)
        .map(|(why, count)| (if count > 0 { Paint::Warning } else { Paint::Dim }, format!("{why} {count}  ")))
        .collect()
}

//! One VRRP instance in full: why it is what it is, its addresses, peers, counters and last changes.

use super::frame;
use super::pen::{Pen, Spans, put_spans};
use super::routers::{history, peer_text, state_paint};
use crate::engine::{ForeignRouter, StateChange, Summary, VirtualRouterStatus, VrrpCounters};
use crate::ui::format;
use crate::ui::intent::Intent;
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::time::SystemTime;

/// Of so many virtual routers of others each is shown.
const FOREIGN: usize = 8;

/// Refused advertisements by reason.
pub fn refused(counters: &VrrpCounters) -> impl Iterator<Item = (&'static str, u64)> {
    let c = counters;
    [
        ("length", c.rejected_length),
        ("destination", c.rejected_destination),
        ("TTL", c.rejected_ttl),
        ("version", c.rejected_version),
        ("type", c.rejected_type),
        ("checksum", c.rejected_checksum),
        ("auth type", c.rejected_auth_type),
        ("password", c.rejected_auth),
        ("interval", c.rejected_interval),
        ("no address", c.rejected_count),
        ("none of ours", c.rejected_addresses),
    ]
    .into_iter()
}

/// Draws the selected instance.
pub fn draw(buffer: &mut Buffer, theme: &Theme, area: Rect, boxed: bool, state: &UiState, now: SystemTime) {
    let Some(router) = state.selected_router() else {
        frame::panel(buffer, theme, area, boxed, "no instance is selected");
        return;
    };
    let inner = frame::panel(buffer, theme, area, boxed, &router.name);
    history(buffer, theme, inner, 0, 0, (state, router), now);
    let columns = usize::from(inner.width).saturating_sub(10);
    let mut line = 1;
    let known = if state.is_rewound() { remembered(state, router, now) } else { lines(state, router, now) };
    for (label, spans) in known {
        for (n, spans) in wrapped(&spans, columns).iter().enumerate() {
            let mut pen = Pen::at(buffer, theme, inner, line);
            pen.skip(1).left(Paint::Head, if n == 0 { label } else { "" }, 8).skip(1);
            put_spans(&mut pen, spans);
            line += 1;
        }
    }
}

/// Spans in lines of at most so many columns, broken between spans; one that is longer than a line is broken between its words.
pub fn wrapped(spans: &Spans, columns: usize) -> Vec<Spans> {
    let mut lines = vec![Spans::new()];
    let mut used = 0;
    let width = |text: &str| format::width(&format::clean(text));
    for (paint, text) in spans {
        let is_long = width(text) > columns;
        let pieces = if is_long { text.split_inclusive(' ').collect() } else { vec![text.as_str()] };
        for mut piece in pieces {
            if used > 0 && used + width(piece.trim_end()) > columns {
                // A space at the end of a full line would have no room, and a cut mark in its place.
                if let Some((_, last)) = lines.last_mut().and_then(|line| line.last_mut()) {
                    last.truncate(last.trim_end().len());
                }
                lines.push(Spans::new());
                used = 0;
                piece = piece.trim_start();
            }
            used += width(piece);
            if let Some(line) = lines.last_mut() {
                line.push((*paint, piece.to_owned()));
            }
        }
    }
    lines
}

/// A label and what stands behind it.
type Line = (&'static str, Spans);

fn lines(state: &UiState, router: &VirtualRouterStatus, now: SystemTime) -> Vec<Line> {
    let mut lines = state_lines(state, router, now);
    for (n, peer) in router.peers.iter().enumerate() {
        let (said, paint) = peer_text(router, peer, now, false);
        lines.push((if n == 0 { "peers" } else { "" }, vec![(paint, format!("{said} ({})", peer.source))]));
    }
    if router.peers.is_empty() {
        lines.push(("peers", vec![(Paint::Dim, "none was heard and none is configured".to_owned())]));
    }
    lines.extend(counted(state, router));
    lines.push(("refused", refused_spans(&router.counters)));
    lines.extend(foreign(state, router, now));
    lines.extend(changes(router, now));
    lines
}

/// What is known of a moment of the past.
pub fn remembered(state: &UiState, router: &VirtualRouterStatus, now: SystemTime) -> Vec<Line> {
    let mut lines = state_lines(state, router, now);
    let live = state.keys.hint(Intent::Live);
    let said = format!("peers, forecast and counters are not remembered: {live} goes back to now");
    lines.push(("", vec![(Paint::Dim, said)]));
    lines.extend(changes(router, now));
    lines
}

/// The state with its reason, the addresses, and the other master where there is one.
pub fn state_lines(ui: &UiState, router: &VirtualRouterStatus, now: SystemTime) -> Vec<Line> {
    // What would end a hold of then is nothing to press.
    let back = if ui.is_rewound() {
        String::new()
    } else if router.is_held_by_priority() {
        format!(" ({} and nothing typed)", ui.keys.hint(Intent::Priority))
    } else {
        format!(" ({} rejoins)", ui.keys.hint(Intent::Rejoin))
    };
    let mut state: Spans = vec![(state_paint(router.state), router.state.name().to_owned())];
    state.push((Paint::Text, format!(" for {}: {}", format::age(format::since(now, router.since)), router.reason)));
    if let Some(held) = &router.held {
        state.push((Paint::Drain, format!("  held: {held}{back}")));
    }
    let mut lines = vec![("state", state), ("vips", addresses(router))];
    if let Some(split) = &router.detail.split_brain {
        let with = if split.with.is_empty() { String::new() } else { format!(": {} too", split.with.join(", ")) };
        lines.push(("SPLIT", vec![(Paint::Alarm, format!("two masters{with}"))]));
        lines.push(("", vec![(Paint::Warning, format!("{}: {}", split.cause, split.evidence))]));
    }
    lines
}

/// Whether nothing is known but what was heard.
pub fn only_watches(state: &UiState) -> bool {
    state.summary().is_some_and(Summary::only_watches)
}

/// Since when there are counters.
pub fn beginning(state: &UiState) -> &'static str {
    if only_watches(state) { "the watch began" } else { "the engine started" }
}

/// Advertisements and changes of mastership in numbers. Who only watches has heard advertisements, and nothing else.
pub fn counted(state: &UiState, router: &VirtualRouterStatus) -> Vec<Line> {
    let text = |text: String| (Paint::Text, text);
    let c = &router.counters;
    let mut adverts = vec![
        text(format!("in {}  out {}", format::grouped(c.adverts_rx), format::grouped(c.adverts_tx))),
        text(format!("  resignations in {} out {}", c.priority_zero_rx, c.priority_zero_tx)),
    ];
    if only_watches(state) {
        return vec![("adverts", adverts)];
    }
    adverts.extend([
        text(format!("  gratuitous ARP {}", format::grouped(c.garp_tx))),
        text(format!("  own that came back {}", c.own_rx)),
        text(format!("  other addresses {}", c.address_mismatch)),
    ]);
    let master = format!("became {}  gave up {}", c.became_master, c.released_master);
    vec![("adverts", adverts), ("master", vec![text(master)])]
}

/// Virtual routers of others on the interface; nothing where there is none.
pub fn foreign(state: &UiState, router: &VirtualRouterStatus, now: SystemTime) -> Option<Line> {
    let others: Vec<_> = state.summary()?.foreign_routers.iter().filter(|f| f.is_beside(router)).collect();
    let one = |other: &&ForeignRouter| {
        let causes = other.counters.by_cause().filter(|(_, count)| *count > 0);
        let counts: Vec<String> = causes.map(|(why, count)| format!("{why} {}", format::grouped(count))).collect();
        let ago = format::age(format::since(now, other.last_heard_at));
        (Paint::Dim, format!("VRID {} from {} -{ago}: {}  ", other.vrid, other.address, counts.join(", ")))
    };
    let mut spans: Spans = others.iter().take(FOREIGN).map(one).collect();
    if others.len() > FOREIGN {
        spans.push((Paint::Dim, format!("and {} more", others.len() - FOREIGN)));
    }
    (!spans.is_empty()).then_some(("foreign", spans))
}

/// The last changes of the state, newest first.
pub fn changes(router: &VirtualRouterStatus, now: SystemTime) -> Vec<Line> {
    let line = |(n, change): (usize, &StateChange)| {
        let ago = format::age(format::since(now, change.at));
        let (paint, word) = (state_paint(change.state), change.state.name());
        let spans = vec![
            (Paint::Dim, format!("{} -{ago:<7}", format::clock(change.at))),
            (paint, format!("{word:<7}")),
            (Paint::Text, change.reason.clone()),
        ];
        (if n == 0 { "changes" } else { "" }, spans)
    };
    router.history.iter().rev().enumerate().map(line).collect()
}

fn addresses(router: &VirtualRouterStatus) -> Spans {
    let (mine, all) = (router.addresses_here.len(), router.addresses.len());
    let spans = router.addresses.iter().map(|address| {
        if router.addresses_here.contains(address) {
            (Paint::Text, format!(" {address}"))
        } else {
            (Paint::Dim, format!(" ({address})"))
        }
    });
    std::iter::once((Paint::Dim, format!("here {mine}/{all}"))).chain(spans).collect()
}

fn refused_spans(counters: &VrrpCounters) -> Spans {
    let some: Spans =
        refused(counters).filter(|(_, n)| *n > 0).map(|(why, n)| (Paint::Warning, format!("{why} {n}  "))).collect();
    if some.is_empty() { vec![(Paint::Up, "none".to_owned())] } else { some }
}

//! The VRRP panel: state, priority, peers as far as they were heard, what comes next, and the last hour in letters.

use super::frame;
use super::pen::{Pen, Spans, put_spans, spans_width};
use crate::engine::{EventKind, PeerState, PeerStatus, VirtualRouterState, VirtualRouterStatus};
use crate::ui::format;
use crate::ui::rows::timeline;
use crate::ui::screens::plan::{Plan, Shape};
use crate::ui::state::{Focus, UiState};
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::time::{Duration, SystemTime};

/// How the word of a state looks.
pub const fn state_paint(state: VirtualRouterState) -> Paint {
    match state {
        VirtualRouterState::Master => Paint::Master,
        VirtualRouterState::Backup => Paint::Backup,
        VirtualRouterState::Fault => Paint::Fault,
        VirtualRouterState::Init => Paint::Unknown,
    }
}

/// Draws the panel.
pub fn draw(buffer: &mut Buffer, theme: &Theme, plan: Plan, state: &UiState) {
    let Some(now) = state.routers_now() else { return };
    if plan.shape == Shape::Large {
        boxed(buffer, theme, plan.routers, state, now);
        return;
    }
    let routers = state.routers();
    if routers.is_empty() {
        let why = if state.knows_routers() { "no VRRP instance" } else { state.unloaded() };
        Pen::at(buffer, theme, plan.routers, 0).skip(1).put(Paint::Dim, why);
    } else if routers.len() > usize::from(plan.routers.height) {
        joined(buffer, theme, plan.routers, state, now);
    } else {
        for (line, router) in routers.iter().enumerate() {
            one_line(buffer, theme, plan.routers, line, state, router, now);
        }
    }
}

/// Why there is no instance on screen.
pub fn none(state: &UiState) -> &'static str {
    if state.knows_routers() { "no VRRP instance in the configuration" } else { state.unloaded() }
}

/// The first of the instances shown when only so many have room: the selected one is always among them.
pub fn first_shown(state: &UiState, room: usize) -> usize {
    let at = state.routers().iter().position(|r| Some(&r.name) == state.router.as_ref()).unwrap_or(0);
    (at + 1).saturating_sub(room.max(1))
}

/// How an instance that is selected looks.
pub fn look(state: &UiState, router: &VirtualRouterStatus) -> Option<Paint> {
    (state.focus == Focus::Routers && state.router.as_ref() == Some(&router.name)).then_some(Paint::Selected)
}

fn boxed(buffer: &mut Buffer, theme: &Theme, area: Rect, state: &UiState, now: SystemTime) {
    let routers = state.routers();
    // One line for the column words, two for the history and the addresses of one.
    let room = usize::from(area.height).saturating_sub(5);
    let title = match routers.len().saturating_sub(room) {
        0 => "VRRP".to_owned(),
        more => format!("VRRP  +{more} more"),
    };
    let inner = frame::boxed(buffer, theme, area, &title);
    if routers.is_empty() {
        Pen::at(buffer, theme, inner, 0).skip(1).put(Paint::Dim, none(state));
        return;
    }
    let name = routers.iter().map(|r| format::width(&format::clean(&r.name))).max().unwrap_or(0).clamp(4, 16);
    let mut pen = Pen::at(buffer, theme, inner, 0);
    // A narrow panel has no number, and its timer in fewer words: who the peer is and when it was heard counts for more.
    let is_wide = inner.width >= WIDE;
    let next_columns = if is_wide { 16 } else { 11 };
    pen.skip(1).left(Paint::Head, "INST", name).skip(1);
    if is_wide {
        pen.right(Paint::Head, "VRID", 4).skip(1);
    }
    pen.left(Paint::Head, "STATE", 6)
        .skip(1)
        .right(Paint::Head, "PRIO", 4)
        .skip(1)
        .left(Paint::Head, "SINCE", 6)
        .skip(1);
    pen.left(Paint::Head, "NEXT", next_columns).skip(1).put(Paint::Head, "PEER PRIO HEARD");
    for (line, router) in routers.iter().skip(first_shown(state, room)).take(room).enumerate() {
        let mut pen = Pen::at(buffer, theme, inner, line + 1);
        if let Some(paint) = look(state, router) {
            pen = pen.over(paint);
        }
        pen.skip(1).name(Paint::Text, &router.name, name).skip(1);
        if is_wide {
            pen.right(Paint::Text, &router.vrid.to_string(), 4).skip(1);
        }
        pen.left(state_paint(router.state), router.state.name(), 6).skip(1);
        pen.right(Paint::Text, &priority(router), 4).skip(1);
        pen.left(Paint::Text, &format::age(format::since(now, router.since)), 6).skip(1);
        let (paint, next) = if is_wide { next_text(state, router) } else { next_short(state, router) };
        pen.left(paint, &next, next_columns).skip(1);
        put_peers(&mut pen, router, now, !is_wide);
    }
    let shown = routers.iter().find(|r| Some(&r.name) == state.router.as_ref()).or_else(|| routers.first());
    let Some(shown) = shown else { return };
    let last = usize::from(inner.height).saturating_sub(1);
    // Of all of them where there is room.
    let free = last.saturating_sub(1 + routers.len());
    let told = if free < routers.len() { std::slice::from_ref(shown) } else { routers };
    for (line, router) in (last.saturating_sub(told.len())..).zip(told) {
        history(
            buffer,
            theme,
            inner,
            line,
            if told.len() > 1 { name.min(HISTORY_NAME) } else { 0 },
            (state, router),
            now,
        );
    }
    addresses(buffer, theme, inner, last, shown);
}

/// Columns of the panel from which on it has every column.
const WIDE: u16 = 76;
/// Most cells of a name before its history.
const HISTORY_NAME: usize = 12;

/// Draws the last hour of an instance in letters, behind its name in a column of at least `name` cells.
pub fn history(
    buffer: &mut Buffer,
    theme: &Theme,
    area: Rect,
    line: usize,
    name: usize,
    (state, router): (&UiState, &VirtualRouterStatus),
    now: SystemTime,
) {
    let mut pen = Pen::at(buffer, theme, area, line);
    let clean = format::clean(&router.name);
    let shown = format::cut_middle(&clean, HISTORY_NAME, theme.cut_mark());
    pen.skip(1).put(Paint::Dim, "1h ").left(Paint::Dim, &shown, name.max(format::width(&shown))).skip(1);
    let columns = pen.left_over().saturating_sub(6).min(60);
    put_letters(&mut pen, &timeline::letters(router, &splits(state, router), now, columns));
    pen.put(Paint::Dim, if state.viewing.is_some() { " then" } else { " now" });
}

/// When two masters of an instance were noticed, as far as events are known.
fn splits(state: &UiState, router: &VirtualRouterStatus) -> Vec<SystemTime> {
    let events =
        state.events.iter().filter(|event| event.kind == EventKind::SplitBrain && event.subject == router.name);
    events.filter(|event| event.to.as_deref() != Some("over")).map(|event| event.at).collect()
}

/// Letters in the looks of their states.
fn put_letters(pen: &mut Pen<'_>, letters: &str) {
    for letter in letters.chars() {
        let paint = match letter {
            'M' => Paint::Master,
            'b' => Paint::Backup,
            'f' | 'S' => Paint::Fault,
            _ => Paint::Unknown,
        };
        pen.put(paint, letter.encode_utf8(&mut [0; 4]));
    }
}

fn addresses(buffer: &mut Buffer, theme: &Theme, area: Rect, line: usize, router: &VirtualRouterStatus) {
    let mut pen = Pen::at(buffer, theme, area, line);
    let (here, all) = (router.addresses_here.len(), router.addresses.len());
    pen.skip(1).put(Paint::Dim, &format!("VIPs here {here}/{all} "));
    for address in &router.addresses {
        let present = router.addresses_here.contains(address);
        let bare = address.split('/').next().unwrap_or(address);
        let text = if present { format!("{bare} ") } else { format!("({bare}) ") };
        pen.put(if present { Paint::Text } else { Paint::Dim }, &text);
    }
    if let Some(held) = &router.held {
        pen.put(Paint::Drain, &format!("held: {held} "));
    }
    pen.put(Paint::Dim, &router.reason);
}

/// What is to be read of an instance before what it waits for: another master beside it.
pub fn word_first(router: &VirtualRouterStatus) -> Option<&'static str> {
    router.detail.split_brain.as_ref().map(|_| "SPLIT-BRAIN")
}

/// The priority that counts; `-` for one that is not known, since 0 would say that somebody resigns.
pub fn priority(router: &VirtualRouterStatus) -> String {
    if router.effective_priority == 0 { "-".to_owned() } else { router.effective_priority.to_string() }
}

/// What the instance waits for, counted down from the picture's moment. Of one that is held, how long it still is: it waits for
/// nothing else.
pub fn next_text(state: &UiState, router: &VirtualRouterStatus) -> (Paint, String) {
    if let Some(word) = word_first(router) {
        return (Paint::Fault, word.to_owned());
    }
    let gone = state.routers_age();
    // One with another priority takes part as any other.
    if let Some(held) = router.held.as_ref().filter(|_| !router.is_held_by_priority()) {
        let rest = held_for(held).map(|rest| format!(" {}", format::age(rest.saturating_sub(gone))));
        return (Paint::Drain, format!("held{}", rest.unwrap_or_default()));
    }
    let Some(next) = &router.next else { return (Paint::Text, String::new()) };
    let left = format::seconds(next.in_ms.saturating_sub(u64::try_from(gone.as_millis()).unwrap_or(u64::MAX)));
    // Who only watches waits for nothing: that master would count as silent then.
    let text =
        if next.waiting == "master silent" { format!("silent in {left}") } else { format!("{} {left}", next.waiting) };
    (Paint::Text, text)
}

/// How long a hold still is, of `failover by anna; ends in 290 s or with rejoin`.
fn held_for(held: &str) -> Option<Duration> {
    let (_, rest) = held.split_once("ends in ")?;
    rest.split(' ').next()?.parse().ok().map(Duration::from_secs)
}

/// The same in a few letters, for lines that have to hold everything and have no word above them: nothing in them may read as if a
/// master were down that is not.
fn next_short(state: &UiState, router: &VirtualRouterStatus) -> (Paint, String) {
    let (paint, text) = next_text(state, router);
    let text = text.replacen("advertise", "adv", 1).replacen("master down", "waits", 1);
    (if paint == Paint::Text { Paint::Dim } else { paint }, text)
}

/// Everything about an instance in a line of its own.
fn one_line(
    buffer: &mut Buffer,
    theme: &Theme,
    area: Rect,
    line: usize,
    state: &UiState,
    router: &VirtualRouterStatus,
    now: SystemTime,
) {
    let mut pen = Pen::at(buffer, theme, area, line);
    if let Some(paint) = look(state, router) {
        pen = pen.over(paint);
    }
    let name = state.routers().iter().map(|r| format::width(&format::clean(&r.name))).max().unwrap_or(0).min(12);
    pen.skip(1).name(Paint::Text, &router.name, name).skip(1).left(state_paint(router.state), router.state.name(), 6);
    pen.put(Paint::Text, &format!(" {:<3}", priority(router)));
    pen.put(Paint::Dim, &format!(" {:<6} ", format::age(format::since(now, router.since))));
    let (paint, next) = next_short(state, router);
    pen.put(paint, &next).skip(1);
    put_peers(&mut pen, router, now, true);
    let columns = pen.left_over().saturating_sub(5).min(30);
    if columns >= 8 {
        let gap = pen.left_over().saturating_sub(columns + 4);
        pen.skip(gap).put(Paint::Dim, "1h ");
        put_letters(&mut pen, &timeline::letters(router, &splits(state, router), now, columns));
    }
}

/// Several instances in a line: with their peers where all of them fit so, without where they do not. Of more than have room, as
/// many as have, the selected one among them, and how many more there are.
fn joined(buffer: &mut Buffer, theme: &Theme, area: Rect, state: &UiState, now: SystemTime) {
    let (lines, columns) = (usize::from(area.height), usize::from(area.width).saturating_sub(2));
    let all = |has_peers: bool| -> Vec<Spans> {
        state.routers().iter().map(|router| in_short(theme, state, router, has_peers.then_some(now))).collect()
    };
    let (full, short) = (all(true), all(false));
    let (per_line, more) = match in_lines(&full, lines, columns) {
        Some(per_line) => (per_line, String::new()),
        None => match in_lines(&short, lines, columns) {
            Some(per_line) => (per_line, String::new()),
            None => some_in_lines(&short, lines, columns, first_shown(state, 1)),
        },
    };
    for (line, spans) in per_line.iter().enumerate() {
        let mut pen = Pen::at(buffer, theme, area, line);
        put_spans(pen.skip(1), spans);
        if line + 1 == per_line.len() {
            pen.put(Paint::Dim, &more);
        }
    }
}

/// Between two instances in one line.
const BETWEEN: &str = " | ";

/// All of them in so many lines of so many columns, if they fit.
fn in_lines(all: &[Spans], lines: usize, columns: usize) -> Option<Vec<Spans>> {
    let mut filled: Vec<Spans> = Vec::new();
    for spans in all {
        let wide = spans_width(spans);
        match filled.last_mut() {
            Some(line) if spans_width(line) + BETWEEN.len() + wide <= columns => {
                line.push((Paint::Dim, BETWEEN.to_owned()));
                line.extend(spans.iter().cloned());
            }
            _ if wide <= columns => filled.push(spans.clone()),
            _ => return None,
        }
    }
    (filled.len() <= lines).then_some(filled)
}

/// As many as fit, from the first on or so far behind it that the one at `selected` is among them; and how many more there are.
fn some_in_lines(all: &[Spans], lines: usize, columns: usize, selected: usize) -> (Vec<Spans>, String) {
    // Both ends of the window move on: as many as fit from the first on, until the selected one is among them.
    for from in 0..=selected.min(all.len()) {
        let behind = all.get(from..).unwrap_or_default();
        for shown in (1..=behind.len()).rev() {
            let more = format!(" +{} more", all.len() - shown);
            let fits = in_lines(behind.get(..shown).unwrap_or_default(), lines, columns.saturating_sub(more.len()));
            if let Some(filled) = fits {
                if selected < from + shown {
                    return (filled, more);
                }
                break;
            }
        }
    }
    // Not even the selected one has room as it is: it is cut.
    let only = all.get(selected).cloned().unwrap_or_default();
    (vec![only], String::new())
}

/// An instance in as few words as will do, with its peers as they are known `now` if that is asked.
fn in_short(theme: &Theme, state: &UiState, router: &VirtualRouterStatus, peers: Option<SystemTime>) -> Spans {
    let name = look(state, router).unwrap_or(Paint::Text);
    // The states of all of them count for more than the end of a long name.
    let text = format::cut_middle(&format::clean(&router.name), 16, theme.cut_mark()).into_owned();
    let mut spans = vec![(name, text), (state_paint(router.state), format!(" {}", router.state.name()))];
    spans.push((Paint::Text, format!(" {}", priority(router))));
    if let Some(word) = word_first(router) {
        spans.push((Paint::Fault, format!(" {word}")));
    } else if router.is_held_by_priority() {
        spans.push((Paint::Drain, " held".to_owned()));
    } else if router.held.is_some() {
        spans.push((Paint::Drain, format!(" {}", next_text(state, router).1)));
    }
    for peer in
        peers.into_iter().flat_map(|now| router.peers.iter().map(move |peer| peer_text(router, peer, now, true)))
    {
        spans.push((peer.1, format!(" {}", peer.0)));
    }
    spans
}

/// What is known of the peers: a backup says nothing, so nothing but what was heard or configured is shown.
fn put_peers(pen: &mut Pen<'_>, router: &VirtualRouterStatus, now: SystemTime, short: bool) {
    for peer in &router.peers {
        let (text, paint) = peer_text(router, peer, now, short);
        pen.put(paint, &text).skip(1);
    }
}

/// What is known of a peer, in words and with its look. One that is master is nothing to worry about unless this node is too.
pub fn peer_text(router: &VirtualRouterStatus, peer: &PeerStatus, now: SystemTime, short: bool) -> (String, Paint) {
    let priority = peer.last_priority.map_or(String::new(), |p| format!(" {p}"));
    let heard = peer.last_heard_at.map_or(String::new(), |at| format!(" {}", format::age(format::since(now, at))));
    let (word, paint) = match peer.state {
        PeerState::Master if router.state == VirtualRouterState::Master => (" MASTER", Paint::Warning),
        PeerState::Master => (" MASTER", Paint::Text),
        PeerState::Silent if short => ("", Paint::Dim),
        PeerState::Silent => (" silent", Paint::Dim),
        PeerState::Never => (" never heard", Paint::Dim),
    };
    let rejected = peer.rejected.as_ref().map_or(String::new(), |why| format!(" refused: {why}"));
    let reachable = if peer.reachable == Some(false) { " unreachable" } else { "" };
    (format!("{}{priority}{heard}{word}{reachable}{rejected}", peer.address), paint)
}

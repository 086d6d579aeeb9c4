//! The VRRP panel: state, priority, peers as far as they were heard, what comes next, and the last hour in letters.

use super::frame;
use super::pen::Pen;
use crate::engine::{PeerState, PeerStatus, VirtualRouterState, VirtualRouterStatus};
use crate::ui::format;
use crate::ui::rows::timeline;
use crate::ui::screens::plan::{Plan, Shape};
use crate::ui::state::{Focus, UiState};
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::time::SystemTime;

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
    let Some(now) = state.engine_now() else { return };
    if plan.shape == Shape::Large {
        boxed(buffer, theme, plan.routers, state, now);
        return;
    }
    let routers = state.routers();
    if routers.is_empty() {
        Pen::at(buffer, theme, plan.routers, 0).skip(1).put(Paint::Dim, "no VRRP instance");
    } else if routers.len() > usize::from(plan.routers.height) {
        joined(buffer, theme, plan.routers, state, now);
    } else {
        for (line, router) in routers.iter().enumerate() {
            one_line(buffer, theme, plan.routers, line, state, router, now);
        }
    }
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
    let inner = frame::boxed(buffer, theme, area, "VRRP");
    let routers = state.routers();
    if routers.is_empty() {
        Pen::at(buffer, theme, inner, 0).skip(1).put(Paint::Dim, "no VRRP instance in the configuration");
        return;
    }
    let name = routers.iter().map(|r| format::width(&format::clean(&r.name))).max().unwrap_or(0).clamp(4, 16);
    let mut pen = Pen::at(buffer, theme, inner, 0);
    pen.skip(1).left(Paint::Head, "INST", name).skip(1).right(Paint::Head, "VRID", 4).skip(1);
    pen.left(Paint::Head, "STATE", 6)
        .skip(1)
        .right(Paint::Head, "PRIO", 4)
        .skip(1)
        .left(Paint::Head, "SINCE", 6)
        .skip(1);
    pen.left(Paint::Head, "NEXT", 16).skip(1).put(Paint::Head, "PEER PRIO HEARD");
    let room = usize::from(inner.height).saturating_sub(3);
    for (line, router) in routers.iter().skip(first_shown(state, room)).take(room).enumerate() {
        let mut pen = Pen::at(buffer, theme, inner, line + 1);
        if let Some(paint) = look(state, router) {
            pen = pen.over(paint);
        }
        pen.skip(1)
            .name(Paint::Text, &router.name, name)
            .skip(1)
            .right(Paint::Text, &router.vrid.to_string(), 4)
            .skip(1);
        pen.left(state_paint(router.state), router.state.name(), 6).skip(1);
        pen.right(Paint::Text, &router.effective_priority.to_string(), 4).skip(1);
        pen.left(Paint::Text, &format::age(format::since(now, router.since)), 6).skip(1);
        // The last line of the box says who holds it.
        let (paint, next) = match (word_first(router), &router.held) {
            (Some(word), _) => (Paint::Fault, word.to_owned()),
            (None, Some(_)) => (Paint::Drain, "held".to_owned()),
            (None, None) => (Paint::Text, next_text(state, router)),
        };
        pen.left(paint, &next, 16).skip(1);
        put_peers(&mut pen, router, now, false);
    }
    let shown = routers.iter().find(|r| Some(&r.name) == state.router.as_ref()).or_else(|| routers.first());
    let Some(shown) = shown else { return };
    let last = usize::from(inner.height).saturating_sub(1);
    // Of all of them where there is room.
    let free = last.saturating_sub(1 + routers.len());
    let told = if free < routers.len() { std::slice::from_ref(shown) } else { routers };
    for (line, router) in (last.saturating_sub(told.len())..).zip(told) {
        history(buffer, theme, inner, line, if told.len() > 1 { name.min(HISTORY_NAME) } else { 0 }, router, now);
    }
    addresses(buffer, theme, inner, last, shown);
}

/// Most cells of a name before its history.
const HISTORY_NAME: usize = 12;

/// Draws the last hour of an instance in letters, behind its name in a column of at least `name` cells.
pub fn history(
    buffer: &mut Buffer,
    theme: &Theme,
    area: Rect,
    line: usize,
    name: usize,
    router: &VirtualRouterStatus,
    now: SystemTime,
) {
    let mut pen = Pen::at(buffer, theme, area, line);
    let clean = format::clean(&router.name);
    let shown = format::cut_middle(&clean, HISTORY_NAME, theme.cut_mark());
    pen.skip(1).put(Paint::Dim, "1h ").left(Paint::Dim, &shown, name.max(format::width(&shown))).skip(1);
    let columns = pen.left_over().saturating_sub(5).min(60);
    put_letters(&mut pen, &timeline::letters(router, now, columns));
    pen.put(Paint::Dim, " now");
}

/// Letters in the looks of their states.
fn put_letters(pen: &mut Pen<'_>, letters: &str) {
    for letter in letters.chars() {
        let paint = match letter {
            'M' => Paint::Master,
            'b' => Paint::Backup,
            'f' => Paint::Fault,
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

/// What the instance waits for, counted down from the picture's moment.
pub fn next_text(state: &UiState, router: &VirtualRouterStatus) -> String {
    let Some(next) = &router.next else {
        return router.held.as_ref().map_or_else(String::new, |_| "held".to_owned());
    };
    let gone = u64::try_from(state.picture_age().as_millis()).unwrap_or(u64::MAX);
    format!("{} {}", next.waiting, format::seconds(next.in_ms.saturating_sub(gone)))
}

/// The same in a few letters, for lines that have to hold everything and have no word above them: nothing in them may read as if a
/// master were down or silent that is not.
fn next_short(state: &UiState, router: &VirtualRouterStatus) -> (Paint, String) {
    if let Some(word) = word_first(router) {
        return (Paint::Fault, word.to_owned());
    }
    let text = next_text(state, router).replacen("advertise", "adv", 1);
    let text = ["master down", "master silent"].iter().fold(text, |text, timer| text.replacen(timer, "waits", 1));
    match (&router.held, router.next.is_some()) {
        (None, _) => (Paint::Dim, text),
        (Some(_), true) => (Paint::Drain, format!("held, {text}")),
        (Some(_), false) => (Paint::Drain, text),
    }
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
    pen.put(Paint::Text, &format!(" {:<3}", router.effective_priority));
    pen.put(Paint::Dim, &format!(" {:<6} ", format::age(format::since(now, router.since))));
    let (paint, next) = next_short(state, router);
    pen.put(paint, &next).skip(1);
    put_peers(&mut pen, router, now, true);
    let columns = pen.left_over().saturating_sub(5).min(30);
    if columns >= 8 {
        let gap = pen.left_over().saturating_sub(columns + 4);
        pen.skip(gap).put(Paint::Dim, "1h ");
        put_letters(&mut pen, &timeline::letters(router, now, columns));
    }
}

/// Several instances in one line.
fn joined(buffer: &mut Buffer, theme: &Theme, area: Rect, state: &UiState, now: SystemTime) {
    let per_line = state.routers().len().div_ceil(usize::from(area.height).max(1));
    for (line, routers) in state.routers().chunks(per_line.max(1)).enumerate() {
        let mut pen = Pen::at(buffer, theme, area, line);
        pen.skip(1);
        for (n, router) in routers.iter().enumerate() {
            if n > 0 {
                pen.put(Paint::Dim, " | ");
            }
            let name = if look(state, router).is_some() { Paint::Selected } else { Paint::Text };
            // The states of all of them count for more than the end of a long name.
            let text = format::cut_middle(&format::clean(&router.name), 16, theme.cut_mark()).into_owned();
            pen.put(name, &text).skip(1).put(state_paint(router.state), router.state.name());
            pen.put(Paint::Text, &format!(" {}", router.effective_priority)).skip(1);
            if let Some(word) = word_first(router) {
                pen.put(Paint::Fault, word).skip(1);
            }
            if router.held.is_some() {
                pen.put(Paint::Drain, "held ");
            }
            put_peers(&mut pen, router, now, true);
        }
    }
}

/// What is known of the peers: a backup says nothing, so nothing but what was heard or configured is shown.
fn put_peers(pen: &mut Pen<'_>, router: &VirtualRouterStatus, now: SystemTime, short: bool) {
    for peer in &router.peers {
        let (text, paint) = peer_text(peer, now, short);
        pen.put(paint, &text).skip(1);
    }
}

/// What is known of a peer, in words and with its look.
pub fn peer_text(peer: &PeerStatus, now: SystemTime, short: bool) -> (String, Paint) {
    let priority = peer.last_priority.map_or(String::new(), |p| format!(" {p}"));
    let heard = peer.last_heard_at.map_or(String::new(), |at| format!(" {}", format::age(format::since(now, at))));
    let (word, paint) = match peer.state {
        PeerState::Master => (" MASTER", Paint::Warning),
        PeerState::Silent if short => ("", Paint::Dim),
        PeerState::Silent => (" silent", Paint::Dim),
        PeerState::Never => (" never heard", Paint::Dim),
    };
    let rejected = peer.rejected.as_ref().map_or(String::new(), |why| format!(" refused: {why}"));
    let reachable = if peer.reachable == Some(false) { " unreachable" } else { "" };
    (format!("{}{priority}{heard}{word}{reachable}{rejected}", peer.address), paint)
}

//! All VRRP instances with their timers, a line each.

use super::frame;
use super::pen::Pen;
use super::routers::{self, first_shown, look, next_text, state_paint};
use crate::engine::VirtualRouterStatus;
use crate::ui::format;
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::time::SystemTime;

/// One column: its word, its width, and whether it stands at the right.
struct Column {
    word: &'static str,
    width: usize,
    is_right: bool,
    value: fn(&UiState, &VirtualRouterStatus, SystemTime) -> String,
}

const fn column(
    word: &'static str,
    width: usize,
    is_right: bool,
    value: fn(&UiState, &VirtualRouterStatus, SystemTime) -> String,
) -> Column {
    Column { word, width, is_right, value }
}

/// In the order in which they leave a narrow screen, the last first.
const COLUMNS: &[Column] = &[
    column("VRID", 4, true, |_, r, _| r.vrid.to_string()),
    column("PRIO", 7, true, |_, r, _| priority(r)),
    column("SINCE", 6, true, |_, r, now| format::age(format::since(now, r.since))),
    column("NEXT", 18, false, |state, r, _| next_text(state, r).1),
    column("VIPS", 5, true, |_, r, _| format!("{}/{}", r.addresses_here.len(), r.addresses.len())),
    column("INTERFACE", 9, false, |_, r, _| r.interface.clone()),
    column("INTERVAL", 8, true, |_, r, _| format::seconds(r.advert_interval_ms)),
    column("VER", 3, true, |_, r, _| format!("v{}", r.version)),
    column("PREEMPT", 7, true, |_, r, _| if r.preempt { "yes" } else { "no" }.to_owned()),
    column("RX", 6, true, |state, r, _| counted(state, r.counters.adverts_rx)),
    column("TX", 6, true, |state, r, _| counted(state, r.counters.adverts_tx)),
    column("REFUSED", 7, true, |state, r, _| {
        counted(state, super::instance::refused(&r.counters).map(|(_, n)| n).sum())
    }),
];

/// A counter; of the past none is known.
fn counted(state: &UiState, number: u64) -> String {
    if state.is_rewound() { "-".to_owned() } else { format::count(number) }
}

/// `150`, or `150>120` where something tracked takes from the priority in the file.
fn priority(router: &VirtualRouterStatus) -> String {
    if router.priority == router.effective_priority {
        return routers::priority(router);
    }
    format!("{}>{}", router.priority, router.effective_priority)
}

/// Draws the list.
pub fn draw(buffer: &mut Buffer, theme: &Theme, area: Rect, boxed: bool, state: &UiState, now: SystemTime) {
    let routers = state.routers();
    let at = routers.iter().position(|r| Some(&r.name) == state.router.as_ref()).map_or(0, |at| at + 1);
    let room = usize::from(area.height).saturating_sub(if boxed { 3 } else { 2 });
    let more = match routers.len().saturating_sub(room) {
        0 => String::new(),
        more => format!("  +{more} more"),
    };
    let inner = frame::panel(buffer, theme, area, boxed, &format!("VRRP  instance {at}/{}{more}", routers.len()));
    if routers.is_empty() {
        Pen::at(buffer, theme, inner, 0).skip(1).put(Paint::Dim, routers::none(state));
        return;
    }
    let name = routers.iter().map(|r| format::width(&format::clean(&r.name))).max().unwrap_or(0).clamp(8, 24);
    let mut room = usize::from(inner.width).saturating_sub(name + 10);
    let fit = |column: &&Column| {
        let fits = column.width < room;
        room = room.saturating_sub(column.width + 1);
        fits
    };
    let columns: Vec<&Column> = COLUMNS.iter().take_while(fit).collect();
    let mut pen = Pen::at(buffer, theme, inner, 0);
    pen.skip(1).left(Paint::Head, "INSTANCE", name).skip(1).left(Paint::Head, "STATE", 6);
    for column in &columns {
        put(pen.skip(1), Paint::Head, column.word, column);
    }
    let lines = usize::from(inner.height).saturating_sub(1);
    for (line, router) in routers.iter().skip(first_shown(state, lines)).take(lines).enumerate() {
        let mut pen = Pen::at(buffer, theme, inner, line + 1);
        if let Some(paint) = look(state, router) {
            pen = pen.over(paint);
        }
        pen.skip(1).name(Paint::Text, &router.name, name).skip(1);
        pen.left(state_paint(router.state), router.state.name(), 6);
        for column in &columns {
            put(pen.skip(1), Paint::Text, &(column.value)(state, router, now), column);
        }
    }
}

fn put(pen: &mut Pen<'_>, paint: Paint, text: &str, column: &Column) {
    if column.is_right {
        pen.right(paint, text, column.width);
    } else {
        pen.left(paint, text, column.width);
    }
}

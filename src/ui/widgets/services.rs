//! The table of services in ipvsadm's columns: only the rows on screen are built.

use super::frame;
use super::pen::Pen;
use crate::engine::{Counters, Row, RowKind, Sort};
use crate::ui::format;
use crate::ui::intent::Intent;
use crate::ui::popup::Popup;
use crate::ui::rows;
use crate::ui::rows::columns::{Layout, Set};
use crate::ui::screens::Screen;
use crate::ui::screens::plan::{Plan, Shape, plan};
use crate::ui::state::{Focus, UiState};
use crate::ui::theme::{Paint, Theme};
use crate::ui::update::hidden_marks;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::borrow::Cow;
use std::time::Duration;

const fn sort_word(sort: Sort) -> &'static str {
    match sort {
        Sort::Problems => "problems first",
        Sort::File => "as in the file",
        Sort::Key => "key",
        Sort::Active => "active connections",
        Sort::Rate => "connection rate",
    }
}

fn title(state: &UiState) -> String {
    let (matching, all) = state.page().map_or((0, 0), |page| page.services);
    let total = state.page().map_or(0, |page| page.total);
    let at = if total == 0 { 0 } else { state.table.cursor + 1 };
    let marked = match (state.table.marks.len(), hidden_marks(state).count()) {
        (0, _) => String::new(),
        (marked, 0) => format!("  {marked} marked"),
        (marked, hidden) => format!("  {marked} marked ({hidden} hidden)"),
    };
    let filter = if state.table.filter.is_empty() { "none" } else { &state.table.filter };
    let since = state.baseline.as_ref().and_then(|baseline| baseline.at).filter(|_| state.screen == Screen::Counters);
    let since = since.map_or_else(String::new, |at| {
        format!("  counted since {} ({})", format::clock(at), state.keys.hint(Intent::Baseline))
    });
    format!(
        "Services {matching}/{all}  row {at}/{total}{marked}  sort: {}  filter: {filter}{since}",
        sort_word(state.table.sort)
    )
}

/// Draws the table with its title and column words.
pub fn draw(buffer: &mut Buffer, theme: &Theme, plan: Plan, state: &UiState) {
    let inner = if plan.shape == Shape::Large {
        frame::boxed(buffer, theme, plan.services, &title(state))
    } else {
        frame::heading(buffer, theme, plan.services, &title(state));
        let area = plan.services;
        Rect::new(area.x, area.y + 1, area.width, area.height.saturating_sub(1))
    };
    let layout = layout(state, inner.width);
    heads(buffer, theme, plan, inner, &layout);
    let body = usize::from(plan.heads);
    let Some(page) = state.page() else {
        Pen::at(buffer, theme, inner, body).skip(3).put(Paint::Dim, state.unloaded());
        return;
    };
    if page.total == 0 {
        let text = match page.services.1 {
            0 => "no service is configured".to_owned(),
            _ => format!("nothing matches the filter; {} clears it", state.keys.hint(Intent::Back)),
        };
        Pen::at(buffer, theme, inner, body).skip(3).put(Paint::Dim, &text);
    }
    for line in 0..plan.rows().min(page.total.saturating_sub(state.table.top)) {
        let index = state.table.top + line;
        let mut pen = Pen::at(buffer, theme, inner, body + line);
        if let Some(row) = state.row_at(index) {
            let counted = baseline(state, row);
            draw_row(pen, &layout, counted.as_ref().unwrap_or(row), state);
        } else {
            pen.skip(3).put(Paint::Dim, "loading");
        }
    }
}

/// The row with its counters since the baseline, where there is one.
fn baseline(state: &UiState, row: &Row) -> Option<Row> {
    let from = state.baseline.as_ref()?.counters.get(&row.key)?;
    let now = row.counters;
    // A service that was made anew counts from zero: what it has is what came since.
    let since = |now: u64, from: u64| now.checked_sub(from).unwrap_or(now);
    let counters = Counters {
        connections: since(now.connections, from.connections),
        in_packets: since(now.in_packets, from.in_packets),
        out_packets: since(now.out_packets, from.out_packets),
        in_bytes: since(now.in_bytes, from.in_bytes),
        out_bytes: since(now.out_bytes, from.out_bytes),
    };
    Some(Row { counters, ..row.clone() })
}

/// Whether the totals of a row are known: not of the past, and not of a row that was not loaded when the baseline was set.
fn has_totals(state: &UiState, row: &Row) -> bool {
    !state.is_rewound() && state.baseline.as_ref().is_none_or(|baseline| baseline.counters.contains_key(&row.key))
}

/// How the selected row looks: reversed where the keys go, underlined otherwise.
fn look(state: &UiState, row: &Row) -> Option<Paint> {
    if state.table.selected.as_ref() != Some(&row.key) || state.table.going_to.is_some() {
        return None;
    }
    let elsewhere = state.focus != Focus::Services || matches!(state.popups.last(), Some(Popup::Help(_)));
    Some(if elsewhere { Paint::Marked } else { Paint::Selected })
}

/// ipvsadm's two lines of column words, or the second alone.
fn heads(buffer: &mut Buffer, theme: &Theme, plan: Plan, inner: Rect, layout: &Layout) {
    if plan.heads == 2 {
        Pen::at(buffer, theme, inner, 0).skip(3).put(Paint::Head, "Prot LocalAddress:Port Scheduler");
    }
    let mut pen = Pen::at(buffer, theme, inner, usize::from(plan.heads).saturating_sub(1));
    pen.skip(3).left(Paint::Head, "  -> RemoteAddress:Port", layout.name);
    for (word, width, _) in &layout.columns {
        pen.skip(1).right(Paint::Head, word, *width);
    }
    if layout.health > 0 {
        pen.skip(1).left(Paint::Head, "HEALTH", layout.health);
    }
}

/// The bar of the selected row covers its mark and its name: what state it is in stays to be seen, and a step of the cursor
/// costs a slow line little.
fn draw_row(mut pen: Pen<'_>, layout: &Layout, row: &Row, state: &UiState) {
    let (look, has_totals) = (look(state, row), has_totals(state, row));
    let stands_still = state.summary().and_then(|summary| summary.ipvs).is_some_and(|totals| totals.stale);
    let marked = if state.table.marks.contains_key(&row.key) { "*" } else { " " };
    let paint = rows::paint(row);
    let name = match (row.kind, row.problem) {
        (RowKind::Service, _) => Paint::Title,
        (RowKind::Server, true) => paint,
        (RowKind::Server, false) => Paint::Text,
    };
    let width = layout.name_of(row.kind);
    pen.bar(look, width + 3);
    pen.put(look.unwrap_or(Paint::Fresh), marked);
    pen.put(look.unwrap_or(paint), rows::mark(row).encode_utf8(&mut [0; 4])).skip(1);
    // A service says nothing in ipvsadm's server columns, so its name may run over them.
    put_name(&mut pen, look.unwrap_or(name), row, width);
    for (_, width, column) in layout.columns_of(row.kind) {
        let text = match row.kind {
            RowKind::Service if column.servers_only => String::new(),
            _ if column.is_counted() && stands_still => "stale".to_owned(),
            _ if column.is_total && !has_totals => "-".to_owned(),
            _ => (column.value)(row),
        };
        pen.skip(1).right(name_or_text(row), &text, *width);
    }
    if layout.health > 0 {
        // `DRAIN 31 ~12s`: about when no connection is left. `DOWN 41s timeout`: since when.
        let seconds = |seconds| format::age(Duration::from_secs(seconds));
        let left = row.drain.as_ref().and_then(|drain| drain.empty_in_s).filter(|left| *left > 0);
        let note = match (row.note.strip_prefix("DOWN "), row.health_age_s, left) {
            (Some(why), Some(age), _) => Some(format!("DOWN {} {why}", seconds(age))),
            (None, _, Some(left)) => Some(format!("{} ~{}", row.note.replace(" conn", ""), seconds(left))),
            (..) => None,
        };
        pen.skip(1).left(paint, &fitted(note.as_ref().unwrap_or(&row.note), layout.health), layout.health);
    }
}

/// The name in so many cells. What tells long ones apart may stand at either end; the address of a service is cut last.
fn put_name(pen: &mut Pen<'_>, paint: Paint, row: &Row, columns: usize) {
    let name = rows::name(row);
    let address = name.match_indices(' ').nth(1).map_or(0, |(at, _)| at);
    let (head, rest) = name.split_at(if row.kind == RowKind::Service { address } else { 0 });
    match columns.checked_sub(format::width(head)).filter(|left| *left > 1) {
        Some(left) => drop(pen.put(paint, head).name(paint, rest, left)),
        None => drop(pen.name(paint, &name, columns)),
    }
}

/// A note in so many cells: its words are shortened before one of them goes.
fn fitted(note: &str, columns: usize) -> Cow<'_, str> {
    if format::width(note) <= columns {
        return Cow::Borrowed(note);
    }
    let dense = note.replace(", ", " ");
    if format::width(&dense) <= columns {
        return Cow::Owned(dense);
    }
    Cow::Owned(dense.replace("DEGRADED", "DEGR"))
}

/// The words of the columns that have room in the table that is shown.
pub fn shown_words(state: &UiState) -> Vec<&'static str> {
    let plan = plan(state);
    let edges = if plan.shape == Shape::Large { 2 } else { 0 };
    let layout = layout(state, plan.services.width.saturating_sub(edges));
    layout.columns.iter().map(|(.., column)| column.word).collect()
}

/// The columns of the table that is shown, so many cells wide.
fn layout(state: &UiState, width: u16) -> Layout {
    let loaded = state.page().map_or(&[][..], |page| &page.rows);
    let servers = loaded.iter().filter(|row| row.kind == RowKind::Server);
    let wanted = servers.map(|row| format::width(&rows::name(row))).max().unwrap_or(0);
    let columns = state.columns.columns(Set::of(state.screen));
    Layout::of(&columns, usize::from(width).saturating_sub(3), wanted, loaded)
}

const fn name_or_text(row: &Row) -> Paint {
    match row.kind {
        RowKind::Service => Paint::Title,
        RowKind::Server => Paint::Text,
    }
}

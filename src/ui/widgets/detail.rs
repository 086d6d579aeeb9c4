//! Everything about the selected row: totals, rates, checks, kernel against wish, the equivalent ipvsadm command.

use super::frame;
use super::pen::Pen;
use crate::engine::{Admin, CheckStatus, Health, Row, RowKind};
use crate::ui::format::{self, compact, grouped};
use crate::ui::intent::Intent;
use crate::ui::rows::{self, change};
use crate::ui::screens::plan::{Plan, Shape};
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::time::Duration;

/// Draws the details below the table.
pub fn draw(buffer: &mut Buffer, theme: &Theme, plan: Plan, state: &UiState) {
    if plan.detail.height == 0 {
        return;
    }
    let row = state.selected_row();
    let gone =
        if state.table.filter.is_empty() { "not in the table any more" } else { "hidden by the filter, or gone" };
    let title = row.map_or_else(
        || state.table.selected.as_ref().map_or_else(String::new, |key| format!("{key} ({gone})")),
        |row| row.server.as_ref().map_or_else(|| row.service.clone(), |server| format!("{} / {server}", row.service)),
    );
    let area = plan.detail;
    let inner = if plan.shape == Shape::Large {
        frame::rule(buffer, theme, area, 0, &title);
        Rect::new(area.x + 1, area.y + 1, area.width.saturating_sub(2), area.height - 1)
    } else {
        frame::heading(buffer, theme, area, &title);
        Rect::new(area.x, area.y + 1, area.width, area.height - 1)
    };
    let Some(row) = row else { return };
    let columns = usize::from(inner.width).saturating_sub(9);
    let mut line = 0;
    for (label, paint, text) in lines(state, row) {
        for (n, text) in format::wrap(&text, "  ", columns).iter().enumerate() {
            let mut pen = Pen::at(buffer, theme, inner, line);
            pen.skip(1).left(Paint::Head, if n == 0 { label } else { "" }, 7).skip(1).put(paint, text);
            line += 1;
        }
    }
}

fn lines(state: &UiState, row: &Row) -> Vec<(&'static str, Paint, String)> {
    let drain = drain(state, row).map(|text| ("drain", Paint::Drain, text));
    let most = if drain.is_some() { 1 } else { 2 };
    let mut lines: Vec<_> = drain.into_iter().collect();
    lines.extend([totals(state, row), ("rates", Paint::Text, rates(row))]);
    match row.kind {
        RowKind::Server => {
            lines.extend(checks(state, row, most));
            let (paint, text) = kernel(state, row);
            lines.push(("kernel", paint, text));
        }
        RowKind::Service => lines.push(("state", rows::paint(row), row.note.clone())),
    }
    lines.extend(ipvsadm(row));
    lines
}

/// Totals, rates and the equivalent ipvsadm command.
pub fn numbers(state: &UiState, row: &Row) -> Vec<(&'static str, Paint, String)> {
    let numbers = [totals(state, row), ("rates", Paint::Text, rates(row))];
    numbers.into_iter().chain(ipvsadm(row)).collect()
}

fn ipvsadm(row: &Row) -> Option<(&'static str, Paint, String)> {
    Some(("ipvsadm", Paint::Dim, rows::ipvsadm(row)?))
}

fn totals(state: &UiState, row: &Row) -> (&'static str, Paint, String) {
    if state.is_rewound() {
        let text = format!("not remembered: {} goes back to now", state.keys.hint(Intent::Live));
        return ("totals", Paint::Dim, text);
    }
    let c = row.counters;
    let [conns, in_packets, out_packets, in_bytes, out_bytes] =
        [c.connections, c.in_packets, c.out_packets, c.in_bytes, c.out_bytes].map(grouped);
    let text =
        format!("Conns {conns}  InPkts {in_packets}  OutPkts {out_packets}  InBytes {in_bytes}  OutBytes {out_bytes}");
    ("totals", Paint::Text, text)
}

fn rates(row: &Row) -> String {
    let r = row.rates;
    let [cps, packets_in, packets_out, bytes_in, bytes_out] =
        [r.connections_per_s, r.in_packets_per_s, r.out_packets_per_s, r.in_bytes_per_s, r.out_bytes_per_s]
            .map(compact);
    format!("CPS {cps}  InPPS {packets_in}  OutPPS {packets_out}  InBPS {bytes_in}  OutBPS {bytes_out}")
}

/// The checks of a server, at most so many; the rest are counted.
pub fn checks(state: &UiState, row: &Row, most: usize) -> Vec<(&'static str, Paint, String)> {
    if row.kind == RowKind::Service {
        return Vec::new();
    }
    let Some(detail) = state.detail() else {
        return vec![("check", Paint::Dim, state.unloaded().to_owned())];
    };
    if detail.checks.is_empty() {
        let text = match detail.health {
            _ if row.admin == Admin::Maintenance => "none is run in maintenance",
            _ if detail.suspended => "none is run while the address of the service is on another host (ha_suspend)",
            Health::Up | Health::Down => "none: this server counts as up",
            Health::Unknown => "its checks are not run yet; it stays in the table",
        };
        return vec![("check", Paint::Dim, text.to_owned())];
    }
    let mut lines: Vec<_> = detail.checks.iter().take(most).map(|check| check_line(state, check)).collect();
    let more = detail.checks.len().saturating_sub(most);
    if let Some((.., text)) = lines.last_mut().filter(|_| more > 0) {
        *text = format!("{text}  (+{more} more checks)");
    }
    lines
}

fn check_line(state: &UiState, check: &CheckStatus) -> (&'static str, Paint, String) {
    let (paint, verdict) = match check.ok {
        Some(true) => (Paint::Up, "ok"),
        Some(false) => (Paint::Down, "FAILED"),
        None => (Paint::Unknown, "not run yet"),
    };
    let error = check.error.as_ref().map_or(String::new(), |error| format!(" {error}"));
    let took = check.latency_ms.map_or(String::new(), |ms| format!(" {ms:.1} ms"));
    let at = check.at.map_or(String::new(), |at| format!(" at {}", format::clock(at)));
    let gone = u64::try_from(state.detail_age().as_millis()).unwrap_or(u64::MAX);
    let next = match check.next_in_ms {
        // When the next one was due is not remembered.
        _ if state.is_rewound() => String::new(),
        Some(ms) => format!("  next in {}", format::seconds(ms.saturating_sub(gone))),
        None if state.detail().is_some_and(|detail| detail.suspended) => "  suspended (ha_suspend)".to_owned(),
        None => "  running now".to_owned(),
    };
    let (failed, of) = check.failures;
    let fails = if failed > 0 { format!("  {failed}/{of} fails") } else { String::new() };
    ("check", paint, format!("{} {}  {verdict}{error}{took}{at}{next}{fails}", check.kind, check.target))
}

/// How a drain or a maintenance goes: what is left, what comes next, since when, who and why.
pub fn drain(state: &UiState, row: &Row) -> Option<String> {
    let (drain, now) = (row.drain.as_ref()?, state.rows_now()?);
    let templates = state.detail().map(|detail| format!("  {} persistent", format::count(detail.persistent.into())));
    let outlook = drain.outlook(now, |seconds| format::age(Duration::from_secs(seconds)));
    let by = drain.who.as_ref().map_or_else(String::new, |who| format!(" by {}", change::name_of(who)));
    let why = drain.reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    Some(format!(
        "{} active  {} inactive{}  {outlook}  since {} ({}){by}{why}",
        format::count(row.active.into()),
        format::count(row.inactive.into()),
        templates.unwrap_or_default(),
        format::clock(drain.since),
        format::age(format::since(now, drain.since)),
    ))
}

/// What the kernel has of a server, and whether that is what is wanted.
pub fn kernel(state: &UiState, row: &Row) -> (Paint, String) {
    let back = row.drain.as_ref().map_or_else(String::new, |drain| format!(" {}", drain.weight));
    let restores = format!("{} restores{back}", state.keys.hint(Intent::Restore));
    let admin = match row.admin {
        Admin::Enabled => String::new(),
        Admin::Draining => format!("; draining, {restores}"),
        Admin::Maintenance => format!("; in maintenance, {restores}"),
    };
    let slow = row.slow_start.zip(state.rows_now()).map(|(slow, now)| {
        format!(", slow start: {} in {}", slow.weight, format::age(format::since(slow.full_at, now)))
    });
    let file = if row.added { "added with" } else { "file" };
    let wanted = format!("wanted {} ({file} {}{})", row.weight, row.configured_weight, slow.unwrap_or_default());
    match row.kernel_weight {
        Some(weight) if weight == row.weight => (Paint::Text, format!("weight {weight}, {wanted}: in sync{admin}")),
        Some(weight) => (Paint::Warning, format!("weight {weight}, {wanted}: DIFFERENT{admin}")),
        None if row.health == Health::Down => {
            (Paint::Text, format!("not in the table while it is down, {wanted}{admin}"))
        }
        None => (Paint::Warning, format!("not in the table, {wanted}{admin}")),
    }
}

//! One service or real server in full: what the operator wants, what the checks say and what the kernel has, each with since
//! when and why; the last results; its connections; how it went.

use super::{Line, chart_columns, heading, parts, room, text};
use crate::engine::{Admin, Event, EventKind, Health, RealServerStatus, Row, RowKind, Series};
use crate::ui::format;
use crate::ui::intent::Intent;
use crate::ui::rows::{self, change};
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use crate::ui::widgets::pen::Spans;
use crate::ui::widgets::{chart, detail};
use std::time::{Duration, SystemTime};

/// Columns between the label of a chart and the chart: its newest value and its largest.
pub const NUMBERS: u16 = 17;
/// Most results that are shown.
const RESULTS: usize = 40;

const CHARTS: [(Series, &str); 6] = [
    (Series::ConnectionsPerS, "CPS"),
    (Series::Active, "active"),
    (Series::InBytesPerS, "InBPS"),
    (Series::OutBytesPerS, "OutBPS"),
    (Series::InPacketsPerS, "InPPS"),
    (Series::OutPacketsPerS, "OutPPS"),
];

/// What stands in the title.
pub fn title(state: &UiState) -> String {
    match (state.selected_row(), &state.table.selected) {
        (Some(row), _) => match &row.server {
            Some(server) => format!("{} / {server}", row.service),
            None => rows::name(row),
        },
        (None, Some(key)) => format!("{key} (not in the table any more)"),
        (None, None) => "nothing is selected".to_owned(),
    }
}

/// All that is known of the selected row.
pub fn lines(state: &UiState, theme: &Theme) -> Vec<Line> {
    let (Some(row), Some(now)) = (state.selected_row(), state.rows_now()) else {
        return vec![("", vec![(Paint::Dim, "choose a service or a server in the table".to_owned())])];
    };
    let events: Vec<&Event> = events(state, row).collect();
    let mut lines = axes(state, row, &events, now);
    lines.extend(
        detail::checks(state, row, usize::MAX).into_iter().map(|(label, paint, said)| (label, parts(paint, &said))),
    );
    lines.extend(detail::drain(state, row).map(|said| ("drain", parts(Paint::Drain, &said))));
    lines.push(("conns", connections(state, row)));
    lines.push(heading("The last 10 minutes"));
    lines.extend(charts(state, theme, row));
    lines.push(heading(match row.kind {
        RowKind::Server => "Results and changes, newest first",
        RowKind::Service => "Results and changes of it and its servers, newest first",
    }));
    lines.extend(results(state, row, &events, now));
    lines.push(heading("In numbers"));
    lines.extend(detail::numbers(state, row).into_iter().map(|(label, paint, said)| (label, parts(paint, &said))));
    lines
}

/// Events about the row, the newest first.
fn events<'a>(state: &'a UiState, row: &'a Row) -> impl Iterator<Item = &'a Event> {
    let until = state.until();
    let is_about = move |event: &&Event| match (&row.kind, event.subject.strip_prefix(&row.key)) {
        (_, Some("")) => true,
        (RowKind::Service, Some(rest)) => rest.starts_with(' '),
        (RowKind::Server, Some(_)) | (_, None) => false,
    };
    state.events.iter().rev().filter(move |event| until.is_none_or(|until| event.at <= until)).filter(is_about)
}

/// What the operator wants, what the checks say, what the kernel has.
fn axes(state: &UiState, row: &Row, events: &[&Event], now: SystemTime) -> Vec<Line> {
    if row.kind == RowKind::Service {
        let mut lines = vec![("checks", vec![(rows::paint(row), row.note.clone())])];
        let quorum = events.iter().find(|event| event.kind == EventKind::Quorum);
        // The weight is that of the moment: more may be up since.
        let then = |event: &&Event| Event {
            reason: event.reason.as_ref().map(|reason| reason.replace(" is ", " was ")),
            ..(*event).clone()
        };
        lines.extend(quorum.map(|event| ("quorum", told(&then(event), now))));
        let wanted = format!("weights of its servers together {}, {} in the file", row.weight, row.configured_weight);
        lines.push(("operator", text(wanted)));
        return lines;
    }
    let newest = |kinds: &[EventKind]| {
        let exactly = |event: &&&Event| kinds.contains(&event.kind) && event.subject == row.key;
        events.iter().find(exactly).map(|event| told(event, now))
    };
    let (paint, wants) = match row.admin {
        Admin::Enabled => (Paint::Up, "enabled"),
        Admin::Draining => (Paint::Drain, "draining"),
        Admin::Maintenance => (Paint::Drain, "maintenance"),
    };
    let file = if row.added { "as added" } else { "in the file" };
    let mut operator = vec![
        (paint, format!("wants {wants},")),
        // What checks and a slow start make of it is nobody's wish.
        (
            Paint::Text,
            match (row.admin, row.wanted()) {
                (Admin::Enabled, wanted) if wanted == row.configured_weight => format!(" weight {wanted} {file}"),
                (Admin::Enabled, wanted) => format!(" weight {wanted} ({file} {})", row.configured_weight),
                (_, wanted) => {
                    format!(" weight {}, {wanted} when restored ({file} {})", row.weight, row.configured_weight)
                }
            },
        ),
    ];
    let overridden = state.detail().and_then(|server| server.overridden.as_deref());
    if let Some(by) = overridden.filter(|_| row.admin == Admin::Enabled) {
        operator.push((Paint::Dim, format!("  {by}")));
    }
    operator.extend(newest(&[EventKind::ServerAdmin]).map(|spans| prefixed("  ", spans)).unwrap_or_default());
    let mut checks = vec![(rows::paint(row), format!("say {}", health_word(row.health)))];
    if let Some(age) = row.health_age_s {
        checks.push((Paint::Text, format!(" for {}", format::age(Duration::from_secs(age)))));
    }
    let why = state.detail().and_then(first_error);
    let why = why.or_else(|| last_reason(events, row));
    checks.extend(why.map(|why| (Paint::Text, format!(": {why}"))));
    let (paint, said) = detail::kernel(state, row);
    let mut kernel = vec![(paint, said)];
    let changed = state.detail().and_then(|server| server.kernel_changed.as_deref()).zip(state.rows_now());
    kernel.extend(changed.map(|(changed, now)| {
        (Paint::Text, format!(" for {}, by {}", format::age(format::since(now, changed.since)), changed.who))
    }));
    kernel.extend(
        newest(&[EventKind::ServerWeight, EventKind::ServerTable, EventKind::OperationRefused])
            .map(|spans| prefixed("  ", spans))
            .unwrap_or_default(),
    );
    vec![("operator", operator), ("checks", checks), ("kernel", kernel)]
}

const fn health_word(health: Health) -> &'static str {
    match health {
        Health::Up => "up",
        Health::Down => "DOWN",
        Health::Unknown => "nothing yet",
    }
}

fn first_error(detail: &RealServerStatus) -> Option<String> {
    detail.checks.iter().find_map(|check| check.error.clone())
}

fn last_reason(events: &[&Event], row: &Row) -> Option<String> {
    let health = |event: &&&Event| event.kind == EventKind::ServerHealth && event.subject == row.key;
    events.iter().find(health).and_then(|event| event.reason.clone())
}

fn prefixed(gap: &str, spans: Spans) -> Spans {
    std::iter::once((Paint::Text, gap.to_owned())).chain(spans).collect()
}

/// When, by whom and why, of an event.
fn told(event: &Event, now: SystemTime) -> Spans {
    let ago = format::age(format::since(now, event.at));
    let mut said = format!("since {} ({ago})", format::clock(event.at));
    if let Some(who) = &event.who {
        said = format!("{said} by {}", change::name_of(who));
    }
    if let Some(reason) = &event.reason {
        said = format!("{said}: {reason}");
    }
    vec![(Paint::Dim, said)]
}

/// Connections as the kernel counts them, and the key for the table itself.
fn connections(state: &UiState, row: &Row) -> Spans {
    let mut said =
        format!("{} active  {} inactive", format::count(row.active.into()), format::count(row.inactive.into()));
    if let Some(detail) = state.detail() {
        said = format!("{said}  {} persistence templates", detail.persistent);
    }
    let mut spans = parts(Paint::Text, &said);
    let key = state.keys.hint(Intent::Connections);
    spans.push((Paint::Dim, format!("  {key} reads the connection table")));
    spans
}

fn charts(state: &UiState, theme: &Theme, row: &Row) -> Vec<Line> {
    let Some(page) = state.histories().iter().find(|page| page.subject == row.key) else {
        let why = if state.paused_at.is_some() { state.unloaded() } else { "there is no history of it yet" };
        return vec![("", vec![(Paint::Dim, why.to_owned())])];
    };
    let height = if room(state) >= 26 { 2 } else { 1 };
    let mut lines = Vec::new();
    for (series, word) in CHARTS {
        let Some(values) = page.series.get(&series) else { continue };
        let now = values.iter().rev().find_map(|value| *value).map_or_else(|| "-".to_owned(), format::compact);
        let most = format::compact(chart::most(values));
        let numbers = format!("{now:>6} max {most:<5}");
        let numbers_width = usize::from(NUMBERS);
        let drawn = chart::lines(theme.ascii, chart_columns(state), height, values);
        for (n, drawn) in drawn.into_iter().enumerate() {
            let numbers = if n == 0 { numbers.as_str() } else { "" };
            let spans = vec![(Paint::Text, format!("{numbers:<numbers_width$}")), (Paint::Up, drawn)];
            lines.push((if n == 0 { word } else { "" }, spans));
        }
    }
    lines
}

/// What the checks found and what was done, as far as the events reach that the console has.
fn results(state: &UiState, row: &Row, events: &[&Event], now: SystemTime) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for event in events.iter().filter(|event| event.kind != EventKind::Command).take(RESULTS) {
        let (mark, paint) = change::mark(event);
        let ago = format::age(format::since(now, event.at));
        let said = change::text(event);
        // The page is about the server: its name before every line says nothing.
        let said = match &row.server {
            Some(server) => said.replacen(&format!("{server} "), "", 1),
            None => said,
        };
        let when = format!("{} -{ago:<7}", format::clock(event.at));
        lines.push(("", vec![(Paint::Dim, when), (paint, format!("{mark} {said}"))]));
    }
    let first = state.events.front().map(|event| event.at);
    let said = match first {
        Some(first) if lines.is_empty() => format!("none since {}", format::clock(first)),
        Some(first) => format!("older than {}: the timeline goes on", format::clock(first)),
        None => "no event yet".to_owned(),
    };
    lines.push(("", vec![(Paint::Dim, said)]));
    lines
}

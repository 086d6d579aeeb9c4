//! How the selected row went in the last minutes, and beside it what all services and the instances counted.

use super::pen::Pen;
use super::{chart, frame, instance};
use crate::engine::Series;
use crate::ui::format;
use crate::ui::screens::plan::{Plan, Shape};
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// What is drawn, the most telling first.
const SERIES: [(Series, &str); 5] = [
    (Series::ConnectionsPerS, "CPS"),
    (Series::Active, "active"),
    (Series::InBytesPerS, "InBPS"),
    (Series::OutBytesPerS, "OutBPS"),
    (Series::InPacketsPerS, "InPPS"),
];
/// Columns before a chart: its word and the largest value in it.
const LABEL: u16 = 16;
/// The most that a column of numbers takes.
const SIDE: u16 = 46;

/// The width that charts have.
pub const fn columns(area: Rect) -> u16 {
    let side = if area.width >= 110 { SIDE } else { 0 };
    area.width.saturating_sub(side + LABEL + 4)
}

/// Where the sums stand, which count advertisements too; nowhere where there is no room.
pub const fn sums_area(area: Rect) -> Rect {
    if area.width >= 110 {
        Rect { x: area.x + area.width - SIDE, width: SIDE, ..area }
    } else {
        Rect { height: 0, ..area }
    }
}

/// Draws the panel.
pub fn draw(buffer: &mut Buffer, theme: &Theme, plan: Plan, state: &UiState) {
    let area = plan.charts;
    if area.height == 0 {
        return;
    }
    let subject = state.chart_subject();
    let is_boxed = plan.shape == Shape::Large;
    let side = if area.width >= 110 { SIDE } else { 0 };
    let left = Rect { width: area.width - side, ..area };
    let name = if subject == "total" { "all services" } else { &subject };
    let inner = frame::panel(buffer, theme, left, is_boxed, &format!("{name}, the last 10 minutes"));
    charts(buffer, theme, inner, state, &subject);
    if side > 0 {
        let inner = frame::panel(buffer, theme, sums_area(area), is_boxed, "All services, and refused advertisements");
        sums(buffer, theme, inner, state);
    }
}

fn charts(buffer: &mut Buffer, theme: &Theme, area: Rect, state: &UiState, subject: &str) {
    let page = state.histories().iter().find(|page| page.subject == subject);
    let Some(page) = page else {
        let why = if state.paused_at.is_some() { state.unloaded() } else { "there is no history of it yet" };
        Pen::at(buffer, theme, area, 0).skip(1).put(Paint::Dim, why);
        return;
    };
    let count = SERIES.len().min(area.height.into()).max(1);
    let lines = (area.height / u16::try_from(count).unwrap_or(1)).clamp(1, 3);
    for (n, (series, word)) in SERIES.iter().take(count).enumerate() {
        let Some(values) = page.series.get(series) else { continue };
        let y = area.y + u16::try_from(n).unwrap_or(0) * lines;
        let row = Rect { y, height: lines, ..area }.intersection(area);
        let now = values.iter().rev().find_map(|value| *value);
        let mut pen = Pen::at(buffer, theme, row, 0);
        pen.skip(1).left(Paint::Head, word, 7).right(Paint::Text, &now.map_or("-".to_owned(), format::compact), 6);
        if lines > 1 {
            let most = format!("max {}", format::compact(chart::most(values)));
            Pen::at(buffer, theme, row, 1).skip(1).right(Paint::Dim, &most, 13);
        }
        let left = LABEL.min(row.width);
        let place = Rect { x: row.x + left, width: columns(state.charts_area()).min(row.width - left), ..row };
        chart::draw(buffer, theme, place, Paint::Up, values);
    }
}

fn sums(buffer: &mut Buffer, theme: &Theme, area: Rect, state: &UiState) {
    let mut line = 0;
    let mut put = |label: &str, paint: Paint, text: String| {
        let mut pen = Pen::at(buffer, theme, area, line);
        pen.skip(1).left(Paint::Head, label, 12).put(paint, &text);
        line += 1;
    };
    let total = state.histories().iter().find(|page| page.subject == "total");
    for (series, word) in [
        (Series::Active, "ActiveConn"),
        (Series::Inactive, "InActConn"),
        (Series::ConnectionsPerS, "CPS"),
        (Series::InPacketsPerS, "InPPS"),
        (Series::OutPacketsPerS, "OutPPS"),
        (Series::InBytesPerS, "InBPS"),
        (Series::OutBytesPerS, "OutBPS"),
    ] {
        let values = total.and_then(|page| page.series.get(&series));
        let now = values.and_then(|values| values.iter().rev().find_map(|value| *value));
        put(word, Paint::Text, now.map_or_else(|| "-".to_owned(), format::compact));
    }
    let is_rewound = state.is_rewound();
    for router in state.routers() {
        let refused: Vec<String> =
            instance::refused(&router.counters).filter(|(_, n)| *n > 0).map(|(why, n)| format!("{why} {n}")).collect();
        let (paint, text) = match (is_rewound, refused.is_empty()) {
            (true, _) => (Paint::Dim, "not remembered".to_owned()),
            (false, true) => {
                (Paint::Text, format!("refused none, accepted {}", format::count(router.counters.adverts_rx)))
            }
            (false, false) => (Paint::Warning, format!("refused {}", refused.join(", "))),
        };
        put(&router.name, paint, text);
    }
}

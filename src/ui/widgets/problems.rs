//! Lines 2 and on where there is no room for tables: what is wrong, who is master, and the addresses that are here.

use super::{header, pen::Pen, routers};
use crate::ui::format;
use crate::ui::state::{Focus, UiState};
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::fmt::Write as _;

/// A line a problem, then a line an instance.
pub fn draw(buffer: &mut Buffer, theme: &Theme, area: Rect, state: &UiState) {
    let Some(summary) = state.summary() else { return };
    let now = state.engine_now().unwrap_or(summary.now);
    let mut line = 0;
    if let Some(text) = header::lost_text(state) {
        Pen::at(buffer, theme, area, 0).skip(1).put(Paint::Bad, &text);
        line += 1;
    } else if summary.problem_count == 0 {
        Pen::at(buffer, theme, area, 0).skip(1).put(Paint::Up, "no problems");
        line += 1;
    }
    // An instance that has the keys is seen whatever else is wrong.
    let (height, has_keys) = (usize::from(area.height), state.focus == Focus::Routers && !state.routers().is_empty());
    let left = height.saturating_sub(line + usize::from(has_keys));
    for problem in summary.problems.iter().take(left) {
        let mut pen = Pen::at(buffer, theme, area, line);
        if state.focus == Focus::Services && state.table.selected.as_ref() == Some(&problem.key) {
            pen = pen.over(Paint::Marked);
        }
        pen.skip(1).put(Paint::Bad, "! ").put(Paint::Down, &header::problem_text(problem, now));
        line += 1;
    }
    let room = height.saturating_sub(line);
    let hidden = state.routers().len().saturating_sub(room);
    let more = if hidden > 0 { format!(" +{hidden} more") } else { String::new() };
    let first = routers::first_shown(state, room);
    for (n, router) in state.routers().iter().skip(first).take(room).enumerate() {
        let mut pen = Pen::at(buffer, theme, area, line);
        if let Some(look) = routers::look(state, router) {
            pen = pen.over(look);
        }
        let (word, paint) = (router.state.name(), routers::state_paint(router.state));
        let held = if router.held.is_some() { " held" } else { "" };
        let held = routers::word_first(router).map_or_else(|| held.to_owned(), |word| format!(" {word}"));
        let age = format::age(format::since(state.routers_now().unwrap_or(now), router.since));
        let rest = format!("{} {age}{held}", routers::priority(router));
        // A name that is too long is cut, not the state behind it.
        let more = if n + 1 == room { more.as_str() } else { "" };
        let room = pen.left_over().saturating_sub(word.len() + rest.len() + more.len() + 3);
        let name = format::cut_middle(&format::clean(&router.name), room, theme.cut_mark()).into_owned();
        pen.skip(1)
            .put(Paint::Text, &name)
            .skip(1)
            .put(paint, word)
            .skip(1)
            .put(Paint::Dim, &rest)
            .put(Paint::Dim, more);
        line += 1;
    }
    let ((_, services), (here, addresses)) = (summary.services_degraded, summary.addresses_here);
    let mut rest = format!("VIPs here {here}/{addresses}; {services} services");
    for (number, word) in summary.services_ailing() {
        let _ = write!(rest, ", {number} {word}"); // writing to a String can't fail
    }
    // Each of them fits 40 columns; what has no room below the problems is left out.
    for (line, text) in (line..).zip([rest.as_str(), "a larger screen shows the table"]) {
        Pen::at(buffer, theme, area, line).skip(1).put(Paint::Dim, text);
    }
}

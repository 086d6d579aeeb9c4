//! What happened in the last 60 seconds, newest first.

use super::frame;
use super::pen::Pen;
use crate::ui::format;
use crate::ui::rows::change;
use crate::ui::rows::event_list::{MINUTE, knows_minute_before};
use crate::ui::rows::shared::Shared;
use crate::ui::screens::plan::{Plan, Shape};
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns of a box from which on a change stands at its time of day, which is in every log and does not tick.
const CLOCK_FROM: u16 = 56;

/// Draws the list.
pub fn draw(buffer: &mut Buffer, theme: &Theme, plan: Plan, state: &UiState) {
    let area = plan.changes;
    if area.height == 0 {
        return;
    }
    let title = "Changes, last 60 s";
    let inner = if plan.shape == Shape::Large {
        frame::boxed(buffer, theme, area, title)
    } else {
        frame::heading(buffer, theme, area, title);
        Rect::new(area.x, area.y + 1, area.width, area.height - 1)
    };
    let Some(now) = state.engine_now() else { return };
    // Frozen, or in the past: what came later belongs to another picture.
    let until = state.until();
    let recent =
        state.events.iter().rev().filter(|event| change::shown(event) && until.is_none_or(|until| event.at <= until));
    let recent: Vec<_> = recent.take_while(|event| format::since(now, event.at) < MINUTE).collect();
    let lines = usize::from(inner.height);
    let more = match recent.len().saturating_sub(lines) {
        0 => String::new(),
        more => format!(" +{more} more"),
    };
    let shared = Shared::of(state);
    for (line, event) in recent.iter().take(lines).enumerate() {
        let (mark, paint) = change::mark(event);
        let mut pen = Pen::at(buffer, theme, inner, line);
        let (when, columns) = if plan.shape == Shape::Large && inner.width >= CLOCK_FROM {
            (format::clock(event.at), 10)
        } else {
            (format!("-{}", format::age(format::since(now, event.at))), 5)
        };
        pen.right(Paint::Dim, &when, columns).skip(1).put(paint, mark.encode_utf8(&mut [0; 4])).skip(1);
        let reserved = if line + 1 == lines { more.len() } else { 0 };
        let room = pen.left_over().saturating_sub(reserved);
        let text = shared.text(event, room);
        pen.left(paint, &text, room);
        if reserved > 0 {
            pen.put(Paint::Dim, &more);
        }
    }
    if recent.is_empty() {
        let text = if knows_minute_before(state, until.unwrap_or(now)) {
            "nothing changed"
        } else {
            "asking for what changed"
        };
        Pen::at(buffer, theme, inner, 0).skip(1).put(Paint::Dim, text);
    }
}

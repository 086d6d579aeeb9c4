//! What happened in the last 60 seconds, newest first.

use super::frame;
use super::pen::Pen;
use crate::ui::format;
use crate::ui::rows::change;
use crate::ui::screens::plan::{Plan, Shape};
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::time::Duration;

/// How long a change counts as new.
const WINDOW: Duration = Duration::from_mins(1);

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
    let mut line = 0;
    let mut more = 0;
    for event in recent.take_while(|event| format::since(now, event.at) < WINDOW) {
        if line >= usize::from(inner.height) {
            more += 1;
            continue;
        }
        let (mark, paint) = change::mark(event);
        let mut pen = Pen::at(buffer, theme, inner, line);
        let age = format!("-{}", format::age(format::since(now, event.at)));
        pen.right(Paint::Dim, &age, 5).skip(1).put(paint, mark.encode_utf8(&mut [0; 4])).skip(1);
        pen.put(paint, &change::text(event));
        line += 1;
    }
    if line == 0 {
        Pen::at(buffer, theme, inner, 0).skip(1).put(Paint::Dim, "nothing changed");
    }
    if more > 0 && inner.height > 0 {
        let text = format!(" +{more} more");
        let mut pen = Pen::at(buffer, theme, inner, usize::from(inner.height) - 1);
        let gap = pen.left_over().saturating_sub(text.len());
        pen.skip(gap).put(Paint::Dim, &text);
    }
}

//! The timeline: all events, newest first.
//!
//! ```text
//! line 1, line 2
//! ┌ Timeline ─────────┐
//! │ TIME  AGE x WHAT  │
//! └───────────────────┘
//! message, screens, keys
//! ```

use super::plan::{Plan, Shape};
use crate::ui::format;
use crate::ui::intent::Intent;
use crate::ui::rows::shared::Shared;
use crate::ui::rows::{change, event_list};
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use crate::ui::widgets::{frame, pen::Pen};
use ratatui::buffer::Buffer;
use std::time::SystemTime;

/// Draws what stands between line 2 and the footer.
pub fn draw(buffer: &mut Buffer, theme: &Theme, plan: Plan, state: &UiState) {
    let list = &state.timeline;
    let filter = if list.filter.is_empty() { "none" } else { &list.filter };
    let (kinds, key) = (event_list::kinds_word(list.kinds), state.keys.hint(Intent::Sort));
    let title = format!("Timeline  kinds: {kinds} ({key})  filter: {filter}");
    let inner = frame::panel(buffer, theme, plan.body, plan.shape == Shape::Large, &title);
    Pen::at(buffer, theme, inner, 0).skip(1).put(Paint::Head, "DATE   TIME UTC    AGE     WHAT");
    let Some(now) = state.engine_now() else { return };
    let cursor = event_list::selected(state, list);
    let (mut none, shared) = (true, Shared::of(state));
    for (line, event) in event_list::on_screen(state, list).take(plan.list_rows()).enumerate() {
        none = false;
        let mut pen = Pen::at(buffer, theme, inner, line + 1);
        if cursor == Some(event.seq) {
            pen = pen.over(Paint::Selected);
        }
        let (mark, paint) = change::mark(event);
        let is_to_come = state.viewing.is_some_and(|viewing| event.at > viewing);
        let paint = if is_to_come { Paint::Dim } else { paint };
        pen.skip(1)
            .put(Paint::Dim, &format::day(event.at))
            .skip(1)
            .put(Paint::Text, &format::clock_ms(event.at))
            .skip(1);
        pen.right(Paint::Dim, &age(now, event.at), 6).skip(1);
        pen.put(paint, mark.encode_utf8(&mut [0; 4])).skip(1);
        let text = shared.text(event, pen.left_over());
        pen.put(paint, &text);
    }
    if none {
        Pen::at(buffer, theme, inner, 1).skip(1).put(Paint::Dim, "no event that matches");
    }
}

/// How long before the moment that is shown, or after it.
fn age(now: SystemTime, at: SystemTime) -> String {
    let (sign, age) = if at > now { ("+", format::since(at, now)) } else { ("", format::since(now, at)) };
    // A second rewrites no row that is older than a minute: on a slow line all of them together would be its whole load.
    format!("{sign}{}", format::age_by_minute(age))
}

//! The log: every event with everything that is known of it, newest first, for those who ask who did what and why; behind it the
//! lines that the engine wrote.
//!
//! ```text
//! line 1, line 2
//! ┌ Log ───────────────────────────┐
//! │ TIME      LEVEL KIND SUBJECT … │
//! └────────────────────────────────┘
//! message, screens, keys
//! ```

use super::plan::{Plan, Shape};
use crate::engine::Event;
use crate::ui::format;
use crate::ui::intent::Intent;
use crate::ui::rows::event_list;
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use crate::ui::widgets::{engine_log, frame, pen::Pen};
use ratatui::buffer::Buffer;

/// Draws what stands between line 2 and the footer.
pub fn draw(buffer: &mut Buffer, theme: &Theme, plan: Plan, state: &UiState) {
    if state.is_on_engine_log() {
        return engine_log::draw(buffer, theme, plan, state);
    }
    let list = &state.log;
    let filter = if list.filter.is_empty() { "none" } else { &list.filter };
    let kinds = event_list::kinds_word(list.kinds);
    let [sort, tab] = [Intent::Sort, Intent::NextPanel].map(|intent| state.keys.hint(intent));
    let title = format!("Log  kinds: {kinds} ({sort})  filter: {filter}  ({tab}: the engine's lines)");
    let inner = frame::panel(buffer, theme, plan.body, plan.shape == Shape::Large, &title);
    Pen::at(buffer, theme, inner, 0).skip(1).put(Paint::Head, "TIME UTC     LEVEL   EVENT");
    let cursor = event_list::selected(state, list);
    for (line, event) in event_list::on_screen(state, list).take(plan.list_rows()).enumerate() {
        let mut pen = Pen::at(buffer, theme, inner, line + 1);
        if cursor == Some(event.seq) {
            pen = pen.over(Paint::Selected);
        }
        let (level, paint) = engine_log::level(event.severity);
        pen.skip(1).put(Paint::Dim, &format::clock_ms(event.at)).skip(1).left(paint, level, 7).skip(1);
        pen.put(Paint::Text, &text(event));
    }
}

/// Everything that an event says, in the order in which it is asked: what, where, from what to what, why, by whom.
pub fn text(event: &Event) -> String {
    let change = match (&event.from, &event.to) {
        (Some(from), Some(to)) => format!(" {from} > {to}"),
        (None, Some(to)) => format!(" {to}"),
        (_, None) => String::new(),
    };
    let more = [(": ", &event.reason), (" by ", &event.who), (" | ", &event.detail)];
    let more: Vec<&str> =
        more.iter().filter_map(|(before, field)| Some([*before, field.as_deref()?])).flatten().collect();
    format!("{} {}{change}{}", event.kind.name(), event.about(), more.concat())
}

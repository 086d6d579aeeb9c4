//! The lines of the engine's own log, newest first, down to a level.

use super::frame;
use super::pen::Pen;
use crate::engine::{LogLine, Severity};
use crate::ui::format;
use crate::ui::intent::Intent;
use crate::ui::screens::plan::{Plan, Shape};
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;

/// The word of a level, and its look.
pub const fn level(severity: Severity) -> (&'static str, Paint) {
    match severity {
        Severity::Info => ("info", Paint::Dim),
        Severity::Notice => ("notice", Paint::Text),
        Severity::Warning => ("warning", Paint::Warning),
        Severity::Error => ("error", Paint::Bad),
    }
}

/// Lines of the level and above, with every word of the filter in them, newest first.
pub fn matching(state: &UiState) -> impl Iterator<Item = &LogLine> {
    let log = &state.engine_log;
    let words: Vec<String> = state.log.filter.split_whitespace().map(str::to_lowercase).collect();
    let has_words = move |line: &&LogLine| {
        let text = line.text.to_lowercase();
        words.iter().all(|word| match word.strip_prefix('!') {
            Some(word) => !text.contains(word),
            None => text.contains(word),
        })
    };
    let until = state.until();
    let shown = move |line: &&LogLine| until.is_none_or(|until| line.at <= until);
    log.lines.iter().rev().filter(|line| line.level >= log.level).filter(shown).filter(has_words)
}

/// Draws the panel over the whole screen.
pub fn draw(buffer: &mut Buffer, theme: &Theme, plan: Plan, state: &UiState) {
    let log = &state.engine_log;
    let filter = if state.log.filter.is_empty() { "none" } else { &state.log.filter };
    let (least, _) = level(log.level);
    let [sort, tab] = [Intent::Sort, Intent::NextPanel].map(|intent| state.keys.hint(intent));
    let title = format!("Engine's log  level: {least} and above ({sort})  filter: {filter}  ({tab}: events)");
    let inner = frame::panel(buffer, theme, plan.body, plan.shape == Shape::Large, &title);
    Pen::at(buffer, theme, inner, 0).skip(1).put(Paint::Head, "TIME UTC     LEVEL   LINE");
    let room = usize::from(inner.height).saturating_sub(1);
    let mut line = 0;
    let columns = usize::from(inner.width).saturating_sub(22).max(1);
    for found in matching(state).skip(log.scroll) {
        let (word, paint) = level(found.level);
        // A line of a log is read to its end: what does not fit goes on below.
        for (n, text) in format::wrap(&found.text, " ", columns).iter().enumerate() {
            if line >= room {
                return;
            }
            let mut pen = Pen::at(buffer, theme, inner, line + 1);
            if n == 0 {
                pen.skip(1).put(Paint::Dim, &format::clock_ms(found.at)).skip(1).left(paint, word, 7).skip(1);
            } else {
                pen.skip(22);
            }
            pen.put(if found.level >= Severity::Warning { paint } else { Paint::Text }, text);
            line += 1;
        }
    }
    if line == 0 {
        let said = match &log.wrong {
            Some(why) => (Paint::Warning, why.as_str()),
            None if log.lines.is_empty() => (Paint::Dim, "asking the engine, or it has written nothing yet"),
            None => (Paint::Dim, "no line of this level matches"),
        };
        Pen::at(buffer, theme, inner, 1).skip(1).put(said.0, said.1);
    }
}

//! What can be taken back, newest first: what was done, by whom, and what would take it back.

use super::frame;
use super::help::first_shown;
use super::pen::Pen;
use super::popups::{keys as key_line, room, within};
use crate::ui::format;
use crate::ui::popup::UndoList;
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use crate::ui::update::describe;
use ratatui::buffer::Buffer;

/// Draws the list over the screen, two lines a command.
pub fn draw(buffer: &mut Buffer, theme: &Theme, state: &UiState, undo: &UndoList) {
    let entries = undo.entries();
    let wanted = u16::try_from(entries.len() * 2 + 4).unwrap_or(u16::MAX);
    let within = within(state);
    let height = wanted.max(5);
    let inner = frame::popup(buffer, theme, within, (92, height), "What can be taken back, newest first");
    let said = match &undo.list {
        None => Some((Paint::Dim, "asking the engine".to_owned())),
        Some(Err(why)) => Some((Paint::Bad, why.clone())),
        Some(Ok(list)) if list.is_empty() => {
            Some((Paint::Dim, "nothing: no command since the engine started can be taken back".to_owned()))
        }
        Some(Ok(_)) => None,
    };
    if let Some((paint, text)) = said {
        Pen::at(buffer, theme, inner, 0).skip(1).put(paint, &text);
    }
    let room = (room(inner, 1) + 1).div_euclid(2).max(1);
    let first = first_shown(undo.choice, room, entries.len());
    for (line, entry) in entries.iter().skip(first).take(room).enumerate() {
        let pen = Pen::at(buffer, theme, inner, line * 2);
        let mut pen = if first + line == undo.choice { pen.over(Paint::Selected) } else { pen };
        let who = entry.who.split(',').next().unwrap_or_default();
        pen.skip(1).right(Paint::Dim, &entry.id.to_string(), 4).skip(1).put(Paint::Text, &entry.command);
        let mut pen = Pen::at(buffer, theme, inner, line * 2 + 1);
        let age = format::age(std::time::Duration::from_secs(entry.age_s));
        pen.skip(6).put(Paint::Dim, &format!("by {who}, {age} ago; undo: {}", describe(&entry.undo)));
    }
    key_line(buffer, theme, inner, 1, &[("Enter", "shows what it would do"), ("Esc", "leave")]);
}

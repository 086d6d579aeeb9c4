//! The palette: what is typed, the actions that fit with their keys, and what the chosen one takes.

use super::footer::put_field;
use super::frame;
use super::help::first_shown;
use super::pen::Pen;
use super::popups::{keys as key_line, room};
use crate::ui::keymap::{BINDINGS, written};
use crate::ui::palette::{Entry, entries_with};
use crate::ui::popup::Finder;
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;

/// Draws the palette over the screen.
pub fn draw(buffer: &mut Buffer, theme: &Theme, state: &UiState, finder: &Finder) {
    let found = entries_with(state.orders(), finder.field.text(), &state.recent);
    let inner = frame::popup(buffer, theme, super::page::area(state), (92, 20), "Command");
    let mut pen = Pen::at(buffer, theme, inner, 0);
    pen.skip(1).put(Paint::Key, ":");
    put_field(&mut pen, &finder.field);
    if let Some(Entry::Action(intent)) = found.get(finder.choice) {
        pen.skip(2).put(Paint::Dim, intent.arguments());
    }
    let room = room(inner, 1);
    if found.is_empty() {
        Pen::at(buffer, theme, inner, room.min(2)).skip(2).put(Paint::Dim, "no action fits");
    }
    let first = first_shown(finder.choice, room, found.len());
    for (line, entry) in found.iter().skip(first).take(room).enumerate() {
        let pen = Pen::at(buffer, theme, inner, line + 1);
        let mut pen = if first + line == finder.choice { pen.over(Paint::Selected) } else { pen };
        pen.skip(1);
        match entry {
            Entry::Order(words, what) => {
                pen.left(Paint::Dim, "order", 12).skip(1).left(Paint::Title, words, 17).skip(1).put(Paint::Text, what);
            }
            Entry::Recent(text) => {
                pen.left(Paint::Dim, "again", 12).skip(1).put(Paint::Text, text);
            }
            Entry::Action(intent) => {
                let chords = state.keys.lines().find(|(b, _)| b.intent == *intent).map(|(_, chords)| written(chords));
                let help = BINDINGS.iter().find(|b| b.intent == *intent).map_or("", |b| b.help);
                let locked = intent.writes() && !state.may_write();
                let paint = if locked { Paint::Dim } else { Paint::Text };
                pen.left(Paint::Key, &chords.unwrap_or_default(), 12).skip(1);
                pen.left(if locked { Paint::Dim } else { Paint::Title }, intent.name(), 17).skip(1).put(paint, help);
            }
        }
    }
    key_line(buffer, theme, inner, 1, &[("Enter", "does it"), ("Tab", "write out"), ("Esc", "leave")]);
}

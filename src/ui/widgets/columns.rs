//! The column chooser: every column with what it says, those that are shown first and in their order.

use super::frame;
use super::help::first_shown;
use super::pen::Pen;
use super::popups::{both, keys, room};
use super::services::shown_words;
use crate::ui::intent::Intent;
use crate::ui::popup::Chooser;
use crate::ui::rows::columns::{Set, named};
use crate::ui::screens::plan::plan;
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;

/// Draws the chooser over the screen.
pub fn draw(buffer: &mut Buffer, theme: &Theme, state: &UiState, chooser: Chooser) {
    let lines = chooser.lines(&state.columns);
    let height = u16::try_from(lines.len() + 3).unwrap_or(u16::MAX);
    let within = super::page::area(state);
    let of = match chooser.set {
        Set::Services => "the services",
        Set::Counters => "the counters",
    };
    let inner = frame::popup(buffer, theme, within, (76, height), &format!("Columns of {of}"));
    // Chosen, and yet not on this screen: that is no fault of the choice.
    let (fitting, has_table) = (shown_words(state), plan(state).rows() > 0);
    let room = room(inner, 0);
    let first = first_shown(chooser.choice, room, lines.len());
    for (line, (word, is_shown)) in lines.iter().enumerate().skip(first).take(room).map(|(n, line)| (n - first, line)) {
        let pen = Pen::at(buffer, theme, inner, line);
        let is_chosen = first + line == chooser.choice;
        let mut pen = if is_chosen { pen.over(Paint::Selected) } else { pen };
        let paint = if *is_shown { Paint::Text } else { Paint::Dim };
        pen.skip(1).put(Paint::Key, if *is_shown { "[x]" } else { "[ ]" }).skip(1);
        pen.left(if *is_shown { Paint::Title } else { Paint::Dim }, word, 11).skip(1);
        if *is_shown && has_table && !fitting.contains(word) {
            pen.put(Paint::Warning, "no room here: ");
        }
        pen.put(paint, named(word).map_or("", |column| column.what));
    }
    let turn = both(state, Intent::Fold, Intent::Unfold);
    let hints = [("space", "shows, hides"), (&*turn, "moves left, right"), ("0", "as usual"), ("Esc", "done")];
    keys(buffer, theme, inner, 0, &hints);
}

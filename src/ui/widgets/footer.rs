//! The last lines: what was said last, the screens, and the keys. While a filter is typed, the first of them is its field. Where
//! there is no room for a line of screens, they stand where nothing was said.

use super::frame;
use super::pen::Pen;
use crate::ui::format;
use crate::ui::intent::Intent;
use crate::ui::popup::{Field, Popup};
use crate::ui::screens::Screen;
use crate::ui::state::{Tone, UiState};
use crate::ui::theme::{Paint, Theme};
use crate::ui::update::{works, wrong_filter};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws message and keys; in one line, the message has precedence.
pub fn draw(buffer: &mut Buffer, theme: &Theme, area: Rect, state: &UiState) {
    match area.height {
        0 => {}
        1 if state.said.is_none() && state.link.is_none() && state.popups.is_empty() => {
            hints(buffer, theme, area, 0, state);
        }
        1 => message(buffer, theme, area, state),
        lines => {
            if lines == 2 && state.said.is_none() && state.link.is_none() && !typing(state) {
                screens(buffer, theme, area, 0, state);
            } else {
                message(buffer, theme, area, state);
            }
            if lines > 2 {
                screens(buffer, theme, area, 1, state);
            }
            hints(buffer, theme, area, usize::from(lines) - 1, state);
        }
    }
}

/// Whether the field of a filter is open.
fn typing(state: &UiState) -> bool {
    matches!(state.popups.last(), Some(Popup::Filter { .. }))
}

/// The screens with their keys, the one that is shown marked.
fn screens(buffer: &mut Buffer, theme: &Theme, area: Rect, line: usize, state: &UiState) {
    let mut pen = Pen::at(buffer, theme, area, line);
    pen.skip(1);
    for screen in Screen::ALL {
        let (long, short) = screen.names();
        let name = if area.width < 70 { short } else { long };
        let paint = if screen == state.screen { Paint::Marked } else { Paint::Text };
        pen.put(Paint::Key, &state.keys.hint(Intent::Show(screen))).skip(1).put(paint, name).skip(2);
    }
}

fn message(buffer: &mut Buffer, theme: &Theme, area: Rect, state: &UiState) {
    let mut pen = Pen::at(buffer, theme, area, 0);
    pen.skip(1);
    if let Some(Popup::Filter { field, .. }) = state.popups.last() {
        pen.put(Paint::Key, "/");
        put_field(&mut pen, field);
        match wrong_filter(state, field.text()) {
            Some(why) => pen.skip(2).put(Paint::Bad, &why),
            None => pen.skip(2).put(Paint::Dim, "Enter keeps, Esc undoes"),
        };
        return;
    }
    let mut room = area;
    if let Some(link) = state.link {
        let gap = pen.left_over().saturating_sub(link.len() + 1);
        pen.skip(gap).put(Paint::Warning, link);
        room.width = area.width.saturating_sub(u16::try_from(link.len() + 2).unwrap_or(0));
    }
    let Some(said) = &state.said else { return };
    let paint = if said.tone == Tone::Good { Paint::Good } else { Paint::Bad };
    let lines = said_lines(state, area);
    for (n, text) in lines.iter().enumerate() {
        let up = u16::try_from(lines.len() - 1 - n).unwrap_or(0);
        let line = Rect { y: area.y.saturating_sub(up), height: 1, ..room };
        if up > 0 {
            frame::middle(buffer, theme, Rect { width: area.width, ..line }, area.width, 1);
        }
        let mut pen = Pen::at(buffer, theme, line, 0);
        pen.skip(1);
        match said.at.filter(|_| has_clock(area)) {
            Some(at) if n == 0 => drop(pen.put(Paint::Dim, &format::clock(at)).skip(1)),
            Some(_) => drop(pen.skip(CLOCK)),
            None => {}
        }
        pen.put(paint, text);
    }
}

/// Columns of a time before a message, with the space behind it.
const CLOCK: usize = 10;

/// Whether there is room for the time of a message beside it.
const fn has_clock(area: Rect) -> bool {
    area.width >= 60
}

/// What was said in as many lines as it needs, at most half of the screen: what to do stands at its end.
fn said_lines(state: &UiState, area: Rect) -> Vec<String> {
    let Some(said) = &state.said else { return Vec::new() };
    let time = if said.at.is_some() && has_clock(area) { CLOCK } else { 0 };
    let link = state.link.map_or(0, |link| link.len() + 2);
    let columns = usize::from(area.width).saturating_sub(2 + time + link);
    let mut lines = format::wrap(&said.text, " ", columns.max(1));
    let most = usize::from(state.size.1 / 2).clamp(1, 4);
    if lines.len() > most {
        let rest = lines.split_off(most - 1).join(" ");
        lines.push(rest);
    }
    lines
}

/// Lines above the footer that what was said takes.
pub fn lines_above(state: &UiState, footer: Rect) -> u16 {
    let is_typing = typing(state) || footer.height == 0;
    let lines = if is_typing { 0 } else { said_lines(state, footer).len().saturating_sub(1) };
    u16::try_from(lines).unwrap_or(u16::MAX)
}

/// A text field with a visible cursor: the terminal's own stays hidden. Of a text that is too long, the end before the cursor
/// is shown.
pub fn put_field(pen: &mut Pen<'_>, field: &Field) {
    let (before, after) = field.split();
    let look = if field.is_selected() { Paint::Input } else { Paint::Text };
    let before = &*format::cut_front(before, pen.left_over().saturating_sub(2), '<');
    let mut rest = after.chars();
    let under = rest.next().unwrap_or(' ');
    pen.put(look, before).put(Paint::Input, under.encode_utf8(&mut [0; 4])).put(look, rest.as_str());
}

fn hints(buffer: &mut Buffer, theme: &Theme, area: Rect, line: usize, state: &UiState) {
    let mut pen = Pen::at(buffer, theme, area, line);
    pen.skip(1);
    let locked = !state.may_write();
    // The way to help and out is never pushed off the line.
    let last =
        [(Intent::Help, "help"), (Intent::Detach, "detach")].map(|(intent, word)| (state.keys.hint(intent), word));
    let reserve: usize = last.iter().map(|(key, word)| format::width(key) + word.len() + 3).sum();
    let is_last = |intent: Intent| matches!(intent, Intent::Help | Intent::Detach);
    let shown = |intent: Intent| !is_last(intent) && works(state, intent);
    let lines = state.keys.lines().filter(|(b, chords)| !b.hint.is_empty() && !chords.is_empty() && shown(b.intent));
    let mut lines: Vec<_> = lines.collect();
    let is_frozen = state.paused_at.is_some();
    let first = if is_frozen { Intent::Pause } else { Intent::ToggleLock };
    lines.sort_by_key(|(b, _)| (locked || is_frozen) && b.intent != first);
    for (binding, chords) in lines {
        let hint = match binding.intent {
            Intent::ToggleLock if state.unlocked => "lock",
            Intent::Pause if is_frozen => "go on",
            _ => binding.hint,
        };
        let key = chords.first().map(ToString::to_string).unwrap_or_default();
        if format::width(&key) + hint.len() + 3 + reserve > pen.left_over() {
            break;
        }
        pen.put(Paint::Key, &key).skip(1).put(Paint::Text, hint).skip(2);
    }
    let gap = pen.left_over().saturating_sub(reserve - 2);
    pen.skip(gap);
    for (key, word) in &last {
        pen.put(Paint::Key, key).skip(1).put(Paint::Text, word).skip(2);
    }
}

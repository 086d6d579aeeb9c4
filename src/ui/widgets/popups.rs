//! What lies over the screen, and the forms. What is wrong stands below the field while it is typed.

use super::footer::put_field;
use super::help::first_shown;
use super::pen::Pen;
use super::{columns, connections, frame, help, page, palette, preview, undo};
use crate::ui::format;
use crate::ui::intent::Intent;
use crate::ui::popup::{Form, Input, Popup};
use crate::ui::screens::plan::{Shape, plan};
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns of the names of fields.
const LABEL: usize = 9;

/// Draws the topmost popup.
pub fn draw(buffer: &mut Buffer, theme: &Theme, state: &UiState) {
    match state.popups.last() {
        Some(Popup::Help(finder)) => help::draw(buffer, theme, state, finder),
        Some(Popup::Palette(finder)) => palette::draw(buffer, theme, state, finder),
        Some(Popup::Form(form)) => draw_form(buffer, theme, state, form),
        Some(Popup::Undo(list)) => undo::draw(buffer, theme, state, list),
        Some(Popup::Columns(chooser)) => columns::draw(buffer, theme, state, *chooser),
        Some(Popup::Page(page)) => page::draw(buffer, theme, state, *page),
        Some(Popup::Connections(browser)) => connections::draw(buffer, theme, state, browser),
        Some(Popup::Preview(popup)) => _ = preview::draw(buffer, theme, state, popup),
        Some(Popup::Filter { .. }) | None => {}
    }
}

/// Where forms and previews stand: below lines 1 and 2. Where there is no room for tables, they take the footer's line too as long
/// as nothing is said in it.
pub fn within(state: &UiState) -> Rect {
    let area = page::area(state);
    let is_free = plan(state).shape == Shape::List && state.said.is_none() && state.link.is_none();
    Rect { height: area.height + u16::from(is_free), ..area }
}

fn draw_form(buffer: &mut Buffer, theme: &Theme, state: &UiState, form: &Form) {
    let within = within(state);
    let columns = usize::from(within.width.min(76)).saturating_sub(4);
    let note = format::wrap(&form.note(), " ", columns);
    let lines = u16::try_from(form.fields.len() + note.len() + 5).unwrap_or(u16::MAX);
    let inner = frame::popup(buffer, theme, within, (76, lines), &form.title());
    let height = usize::from(inner.height);
    let shown = form.fields.len().min(height);
    let first = first_shown(form.focus, shown, form.fields.len());
    let mut unsaid = None;
    for (line, n) in (first..first + shown).enumerate() {
        let is_whole = draw_field(buffer, theme, inner, line, (form, n));
        unsaid = if n == form.focus && !is_whole { form.wrong(n) } else { unsaid };
    }
    // What is wrong and has no room beside its field stands in the note's place.
    let (paint, below) = match unsaid {
        Some(wrong) => (Paint::Bad, format::wrap(&wrong, " ", usize::from(inner.width).saturating_sub(2))),
        None => (Paint::Dim, note),
    };
    let room = room(inner, shown);
    let blank = usize::from(room > below.len());
    for (line, text) in below.iter().take(room - blank).enumerate() {
        Pen::at(buffer, theme, inner, shown + blank + line).skip(1).put(paint, text);
    }
    keys(buffer, theme, inner, shown, &[("Enter", "preview"), ("Esc", "leave"), ("", form.keys())]);
}

/// One field with what is wrong with it, or a hint; whether what is wrong had room.
fn draw_field(buffer: &mut Buffer, theme: &Theme, area: Rect, line: usize, (form, n): (&Form, usize)) -> bool {
    let Some(field) = form.fields.get(n) else { return true };
    let focused = n == form.focus;
    let mut pen = Pen::at(buffer, theme, area, line);
    pen.skip(1).left(if focused { Paint::Key } else { Paint::Head }, field.label, LABEL).skip(1);
    match &field.input {
        Input::Text(text) if focused => put_field(&mut pen, text),
        Input::Text(text) => drop(pen.put(Paint::Text, text.text())),
        Input::Choice(words, at) => {
            let word = words.get(*at).copied().unwrap_or_default();
            pen.put(if focused { Paint::Input } else { Paint::Text }, word);
        }
    }
    pen.skip(2);
    let wrong = form.wrong(n);
    let is_whole = wrong.as_ref().is_none_or(|wrong| format::width(wrong) <= pen.left_over());
    match wrong {
        Some(wrong) => pen.put(Paint::Bad, &wrong),
        None => pen.put(Paint::Dim, &form.hint(n)),
    };
    is_whole
}

/// Lines of a popup that are left for a list below `above` lines: all but one for the keys, which give way to the first.
pub fn room(area: Rect, above: usize) -> usize {
    let left = usize::from(area.height).saturating_sub(above);
    if left > 1 { left - 1 } else { left }
}

/// The keys of a popup in its last line, where [`room`] left it to them.
pub fn keys(buffer: &mut Buffer, theme: &Theme, area: Rect, above: usize, keys: &[(&str, &str)]) {
    if usize::from(area.height) <= above + room(area, above) {
        return;
    }
    let mut pen = Pen::at(buffer, theme, area, usize::from(area.height).saturating_sub(1));
    pen.skip(1);
    for (key, text) in keys {
        if !key.is_empty() {
            pen.put(Paint::Key, key).skip(1);
        }
        pen.put(Paint::Text, text).skip(3);
    }
}

/// Two keys beside each other, `Left Right`; `h l` where these are keys of theirs too.
pub fn both(state: &UiState, one: Intent, other: Intent) -> String {
    format!("{} {}", state.keys.short_hint(one), state.keys.short_hint(other))
}

//! What lies over the screen, and the forms. What is wrong stands below the field while it is typed.

use super::footer::put_field;
use super::pen::Pen;
use super::{columns, connections, frame, help, page, palette, preview, undo};
use crate::ui::popup::{Form, Input, Popup};
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
        Some(Popup::Form(form)) => draw_form(buffer, theme, form),
        Some(Popup::Undo(list)) => undo::draw(buffer, theme, list),
        Some(Popup::Columns(chooser)) => columns::draw(buffer, theme, state, *chooser),
        Some(Popup::Page(page)) => page::draw(buffer, theme, state, *page),
        Some(Popup::Connections(browser)) => connections::draw(buffer, theme, state, browser),
        Some(Popup::Preview(popup)) => preview::draw(buffer, theme, state, popup),
        Some(Popup::Filter { .. }) | None => {}
    }
}

fn draw_form(buffer: &mut Buffer, theme: &Theme, form: &Form) {
    let fields = u16::try_from(form.fields.len()).unwrap_or(u16::MAX);
    let area = frame::middle(buffer, theme, buffer.area, 76, fields.saturating_add(6));
    let inner = frame::boxed(buffer, theme, area, &form.title());
    for (n, field) in form.fields.iter().enumerate() {
        let focused = n == form.focus;
        let mut pen = Pen::at(buffer, theme, inner, n);
        pen.skip(1).left(if focused { Paint::Key } else { Paint::Head }, field.label, LABEL).skip(1);
        match &field.input {
            Input::Text(text) if focused => put_field(&mut pen, text),
            Input::Text(text) => drop(pen.put(Paint::Text, text.text())),
            Input::Choice(words, at) => {
                let word = words.get(*at).copied().unwrap_or_default();
                pen.put(if focused { Paint::Input } else { Paint::Text }, word);
            }
        }
        match form.wrong(n) {
            Some(wrong) => pen.skip(2).put(Paint::Bad, &wrong),
            None => pen.skip(2).put(Paint::Dim, field.hint),
        };
    }
    Pen::at(buffer, theme, inner, form.fields.len() + 1).skip(1).put(Paint::Dim, &form.note());
    keys(buffer, theme, inner, &[("Enter", "preview"), ("Esc", "leave"), ("", form.keys())]);
}

/// The keys of a popup in its last line.
pub fn keys(buffer: &mut Buffer, theme: &Theme, area: Rect, keys: &[(&str, &str)]) {
    let mut pen = Pen::at(buffer, theme, area, usize::from(area.height).saturating_sub(1));
    pen.skip(1);
    for (key, text) in keys {
        if !key.is_empty() {
            pen.put(Paint::Key, key).skip(1);
        }
        pen.put(Paint::Text, text).skip(3);
    }
}

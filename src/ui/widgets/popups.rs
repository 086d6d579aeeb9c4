//! The forms: a weight, a real server to add. What is wrong stands beside the field while it is typed.

use super::footer::put_field;
use super::pen::Pen;
use super::{frame, help, preview};
use crate::ui::popup::{AddField, AddServerForm, Field, Popup, WeightForm};
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws the topmost popup.
pub fn draw(buffer: &mut Buffer, theme: &Theme, state: &UiState) {
    match state.popups.last() {
        Some(Popup::Help { scroll }) => help::draw(buffer, theme, *scroll),
        Some(Popup::Weight(form)) => weight(buffer, theme, form),
        Some(Popup::AddServer(form)) => add_server(buffer, theme, form),
        Some(Popup::Preview(popup)) => preview::draw(buffer, theme, state, popup),
        Some(Popup::Filter { .. } | Popup::Order(_)) | None => {}
    }
}

fn weight(buffer: &mut Buffer, theme: &Theme, form: &WeightForm) {
    let area = frame::middle(buffer, theme, buffer.area, 64, 7);
    let inner = frame::boxed(buffer, theme, area, &format!("Weight of {}", form.server));
    let (now, file) = form.weights;
    Pen::at(buffer, theme, inner, 0).skip(1).put(Paint::Dim, &format!("in {}", form.service));
    Pen::at(buffer, theme, inner, 1).skip(1).put(Paint::Text, &format!("now {now}, in the file {file}"));
    let wrong = if form.field.text().is_empty() { None } else { form.weight().err() };
    field(buffer, theme, inner, 2, ("weight", &form.field, true), wrong);
    keys(buffer, theme, inner, &[("Enter", "preview"), ("Esc", "leave")]);
}

fn add_server(buffer: &mut Buffer, theme: &Theme, form: &AddServerForm) {
    let area = frame::middle(buffer, theme, buffer.area, 76, 8);
    let inner = frame::boxed(buffer, theme, area, &format!("Add a real server to {}", form.service));
    field(buffer, theme, inner, 0, ("address", &form.address, form.focus == AddField::Address), form.key().err());
    field(buffer, theme, inner, 1, ("weight", &form.weight, form.focus == AddField::Weight), form.weight().err());
    let mut pen = Pen::at(buffer, theme, inner, 2);
    let focused = form.focus == AddField::Forward;
    pen.skip(1).left(if focused { Paint::Key } else { Paint::Head }, "forward", 8).skip(1);
    pen.put(if focused { Paint::Input } else { Paint::Text }, form.forward.ipvsadm_name()).skip(2);
    pen.put(Paint::Dim, "Masq (nat), Route (dr), Tunnel (tun): space changes");
    let siblings = format!("{} servers in this service; defaults come from them", form.taken.len());
    Pen::at(buffer, theme, inner, 4).skip(1).put(Paint::Dim, &siblings);
    keys(buffer, theme, inner, &[("Tab", "next field"), ("Enter", "preview"), ("Esc", "leave")]);
}

fn field(
    buffer: &mut Buffer,
    theme: &Theme,
    area: Rect,
    line: usize,
    (label, field, focused): (&str, &Field, bool),
    wrong: Option<String>,
) {
    let mut pen = Pen::at(buffer, theme, area, line);
    pen.skip(1).left(if focused { Paint::Key } else { Paint::Head }, label, 8).skip(1);
    if focused {
        put_field(&mut pen, field);
    } else {
        pen.put(Paint::Text, field.text());
    }
    if let Some(wrong) = wrong {
        pen.skip(2).put(Paint::Bad, &wrong);
    }
}

/// The keys of a popup in its last line.
pub fn keys(buffer: &mut Buffer, theme: &Theme, area: Rect, keys: &[(&str, &str)]) {
    let mut pen = Pen::at(buffer, theme, area, usize::from(area.height).saturating_sub(1));
    pen.skip(1);
    for (key, text) in keys {
        pen.put(Paint::Key, key).skip(1).put(Paint::Text, text).skip(3);
    }
}

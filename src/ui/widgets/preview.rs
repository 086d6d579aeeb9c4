//! The preview of a command: before → after, who feels it, what is done, the equivalent ipvsadm, how to take it back.

use super::footer::put_field;
use super::frame;
use super::pen::Pen;
use super::popups::keys;
use crate::engine::Preview;
use crate::ui::format;
use crate::ui::popup::{Phase, PreviewPopup};
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use crate::ui::update::describe;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns of the words before each line.
const LABEL: usize = 8;

/// Draws the popup.
pub fn draw(buffer: &mut Buffer, theme: &Theme, state: &UiState, popup: &PreviewPopup) {
    let width = 100.min(buffer.area.width);
    let columns = usize::from(width).saturating_sub(LABEL + 4);
    let mut lines = Vec::new();
    part(&mut lines, "CHANGED", Paint::Bad, &popup.changed, columns);
    let (word, keys_shown): (&str, &[(&str, &str)]) = match &popup.phase {
        Phase::Asking => {
            lines.push(("", Paint::Dim, "asking the engine what this would do".to_owned()));
            ("Preview", &[("Esc", "leave")])
        }
        Phase::Ready(answer) => {
            lines.extend(preview_lines(&answer.preview, columns));
            ("Preview", &[("Enter", "do it"), ("Esc", "leave")])
        }
        Phase::Committing(answer) => {
            lines.extend(preview_lines(&answer.preview, columns));
            ("Under way", &[("Esc", "do not wait for the end")])
        }
        Phase::Refused(why) => {
            part(&mut lines, "", Paint::Bad, std::slice::from_ref(why), columns);
            ("Refused", &[("Enter", "back"), ("Esc", "back")])
        }
    };
    let typed = u16::from(popup.required().is_some()) * 2;
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(4 + typed);
    let area = frame::middle(buffer, theme, buffer.area, width, height.min(state.size.1));
    let inner = frame::boxed(buffer, theme, area, &format!("{word}: {}", popup.title));
    // What has to be typed and the keys are never pushed out by a long list.
    let room = inner.height.saturating_sub(1 + typed);
    let hidden = lines.len().saturating_sub(room.into());
    let above = popup.scroll.min(hidden);
    draw_lines(buffer, theme, inner, room.into(), lines.get(above..).unwrap_or_default());
    if let Some(word) = popup.required() {
        let mut pen = Pen::at(buffer, theme, inner, usize::from(inner.height).saturating_sub(2));
        pen.skip(1).put(Paint::Bad, &format!("type {word} to confirm: "));
        put_field(&mut pen, &popup.typed);
    }
    keys(buffer, theme, inner, keys_shown);
}

fn draw_lines(buffer: &mut Buffer, theme: &Theme, area: Rect, room: usize, lines: &[(&str, Paint, String)]) {
    for (line, (label, paint, text)) in lines.iter().take(room).enumerate() {
        let mut pen = Pen::at(buffer, theme, area, line);
        pen.skip(1);
        if line + 1 == room && lines.len() > room {
            pen.put(Paint::Dim, &format!("and {} more lines", lines.len() - line));
            continue;
        }
        pen.left(if *paint == Paint::Bad { Paint::Bad } else { Paint::Head }, label, LABEL).skip(1).put(*paint, text);
    }
}

/// A label for the first line of a part, none for the rest. Nothing is cut: long lines are broken.
fn part(
    lines: &mut Vec<(&'static str, Paint, String)>,
    label: &'static str,
    paint: Paint,
    texts: &[String],
    columns: usize,
) {
    for (n, text) in texts.iter().flat_map(|text| format::wrap(text, " ", columns)).enumerate() {
        lines.push((if n == 0 { label } else { "" }, paint, text));
    }
}

fn preview_lines(preview: &Preview, columns: usize) -> Vec<(&'static str, Paint, String)> {
    let undo = preview.undo.as_ref().map_or_else(|| "none: this can't be taken back".to_owned(), describe);
    let mut lines = Vec::new();
    for (label, paint, texts) in [
        ("before", Paint::Text, &preview.before[..]),
        ("after", Paint::Fresh, &preview.after),
        ("touches", Paint::Warning, std::slice::from_ref(&preview.blast_radius)),
        ("does", Paint::Text, &preview.ops),
        ("ipvsadm", Paint::Dim, &preview.ipvsadm),
        ("undo", Paint::Dim, &[undo]),
    ] {
        part(&mut lines, label, paint, texts, columns);
    }
    lines
}

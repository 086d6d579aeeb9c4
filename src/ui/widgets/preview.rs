//! The preview of a command: before → after, who feels it, what is done, the equivalent ipvsadm, how to take it back.

use super::footer::put_field;
use super::frame;
use super::pen::Pen;
use super::popups::keys;
use crate::engine::Preview;
use crate::ui::popup::{Phase, PreviewPopup};
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use crate::ui::update::describe;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws the popup.
pub fn draw(buffer: &mut Buffer, theme: &Theme, state: &UiState, popup: &PreviewPopup) {
    let mut lines = Vec::new();
    for line in &popup.changed {
        lines.push(("CHANGED", Paint::Bad, line.clone()));
    }
    let (word, keys_shown): (&str, &[(&str, &str)]) = match &popup.phase {
        Phase::Asking => {
            lines.push(("", Paint::Dim, "asking the engine what this would do".to_owned()));
            ("Preview", &[("Esc", "leave")])
        }
        Phase::Ready(answer) => {
            lines.extend(preview_lines(&answer.preview));
            ("Preview", &[("Enter", "do it"), ("Esc", "leave")])
        }
        Phase::Committing(answer) => {
            lines.extend(preview_lines(&answer.preview));
            ("Under way", &[("Esc", "do not wait for the end")])
        }
        Phase::Refused(why) => {
            lines.extend(wrap(why, 86).into_iter().map(|line| ("", Paint::Bad, line)));
            ("Refused", &[("Enter", "back"), ("Esc", "back")])
        }
    };
    let typed = u16::from(popup.required().is_some()) * 2;
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(4 + typed);
    let area = frame::middle(buffer, theme, buffer.area, 100, height.min(state.size.1));
    let inner = frame::boxed(buffer, theme, area, &format!("{word}: {}", popup.title));
    // What has to be typed and the keys are never pushed out by a long list.
    let room = inner.height.saturating_sub(1 + typed);
    draw_lines(buffer, theme, inner, room.into(), &lines);
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
        pen.left(if *paint == Paint::Bad { Paint::Bad } else { Paint::Head }, label, 8).skip(1).put(*paint, text);
    }
}

/// A label for the first line of a part, none for the rest.
fn part(lines: &mut Vec<(&'static str, Paint, String)>, label: &'static str, paint: Paint, texts: &[String]) {
    for (n, text) in texts.iter().enumerate() {
        lines.push((if n == 0 { label } else { "" }, paint, text.clone()));
    }
}

fn preview_lines(preview: &Preview) -> Vec<(&'static str, Paint, String)> {
    let mut lines = Vec::new();
    part(&mut lines, "before", Paint::Text, &preview.before);
    part(&mut lines, "after", Paint::Fresh, &preview.after);
    part(&mut lines, "touches", Paint::Warning, &wrap(&preview.blast_radius, 86));
    part(&mut lines, "does", Paint::Text, &preview.ops);
    part(&mut lines, "ipvsadm", Paint::Dim, &preview.ipvsadm);
    let undo = preview.undo.as_ref().map_or_else(|| "none: this can't be taken back".to_owned(), describe);
    part(&mut lines, "undo", Paint::Dim, &[undo]);
    lines
}

/// Breaks a text at spaces into lines of at most so many columns.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

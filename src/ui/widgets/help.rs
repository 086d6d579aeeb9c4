//! The help page: the table of keys, and what the marks and words on the screen mean.

use super::frame;
use super::pen::Pen;
use crate::ui::format;
use crate::ui::keymap::{BINDINGS, Group, keys_of};
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;

/// What the marks mean.
const MARKS: &[(&str, &str)] = &[
    ("v >", "service, unfolded and folded"),
    ("+ x ?", "real server up, down, not checked yet"),
    ("d m ~", "draining, maintenance, a check failed but it still serves"),
    ("100>0", "weight in the file > weight that counts: a check took it down"),
    ("0(100)", "weight that counts (weight that restore brings back): an operator took it down"),
    ("M b f i", "timeline of the last hour: master, backup, fault, init"),
    ("(10.0.0.1)", "a virtual address that is not on this host"),
    ("silent", "a peer that was heard and is not any more: a VRRP backup says nothing"),
    ("RO RW", "read-only; writes allowed"),
];

/// The page, a line each: keys or a mark, and the text. Headings have an empty second part.
pub fn lines() -> Vec<(String, &'static str)> {
    let mut lines = Vec::new();
    for group in Group::ALL {
        lines.push((group.title().to_owned(), ""));
        lines.extend(BINDINGS.iter().filter(|b| b.group == group).map(|b| (keys_of(b), b.help)));
        lines.push((String::new(), ""));
    }
    lines.push(("Marks and words".to_owned(), ""));
    lines.extend(MARKS.iter().map(|(mark, text)| ((*mark).to_owned(), *text)));
    lines
}

/// Draws the page over the screen.
pub fn draw(buffer: &mut Buffer, theme: &Theme, scroll: usize) {
    let lines = lines();
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let area = frame::middle(buffer, theme, buffer.area, 90, height.min(buffer.area.height.saturating_sub(2)).max(3));
    let more = lines.len().saturating_sub(scroll + usize::from(area.height).saturating_sub(2));
    let title =
        if more > 0 { format!("Keys  ({more} more lines below: Down, PgDn)") } else { "Keys  (Esc leaves)".to_owned() };
    let inner = frame::boxed(buffer, theme, area, &title);
    for (line, (left, right)) in lines.iter().skip(scroll).take(inner.height.into()).enumerate() {
        let mut pen = Pen::at(buffer, theme, inner, line);
        pen.skip(1);
        if right.is_empty() {
            pen.put(Paint::Title, left);
        } else {
            pen.skip(1).left(Paint::Key, left, 11.max(format::width(left))).skip(1).put(Paint::Text, right);
        }
    }
}

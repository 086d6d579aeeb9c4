//! The help page: the table of keys, and what the marks and words on the screen mean; searched by typing.

use super::footer::put_field;
use super::frame;
use super::pen::Pen;
use super::popups::{keys as key_line, room};
use crate::ui::format;
use crate::ui::intent::Intent;
use crate::ui::keymap::{Group, Keymap, written};
use crate::ui::popup::Finder;
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;

/// What the marks mean.
const MARKS: &[(&str, &str)] = &[
    ("v >", "service, unfolded and folded"),
    ("+ x ?", "real server up, down, not checked yet"),
    ("d m ~", "draining, maintenance, a check failed but it still serves"),
    ("*", "marked: the next act is for all marked servers"),
    ("100>0", "weight in the file > weight that counts: a check took it down"),
    ("0(100)", "weight that counts (weight that restore brings back): an operator took it down"),
    ("M b f i", "timeline of the last hour: master, backup, fault, init"),
    ("(10.0.0.1)", "a virtual address that is not on this host"),
    ("silent", "a peer that was heard and is not any more: a VRRP backup says nothing"),
    ("RO RW", "read-only; writes allowed"),
];

/// One line of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Keys, a mark, or a heading.
    pub left: String,
    /// What that is; empty in a heading.
    pub right: &'static str,
    /// What Enter does on it.
    pub intent: Option<Intent>,
}

/// The lines with all words of a search in them; without one, headings too.
pub fn lines(keys: &Keymap, search: &str) -> Vec<Line> {
    let words: Vec<String> = search.split_whitespace().map(str::to_lowercase).collect();
    let heading = |text: &str| Line { left: text.to_owned(), right: "", intent: None };
    let mut lines = Vec::new();
    for group in Group::ALL {
        lines.push(heading(group.title()));
        lines.extend(keys.lines().filter(|(b, _)| b.group == group).map(|(binding, chords)| Line {
            left: if chords.is_empty() { format!(":{}", binding.intent.name()) } else { written(chords) },
            right: binding.help,
            intent: Some(binding.intent),
        }));
        lines.push(heading(""));
    }
    lines.push(heading("Marks and words"));
    lines.extend(MARKS.iter().map(|(mark, text)| Line { left: (*mark).to_owned(), right: text, intent: None }));
    let fits = |line: &Line| {
        let name = line.intent.map_or("", Intent::name);
        let text = format!("{} {} {name}", line.left, line.right).to_lowercase();
        !line.right.is_empty() && words.iter().all(|word| text.contains(word))
    };
    if !words.is_empty() {
        lines.retain(fits);
    }
    lines
}

/// Draws the page over the screen.
pub fn draw(buffer: &mut Buffer, theme: &Theme, state: &UiState, finder: &Finder) {
    let lines = lines(&state.keys, finder.field.text());
    let within = super::page::area(state);
    let inner = frame::popup(buffer, theme, within, (92, within.height.saturating_add(1)), "Keys");
    let mut pen = Pen::at(buffer, theme, inner, 0);
    pen.skip(1).put(Paint::Head, "search").skip(1);
    put_field(&mut pen, &finder.field);
    let room = room(inner, 1);
    // A blank line above the keys, where there is room.
    let room = room - usize::from(room > 4);
    if lines.is_empty() {
        Pen::at(buffer, theme, inner, room.min(2))
            .skip(2)
            .put(Paint::Dim, "nothing on this page has all of these words in it");
    }
    let first = first_shown(finder.choice, room, lines.len());
    for (line, Line { left, right, .. }) in lines.iter().skip(first).take(room).enumerate() {
        let pen = Pen::at(buffer, theme, inner, line + 1);
        let is_chosen = first + line == finder.choice;
        let mut pen = if is_chosen { pen.over(Paint::Selected) } else { pen };
        pen.skip(1);
        if right.is_empty() {
            pen.put(Paint::Title, left);
        } else {
            pen.skip(1).left(Paint::Key, left, 12.max(format::width(left))).skip(1).put(Paint::Text, right);
        }
    }
    let more = lines.len().saturating_sub(first + room);
    let below = if more > 0 { format!("{more} more lines below") } else { String::new() };
    key_line(buffer, theme, inner, 1, &[("Enter", "does it"), ("Esc", "leave"), ("", &below)]);
}

/// The first line on screen, so that the chosen one is.
pub fn first_shown(choice: usize, room: usize, all: usize) -> usize {
    (choice + 1 + room / 3).min(all).saturating_sub(room).min(choice)
}

//! The panel of a demonstration: beside the console where there is room, below it otherwise.
//!
//! ```text
//! ┌ Drill 3 of 8 ───────────┐      ── Drill 3 of 8: Kill web2 ──────────────
//! │ ✓ Drain web1            │       do   type :kill web2
//! │ > Kill web2             │       see  checks fail, then it leaves
//! │   do   type :kill web2  │       VIP at d1 · 8/s, 0 failed · …
//! │   see  checks fail …    │
//! │   Bring web2 back       │
//! └─────────────────────────┘
//! ```

use super::frame;
use super::pen::Pen;
use crate::engine::{Guide, GuideStep};
use crate::ui::intent::Intent;
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns of the panel beside the console, which keeps 100 for its boxes.
const WIDTH: u16 = 38;
/// Lines of the panel below it.
const LINES: u16 = 4;

/// The console's columns and rows, and the panel's place; an empty one where there is no room.
pub fn room((columns, rows): (u16, u16)) -> ((u16, u16), Rect) {
    if columns >= 100 + WIDTH && rows >= 24 {
        ((columns - WIDTH, rows), Rect::new(columns - WIDTH, 0, WIDTH, rows))
    } else if columns >= 60 && rows >= 15 + LINES {
        ((columns, rows - LINES), Rect::new(0, rows - LINES, columns, LINES))
    } else {
        ((columns, rows), Rect::default())
    }
}

/// Draws the panel.
pub fn draw(buffer: &mut Buffer, theme: &Theme, state: &UiState) {
    let Some(guide) = &state.guide else { return };
    let area = room(state.whole).1;
    if area.height > LINES {
        beside(buffer, theme, area, guide);
    } else if area.height > 0 {
        below(buffer, theme, area, state, guide);
    }
}

fn title(guide: &Guide) -> String {
    match guide.steps.get(guide.current) {
        Some(_) => format!("Drill {} of {}", guide.current + 1, guide.steps.len()),
        None => "Drill done".to_owned(),
    }
}

fn below(buffer: &mut Buffer, theme: &Theme, area: Rect, state: &UiState, guide: &Guide) {
    let step = guide.steps.get(guide.current);
    let title = step.map_or_else(|| title(guide), |step| format!("{}: {}", title(guide), step.title));
    frame::heading(buffer, theme, area, &title);
    let names = servers(guide).join("  ");
    let place = usize::from(area.width).saturating_sub(names.chars().count() + 4);
    if !names.is_empty() && place > title.chars().count() + 4 {
        Pen::at(buffer, theme, area, 0).skip(place).put(Paint::Text, &format!(" {names} "));
    }
    if let Some(GuideStep { act, look, .. }) = step {
        Pen::at(buffer, theme, area, 1).skip(1).put(Paint::Key, "do ").skip(2).put(Paint::Text, act);
        Pen::at(buffer, theme, area, 2).skip(1).put(Paint::Key, "see").skip(2).put(Paint::Text, look);
    } else {
        let [help, leave] = [Intent::Help, Intent::Detach].map(|intent| state.keys.hint(intent));
        let text = format!("every step is done; :again begins anew, {help} shows the keys, {leave} leaves");
        Pen::at(buffer, theme, area, 1).skip(1).put(Paint::Up, &text);
    }
    let between = if theme.ascii { " | " } else { " · " };
    let line = whole(&guide.notes, between, usize::from(area.width).saturating_sub(1));
    Pen::at(buffer, theme, area, 3).skip(1).put(Paint::Dim, &line);
}

/// `web1 192.0.2.21`; behind the first of a network only what differs.
fn servers(guide: &Guide) -> Vec<String> {
    let mut shown = Vec::new();
    for (name, address) in &guide.servers {
        let (address, last) = (address.to_string(), shown.len() + 1 == guide.servers.len());
        let tail = address.rsplit('.').next().unwrap_or_default();
        if guide.more_servers && last {
            shown.push("to".to_owned());
        }
        let is_first = shown.is_empty() || guide.more_servers;
        shown.push(if is_first { format!("{name} {address}") } else { format!("{name} .{tail}") });
    }
    shown
}

/// As many notes as have room, each whole: half of one misleads. What has none leaves its place to shorter ones behind.
fn whole(notes: &[String], between: &str, columns: usize) -> String {
    let mut line = String::new();
    for note in notes {
        let more = if line.is_empty() { note.clone() } else { format!("{between}{note}") };
        if line.chars().count() + more.chars().count() <= columns {
            line.push_str(&more);
        }
    }
    line
}

fn beside(buffer: &mut Buffer, theme: &Theme, area: Rect, guide: &Guide) {
    let inner = frame::boxed(buffer, theme, area, &title(guide));
    let columns = usize::from(inner.width).saturating_sub(8);
    let mut line = 0;
    let mut next = || {
        line += 1;
        line - 1
    };
    let done = if theme.ascii { "x" } else { "✓" };
    for (number, step) in guide.steps.iter().enumerate() {
        let (mark, paint) = match number.cmp(&guide.current) {
            std::cmp::Ordering::Less => (done, Paint::Dim),
            std::cmp::Ordering::Equal => (">", Paint::Title),
            std::cmp::Ordering::Greater => (" ", Paint::Text),
        };
        let mut pen = Pen::at(buffer, theme, inner, next());
        pen.skip(1).put(Paint::Up, mark).skip(1).put(paint, step.title);
        if number == guide.current {
            for (label, text) in [("do", step.act), ("see", step.look)] {
                for (n, part) in wrapped(text, columns).into_iter().enumerate() {
                    let mut pen = Pen::at(buffer, theme, inner, next());
                    pen.skip(3).left(Paint::Key, if n == 0 { label } else { "" }, 4).put(Paint::Text, &part);
                }
            }
        }
    }
    if guide.current >= guide.steps.len() {
        next();
        Pen::at(buffer, theme, inner, next()).skip(1).put(Paint::Up, "every step is done; :again repeats");
    }
    next();
    for server in servers(guide) {
        Pen::at(buffer, theme, inner, next()).skip(1).put(Paint::Text, &server);
    }
    next();
    for note in &guide.notes {
        for part in wrapped(note, usize::from(inner.width).saturating_sub(2)) {
            Pen::at(buffer, theme, inner, next()).skip(1).put(Paint::Dim, &part);
        }
    }
}

/// Words in lines of so many columns.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guide(servers: &[(&str, [u8; 4])], more_servers: bool) -> Guide {
        let servers = servers.iter().map(|(name, ip)| ((*name).to_owned(), (*ip).into())).collect();
        Guide { servers, more_servers, ..Guide::default() }
    }

    #[test]
    fn real_servers_are_named_with_their_addresses() {
        let three = [("web1", [192, 0, 2, 21]), ("web2", [192, 0, 2, 22]), ("web3", [192, 0, 2, 23])];
        assert_eq!(servers(&guide(&three, false)).join("  "), "web1 192.0.2.21  web2 .22  web3 .23");
        let many = [("web1", [10, 1, 0, 1]), ("web900", [10, 1, 3, 132])];
        assert_eq!(servers(&guide(&many, true)).join("  "), "web1 10.1.0.1  to  web900 10.1.3.132");
    }

    #[test]
    fn the_faults_are_whole_at_80_columns_and_what_has_no_room_is_left_out() {
        let notes = [
            "VIP at d2",
            "100/s, 999 failed",
            "cut, 100 % lost (:heal)",
            "3 dead (:revive)",
            "curl http://127.0.0.1:8080/",
        ]
        .map(str::to_owned);
        let line = whole(&notes, " · ", 79);
        assert_eq!(line, "VIP at d2 · 100/s, 999 failed · cut, 100 % lost (:heal) · 3 dead (:revive)");
        assert_eq!(whole(&notes[..2], " · ", 79), "VIP at d2 · 100/s, 999 failed");
    }
}

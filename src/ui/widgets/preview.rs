//! The preview of a command: before → after, who feels it, what is done, the equivalent ipvsadm, how to take it back.

use super::footer::put_field;
use super::frame;
use super::pen::Pen;
use super::popups::{keys, room, within};
use crate::engine::Preview;
use crate::ui::format;
use crate::ui::popup::{Phase, PreviewPopup};
use crate::ui::screens::plan::{Shape, plan};
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use crate::ui::update::describe;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns of the words before each line.
const LABEL: usize = 8;
/// Lines of the box, of what is typed and of the keys.
const FRAME: usize = 6;

/// Draws the popup.
pub fn draw(buffer: &mut Buffer, theme: &Theme, state: &UiState, popup: &PreviewPopup) {
    let width = 100.min(buffer.area.width);
    let columns = usize::from(width).saturating_sub(LABEL + 4);
    let within = within(state);
    let mut lines = Vec::new();
    part(&mut lines, "CHANGED", Paint::Bad, &popup.changed, columns);
    part(&mut lines, "HIDDEN", Paint::Bad, popup.hidden.as_slice(), columns);
    let above = lines.len();
    // Who feels it comes first where not all of it is seen at once.
    let told = |preview: &Preview| {
        let lines = preview_lines(preview, columns, false);
        let fits = above + lines.len() + FRAME <= usize::from(within.height);
        if fits { lines } else { preview_lines(preview, columns, true) }
    };
    let (word, keys_shown): (&str, &[(&str, &str)]) = match &popup.phase {
        Phase::Asking => {
            lines.push(("", Paint::Dim, "asking the engine what this would do".to_owned()));
            ("Preview", &[("Esc", "leave")])
        }
        Phase::Ready(answer) => {
            lines.extend(told(&answer.preview));
            // Nothing is done that can't be read.
            match plan(state).shape {
                Shape::Line => ("Enlarge to 40x5", &[("Esc", "leave")]),
                Shape::List | Shape::Small | Shape::Large if popup.unread_until.is_some() => {
                    ("Preview", &[("Esc", "leave")])
                }
                Shape::List | Shape::Small | Shape::Large => ("Preview", &[("Enter", "do it"), ("Esc", "leave")]),
            }
        }
        Phase::Committing(answer) => {
            lines.extend(told(&answer.preview));
            ("Under way", &[("Esc", "do not wait for the end")])
        }
        Phase::Refused(why) => {
            part(&mut lines, "", Paint::Bad, std::slice::from_ref(why), columns);
            ("Refused", &[("Enter", "back"), ("Esc", "back")])
        }
        Phase::Failed(how) => {
            part(&mut lines, "", Paint::Bad, std::slice::from_ref(how), columns);
            ("Failed", &[("Enter", "back"), ("Esc", "back")])
        }
    };
    let asked = popup.required().map(|word| format!("type {word} to confirm: "));
    // The field stands behind what is asked, or below it where it would not fit there.
    let is_below = asked.as_ref().is_some_and(|asked| format::width(asked) * 3 / 2 > usize::from(width));
    let typed = if asked.is_none() { 0 } else { 1 + usize::from(is_below) };
    let height = lines.len() + 4 + if typed > 0 { typed + 1 } else { 0 };
    let height = u16::try_from(height).unwrap_or(u16::MAX).min(within.height.saturating_add(1));
    let inner = frame::popup(buffer, theme, within, (width, height), &format!("{word}: {}", popup.title));
    // What has to be typed is never pushed out by a long list, and the keys are not where there are lines for both.
    let room = room(inner, typed);
    let shown = room - usize::from(typed > 0 && room > 2);
    let hidden = lines.len().saturating_sub(shown);
    let above = popup.scroll.min(hidden);
    let rest = lines.get(above..).unwrap_or_default();
    draw_lines(buffer, theme, inner, shown, rest);
    if let Some(asked) = asked {
        let mut pen = Pen::at(buffer, theme, inner, room);
        pen.skip(1).put(Paint::Bad, &asked);
        if is_below {
            pen = Pen::at(buffer, theme, inner, room + 1);
            pen.skip(1);
        }
        put_field(&mut pen, &popup.typed);
    }
    let below = rest.len().saturating_sub(shown);
    let more = if below > 0 { format!("{below} more") } else { String::new() };
    let scrolls: &[(&str, &str)] = if below > 0 { &[("Down", &more)] } else { &[] };
    keys(buffer, theme, inner, typed, &[keys_shown, scrolls].concat());
}

fn draw_lines(buffer: &mut Buffer, theme: &Theme, area: Rect, room: usize, lines: &[(&str, Paint, String)]) {
    for (line, (label, paint, text)) in lines.iter().take(room).enumerate() {
        let mut pen = Pen::at(buffer, theme, area, line);
        pen.skip(1);
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

fn preview_lines(preview: &Preview, columns: usize, touches_first: bool) -> Vec<(&'static str, Paint, String)> {
    let touches = ("touches", Paint::Warning, std::slice::from_ref(&preview.blast_radius));
    let undo = preview.undo.as_ref().map_or_else(|| "none: this can't be taken back".to_owned(), describe);
    let mut lines = Vec::new();
    let worst = worst_first(&preview.blast_radius);
    let touches = if touches_first { ("touches", Paint::Warning, std::slice::from_ref(&worst)) } else { touches };
    let mut parts = [
        ("before", Paint::Text, &preview.before[..]),
        ("after", Paint::Fresh, &preview.after),
        touches,
        ("does", Paint::Text, &preview.ops),
        ("ipvsadm", Paint::Dim, &preview.ipvsadm),
        ("undo", Paint::Dim, &[undo]),
    ];
    if touches_first {
        parts[..3].rotate_right(1);
    }
    for (label, paint, texts) in parts {
        part(&mut lines, label, paint, texts, columns);
    }
    lines
}

/// What nobody may overlook.
const WORST: [&str; 11] = [
    "GOES: ",
    "ENDS, since",
    "MOVES: ",
    "go with the addresses",
    "goes with the addresses",
    "SPLIT-BRAIN",
    "no server is left",
    "nobody may take over",
    "both are master",
    "new warning",
    "are cut",
];

/// The clauses of a sentence with the worst in front, for where its end is not seen at first.
fn worst_first(sentence: &str) -> String {
    let is_worst = |clause: &&str| WORST.iter().any(|worst| clause.contains(worst));
    let (worst, rest): (Vec<&str>, Vec<&str>) = sentence.split("; ").partition(is_worst);
    worst.into_iter().chain(rest).collect::<Vec<_>>().join("; ")
}

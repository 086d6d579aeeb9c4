//! The preview of a command: before → after, who feels it, what is done, the equivalent ipvsadm, how to take it back.

use super::footer::put_field;
use super::frame;
use super::pen::Pen;
use super::popups::{keys, room, within};
use crate::engine::{Preview, ServiceKey, ServiceSelector};
use crate::ui::format;
use crate::ui::popup::{Phase, Popup, PreviewPopup, Target};
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

/// How many lines of the topmost popup are below those on screen, and how many are on screen.
pub fn reach(state: &UiState) -> (usize, usize) {
    let Some(Popup::Preview(popup)) = state.popups.last() else { return (0, 0) };
    let (width, height) = state.size;
    draw(&mut Buffer::empty(Rect::new(0, 0, width, height)), &Theme::plain(), state, popup)
}

/// The servers that an act was for and that its preview does not name, a line each being `SERVICE SERVER …`, or `SERVER …` where all
/// are of one service.
fn staying(popup: &PreviewPopup, preview: &Preview) -> Option<String> {
    let only = only_service(popup, preview);
    let begins = |head: &str| preview.before.iter().any(|line| line.starts_with(head));
    let is_named = |target: &&Target| {
        let Target { service, server, .. } = target;
        begins(&format!("{service} {server} "))
            || (only.is_none_or(|only| only == service) && begins(&format!("{server} ")))
    };
    let is_twice = |target: &Target| popup.meant.iter().filter(|other| other.server == target.server).count() > 1;
    let name = |target: &Target| {
        let of = if is_twice(target) { format!(" of {}", target.service) } else { String::new() };
        format!("{}{of}", target.server)
    };
    let staying: Vec<String> = popup.meant.iter().filter(|target| !is_named(target)).map(name).collect();
    let verb = if staying.len() == 1 { "stays as it is" } else { "stay as they are" };
    let are_some = !staying.is_empty() && staying.len() < popup.meant.len();
    are_some.then(|| format!("{} {verb}: {}", staying.len(), staying.join(", ")))
}

/// The service that lines without one are of, as the commands of its preview name it.
fn only_service<'a>(popup: &'a PreviewPopup, preview: &Preview) -> Option<&'a ServiceSelector> {
    let is_told = |ServiceSelector(service): &&ServiceSelector| {
        let option = service.parse::<ServiceKey>().map(|key| format!(" {} ", key.ipvsadm_option()));
        option.is_ok_and(|option| preview.ipvsadm.iter().any(|line| line.contains(&option)))
    };
    let mut told = popup.meant.iter().map(|target| &target.service).filter(is_told);
    let first = told.next()?;
    told.all(|other| other == first).then_some(first)
}

/// Draws the popup; how many lines are below those on screen, and how many are on screen.
pub fn draw(buffer: &mut Buffer, theme: &Theme, state: &UiState, popup: &PreviewPopup) -> (usize, usize) {
    let width = 100.min(buffer.area.width);
    let columns = usize::from(width).saturating_sub(LABEL + 4);
    let within = within(state);
    let mut lines = Vec::new();
    part(&mut lines, "CHANGED", Paint::Bad, &popup.changed, columns);
    part(&mut lines, "HIDDEN", Paint::Bad, popup.hidden.as_slice(), columns);
    if let Phase::Ready(answer) | Phase::Committing(answer) = &popup.phase {
        part(&mut lines, "STAY", Paint::Warning, staying(popup, &answer.preview).as_slice(), columns);
    }
    let above = lines.len();
    // Who feels it comes first where not all of it is seen at once.
    let told = |preview: &Preview| {
        let lines = preview_lines(preview, columns, false);
        let fits = above + lines.len() + FRAME <= usize::from(within.height);
        if fits { lines } else { preview_lines(preview, columns, true) }
    };
    let (word, mut keys_shown): (&str, &[(&str, &str)]) = match &popup.phase {
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
    if below > 0 && keys_shown.first() == Some(&("Enter", "do it")) {
        keys_shown = &[("Enter", "read on"), ("Esc", "leave")];
    }
    let scrolls: &[(&str, &str)] = if below > 0 { &[("Down", &more)] } else { &[] };
    keys(buffer, theme, inner, typed, &[keys_shown, scrolls].concat());
    (below, shown)
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
        if preview.undo.is_none() {
            parts[1..].rotate_right(1);
        }
    }
    for (label, paint, texts) in parts {
        part(&mut lines, label, paint, texts, columns);
    }
    lines
}

/// What nobody may overlook.
const WORST: [&str; 14] = [
    "GOES: ",
    "ENDS, since",
    "MOVES: ",
    "LEAVES: ",
    "TAKES OVER, ",
    "MEETS what operators set: ",
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
    let (mut worst, rest): (Vec<&str>, Vec<&str>) = sentence.split("; ").partition(is_worst);
    // What holds for each of several services is said once.
    worst.dedup();
    worst.into_iter().chain(rest).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_of_a_reload_begins_with_what_nobody_may_overlook() {
        let plan = "1 added; connections to servers that stay go on; 2 new warnings: line 7 is ignored";
        assert_eq!(
            worst_first(plan),
            "2 new warnings: line 7 is ignored; 1 added; connections to servers that stay go on"
        );
        assert_eq!(worst_first("a: 1; they are cut; b: 2; they are cut"), "they are cut; a: 1; b: 2");
        let preview =
            Preview { blast_radius: plan.to_owned(), ops: vec!["reads the file".to_owned()], ..Preview::default() };
        let lines = preview_lines(&preview, 200, true);
        let heads: Vec<&str> = lines.iter().map(|(label, ..)| *label).collect();
        assert_eq!(heads, ["touches", "undo", "does"], "what can't be taken back is not below the edge");
        assert!(lines[0].2.starts_with("2 new warnings"), "{}", lines[0].2);
    }
}

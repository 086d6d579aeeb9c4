//! The connection browser: what is asked and what came in numbers, and below it one of its parts.
//!
//! ```text
//! ┌ Connections ──────────────────────────────┐
//! │ what is asked                             │
//! │ how many, how long still, when it was read│
//! │ states 4  servers 8  clients 12  …        │
//! │ lines of the part                         │
//! │ keys                                      │
//! └───────────────────────────────────────────┘
//! ```

use super::footer::put_field;
use super::frame;
use super::help::first_shown;
use super::page::area;
use super::pen::Pen;
use super::popups::{self, keys};
use crate::engine::{ConnectionRow, ConnectionsPage};
use crate::ui::format;
use crate::ui::intent::Intent;
use crate::ui::popup::{Browser, Part};
use crate::ui::screens::plan::{Shape, plan};
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::time::Duration;

/// Lines above those of a part: what is asked, what came, the parts, the column words. On a low screen the latter give way.
const ABOVE: usize = 4;

/// So many of them have room beside the chosen line of a part.
fn above(lines: u16) -> usize {
    usize::from(lines).saturating_sub(1).clamp(1, ABOVE)
}

/// How many lines of a part are on screen.
pub fn room(state: &UiState) -> usize {
    let edges = if plan(state).shape == Shape::Large { 2 } else { 1 };
    let lines = area(state).height.saturating_sub(edges);
    popups::room(Rect::new(0, 0, 1, lines), above(lines))
}

/// Draws the browser.
pub fn draw(buffer: &mut Buffer, theme: &Theme, state: &UiState, browser: &Browser) {
    let area = area(state);
    let area = frame::middle(buffer, theme, area, area.width, area.height);
    let title = format!("Connections, {}", browser.sort_word());
    let inner = frame::panel(buffer, theme, area, plan(state).shape == Shape::Large, &title);
    let mut pen = Pen::at(buffer, theme, inner, 0);
    match &browser.field {
        Some(field) => put_field(pen.skip(1).put(Paint::Key, "/"), field),
        None => drop(pen.skip(1).put(Paint::Title, &asked(browser))),
    }
    let (paint, said) = said(state, browser);
    let above = above(inner.height);
    if above > 1 || browser.lines() == 0 {
        Pen::at(buffer, theme, inner, 1).skip(1).put(paint, &said);
    }
    if let Some(Err(why)) = &browser.answer {
        let columns = usize::from(inner.width).saturating_sub(2);
        let first = above.clamp(2, 3);
        let room = usize::from(inner.height).saturating_sub(first + 1).max(1);
        for (line, text) in format::wrap(why, " ", columns).iter().take(room).enumerate() {
            Pen::at(buffer, theme, inner, first + line).skip(1).put(Paint::Bad, text);
        }
    } else {
        if above > 2 {
            tabs(buffer, theme, inner, browser);
        }
        if let Some(page) = browser.page() {
            part(buffer, theme, inner, browser, page);
        }
    }
    let [again, words, sort] =
        [Intent::Connections, Intent::Filter, Intent::Sort].map(|intent| state.keys.hint(intent));
    let fixed = [("Esc", "back"), ("Tab", "turns"), ("Enter", "narrows")];
    let hints = [&fixed[..], &[(&again, "asks again"), (&words, "words"), (&sort, "order")]].concat();
    keys(buffer, theme, inner, above, &hints);
}

/// What is asked, in words.
fn asked(browser: &Browser) -> String {
    let words = browser.words();
    if words.is_empty() { "all connections".to_owned() } else { words }
}

/// What came, or how far it is.
fn said(state: &UiState, browser: &Browser) -> (Paint, String) {
    if browser.asking.is_some() {
        return (Paint::Dim, "asking the engine; a large table takes seconds".to_owned());
    }
    let Some(page) = browser.page() else { return (Paint::Bad, "there is no answer:".to_owned()) };
    if let Some(note) = browser.note.filter(|_| page.matching == 0) {
        return (Paint::Warning, note.to_owned());
    }
    let mut said = format!("{} connections", format::grouped(page.matching));
    if page.templates > 0 {
        said = format!("{said}, {} templates", format::grouped(page.templates));
    }
    if page.matching + page.templates < page.total {
        said = format!("{said} of {}", format::grouped(page.total));
    }
    if let Some(left) = page.empty_in_s.filter(|left| *left > 0) {
        said = format!("{said}; empty in {} if silent", span(left));
    }
    let ago = state.live_now().map_or(Duration::ZERO, |now| format::since(now, page.at));
    let took = if area(state).width < 100 { String::new() } else { format!(" in {} ms", page.took_ms) };
    let read = format!("read {} ago{took}", format::age(ago));
    if page.complete {
        (Paint::Text, format!("{said}; {read}"))
    } else {
        (Paint::Warning, format!("at least {said}; reading was given up ({read})"))
    }
}

/// Zero stands for a connection without a timer, as those of the userspace dataplane are.
fn span(seconds: u32) -> String {
    if seconds == 0 { "-".to_owned() } else { format::age(Duration::from_secs(seconds.into())) }
}

/// The parts with how much is in each, the one that is looked at marked.
fn tabs(buffer: &mut Buffer, theme: &Theme, inner: Rect, browser: &Browser) {
    let mut pen = Pen::at(buffer, theme, inner, 2);
    pen.skip(1);
    for part in Part::ALL {
        let count = browser.lines_of(part);
        let paint = if part == browser.part { Paint::Marked } else { Paint::Text };
        let text = match part {
            Part::Rows if browser.matching() > count => {
                let first = browser.query.offset + 1;
                format!("{} {first} to {} of {}", part.word(), browser.query.offset + count, browser.matching())
            }
            _ => format!("{} {count}", part.word()),
        };
        pen.put(paint, &text).skip(3);
    }
}

fn part(buffer: &mut Buffer, theme: &Theme, inner: Rect, browser: &Browser, page: &ConnectionsPage) {
    let above = above(inner.height);
    if above == ABOVE {
        let mut pen = Pen::at(buffer, theme, inner, 3);
        put(pen.skip(1), Paint::Head, &heads(browser), browser.part, inner.width);
    }
    let room = popups::room(inner, above);
    let (all, first) = (browser.lines(), first_shown(browser.choice, room, browser.lines()));
    if all == 0 && above > 1 {
        Pen::at(buffer, theme, inner, above).skip(1).put(Paint::Dim, "no connection matches at this moment");
    }
    for line in 0..room.min(all - first) {
        let at = first + line;
        let Some(words) = line_of(page, browser.part, at) else { continue };
        let pen = Pen::at(buffer, theme, inner, above + line);
        let mut pen = if at == browser.choice { pen.over(Paint::Selected) } else { pen };
        put(pen.skip(1), Paint::Text, &words, browser.part, inner.width);
    }
}

/// One line of a part: texts for its columns.
type Words = [String; 6];

/// A column that has no room.
const LEFT_OUT: usize = usize::MAX;

/// Widths of a part's columns; 0 is what is left.
const fn widths(part: Part, width: u16) -> [usize; 6] {
    match (part, width) {
        (Part::States, ..60) => [5, 13, 11, 6, 0, 0],
        (Part::States, _) => [5, 14, 12, 6, 0, 0],
        (Part::Servers, ..60) => [LEFT_OUT, 19, 11, LEFT_OUT, 6, 0],
        (Part::Servers, ..100) => [22, 22, 11, 9, 7, 0],
        (Part::Servers, _) => [40, 28, 12, 10, 9, 0],
        (Part::Clients, ..60) => [19, 11, 6, 0, 0, 0],
        (Part::Clients, _) => [40, 12, 6, 0, 0, 0],
        (Part::Rows, ..60) => [LEFT_OUT, 20, LEFT_OUT, LEFT_OUT, 11, 0],
        (Part::Rows, ..100) => [LEFT_OUT, 21, 20, 17, 11, 0],
        (Part::Rows, _) => [5, 28, 28, 24, 12, 0],
    }
}

const fn is_number(part: Part, column: usize) -> bool {
    match part {
        Part::States | Part::Servers => column >= 2,
        Part::Clients => column >= 1,
        Part::Rows => column == 5,
    }
}

fn put(pen: &mut Pen<'_>, paint: Paint, words: &Words, part: Part, width: u16) {
    for (column, (text, width)) in words.iter().zip(widths(part, width)).enumerate() {
        if width == LEFT_OUT {
            continue;
        }
        if width == 0 {
            pen.put(paint, text);
            return;
        }
        if is_number(part, column) {
            pen.right(paint, text, width);
        } else {
            pen.left(paint, text, width);
        }
        pen.skip(1);
    }
}

fn heads(browser: &Browser) -> Words {
    let heads = match browser.part {
        Part::States => ["PROT", "STATE", "CONNECTIONS", "SHARE", "", ""],
        Part::Servers => ["SERVICE", "REAL SERVER", "CONNECTIONS", "TEMPLATES", "EMPTY", ""],
        Part::Clients => ["CLIENT", "CONNECTIONS", "SHARE", "", "", ""],
        Part::Rows => ["PROT", "CLIENT", "SERVICE", "SERVER", "STATE", "LEFT"],
    };
    heads.map(str::to_owned)
}

fn line_of(page: &ConnectionsPage, part: Part, at: usize) -> Option<Words> {
    let share = |count: u64| format!("{} %", (count * 100).checked_div(page.matching).unwrap_or(0));
    let empty = String::new;
    Some(match part {
        Part::States => {
            let state = page.states.get(at)?;
            let count = format::grouped(state.connections);
            [state.protocol.clone(), state.state.clone(), count, share(state.connections), empty(), empty()]
        }
        Part::Servers => {
            let server = page.real_servers.get(at)?;
            let (connections, templates) = (format::grouped(server.connections), format::grouped(server.templates));
            let (service, left) = (server.service.clone(), span(server.empty_in_s));
            [service, server.server.clone(), connections, templates, left, empty()]
        }
        Part::Clients => {
            let client = page.clients.get(at)?;
            let most = match page.clients_short_by {
                0 => empty(),
                short => format!(" or up to {short} more"),
            };
            let count = format::grouped(client.connections);
            [client.client.to_string(), count, share(client.connections), most, empty(), empty()]
        }
        Part::Rows => row(page.rows.get(at)?),
    })
}

fn row(row: &ConnectionRow) -> Words {
    let state = if row.template { "template".to_owned() } else { row.state.clone() };
    let (client, server) = (row.client.to_string(), row.server.to_string());
    [row.protocol.clone(), client, row.service.clone(), server, state, span(row.expires_s)]
}

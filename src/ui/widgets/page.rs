//! Pages: everything of the selected row or instance, between line 2 and the footer.
//!
//! ```text
//! line 1, line 2
//! ┌ what it is about ────────────┐
//! │ label    what is known       │
//! │ keys                         │
//! └──────────────────────────────┘
//! message, screens, keys
//! ```

mod packet;
mod router;
mod row;

use super::instance::wrapped;
use super::pen::{Pen, Spans, put_spans};
use super::popups::{both, keys};
use super::{footer, frame};
use crate::ui::format;
use crate::ui::intent::Intent;
use crate::ui::popup::{About, Page};
use crate::ui::screens::plan::{Shape, plan};
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns before a text: its label.
const LABEL: u16 = 10;

/// One line before it is wrapped: its label and what it says.
pub type Line = (&'static str, Spans);

/// Where a page stands: lines 1 and 2 and the footer stay.
pub fn area(state: &UiState) -> Rect {
    let (plan, (width, height)) = (plan(state), state.size);
    // What is said may need lines above its own.
    let said = footer::lines_above(state, plan.footer);
    let shorter = |area: Rect| Rect { height: area.height.saturating_sub(said), ..area };
    match plan.shape {
        Shape::Small | Shape::Large => shorter(plan.body),
        Shape::List => shorter(plan.problems),
        Shape::Line => Rect::new(0, 1, width, height.saturating_sub(1)),
    }
}

/// Whether it stands in a box.
fn is_boxed(state: &UiState) -> bool {
    plan(state).shape == Shape::Large
}

/// Columns that a text has behind its label.
fn text_columns(state: &UiState) -> u16 {
    let edges = if is_boxed(state) { 2 } else { 0 };
    area(state).width.saturating_sub(edges + LABEL + 1)
}

/// Columns that a chart has behind its numbers.
pub fn chart_columns(state: &UiState) -> u16 {
    text_columns(state).saturating_sub(row::NUMBERS)
}

/// Lines between the title and the keys.
pub fn room(state: &UiState) -> usize {
    let within = usize::from(area(state).height.saturating_sub(if is_boxed(state) { 2 } else { 1 }));
    if within > 1 { within - 1 } else { within }
}

/// All lines of a page, wrapped.
fn lines(state: &UiState, theme: &Theme, about: About) -> Vec<Line> {
    let columns = usize::from(text_columns(state));
    let all = match about {
        About::Row => row::lines(state, theme),
        About::Router => router::lines(state),
    };
    let mut lines = Vec::new();
    for (label, spans) in all {
        for (n, spans) in wrapped(&spans, columns).into_iter().enumerate() {
            lines.push((if n == 0 { label } else { "" }, spans));
        }
    }
    lines
}

/// How many lines a page has.
pub fn length(state: &UiState, about: About) -> usize {
    lines(state, &Theme::plain(), about).len()
}

/// Draws a page.
pub fn draw(buffer: &mut Buffer, theme: &Theme, state: &UiState, page: Page) {
    let area = area(state);
    let area = frame::middle(buffer, theme, area, area.width, area.height);
    let title = match page.about {
        About::Row => row::title(state),
        About::Router => router::title(state),
    };
    let of = match page.about {
        About::Row => state.page_of(),
        About::Router => state.routers_of(),
    };
    let title = of.map_or_else(|| title.clone(), |of| format!("{title}  as of {}", format::clock(of)));
    let inner = frame::panel(buffer, theme, area, is_boxed(state), &title);
    let (lines, room) = (lines(state, theme, page.about), room(state));
    let first = page.scroll.min(lines.len().saturating_sub(room));
    for (line, (label, spans)) in lines.iter().skip(first).take(room).enumerate() {
        let mut pen = Pen::at(buffer, theme, inner, line);
        pen.skip(1).left(Paint::Head, label, usize::from(LABEL) - 2).skip(1);
        put_spans(&mut pen, spans);
    }
    let below = lines.len().saturating_sub(first + room);
    let below = match below {
        0 => String::new(),
        1 => "1 more line below".to_owned(),
        more => format!("{more} more lines below"),
    };
    let turn = both(state, Intent::Fold, Intent::Unfold);
    keys(buffer, theme, inner, 0, &[("Esc", "back"), (&turn, "previous, next"), ("", &below)]);
}

/// A text in one look.
fn text(text: impl Into<String>) -> Spans {
    vec![(Paint::Text, text.into())]
}

/// A text in parts, to be broken where it has two spaces.
fn parts(paint: Paint, text: &str) -> Spans {
    text.split_inclusive("  ").map(|part| (paint, part.to_owned())).collect()
}

/// A heading between groups of lines.
fn heading(words: &str) -> Line {
    ("", vec![(Paint::Title, words.to_owned())])
}

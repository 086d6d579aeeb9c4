//! Of which moment rows and instances are, where that is another than that of lines 1 and 2.

use super::charts;
use super::pen::Pen;
use crate::ui::format;
use crate::ui::screens::Screen;
use crate::ui::screens::plan::{Plan, Shape};
use crate::ui::state::UiState;
use crate::ui::theme::{Paint, Theme};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;

/// Says it at the end of the first line of each.
pub fn draw(buffer: &mut Buffer, theme: &Theme, plan: Plan, state: &UiState) {
    let rows = state.page_of().filter(|_| state.has_table()).map(|of| (plan.services, of));
    let instances = match (plan.shape, state.screen) {
        (Shape::Line, _) | (_, Screen::Services | Screen::Timeline | Screen::Log) => Rect::default(),
        // Below the problems, which are those of line 1.
        (Shape::List, _) => Rect { y: plan.problems.bottom().saturating_sub(1), ..plan.problems },
        (_, Screen::Overview) => plan.routers,
        (_, Screen::Vrrp) => plan.body,
        (_, Screen::Counters) => charts::sums_area(plan.charts),
    };
    let instances = state.routers_of().map(|of| (instances, of));
    for (area, of) in rows.into_iter().chain(instances).filter(|(area, _)| area.height > 0) {
        let text = format!(" as of {} ", format::clock(of));
        let before = usize::from(area.width).saturating_sub(text.len() + 1);
        // What is around it may be grey.
        let place = Rect { x: area.x.saturating_add(u16::try_from(before).unwrap_or(0)), height: 1, ..area };
        let place = Rect { width: u16::try_from(text.len()).unwrap_or(0), ..place }.intersection(buffer.area);
        for at in place.positions() {
            buffer.cell_mut(at).into_iter().for_each(Cell::reset);
        }
        buffer.set_style(place, theme.style(Paint::Text));
        Pen::at(buffer, theme, place, 0).put(Paint::Warning, &text);
    }
}

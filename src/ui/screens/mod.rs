//! Screens: which there are, and what each shows between line 2 and the footer.
//!
//! Lines 1 and 2 and the footer are the same on every screen; where a terminal has no room for tables, so is the rest.

pub mod counters;
pub mod log;
pub mod overview;
pub mod plan;
pub mod services;
pub mod timeline;
pub mod vrrp;

use super::state::UiState;
use super::theme::{Paint, Theme};
use super::widgets::{footer, header, moments, problems};
use plan::Shape;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// What the console shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Screen {
    /// Everything at once.
    #[default]
    Overview,
    /// The services and their real servers, with every column.
    Services,
    /// The instances, their peers and timers.
    Vrrp,
    /// What happened.
    Timeline,
    /// How much went through.
    Counters,
    /// Who did what, and what the engine wrote.
    Log,
}

impl Screen {
    /// All of them, in the order of their keys.
    pub const ALL: [Self; 6] = [Self::Overview, Self::Services, Self::Vrrp, Self::Timeline, Self::Counters, Self::Log];

    /// Its name, and a shorter one for narrow screens.
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Overview => ("overview", "over"),
            Self::Services => ("services", "svc"),
            Self::Vrrp => ("vrrp", "vrrp"),
            Self::Timeline => ("timeline", "time"),
            Self::Counters => ("counters", "count"),
            Self::Log => ("log", "log"),
        }
    }

    /// Whether the table of services is on it.
    pub const fn has_table(self) -> bool {
        matches!(self, Self::Overview | Self::Services | Self::Counters)
    }

    /// Whether the instances are on it.
    pub const fn has_routers(self) -> bool {
        matches!(self, Self::Overview | Self::Vrrp | Self::Counters)
    }
}

/// Draws the screen that is shown.
pub fn draw(buffer: &mut Buffer, theme: &Theme, state: &UiState) {
    let plan = plan::plan(state);
    header::line_one(buffer, theme, plan.header, state);
    match plan.shape {
        Shape::Line => {}
        Shape::List => problems::draw(buffer, theme, plan.problems, state),
        Shape::Small | Shape::Large => {
            header::line_two(buffer, theme, plan.problems, state);
            match state.screen {
                Screen::Overview => overview::draw(buffer, theme, plan, state),
                Screen::Services => services::draw(buffer, theme, plan, state),
                Screen::Vrrp => vrrp::draw(buffer, theme, plan, state),
                Screen::Timeline => timeline::draw(buffer, theme, plan, state),
                Screen::Counters => counters::draw(buffer, theme, plan, state),
                Screen::Log => log::draw(buffer, theme, plan, state),
            }
        }
    }
    if state.lost.is_some() || state.paused_at.is_some() {
        // The last picture stays, greyed; line 1 greys the role itself and says since when.
        let lines = state.size.1.saturating_sub(1 + plan.footer.height.max(1));
        let below = Rect::new(0, 1, state.size.0, lines).intersection(buffer.area);
        buffer.set_style(below, theme.style(Paint::Stale));
        header::draw_worse(buffer, theme, plan.problems, state);
    }
    moments::draw(buffer, theme, plan, state);
    footer::draw(buffer, theme, plan.footer, state);
}

//! The overview: everything at once, and rows before columns when the screen is small.
//!
//! ```text
//! 100x30 and more            60x15 and more          less            below 40x5
//! line 1 role                line 1 role             line 1 role     line 1 role
//! line 2 problems            line 2 problems         problems,
//! ┌ VRRP ──┐┌ Changes ┐      VRRP, a line each       a line each
//! └────────┘└─────────┘      -- Services --
//! ┌ Services ─────────┐      table                   message
//! │ table             │      -- Changes or details
//! ├ details ──────────┤
//! └───────────────────┘      message
//! message, screens, keys     keys
//! ```

use super::plan::Plan;
use crate::ui::state::UiState;
use crate::ui::theme::Theme;
use crate::ui::widgets::{changes, detail, routers, services};
use ratatui::buffer::Buffer;

/// Draws what stands between line 2 and the footer.
pub fn draw(buffer: &mut Buffer, theme: &Theme, plan: Plan, state: &UiState) {
    routers::draw(buffer, theme, plan, state);
    services::draw(buffer, theme, plan, state);
    changes::draw(buffer, theme, plan, state);
    detail::draw(buffer, theme, plan, state);
}

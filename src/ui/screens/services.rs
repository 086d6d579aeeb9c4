//! Services: the tree at full width with every column, and the details of the selected row.
//!
//! ```text
//! line 1, line 2
//! ┌ Services ─────────┐
//! │ table             │
//! ├ details ──────────┤
//! └───────────────────┘
//! message, screens, keys
//! ```

use super::plan::Plan;
use crate::ui::state::UiState;
use crate::ui::theme::Theme;
use crate::ui::widgets::{detail, services};
use ratatui::buffer::Buffer;

/// Draws what stands between line 2 and the footer.
pub fn draw(buffer: &mut Buffer, theme: &Theme, plan: Plan, state: &UiState) {
    services::draw(buffer, theme, plan, state);
    detail::draw(buffer, theme, plan, state);
}

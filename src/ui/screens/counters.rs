//! Counters: how much went through each service and server, since the kernel counts.
//!
//! ```text
//! line 1, line 2
//! ┌ Counters ───────────────────────────────┐
//! │ name   Conns InPkts OutPkts InBytes …   │
//! └─────────────────────────────────────────┘
//! message, screens, keys
//! ```

use super::plan::Plan;
use crate::ui::state::UiState;
use crate::ui::theme::Theme;
use crate::ui::widgets::services;
use ratatui::buffer::Buffer;

/// Draws what stands between line 2 and the footer.
pub fn draw(buffer: &mut Buffer, theme: &Theme, plan: Plan, state: &UiState) {
    services::draw(buffer, theme, plan, state);
}

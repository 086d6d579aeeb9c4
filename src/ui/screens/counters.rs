//! Counters: how much went through each service and server, since the kernel counts, and in the last minutes; behind them how
//! busy the host is.
//!
//! ```text
//! line 1, line 2
//! ┌ Services ───────────────────────────────┐
//! │ name   Conns InPkts OutPkts InBytes …   │
//! └─────────────────────────────────────────┘
//! ┌ the selected row ───────┐┌ All services ┐
//! │ charts                  ││ sums         │
//! └─────────────────────────┘└──────────────┘
//! message, screens, keys
//! ```

use super::plan::Plan;
use crate::ui::state::UiState;
use crate::ui::theme::Theme;
use crate::ui::widgets::{charts, host, services};
use ratatui::buffer::Buffer;

/// Draws what stands between line 2 and the footer.
pub fn draw(buffer: &mut Buffer, theme: &Theme, plan: Plan, state: &UiState) {
    if state.shows_host {
        return host::draw(buffer, theme, plan, state);
    }
    services::draw(buffer, theme, plan, state);
    charts::draw(buffer, theme, plan, state);
}

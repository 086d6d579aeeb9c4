//! VRRP: every instance with its timers, and the peers, counters and last changes of the selected one.
//!
//! ```text
//! line 1, line 2
//! ┌ VRRP ─────────────┐
//! │ instances         │
//! ├ VI_1 ─────────────┤
//! │ peers, counters … │
//! └───────────────────┘
//! message, screens, keys
//! ```

use super::plan::{Plan, Shape};
use crate::ui::state::UiState;
use crate::ui::theme::Theme;
use crate::ui::widgets::{instance, instances};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws what stands between line 2 and the footer.
pub fn draw(buffer: &mut Buffer, theme: &Theme, plan: Plan, state: &UiState) {
    let Some(now) = state.routers_now() else { return };
    let body = plan.body;
    // The instances take what they need, and at most half.
    let wanted = u16::try_from(state.routers().len().max(1)).unwrap_or(u16::MAX).saturating_add(3);
    let above = Rect { height: wanted.min(body.height / 2), ..body };
    let below = Rect { y: above.bottom(), height: body.height - above.height, ..body };
    let boxed = plan.shape == Shape::Large;
    instances::draw(buffer, theme, above, boxed, state, now);
    instance::draw(buffer, theme, below, boxed, state, now);
}

//! Which keys the footer names: those that can do something on the screen that is shown, now.

use super::{acts, clip, targets};
use crate::ui::intent::Intent;
use crate::ui::screens::Screen;
use crate::ui::screens::plan::{Shape, plan};
use crate::ui::state::{Focus, UiState};

/// Whether an intent that the footer names could do something now. What only the selected row refuses is offered, so that the
/// footer stands still while the cursor moves.
pub fn works(state: &UiState, intent: Intent) -> bool {
    if intent.writes() {
        return acts::forbidden(state).is_none() && acts::unseen(state, intent).is_none() && has_object(state, intent);
    }
    let is_in_sight = !matches!(plan(state).shape, Shape::Line | Shape::List);
    let has_list = state.event_list().is_some() || state.has_table();
    match intent {
        Intent::ToggleLock => can_turn_the_lock(state),
        Intent::Mark => acts::unseen(state, intent).is_none() && targets::selected(state).is_ok(),
        Intent::Filter | Intent::Sort => is_in_sight && has_list,
        Intent::Open => {
            let has_routers = state.screen == Screen::Vrrp && !state.routers().is_empty();
            is_in_sight && (state.has_table() || has_routers || state.screen == Screen::Timeline)
        }
        Intent::Copy => is_in_sight && clip::selected(state, false).is_ok(),
        Intent::NextProblem => is_in_sight && state.summary().is_some_and(|summary| !summary.problems.is_empty()),
        Intent::Pause | Intent::Export => state.summary().is_some(),
        _ => true,
    }
}

/// Whether writes may be allowed or forbidden: not where every one of them would be refused.
pub fn can_turn_the_lock(state: &UiState) -> bool {
    acts::not_now(state).is_none() && !state.read_only && state.summary().is_some_and(|summary| summary.writable)
}

/// Whether the panel that has the keys has something that an act could be about.
fn has_object(state: &UiState, intent: Intent) -> bool {
    if intent.is_about_instances() {
        return !state.routers().is_empty();
    }
    let is_marked = state.focus == Focus::Services && !state.table.marks.is_empty();
    intent.is_about_the_engine() || is_marked || targets::selected(state).is_ok()
}

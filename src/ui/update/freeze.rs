//! What is added to a picture that was frozen.

use super::picture::answers;
use super::table;
use crate::ui::format;
use crate::ui::rows;
use crate::ui::state::{Polled, UiState};
use std::time::Duration;

/// So soon after a screen was frozen, what is loaded is of its moment, if nothing happened between.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Adds to a picture that was just frozen what no screen showed then, so that all screens show one moment. Where something happened
/// between, they keep what they had, with its moment.
pub fn complete(state: &mut UiState, polled: &Polled) {
    if !state.completes || polled.wanted.query.is_none() || !polled.wanted.routers {
        return;
    }
    let has_rows = answers(state, polled);
    state.completes = false;
    let (Some(shown), Some(frozen)) = (state.picture.as_mut(), state.paused_at) else { return };
    let (then, now) = (&shown.polled.summary, &polled.summary);
    let is_same = (then.pid, then.last_event) == (now.pid, now.last_event);
    if !is_same || format::since(now.now, frozen) > AT_ONCE {
        return;
    }
    let lacks_page = has_rows && (shown.polled.page.is_none() || shown.page_of.is_some());
    if lacks_page {
        shown.polled.page.clone_from(&polled.page);
        shown.page_of = None;
    }
    if shown.polled.routers.is_none() || shown.routers_of.is_some() {
        shown.polled.routers.clone_from(&polled.routers);
        if let Some(routers) = &mut shown.polled.routers {
            routers.sort_by_key(rows::urgency);
        }
        shown.routers_of = None;
    }
    state.dirty = true;
    if lacks_page {
        table::on_page(state);
    }
}

//! Pictures of the engine as they come: which are shown, what of the one before stays on screen.

use super::{acts, freeze, table, time, wanted};
use crate::engine::RealServerStatus;
use crate::ui::intent::Effect;
use crate::ui::rows;
use crate::ui::state::{Picture, Polled, Tone, UiState, Wanted};
use std::time::SystemTime;

/// The engine's answer.
pub fn on_polled(state: &mut UiState, polled: Polled) -> Vec<Effect> {
    if state.lost.take().is_some() {
        state.say(Tone::Good, "the engine answers again");
    }
    let known = state.picture.as_ref().map(|p| p.polled.summary.pid);
    if known.is_none() && state.unlocked && !polled.summary.writable && acts::not_now(state).is_none() {
        state.unlocked = false;
        let why = acts::no_commands(state);
        state.say(Tone::Bad, why);
    }
    if known.is_some_and(|pid| pid != polled.summary.pid) {
        state.say(Tone::Bad, format!("another engine answers now: pid {}", polled.summary.pid));
    }
    if !time::is_of_this_moment(state, polled.wanted.at) {
        return Vec::new();
    }
    if polled.wanted.at.is_none() {
        state.live = Some((polled.summary.now, state.clock));
    }
    let picture = Picture { polled, taken_at: state.clock, detail_at: state.clock, page_of: None, routers_of: None };
    if state.paused_at.is_some() {
        freeze::complete(state, &picture.polled);
        state.behind = Some(picture);
        return Vec::new();
    }
    show(state, picture)
}

/// Details of a server that was selected after the picture was taken.
pub fn on_detail(state: &mut UiState, of: (String, String), detail: Option<RealServerStatus>) {
    let clock = state.clock;
    if let Some(picture) = state.picture.as_mut().filter(|_| state.paused_at.is_none()) {
        picture.polled.detail = detail;
        picture.polled.wanted.detail = Some(of);
        picture.detail_at = clock;
        state.dirty = true;
    }
}

/// Puts a picture on screen.
pub fn show(state: &mut UiState, mut picture: Picture) -> Vec<Effect> {
    state.dirty = true;
    let fresh = answers(state, &picture.polled);
    let now = picture.polled.summary.now;
    if let Some(old) = state.picture.as_mut() {
        let then = old.polled.summary.now;
        // A moment of the past may be asked for twice.
        let kept = |of: Option<SystemTime>| Some(of.unwrap_or(then)).filter(|of| *of != now);
        // Rows that answer an older question are not taken over: the answer to the new one is on its way. What was not asked
        // for, since another screen was shown, stays as it was.
        if !fresh {
            std::mem::swap(&mut picture.polled.page, &mut old.polled.page);
            picture.page_of = kept(old.page_of).filter(|_| picture.polled.page.is_some());
        }
        if picture.polled.routers.is_none() {
            std::mem::swap(&mut picture.polled.routers, &mut old.polled.routers);
            picture.routers_of = kept(old.routers_of).filter(|_| picture.polled.routers.is_some());
        }
    }
    if let Some(routers) = &mut picture.polled.routers {
        routers.sort_by_key(rows::urgency);
    }
    state.picture = Some(picture);
    if fresh {
        table::on_page(state);
    }
    if state.router.as_ref().is_some_and(|name| !state.routers().iter().any(|r| r.name == *name)) {
        state.router = None;
    }
    Vec::new()
}

/// Whether the rows are those that are wanted now.
pub fn answers(state: &UiState, polled: &Polled) -> bool {
    let asked = |w: &Wanted| w.query.as_ref().map(|q| (q.sort, q.filter.clone(), q.expand.clone()));
    let question = asked(&polled.wanted);
    question.is_some() && question == asked(&wanted(state))
}

//! Which moment is shown: now, a frozen now, or one of the past, standing still or playing.

use super::picture::show;
use super::{acts, event_list, wanted};
use crate::ui::intent::{Effect, Intent};
use crate::ui::state::{Playing, Tone, UiState};
use crate::ui::widgets::header;
use std::time::{Duration, SystemTime};

/// A step back or forth from the moment that is shown.
pub fn step(state: &mut UiState, by: Duration, is_back: bool) -> Vec<Effect> {
    let Some(from) = state.viewing.or_else(|| state.engine_now().map(whole_second)) else {
        state.say(Tone::Bad, acts::unanswered(state));
        return Vec::new();
    };
    if !is_back && state.viewing.is_none() {
        let key = state.keys.hint(Intent::SecondBack);
        state.say(Tone::Good, format!("this is now; {key} goes back"));
        return Vec::new();
    }
    let to = if is_back { from.checked_sub(by).unwrap_or(from) } else { from + by };
    let effects = go_to(state, to);
    if state.replay.is_some() && state.viewing == Some(from) {
        state.say(Tone::Good, if is_back { "the recording begins here" } else { "the recording ends here" });
    }
    effects
}

/// Shows a moment; one that is still to come is now.
pub fn go_to(state: &mut UiState, at: SystemTime) -> Vec<Effect> {
    state.playing = None;
    let at = match state.replay {
        Some((first, last)) => at.clamp(first, last),
        None if state.live_now().is_some_and(|now| at >= now) => return live(state),
        None => at,
    };
    unfreeze(state);
    state.viewing = Some(at);
    state.dirty = true;
    event_list::reach_back(state).into_iter().collect()
}

/// What a frozen screen tells all the same: for how many minutes it is, and what is worse now than it shows.
pub fn told_while_frozen(state: &UiState) -> Option<(u64, Option<String>)> {
    let still = header::frozen_for(state)?;
    Some((still.as_secs() / 60, header::worse_now(state)))
}

/// Back to now; in a recording, to its end.
pub fn live(state: &mut UiState) -> Vec<Effect> {
    state.playing = None;
    if let Some((_, last)) = state.replay {
        return go_to(state, last);
    }
    unfreeze(state);
    if state.viewing.take().is_some() {
        state.said = None;
        return vec![Effect::Poll];
    }
    Vec::new()
}

fn unfreeze(state: &mut UiState) {
    state.completes = false;
    if state.paused_at.take().is_some() {
        state.behind = None;
        state.said = None;
    }
}

/// Freezes the screen, or goes on. In the past, it lets time go on from the moment that is shown, or stops it.
pub fn pause(state: &mut UiState) -> Vec<Effect> {
    if let Some(at) = state.viewing {
        state.playing = match state.playing {
            Some(_) => None,
            None => Some(Playing { since: state.clock, from: at }),
        };
        return Vec::new();
    }
    if state.paused_at.take().is_some() {
        state.completes = false;
        state.said = None;
        return match state.behind.take() {
            Some(picture) => show(state, picture),
            None => Vec::new(),
        };
    }
    match state.engine_now() {
        Some(now) => {
            let key = state.keys.hint(Intent::Pause);
            state.say(Tone::Good, format!("the screen is frozen, the engine goes on; {key} comes back"));
            // Ages stand still at the moment of the key, not at that of the last picture.
            let age = state.picture_age();
            if let Some(picture) = &mut state.picture {
                picture.polled.summary.now += age;
                let polled = &picture.polled;
                let is_whole = polled.page.is_some() && polled.routers.is_some();
                state.completes = !is_whole || picture.page_of.is_some() || picture.routers_of.is_some();
            }
            state.paused_at = Some(now);
            if state.completes {
                return vec![Effect::Poll];
            }
        }
        None => state.say(Tone::Bad, "nothing to freeze yet"),
    }
    Vec::new()
}

/// Time went by: a past that plays goes on with it.
pub fn play(state: &mut UiState) -> Vec<Effect> {
    let Some(Playing { since, from }) = state.playing else { return Vec::new() };
    let to = from + whole(state.clock.saturating_sub(since));
    if Some(to) == state.viewing {
        return Vec::new();
    }
    let playing = state.playing;
    let effects = go_to(state, to);
    let is_over = state.replay.is_some_and(|(_, last)| to >= last);
    state.playing = playing.filter(|_| state.viewing.is_some() && !is_over);
    effects
}

/// Nothing is remembered of a moment: the one before is shown again.
pub fn no_past(state: &mut UiState, at: SystemTime, why: &str) -> Vec<Effect> {
    if state.viewing != Some(at) {
        return Vec::new();
    }
    state.playing = None;
    state.viewing = state.picture.as_ref().and_then(|picture| picture.polled.wanted.at).filter(|shown| *shown != at);
    state.say(Tone::Bad, why);
    if state.viewing.is_none() { vec![Effect::Poll] } else { Vec::new() }
}

/// Whether an answer is about the moment that is shown.
pub fn is_of_this_moment(state: &UiState, at: Option<SystemTime>) -> bool {
    at == wanted(state).at
}

const fn whole(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs())
}

fn whole_second(at: SystemTime) -> SystemTime {
    SystemTime::UNIX_EPOCH + whole(at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

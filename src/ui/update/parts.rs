//! The second halves of two screens: the host behind the counters, the engine's log behind the events. Tab turns.

use super::table::step;
use crate::engine::{HostLoad, LogPage, Severity};
use crate::ui::intent::{Effect, Intent};
use crate::ui::screens::Screen;
use crate::ui::screens::plan::plan;
use crate::ui::state::{Tone, UiState};
use crate::ui::widgets::{engine_log, host};

/// Most lines of the log that the console keeps.
const LINES: usize = 2_000;

/// Turns the screen to its other half; false where it has none.
pub fn turn(state: &mut UiState) -> bool {
    match state.screen {
        Screen::Counters => {
            state.shows_host = !state.shows_host;
            state.host_scroll = 0;
        }
        Screen::Log => {
            state.shows_engine_log = !state.shows_engine_log;
            state.engine_log.scroll = 0;
        }
        Screen::Overview | Screen::Services | Screen::Vrrp | Screen::Timeline => return false,
    }
    true
}

/// Moves in the half that is shown; false where a table or a list takes the keys.
pub fn travel(state: &mut UiState, intent: Intent) -> bool {
    let (scroll, lines, room) = if state.is_on_host() {
        let room = usize::from(plan(state).body.height).saturating_sub(2).max(1);
        (state.host_scroll, (host::length(state) + 1).saturating_sub(room), room)
    } else if state.is_on_engine_log() {
        // A line may need several of the screen: any can be the first one.
        (state.engine_log.scroll, engine_log::matching(state).count(), plan(state).list_rows())
    } else {
        return false;
    };
    let to = step(scroll, lines, room, intent);
    if state.is_on_host() {
        state.host_scroll = to;
    } else {
        state.engine_log.scroll = to;
    }
    true
}

/// The next level of the engine's log.
pub fn next_level(state: &mut UiState) -> Vec<Effect> {
    let log = &mut state.engine_log;
    log.level = match log.level {
        Severity::Info => Severity::Notice,
        Severity::Notice => Severity::Warning,
        Severity::Warning => Severity::Error,
        Severity::Error => Severity::Info,
    };
    log.scroll = 0;
    let (word, _) = engine_log::level(log.level);
    state.say(Tone::Good, format!("lines of level {word} and above"));
    Vec::new()
}

/// How busy the host is, or why that is not known.
pub fn on_host(state: &mut UiState, load: Result<Box<HostLoad>, String>) {
    if state.paused_at.is_none() {
        state.host = Some(load.map(|load| *load));
        state.dirty |= state.is_on_host();
    }
}

/// New lines of the engine's log. Numbers that begin anew are those of another engine.
pub fn on_log(state: &mut UiState, page: Result<LogPage, String>) {
    let matched = state.is_on_engine_log() && state.engine_log.scroll > 0;
    let before = if matched { engine_log::matching(state).count() } else { 0 };
    let log = &mut state.engine_log;
    match page {
        Err(why) => log.wrong = Some(why),
        Ok(page) => {
            log.wrong = None;
            let newest = log.lines.back().map_or(0, |line| line.seq);
            if page.newest < newest || page.lines.first().is_some_and(|line| line.seq <= newest) {
                log.lines.clear();
            }
            let newest = log.lines.back().map_or(0, |line| line.seq);
            log.lines.extend(page.lines.into_iter().filter(|line| line.seq > newest));
            while log.lines.len() > LINES {
                log.lines.pop_front();
            }
        }
    }
    if matched {
        // Whoever scrolled back keeps the lines that they look at.
        let more = engine_log::matching(state).count().saturating_sub(before);
        state.engine_log.scroll += more;
    }
    state.dirty |= state.is_on_engine_log();
}

//! Which events a list shows, and which of them are on screen. Only what is looked at is matched.

use super::change;
use crate::engine::{Event, EventKind, Severity};
use crate::ui::state::{EventList, Kinds, UiState};
use std::time::{Duration, SystemTime};

/// So far before the end of an engine stands the command that ended it.
const NEAR: usize = 32;

/// Whether the engine that does not answer was stopped in order, and by whom: ` by anna`, empty where nobody gave a command.
pub fn stopped(state: &UiState) -> Option<String> {
    state.lost.as_ref()?;
    let newest = || state.events.iter().rev();
    let last = newest().find(|event| matches!(event.kind, EventKind::EngineStarted | EventKind::EngineStopping))?;
    let asked = |event: &&Event| event.kind == EventKind::Command && event.subject == "stop";
    let by = newest().take(NEAR).find(asked).and_then(|event| event.who.as_deref());
    let who = by.map_or_else(String::new, |who| format!(" by {}", change::name_of(who)));
    (last.kind == EventKind::EngineStopping).then_some(who)
}

/// How long a change counts as new.
pub const MINUTE: Duration = Duration::from_mins(1);

/// Whether all events of the minute before a moment are known.
pub fn knows_minute_before(state: &UiState, at: SystemTime) -> bool {
    let is_old = |event: &Event| event.seq <= 1 || event.at + MINUTE <= at;
    let has_none = || state.summary().is_none_or(|summary| summary.last_event == 0);
    state.older.none || state.events.front().map_or_else(has_none, is_old)
}

/// The word of a selection of kinds.
pub const fn kinds_word(kinds: Kinds) -> &'static str {
    match kinds {
        Kinds::All => "all",
        Kinds::States => "changes of state",
        Kinds::Acts => "what people did",
        Kinds::Trouble => "trouble",
    }
}

/// Whether an event is of a selection of kinds.
pub const fn is_of(kinds: Kinds, event: &Event) -> bool {
    match kinds {
        Kinds::All => true,
        Kinds::States => matches!(
            event.kind,
            EventKind::InstanceState
                | EventKind::SplitBrain
                | EventKind::Link
                | EventKind::Address
                | EventKind::ServerHealth
                | EventKind::Quorum
                | EventKind::SyncDaemon
                | EventKind::Priority
                | EventKind::Tracked
        ),
        Kinds::Acts => {
            matches!(event.kind, EventKind::Command | EventKind::ServerAdmin | EventKind::Override | EventKind::Hold)
        }
        Kinds::Trouble => matches!(event.severity, Severity::Warning | Severity::Error),
    }
}

/// Whether every word of a filter occurs in the event: in its kind (`kind:server-health` in it alone), its subject, its
/// states, its reason, its detail or in who asked. `!` before a word turns it round.
fn matches(event: &Event, filter: &str) -> bool {
    let fields = || {
        let optional = [&event.from, &event.to, &event.reason, &event.who, &event.detail];
        [event.kind.name(), event.subject.as_str()].into_iter().chain(optional.into_iter().filter_map(|f| f.as_deref()))
    };
    filter.split_whitespace().all(|word| {
        let (wanted, word) = word.strip_prefix('!').map_or((true, word), |rest| (false, rest));
        let found = if let Some(kind) = word.strip_prefix("kind:") {
            event.kind.name().contains(kind)
        } else {
            let word = word.to_lowercase();
            fields().any(|field| field.to_lowercase().contains(&word))
        };
        found == wanted
    })
}

/// The events of a list from its newest on, newest first; what came while the screen is frozen is left out.
pub fn newest_first<'a>(state: &'a UiState, list: &'a EventList) -> impl Iterator<Item = &'a Event> {
    let until = state.paused_at;
    let shown = move |event: &&Event| until.is_none_or(|until| event.at <= until);
    state.events.iter().rev().filter(shown).filter(|event| is_of(list.kinds, event) && matches(event, &list.filter))
}

/// The same from the first line of the screen on.
pub fn on_screen<'a>(state: &'a UiState, list: &'a EventList) -> impl Iterator<Item = &'a Event> {
    let top = list.top.unwrap_or(u64::MAX);
    // Numbers grow along the events: what is above the first line is skipped without being matched.
    let skipped = state.events.partition_point(|event| event.seq <= top);
    let until = state.paused_at;
    let shown = move |event: &&Event| until.is_none_or(|until| event.at <= until);
    let below = state.events.range(..skipped).rev().filter(shown);
    below.filter(|event| is_of(list.kinds, event) && matches(event, &list.filter))
}

/// The number of the event under the cursor.
pub fn selected(state: &UiState, list: &EventList) -> Option<u64> {
    list.selected.or_else(|| newest_first(state, list).next().map(|event| event.seq))
}

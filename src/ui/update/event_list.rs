//! Moving in a list of events. The cursor is on an event, not on a line: what comes later pushes it down with its event.

use super::time;
use crate::engine::Event;
use crate::ui::format;
use crate::ui::intent::{Effect, Intent};
use crate::ui::rows::event_list::{kinds_word, knows_minute_before, newest_first, on_screen, selected};
use crate::ui::screens::Screen;
use crate::ui::screens::plan::plan;
use crate::ui::state::{EVENTS_KEPT, EventList, Kinds, Tone, UiState};

/// Most events that the console keeps for those who scroll back.
const MOST_EVENTS: usize = 10_000;

/// Moves the cursor of the list on screen.
pub fn travel(state: &mut UiState, intent: Intent) -> Vec<Effect> {
    let Some(list) = state.event_list() else { return Vec::new() };
    let page = plan(state).list_rows().max(1);
    let Some(at) = selected(state, list) else {
        state.say(Tone::Bad, "there is no event to go to");
        return Vec::new();
    };
    let mut moved = list.clone();
    moved.selected = match intent {
        Intent::Up => newer(state, list, at, 1),
        Intent::PageUp => newer(state, list, at, page),
        Intent::Down => older(state, list, at, 1),
        Intent::PageDown => older(state, list, at, page),
        Intent::Bottom => older(state, list, at, usize::MAX),
        _ => None,
    };
    if moved.selected.is_none() {
        moved.top = None;
    }
    keep_in_sight(state, &mut moved, page);
    let wants_older = moved.selected == Some(at) && matches!(intent, Intent::Down | Intent::PageDown | Intent::Bottom);
    put(state, moved);
    let mut effects = if wants_older { older_events(state) } else { Vec::new() };
    if state.screen == Screen::Timeline && state.viewing.is_some() {
        effects.extend(look_at(state));
    }
    effects
}

/// Asks for what was before the oldest event that is known.
fn older_events(state: &mut UiState) -> Vec<Effect> {
    let first = state.events.front().map_or(0, |event| event.seq);
    if state.older.none || first <= 1 {
        state.say(Tone::Good, "this is the oldest event that the engine has");
        return Vec::new();
    }
    if state.events.len() >= MOST_EVENTS {
        state.say(Tone::Bad, "older events: `lvsdeck ctl events --since`");
        return Vec::new();
    }
    if std::mem::replace(&mut state.older.asked, true) {
        return Vec::new();
    }
    state.say(Tone::Good, "asking for older events");
    vec![Effect::Older(first)]
}

/// Asks for the events of the minute before the moment of the past that is shown, where they are not all known.
pub fn reach_back(state: &mut UiState) -> Option<Effect> {
    let first = state.events.front().map(|event| event.seq)?;
    let is_asked = state.older.asked || state.events.len() >= MOST_EVENTS;
    if is_asked || state.viewing.is_none_or(|at| knows_minute_before(state, at)) {
        return None;
    }
    state.older.asked = true;
    Some(Effect::Older(first))
}

/// Takes older events over, and asks for more where the moment that is shown needs them.
pub fn on_older(state: &mut UiState, events: Vec<Event>) -> Vec<Effect> {
    state.older.asked = false;
    state.dirty = true;
    let first = state.events.front().map_or(u64::MAX, |event| event.seq);
    let older: Vec<Event> = events.into_iter().filter(|event| event.seq < first).collect();
    state.older.none = older.is_empty();
    let is_scrolled = state.event_list().is_some();
    if older.is_empty() {
        if is_scrolled {
            state.say(Tone::Good, "this is the oldest event that the engine has");
        }
        return Vec::new();
    }
    let count = older.len();
    for event in older.into_iter().rev() {
        state.events.push_front(event);
    }
    if is_scrolled {
        state.say(Tone::Good, format!("{count} older events"));
    }
    reach_back(state).into_iter().collect()
}

/// Forgets what is neither new nor looked at.
pub fn forget(state: &mut UiState) {
    // Whoever scrolled back, or looks at the past, keeps what was loaded.
    let looked_at = state.viewing.is_some() || [&state.timeline, &state.log].iter().any(|list| list.selected.is_some());
    let most = if looked_at { MOST_EVENTS } else { EVENTS_KEPT };
    while state.events.len() > most {
        state.events.pop_front();
        state.older.none = false;
    }
}

/// Shows the moment of the event under the cursor: everything as it was right after it.
pub fn look_at(state: &mut UiState) -> Vec<Effect> {
    let seq = state.event_list().and_then(|list| selected(state, list));
    let Some(at) = seq.and_then(|seq| state.events.iter().rev().find(|event| event.seq == seq)).map(|event| event.at)
    else {
        state.say(Tone::Bad, "there is no event to look at");
        return Vec::new();
    };
    if let Some((first, last)) = state.replay.filter(|(first, last)| at < *first || at > *last) {
        let has = if first == last { "one moment" } else { "moments" };
        let (from, to) = (format::clock(first), format::clock(last));
        state.say(Tone::Bad, format!("the recording has no moment of this event: it has {has}, {from} to {to}"));
        return Vec::new();
    }
    if state.viewing.is_none() {
        let live = state.keys.hint(Intent::Live);
        let said = format!("everything as it was at this event; the arrows move time, {live} goes back to now");
        state.say(Tone::Good, said);
    }
    time::go_to(state, at)
}

fn put(state: &mut UiState, list: EventList) {
    if let Some(place) = state.event_list_mut() {
        *place = list;
    }
}

/// So many events later; none when that is the newest, so that the cursor stays with what is new.
fn newer(state: &UiState, list: &EventList, at: u64, steps: usize) -> Option<u64> {
    let above: Vec<u64> = newest_first(state, list).map(|event| event.seq).take_while(|seq| *seq > at).collect();
    let index = above.len().checked_sub(steps).filter(|index| *index > 0)?;
    above.get(index).copied()
}

/// So many events earlier, or the oldest that is known.
fn older(state: &UiState, list: &EventList, at: u64, steps: usize) -> Option<u64> {
    let below = EventList { top: Some(at), ..list.clone() };
    on_screen(state, &below).map(|event| event.seq).take(steps.saturating_add(1)).last()
}

/// Scrolls as little as possible so that the cursor is on screen.
fn keep_in_sight(state: &UiState, list: &mut EventList, rows: usize) {
    let Some(at) = list.selected else { return };
    if list.top.is_some_and(|top| top < at) {
        list.top = Some(at);
    }
    let lines = on_screen(state, list).take_while(|event| event.seq >= at).count();
    if let Some(over) = lines.checked_sub(rows).filter(|over| *over > 0) {
        let top = on_screen(state, list).nth(over).map(|event| event.seq);
        list.top = top;
    }
}

/// The next selection of kinds.
pub fn next_kinds(state: &mut UiState) -> Vec<Effect> {
    let Some(list) = state.event_list_mut() else { return Vec::new() };
    list.kinds = match list.kinds {
        Kinds::All => Kinds::States,
        Kinds::States => Kinds::Acts,
        Kinds::Acts => Kinds::Trouble,
        Kinds::Trouble => Kinds::All,
    };
    (list.selected, list.top) = (None, None);
    let word = kinds_word(list.kinds);
    state.say(Tone::Good, format!("events: {word}"));
    Vec::new()
}

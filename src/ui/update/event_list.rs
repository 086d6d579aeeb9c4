//! Moving in a list of events. The cursor is on an event, not on a line: what comes later pushes it down with its event.

use crate::ui::intent::{Effect, Intent};
use crate::ui::rows::event_list::{kinds_word, newest_first, on_screen, selected};
use crate::ui::screens::plan::plan;
use crate::ui::state::{EventList, Kinds, Tone, UiState};

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
    put(state, moved);
    Vec::new()
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

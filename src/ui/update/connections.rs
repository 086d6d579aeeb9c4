//! The connection browser: it asks when it is opened, narrowed, turned or told to, and at no other time.

use super::popups::no_meaning;
use crate::engine::{ConnectionsPage, ConnectionsQuery};
use crate::ui::intent::{Effect, Intent};
use crate::ui::popup::{Browser, Field, Popup};
use crate::ui::state::{Focus, Tone, UiState};
use crate::ui::widgets::connections::room;
use crossterm::event::{KeyCode, KeyEvent};

/// Opens it for the selected row; for everything where no row is selected.
pub fn open(state: &mut UiState) -> Vec<Effect> {
    if state.viewing.is_some() && state.replay.is_none() {
        let live = state.keys.hint(Intent::Live);
        state.say(Tone::Bad, format!("the connection table is not remembered; {live} goes back to now"));
        return Vec::new();
    }
    let is_of_row = state.has_table() && state.focus == Focus::Services;
    let row = state.selected_row().filter(|_| is_of_row);
    let browser = row
        .map_or_else(|| Browser::of(None, None), |row| Browser::of(Some(row.service.clone()), row.server.as_deref()));
    state.popups.push(Popup::Connections(Box::new(browser)));
    ask(state, |_| {})
}

/// Changes what is asked, and asks.
fn ask(state: &mut UiState, change: impl FnOnce(&mut Browser)) -> Vec<Effect> {
    state.serial += 1;
    let serial = state.serial;
    let Some(Popup::Connections(browser)) = state.popups.last_mut() else { return Vec::new() };
    change(browser);
    browser.asking = Some(serial);
    vec![Effect::Connections(serial, browser.query.clone())]
}

/// Asks something else, from the first line on.
fn ask_for(state: &mut UiState, query: ConnectionsQuery) -> Vec<Effect> {
    ask(state, |browser| {
        browser.query = query;
        browser.choice = 0;
    })
}

/// Takes an answer over; one to an older question is dropped, and so is one to a browser that was left.
pub fn on_answer(state: &mut UiState, serial: u64, answer: Result<Box<ConnectionsPage>, String>) {
    let asked = state.popups.iter_mut().find_map(|popup| match popup {
        Popup::Connections(browser) if browser.asking == Some(serial) => Some(browser),
        _ => None,
    });
    if let Some(browser) = asked {
        browser.asking = None;
        browser.answer = Some(answer);
        browser.choice = browser.choice.min(browser.lines().saturating_sub(1));
        state.dirty = true;
    }
}

/// Esc: the field, then what was asked before, then the screen.
pub fn leave(state: &mut UiState) -> Vec<Effect> {
    let Some(Popup::Connections(browser)) = state.popups.last_mut() else { return Vec::new() };
    if browser.field.take().is_some() {
        return Vec::new();
    }
    if let Some(query) = browser.wider.pop() {
        return ask_for(state, query);
    }
    state.popups.pop();
    Vec::new()
}

/// A key while it is open.
pub fn on_key(state: &mut UiState, key: &KeyEvent) -> Vec<Effect> {
    let intent = state.keys.intent_of(key);
    let page = room(state).max(1);
    let Some(Popup::Connections(browser)) = state.popups.last_mut() else { return Vec::new() };
    if browser.field.is_some() {
        return typed(state, key);
    }
    let last = browser.lines().saturating_sub(1);
    match (key.code, intent) {
        (KeyCode::Tab | KeyCode::Right, _) => turn(browser, false),
        (KeyCode::BackTab | KeyCode::Left, _) => turn(browser, true),
        (KeyCode::Enter, _) => return narrow(state),
        (KeyCode::Backspace, _) if !browser.wider.is_empty() => return leave(state),
        (_, Some(Intent::Up)) => browser.choice = browser.choice.saturating_sub(1),
        (_, Some(Intent::PageUp)) if browser.choice == 0 => return window(state, true),
        (_, Some(Intent::PageUp)) => browser.choice = browser.choice.saturating_sub(page),
        (_, Some(Intent::Down | Intent::PageDown)) if browser.choice == last => return window(state, false),
        (_, Some(Intent::Down)) => browser.choice += 1,
        (_, Some(Intent::PageDown)) => browser.choice = (browser.choice + page).min(last),
        (_, Some(Intent::Top)) => browser.choice = 0,
        (_, Some(Intent::Bottom)) => browser.choice = last,
        (_, Some(Intent::Connections)) => return ask(state, |_| {}),
        (_, Some(Intent::Filter)) => {
            let words = browser.words();
            // What is typed next is a word of its own.
            let separator = if words.is_empty() { "" } else { " " };
            browser.field = Some(Field::with(format!("{words}{separator}")));
        }
        (_, Some(Intent::Sort)) => {
            let sort = browser.next_sort();
            return ask_for(state, ConnectionsQuery { sort, offset: 0, ..query(state) });
        }
        (_, Some(Intent::Help)) => return super::find::open_help(state),
        _ => {
            let [words, sort, again] =
                [Intent::Filter, Intent::Sort, Intent::Connections].map(|intent| state.keys.hint(intent));
            let keys =
                format!("Tab turns, Enter narrows, {words} types words, {sort} sorts, {again} asks again, Esc leaves");
            no_meaning(state, key, &keys);
        }
    }
    Vec::new()
}

fn query(state: &UiState) -> ConnectionsQuery {
    match state.popups.last() {
        Some(Popup::Connections(browser)) => browser.query.clone(),
        _ => ConnectionsQuery::default(),
    }
}

fn turn(browser: &mut Browser, is_back: bool) {
    browser.part = browser.part.step(is_back);
    browser.choice = 0;
}

/// Only what belongs to the chosen line.
fn narrow(state: &mut UiState) -> Vec<Effect> {
    let Some(Popup::Connections(browser)) = state.popups.last() else { return Vec::new() };
    let Some(query) = browser.narrowed() else {
        state.say(Tone::Good, "this is all there is of it; Esc goes back to more");
        return Vec::new();
    };
    ask(state, |browser| {
        browser.wider.push(std::mem::replace(&mut browser.query, query));
        browser.part = browser.part.step(false);
        browser.choice = 0;
    })
}

/// The window of connections before this one, or behind it.
fn window(state: &mut UiState, is_back: bool) -> Vec<Effect> {
    use crate::ui::popup::Part;
    let Some(Popup::Connections(browser)) = state.popups.last() else { return Vec::new() };
    let (query, all) = (browser.query.clone(), browser.matching());
    let offset = if is_back { query.offset.saturating_sub(query.limit) } else { query.offset + query.limit };
    if browser.part != Part::Rows || offset == query.offset || offset >= all {
        state.say(Tone::Good, if is_back { "this is the first line" } else { "this is the last line" });
        return Vec::new();
    }
    ask_for(state, ConnectionsQuery { offset, ..query })
}

fn typed(state: &mut UiState, key: &KeyEvent) -> Vec<Effect> {
    let Some(Popup::Connections(browser)) = state.popups.last_mut() else { return Vec::new() };
    let Some(field) = browser.field.as_mut() else { return Vec::new() };
    if key.code != KeyCode::Enter {
        if !field.edit(key) {
            no_meaning(state, key, "Enter asks, Esc leaves the field");
        }
        return Vec::new();
    }
    let words = field.text().to_owned();
    match browser.read(&words) {
        Err(why) => {
            state.say(Tone::Bad, why);
            Vec::new()
        }
        Ok(query) => {
            browser.field = None;
            browser.wider.clear();
            browser.note = None;
            ask_for(state, query)
        }
    }
}

//! Moving in the table of services, and keeping the cursor on its object when the table moves under it.

use crate::engine::RowKind;
use crate::ui::intent::{Effect, Intent};
use crate::ui::screens::Screen;
use crate::ui::screens::plan::plan;
use crate::ui::state::{Focus, Tone, UiState};
use std::collections::HashSet;

/// Takes over a new window of rows: the cursor stays on its object and on its line of the screen.
pub fn on_page(state: &mut UiState) {
    follow_drains(state);
    super::targets::refresh_marks(state);
    let Some(page) = state.page() else { return };
    let (total, offset) = (page.total, page.offset);
    let found = state.table.selected.as_ref().and_then(|key| page.rows.iter().position(|row| row.key == *key));
    if let Some(index) = state.table.going_to {
        let index = index.min(total.saturating_sub(1));
        if let Some(key) = state.row_at(index).map(|row| row.key.clone()) {
            select(state, index, key);
        }
    } else if let Some(position) = found {
        let index = offset + position;
        state.table.top = (state.table.top + index).saturating_sub(state.table.cursor);
        state.table.cursor = index;
    } else if state.table.selected.is_none() {
        if let Some(key) = state.row_at(0).map(|row| row.key.clone()) {
            select(state, 0, key);
        }
    } else {
        state.table.cursor = state.table.cursor.min(total.saturating_sub(1));
    }
    keep_in_sight(state);
}

/// Looks at the drains that are loaded, and says when one has no connection left.
fn follow_drains(state: &mut UiState) {
    let page = state.picture.as_ref().and_then(|picture| picture.polled.page.as_ref());
    let Some(page) = page else { return };
    let (emptied, cut) = state.table.drains.look(page.rows.iter());
    if !cut.is_empty() {
        let text = format!("out of the table at its deadline: {}", cut.join(", "));
        state.say(Tone::Bad, text);
    } else if !emptied.is_empty() {
        state.say(Tone::Good, format!("drained: {} has no connection left", emptied.join(", ")));
    }
}

fn select(state: &mut UiState, index: usize, key: String) {
    state.table.cursor = index;
    state.table.selected = Some(key);
    state.table.going_to = None;
}

/// Scrolls as little as possible so that the cursor is on screen.
pub fn keep_in_sight(state: &mut UiState) {
    let height = plan(state).rows().max(1);
    let total = state.page().map_or(0, |page| page.total);
    let table = &mut state.table;
    table.top = table.top.min(table.cursor).max((table.cursor + 1).saturating_sub(height));
    table.top = table.top.min(total.saturating_sub(height));
}

/// Moves the cursor of the panel that has the focus.
pub fn travel(state: &mut UiState, intent: Intent) -> Vec<Effect> {
    if state.focus == Focus::Routers {
        return travel_routers(state, intent);
    }
    let Some(total) = state.page().map(|page| page.total).filter(|total| *total > 0) else {
        state.say(Tone::Bad, "there is no row to go to");
        return Vec::new();
    };
    let page = plan(state).rows().max(1);
    let from = state.table.going_to.unwrap_or(state.table.cursor);
    let to = step(from, total, page, intent);
    // A page turned moves the screen by a page, not the cursor alone.
    match intent {
        Intent::PageUp => state.table.top = state.table.top.saturating_sub(page),
        Intent::PageDown => state.table.top = (state.table.top + page).min(total.saturating_sub(page)),
        _ => {}
    }
    // Rows that are not loaded are asked for because the window that is wanted has moved.
    go_to(state, to);
    Vec::new()
}

/// Where a key leads from a place among `total`.
pub(super) fn step(from: usize, total: usize, page: usize, intent: Intent) -> usize {
    let last = total.saturating_sub(1);
    match intent {
        Intent::Up => from.saturating_sub(1),
        Intent::Down => (from + 1).min(last),
        Intent::PageUp => from.saturating_sub(page),
        Intent::PageDown => (from + page).min(last),
        Intent::Top => 0,
        Intent::Bottom => last,
        _ => from,
    }
}

fn go_to(state: &mut UiState, index: usize) {
    if let Some(key) = state.row_at(index).map(|row| row.key.clone()) {
        select(state, index, key);
    } else if state.paused_at.is_some() {
        let key = state.keys.hint(Intent::Pause);
        state.say(Tone::Bad, format!("frozen, only the rows that were loaded can be seen; {key} goes on"));
        return;
    } else {
        state.table.cursor = index;
        state.table.going_to = Some(index);
    }
    keep_in_sight(state);
}

fn travel_routers(state: &mut UiState, intent: Intent) -> Vec<Effect> {
    let names: Vec<String> = state.routers().iter().map(|r| r.name.clone()).collect();
    let from = names.iter().position(|name| Some(name) == state.router.as_ref()).unwrap_or(0);
    state.router = names.into_iter().nth(step(from, state.routers().len(), 5, intent));
    Vec::new()
}

/// Folds and unfolds services; opens the details of a server.
pub fn open(state: &mut UiState, intent: Intent) -> Vec<Effect> {
    if state.focus == Focus::Routers {
        if state.screen == Screen::Overview {
            state.focus = Focus::Services;
        }
        return Vec::new();
    }
    if !state.has_table() {
        state.say(Tone::Bad, "there is nothing to fold on this screen");
        return Vec::new();
    }
    let Some(row) = state.selected_row() else {
        state.say(Tone::Bad, "nothing is selected");
        return Vec::new();
    };
    let (service, kind) = (row.service.clone(), row.kind);
    let folded = state.table.folded.contains(&service);
    match (intent, kind) {
        // What is on screen of it already is opened in full.
        (Intent::Open, RowKind::Server) if plan(state).shows_detail() => return super::pages::open(state),
        (Intent::Open, RowKind::Server) => {
            state.detail_open = true;
            keep_in_sight(state);
            return Vec::new();
        }
        (Intent::Unfold, _) | (Intent::Open, RowKind::Service) if folded => {
            state.table.folded.remove(&service);
        }
        (Intent::Fold, _) | (Intent::Open, RowKind::Service) => {
            state.table.folded.insert(service.clone());
            state.table.selected = Some(service);
        }
        _ => {
            state.say(Tone::Good, format!("{service} is unfolded already"));
            return Vec::new();
        }
    }
    vec![Effect::Poll]
}

/// Goes to the next (or previous) problem of line 2, whatever the window shows.
pub fn go_to_problem(state: &mut UiState, forward: bool) -> Vec<Effect> {
    // A service without quorum may have several lines: each object is gone to once a round.
    let mut seen = HashSet::new();
    let problems = state.summary().map_or(&[][..], |summary| &summary.problems).iter();
    let keys: Vec<String> =
        problems.map(|problem| problem.key.clone()).filter(|key| seen.insert(key.clone())).collect();
    if keys.is_empty() {
        state.say(Tone::Good, "no problem");
        return Vec::new();
    }
    let here = match state.focus {
        Focus::Services => state.table.selected.as_ref(),
        Focus::Routers => state.router.as_ref(),
    };
    let next = match (keys.iter().position(|key| Some(key) == here), forward) {
        (None, _) => 0,
        (Some(at), true) => (at + 1) % keys.len(),
        (Some(at), false) => (at + keys.len() - 1) % keys.len(),
    };
    let Some(key) = keys.into_iter().nth(next) else { return Vec::new() };
    if state.routers().iter().any(|router| router.name == key) {
        if !state.screen.has_routers() {
            state.screen = Screen::Vrrp;
        }
        state.focus = Focus::Routers;
        state.router = Some(key);
        return Vec::new();
    }
    if !state.has_table() {
        state.screen = Screen::Services;
    }
    state.focus = Focus::Services;
    if let Some(service) = key.split(' ').next() {
        state.table.folded.remove(service);
    }
    state.table.going_to = None;
    if let Some(index) = state.page().and_then(|p| Some(p.offset + p.rows.iter().position(|r| r.key == key)?)) {
        state.table.cursor = index;
    } else {
        state.table.filter.clear();
    }
    state.table.selected = Some(key);
    keep_in_sight(state);
    vec![Effect::Poll]
}

//! Pages and the column chooser: keys while they are open.

use super::popups::no_meaning;
use super::{find, on_intent, table};
use crate::ui::intent::{Effect, Intent};
use crate::ui::popup::{About, Chooser, Page, Popup};
use crate::ui::rows::columns::Set;
use crate::ui::screens::Screen;
use crate::ui::state::{Focus, Tone, UiState};
use crate::ui::widgets::page;
use crossterm::event::{KeyCode, KeyEvent};

/// Opens the page of what is selected.
pub fn open(state: &mut UiState) -> Vec<Effect> {
    let about = if state.focus == Focus::Routers || state.screen == Screen::Vrrp { About::Router } else { About::Row };
    let is_there = match about {
        About::Row => state.has_table() && state.selected_row().is_some(),
        About::Router => state.selected_router().is_some(),
    };
    if is_there {
        state.popups.push(Popup::Page(Page::of(about)));
    } else {
        let screens = [Screen::Overview, Screen::Vrrp].map(|screen| state.keys.hint(Intent::Show(screen)));
        let [overview, vrrp] = screens;
        state.say(Tone::Bad, format!("select a service, a server ({overview}) or an instance ({vrrp}) first"));
    }
    Vec::new()
}

/// Opens the chooser for the columns of this screen.
pub fn open_columns(state: &mut UiState) -> Vec<Effect> {
    if state.has_table() {
        state.popups.push(Popup::Columns(Chooser { set: Set::of(state.screen), choice: 0 }));
    } else {
        state.say(Tone::Bad, "this screen has no table with columns to choose");
    }
    Vec::new()
}

/// A key while a page is open: it scrolls, goes on to the next object, and lets acts and time through.
pub fn on_key(state: &mut UiState, key: &KeyEvent) -> Vec<Effect> {
    let Some(Popup::Page(page)) = state.popups.last().cloned() else { return Vec::new() };
    let Some(intent) = state.keys.intent_of(key) else {
        let [previous, next] = [Intent::Fold, Intent::Unfold].map(|intent| state.keys.short_hint(intent));
        let keys = format!("arrows scroll, {previous} and {next} go to the previous and the next, Esc goes back");
        no_meaning(state, key, &keys);
        return Vec::new();
    };
    let (room, length) = (page::room(state).max(1), page::length(state, page.about));
    let scroll = match intent {
        Intent::Up | Intent::Down | Intent::PageUp | Intent::PageDown | Intent::Top | Intent::Bottom => {
            table::step(page.scroll, (length + 1).saturating_sub(room), room, intent)
        }
        Intent::Fold | Intent::Unfold => return go_on(state, intent == Intent::Unfold),
        Intent::NextProblem | Intent::PreviousProblem => {
            let effects = table::go_to_problem(state, intent == Intent::NextProblem);
            let about = if state.focus == Focus::Routers { About::Router } else { About::Row };
            put(state, Page::of(about));
            return effects;
        }
        Intent::Open | Intent::Back | Intent::Inspect => {
            state.popups.pop();
            return Vec::new();
        }
        Intent::Show(_) => {
            state.popups.clear();
            return on_intent(state, intent);
        }
        Intent::Help => return find::open_help(state),
        Intent::NextPanel | Intent::Filter | Intent::Sort | Intent::Mark | Intent::Columns | Intent::Baseline => {
            no_meaning(state, key, "Esc goes back to the screen where it has one");
            return Vec::new();
        }
        _ => return on_intent(state, intent),
    };
    put(state, Page { scroll, ..page });
    Vec::new()
}

/// The next row or instance, on the same page.
fn go_on(state: &mut UiState, is_forward: bool) -> Vec<Effect> {
    let Some(Popup::Page(page)) = state.popups.last().cloned() else { return Vec::new() };
    let focus =
        std::mem::replace(&mut state.focus, if page.about == About::Router { Focus::Routers } else { Focus::Services });
    let effects = table::travel(state, if is_forward { Intent::Down } else { Intent::Up });
    state.focus = focus;
    put(state, Page::of(page.about));
    effects
}

fn put(state: &mut UiState, page: Page) {
    if let Some(Popup::Page(place)) = state.popups.last_mut() {
        *place = page;
    }
}

/// A key while columns are chosen; the table follows at once.
pub fn on_columns_key(state: &mut UiState, key: &KeyEvent) -> Vec<Effect> {
    let intent = state.keys.intent_of(key);
    let UiState { popups, columns, .. } = state;
    let Some(Popup::Columns(chooser)) = popups.last_mut() else { return Vec::new() };
    let last = chooser.lines(columns).len().saturating_sub(1);
    match (key.code, intent) {
        (KeyCode::Char(' '), _) => chooser.toggle(columns),
        (KeyCode::Char('0'), _) => columns.set(chooser.set, None),
        (KeyCode::Enter, _) | (_, Some(Intent::Columns)) => {
            popups.pop();
        }
        (_, Some(Intent::Up)) => chooser.choice = chooser.choice.saturating_sub(1),
        (_, Some(Intent::Down)) => chooser.choice = (chooser.choice + 1).min(last),
        (_, Some(Intent::Top)) => chooser.choice = 0,
        (_, Some(Intent::Bottom)) => chooser.choice = last,
        (_, Some(Intent::Fold)) => chooser.shift(columns, true),
        (_, Some(Intent::Unfold)) => chooser.shift(columns, false),
        _ => {
            let [left, right] = [Intent::Fold, Intent::Unfold].map(|intent| state.keys.short_hint(intent));
            let keys =
                format!("space shows or hides, {left} and {right} move a column, 0 takes the usual ones, Esc ends");
            no_meaning(state, key, &keys);
        }
    }
    Vec::new()
}

//! Keys while something lies over the main screen: the topmost popup takes them all.

use super::{commit, connections, find, pages, undo};
use crate::engine::filter_error;
use crate::ui::intent::{Effect, Intent};
use crate::ui::keymap::Chord;
use crate::ui::popup::{Field, Phase, Popup};
use crate::ui::state::{Tone, UiState};
use crossterm::event::{KeyCode, KeyEvent};

/// Opens the line in which a filter is typed; the table follows each letter.
pub fn open_filter(state: &mut UiState) -> Vec<Effect> {
    let before = state.filter().to_owned();
    state.popups.push(Popup::Filter { field: Field::with(before.clone()), before });
    Vec::new()
}

/// Pasted text goes where text is typed, and nowhere else: it is never taken for keys.
pub fn on_paste(state: &mut UiState, text: &str) -> Vec<Effect> {
    state.dirty = true;
    let field = match state.popups.last_mut() {
        Some(Popup::Filter { field, .. }) => Some(field),
        Some(Popup::Palette(finder) | Popup::Help(finder)) => {
            finder.choice = 0;
            Some(&mut finder.field)
        }
        Some(Popup::Form(form)) => form.text_field(),
        Some(Popup::Connections(browser)) => browser.field.as_mut(),
        // A confirmation is typed, not pasted: the point of it is that somebody thinks.
        Some(Popup::Undo(_) | Popup::Preview(_) | Popup::Columns(_) | Popup::Page(_)) | None => None,
    };
    let Some(field) = field else {
        state.say(Tone::Bad, "pasted text is ignored here");
        return Vec::new();
    };
    // The end of a line parts words as a space does.
    let words: Vec<&str> = text.split(['\r', '\n', '\t']).filter(|words| !words.is_empty()).collect();
    field.insert(&words.join(" "));
    follow_filter(state)
}

/// The table shows what the filter line says; while that can't be read, what it showed before the line was opened.
fn follow_filter(state: &mut UiState) -> Vec<Effect> {
    let Some(Popup::Filter { field, before }) = state.popups.last() else { return Vec::new() };
    let (text, before) = (field.text().to_owned(), before.clone());
    let shown = if wrong_filter(state, &text).is_some() { before } else { text };
    set_filter(state, shown)
}

/// Why a filter of the table can't be read. Lists of events take any text.
pub fn wrong_filter(state: &UiState, text: &str) -> Option<String> {
    if state.event_list().is_some() { None } else { filter_error(text) }
}

/// Filters what is on the screen.
pub fn set_filter(state: &mut UiState, text: String) -> Vec<Effect> {
    if state.filter() == text {
        return Vec::new();
    }
    if let Some(list) = state.event_list_mut() {
        list.filter = text;
        (list.selected, list.top) = (None, None);
        return Vec::new();
    }
    state.table.filter = text;
    vec![Effect::Poll]
}

/// A key for the topmost popup.
pub fn on_key(state: &mut UiState, key: &KeyEvent) -> Vec<Effect> {
    match state.keys.intent_beside_text(key) {
        Some(Intent::Redraw) => return vec![Effect::Redraw],
        Some(Intent::Suspend) => return vec![Effect::Suspend],
        Some(Intent::Detach) => return vec![Effect::Detach],
        _ => {}
    }
    if key.code == KeyCode::Esc {
        return leave(state);
    }
    match state.popups.last() {
        Some(Popup::Help(_)) => find::on_help_key(state, key),
        Some(Popup::Palette(_)) => find::on_palette_key(state, key),
        Some(Popup::Filter { .. }) => filter(state, key),
        Some(Popup::Form(_)) => form(state, key),
        Some(Popup::Undo(_)) => undo::on_key(state, key),
        Some(Popup::Columns(_)) => pages::on_columns_key(state, key),
        Some(Popup::Page(_)) => pages::on_key(state, key),
        Some(Popup::Connections(_)) => connections::on_key(state, key),
        Some(Popup::Preview(_)) => preview(state, key),
        None => Vec::new(),
    }
}

/// Esc: one level back. A command that is being done is not called back; its end goes to the status line.
fn leave(state: &mut UiState) -> Vec<Effect> {
    if matches!(state.popups.last(), Some(Popup::Connections(_))) {
        return connections::leave(state);
    }
    // What was asked of whoever was here is asked no more.
    state.said = state.said.take().filter(|said| said.tone == Tone::Good);
    match state.popups.pop() {
        Some(Popup::Filter { before, .. }) => set_filter(state, before),
        Some(Popup::Preview(popup)) if matches!(popup.phase, Phase::Committing(_)) => {
            state.say(Tone::Good, format!("{}: under way, its end is shown here", popup.title));
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn filter(state: &mut UiState, key: &KeyEvent) -> Vec<Effect> {
    let Some(Popup::Filter { field, .. }) = state.popups.last_mut() else { return Vec::new() };
    if key.code != KeyCode::Enter {
        field.edit(key);
        return follow_filter(state);
    }
    let text = field.text().to_owned();
    match wrong_filter(state, &text) {
        Some(why) => state.say(Tone::Bad, why),
        None => drop(state.popups.pop()),
    }
    Vec::new()
}

fn form(state: &mut UiState, key: &KeyEvent) -> Vec<Effect> {
    let Some(Popup::Form(form)) = state.popups.last_mut() else { return Vec::new() };
    match key.code {
        KeyCode::Enter => match form.command() {
            Ok(command) => {
                let meant = form.targets().to_vec();
                return commit::preview_of(state, command, None, meant);
            }
            Err(why) => state.say(Tone::Bad, why),
        },
        KeyCode::Tab | KeyCode::Down if form.fields.len() > 1 => form.step(false),
        KeyCode::BackTab | KeyCode::Up if form.fields.len() > 1 => form.step(true),
        _ => {
            let several = if form.fields.len() > 1 { "Tab goes on, " } else { "" };
            let choice = if form.text_field().is_none() { "space changes it, " } else { "" };
            let keys = format!("{choice}{several}Enter shows the preview, Esc leaves");
            if !form.edit(key) {
                no_meaning(state, key, &keys);
            }
        }
    }
    Vec::new()
}

fn preview(state: &mut UiState, key: &KeyEvent) -> Vec<Effect> {
    let height = state.size.1;
    let Some(Popup::Preview(popup)) = state.popups.last_mut() else { return Vec::new() };
    // A second Enter is impatience; one behind other keys belongs to them.
    if matches!(popup.phase, Phase::Committing(_)) && (key.code != KeyCode::Enter || !popup.ahead.is_empty()) {
        popup.ahead.push(*key);
        return Vec::new();
    }
    if key.code == KeyCode::Enter {
        return commit::commit(state);
    }
    let Some(Popup::Preview(popup)) = state.popups.last_mut() else { return Vec::new() };
    let page = usize::from(height.saturating_sub(6)).max(1);
    match key.code {
        KeyCode::Down | KeyCode::PageDown => {
            popup.scroll = popup.scroll.saturating_add(if key.code == KeyCode::Down { 1 } else { page });
            return Vec::new();
        }
        KeyCode::Up => popup.scroll = popup.scroll.saturating_sub(1),
        KeyCode::PageUp => popup.scroll = popup.scroll.saturating_sub(page),
        _ => {
            let keys = match popup.phase {
                Phase::Ready(_) => "Enter does it once all of it was shown, Esc leaves",
                Phase::Asking | Phase::Committing(_) | Phase::Refused(_) | Phase::Failed(_) => "Esc leaves",
            };
            if popup.required().is_none() || !popup.typed.edit(key) {
                no_meaning(state, key, keys);
            }
        }
    }
    Vec::new()
}

/// Says that a key means nothing here, and which do.
pub fn no_meaning(state: &mut UiState, key: &KeyEvent, keys: &str) {
    state.say(Tone::Bad, format!("{} has no meaning here: {keys}", Chord::of(key)));
}

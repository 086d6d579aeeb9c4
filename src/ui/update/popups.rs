//! Keys while something lies over the main screen: the topmost popup takes them all.

use super::{acts, demonstration, keymap};
use crate::engine::Command;
use crate::ui::intent::{Effect, Intent};
use crate::ui::popup::{AddField, Field, Phase, Popup};
use crate::ui::state::{Tone, UiState};
use crossterm::event::{KeyCode, KeyEvent};

/// Opens the line in which a filter is typed; the table follows each letter.
pub fn open_filter(state: &mut UiState) -> Vec<Effect> {
    let before = state.filter().to_owned();
    state.popups.push(Popup::Filter { field: Field::with(before.clone()), before });
    Vec::new()
}

/// Opens the help page.
pub fn open_help(state: &mut UiState) -> Vec<Effect> {
    state.popups.push(Popup::Help { scroll: 0 });
    Vec::new()
}

/// Pasted text goes where text is typed, and nowhere else: it is never taken for keys.
pub fn on_paste(state: &mut UiState, text: &str) -> Vec<Effect> {
    state.dirty = true;
    let field = match state.popups.last_mut() {
        Some(Popup::Filter { field, .. } | Popup::Order(field)) => field,
        Some(Popup::Weight(form)) => &mut form.field,
        Some(Popup::AddServer(form)) => match form.focus {
            AddField::Address => &mut form.address,
            AddField::Weight => &mut form.weight,
            AddField::Forward => return Vec::new(),
        },
        // A confirmation is typed, not pasted: the point of it is that somebody thinks.
        Some(Popup::Help { .. } | Popup::Preview(_)) | None => {
            state.say(Tone::Bad, "pasted text is ignored here");
            return Vec::new();
        }
    };
    field.insert(text);
    follow_filter(state)
}

/// The table shows what the filter line says.
fn follow_filter(state: &mut UiState) -> Vec<Effect> {
    let Some(Popup::Filter { field, .. }) = state.popups.last() else { return Vec::new() };
    let text = field.text().to_owned();
    set_filter(state, text)
}

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
    match keymap::intent_of(key) {
        Some(Intent::Redraw) => return vec![Effect::Redraw],
        Some(Intent::Suspend) => return vec![Effect::Suspend],
        Some(Intent::Detach) if key.code != KeyCode::Char('q') => return vec![Effect::Detach],
        _ => {}
    }
    if key.code == KeyCode::Esc {
        return leave(state);
    }
    match state.popups.last_mut() {
        Some(Popup::Help { .. }) => help(state, key),
        Some(Popup::Filter { field, .. }) => {
            if key.code == KeyCode::Enter {
                state.popups.pop();
                return Vec::new();
            }
            field.edit(key);
            follow_filter(state)
        }
        Some(Popup::Order(_)) => demonstration::on_key(state, key),
        Some(Popup::Weight(_)) => weight(state, key),
        Some(Popup::AddServer(_)) => add_server(state, key),
        Some(Popup::Preview(_)) => preview(state, key),
        None => Vec::new(),
    }
}

/// Esc: one level back. A command that is being done is not called back; its end goes to the status line.
fn leave(state: &mut UiState) -> Vec<Effect> {
    match state.popups.pop() {
        Some(Popup::Filter { before, .. }) => set_filter(state, before),
        Some(Popup::Preview(popup)) if matches!(popup.phase, Phase::Committing(_)) => {
            state.say(Tone::Good, format!("{}: under way, its end is shown here", popup.title));
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn help(state: &mut UiState, key: &KeyEvent) -> Vec<Effect> {
    let page = usize::from(state.size.1.saturating_sub(4)).max(1);
    let Some(Popup::Help { scroll }) = state.popups.last_mut() else { return Vec::new() };
    let last = crate::ui::widgets::help::lines().len().saturating_sub(page);
    *scroll = match keymap::intent_of(key) {
        Some(Intent::Up) => scroll.saturating_sub(1),
        Some(Intent::Down) => (*scroll + 1).min(last),
        Some(Intent::PageUp) => scroll.saturating_sub(page),
        Some(Intent::PageDown | Intent::Pause) => (*scroll + page).min(last),
        Some(Intent::Top) => 0,
        Some(Intent::Bottom) => last,
        Some(Intent::Help | Intent::Detach | Intent::Open) => {
            state.popups.pop();
            return Vec::new();
        }
        _ => {
            no_meaning(state, key, "arrows turn the page, Esc leaves");
            return Vec::new();
        }
    };
    Vec::new()
}

fn weight(state: &mut UiState, key: &KeyEvent) -> Vec<Effect> {
    let Some(Popup::Weight(form)) = state.popups.last_mut() else { return Vec::new() };
    if key.code != KeyCode::Enter {
        if !form.field.edit(key) {
            no_meaning(state, key, "Enter shows the preview, Esc leaves");
        }
        return Vec::new();
    }
    match form.weight() {
        Ok(weight) => {
            let (service, server) = (crate::engine::ServiceSelector(form.service.clone()), form.server);
            acts::preview(state, Command::Weight { service, server, weight }, None)
        }
        Err(why) => {
            state.say(Tone::Bad, why);
            Vec::new()
        }
    }
}

fn add_server(state: &mut UiState, key: &KeyEvent) -> Vec<Effect> {
    let Some(Popup::AddServer(form)) = state.popups.last_mut() else { return Vec::new() };
    match (key.code, form.focus) {
        (KeyCode::Tab | KeyCode::Down, _) => form.step(false),
        (KeyCode::BackTab | KeyCode::Up, _) => form.step(true),
        (KeyCode::Enter, _) => match (form.key(), form.weight()) {
            (Ok(server), Ok(weight)) => {
                let (service, forward) = (form.service.into(), Some(form.forward));
                return acts::preview(
                    state,
                    Command::AddServer { service, server, weight: Some(weight), forward },
                    None,
                );
            }
            (Err(why), _) | (_, Err(why)) => state.say(Tone::Bad, why),
        },
        (KeyCode::Char(' ') | KeyCode::Left | KeyCode::Right, AddField::Forward) => form.next_forward(),
        (_, focus) => {
            let edited = match focus {
                AddField::Address => form.address.edit(key),
                AddField::Weight => form.weight.edit(key),
                AddField::Forward => false,
            };
            if !edited {
                let keys = if focus == AddField::Forward { "space changes it, " } else { "" };
                no_meaning(state, key, &format!("{keys}Tab goes on, Enter shows the preview, Esc leaves"));
            }
        }
    }
    Vec::new()
}

fn preview(state: &mut UiState, key: &KeyEvent) -> Vec<Effect> {
    if key.code == KeyCode::Enter {
        return acts::commit(state);
    }
    let Some(Popup::Preview(popup)) = state.popups.last_mut() else { return Vec::new() };
    let keys = match popup.phase {
        Phase::Ready(_) => "Enter does it, Esc leaves",
        Phase::Asking | Phase::Committing(_) | Phase::Refused(_) => "Esc leaves",
    };
    if popup.required().is_none() || !popup.typed.edit(key) {
        no_meaning(state, key, keys);
    }
    Vec::new()
}

fn no_meaning(state: &mut UiState, key: &KeyEvent, keys: &str) {
    state.say(Tone::Bad, format!("{} has no meaning here: {keys}", keymap::Chord::of(key)));
}

//! What only a demonstration has: the line for orders, and the panel with its drill.

use super::table;
use crate::engine::Guide;
use crate::ui::intent::Effect;
use crate::ui::popup::{Field, Popup};
use crate::ui::state::{Tone, UiState};
use crate::ui::widgets::guide::room;
use crossterm::event::{KeyCode, KeyEvent};

/// Another size of the terminal: the console has what the panel leaves.
pub fn resize(state: &mut UiState, columns: u16, rows: u16) {
    state.whole = (columns, rows);
    state.size = if state.guide.is_some() { room(state.whole).0 } else { state.whole };
    state.dirty = true;
}

/// The drill as it is now; the first one makes room for its panel.
pub fn on_guide(state: &mut UiState, guide: Guide) -> Vec<Effect> {
    let is_new = state.guide.is_none();
    state.dirty |= state.guide.as_ref() != Some(&guide);
    state.guide = Some(guide);
    if is_new {
        let (columns, rows) = state.whole;
        resize(state, columns, rows);
        table::keep_in_sight(state);
    }
    Vec::new()
}

/// Opens the line for orders, if this is its key.
pub fn opens(state: &mut UiState, key: &KeyEvent) -> bool {
    let opens = state.guide.is_some() && key.code == KeyCode::Char(':');
    if opens {
        state.popups.push(Popup::Order(Field::default()));
    }
    opens
}

/// A key for that line.
pub fn on_key(state: &mut UiState, key: &KeyEvent) -> Vec<Effect> {
    let Some(Popup::Order(field)) = state.popups.last_mut() else { return Vec::new() };
    if key.code != KeyCode::Enter {
        field.edit(key);
        return Vec::new();
    }
    let words = field.text().to_owned();
    state.popups.pop();
    if words.trim().is_empty() { Vec::new() } else { vec![Effect::Order(words)] }
}

/// The order was given, or refused.
pub fn on_ordered(state: &mut UiState, result: Result<String, String>) -> Vec<Effect> {
    match result {
        Ok(text) => state.say(Tone::Good, text),
        Err(text) => state.say(Tone::Bad, text),
    }
    vec![Effect::Poll]
}

//! What only a demonstration has: orders, and the panel with its drill. Orders are given in the palette.

use super::table;
use crate::engine::Guide;
use crate::ui::intent::Effect;
use crate::ui::state::{Tone, UiState};
use crate::ui::widgets::guide::room;

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

/// The order was given, or refused.
pub fn on_ordered(state: &mut UiState, result: Result<String, String>) -> Vec<Effect> {
    match result {
        Ok(text) => state.say(Tone::Good, text),
        Err(text) => state.say(Tone::Bad, text),
    }
    vec![Effect::Poll]
}

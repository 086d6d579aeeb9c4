//! What can be taken back: the list, and taking one of it back, with a preview as every write.

use super::acts::forbidden;
use super::commit::preview;
use crate::engine::{Command, Undoable};
use crate::ui::intent::{Effect, Intent};
use crate::ui::popup::{Popup, UndoList};
use crate::ui::state::{Tone, UiState};
use crossterm::event::{KeyCode, KeyEvent};

/// Opens the list, or the preview of the one that is named.
pub fn open(state: &mut UiState, words: &str) -> Result<Vec<Effect>, String> {
    if words.is_empty() {
        state.popups.push(Popup::Undo(UndoList::default()));
        return Ok(vec![Effect::Undoable]);
    }
    let id = words.parse().map_err(|_| format!("\"{words}\" is no command's number"))?;
    Ok(preview(state, Command::Undo { id: Some(id) }, None))
}

/// The list came. The cursor stays on its command.
pub fn on_list(state: &mut UiState, list: Result<Vec<Undoable>, String>) -> Vec<Effect> {
    state.dirty = true;
    let open = state.popups.iter_mut().find_map(|popup| if let Popup::Undo(undo) = popup { Some(undo) } else { None });
    if let Some(undo) = open {
        undo.list = Some(list);
        undo.choice = undo.choice.min(undo.entries().len().saturating_sub(1));
    }
    Vec::new()
}

/// A key while the list is open.
pub fn on_key(state: &mut UiState, key: &KeyEvent) -> Vec<Effect> {
    let means = state.keys.intent_of(key);
    let Some(Popup::Undo(undo)) = state.popups.last_mut() else { return Vec::new() };
    let last = undo.entries().len().saturating_sub(1);
    match (key.code, means) {
        (KeyCode::Enter, _) => {
            let Some(id) = undo.entries().get(undo.choice).map(|entry| entry.id) else {
                state.say(Tone::Bad, "there is nothing to take back");
                return Vec::new();
            };
            if let Some(why) = forbidden(state) {
                state.say(Tone::Bad, why);
                return Vec::new();
            }
            return preview(state, Command::Undo { id: Some(id) }, None);
        }
        (KeyCode::Up, _) | (_, Some(Intent::Up)) => undo.choice = undo.choice.saturating_sub(1),
        (KeyCode::Down, _) | (_, Some(Intent::Down)) => undo.choice = (undo.choice + 1).min(last),
        (_, Some(Intent::Top)) => undo.choice = 0,
        (_, Some(Intent::Bottom)) => undo.choice = last,
        (_, Some(Intent::Undo | Intent::Detach)) => drop(state.popups.pop()),
        _ => super::popups::no_meaning(state, key, "arrows choose, Enter shows what it would do, Esc leaves"),
    }
    Vec::new()
}

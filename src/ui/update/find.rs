//! The palette and the help page: both are searched by typing, and Enter does what is chosen.

use super::on_intent;
use super::popups::no_meaning;
use crate::engine::Sort;
use crate::ui::intent::{Effect, Intent};
use crate::ui::palette::{Entry, REMEMBERED, entries_with, split};
use crate::ui::popup::{Finder, Popup};
use crate::ui::state::{Tone, UiState};
use crate::ui::widgets::help;
use crossterm::event::{KeyCode, KeyEvent};

/// Opens the palette.
pub fn open_palette(state: &mut UiState) -> Vec<Effect> {
    state.popups.push(Popup::Palette(Finder::default()));
    Vec::new()
}

/// Opens the help page.
pub fn open_help(state: &mut UiState) -> Vec<Effect> {
    state.popups.push(Popup::Help(Finder::default()));
    Vec::new()
}

/// Moves the choice; true when the key was one for that.
fn choose(finder: &mut Finder, key: &KeyEvent, found: usize, page: usize) -> bool {
    let last = found.saturating_sub(1);
    finder.choice = match key.code {
        KeyCode::Up => finder.choice.saturating_sub(1),
        KeyCode::Down => finder.choice + 1,
        KeyCode::PageUp => finder.choice.saturating_sub(page),
        KeyCode::PageDown => finder.choice + page,
        _ => return false,
    }
    .min(last);
    true
}

/// Types into the search; what is found is chosen anew.
fn search(finder: &mut Finder, key: &KeyEvent) -> bool {
    let before = finder.field.text().to_owned();
    let edited = finder.field.edit(key);
    if finder.field.text() != before {
        finder.choice = 0;
    }
    edited
}

fn page(state: &UiState) -> usize {
    usize::from(state.size.1.saturating_sub(6)).max(1)
}

/// A key while the palette is open. Tab writes the chosen name out, for its arguments.
pub fn on_palette_key(state: &mut UiState, key: &KeyEvent) -> Vec<Effect> {
    let page = page(state);
    let orders = state.orders();
    let Some(Popup::Palette(finder)) = state.popups.last_mut() else { return Vec::new() };
    let found = entries_with(orders, finder.field.text(), &state.recent);
    match key.code {
        KeyCode::Enter => {
            let typed = finder.field.text().to_owned();
            let (name, words) = split(&typed);
            let intent = Intent::ALL.into_iter().find(|intent| intent.writes() && intent.name() == name);
            let takes_none = |intent: Intent| !words.is_empty() && intent.arguments().is_empty();
            // Whoever writes an act out means that one, and hears why it does not take what follows.
            let is_meant = |intent: &Intent| super::acts::named(state, words).is_some() || takes_none(*intent);
            if let Some(intent) = intent.filter(is_meant) {
                state.popups.pop();
                return super::acts::begin(state, intent, words);
            }
            let Some(Popup::Palette(finder)) = state.popups.last_mut() else { return Vec::new() };
            let Some(entry) = found.get(finder.choice).cloned() else {
                if !orders.is_empty() && !typed.trim().is_empty() {
                    // The demonstration knows best what it was meant to be.
                    state.popups.pop();
                    return vec![Effect::Order(typed)];
                }
                state.say(Tone::Bad, format!("no action has \"{}\" in it", typed.trim()));
                return Vec::new();
            };
            if let Some(whole) = meant(&entry, &typed) {
                finder.field = crate::ui::popup::Field::with(whole.clone());
                finder.choice = 0;
                state.say(Tone::Bad, format!("did you mean :{whole}? Enter gives it"));
                return Vec::new();
            }
            state.popups.pop();
            run(state, &entry, &typed)
        }
        KeyCode::Tab => {
            match found.get(finder.choice) {
                Some(Entry::Action(intent)) => {
                    finder.field = crate::ui::popup::Field::with(format!("{} ", intent.name()));
                }
                Some(Entry::Order(words, _)) => {
                    finder.field = crate::ui::popup::Field::with(format!("{} ", split(words).0));
                }
                Some(Entry::Recent(line)) => finder.field = crate::ui::popup::Field::with(line.clone()),
                None => {}
            }
            finder.choice = 0;
            Vec::new()
        }
        KeyCode::Backspace if finder.field.text().is_empty() => {
            state.popups.pop();
            Vec::new()
        }
        _ => {
            if !choose(finder, key, found.len(), page) && !search(finder, key) {
                no_meaning(state, key, "arrows choose, Tab writes the name out, Enter does it, Esc leaves");
            }
            Vec::new()
        }
    }
}

/// The order written out, where only its beginning was typed: a fault is given in full.
fn meant(entry: &Entry, typed: &str) -> Option<String> {
    let Entry::Order(words, _) = entry else { return None };
    let (word, (typed, rest)) = (split(words).0, split(typed));
    (!typed.is_empty() && word != typed).then(|| format!("{word} {rest}").trim_end().to_owned())
}

fn run(state: &mut UiState, entry: &Entry, typed: &str) -> Vec<Effect> {
    let (intent, words) = match entry {
        Entry::Action(intent) => (*intent, if intent.arguments().is_empty() { "" } else { split(typed).1 }.to_owned()),
        Entry::Order(words, _) => return vec![Effect::Order(format!("{} {}", split(words).0, split(typed).1))],
        Entry::Recent(line) => {
            let (name, words) = split(line);
            let Some(intent) = Intent::ALL.into_iter().find(|intent| intent.name() == name) else { return Vec::new() };
            (intent, words.to_owned())
        }
    };
    remember(state, format!("{} {words}", intent.name()).trim_end().to_owned());
    state.said = None;
    on_intent_with(state, intent, &words)
}

/// The newest last, each line once.
fn remember(state: &mut UiState, line: String) {
    state.recent.retain(|known| *known != line);
    state.recent.push(line);
    if state.recent.len() > REMEMBERED {
        state.recent.remove(0);
    }
}

/// An action with what was typed behind its name.
fn on_intent_with(state: &mut UiState, intent: Intent, words: &str) -> Vec<Effect> {
    match (intent, words) {
        (_, words) if intent.writes() => super::acts::begin(state, intent, words),
        (Intent::Filter, words) if !words.is_empty() => match super::popups::wrong_filter(state, words) {
            None => super::popups::set_filter(state, words.to_owned()),
            Some(why) => {
                state.say(Tone::Bad, why);
                Vec::new()
            }
        },
        (Intent::Sort, words) if !words.is_empty() => {
            let sorts = [Sort::Problems, Sort::File, Sort::Key, Sort::Active, Sort::Rate];
            if let Some((sort, name)) =
                sorts.into_iter().zip(["problems", "file", "key", "active", "rate"]).find(|(_, name)| *name == words)
            {
                state.table.sort = sort;
                state.say(Tone::Good, format!("order: {name}"));
                vec![Effect::Poll]
            } else {
                state.say(Tone::Bad, format!("sort takes {}", Intent::Sort.arguments()));
                Vec::new()
            }
        }
        (Intent::Bell, words) => super::clip::bell(state, words),
        _ => on_intent(state, intent),
    }
}

/// A key while the help page is open.
pub fn on_help_key(state: &mut UiState, key: &KeyEvent) -> Vec<Effect> {
    let page = page(state);
    let keys = state.keys.clone();
    let Some(Popup::Help(finder)) = state.popups.last_mut() else { return Vec::new() };
    let lines = help::lines(&keys, finder.field.text());
    match key.code {
        KeyCode::Enter => {
            let chosen = lines.get(finder.choice).and_then(|line| line.intent);
            let Some(intent) = chosen else {
                no_meaning(state, key, "it does the action under the cursor; this line is none");
                return Vec::new();
            };
            state.popups.pop();
            on_intent(state, intent)
        }
        KeyCode::Home => {
            finder.choice = 0;
            Vec::new()
        }
        KeyCode::End => {
            finder.choice = lines.len().saturating_sub(1);
            Vec::new()
        }
        _ => {
            if !choose(finder, key, lines.len(), page) && !search(finder, key) {
                no_meaning(state, key, "type to search, arrows choose, Enter does it, Esc leaves");
            }
            Vec::new()
        }
    }
}

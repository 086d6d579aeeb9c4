//! What the footer names can be done; what is refused names the key that counts.

use super::*;
use crate::ui::keymap::{BINDINGS, Binding, parse};

/// What the footer names, as far as it has room.
fn named(state: &UiState) -> Vec<Intent> {
    BINDINGS.iter().filter(|b| !b.hint.is_empty() && works(state, b.intent)).map(|b| b.intent).collect()
}

fn writing(state: &UiState) -> Vec<Intent> {
    named(state).into_iter().filter(|intent| intent.writes() || *intent == Intent::Mark).collect()
}

#[test]
fn every_key_that_the_footer_names_does_something() {
    for size in [(30, 4), (40, 5), (40, 10), (60, 20), (80, 24), (120, 36)] {
        for keys in ["", "r", "2", "3", "4", "5", "5\t", "6", "6\t", " ", "[", "r["] {
            let mut state = console(&table(1..4));
            press(&mut state, KeyCode::Down);
            for key in keys.chars() {
                press(&mut state, if key == '\t' { KeyCode::Tab } else { KeyCode::Char(key) });
            }
            state.size = size;
            let offered = BINDINGS.iter().filter(|b| named(&state).contains(&b.intent));
            // Of an instance there is none here, and of events none yet.
            let is_of_this = |b: &&Binding| !b.intent.is_about_instances() && state.event_list().is_none();
            for binding in offered.filter(is_of_this) {
                let mut state = state.clone();
                state.said = None;
                let code = binding.chords.first().unwrap().code;
                press(&mut state, code);
                let is_refused = state.said.as_ref().is_some_and(|said| said.tone == Tone::Bad);
                assert!(!is_refused, "{code:?} after {keys:?} at {size:?}: {}", said(&state));
            }
        }
    }
}

#[test]
fn a_small_screen_offers_and_takes_no_act_on_what_is_not_on_it() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Down);
    assert!(writing(&state).contains(&Intent::Weight) && writing(&state).contains(&Intent::Mark));
    state.size = (40, 10);
    assert_eq!(writing(&state), [Intent::Undo], "nothing but what is not about a row");
    press(&mut state, KeyCode::Char('v'));
    assert!(state.table.marks.is_empty() && said(&state).contains("enlarge"), "{}", said(&state));
}

#[test]
fn the_past_and_a_frozen_screen_offer_no_lock_and_no_act() {
    for key in ['[', ' '] {
        let mut state = console(&table(1..4));
        press(&mut state, KeyCode::Down);
        assert!(named(&state).contains(&Intent::ToggleLock));
        press(&mut state, KeyCode::Char(key));
        assert!(!named(&state).contains(&Intent::ToggleLock) && !named(&state).contains(&Intent::Drain), "{key}");
        assert!(named(&state).contains(&Intent::SecondBack));
    }
}

#[test]
fn who_may_not_write_is_not_sent_to_a_key_that_is_refused() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Down);
    state.unlocked = false;
    state.picture.as_mut().unwrap().polled.summary.writable = false;
    press(&mut state, KeyCode::Char('d'));
    assert!(said(&state).starts_with("no commands from you") && !said(&state).contains("press r"), "{}", said(&state));
    assert!(!named(&state).contains(&Intent::ToggleLock));
}

#[test]
fn messages_name_the_keys_that_count() {
    let file = "[keys]\nunlock = \"U\"\npause = \"B\"\nsecond-back = \"<\"\nbaseline = \"Z\"\noverview = \"F9\"\n";
    let mut state = console(&table(1..4));
    state.keys = parse(file, "console.toml").unwrap().keys.into();
    state.unlocked = false;
    for (keys, wanted) in [
        ("U", "U locks again"),
        ("B", "B comes back"),
        ("B]", "< goes back"),
        ("5Z", "Z takes it back"),
        ("4\t", "F9 shows"),
    ] {
        for key in keys.chars() {
            press(&mut state, if key == '\t' { KeyCode::Tab } else { KeyCode::Char(key) });
        }
        assert!(said(&state).contains(wanted), "{keys:?}: {}", said(&state));
    }
}

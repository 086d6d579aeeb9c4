//! Filter, palette, help, and keys of the operator's own.

use super::*;
use crate::engine::Guide;
use crate::ui::keymap::{BINDINGS, Keymap, parse};
use crate::ui::popup::{Finder, FormKind};
use crate::ui::screens::Screen;
use std::sync::Arc;

fn finder(state: &UiState) -> &Finder {
    match state.popups.last() {
        Some(Popup::Palette(finder) | Popup::Help(finder)) => finder,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_action_is_reached_by_the_palette_and_by_the_help_page() {
    for intent in Intent::ALL {
        for opening in [':', '?'] {
            let mut state = console(&table(1..4));
            state.unlocked = false;
            press(&mut state, KeyCode::Char(opening));
            type_text(&mut state, intent.name());
            if opening == '?' {
                let keys = state.keys.clone();
                let lines = crate::ui::widgets::help::lines(&keys, finder(&state).field.text());
                let at = lines.iter().position(|line| line.intent == Some(intent)).unwrap();
                for _ in 0..at {
                    press(&mut state, KeyCode::Down);
                }
            }
            let effects = press(&mut state, KeyCode::Enter);
            match intent {
                Intent::Redraw => assert_eq!(effects, [Effect::Redraw]),
                Intent::Suspend => assert_eq!(effects, [Effect::Suspend]),
                Intent::Detach => assert_eq!(effects, [Effect::Detach]),
                Intent::ToggleLock => assert!(state.unlocked),
                Intent::Show(screen) => assert_eq!(state.screen, screen),
                Intent::Palette
                | Intent::Help
                | Intent::Filter
                | Intent::Columns
                | Intent::Inspect
                | Intent::Connections => assert_eq!(state.popups.len(), 1, "{intent:?}"),
                writing if writing.writes() => assert!(said(&state).contains("press r"), "{intent:?}"),
                _ => assert!(state.popups.is_empty(), "{intent:?}"),
            }
        }
    }
}

#[test]
fn a_filter_that_can_not_be_read_keeps_what_was_shown_and_says_why() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Char('/'));
    type_text(&mut state, "(a|b");
    assert_eq!(state.table.filter, "", "half a regular expression is no filter");
    assert!(press(&mut state, KeyCode::Enter).is_empty());
    assert!(said(&state).contains("no regular expression"), "{}", said(&state));
    assert!(matches!(state.popups.last(), Some(Popup::Filter { .. })));
    assert_eq!(press(&mut state, KeyCode::Char(')')), [Effect::Poll]);
    press(&mut state, KeyCode::Enter);
    assert_eq!((state.table.filter.as_str(), state.popups.len()), ("(a|b)", 0));
}

#[test]
fn the_palette_takes_arguments_and_remembers_its_lines() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Char(':'));
    type_text(&mut state, "weight 10");
    let (_, request) = commands(press(&mut state, KeyCode::Enter)).remove(0);
    assert!(matches!(request.command, Command::Weight { weight, .. } if weight.get() == 10));
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Char(':'));
    type_text(&mut state, "sort key");
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.table.sort, Sort::Key);
    assert_eq!(state.recent, ["weight 10", "sort key"]);
    press(&mut state, KeyCode::Char(':'));
    press(&mut state, KeyCode::Down);
    assert_eq!(commands(press(&mut state, KeyCode::Enter)).len(), 1, "the weight again");
    assert_eq!(state.recent, ["sort key", "weight 10"]);
    press(&mut state, KeyCode::Esc);
    for (line, says) in [("sort up", "problems, file"), ("filter (", "regular expression")] {
        press(&mut state, KeyCode::Char(':'));
        type_text(&mut state, line);
        press(&mut state, KeyCode::Enter);
        assert!(said(&state).contains(says), "{line}: {}", said(&state));
    }
}

#[test]
fn the_palette_chooses_with_the_arrows_writes_out_with_tab_and_says_when_nothing_fits() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Char(':'));
    type_text(&mut state, "wei");
    press(&mut state, KeyCode::Tab);
    assert_eq!(finder(&state).field.text(), "weight ");
    press(&mut state, KeyCode::Down);
    type_text(&mut state, "x");
    assert_eq!(finder(&state).choice, 0, "another search begins at its best");
    for _ in 0.."weight x".len() {
        press(&mut state, KeyCode::Backspace);
    }
    type_text(&mut state, "qqqq");
    press(&mut state, KeyCode::Down);
    assert!(press(&mut state, KeyCode::Enter).is_empty() && said(&state).contains("qqqq"));
    for _ in 0..=4 {
        press(&mut state, KeyCode::Backspace);
    }
    assert!(state.popups.is_empty(), "backspace beyond the beginning leaves");
}

#[test]
fn an_action_of_the_help_page_is_done_with_enter() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Char('?'));
    type_text(&mut state, "virtual server");
    press(&mut state, KeyCode::Enter);
    let Some(Popup::Form(form)) = state.popups.last() else { panic!("{:?}", state.popups) };
    assert!(matches!(form.kind, FormKind::AddService(_)));
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Char('?'));
    assert!(press(&mut state, KeyCode::Enter).is_empty() && said(&state).contains("this line is none"));
}

#[test]
fn keys_of_the_operators_own_count_everywhere() {
    let mut state = console(&table(1..4));
    state.unlocked = false;
    let file = "[keys]\nunlock = \"F9\"\ndrain = \"F2\"\ndetach = \"F10\"\n";
    state.keys = Arc::new(parse(file, "my.toml").unwrap().keys);
    press(&mut state, KeyCode::Down);
    assert!(press(&mut state, KeyCode::Char('d')).is_empty() && said(&state).contains("d has no meaning here"));
    press(&mut state, KeyCode::F(2));
    assert!(said(&state).contains("press F9"), "{}", said(&state));
    press(&mut state, KeyCode::F(9));
    assert_eq!(commands(press(&mut state, KeyCode::F(2))).len(), 1);
    assert_eq!(press(&mut state, KeyCode::F(10)), [Effect::Detach], "beside text too");
}

#[test]
fn a_key_that_writes_is_text_where_text_is_typed() {
    let mut state = console(&table(1..4));
    state.keys = Arc::new(parse("[keys]\nredraw = \"Z\"\n", "my.toml").unwrap().keys);
    press(&mut state, KeyCode::Char('/'));
    for binding in BINDINGS {
        for chord in binding.chords.iter().filter(|chord| chord.is_text()) {
            let KeyCode::Char(c) = chord.code else { panic!("{chord}") };
            update(&mut state, Message::Key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL)), at(1));
            press(&mut state, KeyCode::Char('x'));
            press(&mut state, KeyCode::Char(c));
            let Some(Popup::Filter { field, .. }) = state.popups.last() else { panic!("{chord} left the field") };
            assert_eq!(field.text(), format!("x{c}"));
        }
    }
    press(&mut state, KeyCode::Char('Z'));
    assert!(matches!(state.popups.last(), Some(Popup::Filter { field, .. }) if field.text().ends_with('Z')));
}

#[test]
fn a_filter_by_the_palette_is_for_the_screen_that_is_shown() {
    let mut state = console(&table(1..4));
    assert_eq!(Keymap::default(), *state.keys);
    state.screen = Screen::Timeline;
    press(&mut state, KeyCode::Char(':'));
    type_text(&mut state, "filter web");
    press(&mut state, KeyCode::Enter);
    assert_eq!((state.timeline.filter.as_str(), state.table.filter.as_str()), ("web", ""));
}

#[test]
fn in_a_demonstration_the_palette_takes_its_orders_too() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Char(':'));
    type_text(&mut state, "kill web2");
    assert!(press(&mut state, KeyCode::Enter).is_empty(), "nobody takes orders here");
    state.popups.clear();
    state.guide = Some(Guide::default());
    for (typed, order) in
        [("kill web2", "kill web2"), ("cut", "cut "), ("explode", "explode"), ("kll web2", "kll web2")]
    {
        press(&mut state, KeyCode::Char(':'));
        type_text(&mut state, typed);
        assert_eq!(press(&mut state, KeyCode::Enter), [Effect::Order(order.to_owned())], "{typed}");
        assert!(state.popups.is_empty(), "{typed}");
    }
    press(&mut state, KeyCode::Char(':'));
    type_text(&mut state, "sort key");
    assert_eq!(press(&mut state, KeyCode::Enter), [Effect::Poll]);
}

#[test]
fn half_an_order_is_written_out_before_it_is_given() {
    let mut state = console(&table(1..4));
    state.guide = Some(Guide::default());
    press(&mut state, KeyCode::Char(':'));
    type_text(&mut state, "kil web2");
    assert!(press(&mut state, KeyCode::Enter).is_empty());
    assert_eq!(finder(&state).field.text(), "kill web2");
    assert!(said(&state).contains("did you mean :kill web2?"), "{}", said(&state));
    assert_eq!(press(&mut state, KeyCode::Enter), [Effect::Order("kill web2".to_owned())]);
}

#[test]
fn in_a_demonstration_acts_take_the_servers_names() {
    let mut state = console(&table(1..4));
    let servers = vec![("web1".to_owned(), [10, 0, 1, 1].into())];
    state.guide = Some(Guide { servers, ..Guide::default() });
    for (typed, title) in
        [("drain web1", "drain 10.0.1.1"), ("drain web1 60s", "drain 10.0.1.1"), ("restore web1", "restore 10.0.1.1")]
    {
        press(&mut state, KeyCode::Char(':'));
        type_text(&mut state, typed);
        press(&mut state, KeyCode::Enter);
        match state.popups.pop() {
            Some(Popup::Preview(preview)) => assert!(preview.title.starts_with(title), "{typed}: {}", preview.title),
            other => panic!("{typed}: {other:?}"),
        }
    }
    press(&mut state, KeyCode::Char(':'));
    type_text(&mut state, "weight web1 5");
    assert_eq!(press(&mut state, KeyCode::Enter).len(), 1, "{}", said(&state));
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Char(':'));
    type_text(&mut state, "remove web1");
    assert!(press(&mut state, KeyCode::Enter).is_empty());
    assert!(said(&state).contains("go to 10.0.1.1 and press X"), "{}", said(&state));
}

#[test]
fn what_was_said_goes_after_a_while() {
    let mut state = console(&table(1..4));
    let now = state.clock;
    state.say(crate::ui::state::Tone::Bad, "wrong");
    update(&mut state, Message::Tick, now + Duration::from_secs(20));
    assert_eq!(said(&state), "wrong");
    update(&mut state, Message::Tick, now + Duration::from_secs(21));
    assert_eq!(state.said, None);
}

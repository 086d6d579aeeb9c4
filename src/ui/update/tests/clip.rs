//! Clipboard, bell, and the way out that leaves the screen.

use super::*;
use crate::ui::bell::Bell;

fn copied(state: &mut UiState, key: char) -> Option<String> {
    press(state, KeyCode::Char(key))
        .into_iter()
        .find_map(|e| if let Effect::Copy(text) = e { Some(text) } else { None })
}

fn event(seq: u64, kind: EventKind, severity: Severity, subject: &str) -> Event {
    Event {
        seq,
        at: SystemTime::UNIX_EPOCH,
        monotonic_ms: 0,
        kind,
        severity,
        subject: subject.to_owned(),
        from: Some("up".to_owned()),
        to: Some("down".to_owned()),
        reason: Some("timeout".to_owned()),
        who: None,
        detail: None,
    }
}

#[test]
fn y_copies_the_address_and_capital_y_the_command_of_what_is_selected() {
    let mut state = console(&table(1..4));
    assert_eq!(copied(&mut state, 'y').as_deref(), Some(SERVICE));
    assert_eq!(copied(&mut state, 'Y').as_deref(), Some("ipvsadm -A -t 10.0.0.1:80 -s wlc"));
    press(&mut state, KeyCode::Down);
    assert_eq!(copied(&mut state, 'y').as_deref(), Some("10.0.1.1:80"));
    assert!(said(&state).ends_with("clipboard: 10.0.1.1:80"), "{}", said(&state));
    assert_eq!(copied(&mut state, 'Y').as_deref(), Some("ipvsadm -e -t 10.0.0.1:80 -r 10.0.1.1:80 -g -w 5"));
    type_text(&mut state, "vv");
    assert_eq!(copied(&mut state, 'y').as_deref(), Some("10.0.1.1:80 10.0.1.2:80"), "marked ones, in one line");
}

#[test]
fn an_event_is_copied_in_short_or_with_everything_and_without_control_characters() {
    let mut state = console(&table(1..2));
    let odd = "tcp/10.0.0.1:80 web\u{1b}]52;c;cm0gLXJm\u{7}\n";
    let events = vec![event(1, EventKind::ServerHealth, Severity::Error, odd)];
    update(&mut state, Message::Events(events, true), at(1));
    press(&mut state, KeyCode::Char('6'));
    assert_eq!(copied(&mut state, 'y').as_deref(), Some("web?]52;c;cm0gLXJm?? DOWN timeout"));
    let all = copied(&mut state, 'Y').unwrap();
    assert_eq!(all, "1970-01-01T00:00:00.000Z server-health tcp/10.0.0.1:80 web?]52;c;cm0gLXJm?? up > down: timeout");
}

#[test]
fn what_can_not_be_copied_says_why() {
    let mut state = console(&[]);
    assert_eq!(copied(&mut state, 'y'), None);
    assert!(said(&state).contains("no row is selected"), "{}", said(&state));
    press(&mut state, KeyCode::Char('4'));
    assert_eq!(copied(&mut state, 'Y'), None);
    assert!(said(&state).contains("no event"), "{}", said(&state));
    press(&mut state, KeyCode::Char('3'));
    assert_eq!(copied(&mut state, 'y'), None);
    assert!(said(&state).contains("no instance"), "{}", said(&state));
    let mut state = console(&table(1..400));
    let target = |n: usize| crate::ui::popup::Target {
        service: crate::engine::ServiceSelector(SERVICE.to_owned()),
        server: format!("10.0.{}.{}:80", n / 250, n % 250 + 1).parse().unwrap(),
        weights: (1, 1),
    };
    state.table.marks = (0..900).map(|n| (n.to_string(), target(n))).collect();
    assert_eq!(copied(&mut state, 'y'), None);
    assert!(said(&state).contains("more than terminals take"), "{}", said(&state));
}

#[test]
fn the_bell_rings_once_for_what_arrives_and_never_for_what_was_there() {
    let events = || {
        vec![
            event(1, EventKind::ServerHealth, Severity::Error, "a"),
            event(2, EventKind::SplitBrain, Severity::Error, "b"),
        ]
    };
    let rings = |state: &mut UiState, anew| {
        let effects = update(state, Message::Events(events(), anew), at(1));
        effects.iter().filter(|effect| **effect == Effect::Ring).count()
    };
    let mut state = console(&table(1..2));
    assert_eq!(rings(&mut state, false), 0, "silent unless somebody said so");
    type_text(&mut state, ":bell critical");
    press(&mut state, KeyCode::Enter);
    assert_eq!((state.bell, rings(&mut state, false), rings(&mut state, true)), (Bell::Critical, 1, 0));
    state.viewing = Some(SystemTime::UNIX_EPOCH);
    assert_eq!(rings(&mut state, false), 1, "who looks at the past hears what happens now");
    type_text(&mut state, ":bell loud");
    press(&mut state, KeyCode::Enter);
    assert!(said(&state).contains("never, critical or changes, and not \"loud\""), "{}", said(&state));
    assert_eq!(state.bell, Bell::Critical);
}

#[test]
fn capital_q_leaves_the_screen_behind() {
    let mut state = console(&table(1..2));
    assert_eq!(press(&mut state, KeyCode::Char('Q')), [Effect::LeaveScreen]);
}

//! Which moment is shown: steps, play, freeze, the timeline's cursor, and that nothing is done to what was.

use super::*;
use crate::engine::EventKind;

fn second(n: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(n)
}

fn event(seq: u64, severity: Severity) -> Event {
    Event {
        seq,
        at: second(1_000 + seq * 10),
        monotonic_ms: seq,
        kind: EventKind::ServerHealth,
        severity,
        subject: format!("tcp/10.0.0.1:80 10.0.1.{seq}:80"),
        from: Some("up".to_owned()),
        to: Some("down".to_owned()),
        reason: Some("timeout".to_owned()),
        who: None,
        detail: None,
    }
}

/// A picture of what the state wants, with the moment asked for, or `now`, on its clock.
fn polled(state: &mut UiState, now: u64) {
    let Message::Polled(mut polled) = answer(state, &table(1..4)) else { unreachable!() };
    polled.summary.now = polled.wanted.at.unwrap_or(second(now));
    update(state, Message::Polled(polled), state.clock);
}

fn live(now: u64) -> UiState {
    let mut state = console(&table(1..4));
    polled(&mut state, now);
    state
}

fn type_keys(state: &mut UiState, keys: &str) -> Vec<Effect> {
    keys.chars().flat_map(|c| press(state, KeyCode::Char(c))).collect()
}

#[test]
fn steps_go_back_from_now_and_end_at_now() {
    let mut state = live(5_000);
    type_keys(&mut state, "[[{");
    assert_eq!((state.viewing, wanted(&state).at), (Some(second(4_938)), Some(second(4_938))));
    type_keys(&mut state, "]");
    assert_eq!(state.viewing, Some(second(4_939)));
    type_keys(&mut state, "}}");
    assert_eq!((state.viewing, wanted(&state).at), (None, None), "what is still to come is now");
    type_keys(&mut state, "]");
    assert!(said(&state).contains("this is now"));
    type_keys(&mut state, "[");
    assert_eq!(type_keys(&mut state, "0"), [Effect::Poll]);
    assert_eq!(state.viewing, None);
}

#[test]
fn an_engine_that_dies_while_the_past_is_shown_is_told_and_asked_again() {
    let mut state = live(5_000);
    let unheard = || Message::Unheard("no engine answers".to_owned());
    assert_eq!((update(&mut state, unheard(), at(1)), state.lost.is_some()), (vec![], false), "pictures tell it");
    type_keys(&mut state, "[");
    assert_eq!((update(&mut state, unheard(), at(1)), state.lost.is_some()), (vec![Effect::Poll], true));
    polled(&mut state, 4_999);
    assert!(state.lost.is_none() && said(&state).contains("answers again"));
}

#[test]
fn the_clock_of_a_moment_stands_and_its_engine_does_not_count_as_silent() {
    let mut state = live(5_000);
    type_keys(&mut state, "[");
    polled(&mut state, 5_000);
    update(&mut state, Message::Tick, at(500));
    assert_eq!((state.engine_now(), state.lost.clone()), (Some(second(4_999)), None));
    assert_eq!(state.live_now(), Some(second(5_499)));
}

#[test]
fn an_answer_about_another_moment_is_not_shown() {
    let mut state = live(5_000);
    let Message::Polled(mut late) = answer(&state, &table(1..9)) else { unreachable!() };
    type_keys(&mut state, "[");
    late.summary.now = second(5_001);
    update(&mut state, Message::Polled(late), at(2));
    assert_eq!(state.page().unwrap().total, 4);
}

#[test]
fn nothing_is_done_to_what_was() {
    let mut state = live(5_000);
    press(&mut state, KeyCode::Down);
    type_keys(&mut state, "[");
    polled(&mut state, 5_000);
    assert!(type_keys(&mut state, "d").is_empty() && state.popups.is_empty());
    assert!(said(&state).contains("this is the past: press 0"), "{}", said(&state));
    state.replay = Some((second(0), second(9_000)));
    assert!(type_keys(&mut state, "d").is_empty());
    assert!(said(&state).contains("recording"), "{}", said(&state));
}

#[test]
fn a_moment_that_nobody_remembers_leads_back_to_the_one_before() {
    let mut state = live(5_000);
    type_keys(&mut state, "[");
    polled(&mut state, 5_000);
    type_keys(&mut state, "{");
    let asked = state.viewing.unwrap();
    update(&mut state, Message::NoPast(asked, "this engine was started 70 s ago".to_owned()), at(3));
    assert_eq!((state.viewing, said(&state)), (Some(second(4_999)), "this engine was started 70 s ago"));
    update(&mut state, Message::NoPast(asked, "late".to_owned()), at(3));
    assert_eq!(state.viewing, Some(second(4_999)), "an answer about another moment");
}

#[test]
fn the_past_plays_and_stops() {
    let mut state = live(5_000);
    type_keys(&mut state, "{ ");
    let clock = state.clock;
    update(&mut state, Message::Tick, clock + at(3));
    assert_eq!(state.viewing, Some(second(4_943)));
    type_keys(&mut state, " ");
    update(&mut state, Message::Tick, clock + at(9));
    assert_eq!(state.viewing, Some(second(4_943)), "stopped");
    type_keys(&mut state, " ");
    update(&mut state, Message::Tick, clock + at(900));
    assert_eq!(state.viewing, Some(second(5_834)), "at the pace of the clock");
}

#[test]
fn a_recording_stays_between_its_ends() {
    let mut state = UiState::new((80, 24), true, false);
    state.replay = Some((second(100), second(160)));
    state.viewing = Some(second(100));
    polled(&mut state, 0);
    type_keys(&mut state, "{");
    assert_eq!((state.viewing, said(&state)), (Some(second(100)), "the recording begins here"));
    type_keys(&mut state, "}");
    state.said = None;
    assert_eq!((state.viewing, state.said.is_none()), (Some(second(160)), true));
    type_keys(&mut state, "}");
    assert_eq!((state.viewing, said(&state)), (Some(second(160)), "the recording ends here"));
    type_keys(&mut state, "[[0");
    assert_eq!(state.viewing, Some(second(160)));
    type_keys(&mut state, "{ ");
    let clock = state.clock;
    update(&mut state, Message::Tick, clock + at(500));
    assert_eq!((state.viewing, state.playing), (Some(second(160)), None), "it ends at the end");
}

#[test]
fn the_cursor_of_the_timeline_moves_time_once_it_is_the_past() {
    let mut state = live(5_000);
    update(&mut state, Message::Events((1..=9).map(|n| event(n, Severity::Info)).collect(), true), at(2));
    type_keys(&mut state, "4");
    press(&mut state, KeyCode::Down);
    assert_eq!(state.viewing, None, "a look at the list is no travel");
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.viewing, Some(second(1_080)));
    press(&mut state, KeyCode::Down);
    assert_eq!(state.viewing, Some(second(1_070)));
    press(&mut state, KeyCode::Up);
    press(&mut state, KeyCode::Up);
    assert_eq!(state.viewing, Some(second(1_090)));
}

#[test]
fn what_happens_now_is_told_to_those_who_look_at_the_past() {
    let mut state = live(5_000);
    update(&mut state, Message::Events(vec![event(1, Severity::Info)], true), at(2));
    type_keys(&mut state, "[");
    let effects = update(&mut state, Message::Events(vec![event(2, Severity::Error)], false), at(3));
    assert!(effects.is_empty() && said(&state).starts_with("now: 10.0.1.2:80 DOWN"), "{}", said(&state));
}

#[test]
fn the_end_of_the_list_asks_for_what_was_before() {
    let mut state = live(5_000);
    update(&mut state, Message::Events((300..=309).map(|n| event(n, Severity::Info)).collect(), true), at(2));
    type_keys(&mut state, "4");
    type_keys(&mut state, "G");
    assert_eq!(press(&mut state, KeyCode::Down), [Effect::Older(300)]);
    assert!(press(&mut state, KeyCode::Down).is_empty(), "asked once");
    update(&mut state, Message::Older((44..300).map(|n| event(n, Severity::Info)).collect()), at(3));
    press(&mut state, KeyCode::Down);
    assert_eq!((state.timeline.selected, state.events.len()), (Some(299), 266));
    type_keys(&mut state, "G");
    assert_eq!(press(&mut state, KeyCode::Down), [Effect::Older(44)]);
    update(&mut state, Message::Older(Vec::new()), at(4));
    assert!(said(&state).contains("oldest event"));
    assert!(press(&mut state, KeyCode::Down).is_empty());
}

#[test]
fn counters_count_from_where_somebody_said_so() {
    let mut state = live(5_000);
    type_keys(&mut state, "5z");
    let baseline = state.baseline.clone().unwrap();
    assert_eq!((baseline.at, baseline.counters.len()), (Some(second(5_000)), 4));
    type_keys(&mut state, "z");
    assert!(state.baseline.is_none());
    let mut past = live(5_000);
    type_keys(&mut past, "[");
    polled(&mut past, 5_000);
    past.picture.as_mut().unwrap().polled.summary.is_rewound = true;
    type_keys(&mut past, "z");
    assert!(past.baseline.is_none() && said(&past).contains("not known"), "{}", said(&past));
}

#[test]
fn a_list_of_events_is_filtered_by_kind_and_by_words() {
    let mut state = live(5_000);
    let mut events: Vec<Event> = (1..=5).map(|n| event(n, Severity::Info)).collect();
    events.push(Event { kind: EventKind::Command, who: Some("alice".to_owned()), ..event(6, Severity::Notice) });
    update(&mut state, Message::Events(events, true), at(2));
    type_keys(&mut state, "4");
    let shown = |state: &UiState| {
        let list = state.event_list().unwrap();
        crate::ui::rows::event_list::on_screen(state, list).map(|event| event.seq).collect::<Vec<_>>()
    };
    assert_eq!(shown(&state), [6, 5, 4, 3, 2, 1]);
    for (filter, seqs) in [
        ("ALICE", vec![6]),
        ("kind:health !10.0.1.3", vec![5, 4, 2, 1]),
        ("!kind:health", vec![6]),
        ("nothing", vec![]),
    ] {
        state.timeline.filter = filter.to_owned();
        assert_eq!(shown(&state), seqs, "{filter}");
    }
    state.timeline.filter.clear();
    type_keys(&mut state, "ss");
    assert_eq!(shown(&state), [6], "what people did");
}

#[test]
fn the_changes_before_a_moment_of_a_recording_are_shown_as_soon_as_they_are_known() {
    let mut state = live(5_000);
    state.replay = Some((second(1_500), second(5_000)));
    state.viewing = Some(second(1_500));
    polled(&mut state, 1_500);
    state.dirty = false;
    let effects =
        update(&mut state, Message::Events((60..63).map(|n| event(n, Severity::Error)).collect(), true), at(2));
    assert!(state.dirty, "drawn without a key");
    // The minute before is not whole: what is missing is asked for, without a word, until it is.
    assert_eq!(effects, [Effect::Older(60)]);
    let effects = update(&mut state, Message::Older((50..60).map(|n| event(n, Severity::Error)).collect()), at(2));
    assert_eq!((effects, said(&state)), (vec![Effect::Older(50)], ""));
    let effects = update(&mut state, Message::Older((40..50).map(|n| event(n, Severity::Error)).collect()), at(2));
    assert!(effects.is_empty(), "{effects:?}");
}

#[test]
fn enter_in_a_recording_opens_and_changes_nothing() {
    let mut state = live(5_000);
    state.replay = Some((second(1_500), second(5_000)));
    type_keys(&mut state, "0");
    polled(&mut state, 5_000);
    let rows = state.table.folded.len();
    assert_eq!(press(&mut state, KeyCode::Enter), [Effect::Poll], "a service is folded");
    assert_eq!(state.table.folded.len(), rows + 1);
    press(&mut state, KeyCode::Enter);
    press(&mut state, KeyCode::Down);
    assert!(press(&mut state, KeyCode::Enter).is_empty() && state.detail_open, "details of a server");
    // Enter on an event goes to its moment; on one that the recording does not have it says so.
    let events = vec![event(10, Severity::Error), event(200, Severity::Error)];
    update(&mut state, Message::Events(events, true), at(2));
    type_keys(&mut state, "4");
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.viewing, Some(second(3_000)));
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Enter);
    assert!(said(&state).contains("the recording has no moment of this event"), "{}", said(&state));
}

//! Lines 1 and 2, rows and instances of one moment, or each with its own.

use super::acting::{router, screen};
use super::*;
use crate::engine::VirtualRouterState;
use crate::ui::screens::Screen;
use crate::ui::theme::Paint;

fn second(n: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + at(n)
}

/// Servers of which the first ones are down.
fn servers(down: usize) -> Vec<Row> {
    let mut rows = table(1..5);
    for row in rows.iter_mut().skip(1).take(down) {
        (row.health, row.note) = (Health::Down, "DOWN refused".to_owned());
    }
    rows
}

/// What is wanted, and no more, as it was at a second of the engine's clock after so many events.
fn give(state: &mut UiState, now: u64, last_event: u64, rows: &[Row]) {
    let Message::Polled(mut polled) = answer(state, rows) else { unreachable!() };
    polled.summary.now = polled.wanted.at.unwrap_or(second(now));
    polled.summary.last_event = last_event;
    let mut instance = router("VI_1");
    instance.since = second(4_900);
    polled.routers = polled.wanted.routers.then(|| vec![instance]);
    polled.page = polled.page.filter(|_| polled.wanted.query.is_some());
    update(state, Message::Polled(polled), state.clock);
}

/// A console of 120x36 that has seen this table at 5000 s.
fn opened(rows: &[Row]) -> UiState {
    let mut state = UiState::new((120, 36), false, true);
    update(&mut state, Message::Tick, at(1));
    give(&mut state, 5_000, 7, rows);
    state
}

fn line(state: &UiState, n: usize) -> String {
    screen(state).lines().nth(n).unwrap_or_default().to_owned()
}

/// How many servers are down in the table on screen.
fn down(state: &UiState) -> usize {
    screen(state).matches("DOWN refused").count()
}

#[test]
fn what_no_screen_showed_when_it_was_frozen_is_asked_for_once_and_is_of_its_moment() {
    // Three servers were down a minute ago.
    let mut state = opened(&servers(0));
    type_text(&mut state, "{");
    give(&mut state, 0, 3, &servers(3));
    assert_eq!(down(&state), 3);
    type_text(&mut state, "4");
    give(&mut state, 0, 3, &[]);
    type_text(&mut state, "0");
    give(&mut state, 5_001, 7, &[]);
    assert_eq!(state.page_of(), Some(second(4_940)), "rows of the past below a line of now");
    assert_eq!(press(&mut state, KeyCode::Char(' ')), [Effect::Poll]);
    let asked = wanted(&state);
    assert!(asked.query.is_some() && asked.routers && asked.at.is_none());
    give(&mut state, 5_001, 7, &servers(0));
    assert_eq!((wanted(&state).query, wanted(&state).routers), (None, false), "once");
    give(&mut state, 5_030, 9, &servers(2));
    type_text(&mut state, "1");
    assert!(line(&state, 0).contains("PAUSED"), "{}", line(&state, 0));
    assert_eq!((down(&state), screen(&state).contains("as of")), (0, false), "{}", screen(&state));
}

#[test]
fn what_was_loaded_before_a_screen_was_frozen_says_of_when_it_is() {
    let mut state = opened(&servers(0));
    type_text(&mut state, "4");
    give(&mut state, 5_006, 7, &[]);
    type_text(&mut state, " ");
    // Something happened before the answer came: it is of another moment than line 1.
    give(&mut state, 5_006, 8, &servers(2));
    type_text(&mut state, "1");
    let screen = screen(&state);
    assert_eq!(screen.matches("as of 01:23:20").count(), 2, "the rows and the instances:\n{screen}");
    assert_eq!(down(&state), 0);
    // The instance is master since 4900.
    assert!(screen.contains("1m40s"), "{screen}");
    // What comes late is not of the moment either, whatever did not happen.
    let mut late = opened(&servers(0));
    type_text(&mut late, "4");
    give(&mut late, 5_006, 7, &[]);
    type_text(&mut late, " ");
    give(&mut late, 5_008, 7, &servers(0));
    assert_eq!((late.page_of(), late.routers_of()), (Some(second(5_000)), Some(second(5_000))));
    type_text(&mut late, " ");
    assert!(wanted(&late).query.is_none(), "what did not come is not asked for for ever");
}

#[test]
fn rows_of_an_engine_that_fell_silent_on_another_screen_are_as_old_as_they_are() {
    let mut state = opened(&servers(0));
    type_text(&mut state, "4");
    for n in 1..=9 {
        update(&mut state, Message::Tick, at(1 + n));
        give(&mut state, 5_000 + n, 7, &[]);
    }
    update(&mut state, Message::Tick, at(20));
    assert!(state.lost.is_some());
    for key in ["1", "3"] {
        type_text(&mut state, key);
        let screen = screen(&state);
        assert!(screen.contains("NO ANSWER") && screen.contains("as of 01:23:20"), "{screen}");
        assert!(screen.contains("1m40s"), "since 4900 at 5000:\n{screen}");
    }
}

#[test]
fn a_moment_of_the_past_that_is_asked_for_again_is_the_same_moment() {
    let mut state = opened(&servers(0));
    type_text(&mut state, "{");
    give(&mut state, 0, 3, &servers(3));
    type_text(&mut state, "2");
    give(&mut state, 0, 3, &servers(3));
    type_text(&mut state, "1");
    assert_eq!((state.page_of(), state.routers_of(), down(&state)), (None, None, 3));
    assert!(!screen(&state).contains("as of"));
}

#[test]
fn what_was_never_loaded_is_not_called_missing() {
    let mut state = UiState::new((120, 36), false, true);
    state.screen = Screen::Timeline;
    give(&mut state, 5_000, 7, &[]);
    type_text(&mut state, " 1");
    let frozen = screen(&state);
    assert_eq!(frozen.matches("not loaded when the screen was frozen").count(), 2, "{frozen}");
    assert!(!frozen.contains("no VRRP instance"), "{frozen}");
    type_text(&mut state, " 3");
    assert!(screen(&state).contains("asking the engine"), "{}", screen(&state));
}

#[test]
fn where_there_is_no_room_for_tables_every_screen_asks_for_its_instances() {
    let mut state = UiState::new((50, 12), false, true);
    state.screen = Screen::Timeline;
    assert!(wanted(&state).routers);
    state.size = (120, 36);
    assert!(!wanted(&state).routers);
}

#[test]
fn what_is_worse_now_stands_alone_in_line_2_of_a_frozen_screen() {
    let mut state = opened(&servers(0));
    let problem = |text: &str| Problem { key: text.to_owned(), text: text.to_owned(), since: None };
    let tell = |state: &mut UiState, texts: &[&str]| {
        let Message::Polled(mut polled) = answer(state, &servers(0)) else { unreachable!() };
        (polled.summary.problems, polled.summary.now) =
            (texts.iter().map(|text| problem(text)).collect(), second(5_000));
        polled.summary.problem_count = texts.len();
        update(state, Message::Polled(polled), state.clock);
    };
    let long = "DOWN 10.4.0.71:80 tcp/10.4.0.1:80 connection refused by what should listen there";
    tell(&mut state, &[long, long]);
    type_text(&mut state, " ");
    tell(&mut state, &[long, long, "DOWN 10.4.0.72:80 refused"]);
    let told = line(&state, 1);
    let words: Vec<&str> = told.split_whitespace().collect();
    assert_eq!(words, ["!", "now", "DOWN", "10.4.0.72:80", "refused", "(space", "goes", "on)"], "{told}");
}

#[test]
fn a_recording_is_read_and_no_engine_is_asked() {
    let mut state = UiState::new((120, 36), true, false);
    assert!(screen(&state).contains("asking the engine"));
    state.replay = Some((second(1), second(9)));
    let screen = screen(&state);
    assert!(screen.contains("reading the recording") && !screen.contains("asking the engine"), "{screen}");
}

fn peer(state: &str) -> crate::engine::PeerStatus {
    serde_json::from_value(serde_json::json!({
        "address": "10.0.0.12", "source": "heard", "last_heard_at": null, "last_priority": 150, "state": state,
        "reachable": null, "rejected": null,
    }))
    .unwrap()
}

#[test]
fn a_master_that_a_backup_hears_is_no_warning() {
    use crate::ui::widgets::routers::peer_text;
    let mut router = router("VI_1");
    for (state, paint) in [(VirtualRouterState::Master, Paint::Warning), (VirtualRouterState::Backup, Paint::Text)] {
        router.state = state;
        let told = peer_text(&router, &peer("MASTER"), second(5_000), true);
        assert_eq!(told, ("10.0.0.12 150 MASTER".to_owned(), paint));
    }
}

#[test]
fn an_instance_with_another_priority_says_what_ends_it_and_what_it_waits_for() {
    use crate::engine::NextStep;
    let mut state = opened(&servers(0));
    let mut held = router("VI_1");
    held.next = Some(NextStep { waiting: "advertise".to_owned(), in_ms: 400 });
    let by = "priority 130 by anna";
    held.held = Some(format!("{by}; ends with priority VI_1 --from-file"));
    (held.priority_set, held.priority_by) = (Some(130), Some(by.to_owned()));
    let told = |state: &mut UiState, router: crate::engine::VirtualRouterStatus| {
        state.picture.as_mut().unwrap().polled.routers = Some(vec![router]);
        state.screen = Screen::Vrrp;
        let screen = screen(state);
        screen.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let text = told(&mut state, held.clone());
    assert!(text.contains("ends with priority VI_1 --from-file (P and nothing typed)"), "{text}");
    assert!(text.contains("advertise 0.4") && !text.contains("rejoins"), "{text}");
    held.held = Some("failover by anna; ends in 290 s or with rejoin".to_owned());
    let text = told(&mut state, held);
    assert!(text.contains("or with rejoin (J rejoins)") && text.contains("held 4m50s"), "{text}");
}

#[test]
fn the_word_of_an_undo_is_that_of_the_act_itself() {
    let mut state = opened(&servers(0));
    let mut ask = |command: Command, undo: Command| {
        commit::preview(&mut state, command.clone(), None);
        let mut told = preview(&command, "VI_1: BACKUP, held");
        (told.preview.confirm, told.preview.undo) = (Some("rejoin".to_owned()), Some(undo));
        let serial = state.serial;
        update(&mut state, Message::Answered(serial, Ok(told)), at(2));
        let Some(Popup::Preview(popup)) = state.popups.last() else { panic!("no preview") };
        popup.required().unwrap().to_owned()
    };
    let failover = Command::Failover { instance: Some("VI_1".to_owned()), hold_seconds: None, blind: false };
    let rejoin = Command::Rejoin { instance: Some("VI_1".to_owned()) };
    assert_eq!(ask(rejoin, failover.clone()), "VI_1");
    assert_eq!(ask(Command::Undo { id: Some(7) }, failover), "VI_1");
}

#[test]
fn a_service_of_which_not_all_servers_are_loaded_says_how_many_it_marked() {
    let mut state = console(&table(1..401));
    assert!(state.page().unwrap().rows.len() < 401, "or there is nothing to say");
    type_text(&mut state, "v");
    let marked = state.table.marks.len();
    assert!(
        said(&state).starts_with(&format!("of 400 servers only the {marked} that are loaded; {marked} marked")),
        "{}",
        said(&state)
    );
    let mut whole = console(&table(1..9));
    type_text(&mut whole, "v");
    assert!(said(&whole).starts_with("8 marked: the next act"), "{}", said(&whole));
}

#[test]
fn a_default_that_tab_leads_to_gives_way_to_what_is_typed() {
    let text = |state: &UiState, n: usize| match state.popups.last() {
        Some(Popup::Form(form)) => match &form.fields[n].input {
            crate::ui::popup::Input::Text(field) => field.text().to_owned(),
            crate::ui::popup::Input::Choice(..) => panic!("a choice"),
        },
        _ => panic!("no form"),
    };
    let mut state = console(&table(1..3));
    press(&mut state, KeyCode::Down);
    type_text(&mut state, "a");
    let address = text(&state, 0);
    press(&mut state, KeyCode::Tab);
    let default = text(&state, 1);
    type_text(&mut state, "30");
    assert_eq!((default.as_str(), text(&state, 1).as_str()), ("5", "30"));
    // A look at it changes nothing, and whoever moves in it goes on with it.
    press(&mut state, KeyCode::BackTab);
    press(&mut state, KeyCode::End);
    type_text(&mut state, "0");
    assert_eq!(text(&state, 0), format!("{address}0"));
    press(&mut state, KeyCode::Tab);
    press(&mut state, KeyCode::Tab);
    assert_eq!(text(&state, 1), "30");
    press(&mut state, KeyCode::BackTab);
    press(&mut state, KeyCode::Backspace);
    assert_eq!(text(&state, 1), "");
}

#[test]
fn a_command_of_another_that_was_stale_is_told_without_advice_for_who_gave_it() {
    let mut state = console(&table(1..3));
    update(&mut state, Message::Events(Vec::new(), true), at(1));
    let event = Event {
        seq: 9,
        at: second(5_000),
        monotonic_ms: 9,
        kind: EventKind::Command,
        severity: Severity::Notice,
        subject: "reload".to_owned(),
        from: None,
        to: Some("stale".to_owned()),
        reason: None,
        who: Some("anna, pid 7".to_owned()),
        detail: Some("reload: the file has changed; look at this one and commit its token".to_owned()),
    };
    update(&mut state, Message::Events(vec![event], false), at(2));
    assert_eq!(said(&state), "* anna: reload: nothing was done, it would do something else by now");
}

#[test]
fn a_server_that_is_down_is_copied_as_what_it_would_be() {
    let mut rows = servers(1);
    (rows[1].kernel_weight, rows[1].weight) = (None, 0);
    let copied = crate::ui::rows::ipvsadm(&rows[1]);
    assert_eq!(copied.as_deref(), Some("ipvsadm -a -t 10.0.0.1:80 -r 10.0.1.1:80 -g -w 5"));
}

#[test]
fn what_happens_to_a_server_of_several_services_says_in_which_where_there_is_room() {
    use crate::ui::rows::shared::Shared;
    let of = |seq: u64, subject: &str| Event {
        seq,
        at: second(5_000),
        monotonic_ms: seq,
        kind: EventKind::ServerHealth,
        severity: Severity::Notice,
        subject: subject.to_owned(),
        from: Some("down".to_owned()),
        to: Some("up".to_owned()),
        reason: Some("passes".to_owned()),
        who: None,
        detail: None,
    };
    let mut state = console(&table(1..3));
    let web = of(1, "tcp/10.4.0.1:80 10.4.0.73:80");
    let alone = of(3, "tcp/10.4.0.1:80 10.4.0.74:80");
    update(
        &mut state,
        Message::Events(vec![web.clone(), of(2, "tcp/10.4.0.2:80 10.4.0.73:80"), alone.clone()], true),
        at(1),
    );
    let shared = Shared::of(&state);
    assert_eq!(shared.text(&web, 60), "10.4.0.73:80 UP tcp/10.4.0.1:80 passes");
    assert_eq!(shared.text(&web, 32), "10.4.0.73:80 UP tcp/10.4.0.1:80", "in the place of the reason");
    assert_eq!(shared.text(&web, 28), "10.4.0.73:80 UP passes");
    assert_eq!(shared.text(&alone, 60), "10.4.0.74:80 UP passes", "its service is the only one");
    (state.size, state.whole) = ((200, 50), (200, 50));
    type_text(&mut state, "4");
    let screen = screen(&state);
    assert!(screen.contains("UP tcp/10.4.0.1:80 passes") && screen.contains("UP tcp/10.4.0.2:80 passes"), "{screen}");
}

#[test]
fn a_server_that_stays_is_named_though_another_service_has_its_address() {
    use crate::engine::ServiceSelector;
    use crate::ui::popup::{Form, Target};
    let target = |service: &str, server: &str| Target {
        service: ServiceSelector(service.to_owned()),
        server: server.parse().unwrap(),
        weights: (5, 5),
    };
    let mut state = opened(&servers(0));
    let targets = vec![target("tcp/10.0.0.1:80", "10.0.1.1:80"), target("tcp/10.0.0.2:80", "10.0.1.1:80")];
    let command = Form::maintenance(targets.clone()).command().unwrap();
    commit::preview_of(&mut state, command.clone(), None, targets);
    let mut told = preview(&command, "10.0.1.1:80 Route weight 5");
    told.preview.ipvsadm = vec!["ipvsadm -e -t 10.0.0.1:80 -r 10.0.1.1:80 -g -w 0".to_owned()];
    let serial = state.serial;
    update(&mut state, Message::Answered(serial, Ok(told)), at(2));
    let text = screen(&state);
    assert!(text.contains("1 stays as it is: 10.0.1.1:80 of tcp/10.0.0.2:80"), "{text}");
}

use super::*;
use crate::engine::{
    Admin, Answer, Command, Counters, Health, Outcome, Preview, Problem, Rates, Row, RowKind, RowsPage, Summary, Totals,
};
use crate::ui::popup::{Phase, Popup};
use crate::ui::state::Polled;
use crossterm::event::{KeyCode, KeyModifiers};
use std::time::SystemTime;

mod acting;
mod clip;
mod finding;
mod moments;
mod offering;
mod sight;

fn row(key: &str) -> Row {
    let mut parts = key.split(' ');
    let service = parts.next().unwrap().to_owned();
    let server = parts.next().map(str::to_owned);
    Row {
        key: key.to_owned(),
        kind: if server.is_some() { RowKind::Server } else { RowKind::Service },
        service,
        server,
        name: None,
        scheduler: None,
        persistence: None,
        forward: "Route".to_owned(),
        weight: 5,
        configured_weight: 5,
        wanted_weight: None,
        weight_until: None,
        kernel_weight: Some(5),
        active: 0,
        inactive: 0,
        health: Health::Up,
        admin: Admin::Enabled,
        note: String::new(),
        health_age_s: None,
        problem: false,
        expanded: true,
        added: false,
        drain: None,
        slow_start: None,
        counters: Counters::default(),
        rates: Rates::default(),
    }
}

const SERVICE: &str = "tcp/10.0.0.1:80";

fn server_key(n: usize) -> String {
    format!("{SERVICE} 10.0.1.{n}:80")
}

/// A service with so many servers, in this order.
fn table(servers: impl IntoIterator<Item = usize>) -> Vec<Row> {
    std::iter::once(row(SERVICE)).chain(servers.into_iter().map(|n| row(&server_key(n)))).collect()
}

fn summary() -> Summary {
    Summary {
        ipvs: None,
        foreign_routers: Vec::new(),
        node: "lvs-a".to_owned(),
        pid: 812,
        mode: "run".to_owned(),
        role: Role::Master,
        masters: (1, 1),
        addresses_here: (1, 1),
        services_degraded: (0, 1),
        services_impaired: 0,
        held: 0,
        totals: Totals::default(),
        problems: Vec::new(),
        problem_count: 0,
        changed_at: None,
        last_event: 0,
        now: SystemTime::UNIX_EPOCH,
        writable: true,
        is_rewound: false,
    }
}

/// The engine's answer to what the state wants, from a whole table.
fn answer(state: &UiState, all: &[Row]) -> Message {
    let wanted = wanted(state);
    let query = wanted.query.clone().unwrap_or_default();
    let (offset, limit) = (query.offset.unwrap_or(0).min(all.len()), query.limit.unwrap_or(200));
    let mut window: Vec<Row> = all.iter().skip(offset).take(limit).cloned().collect();
    let mut offset = offset;
    if let Some(at) = wanted.follow.as_ref().and_then(|key| all.iter().position(|r| r.key == *key))
        && !window.iter().any(|r| Some(&r.key) == wanted.follow.as_ref())
    {
        offset = at.saturating_sub(limit / 2);
        window = all.iter().skip(offset).take(limit).cloned().collect();
    }
    let page = RowsPage { total: all.len(), offset, services: (1, 1), rows: window, anchor_found: false };
    Message::Polled(Box::new(Polled {
        wanted,
        summary: summary(),
        routers: Some(Vec::new()),
        page: Some(page),
        detail: None,
        history: Vec::new(),
    }))
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// An unlocked console at 80x24 that has seen this table.
fn console(all: &[Row]) -> UiState {
    let mut state = UiState::new((80, 24), false, true);
    let message = answer(&state, all);
    update(&mut state, message, at(1));
    state
}

fn show_table(state: &mut UiState, all: &[Row]) {
    let message = answer(state, all);
    update(state, message, state.clock);
}

fn press(state: &mut UiState, code: KeyCode) -> Vec<Effect> {
    // Whoever presses Enter has read what it is about.
    let unread = unread_for(state, state.clock).filter(|_| code == KeyCode::Enter);
    let clock = state.clock + unread.unwrap_or_default();
    update(state, Message::Key(KeyEvent::new(code, KeyModifiers::NONE)), clock)
}

fn type_text(state: &mut UiState, text: &str) {
    for c in text.chars() {
        press(state, KeyCode::Char(c));
    }
}

fn said(state: &UiState) -> &str {
    state.said.as_ref().map_or("", |said| said.text.as_str())
}

fn preview(command: &Command, before: &str) -> Box<Answer> {
    let preview = Preview { before: vec![before.to_owned()], ..Preview::default() };
    let token = Some(preview.token(command));
    Box::new(Answer { id: 0, outcome: Outcome::Preview, message: String::new(), preview, token })
}

fn commands(effects: Vec<Effect>) -> Vec<(u64, crate::engine::CommandRequest)> {
    effects.into_iter().filter_map(|e| if let Effect::Command(n, r) = e { Some((n, r)) } else { None }).collect()
}

#[test]
fn the_cursor_follows_the_object_and_not_the_line() {
    let mut state = console(&table(1..10));
    press(&mut state, KeyCode::Down);
    assert_eq!(state.table.selected.as_deref(), Some(server_key(1).as_str()));
    show_table(&mut state, &table((2..10).chain([1])));
    assert_eq!(state.table.selected.as_deref(), Some(server_key(1).as_str()));
    assert_eq!((state.table.cursor, state.selected_row().unwrap().key.clone()), (9, server_key(1)));
}

#[test]
fn a_step_of_the_cursor_changes_nothing_that_is_asked_but_the_details() {
    let mut state = console(&table(1..10));
    state.size = (120, 36);
    let before = wanted(&state);
    assert!(press(&mut state, KeyCode::Down).is_empty(), "no picture is asked for");
    let after = wanted(&state);
    assert_eq!((&before.query, before.detail), (&after.query, None));
    assert_eq!(after.detail, Some((SERVICE.to_owned(), "10.0.1.1:80".to_owned())));
}

#[test]
fn a_key_that_a_popup_does_not_take_says_which_it_takes() {
    let mut state = console(&table(1..3));
    state.unlocked = true;
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Char('d'));
    assert!(press(&mut state, KeyCode::Enter).is_empty());
    assert!(said(&state).contains("has not said yet"), "{}", said(&state));
    press(&mut state, KeyCode::Char('x'));
    assert!(said(&state).contains("x has no meaning here: Esc leaves"), "{}", said(&state));
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Char('w'));
    assert!(state.said.is_none(), "what was said of the last popup is not said of this one");
    press(&mut state, KeyCode::F(4));
    assert!(said(&state).contains("F4 has no meaning here: Tab goes on, Enter"), "{}", said(&state));
}

#[test]
fn a_row_that_went_away_takes_no_command() {
    let mut state = console(&table(1..10));
    press(&mut state, KeyCode::Down);
    show_table(&mut state, &table(2..10));
    assert!(press(&mut state, KeyCode::Char('d')).is_empty());
    assert!(said(&state).contains("not in the table any more"), "{}", said(&state));
    assert!(state.popups.is_empty());
}

#[test]
fn a_hundred_thousand_rows_are_walked_by_windows() {
    let all = table(0..100_000);
    let mut state = console(&all);
    assert!(state.page().unwrap().rows.len() < 100);
    press(&mut state, KeyCode::Char('G'));
    show_table(&mut state, &all);
    assert_eq!(state.table.selected.as_deref(), Some(server_key(99_999).as_str()));
    assert_eq!(state.table.cursor, 100_000);
    press(&mut state, KeyCode::Up);
    assert_eq!(state.table.selected.as_deref(), Some(server_key(99_998).as_str()));
    press(&mut state, KeyCode::PageUp);
    show_table(&mut state, &all);
    let height = plan(&state).rows();
    assert_eq!(state.table.cursor, 99_999 - height);
    assert!(state.row_at(state.table.top).is_some() && state.row_at(state.table.top + height - 1).is_some());
}

#[test]
fn a_write_is_asked_as_a_dry_run_and_committed_with_its_token() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Down);
    let asked = commands(press(&mut state, KeyCode::Char('d')));
    let (serial, request) = asked.first().unwrap();
    assert!(request.dry_run && request.token.is_none());
    let shown = preview(&request.command, "weight 5");
    let token = shown.token.clone();
    update(&mut state, Message::Answered(*serial, Ok(shown)), at(2));
    let committed = commands(press(&mut state, KeyCode::Enter));
    let (serial, request) = committed.first().unwrap();
    assert!(!request.dry_run);
    assert_eq!(request.token, token);
    let done = Answer { outcome: Outcome::Done, message: "drained".to_owned(), ..*preview(&request.command, "") };
    update(&mut state, Message::Answered(*serial, Ok(Box::new(done))), at(3));
    assert!(state.popups.is_empty());
    assert_eq!(said(&state), "drained");
}

#[test]
fn a_stale_preview_shows_what_changed_and_asks_again() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Down);
    let (serial, request) = commands(press(&mut state, KeyCode::Char('d'))).remove(0);
    update(&mut state, Message::Answered(serial, Ok(preview(&request.command, "weight 5"))), at(2));
    let (serial, request) = commands(press(&mut state, KeyCode::Enter)).remove(0);
    let changed = Answer { outcome: Outcome::Stale, ..*preview(&request.command, "weight 7") };
    let again = commands(update(&mut state, Message::Answered(serial, Ok(Box::new(changed))), at(3)));
    let (serial, request) = again.first().unwrap();
    assert!(request.dry_run);
    assert!(commands(press(&mut state, KeyCode::Enter)).is_empty(), "nothing is committed before it was shown");
    update(&mut state, Message::Answered(*serial, Ok(preview(&request.command, "weight 7"))), at(4));
    let Some(Popup::Preview(popup)) = state.popups.last() else { panic!("the preview is gone") };
    assert_eq!(popup.changed, ["- weight 5", "+ weight 7"]);
}

/// Presses Enter until something is asked; how often that took.
fn read(state: &mut UiState) -> (usize, u64) {
    state.clock += Duration::from_secs(1);
    update(state, Message::Tick, state.clock);
    for presses in 1..20 {
        if let Some((serial, _)) = commands(press(state, KeyCode::Enter)).first() {
            return (presses, *serial);
        }
    }
    panic!("nothing is asked");
}

#[test]
fn what_changed_is_read_first_and_all_the_rest_again_before_enter_counts() {
    let mut state = console(&table(1..4));
    update(&mut state, Message::Resize(80, 24), at(1));
    press(&mut state, KeyCode::Down);
    let long = |last: &str| {
        let ops: Vec<String> = (0..40).map(|n| format!("operation {n}")).chain([last.to_owned()]).collect();
        let preview = Preview { ops, ..Preview::default() };
        Ok(Box::new(Answer { id: 0, outcome: Outcome::Preview, message: String::new(), preview, token: None }))
    };
    let (serial, _) = commands(press(&mut state, KeyCode::Char('d'))).remove(0);
    update(&mut state, Message::Answered(serial, long("weight 5")), at(2));
    let (presses, serial) = read(&mut state);
    assert!(presses > 2, "it is longer than the screen");
    show_table(&mut state, &table(1..4));
    let late = long("").map(|answer| Box::new(Answer { outcome: Outcome::Stale, ..*answer }));
    let (serial, _) = commands(update(&mut state, Message::Answered(serial, late), at(3))).remove(0);
    update(&mut state, Message::Answered(serial, long("weight 7")), at(3));
    let picture = crate::ui::view::picture(&state, &crate::ui::theme::Theme::plain());
    let screen = crate::ui::svg::lines(&picture).join("\n");
    assert!(screen.contains("CHANGED") && screen.contains("+ weight 7"), "{screen}");
    assert!(said(&state).starts_with("nothing was done"), "{}", said(&state));
    assert!(read(&mut state).0 >= presses);
}

/// A drain's preview that was shown, whose commit is stale without a word of what is new, and the one that follows it.
fn overtaken(shown: Preview, new: Preview) -> Vec<String> {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Down);
    let (serial, request) = commands(press(&mut state, KeyCode::Char('d'))).remove(0);
    let answer = |outcome, preview| Box::new(Answer { id: 0, outcome, message: String::new(), preview, token: None });
    update(&mut state, Message::Answered(serial, Ok(answer(Outcome::Preview, shown))), at(2));
    let (serial, _) = commands(press(&mut state, KeyCode::Enter)).remove(0);
    let late = answer(Outcome::Stale, Preview::default());
    let (serial, again) = commands(update(&mut state, Message::Answered(serial, Ok(late)), at(3))).remove(0);
    assert_eq!((again.command, again.dry_run), (request.command, true));
    update(&mut state, Message::Answered(serial, Ok(answer(Outcome::Preview, new))), at(4));
    let Some(Popup::Preview(popup)) = state.popups.last() else { panic!("the preview is gone") };
    popup.changed.clone()
}

#[test]
fn what_changed_is_what_differs_and_neither_counts_nor_empty_lines() {
    let drain = |weight: u32, active: u32| Preview {
        before: vec![format!("10.0.1.1:80 Route weight {weight} active {active} inactive 3")],
        after: vec!["10.0.1.1:80 Route weight 0, draining".to_owned()],
        blast_radius: format!("1 of 4 servers, 9 % of the weight, {active} active connections"),
        ..Preview::default()
    };
    let said = ["- 10.0.1.1:80 Route weight 1 active 5 inactive 3", "+ 10.0.1.1:80 Route weight 3 active 0 inactive 3"];
    assert_eq!(overtaken(drain(1, 5), drain(3, 0)), said);
    let said = overtaken(drain(1, 5), drain(1, 0));
    assert_eq!(said, ["what this does is not what was shown: look at it again"]);
    let reload = |algorithm: &str, touches: &str| Preview {
        before: vec!["virtual_server tcp/10.0.0.1:80: lb_algo wlc".to_owned(), "real_server 1: weight 7".to_owned()],
        after: vec![
            format!("virtual_server tcp/10.0.0.1:80: lb_algo {algorithm}"),
            "real_server 1: weight 8".to_owned(),
        ],
        blast_radius: format!("{touches}2 objects change in place; connections to servers that stay go on"),
        ..Preview::default()
    };
    assert_eq!(
        overtaken(reload("wrr", "new warning: a.conf:3: lb_algo rrr is unknown; "), reload("rr", "")),
        [
            "- virtual_server tcp/10.0.0.1:80: lb_algo wrr",
            "+ virtual_server tcp/10.0.0.1:80: lb_algo rr",
            "- new warning: a.conf:3: lb_algo rrr is unknown"
        ]
    );
}

#[test]
fn a_double_tap_of_enter_does_nothing_that_nobody_has_read() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Down);
    let (serial, request) = commands(press(&mut state, KeyCode::Char('d'))).remove(0);
    let shown = at(2);
    update(&mut state, Message::Answered(serial, Ok(preview(&request.command, "weight 5"))), shown);
    let enter = |state: &mut UiState, after: u64| {
        let key = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
        commands(update(state, Message::Key(key), shown + Duration::from_millis(after)))
    };
    assert_eq!(unread_for(&state, shown + Duration::from_millis(120)), Some(Duration::from_millis(180)));
    assert!(enter(&mut state, 120).is_empty(), "it has been there for 120 ms");
    assert!(said(&state).contains("before this could be read"), "{}", said(&state));
    state.dirty = false;
    update(&mut state, Message::Tick, shown + Duration::from_millis(300));
    assert!(state.dirty && unread_for(&state, shown).is_none(), "the key is offered now");
    assert_eq!(enter(&mut state, 310).len(), 1);
}

#[test]
fn what_was_begun_and_failed_is_not_called_refused() {
    for (outcome, phase) in [
        (Outcome::Failed, Phase::Failed("nobody took over".to_owned())),
        (Outcome::Refused, Phase::Refused("nobody took over".to_owned())),
    ] {
        let mut state = console(&table(1..4));
        press(&mut state, KeyCode::Down);
        let (serial, request) = commands(press(&mut state, KeyCode::Char('d'))).remove(0);
        update(&mut state, Message::Answered(serial, Ok(preview(&request.command, "weight 5"))), at(2));
        let (serial, _) = commands(press(&mut state, KeyCode::Enter)).remove(0);
        let end = Answer { outcome, message: "nobody took over".to_owned(), ..*preview(&request.command, "") };
        update(&mut state, Message::Answered(serial, Ok(Box::new(end))), at(3));
        let Some(Popup::Preview(popup)) = state.popups.last() else { panic!("no popup") };
        assert_eq!(popup.phase, phase);
        assert!(press(&mut state, KeyCode::Enter).is_empty() && state.popups.is_empty(), "Enter goes back");
    }
}

#[test]
fn an_answer_to_a_preview_that_was_left_changes_nothing() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Down);
    let (old, request) = commands(press(&mut state, KeyCode::Char('d'))).remove(0);
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Char('d'));
    update(&mut state, Message::Answered(old, Ok(preview(&request.command, "the other server"))), at(2));
    let Some(Popup::Preview(popup)) = state.popups.last() else { panic!("no preview") };
    assert_eq!(popup.phase, Phase::Asking);
}

#[test]
fn removing_a_server_needs_its_address_typed() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Down);
    let (serial, request) = commands(press(&mut state, KeyCode::Char('X'))).remove(0);
    update(&mut state, Message::Answered(serial, Ok(preview(&request.command, "weight 5"))), at(2));
    assert!(press(&mut state, KeyCode::Enter).is_empty());
    assert!(said(&state).contains("10.0.1.1:80"));
    type_text(&mut state, "10.0.1.1:8");
    assert!(press(&mut state, KeyCode::Enter).is_empty());
    type_text(&mut state, "0");
    assert_eq!(commands(press(&mut state, KeyCode::Enter)).len(), 1);
}

#[test]
fn read_only_never_unlocks_and_a_socket_that_refuses_says_so() {
    let mut state = console(&table(1..4));
    (state.read_only, state.unlocked) = (true, false);
    press(&mut state, KeyCode::Char('r'));
    assert!(!state.unlocked && said(&state).contains("--read-only"));
    let mut state = console(&table(1..4));
    state.unlocked = false;
    state.picture.as_mut().unwrap().polled.summary.writable = false;
    press(&mut state, KeyCode::Char('r'));
    assert!(!state.unlocked && said(&state).contains("socket"));
}

#[test]
fn pasted_text_is_no_keystroke() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Down);
    assert!(update(&mut state, Message::Paste("dddXF\r".to_owned()), at(2)).is_empty());
    assert!(state.popups.is_empty());
    press(&mut state, KeyCode::Char('/'));
    update(&mut state, Message::Paste("web\r\n".to_owned()), at(2));
    assert_eq!(state.table.filter, "web");
    update(&mut state, Message::Paste(" 10.0.0.71\r\n!state:up\n".to_owned()), at(2));
    assert_eq!(state.table.filter, "web 10.0.0.71 !state:up");
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.table.filter, "");
}

#[test]
fn rows_of_an_older_question_do_not_move_the_cursor() {
    let mut state = console(&table(1..4));
    let late = answer(&state, &table([]));
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Char('s'));
    update(&mut state, late, at(2));
    assert_eq!(state.page().unwrap().total, 4);
    assert_eq!(state.table.selected.as_deref(), Some(server_key(1).as_str()));
}

#[test]
fn a_frozen_screen_keeps_its_picture_and_takes_no_write() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Char(' '));
    state.dirty = false;
    let newer = answer(&state, &table(1..9));
    update(&mut state, newer, at(5));
    assert!(!state.dirty, "nothing is drawn while frozen");
    assert_eq!((state.page().unwrap().total, state.picture_age()), (4, Duration::ZERO));
    press(&mut state, KeyCode::Down);
    assert!(press(&mut state, KeyCode::Char('d')).is_empty() && said(&state).contains("frozen"));
    press(&mut state, KeyCode::Char(' '));
    assert_eq!(state.page().unwrap().total, 9);
}

#[test]
fn a_silent_engine_is_noticed_and_forgiven() {
    let mut state = console(&table(1..4));
    update(&mut state, Message::Tick, at(3));
    assert!(state.lost.is_none());
    update(&mut state, Message::Tick, at(4));
    assert_eq!(state.lost.as_ref().unwrap().since, at(1));
    press(&mut state, KeyCode::Down);
    assert!(press(&mut state, KeyCode::Char('d')).is_empty() && said(&state).contains("does not answer"));
    show_table(&mut state, &table(1..4));
    assert!(state.lost.is_none());
}

#[test]
fn the_next_problem_is_found_outside_of_the_window_and_behind_a_filter() {
    let all = table(0..5_000);
    let mut state = console(&all);
    let problem = |n| Problem { key: server_key(n), text: "DOWN".to_owned(), since: None };
    state.picture.as_mut().unwrap().polled.summary.problems = vec![problem(4_000), problem(3)];
    state.table.filter = "nothing".to_owned();
    press(&mut state, KeyCode::Char('n'));
    show_table(&mut state, &all);
    assert_eq!(state.selected_row().map(|r| r.key.clone()), Some(server_key(4_000)));
    assert_eq!(state.table.cursor, 4_001);
    let height = plan(&state).rows();
    assert!((state.table.top..state.table.top + height).contains(&4_001));
}

#[test]
fn folding_goes_to_the_service_and_asks_for_less() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Left);
    assert_eq!(state.table.selected.as_deref(), Some(SERVICE));
    assert_eq!(wanted(&state).query.unwrap().expand.as_deref(), Some("-tcp/10.0.0.1:80"));
    press(&mut state, KeyCode::Enter);
    assert_eq!(wanted(&state).query.unwrap().expand, None);
}

#[test]
fn a_key_without_a_meaning_says_so() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Char('Z'));
    assert!(said(&state).contains('Z') && said(&state).contains('?'));
}

#[test]
fn leaving_a_commit_under_way_still_reports_its_end() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Down);
    let (serial, request) = commands(press(&mut state, KeyCode::Char('d'))).remove(0);
    update(&mut state, Message::Answered(serial, Ok(preview(&request.command, "weight 5"))), at(2));
    let (serial, _) = commands(press(&mut state, KeyCode::Enter)).remove(0);
    press(&mut state, KeyCode::Esc);
    update(&mut state, Message::Answered(serial, Err("the engine does not answer".to_owned())), at(3));
    assert_eq!(said(&state), "the engine does not answer");
}

#[test]
fn nothing_is_done_to_what_is_not_on_screen() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Down);
    let (serial, request) = commands(press(&mut state, KeyCode::Char('d'))).remove(0);
    update(&mut state, Message::Answered(serial, Ok(preview(&request.command, "weight 5"))), at(2));
    update(&mut state, Message::Resize(30, 3), at(2));
    assert!(press(&mut state, KeyCode::Enter).is_empty());
    press(&mut state, KeyCode::Esc);
    update(&mut state, Message::Resize(50, 12), at(2));
    assert!(press(&mut state, KeyCode::Char('d')).is_empty() && said(&state).contains("enlarge"));
}

#[path = "time_tests.rs"]
mod time_tests;

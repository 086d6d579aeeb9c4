//! What an act is about and nobody sees, and acts that name what they are about.

use super::acting::router;
use super::*;
use crate::ui::palette::split;

fn hidden(state: &UiState) -> Option<&str> {
    match state.popups.last() {
        Some(Popup::Preview(popup)) => popup.hidden.as_deref(),
        other => panic!("no preview: {other:?}"),
    }
}

fn palette(state: &mut UiState, line: &str) -> Vec<Effect> {
    press(state, KeyCode::Char(':'));
    type_text(state, line);
    press(state, KeyCode::Enter)
}

fn with_instances(names: &[&str]) -> UiState {
    let mut state = console(&table(1..4));
    state.picture.as_mut().unwrap().polled.routers = Some(names.iter().map(|name| router(name)).collect());
    state
}

#[test]
fn marked_servers_that_a_filter_hides_are_told_before_the_act() {
    let mut state = console(&table(1..6));
    press(&mut state, KeyCode::Down);
    for _ in 0..3 {
        press(&mut state, KeyCode::Char('v'));
    }
    assert_eq!(hidden_marks(&state).count(), 0);
    press(&mut state, KeyCode::Char('d'));
    assert_eq!(hidden(&state), None, "all of them are on screen");
    press(&mut state, KeyCode::Esc);
    show_table(&mut state, &table([3, 4]));
    assert_eq!(hidden_marks(&state).count(), 2);
    press(&mut state, KeyCode::Char('d'));
    let said = format!("2 of 3 marked are not on screen: 10.0.1.1:80 of {SERVICE}, 10.0.1.2:80 of {SERVICE}");
    assert_eq!(hidden(&state), Some(said.as_str()));
}

#[test]
fn one_mark_that_is_scrolled_or_folded_away_is_told_too() {
    let all = table(1..60);
    let mut state = console(&all);
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Char('v'));
    for _ in 0..3 {
        press(&mut state, KeyCode::PageDown);
    }
    show_table(&mut state, &all);
    press(&mut state, KeyCode::Char('X'));
    assert_eq!(hidden(&state), Some("1 of 1 marked is not on screen: 10.0.1.1:80 of tcp/10.0.0.1:80"));
    press(&mut state, KeyCode::Esc);
    show_table(&mut state, &table([]));
    type_text(&mut state, "w7");
    press(&mut state, KeyCode::Enter);
    assert!(hidden(&state).is_some_and(|said| said.contains("10.0.1.1:80")));
}

#[test]
fn the_preview_names_a_few_of_many_hidden_marks_and_counts_the_rest() {
    let all = table(1..20);
    let mut state = console(&all);
    press(&mut state, KeyCode::Char('v'));
    assert_eq!(state.table.marks.len(), 19);
    show_table(&mut state, &table([]));
    press(&mut state, KeyCode::Char('d'));
    let said = hidden(&state).unwrap();
    assert!(said.starts_with("19 of 19 marked are") && said.ends_with(" and 13 more"), "{said}");
}

#[test]
fn an_instance_that_there_is_not_is_named_with_those_that_there_are() {
    let mut state = with_instances(&["VI_web", "VI_sql", "VI_two words"]);
    for (line, says) in [
        ("failover VI_wep", "there is no VRRP instance VI_wep: did you mean VI_web?"),
        ("takeover zzz", "there is no VRRP instance zzz: there is VI_web, VI_sql, VI_two words"),
        ("rejoin zzz --now", "no VRRP instance zzz"),
        ("priority VI_sq 50", "did you mean VI_sql?"),
        ("takeover VI_web now", "takes an instance and nothing else, not \"now\""),
        ("failover --blind", "Tab chooses an instance; or :failover NAME"),
    ] {
        assert!(palette(&mut state, line).is_empty(), "{line}");
        assert!(said(&state).contains(says), "{line}: {}", said(&state));
    }
    for (line, name) in [("failover VI_sql --blind", "VI_sql"), ("failover VI_two words --blind", "VI_two words")] {
        let (_, request) = commands(palette(&mut state, line)).remove(0);
        let wanted = Command::Failover { instance: Some(name.into()), hold_seconds: None, blind: true };
        assert_eq!(request.command, wanted);
        press(&mut state, KeyCode::Esc);
    }
}

#[test]
fn an_act_that_takes_no_address_says_what_it_is_about() {
    let mut state = console(&table(1..4));
    press(&mut state, KeyCode::Down);
    for orders in [false, true] {
        state.guide = orders.then(crate::engine::Guide::default);
        assert!(palette(&mut state, "remove 10.0.1.1:80").is_empty() && state.popups.is_empty());
        assert_eq!(said(&state), "remove takes no address: go to 10.0.1.1:80 and press X");
        assert!(palette(&mut state, "remove web").is_empty());
        let instead = ": write :remove-server or :remove-service";
        assert_eq!(said(&state), format!("remove takes nothing behind it, and there is \"web\"{instead}"));
    }
}

#[test]
fn what_is_named_is_done_where_no_row_is_on_screen_as_long_as_the_preview_is() {
    let mut state = console(&table(1..4));
    let screen = |state: &mut UiState, size| (state.size, state.screen) = (size, Screen::Overview);
    screen(&mut state, (40, 5));
    for line in ["drain 10.0.1.1", "drain 10.0.1.1:80 60s", "restore 10.0.1.1"] {
        assert_eq!(commands(palette(&mut state, line)).len(), 1, "{line}: {}", said(&state));
        press(&mut state, KeyCode::Esc);
    }
    palette(&mut state, &format!("add-server {SERVICE} 10.0.1.9:80 7"));
    let Some(Popup::Form(form)) = state.popups.pop() else { panic!("{}", said(&state)) };
    let command = form.command().unwrap();
    assert!(
        matches!(&command, Command::AddServer { service, weight: Some(weight), .. } if service.0 == SERVICE && weight.get() == 7)
    );
    palette(&mut state, "add-server tcp/10.0.0.1:8 10.0.1.9:80");
    assert!(said(&state).contains("did you mean tcp/10.0.0.1:80?"), "{}", said(&state));
    for line in ["drain", "restore 60s"] {
        assert!(palette(&mut state, line).is_empty());
        assert_eq!(said(&state), format!("enlarge to 60x15, or :{} ADDRESS", split(line).0));
    }
    screen(&mut state, (39, 5));
    assert!(palette(&mut state, "drain 10.0.1.1").is_empty());
    assert_eq!(said(&state), "enlarge to 40x5 to see the preview");
    screen(&mut state, (80, 24));
    state.screen = Screen::Log;
    assert_eq!(commands(palette(&mut state, "drain 10.0.1.1")).len(), 1, "no screen is needed either");
}

/// What is on the terminal.
fn screen(state: &UiState) -> String {
    let theme = crate::ui::theme::Theme::load("mono").unwrap();
    crate::ui::svg::lines(&crate::ui::view::picture(state, &theme)).join("\n")
}

#[test]
fn hidden_marks_are_counted_above_the_table_and_named_in_the_preview() {
    let mut state = console(&table(1..6));
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Char('v'));
    press(&mut state, KeyCode::Char('v'));
    assert!(screen(&state).contains("  2 marked  "), "{}", screen(&state));
    show_table(&mut state, &table([2, 3]));
    assert!(screen(&state).contains("  2 marked (1 hidden)  "), "{}", screen(&state));
    let (serial, request) = commands(press(&mut state, KeyCode::Char('d'))).remove(0);
    assert!(screen(&state).contains("HIDDEN   1 of 2 marked is not on screen: 10.0.1.1:80"), "{}", screen(&state));
    update(&mut state, Message::Answered(serial, Ok(preview(&request.command, "weight 5"))), at(1));
    update(&mut state, Message::Tick, at(2));
    let shown = screen(&state);
    assert!(shown.contains("HIDDEN   1 of 2") && shown.contains("Enter do it"), "{shown}");
}

#[test]
fn a_preview_that_can_not_be_read_does_not_offer_to_be_done() {
    let mut state = console(&table(1..6));
    press(&mut state, KeyCode::Down);
    let (serial, request) = commands(press(&mut state, KeyCode::Char('d'))).remove(0);
    update(&mut state, Message::Answered(serial, Ok(preview(&request.command, "weight 5"))), at(1));
    update(&mut state, Message::Tick, at(2));
    update(&mut state, Message::Resize(20, 5), at(2));
    let shown = screen(&state);
    assert!(shown.contains("Enlarge to 40x5") && shown.contains("Esc") && !shown.contains("do it"), "{shown}");
    update(&mut state, Message::Resize(40, 5), at(2));
    assert!(screen(&state).contains("Enter read on"), "{}", screen(&state));
    assert!(press(&mut state, KeyCode::Enter).is_empty(), "it is read first");
    assert!(screen(&state).contains("Enter do it"), "{}", screen(&state));
}

#[test]
fn of_the_past_the_details_say_no_totals_and_no_next_check() {
    let mut state = console(&table(1..6));
    state.size = (120, 36);
    press(&mut state, KeyCode::Down);
    assert!(screen(&state).contains("totals  Conns 0  InPkts 0"), "{}", screen(&state));
    state.picture.as_mut().unwrap().polled.summary.is_rewound = true;
    let shown = screen(&state);
    assert!(shown.contains("totals  not remembered: 0 goes back to now") && !shown.contains("Conns 0"), "{shown}");
    press(&mut state, KeyCode::Char('5'));
    press(&mut state, KeyCode::Tab);
    let shown = screen(&state);
    assert!(shown.contains("counters are not remembered") && !shown.contains("accepted"), "{shown}");
}

#[test]
fn in_twenty_columns_what_is_down_stands_beside_the_role() {
    let mut state = console(&table(1..6));
    let totals = Totals { real_servers: 12, up: 12, ..Totals::default() };
    state.picture.as_mut().unwrap().polled.summary.totals = totals;
    for (width, down, line) in [
        (20, 0, " MASTER RS 12/12 RW"),
        (20, 3, " MASTER 3 DOWN   RW"),
        (30, 0, " MASTER VIP1/1 RS 12/12    RW"),
        (16, 3, " MASTER 1/1  RW"),
    ] {
        state.size = (width, 2);
        state.picture.as_mut().unwrap().polled.summary.totals = Totals { up: 12 - down, down, ..totals };
        assert_eq!(screen(&state).lines().next().unwrap().trim_end(), line);
    }
}

#[test]
fn at_sixty_columns_the_weight_stays_and_the_rate_leaves() {
    let mut state = console(&table(1..6));
    state.size = (60, 20);
    let shown = screen(&state);
    assert!(shown.contains("Weight Active HEALTH") && !shown.contains("CPS"), "{shown}");
}

#[test]
fn what_a_filter_hides_is_not_called_gone() {
    let mut state = console(&table(1..6));
    state.size = (120, 36);
    press(&mut state, KeyCode::Down);
    for (filter, title, why) in [
        ("", "(not in the table any more)", "is not in the table any more"),
        ("rs:10.0.1.3", "(hidden by the filter, or gone)", "the filter hides tcp/10.0.0.1:80 10.0.1.1:80"),
    ] {
        state.table.filter = filter.to_owned();
        show_table(&mut state, &table([3]));
        assert!(screen(&state).contains(title), "{}", screen(&state));
        assert!(press(&mut state, KeyCode::Char('d')).is_empty() && said(&state).contains(why), "{}", said(&state));
    }
}

#[test]
fn what_is_named_is_done_from_every_screen() {
    let mut state = with_instances(&["VI_web", "VI_sql"]);
    for screen in Screen::ALL {
        state.screen = screen;
        let (_, request) = commands(palette(&mut state, "failover VI_sql")).remove(0);
        assert_eq!(
            request.command,
            Command::Failover { instance: Some("VI_sql".into()), hold_seconds: None, blind: false }
        );
        press(&mut state, KeyCode::Esc);
        let (_, request) = commands(palette(&mut state, "weight 10.0.1.2:80 7")).remove(0);
        assert_eq!(request.command.to_string(), format!("weight {SERVICE} 10.0.1.2:80 7"), "{screen:?}");
        press(&mut state, KeyCode::Esc);
        assert_eq!(commands(palette(&mut state, "maintenance 10.0.1.2 5m")).len(), 1, "{screen:?}: {}", said(&state));
        press(&mut state, KeyCode::Esc);
    }
    // Without a name it needs the cursor, and says where that is.
    state.screen = Screen::Log;
    palette(&mut state, "failover");
    assert!(said(&state).contains("3 shows the instances"), "{}", said(&state));
    palette(&mut state, "weight 10.9.9.9 7");
    assert_eq!(said(&state), "10.9.9.9 is in no row that is loaded: go to it in the table");
    // A console that never showed an instance asks the engine, which knows them.
    state.picture.as_mut().unwrap().polled.routers = None;
    assert_eq!(commands(palette(&mut state, "failover VI_web")).len(), 1, "{}", said(&state));
}

#[test]
fn a_key_that_can_move_nothing_on_a_small_screen_says_why() {
    let mut state = console(&table(1..4));
    (state.size, state.screen) = ((40, 10), Screen::Log);
    press(&mut state, KeyCode::Char('w'));
    assert_eq!(said(&state), "enlarge to 60x15, or :weight ADDRESS N");
    for (key, says) in [
        (KeyCode::Down, "no row is on screen: enlarge to 60x15"),
        (KeyCode::Enter, "nothing to open is on screen: enlarge to 60x15"),
        (KeyCode::Char('/'), "no table is on screen: enlarge to 60x15"),
        (KeyCode::Char('3'), "vrrp: enlarge to 60x15 to see it"),
    ] {
        state.said = None;
        press(&mut state, key);
        assert_eq!((said(&state), state.viewing, state.popups.len()), (says, None, 0));
    }
}

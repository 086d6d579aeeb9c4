//! From the key to the preview, for every act; and that there is no way around the preview.

use super::*;
use crate::engine::{
    CommandRequest, Half, RealServerSelector, ServiceSelector, Undoable, VirtualRouterState, VirtualRouterStatus,
};
use crate::ui::keymap::BINDINGS;
use crate::ui::popup::{FormKind, Target};
use crate::ui::screens::Screen;

pub(super) fn router(name: &str) -> VirtualRouterStatus {
    serde_json::from_value(serde_json::json!({
        "name": name, "interface": "eth0", "family": "inet", "vrid": 51, "version": 2, "state": VirtualRouterState::Master,
        "priority": 200, "effective_priority": 200, "advert_interval_ms": 1000, "preempt": true,
        "since": "2026-01-01T00:00:00.000Z", "reason": "", "addresses": ["10.0.0.1/24"], "addresses_here": [],
        "next": null, "peers": [], "counters": crate::engine::VrrpCounters::default(), "history": [],
    }))
    .unwrap()
}

/// An unlocked console with a table, an instance and a selected server.
fn ready() -> UiState {
    let mut state = console(&table(1..6));
    state.picture.as_mut().unwrap().polled.routers = Some(vec![router("VI_1")]);
    press(&mut state, KeyCode::Down);
    state
}

fn act(state: &mut UiState, intent: Intent, words: &str) -> Vec<(u64, crate::engine::CommandRequest)> {
    commands(acts::begin(state, intent, words))
}

fn only_command(state: &mut UiState, intent: Intent, words: &str) -> Command {
    let mut asked = act(state, intent, words);
    assert_eq!(asked.len(), 1, "{intent:?}: {}", said(state));
    asked.remove(0).1.command
}

/// The screen as text.
pub(super) fn screen(state: &UiState) -> String {
    let picture = crate::ui::view::picture(state, &crate::ui::theme::Theme::plain());
    crate::ui::svg::lines(&picture).join("\n")
}

fn writing() -> impl Iterator<Item = Intent> {
    Intent::ALL.into_iter().filter(|intent| intent.writes())
}

/// Goes on from a key with Enter until something is asked of the engine.
fn until_asked(state: &mut UiState, intent: Intent) -> (u64, crate::engine::CommandRequest) {
    let mut effects = acts::begin(state, intent, "");
    if effects == [Effect::Undoable] {
        let undo = Command::Rejoin { instance: None };
        let one = Undoable { id: 7, command: "failover VI_1".into(), who: "anna".into(), age_s: 5, undo };
        update(state, Message::Undoable(Ok(vec![one])), at(1));
        effects = press(state, KeyCode::Enter);
    } else if let Some(Popup::Form(form)) = state.popups.last() {
        let text = match form.kind {
            FormKind::Weight(_) => "7",
            FormKind::Priority { .. } => "50",
            FormKind::AddService(_) | FormKind::Maintenance(_) | FormKind::AddServer { .. } => "",
        };
        if matches!(form.kind, FormKind::AddService(_)) {
            update(state, Message::Key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL)), at(1));
            type_text(state, "udp/10.0.0.1:53");
        }
        type_text(state, text);
        effects = press(state, KeyCode::Enter);
    }
    let mut asked = commands(effects);
    assert_eq!(asked.len(), 1, "{intent:?}: {} {:?}", said(state), state.popups);
    asked.remove(0)
}

#[test]
fn every_write_goes_through_a_preview_and_its_token() {
    for intent in writing() {
        let mut state = ready();
        let (serial, request) = until_asked(&mut state, intent);
        assert!(request.dry_run && request.token.is_none(), "{intent:?}");
        assert!(commands(press(&mut state, KeyCode::Enter)).is_empty(), "{intent:?} before it was shown");
        let shown = preview(&request.command, "as it is");
        let token = shown.token.clone();
        update(&mut state, Message::Answered(serial, Ok(shown)), at(2));
        let Some(Popup::Preview(popup)) = state.popups.last() else { panic!("{intent:?} shows no preview") };
        if let Some(word) = popup.required().map(str::to_owned) {
            assert!(commands(press(&mut state, KeyCode::Enter)).is_empty(), "{intent:?} without its word");
            type_text(&mut state, &word);
        }
        let (_, request) = commands(press(&mut state, KeyCode::Enter)).remove(0);
        assert!(!request.dry_run && request.token == token, "{intent:?}");
    }
}

#[test]
fn no_key_asks_for_anything_but_a_dry_run() {
    for binding in BINDINGS {
        for chord in binding.chords {
            let mut state = ready();
            let modifiers = if chord.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
            let effects = update(&mut state, Message::Key(KeyEvent::new(chord.code, modifiers)), at(1));
            assert!(commands(effects).iter().all(|(_, request)| request.dry_run), "{chord}");
        }
    }
}

#[test]
fn every_write_is_refused_while_the_console_is_locked_and_says_how_to_unlock() {
    for intent in writing() {
        let mut state = ready();
        press(&mut state, KeyCode::Char('r'));
        assert!(act(&mut state, intent, "").is_empty() && state.popups.is_empty(), "{intent:?}");
        assert!(said(&state).contains("press r"), "{intent:?}: {}", said(&state));
        (state.read_only, state.said) = (true, None);
        assert!(act(&mut state, intent, "").is_empty() && said(&state).contains("--read-only"), "{intent:?}");
    }
}

#[test]
fn an_act_on_what_this_screen_does_not_show_says_where_it_is() {
    for intent in writing().filter(|intent| !intent.is_about_the_engine()) {
        let mut state = ready();
        state.screen = Screen::Log;
        assert!(act(&mut state, intent, "").is_empty() && state.popups.is_empty(), "{intent:?}");
        let key = if intent.is_about_instances() { "3 shows" } else { "2 shows" };
        assert!(said(&state).contains(key), "{intent:?}: {}", said(&state));
    }
}

#[test]
fn marked_servers_are_drained_in_one_act_and_the_marks_go_when_it_is_done() {
    let mut state = ready();
    for _ in 0..3 {
        press(&mut state, KeyCode::Char('v'));
    }
    assert_eq!(state.table.marks.len(), 3);
    assert_eq!(state.table.selected.as_deref(), Some(server_key(4).as_str()), "the cursor goes on");
    let (serial, request) = commands(press(&mut state, KeyCode::Char('d'))).remove(0);
    let Command::Several { commands: drains } = &request.command else { panic!("{:?}", request.command) };
    assert_eq!(drains.len(), 3);
    assert!(drains.iter().all(|c| matches!(c, Command::Drain { service: Some(s), .. } if s.0 == SERVICE)));
    let Some(Popup::Preview(popup)) = state.popups.last() else { panic!("no preview") };
    assert_eq!(popup.title, "drain of 3 servers");
    update(&mut state, Message::Answered(serial, Ok(preview(&request.command, "3 servers"))), at(2));
    let (serial, request) = commands(press(&mut state, KeyCode::Enter)).remove(0);
    let done =
        Answer { outcome: Outcome::Done, message: "3 servers draining".into(), ..*preview(&request.command, "") };
    update(&mut state, Message::Answered(serial, Ok(Box::new(done))), at(3));
    assert!(state.table.marks.is_empty() && said(&state) == "3 servers draining");
}

#[test]
fn what_is_typed_while_an_act_is_being_done_counts_when_it_ended_well_and_only_then() {
    for outcome in [Outcome::Done, Outcome::Refused] {
        let mut state = ready();
        let (serial, request) = commands(press(&mut state, KeyCode::Char('d'))).remove(0);
        update(&mut state, Message::Answered(serial, Ok(preview(&request.command, "weight 5"))), at(2));
        let (serial, _) = commands(press(&mut state, KeyCode::Enter)).remove(0);
        press(&mut state, KeyCode::Enter);
        assert!(said(&state).contains("being done already"), "{}", said(&state));
        type_text(&mut state, "/web");
        press(&mut state, KeyCode::Enter);
        assert!(matches!(state.popups.last(), Some(Popup::Preview(_))));
        let ended = Answer { outcome, message: "ended".into(), ..*preview(&request.command, "") };
        update(&mut state, Message::Answered(serial, Ok(Box::new(ended))), at(3));
        let is_done = outcome == Outcome::Done;
        assert_eq!((state.popups.is_empty(), state.table.filter.as_str()), (is_done, if is_done { "web" } else { "" }));
    }
}

#[test]
fn marks_are_taken_away_by_the_same_key_and_all_by_esc() {
    let mut state = ready();
    press(&mut state, KeyCode::Char('v'));
    press(&mut state, KeyCode::Up);
    press(&mut state, KeyCode::Char('*'));
    assert!(state.table.marks.is_empty() && said(&state) == "no server is marked");
    press(&mut state, KeyCode::Char('g'));
    press(&mut state, KeyCode::Char('v'));
    assert_eq!(state.table.marks.len(), 5, "a service marks its servers");
    press(&mut state, KeyCode::Esc);
    assert!(state.table.marks.is_empty());
}

#[test]
fn a_marked_server_that_is_not_on_screen_any_more_stays_marked_with_its_last_weight() {
    let mut state = ready();
    press(&mut state, KeyCode::Char('v'));
    let mut rows = table(1..6);
    rows[1].wanted_weight = Some(9);
    show_table(&mut state, &rows);
    show_table(&mut state, &table(3..6));
    let [Target { weights, .. }] = &state.table.marks.values().cloned().collect::<Vec<_>>()[..] else { panic!("no") };
    assert_eq!(*weights, (9, 5));
}

#[test]
fn the_palettes_words_make_the_command() {
    let mut state = ready();
    let weight = only_command(&mut state, Intent::Weight, "+10");
    assert!(matches!(weight, Command::Weight { weight, .. } if weight.get() == 15));
    let drain = only_command(&mut state, Intent::Drain, "60s");
    assert!(matches!(drain, Command::Drain { deadline_seconds: Some(60), .. }));
    let rest = only_command(&mut state, Intent::Maintenance, "30m");
    assert!(matches!(rest, Command::Maintenance { hold_seconds: Some(1_800), .. }));
    let named = only_command(&mut state, Intent::Rejoin, "VI_1");
    assert_eq!(named, Command::Rejoin { instance: Some("VI_1".into()) });
    let drain = only_command(&mut state, Intent::Drain, "10.0.0.71:80 60s");
    let server = "10.0.0.71:80".parse().unwrap();
    assert_eq!(drain, Command::Drain { server, service: None, hold_seconds: None, deadline_seconds: Some(60) });
    let failover = only_command(&mut state, Intent::Failover, "VI_1 --blind --for 5m");
    let wanted = Command::Failover { instance: Some("VI_1".into()), hold_seconds: Some(300), blind: true };
    assert_eq!(failover, wanted);
    assert!(matches!(only_command(&mut state, Intent::Priority, "50"), Command::Priority { priority: Some(_), .. }));
    let back = only_command(&mut state, Intent::Priority, "--from-file");
    assert_eq!(back, Command::Priority { instance: "VI_1".into(), priority: None });
    assert_eq!(only_command(&mut state, Intent::Stop, "--keep"), Command::Stop { keep: true });
    assert_eq!(only_command(&mut state, Intent::Undo, "7"), Command::Undo { id: Some(7) });
    for (intent, words, says) in [
        (Intent::Weight, "much", "+N"),
        (Intent::Drain, "soon", "\"soon\" is no server and no time: write a time of a second at least, as 90s"),
        (Intent::Drain, "10.0.0.71 now or later", "drain takes [SERVER] [DEADLINE, as 60s]"),
        (Intent::Drain, "10.0.0.71 --hard", "and not \"--hard\""),
        (Intent::Drain, "10.0.0.71 --deadline", "--deadline needs a value, as --deadline 5m"),
        (Intent::Drain, "10.0.0.71 --deadline soon", "--deadline: write a time"),
        (Intent::Restore, "10.0.0.71 60s", "restore takes [SERVER] [--service VS], and not \"60s\""),
        (Intent::Restore, "--service tcp/10.0.0.1:80", "which server? restore takes"),
        (Intent::Weight, "tcp/10.0.0.2:80 10.0.1.1:80 5", "10.0.1.1:80 of tcp/10.0.0.2:80 is in no row that is loaded"),
        (Intent::Failover, "--now", "--blind"),
        (Intent::Failover, "--for", "--for 5m"),
        (Intent::Priority, "300", "1 to 254"),
        (Intent::Stop, "now", "--keep"),
        (Intent::Undo, "x", "number"),
        (Intent::Reload, "all", "takes nothing"),
    ] {
        assert!(act(&mut state, intent, words).is_empty(), "{intent:?} {words}");
        assert!(said(&state).contains(says), "{intent:?} {words}: {}", said(&state));
    }
}

#[test]
fn the_palette_takes_the_forms_of_ctl_with_and_without_a_server_under_the_cursor() {
    let mut state = ready();
    let written = |state: &mut UiState, intent, words: &str| only_command(state, intent, words).to_string();
    for on_a_service in [false, true] {
        if on_a_service {
            state.popups.clear();
            press(&mut state, KeyCode::Char('g'));
        }
        for (intent, words, command) in [
            (Intent::Weight, format!("{SERVICE} 10.0.1.3:80 7"), format!("weight {SERVICE} 10.0.1.3:80 7")),
            (Intent::Weight, "10.0.1.3 7 --for 2h".into(), format!("weight {SERVICE} 10.0.1.3:80 7 --for 7200s")),
            (Intent::Drain, "10.0.1.3 --deadline 5s".into(), "drain 10.0.1.3 --deadline 5s".into()),
            (
                Intent::Drain,
                format!("--for=5m 10.0.1.3:80 --service {SERVICE} 90s"),
                format!("drain 10.0.1.3:80 --service {SERVICE} --for 300s --deadline 90s"),
            ),
            (
                Intent::Maintenance,
                format!("10.0.1.3:80 --for 10m --deadline 60s --service {SERVICE}"),
                format!("maintenance 10.0.1.3:80 --service {SERVICE} --for 600s --deadline 60s"),
            ),
            (
                Intent::Restore,
                format!("10.0.1.3:80 --service {SERVICE}"),
                format!("restore 10.0.1.3:80 --service {SERVICE}"),
            ),
        ] {
            assert_eq!(written(&mut state, intent, &words), command, "{words}");
        }
    }
    // Options alone are about the selected server.
    state.popups.clear();
    press(&mut state, KeyCode::Down);
    let drain = written(&mut state, Intent::Drain, "--deadline 5s");
    assert_eq!(drain, format!("drain 10.0.1.1:80 --service {SERVICE} --deadline 5s"));
}

#[test]
fn an_engine_that_never_said_anything_that_can_be_read_is_told_with_its_cause_and_since_when() {
    let mut state = UiState::new((80, 24), false, false);
    update(&mut state, Message::Tick, at(12));
    assert!(screen(&state).contains("the engine does not answer (for 12s)"), "{}", screen(&state));
    let mut state = UiState::new((80, 24), false, false);
    let why = crate::engine::HandleError::Unreadable("missing field `a` at line 1 column 80".to_owned());
    update(&mut state, Message::Lost(why.to_string(), false), at(1));
    let hint = "is the engine another version of lvsdeck?";
    assert!(screen(&state).contains(hint), "{}", screen(&state));
    for key in ['d', '[', 'r'] {
        state.said = None;
        press(&mut state, KeyCode::Char(key));
        assert!(said(&state).starts_with(hint), "{key}: {}", said(&state));
    }
}

#[test]
fn remove_is_about_the_row_and_what_goes_is_typed() {
    let mut state = ready();
    let typed = |state: &UiState| match state.popups.last() {
        Some(Popup::Preview(popup)) => popup.always_type.clone(),
        _ => None,
    };
    assert!(matches!(only_command(&mut state, Intent::Remove, ""), Command::RemoveServer { .. }));
    assert_eq!(typed(&state).as_deref(), Some("10.0.1.1:80"));
    state.popups.clear();
    press(&mut state, KeyCode::Char('g'));
    let service = ServiceSelector(SERVICE.into());
    assert_eq!(only_command(&mut state, Intent::Remove, ""), Command::RemoveService { service });
    assert_eq!(typed(&state).as_deref(), Some(SERVICE));
    state.popups.clear();
    press(&mut state, KeyCode::Char('v'));
    assert!(matches!(only_command(&mut state, Intent::Remove, ""), Command::Several { .. }));
    assert_eq!(typed(&state).as_deref(), Some("remove"));
}

#[test]
fn a_form_takes_its_defaults_from_the_servers_that_are_there() {
    let mut state = console(&table([3, 7, 5]));
    press(&mut state, KeyCode::Char('a'));
    let (_, request) = commands(press(&mut state, KeyCode::Enter)).remove(0);
    let Command::AddServer { server, weight, .. } = request.command else { panic!("no add-server") };
    assert_eq!((server.to_string().as_str(), weight.unwrap().get()), ("10.0.1.8:80", 5));
    press(&mut state, KeyCode::Esc);
    assert!(matches!(state.popups.last(), Some(Popup::Form(_))), "Esc goes back to the form");
}

#[test]
fn a_weight_is_typed_and_previewed() {
    let mut state = ready();
    press(&mut state, KeyCode::Char('w'));
    type_text(&mut state, "x");
    assert!(press(&mut state, KeyCode::Enter).is_empty() && said(&state).contains("weight"));
    press(&mut state, KeyCode::Backspace);
    type_text(&mut state, "40");
    let (_, request) = commands(press(&mut state, KeyCode::Enter)).remove(0);
    assert!(matches!(request.command, Command::Weight { weight, .. } if weight.get() == 40));
}

#[test]
fn the_undo_list_shows_what_each_would_do_and_takes_the_chosen_one_back() {
    let mut state = ready();
    assert_eq!(press(&mut state, KeyCode::Char('u')), [Effect::Undoable]);
    assert!(press(&mut state, KeyCode::Enter).is_empty() && said(&state).contains("nothing to take back"));
    let one = |id| Undoable {
        id,
        command: format!("drain 10.0.1.{id}:80"),
        who: "root, logged in as anna, pid 7".into(),
        age_s: 12,
        undo: Command::Restore { server: RealServerSelector::Key("10.0.1.1:80".parse().unwrap()), service: None },
    };
    update(&mut state, Message::Undoable(Ok(vec![one(9), one(4)])), at(2));
    press(&mut state, KeyCode::Char('j'));
    let (_, request) = commands(press(&mut state, KeyCode::Enter)).remove(0);
    assert_eq!((request.command, request.dry_run), (Command::Undo { id: Some(4) }, true));
    press(&mut state, KeyCode::Esc);
    assert!(matches!(state.popups.last(), Some(Popup::Undo(_))));
    update(&mut state, Message::Undoable(Err("the engine does not answer".into())), at(2));
    assert!(press(&mut state, KeyCode::Enter).is_empty());
}

#[test]
fn what_others_did_is_told_with_their_name_and_what_this_console_did_is_not() {
    let mut state = ready();
    state.own_pid = Some(812);
    let event = |seq, who: &str| Event {
        seq,
        at: SystemTime::UNIX_EPOCH,
        monotonic_ms: 0,
        kind: EventKind::Command,
        severity: crate::engine::Severity::Notice,
        subject: "drain".into(),
        from: None,
        to: Some("done".into()),
        reason: None,
        who: Some(who.into()),
        detail: Some("drain 10.0.1.3:80: 10.0.1.3:80 drains".into()),
    };
    update(&mut state, Message::Events(vec![event(1, "root, pid 812")], false), at(2));
    assert_eq!(said(&state), "");
    update(&mut state, Message::Events(vec![event(2, "root, logged in as anna, pid 8121")], false), at(2));
    assert_eq!(said(&state), "* anna: drain 10.0.1.3:80: 10.0.1.3:80 drains");
    state.said = None;
    update(&mut state, Message::Events(vec![event(3, "root, pid 9")], true), at(2));
    assert_eq!(said(&state), "", "what was before the console came is no news");
}

#[test]
fn a_weight_counts_from_what_is_wanted_while_a_server_is_out() {
    for (admin, health, wanted, shown, made) in [
        (Admin::Enabled, Health::Down, None, "5>0", 7),
        (Admin::Enabled, Health::Down, Some(3), "3(5)>0", 5),
        (Admin::Enabled, Health::Unknown, Some(2), "2(5)>0", 4),
        (Admin::Draining, Health::Up, Some(9), "0(5)", 11),
        (Admin::Maintenance, Health::Up, None, "0(5)", 7),
    ] {
        let mut state = ready();
        let mut rows = table(1..6);
        (rows[1].weight, rows[1].wanted_weight, rows[1].admin, rows[1].health) = (0, wanted, admin, health);
        assert_eq!(rows[1].weights(), shown);
        show_table(&mut state, &rows);
        acts::begin(&mut state, Intent::Weight, "");
        "+2".chars().for_each(|key| _ = press(&mut state, KeyCode::Char(key)));
        let asked = commands(press(&mut state, KeyCode::Enter));
        let Some((_, CommandRequest { command: Command::Weight { weight, .. }, .. })) = asked.first() else {
            panic!("{admin:?}: {asked:?}, {}", said(&state));
        };
        assert_eq!(weight.get(), made, "{admin:?} {health:?} {wanted:?}");
    }
}

#[test]
fn a_drain_tells_when_it_is_empty() {
    let mut state = ready();
    let draining = |active| {
        let mut rows = table(1..6);
        (rows[1].admin, rows[1].active, rows[1].weight) = (Admin::Draining, active, 0);
        rows
    };
    for active in [0, 40, 20] {
        show_table(&mut state, &draining(active));
    }
    assert_eq!(said(&state), "");
    show_table(&mut state, &draining(0));
    assert_eq!(said(&state), "drained: 10.0.1.1:80 has no connection left");
    show_table(&mut state, &draining(7));
    let mut over = draining(0);
    let since = state.engine_now().unwrap();
    over[1].drain = Some(crate::engine::DrainStatus {
        since,
        who: None,
        reason: None,
        weight: 5,
        left: 0,
        bound: 0,
        empty_in_s: Some(0),
        deadline_at: None,
        is_over: true,
        return_at: None,
    });
    show_table(&mut state, &over);
    assert_eq!(said(&state), "out of the table at its deadline: 10.0.1.1:80");
}

#[test]
fn the_details_say_how_a_drain_goes_and_why_the_kernel_has_less() {
    use crate::engine::{DrainStatus, SlowStartStatus};
    use crate::ui::widgets::detail;
    let mut state = ready();
    let now = state.engine_now().unwrap();
    let mut row = table(1..2).remove(1);
    assert_eq!(detail::drain(&state, &row), None);
    (row.active, row.inactive, row.admin) = (31, 4, Admin::Draining);
    let drain = DrainStatus {
        weight: 1,
        since: now - at(60),
        who: Some("anna, pid 9".to_owned()),
        reason: Some("kernel update".to_owned()),
        left: 31,
        bound: 0,
        empty_in_s: Some(95),
        deadline_at: Some(now + at(540)),
        is_over: false,
        return_at: None,
    };
    row.drain = Some(drain.clone());
    let said = detail::drain(&state, &row).unwrap();
    assert!(said.starts_with("31 active  4 inactive"), "{said}");
    assert!(said.contains("  empty in about 1m35s, out in 9m00s  since "), "{said}");
    assert!(said.ends_with(" (1m00s) by anna: kernel update"), "{said}");
    row.drain = Some(DrainStatus { empty_in_s: None, deadline_at: None, ..drain });
    assert!(detail::drain(&state, &row).unwrap().contains("  empty at a time unknown  since "));

    let mut row = table(1..2).remove(1);
    row.slow_start = Some(SlowStartStatus { weight: 100, since: now, full_at: now + at(12) });
    (row.weight, row.kernel_weight, row.configured_weight) = (20, Some(20), 100);
    assert_eq!(row.weights(), "100>20");
    let (_, said) = detail::kernel(&state, &row);
    assert_eq!(said, "weight 20, wanted 20 (file 100, slow start: 100 in 12s): in sync");
    state.clock += at(2);
    assert!(detail::kernel(&state, &row).1.contains("100 in 10s"), "the time goes on between two pictures");
}

#[test]
fn every_command_that_changes_something_has_an_action() {
    // What the engine can be asked for, the console can ask for; `several` is what marks make.
    let known = [
        "failover",
        "rejoin",
        "takeover",
        "priority",
        "drain",
        "maintenance",
        "restore",
        "weight",
        "add-server",
        "remove-server",
        "add-service",
        "remove-service",
        "several",
        "reload",
        "undo",
        "stop",
    ];
    let mut found: Vec<&str> = Vec::new();
    for intent in writing() {
        let mut state = ready();
        found.push(until_asked(&mut state, intent).1.command.verb());
    }
    let mut state = ready();
    press(&mut state, KeyCode::Char('g'));
    found.push(only_command(&mut state, Intent::Remove, "").verb());
    state.popups.clear();
    press(&mut state, KeyCode::Char('v'));
    let several = only_command(&mut state, Intent::Drain, "");
    assert_eq!(several.half(), Half::Balance);
    found.push(several.verb());
    let missing: Vec<_> = known.iter().filter(|verb| !found.contains(verb)).collect();
    assert!(missing.is_empty(), "no action asks for {missing:?}");
}

#[test]
fn an_act_is_about_the_instance_that_is_seen_to_be_selected() {
    let mut state = ready();
    state.picture.as_mut().unwrap().polled.routers = Some(vec![router("VI_1"), router("VI_2")]);
    for intent in [Intent::Failover, Intent::Takeover, Intent::Rejoin, Intent::Priority] {
        state.focus = Focus::Routers;
        state.router = Some("VI_2".to_owned());
        acts::begin(&mut state, intent, "");
        match state.popups.pop() {
            Some(Popup::Form(form)) => assert_eq!(form.title(), "Priority of VI_2"),
            Some(Popup::Preview(popup)) => assert!(popup.title.ends_with(" VI_2"), "{}", popup.title),
            _ => panic!("{intent:?}"),
        }
        // The bar went back to the services.
        press(&mut state, KeyCode::Esc);
        assert_eq!((state.focus, acts::begin(&mut state, intent, "").len()), (Focus::Services, 0));
        assert!(state.popups.is_empty() && said(&state).starts_with("which instance? Tab chooses"), "{}", said(&state));
    }
}

#[test]
fn the_word_that_an_act_on_an_instance_wants_is_its_name() {
    let mut state = ready();
    for (intent, words, confirm, word) in [
        (Intent::Failover, "", None, Some("VI_1")),
        (Intent::Takeover, "", Some("takeover"), Some("VI_1")),
        (Intent::Rejoin, "", None, None),
        (Intent::Priority, "50", Some("priority"), Some("VI_1")),
        (Intent::Reload, "", Some("reload"), Some("reload")),
        (Intent::RemoveService, "", Some("remove-service"), Some(SERVICE)),
    ] {
        let (serial, request) = act(&mut state, intent, words).remove(0);
        let mut answer = preview(&request.command, "before");
        answer.preview.confirm = confirm.map(str::to_owned);
        update(&mut state, Message::Answered(serial, Ok(answer)), at(2));
        let Some(Popup::Preview(popup)) = state.popups.pop() else { panic!("{intent:?}") };
        assert_eq!(popup.required(), word, "{intent:?}");
    }
}

#[test]
fn what_is_removed_can_be_named_wherever_its_preview_can_be_shown() {
    let mut state = ready();
    state.size = (40, 5);
    let server: crate::engine::RealServerKey = "10.0.0.71:80".parse().unwrap();
    for (line, command) in [
        (
            ":remove-server tcp/10.0.0.1:80 10.0.0.71:80",
            Command::RemoveServer { service: crate::engine::ServiceSelector(SERVICE.to_owned()), server },
        ),
        (
            ":remove-service tcp/10.0.0.1:80",
            Command::RemoveService { service: crate::engine::ServiceSelector(SERVICE.to_owned()) },
        ),
    ] {
        type_text(&mut state, line);
        let asked = commands(press(&mut state, KeyCode::Enter));
        assert_eq!(asked.len(), 1, "{line}: {}", said(&state));
        // What the preview calls it is what was typed.
        assert_eq!((&asked[0].1.command, format!(":{}", asked[0].1.command)), (&command, line.to_owned()));
        state.popups.clear();
    }
    for (line, says) in [
        (":remove-server tcp/10.0.0.1:80", "a service and a server"),
        (":remove-server tcp/10.0.0.1:80 web1", "no server"),
        (":remove-service a b", "nothing else"),
        (":remove tcp/10.0.0.1:80", ":remove-server or :remove-service"),
    ] {
        type_text(&mut state, line);
        assert!(
            press(&mut state, KeyCode::Enter).is_empty() && said(&state).contains(says),
            "{line}: {}",
            said(&state)
        );
        assert!(state.popups.is_empty(), "{line}");
    }
}

#[test]
fn marked_servers_that_a_weight_does_not_change_are_known_to_the_preview() {
    let mut state = console(&{
        let mut rows = table(1..4);
        (rows[1].configured_weight, rows[1].weight) = (100, 100);
        (rows[2].configured_weight, rows[2].weight, rows[3].configured_weight, rows[3].weight) = (1, 1, 1, 1);
        rows
    });
    type_text(&mut state, "gvw50%");
    let (serial, request) = commands(press(&mut state, KeyCode::Enter)).remove(0);
    assert!(matches!(request.command, Command::Weight { .. }), "one of three");
    let answer = preview(&request.command, "10.0.1.1:80 Route weight 100");
    update(&mut state, Message::Answered(serial, Ok(answer)), at(2));
    let screen = screen(&state);
    assert!(screen.contains("2 stay as they are: 10.0.1.2:80, 10.0.1.3:80"), "{screen}");
}

#[test]
fn an_order_that_was_left_is_not_given_any_longer() {
    let mut state = ready();
    let (serial, request) = act(&mut state, Intent::Stop, "").remove(0);
    update(&mut state, Message::Answered(serial, Ok(preview(&request.command, "before"))), at(2));
    press(&mut state, KeyCode::Enter);
    assert!(said(&state).contains("type stop to confirm"));
    let first = state.said.as_ref().unwrap().at;
    state.clock = at(5);
    type_text(&mut state, "x");
    press(&mut state, KeyCode::Enter);
    assert_ne!(state.said.as_ref().unwrap().at, first, "it is said anew");
    press(&mut state, KeyCode::Esc);
    assert_eq!(said(&state), "");
}

#[test]
fn an_engine_that_is_gone_is_gone_since_it_went() {
    let mut state = ready();
    state.unlocked = true;
    update(&mut state, Message::Lost("it does not answer".to_owned(), false), at(10));
    press(&mut state, KeyCode::Char('d'));
    assert!(said(&state).contains("does not answer"));
    update(&mut state, Message::Lost("nobody listens".to_owned(), true), at(14));
    update(&mut state, Message::Lost("nobody listens".to_owned(), true), at(15));
    assert!(screen(&state).contains("NO ENGINE 1s"), "{}", screen(&state));
    press(&mut state, KeyCode::Char('d'));
    assert!(said(&state).contains("the engine is gone"), "{}", said(&state));
}

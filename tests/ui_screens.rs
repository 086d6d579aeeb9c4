//! The screens as text and as runs of styles, from still fixtures; `ui_matrix` has the overview in every look.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing)] // a test: a panic is its verdict

mod ui_fixture;
mod ui_matrix;
mod ui_reading;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use lvsdeck::engine::event::{EventKind, Fact, Severity};
use lvsdeck::engine::{CommandRequest, EngineHandle, Event, OverrideStatus, Status, Who};
use lvsdeck::ui::intent::{Effect, Message};
use lvsdeck::ui::paint::paint;
use lvsdeck::ui::state::{Polled, UiState};
use lvsdeck::ui::theme::Theme;
use lvsdeck::ui::update::{update, wanted};
use lvsdeck::ui::view;
use ratatui::buffer::Buffer;
use std::fmt::Write as _;
use std::time::Duration;
use ui_fixture::{FixtureEngine, noon};

/// What stands on the screen, and below it each line's runs of styles: `3: 1-6 Green|BOLD`.
fn serialise(buffer: &Buffer) -> String {
    let mut text = String::new();
    let mut styles = String::new();
    for y in buffer.area.y..buffer.area.bottom() {
        let mut line = String::new();
        let mut runs: Vec<(u16, u16, String)> = Vec::new();
        let mut x = 0;
        while x < buffer.area.width {
            let cell = &buffer[(x, y)];
            line.push_str(cell.symbol());
            let wide = u16::try_from(unicode_width::UnicodeWidthStr::width(cell.symbol())).unwrap_or(1).max(1);
            let style = look(cell);
            match runs.last_mut() {
                Some((_, end, last)) if *last == style && *end + 1 == x => *end = x + wide - 1,
                _ => runs.push((x, x + wide - 1, style)),
            }
            x += wide;
        }
        text.push_str(line.trim_end());
        text.push('\n');
        let runs: Vec<String> =
            runs.into_iter().filter(|(.., s)| !s.is_empty()).map(|(a, b, s)| format!("{a}-{b} {s}")).collect();
        if !runs.is_empty() {
            writeln!(styles, "{y}: {}", runs.join(", ")).unwrap();
        }
    }
    format!("{text}--- styles\n{styles}")
}

fn look(cell: &ratatui::buffer::Cell) -> String {
    use ratatui::style::Color;
    let mut words = Vec::new();
    if cell.fg != Color::Reset {
        words.push(format!("{:?}", cell.fg));
    }
    if cell.bg != Color::Reset {
        words.push(format!("on {:?}", cell.bg));
    }
    if !cell.modifier.is_empty() {
        words.push(format!("{:?}", cell.modifier));
    }
    words.join(" ")
}

/// A console at a size, on a still director, after its first second.
struct Console {
    state: UiState,
    engine: FixtureEngine,
    clock: Duration,
}

impl Console {
    fn new(status: Status, events: Vec<Event>, size: (u16, u16)) -> Self {
        let engine = FixtureEngine::new(status, Vec::new(), false);
        let mut console = Self { state: UiState::new(size, false, true), engine, clock: Duration::from_secs(1) };
        console.give(Message::Events(events, true));
        console.poll();
        console.poll();
        console
    }

    fn poll(&mut self) {
        let wanted = wanted(&self.state);
        let detail =
            wanted.detail.as_ref().and_then(|(service, server)| self.engine.real_server(service, server).unwrap());
        let polled = Polled {
            summary: self.engine.summary().unwrap(),
            routers: wanted.routers.then(|| self.engine.virtual_routers().unwrap()),
            page: wanted.query.as_ref().map(|query| self.engine.rows(query).unwrap()),
            detail,
            history: wanted.history.iter().filter_map(|query| self.engine.history(query).unwrap().ok()).collect(),
            wanted,
        };
        self.give(Message::Polled(Box::new(polled)));
    }

    fn give(&mut self, message: Message) {
        for effect in update(&mut self.state, message, self.clock) {
            match effect {
                Effect::Command(serial, request) => self.command(serial, &request),
                Effect::Undoable => self.give(Message::Undoable(Ok(self.engine.undoable().unwrap()))),
                Effect::Poll if self.state.picture.is_some() => self.poll(),
                _ => {}
            }
        }
    }

    fn command(&mut self, serial: u64, request: &CommandRequest) {
        let answer = self.engine.command(request, &Who::default()).unwrap();
        self.give(Message::Answered(serial, Ok(Box::new(answer))));
        // What it says is read.
        self.clock += Duration::from_millis(300);
        self.give(Message::Tick);
    }

    fn keys(&mut self, keys: &str) -> &mut Self {
        for c in keys.chars() {
            let code = match c {
                '\n' => KeyCode::Enter,
                '\t' => KeyCode::Tab,
                '↓' => KeyCode::Down,
                c => KeyCode::Char(c),
            };
            self.give(Message::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        }
        self
    }

    fn screen(&self, theme: &str) -> String {
        serialise(&view::picture(&self.state, &Theme::load(theme).unwrap()))
    }
}

fn fixtures() -> Vec<(&'static str, Status, Vec<Event>)> {
    let now = noon();
    vec![
        ("empty", ui_fixture::empty(now), Vec::new()),
        ("pair", ui_fixture::pair(now), Vec::new()),
        ("degraded", ui_fixture::degraded(now), ui_fixture::events(now)),
        ("split_brain", ui_fixture::split_brain(now), ui_fixture::events(now)),
        ("odd_names", ui_fixture::odd_names(now), ui_fixture::events(now)),
    ]
}

#[test]
fn each_screen_stands_at_every_size() {
    let now = noon();
    for (key, screen) in [("2", "services"), ("3", "vrrp"), ("4", "timeline"), ("5", "counters"), ("6", "log")] {
        for size in [(60, 20), (80, 24), (120, 36), (200, 50)] {
            let mut console = Console::new(ui_fixture::degraded(now), ui_fixture::events(now), size);
            console.keys(key).poll();
            console.poll();
            insta::assert_snapshot!(format!("screen_{screen}_{}x{}", size.0, size.1), console.screen("ansi"));
        }
    }
}

#[test]
fn a_screen_asks_for_what_it_shows_and_for_nothing_else() {
    let mut console = Console::new(ui_fixture::degraded(noon()), Vec::new(), (120, 36));
    for (key, table, routers) in
        [("1", true, true), ("2", true, false), ("3", false, true), ("4", false, false), ("6", false, false)]
    {
        console.keys(key);
        let wanted = wanted(&console.state);
        assert_eq!((wanted.query.is_some(), wanted.routers), (table, routers), "screen {key}");
        assert!(table || wanted.detail.is_none(), "screen {key}");
    }
    // What is not asked for stays: the next look at the table has it at once, with the cursor where it was.
    console.keys("2↓↓");
    let selected = console.state.table.selected.clone();
    console.keys("4").poll();
    console.keys("2");
    assert_eq!((console.state.selected_row().map(|r| r.key.clone()), selected.is_some()), (selected, true));
}

#[test]
fn popups_stand_over_the_overview() {
    let now = noon();
    for (name, keys) in [
        ("help", "?"),
        ("add_server", "↓a"),
        ("weight", "↓w7x"),
        ("preview_drain", "↓↓d"),
        ("preview_failover", "\tF"),
        ("preview_remove", "↓↓X"),
        ("filter", "/10.0.5"),
        ("filter_wrong", "/rs:(10"),
        ("help_search", "?drain"),
        ("palette", ":"),
        ("palette_search", ":wei"),
        ("palette_arguments", ":failover --bl"),
        ("add_service", "A"),
        ("maintenance", "↓m5 y"),
        ("priority", "\tP50"),
        ("marked", "↓↓vvvv"),
        ("preview_several", "↓↓vvvvvvd"),
        ("undo", "u↓"),
        ("reload", "R"),
        ("detail", "↓\n"),
        ("paused", " "),
    ] {
        for size in [(80, 24), (120, 36)] {
            let mut console = Console::new(ui_fixture::degraded(now), ui_fixture::events(now), size);
            console.keys(keys);
            insta::assert_snapshot!(format!("popup_{name}_{}x{}", size.0, size.1), console.screen("ansi"));
        }
    }
}

#[test]
fn on_a_small_screen_what_is_typed_and_chosen_stands_alone_in_its_line() {
    let mut theme = Theme::load("mono").unwrap();
    let popups: [(&str, &str, &[&str]); 12] = [
        ("palette", ":drain 9m", &[":drain 9m", "d            drain"]),
        ("help", "?take back", &["search take back", "u            what can be taken back"]),
        ("weight", "↓w77", &["weight    77"]),
        ("wrong", "↓w7x", &["weight    7x", "to 2147483647"]),
        ("maintenance", "↓m30m", &["for       30m"]),
        ("add_server", "↓a\t5", &["weight    5"]),
        ("add_service", "A\t\t\t360", &["persist   360"]),
        ("remove", "↓↓Xab", &["type 10.0.3.11:443 to confirm:", " ab"]),
        ("drain", "↓↓d", &["touches  481 active"]),
        ("undo", "u↓", &["undo:"]),
        ("columns", "c↓↓", &["ActiveConn"]),
        ("page", "↓i", &["wants"]),
    ];
    for (name, keys, said) in popups {
        for (width, height) in [(40, 5), (40, 10), (60, 20)] {
            let mut console = Console::new(ui_fixture::degraded(noon()), ui_fixture::events(noon()), (80, 24));
            console.keys(keys);
            console.give(Message::Resize(width, height));
            for is_ascii in [false, true] {
                theme.ascii = is_ascii;
                let screen = serialise(&view::picture(&console.state, &theme));
                for said in said {
                    assert!(screen.contains(said), "{said} is not at {width}x{height}:\n{screen}");
                }
                for line in screen.lines().filter(|line| line.contains("Esc ")) {
                    let line = line.trim_matches(['│', '|', ' ']);
                    let is_alone = ["Enter ", "Esc ", "space "].iter().any(|key| line.starts_with(key));
                    assert!(is_alone, "{name}: {line} at {width}x{height}:\n{screen}");
                }
            }
            if height < 20 {
                insta::assert_snapshot!(format!("small_{name}_{width}x{height}"), console.screen("mono"));
            }
        }
    }
}

#[test]
fn a_weight_is_shown_whole_or_not_at_all() {
    for (weight, configured, shown) in
        [(80, 100, "80(100)"), (211, 100, "211(100)"), (65_535, 2_147_483_647, "65535(2147483647)")]
    {
        let mut status = ui_fixture::degraded(noon());
        let server = &mut std::sync::Arc::make_mut(&mut status.virtual_servers[0]).real_servers[0];
        (server.weight, server.configured_weight) = (weight, configured);
        let given = OverrideStatus { since: noon(), who: "anna".into(), reason: None, weight, until: None };
        server.overridden = Some(Box::new(given));
        let mut console = Console::new(status, Vec::new(), (80, 24));
        for (width, height) in [(60, 20), (80, 24), (100, 30), (120, 36), (200, 50)] {
            for key in ["1", "2"] {
                console.give(Message::Resize(width, height));
                console.keys(key).poll();
                let screen = console.screen("mono");
                let line = screen.lines().find(|line| line.contains("-> 10.0.3.11:443")).unwrap();
                assert!(width < 80 || line.contains(shown), "{shown} at {width}x{height}:\n{screen}");
                let is_cut = !line.contains(shown) && line.contains('(');
                assert!(!is_cut, "{shown} is cut at {width}x{height}:\n{screen}");
            }
        }
    }
}

#[test]
fn a_held_backup_does_not_read_as_down() {
    let mut status = ui_fixture::pair(noon());
    status.virtual_routers[0].state = lvsdeck::engine::VirtualRouterState::Backup;
    status.virtual_routers[0].held = Some("failover by alice; ends in 290 s or with rejoin".into());
    status.virtual_routers[0].next =
        serde_json::from_value(serde_json::json!({"waiting": "master down", "in_ms": 3_400})).unwrap();
    let mut console = Console::new(status, Vec::new(), (80, 24));
    for (size, key) in [((80, 24), "1"), ((120, 36), "1"), ((80, 24), "3"), ((120, 36), "3"), ((40, 10), "1")] {
        console.give(Message::Resize(size.0, size.1));
        console.keys(key);
        let screen = console.screen("mono");
        let rest = if size.0 < 60 { "BACKUP 150 25m00s held" } else { "held 4m50s" };
        let is_whole = key == "1" || screen.contains("ends in 290 s") || screen.contains("ends in 290\n");
        assert!(screen.contains(rest) && !screen.contains("down 3.4s") && is_whole, "{size:?} {key}:\n{screen}");
    }
}

/// A pair with so many instances, the eleventh of them in FAULT.
fn many_instances() -> Status {
    use lvsdeck::engine::VirtualRouterState::{Fault, Master};
    let now = noon();
    let mut status = ui_fixture::pair(now);
    let router =
        |n: u8| ui_fixture::router(now, &format!("VI_{n}"), n, if n == 11 { Fault } else { Master }, &["192.0.2.1"]);
    status.virtual_routers = (1..=12).map(router).collect();
    status
}

#[test]
fn of_more_instances_than_fit_the_worst_the_selected_one_and_how_many_more_are_shown() {
    for size in [(40, 5), (60, 15), (60, 20), (80, 24), (100, 30), (120, 36), (200, 50)] {
        let mut console = Console::new(many_instances(), Vec::new(), size);
        console.keys("\t");
        // Below line 2, which names the one in FAULT anyhow; at 40x5 the problems begin there.
        let head = if size.1 > 10 { 2 } else { 1 };
        let below = |text: &str| {
            text.lines().skip(head).filter(|line| !line.contains("! FAULT")).collect::<Vec<_>>().join("\n")
        };
        for (n, name) in ["VI_11"].into_iter().chain((1..=10).map(|n| &*format!("VI_{n}").leak())).enumerate() {
            let screen = console.screen("mono");
            let (text, styles) = screen.split_once("--- styles").unwrap();
            let (line, at) = text
                .lines()
                .enumerate()
                .skip(head)
                .filter(|(_, line)| !line.contains("! FAULT"))
                .find_map(|(y, line)| {
                    let at = line.find(&format!("{name} "))?;
                    Some((y, line.get(..at).unwrap().chars().count()))
                })
                .unwrap_or_else(|| panic!("{name} at {size:?}:\n{screen}"));
            let look = styles.lines().find_map(|runs| runs.strip_prefix(&format!("{line}: "))).unwrap_or_default();
            let is_reversed = look.split(", ").any(|run| {
                let (cells, look) = run.split_once(' ').unwrap();
                let (from, to) = cells.split_once('-').unwrap();
                let cells = from.parse::<usize>().unwrap()..=to.parse::<usize>().unwrap();
                cells.contains(&at) && look.contains("REVERSED")
            });
            assert!(is_reversed, "{name} is not seen to be selected at {size:?}:\n{screen}");
            let shown = (1..=12).filter(|n| below(text).contains(&format!("VI_{n} "))).count();
            let told = shown == 12 || text.contains(&format!("+{} more", 12 - shown));
            assert!(told, "{shown} are shown at {size:?}, step {n}:\n{screen}");
            console.keys("↓");
        }
    }
}

#[test]
fn the_next_problem_is_each_one_in_turn_an_instance_too() {
    let mut status = many_instances();
    let web = std::sync::Arc::make_mut(&mut status.virtual_servers[3]);
    web.quorum.up = false;
    web.real_servers[0] = ui_fixture::down(web.real_servers[0].clone(), noon(), 4, "timeout");
    let warning =
        serde_json::json!({"code": "no-destination", "subject": "fwmark/1234", "message": "none", "next": ""});
    status.warnings.push(serde_json::from_value(warning).unwrap());
    let summary = lvsdeck::engine::Summary::of(&status, noon(), true);
    // One failure with its consequences: the instance, the service, and its server.
    assert_eq!(summary.problem_count, 3, "{:?}", summary.problems);
    let mut console = Console::new(status, Vec::new(), (80, 24));
    let mut gone_to = Vec::new();
    for _ in 0..4 {
        console.state.picture.as_mut().unwrap().polled.summary = summary.clone();
        console.keys("n");
        let here = match console.state.focus {
            lvsdeck::ui::state::Focus::Routers => console.state.router.clone(),
            lvsdeck::ui::state::Focus::Services => console.state.table.selected.clone(),
        };
        gone_to.push(here.unwrap());
    }
    assert!(
        gone_to.contains(&"VI_11".to_owned()) && gone_to[0] == gone_to[3] && gone_to[0] != gone_to[1],
        "{gone_to:?}"
    );
}

#[test]
fn line_two_names_as_many_as_fit() {
    let mut status = ui_fixture::pair(noon());
    for (n, age) in [(4, 4), (5, 12)] {
        let server = &mut std::sync::Arc::make_mut(&mut status.virtual_servers[0]).real_servers[n];
        *server = ui_fixture::down(server.clone(), noon(), age, "timeout");
    }
    let mut console = Console::new(status, Vec::new(), (80, 24));
    let mut line = |columns| {
        console.give(Message::Resize(columns, 36));
        console.screen("mono").lines().nth(1).unwrap().to_owned()
    };
    assert_eq!(line(80), " ! DOWN 4s 10.0.3.15:443 timeout | DOWN 12s 10.0.3.16:443 timeout      (n next)");
    assert!(
        line(120).contains("15:443 tcp/192.0.2.10:443 timeout | DOWN 12s 10.0.3.16:443 tcp/192.0.2.10:443 timeout")
    );
    assert!(line(60).contains("10.0.3.15:443 tcp/192.0.2.10:443 timeout +1"), "{}", line(60));
}

#[test]
fn a_frozen_screen_is_grey_and_tells_what_is_worse_now() {
    let mut console = Console::new(ui_fixture::pair(noon()), Vec::new(), (80, 24));
    console.keys(" ");
    let screen = console.screen("ansi");
    assert!(
        screen.contains("PAUSED <1m") && screen.contains("space go on") && screen.contains("no problems"),
        "{screen}"
    );
    assert!(screen.contains("DIM"), "{screen}");
    let mut status = ui_fixture::pair(noon());
    let web = std::sync::Arc::make_mut(&mut status.virtual_servers[3]);
    web.quorum.up = false;
    web.real_servers[0] = ui_fixture::down(web.real_servers[0].clone(), noon(), 0, "timeout");
    status.virtual_routers[0].state = lvsdeck::engine::VirtualRouterState::Backup;
    console.engine = FixtureEngine::new(status, Vec::new(), false);
    console.state.dirty = false;
    console.poll();
    assert!(std::mem::take(&mut console.state.dirty), "it is drawn");
    for size in [(80, 24), (120, 36), (60, 20), (40, 10)] {
        console.give(Message::Resize(size.0, size.1));
        let screen = console.screen("mono");
        let line = screen.lines().nth(1).unwrap();
        assert!(line.starts_with(" ! now MASTER 1/2  +1") && line.trim_end().ends_with("(space goes on)"), "{screen}");
    }
    console.state.dirty = false;
    console.poll();
    assert!(!console.state.dirty, "nothing that is shown is new");
    console.keys(" ");
    assert!(console.screen("mono").contains("! DOWN 0s 10.0.8.1:0"));
}

#[test]
fn what_was_not_on_screen_is_read_before_it_is_done() {
    let mut console = Console::new(ui_fixture::degraded(noon()), Vec::new(), (80, 24));
    console.keys("↓↓vvvvvvd");
    console.give(Message::Resize(40, 6));
    assert!(console.screen("mono").contains("Enter read on"), "{}", console.screen("mono"));
    console.keys("\n");
    assert!(!console.state.popups.is_empty(), "read first");
    let mut enters = 1;
    while !console.state.popups.is_empty() {
        assert!(enters < 9, "{}", console.screen("mono"));
        console.keys("\n");
        enters += 1;
    }
    assert!(enters > 1 && console.state.said.is_some());
}

#[test]
fn a_long_address_leaves_room_for_the_weight() {
    let mut status = ui_fixture::pair(noon());
    let key = "[fd00:dead:beef:1111:2222:3333:4444:1111]:8443";
    let web = std::sync::Arc::make_mut(&mut status.virtual_servers[0]);
    web.real_servers[0].key = key.parse().unwrap();
    let console = Console::new(status, Vec::new(), (80, 24));
    let screen = console.screen("mono");
    for word in ["Weight", "Active", "CPS", "  -> [fd00:dead:bee", "4444:1111]:8443", "…"] {
        assert!(screen.contains(word), "{word}:\n{screen}");
    }
}

#[test]
fn at_a_hundred_columns_the_peer_is_shown_as_at_eighty() {
    for size in [(80, 24), (100, 30), (119, 36), (120, 36)] {
        let console = Console::new(ui_fixture::pair(noon()), Vec::new(), size);
        assert!(console.screen("mono").contains("10.0.0.12 100 25m00s"), "{size:?}: {}", console.screen("mono"));
    }
}

#[test]
fn the_four_acts_go_from_key_to_done() {
    let now = noon();
    let mut console = Console::new(ui_fixture::degraded(now), Vec::new(), (80, 24));
    console.keys("↓↓d\n");
    let said = console.state.said.clone().unwrap().text;
    assert!(said.contains("weight of 10.0.3.11:443") && said.contains("is 0"), "{said}");
    console.keys("D\n");
    assert!(console.state.said.clone().unwrap().text.contains("is 100"));
    console.keys("w7\n\n");
    assert!(console.state.said.clone().unwrap().text.contains("is 7"));
    console.keys("\tFVI_web\n");
    assert!(console.state.said.clone().unwrap().text.contains("failover done"));
}

#[test]
fn an_engine_that_fell_silent_leaves_a_grey_picture_and_says_since_when() {
    let now = noon();
    let mut console = Console::new(ui_fixture::degraded(now), ui_fixture::events(now), (80, 24));
    console.give(Message::Lost("no engine answers".to_owned(), false));
    update(&mut console.state, Message::Tick, Duration::from_secs(13));
    let screen = console.screen("ansi");
    assert!(screen.contains("NO ANSWER 12s") && screen.contains("14:02:23Z"), "{screen}");
    // What is down stays to be read, and nothing counts on that nobody confirms.
    assert!(screen.contains(" ! the engine does not answer for 12s; before: DOWN 12s 10.0.3.15:443"), "{screen}");
    assert_eq!(console.state.engine_now(), Some(now));
    assert!(screen.contains("chg 12s"), "{screen}");
    assert!(screen.contains("DIM"));
    console.give(Message::Resize(40, 10));
    let small = console.screen("ansi");
    assert!(small.contains("! the engine does not answer for "), "{small}");
    console.give(Message::Lost("no engine answers".to_owned(), true));
    console.give(Message::Resize(80, 24));
    let gone = console.screen("ansi");
    assert!(gone.contains("NO ENGINE ") && gone.contains("! the engine is gone for "), "{gone}");
}

#[test]
fn an_engine_that_was_stopped_in_order_is_told_as_one() {
    let now = noon();
    let fact = |kind, subject: &str| Fact::new(kind, Severity::Notice, subject);
    let asked = fact(EventKind::Command, "stop").to("done").who("root, pid 9");
    let events = [asked, fact(EventKind::EngineStopping, "engine")];
    let events = (900..).zip(events).map(|(seq, fact)| Event::stamp(fact, seq, now, 1)).collect();
    let mut console = Console::new(ui_fixture::degraded(now), events, (80, 24));
    console.give(Message::Lost("no engine answers".to_owned(), false));
    update(&mut console.state, Message::Tick, Duration::from_secs(5));
    let screen = console.screen("ansi");
    assert!(screen.contains("STOPPED 4s") && screen.contains("was stopped 4s ago by root; before: "), "{screen}");
}

#[test]
fn no_size_and_no_fixture_makes_it_panic_or_write_a_control_character() {
    let theme = Theme::load("dark").unwrap();
    for (_, status, events) in fixtures() {
        let mut console = Console::new(status, events, (80, 24));
        for keys in ["", "↓a", "?", "↓d", ":", "A", "↓w5", "u", "2\n", "3", "4", "5", "6"] {
            console.keys(keys);
            for width in [1, 2, 3, 10, 39, 40, 59, 60, 99, 100, 119, 250] {
                for height in [1, 2, 3, 4, 5, 14, 15, 19, 20, 29, 30, 60] {
                    console.give(Message::Resize(width, height));
                    let buffer = view::picture(&console.state, &theme);
                    let bad = buffer.content.iter().find(|cell| cell.symbol().chars().any(char::is_control));
                    assert_eq!(bad, None);
                }
            }
            console.state.popups.clear();
            console.keys("1");
        }
    }
}

#[test]
fn ascii_terminals_get_ascii() {
    let mut console = Console::new(ui_fixture::degraded(noon()), ui_fixture::events(noon()), (120, 36));
    let mut theme = Theme::load("ansi").unwrap();
    theme.ascii = true;
    for screen in ["1", "2", "3", "4", "5", "6"] {
        console.keys(screen).poll();
        let buffer = view::picture(&console.state, &theme);
        assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()), "screen {screen}");
    }
}

#[test]
fn a_step_of_the_cursor_costs_at_most_400_bytes() {
    let mut console = Console::new(ui_fixture::pair(noon()), Vec::new(), (200, 50));
    let theme = Theme::load("ansi").unwrap();
    console.keys("↓");
    console.poll();
    for _ in 0..4 {
        let before = view::picture(&console.state, &theme);
        console.keys("↓");
        console.poll();
        let after = view::picture(&console.state, &theme);
        let mut bytes = Vec::new();
        paint(&mut bytes, before.diff(&after), 200);
        assert!(!bytes.is_empty() && bytes.len() <= 400, "{} bytes", bytes.len());
    }
}

#[test]
fn the_keys_in_the_documentation_are_those_of_the_program() {
    let text = std::fs::read_to_string("docs/console.md").unwrap();
    assert!(
        text.contains(&lvsdeck::ui::keymap::markdown()),
        "docs/console.md wants:\n{}",
        lvsdeck::ui::keymap::markdown()
    );
}

#[test]
fn a_short_loss_of_mastership_does_not_hide_between_two_letters() {
    use lvsdeck::engine::{StateChange, VirtualRouterState};
    use lvsdeck::ui::rows::timeline::letters;
    let now = noon();
    let mut router = ui_fixture::router(now, "VI_1", 51, VirtualRouterState::Master, &["192.0.2.10/24"]);
    let change = |seconds, state| StateChange { at: now - Duration::from_secs(seconds), state, reason: String::new() };
    router.history = vec![
        change(1_800, VirtualRouterState::Backup),
        change(1_790, VirtualRouterState::Master),
        change(95, VirtualRouterState::Fault),
        change(91, VirtualRouterState::Master),
    ];
    router.since = now - Duration::from_secs(91);
    let hour = letters(&router, &[], now, 60);
    let with_split = letters(&router, &[now - Duration::from_mins(10)], now, 60);
    assert_eq!((with_split.matches('S').count(), with_split.chars().nth(49)), (1, Some('S')));
    assert_eq!(hour, format!("{}b{}fM", ".".repeat(29), "M".repeat(28)));
    assert_eq!(letters(&router, &[], now, 0), "");
}

#[test]
fn the_last_letter_is_the_state_of_this_moment() {
    use lvsdeck::engine::{StateChange, VirtualRouterState};
    use lvsdeck::ui::rows::timeline::letters;
    let now = noon();
    let mut router = ui_fixture::router(now, "VI_1", 51, VirtualRouterState::Master, &["192.0.2.10/24"]);
    let change = |seconds, state| StateChange { at: now - Duration::from_secs(seconds), state, reason: String::new() };
    router.history = vec![change(47, VirtualRouterState::Backup), change(43, VirtualRouterState::Master)];
    router.since = now - Duration::from_secs(43);
    assert_eq!(letters(&router, &[], now, 10), format!("{}M", ".".repeat(9)));
    // The picture is newer than the clock that ages are taken from: what is known is what is shown.
    let before = now - Duration::from_secs(45);
    assert_eq!(letters(&router, &[], before, 10), format!("{}M", ".".repeat(9)));
    // A cell in which the state changed shows what it changed to.
    let later = now + Duration::from_mins(10);
    assert_eq!(letters(&router, &[], later, 10), format!("{}MM", ".".repeat(8)));
}

#[test]
fn an_event_is_on_screen_without_waiting_for_the_next_second() {
    let now = noon();
    let mut console = Console::new(ui_fixture::pair(now), Vec::new(), (80, 24));
    let effects = update(&mut console.state, Message::Events(ui_fixture::events(now), false), Duration::from_secs(1));
    assert_eq!(effects, [Effect::Poll], "the picture is asked for at once");
    assert!(console.state.dirty);
    assert!(console.screen("ansi").contains("-12s x 10.0.3.15:443 DOWN connection refused"));
}

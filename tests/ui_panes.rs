//! Pages, the connection browser and the column chooser: at every size as text and as runs of styles, and key by key.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing)] // a test: a panic is its verdict

mod ui_fixture;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use lvsdeck::engine::{
    AnnouncementStatus, ClientCount, ConnectionRow, ConnectionsPage, ConnectionsQuery, EngineHandle, Event, Family,
    ForeignCounters, ForeignRouter, HostLoad, InterfaceCounters, InterfaceLoad, InterfaceRates, Jitter, LogLine,
    LogPage, RefusedPacket, ServerCount, Severity, SplitBrainStatus, StateCount, Status, WhatIf,
};
use lvsdeck::ui::intent::{Effect, Message};
use lvsdeck::ui::popup::Popup;
use lvsdeck::ui::state::{Polled, UiState};
use lvsdeck::ui::theme::Theme;
use lvsdeck::ui::update::{update, wanted};
use lvsdeck::ui::view;
use ratatui::buffer::Buffer;
use std::fmt::Write as _;
use std::time::Duration;
use ui_fixture::{FixtureEngine, noon};

const SIZES: [(u16, u16); 3] = [(40, 10), (80, 24), (120, 36)];

/// What stands on the screen, and which looks each line has.
fn serialise(buffer: &Buffer) -> String {
    let (mut text, mut styles) = (String::new(), String::new());
    for y in 0..buffer.area.height {
        let cells = (0..buffer.area.width).map(|x| &buffer[(x, y)]);
        let line: String = cells.clone().map(ratatui::buffer::Cell::symbol).collect();
        writeln!(text, "{}", line.trim_end()).unwrap();
        let mut looks: Vec<String> = cells.map(|cell| format!("{:?} {:?}", cell.fg, cell.modifier)).collect();
        looks.dedup();
        writeln!(styles, "{y}: {}", looks.join(", ")).unwrap();
    }
    format!("{text}--- styles\n{styles}")
}

struct Console {
    state: UiState,
    engine: FixtureEngine,
    /// What was asked of the connection table, the oldest first.
    asked: Vec<ConnectionsQuery>,
    /// What it answers.
    table: Result<ConnectionsPage, String>,
}

impl Console {
    fn new(status: Status, events: Vec<Event>, size: (u16, u16)) -> Self {
        let engine = FixtureEngine::new(status, Vec::new(), false);
        let (state, table) = (UiState::new(size, false, true), Ok(connections()));
        let mut console = Self { state, engine, asked: Vec::new(), table };
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
        for effect in update(&mut self.state, message, Duration::from_secs(1)) {
            match effect {
                Effect::Connections(serial, query) => {
                    self.asked.push(query);
                    let answer = self.table.clone().map(Box::new);
                    self.give(Message::Connections(serial, answer));
                }
                Effect::Poll if self.state.picture.is_some() => self.poll(),
                _ => {}
            }
        }
    }

    /// Presses keys, a second apart.
    fn keys(&mut self, keys: &str) -> &mut Self {
        for c in keys.chars() {
            let code = match c {
                '\n' => KeyCode::Enter,
                '\t' => KeyCode::Tab,
                '↓' => KeyCode::Down,
                '⇟' => KeyCode::PageDown,
                '←' => KeyCode::Esc,
                c => KeyCode::Char(c),
            };
            self.give(Message::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        }
        self.poll();
        self
    }

    fn screen(&self, theme: &str) -> String {
        serialise(&view::picture(&self.state, &Theme::load(theme).unwrap()))
    }
}

/// Two servers' connections, one of them with a template.
fn connections() -> ConnectionsPage {
    let state = |state: &str, connections| StateCount { protocol: "tcp".into(), state: state.into(), connections };
    let server = |server: &str, connections, templates, empty_in_s| ServerCount {
        service: "tcp/192.0.2.10:443".into(),
        server: server.into(),
        connections,
        templates,
        empty_in_s,
    };
    let row = |client: &str, state: &str, expires_s, template| ConnectionRow {
        protocol: "tcp".into(),
        client: client.parse().unwrap(),
        service: "tcp/192.0.2.10:443".into(),
        server: "10.0.3.11:443".parse().unwrap(),
        state: state.into(),
        expires_s,
        template,
        engine_key: None,
    };
    ConnectionsPage {
        at: noon(),
        took_ms: 12,
        complete: true,
        total: 4_812,
        matching: 481,
        templates: 1,
        empty_in_s: Some(899),
        states: vec![state("ESTABLISHED", 400), state("FIN_WAIT", 80), state("SYN_RECV", 1)],
        services: Vec::new(),
        real_servers: vec![server("10.0.3.11:443", 470, 1, 899), server("10.0.3.12:443", 11, 0, 102)],
        clients: vec![
            ClientCount { client: "10.9.1.4".parse().unwrap(), connections: 300 },
            ClientCount { client: "2001:db8:1234:5678:9abc:def0:1234:5678".parse().unwrap(), connections: 2 },
        ],
        clients_short_by: 0,
        rows: vec![
            row("10.9.1.4:51234", "ESTABLISHED", 899, false),
            row("10.9.1.4:51235", "FIN_WAIT", 102, false),
            row("10.9.1.4:0", "NONE", 300, true),
        ],
    }
}

/// A director whose first instance has everything that can be known of one.
fn contested() -> Status {
    let now = noon();
    let mut status = ui_fixture::degraded(now);
    let router = &mut status.virtual_routers[0];
    let seconds = Duration::from_secs;
    router.detail.destinations = vec!["224.0.0.18".into()];
    router.detail.source = Some("10.0.0.11".into());
    let round = |ago, repeat| AnnouncementStatus { at: now - seconds(ago), addresses: 2, repeat };
    router.detail.announcements = vec![round(1_500, 5), round(1_495, 5), round(60, 1)];
    router.detail.split_brain = Some(SplitBrainStatus {
        with: vec!["10.0.0.12".into()],
        cause: "not-heard-by-peer".into(),
        evidence: "10.0.0.12 advertises priority 100 below ours: it does not hear this node".into(),
    });
    router.detail.what_if = vec![
        WhatIf {
            event: "this node stops, or hands over by `failover`".into(),
            new_master: Some("10.0.0.12".into()),
            in_ms: Some(609),
            note: String::new(),
            assumes: vec!["10.0.0.12, last heard 1500 s ago, is alive and still has priority 100".into()],
        },
        WhatIf { event: "script web fails".into(), note: "nothing moves".into(), ..WhatIf::default() },
        WhatIf { event: "both die".into(), ..WhatIf::default() },
    ];
    router.counters.rejected_auth = 3;
    let on = |interface: &str, vrid, counters| ForeignRouter {
        interface: interface.into(),
        family: Family::Inet,
        vrid,
        address: "10.0.0.9".into(),
        last_heard_at: now - seconds(2),
        last_priority: None,
        counters,
    };
    let counters = ForeignCounters { rejected_vrid: 12_345, rejected_ttl: 1, ..ForeignCounters::default() };
    status.foreign_routers = vec![on("eth0", 7, counters), on("eth9", 8, counters)];
    let peer = &mut router.peers[0].detail;
    (peer.interval_ms, peer.checksum) = (Some(1_000), Some("message-only".into()));
    peer.jitter = Some(Jitter { gaps: 31, min_us: 998_004, mean_us: 1_000_420, max_us: 1_604_001 });
    peer.refused = Some(RefusedPacket {
        at: now - seconds(12),
        reason: "another password: compare auth_pass".into(),
        bytes: "45 c0 00 28 00 01 00 00 ff 70 19 32 0a 00 00 0c e0 00 00 12 21 33 64 01 01 01 ba 52 c0 00 02 0a ** ** ** ** \
                ** ** ** **"
            .into(),
        length: 40,
    });
    status
}

/// A host with a bond that drops and an interface that has just come.
fn host() -> HostLoad {
    let counters = |bytes, errors, dropped| InterfaceCounters { bytes, packets: bytes / 800, errors, dropped };
    let rates = |rx, tx| InterfaceRates {
        rx_bytes_per_s: rx,
        rx_packets_per_s: rx / 800.0,
        tx_bytes_per_s: tx,
        tx_packets_per_s: tx / 800.0,
    };
    let interface = |name: &str, rx, tx, rates| InterfaceLoad { name: name.into(), rx, tx, rates };
    HostLoad {
        at: noon(),
        over_ms: Some(1_004),
        cpus: 8,
        cpu_percent: Some(37.5),
        load: [7.9, 3.25, 1.5],
        memory_bytes: 16_000_000_000,
        memory_available_bytes: 12_000_000_000,
        swap_bytes: 2_000_000_000,
        swap_used_bytes: 1_900_000_000,
        uptime_s: 273_600,
        interfaces: vec![
            interface("lo", counters(8_000, 0, 0), counters(8_000, 0, 0), Some(rates(0.0, 0.0))),
            interface(
                "bond0",
                counters(123_456_789_012, 0, 42),
                counters(98_765_432, 1, 0),
                Some(rates(41_200_000.0, 512_900_000.0)),
            ),
            interface("veth\u{1b}[2Jx", counters(1_600, 0, 0), counters(0, 0, 0), None),
        ],
    }
}

fn log(lines: &[(u64, Severity, &str)]) -> LogPage {
    let line = |(seq, level, text): &(u64, Severity, &str)| LogLine {
        seq: *seq,
        at: noon() - Duration::from_secs(100 - seq),
        level: *level,
        text: (*text).to_owned(),
    };
    let lines: Vec<LogLine> = lines.iter().map(line).collect();
    LogPage { oldest: 1, newest: lines.last().map_or(0, |line| line.seq), lines }
}

fn some_lines() -> LogPage {
    log(&[
        (1, Severity::Info, "lvsdeck 0.1.0 started on lvs-a"),
        (2, Severity::Notice, "(VI_web) Entering MASTER STATE: higher priority than 10.0.0.12"),
        (
            3,
            Severity::Warning,
            "TCP_CHECK on service [10.0.3.15]:tcp:443 failed for VS [192.0.2.10]:tcp:443: connection refused",
        ),
        (4, Severity::Error, "can't write the status: No space left on device (os error 28)"),
    ])
}

fn degraded(size: (u16, u16)) -> Console {
    Console::new(ui_fixture::degraded(noon()), ui_fixture::events(noon()), size)
}

#[test]
fn every_pane_stands_at_every_size() {
    for size in SIZES {
        let named = |name: &str| format!("pane_{name}_{}x{}", size.0, size.1);
        for (name, keys) in [
            ("server", "↓i"),
            ("server_down", "↓↓↓↓↓i"),
            ("service", "i"),
            ("columns", "c"),
            ("columns_counters", "5c↓↓ "),
            ("connections_states", "↓C"),
            ("connections_servers", "↓C\t"),
            ("connections_clients", "↓C\t\t"),
            ("connections_rows", "↓C\t\t\t"),
            ("connections_words", "↓C/"),
        ] {
            let mut console = degraded(size);
            console.keys(keys);
            insta::assert_snapshot!(named(name), console.screen("ansi"));
        }
        for (name, keys) in [("host", "5\t"), ("engine_log", "6\t")] {
            let mut console = Console::new(contested(), ui_fixture::events(noon()), size);
            console.keys(keys);
            console.give(Message::Host(Ok(Box::new(host()))));
            console.give(Message::Log(Ok(some_lines())));
            insta::assert_snapshot!(named(name), console.screen("ansi"));
        }
        let mut watch = Console::new(Status { mode: "watch".to_owned(), ..contested() }, Vec::new(), size);
        watch.keys("3i");
        insta::assert_snapshot!(named("router_watched"), watch.screen("ansi"));
        for (name, keys) in [("router", "3i"), ("router_end", "3iG")] {
            let mut console = Console::new(contested(), ui_fixture::events(noon()), size);
            console.keys("3").keys(keys);
            insta::assert_snapshot!(named(name), console.screen("ansi"));
        }
    }
}

#[test]
fn a_page_says_what_the_operator_wants_the_checks_say_and_the_kernel_has() {
    let mut console = degraded((80, 24));
    console.state.table.selected = Some("tcp/192.0.2.20:5432 10.0.5.2:5432".to_owned());
    let screen = console.keys("i").screen("mono");
    for said in ["wants draining", "by alice: kernel update", "say up for 3h07m", "weight 0, wanted 0", "31 active"] {
        assert!(screen.contains(said), "{said} is not in\n{screen}");
    }
}

#[test]
fn a_page_follows_the_selection_lets_acts_through_and_asks_for_its_details_alone() {
    let mut console = degraded((80, 24));
    console.keys("↓i");
    let subject =
        |console: &Console| wanted(&console.state).history.iter().map(|q| q.subject.clone()).collect::<Vec<_>>();
    let server = wanted(&console.state).detail.unwrap().1;
    assert_eq!(subject(&console), [format!("tcp/192.0.2.10:443 {server}")]);
    console.keys("l");
    assert_ne!(wanted(&console.state).detail.unwrap().1, server, "l goes on to the next server");
    console.keys("d");
    assert!(matches!(console.state.popups.last(), Some(Popup::Preview(_))), "d drains what the page shows");
    console.keys("←←");
    assert!(console.state.popups.is_empty() && subject(&console).is_empty());
    console.keys("i4");
    assert!(console.state.popups.is_empty(), "another screen closes the page");
}

#[test]
fn enter_shows_more_of_a_server_and_esc_goes_back_level_by_level() {
    let mut console = degraded((80, 24));
    console.keys("↓\n");
    assert!(console.state.detail_open && console.state.popups.is_empty());
    console.keys("\n");
    assert!(console.state.reads_row());
    console.keys("←");
    assert!(console.state.detail_open && !console.state.reads_row());
    console.keys("←");
    assert!(!console.state.detail_open);
}

#[test]
fn the_connection_table_is_asked_for_by_key_and_never_by_the_clock() {
    let mut console = degraded((80, 24));
    console.keys("↓C");
    let server = wanted(&console.state).follow.unwrap().split(' ').next_back().unwrap().to_owned();
    assert_eq!(console.asked.len(), 1);
    assert_eq!(console.asked[0].service.as_ref().map(|s| s.0.as_str()), Some("tcp/192.0.2.10:443"));
    assert_eq!(console.asked[0].server.map(|s| s.to_string()), Some(server));
    for _ in 0..5 {
        console.poll();
        console.give(Message::Tick);
    }
    console.keys("\t\t↓");
    assert_eq!(console.asked.len(), 1, "neither seconds nor looking around ask");
    console.keys("C");
    assert_eq!((console.asked.len(), &console.asked[1]), (2, &console.asked[0].clone()));
}

#[test]
fn on_a_low_screen_the_chosen_line_of_the_connection_table_stays_to_be_seen() {
    for height in 5..=12 {
        let mut console = degraded((40, height));
        console.keys("↓C\t");
        let screen = console.screen("mono");
        assert!(screen.contains("10.0.3.11:443 "), "40x{height}:\n{screen}");
        for line in screen.lines().filter(|line| line.contains("Esc ")) {
            assert!(line.starts_with(" Esc back"), "40x{height}:\n{screen}");
        }
    }
}

#[test]
fn the_connection_table_narrows_by_the_chosen_line_and_widens_with_esc() {
    let mut console = degraded((80, 24));
    console.keys("↓C\n");
    assert_eq!(console.asked[1].state.as_deref(), Some("ESTABLISHED"));
    console.keys("\t\n");
    assert_eq!(console.asked[2].client, "10.9.1.4".parse().ok());
    console.keys("←");
    assert_eq!((console.asked[3].client, console.asked[3].state.as_deref()), (None, Some("ESTABLISHED")));
    console.keys("←←");
    assert!(console.state.popups.is_empty());
    console.keys("C/");
    let field = |console: &Console| match console.state.popups.last() {
        Some(Popup::Connections(browser)) => browser.field.as_ref().map(|field| field.text().to_owned()),
        _ => None,
    };
    assert!(field(&console).unwrap().contains("service:tcp/192.0.2.10:443"));
    console.keys(" client:10.9.0.0/16\n");
    assert_eq!(console.asked.last().unwrap().client, "10.9.0.0/16".parse().ok());
}

#[test]
fn more_connections_than_a_window_come_window_by_window() {
    let mut console = degraded((80, 24));
    let rows = vec![connections().rows[0].clone(); 200];
    console.table = Ok(ConnectionsPage { rows, ..connections() });
    console.keys("C\t\t\tG↓");
    assert_eq!(console.asked.last().unwrap().offset, 200);
    console.keys("G⇟");
    assert_eq!(console.asked.last().unwrap().offset, 400);
    let asked = console.asked.len();
    console.keys("G⇟");
    assert_eq!(console.asked.len(), asked, "482 are all");
}

#[test]
fn a_kernel_that_cannot_say_is_told_in_its_words() {
    let mut console = degraded((80, 24));
    console.table =
        Err("this dataplane keeps no connection table; look at active and inactive in the table".to_owned());
    let screen = console.keys("C").screen("mono");
    assert!(screen.contains("this dataplane keeps no connection table"), "{screen}");
}

#[test]
fn chosen_columns_stand_in_the_table_on_both_of_its_screens() {
    let mut console = degraded((130, 36));
    assert!(!console.screen("mono").contains("Kernel"));
    // Down to the columns that are not shown, to Kernel.
    let at = lvsdeck::ui::rows::columns::ALL.iter().position(|column| column.word == "Kernel").unwrap();
    console.keys("c").keys(&"↓".repeat(at)).keys(" ←");
    assert!(console.state.popups.is_empty());
    for screen in ["1", "2"] {
        assert!(console.keys(screen).screen("mono").contains("Kernel"), "screen {screen}");
    }
    assert!(!console.keys("5").screen("mono").contains("Kernel"), "the counters have a set of their own");
    assert!(!console.keys("1c0←").screen("mono").contains("Kernel"), "0 takes the usual ones");
}

#[test]
fn the_host_and_the_engines_log_are_asked_for_while_they_are_on_screen_and_not_otherwise() {
    let mut console = degraded((80, 24));
    let asks = |console: &Console| {
        let wanted = wanted(&console.state);
        (wanted.host, wanted.log, wanted.query.is_some())
    };
    for (keys, asked) in [
        ("1", (false, false, true)),
        ("5", (false, false, true)),
        ("\t", (true, false, false)),
        ("6", (false, false, false)),
        ("\t", (false, true, false)),
        ("5", (true, false, false)),
        ("\t", (false, false, true)),
    ] {
        console.keys(keys);
        assert_eq!(asks(&console), asked, "after {keys:?}");
    }
    // Of the past it is not asked, and a recording has none.
    console.keys("\t[");
    assert!(!wanted(&console.state).host && console.state.viewing.is_some());
    console.state.replay = Some((noon(), noon()));
    assert!(console.screen("mono").contains("how busy the host was is not recorded"));
}

#[test]
fn a_long_name_of_an_instance_is_cut_in_its_middle_and_moves_no_column_away() {
    let mut status = contested();
    status.virtual_routers[1].name = format!("VI_of_the{}_customer_2", "_second".repeat(9));
    let mut console = Console::new(status, Vec::new(), (120, 36));
    console.keys("5\t");
    let screen = console.screen("mono");
    let places: Vec<_> = screen.lines().filter_map(|line| line.find("accepted ")).collect();
    assert!(places.len() == 2 && screen.contains("VI_of_the_se…_customer_2 accepted"), "{screen}");
    assert_eq!(places[0].abs_diff(places[1]), "…".len() - 1, "{screen}");
}

#[test]
fn the_engines_log_shows_a_level_and_above_and_keeps_its_place() {
    let mut console = degraded((80, 24));
    console.keys("6\t");
    console.give(Message::Log(Ok(some_lines())));
    assert!(console.screen("mono").contains("lvsdeck 0.1.0 started"));
    console.keys("ss");
    let screen = console.screen("mono");
    assert!(screen.contains("warning and above") && !screen.contains("Entering MASTER"), "{screen}");
    console.keys("ss/!refused\n");
    let screen = console.screen("mono");
    let is_left_out = !screen.lines().skip(2).any(|line| line.contains("connection refused"));
    assert!(screen.contains("Entering MASTER") && is_left_out, "{screen}");
    console.keys("/←←");
    let many: Vec<(u64, Severity, &str)> = (5..80).map(|seq| (seq, Severity::Info, "something")).collect();
    console.give(Message::Log(Ok(log(&many))));
    console.keys("⇟");
    let place = console.state.engine_log.scroll;
    assert!(place > 0);
    console.give(Message::Log(Ok(log(&[(80, Severity::Info, "new")]))));
    assert_eq!(console.state.engine_log.scroll, place + 1, "a new line moves nothing that is looked at");
    // Numbers that begin anew: another engine.
    console.give(Message::Log(Ok(log(&[(1, Severity::Info, "another engine")]))));
    assert_eq!(console.state.engine_log.lines.len(), 1);
    console.give(Message::Log(Err("there is no log of an engine here".to_owned())));
    console.state.engine_log.lines.clear();
    assert!(console.screen("mono").contains("there is no log of an engine here"));
}

#[test]
fn no_size_and_no_fixture_makes_a_pane_panic_or_write_a_control_character() {
    let theme = Theme::load("dark").unwrap();
    let statuses = [ui_fixture::empty(noon()), ui_fixture::odd_names(noon()), contested()];
    for status in statuses {
        let mut console = Console::new(status, ui_fixture::events(noon()), (80, 24));
        console.give(Message::Host(Ok(Box::new(host()))));
        console.give(Message::Log(Ok(log(&[(1, Severity::Info, "a\u{1b}[2Jb\u{7}")]))));
        for keys in ["5\t", "6\t", "i", "↓i", "3i", "1C", "1C\t", "1C\t\t", "1C\t\t\t", "1C/x", "1c"] {
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
            console.give(Message::Resize(80, 24));
            console.keys("1");
        }
    }
}

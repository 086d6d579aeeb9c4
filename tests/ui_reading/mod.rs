//! What a reader in a hurry must not be misled by, at the sizes where something has to give way.

use super::Console;
use super::ui_fixture::{self, noon};
use lvsdeck::engine::{SplitBrainStatus, Status};
use lvsdeck::ui::intent::Message;
use lvsdeck::ui::popup::{Phase, Popup};

/// A moment of the past with two masters, as it is remembered.
fn remembered_split() -> Status {
    let mut status = ui_fixture::split_brain(noon());
    for router in &mut status.virtual_routers {
        (router.peers, router.next) = (Vec::new(), None);
    }
    status.virtual_routers[0].detail.split_brain =
        Some(SplitBrainStatus { with: Vec::new(), cause: "told".into(), evidence: "aa:bb answers ARP".into() });
    status
}

#[test]
fn two_masters_are_named_where_the_instance_stands_on_every_screen_and_size() {
    for (size, key) in [((40, 10), "1"), ((80, 24), "1"), ((80, 24), "3"), ((120, 36), "1"), ((120, 36), "3")] {
        let mut console = Console::new(remembered_split(), Vec::new(), size);
        console.keys(key).poll();
        let screen = console.screen("mono");
        let line = screen.lines().skip(2).find(|line| line.contains("SPLIT-BRAIN"));
        assert!(line.is_some_and(|line| line.contains("VI_")), "{size:?} {key}:\n{screen}");
    }
    let mut console = Console::new(remembered_split(), Vec::new(), (80, 24));
    console.keys("3").poll();
    console.keys("\n");
    let page = console.screen("mono");
    assert!(page.contains("two masters") && page.contains("told: aa:bb answers ARP"), "{page}");
}

#[test]
fn the_clock_of_then_stands_beside_a_split_brain_of_the_past() {
    let mut console = Console::new(remembered_split(), Vec::new(), (80, 24));
    console.keys("[").poll();
    let screen = console.screen("mono");
    let first = screen.lines().next().unwrap();
    assert!(first.contains("SPLIT-BRAIN") && first.contains("PAST -1s"), "{first}");
    assert!(first.contains('Z'), "the time of day of then: {first}");
}

#[test]
fn lines_1_and_2_stand_over_every_popup_at_every_size() {
    for (size, lines) in [((40, 5), 1), ((40, 10), 1), ((80, 24), 2), ((120, 36), 2)] {
        for keys in ["↓↓d", "↓↓X", "A", "u", "R", "?", ":", "C", "c"] {
            let now = noon();
            let mut console = Console::new(ui_fixture::degraded(now), ui_fixture::events(now), (80, 24));
            console.give(Message::Resize(size.0, size.1));
            let head = |console: &Console| {
                let screen = console.screen("mono");
                screen.lines().take(lines).map(str::to_owned).collect::<Vec<_>>()
            };
            let before = head(&console);
            console.give(Message::Resize(80, 24));
            console.keys(keys);
            console.give(Message::Resize(size.0, size.1));
            assert!(!console.state.popups.is_empty(), "{keys}");
            assert_eq!(head(&console), before, "{keys} at {size:?}");
        }
    }
}

#[test]
fn the_worst_sentence_of_a_preview_is_seen_first_at_40x5() {
    let mut console = Console::new(ui_fixture::degraded(noon()), Vec::new(), (80, 24));
    console.keys("↓↓d");
    let Some(Popup::Preview(popup)) = console.state.popups.last_mut() else { panic!() };
    let Phase::Ready(answer) = &mut popup.phase else { panic!() };
    answer.preview.blast_radius =
        "1 of 1 servers, 100 % of the weight, 39 active connections; no server is left".into();
    answer.preview.confirm = Some("drain".into());
    for size in [(40, 5), (40, 10)] {
        console.give(Message::Resize(size.0, size.1));
        let screen = console.screen("mono");
        let lines: Vec<&str> = screen.lines().collect();
        let (worst, word) = (&lines[2], screen.contains("type drain to confirm"));
        assert!(worst.contains("touches  no server is left;") && word, "{size:?}:\n{screen}");
    }
}

#[test]
fn a_message_that_is_longer_than_its_line_takes_lines_above_and_its_end_is_read() {
    let long = "no commands from you: the engine found no group lvsdeck: run as root, or make the group and restart the engine";
    for (size, popup) in [((40, 5), ""), ((40, 10), ""), ((80, 24), ""), ((80, 24), "?"), ((120, 36), "")] {
        let mut console = Console::new(ui_fixture::degraded(noon()), Vec::new(), (80, 24));
        console.keys(popup);
        console.give(Message::Resize(size.0, size.1));
        console.give(Message::Warning(long.into()));
        let screen = console.screen("mono");
        let said = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        let end = if size.1 == 5 { "no commands from you:" } else { "restart the engine" };
        assert!(said.contains(end), "{size:?}:\n{screen}");
        assert!(screen.starts_with(" MASTER"), "line 1 stays:\n{screen}");
    }
}

#[test]
fn the_instance_that_an_act_is_for_is_marked_where_only_problems_have_room() {
    let mut console = Console::new(ui_fixture::degraded(noon()), Vec::new(), (40, 10));
    console.keys("\t");
    let before = console.screen("mono");
    console.keys("j");
    let after = console.screen("mono");
    let marks =
        |screen: &str| screen.lines().filter(|line| line.contains("REVERSED")).map(str::to_owned).collect::<Vec<_>>();
    assert!(marks(&before) != marks(&after), "{before}\n{after}");
}

#[test]
fn a_service_row_says_how_many_are_out_in_the_cells_that_there_are() {
    let mut status = ui_fixture::degraded(noon());
    let service = std::sync::Arc::make_mut(&mut status.virtual_servers[0]);
    service.real_servers.truncate(5);
    let mut console = Console::new(status, Vec::new(), (80, 24));
    if let Some(row) = console.state.picture.as_mut().and_then(|p| p.polled.page.as_mut()?.rows.first_mut()) {
        row.note = "3/5 DEGRADED, 1 out".into();
    }
    let screen = console.screen("mono");
    assert!(screen.contains("3/5 DEGR 1 out") || screen.contains("3/5 DEGRADED 1 out"), "{screen}");
}

#[test]
fn a_chosen_column_without_room_says_so() {
    let mut console = Console::new(ui_fixture::degraded(noon()), Vec::new(), (80, 24));
    console.keys("2").poll();
    console.keys("c");
    let screen = console.screen("mono");
    let line = screen.lines().find(|line| line.contains("[x] OutBPS")).unwrap();
    assert!(line.contains("no room here"), "{screen}");
}

#[test]
fn the_services_screen_shows_details_where_rows_are_empty() {
    let mut status = ui_fixture::degraded(noon());
    status.virtual_servers.truncate(1);
    std::sync::Arc::make_mut(&mut status.virtual_servers[0]).real_servers.truncate(3);
    let mut console = Console::new(status, Vec::new(), (80, 24));
    console.keys("2↓").poll();
    console.poll();
    let screen = console.screen("mono");
    assert!(screen.contains(" totals ") && screen.contains(" ipvsadm"), "{screen}");
}

use super::*;
use crossterm::event::KeyModifiers;

fn target(server: &str, weights: (u32, u32)) -> Target {
    Target { service: ServiceSelector("tcp/10.0.0.1:80".to_owned()), server: server.parse().unwrap(), weights }
}

fn write(form: &mut Form, field: usize, content: &str) {
    let Input::Text(field) = &mut form.fields[field].input else { panic!("no text") };
    *field = Field::with(content);
}

fn adding(service: &str, address: &str, forward: Forwarding) -> Form {
    Form::add_server(service.parse().unwrap(), vec!["10.0.0.71:80".to_owned()], address.to_owned(), "1", forward)
}

#[test]
fn a_server_is_checked_against_its_service_while_it_is_typed() {
    for (service, address, forward) in [
        ("tcp/10.0.0.1:80", "10.0.0.72:80", Forwarding::Dr),
        ("tcp/10.0.0.1:80", "10.0.0.72:8080", Forwarding::Nat),
        ("tcp/10.0.0.1:80", "[fd00::1]:80", Forwarding::Tun),
        ("tcp/10.0.0.1:0", "10.0.0.72:0", Forwarding::Dr),
        ("fwmark/8", "10.0.0.72:0", Forwarding::Dr),
    ] {
        let form = adding(service, address, forward);
        assert_eq!(form.wrong(0), None, "{address}");
        assert!(matches!(form.command(), Ok(Command::AddServer { forward: Some(given), .. }) if given == forward));
    }
    for (address, forward, says) in [
        ("10.0.0.72", Forwarding::Dr, "10.0.0.71:80"),
        ("10.0.0.71:80", Forwarding::Dr, "already"),
        ("10.0.0.72:8080", Forwarding::Dr, "use 80"),
        ("[fd00::1]:80", Forwarding::Nat, "family"),
        ("10.0.0.72:0", Forwarding::Nat, "port 0: use 80"),
        ("10.0.0.1:80", Forwarding::Nat, "the service itself"),
        ("0.0.0.0:80", Forwarding::Dr, "no host's address"),
        ("224.0.0.18:80", Forwarding::Dr, "no host's address"),
    ] {
        let form = adding("tcp/10.0.0.1:80", address, forward);
        assert!(form.wrong(0).unwrap().contains(says), "{address}: {:?}", form.wrong(0));
        assert!(form.command().is_err());
    }
}

#[test]
fn a_weight_is_a_number_that_the_kernel_takes() {
    let mut form = adding("tcp/10.0.0.1:80", "10.0.0.72:80", Forwarding::Dr);
    for (text, good) in [("0", true), ("2147483647", true), ("2147483648", false), ("-1", false), ("", false)] {
        write(&mut form, 1, text);
        assert_eq!(form.wrong(1).is_none(), good, "{text}");
    }
}

#[test]
fn a_weight_is_given_as_it_is_by_how_much_or_as_a_share_of_the_files() {
    for (text, weights, gives) in [
        ("40", (100, 100), 40),
        ("+10", (5, 100), 15),
        ("-10", (5, 100), 0),
        ("50%", (5, 100), 50),
        ("1%", (5, 10), 1),
        ("0%", (5, 10), 0),
        ("150 %", (5, 10), 15),
    ] {
        let change: Change = text.parse().unwrap();
        assert_eq!(change.of(weights).unwrap().get(), gives, "{text}");
    }
    for text in ["", "x", "+", "--1", "%", "1001%", "4294967296"] {
        assert!(text.parse::<Change>().is_err(), "{text}");
    }
    assert!(Change::Up(u32::MAX).of((u32::MAX, 1)).is_err());
}

#[test]
fn a_weight_for_several_is_one_act_and_leaves_out_who_has_it() {
    let targets = [target("10.0.0.71:80", (5, 5)), target("10.0.0.72:80", (7, 7)), target("10.0.0.73:80", (10, 10))];
    let Command::Several { commands } = weigh(&targets, "7", None).unwrap() else { panic!("one") };
    assert_eq!(commands.len(), 2);
    assert!(matches!(weigh(&targets[..2], "7", None).unwrap(), Command::Weight { .. }));
    assert!(weigh(&targets[1..2], "7", None).is_ok(), "the engine says that it has it");
    assert!(
        weigh(&[target("10.0.0.71:80", (7, 5)), target("10.0.0.72:80", (7, 7))], "7", None)
            .unwrap_err()
            .contains("already")
    );
}

#[test]
fn presets_write_a_share() {
    let mut form = Form::weight(vec![target("10.0.0.71:80", (5, 100))]);
    assert_eq!(form.wrong(0), None, "nothing is wrong before anything is typed");
    for (key, text) in [(5, "0%"), (6, "25%"), (7, "50%"), (8, "100%")] {
        assert!(form.edit(&KeyEvent::new(KeyCode::F(key), KeyModifiers::NONE)));
        assert_eq!(form.said(0), text);
    }
}

#[test]
fn a_service_says_what_is_wrong_with_it() {
    let taken = vec!["tcp/10.0.0.1:80".to_owned()];
    let mut form = Form::add_service(taken, "tcp/10.0.0.1:80", "wrr", Forwarding::Nat, "");
    assert!(form.wrong(0).unwrap().contains("already"));
    write(&mut form, 0, "tcp/10.0.0.1");
    assert!(form.wrong(0).unwrap().contains("like tcp/10.0.0.1:80"));
    write(&mut form, 0, "tcp/10.0.0.1:0");
    assert!(form.wrong(3).unwrap().contains("persistent"));
    write(&mut form, 3, "360");
    let Command::AddService { scheduler, forward, persistence, .. } = form.command().unwrap() else { panic!("no") };
    assert_eq!((scheduler, forward, persistence), (Some(Scheduler::Wrr), Some(Forwarding::Nat), Some(360)));
}

#[test]
fn a_time_and_a_priority_may_be_left_out() {
    let mut form = Form::maintenance(vec![target("10.0.0.71:80", (1, 1))]);
    assert!(matches!(form.command(), Ok(Command::Maintenance { hold_seconds: None, .. })));
    write(&mut form, 0, "30m");
    assert!(matches!(form.command(), Ok(Command::Maintenance { hold_seconds: Some(1800), .. })));
    write(&mut form, 0, "soon");
    assert!(form.wrong(0).unwrap().contains("30m"));
    let mut form = Form::priority("VI_1".to_owned(), 200, 200);
    assert!(matches!(form.command(), Ok(Command::Priority { priority: None, .. })));
    for (text, good) in [("1", true), ("254", true), ("255", false), ("0", false), ("x", false)] {
        write(&mut form, 0, text);
        assert_eq!(form.wrong(0).is_none(), good, "{text}");
    }
}

#[test]
fn a_choice_goes_round_both_ways() {
    let mut form = adding("tcp/10.0.0.1:80", "10.0.0.72:80", Forwarding::Dr);
    form.step(true);
    let key = |code| KeyEvent::new(code, KeyModifiers::NONE);
    assert!(form.edit(&key(KeyCode::Left)));
    assert_eq!(form.said(2), "Tunnel (tun)");
    assert!(form.edit(&key(KeyCode::Char(' '))));
    assert_eq!(form.said(2), "Route (dr)");
    assert!(!form.edit(&key(KeyCode::Char('x'))));
    form.step(false);
    assert_eq!(form.focus, 0);
}

#[test]
fn what_a_weight_makes_that_is_not_plain_stands_beside_it() {
    for (typed, hint) in [
        ("7", "N, +N, -N, N%"),
        ("-500", "0 where it has less"),
        ("65535", "N, +N, -N, N%"),
        ("65536", "more than keepalived takes, 65535"),
        ("+70000", "more than keepalived takes, 65535"),
    ] {
        let mut form = Form::weight(vec![target("10.0.0.71:80", (5, 5))]);
        form.text_field().unwrap().insert(typed);
        assert_eq!(form.hint(0), hint, "{typed}");
    }
}

#[test]
fn a_weight_is_given_until_it_is_restored_or_for_a_time() {
    let mut form = Form::weight(vec![target("10.0.0.71:80", (5, 5))]);
    write(&mut form, 0, "7");
    assert_eq!(form.wrong(1), None);
    assert!(matches!(form.command(), Ok(Command::Weight { hold_seconds: None, .. })));
    write(&mut form, 1, "2h");
    form.step(false);
    assert!(form.edit(&KeyEvent::new(KeyCode::F(7), KeyModifiers::NONE)), "a share goes to its own field");
    let Ok(Command::Weight { weight, hold_seconds, .. }) = form.command() else { panic!("no weight") };
    assert_eq!((weight.get(), hold_seconds), (2, Some(7_200)));
    write(&mut form, 1, "soon");
    assert!(form.wrong(1).unwrap().contains("30m"));
}

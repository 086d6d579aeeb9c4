//! Whatever a file holds, reading it ends, quickly, without a panic, and with places that exist.

use super::folder;
use lvsdeck::engine::parse_configuration;
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Words and signs of the language in any order.
fn shreds() -> impl Strategy<Value = String> {
    let words = [
        "vrrp_instance",
        "A",
        "{",
        "}",
        "\n",
        "{",
        "}",
        "\n",
        "virtual_server",
        "10.0.0.1",
        "80",
        "fwmark",
        "7",
        "group",
        "real_server",
        "TCP_CHECK",
        "global_defs",
        "virtual_ipaddress",
        "10.0.0.9/24",
        "fd00::1",
        "dev",
        "eth0",
        "weight",
        "-300",
        "persistence_timeout",
        "authentication",
        "auth_pass",
        "auth_type",
        "PASS",
        "\"",
        "'x y'",
        "#",
        "!",
        "$X=",
        "${X}",
        "\\",
        "include",
        "@a",
        "interface",
        "virtual_router_id",
        "5",
        "priority",
        "advert_int",
        "0.5",
        "track_script",
        "vrrp_script",
        "script",
        "vrrp_sync_group",
        "notification_email",
        "HTTP_GET",
        "url",
        "protocol",
        "TCP",
        "lb_kind",
        "TUN",
        "sorry_server",
        "99999999999999999999",
        "\u{feff}",
        "\r\n",
        "\u{3000}",
        "wieght",
    ];
    let word = prop::sample::select(words.to_vec());
    prop::collection::vec(word, 0..120).prop_map(|words| words.join(" "))
}

fn holds(text: &str) -> Result<(), TestCaseError> {
    let loaded = parse_configuration("x.conf", text);
    prop_assert_eq!(loaded.configuration.is_none(), loaded.has_errors());
    let lines = text.split('\n').count();
    for d in &loaded.diagnostics {
        prop_assert!((1..=lines).contains(&d.line) && d.column >= 1 && d.length >= 1, "{:?}", d);
        prop_assert!(!d.source_line.contains(['\n', '\u{1b}']) && !d.message.is_empty(), "{:?}", d);
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_read_to_its_end(text in any::<String>()) {
        holds(&text)?;
    }

    #[test]
    fn any_shreds_of_the_language_are_read_to_their_end(text in shreds()) {
        holds(&text)?;
    }

    #[test]
    fn a_scenario_with_a_piece_missing_is_read_to_its_end(from in 0usize..1400, length in 0usize..300) {
        let text = std::fs::read_to_string(folder("scenarios").join("s11-dr-wrr.master.conf")).unwrap();
        let kept: String = text.chars().enumerate().filter(|(at, _)| !(from..from + length).contains(at)).map(|(_, c)| c).collect();
        holds(&kept)?;
    }
}

/// What a fuzzer or an operator found once: each file stays, and is read to its end.
#[test]
fn what_was_found_once_is_read_to_its_end() {
    let found = std::fs::read_dir(folder("../../fuzz/regressions/configuration")).unwrap();
    let found: Vec<_> = found.map(|entry| entry.unwrap().path()).collect();
    assert!(!found.is_empty());
    for file in found {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        holds(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
}

#[test]
fn much_of_anything_is_read_in_linear_time() {
    for unit in [
        "a",
        "a\n",
        "{",
        "}",
        "a {\n",
        "}\n",
        "\"",
        "\"a\n",
        "x y z { a b }\n",
        "include x\n",
        "@a\n",
        "$A=1\n",
        "$A\n",
        "priorty 1\n",
        "virtual_server 10.0.0.1 80 {\n real_server 10.0.0.2 80 {\n",
        "\u{feff}",
        "wieght ",
        "${",
        "real_server 1.1.1.1 1 { TCP_CHECK { } }\n",
        "~SEQ(I, 1, 4000000000) x\n",
        "~LST({A,B}, {1,2}, {3,4}) ~LST(C, 1, 2) y\n",
        "@b $A=${A}${A}\n",
        "$A=${A}${A}x\n$A\n",
        "~SEQ(A, 1, 9) $A=${A}${A}x\n$A\n",
    ] {
        // Sequences and definitions may make many times their length.
        let size = if unit.contains(['~', '$']) { 1 << 16 } else { 1 << 18 };
        let text = unit.repeat(size / unit.len());
        let started = Instant::now();
        let loaded = parse_configuration("x.conf", &text);
        assert!(started.elapsed() < Duration::from_mins(1), "{unit:?}: {:?}", started.elapsed());
        assert!(loaded.diagnostics.len() <= 1001, "{unit:?}: {}", loaded.diagnostics.len());
    }
}

/// Lines that name each another thing, which is looked for among all of the others.
#[test]
fn many_names_are_read_in_linear_time() {
    let of_instance = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n10.0.0.9\n}\n";
    let service = "virtual_server 10.0.0.1 80 {\nprotocol TCP\nreal_server 10.0.0.2 80 {\n";
    for (defined, head, line, tail) in [
        ("", "", "track_interface {\n e#\n}\n", ""),
        ("vrrp_track_process p# {\nprocess p#\n}\n", "track_process {\n", "p#\n", "}\n"),
        ("track_file p# {\nfile /p#\n}\n", "track_file {\n", "p#\n", "}\n"),
        ("vrrp_script p# {\nscript /p#\n}\n", "track_script {\n", "p#\n", "}\n"),
        ("vrrp_script p# {\nscript /p#\n}\n", "track_script {\n", "q#\n", "}\n"),
    ] {
        let many = |unit: &str| (0..30_000).map(|number| unit.replace('#', &number.to_string())).collect::<String>();
        let text = format!("{}{of_instance}{head}{}{tail}}}\n", many(defined), many(line));
        is_read_in_time(&text, defined);
    }
    for (defined, line) in [
        ("track_file f# {\nfile /f#\n}\n", "FILE_CHECK {\ntrack_file f#\n}\n"),
        ("virtual_server_group f# {\n10.0.0.1 80\n}\n", "}\n}\nvirtual_server group f# {\nreal_server 10.0.0.2 80 {\n"),
    ] {
        let many = |unit: &str| (0..20_000).map(|number| unit.replace('#', &number.to_string())).collect::<String>();
        is_read_in_time(&format!("{}{service}{}}}\n}}\n", many(defined), many(line)), defined);
    }
    // The same addresses in two instances, each told at its place.
    let line = |n: u32| format!("10.{}.{}.{}", n / 65_536 + 1, n / 256 % 256, n % 256);
    let lines = (0..120_000).map(line).collect::<Vec<_>>().join("\n");
    let addresses = format!("virtual_ipaddress_excluded {{\n{lines}\n}}\n}}\n");
    let second = of_instance.replace(" V ", " W ").replace("id 5", "id 6").replace("0.9", "0.8");
    is_read_in_time(&format!("{of_instance}{addresses}{second}{addresses}"), "addresses");
    let names =
        (0..20_000).map(|number| "abcdefghij"[number % 9..].repeat(number % 7 + 1)).collect::<Vec<_>>().join(", ");
    is_read_in_time(&format!("~LST(X, {names}) foo_$X bar\n"), "~LST");
}

fn is_read_in_time(text: &str, what: &str) {
    let started = Instant::now();
    let loaded = parse_configuration("x.conf", text);
    assert!(started.elapsed() < Duration::from_mins(1), "{what:?}: {:?}", started.elapsed());
    assert!(loaded.diagnostics.len() <= 1001, "{what:?}: {}", loaded.diagnostics.len());
}

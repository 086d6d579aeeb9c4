//! `lvsdeck ctl`: what is typed, what is asked of the engine, what is printed, and the exit codes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may fail

mod api_fixture;

use api_fixture::served::Running;
use api_fixture::{FakeEngine, draining, now, server, service, small, status};
use clap::Parser;
use lvsdeck::cli::ctl::{CtlArgs, run_with};
use lvsdeck::engine::{Command, Difference, Foreign, Forwarding, Outcome, OverrideStatus, Status, VirtualRouterState};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Parser)]
#[command(name = "lvsdeck")]
struct Typed {
    #[command(flatten)]
    ctl: CtlArgs,
}

fn parse(line: &str) -> Result<CtlArgs, clap::Error> {
    Typed::try_parse_from(["lvsdeck"].into_iter().chain(line.split_whitespace())).map(|typed| typed.ctl)
}

/// Exit code, standard output, standard error.
fn ctl(engine: &Arc<FakeEngine>, line: &str) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = run_with(&parse(line).unwrap(), engine.as_ref(), false, &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn asked(line: &str) -> Value {
    let engine = FakeEngine::new(small());
    assert_eq!(ctl(&engine, line).0, 0, "{line}");
    let (request, _) = engine.asked.lock().unwrap()[0].clone();
    serde_json::to_value(&request).unwrap()
}

#[test]
fn each_verb_asks_for_what_was_typed() {
    for (line, command) in [
        ("failover VI_1", json!({"verb": "failover", "instance": "VI_1", "for": null, "blind": false})),
        ("failover --all --for 5m --blind", json!({"verb": "failover", "instance": null, "for": 300, "blind": true})),
        ("rejoin --all", json!({"verb": "rejoin", "instance": null})),
        ("rejoin VI_1", json!({"verb": "rejoin", "instance": "VI_1"})),
        ("takeover VI_1", json!({"verb": "takeover", "instance": "VI_1"})),
        (
            "drain 10.0.0.71",
            json!({"verb": "drain", "server": "10.0.0.71", "service": null, "for": null, "deadline": null}),
        ),
        (
            "drain 10.0.0.71:80 --service web --for 10m --deadline 60s",
            json!({"verb": "drain", "server": "10.0.0.71:80", "service": "web", "for": 600, "deadline": 60}),
        ),
        (
            "drain 10.0.0.71:80 10.0.0.72 --service web --deadline 60s",
            json!({"verb": "several", "commands": [
                {"verb": "drain", "server": "10.0.0.71:80", "service": "web", "for": null, "deadline": 60},
                {"verb": "drain", "server": "10.0.0.72", "service": "web", "for": null, "deadline": 60},
            ]}),
        ),
        (
            "restore 10.0.0.71 10.0.0.72",
            json!({"verb": "several", "commands": [
                {"verb": "restore", "server": "10.0.0.71", "service": null},
                {"verb": "restore", "server": "10.0.0.72", "service": null},
            ]}),
        ),
        (
            "restore [fd00::71]:80 --service web",
            json!({"verb": "restore", "server": "[fd00::71]:80", "service": "web"}),
        ),
        (
            "weight tcp/10.0.0.1:80 10.0.0.71:80 50",
            json!({"verb": "weight", "service": "tcp/10.0.0.1:80", "server": "10.0.0.71:80", "weight": 50}),
        ),
        (
            "add-server fwmark/8 10.0.0.73:0 --weight 0 --forward tun",
            json!({"verb": "add-server", "service": "fwmark/8", "server": "10.0.0.73:0", "weight": 0, "forward": "tun"}),
        ),
        (
            "remove-server web 10.0.0.73:80",
            json!({"verb": "remove-server", "service": "web", "server": "10.0.0.73:80"}),
        ),
        (
            "add-service udp/10.0.0.1:53 --scheduler sh --forward dr --persistent 5m",
            json!({"verb": "add-service", "service": "udp/10.0.0.1:53", "scheduler": "sh", "forward": "dr",
                "persistence": 300}),
        ),
        ("remove-service web", json!({"verb": "remove-service", "service": "web"})),
        ("reload", json!({"verb": "reload"})),
        ("undo", json!({"verb": "undo", "command": null})),
        ("undo 7", json!({"verb": "undo", "command": 7})),
        ("stop", json!({"verb": "stop", "keep": false})),
        ("stop --keep", json!({"verb": "stop", "keep": true})),
    ] {
        let mut request = asked(line);
        assert_eq!(request["dry_run"], false, "{line}");
        request.as_object_mut().unwrap().remove("dry_run");
        assert_eq!(request, command, "{line}");
        let dry = asked(&format!("{line} --dry-run --reason update"));
        assert_eq!((&dry["dry_run"], &dry["reason"]), (&true.into(), &"update".into()), "{line}");
    }
}

#[test]
fn what_takes_several_back_is_printed_in_lines_that_can_be_typed() {
    for several in [
        json!([
            {"verb": "restore", "server": "10.0.0.71:80", "service": "tcp/10.0.0.1:80"},
            {"verb": "restore", "server": "10.0.0.72:80", "service": "tcp/10.0.0.1:80"},
        ]),
        json!([
            {"verb": "drain", "server": "10.0.0.71:80", "service": "tcp/10.0.0.1:80", "for": 60, "deadline": 30},
            {"verb": "restore", "server": "10.0.0.72:80", "service": "fwmark/8"},
            {"verb": "weight", "service": "tcp/10.0.0.1:80", "server": "10.0.0.73:80", "weight": 5},
            {"verb": "add-server", "service": "tcp/10.0.0.1:80", "server": "[fd00::71]:80", "weight": null, "forward": null},
            {"verb": "remove-server", "service": "web", "server": "10.0.0.75:80"},
        ]),
    ] {
        let engine = FakeEngine::new(small());
        let undo = json!({"verb": "several", "commands": several});
        engine.let_undo_be(serde_json::from_value(undo.clone()).unwrap());
        let (_, out, _) = ctl(&engine, "drain 10.0.0.71 10.0.0.72");
        let lines = out.lines().filter_map(|line| line.trim().strip_prefix("undo     lvsdeck ctl "));
        let typed: Vec<Value> = lines.map(asked).collect();
        let each =
            typed.iter().flat_map(|one| one["commands"].as_array().cloned().unwrap_or_else(|| vec![one.clone()]));
        let wanted: Vec<Command> = serde_json::from_value(several).unwrap();
        let commands: Vec<Command> = each.map(|one| serde_json::from_value(one).unwrap()).collect();
        assert_eq!(commands, wanted, "{out}");
    }
}

#[test]
fn wrong_use_exits_2_and_says_what_a_right_one_looks_like() {
    for (line, hint) in [
        ("", "Usage"),
        ("explode", "unrecognized subcommand"),
        ("failover", "--all"),
        ("failover VI_1 --all", "cannot be used"),
        ("failover VI_1 --for 5x", "5m"),
        ("failover VI_1 --for 10ms", "90s"),
        ("drain web", "10.0.0.71:80"),
        ("drain 10.0.0.71 --service 10.0.0.1:80", "tcp/10.0.0.1:80"),
        ("drain 10.0.0.71 --service tcp/10.0.0.1", "fwmark/1234"),
        ("drain 10.0.0.71 --deadline 60", "60s"),
        ("takeover", "INSTANCE"),
        ("add-service web", "tcp/10.0.0.1:80"),
        ("add-service tcp/10.0.0.1:80 --scheduler best", "no such scheduler"),
        ("undo last", "ID"),
        ("weight web 10.0.0.71 5", "10.0.0.71:80"),
        ("weight web 10.0.0.71:80 heavy", "0 to 2147483647"),
        ("weight web 10.0.0.71:80 2147483648", "2147483647"),
        ("add-server web 10.0.0.71:80 --forward local", "nat, dr, tun"),
        ("stop now", "now"),
    ] {
        let error = parse(line).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
        assert!(error.to_string().contains(hint), "{line}: {error}");
    }
}

#[test]
fn every_verb_has_help_with_an_example() {
    for verb in
        "status events diff connections sysctls record failover rejoin takeover drain restore weight add-server remove-server add-service \
         remove-service reload undo stop"
            .split_whitespace()
    {
        let help = parse(&format!("{verb} --help")).unwrap_err();
        assert_eq!(help.exit_code(), 0);
        let help = help.to_string();
        let example = help
            .lines()
            .find_map(|line| line.strip_prefix("Example: lvsdeck ctl "))
            .unwrap_or_else(|| panic!("{help}"));
        let example =
            example.split(" | ").next().unwrap().replace("\"kernel update\"", "x").replace("\"d2 is sick\"", "x");
        assert!(parse(&example).is_ok(), "{example}");
        assert!(example.starts_with(verb), "{example}");
    }
}

#[test]
fn a_dry_run_prints_the_preview() {
    let (code, out, err) = ctl(&FakeEngine::new(small()), "drain 10.0.0.71 --dry-run");
    assert_eq!((code, err.as_str()), (0, ""));
    let (token, rest): (Vec<&str>, Vec<&str>) = out.lines().partition(|line| line.contains("--token"));
    assert!(token.len() == 1 && token[0].ends_with("does exactly this"), "{token:?}");
    assert_eq!(
        rest.join("\n") + "\n",
        "drain of the fake\n  \
           before   tcp/10.0.0.1:80 10.0.0.71:80 weight 1\n  \
           after    tcp/10.0.0.1:80 10.0.0.71:80 weight 0\n  \
           does     set weight\n  \
           ipvsadm  ipvsadm -e -t 10.0.0.1:80 -r 10.0.0.71:80 -g -w 0\n  \
           affects  31 connections stay\n  \
           undo     lvsdeck ctl rejoin --all\n\
         nothing was done: this was a dry run\n"
    );
}

#[test]
fn how_a_command_ends_decides_the_exit_code() {
    let engine = FakeEngine::new(small());
    let (code, out, err) = ctl(&engine, "stop");
    assert_eq!((code, out.as_str(), err.as_str()), (0, "stop of the fake\n  undo     lvsdeck ctl rejoin --all\n", ""));
    for (outcome, word) in [(Outcome::Refused, "refused"), (Outcome::Failed, "failed"), (Outcome::Stale, "refused")] {
        engine.let_commands_end(outcome);
        let (code, out, err) = ctl(&engine, "stop");
        assert_eq!((code, out.as_str(), err), (1, "", format!("lvsdeck: stop {word}: stop of the fake\n")));
    }
    let (code, out, err) = ctl(&engine, "stop --json");
    assert_eq!((code, err.lines().count()), (1, 1));
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["outcome"], "stale");
}

#[test]
fn an_engine_that_is_there_and_does_not_answer_in_time_is_exit_6() {
    let engine = FakeEngine::new(small());
    engine.be_late();
    let (code, out, err) = ctl(&engine, "drain 10.0.0.71");
    assert_eq!((code, out.as_str()), (6, ""));
    let said =
        "lvsdeck: the engine runs, but has not answered within 25s\n  next: a command may still be done: look at ";
    assert!(err.starts_with(said), "{err}");
    // The same by its socket, where the engine says so itself.
    let running = Running::new(small());
    running.engine.be_late();
    assert_eq!(lvsdeck::cli::ctl::run(&parse("drain 10.0.0.71").unwrap(), &running.socket, false), 6);
}

#[test]
fn an_engine_that_does_not_answer_is_exit_3() {
    let engine = FakeEngine::new(small());
    engine.go();
    let (code, out, err) = ctl(&engine, "events");
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(err.starts_with("lvsdeck: no engine answers on fake: it went\n  next: "), "{err}");
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(lvsdeck::cli::ctl::run(&parse("status").unwrap(), &dir.path().join("none.sock"), false), 3);
}

#[test]
fn force_is_asked_for_where_it_was_typed_alone() {
    for line in [
        "drain 10.0.0.71 --force",
        "maintenance 10.0.0.71 --force",
        "restore 10.0.0.71 --force",
        "weight web 10.0.0.71:80 0 --force",
        "remove-server web 10.0.0.71:80 --force",
        "undo --force",
    ] {
        assert_eq!(asked(line)["force"], true, "{line}");
        assert_eq!(asked(line.trim_end_matches(" --force")).get("force"), None, "{line}");
    }
    assert!(parse("failover --all --force").is_err());
}

#[test]
fn the_status_as_text_is_an_overview() {
    let mut status = small();
    status.virtual_routers.push(api_fixture::router("VI_2", VirtualRouterState::Fault));
    status.virtual_routers[1].held = Some("by alice until rejoin".into());
    status.virtual_routers[0].peers[0].detail.answered_at = Some(now() - Duration::from_secs(2));
    status.virtual_routers[1].peers[0].reachable = Some(false);
    status.foreign.push(Foreign { key: "udp/10.0.0.9:53".parse().unwrap(), scheduler: "sh".into(), real_servers: 3 });
    let (code, out, _) = ctl(&FakeEngine::new(status), "status");
    assert_eq!(code, 0);
    insta::assert_snapshot!(out);
}

#[test]
fn a_long_name_of_an_instance_moves_the_columns_of_all() {
    let mut status = small();
    status.virtual_routers.push(api_fixture::router("VI_of_the_second_東京", VirtualRouterState::Backup));
    let (_, out, _) = ctl(&FakeEngine::new(status), "status");
    let column = |line: &str, word: &str| {
        let before = line.split_once(word).unwrap_or_else(|| panic!("no {word} in {line}")).0;
        unicode_width::UnicodeWidthStr::width(before)
    };
    let lines: Vec<&str> = out.lines().filter(|line| line.starts_with("INSTANCE") || line.starts_with("VI_")).collect();
    assert_eq!(lines.len(), 3, "{out}");
    let places: Vec<usize> = lines.iter().zip(["INTERFACE", "eth0", "eth0"]).map(|(l, word)| column(l, word)).collect();
    assert!(places.iter().all(|place| *place == places[0]), "{out}");
}

#[test]
fn what_a_real_server_says_can_not_steer_the_terminal() {
    let web = api_fixture::service(
        "tcp/10.0.0.1:80",
        vec![api_fixture::down("10.0.0.71:80", 5, "http \x1b]0;owned\x07 \r\n503")],
    );
    let engine = FakeEngine::new(status(vec![web]));
    for line in ["status", "events"] {
        let (_, out, _) = ctl(&engine, line);
        assert!(!out.chars().any(|c| c.is_control() && c != '\n'), "{out:?}");
    }
    let mut colored = Vec::new();
    run_with(&parse("status").unwrap(), engine.as_ref(), true, &mut colored, &mut Vec::new());
    let colored = String::from_utf8(colored).unwrap();
    assert!(colored.contains("\x1b[1;31m! NO QUORUM") && !colored.contains("\x1b]0"), "{colored:?}");
}

#[test]
fn the_status_as_text_says_how_a_drain_goes() {
    let mut draining = api_fixture::draining("10.0.0.71:80", 31);
    let unknown = api_fixture::draining("10.0.0.72:80", 3);
    let drain = draining.drain.as_mut().unwrap();
    (drain.empty_in_s, drain.deadline_at) = (Some(95), Some(drain.since + std::time::Duration::from_mins(10)));
    let engine = FakeEngine::new(status(vec![api_fixture::service("tcp/10.0.0.1:80", vec![draining, unknown])]));
    let (_, out, _) = ctl(&engine, "status");
    assert!(out.contains("DRAIN 31 conn, empty in about 1m35s, out in 9m00s\n"), "{out}");
    assert!(out.contains("DRAIN 3 conn, empty at a time unknown\n"), "{out}");
}

#[test]
fn the_status_as_text_says_who_is_out_at_the_deadline() {
    let mut out_of_it = api_fixture::draining("10.0.0.71:80", 0);
    out_of_it.drain.as_mut().unwrap().is_over = true;
    let mut rests = out_of_it.clone();
    rests.admin = lvsdeck::engine::Admin::Maintenance;
    let engine = FakeEngine::new(status(vec![api_fixture::service("tcp/10.0.0.1:80", vec![out_of_it, rests])]));
    let (_, out, _) = ctl(&engine, "status");
    assert!(out.contains(" OUT at deadline, nothing goes to it\n"), "{out}");
    assert!(out.contains(" MAINT, OUT at deadline, nothing goes to it\n"), "{out}");
}

#[test]
fn a_long_ipv6_address_moves_the_columns_of_all_servers() {
    let long = "[2001:db8:1111:2222:3333:4444:5555:6666]:8443";
    let servers = [long, "10.0.0.71:80"].map(api_fixture::server);
    let engine = FakeEngine::new(status(vec![api_fixture::service("tcp/10.0.0.1:80", servers.into())]));
    let (_, out, _) = ctl(&engine, "status");
    let places: Vec<_> = out.lines().filter_map(|line| line.find("Route ").or_else(|| line.find("Forward "))).collect();
    assert!(out.contains(long) && places.len() == 3 && places.iter().all(|place| *place == places[0]), "{out}");
}

#[test]
fn the_status_as_json_is_everything() {
    let (code, out, err) = ctl(&FakeEngine::new(small()), "status --json");
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(serde_json::from_str::<Status>(&out).unwrap(), small());
}

#[test]
fn all_rows_of_a_large_service_are_printed_once() {
    let servers: Vec<_> = (0..4500).map(|n| api_fixture::server(&format!("10.1.{}.{}:80", n / 250, n % 250))).collect();
    let engine = FakeEngine::new(status(vec![api_fixture::service("tcp/10.0.0.1:80", servers.clone())]));
    let (_, out, _) = ctl(&engine, "status");
    let shown: Vec<_> = out.lines().filter_map(|line| line.strip_prefix("  -> 10.")?.split(' ').next()).collect();
    let all: Vec<_> = servers.iter().map(|s| s.key.to_string()[3..].to_owned()).collect();
    assert_eq!(shown, all);
}

#[test]
fn events_are_cut_by_age_on_the_engines_clock() {
    let engine = FakeEngine::new(small());
    for age in [3600, 700, 500, 20] {
        engine.happen(&format!("VI_{age}"), age);
    }
    assert_eq!(ctl(&engine, "events").1.lines().count(), 4);
    let (code, out, _) = ctl(&engine, "events --since 10m");
    assert_eq!(code, 0);
    assert_eq!(
        out,
        "2027-01-15T07:51:40.000Z  server-health  VI_500  up > down: timeout\n\
         2027-01-15T07:59:40.000Z  server-health  VI_20  up > down: timeout\n"
    );
    let (_, out, _) = ctl(&engine, "events --json --since 1m");
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["subject"], "VI_20");
}

#[test]
fn following_shows_each_event_once_until_the_engine_goes() {
    let engine = FakeEngine::new(small());
    (0..15).for_each(|n| engine.happen(&format!("OLD_{n}"), 100));
    let following = std::thread::spawn({
        let engine = Arc::clone(&engine);
        move || ctl(&engine, "events --follow --json")
    });
    (0..5).for_each(|n| engine.happen(&format!("NEW_{n}"), 0));
    engine.go();
    let (code, out, err) = following.join().unwrap();
    assert_eq!(code, 3, "{err}");
    let seqs: Vec<u64> =
        out.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()["seq"].as_u64().unwrap()).collect();
    assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seqs:?}");
    assert!(seqs.len() >= 10 && seqs.last() == Some(&20), "{seqs:?}");
}

#[test]
fn a_difference_is_a_line_with_file_engine_and_kernel_side_by_side() {
    let engine = FakeEngine::new(small());
    let (code, _, err) = ctl(&engine, "diff");
    assert_eq!((code, err.as_str()), (1, "lvsdeck: the fake does not compare\n  next: let it\n"));
    *engine.differences.lock().unwrap() = Some(Vec::new());
    assert_eq!(ctl(&engine, "diff").1, "file, engine and kernel say the same\n");
    assert_eq!(ctl(&engine, "diff --json").1, "[]\n");
    let difference = |subject: &str, field: &str, three: [Option<&str>; 3]| {
        let [file, engine, kernel] = three.map(|value| value.map(str::to_owned));
        Difference { subject: subject.into(), field: field.into(), file, engine, kernel, by: None }
    };
    *engine.differences.lock().unwrap() = Some(vec![
        difference("tcp/10.0.0.1:80 10.0.0.71:80", "weight", [Some("1"), Some("0"), Some("0")]),
        difference("VI_1", "priority", [Some("200"), Some("150"), None]),
    ]);
    let (code, out, err) = ctl(&engine, "diff");
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "SUBJECT                       FIELD     FILE  ENGINE  KERNEL\n\
         tcp/10.0.0.1:80 10.0.0.71:80  weight    1     0       0\n\
         VI_1                          priority  200   150     -\n"
    );
    let json: Value = serde_json::from_str(&ctl(&engine, "diff --json").1).unwrap();
    assert_eq!(
        json[1],
        json!({"subject": "VI_1", "field": "priority", "file": "200", "engine": "150", "kernel": null})
    );
}

#[test]
fn what_operators_want_is_words_for_the_file() {
    let engine = FakeEngine::new(small());
    *engine.differences.lock().unwrap() = Some(Vec::new());
    assert_eq!(ctl(&engine, "diff --fragment").1, "# nothing is wanted of virtual servers beside the file\n");
    let by = |weight, reason: Option<&str>| {
        let reason = reason.map(str::to_owned);
        Some(Box::new(OverrideStatus { since: now(), who: "anna".into(), reason, weight, until: None }))
    };
    let mut weighed = server("10.0.0.71:80");
    weighed.overridden = by(5, Some("more memory"));
    let mut added = server("[fd00::73]:8080");
    (added.added, added.forward, added.overridden) = (true, Forwarding::Tun, by(3, None));
    let mut drained = draining("10.0.0.72:80", 3);
    drained.overridden = by(1, None);
    let web = service("tcp/10.0.0.1:80", vec![server("10.0.0.70:80"), weighed, drained, added]);
    let mark = service("fwmark/7", vec![server("10.0.0.70:80")]);
    let engine = FakeEngine::new(status(vec![web, mark]));
    let difference = |subject: &str, field: &str, file: Option<&str>, engine: Option<&str>| Difference {
        subject: subject.into(),
        field: field.into(),
        file: file.map(str::to_owned),
        engine: engine.map(str::to_owned),
        kernel: None,
        by: None,
    };
    *engine.differences.lock().unwrap() = Some(vec![
        difference("fwmark/7", "object", None, Some("rr")),
        difference("tcp/10.0.0.1:80 10.0.0.74:80", "weight", Some("1"), None),
        difference("udp/10.0.0.1:53", "object", Some("sh"), None),
        difference("VI_1", "priority", Some("200"), Some("150")),
    ]);
    let (code, out, _) = ctl(&engine, "diff --fragment");
    assert_eq!(code, 0);
    insta::assert_snapshot!(out);
}

#[test]
fn a_weight_for_a_time_is_shown_with_what_is_left_of_it() {
    let mut weighed = server("10.0.0.71:80");
    let (since, until) = (now(), Some(now() + Duration::from_secs(90)));
    weighed.overridden =
        Some(Box::new(OverrideStatus { since, who: "anna".into(), reason: Some("test".into()), weight: 5, until }));
    assert_eq!(
        weighed.overridden.as_ref().unwrap().to_string(),
        "anna since 2027-01-15T08:00:00Z until 2027-01-15T08:01:30Z: test"
    );
    let engine = FakeEngine::new(status(vec![service("tcp/10.0.0.1:80", vec![weighed])]));
    let out = ctl(&engine, "status").1;
    assert!(out.contains(" 5(1)>1 ") && out.contains("ok 1.9ms, weight 1 again in 1m30s\n"), "{out}");
}

/// What the fragment says of `services`, and what a file that has nothing else makes of it: `VS RS weight`, a line each.
fn fragment(services: Vec<lvsdeck::engine::VirtualServerStatus>, groups: &str) -> (String, Vec<String>) {
    let engine = FakeEngine::new(status(services));
    *engine.differences.lock().unwrap() = Some(Vec::new());
    let (code, out, _) = ctl(&engine, "diff --fragment");
    assert_eq!(code, 0);
    let read = lvsdeck::engine::config::parse("fragment.conf", &format!("{groups}{out}"));
    assert!(read.diagnostics.is_empty(), "{:?}\n{out}", read.diagnostics);
    let servers = |service: &lvsdeck::engine::model::VirtualServer| -> Vec<String> {
        service.real_servers.iter().map(|s| format!("{} {} w{}", service.key, s.key, s.weight)).collect()
    };
    (out, read.configuration.unwrap().virtual_servers.iter().flat_map(servers).collect())
}

#[test]
fn what_is_wanted_in_all_services_of_a_group_is_one_block_and_what_is_wanted_in_one_alone_another() {
    let weighed = |key: &str, weight| {
        let mut server = server(key);
        let by = OverrideStatus { since: now(), who: "anna".into(), reason: None, weight, until: None };
        server.overridden = Some(Box::new(by));
        server
    };
    let of_group = |key: &str, servers| {
        let mut service = service(key, servers);
        service.name = Some("web".into());
        service
    };
    // Direct routing keeps the port: the file has one line for both.
    let first = of_group("tcp/10.0.0.1:80", vec![weighed("10.0.0.71:80", 5), server("10.0.0.72:80")]);
    let second = of_group("tcp/10.0.0.2:443", vec![weighed("10.0.0.71:443", 5), weighed("10.0.0.72:443", 7)]);
    let six = service("fwmark6/7", vec![weighed("[fd00::71]:80", 3)]);
    let (out, read) = fragment(
        vec![first.clone(), six, second.clone()],
        "virtual_server_group web {\n 10.0.0.1 80\n 10.0.0.3 80\n}\n",
    );
    insta::assert_snapshot!(out);
    assert_eq!(
        read,
        [
            "tcp/10.0.0.1:80 10.0.0.71:80 w5",
            "tcp/10.0.0.3:80 10.0.0.71:80 w5",
            "tcp/10.0.0.2:443 10.0.0.72:443 w7",
            "fwmark6/7 [fd00::71]:80 w3",
        ]
    );
    let (out, _) = fragment(vec![second], "virtual_server_group web {\n 10.0.0.2 443\n}\n");
    assert!(!out.contains(" alone") && out.matches("virtual_server group web {").count() == 1, "{out}");
}

#[test]
fn connections_are_groups_and_rows_in_columns() {
    let engine = FakeEngine::new(small());
    let (code, out, err) = ctl(&engine, "connections --limit 1");
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "3 of 3 entries, 1 of them persistence templates; the last is forgotten in 14m59s if no packet comes any more\n\n\
         PROTO  STATE        CONNECTIONS\n\
         tcp    ESTABLISHED  1\n\
         tcp    FIN_WAIT     1\n\n\
         SERVICE          SERVER        CONNECTIONS  TEMPLATES  EMPTY IN\n\
         tcp/10.0.0.1:80  10.0.0.71:80  2            1          14m59s\n\n\
         CLIENT    CONNECTIONS\n\
         10.9.0.5  2\n\n\
         PROTO  CLIENT          SERVICE          SERVER        STATE        EXPIRES\n\
         tcp    10.9.0.5:50001  tcp/10.0.0.1:80  10.0.0.71:80  ESTABLISHED  14m59s\n"
    );
    let json: Value =
        serde_json::from_str(&ctl(&engine, "connections --json --client 10.9.0.6 --sort client").1).unwrap();
    assert_eq!(
        (&json["matching"], &json["templates"], &json["rows"][0]["template"]),
        (&json!(0), &json!(1), &json!(true))
    );
    for (line, hint) in [("connections --client web", "10.0.0.0/8"), ("connections --sort size", "expires")] {
        let error = parse(line).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains(hint), "{error}");
    }
}

//! `docs/schema/` says what goes over the socket: every answer of a running server fits its schema, has no field that is not in it,
//! and no schema has a field that no answer has.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may fail

mod api_fixture;
#[path = "api_schema/validate.rs"]
mod validate;

use api_fixture::served::{Running, exchange, post_to};
use api_fixture::{down, draining, router, server, service, status};
use lvsdeck::api::Client;
use lvsdeck::engine::{
    AcceptedPriority, AnnouncementStatus, Difference, Drift, EngineHandle, Family, Foreign, ForeignCounters,
    ForeignRouter, IpvsTotals, Jitter, KernelChange, Outcome, OverrideStatus, PeerDetail, RefusedPacket, RouterDetail,
    SlowStartStatus, SorryServerStatus, SplitBrainStatus, Status, TrackedStatus, VirtualRouterState, Warning, WhatIf,
    Who,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use validate::Schemas;

fn detail() -> RouterDetail {
    let at = std::time::SystemTime::UNIX_EPOCH;
    RouterDetail {
        transport: "unicast".into(),
        destinations: vec!["10.0.0.12".into()],
        source: Some("10.0.0.11".into()),
        announcements: vec![AnnouncementStatus { at, addresses: 1, repeat: 5 }],
        split_brain: Some(SplitBrainStatus {
            with: vec!["10.0.0.12".into()],
            cause: "version".into(),
            evidence: "x".into(),
        }),
        what_if: vec![WhatIf {
            event: "this node stops".into(),
            new_master: Some("10.0.0.12".into()),
            in_ms: Some(6),
            note: "x".into(),
            assumes: vec!["x".into()],
        }],
        tracked: vec![TrackedStatus {
            kind: "process".into(),
            name: "nginx".into(),
            weight: -20,
            reverse: true,
            state: "up".into(),
            said: "x".into(),
        }],
        routing: vec!["route default via 10.0.0.254".into()],
        routing_here: vec!["route default via 10.0.0.254".into()],
    }
}

fn peer_detail() -> PeerDetail {
    let at = std::time::SystemTime::UNIX_EPOCH;
    PeerDetail {
        interval_ms: Some(1000),
        checksum: Some("pseudo-header".into()),
        accepted: Some(AcceptedPriority { priority: 100, at }),
        jitter: Some(Jitter { gaps: 2, min_us: 1, mean_us: 2, max_us: 3 }),
        refused: Some(RefusedPacket { at, reason: "x".into(), bytes: "45 **".into(), length: 2 }),
        answered_at: Some(at),
    }
}

/// A status in which everything that may be there is there.
fn full() -> Status {
    let mut slow = server("10.0.0.70:80");
    let full_at = slow.health_since + Duration::from_secs(30);
    let (since, reason) = (slow.health_since, Some("more memory".to_owned()));
    slow.overridden =
        Some(Box::new(OverrideStatus { since, who: "anna".into(), reason, weight: 10, until: Some(full_at) }));
    slow.slow_start = Some(Box::new(SlowStartStatus { weight: 10, since: slow.health_since, full_at }));
    slow.suspended = true;
    slow.kernel_changed = Some(Box::new(KernelChange { since: slow.health_since, who: "lvsdeck".into() }));
    let mut web = service("tcp/10.0.0.1:80", vec![slow, server("10.0.0.71:80"), down("10.0.0.72:80", 41, "timeout")]);
    web.name = Some("web".into());
    web.sorry_server = Some(SorryServerStatus { key: "10.0.0.99:80".parse().unwrap(), active: 2, inactive: 3 });
    let mark = service("fwmark6/8", vec![draining("[fd00::73]:80", 31)]);
    let mut status = status(vec![web, mark]);
    status.virtual_routers.push(router("VI_2", VirtualRouterState::Fault));
    status.virtual_routers[0].held = Some("by alice until rejoin".into());
    status.virtual_routers[0].priority_set = Some(50);
    status.virtual_routers[0].priority_by = Some("priority 50 by anna: new kernel".to_owned());
    status.virtual_routers[0].detail = detail();
    status.virtual_routers[0].peers[0].detail = peer_detail();
    status.virtual_routers[1].detail.transport = "multicast".into();
    status.virtual_routers[1].next = None;
    status.virtual_routers[1].peers[0].rejected = Some("checksum".into());
    status.drift.push(Drift { subject: "x".into(), wanted: "1".into(), found: "2".into(), action: "repaired".into() });
    status.ipvs = Some(IpvsTotals::default());
    status.foreign_routers.push(ForeignRouter {
        interface: "eth0".into(),
        family: Family::Inet6,
        vrid: 7,
        address: "fe80::9".into(),
        last_heard_at: std::time::SystemTime::UNIX_EPOCH,
        last_priority: Some(100),
        counters: ForeignCounters::default(),
    });
    status.foreign.push(Foreign { key: "udp/10.0.0.9:53".parse().unwrap(), scheduler: "sh".into(), real_servers: 3 });
    let (code, subject, message, next) = ("x".to_owned(), "x".to_owned(), "x".to_owned(), "x".to_owned());
    status.warnings.push(Warning { code, subject, message, next });
    status
}

/// Every line of the documents that is a command.
fn examples() -> Vec<Value> {
    let lines = include_str!("../docs/api.md").lines().filter(|line| line.starts_with("{\"verb\""));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

/// Every answer that a server gives, with its schema.
fn answers() -> Vec<(&'static str, Value)> {
    let running = Running::new(full());
    running.engine.happen("tcp/10.0.0.1:80 10.0.0.72:80", 41);
    *running.engine.differences.lock().unwrap() = Some(vec![Difference {
        subject: "VI_1".into(),
        field: "priority".into(),
        file: Some("200".into()),
        engine: Some("150".into()),
        kernel: None,
        by: Some("anna since 2026-11-29T12:00:00Z: new kernel".into()),
    }]);
    let mut found = Vec::new();
    for (schema, path) in [
        ("status", "/v1/status"),
        ("summary", "/v1/summary"),
        ("summary", "/v1/summary?at=2026-11-21T05:00:00Z"),
        ("rows", "/v1/rows"),
        ("rows", "/v1/rows?expand=none&sort=active"),
        ("virtual-routers", "/v1/virtual-routers"),
        ("real-servers", "/v1/real-servers?service=tcp/10.0.0.1:80&server=10.0.0.72:80"),
        ("events", "/v1/events"),
        ("journal", "/v1/journal"),
        ("journal", "/v1/journal?after=99"),
        ("history", "/v1/history"),
        ("history", "/v1/history?subject=vrrp/VI_1"),
        ("error", "/v1/history?subject=tcp/10.0.0.9:9"),
        ("diff", "/v1/diff"),
        ("undo", "/v1/undo"),
        ("error", "/v1/rows?filter=%28"),
        ("connections", "/v1/connections"),
        ("connections", "/v1/connections?state=none&sort=expires&limit=0"),
        ("error", "/v1/connections?client=web"),
        ("sysctls", "/v1/sysctls"),
        ("host", "/v1/host"),
        ("log", "/v1/log"),
        ("log", "/v1/log?level=warning&limit=1"),
        ("error", "/v1/log?level=debug"),
        ("error", "/v1/nothing"),
    ] {
        found.push((schema, running.get(path).json()));
    }
    for command in examples() {
        let mut dry = command.clone();
        dry["dry_run"] = true.into();
        found.push(("answer", running.post(&command.to_string()).json()));
        found.push(("answer", running.post(&dry.to_string()).json()));
    }
    for outcome in [Outcome::Refused, Outcome::Failed] {
        running.engine.let_commands_end(outcome);
        found.push(("answer", running.post(r#"{"verb":"stop"}"#).json()));
    }
    running.engine.let_commands_end(Outcome::Stale);
    found.push(("error", running.post(r#"{"verb":"stop","token":"old"}"#).json()));
    found.push(("error", post_to(&running.read_only(), r#"{"verb":"stop"}"#).json()));
    found
}

#[test]
fn every_answer_fits_its_schema_and_every_field_of_a_schema_is_in_an_answer() {
    let schemas = Schemas::read();
    let mut seen = BTreeSet::new();
    for (schema, answer) in answers() {
        let breaches = schemas.check(schema, &answer, &mut seen);
        assert!(breaches.is_empty(), "{schema}: {breaches:?}\n{answer:#}");
    }
    for mut command in examples() {
        for (field, value) in [("reason", "update".into()), ("dry_run", true.into()), ("token", "1f0c".into())] {
            command[field] = value; // every verb has them
        }
        assert_eq!(schemas.check("command", &command, &mut seen), [""; 0], "{command}");
    }
    let all = schemas.fields();
    let is_file = |field: &&String| ["settings#", "console#", "check#"].iter().any(|file| field.starts_with(file));
    let never: Vec<_> = all.difference(&seen).filter(|field| !is_file(field)).collect();
    assert!(never.is_empty() && all.len() > 150, "of {} fields no answer has {never:#?}", all.len());
}

#[test]
fn the_schema_of_commands_and_the_server_refuse_the_same() {
    let (schemas, running) = (Schemas::read(), Running::new(full()));
    for command in examples() {
        assert_eq!(running.post(&command.to_string()).status, 200, "{command}");
    }
    let asked = running.engine.asked.lock().unwrap().len();
    for wrong in [
        json!({}),
        json!({"verb": "explode"}),
        json!({"verb": "stop", "now": true}),
        json!({"verb": "takeover"}),
        json!({"verb": "drain", "server": 7}),
        json!({"verb": "drain", "server": "10.0.0.71", "deadline": "60s"}),
        json!({"verb": "failover", "for": -1}),
        json!({"verb": "weight", "service": "web", "server": "10.0.0.71:80", "weight": 2_147_483_648_u64}),
        json!({"verb": "add-server", "service": "web", "server": "10.0.0.71:80", "forward": "local"}),
        json!({"verb": "add-service", "service": "tcp/10.0.0.1:80", "persistence": 4_294_967_296_u64}),
        json!({"verb": "remove-service"}),
        json!({"verb": "undo", "command": "last"}),
        json!({"verb": "reload", "dry_run": 1}),
        json!({"verb": "stop", "keep": "yes"}),
    ] {
        assert_ne!(schemas.check("command", &wrong, &mut BTreeSet::new()), [""; 0], "{wrong}");
        let refusal = running.post(&wrong.to_string());
        assert_eq!(refusal.status, 400, "{wrong}");
        assert_eq!(schemas.check("error", &refusal.json(), &mut BTreeSet::new()), [""; 0]);
    }
    assert_eq!(running.engine.asked.lock().unwrap().len(), asked, "nothing of that reached the engine");
}

#[test]
fn every_verb_has_an_example_a_preview_a_token_and_409_for_a_stale_one() {
    let running = Running::new(full());
    let mut verbs: Vec<String> =
        examples().iter().map(|command| command["verb"].as_str().unwrap().to_owned()).collect();
    for command in examples() {
        let with = |field: &str, value: Value| {
            let mut command = command.clone();
            command.as_object_mut().unwrap().remove("dry_run");
            command[field] = value;
            running.post(&command.to_string())
        };
        let preview = with("dry_run", true.into());
        assert_eq!((preview.status, &preview.json()["outcome"]), (200, &"preview".into()), "{command}");
        let token = preview.json()["token"].clone();
        assert!(token.as_str().is_some_and(|token| !token.is_empty()), "{command}");
        let done = with("token", token);
        assert_eq!((done.status, &done.json()["outcome"]), (200, &"done".into()), "{command}");
        assert_eq!(with("token", "0123456789abcdef".into()).refusal(), (409, "stale".into()), "{command}");
        assert_eq!(post_to(&running.read_only(), &command.to_string()).refusal(), (403, "read-only".into()));
    }
    verbs.sort();
    verbs.dedup();
    let all = "add-server add-service drain failover maintenance priority rejoin reload remove-server remove-service restore \
               several stop takeover undo weight";
    assert_eq!(verbs.join(" "), all);
}

#[test]
fn the_stream_of_events_has_events_as_the_list_has_them() {
    let running = Running::new(full());
    running.engine.happen("VI_1", 1);
    let list = running.get("/v1/events").json();
    let head = "GET /v1/events?after=0 HTTP/1.1\r\nHost: l\r\nAccept: text/event-stream\r\n\r\n";
    let stop = std::thread::spawn({
        let socket = running.socket.clone();
        move || exchange(&socket, head).body
    });
    std::iter::from_fn(|| Some(running.get("/v1/summary").status)).take(50).for_each(drop);
    drop(running);
    let stream = stop.join().unwrap();
    let event = stream.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or_else(|| panic!("{stream}"));
    assert_eq!(serde_json::from_str::<Value>(event).unwrap(), list["events"][0]);
}

#[test]
fn the_read_only_socket_refuses_every_verb_and_the_engine_never_hears_of_it() {
    let running = Running::new(full());
    let verbs: BTreeSet<String> = examples().iter().map(|command| command["verb"].to_string()).collect();
    assert!(verbs.len() >= 16, "{verbs:?}");
    let client = Client::connect_read_only(&running.socket).unwrap();
    for command in examples() {
        for dry_run in [true, false] {
            let mut command = command.clone();
            command["dry_run"] = dry_run.into();
            let reply = post_to(&running.read_only(), &command.to_string());
            assert_eq!(reply.refusal(), (403, "read-only".into()), "{command}");
            let request = serde_json::from_value(command).unwrap();
            assert!(client.command(&request, &Who::default()).is_err());
        }
    }
    assert!(running.engine.asked.lock().unwrap().is_empty());
    assert!(!client.summary().unwrap().writable);
}

//! `docs/api.md` names everything that goes over the socket.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may fail

mod api_fixture;

use api_fixture::{FakeEngine, small};
use lvsdeck::engine::{
    Command, CommandRequest, ConnectionsQuery, Drift, EngineHandle, EventKind, Foreign, HistoryQuery, JournalFrom,
    LogQuery, MOST_SERVERS, MetricKind, ProcessFacts, RowsQuery, Warning, Who, metric_families,
};
use serde_json::{Value, to_value};
use std::collections::BTreeSet;
use std::time::Duration;

const DOCS: &str = include_str!("../docs/api.md");

fn collect(value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                keys.insert(key.clone());
                collect(value, keys);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, keys)),
        _ => {}
    }
}

#[test]
fn every_field_of_every_answer_is_documented() {
    let mut status = small();
    status.virtual_routers[0].held = Some("until rejoin".into());
    status.drift.push(Drift { subject: "x".into(), wanted: "x".into(), found: "x".into(), action: "x".into() });
    status.foreign.push(Foreign { key: "fwmark/1".parse().unwrap(), scheduler: "rr".into(), real_servers: 1 });
    let (code, subject, message, next) = ("x".to_owned(), "x".to_owned(), "x".to_owned(), "x".to_owned());
    status.warnings.push(Warning { code, subject, message, next });
    let engine = FakeEngine::new(status);
    engine.happen("VI_1", 1);
    let request = CommandRequest {
        command: Command::Stop { keep: false },
        reason: None,
        dry_run: true,
        token: None,
        force: false,
    };
    let mut answer = engine.command(&request, &Who::default()).unwrap();
    answer.preview.confirm = Some("stop".into());
    let mut keys = BTreeSet::new();
    let history = |subject: &str| HistoryQuery { subject: subject.to_owned(), ..HistoryQuery::default() };
    let (total, instance) = (history("total"), history("vrrp/VI_1"));
    for value in [
        to_value(engine.status().unwrap()),
        to_value(engine.summary().unwrap()),
        to_value(engine.rows(&RowsQuery::default()).unwrap()),
        to_value(engine.events(0, 1, Duration::ZERO).unwrap()),
        to_value(engine.journal(JournalFrom::After(0), 1).unwrap()),
        to_value(engine.history(&total).unwrap().unwrap()),
        to_value(engine.history(&instance).unwrap().unwrap()),
        to_value(engine.connections(&ConnectionsQuery::default()).unwrap()),
        to_value(engine.sysctls().unwrap()),
        to_value(engine.host().unwrap()),
        to_value(engine.log(&LogQuery::default()).unwrap()),
        to_value(answer),
    ] {
        collect(&value.unwrap(), &mut keys);
    }
    let missing: Vec<_> = keys.iter().filter(|key| !DOCS.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/api.md has no word of {missing:?}");
    assert!(keys.len() > 100, "{}", keys.len());
}

#[test]
fn every_kind_of_event_is_documented() {
    use EventKind as K;
    let kinds = [
        K::EngineStarted,
        K::EngineStopping,
        K::InstanceState,
        K::AdvertisementRejected,
        K::SplitBrain,
        K::Link,
        K::Address,
        K::ServerHealth,
        K::CheckResult,
        K::ServerWeight,
        K::ServerAdmin,
        K::ServerTable,
        K::ServiceTable,
        K::Quorum,
        K::Drift,
        K::OperationRefused,
        K::Command,
        K::Hold,
        K::Script,
        K::SyncDaemon,
        K::Warning,
    ];
    for kind in kinds {
        let name = to_value(kind).unwrap();
        assert_eq!(name.as_str(), Some(kind.name()));
        assert!(DOCS.contains(&format!("`{}`", kind.name())), "docs/api.md has no word of {name}");
    }
}

#[test]
fn every_error_code_of_the_sources_is_documented() {
    let sources = [
        include_str!("../src/api/routes.rs"),
        include_str!("../src/api/server.rs"),
        include_str!("../src/api/query.rs"),
        include_str!("../src/api/commands.rs"),
        include_str!("../src/api/events.rs"),
        include_str!("../src/api/past.rs"),
        include_str!("../src/api/reply.rs"),
        include_str!("../src/api/door.rs"),
    ];
    let mut codes = BTreeSet::new();
    for source in sources {
        for call in source.split("Refusal::bad(").skip(1).chain(source.split("::new(StatusCode::").skip(1)) {
            codes.extend(call.split('"').nth(1));
        }
    }
    let missing: Vec<_> = codes.iter().filter(|code| !DOCS.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty() && codes.len() >= 8, "{missing:?} of {codes:?}");
}

#[test]
fn every_metric_is_documented_and_every_documented_one_is_there() {
    let families = metric_families(&small(), &ProcessFacts::default(), MOST_SERVERS, api_fixture::now());
    let names: BTreeSet<String> = families
        .iter()
        .map(|family| match family.kind {
            MetricKind::Counter => format!("{}_total", family.name),
            MetricKind::Info => format!("{}_info", family.name),
            MetricKind::Gauge | MetricKind::StateSet => family.name.to_owned(),
        })
        .collect();
    let (_, table) = DOCS.split_once("| metric | type | meaning |").unwrap();
    let (table, _) = table.split_once("keepalived-exporter").unwrap();
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let listed =
        table.lines().filter_map(|line| line.split('|').nth(1)).flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let listed: BTreeSet<String> = listed.map(|name| name.split(|c| !word(c)).next().unwrap().to_owned()).collect();
    assert_eq!(names, listed);
}

/// Pages for those who change the program, not for those who run it.
const OF_THE_SOURCE: [&str; 3] = ["architecture.md", "lab.md", "rfc.md"];

#[test]
fn the_package_has_every_page_for_its_users() {
    let manifest = include_str!("../Cargo.toml");
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_page = path.extension().is_some_and(|end| end == "md") && !OF_THE_SOURCE.contains(&name);
        assert!(!is_page || manifest.contains(&format!("\"usr/share/doc/lvsdeck/{name}\"")), "{name} is in no package");
    }
}

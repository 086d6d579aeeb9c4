//! What is recorded is read back; what was cut off or damaged reads as far as it is whole.

use super::*;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::Forwarding;
use crate::engine::snapshot::{
    Admin, CheckStatus, ConfigStatus, Counters, Health, QuorumStatus, Rates, RealServerStatus, Role,
    VirtualServerStatus, Warning,
};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

fn at(ms: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_000 + ms)
}

fn server(key: usize, active: u32, next_in_ms: Option<u64>) -> RealServerStatus {
    let check = CheckStatus {
        kind: "TCP_CHECK".into(),
        target: format!("10.0.0.{key}:80"),
        ok: Some(true),
        failures: (0, 3),
        latency_ms: Some(1.5),
        at: Some(at(u64::from(active))),
        error: (active % 3 == 1).then(|| "timeout".to_owned()),
        next_in_ms,
    };
    RealServerStatus {
        key: format!("10.0.0.{key}:80").parse().unwrap(),
        forward: Forwarding::Dr,
        weight: 1,
        configured_weight: 1,
        health: Health::Up,
        health_since: at(0),
        admin: Admin::Enabled,
        added: false,
        overridden: None,
        drain: None,
        suspended: false,
        slow_start: None,
        kernel: None,
        kernel_changed: None,
        active,
        inactive: 0,
        persistent: 0,
        checks: vec![check],
        counters: Counters::default().into(),
        rates: Rates { connections_per_s: f64::from(active) / 3.0, ..Rates::default() }.into(),
    }
}

fn status(real_servers: Vec<RealServerStatus>, warnings: usize) -> Status {
    let service = VirtualServerStatus {
        key: "tcp/10.0.0.1:80".parse().unwrap(),
        name: None,
        scheduler: crate::engine::model::Scheduler::Rr,
        forward: Forwarding::Dr,
        persistence: None,
        quorum: QuorumStatus { need: 1, have: 1, up: true },
        sorry_server_active: false,
        sorry_server: None,
        in_kernel: true,
        counters: Counters::default(),
        rates: Rates::default(),
        real_servers,
    };
    let warning = |n: usize| {
        let text = n.to_string();
        Warning { code: text.clone(), subject: text.clone(), message: text.clone(), next: text }
    };
    Status {
        version: 1,
        node: "d1".into(),
        pid: 1,
        mode: "run".into(),
        dataplane: "kernel".into(),
        config: ConfigStatus { file: "f".into(), loaded_at: at(0), generation: 1 },
        role: Role::Master,
        last_event: 0,
        changed_at: None,
        virtual_routers: Vec::new(),
        virtual_servers: vec![Arc::new(service)],
        drift: Vec::new(),
        foreign_routers: Vec::new(),
        foreign: Vec::new(),
        ipvs: None,
        warnings: (0..warnings).map(warning).collect(),
    }
}

fn lines(entries: &[Entry]) -> Vec<u8> {
    let mut text = serde_json::to_vec(&Header::new("d1", at(0), 1000)).unwrap();
    for entry in entries {
        text.push(b'\n');
        text.extend(serde_json::to_vec(entry).unwrap());
    }
    text.push(b'\n');
    text
}

fn any_status() -> impl Strategy<Value = Status> {
    let servers = proptest::collection::vec((0u32..5, proptest::option::of(0u64..9000)), 0..5);
    (servers, 0usize..3).prop_map(|(servers, warnings)| {
        let servers = servers.into_iter().enumerate().map(|(key, (active, next))| server(key, active, next)).collect();
        status(servers, warnings)
    })
}

/// Timers apart: they come back within the slack, a tick.
fn same(given: &Status, read: &Status) -> bool {
    let timers = |status: &Status| -> Vec<Option<u64>> {
        status.virtual_servers[0].real_servers.iter().map(|server| server.checks[0].next_in_ms).collect()
    };
    let still = |status: &Status| {
        let mut status = status.clone();
        for server in &mut Arc::make_mut(&mut status.virtual_servers[0]).real_servers {
            server.checks[0].next_in_ms = None;
        }
        status
    };
    let close = |pair: (&Option<u64>, &Option<u64>)| match pair {
        (Some(a), Some(b)) => a.abs_diff(*b) <= TIMER_SLACK_MS,
        (a, b) => a == b,
    };
    still(given) == still(read) && timers(given).iter().zip(&timers(read)).all(close)
}

proptest! {
    #[test]
    fn what_is_recorded_is_read_back(statuses in proptest::collection::vec(any_status(), 1..12), cut in 0usize..400) {
        let mut encoder = Encoder::default();
        let entries: Vec<Entry> =
            statuses.iter().zip(0..).map(|(s, n)| encoder.status(n * 1000, at(n * 1000), s).unwrap()).collect();
        let text = lines(&entries);
        let recording = Recording::read(text.as_slice()).unwrap();
        let read: Vec<_> = recording.statuses().map(Result::unwrap).collect();
        prop_assert_eq!(read.len(), statuses.len());
        for ((given, (ms, read)), n) in statuses.iter().zip(&read).zip(0..) {
            prop_assert_eq!(*ms, n * 1000);
            prop_assert!(same(given, read), "{given:?} {read:?}");
            prop_assert_eq!(&recording.status_at(n * 1000 + 999).unwrap().unwrap(), read);
        }
        // What was cut off in the middle is a beginning of it.
        let whole = Recording::read(text.get(..text.len().saturating_sub(cut)).unwrap());
        if let Ok(begun) = whole {
            let part: Vec<_> = begun.statuses().map(Result::unwrap).collect();
            prop_assert!(begun.damaged <= 1 && part.as_slice() == read.get(..part.len()).unwrap());
        }
    }
}

#[test]
fn a_tick_without_a_change_takes_a_hundred_bytes_and_a_full_status_comes_again() {
    let mut encoder = Encoder::default();
    let mut full = 0;
    for n in 0..=u64::from(FULL_EVERY) {
        let entry = encoder.status(n * 1000, at(n * 1000), &status(vec![server(1, 1, None)], 0)).unwrap();
        match entry {
            Entry::Full { .. } => full += 1,
            other => assert!(serde_json::to_string(&other).unwrap().len() < 100),
        }
    }
    assert_eq!(full, 2);
}

#[test]
fn after_a_damaged_line_it_goes_on_with_the_next_full_status() {
    let mut encoder = Encoder::default();
    let entries: Vec<Entry> = (0..u64::from(FULL_EVERY) + 2)
        .map(|n| encoder.status(n, at(n), &status(vec![server(1, u32::try_from(n).unwrap(), None)], 0)).unwrap())
        .collect();
    let mut text: Vec<Vec<u8>> = lines(&entries).split(|&b| b == b'\n').map(<[u8]>::to_vec).collect();
    text[5] = vec![0xff, 0, 7];
    let recording = Recording::read(text.join(&b'\n').as_slice()).unwrap();
    assert_eq!(recording.damaged, 1);
    let moments: Vec<u64> = recording.moments().map(|(ms, _)| ms).collect();
    assert_eq!(moments, [0, 1, 2, 3, 300, 301]);
    assert_eq!(recording.status_at(299).unwrap(), recording.status_at(3).unwrap());
    assert_eq!(recording.status_at(301).unwrap().unwrap().virtual_servers[0].real_servers[0].active, 301);
}

#[test]
fn events_history_and_the_end_are_read_and_what_is_no_recording_is_refused() {
    let fact = Fact::new(EventKind::Link, Severity::Info, "eth0");
    let event = Event::stamp(fact, 7, at(0), 3);
    let history = HistoryPage {
        subject: "total".into(),
        from: at(0),
        step_s: 1,
        series: std::iter::once((crate::engine::history::Series::Active, vec![Some(1.0), None])).collect(),
        left_out: crate::engine::history::LeftOut::default(),
    };
    let (ms, end) = (5, "time".to_owned());
    let text = lines(&[
        Entry::History { history: history.clone() },
        Entry::Event { event: event.clone() },
        Entry::End { ms, at: at(5), end },
    ]);
    let recording = Recording::read(text.as_slice()).unwrap();
    assert_eq!(
        (recording.events, recording.history, recording.end.as_deref()),
        (vec![event], vec![history], Some("time"))
    );
    assert!(matches!(Recording::read(&b"{}\n"[..]), Err(RecordingError::NotARecording)));
    assert!(matches!(Recording::read(&b""[..]), Err(RecordingError::NotARecording)));
    let newer = String::from_utf8(text).unwrap().replacen("\"version\":1", "\"version\":2", 1);
    assert!(matches!(Recording::read(newer.as_bytes()), Err(RecordingError::Version(2))));
}

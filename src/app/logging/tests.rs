use super::*;
use serde_json::{Map, Value};
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex};

const EVENT: &str = r#"{"seq":7,"at":"2026-11-21T14:02:11.000Z","monotonic_ms":5200,"kind":"instance-state","severity":"notice","subject":"VI_1","from":"BACKUP","to":"MASTER","reason":"10.0.0.12 resigned","who":null,"detail":null}"#;

/// What the log writes while `body` runs.
fn written(form: Form, body: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<String>>);
    impl Output for Kept {
        fn write(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
    }
    let kept = Kept::default();
    let log = Log { form, lost: AtomicU64::new(0), out: kept.clone() };
    tracing::subscriber::with_default(subscriber(log), body);
    kept.0.lock().unwrap().clone()
}

fn transition() {
    tracing::info!(event = EVENT, also = "(VI_1) Receive advertisement timeout", "(VI_1) Entering {} STATE", "MASTER");
}

#[test]
fn text_has_a_time_a_level_and_each_line_for_itself() {
    let text = written(Form::Text { color: false }, transition);
    let lines: Vec<(&str, &str)> = text.lines().map(|line| line.split_once(' ').unwrap()).collect();
    assert_eq!(
        lines.iter().map(|(_, rest)| *rest).collect::<Vec<_>>(),
        [" INFO (VI_1) Receive advertisement timeout", " INFO (VI_1) Entering MASTER STATE"]
    );
    assert!(lines.iter().all(|(time, _)| humantime::parse_rfc3339(time).is_ok()), "{text}");
}

#[test]
fn what_a_stranger_put_into_a_name_stays_on_its_line() {
    let text = written(Form::Text { color: false }, || tracing::error!("x\n2026 FORGED \x1b[2J"));
    assert!(text.ends_with("ERROR x\\n2026 FORGED \\u{1b}[2J\n") && text.lines().count() == 1, "{text}");
}

#[test]
fn into_a_stream_of_the_service_manager_goes_the_priority_and_no_second_time() {
    assert_eq!(
        written(Form::Prefixed, transition),
        "<5>(VI_1) Receive advertisement timeout\n<5>(VI_1) Entering MASTER STATE\n"
    );
    assert_eq!(written(Form::Prefixed, || tracing::warn!("late")), "<4>late\n");
}

#[test]
fn json_is_one_object_with_every_field_of_the_event() {
    let text = written(Form::Json, transition);
    assert_eq!(text.lines().count(), 1, "{text}");
    let mut object: Map<String, Value> = serde_json::from_str(&text).unwrap();
    assert!(humantime::parse_rfc3339(object.remove("timestamp").unwrap().as_str().unwrap()).is_ok());
    assert_eq!(object.remove("level").unwrap(), "INFO");
    assert_eq!(object.remove("message").unwrap(), "(VI_1) Entering MASTER STATE");
    assert_eq!(object.remove("also").unwrap(), serde_json::json!(["(VI_1) Receive advertisement timeout"]));
    assert_eq!(object, serde_json::from_str(EVENT).unwrap());
}

#[test]
fn what_is_no_event_is_logged_as_well() {
    let text = written(Form::Json, || tracing::warn!(file = "x.conf", "no such interface"));
    let object: Map<String, Value> = serde_json::from_str(&text).unwrap();
    assert_eq!((&object["level"], &object["message"]), (&"WARN".into(), &"no such interface file=x.conf".into()));
    assert_eq!(written(Form::Json, || tracing::debug!("chatter")), "");
}

/// A journal that listens in a directory of its own.
fn journal() -> (tempfile::TempDir, UnixDatagram, JournalSocket) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("socket");
    let listening = UnixDatagram::bind(&path).unwrap();
    let socket = JournalSocket::open(&path).unwrap();
    (place, listening, socket)
}

/// The entries that wait at the journal, as sorted lines without this process's number.
fn entries(journal: &UnixDatagram) -> Vec<Vec<String>> {
    journal.set_nonblocking(true).unwrap();
    let mut buffer = vec![0; 64 << 10];
    let mut found = Vec::new();
    while let Ok(length) = journal.recv(&mut buffer) {
        let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
        let mut fields: Vec<String> = text.lines().map(str::to_owned).collect();
        fields.retain(|field| !field.starts_with("SYSLOG_PID="));
        fields.sort();
        found.push(fields);
    }
    found
}

#[test]
fn the_journal_gets_the_events_fields_once_and_the_lines_beside_it_as_entries() {
    let (_place, listening, socket) = journal();
    assert_eq!(written(Form::Journal(socket), transition), "");
    assert_eq!(
        entries(&listening),
        [
            vec![
                "MESSAGE=(VI_1) Receive advertisement timeout",
                "PRIORITY=5",
                "SYSLOG_FACILITY=3",
                "SYSLOG_IDENTIFIER=lvsdeck",
            ],
            vec![
                "LVSDECK_AT=2026-11-21T14:02:11.000Z",
                "LVSDECK_FROM=BACKUP",
                "LVSDECK_KIND=instance-state",
                "LVSDECK_MONOTONIC_MS=5200",
                "LVSDECK_REASON=10.0.0.12 resigned",
                "LVSDECK_SEQ=7",
                "LVSDECK_SEVERITY=notice",
                "LVSDECK_SUBJECT=VI_1",
                "LVSDECK_TO=MASTER",
                "MESSAGE=(VI_1) Entering MASTER STATE",
                "PRIORITY=5",
                "SYSLOG_FACILITY=3",
                "SYSLOG_IDENTIFIER=lvsdeck",
            ],
        ]
    );
}

#[test]
fn a_journal_that_takes_nothing_holds_nobody_up_and_hears_what_it_missed() {
    let (_place, listening, socket) = journal();
    let mut read = Vec::new();
    written(Form::Journal(socket), || {
        // Far more than a socket's queue holds.
        (0..10_000).for_each(|n| tracing::info!("{n}"));
        read = entries(&listening);
        tracing::info!("again");
    });
    let taken = read.len();
    let after = entries(&listening);
    let lost = format!("MESSAGE={} entries of the log were lost: the journal did not take them", 10_000 - taken);
    assert!(taken < 10_000 && after.len() == 2, "{taken} taken");
    assert!(after[0].contains(&lost) && after[1].contains(&"MESSAGE=again".to_owned()), "{after:?}");
}

#[test]
fn the_form_follows_from_the_option_and_from_what_standard_error_is() {
    let (place, _listening, _) = journal();
    let (here, gone) = (place.path().join("socket"), place.path().join("gone"));
    let found = std::fs::metadata("/proc/self/fd/2").unwrap();
    let stream = {
        use std::os::unix::fs::MetadataExt;
        format!("{}:{}", found.dev(), found.ino())
    };
    let choose = |json, stream: &str, path: &Path| Form::choose(json, false, Some(OsStr::new(stream)), path);
    assert!(matches!(choose(false, &stream, &here), Form::Journal(_)));
    assert!(matches!(choose(false, &stream, &gone), Form::Prefixed));
    assert!(matches!(choose(true, &stream, &here), Form::Json));
    assert!(matches!(choose(false, "1:1", &here), Form::Text { color: false }));
}

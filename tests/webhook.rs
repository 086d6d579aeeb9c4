//! Events on their way to a URL: taken, refused, late, never.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use lvsdeck::engine::driver::shared::{Identity, Shared};
use lvsdeck::engine::driver::webhook::{self, Webhook};
use lvsdeck::engine::event::{EventKind, Fact, Severity};
use lvsdeck::engine::model::WebhookSettings;
use lvsdeck::engine::snapshot::ConfigStatus;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Longer than anything here takes; a test that needs it fails.
const LIMIT: Duration = Duration::from_secs(30);
const PAUSES: &[Duration] = &[Duration::from_millis(20)];

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LIMIT, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

type Heard = Arc<Mutex<Vec<(String, Value)>>>;

/// A server that answers its n-th request with the n-th status, and then with the last; what it heard, head and body.
fn server(at: &str, statuses: &'static [u16]) -> (SocketAddr, Heard) {
    let listener = TcpListener::bind(at).unwrap();
    let (address, heard) = (listener.local_addr().unwrap(), Heard::default());
    let kept = Arc::clone(&heard);
    thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut request, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                if let Some(number) = line.to_lowercase().strip_prefix("content-length: ") {
                    length = number.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
                request += &line;
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            kept.lock().unwrap().push((request, serde_json::from_slice(&body).unwrap()));
            let status = statuses.get(n).or(statuses.last()).unwrap();
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    (address, heard)
}

struct Rig {
    shared: Arc<Shared>,
    webhook: Webhook,
    posted: Receiver<()>,
}

impl Rig {
    fn new(settings: &WebhookSettings) -> Self {
        let shared = Arc::new(Shared::new(Identity {
            node: "lb1".to_owned(),
            mode: "run",
            dataplane: "kernel".to_owned(),
            config: ConfigStatus { file: String::new(), loaded_at: SystemTime::UNIX_EPOCH, generation: 1 },
            warnings: Vec::new(),
        }));
        shared.begin(0, Vec::new());
        let (webhook, posted) = webhook::start(Arc::clone(&shared), "lb1".to_owned(), settings, PAUSES).unwrap();
        Self { shared, webhook, posted }
    }

    fn happens(&self, kind: EventKind, severity: Severity, subject: &str) {
        self.shared.append(Fact::new(kind, severity, subject).reason("a test"));
    }

    /// What was said of the webhook itself.
    fn said(&self) -> Vec<String> {
        let own = |event: &&Arc<lvsdeck::engine::event::Event>| event.subject == "webhook";
        let events = self.shared.events(0, 5_000, Duration::ZERO);
        events.iter().filter(own).map(|event| event.reason.clone().unwrap()).collect()
    }

    fn warned(&self) -> bool {
        thread::sleep(Duration::from_millis(250)); // a status is good for a fifth of a second
        self.shared.status().warnings.iter().any(|warning| warning.code == "webhook-not-taken")
    }
}

fn to(address: SocketAddr) -> WebhookSettings {
    WebhookSettings { url: Some(format!("http://{address}/hook/secret?a=1")), ..WebhookSettings::default() }
}

#[test]
fn an_event_is_posted_as_the_json_that_the_api_gives_in_order() {
    let (address, heard) = server("127.0.0.1:0", &[204]);
    let rig = Rig::new(&to(address));
    rig.happens(EventKind::Quorum, Severity::Error, "first");
    rig.happens(EventKind::Link, Severity::Notice, "second");
    until("both", || heard.lock().unwrap().len() == 2);
    let heard = heard.lock().unwrap();
    let (request, body) = &heard[0];
    assert!(request.starts_with("POST /hook/secret?a=1 HTTP/1.1\r\n"), "{request}");
    for line in [&format!("host: {address}"), "content-type: application/json", "x-lvsdeck-node: lb1"] {
        assert!(request.to_lowercase().contains(&format!("\n{line}\r\n")), "{line}: {request}");
    }
    assert_eq!(*body, serde_json::to_value(&*rig.shared.events(0, 10, Duration::ZERO)[0]).unwrap());
    assert_eq!(
        (&body["kind"], &body["subject"], &heard[1].1["subject"]),
        (&"quorum".into(), &"first".into(), &"second".into())
    );
    assert_eq!(rig.said(), [""; 0]);
}

#[test]
fn only_what_the_settings_ask_for_is_posted() {
    let (address, heard) = server("127.0.0.1:0", &[200]);
    let events = vec!["quorum".to_owned(), "warning".to_owned()];
    let rig = Rig::new(&WebhookSettings { events, severity: "warning", ..to(address) });
    rig.happens(EventKind::Quorum, Severity::Notice, "gained");
    rig.happens(EventKind::Link, Severity::Error, "eth0");
    rig.happens(EventKind::Warning, Severity::Error, "webhook");
    rig.happens(EventKind::Quorum, Severity::Error, "lost");
    until("one", || !heard.lock().unwrap().is_empty());
    rig.webhook.follow(&WebhookSettings::default());
    rig.happens(EventKind::Quorum, Severity::Error, "to nobody");
    thread::sleep(Duration::from_millis(100));
    let subjects: Vec<Value> = heard.lock().unwrap().iter().map(|(_, body)| body["subject"].clone()).collect();
    assert_eq!(subjects, ["lost"]);
}

#[test]
fn an_event_that_is_not_taken_is_tried_again_and_one_that_never_will_be_is_not() {
    let (address, heard) = server("127.0.0.1:0", &[500, 429, 200, 410, 200]);
    let rig = Rig::new(&to(address));
    rig.happens(EventKind::Link, Severity::Notice, "first");
    until("the third try", || heard.lock().unwrap().len() == 3);
    until("told", || rig.said().len() == 3);
    rig.happens(EventKind::Link, Severity::Notice, "refused");
    rig.happens(EventKind::Link, Severity::Notice, "last");
    until("one try each", || heard.lock().unwrap().len() == 5);
    until("told", || rig.said().len() == 5);
    let at = format!("http://{address} takes no event");
    assert_eq!(
        rig.said(),
        [
            format!("{at}: HTTP 500"),
            format!("{at}: HTTP 429"),
            "events are taken again; no event was lost".to_owned(),
            format!("{at}: HTTP 410"),
            "events are taken again; 1 event was lost".to_owned()
        ]
    );
    assert!(!rig.warned());
}

#[test]
fn nobody_there_is_a_warning_and_what_waits_is_posted_when_somebody_is() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let rig = Rig::new(&WebhookSettings { tries: 1_000, ..to(address) });
    rig.happens(EventKind::Link, Severity::Notice, "first");
    rig.happens(EventKind::Link, Severity::Notice, "second");
    until("told", || rig.said().len() == 1);
    assert!(rig.said()[0].starts_with(&format!("http://{address} takes no event: ")), "{:?}", rig.said());
    assert!(!rig.said()[0].contains("secret"));
    assert!(rig.warned());
    let (_, heard) = server(&address.to_string(), &[200]);
    until("both", || heard.lock().unwrap().len() == 2);
    until("told", || rig.said().len() == 2);
    assert!(!rig.warned());
}

#[test]
fn a_server_that_hangs_or_talks_garbage_holds_up_nobody_who_reports_nor_the_end() {
    let silent: fn(TcpStream) = |stream| {
        thread::sleep(LIMIT);
        drop(stream);
    };
    let endless: fn(TcpStream) = |mut stream| while stream.write_all(b"HTTP/1.1 200 ok\r\nx: y").is_ok() {};
    let garbage: fn(TcpStream) = |mut stream| _ = stream.write_all(b"SSH-2.0-x\r\n");
    for (speak, why) in [(silent, "no answer in time"), (endless, ""), (garbage, "")] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                thread::spawn(move || speak(stream.unwrap()));
            }
        });
        let rig = Rig::new(&WebhookSettings { timeout: Duration::from_millis(300), tries: 1, ..to(address) });
        let begun = Instant::now();
        (0..2_000).for_each(|_| rig.happens(EventKind::Link, Severity::Notice, "eth0"));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        until("told", || rig.said().iter().any(|said| said.contains(why)));
        rig.shared.close();
        let begun = Instant::now();
        _ = rig.posted.recv_timeout(Duration::from_secs(1));
        assert!(begun.elapsed() < Duration::from_millis(1_200));
    }
}

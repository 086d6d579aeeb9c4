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
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

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
            let status = statuses.get(n).or(statuses.last()).unwrap();
            kept.lock().unwrap().push(answer(stream.unwrap(), *status).unwrap());
        }
    });
    (address, heard)
}

/// Hears one request, head and body, and answers it.
fn answer(stream: impl Read + Write, status: u16) -> std::io::Result<(String, Value)> {
    let mut stream = BufReader::new(stream);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if let Some(number) = line.to_lowercase().strip_prefix("content-length: ") {
            length = number.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        request += &line;
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
    stream.get_mut().write_all(answer.as_bytes())?;
    Ok((request, serde_json::from_slice(&body).unwrap()))
}

/// The same over TLS, with this certificate of the directory; who does not like it is not heard.
fn secret_server(directory: &Path, name: &str) -> (SocketAddr, Heard) {
    let at = |end: &str| directory.join(format!("{name}.{end}"));
    let certificate = CertificateDer::from_pem_file(at("pem")).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let key = PrivateKeyDer::from_pem_file(at("key")).unwrap();
    let config = Arc::new(builder.with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, heard) = (listener.local_addr().unwrap(), Heard::default());
    let kept = Arc::clone(&heard);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            if let Ok(said) = answer(StreamOwned::new(connection, stream.unwrap()), 204) {
                kept.lock().unwrap().push(said);
            }
        }
    });
    (address, heard)
}

/// An authority `ca`, and certificates of it for this host and for another.
fn certificates() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let run = |words: &str| {
        let run =
            Command::new("openssl").args(words.split(' ')).current_dir(directory.path()).output().expect("openssl");
        assert!(run.status.success(), "openssl {words}: {}", String::from_utf8_lossy(&run.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    run(&format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=ca -days 30"));
    run(&format!("req -x509 {key} -keyout strange.key -out strange.pem -subj /CN=strange -days 30"));
    for (name, alt) in [("own", "IP:127.0.0.1"), ("other", "DNS:other.test")] {
        run(&format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN={name} -addext subjectAltName={alt}"));
        let ca = "-CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy";
        run(&format!("x509 -req -in {name}.csr {ca} -days 30 -out {name}.pem"));
    }
    directory
}

#[test]
fn over_https_the_certificate_has_to_be_valid_and_what_is_wrong_with_it_is_said() {
    let directory = certificates();
    let path = |name: &str| Some(directory.path().join(name));
    for (certificate, verify, wrong) in [
        ("own", "ca.pem", None),
        ("own", "strange.pem", Some("certificate of an unknown issuer")),
        ("other", "ca.pem", Some("certificate of another name")),
    ] {
        let (address, heard) = secret_server(directory.path(), certificate);
        let url = Some(format!("https://{address}/hook/secret"));
        let rig = Rig::new(&WebhookSettings { url, tls_verify: path(verify), ..WebhookSettings::default() });
        rig.happens(EventKind::Quorum, Severity::Error, "first");
        let Some(wrong) = wrong else {
            until("it is heard", || !heard.lock().unwrap().is_empty());
            let (request, body) = heard.lock().unwrap()[0].clone();
            assert!(request.starts_with("POST /hook/secret HTTP/1.1\r\n"), "{request}");
            assert_eq!(body["subject"], "first");
            continue;
        };
        until(&format!("{wrong}: {:?}", rig.said()), || rig.said().iter().any(|said| said.contains(wrong)));
        assert!(heard.lock().unwrap().is_empty(), "nothing is told to a stranger");
        assert!(!rig.said().iter().any(|said| said.contains("secret")), "{:?}", rig.said());
    }
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

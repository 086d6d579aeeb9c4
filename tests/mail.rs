//! Mails on their way to a server: a real one, and servers that hang, lie, refuse or come back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use lvsdeck::engine::driver::mailer::{self, MOST, Mailer};
use lvsdeck::engine::event::{Fact, Severity};
use lvsdeck::engine::mail::Mail;
use lvsdeck::engine::model::{Configuration, MailSettings, MailWords};
use lvsdeck::engine::snapshot::Warning;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Longer than anything here takes; a test that needs it fails.
const LIMIT: Duration = Duration::from_secs(30);

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LIMIT, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn to(port: u16, recipients: &[&str]) -> Configuration {
    let mut configuration = Configuration::default();
    configuration.global.router_id = Some("LVS_MAIN".to_owned());
    configuration.global.mail = MailWords {
        recipients: recipients.iter().map(|&to| to.to_owned()).collect(),
        from: Some("lvs@example.com".to_owned()),
        port,
        helo: Some("lb1.example.com".to_owned()),
        timeout: Duration::from_millis(300),
        ..MailWords::default()
    };
    configuration
}

fn mail(subject: &str) -> Mail {
    Mail { subject: subject.to_owned(), text: "Why: a test\n.\nand on".to_owned() }
}

struct Rig {
    mailer: Mailer,
    thread: Option<JoinHandle<()>>,
    facts: Arc<Mutex<Vec<Fact>>>,
    warning: Arc<Mutex<Option<Warning>>>,
}

impl Rig {
    fn new(configuration: &Configuration, pauses: &[u64]) -> Self {
        let (facts, warning) = (Arc::<Mutex<Vec<Fact>>>::default(), Arc::<Mutex<Option<Warning>>>::default());
        let (heard, warned) = (Arc::clone(&facts), Arc::clone(&warning));
        let pauses = pauses.iter().map(|&pause| Duration::from_millis(pause)).collect();
        let report = move |fact| heard.lock().unwrap().push(fact);
        let warn = move |now| *warned.lock().unwrap() = now;
        let (mailer, thread) = mailer::start_with(configuration, pauses, report, warn).unwrap();
        Self { mailer, thread: Some(thread), facts, warning }
    }

    fn reasons(&self) -> Vec<String> {
        self.facts.lock().unwrap().iter().filter_map(|fact| fact.reason.clone()).collect()
    }

    fn heard(&self, what: &str) {
        until(&format!("{what}: {:?}", self.reasons()), || self.reasons().iter().any(|reason| reason.contains(what)));
    }

    fn end(&mut self) -> Duration {
        let begun = Instant::now();
        self.mailer.end();
        self.thread.take().unwrap().join().unwrap();
        begun.elapsed()
    }
}

/// A server of aiosmtpd, and the directory with what it got.
struct Real {
    process: Child,
    directory: tempfile::TempDir,
    port: u16,
}

impl Real {
    fn new(certificate: &str) -> Self {
        Self::on(free_port(), certificate)
    }
    fn on(port: u16, certificate: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().to_str().unwrap().to_owned();
        let mut words = vec![port.to_string(), at.clone()];
        if !certificate.is_empty() {
            let made = format!(
                "req -x509 -newkey rsa:2048 -nodes -keyout {at}/key.pem -out {at}/cert.pem -subj /CN={certificate} -days 30 \
                 -addext subjectAltName=IP:{certificate} -addext basicConstraints=critical,CA:FALSE"
            );
            assert!(Command::new("openssl").args(made.split(' ')).output().unwrap().status.success());
            words.extend([format!("{at}/cert.pem"), format!("{at}/key.pem")]);
        }
        let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail/server.py");
        let mut process =
            Command::new("/usr/bin/python3").arg(server).args(words).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready", "python3-aiosmtpd: see tests/lab/packages");
        Self { process, directory, port }
    }
    fn letter(&self, number: usize) -> String {
        let path = self.directory.path().join(format!("letter{number}"));
        until(&format!("letter {number}"), || path.exists());
        String::from_utf8(fs::read(path).unwrap()).unwrap()
    }
    fn number(&self) -> usize {
        fs::read_dir(self.directory.path()).unwrap().filter(|file| file.as_ref().unwrap().file_name() != "new").count()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// A peer that is asked once a connection.
fn peer(speak: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().for_each(|stream| speak(stream.unwrap())));
    address
}

/// Answers lines with these, in order, and keeps what it heard.
fn scripted(answers: &'static [&'static str]) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&heard);
    let address = peer(move |stream| {
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let mut stream = stream;
        for answer in answers {
            if stream.write_all(format!("{answer}\r\n").as_bytes()).is_err() {
                return;
            }
            while let Some(Ok(line)) = lines.next() {
                let more = answer.starts_with("354") && line != ".";
                kept.lock().unwrap().push(line);
                if !more {
                    break;
                }
            }
        }
    });
    (address, heard)
}

#[test]
fn a_mail_arrives_with_all_its_recipients_and_its_dots() {
    let server = Real::new("");
    let mut rig = Rig::new(&to(server.port, &["a@example.com", "b@example.com"]), &[]);
    rig.mailer.post(mail("VRRP Instance VI_1 - Entering MASTER state"));
    let letter = server.letter(1);
    let (head, letter) = letter.split_once('\n').unwrap();
    assert_eq!(head, "lb1.example.com|nobody|clear|lvs@example.com|a@example.com,b@example.com");
    assert!(letter.contains("Subject: [LVS_MAIN] VRRP Instance VI_1 - Entering MASTER state\r\n"), "{letter}");
    assert!(letter.contains("\r\n\r\nWhy: a test\r\n.\r\nand on\r\n"), "{letter}");
    rig.end();
    assert_eq!(rig.reasons(), [""; 0]);
}

#[test]
fn mails_arrive_in_the_order_in_which_they_were_posted_and_the_end_waits_for_them() {
    let server = Real::new("");
    let mut rig = Rig::new(&to(server.port, &["a@example.com"]), &[]);
    (1..=5).for_each(|n| rig.mailer.post(mail(&format!("number {n}"))));
    assert!(rig.end() < Duration::from_secs(2));
    let order: Vec<bool> = (1..=5).map(|n| server.letter(n).contains(&format!("number {n}\r\n"))).collect();
    assert_eq!(order, [true; 5]);
}

#[test]
fn starttls_and_login_are_used_where_they_are_offered() {
    let server = Real::new("127.0.0.1");
    let password = server.directory.path().join("password");
    fs::write(&password, "s3cret\n").unwrap();
    let mut configuration = to(server.port, &["a@example.com"]);
    let plain = Rig::new(&configuration, &[]);
    plain.mailer.post(mail("without login"));
    assert!(server.letter(1).starts_with("lb1.example.com|nobody|tls|"), "any certificate will do");
    configuration.settings.mail = MailSettings {
        user: Some("lvsdeck".to_owned()),
        password_file: Some(password.clone()),
        tls_verify: Some(server.directory.path().join("cert.pem")),
    };
    let rig = Rig::new(&configuration, &[]);
    rig.mailer.post(mail("with login"));
    assert!(server.letter(2).starts_with("lb1.example.com|lvsdeck|tls|"));
    fs::write(&password, "wrong\n").unwrap();
    rig.mailer.post(mail("with a wrong password"));
    rig.heard("535 to AUTH");
    assert!(!rig.reasons().join(" ").contains("wrong"));
}

#[test]
fn a_recipient_that_is_refused_is_told_and_the_others_get_their_mail() {
    let server = Real::new("");
    let rig = Rig::new(&to(server.port, &["nobody@example.com", "a@example.com"]), &[10, 10]);
    rig.mailer.post(mail("one of two"));
    assert!(server.letter(1).contains("|lvs@example.com|a@example.com\n"));
    rig.heard("not sent to nobody@example.com: 550 to RCPT TO: no such user here");
    rig.mailer.follow(&to(server.port, &["nobody@example.com"]));
    rig.mailer.post(mail("to nobody"));
    rig.heard("takes no mail: 550 to RCPT TO");
    assert!(rig.warning.lock().unwrap().as_ref().is_some_and(|w| w.code == "mail-not-sent"));
}

#[test]
fn a_server_that_comes_back_gets_what_waited_and_both_is_told_once() {
    let port = free_port();
    let mut rig = Rig::new(&to(port, &["a@example.com"]), &[20; 500]);
    rig.mailer.post(mail("first"));
    rig.mailer.post(mail("second"));
    rig.heard("no connection");
    assert!(rig.warning.lock().unwrap().is_some());
    let server = Real::on(port, "");
    assert!(server.letter(1).contains("] first\r\n") && server.letter(2).contains("] second\r\n"));
    until("no warning", || rig.warning.lock().unwrap().is_none());
    rig.end();
    let told: Vec<Severity> = rig.facts.lock().unwrap().iter().map(|fact| fact.severity).collect();
    assert_eq!(told, [Severity::Warning, Severity::Notice], "{:?}", rig.reasons());
    assert!(rig.reasons()[1].contains("takes mails again; nothing was lost"));
}

#[test]
fn a_server_that_hangs_holds_up_nobody_who_posts_and_the_oldest_are_lost_and_counted() {
    let held = Mutex::new(Vec::new());
    let silent = peer(move |stream| held.lock().unwrap().push(stream));
    let mut rig = Rig::new(&to(silent.port(), &["a@example.com"]), &[60_000; 3]);
    let begun = Instant::now();
    (0..MOST + 50).for_each(|n| rig.mailer.post(mail(&n.to_string())));
    assert!(begun.elapsed() < Duration::from_millis(200), "{:?}", begun.elapsed());
    rig.heard("no answer to the connection in time");
    assert!(rig.end() < Duration::from_secs(2), "the end waits a second at most");
    assert_eq!(rig.reasons().pop().unwrap(), format!("{} mails were not sent before the engine ended", MOST + 50));
}

#[test]
fn a_server_that_answers_byte_by_byte_or_without_end_or_with_garbage_is_given_up() {
    let slow = peer(|mut stream| {
        while stream.write_all(b"2").is_ok() && stream.flush().is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let endless = peer(|mut stream| while stream.write_all(b"220-more\r\n").is_ok() {});
    let garbage = peer(|mut stream| _ = stream.write_all(b"SSH-2.0-OpenSSH\r\n"));
    let closed = peer(drop);
    for (address, why) in [
        (slow, "no answer to the connection in time"),
        (endless, "the answer to the connection is no SMTP"),
        (garbage, "the answer to the connection is no SMTP"),
        (closed, "the connection: "),
    ] {
        let mut rig = Rig::new(&to(address.port(), &["a@example.com"]), &[]);
        rig.mailer.post(mail("a"));
        rig.heard(why);
        rig.end();
        assert_eq!(rig.reasons().len(), 2, "{:?}", rig.reasons());
        assert!(rig.reasons()[1].starts_with("1 mail was not sent"), "{:?}", rig.reasons());
    }
}

#[test]
fn an_old_server_is_greeted_as_it_knows_it() {
    let answers = &["220 old", "500 what", "250 old", "250 ok", "250 ok", "354 go", "250 ok", "221 bye"];
    let (address, heard) = scripted(answers);
    let mut rig = Rig::new(&to(address.port(), &["a@example.com"]), &[]);
    rig.mailer.post(mail("a"));
    until("QUIT", || heard.lock().unwrap().last().is_some_and(|line| line == "QUIT"));
    let lines = heard.lock().unwrap().clone();
    assert_eq!(
        lines[..5],
        [
            "EHLO lb1.example.com",
            "HELO lb1.example.com",
            "MAIL FROM:<lvs@example.com>",
            "RCPT TO:<a@example.com>",
            "DATA"
        ]
    );
    rig.end();
    assert_eq!(rig.reasons(), [""; 0]);
}

#[test]
fn a_letter_that_is_refused_for_good_is_tried_once_and_one_for_now_again() {
    for (answer, tries) in [("554 spam", 1), ("451 later", 3)] {
        let connections = Arc::<Mutex<usize>>::default();
        let counted = Arc::clone(&connections);
        let address = peer(move |mut stream| {
            *counted.lock().unwrap() += 1;
            stream.write_all(format!("220 hi\r\n250 hi\r\n{answer}\r\n").as_bytes()).unwrap();
            _ = stream.read_to_end(&mut Vec::new());
        });
        let mut rig = Rig::new(&to(address.port(), &["a@example.com"]), &[10, 10]);
        rig.mailer.post(mail("a"));
        rig.heard("to MAIL FROM");
        until("the last try", || *connections.lock().unwrap() == tries);
        thread::sleep(Duration::from_millis(50));
        rig.end();
        assert_eq!(*connections.lock().unwrap(), tries, "{answer}");
        assert_eq!(rig.reasons().pop().unwrap(), "1 mail was not sent before the engine ended");
    }
}

#[test]
fn a_recipient_that_is_refused_for_now_is_tried_again_and_nobody_waits_for_it() {
    let (address, heard) =
        scripted(&["220 hi", "250 hi", "250 ok", "451 later", "250 ok", "354 go", "250 taken", "221 bye"]);
    let rig = Rig::new(&to(address.port(), &["grey@example.com", "a@example.com"]), &[300; 2]);
    rig.mailer.post(mail("first"));
    rig.mailer.post(mail("second"));
    rig.heard("not sent to grey@example.com yet, tried again: 451 to RCPT TO");
    let asked = || heard.lock().unwrap().iter().filter(|line| line.starts_with("RCPT TO:<grey")).count();
    until("each is tried three times", || asked() == 6);
    rig.heard("not sent to grey@example.com: 451 to RCPT TO");
    let lines = heard.lock().unwrap().clone();
    let recipients: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("RCPT TO:<")).take(5).collect();
    let both = ["grey@example.com>", "a@example.com>"];
    assert_eq!(recipients, [&both[..], &both[..], &both[..1]].concat(), "the second did not wait for the first");
}

#[test]
fn a_server_on_this_host_gets_the_password_without_tls() {
    let (address, heard) =
        scripted(&["220 hi", "250-hi\r\n250 AUTH PLAIN", "235 ok", "250 ok", "250 ok", "354 go", "250 ok"]);
    let mut configuration = to(address.port(), &["a@example.com"]);
    let directory = tempfile::tempdir().unwrap();
    let password = directory.path().join("password");
    fs::write(&password, "s3cret\n").unwrap();
    configuration.settings.mail =
        MailSettings { user: Some("lvsdeck".to_owned()), password_file: Some(password), tls_verify: None };
    let rig = Rig::new(&configuration, &[]);
    rig.mailer.post(mail("a"));
    until("AUTH", || heard.lock().unwrap().iter().any(|line| line == "AUTH PLAIN AGx2c2RlY2sAczNjcmV0"));
}

#[test]
fn nobody_to_mail_is_no_mail_and_a_reload_that_names_somebody_begins_with_the_next() {
    let server = Real::new("");
    let rig = Rig::new(&to(server.port, &[]), &[]);
    rig.mailer.post(mail("nobody"));
    rig.mailer.follow(&to(server.port, &["a@example.com"]));
    rig.mailer.post(mail("somebody"));
    assert!(server.letter(1).contains("] somebody\r\n"));
    assert_eq!(server.number(), 1);
}

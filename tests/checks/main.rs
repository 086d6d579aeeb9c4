//! Every check against servers that are well, wrong, slow, silent, endless, half-open, that break off or talk rubbish. HTTP and TLS
//! against nginx, SMTP against aiosmtpd; the others against servers of a few lines, since Debian has none that can be told to misbehave.
//!
//! `ill` is the table: each check by each way in which a server can be ill.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod datagrams;
mod ill;
mod misc;
mod nginx;
mod smtp;

use lvsdeck::engine::health::Verdict;
use lvsdeck::engine::io::probe;
use lvsdeck::engine::model::{CheckKind, CheckSpec, CheckTiming, HttpCheck, HttpVersion, Tls, UrlCheck};
use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

/// Longer than anything here takes; a test that needs it fails.
const LONG: Duration = Duration::from_secs(20);
/// The time limit of checks that run into it.
const SHORT: Duration = Duration::from_millis(300);

fn check(target: SocketAddr, kind: CheckKind, timeout: Duration) -> CheckSpec {
    CheckSpec { kind, ..CheckSpec::tcp(target, CheckTiming { timeout, ..CheckTiming::default() }) }
}

/// `HTTP_GET` or `SSL_GET` of one URL.
fn get(target: SocketAddr, tls: Option<Tls>, path: &str, change: impl FnOnce(&mut UrlCheck)) -> CheckSpec {
    let host = Some("good.test".to_owned());
    let mut url = UrlCheck { path: path.to_owned(), host, digest: None, status: vec![(200, 299)], pattern: None };
    change(&mut url);
    check(target, CheckKind::Http(HttpCheck { tls, version: HttpVersion::V11, urls: vec![url] }), LONG)
}

fn words(verdict: Verdict) -> String {
    match verdict {
        Verdict::Passed(_) => "passed".to_owned(),
        Verdict::Failed(why) => why,
        other => format!("{other:?}"),
    }
}

fn openssl(directory: &Path, words: &str) {
    let run = Command::new("openssl").args(words.split(' ')).current_dir(directory).output().expect("openssl");
    assert!(run.status.success(), "openssl {words}: {}", String::from_utf8_lossy(&run.stderr));
}

/// A port that nobody listens on, and that was not given before: the system gives one again once it is free.
fn free() -> SocketAddr {
    static GIVEN: Mutex<BTreeSet<SocketAddr>> = Mutex::new(BTreeSet::new());
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        if GIVEN.lock().unwrap().insert(port) {
            return port;
        }
    }
}

#[tokio::test]
async fn an_echo_comes_back_from_here_and_not_from_nowhere() {
    for local in ["127.0.0.1:0", "[::1]:0"] {
        assert_eq!(words(probe::run(&check(local.parse().unwrap(), CheckKind::Ping, LONG)).await), "passed", "{local}");
    }
}

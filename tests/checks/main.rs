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
use lvsdeck::engine::model::{CheckKind, CheckSpec, CheckTiming, HttpCheck, HttpVersion, Tls, UdpCheck, UrlCheck};
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

/// Routing daemons prohibit a way when they lose it, or drop what goes there: as bad as no way at all, in both families.
#[test]
fn a_route_that_leads_nowhere_is_a_verdict_of_every_check() {
    // SAFETY: unshare takes no pointer; it changes the namespace of the calling thread only, where the checks run too.
    #[allow(unsafe_code)]
    let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(result, 0, "no network namespace of its own: run as root ({})", std::io::Error::last_os_error());
    let ip = |words: &str| assert!(Command::new("ip").args(words.split(' ')).status().unwrap().success(), "ip {words}");
    ip("link set lo up");
    for kind in ["prohibit", "blackhole", "unreachable"] {
        ip(&format!("route add {kind} 10.9.9.2/32"));
        ip(&format!("-6 route add {kind} fd99::2/128"));
        let wanted = match kind {
            "prohibit" => "prohibited by a route of this host",
            "blackhole" => "no way to it: a blackhole route of this host, or an address without its interface",
            _ => "no route to host",
        };
        for target in ["10.9.9.2:80", "[fd99::2]:80"] {
            for kind in [
                CheckKind::Tcp,
                CheckKind::Ping,
                CheckKind::Smtp { helo: "d1".to_owned() },
                CheckKind::Udp(UdpCheck::default()),
            ] {
                let check = check(target.parse().unwrap(), kind, LONG);
                let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                assert_eq!(words(rt.block_on(probe::run(&check))), wanted, "{} {target}", check.name());
            }
        }
        ip(&format!("route del {kind} 10.9.9.2/32"));
        ip(&format!("-6 route del {kind} fd99::2/128"));
    }
}

#[tokio::test]
async fn an_echo_comes_back_from_here_and_not_from_nowhere() {
    for local in ["127.0.0.1:0", "[::1]:0"] {
        assert_eq!(words(probe::run(&check(local.parse().unwrap(), CheckKind::Ping, LONG)).await), "passed", "{local}");
    }
}

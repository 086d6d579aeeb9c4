//! Every check against servers that are well, wrong, slow, silent, endless, that break off or talk rubbish. HTTP and TLS against
//! nginx; the others against servers of a few lines, since Debian has none that can be told to misbehave.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use lvsdeck::engine::health::Verdict;
use lvsdeck::engine::io::probe;
use lvsdeck::engine::model::{
    BodyPattern, CheckKind, CheckSpec, CheckTiming, HttpCheck, HttpVersion, RecordType, Tls, UdpCheck, UrlCheck,
};
use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);

fn check(target: SocketAddr, kind: CheckKind, timeout: Duration) -> CheckSpec {
    CheckSpec { kind, ..CheckSpec::tcp(target, CheckTiming { timeout, ..CheckTiming::default() }) }
}

fn words(verdict: Verdict) -> String {
    match verdict {
        Verdict::Passed(_) => "passed".to_owned(),
        Verdict::Failed(why) => why,
        other => format!("{other:?}"),
    }
}

// ── nginx ──

struct Nginx {
    process: Child,
    plain: SocketAddr,
    tls: Vec<SocketAddr>,
    directory: TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGTERM to the master ends its workers too.
        _ = Command::new("kill").arg(self.process.id().to_string()).status();
        _ = self.process.wait();
    }
}

fn openssl(directory: &Path, words: &str) {
    let run = Command::new("openssl").args(words.split(' ')).current_dir(directory).output().expect("openssl");
    assert!(run.status.success(), "openssl {words}: {}", String::from_utf8_lossy(&run.stderr));
}

fn free() -> SocketAddr {
    StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Nginx {
    /// Certificates: 0 good, 1 expired, 2 of another name, 3 signed by itself.
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        openssl(at, &format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=ca -days 30"));
        openssl(at, &format!("req -x509 {key} -keyout self.key -out self.pem -subj /CN=good.test -days 30"));
        for (name, host, days) in [("good", "good.test", 30), ("expired", "good.test", -1), ("other", "other.test", 30)]
        {
            let alt = format!("-addext subjectAltName=DNS:{host}");
            openssl(at, &format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN={host} {alt}"));
            let ca = "-CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy";
            openssl(at, &format!("x509 -req -in {name}.csr {ca} -days {days} -out {name}.pem"));
        }
        let (plain, tls) = (free(), (0..4).map(|_| free()).collect::<Vec<_>>());
        let shown = at.display();
        let servers: Vec<String> = tls
            .iter()
            .zip(["good", "expired", "other", "self"])
            .map(|(port, name)| {
                format!(
                    "server {{ listen {port} ssl; ssl_certificate {shown}/{name}.pem; ssl_certificate_key {shown}/{name}.key; \
                     location / {{ return 200 'hello $ssl_server_name'; }} }}\n"
                )
            })
            .collect();
        let file = format!(
            "daemon off; error_log {shown}/error.log; pid {shown}/pid; worker_processes 1; events {{}}\n\
             http {{ access_log off; client_body_temp_path {shown}/a; proxy_temp_path {shown}/b; fastcgi_temp_path {shown}/c; \
             uwsgi_temp_path {shown}/d; scgi_temp_path {shown}/e;\n\
             server {{ listen {plain}; location / {{ return 200 'hello $host $arg_q'; }} location /sick {{ return 503; }} }}\n\
             {} }}\n",
            servers.concat()
        );
        let path = at.join("nginx.conf");
        std::fs::write(&path, file).unwrap();
        let process = Command::new("/usr/sbin/nginx").arg("-c").arg(&path).arg("-p").arg(at).spawn().expect("nginx");
        let nginx = Self { process, plain, tls, directory };
        let until = Instant::now() + LONG;
        for port in nginx.tls.iter().chain([&nginx.plain]) {
            while std::net::TcpStream::connect(port).is_err() {
                assert!(Instant::now() < until, "nginx listens");
                std::thread::yield_now();
            }
        }
        nginx
    }
}

fn get(target: SocketAddr, tls: Option<Tls>, path: &str, change: impl FnOnce(&mut UrlCheck)) -> CheckSpec {
    let host = Some("good.test".to_owned());
    let mut url = UrlCheck { path: path.to_owned(), host, digest: None, status: vec![(200, 299)], pattern: None };
    change(&mut url);
    check(target, CheckKind::Http(HttpCheck { tls, version: HttpVersion::V11, urls: vec![url] }), LONG)
}

fn pattern(regex: &str) -> BodyPattern {
    BodyPattern { regex: regex.to_owned(), absent: false, from: 0, until: None }
}

#[tokio::test]
async fn http_and_tls_against_nginx() {
    let nginx = Nginx::start();
    let plain = |path: &str, change: fn(&mut UrlCheck)| get(nginx.plain, None, path, change);
    assert_eq!(
        words(probe::run(&plain("/?q=7", |url| url.pattern = Some(pattern("^hello good\\.test 7$")))).await),
        "passed"
    );
    assert_eq!(words(probe::run(&plain("/", |url| url.pattern = Some(pattern("bye")))).await), "regex does not match");
    assert_eq!(words(probe::run(&plain("/sick", |_| {})).await), "HTTP 503 (200-299 is wanted)");
    assert_eq!(words(probe::run(&plain("/sick", |url| url.status = vec![(503, 503)])).await), "passed");

    let ca: PathBuf = nginx.directory.path().join("ca.pem");
    let any = Tls { sni: true, ..Tls::default() };
    let strict = Tls { verify: Some(ca), ..any.clone() };
    let names = ["good", "expired", "other", "self"];
    let wanted = ["passed", "certificate expired", "certificate of another name", "certificate signed by itself"];
    for ((port, name), wanted) in nginx.tls.iter().zip(names).zip(wanted) {
        let loose = get(*port, Some(any.clone()), "/", |url| url.pattern = Some(pattern("hello good.test")));
        assert_eq!(words(probe::run(&loose).await), "passed", "keepalived takes any certificate: {name}");
        let said = words(probe::run(&get(*port, Some(strict.clone()), "/", |_| {})).await);
        assert_eq!(said, wanted, "{name}");
    }
    let silent = get(nginx.tls[0], Some(Tls::default()), "/", |url| url.pattern = Some(pattern("^hello $")));
    assert_eq!(words(probe::run(&silent).await), "passed", "no name is told without enable_sni");
    let told = Tls { sni_name: Some("sni.test".to_owned()), ..any.clone() };
    let by_sni = get(nginx.tls[0], Some(told), "/", |url| url.pattern = Some(pattern("hello sni.test")));
    assert_eq!(words(probe::run(&by_sni).await), "passed");
    assert_eq!(words(probe::run(&get(nginx.plain, Some(any), "/", |_| {})).await), "an answer that is no TLS");
    let missing = Tls { verify: Some("/nosuch".into()), ..Tls::default() };
    let said = probe::run(&get(nginx.tls[0], Some(missing), "/", |_| {})).await;
    assert!(matches!(&said, Verdict::Unable(why) if why.reason.starts_with("/nosuch")), "{said:?}");
}

// ── SMTP ──

/// Checks once against a server that says each of these after another, a line of the client between them; `None` is silence.
async fn smtp(says: &[Option<&str>], timeout: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let helo = "director.test".to_owned();
    let check = check(listener.local_addr().unwrap(), CheckKind::Smtp { helo }, timeout);
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut heard = Vec::new();
        for say in says {
            let Some(say) = say else {
                let mut rest = String::new();
                _ = stream.read_line(&mut rest).await;
                break;
            };
            if stream.write_all(say.as_bytes()).await.is_err() {
                break;
            }
            let mut line = String::new();
            _ = stream.read_line(&mut line).await;
            heard.push(line);
        }
        heard
    };
    let (verdict, heard) = tokio::join!(probe::run(&check), serve);
    if heard.len() == 3 {
        assert_eq!(heard[..2], ["HELO director.test\r\n", "QUIT\r\n"]);
    }
    words(verdict)
}

#[tokio::test]
async fn smtp_against_servers_of_every_kind() {
    let (hello, fine, bye) = (Some("220 mail.test ESMTP\r\n"), Some("250 fine\r\n"), Some("221 bye\r\n"));
    assert_eq!(smtp(&[hello, fine, bye], LONG).await, "passed");
    assert_eq!(smtp(&[Some("220-a\r\n220-b\r\n220 c\r\n"), Some("250-x\r\n250 y\r\n"), bye], LONG).await, "passed");
    assert_eq!(smtp(&[Some("554 go away\r\n")], LONG).await, "SMTP 554 to its greeting (220 is wanted)");
    assert_eq!(smtp(&[hello, Some("501 no\r\n")], LONG).await, "SMTP 501 to HELO (250 is wanted)");
    assert_eq!(smtp(&[hello, fine, Some("500 what\r\n")], LONG).await, "SMTP 500 to QUIT (221 is wanted)");
    assert_eq!(smtp(&[Some("SSH-2.0-x\r\n")], LONG).await, "no SMTP where 220 to its greeting is wanted");
    assert_eq!(smtp(&[], LONG).await, "connection closed where 220 to its greeting is wanted");
    assert_eq!(smtp(&[None], SHORT).await, "timeout");
    assert_eq!(smtp(&[hello, None], SHORT).await, "timeout");
    let endless = "220-more\r\n".repeat(500);
    assert_eq!(smtp(&[Some(&endless)], LONG).await, "its answer to its greeting has no end");
    let line = "2".repeat(100_000);
    assert_eq!(smtp(&[Some(&line)], LONG).await, "a line without an end where 220 to its greeting is wanted");
}

// ── UDP and DNS ──

/// Checks once against a server that answers a datagram with these.
async fn datagrams(kind: CheckKind, timeout: Duration, answers: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let check = check(socket.local_addr().unwrap(), kind, timeout);
    let serve = async {
        let mut asked = [0; 1_500];
        let (length, from) = socket.recv_from(&mut asked).await.unwrap();
        for answer in answers(&asked[..length]) {
            socket.send_to(&answer, from).await.unwrap();
        }
    };
    let (verdict, ()) = tokio::join!(probe::run(&check), serve);
    words(verdict)
}

#[tokio::test]
async fn udp_against_servers_of_every_kind() {
    let plain = || CheckKind::Udp(UdpCheck { payload: vec![1, 2], reply: None, length: (0, 255) });
    let strict =
        || CheckKind::Udp(UdpCheck { payload: vec![1, 2], reply: Some(vec![(1, 0xff), (0x20, 0xf0)]), length: (2, 4) });
    let echo = |asked: &[u8]| vec![asked.to_vec()];
    assert_eq!(datagrams(plain(), LONG, echo).await, "passed");
    assert_eq!(datagrams(plain(), SHORT, |_| vec![]).await, "passed", "silence is good");
    assert_eq!(datagrams(strict(), LONG, |_| vec![vec![1, 0x2f, 9]]).await, "passed");
    assert_eq!(datagrams(strict(), LONG, echo).await, "byte 1 of the answer is another than wanted");
    assert_eq!(datagrams(strict(), LONG, |_| vec![vec![1]]).await, "an answer of 1 bytes (2 to 4 are wanted)");
    assert_eq!(datagrams(strict(), SHORT, |_| vec![]).await, "no answer");
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(words(probe::run(&check(closed, plain(), LONG)).await), "connection refused");
}

/// The question with these flags, and this behind it.
fn reply(asked: &[u8], flags: u8, rcode: u8, answers: u8, rest: &[u8]) -> Vec<u8> {
    let mut reply = asked.to_vec();
    (reply[2], reply[3], reply[7]) = (flags, rcode, answers);
    reply.extend_from_slice(rest);
    reply
}

#[tokio::test]
async fn dns_against_servers_of_every_kind() {
    let ask = || CheckKind::Dns { record: RecordType::A, name: "www.good.test".to_owned() };
    let address = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 1];
    let good = |asked: &[u8]| vec![reply(asked, 0x84, 0, 1, &address)];
    assert_eq!(datagrams(ask(), LONG, good).await, "passed");
    assert_eq!(datagrams(ask(), LONG, |asked| vec![reply(asked, 0x84, 3, 0, &[])]).await, "DNS NXDOMAIN");
    assert_eq!(datagrams(ask(), LONG, |asked| vec![reply(asked, 0x84, 2, 0, &[])]).await, "DNS SERVFAIL");
    let forged = |asked: &[u8]| {
        let mut other = reply(asked, 0x84, 3, 0, &[]);
        other[0] ^= 1;
        vec![other, reply(asked, 0x84, 0, 1, &address)]
    };
    assert_eq!(datagrams(ask(), LONG, forged).await, "passed", "an answer to another question is passed over");
    let looped = |asked: &[u8]| {
        let at = u8::try_from(asked.len()).unwrap();
        vec![reply(asked, 0x84, 0, 1, &[0xc0, at, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 1])]
    };
    assert_eq!(datagrams(ask(), LONG, looped).await, "a damaged DNS answer");
    assert_eq!(datagrams(ask(), LONG, |_| vec![b"rubbish".to_vec()]).await, "an answer that is no DNS");
    assert_eq!(datagrams(ask(), SHORT, |_| vec![]).await, "timeout");
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(words(probe::run(&check(closed, ask(), LONG)).await), "connection refused");
}

// ── PING, half-open ──

#[tokio::test]
async fn an_echo_comes_back_from_here_and_not_from_nowhere() {
    for local in ["127.0.0.1:0", "[::1]:0"] {
        assert_eq!(words(probe::run(&check(local.parse().unwrap(), CheckKind::Ping, LONG)).await), "passed", "{local}");
    }
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_out_of_time_for_every_check_that_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap();
    let held = tokio::spawn(async move {
        let mut all: Vec<TcpStream> = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            all.push(stream);
        }
    });
    let smtp = CheckKind::Smtp { helo: "x".to_owned() };
    let mut http = get(target, None, "/", |_| {});
    let mut tls = get(target, Some(Tls::default()), "/", |_| {});
    (http.timing.timeout, tls.timing.timeout) = (SHORT, SHORT);
    for check in [check(target, smtp, SHORT), http, tls] {
        let started = Instant::now();
        assert_eq!(words(probe::run(&check).await), "timeout", "{}", check.name());
        assert!(started.elapsed() < 10 * SHORT);
    }
    assert_eq!(words(probe::run(&CheckSpec::tcp(target, CheckTiming::default())).await), "passed");
    held.abort();
}

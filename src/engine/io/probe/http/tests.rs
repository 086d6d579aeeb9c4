//! Against a server that answers as it is told to.

use crate::engine::health::Verdict;
use crate::engine::io::probe::run;
use crate::engine::model::{BodyPattern, CheckKind, CheckSpec, CheckTiming, HttpCheck, HttpVersion, UrlCheck};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

fn check(listener: &TcpListener, timeout: Duration) -> CheckSpec {
    let timing = CheckTiming { timeout, ..CheckTiming::default() };
    let url = UrlCheck { path: "/a?b".to_owned(), host: None, digest: None, status: vec![(200, 299)], pattern: None };
    let kind = CheckKind::Http(HttpCheck { tls: None, version: HttpVersion::V10, urls: vec![url] });
    CheckSpec { kind, ..CheckSpec::tcp(listener.local_addr().unwrap(), timing) }
}

fn http(check: &mut CheckSpec) -> &mut HttpCheck {
    match &mut check.kind {
        CheckKind::Http(http) => http,
        other => panic!("{other:?}"),
    }
}

const LONG: Duration = Duration::from_secs(20);

/// Checks once against a server that reads the request and then does `answer`; gives the request too.
async fn ask<F: Future<Output = ()>>(
    change: impl FnOnce(&mut CheckSpec),
    timeout: Duration,
    answer: impl FnOnce(TcpStream) -> F,
) -> (Verdict, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut check = check(&listener, timeout);
    change(&mut check);
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut more = [0; 512];
            let length = stream.read(&mut more).await.unwrap();
            assert!(length > 0, "it asks for something");
            request.extend_from_slice(&more[..length]);
        }
        answer(stream).await;
        String::from_utf8(request).unwrap()
    };
    tokio::join!(run(&check), serve)
}

async fn said(answer: &'static [u8]) -> String {
    let (verdict, _) = ask(|_| {}, LONG, |mut stream| async move { _ = stream.write_all(answer).await }).await;
    match verdict {
        Verdict::Passed(_) => "passed".to_owned(),
        Verdict::Failed(why) => why,
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_passes_or_says_why_not() {
    for (answer, wanted) in [
        (&b"HTTP/1.0 200 OK\r\n\r\nhello"[..], "passed"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "passed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "passed"),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP 503 (200-299 is wanted)"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello", "connection closed before the answer's end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "connection closed before the answer's end"),
        (b"", "connection closed before the answer's end"),
        (b"220 mail.example.org ESMTP\r\n", "an answer that is no HTTP: invalid HTTP version"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "an answer that is no HTTP: invalid HTTP version"),
    ] {
        assert_eq!(said(answer).await, wanted, "{}", String::from_utf8_lossy(answer));
    }
}

#[tokio::test]
async fn lines_of_a_head_that_are_no_http_are_passed_over() {
    for line in [&b"X-A: b\r\n c"[..], b"X-A : b", b"no colon", b"X-A: \x01", b"X(A: b", b"X A: b"] {
        let head = [b"HTTP/1.1 200 OK\r\n", line, b"\r\nContent-Length: 5\r\n\r\nhello"].concat();
        assert_eq!(said(head.leak()).await, "passed", "{}", String::from_utf8_lossy(line));
    }
    let many = ["HTTP/1.1 200 OK\r\n", &"X: y\r\n".repeat(1_000), "\r\nhello"].concat();
    assert_eq!(said(many.leak().as_bytes()).await, "passed");
}

#[tokio::test]
async fn a_regex_is_looked_for_in_the_body_and_in_all_that_came() {
    let answer: &[u8] =
        b"HTTP/1.1 200 OK\r\nX-Health: green\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
    for (regex, absent, passes) in [
        ("^hello$", false, true),
        ("^HTTP/1.1 200", false, true),
        ("X-Health: green", false, true),
        ("X-Health: green", true, false),
        ("hello", true, false),
        ("red", true, true),
        ("red", false, false),
    ] {
        let wanted = BodyPattern { regex: regex.to_owned(), absent, from: 0, until: None };
        let (verdict, _) = ask(
            |check| http(check).urls[0].pattern = Some(wanted),
            LONG,
            |mut stream| async move { _ = stream.write_all(answer).await },
        )
        .await;
        assert_eq!(matches!(verdict, Verdict::Passed(_)), passes, "{regex} {absent}: {verdict:?}");
    }
}

#[tokio::test]
async fn what_has_no_end_is_cut_off() {
    let (verdict, _) = ask(
        |_| {},
        LONG,
        |mut stream| async move {
            let line = "X-Long: ".to_owned() + &"x".repeat(8_000) + "\r\n";
            _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
            while stream.write_all(line.as_bytes()).await.is_ok() {}
        },
    )
    .await;
    assert_eq!(verdict, Verdict::Failed("a head of more than 64 KiB or 4096 lines".to_owned()));
    let (verdict, _) = ask(
        |_| {},
        LONG,
        |mut stream| async move {
            _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while stream.write_all(&[0; 8_192]).await.is_ok() {}
        },
    )
    .await;
    assert_eq!(verdict, Verdict::Failed("an answer of more than 8 MiB".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_byte_by_byte_has_no_more_time_than_one_that_is_silent() {
    let (verdict, _) = ask(
        |_| {},
        Duration::from_secs(5),
        |mut stream| async move {
            for byte in b"HTTP/1.1 200 OK\r\nX: ".iter().chain(std::iter::repeat(&b'x')) {
                if stream.write_all(&[*byte]).await.is_err() {
                    break;
                }
                sleep(Duration::from_secs(1)).await;
            }
        },
    )
    .await;
    assert_eq!(verdict, Verdict::Failed("timeout".to_owned()));
    let (verdict, _) = ask(
        |_| {},
        Duration::from_secs(5),
        |stream| async move {
            sleep(LONG).await;
            drop(stream);
        },
    )
    .await;
    assert_eq!(verdict, Verdict::Failed("timeout".to_owned()));
}

#[tokio::test]
async fn a_reset_is_named() {
    let (verdict, _) = ask(
        |_| {},
        LONG,
        |stream| async move {
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        },
    )
    .await;
    assert_eq!(verdict, Verdict::Failed("connection reset".to_owned()));
}

#[tokio::test]
async fn the_body_is_held_against_its_digest() {
    let plain: &[u8] = b"HTTP/1.0 200 OK\r\n\r\nhello";
    let chunked: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    // What `genhash` says of each.
    let (of_plain, of_chunked) =
        (0x5d41_402a_bc4b_2a76_b971_9d91_1017_c592_u128, 0x79e9_489e_3bd3_f0cb_0158_2153_41de_046d_u128);
    for (answer, digest, passes) in
        [(plain, of_plain, true), (plain, of_chunked, false), (chunked, of_chunked, true), (chunked, of_plain, false)]
    {
        let (verdict, _) = ask(
            |check| http(check).urls[0].digest = Some(digest.to_be_bytes()),
            LONG,
            |mut stream| async move { _ = stream.write_all(answer).await },
        )
        .await;
        assert_eq!(matches!(verdict, Verdict::Passed(_)), passes, "{verdict:?}");
    }
}

#[tokio::test]
async fn the_request_is_of_its_version_and_names_its_host() {
    let answer = |mut stream: TcpStream| async move { _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await };
    for (version, line, closes) in [
        (HttpVersion::V10, "GET /a?b HTTP/1.0", false),
        (HttpVersion::V10Close, "GET /a?b HTTP/1.0", true),
        (HttpVersion::V11, "GET /a?b HTTP/1.1", true),
    ] {
        let (_, request) = ask(|check| http(check).version = version, LONG, answer).await;
        assert_eq!(request.lines().next(), Some(line));
        assert_eq!(request.to_lowercase().contains("connection: close"), closes, "{request}");
        assert!(request.contains("\r\nHost: 127.0.0.1:"), "{request}");
        assert!(request.contains("\r\nUser-Agent: KeepAliveClient\r\n"), "{request}");
    }
    let (_, request) = ask(|check| http(check).urls[0].host = Some("www.example.org".to_owned()), LONG, answer).await;
    assert!(request.to_lowercase().contains("host: www.example.org\r\n"), "{request}");
}

#[tokio::test]
async fn with_several_urls_the_failed_one_is_named() {
    let (verdict, _) = ask(
        |check| {
            let mut other = http(check).urls[0].clone();
            other.path = "/other".to_owned();
            http(check).urls.insert(0, other);
        },
        LONG,
        |mut stream| async move { _ = stream.write_all(b"HTTP/1.0 404 Not Found\r\n\r\n").await },
    )
    .await;
    assert_eq!(verdict, Verdict::Failed("/other: HTTP 404 (200-299 is wanted)".to_owned()));
}

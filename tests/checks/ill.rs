//! The table: what each check that connects says of a server that is ill in each way, and that it is then rid of it.
//!
//! `slow` sends a good answer byte by byte for longer than the time limit, `half-open` shuts its side after accepting, `endless` never
//! stops. The server tells how much was taken from it until the check hung up.

use crate::{LONG, SHORT, check, get, openssl, words};
use lvsdeck::engine::io::probe;
use lvsdeck::engine::model::{CheckKind, CheckSpec, HttpVersion, Tls};
use socket2::SockRef;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What a check may take from a server that sends for ever: a body's limit, and what the buffers of two sockets hold.
const MOST: usize = 40 << 20;

/// How a server is ill. Each says its words first, where there are any.
#[derive(Debug, Clone, Copy)]
enum Ill {
    /// Says nothing and stays.
    Hanging,
    /// Says this byte by byte, then its last byte again and again.
    Slow(&'static [u8]),
    /// Shuts its side and stays.
    HalfOpen(&'static [u8]),
    /// Breaks the connection off.
    Reset(&'static [u8]),
    /// Says the second again and again.
    Endless(&'static [u8], &'static [u8]),
    /// Says this and stays.
    Garbage(&'static [u8]),
    /// Says this and closes, without TLS's own end where TLS is spoken.
    Cut(&'static [u8]),
}

impl Ill {
    /// Does it to a connection. Gives how much it could send until the other side hung up.
    async fn treat<S: AsyncRead + AsyncWrite + Unpin>(self, stream: &mut S) -> usize {
        let mut sent = 0;
        match self {
            Self::Hanging => {}
            Self::Slow(text) => {
                let bytes = text.iter().chain(std::iter::repeat(text.last().unwrap()));
                for byte in bytes {
                    if stream.write_all(&[*byte]).await.is_err() || stream.flush().await.is_err() {
                        return sent;
                    }
                    sent += 1;
                    // It is gone when the other side hangs up; until then it waits a moment for each byte.
                    let mut heard = [0; 512];
                    let moment = tokio::time::timeout(SHORT / 50, stream.read(&mut heard));
                    if let Ok(Ok(0) | Err(_)) = moment.await {
                        return sent;
                    }
                }
            }
            Self::Garbage(text) => _ = stream.write_all(text).await,
            Self::HalfOpen(text) => {
                _ = stream.write_all(text).await;
                _ = stream.shutdown().await;
            }
            Self::Reset(text) | Self::Cut(text) => {
                _ = stream.write_all(text).await;
                _ = stream.flush().await;
                return text.len();
            }
            Self::Endless(first, again) => {
                _ = stream.write_all(first).await;
                let piece = again.repeat(8_192_usize.div_ceil(again.len()));
                while sent < 2 * MOST && stream.write_all(&piece).await.is_ok() {
                    sent += piece.len();
                }
                return sent;
            }
        }
        _ = stream.flush().await;
        let mut heard = [0; 512];
        while stream.read(&mut heard).await.is_ok_and(|length| length > 0) {}
        sent
    }

    /// The server: one connection. `asks` is whether the other side speaks first.
    async fn serve(self, listener: TcpListener, tls: Option<TlsAcceptor>, asks: bool) -> usize {
        let (mut stream, _) = listener.accept().await.unwrap();
        if matches!(self, Self::Reset(_)) {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
        if let Some(tls) = tls {
            let mut stream = tls.accept(stream).await.unwrap();
            hear(&mut stream).await;
            return self.treat(&mut stream).await;
        }
        if asks {
            hear(&mut stream).await;
        }
        self.treat(&mut stream).await
    }
}

/// What the other side says first.
async fn hear<S: AsyncRead + Unpin>(stream: &mut S) {
    let mut heard = [0; 4_096];
    _ = stream.read(&mut heard).await;
}

/// The check against a server that is ill: what it says, in good time, with little taken, and the connection closed.
async fn said(name: &str, mut check: CheckSpec, ill: Ill, tls: Option<TlsAcceptor>, asks: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    check.target = listener.local_addr().unwrap();
    let runs_out = matches!(ill, Ill::Hanging | Ill::Slow(_));
    check.timing.timeout = if runs_out { SHORT } else { LONG };
    let (server, started) = (tokio::spawn(ill.serve(listener, tls, asks)), Instant::now());
    let verdict = words(probe::run(&check).await);
    let took = started.elapsed();
    assert!(took < LONG / 2, "{name} {ill:?}: a slot is held for {took:?}");
    let sent =
        tokio::time::timeout(LONG, server).await.expect("the check hangs up").expect("the server is well enough");
    assert!(sent < MOST, "{name} {ill:?}: {sent} bytes were taken");
    verdict
}

fn any() -> std::net::SocketAddr {
    "127.0.0.1:1".parse().unwrap()
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";
const OPEN: &[u8] = b"HTTP/1.1 200 OK\r\n\r\nhello";
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const LATER: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
const RUBBISH: &[u8] = &[0, 0xff, 0x0d, 0x80, 0x1f, 7, b'\n', 0x16, 9, 9, 9, 9, 0xfe, 0x0d, 0x0a, 0x0d, 0x0a];
const ENDED: &str = "connection closed before the answer's end";

#[tokio::test]
async fn tcp_check_takes_whoever_accepts() {
    let check = || check(any(), CheckKind::Tcp, LONG);
    for ill in [
        Ill::Hanging,
        Ill::Slow(b"hello"),
        Ill::HalfOpen(b""),
        Ill::Reset(b""),
        Ill::Endless(b"", &[7; 64]),
        Ill::Garbage(RUBBISH),
    ] {
        // It says nothing: the first thing that is heard of it is its end.
        assert_eq!(said("TCP_CHECK", check(), ill, None, matches!(ill, Ill::Reset(_))).await, "passed", "{ill:?}");
    }
}

/// What `HTTP_GET` says, and `SSL_GET` of the same behind TLS.
const HTTP: &[(Ill, &str)] = &[
    (Ill::Hanging, "timeout"),
    (Ill::Slow(b"HTTP/1.1 200 OK\r\nX: x"), "timeout"),
    (Ill::Slow(OPEN), "timeout"),
    (Ill::HalfOpen(b""), ENDED),
    (Ill::HalfOpen(OK), ENDED),
    (Ill::HalfOpen(OPEN), "passed"),
    (Ill::HalfOpen(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"), ENDED),
    (Ill::Reset(b""), "connection reset"),
    (Ill::Reset(OPEN), "connection reset"),
    (Ill::Endless(OPEN, &[0; 64]), "an answer of more than 8 MiB"),
    (Ill::Endless(OK, b"X: y\r\n"), "a head of more than 64 KiB or 4096 lines"),
    (Ill::Endless(OK, b"xxxxxxxx"), "a head of more than 64 KiB or 4096 lines"),
    (Ill::Endless(CHUNKED, b"1000000\r\n"), "an answer of more than 8 MiB"),
    (Ill::Endless(CHUNKED, b"1;xxxxxx"), "chunk extensions over limit"),
    (Ill::Garbage(RUBBISH), "an answer that is no HTTP: invalid HTTP version"),
    (Ill::Garbage(b"HTTP/1.1 20x OK\r\n\r\n"), "an answer that is no HTTP: invalid HTTP status-code"),
    (
        Ill::Garbage(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"),
        "an answer that is no HTTP: invalid content-length",
    ),
    (
        Ill::Garbage(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        "invalid chunk size line: missing size digit",
    ),
];

#[tokio::test]
async fn http_get_of_servers_that_are_ill() {
    for (ill, wanted) in HTTP {
        let check = get(any(), None, "/", |_| {});
        assert_eq!(said("HTTP_GET", check, *ill, None, true).await, *wanted, "{ill:?}");
    }
}

/// A head that announces another, again and again, as fast as it is taken: it is cut off, and others have their turn meanwhile.
#[tokio::test]
async fn an_answer_that_only_ever_announces_one_is_cut_off_and_holds_nobody_up() {
    let mut check = get(any(), None, "/", |_| {});
    check.timing.timeout = LONG;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    check.target = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let listener = listener.into_std().unwrap();
        listener.set_nonblocking(false).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        // An answer to nothing would be another mistake.
        std::io::Read::read_exact(&mut stream, &mut [0; 4]).unwrap();
        let much = LATER.repeat(10_000);
        while std::io::Write::write_all(&mut stream, &much).is_ok() {}
    });
    let turns = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = Arc::clone(&turns);
    let other = tokio::spawn(async move {
        loop {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(words(probe::run(&check).await), "heads without an answer and without end");
    assert!(turns.load(std::sync::atomic::Ordering::Relaxed) >= 32, "128 KiB in slices of 4 KiB");
    other.abort();
    tokio::task::spawn_blocking(|| server.join().unwrap()).await.expect("the check hangs up");
}

/// A server's half of TLS, with a certificate of its own making.
fn tls(directory: &Path) -> TlsAcceptor {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(directory, &format!("req -x509 {key} -keyout key -out certificate -subj /CN=good.test -days 30"));
    let certificate = CertificateDer::from_pem_file(directory.join("certificate")).unwrap();
    let key = PrivateKeyDer::from_pem_file(directory.join("key")).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![certificate], key).unwrap()))
}

#[tokio::test]
async fn ssl_get_of_servers_that_are_ill_before_tls_and_behind_it() {
    let check = || get(any(), Some(Tls::default()), "/", |_| {});
    // A record of the handshake that is said to be long, as it comes from a server.
    for (ill, wanted) in [
        (Ill::Hanging, "timeout"),
        (Ill::Slow(&[0x16, 3, 3, 0x3f, 0xff, 2, 0, 0x3f, 0xf0, 3]), "timeout"),
        (Ill::HalfOpen(b""), ENDED),
        (Ill::Reset(b""), "connection reset"),
        (Ill::Endless(b"", &[0x16, 3, 3, 0, 4, 0xff, 0xff, 0xff, 0xff]), "an answer that is no TLS"),
        (Ill::Garbage(RUBBISH), "an answer that is no TLS"),
    ] {
        assert_eq!(said("SSL_GET before TLS", check(), ill, None, true).await, wanted, "{ill:?}");
    }
    let directory = tempfile::tempdir().unwrap();
    let tls = tls(directory.path());
    for (ill, wanted) in HTTP {
        assert_eq!(said("SSL_GET", check(), *ill, Some(tls.clone()), true).await, *wanted, "{ill:?}");
    }
}

/// Servers that speak HTTP/1.0 often end with the connection alone. keepalived takes that for the end of the answer; where the answer
/// says how long it is, one that is cut off is found all the same.
#[tokio::test]
async fn an_answer_over_tls_may_end_without_tlss_own_end() {
    let directory = tempfile::tempdir().unwrap();
    let tls = tls(directory.path());
    for (ill, wanted) in [
        (Ill::Cut(OPEN), "passed"),
        (Ill::Cut(b"HTTP/1.0 200 OK\r\n\r\nhello"), "passed"),
        (Ill::Cut(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"), "passed"),
        (Ill::Cut(b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello"), ENDED),
        (Ill::Cut(b"HTTP/1.0 200 OK\r\n"), ENDED),
        (Ill::Cut(b""), ENDED),
    ] {
        let mut check = get(any(), Some(Tls::default()), "/", |_| {});
        if let CheckKind::Http(http) = &mut check.kind {
            http.version = HttpVersion::V10;
        }
        assert_eq!(said("SSL_GET", check, ill, Some(tls.clone()), true).await, wanted, "{ill:?}");
    }
}

#[tokio::test]
async fn smtp_check_of_servers_that_are_ill() {
    for (ill, wanted) in [
        (Ill::Hanging, "timeout"),
        (Ill::Slow(b"220-x"), "timeout"),
        (Ill::HalfOpen(b""), "connection closed where 220 to its greeting is wanted"),
        (Ill::HalfOpen(b"220 x\r\n"), "connection closed where 250 to HELO is wanted"),
        (Ill::Reset(b""), "connection reset"),
        (Ill::Endless(b"", b"220-x\r\n"), "its answer to its greeting has no end"),
        (Ill::Endless(b"", b"22222222"), "a line without an end where 220 to its greeting is wanted"),
        (Ill::Endless(b"220 x\r\n", b"250-x\r\n"), "its answer to HELO has no end"),
        (Ill::Garbage(RUBBISH), "no SMTP where 220 to its greeting is wanted"),
        (Ill::Garbage("220 ä\r\n€€€ x\r\n".as_bytes()), "no SMTP where 250 to HELO is wanted"),
    ] {
        let check = check(any(), CheckKind::Smtp { helo: "x".to_owned() }, LONG);
        assert_eq!(said("SMTP_CHECK", check, ill, None, false).await, wanted, "{ill:?}");
    }
}

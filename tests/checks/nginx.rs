//! HTTP and TLS against nginx.

use crate::{LONG, free, get, openssl, words};
use lvsdeck::engine::health::Verdict;
use lvsdeck::engine::io::probe;
use lvsdeck::engine::model::{BodyPattern, Tls, UrlCheck};
use md5::{Digest, Md5};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Instant;
use tempfile::TempDir;

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

impl Nginx {
    /// Certificates: 0 good, 1 expired, 2 of another name, 3 signed by itself; then keys and curves that are seldom seen: 4 and 5 a key on
    /// secp521r1, 6 a key for RSA-PSS alone, 7 no other curve than secp521r1, 8 none but X448, 9 an extension that nobody knows, 10 as 6, over TLS 1.2.
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
        for (name, key) in
            [("p521", "ec -pkeyopt ec_paramgen_curve:secp521r1"), ("pss", "rsa-pss -pkeyopt rsa_keygen_bits:2048")]
        {
            openssl(
                at,
                &format!(
                    "req -x509 -newkey {key} -nodes -keyout {name}.key -out {name}.pem -subj /CN=good.test -days 30"
                ),
            );
        }
        let odd = "-addext 1.2.3.4=critical,ASN1:UTF8String:x";
        openssl(
            at,
            &format!(
                "req {key} -keyout odd.key -out odd.csr -subj /CN=good.test -addext subjectAltName=DNS:good.test {odd}"
            ),
        );
        openssl(
            at,
            "x509 -req -in odd.csr -CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy -days 30 -out odd.pem",
        );
        let (plain, tls) = (free(), (0..11).map(|_| free()).collect::<Vec<_>>());
        let shown = at.display();
        let servers: Vec<String> = tls
            .iter()
            .zip([
                ("good", ""),
                ("expired", ""),
                ("other", ""),
                ("self", ""),
                ("p521", "ssl_protocols TLSv1.2;"),
                ("p521", "ssl_protocols TLSv1.3;"),
                ("pss", "ssl_protocols TLSv1.3;"),
                ("good", "ssl_ecdh_curve secp521r1;"),
                ("good", "ssl_ecdh_curve X448;"),
                ("odd", ""),
                ("pss", "ssl_protocols TLSv1.2;"),
            ])
            .map(|(port, (name, words))| {
                format!(
                    "server {{ listen {port} ssl; {words} ssl_certificate {shown}/{name}.pem; ssl_certificate_key {shown}/{name}.key; \
                     location / {{ return 200 'hello $ssl_server_name'; }} }}\n"
                )
            })
            .collect();
        let file = format!(
            "daemon off; error_log {shown}/error.log; pid {shown}/pid; worker_processes 1; events {{}}\n\
             http {{ access_log off; client_body_temp_path {shown}/a; proxy_temp_path {shown}/b; fastcgi_temp_path {shown}/c; \
             uwsgi_temp_path {shown}/d; scgi_temp_path {shown}/e;\n\
             server {{ listen {plain}; location / {{ return 200 'hello $host $arg_q'; }} location /sick {{ return 503; }} \
             location /bomb {{ root {shown}; add_header Content-Encoding gzip; }} }}\n\
             {} }}\n",
            servers.concat()
        );
        std::fs::write(at.join("bomb"), bomb()).unwrap();
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

/// 64 MiB of zeros, packed by gzip.
fn bomb() -> Vec<u8> {
    let packed = Command::new("sh").args(["-c", "head -c 67108864 /dev/zero | gzip -n"]).output().expect("gzip");
    assert!(packed.stdout.starts_with(&[0x1f, 0x8b]) && packed.stdout.len() < 128 << 10);
    packed.stdout
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

    // What is packed stays so, and is not asked for: the digest is that of the bytes on the wire.
    let digest: [u8; 16] = Md5::digest(bomb()).into();
    let packed = get(nginx.plain, None, "/bomb", |url| url.digest = Some(digest));
    assert_eq!(words(probe::run(&packed).await), "passed", "64 MiB would be over the limit");

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
    for port in &nginx.tls[4..8] {
        let said = words(probe::run(&get(*port, Some(any.clone()), "/", |_| {})).await);
        assert_eq!(said, "passed", "{}", nginx.tls.iter().position(|known| known == port).unwrap());
    }
    let said = words(probe::run(&get(nginx.tls[8], Some(any.clone()), "/", |_| {})).await);
    assert!(
        said.starts_with("TLS alert HandshakeFailure: it takes none of our") && said.contains("secp521r1"),
        "{said}"
    );
    let said = words(probe::run(&get(nginx.tls[10], Some(any.clone()), "/", |_| {})).await);
    assert_eq!(said, "TLS 1.2 with a key for RSA-PSS alone, which is met over TLS 1.3 only");
    let said = words(probe::run(&get(nginx.tls[9], Some(strict.clone()), "/", |_| {})).await);
    assert_eq!(said, "certificate with a critical extension that is not known");
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

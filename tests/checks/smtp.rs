//! `SMTP_CHECK`.

use crate::{LONG, SHORT, check, free, words};
use lvsdeck::engine::io::probe;
use lvsdeck::engine::model::CheckKind;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

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
    // By measurement of keepalived 2.2.7: who took HELO serves.
    assert_eq!(smtp(&[hello, fine, Some("500 what\r\n")], LONG).await, "passed");
    assert_eq!(smtp(&[Some("SSH-2.0-x\r\n")], LONG).await, "no SMTP where 220 to its greeting is wanted");
    assert_eq!(smtp(&[], LONG).await, "connection closed where 220 to its greeting is wanted");
    assert_eq!(smtp(&[None], SHORT).await, "timeout");
    assert_eq!(smtp(&[hello, None], SHORT).await, "timeout");
    let endless = "220-more\r\n".repeat(500);
    assert_eq!(smtp(&[Some(&endless)], LONG).await, "its answer to its greeting has no end");
    let line = "2".repeat(100_000);
    assert_eq!(smtp(&[Some(&line)], LONG).await, "a line without an end where 220 to its greeting is wanted");
}

/// aiosmtpd, as Debian has it.
#[tokio::test]
async fn smtp_against_a_real_server() {
    let (target, letters) = (free(), tempfile::tempdir().unwrap());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mail/server.py");
    let mut server = Command::new("/usr/bin/python3")
        .arg(script)
        .arg(target.port().to_string())
        .arg(letters.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    let mut ready = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(server.stdout.take().unwrap()), &mut ready).unwrap();
    let said = words(probe::run(&check(target, CheckKind::Smtp { helo: "director.test".to_owned() }, LONG)).await);
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!((ready.trim(), said.as_str()), ("ready", "passed"));
}

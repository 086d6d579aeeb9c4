//! `SMTP_CHECK`: the server greets (220), answers `HELO` (250) and `QUIT` (RFC 5321 §4; whatever it says, since it has served by then).

use super::{failed, origin};
use crate::engine::health::Verdict;
use crate::engine::model::CheckSpec;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// The longest line, and the most lines of an answer, that are read (RFC 5321 §4.5.3.1.5 asks for 512 octets).
const LONGEST: u64 = 2_048;
const MOST: usize = 128;

/// Greets once.
pub(super) async fn greet(check: &CheckSpec, helo: &str) -> Result<(), Verdict> {
    let mut server = BufReader::new(origin::connect(check).await?);
    expect(check, &mut server, "220", "its greeting").await?;
    say(check, &mut server, &format!("HELO {helo}\r\n")).await?;
    expect(check, &mut server, "250", "HELO").await?;
    say(check, &mut server, "QUIT\r\n").await?;
    line(check, &mut server, "anything", "QUIT").await.map(drop)
}

async fn say(check: &CheckSpec, server: &mut BufReader<TcpStream>, line: &str) -> Result<(), Verdict> {
    server.write_all(line.as_bytes()).await.map_err(|error| origin::judge(check, &error))
}

/// Reads an answer, of one line or more, and looks at its code.
async fn expect(check: &CheckSpec, server: &mut BufReader<TcpStream>, code: &str, to: &str) -> Result<(), Verdict> {
    for _ in 0..MOST {
        let text = line(check, server, code, to).await?;
        let (said, rest) = (text.get(..3).unwrap_or_default(), text.get(3..4).unwrap_or_default());
        let is_code = said.len() == 3 && said.bytes().all(|b| b.is_ascii_digit());
        if !is_code {
            return failed(format!("no SMTP where {code} to {to} is wanted"));
        }
        if said != code {
            return failed(format!("SMTP {said} to {to} ({code} is wanted)"));
        }
        if rest != "-" {
            return Ok(());
        }
    }
    failed(format!("its answer to {to} has no end"))
}

/// Reads one line.
async fn line(check: &CheckSpec, server: &mut BufReader<TcpStream>, wanted: &str, to: &str) -> Result<String, Verdict> {
    let mut line = Vec::new();
    server.take(LONGEST).read_until(b'\n', &mut line).await.map_err(|error| origin::judge(check, &error))?;
    if line.last() == Some(&b'\n') {
        return Ok(String::from_utf8_lossy(&line).into_owned());
    }
    failed(match line.len() {
        0 => format!("connection closed where {wanted} to {to} is wanted"),
        _ => format!("a line without an end where {wanted} to {to} is wanted"),
    })
}

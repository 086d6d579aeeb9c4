//! What is mailed to people, and how it is written down for a server (layer 2, pure).
//!
//! Subjects are those of keepalived 2.2.7, to the letter: filters and alerts of operators look for them. The text is
//! lvsdeck's own. Nothing that a name or a reason contains becomes a header of its own.

mod header;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::time::SystemTime;

/// Characters of a text that is not a name or a reason of our own that are kept.
const MOST: usize = 4_000;
/// The longest line of a message that goes as it is (RFC 5322 §2.1.1: 998 without its end).
const LINE: usize = 900;

/// Something that is mailed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Without the node's name before it: `VRRP Instance VI_1 - Entering MASTER state`.
    pub subject: String,
    /// What happened and why, in lines.
    pub text: String,
}

/// Whom a letter is from and whom it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// `router_id`, or the host's name: stands before each subject.
    pub node: String,
    /// The host's name.
    pub host: String,
    /// The sender's address.
    pub from: String,
    /// The recipients' addresses.
    pub to: Vec<String>,
}

impl Mail {
    /// The message as it is given to a server (RFC 5322), every line with its end. `happened_at` is when it was told,
    /// `number` counts the mails of this run.
    pub fn letter(&self, envelope: &Envelope, happened_at: SystemTime, number: u64) -> String {
        let Envelope { node, host, from, to } = envelope;
        let since_epoch = happened_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let date = httpdate::fmt_http_date(happened_at).replace("GMT", "+0000");
        let text = format!("{}\n\nNode: {node} ({host})\nTime: {date}\n", cut(&self.text));
        let (encoding, body) = body(&text);
        let mut letter = String::new();
        for (name, value) in [
            ("Date", date),
            ("From", header::clean(from)),
            ("Subject", header::text(&format!("[{node}] {}", self.subject))),
            ("To", to.iter().map(|to| header::clean(to)).collect::<Vec<_>>().join(",\r\n ")),
            ("Message-ID", format!("<{}.{number}@{}>", since_epoch.as_nanos(), header::domain(host))),
            ("X-Mailer", concat!("lvsdeck ", env!("CARGO_PKG_VERSION")).to_owned()),
            // RFC 3834: no vacation message in answer, please.
            ("Auto-Submitted", "auto-generated".to_owned()),
            ("MIME-Version", "1.0".to_owned()),
            ("Content-Type", "text/plain; charset=utf-8".to_owned()),
            ("Content-Transfer-Encoding", encoding.to_owned()),
        ] {
            letter.extend([name, ": ", &value, "\r\n"]);
        }
        letter + "\r\n" + &body
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MOST).collect()
}

/// How the text is encoded, and the text so: as it is where every server can carry it.
fn body(text: &str) -> (&'static str, String) {
    let plain = |line: &str| line.len() <= LINE && line.bytes().all(|byte| byte == b'\t' || (32..127).contains(&byte));
    if text.lines().all(plain) {
        return ("7bit", text.replace('\n', "\r\n"));
    }
    let encoded = STANDARD.encode(text.replace('\n', "\r\n"));
    let lines: Vec<_> = encoded.as_bytes().chunks(76).map(String::from_utf8_lossy).collect();
    ("base64", lines.join("\r\n") + "\r\n")
}

#[cfg(test)]
mod tests;

//! Health checks as the file asks for them.

use super::ScriptUser;
use serde::Serialize;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// One health check with everything needed to run it. Equal specs share one probe.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct CheckSpec {
    /// What is asked.
    pub kind: CheckKind,
    /// Where: `connect_ip` and `connect_port`, the real server's own by default. Checks that connect to nothing have it for
    /// their name alone.
    pub target: SocketAddr,
    /// From where.
    pub origin: Origin,
    /// When it runs.
    pub timing: CheckTiming,
    /// `alpha`: the server is down until it passes.
    pub alpha: bool,
    /// `log_all_failures`: a failure that changes nothing is told too.
    pub log_all_failures: bool,
}

impl CheckSpec {
    /// keepalived's word for it.
    pub const fn name(&self) -> &'static str {
        match &self.kind {
            CheckKind::Tcp => "TCP_CHECK",
            CheckKind::Http(HttpCheck { tls: None, .. }) => "HTTP_GET",
            CheckKind::Http(HttpCheck { tls: Some(_), .. }) => "SSL_GET",
            CheckKind::Smtp { .. } => "SMTP_CHECK",
            CheckKind::Dns { .. } => "DNS_CHECK",
            CheckKind::Udp(_) => "UDP_CHECK",
            CheckKind::Ping => "PING_CHECK",
            CheckKind::Misc(_) => "MISC_CHECK",
            CheckKind::File(_) => "FILE_CHECK",
        }
    }
    /// How long a run takes at most: each URL has its own time limit.
    pub fn longest(&self) -> Duration {
        let tries = match &self.kind {
            CheckKind::Http(http) => u32::try_from(http.urls.len()).unwrap_or(u32::MAX),
            CheckKind::Tcp
            | CheckKind::Smtp { .. }
            | CheckKind::Dns { .. }
            | CheckKind::Udp(_)
            | CheckKind::Ping
            | CheckKind::Misc(_)
            | CheckKind::File(_) => 1,
        };
        self.timing.timeout.saturating_mul(tries)
    }
    /// Whether a first failure of it is told although `alpha` keeps its server out: keepalived says nothing of `HTTP_GET` then.
    pub const fn tells_first_failure(&self) -> bool {
        self.alpha && !matches!(self.kind, CheckKind::Http(_))
    }
    /// Whether it is a `FILE_CHECK`.
    pub const fn is_file(&self) -> bool {
        matches!(self.kind, CheckKind::File(_))
    }
    /// Whether it says a weight too.
    pub const fn says_weight(&self) -> bool {
        match &self.kind {
            CheckKind::Misc(misc) => misc.dynamic,
            CheckKind::File(file) => file.weight != 0,
            CheckKind::Tcp
            | CheckKind::Http(_)
            | CheckKind::Smtp { .. }
            | CheckKind::Dns { .. }
            | CheckKind::Udp(_)
            | CheckKind::Ping => false,
        }
    }
    /// A `TCP_CHECK` without further words.
    pub const fn tcp(target: SocketAddr, timing: CheckTiming) -> Self {
        Self { kind: CheckKind::Tcp, target, origin: Origin::ANY, timing, alpha: false, log_all_failures: false }
    }
    /// Where it goes, `10.0.0.71:80`; the command of a script, the path of a file.
    pub fn goal(&self) -> String {
        match &self.kind {
            CheckKind::Misc(misc) => misc.command.join(" "),
            CheckKind::File(file) => file.path.clone(),
            CheckKind::Ping => self.target.ip().to_string(),
            CheckKind::Tcp
            | CheckKind::Http(_)
            | CheckKind::Smtp { .. }
            | CheckKind::Dns { .. }
            | CheckKind::Udp(_) => self.target.to_string(),
        }
    }
}

/// The socket that a check connects from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct Origin {
    /// `bindto` and `bind_port`.
    pub bind: Option<(IpAddr, u16)>,
    /// `bind_if`.
    pub interface: Option<String>,
    /// `fwmark`; 0 is none.
    pub mark: u32,
}

impl Origin {
    /// Whatever the routing table chooses.
    pub const ANY: Self = Self { bind: None, interface: None, mark: 0 };
}

/// What a check asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckKind {
    /// `TCP_CHECK`: the connection is accepted.
    Tcp,
    /// `HTTP_GET`, `SSL_GET`.
    Http(HttpCheck),
    /// `SMTP_CHECK`: greets and is greeted.
    Smtp {
        /// `helo_name`.
        helo: String,
    },
    /// `DNS_CHECK`: a question is answered without an error.
    Dns {
        /// `type`.
        record: RecordType,
        /// `name`, with or without the last dot.
        name: String,
    },
    /// `UDP_CHECK`.
    Udp(UdpCheck),
    /// `PING_CHECK`: an echo comes back.
    Ping,
    /// `MISC_CHECK`: a script says so.
    Misc(MiscCheck),
    /// `FILE_CHECK`: a number in a file says so.
    File(FileCheck),
}

/// `HTTP_GET`, or `SSL_GET` where there is TLS. Every URL has to pass, one connection each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct HttpCheck {
    /// How TLS is spoken; none with `HTTP_GET`.
    pub tls: Option<Tls>,
    /// `http_protocol`.
    pub version: HttpVersion,
    /// `url`, in file order; at least one.
    pub urls: Vec<UrlCheck>,
}

/// `http_protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub enum HttpVersion {
    /// `1.0`.
    #[default]
    #[serde(rename = "1.0")]
    V10,
    /// `1.0C`: with `Connection: close`.
    #[serde(rename = "1.0C")]
    V10Close,
    /// `1.1`.
    #[serde(rename = "1.1")]
    V11,
}

/// The words of `SSL_GET` on TLS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct Tls {
    /// `enable_sni`: the server is told which name is meant.
    pub sni: bool,
    /// `sni_name`: that name, in place of the virtual host's.
    pub sni_name: Option<String>,
    /// `checks.tls_verify` of lvsdeck.toml: the certificate has to be valid, by the certificates of this file. Without it any
    /// certificate will do, as in keepalived.
    pub verify: Option<PathBuf>,
}

/// A `url` block.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct UrlCheck {
    /// `path`, with its query.
    pub path: String,
    /// `virtualhost` of it, or of the blocks around it.
    pub host: Option<String>,
    /// `digest`: MD5 of the body.
    #[serde(serialize_with = "super::dump::digest")]
    pub digest: Option<[u8; 16]>,
    /// `status_code`: first and last of each range.
    pub status: Vec<(u16, u16)>,
    /// `regex` with its options.
    pub pattern: Option<BodyPattern>,
}

/// What the body of an answer has to match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct BodyPattern {
    /// `regex`, its `regex_options` as flags before it.
    pub regex: String,
    /// `regex_no_match`: it must not match.
    pub absent: bool,
    /// `regex_min_offset`: bytes before it that do not count.
    pub from: usize,
    /// `regex_max_offset`: where a match begins at the latest.
    pub until: Option<usize>,
}

/// `UDP_CHECK`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct UdpCheck {
    /// `payload`.
    #[serde(serialize_with = "super::dump::bytes")]
    pub payload: Vec<u8>,
    /// `require_reply`: the beginning of the answer, each byte with the mask of its bits that count. Without it silence is good.
    #[serde(serialize_with = "super::dump::pattern")]
    pub reply: Option<Vec<(u8, u8)>>,
    /// `min_reply_length`, `max_reply_length`, bytes.
    pub length: (u16, u16),
}

/// `MISC_CHECK`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct MiscCheck {
    /// `misc_path`: a program and its arguments. Never empty.
    pub command: Vec<String>,
    /// `user`; that of `global_defs` when absent.
    pub user: Option<ScriptUser>,
    /// `misc_dynamic`: exit codes from 2 on pass, and set the weight to two less.
    pub dynamic: bool,
}

/// `FILE_CHECK`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct FileCheck {
    /// `track_file`.
    pub name: String,
    /// Its path.
    pub path: String,
    /// What its number is multiplied by before it is added to the weight. 0: another number than 0 fails.
    pub weight: i64,
    /// `reverse`: the sign of the weight is the other one; with weight 0, the number 0 fails and the others pass.
    pub reverse: bool,
}

/// What `DNS_CHECK` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    /// An IPv4 address.
    A,
    /// A name server.
    Ns,
    /// Another name.
    Cname,
    /// The start of authority.
    #[default]
    Soa,
    /// A mail server.
    Mx,
    /// A text.
    Txt,
    /// An IPv6 address.
    Aaaa,
    /// The signature of other records.
    Rrsig,
    /// The key of a signed zone.
    Dnskey,
}

impl RecordType {
    /// Each with its name.
    pub const ALL: [(&'static str, Self); 9] = [
        ("A", Self::A),
        ("NS", Self::Ns),
        ("CNAME", Self::Cname),
        ("SOA", Self::Soa),
        ("MX", Self::Mx),
        ("TXT", Self::Txt),
        ("AAAA", Self::Aaaa),
        ("RRSIG", Self::Rrsig),
        ("DNSKEY", Self::Dnskey),
    ];
}

/// The words every check has, with keepalived's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct CheckTiming {
    /// `delay_loop`, between two checks; 60 s.
    #[serde(serialize_with = "super::dump::seconds")]
    pub interval: Duration,
    /// `connect_timeout`; 5 s. Of a script: `misc_timeout`, `delay_loop` by default.
    #[serde(serialize_with = "super::dump::seconds")]
    pub timeout: Duration,
    /// `retry`: further tries after a first failure before the server is down; 1.
    pub retry: u32,
    /// `delay_before_retry`; 1 s.
    #[serde(serialize_with = "super::dump::seconds")]
    pub retry_delay: Duration,
    /// `warmup`: the first check comes at a moment spread within it, `delay_loop` by default; zero: at once.
    #[serde(serialize_with = "super::dump::seconds")]
    pub warmup: Duration,
}

impl Default for CheckTiming {
    fn default() -> Self {
        Self {
            interval: Duration::from_mins(1),
            timeout: Duration::from_secs(5),
            retry: 1,
            retry_delay: Duration::from_secs(1),
            warmup: Duration::from_mins(1),
        }
    }
}

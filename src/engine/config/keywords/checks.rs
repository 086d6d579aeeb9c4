//! Words of the checks. A table of data.

use super::{Block, Keyword, Value, acts, read};

/// Microseconds in a second.
const S: u64 = 1_000_000;
/// The largest number of 32 bits.
const U32: u64 = 4_294_967_295;

/// A word of every check that connects, of `real_server` and of `virtual_server`; the inner one counts.
pub(super) const TIMEOUT: &[Keyword] =
    &[acts("connect_timeout", Value::Seconds(1, 4_294_967_295), "seconds to wait for an answer")];

/// Words of every check, of `real_server` and of `virtual_server`; the inner one counts.
pub(super) const TIMING: &[Keyword] = &[
    acts("delay_loop", Value::Seconds(1, U32 * S), "seconds between two checks"),
    acts(
        "retry",
        Value::Number(0, U32),
        "further tries after a failure before the server is down; the first run of a check after a start decides without them, as with keepalived",
    ),
    acts("delay_before_retry", Value::Seconds(0, U32 * S), "seconds before such a try"),
    acts(
        "warmup",
        Value::Seconds(0, U32 * S),
        "the first check comes at a random moment within these seconds; 0: at once",
    ),
];

/// Words of every check that connects.
pub(super) const CONNECTION: &[Keyword] = &[
    acts("connect_ip", Value::Address, "the address to connect to, the real server's by default"),
    acts("connect_port", Value::Number(1, 65_535), "the port to connect to, the real server's by default"),
    acts("bindto", Value::Address, "the address to connect from"),
    acts("bind_port", Value::Number(1, 65_535), "the port to connect from"),
    acts("bind_if", Value::Text, "the interface to connect by"),
    acts("fwmark", Value::Number(1, 4_294_967_295), "the firewall mark of its packets"),
];

/// Words of every check.
pub(super) const COMMON: &[Keyword] = &[
    acts("alpha", Value::Switch, "the real server starts as down, until this check passes"),
    acts("log_all_failures", Value::Switch, "a failure that changes nothing is told too"),
];

pub(super) const HTTP: &[Keyword] = &[
    acts("nb_get_retry", Value::Number(0, 2_147_483_647), "the old name of retry"),
    acts("virtualhost", Value::Text, "the name of the virtual host that is asked for"),
    acts("http_protocol", Value::Choice(&["1.0", "1.0C", "1.1"]), "the version of HTTP; 1.0C closes the connection"),
    acts("enable_sni", Value::Switch, "TLS tells the server the name of the virtual host"),
    acts("sni_name", Value::Text, "the name that TLS tells the server"),
    acts("fast_recovery", Value::Switch, "holds anyway: each run asks every url, one right after the other"),
    acts("tls_compliant", Value::Switch, "holds anyway: TLS is closed in order"),
    acts("url", Value::Block(Block::Url), "what is asked for"),
];

pub(super) const URL: &[Keyword] = &[
    acts("path", Value::Text, "what is asked for, with its query"),
    acts("digest", Value::Text, "MD5 of the body"),
    acts("status_code", Value::Words, "status codes and ranges that are good; 200-299 by default"),
    acts("virtualhost", Value::Text, "the name of the virtual host that is asked for"),
    acts("regex", Value::Expression, "what the body has to match"),
    acts("regex_no_match", Value::Flag, "the body must not match"),
    acts("regex_options", Value::Words, "how regex is read: caseless, dotall, extended, multiline, ungreedy"),
    acts("regex_min_offset", Value::Number(0, U32), "bytes of the body that do not count"),
    acts("regex_max_offset", Value::Number(0, U32), "where a match begins at the latest"),
    read("regex_stack", Value::Words, "the memory of a regex needs no word; one that goes back too often is given up"),
    acts("tls_compliant", Value::Switch, "holds anyway: TLS is closed in order"),
];

pub(super) const MISC: &[Keyword] = &[
    acts("misc_path", Value::Command, "the script: 0 passes, anything else fails"),
    acts("misc_timeout", Value::Number(0, 4_294), "seconds that it may take; delay_loop by default"),
    acts("misc_dynamic", Value::Flag, "exit codes from 2 on pass, and set the weight to two less"),
    acts("user", Value::Words, "the user, and perhaps the group, that runs it"),
];

pub(super) const SMTP: &[Keyword] = &[
    acts("helo_name", Value::Text, "the name that the server is greeted with"),
    acts(
        "host",
        Value::Block(Block::SmtpHost),
        "a check of its own with these words on the connection; the server is checked beside it only where one of them stands outside",
    ),
];

pub(super) const DNS: &[Keyword] = &[
    acts(
        "type",
        Value::Choice(&["A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY"]),
        "the record to ask for; SOA by default",
    ),
    acts("name", Value::Text, "the name to ask for; . by default"),
];

pub(super) const UDP: &[Keyword] = &[
    acts("payload", Value::Words, "what is sent, in hexadecimal digits"),
    acts("require_reply", Value::Anything, "an answer has to come, and to begin with these hexadecimal digits"),
    acts("min_reply_length", Value::Number(0, 65_535), "bytes that the answer has at least"),
    acts("max_reply_length", Value::Number(0, 65_535), "bytes that the answer has at most; 255 by default"),
];

pub(super) const FILE: &[Keyword] = &[
    acts("track_file", Value::Text, "the name of a track_file of the top level"),
    acts(
        "weight",
        Value::Weight(-2_147_483_647, 2_147_483_647),
        "its number times this is added to the server's weight; 0: another number than 0 fails; `reverse`: the other way round",
    ),
];

/// Words of checks that are not run.
pub(super) const OTHER: &[Keyword] = &[super::part("name", Value::Text), super::part("alpha", Value::Switch)];

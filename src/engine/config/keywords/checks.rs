//! Words of the checks. A table of data.

use super::{Block, Keyword, Value, acts, part, read};

/// Microseconds in a second.
const S: u64 = 1_000_000;

/// Words of every check, of `real_server` and of `virtual_server`; the inner one counts.
pub(super) const TIMING: &[Keyword] = &[
    acts("delay_loop", Value::Seconds(1, 86_400 * S), "seconds between two checks"),
    acts("connect_timeout", Value::Seconds(1, 4_294_967_295), "seconds to wait for an answer"),
    acts("retry", Value::Number(0, 2_147_483_647), "further tries after a failure before the server is down"),
    acts("delay_before_retry", Value::Seconds(0, 4_294_967_295), "seconds before such a try"),
    acts(
        "warmup",
        Value::Seconds(0, 86_400 * S),
        "the first check comes at a random moment within these seconds; 0: at once",
    ),
];

pub(super) const TCP: &[Keyword] = &[
    acts("connect_ip", Value::Address, "the address to connect to, the real server's by default"),
    acts("connect_port", Value::Number(1, 65_535), "the port to connect to, the real server's by default"),
    acts("bindto", Value::Address, "the address to connect from"),
    acts("bind_port", Value::Number(1, 65_535), "the port to connect from"),
    read("bind_if", Value::Text, "the routing table chooses the interface"),
    read("fwmark", Value::Anything, "the connection carries no mark"),
    read("alpha", Value::Flag, "alpha counts in virtual_server only"),
    read("log_all_failures", Value::Anything, "every check result is an event"),
];

/// Words of checks that are not run.
pub(super) const CONNECTION: &[Keyword] = &[
    part("connect_ip", Value::Address),
    part("connect_port", Value::Number(1, 65_535)),
    part("bindto", Value::Address),
    part("bind_port", Value::Number(1, 65_535)),
    part("bind_if", Value::Text),
    part("fwmark", Value::Anything),
    part("alpha", Value::Flag),
    part("log_all_failures", Value::Anything),
];

pub(super) const HTTP: &[Keyword] = &[
    part("nb_get_retry", Value::Number(0, 2_147_483_647)),
    part("virtualhost", Value::Text),
    part("http_protocol", Value::Text),
    part("enable_sni", Value::Flag),
    part("sni_name", Value::Text),
    part("fast_recovery", Value::Flag),
    part("tls_compliant", Value::Anything),
    part("url", Value::Block(Block::Url)),
];

pub(super) const URL: &[Keyword] = &[
    part("path", Value::Text),
    part("digest", Value::Text),
    part("status_code", Value::Words),
    part("virtualhost", Value::Text),
    part("regex", Value::Words),
    part("regex_no_match", Value::Anything),
    part("regex_options", Value::Words),
    part("regex_min_offset", Value::Text),
    part("regex_max_offset", Value::Text),
    part("regex_stack", Value::Words),
    part("tls_compliant", Value::Anything),
];

pub(super) const MISC: &[Keyword] = &[
    part("misc_path", Value::Words),
    part("misc_timeout", Value::Number(0, 4_294)),
    part("misc_dynamic", Value::Flag),
    part("user", Value::Words),
    part("alpha", Value::Flag),
    part("log_all_failures", Value::Anything),
];

pub(super) const OTHER: &[Keyword] = &[
    part("helo_name", Value::Text),
    part("host", Value::Anything),
    part("payload", Value::Text),
    part("require_reply", Value::Anything),
    part("min_reply_length", Value::Text),
    part("max_reply_length", Value::Text),
    part("type", Value::Text),
    part("name", Value::Text),
    part("track_file", Value::Text),
    part("weight", Value::Anything),
];

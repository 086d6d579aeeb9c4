//! `HTTP_GET` and `SSL_GET`.

use super::super::super::argument::Argument;
use super::super::super::diagnostic::{Problem, quoted};
use super::super::super::keywords::{Block, REGEX_IDLE, REGEX_UNUSED};
use super::super::super::schema::{Context, Entry};
use super::super::super::suggest::nearest;
use super::super::command;
use super::{Common, Defaults, Outer, PLAIN};
use crate::engine::model::{BodyPattern, CheckKind, CheckSpec, HttpCheck, HttpVersion, Tls, UrlCheck};
use fancy_regex::Regex;
use std::fmt::Write as _;
use std::time::Duration;

/// `regex_options` and what becomes of each: a flag before the pattern.
const OPTIONS: &[(&str, &str)] =
    &[("caseless", "i"), ("dotall", "s"), ("extended", "x"), ("multiline", "m"), ("ungreedy", "U")];
/// All options that keepalived knows.
fn known_options() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().map(|(word, _)| *word).chain(REGEX_IDLE.iter().chain(REGEX_UNUSED).copied())
}

#[cfg(test)]
pub(in super::super) fn words() -> impl Iterator<Item = &'static str> {
    known_options()
}

pub(super) fn lower<'t>(cx: &mut Context<'_, 't>, block: &Entry<'t>, outer: &Outer) -> Option<CheckSpec> {
    let mut common = Common::new(outer);
    let mut http = HttpCheck { tls: None, version: HttpVersion::default(), urls: Vec::new() };
    let (mut tls, mut host, mut urls) = (Tls::default(), outer.virtualhost.clone(), Vec::new());
    for entry in cx.entries(Block::HttpGet, block.inner()) {
        match (entry.keyword.word, &entry.argument) {
            ("http_protocol", Argument::Text(version)) => http.version = self::version(version),
            ("virtualhost", Argument::Text(name)) => host = Some(name.clone()),
            ("enable_sni", Argument::Switch(on)) => tls.sni = *on,
            ("sni_name", Argument::Text(name)) => (tls.sni, tls.sni_name) = (true, Some(name.clone())),
            ("url", _) => urls.push(entry),
            _ => common.take(&entry),
        }
    }
    http.urls = urls.iter().filter_map(|entry| url(cx, entry, host.as_ref())).collect();
    let is_tls = block.keyword.word == "SSL_GET";
    http.tls = is_tls.then_some(tls);
    if http.urls.is_empty() {
        if urls.is_empty() {
            let message = format!("{} has no url; it is left out", block.keyword.word);
            let help = "write url { path / } in it";
            cx.report.add(Problem::warning(block.at, "no-url", message).help(help));
        }
        return None;
    }
    let port = if is_tls { 443 } else { 80 };
    let own = Defaults { retry_delay: Some(Duration::from_secs(3)), port: Some(port), ..PLAIN };
    Some(common.complete(cx, block, outer, CheckKind::Http(http), &own))
}

fn version(word: &str) -> HttpVersion {
    match word {
        "1.1" => HttpVersion::V11,
        "1.0C" => HttpVersion::V10Close,
        _ => HttpVersion::V10,
    }
}

fn url<'t>(cx: &mut Context<'_, 't>, block: &Entry<'t>, outer: Option<&String>) -> Option<UrlCheck> {
    let mut url =
        UrlCheck { path: String::new(), host: outer.cloned(), digest: None, status: Vec::new(), pattern: None };
    let (mut regex, mut flags) = (None, String::new());
    let mut pattern = BodyPattern { regex: String::new(), absent: false, from: 0, until: None };
    for entry in cx.entries(Block::Url, block.inner()) {
        match (entry.keyword.word, &entry.argument) {
            ("path", Argument::Text(path)) => url.path.clone_from(path),
            ("digest", Argument::Text(_)) if url.digest.is_some() => {
                let message = "digest stands in this url before; the first one counts, as in keepalived";
                let help = "write a url { … } for each page, or keep the digest of today's";
                cx.report.add(Problem::warning(entry.at, "already-set", message).help(help));
            }
            ("digest", Argument::Text(digest)) => url.digest = self::digest(cx, digest, &entry),
            ("status_code", Argument::Text(codes)) => url.status.extend(status(cx, codes, &entry)),
            ("virtualhost", Argument::Text(name)) => url.host = Some(name.clone()),
            ("regex", _) => regex = self::regex(cx, &entry).map(|text| (text, entry.value_at(1))).or(regex),
            ("regex_no_match", Argument::Switch(on)) => pattern.absent = *on,
            ("regex_options", Argument::Text(options)) => flags += &self::flags(cx, options, &entry),
            ("regex_min_offset", Argument::Number(from)) => pattern.from = usize::try_from(*from).unwrap_or(usize::MAX),
            ("regex_max_offset", Argument::Number(until)) => pattern.until = usize::try_from(*until).ok(),
            _ => {}
        }
    }
    if let Some((text, at)) = regex {
        pattern.regex = if flags.is_empty() { text } else { format!("(?{flags}){text}") };
        if let Err(error) = Regex::new(&pattern.regex) {
            let message = format!("the regex can't be used: {error}");
            let help =
                "lvsdeck knows look-around, back references and possessive repeats; not recursion, callouts and verbs";
            cx.report.add(Problem::error(at, "bad-regex", message).help(help));
        }
        url.pattern = Some(pattern);
    }
    if url.path.is_empty() {
        let message = "this url has no path; it is left out";
        cx.report.add(Problem::warning(block.at, "no-path", message).help("write path / in it"));
        return None;
    }
    if !url.path.starts_with('/') {
        url.path.insert(0, '/');
    }
    let asked = asked(&url.path);
    if asked != url.path {
        let message = format!(
            "path {} has a character that no request can have: {asked} is asked for, where keepalived sends it as it is",
            quoted(&url.path)
        );
        cx.report.add(Problem::warning(block.at, "bad-path", message).help(format!("write path {asked}")));
        url.path = asked;
    }
    if url.status.is_empty() {
        url.status.push((200, 299));
    }
    Some(url)
}

/// A path as a request can have it: what RFC 3986 has in no URI is told by the number of its byte, which servers read alike. Bytes
/// beyond ASCII are left alone: servers take them as they are.
fn asked(path: &str) -> String {
    let mut asked = String::new();
    for c in path.chars() {
        if c.is_ascii_control() || matches!(c, ' ' | '"' | '<' | '>' | '`') {
            let _ = write!(asked, "%{:02X}", u32::from(c)); // writing to a String can't fail
        } else {
            asked.push(c);
        }
    }
    asked
}

/// What `regex` says: one word, whose quotes and escapes are resolved before it is a regular expression, as keepalived does.
fn regex(cx: &mut Context, entry: &Entry) -> Option<String> {
    let mut words = command::outer(cx, entry)?.into_iter();
    let (text, at) = words.next()?;
    if words.next().is_some() {
        let message = "regex takes one word; this one is left out, as keepalived does";
        cx.report.add(Problem::warning(at, "too-many-values", message).help("write it in quotes: regex \"a b\""));
        return None;
    }
    if let Some((sign, meaning)) = command::lost_escape(cx, entry) {
        let message = format!("\\{sign} in a regex is read as {meaning}, as keepalived does");
        cx.report.add(Problem::warning(at, "lost-escape", message).help(format!("write \\\\{sign}")));
    }
    Some(text)
}

/// `regex_options` as flags.
fn flags(cx: &mut Context, options: &str, entry: &Entry) -> String {
    let mut flags = String::new();
    for (option, place) in options.split_whitespace().zip(1..) {
        let known = OPTIONS.iter().find(|(name, _)| *name == option);
        if let Some((_, flag)) = known {
            flags += flag;
        } else if REGEX_UNUSED.contains(&option) {
            let message = format!("regex option {option} is not acted on: the regex is read without it");
            cx.report.add(Problem::warning(entry.value_at(place), "not-acted-on", message));
        } else if !REGEX_IDLE.contains(&option) {
            let meant = nearest(option, known_options()).map(|meant| format!("did you mean {meant}?"));
            let message = format!("{} is no regex option; it is ignored, as keepalived does", quoted(option));
            cx.report.add(Problem::warning(entry.value_at(place), "unknown-value", message).help_if(meant));
        }
    }
    flags
}

fn digest(cx: &mut Context, text: &str, entry: &Entry) -> Option<[u8; 16]> {
    let digest = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32).map(u128::to_be_bytes);
    if digest.is_none() {
        let message = format!(
            "digest {} is no MD5, which has 32 hexadecimal digits: no digest is compared, as with keepalived",
            quoted(text)
        );
        let help = "make it with: curl -s http://SERVER/PATH | md5sum";
        cx.report.add(Problem::warning(entry.value_at(1), "bad-digest", message).help(help));
    }
    digest
}

/// `200-299 404`.
fn status(cx: &mut Context, codes: &str, entry: &Entry) -> Vec<(u16, u16)> {
    let code = |text: &str| text.parse::<u16>().ok().filter(|code| (100..=599).contains(code));
    let mut ranges = Vec::new();
    for (index, word) in codes.split_whitespace().enumerate() {
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        match (code(first), code(last)) {
            (Some(first), Some(last)) if first <= last => ranges.push((first, last)),
            _ => {
                let message = format!(
                    "status_code {} is no status and no range; it is ignored, as keepalived does",
                    quoted(word)
                );
                let help = "write numbers from 100 to 599: status_code 200-299 404";
                cx.report.add(Problem::warning(entry.value_at(index + 1), "bad-status", message).help(help));
            }
        }
    }
    ranges
}

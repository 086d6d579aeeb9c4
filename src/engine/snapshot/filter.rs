//! The filter language of the rows: words that must all hold.
//!
//! A plain word occurs in key, name or state; `state:`, `vip:` and `rs:` look at one of them; `!` before a word turns it
//! round. Letters' case does not matter. A word with one of `^ $ * + ? ( ) { } | \` in it, which no key has, is a regular
//! expression, and so is what follows `re:`. Refused are a regular expression that can't be read, a state that nothing has, and a
//! prefix that there is not: they would find nothing, and look as if all were well.

use super::facts::{DriftIndex, ServiceFacts, push_server_states};
use super::{RealServerStatus, VirtualServerStatus};
use crate::engine::model::ServiceKey;
use regex::{Regex, RegexBuilder};
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// Most memory that one regular expression may take.
const SIZE: usize = 256 * 1024;

/// What `state:` finds: services' states, then real servers'.
const STATES: [&str; 12] = [
    "up",
    "down",
    "problem",
    "degraded",
    "sorry",
    "drift",
    "unknown",
    "draining",
    "maintenance",
    "failing",
    "added",
    "override",
];

/// A filter, read once a query.
#[derive(Debug, Default)]
pub(super) struct Filter(Vec<Term>);

#[derive(Debug)]
struct Term {
    negated: bool,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Word(String),
    State(String),
    Vip(Address),
    RealServer(Address),
    Pattern(Regex),
}

/// An address as far as it was written: whole ones are compared as addresses, so that 10.0.0.1 is not 10.0.0.10.
#[derive(Debug)]
enum Address {
    Ip(IpAddr),
    Socket(SocketAddr),
    Part(String),
    Pattern(Regex),
}

impl Address {
    fn new(text: &str) -> Result<Self, String> {
        if is_pattern(text) {
            return pattern(text).map(Self::Pattern);
        }
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        Ok(match (bare.parse(), text.parse()) {
            (Ok(ip), _) => Self::Ip(ip),
            (Err(_), Ok(socket)) => Self::Socket(socket),
            (Err(_), Err(_)) => Self::Part(text.to_owned()),
        })
    }
    fn matches(&self, found: Option<SocketAddr>) -> bool {
        found.is_some_and(|found| match self {
            Self::Ip(ip) => found.ip() == *ip,
            Self::Socket(socket) => found == *socket,
            Self::Part(part) => found.to_string().contains(part.as_str()),
            Self::Pattern(pattern) => pattern.is_match(&found.to_string()),
        })
    }
}

impl Term {
    fn new(word: &str) -> Result<Self, String> {
        let (negated, word) = word.strip_prefix('!').map_or((false, word), |rest| (true, rest));
        let lower = || word.to_lowercase();
        let test = match word.split_once(':') {
            Some((field, state)) if field.eq_ignore_ascii_case("state") => Test::State(state_word(state)?),
            Some((field, text)) if field.eq_ignore_ascii_case("vip") => Test::Vip(Address::new(&text.to_lowercase())?),
            Some((field, text)) if field.eq_ignore_ascii_case("rs") => {
                Test::RealServer(Address::new(&text.to_lowercase())?)
            }
            Some((field, text)) if field.eq_ignore_ascii_case("re") => Test::Pattern(pattern(text)?),
            _ if is_pattern(word) => Test::Pattern(pattern(word)?),
            Some((field, _)) if is_prefix(field) => {
                return Err(format!("there is no prefix \"{field}:\"; there are state:, vip:, rs: and re:"));
            }
            _ => Test::Word(lower()),
        };
        Ok(Self { negated, test })
    }
    fn holds(&self, text: &str, states: &str, vip: Option<SocketAddr>, server: Option<SocketAddr>) -> bool {
        let found = match &self.test {
            Test::Word(word) => text.contains(word.as_str()),
            Test::State(state) => states.split_ascii_whitespace().any(|s| s.starts_with(state.as_str())),
            Test::Vip(address) => address.matches(vip),
            Test::RealServer(address) => address.matches(server),
            Test::Pattern(pattern) => pattern.is_match(text),
        };
        found != self.negated
    }
}

/// What a filter that can't be read is told; none where it can.
pub fn filter_error(text: &str) -> Option<String> {
    Filter::new(text).err()
}

/// The beginning of a state, in small letters.
fn state_word(text: &str) -> Result<String, String> {
    let state = text.to_lowercase();
    if STATES.iter().any(|known| known.starts_with(&state)) {
        return Ok(state);
    }
    Err(format!("no state begins with \"{text}\"; there are {}", STATES.join(", ")))
}

/// Whether what stands before a colon is meant as a prefix: a word, and no part of an IPv6 address.
fn is_prefix(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphabetic()) && text.chars().any(|c| !c.is_ascii_hexdigit())
}

/// Whether a word is meant as a regular expression: by a character that no key, name or state has.
fn is_pattern(word: &str) -> bool {
    word.contains(['^', '$', '*', '+', '?', '(', ')', '{', '}', '|', '\\'])
}

/// A regular expression within bounds: whoever may read may send one.
fn pattern(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text).case_insensitive(true).size_limit(SIZE).dfa_size_limit(SIZE).build().map_err(|error| {
        let why = match error {
            regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
            // The library draws the place over several lines; the last one says what is wrong.
            other => other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        };
        format!("\"{text}\" is no regular expression: {why}")
    })
}

impl Filter {
    /// Reads a filter, or says what is wrong with it.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        text.split_whitespace().filter(|word| *word != "!").map(Term::new).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the service itself matches, and those of its servers that do, in file order.
    pub(super) fn apply<'a>(
        &self,
        service: &'a VirtualServerStatus,
        facts: &ServiceFacts,
        drift: &DriftIndex<'_>,
    ) -> (bool, Vec<&'a RealServerStatus>) {
        if self.0.is_empty() {
            return (true, service.real_servers.iter().collect());
        }
        let vip = match service.key {
            ServiceKey::Address { address, .. } => Some(address),
            ServiceKey::FwMark { .. } => None,
        };
        let mut text = service.key.to_string();
        if let Some(name) = &service.name {
            text.push(' ');
            text.push_str(&name.to_lowercase());
        }
        let named = text.len();
        facts.push_states(service, &mut text);
        let itself = self.holds(&text, named, vip, None);
        let servers = service.real_servers.iter().filter(|server| {
            text.truncate(named);
            let _ = write!(text, " {}", server.key); // writing to a String can't fail
            let keyed = text.len();
            push_server_states(server, drift.server(service.key, server.key), &mut text);
            self.holds(&text, keyed, vip, Some(server.key.0.into()))
        });
        let servers = servers.collect();
        (itself, servers)
    }

    fn holds(&self, text: &str, states_at: usize, vip: Option<SocketAddr>, server: Option<SocketAddr>) -> bool {
        let states = text.get(states_at..).unwrap_or_default();
        self.0.iter().all(|term| term.holds(text, states, vip, server))
    }
}

#[cfg(test)]
mod tests {
    use super::filter_error;

    #[test]
    fn what_can_find_nothing_is_refused_with_what_there_is() {
        for (text, why) in [
            ("state:dwn", "no state begins with \"dwn\"; there are up, down,"),
            ("!State:x", "no state begins with \"x\""),
            ("stat:down", "there is no prefix \"stat:\"; there are state:, vip:, rs: and re:"),
        ] {
            let error = filter_error(text).unwrap_or_default();
            assert!(error.starts_with(why), "{text}: {error}");
        }
        for text in
            ["state:", "state:d", "STATE:Up", "fe80::1", "cafe:80", ":80", "web1:80", "tcp/10.0.0.1:80", "a|b:c"]
        {
            assert_eq!(filter_error(text), None, "{text}");
        }
    }
}

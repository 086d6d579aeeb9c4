//! The filter language of the rows: words that must all hold.
//!
//! A plain word occurs in key, name or state; `state:`, `vip:` and `rs:` look at one of them; `!` before a word turns it
//! round. Letters' case does not matter. Any text is a filter: none is refused, a strange one finds nothing.

use super::facts::{DriftIndex, ServiceFacts, push_server_states};
use super::{RealServerStatus, VirtualServerStatus};
use crate::engine::model::ServiceKey;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

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
}

/// An address as far as it was written: whole ones are compared as addresses, so that 10.0.0.1 is not 10.0.0.10.
#[derive(Debug)]
enum Address {
    Ip(IpAddr),
    Socket(SocketAddr),
    Part(String),
}

impl Address {
    fn new(text: &str) -> Self {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        match (bare.parse(), text.parse()) {
            (Ok(ip), _) => Self::Ip(ip),
            (Err(_), Ok(socket)) => Self::Socket(socket),
            (Err(_), Err(_)) => Self::Part(text.to_owned()),
        }
    }
    fn matches(&self, found: Option<SocketAddr>) -> bool {
        found.is_some_and(|found| match self {
            Self::Ip(ip) => found.ip() == *ip,
            Self::Socket(socket) => found == *socket,
            Self::Part(part) => found.to_string().contains(part.as_str()),
        })
    }
}

impl Term {
    fn new(word: &str) -> Self {
        let (negated, word) = word.strip_prefix('!').map_or((false, word), |rest| (true, rest));
        let test = match word.split_once(':') {
            Some(("state", state)) => Test::State(state.to_owned()),
            Some(("vip", address)) => Test::Vip(Address::new(address)),
            Some(("rs", address)) => Test::RealServer(Address::new(address)),
            _ => Test::Word(word.to_owned()),
        };
        Self { negated, test }
    }
    fn holds(&self, text: &str, states: &str, vip: Option<SocketAddr>, server: Option<SocketAddr>) -> bool {
        let found = match &self.test {
            Test::Word(word) => text.contains(word.as_str()),
            Test::State(state) => states.split_ascii_whitespace().any(|s| s.starts_with(state.as_str())),
            Test::Vip(address) => address.matches(vip),
            Test::RealServer(address) => address.matches(server),
        };
        found != self.negated
    }
}

impl Filter {
    /// Reads a filter.
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_lowercase().split_whitespace().filter(|w| *w != "!").map(Term::new).collect())
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
            self.holds(&text, keyed, vip, Some(server.key.0))
        });
        let servers = servers.collect();
        (itself, servers)
    }

    fn holds(&self, text: &str, states_at: usize, vip: Option<SocketAddr>, server: Option<SocketAddr>) -> bool {
        let states = text.get(states_at..).unwrap_or_default();
        self.0.iter().all(|term| term.holds(text, states, vip, server))
    }
}

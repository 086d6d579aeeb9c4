//! What this host has that hurts what is configured (layer 3): facts + configuration + status → warnings.
//!
//! One table, [`RULES`]: a code, when it is given, and the function that judges. A rule names the value found and a command
//! to type. It speaks only of what was seen, and only where a configured instance or service suffers from it: a warning that
//! stands on every healthy host teaches people to look away. Pure: nothing here reads the host.

mod alarms;
mod arp;
mod clock;
mod facts;
mod firewall;
mod forwarding;
mod ipvs;
mod rival;
mod rules;
#[cfg(test)]
mod tests;

pub use facts::{Clock, Facts, HostAddress, InterfaceWords, IpvsFacts, Jump};
pub use firewall::{Chain, Match, Rule as FirewallRule, Verdict, Way};
pub use rules::{RULES, Rule};

use super::model::{Configuration, VirtualAddress, VirtualRouter};
use super::snapshot::{Status, Warning};

/// How many names a message carries before it counts the rest.
const NAMED: usize = 3;

/// What a rule found.
struct Found {
    subject: String,
    message: String,
    next: String,
}

/// What a rule looks at.
struct Look<'a> {
    facts: &'a Facts,
    configuration: &'a Configuration,
    status: &'a Status,
}

impl<'a> Look<'a> {
    fn addresses(&self) -> impl Iterator<Item = &'a HostAddress> + use<'a> {
        self.facts.addresses.iter().flatten()
    }
    fn virtual_addresses(&self) -> impl Iterator<Item = (&'a VirtualRouter, &'a VirtualAddress)> + use<'a> {
        self.configuration.virtual_routers.iter().flat_map(|router| router.addresses.iter().map(move |a| (router, a)))
    }
}

/// All warnings that the rules give now.
pub fn advise(facts: &Facts, configuration: &Configuration, status: &Status) -> Vec<Warning> {
    let look = Look { facts, configuration, status };
    let warning =
        |code: &str, Found { subject, message, next }| Warning { code: code.to_owned(), subject, message, next };
    RULES.iter().flat_map(|rule| (rule.judge)(&look).into_iter().map(|found| warning(rule.code, found))).collect()
}

/// `a, b, c and 4 more`.
fn list(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    let (first, more) = names.split_at(names.len().min(NAMED));
    let text = first.join(", ");
    if more.is_empty() { text } else { format!("{text} and {} more", more.len()) }
}

/// The interface that a virtual address goes on.
fn interface_of<'a>(router: &'a VirtualRouter, address: &'a VirtualAddress) -> &'a str {
    address.interface.as_deref().unwrap_or(&router.interface)
}

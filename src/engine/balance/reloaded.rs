//! What is said of a reload: before it, whether it can be; after it, what the kernel made of it.

use super::Action;
use super::core::Balance;
use super::merge::words;
use super::reconcile::Target;
use super::server::destination;
use super::service::ServiceState;
use crate::engine::ipvs::{Destination, Service};
use crate::engine::model::{Configuration, RealServer, ServiceKey, VirtualServer};
use std::collections::{HashMap, HashSet};

/// How many refusals are told in full.
const TOLD: usize = 3;

/// Reloads that wait for the kernel.
#[derive(Debug, Clone)]
pub(super) struct Reloading {
    /// The plan that holds the newest.
    turn: u64,
    /// How many wait: each is told.
    count: usize,
    /// What was refused before the first of them: no fault of theirs where it is refused in the same words again.
    known: Vec<(Target, String)>,
}

/// Why a balance can't run a configuration; none when it can.
pub fn objection(configuration: &Configuration) -> Option<String> {
    let servers = &configuration.virtual_servers;
    let mut services = HashSet::new();
    servers.iter().find_map(|service| {
        let mut seen = HashSet::new();
        let twice = service.real_servers.iter().find(|server| !seen.insert(server.key));
        match (services.insert(service.key), twice) {
            (false, _) => Some(format!("{} stands there twice; put its real servers into one", service.key)),
            (true, Some(server)) => Some(format!("{} stands in {} twice; remove one", server.key, service.key)),
            (true, None) => None,
        }
    })
}

/// What the kernel has not taken yet of `new` when `old` runs: services that are new or have other settings, and those with new
/// servers, each with these servers alone.
pub fn unproven(old: &Configuration, new: &Configuration) -> Vec<(ServiceKey, Service)> {
    let before: HashMap<ServiceKey, &VirtualServer> = old.virtual_servers.iter().map(|s| (s.key, s)).collect();
    let settings = |file: &VirtualServer| ServiceState::new(words(file), false, 0, Vec::new()).settings();
    let taken = |server: &RealServer| Destination {
        upper_threshold: server.upper_threshold,
        lower_threshold: server.lower_threshold,
        ..destination((server.forwarding, server.tunnel), server.weight)
    };
    let news = new.virtual_servers.iter().filter_map(|file| {
        let known = before.get(&file.key);
        let same: HashMap<_, _> =
            known.iter().flat_map(|known| &known.real_servers).map(|server| (server.key, taken(server))).collect();
        let servers = file.real_servers.iter().map(|server| (server.key, taken(server)));
        let wanted = Service {
            destinations: servers.filter(|(key, new)| same.get(key) != Some(new)).collect(),
            ..settings(file)
        };
        let is_as_before = known.is_some_and(|known| settings(known).same_settings(&wanted));
        (!is_as_before || !wanted.destinations.is_empty()).then_some((file.key, wanted))
    });
    news.collect()
}

impl Balance {
    /// What the kernel refuses already.
    pub(super) fn refused_so_far(&self) -> Vec<(Target, String)> {
        self.kernel.refusals().map(|(target, why)| (*target, why.to_owned())).collect()
    }
    /// Whoever asked is told when the next plan ended.
    pub(super) fn await_reload(&mut self, known: Vec<(Target, String)>) {
        let (count, known) = match self.reloading.take() {
            Some(Reloading { count, known, .. }) => (count + 1, known),
            None => (1, known),
        };
        self.reloading = Some(Reloading { turn: self.kernel.next_turn(), count, known });
    }
    /// Tells those who wait, once the kernel has the newest configuration or refuses parts of it.
    pub(super) fn answer_reload(&mut self) {
        let Some(Reloading { turn, known, .. }) = &self.reloading else { return };
        let done = self.kernel.is_calm() || *turn <= self.kernel.finished();
        let result = match (self.kernel.unreadable(), self.kernel.observed()) {
            (Some(refusal), None) => Err(format!("noted, but not done yet, tried again: {refusal}")),
            (Some(refusal), Some(_)) if done => Err(format!("not known whether all is done: {refusal}")),
            (None, Some(_)) if done && !self.kernel.is_racing() => self.refusals(known),
            (Some(_) | None, Some(_)) | (None, None) => return,
        };
        self.tell_reloaded(&result);
    }
    /// Nothing will come of those that wait.
    pub(super) fn refuse_reload(&mut self, why: &str) {
        self.tell_reloaded(&Err(format!("not known whether the kernel did it all: {why}")));
    }
    fn tell_reloaded(&mut self, result: &Result<String, String>) {
        let count = self.reloading.take().map_or(0, |reloading| reloading.count);
        self.actions.extend((0..count).map(|_| Action::Reloaded(result.clone())));
    }
    /// What is refused as before, as a note; errors: what is refused since.
    fn refusals(&self, known: &[(Target, String)]) -> Result<String, String> {
        let is_known = |(target, why): &(&Target, &str)| known.iter().any(|(k, w)| k == *target && w == why);
        let (old, new): (Vec<_>, Vec<_>) = self.kernel.refusals().partition(is_known);
        match (new.len(), old.len()) {
            (0, 0) => Ok(String::new()),
            (0, n) => Ok(format!("the kernel still refuses {n} of what was there before: {}", told(&old))),
            (n, _) if n > TOLD => {
                Err(format!("the kernel refused {n} operations, tried again every 30 s: {}; …", told(&new)))
            }
            _ => Err(format!("the kernel refused, tried again every 30 s: {}", told(&new))),
        }
    }
}

/// The first of them.
fn told(refused: &[(&Target, &str)]) -> String {
    refused.iter().take(TOLD).map(|(_, why)| *why).collect::<Vec<_>>().join("; ")
}

//! What is said of a reload: before it, whether it can be; after it, what the kernel made of it.

use super::Action;
use super::core::Balance;
use crate::engine::model::Configuration;
use std::collections::HashSet;

/// How many refusals are told in full.
const TOLD: usize = 3;

/// Reloads that wait for the kernel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reloading {
    /// The plan that holds the newest.
    turn: u64,
    /// How many wait: each is told.
    count: usize,
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

impl Balance {
    /// Whoever asked is told when the next plan ended.
    pub(super) fn await_reload(&mut self) {
        let count = self.reloading.map_or(1, |reloading| reloading.count + 1);
        self.reloading = Some(Reloading { turn: self.kernel.next_turn(), count });
    }
    /// Tells those who wait, once the kernel has the newest configuration or refuses parts of it.
    pub(super) fn answer_reload(&mut self) {
        let Some(Reloading { turn, .. }) = self.reloading else { return };
        let done = self.kernel.is_calm() || turn <= self.kernel.finished();
        let result = match (self.kernel.unreadable(), self.kernel.observed()) {
            (Some(refusal), None) => Err(format!("noted, but not done yet, tried again: {refusal}")),
            (Some(refusal), Some(_)) if done => Err(format!("not known whether all is done: {refusal}")),
            (None, Some(_)) if done && !self.kernel.is_racing() => self.refusals(),
            (Some(_) | None, Some(_)) | (None, None) => return,
        };
        self.tell_reloaded(&result);
    }
    /// Nothing will come of those that wait.
    pub(super) fn refuse_reload(&mut self, why: &str) {
        self.tell_reloaded(&Err(format!("not known whether the kernel did it all: {why}")));
    }
    fn tell_reloaded(&mut self, result: &Result<(), String>) {
        let count = self.reloading.take().map_or(0, |reloading| reloading.count);
        self.actions.extend((0..count).map(|_| Action::Reloaded(result.clone())));
    }
    fn refusals(&self) -> Result<(), String> {
        let all: Vec<&str> = self.kernel.refusals().collect();
        let told = all.iter().take(TOLD).copied().collect::<Vec<_>>().join("; ");
        match all.len() {
            0 => Ok(()),
            n if n > TOLD => Err(format!("the kernel refused {n} operations, tried again every 30 s: {told}; …")),
            _ => Err(format!("the kernel refused, tried again every 30 s: {told}")),
        }
    }
}

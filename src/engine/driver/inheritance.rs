//! What an engine starts on: what an earlier run wrote down, or what a keepalived has made that it takes the place of.

use super::adopt::{self, Frozen};
use crate::engine::balance::OwnedService;
use crate::engine::failover::Past;
use crate::engine::io::state::{StateDir, StateError};
use crate::engine::ipvs::IpvsTable;
use crate::engine::model::Configuration;
use std::io;

/// What is in the kernel already and belongs to this engine.
#[derive(Debug, Default)]
pub struct Inheritance {
    /// Addresses, and masterships to go on with.
    pub(super) past: Past,
    /// Services with their destinations.
    pub(super) services: Vec<OwnedService>,
    /// What could not be read, for the journal.
    pub(super) damaged: Vec<String>,
}

impl Inheritance {
    /// What an earlier run left. A note of mastership is good for one start, and is gone after this.
    pub fn of(state: &StateDir) -> Self {
        let mut damaged = Vec::new();
        let owned = state.addresses().unwrap_or_else(|error| note(&mut damaged, &error));
        let services = state.services().unwrap_or_else(|error| note(&mut damaged, &error));
        let masterships = state.take_masterships().unwrap_or_else(|error| note(&mut damaged, &error));
        Self { past: Past { owned, masterships }, services, damaged }
    }

    /// What a frozen keepalived has made, by what is on this host and in the kernel's table, with what an earlier run left.
    /// Errors: this host's addresses can't be listed.
    pub fn of_keepalived(
        frozen: &Frozen,
        configuration: &Configuration,
        table: &IpvsTable,
        state: &StateDir,
    ) -> io::Result<Self> {
        let Self { past: before, services: left, damaged } = Self::of(state);
        let (mut past, mut services) = (frozen.past(configuration)?, adopt::services(configuration, table));
        past.owned.extend(before.owned.into_iter().filter(|owned| !past.owned.contains(owned)).collect::<Vec<_>>());
        services.extend(left.into_iter().filter(|l| !services.iter().any(|s| s.key == l.key)).collect::<Vec<_>>());
        Ok(Self { past, services, damaged })
    }
}

impl Inheritance {
    /// Writes down that all of this is ours: what is taken over is in no file yet, and a crash must not forget it.
    pub fn write_down(&self, state: &StateDir) -> Result<(), StateError> {
        state.save_addresses(self.past.owned.clone())?;
        state.save_services(self.services.clone())
    }
}

fn note<T>(damaged: &mut Vec<String>, error: &impl ToString) -> Vec<T> {
    damaged.push(error.to_string());
    Vec::new()
}

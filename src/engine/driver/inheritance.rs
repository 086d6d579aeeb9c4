//! What an engine starts on: what an earlier run wrote down, or what a keepalived has made that it takes the place of.

use super::adopt::{self, Frozen};
use super::source::Source;
use crate::engine::balance::{OwnedService, Presence, ServiceOverrides};
use crate::engine::failover::Past;
use crate::engine::io::overrides::{Overrides, OverridesFile};
use crate::engine::io::state::{StateDir, StateError};
use crate::engine::ipvs::IpvsTable;
use crate::engine::model::Configuration;
use crate::engine::snapshot::Warning;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is in the kernel already and belongs to this engine, and what operators wanted beside the file.
#[derive(Debug)]
pub struct Inheritance {
    /// Addresses, and masterships to go on with.
    pub(super) past: Past,
    /// Services with their destinations.
    pub(super) services: Vec<OwnedService>,
    /// Drains, weights, additions, removals and holds.
    pub(super) overrides: Overrides,
    /// Where those are written.
    pub(super) file: OverridesFile,
    /// It is not known which services are in the kernel.
    unsure: bool,
    /// What could not be read, for the journal.
    pub(super) damaged: Vec<String>,
    /// The same, as long as this engine runs.
    pub(super) warnings: Vec<Warning>,
}

impl Inheritance {
    /// What an earlier run left in the state directory, and in the one that lasts. A note of mastership is good for one
    /// start, and is gone after this.
    pub fn of(state: &StateDir, lasting: &Path) -> Self {
        let mut damaged = Vec::new();
        let owned = state.addresses().unwrap_or_else(|error| note(&mut damaged, &error));
        let links = state.links().unwrap_or_else(|error| note(&mut damaged, &error));
        let services = state.services();
        let unsure = services.is_err();
        let services = services.unwrap_or_else(|error| note(&mut damaged, &error));
        let masterships = state.take_masterships().unwrap_or_else(|error| note(&mut damaged, &error));
        let (file, overrides, trouble) = OverridesFile::open(lasting);
        // One a second at most is sent, so that what an earlier run has sent is below; past 2106 it stays where it is.
        let sequence = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let sequence = u32::try_from(sequence).unwrap_or(u32::MAX / 2);
        let past = Past { owned, links, masterships, sequence, ..Past::default() };
        let mut this = Self { past, services, overrides, file, unsure, damaged, warnings: Vec::new() };
        if let Some(trouble) = trouble {
            this.warn("overrides-not-read", trouble.to_string());
        }
        this
    }

    /// The same with what a frozen keepalived has made, by what is on this host and in the kernel's table; masterships are
    /// that one's, and operators wanted nothing of it by lvsdeck. Errors: this host's addresses can't be listed.
    pub fn replaced(mut self, frozen: &Frozen, configuration: &Configuration, table: &IpvsTable) -> io::Result<Self> {
        let (mut past, mut services) = (frozen.past(configuration)?, adopt::services(configuration, table));
        let known: Vec<_> = self.past.owned.into_iter().filter(|owned| !past.owned.contains(owned)).collect();
        past.owned.extend(known);
        (past.links, past.sequence) = (self.past.links, self.past.sequence);
        let known: Vec<_> =
            self.services.into_iter().filter(|left| !services.iter().any(|s| s.key == left.key)).collect();
        services.extend(known);
        (self.past, self.services) = (past, services);
        let met = std::mem::take(&mut self.overrides.met);
        if std::mem::take(&mut self.overrides) != Overrides::default() {
            let aside = self.file.give_up();
            self.warn(
                "overrides-not-used",
                format!("what operators wanted before keepalived ran does not apply{aside}"),
            );
        }
        self.overrides.met = met;
        Ok(self)
    }

    /// Whether a service is in the kernel's table, or may be, although the file may have none.
    pub fn has_services(&self) -> bool {
        self.unsure || !self.services.is_empty()
    }

    /// Whether an operator wants a service that the file may not have.
    pub fn adds_services(&self, source: &Source) -> bool {
        let added = |wish: &ServiceOverrides| matches!(wish.presence, Presence::Added(_));
        self.followed(source).services.iter().any(added)
    }

    /// Why the kernel is asked for services although none is wanted.
    pub fn cause(&self) -> Option<String> {
        let left = || format!("{} services that an earlier engine made are written down", self.services.len());
        self.damaged.first().cloned().or_else(|| self.has_services().then(left))
    }

    /// Forgets the services that an earlier engine left, of which this kernel can have none: what was written down is set
    /// aside. Says so.
    pub fn set_services_aside(&mut self, state: &StateDir) -> String {
        let cause = self.cause().unwrap_or_default();
        (self.services, self.unsure) = (Vec::new(), false);
        let done = match state.set_services_aside() {
            Ok(Some(aside)) => format!("set aside as {}", aside.display()),
            Ok(None) => "nothing is left of it".to_owned(),
            Err(error) => error.to_string(),
        };
        format!("{cause}; this kernel has no ip_vs, so that none of them can be there: {done}")
    }

    /// What operators wanted of the half that does not run now stays as it is on disk, and is not followed.
    pub fn followed(&self, source: &Source) -> Overrides {
        Overrides {
            services: if source.vrrp_only { Vec::new() } else { self.overrides.services.clone() },
            instances: if source.ipvs_only { Vec::new() } else { self.overrides.instances.clone() },
            met: self.overrides.met.clone(),
        }
    }

    /// Writes down that all of this is ours: what is taken over is in no file yet, and a crash must not forget it.
    pub fn write_down(&self, state: &StateDir) -> Result<(), StateError> {
        state.save_addresses(self.past.owned.clone())?;
        state.save_services(self.services.clone())
    }

    fn warn(&mut self, code: &str, message: String) {
        let next =
            "drains, weights, added and removed servers and holds of before are not in force: look at that file, \
                    compare it with `lvsdeck ctl diff`, and give the commands again"
                .to_owned();
        self.damaged.push(format!("{message}: {next}"));
        self.warnings.push(Warning { code: code.to_owned(), subject: "overrides".to_owned(), message, next });
    }
}

fn note<T>(damaged: &mut Vec<String>, error: &impl ToString) -> Vec<T> {
    damaged.push(error.to_string());
    Vec::new()
}

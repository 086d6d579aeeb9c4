//! Which other routers were ever heard as master, by instance: a list that outlasts the engine and the host's boots, for who is
//! backup is silent and yet there. A planned hand-over goes by it (`haste`).

use super::Action;
use super::core::Failover;
use super::router::Router;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// No more are remembered: two are enough to know that it is no pair, and forged ones shall not fill a disk.
const REMEMBERED: usize = 8;

/// The other routers of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Met {
    /// Its name.
    pub instance: String,
    /// Their addresses.
    pub routers: BTreeSet<IpAddr>,
}

impl Router {
    /// Remembers a router that was heard as master; true when it is new.
    pub(super) fn meets(&mut self, address: IpAddr) -> bool {
        self.met.len() < REMEMBERED && self.met.insert(address)
    }
}

impl Failover {
    /// Gives the list out, if it grew or an instance of it is gone.
    pub(super) fn give_met_out(&mut self) {
        if std::mem::take(&mut self.met_touched) {
            let of = |router: &Router| {
                let (instance, routers) = (router.config.name.clone(), router.met.clone());
                (!routers.is_empty()).then_some(Met { instance, routers })
            };
            let met = self.routers.iter().filter_map(of).collect();
            self.push(Action::Met(met));
        }
    }

    /// Takes over what was heard before, by name.
    pub(super) fn take_met_over(&mut self, met: Vec<Met>) {
        for Met { instance, routers } in met {
            match self.routers.iter_mut().find(|router| router.config.name == instance) {
                Some(router) => router.met = routers,
                None => self.met_touched = true,
            }
        }
    }
}

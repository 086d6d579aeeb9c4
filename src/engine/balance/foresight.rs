//! What a reload would do to services, told before it does: by doing it to a copy.

use super::Action;
use super::Input;
use super::core::Balance;
use super::ipvsadm::ipvsadm;
use super::preview::{loses_most, serving};
use super::server::ServerState;
use super::service::ServiceState;
use crate::engine::event::EventKind;
use crate::engine::model::Configuration;
use std::sync::Arc;
use std::time::Instant;

/// What a reload would do to services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Foresight {
    /// What changes in the kernel's table, in ipvsadm's words. Empty while operations are on their way to the kernel: what is
    /// left to do follows from how they end.
    pub ipvsadm: Vec<String>,
    /// Services that go, and servers that go from services which stay.
    pub leaving: Vec<Leaving>,
    /// What operators want beside the file and what ends with its object.
    pub ended: Vec<String>,
    /// What operators want beside the file and the file meets: it stays, and is another thing from then on.
    pub overtaken: Vec<Overtaking>,
    /// How many services and servers that are new in the file are there already, since operators added them.
    pub there: usize,
    /// Somebody is served by what goes, or most of a service goes.
    pub is_felt: bool,
}

/// A service or a server that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// What, without anything that changes by itself.
    pub what: String,
    /// Its active connections.
    pub active: u32,
}

/// What an operator wants of an object, and what the file makes of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Overtaking {
    /// The service, or a server of it.
    pub what: String,
    /// How it is: `added, dr weight 5`.
    pub was: String,
    /// How it would be: `dr weight 1, as the file says`.
    pub is: String,
}

impl Balance {
    /// What a reload of this would do; nothing is changed.
    pub fn foresee(&self, now: Instant, configuration: Arc<Configuration>) -> Foresight {
        let mut then = self.clone();
        then.actions.clear();
        then.handle(now, Input::Reload(configuration));
        let mut foresight = Foresight::default();
        while let Some(action) = then.poll_action() {
            if let Action::Apply(ops) = action {
                foresight.ipvsadm.extend(ops.iter().map(ipvsadm));
            } else if let Action::Report(fact) = action {
                let (what, was, is) = (fact.subject, fact.from.unwrap_or_default(), fact.to.unwrap_or_default());
                if fact.kind == EventKind::Override {
                    foresight.overtaken.push(Overtaking { what, was, is });
                } else if fact.kind == EventKind::ServerAdmin {
                    foresight.ended.push(format!("{what} ({was})"));
                }
            }
        }
        for old in &self.services {
            let key = old.config.key;
            let new = then.by_key.get(&key).and_then(|at| then.services.get(*at));
            foresight.there += new.map_or(0, |new| came_from_operators(old, new));
            let gone =
                old.servers.iter().filter(|server| new.is_none_or(|new| new.server(&server.config.key).is_none()));
            let gone: Vec<Leaving> = gone
                .map(|server| Leaving {
                    what: format!("{} of {key}", server.config.key),
                    active: self.seen(&key, &server.config.key).map_or(0, |seen| seen.active),
                })
                .collect();
            foresight.is_felt |= gone.iter().any(|gone| gone.active > 0) || loses_most(old, new);
            if new.is_none() {
                let what = match old.servers.len() {
                    1 => format!("{key} with 1 real server"),
                    several => format!("{key} with {several} real servers"),
                };
                foresight.leaving.push(Leaving { what, active: gone.iter().map(|gone| gone.active).sum() });
            } else {
                foresight.leaving.extend(gone);
            }
            if let Some(new) = new.filter(|new| serving(Some(old)) > 0 && serving(Some(new)) == 0) {
                let servers = new.servers.iter().filter_map(|server| self.seen(&key, &server.config.key));
                let active = servers.map(|seen| seen.active).sum();
                foresight.leaving.push(Leaving { what: format!("the last server of {key} that serves"), active });
            }
        }
        foresight
    }
}

/// How many of them were added by an operator, and are the file's now.
fn came_from_operators(old: &ServiceState, new: &ServiceState) -> usize {
    let is_of_file = |server: &&ServerState| new.server(&server.config.key).is_some_and(|server| !server.added);
    usize::from(old.added && !new.added) + old.servers.iter().filter(|server| server.added).filter(is_of_file).count()
}

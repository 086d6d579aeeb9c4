//! Where everything that is kept stands: real servers under their services, since a name of both for each of them would be the
//! most that one has.

use super::Subject;
use super::kept::Kept;
use crate::engine::model::{RealServerKey, ServiceKey};
use std::collections::{BTreeMap, HashMap};

/// All subjects with what is kept of them.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    servers: HashMap<ServiceKey, BTreeMap<RealServerKey, Kept>>,
    others: HashMap<Subject, Kept>,
}

impl Shelf {
    pub(super) fn get(&self, subject: &Subject) -> Option<&Kept> {
        match subject {
            Subject::Server(service, server) => self.servers.get(service)?.get(server),
            Subject::Total | Subject::Instance(_) | Subject::Service(_) => self.others.get(subject),
        }
    }
    pub(super) fn get_mut(&mut self, subject: &Subject) -> Option<&mut Kept> {
        match subject {
            Subject::Server(service, server) => self.servers.get_mut(service)?.get_mut(server),
            Subject::Total | Subject::Instance(_) | Subject::Service(_) => self.others.get_mut(subject),
        }
    }
    pub(super) fn insert(&mut self, subject: &Subject, kept: Kept) {
        match subject {
            Subject::Server(service, server) => drop(self.servers.entry(*service).or_default().insert(*server, kept)),
            Subject::Total | Subject::Instance(_) | Subject::Service(_) => {
                drop(self.others.insert(subject.clone(), kept));
            }
        }
    }
    pub(super) fn remove(&mut self, subject: &Subject) -> Option<Kept> {
        let Subject::Server(service, server) = subject else { return self.others.remove(subject) };
        let servers = self.servers.get_mut(service)?;
        let kept = servers.remove(server);
        if servers.is_empty() {
            self.servers.remove(service);
        }
        kept
    }

    /// Everything, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Subject, &Kept)> {
        let server = |(service, servers)| {
            let under = move |(server, kept)| (Subject::Server(service, server), kept);
            own_keys(servers).map(under)
        };
        self.others
            .iter()
            .map(|(subject, kept)| (subject.clone(), kept))
            .chain(own_keys(&self.servers).flat_map(server))
    }
    /// The same, to change it.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Kept> {
        self.others.values_mut().chain(self.servers.values_mut().flat_map(BTreeMap::values_mut))
    }
}

/// What a map has, by copies of its keys.
fn own_keys<'m, K: Copy + 'm, V: 'm>(
    map: impl IntoIterator<Item = (&'m K, &'m V)>,
) -> impl Iterator<Item = (K, &'m V)> {
    map.into_iter().map(|(key, value)| (*key, value))
}

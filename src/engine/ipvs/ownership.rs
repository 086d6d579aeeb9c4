//! What lvsdeck made in the kernel's table: the only things that it may remove.

use crate::engine::model::{RealServerKey, ServiceKey};
use std::collections::{BTreeMap, BTreeSet};

/// Services that are lvsdeck's, each with the destinations that it put there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ownership(BTreeMap<ServiceKey, BTreeSet<RealServerKey>>);

impl Ownership {
    /// The service is ours from now on.
    pub fn claim(&mut self, service: ServiceKey) {
        self.0.entry(service).or_default();
    }
    /// The destination is ours from now on, and so is its service.
    pub fn claim_server(&mut self, service: ServiceKey, server: RealServerKey) {
        self.0.entry(service).or_default().insert(server);
    }
    /// The service and its destinations are no longer ours.
    pub fn release(&mut self, service: &ServiceKey) {
        self.0.remove(service);
    }
    /// The destination is no longer ours.
    pub fn release_server(&mut self, service: &ServiceKey, server: &RealServerKey) {
        if let Some(servers) = self.0.get_mut(service) {
            servers.remove(server);
        }
    }
    /// Whether the service is ours.
    pub fn owns(&self, service: &ServiceKey) -> bool {
        self.0.contains_key(service)
    }
    /// Whether the destination is ours.
    pub fn owns_server(&self, service: &ServiceKey, server: &RealServerKey) -> bool {
        self.0.get(service).is_some_and(|servers| servers.contains(server))
    }
    /// Our destinations of a service.
    pub fn servers(&self, service: &ServiceKey) -> impl Iterator<Item = RealServerKey> {
        self.0.get(service).into_iter().flatten().copied()
    }
    /// Everything, in key order.
    pub fn iter(&self) -> impl Iterator<Item = (ServiceKey, &BTreeSet<RealServerKey>)> {
        self.0.iter().map(|(service, servers)| (*service, servers))
    }
}

impl<S: IntoIterator<Item = RealServerKey>> FromIterator<(ServiceKey, S)> for Ownership {
    fn from_iter<T: IntoIterator<Item = (ServiceKey, S)>>(list: T) -> Self {
        Self(list.into_iter().map(|(service, servers)| (service, servers.into_iter().collect())).collect())
    }
}

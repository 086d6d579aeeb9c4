//! What operators wanted beside the file, in words, to be told when it ends with its object.

use super::server::ServerState;
use super::service::ServiceState;
use crate::engine::model::RealServerKey;
use crate::engine::snapshot::Admin;

impl ServiceState {
    /// What operators wanted of the service and its servers, to be told when it ends.
    pub fn overrides(&self) -> Vec<(RealServerKey, String)> {
        let removed = self.removed.iter().filter(|server| !server.added);
        let removed = removed.map(|server| (server.config.key, "removed".to_owned()));
        let servers = self.servers.iter().filter_map(|server| Some((server.config.key, overrides(server)?)));
        servers.chain(removed).collect()
    }
}

/// What an operator wanted of a server.
pub(super) fn overrides(server: &ServerState) -> Option<String> {
    let mut said = Vec::new();
    if server.added {
        said.push("added".to_owned());
    }
    match server.admin.0 {
        Admin::Enabled => {}
        Admin::Draining => said.push("draining".to_owned()),
        Admin::Maintenance => said.push("maintenance".to_owned()),
    }
    if server.has_own_weight() {
        said.push(format!("weight {}", server.weight));
    }
    (!said.is_empty()).then(|| said.join(", "))
}

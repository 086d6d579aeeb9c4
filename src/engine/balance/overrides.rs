//! What operators wanted beside the file: as a list that outlasts the engine, and in words for the event when it ends.
//!
//! Times are of the core's clock ([`Instant`]); on disk they are wall times, hence the parameter `T`.

use super::server::ServerState;
use super::service::ServiceState;
use super::wish::DrainEnd;
use crate::engine::command::Asked;
pub use crate::engine::command::By;
use crate::engine::model::{Forwarding, Persistence, RealServerKey, Scheduler, ServiceKey, Weight};
use crate::engine::snapshot::Admin;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Whether the file has it, or what it was added with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence<A> {
    /// The file has it.
    InFile,
    /// The file does not have it.
    Added(A),
    /// The file has it, and it was taken out.
    Removed,
}

/// All that `add-service` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedService {
    /// Its scheduler.
    pub scheduler: Scheduler,
    /// Forwarding of servers that are added without.
    pub forwarding: Forwarding,
    /// Its persistence.
    pub persistence: Option<Persistence>,
}

/// All that `add-server` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedServer {
    /// The weight that it was added with.
    pub weight: Weight,
    /// Its forwarding.
    pub forwarding: Forwarding,
}

/// Whether a server is to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdminWish<T = Instant> {
    /// As its checks say.
    Enabled,
    /// Weight 0.
    Draining {
        /// Since when.
        since: T,
        /// Until when it may.
        end: DrainEnd<T>,
        /// When it ends by itself.
        return_at: Option<T>,
    },
    /// Weight 0, and not checked.
    Maintenance {
        /// Since when.
        since: T,
        /// Until when it keeps its connections.
        end: DrainEnd<T>,
        /// When it ends by itself.
        return_at: Option<T>,
    },
}

/// What is wanted of a server beside the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerOverride<T = Instant> {
    /// Which.
    pub server: RealServerKey,
    /// In the service or not.
    pub presence: Presence<AddedServer>,
    /// Whether it is to serve.
    pub admin: AdminWish<T>,
    /// Another weight than the file's.
    pub weight: Option<Weight>,
    /// When that ends by itself.
    #[serde(default = "nothing", skip_serializing_if = "Option::is_none")]
    pub weight_until: Option<T>,
    /// The last word on its weight and its presence.
    pub by: Option<By<T>>,
    /// Who drained it or put it into maintenance.
    #[serde(default = "nothing")]
    pub admin_by: Option<By<T>>,
}

const fn nothing<T>() -> Option<T> {
    None
}

/// What is wanted of a service and its servers beside the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceOverrides<T = Instant> {
    /// Which.
    pub service: ServiceKey,
    /// In the table or not.
    pub presence: Presence<AddedService>,
    /// The last word on that.
    pub by: Option<By<T>>,
    /// Servers of which something is wanted.
    pub servers: Vec<ServerOverride<T>>,
}

impl By {
    /// Of a command.
    pub(super) fn of(asked: &Asked, now: Instant) -> Self {
        Self { who: asked.who.to_string(), at: now, why: asked.reason.clone() }
    }
}

impl<T> By<T> {
    fn at<U>(self, time: &impl Fn(T) -> U) -> By<U> {
        By { who: self.who, at: time(self.at), why: self.why }
    }
}

impl<T> AdminWish<T> {
    fn at<U>(self, time: &impl Fn(T) -> U) -> AdminWish<U> {
        match self {
            Self::Enabled => AdminWish::Enabled,
            Self::Draining { since, end, return_at } => {
                AdminWish::Draining { since: time(since), end: end.at(time), return_at: return_at.map(time) }
            }
            Self::Maintenance { since, end, return_at } => {
                AdminWish::Maintenance { since: time(since), end: end.at(time), return_at: return_at.map(time) }
            }
        }
    }
}

impl<T> DrainEnd<T> {
    fn at<U>(self, time: &impl Fn(T) -> U) -> DrainEnd<U> {
        match self {
            Self::Never => DrainEnd::Never,
            Self::At(at) => DrainEnd::At(time(at)),
            Self::Passed => DrainEnd::Passed,
        }
    }
}

impl<T> ServiceOverrides<T> {
    /// The same with times of another clock.
    pub fn at<U>(self, time: &impl Fn(T) -> U) -> ServiceOverrides<U> {
        let server = |server: ServerOverride<T>| ServerOverride {
            server: server.server,
            presence: server.presence,
            admin: server.admin.at(time),
            weight: server.weight,
            weight_until: server.weight_until.map(time),
            by: server.by.map(|by| by.at(time)),
            admin_by: server.admin_by.map(|by| by.at(time)),
        };
        ServiceOverrides {
            service: self.service,
            presence: self.presence,
            by: self.by.map(|by| by.at(time)),
            servers: self.servers.into_iter().map(server).collect(),
        }
    }
}

impl ServerOverride {
    /// What is wanted of a server that is in its service; none where that is what the file says.
    pub(super) fn of(server: &ServerState) -> Option<Self> {
        let added = AddedServer { weight: server.config.weight, forwarding: server.config.forwarding };
        let presence = if server.added { Presence::Added(added) } else { Presence::InFile };
        let wish = Self::with(server, presence);
        let is_wish = server.added || wish.weight.is_some() || wish.admin != AdminWish::Enabled;
        is_wish.then_some(wish)
    }

    fn with(server: &ServerState, presence: Presence<AddedServer>) -> Self {
        let (admin, since) = server.admin;
        let admin = match admin {
            Admin::Enabled => AdminWish::Enabled,
            Admin::Draining => AdminWish::Draining { since, end: server.ends.drain, return_at: server.ends.return_at },
            Admin::Maintenance => {
                AdminWish::Maintenance { since, end: server.ends.drain, return_at: server.ends.return_at }
            }
        };
        Self {
            server: server.config.key,
            presence,
            admin,
            weight: server.own_weight(),
            weight_until: server.weight_ends_at(),
            by: server.by.as_deref().cloned(),
            admin_by: server.ends.by.clone(),
        }
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        let mut said = Vec::new();
        match self.presence {
            Presence::InFile => {}
            Presence::Added(_) => said.push("added".to_owned()),
            Presence::Removed => return "removed".to_owned(),
        }
        match self.admin {
            AdminWish::Enabled => {}
            AdminWish::Draining { .. } => said.push("draining".to_owned()),
            AdminWish::Maintenance { .. } => said.push("maintenance".to_owned()),
        }
        if let Some(weight) = self.weight {
            said.push(format!("weight {weight}"));
        }
        said.join(", ")
    }
}

impl ServiceState {
    /// What operators want of the servers, in their order; those that they took out last.
    pub fn server_overrides(&self) -> impl Iterator<Item = ServerOverride> {
        let removed = self.removed.iter().filter(|server| !server.added);
        let removed = removed.map(|server| ServerOverride::with(server, Presence::Removed));
        self.servers.iter().filter_map(ServerOverride::of).chain(removed)
    }

    /// The same in words, to be told when it ends.
    pub fn overrides(&self) -> Vec<(RealServerKey, String)> {
        self.server_overrides().map(|wish| (wish.server, wish.words())).collect()
    }
}

/// What an operator wanted of a server, in words.
pub(super) fn overrides(server: &ServerState) -> Option<String> {
    ServerOverride::of(server).map(|wish| wish.words())
}

//! What a command changes of services and real servers, and what there was of an operator's wish before.

use crate::engine::model::{RealServerKey, ServiceKey};
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Who wanted it, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct By<T = Instant> {
    /// Who.
    pub who: String,
    /// When.
    pub at: T,
    /// Why, as it was given.
    pub why: Option<String>,
}

/// Somebody's wish that a server is not to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// Since when.
    pub since: Instant,
    /// Until when it keeps its connections.
    pub end: Option<Instant>,
    /// When it ends by itself.
    pub return_at: Option<Instant>,
    /// Whose it is.
    pub by: Option<By>,
}

/// One real server of a service, or a whole service, that a command changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Which service.
    pub service: ServiceKey,
    /// Which of its servers; none: the service itself.
    pub server: Option<RealServerKey>,
    /// What it rests by before the command.
    pub was: Option<Rest>,
}

/// What an undo takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undoes {
    /// Which command, in words: of the journal's reason, and no reason of what it brings back.
    pub what: String,
    /// What that one changed.
    pub changed: Vec<Changed>,
}

impl Undoes {
    /// What the server rested by before.
    pub fn rest_of(&self, service: &ServiceKey, server: &RealServerKey) -> Option<&Rest> {
        let is_it = |one: &&Changed| one.service == *service && one.server.as_ref() == Some(server);
        self.changed.iter().find(is_it)?.was.as_ref()
    }
}

//! What a file does to what operators wanted beside it, where its object stays: what was added is the file's from then on, a weight
//! may be the file's by now, or stands beside another one. In words, for the preview of a reload and for its event.

use super::overrides::{Presence, ServerOverride};
use super::reconcile::subject;
use super::server::ServerState;
use crate::engine::event::{EventKind, Fact, Severity, weight_words};
use crate::engine::model::{RealServerKey, ServiceKey, VirtualServer};
use crate::engine::snapshot::Admin;

/// A wish of an operator's that the file meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Overtaken {
    /// Of which server; none: of the service.
    pub server: Option<RealServerKey>,
    /// How it was: `added, dr weight 5`.
    pub was: String,
    /// How it is from then on: `dr weight 1, as the file says`.
    pub is: String,
}

impl Overtaken {
    /// What is wanted of a server; none where nobody wants anything.
    pub fn wish(server: &ServerState) -> Option<String> {
        ServerOverride::of(server).map(|_| said(server))
    }

    /// A server by the file's new words, of which this was wanted by its old ones; none where nothing of that changes.
    pub fn server(was: String, server: &ServerState) -> Option<Self> {
        let is = said(server);
        (was != is).then(|| Self { server: Some(server.config.key), was, is: settled(server, is) })
    }

    /// A server that is out, or the service, and stays out whatever the file says of it now.
    pub fn removed(server: Option<RealServerKey>) -> Self {
        let verb = if server.is_some() { "add-server" } else { "add-service" };
        Self { server, was: "removed".to_owned(), is: format!("removed until {verb}, whatever the file says") }
    }

    /// A server of the file that this was wanted of before the start; none where the wish goes on.
    pub fn before(wish: &ServerOverride, server: &ServerState) -> Option<Self> {
        let was = match &wish.presence {
            Presence::Added(added) => {
                format!("added, {} weight {}", added.forwarding, wish.weight.unwrap_or(added.weight))
            }
            Presence::InFile if wish.weight.is_some() && !server.has_own_weight() => wish.words(),
            Presence::InFile | Presence::Removed => return None,
        };
        Some(Self { server: Some(server.config.key), was, is: settled(server, said(server)) })
    }

    /// A service that was added, and that the file has now.
    pub fn service(old: &VirtualServer, new: &VirtualServer) -> Self {
        let said = |service: &VirtualServer| {
            let persistence = service.persistence.map_or_else(String::new, |p| format!(", persistent {} s", p.timeout));
            format!("{}{persistence}", service.scheduler)
        };
        Self { server: None, was: format!("added, {}", said(old)), is: format!("{}, as the file says", said(new)) }
    }

    /// What is told once it is so.
    pub fn fact(self, service: ServiceKey) -> Fact {
        let fact = Fact::new(EventKind::Override, Severity::Notice, subject(&(service, self.server)));
        fact.change(self.was, self.is).reason("the file has other words for what an operator set")
    }
}

/// `added, draining, dr weight 5 by an operator in place of 1`.
pub(super) fn said(server: &ServerState) -> String {
    let admin = match server.admin.0 {
        Admin::Enabled => "",
        Admin::Draining => "draining, ",
        Admin::Maintenance => "in maintenance, ",
    };
    let added = if server.added { "added, " } else { "" };
    let weight = weight_words(server.weight.get(), server.config.weight.get());
    format!("{added}{admin}{} {weight}", server.config.forwarding)
}

fn settled(server: &ServerState, said: String) -> String {
    if ServerOverride::of(server).is_some() { said } else { format!("{said}, as the file says") }
}

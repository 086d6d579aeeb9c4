//! Drains whose deadline passes.

use super::core::Balance;
use super::reconcile::subject;
use super::server::ServerState;
use super::wish::DrainEnd;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::snapshot::Admin;
use std::time::Instant;

impl Balance {
    /// The operator's patience is over: out of the table, whatever is left.
    pub(super) fn end_drains(&mut self, now: Instant) {
        while let Some((at, service, key)) = self.drain_ends.first().copied().filter(|(at, ..)| *at <= now) {
            self.drain_ends.remove(&(at, service, key));
            let left = self.seen(&service, &key).map_or(0, |seen| seen.active);
            let Some(position) = self.by_key.get(&service).copied() else { continue };
            let Some(state) = self.services.get_mut(position) else { continue };
            let is_due = |s: &&mut ServerState| s.admin.0 == Admin::Draining && s.drain_end == DrainEnd::At(at);
            let Some(server) = state.server_mut(&key).filter(is_due) else { continue };
            server.drain_end = DrainEnd::Passed;
            self.overrides_touched = true;
            let reason = match left {
                0 => "deadline passed, no connection was left".to_owned(),
                1 => "deadline passed, 1 connection was left".to_owned(),
                _ => format!("deadline passed, {left} connections were left"),
            };
            server.reason.clone_from(&reason);
            let severity = if left > 0 { Severity::Warning } else { Severity::Notice };
            let fact = Fact::new(EventKind::ServerAdmin, severity, subject(&(service, Some(key)))).to("draining");
            self.report(fact.reason(reason));
            self.settle(position, key);
        }
    }
}

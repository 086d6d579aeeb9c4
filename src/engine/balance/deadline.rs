//! Drains, maintenances and weights that end by themselves, and the checks that stop and start with maintenance.

use super::ask::{Step, admin_word, apply};
use super::core::Balance;
use super::overtaken::said;
use super::reconcile::subject;
use super::wish::DrainEnd;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::{RealServerKey, ServiceKey};
use crate::engine::snapshot::Admin;
use std::time::Instant;

impl Balance {
    /// What was to end by now ends.
    pub(super) fn end_by_time(&mut self, now: Instant) {
        while let Some((at, service, key)) = self.deadlines.first().copied().filter(|(at, ..)| *at <= now) {
            self.deadlines.remove(&(at, service, key));
            let Some(position) = self.by_key.get(&service).copied() else { continue };
            let Some(server) = self.services.get(position).and_then(|state| state.server(&key)) else { continue };
            if server.weight_ends_at() == Some(at) {
                self.end_weight(now, position, (service, key));
            }
            let Some(server) = self.services.get(position).and_then(|state| state.server(&key)) else { continue };
            if server.ends.return_at == Some(at) {
                self.come_back(now, position, key);
            } else if server.ends.drain == DrainEnd::At(at) && server.admin.0 != Admin::Enabled {
                self.end_drain(now, position, (service, key));
            }
        }
    }

    /// The operator's patience is over: out of the table, whatever is left.
    fn end_drain(&mut self, now: Instant, position: usize, (service, key): (ServiceKey, RealServerKey)) {
        let left = self.seen(&service, &key).map_or(0, |seen| seen.active);
        let Some(server) = self.services.get_mut(position).and_then(|state| state.server_mut(&key)) else { return };
        server.ends.drain = DrainEnd::Passed;
        self.overrides_touched = true;
        let reason = match left {
            0 => "deadline passed, no connection was left".to_owned(),
            1 => "deadline passed, 1 connection was left".to_owned(),
            _ => format!("deadline passed, {left} connections were left"),
        };
        server.reason = reason.as_str().into();
        let admin = admin_word(server.admin.0);
        let severity = if left > 0 { Severity::Warning } else { Severity::Notice };
        let fact = Fact::new(EventKind::ServerAdmin, severity, subject(&(service, Some(key)))).to(admin);
        self.report(fact.reason(reason));
        self.settle(now, position, key);
    }

    /// The time of an operator's weight is over: the file's again.
    fn end_weight(&mut self, now: Instant, position: usize, (service, key): (ServiceKey, RealServerKey)) {
        let Some(server) = self.services.get_mut(position).and_then(|state| state.server_mut(&key)) else { return };
        let was = said(server);
        server.set_weight(None, None);
        let is = said(server);
        server.reason = "the time of its weight is over".into();
        self.overrides_touched = true;
        let fact = Fact::new(EventKind::Override, Severity::Notice, subject(&(service, Some(key))));
        self.report(fact.change(was, is).reason("its time is over"));
        self.settle(now, position, key);
    }

    /// The time of a drain or a maintenance is over.
    fn come_back(&mut self, now: Instant, position: usize, key: RealServerKey) {
        let Some(service) = self.services.get_mut(position) else { return };
        let name = service.config.key;
        let was = service.server(&key).map_or(Admin::Maintenance, |server| server.admin.0);
        let touched = apply(service, key, &Step::Restore, Box::default(), now);
        if let Some(server) = service.server_mut(&key) {
            let what = if was == Admin::Draining { "drain" } else { "maintenance" };
            server.reason = format!("the time of its {what} is over").into();
        }
        self.overrides_touched = true;
        self.start_or_stop_checks(now, position, key);
        let fact = Fact::new(EventKind::ServerAdmin, Severity::Notice, subject(&(name, Some(key))));
        self.report(fact.change(admin_word(was), "enabled").reason("its time is over"));
        self.want(position, touched);
    }

    /// In maintenance a server is not checked; after it, its checks run at once.
    pub(super) fn start_or_stop_checks(&mut self, now: Instant, position: usize, key: RealServerKey) {
        let Some(service) = self.services.get_mut(position) else { return };
        let name = service.config.key;
        let Some(server) = service.server_mut(&key) else { return };
        match (server.specs().is_empty(), server.checks.is_empty()) {
            (true, _) => {
                for id in std::mem::take(&mut server.checks) {
                    self.checks.disarm(id, (name, key), &mut self.actions);
                }
            }
            (false, true) => {
                server.checks = self.checks.arm_at_once((name, key), server.specs(), now);
                self.checks.trust(server);
                self.listen_to_checks(now, position, key);
                self.settle(now, position, key);
            }
            (false, false) => {}
        }
    }
}

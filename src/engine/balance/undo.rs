//! The command that takes another one back: exactly to what was before, or none.

use super::ask::{Change, Step};
use super::core::Balance;
use super::server::ServerState;
use super::wish::DrainEnd;
use crate::engine::command::{Changed, Command, RealServerSelector, ServiceSelector};
use crate::engine::snapshot::Admin;
use std::time::Instant;

impl Balance {
    /// The inverse of a command, where one command is enough.
    pub(super) fn undo(&self, now: Instant, command: &Command, changes: &[Change]) -> Option<Command> {
        match (changes, command) {
            ([only], _) => self.undo_one(now, only),
            (_, Command::Several { .. }) => {
                let commands = changes.iter().map(|change| self.undo_one(now, change)).collect::<Option<_>>()?;
                Some(Command::Several { commands })
            }
            (_, Command::Drain { server, service, .. } | Command::Maintenance { server, service, .. }) => {
                let was_enabled = |state: &ServerState| state.admin.0 == Admin::Enabled;
                let all = self.is_all(*server, service.as_ref(), changes, was_enabled);
                all.then(|| Command::Restore { server: *server, service: service.clone() })
            }
            (_, Command::Restore { server, service }) => {
                let drained = |state: &ServerState| {
                    (state.admin.0, state.ends.drain, state.ends.return_at) == (Admin::Draining, DrainEnd::Never, None)
                };
                let all = self.is_all(*server, service.as_ref(), changes, drained);
                all.then(|| Command::Drain {
                    server: *server,
                    service: service.clone(),
                    hold_seconds: None,
                    deadline_seconds: None,
                })
            }
            _ => None,
        }
    }

    /// Why what a single change ends was wanted.
    pub(super) fn undo_reason(&self, changes: &[Change]) -> Option<String> {
        let [Change { service, server, step }] = changes else { return None };
        let old = self.services.get(*service)?.server(server)?;
        let of_weight = old.by.as_deref().filter(|_| old.has_own_weight());
        let by = match step {
            Step::Weigh(..) => of_weight,
            _ => old.ends.by.as_ref().filter(|_| old.admin.0 != Admin::Enabled).or(of_weight),
        };
        by?.why.clone()
    }

    /// What a change is about, and what the server rests by now.
    pub(super) fn changed(&self, change: &Change) -> Option<Changed> {
        let service = self.services.get(change.service)?;
        let was = service.server(&change.server).and_then(ServerState::rest);
        Some(Changed { service: service.config.key, server: Some(change.server), was })
    }

    /// Whether the selector means exactly the servers that change, and all of them were so.
    fn is_all(
        &self,
        selector: RealServerSelector,
        service: Option<&ServiceSelector>,
        changes: &[Change],
        was: impl Fn(&ServerState) -> bool,
    ) -> bool {
        let only = service.and_then(|service| self.service(service).ok());
        let services = self.services.iter().enumerate().filter(|(at, _)| only.is_none_or(|only| only == *at));
        let meant = services.flat_map(|(_, s)| &s.servers).filter(|s| selector.matches(&s.config.key)).count();
        let state = |change: &Change| self.services.get(change.service)?.server(&change.server);
        meant == changes.len() && changes.iter().all(|change| state(change).is_some_and(&was))
    }

    fn undo_one(&self, now: Instant, change: &Change) -> Option<Command> {
        let state = self.services.get(change.service)?;
        let service: ServiceSelector = state.config.key.into();
        let old = state.server(&change.server);
        let server = RealServerSelector::Key(change.server);
        Some(match &change.step {
            Step::Drain(..) | Step::Maintain(..) | Step::Restore => match old?.admin.0 {
                Admin::Enabled => Command::Restore { server, service: Some(service) },
                // Without a word, drain changes nothing of who drains.
                Admin::Draining
                    if matches!(change.step, Step::Drain(..))
                        && (old?.ends.drain, old?.ends.return_at) == (DrainEnd::Never, None) =>
                {
                    return None;
                }
                Admin::Draining => Command::Drain {
                    server,
                    service: Some(service),
                    hold_seconds: old?.ends.return_at.and_then(|at| left(now, DrainEnd::At(at))),
                    deadline_seconds: left(now, old?.ends.drain),
                },
                Admin::Maintenance => Command::Maintenance {
                    server,
                    service: Some(service),
                    hold_seconds: old?.ends.return_at.and_then(|at| left(now, DrainEnd::At(at))),
                    deadline_seconds: left(now, old?.ends.drain),
                },
            },
            // A slow start that ended early does not begin again.
            Step::Weigh(weight, until)
                if old.is_some_and(|old| (old.own_weight(), old.weight_ends_at()) == (*weight, *until)) =>
            {
                return None;
            }
            // The file's weight, whatever that is by then.
            Step::Weigh(..) if old.is_some_and(|old| !old.has_own_weight() && old.admin.0 == Admin::Enabled) => {
                Command::Restore { server, service: Some(service) }
            }
            // To a check's weight nothing leads back while it does not serve.
            Step::Weigh(..) if old.is_some_and(|old| !old.has_own_weight() && old.is_weighed()) => return None,
            Step::Weigh(..) => Command::Weight {
                service,
                server: change.server,
                weight: old?.weight,
                hold_seconds: old?.weight_ends_at().and_then(|at| left(now, DrainEnd::At(at))),
            },
            // What somebody else put there can't be given back.
            Step::Add(_) if self.kernel.is_strange((&state.config.key, &change.server)) => return None,
            Step::Add(_) => Command::RemoveServer { service, server: change.server },
            // Without any word it comes back as it was.
            Step::Remove => Command::AddServer { service, server: change.server, weight: None, forward: None },
        })
    }
}

/// Seconds until a drain ends, rounded up.
fn left(now: Instant, end: DrainEnd) -> Option<u64> {
    match end {
        DrainEnd::Never => None,
        DrainEnd::At(end) => {
            Some(end.saturating_duration_since(now).as_millis().div_ceil(1_000).try_into().unwrap_or(0))
        }
        DrainEnd::Passed => Some(0),
    }
}

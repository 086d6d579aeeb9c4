//! What the kernel refused: said once, held back at a calm pace, forgotten when it is not wanted any more.

use super::super::Action;
use super::words::{report, subject};
use super::{CALM, LOOK_AGAIN, Reconciler, Target, target};
use crate::engine::event::{EventKind, Severity};
use crate::engine::ipvs::{IpvsOp, Refusal, RefusalKind};
use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

/// An operation that the kernel refused.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub op: IpvsOp,
    pub refusal: Refusal,
    pub retry_at: Instant,
    /// The picture was old (somebody else changed the table): not worth a word the first time.
    pub excused: bool,
}

impl Reconciler {
    /// The kernel's IPVS can't be spoken to: said once.
    pub(super) fn lost(&mut self, refusal: Refusal, actions: &mut VecDeque<Action>) {
        if is_absence(refusal.kind) {
            (self.observed, self.synced, self.inspect) = (None, false, true);
            self.drift.clear();
            self.foreign.clear();
        }
        if self.unreadable.as_ref().map(|known| known.kind) != Some(refusal.kind) {
            actions.push_back(report(EventKind::OperationRefused, Severity::Error, "ipvs", &refusal.message));
            self.unreadable = Some(refusal);
        }
    }

    pub(super) fn refused(&mut self, now: Instant, op: IpvsOp, refusal: Refusal, actions: &mut VecDeque<Action>) {
        if is_absence(refusal.kind) {
            self.observe_at = self.observe_at.map(|_| now + LOOK_AGAIN);
            return self.lost(refusal, actions);
        }
        let (service, server) = target(&op);
        let follows = refusal.kind == RefusalKind::Missing && self.refused.contains_key(&(service, None));
        if server.is_some() && follows {
            return;
        }
        let known = self.refused.get(&(service, server)).filter(|known| known.op == op);
        let is_race = matches!(refusal.kind, RefusalKind::Exists | RefusalKind::Missing | RefusalKind::TimedOut);
        let excused = is_race && known.is_none();
        let is_news = known.is_none_or(|known| known.excused || known.refusal.kind != refusal.kind);
        if excused {
            self.observe_at = self.observe_at.map(|at| at.min(now));
        } else if is_news {
            let subject = subject(&(service, server));
            actions.push_back(report(EventKind::OperationRefused, Severity::Error, &subject, &refusal.message));
        }
        let retry_at = if excused { now } else { now + CALM };
        self.refused.insert((service, server), Refused { op, refusal, retry_at, excused });
    }

    /// A refused operation within the plan's `scope` that is not wanted any more is no news any more.
    pub(super) fn forget_refusals(&mut self, ops: &[IpvsOp], scope: impl Fn(&Target) -> bool) {
        if !self.refused.is_empty() {
            let planned: BTreeSet<Target> = ops.iter().map(target).collect();
            self.refused.retain(|target, _| !scope(target) || planned.contains(target));
        }
    }

    pub(super) fn is_held_back(&self, now: Instant, op: &IpvsOp) -> bool {
        let (service, server) = target(op);
        let held = |target: Target| self.refused.get(&target).filter(|refused| now < refused.retry_at);
        held((service, server)).is_some_and(|refused| refused.op == *op)
            || (server.is_some()
                && held((service, None)).is_some_and(|refused| matches!(refused.op, IpvsOp::NewService(..))))
    }
}

const fn is_absence(kind: RefusalKind) -> bool {
    matches!(kind, RefusalKind::NoIpvs | RefusalKind::NotPermitted)
}

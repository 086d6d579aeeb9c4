//! What becomes of others' changes in our services (`ipvs.drift` of lvsdeck.toml).
//!
//! A change of somebody else is told apart from work of our own that is not done yet by time: what a comparison finds
//! different although all plans had ended and nothing else was wished is somebody else's doing. Under `report` it is left alone
//! until the object is wished otherwise, which makes it ours again, or a reload brings everything back.

use super::{Reconciler, Target, target};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::ipvs::{Difference, IpvsOp, RefusalKind};
use crate::engine::model::{DriftPolicy, Settings};
use crate::engine::snapshot::Drift;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

impl Reconciler {
    /// Goes by these settings from now on.
    pub fn follow(&mut self, settings: &Settings) {
        self.inspect |= self.policy != settings.drift;
        self.policy = settings.drift;
        self.look_interval = settings.look_interval;
    }

    /// Until the next look: a large table takes its time to read, and looking is not to be all that is done.
    pub(super) fn pause(&mut self, now: Instant) -> Duration {
        let took = self.asked_at.take().map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.look_interval.max((took * REST).min(LONGEST_REST))
    }

    /// What was left alone is brought back with the next plan.
    pub fn bring_back(&mut self) {
        if !self.left_alone.is_empty() {
            self.left_alone.clear();
            (self.synced, self.inspect) = (false, true);
        }
    }

    /// Whether somebody else's change of it is left alone: the object's own, or that its service is another or gone.
    pub(super) fn is_left_alone(&self, (service, server): &Target) -> bool {
        !self.left_alone.is_empty()
            && (self.left_alone.contains(&(*service, *server))
                || (server.is_some() && self.is_gone_and_left_alone(*service)))
    }

    fn is_gone_and_left_alone(&self, service: crate::engine::model::ServiceKey) -> bool {
        self.left_alone.contains(&(service, None))
            && self.observed.as_ref().is_some_and(|table| !table.services.contains_key(&service))
    }

    /// Keeps in mind what is left alone of what was `found`: what is new, when the picture is complete, and what was left alone before
    /// and is different still.
    pub(super) fn leave_alone(&mut self, found: &[Difference], synced: bool) {
        let before = std::mem::take(&mut self.left_alone);
        if self.policy != DriftPolicy::Report {
            return;
        }
        let is_ours = |target: &Target| {
            self.is_dirty(target) || self.refused.get(target).is_some_and(|r| r.refusal.kind != RefusalKind::TimedOut)
        };
        let differing = found.iter().filter(|difference| difference.repairable);
        let targets = differing.map(|difference| (difference.service, difference.server));
        self.left_alone = targets.filter(|target| before.contains(target) || (synced && !is_ours(target))).collect();
    }

    /// Removals of what strangers added to our services, where the policy asks for them.
    pub(super) fn expel(&self, found: &[Difference]) -> Vec<IpvsOp> {
        if self.policy != DriftPolicy::Enforce {
            return Vec::new();
        }
        let strange = found.iter().filter(|difference| !difference.repairable);
        strange.filter_map(|d| d.server.map(|server| IpvsOp::DelDestination(d.service, server))).collect()
    }

    /// A difference, with what becomes of it.
    pub(super) fn shown(&self, difference: Difference) -> Drift {
        let target = (difference.service, difference.server);
        let act = match (difference.repairable, self.policy) {
            (true, DriftPolicy::Repair | DriftPolicy::Enforce) => Some("repaired"),
            (false, DriftPolicy::Enforce) => Some("removed"),
            (true | false, DriftPolicy::Report) | (false, DriftPolicy::Repair) => None,
        };
        let action = match (act, self.refusal(&target)) {
            (Some(_), Some(refusal)) => format!("refused: {refusal}"),
            (Some(act), None) => act.to_owned(),
            (None, _) => REPORTED.to_owned(),
        };
        Drift { subject: difference.subject(), wanted: difference.wanted, found: difference.found, action }
    }

    /// The operations that are done, of those that would make everything as it is wanted.
    pub(super) fn permitted(&self, ops: &mut Vec<IpvsOp>) {
        if !self.left_alone.is_empty() {
            ops.retain(|op| !self.is_left_alone(&target(op)));
        }
    }
}

/// After a look the kernel's table is left alone for so many times as long as the look took,
const REST: u32 = 4;
/// but not for longer than this because of it.
const LONGEST_REST: Duration = Duration::from_secs(10);
/// What becomes of drift that nobody repairs.
const REPORTED: &str = "reported";

/// Drift that was only reported and is there no more.
pub(super) fn is_over(before: &[Drift], now: &[Drift]) -> Vec<Fact> {
    let lasting: BTreeSet<&str> = now.iter().map(|drift| drift.subject.as_str()).collect();
    let over = before.iter().filter(|drift| drift.action == REPORTED && !lasting.contains(drift.subject.as_str()));
    let fact = |drift: &Drift| {
        Fact::new(EventKind::Drift, Severity::Notice, &drift.subject).change(&drift.found, "as wanted").reason("over")
    };
    over.map(fact).collect()
}

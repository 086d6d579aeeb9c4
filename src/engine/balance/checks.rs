//! All checks by number, and which is due next.

use super::check::Check;
use super::{Action, CheckId};
use crate::engine::health::{Checker, Standing, first_due};
use crate::engine::model::{CheckSpec, RealServerKey, ServiceKey};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

/// Every check of every server.
#[derive(Debug, Default)]
pub(super) struct Checks {
    by_id: BTreeMap<CheckId, Check>,
    /// Those that wait, by deadline; exactly one entry for each.
    due: BTreeSet<(Instant, CheckId)>,
    last_id: u64,
}

impl Checks {
    /// Numbers the checks of a server; the first runs are spread over the warmup from `now`.
    pub fn arm(
        &mut self,
        service: ServiceKey,
        server: RealServerKey,
        specs: &[CheckSpec],
        now: Instant,
    ) -> Vec<CheckId> {
        specs.iter().map(|spec| self.arm_one((service, server), spec, (Standing::Unknown, now), None)).collect()
    }
    /// The same without the warmup.
    pub fn arm_at_once(
        &mut self,
        service: ServiceKey,
        server: RealServerKey,
        specs: &[CheckSpec],
        now: Instant,
    ) -> Vec<CheckId> {
        specs.iter().map(|spec| self.arm_one((service, server), spec, (Standing::Unknown, now), Some(now))).collect()
    }
    /// Numbers the checks that a server has now, in place of its `old` ones: equal ones go on, the others begin anew as if
    /// they had said `standing`.
    pub fn rearm(
        &mut self,
        whose: (ServiceKey, RealServerKey),
        old: &[CheckId],
        specs: &[CheckSpec],
        standing: Standing,
        now: Instant,
        actions: &mut VecDeque<Action>,
    ) -> Vec<CheckId> {
        let mut old = old.to_vec();
        let mut ids = Vec::with_capacity(specs.len());
        for spec in specs {
            let same = old.iter().position(|id| self.by_id.get(id).is_some_and(|check| check.spec == *spec));
            ids.push(match same {
                Some(at) => old.remove(at),
                None => self.arm_one(whose, spec, (standing, now), None),
            });
        }
        for id in old {
            self.disarm(id, actions);
        }
        ids
    }
    fn arm_one(
        &mut self,
        (service, server): (ServiceKey, RealServerKey),
        spec: &CheckSpec,
        (standing, now): (Standing, Instant),
        first_at: Option<Instant>,
    ) -> CheckId {
        self.last_id += 1;
        let id = CheckId(self.last_id);
        let first = first_at.unwrap_or_else(|| first_due(now, id.0, spec.timing().warmup));
        self.due.insert((first, id));
        let checker = Checker::new(*spec.timing(), first).assuming(standing);
        self.by_id.insert(id, Check { checker, spec: spec.clone(), service, server });
        id
    }
    /// Forgets a check; cancels its probe when one is out.
    pub fn disarm(&mut self, id: CheckId, actions: &mut VecDeque<Action>) {
        let Some(check) = self.by_id.remove(&id) else { return };
        match check.checker.next_due() {
            Some(due) => drop(self.due.remove(&(due, id))),
            None => actions.push_back(Action::CancelProbe { check: id }),
        }
    }
    /// Forgets all of them.
    pub fn disarm_all(&mut self, actions: &mut VecDeque<Action>) {
        let ids: Vec<CheckId> = self.by_id.keys().copied().collect();
        for id in ids {
            self.disarm(id, actions);
        }
    }
    /// Starts every check that is due.
    pub fn start_due(&mut self, now: Instant, actions: &mut VecDeque<Action>) {
        while let Some((due, id)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            self.due.remove(&(due, id));
            if let Some(check) = self.by_id.get_mut(&id)
                && check.checker.start(now)
            {
                actions.push_back(Action::Probe { check: id, spec: check.spec.clone() });
            }
        }
    }
    /// Lets `judge` give a verdict to a check, and notes when that one runs next. None for a check that is forgotten.
    pub fn judge<T>(&mut self, id: CheckId, judge: impl FnOnce(&mut Check) -> T) -> Option<T> {
        let check = self.by_id.get_mut(&id)?;
        let judged = judge(check);
        if let Some(next) = check.checker.next_due() {
            self.due.insert((next, id));
        }
        Some(judged)
    }
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Check> {
        self.by_id.values()
    }
    /// A check by number.
    pub fn get(&self, id: CheckId) -> Option<&Check> {
        self.by_id.get(&id)
    }
    /// When the next one runs, and whether it is a further try.
    pub fn next(&self) -> Option<(Instant, bool)> {
        let (due, id) = self.due.first()?;
        Some((*due, self.by_id.get(id).is_some_and(|check| check.checker.is_retrying())))
    }
}

//! All checks by number, which is due next, and which has been out for too long.

use super::check::{Check, Owner};
use super::server::ServerState;
use super::{Action, CheckId};
use crate::engine::health::checker::LastRun;
use crate::engine::health::{Checker, Standing, Verdict, first_due};
use crate::engine::model::CheckSpec;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

/// Every check of every server; equal ones once.
#[derive(Debug, Clone, Default)]
pub(super) struct Checks {
    by_id: BTreeMap<CheckId, Check>,
    by_spec: HashMap<Arc<CheckSpec>, CheckId>,
    /// Those that wait, by deadline; exactly one entry for each.
    due: BTreeSet<(Instant, CheckId)>,
    /// Those that are out, by when they are given up; exactly one entry for each.
    out: BTreeSet<(Instant, CheckId)>,
    last_id: u64,
}

impl Checks {
    /// Numbers the checks of a server; the first runs are spread over the warmup from `now`. A check that somebody else asks
    /// for already goes on as it is.
    pub fn arm(&mut self, owner: Owner, specs: &[Arc<CheckSpec>], now: Instant) -> Box<[CheckId]> {
        specs.iter().map(|spec| self.arm_one(owner, spec, (Standing::Unknown, now), None)).collect()
    }
    /// The same without the warmup.
    pub fn arm_at_once(&mut self, owner: Owner, specs: &[Arc<CheckSpec>], now: Instant) -> Box<[CheckId]> {
        specs.iter().map(|spec| self.arm_one(owner, spec, (Standing::Unknown, now), Some(now))).collect()
    }
    /// Those of them that somebody asks for already.
    pub fn known(&self, specs: &[Arc<CheckSpec>]) -> Box<[CheckId]> {
        specs.iter().filter_map(|spec| self.by_spec.get(spec).copied()).collect()
    }
    /// Numbers the checks that a server has now, in place of its `old` ones: equal ones go on, the others begin anew as if
    /// they had said `standing`.
    pub fn rearm(
        &mut self,
        owner: Owner,
        old: &[CheckId],
        specs: &[Arc<CheckSpec>],
        (standing, now): (Standing, Instant),
        actions: &mut VecDeque<Action>,
    ) -> Box<[CheckId]> {
        let ids = specs.iter().map(|spec| self.arm_one(owner, spec, (standing, now), None)).collect();
        for id in old {
            self.disarm(*id, owner, actions);
        }
        ids
    }
    /// Checks as they are now.
    pub fn copies(&self, ids: &[CheckId]) -> Vec<Check> {
        ids.iter().filter_map(|id| self.get(*id)).cloned().collect()
    }
    /// Those that have not run yet say until then what those `before` them said: what asked the same of the same target, else what failed.
    pub fn recall(&mut self, ids: &[CheckId], before: &[Check]) {
        for id in ids {
            let Some(check) = self.by_id.get_mut(id) else { continue };
            let same = before.iter().filter(|old| old.asks_as(check)).filter_map(|old| old.checker.last().cloned());
            let failing = before.iter().filter(|old| old.checker.standing() == Standing::Failing);
            let failed = failing.filter_map(|old| match old.checker.last()? {
                LastRun { at, verdict: Verdict::Failed(why) } => {
                    let verdict = Verdict::Failed(format!("{} said: {why}", old.spec.name()));
                    Some(LastRun { at: *at, verdict })
                }
                LastRun { .. } => None,
            });
            let said: Vec<LastRun> = same.chain(failed).collect();
            for said in said {
                check.checker.recall(said);
            }
        }
    }
    fn arm_one(
        &mut self,
        owner: Owner,
        spec: &Arc<CheckSpec>,
        (standing, now): (Standing, Instant),
        first_at: Option<Instant>,
    ) -> CheckId {
        if let Some(id) = self.by_spec.get(spec)
            && let Some(check) = self.by_id.get_mut(id)
        {
            check.owners.push(owner);
            return *id;
        }
        self.last_id += 1;
        let id = CheckId(self.last_id);
        let first = first_at.unwrap_or_else(|| first_due(now, id.0, spec.timing.warmup));
        self.due.insert((first, id));
        let checker = Checker::new(spec.timing, first).assuming(standing);
        self.by_spec.insert(Arc::clone(spec), id);
        self.by_id.insert(id, Check { checker, spec: Arc::clone(spec), owners: vec![owner], lost_at: None });
        id
    }
    /// The checks of a server that has connections already: one failure does not take it away from them.
    pub fn trust(&mut self, server: &ServerState) {
        let ids = if server.former.is_in_table() { &*server.checks } else { &[] };
        for id in ids {
            if let Some(check) = self.by_id.get_mut(id) {
                check.checker.trust();
            }
        }
    }
    /// A server asks for a check no longer. With the last one it is forgotten, and its probe cancelled when one is out.
    pub fn disarm(&mut self, id: CheckId, owner: Owner, actions: &mut VecDeque<Action>) {
        let Some(check) = self.by_id.get_mut(&id) else { return };
        if let Some(at) = check.owners.iter().position(|known| *known == owner) {
            check.owners.swap_remove(at);
        }
        if check.owners.is_empty() {
            self.forget(id, actions);
        }
    }
    fn forget(&mut self, id: CheckId, actions: &mut VecDeque<Action>) {
        let Some(check) = self.by_id.remove(&id) else { return };
        self.by_spec.remove(&check.spec);
        if let Some(due) = check.checker.next_due() {
            self.due.remove(&(due, id));
        } else {
            if let Some(lost_at) = check.lost_at {
                self.out.remove(&(lost_at, id));
            }
            actions.push_back(Action::CancelProbe { check: id });
        }
    }
    /// Forgets all of them.
    pub fn disarm_all(&mut self, actions: &mut VecDeque<Action>) {
        let ids: Vec<CheckId> = self.by_id.keys().copied().collect();
        for id in ids {
            self.forget(id, actions);
        }
    }
    /// Starts every check that is due.
    pub fn start_due(&mut self, now: Instant, actions: &mut VecDeque<Action>) {
        while let Some((due, id)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            self.start(now, (due, id), actions);
        }
    }
    /// Starts those of files that are due; whether there is one.
    pub fn start_files(&mut self, now: Instant, actions: &mut VecDeque<Action>) -> bool {
        let is_file = |id: &CheckId| self.by_id.get(id).is_some_and(|check| check.spec.is_file());
        let due: Vec<_> = self.due.iter().filter(|(due, id)| *due <= now && is_file(id)).copied().collect();
        for entry in &due {
            self.start(now, *entry, actions);
        }
        !due.is_empty()
    }
    /// Whether the first run of one of them is out.
    pub fn awaits_files(&self) -> bool {
        let out = self.out.iter().filter_map(|(_, id)| self.by_id.get(id));
        out.into_iter().any(|check| check.spec.is_file() && check.checker.last().is_none())
    }
    fn start(&mut self, now: Instant, (due, id): (Instant, CheckId), actions: &mut VecDeque<Action>) {
        self.due.remove(&(due, id));
        if let Some(check) = self.by_id.get_mut(&id)
            && check.checker.start(now)
        {
            let lost_at = now + check.patience(false);
            check.lost_at = Some(lost_at);
            self.out.insert((lost_at, id));
            actions.push_back(Action::Probe { check: id, spec: Arc::clone(&check.spec) });
        }
    }
    /// A run has to wait for its turn: its time has not begun.
    pub fn waits(&mut self, now: Instant, id: CheckId) {
        let Some(check) = self.by_id.get_mut(&id) else { return };
        let lost_at = now + check.patience(true);
        if let Some(before) = check.lost_at.as_mut() {
            self.out.remove(&(*before, id));
            *before = lost_at;
            self.out.insert((lost_at, id));
        }
    }
    /// A run of which nothing was heard for too long; its probe is cancelled, and a verdict has to be given.
    pub fn lost(&mut self, now: Instant, actions: &mut VecDeque<Action>) -> Option<CheckId> {
        let (at, id) = self.out.first().copied().filter(|(at, _)| *at <= now)?;
        self.out.remove(&(at, id));
        actions.push_back(Action::CancelProbe { check: id });
        Some(id)
    }
    /// Lets `judge` give a verdict to a check, and notes when that one runs next. None for a check that is forgotten.
    pub fn judge<T>(&mut self, id: CheckId, judge: impl FnOnce(&mut Check) -> T) -> Option<T> {
        let check = self.by_id.get_mut(&id)?;
        if let Some(lost_at) = check.lost_at.take() {
            self.out.remove(&(lost_at, id));
        }
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
    /// When the next run that is out is given up.
    pub fn lost_at(&self) -> Option<Instant> {
        self.out.first().map(|(at, _)| *at)
    }
}

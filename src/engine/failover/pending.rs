//! Commands that wait for their end: a `failover` until another master is heard, a `takeover` until the other master is
//! silent.

use super::commands::GRACE;
use super::core::Failover;
use super::router::Router;
use crate::engine::command::{Asked, Outcome, Preview};
use crate::engine::snapshot::VirtualRouterState;
use crate::engine::vrrp::{self, TransitionReason};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// A command that waits.
#[derive(Debug)]
pub(super) struct Pending {
    pub asked: Asked,
    pub preview: Preview,
    pub began_at: Instant,
    pub awaits: Awaits,
    /// The routers whose part has not ended.
    pub waiting: BTreeMap<usize, Part>,
    pub said: Vec<String>,
    pub failed: bool,
}

/// One router's part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// When it ends by itself; that of a sync group ends at once.
    pub until: Instant,
    /// How long it has anew when somebody is heard in another member's place: who did not hear of a short interval may need the
    /// usual one.
    pub anew: Duration,
    /// Who was heard last as master in our place, and how long after the command anybody was heard first; zero: it was master already.
    pub successor: Option<(IpAddr, Duration)>,
}

/// What a command waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaits {
    /// Another master.
    Successor,
    /// That no other master advertises any more.
    Yield,
}

/// How one router's part of a command ended.
enum End {
    Done(String),
    Failed(String),
    /// The other master goes on: mastership is given back to it.
    NotYielded(IpAddr),
}

impl Pending {
    pub fn waits_for(&self, i: usize) -> bool {
        self.waiting.contains_key(&i)
    }

    /// Whether nobody was heard yet in place of this router.
    pub fn lacks(&self, i: usize) -> bool {
        self.waiting.get(&i).is_some_and(|part| part.successor.is_none())
    }

    /// When the first of its parts ends by itself.
    pub fn ends_at(&self) -> Option<Instant> {
        self.waiting.values().map(|part| part.until).min()
    }

    /// How a part ended, if it did for a reason of its own.
    fn end(&self, now: Instant, router: &Router, part: Part) -> Option<End> {
        let after = now.saturating_duration_since(self.began_at).as_millis();
        let state = router.state();
        match (self.awaits, state) {
            (Awaits::Successor, VirtualRouterState::Master) => Some(End::Failed(match part.successor {
                Some((address, _)) => format!("{address} took over, and this node is master again after {after} ms"),
                None => format!("nobody took over within {after} ms; master again"),
            })),
            (Awaits::Successor, VirtualRouterState::Backup) => None,
            (Awaits::Successor, VirtualRouterState::Fault | VirtualRouterState::Init) => {
                part.successor.is_none().then(|| {
                    End::Failed(format!("went to {} before another master was heard: {}", state.name(), router.reason))
                })
            }
            (Awaits::Yield, VirtualRouterState::Master) if now < part.until => None,
            (Awaits::Yield, VirtualRouterState::Master) => Some(self.verdict(router, after)),
            (Awaits::Yield, VirtualRouterState::Backup | VirtualRouterState::Fault | VirtualRouterState::Init) => {
                Some(End::Failed(format!("went to {} again: {}", state.name(), router.reason)))
            }
        }
    }

    /// An advertisement that crossed ours says nothing; one that came later says that its sender does not yield.
    fn verdict(&self, router: &Router, after: u128) -> End {
        let late = self.began_at + GRACE;
        match router.peers.iter().find(|(_, peer)| peer.heard_at > late && !peer.window.is_zero()) {
            Some((address, _)) => End::NotYielded(address),
            None => End::Done(format!("master; nobody else advertised for {after} ms")),
        }
    }

    fn finish(&mut self, i: usize, said: String, failed: bool) {
        self.waiting.remove(&i);
        self.said.push(said);
        self.failed |= failed;
    }
}

impl Failover {
    /// Another master was heard while we are not. The part ends a moment later, with whoever is master then; where others of
    /// the sync group still wait, they have their time anew: somebody is there.
    pub(super) fn took_over(&mut self, now: Instant, i: usize, source: IpAddr) {
        if !self.pending.iter().any(|pending| pending.waits_for(i)) {
            return;
        }
        let unit = self.unit_of.get(i).copied().unwrap_or_default();
        let members = self.members(unit);
        for pending in self.pending.iter_mut().filter(|pending| pending.awaits == Awaits::Successor) {
            let Some(part) = pending.waiting.get_mut(&i) else { continue };
            let first = part.successor.map(|(_, after)| after);
            let after = now.saturating_duration_since(pending.began_at);
            part.successor = Some((source, first.unwrap_or(after)));
            if first.is_some() {
                continue;
            }
            let its = |i: &usize| pending.waiting.get(i).filter(|part| part.successor.is_none()).map(|part| part.anew);
            let until = now + members.iter().filter_map(its).max().unwrap_or(GRACE);
            for i in &members {
                if let Some(part) = pending.waiting.get_mut(i) {
                    part.until = until;
                }
            }
        }
    }

    /// Ends what has come to an end, and answers what waits for nothing more.
    pub(super) fn settle_pending(&mut self, now: Instant) {
        if self.pending.is_empty() {
            return;
        }
        let mut pending = std::mem::take(&mut self.pending);
        let mut given_back = Vec::new();
        for one in &mut pending {
            for (i, part) in one.waiting.clone() {
                let Some(router) = self.routers.get(i) else { continue };
                let Some(end) = one.end(now, router, part) else { continue };
                let (said, failed) = match end {
                    End::Done(said) => (said, false),
                    End::Failed(said) => (said, true),
                    End::NotYielded(rival) => {
                        let why = format!("{rival} goes on as master and does not yield");
                        given_back.push((i, why.clone()));
                        (format!("{why}: left to it again; does it hear this node?"), true)
                    }
                };
                one.finish(i, format!("{}: {said}", router.config.name), failed);
            }
        }
        let (done, waiting): (Vec<_>, Vec<_>) = pending.into_iter().partition(|one| one.waiting.is_empty());
        self.pending.extend(waiting);
        for (i, why) in given_back {
            self.give_back(now, i, &why);
        }
        for Pending { asked, preview, said, failed, .. } in done {
            let outcome = if failed { Outcome::Failed } else { Outcome::Done };
            self.answer(&asked, outcome, said.join("; "), preview);
        }
    }

    /// Judges those whose time is over. Only when every packet that has come was handed in: a late one may be the other master's.
    pub(super) fn judge_pending(&mut self, now: Instant) {
        let is_over = |one: &Pending| one.awaits == Awaits::Successor && one.ends_at().is_some_and(|at| at <= now);
        if !self.pending.iter().any(is_over) {
            return;
        }
        let mut pending = std::mem::take(&mut self.pending);
        for one in pending.iter_mut().filter(|one| is_over(one)) {
            let over = one.waiting.iter().filter(|(_, part)| part.until <= now);
            let units: BTreeSet<usize> = over.filter_map(|(i, _)| self.unit_of.get(*i).copied()).collect();
            for unit in units {
                self.judge(now, one, unit);
            }
        }
        self.pending = pending;
        self.settle_pending(now);
    }

    /// The time of a sync group is over: who was heard took over; if one member was left to nobody, the group is taken back as
    /// a whole, unless it would lose it at once.
    fn judge(&mut self, now: Instant, one: &mut Pending, unit: usize) {
        let parts: Vec<(usize, Part)> =
            self.members(unit).into_iter().filter_map(|i| Some((i, *one.waiting.get(&i)?))).collect();
        let after = now.saturating_duration_since(one.began_at).as_millis();
        let lacking = parts.iter().find(|(_, part)| part.successor.is_none()).map(|(i, _)| self.name(*i));
        let Some(lacking) = lacking else {
            for (i, part) in parts {
                let (said, failed) = self.succeeded(i, part);
                one.finish(i, said, failed);
            }
            return;
        };
        let stronger = parts.iter().find_map(|(i, part)| {
            let (router, (address, _)) = (self.routers.get(*i)?, part.successor?);
            let rank = router.peers.get(address)?.rank()?;
            let own = router.instance.parameters().priority;
            let outranks = (rank, address) > (own, router.footing?.source);
            outranks.then(|| format!("{address} leads {} with priority {rank}", router.config.name))
        });
        let why = format!("nobody took {lacking} over within {after} ms");
        let along = if parts.len() > 1 { ", with its sync group" } else { "" };
        for (i, part) in parts {
            let said = match (part.successor, &stronger) {
                (Some(_), _) => self.succeeded(i, part).0,
                (None, None) => {
                    format!("{}: nobody took over within {after} ms; master again{along}", self.name(i))
                }
                (None, Some(stronger)) => format!(
                    "{}: nobody took over within {after} ms, and its sync group can't take it back: {stronger}",
                    self.name(i)
                ),
            };
            one.finish(i, said, true);
            if self.lift_hold(i) {
                self.report_hold_ended(i, &why);
            }
            if stronger.is_none() {
                self.drive(now, i, vrrp::Input::Claim(TransitionReason::Operator(format!("failover failed: {why}"))));
            }
        }
    }

    /// What is said of a router that another one leads now; whether the host still has an address of it.
    fn succeeded(&self, i: usize, part: Part) -> (String, bool) {
        let Some((source, after)) = part.successor else { return (String::new(), true) };
        let staying = self.foreign_addresses().into_iter().filter(|(of, ..)| *of == i);
        let staying: Vec<String> = staying.map(|(_, address, _)| address.to_string()).collect();
        let stays = if staying.is_empty() {
            String::new()
        } else {
            format!(
                ", and {} stays on this host too, since lvsdeck has not put it there: remove it by hand",
                staying.join(" ")
            )
        };
        let how = match after {
            Duration::ZERO => "is master already".to_owned(),
            after => format!("took over after {} ms", after.as_millis()),
        };
        (format!("{}: {source} {how}{stays}", self.name(i)), !staying.is_empty())
    }

    /// A `takeover` that was not followed is over for the whole sync group.
    fn give_back(&mut self, now: Instant, i: usize, why: &str) {
        let unit = self.units.iter().find(|unit| unit.members.contains(&i));
        for member in unit.map(|unit| unit.members.clone()).unwrap_or_default() {
            self.end_claim(now, member);
            let reason = TransitionReason::Operator(format!("takeover failed: {why}"));
            self.drive(now, member, vrrp::Input::StepDown { wait: None, reason });
        }
    }

    /// Fails every command that still waits.
    pub(super) fn abandon_pending(&mut self, now: Instant, why: &str) {
        let all: Vec<usize> = (0..self.routers.len()).collect();
        self.abandon_pending_of(now, &all, why);
    }

    pub(super) fn abandon_pending_of(&mut self, now: Instant, routers: &[usize], why: &str) {
        let mut pending = std::mem::take(&mut self.pending);
        for one in &mut pending {
            for i in routers {
                let Some(part) = one.waiting.get(i).copied() else { continue };
                let (said, failed) = if part.successor.is_some() {
                    self.succeeded(*i, part)
                } else {
                    (format!("{}: {why}", self.name(*i)), true)
                };
                one.finish(*i, said, failed);
            }
        }
        self.pending = pending;
        self.settle_pending(now);
    }
}

//! Commands that wait for their end: a `failover` until another master is heard, a `takeover` until the other master is
//! silent.

use super::commands::GRACE;
use super::core::Failover;
use super::router::Router;
use crate::engine::command::{Asked, Outcome, Preview};
use crate::engine::snapshot::VirtualRouterState;
use crate::engine::vrrp::{self, TransitionReason};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Instant;

/// A command that waits.
#[derive(Debug)]
pub(super) struct Pending {
    pub asked: Asked,
    pub preview: Preview,
    pub began_at: Instant,
    pub awaits: Awaits,
    pub waiting: BTreeSet<usize>,
    pub said: Vec<String>,
    pub failed: bool,
}

/// What a command waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaits {
    /// Another master.
    Successor,
    /// That no other master advertises any more: known then.
    Yield(Instant),
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
        self.waiting.contains(&i)
    }

    /// When it ends by itself.
    pub const fn ends_at(&self) -> Option<Instant> {
        match self.awaits {
            Awaits::Successor => None,
            Awaits::Yield(at) => Some(at),
        }
    }

    fn end(&self, now: Instant, router: &Router) -> Option<End> {
        let after = now.saturating_duration_since(self.began_at).as_millis();
        let state = router.state();
        match (self.awaits, state) {
            (Awaits::Successor, VirtualRouterState::Master) => {
                Some(End::Failed(format!("nobody took over within {after} ms; master again")))
            }
            (Awaits::Successor, VirtualRouterState::Backup) if router.instance.is_willing() => Some(End::Failed(
                format!("nobody took over within {after} ms, and its sync group can't take it back yet"),
            )),
            (Awaits::Successor, VirtualRouterState::Backup) => None,
            (Awaits::Successor, VirtualRouterState::Fault | VirtualRouterState::Init) => Some(End::Failed(format!(
                "went to {} before another master was heard: {}",
                state.name(),
                router.reason
            ))),
            (Awaits::Yield(at), VirtualRouterState::Master) if now < at => None,
            (Awaits::Yield(_), VirtualRouterState::Master) => Some(self.verdict(router, after)),
            (Awaits::Yield(_), VirtualRouterState::Backup | VirtualRouterState::Fault | VirtualRouterState::Init) => {
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
}

impl Failover {
    /// Another master was heard while we are not.
    pub(super) fn took_over(&mut self, now: Instant, i: usize, source: IpAddr) {
        if !self.pending.iter().any(|pending| pending.waits_for(i)) {
            return;
        }
        let name = self.name(i);
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
        for pending in self.pending.iter_mut().filter(|pending| pending.awaits == Awaits::Successor) {
            if pending.waiting.remove(&i) {
                let after = now.saturating_duration_since(pending.began_at).as_millis();
                pending.failed |= !staying.is_empty();
                pending.said.push(format!("{name}: {source} took over after {after} ms{stays}"));
            }
        }
    }

    /// Ends what has come to an end otherwise, and answers what waits for nothing more.
    pub(super) fn settle_pending(&mut self, now: Instant) {
        let mut pending = std::mem::take(&mut self.pending);
        let mut given_back = Vec::new();
        for one in &mut pending {
            for i in one.waiting.clone() {
                let Some(router) = self.routers.get(i) else { continue };
                let Some(end) = one.end(now, router) else { continue };
                let (said, failed) = match end {
                    End::Done(said) => (said, false),
                    End::Failed(said) => (said, true),
                    End::NotYielded(rival) => {
                        let why = format!("{rival} goes on as master and does not yield");
                        given_back.push((i, why.clone()));
                        (format!("{why}: left to it again; does it hear this node?"), true)
                    }
                };
                one.waiting.remove(&i);
                one.said.push(format!("{}: {said}", router.config.name));
                one.failed |= failed;
            }
        }
        let (done, waiting): (Vec<_>, Vec<_>) = pending.into_iter().partition(|one| one.waiting.is_empty());
        self.pending = waiting;
        for (i, why) in given_back {
            self.give_back(now, i, &why);
        }
        for Pending { asked, preview, said, failed, .. } in done {
            let outcome = if failed { Outcome::Failed } else { Outcome::Done };
            self.answer(&asked, outcome, said.join("; "), preview);
        }
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
        for i in routers {
            let name = self.name(*i);
            for pending in self.pending.iter_mut().filter(|pending| pending.waits_for(*i)) {
                pending.waiting.remove(i);
                pending.said.push(format!("{name}: {why}"));
                pending.failed = true;
            }
        }
        self.settle_pending(now);
    }
}

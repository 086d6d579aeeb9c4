//! `takeover`: this node becomes master although a higher one is, and stays it until `rejoin`.
//!
//! It is an act on this node alone: it advertises priority 254, and the other master yields by the rules (RFC 9568
//! §6.4.3). Where those rules would not make it yield, it is refused: an owner never yields, and among equals the higher
//! address wins. Priority 255 is never borrowed: it says that the addresses are the sender's own. Who goes on advertising
//! all the same does not hear us, and is left master again. A sync group moves as a whole.

use super::commands::{GRACE, line};
use super::core::Failover;
use super::peers::Peer;
use super::pending::{Awaits, Part, Pending};
use super::router::{CLAIM, Claim, Router};
use crate::engine::command::{Asked, Command, Outcome, Preview};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::Priority;
use crate::engine::vrrp::{self, TransitionReason};
use std::time::{Duration, Instant};

impl Failover {
    pub(super) fn plan_takeover(&self, instance: &str) -> Result<(Vec<usize>, Preview), String> {
        let members = self.named(Some(instance))?;
        let routers: Vec<(usize, &Router)> = members.iter().filter_map(|i| Some((*i, self.routers.get(*i)?))).collect();
        if routers.iter().all(|(_, router)| router.instance.is_master()) {
            return Err(format!("{instance} is MASTER here already: there is nothing to take over"));
        }
        let causes: Vec<String> = routers.iter().filter_map(|(_, router)| obstacle(router)).collect();
        if !causes.is_empty() {
            return Err(format!("can't take over: {}", causes.join("; ")));
        }
        let undo = Some(Command::Rejoin { instance: Some(instance.to_owned()) });
        let mut preview = Preview { undo, confirm: Some("takeover".to_owned()), ..Preview::default() };
        let mut moved = 0;
        let mut masters = Vec::new();
        for (i, router) in routers {
            let (name, vrid, interface) = (&router.config.name, router.config.vrid, &router.config.interface);
            let priority = claimed(router);
            let now_master = match router.peers.last_master() {
                Some((address, peer)) => {
                    format!("{address} is master with priority {}", peer.priority.unwrap_or_default())
                }
                None => "no master is heard".to_owned(),
            };
            preview.before.push(format!("{}; {now_master}", line(router)));
            preview.after.push(format!("{name}: MASTER, effective priority {priority} until rejoin"));
            preview.ops.push(format!("advertise priority {priority} for virtual_router_id {vrid} on {interface}"));
            for (address, place) in self.places(i) {
                let on = place.map_or(interface.as_str(), |p| self.host.link(p.0).map_or("", |l| l.name.as_str()));
                preview.ops.push(format!("add {address} to {on} and announce it"));
                moved += 1;
            }
            masters.push(format!("{name}: {now_master}"));
        }
        let come = if moved == 1 { "virtual address comes" } else { "virtual addresses come" };
        preview.blast_radius = format!("{moved} {come} to this node; {}", masters.join("; "));
        Ok((members, preview))
    }

    pub(super) fn take_over(&mut self, now: Instant, asked: Asked, preview: Preview, routers: &[usize]) {
        let why = asked.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let by = format!("takeover by {}{why}", asked.who);
        self.abandon_pending_of(now, routers, "takeover came before another master was heard");
        let mut patience = Duration::ZERO;
        (self.holds_touched, self.to_tell) = (true, true);
        for i in routers.iter().copied() {
            if self.lift_hold(i) {
                self.report_hold_ended(i, "takeover");
            }
            let Some(router) = self.routers.get_mut(i) else { continue };
            if router.peers.last_master().is_some() {
                patience = patience.max(router.instance.master_interval().duration() + GRACE);
            }
            router.claim = Some(Claim { by: by.clone(), why: asked.reason.clone(), since: now });
            let parameters = router.parameters();
            router.instance.reconfigure(now, parameters);
            let fact = Fact::new(EventKind::Hold, Severity::Notice, &router.config.name).to("begun");
            self.report(fact.reason(&by));
        }
        for i in routers.iter().copied() {
            self.drive(now, i, vrrp::Input::Claim(TransitionReason::Operator(by.clone())));
        }
        if patience.is_zero() {
            let names: Vec<String> = routers.iter().map(|i| format!("{}: master", self.name(*i))).collect();
            return self.answer(&asked, Outcome::Done, names.join("; "), preview);
        }
        self.pending.push(Pending {
            asked,
            preview,
            began_at: now,
            awaits: Awaits::Yield,
            waiting: routers
                .iter()
                .map(|i| (*i, Part { until: now + patience, anew: patience, successor: None }))
                .collect(),
            said: Vec::new(),
            failed: false,
        });
    }

    /// The router takes part by its own priority again; false when it did.
    pub(super) fn end_claim(&mut self, now: Instant, i: usize) -> bool {
        let Some(router) = self.routers.get_mut(i) else { return false };
        if router.claim.take().is_none() {
            return false;
        }
        let parameters = router.parameters();
        router.instance.reconfigure(now, parameters);
        (self.holds_touched, self.to_tell) = (true, true);
        true
    }

    pub(super) fn report_hold_ended(&mut self, i: usize, why: &str) {
        let fact = Fact::new(EventKind::Hold, Severity::Notice, self.name(i)).to("ended");
        self.report(fact.reason(why));
    }
}

/// The priority by which it would lead.
fn claimed(router: &Router) -> Priority {
    let own = router.config.priority;
    Priority::new(CLAIM).map_or(own, |claim| claim.max(own))
}

/// Why the router can't take over, and what to do instead.
fn obstacle(router: &Router) -> Option<String> {
    let name = &router.config.name;
    if let Some(fault) = &router.fault {
        return Some(format!("{name} is in FAULT: {fault}"));
    }
    if let Some(what) = router.unanswered.as_ref().filter(|_| router.is_fresh()) {
        return Some(format!(
            "{name} has not started: it waits for the first answer of {what}; try again once it has answered"
        ));
    }
    let (address, peer) = router.peers.last_master()?;
    let source = router.footing.map(|footing| footing.source);
    let Peer { rejected, priority, .. } = peer;
    if let Some(refused) = rejected {
        return Some(format!(
            "{name}: {address} is master and would not yield: its advertisements are refused here ({refused})"
        ));
    }
    let (theirs, ours) = (priority.unwrap_or_default(), claimed(router).get());
    if theirs == u8::MAX && ours < u8::MAX {
        return Some(format!(
            "{name}: {address} owns the addresses (priority 255) and never yields: run `lvsdeck ctl failover {name}` there"
        ));
    }
    (Some((theirs, address)) > source.map(|source| (ours, source))).then(|| {
        format!(
            "{name}: {address} has priority {theirs} and the higher address: run `lvsdeck ctl failover {name}` there"
        )
    })
}

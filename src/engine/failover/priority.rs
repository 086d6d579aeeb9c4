//! `priority`: another priority than the file's, until it is taken back. A soft failover: nobody resigns, the rules decide
//! who leads (RFC 9568 §6.4), and what is tracked counts on top of it as it does on top of the file's.
//!
//! 255 is never given nor taken away: it says that the addresses are the router's own. A sync group moves as a whole.

use super::commands::{addresses, line, takeover_time};
use super::core::Failover;
use super::forecast::nobody_heard;
use super::router::{PriorityWish, Router};
use super::track::{Tracks, weighed};
use crate::engine::command::{Asked, Command, Outcome, Preview};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::Priority;
use std::time::Instant;

impl Failover {
    pub(super) fn plan_priority(
        &self,
        instance: &str,
        priority: Option<Priority>,
    ) -> Result<(Vec<usize>, Preview), String> {
        let members = self.named(Some(instance))?;
        let routers: Vec<&Router> = members.iter().filter_map(|i| self.routers.get(*i)).collect();
        if priority.is_some_and(Priority::is_owner) {
            return Err("255 says that the addresses are this router's own: give 1 to 254".to_owned());
        }
        if let Some(owner) = routers.iter().find(|router| router.config.priority.is_owner()) {
            let name = &owner.config.name;
            return Err(format!("{name} owns its addresses (priority 255) and can't have another: change the file"));
        }
        if routers.iter().all(|router| router.wish.as_ref().map(|wish| wish.priority) == priority) {
            return Err(match priority {
                Some(priority) => format!("{instance} has priority {priority} by an operator already"),
                None => format!("{instance} has the priority of the file already"),
            });
        }
        let mut preview = Preview { undo: undo(instance, &routers), ..Preview::default() };
        let mut feel = Vec::new();
        for router in routers {
            let (name, vrid, interface) = (&router.config.name, router.config.vrid, &router.config.interface);
            let next = wanted(router, priority, &self.tracks);
            preview.before.push(line(router));
            let until = if priority.is_some() { "until priority --from-file" } else { "as in the file" };
            let own = priority.unwrap_or(router.config.priority);
            let by_scripts = if own == next { String::new() } else { format!(", {next} by its scripts") };
            preview.after.push(format!("{name}: priority {own}{by_scripts}, {until}"));
            if router.instance.is_master() {
                preview.ops.push(format!("advertise priority {next} for virtual_router_id {vrid} on {interface}"));
            } else {
                preview.ops.push(format!("wait for a master with priority {next} for virtual_router_id {vrid}"));
            }
            let (effect, moves) = consequence(router, next);
            feel.push(effect);
            if moves {
                preview.confirm = Some("priority".to_owned());
            }
        }
        preview.blast_radius = feel.join("; ");
        Ok((members, preview))
    }

    pub(super) fn set_priority(
        &mut self,
        now: Instant,
        asked: &Asked,
        preview: Preview,
        routers: &[usize],
        priority: Option<Priority>,
    ) {
        let why = asked.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        self.holds_touched = true;
        let mut said = Vec::new();
        for i in routers.iter().copied() {
            let Some(router) = self.routers.get_mut(i) else { continue };
            let by = |priority| format!("priority {priority} by {}{why}", asked.who);
            let word = |router: &Router| {
                let of_file = if router.wish.is_some() { "" } else { " of the file" };
                format!("priority {}{of_file}", router.own_priority())
            };
            let before = word(router);
            router.wish = priority.map(|priority| PriorityWish { priority, by: by(priority), since: now });
            let own = router.own_priority();
            said.push(format!("{}: priority {own}", router.config.name));
            let fact = Fact::new(EventKind::Hold, Severity::Notice, router.config.name.clone());
            let fact = fact.change(before, word(router)).who(asked.who.to_string());
            self.report(match &asked.reason {
                Some(reason) => fact.reason(reason),
                None => fact,
            });
        }
        self.survey();
        self.answer(asked, Outcome::Done, said.join("; "), preview);
    }
}

/// What the router would advertise.
fn wanted(router: &Router, priority: Option<Priority>, tracks: &Tracks) -> Priority {
    let base = weighed(router, tracks).get();
    let (own, new) = (router.own_priority().get(), priority.unwrap_or(router.config.priority).get());
    let moved = i16::from(base) - i16::from(own) + i16::from(new);
    u8::try_from(moved.clamp(1, 254)).ok().and_then(|p| Priority::new(p).ok()).unwrap_or(Priority::DEFAULT)
}

/// Back to what was, where one command says it.
fn undo(instance: &str, routers: &[&Router]) -> Option<Command> {
    let before = |router: &&Router| router.wish.as_ref().map(|wish| wish.priority);
    let first = routers.first().map(before)?;
    let alike = routers.iter().all(|router| before(router) == first);
    alike.then(|| Command::Priority { instance: instance.to_owned(), priority: first })
}

/// Who leads then, as far as it can be foreseen, and whether that is somebody else than now: a backup is silent, and only one
/// that was heard has a known priority.
fn consequence(router: &Router, next: Priority) -> (String, bool) {
    let name = &router.config.name;
    let vips = addresses(router);
    let best = router.peers.strongest().map(|(address, priority, _)| (priority, address));
    if router.claim.is_some() {
        return (format!("{name}: leads by takeover whatever its priority, until rejoin"), false);
    }
    let stays = |said: String| (said, false);
    if router.hold.is_some() && !router.instance.is_master() {
        return stays(format!(
            "{name}: held by a failover, and takes nothing over whatever its priority, until rejoin"
        ));
    }
    match (router.instance.is_master(), router.peers.last_master(), best) {
        (true, _, Some((priority, address))) if priority > next => {
            let within =
                takeover_time(router).as_millis() + u128::from(router.instance.master_interval().centiseconds()) * 30;
            let said = format!(
                "{name}: {address} (priority {priority}, as last heard) takes {vips} over within about {within} ms, if it preempts"
            );
            (said, true)
        }
        (true, _, Some((priority, address))) => {
            stays(format!("{name}: stays master; {address} was heard with priority {priority}"))
        }
        (true, _, None) => stays(format!(
            "{name}: {}, for a backup is silent; one of higher priority takes {vips} over, if there is one and it preempts",
            nobody_heard(router)
        )),
        (false, Some((address, peer)), _) if peer.priority.is_some_and(|theirs| theirs < next.get()) => {
            if router.config.preempt {
                (format!("{name}: this node takes {vips} over from {address}"), true)
            } else {
                stays(format!("{name}: {address} stays master: nopreempt"))
            }
        }
        (false, Some((address, _)), _) => stays(format!("{name}: {address} stays master")),
        (false, None, _) => stays(format!("{name}: no master is heard; nothing moves now")),
    }
}

//! What an instance comes to, with the configuration that runs and with another one: whether it can work, who is heard, preemption
//! and its delay. A reload moves what the two have differently.

use super::fitness::held;
use super::{First, Moves, OWNER, Sight, addresses, is_master, strongest};
use crate::engine::model::VirtualRouter;
use crate::engine::snapshot::{PeerState, VirtualRouterState, VirtualRouterStatus};

/// On which condition a master gives way where nobody else was heard.
const UNHEARD: &str = "a backup that was never heard ranks higher";

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It can't work.
    Fault,
    /// It is master and stays it.
    Leads,
    /// It is master, and another takes over.
    Yields,
    /// It is not master and stays so.
    Follows,
    /// It becomes master beside one that is there, after so many milliseconds.
    TakesOver(u64),
    /// It becomes master when no other one is heard.
    Starts,
}

/// The same with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outlook {
    pub turn: Turn,
    /// In words.
    pub said: String,
    /// Only if this is so, which nobody knows.
    pub on: Option<String>,
    /// By another member of its sync group.
    pub is_led: bool,
}

impl Outlook {
    pub fn new(turn: Turn, said: impl Into<String>) -> Self {
        Self { turn, said: said.into(), on: None, is_led: false }
    }

    fn on(self, condition: impl Into<String>) -> Self {
        Self { on: Some(condition.into()), ..self }
    }

    /// From which master it would take over, if one is there that nobody listens for yet.
    pub fn assumes(&self) -> Option<&str> {
        self.on.as_deref().filter(|_| self.turn == Turn::Starts)
    }

    /// Whether mastership moves by a reload that makes this of what it was to be.
    pub fn moves(&self, was: Option<&Self>, is_master: bool) -> Moves {
        let yields_anyway = was.is_some_and(|was| was.turn == Turn::Yields && (was.on.is_none() || was.on == self.on));
        let moves = match (was.map(|was| was.turn), self.turn) {
            (_, Turn::Yields) if yields_anyway => false,
            (_, Turn::Fault | Turn::Yields) => is_master,
            (Some(Turn::TakesOver(before)), Turn::TakesOver(after)) => after < before,
            (_, Turn::TakesOver(_)) => !is_master,
            (_, Turn::Leads | Turn::Follows | Turn::Starts) => false,
        };
        match &self.on {
            _ if !moves => Moves::No,
            Some(condition) => Moves::Perhaps(condition.clone()),
            None => Moves::Yes,
        }
    }
}

/// Who is heard as master.
enum Heard {
    Nobody,
    /// The address, and the priority if it is known.
    Master(String, Option<u8>),
    /// Refused here, and why: both are master.
    Refused(String, String),
}

impl Sight<'_> {
    /// By itself, with the configuration that runs.
    pub(super) fn as_it_is(&self, before: &VirtualRouter) -> Outlook {
        match self.status(&before.name) {
            Some(status) if status.state == VirtualRouterState::Fault => Outlook::new(Turn::Fault, &status.reason),
            Some(status) => self.ranked(before, Some(status), status.effective_priority),
            None => Outlook::new(Turn::Starts, "not started yet"),
        }
    }

    /// By itself, with the new configuration; `first`: what a script's first run is to say.
    pub(super) fn outlook(&self, router: &VirtualRouter, first: First<'_>) -> Outlook {
        let before = self.goes_on(router);
        let status = before.and_then(|_| self.status(&router.name));
        let (fault, ended) = self.unfit(router, before.zip(status), first);
        if let Some(why) = fault {
            return Outlook::new(Turn::Fault, why);
        }
        let ranked = self.ranked(router, status, self.counts(router, status, first));
        match ended {
            Some(ended) => ranked.on(ended),
            None => ranked,
        }
    }

    /// One that can work, with this priority.
    fn ranked(&self, router: &VirtualRouter, status: Option<&VirtualRouterStatus>, counts: u8) -> Outlook {
        if let Some(status) = status.filter(|status| is_master(Some(status))) {
            return leads(status, counts);
        }
        let to = |turn, said: String| Outlook::new(turn, said);
        let heard = self.heard(router, status);
        let is_held = status.is_some_and(|status| held(status).is_some());
        let backup = match status.map(|status| status.state) {
            Some(VirtualRouterState::Backup) => "it stays BACKUP",
            Some(_) => "it becomes BACKUP",
            None => "as backup",
        };
        let after = after(router, status);
        let when = if after == 0 { String::new() } else { format!(" in {} s", after.div_ceil(1000)) };
        match heard {
            _ if counts == OWNER && !is_held => {
                let said = match status {
                    Some(_) => "it becomes the owner and is master at once, whatever others say".to_owned(),
                    None => format!("it owns {} and is master at once", addresses(router)),
                };
                match (status, heard) {
                    (None, Heard::Nobody) => self.unless_heard(router, counts, said),
                    _ => to(Turn::TakesOver(0), said),
                }
            }
            Heard::Nobody if status.is_some_and(|status| status.state == VirtualRouterState::Backup) => {
                to(Turn::Starts, format!("{backup}; no other master is heard"))
            }
            Heard::Nobody => {
                let intervals = u32::from(router.variations.down_timer_adverts) + 1;
                let seconds = f64::from(router.advert_interval.centiseconds()) * f64::from(intervals) / 100.0;
                let joins = self
                    .leading_group(router)
                    .map_or_else(String::new, |group| format!("; sync group {group} is master meanwhile"));
                let said = format!(
                    "{backup}; it is master of {} when no other master is heard for up to {seconds} s{joins}",
                    addresses(router)
                );
                self.unless_heard(router, counts, said)
            }
            Heard::Refused(address, why) => {
                to(Turn::TakesOver(0), format!("{address} is master and is refused here ({why}): both would be master"))
            }
            Heard::Master(address, Some(priority)) if priority >= counts => {
                to(Turn::Follows, format!("{backup} behind {address} (priority {priority})"))
            }
            Heard::Master(address, _) if is_held || !router.preempt => {
                to(Turn::Follows, format!("{backup} behind {address}, since it does not take mastership back"))
            }
            Heard::Master(address, Some(priority)) => {
                let said = format!("this node would take over from {address} (priority {priority}){when}");
                to(Turn::TakesOver(after), said)
            }
            Heard::Master(address, None) => {
                let said =
                    format!("this node would take over from {address} if that has a priority below {counts}{when}");
                let condition =
                    format!("{address}, heard with VRID {}, has a priority below {counts}", router.vrid.get());
                to(Turn::TakesOver(after), said).on(condition)
            }
        }
    }

    /// Master when nobody else is; where nobody listens yet, one may be there.
    fn unless_heard(&self, router: &VirtualRouter, counts: u8, said: String) -> Outlook {
        if !router.preempt && counts != OWNER || self.listens_beside(router) {
            return Outlook::new(Turn::Starts, said);
        }
        let below = format!("a master of a priority below {counts} is on {}", router.interface);
        Outlook::new(Turn::Starts, format!("{said}; if {below}, this node would take over from it")).on(below)
    }

    /// Who is master of it, as far as is heard; of one that starts by who is heard with its VRID.
    fn heard(&self, router: &VirtualRouter, status: Option<&VirtualRouterStatus>) -> Heard {
        let Some(status) = status else {
            let key = (&router.interface, router.family, router.vrid.get());
            let mut foreign =
                self.found.foreign.iter().filter(|other| (&other.interface, other.family, other.vrid) == key);
            let master = foreign.find(|other| other.last_priority != Some(0));
            return master.map_or(Heard::Nobody, |other| Heard::Master(other.address.clone(), other.last_priority));
        };
        let masters = status.peers.iter().filter(|peer| peer.state == PeerState::Master);
        let (refused, taken): (Vec<_>, Vec<_>) = masters.partition(|peer| peer.rejected.is_some());
        let priority =
            |peer: &crate::engine::snapshot::PeerStatus| peer.detail.accepted.map(|accepted| accepted.priority);
        if let Some(master) = taken.into_iter().max_by_key(|peer| priority(peer)) {
            return Heard::Master(master.address.clone(), priority(master));
        }
        let refused = refused.first().and_then(|peer| Some((peer.address.clone(), peer.rejected.clone()?)));
        refused.map_or(Heard::Nobody, |(address, why)| Heard::Refused(address, why.replace("; ", ", ")))
    }
}

/// After how many milliseconds it takes over from a master of lower priority.
fn after(router: &VirtualRouter, status: Option<&VirtualRouterStatus>) -> u64 {
    let full = u64::try_from(router.preempt_delay.as_millis()).unwrap_or(u64::MAX);
    let next = status.and_then(|status| status.next.as_ref()).filter(|next| next.waiting == "preempt delay");
    next.map_or(full, |next| next.in_ms.min(full))
}

/// A master, with this priority.
fn leads(status: &VirtualRouterStatus, counts: u8) -> Outlook {
    let to = |turn, said: String| Outlook::new(turn, said);
    match strongest(status) {
        _ if counts == OWNER => {
            to(Turn::Leads, "it becomes the owner and stays master, whatever others say".to_owned())
        }
        Some((address, priority)) if priority > counts => {
            let said = format!("{address} (priority {priority}) would take over, unless it has nopreempt");
            to(Turn::Yields, said)
        }
        Some((address, priority)) if priority == counts => {
            to(Turn::Leads, format!("it stays master: {address} has {priority} too, and an equal takes nothing over"))
        }
        Some((address, priority)) => {
            to(Turn::Leads, format!("it stays master before {address} (priority {priority})"))
        }
        None if counts < status.effective_priority => to(
            Turn::Yields,
            format!(
                "no other router was heard, and a backup is silent: one of a priority above {counts} would take over, unless it \
                 has nopreempt; without one it stays master"
            ),
        )
        .on(UNHEARD),
        None => to(Turn::Leads, "it stays master as far as is known; no other router was heard".to_owned()),
    }
}

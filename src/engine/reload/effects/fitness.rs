//! Whether an instance can work, and which priority counts: from what it tracks.

use super::{First, Sight, is_master, own_priority};
use crate::engine::model::{Track, TrackKind, VirtualRouter};
use crate::engine::snapshot::{VirtualRouterState, VirtualRouterStatus};
use crate::engine::vrrp::{Tracked, effective_priority, is_fault};

/// The priority by which a `takeover` leads.
const CLAIM: u8 = 254;

/// What is known of an interface.
#[derive(PartialEq, Eq)]
enum Link {
    Unknown,
    Missing,
    /// It is down, or has no carrier.
    Down,
    Up,
}

impl Sight<'_> {
    /// Whether it is another thing under its name, so that what was seen of it counts no more.
    fn is_defined_anew(&self, track: &Track) -> bool {
        let (old, new, name) = (self.old, self.new, &track.name);
        match track.kind {
            TrackKind::Interface => false,
            TrackKind::Script => {
                let of = |side: &'_ [crate::engine::model::VrrpScript]| {
                    side.iter().find(|s| s.name == *name).map(|s| (s.command.clone(), s.user.clone()))
                };
                of(&old.scripts) != of(&new.scripts)
            }
            TrackKind::Process => {
                old.processes.iter().find(|p| p.name == *name) != new.processes.iter().find(|p| p.name == *name)
            }
            TrackKind::File => old.files.iter().find(|f| f.name == *name) != new.files.iter().find(|f| f.name == *name),
        }
    }

    /// How something that is tracked counts now.
    fn state_of(&self, track: &Track) -> Tracked {
        if let (TrackKind::Interface, Some(links)) = (track.kind, &self.found.links) {
            return if links.get(&track.name) == Some(&true) { Tracked::Up } else { Tracked::Down };
        }
        let known = self.seen.get(&(track.kind.name(), track.name.as_str())).copied();
        let found = || self.found.tracked.get(&(track.kind, track.name.clone())).copied();
        known.filter(|_| !self.is_defined_anew(track)).or_else(found).unwrap_or(Tracked::Unanswered)
    }

    /// How it counts for an instance in this state; `first`: what a script's first run is to say.
    fn counts_as(&self, track: &Track, state: VirtualRouterState, first: First<'_>) -> Tracked {
        match (self.state_of(track), first) {
            (Tracked::Unanswered, Some((script, succeeds)))
                if track.kind == TrackKind::Script && script == track.name =>
            {
                if succeeds {
                    Tracked::Up
                } else {
                    Tracked::Down
                }
            }
            (Tracked::Unanswered, _) if self.begins_as_failed(track) => match state {
                VirtualRouterState::Master => Tracked::Unanswered,
                VirtualRouterState::Backup if track.weight == 0 => Tracked::Unanswered,
                VirtualRouterState::Init | VirtualRouterState::Backup | VirtualRouterState::Fault => Tracked::Presumed,
            },
            (counts, _) => counts,
        }
    }

    /// A script that never ran: what it says nobody knows.
    pub(super) fn is_unknown(&self, track: &Track) -> bool {
        track.kind == TrackKind::Script && self.state_of(track) == Tracked::Unanswered
    }

    fn begins_as_failed(&self, track: &Track) -> bool {
        track.kind == TrackKind::Script
            && self.new.scripts.iter().any(|script| script.name == track.name && script.init_fail)
    }

    fn link(&self, name: &str) -> Link {
        match self.found.links.as_ref().map(|links| links.get(name)) {
            None => Link::Unknown,
            Some(None) => Link::Missing,
            Some(Some(false)) => Link::Down,
            Some(Some(true)) => Link::Up,
        }
    }

    /// Whether advertisements of others are heard where an instance is to be: one is there already.
    pub(super) fn listens_beside(&self, router: &VirtualRouter) -> bool {
        let is_beside = |other: &&VirtualRouter| (&other.interface, other.family) == (&router.interface, router.family);
        let is_there = |other: &VirtualRouter| !matches!(self.link(&other.interface), Link::Missing | Link::Down);
        self.old.virtual_routers.iter().find(is_beside).is_some_and(is_there)
    }

    /// What is wrong with its interface.
    fn link_fault(&self, router: &VirtualRouter) -> Option<String> {
        match self.link(&router.interface) {
            Link::Missing => Some(format!("interface {} does not exist", router.interface)),
            Link::Down if router.tracks_interface => {
                Some(format!("interface {} is down or has no carrier", router.interface))
            }
            Link::Down | Link::Up | Link::Unknown => None,
        }
    }

    /// Why an instance in this state can't work.
    fn fault(&self, router: &VirtualRouter, state: VirtualRouterState, first: First<'_>) -> Option<String> {
        if let Some(why) = self.link_fault(router) {
            return Some(why);
        }
        let counted = router.tracks.iter().map(|track| (track, self.counts_as(track, state, first)));
        let (track, counts) = { counted }.find(|(track, counts)| is_fault(track, *counts))?;
        let name = &track.name;
        Some(match (track.kind, counts) {
            (TrackKind::Interface, _) if self.link(name) == Link::Missing => format!("interface {name} does not exist"),
            (TrackKind::File, counts) => format!("file {name} says {counts}"),
            (kind, Tracked::Presumed) => format!("{} {name} has not run yet (init_fail)", kind.name()),
            (kind, _) => format!("{} {name} is bad and has no weight", kind.name()),
        })
    }

    /// Whether what is known of it explains the FAULT that it is in by the configuration of before.
    fn explains(&self, before: &VirtualRouter, status: &VirtualRouterStatus) -> bool {
        let is_bad = |track: &Track| {
            let mut seen =
                status.detail.tracked.iter().filter(|s| (track.kind.name(), &track.name) == (&s.kind, &s.name));
            let state = seen.next().and_then(|seen| seen.state.parse().ok()).unwrap_or(Tracked::Unanswered);
            // One that has not answered makes a FAULT by `init_fail`, which the status calls the same.
            is_fault(track, if state == Tracked::Unanswered { Tracked::Presumed } else { state })
        };
        self.link_fault(before).is_some() || before.tracks.iter().any(is_bad)
    }

    /// What is tracked anew, or otherwise.
    pub(super) fn is_anew(&self, before: &VirtualRouter, track: &Track) -> bool {
        !before.tracks.contains(track) || self.is_defined_anew(track)
    }

    pub(super) fn is_weighed_anew(&self, before: &VirtualRouter, router: &VirtualRouter) -> bool {
        before.tracks != router.tracks || router.tracks.iter().any(|track| self.is_anew(before, track))
    }

    /// Why it can't work with the new configuration. Of a FAULT that nothing known explains nobody can say whether it ends: then
    /// that it does is the second.
    pub(super) fn unfit(
        &self,
        router: &VirtualRouter,
        goes_on: Option<(&VirtualRouter, &VirtualRouterStatus)>,
        first: First<'_>,
    ) -> (Option<String>, Option<String>) {
        let Some((before, status)) = goes_on else {
            return (self.fault(router, VirtualRouterState::Init, first), None);
        };
        let is_refit = || self.is_weighed_anew(before, router) || before.tracks_interface != router.tracks_interface;
        let why = self.fault(router, status.state, first);
        match status.state {
            VirtualRouterState::Backup | VirtualRouterState::Master => (why.filter(|_| is_refit()), None),
            VirtualRouterState::Fault
                if why.is_none() && !goes_with_its_group(status) && !self.explains(before, status) =>
            {
                if before == router && self.old.statics == self.new.statics {
                    return (Some(status.reason.replace("; ", ", ")), None);
                }
                (None, Some("this ends its FAULT".to_owned()))
            }
            VirtualRouterState::Init | VirtualRouterState::Fault => (why, None),
        }
    }

    /// The priority that counts with the new configuration.
    pub(super) fn counts(&self, router: &VirtualRouter, status: Option<&VirtualRouterStatus>, first: First<'_>) -> u8 {
        let state = status.map_or(VirtualRouterState::Init, |status| status.state);
        let tracked = router.tracks.iter().map(|track| (track, self.counts_as(track, state, first)));
        let counts = effective_priority(own_priority(router, status), tracked).get();
        let leads_by_command = is_master(status) && status.is_some_and(|status| held(status).is_some());
        if leads_by_command { counts.max(CLAIM) } else { counts }
    }

    /// What a script may do that never ran.
    pub(super) fn first_run(
        &self,
        router: &VirtualRouter,
        status: &VirtualRouterStatus,
        unknown: &Track,
    ) -> Option<String> {
        let (bad, good) =
            (Some((unknown.name.as_str(), unknown.reverse)), Some((unknown.name.as_str(), !unknown.reverse)));
        let counts = self.counts(router, Some(status), bad);
        let follows = if unknown.weight == 0 { "FAULT".to_owned() } else { format!("priority {counts}") };
        let until = match (self.begins_as_failed(unknown), status.state) {
            (true, VirtualRouterState::Master) => "; init_fail does nothing to a master",
            (true, state) if unknown.weight != 0 || state != VirtualRouterState::Backup => {
                "; until then it counts as failed (init_fail)"
            }
            (true | false, _) => "",
        };
        let (name, script) = (&router.name, &unknown.name);
        let fails = if unknown.reverse { "succeeds" } else { "fails" };
        let matters = unknown.weight == 0 || counts != self.counts(router, Some(status), good);
        matters.then(|| {
            format!(
                "instance {name}: script {script} has not run yet, and what it says is unknown until its first run; if it {fails}: \
                 {follows}{until}"
            )
        })
    }
}

/// By which command an operator has it lead, or not.
pub(super) fn held(status: &VirtualRouterStatus) -> Option<&str> {
    status.held.as_deref().filter(|_| !status.is_held_by_priority())
}

/// Whether it is in FAULT for another member's reason alone.
fn goes_with_its_group(status: &VirtualRouterStatus) -> bool {
    status.reason.starts_with("sync group ")
}

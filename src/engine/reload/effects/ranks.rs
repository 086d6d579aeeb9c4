//! What another priority, or what is tracked, leads to.

use super::{Moves, OWNER, Sight, is_master, strongest, surely};
use crate::engine::model::{Priority, Track, TrackKind, VirtualRouter};
use crate::engine::snapshot::{VirtualRouterState, VirtualRouterStatus};
use crate::engine::vrrp::{Tracked, effective_priority, is_fault};

/// On which condition a master gives way where nobody else was heard.
const UNHEARD: &str = "a backup that was never heard ranks higher";

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
        let mut known = self.now.values().flat_map(|router| &router.detail.tracked);
        let known = known.find(|known| known.kind == track.kind.name() && known.name == track.name);
        let known = known.and_then(|known| known.state.parse().ok()).filter(|state| *state != Tracked::Unanswered);
        let found = || self.found.tracked.get(&(track.kind, track.name.clone())).copied();
        known.filter(|_| !self.is_defined_anew(track)).or_else(found).unwrap_or(Tracked::Unanswered)
    }

    /// A script that never ran: what it says nobody knows.
    pub(super) fn is_unknown(&self, track: &Track) -> bool {
        track.kind == TrackKind::Script && self.state_of(track) == Tracked::Unanswered
    }

    fn begins_as_failed(&self, track: &Track) -> bool {
        self.new.scripts.iter().any(|script| script.name == track.name && script.init_fail)
    }

    /// Why an instance can't work; `fresh`: it has not started.
    pub(super) fn fault(&self, router: &VirtualRouter, fresh: bool) -> Option<String> {
        let link = |name: &str| self.found.links.as_ref().map(|links| links.get(name).copied());
        match link(&router.interface) {
            Some(None) => return Some(format!("interface {} does not exist", router.interface)),
            Some(Some(false)) if router.tracks_interface => {
                return Some(format!("interface {} is down or has no carrier", router.interface));
            }
            Some(Some(_)) | None => {}
        }
        let state = |track: &Track| match self.state_of(track) {
            Tracked::Unanswered if fresh && self.begins_as_failed(track) => Tracked::Presumed,
            state => state,
        };
        let (track, state) = router.tracks.iter().map(|track| (track, state(track))).find(|(t, s)| is_fault(t, *s))?;
        let name = &track.name;
        Some(match (track.kind, state) {
            (TrackKind::Interface, _) if link(name) == Some(None) => format!("interface {name} does not exist"),
            (TrackKind::File, state) => format!("file {name} says {state}"),
            (kind, Tracked::Presumed) => format!("{} {name} has not run yet (init_fail)", kind.name()),
            (kind, _) => format!("{} {name} is bad and has no weight", kind.name()),
        })
    }

    /// What another priority, or another thing that is tracked, leads to.
    pub(super) fn ranks(
        &self,
        before: &VirtualRouter,
        router: &VirtualRouter,
        status: Option<&VirtualRouterStatus>,
    ) -> Vec<(String, Moves)> {
        let is_anew = |track: &Track| !before.tracks.contains(track) || self.is_defined_anew(track);
        let is_weighed_anew = before.tracks != router.tracks || router.tracks.iter().any(is_anew);
        let is_fit_anew = is_weighed_anew || before.tracks_interface != router.tracks_interface;
        if let Some(why) = self.fault(router, false).filter(|_| is_fit_anew) {
            let is_news = status.is_some_and(|status| status.state != VirtualRouterState::Fault);
            let said = format!("instance {}: FAULT: {why}", router.name);
            return is_news.then(|| (said, surely(is_master(status)))).into_iter().collect();
        }
        let ranked = self.ranked(before, router, status, is_weighed_anew && !router.priority.is_owner());
        let unknown = router.tracks.iter().filter(|track| is_anew(track) && self.is_unknown(track));
        ranked.into_iter().chain(unknown.filter_map(|track| self.first_run(router, status?, track))).collect()
    }

    /// What a script may do that never ran.
    fn first_run(
        &self,
        router: &VirtualRouter,
        status: &VirtualRouterStatus,
        unknown: &Track,
    ) -> Option<(String, Moves)> {
        let bad = if unknown.reverse { Tracked::Up } else { Tracked::Down };
        let failing = router.tracks.iter().map(|t| (t, if t == unknown { bad } else { self.state_of(t) }));
        let counts = effective_priority(own_priority(router, status), failing).get();
        let fails = if unknown.reverse { "succeeds" } else { "fails" };
        let follows = if is_fault(unknown, bad) { "FAULT".to_owned() } else { format!("priority {counts}") };
        let until = match (self.begins_as_failed(unknown), is_master(Some(status))) {
            (true, true) => "; init_fail does nothing to a master",
            (true, false) if unknown.weight != 0 => "; until then it counts as failed (init_fail)",
            (true | false, _) => "",
        };
        let (name, script) = (&router.name, &unknown.name);
        let said = format!(
            "instance {name}: script {script} has not run yet, and what it says is unknown until its first run; if it {fails}: \
             {follows}{until}"
        );
        let gives_way = is_fault(unknown, bad)
            || (counts < status.effective_priority && strongest(status).is_none_or(|(_, priority)| priority >= counts));
        let condition = || format!("script {script} {fails} in its first run");
        let moves = (is_master(Some(status)) && gives_way).then(condition).map_or(Moves::No, Moves::Perhaps);
        (follows != format!("priority {}", status.effective_priority)).then_some((said, moves))
    }

    fn ranked(
        &self,
        before: &VirtualRouter,
        router: &VirtualRouter,
        status: Option<&VirtualRouterStatus>,
        is_weighed_anew: bool,
    ) -> Option<(String, Moves)> {
        let (old, new) = (before.priority.get(), router.priority.get());
        if old == new && !is_weighed_anew {
            return None;
        }
        let name = &router.name;
        let change = format!("instance {name}: priority {old} -> {new}");
        if new == OWNER {
            let follows = if is_master(status) { "stays master" } else { "is master at once" };
            let said = format!("{change}: it becomes the owner and {follows}, whatever others say");
            return Some((said, surely(!is_master(status))));
        }
        let status = status?;
        if let Some(set) = status.priority_set.filter(|_| !is_weighed_anew) {
            let said = format!("{change}: {set}, which an operator set, counts until `priority {name} --from-file`");
            return Some((said, Moves::No));
        }
        let tracked = router.tracks.iter().map(|track| (track, self.state_of(track)));
        let counts = effective_priority(own_priority(router, status), tracked).get();
        if old == new && counts == status.effective_priority {
            return None;
        }
        let change = if old == new {
            format!("instance {name}: priority {} -> {counts} by what it tracks", status.effective_priority)
        } else {
            change
        };
        let said = |said: &str, moves: Moves| Some((format!("{change}: {said}"), moves));
        let (stays, moves) = (|text: &str| said(text, Moves::No), |text: &str| said(text, Moves::Yes));
        match (is_master(Some(status)), strongest(status)) {
            (true, Some((address, priority))) if priority > counts => {
                moves(&format!("{address} (priority {priority}) would take over, unless it has nopreempt"))
            }
            (true, Some((address, priority))) if priority == counts => {
                moves(&format!("{address} has {priority} too, so that the higher address is master"))
            }
            (true, Some((address, priority))) => {
                stays(&format!("it stays master before {address} (priority {priority})"))
            }
            (true, None) if counts < status.effective_priority => said(
                &format!(
                    "no other router was heard, and a backup is silent: one of a priority above {counts} would take over, unless it \
                     has nopreempt; without one it stays master"
                ),
                Moves::Perhaps(UNHEARD.to_owned()),
            ),
            (true, None) => stays("it stays master as far as is known; no other router was heard"),
            (false, _) if status.held.is_some() || !router.preempt => {
                stays(&format!("it stays {}, since it does not take mastership back", status.state.name()))
            }
            (false, Some((address, priority))) if counts > priority => {
                moves(&format!("this node would take over from {address} (priority {priority})"))
            }
            (false, Some((address, priority))) => {
                stays(&format!("it stays {} behind {address} (priority {priority})", status.state.name()))
            }
            (false, None) => stays("no other router was heard"),
        }
    }
}

fn own_priority(router: &VirtualRouter, status: &VirtualRouterStatus) -> Priority {
    status.priority_set.and_then(|set| Priority::new(set).ok()).unwrap_or(router.priority)
}

//! What is tracked and what it does to virtual routers: weights move the priority, and what has none makes a FAULT.
//!
//! An instance that has not started waits for the first answer of every script, process and file that could make it a FAULT
//! (keepalived stays in INIT as well). One that runs takes a script that has not answered yet for a good one.
//!
//! `init_fail` is for what starts: it makes a FAULT of INIT, and lowers a priority while the router is not master. What is
//! master, was resumed or holds adopted addresses waits for a real answer: a restart or a reload stops nothing.
//!
//! Interfaces are looked at here, since the core knows them; of scripts, processes and files it is told.

use super::core::Failover;
use super::router::Router;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::{Configuration, Priority, Track, TrackKind};
use crate::engine::snapshot::{TrackedStatus, VirtualRouterState, Warning};
use crate::engine::vrrp::{Tracked, effective_priority, is_fault};
use std::collections::{BTreeMap, BTreeSet};

/// What was told of something last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    state: Tracked,
    said: String,
}

/// By what it is and its name.
pub(super) type Tracks = BTreeMap<(TrackKind, String), Told>;

/// An interface that counts differently: its name, how it counted, and the priorities before.
pub(super) type Turned = (String, Tracked, Vec<(String, u8)>);

/// What is tracked makes of a router's priority.
pub(super) fn weighed(router: &Router, told: &Tracks) -> Priority {
    let states = router.config.tracks.iter().map(|track| (track, counts(router, track, told)));
    effective_priority(router.own_priority(), states)
}

/// How something counts for a router.
fn counts(router: &Router, track: &Track, told: &Tracks) -> Tracked {
    let state = state_of(told, track.kind, &track.name);
    let (started, inherits) = (router.state(), router.adopted || router.mastership.is_some());
    match (state, started) {
        (Tracked::Unanswered | Tracked::Up | Tracked::Down | Tracked::LeftOut | Tracked::Value(_), _) => state,
        (Tracked::Presumed, _) if inherits => Tracked::Unanswered,
        (Tracked::Presumed, VirtualRouterState::Init | VirtualRouterState::Fault) => Tracked::Presumed,
        (Tracked::Presumed, VirtualRouterState::Backup) if track.weight != 0 => Tracked::Presumed,
        (Tracked::Presumed, VirtualRouterState::Backup | VirtualRouterState::Master) => Tracked::Unanswered,
    }
}

fn state_of(told: &Tracks, kind: TrackKind, name: &str) -> Tracked {
    told.get(&(kind, name.to_owned())).map_or(Tracked::Unanswered, |told| told.state)
}

impl Failover {
    /// Something counts differently from now on; `said`: what its last run came to. What nobody tracks is ignored: it
    /// was told before a reload came through.
    pub(super) fn tracked(&mut self, kind: TrackKind, name: String, state: Tracked, said: String) {
        let before_all = self.priorities_with(kind, &name);
        if before_all.is_empty() {
            return;
        }
        let before = state_of(&self.tracks, kind, &name);
        self.tracks.insert((kind, name.clone()), Told { state, said });
        if before == state {
            return;
        }
        self.survey();
        self.report_tracked(kind, name, before, &before_all);
    }

    fn report_tracked(&mut self, kind: TrackKind, name: String, before: Tracked, before_all: &[(String, u8)]) {
        let Some(Told { state, said }) = self.tracks.get(&(kind, name.clone())).cloned() else { return };
        let after = self.priorities_with(kind, &name);
        let changes: Vec<String> = before_all
            .iter()
            .zip(&after)
            .filter(|(before, after)| before != after)
            .map(|((name, before), (_, after))| format!("{name}: priority {before} to {after}"))
            .collect();
        let severity = match state {
            Tracked::Up | Tracked::Unanswered | Tracked::Presumed | Tracked::Value(_) => Severity::Notice,
            Tracked::Down | Tracked::LeftOut => Severity::Warning,
        };
        let mut fact = match kind {
            TrackKind::Script => Fact::new(EventKind::Script, severity, name),
            TrackKind::Process | TrackKind::File | TrackKind::Interface => {
                Fact::new(EventKind::Tracked, severity, format!("{} {name}", kind.name()))
            }
        };
        fact = fact.to(state.to_string()).reason(said);
        fact.from = (!matches!(before, Tracked::Unanswered | Tracked::Presumed)).then(|| before.to_string());
        if !changes.is_empty() {
            fact = fact.detail(changes.join(", "));
        }
        self.report(fact);
    }

    /// Notes how the tracked interfaces are; gives those that were known to be otherwise.
    pub(super) fn look_at_interfaces(&mut self) -> Vec<Turned> {
        let tracked = self.routers.iter().flat_map(|router| &router.config.tracks);
        let tracked = tracked.filter(|track| track.kind == TrackKind::Interface).map(|track| track.name.clone());
        let names: BTreeSet<String> = tracked.collect();
        let mut turned = Vec::new();
        for name in names {
            let (state, said) = match self.host.by_name(&name) {
                Some(link) if link.up => (Tracked::Up, "it is up"),
                Some(_) => (Tracked::Down, "it is down or has no carrier"),
                None => (Tracked::Down, "it does not exist"),
            };
            let now = Told { state, said: said.to_owned() };
            let before = self.tracks.insert((TrackKind::Interface, name.clone()), now);
            if let Some(before) = before.filter(|before| before.state != state) {
                let priorities = self.priorities_with(TrackKind::Interface, &name);
                turned.push((name, before.state, priorities));
            }
        }
        turned
    }

    /// Tells of interfaces that turned, when routers were weighed.
    pub(super) fn report_interfaces(&mut self, turned: Vec<Turned>) {
        for (name, before, priorities) in turned {
            self.report_tracked(TrackKind::Interface, name, before, &priorities);
        }
    }

    /// Forgets what was told of what this configuration does not track: it is not looked at any more, and nothing of it is
    /// true when it is tracked again.
    pub(super) fn forget_untracked(&mut self, configuration: &Configuration) {
        let all = configuration.virtual_routers.iter().flat_map(|router| &router.tracks);
        let tracked: BTreeSet<(TrackKind, String)> = all.map(|track| (track.kind, track.name.clone())).collect();
        self.tracks.retain(|key, _| tracked.contains(key));
    }

    /// Whether somebody tracks the interface.
    pub(super) fn tracks_interface(&self, name: &str) -> bool {
        !self.priorities_with(TrackKind::Interface, name).is_empty()
    }

    /// Instances that track something, with their priorities.
    fn priorities_with(&self, kind: TrackKind, name: &str) -> Vec<(String, u8)> {
        let tracks = |r: &&Router| r.config.tracks.iter().any(|track| track.kind == kind && track.name == name);
        let priority = |r: &Router| (r.config.name.clone(), r.instance.parameters().priority.get());
        self.routers.iter().filter(tracks).map(priority).collect()
    }

    /// Sets a router's priority by what it tracks. Gives the reason of a FAULT.
    pub(super) fn weigh(&mut self, i: usize) -> Option<String> {
        let router = self.routers.get_mut(i)?;
        router.weighed = weighed(router, &self.tracks);
        router.counted = router.config.tracks.iter().map(|track| counts(router, track, &self.tracks)).collect();
        let (before, priority) = (router.instance.parameters().priority, router.parameters().priority);
        self.to_tell |= before != priority;
        router.instance.set_priority(priority);
        let found = |is: fn(&Track, Tracked) -> bool| {
            router.config.tracks.iter().zip(&router.counted).find(|(track, state)| is(track, **state)).map(|(t, _)| t)
        };
        let waits = found(|track, state| track.weight == 0 && state == Tracked::Unanswered);
        let bad = found(is_fault).cloned();
        let waits = waits.map(|track| format!("{} {}", track.kind.name(), track.name));
        let was = std::mem::replace(&mut router.unanswered, waits);
        let news = router.unanswered.as_ref().filter(|name| was.as_ref() != Some(*name));
        if let (Some(name), true) = (news, router.is_fresh()) {
            router.reason = format!("waits for the first answer of {name}");
        }
        let bad = bad?;
        let said = self.tracks.get(&(bad.kind, bad.name.clone())).map_or("", |told| told.said.as_str());
        let how = match (bad.kind, bad.reverse) {
            (TrackKind::Script, false) => "fails",
            (TrackKind::Script, true) => "succeeds, and is tracked with reverse",
            (TrackKind::Process, false) => "does not run as wanted",
            (TrackKind::Process, true) => "runs, and is tracked with reverse",
            (TrackKind::File, false) => "tells of a fault",
            (TrackKind::File, true) => "tells of a fault, by reverse",
            (TrackKind::Interface, false) => "is down",
            (TrackKind::Interface, true) => "is up, and is tracked with reverse",
        };
        Some(format!("{} {} {how}: {said}", bad.kind.name(), bad.name))
    }

    /// What a router tracks, in the order of its file.
    pub(super) fn tracked_status(&self, router: &Router) -> Vec<TrackedStatus> {
        let status = |(track, state): (&Track, &Tracked)| TrackedStatus {
            kind: track.kind.name().to_owned(),
            name: track.name.clone(),
            weight: track.weight,
            reverse: track.reverse,
            state: state.to_string(),
            said: self.tracks.get(&(track.kind, track.name.clone())).map(|told| told.said.clone()).unwrap_or_default(),
        };
        router.config.tracks.iter().zip(&router.counted).map(status).collect()
    }

    /// What is tracked and bad, or can't be run, as far as somebody tracks it.
    pub(super) fn track_warnings(&self) -> impl Iterator<Item = Warning> {
        self.tracks.iter().filter_map(|((kind, name), told)| {
            let concerned: Vec<String> = self.priorities_with(*kind, name).into_iter().map(|(name, _)| name).collect();
            if concerned.is_empty() {
                return None;
            }
            let (all, said) = (concerned.join(", "), &told.said);
            let (code, message, next) = match (told.state, kind) {
                (Tracked::Down, TrackKind::Script) => (
                    "script-failing",
                    format!("it fails: {said}"),
                    format!("mend what it watches, or the script; tracked by {all}"),
                ),
                (Tracked::Down, TrackKind::Process) => (
                    "process-missing",
                    format!("it does not run as wanted: {said}"),
                    format!("start it, or correct vrrp_track_process {name}; tracked by {all}"),
                ),
                (Tracked::Down, TrackKind::Interface) => (
                    "interface-down",
                    said.clone(),
                    format!("check the cable, or `ip link set {name} up`; tracked by {all}"),
                ),
                (Tracked::LeftOut, _) => (
                    "script-left-out",
                    format!("it can't be run: {said}"),
                    format!(
                        "mend it and reload or restart lvsdeck; until then {all} behaves as if it were not tracked, as with keepalived"
                    ),
                ),
                (Tracked::Down, TrackKind::File)
                | (Tracked::Up | Tracked::Unanswered | Tracked::Presumed | Tracked::Value(_), _) => return None,
            };
            let subject = match kind {
                TrackKind::Script => name.clone(),
                TrackKind::Process | TrackKind::File | TrackKind::Interface => format!("{} {name}", kind.name()),
            };
            Some(Warning { code: code.to_owned(), subject, message, next })
        })
    }
}

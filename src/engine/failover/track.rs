//! What tracked scripts do to virtual routers: their weights move the priority, and one without a weight makes a FAULT.
//!
//! An instance that has not started waits for the first answer of every script that could make it a FAULT (keepalived
//! stays in INIT as well). One that runs takes a script that has not answered yet for a good one.
//!
//! `init_fail` is for what starts: it makes a FAULT of INIT, and lowers a priority while the router is not master. What is
//! master, was resumed or holds adopted addresses waits for a real answer: a restart or a reload stops nothing.

use super::core::Failover;
use super::router::Router;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::{Configuration, Priority, TrackScript};
use crate::engine::snapshot::{VirtualRouterState, Warning};
use crate::engine::vrrp::{Tracked, effective_priority, is_fault};
use std::collections::BTreeMap;

/// What a script said last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    state: Tracked,
    said: String,
}

/// By the script's name.
pub(super) type Scripts = BTreeMap<String, Told>;

/// What its scripts make of a router's priority.
pub(super) fn weighed(router: &Router, scripts: &Scripts) -> Priority {
    let states = router.config.track_scripts.iter().map(|script| (script, counts(router, script, scripts)));
    effective_priority(router.own_priority(), states)
}

/// How a script counts for a router.
fn counts(router: &Router, script: &TrackScript, scripts: &Scripts) -> Tracked {
    let state = state_of(scripts, &script.name);
    let (started, inherits) = (router.state(), router.adopted || router.mastership.is_some());
    match (state, started) {
        (Tracked::Unanswered | Tracked::Up | Tracked::Down | Tracked::LeftOut, _) => state,
        (Tracked::Presumed, _) if inherits => Tracked::Unanswered,
        (Tracked::Presumed, VirtualRouterState::Init | VirtualRouterState::Fault) => Tracked::Presumed,
        (Tracked::Presumed, VirtualRouterState::Backup) if script.weight != 0 => Tracked::Presumed,
        (Tracked::Presumed, VirtualRouterState::Backup | VirtualRouterState::Master) => Tracked::Unanswered,
    }
}

fn state_of(scripts: &Scripts, name: &str) -> Tracked {
    scripts.get(name).map_or(Tracked::Unanswered, |told| told.state)
}

impl Failover {
    /// A script counts differently from now on; `said`: what its last run came to. One that nobody tracks is ignored: it
    /// was told before a reload came through.
    pub(super) fn tracked(&mut self, script: String, state: Tracked, said: String) {
        if self.priorities_with(&script).is_empty() {
            return;
        }
        let before = state_of(&self.scripts, &script);
        self.scripts.insert(script.clone(), Told { state, said: said.clone() });
        if before == state {
            return;
        }
        let priorities = self.priorities_with(&script);
        self.survey();
        let after = self.priorities_with(&script);
        let changes: Vec<String> = priorities
            .iter()
            .zip(&after)
            .filter(|(before, after)| before != after)
            .map(|((name, before), (_, after))| format!("{name}: priority {before} to {after}"))
            .collect();
        let severity = match state {
            Tracked::Up | Tracked::Unanswered | Tracked::Presumed => Severity::Notice,
            Tracked::Down | Tracked::LeftOut => Severity::Warning,
        };
        let mut fact = Fact::new(EventKind::Script, severity, script).to(word(state)).reason(said);
        fact.from = (word(before) != word(Tracked::Unanswered)).then(|| word(before).to_owned());
        if !changes.is_empty() {
            fact = fact.detail(changes.join(", "));
        }
        self.report(fact);
    }

    /// Forgets what scripts said that this configuration does not track: they are not run any more, and nothing of it is
    /// true when they are tracked again.
    pub(super) fn forget_untracked(&mut self, configuration: &Configuration) {
        let tracks = |name: &str| {
            configuration.virtual_routers.iter().any(|router| router.track_scripts.iter().any(|s| s.name == name))
        };
        self.scripts.retain(|name, _| tracks(name));
    }

    /// Instances that track a script, with their priorities.
    fn priorities_with(&self, script: &str) -> Vec<(String, u8)> {
        let tracks = |r: &&Router| r.config.track_scripts.iter().any(|s| s.name == script);
        let priority = |r: &Router| (r.config.name.clone(), r.instance.parameters().priority.get());
        self.routers.iter().filter(tracks).map(priority).collect()
    }

    /// Sets a router's priority by its scripts. Gives the reason of a FAULT.
    pub(super) fn weigh(&mut self, i: usize) -> Option<String> {
        let router = self.routers.get_mut(i)?;
        router.weighed = weighed(router, &self.scripts);
        router.instance.set_priority(router.parameters().priority);
        let found = |is: fn(&TrackScript, Tracked) -> bool| {
            router.config.track_scripts.iter().find(|script| is(script, counts(router, script, &self.scripts))).cloned()
        };
        let waits = found(|script, state| script.weight == 0 && state == Tracked::Unanswered);
        let bad = found(is_fault);
        let was = std::mem::replace(&mut router.unanswered, waits.map(|script| script.name));
        let news = router.unanswered.as_ref().filter(|name| was.as_ref() != Some(*name));
        if let (Some(name), true) = (news, router.is_fresh()) {
            router.reason = format!("waits for the first answer of script {name}");
        }
        let bad = bad?;
        let said = self.scripts.get(&bad.name).map_or("", |told| told.said.as_str());
        let how = if bad.reverse { "succeeds, and is tracked with reverse" } else { "fails" };
        Some(format!("script {} {how}: {said}", bad.name))
    }

    /// Scripts that fail, or can't be run, as far as somebody tracks them.
    pub(super) fn script_warnings(&self) -> impl Iterator<Item = Warning> {
        self.scripts.iter().filter_map(|(script, told)| {
            let concerned: Vec<String> = self.priorities_with(script).into_iter().map(|(name, _)| name).collect();
            let (code, message, next) = match told.state {
                _ if concerned.is_empty() => return None,
                Tracked::Up | Tracked::Unanswered | Tracked::Presumed => return None,
                Tracked::Down => (
                    "script-failing",
                    format!("it fails: {}", told.said),
                    format!("mend what it watches, or the script; tracked by {}", concerned.join(", ")),
                ),
                Tracked::LeftOut => (
                    "script-left-out",
                    format!("it can't be run: {}", told.said),
                    format!(
                        "mend it and reload or restart lvsdeck; until then {} behaves as if it were not tracked, as with keepalived",
                        concerned.join(", ")
                    ),
                ),
            };
            Some(Warning { code: code.to_owned(), subject: script.clone(), message, next })
        })
    }
}

/// The state as events have it.
const fn word(state: Tracked) -> &'static str {
    match state {
        Tracked::Unanswered | Tracked::Presumed => "unanswered",
        Tracked::Up => "up",
        Tracked::Down => "down",
        Tracked::LeftOut => "left-out",
    }
}

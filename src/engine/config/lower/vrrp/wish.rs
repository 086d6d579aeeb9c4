//! The wish to lead: `state`, `preempt`, `preempt_delay`, and which of two words that differ counts.

use super::super::super::diagnostic::{Problem, quoted};
use super::super::super::schema::{Context, Entry};
use super::super::super::source::Span;
use super::super::super::suggest::nearest;
use crate::engine::model::{Priority, StartState};
use std::time::Duration;

/// What `state` says; none, and told, where it is no state.
pub(super) fn start_state(cx: &mut Context, state: &str, entry: &Entry) -> Option<StartState> {
    match state {
        "MASTER" => return Some(StartState::Master),
        "BACKUP" => return Some(StartState::Backup),
        _ => {}
    }
    let second = cx.words(entry.statement).into_iter().nth(2);
    let meant =
        second.filter(|_| matches!(state, "=" | ":")).map(|word| format!("write state {word}, without the {state}"));
    let help = meant.or_else(|| nearest(state, ["MASTER", "BACKUP"]).map(|meant| format!("did you mean {meant}?")));
    let message = format!("state {} is unknown; BACKUP is used, as keepalived does", quoted(state));
    cx.report.add(Problem::warning(entry.value_at(1), "unknown-value", message).help_if(help));
    None
}

/// `state` is a wish, and the priority decides: says so where the two go different ways.
pub(super) fn wished_state(cx: &mut Context, state: Option<StartState>, priority: Option<Priority>, at: Span) {
    let (message, help) = match (state, priority) {
        (Some(StartState::Master), None) => (
            "state MASTER without priority: the priority is 255, as in keepalived, and nothing that is tracked counts"
                .to_owned(),
            "write priority 150, say, and a lower one on the other nodes",
        ),
        (Some(StartState::Master), Some(priority)) if priority < Priority::DEFAULT => (
            format!("state MASTER with priority {priority}: a node that names no priority has 100, and takes over"),
            "give the node that should be master the highest priority of all",
        ),
        (Some(StartState::Backup), Some(priority)) if priority.is_owner() => (
            "state BACKUP with priority 255: the owner of an address becomes master whatever its state says".to_owned(),
            "write a priority below those of the other nodes",
        ),
        _ => return,
    };
    cx.report.add(Problem::warning(at, "state-and-priority", message).help(help));
}

/// A word that says the contrary of one above.
pub(super) fn otherwise(cx: &mut Context, before: Option<Span>, entry: &Entry) {
    if let Some(at) = before {
        let (before, line) = (cx.sources.word(at), cx.line_of(at));
        let message = format!("{} after {before} of {line}: this later one counts", entry.keyword.word);
        cx.report.add(Problem::warning(entry.at, "given-twice", message).help("remove one of the two"));
    }
}

/// What several `state` words come to: `MASTER` counts, wherever it stands.
pub(super) fn stated(
    cx: &mut Context,
    (before, at): (Option<StartState>, Option<Span>),
    now: Option<StartState>,
    entry: &Entry,
) -> Option<StartState> {
    let (Some(old), Some(new), Some(at)) = (before, now, at) else { return now.or(before) };
    if old == new {
        return now;
    }
    let message =
        format!("state stands in {} before; MASTER counts, whichever comes first, as in keepalived", cx.line_of(at));
    cx.report.add(Problem::warning(entry.at, "given-twice", message).help("remove one of them"));
    Some(StartState::Master)
}

/// `preempt_delay`, where it has something to delay.
pub(super) fn preempt_delay(
    cx: &mut Context,
    (delay, at): (Duration, Span),
    state: Option<StartState>,
    (priority, preempt): (Priority, bool),
) -> Duration {
    let why = match state {
        _ if delay.is_zero() => return delay,
        _ if priority.is_owner() => "priority 255",
        Some(StartState::Master) => "state MASTER",
        _ if !preempt => "nopreempt",
        _ => return delay,
    };
    let message = format!("preempt_delay does not go with {why}; it is ignored, as keepalived does");
    let help = if preempt { "write state BACKUP on all nodes to use preempt_delay" } else { "remove one of the two" };
    cx.report.add(Problem::warning(at, "preempt-delay-ignored", message).help(help));
    Duration::ZERO
}

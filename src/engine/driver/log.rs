//! Events as log lines, including those that existing alerts look for: `(VI_1) Entering MASTER STATE`.
//!
//! The log is a reader of the journal like any other, on a thread of its own: a terminal that was stopped with Ctrl-S, or a
//! full disk, holds up the log and nothing else.

use super::shared::Shared;
use crate::engine::event::{Event, EventKind, Severity};

/// Writes events to the log until the journal is closed.
pub fn follow(shared: &Shared) {
    let mut seen = shared.before_run();
    while let Some(events) = shared.follow(seen) {
        for event in &events {
            write(event);
            seen = event.seq;
        }
    }
}

fn write(event: &Event) {
    let (line, kind) = (line(event), event.kind.name());
    match event.severity {
        Severity::Info | Severity::Notice => tracing::info!(seq = event.seq, kind, "{line}"),
        Severity::Warning => tracing::warn!(seq = event.seq, kind, "{line}"),
        Severity::Error => tracing::error!(seq = event.seq, kind, "{line}"),
    }
}

/// The sentence of an event.
fn line(event: &Event) -> String {
    let mut line = match (event.kind, event.from.as_deref(), event.to.as_deref()) {
        (EventKind::EngineStarted, ..) => format!("lvsdeck {} started on {}", env!("CARGO_PKG_VERSION"), event.subject),
        (EventKind::EngineStopping, ..) => "lvsdeck stops".to_owned(),
        (EventKind::InstanceState, _, Some(to)) => format!("({}) Entering {to} STATE", event.subject),
        (_, Some(from), Some(to)) => format!("{}: {from} -> {to}", event.subject),
        (_, None, Some(to)) => format!("{}: {to}", event.subject),
        (_, _, None) => event.subject.clone(),
    };
    for part in [&event.reason, &event.detail].into_iter().flatten() {
        line.push_str(": ");
        line.push_str(part);
    }
    if let Some(who) = &event.who {
        line.push_str(", by ");
        line.push_str(who);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::Fact;
    use std::time::SystemTime;

    #[test]
    fn a_transition_reads_as_existing_alerts_expect() {
        let fact =
            Fact::new(EventKind::InstanceState, Severity::Notice, "VI_1").change("BACKUP", "MASTER").reason("silence");
        let event = Event::stamp(fact, 1, SystemTime::UNIX_EPOCH, 0);
        assert_eq!(line(&event), "(VI_1) Entering MASTER STATE: silence");
    }
}

//! `ctl events`: what happened, and what happens.

use super::CtlError;
use super::print::{Page, Style};
use crate::engine::{EngineHandle, Event, Severity};
use std::time::Duration;

/// All that the engine keeps.
const ALL: usize = 4096;
/// Shown of the past when only the future was asked for.
const TAIL: usize = 10;
/// How long the engine is asked to wait at a time.
const WAIT: Duration = Duration::from_secs(25);

/// Prints the events since then (all that are kept without it) and, with `follow`, each one that comes.
pub(super) fn print(
    engine: &dyn EngineHandle,
    page: &mut Page<'_>,
    follow: bool,
    json: bool,
    since: Option<Duration>,
) -> Result<(), CtlError> {
    // Age counts on the engine's clock: the events were stamped by it.
    let oldest = match since {
        Some(since) => engine.summary()?.now.checked_sub(since),
        None => None,
    };
    let limit = if follow && since.is_none() { TAIL } else { ALL };
    let mut events = engine.events(0, limit, Duration::ZERO)?;
    let mut after = events.last().map_or(0, |event| event.seq);
    events.retain(|event| oldest.is_none_or(|oldest| event.at >= oldest));
    loop {
        for event in &events {
            if json {
                page.json(event, false)?;
            } else {
                page.line(style(event.severity), &text(event))?;
            }
        }
        page.flush()?;
        if !follow {
            return Ok(());
        }
        events = engine.events(after, ALL, WAIT)?;
        after = events.last().map_or(after, |event| event.seq);
    }
}

const fn style(severity: Severity) -> Style {
    match severity {
        Severity::Info | Severity::Notice => Style::Plain,
        Severity::Warning => Style::Notice,
        Severity::Error => Style::Problem,
    }
}

/// `2026-11-21T14:02:11.000Z  server-health  tcp/10.0.0.1:80 10.0.0.71:80  up > down: timeout`
fn text(event: &Event) -> String {
    let at = humantime::format_rfc3339_millis(event.at);
    let mut text = format!("{at}  {}  {}", event.kind.name(), event.subject);
    let change = match (&event.from, &event.to) {
        (Some(from), Some(to)) => Some(format!("{from} > {to}")),
        (None, one) | (one, None) => one.clone(),
    };
    for (mark, part) in [("  ", &change), (": ", &event.reason), ("  ", &event.detail), ("  by ", &event.who)] {
        if let Some(part) = part {
            text.push_str(mark);
            text.push_str(part);
        }
    }
    text
}

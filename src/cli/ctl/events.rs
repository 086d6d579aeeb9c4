//! `ctl events`: what happened, and what happens.
//!
//! Without `--since` it shows what the engine has in memory; with it, it reaches back into the journal's files, page by page.
//! Events come in the order of their numbers, whatever the clock did. Following goes on across a restart of the engine.

use super::CtlError;
use super::print::{Page, Style};
use crate::engine::{EngineHandle, Event, HandleError, JournalFrom, Severity};
use std::io::Write;
use std::time::{Duration, SystemTime};

/// All that the engine keeps in memory.
const ALL: usize = 4096;
/// Events of one page of the journal.
const PAGE: usize = 256;
/// Shown of the past when only the future was asked for.
const TAIL: usize = 10;
/// How long the engine is asked to wait at a time.
const WAIT: Duration = Duration::from_secs(25);
/// How long one who follows waits for the next engine.
const RETURN: Duration = Duration::from_secs(30);

/// From when on events are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Not older than this.
    Age(Duration),
    /// Not before this moment.
    At(SystemTime),
}

/// What is wanted of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub follow: bool,
    pub json: bool,
    pub since: Option<Since>,
}

/// Prints the events since then (all in memory without it) and, with `follow`, each one that comes.
pub(super) fn print(
    engine: &dyn EngineHandle,
    page: &mut Page<'_>,
    err: &mut dyn Write,
    wanted: Wanted,
) -> Result<(), CtlError> {
    let after = match wanted.since {
        None => {
            let limit = if wanted.follow { TAIL } else { ALL };
            show(page, &engine.events(0, limit, Duration::ZERO)?, wanted.json, 0)?
        }
        Some(since) => {
            let age = match since {
                Since::Age(age) => age,
                // Counted back from the engine's clock, which stamped the events.
                Since::At(at) => engine.summary()?.now.duration_since(at).unwrap_or(Duration::ZERO),
            };
            since_then(engine, page, JournalFrom::Age(age), wanted.json)?
        }
    };
    page.flush()?;
    if wanted.follow { from_now(engine, page, err, wanted.json, after) } else { Ok(()) }
}

/// Prints each event above this number as it comes.
pub(super) fn from_now(
    engine: &dyn EngineHandle,
    page: &mut Page<'_>,
    err: &mut dyn Write,
    json: bool,
    mut after: u64,
) -> Result<(), CtlError> {
    loop {
        after = match engine.events(after, ALL, WAIT) {
            Ok(events) => show_all(engine, page, &events, json, after)?,
            Err(HandleError::NoEngine { socket, cause }) => {
                _ = writeln!(
                    err,
                    "lvsdeck: the engine ended after event {after}; waiting {} s for it",
                    RETURN.as_secs()
                );
                if !engine.returns(RETURN) {
                    return Err(HandleError::NoEngine { socket, cause }.into());
                }
                _ = writeln!(err, "lvsdeck: an engine answers again");
                after
            }
            Err(error) => return Err(error.into()),
        };
        page.flush()?;
    }
}

/// Prints page after page until there is nothing more; gives the last number.
fn since_then(
    engine: &dyn EngineHandle,
    page: &mut Page<'_>,
    mut from: JournalFrom,
    json: bool,
) -> Result<u64, CtlError> {
    loop {
        let found = engine.journal(from, PAGE)?;
        if found.events.is_empty() {
            return Ok(match from {
                JournalFrom::After(after) => after,
                JournalFrom::Age(_) => found.newest,
            });
        }
        from = JournalFrom::After(show(page, &found.events, json, 0)?);
    }
}

/// Prints what came; where more came than the memory holds, the journal's files have what is between.
fn show_all(
    engine: &dyn EngineHandle,
    page: &mut Page<'_>,
    events: &[Event],
    json: bool,
    after: u64,
) -> Result<u64, CtlError> {
    match events.first() {
        Some(first) if after > 0 && first.seq > after + 1 => since_then(engine, page, JournalFrom::After(after), json),
        Some(_) | None => show(page, events, json, after),
    }
}

/// Prints events; gives the last number, or `after` without one.
fn show(page: &mut Page<'_>, events: &[Event], json: bool, after: u64) -> Result<u64, CtlError> {
    for event in events {
        if json {
            page.json(event, false)?;
        } else {
            page.line(style(event.severity), &text(event))?;
        }
    }
    Ok(events.last().map_or(after, |event| event.seq))
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
    let mut text = format!("{at}  {}  {}", event.kind.name(), event.about());
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

//! `ctl record`: writes what the engine remembers, and then what happens, into a file for `lvsdeck replay`.
//!
//! 1. the header and the first status, then the history: totals and instances in full, services with ten seconds a point;
//! 2. the events of the last day;
//! 3. the status, and every interval what changed in it, with the events between;
//! 4. after the time, Ctrl-C, the size, or the engine's end: a last line that says why. A file that was cut off reads up to there.
//!
//! The file is the user's alone, and none is overwritten without being told. It costs the engine one status an interval.

use super::CtlError;
use super::args::RecordArgs;
use super::print::{Page, Style};
use super::record_file::{Lines, create};
use crate::engine::{
    EngineHandle, HandleError, HistoryQuery, JournalFrom, RecordingEncoder, RecordingEntry, RecordingHeader,
};
use std::io::BufWriter;
use std::time::{Duration, SystemTime};

/// Events of one page of the journal.
const PAGE: usize = 256;
/// How far back events and history reach.
const BEFORE: Duration = Duration::from_hours(24);
/// Longest wait at a time, so that Ctrl-C is seen.
const LOOK: Duration = Duration::from_millis(250);

/// What a recorder needs of the world: the time since it began, a pause, and whether it is to stop.
pub(super) struct World<'a> {
    pub elapsed: &'a dyn Fn() -> Duration,
    pub pause: &'a dyn Fn(Duration),
    pub stop: &'a dyn Fn() -> bool,
}

/// Records until the end.
pub(super) fn record(
    args: &RecordArgs,
    engine: &dyn EngineHandle,
    page: &mut Page<'_>,
    world: &World<'_>,
) -> Result<(), CtlError> {
    let summary = engine.summary()?;
    let mut file = Lines { to: BufWriter::new(create(args)?), written: 0, path: &args.file };
    let interval = u64::try_from(args.interval.as_millis()).unwrap_or(u64::MAX);
    file.line(&RecordingHeader::new(&summary.node, summary.now, interval))?;
    // The first status comes first, so that one that is cut at once has a moment to show.
    let (mut encoder, mut upto) = (RecordingEncoder::default(), summary.last_event);
    match tick(engine, &mut file, &mut encoder, Duration::ZERO, &mut upto) {
        Ok(()) | Err(CtlError::Engine(HandleError::Rejected { status: 503, .. })) => {}
        Err(error) => return Err(error),
    }
    history(engine, &mut file)?;
    let mut after = events(engine, &mut file, JournalFrom::Age(BEFORE))?.unwrap_or(summary.last_event);
    page.line(Style::Plain, &format!("recording {} into {}; Ctrl-C ends it", summary.node, args.file.display()))?;
    page.flush()?;
    let begun = (world.elapsed)();
    let elapsed = || (world.elapsed)().saturating_sub(begun);
    let mut due = Duration::ZERO;
    let end = loop {
        match tick(engine, &mut file, &mut encoder, elapsed(), &mut after) {
            // One that has no place for us at the moment: the next status has what changed meanwhile.
            Ok(()) | Err(CtlError::Engine(HandleError::Rejected { status: 503, .. })) => {}
            Err(CtlError::Engine(HandleError::NoEngine { .. } | HandleError::TimedOut(_))) => break "engine",
            Err(error) => return Err(error),
        }
        due = (due + args.interval).max(elapsed());
        wait(engine, due, &elapsed, world, after);
        if (world.stop)() {
            break "asked";
        }
        if args.time.is_some_and(|time| elapsed() >= time) {
            break "time";
        }
        if file.written >= args.max_size {
            break "size";
        }
    };
    let at = summary.now + elapsed();
    file.line(&RecordingEntry::End { ms: millis(elapsed()), at, end: end.to_owned() })?;
    file.flush()?;
    let size = file.written.div_ceil(1024);
    let what = format!("recorded {} s into {}, {size} KiB", elapsed().as_secs(), args.file.display());
    match end {
        "engine" => Err(CtlError::Undone(format!("the engine ended; {what}, which is whole"))),
        "size" => page.line(Style::Notice, &format!("{what}: that is --max-size")),
        _ => page.line(Style::Plain, &what),
    }
}

/// What the engine remembers of how it went.
fn history(engine: &dyn EngineHandle, file: &mut Lines<'_>) -> Result<(), CtlError> {
    let status = engine.status()?;
    let summary_now = engine.summary()?.now;
    let day = |subject: &str| HistoryQuery {
        from: Some(summary_now.checked_sub(BEFORE).unwrap_or(SystemTime::UNIX_EPOCH)),
        ..hour(subject)
    };
    let mut wanted = vec![day("total"), hour("total")];
    for router in &status.virtual_routers {
        let subject = format!("vrrp/{}", router.name);
        wanted.extend([day(&subject), hour(&subject)]);
    }
    let services = status.virtual_servers.iter().map(|service| service.key.to_string());
    wanted.extend(services.map(|subject| HistoryQuery { step: Some(10), ..hour(&subject) }));
    for query in wanted {
        // A subject that memory has no room for is left out here too.
        if let Ok(history) = engine.history(&query)? {
            file.line(&RecordingEntry::History { history })?;
        }
    }
    Ok(())
}

fn hour(subject: &str) -> HistoryQuery {
    HistoryQuery { subject: subject.to_owned(), ..HistoryQuery::default() }
}

/// Writes events page by page until there is nothing more; gives the last number.
fn events(engine: &dyn EngineHandle, file: &mut Lines<'_>, mut from: JournalFrom) -> Result<Option<u64>, CtlError> {
    let mut last = None;
    loop {
        let found = engine.journal(from, PAGE)?;
        let Some(newest) = found.events.last() else { return Ok(last) };
        last = Some(newest.seq);
        from = JournalFrom::After(newest.seq);
        for event in found.events {
            file.line(&RecordingEntry::Event { event })?;
        }
    }
}

fn tick(
    engine: &dyn EngineHandle,
    file: &mut Lines<'_>,
    encoder: &mut RecordingEncoder,
    elapsed: Duration,
    after: &mut u64,
) -> Result<(), CtlError> {
    let status = engine.status()?;
    if status.last_event > *after {
        *after = events(engine, file, JournalFrom::After(*after))?.unwrap_or(status.last_event);
    }
    let now = engine.summary()?.now;
    let entry = encoder.status(millis(elapsed), now, &status).map_err(|error| CtlError::Undone(error.to_string()))?;
    file.line(&entry)?;
    file.flush()
}

/// Waits until `due` in the engine, so that its end is noticed. It ends the wait early when something happens or it is busy:
/// then there is a pause, so that a storm of events does not become one of questions.
fn wait(engine: &dyn EngineHandle, due: Duration, elapsed: &dyn Fn() -> Duration, world: &World<'_>, after: u64) {
    let mut seen = after;
    loop {
        let rest = due.saturating_sub(elapsed());
        if rest.is_zero() || (world.stop)() {
            return;
        }
        match engine.events(seen, 1, rest.min(LOOK)) {
            Ok(events) => {
                let Some(newest) = events.last() else { continue };
                seen = newest.seq;
            }
            Err(HandleError::NoEngine { .. } | HandleError::TimedOut(_)) => return,
            Err(_) => {}
        }
        (world.pause)(rest.min(LOOK));
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

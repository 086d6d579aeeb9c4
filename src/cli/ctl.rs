//! `lvsdeck ctl`: one act on a running engine.
//!
//! Exit codes: 0 done, 1 refused or failed with the reason on standard error, 2 wrong use (clap's own), 3 no engine
//! answers, 6 one does not answer in time. What was asked for goes to standard output, everything else to standard error.

mod act;
mod args;
mod connections;
mod diff;
mod events;
mod fragment;
mod overview;
mod print;
mod record;
mod record_file;
mod sysctls;
mod values;

pub use args::{CtlArgs, Verb};
pub use connections::{ConnectionsArgs, Order};
pub use events::Since;

use crate::api::Client;
use crate::engine::{EngineHandle, HandleError};
use print::{Page, Style};
use record::World;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// Why a verb did not end well.
#[derive(Debug, thiserror::Error)]
enum CtlError {
    /// The engine did not answer, or refused the request.
    #[error(transparent)]
    Engine(#[from] HandleError),
    /// The engine refused the command or failed in it.
    #[error("{0}")]
    Undone(String),
    /// Standard output went away or is full.
    #[error("can't write to standard output: {0}")]
    Output(#[from] io::Error),
}

/// What to do where an engine is there and does not answer.
const LATE: &str = "a command may still be done: look at `lvsdeck ctl status` and `lvsdeck ctl events` before you give it again; \
                    the log says what the engine waits for";

impl CtlError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Engine(HandleError::NoEngine { .. }) => 3,
            // No other command of lvsdeck has this code: what was asked for may be done or not.
            Self::Engine(error) if error.is_late() => 6,
            Self::Engine(
                HandleError::NotPermitted { .. }
                | HandleError::TimedOut(_)
                | HandleError::Rejected { .. }
                | HandleError::Unreadable(_),
            )
            | Self::Undone(_) => 1,
            Self::Output(error) => u8::from(error.kind() != ErrorKind::BrokenPipe),
        }
    }
    fn next(&self) -> Option<&str> {
        match self {
            Self::Engine(error) if error.is_late() => Some(LATE),
            Self::Engine(HandleError::Rejected { next, .. }) => Some(next),
            Self::Engine(HandleError::NoEngine { .. }) => {
                Some("start one with `lvsdeck run -f FILE`, or name its socket with --socket")
            }
            Self::Engine(_) | Self::Undone(_) | Self::Output(_) => None,
        }
    }
}

/// Does what `args` say with the engine that listens on `socket`, on standard output; gives the exit code.
pub fn run(args: &CtlArgs, socket: &Path, color: bool) -> u8 {
    // A status is megabytes of short lines: one write each would be a system call each.
    let (out, err) = (&mut BufWriter::new(io::stdout().lock()), &mut io::stderr());
    match Client::connect(socket) {
        Ok(engine) => {
            let process = if args.stops() { engine.process() } else { None };
            match run_on(args, &engine, color, out, err) {
                0 if args.stops() => {
                    act::await_end(&engine, process.as_ref()).map_or_else(|error| report(&error, err), |()| 0)
                }
                code => code,
            }
        }
        Err(error) => report(&error.into(), err),
    }
}

/// The same on a socket's client: the one who records can be stopped.
fn run_on(args: &CtlArgs, engine: &Client, color: bool, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let asked = Arc::new(AtomicBool::new(false));
    if let Verb::Record(_) = args.verb {
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // A signal that can't be caught ends the recording without its last line; it reads all the same.
            _ = signal_hook::flag::register(signal, Arc::clone(&asked));
        }
    }
    let (elapsed, stop) = (|| engine.age(), || asked.load(Ordering::Relaxed));
    let world = World { elapsed: &elapsed, pause: &|time| engine.pause(time), stop: &stop };
    run_in(args, engine, &world, color, out, err)
}

/// The same with any engine and any output; time is the engine's.
pub fn run_with(
    args: &CtlArgs,
    engine: &dyn EngineHandle,
    color: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let begun = engine.summary().map_or(SystemTime::UNIX_EPOCH, |summary| summary.now);
    let elapsed = || engine.summary().map_or(Duration::MAX, |now| now.now.duration_since(begun).unwrap_or_default());
    run_in(args, engine, &World { elapsed: &elapsed, pause: &|_| {}, stop: &|| false }, color, out, err)
}

/// The overview, or the status as a line of JSON, and unless `once` what happens from now on, a line each.
pub fn follow(
    engine: &dyn EngineHandle,
    json: bool,
    once: bool,
    color: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let mut page = Page::new(out, color);
    let mut print = || {
        let status = engine.status()?;
        if json {
            page.json(&*status, false)?;
        } else {
            overview::print(engine, &mut page)?;
        }
        page.flush()?;
        if once { Ok(()) } else { events::from_now(engine, &mut page, err, json, status.last_event) }
    };
    let done = print();
    done.map_or_else(|error| report(&error, err), |()| 0)
}

fn run_in(
    args: &CtlArgs,
    engine: &dyn EngineHandle,
    world: &World<'_>,
    color: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let mut page = Page::new(out, color);
    let done = match &args.verb {
        Verb::Status { json: false } => overview::print(engine, &mut page),
        Verb::Status { json: true } => engine.status().map_err(CtlError::from).and_then(|s| page.json(&*s, true)),
        Verb::Events { follow, json, since } => {
            let wanted = events::Wanted { follow: *follow, json: *json, since: *since };
            events::print(engine, &mut page, err, wanted)
        }
        Verb::Record(record) => record::record(record, engine, &mut page, world),
        Verb::Connections(wanted) => connections::print(wanted, engine, &mut page),
        Verb::Sysctls { json } => sysctls::print(engine, &mut page, *json),
        Verb::Diff { fragment: true, .. } => fragment::print(engine, &mut page),
        Verb::Diff { json, .. } => diff::print(engine, &mut page, *json),
        Verb::Act(act) => act::perform(act, engine, &mut page),
    };
    let done = done.and(page.flush());
    done.map_or_else(|error| report(&error, err), |()| 0)
}

fn report(error: &CtlError, err: &mut dyn Write) -> u8 {
    let code = error.exit_code();
    if code != 0 {
        let mut page = Page::new(err, false);
        // when standard error is gone the exit code is all there is
        let _ = page.line(Style::Plain, &format!("lvsdeck: {error}"));
        if let Some(next) = error.next() {
            let _ = page.line(Style::Plain, &format!("  next: {next}"));
        }
    }
    code
}

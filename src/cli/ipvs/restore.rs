//! `-R`: the lines of standard input, each a command line.
//!
//! As ipvsadm has it, each line is done whatever became of those before, and the exit code is the last line's; wrong use
//! ends it. Changes are sent to the kernel many at a time; whatever is not a change waits for them.
//!
//! `--atomic`: all lines are read first and tried on a copy of the table; then the kernel is changed by the difference. Should
//! it refuse one operation, those before are undone.

use super::Session;
use super::fault::{Fault, REFUSED};
use super::request::{Change, Request, parse};
use crate::engine::{IpvsOp, IpvsTable, Ownership, Service, ServiceEntry, ipvs_plan};
use std::io::BufRead;

/// Changes that are collected before they are sent.
const PENDING: usize = 1024;

/// Does the lines; the exit code.
pub fn restore(session: &mut Session<'_>, input: &mut dyn BufRead) -> Result<u8, Fault> {
    let mut pending = Pending::default();
    let mut lines = Lines::new(input);
    while let Some(line) = lines.next()? {
        let code = match line.request {
            Ok(Request::Change(change)) if change.keep.is_none() => {
                pending.add(session, line.number, change);
                continue;
            }
            Ok(request) => {
                pending.send(session);
                session.perform(&request)
            }
            Err(fault) => {
                pending.send(session);
                Err(fault)
            }
        };
        pending.last = match code {
            Ok(code) => code,
            Err(fault) => {
                session.complain(&format!("line {}: {fault}", line.number));
                if fault.ends {
                    return Err(Fault::closed(fault.code));
                }
                fault.code
            }
        };
        if session.ended {
            return Ok(pending.last);
        }
    }
    pending.send(session);
    Ok(pending.last)
}

/// Changes on their way, and how the last line that was done ended.
#[derive(Default)]
struct Pending {
    lines: Vec<usize>,
    ops: Vec<IpvsOp>,
    last: u8,
}

impl Pending {
    fn add(&mut self, session: &mut Session<'_>, line: usize, change: Change) {
        session.warn_of_port(&change);
        self.lines.push(line);
        self.ops.push(change.op);
        if self.ops.len() >= PENDING {
            self.send(session);
        }
    }

    fn send(&mut self, session: &mut Session<'_>) {
        if self.ops.is_empty() {
            return;
        }
        let ends = session.kernel.apply_all(&self.ops);
        for ((end, line), op) in ends.into_iter().zip(&self.lines).zip(&self.ops) {
            self.last = match end {
                Ok(()) => {
                    session.touched.push(op.service());
                    0
                }
                Err(refusal) => {
                    session.complain(&format!("line {line}: {refusal}"));
                    REFUSED
                }
            };
        }
        self.lines.clear();
        self.ops.clear();
    }
}

/// A line that was read.
struct Line {
    number: usize,
    request: Result<Request, Fault>,
}

/// Lines that say something.
struct Lines<'a> {
    input: &'a mut dyn BufRead,
    number: usize,
    bytes: Vec<u8>,
}

impl<'a> Lines<'a> {
    fn new(input: &'a mut dyn BufRead) -> Self {
        Self { input, number: 0, bytes: Vec::new() }
    }

    fn next(&mut self) -> Result<Option<Line>, Fault> {
        loop {
            self.bytes.clear();
            if self.input.read_until(b'\n', &mut self.bytes)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            let text = String::from_utf8_lossy(&self.bytes);
            let text = text.split('\0').next().unwrap_or_default();
            let mut words: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
            if words.first().is_some_and(|word| word == "ipvsadm") {
                words.remove(0);
            }
            if words.is_empty() {
                continue;
            }
            return Ok(Some(Line { number: self.number, request: parse(&words) }));
        }
    }
}

/// All lines or none.
pub fn restore_atomically(session: &mut Session<'_>, input: &mut dyn BufRead) -> Result<u8, Fault> {
    let before = table(session.kernel.list()?);
    let mut after = before.clone();
    let mut lines = Lines::new(input);
    while let Some(Line { number, request }) = lines.next()? {
        let nothing = |cause: &dyn std::fmt::Display| format!("line {number}: {cause}; nothing was changed");
        match request {
            Ok(Request::Clear) => after.services.clear(),
            Ok(Request::Change(change)) if change.keep.is_none() => {
                session.warn_of_port(&change);
                after.apply(&change.op).map_err(|refusal| Fault::unreadable(nothing(&refusal)))?;
            }
            Ok(_) => return Err(Fault::wrong(nothing(&"only -A, -E, -D, -a, -e, -d and -C can be undone"))),
            Err(fault) => return Err(Fault { message: nothing(&fault.message), ..fault }),
        }
    }
    match change(session, &before, &after) {
        Ok(()) => Ok(0),
        Err((done, cause)) => {
            let now = table(session.kernel.list()?);
            let back = change(session, &now, &before);
            let undone = match back {
                Ok(()) => format!("the {done} changes before were undone"),
                Err((_, why)) => format!("the {done} changes before could not all be undone: {why}"),
            };
            Err(Fault::unreadable(format!("{cause}; {undone}")))
        }
    }
}

/// Makes `wanted` out of `found`; at a refusal how many changes were done, and the refusal.
fn change(session: &mut Session<'_>, found: &IpvsTable, wanted: &IpvsTable) -> Result<(), (usize, String)> {
    let all = found.services.iter().map(|(key, service)| (*key, service.destinations.keys().copied()));
    let owned: Ownership = all.collect();
    let plan = ipvs_plan(wanted, found, &owned);
    for (at, chunk) in plan.chunks(PENDING).enumerate() {
        let ends = session.kernel.apply_all(chunk);
        session.touched.extend(chunk.iter().map(IpvsOp::service));
        let mut refused = ends.iter().filter_map(|end| end.as_ref().err());
        if let Some(refusal) = refused.next() {
            let done = ends.iter().filter(|end| end.is_ok()).count();
            return Err((at * PENDING + done, refusal.to_string()));
        }
    }
    Ok(())
}

fn table(services: Vec<ServiceEntry>) -> IpvsTable {
    let filled = |entry: ServiceEntry| {
        let destinations = entry.servers.into_iter().map(|server| (server.key, server.destination)).collect();
        (entry.key, Service { destinations, ..entry.service })
    };
    IpvsTable { services: services.into_iter().map(filled).collect() }
}

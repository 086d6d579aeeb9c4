//! `-R`: the lines of standard input, each a command line.
//!
//! As ipvsadm has it, each line is done whatever became of those before, and the exit code is the last line's; wrong use
//! ends it. Changes are sent to the kernel many at a time; whatever is not a change waits for them.

use super::fault::{Fault, REFUSED};
use super::request::{Change, Request, parse};
use super::session::Session;
use crate::engine::IpvsOp;
use std::io::BufRead;

/// Changes that are collected before they are sent.
pub const PENDING: usize = 1024;

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
pub struct Line {
    /// Counted from 1.
    pub number: usize,
    /// What it asks for.
    pub request: Result<Request, Fault>,
}

/// Lines that say something.
pub struct Lines<'a> {
    input: &'a mut dyn BufRead,
    number: usize,
    bytes: Vec<u8>,
}

impl<'a> Lines<'a> {
    /// Reads from `input`.
    pub fn new(input: &'a mut dyn BufRead) -> Self {
        Self { input, number: 0, bytes: Vec::new() }
    }

    /// The next line that is not empty; none at the end.
    pub fn next(&mut self) -> Result<Option<Line>, Fault> {
        loop {
            self.bytes.clear();
            if self.input.read_until(b'\n', &mut self.bytes)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            let text = String::from_utf8_lossy(&self.bytes);
            let text = text.split('\0').next().unwrap_or_default();
            let mut words: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
            let names = words.iter().take_while(|word| *word == "ipvsadm").count();
            words.drain(..names);
            if words.is_empty() {
                continue;
            }
            return Ok(Some(Line { number: self.number, request: parse(&words) }));
        }
    }
}

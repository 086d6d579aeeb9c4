//! Finding a place in a journal's file: by halves for a number, from the end for the newest, line by line for the rest.

use crate::engine::event::Event;
use crate::engine::journal::lines::{self, Line, MAX_LINE};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// How much is read at a time.
const WINDOW: usize = MAX_LINE;
/// How much of a file is searched from its end: more than one of ours ever has.
const REACH: u64 = 32 << 20;

/// The end of a file.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// The last number; 0 when no line has one.
    pub last: u64,
    /// The newest events, in order.
    pub events: Vec<Arc<Event>>,
    /// How many lines among them could not be read.
    pub damaged: usize,
}

/// How long the file is, and how long up to the end of its last whole line.
pub(super) fn whole_length(file: &File) -> io::Result<(u64, u64)> {
    let length = file.metadata()?.len();
    let mut end = length;
    while end > length.saturating_sub(REACH) {
        let start = end.saturating_sub(WINDOW as u64);
        let bytes = bytes_at(file, start, usize::try_from(end - start).unwrap_or(WINDOW))?;
        if let Some(newline) = bytes.iter().rposition(|&byte| byte == b'\n') {
            return Ok((length, start + newline as u64 + 1));
        }
        end = start;
    }
    Ok((length, 0))
}

/// The first line, without its end; its beginning when it is too long to be one.
pub(super) fn first_line(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = bytes_at(file, 0, WINDOW)?;
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    bytes.truncate(end);
    Ok(bytes)
}

/// The newest `limit` events before `end`, and the last number even without them. Reads from the end, so that the newest
/// cost the same whatever the length, and everything only where no number is found.
pub(super) fn tail(file: &File, end: u64, limit: usize) -> io::Result<Tail> {
    let mut found = Tail::default();
    let (mut start, mut rest) = (end, Vec::new());
    while start > end.saturating_sub(REACH) && (found.events.len() < limit || found.last == 0) {
        let from = start.saturating_sub(WINDOW as u64);
        let mut bytes = bytes_at(file, from, usize::try_from(start - from).unwrap_or(WINDOW))?;
        start = from;
        bytes.append(&mut rest);
        // The first piece is the end of a line that begins further up, unless this is the beginning.
        let cut = if start == 0 { 0 } else { bytes.iter().position(|&b| b == b'\n').map_or(bytes.len(), |at| at + 1) };
        let lines = bytes.get(cut..).unwrap_or_default();
        for line in lines.split(|&byte| byte == b'\n').rev().filter(|line| !line.is_empty()) {
            take(lines::read(line), limit, &mut found);
        }
        bytes.truncate(cut);
        // No line is longer than a window: what goes on and on is damage.
        rest = if bytes.len() > 2 * MAX_LINE { Vec::new() } else { bytes };
    }
    found.events.reverse();
    Ok(found)
}

fn take(line: Line, limit: usize, found: &mut Tail) {
    match line {
        Line::Event(event) => {
            found.last = found.last.max(event.seq);
            // Read backwards: a number that does not fall belongs to damage.
            let falls = found.events.last().is_none_or(|later| event.seq < later.seq);
            if falls && found.events.len() < limit {
                found.events.push(Arc::new(*event));
            }
        }
        Line::Gap(_, to) => found.last = found.last.max(to),
        Line::Header { .. } => {}
        Line::Damaged => found.damaged += 1,
    }
}

/// The oldest `limit` events above `after`, in order.
pub(super) fn page_of(file: &File, after: u64, limit: usize) -> io::Result<Vec<Arc<Event>>> {
    let mut found: Vec<Arc<Event>> = Vec::new();
    if limit == 0 {
        return Ok(found);
    }
    each_event(file, place(file, after)?, |event| {
        if event.seq > found.last().map_or(after, |last| last.seq) {
            found.push(Arc::new(event));
        }
        found.len() < limit
    })?;
    Ok(found)
}

/// The number of the first event that fulfils the condition.
pub(super) fn first(file: &File, condition: impl Fn(&Event) -> bool) -> io::Result<Option<u64>> {
    let mut found = None;
    each_event(file, 0, |event| {
        found = condition(&event).then_some(event.seq);
        found.is_none()
    })?;
    Ok(found)
}

/// The beginning of a line before which all numbers are at most `after`.
fn place(file: &File, after: u64) -> io::Result<u64> {
    let (mut low, mut high) = (0, file.metadata()?.len());
    while high - low > WINDOW as u64 {
        let middle = low + (high - low) / 2;
        match event_from(file, middle)? {
            Some((at, seq)) if seq <= after && at > low => low = at,
            Some((_, seq)) if seq > after => high = middle,
            // Damage, or nothing more: the lines from here on are read one by one.
            Some(_) | None => break,
        }
    }
    Ok(low)
}

/// The first event that begins after this place and within one window of it: where, and its number.
fn event_from(file: &File, from: u64) -> io::Result<Option<(u64, u64)>> {
    let bytes = bytes_at(file, from, 2 * WINDOW)?;
    let mut at = from;
    // The first piece may be the end of a line.
    for (index, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        if let (true, Some(line)) = (index > 0, line.strip_suffix(b"\n"))
            && let Line::Event(event) = lines::read(line)
        {
            return Ok(Some((at, event.seq)));
        }
        at += line.len() as u64;
    }
    Ok(None)
}

/// Gives every event from a line's beginning on, until `wanted` says no.
fn each_event(file: &File, from: u64, mut wanted: impl FnMut(Event) -> bool) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(WINDOW, file.try_clone()?);
    reader.seek(SeekFrom::Start(from))?;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        // Without its end it is torn, or still being written, or a piece of damage.
        if let Some(whole) = line.strip_suffix(b"\n")
            && let Line::Event(event) = lines::read(whole)
            && !wanted(*event)
        {
            return Ok(());
        }
    }
}

fn bytes_at(file: &File, from: u64, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, from + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

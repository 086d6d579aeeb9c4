//! The journal's files: `journal.jsonl`, which is written, and `journal.old.jsonl`, which it becomes when it is full.
//!
//! [`JournalWriter`] belongs to one thread and is the only one that changes them; [`JournalFiles`] reads them for everybody,
//! a page at a time. Both promise bounded memory whatever stands in a file: a line that can't be read is left out and
//! counted, a last line without its end is cut off, a file that is no journal of this version is set aside. No link is
//! followed, and nobody but this user reads them.

mod error;
mod reader;
mod reserve;
mod search;

pub use error::JournalError;
pub use reader::JournalFiles;
pub use reserve::{Reserve, STEP};

use crate::engine::event::Event;
use crate::engine::journal::lines::{self, Line, VERSION};
use error::refused;
use search::{Tail, first_line, tail, whole_length};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a file ends and the next begins; there are two.
pub const FILE_LIMIT: u64 = 8 << 20;
/// The file that is written.
const CURRENT: &str = "journal.jsonl";
/// The one before it.
const OLD: &str = "journal.old.jsonl";

/// What an earlier run left.
#[derive(Debug, Default)]
pub struct Found {
    /// Its last number.
    pub after: u64,
    /// Its newest events, in order.
    pub events: Vec<Arc<Event>>,
    /// What was wrong with its files and what was done about it, for the operator.
    pub told: Vec<String>,
}

/// The hand that writes.
#[derive(Debug)]
pub struct JournalWriter {
    files: Arc<JournalFiles>,
    node: String,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    length: u64,
}

impl JournalWriter {
    /// For these files, which are not opened yet.
    pub fn new(files: Arc<JournalFiles>, node: &str) -> Self {
        Self { files, node: node.to_owned(), open: None }
    }

    /// Whether it can write.
    pub const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Makes the directory, reads the newest `limit` events and gets ready to go on after them.
    pub fn open(&mut self, limit: usize) -> Result<Found, JournalError> {
        self.check_directory()?;
        let mut found = Found::default();
        let current = self.inspect(CURRENT, limit, &mut found)?;
        let missing = limit.saturating_sub(found.events.len());
        let newer = std::mem::take(&mut found.events);
        self.inspect(OLD, missing, &mut found)?;
        found.events.extend(newer);
        self.open = Some(match current {
            Some(open) => open,
            None => self.create(found.after)?,
        });
        Ok(found)
    }

    /// Sets aside whatever is there, since its numbers are not those of this run, and begins a new file after `after`.
    pub fn begin_anew(&mut self, after: u64) -> Result<(), JournalError> {
        self.open = None;
        self.check_directory()?;
        for name in [OLD, CURRENT] {
            self.set_aside(name)?;
        }
        self.open = Some(self.create(after)?);
        Ok(())
    }

    fn check_directory(&self) -> Result<(), JournalError> {
        let path = &self.files.directory;
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(refused(path, "make the directory"))?;
        let found = fs::symlink_metadata(path).map_err(refused(path, "look at the directory"))?;
        let ours = found.is_dir() && found.uid() == super::host::user() && found.mode() & 0o022 == 0;
        if ours { Ok(()) } else { Err(JournalError::NotOurs { path: path.clone() }) }
    }

    /// Looks at one file, adds what it has to `found`, and gives it ready to be written; none where there is none (any more).
    fn inspect(&self, name: &str, limit: usize, found: &mut Found) -> Result<Option<Open>, JournalError> {
        let path = self.files.path(name);
        let file = match plain(&path, OpenOptions::new().read(true).append(true)) {
            Err(JournalError::Refused { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let read = refused(&path, "read it");
        let (length, whole) = whole_length(&file).map_err(read)?;
        if 0 < whole && whole < length {
            file.set_len(whole).map_err(refused(&path, "cut off its torn last line"))?;
            found.told.push(format!("{}: its last line was torn off in a crash and dropped", path.display()));
        }
        let header = lines::read(&first_line(&file).map_err(refused(&path, "read it"))?);
        let Tail { last, mut events, damaged } = tail(&file, whole, limit).map_err(refused(&path, "read it"))?;
        let is_journal = match header {
            Line::Header { version, after } => {
                found.after = found.after.max(if version == VERSION { after } else { 0 });
                version == VERSION
            }
            Line::Event(_) | Line::Gap(..) | Line::Damaged => last > 0,
        };
        if !is_journal {
            let aside = self.set_aside(name)?;
            let message = if length == 0 {
                format!("{}: empty; a new journal was begun", path.display())
            } else {
                let aside = aside.display();
                format!("{}: not a journal of this version; set aside as {aside}", path.display())
            };
            found.told.push(message);
            return Ok(None);
        }
        if damaged > 0 {
            found.told.push(format!("{}: {damaged} damaged lines were left out", path.display()));
        }
        found.after = found.after.max(last);
        found.events.append(&mut events);
        Ok(Some(Open { file, length: whole }))
    }

    fn set_aside(&self, name: &str) -> Result<PathBuf, JournalError> {
        let _names = self.files.lock();
        let (path, aside) = (self.files.path(name), self.files.path(&format!("{name}.aside")));
        match fs::rename(&path, &aside) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(refused(&path, "set it aside")(error)),
            Ok(()) | Err(_) => Ok(aside),
        }
    }

    fn create(&self, after: u64) -> Result<Open, JournalError> {
        let path = self.files.path(CURRENT);
        let mut file = private(OpenOptions::new().read(true).append(true).create_new(true))
            .open(&path)
            .map_err(refused(&path, "make it"))?;
        let header = lines::header(&self.node, after);
        file.write_all(&header).map_err(refused(&path, "write it"))?;
        // The name outlives a power failure; where a directory can't be synced, only that is lost.
        _ = File::open(&self.files.directory).and_then(|directory| directory.sync_all());
        Ok(Open { file, length: header.len() as u64 })
    }

    /// Appends events, with a line that names what is missing before them. `written` is the last number in the files.
    /// After an error nothing is open, and a part of a line that may be there is cut off by the next
    /// [`open`](Self::open).
    pub fn write(&mut self, written: u64, events: &[Arc<Event>]) -> Result<(), JournalError> {
        let path = self.files.path(CURRENT);
        let mut text = Vec::new();
        let mut last = written;
        for event in events.iter().filter(|event| event.seq > written) {
            if event.seq > last + 1 {
                text.extend(lines::gap(last + 1, event.seq - 1));
            }
            text.extend(lines::event(event));
            last = event.seq;
        }
        let Some(mut open) = self.open.take() else { return Err(JournalError::Vanished { path }) };
        if open.length + text.len() as u64 > self.files.limit {
            open = self.rotate(&open, written)?;
        }
        if let Err(error) = open.file.write_all(&text) {
            _ = open.file.set_len(open.length);
            return Err(refused(&path, "write it")(error));
        }
        open.length += text.len() as u64;
        self.open = Some(open);
        Ok(())
    }

    fn rotate(&self, full: &Open, written: u64) -> Result<Open, JournalError> {
        let (path, old) = (self.files.path(CURRENT), self.files.path(OLD));
        full.file.sync_data().map_err(refused(&path, "write it"))?;
        let _names = self.files.lock();
        fs::rename(&path, &old).map_err(refused(&path, "rename it"))?;
        self.create(written)
    }

    /// Waits until what was written is on the disk, and looks whether the file is still where it was.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        let Some(open) = &self.open else { return Ok(()) };
        let path = self.files.path(CURRENT);
        let synced = open.file.sync_data().map_err(refused(&path, "write it")).and_then(|()| open.is_at(&path));
        if synced.is_err() {
            self.open = None;
        }
        synced
    }

    /// Looks whether the file is still where it was.
    pub fn look(&mut self) -> Result<(), JournalError> {
        let Some(open) = &self.open else { return Ok(()) };
        let there = open.is_at(&self.files.path(CURRENT));
        if there.is_err() {
            self.open = None;
        }
        there
    }
}

impl Open {
    fn is_at(&self, path: &Path) -> Result<(), JournalError> {
        let same = |there: &fs::Metadata| {
            self.file.metadata().is_ok_and(|mine| mine.ino() == there.ino() && mine.dev() == there.dev())
        };
        match fs::symlink_metadata(path) {
            Ok(there) if same(&there) => Ok(()),
            Ok(_) | Err(_) => Err(JournalError::Vanished { path: path.to_owned() }),
        }
    }
}

/// Opens a plain file, never through a link, and never waiting for the other end of a pipe.
fn plain(path: &Path, options: &mut OpenOptions) -> Result<File, JournalError> {
    let file = private(options).open(path).map_err(refused(path, "open it"))?;
    let found = file.metadata().map_err(refused(path, "open it"))?;
    if found.is_file() { Ok(file) } else { Err(JournalError::NotAFile { path: path.to_owned() }) }
}

fn private(options: &mut OpenOptions) -> &OpenOptions {
    options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC)
}

#[cfg(test)]
mod tests;

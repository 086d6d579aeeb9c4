//! The journal's files as everybody reads them: a page at a time, while they are written.

use super::search::{self, page_of};
use super::{CURRENT, FILE_LIMIT, OLD, plain};
use crate::engine::event::Event;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The files of one directory, for readers.
#[derive(Debug)]
pub struct JournalFiles {
    pub(super) directory: PathBuf,
    pub(super) limit: u64,
    /// Held while a file changes its name: a reader that goes from one to the other misses none.
    names: Mutex<()>,
}

impl JournalFiles {
    /// Those of this directory, which need not exist.
    pub fn new(directory: &Path) -> Self {
        Self::with_limit(directory, FILE_LIMIT)
    }

    /// Where they are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn with_limit(directory: &Path, limit: u64) -> Self {
        Self { directory: directory.to_owned(), limit, names: Mutex::default() }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Both files, the older one first, opened at one moment.
    fn open_both(&self) -> Vec<File> {
        let _names = self.lock();
        [OLD, CURRENT].iter().filter_map(|name| plain(&self.path(name), OpenOptions::new().read(true)).ok()).collect()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, ()> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest `limit` events above number `after` that are in the files. Looks for their place, and reads no more.
    pub fn page(&self, after: u64, limit: usize) -> Vec<Arc<Event>> {
        let mut found: Vec<Arc<Event>> = Vec::new();
        for file in self.open_both() {
            let after = found.last().map_or(after, |event| event.seq);
            // a file that can't be read has nothing to give
            let events = page_of(&file, after, limit - found.len()).unwrap_or_default();
            found.extend(events);
            if found.len() >= limit {
                break;
            }
        }
        found
    }

    /// The number of the first event that fulfils the condition. Reads everything before it, in bounded memory.
    pub fn first(&self, condition: impl Fn(&Event) -> bool) -> Option<u64> {
        self.open_both().iter().find_map(|file| search::first(file, &condition).ok().flatten())
    }

    /// The number of the oldest event.
    pub fn oldest(&self) -> Option<u64> {
        self.page(0, 1).first().map(|event| event.seq)
    }
}

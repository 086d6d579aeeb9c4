//! What operators wanted beside the file, on disk: `overrides.json`, for every start until it ends, reboots included.
//!
//! Written whole and renamed into place, after the disk has it; for this user alone; no link is followed. What is there and
//! can't be read is never overwritten: it is set aside first. Times are wall times. A deadline is never further away than it
//! was when it was written, whatever became of the wall clock since.

use super::state;
use crate::engine::balance::ServiceOverrides;
use crate::engine::failover::{Held, Met};
use crate::engine::snapshot::rfc3339;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

const FILE: &str = "overrides.json";
/// What this engine writes and reads.
const VERSION: u32 = 1;
/// Nothing is written that is further away.
const FAR: Duration = Duration::from_hours(100 * 365 * 24);
/// How many files that could not be read are kept.
const ASIDE: usize = 9;

/// Why overrides can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum OverridesError {
    /// What is there can't be read.
    #[error("{path}: can't read what operators wanted before the restart ({why}){aside}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
        /// What became of the file.
        aside: String,
    },
    /// It can't be written.
    #[error("{path}: can't write what operators want down ({source})")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Everything that operators want beside the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overrides {
    /// Of services and their servers.
    pub services: Vec<ServiceOverrides>,
    /// Of instances.
    pub instances: Vec<Held>,
    /// Which other routers were heard, of each instance: not wanted by anybody, and as lasting.
    pub met: Vec<Met>,
}

/// The file's content.
#[derive(Serialize, Deserialize)]
struct Page {
    version: u32,
    written: Stamp,
    services: Vec<ServiceOverrides<Stamp>>,
    instances: Vec<Held<Stamp>>,
    #[serde(default)]
    met: Vec<Met>,
}

/// What is read first.
#[derive(Deserialize)]
struct Edition {
    version: u32,
}

/// A wall time.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
struct Stamp(#[serde(with = "rfc3339")] SystemTime);

/// The file, with what is known of it.
#[derive(Debug)]
pub struct OverridesFile {
    directory: PathBuf,
    /// What is there was not read and is still in its place.
    unread: bool,
}

impl OverridesFile {
    /// The file with its content; none where it can't be read, and why.
    pub fn open(directory: &Path) -> (Self, Overrides, Option<OverridesError>) {
        let mut file = Self { directory: directory.to_path_buf(), unread: false };
        match file.read() {
            Ok(overrides) => (file, overrides, None),
            Err(why) => {
                file.unread = true;
                let aside = file.describe_set_aside();
                let path = directory.join(FILE);
                (file, Overrides::default(), Some(OverridesError::Read { path, why, aside }))
            }
        }
    }

    fn read(&self) -> Result<Overrides, String> {
        let found = state::read(&self.directory.join(FILE));
        let text = match found {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Overrides::default()),
            Err(error) => return Err(error.to_string()),
            Ok(text) => text,
        };
        state::is_ours_alone(&self.directory).map_err(|error| error.to_string())?;
        let Edition { version } = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        if version != VERSION {
            return Err(format!("it is of version {version}, and this lvsdeck reads version {VERSION}"));
        }
        let page: Page = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        let (now, wall) = (Instant::now(), SystemTime::now());
        let read = |Stamp(stamp): Stamp| match stamp.duration_since(wall) {
            Ok(ahead) => now + ahead.min(stamp.duration_since(page.written.0).unwrap_or_default()).min(FAR),
            Err(past) => now.checked_sub(past.duration()).unwrap_or(now),
        };
        Ok(Overrides {
            services: page.services.into_iter().map(|one| one.at(&read)).collect(),
            instances: page.instances.into_iter().map(|one| one.at(&read)).collect(),
            met: page.met,
        })
    }

    /// Writes everything down, in place of what was there. Waits for the disk.
    pub fn save(&mut self, overrides: &Overrides) -> Result<(), OverridesError> {
        let refused = |source| OverridesError::Write { path: self.directory.join(FILE), source };
        state::make(&self.directory).and_then(|()| state::is_ours_alone(&self.directory)).map_err(refused)?;
        if self.unread {
            match self.set_aside() {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(refused(error)),
                // Whatever was there is gone.
                Ok(_) | Err(_) => {}
            }
        }
        let (now, wall) = (Instant::now(), SystemTime::now());
        let stamp = |at: Instant| {
            let (ahead, past) = (at.saturating_duration_since(now), now.saturating_duration_since(at));
            let at = wall.checked_sub(past).unwrap_or(SystemTime::UNIX_EPOCH) + ahead.min(FAR);
            Stamp(at.max(SystemTime::UNIX_EPOCH))
        };
        let Overrides { services, instances, met } = overrides.clone();
        let page = Page {
            version: VERSION,
            written: Stamp(wall),
            services: services.into_iter().map(|one| one.at(&stamp)).collect(),
            instances: instances.into_iter().map(|one| one.at(&stamp)).collect(),
            met,
        };
        let text = serde_json::to_vec_pretty(&page).map_err(|error| refused(io::Error::other(error)))?;
        state::replace(&self.directory, FILE, &text, true).map_err(refused)?;
        self.unread = false;
        Ok(())
    }

    /// Sets the file aside whatever is in it, and says so; for a start that must not follow it.
    pub fn give_up(&mut self) -> String {
        self.unread = true;
        self.describe_set_aside()
    }

    fn describe_set_aside(&mut self) -> String {
        match self.set_aside() {
            Ok(aside) => {
                self.unread = false;
                format!("; it is kept as {}", aside.display())
            }
            Err(error) => format!("; it can't be set aside either ({error}), and nothing is written in its place"),
        }
    }

    /// Moves the file to the first free name.
    fn set_aside(&self) -> io::Result<PathBuf> {
        let free = |name: &PathBuf| fs::symlink_metadata(name).is_err_and(|error| error.kind() == ErrorKind::NotFound);
        let mut names = (0..ASIDE).map(|n| match n {
            0 => self.directory.join(format!("{FILE}.damaged")),
            n => self.directory.join(format!("{FILE}.damaged.{n}")),
        });
        let aside = names.find(free).ok_or_else(|| {
            io::Error::other(format!("{ASIDE} files with .damaged in their names are there: look at them, remove them"))
        })?;
        fs::rename(self.directory.join(FILE), &aside).map(|()| aside)
    }
}

#[cfg(test)]
mod tests;

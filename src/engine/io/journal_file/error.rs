//! Why the journal can't be written, and what to do about it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why the journal can't be written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The system refused.
    #[error("{path}: can't {what} ({source})")]
    Refused {
        /// The file or directory.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What it said.
        source: io::Error,
    },
    /// The directory is not a directory of this user alone.
    #[error("{path}: others than this user may write here")]
    NotOurs {
        /// The directory.
        path: PathBuf,
    },
    /// Something that is no file has the name.
    #[error("{path}: not a plain file")]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// The file was removed or replaced while it was written.
    #[error("{path}: the file was removed or replaced")]
    Vanished {
        /// The file.
        path: PathBuf,
    },
}

impl JournalError {
    /// What the operator can do.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Refused { source, .. } => match source.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room there",
                ErrorKind::ReadOnlyFilesystem => "mount it writable",
                ErrorKind::PermissionDenied => "give the directory to lvsdeck's user",
                _ => "look at the disk (dmesg) and at the directory",
            },
            Self::NotOurs { .. } => "make the directory its user's alone: chown, chmod 700",
            Self::NotAFile { .. } => "remove what has this name: a link is never followed",
            Self::Vanished { .. } => "find out who removes it",
        }
    }
}

pub(super) fn refused(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> JournalError {
    move |source| match source.raw_os_error() {
        Some(libc::ELOOP) => JournalError::NotAFile { path: path.to_owned() },
        _ => JournalError::Refused { path: path.to_owned(), what, source },
    }
}

//! What ends a command line: the exit code, the message, and whether `-R` reads on after it.

use crate::engine::Refusal;
use std::io;

/// Wrong use.
pub const WRONG: u8 = 2;
/// The kernel refused.
pub const REFUSED: u8 = 255;
/// The service to be listed is not there.
pub const NOT_LISTED: u8 = 1;

/// Why a command line was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What to exit with.
    pub code: u8,
    /// What to say; nothing when it is empty.
    pub message: String,
    /// ipvsadm gives up the rest of `-R`'s lines.
    pub ends: bool,
}

impl Fault {
    /// Wrong use, which ends a restore.
    pub fn wrong(message: impl Into<String>) -> Self {
        Self { code: WRONG, message: message.into(), ends: true }
    }
    /// The line can't be read as options; a restore goes on with the next line.
    pub fn unreadable(message: impl Into<String>) -> Self {
        Self { code: REFUSED, message: message.into(), ends: false }
    }
    /// There is no command; ends a restore.
    pub fn no_command() -> Self {
        Self {
            code: REFUSED,
            message: "the first option must be a command such as -A, -a or -L; see --help".to_owned(),
            ends: true,
        }
    }
    /// The service to be listed is not there.
    pub fn not_listed(message: impl Into<String>) -> Self {
        Self { code: NOT_LISTED, message: message.into(), ends: true }
    }
    /// All is done already and nothing more is to be: standard output went away.
    pub const fn closed(code: u8) -> Self {
        Self { code, message: String::new(), ends: true }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::unreadable(refusal.message)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::closed(0);
        }
        Self { code: 1, message: format!("can't read or write: {error}"), ends: true }
    }
}

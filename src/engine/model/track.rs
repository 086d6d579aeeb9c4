//! What instances track beside scripts: interfaces, processes and files, and what each does to a priority.

use serde::Serialize;
use std::time::Duration;

/// What kind of thing is tracked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackKind {
    /// A `vrrp_script`.
    Script,
    /// A `vrrp_track_process`.
    Process,
    /// A `track_file`.
    File,
    /// An interface.
    Interface,
}

impl TrackKind {
    /// For people: `process`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::Process => "process",
            Self::File => "file",
            Self::Interface => "interface",
        }
    }
}

/// A line of `track_script`, `track_process`, `track_file` or `track_interface`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Track {
    /// What.
    pub kind: TrackKind,
    /// Its name.
    pub name: String,
    /// What it does to the priority; 0: failure is FAULT. That of the thing itself where the line names none. A file's
    /// value is multiplied by it.
    pub weight: i32,
    /// The other way round.
    pub reverse: bool,
}

/// How parameters of a process are compared (`param_match`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterMatch {
    /// All of them, one by one.
    Exact,
    /// The first ones; more may follow.
    Partial,
    /// All of them; the last one may be longer than what is written.
    Initial,
}

/// A `vrrp_track_process`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrackedProcess {
    /// Its name.
    pub name: String,
    /// The name of the process, or its command as it was called. Never empty.
    pub command: String,
    /// Its parameters.
    pub parameters: Vec<String>,
    /// How they are compared. With `Exact` and none written, they are not looked at unless `full_command` says so.
    pub parameter_match: Option<ParameterMatch>,
    /// `full_command`: what it was called as is compared, not the name that it has.
    pub full_command: bool,
    /// `weight`, 0 by default: failure is FAULT.
    pub weight: i32,
    /// `reverse` behind it.
    pub reverse: bool,
    /// `quorum`, 1 by default, or 0 where only `quorum_max` is written as 0.
    pub quorum: u32,
    /// `quorum_max`.
    pub quorum_max: Option<u32>,
    /// `fork_delay`: how long enough of them have to run.
    #[serde(serialize_with = "super::dump::seconds")]
    pub fork_delay: Duration,
    /// `terminate_delay`: how long too few of them may.
    #[serde(serialize_with = "super::dump::seconds")]
    pub terminate_delay: Duration,
}

/// A `track_file`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrackedFile {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// `weight`, 1 by default; 0: another number than 0 is FAULT.
    pub weight: i32,
    /// `reverse` behind it.
    pub reverse: bool,
    /// `init_file`: what is written at the start where the file does not exist, and whether also where it does.
    pub start: Option<(i32, bool)>,
}

//! The script runner: a process of its own that runs scripts for the engine, started before the engine gives its
//! privileges up, and the engine's side of it.
//!
//! It keeps what switching users needs; the engine does not. It runs one script a request: in a process group of its own,
//! as the user that is asked for, with a clean environment, nothing on standard input, and a little of its output kept.
//! A script can't stop it: it waits for nothing that a script does, reads whatever is printed and throws most of it away.
//! One that is killed is started again by a process beside it that does nothing else ([`supervise`]).
//! It never decides what to run or what follows from a result, and ends with the engine.

mod client;
mod door;
mod identity;
mod output;
mod place;
mod protocol;
mod serve;
mod task;

pub use client::{Runner, RunnerError, RunnerLink};
pub use door::supervise;
pub use identity::{Identity, UnknownUser};
pub use place::{PlaceError, locate, others_can_change};
pub use protocol::{Ended, How, Job};
pub use serve::serve;

/// The subcommand of this program that is the runner; not for people.
pub const SUBCOMMAND: &str = "script-runner";
/// What scripts find programs in, and what a command without a slash is looked for in.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

//! The two loops and what they share (layer 5): the only place, beside [`io`](super::io), that reads the clock.

pub mod adopt;
pub mod advice;
pub mod balance;
mod connections;
pub mod dataplane;
pub mod embedded;
pub mod failover;
mod history;
pub mod inheritance;
pub mod keeper;
pub mod local;
mod log;
pub mod notifier;
pub mod overrides;
mod past;
pub mod reload;
mod scribe;
pub mod scripts;
pub mod shared;
pub mod source;
pub mod start;
pub mod stop;
pub mod surroundings;
mod synchroniser;
mod undo;
pub mod watch;
pub mod world;

//! The two loops and what they share (layer 5): the only place, beside [`io`](super::io), that reads the clock.

pub mod balance;
pub mod failover;
mod history;
pub mod keeper;
pub mod local;
mod log;
mod past;
mod scribe;
pub mod shared;
pub mod start;
mod world;

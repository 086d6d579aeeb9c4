//! The two loops and what they share (layer 5): the only place, beside [`io`](super::io), that reads the clock.

pub mod balance;
pub mod failover;
pub mod local;
mod log;
mod scribe;
pub mod scripts;
pub mod shared;
pub mod start;
mod world;

//! Which real server a new connection goes to: the kernel's schedulers, thresholds and persistence as a value, without a
//! packet (`net/netfilter/ipvs`; `tests/ipvs_schedule.rs` holds it against the kernel).
//!
//! A [`Pool`] is one service with its servers in the kernel's order, which is the newest first. It counts the connections
//! that it is told of, and never looks at a clock: `now` is an argument.

mod choose;
mod pool;
mod templates;
#[cfg(test)]
mod tests;

pub use choose::SCHEDULED;
pub use pool::{End, Phase, Pool};

//! The balance core in virtual time, against an IPVS in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod commands;
mod kernel;
mod rig;
mod story;

//! The balance core in virtual time, against an IPVS in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod checks;
mod commands;
mod counting;
mod deadline;
mod floor;
mod kernel;
mod mails;
mod maintenance;
mod notices;
mod policy;
mod progress;
mod property;
mod reload;
mod restart;
mod resume;
mod rig;
mod services;
mod several;
mod slow_start;
mod story;
mod suspension;
mod undo;

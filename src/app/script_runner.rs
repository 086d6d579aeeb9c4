//! `lvsdeck script-runner`: the process that runs scripts for an engine. Started by it, not by people.

use super::exit;
use crate::engine::io::runner;
use std::io::Write;

/// Serves until the engine goes. Gives the exit code.
pub fn run() -> u8 {
    match runner::serve() {
        Ok(()) => exit::OK,
        Err(error) => {
            // Whoever read standard error may be gone; the code remains.
            _ = writeln!(std::io::stderr(), "lvsdeck: the process that runs scripts ends: {error}");
            exit::FAILED
        }
    }
}

//! `lvsdeck script-runner`: the processes that run scripts for an engine. Started by it, not by people.

use super::exit;
use crate::engine::io::runner;
use std::io::Write;

/// Serves until the engine goes, or starts one that does whenever it is asked to. Gives the exit code.
pub fn run(worker: bool) -> u8 {
    match if worker { runner::serve() } else { runner::supervise() } {
        Ok(()) => exit::OK,
        Err(error) => {
            // Whoever read standard error may be gone; the code remains.
            _ = writeln!(std::io::stderr(), "lvsdeck: the process that runs scripts ends: {error}");
            exit::FAILED
        }
    }
}

//! `lvsdeck replay FILE`: the console on a recording. No engine runs and none is asked.

use super::exit;
use crate::engine::{EngineHandle, Recording, RecordingError, Replayed};
use crate::ui;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

/// Opens the recording. Gives the exit code.
pub fn open(file: &Path, options: ui::Options) -> u8 {
    let replayed = match read(file) {
        Ok(replayed) => replayed,
        Err(error) => return fail(exit::CONFIGURATION, &format!("{}: {error}", file.display())),
    };
    let options = ui::Options {
        replay: Some(replayed.span()),
        notice: Some(replayed.caveat().unwrap_or_else(|| "space plays, [ ] { } step, 0 goes to the end".to_owned())),
        read_only: true,
        ..options
    };
    let engine: Arc<dyn EngineHandle> = Arc::new(replayed);
    match ui::run(&engine, &options) {
        Ok(_) => exit::OK,
        Err(error) => fail(exit::FAILED, &error.to_string()),
    }
}

fn read(file: &Path) -> Result<Replayed, RecordingError> {
    Replayed::new(Recording::read(BufReader::new(File::open(file)?))?)
}

fn fail(code: u8, error: &str) -> u8 {
    eprintln!("lvsdeck: {error}");
    code
}

//! `lvsdeck watch`: which file gives the names, and which front shows what is seen.

use super::keepalived::{Keepalived, STANDARD_FILE};
use super::{exit, look};
use crate::cli::watch::{WatchArgs, print};
use crate::engine::driver::watch::{Known, Watch};
use crate::engine::model::Configuration;
use crate::engine::{DiagnosticSeverity, EngineHandle, load_configuration};
use crate::ui;
use crate::ui::theme::Depth;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Watches. Gives the exit code.
pub fn run(args: &WatchArgs, color: bool, depth: Option<Depth>) -> u8 {
    let known = match &args.file {
        Some(file) => match read(file) {
            Known { problem: Some(problem), .. } => {
                eprintln!("lvsdeck: {problem}");
                return exit::CONFIGURATION;
            }
            known => known,
        },
        None => found().map_or_else(Known::default, |file| read(&file)),
    };
    let watch: Arc<dyn EngineHandle> = match Watch::begin(known) {
        Ok(watch) => {
            if args.once {
                watch.listen();
            }
            Arc::new(watch)
        }
        Err(error) => {
            eprintln!("lvsdeck: can't watch: {error}");
            return exit::FAILED;
        }
    };
    if args.is_plain() {
        return print(args, watch.as_ref(), color);
    }
    let options = ui::Options { read_only: true, ..look(args.look.clone(), depth) };
    match ui::run(&watch, &options) {
        Ok(_) => exit::OK,
        Err(error) => {
            eprintln!("lvsdeck: {error}");
            if matches!(error, ui::ConsoleError::NotATerminal) {
                eprintln!("  next: `lvsdeck watch --plain` prints lines, `--json` lines of JSON");
            }
            exit::FAILED
        }
    }
}

/// The file that keepalived runs, or its usual one where there is none to ask.
fn found() -> Option<PathBuf> {
    let running = Keepalived::here().map(|keepalived| keepalived.file);
    Some(running.unwrap_or_else(|| PathBuf::from(STANDARD_FILE))).filter(|file| file.exists())
}

fn read(file: &Path) -> Known {
    let path = file.display().to_string();
    let (configuration, problem) = match load_configuration(file) {
        Ok(loaded) => {
            let error = loaded.diagnostics.iter().find(|d| d.severity == DiagnosticSeverity::Error);
            let error = error.map(|e| format!("{}:{}:{}: {}", e.file, e.line, e.column, e.message));
            let problem =
                loaded.configuration.is_none().then(|| error.unwrap_or_else(|| format!("{path}: not understood")));
            (loaded.configuration.unwrap_or_default(), problem)
        }
        Err(error) => (Configuration::default(), Some(error.to_string())),
    };
    Known { file: path, configuration, problem }
}

//! `lvsdeck keys`: the console's table of keys, from the table itself.

use super::exit;
use crate::cli::keys::KeysArgs;
use crate::engine::{Diagnostic, DiagnosticSeverity};
use crate::ui::keymap;
use std::io::Write;

/// What is wrong with the file of the console's keys, as `lvsdeck check` tells it: the engine runs all the same.
pub fn mistake() -> Option<Diagnostic> {
    let error = keymap::choose(None).err()?;
    Some(Diagnostic {
        severity: DiagnosticSeverity::Warning,
        code: "console-settings",
        line: error.line.unwrap_or(0),
        column: usize::from(error.line.is_some()),
        length: 0,
        source_line: String::new(),
        message: if error.line.is_some() { error.why } else { format!("{}: {}", error.path, error.why) },
        help: Some("lvsdeck keys --print writes a file with every key as it is".to_owned()),
        file: error.path,
    })
}

/// Prints the keys that count, or says what is wrong with the file that changes them. Gives the exit code.
pub fn run(args: &KeysArgs) -> u8 {
    let settings = match keymap::choose(args.keys.as_deref()) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("lvsdeck: {error}");
            return exit::CONFIGURATION;
        }
    };
    let text = if args.print { keymap::toml(&settings) } else { keymap::table(&settings.keys) };
    // A reader that went away (`lvsdeck keys | head`) is no failure.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    exit::OK
}

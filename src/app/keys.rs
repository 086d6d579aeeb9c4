//! `lvsdeck keys`: the console's table of keys, from the table itself.

use super::exit;
use crate::cli::keys::KeysArgs;
use crate::engine::{Diagnostic, DiagnosticSeverity};
use crate::ui::keymap;
use crate::ui::mistakes::{Mistake, Mistakes};
use std::io::Write;

/// What is wrong with the file of the console's keys, as `lvsdeck check` tells it: the engine runs all the same.
pub fn mistakes() -> Vec<Diagnostic> {
    let Err(Mistakes { file, all }) = keymap::choose(None) else { return Vec::new() };
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let line_of = |mistake: &Mistake| mistake.line.and_then(|line| text.lines().nth(line - 1)).unwrap_or("");
    let told = |mistake: Mistake| Diagnostic {
        severity: DiagnosticSeverity::Warning,
        code: "console-settings",
        file: file.clone(),
        line: mistake.line.unwrap_or(0),
        column: mistake.line.map_or(0, |_| {
            let line = line_of(&mistake);
            1 + line.chars().count() - line.trim_start().chars().count()
        }),
        length: line_of(&mistake).trim().chars().count(),
        source_line: line_of(&mistake).to_owned(),
        message: if mistake.line.is_some() { mistake.why } else { format!("{file}: {}", mistake.why) },
        help: Some("lvsdeck keys --print writes a file with every key as it is".to_owned()),
    };
    all.into_iter().map(told).collect()
}

/// Prints the keys that count, or says what is wrong with the file that changes them. Gives the exit code.
pub fn run(args: &KeysArgs) -> u8 {
    let settings = match keymap::choose(args.keys.as_deref()) {
        Ok(settings) => settings,
        Err(mistakes) => {
            mistakes.to_string().lines().for_each(|line| eprintln!("lvsdeck: {line}"));
            return exit::CONFIGURATION;
        }
    };
    let text = if args.print { keymap::toml(&settings) } else { keymap::table(&settings.keys) };
    // A reader that went away (`lvsdeck keys | head`) is no failure.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    exit::OK
}

//! `lvsdeck keys`: the console's table of keys, from the table itself.

use super::exit;
use crate::cli::keys::KeysArgs;
use crate::ui::keymap;
use std::io::Write;

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

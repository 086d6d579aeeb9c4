//! The table as text: for `docs/console.md`, for `lvsdeck keys`, and as the file that changes it.

use super::{BINDINGS, Chord, Group, Keymap, Settings, written};
use crate::ui::rows::columns::{ALL, Set};
use std::fmt::Write as _;

/// The table of `docs/console.md`.
pub fn markdown() -> String {
    let mut lines = vec!["| key | action | what it does |".to_owned(), "|---|---|---|".to_owned()];
    for group in Group::ALL {
        lines.push(format!("| | | **{}** |", group.title()));
        for binding in BINDINGS.iter().filter(|b| b.group == group) {
            let keys: Vec<String> = binding.chords.iter().map(|c| format!("`{c}`")).collect();
            lines.push(format!("| {} | `{}` | {} |", keys.join(" "), binding.intent.name(), binding.help));
        }
    }
    lines.join("\n")
}

/// The table for people: key, action, what it does.
pub fn table(keys: &Keymap) -> String {
    let mut text = String::new();
    for group in Group::ALL {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{}", group.title());
        for (binding, chords) in keys.lines().filter(|(b, _)| b.group == group) {
            let _ = writeln!(text, "  {:<12} {:<18} {}", written(chords), binding.intent.name(), binding.help);
        }
        text.push('\n');
    }
    text.push_str(
        "An action without a key is in the palette. `lvsdeck keys --print` writes this as a file to change.\n",
    );
    text
}

/// The table as the file that changes it.
pub fn toml(settings: &Settings) -> String {
    let Settings { keys, bell, columns } = settings;
    let mut text = format!(
        "# The console: ~/.config/lvsdeck/console.toml, /etc/lvsdeck/console.toml or --keys FILE.\n\n\
                    # When the terminal's bell rings: \"never\", \"critical\" (what needs a person at once) or \"changes\" (of state).\n\
                    bell = \"{}\"\n\n\
                    # An action that is left out keeps its keys; [] leaves it to the palette. A key means one thing only.\n\
                    [keys]\n",
        bell.word()
    );
    for group in Group::ALL {
        let _ = writeln!(text, "\n# {}", group.title());
        for (binding, chords) in keys.lines().filter(|(b, _)| b.group == group) {
            let quoted: Vec<String> = chords.iter().map(quote).collect();
            let _ = writeln!(text, "{} = [{}]  # {}", binding.intent.name(), quoted.join(", "), binding.help);
        }
    }
    let known: Vec<&str> = ALL.iter().map(|column| column.word).collect();
    let _ = write!(text, "\n# Columns of the tables, in their order, out of: {}.\n[columns]\n", known.join(", "));
    for set in [Set::Services, Set::Counters] {
        let quoted: Vec<String> = columns.words(set).iter().map(|word| format!("\"{word}\"")).collect();
        let _ = writeln!(text, "{} = [{}]", set.name(), quoted.join(", "));
    }
    text
}

fn quote(chord: &Chord) -> String {
    format!("\"{}\"", chord.to_string().replace('\\', "\\\\").replace('"', "\\\""))
}

//! `lvsdeck explain WORD`: what a word of the configuration means, from the table that drives parsing.

use crate::engine::config_words::{Explanation, explain, explain_phrase, meant, page};
use crate::engine::explain_setting;
use std::io::Write;
use std::process::ExitCode;

/// No word of the language.
const UNKNOWN: u8 = 1;

/// Arguments of `lvsdeck explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: lvsdeck explain quorum\n         lvsdeck explain --all > config.md\n\n\
    Exit codes: 0 explained, 1 no such word, 64 wrong use")]
pub struct ExplainArgs {
    /// A word of keepalived.conf, a value or an element of its language (rr, DR, ~SEQ), or a setting of lvsdeck.toml
    #[arg(required_unless_present = "all")]
    pub word: Option<String>,
    /// The whole language, as Markdown
    #[arg(long, conflicts_with = "word")]
    pub all: bool,
}

/// Explains a word on standard output. A reader that went away is no failure.
pub fn run(args: &ExplainArgs) -> ExitCode {
    let Some(word) = &args.word else {
        let _ = std::io::stdout().write_all(page().as_bytes());
        return ExitCode::SUCCESS;
    };
    let mut text: Vec<String> = explain(word).iter().map(paragraph).collect();
    text.extend(explain_phrase(word));
    text.extend(explain_setting(word));
    if text.is_empty() {
        let shown: String = word.chars().filter(|c| !c.is_control()).take(48).collect();
        let meant = meant(word).map_or_else(
            || "lvsdeck explain --all lists every word".to_owned(),
            |meant| format!("did you mean {meant}?"),
        );
        eprintln!("lvsdeck: \"{shown}\" is no word of keepalived.conf and no setting of lvsdeck.toml; {meant}");
        return ExitCode::from(UNKNOWN);
    }
    let _ = std::io::stdout().write_all(text.join("\n").as_bytes());
    ExitCode::SUCCESS
}

fn paragraph(e: &Explanation) -> String {
    let mut lines = vec![format!("{} in {}", e.word, e.block.name()), format!("  takes    {}", e.value)];
    lines.extend(e.default.map(|default| format!("  default  {default}")));
    lines.push(if e.acts {
        format!("  does     {}", e.meaning)
    } else {
        format!("  status   read, not acted on: {} (since {})", e.meaning, e.since)
    });
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_only_read_says_what_happens_instead_and_since_when() {
        let told: Vec<String> = explain("process_names").iter().map(paragraph).collect();
        let wanted =
            "  status   read, not acted on: all threads are of one process; its name is lvsdeck (since 0.1.0)\n";
        assert!(told.len() == 1 && told[0].ends_with(wanted), "{told:?}");
    }

    #[test]
    fn a_paragraph_says_place_value_default_and_meaning() {
        let told: Vec<String> = explain("quorum").iter().map(paragraph).collect();
        let wanted = "quorum in virtual_server\n  takes    a whole number from 1 up\n  default  1\n  does";
        assert!(told.iter().any(|text| text.starts_with(wanted)), "{told:?}");
    }
}

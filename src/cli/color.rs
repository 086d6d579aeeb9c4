//! When colours are used: `--color`, `NO_COLOR` and whether somebody looks at a terminal.

use clap::ValueEnum;
use std::ffi::OsString;

/// The values of `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set or the terminal is dumb.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
    /// Always, the 16 that every terminal has.
    #[value(name = "16")]
    Sixteen,
    /// Always, at most 256.
    #[value(name = "256")]
    TwoFiftySix,
    /// Always, all.
    #[value(name = "true")]
    True,
}

impl ColorWhen {
    /// Whether to colour a stream that is a terminal or not.
    pub fn applies(self, is_terminal: bool) -> bool {
        match self {
            Self::Always | Self::Sixteen | Self::TwoFiftySix | Self::True => true,
            Self::Never => false,
            Self::Auto => {
                let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                is_terminal && !refused && !dumb
            }
        }
    }
}

/// `--color` for clap's own output, which is printed before the arguments are understood.
pub(super) fn of_help(args: &[OsString]) -> clap::ColorChoice {
    let mut choice = clap::ColorChoice::Auto;
    let words: Vec<_> = args.iter().filter_map(|arg| arg.to_str()).collect();
    for (at, word) in words.iter().enumerate() {
        let value = match word.strip_prefix("--color") {
            Some("") => words.get(at + 1).copied(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        match value {
            Some("always" | "16" | "256" | "true") => choice = clap::ColorChoice::Always,
            Some("never") => choice = clap::ColorChoice::Never,
            Some("auto") => choice = clap::ColorChoice::Auto,
            _ => {}
        }
    }
    choice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_colour_option_holds_for_help_too() {
        let choice = |args: &[&str]| of_help(&args.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(choice(&["lvsdeck", "check"]), clap::ColorChoice::Auto);
        assert_eq!(choice(&["lvsdeck", "--color", "never", "check"]), clap::ColorChoice::Never);
        assert_eq!(choice(&["lvsdeck", "--color=never", "--color=always"]), clap::ColorChoice::Always);
    }

    #[test]
    fn colours_are_for_terminals_unless_asked_for() {
        assert!(!ColorWhen::Auto.applies(false));
        assert!(ColorWhen::Always.applies(false) && !ColorWhen::Never.applies(true));
    }
}

//! What becomes of a command line that can't be read.

use super::run::LogFormat;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// A command line that is none, or that asks for help or the version.
#[derive(Debug)]
pub struct Misuse {
    pub(super) error: clap::Error,
    pub(super) code: u8,
    /// The form of the log that an engine was to have.
    pub log: Option<LogFormat>,
}

impl Misuse {
    /// What is wrong, a line a sentence; none where help or the version was asked for.
    pub fn why(&self) -> Option<String> {
        let text = self.error.to_string();
        let lines = text.lines().map(|line| line.trim().trim_start_matches("error: ")).filter(|line| !line.is_empty());
        self.error.use_stderr().then(|| lines.collect::<Vec<_>>().join("\n"))
    }

    /// Prints what clap has to say: help and version to standard output, everything else to standard error.
    pub fn print(&self) {
        // A reader that went away (`lvsdeck --help | head -1`) is no failure of ours.
        let _ = self.error.print();
        let _ = std::io::stdout().flush();
    }

    /// What to exit with: 0 after help.
    pub fn code(&self) -> ExitCode {
        if self.error.use_stderr() { ExitCode::from(self.code) } else { ExitCode::SUCCESS }
    }
}

/// The form of the log, as far as it can be told from arguments that can't be read.
pub(super) fn log_format(args: &[OsString]) -> LogFormat {
    let is_json =
        |pair: &[OsString]| pair.first().is_some_and(|word| word == "--log-format") && pair.ends_with(&["json".into()]);
    let json = args.iter().any(|word| word == "--log-format=json") || args.windows(2).any(is_json);
    if json { LogFormat::Json } else { LogFormat::Text }
}

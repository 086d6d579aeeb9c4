//! `lvsdeck completions SHELL`: what a shell needs to complete our words, from the table that drives parsing.

use super::Cli;
use clap::CommandFactory;
use clap_complete::{Shell, generate};
use std::io::{self, Write};
use std::process::ExitCode;

/// Arguments of `lvsdeck completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: lvsdeck completions bash > /etc/bash_completion.d/lvsdeck")]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints the script to standard output. A reader that went away is no failure.
pub fn run(args: &CompletionsArgs) -> ExitCode {
    // Made whole first: what it is made with panics when a write fails.
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "lvsdeck", &mut script);
    _ = io::stdout().write_all(&script);
    ExitCode::SUCCESS
}

//! The command line: subcommands, their help and their exit codes.
//!
//! Each subcommand is a module with its arguments and a `run` that answers with an exit code. Wrong use exits with 64
//! everywhere; `--help` and `--version` with 0.

pub mod check;
mod color;

pub use color::ColorWhen;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Exit code of wrong use (`EX_USAGE` of `sysexits.h`).
pub const WRONG_USE: u8 = 64;

/// A Linux Virtual Server director: VRRP failover, health checks and IPVS, under a full-screen console.
#[derive(Debug, Parser)]
#[command(name = "lvsdeck", version, propagate_version = true, arg_required_else_help = false)]
#[command(after_help = "Example: lvsdeck check -f /etc/keepalived/keepalived.conf")]
pub struct Cli {
    /// Options that every subcommand has.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every subcommand has.
#[derive(Debug, Clone, clap::Args)]
pub struct GlobalArgs {
    /// When to use colours; auto: on a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, value_enum, default_value_t = ColorWhen::Auto, value_name = "WHEN")]
    pub color: ColorWhen,
    /// The engine's control socket
    #[arg(long, global = true, env = "LVSDECK_SOCKET", value_name = "PATH")]
    pub socket: Option<PathBuf>,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read a configuration and say what is wrong with it
    Check(check::CheckArgs),
}

/// Runs the program on its own arguments.
pub fn main() -> ExitCode {
    run(std::env::args_os().collect())
}

/// Runs the program on `args`, the first of which is its name.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let command = Cli::command().color(color::of_help(&args));
    let cli = match command.try_get_matches_from(args).and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return wrong_use(&error),
    };
    match cli.command {
        Command::Check(args) => check::run(&args, &cli.global),
    }
}

/// Prints what clap has to say: help and version to standard output with 0, everything else to standard error with 64.
fn wrong_use(error: &clap::Error) -> ExitCode {
    // A reader that went away (`lvsdeck --help | head -1`) is no failure of ours.
    let _ = error.print();
    let _ = std::io::stdout().flush();
    if error.use_stderr() { ExitCode::from(WRONG_USE) } else { ExitCode::SUCCESS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_subcommand_has_an_example_in_its_help() {
        for subcommand in Cli::command().get_subcommands() {
            let example = subcommand.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(example.contains("Example"), "{}", subcommand.get_name());
        }
    }
}

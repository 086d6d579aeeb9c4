//! The command line: subcommands, their help and their exit codes.
//!
//! Each subcommand is a module with its arguments; those that need no engine process of their own do their work here too, and
//! answer with an exit code. [`crate::app`] decides which one runs. Wrong use exits with 64
//! everywhere but in `ctl`, where it is 2; `--help` and `--version` with 0.

pub mod check;
mod color;
pub mod completions;
pub mod ctl;
pub mod demo;
pub mod explain;
pub mod ipvs;
pub mod keys;
pub mod man;
mod misuse;
pub mod run;
pub mod watch;

pub use color::ColorWhen;
pub use misuse::Misuse;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Exit code of wrong use (`EX_USAGE` of `sysexits.h`).
pub const WRONG_USE: u8 = 64;
/// The same of `ctl`.
const WRONG_USE_OF_CTL: u8 = 2;

/// Where `--socket` is looked for when it is not given.
const SOCKET_VARIABLE: &str = "LVSDECK_SOCKET";

/// A Linux Virtual Server director: VRRP failover, health checks and IPVS, under a full-screen console.
///
/// Without a subcommand it opens the console: on the engine that answers on the socket, or on one that it starts.
#[derive(Debug, Parser)]
#[command(name = "lvsdeck", version, propagate_version = true)]
#[command(after_help = "Example: lvsdeck -f /etc/keepalived/keepalived.conf")]
pub struct Cli {
    /// Options that every subcommand has.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// Start an engine on this configuration when none runs (needs root)
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// How the console opens.
    #[command(flatten)]
    pub console: run::ConsoleArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that every subcommand has.
#[derive(Debug, Clone, clap::Args)]
pub struct GlobalArgs {
    /// When to use colours (auto: on a terminal, unless `NO_COLOR` is set), and how many in the console
    #[arg(long, global = true, value_enum, default_value_t = ColorWhen::Auto, value_name = "WHEN")]
    pub color: ColorWhen,
    /// The engine's control socket [env: `LVSDECK_SOCKET`]
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<PathBuf>,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read a configuration and say what is wrong with it
    Check(check::CheckArgs),
    /// Run the engine, headless, in the foreground
    Run(run::RunArgs),
    /// Run scripts for an engine; started by it
    #[command(hide = true)]
    ScriptRunner {
        /// Run them itself, rather than start one that does
        #[arg(long)]
        worker: bool,
    },
    /// Open the console on a running engine
    #[command(after_help = "Example: lvsdeck attach --rw")]
    Attach(run::ConsoleArgs),
    /// A live cluster in this process: two directors, real servers and clients, and a drill
    Demo(demo::DemoArgs),
    /// Open the console beside a running keepalived or ipvsadm: it only looks
    Watch(watch::WatchArgs),
    /// Open the console on a recording of `ctl record`
    #[command(after_help = "Example: lvsdeck replay monday.rec")]
    Replay(run::ReplayArgs),
    /// Print the keys of the console, as a table or as a file to change
    Keys(keys::KeysArgs),
    /// Take over from a running keepalived without losing a connection
    Adopt(run::AdoptArgs),
    /// The kernel's IPVS table by hand: ipvsadm's options, output and exit codes
    Ipvs(ipvs::IpvsArgs),
    /// Ask a running engine, or tell it to do one thing
    Ctl(ctl::CtlArgs),
    /// Show the overview as plain text once (`ctl status`)
    #[command(after_help = "Example: lvsdeck status")]
    Status {
        /// Everything, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what a word of the configuration means
    Explain(explain::ExplainArgs),
    /// Open the console read-only, or print its overview once
    Top(watch::TopArgs),
    /// Print what a shell needs to complete lvsdeck's words
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write the pages of all subcommands
    Man(man::ManArgs),
}

/// Reads the arguments, the first of which is the program's name. Errors: they can't be read, or ask for help.
pub fn parse(mut args: Vec<OsString>) -> Result<Cli, Misuse> {
    let socket = std::env::var_os(SOCKET_VARIABLE).filter(|socket| !socket.is_empty()).map(PathBuf::from);
    let by_name = ipvs::is_called_ipvsadm(args.first());
    // What follows is ipvsadm's, whatever it looks like; and scripts that call it for each line wait for no parser.
    if by_name || args.get(1).is_some_and(|word| word == "ipvs") {
        let words = args.split_off(if by_name { 1 } else { 2 });
        let global = GlobalArgs { color: ColorWhen::Auto, socket };
        let command = Some(Command::Ipvs(ipvs::IpvsArgs { words, by_name }));
        return Ok(Cli { global, file: None, console: run::ConsoleArgs::default(), command });
    }
    let command = Cli::command().color(color::of_help(&args));
    let has = |wanted: &str| args.iter().skip(1).any(|word| word == wanted);
    let code = if has("ctl") { WRONG_USE_OF_CTL } else { WRONG_USE };
    let log = has("run").then(|| misuse::log_format(&args));
    let parsed = command.clone().try_get_matches_from(args).and_then(|matches| {
        misplaced(command, &matches)?;
        let mut cli = Cli::from_arg_matches(&matches)?;
        // By hand: to clap an empty variable is a mistake, and everywhere else it is none at all.
        cli.global.socket = cli.global.socket.or(socket);
        Ok(cli)
    });
    parsed.map_err(|error| Misuse { error, code, log })
}

/// What belongs to the console alone, and can't stand before a subcommand; the other options stand anywhere.
const CONSOLE_ALONE: [&str; 7] = ["file", "rw", "read_only", "keys", "theme", "bell", "ascii"];

/// Refuses an option of the console in front of a subcommand: it would be lost silently.
fn misplaced(mut command: clap::Command, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
    let Some(name) = matches.subcommand_name() else { return Ok(()) };
    let given = |id: &&&str| matches.value_source(id) == Some(clap::parser::ValueSource::CommandLine);
    let Some(id) = CONSOLE_ALONE.iter().find(given) else { return Ok(()) };
    let option = id.replace('_', "-");
    let message = format!("--{option} is not used before {name}; where {name} takes it, write it behind");
    Err(command.error(clap::error::ErrorKind::ArgumentConflict, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_all_stand_before_or_behind_a_subcommand_and_those_of_the_console_do_not() {
        let parsed = |line: &str| {
            let matches = Cli::command().try_get_matches_from(line.split(' ')).map_err(|e| e.to_string())?;
            misplaced(Cli::command(), &matches).map_err(|e| e.to_string())?;
            Cli::from_arg_matches(&matches).map_err(|e| e.to_string())
        };
        for line in ["lvsdeck --socket /x ctl status", "lvsdeck ctl status --socket /x", "lvsdeck --socket /x attach"] {
            assert_eq!(parsed(line).unwrap().global.socket.as_deref(), Some(std::path::Path::new("/x")), "{line}");
        }
        assert!(parsed("lvsdeck --color never status").is_ok());
        assert!(parsed("lvsdeck -f x --theme dark").is_ok());
        let refused = parsed("lvsdeck -f x check").unwrap_err();
        assert!(refused.contains("--file is not used before check"), "{refused}");
    }

    #[test]
    fn every_subcommand_has_an_example_in_its_help() {
        for subcommand in Cli::command().get_subcommands().filter(|s| !s.is_hide_set()) {
            let example = subcommand.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(example.contains("Example"), "{}", subcommand.get_name());
        }
    }
}

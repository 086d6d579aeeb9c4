//! `lvsdeck watch` and `lvsdeck top`: their words, and what the plain forms print.

use super::ctl;
use super::run::LookArgs;
use crate::engine::EngineHandle;
use std::io;
use std::path::PathBuf;

/// The console beside a running keepalived or ipvsadm.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It reads the kernel's table and listens to VRRP; it changes nothing and starts nothing. As root it sees \
                        everything, else what /proc shows, and it says what is missing.\n\
                        With --plain a line for each thing that happens follows the overview; with --json the status comes \
                        as one line, and then each event as one (docs/api.md).\n\n\
                        Example: lvsdeck watch --plain"
)]
pub struct WatchArgs {
    /// Names, priorities and weights come from this configuration [default: the one that keepalived runs]
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Plain lines instead of a screen: the overview, then what happens
    #[arg(long)]
    pub plain: bool,
    /// The same as lines of JSON
    #[arg(long)]
    pub json: bool,
    /// End after the overview, which waits three seconds at most for the first advertisement of each instance
    #[arg(long)]
    pub once: bool,
    /// How the console looks.
    #[command(flatten)]
    pub look: LookArgs,
}

impl WatchArgs {
    /// Whether it prints lines instead of opening the console.
    pub const fn is_plain(&self) -> bool {
        self.plain || self.json || self.once
    }
}

/// The overview, for scripts and screen readers.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: lvsdeck top --once")]
pub struct TopArgs {
    /// Print the overview as plain text once, as `lvsdeck status` does; without it, the console opens
    #[arg(long)]
    pub once: bool,
    /// How the console looks.
    #[command(flatten)]
    pub look: LookArgs,
}

/// Prints the overview, and then what happens until somebody ends it. Gives the exit code.
pub fn print(args: &WatchArgs, engine: &dyn EngineHandle, color: bool) -> u8 {
    ctl::follow(engine, args.json, args.once, color, &mut io::stdout().lock(), &mut io::stderr())
}

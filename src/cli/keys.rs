//! `lvsdeck keys`: which keys the console has.

use clap::Args;
use std::path::PathBuf;

/// How the keys are printed.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "The console takes them from --keys FILE, ~/.config/lvsdeck/console.toml or /etc/lvsdeck/console.toml.\n\
                        Exit codes: 0 printed; 2 the file has mistakes, which are named.\n\
                        Example: lvsdeck keys --print > ~/.config/lvsdeck/console.toml"
)]
pub struct KeysArgs {
    /// As a TOML file to change
    #[arg(long)]
    pub print: bool,
    /// With the keys of this file
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
}

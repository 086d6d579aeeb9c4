//! `lvsdeck man`: the manual pages, from the table that drives parsing.
//!
//! One page for the program, one for each subcommand and verb: `lvsdeck.8`, `lvsdeck-ctl.8`, `lvsdeck-ctl-drain.8`.

use super::Cli;
use clap::CommandFactory;
use clap_mangen::Man;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The section of the manual: system administration.
const SECTION: &str = "8";

/// Arguments of `lvsdeck man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: lvsdeck man | man -l -\n         lvsdeck man --dir /usr/local/share/man/man8")]
pub struct ManArgs {
    /// Write the pages of all subcommands into this directory, which is made when it is missing
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Prints the page of the program to standard output, or writes all pages.
pub fn run(args: &ManArgs) -> ExitCode {
    match &args.dir {
        None => {
            // A reader that went away is no failure.
            let _ = page(command()).and_then(|page| io::stdout().write_all(&page));
            ExitCode::SUCCESS
        }
        Some(directory) => match write_all(directory) {
            Ok(()) => ExitCode::SUCCESS,
            Err((path, error)) => {
                eprintln!("lvsdeck: {}: can't write the manual page: {error}", path.display());
                ExitCode::FAILURE
            }
        },
    }
}

/// The whole table, without the `help` that each part has.
fn command() -> clap::Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    command
}

fn write_all(directory: &Path) -> Result<(), (PathBuf, io::Error)> {
    fs::create_dir_all(directory).map_err(|error| (directory.to_path_buf(), error))?;
    write(&command(), "lvsdeck", directory)
}

/// Writes the page of a command and those of its subcommands.
fn write(command: &clap::Command, name: &str, directory: &Path) -> Result<(), (PathBuf, io::Error)> {
    let path = directory.join(format!("{name}.{SECTION}"));
    page(command.clone()).and_then(|page| fs::write(&path, page)).map_err(|error| (path, error))?;
    let parts = command.get_subcommands().filter(|part| part.get_name() != "help" && !part.is_hide_set());
    parts.into_iter().try_for_each(|part| write(part, &format!("{name}-{}", part.get_name()), directory))
}

fn page(command: clap::Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command).section(SECTION).manual("lvsdeck").render(&mut page)?;
    Ok(page)
}

//! The program: read the arguments, let the composition root act on them, exit with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    match lvsdeck::cli::parse(std::env::args_os().collect()) {
        Ok(cli) => lvsdeck::app::run(cli),
        Err(misuse) => lvsdeck::app::refuse(&misuse),
    }
}

//! `lvsdeck demo`: the console over an embedded cluster; both end together.

use super::exit;
use crate::cli::demo::DemoArgs;
use crate::engine::EngineHandle;
use crate::engine::driver::embedded::{Cluster, Options};
use crate::ui;
use std::io::{self, IsTerminal};
use std::sync::Arc;

/// Runs until the operator leaves. Gives the exit code.
pub fn run(args: DemoArgs) -> u8 {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return fail(exit::USAGE, &"the demo needs a terminal on standard input and output");
    }
    let (cluster, ending) = match Cluster::start(&Options { servers: args.servers.into(), seed: args.seed }) {
        Ok(started) => started,
        Err(error) => return fail(exit::FAILED, &error),
    };
    let engine: Arc<dyn EngineHandle> = cluster;
    let options = ui::Options { start_unlocked: true, theme: args.theme, ..ui::Options::default() };
    let ended = ui::run(&engine, &options);
    ending.end();
    match ended {
        Ok(_) => exit::OK,
        Err(error) => fail(exit::FAILED, &error),
    }
}

fn fail(code: u8, error: &dyn std::fmt::Display) -> u8 {
    eprintln!("lvsdeck: {error}");
    code
}

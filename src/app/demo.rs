//! `lvsdeck demo`: the console over an embedded cluster; both end together.

use super::exit;
use crate::cli::demo::DemoArgs;
use crate::engine::EngineHandle;
use crate::engine::driver::embedded::{Cluster, Options};
use crate::ui;
use crate::ui::script::Script;
use crate::ui::theme::{Depth, Theme};
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;

/// Runs until the operator leaves. Gives the exit code.
pub fn run(args: DemoArgs, depth: Option<Depth>) -> u8 {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return fail(exit::USAGE, &"the demo needs a terminal on standard input and output");
    }
    if let Some(Err(error)) = args.theme.as_deref().map(Theme::load) {
        return fail(exit::USAGE, &error);
    }
    let script = match args.script.as_deref().map(read).transpose() {
        Ok(script) => script,
        Err(why) => return fail(exit::USAGE, &why),
    };
    let (cluster, ending) = match Cluster::start(&Options { servers: args.servers.into(), seed: args.seed }) {
        Ok(started) => started,
        Err(error) => return fail(exit::FAILED, &error),
    };
    let engine: Arc<dyn EngineHandle> = cluster;
    let options = ui::Options {
        start_unlocked: true,
        theme: args.theme,
        depth,
        size: args.size,
        script,
        ..ui::Options::default()
    };
    let ended = ui::run(&engine, &options);
    ending.end();
    match ended {
        Ok(ui::Exit { script_failed: Some(why), .. }) => fail(exit::FAILED, &why),
        Ok(_) => exit::OK,
        Err(error) => fail(exit::FAILED, &error),
    }
}

fn read(file: &Path) -> Result<Script, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Script::parse(&file.display().to_string(), &text).map_err(|error| error.to_string())
}

fn fail(code: u8, error: &dyn std::fmt::Display) -> u8 {
    eprintln!("lvsdeck: {error}");
    code
}

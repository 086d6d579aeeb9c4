//! The composition root: which engine, which front, in which order they stop.
//!
//! The engine and the console never share a process. [`engine::run`] is `lvsdeck run`; [`console::open`] finds an engine
//! or starts one in a session of its own and opens the console as its client.

mod adopt;
pub mod console;
mod demo;
pub mod engine;
mod keepalived;
mod keys;
mod logging;
mod replay;
mod rights;
mod rivals;
mod script_runner;
mod service;
mod signals;
mod spawn;
mod strangers;
mod watch;

use crate::cli::run::{ConsoleArgs, Dataplane, LogFormat, LookArgs, RunArgs};
use crate::cli::{Cli, ColorWhen, Command, Misuse, check, completions, ctl, explain, ipvs, man};
use crate::engine::io::host;
use crate::ui;
use crate::ui::theme::Depth;
use std::env;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Exit codes of `run`, as `docs/api.md` promises them.
pub mod exit {
    /// Stopped as asked.
    pub const OK: u8 = 0;
    /// Failed while running, or refused.
    pub const FAILED: u8 = 1;
    /// The configuration would not run.
    pub const CONFIGURATION: u8 = 2;
    /// Another engine holds the socket, or none answers (`ctl`).
    pub const ENGINE: u8 = 3;
    /// A permission is missing.
    pub const NOT_PERMITTED: u8 = 4;
    /// The kernel has no ip_vs.
    pub const NO_IPVS: u8 = 5;
    /// Wrong use of the command line.
    pub const USAGE: u8 = 64;
}

/// The socket of root's engine.
const SYSTEM_SOCKET: &str = "/run/lvsdeck/lvsdeck.sock";
/// What its engine keeps across reboots.
const SYSTEM_LASTING: &str = "/var/lib/lvsdeck";

/// Does what the command line says. Gives the program's exit code.
pub fn run(cli: Cli) -> ExitCode {
    let is_engine = matches!(cli.command, Some(Command::Run(_)));
    host::share_the_allocator(if is_engine { 2 } else { 1 });
    if is_engine {
        host::hoard_for_the_start();
    }
    let socket = cli.global.socket.as_deref();
    let places = Places::choose(socket, None);
    let color = cli.global.color.applies(std::io::stdout().is_terminal());
    let depth = depth(cli.global.color);
    let code = match cli.command {
        Some(Command::Check(args)) => return check::run(&args, &cli.global, keys::mistakes()),
        Some(Command::Run(args)) => {
            let log_color = cli.global.color.applies(std::io::stderr().is_terminal());
            engine::run(&engine_options(args, socket, log_color))
        }
        Some(Command::ScriptRunner { worker }) => script_runner::run(worker),
        Some(Command::Attach(args)) => console::attach(&places, &console_options(args, depth)),
        Some(Command::Demo(args)) => demo::run(args, depth),
        Some(Command::Watch(args)) => watch::run(&args, color, depth),
        Some(Command::Top(args)) if args.once => status(false, &places, color),
        Some(Command::Top(args)) => {
            console::attach(&places, &console_options(ConsoleArgs { look: args.look, ..ConsoleArgs::default() }, depth))
        }
        Some(Command::Replay(args)) => replay::open(&args.file, console_options(args.console, depth)),
        Some(Command::Keys(args)) => keys::run(&args),
        Some(Command::Adopt(args)) => adopt::run(&args, &places),
        Some(Command::Ipvs(args)) => ipvs::run(&args, &places.socket),
        Some(Command::Ctl(args)) => ctl::run(&args, &places.socket, color),
        Some(Command::Explain(args)) => return explain::run(&args),
        Some(Command::Status { json }) => status(json, &places, color),
        Some(Command::Completions(args)) => return completions::run(&args),
        Some(Command::Man(args)) => return man::run(&args),
        None => console::open(cli.file.as_deref(), &places, &console_options(cli.console, depth)),
    };
    ExitCode::from(code)
}

/// Says what is wrong with the command line: of `run` in the form of its log, where a program reads that. Gives the exit code.
pub fn refuse(misuse: &Misuse) -> ExitCode {
    let log = misuse.log.map(|format| logging::start(format == LogFormat::Json, false));
    match (log.filter(|reader| *reader == logging::Reader::Program), misuse.why()) {
        (Some(log), Some(why)) => log.last_word(&why),
        _ => misuse.print(),
    }
    misuse.code()
}

fn engine_options(args: RunArgs, socket: Option<&Path>, log_color: bool) -> engine::Options {
    engine::Options {
        file: args.file,
        settings: args.settings,
        places: Places::choose(socket, args.state_dir.as_deref()),
        ready_fd: args.ready_fd,
        metrics: args.metrics,
        json_log: args.log_format == LogFormat::Json,
        log_color,
        userspace: args.dataplane == Dataplane::Userspace,
        vrrp_only: args.vrrp_only,
        ipvs_only: args.ipvs_only,
        config_id: args.config_id,
        keep: args.keep,
        adopt: args.adopt,
    }
}

fn status(json: bool, places: &Places, color: bool) -> u8 {
    ctl::run(&ctl::CtlArgs { verb: ctl::Verb::Status { json } }, &places.socket, color)
}

fn console_options(args: ConsoleArgs, depth: Option<Depth>) -> ui::Options {
    ui::Options { read_only: args.read_only, start_unlocked: args.rw, ..look(args.look, depth) }
}

/// How many colours the console uses, where `--color` says it.
fn depth(color: ColorWhen) -> Option<Depth> {
    match color {
        ColorWhen::Auto => None,
        ColorWhen::Never => Some(Depth::None),
        ColorWhen::Always => {
            let set = |name| env::var(name).unwrap_or_default();
            Some(Depth::of_terminal(&set("COLORTERM"), &set("TERM")).max(Depth::Sixteen))
        }
        ColorWhen::Sixteen => Some(Depth::Sixteen),
        ColorWhen::TwoFiftySix => Some(Depth::TwoFiftySix),
        ColorWhen::True => Some(Depth::True),
    }
}

fn look(args: LookArgs, depth: Option<Depth>) -> ui::Options {
    ui::Options {
        theme: args.theme,
        keys: args.keys,
        bell: args.bell.and_then(|word| word.parse().ok()),
        depth,
        ascii: args.ascii.then_some(true),
        ..ui::Options::default()
    }
}

/// Where an engine listens and keeps its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The control socket.
    pub socket: PathBuf,
    /// What the engine made in the kernel, and its log when it was started by the console.
    pub state: PathBuf,
    /// What outlasts a reboot: the journal.
    pub lasting: PathBuf,
}

impl Places {
    /// From `--socket` and `--state-dir`. A socket of its own has its state beside it (`PATH.d/`), so that two engines on
    /// one file system never meet.
    pub fn choose(socket: Option<&Path>, state: Option<&Path>) -> Self {
        let standard = standard_socket();
        let socket = socket.map_or_else(|| standard.clone(), Path::to_path_buf);
        let beside = || {
            if socket == standard {
                return socket.parent().map_or_else(|| PathBuf::from("/run/lvsdeck"), Path::to_path_buf);
            }
            let mut beside = socket.clone().into_os_string();
            beside.push(".d");
            PathBuf::from(beside)
        };
        let lasting = match state {
            None if socket == Path::new(SYSTEM_SOCKET) => PathBuf::from(SYSTEM_LASTING),
            Some(state) => state.to_path_buf(),
            None => beside(),
        };
        let state = state.map_or_else(beside, Path::to_path_buf);
        // The engine that the console starts works in another directory.
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        Self { socket: absolute(socket), state: absolute(state), lasting: absolute(lasting) }
    }
}

/// `/run/lvsdeck/lvsdeck.sock` for root, the same under the user's runtime directory for everybody else who has one and no
/// system engine to look at.
fn standard_socket() -> PathBuf {
    let system = PathBuf::from(SYSTEM_SOCKET);
    match env::var_os("XDG_RUNTIME_DIR") {
        Some(directory) if !host::is_root() && !system.exists() => Path::new(&directory).join("lvsdeck/lvsdeck.sock"),
        _ => system,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_of_its_own_keeps_its_state_beside_it() {
        let places = Places::choose(Some(Path::new("/tmp/d1.sock")), None);
        assert_eq!(places.state, Path::new("/tmp/d1.sock.d"));
        let places = Places::choose(Some(Path::new("/tmp/d1.sock")), Some(Path::new("/var/lib/x")));
        assert_eq!(places.state, Path::new("/var/lib/x"));
        let places = Places::choose(Some(Path::new("d1.sock")), None);
        assert!(places.socket.is_absolute() && places.state.is_absolute(), "{places:?}");
    }
}

//! `lvsdeck run`, `lvsdeck attach` and plain `lvsdeck`: the words for [`crate::app`].

use crate::app::{self, Places, engine};
use crate::ui;
use std::path::{Path, PathBuf};

/// The engine, headless, in the foreground.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: lvsdeck run -f /etc/keepalived/keepalived.conf")]
pub struct RunArgs {
    /// The configuration, in keepalived's language
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Where to keep what was made in the kernel [default: /run/lvsdeck, or PATH.d beside --socket PATH]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// VRRP only, no services (keepalived's -P)
    #[arg(short = 'P', long, conflicts_with = "ipvs_only")]
    vrrp_only: bool,
    /// Services only, no VRRP (keepalived's -C)
    #[arg(short = 'C', long)]
    ipvs_only: bool,
    /// How to write the log on standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// Say "ready" on this descriptor once everything runs, and leave the terminal's session
    #[arg(long, value_name = "N")]
    ready_fd: Option<u32>,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// A line of text an event.
    Text,
    /// A line of JSON an event.
    Json,
}

/// Runs the engine. Gives the exit code.
pub fn run(args: &RunArgs, socket: Option<&Path>) -> u8 {
    engine::run(&engine::Options {
        file: args.file.clone(),
        places: Places::choose(socket, args.state_dir.as_deref()),
        ready_fd: args.ready_fd,
        json_log: args.log_format == LogFormat::Json,
        vrrp_only: args.vrrp_only,
        ipvs_only: args.ipvs_only,
    })
}

/// How the console opens.
#[derive(Debug, Default, clap::Args)]
pub struct ConsoleArgs {
    /// Start unlocked: keys that change something work at once
    #[arg(long, conflicts_with = "read_only")]
    rw: bool,
    /// Never unlock
    #[arg(long)]
    read_only: bool,
    /// A built-in theme's name, or a TOML file
    #[arg(long, value_name = "NAME|FILE")]
    theme: Option<String>,
}

impl ConsoleArgs {
    fn options(&self) -> ui::Options {
        ui::Options {
            read_only: self.read_only,
            start_unlocked: self.rw,
            theme: self.theme.clone(),
            ..ui::Options::default()
        }
    }
}

/// The console on a running engine, or on one started on `file`. Gives the exit code.
pub fn console(file: Option<&Path>, args: &ConsoleArgs, socket: Option<&Path>) -> u8 {
    app::console::open(file, &Places::choose(socket, None), args.options())
}

/// The console on a running engine. Gives the exit code.
pub fn attach(args: &ConsoleArgs, socket: Option<&Path>) -> u8 {
    app::console::attach(&Places::choose(socket, None), args.options())
}

//! `lvsdeck run`, `lvsdeck attach` and plain `lvsdeck`: the words for [`crate::app`].

use std::net::SocketAddr;
use std::path::PathBuf;

/// The engine, headless, in the foreground.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: lvsdeck run -f /etc/keepalived/keepalived.conf")]
pub struct RunArgs {
    /// The configuration, in keepalived's language
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,
    /// lvsdeck's own settings, TOML [default: /etc/lvsdeck/lvsdeck.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Where to keep what was made in the kernel [default: /run/lvsdeck, or PATH.d beside --socket PATH]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// VRRP only, no services (keepalived's -P)
    #[arg(short = 'P', long, conflicts_with = "ipvs_only")]
    pub vrrp_only: bool,
    /// Services only, no VRRP (keepalived's -C)
    #[arg(short = 'C', long)]
    pub ipvs_only: bool,
    /// What @id lines of the configuration are compared with [default: the host's name, up to the first dot]
    #[arg(short = 'i', long, value_name = "ID")]
    pub config_id: Option<String>,
    /// At TERM and INT do not resign, and leave addresses and services in place for the engine that is started next
    #[arg(long)]
    pub keep: bool,
    /// Take the place of the keepalived that runs here (`lvsdeck adopt` does this in the background)
    #[arg(long)]
    pub adopt: bool,
    /// What forwards packets; userspace: this process, TCP alone, where a kernel has no `ip_vs`
    #[arg(long, value_enum, default_value_t = Dataplane::Kernel)]
    pub dataplane: Dataplane,
    /// Serve /metrics, and nothing else, on this TCP address too; everybody who reaches it may read
    #[arg(long, value_name = "ADDR:PORT")]
    pub metrics: Option<SocketAddr>,
    /// How to write the log on standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Say "ready" on this descriptor once everything runs, and leave the terminal's session
    #[arg(long, value_name = "N")]
    pub ready_fd: Option<u32>,
}

/// An engine in the place of a running keepalived.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "keepalived is frozen, an engine starts on the same addresses and services, and keepalived is ended \
                        without touching them. If the engine does not start, keepalived goes on.\n\
                        The way back: lvsdeck ctl stop --keep && systemctl start keepalived\n\
                        (keepalived takes the addresses off when it starts, and puts them on again when it is master: a gap of \
                        some seconds; a peer that takes over in it resets connections)\n\n\
                        Example: lvsdeck adopt --dry-run"
)]
pub struct AdoptArgs {
    /// The configuration [default: the one that keepalived runs]
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Check everything, say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What forwards packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Dataplane {
    /// The kernel's IPVS.
    Kernel,
    /// lvsdeck itself, TCP only.
    Userspace,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// A line of text an event.
    Text,
    /// A line of JSON an event.
    Json,
}

/// `lvsdeck replay`.
#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    /// A recording that `lvsdeck ctl record` made
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How the console opens.
    #[command(flatten)]
    pub console: ConsoleArgs,
}

/// How the console opens.
#[derive(Debug, Default, clap::Args)]
pub struct ConsoleArgs {
    /// Start unlocked: keys that change something work at once
    #[arg(long, conflicts_with = "read_only")]
    pub rw: bool,
    /// Never unlock
    #[arg(long)]
    pub read_only: bool,
    /// How it looks.
    #[command(flatten)]
    pub look: LookArgs,
}

/// How the console looks and which keys it has.
#[derive(Debug, Default, Clone, clap::Args)]
pub struct LookArgs {
    /// A TOML file with keys of your own (`lvsdeck keys --print` writes one)
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// A built-in theme's name, or a TOML file
    #[arg(long, value_name = "NAME|FILE")]
    pub theme: Option<String>,
    /// When the terminal's bell rings [default: as the key file says, else never]
    #[arg(long, value_name = "WORD", value_parser = ["never", "critical", "changes"])]
    pub bell: Option<String>,
    /// Lines and marks in ASCII, whatever the locale
    #[arg(long)]
    pub ascii: bool,
}

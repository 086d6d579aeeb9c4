//! `lvsdeck run`: the engine, headless, in the foreground.
//!
//! 1. read the configuration; errors end here with exit code 2;
//! 2. take the control socket, so that two engines never meet (3);
//! 3. open the kernel's table where services are configured (5, 4);
//! 4. start the loops (4), say that it is ready, and serve the socket;
//! 5. on TERM, INT or `ctl stop`: masters resign, services leave the table, the socket goes.

use super::{Places, exit, rights};
use crate::api;
use crate::engine::EngineHandle;
use crate::engine::config::{self, Loaded};
use crate::engine::driver::failover;
use crate::engine::driver::shared::Identity;
use crate::engine::driver::start::{self, Running};
use crate::engine::io::host;
use crate::engine::io::ipvs_netlink::{IpvsKernel, Netlink};
use crate::engine::io::runner::Runner;
use crate::engine::io::simulated::SimulatedIpvs;
use crate::engine::io::state::{StateDir, StateError};
use crate::engine::ipvs::{Refusal, RefusalKind};
use crate::engine::model::Configuration;
use crate::engine::snapshot::{ConfigStatus, Warning};
use std::cell::Cell;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;
use tracing_subscriber::fmt;

/// A real-time thread exceeded its limit (`setrlimit(2)`).
const SIGXCPU: i32 = 24;
/// How long an orderly end may take before the process ends without it.
const END_LIMIT: Duration = Duration::from_secs(10);
/// Threads that may wait in the engine for clients at a time.
const BLOCKING_THREADS: usize = 32;

/// What `lvsdeck run` was asked to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// The configuration.
    pub file: PathBuf,
    /// Where it listens and keeps its state.
    pub places: Places,
    /// Descriptor on which to say `ready`; also: leave the terminal's session.
    pub ready_fd: Option<u32>,
    /// Log as JSON, a line an event.
    pub json_log: bool,
    /// Colours in the log.
    pub log_color: bool,
    /// `--dataplane userspace`.
    pub userspace: bool,
    /// `--vrrp-only`: no services.
    pub vrrp_only: bool,
    /// `--ipvs-only`: no instances.
    pub ipvs_only: bool,
}

/// A start that ended early: what to say and which exit code.
struct Refused(u8, String);

/// Runs until it is asked to stop. Gives the exit code.
pub fn run(options: &Options) -> u8 {
    if options.ready_fd.is_some() {
        host::leave_session();
    }
    start_log(options.json_log, options.log_color);
    let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(BLOCKING_THREADS).build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(serve(options));
            // A question that still waits in the engine does not hold the exit up.
            runtime.shutdown_timeout(Duration::from_secs(1));
            ended
        }
        Err(error) => Err(Refused(exit::FAILED, format!("can't start: {error}"))),
    };
    match ended {
        Ok(()) => exit::OK,
        Err(Refused(code, message)) => {
            // Whoever read standard error may be gone; the code remains.
            let _ = writeln!(std::io::stderr(), "lvsdeck: {message}");
            code
        }
    }
}

fn start_log(json: bool, color: bool) {
    // A log that can't be written is nobody's reason to stop.
    let builder = fmt().with_writer(std::io::stderr).with_target(false).log_internal_errors(false);
    if json {
        builder.json().flatten_event(true).init();
    } else {
        builder.with_ansi(color).init();
    }
}

async fn serve(options: &Options) -> Result<(), Refused> {
    let mut signals = Signals::catch()?;
    if options.userspace {
        let message = "--dataplane userspace is not built yet; use the kernel's: modprobe ip_vs";
        return Err(Refused(exit::USAGE, message.to_owned()));
    }
    let (configuration, mut warnings) = configuration(options)?;
    if let (false, Some(pid)) = (configuration.virtual_routers.is_empty(), host::keepalived_here().first()) {
        let message = format!(
            "keepalived runs here as pid {pid}: two VRRP programs on one host do not hear each other and both become \
             master; stop it first (systemctl stop keepalived)"
        );
        return Err(Refused(exit::FAILED, message));
    }
    let runner = Runner::start();
    let bound = api::bind(&options.places.socket).map_err(|error| Refused(error.exit_code(), error.to_string()))?;
    for warning in &bound.warnings {
        tracing::warn!("{warning}");
    }
    let state = StateDir::open(&options.places.state).map_err(|error| {
        let code = if matches!(error, StateError::InUse { .. }) { exit::ENGINE } else { exit::FAILED };
        Refused(code, error.to_string())
    })?;
    let kernel = kernel(&configuration, &state)?;
    warnings.extend(rights::settle(&configuration.global));
    let node = configuration.global.router_id.clone().unwrap_or_else(host::name);
    let config = ConfigStatus { file: options.file.display().to_string(), loaded_at: SystemTime::now(), generation: 1 };
    let dataplane = if configuration.virtual_servers.is_empty() { "none" } else { "kernel" };
    let identity = Identity { node, dataplane: dataplane.to_owned(), config, warnings };
    let running = start::start(&configuration, identity, &state, kernel, runner).map_err(|error| {
        let code = if error.is_permission() { exit::NOT_PERMITTED } else { exit::FAILED };
        Refused(code, error.to_string())
    })?;
    say_ready(options.ready_fd);
    let handle: Arc<dyn EngineHandle> = running.handle.clone();
    let ended = Cell::new(Ok(()));
    let stop = async {
        let asked = signals.until_asked(&running, &state).await;
        // The loops end before the socket goes: an attached console sees the last events.
        let in_time = timeout(END_LIMIT, running.end(false)).await;
        let late = in_time.map_err(|_| {
            // A loop hangs: what it holds must not stay behind it.
            let left = failover::remove_left_behind(&state).err().map_or(String::new(), |e| format!(": {e}"));
            Refused(exit::FAILED, format!("the engine did not end in time; its addresses were removed{left}"))
        });
        ended.set(asked.and(late));
    };
    api::serve(&bound, handle, stop)
        .await
        .map_err(|error| Refused(exit::FAILED, format!("can't serve the control socket: {error}")))?;
    ended.into_inner()
}

/// The signals that mean something to an engine, caught from the first moment on.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    dump: Signal,
    overrun: Signal,
}

impl Signals {
    fn catch() -> Result<Self, Refused> {
        let catch = |kind| signal(kind).map_err(|error| Refused(exit::FAILED, format!("can't catch signals: {error}")));
        Ok(Self {
            terminate: catch(SignalKind::terminate())?,
            interrupt: catch(SignalKind::interrupt())?,
            hangup: catch(SignalKind::hangup())?,
            dump: catch(SignalKind::user_defined1())?,
            overrun: catch(SignalKind::from_raw(SIGXCPU))?,
        })
    }

    /// Waits for TERM, INT or a stop command; errors when a loop ended by itself.
    async fn until_asked(&mut self, running: &Running, state: &StateDir) -> Result<(), Refused> {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return Ok(()),
                _ = self.interrupt.recv() => return Ok(()),
                () = running.stop.notified() => return Ok(()),
                _ = self.hangup.recv() => {
                    tracing::warn!("HUP: this version does not reload; restart lvsdeck to use a changed file");
                }
                _ = self.dump.recv() => write_snapshot(running, state),
                _ = self.overrun.recv() => {
                    tracing::warn!("a real-time thread took more processor time than its rlimit_rttime without a pause");
                }
                () = running.lost.notified() => {
                    let message = "a loop of the engine ended by itself; the log says why";
                    return Err(Refused(exit::FAILED, message.to_owned()));
                }
            }
        }
    }
}

fn write_snapshot(running: &Running, state: &StateDir) {
    let written = running.handle.status().map_err(|error| error.to_string()).and_then(|status| {
        let text = serde_json::to_vec_pretty(&*status).map_err(|error| error.to_string())?;
        state.write("status.json", &text).map_err(|error| error.to_string())
    });
    match written {
        Ok(path) => tracing::info!("status written to {}", path.display()),
        Err(error) => tracing::error!("can't write the status: {error}"),
    }
}

/// The configuration and its warnings, which stay visible in the status.
fn configuration(options: &Options) -> Result<(Configuration, Vec<Warning>), Refused> {
    let loaded: Loaded = config::load(&options.file).map_err(|e| Refused(exit::CONFIGURATION, e.to_string()))?;
    let mut warnings = Vec::new();
    let mut errors = Vec::new();
    for diagnostic in &loaded.diagnostics {
        let place = format!("{}:{}:{}", diagnostic.file, diagnostic.line, diagnostic.column);
        if diagnostic.severity == config::Severity::Error {
            errors.push(format!("{place}: {}", diagnostic.message));
            continue;
        }
        tracing::warn!("{place}: {}", diagnostic.message);
        warnings.push(Warning {
            code: format!("configuration-{}", diagnostic.code),
            subject: place,
            message: diagnostic.message.clone(),
            next: diagnostic.help.clone().unwrap_or_default(),
        });
    }
    let Some(mut configuration) = loaded.configuration else {
        errors.push(format!("this file would not run; see `lvsdeck check -f {}`", options.file.display()));
        return Err(Refused(exit::CONFIGURATION, errors.join("\nlvsdeck: ")));
    };
    if options.vrrp_only {
        configuration.virtual_servers.clear();
    }
    if options.ipvs_only {
        configuration.virtual_routers.clear();
        configuration.sync_groups.clear();
    }
    Ok((configuration, warnings))
}

/// The kernel's table. Without services, configured or left by an earlier engine, nothing is asked of it, and a kernel
/// without ip_vs will do.
fn kernel(configuration: &Configuration, state: &StateDir) -> Result<Box<dyn IpvsKernel>, Refused> {
    // A damaged file is told by the start; here it only means that nothing is known to be left.
    let nothing_left = state.services().is_ok_and(|services| services.is_empty());
    if configuration.virtual_servers.is_empty() && nothing_left {
        return Ok(Box::new(SimulatedIpvs::default()));
    }
    let refused = |refusal: Refusal| {
        let code = match refusal.kind {
            RefusalKind::NoIpvs => exit::NO_IPVS,
            RefusalKind::NotPermitted => exit::NOT_PERMITTED,
            RefusalKind::Exists
            | RefusalKind::Missing
            | RefusalKind::NoScheduler
            | RefusalKind::Invalid
            | RefusalKind::TimedOut
            | RefusalKind::Other => exit::FAILED,
        };
        Refused(code, refusal.message)
    };
    let mut kernel = Netlink::open().map_err(refused)?;
    kernel.read_table().map_err(refused)?;
    Ok(Box::new(kernel))
}

/// Says `ready` on the descriptor of whoever started this engine.
fn say_ready(descriptor: Option<u32>) {
    let Some(descriptor) = descriptor else { return };
    let path = Path::new("/proc/self/fd").join(descriptor.to_string());
    let said = OpenOptions::new().write(true).open(path).and_then(|mut pipe| pipe.write_all(b"ready\n"));
    if let Err(error) = said {
        tracing::warn!("--ready-fd {descriptor}: {error}");
    }
}

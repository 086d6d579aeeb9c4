//! `lvsdeck run`: the engine, headless, in the foreground.
//!
//! 1. read the configuration; errors end here with exit code 2;
//! 2. take the control socket, so that two engines never meet (3);
//! 3. open the kernel's table where services are configured (5, 4);
//! 4. start the loops (4), say that it is ready, and serve the socket;
//! 5. on TERM, INT or `ctl stop`: masters resign, services leave the table (unless all is to be kept), the socket goes.

use super::service::Service;
use super::signals::Signals;
use super::{Places, exit, logging, rights, rivals};
use crate::api;
use crate::engine::EngineHandle;
use crate::engine::driver::adopt::{self, Frozen};
use crate::engine::driver::inheritance::Inheritance;
use crate::engine::driver::shared::Vitals;
use crate::engine::driver::source::{Read, Source};
use crate::engine::driver::start::{Running, Setup};
use crate::engine::driver::{failover, start};
use crate::engine::io::host;
use crate::engine::io::ipvs_netlink::{IpvsKernel, Netlink};
use crate::engine::io::runner::Runner;
use crate::engine::io::state::{StateDir, StateError};
use crate::engine::io::userspace::{self, Userspace, Ways};
use crate::engine::ipvs::{Refusal, RefusalKind};
use crate::engine::model::Configuration;
use crate::engine::snapshot::Warning;
use std::cell::Cell;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};

/// How long an orderly end may take before the process ends without it.
const END_LIMIT: Duration = Duration::from_secs(10);
/// How often it is looked whether the loops have gone round.
const FIRST_ROUND_LOOKS: Duration = Duration::from_millis(1);
/// Open files that are asked of the system for the userspace dataplane, where its limit allows.
const MOST_FILES: u64 = 1 << 20;
/// Threads that may wait in the engine for clients at a time.
const BLOCKING_THREADS: usize = 32;

/// What `lvsdeck run` was asked to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// The configuration.
    pub file: PathBuf,
    /// `--settings`: lvsdeck's own, in place of the standard file.
    pub settings: Option<PathBuf>,
    /// Where it listens and keeps its state.
    pub places: Places,
    /// Descriptor on which to say `ready`; also: leave the terminal's session.
    pub ready_fd: Option<u32>,
    /// `--metrics`: where else to serve them.
    pub metrics: Option<SocketAddr>,
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
    /// What `@id` lines are compared with, when it is not the host's name.
    pub config_id: Option<String>,
    /// `--keep`: TERM and INT leave addresses and services in place.
    pub keep: bool,
    /// `--adopt`: take the place of the keepalived that runs here.
    pub adopt: bool,
}

/// A start that ended early: what to say and which exit code.
pub(super) struct Refused(pub u8, pub String);

/// Runs until it is asked to stop. Gives the exit code.
pub fn run(options: &Options) -> u8 {
    host::call_it_lvsdeck();
    if options.ready_fd.is_some() {
        host::leave_session();
    }
    let log = logging::start(options.json_log, options.log_color);
    let service = Service::from_environment();
    let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(BLOCKING_THREADS).build();
    let ended = match (preflight(options), runtime) {
        (Err(refused), _) => Err(refused),
        (Ok((source, read)), Ok(runtime)) => {
            let ended = runtime.block_on(serve(options, source, read, &service));
            // A question that still waits in the engine does not hold the exit up.
            runtime.shutdown_timeout(Duration::from_secs(1));
            ended
        }
        (Ok(_), Err(error)) => Err(Refused(exit::FAILED, format!("can't start: {error}"))),
    };
    match ended {
        Ok(()) => exit::OK,
        Err(Refused(code, message)) => {
            service.failed(&message);
            log.last_word(&message);
            code
        }
    }
}

/// Reads the configuration, and looks whether it may run here. No thread is begun, and other engines are asked by a client that
/// brings its own runtime: hence before ours.
fn preflight(options: &Options) -> Result<(Source, Read), Refused> {
    if options.userspace && options.adopt {
        let message = "--adopt takes over what keepalived has in the kernel; the userspace dataplane has none of it: start without --adopt";
        return Err(Refused(exit::USAGE, message.to_owned()));
    }
    let Options { file, settings, vrrp_only, ipvs_only, config_id, .. } = options.clone();
    let settings = settings.into();
    let source = Source { file, settings, vrrp_only, ipvs_only, userspace: options.userspace, config_id };
    let read = read(&source)?;
    match rivals::objection(&read.configuration, &options.places.socket, options.adopt) {
        Some(message) => Err(Refused(exit::FAILED, message)),
        None => Ok((source, read)),
    }
}

async fn serve(options: &Options, source: Source, read: Read, service: &Service) -> Result<(), Refused> {
    let signals = Signals::catch()?;
    let configuration = Arc::clone(&read.configuration);
    let runner = Runner::start();
    let bound = bind(options).map_err(|error| Refused(error.exit_code(), error.to_string()))?;
    for warning in &bound.warnings {
        tracing::warn!("{warning}");
    }
    let state = StateDir::open(&options.places.state).map_err(|error| {
        let code = if matches!(error, StateError::InUse { .. }) { exit::ENGINE } else { exit::FAILED };
        Refused(code, error.to_string())
    })?;
    let frozen = if options.adopt { Some(freeze()?) } else { None };
    let lasting = options.places.lasting.as_path();
    let mut left = Inheritance::of(&state, lasting);
    let mut kernel = if options.userspace { None } else { kernel(&configuration, &source, &mut left, &state)? };
    let inheritance = match &frozen {
        None => left,
        Some(frozen) => {
            let table = kernel.as_mut().map(|kernel| kernel.read_table()).transpose().map_err(no_table)?;
            let made = left.replaced(frozen, &configuration, &table.unwrap_or_default());
            let made =
                made.map_err(|error| Refused(exit::FAILED, format!("can't list this host's addresses: {error}")))?;
            made.write_down(&state).map_err(|error| Refused(exit::FAILED, error.to_string()))?;
            made
        }
    };
    let mut warnings = rights::settle(&configuration.global);
    // It has a thread: hence not before.
    let userspace = if options.userspace { Some(userspace(&configuration, &mut warnings)?) } else { None };
    if let Some(dataplane) = &userspace {
        kernel = Some(Box::new(dataplane.clone()));
    }
    let setup = Setup { source, read, state: &state, lasting, inheritance, kernel, userspace, runner, warnings };
    let running = start::start(setup).map_err(|error| {
        let code = if error.is_permission() { exit::NOT_PERMITTED } else { exit::FAILED };
        Refused(code, error.to_string())
    })?;
    begun(&running).await?;
    if let Some(frozen) = frozen {
        end(frozen);
    }
    say_ready(options.ready_fd);
    // Ends with this function.
    let _adviser = running.advise().map_err(|error| Refused(exit::FAILED, error.to_string()))?;
    let handle: Arc<dyn EngineHandle> = running.handle.clone();
    let ended = Cell::new(Ok(()));
    let stop = async {
        let asked = service.while_running(&running.handle, signals.until_asked(&running, &state, service)).await;
        let keep = asked.as_ref().is_ok_and(|keep| keep.unwrap_or(options.keep));
        // The loops end before the socket goes: an attached console sees the last events.
        let in_time = service.while_stopping(keep, timeout(END_LIMIT, running.end(keep))).await;
        let late = in_time.map_err(|_| {
            if keep {
                return Refused(exit::FAILED, "the engine did not end in time; what it made stays in place".to_owned());
            }
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

/// The control socket and, where it is asked for, the address for metrics.
fn bind(options: &Options) -> Result<api::Bound, api::BindError> {
    let mut bound = api::bind(&options.places.socket)?;
    if let Some(address) = options.metrics {
        bound.offer_metrics(address)?;
    }
    if let Some(address) = bound.metrics_address() {
        tracing::info!("metrics on http://{address}/metrics");
    }
    Ok(bound)
}

/// The configuration, with its warnings told.
fn read(source: &Source) -> Result<Read, Refused> {
    let read = source.read(1).map_err(|unfit| Refused(exit::CONFIGURATION, unfit.0.join("\n")))?;
    for warning in &read.identity.warnings {
        tracing::warn!("{}: {}", warning.subject, warning.message);
    }
    Ok(read)
}

/// The kernel's table. Without services, configured or left by an earlier engine, nothing is asked of it, and a kernel
/// without ip_vs will do; it will do as well for what an earlier engine left, which can't be in there: that is set aside.
fn kernel(
    configuration: &Configuration,
    source: &Source,
    left: &mut Inheritance,
    state: &StateDir,
) -> Result<Option<Box<dyn IpvsKernel>>, Refused> {
    let is_wanted = !configuration.virtual_servers.is_empty() || left.adds_services(source);
    if !is_wanted && !left.has_services() {
        return Ok(None);
    }
    let opened = Netlink::open().and_then(|mut kernel| kernel.read_table().map(|_| kernel));
    match opened {
        Ok(kernel) => Ok(Some(Box::new(kernel))),
        Err(refusal) if refusal.kind == RefusalKind::NoIpvs && !is_wanted => {
            tracing::warn!("{}", left.set_services_aside(state));
            Ok(None)
        }
        Err(mut refusal) => {
            if let (false, Some(why)) = (is_wanted, left.cause()) {
                refusal.message = format!("{}; it is asked for since {why}", refusal.message);
            }
            Err(no_table(refusal))
        }
    }
}

/// The dataplane of this process, for as many connections as it may have files open; few are worth a warning.
fn userspace(configuration: &Configuration, warnings: &mut Vec<Warning>) -> Result<Userspace, Refused> {
    let checks = configuration.virtual_servers.iter().flat_map(|server| &server.real_servers);
    let checks = checks.map(|server| server.checks.len()).sum();
    let limit = host::open_files(MOST_FILES);
    let capacity = userspace::capacity(limit, configuration.virtual_servers.len(), checks);
    if let Some(warning) = userspace::few(capacity, limit) {
        tracing::warn!("{}: {}; {}", warning.subject, warning.message, warning.next);
        warnings.push(warning);
    }
    let error = |error| Refused(exit::FAILED, format!("can't start the userspace dataplane: {error}"));
    Userspace::start(Ways::Real, "dataplane", capacity).map_err(error)
}

/// A kernel without a table for services, as the exit code that it deserves.
pub(super) fn no_table(refusal: Refusal) -> Refused {
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
}

/// Freezes the keepalived whose place is to be taken.
fn freeze() -> Result<Frozen, Refused> {
    let frozen = Frozen::freeze().map_err(|e| Refused(exit::FAILED, format!("keepalived can't be stopped: {e}")))?;
    let frozen =
        frozen.ok_or_else(|| Refused(exit::FAILED, "no keepalived runs here: start without --adopt".to_owned()))?;
    tracing::info!("keepalived (pid {}) is frozen; this engine takes its place", frozen.pid());
    Ok(frozen)
}

/// Ends the keepalived whose place was taken, and what it would leave behind.
fn end(frozen: Frozen) {
    if let Err(error) = frozen.end() {
        tracing::error!("keepalived can't be ended: {error}; end it before it wakes up: it would be a second master");
        return;
    }
    match adopt::remove_rules() {
        Ok(tables) if tables.is_empty() => {}
        Ok(tables) => tracing::info!("removed what keepalived left in nftables: table {}", tables.join(", table ")),
        Err(error) => tracing::warn!(
            "what keepalived left in nftables can't be removed: {error}; look at `nft list tables` for its table"
        ),
    }
}

/// Waits until both loops have gone round once: from then on the engine is what it says. Errors: one of them has ended.
async fn begun(running: &Running) -> Result<(), Refused> {
    let first_round = async {
        while running.handle.vitals() == Vitals::Starting {
            sleep(FIRST_ROUND_LOOKS).await;
        }
    };
    tokio::select! {
        () = first_round => Ok(()),
        () = running.lost.notified() => {
            Err(Refused(exit::FAILED, "a loop of the engine ended at once; the log says why".to_owned()))
        }
    }
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

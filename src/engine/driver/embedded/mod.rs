//! The embedded cluster: two directors, real servers and clients in this process, for `lvsdeck demo`.
//!
//! ```text
//! clients ─► switch ─► the director that has 192.0.2.10 ─► userspace dataplane ─► web1, web2, web3 (loopback)
//!                      d1 ◄── simulated LAN: real advertisements ──► d2
//! ```
//!
//! The directors are those of production: the same cores, loops, configuration language and health checks. What differs are
//! their surroundings (`Node`) and their dataplane. Everything ends with the value, and nothing of this host
//! is touched but loopback ports and a directory that goes with it.

pub mod layout;
mod load;
mod node;
pub mod orders;
mod stage;
mod switch;
mod web;

use super::inheritance::Inheritance;
use super::local::LocalEngine;
use super::source::Source;
use super::start::{Running, Setup, StartError, start_in};
use crate::engine::config::settings::Place;
use crate::engine::guide::Drill;
use crate::engine::handle::EngineHandle;
use crate::engine::io::host;
use crate::engine::io::runner::RunnerError;
use crate::engine::io::simulated_lan::{SimulatedLan, Station};
use crate::engine::io::state::StateDir;
use crate::engine::io::userspace::{Userspace, Ways};
use crate::engine::model::{Protocol, RealServerKey, ServiceKey};
use crate::engine::snapshot::{Health, Role, Status, VirtualServerStatus};
use layout::{DIRECTORS, Director, Layout, SERVERS, SERVICES, VIP};
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long loopback may take to connect.
const ANSWER: Duration = Duration::from_secs(1);
/// Loopback ports of the services, when they are free.
const ENTRANCES: [u16; 3] = [8080, 8443, 8025];
/// Descriptors that a cluster without servers and clients needs.
const DESCRIPTORS: u64 = 160;
/// Descriptors for clients: each has one at its own end, two at the director's and one at the server's.
const FOR_CLIENTS: u64 = 400;

/// For how long the first director has listened to the LAN when it begins: longer than a backup waits (3.41 s).
const SILENT_BEFORE: Duration = Duration::from_secs(4);
/// How long the start waits for a master and for good servers; what is not there by then comes on screen.
const SETTLING: Duration = Duration::from_millis(500);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(2);

/// Connections that a director has at a time, if there are descriptors for them: more than the cluster's clients ever make.
const CONNECTIONS: usize = 20_000;

/// How large it is, and how it goes.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Real servers, 3 at the least.
    pub servers: usize,
    /// Whatever is drawn is drawn from this.
    pub seed: u64,
}

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// Too few descriptors.
    #[error(
        "the cluster needs {needed} open files, and this process may have {limit}: raise the limit (ulimit -n {needed}){fewer}"
    )]
    Descriptors {
        /// How many it needs.
        needed: u64,
        /// How many there may be.
        limit: u64,
        /// What else helps.
        fewer: &'static str,
    },
    /// Loopback can't be listened on.
    #[error("can't listen on 127.0.0.1: {0}; is loopback up? (ip link set lo up)")]
    Loopback(#[source] io::Error),
    /// Its directory could not be made.
    #[error("{path}: can't keep the cluster's files there ({source}); name another place with TMPDIR")]
    Directory {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A director could not be started.
    #[error("can't start director {name}: {why}")]
    Director {
        /// Which.
        name: &'static str,
        /// Why.
        why: String,
    },
    /// A thread could not be started.
    #[error("can't start a thread: {0}")]
    Thread(#[source] io::Error),
}

/// A running cluster; also the handle of the director that is shown.
pub struct Cluster {
    directors: Vec<Arc<LocalEngine>>,
    shown: AtomicUsize,
    lan: SimulatedLan,
    webs: web::Webs,
    seen: Arc<load::Seen>,
    layout: Layout,
    drill: Mutex<Drill>,
    journey: Mutex<stage::Journey>,
    /// Each director's newest event when the wire was cut.
    cut_at: Mutex<Vec<u64>>,
}

/// What ends a cluster.
pub struct Ending {
    running: Vec<Running>,
    /// Switch and clients end with it.
    _life: tokio::sync::watch::Sender<()>,
    directory: PathBuf,
}

impl Cluster {
    /// Starts everything, and waits until it serves or its time has passed. Clients come once it serves.
    pub fn start(options: &Options) -> Result<(Arc<Self>, Ending), ClusterError> {
        enough_descriptors(options.servers)?;
        let webs = Listening::open(options.servers).map_err(ClusterError::Loopback)?;
        let entrances = entrances().map_err(ClusterError::Loopback)?;
        let place = directory()?;
        let (life, alive) = tokio::sync::watch::channel(());
        let mut ending = Ending { running: Vec::new(), _life: life, directory: place };
        let layout = Layout {
            names: webs.servers.iter().map(|(name, _)| name.clone()).collect(),
            real: webs.real,
            entrances: entrances.iter().filter_map(|(_, listener)| listener.local_addr().ok()).collect(),
        };
        let webs = web::Webs::start(webs.servers).map_err(ClusterError::Thread)?;
        let lan = SimulatedLan::new(options.seed);
        let (mut directors, mut dataplanes) = (Vec::new(), Vec::new());
        for director in &DIRECTORS {
            let station = lan.join(director.address.into(), 24).map_err(ClusterError::Thread)?;
            let real = layout.real.clone();
            let find = move |key: RealServerKey| {
                let address = key.0.into();
                real.get(&address).copied().unwrap_or(address)
            };
            let dataplane = Userspace::start(Ways::Embedded(Arc::new(find)), "dataplane", CONNECTIONS)
                .map_err(ClusterError::Thread)?;
            let running = direct(director, &layout, &ending.directory, station, dataplane.clone())
                .map_err(|why| ClusterError::Director { name: director.name, why })?;
            directors.push(Arc::clone(&running.handle));
            dataplanes.push(dataplane);
            ending.running.push(running);
        }
        let (clients, seen) = (switch::Clients::default(), Arc::new(load::Seen::default()));
        seen.rate.store(load::USUAL, std::sync::atomic::Ordering::Relaxed);
        let switch = switch::Switch { lan: lan.clone(), dataplanes, clients: clients.clone() };
        switch.start(entrances, alive.clone()).map_err(ClusterError::Thread)?;
        let first = directors.first().map(Arc::clone);
        let serves = move || first.as_ref().and_then(|director| director.status().ok()).is_some_and(|s| serves(&s));
        let until = Instant::now() + SETTLING;
        while !serves() && Instant::now() < until {
            std::thread::sleep(LOOK);
        }
        load::start(layout.entrances.clone(), clients, options.seed, Arc::clone(&seen), serves, alive)
            .map_err(ClusterError::Thread)?;
        let (drill, journey, cut_at) = (Mutex::default(), Mutex::default(), Mutex::default());
        let shown = AtomicUsize::new(0);
        Ok((Arc::new(Self { directors, shown, lan, webs, seen, layout, drill, journey, cut_at }), ending))
    }
}

/// Whether a director is master and, of each service, has all servers, or of many one.
fn serves(status: &Status) -> bool {
    let good = |service: &Arc<VirtualServerStatus>| {
        let up = service.real_servers.iter().filter(|server| server.health == Health::Up).count();
        up >= service.real_servers.len().min(SERVERS) && service.in_kernel
    };
    status.role == Role::Master
        && status.virtual_servers.len() == SERVICES.len()
        && status.virtual_servers.iter().all(good)
}

impl Ending {
    /// Ends both directors in order, then the rest.
    pub fn end(mut self) {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        for running in std::mem::take(&mut self.running) {
            runtime.block_on(running.end(false));
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // What stays in a directory for temporary files hurts nobody.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The real servers' ports.
struct Listening {
    servers: Vec<(String, Vec<web::Port>)>,
    real: BTreeMap<SocketAddr, SocketAddr>,
}

impl Listening {
    /// Whatever ports of loopback are free.
    fn open(servers: usize) -> io::Result<Self> {
        let mut this = Self { servers: Vec::new(), real: BTreeMap::new() };
        for server in 0..servers {
            let mut ports = Vec::new();
            for (number, service) in SERVICES.iter().enumerate() {
                if server < layout::members(number, servers) {
                    let port = web::Port::open()?;
                    let key = SocketAddr::from((layout::server(server, servers), service.port));
                    this.real.insert(key, port.address()?);
                    ports.push(port);
                }
            }
            this.servers.push((format!("web{}", server + 1), ports));
        }
        // Loopback that is down can be listened on all the same.
        if let Some(address) = this.real.values().next() {
            TcpStream::connect_timeout(address, ANSWER)?;
        }
        Ok(this)
    }
}

/// The services' ports on loopback: the usual ones, or others where those are taken.
fn entrances() -> io::Result<Vec<(ServiceKey, TcpListener)>> {
    let open = |(service, port): (&layout::Service, u16)| {
        let address = SocketAddr::from((VIP, service.port));
        let usual = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = usual.or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        Ok((ServiceKey::Address { protocol: Protocol::Tcp, address }, listener))
    };
    SERVICES.iter().zip(ENTRANCES).map(open).collect()
}

fn enough_descriptors(servers: usize) -> Result<(), ClusterError> {
    let ports: usize = (0..SERVICES.len()).map(|service| layout::members(service, servers)).sum();
    // A check of a port may be out at both directors, and has an end at the server too; a port has its place beside its listener.
    let needed = DESCRIPTORS + FOR_CLIENTS + u64::try_from(ports).unwrap_or(u64::MAX).saturating_mul(4);
    let limit = host::open_files(needed.saturating_mul(2));
    let fewer = if servers > SERVERS { ", or ask for fewer --servers" } else { "" };
    if limit < needed { Err(ClusterError::Descriptors { needed, limit, fewer }) } else { Ok(()) }
}

/// A new directory that is this user's alone.
fn directory() -> Result<PathBuf, ClusterError> {
    let place = std::env::temp_dir();
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for turn in 0..100 {
        let path = place.join(format!("lvsdeck-demo-{}-{turn}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(source) => return Err(ClusterError::Directory { path, source }),
        }
    }
    Err(ClusterError::Directory { path: place, source: last })
}

/// Starts a director.
fn direct(
    director: &Director,
    layout: &Layout,
    directory: &Path,
    station: Station,
    dataplane: Userspace,
) -> Result<Running, String> {
    let place = directory.join(director.name);
    let file = directory.join(format!("{}.conf", director.name));
    fs::write(&file, layout.configuration(director)).map_err(|error| format!("{}: {error}", file.display()))?;
    let settings = Place::Nowhere;
    let source = Source { file, settings, vrrp_only: false, ipvs_only: false, userspace: false, config_id: None };
    let read = source.read(1).map_err(|unfit| unfit.to_string())?;
    let state = StateDir::open(&place).map_err(|error| error.to_string())?;
    let setup = Setup {
        source,
        read,
        state: &state,
        lasting: &place,
        inheritance: Inheritance::of(&state, &place),
        kernel: Some(Box::new(dataplane.clone())),
        userspace: Some(dataplane),
        runner: Err(RunnerError::Unwanted),
        warnings: Vec::new(),
    };
    // The first has listened to the empty LAN already: it leads at once, where a cluster takes seconds to elect it.
    let silent = if station.number() == 0 { SILENT_BEFORE } else { Duration::ZERO };
    let world = |_: &StateDir, overrides| Ok(node::Node::new(station, silent, overrides));
    start_in(setup, world, |_| Ok(())).map_err(|error| match error {
        StartError::Sockets(error) | StartError::Thread(error) => error.to_string(),
    })
}

//! Watching beside another director: an [`EngineHandle`] without an engine behind it.
//!
//! Two threads: one listens to VRRP, one looks once a second at the kernel's table and this host's addresses. Both publish
//! into the same [`Shared`] as the loops of an engine do, so that every front shows it the same way. It asks the kernel and
//! tells it nothing: no packet leaves, no table is written, no module is loaded, no process is started. Every command is
//! refused.

use super::balance::BalanceView;
use super::failover::{FailoverView, Listener};
use super::history;
use super::shared::{Identity, Shared};
use super::sysctls;
use crate::engine::command::{Answer, CommandRequest, Who};
use crate::engine::event::{Event, EventKind, Fact, Severity};
use crate::engine::handle::{EngineHandle, HandleError, unreadable_host};
use crate::engine::history::{HistoryError, HistoryPage, HistoryQuery};
use crate::engine::io::host_load::HostReader;
use crate::engine::io::ipvs_netlink::{IpvsKernel, Netlink};
use crate::engine::io::vrrp_listener::VrrpListener;
use crate::engine::io::{host, host_addresses, ipvs_proc, processes};
use crate::engine::ipvs::{IpvsTable, RefusalKind, Sysctl};
use crate::engine::journal::{JournalFrom, JournalPage};
use crate::engine::model::Configuration;
use crate::engine::snapshot::{
    ConfigStatus, HostLoad, Moment, RealServerStatus, RowsPage, RowsQuery, Status, Summary, VirtualRouterState,
    VirtualRouterStatus, Warning,
};
use crate::engine::vrrp::overhear;
use crate::engine::watching::{Heard, Host, Listening, TableWatch};
use std::io;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Time between two looks at the table, and the longest wait for an advertisement.
const INTERVAL: Duration = Duration::from_secs(1);
/// A look may take this part of the time until the next: a table of 100,000 servers is looked at less often, but no less
/// than this.
const SHARE: u32 = 10;
const SELDOM: Duration = Duration::from_secs(10);
/// How long the first picture waits for advertisements: three of keepalived's default interval.
const PATIENCE: Duration = Duration::from_secs(3);
/// In which every router of keepalived's default interval advertises once.
const ROUND: Duration = Duration::from_millis(1_200);
/// How often processes are looked through for a keepalived.
const PROCESSES: Duration = Duration::from_secs(5);

/// What is known of the file: names, priorities and weights come from it.
#[derive(Debug, Default)]
pub struct Known {
    /// Where it is; empty when there is none.
    pub file: String,
    /// What it says; empty when there is none, or when it can't be read.
    pub configuration: Configuration,
    /// Why it can't be read.
    pub problem: Option<String>,
}

/// The watch. Its threads end with the process, or soon after it is dropped.
pub struct Watch {
    shared: Arc<Shared>,
    host: HostReader,
    listens: bool,
    /// What both threads wait on.
    _running: [Sender<()>; 2],
}

/// What the two threads share.
struct Eyes {
    shared: Arc<Shared>,
    ears: Mutex<(Listening, Host)>,
    /// What is missing here.
    warnings: Mutex<Vec<Warning>>,
}

impl Watch {
    /// Begins. The table has been looked at once when this returns.
    pub fn begin(known: Known) -> io::Result<Self> {
        let Known { file, configuration, problem } = known;
        let node = configuration.global.router_id.clone().unwrap_or_else(host::name);
        let mut warnings: Vec<Warning> = problem.into_iter().map(|message| unreadable(&file, message)).collect();
        let listener = VrrpListener::open(INTERVAL);
        warnings.extend(listener.as_ref().err().map(deaf));
        let now = moment();
        let config = ConfigStatus { file, loaded_at: now.wall, generation: 1 };
        let identity = Identity { node: node.clone(), mode: "watch", dataplane: "kernel".to_owned(), config, warnings };
        let shared = Arc::new(Shared::new(identity));
        shared.begin(0, Vec::new());
        let listening = Listening::new(now, &configuration.virtual_routers);
        let listens = listener.is_ok();
        let host = Host { listens, ..Host::default() };
        let eyes = Arc::new(Eyes {
            shared: Arc::clone(&shared),
            ears: Mutex::new((listening, host)),
            warnings: Mutex::default(),
        });
        let mut table = TableThread {
            eyes: Arc::clone(&eyes),
            kernel: None,
            watch: TableWatch::new(configuration.virtual_servers),
            keepalived: None,
        };
        table.look();
        shared.append(Fact::new(EventKind::EngineStarted, Severity::Info, node).reason("watching, without an engine"));
        if let Ok(listener) = listener {
            let eyes = Arc::downgrade(&eyes);
            let body = move || while_alive(&eyes, listener);
            thread::Builder::new().name("listener".to_owned()).spawn(body)?;
        }
        drop(eyes);
        let (looking, ended) = channel::<()>();
        let body = move || {
            let mut pause = INTERVAL;
            while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = table.look().saturating_mul(SHARE).clamp(INTERVAL, SELDOM);
            }
        };
        thread::Builder::new().name("tables".to_owned()).spawn(body)?;
        let sampling = history::start(Arc::clone(&shared))?;
        Ok(Self { shared, host: HostReader::default(), listens, _running: [sampling, looking] })
    }

    /// Waits until something was heard of every instance, three seconds at most: a picture of the first moment knows nothing of VRRP.
    /// Where no file says which there are, that may be after 1.2 s at the earliest.
    pub fn listen(&self) {
        let begun = Instant::now();
        let until = begun + PATIENCE;
        let names_all = !self.shared.status().config.file.is_empty();
        let is_heard = |router: &VirtualRouterStatus| {
            router.state != VirtualRouterState::Init || router.peers.iter().any(|peer| peer.last_heard_at.is_some())
        };
        if !self.listens {
            return;
        }
        loop {
            let status = self.shared.status();
            let (now, routers) = (Instant::now(), &status.virtual_routers);
            let is_known = !routers.is_empty() && routers.iter().all(is_heard);
            let end = if is_known && names_all {
                now
            } else if is_known {
                begun + ROUND
            } else {
                until
            };
            if now >= end {
                return;
            }
            self.shared.events(status.last_event, 1, end - now);
        }
    }
}

fn moment() -> Moment {
    Moment { now: Instant::now(), wall: SystemTime::now() }
}

/// Listens until nobody looks any more.
fn while_alive(eyes: &std::sync::Weak<Eyes>, mut listener: VrrpListener) {
    let mut looked = Instant::now();
    loop {
        let passed = listener.receive();
        let broken = passed.is_err();
        let heard = passed.ok().flatten().and_then(|passed| {
            let advertisement = overhear(passed.packet)?;
            Some(Heard { interface: passed.interface, ours: passed.ours, advertisement })
        });
        if broken {
            thread::sleep(INTERVAL); // whatever it is, it must not make this thread spin
        }
        let Some(eyes) = eyes.upgrade() else { return };
        if heard.is_some_and(|heard| eyes.ears().0.hear(moment(), heard)) {
            eyes.show_routers();
        }
        if looked.elapsed() > INTERVAL * 10 {
            looked = Instant::now();
            listener.look_for_interfaces();
        }
    }
}

impl Eyes {
    fn ears(&self) -> std::sync::MutexGuard<'_, (Listening, Host)> {
        self.ears.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show_routers(&self) {
        let now = moment();
        let (routers, facts) = {
            let mut ears = self.ears();
            let (listening, host) = &mut *ears;
            listening.look(now, host)
        };
        let warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.shared.publish(FailoverView { at: Some(now.now), routers, warnings, ..FailoverView::default() });
        for fact in facts {
            self.shared.append(fact);
        }
    }
}

/// The thread that looks at the kernel's table.
struct TableThread {
    eyes: Arc<Eyes>,
    kernel: Option<Netlink>,
    watch: TableWatch,
    /// Whether a keepalived runs here, and when that was looked for.
    keepalived: Option<(Instant, bool)>,
}

impl TableThread {
    /// Looks once and publishes. Gives how long it took.
    fn look(&mut self) -> Duration {
        let begun = Instant::now();
        let interfaces = host_addresses::interfaces().unwrap_or_default();
        if self.keepalived.is_none_or(|(at, _)| begun.saturating_duration_since(at) >= PROCESSES) {
            self.keepalived = Some((begun, !processes::keepalived().is_empty()));
        }
        let keepalived = self.keepalived.is_some_and(|(_, runs)| runs);
        {
            let mut ears = self.eyes.ears();
            (ears.1.addresses, ears.1.links) = (interfaces.addresses, interfaces.links);
            ears.1.keepalived = keepalived;
        }
        let (table, mut warnings) = self.read();
        if !host::is_root() {
            // Of other users' processes no network namespace is shown.
            warnings.retain(|warning| warning.code != "watch-nothing");
        } else if !keepalived && self.eyes.shared.status().config.file.is_empty() {
            warnings.extend(nothing_runs(&table));
        }
        *self.eyes.warnings.lock().unwrap_or_else(PoisonError::into_inner) = warnings;
        let (servers, facts) = self.watch.look(moment(), &table);
        let view = BalanceView { at: Some(Instant::now()), servers, ..BalanceView::default() };
        self.eyes.shared.publish_balance(view);
        for fact in facts {
            self.eyes.shared.append(fact);
        }
        self.eyes.show_routers();
        begun.elapsed()
    }

    /// The table as far as this process may see it, and what is missing.
    fn read(&mut self) -> (IpvsTable, Vec<Warning>) {
        // Asking the kernel for a family that it does not have makes it load the module: so it is not asked.
        if !Path::new("/proc/thread-self/net/ip_vs").exists() {
            self.kernel = None;
            return (IpvsTable::default(), vec![no_ipvs()]);
        }
        if self.kernel.is_none() {
            self.kernel = Netlink::open().ok();
        }
        let read = self.kernel.as_mut().map(IpvsKernel::read_table);
        match read {
            Some(Ok(table)) => return (table, Vec::new()),
            Some(Err(refusal)) if refusal.kind == RefusalKind::NotPermitted => {}
            Some(Err(_)) | None => self.kernel = None,
        }
        match ipvs_proc::Table::read() {
            Ok(table) => (table.whole(), vec![blind()]),
            Err(error) => (IpvsTable::default(), vec![unseen(&error)]),
        }
    }
}

fn warning(code: &str, subject: &str, message: String, next: &str) -> Warning {
    Warning { code: code.to_owned(), subject: subject.to_owned(), message, next: next.to_owned() }
}

fn unreadable(file: &str, message: String) -> Warning {
    warning(
        "watch-file",
        file,
        message,
        "names, priorities and weights of the file are not shown; name another with -f FILE",
    )
}

fn deaf(error: &io::Error) -> Warning {
    let why = if error.kind() == io::ErrorKind::PermissionDenied {
        "without CAP_NET_RAW".to_owned()
    } else {
        error.to_string()
    };
    let message = format!("VRRP can't be heard: {why}");
    warning("watch-deaf", "VRRP", message, "run it as root, or with CAP_NET_RAW, to see who is master")
}

fn blind() -> Warning {
    let message = "without CAP_NET_ADMIN no traffic, rates, thresholds and persistence are shown".to_owned();
    warning("watch-proc", "table", message, "run it as root to see them")
}

fn no_ipvs() -> Warning {
    let message = "the kernel has no ip_vs loaded, so there are no services".to_owned();
    warning("watch-no-ipvs", "table", message, "whoever makes services loads it; by hand: modprobe ip_vs")
}

fn unseen(error: &io::Error) -> Warning {
    warning("watch-unseen", "table", format!("/proc/net/ip_vs can't be read: {error}"), "run it as root")
}

fn nothing_runs(table: &IpvsTable) -> Option<Warning> {
    let message = "no keepalived runs here and the table is empty: there is little to watch".to_owned();
    table
        .services
        .is_empty()
        .then(|| warning("watch-nothing", "host", message, "`lvsdeck run -f FILE` starts an engine"))
}

impl EngineHandle for Watch {
    fn summary(&self) -> Result<Summary, HandleError> {
        Ok(Summary::of(&self.shared.status(), SystemTime::now(), false))
    }
    fn virtual_routers(&self) -> Result<Vec<VirtualRouterStatus>, HandleError> {
        Ok(self.shared.status().virtual_routers.clone())
    }
    fn rows(&self, query: &RowsQuery) -> Result<RowsPage, HandleError> {
        Ok(RowsPage::of(&self.shared.status(), query, SystemTime::now()))
    }
    fn real_server(&self, service: &str, server: &str) -> Result<Option<RealServerStatus>, HandleError> {
        Ok(self.shared.real_server(service, server))
    }
    fn status(&self) -> Result<Arc<Status>, HandleError> {
        Ok(self.shared.status())
    }
    fn events(&self, after: u64, limit: usize, wait: Duration) -> Result<Vec<Event>, HandleError> {
        Ok(self.shared.events(after, limit, wait).into_iter().map(Arc::unwrap_or_clone).collect())
    }
    fn page(&self, after: u64, limit: usize) -> Result<Vec<Arc<Event>>, HandleError> {
        Ok(self.shared.page(after, limit))
    }
    fn journal(&self, from: JournalFrom, limit: usize) -> Result<JournalPage, HandleError> {
        Ok(self.shared.journal(from, limit))
    }
    fn history(&self, query: &HistoryQuery) -> Result<Result<HistoryPage, HistoryError>, HandleError> {
        Ok(self.shared.history_page(query))
    }
    fn sysctls(&self) -> Result<Vec<Sysctl>, HandleError> {
        sysctls::listing(&self.shared.status())
    }
    fn host(&self) -> Result<HostLoad, HandleError> {
        self.host.read().map_err(unreadable_host)
    }
    fn command(&self, _: &CommandRequest, _: &Who) -> Result<Answer, HandleError> {
        Err(HandleError::Rejected {
            status: 403,
            code: "watching".to_owned(),
            message: "this console only watches: it changes nothing here".to_owned(),
            next: "`lvsdeck adopt` puts an engine in keepalived's place; `lvsdeck ipvs` edits the table by hand"
                .to_owned(),
        })
    }
}

//! Starting and stopping an engine: two loops, each on a thread of its own, and the handle over them.
//!
//! The order of the end is part of the contract: masters resign and their addresses go first, so that the traffic is
//! elsewhere before services leave the table.

use super::advice::Adviser;
use super::balance::{self, BalanceLoopError, BalanceView, Memory};
use super::dataplane::Dataplane;
use super::failover::{self, FailoverLoop, FailoverSender, FailoverView, Listener};
use super::history;
use super::inheritance::Inheritance;
use super::keeper;
use super::local::LocalEngine;
use super::log;
use super::mailer::{self, Mailer};
use super::notifier::{self, NotifierSender};
use super::overrides::{self, OverridesSender};
use super::reload::{Loops, Reloader};
use super::scripts::{self, ScriptLoop, ScriptsSender};
use super::shared::Shared;
use super::source::{Read, Source};
use super::stop::Stop;
use super::surroundings::{Nowhere, Surroundings};
use super::synchroniser::Synchroniser;
use super::unscripted;
use super::watches::{self, WatchLoop, WatchesSender};
use super::webhook;
use super::world::World;
use crate::engine::balance::{Balance, Limit};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::failover::{Failover, Notice, Past};
use crate::engine::io::ipvs_netlink::IpvsKernel;
use crate::engine::io::real_time;
use crate::engine::io::runner::{Runner, RunnerError, RunnerLink};
use crate::engine::io::state::StateDir;
use crate::engine::io::userspace::{self, Userspace};
use crate::engine::ipvs::{IpvsOp, Refusal};
use crate::engine::model::{Configuration, RealTime, ServiceKey, TrackKind};
use crate::engine::snapshot::Warning;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc, oneshot};

/// Commands that may wait for the balance loop.
const QUEUE: usize = 64;

/// How long the end waits for the log's last lines.
const LOG_LIMIT: Duration = Duration::from_secs(1);

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Raw sockets or netlink were refused.
    #[error(
        "can't open the sockets for VRRP and addresses: {0}; lvsdeck needs CAP_NET_ADMIN and CAP_NET_RAW: run it as root"
    )]
    Sockets(#[source] io::Error),
    /// A thread could not be made.
    #[error("can't start a thread: {0}")]
    Thread(#[source] io::Error),
}

impl StartError {
    /// Whether the user lacks a permission.
    pub fn is_permission(&self) -> bool {
        matches!(self, Self::Sockets(error) if error.kind() == io::ErrorKind::PermissionDenied)
    }
}

/// The balance loop's thread.
type BalanceThread = JoinHandle<Result<(), BalanceLoopError>>;

/// A started engine: its handle, and what is needed to end it.
pub struct Running {
    /// For every front.
    pub handle: Arc<LocalEngine>,
    /// Told when a command asks for the end.
    pub stop: Arc<Stop>,
    /// Notified when a loop ended by itself: an engine that lost one must end rather than look alive.
    pub lost: Arc<Notify>,
    shared: Arc<Shared>,
    state: StateDir,
    failover: FailoverSender,
    failover_thread: JoinHandle<io::Result<()>>,
    clean_up: CleanUp,
    notifier: NotifierSender,
    notifier_thread: JoinHandle<()>,
    mailer: Mailer,
    mailer_thread: JoinHandle<()>,
    /// Its other end goes with the thread.
    notifier_ended: Receiver<()>,
    scripts: ScriptsSender,
    scripts_thread: JoinHandle<io::Result<()>>,
    watches: WatchesSender,
    watches_thread: JoinHandle<io::Result<()>>,
    runner: RunnerLink,
    balance_thread: BalanceThread,
    balance_end: oneshot::Sender<bool>,
    log_written: Receiver<()>,
    journal_written: Receiver<()>,
    events_posted: Receiver<()>,
    overrides_written: Receiver<()>,
    /// The sampler ends with it.
    _sampling: Sender<()>,
    synchroniser: Synchroniser,
}

/// What an engine is started with.
pub struct Setup<'a> {
    /// Where the configuration comes from.
    pub source: Source,
    /// What was read there.
    pub read: Read,
    /// What the engine makes in the kernel is written down here.
    pub state: &'a StateDir,
    /// The directory of the journal and of what operators want.
    pub lasting: &'a Path,
    /// What is in the kernel already.
    pub inheritance: Inheritance,
    /// None where no services are configured or left behind.
    pub kernel: Option<Box<dyn IpvsKernel>>,
    /// The same, where it is this process.
    pub userspace: Option<Userspace>,
    /// What runs scripts.
    pub runner: Result<Runner, RunnerError>,
    /// What the system refused this process; true for the whole run.
    pub warnings: Vec<Warning>,
}

/// Takes off what a failover loop that died has left on its surroundings.
pub type CleanUp = fn(&StateDir) -> io::Result<()>;

/// Starts both loops on this host. One that serves in userspace, has no instances and never had needs no sockets for them, and
/// hence no privilege.
pub fn start(setup: Setup<'_>) -> Result<Running, StartError> {
    if setup.userspace.is_some() && setup.source.ipvs_only && setup.inheritance.past.leaves_nothing() {
        return start_in(setup, |_, _| Ok(Nowhere), |_| Ok(()));
    }
    let world = |state: &StateDir, overrides: OverridesSender| Ok(World::open(state.clone())?.writing_holds(overrides));
    start_in(setup, world, failover::remove_left_behind)
}

/// Starts both loops on what `world` makes.
pub fn start_in<W: Surroundings + 'static>(
    setup: Setup<'_>,
    world: impl FnOnce(&StateDir, OverridesSender) -> io::Result<W>,
    clean_up: CleanUp,
) -> Result<Running, StartError> {
    let Setup { source, read, state, lasting, inheritance, mut kernel, userspace, runner, mut warnings } = setup;
    let flushed = flush(&read.configuration, &inheritance, kernel.as_deref_mut());
    let (kernel, door) = Dataplane::new(kernel);
    let Read { configuration, includes, mut identity } = read;
    door.dataplane().clone_into(&mut identity.dataplane);
    let wanted = inheritance.followed(&source);
    let Inheritance { past, services, overrides, file, damaged, warnings: unread, .. } = inheritance;
    warnings.extend(unread);
    let node = identity.node.clone();
    let prepared = scripts::prepare(&configuration);
    identity.warnings.extend(warnings.iter().cloned());
    let shared = Shared::new(identity);
    let shared = Arc::new(if W::HAS_PROCESS { shared.with_log_of_process() } else { shared });
    let runner = unscripted::listen(runner, &shared);
    if let Some(userspace) = userspace {
        let teller = Arc::downgrade(&shared);
        userspace.report_to(move |fact| {
            if let Some(shared) = teller.upgrade() {
                shared.append(fact);
            }
        });
        _ = shared.dataplane.set(userspace);
    }
    let journal_written = keeper::start(Arc::clone(&shared), lasting, &node).map_err(StartError::Thread)?;
    let log_written = start_log(Arc::clone(&shared))?;
    let settings = &configuration.settings.webhook;
    let (webhook, events_posted) =
        webhook::start(Arc::clone(&shared), node.clone(), settings, &webhook::PAUSES).map_err(StartError::Thread)?;
    let sampling = history::start(Arc::clone(&shared)).map_err(StartError::Thread)?;
    let (overrides, overrides_written) =
        overrides::start(file, overrides, Arc::clone(&shared)).map_err(StartError::Thread)?;
    let written_down = overrides.written();
    let world = world(state, overrides.clone()).map_err(StartError::Sockets)?;
    let core = Failover::new(&configuration, Past { holds: wanted.instances, met: wanted.met, ..past }, Instant::now());
    let (teller, warner) = (Arc::clone(&shared), Arc::clone(&shared));
    let warn = move |warning| _ = warner.warn_of("mail", warning);
    let (mailer, mailer_thread) =
        mailer::start(&configuration, move |fact| teller.append(fact), warn).map_err(StartError::Thread)?;
    let (teller, means) = (Arc::clone(&shared), (runner.clone(), mailer.clone()));
    let lost = Arc::new(Notify::new());
    let (notifier, tell_all) =
        notifier::new(means, configuration.global.clone(), notifier::LIMIT, move |fact| teller.append(fact));
    let (ended, notifier_ended) = sync_channel(0);
    let notifier_thread = thread("notify", &lost, move || {
        let _ended: SyncSender<()> = ended;
        tell_all();
    })?;
    let voice = Voice { shared: Arc::clone(&shared), notifier: notifier.clone() };
    let (failover_loop, failover) = FailoverLoop::new(core, world, voice).map_err(StartError::Sockets)?;

    shared.append(Fact::new(EventKind::EngineStarted, Severity::Notice, node));
    for message in damaged {
        shared.append(Fact::new(EventKind::Warning, Severity::Warning, "state").reason(message));
    }
    for fact in flushed {
        shared.append(fact);
    }
    let global = &configuration.global;
    let enter = real_time(&shared, "vrrp", &global.failover_thread);
    let failover_thread = thread("failover", &lost, move || {
        enter();
        failover_loop.run()
    })?;
    let (told, warner) = (failover.clone(), Arc::clone(&shared));
    let tell = move |script, state, said| told.tracked(TrackKind::Script, script, state, said);
    let warn = move |all| warner.warn_of_scripts(all);
    let (script_loop, scripts) = ScriptLoop::new(runner.clone(), tell, warn).map_err(StartError::Thread)?;
    let scripts_thread = thread("scripts", &lost, move || script_loop.run(prepared))?;
    let (told, reporter) = (failover.clone(), Arc::clone(&shared));
    let tell = move |kind, name, state, said| told.tracked(kind, name, state, said);
    let (watch_loop, watches) = WatchLoop::new(tell, move |fact| reporter.append(fact)).map_err(StartError::Thread)?;
    let wanted_watches = watches::prepare(&configuration);
    let watches_thread = thread("watches", &lost, move || watch_loop.run(wanted_watches))?;

    let balance_core = Balance::new(&configuration.virtual_servers, services, wanted.services, Instant::now())
        .following(&configuration);
    let balance_core = balance_core.limited_by(shared.dataplane.get().map(|_| userspace::unserved as Limit));
    let (commands, requests) = mpsc::channel(QUEUE);
    let (balance_end, ended) = oneshot::channel();
    let balance_thread = balance_thread(
        balance_core,
        Box::new(kernel),
        (requests, ended),
        &shared,
        (&global.balance_thread, balance::Scripts::new(runner.clone(), global.clone()), notifier.clone()),
        (state.clone(), overrides),
        &lost,
    )?;
    let stop = Arc::<Stop>::default();
    let loops = Loops {
        failover: failover.clone(),
        balance: commands.clone(),
        scripts: scripts.clone(),
        notifier: notifier.clone(),
        mailer: mailer.clone(),
        webhook,
        watches: watches.clone(),
    };
    let reloader = Reloader::new(source, warnings, door, (configuration, includes), Arc::clone(&shared), loops);
    let handle = LocalEngine::new(Arc::clone(&shared), failover.clone(), commands, reloader, Arc::clone(&stop))
        .telling_of_disk(written_down, state.clone());
    let (handle, state) = (Arc::new(handle), state.clone());
    let engine = Arc::clone(&handle);
    let synchroniser =
        Synchroniser::start(Arc::clone(&shared), move || engine.configuration()).map_err(StartError::Thread)?;
    Ok(Running {
        handle,
        stop,
        lost,
        shared,
        state,
        failover,
        failover_thread,
        clean_up,
        notifier,
        notifier_thread,
        mailer,
        mailer_thread,
        notifier_ended,
        scripts,
        scripts_thread,
        watches,
        watches_thread,
        runner,
        balance_thread,
        balance_end,
        log_written,
        journal_written,
        events_posted,
        overrides_written,
        _sampling: sampling,
        synchroniser,
    })
}

/// `lvs_flush`: removes the services that neither the file names nor an operator added. Ours stay as they are, so that
/// no connection is lost; what an earlier run left behind goes by the plan.
fn flush(
    configuration: &Configuration,
    inheritance: &Inheritance,
    kernel: Option<&mut (dyn IpvsKernel + 'static)>,
) -> Vec<Fact> {
    let Some(kernel) = kernel.filter(|_| configuration.global.lvs.flush) else { return Vec::new() };
    let named = configuration.virtual_servers.iter().map(|service| service.key);
    let added = inheritance.overrides.services.iter().map(|service| service.service);
    let ours: BTreeSet<ServiceKey> =
        named.chain(added).chain(inheritance.services.iter().map(|service| service.key)).collect();
    let refused = |refusal: &Refusal| {
        Fact::new(EventKind::OperationRefused, Severity::Warning, "lvs_flush").reason(refusal.to_string())
    };
    let table = match kernel.read_table() {
        Ok(table) => table,
        Err(refusal) => return vec![refused(&refusal)],
    };
    let foreign: Vec<ServiceKey> = table.services.into_keys().filter(|key| !ours.contains(key)).collect();
    let removals: Vec<IpvsOp> = foreign.iter().copied().map(IpvsOp::DelService).collect();
    let ends = kernel.apply_all(&removals);
    let fact = |(key, end): (&ServiceKey, Result<(), Refusal>)| match end {
        Ok(()) => {
            Fact::new(EventKind::ServiceTable, Severity::Notice, key.to_string()).to("absent").reason("lvs_flush")
        }
        Err(refusal) => refused(&refusal),
    };
    foreign.iter().zip(ends).map(fact).collect()
}

/// What the failover loop tells: the views and the journal, and who is to be told of changes.
struct Voice {
    shared: Arc<Shared>,
    notifier: NotifierSender,
}

impl Listener for Voice {
    fn publish(&self, view: FailoverView) {
        self.shared.publish(view);
    }
    fn report(&self, fact: Fact) {
        self.shared.append(fact);
    }
    fn notify(&self, notice: Notice) {
        self.notifier.tell(notice);
    }
}

/// The log's thread; it tells when it has written everything.
fn start_log(shared: Arc<Shared>) -> Result<Receiver<()>, StartError> {
    let (written, log_written) = sync_channel(1);
    let body = move || {
        log::follow(&shared);
        _ = written.send(());
    };
    thread::Builder::new().name("log".to_owned()).spawn(body).map_err(StartError::Thread)?;
    Ok(log_written)
}

fn balance_thread(
    core: Balance,
    kernel: Box<dyn IpvsKernel>,
    (requests, ended): (mpsc::Receiver<balance::Request>, oneshot::Receiver<bool>),
    shared: &Arc<Shared>,
    (words, scripts, notifier): (&RealTime, balance::Scripts, NotifierSender),
    (state, overrides): (StateDir, OverridesSender),
    lost: &Arc<Notify>,
) -> Result<BalanceThread, StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
    let (publisher, reporter, shared) = (Arc::clone(shared), Arc::clone(shared), Arc::clone(shared));
    let enter = real_time(&shared, "checker", words);
    let publish = move |view: BalanceView| publisher.publish_balance(view);
    let report = move |facts| reporter.append_all(facts);
    let remember = move |memory| match memory {
        Memory::Owned(owned) => {
            if let Err(error) = state.save_services(owned) {
                shared.append(Fact::new(EventKind::Warning, Severity::Warning, "state").reason(error.to_string()));
            }
        }
        Memory::Overrides(all) => overrides.services(all),
    };
    let ended = async move { ended.await.unwrap_or(false) };
    let notify = move |notice: crate::engine::balance::Notice| notifier.tell(notice);
    let run = balance::run(core, (kernel, scripts), requests, publish, (report, notify), remember, ended);
    thread("balance", lost, move || {
        enter();
        let end = runtime.block_on(run);
        // A file that a check still waits for, on a disk that hangs, is not waited for.
        runtime.shutdown_background();
        end
    })
}

/// What a loop's thread does first: the words about its scheduling; what can't be followed is told.
fn real_time(shared: &Arc<Shared>, half: &'static str, words: &RealTime) -> impl FnOnce() + Send + use<> {
    let (shared, words) = (Arc::clone(shared), words.clone());
    move || real_time::enter(half, &words).into_iter().for_each(|u| shared.append(u.into_fact()))
}

/// A thread whose end, by return or by panic, is told.
fn thread<T: Send + 'static>(
    name: &str,
    lost: &Arc<Notify>,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, StartError> {
    struct Tell(Arc<Notify>);
    impl Drop for Tell {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let tell = Tell(Arc::clone(lost));
    let body = move || {
        let _tell = tell;
        body()
    };
    thread::Builder::new().name(name.to_owned()).spawn(body).map_err(StartError::Thread)
}

impl Running {
    /// Begins to look at this host for what hurts the configuration; see [`Adviser`].
    pub fn advise(&self) -> Result<Adviser, StartError> {
        let engine = Arc::clone(&self.handle);
        let in_kernel = self.shared.status().dataplane != "userspace";
        // What the kernel is to be set to for its services is of no concern to those of this process.
        let configuration = move || {
            let configuration = engine.configuration();
            if in_kernel {
                return configuration;
            }
            Arc::new(Configuration { virtual_servers: Vec::new(), ..Configuration::clone(&configuration) })
        };
        Adviser::start(Arc::clone(&self.shared), configuration).map_err(StartError::Thread)
    }

    /// Ends both loops in order and waits for them, without holding the caller's runtime up.
    /// With `keep` masters do not resign, and addresses and services stay for the next start.
    pub async fn end(self, keep: bool) {
        let stopping = Fact::new(EventKind::EngineStopping, Severity::Notice, "engine");
        let kept = "addresses and services stay in place for the next start (keep)";
        self.shared.append(if keep { stopping.reason(kept) } else { stopping });
        let (joined, ended) = oneshot::channel();
        let join = move || {
            self.join(keep);
            _ = joined.send(());
        };
        match thread::Builder::new().name("end".to_owned()).spawn(join) {
            Ok(_) => _ = ended.await,
            Err(error) => tracing::error!("can't start the thread that ends the engine in order: {error}"),
        }
    }

    fn join(self, keep: bool) {
        self.failover.shutdown(keep);
        let died = match self.failover_thread.join() {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("the failover loop ended early: {error}")),
            Err(_) => Some("the failover loop panicked".to_owned()),
        };
        if let Some(why) = died {
            tracing::error!("{why}; its virtual addresses are removed");
            if let Err(error) = (self.clean_up)(&self.state) {
                tracing::error!("virtual addresses may be left on this host: {error}");
            }
        }
        _ = self.balance_end.send(keep);
        match self.balance_thread.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!("the balance loop ended early: {error}"),
            Err(_) => tracing::error!("the balance loop panicked"),
        }
        // Nothing of the scripts is waited for before the services have left the kernel.
        self.notifier.end();
        self.synchroniser.end(keep);
        self.scripts.end();
        self.watches.end();
        if !matches!(self.watches_thread.join(), Ok(Ok(()))) {
            tracing::error!("the loop that looks at tracked processes and files ended early");
        }
        if !matches!(self.scripts_thread.join(), Ok(Ok(()))) {
            tracing::error!("the loop that runs tracked scripts ended early");
        }
        // What it asks of the host (users, files) may not answer.
        match self.notifier_ended.recv_timeout(notifier::PATIENCE + LOG_LIMIT) {
            Err(RecvTimeoutError::Timeout) => {
                tracing::error!("the thread that runs notify scripts hangs, and is left behind");
            }
            Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                if self.notifier_thread.join().is_err() {
                    tracing::error!("the thread that runs notify scripts panicked");
                }
            }
        }
        self.mailer.end();
        if self.mailer_thread.join().is_err() {
            tracing::error!("the thread that sends mails panicked");
        }
        self.runner.close();
        _ = self.overrides_written.recv_timeout(LOG_LIMIT);
        self.shared.close();
        // A log that can't be written does not hold the end up.
        _ = self.log_written.recv_timeout(LOG_LIMIT);
        _ = self.journal_written.recv_timeout(LOG_LIMIT);
        _ = self.events_posted.recv_timeout(LOG_LIMIT);
    }
}

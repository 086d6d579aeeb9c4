//! The balance loop, on tokio.
//!
//! 1. Wait for the first of: an answer of the kernel, the end of a probe, a command, a deadline, the shutdown.
//! 2. Give it to the core, and everything else that is there already.
//! 3. Perform the core's actions: probes become tasks, the kernel's work goes to its thread, facts and answers go out.
//! 4. Publish a view, at most every 100 ms.
//!
//! Nothing is awaited but step 1: every effect comes back as an input. The kernel's calls block, so one thread of their own
//! makes them in order; what is remembered goes the same way, hence before the operations that it covers.

mod kernel;
mod misc;
mod probes;
mod rounds;
mod silence;

pub use misc::Scripts;

use crate::engine::balance::{Action, Balance, Foresight, Input, Notice, OwnedService, ServiceOverrides};
use crate::engine::command::{Answer, Asked};
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::io::host_addresses;
use crate::engine::io::ipvs_netlink::IpvsKernel;
use crate::engine::ipvs::{Refusal, Service};
use crate::engine::journal::CAPACITY;
use crate::engine::model::{Configuration, ServiceKey};
use crate::engine::snapshot::{Drift, Foreign, IpvsTotals, Moment, VirtualServerStatus, Warning};
use kernel::{Job, KernelThread};
use probes::Probes;
use silence::Silence;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{mpsc, oneshot};

/// Views go out at most this often where nobody waits for one.
const PUBLISH: Duration = Duration::from_millis(100);
/// A view may take this part of the time to the next.
const SHARE: u32 = 10;
/// Views go out at least this often: readers take an old one for a loop that hangs.
const PULSE: Duration = Duration::from_secs(1);
/// How long the way out of the kernel may take; what is left then stays remembered, and the next start removes it.
const STOPPING: Duration = Duration::from_secs(5);
/// How often the addresses of this host are looked at, where services ask for that.
const ADDRESSES: Duration = Duration::from_millis(500);
/// How many facts wait for a view at most, while the kernel is being given a large table: a part of what the journal remembers.
const TOLD_TOGETHER: usize = CAPACITY / 4;
/// How many inputs are handled before the actions are performed.
const BATCH: usize = 1_024;

/// Why the loop ended although nobody asked for it.
#[derive(Debug, thiserror::Error)]
pub enum BalanceLoopError {
    /// The thread that talks to the kernel could not be started.
    #[error("can't start the thread for the kernel's IPVS table; look at the limit of processes")]
    NoThread(#[source] std::io::Error),
    /// The thread that talks to the kernel ended by itself.
    #[error("the thread for the kernel's IPVS table ended by itself; restart the engine and report its log")]
    ThreadEnded,
}

/// What the fronts show of the virtual servers.
#[derive(Debug, Clone, Default)]
pub struct BalanceView {
    /// When; none before the first round.
    pub at: Option<Instant>,
    /// Every service, in file order.
    pub servers: Vec<Arc<VirtualServerStatus>>,
    /// Where kernel and wish differ.
    pub drift: Vec<Drift>,
    /// Services that are not lvsdeck's.
    pub foreign: Vec<Foreign>,
    /// Who took out what the file has, and who added services.
    pub said_by: Vec<(String, String)>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
    /// What the kernel counts in all.
    pub totals: Option<IpvsTotals>,
    /// The kernel is being given many services.
    pub fills_the_kernel: bool,
}

/// What the next start is to know, in place of what was given before.
#[derive(Debug, Clone, PartialEq)]
pub enum Memory {
    /// What this engine owns in the kernel.
    Owned(Vec<OwnedService>),
    /// What operators want beside the file.
    Overrides(Vec<ServiceOverrides>),
}

/// What is asked of the loop.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // a short queue, and most of what is in it are commands
pub enum Request {
    /// A command, and where its answer goes: a channel with room for it.
    Command(Asked, SyncSender<Answer>),
    /// Another configuration; told once the kernel has what it wants, or refuses.
    Reload(Arc<Configuration>, oneshot::Sender<Result<String, String>>),
    /// What a reload of this would do to services.
    Foresee(Arc<Configuration>, oneshot::Sender<Foresight>),
    /// Whether the kernel would take these services; nothing of them stays.
    Trial(Vec<(ServiceKey, Service)>, oneshot::Sender<Result<(), Refusal>>),
}

/// Runs until `shutdown` is ready (with whether the table is to be left as it is) and the core has taken out of the kernel what it made, or 5 s have passed since. Call it on a current-thread
/// runtime with its I/O and its timer.
///
/// `publish`, `report` and `notify` are called on the loop and must not block; `remember` is called on the kernel's thread, before
/// the operations that it covers, and may write a file.
///
/// # Errors
/// When the kernel's thread can't be started or dies.
pub async fn run(
    core: Balance,
    (kernel, scripts): (Box<dyn IpvsKernel>, Scripts),
    mut requests: mpsc::Receiver<Request>,
    publish: impl Fn(BalanceView),
    (report, notify): (impl Fn(Vec<Fact>), impl Fn(Notice)),
    remember: impl FnMut(Memory) + Send + 'static,
    shutdown: impl Future<Output = bool>,
) -> Result<(), BalanceLoopError> {
    let mut kernel = KernelThread::start(kernel, remember).map_err(BalanceLoopError::NoThread)?;
    let mut own = BalanceLoop {
        core,
        probes: Probes::new(scripts),
        asking: HashMap::new(),
        reloading: VecDeque::new(),
        trials: Vec::new(),
        facts: Vec::new(),
        untold: Vec::new(),
        report,
        notify,
    };
    let clocks = Moment { now: now(), wall: SystemTime::now() };
    let mut views =
        Views { due: true, soon_at: now(), next_at: now(), pulse_at: now(), clocks, last: Vec::new(), publish };
    let mut silence = Silence::from(now());
    let mut shutdown = std::pin::pin!(shutdown);
    let mut stop_by: Option<Instant> = None;
    let mut look_at = now();
    own.look_at_addresses(&mut look_at);
    own.core.handle(now(), Input::Start);
    loop {
        own.look_at_addresses(&mut look_at);
        let sent = kernel.send(own.perform());
        let is_over = sent.is_err() || own.core.is_stopped() || stop_by.is_some_and(|at| at <= now());
        if is_over {
            (views.due, views.next_at) = (true, now());
        }
        let (ended, is_idle) = kernel.progress();
        own.facts.extend(silence.look(now(), ended, is_idle));
        if views.publish(&own.core, silence.warning(), own.has_news()) {
            own.tell();
        }
        sent.map_err(|()| BalanceLoopError::ThreadEnded)?;
        if is_over {
            let finished = tokio::time::timeout_at(stop_by.unwrap_or_else(now).into(), kernel.finish()).await;
            if finished.is_err() || own.core.leaves_behind() {
                (own.report)(vec![left_behind()]);
            }
            return Ok(());
        }
        let look = own.core.needs_addresses().then_some(look_at);
        let deadline = stop_by.into_iter().chain(look).chain([own.deadline(&views)]).min().unwrap_or_else(now);
        let input = tokio::select! {
            input = kernel.next() => Some(input.ok_or(BalanceLoopError::ThreadEnded)?),
            input = own.probes.next() => Some(input),
            Some(request) = requests.recv() => own.ask(request),
            () = tokio::time::sleep_until(deadline.into()) => own.timeout(),
            keep = &mut shutdown, if stop_by.is_none() => {
                stop_by = Some(now() + STOPPING);
                if !keep {
                    kernel.stop();
                }
                Some(Input::Shutdown { keep })
            }
        };
        let Some(input) = input else { continue };
        // What has ended comes before the time: a loop that was late gives up no run that has a verdict.
        let (first, last) = if matches!(input, Input::Timeout) { (None, Some(input)) } else { (Some(input), None) };
        let came = now();
        if let Some(input) = first {
            own.core.handle(came, input);
        }
        for _ in 0..BATCH {
            let Some(input) = kernel.try_next().or_else(|| own.probes.try_next()) else { break };
            own.core.handle(came, input);
        }
        if let Some(input) = last {
            own.core.handle(now(), input);
        }
        views.due = true;
    }
}

/// The kernel refused to give everything back, or took too long.
fn left_behind() -> Fact {
    Fact::new(EventKind::Warning, Severity::Warning, "ipvs")
        .reason(
            "not everything could be taken out of the kernel's table; it is remembered, and the next start removes it",
        )
        .detail("to remove it now: ipvsadm -D for each service that ipvsadm -Ln shows")
}

/// The clock of the loop: tokio's, so that tests can pause it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The core with what it has out.
struct BalanceLoop<R, N> {
    core: Balance,
    probes: Probes,
    asking: HashMap<u64, SyncSender<Answer>>,
    reloading: VecDeque<oneshot::Sender<Result<String, String>>>,
    trials: Vec<Job>,
    /// What is told once a view is out that shows it: whoever hears of something finds it there.
    facts: Vec<Fact>,
    untold: Vec<Untold>,
    report: R,
    notify: N,
}

/// An answer, and to whom.
enum Untold {
    Answer(SyncSender<Answer>, Box<Answer>),
    Reloaded(oneshot::Sender<Result<String, String>>, Result<String, String>),
}

impl<R: Fn(Vec<Fact>), N: Fn(Notice)> BalanceLoop<R, N> {
    /// Tells what waited for a view: the journal first. Who asked may have left.
    fn tell(&mut self) {
        if !self.facts.is_empty() {
            (self.report)(std::mem::take(&mut self.facts));
        }
        for untold in self.untold.drain(..) {
            match untold {
                Untold::Answer(reply, answer) => _ = reply.try_send(*answer),
                Untold::Reloaded(told, result) => _ = told.send(result),
            }
        }
    }

    /// Whether something waits for a view. What a large table's way into the kernel tells does so together: a view of it is dear,
    /// and a hundred of them would take longer than the kernel does.
    fn has_news(&self) -> bool {
        let few = if self.core.fills_the_kernel() { TOLD_TOGETHER } else { 1 };
        self.facts.len() >= few || !self.untold.is_empty()
    }

    /// What is asked of the core; a trial is the kernel's thread's matter alone.
    fn ask(&mut self, request: Request) -> Option<Input> {
        Some(match request {
            Request::Foresee(configuration, told) => {
                // Who asked may have gone.
                _ = told.send(self.core.foresee(now(), configuration));
                return None;
            }
            Request::Trial(services, told) => {
                self.trials.push(Job::Trial(services, told));
                return None;
            }
            Request::Command(asked, reply) => {
                self.asking.insert(asked.id, reply);
                Input::Command(Box::new(asked))
            }
            Request::Reload(configuration, told) => {
                self.reloading.push_back(told);
                self.probes.follow(&configuration.global);
                Input::Reload(configuration)
            }
        })
    }

    /// Looks at the addresses of this host when it is time to, where a service asks for that. Where they can't be read, all
    /// services are checked.
    fn look_at_addresses(&mut self, look_at: &mut Instant) {
        if *look_at <= now() && self.core.needs_addresses() {
            *look_at = now() + ADDRESSES;
            if let Ok(addresses) = host_addresses::read() {
                self.core.handle(now(), Input::HostAddresses(addresses));
            }
        }
    }

    /// The core's deadline passed, or only that of the next view.
    fn timeout(&self) -> Option<Input> {
        self.core.poll_timeout().is_some_and(|(at, _)| at <= now()).then_some(Input::Timeout)
    }

    /// Performs what the core wants; gives the kernel's part of it, in order.
    fn perform(&mut self) -> Vec<Job> {
        let mut jobs = std::mem::take(&mut self.trials);
        while let Some(action) = self.core.poll_action() {
            match action {
                Action::Probe { check, spec } => {
                    if self.probes.start(check, spec) {
                        self.core.handle(now(), Input::Waits { check });
                    }
                }
                Action::CancelProbe { check } => self.probes.cancel(check),
                Action::Observe => jobs.push(Job::Observe),
                Action::Apply(ops) => jobs.push(Job::Apply(ops)),
                Action::Remember(owned) => jobs.push(Job::Remember(Memory::Owned(owned))),
                Action::Overrides(all) => jobs.push(Job::Remember(Memory::Overrides(all))),
                Action::Report(fact) => self.facts.push(fact),
                Action::Notify(notice) => (self.notify)(*notice),
                Action::Reloaded(result) => {
                    let told = self.reloading.pop_front();
                    self.untold.extend(told.map(|told| Untold::Reloaded(told, result)));
                }
                Action::Answer { id, answer } => {
                    let reply = self.asking.remove(&id);
                    self.untold.extend(reply.map(|reply| Untold::Answer(reply, answer)));
                }
            }
        }
        jobs
    }

    fn deadline<P>(&self, views: &Views<P>) -> Instant {
        let core = self.core.poll_timeout().map(|(at, _)| at);
        let view = if views.due { views.next_at } else { views.pulse_at };
        let awaited = self.has_news().then_some(views.soon_at);
        core.into_iter().chain(awaited).chain([view]).min().unwrap_or(view)
    }
}

/// When the next view goes out.
struct Views<P> {
    due: bool,
    /// When one goes out that is waited for.
    soon_at: Instant,
    next_at: Instant,
    pulse_at: Instant,
    /// By which times are told.
    clocks: Moment,
    /// What the last one had: the next one shares what is the same.
    last: Vec<Arc<VirtualServerStatus>>,
    publish: P,
}

impl<P: Fn(BalanceView)> Views<P> {
    /// Gives whether one went out. `silent`: what is to be said beside what the core says. `is_awaited`: something is to be told
    /// that it shows.
    fn publish(&mut self, core: &Balance, silent: Option<Warning>, is_awaited: bool) -> bool {
        let moment = Moment { now: now(), wall: SystemTime::now() }.continuing(&self.clocks);
        let asked = (self.due && moment.now >= self.next_at) || (is_awaited && moment.now >= self.soon_at);
        if !asked && moment.now < self.pulse_at {
            return false;
        }
        self.due = false;
        self.clocks = moment;
        self.last = core.status_after(&self.last, moment);
        (self.publish)(BalanceView {
            at: Some(moment.now),
            servers: self.last.clone(),
            drift: core.drift(),
            foreign: core.foreign(),
            said_by: core.said_by(moment),
            warnings: silent.into_iter().chain(core.warnings()).collect(),
            totals: core.totals(),
            fills_the_kernel: core.fills_the_kernel(),
        });
        let cost = now().saturating_duration_since(moment.now);
        self.soon_at = moment.now + (cost * SHARE).min(PUBLISH);
        // Where a view of many servers is dear it goes out less often: the loop has other things to do.
        self.next_at = moment.now + (cost * SHARE).clamp(PUBLISH, PULSE);
        self.pulse_at = moment.now + PULSE;
        true
    }
}

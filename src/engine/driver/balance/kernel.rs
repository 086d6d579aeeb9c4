//! The one thread that talks to the kernel's IPVS: its calls block, and their order is the core's. Operations of one plan are sent
//! together.
//!
//! When the loop stops, what waits and would only make more to take away is given up, and so is everything once the kernel
//! does not answer: each further call would block for as long again.

use super::Memory;
use crate::engine::balance::Input;
use crate::engine::io::ipvs_netlink::IpvsKernel;
use crate::engine::ipvs::{IpvsOp, Refusal, RefusalKind, Service};
use crate::engine::model::ServiceKey;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc as blocking;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Batches on their way to the thread. The core has at most one plan and one look out; what is to be remembered piles up only behind
/// a thread that hangs, and waits with the loop then, the newest of it.
const BATCHES: usize = 16;
/// How often it is looked whether the thread has room, at the end.
const ROOM: Duration = Duration::from_millis(10);
/// Results on their way back, those of what was sent together at once; the thread waits when the loop is behind.
const RESULTS: usize = 8;
/// Operations that are sent together: results come that often, and a stop is noticed that soon.
const TOGETHER: usize = 128;

/// One act.
pub(super) enum Job {
    Observe,
    Apply(Vec<IpvsOp>),
    Remember(Memory),
    /// Whether these would be taken; told to whoever asked.
    Trial(Vec<(ServiceKey, Service)>, oneshot::Sender<Result<(), Refusal>>),
}

/// The thread, from the loop's side.
pub(super) struct KernelThread {
    jobs: Option<blocking::SyncSender<Vec<Job>>>,
    results: mpsc::Receiver<Vec<Input>>,
    /// Those that came together and that the loop has not taken yet.
    come: VecDeque<Input>,
    /// What the thread has no room for yet.
    waiting: Vec<Job>,
    /// Batches that it was given.
    given: u64,
    progress: Arc<Progress>,
    stopping: Arc<AtomicBool>,
}

/// How far the thread has come.
#[derive(Default)]
struct Progress {
    /// Calls that returned.
    acts: AtomicU64,
    /// Batches that are done.
    batches: AtomicU64,
}

/// The thread, from within.
struct Worker<R> {
    kernel: Box<dyn IpvsKernel>,
    remember: R,
    progress: Arc<Progress>,
    stopping: Arc<AtomicBool>,
    /// The kernel did not answer while the loop stops.
    mute: Option<Refusal>,
}

impl<R: FnMut(Memory)> Worker<R> {
    /// Performs a batch in its order; `tell` gets the results, and ends it by saying false.
    fn perform(&mut self, batch: Vec<Job>, mut tell: impl FnMut(Vec<Input>) -> bool) -> bool {
        let goes_on = batch.into_iter().all(|job| match job {
            Job::Apply(ops) => self.apply(ops, &mut tell),
            Job::Observe => {
                // Before the table: whether its counters are to be believed.
                let totals = self.kernel.totals();
                self.got_on();
                tell(totals.map(Input::Counted).into_iter().collect()) && tell(vec![self.observe()])
            }
            Job::Remember(memory) => {
                (self.remember)(memory);
                self.got_on();
                true
            }
            Job::Trial(services, told) => {
                let tried = services.iter().try_for_each(|(key, service)| self.kernel.would_take(*key, service));
                self.got_on();
                // Who asked may have left.
                let _ = told.send(tried);
                true
            }
        });
        self.progress.batches.fetch_add(1, Ordering::Relaxed);
        goes_on
    }
    fn got_on(&self) {
        self.progress.acts.fetch_add(1, Ordering::Relaxed);
    }
    fn observe(&mut self) -> Input {
        let result = self.mute.clone().map_or_else(|| self.kernel.read_table(), Err);
        self.got_on();
        self.listen(result.as_ref().err());
        Input::Observed(result.map(Box::new))
    }
    /// Does these operations but those that are given up, some of them together.
    fn apply(&mut self, ops: Vec<IpvsOp>, tell: &mut impl FnMut(Vec<Input>) -> bool) -> bool {
        let mut ops = ops.into_iter().peekable();
        while ops.peek().is_some() {
            let (given_up, ops): (Vec<_>, Vec<_>) = ops.by_ref().take(TOGETHER).partition(|op| self.gives_up(op));
            let results = if ops.is_empty() { Vec::new() } else { self.kernel.apply_all(&ops) };
            self.got_on();
            for result in &results {
                self.listen(result.as_ref().err());
            }
            let applied = ops.into_iter().zip(results).map(|(op, result)| Input::Applied { op: Box::new(op), result });
            if !tell(given_up.iter().map(|_| Input::NotApplied).chain(applied).collect()) {
                return false;
            }
        }
        true
    }
    fn gives_up(&self, op: &IpvsOp) -> bool {
        let is_removal = matches!(op, IpvsOp::DelService(_) | IpvsOp::DelDestination(..));
        self.mute.is_some() || (!is_removal && self.stopping.load(Ordering::Relaxed))
    }
    /// Once the loop stops, a kernel that does not answer is asked no more; one answer makes it worth asking again.
    fn listen(&mut self, refusal: Option<&Refusal>) {
        if self.stopping.load(Ordering::Relaxed) {
            self.mute = refusal.filter(|refusal| refusal.kind == RefusalKind::TimedOut).cloned();
        }
    }
}

impl KernelThread {
    pub fn start(kernel: Box<dyn IpvsKernel>, remember: impl FnMut(Memory) + Send + 'static) -> io::Result<Self> {
        let (jobs, todo) = blocking::sync_channel::<Vec<Job>>(BATCHES);
        let (done, results) = mpsc::channel(RESULTS);
        let stopping = Arc::<AtomicBool>::default();
        let progress = Arc::<Progress>::default();
        let mut worker =
            Worker { kernel, remember, progress: Arc::clone(&progress), stopping: Arc::clone(&stopping), mute: None };
        let work = move || {
            for batch in todo {
                if !worker.perform(batch, |inputs| done.blocking_send(inputs).is_ok()) {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("ipvs".to_owned()).spawn(work)?;
        let (come, waiting) = (VecDeque::new(), Vec::new());
        Ok(Self { jobs: Some(jobs), results, come, waiting, given: 0, progress, stopping })
    }

    /// Gives the thread its next acts, as soon as it has room for them: call it again then. Never blocks. Errors: the thread ended.
    pub fn send(&mut self, batch: Vec<Job>) -> Result<(), ()> {
        for job in batch {
            match (self.waiting.last_mut(), job) {
                (Some(Job::Remember(Memory::Overrides(older))), Job::Remember(Memory::Overrides(newer))) => {
                    *older = newer;
                }
                (_, job) => self.waiting.push(job),
            }
        }
        let Some(jobs) = self.jobs.as_ref().filter(|_| !self.waiting.is_empty()) else { return Ok(()) };
        match jobs.try_send(std::mem::take(&mut self.waiting)) {
            Ok(()) => self.given += 1,
            Err(blocking::TrySendError::Full(batch)) => self.waiting = batch,
            Err(blocking::TrySendError::Disconnected(_)) => return Err(()),
        }
        Ok(())
    }
    /// How many acts it has ended, and whether none is left.
    pub fn progress(&self) -> (u64, bool) {
        let ended = self.progress.acts.load(Ordering::Relaxed);
        (ended, self.waiting.is_empty() && self.progress.batches.load(Ordering::Relaxed) == self.given)
    }
    /// The next result; none when the thread ended.
    pub async fn next(&mut self) -> Option<Input> {
        while self.come.is_empty() {
            self.come = self.results.recv().await?.into();
        }
        self.come.pop_front()
    }
    /// A result that is there already.
    pub fn try_next(&mut self) -> Option<Input> {
        while self.come.is_empty() {
            self.come = self.results.try_recv().ok()?.into();
        }
        self.come.pop_front()
    }
    /// The loop stops: from now on only removals are worth their time.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
    /// Lets the thread finish what it was given.
    pub async fn finish(mut self) {
        while self.send(Vec::new()).is_ok() && !self.waiting.is_empty() {
            tokio::time::sleep(ROOM).await;
        }
        self.jobs = None;
        while self.results.recv().await.is_some() {}
    }
}

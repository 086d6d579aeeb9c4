//! The one thread that talks to the kernel's IPVS: its calls block, and their order is the core's.

use crate::engine::balance::{Input, OwnedService};
use crate::engine::io::ipvs_netlink::IpvsKernel;
use crate::engine::ipvs::IpvsOp;
use std::io;
use std::sync::mpsc as blocking;
use tokio::sync::mpsc;

/// Batches on their way to the thread. The core has at most one plan, one look and one memory out, so that this is never full.
const BATCHES: usize = 16;
/// Results on their way back; the thread waits when the loop is behind.
const RESULTS: usize = 1_024;

/// One act.
pub(super) enum Job {
    Observe,
    Apply(Box<IpvsOp>),
    Remember(Vec<OwnedService>),
}

/// The thread, from the loop's side.
pub(super) struct KernelThread {
    jobs: Option<blocking::SyncSender<Vec<Job>>>,
    results: mpsc::Receiver<Input>,
}

impl KernelThread {
    pub fn start(
        mut kernel: Box<dyn IpvsKernel>,
        mut remember: impl FnMut(Vec<OwnedService>) + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, todo) = blocking::sync_channel::<Vec<Job>>(BATCHES);
        let (done, results) = mpsc::channel(RESULTS);
        let work = move || {
            for job in todo.into_iter().flatten() {
                let input = match job {
                    Job::Observe => Input::Observed(kernel.read_table().map(Box::new)),
                    Job::Apply(op) => {
                        let result = kernel.apply(&op);
                        Input::Applied { op, result }
                    }
                    Job::Remember(owned) => {
                        remember(owned);
                        continue;
                    }
                };
                if done.blocking_send(input).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("ipvs".to_owned()).spawn(work)?;
        Ok(Self { jobs: Some(jobs), results })
    }

    /// Gives the thread its next acts.
    pub fn send(&mut self, batch: Vec<Job>) -> Result<(), ()> {
        match &self.jobs {
            Some(jobs) if !batch.is_empty() => jobs.send(batch).map_err(drop),
            Some(_) | None => Ok(()),
        }
    }
    /// The next result; none when the thread ended.
    pub async fn next(&mut self) -> Option<Input> {
        self.results.recv().await
    }
    /// A result that is there already.
    pub fn try_next(&mut self) -> Option<Input> {
        self.results.try_recv().ok()
    }
    /// Lets the thread finish what it was given.
    pub async fn finish(mut self) {
        self.jobs = None;
        while self.results.recv().await.is_some() {}
    }
}

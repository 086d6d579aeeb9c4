//! Reloading: the file is read, planned and checked beside the running engine, and only then handed to both loops.
//!
//! 1. read the file; errors end here, and everything goes on as it was;
//! 2. plan the way from what runs to what the file says; a dry run ends here, and so does a token that fits no more;
//! 3. ask whether both halves can run it: the kernel must have a table for services;
//! 4. hand it to the failover loop, then to the balance loop; neither can refuse any more;
//! 5. wait until the kernel has it, and say what it refused.
//!
//! One reload at a time. Blocks whoever asks, no loop.

use super::balance::Request;
use super::dataplane::Door;
use super::failover::FailoverSender;
use super::scripts::{self, ScriptsSender};
use super::shared::Shared;
use super::source::{Source, Unfit};
use crate::engine::balance::objection;
use crate::engine::command::{Answer, Asked, Outcome, Preview};
use crate::engine::model::Configuration;
use crate::engine::reload::{Plan, plan};
use crate::engine::snapshot::Warning;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// Most mistakes of a file that a refusal names.
const NAMED: usize = 10;

/// What runs, and the way to something else.
pub struct Reloader {
    source: Source,
    door: Door,
    shared: Arc<Shared>,
    loops: Loops,
    /// What stays to be said whatever the file says.
    warnings: Vec<Warning>,
    running: Mutex<Running>,
}

/// The loops that run a configuration.
pub struct Loops {
    /// Virtual routers.
    pub failover: FailoverSender,
    /// Virtual servers.
    pub balance: mpsc::Sender<Request>,
    /// Tracked scripts.
    pub scripts: ScriptsSender,
}

struct Running {
    configuration: Arc<Configuration>,
    generation: u64,
}

impl Reloader {
    /// Over loops that run `configuration`, the first generation of `source`. `warnings` stay whatever the file says.
    pub fn new(
        source: Source,
        warnings: Vec<Warning>,
        door: Door,
        configuration: Arc<Configuration>,
        shared: Arc<Shared>,
        loops: Loops,
    ) -> Self {
        let running = Mutex::new(Running { configuration, generation: 1 });
        Self { source, door, shared, loops, warnings, running }
    }

    /// What runs now.
    pub fn configuration(&self) -> Arc<Configuration> {
        Arc::clone(&self.running.lock().unwrap_or_else(PoisonError::into_inner).configuration)
    }

    /// What the file says now.
    pub fn file(&self) -> Result<Arc<Configuration>, Unfit> {
        self.source.read(0).map(|read| read.configuration)
    }

    /// Does or previews a reload. Blocks until the kernel has it.
    pub fn reload(&self, asked: &Asked) -> Answer {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut read = match self.source.read(running.generation + 1) {
            Ok(read) => read,
            Err(unfit) => return refused(&self.source, &unfit),
        };
        let plan = plan(&running.configuration, &read.configuration);
        let token = format!("{:016x}", plan.digest);
        let sentence = plan.sentence();
        let preview = preview(plan);
        let answer =
            |outcome, message: String, token| Answer { id: 0, outcome, message, preview: preview.clone(), token };
        if asked.dry_run {
            return answer(Outcome::Preview, format!("would reload: {sentence}"), Some(token));
        }
        if asked.token.as_ref().is_some_and(|given| *given != token) {
            let message = "the file or what runs has changed since the preview; look at this one and commit its token";
            return answer(Outcome::Stale, message.to_owned(), Some(token));
        }
        if let (false, Err(refusal)) = (read.configuration.virtual_servers.is_empty(), self.door.open()) {
            let message =
                format!("the file has services, and the kernel can't serve them ({refusal}); nothing was changed");
            return answer(Outcome::Refused, message, None);
        }
        if let Some(objection) = objection(&read.configuration, true) {
            return answer(Outcome::Refused, format!("{objection}; nothing was changed"), None);
        }
        self.door.dataplane().clone_into(&mut read.identity.dataplane);
        let configuration = read.configuration;
        let prepared = scripts::prepare(&configuration);
        read.identity.warnings.extend(self.warnings.iter().cloned());
        let (told, done) = oneshot::channel();
        let request = Request::Reload(Arc::clone(&configuration), told);
        let Loops { failover, balance, scripts } = &self.loops;
        if !failover.reload(Arc::clone(&configuration)) || balance.blocking_send(request).is_err() {
            return Answer::refused("the engine is stopping");
        }
        scripts.reload(prepared);
        self.shared.identify(read.identity);
        *running = Running { configuration, generation: running.generation + 1 };
        match done.blocking_recv() {
            Ok(Ok(())) => answer(Outcome::Done, format!("reloaded: {sentence}"), None),
            Ok(Err(why)) => {
                let message = format!("reloaded: {sentence}; the kernel has not taken all of it, tried again: {why}");
                answer(Outcome::Failed, message, None)
            }
            Err(_) => answer(Outcome::Failed, "the engine stopped while it reloaded".to_owned(), None),
        }
    }
}

fn refused(source: &Source, unfit: &Unfit) -> Answer {
    let mut named = unfit.0.clone();
    if named.len() > NAMED {
        let more = named.len() - NAMED;
        named.truncate(NAMED);
        named.push(format!("… and {more} more"));
    }
    let file = source.file.display();
    Answer::refused(format!("{file} has errors, everything goes on as it was: {}", named.join("; ")))
}

fn preview(plan: Plan) -> Preview {
    let blast_radius = match (plan.removed, plan.changed) {
        _ if plan.is_empty() => "nobody".to_owned(),
        (0, 0) => "nobody who is served now".to_owned(),
        (0, changed) => format!("{changed} objects change in place; connections stay"),
        (removed, _) => format!("{removed} objects go, with their addresses and connections"),
    };
    Preview { before: plan.before, after: plan.after, ops: plan.steps, blast_radius, ..Preview::default() }
}

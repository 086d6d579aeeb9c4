//! Probes that are out, as tasks. Each gives exactly one verdict, even when its task dies.

use super::misc::Scripts;
use super::rounds::Rounds;
use crate::engine::balance::{CheckId, Input};
use crate::engine::health::{Hindrance, Verdict};
use crate::engine::io::probe;
use crate::engine::model::{CheckKind, CheckSpec, Global};
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

/// The tasks, by check and by task.
pub(super) struct Probes {
    tasks: JoinSet<Verdict>,
    checks: HashMap<Id, CheckId>,
    handles: HashMap<CheckId, AbortHandle>,
    /// As many as this process may open; the time that a probe waits for its turn is not counted against its server.
    turns: Arc<Semaphore>,
    /// Nor is the time until a loop that is behind comes to it.
    rounds: Rounds,
    scripts: Scripts,
}

impl Probes {
    pub fn new(scripts: Scripts) -> Self {
        Self {
            tasks: JoinSet::new(),
            checks: HashMap::new(),
            handles: HashMap::new(),
            turns: Arc::new(Semaphore::new(probe::capacity())),
            rounds: Rounds::default(),
            scripts,
        }
    }

    /// Scripts run under the words of another configuration from now on.
    pub fn follow(&mut self, global: &Global) {
        self.scripts.follow(global);
    }

    /// Gives whether it has to wait for its turn.
    pub fn start(&mut self, check: CheckId, spec: Arc<CheckSpec>) -> bool {
        if let CheckKind::Misc(_) = &spec.kind {
            let scripts = self.scripts.clone();
            self.spawn(check, async move {
                match &spec.kind {
                    CheckKind::Misc(misc) => scripts.run(&spec, misc).await,
                    _ => probe::run(&spec).await,
                }
            });
            return false;
        }
        let turns = Arc::clone(&self.turns);
        let turn = Arc::clone(&turns).try_acquire_owned();
        let place = self.rounds.place();
        let waits = turn.is_err() || place.is_some();
        self.spawn(check, async move {
            let _turn = match turn {
                Ok(turn) => Ok(turn),
                Err(_) => turns.acquire_owned().await,
            };
            if let Some(place) = place {
                place.await;
            }
            probe::run(&spec).await
        });
        waits
    }

    fn spawn(&mut self, check: CheckId, probe: impl Future<Output = Verdict> + Send + 'static) {
        let handle = self.tasks.spawn(probe);
        self.checks.insert(handle.id(), check);
        self.handles.insert(check, handle);
    }

    pub fn cancel(&mut self, check: CheckId) {
        if let Some(handle) = self.handles.remove(&check) {
            self.checks.remove(&handle.id());
            handle.abort();
        }
    }

    /// The next verdict; waits for ever when no probe is out.
    pub async fn next(&mut self) -> Input {
        loop {
            match self.tasks.join_next_with_id().await {
                Some(ended) => {
                    if let Some(input) = self.ended(ended) {
                        return input;
                    }
                }
                None => std::future::pending().await,
            }
        }
    }

    /// A verdict that is there already.
    pub fn try_next(&mut self) -> Option<Input> {
        loop {
            let ended = self.tasks.try_join_next_with_id()?;
            if let Some(input) = self.ended(ended) {
                return Some(input);
            }
        }
    }

    /// None for a probe that was cancelled.
    fn ended(&mut self, ended: Result<(Id, Verdict), JoinError>) -> Option<Input> {
        let (id, verdict) = match ended {
            Ok(ended) => ended,
            Err(died) => {
                let reason = "the probe itself failed".to_owned();
                (died.id(), Verdict::Unable(Hindrance { reason, next: "report the engine's log" }))
            }
        };
        let check = self.checks.remove(&id)?;
        self.handles.remove(&check);
        Some(Input::Verdict { check, verdict })
    }
}

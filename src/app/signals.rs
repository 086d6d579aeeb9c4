//! The signals of `lvsdeck run`: TERM and INT stop, HUP reloads, USR1 writes the status into the state directory.

use super::engine::Refused;
use super::exit;
use crate::engine::driver::local::LocalEngine;
use crate::engine::driver::start::Running;
use crate::engine::io::state::StateDir;
use crate::engine::{Command, CommandRequest, EngineHandle, Outcome, Who};
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinHandle, spawn_blocking};

/// Caught from the first moment on: what comes while the engine starts is heard once it runs.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    dump: Signal,
    hangup: Signal,
}

impl Signals {
    pub fn catch() -> Result<Self, Refused> {
        let catch = |kind| signal(kind).map_err(|error| Refused(exit::FAILED, format!("can't catch signals: {error}")));
        Ok(Self {
            terminate: catch(SignalKind::terminate())?,
            interrupt: catch(SignalKind::interrupt())?,
            dump: catch(SignalKind::user_defined1())?,
            hangup: catch(SignalKind::hangup())?,
        })
    }

    /// Waits for TERM, INT or a stop command, and gives whether everything is to be left in place (`keep`, unless a command
    /// says otherwise). Errors when a loop ended by itself.
    pub async fn until_asked(self, running: &Running, state: &StateDir, keep: bool) -> Result<bool, Refused> {
        let Self { mut terminate, mut interrupt, mut dump, hangup } = self;
        let reloads = Reloads(tokio::spawn(reload_on(hangup, Arc::clone(&running.handle))));
        let ended = loop {
            tokio::select! {
                _ = terminate.recv() => break Ok(keep),
                _ = interrupt.recv() => break Ok(keep),
                keep = running.stop.asked() => break Ok(keep),
                _ = dump.recv() => write_snapshot(running, state),
                () = running.lost.notified() => {
                    let message = "a loop of the engine ended by itself; the log says why";
                    break Err(Refused(exit::FAILED, message.to_owned()));
                }
            }
        };
        drop(reloads);
        ended
    }
}

/// Reloads at each HUP; however many come while one is under way, one more follows.
async fn reload_on(mut hangup: Signal, engine: Arc<LocalEngine>) {
    while hangup.recv().await.is_some() {
        let engine = Arc::clone(&engine);
        let request = CommandRequest { command: Command::Reload, reason: None, dry_run: false, token: None };
        let who = Who { user: "signal HUP".to_owned(), ..Who::default() };
        // What came of it is in the journal; a refusal deserves more than a line of progress.
        let reloaded = spawn_blocking(move || engine.command(&request, &who)).await;
        match reloaded {
            Ok(Ok(answer)) if answer.outcome == Outcome::Done => {}
            Ok(Ok(answer)) => tracing::error!("HUP: {}", answer.message),
            Ok(Err(error)) => tracing::error!("HUP: {error}"),
            Err(error) => tracing::error!("HUP: the reload itself failed: {error}"),
        }
    }
}

/// Ends with this value; a reload that is under way goes on, and finds the engine stopping.
struct Reloads(JoinHandle<()>);

impl Drop for Reloads {
    fn drop(&mut self) {
        self.0.abort();
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

//! The signals of `lvsdeck run`: TERM and INT stop, HUP reloads, USR1 (and USR2, with which keepalived writes its
//! statistics) writes the status into the state directory.

use super::engine::Refused;
use super::exit;
use super::service::Service;
use crate::engine::driver::local::LocalEngine;
use crate::engine::driver::start::Running;
use crate::engine::io::state::StateDir;
use crate::engine::{Command, CommandRequest, EngineHandle, Who};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::spawn_blocking;

/// A real-time thread exceeded its limit (`setrlimit(2)`).
const SIGXCPU: i32 = 24;

/// From the end of a reload by HUP to the next: a storm of them must fill no journal and delay no advertisement.
const REST: Duration = Duration::from_secs(1);

/// Caught from the first moment on: what comes while the engine starts is heard once it runs.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    dump: Signal,
    statistics: Signal,
    hangup: Signal,
    overrun: Signal,
}

impl Signals {
    pub fn catch() -> Result<Self, Refused> {
        let catch = |kind| signal(kind).map_err(|error| Refused(exit::FAILED, format!("can't catch signals: {error}")));
        Ok(Self {
            terminate: catch(SignalKind::terminate())?,
            interrupt: catch(SignalKind::interrupt())?,
            dump: catch(SignalKind::user_defined1())?,
            statistics: catch(SignalKind::user_defined2())?,
            hangup: catch(SignalKind::hangup())?,
            overrun: catch(SignalKind::from_raw(SIGXCPU))?,
        })
    }

    /// Waits for TERM, INT or a stop command; reloads meanwhile. Gives what a command said of leaving everything in place.
    /// Errors when a loop ended by itself.
    pub async fn until_asked(
        self,
        running: &Running,
        state: &StateDir,
        service: &Service,
    ) -> Result<Option<bool>, Refused> {
        let Self { mut terminate, mut interrupt, mut dump, mut statistics, mut overrun, hangup } = self;
        let mut reloads = std::pin::pin!(reload_on(hangup, &running.handle, service));
        loop {
            tokio::select! {
                _ = terminate.recv() => return Ok(None),
                _ = interrupt.recv() => return Ok(None),
                keep = running.stop.asked() => return Ok(Some(keep)),
                _ = dump.recv() => write_snapshot(running, state),
                _ = statistics.recv() => write_snapshot(running, state),
                _ = overrun.recv() => {
                    tracing::warn!("a real-time thread took more processor time than its rlimit_rttime without a pause");
                }
                never = &mut reloads => match never {},
                () = running.lost.notified() => {
                    let message = "a loop of the engine ended by itself; the log says why";
                    return Err(Refused(exit::FAILED, message.to_owned()));
                }
            }
        }
    }
}

/// Reloads at a HUP; those that come while one is under way, or within [`REST`] after it, become one.
async fn reload_on(mut hangup: Signal, engine: &Arc<LocalEngine>, service: &Service) -> Infallible {
    let asked = async || {
        if hangup.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    };
    let reload = async || {
        let engine = Arc::clone(engine);
        let request =
            CommandRequest { command: Command::Reload, reason: None, dry_run: false, token: None, force: false };
        let who = Who { user: "signal HUP".to_owned(), ..Who::default() };
        service.reloading();
        let reloaded = spawn_blocking(move || engine.command(&request, &who)).await;
        service.reloaded();
        match reloaded {
            // What came of it is in the journal, and so in the log.
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!("HUP: {error}"),
            Err(error) => tracing::error!("HUP: the reload itself failed: {error}"),
        }
    };
    bundled(asked, reload).await
}

/// Acts when it is asked; what is asked meanwhile, and during the rest that follows, is answered by one more act. The first
/// after a quiet time is not kept waiting. `asked` must remember one question while nobody waits for it.
async fn bundled(mut asked: impl AsyncFnMut(), mut act: impl AsyncFnMut()) -> Infallible {
    loop {
        asked().await;
        act().await;
        tokio::time::sleep(REST).await;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use tokio::sync::Notify;
    use tokio::task::yield_now;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_storm_of_hups_is_a_reload_a_second_and_a_single_one_a_reload_at_once() {
        let (hangup, reloads) = (Notify::new(), Cell::new(0));
        let storm = async {
            hangup.notify_one();
            yield_now().await;
            assert_eq!(reloads.get(), 1, "the first waits for nothing");
            for _ in 0..400 {
                hangup.notify_one();
                advance(Duration::from_millis(15)).await;
            }
            assert_eq!(reloads.get(), 6, "400 in six seconds");
            advance(REST).await;
            assert_eq!(reloads.get(), 7, "the newest of them counts");
            advance(REST * 9).await;
            assert_eq!(reloads.get(), 7, "and no more than that");
        };
        tokio::select! {
            biased;
            never = bundled(async || hangup.notified().await, async || reloads.set(reloads.get() + 1)) => match never {},
            () = storm => {}
        }
    }
}

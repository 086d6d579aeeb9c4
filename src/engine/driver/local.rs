//! The engine as its own process sees it: reads from [`Shared`], commands to the loop that they concern, which writes them
//! into the journal.

use super::balance;
use super::failover::FailoverSender;
use super::shared::Shared;
use crate::engine::command::{Answer, Asked, CommandRequest, Half, Outcome, Preview, Who};
use crate::engine::event::{Event, Fact};
use crate::engine::handle::{EngineHandle, HandleError};
use crate::engine::history::{HistoryError, HistoryPage, HistoryQuery};
use crate::engine::journal::{JournalFrom, JournalPage};
use crate::engine::snapshot::{RealServerStatus, RowsPage, RowsQuery, Status, Summary, VirtualRouterStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, SystemTime};
use tokio::sync::{Notify, mpsc, oneshot};

/// How long a command may take: a failover waits for somebody to take over, at most 3 × 40.95 s + skew.
const COMMAND_LIMIT: Duration = Duration::from_mins(3);

/// The running engine. Reads are cheap; [`command`](EngineHandle::command) blocks until the loop has answered.
pub struct LocalEngine {
    shared: Arc<Shared>,
    failover: FailoverSender,
    balance: mpsc::Sender<balance::Request>,
    stop: Arc<Notify>,
    last_id: AtomicU64,
}

impl LocalEngine {
    /// The handle over two running loops; `stop` is notified when somebody asks for the end.
    pub fn new(
        shared: Arc<Shared>,
        failover: FailoverSender,
        balance: mpsc::Sender<balance::Request>,
        stop: Arc<Notify>,
    ) -> Self {
        Self { shared, failover, balance, stop, last_id: AtomicU64::new(0) }
    }

    fn dispatch(&self, asked: Asked) -> Result<Answer, HandleError> {
        let (answer, answered) = sync_channel(1);
        let told = asked.clone();
        let accepted = match asked.command.half() {
            Half::Failover => self.failover.command(asked, move |a| _ = answer.send(a)),
            Half::Balance => self.to_balance(asked, &answer),
            Half::Engine => return Ok(self.end(&asked)),
        };
        match if accepted { answered.recv_timeout(COMMAND_LIMIT) } else { Err(RecvTimeoutError::Disconnected) } {
            Ok(answer) => Ok(answer),
            Err(RecvTimeoutError::Timeout) => Err(HandleError::TimedOut(COMMAND_LIMIT)),
            Err(RecvTimeoutError::Disconnected) => {
                let refused = Answer::refused("the engine is stopping, or too many commands wait; try again");
                Ok(self.tell(&told, refused))
            }
        }
    }

    /// Tells the journal of an answer that no loop gave.
    fn tell(&self, asked: &Asked, answer: Answer) -> Answer {
        if let Some(fact) = Fact::command(asked, answer.outcome, &answer.message) {
            self.shared.append(fact);
        }
        answer
    }

    fn end(&self, asked: &Asked) -> Answer {
        let answer = self.tell(asked, self.stop(asked));
        if answer.outcome == Outcome::Done {
            self.stop.notify_one();
        }
        answer
    }

    fn to_balance(&self, asked: Asked, answer: &SyncSender<Answer>) -> bool {
        let (sender, receiver) = oneshot::channel();
        if self.balance.try_send(balance::Request::Command(asked, sender)).is_err() {
            return false;
        }
        receiver.blocking_recv().is_ok_and(|a| answer.send(a).is_ok())
    }

    /// What a stop comes to, before it is begun.
    fn stop(&self, asked: &Asked) -> Answer {
        let status = self.shared.status();
        let masters: Vec<String> = status
            .virtual_routers
            .iter()
            .filter(|router| !router.addresses_here.is_empty())
            .map(|router| format!("{} {} {}", router.name, router.state.name(), router.addresses_here.join(" ")))
            .collect();
        let preview = Preview {
            before: masters.clone(),
            after: vec!["engine stopped; its services and virtual addresses removed from this host".to_owned()],
            ops: vec!["send priority 0".into(), "remove virtual addresses".into(), "remove services".into()],
            blast_radius: format!(
                "{} instances hold addresses here, {} services; health checks end",
                masters.len(),
                status.virtual_servers.len()
            ),
            confirm: Some("stop".to_owned()),
            ..Preview::default()
        };
        let token = preview.token(&asked.command);
        if asked.dry_run {
            let message = "would stop the engine".to_owned();
            return Answer { id: 0, outcome: Outcome::Preview, message, preview, token: Some(token) };
        }
        if asked.token.as_ref().is_some_and(|given| *given != token) {
            let message = "what the preview showed has changed; look again".to_owned();
            return Answer { id: asked.id, outcome: Outcome::Stale, message, preview, token: Some(token) };
        }
        Answer { id: asked.id, outcome: Outcome::Done, message: "stopping".to_owned(), preview, token: None }
    }
}

impl EngineHandle for LocalEngine {
    fn summary(&self) -> Result<Summary, HandleError> {
        Ok(Summary::of(&self.shared.status(), SystemTime::now(), true))
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
    fn command(&self, request: &CommandRequest, who: &Who) -> Result<Answer, HandleError> {
        let id = if request.dry_run { 0 } else { self.last_id.fetch_add(1, Ordering::Relaxed) + 1 };
        // The loops tell answers apart by this number, dry runs too.
        let asked = Asked {
            id: if id == 0 { u64::MAX - self.last_id.fetch_add(1, Ordering::Relaxed) } else { id },
            command: request.command.clone(),
            dry_run: request.dry_run,
            token: request.token.clone(),
            who: who.clone(),
            reason: request.reason.clone(),
        };
        let mut answer = self.dispatch(asked)?;
        answer.id = id;
        Ok(answer)
    }
}

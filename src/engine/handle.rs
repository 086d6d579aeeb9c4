//! The engine as its fronts see it (layer 5): one trait, implemented by the engine itself and by the API's client.

use super::command::{Answer, Command, CommandRequest, Undoable, Who};
use super::connections::{ConnectionsPage, ConnectionsQuery};
use super::difference::Difference;
use super::event::Event;
use super::guide::Guide;
use super::history::{HistoryError, HistoryPage, HistoryQuery};
use super::ipvs::Sysctl;
use super::journal::{JournalFrom, JournalPage, LogPage, LogQuery};
use super::snapshot::{HostLoad, RealServerStatus, RowsPage, RowsQuery, Status, Summary, VirtualRouterStatus};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Why an engine did not answer.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// Nobody listens on the socket.
    #[error("no engine answers on {socket}: {cause}")]
    NoEngine {
        /// The socket's path.
        socket: String,
        /// What the system said.
        cause: String,
    },
    /// The socket may not be opened by this user.
    #[error("{socket}: permission denied; {who}")]
    NotPermitted {
        /// The socket's path.
        socket: String,
        /// Who may, and what to do.
        who: String,
    },
    /// The engine answers too late.
    #[error("the engine runs, but has not answered within {0:?}")]
    TimedOut(Duration),
    /// The request was wrong or refused before it became a command.
    #[error("{message}")]
    Rejected {
        /// HTTP status.
        status: u16,
        /// Machine-readable word.
        code: String,
        /// What is wrong.
        message: String,
        /// What to do.
        next: String,
    },
    /// What came back was no answer of lvsdeck's API, version 1.
    #[error("is the engine another version of lvsdeck? Its answer can't be read: {0}")]
    Unreadable(String),
}

impl HandleError {
    /// The code of an engine that says itself that it can't answer in time.
    pub const LATE: &str = "timed-out";

    /// Whether an engine is there, and its answer did not come in time: what was asked for may still be done.
    pub fn is_late(&self) -> bool {
        match self {
            Self::TimedOut(_) => true,
            Self::Rejected { code, .. } => code == Self::LATE,
            Self::NoEngine { .. } | Self::NotPermitted { .. } | Self::Unreadable(_) => false,
        }
    }
}

/// The refusal of a moment of which nothing is remembered.
pub fn no_past(message: impl Into<String>) -> HandleError {
    HandleError::Rejected {
        status: 404,
        code: "no-past".to_owned(),
        message: message.into(),
        next: "ask for a moment of the last day, while this engine ran".to_owned(),
    }
}

/// The refusal where the system does not say how busy it is.
pub(super) fn unreadable_host(error: impl std::fmt::Display) -> HandleError {
    HandleError::Rejected {
        status: 501,
        code: "not-available".to_owned(),
        message: format!("how busy the host is can't be read: {error}"),
        next: "is /proc mounted?".to_owned(),
    }
}

/// A running engine. Calls block for at most a few seconds; call them from a thread that draws nothing.
pub trait EngineHandle: Send + Sync {
    /// Role, problems and totals: what lines 1 and 2 of the console need.
    fn summary(&self) -> Result<Summary, HandleError>;
    /// Every virtual router.
    fn virtual_routers(&self) -> Result<Vec<VirtualRouterStatus>, HandleError>;
    /// A window of the service table, sorted and filtered by the engine.
    fn rows(&self, query: &RowsQuery) -> Result<RowsPage, HandleError>;
    /// One real server with its checks, by the keys of its row; none when it is gone.
    fn real_server(&self, service: &str, server: &str) -> Result<Option<RealServerStatus>, HandleError> {
        let status = self.status()?;
        let service = status.virtual_servers.iter().find(|s| s.key.to_string() == service);
        Ok(service.and_then(|s| s.real_servers.iter().find(|r| r.key.to_string() == server)).cloned())
    }
    /// Everything.
    fn status(&self) -> Result<Arc<Status>, HandleError>;
    /// The same where nothing has to be waited for; never blocks.
    fn status_at_once(&self) -> Option<Arc<Status>> {
        None
    }
    /// Events above number `after`, oldest first, at most the newest `limit`. Waits up to `wait` for the first one.
    fn events(&self, after: u64, limit: usize, wait: Duration) -> Result<Vec<Event>, HandleError>;
    /// Events above number `after`, the oldest first, at most `limit` or as many as the engine gives at a time; at once. What
    /// reads everything reads page after page. After 0 it begins with the oldest event in memory, after another number it
    /// reaches back into the journal's files.
    fn page(&self, after: u64, limit: usize) -> Result<Vec<Arc<Event>>, HandleError> {
        let events = self.events(after, usize::MAX, Duration::ZERO)?;
        Ok(events.into_iter().take(limit).map(Arc::new).collect())
    }
    /// A page of the journal, which reaches back as far as its files, the oldest first: at most `limit`, or as many as the
    /// engine gives at a time.
    fn journal(&self, from: JournalFrom, limit: usize) -> Result<JournalPage, HandleError> {
        let after = match from {
            JournalFrom::After(after) => after,
            JournalFrom::Age(age) => {
                let oldest = self.summary()?.now.checked_sub(age);
                let events = self.events(0, usize::MAX, Duration::ZERO)?;
                match events.iter().find(|event| oldest.is_none_or(|oldest| event.at >= oldest)) {
                    Some(event) => event.seq.saturating_sub(1),
                    None => return Ok(JournalPage::default()),
                }
            }
        };
        let events = self.page(after, limit)?.into_iter().map(Arc::unwrap_or_clone).collect();
        Ok(JournalPage { events, oldest: 0, newest: self.summary()?.last_event })
    }
    /// How a number went in the last hour or day; `Ok(Err(_))` when there is no history of it.
    fn history(&self, query: &HistoryQuery) -> Result<Result<HistoryPage, HistoryError>, HandleError> {
        Ok(Err(HistoryError::NotKept { subject: query.subject.clone() }))
    }
    /// The engine as it was at a moment of the last hour or day: it answers with what is remembered of then and takes no
    /// command. An error where nothing is remembered.
    fn at(&self, at: SystemTime) -> Result<Arc<dyn EngineHandle>, HandleError> {
        let _ = at;
        Err(no_past("this engine does not remember how it was"))
    }
    /// Whether an engine answers again within this time after one was lost. False at once where that can't be.
    fn returns(&self, within: Duration) -> bool {
        let _ = within;
        false
    }
    /// Where file, engine and kernel do not say the same; empty when they agree.
    fn diff(&self) -> Result<Vec<Difference>, HandleError> {
        Err(HandleError::Rejected {
            status: 501,
            code: "not-available".to_owned(),
            message: "this engine does not compare file, engine and kernel".to_owned(),
            next: "look at drift in `lvsdeck ctl status --json`".to_owned(),
        })
    }
    /// Commands that can be taken back, the newest first.
    fn undoable(&self) -> Result<Vec<Undoable>, HandleError> {
        Ok(Vec::new())
    }
    /// The connection table as it is now, counted and in part. Read for this call alone: it takes a second or two where there are
    /// hundreds of thousands, so ask for it when somebody wants to see it, and not in a loop.
    fn connections(&self, query: &ConnectionsQuery) -> Result<ConnectionsPage, HandleError> {
        let _ = query;
        Err(HandleError::Rejected {
            status: 501,
            code: "not-available".to_owned(),
            message: "this engine has no connection table".to_owned(),
            next: "ask an engine that runs on the kernel's ip_vs".to_owned(),
        })
    }
    /// The kernel's words about balancing, `net.ipv4.vs.*`, as they are now.
    fn sysctls(&self) -> Result<Vec<Sysctl>, HandleError> {
        Err(HandleError::Rejected {
            status: 501,
            code: "not-available".to_owned(),
            message: "this engine does not balance in a kernel".to_owned(),
            next: "ask an engine that runs on the kernel's ip_vs".to_owned(),
        })
    }
    /// How busy the director's host is, and what its interfaces counted. Rates are of the time since somebody asked before.
    fn host(&self) -> Result<HostLoad, HandleError> {
        Err(HandleError::Rejected {
            status: 501,
            code: "not-available".to_owned(),
            message: "how busy the host is was not recorded".to_owned(),
            next: "ask an engine that runs".to_owned(),
        })
    }
    /// The newest lines of the engine's log.
    fn log(&self, query: &LogQuery) -> Result<LogPage, HandleError> {
        let _ = query;
        Err(HandleError::Rejected {
            status: 501,
            code: "not-available".to_owned(),
            message: "there is no log of an engine here".to_owned(),
            next: "ask an engine that runs; events are in the journal".to_owned(),
        })
    }
    /// What an engine that is a demonstration can be told, and shows beside its status; none of any other.
    fn stage(&self) -> Option<&dyn Stage> {
        None
    }
    /// A command was refused before it became one, since `who` may not give any: for the journal. None where it can't be read.
    fn note_refused(&self, command: Option<&Command>, who: &Who, why: &str) {
        let _ = (command, who, why);
    }
    /// How many events happened since this engine started.
    fn events_of_run(&self) -> Result<u64, HandleError> {
        Ok(self.summary()?.last_event)
    }
    /// Gives a command and waits for its end. `who` goes into the journal; a remote engine takes it from the socket's peer
    /// credentials instead.
    fn command(&self, request: &CommandRequest, who: &Who) -> Result<Answer, HandleError>;
}

/// A demonstration: faults on demand and a guided drill.
pub trait Stage: Send + Sync {
    /// Does what the words say (`kill web2`); gives a sentence, in both cases.
    fn order(&self, words: &str) -> Result<String, String>;
    /// The drill as it is now.
    fn guide(&self) -> Guide;
}

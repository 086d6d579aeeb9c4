//! A picture of an engine at one moment, as an engine (layer 5): what a front shows of the past and of recordings.
//!
//! It answers what a running engine answers, from one status, at once and always the same. It never takes a command.

use super::command::{Answer, CommandRequest, Who};
use super::event::Event;
use super::handle::{EngineHandle, HandleError};
use super::snapshot::{RowsPage, RowsQuery, Status, Summary, VirtualRouterStatus};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// An engine that stands still.
#[derive(Debug, Clone)]
pub struct Still {
    /// Everything, as it was.
    pub status: Arc<Status>,
    /// When.
    pub at: SystemTime,
    /// Whether it was made of what is remembered: totals, timers and peers are not known.
    pub is_rewound: bool,
}

impl EngineHandle for Still {
    fn summary(&self) -> Result<Summary, HandleError> {
        Ok(Summary { is_rewound: self.is_rewound, ..Summary::of(&self.status, self.at, false) })
    }
    fn virtual_routers(&self) -> Result<Vec<VirtualRouterStatus>, HandleError> {
        Ok(self.status.virtual_routers.clone())
    }
    fn rows(&self, query: &RowsQuery) -> Result<RowsPage, HandleError> {
        Ok(RowsPage::of(&self.status, query, self.at))
    }
    fn status(&self) -> Result<Arc<Status>, HandleError> {
        Ok(self.status.clone())
    }
    fn events(&self, _after: u64, _limit: usize, _wait: Duration) -> Result<Vec<Event>, HandleError> {
        Ok(Vec::new())
    }
    fn command(&self, _request: &CommandRequest, _who: &Who) -> Result<Answer, HandleError> {
        Err(HandleError::Rejected {
            status: 409,
            code: "past".to_owned(),
            message: "what was can't be changed".to_owned(),
            next: "go back to now".to_owned(),
        })
    }
}

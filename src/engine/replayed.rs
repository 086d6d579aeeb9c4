//! A recording as an engine (layer 5), for `lvsdeck replay`: every moment in it can be asked for, none can be changed.
//!
//! Asked without a moment it answers of the last one. Between two statuses the earlier one holds.

use super::command::{Answer, CommandRequest, Who};
use super::event::Event;
use super::handle::{EngineHandle, HandleError, no_past};
use super::history::{HistoryError, HistoryPage, HistoryQuery};
use super::recording::{Recording, RecordingError};
use super::snapshot::{RowsPage, RowsQuery, Status, Summary, VirtualRouterStatus};
use super::still::Still;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// A recording, and the status that was made of it last.
#[derive(Debug)]
pub struct Replayed {
    recording: Recording,
    /// First and last moment.
    span: (SystemTime, SystemTime),
    made: Mutex<Option<(u64, Arc<Status>)>>,
}

impl Replayed {
    /// A recording to be asked. Errors where it has no moment at all.
    pub fn new(recording: Recording) -> Result<Self, RecordingError> {
        let first = recording.moments().next().ok_or(RecordingError::Empty)?.1;
        let last = recording.moments().last().map_or(first, |(_, at)| at);
        Ok(Self { span: (first, last.max(first)), recording, made: Mutex::default() })
    }

    /// First and last moment.
    pub const fn span(&self) -> (SystemTime, SystemTime) {
        self.span
    }

    /// What somebody who looks at it has to know: that it was cut off, or that lines are damaged.
    pub fn caveat(&self) -> Option<String> {
        let damaged = match self.recording.damaged {
            0 => None,
            1 => Some("1 line can't be read: what it held is missing".to_owned()),
            n => Some(format!("{n} lines can't be read: what they held is missing")),
        };
        let cut = self.recording.end.is_none().then(|| "the recording was cut off: it has no last line".to_owned());
        let all: Vec<String> = damaged.into_iter().chain(cut).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    fn still(&self, at: SystemTime) -> Result<Still, HandleError> {
        let moment = self.recording.moments().take_while(|(_, moment)| *moment <= at).last();
        let (ms, _) = moment.ok_or_else(|| no_past("the recording begins later"))?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let status = if let Some((_, status)) = made.as_ref().filter(|(known, _)| *known == ms) {
            status.clone()
        } else {
            let found = self.recording.status_at(ms).map_err(|error| HandleError::Unreadable(error.to_string()))?;
            let status = found.ok_or_else(|| no_past("the recording is damaged there"))?;
            let status = Arc::new(Status { mode: "replay".to_owned(), ..status });
            *made = Some((ms, status.clone()));
            status
        };
        Ok(Still { status, at, is_rewound: false })
    }
}

impl EngineHandle for Replayed {
    fn summary(&self) -> Result<Summary, HandleError> {
        self.still(self.span.1)?.summary()
    }
    fn virtual_routers(&self) -> Result<Vec<VirtualRouterStatus>, HandleError> {
        self.still(self.span.1)?.virtual_routers()
    }
    fn rows(&self, query: &RowsQuery) -> Result<RowsPage, HandleError> {
        self.still(self.span.1)?.rows(query)
    }
    fn status(&self) -> Result<Arc<Status>, HandleError> {
        self.still(self.span.1)?.status()
    }
    fn events(&self, after: u64, limit: usize, _wait: Duration) -> Result<Vec<Event>, HandleError> {
        let newer = self.recording.events.iter().filter(|event| event.seq > after).collect::<Vec<_>>();
        Ok(newer.iter().skip(newer.len().saturating_sub(limit)).map(|event| (*event).clone()).collect())
    }
    fn history(&self, query: &HistoryQuery) -> Result<Result<HistoryPage, HistoryError>, HandleError> {
        let pages = self.recording.history.iter().filter(|page| page.subject == query.subject);
        let page = pages.min_by_key(|page| page.step_s).cloned();
        Ok(page.ok_or_else(|| HistoryError::NotKept { subject: query.subject.clone() }))
    }
    fn at(&self, at: SystemTime) -> Result<Arc<dyn EngineHandle>, HandleError> {
        Ok(Arc::new(self.still(at)?))
    }
    fn command(&self, request: &CommandRequest, who: &Who) -> Result<Answer, HandleError> {
        self.still(self.span.1)?.command(request, who)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::recording::{Encoder, Entry, Header};
    use crate::engine::snapshot::{ConfigStatus, Role};

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + second)
    }

    fn status(second: u64) -> Status {
        Status {
            version: 1,
            node: "d1".to_owned(),
            pid: 7,
            mode: "run".to_owned(),
            dataplane: "kernel".to_owned(),
            config: ConfigStatus { file: String::new(), loaded_at: at(0), generation: second },
            role: Role::Init,
            last_event: second,
            changed_at: None,
            virtual_routers: Vec::new(),
            virtual_servers: Vec::new(),
            drift: Vec::new(),
            foreign_routers: Vec::new(),
            foreign: Vec::new(),
            ipvs: None,
            warnings: Vec::new(),
        }
    }

    /// Ten seconds of a recording, with these changes to its text.
    fn replayed(change: impl Fn(String) -> String) -> Result<Replayed, RecordingError> {
        let mut text = serde_json::to_string(&Header::new("d1", at(0), 1000)).unwrap() + "\n";
        let mut encoder = Encoder::default();
        for second in 0..10 {
            let entry = encoder.status(second * 1000, at(second), &status(second)).unwrap();
            text += &(serde_json::to_string(&entry).unwrap() + "\n");
        }
        let end = Entry::End { ms: 10_000, at: at(10), end: "time".to_owned() };
        text += &(serde_json::to_string(&end).unwrap() + "\n");
        Recording::read(change(text).as_bytes()).and_then(Replayed::new)
    }

    #[test]
    fn every_moment_answers_with_the_status_of_then() {
        let engine = replayed(|text| text).unwrap();
        assert_eq!((engine.span(), engine.caveat()), ((at(0), at(9)), None));
        for (moment, generation) in [(at(0), 0), (at(4), 4), (at(4) + Duration::from_millis(900), 4), (at(99), 9)] {
            let then = engine.at(moment).unwrap();
            assert_eq!(then.status().unwrap().config.generation, generation);
            let summary = then.summary().unwrap();
            assert_eq!((summary.now, summary.mode.as_str(), summary.writable), (moment, "replay", false));
        }
        assert!(engine.at(at(0) - Duration::from_secs(1)).is_err());
    }

    #[test]
    fn a_recording_that_was_cut_off_or_damaged_is_shown_as_far_as_it_goes_and_says_so() {
        let cut = replayed(|text| text.split_inclusive('\n').take(5).collect()).unwrap();
        assert_eq!(cut.span(), (at(0), at(3)));
        assert!(cut.caveat().unwrap().contains("cut off"));
        let damaged = replayed(|text| text.replacen("{\"ms\":4000", "{\"ms\":4x00", 1)).unwrap();
        assert!(damaged.caveat().unwrap().contains("1 line can't be read"));
        assert_eq!(damaged.span(), (at(0), at(3)), "changes after a damaged line mean nothing");
        let empty = replayed(|text| text.lines().take(1).map(str::to_owned).collect()).unwrap_err();
        assert!(empty.to_string().contains("no moment"), "{empty}");
    }
}

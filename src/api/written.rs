//! Answers that were written from one status, for all who ask the same before the next: a hundred consoles on one engine cost
//! hardly more than one. An answer with ages in it is written anew after a moment, though the status is the same: time goes on.

use crate::engine::{HandleError, Status};
use hyper::body::Bytes;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Longest question that is remembered.
const MAX_QUESTION: usize = 512;
/// Most answers that are remembered, and most bytes of them beside the largest one.
const MAX_ANSWERS: usize = 64;
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// What is remembered. Does not keep the engine's snapshot itself alive.
#[derive(Debug, Default)]
pub(super) struct Written {
    page: Mutex<Page>,
}

#[derive(Debug, Default)]
struct Page {
    status: Weak<Status>,
    /// By question.
    answers: HashMap<String, Answer>,
}

#[derive(Debug, Clone)]
struct Answer {
    body: Bytes,
    /// Names its content.
    tag: u64,
    at: Instant,
}

impl Written {
    /// The answer to this question about this status, and a number that names its content; written by `write` where nobody
    /// asked before, or longer ago than `lasts`. Who asks at the same time may write it as well: nobody waits for another's
    /// writing.
    pub(super) fn answer(
        &self,
        status: &Arc<Status>,
        question: &str,
        (now, lasts): (Instant, Duration),
        write: impl FnOnce() -> Result<Vec<u8>, HandleError>,
    ) -> Result<(Bytes, u64), HandleError> {
        if let Some(answer) = self.known(status, question, (now, lasts)) {
            return Ok(answer);
        }
        let body: Bytes = write()?.into();
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let answer = Answer { body, tag: hasher.finish(), at: now };
        let mut page = self.page_of(status);
        page.answers.remove(question);
        let kept: usize = page.answers.values().map(|answer| answer.body.len()).sum();
        if question.len() <= MAX_QUESTION && page.answers.len() < MAX_ANSWERS && kept <= MAX_BYTES {
            page.answers.insert(question.to_owned(), answer.clone());
        }
        Ok((answer.body, answer.tag))
    }

    /// The answer, where somebody asked before and not longer ago than `lasts`.
    pub(super) fn known(
        &self,
        status: &Arc<Status>,
        question: &str,
        (now, lasts): (Instant, Duration),
    ) -> Option<(Bytes, u64)> {
        let known = self.page_of(status).answers.get(question).cloned();
        let fresh = known.filter(|answer| now.saturating_duration_since(answer.at) < lasts)?;
        Some((fresh.body, fresh.tag))
    }

    /// The page of this status, an empty one where there was another's.
    fn page_of(&self, status: &Arc<Status>) -> MutexGuard<'_, Page> {
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        if page.status.as_ptr() != Arc::as_ptr(status) {
            *page = Page { status: Arc::downgrade(status), answers: HashMap::new() };
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Role;
    use crate::engine::snapshot::ConfigStatus;
    use std::time::SystemTime;

    fn status() -> Arc<Status> {
        Arc::new(Status {
            version: 1,
            node: "d1".to_owned(),
            pid: 1,
            mode: "run".to_owned(),
            dataplane: "kernel".to_owned(),
            config: ConfigStatus { file: String::new(), loaded_at: SystemTime::UNIX_EPOCH, generation: 1 },
            role: Role::Init,
            ipvs: None,
            last_event: 0,
            changed_at: None,
            virtual_routers: Vec::new(),
            virtual_servers: Vec::new(),
            drift: Vec::new(),
            foreign_routers: Vec::new(),
            foreign: Vec::new(),
            warnings: Vec::new(),
        })
    }

    #[test]
    fn an_answer_with_ages_is_written_anew_while_the_status_stays() {
        let (written, status, start, lasts) =
            (Written::default(), status(), Instant::now(), Duration::from_millis(250));
        let ask = |ms, text: &str| {
            let now = start + Duration::from_millis(ms);
            let (body, _) = written.answer(&status, "summary", (now, lasts), || Ok(text.as_bytes().to_vec())).unwrap();
            String::from_utf8(body.to_vec()).unwrap()
        };
        assert_eq!(
            [ask(0, "14:02:11"), ask(249, "not asked"), ask(250, "14:02:12")],
            ["14:02:11", "14:02:11", "14:02:12"]
        );
        assert_eq!(ask(300, "not asked"), "14:02:12");
    }

    #[test]
    fn an_answer_belongs_to_its_status_alone() {
        let (written, now) = (Written::default(), Instant::now());
        let ask = |status: &Arc<Status>, text: &str| {
            let answer = written.answer(status, "status", (now, Duration::MAX), || Ok(text.as_bytes().to_vec()));
            answer.unwrap().0
        };
        let (one, other) = (status(), status());
        assert_eq!([ask(&one, "one"), ask(&one, "not asked"), ask(&other, "other")], ["one", "one", "other"]);
    }
}

//! Answers that were written from one status, for all who ask the same before the next: a hundred consoles on one engine cost
//! hardly more than one.

use crate::engine::{HandleError, Status};
use hyper::body::Bytes;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

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
    /// By question: the answer, and a number that names its content.
    answers: HashMap<String, (Bytes, u64)>,
}

impl Written {
    /// The answer to this question about this status, and a number that names its content; written by `write` where nobody
    /// asked before. Who asks at the same time may write it as well: nobody waits for another's writing.
    pub(super) fn answer(
        &self,
        status: &Arc<Status>,
        question: &str,
        write: impl FnOnce() -> Result<Vec<u8>, HandleError>,
    ) -> Result<(Bytes, u64), HandleError> {
        if let Some(answer) = self.page_of(status).answers.get(question) {
            return Ok(answer.clone());
        }
        let body: Bytes = write()?.into();
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let answer = (body, hasher.finish());
        let mut page = self.page_of(status);
        let kept: usize = page.answers.values().map(|(body, _)| body.len()).sum();
        if question.len() <= MAX_QUESTION && page.answers.len() < MAX_ANSWERS && kept <= MAX_BYTES {
            page.answers.insert(question.to_owned(), answer.clone());
        }
        Ok(answer)
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

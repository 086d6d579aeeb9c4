//! Answers that cost something, given to all who ask within a moment.

use crate::engine::handle::HandleError;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// For how long an answer that costs something is good.
const ANSWER_AGE: Duration = Duration::from_secs(1);

/// The last answer to a question that reads a file or asks the loops. Whoever may read may ask it: all who ask within a second
/// share one answer, unless something happened.
pub(super) struct Lately<T>(Mutex<Option<(Instant, u64, T)>>);

impl<T> Default for Lately<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Lately<T> {
    /// The answer after the event with this number. Errors are those of `make`, and are not kept.
    pub fn get(&self, event: u64, make: impl FnOnce() -> Result<T, HandleError>) -> Result<T, HandleError> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, after, answer)) = &*last
            && at.elapsed() < ANSWER_AGE
            && *after == event
        {
            return Ok(answer.clone());
        }
        let answer = make()?;
        *last = Some((Instant::now(), event, answer.clone()));
        Ok(answer)
    }
}

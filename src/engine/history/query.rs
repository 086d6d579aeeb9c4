//! Reading the history: one subject's columns over a span of time, at a resolution that fits the answer.

use super::points::Points;
use super::{COARSE, FINE, History, STEP, Series, Subject};
use crate::engine::snapshot::rfc3339;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// Most points of one answer.
pub const POINTS: u64 = 3_600;

/// What `GET /v1/history` asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// `total`, `vrrp/VI_1`, a service, or `VS RS`.
    pub subject: String,
    /// The columns wanted; all that the subject has where there is none.
    pub series: Vec<Series>,
    /// From when on; an hour ago without it.
    pub from: Option<SystemTime>,
    /// Until when; now without it.
    pub to: Option<SystemTime>,
    /// Seconds of one point, a day at most; as few as there are, and fit into one answer, without it.
    pub step: Option<u64>,
}

/// How a subject went: `GET /v1/history`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryPage {
    /// What it is about.
    pub subject: String,
    /// When the first point begins.
    #[serde(with = "rfc3339")]
    pub from: SystemTime,
    /// Seconds of one point.
    pub step_s: u64,
    /// A value a point, oldest first; none (`null`) where nothing was sampled.
    pub series: BTreeMap<Series, Vec<Option<f64>>>,
    /// What memory has no room for at the moment.
    pub left_out: LeftOut,
}

/// How many subjects have no history since memory is short.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Services.
    pub services: usize,
    /// Real servers.
    pub real_servers: usize,
}

impl LeftOut {
    pub(super) const fn count(&mut self, subject: &Subject) {
        match subject {
            Subject::Server(..) => self.real_servers += 1,
            Subject::Total | Subject::Instance(_) | Subject::Service(_) => self.services += 1,
        }
    }
}

/// Why there is no history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// Nothing is known of the subject.
    #[error("there is no history of {subject}: it was not there in the last day, or memory has no room for it")]
    NotKept {
        /// What was asked for.
        subject: String,
    },
    /// The span holds nothing, or too much.
    #[error("{0}")]
    BadSpan(&'static str),
}

impl History {
    /// How a subject went. `now` and `second` are the same moment on the wall clock and since the start: a point's time is
    /// what the clock would have shown had it never been set.
    pub fn page(&self, query: &HistoryQuery, now: SystemTime, second: u64) -> Result<HistoryPage, HistoryError> {
        if query.step == Some(0) {
            return Err(HistoryError::BadSpan("a step of 0 s has no points: step is from 1 to 86400 seconds"));
        }
        if query.from.zip(query.to).is_some_and(|(from, to)| from > to) {
            return Err(HistoryError::BadSpan(
                "the span ends before it begins: from must be before to, and before now",
            ));
        }
        let not_kept = || HistoryError::NotKept { subject: query.subject.clone() };
        let subject: Subject = query.subject.parse().map_err(|()| not_kept())?;
        let kept = self.kept.get(&subject).ok_or_else(not_kept)?;
        let seconds_at = |at: SystemTime| second.saturating_sub(now.duration_since(at).map_or(0, |ago| ago.as_secs()));
        let to = query.to.map_or(second + 1, |at| seconds_at(at) + 1);
        let from = query.from.map_or(second.saturating_sub(FINE - 1), seconds_at).max(second.saturating_sub(COARSE));
        if from >= to {
            return Err(HistoryError::BadSpan(
                "the span ends before it begins: from must be before to, and before now",
            ));
        }
        let fine = from + FINE > second;
        let unit = if fine && query.step.is_none_or(|step| !step.is_multiple_of(STEP)) { 1 } else { STEP };
        let least = (to - from).div_ceil(POINTS);
        // No point is longer than what is kept.
        let step = query.step.unwrap_or(least).max(least).clamp(1, COARSE).next_multiple_of(unit);
        let start = from / step * step;
        let mut points = Points::new(usize::try_from((to - start).div_ceil(step)).unwrap_or(0));
        kept.each(start, to, unit, |at, row| {
            points.add(usize::try_from((at - start) / step).unwrap_or(usize::MAX), &row);
        });
        let mut wanted = query.series.clone();
        if wanted.is_empty() {
            wanted = Series::of(&subject).to_vec();
        }
        let has = Series::of(&subject);
        let series = wanted.into_iter().filter(|series| has.contains(series)).map(|s| (s, points.column(s.column())));
        Ok(HistoryPage {
            subject: subject.to_string(),
            from: now - Duration::from_secs(second.saturating_sub(start)),
            step_s: step,
            series: series.collect(),
            left_out: self.left_out,
        })
    }
}

//! How drains go: connections that are left, and about when none is. Only of rows that are looked at.

use crate::engine::{Admin, Row, RowKind};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How far back a pace is taken from.
const WINDOW: Duration = Duration::from_secs(30);
/// Most servers that are followed.
const MOST: usize = 256;

/// What was seen of drains, by the keys of their rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drains(BTreeMap<String, VecDeque<(Duration, u32)>>);

impl Drains {
    /// Looks at rows at a time of the console's clock; gives the servers that have no connection left since this look.
    pub fn look<'a>(&mut self, rows: impl Iterator<Item = &'a Row>, clock: Duration) -> Vec<String> {
        let mut emptied = Vec::new();
        for row in rows.filter(|row| row.kind == RowKind::Server) {
            if row.admin == Admin::Enabled {
                self.0.remove(&row.key);
                continue;
            }
            if self.0.len() >= MOST && !self.0.contains_key(&row.key) {
                continue;
            }
            let seen = self.0.entry(row.key.clone()).or_default();
            if row.active == 0 && seen.back().is_some_and(|(_, before)| *before > 0) {
                emptied.extend(row.server.clone());
            }
            seen.push_back((clock, row.active));
            // One that is older than the window stays: it is where the window begins.
            while seen.get(1).is_some_and(|(at, _)| clock.saturating_sub(*at) >= WINDOW) {
                seen.pop_front();
            }
        }
        emptied
    }

    /// About how long until no connection is left, at the pace of the last half minute; none where there is no pace yet.
    pub fn empty_in(&self, row: &Row) -> Option<Duration> {
        let seen = self.0.get(&row.key)?;
        let ((from, before), (to, now)) = (seen.front()?, seen.back()?);
        let (gone, span) = (before.checked_sub(*now)?, to.saturating_sub(*from));
        (gone > 0 && *now > 0 && span >= Duration::from_secs(2))
            .then(|| span.mul_f64(f64::from(*now) / f64::from(gone)))
    }
}

//! How numbers went (layer 2): a sample a second for an hour, one of ten seconds for a day, under one cap of memory.
//!
//! Kept are the totals, every instance's state, every service, and as many real servers as [`CAP`] allows; when it is
//! reached, the real servers that came last go first, then the services. What is left out says so. A tick that was not
//! sampled is a gap, never a zero. Of ten seconds a rate is the mean and a level the last value. Nothing outlasts the engine.

mod kept;
mod moving;
mod number;
mod points;
mod query;
mod rewind;
mod row;
mod series;
mod shelf;
mod still;
mod subject;
mod track;
mod varint;

pub use query::{HistoryError, HistoryPage, HistoryQuery, LeftOut};
pub use row::Row;
pub use series::Series;
pub use subject::Subject;

use super::snapshot::{VirtualRouterStatus, VirtualServerStatus};
use kept::Kept;
use shelf::Shelf;
use std::collections::BTreeSet;
use std::sync::Arc;
use still::Shared;
use subject::{row_of_router, row_of_server, row_of_service};
use track::Tick;

/// Most memory that the history takes.
pub const CAP: usize = 32 << 20;
/// Seconds in the fine track.
pub const FINE: u64 = 3_600;
/// Seconds in the coarse track.
pub const COARSE: u64 = 86_400;
/// Seconds of one coarse sample.
pub const STEP: u64 = 10;
/// Ticks in a chunk of each: five minutes, and an hour.
const FINE_CHUNK: u32 = 300;
const COARSE_CHUNK: u32 = 360;

/// Values of a row.
pub const COLUMNS: usize = 8;
/// The first of them that is a level; those before are rates.
pub const LEVELS: usize = 5;

/// Everything that is remembered. A value: its owner brings the time.
#[derive(Debug, Default)]
pub struct History {
    kept: Shelf,
    bytes: usize,
    admissions: u64,
    left_out: LeftOut,
    cap: Option<usize>,
    shared: Shared,
}

impl History {
    /// With another cap than [`CAP`].
    pub fn with_cap(cap: usize) -> Self {
        Self { cap: Some(cap), ..Self::default() }
    }

    /// What it takes, in bytes.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    fn cap(&self) -> usize {
        self.cap.unwrap_or(CAP)
    }

    /// Takes a sample at a second since the engine's start; a second that was sampled already changes nothing.
    pub fn sample(&mut self, second: Tick, routers: &[VirtualRouterStatus], services: &[Arc<VirtualServerStatus>]) {
        self.left_out = LeftOut::default();
        let mut total = Row::default();
        for service in services {
            let row = row_of_service(service);
            total.add(&row);
            self.push(second, &Subject::Service(service.key), &row);
        }
        self.push(second, &Subject::Total, &total);
        for router in routers {
            self.push(second, &Subject::Instance(router.name.as_str().into()), &row_of_router(router));
        }
        for service in services {
            for server in &service.real_servers {
                self.push(second, &Subject::Server(service.key, server.key), &row_of_server(server));
            }
        }
        if second.is_multiple_of(60) {
            self.expire(second);
        }
    }

    /// Adds one row; sheds what there is no room for.
    fn push(&mut self, second: Tick, subject: &Subject, row: &Row) {
        if self.kept.get(subject).is_none() && !self.admit(subject) {
            self.left_out.count(subject);
            return;
        }
        let Some(kept) = self.kept.get_mut(subject) else { return };
        let before = kept.cost();
        kept.push(second, row, &mut self.shared);
        self.bytes = self.bytes + kept.cost() - before;
        self.shed();
    }

    /// Makes a place. Real servers find none where seven eighths are taken, so that nobody comes and goes every second.
    fn admit(&mut self, subject: &Subject) -> bool {
        if subject.rank() == subject::LAST_RANK && self.bytes > self.cap() / 8 * 7 {
            return false;
        }
        self.admissions += 1;
        let kept = Kept::new(self.admissions, &self.shared);
        self.bytes += kept.cost();
        self.kept.insert(subject, kept);
        true
    }

    /// Those of the last rank go first, and of them those that came last.
    fn shed(&mut self) {
        if self.bytes <= self.cap() {
            return;
        }
        let mut all: Vec<_> =
            self.kept.iter().map(|(subject, kept)| (subject.rank(), kept.admitted, subject)).collect();
        all.sort_unstable_by_key(|(rank, admitted, _)| (*rank, *admitted));
        while let Some((.., subject)) = all.pop().filter(|_| self.bytes > self.cap() / 16 * 15) {
            self.forget(&subject);
            self.left_out.count(&subject);
        }
    }

    fn forget(&mut self, subject: &Subject) {
        self.bytes -= self.kept.remove(subject).map_or(0, |kept| kept.cost());
    }

    fn expire(&mut self, second: Tick) {
        let mut gone = BTreeSet::new();
        for kept in self.kept.values_mut() {
            let before = kept.cost();
            if !kept.expire(second, &mut self.shared) {
                gone.insert(kept.admitted);
            }
            self.bytes = self.bytes + kept.cost() - before;
        }
        let gone: Vec<Subject> =
            self.kept.iter().filter(|(_, kept)| gone.contains(&kept.admitted)).map(|(subject, _)| subject).collect();
        for subject in &gone {
            self.forget(subject);
        }
    }
}

#[cfg(test)]
mod tests;

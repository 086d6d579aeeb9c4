//! What is kept of one subject: little while it is always the same, tracks from its first change on.

use super::moving::Moving;
use super::still::{Shared, Still};
use super::track::Tick;
use super::{Row, Subject};

/// One subject's samples, and when it came.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) admitted: u64,
    samples: Samples,
}

#[derive(Debug, Clone)]
enum Samples {
    Still(Still),
    Moving(Box<Moving>),
}

impl Kept {
    pub(super) fn new(admitted: u64, shared: &Shared) -> Self {
        Self { admitted, samples: Samples::Still(Still::new(shared)) }
    }

    /// What it takes, with its place.
    pub(super) fn bytes(&self) -> usize {
        let beside = match &self.samples {
            Samples::Still(still) => still.bytes(),
            Samples::Moving(moving) => moving.bytes(),
        };
        Self::PLACE + beside
    }
    /// The same, as of its last change.
    pub(super) fn cost(&self) -> usize {
        match &self.samples {
            Samples::Still(_) => self.bytes(),
            Samples::Moving(moving) => moving.cost,
        }
    }
    /// Itself, its key, and what a map that is not full takes for both.
    const PLACE: usize = size_of::<Self>() + size_of::<Subject>() + 32;

    pub(super) fn push(&mut self, second: Tick, row: &Row, shared: &mut Shared) {
        if let Samples::Still(still) = &mut self.samples {
            if still.push(second, row, shared) {
                return;
            }
            self.samples = Samples::Moving(Box::new(still.moving()));
        }
        if let Samples::Moving(moving) = &mut self.samples {
            moving.push(second, row);
        }
        self.weigh();
    }

    /// Forgets what is too old; says whether there is something left.
    pub(super) fn expire(&mut self, second: Tick, shared: &mut Shared) -> bool {
        let is_left = match &mut self.samples {
            Samples::Still(still) => still.expire(second, shared),
            Samples::Moving(moving) => moving.expire(second),
        };
        self.weigh();
        is_left
    }

    fn weigh(&mut self) {
        let bytes = self.bytes();
        if let Samples::Moving(moving) = &mut self.samples {
            moving.cost = bytes;
        }
    }

    /// Gives every row between two seconds (the second one excluded) with its time, in order; one for ten seconds where the `unit` is
    /// ten.
    pub(super) fn each(&self, from: Tick, to: Tick, unit: u64, give: impl FnMut(Tick, Row)) {
        match &self.samples {
            Samples::Still(still) => still.each(from, to, unit, give),
            Samples::Moving(moving) => moving.each(from, to, unit, give),
        }
    }
}

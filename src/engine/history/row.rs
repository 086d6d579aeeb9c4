//! One sample of one subject.

use super::{COLUMNS, number};

/// A sample of one subject, in the order of [`Series`](super::Series): five rates in tenths, three levels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Row(pub [u64; COLUMNS]);

impl Row {
    pub(super) fn codes(&self) -> [u16; COLUMNS] {
        self.0.map(number::encode)
    }
    pub(super) fn from_codes(codes: [u16; COLUMNS]) -> Self {
        Self(codes.map(number::decode))
    }
    /// Adds another row, column by column.
    pub(super) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = mine.saturating_add(theirs);
        }
    }
}

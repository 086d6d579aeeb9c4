//! Points of an answer, made of samples.

use super::{LEVELS, Row};

/// Points that are being made: sums of rates, last levels, and how many samples each has.
pub(super) struct Points(Vec<(Row, u64)>);

impl Points {
    pub(super) fn new(count: usize) -> Self {
        Self(vec![(Row::default(), 0); count])
    }

    pub(super) fn add(&mut self, index: usize, row: &Row) {
        let Some((sums, count)) = self.0.get_mut(index) else { return };
        sums.add(row);
        for (sum, level) in sums.0.iter_mut().zip(row.0).skip(LEVELS) {
            *sum = level;
        }
        *count += 1;
    }

    #[allow(clippy::cast_precision_loss)] // of numbers above 2^53, for a chart
    pub(super) fn column(&self, column: usize) -> Vec<Option<f64>> {
        let value = |(sums, count): &(Row, u64)| {
            let sum = *sums.0.get(column).filter(|_| *count > 0)?;
            // Rates are kept in tenths, and said with one decimal.
            let tenths = (sum as f64 / *count as f64).round() / 10.0;
            Some(if column < LEVELS { tenths } else { sum as f64 })
        };
        self.0.iter().map(value).collect()
    }
}

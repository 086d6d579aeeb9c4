//! Drains that are looked at: which of them has nothing left since the last look.

use crate::engine::{Admin, Row, RowKind};
use std::collections::BTreeMap;

/// Most servers that are followed.
const MOST: usize = 256;

/// The connections and the clients bound by persistence that were left of drains, by the keys of their rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drains(BTreeMap<String, u32>);

impl Drains {
    /// Looks at rows; gives the servers that have nothing left since this look, and apart from them those whose deadline
    /// took them out.
    pub fn look<'a>(&mut self, rows: impl Iterator<Item = &'a Row>) -> (Vec<String>, Vec<String>) {
        let (mut emptied, mut cut) = (Vec::new(), Vec::new());
        for row in rows.filter(|row| row.kind == RowKind::Server) {
            if row.admin == Admin::Enabled {
                self.0.remove(&row.key);
                continue;
            }
            if self.0.len() >= MOST && !self.0.contains_key(&row.key) {
                continue;
            }
            let left = row.drain.as_ref().map_or(row.active, |drain| drain.left.saturating_add(drain.bound));
            let before = self.0.insert(row.key.clone(), left).unwrap_or(0);
            if left == 0 && before > 0 {
                let is_over = row.drain.as_ref().is_some_and(|drain| drain.is_over);
                if is_over { &mut cut } else { &mut emptied }.extend(row.server.clone());
            }
        }
        (emptied, cut)
    }
}

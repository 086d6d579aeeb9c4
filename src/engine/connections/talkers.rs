//! Who has the most, of any number, in bounded memory (Misra and Gries 1982).
//!
//! Exact while there are no more than [`KEPT`] clients. Beyond that each number may be too small, by [`Talkers::short_by`] at
//! most, and a client with fewer than that may be missing.

use std::collections::HashMap;
use std::net::IpAddr;

/// Clients that are counted at a time.
pub const KEPT: usize = 65_536;

/// Connections by client.
#[derive(Debug, Default)]
pub struct Talkers {
    counts: HashMap<IpAddr, u64>,
    short_by: u64,
}

impl Talkers {
    /// One more of this client.
    pub fn count(&mut self, client: IpAddr) {
        if let Some(count) = self.counts.get_mut(&client) {
            *count += 1;
        } else if self.counts.len() < KEPT {
            self.counts.insert(client, 1);
        } else {
            // One less for each that is kept, and for this one.
            self.short_by += 1;
            self.counts.retain(|_, count| {
                *count -= 1;
                *count > 0
            });
        }
    }

    /// By how much a number may be too small.
    pub const fn short_by(&self) -> u64 {
        self.short_by
    }

    /// Those with the most, the most first; equal ones by address.
    pub fn top(&self, most: usize) -> Vec<(IpAddr, u64)> {
        let mut all: Vec<_> = self.counts.iter().map(|(client, count)| (*client, *count)).collect();
        all.sort_unstable_by(|(a, most), (b, least)| least.cmp(most).then(a.cmp(b)));
        all.truncate(most);
        all
    }
}

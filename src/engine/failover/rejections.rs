//! Refused advertisements, told without a flood: the first of its sender and check at once, then at most one report a
//! minute with the number since. Bounded: beyond that many senders, all others count as one.

use crate::engine::vrrp::Check;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

const CAPACITY: usize = 128;
const PAUSE: Duration = Duration::from_mins(1);

#[derive(Debug, Default)]
pub(super) struct Rejections(BTreeMap<(Option<IpAddr>, Check), Record>);

#[derive(Debug)]
struct Record {
    reported_at: Instant,
    unreported: u64,
}

impl Rejections {
    /// Counts one; gives how many to report now, if it is time.
    pub fn count(&mut self, now: Instant, sender: Option<IpAddr>, check: Check) -> Option<u64> {
        let known = self.0.contains_key(&(sender, check)) || self.0.len() < CAPACITY;
        let key = if known { (sender, check) } else { (None, check) };
        let Some(record) = self.0.get_mut(&key) else {
            self.0.insert(key, Record { reported_at: now, unreported: 0 });
            return Some(1);
        };
        record.unreported += 1;
        if now.saturating_duration_since(record.reported_at) < PAUSE {
            return None;
        }
        record.reported_at = now;
        Some(std::mem::take(&mut record.unreported))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_reported_at_once_and_the_rest_once_a_minute_with_their_number() {
        let mut rejections = Rejections::default();
        let start = Instant::now();
        let sender = Some(IpAddr::from([192, 0, 2, 9]));
        let reports: Vec<u64> = (0..=120)
            .filter_map(|s| rejections.count(start + Duration::from_secs(s), sender, Check::Checksum))
            .collect();
        assert_eq!(reports, [1, 60, 60]);
        assert_eq!(rejections.count(start, sender, Check::Ttl), Some(1));
    }

    #[test]
    fn a_thousand_forged_senders_make_no_thousand_reports() {
        let mut rejections = Rejections::default();
        let now = Instant::now();
        let reports =
            (0..1000u32).filter_map(|n| rejections.count(now, Some(IpAddr::V4(n.into())), Check::Ttl)).count();
        assert!(reports <= CAPACITY + 1);
    }
}

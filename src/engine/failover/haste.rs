//! How short an interval a master may tell before it resigns: at 1 cs a backup of priority 100 takes over 6 ms after the
//! resignation instead of 609 ms. But there, neighbouring priorities are 0.04 ms apart, and two backups with a network of
//! 1 ms between them would both become master.

use super::core::Failover;
use super::router::Router;
use crate::engine::model::{AdvertInterval, Priority, Transport, VrrpVersion};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What has to lie between the two backups of highest priority: five milliseconds, in 256ths of a centisecond.
const APART: u32 = 128;

impl Failover {
    /// Tells each machine the interval for a planned resignation, as far as other routers are known now.
    pub(super) fn take_measure(&mut self, i: usize) {
        if let Some(router) = self.routers.get_mut(i) {
            let haste = haste(router);
            router.instance.set_haste(haste);
        }
    }
}

/// The interval for a planned resignation; none: the usual one.
pub(super) fn haste(router: &Router) -> Option<AdvertInterval> {
    let own = router.instance.parameters().interval;
    if router.config.version != VrrpVersion::V3 || !router.config.variations.swift_handover {
        return None;
    }
    shortest(&others(router)).filter(|interval| *interval < own)
}

/// Other routers that are configured or of which an advertisement counted, with the last priority above 0 of each.
fn others(router: &Router) -> Vec<Option<Priority>> {
    let mut others: BTreeMap<IpAddr, Option<Priority>> = BTreeMap::new();
    if let Transport::Unicast(unicast) = &router.config.transport {
        others.extend(unicast.peers.iter().map(|peer| (peer.address, None)));
    }
    let heard = router.peers.iter().filter(|(_, peer)| peer.tells.is_some() || peer.ranked.is_some());
    others.extend(heard.map(|(address, peer)| (address, peer.rank())));
    others.into_values().collect()
}

/// The smallest interval at which the two highest of these backups are 5 ms apart: 1 cs where there is one at most, none
/// where no interval does, or where a priority is not known.
fn shortest(priorities: &[Option<Priority>]) -> Option<AdvertInterval> {
    if priorities.len() < 2 {
        return AdvertInterval::from_centiseconds(1).ok();
    }
    let mut known: Vec<u8> = priorities.iter().map(|priority| priority.map(Priority::get)).collect::<Option<_>>()?;
    known.sort_unstable_by(|a, b| b.cmp(a));
    let apart = u32::from(known.first()?.checked_sub(*known.get(1)?)?);
    AdvertInterval::from_centiseconds(APART.checked_div(apart).map(|_| APART.div_ceil(apart))?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::vrrp::skew_time;
    use std::time::Duration;

    fn known(priorities: &[u8]) -> Vec<Option<Priority>> {
        priorities.iter().map(|priority| Some(Priority::new(*priority).unwrap())).collect()
    }

    fn cs(priorities: &[Option<Priority>]) -> Option<u16> {
        shortest(priorities).map(AdvertInterval::centiseconds)
    }

    #[test]
    fn one_other_router_at_most_means_a_centisecond() {
        assert_eq!((cs(&[]), cs(&known(&[100])), cs(&[None])), (Some(1), Some(1), Some(1)));
    }

    #[test]
    fn of_several_the_two_highest_are_5_ms_apart_with_no_longer_an_interval_than_needed() {
        assert_eq!(cs(&known(&[100, 99])), Some(128));
        assert_eq!(cs(&known(&[50, 100, 150])), Some(3));
        assert_eq!(cs(&known(&[1, 254])), Some(1));
        assert_eq!(cs(&known(&[100, 100])), None);
        assert_eq!(cs(&[None, known(&[100])[0]]), None);
        for (high, low) in (2..=254).flat_map(|high| (1..high).map(move |low| (high, low))) {
            let skew = |priority, interval| skew_time(VrrpVersion::V3, Priority::new(priority).unwrap(), interval);
            let apart = |interval| skew(low, interval).abs_diff(skew(high, interval));
            let interval = shortest(&known(&[high, low])).unwrap();
            // Skews are cut to nanoseconds.
            assert!(apart(interval) + Duration::from_nanos(1) >= Duration::from_millis(5), "{high} {low}");
            let shorter = AdvertInterval::from_centiseconds(u32::from(interval.centiseconds()) - 1);
            assert!(shorter.is_err() || apart(shorter.unwrap()) < Duration::from_millis(5), "{high} {low}");
        }
    }
}

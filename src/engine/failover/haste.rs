//! How short an interval a master may tell before it resigns: at 1 cs a backup of priority 100 takes over 6 ms after the
//! resignation instead of 609 ms. But there, neighbouring priorities are 0.04 ms apart, and two backups with a network of
//! 1 ms between them would both become master.
//!
//! A backup is silent, so how many there are can't be heard: whoever was heard once as master is remembered for good, and
//! `vrrp.routers` of lvsdeck.toml tells of those that never were.

use super::core::Failover;
use super::router::Router;
use crate::engine::model::{AdvertInterval, Priority, Transport, VrrpVersion};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// What has to lie between the two backups of highest priority: five milliseconds, in 256ths of a centisecond.
const APART: u32 = 128;

/// Why it is this interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ground {
    /// Version 2 can't tell another one.
    Version,
    /// `swift_handover` is off.
    Off,
    /// Nobody else was ever heard: two routers at most.
    Nobody,
    /// The only other one.
    One(IpAddr),
    /// So many others whose priorities are far enough apart.
    Apart(usize),
    /// So many others, and the priority of this one is not known.
    Unknown(usize, IpAddr),
    /// So many others, of which two have neighbouring priorities or the same.
    Near(usize),
    /// `vrrp.routers` says so, and so many were heard.
    Missing(u8, usize),
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version => f.write_str("version 2 has no other"),
            Self::Off => f.write_str("swift_handover is off"),
            Self::Nobody => f.write_str("no other router was ever heard (are there several? vrrp.routers)"),
            Self::One(address) => write!(f, "{address} is the only other router that is known"),
            Self::Apart(others) => {
                write!(f, "{others} other routers are known, whose priorities are 5 ms apart with it")
            }
            Self::Unknown(others, whose) => write!(
                f,
                "{others} other routers are known, and the priority of {whose} is not (docs/split-brain.md, vrrp.routers)"
            ),
            Self::Near(others) => {
                write!(
                    f,
                    "{others} other routers are known, and the two highest priorities are too near for a shorter one"
                )
            }
            Self::Missing(routers, others) => {
                write!(f, "vrrp.routers says {routers}, and {others} others were heard")
            }
        }
    }
}

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
    measure(router).0
}

/// The same, and why.
pub(super) fn measure(router: &Router) -> (Option<AdvertInterval>, Ground) {
    let own = router.instance.parameters().interval;
    let variations = router.config.variations;
    if router.config.version != VrrpVersion::V3 {
        return (None, Ground::Version);
    }
    if !variations.swift_handover {
        return (None, Ground::Off);
    }
    let others = others(router);
    let known = others.len();
    let is_multicast = matches!(router.config.transport, Transport::Multicast { .. });
    if is_multicast && variations.routers > 2 && known + 1 < usize::from(variations.routers) {
        return (None, Ground::Missing(variations.routers, known));
    }
    let unknown = others.iter().find(|(_, priority)| priority.is_none()).map(|(address, _)| *address);
    let priorities: Vec<Option<Priority>> = others.values().copied().collect();
    let found = shortest(&priorities).filter(|interval| *interval < own);
    let ground = match (others.keys().next(), unknown, found) {
        (None, ..) => Ground::Nobody,
        (Some(one), ..) if known == 1 => Ground::One(*one),
        (Some(_), Some(whose), _) => Ground::Unknown(known, whose),
        (Some(_), None, Some(_)) => Ground::Apart(known),
        (Some(_), None, None) => Ground::Near(known),
    };
    (found, ground)
}

/// Other routers that are configured, were met or of which an advertisement counted, with the last priority above 0 that each was
/// heard with in this run.
fn others(router: &Router) -> BTreeMap<IpAddr, Option<Priority>> {
    let mut others: BTreeMap<IpAddr, Option<Priority>> = BTreeMap::new();
    match &router.config.transport {
        Transport::Unicast(unicast) => others.extend(unicast.peers.iter().map(|peer| (peer.address, None))),
        Transport::Multicast { .. } if router.config.variations.routers == 2 => {}
        Transport::Multicast { .. } => others.extend(router.met.iter().map(|address| (*address, None))),
    }
    let heard = router.peers.iter().filter(|(_, peer)| peer.tells.is_some() || peer.ranked.is_some());
    others.extend(heard.map(|(address, peer)| (address, peer.rank())));
    others
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

//! Announcements that have to keep a distance from each other (`vrrp_garp_interval`, `vrrp_gna_interval`, `garp_group`): a switch
//! may drop what comes in a burst. Without these words all go out at once.

use super::Action;
use super::core::Failover;
use crate::engine::model::{AnnouncementPace, Family};
use crate::engine::vrrp::announced;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// An announcement on its way.
#[derive(Debug)]
struct Herald {
    index: u32,
    address: IpAddr,
    frame: Vec<u8>,
    gap: Duration,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Herald>,
    /// No sooner goes the next one.
    next_at: Option<Instant>,
}

/// By interface, or by the first interface of a group that shares a pace.
#[derive(Debug, Default)]
pub(super) struct Heralds(BTreeMap<String, Queue>);

impl Heralds {
    /// When the next one is due.
    pub fn next(&self) -> Option<Instant> {
        self.0.values().filter(|queue| !queue.waiting.is_empty()).filter_map(|queue| queue.next_at).min()
    }

    /// What was to be announced and is not here any more.
    pub fn forget(&mut self, gone: impl Fn(u32, IpAddr) -> bool) {
        for queue in self.0.values_mut() {
            queue.waiting.retain(|herald| !gone(herald.index, herald.address));
        }
    }
}

/// The distance and the queue of announcements of a family on an interface.
fn pace(pace: &AnnouncementPace, interface: &str, family: Family) -> (Duration, String) {
    let group = pace.groups.iter().find(|group| group.interfaces.iter().any(|name| name == interface));
    let of_family = |garp: Option<Duration>, gna: Option<Duration>| match family {
        Family::Inet => garp,
        Family::Inet6 => gna,
    };
    let own = group.and_then(|group| of_family(group.garp, group.gna));
    let gap = own.or(of_family(Some(pace.garp), Some(pace.gna))).unwrap_or(Duration::ZERO);
    let queue = group.and_then(|group| group.interfaces.first()).map_or(interface, String::as_str);
    (gap, queue.to_owned())
}

impl Failover {
    /// Whether the next thing to do is to tell the link where an address is: the last moment to hear that it is not here.
    pub fn announces_next(&self) -> bool {
        matches!(self.actions.front(), Some(Action::Announce { .. }))
    }

    /// Nobody is told of these addresses any more: they are given up.
    pub(super) fn drop_announcements(&mut self, gone: impl Fn(u32, IpAddr) -> bool) {
        self.heralds.forget(&gone);
        let is_gone = |index, frame: &[u8]| announced(frame).is_some_and(|address| gone(index, address));
        self.actions.retain(|action| !matches!(action, Action::Announce { index, frame } if is_gone(*index, frame)));
    }

    /// Sends an announcement, at once or in its turn.
    pub(super) fn herald(&mut self, now: Instant, index: u32, address: IpAddr, frame: Vec<u8>) {
        let interface = self.host.link(index).map(|link| link.name.clone()).unwrap_or_default();
        let (gap, queue) = pace(&self.pace, &interface, Family::of(address));
        if gap.is_zero() {
            return self.push(Action::Announce { index, frame });
        }
        let queue = self.heralds.0.entry(queue).or_default();
        queue.waiting.push_back(Herald { index, address, frame, gap });
        self.send_heralds(now);
    }

    /// Sends what is due.
    pub(super) fn send_heralds(&mut self, now: Instant) {
        let mut due = Vec::new();
        for queue in self.heralds.0.values_mut() {
            while queue.next_at.is_none_or(|at| at <= now)
                && let Some(Herald { index, frame, gap, .. }) = queue.waiting.pop_front()
            {
                // The distance is kept to what was sent, however late that was.
                queue.next_at = Some(now + gap);
                due.push(Action::Announce { index, frame });
            }
        }
        for action in due {
            self.push(action);
        }
    }
}

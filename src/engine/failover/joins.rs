//! Who listens where: every router on its interface, in every state, as soon as it has a footing there and anew when it
//! got it back. Where its group could not be joined a router is deaf and must not lead: it is in FAULT, and joining is
//! tried again until it works.

use super::core::Failover;
use super::router::Router;
use super::{Action, Channel};
use crate::engine::model::Family;
use std::time::{Duration, Instant};

/// How long after a refusal joining is tried again.
const JOIN_PAUSE: Duration = Duration::from_secs(1);

/// A refusal comes at once: who joins and hears none for so long has joined.
const JOIN_PATIENCE: Duration = Duration::from_millis(100);

/// Where a group could not be joined.
#[derive(Debug, Clone)]
pub(super) struct Deaf {
    /// What the system said.
    pub error: String,
    /// When joining is tried again; while it is being tried: when it counts as done.
    pub next: Instant,
    trying: bool,
}

impl Failover {
    /// The router has a footing on this interface.
    pub(super) fn listen(&mut self, i: usize, index: u32) {
        let Some(router) = self.routers.get_mut(i) else { return };
        let channel = router.channel(index);
        if router.listens_on.replace(channel) != Some(channel) {
            self.push(Action::Join(channel));
        }
    }

    /// Nothing is heard there. False when that was known.
    pub(super) fn not_joined(&mut self, now: Instant, channel: Channel, error: &str) -> bool {
        let deaf = Deaf { error: error.to_owned(), next: now + JOIN_PAUSE, trying: false };
        let news = self.deaf.insert(channel, deaf).is_none();
        self.survey();
        news
    }

    /// Tries again to join where it is time to, and lets routers go on where nobody objected.
    pub(super) fn join_again(&mut self, now: Instant) {
        let mut tries = Vec::new();
        let before = self.deaf.len();
        self.deaf.retain(|channel, deaf| {
            if deaf.next > now {
                return true;
            }
            if !deaf.trying {
                (deaf.trying, deaf.next) = (true, now + JOIN_PATIENCE);
                tries.push(*channel);
                return true;
            }
            false
        });
        for channel in tries {
            self.push(Action::Join(channel));
        }
        if self.deaf.len() < before {
            self.survey();
        }
    }
}

/// The reason of a FAULT for want of ears.
pub(super) fn deaf(interface: &str, router: &Router, error: &str) -> String {
    let Some(group) = router.config.transport.group() else {
        return format!("interface {interface} can't be listened to: {error}; it is tried again every second");
    };
    let limit = match router.config.family {
        Family::Inet => "net.ipv4.igmp_max_memberships",
        Family::Inet6 => "net.ipv6.mld_max_msf",
    };
    format!(
        "interface {interface} can't join {group}: {error}: look at `sysctl {limit}`; it is tried again every second"
    )
}

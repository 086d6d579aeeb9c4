//! Virtual routers of others on our interfaces: heard, not configured here. Bounded: whoever was silent longest makes
//! room, so that forged ones never shut out a real one.

use crate::engine::model::Family;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How many are remembered.
const CAPACITY: usize = 256;

/// How long a silent one is remembered.
const MEMORY: Duration = Duration::from_mins(5);

/// Kernel index of an interface, and a `virtual_router_id` there.
type Key = (u32, Family, u8);

/// A virtual router of somebody else on our interface.
#[derive(Debug, Clone)]
pub(super) struct Stranger {
    pub source: Option<IpAddr>,
    pub interface: String,
    pub heard_at: Instant,
}

#[derive(Debug, Default)]
pub(super) struct Strangers(BTreeMap<Key, Stranger>);

impl Strangers {
    pub fn iter(&self) -> impl Iterator<Item = (u8, &Stranger)> {
        self.0.iter().map(|((.., vrid), stranger)| (*vrid, stranger))
    }
    /// One more advertisement.
    pub fn heard(&mut self, key: Key, stranger: Stranger) {
        if self.0.len() >= CAPACITY
            && !self.0.contains_key(&key)
            && let Some(oldest) = self.0.iter().min_by_key(|(_, known)| known.heard_at).map(|(key, _)| *key)
        {
            self.0.remove(&oldest);
        }
        self.0.insert(key, stranger);
    }
    /// Forgets who was silent for too long.
    pub fn expire(&mut self, now: Instant) {
        self.0.retain(|_, stranger| now < stranger.heard_at + MEMORY);
    }
    /// When the next one is forgotten, if it stays silent.
    pub fn next(&self) -> Option<Instant> {
        self.0.values().map(|stranger| stranger.heard_at + MEMORY).min()
    }
    /// It is none any more.
    pub fn forget(&mut self, key: Key) {
        self.0.remove(&key);
    }
    /// The interface is gone.
    pub fn forget_interface(&mut self, index: u32) {
        self.0.retain(|(at, ..), _| *at != index);
    }
    /// Nobody listens there any more.
    pub fn forget_channel(&mut self, index: u32, family: Family) {
        self.0.retain(|(at, of, _), _| (*at, *of) != (index, family));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forged_ones_make_room_for_a_real_one() {
        let start = Instant::now();
        let mut strangers = Strangers::default();
        let stranger = |heard_at| Stranger { source: None, interface: "eth0".to_owned(), heard_at };
        for n in 0..=u8::MAX {
            strangers.heard((2, Family::Inet, n), stranger(start + Duration::from_millis(n.into())));
        }
        strangers.heard((3, Family::Inet6, 7), stranger(start + Duration::from_secs(1)));
        strangers.heard((2, Family::Inet, 255), stranger(start + Duration::from_secs(1)));
        assert_eq!(strangers.iter().count(), CAPACITY);
        assert!(strangers.0.contains_key(&(3, Family::Inet6, 7)) && !strangers.0.contains_key(&(2, Family::Inet, 0)));
    }
}

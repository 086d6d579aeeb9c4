//! Masterships on disk: of whom this host was master when its engine ended, for one start and one only.
//!
//! Times are of `CLOCK_BOOTTIME`, which no one sets and which counts on while the host sleeps: a wall clock that jumps makes
//! no note younger or older. A note of another boot or network namespace is ignored.

use super::state::{StateDir, StateError};
use crate::engine::failover::{Mastership, Origin, OwnedAddress};
use crate::engine::model::{AdvertInterval, Family, Priority, Vrid, VrrpVersion};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

const FILE: &str = "masterships.json";

/// A [`Mastership`] as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    instance: String,
    interface: String,
    virtual_router_id: u8,
    family: Family,
    version: u8,
    priority: u8,
    interval_centiseconds: u32,
    /// Microseconds of `CLOCK_BOOTTIME`.
    advertised_at_us: u64,
    addresses: Vec<OwnedAddress>,
    takeover: Option<String>,
}

impl StateDir {
    /// The masterships of the engine before, at most once: the file is removed before they are given.
    pub fn take_masterships(&self) -> Result<Vec<Mastership>, StateError> {
        let notes: Vec<Note> = self.load(FILE)?;
        self.remove(FILE)?;
        let (now, boot) = (Instant::now(), since_boot());
        Ok(notes.into_iter().filter_map(|note| note.read(now, boot)).collect())
    }

    /// Writes them down.
    pub fn save_masterships(&self, masterships: &[Mastership]) -> Result<(), StateError> {
        let (now, boot) = (Instant::now(), since_boot());
        let write = |one: &Mastership| Note {
            instance: one.instance.clone(),
            interface: one.interface.clone(),
            virtual_router_id: one.vrid.get(),
            family: one.family,
            version: one.version.number(),
            priority: one.priority.get(),
            interval_centiseconds: u32::from(one.interval.centiseconds()),
            advertised_at_us: micros(boot.saturating_sub(now.saturating_duration_since(one.advertised_at))),
            addresses: one.addresses.clone(),
            takeover: one.takeover.clone(),
        };
        self.save(FILE, masterships.iter().map(write).collect())
    }
}

impl Note {
    /// None where a field holds what no engine writes, or a time that is to come.
    fn read(self, now: Instant, boot: Duration) -> Option<Mastership> {
        let age = boot.checked_sub(Duration::from_micros(self.advertised_at_us))?;
        Some(Mastership {
            instance: self.instance,
            interface: self.interface,
            vrid: Vrid::new(self.virtual_router_id).ok()?,
            family: self.family,
            version: match self.version {
                2 => VrrpVersion::V2,
                3 => VrrpVersion::V3,
                _ => return None,
            },
            priority: Priority::new(self.priority).ok()?,
            interval: AdvertInterval::from_centiseconds(self.interval_centiseconds).ok()?,
            advertised_at: now.checked_sub(age)?,
            addresses: self.addresses,
            takeover: self.takeover,
            origin: Origin::Lvsdeck,
        })
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// `CLOCK_BOOTTIME`.
#[allow(unsafe_code)]
fn since_boot() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: clock_gettime writes one timespec, which is ours and outlives the call.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mastership(age: Duration) -> Mastership {
        Mastership {
            instance: "VI_1".into(),
            interface: "eth0".into(),
            vrid: Vrid::new(51).unwrap(),
            family: Family::Inet,
            version: VrrpVersion::V3,
            priority: Priority::new(200).unwrap(),
            interval: AdvertInterval::DEFAULT,
            advertised_at: Instant::now().checked_sub(age).unwrap(),
            addresses: vec![OwnedAddress {
                interface: "eth0".into(),
                address: "10.0.0.1".parse().unwrap(),
                prefix: 24,
            }],
            takeover: None,
            origin: Origin::Lvsdeck,
        }
    }

    #[test]
    fn a_mastership_is_read_once_with_its_age() {
        let place = tempfile::tempdir().unwrap();
        let state = StateDir::open(place.path()).unwrap();
        let written = mastership(Duration::from_millis(700));
        state.save_masterships(std::slice::from_ref(&written)).unwrap();
        let read = state.take_masterships().unwrap().remove(0);
        let apart = read.advertised_at.max(written.advertised_at) - read.advertised_at.min(written.advertised_at);
        assert!(apart < Duration::from_millis(1), "{apart:?}");
        assert_eq!(Mastership { advertised_at: written.advertised_at, ..read }, written);
        assert!(state.take_masterships().unwrap().is_empty(), "used once");
        assert!(!place.path().join(FILE).exists());
    }

    #[test]
    fn a_note_from_the_future_is_none() {
        let place = tempfile::tempdir().unwrap();
        let state = StateDir::open(place.path()).unwrap();
        let text = r#"{"instance":"VI_1","interface":"eth0","virtual_router_id":51,"family":"inet","version":2,
            "priority":100,"interval_centiseconds":100,"advertised_at_us":9000000000000000,"addresses":[],
            "takeover":null}"#;
        state.save(FILE, vec![serde_json::from_str::<Note>(text).unwrap()]).unwrap();
        assert!(state.take_masterships().unwrap().is_empty());
    }
}

//! Units as types: a number that left its range can't be built, so no arithmetic below has to ask.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A number outside of what its unit allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{unit} {value} is out of range {low}..={high}")]
pub struct UnitError {
    /// The unit's name as operators write it (`virtual_router_id`).
    pub unit: &'static str,
    /// What was given.
    pub value: u64,
    /// Smallest value allowed.
    pub low: u64,
    /// Largest value allowed.
    pub high: u64,
}

fn within(unit: &'static str, value: u64, low: u64, high: u64) -> Result<(), UnitError> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(UnitError { unit, value, low, high }) }
}

/// Virtual router identifier, 1–255 (RFC 9568 §5.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Vrid(u8);

impl Vrid {
    /// Errors when `value` is 0.
    pub fn new(value: u8) -> Result<Self, UnitError> {
        within("virtual_router_id", u64::from(value), 1, 255).map(|()| Self(value))
    }
    /// The number on the wire.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Vrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A configured priority, 1–255, where 255 is the address owner (RFC 9568 §5.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Priority(u8);

impl Priority {
    /// The address owner's priority.
    pub const OWNER: Self = Self(255);
    /// The protocol's default, 100.
    pub const DEFAULT: Self = Self(100);
    /// Errors when `value` is 0, which means "I resign" on the wire and is no configuration.
    pub fn new(value: u8) -> Result<Self, UnitError> {
        within("priority", u64::from(value), 1, 255).map(|()| Self(value))
    }
    /// The number, 1–255.
    pub const fn get(self) -> u8 {
        self.0
    }
    /// Whether this is the address owner's priority.
    pub const fn is_owner(self) -> bool {
        self.0 == 255
    }
    /// As it goes on the wire.
    pub const fn advertised(self) -> AdvertisedPriority {
        AdvertisedPriority(self.0)
    }
}

impl TryFrom<u8> for Priority {
    type Error = UnitError;
    fn try_from(value: u8) -> Result<Self, Self::Error> {
        Self::new(value)
    }
}

impl From<Priority> for u8 {
    fn from(priority: Priority) -> Self {
        priority.0
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A priority as seen on the wire, 0–255; 0 resigns (RFC 9568 §5.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdvertisedPriority(pub u8);

impl AdvertisedPriority {
    /// "I stop being master now."
    pub const RESIGN: Self = Self(0);
    /// Whether the sender resigns.
    pub const fn is_resignation(self) -> bool {
        self.0 == 0
    }
}

/// Advertisement interval in centiseconds, 1–25,500 (keepalived reads 0.01–255 s; version 3 carries at most 4,095).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdvertInterval(u16);

impl AdvertInterval {
    /// One second.
    pub const DEFAULT: Self = Self(100);
    /// The largest value version 3 can carry, 40.95 s.
    pub const V3_MAX: Self = Self(4095);
    /// Errors when outside 1–25,500 cs.
    pub fn from_centiseconds(value: u32) -> Result<Self, UnitError> {
        within("advert_int (centiseconds)", u64::from(value), 1, 25_500)?;
        Ok(Self(u16::try_from(value).unwrap_or(u16::MAX)))
    }
    /// Centiseconds.
    pub const fn centiseconds(self) -> u16 {
        self.0
    }
    /// Whole seconds, rounded down, as version 2 carries them.
    pub const fn whole_seconds(self) -> u16 {
        self.0 / 100
    }
    /// The same span of time.
    pub fn duration(self) -> Duration {
        Duration::from_millis(u64::from(self.0) * 10)
    }
}

/// A real server's weight, 0–2,147,483,647; 0 takes no new connections (`uapi/linux/ip_vs.h`, ipvsadm's range).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Weight(u32);

impl Weight {
    /// Quiescent: existing connections go on, new ones go elsewhere.
    pub const ZERO: Self = Self(0);
    /// keepalived's and ipvsadm's default.
    pub const DEFAULT: Self = Self(1);
    /// Errors above 2³¹−1.
    pub fn new(value: u32) -> Result<Self, UnitError> {
        within("weight", u64::from(value), 0, 2_147_483_647).map(|()| Self(value))
    }
    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u32> for Weight {
    type Error = UnitError;
    fn try_from(value: u32) -> Result<Self, UnitError> {
        Self::new(value)
    }
}

impl From<Weight> for u32 {
    fn from(weight: Weight) -> Self {
        weight.0
    }
}

//! Wall-clock times from monotonic ones, and their text.

use std::time::{Duration, Instant, SystemTime};

/// Clocks that are further apart than this were set: more than it may take between reading one and the other.
const SET: Duration = Duration::from_millis(20);

/// One moment on both clocks, read together by a driver: cores turn their Instants into wall time with it.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Monotonic.
    pub now: Instant,
    /// Wall clock of the same moment.
    pub wall: SystemTime,
}

impl Moment {
    /// Wall time of an instant before or after this moment.
    pub fn wall_of(&self, instant: Instant) -> SystemTime {
        match self.now.checked_duration_since(instant) {
            Some(ago) => self.wall.checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH),
            None => self.wall + instant.duration_since(self.now),
        }
    }
    /// Wall time of a moment before this one: what the clock showed then, and where it was set since, what it would have shown.
    pub fn wall_of_moment(&self, then: &Self) -> SystemTime {
        let would = self.wall_of(then.now);
        let apart = would.duration_since(then.wall).unwrap_or_else(|error| error.duration());
        if apart < Duration::from_secs(1) { then.wall } else { would }
    }
    /// This moment by the clocks as they were at an earlier one, unless they were set since: what happened at one time is then told as
    /// the same time again, although no two clocks are ever read together.
    #[must_use]
    pub fn continuing(self, earlier: &Self) -> Self {
        let wall = earlier.wall_of(self.now);
        let apart = self.wall.duration_since(wall).unwrap_or_else(|error| error.duration());
        if apart < SET { Self { wall, ..self } } else { self }
    }
    /// Milliseconds from now until a deadline, rounded down; 0 when it has passed.
    pub fn millis_until(&self, deadline: Instant) -> u64 {
        let left: Duration = deadline.saturating_duration_since(self.now);
        u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
    }
}

/// RFC 3339 with milliseconds in UTC, for serde's `with`.
pub mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use std::time::SystemTime;

    /// Writes `2026-11-21T14:02:11.000Z`.
    pub fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_rfc3339_millis(*time))
    }
    /// Reads it back.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        humantime::parse_rfc3339(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }

    /// The same for a time that may be absent (`null`).
    pub mod option {
        use serde::{Deserialize, Deserializer, Serializer, de};
        use std::time::SystemTime;

        /// Writes the time or `null`.
        pub fn serialize<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
            match time {
                Some(time) => super::serialize(time, serializer),
                None => serializer.serialize_none(),
            }
        }
        /// Reads it back.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
            Option::<String>::deserialize(deserializer)?
                .map(|text| humantime::parse_rfc3339(&text).map_err(de::Error::custom))
                .transpose()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_follows_the_monotonic_distance_in_both_directions() {
        let moment = Moment {
            now: Instant::now() + Duration::from_secs(100),
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1000),
        };
        let before = moment.now.checked_sub(Duration::from_secs(5)).unwrap();
        assert_eq!(moment.wall_of(before), SystemTime::UNIX_EPOCH + Duration::from_secs(995));
        assert_eq!(
            moment.wall_of(moment.now + Duration::from_secs(5)),
            SystemTime::UNIX_EPOCH + Duration::from_secs(1005)
        );
        assert_eq!(moment.millis_until(before), 0);
    }

    #[test]
    fn one_time_is_told_as_the_same_again_until_the_clock_is_set() {
        let (start, wall) = (Instant::now(), SystemTime::UNIX_EPOCH + Duration::from_secs(1_000));
        let moment = |seconds: u64, late: Duration| {
            let after = Duration::from_secs(seconds);
            Moment { now: start + after, wall: wall + after + late }
        };
        let first = moment(10, Duration::ZERO);
        let next = moment(11, Duration::from_micros(70)).continuing(&first);
        assert_eq!((next.now, next.wall_of(start)), (start + Duration::from_secs(11), first.wall_of(start)));
        let set = moment(12, Duration::from_secs(1));
        assert_eq!(set.continuing(&next).wall, set.wall);
    }

    #[test]
    fn a_moment_before_the_clock_was_set_keeps_its_age() {
        let (now, wall) = (Instant::now(), SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000));
        let after = |seconds, jump: i64| Moment {
            now: now + Duration::from_secs(seconds),
            wall: wall + Duration::from_hours(24) + Duration::from_secs(seconds)
                - Duration::from_secs(u64::try_from(86_400 - jump).unwrap()),
        };
        let then = Moment { now, wall };
        assert_eq!(after(5, 0).wall_of_moment(&then), wall);
        let set = after(5, 86_400);
        assert_eq!(
            set.wall.duration_since(set.wall_of_moment(&then)).unwrap(),
            Duration::from_secs(5),
            "not a day ago"
        );
        let back = after(5, -3_600);
        assert_eq!(back.wall.duration_since(back.wall_of_moment(&then)).unwrap(), Duration::from_secs(5));
    }
}

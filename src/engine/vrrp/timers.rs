//! How long a backup waits. Arithmetic is in nanoseconds and divides last, so that a skew is never rounded to nothing.

use crate::engine::model::{AdvertInterval, Priority, VrrpVersion};
use std::time::Duration;

/// The interval as a version can carry it: whole seconds, at least one, in version 2; at most 40.95 s in version 3.
pub fn usable_interval(version: VrrpVersion, interval: AdvertInterval) -> AdvertInterval {
    match version {
        VrrpVersion::V2 => {
            let centiseconds = u32::from(interval.whole_seconds().max(1)) * 100;
            AdvertInterval::from_centiseconds(centiseconds).unwrap_or(AdvertInterval::DEFAULT)
        }
        VrrpVersion::V3 => interval.min(AdvertInterval::V3_MAX),
    }
}

/// `Skew_Time`: the lower the priority, the longer. Version 2: `(256 − priority) / 256` seconds whatever the interval (RFC
/// 3768 §6.1); version 3: `(256 − priority) × interval / 256` with the master's interval (RFC 9568 §6.1).
pub fn skew_time(version: VrrpVersion, priority: Priority, master_interval: AdvertInterval) -> Duration {
    let unit = match version {
        VrrpVersion::V2 => Duration::from_secs(1),
        VrrpVersion::V3 => master_interval.duration(),
    };
    // At most 255 × 255 s: far inside of what a Duration holds.
    unit * (256 - u32::from(priority.get())) / 256
}

/// `Master_Down_Interval`: three intervals (or as many as `down_timer_adverts` says) and the skew (RFC 3768 §6.1 with the
/// own interval, RFC 9568 §6.1 with the master's).
pub fn master_down_interval(
    version: VrrpVersion,
    priority: Priority,
    master_interval: AdvertInterval,
    adverts: u8,
) -> Duration {
    master_interval.duration() * u32::from(adverts) + skew_time(version, priority, master_interval)
}

/// Longer than any backup waits: a whole skew more than `Master_Down_Interval`, of no fewer than three intervals. Those that
/// wait so are in order of priority among themselves.
pub fn last_resort(version: VrrpVersion, priority: Priority, interval: AdvertInterval, adverts: u8) -> Duration {
    let skew = match version {
        VrrpVersion::V2 => Duration::from_secs(1),
        VrrpVersion::V3 => interval.duration(),
    };
    master_down_interval(version, priority, interval, adverts.max(3)) + skew
}

#[cfg(test)]
mod tests {
    use super::*;
    use VrrpVersion::{V2, V3};

    fn cs(value: u32) -> AdvertInterval {
        AdvertInterval::from_centiseconds(value).unwrap()
    }

    #[test]
    fn skew_and_master_down_are_those_of_the_requirement_table() {
        let rows = [
            (254, 7_812, 3_007_812, 7_812, 3_007_812, 1_562),
            (200, 218_750, 3_218_750, 218_750, 3_218_750, 43_750),
            (100, 609_375, 3_609_375, 609_375, 3_609_375, 121_875),
            (1, 996_093, 3_996_093, 996_093, 3_996_093, 199_218),
        ];
        for (priority, v2_skew, v2_down, v3_skew, v3_down, v3_fast) in rows {
            let priority = Priority::new(priority).unwrap();
            assert_eq!(skew_time(V2, priority, cs(100)).as_micros(), v2_skew);
            assert_eq!(master_down_interval(V2, priority, cs(100), 3).as_micros(), v2_down);
            assert_eq!(skew_time(V3, priority, cs(100)).as_micros(), v3_skew);
            assert_eq!(master_down_interval(V3, priority, cs(100), 3).as_micros(), v3_down);
            assert_eq!(skew_time(V3, priority, cs(20)).as_micros(), v3_fast);
        }
    }

    #[test]
    fn another_number_of_adverts_replaces_the_three() {
        assert_eq!(master_down_interval(V3, Priority::DEFAULT, cs(100), 5), Duration::from_micros(5_609_375));
        assert_eq!(master_down_interval(V2, Priority::DEFAULT, cs(200), 1), Duration::from_micros(2_609_375));
    }

    #[test]
    fn the_versions_differ_as_soon_as_the_interval_is_not_one_second() {
        assert_eq!(master_down_interval(V2, Priority::DEFAULT, cs(500), 3), Duration::from_micros(15_609_375));
        assert_eq!(master_down_interval(V3, Priority::DEFAULT, cs(500), 3), Duration::from_micros(18_046_875));
    }

    #[test]
    fn a_higher_priority_takes_over_earlier_at_every_interval() {
        for version in [V2, V3] {
            for centiseconds in 1..=4095 {
                for priority in 1..255 {
                    let (low, high) = (Priority::new(priority).unwrap(), Priority::new(priority + 1).unwrap());
                    let interval = cs(centiseconds);
                    assert!(
                        master_down_interval(version, high, interval, 3)
                            < master_down_interval(version, low, interval, 3)
                    );
                }
            }
        }
    }

    #[test]
    fn an_interval_that_a_version_cannot_carry_becomes_the_nearest_it_can() {
        assert_eq!(usable_interval(V2, cs(50)), cs(100));
        assert_eq!(usable_interval(V2, cs(250)), cs(200));
        assert_eq!(usable_interval(V3, cs(25_500)), cs(4095));
        assert_eq!(usable_interval(V3, cs(1)), cs(1));
    }
}

//! New parameters for a running machine.

use crate::engine::model::{AdvertInterval, AdvertisedPriority, GratuitousArp, Priority, Variations, VrrpVersion};
use crate::engine::vrrp::{Deadline, Heard, Input, Instance, Parameters};
use std::net::IpAddr;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

fn cs(value: u32) -> AdvertInterval {
    AdvertInterval::from_centiseconds(value).unwrap()
}

fn parameters(version: VrrpVersion, priority: u8, interval: u32) -> Parameters {
    Parameters {
        version,
        priority: Priority::new(priority).unwrap(),
        interval: cs(interval),
        preempt: true,
        preempt_delay: Duration::ZERO,
        garp: GratuitousArp::default(),
        variations: Variations::default(),
    }
}

/// A backup that heard a master of priority 200 and an interval of 1 s at `start`.
fn backup(version: VrrpVersion, start: Instant) -> Instance {
    let mut instance = Instance::new(parameters(version, 100, 100), IpAddr::from([192, 0, 2, 5]));
    instance.handle(start, Input::Startup);
    hear(&mut instance, start, 200);
    instance
}

fn hear(instance: &mut Instance, now: Instant, priority: u8) {
    let source = IpAddr::from([192, 0, 2, 10]);
    instance.handle(now, Input::Heard(Heard { source, priority: AdvertisedPriority(priority), interval: cs(100) }));
}

fn down_after(instance: &Instance, start: Instant) -> Duration {
    let (at, deadline) = instance.next().unwrap();
    assert_eq!(deadline, Deadline::MasterDown);
    at.duration_since(start)
}

#[test]
fn a_higher_priority_shortens_the_skew_of_the_wait_that_runs_and_a_lower_one_leaves_it() {
    for version in [VrrpVersion::V2, VrrpVersion::V3] {
        let start = Instant::now();
        let mut instance = backup(version, start);
        assert_eq!(down_after(&instance, start), Duration::from_micros(3_609_375));
        instance.reconfigure(start + SECOND, parameters(version, 254, 100));
        assert_eq!(down_after(&instance, start).as_micros(), 3_007_812);
        instance.reconfigure(start + SECOND, parameters(version, 1, 100));
        assert_eq!(down_after(&instance, start).as_micros(), 3_007_812);
    }
}

#[test]
fn after_a_resignation_a_higher_priority_shortens_the_skew_too() {
    let start = Instant::now();
    let mut instance = backup(VrrpVersion::V2, start);
    hear(&mut instance, start, 0);
    assert_eq!(down_after(&instance, start).as_micros(), 609_375);
    instance.reconfigure(start + SECOND / 2, parameters(VrrpVersion::V2, 254, 100));
    assert_eq!(down_after(&instance, start).as_micros(), 7_812, "at once");
}

#[test]
fn a_shorter_interval_of_version_2_counts_from_now_and_version_3_waits_by_its_masters() {
    let start = Instant::now();
    let mut slow = Instance::new(parameters(VrrpVersion::V2, 100, 1000), IpAddr::from([192, 0, 2, 5]));
    slow.handle(start, Input::Startup);
    hear(&mut slow, start, 200);
    assert_eq!(down_after(&slow, start), Duration::from_micros(30_609_375));
    slow.reconfigure(start + SECOND * 9, parameters(VrrpVersion::V2, 100, 100));
    assert_eq!(down_after(&slow, start), Duration::from_micros(12_609_375), "its master may still be slow");
    let mut learned = backup(VrrpVersion::V3, start);
    learned.reconfigure(start + SECOND, parameters(VrrpVersion::V3, 100, 10));
    assert_eq!(down_after(&learned, start), Duration::from_micros(3_609_375));
}

#[test]
fn a_preempt_delay_that_is_shortened_ends_earlier() {
    let start = Instant::now();
    let delayed =
        |seconds| Parameters { preempt_delay: Duration::from_secs(seconds), ..parameters(VrrpVersion::V2, 100, 100) };
    let mut instance = Instance::new(delayed(60), IpAddr::from([192, 0, 2, 5]));
    instance.handle(start, Input::Startup);
    hear(&mut instance, start, 50);
    instance.reconfigure(start + SECOND, delayed(1));
    assert_eq!(instance.next(), Some((start + SECOND * 2, Deadline::PreemptDelay)));
}

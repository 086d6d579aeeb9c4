//! Rates a second from the kernel's totals.
//!
//! The kernel refreshes its netlink totals every 2 s (its estimator's tick), we look every second: a rate is taken from one
//! change of a total to a later one, so that a window holds whole ticks. The first change after a silence is what one tick
//! brought. A total that falls was reset: counting begins anew. But connections and packets of a kernel before 4.1 have 32 bits and
//! run over; bytes have 64 and tell the one from the other, since a reset puts all of them to 0.

use crate::engine::ipvs::Traffic;
use crate::engine::snapshot::{Counters, Rates};
use std::time::{Duration, Instant};

/// The estimator's tick.
const TICK: Duration = Duration::from_secs(2);
/// The shortest span between two changes that a rate is taken over: a tick, less what a timer may be late.
const WINDOW: Duration = Duration::from_millis(1_900);
/// Without a change for so long nothing flows: two ticks, less the same.
pub(super) const SILENCE: Duration = Duration::from_millis(3_900);

/// The totals of one service or server, and how fast they grow.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    /// When they were last looked at; none where the object is not in the table.
    seen_at: Option<Instant>,
    /// More of it from the first total on that is not 0: most objects of a director that begins have none.
    moved: Option<Box<Moved>>,
}

/// Totals that are not 0 all of them.
#[derive(Debug, Clone)]
struct Moved {
    base: Base,
    rates: Rates,
}

/// Where the next rate begins.
#[derive(Debug, Clone, Copy)]
struct Base {
    at: Instant,
    totals: Traffic,
    /// As of the last look.
    seen: Traffic,
    /// Whether a total changed at this moment; it did some time ago otherwise.
    at_a_change: bool,
}

impl Base {
    const fn new(at: Instant, totals: Traffic, at_a_change: bool) -> Self {
        Self { at, totals, seen: totals, at_a_change }
    }
}

impl Meter {
    /// Rates as of the last look.
    pub fn rates(&self) -> Rates {
        self.moved.as_ref().map_or_else(Rates::default, |moved| moved.rates)
    }

    /// A look at the totals; none when the object is not in the table.
    pub fn look(&mut self, now: Instant, traffic: Option<Traffic>) {
        let Some(new) = traffic else {
            *self = Self::default();
            return;
        };
        let seen_at = self.seen_at.replace(now);
        let is_reset = self.moved.as_ref().is_some_and(|moved| was_reset(new, moved.base.seen));
        let Some(seen_at) = seen_at.filter(|_| !is_reset) else {
            let first = || Box::new(Moved { base: Base::new(now, new, false), rates: Rates::default() });
            self.moved = (new != Traffic::default()).then(first);
            return;
        };
        match &mut self.moved {
            Some(moved) => moved.look(now, seen_at, new),
            None if new == Traffic::default() => {}
            None => {
                let none = Base::new(seen_at, Traffic::default(), false);
                let moved = self.moved.insert(Box::new(Moved { base: none, rates: Rates::default() }));
                moved.look(now, seen_at, new);
            }
        }
    }
}

impl Moved {
    fn look(&mut self, now: Instant, seen_at: Instant, new: Traffic) {
        let base = &mut self.base;
        let span = now.saturating_duration_since(base.at);
        let changed = new != std::mem::replace(&mut base.seen, new);
        let over = match (changed, base.at_a_change) {
            (true, true) if span >= WINDOW => span,
            (true, false) => now.saturating_duration_since(seen_at).max(TICK),
            (false, _) if span >= SILENCE => span,
            (true | false, _) => return,
        };
        self.rates = rates(new, base.totals, over);
        self.base = Base::new(now, new, changed);
    }
}

/// Whether the totals began anew between two looks.
fn was_reset(new: Traffic, old: Traffic) -> bool {
    if new.in_bytes < old.in_bytes || new.out_bytes < old.out_bytes {
        return true;
    }
    let falls = pairs(new, old).into_iter().filter(|(new, old)| new < old);
    // From the last quarter of 32 bits into the first.
    let is_run_over = |(new, old): (u64, u64)| old >> 30 == 3 && new >> 30 == 0;
    let mut falls = falls.peekable();
    falls.peek().is_some() && !falls.all(is_run_over)
}

/// What was added since; a total of 32 bits may have run over.
fn growth(new: u64, old: u64) -> u64 {
    if new < old { (new + (1 << 32)).saturating_sub(old) } else { new - old }
}

const fn pairs(new: Traffic, old: Traffic) -> [(u64, u64); 5] {
    [
        (new.connections, old.connections),
        (new.in_packets, old.in_packets),
        (new.out_packets, old.out_packets),
        (new.in_bytes, old.in_bytes),
        (new.out_bytes, old.out_bytes),
    ]
}

#[allow(clippy::cast_precision_loss)] // more than 2⁵³ bytes between two looks do not happen
fn rates(new: Traffic, old: Traffic, span: Duration) -> Rates {
    let [connections_per_s, in_packets_per_s, out_packets_per_s, in_bytes_per_s, out_bytes_per_s] =
        pairs(new, old).map(|(new, old)| growth(new, old) as f64 / span.as_secs_f64());
    Rates { connections_per_s, in_packets_per_s, out_packets_per_s, in_bytes_per_s, out_bytes_per_s }
}

/// Totals as the API names them.
pub const fn counters(traffic: Traffic) -> Counters {
    let Traffic { connections, in_packets, out_packets, in_bytes, out_bytes } = traffic;
    Counters { connections, in_packets, out_packets, in_bytes, out_bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_every_second(totals: &[u64]) -> Vec<f64> {
        let (start, mut meter) = (Instant::now(), Meter::default());
        let looks = totals.iter().zip(0_u64..).map(|(connections, second)| {
            let traffic = Traffic { connections: *connections, ..Traffic::default() };
            meter.look(start + Duration::from_secs(second), Some(traffic));
            (meter.rates().connections_per_s * 10.0).round() / 10.0
        });
        looks.collect()
    }

    #[test]
    fn totals_that_step_every_two_seconds_give_a_smooth_rate() {
        assert_eq!(look_every_second(&[0, 0, 20, 20, 40, 40, 60]), [0.0, 0.0, 10.0, 10.0, 10.0, 10.0, 10.0]);
        assert_eq!(look_every_second(&[0, 10, 10, 30, 30, 50, 50])[3..], [10.0, 10.0, 10.0, 10.0]);
    }

    #[test]
    fn totals_that_grow_every_second_are_taken_over_two() {
        assert_eq!(look_every_second(&[0, 5, 10, 15, 20]), [0.0, 2.5, 2.5, 5.0, 5.0]);
    }

    #[test]
    fn totals_of_nothing_take_no_memory() {
        let (start, mut meter) = (Instant::now(), Meter::default());
        for (second, connections) in (0..).zip([0, 0, 5, 0]) {
            meter.look(start + second * TICK, Some(Traffic { connections, ..Traffic::default() }));
            assert_eq!(meter.moved.is_some(), connections > 0, "{second}");
        }
    }

    #[test]
    fn a_single_burst_is_seen_and_goes() {
        assert_eq!(
            look_every_second(&[0, 0, 0, 0, 0, 8, 8, 8, 8, 8]),
            [0.0, 0.0, 0.0, 0.0, 0.0, 4.0, 4.0, 4.0, 4.0, 0.0]
        );
    }

    #[test]
    fn a_rate_falls_to_zero_when_nothing_flows_any_more() {
        assert_eq!(look_every_second(&[0, 0, 20, 20, 20, 20, 20]).last(), Some(&0.0));
    }

    #[test]
    fn a_total_of_32_bits_that_runs_over_is_a_rate_and_no_reset() {
        let nearly = u64::from(u32::MAX) - 9;
        let rates = look_every_second(&[nearly - 20, nearly - 20, nearly, nearly, 10, 10, 30]);
        assert_eq!(rates, [0.0, 0.0, 10.0, 10.0, 10.0, 10.0, 10.0]);
    }

    #[test]
    fn packets_near_32_bits_that_fall_together_with_bytes_were_reset() {
        let (start, mut meter) = (Instant::now(), Meter::default());
        let look = |in_packets, in_bytes| Some(Traffic { in_packets, in_bytes, ..Traffic::default() });
        meter.look(start, look(4_294_967_000, 1 << 40));
        meter.look(start + 2 * TICK, look(4_294_967_100, (1 << 40) + 5_000));
        assert!(meter.rates().in_packets_per_s > 0.0);
        meter.look(start + 4 * TICK, look(10, 500));
        assert_eq!(meter.rates(), Rates::default());
    }

    #[test]
    fn a_total_that_falls_was_reset_and_is_never_a_rate() {
        let rates = look_every_second(&[0, 0, 1_000, 1_000, 4, 4, 24]);
        assert_eq!(rates, [0.0, 0.0, 500.0, 500.0, 0.0, 0.0, 10.0]);
    }
}

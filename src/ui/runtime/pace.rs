//! How often the screen is drawn: as often as something changes, and seldom on a link that does not keep up.
//!
//! A write that was held up, or a terminal that has no room for the next picture, says that the terminal takes less than it is
//! sent. Then pictures of the same state are drawn
//! every two seconds, or every five; what an operator typed and what changed its state are drawn at once all the same. Nothing
//! is queued: what is drawn is the newest picture.

use std::time::{Duration, Instant};

/// A write that took longer was held up.
const HELD_UP: Duration = Duration::from_millis(100);
/// So many pictures in a row that were not held up bring the next faster step.
const CALM: u32 = 8;
/// Time between two pictures, and what is said of it.
const STEPS: [(Duration, Option<&str>); 3] = [
    (Duration::ZERO, None),
    (Duration::from_secs(2), Some("slow link, 0.5 Hz")),
    (Duration::from_secs(5), Some("slow link, 0.2 Hz")),
];

/// The step, and how it came to it.
#[derive(Debug, Default)]
pub struct Pace {
    step: usize,
    calm: u32,
    drawn_at: Option<Instant>,
}

impl Pace {
    /// How long the next picture has to wait; zero when it is urgent.
    pub fn wait(&self, now: Instant, urgent: bool) -> Duration {
        let (interval, _) = self.current();
        match self.drawn_at {
            Some(at) if !urgent => (at + interval).saturating_duration_since(now),
            Some(_) | None => Duration::ZERO,
        }
    }

    /// A picture was written. Gives whether the step has changed.
    pub fn drawn(&mut self, begun: Instant, ended: Instant) -> bool {
        self.drawn_at = Some(ended);
        let before = self.step;
        if ended.duration_since(begun) > HELD_UP {
            (self.step, self.calm) = ((self.step + 1).min(STEPS.len() - 1), 0);
        } else {
            self.calm += 1;
            if self.calm >= CALM {
                (self.step, self.calm) = (self.step.saturating_sub(1), 0);
            }
        }
        self.step != before
    }

    /// A picture was not written, since the terminal has no room for it: the next try is a step later. Gives whether the step
    /// has changed.
    pub fn put_off(&mut self, now: Instant) -> bool {
        let has_changed = self.drawn(now, now + HELD_UP * 2);
        self.drawn_at = Some(now);
        has_changed
    }

    /// What the footer says of it.
    pub fn said(&self) -> Option<&'static str> {
        self.current().1
    }

    fn current(&self) -> (Duration, Option<&'static str>) {
        STEPS.get(self.step).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_held_up_write_slows_down_step_by_step_and_calm_ones_speed_up_again() {
        let (start, mut pace) = (Instant::now(), Pace::default());
        assert_eq!(pace.wait(start, false), ms(0));
        assert!(!pace.drawn(start, start + ms(3)));
        assert_eq!((pace.wait(start, false), pace.said()), (ms(3), None));
        assert!(pace.drawn(start, start + ms(400)));
        assert_eq!((pace.wait(start + ms(400), false), pace.said()), (ms(2000), Some("slow link, 0.5 Hz")));
        pace.drawn(start, start + ms(400));
        pace.drawn(start, start + ms(400));
        assert_eq!((pace.wait(start + ms(400), false), pace.said()), (ms(5000), Some("slow link, 0.2 Hz")));
        assert_eq!(pace.wait(start + ms(400), true), ms(0), "what is urgent is drawn at once");
        for _ in 0..16 {
            pace.drawn(start, start + ms(3));
        }
        assert_eq!(pace.said(), None);
    }

    #[test]
    fn a_picture_that_has_no_room_is_put_off_and_not_queued() {
        let (start, mut pace) = (Instant::now(), Pace::default());
        assert!(pace.put_off(start));
        assert_eq!((pace.wait(start, false), pace.said()), (ms(2000), Some("slow link, 0.5 Hz")));
        assert!(pace.put_off(start + ms(2000)));
        assert_eq!(pace.wait(start + ms(2000), false), ms(5000));
        assert!(!pace.put_off(start + ms(7000)), "there is no slower step");
    }
}

//! Of which moment what is shown is, and how old that has become.
//!
//! Lines 1 and 2 come with every picture, rows and instances with those of the screens that show them. Where a screen comes back
//! before they were asked for anew, they are of an earlier moment: that is said, and their ages count to it.

use super::{Picture, UiState};
use std::time::{Duration, SystemTime};

impl UiState {
    /// Time that went by since the picture was taken; none goes by while it is frozen.
    pub fn picture_age(&self) -> Duration {
        self.age(|picture| picture.taken_at)
    }
    /// The same for the details.
    pub fn detail_age(&self) -> Duration {
        self.age(|picture| picture.detail_at)
    }
    /// What is shown of a silent engine does not go on.
    fn age(&self, taken: fn(&Picture) -> Duration) -> Duration {
        let picture = self.picture.as_ref().filter(|_| self.paused_at.is_none() && self.viewing.is_none());
        let until = self.lost.as_ref().map_or(self.clock, |lost| lost.since);
        picture.map_or(Duration::ZERO, |picture| until.saturating_sub(taken(picture)))
    }
    /// Now, on the engine's clock: ages are taken from it.
    pub fn engine_now(&self) -> Option<SystemTime> {
        self.summary().map(|s| s.now + self.picture_age())
    }
    /// Now, on the engine's clock, whichever moment is shown; the end of a recording.
    pub fn live_now(&self) -> Option<SystemTime> {
        if let Some((_, last)) = self.replay {
            return Some(last);
        }
        let (now, at) = self.live?;
        Some(now + self.clock.saturating_sub(at))
    }
    /// Whether a moment is shown that is made of what is remembered.
    pub fn is_rewound(&self) -> bool {
        self.summary().is_some_and(|summary| summary.is_rewound)
    }
    /// Until when events belong to what is shown; none: all do.
    pub fn until(&self) -> Option<SystemTime> {
        self.viewing.or(self.paused_at)
    }

    /// The moment of the rows, where it is another than that of lines 1 and 2.
    pub fn page_of(&self) -> Option<SystemTime> {
        self.picture.as_ref()?.page_of
    }
    /// The moment of the instances, where it is another.
    pub fn routers_of(&self) -> Option<SystemTime> {
        self.picture.as_ref()?.routers_of
    }
    /// The moment to which ages in rows count.
    pub fn rows_now(&self) -> Option<SystemTime> {
        self.page_of().or_else(|| self.engine_now())
    }
    /// The moment to which ages of instances count.
    pub fn routers_now(&self) -> Option<SystemTime> {
        self.routers_of().or_else(|| self.engine_now())
    }
    /// Time that went by since the instances were as they are shown.
    pub fn routers_age(&self) -> Duration {
        if self.routers_of().is_some() { Duration::ZERO } else { self.picture_age() }
    }
    /// Whether the instances are known.
    pub fn knows_routers(&self) -> bool {
        self.picture.as_ref().is_some_and(|picture| picture.polled.routers.is_some())
    }
    /// Why something is not shown yet.
    pub const fn unloaded(&self) -> &'static str {
        if self.paused_at.is_some() {
            "not loaded when the screen was frozen"
        } else if self.lost.is_some() {
            "not loaded before the engine fell silent"
        } else if self.replay.is_some() {
            "reading the recording"
        } else {
            "asking the engine"
        }
    }
}

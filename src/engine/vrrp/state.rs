//! The words of the state machine: what it is told, what it wants done, and its states with their deadlines.

use super::reason::TransitionReason as Reason;
use super::timers::usable_interval;
use crate::engine::model::{
    AdvertInterval, AdvertisedPriority, GratuitousArp, Priority, Variations, VirtualRouter, VrrpVersion,
};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What the configuration says about the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// Protocol version.
    pub version: VrrpVersion,
    /// Priority that counts; 255 is the address owner.
    pub priority: Priority,
    /// Own interval, as the version can carry it.
    pub interval: AdvertInterval,
    /// Whether a master of lower priority is replaced; the owner always does.
    pub preempt: bool,
    /// How long a master of lower priority is left in peace at first.
    pub preempt_delay: Duration,
    /// Rounds of gratuitous ARP.
    pub garp: GratuitousArp,
    /// Words that vary the protocol.
    pub variations: Variations,
}

impl From<&VirtualRouter> for Parameters {
    fn from(router: &VirtualRouter) -> Self {
        Self {
            version: router.version,
            priority: router.priority,
            interval: usable_interval(router.version, router.advert_interval),
            preempt: router.preempt,
            preempt_delay: router.preempt_delay,
            garp: router.garp,
            variations: router.variations,
        }
    }
}

/// A valid advertisement of another router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// IP source.
    pub source: IpAddr,
    /// Its priority.
    pub priority: AdvertisedPriority,
    /// Its interval.
    pub interval: AdvertInterval,
}

/// Something that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Start, or as a backup: wait anew as after a start.
    Startup,
    /// A valid advertisement of another router.
    Heard(Heard),
    /// A deadline may have passed.
    Timeout,
    /// Give mastership up and listen.
    StepDown {
        /// How long to wait for another master before taking it back; the master down interval when absent.
        wait: Option<Duration>,
        /// Why.
        reason: Reason,
    },
    /// Become master now: the sync group agrees.
    TakeOver,
    /// Become master at once, whatever was heard: it was master a moment ago, or somebody commands it.
    Claim(Reason),
    /// It can't work any more, for this reason.
    Fail(Reason),
    /// Stop.
    Shutdown,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send an advertisement with this priority.
    Advertise(AdvertisedPriority),
    /// Send one with the own priority and this interval: backups shall wait no longer than that.
    Hasten(AdvertInterval),
    /// Put the virtual addresses on.
    Acquire,
    /// Announce every virtual address this many times, interleaved.
    Announce(u32),
    /// Take the virtual addresses off.
    Release,
    /// The state changed.
    Entered {
        /// Before.
        from: State,
        /// Why.
        reason: Reason,
    },
}

/// The state with its deadlines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Not started.
    Initialize,
    /// Listening.
    Backup {
        /// `Master_Down_Timer`.
        master_down_at: Instant,
        /// `Master_Adver_Interval`: learned in version 3, the own one in version 2.
        master_interval: AdvertInterval,
        /// Whether a master of lower priority is being replaced.
        preemption: Preemption,
        /// What the end of the timer will mean.
        expiry: Reason,
        /// The timer has ended, and the sync group has not agreed yet.
        willing: bool,
    },
    /// Advertising.
    Master {
        /// `Adver_Timer`.
        advertise_at: Instant,
        /// The next round of gratuitous ARP.
        announcement: Option<Announcement>,
        /// Losing advertisements are not answered before.
        answer_from: Instant,
        /// Nor with announcements before this: the link has just been told.
        announce_from: Instant,
    },
    /// Can't work.
    Fault,
}

/// A round of gratuitous ARP to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announcement {
    /// When.
    pub at: Instant,
    /// How many for each address.
    pub count: u32,
}

/// Where a backup stands towards a master of lower priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preemption {
    /// None was heard.
    Unneeded,
    /// One was heard and is left in peace until then (`preempt_delay`).
    DelayedUntil(Instant),
    /// It is not listened to any more.
    Due,
}

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// `Master_Down_Timer`.
    MasterDown,
    /// End of `preempt_delay`.
    PreemptDelay,
    /// `Adver_Timer`.
    Advertise,
    /// Next round of gratuitous ARP.
    Announce,
}

//! The protocol, pure (layer 1): packets, the receive ladder, timers, the state machine, announcements.
//!
//! Bytes and instants come in, values go out. Nothing here reads a clock, sends, logs, or knows an interface. IPv4 with
//! versions 2 and 3, IPv6 with version 3, multicast and unicast.

mod ah;
mod announce;
mod bytes;
mod checksum;
mod instance;
mod overhear;
mod packet;
mod process;
mod reason;
mod reconfigure;
mod state;
mod sync_group;
#[cfg(test)]
mod tests;
mod timers;
mod track;
mod validate;

pub use ah::{AH_PROTOCOL, AuthenticationHeader, seal};
pub use announce::{Claim, announced, announcement, claim, probe};
pub use bytes::{SHOWN, shown};
pub use checksum::ChecksumForm;
pub use instance::Instance;
pub use overhear::{Overheard, overhear};
pub use packet::{Advertisement, IpPacket, PROTOCOL};
pub use process::{Quorum, matches, needs_arguments};
pub use reason::TransitionReason;
pub use state::{Action, Announcement, Deadline, Heard, Input, Parameters, Preemption, State};
pub use sync_group::{Standing, Step, step};
pub use timers::{master_down_interval, skew_time, usable_interval};
pub use track::{Tracked, Tracker, effective_priority, is_fault, weighed_sum};
pub use validate::{Check, DecodeError, Expected, Received, Sender, receive, sender};

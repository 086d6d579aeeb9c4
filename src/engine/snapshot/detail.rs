//! What is known of one instance beside its state: how its advertisements travel, what was announced, who was refused and
//! with which bytes, how regular a peer is, and what would happen if.

use super::{VirtualRouterStatus, rfc3339};
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

impl VirtualRouterStatus {
    /// Whether all that holds it is the priority that an operator set: it takes part, and leads by that or does not.
    pub fn is_held_by_priority(&self) -> bool {
        self.priority_by.as_deref().zip(self.held.as_deref()).is_some_and(|(by, held)| held.starts_with(by))
    }
}

/// More of one instance: `detail` of a virtual router.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterDetail {
    /// `multicast` or `unicast`.
    pub transport: String,
    /// Where advertisements go: the group, or every peer.
    pub destinations: Vec<String>,
    /// The address that they come from; none while there is none.
    pub source: Option<String>,
    /// The last rounds of gratuitous ARP or neighbour advertisements, oldest first, at most 16.
    pub announcements: Vec<AnnouncementStatus>,
    /// Another master, while there is one.
    pub split_brain: Option<SplitBrainStatus>,
    /// What would happen if; computed from what was heard.
    pub what_if: Vec<WhatIf>,
    /// What it tracks, and how that counts now.
    #[serde(default)]
    pub tracked: Vec<TrackedStatus>,
    /// Routes and rules that are there while it is master, as `ip` has them.
    #[serde(default)]
    pub routing: Vec<String>,
    /// Those of them that are there now.
    #[serde(default)]
    pub routing_here: Vec<String>,
}

/// Something that is tracked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackedStatus {
    /// `script`, `process`, `file` or `interface`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it does to the priority; 0: failure is FAULT.
    pub weight: i32,
    /// The other way round.
    pub reverse: bool,
    /// `up`, `down`, `unanswered`, `left-out`, or a file's number.
    pub state: String,
    /// What was seen last; may be empty.
    pub said: String,
}

/// One round of announcements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncementStatus {
    /// When.
    #[serde(with = "rfc3339")]
    pub at: SystemTime,
    /// Of how many addresses.
    pub addresses: u64,
    /// How often each.
    pub repeat: u64,
}

/// Two masters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitBrainStatus {
    /// The others, by address; by MAC address where they are known by their answer to ARP alone.
    pub with: Vec<String>,
    /// The likely cause, a stable word: `not-heard-by-peer`, `authentication`, `interval`, `version`, `destination`,
    /// `checksum`, `refused`, `stood-still`, `address-answered`; of a moment of the past `told`: the sentence is that of the event.
    pub cause: String,
    /// The same in a sentence.
    pub evidence: String,
}

/// One question and its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhatIf {
    /// If this happens.
    pub event: String,
    /// Who becomes master then: an address or `this node`; none: nobody that is known.
    pub new_master: Option<String>,
    /// After how many milliseconds.
    pub in_ms: Option<u64>,
    /// More about it; may be empty.
    pub note: String,
    /// What is taken for granted.
    pub assumes: Vec<String>,
}

/// More of another router: `detail` of a peer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerDetail {
    /// Its advertisement interval as it says, milliseconds; none before an accepted advertisement.
    pub interval_ms: Option<u64>,
    /// Its form of checksum: `pseudo-header` or `message-only`.
    pub checksum: Option<String>,
    /// The last advertisement of its with a priority above 0 that counted: who is refused decides nothing.
    #[serde(default)]
    pub accepted: Option<AcceptedPriority>,
    /// How regular its advertisements are; none before the third.
    pub jitter: Option<Jitter>,
    /// The last advertisement of its that was refused, also when later ones were accepted.
    pub refused: Option<RefusedPacket>,
    /// When its host last answered ARP; none where it was not asked (by a master, in IPv4, on its own link) or never answered.
    #[serde(default, with = "rfc3339::option")]
    pub answered_at: Option<SystemTime>,
}

/// A priority that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedPriority {
    /// The priority.
    pub priority: u8,
    /// When it was advertised.
    #[serde(with = "rfc3339")]
    pub at: SystemTime,
}

/// The gaps between the last advertisements of a peer (at most 32), microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jitter {
    /// Of how many gaps.
    pub gaps: u64,
    /// Smallest.
    pub min_us: u64,
    /// Mean.
    pub mean_us: u64,
    /// Largest.
    pub max_us: u64,
}

/// A refused packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedPacket {
    /// When it came.
    #[serde(with = "rfc3339")]
    pub at: SystemTime,
    /// Why it was refused.
    pub reason: String,
    /// The packet from the IP header on, two hexadecimal digits a byte, with spaces between; at most 160 bytes. Bytes of a
    /// password are `**`.
    pub bytes: String,
    /// How long it was.
    pub length: u64,
}

/// When the kernel's entry of a real server last changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelChange {
    /// When; of another program's change, when it was seen.
    #[serde(with = "rfc3339")]
    pub since: SystemTime,
    /// `lvsdeck`, or `another program`.
    pub who: String,
}

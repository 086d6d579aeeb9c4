//! The view of everything (layer 2): what the cores publish and every front shows, in the JSON of `docs/api.md`.
//!
//! [`Status`] is the whole; [`Summary`] and [`RowsPage`] are computed from it on request, so that a client pays for what
//! it shows.

mod detail;
mod drain;
mod facts;
mod filter;
mod foreign;
mod host;
mod kernel;
mod page;
mod rows;
mod slow_start;
mod summary;
mod traffic;
mod wall;

pub use detail::{
    AcceptedPriority, AnnouncementStatus, Jitter, KernelChange, PeerDetail, RefusedPacket, RouterDetail,
    SplitBrainStatus, TrackedStatus, WhatIf,
};
pub use drain::{DrainStatus, OverrideStatus};
pub use filter::filter_error;
pub use foreign::{ForeignCounters, ForeignRouter};
pub use host::{HostLoad, InterfaceCounters, InterfaceLoad, InterfaceRates};
pub use kernel::IpvsTotals;
pub use rows::{Row, RowKind, RowsPage, RowsQuery, Sort};
pub use slow_start::SlowStartStatus;
pub use summary::{Problem, Summary, Totals};
pub use traffic::{Counters, Rates};
pub use wall::{Moment, rfc3339};

use super::model::{Family, Forwarding, RealServerKey, Scheduler, Seldom, ServiceKey};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::SystemTime;

/// Everything: `GET /v1/status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Version of this document, 1.
    pub version: u32,
    /// This node's name: `router_id`, or the host name.
    pub node: String,
    /// The engine's process.
    pub pid: u32,
    /// `run`, `watch`, `demo` or `replay`.
    pub mode: String,
    /// `kernel` or `userspace`.
    pub dataplane: String,
    /// Which configuration runs.
    pub config: ConfigStatus,
    /// All instances in a word.
    pub role: Role,
    /// Number of the newest event.
    pub last_event: u64,
    /// When a state last changed.
    #[serde(with = "rfc3339::option")]
    pub changed_at: Option<SystemTime>,
    /// Every instance, in file order.
    pub virtual_routers: Vec<VirtualRouterStatus>,
    /// Virtual routers of others that are heard on interfaces of ours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_routers: Vec<ForeignRouter>,
    /// Every service, in file order; foreign ones are in `foreign`.
    pub virtual_servers: Vec<Arc<VirtualServerStatus>>,
    /// What the kernel counts in all; none where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipvs: Option<IpvsTotals>,
    /// Where kernel and wish differ.
    pub drift: Vec<Drift>,
    /// Services in the kernel that are not lvsdeck's.
    pub foreign: Vec<Foreign>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

/// Which configuration runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigStatus {
    /// The file.
    pub file: String,
    /// When it was loaded.
    #[serde(with = "rfc3339")]
    pub loaded_at: SystemTime,
    /// Counts loads from 1.
    pub generation: u64,
}

/// All instances in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum Role {
    /// Master of every instance.
    Master,
    /// Backup of every instance.
    Backup,
    /// Every instance is in FAULT.
    Fault,
    /// Some of each.
    Mixed,
    /// Not decided yet, or no instance at all.
    Init,
    /// Somebody else is master of an instance of which this node is master.
    SplitBrain,
}

/// State of one instance, in operators' words (RFC 9568 says Active for Master).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum VirtualRouterState {
    /// Not started.
    Init,
    /// Listening.
    Backup,
    /// Advertising and holding the addresses.
    Master,
    /// Can't work; the reason says why.
    Fault,
}

impl VirtualRouterState {
    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::Backup => "BACKUP",
            Self::Master => "MASTER",
            Self::Fault => "FAULT",
        }
    }
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VirtualRouterStatus {
    /// Its name.
    pub name: String,
    /// Its interface.
    pub interface: String,
    /// Its family.
    pub family: Family,
    /// VRID.
    pub vrid: u8,
    /// Protocol version, 2 or 3.
    pub version: u8,
    /// Its state.
    pub state: VirtualRouterState,
    /// Priority in the file.
    pub priority: u8,
    /// Priority that counts now.
    pub effective_priority: u8,
    /// Advertisement interval in use, milliseconds.
    pub advert_interval_ms: u64,
    /// Whether it takes over from a lower priority.
    pub preempt: bool,
    /// Since when it is in this state.
    #[serde(with = "rfc3339")]
    pub since: SystemTime,
    /// Why it came into this state.
    pub reason: String,
    /// Held back by `failover`: no take-over until then (or until `rejoin`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// The priority that an operator set in place of `priority`; none when it is the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_set: Option<u8>,
    /// Who set it, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_by: Option<String>,
    /// Virtual addresses, `address/prefix`.
    pub addresses: Vec<String>,
    /// Which of them are on an interface of this host.
    pub addresses_here: Vec<String>,
    /// What it waits for.
    pub next: Option<NextStep>,
    /// Other routers that were heard with this VRID.
    pub peers: Vec<PeerStatus>,
    /// Counters by name, in a fixed order.
    pub counters: VrrpCounters,
    /// The last state changes, oldest first (at most 64): when and into which state.
    pub history: Vec<StateChange>,
    /// More of it.
    #[serde(default)]
    pub detail: RouterDetail,
}

/// A deadline that a core waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextStep {
    /// What happens then: `advertise`, `master down`, `preempt delay`, …
    pub waiting: String,
    /// Milliseconds from the moment of this snapshot; never below 0.
    pub in_ms: u64,
}

/// One change of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChange {
    /// When.
    #[serde(with = "rfc3339")]
    pub at: SystemTime,
    /// Into which state.
    pub state: VirtualRouterState,
    /// Why.
    pub reason: String,
}

/// What is known of another router: only what was heard or configured, never a guess.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Source address.
    pub address: String,
    /// `heard` or `configured`.
    pub source: String,
    /// When it was last heard.
    #[serde(with = "rfc3339::option")]
    pub last_heard_at: Option<SystemTime>,
    /// With which priority (0: it resigned).
    pub last_priority: Option<u8>,
    /// What follows from that.
    pub state: PeerState,
    /// Whether ARP or ICMP answers; none when unknown.
    pub reachable: Option<bool>,
    /// Why its last advertisement was refused.
    pub rejected: Option<String>,
    /// More of it.
    #[serde(default)]
    pub detail: PeerDetail,
}

/// What is known of a peer. A backup is silent, so BACKUP is never said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PeerState {
    /// It advertises now.
    Master,
    /// It was heard, and is not any more.
    Silent,
    /// It is configured and was never heard.
    Never,
}

/// Counters of one instance, since start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VrrpCounters {
    /// Advertisements accepted.
    pub adverts_rx: u64,
    /// Advertisements sent.
    pub adverts_tx: u64,
    /// Resignations heard.
    pub priority_zero_rx: u64,
    /// Resignations sent.
    pub priority_zero_tx: u64,
    /// Gratuitous ARPs sent.
    pub garp_tx: u64,
    /// Times it became master.
    pub became_master: u64,
    /// Times it gave mastership up.
    pub released_master: u64,
    /// Refused: shorter than its fields say, or garbage.
    pub rejected_length: u64,
    /// Refused: not sent to the multicast group.
    #[serde(default)]
    pub rejected_destination: u64,
    /// Refused: TTL or hop limit not 255.
    pub rejected_ttl: u64,
    /// Refused: another version.
    pub rejected_version: u64,
    /// Refused: not an advertisement.
    pub rejected_type: u64,
    /// Refused: checksum.
    pub rejected_checksum: u64,
    /// Refused: another authentication type.
    pub rejected_auth_type: u64,
    /// Refused: another password.
    pub rejected_auth: u64,
    /// Refused: another interval (version 2), or none (version 3).
    pub rejected_interval: u64,
    /// Refused: no address in it.
    pub rejected_count: u64,
    /// Refused: no address in common with ours.
    #[serde(default)]
    pub rejected_addresses: u64,
    /// Own packets that came back.
    pub own_rx: u64,
    /// Accepted with another list of addresses.
    pub address_mismatch: u64,
}

/// What checks say of a real server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// All checks pass, or there are none.
    Up,
    /// A check failed often enough.
    Down,
    /// Not checked yet.
    Unknown,
}

/// What the operator wants of a real server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Admin {
    /// In service.
    Enabled,
    /// Weight 0 until `restore`.
    Draining,
    /// Weight 0 and not checked until `restore`.
    Maintenance,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VirtualServerStatus {
    /// What the kernel knows it by.
    pub key: ServiceKey,
    /// Its configured name.
    pub name: Option<String>,
    /// Scheduler.
    pub scheduler: Scheduler,
    /// Forwarding of servers that say nothing else.
    pub forward: Forwarding,
    /// Persistence timeout, seconds.
    pub persistence: Option<u32>,
    /// Quorum in weight.
    pub quorum: QuorumStatus,
    /// Whether the sorry server serves.
    pub sorry_server_active: bool,
    /// The one that serves, and how busy it is; none while none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sorry_server: Option<SorryServerStatus>,
    /// Whether the kernel has the service.
    pub in_kernel: bool,
    /// Since start of the kernel's service.
    pub counters: Counters,
    /// A second.
    pub rates: Rates,
    /// In file order, added ones last.
    pub real_servers: Vec<RealServerStatus>,
}

/// A sorry server that serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SorryServerStatus {
    /// Address and port.
    pub key: RealServerKey,
    /// Active connections.
    pub active: u32,
    /// Inactive connections.
    pub inactive: u32,
}

/// Quorum in weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuorumStatus {
    /// Weight needed.
    pub need: u32,
    /// Weight of the servers that are up.
    pub have: u32,
    /// Whether it is reached.
    pub up: bool,
}

/// One real server in one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RealServerStatus {
    /// Address and port.
    pub key: RealServerKey,
    /// Forwarding wanted.
    pub forward: Forwarding,
    /// Weight that lvsdeck wants in the kernel now.
    pub weight: u32,
    /// Weight in the file, or given when it was added.
    pub configured_weight: u32,
    /// What checks say.
    pub health: Health,
    /// Since when.
    #[serde(with = "rfc3339")]
    pub health_since: SystemTime,
    /// What the operator wants.
    pub admin: Admin,
    /// Whether it is not in the file (made by `add-server`).
    pub added: bool,
    /// Who wants it otherwise than the file, or added it; none where it is as in the file.
    #[serde(default, rename = "override", skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Box<OverrideStatus>>,
    /// How its drain or maintenance goes; none while it is enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<Box<DrainStatus>>,
    /// Why it has a part of its weight; none where it has all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_start: Option<Box<SlowStartStatus>>,
    /// What the kernel has; none where the server is not in the table.
    pub kernel: Option<KernelServer>,
    /// Since when it is so and who made it so; none where it is as the engine's start made or found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_changed: Option<Box<KernelChange>>,
    /// Active connections.
    pub active: u32,
    /// Inactive connections.
    pub inactive: u32,
    /// Persistence templates.
    pub persistent: u32,
    /// `ha_suspend`: its checks do not run while the address of its service is not on this host; they say what they said before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
    /// Its checks.
    pub checks: Vec<CheckStatus>,
    /// Since the server joined the table.
    pub counters: Seldom<Counters>,
    /// A second.
    pub rates: Seldom<Rates>,
}

impl RealServerStatus {
    /// The weight that the operator wants it to have while it serves: the file's where nobody gave another.
    pub fn wanted_weight(&self) -> u32 {
        let overridden = self.overridden.as_ref().map(|by| by.weight);
        overridden.or_else(|| Some(self.drain.as_ref()?.weight)).unwrap_or(self.configured_weight)
    }
}

/// What the kernel has of a real server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelServer {
    /// Weight.
    pub weight: u32,
    /// Forwarding.
    pub forward: Forwarding,
}

/// One check of a real server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckStatus {
    /// keepalived's word, `TCP_CHECK`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it goes, `10.0.0.71:80`.
    pub target: String,
    /// The verdict; none before the first, and while this host can't run the check.
    pub ok: Option<bool>,
    /// How many failures in a row of how many that decide, `(1, 3)`; (0, n) while it passes.
    pub failures: (u32, u32),
    /// How long the last one took.
    pub latency_ms: Option<f64>,
    /// When the last one ended.
    #[serde(with = "rfc3339::option")]
    pub at: Option<SystemTime>,
    /// Why the last one failed, or could not be run.
    pub error: Option<String>,
    /// When the next one starts; none while one runs, and while they are suspended.
    pub next_in_ms: Option<u64>,
}

/// A difference between wish and kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The object, `VS` or `VS RS`.
    pub subject: String,
    /// What is wanted.
    pub wanted: String,
    /// What was found.
    pub found: String,
    /// What lvsdeck does: `repaired`, `reported`, or `refused: REASON`.
    pub action: String,
}

/// A service that is not lvsdeck's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreign {
    /// Its key.
    pub key: ServiceKey,
    /// Its scheduler.
    pub scheduler: String,
    /// How many real servers it has.
    pub real_servers: usize,
}

/// Code of the warning that stands after a reload was refused, until one is not.
pub const RELOAD_REFUSED: &str = "reload-refused";

/// What the operator should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// A stable word.
    pub code: String,
    /// What it is about.
    pub subject: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub next: String,
}

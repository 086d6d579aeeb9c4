//! All virtual servers as one value (layer 3): `handle(now, Input)`, then `poll_action` until empty, then
//! `poll_timeout`.
//!
//! Health → weights → wanted table → plan. Never reads a clock, never blocks, never does anything itself.
//!
//! | module | what it is |
//! |---|---|
//! | `core` | [`Balance`]: inputs in, actions out |
//! | `service`, `server`, `wish` | one service; its servers; what is known of them beside their checks |
//! | `checks`, `check` | all checks, and which is due next |
//! | `verdict` | what checks say, and what follows for the servers that asked |
//! | `reconcile` | the kernel's table, wanted and seen, and the way from one to the other |
//! | `ask`, `resolve`, `sentence` | commands: doing them, who is meant, what is said |
//! | `preview`, `undo`, `ipvsadm` | what a command would do, how it is taken back, both in ipvsadm's words too |
//! | `slow_start` | who comes back gets its weight in steps |
//! | `floor` | the share of a service's servers that stays in service |
//! | `virtual_service`, `addition` | the commands that add and remove whole services |
//! | `deadline` | drains and maintenances that end by themselves; checks that stop and start with them |
//! | `resume` | the start on a table that is there already |
//! | `notices` | what scripts and FIFOs are told |
//! | `reload`, `merge`, `reloaded` | from one configuration to the next; one service's part of it; what is said of it |
//! | `overrides`, `lasting` | what operators want beside the file; how it outlasts the engine |
//! | `suspension` | services whose address is elsewhere are not checked |
//! | `status`, `rates`, `counting`, `warnings` | what the fronts show |

mod addition;
mod ask;
mod check;
mod checks;
mod core;
mod counting;
mod deadline;
mod floor;
mod foresight;
mod ipvsadm;
mod lasting;
mod merge;
mod notices;
mod overrides;
mod overtaken;
mod preview;
mod rates;
mod reconcile;
mod reload;
mod reloaded;
mod resolve;
mod resume;
mod sentence;
mod server;
mod service;
mod siblings;
mod slow_start;
mod status;
mod suspension;
mod undo;
mod verdict;
mod virtual_service;
mod warnings;
mod wish;

pub use self::core::Balance;
pub use self::foresight::{Foresight, Leaving, Overtaking};
pub use self::notices::Notice;
pub use self::overrides::{AddedServer, AddedService, AdminWish, By, Presence, ServerOverride, ServiceOverrides};
pub use self::rates::{Meter, counters};
pub use self::reloaded::{objection, unproven};
pub use self::wish::DrainEnd;

use crate::engine::command::{Answer, Asked};
use crate::engine::event::Fact;
use crate::engine::health::Verdict;
use crate::engine::ipvs::{IpvsOp, IpvsTable, LiveTotals, Refusal};
use crate::engine::model::{CheckSpec, Configuration, RealServerKey, ServiceKey};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

/// Why the dataplane can't do an operation, as far as that is known before it is tried.
pub type Limit = fn(&IpvsOp) -> Option<String>;

/// Names one running check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckId(pub u64);

/// Something that came in.
#[derive(Debug, Clone)]
pub enum Input {
    /// Begin: the kernel's table is read first, probes start by their deadlines whether that succeeds or not.
    Start,
    /// A probe ended.
    Verdict {
        /// Which check.
        check: CheckId,
        /// How it ended.
        verdict: Verdict,
    },
    /// A probe has to wait for its turn.
    Waits {
        /// Of which check.
        check: CheckId,
    },
    /// The kernel's whole table, or why it can't be read.
    Observed(Result<Box<IpvsTable>, Refusal>),
    /// The addresses that are on this host now: wanted while [`Balance::needs_addresses`], before [`Input::Start`] for the first time.
    HostAddresses(HashSet<IpAddr>),
    /// What the kernel counts in all; comes before the table of the same look.
    Counted(LiveTotals),
    /// An operation ended.
    Applied {
        /// Which.
        op: Box<IpvsOp>,
        /// How.
        result: Result<(), Refusal>,
    },
    /// An operation was given up before it was tried, since the loop stops.
    NotApplied,
    /// Somebody asks; exactly one [`Action::Answer`] with this id follows.
    Command(Box<Asked>),
    /// A deadline may have passed.
    Timeout,
    /// From now on run this configuration: what it does not change goes on untouched. Exactly one [`Action::Reloaded`]
    /// follows; after several reloads in a row they follow together, when the newest is done. Ask [`objection`] first.
    Reload(Arc<Configuration>),
    /// Stop probes, remove what was made.
    Shutdown {
        /// Leave the table as it is, for the next start to go on with.
        keep: bool,
    },
}

/// Something to do, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Run a check once; exactly one verdict follows unless it is cancelled.
    Probe {
        /// Which.
        check: CheckId,
        /// How.
        spec: Arc<CheckSpec>,
    },
    /// Forget a running check.
    CancelProbe {
        /// Which.
        check: CheckId,
    },
    /// Read the kernel's table; exactly one `Observed` follows.
    Observe,
    /// Change the kernel's table, by one operation after the other, in this order; exactly one `Applied` or `NotApplied` follows for each
    /// of them.
    Apply(Vec<IpvsOp>),
    /// Write down, before it is made, what this engine owns in the kernel.
    Remember(Vec<OwnedService>),
    /// Write down, for the next start, everything that operators want beside the file: in place of what was given before.
    Overrides(Vec<ServiceOverrides>),
    /// Tell the journal.
    Report(Fact),
    /// Tell scripts and FIFOs.
    Notify(Box<Notice>),
    /// Answer a command.
    Answer {
        /// Of the command.
        id: u64,
        /// Its answer.
        answer: Box<Answer>,
    },
    /// The kernel has all that the newest [`Input::Reload`] wants; the text says what it refused before already, and is empty as a
    /// rule. Errors: what it refused since (it is tried again).
    Reloaded(Result<String, String>),
}

/// What [`Balance::poll_timeout`] waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// The next look at the kernel's table.
    Look,
    /// The next check.
    Check,
    /// A further try of a check that failed.
    Retry,
    /// A run that is out for too long.
    Lost,
    /// The next step of a slow start.
    SlowStart,
    /// The end of a drain that has a deadline, or of a maintenance.
    DrainEnd,
}

/// A service that lvsdeck made, with the destinations it put there: survives a crash in the state directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OwnedService {
    /// The service.
    pub key: ServiceKey,
    /// Its destinations.
    pub servers: Vec<RealServerKey>,
}

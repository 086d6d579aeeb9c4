//! What the failover core waits for, in words for the console.

use crate::engine::vrrp::Deadline;

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waiting {
    /// A backup's timer: no master was heard until then.
    MasterDown,
    /// A master of lower priority is left in peace until then.
    PreemptDelay,
    /// A master's next advertisement.
    Advertise,
    /// A master's next round of gratuitous ARP.
    Announce,
    /// After a `failover` command: another master should be heard before.
    TakeOver,
    /// After a `takeover` command: the other master should be silent until then.
    Yield,
    /// A hold ends.
    HoldEnds,
    /// A virtual address that somebody removed is put back.
    Restore,
    /// A second master was heard: quiet until then means it is gone.
    SplitBrainEnds,
    /// Another master counts as silent from then on.
    PeerSilent,
    /// A warning about a router that is silent by then is forgotten.
    WarningEnds,
    /// What has lasted until then is worth a warning.
    WarningBegins,
    /// A group could not be joined; it is tried again.
    Join,
    /// Instances start then.
    StartupDelay,
    /// What was master before a restart listens for another master.
    Resume,
    /// While stopping: the kernel has not confirmed yet that the virtual addresses are gone.
    AddressesGone,
}

impl Waiting {
    /// The words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MasterDown => "master down",
            Self::PreemptDelay => "preempt delay",
            Self::Advertise => "advertise",
            Self::Announce => "gratuitous arp",
            Self::TakeOver => "take-over by another router",
            Self::Yield => "yielding of the other master",
            Self::HoldEnds => "end of hold",
            Self::Restore => "restore address",
            Self::SplitBrainEnds => "end of split brain",
            Self::PeerSilent => "silence of another master",
            Self::WarningEnds => "end of warning",
            Self::WarningBegins => "begin of warning",
            Self::Join => "join the group",
            Self::StartupDelay => "startup delay",
            Self::Resume => "resumption",
            Self::AddressesGone => "removal of addresses",
        }
    }
}

impl From<Deadline> for Waiting {
    fn from(deadline: Deadline) -> Self {
        match deadline {
            Deadline::MasterDown => Self::MasterDown,
            Deadline::PreemptDelay => Self::PreemptDelay,
            Deadline::Advertise => Self::Advertise,
            Deadline::Announce => Self::Announce,
        }
    }
}

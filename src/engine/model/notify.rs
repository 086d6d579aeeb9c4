//! Who is told of changes: scripts that run on a change, and FIFOs that have a line written.

use super::script::ScriptUser;
use serde::Serialize;

/// A command that is run when something changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotifyCommand {
    /// The program and its arguments. Never empty.
    pub command: Vec<String>,
    /// Who runs it; `script_user` when absent.
    pub user: Option<ScriptUser>,
}

/// The `notify*` words of an instance or a sync group.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Notifications {
    /// `notify`: on every change of state, after the script of that state, with TYPE, NAME, STATE and PRIORITY behind
    /// its own arguments.
    pub any: Option<NotifyCommand>,
    /// `notify_master`.
    pub master: Option<NotifyCommand>,
    /// `notify_backup`.
    pub backup: Option<NotifyCommand>,
    /// `notify_fault`.
    pub fault: Option<NotifyCommand>,
    /// `notify_stop`.
    pub stop: Option<NotifyCommand>,
    /// `notify_deleted`: an instance that a reload takes away ends as DELETED, not as FAULT.
    pub tells_deleted: bool,
    /// The script behind `notify_deleted`.
    pub deleted: Option<NotifyCommand>,
    /// `notify_master_rx_lower_pri`: a master heard an advertisement that loses.
    pub master_rx_lower_pri: Option<NotifyCommand>,
    /// `notify_priority_changes`: FIFOs are told of priorities too.
    pub priority_changes: bool,
    /// `smtp_alert`: a state is mailed.
    pub mails: bool,
    /// `no_email_faults`: but for FAULT.
    pub quiet_faults: bool,
}

/// The scripts of a service (`quorum_up`, `quorum_down`) or of a real server (`notify_up`, `notify_down`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct EdgeCommands {
    /// Run when it comes up.
    pub up: Option<NotifyCommand>,
    /// Run when it goes down.
    pub down: Option<NotifyCommand>,
}

/// A FIFO that has a line written for each change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotifyFifo {
    /// Its path.
    pub path: String,
    /// Whom it belongs to when lvsdeck makes it; who runs the script when absent.
    pub owner: Option<ScriptUser>,
}

/// A FIFO and the script that is run beside it, with the FIFO's path behind its own arguments.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct FifoWords {
    /// The FIFO; without one the script is not run.
    pub fifo: Option<NotifyFifo>,
    /// The script.
    pub script: Option<NotifyCommand>,
}

/// The FIFOs of `global_defs`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Fifos {
    /// `notify_fifo`, `notify_fifo_script`: whatever changes.
    pub all: FifoWords,
    /// `vrrp_notify_fifo`, `vrrp_notify_fifo_script`: instances and sync groups.
    pub vrrp: FifoWords,
    /// `lvs_notify_fifo`, `lvs_notify_fifo_script`: services and real servers.
    pub lvs: FifoWords,
    /// `fifo_write_vrrp_states_on_reload`.
    pub states_on_reload: bool,
}

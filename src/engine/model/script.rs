//! Scripts whose results count for virtual routers, and the user that scripts run as.

use serde::Serialize;
use std::time::Duration;

/// A `vrrp_script`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VrrpScript {
    /// Its name.
    pub name: String,
    /// The command: a path, or a name that is looked for in `PATH`, and its arguments. Never empty.
    pub command: Vec<String>,
    /// `interval`, 1 s by default.
    #[serde(serialize_with = "super::dump::seconds")]
    pub interval: Duration,
    /// `timeout`; the interval when absent.
    #[serde(serialize_with = "super::dump::maybe_seconds")]
    pub timeout: Option<Duration>,
    /// `weight`, 0 by default: failure is FAULT.
    pub weight: i16,
    /// `reverse` behind `weight`: success counts as failure and failure as success.
    pub reverse: bool,
    /// `rise`, 1 by default.
    pub rise: u32,
    /// `fall`, 1 by default.
    pub fall: u32,
    /// `init_fail`: until it has run for the first time it counts as failed.
    pub init_fail: bool,
    /// `user`; that of `global_defs` when absent.
    pub user: Option<ScriptUser>,
}

impl VrrpScript {
    /// How long a run may take.
    pub fn time_limit(&self) -> Duration {
        self.timeout.unwrap_or(self.interval)
    }
}

/// `script_user`, or `user` of a script.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ScriptUser {
    /// The user's name.
    pub user: String,
    /// The group's name; the user's own when absent.
    pub group: Option<String>,
}

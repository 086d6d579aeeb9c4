//! Why a server that is up has a part of its weight.

use super::rfc3339;
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// A server that came back and gets its weight in steps (`servers.slow_start`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowStartStatus {
    /// The weight that it is to have.
    pub weight: u32,
    /// Since when it serves again.
    #[serde(with = "rfc3339")]
    pub since: SystemTime,
    /// When it has all of its weight.
    #[serde(with = "rfc3339")]
    pub full_at: SystemTime,
}

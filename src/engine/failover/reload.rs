//! From one configuration to the next while everything runs.

use super::core::Failover;
use crate::engine::model::Configuration;
use std::time::Instant;

impl Failover {
    /// Runs `configuration` from now on.
    pub(super) fn reload(&mut self, _now: Instant, _configuration: &Configuration) {
        self.survey();
    }
}

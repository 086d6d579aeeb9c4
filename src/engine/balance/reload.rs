//! From one configuration to the next while everything runs.

use super::Action;
use super::core::Balance;
use crate::engine::model::Configuration;
use std::time::Instant;

impl Balance {
    /// Runs `configuration` from now on.
    pub(super) fn reload(&mut self, _now: Instant, _configuration: &Configuration) {
        self.actions.push_back(Action::Reloaded(Err("not built yet".to_owned())));
    }
}

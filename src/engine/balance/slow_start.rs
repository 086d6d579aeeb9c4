//! `servers.slow_start`: who comes back gets its weight in steps.
//!
//! It begins when a server serves again after its checks failed, or after maintenance; not for who is new, and not while the sorry
//! server serves in its place. At the engine's start one goes on that the end of an earlier run interrupted. A drain does not stop the
//! time, a weight from an operator counts whole at once.

use super::core::Balance;
use crate::engine::model::RealServerKey;
use std::time::{Duration, Instant};

impl Balance {
    /// The steps that are due.
    pub(super) fn step_up(&mut self, now: Instant) {
        while let Some((at, name, key)) = self.steps.first().copied().filter(|(at, ..)| *at <= now) {
            self.steps.remove(&(at, name, key));
            let Some(position) = self.by_key.get(&name).copied() else { continue };
            let Some(service) = self.services.get_mut(position) else { continue };
            let Some(server) = service.server_mut(&key).filter(|server| server.ramp.next() == Some(at)) else {
                continue;
            };
            server.ramp.rise(now);
            let reason = if server.ramp.is_rising() { "slow start" } else { "slow start is over" };
            server.reason = reason.into();
            self.kernel.want(name, key, service.wanted(&key));
            self.await_step(position, &key);
        }
    }

    /// Waits for the next step of a server.
    pub(super) fn await_step(&mut self, at: usize, key: &RealServerKey) {
        let Some(service) = self.services.get(at) else { return };
        let step = service.server(key).and_then(|server| server.ramp.next());
        self.steps.extend(step.map(|step| (step, service.config.key, *key)));
    }

    /// It takes so long from now on, for those that rise too.
    pub(super) fn start_slowly(&mut self, now: Instant, over: Duration) {
        if self.slow_start == over {
            return;
        }
        self.slow_start = over;
        for at in 0..self.services.len() {
            let Some(service) = self.services.get_mut(at) else { continue };
            service.slow_start = over;
            service.servers.iter_mut().filter(|s| s.ramp.is_rising()).for_each(|server| server.ramp.retune(now, over));
            self.want_all(at);
        }
    }
}

//! One real server in one service as it is now.

use super::CheckId;
use super::overrides::By;
use super::rates::Meter;
use super::wish::{DrainEnd, Former};
use crate::engine::health::{EffectiveWeight, Standing, Wish, weigh};
use crate::engine::ipvs::{Destination, Traffic, Tunnel};
use crate::engine::model::{Forwarding, RealServer, Weight};
use crate::engine::snapshot::{Admin, Health};
use std::time::Instant;

/// One real server in one service.
#[derive(Debug, Clone)]
pub(super) struct ServerState {
    /// What the file says of it, or what it was added with.
    pub config: RealServer,
    /// Not in the file.
    pub added: bool,
    /// Its place among the others: the file's, added ones behind.
    pub order: u64,
    /// The weight while it serves: the file's, or the last one that an operator set.
    pub weight: Weight,
    /// The operator's wish, and since when.
    pub admin: (Admin, Instant),
    /// While it drains: until when.
    pub drain_end: DrainEnd,
    /// Who had the last word on it.
    pub by: Option<By>,
    /// Where it was before.
    pub former: Former,
    /// What its checks say together, and since when.
    pub standing: (Standing, Instant),
    /// Why it last changed, for the journal.
    pub reason: String,
    /// Its checks, in file order.
    pub checks: Vec<CheckId>,
    /// How fast its totals grow.
    pub meter: Meter,
    /// Where it belongs by health and wish; what the quorum makes of it is the service's matter.
    pub effective: Option<EffectiveWeight>,
}

impl ServerState {
    /// A server that nobody has judged yet.
    pub fn new(config: RealServer, added: bool, order: u64, checks: Vec<CheckId>, now: Instant) -> Self {
        Self {
            added,
            order,
            weight: config.weight,
            admin: (Admin::Enabled, now),
            drain_end: DrainEnd::Never,
            by: None,
            former: Former::Unseen,
            standing: (unjudged(&config), now),
            reason: String::new(),
            checks,
            meter: Meter::default(),
            effective: None,
            config,
        }
    }
    /// The same server back after a time outside: with what the operator wanted of it, judged anew, until then where it was.
    pub fn revived(&self, now: Instant) -> Self {
        let former = match self.standing.0 {
            Standing::Unknown => self.former,
            Standing::Passing => Former::Serving,
            Standing::Failing => Former::Absent,
        };
        let standing = (unjudged(&self.config), now);
        let (checks, meter, effective) = (Vec::new(), Meter::default(), None);
        Self { former, standing, checks, meter, effective, ..self.clone() }
    }

    /// Health as the API says it.
    pub const fn health(&self) -> Health {
        match self.standing.0 {
            Standing::Unknown => Health::Unknown,
            Standing::Passing => Health::Up,
            Standing::Failing => Health::Down,
        }
    }
    /// Whether an operator gave it another weight than the file.
    pub fn has_own_weight(&self) -> bool {
        self.weight != self.config.weight
    }
    /// Whether it waits for its first verdict outside of the table.
    pub const fn waits_outside(&self, alpha: bool) -> bool {
        match self.former {
            // No check will ever end the wait that `alpha` asks for.
            Former::Unseen => alpha && !self.config.unchecked,
            Former::Serving => false,
            Former::Absent => !self.config.unchecked,
        }
    }
    /// Works out where it belongs.
    pub fn place(&mut self, alpha: bool) {
        let wish = match (self.admin.0, self.drain_end) {
            (Admin::Enabled, _) => Wish::Serve,
            (Admin::Draining, DrainEnd::Never | DrainEnd::At(_)) => Wish::Drain,
            (Admin::Draining, DrainEnd::Passed) | (Admin::Maintenance, _) => Wish::Maintain,
        };
        let outside = self.waits_outside(alpha);
        self.effective = weigh(self.standing.0, wish, self.weight, outside, self.config.inhibit_on_failure);
    }
    /// Weight that it contributes.
    pub fn weight_up(&self) -> u64 {
        self.effective.map_or(0, |weight| u64::from(weight.0.get()))
    }
    /// As the table is to have it.
    pub fn destination(&self, weight: EffectiveWeight) -> Destination {
        Destination {
            upper_threshold: self.config.upper_threshold,
            lower_threshold: self.config.lower_threshold,
            ..destination(self.config.forwarding, weight.0)
        }
    }
}

/// What is said of a server before its first verdict.
pub(super) const fn unjudged(config: &RealServer) -> Standing {
    if config.checks.is_empty() && !config.unchecked { Standing::Passing } else { Standing::Unknown }
}

/// A destination without thresholds.
pub(super) fn destination(forwarding: Forwarding, weight: Weight) -> Destination {
    Destination {
        forwarding,
        tunnel: Tunnel::default(),
        weight,
        upper_threshold: 0,
        lower_threshold: 0,
        active: 0,
        inactive: 0,
        persistent: 0,
        traffic: Traffic::default(),
    }
}

//! One real server in one service as it is now.

use super::CheckId;
use super::check::Check;
use super::overrides::By;
use super::rates::Meter;
use super::wish::{DrainEnd, Ends, Former};
use crate::engine::command::Rest;
use crate::engine::health::{EffectiveWeight, Pace, Ramp, Standing, Wish, weigh};
use crate::engine::ipvs::{Destination, Traffic, Tunnel};
use crate::engine::model::{Blank, CheckSpec, Forwarding, RealServer, Seldom, Weight};
use crate::engine::snapshot::{Admin, Health};
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Blank for Ramp {
    const BLANK: &'static Self = &Self::Full;
}

impl Blank for Vec<Check> {
    const BLANK: &'static Self = &Self::new();
}

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
    /// An operator set that one although it is the file's: its checks say another one, or may.
    pub pinned: bool,
    /// What its checks add to the weight, where no operator gave one.
    pub added_weight: i64,
    /// The operator's wish, and since when.
    pub admin: (Admin, Instant),
    /// What of the operator's wishes ends by itself.
    pub ends: Seldom<Ends>,
    /// Who had the last word on it.
    pub by: Option<Box<By>>,
    /// Where it was before.
    pub former: Former,
    /// What its checks say together, and since when.
    pub standing: (Standing, Instant),
    /// How much of its weight the table has, after it came back.
    pub ramp: Seldom<Ramp>,
    /// Why it last changed, for the journal.
    pub reason: Box<str>,
    /// `ha_suspend`: its service's address is not on this host.
    pub suspended: bool,
    /// Whether it is up, as scripts and FIFOs know it; none before they were told how it begins.
    pub told: Option<bool>,
    /// Its checks, in file order.
    pub checks: Box<[CheckId]>,
    /// While it is suspended: its checks as they were before.
    pub asleep: Seldom<Vec<Check>>,
    /// How fast its totals grow.
    pub meter: Meter,
    /// While it drains or is in maintenance: how fast its connections get fewer.
    pub pace: Option<Box<Pace>>,
    /// Where it belongs by health and wish; what the quorum makes of it is the service's matter.
    pub effective: Option<EffectiveWeight>,
}

impl ServerState {
    /// A server that nobody has judged yet, its checks not armed.
    pub fn new(config: RealServer, added: bool, order: u64, now: Instant) -> Self {
        Self {
            added,
            order,
            weight: config.weight,
            pinned: false,
            added_weight: 0,
            admin: (Admin::Enabled, now),
            ends: Seldom::default(),
            by: None,
            former: Former::Unseen,
            standing: (unjudged(&config), now),
            ramp: Seldom::default(),
            reason: Box::default(),
            suspended: false,
            told: None,
            checks: Box::default(),
            asleep: Seldom::default(),
            meter: Meter::default(),
            pace: None,
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
        let (checks, asleep, meter, pace, effective) =
            (Box::default(), Seldom::default(), Meter::default(), None, None);
        let (told, ramp) = (None, Seldom::default());
        Self { former, standing, ramp, told, checks, asleep, added_weight: 0, meter, pace, effective, ..self.clone() }
    }

    /// The checks that are to run: none in maintenance, and none while its service is suspended.
    pub fn specs(&self) -> &[Arc<CheckSpec>] {
        match self.admin.0 {
            _ if self.suspended => &[],
            Admin::Enabled | Admin::Draining => &self.config.checks,
            Admin::Maintenance => &[],
        }
    }
    /// When something ends by itself.
    pub fn deadlines(&self) -> impl Iterator<Item = Instant> {
        let drain = match self.ends.drain {
            DrainEnd::At(end) => Some(end),
            DrainEnd::Never | DrainEnd::Passed => None,
        };
        drain.into_iter().chain(self.ends.return_at).chain(self.weight_ends_at())
    }
    /// When the weight that an operator gave it ends by itself.
    pub fn weight_ends_at(&self) -> Option<Instant> {
        self.ends.weight_at.filter(|_| self.has_own_weight())
    }
    /// It has this weight of an operator's from now on while it serves, until then; none: what file and checks say.
    pub fn set_weight(&mut self, weight: Option<Weight>, until: Option<Instant>) {
        self.weight = weight.unwrap_or(self.config.weight);
        self.pinned = weight == Some(self.config.weight) && self.is_weighed();
        if self.ends.weight_at != until {
            self.ends = Ends { weight_at: until, ..(*self.ends).clone() }.into();
        }
    }
    /// From now on the operator wants `admin` of it. Nobody checks it in maintenance, and what was known of it before counts no
    /// more after it: until its checks speak, it keeps its connections if it had them, and gets no new ones.
    pub fn set_admin(&mut self, admin: Admin, end: DrainEnd, return_at: Option<Instant>, now: Instant) {
        if (self.admin.0 == Admin::Maintenance || admin == Admin::Maintenance) && self.admin.0 != admin {
            self.former = if self.effective.is_some() { Former::Resting } else { Former::Absent };
            self.ramp = Ramp::Awaited.into();
            self.asleep = Seldom::default();
            if self.standing.0 != unjudged(&self.config) {
                self.standing = (unjudged(&self.config), now);
            }
        }
        if self.admin.0 != admin {
            self.admin = (admin, now);
            self.pace = None;
        }
        self.ends = Ends { drain: end, return_at, weight_at: self.ends.weight_at, by: None }.into();
    }
    /// By what it does not serve.
    pub fn rest(&self) -> Option<Rest> {
        let end = match self.ends.drain {
            DrainEnd::At(end) => Some(end),
            DrainEnd::Never | DrainEnd::Passed => None,
        };
        let rest = Rest { since: self.admin.1, end, return_at: self.ends.return_at, by: self.ends.by.clone() };
        (self.admin.0 != Admin::Enabled).then_some(rest)
    }
    /// It does not serve, by what it rested by before: as if nothing had come in between.
    pub fn rest_again(&mut self, Rest { since, end, return_at, by }: &Rest) {
        self.admin.1 = *since;
        let drain = match (self.ends.drain, end) {
            (DrainEnd::At(_), Some(end)) => DrainEnd::At(*end),
            (known, _) => known,
        };
        let return_at = self.ends.return_at.and(*return_at);
        self.ends = Ends { drain, return_at, weight_at: self.ends.weight_at, by: by.clone() }.into();
    }

    /// Its checks say another thing from now on.
    pub fn judge(&mut self, standing: Standing, now: Instant) {
        self.standing = (standing, now);
        if matches!(standing, Standing::Failing) {
            self.ramp = Ramp::Awaited.into();
        }
    }
    /// It serves, if it does: who comes back begins slowly.
    pub fn begin_slowly(&mut self, now: Instant, over: Duration) {
        let is_out = *self.ramp != Ramp::Full;
        if is_out && self.effective.is_some_and(EffectiveWeight::serves) && self.ramp.begin(now, over) {
            self.reason = format!("{}; slow start over {} s", self.reason, over.as_secs()).into();
        }
    }

    /// Health as the API says it.
    pub const fn health(&self) -> Health {
        match self.standing.0 {
            Standing::Unknown => Health::Unknown,
            Standing::Passing => Health::Up,
            Standing::Failing => Health::Down,
        }
    }
    /// Whether an operator gave it another weight than file and checks.
    pub fn has_own_weight(&self) -> bool {
        self.pinned || self.weight != self.config.weight
    }
    /// The weight that an operator gave it.
    pub fn own_weight(&self) -> Option<Weight> {
        self.has_own_weight().then_some(self.weight)
    }
    /// Whether its checks say its weight, or may.
    pub fn is_weighed(&self) -> bool {
        self.added_weight != 0 || self.config.checks.iter().any(|check| check.says_weight())
    }
    /// What it has while it serves, where no operator gave it a weight.
    pub fn weight_without(&self) -> Weight {
        let sum = i64::from(self.config.weight.get()).saturating_add(self.added_weight).clamp(0, i64::from(i32::MAX));
        u32::try_from(sum).ok().and_then(|sum| Weight::new(sum).ok()).unwrap_or(self.config.weight)
    }
    /// The same in words: `weight 10`.
    pub fn weight_again(&self) -> String {
        let weight = self.weight_without();
        if self.is_weighed() {
            format!("the weight that its check says, {weight} by now,")
        } else {
            format!("weight {weight}")
        }
    }
    /// Whether it is well, and has weight 0 by the file or by its checks: nobody drains it.
    pub fn is_weightless(&self) -> bool {
        let is_well = self.standing.0 != Standing::Failing && self.admin.0 == Admin::Enabled && !self.rests();
        is_well && !self.has_own_weight() && self.serving_weight() == Weight::ZERO
    }
    /// Whether it waits for its first verdict outside of the table.
    pub fn waits_outside(&self) -> bool {
        match self.former {
            // Where it is unchecked, no check will ever end the wait that `alpha` asks for.
            Former::Unseen => self.config.checks.iter().any(|check| check.alpha) && !self.config.unchecked,
            Former::Serving | Former::Resting => false,
            Former::Absent => !self.config.unchecked,
        }
    }
    /// Whether it keeps its connections after maintenance, until its checks pass.
    fn rests(&self) -> bool {
        self.former == Former::Resting && self.standing.0 == Standing::Unknown
    }
    /// Works out where it belongs.
    pub fn place(&mut self) {
        let wish = match (self.admin.0, self.ends.drain) {
            (Admin::Enabled, _) if self.rests() => Wish::Drain,
            (Admin::Enabled, _) => Wish::Serve,
            (Admin::Draining | Admin::Maintenance, DrainEnd::Never | DrainEnd::At(_)) => Wish::Drain,
            (Admin::Draining | Admin::Maintenance, DrainEnd::Passed) => Wish::Maintain,
        };
        let outside = self.waits_outside();
        self.effective = weigh(self.standing.0, wish, self.serving_weight(), outside, self.config.inhibit_on_failure);
    }
    /// The weight while it serves, with what its checks say of it.
    pub fn serving_weight(&self) -> Weight {
        self.own_weight().unwrap_or_else(|| self.weight_without())
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
            ..destination((self.config.forwarding, self.config.tunnel), weight.0)
        }
    }
}

/// What is said of a server before its first verdict.
pub(super) const fn unjudged(config: &RealServer) -> Standing {
    if config.checks.is_empty() && !config.unchecked { Standing::Passing } else { Standing::Unknown }
}

/// A destination without thresholds.
pub(super) fn destination((forwarding, tunnel): (Forwarding, Tunnel), weight: Weight) -> Destination {
    Destination {
        forwarding,
        tunnel,
        weight,
        upper_threshold: 0,
        lower_threshold: 0,
        active: 0,
        inactive: 0,
        persistent: 0,
        traffic: Traffic::default().into(),
    }
}

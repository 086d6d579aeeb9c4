//! One running check and whose it is.

use crate::engine::health::{Checker, Verdict};
use crate::engine::model::{CheckKind, CheckSpec, RealServerKey, ServiceKey};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A server in a service.
pub(super) type Owner = (ServiceKey, RealServerKey);

/// How much longer than its limit a run may take before it is given up: an interval, and no less than a host that is late needs.
const LEAST: Duration = Duration::from_secs(1);
/// No longer than this, and so long where its probe waits for its turn first.
const MOST: Duration = Duration::from_secs(30);

/// One check and whose it is: every server that asks the same of the same address shares it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Check {
    pub checker: Checker,
    pub spec: Arc<CheckSpec>,
    pub owners: Vec<Owner>,
    /// While a run is out: when it is given up.
    pub lost_at: Option<Instant>,
}

impl Check {
    /// Whether it asks the same of the same target as another one, in whatever rhythm.
    pub fn asks_as(&self, other: &Self) -> bool {
        self.spec.name() == other.spec.name() && self.spec.goal() == other.spec.goal()
    }
    /// What a verdict means here: a file that was there and is gone holds 0, as in keepalived; one that never was takes nobody out.
    pub fn means(&self, verdict: Verdict) -> Verdict {
        let was_there = self.checker.last().is_some_and(|last| !matches!(last.verdict, Verdict::Passed(_)));
        match (&self.spec.kind, verdict) {
            (CheckKind::File(file), Verdict::Passed(_)) if file.weight == 0 && file.reverse && was_there => {
                Verdict::Failed(format!("{} is gone, and counts as 0", file.name))
            }
            (_, verdict) => verdict,
        }
    }
    /// How long a run may be out.
    pub fn patience(&self, waits: bool) -> Duration {
        self.spec.longest() + if waits { MOST } else { self.spec.timing.interval.clamp(LEAST, MOST) }
    }
}

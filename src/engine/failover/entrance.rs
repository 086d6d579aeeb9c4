//! A router enters another state: what is recorded, told, and let go of.

use super::core::Failover;
use super::notices::Told;
use super::router::state_name;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::snapshot::VirtualRouterState;
use crate::engine::vrrp::{State, TransitionReason};
use std::time::Instant;

/// Why an instance ends that the configuration has no more.
pub(super) const LEFT: &str = "the instance left the configuration";

impl Failover {
    /// Records and reports a change of state. A hold was for a living master: when we are master again, it is over.
    pub(super) fn entered(&mut self, now: Instant, i: usize, from: &State, reason: &TransitionReason) {
        let Some(router) = self.routers.get_mut(i) else { return };
        let (from, to) = (state_name(from), router.state());
        let why = match (reason, router.ends_as, router.doubted.take()) {
            (TransitionReason::Outranked { .. }, _, Some(other)) => {
                format!("{reason}; {other} had been silent here, and may have been master too")
            }
            (TransitionReason::Shutdown, None, _) => "the configuration makes another router of it".to_owned(),
            (TransitionReason::Shutdown, Some(Told::Fault | Told::Deleted), _) => LEFT.to_owned(),
            (reason, ..) => reason.to_string(),
        };
        self.to_tell = true;
        router.entered(now, why.clone());
        router.silent_before = if let TransitionReason::Silence { master, .. } = reason { *master } else { None };
        self.plan_probe(now, i);
        let Some(router) = self.routers.get_mut(i) else { return };
        router.counters.became_master += u64::from(to == VirtualRouterState::Master);
        router.counters.released_master += u64::from(from == VirtualRouterState::Master);
        let severity = match (to, reason) {
            (VirtualRouterState::Fault, _) => Severity::Error,
            (_, TransitionReason::NobodyTookOver { .. }) => Severity::Warning,
            (VirtualRouterState::Init | VirtualRouterState::Backup | VirtualRouterState::Master, _) => Severity::Notice,
        };
        let mut fact = Fact::new(EventKind::InstanceState, severity, &router.config.name)
            .change(from.name(), to.name())
            .reason(why);
        if to == VirtualRouterState::Master && router.hold.is_some() {
            fact = fact.detail("the hold made by `failover` is over: nobody else is master");
        }
        self.report(fact);
        self.leave_contest(i);
        self.tell_state(i);
        match to {
            VirtualRouterState::Master => {
                if self.lift_hold(i) {
                    self.report_hold_ended(i, "nobody else is master");
                }
                if let Some(router) = self.routers.get_mut(i) {
                    (router.adopted, router.mastership, router.resumes_at) = (false, None, None);
                }
            }
            VirtualRouterState::Fault => self.release_adopted(i),
            VirtualRouterState::Init | VirtualRouterState::Backup => {}
        }
    }
}

//! Holds of `failover`, leads by `takeover` and priorities by `priority`, as a list that outlasts the engine: given out whenever it changed, and taken
//! over at the next start by the name of the instance.
//!
//! Times are of the core's clock ([`Instant`]); on disk they are wall times, hence the parameter `T`. A note of mastership is
//! written later than any hold: where both speak of an instance, the note is right, for a master is not held.

use super::Action;
use super::core::Failover;
use super::entrance::LEFT;
use super::router::{Claim, Hold, PriorityWish, Router};
use super::track::weighed;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::Priority;
use crate::engine::vrrp;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

/// What an operator wants of an instance beside its priority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held<T = Instant> {
    /// Its name.
    pub instance: String,
    /// By which command, of whom, and why.
    pub by: String,
    /// Why, as it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Since when.
    pub since: T,
    /// What.
    pub wish: HoldWish<T>,
}

/// To lead or not to lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldWish<T = Instant> {
    /// Held back by `failover`.
    Failover {
        /// When it ends by itself.
        until: Option<T>,
        /// It lasts even when nobody is master.
        blind: bool,
    },
    /// Leads by `takeover`, until `rejoin`.
    Takeover,
    /// Another priority than the file's, until `priority --from-file`. Beside any of the others.
    Priority(Priority),
}

impl<T> Held<T> {
    /// The same with times of another clock.
    pub fn at<U>(self, time: &impl Fn(T) -> U) -> Held<U> {
        let wish = match self.wish {
            HoldWish::Failover { until, blind } => HoldWish::Failover { until: until.map(time), blind },
            HoldWish::Takeover => HoldWish::Takeover,
            HoldWish::Priority(priority) => HoldWish::Priority(priority),
        };
        Held { instance: self.instance, by: self.by, why: self.why, since: time(self.since), wish }
    }
}

impl Failover {
    /// Gives the list out, if it may be another than before.
    pub(super) fn give_holds_out(&mut self) {
        if std::mem::take(&mut self.holds_touched) {
            let holds = self.routers.iter().flat_map(|router| held(router).into_iter().chain(wished(router))).collect();
            self.push(Action::Holds(holds));
        }
    }

    /// Takes over what was wanted before, by name. What was for a time that is over, for an instance that is gone or for one
    /// that became master since, ends.
    pub(super) fn take_holds_over(&mut self, holds: Vec<Held>, now: Instant) {
        for Held { instance, by, why, since, wish } in holds {
            let router = self.routers.iter_mut().find(|router| router.config.name == instance);
            let over = match (&router, wish) {
                (None, _) => Some(LEFT),
                (Some(router), HoldWish::Failover { .. }) if router.mastership.is_some() => {
                    Some("it was master again when its engine ended")
                }
                (Some(_), HoldWish::Failover { until: Some(until), .. }) if until <= now => {
                    Some("its time was over before the engine started")
                }
                (Some(_), HoldWish::Failover { .. } | HoldWish::Takeover | HoldWish::Priority(_)) => None,
            };
            if let Some(why) = over {
                let fact = match wish {
                    HoldWish::Priority(priority) => ended(instance, priority, why),
                    HoldWish::Failover { .. } | HoldWish::Takeover => {
                        Fact::new(EventKind::Hold, Severity::Notice, instance).to("ended").reason(why)
                    }
                };
                self.report(fact.detail(by));
                self.holds_touched = true;
                continue;
            }
            let Some(router) = router else { continue };
            match wish {
                HoldWish::Failover { until, blind } => {
                    router.hold = Some(Hold { until, blind, by, why, since });
                    router.instance.set_yields(true);
                }
                // The note knows by what it led at the end.
                HoldWish::Takeover if router.mastership.is_some() => match &mut router.claim {
                    Some(claim) => (claim.why, claim.since) = (why, since),
                    None => self.holds_touched = true,
                },
                HoldWish::Priority(priority) => {
                    router.wish = Some(PriorityWish { priority, by, since });
                    router.weighed = weighed(router, &self.tracks);
                    router.instance.set_priority(router.parameters().priority);
                }
                HoldWish::Takeover => {
                    router.claim = Some(Claim { by, why, since });
                    router.instance = vrrp::Instance::new(router.parameters(), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
                }
            }
        }
    }
}

/// A priority that an operator gave is over.
pub(super) fn ended(instance: String, priority: Priority, why: &str) -> Fact {
    let fact = Fact::new(EventKind::Hold, Severity::Notice, instance);
    fact.change(format!("priority {priority}"), format!("priority {priority} ended")).reason(why)
}

fn held(router: &Router) -> Option<Held> {
    let instance = router.config.name.clone();
    match (&router.hold, &router.claim) {
        (Some(Hold { until, blind, by, why, since }), _) => {
            let wish = HoldWish::Failover { until: *until, blind: *blind };
            Some(Held { instance, by: by.clone(), why: why.clone(), since: *since, wish })
        }
        (None, Some(Claim { by, why, since })) => {
            Some(Held { instance, by: by.clone(), why: why.clone(), since: *since, wish: HoldWish::Takeover })
        }
        (None, None) => None,
    }
}

fn wished(router: &Router) -> Option<Held> {
    let PriorityWish { priority, by, since } = router.wish.clone()?;
    Some(Held { instance: router.config.name.clone(), by, why: None, since, wish: HoldWish::Priority(priority) })
}

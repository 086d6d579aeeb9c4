//! Held by `failover --blind` while nobody else is master: its addresses are on nobody, and this node was told not to take
//! them. That is worth a warning, since nothing else will end it.

use super::core::Failover;
use super::router::Router;
use super::warnings::{told, warning};
use crate::engine::snapshot::Warning;
use crate::engine::vrrp::State;
use std::time::Instant;

/// From when it counts, while nobody is heard as master: others had the time to take over. None where that can't be said.
fn unled_from(router: &Router) -> Option<Instant> {
    let hold = router.hold.as_ref().filter(|hold| hold.blind)?;
    let is_backup = matches!(router.instance.state(), State::Backup { .. });
    let heard = router.peers.iter().map(|(_, peer)| peer.heard_at).max();
    let since = heard.into_iter().fold(hold.since.max(router.since), Instant::max);
    let wait = router.instance.master_down_interval(router.instance.parameters().interval);
    (is_backup && router.peers.last_master().is_none()).then(|| since + wait)
}

/// When it is to be told.
pub(super) fn told_at(router: &Router) -> Option<Instant> {
    unled_from(router).filter(|from| router.unled != Some(*from))
}

impl Failover {
    /// Tells it once, when it begins.
    pub(super) fn review_unled(&mut self, now: Instant, i: usize) {
        let Some(router) = self.routers.get_mut(i) else { return };
        let Some(from) = told_at(router).filter(|from| *from <= now) else { return };
        router.unled = Some(from);
        let fact = told(unled_warning(router));
        self.report(fact);
    }
}

/// While it is so.
pub(super) fn warnings(router: &Router) -> Option<Warning> {
    let from = unled_from(router)?;
    (router.unled == Some(from)).then(|| unled_warning(router))
}

fn unled_warning(router: &Router) -> Warning {
    let name = &router.config.name;
    let by = router.hold.as_ref().map_or("", |hold| hold.by.as_str());
    let addresses = match router.config.addresses.as_slice() {
        [one] => format!("{} is on nobody", one.address),
        more => format!("its {} addresses are on nobody", more.len()),
    };
    let message = format!("no master is heard, and this node is held blind ({by}): as far as is heard, {addresses}");
    warning(
        "no-master",
        name,
        message,
        format!("`lvsdeck ctl rejoin {name}` lets this node lead; or start another router"),
    )
}

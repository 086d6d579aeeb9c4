//! Two masters: noticed, told with the likely cause, and what is done about it. Nothing is concluded from what was not
//! heard.

use super::core::Failover;
use super::peers::Peer;
use super::probes;
use super::router::Router;
use super::warnings::split_brain;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::AdvertisedPriority;
use crate::engine::snapshot::SplitBrainStatus;
use crate::engine::vrrp::{self, Check, DecodeError, Heard};
use std::net::IpAddr;
use std::time::Instant;

impl Failover {
    /// A router of this link that is configured otherwise: it is no master of ours, but master it may be. With
    /// `vrrp.split_brain = "step-down-lower"` it is listened to all the same where it ranks higher.
    pub(super) fn note_dissenter(
        &mut self,
        now: Instant,
        i: usize,
        (source, priority): (IpAddr, AdvertisedPriority),
        error: DecodeError,
    ) {
        let Some(router) = self.routers.get_mut(i) else { return };
        let parameters = router.instance.parameters();
        let (interval, own) = (parameters.interval, parameters.priority.advertised());
        let window = router.instance.master_down_interval(interval);
        let outranks = router.footing.is_some_and(|footing| (priority, source) > (own, footing.source));
        let peer = router.peers.heard(source, now);
        peer.rejected = Some(error);
        peer.advertised(priority, window);
        let listens = router.config.variations.yields_to_refused && outranks;
        let (leads, resigns) = (router.instance.is_master(), priority.is_resignation());
        if listens && !resigns {
            self.drive(now, i, vrrp::Input::Heard(Heard { source, priority, interval }));
        } else if leads && !resigns {
            self.contest(now, i, source);
        }
    }

    /// Another router advertises while we are master and stay it: the second time means two masters. The first time does
    /// where we have been master for so long that it should have heard us: its advertisement can't have crossed our first
    /// one, and it yields to our answer before it could advertise again, as when a network heals.
    pub(super) fn contest(&mut self, now: Instant, i: usize, source: IpAddr) {
        let Some(router) = self.routers.get_mut(i) else { return };
        let interval = router.instance.parameters().interval;
        let is_settled = now.saturating_duration_since(router.since) >= router.instance.master_down_interval(interval);
        let peer = router.peers.heard(source, now);
        let refused = peer.rejected.is_some();
        if peer.contest(now, interval.duration(), is_settled) {
            let warning = split_brain(&router.config.name, source, peer.rejected);
            let fact = Fact::new(EventKind::SplitBrain, Severity::Error, warning.subject).to("begun");
            self.report(fact.reason(warning.message).detail(warning.next));
            // Its MAC address says which host it is.
            if let Some(router) = self.routers.get_mut(i) {
                router.probe_at = router.probe_at.map(|at| at.min(now));
            }
        }
        if !refused {
            self.tell_lower(now, i);
        }
    }

    /// Forgets who is silent. Where that ends a split brain, the link is told again where our addresses are: the other
    /// master has announced them as its own.
    pub(super) fn expire_peers(&mut self, now: Instant, i: usize) {
        let Some(router) = self.routers.get_mut(i) else { return };
        router.duplicate_until = router.duplicate_until.filter(|until| now < *until);
        let over: Vec<String> = router.peers.expire(now).iter().map(ToString::to_string).collect();
        if over.is_empty() {
            return;
        }
        let (name, repeat) = (router.config.name.clone(), router.config.garp.repeat);
        let heals = router.instance.is_master() && router.peers.rivals().next().is_none();
        let silent = format!("{} is silent", over.join(", "));
        // It is over with its last cause: whoever looks back, or waits for the end, is told of one end.
        let fact = match status(router) {
            None => Fact::new(EventKind::SplitBrain, Severity::Notice, name).to("over").reason(silent),
            Some(left) => Fact::new(EventKind::Warning, Severity::Warning, name)
                .reason(format!("{silent}, and there are two masters still: {}", left.with.join(", ")))
                .detail(left.evidence),
        };
        self.report(fact);
        if heals {
            self.announce(now, i, repeat);
        }
    }
}

/// The other masters, while there are any, and who has the address beside us.
pub(super) fn status(router: &Router) -> Option<SplitBrainStatus> {
    let rivals: Vec<(IpAddr, &Peer)> = router.peers.rivals().collect();
    let Some((source, first)) = rivals.first() else {
        let answer = router.answered?;
        let evidence = probes::warning(&router.config.name, &answer).next;
        let evidence = format!("{}: {evidence}", answer.evidence());
        return Some(SplitBrainStatus { with: vec![answer.mac()], cause: "address-answered".to_owned(), evidence });
    };
    let heard = split_brain(&router.config.name, *source, first.rejected).next;
    let answered = router.answered.map_or(String::new(), |answer| format!("; {}", answer.evidence()));
    Some(SplitBrainStatus {
        with: rivals.iter().map(|(address, _)| address.to_string()).collect(),
        cause: cause(first.rejected).to_owned(),
        evidence: format!("{heard}{answered}"),
    })
}

/// The likely cause in a word: why we refuse it, or else that it does not hear us.
const fn cause(refused: Option<DecodeError>) -> &'static str {
    match refused {
        None => "not-heard-by-peer",
        Some(error) => match error.check() {
            Check::AuthenticationType | Check::Password => "authentication",
            Check::Interval => "interval",
            Check::Version => "version",
            Check::Destination | Check::Source => "destination",
            Check::Checksum => "checksum",
            Check::Length | Check::Ttl | Check::Type | Check::Vrid | Check::Count => "refused",
        },
    }
}

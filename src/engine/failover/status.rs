//! What every front shows of the virtual routers.

use super::Waiting;
use super::contest;
use super::core::Failover;
use super::peers::Peer;
use super::router::Router;
use crate::engine::command::Command;
use crate::engine::model::Transport;
use crate::engine::snapshot::{
    AcceptedPriority, AnnouncementStatus, Jitter, Moment, NextStep, PeerDetail, PeerState, PeerStatus, RefusedPacket,
    RouterDetail, StateChange, VirtualRouterStatus,
};
use crate::engine::vrrp::{ChecksumForm, Deadline, Preemption, State, shown};
use std::net::IpAddr;
use std::time::{Duration, Instant};

impl Failover {
    /// Every virtual router, in file order.
    pub fn status(&self, moment: Moment) -> Vec<VirtualRouterStatus> {
        self.routers.iter().enumerate().map(|(i, router)| self.router_status(i, router, moment)).collect()
    }

    fn router_status(&self, i: usize, router: &Router, moment: Moment) -> VirtualRouterStatus {
        let config = &router.config;
        let here = |(_, place): &(_, Option<super::host::Place>)| place.is_some_and(|p| self.host.has(p.0, p.1));
        VirtualRouterStatus {
            name: config.name.clone(),
            interface: config.interface.clone(),
            family: config.family,
            vrid: config.vrid.get(),
            version: config.version.number(),
            state: router.state(),
            priority: config.priority.get(),
            effective_priority: router.instance.parameters().priority.get(),
            advert_interval_ms: u64::from(router.instance.master_interval().centiseconds()) * 10,
            preempt: config.preempt,
            since: moment.wall_of(router.since),
            reason: router.reason.clone(),
            held: held(router, moment),
            priority_set: router.wish.as_ref().map(|wish| wish.priority.get()),
            priority_by: router.wish.as_ref().map(|wish| wish.by.clone()),
            addresses: config.addresses.iter().map(ToString::to_string).collect(),
            addresses_here: self.places(i).into_iter().filter(here).map(|(address, _)| address.to_string()).collect(),
            next: self
                .next_step(i, router)
                .map(|(at, waiting)| NextStep { waiting: waiting.name().to_owned(), in_ms: moment.millis_until(at) }),
            peers: self.peers(router, moment),
            counters: router.counters,
            history: router
                .history
                .iter()
                .map(|(at, state, reason)| StateChange {
                    at: moment.wall_of(*at),
                    state: *state,
                    reason: reason.clone(),
                })
                .collect(),
            detail: self.detail(i, router, moment),
        }
    }

    fn peers(&self, router: &Router, moment: Moment) -> Vec<PeerStatus> {
        let state = |master| if master { PeerState::Master } else { PeerState::Silent };
        let we_are = router.instance.is_master();
        let index = self.host.by_name(&router.config.interface).map_or(0, |link| link.index);
        let with_reach = |address: IpAddr, peer: PeerStatus| {
            let (answered_at, reachable) = self.reach.of(moment.now, index, address);
            let answered_at = answered_at.map(|at| moment.wall_of(at));
            PeerStatus { reachable, detail: PeerDetail { answered_at, ..peer.detail }, ..peer }
        };
        let status = router.peers.iter().map(|(address, peer)| {
            let status = PeerStatus {
                address: address.to_string(),
                source: "heard".to_owned(),
                last_heard_at: Some(moment.wall_of(peer.heard_at)),
                last_priority: peer.priority,
                state: state(peer.is_master(moment.now, we_are)),
                reachable: None,
                rejected: peer.rejected.map(|error| error.to_string()),
                detail: peer_detail(peer, moment),
            };
            with_reach(address, status)
        });
        let configured = match &router.config.transport {
            Transport::Unicast(unicast) => unicast.peers.as_slice(),
            Transport::Multicast { .. } => &[],
        };
        let never = configured.iter().map(|peer| peer.address);
        let never = never.filter(|address| router.peers.get(*address).is_none()).map(|address| {
            let status = PeerStatus {
                address: address.to_string(),
                source: "configured".to_owned(),
                last_heard_at: None,
                last_priority: None,
                state: PeerState::Never,
                reachable: None,
                rejected: None,
                detail: PeerDetail::default(),
            };
            with_reach(address, status)
        });
        status.chain(never).collect()
    }

    fn detail(&self, i: usize, router: &Router, moment: Moment) -> RouterDetail {
        let transport = &router.config.transport;
        let round = |(at, addresses, repeat): &(Instant, u64, u64)| AnnouncementStatus {
            at: moment.wall_of(*at),
            addresses: *addresses,
            repeat: *repeat,
        };
        RouterDetail {
            transport: if transport.group().is_some() { "multicast" } else { "unicast" }.to_owned(),
            destinations: transport.destinations().iter().map(ToString::to_string).collect(),
            source: router.footing.map(|footing| footing.source.to_string()),
            announcements: router.announced.iter().map(round).collect(),
            split_brain: contest::status(router),
            what_if: self.forecast(i, router, moment.now),
            tracked: self.tracked_status(router),
            routing: router.config.routing.iter().map(ToString::to_string).collect(),
            routing_here: router
                .config
                .routing
                .iter()
                .filter(|e| self.routing.has(e))
                .map(ToString::to_string)
                .collect(),
        }
    }

    /// What an operator would say it waits for: a delay that keeps it from being master counts before its timer.
    fn next_step(&self, i: usize, router: &Router) -> Option<(Instant, Waiting)> {
        let machine = match router.instance.state() {
            State::Backup { preemption: Preemption::DelayedUntil(at), .. } => Some((*at, Deadline::PreemptDelay)),
            State::Initialize | State::Backup { .. } | State::Master { .. } | State::Fault => router.instance.next(),
        };
        let waits = self.pending.iter().any(|pending| pending.lacks(i));
        let machine = machine.map(|(at, deadline)| (at, if waits { Waiting::TakeOver } else { deadline.into() }));
        let hold = router.hold.as_ref().and_then(|hold| hold.until).map(|at| (at, Waiting::HoldEnds));
        let deaf = router.footing.and_then(|footing| self.deaf.get(&router.channel(footing.index)));
        let join = deaf.map(|deaf| (deaf.next, Waiting::Join));
        let resumption = router.resumes_at.map(|at| (at, Waiting::Resume));
        resumption.or(machine).or(join).or(hold)
    }
}

fn held(router: &Router, moment: Moment) -> Option<String> {
    let end = Command::Priority { instance: router.config.name.clone(), priority: None };
    let wish = router.wish.as_ref().map(|wish| format!("{}; ends with {end}", wish.by));
    let Some(hold) = router.hold.as_ref() else {
        let claim = router.claim.as_ref().map(|claim| format!("{}; ends with rejoin", claim.by));
        return claim.or(wish);
    };
    Some(match hold.until {
        Some(until) => format!("{}; ends in {} s or with rejoin", hold.by, moment.millis_until(until).div_ceil(1000)),
        None => format!("{}; ends with rejoin", hold.by),
    })
}

fn peer_detail(peer: &Peer, moment: Moment) -> PeerDetail {
    let form = |form| match form {
        ChecksumForm::MessageOnly => "message-only",
        ChecksumForm::PseudoHeader => "pseudo-header",
    };
    PeerDetail {
        answered_at: None,
        interval_ms: peer.tells.map(|(interval, _)| u64::from(interval.centiseconds()) * 10),
        checksum: peer.tells.map(|(_, sum)| form(sum).to_owned()),
        accepted: peer
            .ranked
            .map(|(priority, at)| AcceptedPriority { priority: priority.get(), at: moment.wall_of(at) }),
        jitter: jitter(peer),
        refused: peer.refused.as_ref().map(|refused| RefusedPacket {
            at: moment.wall_of(refused.at),
            reason: refused.why.to_string(),
            bytes: shown(&refused.packet),
            length: refused.length as u64,
        }),
    }
}

fn jitter(peer: &Peer) -> Option<Jitter> {
    let micros = |gap: Duration| u64::try_from(gap.as_micros()).unwrap_or(u64::MAX);
    let number = u32::try_from(peer.gaps.len()).ok().filter(|number| *number >= 2)?;
    Some(Jitter {
        gaps: u64::from(number),
        min_us: micros(peer.gaps.iter().min().copied()?),
        mean_us: micros(peer.gaps.iter().sum::<Duration>() / number),
        max_us: micros(peer.gaps.iter().max().copied()?),
    })
}

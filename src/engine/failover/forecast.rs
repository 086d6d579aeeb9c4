//! What would happen if: a node stops, dies silently, or a script fails. Computed from what was heard, from who answers ARP and from
//! how everything that is tracked stands; every line names what it takes for granted, since a backup says nothing on the wire.

use super::contest;
use super::core::Failover;
use super::peers::Peer;
use super::router::Router;
use crate::engine::model::{AdvertInterval, Priority, Track, TrackKind, age};
use crate::engine::snapshot::{VirtualRouterState, WhatIf};
use crate::engine::vrrp::{
    DecodeError, Tracked, effective_priority, is_fault, master_down_interval, skew_time, weighed_sum,
};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Another router of which an advertisement with a priority above 0 counted: who is refused here is no candidate.
pub(super) struct Rival {
    pub address: IpAddr,
    pub priority: Priority,
    /// Since that one.
    pub age: Duration,
    /// Why its last one was refused.
    pub refused: Option<DecodeError>,
    /// Who would come before it and does not answer ARP.
    pub gone: Vec<IpAddr>,
}

impl Failover {
    /// Every question that makes sense in the router's state, with its answer.
    pub(super) fn forecast(&self, i: usize, router: &Router, now: Instant) -> Vec<WhatIf> {
        if router.instance.is_master() {
            let members = self.members(self.unit_of.get(i).copied().unwrap_or_default());
            let fellows: Vec<&Router> = members.iter().filter_map(|i| self.routers.get(*i)).collect();
            let counted = router.config.tracks.iter().zip(router.counted.iter().copied());
            let mut tracks: Vec<&Track> = counted.filter(|one| can_fail(*one)).map(|(track, _)| track).collect();
            let theirs =
                fellows.iter().flat_map(|fellow| fellow.config.tracks.iter().zip(fellow.counted.iter().copied()));
            for (track, _) in theirs.filter(|one| can_fail(*one) && is_fault(one.0, bad(one.0))) {
                if !router.config.tracks.iter().chain(tracks.iter().copied()).any(|known| same(known, track)) {
                    tracks.push(track);
                }
            }
            let mut answers = vec![self.resigns(router, now), self.dies(router, now)];
            answers.extend(tracks.iter().map(|track| self.fails(router, &fellows, &[*track], now)));
            if tracks.len() > 1 {
                answers.push(self.fails(router, &fellows, &tracks, now));
            }
            answers
        } else {
            router.peers.last_master().map(|(master, peer)| self.follows(router, master, peer, now)).unwrap_or_default()
        }
    }

    /// This node stops in order, or `failover` is commanded.
    fn resigns(&self, router: &Router, now: Instant) -> WhatIf {
        self.succession(router, now, "this node stops, or hands over by `failover`", "", |priority| {
            planned(router, priority)
        })
    }

    /// This node is silent from now on.
    fn dies(&self, router: &Router, now: Instant) -> WhatIf {
        let wait = |priority| down(router, priority, router.instance.parameters().interval);
        self.succession(router, now, "this node dies without a word", "counted from its last advertisement", wait)
    }

    /// Who is master once this node is not: who is it already, or who comes next.
    fn succession(
        &self,
        router: &Router,
        now: Instant,
        event: &str,
        note: &str,
        wait: impl Fn(Priority) -> Duration,
    ) -> WhatIf {
        if let Some(address) = contest::beside(router) {
            return WhatIf {
                event: event.to_owned(),
                new_master: Some(address.to_string()),
                in_ms: Some(0),
                note: "it is master already, beside this node".to_owned(),
                assumes: Vec::new(),
            };
        }
        match self.strongest(router, now) {
            Some(rival) => answer(event, Some(&rival), Some(wait(rival.priority)), note.to_owned()),
            None => self.nobody(router, event, now),
        }
    }

    /// These fail (those with `reverse`: succeed); everything else stays as it is now. A fault takes the sync group along.
    fn fails(&self, router: &Router, fellows: &[&Router], failing: &[&Track], now: Instant) -> WhatIf {
        let event = failure(failing);
        let fails = |track: &Track| failing.iter().any(|one| same(one, track));
        let faulty = |one: &&&Router| one.config.tracks.iter().any(|track| fails(track) && is_fault(track, bad(track)));
        if let Some(first) = [&router].into_iter().chain(fellows).find(faulty) {
            let name = &first.config.name;
            let note = if *name == router.config.name {
                "this node goes to FAULT and resigns".to_owned()
            } else {
                format!("{name} goes to FAULT, and its sync group resigns with it")
            };
            // A fault is no planned hand-over: the resignation alone is sent.
            let own = router.instance.parameters();
            return self
                .succession(router, now, &event, &note, |priority| skew_time(own.version, priority, own.interval));
        }
        let counted = router.config.tracks.iter().zip(router.counted.iter().copied());
        let counted = counted.map(|(track, state)| (track, if fails(track) { bad(track) } else { state }));
        let own = router.own_priority();
        let sum = weighed_sum(own, counted.clone());
        let leads_anyhow = router.claim.is_some() || own.is_owner();
        let weighed =
            if leads_anyhow { router.instance.parameters().priority } else { effective_priority(own, counted) };
        let Some(rival) = self.strongest(router, now) else { return self.nobody(router, &event, now) };
        if weighed >= rival.priority {
            let advice = if let ([track], false) = (failing, leads_anyhow) {
                let enough = i64::from(track.weight) + i64::from(rival.priority.get()) - 1 - sum;
                let is_simple = track.kind != TrackKind::File && !track.reverse && track.weight < 0;
                let helps = is_simple && rival.priority.get() > 1 && enough >= HEAVIEST;
                helps.then(|| format!("; a weight of {enough} would move it"))
            } else {
                None
            };
            let note = format!(
                "nothing moves: priority {weighed} is not below {}, the priority of {}{}",
                rival.priority,
                rival.address,
                advice.unwrap_or_default()
            );
            return WhatIf { assumes: assumptions(&rival), ..answer(&event, None, None, note) };
        }
        let wait = down(router, rival.priority, router.instance.parameters().interval);
        let note = format!("priority falls to {weighed}");
        let mut found = answer(&event, Some(&rival), Some(wait), note);
        found.assumes.push(format!("{} preempts", rival.address));
        found
    }

    /// Who should be master after a planned hand-over, and after how long.
    pub(super) fn follows_us(&self, router: &Router, now: Instant) -> Option<(Rival, Duration)> {
        let rival = self.strongest(router, now)?;
        let wait = planned(router, rival.priority);
        Some((rival, wait))
    }

    /// Another router leads, and goes. Next is who was heard with a higher priority than ours, or anybody where this node can't
    /// lead or is held back. Who outranks that master and leaves it alone is down, held or does not preempt: not counted on.
    fn follows(&self, router: &Router, master: IpAddr, peer: &Peer, now: Instant) -> Vec<WhatIf> {
        let (own, interval) = (router.instance.parameters(), router.instance.master_interval());
        let (ours, is_held) = (router.footing.map(|footing| footing.source), router.hold.is_some());
        let cannot = cannot(router);
        let outranks = |address, priority| peer.rank().is_some_and(|lead| (priority, address) > (lead, master));
        let next = self.candidate(router, now, |address, priority| {
            let is_before = cannot.is_some() || is_held || (priority, Some(address)) > (own.priority, ours);
            address != master && is_before && !outranks(address, priority)
        });
        let ranked = router.peers.iter().filter_map(|(address, peer)| Some((address, peer.rank()?)));
        let away = ranked.filter(|(address, priority)| *address != master && outranks(*address, *priority));
        let away: Vec<String> = away
            .map(|(address, priority)| {
                format!("{address} stays away: its priority was {priority}, and it leaves {master} master")
            })
            .collect();
        let advertises =
            peer.priority.map_or_else(String::new, |priority| format!("{master} advertises priority {priority}"));
        let here = |event: String, wait: Duration, theirs: &dyn Fn(Priority) -> Duration| {
            let mut found = match (&next, &cannot) {
                (Some(rival), None) => {
                    let else_here = format!("this node after {} ms if that one is gone", millis(wait));
                    answer(&event, Some(rival), Some(theirs(rival.priority)), else_here)
                }
                (Some(rival), Some(why)) => {
                    answer(&event, Some(rival), Some(theirs(rival.priority)), format!("this node can't: {why}"))
                }
                (None, Some(why)) => {
                    let note = format!("this node can't: {why}; no other candidate is known: nobody may take over");
                    WhatIf { assumes: silent(), ..answer(&event, None, None, note) }
                }
                (None, None) => {
                    let higher =
                        if is_held { String::new() } else { format!(" of higher priority than {}", own.priority) };
                    WhatIf {
                        new_master: Some("this node".to_owned()),
                        assumes: vec![format!("no router{higher} is there beside {master}")],
                        ..answer(&event, None, Some(wait), advertises.clone())
                    }
                }
            };
            found.assumes.extend(away.iter().cloned());
            found
        };
        vec![
            here(format!("{master} resigns"), router.instance.wait_after_resignation(interval), &|priority| {
                skew_time(own.version, priority, interval)
            }),
            here(
                format!("{master} dies without a word"),
                router.instance.master_down_interval(interval),
                &|priority| down(router, priority, interval),
            ),
        ]
    }

    /// The other router of the highest priority that answers ARP, as far as it was asked.
    fn strongest(&self, router: &Router, now: Instant) -> Option<Rival> {
        self.candidate(router, now, |_, _| true)
    }

    /// The same, of those that `may`.
    fn candidate(&self, router: &Router, now: Instant, may: impl Fn(IpAddr, Priority) -> bool) -> Option<Rival> {
        let ranked = router.peers.iter().filter_map(|(address, peer)| Some((peer.ranked?, address, peer)));
        let ranked = ranked.filter(|((priority, _), address, _)| may(*address, *priority));
        let (gone, there): (Vec<_>, Vec<_>) =
            ranked.partition(|(_, address, peer)| self.is_gone(router, now, *address, peer));
        let ((priority, at), address, peer) =
            there.into_iter().max_by_key(|((priority, _), address, _)| (*priority, *address))?;
        let before = gone.into_iter().filter(|((its, _), other, _)| (*its, *other) > (priority, address));
        Some(Rival {
            address,
            priority,
            age: now.saturating_duration_since(at),
            refused: peer.rejected,
            gone: before.map(|(_, address, _)| address).collect(),
        })
    }

    /// It is silent, and its host does not answer ARP.
    fn is_gone(&self, router: &Router, now: Instant, address: IpAddr, peer: &Peer) -> bool {
        let index = self.host.by_name(&router.config.interface).map_or(0, |link| link.index);
        peer.window.is_zero() && self.reach.of(now, index, address).1 == Some(false)
    }

    fn nobody(&self, router: &Router, event: &str, now: Instant) -> WhatIf {
        let note = format!("{}: nobody may take over", self.nobody_else(router, now));
        WhatIf { assumes: silent(), ..answer(event, None, None, note) }
    }

    /// Why there is no candidate, where those that were heard are gone too.
    pub(super) fn nobody_else(&self, router: &Router, now: Instant) -> String {
        let ranked = router.peers.iter().filter_map(|(address, peer)| Some((address, peer, peer.ranked?.1)));
        let gone: Vec<String> = ranked
            .filter(|(address, peer, _)| self.is_gone(router, now, *address, peer))
            .map(|(address, _, at)| format!("{address} (last heard {} ago)", age(now.saturating_duration_since(at))))
            .collect();
        if gone.is_empty() {
            return nobody_heard(router);
        }
        format!("no answer to ARP from {}, and no other candidate is known", gone.join(" and "))
    }
}

/// The greatest weight that takes away.
const HEAVIEST: i64 = -253;

/// Whether it can fail still. What the number of a file may become is anybody's guess, unless any but 0 is a fault.
fn can_fail((track, state): (&Track, Tracked)) -> bool {
    let is_open = track.kind != TrackKind::File || (track.weight == 0 && !is_fault(track, state));
    is_open && state != bad(track) && state != Tracked::LeftOut
}

/// Whether both fail together.
fn same(one: &Track, other: &Track) -> bool {
    (one.kind, &one.name, one.reverse) == (other.kind, &other.name, other.reverse)
}

/// After how long a router of this priority is master by a planned hand-over.
fn planned(router: &Router, priority: Priority) -> Duration {
    let own = router.instance.parameters();
    skew_time(own.version, priority, super::haste::haste(router).unwrap_or(own.interval))
}

/// Why this node would not lead if nobody did.
fn cannot(router: &Router) -> Option<String> {
    match router.state() {
        state @ (VirtualRouterState::Fault | VirtualRouterState::Init) => {
            Some(format!("it is in {}: {}", state.name(), router.reason))
        }
        VirtualRouterState::Backup | VirtualRouterState::Master => {
            let blind = router.hold.as_ref().filter(|hold| hold.blind);
            blind.map(|hold| format!("it is held, whoever is master: {}", hold.by))
        }
    }
}

const fn bad(track: &Track) -> Tracked {
    match (track.kind, track.reverse) {
        (TrackKind::File, reverse) => Tracked::Value(if reverse { 0 } else { 1 }),
        (_, true) => Tracked::Up,
        (_, false) => Tracked::Down,
    }
}

/// `script web fails`.
fn failure(failing: &[&Track]) -> String {
    if let [one] = failing {
        let how = match (one.kind, one.reverse) {
            (TrackKind::Script, _) => "fails",
            (TrackKind::Process, false) => "does not run as wanted",
            (TrackKind::Process, true) => "runs",
            (TrackKind::File, _) => "tells of a fault",
            (TrackKind::Interface, false) => "goes down",
            (TrackKind::Interface, true) => "comes up",
        };
        return format!("{} {} {how}", one.kind.name(), one.name);
    }
    if failing.iter().all(|track| track.kind == TrackKind::Script) {
        let names: Vec<&str> = failing.iter().map(|track| track.name.as_str()).collect();
        return format!("scripts {} all fail", names.join(", "));
    }
    let names: Vec<String> = failing.iter().map(|track| format!("{} {}", track.kind.name(), track.name)).collect();
    format!("{} all fail", names.join(", "))
}

fn down(router: &Router, priority: Priority, interval: AdvertInterval) -> Duration {
    let own = router.instance.parameters();
    master_down_interval(own.version, priority, interval, own.variations.down_timer_adverts)
}

fn answer(event: &str, rival: Option<&Rival>, wait: Option<Duration>, note: String) -> WhatIf {
    WhatIf {
        event: event.to_owned(),
        new_master: rival.map(|rival| rival.address.to_string()),
        in_ms: wait.map(millis),
        note,
        assumes: rival.map(assumptions).unwrap_or_default(),
    }
}

fn silent() -> Vec<String> {
    vec!["a backup is silent: one may be there all the same".to_owned()]
}

/// Why there is no candidate: nobody was heard, or only who is refused.
pub(super) fn nobody_heard(router: &Router) -> String {
    let mut refused = router.peers.iter().filter_map(|(address, peer)| Some((address, peer.rejected?)));
    refused.next().map_or_else(
        || "no other router was ever heard".to_owned(),
        |(address, why)| {
            let more = match refused.count() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("no other router was ever heard but {address}{more}, which is refused here ({why})")
        },
    )
}

fn assumptions(rival: &Rival) -> Vec<String> {
    let Rival { address, priority, refused, gone, .. } = rival;
    let refused = refused.map_or_else(String::new, |why| format!("; refused here since: {why}"));
    let mut all = vec![
        format!("{address} is alive: it was heard {} ago{refused}", age(rival.age)),
        format!("its priority is {priority}, as it was then"),
        "no other router is there that was never heard".to_owned(),
    ];
    all.extend(gone.iter().map(|gone| format!("{gone} is gone: it does not answer ARP")));
    all
}

fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}

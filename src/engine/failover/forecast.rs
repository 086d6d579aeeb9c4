//! What would happen if: a node stops, dies silently, or a script fails. Computed from what was heard; every line names
//! what it takes for granted, since a backup says nothing on the wire.

use super::core::Failover;
use super::peers::Peer;
use super::router::Router;
use crate::engine::model::{AdvertInterval, Priority, Track, TrackKind, age};
use crate::engine::snapshot::WhatIf;
use crate::engine::vrrp::{DecodeError, Tracked, effective_priority, is_fault, master_down_interval, skew_time};
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
}

impl Failover {
    /// Every question that makes sense in the router's state, with its answer.
    pub(super) fn forecast(router: &Router, now: Instant) -> Vec<WhatIf> {
        if router.instance.is_master() {
            let mut answers = vec![Self::resigns(router, now), dies(router, now)];
            // What the number of a file may become is anybody's guess, unless any but 0 is a fault.
            let can_fail = |track: &&Track| track.kind != TrackKind::File || track.weight == 0;
            let tracks: Vec<&Track> = router.config.tracks.iter().filter(can_fail).collect();
            answers.extend(tracks.iter().map(|track| Self::fails(router, &[*track], now)));
            if tracks.len() > 1 {
                answers.extend([Self::fails(router, &tracks, now)]);
            }
            answers
        } else {
            router.peers.last_master().map(|(master, peer)| follows(router, master, peer)).unwrap_or_default()
        }
    }

    /// This node stops in order, or `failover` is commanded.
    fn resigns(router: &Router, now: Instant) -> WhatIf {
        match follows_us(router, now) {
            Some((rival, wait)) => {
                answer("this node stops, or hands over by `failover`", Some(&rival), Some(wait), String::new())
            }
            None => nobody(router, "this node stops, or hands over by `failover`"),
        }
    }

    /// These fail (those with `reverse`: succeed); the numbers of files stay as they are.
    fn fails(router: &Router, failing: &[&Track], now: Instant) -> WhatIf {
        let event = failure(failing);
        let state = |(track, now): (&Track, Tracked)| match track.kind {
            _ if failing.contains(&track) => bad(track),
            TrackKind::File => now,
            TrackKind::Script | TrackKind::Process | TrackKind::Interface if track.reverse => Tracked::Down,
            TrackKind::Script | TrackKind::Process | TrackKind::Interface => Tracked::Up,
        };
        if failing.iter().any(|track| is_fault(track, bad(track))) {
            return WhatIf { event, ..Self::resigns_in_fault(router, now) };
        }
        let counted = router.config.tracks.iter().zip(router.counted.iter().copied());
        let weighed =
            effective_priority(router.own_priority(), counted.map(|(track, now)| (track, state((track, now)))));
        let Some(rival) = strongest(router, now) else { return nobody(router, &event) };
        if weighed >= rival.priority {
            let note = format!(
                "nothing moves: priority {weighed} is not below {}, the priority of {}; a weight beyond {} would move it",
                rival.priority,
                rival.address,
                i16::from(rival.priority.get()) - i16::from(router.own_priority().get()) - 1
            );
            return WhatIf { assumes: assumptions(&rival), ..answer(&event, None, None, note) };
        }
        let wait = down(router, rival.priority, router.instance.parameters().interval);
        let note = format!("priority falls to {weighed}");
        let mut found = answer(&event, Some(&rival), Some(wait), note);
        found.assumes.push(format!("{} preempts", rival.address));
        found
    }

    /// A fault is no planned hand-over: the resignation alone is sent.
    fn resigns_in_fault(router: &Router, now: Instant) -> WhatIf {
        let parameters = router.instance.parameters();
        match strongest(router, now) {
            Some(rival) => {
                let wait = skew_time(parameters.version, rival.priority, parameters.interval);
                answer("", Some(&rival), Some(wait), "this node goes to FAULT and resigns".to_owned())
            }
            None => nobody(router, ""),
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

/// This node is silent from now on.
fn dies(router: &Router, now: Instant) -> WhatIf {
    let event = "this node dies without a word";
    match strongest(router, now) {
        Some(rival) => {
            let wait = down(router, rival.priority, router.instance.parameters().interval);
            answer(event, Some(&rival), Some(wait), "counted from its last advertisement".to_owned())
        }
        None => nobody(router, event),
    }
}

/// Who should be master after a planned hand-over, and after how long.
pub(super) fn follows_us(router: &Router, now: Instant) -> Option<(Rival, Duration)> {
    let parameters = router.instance.parameters();
    let interval = super::haste::haste(router).unwrap_or(parameters.interval);
    let rival = strongest(router, now)?;
    let wait = skew_time(parameters.version, rival.priority, interval);
    Some((rival, wait))
}

/// A backup, when its master goes.
fn follows(router: &Router, master: IpAddr, peer: &Peer) -> Vec<WhatIf> {
    let (own, interval) = (router.instance.parameters(), router.instance.master_interval());
    let assumes = vec![format!("no router of higher priority than {} is there beside {master}", own.priority)];
    let here = |event: String, wait: Duration| WhatIf {
        event,
        new_master: Some("this node".to_owned()),
        in_ms: Some(millis(wait)),
        note: peer.priority.map_or_else(String::new, |priority| format!("{master} advertises priority {priority}")),
        assumes: assumes.clone(),
    };
    vec![
        here(format!("{master} resigns"), router.instance.wait_after_resignation(interval)),
        here(format!("{master} dies without a word"), router.instance.master_down_interval(interval)),
    ]
}

fn strongest(router: &Router, now: Instant) -> Option<Rival> {
    let (address, priority, peer) = router.peers.strongest()?;
    let (_, at) = peer.ranked?;
    Some(Rival { address, priority, age: now.saturating_duration_since(at), refused: peer.rejected })
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

fn nobody(router: &Router, event: &str) -> WhatIf {
    let note = format!("{}: nobody may take over", nobody_heard(router));
    WhatIf {
        assumes: vec!["a backup is silent: one may be there all the same".to_owned()],
        ..answer(event, None, None, note)
    }
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
    let Rival { address, priority, refused, .. } = rival;
    let refused = refused.map_or_else(String::new, |why| format!("; refused here since: {why}"));
    vec![
        format!("{address} is alive: it was heard {} ago{refused}", age(rival.age)),
        format!("its priority is {priority}, as it was then"),
        "no other router is there that was never heard".to_owned(),
    ]
}

fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}

//! What a reload means for mastership and virtual addresses, from the configurations and what is heard: lines of the preview.
//!
//! A backup says nothing on the wire: who would take over is said by the last advertisement of a router that was accepted.

use crate::engine::model::{Configuration, Priority, Track, VirtualRouter};
use crate::engine::snapshot::{VirtualRouterState, VirtualRouterStatus};
use crate::engine::vrrp::{Tracked, effective_priority, is_fault};
use std::collections::HashMap;

/// So many instances are named.
const MOST_NAMED: usize = 5;

/// An owner's priority.
const OWNER: u8 = 255;

/// What a reload means for mastership and virtual addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// A line for each effect.
    pub lines: Vec<String>,
    /// Instances whose mastership is to move, or whose addresses leave this host.
    pub moving: Vec<String>,
    /// Masters whose mastership moves if another router is there that ranks higher: none was heard, and a backup is silent.
    pub unsure: Vec<String>,
}

/// Whether mastership is to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moves {
    Yes,
    /// If somebody is there that was never heard.
    Perhaps,
    No,
}

impl Effects {
    fn tell(&mut self, name: &str, (line, moves): (String, Moves)) {
        self.lines.push(line);
        let named = match moves {
            Moves::Yes => &mut self.moving,
            Moves::Perhaps => &mut self.unsure,
            Moves::No => return,
        };
        if named.last().is_none_or(|last| last != name) {
            named.push(name.to_owned());
        }
    }

    /// Masters go with a master of their sync group that goes.
    fn take_along(&mut self, new: &Configuration, now: &HashMap<&str, &VirtualRouterStatus>) {
        let is_master = |name: &str| is_master(now.get(name).copied());
        for group in &new.sync_groups {
            let first = |names: &[String]| {
                group.members.iter().find(|member| names.contains(member) && is_master(member)).cloned()
            };
            let (first, moves) = match (first(&self.moving), first(&self.unsure)) {
                (Some(first), _) => (first, Moves::Yes),
                (None, Some(first)) => (first, Moves::Perhaps),
                (None, None) => continue,
            };
            for member in group.members.iter().filter(|member| is_master(member)) {
                if !self.moving.contains(member) && !self.unsure.contains(member) {
                    self.tell(
                        member,
                        (format!("instance {member} goes with {first}: sync group {}", group.name), moves),
                    );
                }
            }
        }
    }
}

const fn surely(moves: bool) -> Moves {
    if moves { Moves::Yes } else { Moves::No }
}

/// Each instance whose mastership or addresses a reload may move.
pub fn effects(old: &Configuration, new: &Configuration, status: &[VirtualRouterStatus]) -> Effects {
    let (before, after) = (by_name(old), by_name(new));
    let now: HashMap<&str, &VirtualRouterStatus> = status.iter().map(|router| (router.name.as_str(), router)).collect();
    let (held, holds) = (holders(old), holders(new));
    let mut effects = Effects::default();
    for gone in old.virtual_routers.iter().filter(|router| !after.contains_key(router.name.as_str())) {
        let status = now.get(gone.name.as_str()).copied();
        let line = format!("instance {} ends: {}", gone.name, leaves(gone, status));
        effects.tell(&gone.name, (line, surely(is_master(status))));
        if let Some(held) = status.and_then(|status| status.held.as_ref()) {
            effects.lines.push(format!("with instance {} ends: {held}", gone.name));
        }
    }
    for router in &new.virtual_routers {
        let status = now.get(router.name.as_str()).copied();
        match before.get(router.name.as_str()).copied() {
            None => effects.lines.push(format!("instance {} starts: {}", router.name, starts(router))),
            Some(before) if !before.is_same_to_others(router) => {
                let (leaves, starts) = (leaves(before, status), starts(router));
                let line = format!("instance {} starts anew: {leaves}; then {starts}", router.name);
                effects.tell(&router.name, (line, surely(is_master(status))));
            }
            Some(before) => {
                let readdressed = moves(before, router, status, (&held, &holds));
                let readdressed = readdressed.into_iter().map(|(line, moves)| (line, surely(moves)));
                let told = ranks(before, router, status, &now).into_iter().chain(readdressed);
                told.for_each(|told| effects.tell(&router.name, told));
            }
        }
    }
    effects.take_along(new, &now);
    effects
}

/// What other routers make of another list of addresses in the advertisements of these instances; none where there are none.
/// keepalived refuses them (measured, 2.2.7); a backup says nothing on the wire, so that one may be there unheard.
pub fn beside(readdressed: &[String], status: &[VirtualRouterStatus]) -> Option<String> {
    let heard = |name: &String| {
        let router = status.iter().find(|router| router.name == *name)?;
        let heard = router.peers.iter().filter(|peer| peer.detail.accepted.is_some());
        let peers: Vec<&str> = heard.map(|peer| peer.address.as_str()).collect();
        Some(peers.join(" ")).filter(|peers| !peers.is_empty())
    };
    let one = |name: &String| match heard(name) {
        Some(peers) => format!("{name} (beside {peers})"),
        None => format!("{name} (no other router was heard)"),
    };
    let all: Vec<String> = readdressed.iter().take(MOST_NAMED).map(one).collect();
    let more = match readdressed.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!all.is_empty()).then(|| {
        format!(
            "{}{more}: a keepalived refuses advertisements with another list of addresses and may become master too, until its \
             file has the same: do it on both nodes at once",
            all.join(", ")
        )
    })
}

fn by_name(side: &Configuration) -> HashMap<&str, &VirtualRouter> {
    side.virtual_routers.iter().map(|router| (router.name.as_str(), router)).collect()
}

/// Which instance has an address.
fn holders(side: &Configuration) -> HashMap<String, String> {
    let of = |router: &VirtualRouter| -> Vec<(String, String)> {
        router.addresses.iter().map(|address| (address.to_string(), router.name.clone())).collect()
    };
    side.virtual_routers.iter().flat_map(of).collect()
}

fn is_master(status: Option<&VirtualRouterStatus>) -> bool {
    status.is_some_and(|status| status.state == VirtualRouterState::Master)
}

fn addresses(router: &VirtualRouter) -> String {
    let all: Vec<String> = router.addresses.iter().map(ToString::to_string).collect();
    if all.is_empty() { "no address".to_owned() } else { all.join(" ") }
}

fn leaves(router: &VirtualRouter, status: Option<&VirtualRouterStatus>) -> String {
    if !is_master(status) {
        return "it is not master here, and no address moves".to_owned();
    }
    let next = status.and_then(strongest).map_or_else(
        || "nobody else was heard who would take over".to_owned(),
        |(address, priority)| format!("{address} (priority {priority}) would take over"),
    );
    format!("it sends priority 0, {} leave this host; {next}", addresses(router))
}

fn starts(router: &VirtualRouter) -> String {
    if router.priority.get() == OWNER {
        return format!("it owns {} and is master at once", addresses(router));
    }
    let intervals = u32::from(router.variations.down_timer_adverts) + 1;
    let seconds = f64::from(router.advert_interval.centiseconds()) * f64::from(intervals) / 100.0;
    format!("as backup; it is master of {} when no other master is heard for up to {seconds} s", addresses(router))
}

/// The other router of the highest priority, among those of which an advertisement was accepted.
fn strongest(status: &VirtualRouterStatus) -> Option<(&str, u8)> {
    let heard = status.peers.iter().filter_map(|peer| Some((peer.address.as_str(), peer.detail.accepted?.priority)));
    heard.max_by_key(|(_, priority)| *priority)
}

/// How something that is tracked counts now; what nobody tracked so far has not answered.
fn state_of(track: &Track, now: &HashMap<&str, &VirtualRouterStatus>) -> Tracked {
    let mut known = now.values().flat_map(|router| &router.detail.tracked);
    let found = known.find(|known| known.kind == track.kind.name() && known.name == track.name);
    found.and_then(|known| known.state.parse().ok()).unwrap_or(Tracked::Unanswered)
}

/// What another priority, or another weight of what is tracked, leads to.
fn ranks(
    before: &VirtualRouter,
    router: &VirtualRouter,
    status: Option<&VirtualRouterStatus>,
    now: &HashMap<&str, &VirtualRouterStatus>,
) -> Option<(String, Moves)> {
    let (old, new, is_weighed_anew) =
        (before.priority.get(), router.priority.get(), before.tracks != router.tracks && !router.priority.is_owner());
    if old == new && !is_weighed_anew {
        return None;
    }
    let name = &router.name;
    let change = format!("instance {name}: priority {old} -> {new}");
    if new == OWNER {
        let follows = if is_master(status) { "stays master" } else { "is master at once" };
        let said = format!("{change}: it becomes the owner and {follows}, whatever others say");
        return Some((said, surely(!is_master(status))));
    }
    let status = status?;
    if let Some(set) = status.priority_set.filter(|_| !is_weighed_anew) {
        let said = format!("{change}: {set}, which an operator set, counts until `priority {name} --from-file`");
        return Some((said, Moves::No));
    }
    let tracked = || router.tracks.iter().map(|track| (track, state_of(track, now)));
    if let Some((track, _)) = tracked().find(|(track, state)| is_weighed_anew && is_fault(track, *state)) {
        let is_news = status.state != VirtualRouterState::Fault;
        let said = format!("instance {name}: {} {} is bad and has no weight: FAULT", track.kind.name(), track.name);
        return is_news.then(|| (said, surely(is_master(Some(status)))));
    }
    let base = status.priority_set.and_then(|set| Priority::new(set).ok()).unwrap_or(router.priority);
    let counts = effective_priority(base, tracked()).get();
    if old == new && counts == status.effective_priority {
        return None;
    }
    let change = if old == new {
        format!("instance {name}: priority {} -> {counts} by what it tracks", status.effective_priority)
    } else {
        change
    };
    let said = |said: &str, moves: Moves| Some((format!("{change}: {said}"), moves));
    let (stays, moves) = (|text: &str| said(text, Moves::No), |text: &str| said(text, Moves::Yes));
    match (is_master(Some(status)), strongest(status)) {
        (true, Some((address, priority))) if priority > counts => {
            moves(&format!("{address} (priority {priority}) would take over, unless it has nopreempt"))
        }
        (true, Some((address, priority))) if priority == counts => {
            moves(&format!("{address} has {priority} too, so that the higher address is master"))
        }
        (true, Some((address, priority))) => stays(&format!("it stays master before {address} (priority {priority})")),
        (true, None) if counts < status.effective_priority => said(
            &format!(
                "no other router was heard, and a backup is silent: one of a priority above {counts} would take over, unless it \
                 has nopreempt; without one it stays master"
            ),
            Moves::Perhaps,
        ),
        (true, None) => stays("it stays master as far as is known; no other router was heard"),
        (false, _) if status.held.is_some() || !router.preempt => {
            stays(&format!("it stays {}, since it does not take mastership back", status.state.name()))
        }
        (false, Some((address, priority))) if counts > priority => {
            moves(&format!("this node would take over from {address} (priority {priority})"))
        }
        (false, Some((address, priority))) => {
            stays(&format!("it stays {} behind {address} (priority {priority})", status.state.name()))
        }
        (false, None) => stays("no other router was heard"),
    }
}

/// Addresses that come, go or change their instance, and whether they leave this host.
fn moves(
    before: &VirtualRouter,
    router: &VirtualRouter,
    status: Option<&VirtualRouterStatus>,
    (held, holds): (&HashMap<String, String>, &HashMap<String, String>),
) -> Vec<(String, bool)> {
    let name = &router.name;
    let (here, master) = (is_master(status), "master here");
    let text = |side: &VirtualRouter| -> Vec<String> { side.addresses.iter().map(ToString::to_string).collect() };
    let (old, new) = (text(before), text(router));
    let come = new.iter().filter(|address| !old.contains(address)).map(|address| match held.get(address.as_str()) {
        Some(other) if other != name => format!("{address} moves from instance {other} to {name}"),
        _ if here => format!("{address} comes up on this host: {name} is {master}"),
        _ => format!("{address} is for the master of {name}, which is not this node"),
    });
    let go =
        old.iter().filter(|address| !new.contains(address)).filter_map(|address| match holds.get(address.as_str()) {
            Some(other) if other != name => None,
            _ if here => Some((format!("{address} leaves this host: {name} is {master} and has it no longer"), true)),
            _ => Some((format!("{address} is of {name} no longer; it is not on this host"), false)),
        });
    come.map(|line| (line, false)).chain(go).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::config;
    use serde_json::json;

    fn file(instances: &[(&str, u8, &str)]) -> Configuration {
        let one = |(name, priority, addresses): &(&str, u8, &str)| {
            let vrid = 50 + u32::from(name.as_bytes()[0]) % 50;
            format!(
                "vrrp_instance {name} {{\ninterface eth0\nvirtual_router_id {vrid}\npriority {priority}\n\
                 virtual_ipaddress {{\n{}\n}}\n}}\n",
                addresses.replace(' ', "\n")
            )
        };
        config::parse("x", &instances.iter().map(one).collect::<String>()).configuration.unwrap()
    }

    /// An instance in this state that heard another router with this priority.
    fn heard(name: &str, state: &str, priority: u8, rival: Option<u8>) -> VirtualRouterStatus {
        let peer = |priority| {
            json!({"address": "10.0.0.12", "source": "heard", "last_heard_at": null, "last_priority": priority,
                "state": "SILENT", "reachable": null, "rejected": null, "detail": {"accepted": {"priority": priority,
                "at": "2026-01-01T00:00:00.000Z"}}})
        };
        serde_json::from_value(json!({
            "name": name, "interface": "eth0", "family": "inet", "vrid": 51, "version": 2, "state": state,
            "priority": priority, "effective_priority": priority, "advert_interval_ms": 1000, "preempt": true,
            "since": "2026-01-01T00:00:00.000Z", "reason": "", "addresses": [], "addresses_here": [], "next": null,
            "peers": rival.map(peer).into_iter().collect::<Vec<_>>(), "counters": crate::engine::snapshot::VrrpCounters::default(), "history": [],
        }))
        .unwrap()
    }

    fn told(old: &[(&str, u8, &str)], new: &[(&str, u8, &str)], status: &[VirtualRouterStatus]) -> Vec<String> {
        effects(&file(old), &file(new), status).lines
    }

    #[test]
    fn another_list_of_addresses_says_who_would_refuse_it() {
        let status = [heard("A", "MASTER", 200, Some(100)), heard("B", "MASTER", 200, None)];
        let names = ["A", "B"].map(str::to_owned);
        let said = beside(&names, &status).unwrap();
        assert!(said.starts_with("A (beside 10.0.0.12), B (no other router was heard): a keepalived refuses"));
        assert!(said.contains("both nodes at once"));
        assert_eq!(beside(&[], &status), None);
    }

    #[test]
    fn another_priority_says_who_would_be_master() {
        let to = |new, state, old, rival| {
            told(&[("A", old, "10.0.0.1/24")], &[("A", new, "10.0.0.1/24")], &[heard("A", state, old, rival)]).join("")
        };
        let line = "instance A: priority 200 -> 90: ";
        assert_eq!(
            to(90, "MASTER", 200, Some(100)),
            format!("{line}10.0.0.12 (priority 100) would take over, unless it has nopreempt")
        );
        assert_eq!(to(90, "MASTER", 200, Some(50)), format!("{line}it stays master before 10.0.0.12 (priority 50)"));
        assert_eq!(
            to(90, "MASTER", 200, None),
            format!(
                "{line}no other router was heard, and a backup is silent: one of a priority above 90 would take over, unless it has \
                 nopreempt; without one it stays master"
            )
        );
        assert!(
            to(210, "MASTER", 200, None).ends_with("it stays master as far as is known; no other router was heard")
        );
        assert!(
            to(200, "BACKUP", 90, Some(100))
                .ends_with("90 -> 200: this node would take over from 10.0.0.12 (priority 100)")
        );
        assert!(to(95, "BACKUP", 90, Some(100)).ends_with("it stays BACKUP behind 10.0.0.12 (priority 100)"));
        assert!(
            to(255, "BACKUP", 90, Some(100))
                .ends_with("it becomes the owner and is master at once, whatever others say")
        );
        assert_eq!(to(90, "MASTER", 90, Some(100)), "", "no change, no line");
    }

    #[test]
    fn what_moves_is_named_and_who_is_refused_here_takes_nothing_over() {
        let moving = |new: &[(&str, u8, &str)], status: VirtualRouterStatus| {
            effects(&file(&[("A", 200, "10.0.0.1/24")]), &file(new), &[status]).moving
        };
        let lower = [("A", 90, "10.0.0.1/24")];
        assert_eq!(moving(&lower, heard("A", "MASTER", 200, Some(100))), ["A"]);
        assert_eq!(moving(&lower, heard("A", "MASTER", 200, Some(50))), [""; 0]);
        assert_eq!(moving(&[], heard("A", "MASTER", 200, None)), ["A"]);
        assert_eq!(moving(&[], heard("A", "BACKUP", 200, None)), [""; 0]);
        assert_eq!(moving(&[("A", 200, "10.0.0.9/24")], heard("A", "MASTER", 200, None)), ["A"], "its address leaves");
        let mut refused = heard("A", "MASTER", 200, Some(250));
        refused.peers[0].detail.accepted = None;
        refused.peers[0].rejected = Some("another password".to_owned());
        assert_eq!(moving(&lower, refused.clone()), [""; 0]);
        let of = |status: VirtualRouterStatus| effects(&file(&[("A", 200, "10.0.0.1/24")]), &file(&lower), &[status]);
        assert_eq!(of(refused).unsure, ["A"]);
        assert_eq!(of(heard("A", "MASTER", 200, None)).unsure, ["A"], "a backup that was always one is never heard");
        assert_eq!(of(heard("A", "BACKUP", 200, None)).unsure, [""; 0]);
    }

    #[test]
    fn another_weight_of_what_fails_moves_a_mastership_and_that_of_what_does_not_fail_moves_none() {
        let with = |track: &str| {
            let text = format!(
                "vrrp_script s {{\nscript /bin/true\nweight -5\n}}\nvrrp_instance A {{\ninterface eth0\nvirtual_router_id 51\n\
                 priority 200\ntrack_script {{\n{track}\n}}\nvirtual_ipaddress {{\n10.0.0.1/24\n}}\n}}\n"
            );
            config::parse("x", &text).configuration.unwrap()
        };
        let of = |state: &str, track: &str| {
            let mut status = heard("A", "MASTER", 200, Some(100));
            let said =
                json!({"kind": "script", "name": "s", "weight": -5, "reverse": false, "state": state, "said": ""});
            status.detail.tracked = vec![serde_json::from_value(said).unwrap()];
            status.effective_priority = if state == "down" { 195 } else { 200 };
            effects(&with("s"), &with(track), &[status])
        };
        let told = of("down", "s weight -150");
        assert_eq!(told.moving, ["A"]);
        assert!(
            told.lines[0]
                .starts_with("instance A: priority 195 -> 50 by what it tracks: 10.0.0.12 (priority 100) would")
        );
        let told = of("down", "s weight 0");
        assert_eq!(
            (told.lines, told.moving),
            (vec!["instance A: script s is bad and has no weight: FAULT".to_owned()], vec!["A".to_owned()])
        );
        assert_eq!(of("up", "s weight -150"), Effects::default());
        assert_eq!(of("down", "s weight -50").moving, [""; 0]);
    }

    #[test]
    fn a_sync_group_moves_as_a_whole() {
        let grouped = |priority| {
            let mut file =
                file(&[("A", priority, "10.0.0.1/24"), ("B", 200, "10.0.0.2/24"), ("C", 200, "10.0.0.3/24")]);
            let text = "vrrp_sync_group G {\ngroup {\nA\nB\n}\n}\n";
            file.sync_groups = config::parse("x", &format!("{text}{}", "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\n}\nvrrp_instance B {\ninterface eth0\nvirtual_router_id 2\n}\n")).configuration.unwrap().sync_groups;
            file
        };
        let status = |rival| ["A", "B", "C"].map(|name| heard(name, "MASTER", 200, rival));
        let told = effects(&grouped(200), &grouped(90), &status(Some(100)));
        assert_eq!(told.moving, ["A", "B"]);
        assert_eq!(told.lines[1], "instance B goes with A: sync group G");
        assert_eq!(effects(&grouped(200), &grouped(90), &status(None)).unsure, ["A", "B"]);
    }

    #[test]
    fn instances_that_come_and_go_say_what_becomes_of_their_addresses() {
        let (a, b) = (("A", 200, "10.0.0.1/24"), ("B", 100, "10.0.0.2/24"));
        let master = heard("A", "MASTER", 200, Some(100));
        assert_eq!(
            told(&[a], &[b], std::slice::from_ref(&master)),
            [
                "instance A ends: it sends priority 0, 10.0.0.1/24 leave this host; 10.0.0.12 (priority 100) would take over",
                "instance B starts: as backup; it is master of 10.0.0.2/24 when no other master is heard for up to 4 s",
            ]
        );
        assert_eq!(
            told(&[a], &[], &[heard("A", "BACKUP", 200, None)]),
            ["instance A ends: it is not master here, and no address moves"]
        );
        assert_eq!(
            told(&[a, b], &[("A", 200, "10.0.0.3/24"), ("B", 100, "10.0.0.2/24 10.0.0.1/24")], &[master]),
            ["10.0.0.3/24 comes up on this host: A is master here", "10.0.0.1/24 moves from instance A to B",]
        );
    }
}

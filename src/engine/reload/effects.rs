//! What a reload means for mastership and virtual addresses, from the configurations and what is heard: lines of the preview.
//!
//! A backup says nothing on the wire: who would take over is said by the last advertisement of a router that was accepted.

use crate::engine::model::{Configuration, VirtualRouter};
use crate::engine::snapshot::{VirtualRouterState, VirtualRouterStatus};
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
}

impl Effects {
    fn tell(&mut self, name: &str, (line, moves): (String, bool)) {
        self.lines.push(line);
        if moves && self.moving.last().is_none_or(|last| last != name) {
            self.moving.push(name.to_owned());
        }
    }
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
        effects.tell(&gone.name, (line, is_master(status)));
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
                effects.tell(&router.name, (line, is_master(status)));
            }
            Some(before) => {
                let told =
                    ranks(before, router, status).into_iter().chain(moves(before, router, status, (&held, &holds)));
                told.for_each(|told| effects.tell(&router.name, told));
            }
        }
    }
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

/// What another priority leads to, and whether mastership is to move by it.
fn ranks(
    before: &VirtualRouter,
    router: &VirtualRouter,
    status: Option<&VirtualRouterStatus>,
) -> Option<(String, bool)> {
    let (old, new) = (before.priority.get(), router.priority.get());
    if old == new {
        return None;
    }
    let name = &router.name;
    let change = format!("instance {name}: priority {old} -> {new}");
    if new == OWNER {
        let follows = if is_master(status) { "stays master" } else { "is master at once" };
        let said = format!("{change}: it becomes the owner and {follows}, whatever others say");
        return Some((said, !is_master(status)));
    }
    let status = status?;
    if let Some(set) = status.priority_set {
        return Some((
            format!("{change}: {set}, which an operator set, counts until `priority {name} --from-file`"),
            false,
        ));
    }
    // What is tracked adds or takes as much as before.
    let tracked = if old == OWNER { 0 } else { i16::from(status.effective_priority) - i16::from(old) };
    let counts = u8::try_from((i16::from(new) + tracked).clamp(1, 254)).unwrap_or(1);
    let rival = strongest(status);
    let stays = |said: &str| (format!("{change}: {said}"), false);
    let moves = |said: &str| (format!("{change}: {said}"), true);
    Some(match (is_master(Some(status)), rival) {
        (true, Some((address, priority))) if priority > counts => {
            moves(&format!("{address} (priority {priority}) would take over, unless it has nopreempt"))
        }
        (true, Some((address, priority))) if priority == counts => {
            moves(&format!("{address} has {priority} too, so that the higher address is master"))
        }
        (true, Some((address, priority))) => stays(&format!("it stays master before {address} (priority {priority})")),
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
    })
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
            format!("{line}it stays master as far as is known; no other router was heard")
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
        assert!(told(&[("A", 200, "10.0.0.1/24")], &lower, &[refused])[0].ends_with("no other router was heard"));
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

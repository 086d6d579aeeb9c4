//! What a reload means for mastership and virtual addresses, from the configurations and what is heard: lines of the preview.
//!
//! A backup says nothing on the wire: who would take over is said by the last advertisement of a router that was accepted.

mod groups;
mod ranks;

use crate::engine::model::{Configuration, TrackKind, VirtualRouter};
use crate::engine::snapshot::{ForeignRouter, VirtualRouterState, VirtualRouterStatus};
use crate::engine::vrrp::Tracked;
use std::collections::{BTreeMap, HashMap};

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
    /// Masters whose mastership moves on a condition that nobody can answer now, and the condition: `a backup …`.
    pub unsure: Vec<(String, String)>,
    /// What operators wanted of an instance and ends with it.
    pub ended: Vec<String>,
    /// Priorities that operators gave where the file has another one from now on: the instance, how it is, and how it would be.
    pub met: Vec<[String; 3]>,
}

/// What is there while a reload is previewed, beside the instances.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Virtual routers of others that are heard.
    pub foreign: Vec<ForeignRouter>,
    /// Whether each interface is up and has a carrier; none where nobody can say.
    pub links: Option<BTreeMap<String, bool>>,
    /// How the files and processes that the new configuration tracks count.
    pub tracked: BTreeMap<(TrackKind, String), Tracked>,
}

/// Whether mastership is to move.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Moves {
    Yes,
    /// If this is so.
    Perhaps(String),
    No,
}

impl Effects {
    fn tell(&mut self, name: &str, (line, moves): (String, Moves)) {
        self.lines.push(line);
        if self.names(name) {
            return;
        }
        match moves {
            Moves::Yes => self.moving.push(name.to_owned()),
            Moves::Perhaps(condition) => self.unsure.push((name.to_owned(), condition)),
            Moves::No => {}
        }
    }

    fn names(&self, name: &str) -> bool {
        self.moving.iter().any(|moving| moving == name)
    }
}

/// The two configurations, and what is known now.
struct Sight<'a> {
    old: &'a Configuration,
    new: &'a Configuration,
    before: HashMap<&'a str, &'a VirtualRouter>,
    now: HashMap<&'a str, &'a VirtualRouterStatus>,
    found: &'a Found,
}

impl<'a> Sight<'a> {
    fn status(&self, name: &str) -> Option<&'a VirtualRouterStatus> {
        self.now.get(name).copied()
    }

    /// What it was before, where it goes on.
    fn goes_on(&self, router: &VirtualRouter) -> Option<&'a VirtualRouter> {
        self.before.get(router.name.as_str()).copied().filter(|before| before.is_same_to_others(router))
    }
}

const fn surely(moves: bool) -> Moves {
    if moves { Moves::Yes } else { Moves::No }
}

/// Each instance whose mastership or addresses a reload may move.
pub fn effects(old: &Configuration, new: &Configuration, status: &[VirtualRouterStatus], found: &Found) -> Effects {
    let now = status.iter().map(|router| (router.name.as_str(), router)).collect();
    let sight = Sight { old, new, before: by_name(old), now, found };
    let (after, held, holds) = (by_name(new), holders(old), holders(new));
    let mut effects = Effects::default();
    // Members that can't lead or stop leading, and so take their sync groups along.
    let mut leaders = Vec::new();
    for gone in old.virtual_routers.iter().filter(|router| !after.contains_key(router.name.as_str())) {
        let status = sight.status(&gone.name);
        let line = format!("instance {} ends: {}", gone.name, leaves(gone, status));
        effects.tell(&gone.name, (line, surely(is_master(status))));
        let held = status.into_iter().flat_map(|status| {
            let of_priority = status.priority_by.clone();
            let held = status.held.clone().filter(|held| !of_priority.as_ref().is_some_and(|by| held.starts_with(by)));
            of_priority.into_iter().chain(held)
        });
        effects.ended.extend(held.map(|held| format!("{} ({})", gone.name, held.replace("; ", ", "))));
    }
    for router in &new.virtual_routers {
        let (name, status) = (&router.name, sight.status(&router.name));
        if let (Some(before), Some(set)) = (sight.before.get(name.as_str()), status.and_then(|s| s.priority_set))
            && before.priority != router.priority
        {
            let instead = |file: u8| {
                if file == set {
                    format!("priority {set}, as the file says")
                } else {
                    format!("priority {set} by an operator in place of {file}")
                }
            };
            let (was, is) = (instead(before.priority.get()), instead(router.priority.get()));
            effects.met.push([name.clone(), was, is]);
        }
        if let Some(before) = sight.goes_on(router) {
            for told in sight.ranks(before, router, status) {
                leaders.extend(is_master(status).then(|| (name.clone(), told.1.clone())));
                effects.tell(name, told);
            }
            for (line, moves) in moves(before, router, status, (&held, &holds)) {
                effects.tell(name, (line, surely(moves)));
            }
            continue;
        }
        let (starts, drags) = sight.starts(router);
        leaders.push((name.clone(), drags));
        match sight.before.get(name.as_str()) {
            None => effects.lines.push(format!("instance {name} starts: {starts}")),
            Some(before) => {
                let line = format!("instance {name} starts anew: {}; then {starts}", leaves(before, status));
                effects.tell(name, (line, surely(is_master(status))));
            }
        }
    }
    sight.groups(&mut effects, &leaders);
    effects.unsure.retain(|(name, _)| !effects.moving.contains(name));
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

/// The other router of the highest priority, among those of which an advertisement was accepted.
fn strongest(status: &VirtualRouterStatus) -> Option<(&str, u8)> {
    let heard = status.peers.iter().filter_map(|peer| Some((peer.address.as_str(), peer.detail.accepted?.priority)));
    heard.max_by_key(|(_, priority)| *priority)
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
mod tests;

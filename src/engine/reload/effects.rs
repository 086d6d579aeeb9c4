//! What a reload means for mastership and virtual addresses, from the configurations and what is heard: lines of the preview.
//!
//! A backup says nothing on the wire: who would take over is said by the last advertisement of a router that was accepted.

mod fitness;
mod groups;
mod outlook;
mod words;

use crate::engine::model::{Configuration, Priority, TrackKind, VirtualRouter};
use crate::engine::snapshot::{ForeignRouter, VirtualRouterState, VirtualRouterStatus};
use crate::engine::vrrp::Tracked;
use std::collections::{BTreeMap, HashMap};

/// So many instances are named.
const MOST_NAMED: usize = 5;

/// An owner's priority.
const OWNER: u8 = 255;

/// A script, and whether its first run succeeds.
type First<'a> = Option<(&'a str, bool)>;

/// What a reload means for mastership and virtual addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// A line for each effect.
    pub lines: Vec<String>,
    /// Instances whose mastership is to move: from this node, or to it.
    pub moving: Vec<String>,
    /// Those whose mastership moves on a condition that nobody can answer now, and the condition: `a backup …`.
    pub unsure: Vec<(String, String)>,
    /// Which of these move to this node.
    pub coming: Vec<String>,
    /// Those that would take over from a master that nobody listens for yet, and from which: `a master of a priority below …`.
    pub assumed: Vec<(String, String)>,
    /// Addresses, `address/prefix`, that leave this host while their instance stays master.
    pub leaving: Vec<String>,
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

/// The two configurations, and what is known now.
struct Sight<'a> {
    old: &'a Configuration,
    new: &'a Configuration,
    before: HashMap<&'a str, &'a VirtualRouter>,
    after: HashMap<&'a str, &'a VirtualRouter>,
    now: HashMap<&'a str, &'a VirtualRouterStatus>,
    /// How what is tracked counts, by kind and name.
    seen: HashMap<(&'a str, &'a str), Tracked>,
    found: &'a Found,
}

impl<'a> Sight<'a> {
    fn new(
        (old, new): (&'a Configuration, &'a Configuration),
        status: &'a [VirtualRouterStatus],
        found: &'a Found,
    ) -> Self {
        let now = status.iter().map(|router| (router.name.as_str(), router)).collect();
        let tracked = status.iter().flat_map(|router| &router.detail.tracked);
        let seen =
            tracked.filter_map(|seen| Some(((seen.kind.as_str(), seen.name.as_str()), seen.state.parse().ok()?)));
        let seen = seen.filter(|(_, state)| *state != Tracked::Unanswered).collect();
        Self { old, new, before: by_name(old), after: by_name(new), now, seen, found }
    }

    fn status(&self, name: &str) -> Option<&'a VirtualRouterStatus> {
        self.now.get(name).copied()
    }

    /// What it was before, where it goes on.
    fn goes_on(&self, router: &VirtualRouter) -> Option<&'a VirtualRouter> {
        self.before.get(router.name.as_str()).copied().filter(|before| before.is_same_to_others(router))
    }
}

/// Each instance whose mastership or addresses a reload may move.
pub fn effects(old: &Configuration, new: &Configuration, status: &[VirtualRouterStatus], found: &Found) -> Effects {
    let sight = Sight::new((old, new), status, found);
    let (held, holds) = (holders(old), holders(new));
    let mut effects = Effects::default();
    for gone in old.virtual_routers.iter().filter(|router| !sight.after.contains_key(router.name.as_str())) {
        let status = sight.status(&gone.name);
        effects.lines.push(format!("instance {} ends: {}", gone.name, leaves(gone, status)));
        effects.moving.extend(is_master(status).then(|| gone.name.clone()));
        let held = status.into_iter().flat_map(|status| {
            let of_command = fitness::held(status).map(str::to_owned);
            status.priority_by.clone().into_iter().chain(of_command)
        });
        effects.ended.extend(held.map(|held| format!("{} ({})", gone.name, held.replace("; ", ", "))));
    }
    let (was, will) = (sight.all_as_it_is(), sight.all());
    for router in &new.virtual_routers {
        let (name, status) = (&router.name, sight.status(&router.name));
        let Some(outlook) = will.0.get(name.as_str()) else { continue };
        let before = sight.before.get(name.as_str()).copied();
        effects.met.extend(before.and_then(|before| met(before, router, status)));
        let (goes_on, was_here) = (sight.goes_on(router), is_master(status));
        let begins_anew = before.is_some() && goes_on.is_none();
        let moves = if begins_anew && was_here { Moves::Yes } else { sight.moves(name, &was, &will) };
        effects.coming.extend((!was_here && moves != Moves::No).then(|| name.clone()));
        match moves {
            Moves::Yes => effects.moving.push(name.clone()),
            Moves::Perhaps(condition) => effects.unsure.push((name.clone(), condition)),
            Moves::No => {
                effects.assumed.extend(outlook.assumes().map(|condition| (name.clone(), condition.to_owned())));
            }
        }
        if let Some((before, status)) = goes_on.zip(status) {
            effects.lines.extend(sight.lines((before, router), status, (was.get(name.as_str()), outlook)));
        }
        match (goes_on, before) {
            (Some(before), _) => {
                let (lines, leaving) = readdressed(before, router, was_here, (&held, &holds));
                effects.lines.extend(lines);
                effects.leaving.extend(leaving);
            }
            (None, Some(before)) => {
                let starts = sight.starts(router, outlook);
                effects.lines.push(format!("instance {name} starts anew: {}; then {starts}", leaves(before, status)));
            }
            (None, None) => effects.lines.push(format!("instance {name} starts: {}", sight.starts(router, outlook))),
        }
    }
    effects
}

/// What becomes of the priority that an operator gave.
fn met(before: &VirtualRouter, router: &VirtualRouter, status: Option<&VirtualRouterStatus>) -> Option<[String; 3]> {
    let set = status?.priority_set.filter(|_| before.priority != router.priority)?;
    let instead = |file: u8| {
        if file == set {
            format!("priority {set}, as the file says")
        } else {
            format!("priority {set} by an operator in place of {file}")
        }
    };
    Some([router.name.clone(), instead(before.priority.get()), instead(router.priority.get())])
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
        return "it is not master here".to_owned();
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

/// Addresses that come, go or change their instance, and which of them leave this host.
fn readdressed(
    before: &VirtualRouter,
    router: &VirtualRouter,
    is_here: bool,
    (held, holds): (&HashMap<String, String>, &HashMap<String, String>),
) -> (Vec<String>, Vec<String>) {
    let (name, master) = (&router.name, "master here");
    let text = |side: &VirtualRouter| -> Vec<String> { side.addresses.iter().map(ToString::to_string).collect() };
    let (old, new) = (text(before), text(router));
    let come = new.iter().filter(|address| !old.contains(address)).map(|address| match held.get(address.as_str()) {
        Some(other) if other != name => format!("{address} moves from instance {other} to {name}"),
        _ if is_here => format!("{address} comes up on this host: {name} is {master}"),
        _ => format!("{address} is for the master of {name}, which is not this node"),
    });
    let gone =
        |address: &&String| !new.contains(address) && holds.get(address.as_str()).is_none_or(|other| other == name);
    let gone: Vec<String> = old.iter().filter(gone).cloned().collect();
    let go = gone.iter().map(|address| {
        if is_here {
            format!("{address} leaves this host: {name} is {master} and has it no longer")
        } else {
            format!("{address} is of {name} no longer; it is not on this host")
        }
    });
    (come.chain(go).collect(), if is_here { gone.clone() } else { Vec::new() })
}

fn own_priority(router: &VirtualRouter, status: Option<&VirtualRouterStatus>) -> Priority {
    let set = status.and_then(|status| Priority::new(status.priority_set?).ok());
    set.unwrap_or(router.priority)
}

#[cfg(test)]
mod tests;

//! Lines 1 and 2 of the console from a status: `GET /v1/summary`, small whatever the size.

use super::facts::{DriftIndex, ServiceFacts, down_reason};
use super::page::row_key;
use super::{
    ForeignRouter, Health, IpvsTotals, PeerState, RealServerStatus, Role, Status, VirtualRouterState,
    VirtualRouterStatus, VirtualServerStatus, Warning, rfc3339,
};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::time::SystemTime;

/// What an operator wants to know in two seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// This node.
    pub node: String,
    /// The engine's process.
    pub pid: u32,
    /// `run`, `watch`, `demo` or `replay`.
    pub mode: String,
    /// All instances in a word.
    pub role: Role,
    /// Instances of which this node is master, and all of them.
    pub masters: (usize, usize),
    /// Virtual addresses on this host, and all of them.
    pub addresses_here: (usize, usize),
    /// Services without their quorum, and all of them.
    pub services_degraded: (usize, usize),
    /// Services that have their quorum and lack a server: DEGRADED in tables.
    #[serde(default)]
    pub services_impaired: usize,
    /// Instances that an operator holds: back by `failover`, in front by `takeover`, or by another `priority`.
    #[serde(default)]
    pub held: usize,
    /// Real servers by state.
    pub totals: Totals,
    /// What is wrong, worst first, at most 16.
    pub problems: Vec<Problem>,
    /// How many there are in all.
    pub problem_count: usize,
    /// When a state last changed.
    #[serde(with = "rfc3339::option")]
    pub changed_at: Option<SystemTime>,
    /// Number of the newest event.
    pub last_event: u64,
    /// This moment on the engine's clock, for ages.
    #[serde(with = "rfc3339")]
    pub now: SystemTime,
    /// Whether the asker may give commands.
    pub writable: bool,
    /// What the kernel counts in all; none where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipvs: Option<IpvsTotals>,
    /// Virtual routers of others that are heard on interfaces of ours, at most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_routers: Vec<ForeignRouter>,
    /// Whether this is a moment of the past, made of what is remembered: totals, timers and peers are not known then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_rewound: bool,
}

/// Real servers by state; each is counted once a service, in the first of: down, draining, unknown, up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// All.
    pub real_servers: usize,
    /// Serving.
    pub up: usize,
    /// Failed their checks.
    pub down: usize,
    /// Taken out by the operator.
    pub draining: usize,
    /// Not checked yet.
    pub unknown: usize,
}

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Key of the row it is about (see [`super::Row::key`]), or the instance's name.
    pub key: String,
    /// `DOWN 10.0.3.21:80 tcp/10.0.0.1:80 connection refused`.
    pub text: String,
    /// Since when.
    #[serde(with = "rfc3339::option")]
    pub since: Option<SystemTime>,
}

/// Most problems listed.
const MAX_PROBLEMS: usize = 16;

/// Most virtual routers of others listed.
const MAX_FOREIGN: usize = 64;

impl Role {
    /// All instances in a word. `split_brain`: another router is heard as master of an instance of which this node is.
    pub fn of(routers: &[VirtualRouterStatus], split_brain: bool) -> Self {
        let Some(first) = routers.first() else { return Self::Init };
        match (split_brain, routers.iter().all(|r| r.state == first.state), first.state) {
            (true, ..) => Self::SplitBrain,
            (false, false, _) => Self::Mixed,
            (false, true, VirtualRouterState::Init) => Self::Init,
            (false, true, VirtualRouterState::Backup) => Self::Backup,
            (false, true, VirtualRouterState::Master) => Self::Master,
            (false, true, VirtualRouterState::Fault) => Self::Fault,
        }
    }
}

impl Summary {
    /// Whether it is looked on beside another director: what that one sends and does is not known beyond what was heard.
    pub fn only_watches(&self) -> bool {
        self.mode == "watch"
    }

    /// Lines 1 and 2 from everything. `writable`: whether the one who asks may give commands.
    pub fn of(status: &Status, now: SystemTime, writable: bool) -> Self {
        let routers = &status.virtual_routers;
        let drift = DriftIndex::of(&status.drift);
        let (mut totals, mut services_impaired) = (Totals::default(), 0);
        for service in &status.virtual_servers {
            let facts = ServiceFacts::of(service, &drift);
            totals.merge(facts.totals);
            services_impaired += usize::from(facts.is_impaired(service));
        }
        let (problems, problem_count) = problems(status);
        Self {
            node: status.node.clone(),
            pid: status.pid,
            mode: status.mode.clone(),
            role: status.role,
            masters: (routers.iter().filter(|r| r.state == VirtualRouterState::Master).count(), routers.len()),
            addresses_here: (
                routers.iter().map(|r| r.addresses_here.len()).sum(),
                routers.iter().map(|r| r.addresses.len()).sum(),
            ),
            services_degraded: (
                status.virtual_servers.iter().filter(|s| !s.quorum.up).count(),
                status.virtual_servers.len(),
            ),
            services_impaired,
            held: routers.iter().filter(|r| r.held.is_some()).count(),
            totals,
            problems,
            problem_count,
            changed_at: status.changed_at,
            last_event: status.last_event,
            now,
            writable,
            ipvs: status.ipvs,
            foreign_routers: status.foreign_routers.iter().take(MAX_FOREIGN).cloned().collect(),
            is_rewound: false,
        }
    }
}

impl Summary {
    /// Services that are not as they should be: how many, in which word.
    pub fn services_ailing(&self) -> impl Iterator<Item = (usize, &'static str)> {
        let all = [(self.services_degraded.0, "NO QUORUM"), (self.services_impaired, "DEGRADED")];
        all.into_iter().filter(|(number, _)| *number > 0)
    }
}

/// The worst problems and the number of all: split brain, FAULT, lost quorum, servers down (the latest first), drift,
/// warnings. A warning about the configuration (its code begins with `config`), of a clock that nobody sets, or of what the
/// userspace dataplane is, is no problem of this moment.
fn problems(status: &Status) -> (Vec<Problem>, usize) {
    let mut down: Vec<_> = status
        .virtual_servers
        .iter()
        .flat_map(|service| service.real_servers.iter().map(move |server| (service, server)))
        .filter(|(_, server)| server.health == Health::Down)
        .collect();
    let down_count = down.len();
    if down_count > MAX_PROBLEMS {
        down.select_nth_unstable_by_key(MAX_PROBLEMS, |(_, server)| Reverse(server.health_since));
        down.truncate(MAX_PROBLEMS);
    }
    down.sort_by_key(|(_, server)| Reverse(server.health_since));
    let alarms: Vec<Problem> = split_brains(status).into_iter().chain(faults(status)).collect();
    let worse: Vec<Problem> = lost_quorums(status).collect();
    let is_standing =
        |w: &&Warning| w.code.starts_with("config") || ["clock-unsynchronised", "userspace"].contains(&w.code.as_str());
    // What is wrong with an object already is not told, nor counted, once more.
    let is_told = |w: &&Warning| alarms.iter().chain(&worse).any(|problem| problem.key == w.subject);
    let warnings = || status.warnings.iter().filter(|w| !is_standing(w) && !is_told(w));
    let count = alarms.len() + worse.len() + down_count + status.drift.len() + warnings().count();
    let rest = down.into_iter().map(|(service, server)| server_down(service, server));
    let drift = status.drift.iter().map(|d| Problem {
        key: d.subject.clone(),
        text: format!("DRIFT {} wanted {}, found {}: {}", d.subject, d.wanted, d.found, d.action),
        since: None,
    });
    let warned = warnings().map(|w| Problem {
        key: w.subject.clone(),
        text: format!("WARNING {}: {}", w.subject, w.message),
        since: None,
    });
    let (mut first, mut last): (Vec<Problem>, Vec<Problem>) = (Vec::new(), warned.collect());
    if status.mode == "watch" {
        // What can't be seen comes before what is seen of the table: that is to be read with it in mind.
        std::mem::swap(&mut first, &mut last);
    }
    (
        alarms.into_iter().chain(first).chain(worse).chain(rest).chain(drift).chain(last).take(MAX_PROBLEMS).collect(),
        count,
    )
}

fn split_brains(status: &Status) -> Vec<Problem> {
    let masters = status.virtual_routers.iter().filter(|r| r.state == VirtualRouterState::Master);
    let problem = |router: &VirtualRouterStatus, text: String| Problem {
        key: router.name.clone(),
        text: format!("SPLIT-BRAIN {}: {text}", router.name),
        since: None,
    };
    let mut found = Vec::new();
    for router in masters {
        let before = found.len();
        found.extend(router.peers.iter().filter(|p| p.state == PeerState::Master).map(|peer| {
            let priority = peer.last_priority.map_or_else(String::new, |p| format!(" with priority {p}"));
            let why =
                router.detail.split_brain.as_ref().map_or_else(String::new, |split| format!(": {}", split.evidence));
            problem(router, format!("{} advertises as master too{priority}{why}", peer.address))
        }));
        if let (true, Some(split)) = (found.len() == before, &router.detail.split_brain) {
            found.push(problem(router, split.evidence.clone()));
        }
    }
    if !found.is_empty() || status.role != Role::SplitBrain {
        return found;
    }
    vec![Problem {
        key: status.node.clone(),
        text: "SPLIT-BRAIN: another router is master too".to_owned(),
        since: None,
    }]
}

fn faults(status: &Status) -> impl Iterator<Item = Problem> {
    status.virtual_routers.iter().filter(|r| r.state == VirtualRouterState::Fault).map(|router| Problem {
        key: router.name.clone(),
        text: format!("FAULT {} {}", router.name, router.reason),
        since: Some(router.since),
    })
}

fn lost_quorums(status: &Status) -> impl Iterator<Item = Problem> {
    status.virtual_servers.iter().filter(|s| !s.quorum.up).map(|service| Problem {
        key: service.key.to_string(),
        text: format!(
            "NO QUORUM {} has weight {} of {} needed{}",
            service.key,
            service.quorum.have,
            service.quorum.need,
            service.sorry_server.map_or_else(String::new, |sorry| format!("; the sorry server {} serves", sorry.key))
        ),
        since: None,
    })
}

fn server_down(service: &VirtualServerStatus, server: &RealServerStatus) -> Problem {
    let why = down_reason(server).map_or_else(String::new, |why| format!(" {why}"));
    Problem {
        key: row_key(service.key, server.key),
        text: format!("DOWN {} {}{why}", server.key, service.key),
        since: Some(server.health_since),
    }
}

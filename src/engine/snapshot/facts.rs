//! What the computed views say of one service and one server: counts, notes, and whether a person is needed.
//!
//! One place, so that a row, the problem list and a filter never disagree about the same server.

use super::{Admin, CheckStatus, Drift, Health, RealServerStatus, Totals, VirtualServerStatus};
use crate::engine::model::{RealServerKey, ServiceKey};
use std::collections::HashMap;
use std::fmt::Write as _;

/// How a server counts: the first of these that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Failed its checks.
    Down,
    /// Taken out by the operator.
    Draining,
    /// Not checked yet.
    Unknown,
    /// Serving.
    Up,
}

impl Standing {
    /// The standing of a server.
    pub(super) const fn of(server: &RealServerStatus) -> Self {
        match (server.health, server.admin) {
            (Health::Down, _) => Self::Down,
            (_, Admin::Draining | Admin::Maintenance) => Self::Draining,
            (Health::Unknown, Admin::Enabled) => Self::Unknown,
            (Health::Up, Admin::Enabled) => Self::Up,
        }
    }
}

impl Totals {
    /// Counts one more server.
    pub(super) const fn add(&mut self, server: &RealServerStatus) {
        self.real_servers += 1;
        match Standing::of(server) {
            Standing::Down => self.down += 1,
            Standing::Draining => self.draining += 1,
            Standing::Unknown => self.unknown += 1,
            Standing::Up => self.up += 1,
        }
    }
    /// Counts the servers of one more service.
    pub(super) const fn merge(&mut self, more: Self) {
        let Self { real_servers, up, down, draining, unknown } = more;
        self.real_servers += real_servers;
        self.up += up;
        self.down += down;
        self.draining += draining;
        self.unknown += unknown;
    }
}

/// Differences between wish and kernel, by what they are about.
#[derive(Debug, Default)]
pub(super) struct DriftIndex<'a>(HashMap<(ServiceKey, Option<RealServerKey>), &'a Drift>);

impl<'a> DriftIndex<'a> {
    /// Drift whose subject is no key is left out: no row shows it.
    pub(super) fn of(drift: &'a [Drift]) -> Self {
        Self(drift.iter().filter_map(|d| Some((parse_row_key(&d.subject)?, d))).collect())
    }
    /// What is wrong with a service itself.
    pub(super) fn service(&self, service: ServiceKey) -> Option<&'a Drift> {
        self.get(service, None)
    }
    /// What is wrong with a server in a service.
    pub(super) fn server(&self, service: ServiceKey, server: RealServerKey) -> Option<&'a Drift> {
        self.get(service, Some(server))
    }
    fn get(&self, service: ServiceKey, server: Option<RealServerKey>) -> Option<&'a Drift> {
        if self.0.is_empty() { None } else { self.0.get(&(service, server)).copied() }
    }
}

/// Reads `VS` or `VS RS` back; none when it is neither.
pub(super) fn parse_row_key(text: &str) -> Option<(ServiceKey, Option<RealServerKey>)> {
    match text.split_once(' ') {
        None => Some((text.parse().ok()?, None)),
        Some((service, server)) => Some((service.parse().ok()?, Some(server.parse().ok()?))),
    }
}

/// What one walk over a service's servers gives.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ServiceFacts {
    /// Servers by standing.
    pub totals: Totals,
    /// Servers that count as up and are not in the kernel as wanted, because it refuses them.
    pub refused: usize,
    /// Active connections of all servers.
    pub active: u32,
    /// Whether the service or one of its servers drifts.
    pub drifts: bool,
}

impl ServiceFacts {
    /// Walks over the servers once.
    pub(super) fn of(service: &VirtualServerStatus, drift: &DriftIndex<'_>) -> Self {
        let mut facts = Self { drifts: drift.service(service.key).is_some(), ..Self::default() };
        let missing = !service.in_kernel && drift.service(service.key).is_some_and(is_refused);
        for server in &service.real_servers {
            facts.totals.add(server);
            let own = drift.server(service.key, server.key).is_some_and(is_refused);
            facts.refused += usize::from((own || missing) && Standing::of(server) == Standing::Up);
            facts.active = facts.active.saturating_add(server.active);
            facts.drifts |= drift.server(service.key, server.key).is_some();
        }
        facts
    }
    /// Whether it has its quorum and lacks a server: DEGRADED.
    pub(super) const fn is_impaired(&self, service: &VirtualServerStatus) -> bool {
        service.quorum.up && (self.totals.down > 0 || self.refused > 0)
    }
    /// Place in the order "problems first": lower is worse.
    pub(super) const fn rank(&self, service: &VirtualServerStatus) -> u8 {
        if !service.quorum.up {
            0
        } else if self.totals.down > 0 || self.drifts {
            1
        } else {
            2
        }
    }
    /// `2/2 ok`, `1/2 DEGRADED`, `0/2 NO QUORUM`, with what else holds.
    pub(super) fn note(&self, service: &VirtualServerStatus) -> String {
        let Totals { real_servers, up, down: _, draining, unknown } = self.totals;
        let serving = up.saturating_sub(self.refused);
        let word = match (service.quorum.up, self.is_impaired(service)) {
            (false, _) => "NO QUORUM",
            (true, true) => "DEGRADED",
            // Of none of them anything is known: nobody says that they are well.
            (true, false) if serving == 0 && unknown > 0 => "checked",
            (true, false) => "ok",
        };
        let mut note = format!("{serving}/{real_servers} {word}");
        if let Some(sorry) = service.sorry_server {
            let _ = write!(note, ", sorry server {}", sorry.key); // writing to a String can't fail
        }
        if self.refused > 0 {
            let _ = write!(note, ", {} refused", self.refused); // writing to a String can't fail
        }
        if draining > 0 {
            let _ = write!(note, ", {draining} out"); // writing to a String can't fail
        }
        if unknown > 0 {
            let _ = write!(note, ", {unknown} unknown");
        }
        note
    }
    /// The words that `state:` finds a service by.
    pub(super) fn push_states(&self, service: &VirtualServerStatus, text: &mut String) {
        text.push_str(if service.quorum.up { " up" } else { " down" });
        if self.rank(service) < 2 {
            text.push_str(" problem");
        }
        if self.is_impaired(service) {
            text.push_str(" degraded");
        }
        if service.sorry_server_active {
            text.push_str(" sorry");
        }
        if self.drifts {
            text.push_str(" drift");
        }
    }
}

/// The kernel does not take what is wanted.
fn is_refused(drift: &Drift) -> bool {
    drift.action.starts_with("refused")
}

/// Place of a server in the order "problems first": lower is worse.
pub(super) const fn server_rank(server: &RealServerStatus, drift: Option<&Drift>) -> u8 {
    match (server.health, drift) {
        (Health::Down, _) => 0,
        (Health::Up | Health::Unknown, Some(_)) => 1,
        (Health::Up | Health::Unknown, None) => 2,
    }
}

/// Why a server is down, as its first failing check says.
pub(super) fn down_reason(server: &RealServerStatus) -> Option<&str> {
    server.checks.iter().find(|c| c.ok == Some(false)).and_then(|c| c.error.as_deref())
}

/// A server's health in a few words: see [`super::Row::note`].
pub(super) fn server_note(server: &RealServerStatus, drift: Option<&Drift>, sorry_serves: bool) -> String {
    let note = note(server, drift, sorry_serves);
    if server.suspended { format!("{note}, checks suspended") } else { note }
}

fn note(server: &RealServerStatus, drift: Option<&Drift>, sorry_serves: bool) -> String {
    match (Standing::of(server), server.admin, drift) {
        (Standing::Down, ..) => down_reason(server).map_or_else(|| "DOWN".to_owned(), |why| format!("DOWN {why}")),
        (_, admin, _) if server.drain.as_ref().is_some_and(|drain| drain.is_over) => {
            let wish = if admin == Admin::Maintenance { "MAINT, " } else { "" };
            format!("{wish}OUT at deadline")
        }
        (_, Admin::Maintenance, _) => format!("MAINT {}", left(server)),
        (Standing::Draining, ..) => format!("DRAIN {}", left(server)),
        (Standing::Unknown | Standing::Up, _, Some(drift)) => format!("DRIFT found {}", drift.found),
        (Standing::Unknown, _, None) => {
            not_run(&server.checks).map_or_else(|| "not checked yet".to_owned(), |why| format!("not checked: {why}"))
        }
        (Standing::Up, _, None) if sorry_serves && server.weight == 0 => "up, sorry server serves".to_owned(),
        (Standing::Up, _, None) => match server.slow_start.as_deref() {
            // A check that fails says more.
            Some(slow) if server.checks.iter().all(|check| check.failures.0 == 0) => {
                format!("slow start {}/{}, {}", server.weight, slow.weight, passing_note(&server.checks))
            }
            Some(_) | None => passing_note(&server.checks),
        },
    }
}

fn passing_note(checks: &[CheckStatus]) -> String {
    if let Some(CheckStatus { failures: (failed, of), error, .. }) = checks.iter().find(|c| c.failures.0 > 0) {
        let why = error.as_deref().map_or_else(String::new, |why| format!(": {why}"));
        return format!("{failed}/{of} fails{why}");
    }
    match (not_run(checks), checks.iter().filter_map(|c| c.latency_ms).reduce(f64::max)) {
        _ if checks.is_empty() => "no check".to_owned(),
        (Some(why), _) => format!("ok, not checked: {why}"),
        (None, None) => "ok".to_owned(),
        (None, Some(ms)) => format!("ok {ms:.1}ms"),
    }
}

/// Why this host can't run a check of a server.
fn not_run(checks: &[CheckStatus]) -> Option<&str> {
    checks.iter().filter(|check| check.ok.is_none()).find_map(|check| check.error.as_deref())
}

/// `3 conn`, what a drained server is empty without; `3 conn 22 pers` where clients are bound to it.
fn left(server: &RealServerStatus) -> String {
    match server.drain.as_deref() {
        Some(drain) if drain.bound > 0 => format!("{} conn {} pers", drain.left, drain.bound),
        Some(drain) => format!("{} conn", drain.left),
        None => format!("{} conn", server.active),
    }
}

/// The words that `state:` finds a server by; `up` is one that serves.
pub(super) fn push_server_states(server: &RealServerStatus, drift: Option<&Drift>, text: &mut String) {
    text.push_str(match (server.health, server.admin) {
        (Health::Down, _) => " down problem",
        (Health::Unknown, _) => " unknown",
        (Health::Up, Admin::Enabled) => " up",
        (Health::Up, Admin::Draining | Admin::Maintenance) => "",
    });
    text.push_str(match server.admin {
        Admin::Enabled => "",
        Admin::Draining => " draining",
        Admin::Maintenance => " maintenance",
    });
    if drift.is_some() {
        text.push_str(if server.health == Health::Down { " drift" } else { " drift problem" });
    }
    if server.health != Health::Down && server.checks.iter().any(|c| c.failures.0 > 0) {
        text.push_str(" failing");
    }
    if server.added {
        text.push_str(" added");
    }
    if server.overridden.is_some() {
        text.push_str(" override");
    }
}

//! How everything was at a moment of the last day: the status of now, with what happened since taken back and the numbers of
//! then.
//!
//! Events say what was before them, the history how much went through. What neither of them has is left out instead of
//! being shown as if it had been so: totals since the start, timers, peers, drift and warnings. Services and servers that have
//! left since are not there; those that came since are not shown before they came.

use super::{History, Row, STEP, Subject};
use crate::engine::event::{Event, EventKind, own_weight};
use crate::engine::snapshot::{
    Admin, Counters, Health, OverrideStatus, QuorumStatus, Rates, RealServerStatus, Role, RouterDetail,
    SplitBrainStatus, Status, VirtualRouterState, VirtualRouterStatus, VirtualServerStatus, VrrpCounters,
};
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

/// What happened to one subject, the oldest first.
type Happened<'a> = HashMap<(EventKind, &'a str), Vec<&'a Event>>;

/// A word of an event as the type that JSON has it for.
fn word<T: DeserializeOwned>(text: Option<&str>) -> Option<T> {
    serde_json::from_value(serde_json::Value::from(text?)).ok()
}

/// What an event's kind and subject say of a moment: the state after the last event before it, or else the state before
/// the first one behind it; and since when. None where nothing happened.
fn state_of(events: Option<&Vec<&Event>>, at: SystemTime) -> Option<(String, Option<SystemTime>, Option<String>)> {
    let (last, next) = around(events?, at);
    if let Some(last) = last {
        return Some((last.to.clone()?, Some(last.at), last.reason.clone()));
    }
    let next = next?;
    // What came was not there before, though its event does not say so.
    let before = match (next.from.as_deref(), next.to.as_deref()) {
        (Some(from), _) => from,
        (None, Some("present")) => "absent",
        (None, Some("absent")) => "present",
        (None, _) => return None,
    };
    Some((before.to_owned(), None, None))
}

/// The last event up to a moment, and the first one behind it.
fn around<'a>(events: &[&'a Event], at: SystemTime) -> (Option<&'a Event>, Option<&'a Event>) {
    let behind = events.partition_point(|event| event.at <= at);
    let last = behind.checked_sub(1).and_then(|index| events.get(index));
    (last.copied(), events.get(behind).copied())
}

impl History {
    /// The status as it was at `at`, which is `second` seconds after the start; `events` are all that are known, the oldest
    /// first, and reach back to `at`.
    pub fn rewind(&self, now: &Status, events: &[Arc<Event>], at: SystemTime, second: u64) -> Status {
        let mut happened = Happened::new();
        for event in events {
            happened.entry((event.kind, event.subject.as_str())).or_default().push(event);
        }
        let then = Then { history: self, happened, at, second };
        let routers: Vec<_> = now.virtual_routers.iter().map(|router| then.router(router)).collect();
        let split = routers.iter().any(|router| router.detail.split_brain.is_some());
        let before = || events.iter().rev().filter(|event| event.at <= at);
        Status {
            role: Role::of(&routers, split),
            last_event: before().next().map_or(0, |event| event.seq),
            changed_at: before()
                .find(|event| event.kind.is_change())
                .map(|event| event.at)
                .or(now.changed_at.filter(|then| *then <= at)),
            virtual_routers: routers,
            virtual_servers: now.virtual_servers.iter().filter_map(|s| then.service(s)).map(Arc::new).collect(),
            drift: Vec::new(),
            foreign_routers: Vec::new(),
            foreign: Vec::new(),
            ipvs: None,
            warnings: Vec::new(),
            ..now.clone()
        }
    }

    /// The row of a subject at a second: that of the second, or of the ten seconds that it belongs to.
    fn row_at(&self, subject: &Subject, second: u64) -> Option<Row> {
        let kept = self.kept.get(subject)?;
        let mut row = None;
        // A sample may have come a moment late: the one before is that of this second too.
        kept.each(second.saturating_sub(2), second + 1, 1, |_, found| row = Some(found));
        if row.is_none() {
            kept.each(second / STEP * STEP, second / STEP * STEP + 1, STEP, |_, found| row = Some(found));
        }
        row
    }
}

struct Then<'a> {
    history: &'a History,
    happened: Happened<'a>,
    at: SystemTime,
    second: u64,
}

impl Then<'_> {
    fn state(&self, kind: EventKind, subject: &str) -> Option<(String, Option<SystemTime>, Option<String>)> {
        state_of(self.happened.get(&(kind, subject)), self.at)
    }

    fn word(&self, kind: EventKind, subject: &str) -> Option<String> {
        self.state(kind, subject).map(|(word, ..)| word)
    }

    /// What went through a subject then; none where it was not there. Nothing is known of one that memory has no room for, and
    /// of a moment that was not sampled: that counts as nothing.
    fn row(&self, subject: &Subject) -> Option<Row> {
        let row = self.history.row_at(subject, self.second);
        let was_sampled = || self.history.row_at(&Subject::Total, self.second).is_some();
        if row.is_none() && self.history.kept.get(subject).is_some() && was_sampled() {
            return None;
        }
        Some(row.unwrap_or_default())
    }

    fn router(&self, now: &VirtualRouterStatus) -> VirtualRouterStatus {
        let mut then = VirtualRouterStatus {
            next: None,
            counters: VrrpCounters::default(),
            // What one was then is not known, even if it has said nothing since.
            peers: Vec::new(),
            detail: RouterDetail { split_brain: None, what_if: Vec::new(), tracked: Vec::new(), ..now.detail.clone() },
            ..now.clone()
        };
        then.detail.announcements.retain(|round| round.at <= self.at);
        then.history.retain(|change| change.at <= self.at);
        if let Some(change) = then.history.last() {
            (then.state, then.since, then.reason) = (change.state, change.at, change.reason.clone());
        } else if let Some((state, since, reason)) = self.state(EventKind::InstanceState, &now.name) {
            then.state = word(Some(&state)).unwrap_or(VirtualRouterState::Init);
            then.since = since.unwrap_or(self.at);
            then.reason = reason.unwrap_or_default();
        } else if now.since > self.at {
            (then.state, then.since, then.reason) = (VirtualRouterState::Init, self.at, String::new());
        }
        let present = |address: &&String| match self.word(EventKind::Address, address) {
            Some(word) => word == "present",
            None => now.addresses_here.contains(address),
        };
        then.addresses_here = now.addresses.iter().filter(present).cloned().collect();
        then.detail.split_brain = self.split_brain(&then);
        (then.held, then.priority_set) = self.held(now);
        then.priority_by = now.priority_by.clone().filter(|_| then.priority_set == now.priority_set);
        let own = |router: &VirtualRouterStatus| i16::from(router.priority_set.unwrap_or(router.priority));
        let shifted = i16::from(now.effective_priority) + own(&then) - own(now);
        then.effective_priority = u8::try_from(shifted.clamp(1, 255)).unwrap_or(now.effective_priority);
        then
    }

    /// What a master was told of another one since it is master.
    fn split_brain(&self, router: &VirtualRouterStatus) -> Option<SplitBrainStatus> {
        let events = self.happened.get(&(EventKind::SplitBrain, router.name.as_str()))?;
        let told = |event: &&&Event| event.at <= self.at && event.at >= router.since;
        let begun = events.iter().rev().find(told).filter(|event| event.to.as_deref() == Some("begun"))?;
        let is_master = router.state == VirtualRouterState::Master;
        let said = [&begun.reason, &begun.detail].into_iter().flatten().cloned().collect::<Vec<_>>();
        is_master.then(|| SplitBrainStatus { with: Vec::new(), cause: "told".to_owned(), evidence: said.join(": ") })
    }

    /// What an operator held an instance by, and which priority was given. Where nothing has happened to that since, it was as
    /// it is now.
    fn held(&self, now: &VirtualRouterStatus) -> (Option<String>, Option<u8>) {
        let all = self.events(EventKind::Hold, &now.name);
        let word = |event: &Event| event.to.clone().unwrap_or_default();
        let (priorities, holds): (Vec<&Event>, Vec<&Event>) =
            all.iter().partition(|event| word(event).starts_with("priority "));
        let given = |word: &str| word.strip_prefix("priority ").and_then(|number| number.parse::<u8>().ok());
        let priority = match around(&priorities, self.at) {
            (Some(last), _) => given(&word(last)),
            (None, Some(next)) => next.from.as_deref().and_then(given),
            (None, None) => now.priority_set,
        };
        let held = match around(&holds, self.at) {
            (Some(last), _) => last.reason.clone().filter(|_| word(last) == "begun"),
            (None, Some(next)) => (word(next) == "ended").then(|| "by an operator".to_owned()),
            // What holds it now is said first; a priority alone says so itself.
            (None, None) => now.held.clone().filter(|held| !held.starts_with("priority ")),
        };
        (held.or_else(|| priority.map(|priority| format!("priority {priority}"))), priority)
    }

    /// None where the service was not there yet.
    fn service(&self, now: &VirtualServerStatus) -> Option<VirtualServerStatus> {
        let key = now.key.to_string();
        let row = self.row(&Subject::Service(now.key))?;
        let servers = now.real_servers.iter().filter_map(|server| self.server(now, &key, server)).collect::<Vec<_>>();
        let up = servers.iter().filter(|server| server.health == Health::Up);
        let have = up.fold(0_u32, |sum, server| sum.saturating_add(server.weight));
        let is_up = self.word(EventKind::Quorum, &key).map_or(now.quorum.up, |word| word == "up");
        Some(VirtualServerStatus {
            quorum: QuorumStatus { have, up: is_up, ..now.quorum },
            sorry_server_active: !is_up && now.sorry_server_active,
            sorry_server: now.sorry_server.filter(|_| !is_up),
            counters: Counters::default(),
            rates: rates(&row),
            real_servers: servers,
            ..now.clone()
        })
    }

    fn events<'a>(&'a self, kind: EventKind, subject: &'a str) -> &'a [&'a Event] {
        self.happened.get(&(kind, subject)).map_or(&[][..], Vec::as_slice)
    }

    /// What says whether a server was to serve. Journals of before there were overrides have other words in such an event too,
    /// which say nothing of that.
    fn wishes<'a>(&'a self, subject: &'a str) -> Vec<&'a Event> {
        let is_of = |event: &&Event| match event.to.as_deref() {
            // With its object; but not the time of a weight.
            Some("ended") => !event.from.as_deref().is_some_and(|from| from.starts_with("weight ")),
            to => word::<Admin>(to).is_some(),
        };
        self.events(EventKind::ServerAdmin, subject).iter().copied().filter(is_of).collect()
    }

    /// Whether a server was to serve; none where no event says so.
    fn admin(&self, wishes: &[&Event]) -> Option<Admin> {
        match around(wishes, self.at) {
            (Some(last), _) => word(last.to.as_deref()).or(Some(Admin::Enabled)),
            (None, next) => next?.from.as_deref()?.split(", ").find_map(|from| word(Some(from))),
        }
    }

    /// Who wanted a server otherwise than the file; the weight of now's file counts as that of then.
    fn overridden(&self, subject: &str, admin: Admin, now: &RealServerStatus) -> Option<OverrideStatus> {
        let wishes = self.wishes(subject);
        let is_now = now.overridden.as_deref().filter(|by| by.since <= self.at);
        let (weighed, next) = around(self.events(EventKind::Override, subject), self.at);
        let weight = match (weighed, next) {
            (Some(last), _) => own_weight(last.to.as_deref()?),
            (None, Some(next)) => own_weight(next.from.as_deref()?),
            (None, None) => is_now.map(|by| by.weight).filter(|weight| *weight != now.configured_weight),
        };
        // Nobody has asked for the end of a deadline.
        let drained = wishes.iter().rev().find(|event| event.at <= self.at && event.who.is_some()).copied();
        let last = [weighed.filter(|_| weight.is_some()), drained.filter(|_| admin != Admin::Enabled)];
        if weight.is_none() && admin == Admin::Enabled {
            return is_now.filter(|_| now.added).cloned();
        }
        let weight = weight.unwrap_or(now.configured_weight);
        let told = last.into_iter().flatten().max_by_key(|event| event.at).map(|event| OverrideStatus {
            since: event.at,
            who: event.who.clone().unwrap_or_else(|| "an operator".to_owned()),
            reason: event.reason.clone(),
            weight,
            until: None,
        });
        // What is wanted still says more of itself.
        let of_now = is_now.filter(|by| by.weight == weight && now.admin == admin);
        let unknown =
            || OverrideStatus { since: self.at, who: "an operator".to_owned(), reason: None, weight, until: None };
        Some(of_now.cloned().or(told).unwrap_or_else(unknown))
    }

    /// None where the server was not there yet.
    fn server(&self, service: &VirtualServerStatus, key: &str, now: &RealServerStatus) -> Option<RealServerStatus> {
        let Row(values) = self.row(&Subject::Server(service.key, now.key))?;
        let subject = format!("{key} {}", now.key);
        let table = self.word(EventKind::ServerTable, &subject);
        let admin = self.admin(&self.wishes(&subject)).unwrap_or(now.admin);
        let mut then = RealServerStatus {
            counters: Counters::default().into(),
            persistent: 0,
            admin,
            overridden: self.overridden(&subject, admin, now).map(Box::new),
            drain: None,
            slow_start: None,
            suspended: false,
            kernel_changed: None,
            ..now.clone()
        };
        if let Some((health, since, reason)) = self.state(EventKind::ServerHealth, &subject) {
            then.health = word(Some(&health)).unwrap_or(Health::Unknown);
            then.health_since = since.unwrap_or(self.at);
            for check in &mut then.checks {
                check.error = reason.clone().filter(|_| then.health == Health::Down);
                check.ok = Some(then.health == Health::Up).filter(|_| then.health != Health::Unknown);
            }
        }
        for check in &mut then.checks {
            (check.latency_ms, check.at, check.next_in_ms, check.failures.0) = (None, None, None, 0);
        }
        if let Some(weight) = self.word(EventKind::ServerWeight, &subject).and_then(|word| word.parse().ok()) {
            then.weight = weight;
        }
        match table.as_deref() {
            Some("absent") => (then.kernel, then.weight) = (None, 0),
            Some(_) if then.kernel.is_none() && then.weight == 0 => then.weight = now.configured_weight,
            _ => {}
        }
        let forward = now.forward;
        if table.as_deref() != Some("absent") && (now.kernel.is_some() || table.is_some()) {
            then.kernel = Some(crate::engine::snapshot::KernelServer { weight: then.weight, forward });
        }
        let level = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let [.., active, inactive, _] = values;
        (then.active, then.inactive, then.rates) = (level(active), level(inactive), rates(&Row(values)).into());
        Some(then)
    }
}

/// Rates are kept in tenths.
#[allow(clippy::cast_precision_loss)] // of numbers above 2^53
fn rates(row: &Row) -> Rates {
    let [connections_per_s, in_packets_per_s, out_packets_per_s, in_bytes_per_s, out_bytes_per_s, ..] =
        row.0.map(|tenths| tenths as f64 / 10.0);
    Rates { connections_per_s, in_packets_per_s, out_packets_per_s, in_bytes_per_s, out_bytes_per_s }
}

#[cfg(test)]
#[path = "rewind_tests.rs"]
mod tests;

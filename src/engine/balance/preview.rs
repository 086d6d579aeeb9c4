//! What a command would do, for people: lines before and after, operations, ipvsadm's words, who feels it.
//!
//! The changes are done to a copy of the services that they touch, so that the preview shows what the commit will do, the
//! quorum's edge included.

use super::ask::{Change, Step, apply};
use super::core::Balance;
use super::ipvsadm::ipvsadm;
use super::reconcile::Keys;
use super::server::ServerState;
use super::service::{ServiceState, Touched};
use super::wish::DrainEnd;
use crate::engine::command::{Command, Preview};
use crate::engine::health::EffectiveWeight;
use crate::engine::ipvs::{Destination, IpvsOp, IpvsTable};
use crate::engine::model::{Protocol, RealServerKey, ServiceKey};
use crate::engine::snapshot::{Admin, Health};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// Services by position, before or after the changes.
pub(super) type Touch = BTreeMap<usize, ServiceState>;

impl Balance {
    /// The preview of `changes`, the token that commits exactly it, and what it goes below. The token does not depend on how many
    /// connections there are at the moment. Errors: the dataplane can't do it.
    pub(super) fn preview(
        &self,
        now: Instant,
        command: &Command,
        changes: &[Change],
    ) -> Result<(Preview, String, Option<String>), String> {
        let before: Touch =
            changes.iter().filter_map(|c| Some((c.service, self.services.get(c.service)?.clone()))).collect();
        let mut after = before.clone();
        let mut keys = Keys::new();
        for change in changes {
            let Some(service) = after.get_mut(&change.service) else { continue };
            let touched = apply(service, change.server, &change.step, Box::default(), now);
            let touched_keys = keys.entry(service.config.key).or_default();
            touched_keys.insert(change.server);
            if touched == Touched::QuorumEdge {
                touched_keys.extend(service.keys());
            }
        }
        let desired = after.values().map(|service| (service.config.key, service.table_entry())).collect();
        let ops = self.kernel.foresee(&IpvsTable { services: desired }, &keys);
        self.can_be_done(&ops)?;
        let lines = |services: &Touch, counted: bool| -> Vec<String> {
            let moment = counted.then_some(now);
            changes.iter().filter_map(|change| self.line(services, change, services.len() > 1, moment)).collect()
        };
        let loses_most = before.iter().any(|(at, old)| loses_most(old, after.get(at)));
        let below = self.below_floor(&before, &after);
        let mut blast_radius = self.blast_radius(&before, &after, changes);
        if let Some(below) = &below {
            let _ = write!(blast_radius, "; BELOW THE FLOOR: {below}");
        }
        let preview = Preview {
            before: lines(&before, true),
            after: lines(&after, true),
            ops: ops.iter().map(|op| self.op_line(op)).chain(self.later(now, changes)).collect(),
            ipvsadm: ops.iter().map(ipvsadm).collect(),
            blast_radius,
            undo: self.undo(now, command, changes),
            undo_reason: self.undo_reason(changes),
            changed: changes.iter().filter_map(|change| self.changed(change)).collect(),
            ends: changes
                .iter()
                .filter_map(|change| self.services.get(change.service)?.server(&change.server))
                .flat_map(ServerState::deadlines)
                .collect(),
            confirm: (below.is_some() || loses_most).then(|| word(command).to_owned()),
        };
        let mut steady = Preview { before: lines(&before, false), after: lines(&after, false), ..preview.clone() };
        // Who else left meanwhile makes another thing of it; in tenths, since a large service never stands still.
        let shares = before.iter().map(|(at, old)| share(old, after.get(at)) / 10);
        steady.ops.push(format!("{:?} {:?} {:?}", shares.collect::<Vec<_>>(), below.is_some(), preview.confirm));
        let token = steady.token(command);
        Ok((preview, token, below))
    }

    /// Errors: the dataplane can't do one of them, whatever the kernel's table is.
    pub(super) fn can_be_done(&self, ops: &[IpvsOp]) -> Result<(), String> {
        let Some(limit) = self.limit else { return Ok(()) };
        ops.iter().find_map(limit).map_or(Ok(()), Err)
    }

    pub(super) fn seen(&self, service: &ServiceKey, server: &RealServerKey) -> Option<&Destination> {
        self.kernel.observed()?.services.get(service)?.destinations.get(server)
    }

    /// `10.0.0.71:80 Route weight 1 active 3 inactive 12`.
    fn line(&self, services: &Touch, change: &Change, with_service: bool, now: Option<Instant>) -> Option<String> {
        let service = services.get(&change.service)?;
        let name = service.config.key;
        let head = if with_service { format!("{name} {}", change.server) } else { change.server.to_string() };
        Some(match service.server(&change.server) {
            Some(server) => format!("{head} {}", self.server_line(service, server, now)),
            None => format!("{head} not there"),
        })
    }

    /// `Route weight 1 active 3 inactive 12`; what changes by itself only where there is a `now`.
    pub(super) fn server_line(&self, service: &ServiceState, server: &ServerState, now: Option<Instant>) -> String {
        let place = service.place(server);
        let weight = place.map_or_else(|| server.serving_weight(), |weight| weight.0);
        let mut line = format!("{} weight {weight}", server.config.forwarding.ipvsadm_name());
        if let Some(seen) = self.seen(&service.config.key, &server.config.key).filter(|_| now.is_some()) {
            let _ = write!(line, " active {} inactive {}", seen.active, seen.inactive);
        }
        for (is_so, note) in [
            (server.admin.0 == Admin::Draining, ", draining"),
            (server.admin.0 == Admin::Maintenance, ", in maintenance"),
            (server.admin.0 != Admin::Enabled, &format!(", weight {} when restored", server.serving_weight())),
            (server.health() == Health::Down, ", down"),
            (server.ramp.is_rising() && place.is_some_and(EffectiveWeight::serves), ", slow start"),
            (place.is_none(), ", not in the table"),
        ] {
            line += if is_so { note } else { "" };
        }
        if let (DrainEnd::At(end), Some(now)) = (server.ends.drain, now) {
            let _ = write!(line, ", out after {}", seconds(end.saturating_duration_since(now)));
        }
        if let (Some(at), Some(now)) = (server.ends.return_at, now) {
            let _ = write!(line, ", back after {}", seconds(at.saturating_duration_since(now)));
        }
        if let (Some(at), Some(now)) = (server.weight_ends_at(), now) {
            let (weight, after) = (server.weight_again(), seconds(at.saturating_duration_since(now)));
            let _ = write!(line, ", {weight} again after {after}");
        }
        line
    }

    /// What happens to checks, and what is done when deadlines pass.
    fn later(&self, now: Instant, changes: &[Change]) -> impl Iterator<Item = String> {
        changes.iter().flat_map(move |change| {
            let Some(service) = self.services.get(change.service) else { return Vec::new() };
            let (name, key) = (service.config.key, change.server);
            let (rested, checks) =
                service.server(&key).map_or((false, 0), |s| (s.admin.0 == Admin::Maintenance, s.config.checks.len()));
            let after = |at: Instant| seconds(at.saturating_duration_since(now));
            let (end, return_at, rests) = match change.step {
                Step::Drain(end, return_at) => (end, return_at, false),
                Step::Maintain(end, return_at) => (end, return_at, true),
                Step::Restore => (DrainEnd::Never, None, false),
                Step::Weigh(weight, until) => {
                    let Some(server) = service.server(&key) else { return Vec::new() };
                    let when = match (server.admin.0, service.place(server)) {
                        (Admin::Draining | Admin::Maintenance, _) => Some("restored"),
                        (Admin::Enabled, None) => Some("up"),
                        (Admin::Enabled, Some(_)) => None,
                    };
                    let weight = weight.unwrap_or_else(|| server.weight_without());
                    let kept = when
                        .map(|when| format!("keep weight {weight} for real server {key} of {name} until it is {when}"));
                    let file = server.weight_again();
                    let ended =
                        until.map(|at| format!("after {}: give real server {key} of {name} {file} again", after(at)));
                    return kept.into_iter().chain(ended).collect();
                }
                Step::Remove => {
                    let is_absent = service.server(&key).is_some_and(|server| service.place(server).is_none());
                    let forget = || format!("forget real server {key} of {name}, which is not in the table");
                    return is_absent.then(forget).into_iter().collect();
                }
                Step::Add(ref server) if server.config.checks.is_empty() => {
                    return vec![format!("no check watches real server {key} of {name}")];
                }
                Step::Add(_) => return Vec::new(),
            };
            let mut said = Vec::new();
            match (rested, rests, checks) {
                (_, _, 0) | (true, true, _) | (false, false, _) => {}
                (false, true, _) => said.push(format!("stop {checks} checks of real server {key} of {name}")),
                (true, false, _) => {
                    let then = match change.step {
                        Step::Drain(..) => "it stays drained",
                        _ => "it gets connections when they pass",
                    };
                    said.push(format!("start {checks} checks of real server {key} of {name}; {then}"));
                }
            }
            if let DrainEnd::At(end) = end {
                said.push(format!("after {}, whatever is left: remove real server {key} of {name}", after(end)));
            }
            if let Some(at) = return_at {
                let drains = service.server(&key).is_some_and(|server| server.admin.0 == Admin::Draining);
                let drain = if drains && rests { ", and end its drain" } else { "" };
                said.push(format!("after {}: restore real server {key} of {name}{drain}", after(at)));
            }
            said
        })
    }

    pub(super) fn op_line(&self, op: &IpvsOp) -> String {
        match op {
            IpvsOp::NewDestination(_, _, new) => format!("{op}: {} weight {}", new.forwarding, new.weight),
            IpvsOp::SetDestination(service, server, new) => {
                let old = self.seen(service, server).map_or_else(|| "?".to_owned(), |seen| seen.weight.to_string());
                format!("{op}: weight {old} to {}", new.weight)
            }
            IpvsOp::NewService(..) | IpvsOp::SetService(..) | IpvsOp::DelService(_) | IpvsOp::DelDestination(..) => {
                op.to_string()
            }
        }
    }

    /// `1 of 2 servers, 50 % of the weight, 3 active connections`, for each service; where it gets more,
    /// `1 server gets more, the weight of all grows from 1 to 6, 3 active connections`.
    fn blast_radius(&self, before: &Touch, after: &Touch, changes: &[Change]) -> String {
        let mut said = Vec::new();
        for (at, old) in before {
            let Some(new) = after.get(at) else { continue };
            let mine = || changes.iter().filter(|change| change.service == *at);
            let is_serving = |c: &&Change| old.server(&c.server).is_some_and(|s| serves(old, s));
            let servers = mine().filter(is_serving).count();
            let active: u32 = mine().filter_map(|c| self.seen(&old.config.key, &c.server)).map(|d| d.active).sum();
            let change = i128::from(new.have()) - i128::from(old.have());
            let share = share(old, Some(new));
            let mut text = if change > 0 {
                let weight = |service: &ServiceState, change: &Change| {
                    let server = service.server(&change.server)?;
                    service.place(server).map(|place| place.0.get())
                };
                let count = |order| mine().filter(|c| weight(new, c).cmp(&weight(old, c)) == order).count();
                let more = match count(Ordering::Greater) {
                    1 => "1 server gets more".to_owned(),
                    several => format!("{several} servers get more"),
                };
                let less = match count(Ordering::Less) {
                    0 => String::new(),
                    fewer => format!(", {fewer} less"),
                };
                format!("{more}{less}, the weight of all grows from {} to {}", old.have(), new.have())
            } else {
                format!("{servers} of {} servers, {share} % of the weight", serving(Some(old)))
            };
            let _ = write!(text, ", {active} active connections");
            if active > 0 && mine().any(|change| matches!(change.step, Step::Remove)) {
                text += &self.lost("; they");
            }
            if serving(Some(old)) > 0 && serving(Some(new)) == 0 {
                text += "; no server is left";
                // A console shows the worst first, away from the rest.
                if before.len() > 1 {
                    let _ = write!(text, " in {}", old.config.key);
                }
                if new.config.sorry_server.is_some() && new.sorry_is_active() {
                    text += ", the sorry server takes over";
                }
            }
            text += &self.persistence_note(old, mine());
            text += &stays_note(old, active, mine());
            if mine().any(|change| {
                matches!(change.step, Step::Drain(DrainEnd::At(_), _) | Step::Maintain(DrainEnd::At(_), _))
            }) {
                text += &self.lost("; the connections that the deadline finds");
            }
            said.push(if before.len() > 1 { format!("{}: {text}", old.config.key) } else { text });
        }
        said.join("; ")
    }

    /// What becomes of connections whose server leaves the table.
    pub(super) fn lost(&self, which: &str) -> String {
        match self.limit {
            Some(_) => format!("{which} are cut"),
            None => format!(
                "{which} hang until they time out (unless net.ipv4.vs.expire_nodest_conn is 1: then they are cut)"
            ),
        }
    }

    /// A client that holds a persistence template comes back to a server of weight 0.
    fn persistence_note<'a>(&self, service: &ServiceState, changes: impl Iterator<Item = &'a Change>) -> String {
        let Some(persistence) = service.config.persistence else { return String::new() };
        let drained: Vec<&Change> =
            changes.filter(|change| matches!(change.step, Step::Drain(..) | Step::Maintain(..))).collect();
        if drained.is_empty() {
            return String::new();
        }
        let held: u32 =
            drained.iter().filter_map(|c| self.seen(&service.config.key, &c.server)).map(|seen| seen.persistent).sum();
        format!(
            "; {held} clients that are persistent keep coming until they are silent for {} s (unless \
             net.ipv4.vs.expire_quiescent_template is 1)",
            persistence.timeout
        )
    }
}

/// By how much the weight of a service changes, in percent of the larger one.
fn share(old: &ServiceState, new: Option<&ServiceState>) -> u64 {
    let (old, new) = (old.have(), new.map_or(0, ServiceState::have));
    (u128::from(old.abs_diff(new)) * 100 / u128::from(old.max(new).max(1))).try_into().unwrap_or(100)
}

/// Whether what serves no longer had more than half of a service's weight.
pub(super) fn loses_most(old: &ServiceState, new: Option<&ServiceState>) -> bool {
    let stays = |server: &ServerState| {
        new.is_some_and(|new| new.server(&server.config.key).is_some_and(|server| serves(new, server)))
    };
    let (mut all, mut lost) = (0, 0);
    for server in old.servers.iter().filter(|server| serves(old, server)) {
        let weight = old.place(server).map_or(0, |weight| u64::from(weight.0.get()));
        all += weight;
        lost += if stays(server) { 0 } else { weight };
    }
    lost * 2 > all
}

/// What of a drained server's traffic stays, or is not seen, for other reasons than persistence.
fn stays_note<'a>(service: &ServiceState, active: u32, changes: impl Iterator<Item = &'a Change>) -> String {
    let drained: Vec<&ServerState> = changes
        .filter(|change| matches!(change.step, Step::Drain(..) | Step::Maintain(..)))
        .filter_map(|change| service.server(&change.server))
        .collect();
    let is_udp = matches!(service.config.key, ServiceKey::Address { protocol: Protocol::Udp, .. });
    let mut note = String::new();
    if is_udp && !service.config.one_packet && !drained.is_empty() {
        note += "; a UDP client stays on its server until it is silent for the UDP timeout (ipvsadm -l --timeout)";
    }
    if let Some(server) = drained.iter().find(|server| server.config.forwarding.keeps_port()).filter(|_| active > 0) {
        let way = server.config.forwarding;
        let _ = write!(note, "; what a server resets is not seen here ({way}) and counts until its timeout");
    }
    note
}

fn serves(service: &ServiceState, server: &ServerState) -> bool {
    service.place(server).is_some_and(EffectiveWeight::serves)
}

pub(super) fn serving(service: Option<&ServiceState>) -> usize {
    service.map_or(0, |service| service.servers.iter().filter(|server| serves(service, server)).count())
}

/// The word to type before most of a service goes, or more than the floor allows.
const fn word(command: &Command) -> &'static str {
    match command {
        Command::RemoveServer { .. } => "remove",
        Command::Several { commands } => match commands.as_slice() {
            [Command::RemoveServer { .. }, ..] => "remove",
            [first, ..] => first.verb(),
            [] => command.verb(),
        },
        _ => command.verb(),
    }
}

/// A span of time in whole seconds, `31 s`.
pub(super) fn seconds(span: Duration) -> String {
    format!("{} s", span.as_secs())
}

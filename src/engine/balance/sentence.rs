//! What was done, in a sentence.

use super::ask::{Change, Step};
use super::core::Balance;
use super::counting::{self, left_words};
use super::preview::seconds;
use super::server::ServerState;
use super::wish::DrainEnd;
use crate::engine::health::Standing;
use crate::engine::model::Weight;
use crate::engine::snapshot::{Admin, Health};
use std::time::Instant;

impl Balance {
    /// What was done, once it is.
    pub(super) fn sentence(&self, now: Instant, changes: &[Change]) -> String {
        let [only] = changes else {
            return several(changes, now);
        };
        let Some(service) = self.services.get(only.service) else { return String::new() };
        let (name, key) = (service.config.key, only.server);
        let down = service.server(&key).is_some_and(|server| server.health() == Health::Down);
        let down = if down { "; it is down and joins the table when its checks pass" } else { "" };
        let left = left_words(&name, self.seen(&name, &key));
        let ends = |until: Option<Instant>| {
            let file = service.server(&key).map_or_else(String::new, ServerState::weight_again);
            let after = until.map(|at| seconds(at.saturating_duration_since(now)));
            after.map_or_else(String::new, |after| format!("; it has {file} again after {after}"))
        };
        match &only.step {
            Step::Drain(end, return_at) => {
                let back = return_at.map(|at| seconds(at.saturating_duration_since(now)));
                let back = back.map_or_else(String::new, |span| format!("; it has its weight back after {span}"));
                format!("{key} drains in {name}, {}{back}", go_on(&left, *end, now))
            }
            Step::Maintain(end, return_at) => {
                let connections = go_on(&left, *end, now);
                let drains = service.server(&key).is_some_and(|server| server.admin.0 == Admin::Draining);
                let drain = if drains { ", and its drain ends with that" } else { "" };
                let back = match return_at {
                    Some(at) => format!("after {}{drain}", seconds(at.saturating_duration_since(now))),
                    None => "with restore".to_owned(),
                };
                format!("{key} is in maintenance in {name}, not checked; {connections}; it comes back {back}")
            }
            Step::Restore if service.server(&key).is_some_and(|s| s.admin.0 == Admin::Maintenance) => {
                match service.server(&key).map_or(0, |server| server.config.checks.len()) {
                    0 => format!("{key} is restored in {name}"),
                    _ => format!("{key} is restored in {name} and gets connections when its checks pass"),
                }
            }
            Step::Restore => format!("{key} is restored in {name}{down}"),
            Step::Weigh(weight, until) if service.server(&key).is_some_and(|s| s.admin.0 == Admin::Draining) => {
                let weight = weight.or_else(|| service.server(&key).map(ServerState::weight_without));
                let weight = weight.unwrap_or(Weight::DEFAULT);
                format!("{key} drains in {name} and gets weight {weight} when it is restored{}", ends(*until))
            }
            Step::Weigh(Some(weight), until) => format!("{key} has weight {weight} in {name}{down}{}", ends(*until)),
            Step::Weigh(None, _) => match service.server(&key) {
                Some(server) if server.weight_without() != server.config.weight => {
                    let checked = server.weight_without();
                    format!("{key} has weight {checked} in {name}, as its check says{down}")
                }
                server => {
                    let weight = server.map_or(Weight::DEFAULT, |server| server.config.weight);
                    format!("{key} has weight {weight} in {name}{down}")
                }
            },
            Step::Add(server) if server.admin.0 != Admin::Enabled => {
                let wish = if server.admin.0 == Admin::Draining { "drained" } else { "in maintenance" };
                let after = |at: Instant| seconds(at.saturating_duration_since(now));
                let out = match server.ends.drain {
                    DrainEnd::At(end) => format!("; it is taken out after {}", after(end)),
                    DrainEnd::Passed => "; its deadline has passed: it stays out of the table".to_owned(),
                    DrainEnd::Never => String::new(),
                };
                let back = server.ends.return_at.map(|at| format!("; it has its weight back after {}", after(at)));
                let (weight, back) = (server.serving_weight(), back.unwrap_or_default());
                format!("{key} is back in {name}, {wish} as it was; weight {weight} when it is restored{out}{back}")
            }
            Step::Add(server) if server.config.checks.is_empty() => {
                format!("{key} is added to {name} with weight {}; no check watches it", server.serving_weight())
            }
            Step::Add(server) if server.added && server.standing.0 == Standing::Unknown => format!(
                "{key} is added to {name} with weight {} and the checks of the other servers ({})",
                server.weight,
                server.config.checks.iter().map(|check| check.name()).collect::<Vec<_>>().join(", ")
            ),
            Step::Add(server) => {
                format!("{key} is back in {name} with weight {} and its checks", server.serving_weight())
            }
            Step::Remove => {
                let has_any = self.seen(&name, &key).is_some_and(|seen| counting::left(&name, seen) > 0);
                let lost = if has_any { self.lost(&format!("; {left}")) } else { String::new() };
                format!("{key} is removed from {name}{lost}")
            }
        }
    }
}

/// What becomes of the connections of a server that gets no more.
fn go_on(left: &str, end: DrainEnd, now: Instant) -> String {
    match end {
        DrainEnd::At(end) => {
            format!("{left} go on for {} at most", seconds(end.saturating_duration_since(now)))
        }
        DrainEnd::Never | DrainEnd::Passed => format!("{left} go on"),
    }
}

/// `3 servers draining, 1 server with another weight`.
fn several(changes: &[Change], now: Instant) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for change in changes {
        let word = match change.step {
            Step::Drain(..) => "draining",
            Step::Maintain(..) => "in maintenance, not checked",
            Step::Restore => "restored",
            Step::Weigh(..) => "with another weight",
            Step::Add(_) => "added",
            Step::Remove => "removed",
        };
        match counted.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counted.push((word, 1)),
        }
    }
    let said =
        counted.iter().map(|(word, count)| format!("{count} server{} {word}", if *count == 1 { "" } else { "s" }));
    let said = said.collect::<Vec<_>>().join(", ");
    // The same for all of them: it is one command's.
    let ends = changes.iter().find_map(|change| match change.step {
        Step::Drain(end, back) | Step::Maintain(end, back) => Some((end, back)),
        Step::Weigh(_, back @ Some(_)) => Some((DrainEnd::Never, back)),
        Step::Restore | Step::Weigh(_, None) | Step::Add(_) | Step::Remove => None,
    });
    let after = |at: Instant| seconds(at.saturating_duration_since(now));
    let (out, back) = match ends {
        Some((DrainEnd::At(out), back)) => (format!("; out after {}", after(out)), back),
        Some((DrainEnd::Never | DrainEnd::Passed, back)) => (String::new(), back),
        None => (String::new(), None),
    };
    let back = back.map_or_else(String::new, |at| format!("; back after {}", after(at)));
    format!("{said}{out}{back}")
}

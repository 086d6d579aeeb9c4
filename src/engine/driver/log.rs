//! Events as log lines, among them those that existing alerts look for: `(VI_1) Entering MASTER STATE`.
//!
//! What is said of an event is data: [`MESSAGES`] has its line, [`ALSO`] the lines that keepalived prints beside it
//! (`docs/service.md` shows them side by side). The log is a reader of the journal like any other, on a thread of its own:
//! a terminal that was stopped with Ctrl-S, or a full disk, holds up the log and nothing else.

mod pattern;

use super::shared::Shared;
use crate::engine::event::{Event, EventKind, Severity};
use crate::engine::journal::LogRing;
use crate::engine::model::{RealServerKey, ServiceKey};
use pattern::{Known, captured, filled, of_server, of_service};

/// Writes events to the log until the journal is closed.
pub fn follow(shared: &Shared) {
    let mut seen = shared.before_run();
    while let Some(events) = shared.follow(seen) {
        for event in &events {
            write(event, &shared.log);
            seen = event.seq;
        }
    }
}

/// One record an event: its line, the lines beside it, and the event itself as the API gives it. The ring gets the lines.
fn write(event: &Event, ring: &LogRing) {
    let (line, also) = (message(event), also(event));
    also.iter().chain([&line]).for_each(|line| ring.push(event.at, event.severity, line));
    let also = also.join("\n");
    let event_json = serde_json::to_string(event).unwrap_or_default();
    match event.severity {
        Severity::Info | Severity::Notice => tracing::info!(event = event_json, also, "{line}"),
        Severity::Warning => tracing::warn!(event = event_json, also, "{line}"),
        Severity::Error => tracing::error!(event = event_json, also, "{line}"),
    }
}

/// An event of this kind whose fields match, and what is said of it.
///
/// In a pattern `{x}` stands for any text but none, and is known as `x` in the line; `""` matches anything, even nothing. A line
/// also knows `{subject}`, `{from}`, `{to}`, and of a service's event `{vs}` and `{rs}`, written as keepalived does.
struct Row {
    kind: EventKind,
    from: &'static str,
    to: &'static str,
    reason: &'static str,
    detail: &'static str,
    line: &'static str,
}

const fn row(kind: EventKind, [from, to, reason, detail]: [&'static str; 4], line: &'static str) -> Row {
    Row { kind, from, to, reason, detail, line }
}

use EventKind::{
    Address, AdvertisementRejected, EngineStarted, EngineStopping, InstanceState, Link, Quorum, Script, ServerHealth,
    ServerTable, ServerWeight, SplitBrain, Tracked, Warning,
};

/// The line of an event: the first row that matches. Reason, detail and who asked follow it where it does not use them.
const MESSAGES: &[Row] = &[
    row(EngineStarted, ["", "", "", ""], concat!("lvsdeck ", env!("CARGO_PKG_VERSION"), " started on {subject}")),
    row(EngineStopping, ["", "", "", ""], "lvsdeck stops"),
    row(InstanceState, ["", "", "", ""], "({subject}) Entering {to} STATE"),
    row(AdvertisementRejected, ["", "", "", ""], "({subject}) advertisement refused"),
    row(SplitBrain, ["", "", "", ""], "({subject}) split brain {to}"),
    row(EventKind::Command, ["", "", "", "{command}: {message}"], "command {to}: {command}: {message}"),
    row(EventKind::Hold, ["", "begun", "", ""], "({subject}) held by failover or takeover"),
    row(EventKind::Hold, ["", "ended", "", ""], "({subject}) no longer held by failover or takeover"),
    row(EventKind::Hold, ["", "", "", ""], "({subject}) {to}"),
    row(EventKind::Priority, ["", "", "", ""], "({subject}) priority {from} to {to}"),
    row(Link, ["", "up", "", ""], "Netlink reports {subject} up"),
    row(Link, ["", "down", "", ""], "Netlink reports {subject} down"),
    row(Address, ["", "absent", "left behind by an earlier run", "{interface}"], "{subject} removed from {interface}"),
    row(Address, ["", "present", "", "{instance}"], "({instance}) setting VIPs: {subject}"),
    row(Address, ["", "absent", "", "{instance}"], "({instance}) removing VIPs: {subject}"),
    row(ServerTable, ["", "present", "sorry server", ""], "Adding sorry server {rs} to VS {vs}"),
    row(ServerTable, ["", "absent", "sorry server", ""], "Removing sorry server {rs} from VS {vs}"),
    row(ServerTable, ["", "present", "", ""], "Adding service {rs} to VS {vs}"),
    row(ServerTable, ["", "absent", "", ""], "Removing service {rs} from VS {vs}"),
    row(ServerWeight, ["", "0", "down: {why}", ""], "Disabling service {rs} of VS {vs}: {why}"),
    row(ServerWeight, ["0", "", "up", ""], "Enabling service {rs} of VS {vs}"),
    row(ServerWeight, ["", "", "", ""], "Changing weight from {from} to {to} for active service {rs} of VS {vs}"),
    row(ServerHealth, ["", "down", "", "HTTP_GET {check}"], "HTTP_CHECK on service {rs} failed for VS {vs}"),
    row(ServerHealth, ["", "down", "", "SSL_GET {check}"], "HTTP_CHECK on service {rs} failed for VS {vs}"),
    row(ServerHealth, ["", "down", "", "PING_CHECK {check}"], "ICMP CHECK on service {rs} of {vs} failed"),
    row(ServerHealth, ["", "down", "", "MISC_CHECK {check}"], "Misc check for [{rs} VS {vs}] failed"),
    row(ServerHealth, ["", "down", "", "{type} {check}"], "{type} on service {rs} failed for VS {vs}"),
    row(Quorum, ["", "up", "weight {have} is up, {need} is needed", ""], "Gained quorum {need} <= {have} for VS {vs}"),
    row(Quorum, ["", "down", "weight {have} is up, {need} is needed", ""], "Lost quorum {need} > {have} for VS {vs}"),
    row(Script, ["", "up", "", ""], "script {subject} counts as good"),
    row(Script, ["", "down", "", ""], "script {subject} counts as failed"),
    row(Script, ["", "left-out", "", ""], "script {subject} is left out"),
    row(Tracked, ["", "up", "", ""], "{subject} counts as good"),
    row(Tracked, ["", "down", "", ""], "{subject} counts as failed"),
];

/// Lines beside an event, written before it: every row that matches, in this order. A script's detail is a list with an
/// item an instance: a row with a pattern for it is said of each item that matches.
const ALSO: &[Row] = &[
    row(InstanceState, ["", "MASTER", "{by} resigned", ""], "({subject}) Backup received priority 0 advertisement"),
    row(InstanceState, ["", "MASTER", "{by} resigned", ""], "({subject}) Receive advertisement timeout"),
    row(
        InstanceState,
        ["", "MASTER", "no advertisement from {by} for {time}", ""],
        "({subject}) Receive advertisement timeout",
    ),
    row(InstanceState, ["", "MASTER", "no master heard for {time}", ""], "({subject}) Receive advertisement timeout"),
    row(InstanceState, ["", "MASTER", "preempts {whom}", ""], "({subject}) Receive advertisement timeout"),
    row(
        InstanceState,
        ["MASTER", "BACKUP", "outranked by {by}: priority {theirs} > {own}", ""],
        "({subject}) Master received advert from {by} with higher priority {theirs}, ours {own}",
    ),
    row(
        InstanceState,
        ["MASTER", "BACKUP", "outranked by {by}: equal priority {theirs}, higher address", ""],
        "({subject}) Master received advert from {by} with same priority {theirs} but higher IP address than ours",
    ),
    row(
        InstanceState,
        ["", "", "sync group {group}, {member}: {why}", ""],
        "VRRP_Group({group}) Syncing instances to {to} state",
    ),
    row(
        SplitBrain,
        ["", "begun", "{by} is master too: {what}", "it may not hear this node: {next}"],
        "({subject}) Received advert from {by} with lower priority, forcing new election",
    ),
    row(
        AdvertisementRejected,
        ["", "", "another password: {next}", "from {by}"],
        "({subject}) received an invalid passwd!",
    ),
    row(
        AdvertisementRejected,
        ["", "", "interval {found} s, configured are {own} s: {next}", "from {by}"],
        "({subject}) advertisement interval mismatch mine={own} sec rcv'd={found} sec",
    ),
    row(
        Warning,
        ["", "", "{by} advertises other virtual addresses {what}", ""],
        "({subject}) ip address associated with VRID not present in MASTER advert from {by}",
    ),
    row(ServerHealth, ["", "down", "", "TCP_CHECK {check}"], "TCP connection to {rs} failed."),
    row(ServerHealth, ["down", "up", "", "TCP_CHECK {check}"], "TCP connection to {rs} success."),
    row(ServerHealth, ["down", "up", "", "HTTP_GET {check}"], "Remote Web server {rs} succeed on service."),
    row(ServerHealth, ["down", "up", "", "SSL_GET {check}"], "Remote Web server {rs} succeed on service."),
    row(ServerHealth, ["down", "up", "", "PING_CHECK {check}"], "ICMP connection to {rs} success."),
    row(ServerHealth, ["down", "up", "", "MISC_CHECK {check}"], "Misc check for [{rs} VS {vs}] succeeded."),
    row(Script, ["", "down", "exit code {code} after {time}", ""], "Script `{subject}` now returning {code}"),
    row(
        Script,
        ["", "down", "exit code {code} after {time}", ""],
        "VRRP_Script({subject}) failed (exited with status {code})",
    ),
    row(
        Script,
        ["", "down", "killed by signal {signal} after {time}", ""],
        "VRRP_Script({subject}) failed (due to signal {signal})",
    ),
    row(Script, ["", "down", "ended after {time} ms, {why}", ""], "VRRP_Script({subject}) timed_out"),
    row(Script, ["down", "up", "exit code {code} after {time}", ""], "Script `{subject}` now returning {code}"),
    row(Script, ["", "up", "exit code {code} after {time}", ""], "VRRP_Script({subject}) succeeded"),
    row(
        Script,
        ["", "", "", "{instance}: priority {before} to {after}"],
        "({instance}) Changing effective priority from {before} to {after}",
    ),
    row(
        Tracked,
        ["", "", "", "{instance}: priority {before} to {after}"],
        "({instance}) Changing effective priority from {before} to {after}",
    ),
];

/// The line of an event.
fn message(event: &Event) -> String {
    let found = MESSAGES.iter().find_map(|row| Some((row, known(row, event)?)));
    let (mut line, told) = if let Some((row, known)) = found {
        (filled(row.line, &known), [row.reason.contains('{'), row.detail_is_told()])
    } else {
        let line = match (event.from.as_deref(), event.to.as_deref()) {
            (Some(from), Some(to)) => format!("{}: {from} -> {to}", event.subject),
            (None, Some(to)) => format!("{}: {to}", event.subject),
            (_, None) => event.subject.clone(),
        };
        (line, [false, false])
    };
    for (part, told) in [&event.reason, &event.detail].into_iter().zip(told) {
        if let (Some(part), false) = (part, told) {
            line.push_str(": ");
            line.push_str(part);
        }
    }
    if let Some(who) = &event.who {
        line.push_str(", by ");
        line.push_str(who);
    }
    line
}

/// The lines that keepalived prints beside that.
fn also(event: &Event) -> Vec<String> {
    let said_of = |row: &Row, event: &Event| Some(filled(row.line, &known(row, event)?));
    let mut lines = Vec::new();
    for row in ALSO {
        match &event.detail {
            Some(list) if matches!(row.kind, Script | Tracked) && !row.detail.is_empty() => {
                let items = list.split(", ").map(|item| Event { detail: Some(item.to_owned()), ..event.clone() });
                lines.extend(items.filter_map(|item| said_of(row, &item)));
            }
            Some(_) | None => lines.extend(said_of(row, event)),
        }
    }
    lines
}

impl Row {
    /// Whether the whole detail is in the line already.
    fn detail_is_told(&self) -> bool {
        self.detail.starts_with('{') && self.detail.ends_with('}') && self.line.contains(self.detail)
    }
}

/// What the row's line may name, when the event matches.
fn known(row: &Row, event: &Event) -> Option<Known<'static>> {
    if row.kind != event.kind {
        return None;
    }
    let mut known = vec![("subject", event.subject.clone())];
    for (name, pattern, text) in [
        ("from", row.from, &event.from),
        ("to", row.to, &event.to),
        ("reason", row.reason, &event.reason),
        ("detail", row.detail, &event.detail),
    ] {
        let text = text.as_deref().unwrap_or_default();
        if !pattern.is_empty() {
            captured(pattern, text, &mut known)?;
        }
        known.push((name, text.to_owned()));
    }
    let (service, server) = event.subject.split_once(' ').unwrap_or((&event.subject, ""));
    if let Ok(service) = service.parse::<ServiceKey>() {
        known.push(("vs", of_service(&service)));
        if let Ok(server) = server.parse::<RealServerKey>() {
            known.push(("rs", of_server(&service, &server)));
        }
    }
    Some(known)
}

#[cfg(test)]
mod tests;

//! `ctl status`: the console's overview as plain text.
//!
//! ```text
//! MASTER 1/1  d1  VIPs here 1/1  services 1, 0 without quorum  reals 2: 1 up 1 DOWN  changed 12s ago
//! ! DOWN 10.0.0.72:80 tcp/10.0.0.1:80 timeout (12s)
//!
//! INSTANCE         VRID INTERFACE  STATE   PRIO SINCE   REASON
//! VI_1               51 eth0       MASTER   200 3d04h   silence
//!
//! Prot LocalAddress:Port Scheduler Flags
//!   -> RemoteAddress:Port           Forward Weight     ActiveConn InActConn  Health
//! TCP  10.0.0.1:80 rr                                                        1/2 DEGRADED
//!   -> 10.0.0.71:80                 Route   1          0          0          ok 1.9ms
//!   -> 10.0.0.72:80                 Route   1>0        0          0          DOWN timeout 12s
//! ```

use super::CtlError;
use super::print::{Page, Style, age, cells, left, short, span};
use crate::engine::{
    Admin, EngineHandle, Family, ForeignRouter, Health, IpvsTotals, PeerState, PeerStatus, Row, RowKind, RowsPage,
    RowsQuery, Sort, Status, Summary, VirtualRouterState, VirtualRouterStatus,
};
use std::fmt::Write as _;
use std::time::SystemTime;

/// Rows computed at a time.
const WINDOW: usize = 2000;
/// Most cells of the name of an instance or a service: longer ones would push away what stands behind them.
const NAME: usize = 32;
/// The same of an interface: Linux has no longer ones, a configuration may.
const DEVICE: usize = 15;

/// Prints the overview.
pub(super) fn print(engine: &dyn EngineHandle, page: &mut Page<'_>) -> Result<(), CtlError> {
    let summary = engine.summary()?;
    let status = engine.status()?;
    let now = summary.now;
    headline(&summary, page)?;
    in_all(&summary, page)?;
    let names = status.virtual_routers.iter().map(|router| cells(&router.name));
    let name = names.max().unwrap_or(0).clamp(16, NAME);
    let interfaces = status.virtual_routers.iter().map(|router| cells(&router.interface));
    let device = interfaces.max().unwrap_or(0).clamp(10, DEVICE);
    if !status.virtual_routers.is_empty() {
        page.line(Style::Plain, "")?;
        let (instance, vrid, interface, state) = ("INSTANCE", "VRID", "INTERFACE", "STATE");
        let line = format!("{instance:<name$} {vrid} {interface:<device$} {state:<7} PRIO {:<7} REASON", "SINCE");
        page.line(Style::Strong, &line)?;
    }
    for router in &status.virtual_routers {
        instance(router, (name, device), now, page)?;
    }
    table(&status, now, page)?;
    for foreign in &status.foreign {
        let line = format!("foreign: {} {}, {} real servers", foreign.key, foreign.scheduler, foreign.real_servers);
        page.line(Style::Plain, &line)?;
    }
    for ForeignRouter { interface, family, vrid, address, counters, .. } in &status.foreign_routers {
        let family = if *family == Family::Inet { "IPv4" } else { "IPv6" };
        let said: Vec<String> = counters.by_cause().filter(|c| c.1 > 0).map(|(why, n)| format!("{why} {n}")).collect();
        let line =
            format!("foreign: {family} VRID {vrid} on {interface}, from {address}; refused: {}", said.join(", "));
        page.line(Style::Plain, &line)?;
    }
    page.flush()
}

/// What the kernel counts in all, live; and whether what it says of services is to be believed.
fn in_all(summary: &Summary, page: &mut Page<'_>) -> Result<(), CtlError> {
    let Some(IpvsTotals { counters, rates, stale }) = summary.ipvs else { return Ok(()) };
    let line = format!(
        "IPVS in all: {} connections, {:.0} a second; {:.0} packets and {:.0} bytes a second in",
        counters.connections, rates.connections_per_s, rates.in_packets_per_s, rates.in_bytes_per_s
    );
    page.line(Style::Plain, &line)?;
    if stale {
        let text = "numbers of services and servers stand still: net.ipv4.vs.run_estimation is 0, or was a moment ago";
        page.line(Style::Problem, text)?;
    }
    Ok(())
}

fn headline(summary: &Summary, page: &mut Page<'_>) -> Result<(), CtlError> {
    let Summary { masters, addresses_here, services_degraded, services_impaired, held, totals, .. } = summary;
    let role = serde_json::to_value(summary.role).ok();
    let role = match (role.as_ref().and_then(|role| role.as_str()), masters) {
        (_, (_, 0)) => "NO VRRP".to_owned(),
        (role, (mine, all)) => format!("{} {mine}/{all}", role.unwrap_or_default()),
    };
    let held = if *held > 0 { format!(" {held} held") } else { String::new() };
    let impaired = if *services_impaired > 0 { format!(", {services_impaired} degraded") } else { String::new() };
    let mut line = format!(
        "{role}{held}  {}  VIPs here {}/{}  services {}, {} without quorum{impaired}  reals {}: {} up",
        summary.node,
        addresses_here.0,
        addresses_here.1,
        services_degraded.1,
        services_degraded.0,
        totals.real_servers,
        totals.up,
    );
    // writing to a String can't fail
    for (count, word) in [(totals.down, "DOWN"), (totals.draining, "out"), (totals.unknown, "unknown")] {
        if count > 0 {
            let _ = write!(line, " {count} {word}");
        }
    }
    if let Some(changed) = summary.changed_at {
        let _ = write!(line, "  changed {} ago", age(summary.now, changed));
    }
    page.line(Style::Strong, &line)?;
    for problem in &summary.problems {
        let since = problem.since.map_or_else(String::new, |since| format!(" ({})", age(summary.now, since)));
        page.line(Style::Problem, &format!("! {}{since}", problem.text))?;
    }
    match summary.problem_count.saturating_sub(summary.problems.len()) {
        0 => Ok(()),
        more => page.line(Style::Problem, &format!("! and {more} more")),
    }
}

/// `name` and `device`: columns of the longest name of an instance and of an interface.
fn instance(
    router: &VirtualRouterStatus,
    (name, device): (usize, usize),
    now: SystemTime,
    page: &mut Page<'_>,
) -> Result<(), CtlError> {
    let style = match router.state {
        VirtualRouterState::Fault => Style::Problem,
        VirtualRouterState::Init | VirtualRouterState::Backup | VirtualRouterState::Master => Style::Plain,
    };
    let priority = if (router.priority, router.effective_priority) == (0, 0) {
        "-".to_owned() // not known; 0 would say that it resigns
    } else if router.priority == router.effective_priority {
        router.priority.to_string()
    } else {
        format!("{}>{}", router.priority, router.effective_priority)
    };
    let line = format!(
        "{} {:>4} {} {:<7} {priority:>4} {:<7} {}",
        left(&short(&router.name, name), name),
        router.vrid,
        left(&short(&router.interface, device), device),
        router.state.name(),
        age(now, router.since),
        router.reason
    );
    page.line(style, &line)?;
    if let Some(held) = &router.held {
        page.line(Style::Notice, &format!("  held: {held}"))?;
    }
    let here = format!("{}/{} here", router.addresses_here.len(), router.addresses.len());
    page.line(Style::Plain, &format!("  addresses {here}: {}", router.addresses.join(" ")))?;
    for peer in &router.peers {
        page.line(Style::Plain, &format!("  peer {}", peer_text(peer, now)))?;
    }
    Ok(())
}

fn peer_text(peer: &PeerStatus, now: SystemTime) -> String {
    let state = match peer.state {
        PeerState::Master => "MASTER",
        PeerState::Silent => "SILENT",
        PeerState::Never => "NEVER heard",
    };
    let mut text = format!("{} {state}", peer.address);
    if let Some(heard) = peer.last_heard_at {
        let _ = write!(text, ", last heard {} ago", age(now, heard));
    }
    if let Some(priority) = peer.last_priority {
        let _ = write!(text, " with priority {priority}");
    }
    if let Some(rejected) = &peer.rejected {
        let _ = write!(text, ", refused: {rejected}");
    }
    // Who is heard is there.
    match (peer.reachable, peer.detail.answered_at) {
        _ if peer.state == PeerState::Master => {}
        (Some(true), Some(at)) => _ = write!(text, ", answers ARP ({} ago)", age(now, at)),
        (Some(false), _) => text += ", does not answer ARP",
        (Some(true), None) | (None, _) => {}
    }
    text
}

/// The services in ipvsadm's columns, in file order, with what the checks say.
fn table(status: &Status, now: SystemTime, page: &mut Page<'_>) -> Result<(), CtlError> {
    page.line(Style::Plain, "")?;
    page.line(Style::Strong, "Prot LocalAddress:Port Scheduler Flags")?;
    let servers = status.virtual_servers.iter().flat_map(|service| &service.real_servers);
    let key = servers.map(|server| server.key.to_string().len()).max().unwrap_or(0).max(KEY);
    let titles = format!(
        "  -> {:<key$} {:<7} {:<10} {:<10} {:<10} Health",
        "RemoteAddress:Port", "Forward", "Weight", "ActiveConn", "InActConn"
    );
    page.line(Style::Strong, &titles)?;
    let mut query = RowsQuery { sort: Sort::File, limit: Some(WINDOW), offset: Some(0), ..RowsQuery::default() };
    loop {
        let window = RowsPage::of(status, &query, now);
        for row in &window.rows {
            let style = match (row.problem, row.admin) {
                (true, _) => Style::Problem,
                (false, Admin::Draining | Admin::Maintenance) => Style::Notice,
                (false, Admin::Enabled) => Style::Plain,
            };
            page.line(style, &row_text(row, key, now))?;
        }
        let shown = window.offset + window.rows.len();
        if shown >= window.total || window.rows.is_empty() {
            return Ok(());
        }
        query.offset = Some(shown);
    }
}

/// The least cells of a server's address.
const KEY: usize = 28;

/// `key`: cells of the longest address.
fn row_text(row: &Row, key: usize, now: SystemTime) -> String {
    match row.kind {
        RowKind::Service => {
            let (protocol, address) = row.service.split_once('/').unwrap_or(("", &row.service));
            let protocol = if protocol.starts_with("fwmark") { "FWM".to_owned() } else { protocol.to_uppercase() };
            let mut text = format!("{protocol:<4} {address} {}", row.scheduler.as_deref().unwrap_or_default());
            if let Some(seconds) = row.persistence {
                let _ = write!(text, " persistent {seconds}");
            }
            if let Some(name) = &row.name {
                let _ = write!(text, " ({})", short(name, NAME));
            }
            format!("{} {}", left(&text, key + 46), row.note)
        }
        RowKind::Server => {
            let weight = row.weights();
            let age = row.health_age_s.filter(|_| row.health == Health::Down);
            let outlook = row.drain.as_ref().map(|drain| format!(", {}", drain.outlook(now, span)));
            let until = |at: SystemTime| span(at.duration_since(now).map_or(0, |left| left.as_secs()));
            let again = row.weight_until.map(|at| format!(", weight {} again in {}", row.configured_weight, until(at)));
            format!(
                "  -> {:<key$} {:<7} {weight:<10} {:<10} {:<10} {}{}{}{}",
                row.server.as_deref().unwrap_or_default(),
                row.forward,
                row.active,
                row.inactive,
                row.note,
                age.map_or_else(String::new, |s| format!(" {}", span(s))),
                outlook.unwrap_or_default(),
                again.unwrap_or_default()
            )
        }
    }
}

//! `ctl diff --fragment`: what operators want beside the file, as words of keepalived.conf to be put into it.
//!
//! Each virtual server with such a wish is a block with the real servers that differ. Once the file says the same, a reload
//! ends the override, since nothing is left that differs.

use super::CtlError;
use super::print::{Page, Style};
use crate::engine::{
    Admin, Difference, EngineHandle, Forwarding, Protocol, RealServerKey, RealServerStatus, ServiceKey,
    VirtualServerStatus,
};
use std::net::SocketAddr;

/// Prints it; a line that says so where nothing differs.
pub(super) fn print(engine: &dyn EngineHandle, page: &mut Page<'_>) -> Result<(), CtlError> {
    let (status, differences) = (engine.status()?, engine.diff()?);
    let lines = lines(&status.virtual_servers, &differences);
    if lines.is_empty() {
        return page.line(Style::Plain, "# nothing is wanted of virtual servers beside the file");
    }
    page.line(
        Style::Plain,
        &format!("# Wanted beside {}. Put the lines into their blocks there, then:", status.config.file),
    )?;
    page.line(Style::Plain, "# lvsdeck check, lvsdeck ctl reload --dry-run, lvsdeck ctl reload")?;
    lines.iter().try_for_each(|line| page.line(Style::Plain, line))
}

fn lines(services: &[impl AsRef<VirtualServerStatus>], differences: &[Difference]) -> Vec<String> {
    let mut lines = Vec::new();
    for service in services.iter().map(AsRef::as_ref) {
        let is_added = is_absent(differences, &service.key.to_string());
        let servers: Vec<&RealServerStatus> =
            service.real_servers.iter().filter(|server| is_added || server.overridden.is_some()).collect();
        let gone = removed(differences, &service.key);
        if servers.is_empty() && gone.is_empty() && !is_added {
            continue;
        }
        lines.push(format!("{} {{", head(&service.key)));
        if is_added {
            lines.push("    # not in the file".to_owned());
            lines.extend(words(service));
        }
        lines.extend(servers.iter().flat_map(|server| block(service, server)));
        lines.extend(gone.iter().map(|key| format!("    # taken out by hand: remove the block of real_server {key}")));
        lines.push("}".to_owned());
    }
    let whole =
        differences.iter().filter(|line| line.field == "object" && line.file.is_some() && line.engine.is_none());
    let services = whole.filter(|line| line.subject.parse::<ServiceKey>().is_ok());
    lines.extend(services.map(|line| format!("# taken out by hand: remove the block of {}", line.subject)));
    lines
}

/// Whether the file does not have it, and the engine does.
fn is_absent(differences: &[Difference], subject: &str) -> bool {
    let is_it = |line: &&Difference| line.subject == subject && line.field == "object";
    differences.iter().find(is_it).is_some_and(|line| line.file.is_none() && line.engine.is_some())
}

/// The servers that the file has in a service, and the engine has not.
fn removed(differences: &[Difference], service: &ServiceKey) -> Vec<String> {
    let (prefix, absent) = (format!("{service} "), |line: &&Difference| line.file.is_some() && line.engine.is_none());
    let servers = differences.iter().filter(|line| line.field == "weight").filter(absent);
    servers
        .filter_map(|line| Some(place(line.subject.strip_prefix(&prefix)?.parse::<RealServerKey>().ok()?.0.into())))
        .collect()
}

fn head(key: &ServiceKey) -> String {
    match key {
        ServiceKey::Address { address, .. } => format!("virtual_server {}", place(*address)),
        ServiceKey::FwMark { mark, .. } => format!("virtual_server fwmark {mark}"),
    }
}

/// Address and port as keepalived.conf has them.
fn place(address: SocketAddr) -> String {
    format!("{} {}", address.ip(), address.port())
}

fn words(service: &VirtualServerStatus) -> Vec<String> {
    let mut said =
        vec![format!("    lvs_sched {}", service.scheduler), format!("    lvs_method {}", method(service.forward))];
    match service.key {
        ServiceKey::Address { protocol: Protocol::Tcp, .. } => said.push("    protocol TCP".to_owned()),
        ServiceKey::Address { protocol: Protocol::Udp, .. } => said.push("    protocol UDP".to_owned()),
        ServiceKey::Address { protocol: Protocol::Sctp, .. } => said.push("    protocol SCTP".to_owned()),
        ServiceKey::FwMark { .. } => {}
    }
    said.extend(service.persistence.map(|timeout| format!("    persistence_timeout {timeout}")));
    said
}

const fn method(forwarding: Forwarding) -> &'static str {
    match forwarding {
        Forwarding::Nat | Forwarding::Local => "NAT",
        Forwarding::Dr => "DR",
        Forwarding::Tun => "TUN",
    }
}

fn block(service: &VirtualServerStatus, server: &RealServerStatus) -> Vec<String> {
    let mut said = Vec::new();
    let was =
        if server.added { "not in the file".to_owned() } else { format!("in the file {}", server.configured_weight) };
    let by = server.overridden.as_ref().map_or_else(String::new, |by| format!("; {by}"));
    said.push(format!("    # {was}{by}"));
    let (weight, note) = match (&server.overridden, server.admin) {
        (_, Admin::Draining) => (0, "  # drained: the override stays until it is restored"),
        (_, Admin::Maintenance) => (0, "  # in maintenance: the override stays until it is restored"),
        (Some(by), Admin::Enabled) => (by.weight, ""),
        (None, Admin::Enabled) => (server.configured_weight, ""),
    };
    said.push(format!("    real_server {} {{", place(server.key.0.into())));
    said.push(format!("        weight {weight}{note}"));
    if server.added && server.forward != service.forward {
        said.push(format!("        lvs_method {}", method(server.forward)));
    }
    for check in server.checks.iter().filter(|_| server.added) {
        said.push(format!("        # checked as the others: {} {}", check.kind, check.target));
    }
    said.push("    }".to_owned());
    said
}

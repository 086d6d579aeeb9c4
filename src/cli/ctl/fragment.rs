//! `ctl diff --fragment`: what operators want beside the file, as words of keepalived.conf to be put into it.
//!
//! Each virtual server with such a wish is a block with the real servers that differ; a group is one block, and a service of
//! it of which something else is wanted a block beside it. Once the file says the same, a reload
//! ends the override, since nothing is left that differs.

use super::CtlError;
use super::print::{Page, Style};
use crate::engine::{
    Admin, Difference, EngineHandle, Family, Forwarding, Protocol, RealServerKey, RealServerStatus, ServiceKey,
    VirtualServerStatus,
};
use std::net::{IpAddr, SocketAddr};

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
    let services: Vec<&VirtualServerStatus> = services.iter().map(AsRef::as_ref).collect();
    let mut lines = Vec::new();
    for (at, service) in services.iter().enumerate() {
        match &service.name {
            None => lines.extend(alone(service, differences)),
            // With the first of them.
            Some(group) if services.iter().position(|other| other.name == service.name) == Some(at) => {
                let its = services.iter().filter(|other| other.name == service.name).copied();
                lines.extend(of_group(group, &its.collect::<Vec<_>>(), differences));
            }
            Some(_) => {}
        }
    }
    let whole =
        differences.iter().filter(|line| line.field == "object" && line.file.is_some() && line.engine.is_none());
    let services = whole.filter(|line| line.subject.parse::<ServiceKey>().is_ok());
    lines.extend(services.map(|line| {
        format!("# taken out by hand: remove the block of {0}, or {0} from its virtual_server_group", line.subject)
    }));
    lines
}

/// What is wanted of a real server in a service.
struct Wish {
    /// Its address, and the port where that is not the service's own: what its block is known by in all services of a group.
    server: (IpAddr, Option<u16>),
    /// What the file has, and who wants it otherwise.
    because: String,
    /// The lines of its block.
    block: Vec<String>,
}

impl Wish {
    fn of(service: &VirtualServerStatus, server: &RealServerStatus) -> Self {
        let (because, block) = block(service, server);
        Self { server: whom(service, server.key, server.forward), because, block }
    }

    fn is_as(&self, other: &Self) -> bool {
        // The first line has the port.
        self.server == other.server && self.block.iter().skip(1).eq(other.block.iter().skip(1))
    }

    fn lines(self) -> impl Iterator<Item = String> {
        std::iter::once(self.because).chain(self.block)
    }
}

/// How a server that keeps the port of the packets is meant: for whatever port the service has.
fn whom(service: &VirtualServerStatus, key: RealServerKey, forward: Forwarding) -> (IpAddr, Option<u16>) {
    let port = Some(key.0.port()).filter(|port| !(forward.keeps_port() && service.key.port() == Some(*port)));
    (key.0.ip(), port)
}

fn wishes(service: &VirtualServerStatus, is_added: bool, differences: &[Difference]) -> Vec<Wish> {
    let servers = service.real_servers.iter().filter(|server| is_added || server.overridden.is_some());
    let gone = removed(differences, &service.key).into_iter().map(|key| Wish {
        server: whom(service, key, service.forward),
        because: format!("    # taken out by hand: remove the block of real_server {}", place(key.0.into())),
        block: Vec::new(),
    });
    servers.map(|server| Wish::of(service, server)).chain(gone).collect()
}

/// The block of a service that has one of its own.
fn alone(service: &VirtualServerStatus, differences: &[Difference]) -> Vec<String> {
    let is_added = is_absent(differences, &service.key.to_string());
    let wishes = wishes(service, is_added, differences);
    if wishes.is_empty() && !is_added {
        return Vec::new();
    }
    let mut lines = vec![format!("{} {{", head(&service.key))];
    lines.extend(kind(&service.key));
    if is_added {
        lines.push("    # not in the file".to_owned());
        lines.extend(words(service));
    }
    lines.extend(wishes.into_iter().flat_map(Wish::lines));
    lines.push("}".to_owned());
    lines
}

/// The block of a group with what is wanted in all of its services; what is wanted in some alone can't be said there.
fn of_group(group: &str, services: &[&VirtualServerStatus], differences: &[Difference]) -> Vec<String> {
    let mut all: Vec<(&VirtualServerStatus, Vec<Wish>)> =
        services.iter().map(|service| (*service, wishes(service, false, differences))).collect();
    let is_shared = |wish: &Wish| all.iter().all(|(_, wishes)| wishes.iter().any(|other| other.is_as(wish)));
    let shared: Vec<bool> = all.first().map_or(Vec::new(), |(_, first)| first.iter().map(is_shared).collect());
    let first = all.first_mut().map(|(_, wishes)| std::mem::take(wishes)).unwrap_or_default();
    let (common, rest): (Vec<_>, Vec<_>) = first.into_iter().zip(shared).partition(|(_, shared)| *shared);
    let common: Vec<Wish> = common.into_iter().map(|(wish, _)| wish).collect();
    for (_, wishes) in &mut all {
        wishes.retain(|wish| !common.iter().any(|other| other.is_as(wish)));
    }
    if let Some((_, first)) = all.first_mut() {
        first.extend(rest.into_iter().map(|(wish, _)| wish));
    }
    let mut lines = Vec::new();
    if !common.is_empty() {
        lines.push(format!("virtual_server group {group} {{"));
        let keys = services.iter().map(|service| &service.key);
        lines.extend(keys.max_by_key(|key| matches!(key, ServiceKey::Address { .. })).and_then(kind));
        lines.extend(common.into_iter().flat_map(Wish::lines));
        lines.push("}".to_owned());
    }
    for (service, wishes) in all.into_iter().filter(|(_, wishes)| !wishes.is_empty()) {
        lines.push(format!(
            "# In {} alone, and the block of group {group} is for all of its services: take it out of",
            service.key
        ));
        lines.push(format!(
            "# virtual_server_group {group}, and give it a copy of that block as its own, with these lines:"
        ));
        lines.push(format!("{} {{", head(&service.key)));
        lines.extend(kind(&service.key));
        lines.extend(wishes.into_iter().flat_map(Wish::lines));
        lines.push("}".to_owned());
    }
    lines
}

/// What beside its head says which packets a service is for.
fn kind(key: &ServiceKey) -> Option<String> {
    let said = match key {
        ServiceKey::Address { protocol: Protocol::Tcp, .. } => "protocol TCP",
        ServiceKey::Address { protocol: Protocol::Udp, .. } => "protocol UDP",
        ServiceKey::Address { protocol: Protocol::Sctp, .. } => "protocol SCTP",
        ServiceKey::FwMark { family: Family::Inet6, .. } => "ip_family inet6",
        ServiceKey::FwMark { family: Family::Inet, .. } => return None,
    };
    Some(format!("    {said}"))
}

/// Whether the file does not have it, and the engine does.
fn is_absent(differences: &[Difference], subject: &str) -> bool {
    let is_it = |line: &&Difference| line.subject == subject && line.field == "object";
    differences.iter().find(is_it).is_some_and(|line| line.file.is_none() && line.engine.is_some())
}

/// The servers that the file has in a service, and the engine has not.
fn removed(differences: &[Difference], service: &ServiceKey) -> Vec<RealServerKey> {
    let (prefix, absent) = (format!("{service} "), |line: &&Difference| line.file.is_some() && line.engine.is_none());
    let servers = differences.iter().filter(|line| line.field == "weight").filter(absent);
    servers.filter_map(|line| line.subject.strip_prefix(&prefix)?.parse().ok()).collect()
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

/// What the file has and who wants it otherwise; the lines of its block.
fn block(service: &VirtualServerStatus, server: &RealServerStatus) -> (String, Vec<String>) {
    let mut said = Vec::new();
    let was =
        if server.added { "not in the file".to_owned() } else { format!("in the file {}", server.configured_weight) };
    let by = server.overridden.as_ref().map_or_else(String::new, |by| format!("; {by}"));
    let because = format!("    # {was}{by}");
    let restored = server.drain.as_ref().map_or(server.configured_weight, |drain| drain.weight);
    let out = |what: &str| format!("  # {what}, weight {restored} when it is restored: the override stays until then");
    let (weight, note) = match (&server.overridden, server.admin) {
        (_, Admin::Draining) => (0, out("drained")),
        (_, Admin::Maintenance) => (0, out("in maintenance")),
        (Some(by), Admin::Enabled) => (by.weight, String::new()),
        (None, Admin::Enabled) => (server.configured_weight, String::new()),
    };
    said.push(format!("    real_server {} {{", place(server.key.0.into())));
    said.push(format!("        weight {weight}{note}"));
    if server.added && server.forward != service.forward {
        said.push(format!("        lvs_method {}", method(server.forward)));
    }
    for check in server.checks.iter().filter(|_| server.added) {
        said.push(format!("        # checked as the others, copy it here: {} {}", check.kind, check.target));
    }
    said.push("    }".to_owned());
    (because, said)
}

//! `real_server`, and the addresses with ports that `virtual_server` and `sorry_server` name as well.

use super::super::argument::{self, Argument};
use super::super::diagnostic::{Problem, quoted};
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use super::super::source::Span;
use super::super::tolerance::leading;
use super::super::unfit::meant_address;
use super::balance::Words;
use super::check::{self, Outer, Timing};
use super::families::is_reached;
use super::method::{self, Method};
use super::{notify, small};
use crate::engine::model::{EdgeCommands, Family, Forwarding, RealServer, ServiceKey, TrackedFile, Weight};
use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Address and port behind `word`, and where the port (or else the address) stands. Port 0: none was given. None where they can't
/// be read: what they are of is left out, as keepalived does.
pub(super) fn endpoint(cx: &mut Context, entry: &Entry, word: &str) -> Option<(SocketAddr, Span)> {
    let words = cx.words(entry.statement);
    let text = words.get(1).map_or("", String::as_str);
    let plain = text.split(['/', '-']).next().unwrap_or("");
    let Ok(address) = plain.parse::<IpAddr>() else {
        let message = format!("{word} {} is not an address; it is left out, as keepalived does", quoted(text));
        let help = match meant_address(text) {
            Some(meant) if meant.contains(' ') || words.len() < 3 => format!("write {word} {meant}"),
            Some(meant) => {
                format!("write {word} {meant} {}", words.get(2).map_or("", |port| port.trim_matches([',', ';'])))
            }
            None => format!("write an address and a port, not a name: {word} 10.0.0.1 80"),
        };
        cx.report.add(Problem::warning(entry.value_at(1), "bad-address", message).help(help));
        return None;
    };
    if plain != text {
        alone(cx, entry, word, (text, plain));
    }
    let at = entry.value_at(if words.len() > 2 { 2 } else { 1 });
    if let Some(extra) = words.get(3) {
        let message = format!("{} is not used: {word} takes an address and a port", quoted(extra));
        cx.report.add(Problem::warning(entry.value_at(3), "too-many-values", message));
    }
    match words.get(2).map_or(Ok(0), |text| read_port(text)) {
        Ok(number) => {
            words.get(2).inspect(|text| digits(cx, "port", text, at));
            Some((SocketAddr::new(address, port(number)), at))
        }
        Err(unfit) => {
            let port = words.get(2).map(|text| quoted(text)).unwrap_or_default();
            let message = format!("port {port} {}; this {word} is left out, as keepalived does", unfit.what);
            cx.report.add(Problem::warning(at, unfit.code, message).help("write a number from 1 to 65535"));
            None
        }
    }
}

/// Like keepalived, 0 is taken where nothing else is written.
pub(super) fn read_port(word: &str) -> Result<u64, argument::Unfit> {
    let least = u64::from(word.bytes().any(|byte| byte != b'0'));
    argument::number(leading(word), least, 65_535)
}

/// Like keepalived, what stands behind the digits of a number is passed over; and told.
pub(super) fn digits(cx: &mut Context, what: &str, word: &str, at: Span) {
    let plain = leading(word);
    if plain != word.trim_ascii_start() {
        let message = format!("{what} {} counts as {plain}, as with keepalived", quoted(word));
        cx.report.add(Problem::warning(at, "not-a-number", message).help(format!("write {plain}")));
    }
}

/// keepalived takes what stands before a / or a - for the address, and says nothing of the rest.
fn alone(cx: &mut Context, entry: &Entry, word: &str, (text, plain): (&str, &str)) {
    let (at, is_range) = (entry.value_at(1), text.get(plain.len()..).unwrap_or("").starts_with('-'));
    let (code, message) = if is_range {
        ("range-unused", format!("{word} takes no range: of {} only {plain} is used, as in keepalived", quoted(text)))
    } else {
        ("prefix-unused", format!("the prefix length of {} is not used, as in keepalived", quoted(text)))
    };
    let help = if is_range && word == "virtual_server" {
        format!("write {text} into a virtual_server_group NAME, and virtual_server group NAME")
    } else if is_range {
        format!("write a {word} for each address")
    } else {
        format!("write {word} {plain}")
    };
    cx.report.add(Problem::warning(at, code, message).help(help));
}

/// A number that the table bounds to a port.
pub(super) fn port(number: u64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// The real servers of a service, each key once.
pub(super) fn all<'t>(
    cx: &mut Context<'_, 't>,
    key: &ServiceKey,
    words: &Words<'t>,
    files: &BTreeMap<String, TrackedFile>,
) -> Vec<RealServer> {
    let mut seen = HashSet::new();
    let mut servers = Vec::with_capacity(words.real_servers.len());
    for written in &words.real_servers {
        let Some((server, at)) = lower(cx, key, (words, files), written) else { continue };
        if seen.insert(server.key) {
            servers.push(server);
        } else {
            let message = format!("real_server {} stands in this service before; the first one is kept", server.key);
            cx.report.add(Problem::warning(at, "defined-twice", message).help("remove one of them"));
        }
    }
    servers
}

fn lower<'t>(
    cx: &mut Context<'_, 't>,
    key: &ServiceKey,
    (service, files): (&Words<'t>, &BTreeMap<String, TrackedFile>),
    (block, (written, at)): &(Entry<'t>, (SocketAddr, Span)),
) -> Option<(RealServer, Span)> {
    let (written, at) = (*written, *at);
    let (mut weight, mut method, mut inhibit) = (service.weight, service.method, service.inhibit_on_failure);
    let (mut upper, mut lower) = (0, (0, block.at));
    let (mut timing, mut checks) = (Timing::default(), Vec::new());
    let (mut edges, mut mails) = (EdgeCommands::default(), service.defaults.servers());
    let (mut alpha, mut virtualhost) = (service.alpha, service.virtualhost.clone());
    for entry in cx.entries(Block::RealServer, block.inner()) {
        match (entry.keyword.word, &entry.argument) {
            ("weight", Argument::Number(n)) => weight = Weight::new(small(*n)).ok(),
            ("lvs_method", Argument::Text(text)) => method = method::lower(cx, text, &entry, method).or(method),
            ("inhibit_on_failure", Argument::Switch(on)) => inhibit = *on,
            ("uthreshold", Argument::Number(n)) => upper = small(*n),
            ("lthreshold", Argument::Number(n)) => lower = (small(*n), entry.at),
            ("alpha", Argument::Switch(on)) => alpha = *on,
            ("virtualhost", Argument::Text(name)) => virtualhost = Some(name.clone()),
            ("notify_up", _) => edges.up = notify::command(cx, &entry),
            ("smtp_alert", Argument::Switch(on)) => mails = *on,
            ("notify_down", _) => edges.down = notify::command(cx, &entry),
            _ if check::is_check(&entry) => checks.push(entry),
            _ => timing.take(&entry),
        }
    }
    let Method { forwarding, tunnel } = method.unwrap_or_default();
    let is_late =
        forwarding == Forwarding::Tun && Family::of(written.ip()) != key.family() && service.too_early.contains(&at);
    if is_late {
        let message = format!(
            "real_server {} is not of the service's address family, and lb_kind TUN stands below it; it is left out, as keepalived does",
            written.ip()
        );
        let help = "write lb_kind TUN above the real servers";
        cx.report.add(Problem::warning(block.value_at(1), "mixed-families", message).help(help));
    }
    if is_late || !is_reached(cx, key, "real_server", (written.ip(), forwarding), block.value_at(1)) {
        for check in &checks {
            cx.inspect(check);
        }
        return None;
    }
    if lower.0 > upper {
        let message = format!(
            "lthreshold {} is above uthreshold {upper}: the server is left out, since the kernel refuses it, as with keepalived",
            lower.0
        );
        cx.report.add(Problem::warning(lower.1, "thresholds", message).help("write uthreshold above lthreshold"));
        for check in &checks {
            cx.inspect(check);
        }
        return None;
    }
    let mut checked = written;
    if checked.port() == 0 {
        checked.set_port(key.port().unwrap_or(0));
    }
    let outer = Outer {
        written: checked,
        names_port: written.port() != 0,
        timing: timing.within(service.timing),
        alpha,
        virtualhost,
        log_all_failures: service.log_all_failures,
        files,
    };
    let mut specs: Vec<_> = checks.iter().flat_map(|entry| check::lower(cx, entry, &outer)).map(Arc::new).collect();
    specs.shrink_to_fit(); // it grew to four at once, and there is one for each server
    let of = if service.in_group { PortOf::ServerOfGroup } else { PortOf::Server };
    let kernel = kernel_port(cx, key, forwarding, written, at, of);
    let server = RealServer {
        key: SocketAddr::new(written.ip(), kernel).into(),
        weight: weight.unwrap_or(Weight::DEFAULT),
        forwarding,
        tunnel,
        inhibit_on_failure: inhibit,
        upper_threshold: upper,
        lower_threshold: lower.0,
        unchecked: !checks.is_empty() && specs.is_empty(),
        checks: specs,
        notify: notify::edges(&edges),
        mails,
    };
    Some((server, block.value_at(1)))
}

/// Whose port is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PortOf {
    Server,
    /// Of a server whose services are a group, each with a port of its own.
    ServerOfGroup,
    SorryServer,
}

/// The port by which the kernel knows a server, as keepalived has it: behind a mark the one of the file where NAT rewrites to it, and
/// 0 where packets keep theirs; otherwise what is not rewritten keeps the service's.
pub(super) fn kernel_port(
    cx: &mut Context,
    key: &ServiceKey,
    forwarding: Forwarding,
    written: SocketAddr,
    at: Span,
    of: PortOf,
) -> u16 {
    let Some(service) = key.port() else { return if forwarding.keeps_port() { 0 } else { written.port() } };
    if written.port() == 0 || written.port() == service {
        return service;
    }
    if !forwarding.keeps_port() {
        return written.port();
    }
    let (method, ip, port) = (forwarding.to_string().to_uppercase(), written.ip(), written.port());
    let (message, help) = match of {
        PortOf::SorryServer => (
            format!("{method} can't change ports: sorry_server {ip} gets packets on port {service}"),
            format!("write sorry_server {ip} {service}"),
        ),
        PortOf::Server => (
            format!(
                "{method} can't change ports: real_server {ip} gets packets on port {service}; checks still go to port {port}"
            ),
            format!("write real_server {ip} {service}, and connect_port {port} in its check"),
        ),
        PortOf::ServerOfGroup => (
            format!(
                "{method} can't change ports: real_server {ip} gets packets on the port of each service of the group, such as \
                 {service}; checks still go to port {port}"
            ),
            format!("write real_server {ip} without a port, and connect_port {port} in its check"),
        ),
    };
    cx.report.add(Problem::warning(at, "port-rewritten", message).help(help));
    service
}

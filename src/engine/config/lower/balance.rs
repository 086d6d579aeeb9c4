//! `virtual_server`.

use super::super::argument::{self, Argument};
use super::super::diagnostic::{Problem, quoted};
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use super::super::source::Span;
use super::super::tolerance::leading;
use super::super::tree::Statement;
use super::super::unfit::shown;
use super::check::Timing;
use super::families::{is_of_one_kind, is_reached, of_one_family, said};
use super::mail::MailDefaults;
use super::method::{self, Method};
use super::persistence::{self, Granularity};
use super::{Draft, notify, server, small};
use crate::engine::model::{
    EdgeCommands, Family, GroupRole, Protocol, Quorum, SCHEDULER_FLAGS, Scheduler, ServiceKey, SorryServer,
    TrackedFile, VirtualServer, Weight,
};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

/// Most real servers that the services of all groups may have, each counted in each of its services.
const MOST_IN_GROUPS: usize = 1_000_000;

/// What the line of a service names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Named {
    Address(SocketAddr),
    /// The family where its line says so.
    Mark(u32, Option<Family>),
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Mark(mark, _) => write!(f, "fwmark {mark}"),
        }
    }
}

/// The words of a service as they were found. Real servers are lowered after them: words below them count too.
#[derive(Default)]
pub(super) struct Words<'t> {
    scheduler: Option<Scheduler>,
    /// The words of scheduler flags with their bits.
    flags: Vec<(&'static str, u32, Span)>,
    hashed: Option<Span>,
    pub method: Option<Method>,
    protocol: Option<(Protocol, Span)>,
    /// Of the marks that say none.
    family: Option<Family>,
    /// The family that the lines came to.
    pub settled: Option<Family>,
    pub persistence: Option<u32>,
    pub granularity: Option<Granularity>,
    /// The one that said of which family it is.
    settling: Option<Granularity>,
    /// Whether it, or one of its group, is on all ports.
    pub all_ports: bool,
    one_packet: Option<Span>,
    need: Option<(u32, Span)>,
    hysteresis: Option<(u32, Span)>,
    sorry_server: Option<(SocketAddr, Span)>,
    sorry_method: Option<Method>,
    sorry_inhibit: bool,
    ha_suspend: Option<Span>,
    pub weight: Option<Weight>,
    pub inhibit_on_failure: bool,
    omega: bool,
    notify: EdgeCommands,
    /// `smtp_alert`.
    mails: Option<bool>,
    pub defaults: MailDefaults,
    pub alpha: bool,
    pub virtualhost: Option<String>,
    pub log_all_failures: bool,
    pub timing: Timing,
    /// The first real server whose address can't be read.
    unreadable: Option<Span>,
    /// Where real servers of another family stand above the `lb_kind TUN` that would reach them.
    pub too_early: Vec<Span>,
    /// Whether it is one of a `virtual_server_group`.
    pub in_group: bool,
    /// Those whose addresses can be read, with them and where their ports stand.
    pub real_servers: Vec<(Entry<'t>, (SocketAddr, Span))>,
}

pub(super) fn lower<'t>(cx: &mut Context<'_, 't>, draft: &mut Draft, block: &Entry<'t>) {
    let named = named(cx, draft, block);
    let alone = named.as_ref().filter(|(_, group)| group.is_none());
    let mut words = read(cx, draft, block, alone.and_then(|(named, _)| of_one_family(named)));
    let named = named
        .filter(|(named, group)| group.as_deref().is_none_or(|group| is_of_one_kind(cx, block, named, group, &words)));
    if let Some(at) = words.ha_suspend.filter(|_| named.as_ref().is_some_and(|(named, _)| has_mark(named))) {
        let message = "ha_suspend has no address to look for with a firewall mark; it is ignored, as keepalived does";
        let help = match named.as_ref().and_then(|(_, group)| group.as_deref()) {
            Some(group) => format!("remove the line, or the fwmark from virtual_server_group {group}"),
            None => "remove the line".to_owned(),
        };
        cx.report.add(Problem::warning(at, "ha-suspend", message).help(help));
        words.ha_suspend = None;
    }
    // Marks alone stand for all protocols, UDP too; beside addresses they are as these are.
    let is_udp = words.protocol.is_none_or(|(protocol, _)| protocol == Protocol::Udp);
    let has_address = |(named, _): &(Arc<[Named]>, _)| named.iter().any(|one| matches!(one, Named::Address(_)));
    if let Some(at) = words.one_packet.filter(|_| !is_udp && named.as_ref().is_some_and(has_address)) {
        let message = "ops is for UDP services; it is ignored, as keepalived does";
        cx.report.add(Problem::warning(at, "ops", message));
        words.one_packet = None;
    }
    let Some((named, group)) = named else {
        for (entry, _) in &words.real_servers {
            cx.inspect(entry);
        }
        return;
    };
    if words.real_servers.is_empty() {
        if let Some(first) = words.unreadable {
            cx.report.amend(first, "; no other server is left, so the service is left out too");
            return;
        }
        let message = "this service has no real server; it is left out, as keepalived does";
        cx.report.add(
            Problem::warning(block.at, "no-real-server", message).help("write real_server ADDRESS PORT { … } in it"),
        );
        return;
    }
    words.in_group = group.is_some();
    if words.in_group {
        persistence::in_group(cx, &mut words);
    }
    words.family = said(&named).or(words.family);
    words.all_ports = named.iter().any(|one| matches!(one, Named::Address(address) if address.port() == 0));
    if named.len() > 1 {
        let (servers, before) = (words.real_servers.len(), draft.grouped.real_servers);
        draft.grouped.real_servers = before.saturating_add(named.len().saturating_mul(servers));
        if draft.grouped.real_servers > MOST_IN_GROUPS {
            let so_far = if before == 0 { "" } else { ", and the groups above have more" };
            let message = format!(
                "{} services of {servers} real servers each are {} entries of the kernel's table{so_far}: {MOST_IN_GROUPS} are the \
                 most that all groups of a file may come to",
                named.len(),
                named.len().saturating_mul(servers)
            );
            let help = "mark the packets to all of the addresses with the packet filter, and write fwmark N into the group instead";
            cx.report.add(Problem::error(block.value_at(2), "too-many-services", message).help(help));
            draft.grouped.real_servers = before;
            words.real_servers.iter().for_each(|(entry, _)| cx.inspect(entry));
            return;
        }
    }
    // Of a group the first address speaks, as keepalived names its servers by address and protocol.
    let speaker = named.iter().position(|named| matches!(named, Named::Address(_))).unwrap_or(0);
    // All that a service takes from its line beside its key: those with the same are told of once, and share their checks.
    let mut made: HashMap<(Family, Option<u16>), VirtualServer> = HashMap::new();
    for (place, one) in named.iter().enumerate() {
        let of_all = (&words, group.as_deref(), &draft.files);
        let key = key(cx, block, one, &words, group.is_some());
        let same = made.get(&(key.family(), key.port()));
        let mut service = match same {
            Some(same) => VirtualServer { key, ..same.clone() },
            None if place == 0 => complete(cx, block, key, of_all),
            None => cx.hushed(|cx| complete(cx, block, key, of_all)),
        };
        let is_first = same.is_none();
        if is_first && named.len() > 1 {
            made.insert((key.family(), key.port()), service.clone());
        }
        let is_other = |(_, (address, _)): &(Entry<'_>, (SocketAddr, Span))| Family::of(address.ip()) != key.family();
        if service.real_servers.is_empty() && words.real_servers.iter().all(is_other) {
            if let (true, Some((first, _))) = (is_first, words.real_servers.first()) {
                cx.report.amend(first.value_at(1), "; no other server is left, so the service is left out too");
            }
            continue;
        }
        service.group =
            group.is_some().then_some(if place == speaker { GroupRole::Speaker } else { GroupRole::Member });
        draft.configuration.virtual_servers.push(service);
        draft.services.push(block.at);
    }
}

/// Whether a service is known by a mark, or a line of its group is.
fn has_mark(named: &[Named]) -> bool {
    named.iter().any(|one| matches!(one, Named::Mark(..)))
}

/// What the services of a block are known by, and the group that they are.
fn named(cx: &mut Context, draft: &Draft, block: &Entry) -> Option<(Arc<[Named]>, Option<String>)> {
    let words = cx.words(block.statement);
    let second = words.get(2).map(String::as_str);
    match words.get(1).map_or("", String::as_str) {
        "group" => {
            let name = second.unwrap_or_default();
            if let Some(services) = draft.groups.get(name) {
                return Some((Arc::clone(services), Some(name.to_owned())));
            }
            if cx.is_left_out("virtual_server_group", name).is_some() {
                return None; // what is wrong with it was said
            }
            let message = format!(
                "there is no virtual_server_group {}; its services are left out, as keepalived does",
                quoted(name)
            );
            let help =
                cx.nearest(name, draft.groups.keys().map(String::as_str)).map(|meant| format!("did you mean {meant}?"));
            cx.report.add(Problem::warning(block.value_at(2), "unknown-name", message).help_if(help));
            None
        }
        "fwmark" => {
            let mark = second.map(|mark| argument::number(leading(mark), 0, u64::from(u32::MAX)));
            let (code, message) = match (second, mark) {
                (Some(word), Some(Ok(mark @ 1..))) => {
                    server::digits(cx, "fwmark", word, block.value_at(2));
                    return Some((Arc::new([Named::Mark(small(mark), None)]), None));
                }
                (Some(word), Some(Err(unfit))) if unfit.code == "out-of-range" => (
                    unfit.code,
                    format!("fwmark {} {}; this service is left out, as keepalived does", shown(word), unfit.what),
                ),
                (Some("0"), _) => {
                    ("bad-mark", "mark 0 is that of packets without a mark; this service is left out".to_owned())
                }
                (Some(word), _) => {
                    let does = "this service is left out; keepalived makes one at 255.255.255.255:0";
                    ("bad-mark", format!("{} is no mark; {does}", quoted(word)))
                }
                (None, _) => ("bad-mark", "fwmark names no mark; this service is left out".to_owned()),
            };
            let help = "write a whole number from 1 to 4294967295: virtual_server fwmark 1234 {";
            cx.report.add(Problem::warning(block.value_at(2), code, message).help(help));
            None
        }
        _ => {
            let (address, _) = server::endpoint(cx, block, "virtual_server")?;
            Some((Arc::new([Named::Address(address)]), None))
        }
    }
}

/// What settles the family of a service is the first of: its own line (`settled`), `ip_family`, and a server that is not reached by a
/// tunnel.
fn read<'t>(cx: &mut Context<'_, 't>, draft: &Draft, block: &Entry<'t>, mut settled: Option<Family>) -> Words<'t> {
    let defaults = &draft.defaults;
    let mut words = Words { defaults: defaults.mail, log_all_failures: defaults.log_all_failures, ..Words::default() };
    for entry in cx.entries(Block::VirtualServer, block.inner()) {
        match (entry.keyword.word, &entry.argument) {
            ("lb_algo" | "lvs_sched", Argument::Scheduler(scheduler)) => words.scheduler = Some(*scheduler),
            ("lb_kind" | "lvs_method", Argument::Text(text)) => {
                words.method = method::lower(cx, text, &entry, words.method).or(words.method);
            }
            ("protocol", Argument::Text(name)) => words.protocol = Some((protocol(name), entry.at)),
            ("ip_family", Argument::Text(name)) => {
                let family = if name == "inet6" { Family::Inet6 } else { Family::Inet };
                if *settled.get_or_insert(family) == family {
                    words.family = Some(family);
                } else {
                    let message = format!("ip_family {name} is not what the lines above come to; it is ignored");
                    let help = "remove the line; write one service for each family";
                    cx.report.add(Problem::warning(entry.value_at(1), "ip-family", message).help(help));
                }
            }
            ("persistence_timeout", Argument::Number(seconds)) => words.persistence = Some(small(*seconds)),
            ("persistence_granularity", Argument::Text(mask)) => {
                let found = persistence::granularity(cx, mask, &entry, settled);
                if let Some(found) = found.as_ref().filter(|_| settled.is_none()) {
                    (settled, words.family, words.settling) = (Some(found.family), Some(found.family), Some(*found));
                }
                words.granularity = found.or(words.granularity);
            }
            ("ops", Argument::Switch(on)) => words.one_packet = on.then_some(entry.at),
            ("quorum", Argument::Number(need)) => words.need = Some((small(*need), entry.value_at(1))),
            ("hysteresis", Argument::Number(n)) => words.hysteresis = Some((small(*n), entry.at)),
            ("sorry_server", _) => words.sorry_server = server::endpoint(cx, &entry, "sorry_server"),
            ("sorry_server_lvs_method", Argument::Text(text)) => {
                let before = words.sorry_method.or(words.method);
                words.sorry_method = method::lower(cx, text, &entry, before).or(words.sorry_method);
            }
            ("sorry_server_inhibit", Argument::Switch(_)) if words.sorry_server.is_none() => {
                let message = "sorry_server_inhibit above or without sorry_server is ignored, as keepalived does";
                cx.report
                    .add(Problem::warning(entry.at, "no-sorry-server", message).help("write it below sorry_server"));
            }
            ("sorry_server_inhibit", Argument::Switch(on)) => words.sorry_inhibit = *on,
            ("hashed", _) => words.hashed = Some(entry.at),
            ("ha_suspend", Argument::Switch(on)) => words.ha_suspend = on.then_some(entry.at),
            ("weight", Argument::Number(weight)) => words.weight = Weight::new(small(*weight)).ok(),
            ("inhibit_on_failure", Argument::Switch(on)) => words.inhibit_on_failure = *on,
            ("alpha", Argument::Switch(on)) => words.alpha = *on,
            ("omega", Argument::Switch(on)) => words.omega = *on,
            ("quorum_up", _) => words.notify.up = notify::command(cx, &entry),
            ("quorum_down", _) => words.notify.down = notify::command(cx, &entry),
            ("virtualhost", Argument::Text(name)) => words.virtualhost = Some(name.clone()),
            ("smtp_alert", Argument::Switch(on)) => words.mails = Some(*on),
            ("real_server", _) => {
                if let Some(named) = server::endpoint(cx, &entry, "real_server") {
                    if !words.by_tunnel() && !cx.mentions(entry.inner(), "lvs_method") {
                        let family = Family::of(named.0.ip());
                        if *settled.get_or_insert(family) != family {
                            words.too_early.push(named.1);
                        }
                    }
                    words.real_servers.push((entry, named));
                } else {
                    words.unreadable.get_or_insert(entry.at);
                    cx.inspect(&entry);
                }
            }
            (word, Argument::Switch(true))
                if let Some((word, _, bit)) = SCHEDULER_FLAGS.iter().find(|f| f.0 == word) =>
            {
                words.flags.push((word, *bit, entry.at));
            }
            _ => words.timing.take(&entry),
        }
    }
    if let Some(by) = words.settling {
        persistence::settles(cx, &by, words.real_servers.iter().map(|(_, (address, _))| address.ip()));
    }
    words.settled = settled;
    words
}

impl Words<'_> {
    /// Whether a tunnel reaches those of its servers that say nothing.
    fn by_tunnel(&self) -> bool {
        self.method.is_some_and(Method::is_tunnel)
    }

    /// Whether a tunnel reaches all of its servers, the sorry server too.
    pub fn all_by_tunnel(&self, cx: &Context) -> bool {
        let sorry = self.sorry_server.is_none() || self.sorry_method.or(self.method).is_some_and(Method::is_tunnel);
        let word = |statement: &Statement, at: usize| statement.words.get(at).map(|token| cx.sources.word(token.span));
        sorry
            && self.real_servers.iter().all(|(entry, _)| {
                let own = entry.inner().iter().rfind(|statement| word(statement, 0) == Some("lvs_method"));
                own.map_or(self.by_tunnel(), |own| word(own, 1) == Some("TUN"))
            })
    }
}

fn complete<'t>(
    cx: &mut Context<'_, 't>,
    block: &Entry<'t>,
    key: ServiceKey,
    (words, group, files): (&Words<'t>, Option<&str>, &BTreeMap<String, TrackedFile>),
) -> VirtualServer {
    let scheduler = words.scheduler.unwrap_or(Scheduler::Wlc);
    if let Some(at) = words.hashed.filter(|_| scheduler != Scheduler::Sh) {
        let message =
            format!("hashed is of the scheduler sh, and lb_algo is {scheduler}; it is ignored, as keepalived does");
        cx.report.add(Problem::warning(at, "scheduler-flag", message).help("remove the line"));
    }
    let persistence = persistence::lower(cx, block, &key, words);
    let real_servers = server::all(cx, &key, words, files);
    let total: u64 = real_servers.iter().map(|server| u64::from(server.weight.get())).sum();
    let quorum = quorum(cx, words, total);
    let sorry_server = words.sorry_server.and_then(|(mut address, at)| {
        let own = words.sorry_method;
        let used = own.or(words.method).unwrap_or_default().forwarding;
        is_reached(cx, &key, "sorry_server", (address.ip(), used), at).then(|| {
            address.set_port(server::kernel_port(cx, &key, used, address, at, server::PortOf::SorryServer));
            let (forwarding, tunnel) = (own.map(|own| own.forwarding), own.unwrap_or_default().tunnel);
            SorryServer { key: address.into(), forwarding, tunnel, inhibit: words.sorry_inhibit }
        })
    });
    let Method { forwarding, tunnel } = words.method.unwrap_or_default();
    VirtualServer {
        key,
        name: group.map(str::to_owned),
        group: None,
        scheduler,
        scheduler_flags: scheduler_flags(cx, scheduler, &words.flags),
        forwarding,
        tunnel,
        persistence: persistence.map(|(persistence, _)| persistence),
        odd_mask: persistence.and_then(|(_, odd_mask)| odd_mask),
        one_packet: words.one_packet.is_some(),
        quorum,
        sorry_server,
        omega: words.omega,
        ha_suspend: words.ha_suspend.is_some(),
        notify: notify::edges(&words.notify),
        mails: words.mails.unwrap_or(words.defaults.services()),
        real_servers,
    }
}

/// The service's key. Like keepalived, an address without protocol is UDP, and a mark has the family of its line, else of `ip_family`, else
/// the first server's.
fn key(cx: &mut Context, block: &Entry, named: &Named, words: &Words, in_group: bool) -> ServiceKey {
    match *named {
        Named::Address(address) => {
            let protocol = words.protocol.map_or_else(
                || {
                    if cx.mentions(block.inner(), "protocol") {
                        return Protocol::Udp; // what is wrong with it was said
                    }
                    let message = "this service has no protocol; UDP is used, as keepalived does";
                    cx.report.add(
                        Problem::warning(block.at, "no-protocol", message).help("write protocol TCP or protocol UDP"),
                    );
                    Protocol::Udp
                },
                |(protocol, _)| protocol,
            );
            ServiceKey::Address { protocol, address }
        }
        Named::Mark(mark, family) => {
            if let Some((_, at)) = words.protocol.filter(|_| !in_group) {
                let message =
                    "protocol is not used: a firewall mark stands for all protocols that the packet filter marks";
                cx.report.add(Problem::warning(at, "protocol", message).help("remove the line"));
            }
            let first = words.real_servers.first().map(|(_, (address, _))| Family::of(address.ip()));
            let family = family.or(words.family).or(first).unwrap_or(Family::Inet);
            ServiceKey::FwMark { mark, family }
        }
    }
}

/// As keepalived has it: a quorum that `total`, the weight of all servers, can't reach is lowered to that.
fn quorum(cx: &mut Context, words: &Words, total: u64) -> Quorum {
    let mut need = words.need.map_or(1, |(need, _)| need);
    if let Some((_, at)) = words.need.filter(|(need, _)| u64::from(*need) > total) {
        let reached = small(total).max(1);
        let does = if total == 0 { "keepalived uses 0" } else { "as keepalived does" };
        let message = format!(
            "a quorum of {need} can never be reached: all weights together are {total}; {reached} is used, {does}"
        );
        cx.report.add(Problem::warning(at, "quorum", message).help("lower quorum, or raise the weights"));
        need = reached;
    }
    let mut hysteresis = 0;
    if let Some((wanted, at)) = words.hysteresis {
        hysteresis = wanted.min(need - 1);
        if hysteresis < wanted {
            let message = format!("hysteresis {wanted} is not below the quorum of {need}; {hysteresis} is used");
            cx.report.add(Problem::warning(at, "quorum", message));
        }
        let again = u64::from(need) + u64::from(hysteresis);
        if hysteresis > 0 && again > total {
            let message = format!(
                "once lost, the quorum never comes back: it takes {again} (quorum {need} and hysteresis {hysteresis}), and all \
                 weights together are {total}"
            );
            cx.report.add(Problem::warning(at, "quorum", message).help("lower hysteresis, or raise the weights"));
        }
    }
    Quorum { need, hysteresis }
}

/// The bits of the flags. Like keepalived, one of another scheduler is left out.
fn scheduler_flags(cx: &mut Context, scheduler: Scheduler, flags: &[(&'static str, u32, Span)]) -> u32 {
    let mut bits = 0;
    for (word, bit, at) in flags {
        let of = SCHEDULER_FLAGS.iter().find(|flag| flag.0 == *word).and_then(|flag| flag.1);
        if let Some(of) = of.filter(|of| *of != scheduler) {
            let message = format!(
                "{word} is of the scheduler {of}, and lb_algo is {scheduler}; it is ignored, as keepalived does"
            );
            let help = format!("write lb_algo {of}, or remove the line");
            cx.report.add(Problem::warning(*at, "scheduler-flag", message).help(help));
        } else {
            bits |= bit;
        }
    }
    bits
}

fn protocol(name: &str) -> Protocol {
    match name {
        "TCP" => Protocol::Tcp,
        "SCTP" => Protocol::Sctp,
        _ => Protocol::Udp,
    }
}

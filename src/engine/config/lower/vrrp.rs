//! `vrrp_instance`.

mod strict;
mod wish;

use super::super::Wanted;
use super::super::argument::Argument;
use super::super::causes::Cause;
use super::super::diagnostic::{Problem, quoted};
use super::super::keywords::Block;
use super::super::schema::{Context, Entry};
use super::super::source::Span;
use super::super::tree::Statement;
use super::{
    Defaults, Draft, Places, address, authentication, lvs, notify, routing, small, track, transport, virtual_link,
};
use crate::engine::model::{
    AdvertInterval, Authentication, Family, GratuitousArp, Notifications, Priority, Routing, StartState, Variations,
    VirtualAddress, VirtualRouter, Vrid, VrrpVersion,
};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;
use wish::{otherwise, preempt_delay, start_state, stated, wished_state};

/// The words of an instance as they were found.
struct Words {
    interface: Option<String>,
    vrid: Option<(Vrid, Span)>,
    state: Option<StartState>,
    state_at: Option<Span>,
    priority: Option<Priority>,
    priority_at: Option<Span>,
    interval: Option<(Duration, Span)>,
    version: Option<(u64, Option<Span>)>,
    nopreempt: Option<Span>,
    preempt: Option<Span>,
    preempt_delay: (Duration, Span),
    authentication: (Authentication, Option<Span>),
    addresses: Vec<VirtualAddress>,
    known: address::Known,
    /// Whether there are lines for addresses, good or bad.
    addresses_written: bool,
    /// Whether there is a priority, perhaps under a misspelt word.
    priority_written: bool,
    garp: GratuitousArp,
    routing: Vec<Routing>,
    /// Where each address stands.
    places: Vec<(IpAddr, Span)>,
    tracks: track::Tracks,
    tracks_at: Option<Span>,
    tracks_interface: bool,
    transport: transport::Words,
    links: virtual_link::Words,
    variations: Variations,
    notifications: Notifications,
    /// `native_ipv6`.
    native_ipv6: Option<Span>,
    /// `strict_mode`.
    strict: bool,
    /// `accept` and `no_accept`, and where.
    accepts: Option<(bool, Span)>,
    /// `lvs_sync_daemon_interface`.
    synchronises_on: Option<(String, Span)>,
}

pub(super) fn lower<'t>(cx: &mut Context<'_, 't>, draft: &mut Draft, block: &Entry<'t>) {
    let Some(name) = cx.words(block.statement).into_iter().nth(1) else { return };
    draft.named.insert(name.clone());
    let mut words = read(cx, draft, block, &name);
    words.addresses_written |= cx.misspells(Block::Instance, block.inner(), "virtual_ipaddress");
    let has_block = |s: &Statement| {
        s.block.is_some() && s.words.first().is_some_and(|word| cx.sources.word(word.span) == "virtual_ipaddress")
    };
    words.addresses_written |= cx.holds(block.inner(), "virtual_ipaddress") && !block.inner().iter().any(has_block);
    words.priority_written = words.priority.is_some() || cx.misspells(Block::Instance, block.inner(), "priority");
    let at = block.value_at(1);
    if let Some((interface, at)) = words.synchronises_on.take() {
        lvs::synchronise(cx, draft, interface, &name, at);
    }
    if words.strict {
        strict::settle(cx, &mut words, block);
    }
    words.variations.accepts = words.accepts.map_or(!words.strict, |(accepts, _)| accepts);
    let mut needed = |word: &str, help: &str| {
        if cx.mentions(block.inner(), word) {
            return; // what is wrong with it was said
        }
        let what = format!("vrrp_instance {name} has no {word}");
        match cx.place_of(block.inner(), word) {
            Some(elsewhere) => {
                let help = format!("write {word} on a line of its own");
                let why = "it stands behind another word on its line, where it is not read";
                cx.report.cause(Cause::error("missing-word", &what, why, &help), elsewhere);
            }
            None => cx.report.add(Problem::error(at, "missing-word", what).help(help)),
        }
    };
    if words.interface.is_none() {
        let of_statics = draft.defaults.interface.as_ref();
        let help = match of_statics {
            Some(name) => format!("write interface {name} in it: default_interface is for static addresses alone"),
            None => "write the interface that advertisements go out on, for example: interface eth0".to_owned(),
        };
        needed("interface", &help);
    }
    if words.vrid.is_none() {
        needed("virtual_router_id", "write a number from 1 to 255, the same on all nodes: virtual_router_id 51");
    }
    let (Some(interface), Some((vrid, vrid_at))) = (words.interface.clone(), words.vrid) else { return };
    let places = Places {
        name: at,
        vrid: vrid_at,
        tracks: words.tracks_at.unwrap_or(at),
        own: track::own_line(cx, block.inner(), &interface).unwrap_or(at),
        addresses: std::mem::take(&mut words.places).into_iter().collect(),
    };
    let router = complete(cx, draft, (name, interface, vrid), words, &places);
    draft.routers.entry(router.name.clone()).or_insert(draft.configuration.virtual_routers.len());
    for link in &router.links {
        draft.links.entry(link.name.clone()).or_default().insert((link.base.clone(), link.family));
    }
    draft.configuration.virtual_routers.push(router);
    draft.instances.push(places);
}

fn read<'t>(cx: &mut Context<'_, 't>, draft: &Draft, block: &Entry<'t>, name: &str) -> Words {
    let mut words = Words {
        interface: None,
        vrid: None,
        state: None,
        state_at: None,
        priority: None,
        priority_at: None,
        interval: None,
        version: draft.defaults.version.map(|version| (version, None)),
        nopreempt: None,
        preempt: None,
        preempt_delay: (Duration::ZERO, block.at),
        authentication: (Authentication::None, None),
        addresses: Vec::new(),
        known: address::Known::new(),
        addresses_written: false,
        priority_written: false,
        garp: draft.defaults.garp,
        routing: Vec::new(),
        places: Vec::new(),
        tracks: track::Tracks::default(),
        tracks_at: None,
        tracks_interface: true,
        transport: transport::Words::new(draft.defaults.check_unicast_source),
        links: virtual_link::Words::default(),
        variations: draft.defaults.variations,
        notifications: draft.defaults.notifications(),
        native_ipv6: None,
        strict: draft.defaults.strict,
        accepts: None,
        synchronises_on: None,
    };
    for entry in cx.entries(Block::Instance, block.inner()) {
        match (entry.keyword.word, &entry.argument) {
            ("interface", Argument::Text(interface)) => {
                if interface == "lo" {
                    let message = "interface lo is the loopback: no other router hears it";
                    let help = "name the interface that the other router is reached by";
                    cx.report.add(Problem::error(entry.value_at(1), "bad-interface", message).help(help));
                }
                super::interface::check(cx, interface, entry.value_at(1));
                cx.wanted.push((entry.value_at(1), Wanted::Interface(interface.clone())));
                if !interface.is_ascii() {
                    let message = format!(
                        "interface {} is not in plain letters: FAULT until there is one of that name",
                        quoted(interface)
                    );
                    cx.report.add(Problem::warning(entry.value_at(1), "unknown-name", message));
                }
                words.interface = Some(interface.clone());
            }
            ("virtual_router_id", Argument::Number(n)) => {
                words.vrid = Vrid::new(byte(*n)).ok().map(|vrid| (vrid, entry.value_at(1)));
            }
            ("state", Argument::Text(state)) => {
                let written = start_state(cx, state, &entry);
                words.state = stated(cx, (words.state, words.state_at), written, &entry);
                words.state_at = Some(entry.value_at(1));
            }
            ("priority", Argument::Number(n)) => {
                (words.priority, words.priority_at) = (Priority::new(byte(*n)).ok(), Some(entry.value_at(1)));
            }
            ("advert_int", Argument::Time(interval)) => words.interval = Some((*interval, entry.value_at(1))),
            ("version", Argument::Number(version)) => match words.version {
                Some((before, Some(at))) => {
                    let message = format!("version {before} stands in {} before, and counts", cx.line_of(at));
                    cx.report.add(Problem::warning(entry.at, "given-twice", message));
                }
                Some((_, None)) | None => words.version = Some((*version, Some(entry.at))),
            },
            ("preempt", _) => {
                otherwise(cx, words.nopreempt.take(), &entry);
                words.preempt = Some(entry.at);
            }
            ("nopreempt", _) => {
                otherwise(cx, words.preempt.take(), &entry);
                words.nopreempt = Some(entry.at);
            }
            ("preempt_delay", Argument::Time(delay)) => words.preempt_delay = (*delay, entry.at),
            ("authentication", _) => words.authentication = (authentication::lower(cx, &entry), Some(entry.at)),
            ("virtual_ipaddress_excluded", _) => addresses(cx, &entry, &mut words, name),
            ("virtual_ipaddress", _) => {
                words.addresses_written |= !entry.inner().is_empty();
                addresses(cx, &entry, &mut words, name);
            }
            ("strict_mode", Argument::Switch(on)) => words.strict = *on,
            (word @ ("accept" | "no_accept"), _) => {
                let accepts = word == "accept";
                otherwise(cx, words.accepts.filter(|(before, _)| *before != accepts).map(|(_, at)| at), &entry);
                words.accepts = Some((accepts, entry.at));
            }
            ("lvs_sync_daemon_interface", Argument::Text(name)) => {
                words.synchronises_on = Some((name.clone(), entry.at));
            }
            ("dont_track_primary", Argument::Switch(on)) => words.tracks_interface = !*on,
            ("native_ipv6", Argument::Switch(on)) => words.native_ipv6 = on.then_some(entry.at),
            _ if words.transport.lower(cx, &entry) => {}
            _ if words.links.lower(cx, &entry) => {}
            _ if track::lower(cx, draft, &entry, &mut words.tracks) => {
                words.tracks_at.get_or_insert(entry.at);
            }
            _ if routing::lower(cx, &entry, &mut words.routing) => {}
            _ if notify::lower(cx, &mut words.notifications, &entry) => {}
            (word, argument) => {
                super::global::garp(cx, &mut words.garp, word, &entry);
                super::global::vary(&mut words.variations, word, argument);
            }
        }
    }
    // What a lower priority leads to is that of global_defs where the instance does not say.
    let (garp, outer) = (&mut words.garp, &draft.defaults.garp);
    if garp.repeat != outer.repeat {
        garp.lower_priority_repeat.get_or_insert(outer.repeat);
    }
    if garp.delay != outer.delay {
        garp.lower_priority_delay.get_or_insert(outer.delay);
    }
    words
}

fn addresses<'t>(cx: &mut Context<'_, 't>, block: &Entry<'t>, words: &mut Words, name: &str) {
    let asked = words.native_ipv6.map(|_| Family::Inet6);
    let address::Lines { groups, places } =
        address::lower(cx, block, (&mut words.addresses, &mut words.known), (name, asked));
    words.places.extend(places);
    for (_, _, at) in groups {
        let message = "track_group behind a virtual address says nothing; it is for static ones";
        cx.report.add(Problem::warning(at, "no-effect", message));
    }
}

/// Settles what depends on several words, as keepalived does, and says so where that is not what was written.
fn complete(
    cx: &mut Context,
    draft: &Draft,
    (name, interface, vrid): (String, String, Vrid),
    mut words: Words,
    places: &Places,
) -> VirtualRouter {
    let at = places.name;
    merge(cx, &mut words.addresses, &interface, places);
    track::leave_out_own(cx, &mut words.tracks.all, (&interface, words.tracks_interface), places.own);
    let family = family(cx, &words);
    if family == Family::Inet6 {
        link_local_first(cx, &words.addresses, words.addresses.first().map_or(at, |first| places.of(first.address)));
    }
    let Defaults { groups, .. } = &draft.defaults;
    let (transport, source) = words.transport.complete(cx, family, *groups);
    let key = (interface.as_str(), vrid, family);
    let (links, advertises_from) = words.links.complete(cx, draft, key, &transport, &mut words.addresses);
    let version = version(cx, words.version, family);
    let default = if words.state == Some(StartState::Master) { Priority::OWNER } else { Priority::DEFAULT };
    let priority = words.priority.unwrap_or(default);
    if words.priority.is_some() || !words.priority_written {
        wished_state(cx, words.state, words.priority, words.priority_at.or(words.state_at).unwrap_or(at));
    }
    let advert_interval = words.interval.map_or(AdvertInterval::DEFAULT, |(span, at)| interval(cx, version, span, at));
    let mut preempt = words.nopreempt.is_none();
    if let Some(at) = words.nopreempt.filter(|_| words.state == Some(StartState::Master) || priority.is_owner()) {
        preempt = true;
        let why = if priority.is_owner() { "priority 255" } else { "state MASTER" };
        let message = format!("nopreempt does not go with {why}; it is ignored, as keepalived does");
        let help = if priority.is_owner() {
            "write a priority below 255, and state BACKUP on all nodes, to use nopreempt"
        } else {
            "write state BACKUP on all nodes to use nopreempt"
        };
        cx.report.add(Problem::warning(at, "nopreempt-ignored", message).help(help));
    }
    let preempt_delay = preempt_delay(cx, words.preempt_delay, words.state, (priority, preempt));
    let mut start_state = words.state.unwrap_or_default();
    if matches!(words.authentication.0, Authentication::Ah(_)) && start_state == StartState::Master {
        start_state = StartState::Backup;
        let message = "state MASTER does not go with auth_type AH; BACKUP is used, as keepalived does";
        let at = words.state_at.unwrap_or(at);
        cx.report.add(Problem::warning(at, "state-with-ah", message).help("write auth_type PASS, or state BACKUP"));
    }
    let authentication = match (version, words.authentication) {
        (VrrpVersion::V3, (Authentication::Pass(_) | Authentication::Ah(_), Some(at))) => {
            let message = "version 3 has no authentication; the password is ignored";
            cx.report.add(
                Problem::warning(at, "no-authentication", message).help("remove authentication, or write version 2"),
            );
            Authentication::None
        }
        (_, (authentication, _)) => authentication,
    };
    if (!words.addresses_written || family == Family::Inet6)
        && !words.addresses.iter().any(|address| address.advertised)
    {
        no_address(cx, &name, family, words.addresses.is_empty(), at);
    }
    VirtualRouter {
        name,
        interface,
        vrid,
        family,
        transport,
        source,
        version,
        start_state,
        priority,
        advert_interval,
        preempt,
        preempt_delay,
        authentication,
        addresses: words.addresses,
        links,
        advertises_from,
        routing: words.routing,
        garp: words.garp,
        tracks: words.tracks.all,
        tracks_interface: words.tracks_interface,
        variations: words.variations,
        notifications: words.notifications,
    }
}

/// An address with the instance's interface behind it is the same as one without.
fn merge(cx: &mut Context, addresses: &mut Vec<VirtualAddress>, interface: &str, places: &Places) {
    let mut merged: Vec<VirtualAddress> = Vec::with_capacity(addresses.len());
    let mut own: HashMap<IpAddr, usize> = HashMap::new();
    for address in addresses.drain(..) {
        let is_own = address.interface.as_deref().is_none_or(|name| name == interface);
        let before = is_own.then(|| *own.entry(address.address).or_insert(merged.len()));
        match before.and_then(|place| merged.get_mut(place)) {
            Some(known) => {
                let message = address::again(Some(known), &address, "this instance");
                let at = places.of(address.address);
                cx.report.add(Problem::warning(at, "given-twice", message).help("remove it on all nodes"));
            }
            None => merged.push(address),
        }
    }
    *addresses = merged;
}

/// That of the addresses; without one, what `native_ipv6` says.
fn family(cx: &mut Context, words: &Words) -> Family {
    let first = words.addresses.iter().find(|a| a.advertised).map(|a| Family::of(a.address));
    match (first, words.native_ipv6) {
        (Some(Family::Inet), Some(at)) => {
            let message = "native_ipv6 does not go with IPv4 addresses; it is ignored";
            cx.report.add(Problem::warning(at, "mixed-families", message));
            Family::Inet
        }
        (None, Some(_)) => Family::Inet6,
        (found, _) => found.unwrap_or(Family::Inet),
    }
}

/// keepalived runs an instance of IPv4 without an address, and refuses one of IPv6.
fn no_address(cx: &mut Context, name: &str, family: Family, is_alone: bool, at: Span) {
    let what = if is_alone { "has no virtual address" } else { "advertises no address: all of its own are excluded" };
    let is_refused = family == Family::Inet6;
    let then = match (is_refused, is_alone) {
        (true, _) => "an instance of IPv6 needs one",
        (false, true) => "nothing moves with it",
        (false, false) => "other routers see an empty list",
    };
    let help = match family {
        Family::Inet => "write virtual_ipaddress { ADDRESS/PREFIX }",
        Family::Inet6 => "write virtual_ipaddress { fe80::1/64 }, say, on all nodes",
    };
    let message = format!("vrrp_instance {name} {what}; {then}");
    cx.report.add(Problem::new(is_refused, at, "no-address", message).help(help));
}

/// RFC 9568 §5.2.9 has an address of the link first, and other implementations may refuse what has none.
fn link_local_first(cx: &mut Context, addresses: &[VirtualAddress], at: Span) {
    let of_link = |a: &VirtualAddress| matches!(a.address, IpAddr::V6(address) if address.is_unicast_link_local());
    let advertised = || addresses.iter().filter(|a| a.advertised);
    if advertised().next().is_some() && !advertised().any(of_link) {
        let message = "no virtual address of this IPv6 instance is link-local, as RFC 9568 has its first one";
        let help = "add one on all nodes, for example fe80::5:33/64; keepalived and lvsdeck do without";
        cx.report.add(Problem::warning(at, "no-link-local", message).help(help));
    }
}

/// IPv6 knows version 3 only.
fn version(cx: &mut Context, word: Option<(u64, Option<Span>)>, family: Family) -> VrrpVersion {
    match (word, family) {
        (Some((2, Some(at))), Family::Inet6) => {
            cx.report.add(Problem::warning(at, "version", "IPv6 needs version 3; version 3 is used"));
            VrrpVersion::V3
        }
        (Some((3, _)), _) | (_, Family::Inet6) => VrrpVersion::V3,
        (_, Family::Inet) => VrrpVersion::V2,
    }
}

/// What the version can carry: whole seconds, or centiseconds up to 40.95 s.
fn interval(cx: &mut Context, version: VrrpVersion, wanted: Duration, at: Span) -> AdvertInterval {
    let micros = small(u64::try_from(wanted.as_micros()).unwrap_or(u64::MAX));
    let rounded = |unit: u32| (micros.saturating_add(unit / 2) / unit * unit).max(unit);
    let (possible, why) = match version {
        VrrpVersion::V2 => (rounded(1_000_000), "version 2 carries whole seconds"),
        VrrpVersion::V3 if micros > 40_950_000 => (40_950_000, "version 3 carries 40.95 s at most"),
        VrrpVersion::V3 => (rounded(10_000), "version 3 carries hundredths of a second"),
    };
    let interval = AdvertInterval::from_centiseconds(possible / 10_000).unwrap_or(AdvertInterval::DEFAULT);
    if possible != micros {
        let message = format!("{why}: advert_int {} s is used", f64::from(interval.centiseconds()) / 100.0);
        let help = match version {
            VrrpVersion::V2 => "write whole seconds, or version 3, on all nodes",
            VrrpVersion::V3 => "write that, on all nodes",
        };
        cx.report.add(Problem::warning(at, "interval-rounded", message).help(help));
    }
    interval
}

/// A number that the table bounds to a byte.
pub(super) fn byte(number: u64) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

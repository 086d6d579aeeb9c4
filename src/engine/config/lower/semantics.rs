//! What only the configuration as a whole can tell: names, numbers and addresses that collide.

use super::super::diagnostic::Problem;
use super::super::schema::Context;
use super::super::source::Span;
use super::Draft;
use crate::engine::model::{ServiceKey, VirtualRouter, VirtualServer};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

pub(super) fn check(cx: &mut Context, draft: &mut Draft) {
    once(cx, draft);
    instances(cx, draft);
    links(cx, draft);
    super::weights::check(cx, draft);
    services(cx, draft);
    super::lvs::check(cx, draft);
}

/// The first instance of each name stays, as keepalived has it.
fn once(cx: &mut Context, draft: &mut Draft) {
    let mut names: HashMap<String, Span> = HashMap::new();
    let (routers, places) =
        (std::mem::take(&mut draft.configuration.virtual_routers), std::mem::take(&mut draft.instances));
    for (router, places) in routers.into_iter().zip(places) {
        let at = places.name;
        if let Some(first) = names.get(&router.name) {
            let line = cx.sources.place(*first).line;
            let message = format!(
                "vrrp_instance {} is defined before, at line {line}; this one is left out, as keepalived does",
                router.name
            );
            let help = "keep one; did two nodes' files get pasted into one?";
            cx.report.add(Problem::warning(at, "defined-twice", message).help(help));
        } else {
            names.insert(router.name.clone(), at);
            draft.configuration.virtual_routers.push(router);
            draft.instances.push(places);
        }
    }
}

fn instances(cx: &mut Context, draft: &Draft) {
    let (mut numbers, mut holders) = (HashMap::new(), HashMap::new());
    let mut pasted: BTreeSet<(&String, &String)> = BTreeSet::new();
    let statics = draft.configuration.statics.addresses.iter().map(|known| &known.address);
    let statics: HashSet<_> = statics.map(|known| (known.address, known.interface.as_ref())).collect();
    for (router, places) in draft.configuration.virtual_routers.iter().zip(&draft.instances) {
        let name = &router.name;
        if let Some(other) = numbers.insert((router.vrid, &router.interface, router.family), router) {
            let (is_same, other) = (same_addresses(other, router), &other.name);
            let message = format!(
                "{other} and {name} both are virtual router {} on {}: no node could tell them apart",
                router.vrid, router.interface
            );
            let help = if is_same {
                "these look like two nodes' files pasted into one: keep on each node its own"
            } else {
                "give one of them a virtual_router_id of its own"
            };
            cx.report.add(Problem::error(places.vrid, "same-vrid", message).help(help));
            pasted.extend(is_same.then_some((other, name)));
        }
        for address in &router.addresses {
            // One of the link is another one on each interface.
            let interface = address.interface.as_ref().unwrap_or(&router.interface);
            match holders.insert((address.address, is_of_link(address.address).then_some(interface)), name) {
                Some(other) if other != name && !pasted.contains(&(other, name)) => {
                    let message = format!("{} is an address of {other} and of {name}", address.address);
                    let help = "keep it in one: each sets and removes it for itself, whatever the other one does";
                    let at = places.of(address.address);
                    cx.report.add(Problem::warning(at, "shared-address", message).help(help));
                }
                _ => {}
            }
            if statics.contains(&(address.address, Some(interface))) {
                let message = format!("{} of {name} is a static address too: a backup removes it", address.address);
                let help = "remove it from static_ipaddress, or from the instance";
                let at = places.of(address.address);
                cx.report.add(Problem::warning(at, "shared-address", message).help(help));
            }
        }
    }
}

const fn is_of_link(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// Whether two instances advertise the same addresses.
fn same_addresses(one: &VirtualRouter, other: &VirtualRouter) -> bool {
    let of = |router: &VirtualRouter| -> BTreeSet<_> {
        router.addresses.iter().filter(|address| address.advertised).map(|address| address.address).collect()
    };
    of(one) == of(other)
}

/// No two interfaces have the same name, nor two above the same one the same MAC address.
fn links(cx: &mut Context, draft: &Draft) {
    let (mut names, mut macs) = (HashMap::new(), HashMap::new());
    for (router, places) in draft.configuration.virtual_routers.iter().zip(&draft.instances) {
        for link in &router.links {
            let name = &router.name;
            let same = names.insert(&link.name, name);
            let Some(other) = macs.insert((&link.base, link.mac), name).or(same) else { continue };
            let what = if same.is_some() { link.name.clone() } else { format!("an interface with {}", link.mac) };
            let message = format!("{other} and {name} both make {what} on {}", link.base);
            let help = "give one of them a virtual_router_id of its own, or other words behind use_vmac";
            cx.report.add(Problem::error(places.name, "same-virtual-link", message).help(help));
        }
    }
}

/// The first service of each key stays, and gets the real servers of the others, as keepalived has it in the kernel's table.
fn services(cx: &mut Context, draft: &mut Draft) {
    let mut seen: HashMap<ServiceKey, (usize, Span)> = HashMap::new();
    let all = std::mem::take(&mut draft.configuration.virtual_servers);
    let mut kept: Vec<VirtualServer> = Vec::with_capacity(all.len());
    for (server, at) in all.into_iter().zip(std::mem::take(&mut draft.services)) {
        let (first, first_at) = *seen.entry(server.key).or_insert((kept.len(), at));
        let Some(known) = kept.get_mut(first) else {
            kept.push(server);
            draft.services.push(at);
            continue;
        };
        let line = cx.sources.place(first_at).line;
        let message = format!(
            "{} is defined before, at line {line}: of this one the real servers alone count; keepalived has them in its table too, and \
             keeps a quorum for each block",
            server.key
        );
        let help = "put all its real servers into one virtual_server";
        cx.report.add(Problem::warning(at, "defined-twice", message).help(help));
        let keys: HashSet<_> = known.real_servers.iter().map(|server| server.key).collect();
        known.real_servers.extend(server.real_servers.into_iter().filter(|server| !keys.contains(&server.key)));
    }
    draft.configuration.virtual_servers = kept;
}

//! Advice on how packets find their way: forwarding, reverse-path filter, ARP.

use super::facts::{HostAddress, effective};
use super::{Found, Look, list};
use crate::engine::model::{Family, Forwarding, VirtualAddress, VirtualRouter, VirtualServer};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Strict, as RFC 3704 has it: a packet is dropped unless its sender is reached by the interface that it came in on.
const STRICT: i64 = 1;

/// Services with a server of this family that is reached by NAT and is not this host itself: its replies are forwarded.
fn translated<'a>(look: &'a Look<'_>, family: Family) -> Vec<&'a VirtualServer> {
    let here = |address: IpAddr| look.addresses().any(|own| own.address == address);
    let server = |s: &VirtualServer| {
        s.real_servers.iter().any(|r| {
            let address = r.key.0.ip();
            r.forwarding == Forwarding::Nat && Family::of(address) == family && !here(address)
        })
    };
    look.configuration.virtual_servers.iter().filter(|s| server(s)).collect()
}

fn not_forwarded(look: &Look<'_>, family: Family, word: &str) -> Vec<Found> {
    let services = translated(look, family);
    if services.is_empty() {
        return Vec::new();
    }
    let names = list(services.iter().map(|service| service.key.to_string()));
    vec![Found {
        subject: word.to_owned(),
        message: format!("{word} is 0: replies of servers behind NAT are dropped here, for {names}"),
        next: format!("sysctl -w {word}=1, and the same line in /etc/sysctl.d/lvs.conf"),
    }]
}

/// `ip-forward-off`: what counts is the word of the interface that the replies come in on; when one has it, that is taken
/// to be the one.
pub(super) fn ip_forward(look: &Look<'_>) -> Vec<Found> {
    let known = !look.facts.interfaces.is_empty();
    let forwards = look.facts.interfaces.iter().any(|(name, words)| name != "lo" && words.forwarding);
    if known && !forwards { not_forwarded(look, Family::Inet, "net.ipv4.ip_forward") } else { Vec::new() }
}

/// `ip6-forward-off`: for IPv6 the word of `all` counts.
pub(super) fn ip6_forward(look: &Look<'_>) -> Vec<Found> {
    let off = look.facts.ipv6_forwarding == Some(false);
    if off { not_forwarded(look, Family::Inet6, "net.ipv6.conf.all.forwarding") } else { Vec::new() }
}

/// `rp-filter-strict`: clients come in where the virtual address is; the way back to them is the default route.
pub(super) fn rp_filter(look: &Look<'_>) -> Vec<Found> {
    let routes = &look.facts.default_routes;
    let strict = |interface: &str| effective(look.facts, interface, |words| words.rp_filter) == Some(STRICT);
    let interfaces: BTreeSet<&str> = look
        .virtual_addresses()
        .filter(|(_, address)| address.address.is_ipv4())
        .map(|(router, address)| interface_of(router, address))
        .filter(|interface| !routes.is_empty() && !routes.contains(*interface) && strict(interface))
        .filter(|interface| serves_beyond(look, interface))
        .collect();
    interfaces
        .into_iter()
        .map(|interface| Found {
            subject: interface.to_owned(),
            message: format!(
                "rp_filter is strict on {interface}, and the default route leaves by {}: clients from elsewhere that come \
                 in on {interface} are dropped",
                list(routes.iter().cloned())
            ),
            next: format!("sysctl -w net.ipv4.conf.{interface}.rp_filter=2, unless such clients are not wanted"),
        })
        .collect()
}

/// Whether a virtual address of the interface is that of a service: then clients come for it. An inner address that is
/// only a gateway for real servers is none.
fn serves_beyond(look: &Look<'_>, interface: &str) -> bool {
    look.virtual_addresses().any(|(router, address)| {
        interface_of(router, address) == interface
            && look.configuration.virtual_servers.iter().any(|s| service_address(s) == Some(address.address))
    })
}

const fn service_address(service: &VirtualServer) -> Option<IpAddr> {
    match service.key {
        crate::engine::model::ServiceKey::Address { address, .. } => Some(address.ip()),
        crate::engine::model::ServiceKey::FwMark { .. } => None,
    }
}

/// `tunnel-rp-filter`: a real server that is a director too unpacks what the master tunnels to it on `tunl0`, where the
/// way back to the client never is.
pub(super) fn tunnel_rp_filter(look: &Look<'_>) -> Vec<Found> {
    let here = |r: &crate::engine::model::RealServer| look.addresses().any(|own| own.address == r.key.0.ip());
    let tunnelled = look.configuration.virtual_servers.iter().flat_map(|s| &s.real_servers);
    let local = tunnelled.filter(|r| r.forwarding == Forwarding::Tun).any(here);
    if !local || effective(look.facts, "tunl0", |words| words.rp_filter) != Some(STRICT) {
        return Vec::new();
    }
    vec![Found {
        subject: "tunl0".to_owned(),
        message:
            "this host is a tunnelled real server, and rp_filter is strict on tunl0: what the master sends is dropped"
                .to_owned(),
        next: "sysctl -w net.ipv4.conf.tunl0.rp_filter=0 net.ipv4.conf.all.rp_filter=0".to_owned(),
    }]
}

/// `arp-flux`: another interface in the same subnet answers for the virtual address with its own hardware address.
pub(super) fn arp_flux(look: &Look<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (router, address) in look.virtual_addresses().filter(|(_, address)| address.address.is_ipv4()) {
        let interface = interface_of(router, address);
        let others: BTreeSet<&str> = look
            .addresses()
            .filter(|own| own.interface != interface && own.interface != "lo" && own.prefix < 32)
            .filter(|own| own.reaches(address.address))
            .map(|own| own.interface.as_str())
            .filter(|other| effective(look.facts, other, |words| words.arp_ignore) == Some(0))
            .filter(|other| effective(look.facts, other, |words| words.arp_filter) == Some(0))
            .collect();
        found.extend(others.into_iter().map(|other| Found {
            subject: router.name.clone(),
            message: format!(
                "{other} is in the subnet of {address} and has arp_ignore 0: it answers for the address of {interface} too, \
                 and hosts may learn either"
            ),
            next: format!("sysctl -w net.ipv4.conf.{other}.arp_ignore=1 net.ipv4.conf.{other}.arp_announce=2"),
        }));
    }
    found
}

/// `arp-answers-for-lo`: a backup that keeps the virtual address on `lo`, as a real server does, must be silent for it.
pub(super) fn arp_on_lo(look: &Look<'_>) -> Vec<Found> {
    let on_lo = |wanted: IpAddr| look.addresses().any(|own| own.interface == "lo" && own.address == wanted);
    let mut found = Vec::new();
    for (router, address) in look.virtual_addresses().filter(|(_, a)| a.address.is_ipv4() && on_lo(a.address)) {
        let interface = interface_of(router, address);
        let below = |word, least| effective(look.facts, interface, word).is_some_and(|value| value < least);
        let ignore = below(|words| words.arp_ignore, 1).then(|| format!("net.ipv4.conf.{interface}.arp_ignore=1"));
        let announce =
            below(|words| words.arp_announce, 2).then(|| format!("net.ipv4.conf.{interface}.arp_announce=2"));
        let missing: Vec<String> = ignore.into_iter().chain(announce).collect();
        if !missing.is_empty() {
            found.push(Found {
                subject: router.name.clone(),
                message: format!(
                    "{} is on lo, and {interface} may speak for it in ARP: this node takes the master's traffic as a backup",
                    address.address
                ),
                next: format!("sysctl -w {}", missing.join(" ")),
            });
        }
    }
    found
}

/// `vip-subnet`: a virtual address that is the only one of its subnet is the source of what this host sends there.
pub(super) fn vip_subnet(look: &Look<'_>) -> Vec<Found> {
    let virtual_ones: BTreeSet<IpAddr> = look.virtual_addresses().map(|(_, address)| address.address).collect();
    let mut found = Vec::new();
    for (router, address) in look.virtual_addresses() {
        let whole = if address.address.is_ipv4() { 32 } else { 128 };
        let interface = interface_of(router, address);
        let exists = look.facts.interfaces.contains_key(interface) && look.facts.addresses.is_some();
        let subnet = HostAddress { interface: String::new(), address: address.address, prefix: address.prefix };
        let own = |own: &HostAddress| {
            own.interface == interface && !virtual_ones.contains(&own.address) && subnet.reaches(own.address)
        };
        if address.prefix < whole && exists && !look.addresses().any(own) {
            found.push(Found {
                subject: router.name.clone(),
                message: format!(
                    "{interface} has no address of its own in the subnet of {address}: as master this host speaks to that \
                     subnet from the virtual address, checks too, and as backup not at all"
                ),
                next: format!(
                    "give {interface} one (ip address add ADDRESS/{} dev {interface}), or write {}/{whole}",
                    address.prefix, address.address
                ),
            });
        }
    }
    found
}

fn interface_of<'a>(router: &'a VirtualRouter, address: &'a VirtualAddress) -> &'a str {
    address.interface.as_deref().unwrap_or(&router.interface)
}

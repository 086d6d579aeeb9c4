//! Advice on how packets find their way through this host: forwarding and the reverse-path filter.

use super::facts::effective;
use super::{Found, Look, interface_of, list};
use crate::engine::model::{Family, Forwarding, RealServer, ServiceKey, Tunnel, VirtualServer};
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
        ServiceKey::Address { address, .. } => Some(address.ip()),
        ServiceKey::FwMark { .. } => None,
    }
}

/// `tunnel-rp-filter`: a real server that is a director too unpacks what the master tunnels to it on `tunl0`, where the
/// way back to the client never is.
pub(super) fn tunnel_rp_filter(look: &Look<'_>) -> Vec<Found> {
    let here = |r: &RealServer| look.addresses().any(|own| own.address == r.key.0.ip());
    let tunnelled = look.configuration.virtual_servers.iter().flat_map(|s| &s.real_servers);
    let by_ip = |r: &&RealServer| r.forwarding == Forwarding::Tun && !matches!(r.tunnel, Tunnel::Gre { .. });
    let local = tunnelled.filter(by_ip).any(here);
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

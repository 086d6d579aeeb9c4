//! Advice on how others find virtual addresses: who answers for them in ARP, and what subnet they are in.

use super::facts::{HostAddress, effective};
use super::{Found, Look, interface_of};
use std::collections::BTreeSet;
use std::net::IpAddr;

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
        // What is on a virtual interface is on the segment of the one below.
        let link = router.links.iter().find(|link| link.name == interface);
        let interface = link.map_or(interface, |link| link.base.as_str());
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

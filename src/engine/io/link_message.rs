//! A virtual interface as the payload of a route netlink message (`uapi/linux/if_link.h`): a macvlan interface with the
//! sysctls that keepalived gives one, which its traffic needs.
//!
//! Mode VEPA, where keepalived has private: a private interface takes every multicast frame from its own MAC address to
//! itself, so that a socket on the interface below would not hear another master, which sends from the same one. Either mode
//! lets no frame pass between two virtual interfaces of a host.

use crate::engine::ipvs::attribute::Builder;
use crate::engine::model::{Family, VirtualLink};

/// `IFLA_MACVLAN_MODE`, `MACVLAN_MODE_PRIVATE`, `MACVLAN_MODE_VEPA`.
const MODE: u16 = 1;
const PRIVATE: u32 = 1;
const VEPA: u32 = 2;
/// `IFLA_INET_CONF`; its attributes are `IPV4_DEVCONF_*` (`uapi/linux/ip.h`).
const INET_CONF: u16 = 1;
const RP_FILTER: u16 = 8;
const ARP_FILTER: u16 = 13;
const ARP_IGNORE: u16 = 19;
const PROMOTE_SECONDARIES: u16 = 20;
const ACCEPT_LOCAL: u16 = 23;
/// `IFLA_INET6_ADDR_GEN_MODE`, `IN6_ADDR_GEN_MODE_NONE`: no link-local address by itself.
const ADDR_GEN_MODE: u16 = 8;
const NO_ADDRESS: u8 = 1;

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// `struct ifinfomsg`: of the interface with this index, or by name where it is 0.
pub(super) fn header(index: u32, flags: u32, changed: u32) -> Vec<u8> {
    [[0; 4], index.to_ne_bytes(), flags.to_ne_bytes(), changed.to_ne_bytes()].concat()
}

/// Makes it on the interface with this index; what is there already gets the mode and the address.
pub(super) fn make(link: &VirtualLink, base: u32) -> Vec<u8> {
    in_mode(link, base, VEPA)
}

/// Gives it the mode in which keepalived makes its own: it takes up no other.
pub(super) fn leave(link: &VirtualLink, base: u32) -> Vec<u8> {
    in_mode(link, base, PRIVATE)
}

fn in_mode(VirtualLink { name, mac, .. }: &VirtualLink, base: u32, mode: u32) -> Vec<u8> {
    let mode = Builder::default().u32(MODE, mode);
    let kind = Builder::default().put(libc::IFLA_INFO_KIND, b"macvlan").nest(libc::IFLA_INFO_DATA, &mode);
    let attributes = Builder::default()
        .u32(libc::IFLA_LINK, base)
        .text(libc::IFLA_IFNAME, name)
        .put(libc::IFLA_ADDRESS, &mac.0)
        .nest(libc::IFLA_LINKINFO, &kind);
    [header(0, 0, 0), attributes.finish()].concat()
}

/// What makes it useful, message by message. One of either family answers ARP for its own addresses alone: else the host's
/// other addresses would be found at the virtual MAC address. Over IPv4 the one below does so too, and it takes packets whose way back is by the interface below; `strict`: `net.ipv4.conf.all.rp_filter`, which counts where it is
/// more than the interface's own, so that only loose filtering (2) gets around strict (1).
pub(super) fn settle(link: &VirtualLink, base: u32, all_interfaces_filter: bool) -> Vec<Vec<u8>> {
    let by_name = Builder::default().text(libc::IFLA_IFNAME, &link.name);
    let no_address = Builder::default().put(ADDR_GEN_MODE, &[NO_ADDRESS]);
    let mut messages = vec![of_family(header(0, 0, 0), by_name.clone(), AF_INET6, &no_address)];
    let conf = |conf| Builder::default().nest(INET_CONF, &conf);
    let mut own = Builder::default().u32(ARP_IGNORE, 1);
    if link.family == Family::Inet {
        own = own
            .u32(ACCEPT_LOCAL, 1)
            .u32(RP_FILTER, if all_interfaces_filter { 2 } else { 0 })
            .u32(PROMOTE_SECONDARIES, 1);
        let below = Builder::default().u32(ARP_IGNORE, 1).u32(ARP_FILTER, 1);
        messages.push(of_family(header(base, 0, 0), Builder::default(), AF_INET, &conf(below)));
    }
    messages.push(of_family(header(0, 0, 0), by_name, AF_INET, &conf(own)));
    messages
}

/// Sets an interface up or down.
pub(super) fn set(index: u32, up: bool) -> Vec<u8> {
    let flag = libc::IFF_UP.cast_unsigned();
    header(index, if up { flag } else { 0 }, flag)
}

/// Whether packets are filtered by their way back on every interface.
pub(super) fn all_interfaces_filter() -> bool {
    std::fs::read_to_string("/proc/sys/net/ipv4/conf/all/rp_filter").is_ok_and(|value| value.trim() != "0")
}

fn of_family(header: Vec<u8>, attributes: Builder, family: u16, inner: &Builder) -> Vec<u8> {
    let of_families = Builder::default().nest(family, inner);
    [header, attributes.nest(libc::IFLA_AF_SPEC, &of_families).finish()].concat()
}

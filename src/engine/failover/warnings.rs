//! What the operator should know now, and what to do about it: the words of every warning but those about addresses on
//! this host. Facts only; each ends with its cause.

use super::contest::{self, Why};
use super::core::Failover;
use super::strangers::Stranger;
use super::unled;
use crate::engine::event::{EventKind, Fact, Severity};
use crate::engine::model::VirtualRouter;
use crate::engine::snapshot::Warning;
use std::net::IpAddr;

/// Of so many things each is named.
const LISTED: usize = 8;

impl Failover {
    /// What the operator should know now; each stays until it is no longer so.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings: Vec<Warning> = self.foreign_warnings().collect();
        for router in &self.routers {
            let name = &router.config.name;
            if let (Some(error), true) = (&router.unsent, router.instance.is_master()) {
                warnings.push(advertise_refused(name, &router.config.interface, error));
            }
            if let (Some(_), Some(footing)) = (router.duplicate_until, router.footing) {
                warnings.push(duplicate_address(name, &router.config.interface, footing.source));
            }
            warnings.extend(self.borrowed_source(&router.config));
            warnings.extend(contest::warnings(router));
            warnings.extend(unled::warnings(router));
            for (source, peer) in router.peers.iter() {
                if peer.oddity.addresses {
                    warnings.push(addresses_differ(name, source, &peer.addresses, &router.advertised_addresses()));
                }
                if peer.oddity.interval {
                    warnings.push(interval_differs(name, source));
                }
                if peer.oddity.checksum {
                    warnings.push(other_checksum(name, source));
                }
            }
        }
        warnings.extend(self.track_warnings());
        warnings.extend(self.static_warnings());
        let strangers: Vec<_> = self.strangers.warned().collect();
        for heard in strangers.chunk_by(|(index, ..), (next, ..)| index == next) {
            let interface = heard.first().and_then(|(index, ..)| self.host.link(*index));
            let shares = |interface: &str, stranger: &Stranger| self.shared_address(interface, stranger);
            warnings.extend(interface.into_iter().flat_map(|link| foreign_vrids(&link.name, heard, shares)));
        }
        warnings
    }

    /// An address of a stranger that an instance of this interface has as well, and which.
    fn shared_address(&self, interface: &str, stranger: &Stranger) -> Option<(IpAddr, &VirtualRouter)> {
        let here = self.routers.iter().filter(|router| router.config.interface == interface);
        here.flat_map(|router| router.config.addresses.iter().map(|its| (its.address, &router.config)))
            .find(|(address, _)| stranger.addresses.contains(address))
    }

    /// Of an address that advertisements come from, and that is on no interface.
    fn borrowed_source(&self, router: &VirtualRouter) -> Option<Warning> {
        let source =
            router.source.filter(|source| router.transport.may_borrow(*source) && !self.host.has_anywhere(*source))?;
        let message = format!(
            "it advertises from {source}, which is on no interface: a router that filters by source drops that"
        );
        let next = "add it with `ip address add`, or correct `mcast_src_ip` or `unicast_src_ip`";
        Some(warning("borrowed-source", &router.name, message, next.to_owned()))
    }
}

/// A warning as an event, for when it begins.
pub(super) fn told(warning: Warning) -> Fact {
    Fact::new(EventKind::Warning, Severity::Warning, warning.subject).reason(warning.message).detail(warning.next)
}

pub(super) fn warning(code: &str, subject: &str, message: String, next: String) -> Warning {
    Warning { code: code.to_owned(), subject: subject.to_owned(), message, next }
}

pub(super) fn split_brain(name: &str, source: IpAddr, why: Why) -> Warning {
    let next = match why {
        Why::Refused(why) => format!("its advertisements are refused here: {why}"),
        Why::Addresses => {
            "it advertises other addresses, and may refuse this node's advertisements therefore, as keepalived does: make \
             `virtual_ipaddress` alike on all routers"
                .to_owned()
        }
        Why::Vrid(vrid) => format!(
            "{source} has an address of this instance under virtual_router_id {vrid}: make `virtual_router_id` alike on both, or take the \
             address out of one"
        ),
        Why::Stood(span) => format!(
            "this engine stood still for {:.1} s (stopped, or without a processor), and {source} took over from its silence: it \
             yields now, unless it does not hear this node",
            span.as_secs_f64()
        ),
        Why::Unheard => format!("it may not hear this node: check that IP protocol 112 gets to {source}"),
    };
    warning("split-brain", name, format!("{source} is master too: it advertises beside this node"), next)
}

pub(super) fn addresses_differ(name: &str, source: IpAddr, theirs: &[IpAddr], ours: &[IpAddr]) -> Warning {
    let (theirs, ours) = (listed(theirs), listed(ours));
    warning(
        "address-list-mismatch",
        name,
        format!("{source} advertises other virtual addresses ({theirs}) than are configured here ({ours})"),
        "make `virtual_ipaddress` alike on all routers".to_owned(),
    )
}

pub(super) fn interval_differs(name: &str, source: IpAddr) -> Warning {
    warning(
        "interval-mismatch",
        name,
        format!("{source} advertises at another interval than is configured here"),
        "make `advert_int` alike on all routers".to_owned(),
    )
}

fn advertise_refused(name: &str, interface: &str, error: &str) -> Warning {
    warning(
        "advertise-refused",
        name,
        format!("its last advertisement did not leave {interface}: {error}"),
        format!(
            "other routers may take over beside it: look at `ip -s link show {interface}` and at the firewall's output rules"
        ),
    )
}

pub(super) fn duplicate_address(name: &str, interface: &str, source: IpAddr) -> Warning {
    warning(
        "duplicate-address",
        name,
        format!("another router on {interface} advertises from {source}, which is this node's own address"),
        format!(
            "is it a clone of this node? give it an address of its own; its link layer: `arping -D -I {interface} {source}`"
        ),
    )
}

fn other_checksum(name: &str, source: IpAddr) -> Warning {
    warning(
        "checksum-form",
        name,
        format!("{source} makes its checksums without a pseudo-header (RFC 9568), this node with one (RFC 5798)"),
        format!("if {source} does not hear this node, let it use the pseudo-header as keepalived and FRR do"),
    )
}

/// A list for people: of a long one the beginning.
fn listed(addresses: &[IpAddr]) -> String {
    let mut list: Vec<String> = addresses.iter().take(LISTED).map(ToString::to_string).collect();
    if addresses.len() > LISTED {
        list.push(format!("{} more", addresses.len() - LISTED));
    }
    if list.is_empty() { "none".to_owned() } else { list.join(", ") }
}

/// One for each, and one for all where they are many: VRIDs are easily forged.
fn foreign_vrids<'a>(
    interface: &str,
    heard: &[(u32, u8, &Stranger)],
    shares: impl Fn(&str, &Stranger) -> Option<(IpAddr, &'a VirtualRouter)>,
) -> Vec<Warning> {
    let next = "nothing, if it is another cluster; otherwise correct virtual_router_id or interface";
    let told = |message| warning("foreign-vrid", interface, message, next.to_owned());
    if heard.len() > LISTED {
        let many = heard.len();
        return vec![told(format!(
            "{many} virtual routers are advertised on {interface} that are not configured here"
        ))];
    }
    let one = |(_, vrid, stranger): &(u32, u8, &Stranger)| {
        let from = stranger.source;
        if let Some((address, ours)) = shares(interface, stranger) {
            return warning(
                "foreign-vrid",
                interface,
                format!(
                    "{from} advertises virtual_router_id {vrid} on {interface} with {address}, an address of {}",
                    ours.name
                ),
                format!(
                    "make `virtual_router_id` alike on both ({} has {}), or take the address out of one",
                    ours.name, ours.vrid
                ),
            );
        }
        told(format!("{from} advertises virtual_router_id {vrid} on {interface}, which is not configured here"))
    };
    heard.iter().map(one).collect()
}

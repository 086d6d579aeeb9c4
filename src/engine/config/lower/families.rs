//! Families of services and their servers: where they have to be alike.

use super::super::diagnostic::Problem;
use super::super::schema::{Context, Entry};
use super::super::source::Span;
use super::balance::Named;
use crate::engine::model::{Family, Forwarding, ServiceKey};
use std::net::IpAddr;

/// The family of all that a service is known by; none where they have both, or a mark says none.
pub(super) fn of_one_family(named: &[Named]) -> Option<Family> {
    let family = |one: &Named| match one {
        Named::Address(address) => Some(Family::of(address.ip())),
        Named::Mark(_, family) => *family,
    };
    let first = family(named.first()?)?;
    named.iter().all(|one| family(one) == Some(first)).then_some(first)
}

/// A group of both families leaves open which one a mark is of that says none: keepalived removes the service.
pub(super) fn is_of_one_kind(
    cx: &mut Context,
    block: &Entry,
    named: &[Named],
    group: Option<&str>,
    family: Option<Family>,
) -> bool {
    let has = |family| {
        named.iter().any(|one| match one {
            Named::Address(address) => Family::of(address.ip()) == family,
            Named::Mark(_, said) => *said == Some(family),
        })
    };
    let is_open = || family.is_none() && named.iter().any(|one| matches!(one, Named::Mark(_, None)));
    let Some(group) = group.filter(|_| has(Family::Inet) && has(Family::Inet6) && is_open()) else { return true };
    let message = format!(
        "virtual_server_group {group} has both families, and a fwmark that says none; its services are left out, as \
         keepalived does"
    );
    let help = "write fwmark N inet or fwmark N inet6, ip_family in the service, or give the mark a group of its own";
    cx.report.add(Problem::warning(block.value_at(2), "mixed-families", message).help(help));
    false
}

/// Whether a server is of the family of its service, or reached by a tunnel; reported otherwise.
pub(super) fn is_reached(
    cx: &mut Context,
    key: &ServiceKey,
    word: &str,
    (address, forwarding): (IpAddr, Forwarding),
    at: Span,
) -> bool {
    let is_reached = Family::of(address) == key.family() || forwarding == Forwarding::Tun;
    if !is_reached {
        let message = format!("{word} {address} is not of the service's address family; it is left out");
        let help = "only lb_kind TUN reaches servers of the other family";
        cx.report.add(Problem::warning(at, "mixed-families", message).help(help));
    }
    is_reached
}
